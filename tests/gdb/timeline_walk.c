/*
 * Back and forth on the timeline of a recorded run, without gdb: from random
 * positions some units forward and back, and back and forward, comparing the
 * whole state at each end and position, pc and processor state at each unit
 * between; breakpoints and watchpoints met in both directions must be the same
 * in reverse order. At last the end of the trace, with its recorded digests.
 *
 *   timeline_walk TRACE [STARTS]
 *
 * DISCO_TEST_SEED chooses other positions, DISCO_ENGINE=jit|interp an engine. Prints what was
 * seen, so that a run that met no exception or no sleep shows it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "replay/timeline.h"
#include "tests/engine.h"
#include "tests/rng.h"

#define STATUS_EXL 2u
#define UNITS_MAX 50
#define HITS_MAX  64
#define STRETCH   3000000u /* steps in which hits are looked for */

struct place {
    uint64_t position, pc, cpu;
    bool asleep, trapped;
};

struct totals {
    uint64_t units, slots, jumps, traps, sleeps, user, hits, meetings, back_steps;
    double back_seconds, worst_back;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static _Noreturn void fail(struct timeline *t, const char *what, uint64_t want, uint64_t have)
{
    fprintf(stderr, "timeline_walk: at position %" PRIu64 ", pc %08" PRIx64 ": %s: %" PRIx64
            " wanted, %" PRIx64 " found %s\n", timeline_position(t),
            mips_pc(timeline_cpu(t)) & 0xffffffffu, what, want, have, timeline_error(t));
    exit(1);
}

static void same(struct timeline *t, const char *what, uint64_t want, uint64_t have)
{
    if (want != have)
        fail(t, what, want, have);
}

static enum timeline_stop finish(struct timeline *t)
{
    enum timeline_stop stop;
    do {
        stop = timeline_slice(t);
    } while (stop == TIMELINE_RUNNING);
    if (stop == TIMELINE_FAILED)
        fail(t, "divergence", 0, 1);
    return stop;
}

static struct place place(struct timeline *t)
{
    return (struct place){
        .position = timeline_position(t),
        .pc = mips_pc(timeline_cpu(t)),
        .cpu = monitor_digest(t->replayer.monitor, 0, false).cpu,
        .asleep = mips_waiting(timeline_cpu(t)),
        .trapped = mips_reg_read(timeline_cpu(t), 32) & STATUS_EXL,
    };
}

static void same_place(struct timeline *t, struct place want)
{
    struct place have = place(t);
    same(t, "position", want.position, have.position);
    same(t, "pc", want.pc, have.pc);
    same(t, "digest of the processor", want.cpu, have.cpu);
}

static struct vm_digest whole(struct timeline *t)
{
    return monitor_digest(t->replayer.monitor, 0, true);
}

static void same_whole(struct timeline *t, struct vm_digest want)
{
    struct vm_digest have = whole(t);
    same(t, "digest of the processor", want.cpu, have.cpu);
    same(t, "digest of the devices", want.devices, have.devices);
    same(t, "digest of the memory", want.memory, have.memory);
}

static void note_unit(struct totals *n, struct place a, struct place b)
{
    uint64_t pc = b.pc & 0xffffffffu;
    n->units++;
    n->slots += b.position - a.position == 2;
    n->jumps += b.pc != a.pc + 4;
    n->traps += b.trapped && !a.trapped;
    n->sleeps += b.asleep;
    n->user += pc < 0x80000000u;
}

static void step_back(struct timeline *t, struct totals *n)
{
    double from = seconds();
    timeline_reverse_step(t);
    finish(t);
    double took = seconds() - from;
    n->back_steps++;
    n->back_seconds += took;
    n->worst_back = took > n->worst_back ? took : n->worst_back;
}

/* `k` units forward from here and back again. */
static void there_and_back(struct timeline *t, unsigned k, struct totals *n)
{
    struct place way[UNITS_MAX + 1];
    unsigned done = 0;
    struct vm_digest before = whole(t);
    way[0] = place(t);
    while (done < k) {
        timeline_step(t, 0, 0);
        if (finish(t) != TIMELINE_DONE)
            break;
        way[++done] = place(t);
        note_unit(n, way[done - 1], way[done]);
    }
    if (done < k && !timeline_at_end(t))
        fail(t, "forward units", k, done);
    while (done > 0) {
        step_back(t, n);
        same_place(t, way[--done]);
    }
    same_whole(t, before);
}

/* `k` units back from here and forward again. */
static void back_and_there(struct timeline *t, unsigned k, struct totals *n)
{
    struct place way[UNITS_MAX + 1];
    unsigned done = 0;
    way[0] = place(t);
    struct vm_digest before = whole(t);
    while (done < k && timeline_position(t) > 0) {
        step_back(t, n);
        way[++done] = place(t);
    }
    while (done > 0) {
        timeline_step(t, 0, 0);
        if (finish(t) != TIMELINE_DONE)
            fail(t, "the way forward", done, 0);
        same_place(t, way[--done]);
    }
    same_whole(t, before);
}

struct hit {
    enum timeline_stop kind;
    uint64_t position, pc; /* of an access: after it */
    struct vm_digest digest;
};

/* Run `go` as gdb does behind a watchpoint's stop: without any point. */
static void without_points(struct timeline *t, void (*go)(struct timeline *t))
{
    struct points kept = t->points;
    t->points = (struct points){0};
    go(t);
    finish(t);
    t->points = kept;
}

static struct hit hit_here(struct timeline *t, enum timeline_stop kind)
{
    return (struct hit){kind, timeline_position(t), mips_pc(timeline_cpu(t)),
                        monitor_digest(t->replayer.monitor, 0, false)};
}

/* The hits of forward continues up to `until`, HITS_MAX at most. */
static unsigned hits_forward(struct timeline *t, uint64_t until, struct hit *hits)
{
    unsigned count = 0;
    while (count + 2 <= HITS_MAX) {
        timeline_continue(t);
        enum timeline_stop stop = finish(t);
        if (stop == TIMELINE_END || timeline_position(t) >= until)
            break;
        if (stop == TIMELINE_WATCH)
            without_points(t, timeline_step_over);
        else if (stop != TIMELINE_BREAK)
            fail(t, "kind of stop", TIMELINE_BREAK, stop);
        hits[count++] = hit_here(t, stop);
        /* A breakpoint where a step ends is gdb's to see. */
        if (stop == TIMELINE_WATCH && points_break_at(&t->points, mips_pc(timeline_cpu(t))) != NULL)
            hits[count++] = hit_here(t, TIMELINE_BREAK);
    }
    return count;
}

/* `hits` in reverse order, from the last one's place. A breakpoint there does not count. */
static void hits_backward(struct timeline *t, const struct hit *hits, unsigned count)
{
    timeline_seek_now(t, hits[count - 1].position);
    if (hits[count - 1].kind == TIMELINE_BREAK)
        count--;
    while (count-- > 0) {
        timeline_reverse_continue(t);
        enum timeline_stop stop = finish(t);
        same(t, "hit backward: kind", hits[count].kind, stop);
        same(t, "hit backward: position", hits[count].position, timeline_position(t));
        same(t, "hit backward: pc", hits[count].pc, mips_pc(timeline_cpu(t)));
        struct vm_digest have = monitor_digest(t->replayer.monitor, 0, false);
        same(t, "hit backward: processor", hits[count].digest.cpu, have.cpu);
        same(t, "hit backward: devices", hits[count].digest.devices, have.devices);
        if (stop != TIMELINE_WATCH)
            continue;
        without_points(t, timeline_reverse_step);
        if (count > 0 && hits[count - 1].kind == TIMELINE_BREAK &&
            hits[count - 1].position == timeline_position(t))
            count--;
    }
}

/* Points at a store near here, and often a breakpoint at that same instruction. */
static void both_ways(struct timeline *t, struct rng *rng, struct totals *n)
{
    uint64_t from = timeline_position(t), sp = mips_reg_read(timeline_cpu(t), 29);
    struct hit hits[HITS_MAX];
    struct point store = {.kind = POINT_WRITE + rng_below(rng, 3),
                          .va = sp - 32 + 4 * rng_below(rng, 16),
                          .len = 4};
    points_set(&t->points, &store);
    if (rng_below(rng, 3) != 0) {
        timeline_continue(t);
        finish(t);
    }
    struct point stop = {.kind = POINT_BREAK, .va = mips_pc(timeline_cpu(t)), .len = 4};
    points_set(&t->points, &stop);
    timeline_seek_now(t, from);
    unsigned count = hits_forward(t, from + STRETCH, hits);
    if (count > 0)
        hits_backward(t, hits, count);
    for (unsigned i = 1; i < count; i++)
        n->meetings += hits[i - 1].kind == TIMELINE_BREAK && hits[i].kind == TIMELINE_WATCH &&
                       hits[i].position <= hits[i - 1].position + 2;
    n->hits += count;
    points_free(&t->points);
}

/* Random positions right before events of a kind: a reservoir over the whole trace. */
static unsigned event_positions(struct timeline *t, enum event_kind kind, struct rng *rng,
                                uint64_t *out, unsigned max)
{
    struct replayer *r = &t->replayer;
    uint64_t seen = 0;
    for (size_t b = 0; b < r->batches_count; b++) {
        const struct event *ev = trace_reader_events(r->reader, b, &r->error);
        for (uint32_t i = 0; ev != NULL && i < r->batches[b].count; i++) {
            if (ev[i].kind != kind)
                continue;
            uint64_t at = seen < max ? seen : rng_next(rng) % (seen + 1);
            if (at < max)
                out[at] = ev[i].step;
            seen++;
        }
    }
    r->expected_count = 0; /* the reader's buffer has moved on */
    return (unsigned)min_u64(seen, max);
}

static void walk_from(struct timeline *t, uint64_t position, struct rng *rng, struct totals *n)
{
    unsigned k = 1 + rng_below(rng, UNITS_MAX), before = rng_below(rng, k);
    timeline_seek_now(t, position > before ? position - before : 0);
    there_and_back(t, k, n);
    back_and_there(t, k, n);
}

static void walk_at_events(struct timeline *t, unsigned per_kind, struct rng *rng,
                           struct totals *n)
{
    static const enum event_kind kinds[] = {EVENT_EXCEPTION, EVENT_REFILL, EVENT_INTERRUPT,
                                            EVENT_SYSCALL, EVENT_ERET, EVENT_TLB_WRITE,
                                            EVENT_WAIT, EVENT_IRQ};
    uint64_t *at = xcalloc(per_kind + 1, sizeof at[0]);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        unsigned count = event_positions(t, kinds[i], rng, at, per_kind);
        printf("timeline_walk: from %u of %s\n", count, event_info[kinds[i]].text);
        for (unsigned j = 0; j < count; j++) {
            walk_from(t, at[j], rng, n);
            if (j % 4 == 0)
                both_ways(t, rng, n);
        }
    }
    free(at);
}

