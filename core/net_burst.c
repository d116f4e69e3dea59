#include "core/net_burst.h"

#include <string.h>

#include "core/base/err.h"
#include "core/net_segment.h"

/* `head` gets the first `have` bytes, among them all headers. */
static bool parse(struct net_segments *s, const struct net_frame *f, const struct net_pages *pages,
                  uint8_t head[NET_HEADERS_MAX], size_t have)
{
    net_frame_read(f, pages, 0, head, have);
    return net_segments_begin(s, head, have, f->len, &f->offload);
}

bool net_burst_open(struct net_frame *f, const struct net_pages *pages)
{
    uint8_t head[NET_HEADERS_MAX];
    struct net_segments s;
    if (f->offload.gso_type == NET_GSO_NONE)
        return true;
    if (!parse(&s, f, pages, head, (size_t)min_u64(f->len, NET_HEADERS_MAX)))
        return false;
    if (s.count > 1) {
        f->segments = s.count;
        f->headers = (uint32_t)s.payload;
    } else {
        f->offload.gso_type = NET_GSO_NONE;
        f->offload.gso_size = f->offload.hdr_len = 0;
    }
    return true;
}

uint32_t net_burst_len(const struct net_frame *f, unsigned i)
{
    if (f->segments == 1)
        return f->len;
    uint32_t before = f->headers + i * f->offload.gso_size;
    return f->headers + (uint32_t)min_u64(f->offload.gso_size, f->len - before);
}

uint32_t net_burst_longest(const struct net_frame *f)
{
    return net_burst_len(f, 0);
}

/* Append the content of `f` from `off` to `end`. */
static void move_content(struct net_frame *to, struct net_frame *f, const struct net_pages *pages,
                         uint32_t off, uint32_t end)
{
    uint32_t at = 0;
    for (unsigned i = 0; at < end; at += f->part[i++].len) {
        struct net_part *part = &f->part[i];
        if (at + part->len <= off)
            continue;
        uint32_t first = (uint32_t)max_u64(off, at);
        uint32_t n = (uint32_t)min_u64(end, at + part->len) - first;
        if (part->page && n == PAGE_SIZE && part->mpn1 != 0) {
            net_frame_add_page(to, part->mpn1);
            part->mpn1 = 0;
        } else {
            bool whole = part->page && n == PAGE_SIZE;
            uint8_t *bytes = whole ? net_frame_add_copy(to) : net_frame_add_bytes(to, n);
            net_frame_read(f, pages, first, bytes, n);
        }
    }
}

struct net_frame *net_burst_cut(struct net_frame *f, const struct net_pages *pages, unsigned from,
                                unsigned to)
{
    uint8_t head[NET_HEADERS_MAX];
    struct net_segments s;
    /* Behind the headers there may be pages that are taken out already. */
    CHECK(from < to && to <= f->segments && parse(&s, f, pages, head, f->headers),
          "frames %u to %u of a burst of %u", from, to, f->segments);
    struct net_offload o = f->offload;
    if (to - from == 1) {
        o.gso_type = NET_GSO_NONE;
        o.gso_size = o.hdr_len = 0;
    } else if (from > 0) {
        o.gso_type &= (uint8_t)~NET_GSO_ECN; /* it is about the first one's CWR */
    }
    struct net_frame *piece = net_frame_create(f->id, f->due, &o);
    net_segments_headers(&s, from, to, head);
    memcpy(net_frame_add_bytes(piece, f->headers), head, f->headers);
    uint32_t size = f->offload.gso_size;
    move_content(piece, f, pages, f->headers + from * size,
                 (uint32_t)min_u64(f->len, f->headers + (uint64_t)to * size));
    if (to - from > 1) {
        piece->segments = to - from;
        piece->headers = f->headers;
    }
    net_frame_seal(piece, pages);
    return piece;
}
