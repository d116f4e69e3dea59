/*
 * Breakpoints and watchpoints of a replay. They belong to the timeline, never
 * to a checkpoint, and are found by the processor without patching anything.
 */
#ifndef REPLAY_POINTS_H
#define REPLAY_POINTS_H

#include "core/base/base.h"
#include "core/vm.h"

#define WATCH_LEN_MAX (1u << 24) /* bytes */

enum point_kind { POINT_BREAK, POINT_HARD_BREAK, POINT_WRITE, POINT_READ, POINT_ACCESS };

struct point {
    enum point_kind kind;
    uint64_t va, len;
    bool physical;   /* watchpoints: `va` is a physical address */
    int asid;        /* of virtual ones: whose address space (replay/tlb_history.h) */
    unsigned number; /* 0: the debugger's, which looks at the values itself and steps over the access;
                        else the user's own: POINT_WRITE stops where a byte changes */
    bool (*cond)(void *ctx); /* NULL: always */
    void *cond_ctx;
};

struct points {
    struct point *list;
    size_t count, cap;
};

void points_free(struct points *p);
/* Adds, or replaces the condition of an equal point. False: a length that cannot be. */
bool points_set(struct points *p, const struct point *point);
void points_clear(struct points *p, const struct point *point);
bool points_has_watch(const struct points *p);
/* MIPS_READ, MIPS_WRITE. */
uint8_t point_access(const struct point *point);
/* Is its condition true? */
bool point_holds(const struct point *point);
/* The point that holds (its condition is true) at this address, at this stop, or NULL. */
const struct point *points_break_at(const struct points *p, uint64_t pc);
/* A stop at a branch is also for the points on its slot: it makes no other one for them. (Of a
 * branch-likely they count then even if it nullifies the slot.) */
const struct point *points_break_hit(const struct points *p, const struct vm *vm);

#endif
