/*
 * Host I/O: gdb reads executables through us. The files are the target's
 * virtual ones; the file system of the host is never touched.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/bytes.h"
#include "gdb/cmd_priv.h"

#define PATH_LEN_MAX 4096
#define STAT_SIZE    64
/* Of a file, in one answer. gdb asks for a whole packet ahead whenever it jumps, and it jumps to an
 * ELF header and back eight times before it reads the symbols. */
#define READ_MAX     0x10000

static void fail(struct gdb_session *s, unsigned number)
{
    buf_clear(&s->reply);
    buf_printf(&s->reply, "F-1,%x", number);
}

static const uint8_t *content(struct gdb_session *s, const char *path, size_t *n)
{
    return s->ops->file == NULL ? NULL : s->ops->file(s->target, path, n);
}

void files_close(struct gdb_session *s)
{
    for (size_t i = 0; i < SESSION_FILES; i++) {
        free(s->files[i]);
        s->files[i] = NULL;
    }
}

void cmd_file_setfs(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    buf_puts(&s->reply, "F0");
}

void cmd_file_denied(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    fail(s, WIRE_EACCES);
}

void cmd_file_open(struct gdb_session *s, struct pktargs *a)
{
    struct buf path = {0};
    uint64_t flags, mode;
    size_t n, fd = 0;
    while (fd < SESSION_FILES && s->files[fd] != NULL)
        fd++;
    if (!args_bytes(a, ',', &path, PATH_LEN_MAX) || !args_char(a, ',') ||
        !args_hex_pair(a, &flags, &mode) || memchr(buf_cstr(&path), 0, path.len) != NULL)
        fail(s, WIRE_EINVAL);
    else if ((flags & 3) != 0)
        fail(s, WIRE_EACCES);
    else if (content(s, buf_cstr(&path), &n) == NULL)
        fail(s, WIRE_ENOENT);
    else if (fd == SESSION_FILES)
        fail(s, WIRE_EMFILE);
    else {
        s->files[fd] = xstrdup(buf_cstr(&path));
        buf_printf(&s->reply, "F%zx", fd);
    }
    buf_free(&path);
}

/* The descriptor at the cursor and its content. */
static const uint8_t *take_file(struct gdb_session *s, struct pktargs *a, uint64_t *fd, size_t *n)
{
    if (!args_hex(a, fd) || *fd >= SESSION_FILES || s->files[*fd] == NULL) {
        fail(s, WIRE_EBADF);
        return NULL;
    }
    const uint8_t *data = content(s, s->files[*fd], n);
    if (data == NULL)
        fail(s, WIRE_EBADF);
    return data;
}

void cmd_file_close(struct gdb_session *s, struct pktargs *a)
{
    uint64_t fd;
    if (!args_hex(a, &fd) || fd >= SESSION_FILES || s->files[fd] == NULL)
        return fail(s, WIRE_EBADF);
    free(s->files[fd]);
    s->files[fd] = NULL;
    buf_puts(&s->reply, "F0");
}

/* The protocol's own struct stat: big-endian dev, ino, mode, nlink, uid, gid, rdev (32 bits each),
 * size, blksize, blocks (64 bits each), atime, mtime, ctime (32 bits each). */
void cmd_file_stat(struct gdb_session *s, struct pktargs *a)
{
    uint64_t fd;
    size_t n;
    if (take_file(s, a, &fd, &n) == NULL)
        return;
    uint8_t st[STAT_SIZE] = {0};
    st_be32(st + 4, (uint32_t)fd + 1);
    st_be32(st + 8, S_IFREG | 0444);
    st_be32(st + 12, 1);
    st_be64(st + 28, n);
    st_be64(st + 36, 4096);
    st_be64(st + 44, n / 512 + 1);
    buf_printf(&s->reply, "F%x;", STAT_SIZE);
    buf_put(&s->reply, st, sizeof st);
}

void cmd_file_read(struct gdb_session *s, struct pktargs *a)
{
    uint64_t fd, count, off;
    size_t n;
    const uint8_t *data = take_file(s, a, &fd, &n);
    if (data == NULL)
        return;
    if (!args_char(a, ',') || !args_hex_pair(a, &count, &off))
        return fail(s, WIRE_EINVAL);
    uint64_t from = min_u64(off, n);
    uint64_t part = min_u64(min_u64(count, n - from), READ_MAX);
    buf_printf(&s->reply, "F%llx;", (unsigned long long)part);
    buf_put(&s->reply, data + from, part);
}
