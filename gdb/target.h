/*
 * What the gdb server needs of whatever it debugs: a table of functions. The
 * server (packets, connections, agent expressions) knows nothing of MIPS, of
 * machines or of traces; gdb/vm_target.c is the one adapter that binds it to
 * the replay's timeline.
 *
 * A null entry is "not supported" and becomes an empty packet. Required are
 * architecture, regs, big_endian, threads, read_reg, read_mem, resume, slice
 * and interrupt.
 *
 * DUTIES OF THE ADAPTER that gdb cannot see but depends on:
 *
 *  - A step is atomic over a branch and its delay slot; no stop ever shows a
 *    pc inside a delay slot. An access in a slot reports with pc at the branch.
 *  - Backwards, a breakpoint at the starting position is not reported again;
 *    after each instruction that is taken back, its address is compared, and
 *    the stop has pc there, the instruction not executed. Forwards, a
 *    breakpoint at the starting position is not reported either: gdb steps off
 *    it by itself, but LLDB does not.
 *  - Watchpoints, with gdb_resume.watch_after false (gdb): forwards stop before
 *    the access (pc is the access), backwards after it (before it is taken
 *    back). gdb then steps once in the same direction and compares values. With
 *    watch_after (LLDB): after the access, in both directions.
 *  - only_tid: gdb has removed something and steps one thread over it. Stops of
 *    other threads must not end the run (gdb 13 dies on an assertion), yet on a
 *    real timeline they move too. Keep the point set of the last full resume
 *    (its conditions stay valid, see set_point), note hits of the other threads
 *    on the way, and let the next backward continue end at the latest of them;
 *    any other kind of resume drops the notes.
 *  - only_pid: the client let only this process go on, and would not understand
 *    news of another. All move together all the same.
 *  - A log end is reported at once, again and again, if resumed into it.
 *  - Two steps or continues in a row are each one resume; consecutive backward
 *    steps should cost O(1), gdb sends hundreds.
 */
#ifndef GDB_TARGET_H
#define GDB_TARGET_H

#include "core/base/base.h"
#include "core/base/buf.h"
#include "core/base/err.h"

/* A process is a VM, a thread is a vcpu. Both count from 1; thread numbers are
 * unique over all processes. 0 means "any", -1 "all". */
struct gdb_tid {
    int pid, tid;
};

/* Limits of the server: pids above GDB_PIDS_MAX and threads beyond
 * GDB_THREADS_MAX are not shown; wire numbers are below GDB_REGS_MAX and
 * registers not wider than GDB_REG_BYTES. */
#define GDB_PIDS_MAX    255
#define GDB_THREADS_MAX 1024
#define GDB_REGS_MAX    512
#define GDB_REG_BYTES   16

struct gdb_reg {
    const char *name;
    const char *feature; /* "org.gnu.gdb.mips.cpu" ... */
    const char *group;   /* NULL for gdb's choice */
    const char *type;    /* "int", "ieee_single", "uint64" ..., or a type defined in target_types */
    uint16_t number;     /* the wire number */
    uint16_t bits;       /* a multiple of 8 */
    bool read_only;      /* adds save-restore="no" */
    bool in_g;           /* part of the g packet (those form 0..n without a gap) */
    bool expedite;       /* sent with every stop: pc, sp, ra */
};

enum gdb_dir { GDB_FORWARD, GDB_BACKWARD };
enum gdb_point { GDB_SW_BREAK, GDB_HW_BREAK, GDB_WATCH, GDB_RWATCH, GDB_AWATCH };

enum gdb_stop_kind {
    GDB_RUNNING,    /* slice: not finished yet */
    GDB_STEPPED,    /* the step is done, or a quiet stop */
    GDB_BREAKPOINT, /* at a breakpoint (software or hardware by `point`) */
    GDB_WATCHPOINT, /* point and addr (the watched address) tell which */
    GDB_INTERRUPTED,
    GDB_LOG_BEGIN, /* history ends here, backwards */
    GDB_LOG_END,   /* and forwards */
    GDB_FAILED,    /* e.g. divergence */
};
struct gdb_stop {
    enum gdb_stop_kind kind;
    struct gdb_tid tid;
    enum gdb_point point;
    uint64_t addr;
    const char *message; /* lines for the user, or NULL; the target's, valid until the next call */
};

