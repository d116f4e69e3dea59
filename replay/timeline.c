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

#define SLICE_STEPS      500000u
#define HIT_COST         1000u /* steps that take as long as a hit that does not count */
#define FORWARD_SPACING  8000000u
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

unsigned timeline_vms(const struct timeline *t)
{
    return t->replayer.monitor->vms_count;
}

struct vm *timeline_vm(const struct timeline *t, unsigned vm)
{
    return t->replayer.monitor->vms[vm];
}

struct mips *timeline_cpu(const struct timeline *t, unsigned vm)
{
    return timeline_vm(t, vm)->cpu;
}

uint64_t timeline_vm_steps(const struct timeline *t, unsigned vm)
{
    return vm_steps(timeline_vm(t, vm));
}

struct vm *timeline_current(const struct timeline *t)
{
    return monitor_current(t->replayer.monitor);
}

bool timeline_at_end(const struct timeline *t)
{
    return replayer_at_end(&t->replayer);
}

const char *timeline_error(const struct timeline *t)
{
    return t->replayer.error.msg;
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

static bool listens_to(const struct timeline *t, unsigned vm)
{
    return t->listen == TIMELINE_ALL || t->listen == (int)vm;
}

static void arm(struct timeline *t, enum points_armed armed)
{
    for (unsigned i = 0; i < timeline_vms(t); i++)
        points_arm(&t->points[i], timeline_cpu(t, i), listens_to(t, i) ? armed : POINTS_NONE);
}

static bool has_watch(const struct timeline *t)
{
    for (unsigned i = 0; i < timeline_vms(t); i++)
        if (listens_to(t, i) && points_has_watch(&t->points[i]))
            return true;
    return false;
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
    t->op = OP_NONE;
    arm(t, POINTS_NONE);
    if (t->step && t->listen == (int)t->vm)
        note_missed(t);
    else
        t->missed.any = false;
    return stop;
}

/* Has a step that listened to the VM at which we are taken this unit? A breakpoint where it ended
 * is its user's to see. */
static bool was_stepped(const struct timeline *t, unsigned vm, enum run_stop stop)
{
    const struct timeline_missed *m = &t->missed;
    uint64_t now = timeline_position(t), lo = m->lo[vm], hi = m->hi[vm];
    bool at_end = stop == RUN_BREAK && !m->backward && lo != hi && now == hi;
    return t->catch_up && ((now >= lo && now < hi) || at_end);
}

/* Is the stop that a processor made one that the user wants? */
static bool is_wanted(struct timeline *t, enum run_stop stop)
{
    const struct vm *vm = timeline_current(t);
    const struct points *points = &t->points[vm->index];
    const struct point *p;
    if (was_stepped(t, vm->index, stop))
        return false;
    if (stop == RUN_BREAK) {
        p = points_break_hit(points, vm);
    } else {
        t->hit_access = mips_last_hit(vm->cpu);
        p = points_watch_hit(points, t->hit_access);
    }
    if (p == NULL)
        return false;
    t->hit = *p;
    t->hit_vm = vm->index;
    return true;
}

/*
 * Run towards the goal with the points armed. A stop is reported once: what it was about is then
 * dealt with (break_seen, watch_seen), and the next call goes on behind it. Between a breakpoint
 * and the rest of its unit there may be a watchpoint, so that the processor's own way to ignore
 * all points for a unit does not do if there are any.
 */
static enum run_stop run_points(struct timeline *t, struct goal g)
{
    uint64_t now = timeline_position(t);
    bool pass = t->watch_seen == now, quiet = false;
    if (!pass && t->break_seen == now) {
        quiet = has_watch(t);
        pass = !quiet;
    }
    if (quiet) {
        arm(t, POINTS_WATCHES);
        g.until = now + 1;
    }
    enum run_stop stop = run_slice(t, &g, pass);
    if (quiet)
        arm(t, POINTS_ALL);
    now = timeline_position(t);
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

static enum timeline_stop slice_forward(struct timeline *t)
{
    uint64_t begin = timeline_position(t), hits = 0;
    for (;;) {
        uint64_t now = timeline_position(t), steps = timeline_vm_steps(t, t->vm);
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
        struct goal g = {UINT64_MAX, UINT64_MAX, t->vm, t->step ? steps + 1 : UINT64_MAX};
        enum run_stop stop = run_points(t, g);
        if (stop == RUN_FAILED || (stop == RUN_STOPPED && t->replayer.error.code != 0))
            return finish(t, TIMELINE_FAILED);
        if (stop == RUN_BREAK || stop == RUN_WATCH) {
            hits++;
            if (is_wanted(t, stop))
                return finish(t, stop == RUN_BREAK ? TIMELINE_BREAK : TIMELINE_WATCH);
        }
    }
}

static void begin_seek(struct timeline *t, uint64_t step, enum timeline_stop arrive)
{
    uint64_t now = timeline_position(t);
    arm(t, POINTS_NONE);
    size_t i = checkpoint_before(t, step);
    if (step < now || t->checkpoints[i].step > now)
        checkpoint_restore(t, i);
    t->op = OP_SEEK;
    t->target = step;
    t->arrive = arrive;
}

static void begin_forward(struct timeline *t)
{
    t->op = OP_FORWARD;
    t->forward_next = t->must_finish = false;
    t->skip_break = UINT64_MAX;
    arm(t, POINTS_ALL);
}

static void begin_find(struct timeline *t, unsigned vm, uint64_t vm_step)
{
    size_t i = checkpoint_before_vm(t, vm, vm_step);
    arm(t, POINTS_NONE);
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
    if (t->step && t->arrive == TIMELINE_DONE)
        return back_arrived(t);
    if (t->forward_next) {
        begin_forward(t);
        return TIMELINE_RUNNING;
    }
    if (t->arrive == TIMELINE_BREAK) {
        /* A reset, the end of a sleep, other VMs' sleep: they are no steps, and lie before it. */
        arm(t, POINTS_ALL);
        replayer_run(&t->replayer, timeline_position(t) + 1, false);
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
    t->skip_break = op == OP_FORWARD ? t->vm_from : UINT64_MAX;
    t->break_seen = t->watch_seen = UINT64_MAX;
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
    arm(t, POINTS_ALL);
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
        arm(t, POINTS_ALL);
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
    t->segment_end = t->catch_up ? t->missed.from : t->from;
    if (t->segment_end == 0) {
        begin_seek(t, 0, TIMELINE_BEGIN);
        return;
    }
    arm(t, POINTS_ALL);
    begin_segment(t, checkpoint_before(t, t->segment_end - 1));
}

/* ---- life ---- */

int timeline_open(struct timeline *t, const char *path, struct err *e)
{
    *t = (struct timeline){.memory_budget = MEMORY_BUDGET, .listen = TIMELINE_ALL};
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
    for (unsigned i = 0; i < VMS_MAX; i++) {
        points_free(&t->points[i]);
        free(t->tlb_writes[i].list);
    }
    replayer_close(&t->replayer);
}
