/*
 * The timeline of a replay: where we are, and how to be elsewhere. A position
 * is the sum of the steps of all VMs' vcpus (core/monitor.h); position n is the
 * state in which n steps are done and nothing else that is due at that moment.
 *
 * All VMs move together, none can be held. What is asked for one of them (a
 * step, or to be where it has done n steps) takes the others along, as far as
 * they were recorded to get.
 */
#ifndef REPLAY_TIMELINE_H
#define REPLAY_TIMELINE_H

#include "replay/points.h"
#include "replay/replayer.h"
#include "replay/watch.h"

#define TIMELINE_ALL (-1)

struct checkpoint {
    uint64_t step;
    uint64_t vm_step[VMS_MAX]; /* steps of each VM */
    struct snapshot *snapshot;
    struct replay_cursor cursor;
    char *name; /* by the user: never dropped; else NULL */
    unsigned id; /* of a named one */
};

/* A hit of a point. */
struct timeline_hit {
    struct point point;
    unsigned vm;
    uint64_t at;              /* position */
    bool ahead;               /* of a touch: it lies between this position and the next unit; else
                                 it belongs to the unit that ended here */
    struct watch_cause cause; /* of a watchpoint */
};

enum timeline_op {
    OP_NONE,
    OP_FORWARD,
    OP_SEEK,
    OP_FIND, /* forward, to where a VM has done so many steps */
    OP_BACKWARD,
};

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

/* Steps in which the points of only one VM counted, while others moved too: a continue in the same
 * direction makes up for it. */
struct timeline_missed {
    bool any, backward;
    uint64_t from; /* position before the first of these steps */
    /* By VM: positions lo <= p < hi whose units are done with, as its own steps took them. */
    uint64_t lo[VMS_MAX], hi[VMS_MAX];
};

struct timeline {
    struct replayer replayer;
    struct checkpoint *checkpoints; /* by step, ascending; [0] is the beginning */
    size_t checkpoints_count, checkpoints_cap;
    unsigned next_id;
    /* Bytes of frames that checkpoints may hold beyond the machine's own: the automatic ones, and
     * all with the user's. */
    uint64_t memory_budget, user_budget;
    uint64_t user_held;     /* by the user's alone, as far as was seen */
    struct tlb_writes {
        struct tlb_write *list;
        size_t count, cap, small;
    } tlb_writes[VMS_MAX];  /* tlb_history.c: all of the trace, once loaded */
    bool tlb_writes_loaded;
    struct points points[VMS_MAX];
    int listen;             /* see timeline_listen */
    struct watch watch[VMS_MAX];
    struct timeline_hit hit; /* the last BREAK or WATCH */
    bool deaf;              /* what touches watched memory but instructions does not count */
    bool interrupted;
    struct timeline_missed missed;

    /* The operation under way. */
    enum timeline_op op;
    bool must_finish;       /* an interrupt does not end it */
    bool step;              /* one unit of `vm`, or (forward) units while lo <= pc < hi */
    bool stepped;           /* forward: at least one is done */
    bool catch_up;          /* a continue that begins with what was missed */
    bool forward_next;      /* seek: go on forward from there */
    unsigned vm;            /* step, find; forward: of the thread that the user looks at */
    uint64_t vm_from;       /* step: steps of `vm` before it */
    uint64_t vm_target;     /* find: steps of `vm` to be done */
    uint64_t skip_break;    /* forward: steps of `vm` at which its breakpoint is not told */
    uint64_t break_seen;    /* position whose breakpoints are dealt with; UINT64_MAX for none */
    uint64_t watch_seen;    /* position whose unit's watchpoints are dealt with, too */
    uint64_t touch_told;    /* position ahead of which a touch is that was the last stop */
    struct buf along;       /* what is told with the stop of the last operation, besides t->hit */
    uint64_t stop_behind;   /* forward: where the unit ends that has a hit of the user's own
                               watchpoint, t->hit; UINT64_MAX for none */
    uint64_t before;        /* seek: to the last position before this one; UINT64_MAX: to `target` */
    uint64_t lo, hi;
    uint64_t target;        /* seek: where to */
    enum timeline_stop arrive; /* what to say when the seek is done */
    uint64_t from;          /* where it began */
    uint64_t back_end;      /* step back: the unit to be taken back ends here, if it is of `vm` */
    uint64_t segment_end;   /* backward: hits before this count */
    uint64_t best;          /* backward: where the last hit in this segment is met, that is in
                               t->hit; UINT64_MAX for none */
    enum timeline_stop best_stop;
    size_t segment;         /* backward: checkpoint that the segment starts with */
};

