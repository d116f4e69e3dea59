/*
 * All frames of a file from its beginning, in order, decompressed by two
 * threads: the caller's, and one that works ahead of it.
 */
#ifndef TRACES_FRAME_AHEAD_H
#define TRACES_FRAME_AHEAD_H

#include "traces/frame.h"

struct frame_ahead;

struct frame_part { /* what was found next */
    struct frame frame; /* of a FRAME_DATA */
    uint64_t end;       /* the offset behind it */
    struct buf content; /* of a FRAME_DATA; valid until the next call, not the caller's to free */
};

/* Over a walk that has found nothing yet, and is not used by others until frame_ahead_stop. */
struct frame_ahead *frame_ahead_start(struct frame_walk *w);
/* An enum frame_found, or a negative error, which starts with "path: offset n: ". Not to be called
 * again after anything but FRAME_DATA. */
int frame_ahead_next(struct frame_ahead *a, struct frame_part *out, struct err *e);
void frame_ahead_stop(struct frame_ahead *a);

#endif
