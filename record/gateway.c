#include "record/gateway.h"

#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/bytes.h"
#include "core/net_wire.h"

#define QUEUE_FRAMES  4096        /* more is lost, as on any full line; TCP sends it again */
#define IN_MAX        (64u << 10) /* bytes of a frame that the trace takes */
#define OUT_MAX       (GATEWAY_MTU + NET_HEADER + NET_VLAN_TAG)
#define NS_PER_MS     1000000u
#define TYPE_IPV4     0x0800
#define TYPE_ARP      0x0806
#define IPV4_HEADER   20
#define IPV4_FRAGMENT 0x3fff /* more follow, or offset */
/* libslirp asks to be woken after less than that if, and only if, its own timers run. */
#define NO_TIMER_MS 1000

struct gateway {
    struct gateways *all;
    unsigned network;
    Slirp *slirp;
    uint32_t timeout_ms; /* as of the last poll, as all below: what it asked for */
    size_t fds;          /* and how many of gateways.fds are its own */
};

struct queued {
    struct queued *next;
    struct gateway_frame frame;
    uint8_t bytes[];
};

struct gateways {
    struct gateway gateway[NETWORKS_MAX];
    size_t count;
    struct net_wire wire;
    struct queued *first, **end;
    size_t queued;
    bool sent;
    struct pollfd *fds; /* of all gateways, in their order */
    size_t fds_count, fds_room;
};

/* ---- what libslirp calls ---- */

static ssize_t came_in(const void *bytes, size_t len, void *opaque)
{
    struct gateway *gateway = opaque;
    struct gateways *g = gateway->all;
    if (len < NET_HEADER || len > IN_MAX || g->queued == QUEUE_FRAMES)
        return (ssize_t)len;
    struct queued *q = xmalloc(sizeof *q + len);
    *q = (struct queued){.frame = {.network = gateway->network, .len = len, .bytes = q->bytes}};
    memcpy(q->bytes, bytes, len);
    *g->end = q;
    g->end = &q->next;
    g->queued++;
    return (ssize_t)len;
}

/* A guest can make as many as it likes. */
static void guest_error(const char *msg, void *opaque)
{
    (void)msg;
    (void)opaque;
}

static int64_t clock_ns(void *opaque)
{
    struct timespec t;
    (void)opaque;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Timers are for IPv6 alone, which is off. */
static void *timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
    (void)cb;
    (void)cb_opaque;
    return opaque;
}