int timeline_open(struct timeline *t, const char *path, struct err *e);
/* Keeps the beginning, for all that goes back: once, before anything ran. Whoever only goes forward
 * by replayer_run saves the copies of all pages that are then written. */
void timeline_begin(struct timeline *t);
void timeline_close(struct timeline *t);

uint64_t timeline_position(const struct timeline *t);
uint64_t timeline_cycle(const struct timeline *t);
unsigned timeline_vms(const struct timeline *t); /* how many */
struct vm *timeline_vm(const struct timeline *t, unsigned vm);
struct mips *timeline_cpu(const struct timeline *t, unsigned vm);
uint64_t timeline_vm_steps(const struct timeline *t, unsigned vm);
struct vm *timeline_current(const struct timeline *t); /* see monitor_current */
bool timeline_at_end(const struct timeline *t);
const char *timeline_error(const struct timeline *t);

/*
 * Arm an operation; timeline_slice then works a few milliseconds at a time.
 *
 * Points belong to a VM, and those of all VMs are watched in every operation but a seek, a step of
 * another VM included: hit_vm tells whose it was. Forward, a breakpoint at which the VM that is named
 * is at the start is not reported, as its user sees it; watchpoints stop before the access, also
 * when a step or continue begins right there. Backward, a breakpoint stops with pc at
 * its address and a watchpoint after its access, both also where the other one stopped before. A
 * breakpoint and an access that meet at one position are told in this order, backward: the
 * breakpoint, then (with the next continue, that begins there) the access.
 *
 * A step of a VM ends right behind its next unit, a step back right before its last one: units of
 * other VMs that lie between are done, or taken back. A VM that has done nothing yet has no last
 * one: then the way back ends at position 0. One that will do nothing more steps to the end.
 */
void timeline_step(struct timeline *t, unsigned vm, uint64_t lo, uint64_t hi); /* lo == hi: one */
void timeline_step_over(struct timeline *t, unsigned vm); /* one unit, whatever it touches */
void timeline_continue(struct timeline *t, unsigned vm);
void timeline_reverse_step(struct timeline *t, unsigned vm);
void timeline_reverse_continue(struct timeline *t);
void timeline_seek(struct timeline *t, uint64_t step); /* stops at the end if that is before */
/* To the first position at which that VM has done vm_step steps. */
void timeline_seek_vm(struct timeline *t, unsigned vm, uint64_t vm_step);
enum timeline_stop timeline_slice(struct timeline *t);
/* In the operations that begin from now on only the points of one VM count, or with TIMELINE_ALL,
 * as at first, those of all. Steps with one VM's points followed by a continue in the same
 * direction with all: that one reports what the others met during the steps, too, in its place. */
void timeline_listen(struct timeline *t, int vm);
/* Makes the operation end with TIMELINE_INTERRUPTED, or soon as it would have ended. A continue
 * backward then is where all before in that direction had been searched. */
void timeline_interrupt(struct timeline *t);
/* A seek with all its slices. */
enum timeline_stop timeline_seek_now(struct timeline *t, uint64_t step);

/* User checkpoints: numbers count from 1; as many as there is memory for. 0: there is none. */
unsigned timeline_checkpoint(struct timeline *t, const char *name);
const struct checkpoint *timeline_find_checkpoint(const struct timeline *t, unsigned id);
bool timeline_delete_checkpoint(struct timeline *t, unsigned id);

#endif
