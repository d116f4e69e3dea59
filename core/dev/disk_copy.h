/*
 * A run of sectors between a disk and memory that is scattered over segments
 * of any length and alignment (PRD tables, virtio chains).
 */
#ifndef CORE_DEV_DISK_COPY_H
#define CORE_DEV_DISK_COPY_H

#include "core/disk.h"

struct disk_copy {
    struct disk *disk;
    struct device *dev; /* who does the dma */
    enum dma_dir dir;
    uint64_t sector; /* next */
    uint32_t left;   /* sectors still to move */
    uint32_t partial; /* bytes of the next sector that segments have covered, in `bytes` */
    uint8_t bytes[SECTOR_SIZE];
};

/* `sectors` from `sector` on, which the caller has found to be on the disk. */
void disk_copy_begin(struct disk_copy *c, struct disk *disk, struct device *dev, enum dma_dir dir,
                     uint64_t sector, uint32_t sectors);
/* Move the next `n` bytes, or what is left; *n becomes how many that were.
 * False: the segment is not in RAM (or the disk refused). */
bool disk_copy_segment(struct disk_copy *c, uint64_t pa, uint64_t *n);

#endif
