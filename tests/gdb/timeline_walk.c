/*
 * Back and forth on the timeline of a recorded run of one or several VMs,
 * without gdb: from random positions some units of a random VM forward and
 * back, and back and forward, comparing the whole state of all VMs at each end
 * and position, pc and registers at each unit between; breakpoints and
 * watchpoints of all VMs met in both directions must be the same in reverse
 * order, also where gdb steps one VM over something and the others move. At
 * last the end of the trace, with its recorded digests.
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
#include "replay/tlb_history.h"
#include "tests/engine.h"
#include "tests/rng.h"

#define STATUS_EXL 2u
#define UNITS_MAX 50
#define HITS_MAX  64
#define STRETCH   3000000u /* steps in which hits are looked for */

/* Where a VM is. Between its units the others may move, and time passes for it if it sleeps. */
struct place {
    uint64_t position, step, pc, regs;
    bool asleep, trapped;
};

struct whole {
    struct vm_digest vm[VMS_MAX];
};

struct totals {
    uint64_t units, slots, jumps, traps, sleeps, user, others, hits, meetings, missed, back_steps;
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
    fprintf(stderr, "timeline_walk: at position %" PRIu64 ": %s: %" PRIx64 " wanted, %" PRIx64
            " found %s\n", timeline_position(t), what, want, have, timeline_error(t));
    for (unsigned i = 0; i < timeline_vms(t); i++)
        fprintf(stderr, "timeline_walk: VM %u at step %" PRIu64 ", pc %08" PRIx64 "\n", i,
                timeline_vm_steps(t, i), mips_pc(timeline_cpu(t, i)) & 0xffffffffu);
    exit(1);
}

static void same(struct timeline *t, const char *what, uint64_t want, uint64_t have)
{
    if (want != have)
        fail(t, what, want, have);
}

/* Interrupted some time after `until`. */
static enum timeline_stop finish_before(struct timeline *t, uint64_t until)
{
    enum timeline_stop stop;
    while ((stop = timeline_slice(t)) == TIMELINE_RUNNING)
        if (timeline_position(t) >= until)
            timeline_interrupt(t);
    if (stop == TIMELINE_FAILED)
        fail(t, "divergence", 0, 1);
    return stop;
}

static enum timeline_stop finish(struct timeline *t)
{
    return finish_before(t, UINT64_MAX);
}

static struct place place(struct timeline *t, unsigned vm)
{
    const struct mips *cpu = timeline_cpu(t, vm);
    struct place p = {
        .position = timeline_position(t),
        .step = mips_steps(cpu),
        .pc = mips_pc(cpu),
        .asleep = mips_waiting(cpu),
        .trapped = mips_reg_read(cpu, 32) & STATUS_EXL,
    };
    for (unsigned i = 0; i < 38; i++)
        p.regs = (p.regs ^ mips_reg_read(cpu, i)) * 0x9e3779b97f4a7c15u;
    return p;
}

/* Between two units of a VM: earlier or later. */
static void same_place(struct timeline *t, unsigned vm, struct place want, bool later)
{
    struct place have = place(t, vm);
    same(t, "steps of the VM", want.step, have.step);
    same(t, "pc", want.pc, have.pc);
    same(t, "registers", want.regs, have.regs);
    if (timeline_vms(t) == 1 || (later ? have.position < want.position
                                       : have.position > want.position))
        same(t, "position", want.position, have.position);
}

static struct whole whole(struct timeline *t, bool memory)
{
    struct whole w = {0};
    for (unsigned i = 0; i < timeline_vms(t); i++)
        w.vm[i] = monitor_digest(t->replayer.monitor, i, memory);
    return w;
}

static void same_whole(struct timeline *t, const struct whole *want, bool memory)
{
    struct whole have = whole(t, memory);
    for (unsigned i = 0; i < timeline_vms(t); i++) {
        same(t, "digest of the processor", want->vm[i].cpu, have.vm[i].cpu);
        same(t, "digest of the devices", want->vm[i].devices, have.vm[i].devices);
        same(t, "digest of the memory", want->vm[i].memory, have.vm[i].memory);
    }
}

