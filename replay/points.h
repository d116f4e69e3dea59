/*
 * Breakpoints and watchpoints of a replay. They belong to the timeline, never
 * to a checkpoint, and are found by the processor without patching anything.
 */
#ifndef REPLAY_POINTS_H
#define REPLAY_POINTS_H

#include "core/base/base.h"
#include "core/vm.h"
#include "mips/mips.h"

enum point_kind { POINT_BREAK, POINT_HARD_BREAK, POINT_WRITE, POINT_READ, POINT_ACCESS };

struct point {
    enum point_kind kind;
    uint64_t va, len;
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
void points_clear(struct points *p, enum point_kind kind, uint64_t va, uint64_t len);
enum points_armed {
    POINTS_NONE,
    POINTS_WATCHES, /* the breakpoints are ignored, yet changing to and from ALL is cheap */
    POINTS_ALL,
};
/* Tell the processor. */
void points_arm(const struct points *p, struct mips *cpu, enum points_armed armed);
bool points_has_watch(const struct points *p);
/* The point that holds (its condition is true) at this address, at this stop, or NULL. */
const struct point *points_break_at(const struct points *p, uint64_t pc);
/* A stop at a branch is also for the points on its slot: it makes no other one for them. (Of a
 * branch-likely they count then even if it nullifies the slot.) */
const struct point *points_break_hit(const struct points *p, const struct vm *vm);
const struct point *points_watch_hit(const struct points *p, struct mips_hit hit);

#endif
