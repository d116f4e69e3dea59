#include "replay/replayer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/disk_priv.h"

#define EARLY_BYTES (64u << 10)

struct disk_block_ref {
    uint32_t image;
    uint64_t block;
    struct trace_hash hash;
};

/* ---- divergence ---- */

/* Events come from power-on, too, while the monitor is still being made. */
static void halt(struct replayer *r)
{
    if (r->monitor != NULL)
        monitor_halt(r->monitor);
}

static void fail(struct replayer *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail(struct replayer *r, const char *fmt, ...)
{
    char what[sizeof r->error.msg];
    if (r->error.code != 0)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    err_set(&r->error, ERR_DIVERGED, "%s", what);
    halt(r);
}

static uint64_t step_now(const struct replayer *r)
{
    return monitor_position(r->monitor);
}

/* ---- the sink ---- */

/* The events of a batch. Where one follows the other, they are decoded ahead. */
static const struct event *next_batch(struct replayer *r, size_t batch)
{
    const struct event *events = NULL;
    bool in_order = batch == r->last_batch + 1;
    r->last_batch = batch;
    if (in_order && r->lookahead != NULL)
        events = lookahead_take(r->lookahead, batch);
    if (in_order && events == NULL && !r->no_lookahead) {
        lookahead_stop(r->lookahead);
        r->lookahead = lookahead_start(r->reader, batch);
        r->no_lookahead = r->lookahead == NULL;
        if (r->lookahead != NULL)
            events = lookahead_take(r->lookahead, batch);
    }
    return events != NULL ? events : trace_reader_packed(r->reader, batch, &r->error);
}

/* Makes the trace's event number `n` the expected one. False with r->error set. */
static bool expect_event(struct replayer *r, uint64_t n)
{
    if (r->expected_left != 0 && r->expected_number == n)
        return true;
    size_t lo = 0, hi = r->batches_count;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (r->batches[mid].first <= n)
            lo = mid;
        else
            hi = mid;
    }
    r->expected_left = 0;
    r->expected = next_batch(r, lo);
    if (r->expected == NULL) {
        halt(r);
        return false;
    }
    r->expected_left = r->batches[lo].count;
    for (r->expected_number = r->batches[lo].first; r->expected_number < n; r->expected_number++) {
        r->expected = event_after(r->expected);
        r->expected_left--;
    }
    return true;
}

static inline void expected_came(struct replayer *r)
{
    r->at.event++;
    r->expected = event_after(r->expected);
    r->expected_number++;
    r->expected_left--;
}

const struct event *replayer_look(struct replayer *r, size_t batch)
{
    struct err ignored = {0};
    r->expected_left = 0; /* the reader keeps few batches: the expected one may go */
    return trace_reader_events(r->reader, batch, &ignored);
}

/* All but an event that is as expected, in a batch that is there. */
static void compare_with_care(struct replayer *r)
{
    char mine[200], theirs[200];
    /* Who is interrupted in the midst of an epoch tells its events in another order. */
    if (r->detached || r->error.code != 0 || (r->monitor != NULL && r->monitor->interrupted))
        return;
    if (r->at.event >= r->events_count) {
        event_print(mine, sizeof mine, &r->produced);
        if (trace_reader_cut(r->reader) == NULL)
            fail(r, "event %" PRIu64 " is beyond the recorded ones; replayed: %s", r->at.event,
                 mine);
        return;
    }
    if (!expect_event(r, r->at.event))
        return;
    if (!event_equal(r->expected, &r->produced)) {
        event_print(theirs, sizeof theirs, r->expected);
        event_print(mine, sizeof mine, &r->produced);
        fail(r, "event %" PRIu64 " differs; recorded: %s; replayed: %s", r->at.event, theirs,
             mine);
        return;
    }
    expected_came(r);
}

static void compare_event(struct event_log *log)
{
    struct replayer *r = container_of(log, struct replayer, log);
    event_log_room(log, &r->produced, sizeof r->produced);
    if (LIKELY(r->expected_left != 0 && r->expected_number == r->at.event &&
               event_equal(r->expected, &r->produced) && r->error.code == 0 && !r->detached))
        expected_came(r);
    else
        compare_with_care(r);
}

/* Events of power-on: they are compared together, because the first batch is still being decoded
 * while the machines are made. */
static void compare_early(struct event_log *log)
{
    struct replayer *r = container_of(log, struct replayer, log);
    const struct event *ev = (const struct event *)r->early;
    for (; (const uint8_t *)ev < log->next; ev = event_after(ev)) {
        r->produced = event_unpack(ev);
        compare_with_care(r);
    }
    event_log_room(log, r->early, EARLY_BYTES);
}

