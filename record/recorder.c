#include "record/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/disk_priv.h"

#define SLEEP_LIMIT_NS    (2 * 86400 * UINT64_C(1000000000))
#define SYNCS_PER_MEMORY  4  /* a digest of memory looks at all pages written since the last one */
#define BARRIERS_PER_LOOK 16 /* the host is asked for input every 1.6 ms of virtual time */

static const char *const end_text[] = {
    [END_NONE] = "running",   [END_USER] = "user",       [END_TIMEOUT] = "timeout",
    [END_TEXT] = "text",      [END_LIMIT] = "limit",     [END_POWER_OFF] = "power-off",
    [END_ASLEEP] = "asleep",  [END_ERROR] = "error",
};

const char *record_end_text(enum record_end end)
{
    return end_text[end];
}

static uint64_t host_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- the sink ---- */

static void put_events(struct recorder *r)
{
    size_t bytes = (size_t)(r->log.next - r->events);
    if (r->writer == NULL) {
        const struct event *ev = (const struct event *)r->events;
        for (; (const uint8_t *)ev < r->log.next; ev = event_after(ev))
            r->event_count[ev->kind]++;
    } else if (bytes != 0) {
        trace_put_events(r->writer, r->events, bytes);
        r->events = trace_log_memory(r->writer);
    }
    event_log_room(&r->log, r->events, TRACE_LOG_BYTES);
}

static void log_full(struct event_log *log)
{
    put_events(container_of(log, struct recorder, log));
}

static void put_text(struct recorder *r)
{
    if (r->writer != NULL && r->text.len != 0)
        trace_put_console(r->writer, 0, r->text_channel, r->text_cycle, r->text.data, r->text.len);
    buf_clear(&r->text);
}

static struct trace_digest digest_now(const struct recorder *r, struct monitor *m, bool with_memory)
{
    struct vm_digest d = monitor_digest(m, 0, with_memory);
    return (struct trace_digest){
        .step = mips_steps(m->vms[0]->cpu),
        .cycle = vm_cycle(m->vms[0]),
        .cpu = d.cpu,
        .devices = d.devices,
        .memory = d.memory,
        .has_memory = with_memory,
        .events = r->log.count,
    };
}

static void sync_trace(struct recorder *r, struct monitor *m)
{
    uint64_t step = mips_steps(m->vms[0]->cpu);
    r->next_sync = vm_cycle(m->vms[0]) + r->sync_cycles;
    if (r->writer == NULL || (step == r->sync_step && step != 0))
        return; /* the guest slept since the last one */
    r->sync_step = step;
    put_events(r);
    put_text(r);
    struct trace_digest digest = digest_now(r, m, r->syncs++ % SYNCS_PER_MEMORY == 0);
    trace_put_digest(r->writer, &digest);
}

static void put_input(struct recorder *r, const struct trace_input *in)
{
    r->inputs_total++;
    if (r->writer == NULL)
        return;
    trace_put_input(r->writer, in);
}

/* ---- the port ---- */

static void deliver(struct recorder *r, struct monitor *m, uint64_t cycle)
{
    struct vm *vm = m->vms[0];
    const struct buf *typed = consoles_typed(&r->consoles, 0);
    if (typed->len != 0 && vm_console_ready(vm, 0)) {
        size_t n = (size_t)min_u64(typed->len, vm_console_room(vm, 0));
        struct trace_input in = {
            .cycle = cycle,
            .kind = TRACE_INPUT_CONSOLE,
            .data = typed->data,
            .len = n,
        };
        if (n != 0) {
            put_input(r, &in);
            vm_console_input(vm, 0, typed->data, n);
            consoles_take(&r->consoles, 0, n);
        }
    }
    if (consoles_reset_taken(&r->consoles, 0)) {
        put_input(r, &(struct trace_input){
                         .cycle = cycle, .kind = TRACE_INPUT_POWER, .channel = POWER_RESET});
        vm_power(vm, POWER_RESET);
    }
}

static int disk_status(struct recorder *r, struct err *e)
{
    if (r->disk_error.code == 0)
        return 0;
    r->end = END_ERROR;
    ERR(e, r->disk_error.code, "%s", r->disk_error.msg);
}

