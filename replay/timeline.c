/*
 * Going forward and backward.
 *
 * Backward is forward from an earlier checkpoint. Two rules make that fast:
 * going forward drops a checkpoint every FORWARD_SPACING steps; going to a
 * target from a checkpoint far before it drops more of them on the last part
 * of the way, each ten times nearer to the target, so that the next step back
 * from there is a short run.
 *
 * reverse-continue takes the segments between checkpoints one by one, from
 * the present backwards; it runs each forward, notes its last hit, and when
 * there was one, seeks to it.
 *
 *   checkpoints   0-------A--------B-----------C----> present
 *   1st segment                                C~~~~~ no hit
 *   2nd segment                    B~~x~~~x~~~~C      the second x it is
 *   seek                           B~~~~~~x
 *
 * A step back of a VM tries the last unit of all. If that was another VM's,
 * the end of its own last one is found from the last checkpoint before it.
 */
#include "replay/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "replay/timeline_priv.h"
#include "replay/tlb_history.h"

#define SLICE_STEPS      500000u
#define HIT_COST         1000u /* steps that take as long as a hit that does not count */
#define FORWARD_SPACING  8000000u
#define SNAPSHOT_BYTES   (8ull << 30) /* address space for frames; used as needed */
#define MEMORY_BUDGET    (1ull << 30)
#define USER_BUDGET      (4ull << 30)

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

/* Where a run ends, whatever comes first. */
struct goal {
    uint64_t until;  /* position */
    uint64_t target; /* checkpoints are dropped on the way to there */
    unsigned vm;
    uint64_t vm_step; /* of that VM; UINT64_MAX: it does not matter */
};

static bool is_reached(const struct timeline *t, const struct goal *g)
{
    return timeline_position(t) >= g->until || timeline_vm_steps(t, g->vm) >= g->vm_step;
}

/* Run towards the goal, a slice at most. */
static enum run_stop run_slice(struct timeline *t, const struct goal *g, bool pass)
{
    uint64_t now = timeline_position(t), left = SLICE_STEPS;
    enum run_stop stop = RUN_LIMIT;
    while (left != 0 && !is_reached(t, g) && !timeline_at_end(t)) {
        uint64_t drop = next_checkpoint_at(t, now, g->target);
        uint64_t to = min_u64(min_u64(g->until, drop), now + left);
        stop = replayer_run_vm(&t->replayer, to, g->vm, g->vm_step, pass);
        pass = false;
        uint64_t done = timeline_position(t) - now;
        now += done;
        left -= min_u64(left, done);
        if (stop != RUN_LIMIT)
            break;
        if (now >= drop)
            checkpoint_take(t);
    }
    return stop;
}

/* After a step that listened to one VM: what it may have missed of the others. */
static void note_missed(struct timeline *t)
{
    struct timeline_missed *m = &t->missed;
    uint64_t now = timeline_position(t), own = timeline_vm_steps(t, t->vm);
    bool backward = now < t->from;
    uint64_t moved = backward ? t->from - now : now - t->from;
    uint64_t own_moved = backward ? t->vm_from - own : own - t->vm_from;
    if (!m->any && moved == own_moved)
        return;
    if (!m->any)
        *m = (struct timeline_missed){.any = true, .backward = backward, .from = t->from};
    uint64_t lo = min_u64(t->from, now), hi = max_u64(t->from, now);
    if (m->lo[t->vm] == m->hi[t->vm]) {
        m->lo[t->vm] = lo;
        m->hi[t->vm] = hi;
    } else if (m->lo[t->vm] == hi || m->hi[t->vm] == lo) {
        m->lo[t->vm] = min_u64(m->lo[t->vm], lo);
        m->hi[t->vm] = max_u64(m->hi[t->vm], hi);
    }
}

