/* Inside of the virtio network card. */
#ifndef CORE_DEV_VIRTIO_NET_PRIV_H
#define CORE_DEV_VIRTIO_NET_PRIV_H

#include "core/dev/virtio_net.h"

/* Feature bits: VIRTIO 1.1, 5.1.3. */
#define NETF_CSUM          0
#define NETF_GUEST_CSUM    1
#define NETF_MTU           3
#define NETF_MAC           5
#define NETF_GUEST_TSO4    7
#define NETF_GUEST_TSO6    8
#define NETF_GUEST_ECN     9
#define NETF_HOST_TSO4     11
#define NETF_HOST_TSO6     12
#define NETF_HOST_ECN      13
#define NETF_MRG_RXBUF     15
#define NETF_STATUS        16
#define NETF_CTRL_VQ       17
#define NETF_CTRL_RX       18
#define NETF_CTRL_VLAN     19
#define NETF_CTRL_MAC_ADDR 23
#define F_VERSION_1        32

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, QUEUE_CONTROL };

#define HEADER_MAX 12 /* bytes of struct virtio_net_hdr with num_buffers */

static inline struct virtio_net *net_of(struct virtio *v)
{
    return container_of(v, struct virtio_net, v);
}

/* A legacy driver's header has num_buffers only if buffers are mergeable. */
static inline uint32_t net_header_size(const struct virtio_net *nic)
{
    bool wide = virtio_has(&nic->v, NETF_MRG_RXBUF) || virtio_has(&nic->v, F_VERSION_1);
    return wide ? HEADER_MAX : HEADER_MAX - 2;
}

/* virtio_net_rx.c: frames that are due, into the ring; sets the timer for the next one. */
void net_receive(struct virtio *v, unsigned queue);
/* Drop all that is due: the driver went away. */
void net_receive_reset(struct virtio_net *nic);

/* virtio_net_filter.c: the control queue, and what it is for. */
bool net_control(struct virtio_net *nic, const struct virtio_chain *chain, uint32_t *used);
void net_filter_reset(struct virtio_net *nic);
/* Does the card take this frame? */
bool net_filter_passes(const struct virtio_net *nic, const struct net_frame *f);

#endif
