/* Virtio network card: configuration and sending. Receiving is in virtio_net_rx.c. */
#include "core/dev/virtio_net.h"

#include "core/dev/virtio_net_priv.h"
#include "core/net_burst.h"

#define BIT(n)  ((uint64_t)1 << (n))
#define LINK_UP 1

static struct virtio_net *net_of_device(struct device *dev)
{
    return container_of(dev, struct virtio_net, v.pci.dev);
}

/* What the driver left to us must be of the kinds that it was promised, and lie in the frame. */
static bool get_offload(const struct virtio_net *nic, const uint8_t *header, uint64_t len,
                        struct net_offload *o)
{
    bool big = virtio_big_endian(&nic->v);
    *o = (struct net_offload){
        .flags = header[0] & NET_NEEDS_CSUM,
        .gso_type = header[1],
        .hdr_len = big ? ld_be16(header + 2) : ld_le16(header + 2),
        .gso_size = big ? ld_be16(header + 4) : ld_le16(header + 4),
        .csum_start = big ? ld_be16(header + 6) : ld_le16(header + 6),
        .csum_offset = big ? ld_be16(header + 8) : ld_le16(header + 8),
    };
    if ((o->flags & NET_NEEDS_CSUM) == 0) {
        bool plain = o->gso_type == NET_GSO_NONE;
        *o = (struct net_offload){0};
        return plain;
    }
    if (!virtio_has(&nic->v, NETF_CSUM) || (uint64_t)o->csum_start + o->csum_offset + 2 > len)
        return false;
    if (o->gso_type == NET_GSO_NONE) {
        o->gso_size = o->hdr_len = 0;
        return true;
    }
    if (o->gso_size == 0 ||
        ((o->gso_type & NET_GSO_ECN) != 0 && !virtio_has(&nic->v, NETF_HOST_ECN)))
        return false;
    unsigned kind = o->gso_type & ~(unsigned)NET_GSO_ECN;
    return (kind == NET_GSO_TCPV4 && virtio_has(&nic->v, NETF_HOST_TSO4)) ||
           (kind == NET_GSO_TCPV6 && virtio_has(&nic->v, NETF_HOST_TSO6));
}

/* Append n bytes of guest memory to a frame: whole pages as such, held if possible. The Ethernet
 * header stays outside of pages, as receivers want it in their first buffer. */
static bool gather(struct virtio_net *nic, struct net_frame *f, uint64_t pa, uint64_t n)
{
    struct device *dev = &nic->v.pci.dev;
    struct platform *p = dev->platform;
    for (uint64_t step; n > 0; pa += step, n -= step) {
        bool whole = (pa & PAGE_MASK) == 0 && n >= PAGE_SIZE && f->len >= NET_HEADER;
        uint64_t mpn1 = whole && nic->options.share ? p->hold_page(p, pa) : 0;
        step = min_u64(n, PAGE_SIZE - (pa & PAGE_MASK));
        nic->count.sent_pages += whole;
        if (mpn1 != 0) {
            net_frame_add_page(f, mpn1);
            continue;
        }
        uint8_t *to = whole ? net_frame_add_copy(f) : net_frame_add_bytes(f, (size_t)step);
        if (!dev_dma(dev, DMA_TO_DEVICE, pa, to, (size_t)step))
            return false;
    }
    return true;
}

static bool gather_all(struct virtio_net *nic, struct net_frame *f,
                       const struct virtio_chain *chain, uint64_t skip)
{
    for (unsigned i = 0; i < chain->out; i++) {
        const struct virtio_segment *s = &chain->segment[i];
        if (skip >= s->len) {
            skip -= s->len;
            continue;
        }
        if (!gather(nic, f, s->pa + skip, s->len - skip))
            return false;
        skip = 0;
    }
    return true;
}

static bool transmit(struct virtio_net *nic, const struct virtio_chain *chain)
{
    struct device *dev = &nic->v.pci.dev;
    uint8_t header[HEADER_MAX];
    uint32_t skip = net_header_size(nic);
    struct net_offload offload;
    if (chain->out_len < skip) {
        virtio_broken(&nic->v);
        return false;
    }
    if (!virtio_get_header(&nic->v, chain, 0, header, skip))
        return false;
    uint64_t len = chain->out_len - skip;
    if (len < NET_HEADER || len > NET_FRAME_MAX || !get_offload(nic, header, len, &offload)) {
        nic->count.malformed++;
        return true;
    }
    uint64_t id = NET_FRAME_ID(nic->options.vm, nic->options.nic, ++nic->number);
    struct net_frame *f = net_frame_create(id, dev_now(dev), &offload);
    if (!gather_all(nic, f, chain, skip)) {
        virtio_broken(&nic->v);
        net_frame_discard(f, &nic->pages);
        return false;
    }
    if (!net_burst_open(f, &nic->pages)) {
        nic->count.malformed++;
        net_frame_discard(f, &nic->pages);
        return true;
    }
    net_frame_seal(f, &nic->pages);
    nic->count.sent++;
    nic->count.sent_bytes += f->len;
    dev->platform->frame_event(dev->platform, dev, FRAME_OUT, f->id, f->len);
    dev->platform->send_frame(dev->platform, dev, f);
    return true;
}

