/*
 * Writes traces with known samples of memory, for tests of disco-trace memory:
 *
 *     write_memory FILE N          N VMs (1 to 256) that share more and more; 0 samples if N is 0
 *     write_memory FILE CASE       one of the cases below
 */
#include <string.h>

#include "tests/unit/trace_sample.h"

#define MIB      256 /* pages */
#define PROMISED (128 * MIB)
#define SECONDS  20
#define BATCH    400 /* events */
#define NS       UINT64_C(1000000000)

static struct event *events;
static size_t count, room;
static bool torn; /* leave the trace without an end */

static void put(enum event_kind kind, unsigned vm, const uint64_t *arg)
{
    struct event ev = {.kind = (uint8_t)kind, .vm = (uint8_t)vm, .step = 1000 * count};
    for (unsigned i = 0; i < event_info[kind].args; i++)
        ev.arg[i] = arg[i];
    if (count == room) {
        room = 2 * room + 1024;
        events = xrealloc(events, room * sizeof *events);
    }
    events[count++] = ev;
}

#define PUT(kind, vm, ...) put(EVENT_##kind, (vm), (const uint64_t[EVENT_ARGS_MAX]){__VA_ARGS__})

static int write_trace(const char *path, size_t vms, struct err *e)
{
    struct trace_header h = sample_header();
    struct trace_vm *vm = xcalloc(vms, sizeof *vm);
    struct trace_writer *w;
    for (size_t i = 0; i < vms; i++) {
        vm[i] = h.vms[1];
        vm[i].name = xasprintf("vm \"%zu\" & <co>\xff", i);
    }
    h.vms = vm;
    h.vms_count = vms;
    int result = trace_writer_open(&w, path, &h, &(struct trace_writer_options){0, true}, e);
    /* Several batches and frames, so that a trace can be cut between samples. */
    size_t most = count < 1000 * BATCH ? BATCH : 65536;
    for (size_t at = 0; result == 0 && at < count; at += most) {
        size_t n = count - at < most ? count - at : most;
        struct event *batch = xcalloc(n, sizeof *batch);
        memcpy(batch, events + at, n * sizeof *batch);
        put_events(w, batch, n);
        trace_flush(w);
    }
    struct trace_digest *digests = xcalloc(vms, sizeof *digests);
    for (size_t i = 0; i < vms; i++)
        digests[i] = (struct trace_digest){.vm = (uint32_t)i, .has_memory = true, .events = count};
    struct trace_end end = {.reason = (char *)"user", .digests = digests, .digests_count = vms};
    if (result == 0)
        result = trace_writer_close(w, torn ? NULL : &end, e);
    for (size_t i = 0; i < vms; i++)
        free(vm[i].name);
    free(vm);
    free(digests);
    free(events);
    return result;
}

/* VMs that boot, touch more memory for a while and share more of it; later some is reclaimed. */
static void put_growing(unsigned vms)
{
    for (uint64_t t = 0; t <= SECONDS; t++) {
        for (unsigned i = 0; t > 0 && i < 2 * MIB * vms; i++) {
            unsigned v = i % vms, page = (unsigned)t * 2 * MIB + i / vms;
            PUT(SHARE, v, page, page % 4 == 0 ? 100000 * (v + 1) + page / 8 : page, 2,
                1 << page % 4);
        }
        uint64_t own_sum = 0, machine_shared = t * 2 * MIB + 40;
        for (unsigned v = 0; v < vms; v++) {
            uint64_t shared = t * 2 * MIB + 8 * v, own = (10 + t) * MIB + 16 * v;
            uint64_t balloon = t > 12 ? (t - 12) * 2 * MIB : 0;
            uint64_t swapped = t > 16 ? (t - 16) * 3 * MIB / 2 : 0;
            PUT(MEMORY, v, PROMISED, own, shared, balloon, swapped,
                PROMISED - own - shared - balloon - swapped);
            own_sum += own;
        }
        PUT(POOL, vms - 1, 300 * MIB, own_sum + machine_shared + 6 * MIB, machine_shared,
            t < 13   ? 0
            : t < 17 ? 1
                     : 2,
            t * NS + 500000);
    }
}

/* n samples of a VM that uses one page more each time. */
static void put_many(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        PUT(MEMORY, 0, MIB, i % MIB);
        PUT(POOL, 0, MIB, i % MIB, 0, 0, i * NS);
    }
}

