/*
 * How the VMs of a trace used machine memory: the samples that the monitor
 * took (events MEMORY and POOL), and what happened to pages.
 *
 * All sizes are in pages (PAGE_SIZE) unless they say bytes.
 */
#ifndef TRACES_MEMORY_LOG_H
#define TRACES_MEMORY_LOG_H

#include "traces/trace.h"

/* The arguments of MEMORY, in their order. */
struct memory_pages {
    uint64_t promised;
    uint64_t own;    /* with a machine page of their own */
    uint64_t shared; /* with one that other pages use, too */
    uint64_t balloon;
    uint64_t swapped;
    uint64_t zero; /* never written, or known to be zero */
};

struct memory_sample {
    uint64_t ns;          /* virtual time */
    uint64_t pool;        /* machine pages there are */
    uint64_t used;        /* machine pages in use, for whatever */
    uint64_t used_shared; /* machine pages that more than one page uses */
    /* Of the machine pages saved by sharing (memory_log_saved), those of which events tell that it
     * was within a VM, or across VMs (page_users.h); together at most all. */
    uint64_t within, across;
    uint8_t state;           /* of reclaim; memory_log_states[] names them */
    struct memory_pages sum; /* of all VMs */
};

#define MEMORY_LOG_STATES 4
extern const char *const memory_log_states[MEMORY_LOG_STATES];

enum memory_way { MEMORY_DISK, MEMORY_NET, MEMORY_CONTENT, MEMORY_BOOT, MEMORY_WAYS };

struct memory_counts {
    uint64_t shared[MEMORY_WAYS]; /* pages that came to be shared */
    uint64_t zero;                /* pages that were mapped to the zero page */
    uint64_t broken;              /* sharings that a write ended */
    uint64_t intercepted;         /* pages mapped instead of read from a disk */
    uint64_t remapped;            /* pages of frames mapped instead of copied */
    uint64_t received;            /* bytes of frames that came in, remapped ones included */
    uint64_t paged_out, paged_in;
};

struct memory_log {
    size_t vms;
    char **names;                 /* of the VMs, as the header has them: not for a terminal */
    size_t samples;               /* at least 1 */
    struct memory_sample *sample; /* times do not fall */
    struct memory_pages *vm;      /* of VM v in sample s: [s * vms + v] */
    struct memory_counts *count;  /* by VM, of the whole trace */
};

/* Reads all of it; the caller frees the log, after an error too. ERR_FORMAT if a sample cannot be
 * true, ERR_LIMIT if there are more than a million samples or too many for all VMs together; if
 * there is none, 0 with log->samples 0. `path` is for messages. */
int memory_log_read(struct memory_log *log, struct trace_reader *r, const char *path,
                    struct err *e);
void memory_log_free(struct memory_log *log);

/* Pages that need a machine page each if nothing is shared. */
uint64_t memory_log_unshared(const struct memory_pages *p);
/* Machine pages that sharing saves. */
uint64_t memory_log_saved(const struct memory_sample *s);
/* The sample at which the VMs would need most without sharing: the first of these. */
size_t memory_log_peak(const struct memory_log *log);
/* Bytes of frames that were copied to the receiver. */
uint64_t memory_log_copied(const struct memory_counts *c);

#endif
