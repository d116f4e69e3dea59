/*
 * Walking over the frames of a file that anybody may have made.
 *
 * Nothing is believed: a frame must state its content size (at most
 * FRAME_CONTENT_MAX, so a small file cannot ask for much memory, and a window
 * larger than that is never needed) and must have a checksum, and the seek table
 * must equal the frames before it, byte for byte.
 *
 * A file whose last frame is incomplete was cut when it was recorded, unless
 * it ends with the seek table's magic: then nothing is missing at the end, and
 * the length field of some frame must have been damaged.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/base/bytes.h"
#include "core/base/output.h"
#include "traces/frame.h"
#include "traces/frame_format.h"

#define READ_FIRST (640u << 10) /* most frames at once */

struct frame_walk {
    char *path;
    int fd;
    uint64_t file_size;
    uint64_t offset;
    struct frame_list list;
    struct buf raw, content;
    ZSTD_DCtx *dctx;
};

static struct frame_walk *walk_create(const char *path, int fd, uint64_t file_size)
{
    struct frame_walk *w = xcalloc(1, sizeof *w);
    w->path = xstrdup(path);
    w->fd = fd;
    w->file_size = file_size;
    w->dctx = ZSTD_createDCtx();
    if (w->dctx == NULL)
        out_of_memory(0);
    return w;
}

int frame_walk_open(struct frame_walk **out, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        ERR(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        ERR(e, ERR_IO, "%s: is not a regular file", path);
    }
    output_lock_out(fd);
    *out = walk_create(path, fd, (uint64_t)st.st_size);
    return 0;
}