static bool net_request(struct virtio *v, unsigned queue, const struct virtio_chain *chain,
                        uint32_t *used)
{
    if (queue == QUEUE_TRANSMIT)
        return transmit(net_of(v), chain);
    return net_control(net_of(v), chain, used);
}

/* VIRTIO 1.1, 5.1.4. */
static void net_config(struct virtio *v, uint8_t *bytes, bool big_endian)
{
    const struct virtio_net *nic = net_of(v);
    memcpy(bytes, nic->mac, sizeof nic->mac);
    virtio_st16(bytes + 6, LINK_UP, big_endian);
    virtio_st16(bytes + 8, 1, big_endian); /* pairs of queues */
    virtio_st16(bytes + 10, nic->options.mtu, big_endian);
}

static void net_reset(struct virtio *v)
{
    net_filter_reset(net_of(v));
    net_receive_reset(net_of(v));
}

static void arrived(struct device *dev)
{
    net_receive(&net_of_device(dev)->v, QUEUE_RECEIVE);
}

static bool net_frame_input(struct device *dev, struct net_frame *f)
{
    struct virtio_net *nic = net_of_device(dev);
    bool first = net_queue_count(&nic->inbox) == 0;
    uint64_t due = f->due;
    if (!net_queue_push(&nic->inbox, f))
        return false;
    if (first)
        dev_timer_set(&nic->arrival, due);
    return true;
}

static struct net_queue *net_inbox(struct device *dev)
{
    return &net_of_device(dev)->inbox;
}

static const struct virtio_type net_type = {
    .pci_device = 0x1000,
    .virtio_id = 1,
    .base_class = 0x02,
    .subclass = 0x00,
    .queues = 3,
    .config_size = 12,
    .features = BIT(NETF_CSUM) | BIT(NETF_GUEST_CSUM) | BIT(NETF_MTU) | BIT(NETF_MAC) |
                BIT(NETF_GUEST_TSO4) | BIT(NETF_GUEST_TSO6) | BIT(NETF_GUEST_ECN) |
                BIT(NETF_HOST_TSO4) | BIT(NETF_HOST_TSO6) | BIT(NETF_HOST_ECN) |
                BIT(NETF_MRG_RXBUF) | BIT(NETF_STATUS) | BIT(NETF_CTRL_VQ) | BIT(NETF_CTRL_RX) |
                BIT(NETF_CTRL_VLAN) | BIT(NETF_CTRL_MAC_ADDR),
    .request = net_request,
    .served = 1 << QUEUE_RECEIVE,
    .serve = net_receive,
    .config = net_config,
    .reset = net_reset,
};

static const struct state_field net_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_net, v),
    NET_QUEUE_STATE_FIELDS(struct virtio_net, inbox),
    STATE(struct virtio_net, arrival.deadline),
    STATE(struct virtio_net, number),
    STATE_ARRAY(struct virtio_net, mac, uint8_t),
    STATE(struct virtio_net, promiscuous),
    STATE(struct virtio_net, all_multicast),
    STATE(struct virtio_net, unicast_count),
    STATE(struct virtio_net, multicast_count),
    STATE(struct virtio_net, unicast_all),
    STATE(struct virtio_net, multicast_all),
    STATE_ARRAY(struct virtio_net, unicast, uint8_t),
    STATE_ARRAY(struct virtio_net, multicast, uint8_t),
    STATE_ARRAY(struct virtio_net, vlan, uint64_t),
    STATE_ARRAY(struct virtio_net, count, uint64_t),
    STATE_END,
};

static const struct dev_ops net_dev_ops = {
    .name = "virtio-net",
    .fields = net_fields,
    .reset = virtio_dev_reset,
    .loaded = virtio_dev_loaded,
    .frame = net_frame_input,
    .inbox = net_inbox,
};

static void pages_release(void *ctx, uint64_t mpn1)
{
    struct platform *p = ctx;
    p->release_page(p, mpn1);
}

static void pages_read(void *ctx, uint64_t mpn1, size_t off, void *out, size_t n)
{
    struct platform *p = ctx;
    p->read_page(p, mpn1, off, out, n);
}

void virtio_net_init(struct virtio_net *nic, struct platform *p, const char *id,
                     struct pci_bus *bus, unsigned slot, const struct virtio_net_options *options)
{
    memset(nic, 0, sizeof *nic);
    nic->options = *options;
    nic->pages = (struct net_pages){.ctx = p, .release = pages_release, .read = pages_read};
    net_queue_init(&nic->inbox);
    nic->v.pci.dev.platform = p; /* virtio_init() resets the card, and so the timer */
    dev_timer_init(&nic->arrival, &nic->v.pci.dev, arrived);
    virtio_init(&nic->v, &net_type, 0, &net_dev_ops, id, p, bus, slot);
}

void virtio_net_fini(struct virtio_net *nic)
{
    net_queue_fini(&nic->inbox);
    buf_free(&nic->scratch);
}
