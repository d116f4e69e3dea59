/*
 * Disks: a base image that never changes, under a copy-on-write overlay in
 * machine memory. What is read from the image for the first time is an input
 * (the recorder stores it by content); the overlay is machine state.
 */
#ifndef CORE_DISK_H
#define CORE_DISK_H

#include "core/base/base.h"
#include "core/dev/dev.h"

#define SECTOR_SIZE 512

struct disk; /* created by the machine from its configuration */

uint64_t disk_sectors(const struct disk *disk);
const char *disk_serial(const struct disk *disk); /* at most 20 characters */
bool disk_read_only(const struct disk *disk);

/* Programmed I/O: count sectors between the disk and `buf`. False: out of
 * range, or a write to a read-only disk. */
bool disk_read(struct disk *disk, uint64_t sector, uint32_t count, void *buf);
bool disk_write(struct disk *disk, uint64_t sector, uint32_t count, const void *buf);

/* The guest no longer needs what is there: whole blocks of the overlay are given up, and read as the
 * base image again. False: as with disk_write. */
bool disk_discard(struct disk *disk, uint64_t sector, uint64_t count);

/* DMA between the disk and guest-physical memory, through the monitor, so
 * that it may map a page instead of copying. `bytes` is a multiple of
 * SECTOR_SIZE. False: disk or memory range is bad; nothing was moved. */
bool disk_dma(struct disk *disk, struct device *dev, enum dma_dir dir, uint64_t sector, uint64_t pa,
              uint32_t bytes);

#endif
