/*
 * The timeline of a replay: where we are, and how to be elsewhere. Positions
 * are steps of VM 0's vcpu (mips/mips.h); position n is the state in which n
 * steps are done and nothing else that is due at that moment.
 */
#ifndef REPLAY_TIMELINE_H
#define REPLAY_TIMELINE_H

#include "replay/points.h"
#include "replay/replayer.h"

#define CHECKPOINTS_MAX 256

struct checkpoint {
    uint64_t step;
    struct snapshot *snapshot;
    struct replay_cursor cursor;
    char *name; /* by the user: never dropped; else NULL */
    unsigned id; /* of a named one */
};

enum timeline_op { OP_NONE, OP_FORWARD, OP_SEEK, OP_BACKWARD };

enum timeline_stop {
    TIMELINE_RUNNING,     /* slice: more to do */
    TIMELINE_DONE,        /* the step, range or seek is done */
    TIMELINE_BREAK,
    TIMELINE_WATCH,
    TIMELINE_INTERRUPTED,
    TIMELINE_BEGIN,       /* at position 0, and backward was asked for */
    TIMELINE_END,         /* at the end of the trace, and forward was asked for */
    TIMELINE_FAILED,      /* divergence: timeline_error */
};

struct timeline {
    struct replayer replayer;
    struct checkpoint checkpoints[CHECKPOINTS_MAX]; /* by step, ascending; [0] is the beginning */
    size_t checkpoints_count;
    unsigned next_id;
    uint64_t memory_budget; /* bytes of frames that checkpoints may hold beyond the machine's own */
    struct tlb_write *tlb_writes; /* tlb_history.c: all of the trace, once loaded */
    size_t tlb_writes_count;
    bool tlb_writes_loaded;
    struct points points;
    struct point hit;       /* of the last BREAK or WATCH */
    struct mips_hit hit_access;
    bool interrupted;

    /* The operation under way. */
    enum timeline_op op;
    bool must_finish;       /* an interrupt does not end it */
    bool step;              /* forward: one unit, or units while lo <= pc < hi */
    bool stepped;           /* at least one is done */
    uint64_t break_seen;    /* position whose breakpoints are dealt with; UINT64_MAX for none */
    uint64_t watch_seen;    /* position whose unit's watchpoints are dealt with, too */
    uint64_t lo, hi;
    uint64_t target;        /* seek: where to */
    enum timeline_stop arrive; /* what to say when the seek is done */
    uint64_t from;          /* backward, or a step back: where it began */
    uint64_t segment_end;   /* backward: hits before this count */
    uint64_t best;          /* backward: last hit in this segment; UINT64_MAX for none */
    enum timeline_stop best_stop;
    size_t segment;         /* backward: checkpoint that the segment starts with */
};

int timeline_open(struct timeline *t, const char *path, struct err *e);
void timeline_close(struct timeline *t);

uint64_t timeline_position(const struct timeline *t);
uint64_t timeline_cycle(const struct timeline *t);
struct mips *timeline_cpu(const struct timeline *t);
struct vm *timeline_vm(const struct timeline *t);
bool timeline_at_end(const struct timeline *t);
const char *timeline_error(const struct timeline *t);

/*
 * Arm an operation; timeline_slice then works a few milliseconds at a time.
 *
 * Forward, breakpoints at the starting position are not reported; watchpoints stop before the
 * access, also when a step or continue begins right there. Backward, a breakpoint stops with pc at
 * its address and a watchpoint after its access, both also where the other one stopped before. A
 * breakpoint and an access that meet at one position are told in this order, backward: the
 * breakpoint, then (with the next continue, that begins there) the access.
 */
void timeline_step(struct timeline *t, uint64_t lo, uint64_t hi); /* lo == hi: one unit */
void timeline_step_over(struct timeline *t); /* one unit, whatever it touches */
void timeline_continue(struct timeline *t);
void timeline_reverse_step(struct timeline *t);
void timeline_reverse_continue(struct timeline *t);
void timeline_seek(struct timeline *t, uint64_t step); /* stops at the end if that is before */
enum timeline_stop timeline_slice(struct timeline *t);
/* Makes the operation end with TIMELINE_INTERRUPTED, or soon as it would have ended. A continue
 * backward then is where all before in that direction had been searched. */
void timeline_interrupt(struct timeline *t);
/* A seek with all its slices. */
enum timeline_stop timeline_seek_now(struct timeline *t, uint64_t step);

/* User checkpoints: numbers count from 1. */
unsigned timeline_checkpoint(struct timeline *t, const char *name);
const struct checkpoint *timeline_find_checkpoint(const struct timeline *t, unsigned id);
bool timeline_delete_checkpoint(struct timeline *t, unsigned id);

#endif
