/* The command line of disco-record: qemu's spelling where the meaning is the same. */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include "core/base/err.h"
#include "core/config.h"
#include "mips/mips.h"

#define REPLIES_MAX 64
#define TEXT_MAX    4096 /* characters of a text to wait for */

struct drive_option {
    const char *path;
    enum disk_interface interface;
    bool read_only;
    char serial[21];
};

struct reply_option {
    char *text;   /* when the console prints this ... */
    char *answer; /* ... type this */
};

struct record_options {
    const char *output;     /* NULL: "-o none" */
    const char *kernel, *initrd, *bios, *append, *cpu, *board;
    uint64_t memory;
    uint64_t cpu_hz;
    struct drive_option drives[DISKS_MAX];
    size_t drives_count;
    bool virtio_rng, virtio_console;
    uint64_t wall_clock;    /* seconds since 1970 */
    uint64_t seed;
    bool big_endian_wanted; /* for raw images: -endian big */
    bool no_reboot;
    bool quiet;             /* no summary */
    enum mips_engine engine;
    bool stats;
    double timeout;         /* host seconds; 0: none */
    const char *until_text;
    uint64_t stop_after;    /* steps; UINT64_MAX: none */
    struct reply_option replies[REPLIES_MAX];
    size_t replies_count;
};

/* Fills `o` with defaults and the command line. Usage errors end the program
 * with status 1 after one line, as argp does; --help with 0. */
void options_parse(struct record_options *o, int argc, char **argv);

#endif
