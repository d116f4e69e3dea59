/*
 * The frames of a trace that is being written. Fields collect in two lanes,
 * blobs and all else, because they compress better apart; what is in a lane
 * that is full becomes a frame of the file. Frames are compressed in the order
 * in which they ended, and that can be done a piece at a time, between other
 * work.
 *
 * All functions but lanes_status and lanes_wait belong to one thread at a time.
 */
#ifndef TRACES_LANES_H
#define TRACES_LANES_H

#include <stdatomic.h>
#include <zstd.h>

#include "traces/frame.h"
#include "traces/message.h"
#include "traces/trace.h"

struct lane { /* a frame being filled, or one that ended */
    struct buf content;
    uint64_t by_field[TRACE_FIELDS];
    int level;
    struct lane *next;
};

struct lanes {
    char *path;
    int fd;
    struct lane blobs, main;
    /* The frames that ended, first come first served, and how much of the first one was compressed.
     * NULL: none. */
    struct lane *_Atomic ended;
    size_t done;
    struct lane *unused; /* whose memory serves again */
    ZSTD_CCtx *cctx;
    struct buf compressed;
    struct frame_list frames;
    uint64_t offset; /* of the file's valid part */
    struct trace_sizes sizes;
    struct err err;     /* the first error, if */
    atomic_bool failed; /* it is set; nothing is written any more */
};

/* `fd` is an open file with nothing in it; it stays the caller's. `level`: zstd's, 0: the default. */
void lanes_init(struct lanes *l, const char *path, int fd, int level);
void lanes_fini(struct lanes *l);
/* Appends n bytes of fields of one kind to a lane, which is not ended by that. */
void lane_put(struct lane *lane, enum trace_field field, const void *bytes, size_t n);
static inline bool lane_is_full(const struct lane *lane)
{
    return lane->content.len >= FRAME_CONTENT_TARGET;
}
/* What is in the lane is to be a frame, unless that is nothing. */
void lanes_end(struct lanes *l, struct lane *lane);
/* Has a frame ended, so that lanes_go_on has work? On any thread. */
static inline bool lanes_wait(const struct lanes *l)
{
    return atomic_load(&l->ended) != NULL;
}
/* Compresses up to about `bytes` more of the first frame that ended; the frame is written when all
 * are. */
void lanes_go_on(struct lanes *l, size_t bytes);
/* All frames that ended are in the file now. */
void lanes_write(struct lanes *l);
/* The table of all frames, behind the last one. */
void lanes_write_table(struct lanes *l);
/* What was written did not get to the file, for this errno. */
void lanes_fail(struct lanes *l, int error);
/* 0, or the first error; on any thread. */
int lanes_status(const struct lanes *l, struct err *e);

#endif