/* ---- the port ---- */

static void compare_digest(struct replayer *r, const struct trace_digest *want)
{
    if (want->has_memory)
        monitor_hash_memory(r->monitor);
    struct vm_digest have = monitor_digest(r->monitor, want->vm, want->has_memory);
    struct vm *vm = r->monitor->vms[want->vm];
    const char *what = vm_steps(vm) != want->step ? "position"
                       : have.cpu != want->cpu           ? "processor"
                       : have.devices != want->devices   ? "devices"
                       : want->has_memory && have.memory != want->memory ? "memory"
                       : r->at.event != want->events                     ? "number of events"
                                                                         : NULL;
    if (what != NULL)
        fail(r,
             "%s: digest of the %s differs at cycle %" PRIu64 "; recorded: step %" PRIu64
             " cpu %016" PRIx64 " devices %016" PRIx64 " memory %016" PRIx64 " events %" PRIu64
             "; replayed: step %" PRIu64 " cpu %016" PRIx64 " devices %016" PRIx64
             " memory %016" PRIx64 " events %" PRIu64,
             vm->config->name, what, want->cycle, want->step, want->cpu, want->devices, want->memory, want->events,
             vm_steps(vm), have.cpu, have.devices, have.memory, r->at.event);
}

static void deliver(struct replayer *r, const struct trace_input *in)
{
    struct vm *vm = r->monitor->vms[in->vm];
    switch (in->kind) {
    case TRACE_INPUT_CONSOLE:
        vm_console_input(vm, in->channel, in->data, in->len);
        break;
    case TRACE_INPUT_BREAK:
        vm_console_break(vm, in->channel);
        break;
    case TRACE_INPUT_POWER:
        vm_power(vm, in->channel);
        break;
    case TRACE_INPUT_FRAME:
        monitor_frame(r->monitor, in->channel, in->data, in->len);
        break;
    default: /* disk blocks are fetched when they are read */
        break;
    }
}

static int verdict(struct replayer *r, struct err *e)
{
    if (r->error.code == 0)
        return PORT_GO;
    return err_set(e, r->error.code, "%s", r->error.msg);
}

static bool skip_disk_blocks(struct replayer *r)
{
    while (r->at.input < r->inputs_count && r->inputs[r->at.input].kind == TRACE_INPUT_DISK_BLOCK)
        r->at.input++;
    return r->at.input < r->inputs_count;
}

static int barrier(void *port, struct monitor *m, uint64_t cycle, struct err *e)
{
    struct replayer *r = port;
    if (r->detached)
        return PORT_GO;
    uint64_t now = monitor_cycle(m);
    while (r->at.digest < r->digests_count && r->digests[r->at.digest].cycle <= now &&
           r->error.code == 0)
        compare_digest(r, &r->digests[r->at.digest++]);
    while (skip_disk_blocks(r) && r->inputs[r->at.input].cycle <= cycle && r->error.code == 0) {
        const struct trace_input *in = &r->inputs[r->at.input++];
        if (in->cycle != cycle)
            fail(r, "the input recorded for cycle %" PRIu64 " came up at %" PRIu64, in->cycle,
                 cycle);
        else
            deliver(r, in);
    }
    return verdict(r, e);
}

static int idle(void *port, struct monitor *m, uint64_t now, uint64_t until, uint64_t *to,
                struct err *e)
{
    struct replayer *r = port;
    uint64_t next = until;
    if (!r->detached) {
        if (skip_disk_blocks(r))
            next = min_u64(next, r->inputs[r->at.input].cycle);
        if (r->at.digest < r->digests_count)
            next = min_u64(next, r->digests[r->at.digest].cycle);
        next = min_u64(next, r->end_cycle);
    }
    if (next == UINT64_MAX)
        return PORT_STOP;
    *to = max_u64(now, next / m->epoch_cycles * m->epoch_cycles);
    return verdict(r, e);
}

