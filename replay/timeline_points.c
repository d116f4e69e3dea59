/* The points of a timeline while it runs: which count, and which hits are told. */
#include <stdlib.h>

#include "replay/timeline_priv.h"

static bool listens_to(const struct timeline *t, unsigned vm)
{
    return t->listen == TIMELINE_ALL || t->listen == (int)vm;
}

/* Ignored breakpoints keep their place in the processor's table, at an address that no
 * instruction has: without them it would have to forget all the code that it has decoded. */
static void arm_vm(struct timeline *t, unsigned vm, enum points_armed armed)
{
    const struct points *p = &t->points[vm];
    uint64_t *breaks = xcalloc(p->count + 1, sizeof breaks[0]);
    size_t n = 0;
    for (size_t i = 0; armed != POINTS_NONE && i < p->count; i++)
        if (p->list[i].kind <= POINT_HARD_BREAK)
            breaks[n++] = armed == POINTS_ALL ? p->list[i].va : p->list[i].va | 1;
    mips_set_points(timeline_cpu(t, vm), breaks, n, NULL, 0);
    free(breaks);
    watch_arm(t, vm, armed != POINTS_NONE);
}

void points_arm(struct timeline *t, enum points_armed armed)
{
    for (unsigned i = 0; i < timeline_vms(t); i++)
        arm_vm(t, i, listens_to(t, i) ? armed : POINTS_NONE);
}

bool points_any_watch(const struct timeline *t)
{
    for (unsigned i = 0; i < timeline_vms(t); i++)
        if (listens_to(t, i) && points_has_watch(&t->points[i]))
            return true;
    return false;
}

bool points_touched(const struct timeline *t)
{
    return watch_was_touched(t, timeline_current(t)->index);
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

bool points_wanted(struct timeline *t, enum run_stop stop, struct timeline_hit *hit)
{
    const struct vm *vm = timeline_current(t);
    bool touched = stop == RUN_WATCH && points_touched(t), stepped = was_stepped(t, vm->index, stop);
    const struct point *p;
    *hit = (struct timeline_hit){.vm = vm->index, .at = timeline_position(t)};
    if (touched)
        p = watch_touched(t, vm->index, &hit->cause);
    else if (stop == RUN_BREAK)
        p = points_break_hit(&t->points[vm->index], vm);
    else
        p = watch_access(t, vm->index, mips_last_hit(vm->cpu), &hit->cause);
    if (stepped || p == NULL)
        return false;
    hit->point = *p;
    hit->ahead = touched && vm->watch_ahead;
    return true;
}

bool points_access_counts(struct timeline *t, struct timeline_hit *hit)
{
    if (!hit->cause.device)
        watch_access_done(t, hit->vm, &hit->cause);
    return hit->point.number == 0 || hit->point.kind != POINT_WRITE || hit->cause.changed;
}