static void note_unit(struct totals *n, struct place a, struct place b)
{
    uint64_t pc = b.pc & 0xffffffffu;
    n->units++;
    n->slots += b.step - a.step == 2;
    n->jumps += b.pc != a.pc + 4;
    n->traps += b.trapped && !a.trapped;
    n->sleeps += b.asleep;
    n->user += pc < 0x80000000u;
    n->others += b.position - a.position != b.step - a.step;
}

static void step_back(struct timeline *t, unsigned vm, struct totals *n)
{
    double from = seconds();
    timeline_reverse_step(t, vm);
    finish(t);
    double took = seconds() - from;
    n->back_steps++;
    n->back_seconds += took;
    n->worst_back = took > n->worst_back ? took : n->worst_back;
}

static bool step(struct timeline *t, unsigned vm)
{
    timeline_step(t, vm, 0, 0);
    return finish(t) == TIMELINE_DONE;
}

/* `k` units forward from right before the VM's next one, and back again. */
static void there_and_back(struct timeline *t, unsigned vm, unsigned k, struct totals *n)
{
    struct place way[UNITS_MAX + 1];
    unsigned done = 0;
    if (timeline_vms(t) > 1 && step(t, vm))
        step_back(t, vm, n);
    struct whole before = whole(t, true);
    way[0] = place(t, vm);
    while (done < k && step(t, vm)) {
        way[++done] = place(t, vm);
        note_unit(n, way[done - 1], way[done]);
    }
    if (done < k && !timeline_at_end(t))
        fail(t, "forward units", k, done);
    if (done == 0)
        return;
    while (done > 0) {
        step_back(t, vm, n);
        same_place(t, vm, way[--done], true);
    }
    same(t, "position", way[0].position, timeline_position(t));
    same_whole(t, &before, true);
}

/* `k` units back from right behind the VM's last one, and forward again. */
static void back_and_there(struct timeline *t, unsigned vm, unsigned k, struct totals *n)
{
    struct place way[UNITS_MAX + 1];
    unsigned done = 0;
    if (timeline_vms(t) > 1 && !step(t, vm))
        return;
    way[0] = place(t, vm);
    struct whole before = whole(t, true);
    while (done < k && timeline_vm_steps(t, vm) > 0) {
        step_back(t, vm, n);
        way[++done] = place(t, vm);
    }
    while (done > 0) {
        if (!step(t, vm))
            fail(t, "the way forward", done, 0);
        same_place(t, vm, way[--done], false);
    }
    same(t, "position", way[0].position, timeline_position(t));
    same_whole(t, &before, true);
}

struct hit {
    enum timeline_stop kind;
    unsigned vm;
    uint64_t unit;     /* position before the unit that has it */
    uint64_t position; /* of an access: behind it */
    struct whole digest;
};

/* As gdb does behind a watchpoint's stop: without any point, this VM only. */
static void without_points(struct timeline *t, unsigned vm,
                           void (*go)(struct timeline *t, unsigned vm))
{
    struct points kept[VMS_MAX];
    memcpy(kept, t->points, sizeof kept);
    memset(t->points, 0, sizeof kept);
    timeline_listen(t, (int)vm);
    go(t, vm);
    finish(t);
    timeline_listen(t, TIMELINE_ALL);
    memcpy(t->points, kept, sizeof kept);
}

static struct hit hit_here(struct timeline *t, enum timeline_stop kind, unsigned vm, uint64_t unit)
{
    return (struct hit){kind, vm, unit, timeline_position(t), whole(t, false)};
}

