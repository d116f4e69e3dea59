#include "record/disk_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/disk_priv.h"

#define GROUP 512u /* blocks; disks are large and little of them is read */

struct block_head {
    uint64_t block;
    uint32_t image;
};

void disk_log_init(struct disk_log *d, const struct setup *s)
{
    *d = (struct disk_log){.setup = s};
    for (size_t i = 0; i < s->header.images_count; i++)
        if (s->images[i].fd >= 0)
            d->known[i] = xcalloc(s->images[i].size / DISK_BLOCK / GROUP + 1, sizeof *d->known[i]);
}

void disk_log_free(struct disk_log *d)
{
    for (size_t i = 0; i < IMAGES_MAX; i++) {
        size_t groups = d->known[i] == NULL ? 0 : d->setup->images[i].size / DISK_BLOCK / GROUP + 1;
        for (size_t g = 0; g < groups; g++)
            free(d->known[i][g]);
        free(d->known[i]);
    }
    for (size_t i = 0; i < VMS_MAX; i++)
        buf_free(&d->vm[i].blocks);
    *d = (struct disk_log){0};
}

static size_t vms_count(const struct disk_log *d)
{
    return d->setup == NULL ? 0 : d->setup->header.vms_count;
}

/* Part of a hash; not 0, which stands for a block that is not known. */
static uint64_t short_hash(struct trace_hash whole)
{
    uint64_t hash;
    memcpy(&hash, whole.byte, sizeof hash);
    return hash | 1;
}

static uint64_t known_hash(const struct disk_log *d, uint32_t image, uint64_t block)
{
    const uint64_t *group = d->known[image][block / GROUP];
    return group == NULL ? 0 : group[block % GROUP];
}

static void changed(struct disk_log *d, unsigned vm, uint32_t image, uint64_t block)
{
    struct disk_reads *reads = &d->vm[vm];
    reads->differs = true;
    err_set(&reads->error, ERR_IO,
            "%s: another program changed it at offset %" PRIu64 ", which the machine had read; the "
            "trace ends before it read that again",
            d->setup->images[image].path, block * DISK_BLOCK);
}

/* ---- reading ---- */

static void read_image(struct disk_log *d, unsigned vm, uint32_t image, uint64_t block,
                       uint8_t *out)
{
    const struct setup_image *im = &d->setup->images[image];
    uint64_t offset = block * DISK_BLOCK;
    size_t want = (size_t)min_u64(DISK_BLOCK, im->size - offset), done = 0;
    memset(out + want, 0, DISK_BLOCK - want);
    while (done < want) {
        ssize_t n = pread(im->fd, out + done, want - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err_set(&d->vm[vm].error, ERR_IO, "%s: cannot read at offset %" PRIu64 ": %s", im->path,
                    offset + done, n == 0 ? "the file became shorter" : strerror(errno));
            memset(out + done, 0, want - done);
            return;
        }
        done += (size_t)n;
    }
}

void disk_log_read(struct disk_log *d, unsigned vm, uint32_t image, uint64_t block, uint8_t *out)
{
    read_image(d, vm, image, block, out);
    uint64_t known = known_hash(d, image, block);
    if (known == 0) {
        struct buf *blocks = &d->vm[vm].blocks;
        buf_put(blocks, &(struct block_head){block, image}, sizeof(struct block_head));
        buf_put(blocks, out, DISK_BLOCK);
    } else if (known != short_hash(trace_hash_of(out, DISK_BLOCK))) {
        changed(d, vm, image, block);
    }
}

/* ---- between epochs ---- */

static void make_known(struct disk_log *d, uint32_t image, uint64_t block, struct trace_hash hash)
{
    uint64_t **group = &d->known[image][block / GROUP];
    if (*group == NULL)
        *group = xcalloc(GROUP, sizeof **group);
    (*group)[block % GROUP] = short_hash(hash);
}

void disk_log_put(struct disk_log *d, disk_log_put_fn *put, void *ctx)
{
    for (size_t vm = 0; vm < vms_count(d); vm++) {
        struct buf *blocks = &d->vm[vm].blocks;
        for (size_t at = 0; at < blocks->len; at += DISK_BLOCK) {
            struct block_head head;
            memcpy(&head, blocks->data + at, sizeof head);
            at += sizeof head;
            const uint8_t *content = blocks->data + at;
            uint64_t known = known_hash(d, head.image, head.block);
            if (known == 0)
                make_known(d, head.image, head.block,
                           put(ctx, (unsigned)vm, head.image, head.block, content));
            else if (known != short_hash(trace_hash_of(content, DISK_BLOCK)))
                changed(d, (unsigned)vm, head.image, head.block);
        }
        buf_clear(blocks);
    }
}

int disk_log_status(const struct disk_log *d, struct err *e)
{
    for (size_t i = 0; i < vms_count(d); i++)
        if (d->vm[i].error.code != 0)
            ERR(e, d->vm[i].error.code, "%s", d->vm[i].error.msg);
    return 0;
}

bool disk_log_differs(const struct disk_log *d)
{
    for (size_t i = 0; i < vms_count(d); i++)
        if (d->vm[i].differs)
            return true;
    return false;
}

void disk_log_warn(const struct disk_log *d)
{
    for (size_t i = 0; i < IMAGES_MAX && d->setup != NULL; i++) {
        const struct setup_image *im = &d->setup->images[i];
        if (d->known[i] == NULL || im->persistent || !image_changed(im->fd, &im->found))
            continue;
        char *path = text_shown(im->path);
        fprintf(stderr,
                "disco-record: %s: another program changed it during the run; the trace holds what "
                "the machine read\n",
                path);
        free(path);
    }
}
