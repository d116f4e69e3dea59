/*
 * Watchpoints against an exhaustive run: the guest `touch` is stepped once from position to position,
 * and at each the memory that it works on is compared with what it was before. Then, for random
 * ranges of that memory, repeated continues with a watchpoint must stop at just these changes, and
 * repeated continues backward at the same in reverse order; so must, with the values compared where
 * gdb compares them, the watchpoints that gdb sets.
 *
 *   timeline_watch TRACE [RANGES]
 *
 * DISCO_TEST_SEED chooses other ranges, DISCO_ENGINE=jit|interp an engine. Prints who changed what, so
 * that a run that met no DMA shows it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/vm_pages.h"
#include "replay/timeline.h"
#include "replay/tlb_history.h"
#include "tests/engine.h"
#include "tests/guest/touch.h"
#include "tests/rng.h"

#define PROM_PAGE   (TOUCH_PROM / 4096u)
#define FIRST       (TOUCH_ARENA / 4096u)
#define PAGES       (TOUCH_TABLES / 4096u + 1 - FIRST + 1) /* with that one */
#define RANGES_MAX  400
#define CHANGES_MAX 4000
#define LEN_MAX     16
#define KSEG0       0xffffffff80000000u

struct change {
    uint64_t before, after; /* positions */
};

struct range {
    unsigned vm;
    uint32_t pa, len;
    uint8_t bytes[LEN_MAX];
    struct change change[CHANGES_MAX];
    unsigned changes;
};

struct totals {
    uint64_t changes, stops, by[TOUCH_BALLOON + 1], instructions, quiet;
};

static struct timeline t;
static struct range ranges[RANGES_MAX];
static unsigned ranges_count;
static struct totals n;

static _Noreturn void fail(const struct range *r, const char *what, uint64_t want, uint64_t have)
{
    fprintf(stderr,
            "timeline_watch: VM %u, %u bytes at %08x, at position %" PRIu64 ": %s: %" PRIu64
            " wanted, %" PRIu64 " found %s\n",
            r->vm, r->len, r->pa, timeline_position(&t), what, want, have, timeline_error(&t));
    exit(1);
}

static void same(const struct range *r, const char *what, uint64_t want, uint64_t have)
{
    if (want != have)
        fail(r, what, want, have);
}

static enum timeline_stop finish(const struct range *r)
{
    enum timeline_stop stop;
    while ((stop = timeline_slice(&t)) == TIMELINE_RUNNING)
        continue;
    if (stop == TIMELINE_FAILED)
        fail(r, "divergence", 0, 1);
    return stop;
}

/* ---- the exhaustive run ---- */

/* The pages of one VM that the ranges lie in, as they are now. */
struct pages {
    const uint8_t *at[PAGES];
    uint8_t room[PAGES][4096];
};

static unsigned index_of(uint32_t pa)
{
    return pa / 4096u == PROM_PAGE ? 0 : pa / 4096u - FIRST + 1;
}

static void look_at(struct pages *p, unsigned vm)
{
    for (unsigned i = 0; i < PAGES; i++)
        p->at[i] = vm_page_bytes(timeline_vm(&t, vm), i == 0 ? PROM_PAGE : FIRST + i - 1, p->room[i]);
}

static bool differs(const struct pages *p, struct range *r)
{
    bool changed = false;
    for (uint32_t i = 0; i < r->len; i++) {
        uint8_t now = p->at[index_of(r->pa + i)][(r->pa + i) % 4096u];
        changed = changed || now != r->bytes[i];
        r->bytes[i] = now;
    }
    return changed;
}

static void compare(unsigned vm, struct change at)
{
    static struct pages pages;
    look_at(&pages, vm);
    for (unsigned i = 0; i < ranges_count; i++) {
        struct range *r = &ranges[i];
        if (r->vm != vm || !differs(&pages, r) || at.after == 0)
            continue;
        if (r->changes == CHANGES_MAX)
            fail(r, "changes at most", CHANGES_MAX, CHANGES_MAX);
        r->change[r->changes++] = at;
        n.changes++;
    }
}

static void exhaustive(void)
{
    struct change at = {0, 0};
    for (;;) {
        for (unsigned vm = 0; vm < timeline_vms(&t); vm++)
            compare(vm, at);
        if (timeline_at_end(&t))
            return;
        at.before = timeline_position(&t);
        if (replayer_run(&t.replayer, at.before + 1, false) == RUN_FAILED)
            fail(&ranges[0], "divergence", 0, 1);
        at.after = timeline_position(&t);
    }
}

