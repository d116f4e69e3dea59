/* --pcap: the frames of a network, as they pass its switch, in files. */
#ifndef RECORD_CAPTURE_H
#define RECORD_CAPTURE_H

#include "core/net.h"
#include "record/setup.h"

struct capture;

/* All that the options ask for; *c is NULL if they ask for none. */
int captures_open(struct capture **c, const struct record_options *opt, const struct setup *s,
                  struct err *e);
/* NULL is none. Tells of the first thing that could not be written. */
int captures_close(struct capture *c, struct err *e);
/* A frame comes from a port (core/net.h) at `ns` of virtual time. What its sender left to the card
 * is done: long frames are cut into segments, checksums are filled in. */
void capture_frame(struct capture *c, unsigned net_port, uint64_t ns, const struct net_frame *f,
                   const struct net_pages *pages);

#endif
