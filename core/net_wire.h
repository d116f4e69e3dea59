/*
 * A frame as it would be on a wire: what its sender left to the card is done.
 * Long frames are cut into segments, checksums are filled in. For who looks at
 * frames from outside of the machines.
 */
#ifndef CORE_NET_WIRE_H
#define CORE_NET_WIRE_H

#include "core/net_frame.h"

/* Room for the work; all zero to begin with. */
struct net_wire {
    struct buf whole, segment;
};

/* Calls `each` with each frame that `f` stands for, in order; the bytes are valid during the call.
 * A frame that asks for what makes no sense comes as it is. */
void net_wire_each(struct net_wire *w, const struct net_frame *f, const struct net_pages *pages,
                   void (*each)(void *ctx, const uint8_t *bytes, size_t n), void *ctx);
void net_wire_free(struct net_wire *w);

#endif
