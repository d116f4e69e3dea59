/*
 * MEMORY comes once per VM and POOL once for each sample, but nothing says in
 * which order the logs of the VMs are merged. So the n-th of each are put
 * together, and what the pages did so far is taken at the POOL.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "traces/memory_log.h"
#include "traces/page_users.h"

/* More pages than any machine has; sums of all VMs stay below 2^53. */
#define PAGES_LIMIT (UINT64_C(1) << 40)
/* A small file can hold events without end. */
#define SAMPLES_MAX    (1u << 20)
#define VM_SAMPLES_MAX (1u << 22)

const char *const memory_log_states[MEMORY_LOG_STATES] = {"high", "soft", "hard", "low"};

/* The samples of one VM, before they are put together. */
struct series {
    struct memory_pages *at;
    size_t n, cap;
};

/* The last page that came to be shared: two kinds of events may tell of it. */
struct last_shared {
    uint64_t ppn, mpn;
    uint8_t kind; /* EVENT_KINDS: none */
};

struct collector {
    struct memory_log *log;
    const char *path;
    struct series *series;    /* by VM */
    struct last_shared *last; /* by VM */
    struct page_users users;
    size_t vm_samples; /* of all VMs */
    size_t cap;        /* of log->sample */
};

static uint64_t sum_saturated(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static int check_pages(const struct collector *c, const struct event *ev, unsigned args,
                       struct err *e)
{
    for (unsigned i = 0; i < args; i++)
        if (ev->arg[i] > PAGES_LIMIT)
            ERR(e, ERR_FORMAT,
                "%s: step %" PRIu64 " of VM %u: a sample of memory with %" PRIu64
                " pages cannot be true",
                c->path, ev->step, ev->vm, ev->arg[i]);
    return 0;
}

static int collect_memory(struct collector *c, const struct event *ev, struct err *e)
{
    struct series *s = &c->series[ev->vm];
    TRY(check_pages(c, ev, 6, e));
    if (++c->vm_samples > VM_SAMPLES_MAX || s->n == SAMPLES_MAX)
        ERR(e, ERR_LIMIT, "%s: more samples of memory than can be shown (%u for all VMs)", c->path,
            VM_SAMPLES_MAX);
    if (s->n == s->cap) {
        s->cap = s->cap == 0 ? 64 : 2 * s->cap;
        s->at = xrealloc(s->at, s->cap * sizeof *s->at);
    }
    s->at[s->n++] = (struct memory_pages){ev->arg[0], ev->arg[1], ev->arg[2],
                                          ev->arg[3], ev->arg[4], ev->arg[5]};
    return 0;
}

static int collect_pool(struct collector *c, const struct event *ev, struct err *e)
{
    struct memory_log *log = c->log;
    TRY(check_pages(c, ev, 3, e));
    uint64_t before = log->samples == 0 ? 0 : log->sample[log->samples - 1].ns;
    if (ev->arg[3] >= MEMORY_LOG_STATES)
        ERR(e, ERR_FORMAT, "%s: step %" PRIu64 ": there is no state of reclaim %" PRIu64, c->path,
            ev->step, ev->arg[3]);
    if (ev->arg[4] < before)
        ERR(e, ERR_FORMAT,
            "%s: step %" PRIu64 ": the sample of memory at %" PRIu64 " ns comes after %" PRIu64
            " ns",
            c->path, ev->step, ev->arg[4], before);
    if (log->samples == SAMPLES_MAX)
        ERR(e, ERR_LIMIT, "%s: more than %u samples of memory", c->path, SAMPLES_MAX);
    if (log->samples == c->cap) {
        c->cap = c->cap == 0 ? 64 : 2 * c->cap;
        log->sample = xrealloc(log->sample, c->cap * sizeof *log->sample);
    }
    log->sample[log->samples++] = (struct memory_sample){
        .pool = ev->arg[0],
        .used = ev->arg[1],
        .used_shared = ev->arg[2],
        .state = (uint8_t)ev->arg[3],
        .ns = ev->arg[4],
        .within = c->users.within,
        .across = c->users.across,
    };
    return 0;
}

/* SHARE, INTERCEPT or REMAP. SHARE may tell of the same page as one of the others, before or after
 * it: it is counted once. */
static void collect_shared(struct collector *c, const struct event *ev)
{
    struct memory_counts *count = &c->log->count[ev->vm];
    struct last_shared *last = &c->last[ev->vm];
    int way = ev->kind == EVENT_INTERCEPT ? MEMORY_DISK : MEMORY_NET;
    if (ev->kind == EVENT_SHARE)
        for (way = 0; way < MEMORY_WAYS && ev->arg[3] != UINT64_C(1) << way; way++)
            ;
    bool same = last->kind != EVENT_KINDS && last->kind != ev->kind && last->ppn == ev->arg[0] &&
                last->mpn == ev->arg[1];
    *last = (struct last_shared){ev->arg[0], ev->arg[1], same ? EVENT_KINDS : ev->kind};
    if (ev->arg[1] == 0)
        count->zero += !same;
    else if (way < MEMORY_WAYS)
        count->shared[way] += !same;
    count->intercepted += ev->kind == EVENT_INTERCEPT;
    count->remapped += ev->kind == EVENT_REMAP;
    page_users_map(&c->users, ev->vm, ev->arg[0], ev->arg[1]);
}

/* These are many. With one VM they tell nothing new: what is shared, is shared within it. */
static void collect_tlb_write(struct collector *c, const struct event *ev)
{
    if (c->log->vms < 2)
        return;
    for (unsigned i = 0; i < 2; i++) /* EntryLo holds the number of the physical page at bit 6 */
        if (ev->arg[4 + i] != 0)
            page_users_map(&c->users, ev->vm, (ev->arg[2 + i] & 0x3fffffff) >> 6, ev->arg[4 + i]);
}

/* Pages that move, and counts. */
static void collect_page(struct collector *c, const struct event *ev)
{
    struct memory_counts *count = &c->log->count[ev->vm];
    c->last[ev->vm].kind = EVENT_KINDS;
    switch (ev->kind) {
    case EVENT_UNSHARE:
        count->broken++;
        page_users_map(&c->users, ev->vm, ev->arg[0], ev->arg[2]);
        break;
    case EVENT_BALLOON:
        if (ev->arg[2] != 0)
            page_users_map(&c->users, ev->vm, ev->arg[0], 0);
        break;
    case EVENT_PAGE_OUT:
        count->paged_out++;
        page_users_map(&c->users, ev->vm, ev->arg[0], 0);
        break;
    case EVENT_PAGE_IN:
        count->paged_in++;
        page_users_map(&c->users, ev->vm, ev->arg[0], ev->arg[1]);
        break;
    case EVENT_FRAME:
        if (ev->arg[1] == 1)
            count->received = sum_saturated(count->received, ev->arg[3]);
        break;
    default:
        CHECK(false, "event kind %u", ev->kind);
    }
}

/* The reader lets no event of an unknown VM pass. */
static int collect(struct collector *c, const struct event *ev, struct err *e)
{
    switch (ev->kind) {
    case EVENT_MEMORY:
        return collect_memory(c, ev, e);
    case EVENT_POOL:
        return collect_pool(c, ev, e);
    case EVENT_SHARE:
    case EVENT_INTERCEPT:
    case EVENT_REMAP:
        collect_shared(c, ev);
        return 0;
    case EVENT_TLB_WRITE:
        collect_tlb_write(c, ev);
        return 0;
    case EVENT_UNSHARE:
    case EVENT_BALLOON:
    case EVENT_PAGE_OUT:
    case EVENT_PAGE_IN:
    case EVENT_FRAME:
        collect_page(c, ev);
        return 0;
    default:
        return 0;
    }
}

static void pages_add(struct memory_pages *sum, const struct memory_pages *p)
{
    sum->promised += p->promised;
    sum->own += p->own;
    sum->shared += p->shared;
    sum->balloon += p->balloon;
    sum->swapped += p->swapped;
    sum->zero += p->zero;
}

/* What the events tell of pages is told again by the samples: the latter are right. */
static void bound_saved(struct memory_sample *s, bool one_vm)
{
    uint64_t saved = memory_log_saved(s);
    s->across = one_vm ? 0 : min_u64(s->across, saved);
    s->within = one_vm ? saved : min_u64(s->within, saved - s->across);
}

/* A VM that gave fewer samples than there are is gone by then; but the last sample of a trace that
 * was cut within it is left out. */
static void put_together(struct collector *c, bool cut)
{
    struct memory_log *log = c->log;
    size_t most = 0;
    for (size_t v = 0; v < log->vms; v++)
        if (c->series[v].n > most)
            most = c->series[v].n;
    if (most < log->samples)
        log->samples = most;
    for (size_t v = 0; cut && v < log->vms; v++)
        if (log->samples > 0 && c->series[v].n + 1 == log->samples) {
            log->samples--;
            break;
        }
    log->vm = xcalloc(log->samples * log->vms + 1, sizeof *log->vm);
    for (size_t s = 0; s < log->samples; s++) {
        for (size_t v = 0; v < log->vms; v++) {
            if (s < c->series[v].n)
                log->vm[s * log->vms + v] = c->series[v].at[s];
            pages_add(&log->sample[s].sum, &log->vm[s * log->vms + v]);
        }
        bound_saved(&log->sample[s], log->vms == 1);
    }
}

static int collect_all(struct collector *c, struct trace_reader *r, struct err *e)
{
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    for (size_t i = 0; i < n; i++) {
        const struct event *events = trace_reader_events(r, i, e);
        if (events == NULL)
            return e->code;
        for (uint32_t k = 0; k < batches[i].count; k++)
            TRY(collect(c, &events[k], e));
    }
    put_together(c, trace_reader_cut(r) != NULL);
    return 0;
}

int memory_log_read(struct memory_log *log, struct trace_reader *r, const char *path, struct err *e)
{
    const struct trace_header *h = trace_reader_header(r);
    const struct trace_sizes *sizes = trace_reader_sizes(r);
    *log = (struct memory_log){.vms = h->vms_count};
    log->count = xcalloc(log->vms, sizeof *log->count);
    log->names = xcalloc(log->vms, sizeof *log->names);
    for (size_t v = 0; v < log->vms; v++)
        log->names[v] = xstrdup(h->vms[v].name);
    if (sizes->event_count[EVENT_POOL] == 0 || sizes->event_count[EVENT_MEMORY] == 0)
        return 0;
    struct collector c = {.log = log, .path = path};
    c.series = xcalloc(log->vms, sizeof *c.series);
    c.last = xcalloc(log->vms, sizeof *c.last);
    for (size_t v = 0; v < log->vms; v++)
        c.last[v].kind = EVENT_KINDS;
    int result = collect_all(&c, r, e);
    for (size_t v = 0; v < log->vms; v++)
        free(c.series[v].at);
    free(c.series);
    free(c.last);
    page_users_free(&c.users);
    return result;
}

void memory_log_free(struct memory_log *log)
{
    for (size_t v = 0; v < log->vms; v++)
        free(log->names[v]);
    free(log->names);
    free(log->sample);
    free(log->vm);
    free(log->count);
    *log = (struct memory_log){0};
}

uint64_t memory_log_unshared(const struct memory_pages *p)
{
    return p->own + p->shared;
}

uint64_t memory_log_saved(const struct memory_sample *s)
{
    return s->sum.shared > s->used_shared ? s->sum.shared - s->used_shared : 0;
}

size_t memory_log_peak(const struct memory_log *log)
{
    size_t peak = 0;
    for (size_t s = 1; s < log->samples; s++)
        if (memory_log_unshared(&log->sample[s].sum) > memory_log_unshared(&log->sample[peak].sum))
            peak = s;
    return peak;
}

uint64_t memory_log_copied(const struct memory_counts *c)
{
    uint64_t mapped = c->remapped * PAGE_SIZE;
    return c->received > mapped ? c->received - mapped : 0;
}
