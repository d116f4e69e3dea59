/*
 * The work that a sender left to the card: checksums, and cutting a long TCP
 * frame into segments. For a receiver that does not want to see such frames.
 *
 * Sources: RFC 1071 (checksum), 791 and 8200 (IP), 9293 (TCP); what a
 * segment keeps of the long frame's header follows VIRTIO 1.1, 5.1.6.2.
 */
#ifndef CORE_NET_SEGMENT_H
#define CORE_NET_SEGMENT_H

#include "core/net_frame.h"

#define NET_GSO_SIZE_MIN 32 /* bytes of payload: bounds the segments of a frame */

/* Sum up, as `o` asks for, a frame of len bytes. False: the fields lead out of it; nothing done. */
bool net_checksum_fill(uint8_t *bytes, size_t len, const struct net_offload *o);

/* How a long frame is cut. */
struct net_segments {
    const uint8_t *bytes; /* of the frame: must stay in place */
    size_t len;           /* of the whole frame */
    size_t ip, tcp, payload; /* where the IP header, the TCP header and the payload begin */
    bool v6;
    uint16_t size;  /* bytes of payload in each segment but the last */
    unsigned count; /* segments, at least 1 */
};

/* Of a frame of `len` bytes, the first `have` of which are there. False: it is no frame of TCP over
 * IP with the headers that `o` speaks of, they are not all there, or gso_size is less than
 * NET_GSO_SIZE_MIN. */
bool net_segments_begin(struct net_segments *s, const uint8_t *bytes, size_t have, size_t len,
                        const struct net_offload *o);
/* Bytes of segment i, 0 to count - 1. */
size_t net_segments_len(const struct net_segments *s, unsigned i);
/* Change a copy of the frame's headers into those of a shorter frame of segments `from` to `to` - 1.
 * The TCP checksum is left to be filled in: it holds the sum of the pseudo header. */
void net_segments_headers(const struct net_segments *s, unsigned from, unsigned to, uint8_t *head);
/* Write that segment, with all checksums, to out. Needs the whole frame. */
void net_segments_make(const struct net_segments *s, unsigned i, uint8_t *out);

#endif
