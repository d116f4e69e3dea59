#include "record/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IMAGE_MAX  (1u << 30)
#define PIECE      (256u << 10)
#define NAME_SHOWN 200

/* ---- whole files ---- */

/* A copy in a file of memory, for the host does not clear the pages of that before they are written
 * whole. `piece` is room for PIECE bytes, which are hashed while they are in the caches. */
static int copy_all(uint64_t size, const char *path, int fd, int copy, uint8_t *piece, void **hash,
                    struct err *e)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n = pread(fd, piece, (size_t)min_u64(size - done, PIECE), (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            ERR(e, ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0)
            ERR(e, ERR_IO, "%s: became shorter while it was read", path);
        trace_hash_add(hash, piece, (size_t)n);
        for (ssize_t put = 0, k; put < n; put += k) {
            k = pwrite(copy, piece + put, (size_t)(n - put), (off_t)done + put);
            if (k < 0 && errno == EINTR)
                k = 0;
            if (k < 0)
                ERR(e, ERR_IO, "%s: no memory for its %" PRIu64 " bytes: %s", path, size,
                    strerror(errno));
        }
        done += (uint64_t)n;
    }
    return 0;
}

static int map_copy(struct image_copy *c, const char *path, uint64_t size, int copy, struct err *e)
{
    void *data = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, copy, 0);
    if (data == MAP_FAILED)
        ERR(e, ERR_IO, "%s: no memory for its %" PRIu64 " bytes: %s", path, size, strerror(errno));
    c->data = data;
    c->size = size;
    return 0;
}

int image_read(struct image_copy *c, const char *path, int fd, const struct stat *st, struct err *e)
{
    *c = (struct image_copy){0};
    if (!S_ISREG(st->st_mode) || st->st_size == 0 || st->st_size > IMAGE_MAX)
        ERR(e, ERR_FORMAT, "%s: %s", path,
            !S_ISREG(st->st_mode) ? "not a regular file"
            : st->st_size == 0    ? "the file is empty"
                                  : "larger than 1 GiB");
    int copy = memfd_create("disco-image", MFD_CLOEXEC);
    if (copy < 0)
        ERR(e, ERR_IO, "%s: no memory for a copy: %s", path, strerror(errno));
    void *hash = NULL;
    uint8_t *piece = xmalloc(PIECE);
    int result = copy_all((uint64_t)st->st_size, path, fd, copy, piece, &hash, e);
    free(piece);
    c->hash = trace_hash_end(&hash);
    if (result == 0)
        result = map_copy(c, path, (uint64_t)st->st_size, copy, e);
    close(copy);
    if (result == 0 && image_changed(fd, st))
        ERR(e, ERR_IO, "%s: changed while it was read", path);
    return result;
}

void image_free(struct image_copy *c)
{
    if (c->data != NULL)
        munmap(c->data, c->size);
    *c = (struct image_copy){0};
}

bool image_changed(int fd, const struct stat *st)
{
    struct stat now;
    return fstat(fd, &now) < 0 || now.st_size != st->st_size ||
           now.st_mtim.tv_sec != st->st_mtim.tv_sec || now.st_mtim.tv_nsec != st->st_mtim.tv_nsec;
}

/* ---- disks ---- */

static const struct format {
    const char *name;
    const char *magic;
    size_t n, at; /* bytes of it; where they are in the file */
} formats[] = {
    {"qcow2", "QFI\xfb\0\0\0\3", 8, 0},
    {"qcow2", "QFI\xfb\0\0\0\2", 8, 0},
    {"qcow", "QFI\xfb", 4, 0},
    {"qed", "QED\0", 4, 0},
    {"vmdk", "KDMV", 4, 0},
    {"vmdk", "COWD", 4, 0},
    {"vmdk", "# Disk DescriptorFile", 21, 0},
    {"vdi", "\x7f\x10\xda\xbe", 4, 0x40},
    {"vhdx", "vhdxfile", 8, 0},
    {"vpc", "conectix", 8, 0},
    {"parallels", "WithoutFreeSpace", 16, 0},
    {"parallels", "WithouFreSpacExt", 16, 0},
    {"bochs", "Bochs Virtual HD Image", 22, 0},
};

const char *image_format(int fd)
{
    char head[0x44] = {0};
    if (pread(fd, head, sizeof head, 0) < 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (memcmp(head + formats[i].at, formats[i].magic, formats[i].n) == 0)
            return formats[i].name;
    return NULL;
}

bool image_is_format(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return true;
    return false;
}

/* `text` as one word of a shell's command line. */
static void quote(char *out, size_t size, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,";
    size_t len = 0;
    if (text[strspn(text, plain)] == 0) {
        snprintf(out, size, "%s", text);
        return;
    }
    out[len++] = '\'';
    for (; *text != 0 && len + 6 < size; text++) {
        const char *piece = *text == '\'' ? "'\\''" : (char[]){*text, 0};
        len += (size_t)sprintf(out + len, "%s", piece);
    }
    strcpy(out + len, "'");
}

int image_refuse_format(const char *path, const char *format, struct err *e)
{
    char from[NAME_SHOWN + 8], to[NAME_SHOWN + 8], raw[NAME_SHOWN + 8];
    const char *name = strlen(path) <= NAME_SHOWN / 2 ? path : "FILE"; /* or the line is too long */
    snprintf(raw, sizeof raw, "%s.raw", name);
    quote(from, sizeof from, name);
    quote(to, sizeof to, raw);
    ERR(e, ERR_USAGE,
        "%s: a disk of format %s, and only raw ones can be used: qemu-img convert -f "
        "%s -O raw %s %s",
        path, format, format, from, to);
}
