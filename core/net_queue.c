#include "core/net_queue.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/err.h"

_Static_assert((NET_QUEUE_FRAMES & (NET_QUEUE_FRAMES - 1)) == 0, "numbers may wrap");

static struct net_frame *frame_of(uint64_t value)
{
    return (struct net_frame *)(uintptr_t)value;
}

static void value_ref(void *ctx, uint64_t value)
{
    (void)ctx;
    net_frame_ref(frame_of(value));
}

static void value_unref(void *ctx, uint64_t value)
{
    (void)ctx;
    net_frame_unref(frame_of(value));
}

static const struct radix_values frame_values = {.ref = value_ref, .unref = value_unref};

void net_queue_init(struct net_queue *q)
{
    *q = (struct net_queue){0};
    radix_init(&q->frames, &frame_values);
}

void net_queue_fini(struct net_queue *q)
{
    radix_fini(&q->frames);
}

/* Of one frame in its place; the digest of a queue is the sum. */
static uint64_t entry_hash(uint64_t number, const struct net_frame *f)
{
    const struct net_offload *o = &f->offload;
    const uint64_t words[] = {
        number,
        f->id,
        f->due,
        f->span,
        f->len,
        f->hash,
        (uint64_t)o->flags << 24 | (uint64_t)o->gso_type << 16 | o->gso_size,
        (uint64_t)o->hdr_len << 32 | (uint64_t)o->csum_start << 16 | o->csum_offset,
    };
    uint8_t bytes[sizeof words];
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        for (unsigned k = 0; k < 8; k++)
            bytes[8 * i + k] = (uint8_t)(words[i] >> 8 * k);
    }
    return XXH3_64bits(bytes, sizeof bytes);
}

static void store(struct net_queue *q, uint64_t number, struct net_frame *f)
{
    radix_set(&q->frames, number % NET_QUEUE_FRAMES, (uintptr_t)f);
    q->bytes += f->len;
    q->digest += entry_hash(number, f);
}

bool net_queue_push(struct net_queue *q, struct net_frame *f)
{
    if (net_queue_count(q) >= NET_QUEUE_FRAMES || q->bytes + f->len > NET_QUEUE_BYTES)
        return false;
    store(q, q->tail++, f);
    return true;
}

bool net_queue_push_front(struct net_queue *q, struct net_frame *f)
{
    if (net_queue_count(q) >= NET_QUEUE_FRAMES)
        return false;
    store(q, --q->head, f);
    return true;
}

struct net_frame *net_queue_head(const struct net_queue *q)
{
    if (net_queue_count(q) == 0)
        return NULL;
    return frame_of(radix_get(&q->frames, q->head % NET_QUEUE_FRAMES));
}

struct net_frame *net_queue_pop(struct net_queue *q)
{
    struct net_frame *f = net_queue_head(q);
    CHECK(f != NULL, "no frame %llu", (unsigned long long)q->head);
    q->digest -= entry_hash(q->head, f);
    q->bytes -= f->len;
    net_frame_ref(f);
    radix_set(&q->frames, q->head++ % NET_QUEUE_FRAMES, 0);
    return f;
}