/* ---- the user's watchpoints ---- */

static void note_stop(void)
{
    const struct watch_cause *cause = &t.hit.cause;
    n.stops++;
    if (cause->device)
        n.by[cause->touch.by]++;
    else
        n.instructions++;
}

static void own_watch(const struct range *r)
{
    struct point p = {.kind = POINT_WRITE, .va = r->pa, .len = r->len, .physical = true, .number = 1};
    points_set(&t.points[r->vm], &p);
    timeline_seek_now(&t, 0);
    for (unsigned i = 0; i <= r->changes; i++) {
        timeline_continue(&t, r->vm);
        enum timeline_stop stop = finish(r);
        same(r, "stop forward", i == r->changes ? TIMELINE_END : TIMELINE_WATCH, stop);
        if (i == r->changes)
            break;
        same(r, "change forward", r->change[i].after, timeline_position(&t));
        same(r, "VM forward", r->vm, t.hit.vm);
        note_stop();
    }
    for (unsigned i = r->changes + 1; i-- > 0;) {
        timeline_reverse_continue(&t);
        enum timeline_stop stop = finish(r);
        same(r, "stop backward", i == 0 ? TIMELINE_BEGIN : TIMELINE_WATCH, stop);
        if (i == 0)
            break;
        same(r, "change backward", r->change[i - 1].before, timeline_position(&t));
        note_stop();
    }
    points_clear(&t.points[r->vm], &p);
}

/* ---- gdb's ---- */

static void without(const struct range *r, const struct point *p,
                    void (*go)(struct timeline *t, unsigned vm))
{
    points_clear(&t.points[r->vm], p);
    timeline_listen(&t, (int)r->vm);
    go(&t, r->vm);
    finish(r);
    timeline_listen(&t, TIMELINE_ALL);
    points_set(&t.points[r->vm], p);
}

static void step(struct timeline *line, unsigned vm)
{
    timeline_step(line, vm, 0, 0);
}

static bool is_changed(const struct range *r, uint8_t *bytes)
{
    uint8_t was[LEN_MAX];
    memcpy(was, bytes, r->len);
    vm_read_physical(timeline_vm(&t, r->vm), r->pa, bytes, r->len);
    n.stops++;
    n.quiet += memcmp(was, bytes, r->len) == 0;
    return memcmp(was, bytes, r->len) != 0;
}

/* As gdb does it: stop before the access, go over it without the point, look what changed. */
static void gdb_watch(const struct range *r)
{
    struct point p = {.kind = POINT_WRITE,
                      .va = KSEG0 + r->pa,
                      .len = r->len,
                      .asid = TLB_HISTORY_PRESENT_ASID};
    bool alone = timeline_vms(&t) == 1; /* else a step takes other VMs along, as far as they get */
    uint8_t bytes[LEN_MAX];
    unsigned i = 0;
    points_set(&t.points[r->vm], &p);
    timeline_seek_now(&t, 0);
    vm_read_physical(timeline_vm(&t, r->vm), r->pa, bytes, r->len);
    for (;;) {
        timeline_continue(&t, r->vm);
        if (finish(r) != TIMELINE_WATCH)
            break;
        uint64_t before = timeline_position(&t);
        without(r, &p, step);
        if (!is_changed(r, bytes))
            continue;
        same(r, "changes forward, as gdb", true, i < r->changes);
        same(r, "before, as gdb", r->change[i].before, before);
        if (alone)
            same(r, "change forward, as gdb", r->change[i].after, timeline_position(&t));
        i++;
    }
    same(r, "changes forward, as gdb", r->changes, i);
    for (;;) {
        timeline_reverse_continue(&t);
        if (finish(r) != TIMELINE_WATCH)
            break;
        uint64_t after = timeline_position(&t);
        without(r, &p, timeline_reverse_step);
        if (!is_changed(r, bytes))
            continue;
        same(r, "changes backward, as gdb", true, i > 0);
        i--;
        same(r, "behind, as gdb", r->change[i].after, after);
        if (alone)
            same(r, "change backward, as gdb", r->change[i].before, timeline_position(&t));
    }
    same(r, "changes backward, as gdb", 0, i);
    points_clear(&t.points[r->vm], &p);
}

