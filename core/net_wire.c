#include "core/net_wire.h"

#include "core/net_segment.h"

void net_wire_each(struct net_wire *w, const struct net_frame *f, const struct net_pages *pages,
                   void (*each)(void *ctx, const uint8_t *bytes, size_t n), void *ctx)
{
    struct net_segments cut;
    buf_clear(&w->whole);
    uint8_t *bytes = buf_reserve(&w->whole, f->len);
    net_frame_read(f, pages, 0, bytes, f->len);
    if (f->offload.gso_type == NET_GSO_NONE ||
        !net_segments_begin(&cut, bytes, f->len, f->len, &f->offload)) {
        if (f->offload.flags & NET_NEEDS_CSUM)
            net_checksum_fill(bytes, f->len, &f->offload);
        each(ctx, bytes, f->len);
        return;
    }
    for (unsigned i = 0; i < cut.count; i++) {
        size_t n = net_segments_len(&cut, i);
        buf_clear(&w->segment);
        uint8_t *segment = buf_reserve(&w->segment, n);
        net_segments_make(&cut, i, segment);
        each(ctx, segment, n);
    }
}

void net_wire_free(struct net_wire *w)
{
    buf_free(&w->whole);
    buf_free(&w->segment);
}
