/*
 * Going forward and backward.
 *
 * Backward is forward from an earlier checkpoint. Two rules make that fast:
 * going forward drops a checkpoint every FORWARD_SPACING steps; going to a
 * target from a checkpoint far before it drops more of them on the last part
 * of the way, each ten times nearer to the target, so that the next step back
 * from there is a short run. When there are too many, the one whose loss
 * costs least (its neighbours are close together compared with their distance
 * from the present) goes.
 *
 * reverse-continue takes the segments between checkpoints one by one, from
 * the present backwards; it runs each forward, notes its last hit, and when
 * there was one, seeks to it.
 *
 *   checkpoints   0-------A--------B-----------C----> present
 *   1st segment                                C~~~~~ no hit
 *   2nd segment                    B~~x~~~x~~~~C      the second x it is
 *   seek                           B~~~~~~x
 */
#include "replay/timeline.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_STEPS      500000u
#define HIT_COST         1000u /* steps that take as long as a hit that does not count */
#define FORWARD_SPACING  8000000u
#define NEAREST_SPACING  5000u
#define SNAPSHOT_BYTES   (8ull << 30) /* address space for frames; used as needed */
#define MEMORY_BUDGET    (1ull << 30)

uint64_t timeline_position(const struct timeline *t)
{
    return monitor_position(t->replayer.monitor);
}

uint64_t timeline_cycle(const struct timeline *t)
{
    return monitor_cycle(t->replayer.monitor);
}

struct vm *timeline_vm(const struct timeline *t)
{
    return monitor_current(t->replayer.monitor);
}

struct mips *timeline_cpu(const struct timeline *t)
{
    return timeline_vm(t)->cpu;
}

bool timeline_at_end(const struct timeline *t)
{
    return replayer_at_end(&t->replayer);
}

const char *timeline_error(const struct timeline *t)
{
    return t->replayer.error.msg;
}

/* ---- checkpoints ---- */

/* Index of the last checkpoint at or before `step`. */
static size_t checkpoint_before(const struct timeline *t, uint64_t step)
{
    size_t i = t->checkpoints_count;
    while (i > 1 && t->checkpoints[i - 1].step > step)
        i--;
    return i - 1;
}

static void drop_checkpoint(struct timeline *t, size_t i)
{
    snapshot_free(t->replayer.monitor, t->checkpoints[i].snapshot);
    free(t->checkpoints[i].name);
    t->checkpoints_count--;
    memmove(&t->checkpoints[i], &t->checkpoints[i + 1],
            (t->checkpoints_count - i) * sizeof t->checkpoints[0]);
}

/* Drop the one that is missed least; false if all must stay. */
static bool thin_out(struct timeline *t)
{
    uint64_t now = timeline_position(t);
    size_t victim = 0;
    double least = 0;
    for (size_t i = 1; i < t->checkpoints_count; i++) {
        const struct checkpoint *c = &t->checkpoints[i];
        if (c->name != NULL || i == t->segment)
            continue;
        uint64_t next = i + 1 < t->checkpoints_count ? t->checkpoints[i + 1].step
                                                     : max_u64(now, c->step + 1);
        uint64_t away = now > c->step ? now - c->step : c->step - now;
        double loss = (double)(next - c[-1].step) / (double)(away + NEAREST_SPACING);
        if (victim == 0 || loss < least) {
            victim = i;
            least = loss;
        }
    }
    if (victim == 0)
        return false;
    drop_checkpoint(t, victim);
    if (t->segment > victim)
        t->segment--;
    return true;
}

/* Bytes of frames that only checkpoints hold. */
static uint64_t memory_held(const struct timeline *t)
{
    const struct memory *memory = &t->replayer.monitor->memory;
    uint64_t all = frames_in_use(&memory->frames);
    return (all - min_u64(all, memory_in_use(memory))) * PAGE_SIZE;
}

/* A checkpoint here, unless there is one. NULL if there is no room. */
static struct checkpoint *take_checkpoint(struct timeline *t)
{
    uint64_t step = timeline_position(t);
    if (t->checkpoints_count != 0) {
        struct checkpoint *last = &t->checkpoints[checkpoint_before(t, step)];
        if (last->step == step)
            return last;
    }
    while (t->checkpoints_count == CHECKPOINTS_MAX || memory_held(t) > t->memory_budget)
        if (!thin_out(t))
            break;
    if (t->checkpoints_count == CHECKPOINTS_MAX)
        return NULL;
    size_t i = t->checkpoints_count == 0 ? 0 : checkpoint_before(t, step) + 1;
    memmove(&t->checkpoints[i + 1], &t->checkpoints[i],
            (t->checkpoints_count - i) * sizeof t->checkpoints[0]);
    t->checkpoints_count++;
    if (t->segment >= i && t->op == OP_BACKWARD)
        t->segment++;
    t->checkpoints[i] = (struct checkpoint){
        .step = step,
        .snapshot = monitor_snapshot(t->replayer.monitor),
        .cursor = t->replayer.at,
    };
    return &t->checkpoints[i];
}

