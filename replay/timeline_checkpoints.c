/*
 * The checkpoints of a timeline: whole states in memory, which share all pages
 * that are equal. When there are too many automatic ones, or what only they
 * hold is too much, the one goes whose loss costs least: its neighbours are
 * close together compared with their distance from the present.
 *
 * The user's stay, however many they are. What they hold is not known while
 * others share it; when no automatic one is left to be dropped, it is all that
 * is held, and from then on does not count against the automatic ones.
 */
#include <stdlib.h>
#include <string.h>

#include "replay/timeline_priv.h"

#define AUTOMATIC_MAX 256 /* with the beginning */

size_t checkpoint_before(const struct timeline *t, uint64_t step)
{
    size_t lo = 0, hi = t->checkpoints_count;
    while (hi - lo > 1) {
        size_t middle = lo + (hi - lo) / 2;
        if (t->checkpoints[middle].step > step)
            hi = middle;
        else
            lo = middle;
    }
    return lo;
}

size_t checkpoint_before_vm(const struct timeline *t, unsigned vm, uint64_t vm_step)
{
    size_t lo = 0, hi = t->checkpoints_count;
    while (hi - lo > 1) {
        size_t middle = lo + (hi - lo) / 2;
        if (t->checkpoints[middle].vm_step[vm] >= vm_step)
            hi = middle;
        else
            lo = middle;
    }
    return lo;
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

static size_t automatic(const struct timeline *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->checkpoints_count; i++)
        n += t->checkpoints[i].name == NULL;
    return n;
}

/* For one more. */
static void make_room(struct timeline *t)
{
    bool dropped = true;
    for (size_t n = automatic(t); n >= AUTOMATIC_MAX && thin_out(t); n--)
        continue;
    while (dropped && memory_held(t) > t->user_held + t->memory_budget)
        dropped = thin_out(t);
    if (!dropped)
        t->user_held = min_u64(memory_held(t), t->user_budget);
    if (t->checkpoints_count < t->checkpoints_cap)
        return;
    t->checkpoints_cap = t->checkpoints_cap == 0 ? 64 : 2 * t->checkpoints_cap;
    t->checkpoints = xrealloc(t->checkpoints, t->checkpoints_cap * sizeof t->checkpoints[0]);
}

struct checkpoint *checkpoint_take(struct timeline *t)
{
    uint64_t step = timeline_position(t);
    if (t->checkpoints_count != 0) {
        struct checkpoint *last = &t->checkpoints[checkpoint_before(t, step)];
        if (last->step == step)
            return last;
    }
    make_room(t);
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
    const struct monitor *m = t->replayer.monitor;
    for (unsigned vm = 0; vm < m->vms_count; vm++)
        t->checkpoints[i].vm_step[vm] = vm_steps(m->vms[vm]);
    return &t->checkpoints[i];
}

void checkpoint_restore(struct timeline *t, size_t i)
{
    monitor_restore(t->replayer.monitor, t->checkpoints[i].snapshot);
    replayer_seek_cursor(&t->replayer, &t->checkpoints[i].cursor);
}

/* Where a point stopped the run, more than the position's own state is done: timers have fired. A
 * continue backward from a checkpoint of that would miss what they did. */
static struct checkpoint *take_own_state(struct timeline *t)
{
    struct monitor *m = t->replayer.monitor;
    uint64_t step = timeline_position(t);
    struct snapshot *here = monitor_snapshot(m);
    struct replay_cursor cursor = t->replayer.at;
    checkpoint_restore(t, checkpoint_before(t, step));
    while (timeline_position(t) < step && !timeline_at_end(t) && t->replayer.error.code == 0)
        replayer_run(&t->replayer, step, false);
    struct checkpoint *c = checkpoint_take(t);
    monitor_restore(m, here);
    replayer_seek_cursor(&t->replayer, &cursor);
    snapshot_free(m, here);
    return c;
}

unsigned timeline_checkpoint(struct timeline *t, const char *name)
{
    if (memory_held(t) > t->user_budget)
        return 0;
    struct checkpoint *c = take_own_state(t);
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
    t->user_held = 0; /* less than it was */
    return true;
}
