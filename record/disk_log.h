/*
 * What guests read from the images of disks. The first time that a block is
 * read it becomes an input; from then on the image must still hold the same.
 * An image that is changed by somebody else ends the run, for what the guest
 * did with the changed block is not what a replay will do.
 */
#ifndef RECORD_DISK_LOG_H
#define RECORD_DISK_LOG_H

#include "record/setup.h"

struct disk_log {
    const struct setup *setup;
    uint64_t **known[IMAGES_MAX]; /* hashes of blocks that were put, in groups; NULL: no disk */
    struct disk_reads {           /* of a VM, since the last put; only its thread touches it */
        struct buf blocks;        /* not known then: struct block_head, content */
        struct err error;
        bool differs; /* it got what is not, and will not be, in the trace */
    } vm[VMS_MAX];
};

void disk_log_init(struct disk_log *d, const struct setup *s);
void disk_log_free(struct disk_log *d); /* harmless on what is all zero */
/* A block, on the VM's thread. Of what cannot be read it gets zeros. */
void disk_log_read(struct disk_log *d, unsigned vm, uint32_t image, uint64_t block, uint8_t *out);
/* Calls `put`, which returns the content's hash, for each block that was read for the first time
 * since the last call, between epochs. DETERMINISM: VM by VM, whichever thread was first. */
typedef struct trace_hash disk_log_put_fn(void *ctx, unsigned vm, uint32_t image, uint64_t block,
                                          const uint8_t *content);
void disk_log_put(struct disk_log *d, disk_log_put_fn *put, void *ctx);
/* 0, or the first error: the run is to end. */
int disk_log_status(const struct disk_log *d, struct err *e);
/* Is a digest of the machines, now, one that a replay will not see? */
bool disk_log_differs(const struct disk_log *d);
/* Says on standard error which images of other owners changed during the run. */
void disk_log_warn(const struct disk_log *d);

#endif