static void restore(struct timeline *t, size_t i)
{
    monitor_restore(t->replayer.monitor, t->checkpoints[i].snapshot);
    replayer_seek_cursor(&t->replayer, &t->checkpoints[i].cursor);
}

unsigned timeline_checkpoint(struct timeline *t, const char *name)
{
    struct checkpoint *c = take_checkpoint(t);
    if (c == NULL)
        return 0;
    free(c->name);
    c->name = xstrdup(name);
    if (c->id == 0)
        c->id = ++t->next_id;
    return c->id;
}

const struct checkpoint *timeline_find_checkpoint(const struct timeline *t, unsigned id)
{
    for (size_t i = 0; i < t->checkpoints_count; i++)
        if (t->checkpoints[i].name != NULL && t->checkpoints[i].id == id)
            return &t->checkpoints[i];
    return NULL;
}

bool timeline_delete_checkpoint(struct timeline *t, unsigned id)
{
    struct checkpoint *c = NULL;
    for (size_t i = 0; i < t->checkpoints_count; i++)
        if (t->checkpoints[i].name != NULL && t->checkpoints[i].id == id)
            c = &t->checkpoints[i];
    if (c == NULL)
        return false;
    free(c->name);
    c->name = NULL;
    c->id = 0;
    return true;
}

/* ---- running ---- */

/* Where to drop the next checkpoint on the way from `now` to `target`. */
static uint64_t next_checkpoint_at(const struct timeline *t, uint64_t now, uint64_t target)
{
    uint64_t last = t->checkpoints[checkpoint_before(t, now)].step;
    if (target == UINT64_MAX)
        return max_u64(last + FORWARD_SPACING, now + 1);
    for (uint64_t spacing = FORWARD_SPACING; spacing >= NEAREST_SPACING; spacing /= 10) {
        uint64_t at = target > spacing ? target - spacing : 0;
        if (at > now)
            return min_u64(at, max_u64(last + FORWARD_SPACING, now + 1));
    }
    return UINT64_MAX;
}

/* Run towards `until`, a slice at most; drops checkpoints on the way to `target`. */
static enum run_stop run_slice(struct timeline *t, uint64_t until, uint64_t target, bool pass)
{
    uint64_t now = timeline_position(t), left = SLICE_STEPS;
    enum run_stop stop = RUN_LIMIT;
    while (left != 0 && now < until && !timeline_at_end(t)) {
        uint64_t drop = next_checkpoint_at(t, now, target);
        uint64_t to = min_u64(min_u64(until, drop), now + left);
        stop = replayer_run(&t->replayer, to, pass);
        pass = false;
        uint64_t done = timeline_position(t) - now;
        now += done;
        left -= min_u64(left, done);
        if (stop != RUN_LIMIT)
            break;
        if (now >= drop)
            take_checkpoint(t);
    }
    return stop;
}

static enum timeline_stop finish(struct timeline *t, enum timeline_stop stop)
{
    t->op = OP_NONE;
    points_arm(&t->points, timeline_cpu(t), POINTS_NONE);
    return stop;
}

/* Is the stop that the processor made one that the user wants? */
static bool is_wanted(struct timeline *t, enum run_stop stop)
{
    const struct point *p;
    if (stop == RUN_BREAK) {
        p = points_break_at(&t->points, mips_pc(timeline_cpu(t)));
    } else {
        t->hit_access = mips_last_hit(timeline_cpu(t));
        p = points_watch_hit(&t->points, t->hit_access);
    }
    if (p == NULL)
        return false;
    t->hit = *p;
    return true;
}

/*
 * Run towards `until` with the points armed. A stop is reported once: what it was about is then
 * dealt with (break_seen, watch_seen), and the next call goes on behind it. Between a breakpoint
 * and the rest of its unit there may be a watchpoint, so that the processor's own way to ignore
 * all points for a unit does not do if there are any.
 */
