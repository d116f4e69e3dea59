/* --pcap: the frames of some networks, each network's in a file of its own. */
#ifndef TRACES_CAPTURE_H
#define TRACES_CAPTURE_H

#include "traces/pcap.h"

#define CAPTURES_MAX 16

struct capture_file {
    struct pcap_writer pcap;
    unsigned network; /* its number */
};

struct captures {
    struct capture_file file[CAPTURES_MAX];
    size_t count;
    uint64_t began; /* ns since 1970 when virtual time began */
    struct err err; /* the first */
};

/* Of a run whose wall clock, in seconds since 1970, was at `wall_clock` when it began. */
void captures_init(struct captures *c, uint64_t wall_clock);
/* One more file, at most CAPTURES_MAX. 0 or a negative error. */
int captures_add(struct captures *c, unsigned network, const char *path, struct err *e);

/* On which network, and when: ns of virtual time. */
struct capture_point {
    struct captures *captures;
    unsigned network;
    uint64_t ns;
};
/* A frame of n bytes, at most PCAP_FRAME_MAX, for those files that are that network's. */
void captures_put(void *point, const uint8_t *bytes, size_t n);

/* Tells of the first thing that could not be written. Harmless on what is all zero. */
int captures_close(struct captures *c, struct err *e);

#endif