static int compare_refs(const void *a, const void *b)
{
    const struct disk_block_ref *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

/* On the VM's thread. */
static void disk_block(void *port, unsigned vm, uint32_t image, uint64_t block, uint8_t *out)
{
    struct replayer *r = port;
    struct disk_block_ref key = {.image = image, .block = block};
    const struct disk_block_ref *ref = r->blocks_count == 0
                                     ? NULL
                                     : bsearch(&key, r->blocks, r->blocks_count, sizeof key,
                                               compare_refs);
    uint8_t *data = NULL;
    size_t n = 0;
    memset(out, 0, DISK_BLOCK);
    pthread_mutex_lock(&r->lock);
    if (ref == NULL)
        fail(r, "vm%u reads block %" PRIu64 " of %s, which was not read when recorded", vm, block,
             r->header->images[image].name);
    else if (trace_reader_blob(r->reader, ref->hash, &data, &n, &r->error) < 0)
        halt(r);
    else
        memcpy(out, data, min_u64(n, DISK_BLOCK));
    pthread_mutex_unlock(&r->lock);
    free(data);
}

/* The text is kept once, as the replay first gets to it. */
static void console(void *port, unsigned vm, unsigned channel, uint64_t cycle,
                    const uint8_t *bytes, size_t n)
{
    struct replayer *r = port;
    (void)cycle;
    if (r->detached || (channel != 0 && channel != 3))
        return;
    bool is_new = r->at.console[vm] == r->console[vm].len;
    r->at.console[vm] += n;
    if (!is_new)
        return;
    buf_put(&r->console[vm], bytes, n);
    if (vm == 0 && r->on_console != NULL)
        r->on_console(r->console_ctx, bytes, n);
}

static void frame(void *port, unsigned network, bool towards, uint64_t ns,
                  const struct net_frame *f, const struct net_pages *pages)
{
    struct replayer *r = port;
    struct capture_point at = {r->captures, network, ns};
    if (!towards && r->captures != NULL)
        net_wire_each(&r->wire, f, pages, captures_put, &at);
}

size_t replayer_console_length(const struct replayer *r, unsigned vm)
{
    return r->at.console[vm];
}

static const struct port_ops replayer_ops = {
    .barrier = barrier,
    .idle = idle,
    .disk_block = disk_block,
    .console = console,
    .frame = frame,
};

/* ---- life ---- */

static int create_monitor(struct replayer *r, const struct monitor_config *cfg, struct err *e)
{
    struct port port = {.ops = &replayer_ops, .ctx = r, .log = &r->log};
    r->early = xmalloc(EARLY_BYTES);
    r->log = (struct event_log){.full = compare_early};
    event_log_room(&r->log, r->early, EARLY_BYTES);
    int result = monitor_create(&r->monitor, cfg, &port, e);
    if (result == 0)
        compare_early(&r->log);
    r->log.full = compare_event;
    event_log_room(&r->log, &r->produced, sizeof r->produced);
    free(r->early);
    return result;
}

/* How far the trace goes: to its end record, or if it is cut to its last digest. */
static void find_end(struct replayer *r)
{
    const struct trace_end *end = trace_reader_end(r->reader);
    if (end != NULL) {
        r->end_cycle = end->cycle;
        r->end_step = end->step;
    } else if (r->digests_count != 0) {
        r->end_cycle = r->digests[r->digests_count - 1].cycle;
        r->end_step = r->digests[r->digests_count - 1].step;
    }
}

/* Several VMs may each have stopped in the midst of the last epoch. */
static void set_ends(struct replayer *r)
{
    const struct trace_end *end = trace_reader_end(r->reader);
    for (size_t i = 0; end != NULL && r->header->vms_count > 1 && i < end->digests_count; i++)
        monitor_set_end(r->monitor, end->digests[i].vm, end->digests[i].cycle);
}

static bool frame_can_be(const struct trace_header *h, const struct trace_input *in)
{
    return in->channel < h->networks_count && h->networks[in->channel].gateway &&
           in->len >= NET_HEADER && in->len <= NET_FRAME_MAX;
}

static int check_inputs(struct replayer *r, struct err *e)
{
    r->blocks = xcalloc(r->inputs_count + 1, sizeof r->blocks[0]);
    for (size_t i = 0; i < r->inputs_count; i++) {
        const struct trace_input *in = &r->inputs[i];
        bool block = in->kind == TRACE_INPUT_DISK_BLOCK, frame = in->kind == TRACE_INPUT_FRAME;
        if (frame && !frame_can_be(r->header, in))
            ERR(e, ERR_FORMAT, "%s: input %zu: no such frame can come from outside", r->path, i);
        if ((block && in->channel >= r->header->images_count) ||
            (in->kind == TRACE_INPUT_POWER && in->channel > POWER_HALT) ||
            in->kind == TRACE_INPUT_BALLOON)
            ERR(e, ERR_FORMAT, "%s: input %zu is of a kind that this version does not know",
                r->path, i);
        if (block)
            r->blocks[r->blocks_count++] =
                (struct disk_block_ref){in->channel, in->number, in->hash};
    }
    qsort(r->blocks, r->blocks_count, sizeof r->blocks[0], compare_refs);
    return 0;
}

int replayer_open(struct replayer *r, const char *path, uint64_t snapshot_bytes, struct err *e)
{
    *r = (struct replayer){0};
    TRY(trace_reader_open(&r->reader, path, false, e));
    r->path = xstrdup(path);
    pthread_mutex_init(&r->lock, NULL);
    r->header = trace_reader_header(r->reader);
    r->inputs = trace_reader_inputs(r->reader, &r->inputs_count);
    r->digests = trace_reader_digests(r->reader, &r->digests_count);
    r->batches_count = trace_reader_batches(r->reader, &r->batches);
    r->events_count = trace_reader_event_count(r->reader);
    find_end(r);
    r->last_batch = SIZE_MAX;
    r->lookahead = lookahead_start(r->reader, 0);
    r->no_lookahead = r->lookahead == NULL;
    struct monitor_config cfg = {.snapshot_memory = snapshot_bytes};
    int result = check_inputs(r, e);
    if (result == 0)
        result = replayer_fill_config(r, &cfg, e);
    if (result == 0)
        result = create_monitor(r, &cfg, e);
    if (result == 0)
        set_ends(r);
    else
        replayer_close(r);
    return result;
}

void replayer_close(struct replayer *r)
{
    if (r->monitor != NULL)
        monitor_destroy(r->monitor);
    for (size_t i = 0; r->images != NULL && i < r->header->images_count; i++)
        free(r->images[i].data);
    free(r->images);
    for (size_t i = 0; i < r->names_count; i++)
        free(r->names[i]);
    pthread_mutex_destroy(&r->lock);
    free(r->path);
    free(r->blocks);
    for (unsigned i = 0; i < VMS_MAX; i++)
        buf_free(&r->console[i]);
    net_wire_free(&r->wire);
    lookahead_stop(r->lookahead);
    trace_reader_close(r->reader);
}

void replayer_seek_cursor(struct replayer *r, const struct replay_cursor *at)
{
    r->at = *at;
}

/* ---- running ---- */

bool replayer_at_end(const struct replayer *r)
{
    const struct monitor *m = r->monitor;
    if (monitor_is_last_epoch(m) && !r->detached)
        return monitor_is_at_end(m);
    if (m->vms_count > 1 && m->turn != 0)
        return false; /* the others come up to there, too */
    return monitor_cycle(m) >= r->end_cycle || monitor_all_off(m);
}

enum run_stop replayer_run(struct replayer *r, uint64_t until_step, bool pass)
{
    return replayer_run_vm(r, until_step, 0, UINT64_MAX, pass);
}

enum run_stop replayer_run_vm(struct replayer *r, uint64_t until_step, unsigned vm,
                              uint64_t vm_step, bool pass)
{
    struct run_limit limit = {
        .step = until_step,
        .cycle = r->detached || monitor_is_last_epoch(r->monitor) ? UINT64_MAX : r->end_cycle,
        .vm = vm + 1,
        .vm_step = vm_step,
        .pass = pass,
    };
    uint64_t before = step_now(r);
    enum run_stop stop = monitor_run(r->monitor, &limit, &r->error);
    r->steps_run += step_now(r) - before;
    /* DETERMINISM: a power command may be the last thing, at the cycle where the trace ends. */
    if (stop == RUN_LIMIT && !r->detached && r->at.event < r->events_count &&
        trace_reader_end(r->reader) != NULL && monitor_cycle(r->monitor) >= r->end_cycle)
        stop = monitor_settle(r->monitor, &r->error);
    return r->error.code != 0 ? RUN_FAILED : stop;
}

bool replayer_check_end(struct replayer *r)
{
    const struct trace_end *end = trace_reader_end(r->reader);
    if (r->error.code != 0)
        return false;
    while (r->at.digest < r->digests_count && r->error.code == 0)
        compare_digest(r, &r->digests[r->at.digest++]);
    if (end == NULL)
        return r->error.code == 0;
    for (size_t i = 0; i < end->digests_count && r->error.code == 0; i++)
        compare_digest(r, &end->digests[i]);
    if (r->at.event != r->events_count)
        fail(r, "the replay ended at step %" PRIu64 " after %" PRIu64 " events; recorded: %" PRIu64,
             step_now(r), r->at.event, r->events_count);
    if (skip_disk_blocks(r))
        fail(r, "the replay ended at step %" PRIu64 " before the input of cycle %" PRIu64,
             step_now(r), r->inputs[r->at.input].cycle);
    return r->error.code == 0;
}
