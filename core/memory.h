/*
 * Machine memory: one pool of 4 KiB machine pages for all VMs, as in Disco.
 *
 * Two layers, on purpose:
 *
 *   PPN --pmap--> MPN --memmap--> frame
 *
 * An MPN names a machine page in the deterministic world: it is the same
 * number in a recording and in all its replays, and it appears in the event
 * log. Its memmap entry holds how many (VM, PPN) users it has. A frame
 * (core/frames.h) is where the host keeps the bytes at this moment: a snapshot
 * shares frames, and the first write after it moves the machine page to a new
 * frame without changing its MPN. So sharing between VMs is part of the run,
 * and checkpoints are not, and both are the same persistent tree.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include "core/frames.h"
#include "core/radix.h"

struct memory {
    struct frames frames;
    struct radix memmap; /* MPN -> frame | users << 32 */
    struct radix_values values;
    uint32_t mpns;       /* MPNs ever used: 0 .. mpns-1 */
    uint32_t mpn_limit;  /* the pool's size in pages */
    uint32_t free_head;  /* MPN + 1 of the most recently freed page; its entry holds the next */
    uint32_t in_use;
};

struct memory_snapshot {
    struct radix memmap;
    uint32_t mpns, free_head, in_use;
};

/* `pool_bytes` of machine pages for the VMs; `extra_bytes` more frames for snapshots. */
int memory_init(struct memory *m, uint64_t pool_bytes, uint64_t extra_bytes, struct err *e);
void memory_fini(struct memory *m);

/* A zeroed machine page with one user. Aborts when the pool is exhausted: a VM's promise is
 * checked against the pool when it is created. */
uint32_t mpn_alloc(struct memory *m);
void mpn_ref(struct memory *m, uint32_t mpn);   /* one more user */
void mpn_unref(struct memory *m, uint32_t mpn); /* the last user frees it */
uint32_t mpn_users(const struct memory *m, uint32_t mpn);
uint32_t mpn_frame(const struct memory *m, uint32_t mpn);
/* The frame of `mpn`, with no snapshot sharing it: may be written. *moved tells whether it is
 * another frame than before. */
uint32_t mpn_own(struct memory *m, uint32_t mpn, bool *moved);

void memory_snapshot(const struct memory *m, struct memory_snapshot *s);
void memory_restore(struct memory *m, const struct memory_snapshot *s);
void memory_snapshot_fini(struct memory_snapshot *s);

#endif
