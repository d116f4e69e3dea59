#include "core/net.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/base/splitmix.h"
#include "core/net_burst.h"

#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define MAC_GROUP ((uint64_t)1 << 40) /* broadcast or multicast */
#define MAC_KNOWN ((uint64_t)1 << 48)
#define NO_PORT   NET_PORTS

_Static_assert(NET_PORTS <= 256, "a port fits net_switch.port");

const struct state_field net_line_fields[] = {
    NET_QUEUE_STATE_FIELDS(struct net_line, queue),
    NET_WAY_STATE_FIELDS(struct net_line, out),
    NET_WAY_STATE_FIELDS(struct net_line, in),
    STATE(struct net_line, entered),
    STATE(struct net_line, sent),
    STATE(struct net_line, sent_bytes),
    STATE(struct net_line, got),
    STATE(struct net_line, got_bytes),
    STATE_ARRAY(struct net_line, lost, uint64_t),
    STATE_END,
};

const struct state_field net_switch_fields[] = {
    STATE_ARRAY(struct net_switch, mac, uint64_t),
    STATE_ARRAY(struct net_switch, port, uint8_t),
    STATE(struct net_switch, next),
    STATE_END,
};

void net_init(struct net *n, uint64_t seed, const struct net_ops *ops, void *ctx)
{
    memset(n, 0, sizeof *n);
    n->ops = ops;
    n->ctx = ctx;
    n->seed = seed;
    for (unsigned i = 0; i < NET_PORTS; i++)
        net_queue_init(&n->line[i].queue);
}

void net_fini(struct net *n)
{
    for (unsigned i = 0; i < NET_PORTS; i++)
        net_queue_fini(&n->line[i].queue);
}

void net_attach(struct net *n, unsigned port, unsigned network, const struct link_config *link,
                const struct net_pages *pages)
{
    CHECK(port < NET_PORTS && network < NETWORKS_MAX, "port %u of network %u", port, network);
    struct net_line *l = &n->line[port];
    l->attached = true;
    l->network = network;
    l->mtu = link->mtu;
    l->out = (struct net_way){.config = link->out, .lots = splitmix64(n->seed, port + 1)};
    l->in = (struct net_way){.config = link->in, .lots = splitmix64(n->seed, NET_PORTS + port + 1)};
    l->pages = pages;
}

/* A whole frame or burst. */
static void lose(struct net *n, unsigned port, struct net_frame *f, enum net_loss why)
{
    n->line[port].lost[why] += f->segments;
    n->ops->lost(n->ctx, port, f, f->len, why);
    net_frame_discard(f, n->line[port].pages);
}

static bool fits(const struct net_line *l, const struct net_frame *f, const struct net_pages *pages)
{
    uint16_t type = net_frame_read16(f, pages, NET_HEADER - 2);
    bool tagged = type == TYPE_VLAN || type == TYPE_QINQ;
    return net_burst_longest(f) <= (uint64_t)l->mtu + NET_HEADER + (tagged ? NET_VLAN_TAG : 0);
}

/* What is on one way of a line. */
struct passage {
    struct net *n;
    unsigned port;
    uint64_t now; /* of the barrier */
};

static void lost_on_way(void *ctx, const struct net_frame *f, uint32_t len, enum net_loss why)
{
    const struct passage *p = ctx;
    p->n->line[p->port].lost[why]++;
    p->n->ops->lost(p->n->ctx, p->port, f, len, why);
}

static void reaches_switch(void *ctx, struct net_frame *f)
{
    const struct passage *p = ctx;
    if (!net_queue_push(&p->n->line[p->port].queue, f))
        lose(p->n, p->port, f, NET_LINE_FULL);
}

static void reaches_card(void *ctx, struct net_frame *f)
{
    const struct passage *p = ctx;
    struct net_line *l = &p->n->line[p->port];
    unsigned segments = f->segments;
    uint32_t len = f->len;
    f->due = max_u64(f->due, p->now);
    if (!p->n->ops->deliver(p->n->ctx, p->port, f)) {
        lose(p->n, p->port, f, NET_NO_ROOM);
        return;
    }
    l->got += segments;
    l->got_bytes += len;
}

static const struct net_way_ops out_ops = {.arrives = reaches_switch, .lost = lost_on_way};
static const struct net_way_ops in_ops = {.arrives = reaches_card, .lost = lost_on_way};

void net_send(struct net *n, unsigned port, struct net_frame *f)
{
    struct net_line *l = &n->line[port];
    struct passage p = {.n = n, .port = port};
    CHECK(l->attached, "port %u sends", port);
    if (fits(l, f, l->pages))
        net_way_send(&l->out, f, l->pages, &out_ops, &p);
    else
        lose(n, port, f, NET_TOO_LONG);
}

void net_send_in(struct net *n, unsigned network, uint64_t now, const void *bytes, size_t len)
{
    unsigned port = net_gateway(network);
    uint64_t id = NET_FRAME_ID(NET_OUTSIDE, network, ++n->line[port].entered);
    struct net_frame *f = net_frame_create(id, now, NULL);
    memcpy(net_frame_add_bytes(f, len), bytes, len);
    net_frame_seal(f, n->line[port].pages);
    net_send(n, port, f);
}

static unsigned lookup(const struct net_switch *s, uint64_t mac)
{
    for (unsigned i = 0; i < NET_MACS; i++) {
        if (s->mac[i] == (mac | MAC_KNOWN))
            return i;
    }
    return NET_MACS;
}

