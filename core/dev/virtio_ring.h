/*
 * Split virtqueues, the device's side. Everything in them is written by the
 * guest and believed in nothing: see virtio_ring.c.
 *
 * Source: VIRTIO 1.1, section 2.6.
 */
#ifndef CORE_DEV_VIRTIO_RING_H
#define CORE_DEV_VIRTIO_RING_H

#include "core/base/bytes.h"
#include "core/dev/dev.h"

#define VIRTIO_QUEUE_SIZE 128 /* entries offered */
#define VIRTIO_CHAIN_MAX  256 /* descriptors of one chain, indirect ones included */

struct virtio_queue {
    uint64_t desc, avail, used; /* physical addresses; state, as all here */
    uint16_t size;              /* power of two, at most VIRTIO_QUEUE_SIZE */
    uint8_t enabled;
    uint16_t last_avail; /* next entry of the available ring to take */
    uint16_t used_idx;   /* next entry of the used ring to fill */
    uint16_t signalled;  /* used_idx at the last interrupt decision */
};

#define VIRTIO_QUEUE_STATE_FIELDS(type, member)                                                    \
    STATE(type, member.desc), STATE(type, member.avail), STATE(type, member.used),                 \
        STATE(type, member.size), STATE(type, member.enabled), STATE(type, member.last_avail),     \
        STATE(type, member.used_idx), STATE(type, member.signalled)

/* How the driver lays out and uses the ring. */
struct virtio_ring_mode {
    bool big_endian, indirect, event_idx;
};

struct virtio_segment {
    uint64_t pa; /* pa + len does not wrap */
    uint32_t len;
};

/* A request: first `out` segments that the device reads, then `in` segments
 * that it writes. Empty segments are left out. */
struct virtio_chain {
    uint16_t head;
    unsigned out, in;
    uint64_t out_len, in_len; /* bytes */
    struct virtio_segment segment[VIRTIO_CHAIN_MAX];
};

/* -1: the ring is bad; 0: nothing there; 1: *chain is the request that comes
 * `ahead` places behind the next one, and is not taken yet. */
int virtio_ring_peek(const struct virtio_queue *q, struct device *dev,
                     const struct virtio_ring_mode *mode, unsigned ahead,
                     struct virtio_chain *chain);
/* Take the next chain, and give it back to the driver as used with
 * `len` bytes written. False: the ring is bad. */
bool virtio_ring_push(struct virtio_queue *q, struct device *dev,
                      const struct virtio_ring_mode *mode, uint16_t head, uint32_t len);
/* At the end of a batch: ask to be notified of requests behind the next `seen`, which were looked at
 * and are not enough, and find out whether to interrupt. -1: the ring is bad; else 0 or 1. */
int virtio_ring_finish(struct virtio_queue *q, struct device *dev,
                       const struct virtio_ring_mode *mode, unsigned seen);

#endif
