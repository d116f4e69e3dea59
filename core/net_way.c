#include "core/net_way.h"

#include "core/base/splitmix.h"
#include "core/net_burst.h"

#define NS          1000000000u
#define PPM         1000000u
#define JITTER_BITS 24 /* of a lot: with config.h's limit the product fits 64 bits */

/* On the line as a whole at *end, if that is false. */
static bool is_full(struct net_way *w, uint64_t ready, uint32_t len, uint64_t *end)
{
    uint64_t rate = w->config.bandwidth;
    uint64_t bytes = max_u64(len, NET_WIRE_LEAST) + NET_WIRE_EXTRA;
    *end = ready;
    if (rate == 0)
        return false;
    if (w->busy > ready && (w->busy - ready) * rate / (UINT64_C(8) * NS) + bytes > w->config.queue)
        return true;
    w->busy = max_u64(w->busy, ready) + (bytes * 8 * NS - 1) / rate + 1; /* rounded up */
    *end = w->busy;
    return false;
}

/* NET_LOSSES: it is not lost, and is there at *due. */
static enum net_loss pass(struct net_way *w, uint64_t ready, uint32_t len, uint64_t *due)
{
    const struct way_config *c = &w->config;
    uint64_t lot = splitmix64(w->lots, ++w->drawn), end;
    if (is_full(w, ready, len, &end))
        return NET_LINE_FULL;
    if ((lot >> 32) * PPM >> 32 < c->loss_ppm)
        return NET_LOST;
    uint64_t later = (lot & ((1u << JITTER_BITS) - 1)) * (c->jitter_ns + 1) >> JITTER_BITS;
    *due = w->last = max_u64(w->last, end + c->latency_ns + later);
    return NET_LOSSES;
}

/* Frames of a burst that arrive together. */
struct together {
    unsigned from, to;
    uint64_t first, last; /* when these two are there */
};

static void emit(const struct together *t, struct net_frame *f, const struct net_pages *pages,
                 const struct net_way_ops *ops, void *ctx)
{
    if (t->from == t->to)
        return;
    struct net_frame *piece = net_burst_cut(f, pages, t->from, t->to);
    piece->due = t->last;
    piece->span = t->last - t->first;
    ops->arrives(ctx, piece);
}

void net_way_send(struct net_way *w, struct net_frame *f, const struct net_pages *pages,
                  const struct net_way_ops *ops, void *ctx)
{
    unsigned n = f->segments;
    uint64_t begin = f->due - f->span, span = f->span;
    struct together t = {0};
    for (unsigned i = 0; i < n; i++) {
        uint64_t ready = begin + (n == 1 ? 0 : span * i / (n - 1)), due = 0;
        uint32_t len = net_burst_len(f, i);
        enum net_loss why = pass(w, ready, len, &due);
        bool joins = why == NET_LOSSES && t.from < t.to && due - t.first <= NET_TOGETHER_NS;
        if (!joins) {
            emit(&t, f, pages, ops, ctx);
            t = (struct together){.from = i, .to = i, .first = due};
        }
        if (why == NET_LOSSES) {
            t.to = i + 1;
            t.last = due;
        } else {
            ops->lost(ctx, f, len, why);
        }
    }
    if (t.to - t.from < n) {
        emit(&t, f, pages, ops, ctx);
        net_frame_discard(f, pages);
        return;
    }
    f->due = t.last;
    f->span = t.last - t.first;
    ops->arrives(ctx, f);
}