/* Whose unit comes next. */
static unsigned next_vm(struct timeline *t)
{
    uint64_t at = timeline_position(t), steps[VMS_MAX];
    unsigned vm = 0, n = timeline_vms(t);
    for (unsigned i = 0; i < n; i++)
        steps[i] = timeline_vm_steps(t, i);
    timeline_seek_now(t, at + 1);
    while (vm + 1 < n && timeline_vm_steps(t, vm) == steps[vm])
        vm++;
    timeline_seek_now(t, at);
    return vm;
}

/* The hits of forward continues up to `until`, HITS_MAX at most. */
static unsigned hits_forward(struct timeline *t, uint64_t until, struct hit *hits)
{
    unsigned count = 0, vm = next_vm(t);
    while (count + 2 <= HITS_MAX) {
        timeline_continue(t, vm);
        enum timeline_stop stop = finish_before(t, until);
        uint64_t unit = timeline_position(t);
        if (stop == TIMELINE_END || unit >= until)
            break;
        vm = t->hit.vm;
        if (stop == TIMELINE_WATCH)
            without_points(t, vm, timeline_step_over);
        else if (stop != TIMELINE_BREAK)
            fail(t, "kind of stop", TIMELINE_BREAK, stop);
        hits[count++] = hit_here(t, stop, vm, unit);
        /* A breakpoint where a step ends is gdb's to see. */
        if (stop == TIMELINE_WATCH && next_vm(t) == vm &&
            points_break_at(&t->points[vm], mips_pc(timeline_cpu(t, vm))) != NULL) {
            hits[count] = hit_here(t, TIMELINE_BREAK, vm, timeline_position(t));
            count++;
        }
    }
    return count;
}

static void same_hit(struct timeline *t, const struct hit *want, enum timeline_stop stop)
{
    same(t, "hit backward: kind", want->kind, stop);
    same(t, "hit backward: VM", want->vm, t->hit.vm);
    same(t, "hit backward: position", want->position, timeline_position(t));
    same_whole(t, &want->digest, false);
}

/* A step back of the VM, over a breakpoint as gdb thinks: what the others meet on the way is told
 * by the next continue, and what is of this VM is gdb's to see. */
static unsigned step_over_back(struct timeline *t, unsigned vm, struct hit *hits, unsigned count,
                               struct totals *n)
{
    uint64_t from = timeline_position(t);
    unsigned kept = 0;
    timeline_listen(t, (int)vm);
    timeline_reverse_step(t, vm);
    finish(t);
    timeline_listen(t, TIMELINE_ALL);
    uint64_t to = timeline_position(t);
    for (unsigned i = 0; i < count; i++) {
        bool passed = hits[i].unit >= to && hits[i].unit < from;
        n->missed += passed && hits[i].vm != vm;
        if (!passed || hits[i].vm != vm)
            hits[kept++] = hits[i];
    }
    return kept;
}

/* `hits` in reverse order, from the last one's place. A breakpoint there does not count. */
static void hits_backward(struct timeline *t, struct hit *hits, unsigned count, bool step_over,
                          struct totals *n)
{
    unsigned vm = hits[count - 1].vm;
    timeline_seek_now(t, hits[count - 1].position);
    if (hits[count - 1].kind == TIMELINE_BREAK) {
        count--;
        if (step_over)
            count = step_over_back(t, vm, hits, count, n);
    }
    while (count-- > 0) {
        struct hit want = hits[count];
        timeline_reverse_continue(t);
        enum timeline_stop stop = finish(t);
        same_hit(t, &want, stop);
        if (stop == TIMELINE_WATCH) {
            without_points(t, want.vm, timeline_reverse_step);
            same(t, "behind an access", want.unit, timeline_position(t));
            if (count > 0 && hits[count - 1].kind == TIMELINE_BREAK &&
                hits[count - 1].position == want.unit)
                count--;
        } else if (step_over) {
            count = step_over_back(t, want.vm, hits, count, n);
        }
    }
}

/* From `from`, one step forward of the VM alone, and a continue: the first hit but those of its
 * step must be what comes. */
