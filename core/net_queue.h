/*
 * A bounded queue of frames that is machine state: the inbox of a network
 * card, or what is on a line.
 *
 * What the state table holds is small: the numbers of the first and of the
 * next frame, the bytes in between, and a digest of all of it. The frames
 * themselves are in a persistent tree, so that a snapshot costs O(1):
 *
 *   hash      the state table alone says it all (digest)
 *   snapshot  state_save() of the table, radix_snapshot(&q->frames, &copy)
 *   restore   state_load() of the table, radix_restore(&q->frames, &copy)
 *   free      radix_fini(&copy)
 *
 * The holds on machine pages that frames have are part of the snapshot of
 * machine memory, and are left alone by all four.
 */
#ifndef CORE_NET_QUEUE_H
#define CORE_NET_QUEUE_H

#include "core/base/state.h"
#include "core/net_frame.h"
#include "core/radix.h"

#define NET_QUEUE_FRAMES 16384       /* a power of two */
#define NET_QUEUE_BYTES  (16u << 20) /* of content */

struct net_queue {
    struct radix frames; /* number % NET_QUEUE_FRAMES -> struct net_frame *; machine state */
    uint64_t head;       /* number of the first frame; state, as all below */
    uint64_t tail;       /* number that the next one gets */
    uint64_t bytes;
    uint64_t digest;
};

#define NET_QUEUE_STATE_FIELDS(type, member)                                                       \
    STATE(type, member.head), STATE(type, member.tail), STATE(type, member.bytes),                 \
        STATE(type, member.digest)

void net_queue_init(struct net_queue *q);
/* Drops the references, and no hold: machine memory goes as well. */
void net_queue_fini(struct net_queue *q);
/* Append a sealed frame, and take over the caller's reference. False: no room; nothing was done. */
bool net_queue_push(struct net_queue *q, struct net_frame *f);
/* Put a frame in front of all others, in place of one that was taken. False: no slot is free. */
bool net_queue_push_front(struct net_queue *q, struct net_frame *f);
/* The first frame, still the queue's; NULL: it is empty. */
struct net_frame *net_queue_head(const struct net_queue *q);
/* Take it out; the reference becomes the caller's. The queue is not empty. */
struct net_frame *net_queue_pop(struct net_queue *q);

static inline uint64_t net_queue_count(const struct net_queue *q)
{
    return q->tail - q->head;
}

#endif
