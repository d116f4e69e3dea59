#include "record/recorder_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/disk_priv.h"

#define SYNCS_PER_MEMORY  4  /* a digest of memory looks at all pages written since the last one */
#define LARGE_IMAGES      (64u << 20)
#define LOOK_NS           1600000 /* of virtual time, after which the host is asked for input */

static const char *const end_text[] = {
    [END_NONE] = "running",   [END_USER] = "user",       [END_TIMEOUT] = "timeout",
    [END_TEXT] = "text",      [END_LIMIT] = "limit",     [END_POWER_OFF] = "power-off",
    [END_ASLEEP] = "asleep",  [END_ERROR] = "error",    [END_HALTED] = "halted",
};

const char *record_end_text(enum record_end end)
{
    return end_text[end];
}

uint64_t recorder_host_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- the sink ---- */

static void put_events(struct recorder *r)
{
    size_t bytes = (size_t)(r->log.next - r->events);
    if (r->starting) {
        buf_put(&r->early, r->events, bytes);
    } else if (r->writer == NULL) {
        const struct event *ev = (const struct event *)r->events;
        for (; (const uint8_t *)ev < r->log.next; ev = event_after(ev))
            r->event_count[ev->kind]++;
    } else if (bytes != 0) {
        trace_put_events(r->writer, r->events, bytes);
        r->events = trace_log_memory(r->writer);
    }
    event_log_room(&r->log, r->events, EVENT_LOG_BYTES);
}

static uint8_t *log_exchange(struct event_log *log, uint8_t *memory, const uint8_t *end,
                             uint64_t count)
{
    struct recorder *r = container_of(log, struct recorder, log);
    put_events(r); /* those before */
    log->count += count;
    trace_put_events(r->writer, memory, (size_t)(end - memory));
    return trace_log_memory(r->writer);
}

/* The events of power-on, now that it is known where they go. */
static void put_early_events(struct recorder *r)
{
    put_events(r);
    uint64_t count = r->log.count;
    r->starting = false;
    r->log.count = 0;
    r->log.exchange = r->writer != NULL ? log_exchange : NULL;
    event_log_append(&r->log, r->early.data, r->early.data + r->early.len, count);
    buf_free(&r->early);
}

static void log_full(struct event_log *log)
{
    put_events(container_of(log, struct recorder, log));
}

static void put_text(struct recorder *r, unsigned vm)
{
    struct recorder_text *t = &r->text[vm];
    if (r->writer != NULL && t->bytes.len != 0)
        trace_put_console(r->writer, vm, t->channel, t->cycle, t->bytes.data, t->bytes.len);
    buf_clear(&t->bytes);
}

static struct trace_digest digest_now(const struct recorder *r, struct monitor *m, unsigned vm,
                                      bool with_memory)
{
    struct vm_digest d = monitor_digest(m, vm, with_memory);
    return (struct trace_digest){
        .step = vm_steps(m->vms[vm]),
        .cycle = monitor_cycle(m),
        .vm = vm,
        .cpu = d.cpu,
        .devices = d.devices,
        .memory = d.memory,
        .has_memory = with_memory,
        .events = r->log.count,
    };
}

void recorder_sync(struct recorder *r, struct monitor *m)
{
    uint64_t step = monitor_position(m);
    r->next_sync = monitor_cycle(m) + r->sync_cycles;
    if (r->writer == NULL || (step == r->sync_step && step != 0))
        return; /* the guests slept since the last one */
    r->sync_step = step;
    put_events(r);
    bool with_memory = r->syncs++ % SYNCS_PER_MEMORY == 0;
    for (unsigned i = 0; i < m->vms_count; i++)
        put_text(r, i);
    if (with_memory)
        monitor_hash_memory(m);
    for (unsigned i = 0; i < m->vms_count; i++) {
        struct trace_digest digest = digest_now(r, m, i, with_memory);
        trace_put_digest(r->writer, &digest);
    }
    recorder_symbols_look(&r->symbols, m, r->writer);
}

static void put_input(struct recorder *r, const struct trace_input *in)
{
    r->inputs_total++;
    if (r->writer == NULL)
        return;
    trace_put_input(r->writer, in);
}

/* A block that was read for the first time. */
static struct trace_hash put_block(void *ctx, unsigned vm, uint32_t image, uint64_t block,
                                   const uint8_t *content)
{
    struct recorder *r = ctx;
    struct trace_input in = {
        .vm = vm, .kind = TRACE_INPUT_DISK_BLOCK, .channel = image, .number = block};
    in.hash = r->writer != NULL ? trace_put_blob(r->writer, content, DISK_BLOCK)
                                : trace_hash_of(content, DISK_BLOCK);
    put_input(r, &in);
    return in.hash;
}