/* Why the run should end now, as far as the host is concerned. */
static enum record_end look_at_host(struct recorder *r)
{
    consoles_poll(&r->consoles);
    if (consoles_quit(&r->consoles) || *r->interrupted)
        return END_USER;
    if (consoles_texts_seen(&r->consoles))
        return END_TEXT;
    if (r->deadline_ns != UINT64_MAX && host_ns() >= r->deadline_ns)
        return END_TIMEOUT;
    return END_NONE;
}

static int barrier(void *port, struct monitor *m, uint64_t cycle, struct err *e)
{
    struct recorder *r = port;
    TRY(disk_status(r, e));
    /* DETERMINISM: output is looked at on every barrier, so that a reply comes at the
     * same barrier in each recording; the host is asked now and then. */
    if (consoles_has_output(&r->consoles) || ++r->barriers >= BARRIERS_PER_LOOK) {
        r->barriers = 0;
        r->end = look_at_host(r);
        if (r->end != END_NONE)
            return PORT_STOP;
        if (r->writer != NULL)
            TRY(trace_writer_status(r->writer, e));
    }
    if (vm_cycle(m->vms[0]) >= r->next_sync)
        sync_trace(r, m);
    deliver(r, m, cycle);
    return PORT_GO;
}

/* Clocks that tick without an interrupt end a sleep for the board and not for the guest; no alarm
 * that could is farther away than a day. */
static bool asleep_for_good(struct recorder *r, struct monitor *m, uint64_t now)
{
    uint64_t steps = mips_steps(m->vms[0]->cpu);
    if (steps != r->sleep_step || r->sleep_cycle == 0) {
        r->sleep_step = steps;
        r->sleep_cycle = now;
    }
    return vm_ns_of(m->vms[0], now - r->sleep_cycle) > SLEEP_LIMIT_NS;
}

static int idle(void *port, struct monitor *m, uint64_t now, uint64_t until, uint64_t *to,
                struct err *e)
{
    struct recorder *r = port;
    TRY(disk_status(r, e));
    uint64_t epoch = m->epoch_cycles;
    r->end = look_at_host(r);
    if (r->end != END_NONE)
        return PORT_STOP;
    if (consoles_typed(&r->consoles, 0)->len != 0 && vm_console_ready(m->vms[0], 0) &&
        vm_console_room(m->vms[0], 0) != 0) {
        *to = now;
        return PORT_GO;
    }
    if (!consoles_any_live(&r->consoles)) {
        if (until == UINT64_MAX || asleep_for_good(r, m, now)) {
            r->end = END_ASLEEP;
            return PORT_STOP;
        }
        *to = until;
        return PORT_GO;
    }
    /* Somebody may type: pace to real time, a tenth of a second at a time at most, so that
     * signals and time-outs are seen. */
    if (r->writer != NULL && r->text.len != 0) {
        sync_trace(r, m);
        trace_flush(r->writer);
    }
    uint64_t left = until == UINT64_MAX ? UINT64_MAX : vm_ns_of(m->vms[0], until - now);
    uint64_t slept = consoles_wait(&r->consoles, min_u64(left, 100000000u));
    uint64_t cycles = vm_cycle_of(m->vms[0], min_u64(slept, left));
    *to = min_u64(until, now + (cycles + epoch - 1) / epoch * epoch);
    return PORT_GO;
}

static void disk_block(void *port, unsigned vm, uint32_t image, uint64_t block, uint8_t *out)
{
    struct recorder *r = port;
    const struct setup_image *im = &r->setup->images[image];
    memset(out, 0, DISK_BLOCK);
    uint64_t offset = block * DISK_BLOCK;
    size_t want = (size_t)min_u64(DISK_BLOCK, im->size - offset), done = 0;
    while (done < want) {
        ssize_t n = pread(im->fd, out + done, want - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err_set(&r->disk_error, ERR_IO, "%s: cannot read at offset %" PRIu64 ": %s",
                    im->path, offset + done,
                    n == 0 ? "the file became shorter" : strerror(errno));
            break;
        }
        done += (size_t)n;
    }
    if (r->block_seen[image][block / 8] & 1u << block % 8)
        return;
    r->block_seen[image][block / 8] |= (uint8_t)(1u << block % 8);
    struct trace_input in = {
        .vm = vm, .kind = TRACE_INPUT_DISK_BLOCK, .channel = image, .number = block,
    };
    if (r->writer != NULL)
        in.hash = trace_put_blob(r->writer, out, DISK_BLOCK);
    put_input(r, &in);
}

