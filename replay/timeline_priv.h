/* Between timeline.c and timeline_checkpoints.c. */
#ifndef REPLAY_TIMELINE_PRIV_H
#define REPLAY_TIMELINE_PRIV_H

#include "replay/timeline.h"

#define NEAREST_SPACING 5000u /* steps between the last checkpoint and where one goes */

/* Index of the last checkpoint at or before `step`. */
size_t checkpoint_before(const struct timeline *t, uint64_t step);
/* Index of the last one at which the VM has done fewer than vm_step steps; 0 if there is none. */
size_t checkpoint_before_vm(const struct timeline *t, unsigned vm, uint64_t vm_step);
/* A checkpoint here, unless there is one. NULL if there is no room. */
struct checkpoint *checkpoint_take(struct timeline *t);
void checkpoint_restore(struct timeline *t, size_t i);

#endif