/* ---- the port ---- */

/* A BREAK waits until the guest has taken all that was typed before it. */
bool recorder_can_deliver(const struct recorder *r, const struct vm *vm)
{
    struct consoles_typed typed = consoles_typed(&r->consoles, vm->index);
    return (typed.n != 0 || typed.brk) && vm_console_ready(vm, 0) &&
           vm_console_room(vm, 0) >= (typed.brk ? CONSOLE_QUEUE : 1);
}

static void deliver_typed(struct recorder *r, struct vm *vm, uint64_t cycle)
{
    struct consoles_typed typed = consoles_typed(&r->consoles, vm->index);
    if (typed.brk) {
        put_input(r, &(struct trace_input){
                         .cycle = cycle, .vm = vm->index, .kind = TRACE_INPUT_BREAK});
        vm_console_break(vm, 0);
        consoles_take_break(&r->consoles, vm->index);
        return;
    }
    size_t n = (size_t)min_u64(typed.n, vm_console_room(vm, 0));
    put_input(r, &(struct trace_input){
                     .cycle = cycle,
                     .vm = vm->index,
                     .kind = TRACE_INPUT_CONSOLE,
                     .data = (uint8_t *)(uintptr_t)typed.bytes,
                     .len = n,
                 });
    vm_console_input(vm, 0, typed.bytes, n);
    consoles_take(&r->consoles, vm->index, n);
}

static void deliver(struct recorder *r, struct vm *vm, uint64_t cycle)
{
    if (recorder_can_deliver(r, vm))
        deliver_typed(r, vm, cycle);
    if (consoles_reset_taken(&r->consoles, vm->index)) {
        put_input(r, &(struct trace_input){.cycle = cycle,
                                           .vm = vm->index,
                                           .kind = TRACE_INPUT_POWER,
                                           .channel = POWER_RESET});
        vm_power(vm, POWER_RESET);
    }
}

static void deliver_frames(struct recorder *r, struct monitor *m, uint64_t cycle)
{
    for (struct gateway_frame f; gateways_next(r->gateways, &f); gateways_take(r->gateways)) {
        put_input(r, &(struct trace_input){.cycle = cycle,
                                           .kind = TRACE_INPUT_FRAME,
                                           .channel = f.network,
                                           .data = f.bytes,
                                           .len = f.len});
        monitor_frame(m, f.network, f.bytes, f.len);
    }
}

int recorder_host_status(struct recorder *r, struct err *e)
{
    int result = disk_log_status(&r->disks, e);
    if (result == 0 && memory_is_short())
        result = err_set(e, ERR_LIMIT, "out of memory; the run ends here");
    if (result < 0)
        r->end = END_ERROR;
    return result;
}

enum record_end recorder_look_at_host(struct recorder *r)
{
    consoles_poll(&r->consoles);
    gateways_poll(r->gateways);
    if (consoles_quit(&r->consoles) || *r->interrupted)
        return END_USER;
    if (consoles_texts_seen(&r->consoles))
        return END_TEXT;
    if (r->deadline_ns != UINT64_MAX && recorder_host_ns() >= r->deadline_ns)
        return END_TIMEOUT;
    return END_NONE;
}

/* All that can be paged out was: what is left are frames on the network and firmware. */
static int check_pool(struct recorder *r, const struct monitor *m, struct err *e)
{
    if (!m->reclaim.pressed)
        return 0;
    uint64_t pool = m->memory.pool_pages, used = memory_in_use(&m->memory);
    if (used <= pool)
        return 0;
    r->end = END_ERROR;
    ERR(e, ERR_LIMIT,
        "machine memory of %" PRIu64 " MiB cannot hold the %" PRIu64 " KiB that must stay in it "
        "(frames on the networks, firmware, VMs that are halted); set \"memory\" of the machine higher",
        pool >> (20 - PAGE_BITS), used << (PAGE_BITS - 10));
}

