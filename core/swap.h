/*
 * The swap file: where the content of machine pages goes when there are more
 * pages in use than the pool has (core/reclaim.h).
 *
 * Two layers, as in core/memory.h, for the same reasons:
 *
 *   slot --area--> block of the file
 *
 * A slot names a page in the deterministic world: it appears in the event log.
 * A block is where the host keeps the bytes: a snapshot shares blocks, and one
 * that a snapshot still needs is not written again when its slot is.
 *
 * DETERMINISM: each VM has an area of its own, which only the thread that runs
 * the VM touches, so that numbers do not depend on how threads interleave.
 * Blocks are taken between epochs only.
 */
#ifndef CORE_SWAP_H
#define CORE_SWAP_H

#include <pthread.h>

#include "core/base/err.h"
#include "core/config.h"
#include "core/radix.h"

struct swap_area {
    struct radix blocks; /* slot -> block + 1 */
    uint32_t slots;      /* numbers ever used: 0 .. slots-1 */
    uint32_t free_head;  /* slot + 1 of the most recently freed one; its entry holds the next */
    uint32_t in_use;
};

struct swap {
    int fd;
    bool own_fd;
    struct swap_area area[VMS_MAX];
    struct radix_values values;
    uint32_t *refs; /* by block */
    uint32_t blocks, cap;
    pthread_mutex_t lock; /* guards what follows */
    uint32_t *free;       /* stack */
    uint32_t free_count;
};

struct swap_snapshot {
    struct swap_area area[VMS_MAX];
};

/* Before that, `fd` is -1 and all else 0. `fd` is a file that is the caller's and that nobody else
 * uses; -1: a new one in memory. */
int swap_init(struct swap *s, int fd, struct err *e);
void swap_fini(struct swap *s); /* also of one that was not opened */

/* All three abort with a message when the host's file fails: the content of a VM's page is lost
 * then. */
/* Between epochs: writes a page; its slot. */
uint32_t swap_out(struct swap *s, unsigned area, const uint8_t *page);
/* `n` bytes of the page, from `off`. */
void swap_read(const struct swap *s, unsigned area, uint32_t slot, uint64_t off, void *out,
               size_t n);
void swap_free(struct swap *s, unsigned area, uint32_t slot);
uint32_t swap_in_use(const struct swap *s);        /* slots */
uint32_t swap_blocks_in_use(const struct swap *s); /* those of snapshots, too */

void swap_snapshot(const struct swap *s, struct swap_snapshot *copy);
void swap_restore(struct swap *s, const struct swap_snapshot *from);
void swap_snapshot_fini(struct swap_snapshot *copy);

#endif
