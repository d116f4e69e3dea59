/*
 * Before a frame of the main lane is written, the blobs' lane is, by whoever
 * fills them (writer.c), so a blob always stands before what refers to it.
 *
 * An error is kept, the torn frame is cut off the file, and all further data
 * is dropped: the recorded machines must not notice.
 */
#include "traces/lanes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/limit_signal.h"
#include "traces/sizes.h"

/* Measured with bench_batch: 33 million events of four VMs, most of them TLB refills, bytes per
 * event and nanoseconds per event (encoding the columns: 35 ns):
 *     level 1: 1.53, 8     level 2: 1.53, 9     level 3: 1.47, 12     level 4: 1.47, 14
 * Higher ones win little. Window and long mode do not matter: a frame is its own window. It takes
 * time from the machines where they keep all cores busy: speed counts. */
#define LEVEL_BLOBS 3
#define LEVEL_MAIN  1

void lanes_init(struct lanes *l, const char *path, int fd, int level)
{
    *l = (struct lanes){.path = xstrdup(path), .fd = fd};
    l->blobs.level = level != 0 ? level : LEVEL_BLOBS;
    l->main.level = level != 0 ? level : LEVEL_MAIN;
    l->cctx = ZSTD_createCCtx();
    if (l->cctx == NULL)
        out_of_memory(0);
    ZSTD_CCtx_setParameter(l->cctx, ZSTD_c_checksumFlag, 1);
}

static void free_list(struct lane *lane)
{
    while (lane != NULL) {
        struct lane *next = lane->next;
        buf_free(&lane->content);
        free(lane);
        lane = next;
    }
}

void lanes_fini(struct lanes *l)
{
    free_list(atomic_load(&l->ended));
    free_list(l->unused);
    ZSTD_freeCCtx(l->cctx);
    buf_free(&l->blobs.content);
    buf_free(&l->main.content);
    buf_free(&l->compressed);
    frame_list_free(&l->frames);
    free(l->path);
}

static void keep_error(struct lanes *l, const struct err *e)
{
    if (atomic_load(&l->failed))
        return;
    l->err = *e;
    atomic_store(&l->failed, true);
}

void lanes_fail(struct lanes *l, int error)
{
    struct err e = {0};
    err_set(&e, ERR_IO, "%s: cannot write: %s", l->path, strerror(error));
    keep_error(l, &e);
}

int lanes_status(const struct lanes *l, struct err *e)
{
    return atomic_load(&l->failed) ? err_set(e, l->err.code, "%s", l->err.msg) : 0;
}

static void write_out(struct lanes *l, const struct buf *b)
{
    struct err e = {0};
    sigset_t old;
    limit_signal_block(&old);
    int result = frame_write_all(l->fd, l->path, b->data, b->len, &e);
    limit_signal_restore(&old);
    if (result == 0) {
        l->offset += b->len;
        return;
    }
    keep_error(l, &e);
    /* The file may be no regular one; then there is nothing to repair. */
    if (ftruncate(l->fd, (off_t)l->offset) == 0)
        lseek(l->fd, (off_t)l->offset, SEEK_SET);
}

void lane_put(struct lane *lane, enum trace_field field, const void *bytes, size_t n)
{
    buf_put(&lane->content, bytes, n);
    lane->by_field[field] += n;
}

void lanes_end(struct lanes *l, struct lane *lane)
{
    if (lane->content.len == 0)
        return;
    struct lane *frame = l->unused != NULL ? l->unused : xcalloc(1, sizeof *frame);
    l->unused = frame->next;
    struct buf empty = frame->content;
    *frame = *lane;
    frame->next = NULL;
    lane->content = empty;
    memset(lane->by_field, 0, sizeof lane->by_field);
    struct lane *last = atomic_load(&l->ended);
    if (last == NULL) {
        atomic_store(&l->ended, frame);
        return;
    }
    while (last->next != NULL)
        last = last->next;
    last->next = frame;
}

/* Each piece ends a block of zstd's, with a head of three bytes: 64th parts are more than enough. */
static void begin_frame(struct lanes *l, const struct lane *frame)
{
    buf_clear(&l->compressed);
    buf_reserve(&l->compressed, ZSTD_compressBound(frame->content.len) + frame->content.len / 64);
    ZSTD_CCtx_setParameter(l->cctx, ZSTD_c_compressionLevel, frame->level);
    ZSTD_CCtx_setPledgedSrcSize(l->cctx, frame->content.len);
}

static void write_frame(struct lanes *l, const struct lane *frame)
{
    frame_list_add(&l->frames, (struct frame){
                                   .offset = l->offset,
                                   .size = (uint32_t)l->compressed.len,
                                   .content = (uint32_t)frame->content.len,
                               });
    sizes_add_frame(&l->sizes, frame->by_field, l->compressed.len);
    write_out(l, &l->compressed);
}

/* The next n bytes of the frame; the last ones? zstd gives out what it has of each piece: it would
 * collect them, and then do them all at once. */
static void compress(struct lanes *l, const struct lane *frame, size_t n, bool last)
{
    ZSTD_inBuffer in = {frame->content.data, l->done + n, l->done};
    ZSTD_outBuffer out = {l->compressed.data, l->compressed.cap, l->compressed.len};
    size_t rest = ZSTD_compressStream2(l->cctx, &out, &in, last ? ZSTD_e_end : ZSTD_e_flush);
    if (ZSTD_isError(rest)) { /* for want of memory: all else is given */
        struct err e = {0};
        err_set(&e, ERR_IO, "%s: cannot compress: %s", l->path, ZSTD_getErrorName(rest));
        keep_error(l, &e);
        return;
    }
    CHECK(in.pos == in.size && rest == 0, "zstd left something undone");
    l->compressed.len = out.pos;
    l->done += n;
}

void lanes_go_on(struct lanes *l, size_t bytes)
{
    struct lane *frame = atomic_load(&l->ended);
    if (frame == NULL)
        return;
    bool failed = atomic_load(&l->failed);
    size_t left = frame->content.len - l->done;
    bool last = failed || bytes >= left;
    if (l->done == 0)
        begin_frame(l, frame);
    if (!failed)
        compress(l, frame, last ? left : bytes, last);
    failed = atomic_load(&l->failed);
    if (!last && !failed)
        return;
    if (!failed)
        write_frame(l, frame);
    l->done = 0;
    buf_clear(&frame->content);
    atomic_store(&l->ended, frame->next);
    frame->next = l->unused;
    l->unused = frame;
}

void lanes_write(struct lanes *l)
{
    while (lanes_wait(l))
        lanes_go_on(l, SIZE_MAX);
}

void lanes_write_table(struct lanes *l)
{
    if (atomic_load(&l->failed))
        return;
    buf_clear(&l->compressed);
    frame_seek_table(&l->frames, &l->compressed);
    sizes_add_other(&l->sizes, l->compressed.len);
    write_out(l, &l->compressed);
}