static int barrier(void *port, struct monitor *m, uint64_t cycle, struct err *e)
{
    struct recorder *r = port;
    disk_log_put(&r->disks, put_block, r);
    TRY(recorder_host_status(r, e));
    TRY(check_pool(r, m, e));
    /* DETERMINISM: output is looked at on every barrier, so that a reply comes at the
     * same barrier in each recording; the host is asked now and then. */
    if (consoles_has_output(&r->consoles) || gateways_sent(r->gateways) ||
        cycle >= r->next_look) {
        r->next_look = cycle + vm_cycle_of(m->vms[0], LOOK_NS);
        r->end = recorder_look_at_host(r);
        if (r->end != END_NONE)
            return PORT_STOP;
        if (r->writer != NULL)
            TRY(trace_writer_status(r->writer, e));
    }
    if (monitor_cycle(m) >= r->next_sync)
        recorder_sync(r, m);
    if (m->vms_count > 1 && monitor_position(m) >= r->opt->stop_after) {
        r->end = END_LIMIT;
        return PORT_STOP;
    }
    if (recorder_keep_pace(r, m, cycle) == PORT_STOP)
        return PORT_STOP;
    for (unsigned i = 0; i < m->vms_count; i++)
        deliver(r, m->vms[i], cycle);
    halted_tell(&r->halted, m);
    deliver_frames(r, m, cycle);
    return PORT_GO;
}

/* On the VM's thread. */
static void disk_block(void *port, unsigned vm, uint32_t image, uint64_t block, uint8_t *out)
{
    struct recorder *r = port;
    disk_log_read(&r->disks, vm, image, block, out);
}

static void console(void *port, unsigned vm, unsigned channel, uint64_t cycle,
                    const uint8_t *bytes, size_t n)
{
    struct recorder *r = port;
    struct recorder_text *t = &r->text[vm];
    consoles_output(&r->consoles, vm, channel, bytes, n);
    if (channel != t->channel || t->bytes.len >= 16384)
        put_text(r, vm);
    t->channel = channel;
    t->cycle = cycle;
    buf_put(&t->bytes, bytes, n);
}

static void frame(void *port, unsigned network, bool towards, uint64_t ns,
                  const struct net_frame *f, const struct net_pages *pages)
{
    struct recorder *r = port;
    struct capture_point at = {&r->captures, network, ns};
    if (!towards && r->captures.count != 0)
        net_wire_each(&r->wire, f, pages, captures_put, &at);
}

static void outside(void *port, unsigned network, const struct net_frame *f,
                    const struct net_pages *pages)
{
    struct recorder *r = port;
    gateways_send(r->gateways, network, f, pages);
}

static bool spare(void *port)
{
    struct recorder *r = port;
    return r->writer != NULL && trace_writer_help(r->writer);
}

static bool overdue(void *port)
{
    struct recorder *r = port;
    return r->writer != NULL && trace_writer_catch_up(r->writer);
}

static const struct port_ops recorder_ops = {
    .barrier = barrier,
    .idle = recorder_idle,
    .disk_block = disk_block,
    .console = console,
    .frame = frame,
    .outside = outside,
    .spare = spare,
    .overdue = overdue,
};

struct port recorder_port(struct recorder *r)
{
    return (struct port){.ops = &recorder_ops, .ctx = r, .log = &r->log};
}

/* ---- life ---- */

void recorder_open(struct recorder *r, const struct record_options *opt, struct setup *setup,
                   volatile sig_atomic_t *interrupted)
{
    *r = (struct recorder){
        .opt = opt, .setup = setup, .interrupted = interrupted, .starting = true};
    r->events = xmalloc(EVENT_LOG_BYTES);
    r->log = (struct event_log){.full = log_full};
    event_log_room(&r->log, r->events, EVENT_LOG_BYTES);
    disk_log_init(&r->disks, setup);
    r->deadline_ns = UINT64_MAX;
}

static int open_captures(struct recorder *r, struct err *e)
{
    const struct monitor_config *config = &r->setup->config;
    captures_init(&r->captures, config->vms[0].wall_clock);
    for (size_t i = 0; i < r->opt->pcaps_count; i++) {
        const struct pcap_option *p = &r->opt->pcaps[i];
        unsigned network = config_network(config, p->network);
        if (network == config->networks_count)
            ERR(e, ERR_USAGE, "--pcap: there is no network \"%s\"", p->network);
        TRY(captures_add(&r->captures, network, p->path, e));
    }
    return 0;
}

