/*
 * The control queue of the virtio network card, and the receive filter that a
 * driver sets through it. A request is a class, a command, its data, and a
 * status byte that the device writes (VIRTIO 1.1, 5.1.6.5).
 *
 * Without a word of the driver the card takes all frames: a driver that does
 * not know the control queue could not name the groups that it listens to.
 */
#include <string.h>

#include "core/dev/virtio_net_priv.h"

#define CLASS_RX     0
#define CLASS_MAC    1
#define CLASS_VLAN   2
#define RX_PROMISC   0
#define RX_ALLMULTI  1
#define MAC_TABLES   0
#define MAC_ADDRESS  1
#define VLAN_ADD     0
#define VLAN_DELETE  1
#define ACK_OK       0
#define ACK_ERROR    1
#define COMMAND_SIZE 2
#define MAC_SIZE     6
#define TYPE_VLAN    0x8100
#define VLANS        4096

void net_filter_reset(struct virtio_net *nic)
{
    memcpy(nic->mac, nic->options.mac, sizeof nic->mac);
    nic->promiscuous = 1;
    nic->all_multicast = 0;
    nic->unicast_count = nic->multicast_count = 0;
    nic->unicast_all = nic->multicast_all = 0;
    memset(nic->unicast, 0, sizeof nic->unicast);
    memset(nic->multicast, 0, sizeof nic->multicast);
    memset(nic->vlan, 0, sizeof nic->vlan);
}

static bool in_table(const uint8_t (*table)[MAC_SIZE], unsigned max, unsigned count,
                     const uint8_t *mac)
{
    for (unsigned i = 0; i < count && i < max; i++) {
        if (memcmp(table[i], mac, MAC_SIZE) == 0)
            return true;
    }
    return false;
}

