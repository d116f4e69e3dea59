/*
 * The virtual networks of a run: switches, and the lines that join network
 * cards (and the outside) to them.
 *
 *     card --- line ---> switch --- line ---> card
 *        net_send()     net_barrier()      ops->deliver()
 *
 * A line has two directions with values of their own: bandwidth and queue,
 * latency and jitter, loss (core/net_way.h). It passes no frame of more than its
 * MTU behind the Ethernet header and one VLAN tag. A long frame that its sender
 * left to be cut into segments counts as these in all respects
 * (core/net_burst.h). What is on a line is machine state of bounded size.
 *
 * DETERMINISM: net_send() touches the sender's own port only, so the threads
 * of all VMs may be in it during an epoch. All else is called at barriers, by
 * one thread. At a barrier those frames pass the switch that have reached it,
 * in the order of (time of arrival, port, order on the line). As the latency
 * of a line is an epoch at least, no frame is due before the barrier, and the
 * frames of one card are due in the order in which it gets them.
 */
#ifndef CORE_NET_H
#define CORE_NET_H

#include "core/base/state.h"
#include "core/config.h"
#include "core/net_queue.h"
#include "core/net_way.h"

#define NET_PORTS (VMS_MAX * NICS_MAX + NETWORKS_MAX)
#define NET_MACS  64 /* addresses that a switch remembers */

/* Ports are numbered: the cards of all VMs, then the gateways of all networks. */
static inline unsigned net_port(unsigned vm, unsigned nic)
{
    return vm * NICS_MAX + nic;
}
static inline unsigned net_gateway(unsigned network)
{
    return VMS_MAX * NICS_MAX + network;
}
static inline bool net_is_gateway(unsigned port)
{
    return port >= VMS_MAX * NICS_MAX;
}
static inline unsigned net_port_vm(unsigned port) /* not of a gateway */
{
    return port / NICS_MAX;
}
static inline unsigned net_port_nic(unsigned port)
{
    return port % NICS_MAX;
}

struct net_ops {
    /* At the barrier: `f` is for that port, at its due time. True: it was taken over, with its
     * holds. False: no room; it stays the caller's. */
    bool (*deliver)(void *ctx, unsigned port, struct net_frame *f);
    /* At the barrier: a frame leaves by a gateway. It stays the caller's; `pages` reads it. Needed
     * where a gateway is attached. */
    void (*outside)(void *ctx, unsigned port, const struct net_frame *f,
                    const struct net_pages *pages);
    /* A frame of `len` bytes, perhaps a segment of `f`, is lost on the line of that port (its
     * sender's in net_send, then by that thread; or the receiver's). */
    void (*lost)(void *ctx, unsigned port, const struct net_frame *f, uint32_t len,
                 enum net_loss why);
    /* At the barrier: a frame passes the switch from, or towards, that port. Times never go back.
     * What was lost on the way to the switch is not seen, what is lost behind it is. NULL: nobody
     * looks. */
    void (*tap)(void *ctx, unsigned port, bool towards, uint64_t time, const struct net_frame *f);
};

/* A line between a port and its switch. */
struct net_line {
    bool attached;
    unsigned network;
    uint32_t mtu;
    const struct net_pages *pages; /* of the VM */
    struct net_way out, in;        /* to the switch, and from it; state, as all below */
    struct net_queue queue;        /* on its way to the switch, due there */
    uint64_t entered;              /* frames that came in by this gateway */
    uint64_t sent, sent_bytes;     /* frames on the wire that passed the switch, from here */
    uint64_t got, got_bytes;       /* and to here, delivered */
    uint64_t lost[NET_LOSSES];
};

/* What one switch has learned. */
struct net_switch {
    uint64_t mac[NET_MACS]; /* address | 1 << 48; 0: free; state, as all here */
    uint8_t port[NET_MACS];
    uint8_t next; /* entry to be used for the next new address */
};

struct net {
    const struct net_ops *ops;
    void *ctx;
    uint64_t seed;
    struct net_line line[NET_PORTS];
    struct net_switch switches[NETWORKS_MAX];
};

/* `seed` decides which frames are lost. */
void net_init(struct net *n, uint64_t seed, const struct net_ops *ops, void *ctx);
void net_fini(struct net *n);
/* Join a port to a network; `pages` stays the caller's, is copied by address, and works for the VM
 * of that port. A gateway takes a link without latency. */
void net_attach(struct net *n, unsigned port, unsigned network, const struct link_config *link,
                const struct net_pages *pages);

/* A sealed frame of NET_HEADER bytes or more leaves a card at its due time, which is not before
 * that of the one before. It is the network's from here, with its holds. Called by the thread that
 * runs the VM. */
void net_send(struct net *n, unsigned port, struct net_frame *f);
/* At the barrier at `now`: a frame of `len` bytes, NET_HEADER to NET_FRAME_MAX, comes in by the
 * gateway of that network, which has one, and passes the switch at the next barrier. */
void net_send_in(struct net *n, unsigned network, uint64_t now, const void *bytes, size_t len);
/* At the barrier at `now`: frames that have reached their switch by then go on. */
void net_barrier(struct net *n, uint64_t now);
/* When the first of those that are still on the way to a switch gets there: the next time at which
 * a barrier has work here. UINT64_MAX: none is on the way. */
uint64_t net_next(const struct net *n);

/* ---- machine state: fixed tables, and one queue per line (core/net_queue.h) ---- */

extern const struct state_field net_line_fields[];
extern const struct state_field net_switch_fields[];
/* All tables, of all lines and switches in their order. */
void net_save(const struct net *n, struct buf *out);
/* Reads what net_save() wrote; the queues' frames are restored by the caller. Returns the bytes. */
size_t net_load(struct net *n, const uint8_t *in);
uint64_t net_digest(const struct net *n);

/* The frames of all lines. A copy owns references until it is dropped. */
struct net_snapshot {
    struct radix frames[NET_PORTS];
};
void net_snapshot(const struct net *n, struct net_snapshot *s);
void net_restore(struct net *n, const struct net_snapshot *s);
void net_snapshot_drop(struct net_snapshot *s);

#endif
