/*
 * Events: what the machines did, in order (list and meaning: event.def).
 *
 * The producers append to a `struct event_log`, a plain array with a few
 * stores per event. Whoever owns the log decides how big the array is and what
 * happens when it is full: the recorder passes whole arrays to its writer
 * thread, the replayer uses an array of one so that each event is compared at
 * the moment when it is produced.
 */
#ifndef CORE_BASE_EVENT_H
#define CORE_BASE_EVENT_H

#include "core/base/base.h"

enum event_kind {
#define EVENT(id, text, args, names) EVENT_##id,
#include "core/base/event.def"
#undef EVENT
    EVENT_KINDS
};

#define EVENT_ARGS_MAX 6

struct event {
    uint64_t step; /* position: steps (instructions and exceptions) done by this vcpu before it */
    uint64_t pc;   /* guest pc, sign-extended; in a delay slot the branch's */
    uint8_t kind;  /* enum event_kind */
    uint8_t vm;    /* 0-based */
    uint8_t vcpu;
    uint64_t arg[EVENT_ARGS_MAX]; /* unused ones are 0 */
};

struct event_info {
    const char *text;
    unsigned args;     /* how many of arg[] are meaningful */
    const char *names; /* space-separated */
};

extern const struct event_info event_info[EVENT_KINDS];

struct event_log {
    struct event *next; /* where the next event goes */
    struct event *end;
    /* Take the events from the array's start to `next`, and make room: on
     * return next < end holds. */
    void (*full)(struct event_log *log);
};

/* Room for one event; the caller fills every field of it (arg[] is zeroed). */
static inline struct event *event_log_put(struct event_log *log, enum event_kind kind,
                                          uint64_t step, uint64_t pc)
{
    struct event *ev = log->next;
    *ev = (struct event){.step = step, .pc = pc, .kind = (uint8_t)kind};
    return ev;
}

/* Make the event that event_log_put returned part of the log. */
static inline void event_log_commit(struct event_log *log)
{
    if (UNLIKELY(++log->next == log->end))
        log->full(log);
}

/* Equal in all fields that the kind uses? */
bool event_equal(const struct event *a, const struct event *b);

/* One line without newline, e.g. "1234567 vm0/cpu0 pc=80101234 syscall number=4004 a0=1 a1=7fff".
 * Returns the length as snprintf does. */
int event_print(char *out, size_t size, const struct event *ev);

/* Kind by its text ("tlb-write"), or -1. */
int event_kind_by_name(const char *text);

#endif
