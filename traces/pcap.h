/*
 * Writes frames of a network to a file that wireshark and tcpdump read: pcap,
 * version 2.4, with times in nanoseconds, Ethernet.
 *
 * Source: IETF draft-ietf-opsawg-pcap, "PCAP Capture File Format".
 */
#ifndef TRACES_PCAP_H
#define TRACES_PCAP_H

#include <stdio.h>

#include "core/base/err.h"

#define PCAP_FRAME_MAX 0x40000 /* bytes of one frame */

struct pcap_writer {
    FILE *file;
    char *path; /* for messages */
};

/* Create the file, or empty it. 0 or a negative error; then there is nothing to close. */
int pcap_writer_open(struct pcap_writer *w, const char *path, struct err *e);
/* Append a whole frame of at most PCAP_FRAME_MAX bytes, seen `ns` nanoseconds after 1970 began, in
 * this century: times wrap in 2106. */
int pcap_writer_put(struct pcap_writer *w, uint64_t ns, const void *frame, size_t len,
                    struct err *e);
/* Also tells of what could not be written before. Frees all in any case. */
int pcap_writer_close(struct pcap_writer *w, struct err *e);

#endif
