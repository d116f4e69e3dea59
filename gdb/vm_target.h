/*
 * The adapter: the gdb server's target is the replay's timeline. The only file
 * pair of gdb/ (with vm_*.c) that knows machines.
 *
 * VM number v (from 0) is the process v + 1; its one vcpu is the thread v + 1,
 * as thread numbers are unique over all processes.
 */
#ifndef GDB_VM_TARGET_H
#define GDB_VM_TARGET_H

#include "gdb/target.h"
#include "replay/timeline.h"

#define VM_TARGET_REGS_MAX 192

/* vm_symbols.c: "monitor symbols". */
struct vm_symbol_search {
    bool missing[VMS_MAX];  /* by VM: nothing is known, and it is worth a search */
    bool on, returning;
    unsigned vm;            /* that we are on the way to */
    uint64_t step[VMS_MAX]; /* where to, in steps of that VM */
    uint64_t home;          /* position from which it began */
};

struct vm_target {
    struct timeline *timeline;
    struct gdb_reg regs[VM_TARGET_REGS_MAX];
    size_t regs_count;
    bool phys_mode;
    /* By VM, for addresses that the TLB does not map now: -1 any, -2 the present one; N also
     * restricts points in user memory to that address space. */
    int asid[VMS_MAX];
    struct gdb_resume how;  /* the resume under way */
    bool unit_pending;      /* watch_after: one more unit before the stop is reported */
    struct gdb_stop later;  /* that stop */
    bool seeking;           /* a monitor command is on its way somewhere */
    unsigned selected;      /* VM of the thread for which the monitor command is */
    unsigned last_watch;    /* number of the last watchpoint of the user's own */
    struct buf message;
    char path[32];
    /* By VM: an ELF image, of the kernel or of nothing but its symbols; empty for none. Owned. */
    struct buf symbols[VMS_MAX];
    struct vm_symbol_search search;
};

extern const struct gdb_target_ops vm_target_ops;

void vm_target_init(struct vm_target *t, struct timeline *timeline);
void vm_target_fini(struct vm_target *t);

/* ---- for the parts of the adapter ---- */

static inline int vm_target_pid(unsigned vm)
{
    return (int)vm + 1;
}

void vm_regs_init(struct vm_target *t);
bool vm_regs_read(struct vm_target *t, unsigned vm, unsigned number, uint8_t *bytes);
/* "monitor LINE" (vm_monitor.c). False: no such command. */
bool vm_monitor(void *target, struct gdb_tid tid, const char *line, struct buf *out);
bool vm_monitor_slice(void *target, struct buf *out);
/* Virtual to physical by the TLB, else by the last mapping that the guest wrote for it. */
bool vm_target_translate(struct vm_target *t, unsigned vm, uint64_t va, uint64_t *pa);
size_t vm_target_read(struct vm_target *t, unsigned vm, uint64_t va, uint8_t *bytes, size_t n);

#endif
