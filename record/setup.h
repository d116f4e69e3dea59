/* From the options to machines: opens the files, builds the monitor's
 * configuration and the trace's header. */
#ifndef RECORD_SETUP_H
#define RECORD_SETUP_H

#include <sys/types.h>

#include "core/config.h"
#include "record/image.h"
#include "record/options.h"
#include "traces/trace.h"

#define IMAGES_MAX (VMS_MAX * (3 + DISKS_MAX))

/* A file that VMs are made of; one, however many VMs and disks name it. */
struct setup_image {
    const char *path; /* as the first who names it gives it */
    dev_t dev;
    ino_t ino;
    struct image_copy copy; /* kernel, initrd, bios; without data: only disks */
    int fd;                 /* of disks; -1: none. Locked; for writing, too, if persistent */
    struct stat found;      /* of disks: as it was then */
    bool persistent;
    unsigned owner; /* VM that names it first as a disk */
    uint64_t size;  /* bytes */
};

struct setup {
    struct cluster cluster;
    struct monitor_config config;          /* points into `cluster` and `images` */
    struct trace_header header;            /* owns its parts */
    struct setup_image images[IMAGES_MAX]; /* as many as in the header, and in its order */
};

/* With a cluster file, that is read first. A persistent disk is locked against every other program
 * that locks, any other disk against one that would write to it. It is an error if a file that the
 * run would write is one that it reads, or two of them are one. To be closed also after an error.
 * `o` must live as long as `s`. */
int setup_open(struct setup *s, const struct record_options *o, struct err *e);
void setup_close(struct setup *s);

#endif
