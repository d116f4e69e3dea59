/*
 * Gateways to the outside: for each network that has one, a TCP/IP stack of
 * libslirp, as behind qemu's "-nic user". One of the places where the host's
 * time and events enter the program (another: record/consoles.h); all that
 * reaches a guest goes through the recorder's barrier.
 *
 *     10.0.2.2          the gateway, and by it the host's own 127.0.0.1
 *     10.0.2.3          a name server: the host's
 *     10.0.2.15 and up  what its DHCP gives to guests
 *
 * Guests may reach whatever the host may, over IPv4 and without fragments; the
 * outside reaches guests by hostfwd only.
 *
 * Time. While all guests sleep, time jumps to what wakes the next one. As long
 * as something may come from outside (gateways_live), it is paced to real time
 * instead: else the time-outs of a guest that waits for an answer would be over
 * at once. That is while a connection or a request is open, some seconds longer
 * (10 for TCP; UDP has no end, so 240, or 10 for names), and, with a hostfwd,
 * always.
 */
#ifndef RECORD_GATEWAY_H
#define RECORD_GATEWAY_H

#include <poll.h>

#include "core/net_frame.h"
#include "record/cluster.h"

struct gateways;

/* NULL if no network has one. Ports of hostfwd are open from here on. */
int gateways_open(struct gateways **out, const struct cluster *cluster, struct err *e);
/* NULL stands for none here, and below where it is said. */
void gateways_close(struct gateways *g);

/* A frame goes out by the gateway of that network. */
void gateways_send(struct gateways *g, unsigned network, const struct net_frame *f,
                   const struct net_pages *pages);
/* Let connections go on, without waiting for any. NULL is none. */
void gateways_poll(struct gateways *g);
/* Did something go out since the last poll, so that another is due? NULL is none. */
bool gateways_sent(const struct gateways *g);

struct gateway_frame {
    unsigned network;
    size_t len; /* NET_HEADER to 64 KiB */
    uint8_t *bytes;
};

/* The first frame that came in; false: there is none. Valid until the next call of any function
 * here but the next one. NULL is none. */
bool gateways_next(const struct gateways *g, struct gateway_frame *f);
/* It was delivered. */
void gateways_take(struct gateways *g);

/* May a frame come at a time of its own? As of the last poll. NULL is none. */
bool gateways_live(const struct gateways *g);
/* What to wait for before the next poll, for at most *ns, which is lowered as needed; valid until
 * that. Returns how many; NULL is none. */
size_t gateways_fds(struct gateways *g, const struct pollfd **fds, uint64_t *ns);

#endif