static void catch_up_forward(struct timeline *t, uint64_t from, unsigned vm, const struct hit *hits,
                             unsigned count, struct totals *n)
{
    timeline_seek_now(t, from);
    timeline_listen(t, (int)vm);
    timeline_step_over(t, vm);
    finish(t);
    timeline_listen(t, TIMELINE_ALL);
    uint64_t to = timeline_position(t);
    const struct hit *want = hits;
    while (want < hits + count && want->vm == vm &&
           (want->unit < to || (want->unit == to && want->kind == TIMELINE_BREAK)))
        want++; /* where the step ended, gdb sees by itself */
    if (want == hits + count || want->unit == from)
        return;
    n->missed += want->unit < to;
    timeline_continue(t, vm);
    enum timeline_stop stop = finish(t);
    if (stop == TIMELINE_BREAK && t->hit.vm != vm && timeline_position(t) == from) {
        /* It was there at the start, where a plain continue does not tell it; now the step is as
         * if it had not been. */
        timeline_continue(t, t->hit.vm);
        stop = finish(t);
        want = hits;
    }
    same(t, "hit after a step: kind", want->kind, stop);
    same(t, "hit after a step: VM", want->vm, t->hit.vm);
    same(t, "hit after a step: position", want->unit, timeline_position(t));
}

/* A store near the VM's stack here, and often a breakpoint where it then is. */
static void set_points(struct timeline *t, unsigned vm, struct rng *rng)
{
    uint64_t sp = mips_reg_read(timeline_cpu(t, vm), 29);
    struct point store = {.kind = POINT_WRITE + rng_below(rng, 3),
                          .va = sp - 32 + 4 * rng_below(rng, 16),
                          .len = 4,
                          .asid = TLB_HISTORY_PRESENT_ASID};
    points_set(&t->points[vm], &store);
    if (rng_below(rng, 3) != 0) {
        timeline_continue(t, vm);
        finish_before(t, timeline_position(t) + STRETCH);
    }
    struct point stop = {.kind = POINT_BREAK, .va = mips_pc(timeline_cpu(t, vm)), .len = 4};
    points_set(&t->points[vm], &stop);
}

/* Points of one VM or of several. */
static void both_ways(struct timeline *t, struct rng *rng, struct totals *n)
{
    uint64_t from = timeline_position(t);
    static struct hit hits[HITS_MAX], again[HITS_MAX];
    unsigned vms = timeline_vms(t), one = rng_below(rng, vms);
    for (unsigned i = 0; i < vms; i++)
        if (i == one || rng_below(rng, 3) != 0) {
            set_points(t, i, rng);
            timeline_seek_now(t, from);
        }
    unsigned count = hits_forward(t, from + STRETCH, hits);
    if (count > 0) {
        memcpy(again, hits, sizeof again);
        hits_backward(t, again, count, false, n);
        memcpy(again, hits, sizeof again);
        if (vms > 1)
            hits_backward(t, again, count, true, n);
        for (unsigned i = 0; i < vms; i++)
            catch_up_forward(t, from, i, hits, count, n);
    }
    for (unsigned i = 1; i < count; i++)
        n->meetings += hits[i - 1].kind == TIMELINE_BREAK && hits[i].kind == TIMELINE_WATCH &&
                       hits[i].unit == hits[i - 1].unit;
    n->hits += count;
    for (unsigned i = 0; i < vms; i++)
        points_free(&t->points[i]);
}

struct start {
    unsigned vm;
    uint64_t step; /* of that VM */
};

/* Random places right before events of a kind: a reservoir over the whole trace. */
static unsigned event_positions(struct timeline *t, enum event_kind kind, struct rng *rng,
                                struct start *out, unsigned max)
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
                out[at] = (struct start){ev[i].vm, ev[i].step};
            seen++;
        }
    }
    r->expected_left = 0; /* the reader's buffer has moved on */
    return (unsigned)min_u64(seen, max);
}