static enum timeline_stop finish(struct timeline *t, enum timeline_stop stop)
{
    const struct timeline_hit *hit = &t->hit;
    t->op = OP_NONE;
    points_arm(t, POINTS_NONE);
    bool touch = stop == TIMELINE_WATCH && hit->cause.device && hit->ahead;
    t->touch_told = touch && hit->at == timeline_position(t) ? hit->at : UINT64_MAX;
    if (t->step && t->listen == (int)t->vm)
        note_missed(t);
    else
        t->missed.any = false;
    return stop;
}

/*
 * Run towards the goal with the points armed. A stop is reported once: what it was about is then
 * dealt with (break_seen, watch_seen), and the next call goes on behind it. What was touched by
 * others than an instruction has happened, and will not come again. Between a breakpoint
 * and the rest of its unit there may be a watchpoint, so that the processor's own way to ignore
 * all points for a unit does not do if there are any.
 */
static enum run_stop run_points(struct timeline *t, struct goal g)
{
    uint64_t now = timeline_position(t);
    bool pass = t->watch_seen == now, quiet = false;
    if (!pass && t->break_seen == now) {
        quiet = points_any_watch(t);
        pass = !quiet;
    }
    if (quiet)
        points_arm(t, POINTS_WATCHES);
    if (quiet || pass)
        g.until = min_u64(g.until, now + 1);
    t->deaf = pass;
    enum run_stop stop = run_slice(t, &g, pass);
    t->deaf = false;
    if (quiet)
        points_arm(t, POINTS_ALL);
    now = timeline_position(t);
    if (stop == RUN_WATCH && points_touched(t))
        return stop;
    if (stop == RUN_BREAK && timeline_current(t)->index == t->vm &&
        timeline_vm_steps(t, t->vm) == t->skip_break)
        t->break_seen = now;
    /* Nothing was done: the end of an epoch came between, or a VM whose turn it was slept on. */
    if (stop == RUN_BREAK && t->break_seen == now)
        stop = RUN_LIMIT;
    else if (stop == RUN_WATCH && t->watch_seen == now)
        stop = RUN_LIMIT;
    if (stop == RUN_BREAK)
        t->break_seen = now;
    if (stop == RUN_WATCH)
        t->watch_seen = now;
    return stop;
}

static void begin_seek(struct timeline *t, uint64_t step, enum timeline_stop arrive)
{
    uint64_t now = timeline_position(t);
    points_arm(t, POINTS_NONE);
    size_t i = checkpoint_before(t, step);
    if (step < now || t->checkpoints[i].step > now)
        checkpoint_restore(t, i);
    t->op = OP_SEEK;
    t->target = step;
    t->before = UINT64_MAX;
    t->arrive = arrive;
}

/* To the position's own state, in which nothing else that is due there has been done. */
static void begin_seek_anew(struct timeline *t, uint64_t step, enum timeline_stop arrive)
{
    checkpoint_restore(t, checkpoint_before(t, step));
    begin_seek(t, step, arrive);
    t->must_finish = true;
}

/* To before the unit that ends at `end`. */
static void begin_seek_before(struct timeline *t, uint64_t end, enum timeline_stop arrive)
{
    begin_seek_anew(t, end - 1, arrive);
    t->before = end;
}

/* A hit of the user's own watchpoint is told behind its unit; this one ends the run before. */
static void tell_along(struct timeline *t)
{
    watch_cause_print(&t->hit.point, &t->hit.cause, &t->along);
    t->stop_behind = UINT64_MAX;
}

/* A wanted hit, forward. The debugger wants to be before an access. */
static enum timeline_stop met(struct timeline *t, enum run_stop stop, const struct timeline_hit *hit)
{
    bool own = hit->point.number != 0;
    if (own && t->stop_behind != UINT64_MAX)
        return TIMELINE_RUNNING; /* in the same unit */
    if (t->stop_behind != UINT64_MAX)
        tell_along(t);
    t->hit = *hit;
    if (own && (hit->ahead || !hit->cause.device)) {
        t->stop_behind = hit->at + 1;
        return TIMELINE_RUNNING;
    }
    if (own || !hit->cause.device)
        return finish(t, stop == RUN_BREAK ? TIMELINE_BREAK : TIMELINE_WATCH);
    if (hit->ahead)
        begin_seek_anew(t, hit->at, TIMELINE_WATCH);
    else
        begin_seek_before(t, hit->at, TIMELINE_WATCH);
    return TIMELINE_RUNNING;
}