struct gdb_resume {
    enum gdb_dir dir;
    bool step;          /* one instruction of `tid`, or a range */
    struct gdb_tid tid; /* the stepping thread; always an existing one when step or only_tid */
    uint64_t lo, hi;    /* step while lo <= pc < hi, at least once; lo == hi: one instruction */
    bool only_tid;      /* report stops of `tid` only (gdb steps over something) */
    int only_pid;       /* report stops of that process only; 0: of all */
    bool watch_after;   /* watchpoint timing, see above */
};

/* Called by the target at a hit of the point that it was given with. True: stop here. */
typedef bool gdb_cond_fn(void *ctx, struct gdb_tid tid);

struct gdb_target_ops {
    bool forward_only; /* do not offer reverse execution */

    /* Description. Constant while the server is open. */
    const char *(*architecture)(void *t); /* "mips:isa32r2" */
    const char *(*triple)(void *t, int pid); /* for LLDB: "mipsel-unknown-linux" */
    size_t (*regs)(void *t, const struct gdb_reg **table);
    const char *(*target_types)(void *t); /* XML for types, or "" */
    bool (*big_endian)(void *t, int pid);
    /* Threads, in order: each process's in one row. Returns how many; fills up to max. */
    size_t (*threads)(void *t, struct gdb_tid *out, size_t max);
    void (*thread_text)(void *t, struct gdb_tid tid, struct buf *out);
    const char *(*process_name)(void *t, int pid); /* one line for a catalogue of VMs */
    const char *(*exec_file)(void *t, int pid);    /* virtual path, NULL for none */
    /* Content of a virtual file, valid until the next call; NULL if there is none. */
    const uint8_t *(*file)(void *t, const char *path, size_t *n);

    /* Access. Register bytes are in target byte order, bits / 8 of them. False: unavailable. */
    bool (*read_reg)(void *t, struct gdb_tid tid, unsigned number, uint8_t *bytes);
    int (*write_reg)(void *t, struct gdb_tid tid, unsigned number, const uint8_t *bytes,
                     struct err *e);
    /* Bytes read, fewer than n where memory ends; 0 when none. No side effects. Addresses come
     * sign- or zero-extended; a 32-bit target truncates. */
    size_t (*read_mem)(void *t, struct gdb_tid tid, uint64_t va, uint8_t *bytes, size_t n);
    int (*write_mem)(void *t, struct gdb_tid tid, uint64_t va, const uint8_t *bytes, size_t n,
                     struct err *e);
    bool (*get_phys_mode)(void *t);
    void (*set_phys_mode)(void *t, bool on);

    /* Points. Setting one that exists (pid, kind, va, len) replaces its condition. `len` is gdb's
     * instruction kind for breakpoints (4 standard, 2 MIPS16, 3 and 5 microMIPS; refuse what the
     * cpu lacks), bytes for watchpoints, where any length up to 2^64-1 may come. `cond` is
     * evaluated at each hit, with the target's state at the hit (it calls read_reg, read_mem and
     * set_phys_mode); NULL for always. In a forward resume call it once per hit: it may print. It
     * stays valid until the return of the first resume() without only_tid after the point was
     * cleared or replaced. */
    int (*set_point)(void *t, int pid, enum gdb_point kind, uint64_t va, uint64_t len,
                     gdb_cond_fn *cond, void *cond_ctx, struct err *e);
    int (*clear_point)(void *t, int pid, enum gdb_point kind, uint64_t va, uint64_t len);

    /* Execution: resume arms, slice works for a few milliseconds and returns GDB_RUNNING or how
     * it ended; interrupt makes one of the next slices (100 ms at most) end with GDB_INTERRUPTED,
     * or as it would have ended. slice is only called between a resume and its end. */
    void (*resume)(void *t, const struct gdb_resume *how);
    struct gdb_stop (*slice)(void *t);
    void (*interrupt)(void *t);
    /* Restart at position `to` (0: the beginning), for vRun/R. What takes longer than some
     * milliseconds is done by restart_slice (NULL: nothing is), as slice does a resume; only
     * GDB_RUNNING and GDB_FAILED matter. */
    int (*restart)(void *t, uint64_t to, struct err *e);
    struct gdb_stop (*restart_slice)(void *t);

    /* "monitor LINE", `tid` is the selected thread (0, 0: none): text for the user; false:
     * unknown command. What takes longer than some milliseconds is done by monitor_slice: called
     * after monitor, and again while it returns true; it may add text. interrupt makes one of
     * the next slices the last. NULL: commands are done at once. */
    bool (*monitor)(void *t, struct gdb_tid tid, const char *line, struct buf *out);
    bool (*monitor_slice)(void *t, struct buf *out);
};

#endif
