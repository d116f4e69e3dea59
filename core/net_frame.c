#include "core/net_frame.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

struct net_frame *net_frame_create(uint64_t id, uint64_t due, const struct net_offload *offload)
{
    struct net_frame *f = xcalloc(1, sizeof *f);
    f->refs = f->segments = 1;
    f->id = id;
    f->due = due;
    if (offload != NULL)
        f->offload = *offload;
    return f;
}

static struct net_part *add_part(struct net_frame *f)
{
    CHECK(f->parts < NET_PARTS_MAX, "frame of %u parts", f->parts);
    return &f->part[f->parts++];
}

/* More bytes of the last part. */
static uint8_t *extend(struct net_frame *f, size_t n)
{
    CHECK(n <= NET_FRAME_MAX - f->len, "frame of %zu bytes", f->len + n);
    f->part[f->parts - 1].len += (uint32_t)n;
    f->len += (uint32_t)n;
    uint8_t *place = buf_reserve(&f->bytes, n);
    f->bytes.len += n;
    return place;
}

uint8_t *net_frame_add_bytes(struct net_frame *f, size_t n)
{
    if (f->parts == 0 || f->part[f->parts - 1].page)
        *add_part(f) = (struct net_part){.off = (uint32_t)f->bytes.len};
    return extend(f, n);
}

uint8_t *net_frame_add_copy(struct net_frame *f)
{
    *add_part(f) = (struct net_part){.off = (uint32_t)f->bytes.len, .page = true};
    return extend(f, PAGE_SIZE);
}

void net_frame_add_page(struct net_frame *f, uint64_t mpn1)
{
    CHECK(PAGE_SIZE <= NET_FRAME_MAX - f->len, "frame of more than %u bytes", f->len);
    *add_part(f) = (struct net_part){.mpn1 = mpn1, .len = PAGE_SIZE, .page = true};
    f->len += PAGE_SIZE;
}

void net_frame_seal(struct net_frame *f, const struct net_pages *pages)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (unsigned i = 0; i < f->parts; i++) {
        const struct net_part *part = &f->part[i];
        uint8_t page[PAGE_SIZE];
        const uint8_t *bytes = page;
        if (part->mpn1 != 0)
            pages->read(pages->ctx, part->mpn1, 0, page, sizeof page);
        else
            bytes = f->bytes.data + part->off;
        XXH3_64bits_update(&state, bytes, part->len);
    }
    f->hash = XXH3_64bits_digest(&state);
}

struct net_frame *net_frame_clone(const struct net_frame *f, uint64_t due,
                                  const struct net_pages *pages)
{
    struct net_frame *copy = xmalloc(sizeof *copy);
    *copy = *f;
    copy->refs = 1;
    copy->due = due;
    copy->bytes = (struct buf){0};
    buf_put(&copy->bytes, f->bytes.data, f->bytes.len);
    for (unsigned i = 0; i < f->parts; i++) {
        if (f->part[i].mpn1 != 0)
            copy->part[i].mpn1 = pages->hold(pages->ctx, f->part[i].mpn1);
    }
    return copy;
}

void net_frame_unref(struct net_frame *f)
{
    if (--f->refs != 0)
        return;
    buf_free(&f->bytes);
    free(f);
}

void net_frame_discard(struct net_frame *f, const struct net_pages *pages)
{
    for (unsigned i = 0; i < f->parts; i++) {
        if (f->part[i].mpn1 != 0)
            pages->release(pages->ctx, f->part[i].mpn1);
    }
    net_frame_unref(f);
}

void net_frame_read(const struct net_frame *f, const struct net_pages *pages, size_t off, void *out,
                    size_t n)
{
    uint8_t *to = out;
    CHECK(off <= f->len && n <= f->len - off, "%zu bytes at %zu of a frame of %u", n, off, f->len);
    for (unsigned i = 0; n > 0; i++) {
        const struct net_part *part = &f->part[i];
        if (off >= part->len) {
            off -= part->len;
            continue;
        }
        size_t step = (size_t)min_u64(n, part->len - off);
        if (part->mpn1 != 0)
            pages->read(pages->ctx, part->mpn1, off, to, step);
        else
            memcpy(to, f->bytes.data + part->off + off, step);
        to += step;
        n -= step;
        off = 0;
    }
}

uint16_t net_frame_read16(const struct net_frame *f, const struct net_pages *pages, size_t off)
{
    uint8_t bytes[2];
    if (off + sizeof bytes > f->len)
        return 0;
    net_frame_read(f, pages, off, bytes, sizeof bytes);
    return ld_be16(bytes);
}