static enum run_stop run_points(struct timeline *t, uint64_t until)
{
    struct mips *cpu = timeline_cpu(t);
    uint64_t now = timeline_position(t);
    bool pass = t->watch_seen == now, quiet = false;
    if (!pass && t->break_seen == now) {
        quiet = points_has_watch(&t->points);
        pass = !quiet;
    }
    if (quiet) {
        points_arm(&t->points, cpu, POINTS_WATCHES);
        until = now + 1;
    }
    enum run_stop stop = run_slice(t, until, UINT64_MAX, pass);
    if (quiet)
        points_arm(&t->points, cpu, POINTS_ALL);
    if (stop == RUN_BREAK && t->break_seen == timeline_position(t))
        stop = RUN_LIMIT; /* nothing was done: the end of an epoch came between */
    else if (stop == RUN_WATCH && t->watch_seen == timeline_position(t))
        stop = RUN_LIMIT;
    if (stop == RUN_BREAK)
        t->break_seen = timeline_position(t);
    if (stop == RUN_WATCH)
        t->watch_seen = timeline_position(t);
    return stop;
}

static enum timeline_stop slice_forward(struct timeline *t)
{
    uint64_t begin = timeline_position(t), hits = 0;
    for (;;) {
        uint64_t now = timeline_position(t);
        if (t->step && t->stepped) {
            uint64_t pc = mips_pc(timeline_cpu(t));
            if (pc < t->lo || pc >= t->hi)
                return finish(t, TIMELINE_DONE);
        }
        if (timeline_at_end(t))
            return finish(t, TIMELINE_END);
        if (now - begin + hits * HIT_COST >= SLICE_STEPS)
            return TIMELINE_RUNNING;
        enum run_stop stop = run_points(t, t->step ? now + 1 : UINT64_MAX);
        if (stop == RUN_FAILED || (stop == RUN_STOPPED && t->replayer.error.code != 0))
            return finish(t, TIMELINE_FAILED);
        if (stop == RUN_BREAK || stop == RUN_WATCH) {
            hits++;
            if (is_wanted(t, stop))
                return finish(t, stop == RUN_BREAK ? TIMELINE_BREAK : TIMELINE_WATCH);
        }
        t->stepped = t->stepped || timeline_position(t) != now;
    }
}

static void begin_seek(struct timeline *t, uint64_t step, enum timeline_stop arrive)
{
    uint64_t now = timeline_position(t);
    points_arm(&t->points, timeline_cpu(t), POINTS_NONE);
    size_t i = checkpoint_before(t, step);
    if (step < now || t->checkpoints[i].step > now)
        restore(t, i);
    t->op = OP_SEEK;
    t->target = step;
    t->arrive = arrive;
}

/* Continue the seek to t->target. */
static enum timeline_stop slice_seek(struct timeline *t)
{
    enum run_stop stop = run_slice(t, t->target, t->target, false);
    if (stop == RUN_FAILED || t->replayer.error.code != 0)
        return finish(t, TIMELINE_FAILED);
    if (timeline_position(t) < t->target && !timeline_at_end(t))
        return TIMELINE_RUNNING;
    if (t->step && t->target + 1 == t->from && timeline_position(t) == t->from) {
        /* A step back, over a branch and its slot: those are never split. */
        begin_seek(t, t->from - 2, t->arrive);
        return TIMELINE_RUNNING;
    }
    struct mips *cpu = timeline_cpu(t);
    if (t->arrive == TIMELINE_BREAK && (mips_pc(cpu) != t->hit.va || mips_waiting(cpu))) {
        /* A reset or the end of a sleep, which are no steps, lie before the breakpoint. */
        points_arm(&t->points, cpu, POINTS_ALL);
        replayer_run(&t->replayer, timeline_position(t) + 1, false);
    }
    return finish(t, t->arrive);
}

static void begin_segment(struct timeline *t, size_t i)
{
    t->segment = i;
    t->best = UINT64_MAX;
    t->break_seen = t->watch_seen = UINT64_MAX;
    restore(t, i);
}

/* All hits of this segment are known: go to the last one, or on to the segment before. */
static void end_segment(struct timeline *t)
{
    if (t->best != UINT64_MAX) {
        t->must_finish = true;
        begin_seek(t, t->best, t->best_stop);
    } else if (t->segment == 0) {
        begin_seek(t, 0, TIMELINE_BEGIN);
    } else {
        t->segment_end = t->checkpoints[t->segment].step;
        begin_segment(t, t->segment - 1);
    }
}

/* A hit, if it is wanted, is the best so far: later ones replace it. An access is met behind it. */
static void note_hit(struct timeline *t, enum run_stop stop)
{
    if (!is_wanted(t, stop))
        return;
    uint64_t at = timeline_position(t);
    if (stop == RUN_WATCH) {
        replayer_run(&t->replayer, at + 1, true);
        at = timeline_position(t);
    }
    t->best = at;
    t->best_stop = stop == RUN_BREAK ? TIMELINE_BREAK : TIMELINE_WATCH;
}