int main(int argc, char **argv)
{
    static struct timeline t;
    struct err e = {0};
    struct totals n = {0};
    uint64_t seed = rng_env("DISCO_TEST_SEED", 1);
    struct rng rng = {seed};
    enum mips_engine engine = test_engine_named(getenv("DISCO_ENGINE"));
    if (argc < 2) {
        fprintf(stderr, "usage: timeline_walk TRACE [STARTS]\n");
        return 1;
    }
    uint64_t starts = argc > 2 ? strtoull(argv[2], NULL, 0) : 100;
    printf("timeline_walk: %s, engine %s, seed %" PRIu64 "\n", argv[1],
           test_engine_names[engine], seed);
    if (timeline_open(&t, argv[1], &e) < 0) {
        fprintf(stderr, "timeline_walk: %s\n", e.msg);
        return 1;
    }
    monitor_set_engine(t.replayer.monitor, engine, false);
    timeline_seek_now(&t, UINT64_MAX);
    struct vm_digest end = whole(&t);
    for (uint64_t i = 0; i < starts; i++) {
        timeline_seek_now(&t, rng_next(&rng) % t.replayer.end_step);
        walk_from(&t, timeline_position(&t), &rng, &n);
        if (i % 4 == 0)
            both_ways(&t, &rng, &n);
    }
    walk_at_events(&t, (unsigned)starts / 5 + 1, &rng, &n);
    timeline_seek_now(&t, UINT64_MAX);
    same_whole(&t, end);
    if (!replayer_check_end(&t.replayer))
        fail(&t, "the end of the trace", 0, 1);
    printf("timeline_walk: %" PRIu64 " units: %" PRIu64 " with a delay slot, %" PRIu64 " jumps, %"
           PRIu64 " exceptions and interrupts, %" PRIu64 " asleep, %" PRIu64 " in user mode; %"
           PRIu64 " hits both ways, %" PRIu64 " times a breakpoint and an access in one unit\n",
           n.units, n.slots, n.jumps, n.traps, n.sleeps, n.user, n.hits, n.meetings);
    printf("timeline_walk: %" PRIu64 " steps back, %.2f ms each, %.0f ms at most; %zu checkpoints\n",
           n.back_steps, n.back_seconds / (double)n.back_steps * 1e3, n.worst_back * 1e3,
           t.checkpoints_count);
    timeline_close(&t);
    return 0;
}