struct frame_walk *frame_walk_second(const struct frame_walk *of)
{
    int fd = fcntl(of->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    struct frame_walk *w = walk_create(of->path, fd, of->file_size);
    for (size_t i = 0; i < of->list.count; i++)
        frame_list_add(&w->list, of->list.frames[i]);
    w->offset = of->offset;
    return w;
}

void frame_walk_close(struct frame_walk *w)
{
    if (w == NULL)
        return;
    ZSTD_freeDCtx(w->dctx);
    frame_list_free(&w->list);
    buf_free(&w->raw);
    buf_free(&w->content);
    close(w->fd);
    free(w->path);
    free(w);
}

uint64_t frame_walk_offset(const struct frame_walk *w)
{
    return w->offset;
}

uint64_t frame_walk_file_size(const struct frame_walk *w)
{
    return w->file_size;
}

const struct frame_list *frame_walk_frames(const struct frame_walk *w)
{
    return &w->list;
}

/* Makes `raw` the n bytes at `offset`, or what the file has of them. */
static int read_at(const struct frame_walk *w, uint64_t offset, size_t n, struct buf *raw,
                   struct err *e)
{
    n = (size_t)min_u64(n, w->file_size - offset);
    buf_clear(raw);
    uint8_t *p = buf_reserve(raw, n);
    while (raw->len < n) {
        ssize_t got = pread(w->fd, p + raw->len, n - raw->len, (off_t)(offset + raw->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            ERR(e, ERR_IO, "%s: cannot read: %s", w->path, strerror(errno));
        if (got == 0)
            ERR(e, ERR_IO, "%s: became shorter while it was read", w->path);
        raw->len += (size_t)got;
    }
    return 0;
}

static int damaged(const struct frame_walk *w, struct err *e, const char *what)
{
    return err_set(e, ERR_FORMAT, "%s: offset %" PRIu64 ": %s", w->path, w->offset, what);
}

static int cut_or_damaged(struct frame_walk *w, struct err *e)
{
    uint8_t tail[4];
    if (w->file_size >= sizeof tail &&
        pread(w->fd, tail, sizeof tail, (off_t)(w->file_size - sizeof tail)) == sizeof tail &&
        ld_le32(tail) == FRAME_FOOTER_MAGIC)
        return damaged(w, e, "damaged frame: it reaches over the end of the file");
    return FRAME_CUT;
}

int frame_walk_decompress(const struct frame_walk *w, const struct frame *f, ZSTD_DCtx *dctx,
                          const struct buf *raw, struct buf *content, struct err *e)
{
    buf_clear(content);
    uint8_t *to = buf_reserve(content, f->content + 1u);
    size_t got = ZSTD_decompressDCtx(dctx, to, f->content, raw->data, f->size);
    if (ZSTD_isError(got))
        ERR(e, ERR_FORMAT, "%s: offset %" PRIu64 ": damaged frame: %s", w->path, f->offset,
            ZSTD_getErrorName(got));
    if (got != f->content)
        ERR(e, ERR_FORMAT, "%s: offset %" PRIu64 ": damaged frame: its content is shorter than it "
            "says", w->path, f->offset);
    content->len = f->content;
    return 0;
}

static int find_data(struct frame_walk *w, struct buf *raw, struct err *e)
{
    unsigned long long content = ZSTD_getFrameContentSize(raw->data, raw->len);
    if (content == ZSTD_CONTENTSIZE_ERROR)
        return raw->len < FRAME_HEADER_MAX ? cut_or_damaged(w, e)
                                           : damaged(w, e, "damaged frame header");
    if (content == ZSTD_CONTENTSIZE_UNKNOWN || !(raw->data[4] & FRAME_CHECKSUM_BIT))
        return damaged(w, e, "not a trace: frame without content size or checksum");
    if (content > FRAME_CONTENT_MAX || w->list.count >= FRAME_COUNT_MAX)
        return damaged(w, e, "not a trace: frame too large, or too many");
    size_t limit = ZSTD_compressBound(FRAME_CONTENT_MAX) + FRAME_HEADER_MAX;
    size_t size;
    for (size_t want = READ_FIRST;; want *= 4) {
        size = ZSTD_findFrameCompressedSize(raw->data, raw->len);
        if (!ZSTD_isError(size))
            break;
        if (ZSTD_getErrorCode(size) != ZSTD_error_srcSize_wrong || raw->len > limit)
            return damaged(w, e, "damaged frame");
        if (raw->len == w->file_size - w->offset)
            return cut_or_damaged(w, e);
        TRY(read_at(w, w->offset, want, raw, e));
    }
    frame_list_add(&w->list, (struct frame){
                                 .offset = w->offset,
                                 .size = (uint32_t)size,
                                 .content = (uint32_t)content,
                             });
    w->offset += size;
    return FRAME_DATA;
}

static int find_table(struct frame_walk *w, struct buf *raw, struct err *e)
{
    struct buf right = {0};
    frame_seek_table(&w->list, &right);
    size_t n = right.len;
    int result = read_at(w, w->offset, n, raw, e);
    bool equal = result == 0 && memcmp(raw->data, right.data, raw->len) == 0;
    buf_free(&right);
    if (result < 0)
        return result;
    if (!equal)
        return damaged(w, e, "damaged seek table");
    if (raw->len < n)
        return FRAME_CUT;
    if (w->offset + n != w->file_size)
        return damaged(w, e, "data after the seek table");
    w->offset += n;
    return FRAME_TABLE;
}

int frame_walk_find(struct frame_walk *w, struct buf *raw, struct err *e)
{
    if (w->offset == w->file_size)
        return FRAME_END;
    TRY(read_at(w, w->offset, READ_FIRST, raw, e));
    uint8_t magic[4] = {0};
    size_t have = (size_t)min_u64(raw->len, sizeof magic);
    memcpy(magic, raw->data, have);
    uint8_t known[2][4];
    st_le32(known[0], FRAME_DATA_MAGIC);
    st_le32(known[1], FRAME_TABLE_MAGIC);
    bool is_data = memcmp(magic, known[0], have) == 0;
    if (!is_data && memcmp(magic, known[1], have) != 0)
        return damaged(w, e, w->offset == 0 ? "not a zstd file" : "damaged: no zstd frame here");
    if (have < sizeof magic)
        return FRAME_CUT;
    return is_data ? find_data(w, raw, e) : find_table(w, raw, e);
}

int frame_walk_load(struct frame_walk *w, size_t frame, const uint8_t **content, size_t *n,
                    struct err *e)
{
    const struct frame *f = &w->list.frames[frame];
    TRY(read_at(w, f->offset, f->size, &w->raw, e));
    if (w->raw.len < f->size)
        ERR(e, ERR_IO, "%s: became shorter while it was read", w->path);
    TRY(frame_walk_decompress(w, f, w->dctx, &w->raw, &w->content, e));
    *content = w->content.data;
    *n = w->content.len;
    return 0;
}
