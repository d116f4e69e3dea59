/*
 * A few host threads that do the parts of one job together, again and again: a
 * job is one epoch of all VMs, a part is one VM. Jobs are short (ten
 * microseconds), so the threads wait by spinning for a while before they sleep.
 */
#ifndef CORE_CREW_H
#define CORE_CREW_H

struct crew;

/* `threads` in all, that of the caller included; 2 to 64. NULL if the host has no more threads. */
struct crew *crew_create(unsigned threads);
void crew_destroy(struct crew *c);
/* part(ctx, i) for i = 0 .. parts - 1, in any order and on any thread; returns when all are done.
 * What the parts wrote is then seen here, and what was written here before is seen there. Without a
 * crew (NULL) the caller does them all, in order. */
void crew_run(struct crew *c, void (*part)(void *ctx, unsigned i), void *ctx, unsigned parts);

#endif