bool net_filter_passes(const struct virtio_net *nic, const struct net_frame *f)
{
    static const uint8_t broadcast[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t to[MAC_SIZE];
    if (nic->promiscuous != 0)
        return true;
    net_frame_read(f, &nic->pages, 0, to, sizeof to);
    if (virtio_has(&nic->v, NETF_CTRL_VLAN) &&
        net_frame_read16(f, &nic->pages, NET_HEADER - 2) == TYPE_VLAN) {
        unsigned id = net_frame_read16(f, &nic->pages, NET_HEADER) % VLANS;
        if ((nic->vlan[id / 64] >> id % 64 & 1) == 0)
            return false;
    }
    if (memcmp(to, nic->mac, sizeof to) == 0 || memcmp(to, broadcast, sizeof to) == 0)
        return true;
    if ((to[0] & 1) != 0)
        return nic->all_multicast != 0 || nic->multicast_all != 0 ||
               in_table(nic->multicast, VIRTIO_NET_MULTICAST, nic->multicast_count, to);
    return nic->unicast_all != 0 ||
           in_table(nic->unicast, VIRTIO_NET_UNICAST, nic->unicast_count, to);
}

/* The driver's data behind the command: `off` of it, n bytes. */
static bool get(struct virtio_net *nic, const struct virtio_chain *chain, uint64_t off, void *bytes,
                size_t n)
{
    return virtio_get_header(&nic->v, chain, COMMAND_SIZE + off, bytes, n);
}

/* One table: a count and as many addresses. Moves *off behind it. */
static bool get_table(struct virtio_net *nic, const struct virtio_chain *chain, uint64_t *off,
                      uint8_t (*table)[MAC_SIZE], unsigned max, uint8_t *count, uint8_t *all)
{
    uint8_t bytes[4];
    if (!get(nic, chain, *off, bytes, sizeof bytes))
        return false;
    uint32_t n = virtio_big_endian(&nic->v) ? ld_be32(bytes) : ld_le32(bytes);
    *off += sizeof bytes;
    if (COMMAND_SIZE + *off + (uint64_t)n * MAC_SIZE > chain->out_len)
        return false;
    *all = n > max;
    *count = *all ? 0 : (uint8_t)n;
    if (*count != 0 && !get(nic, chain, *off, table, (size_t)n * MAC_SIZE))
        return false;
    *off += (uint64_t)n * MAC_SIZE;
    return true;
}

static bool set_tables(struct virtio_net *nic, const struct virtio_chain *chain)
{
    uint8_t unicast[VIRTIO_NET_UNICAST][MAC_SIZE] = {{0}};
    uint8_t multicast[VIRTIO_NET_MULTICAST][MAC_SIZE] = {{0}};
    uint8_t unicast_count, multicast_count, unicast_all, multicast_all;
    uint64_t off = 0;
    if (!get_table(nic, chain, &off, unicast, VIRTIO_NET_UNICAST, &unicast_count, &unicast_all) ||
        !get_table(nic, chain, &off, multicast, VIRTIO_NET_MULTICAST, &multicast_count,
                   &multicast_all) ||
        COMMAND_SIZE + off != chain->out_len)
        return false;
    memcpy(nic->unicast, unicast, sizeof unicast);
    memcpy(nic->multicast, multicast, sizeof multicast);
    nic->unicast_count = unicast_count;
    nic->multicast_count = multicast_count;
    nic->unicast_all = unicast_all;
    nic->multicast_all = multicast_all;
    return true;
}

static bool set_vlan(struct virtio_net *nic, const struct virtio_chain *chain, uint8_t command)
{
    uint8_t bytes[2];
    if (chain->out_len != COMMAND_SIZE + sizeof bytes || command > VLAN_DELETE ||
        !get(nic, chain, 0, bytes, sizeof bytes))
        return false;
    unsigned id = virtio_big_endian(&nic->v) ? ld_be16(bytes) : ld_le16(bytes);
    if (id >= VLANS)
        return false;
    uint64_t bit = (uint64_t)1 << id % 64;
    if (command == VLAN_ADD)
        nic->vlan[id / 64] |= bit;
    else
        nic->vlan[id / 64] &= ~bit;
    return true;
}

static bool set_mode(struct virtio_net *nic, const struct virtio_chain *chain, uint8_t command)
{
    uint8_t on;
    if (chain->out_len != COMMAND_SIZE + sizeof on || command > RX_ALLMULTI ||
        !get(nic, chain, 0, &on, sizeof on))
        return false;
    if (command == RX_PROMISC)
        nic->promiscuous = on != 0;
    else
        nic->all_multicast = on != 0;
    return true;
}

static bool set_mac(struct virtio_net *nic, const struct virtio_chain *chain)
{
    uint8_t mac[MAC_SIZE];
    if (chain->out_len != COMMAND_SIZE + sizeof mac || !get(nic, chain, 0, mac, sizeof mac))
        return false;
    memcpy(nic->mac, mac, sizeof mac);
    return true;
}

bool net_control(struct virtio_net *nic, const struct virtio_chain *chain, uint32_t *used)
{
    uint8_t command[COMMAND_SIZE];
    if (chain->in_len < 1 || !virtio_get_header(&nic->v, chain, 0, command, sizeof command)) {
        virtio_broken(&nic->v);
        return false;
    }
    bool ok = false;
    if (command[0] == CLASS_RX && virtio_has(&nic->v, NETF_CTRL_RX))
        ok = set_mode(nic, chain, command[1]);
    else if (command[0] == CLASS_MAC && command[1] == MAC_TABLES &&
             virtio_has(&nic->v, NETF_CTRL_RX))
        ok = set_tables(nic, chain);
    else if (command[0] == CLASS_MAC && command[1] == MAC_ADDRESS &&
             virtio_has(&nic->v, NETF_CTRL_MAC_ADDR))
        ok = set_mac(nic, chain);
    else if (command[0] == CLASS_VLAN && virtio_has(&nic->v, NETF_CTRL_VLAN))
        ok = set_vlan(nic, chain, command[1]);
    uint8_t ack = ok ? ACK_OK : ACK_ERROR;
    *used = 1;
    return virtio_put_status(&nic->v, chain, 0, &ack, sizeof ack);
}