static void timer_free(void *timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static void timer_mod(void *timer, int64_t expire_time, void *opaque)
{
    (void)timer;
    (void)expire_time;
    (void)opaque;
}

/* All are listed at each poll. */
static void poll_fd_changed(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void notify(void *opaque)
{
    struct gateway *gateway = opaque;
    gateway->all->sent = true;
}

static const SlirpCb callbacks = {
    .send_packet = came_in,
    .guest_error = guest_error,
    .clock_get_ns = clock_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = poll_fd_changed,
    .unregister_poll_fd = poll_fd_changed,
    .notify = notify,
};

/* ---- connections ---- */

static const struct {
    int slirp;
    short host;
} event_bits[] = {
    {SLIRP_POLL_IN, POLLIN},   {SLIRP_POLL_OUT, POLLOUT}, {SLIRP_POLL_PRI, POLLPRI},
    {SLIRP_POLL_ERR, POLLERR}, {SLIRP_POLL_HUP, POLLHUP},
};

static int add_fd(int fd, int events, void *opaque)
{
    struct gateway *gateway = opaque;
    struct gateways *g = gateway->all;
    if (g->fds_count == g->fds_room) {
        g->fds_room = 2 * g->fds_room + 16;
        g->fds = xrealloc(g->fds, g->fds_room * sizeof g->fds[0]);
    }
    struct pollfd *p = &g->fds[g->fds_count++];
    *p = (struct pollfd){.fd = fd};
    for (size_t i = 0; i < ARRAY_LEN(event_bits); i++)
        if (events & event_bits[i].slirp)
            p->events |= event_bits[i].host;
    gateway->fds++;
    return (int)(p - g->fds);
}

static int events_of(int i, void *opaque)
{
    const struct gateway *gateway = opaque;
    int events = 0;
    for (size_t k = 0; k < ARRAY_LEN(event_bits); k++)
        if (gateway->all->fds[i].revents & event_bits[k].host)
            events |= event_bits[k].slirp;
    return events;
}

static void list_fds(struct gateways *g)
{
    g->fds_count = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct gateway *gateway = &g->gateway[i];
        gateway->timeout_ms = UINT32_MAX;
        gateway->fds = 0;
        slirp_pollfds_fill(gateway->slirp, &gateway->timeout_ms, add_fd, gateway);
    }
}

void gateways_poll(struct gateways *g)
{
    if (g == NULL)
        return;
    g->sent = false;
    list_fds(g);
    int failed = g->fds_count != 0 && poll(g->fds, g->fds_count, 0) < 0;
    for (size_t i = 0; i < g->count; i++)
        slirp_pollfds_poll(g->gateway[i].slirp, failed, events_of, &g->gateway[i]);
    list_fds(g);
}

bool gateways_sent(const struct gateways *g)
{
    return g != NULL && g->sent;
}

bool gateways_live(const struct gateways *g)
{
    for (size_t i = 0; g != NULL && i < g->count; i++)
        if (g->gateway[i].fds != 0 || g->gateway[i].timeout_ms < NO_TIMER_MS)
            return true;
    return false;
}

size_t gateways_fds(struct gateways *g, const struct pollfd **fds, uint64_t *ns)
{
    *fds = NULL;
    if (g == NULL)
        return 0;
    for (size_t i = 0; i < g->count; i++)
        *ns = min_u64(*ns, (uint64_t)g->gateway[i].timeout_ms * NS_PER_MS);
    *fds = g->fds;
    return g->fds_count;
}

/* ---- frames ---- */

struct leaving {
    struct gateways *all;
    Slirp *slirp;
};

/* A guest must not bring us down: libslirp 4.7.0 writes to wild addresses when it puts some
 * fragments of IP together, so it gets none; nor anything that we have no use for. */
static bool is_harmless(const uint8_t *bytes, size_t n)
{
    uint16_t type = ld_be16(bytes + NET_HEADER - 2);
    if (n > OUT_MAX) /* it said that it is to be cut, and cannot be */
        return false;
    return type == TYPE_ARP || (type == TYPE_IPV4 && n >= NET_HEADER + IPV4_HEADER &&
                                (ld_be16(bytes + NET_HEADER + 6) & IPV4_FRAGMENT) == 0);
}

static void goes_out(void *ctx, const uint8_t *bytes, size_t n)
{
    const struct leaving *l = ctx;
    if (!is_harmless(bytes, n))
        return;
    slirp_input(l->slirp, bytes, (int)n);
    l->all->sent = true;
}

void gateways_send(struct gateways *g, unsigned network, const struct net_frame *f,
                   const struct net_pages *pages)
{
    for (size_t i = 0; i < g->count; i++) {
        struct leaving l = {.all = g, .slirp = g->gateway[i].slirp};
        if (g->gateway[i].network == network)
            net_wire_each(&g->wire, f, pages, goes_out, &l);
    }
}

bool gateways_next(const struct gateways *g, struct gateway_frame *f)
{
    if (g == NULL || g->first == NULL)
        return false;
    *f = g->first->frame;
    return true;
}

void gateways_take(struct gateways *g)
{
    struct queued *q = g->first;
    g->first = q->next;
    g->queued--;
    if (g->first == NULL)
        g->end = &g->first;
    free(q);
}

/* ---- life ---- */

static struct in_addr address(uint32_t a)
{
    return (struct in_addr){.s_addr = htonl(a)};
}

static int forward(Slirp *slirp, const char *network, const struct hostfwd *fwd, struct err *e)
{
    if (slirp_add_hostfwd(slirp, fwd->udp, address(fwd->host_addr), fwd->host_port,
                          address(fwd->guest_addr), fwd->guest_port) == 0)
        return 0;
    ERR(e, ERR_IO, "network %s: hostfwd %s: the host's port cannot be had: %s", network, fwd->text,
        strerror(errno));
}

static int open_one(struct gateways *g, const struct cluster *c, unsigned network, struct err *e)
{
    const SlirpConfig config = {
        .version = 4,
        .in_enabled = true,
        .vnetwork = address(0x0a000200),
        .vnetmask = address(0xffffff00),
        .vhost = address(0x0a000202),
        .vnameserver = address(0x0a000203),
        .vdhcp_start = address(0x0a00020f),
        .if_mtu = GATEWAY_MTU,
        .if_mru = GATEWAY_MTU,
    };
    struct gateway *gateway = &g->gateway[g->count];
    *gateway = (struct gateway){.all = g, .network = network};
    gateway->slirp = slirp_new(&config, &callbacks, gateway);
    const char *name = c->networks[network].name;
    if (gateway->slirp == NULL)
        ERR(e, ERR_IO, "network %s: libslirp makes no gateway", name);
    g->count++;
    for (size_t i = 0; i < c->forwards[network].count; i++)
        TRY(forward(gateway->slirp, name, &c->forwards[network].fwd[i], e));
    return 0;
}

int gateways_open(struct gateways **out, const struct cluster *c, struct err *e)
{
    *out = NULL;
    for (unsigned i = 0; i < c->networks_count; i++) {
        if (!c->networks[i].gateway)
            continue;
        if (*out == NULL) {
            *out = xcalloc(1, sizeof **out);
            (*out)->end = &(*out)->first;
        }
        TRY(open_one(*out, c, i, e));
    }
    gateways_poll(*out);
    return 0;
}

void gateways_close(struct gateways *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->count; i++)
        slirp_cleanup(g->gateway[i].slirp);
    while (g->first != NULL)
        gateways_take(g);
    net_wire_free(&g->wire);
    free(g->fds);
    free(g);
}