/* Two VMs, three samples, and one of each way that pages go. */
static void put_exact(void)
{
    PUT(POOL, 0, 1024 * MIB, 300 * MIB, 0, 0, 0); /* before its MEMORY, and the others behind it */
    PUT(MEMORY, 1, 512 * MIB, 100 * MIB, 0, 0, 0, 412 * MIB);
    PUT(MEMORY, 0, 512 * MIB, 200 * MIB, 0, 0, 0, 312 * MIB);
    PUT(SHARE, 1, 1, 900, 2, 8); /* boot; the first user is not known yet */
    PUT(TLB_WRITE, 0, 0, 0, 7 << 6 | 2, 9 << 6 | 2, 900, 0);
    PUT(SHARE, 0, 7, 901, 2, 4); /* content: VM 0 leaves 900 ... */
    PUT(SHARE, 0, 7, 900, 2, 4); /* ... and comes back */
    PUT(SHARE, 0, 8, 900, 3, 4);
    PUT(INTERCEPT, 1, 2, 902, 2, 0, 17);
    PUT(SHARE, 1, 2, 902, 2, 1); /* the same page as the intercept's */
    PUT(SHARE, 1, 3, 902, 3, 1); /* a page of its own */
    PUT(SHARE, 1, 4, 0, 0, 4);   /* zero */
    PUT(MEMORY, 0, 512 * MIB, 150 * MIB, 100 * MIB, 50 * MIB, 0, 212 * MIB);
    PUT(MEMORY, 1, 512 * MIB, 60 * MIB, 140 * MIB, 0, 12 * MIB, 300 * MIB);
    PUT(POOL, 1, 1024 * MIB, 270 * MIB, 50 * MIB, 1, 1500 * 1000 * 1000);
    PUT(FRAME, 1, 0, 1, 5, 10000);
    PUT(FRAME, 0, 0, 0, 5, 10000);
    PUT(REMAP, 1, 5, 903, 2, 5);
    PUT(REMAP, 1, 6, 904, 2, 5);
    PUT(UNSHARE, 0, 8, 900, 905);
    PUT(BALLOON, 0, 50, 0, 1);
    PUT(PAGE_OUT, 1, 1, 900, 3);
    PUT(PAGE_IN, 1, 1, 906, 3);
    PUT(MEMORY, 0, 512 * MIB, 160 * MIB, 60 * MIB, 50 * MIB, 0, 242 * MIB);
    PUT(MEMORY, 1, 512 * MIB, 80 * MIB, 90 * MIB, 0, 0, 342 * MIB);
    PUT(POOL, 1, 1024 * MIB, 290 * MIB, 45 * MIB, 3, 3 * NS);
}

static bool put_case(const char *name, unsigned *vms)
{
    *vms = 2;
    if (strcmp(name, "exact") == 0) {
        put_exact();
    } else if (strcmp(name, "none") == 0) {
        PUT(SHARE, 0, 1, 1, 1, 1);
    } else if (strcmp(name, "one") == 0) { /* a sample, of a machine that does nothing */
        *vms = 1;
        PUT(MEMORY, 0, 0, 0, 0, 0, 0, 0);
        PUT(POOL, 0, 0, 0, 0, 0, 0);
    } else if (strcmp(name, "huge") == 0) {
        PUT(MEMORY, 0, UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 40,
            UINT64_C(1) << 40, UINT64_C(1) << 40);
        PUT(POOL, 0, UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 40, 3, UINT64_MAX);
        PUT(FRAME, 0, 0, 1, 1, UINT64_MAX);
        PUT(FRAME, 1, 0, 1, 1, UINT64_MAX);
    } else if (strcmp(name, "too-huge") == 0) {
        PUT(MEMORY, 1, 1, (UINT64_C(1) << 40) + 1);
        PUT(POOL, 0, 1);
    } else if (strcmp(name, "backward") == 0) {
        PUT(POOL, 0, 1, 1, 1, 0, 20);
        PUT(MEMORY, 0, 1, 1);
        PUT(POOL, 0, 1, 1, 1, 0, 19);
    } else if (strcmp(name, "state") == 0) {
        PUT(MEMORY, 0, 1, 1);
        PUT(POOL, 0, 1, 1, 1, 4, 20);
    } else if (strcmp(name, "long") == 0) {
        put_many(5000);
    } else if (strcmp(name, "too-long") == 0) {
        put_many((1u << 20) + 1);
    } else if (strcmp(name, "stranger") == 0) { /* of a VM that there is not */
        PUT(MEMORY, 0, 1, 1);
        PUT(MEMORY, 2, 1, 1);
        PUT(POOL, 0, 1, 1, 1, 0, 20);
    } else if (strcmp(name, "torn") == 0) { /* within the second sample */
        torn = true;
        for (unsigned i = 0; i < 2; i++) {
            PUT(POOL, 0, 512, 256, 0, 0, i);
            PUT(MEMORY, 0, 256, 256);
            if (i == 0)
                PUT(MEMORY, 1, 512, 512);
        }
    } else if (strcmp(name, "gone") == 0) { /* VM 1 has one sample, VM 0 three */
        for (unsigned i = 0; i < 3; i++) {
            PUT(MEMORY, 0, 256, 256);
            PUT(POOL, 0, 512, 256, 0, 0, i);
        }
        PUT(MEMORY, 1, 512, 512);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    unsigned vms = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (vms > 0)
        put_growing(vms);
    else if (argc != 3 || !put_case(argv[2], &vms))
        err_set(&e, ERR_USAGE, "a path, and a number of VMs or a case are needed");
    if (e.code == 0 && write_trace(argv[1], vms, &e) == 0)
        return 0;
    fprintf(stderr, "write_memory: %s\n", e.msg);
    return 1;
}
