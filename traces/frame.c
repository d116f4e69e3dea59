#include "traces/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/base/output.h"
#include "traces/frame_format.h"

void frame_list_add(struct frame_list *l, struct frame f)
{
    if (l->count == l->cap) {
        l->cap = l->cap == 0 ? 64 : 2 * l->cap;
        l->frames = xrealloc(l->frames, l->cap * sizeof *l->frames);
    }
    l->frames[l->count++] = f;
}

void frame_list_free(struct frame_list *l)
{
    free(l->frames);
    *l = (struct frame_list){0};
}

/* Is it a regular file that holds something and does not begin as a trace does? */
static bool holds_other(const char *path)
{
    uint8_t magic[4];
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool other = fd >= 0 && (pread(fd, magic, sizeof magic, 0) != sizeof magic ||
                             ld_le32(magic) != FRAME_DATA_MAGIC);
    if (fd >= 0)
        close(fd);
    return other;
}

int frame_file_open(const char *path, bool overwrite, int *fd, struct err *e)
{
    if (!overwrite && access(path, F_OK) == 0)
        ERR(e, ERR_IO, "%s: exists already; choose another name or remove it", path);
    if (holds_other(path))
        ERR(e, ERR_USAGE, "%s: is there and not a trace; choose another name or remove it", path);
    return output_open(path, overwrite ? 0 : O_EXCL, fd, e);
}

static const char *remedy(int error)
{
    if (error == ENOSPC || error == EDQUOT)
        return "; free some space or choose another place";
    return error == EFBIG ? "; the limit on file sizes is reached (ulimit -f)" : "";
}

int frame_write_all(int fd, const char *path, const void *data, size_t n, struct err *e)
{
    const uint8_t *p = data;
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            ERR(e, ERR_IO, "%s: cannot write: %s%s", path, strerror(errno), remedy(errno));
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

void frame_seek_table(const struct frame_list *l, struct buf *out)
{
    size_t body = l->count * FRAME_TABLE_ENTRY + FRAME_TABLE_FOOTER;
    uint8_t *p = buf_reserve(out, FRAME_SKIP_HEADER + body);
    st_le32(p, FRAME_TABLE_MAGIC);
    st_le32(p + 4, (uint32_t)body);
    p += FRAME_SKIP_HEADER;
    for (size_t i = 0; i < l->count; i++, p += FRAME_TABLE_ENTRY) {
        st_le32(p, l->frames[i].size);
        st_le32(p + 4, l->frames[i].content);
    }
    st_le32(p, (uint32_t)l->count);
    p[4] = 0;
    st_le32(p + 5, FRAME_FOOTER_MAGIC);
    out->len += FRAME_SKIP_HEADER + body;
}