/* Over the middle of the virtual address space there is memory on one side only, where the guest puts
 * its exception vectors; over its end there is none. */
static void edges(void)
{
    static const struct {
        uint32_t va, len;
        enum timeline_stop stop;
    } cases[] = {
        {0x7ffffffc, 8, TIMELINE_WATCH},
        {0x7ffffffc, 4, TIMELINE_END},
        {0xfffff000, 0x2000, TIMELINE_END},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct point p = {.kind = POINT_WRITE,
                          .va = (uint64_t)(int64_t)(int32_t)cases[i].va,
                          .len = cases[i].len,
                          .asid = TLB_HISTORY_PRESENT_ASID};
        struct range r = {.pa = cases[i].va, .len = cases[i].len};
        points_set(&t.points[0], &p);
        timeline_seek_now(&t, 0);
        timeline_continue(&t, 0);
        same(&r, "stop at an edge", cases[i].stop, finish(&r));
        if (cases[i].stop == TIMELINE_WATCH)
            same(&r, "physical address", 0, t.hit.cause.pa);
        points_clear(&t.points[0], &p);
    }
}

/* Most in the arena, some in the rings and tables, some over the edge of a page. */
static void choose(struct rng *rng, uint64_t count)
{
    for (ranges_count = 0; ranges_count < count; ranges_count++) {
        struct range *r = &ranges[ranges_count];
        unsigned kind = rng_below(rng, 10);
        r->vm = rng_below(rng, timeline_vms(&t));
        r->len = 1 + rng_below(rng, LEN_MAX);
        r->pa = TOUCH_ARENA + rng_below(rng, TOUCH_ARENA_BYTES - 64);
        if (kind == 0)
            r->pa = TOUCH_RINGS + rng_below(rng, TOUCH_RINGS_BYTES - 64);
        else if (kind == 1)
            r->pa = TOUCH_RINGS + 2048 + rng_below(rng, 64); /* the available ring, */
        else if (kind == 2)
            r->pa = TOUCH_RINGS + 4096 + rng_below(rng, 64); /* the used ring */
        else if (kind == 3)
            r->pa = (r->pa & ~4095u) + 4096 - rng_below(rng, r->len);
        else if (kind == 4)
            r->pa &= ~511u; /* where sectors begin */
        else if (ranges_count % 50 == 49)
            r->pa = TOUCH_PROM - rng_below(rng, r->len);
    }
}

int main(int argc, char **argv)
{
    struct err e = {0};
    uint64_t seed = rng_env("DISCO_TEST_SEED", 1);
    struct rng rng = {seed};
    enum mips_engine engine = test_engine_named(getenv("DISCO_ENGINE"));
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 200;
    if (argc < 2 || count > RANGES_MAX) {
        fprintf(stderr, "usage: timeline_watch TRACE [RANGES]\n");
        return 1;
    }
    if (timeline_open(&t, argv[1], &e) < 0) {
        fprintf(stderr, "timeline_watch: %s\n", e.msg);
        return 1;
    }
    timeline_begin(&t);
    monitor_set_engine(t.replayer.monitor, engine, false);
    choose(&rng, count);
    exhaustive();
    printf("timeline_watch: %s, engine %s, seed %" PRIu64 ": %" PRIu64 " changes in %u ranges\n",
           argv[1], test_engine_names[engine], seed, n.changes, ranges_count);
    for (unsigned i = 0; i < ranges_count; i++) {
        own_watch(&ranges[i]);
        if (i % 4 == 0)
            gdb_watch(&ranges[i]);
    }
    edges();
    timeline_seek_now(&t, UINT64_MAX);
    if (!replayer_check_end(&t.replayer))
        fail(&ranges[0], "the end of the trace", 0, 1);
    printf("timeline_watch: %" PRIu64 " stops, %" PRIu64 " of them without a change; by "
           "instructions %" PRIu64 ", loader %" PRIu64 ", DMA %" PRIu64 ", rings %" PRIu64
           ", disk %" PRIu64 ", balloon %" PRIu64 "\n",
           n.stops, n.quiet, n.instructions, n.by[TOUCH_LOADER], n.by[TOUCH_DMA],
           n.by[TOUCH_CONTROL], n.by[TOUCH_DISK], n.by[TOUCH_BALLOON]);
    timeline_close(&t);
    return 0;
}
