/*
 * One direction of a line between a card and its switch: when which frame is
 * there, and which is lost.
 *
 * All is reckoned frame by frame as on a wire. With a bandwidth a frame takes
 * NET_WIRE_EXTRA bytes besides its own: preamble and start (8), check sequence
 * (4), gap (12); one of less than NET_WIRE_LEAST is padded to that (IEEE 802.3,
 * 3.1.1 and 4.4.2). It waits until those before it are sent; when more than the
 * queue's bytes would wait then, it is dropped. What is lost by lot has been
 * sent. Jitter is a delay of 0 to jitter_ns, evenly by lot; frames do not
 * overtake each other, so one that is late holds up those behind it.
 *
 * A burst (net_burst.h) stays one where none of its frames is missing and the
 * last arrives no later than NET_TOGETHER_NS after the first; it arrives with its
 * last one, as with a card that holds back its interrupt for so long.
 */
#ifndef CORE_NET_WAY_H
#define CORE_NET_WAY_H

#include "core/base/state.h"
#include "core/config.h"
#include "core/net_frame.h"

#define NET_WIRE_EXTRA  24
#define NET_WIRE_LEAST  60
#define NET_TOGETHER_NS 100000

enum net_loss {
    NET_LOST,     /* by lot */
    NET_TOO_LONG, /* for one of the two lines */
    NET_LINE_FULL,
    NET_NO_ROOM, /* at the receiver */
    NET_LOSSES,
};

struct net_way {
    struct way_config config;
    uint64_t lots;  /* seed of this way's own */
    uint64_t busy;  /* virtual ns: frames are being sent until then; state, as those below */
    uint64_t last;  /* when the last one that was not lost is there */
    uint64_t drawn; /* lots, one for each frame */
};

#define NET_WAY_STATE_FIELDS(type, member)                                                         \
    STATE(type, member.busy), STATE(type, member.last), STATE(type, member.drawn)

struct net_way_ops {
    /* A frame or burst that gets through is there at its due time, its last frame then and its
     * first `span` before. It is the callee's. */
    void (*arrives)(void *ctx, struct net_frame *f);
    /* One frame of `len` bytes does not get through. */
    void (*lost)(void *ctx, const struct net_frame *f, uint32_t len, enum net_loss why);
};

/* `f` is ready at its due time, its frames before as `span` says; nothing else knows it yet. It is
 * taken over. */
void net_way_send(struct net_way *w, struct net_frame *f, const struct net_pages *pages,
                  const struct net_way_ops *ops, void *ctx);

#endif