static enum timeline_stop slice_forward(struct timeline *t)
{
    uint64_t begin = timeline_position(t), hits = 0;
    for (;;) {
        uint64_t now = timeline_position(t), steps = timeline_vm_steps(t, t->vm);
        if (now >= t->stop_behind || (t->stop_behind != UINT64_MAX && timeline_at_end(t))) {
            t->stop_behind = UINT64_MAX;
            if (points_access_counts(t, &t->hit))
                return finish(t, TIMELINE_WATCH);
        }
        t->stepped = t->stepped || steps != t->vm_from;
        if (t->step && t->stepped) {
            uint64_t pc = mips_pc(timeline_cpu(t, t->vm));
            if (pc < t->lo || pc >= t->hi)
                return finish(t, TIMELINE_DONE);
        }
        if (timeline_at_end(t))
            return finish(t, TIMELINE_END);
        if (now - begin + hits * HIT_COST >= SLICE_STEPS)
            return TIMELINE_RUNNING;
        struct goal g = {t->stop_behind, UINT64_MAX, t->vm, t->step ? steps + 1 : UINT64_MAX};
        enum run_stop stop = run_points(t, g);
        if (stop == RUN_FAILED || (stop == RUN_STOPPED && t->replayer.error.code != 0))
            return finish(t, TIMELINE_FAILED);
        if (stop == RUN_BREAK || stop == RUN_WATCH) {
            struct timeline_hit hit;
            hits++;
            if (!points_wanted(t, stop, &hit))
                continue;
            enum timeline_stop how = met(t, stop, &hit);
            if (t->op != OP_FORWARD)
                return how;
        }
    }
}

static void begin_forward(struct timeline *t)
{
    t->op = OP_FORWARD;
    t->forward_next = t->must_finish = false;
    t->skip_break = UINT64_MAX;
    points_arm(t, POINTS_ALL);
}

static void begin_find(struct timeline *t, unsigned vm, uint64_t vm_step)
{
    size_t i = checkpoint_before_vm(t, vm, vm_step);
    points_arm(t, POINTS_NONE);
    if (timeline_vm_steps(t, vm) >= vm_step || t->checkpoints[i].step > timeline_position(t))
        checkpoint_restore(t, i);
    t->op = OP_FIND;
    t->must_finish = false;
    t->vm = vm;
    t->vm_target = vm_step;
}

static void begin_back_from(struct timeline *t, uint64_t end)
{
    t->back_end = end;
    t->must_finish = true;
    begin_seek(t, end - 1, TIMELINE_DONE);
}

/* A step back has arrived before the last unit that ends at back_end. */
static enum timeline_stop back_arrived(struct timeline *t)
{
    if (timeline_position(t) == t->back_end) /* over a branch and its slot: never split */
        begin_seek(t, t->back_end - 2, TIMELINE_DONE);
    else if (timeline_vm_steps(t, t->vm) < t->vm_from)
        return finish(t, TIMELINE_DONE);
    else
        begin_find(t, t->vm, t->vm_from);
    return TIMELINE_RUNNING;
}

/* Continue the seek to t->target. */
static enum timeline_stop slice_seek(struct timeline *t)
{
    struct goal g = {t->target, t->target, 0, UINT64_MAX};
    enum run_stop stop = run_slice(t, &g, false);
    if (stop == RUN_FAILED || t->replayer.error.code != 0)
        return finish(t, TIMELINE_FAILED);
    if (timeline_position(t) < t->target && !timeline_at_end(t))
        return TIMELINE_RUNNING;
    if (timeline_position(t) == t->before) { /* over a branch and its slot: never split */
        begin_seek(t, t->before - 2, t->arrive);
        return TIMELINE_RUNNING;
    }
    if (t->step && t->arrive == TIMELINE_DONE)
        return back_arrived(t);
    if (t->forward_next) {
        begin_forward(t);
        return TIMELINE_RUNNING;
    }
    if (t->arrive == TIMELINE_BREAK) {
        /* A reset, the end of a sleep, other VMs' sleep: they are no steps, and lie before it. */
        points_arm(t, POINTS_ALL);
        t->deaf = true;
        replayer_run(&t->replayer, timeline_position(t) + 1, false);
        t->deaf = false;
    }
    return finish(t, t->arrive);
}

