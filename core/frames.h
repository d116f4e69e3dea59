/*
 * Host frames: the 4 KiB pieces of host memory that hold machine pages. One
 * memfd, mapped once; a frame is named by its index there, and its host
 * address never changes. Frames are counted by reference: a frame with more
 * than one reference belongs to a snapshot, too, and must not be written.
 *
 * Frame numbers are the host's business: they depend on how many checkpoints
 * a replay keeps, and so must never reach guest state or the event log (MPNs
 * do that, core/memory.h).
 *
 * Threads: frames may be taken and given back by several at once; the count of
 * a frame belongs to whoever may write to it.
 */
#ifndef CORE_FRAMES_H
#define CORE_FRAMES_H

#include <pthread.h>

#include "core/base/base.h"
#include "core/base/err.h"

#define FRAME_ZERO 0u /* always zero, never freed, never written */

struct frames {
    uint8_t *base;   /* host address of frame 0 */
    uint32_t *refs;  /* by frame */
    uint32_t max;
    int fd;
    pthread_mutex_t lock; /* guards what follows */
    uint32_t used;        /* frames handed out so far, free ones included */
    uint32_t *free;       /* stack */
    uint32_t free_count, free_cap;
};

int frames_init(struct frames *f, uint64_t max_bytes, struct err *e);
void frames_fini(struct frames *f);

/* A frame with one reference; zeroed if asked for. It may have held other content before: whoever
 * has code of it must forget that. Aborts with a message when `max` is exceeded: whoever keeps
 * snapshots keeps frames_in_use below it. */
uint32_t frame_alloc(struct frames *f, bool zeroed);
void frame_unref(struct frames *f, uint32_t frame);

static inline void frame_ref(struct frames *f, uint32_t frame)
{
    if (frame != FRAME_ZERO)
        f->refs[frame]++;
}

static inline uint8_t *frame_host(const struct frames *f, uint32_t frame)
{
    return f->base + ((size_t)frame << PAGE_BITS);
}

static inline uint32_t frames_in_use(const struct frames *f)
{
    return f->used - f->free_count;
}

#endif
