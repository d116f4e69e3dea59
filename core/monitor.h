/*
 * The monitor: machine memory, the VMs, and the epochs that join them.
 *
 * Virtual time is cut into epochs. Within one, each VM runs by itself; at the
 * barrier between two epochs the port delivers what comes from outside.
 */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include "core/config.h"
#include "core/memory.h"
#include "core/port.h"
#include "core/vm.h"

struct monitor {
    struct memory memory;
    struct port port;
    struct monitor_config config;
    struct vm *vms[VMS_MAX];
    unsigned vms_count;
    uint64_t epoch_cycles;
    bool halt;              /* see monitor_halt */
    /* State. */
    uint64_t epoch;         /* number of the present epoch */
    uint8_t barrier_done;   /* the barrier before it was passed */
};

/* `port` is copied; its log must be ready. */
int monitor_create(struct monitor **m, const struct monitor_config *cfg, const struct port *port,
                   struct err *e);
void monitor_destroy(struct monitor *m);
/* How the processors execute from now on; MIPS_INTERP before the first call. It belongs to the run:
 * no configuration, state or trace depends on it. `profile`: see mips_set_profile. Not while the
 * machines run; the engine must be available. */
void monitor_set_engine(struct monitor *m, enum mips_engine engine, bool profile);

enum run_stop {
    RUN_LIMIT,       /* the step or cycle asked for */
    RUN_STOPPED,     /* the port said so, or monitor_halt */
    RUN_POWERED_OFF, /* all VMs are off */
    RUN_BREAK,
    RUN_WATCH,
    RUN_FAILED,      /* `e` is set */
};

struct run_limit {
    uint64_t step;  /* of VM 0's vcpu; UINT64_MAX for none */
    uint64_t cycle; /* of VM 0; UINT64_MAX for none */
    bool pass;      /* ignore points in the first unit */
};

enum run_stop monitor_run(struct monitor *m, const struct run_limit *limit, struct err *e);
/* What still happens at this very position: the barrier if it is due, and a power command that is
 * pending. Executes nothing. */
enum run_stop monitor_settle(struct monitor *m, struct err *e);
/* For the port, from inside of monitor_run: return before the next unit. */
void monitor_halt(struct monitor *m);

/* ---- snapshots: a whole state, in memory, O(1) plus what is written later ---- */

struct snapshot;
struct snapshot *monitor_snapshot(struct monitor *m);
void monitor_restore(struct monitor *m, const struct snapshot *s);
void snapshot_free(struct monitor *m, struct snapshot *s);
uint64_t snapshot_step(const struct snapshot *s);
uint64_t snapshot_cycle(const struct snapshot *s);

/* Digests of one VM now. */
struct vm_digest {
    uint64_t cpu, devices, memory;
};
struct vm_digest monitor_digest(struct monitor *m, unsigned vm, bool with_memory);

#endif