static enum timeline_stop slice_find(struct timeline *t)
{
    struct goal g = {UINT64_MAX, t->step ? t->from : UINT64_MAX, t->vm, t->vm_target};
    enum run_stop stop = run_slice(t, &g, false);
    if (stop == RUN_FAILED || t->replayer.error.code != 0)
        return finish(t, TIMELINE_FAILED);
    if (!is_reached(t, &g) && !timeline_at_end(t))
        return TIMELINE_RUNNING;
    if (!t->step)
        return finish(t, TIMELINE_DONE);
    begin_back_from(t, timeline_position(t));
    return TIMELINE_RUNNING;
}

static void begin_segment(struct timeline *t, size_t i)
{
    t->segment = i;
    t->best = UINT64_MAX;
    t->break_seen = t->watch_seen = UINT64_MAX;
    checkpoint_restore(t, i);
    points_arm(t, POINTS_ALL); /* what addresses mean there */
}

/* All hits of this segment are known: go to the last one, or on to the segment before. */
static void end_segment(struct timeline *t)
{
    if (t->best != UINT64_MAX) {
        t->must_finish = true;
        if (t->best_stop == TIMELINE_WATCH && t->hit.point.number != 0)
            begin_seek_before(t, t->best, TIMELINE_WATCH);
        else
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
    struct timeline_hit hit;
    uint64_t at = timeline_position(t);
    if (!points_wanted(t, stop, &hit))
        return;
    if (stop == RUN_BREAK && t->best != UINT64_MAX && t->best > at)
        return; /* at the begin of a unit before which something was touched */
    if (hit.ahead) {
        at++;
    } else if (stop == RUN_WATCH && !hit.cause.device) {
        t->deaf = true;
        replayer_run(&t->replayer, at + 1, true);
        t->deaf = false;
        at = timeline_position(t);
    }
    if (stop == RUN_WATCH && !points_access_counts(t, &hit))
        return;
    t->best = at;
    t->hit = hit;
    t->best_stop = stop == RUN_BREAK ? TIMELINE_BREAK : TIMELINE_WATCH;
}

static enum timeline_stop slice_backward(struct timeline *t)
{
    uint64_t begin = timeline_position(t), hits = 0;
    for (;;) {
        uint64_t now = timeline_position(t);
        if (now >= t->segment_end || timeline_at_end(t)) {
            end_segment(t);
            return TIMELINE_RUNNING;
        }
        if (now - begin + hits * HIT_COST >= SLICE_STEPS)
            return TIMELINE_RUNNING;
        struct goal g = {t->segment_end, UINT64_MAX, 0, UINT64_MAX};
        enum run_stop stop = run_points(t, g);
        if (stop == RUN_FAILED || t->replayer.error.code != 0)
            return finish(t, TIMELINE_FAILED);
        if (stop == RUN_BREAK || stop == RUN_WATCH) {
            hits++;
            note_hit(t, stop);
        }
    }
}

/* Where nothing was overlooked: a continue backward has searched all behind its segment, and a
 * step back that looks for its place goes back to where it began. */
static enum timeline_stop stop_early(struct timeline *t)
{
    uint64_t to = t->op == OP_BACKWARD ? t->segment_end : t->from;
    t->interrupted = false;
    if (t->op != OP_BACKWARD && !(t->op == OP_FIND && t->step))
        return finish(t, TIMELINE_INTERRUPTED);
    t->must_finish = true;
    t->step = false;
    begin_seek(t, to, TIMELINE_INTERRUPTED);
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
    case OP_FIND:
        return slice_find(t);
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

void timeline_listen(struct timeline *t, int vm)
{
    t->listen = vm;
}

static void begin(struct timeline *t, enum timeline_op op, unsigned vm, bool step, bool backward)
{
    t->op = op;
    t->must_finish = t->forward_next = t->stepped = t->interrupted = false;
    t->step = step;
    t->vm = vm;
    t->vm_from = timeline_vm_steps(t, vm);
    t->from = timeline_position(t);
    /* What was touched ahead comes before the breakpoint there: its user has not seen that yet. */
    t->skip_break = op == OP_FORWARD && t->touch_told != t->from ? t->vm_from : UINT64_MAX;
    t->break_seen = t->watch_seen = t->stop_behind = UINT64_MAX;
    buf_clear(&t->along);
    if (t->missed.backward != backward ||
        (step ? t->listen != (int)vm : t->listen != TIMELINE_ALL))
        t->missed.any = false;
    t->catch_up = t->missed.any && !t->step;
}

void timeline_step(struct timeline *t, unsigned vm, uint64_t lo, uint64_t hi)
{
    begin(t, OP_FORWARD, vm, true, false);
    t->lo = lo;
    t->hi = hi;
    points_arm(t, POINTS_ALL);
}

void timeline_step_over(struct timeline *t, unsigned vm)
{
    timeline_step(t, vm, 0, 0);
    t->watch_seen = t->from;
}

void timeline_continue(struct timeline *t, unsigned vm)
{
    begin(t, OP_FORWARD, vm, false, false);
    if (t->catch_up) {
        begin_seek(t, t->missed.from, TIMELINE_DONE);
        t->forward_next = t->must_finish = true;
    } else {
        points_arm(t, POINTS_ALL);
    }
}

void timeline_seek(struct timeline *t, uint64_t step)
{
    begin(t, OP_SEEK, 0, false, false);
    t->catch_up = false;
    begin_seek(t, step, TIMELINE_DONE);
}

void timeline_seek_vm(struct timeline *t, unsigned vm, uint64_t vm_step)
{
    begin(t, OP_FIND, vm, false, false);
    t->catch_up = false;
    begin_find(t, vm, vm_step);
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

void timeline_reverse_step(struct timeline *t, unsigned vm)
{
    begin(t, OP_SEEK, vm, true, true);
    if (t->vm_from == 0) {
        t->must_finish = true;
        begin_seek(t, 0, TIMELINE_BEGIN);
        return;
    }
    begin_back_from(t, t->from);
}

void timeline_reverse_continue(struct timeline *t)
{
    begin(t, OP_BACKWARD, 0, false, true);
    /* At the trace's end time has passed behind the last step, and something may have been touched. */
    t->segment_end = t->catch_up ? t->missed.from : t->from + timeline_at_end(t);
    if (t->segment_end == 0) {
        begin_seek(t, 0, TIMELINE_BEGIN);
        return;
    }
    begin_segment(t, checkpoint_before(t, t->segment_end - 1));
}

/* ---- life ---- */

int timeline_open(struct timeline *t, const char *path, struct err *e)
{
    *t = (struct timeline){.memory_budget = MEMORY_BUDGET,
                           .user_budget = USER_BUDGET,
                           .listen = TIMELINE_ALL,
                           .touch_told = UINT64_MAX};
    return replayer_open(&t->replayer, path, SNAPSHOT_BYTES, e);
}

void timeline_begin(struct timeline *t)
{
    checkpoint_take(t);
}

void timeline_close(struct timeline *t)
{
    for (size_t i = 0; i < t->checkpoints_count; i++) {
        snapshot_free(t->replayer.monitor, t->checkpoints[i].snapshot);
        free(t->checkpoints[i].name);
    }
    free(t->checkpoints);
    for (unsigned i = 0; i < VMS_MAX; i++) {
        points_free(&t->points[i]);
        watch_free(&t->watch[i]);
    }
    buf_free(&t->along);
    tlb_history_free(t);
    replayer_close(&t->replayer);
}
