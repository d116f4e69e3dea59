/*
 * The zstd frames of a trace file, without knowledge of what is in them:
 * compressing and writing whole frames, the seek table, and walking over the
 * frames of a file that may be damaged or hostile.
 */
#ifndef TRACES_FRAME_H
#define TRACES_FRAME_H

#include <zstd.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define FRAME_CONTENT_TARGET (1u << 20)
#define FRAME_CONTENT_MAX    (16u << 20)
#define FRAME_COUNT_MAX      (1u << 24)

struct frame {
    uint64_t offset; /* in the file */
    uint32_t size;   /* compressed, bytes */
    uint32_t content; /* bytes */
};

struct frame_list {
    struct frame *frames; /* owned */
    size_t count, cap;
};
void frame_list_add(struct frame_list *l, struct frame f);
void frame_list_free(struct frame_list *l);

/* Opens or creates a file for frames and locks it (core/base/output.h), as it is. One that is there
 * and holds something is an error, except with `overwrite` one that begins with a frame. */
int frame_file_open(const char *path, bool overwrite, int *fd, struct err *e);
/* Writes all n bytes to fd; the message names `path`, cause and remedy. */
int frame_write_all(int fd, const char *path, const void *data, size_t n, struct err *e);
/* The seek table for the frames, appended to `out`. */
void frame_seek_table(const struct frame_list *l, struct buf *out);

enum frame_found {
    FRAME_DATA,  /* a complete frame */
    FRAME_TABLE, /* the seek table, at the end of the file and equal to the frames found */
    FRAME_END,   /* the end of the file */
    FRAME_CUT,   /* the file ends inside a frame */
};

struct frame_walk; /* over one open file */

int frame_walk_open(struct frame_walk **w, const char *path, struct err *e);
void frame_walk_close(struct frame_walk *w);
/* For frame_walk_load by another thread, of the frames that `of` has found. NULL: the host failed. */
struct frame_walk *frame_walk_second(const struct frame_walk *of);
uint64_t frame_walk_offset(const struct frame_walk *w); /* behind what was found */
uint64_t frame_walk_file_size(const struct frame_walk *w);
/* Finds the next frame: an enum frame_found, or a negative error, which starts
 * with "path: offset n: ". A FRAME_DATA becomes the last of the list, and `raw`
 * begins with its bytes, still compressed. */
int frame_walk_find(struct frame_walk *w, struct buf *raw, struct err *e);
const struct frame_list *frame_walk_frames(const struct frame_walk *w);
/* A frame's content, its checksum right. Any thread, each with its own dctx and buffers. */
int frame_walk_decompress(const struct frame_walk *w, const struct frame *f, ZSTD_DCtx *dctx,
                          const struct buf *raw, struct buf *content, struct err *e);
/* Reads a frame again. Its content is valid until the next call. */
int frame_walk_load(struct frame_walk *w, size_t frame, const uint8_t **content, size_t *n,
                    struct err *e);

#endif