static void console(void *port, unsigned vm, unsigned channel, uint64_t cycle,
                    const uint8_t *bytes, size_t n)
{
    struct recorder *r = port;
    consoles_output(&r->consoles, vm, channel, bytes, n);
    if (channel != r->text_channel || r->text.len >= 16384)
        put_text(r);
    r->text_channel = channel;
    r->text_cycle = cycle;
    buf_put(&r->text, bytes, n);
}

static const struct port_ops recorder_ops = {
    .barrier = barrier,
    .idle = idle,
    .disk_block = disk_block,
    .console = console,
};

struct port recorder_port(struct recorder *r)
{
    return (struct port){.ops = &recorder_ops, .ctx = r, .log = &r->log};
}

/* ---- life ---- */

void recorder_open(struct recorder *r, const struct record_options *opt, struct setup *setup,
                   volatile sig_atomic_t *interrupted)
{
    *r = (struct recorder){.opt = opt, .setup = setup, .interrupted = interrupted};
    r->events = xmalloc(TRACE_LOG_BYTES);
    r->log = (struct event_log){.full = log_full};
    event_log_room(&r->log, r->events, TRACE_LOG_BYTES);
    for (size_t i = 0; i < setup->header.images_count; i++)
        if (setup->images[i].fd >= 0)
            r->block_seen[i] = xcalloc(setup->images[i].size / DISK_BLOCK / 8 + 1, 1);
    r->deadline_ns = UINT64_MAX;
}

int recorder_start(struct recorder *r, struct monitor *m, struct err *e)
{
    const struct record_options *opt = r->opt;
    struct setup *setup = r->setup;
    if (opt->output != NULL) {
        struct trace_writer_options options = {.overwrite = true};
        TRY(setup_output_is_free(setup, opt->output, e));
        TRY(trace_writer_open(&r->writer, opt->output, &setup->header, &options, e));
        for (size_t i = 0; i < setup->header.images_count; i++)
            if (setup->images[i].mapped != NULL)
                trace_put_image(r->writer, setup->header.images[i].hash, setup->images[i].mapped,
                                setup->images[i].size);
    }
    r->sync_cycles = vm_cycle_of(m->vms[0], 250000000u);
    r->next_sync = r->sync_cycles;
    if (opt->timeout > 0 && opt->timeout < 1e9)
        r->deadline_ns = host_ns() + (uint64_t)(opt->timeout * 1e9);
    return consoles_open(&r->consoles, &setup->cluster, e);
}

int recorder_finish(struct recorder *r, struct monitor *m, struct trace_sizes *sizes, struct err *e)
{
    consoles_poll(&r->consoles);
    put_events(r);
    put_text(r);
    int status = disk_status(r, e);
    if (r->writer == NULL)
        return status;
    struct trace_digest digest = digest_now(r, m, true);
    struct trace_end end = {
        .reason = (char *)(uintptr_t)end_text[r->end],
        .step = digest.step,
        .cycle = digest.cycle,
        .events = r->log.count,
        .digests = &digest,
        .digests_count = 1,
    };
    struct trace_writer *w = r->writer;
    r->writer = NULL;
    int closed = trace_writer_close_sizes(w, &end, sizes, e);
    memcpy(r->event_count, sizes->event_count, sizeof r->event_count);
    return status < 0 ? status : closed;
}

void recorder_close(struct recorder *r)
{
    if (r->writer != NULL)
        trace_writer_close(r->writer, NULL, NULL);
    consoles_close(&r->consoles);
    free(r->events);
    buf_free(&r->text);
    for (size_t i = 0; i < IMAGES_MAX; i++)
        free(r->block_seen[i]);
}
