/*
 * Virtio network card (VIRTIO 1.1, section 5.1): one pair of queues and a
 * control queue.
 *
 * Sending: a request becomes a frame (core/net_frame.h). Each whole page of
 * guest memory is a part of its own; where the network may share, it goes as
 * that machine page.
 *
 * Receiving: the machine appends frames to the card's inbox between epochs, and
 * each gets to the driver at its due time. With mergeable buffers the card
 * splits headers from pages: what comes before a page is placed so that the
 * page meets a buffer that is one whole page of guest memory, and that page is
 * mapped, not copied. Linux's driver offers such buffers once its packets are
 * large. See virtio_net_rx.c.
 *
 * A frame that has no room in the ring waits in the inbox. One that is due
 * while no driver is there is dropped.
 *
 * The inbox is machine state beyond the state table: dev_ops.inbox says where it
 * is, core/net_queue.h how it becomes part of a snapshot. The state table has
 * its digest, so nothing else is needed for a hash.
 */
#ifndef CORE_DEV_VIRTIO_NET_H
#define CORE_DEV_VIRTIO_NET_H

#include "core/dev/virtio_pci.h"
#include "core/net_queue.h"

#define VIRTIO_NET_UNICAST   16 /* addresses in the filter's tables; more: no filter */
#define VIRTIO_NET_MULTICAST 64

struct virtio_net_options {
    uint8_t mac[6];
    uint16_t mtu;     /* of the line, 68 or more: advertised to the driver */
    unsigned vm, nic; /* name its frames */
    bool share;       /* pages may be sent as machine pages */
};

/* All are state. */
struct virtio_net_counters {
    uint64_t sent, sent_bytes, sent_pages; /* pages: given away where that is possible */
    uint64_t got, got_bytes, got_pages;    /* pages: met a page, and mapped where that is possible */
    uint64_t split;     /* long frames that were cut into segments for this driver */
    uint64_t malformed; /* headers that make no sense: the frame was dropped */
    uint64_t filtered;  /* not for this card */
    uint64_t no_driver; /* due while the queue was not ready */
    uint64_t too_long;  /* for the buffers of this driver */
};

struct virtio_net {
    struct virtio v; /* first */
    struct virtio_net_options options;
    struct net_pages pages;
    struct buf scratch;     /* content on its way; not state */
    struct net_queue inbox; /* machine state */
    struct dev_timer
        arrival;     /* for the first frame of the inbox; deadline is state, as all below */
    uint64_t number; /* of the last frame sent */
    uint8_t mac[6];
    /* The receive filter. */
    uint8_t promiscuous, all_multicast;
    uint8_t unicast_count, multicast_count; /* in use */
    uint8_t unicast_all, multicast_all;     /* the driver had more than we keep */
    uint8_t unicast[VIRTIO_NET_UNICAST][6], multicast[VIRTIO_NET_MULTICAST][6];
    uint64_t vlan[4096 / 64]; /* bit per VLAN that passes */
    struct virtio_net_counters count;
};

void virtio_net_init(struct virtio_net *nic, struct platform *p, const char *id,
                     struct pci_bus *bus, unsigned slot, const struct virtio_net_options *options);
/* Frees what it holds on the host. */
void virtio_net_fini(struct virtio_net *nic);

#endif