/* To shortly before the VM that runs is at the end of its part of the epoch. */
static void to_border(struct timeline *t, struct rng *rng)
{
    uint64_t epoch = t->replayer.monitor->epoch_cycles;
    uint64_t left = epoch - vm_cycle(timeline_current(t)) % epoch;
    timeline_seek_now(t, timeline_position(t) + left - rng_below(rng, (uint32_t)min_u64(left, 8)));
}

static void walk_from(struct timeline *t, unsigned vm, uint64_t position, struct rng *rng,
                      struct totals *n)
{
    unsigned k = 1 + rng_below(rng, UNITS_MAX), before = rng_below(rng, k);
    timeline_seek_now(t, position > before ? position - before : 0);
    if (timeline_vms(t) > 1 && rng_below(rng, 2) != 0)
        to_border(t, rng);
    there_and_back(t, vm, k, n);
    back_and_there(t, vm, k, n);
}

/* The position is one of several that a VM has with that many steps. */
static void walk_from_event(struct timeline *t, struct start at, struct rng *rng, struct totals *n)
{
    timeline_seek_vm(t, at.vm, at.step);
    finish(t);
    if (timeline_vm_steps(t, at.vm) > at.step + 1)
        fail(t, "seek to steps of a VM", at.step, timeline_vm_steps(t, at.vm));
    walk_from(t, at.vm, timeline_position(t), rng, n);
}

static void walk_at_events(struct timeline *t, unsigned per_kind, struct rng *rng,
                           struct totals *n)
{
    static const enum event_kind kinds[] = {EVENT_EXCEPTION, EVENT_REFILL, EVENT_INTERRUPT,
                                            EVENT_SYSCALL, EVENT_ERET, EVENT_TLB_WRITE,
                                            EVENT_WAIT, EVENT_IRQ, EVENT_FRAME};
    struct start *at = xcalloc(per_kind + 1, sizeof at[0]);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        unsigned count = event_positions(t, kinds[i], rng, at, per_kind);
        printf("timeline_walk: from %u of %s\n", count, event_info[kinds[i]].text);
        for (unsigned j = 0; j < count; j++) {
            walk_from_event(t, at[j], rng, n);
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
    timeline_begin(&t);
    monitor_set_engine(t.replayer.monitor, engine, false);
    timeline_seek_now(&t, UINT64_MAX);
    struct whole end = whole(&t, true);
    for (uint64_t i = 0; i < starts; i++) {
        timeline_seek_now(&t, rng_next(&rng) % t.replayer.end_step);
        walk_from(&t, rng_below(&rng, timeline_vms(&t)), timeline_position(&t), &rng, &n);
        if (i % 4 == 0)
            both_ways(&t, &rng, &n);
    }
    walk_at_events(&t, (unsigned)starts / 5 + 1, &rng, &n);
    timeline_seek_now(&t, UINT64_MAX);
    same_whole(&t, &end, true);
    if (!replayer_check_end(&t.replayer))
        fail(&t, "the end of the trace", 0, 1);
    printf("timeline_walk: %" PRIu64 " units: %" PRIu64 " with a delay slot, %" PRIu64 " jumps, %"
           PRIu64 " exceptions and interrupts, %" PRIu64 " asleep, %" PRIu64 " in user mode, %"
           PRIu64 " with other VMs' units before; %" PRIu64 " hits both ways, %" PRIu64
           " times a breakpoint and an access in one unit, %" PRIu64 " passed by a step\n",
           n.units, n.slots, n.jumps, n.traps, n.sleeps, n.user, n.others, n.hits, n.meetings,
           n.missed);
    printf("timeline_walk: %" PRIu64 " steps back, %.2f ms each, %.0f ms at most; %zu checkpoints\n",
           n.back_steps, n.back_seconds / (double)n.back_steps * 1e3, n.worst_back * 1e3,
           t.checkpoints_count);
    timeline_close(&t);
    return 0;
}
