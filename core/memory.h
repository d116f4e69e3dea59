/*
 * Machine memory: one pool of 4 KiB machine pages for all VMs, as in Disco.
 *
 * Two layers, on purpose:
 *
 *   PPN --pmap--> MPN --memmap--> frame
 *
 * An MPN names a machine page in the deterministic world: it is the same
 * number in a recording and in all its replays, and it appears in the event
 * log. Its memmap entry holds how many users it has (PPNs of VMs, blocks of
 * disk overlays, frames of the network in flight). A frame (core/frames.h) is
 * where the host keeps the bytes at this moment: a snapshot shares frames, and
 * the first write after it moves the machine page to a new frame without
 * changing its MPN. So sharing between VMs is part of the run, and checkpoints
 * are not, and both are the same persistent tree.
 *
 * DETERMINISM: MPNs come from arenas. Each VM has one of its own, which only
 * the thread that runs the VM touches, so that numbers do not depend on how
 * threads interleave. What several VMs use lies in the common arena: its pages
 * are never written, and its entries change only between epochs.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include "core/config.h"
#include "core/frames.h"
#include "core/radix.h"
#include "core/swap.h"

#define ARENA_COMMON VMS_MAX
#define ARENAS       (VMS_MAX + 1)
#define ARENA_BITS   26 /* pages of an arena: 256 GiB */

struct arena {
    struct radix memmap; /* number in the arena -> frame | users << 32 */
    uint32_t mpns;       /* numbers ever used: 0 .. mpns-1 */
    uint32_t free_head;  /* number + 1 of the most recently freed one; its entry holds the next */
    uint32_t in_use;
    uint32_t shared; /* of them, with more than one user */
};

struct memory {
    struct frames frames;
    struct arena arena[ARENAS];
    struct radix_values values;
    uint64_t pool_pages; /* what the VMs may use between epochs */
    struct swap swap;
};

struct memory_snapshot {
    struct arena arena[ARENAS];
    struct swap_snapshot swap;
};

/* A pool of `pool_bytes`; `bytes` of frames in all, for the VMs at their worst and snapshots. The
 * swap file is not open yet: whoever reclaims pages does that. */
int memory_init(struct memory *m, uint64_t pool_bytes, uint64_t bytes, struct err *e);
void memory_fini(struct memory *m);
uint32_t memory_in_use(const struct memory *m); /* machine pages */
uint32_t memory_shared(const struct memory *m); /* of them, those with more than one user */

static inline unsigned mpn_arena(uint32_t mpn)
{
    return mpn >> ARENA_BITS;
}

static inline uint32_t mpn_number(uint32_t mpn) /* in its arena */
{
    return mpn & ((1u << ARENA_BITS) - 1);
}

/* A machine page with one user; zeroed, or with any content. */
uint32_t mpn_alloc(struct memory *m, unsigned arena, bool zeroed);
void mpn_ref(struct memory *m, uint32_t mpn);   /* one more user */
void mpn_unref(struct memory *m, uint32_t mpn); /* the last user frees it */
uint32_t mpn_users(const struct memory *m, uint32_t mpn); /* 0: not in use */
uint32_t mpn_frame(const struct memory *m, uint32_t mpn);
/* The frame of `mpn`, with no snapshot sharing it: may be written. *moved tells whether it is
 * another frame than before. */
uint32_t mpn_own(struct memory *m, uint32_t mpn, bool *moved);
/* The page, with all of its `users` (a number that may change on the way), gets a number of another
 * arena; the old one is free. */
uint32_t mpn_move(struct memory *m, uint32_t mpn, unsigned arena, uint32_t users);
/* Another page, of one user, with the same frame: until one of the two is written. */
uint32_t mpn_alias(struct memory *m, uint32_t mpn, unsigned arena);
static inline uint8_t *mpn_host(const struct memory *m, uint32_t mpn)
{
    return frame_host(&m->frames, mpn_frame(m, mpn));
}

void memory_snapshot(const struct memory *m, struct memory_snapshot *s);
void memory_restore(struct memory *m, const struct memory_snapshot *s);
void memory_snapshot_fini(struct memory_snapshot *s);

#endif
