/*
 * The monitor: machine memory, the VMs, and the epochs that join them.
 *
 * Virtual time is cut into epochs. Within one, each VM runs by itself, in turn
 * or on several host threads; then the monitor does what crosses VMs, and at
 * the barrier before the next one the port delivers what comes from outside.
 *
 * A position is the sum of the steps of all vcpus. Where VMs run in turn, VM 0
 * first in each epoch, every state on the way has a position of its own.
 */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include <signal.h>

#include "core/config.h"
#include "core/memory.h"
#include "core/net.h"
#include "core/port.h"
#include "core/reclaim.h"
#include "core/share.h"
#include "core/vm.h"

struct crew;

struct monitor {
    struct memory memory;
    struct port port;
    struct monitor_config config;
    struct vm *vms[VMS_MAX];
    unsigned vms_count;
    uint64_t epoch_cycles;  /* of VM 0, whose clock is the run's */
    struct crew *crew;      /* NULL: VMs run in turn, on the caller's thread */
    bool crew_fills_host;   /* and leaves no processor for anything else */
    bool halt;              /* see monitor_halt */
    volatile sig_atomic_t interrupted; /* see monitor_interrupt */
    bool jumps;             /* time does, and is not to be interrupted */
    struct share share;
    struct net net;
    struct reclaim reclaim;
    /* State. */
    uint64_t epoch;         /* number of the present epoch */
    uint8_t barrier_done;   /* the barrier before it was passed */
    uint8_t turn;           /* the VM that runs now; vms_count: the epoch is to be ended */
    uint64_t epoch_step;    /* position at the epoch's begin */
    uint64_t busy_epochs;   /* in which any vcpu did a step */
};

/* `port` is copied; its log must be ready. */
int monitor_create(struct monitor **m, const struct monitor_config *cfg, const struct port *port,
                   struct err *e);
void monitor_destroy(struct monitor *m);
/* How the processors execute from now on; MIPS_INTERP before the first call. It belongs to the run:
 * no configuration, state or trace depends on it. `profile`: see mips_set_profile. Not while the
 * machines run; the engine must be available. */
void monitor_set_engine(struct monitor *m, enum mips_engine engine, bool profile);
/* How many host threads run the VMs from now on, at most one per VM. With more than one,
 * monitor_run stops at the ends of epochs only, and not at points. Again, nothing depends on it. */
int monitor_set_threads(struct monitor *m, unsigned threads, struct err *e);

uint64_t monitor_position(const struct monitor *m);
uint64_t monitor_cycle(const struct monitor *m); /* the run's time, in cycles of VM 0 */
struct vm *monitor_current(const struct monitor *m); /* whose next unit comes first */
bool monitor_all_off(const struct monitor *m);

enum run_stop {
    RUN_LIMIT,       /* one of the limits asked for */
    RUN_STOPPED,     /* the port said so, or monitor_halt */
    RUN_POWERED_OFF, /* all VMs are off */
    RUN_BREAK,       /* of monitor_current */
    RUN_WATCH,
    RUN_FAILED,      /* `e` is set */
};

struct run_limit {
    uint64_t step;  /* position; UINT64_MAX for none */
    uint64_t cycle; /* of the run's time; UINT64_MAX for none. With several VMs: the first end of an
                       epoch there or later */
    unsigned vm;    /* number + 1: stop too when that VM has done vm_step steps; 0: no such wish. */
    uint64_t vm_step;
    bool pass;      /* ignore points in the first unit */
};

enum run_stop monitor_run(struct monitor *m, const struct run_limit *limit, struct err *e);
/* After a run up to a step that was the last one of an epoch: what crosses VMs at the epoch's end
 * happens, as in a run up to the cycle. Else nothing. */
void monitor_end_epoch(struct monitor *m);
/* What still happens at this very position: the barrier if it is due, and a power command that is
 * pending. Executes nothing. */
enum run_stop monitor_settle(struct monitor *m, struct err *e);
/* For the port, at the barrier: a frame of `len` bytes, NET_HEADER to NET_FRAME_MAX, comes from
 * outside by the gateway of that network, which has one. */
void monitor_frame(struct monitor *m, unsigned network, const void *bytes, size_t len);
/* For the port, from inside of monitor_run: return before the next unit. */
void monitor_halt(struct monitor *m);

/* ---- the end of a run, in the midst of an epoch ---- */

/* At any time, on any thread and in a signal handler: the run is to end. monitor_run returns soon,
 * RUN_STOPPED, whatever the guests do: those that are not done with the epoch stop where they are,
 * each at its own cycle (vm_cycle). It will not run again. */
void monitor_interrupt(struct monitor *m);
static inline bool monitor_is_interrupted(const struct monitor *m)
{
    return m->interrupted && !m->jumps;
}
/* For a run that is to end as an interrupted one of several VMs did: the VM, if it is on, runs up to
 * that cycle and no farther. Where one does not come to the end of an epoch, that is the last. */
void monitor_set_end(struct monitor *m, unsigned vm, uint64_t cycle);
/* Is the present epoch one that is not completed? And did all VMs their part of it? */
bool monitor_is_last_epoch(const struct monitor *m);
bool monitor_is_at_end(const struct monitor *m);

/* ---- snapshots: a whole state, in memory, O(1) plus what is written later (snapshot.c) ---- */

struct snapshot;
struct snapshot *monitor_snapshot(struct monitor *m);
void monitor_restore(struct monitor *m, const struct snapshot *s);
void snapshot_free(struct monitor *m, struct snapshot *s);
uint64_t snapshot_step(const struct snapshot *s); /* position */
uint64_t snapshot_cycle(const struct snapshot *s);

/* Digests of one VM now. */
struct vm_digest {
    uint64_t cpu, devices, memory;
};
struct vm_digest monitor_digest(struct monitor *m, unsigned vm, bool with_memory);
/* Makes the next digests with memory cheap: hashes what all VMs wrote, on all threads. */
void monitor_hash_memory(struct monitor *m);

#endif
