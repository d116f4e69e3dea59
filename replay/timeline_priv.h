/* Between the files of the timeline. */
#ifndef REPLAY_TIMELINE_PRIV_H
#define REPLAY_TIMELINE_PRIV_H

#include "replay/timeline.h"

#define NEAREST_SPACING 5000u /* steps between the last checkpoint and where one goes */

/* Index of the last checkpoint at or before `step`. */
size_t checkpoint_before(const struct timeline *t, uint64_t step);
/* Index of the last one at which the VM has done fewer than vm_step steps; 0 if there is none. */
size_t checkpoint_before_vm(const struct timeline *t, unsigned vm, uint64_t vm_step);
/* A checkpoint here, unless there is one; others move. */
struct checkpoint *checkpoint_take(struct timeline *t);
void checkpoint_restore(struct timeline *t, size_t i);

/* ---- timeline_points.c ---- */

enum points_armed {
    POINTS_NONE,
    POINTS_WATCHES, /* the breakpoints are ignored, yet changing to and from ALL is cheap */
    POINTS_ALL,
};
/* Tell the machines of the points that count. */
void points_arm(struct timeline *t, enum points_armed armed);
bool points_any_watch(const struct timeline *t);
/* After RUN_WATCH: was it not an instruction? */
bool points_touched(const struct timeline *t);
/* Is the stop that a VM made one that the user wants? */
bool points_wanted(struct timeline *t, enum run_stop stop, struct timeline_hit *hit);
/* The access is done. Is its hit one, now that it is known what it changed? */
bool points_access_counts(struct timeline *t, struct timeline_hit *hit);

#endif
