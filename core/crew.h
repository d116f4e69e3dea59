/*
 * A few host threads that do the parts of one job together, again and again: a
 * job is one epoch of all VMs, a part is one VM. Jobs are short (ten
 * microseconds), so the threads wait by spinning for a while before they sleep.
 */
#ifndef CORE_CREW_H
#define CORE_CREW_H

#include <stdbool.h>

struct crew;

/* `threads` in all, that of the caller included; 2 to 64. NULL if the host has no more threads. */
struct crew *crew_create(unsigned threads);
void crew_destroy(struct crew *c);
/* Threads that wait for others call spare(ctx) from now on, again and again while it is true, perhaps
 * several at once; it should take about ten microseconds. NULL: no longer, and none is in it when
 * this returns. Not while a job is on. */
void crew_spare(struct crew *c, bool (*spare)(void *ctx), void *ctx);
/* part(ctx, i) for i = 0 .. parts - 1, in any order and on any thread; returns when all are done.
 * What the parts wrote is then seen here, and what was written here before is seen there. Without a
 * crew (NULL) the caller does them all, in order. */
void crew_run(struct crew *c, void (*part)(void *ctx, unsigned i), void *ctx, unsigned parts);

/* The same for parts that can be interrupted, so that no thread has much to do when the others are
 * done: slice(ctx, i, k) for k = 0 .. slices - 1, in this order for each part, and never for one
 * part on two threads at once. False: there is nothing more to do in this part. The first slice is
 * best the largest, and the last ones small: parts stay where they were the last time, and only what
 * follows changes hands. Parts that took long the last time are begun first. */
void crew_run_sliced(struct crew *c, bool (*slice)(void *ctx, unsigned i, unsigned k), void *ctx,
                     unsigned parts, unsigned slices);
#define CREW_SLICED_MAX 64 /* parts; of slices there are up to 255 */

#endif
