/* The command line of disco-record: qemu's spelling where the meaning is the same. */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include "mips/mips.h"
#include "record/cluster.h"
#include "traces/capture.h"

#define PCAPS_MAX CAPTURES_MAX

struct pcap_option {
    const char *network; /* its name */
    const char *path;
};

struct record_options {
    const char *output;       /* NULL: "-o none" */
    bool output_given;        /* it may replace an older trace */
    const char *cluster_file; /* NULL: `cluster` is what to run */
    struct cluster cluster;   /* of the command line: one VM, and what stands above a file */
    bool share_given, seed_given; /* cluster.share and cluster.seed stand above a file */
    bool quiet;               /* no summary */
    enum mips_engine engine;
    bool stats;
    double timeout;           /* host seconds; 0: none */
    uint64_t stop_after;      /* steps of all vcpus; UINT64_MAX: none */
    struct pcap_option pcaps[PCAPS_MAX];
    size_t pcaps_count;
};

/* Fills `o` with defaults and the command line, and opens nothing. Usage errors end the program
 * with status 1 after one line, as argp does; --help with 0. */
void options_parse(struct record_options *o, int argc, char **argv);
void options_free(struct record_options *o);
/* Puts into `c`, read from o->cluster_file, what the command line says otherwise. */
void options_override(const struct record_options *o, struct cluster *c);

#endif
