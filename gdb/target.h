/*
 * What the gdb server needs of whatever it debugs: a table of functions. The
 * server (packets, connections, agent expressions) knows nothing of MIPS, of
 * machines or of traces; gdb/vm_target.c is the one adapter that binds it to
 * the replay's timeline.
 *
 * A null entry is "not supported" and becomes an empty packet.
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

struct gdb_reg {
    const char *name;
    const char *feature; /* "org.gnu.gdb.mips.cpu" ... */
    const char *group;   /* NULL for gdb's choice */
    const char *type;    /* "int", "ieee_single", "uint64" ..., or a type defined in target_types */
    uint16_t number;     /* the wire number */
    uint16_t bits;
    bool read_only;      /* adds save-restore="no" */
    bool in_g;           /* part of the g packet (those form 0..n without a gap) */
};

enum gdb_dir { GDB_FORWARD, GDB_BACKWARD };
enum gdb_point { GDB_SW_BREAK, GDB_HW_BREAK, GDB_WATCH, GDB_RWATCH, GDB_AWATCH };

enum gdb_stop_kind {
    GDB_RUNNING,     /* slice: not finished yet */
    GDB_STEPPED,     /* the step is done, or a quiet stop */
    GDB_BREAKPOINT,  /* at a breakpoint (software or hardware by `point`) */
    GDB_WATCHPOINT,  /* point and addr tell which */
    GDB_INTERRUPTED,
    GDB_LOG_BEGIN,   /* history ends here, backwards */
    GDB_LOG_END,     /* and forwards */
    GDB_FAILED,      /* e.g. divergence; text in `message`, shown to the user */
};
struct gdb_stop {
    enum gdb_stop_kind kind;
    struct gdb_tid tid;
    enum gdb_point point;
    uint64_t addr;
    const char *message; /* owned by the target, valid until the next call */
};

struct gdb_resume {
    enum gdb_dir dir;
    bool step;             /* one instruction of `tid`, or a range */
    struct gdb_tid tid;    /* the stepping thread; pid 0: whichever runs */
    uint64_t lo, hi;       /* step while lo <= pc < hi; lo == hi: one instruction */
    bool only_tid;         /* report stops of `tid` only (gdb steps over something) */
};

struct gdb_target_ops {
    /* Description. `triple`-like facts for target.xml. */
    const char *(*architecture)(void *t);                        /* "mips:isa32r2" */
    size_t (*regs)(void *t, const struct gdb_reg **table);
    const char *(*target_types)(void *t);                        /* XML for types, or "" */
    bool (*big_endian)(void *t);
    /* Threads, in order. Returns how many; fills up to max. */
    size_t (*threads)(void *t, struct gdb_tid *out, size_t max);
    void (*thread_text)(void *t, struct gdb_tid tid, struct buf *out);
    const char *(*exec_file)(void *t, int pid);                  /* virtual path, NULL for none */
    /* Content of a virtual file; NULL if there is none. */
    const uint8_t *(*file)(void *t, const char *path, size_t *n);

    /* Access. Register bytes are in target byte order. */
    bool (*read_reg)(void *t, struct gdb_tid tid, unsigned number, uint8_t *bytes);
    int (*write_reg)(void *t, struct gdb_tid tid, unsigned number, const uint8_t *bytes,
                     struct err *e);
    /* Bytes read, fewer than n where memory ends; 0 when none. No side effects. */
    size_t (*read_mem)(void *t, struct gdb_tid tid, uint64_t va, uint8_t *bytes, size_t n);
    int (*write_mem)(void *t, struct gdb_tid tid, uint64_t va, const uint8_t *bytes, size_t n,
                     struct err *e);
    bool (*get_phys_mode)(void *t);
    void (*set_phys_mode)(void *t, bool on);

    /* Points. `cond` is evaluated at each hit, with the target's state at the
     * hit; NULL for always. It stays valid until the point is cleared or replaced. */
    int (*set_point)(void *t, int pid, enum gdb_point kind, uint64_t va, uint64_t len,
                     bool (*cond)(void *ctx, struct gdb_tid tid), void *cond_ctx, struct err *e);
    int (*clear_point)(void *t, int pid, enum gdb_point kind, uint64_t va, uint64_t len);

    /* Execution: resume arms, slice works for a few milliseconds and returns
     * GDB_RUNNING or how it ended; interrupt makes the next slice end. */
    void (*resume)(void *t, const struct gdb_resume *how);
    struct gdb_stop (*slice)(void *t);
    void (*interrupt)(void *t);
    /* Restart at position `to` (0: the beginning), for vRun/R. */
    int (*restart)(void *t, uint64_t to, struct err *e);

    /* "monitor LINE": text for the user; false: unknown command. */
    bool (*monitor)(void *t, const char *line, struct buf *out);
};

#endif