static enum timeline_stop slice_backward(struct timeline *t)
{
    uint64_t begin = timeline_position(t), hits = 0;
    for (;;) {
        uint64_t now = timeline_position(t);
        if (now >= t->segment_end) {
            end_segment(t);
            return TIMELINE_RUNNING;
        }
        if (now - begin + hits * HIT_COST >= SLICE_STEPS)
            return TIMELINE_RUNNING;
        enum run_stop stop = run_points(t, t->segment_end);
        if (stop == RUN_FAILED || t->replayer.error.code != 0)
            return finish(t, TIMELINE_FAILED);
        if (stop == RUN_BREAK || stop == RUN_WATCH) {
            hits++;
            note_hit(t, stop);
        }
    }
}

/* Where nothing was overlooked: a continue backward has searched all behind its segment. */
static enum timeline_stop stop_early(struct timeline *t)
{
    t->interrupted = false;
    if (t->op != OP_BACKWARD)
        return finish(t, TIMELINE_INTERRUPTED);
    t->must_finish = true;
    begin_seek(t, t->segment_end, TIMELINE_INTERRUPTED);
    return TIMELINE_RUNNING;
}

enum timeline_stop timeline_slice(struct timeline *t)
{
    if (t->interrupted && t->op != OP_NONE && !t->must_finish)
        return stop_early(t);
    switch (t->op) {
    case OP_FORWARD:
        return slice_forward(t);
    case OP_SEEK:
        return slice_seek(t);
    case OP_BACKWARD:
        return slice_backward(t);
    case OP_NONE:
        break;
    }
    return TIMELINE_DONE;
}

void timeline_interrupt(struct timeline *t)
{
    t->interrupted = true;
}

static void begin(struct timeline *t, enum timeline_op op, bool step)
{
    t->op = op;
    t->must_finish = false;
    t->step = step;
    t->stepped = false;
    t->interrupted = false;
    t->from = timeline_position(t);
    t->break_seen = t->from;
    t->watch_seen = UINT64_MAX;
}

void timeline_step(struct timeline *t, uint64_t lo, uint64_t hi)
{
    begin(t, OP_FORWARD, true);
    t->lo = lo;
    t->hi = hi;
    points_arm(&t->points, timeline_cpu(t), POINTS_ALL);
}

void timeline_step_over(struct timeline *t)
{
    timeline_step(t, 0, 0);
    t->watch_seen = t->from;
}

void timeline_continue(struct timeline *t)
{
    begin(t, OP_FORWARD, false);
    points_arm(&t->points, timeline_cpu(t), POINTS_ALL);
}

void timeline_seek(struct timeline *t, uint64_t step)
{
    begin(t, OP_SEEK, false);
    begin_seek(t, step, TIMELINE_DONE);
}

enum timeline_stop timeline_seek_now(struct timeline *t, uint64_t step)
{
    enum timeline_stop stop;
    timeline_seek(t, step);
    do {
        stop = timeline_slice(t);
    } while (stop == TIMELINE_RUNNING);
    return stop;
}

void timeline_reverse_step(struct timeline *t)
{
    begin(t, OP_SEEK, true);
    t->must_finish = true;
    if (t->from == 0)
        begin_seek(t, 0, TIMELINE_BEGIN);
    else
        begin_seek(t, t->from - 1, TIMELINE_DONE);
}

void timeline_reverse_continue(struct timeline *t)
{
    begin(t, OP_BACKWARD, false);
    t->segment_end = t->from;
    if (t->from == 0) {
        begin_seek(t, 0, TIMELINE_BEGIN);
        return;
    }
    points_arm(&t->points, timeline_cpu(t), POINTS_ALL);
    begin_segment(t, checkpoint_before(t, t->from - 1));
}

/* ---- life ---- */

int timeline_open(struct timeline *t, const char *path, struct err *e)
{
    *t = (struct timeline){.memory_budget = MEMORY_BUDGET};
    TRY(replayer_open(&t->replayer, path, SNAPSHOT_BYTES, e));
    take_checkpoint(t);
    return 0;
}

void timeline_close(struct timeline *t)
{
    for (size_t i = 0; i < t->checkpoints_count; i++) {
        snapshot_free(t->replayer.monitor, t->checkpoints[i].snapshot);
        free(t->checkpoints[i].name);
    }
    points_free(&t->points);
    free(t->tlb_writes);
    replayer_close(&t->replayer);
}
