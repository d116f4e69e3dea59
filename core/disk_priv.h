/* Disks as the machine sees them; devices see core/disk.h. */
#ifndef CORE_DISK_PRIV_H
#define CORE_DISK_PRIV_H

#include "core/config.h"
#include "core/disk.h"
#include "core/radix.h"

struct vm;

#define DISK_BLOCK      PAGE_SIZE
#define DISK_BLOCK_BITS PAGE_BITS
#define DISK_SECTORS_MAX (DISK_BLOCK / SECTOR_SIZE << RADIX_KEY_BITS) /* 512 GiB */

struct disk {
    struct vm *vm;
    struct disk_config config;
    struct radix overlay; /* block -> MPN + 1 of its written content; machine state */
    uint64_t digest;      /* sum of hashes of overlay blocks; machine state */
};

struct disk *disk_create(struct vm *vm, const struct disk_config *cfg);
void disk_destroy(struct disk *d);
uint64_t disk_digest(const struct disk *d);

#endif
