/*
 * Events: what the machines did, in order (list and meaning: event.def).
 *
 * The producers append to a `struct event_log` with a few stores per event.
 * In a log events are packed: each has only the arguments of its kind, so that
 * the most frequent ones take half a cache line on their way to another thread.
 * Whoever owns the log decides how big it is and what happens when it is full:
 * the recorder passes whole logs to its writer thread, the replayer uses a log
 * of one event so that each is compared at the moment when it is produced.
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
    uint64_t arg[EVENT_ARGS_MAX]; /* unused ones are 0, or not there at all in a log */
};

struct event_info {
    const char *text;
    unsigned args;     /* how many of arg[] are meaningful */
    const char *names; /* space-separated */
};

extern const struct event_info event_info[EVENT_KINDS];

/* What an event of each kind takes in a log; a multiple of 8. */
extern const uint8_t event_bytes[EVENT_KINDS];

/* The event behind a packed one. Only the arguments of their kinds may be read. */
static inline const struct event *event_after(const struct event *ev)
{
    return (const struct event *)((const uint8_t *)ev + event_bytes[ev->kind]);
}

/* A packed event in full: the arguments that its kind does not have are 0. */
struct event event_unpack(const struct event *ev);

/* The usual size of the memory of a log. */
#define EVENT_LOG_BYTES (128u << 10)

struct event_log {
    uint8_t *next;  /* where the next event goes; there is room for a whole struct event */
    uint8_t *last;  /* a `next` beyond this has no such room */
    uint64_t count; /* events so far */
    /* Take the events from the log's start to `next`, and make room. */
    void (*full)(struct event_log *log);
    /* Append the `count` packed events from `memory` up to `end` by taking over the memory, malloc'ed
     * with EVENT_LOG_BYTES or more. Returns other memory of EVENT_LOG_BYTES. NULL: cannot. */
    uint8_t *(*exchange)(struct event_log *log, uint8_t *memory, const uint8_t *end,
                         uint64_t count);
};

/* Makes `bytes` of memory, aligned for struct event, the log's room. */
static inline void event_log_room(struct event_log *log, void *memory, size_t bytes)
{
    log->next = memory;
    log->last = log->next + bytes - sizeof(struct event);
}

/* Appends the `count` packed events from `memory` up to `end`. */
void event_log_append(struct event_log *log, const uint8_t *memory, const uint8_t *end,
                      uint64_t count);

/* Whoever read the log's memory last, another thread, still has it in its caches: it is fetched from
 * there some events in advance. */
#define EVENT_LOG_AHEAD 512 /* bytes */

/* Room for one event; the caller fills the arguments that the kind has. */
static inline struct event *event_log_put(struct event_log *log, enum event_kind kind,
                                          uint64_t step, uint64_t pc)
{
    struct event *ev = (struct event *)log->next;
    prefetch_write(log->next + EVENT_LOG_AHEAD);
    ev->step = step;
    ev->pc = pc;
    ev->kind = (uint8_t)kind;
    ev->vm = ev->vcpu = 0;
    return ev;
}

/* Make the event that event_log_put returned part of the log. */
static inline void event_log_commit(struct event_log *log)
{
    log->next += event_bytes[((const struct event *)log->next)->kind];
    log->count++;
    if (UNLIKELY(log->next > log->last))
        log->full(log);
}

/* Equal in all fields that the kind uses? Either may be packed. */
static inline bool event_equal(const struct event *a, const struct event *b)
{
    if (a->step != b->step || a->pc != b->pc || a->kind != b->kind || a->vm != b->vm ||
        a->vcpu != b->vcpu)
        return false;
    for (unsigned i = 0; i < (event_bytes[a->kind] - offsetof(struct event, arg)) / 8; i++)
        if (a->arg[i] != b->arg[i])
            return false;
    return true;
}

/* One line without newline, e.g. "1234567 vm0/cpu0 pc=80101234 syscall number=4004 a0=1 a1=7fff".
 * Returns the length as snprintf does. */
int event_print(char *out, size_t size, const struct event *ev);

/* Kind by its text ("tlb-write"), or -1. */
int event_kind_by_name(const char *text);

#endif
