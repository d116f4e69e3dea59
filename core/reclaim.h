/*
 * What happens when the VMs need more machine memory than the pool has, as in
 * ESX (Waldspurger, "Memory Resource Management in VMware ESX Server", 2002):
 *
 *   high  enough is free: balloons shrink
 *   soft  the search for equal pages is faster, and balloons are inflated; VMs
 *         without a balloon driver are paged out
 *   hard  VMs are paged out, a number of pages at each barrier
 *   low   VMs are paged out before anything runs on
 *
 * A level is entered when less than its threshold is free, and left for a
 * better one when more than that one's is: 6, 4, 2 and 1 % of the pool.
 *
 * Who gives is found by min-funding: always the VM that pays the fewest shares
 * for a page, where an idle page costs four times (a tax of 75 %) what one in
 * use does. How many are in use is measured: some pages are drawn by lot, and
 * it is seen whether they are accessed.
 *
 * A VM is never stopped and never fails for lack of memory. Within an epoch it
 * takes what it needs; the barrier brings the pool back under its size.
 */
#ifndef CORE_RECLAIM_H
#define CORE_RECLAIM_H

#include "core/base/err.h"
#include "core/config.h"

struct monitor;

enum reclaim_level { RECLAIM_HIGH, RECLAIM_SOFT, RECLAIM_HARD, RECLAIM_LOW };

struct reclaim {
    bool pressed;  /* the pool may be too small, or a VM has a limit */
    bool reports;  /* EVENT_MEMORY and EVENT_POOL are wanted */
    uint64_t tick; /* epochs between two balloon targets */
    /* State. */
    uint8_t level;          /* enum reclaim_level */
    uint64_t drawn;         /* lots, out of monitor_config.seed */
    uint32_t slow[VMS_MAX]; /* pages in use, per thousand: averages that follow slowly, */
    uint32_t fast[VMS_MAX]; /* and fast */
};

/* 0, or a negative error if the claims of the VMs cannot be met by a pool of `pool` bytes. */
int reclaim_check(const struct monitor_config *cfg, uint64_t pool, struct err *e);
/* `wanted` bytes are needed by the VMs when they use all that they are promised. */
int reclaim_init(struct monitor *m, uint64_t pool, uint64_t wanted, struct err *e);
/* Between epochs, after one in which something ran. */
void reclaim_barrier(struct monitor *m);

/* ---- the policy, for tests ---- */

/* The level after `now` when `free` of `pool` pages are. */
enum reclaim_level reclaim_next_level(enum reclaim_level now, uint64_t free, uint64_t pool);

struct reclaim_claim {
    uint64_t pages;    /* that it has */
    uint64_t takeable; /* of them, at most */
    uint32_t shares;
    uint32_t used; /* of them, per thousand, as measured */
};
/* take[i]: how many of `n` pages each gives up; less than n in all if there is not enough. */
void reclaim_share_out(const struct reclaim_claim *claim, unsigned claims, uint64_t n,
                       uint64_t *take);

#endif
