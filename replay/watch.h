/*
 * Watchpoints: which memory they mean at each moment, and what touches it.
 *
 * A watchpoint is of machine state: of bytes of a VM's memory, by whatever
 * address, and by whomever they are touched. One of a virtual address means the
 * memory that the debugger would read there at that moment; it is looked up again
 * whenever the TLB or the address space changes. So what it means is a function
 * of the position alone, and the same forward and backward.
 *
 * Instructions are stopped before their access (mips.h). What devices and the
 * loader touch is noted on the way, and ends the run once it is done, before the
 * next unit: see vm_watch_stop.
 */
#ifndef REPLAY_WATCH_H
#define REPLAY_WATCH_H

#include "core/base/buf.h"
#include "core/vm_watch.h"
#include "replay/points.h"

struct timeline;

#define WATCH_SHOWN 16 /* bytes of a cause that are kept for showing */

/* What touched watched memory. */
struct watch_cause {
    bool device;            /* or the loader: `touch` says what; else an instruction */
    struct touch touch;
    struct mips_hit access; /* by the instruction at pc */
    uint64_t pc;
    bool write, changed;    /* known once it is done */
    uint64_t pa;            /* the bytes of the watchpoint that it touches, */
    uint32_t n;             /* or the first of them */
    uint8_t before[WATCH_SHOWN], after[WATCH_SHOWN];
};

/* A part of a watchpoint, within one page. */
struct watch_part {
    size_t point; /* index */
    uint64_t va;  /* physical, if the point is */
    uint32_t len;
    bool mapped;  /* pa is known */
    bool memory;  /* RAM or ROM is there: page `key` */
    uint64_t pa, key;
};

/* Of one VM, while its points are armed. */
struct watch {
    struct vm_watcher watcher;
    struct timeline *timeline;
    unsigned vm;
    struct watch_part *parts;
    size_t count, cap;
    /* What was touched by others than instructions, and not told yet. */
    struct watched {
        size_t point;
        uint64_t key, pa;
        uint32_t n;
        struct touch touch;
        uint8_t *before;
    } *touched;
    size_t touched_count, touched_cap;
};

/* Look up what the VM's watchpoints mean now, and tell its processor and devices; none if not `on`. */
void watch_arm(struct timeline *t, unsigned vm, bool on);
/* The watchpoint that an access of an instruction meets, which has not happened yet; NULL if it is of
 * no interest. *cause is filled in as far as it is known. */
const struct point *watch_access(struct timeline *t, unsigned vm, struct mips_hit hit,
                                 struct watch_cause *cause);
/* The access is done. */
void watch_access_done(struct timeline *t, unsigned vm, struct watch_cause *cause);
/* What others have touched: the first watchpoint that is to be told, or NULL. Forgets all. */
const struct point *watch_touched(struct timeline *t, unsigned vm, struct watch_cause *cause);
bool watch_was_touched(const struct timeline *t, unsigned vm);

/* One line for the user. */
void watch_cause_print(const struct point *point, const struct watch_cause *cause, struct buf *out);

void watch_free(struct watch *w);

#endif