static void learn(struct net_switch *s, uint64_t mac, unsigned port)
{
    if ((mac & MAC_GROUP) != 0)
        return;
    unsigned i = lookup(s, mac);
    if (i == NET_MACS) {
        i = s->next % NET_MACS;
        s->next = (uint8_t)((i + 1) % NET_MACS);
        s->mac[i] = mac | MAC_KNOWN;
    }
    s->port[i] = (uint8_t)port;
}

static uint64_t read_mac(const struct net_frame *f, const struct net_pages *pages, size_t off)
{
    uint8_t bytes[8] = {0};
    net_frame_read(f, pages, off, bytes + 2, 6);
    return ld_be64(bytes);
}

/* From the switch to the outside, where no time passes and all that fits is taken. */
static void leave(struct net *n, unsigned port, const struct net_frame *f,
                  const struct net_pages *from)
{
    struct net_line *l = &n->line[port];
    if (!fits(l, f, from)) {
        l->lost[NET_TOO_LONG]++;
        return;
    }
    n->ops->outside(n->ctx, port, f, from);
    l->got += f->segments;
    l->got_bytes += f->len;
}

/* From the switch to a card. */
static void forward(struct net *n, unsigned port, const struct net_frame *f,
                    const struct net_pages *from, uint64_t now)
{
    struct net_line *l = &n->line[port];
    struct passage p = {.n = n, .port = port, .now = now};
    bool passes = fits(l, f, from);
    struct net_frame *copy = net_frame_clone(f, f->due, l->pages);
    if (passes)
        net_way_send(&l->in, copy, l->pages, &in_ops, &p);
    else
        lose(n, port, copy, NET_TOO_LONG);
}

static void pass_switch(struct net *n, unsigned port, struct net_frame *f, uint64_t now)
{
    struct net_line *l = &n->line[port];
    struct net_switch *s = &n->switches[l->network];
    uint64_t to = read_mac(f, l->pages, 0), time = f->due;
    l->sent += f->segments;
    l->sent_bytes += f->len;
    if (n->ops->tap != NULL)
        n->ops->tap(n->ctx, port, false, time, f);
    learn(s, read_mac(f, l->pages, 6), port);
    unsigned known = lookup(s, to), only = NO_PORT;
    if ((to & MAC_GROUP) == 0 && known != NET_MACS)
        only = s->port[known];
    for (unsigned i = 0; i < NET_PORTS; i++) {
        if (i == port || !n->line[i].attached || n->line[i].network != l->network)
            continue;
        if (only != NO_PORT && only != i)
            continue;
        if (n->ops->tap != NULL)
            n->ops->tap(n->ctx, i, true, time, f);
        if (net_is_gateway(i))
            leave(n, i, f, l->pages);
        else
            forward(n, i, f, l->pages, now);
    }
    net_frame_discard(f, l->pages);
}

/* The port whose first frame gets to the switch before all others; NO_PORT: nothing is on the
 * way. */
static unsigned first_port(const struct net *n, uint64_t *time)
{
    unsigned first = NO_PORT;
    *time = UINT64_MAX;
    for (unsigned i = 0; i < NET_PORTS; i++) {
        const struct net_frame *f = net_queue_head(&n->line[i].queue);
        if (f != NULL && (first == NO_PORT || f->due < *time)) {
            first = i;
            *time = f->due;
        }
    }
    return first;
}

void net_barrier(struct net *n, uint64_t now)
{
    uint64_t time;
    for (unsigned port; (port = first_port(n, &time)) != NO_PORT && time <= now;)
        pass_switch(n, port, net_queue_pop(&n->line[port].queue), now);
}

uint64_t net_next(const struct net *n)
{
    uint64_t time;
    first_port(n, &time);
    return time;
}

void net_save(const struct net *n, struct buf *out)
{
    for (unsigned i = 0; i < NET_PORTS; i++)
        state_save(net_line_fields, &n->line[i], out);
    for (unsigned i = 0; i < NETWORKS_MAX; i++)
        state_save(net_switch_fields, &n->switches[i], out);
}

size_t net_load(struct net *n, const uint8_t *in)
{
    const uint8_t *at = in;
    for (unsigned i = 0; i < NET_PORTS; i++, at += state_size(net_line_fields))
        state_load(net_line_fields, &n->line[i], at);
    for (unsigned i = 0; i < NETWORKS_MAX; i++, at += state_size(net_switch_fields))
        state_load(net_switch_fields, &n->switches[i], at);
    return (size_t)(at - in);
}

uint64_t net_digest(const struct net *n)
{
    uint64_t h = 0;
    for (unsigned i = 0; i < NET_PORTS; i++)
        h = state_hash(net_line_fields, &n->line[i], h);
    for (unsigned i = 0; i < NETWORKS_MAX; i++)
        h = state_hash(net_switch_fields, &n->switches[i], h);
    return h;
}

void net_snapshot(const struct net *n, struct net_snapshot *s)
{
    for (unsigned i = 0; i < NET_PORTS; i++)
        radix_snapshot(&n->line[i].queue.frames, &s->frames[i]);
}

void net_restore(struct net *n, const struct net_snapshot *s)
{
    for (unsigned i = 0; i < NET_PORTS; i++)
        radix_restore(&n->line[i].queue.frames, &s->frames[i]);
}

void net_snapshot_drop(struct net_snapshot *s)
{
    for (unsigned i = 0; i < NET_PORTS; i++)
        radix_fini(&s->frames[i]);
}