static int open_trace(struct recorder *r, struct err *e)
{
    const struct setup *s = r->setup;
    struct trace_writer_options options = {.overwrite = r->opt->output_given};
    if (r->opt->output == NULL)
        return 0;
    TRY(trace_writer_open(&r->writer, r->opt->output, &s->header, &options, e));
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->header.images_count; i++) {
        const struct image_copy *copy = &s->images[i].copy;
        if (copy->data == NULL)
            continue;
        trace_put_image(r->writer, copy->hash, copy->data, copy->size);
        bytes += copy->size;
    }
    if (bytes > LARGE_IMAGES)
        trace_drain(r->writer);
    return 0;
}

int recorder_start(struct recorder *r, struct monitor *m, struct err *e)
{
    const struct record_options *opt = r->opt;
    TRY(gateways_open(&r->gateways, &r->setup->cluster, e));
    TRY(open_captures(r, e));
    TRY(consoles_open(&r->consoles, &r->setup->cluster, e));
    r->consoles.ending = &m->interrupted;
    TRY(open_trace(r, e)); /* last, as it replaces an older one */
    r->sync_cycles = vm_cycle_of(m->vms[0], 250000000u);
    r->next_sync = r->sync_cycles;
    put_early_events(r);
    if (opt->timeout > 0 && opt->timeout < TIMEOUT_NONE)
        r->deadline_ns = recorder_host_ns() + (uint64_t)(opt->timeout * 1e9);
    return 0;
}

struct write_back {
    const struct setup_image *image;
    struct err *e;
};

static bool write_block(void *ctx, uint64_t block, const uint8_t *bytes)
{
    const struct write_back *w = ctx;
    uint64_t offset = block * DISK_BLOCK;
    size_t want = (size_t)min_u64(DISK_BLOCK, w->image->size - offset), done = 0;
    while (done < want) {
        ssize_t n = pwrite(w->image->fd, bytes + done, want - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err_set(w->e, ERR_IO, "%s: cannot write at offset %" PRIu64 ": %s", w->image->path,
                    offset + done, strerror(errno));
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* What the guests wrote to persistent disks. */
static int write_back(const struct recorder *r, const struct monitor *m, struct err *e)
{
    struct err first = {0};
    for (unsigned i = 0; i < m->vms_count; i++)
        for (unsigned d = 0; d < m->vms[i]->disks_count; d++) {
            const struct disk *disk = m->vms[i]->disks[d];
            struct write_back w = {&r->setup->images[disk->config.image], &first};
            if (disk->config.persistent)
                disk_each_written(disk, write_block, &w);
        }
    return first.code == 0 ? 0 : err_set(e, first.code, "%s", first.msg);
}

int recorder_finish(struct recorder *r, struct monitor *m, struct trace_sizes *sizes, struct err *e)
{
    consoles_poll(&r->consoles);
    put_events(r);
    disk_log_put(&r->disks, put_block, r);
    for (unsigned i = 0; i < m->vms_count; i++)
        put_text(r, i);
    int status = recorder_host_status(r, e);
    if (status == 0)
        status = write_back(r, m, e);
    if (status == 0)
        disk_log_warn(&r->disks);
    int captured = captures_close(&r->captures, e);
    status = status < 0 ? status : captured;
    if (r->writer == NULL)
        return status;
    recorder_symbols_finish(&r->symbols, m, r->writer);
    struct trace_digest digests[VMS_MAX];
    for (unsigned i = 0; i < m->vms_count; i++) {
        digests[i] = digest_now(r, m, i, true);
        digests[i].cycle = m->vms[i]->defect ? UINT64_MAX : vm_cycle(m->vms[i]);
    }
    struct trace_end end = {
        .reason = (char *)(uintptr_t)end_text[r->end],
        .step = monitor_position(m),
        .cycle = monitor_cycle(m),
        .events = r->log.count,
        .digests = digests,
        .digests_count = m->vms_count,
    };
    struct trace_writer *w = r->writer;
    r->writer = NULL;
    int closed = trace_writer_close_sizes(w, disk_log_differs(&r->disks) ? NULL : &end, sizes, e);
    memcpy(r->event_count, sizes->event_count, sizeof r->event_count);
    return status < 0 ? status : closed;
}

void recorder_close(struct recorder *r)
{
    if (r->writer != NULL)
        trace_writer_close(r->writer, NULL, NULL);
    consoles_close(&r->consoles);
    free(r->events);
    buf_free(&r->early);
    captures_close(&r->captures, NULL);
    net_wire_free(&r->wire);
    gateways_close(r->gateways);
    for (unsigned i = 0; i < VMS_MAX; i++) {
        buf_free(&r->text[i].bytes);
    }
    disk_log_free(&r->disks);
}
