/* Disks as the machine sees them; devices see core/disk.h. */
#ifndef CORE_DISK_PRIV_H
#define CORE_DISK_PRIV_H

#include "core/config.h"
#include "core/disk.h"
#include "core/radix.h"

struct vm;

#define DISK_BLOCK      PAGE_SIZE
#define DISK_BLOCK_BITS PAGE_BITS

struct disk {
    struct vm *vm;
    struct disk_config config;
    /* Machine state: */
    struct radix overlay; /* block -> MPN + 1 of its written content */
    struct radix away;    /* block -> slot + 1 of the VM's swap area, of those that were paged out */
    uint64_t next_out;    /* block at which the search for the next one to go out goes on */
    uint64_t digest;      /* sum of hashes of all written blocks */
};

struct disk *disk_create(struct vm *vm, const struct disk_config *cfg);
void disk_destroy(struct disk *d);
uint64_t disk_digest(const struct disk *d);
/* Calls fn for each block that was written, until it returns false. */
void disk_each_written(const struct disk *d,
                       bool (*fn)(void *ctx, uint64_t block, const uint8_t *bytes), void *ctx);

/* Between epochs, by core/reclaim.c: a written block goes to the swap file, one whose page nobody else
 * uses, or any (`shared_too`: then nothing may be free after that). They take turns. False: there is
 * none. */
bool disk_page_out(struct disk *d, bool shared_too);

#endif
