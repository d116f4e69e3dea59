/*
 * Bursts: a long TCP frame that its sender left to the card to be cut (GSO) is
 * one object here, but on a wire it is `segments` frames of their own, with
 * headers each. Some of them may be lost, and they need not arrive together, so
 * a burst can be cut into shorter ones and single frames.
 */
#ifndef CORE_NET_BURST_H
#define CORE_NET_BURST_H

#include "core/net_frame.h"

#define NET_HEADERS_MAX 512 /* bytes of a burst's headers, all together */

/* Find out which frames on a wire `f` is, before it is sealed: sets `segments` and `headers`. False:
 * it cannot be cut as its offload says. */
bool net_burst_open(struct net_frame *f, const struct net_pages *pages);

/* Bytes of frame number i on the wire, without check sequence. */
uint32_t net_burst_len(const struct net_frame *f, unsigned i);
/* Bytes of the longest. */
uint32_t net_burst_longest(const struct net_frame *f);

/* Frames `from` to `to` - 1 as a sealed burst of their own, due at the same time. Whole pages in it
 * take their holds along, out of `f`, which nothing else knows yet; so each part of it can be had
 * once, and in the end it is to be discarded. */
struct net_frame *net_burst_cut(struct net_frame *f, const struct net_pages *pages, unsigned from,
                                unsigned to);

#endif
