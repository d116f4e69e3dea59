/*
 * Pacing: while somebody sits at a console, or something may come from outside,
 * time in which all vcpus sleep takes as long on the host as in the machines.
 *
 * Virtual time is held to be due at a moment of the host's. What a vcpu works
 * makes that moment later by as long as the host took for it, and by no more
 * than the virtual time that it was: work is never slowed down. What all sleep
 * makes it later by just that. Who is early then waits, and who is late (a slow
 * engine, a loaded host) stays late, but for a few milliseconds that are made
 * up for.
 *
 * Times of the host are nanoseconds of any clock that does not go back; what is
 * asked of it is the caller's business. Nothing here reaches a guest.
 */
#ifndef RECORD_PACE_H
#define RECORD_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_LEAST_NS  2000000u  /* not worth sleeping for */
#define PACE_LATE_NS   10000000u /* made up for, at most */

struct pace {
    bool on;
    uint64_t due;  /* when the present moment of virtual time is, in time of the host */
    uint64_t host; /* its time at the last call */
};

/* The present moment is due now. */
void pace_begin(struct pace *p, uint64_t host);
/* `ns` of virtual time passed, in which no vcpu worked for longer than `busy` ns. */
void pace_passed(struct pace *p, uint64_t ns, uint64_t busy, uint64_t host);
/* Virtual time stood still meanwhile: somebody slept on the host. */
void pace_slept(struct pace *p, uint64_t host);
/* How long it is until the moment `ahead` ns of virtual time from now is due; 0 also if that is not
 * worth sleeping for. */
uint64_t pace_early(const struct pace *p, uint64_t ahead, uint64_t host);
/* How much virtual time may pass until it is where it should be. */
uint64_t pace_late(const struct pace *p, uint64_t host);

#endif
