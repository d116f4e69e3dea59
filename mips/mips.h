/*
 * The processor: MIPS32 release 1 or 2, either byte order. It knows instructions,
 * CP0, the TLB and the FPU, and how to run to an exact position. It knows no
 * board, no trace and no gdb; what it needs from above comes in `struct
 * mips_env`.
 *
 * Time and position
 *   A step is one retired instruction, or one exception or interrupt taken;
 *   each costs one cycle. `steps` counts them, so each step count names one
 *   state of the vcpu. `skipped` counts the cycles that passed while the vcpu
 *   slept in `wait`. cycle = steps + skipped. CP0 Count is cycle / 2 plus an
 *   offset.
 *   A branch and its delay slot are one unit of two steps that is never split
 *   by a stop, an interrupt or a breakpoint: the processor is always between
 *   units when mips_run returns. An exception in a delay slot undoes the
 *   branch (neither retires; EPC is the branch, Cause.BD is set) and is one
 *   step. The nullified slot of a branch-likely is no step.
 *
 * Registers are kept 64 bits wide. A 32-bit processor keeps them sign-extended
 * from bit 31, and so are all virtual addresses in this interface.
 *
 * Source: MIPS32 Architecture For Programmers, volumes I-III, release 2.x.
 */
#ifndef MIPS_MIPS_H
#define MIPS_MIPS_H

#include "core/base/base.h"
#include "core/base/event.h"
#include "core/base/state.h"

#define MIPS_TLB_MAX 256

/* MIPS_FORESEE is a read that will probably come. */
enum mips_access { MIPS_READ = 1, MIPS_WRITE = 2, MIPS_FETCH = 4, MIPS_FORESEE = 8 };

/* The machine page behind a guest-physical page. */
struct mips_page {
    uint8_t *host;  /* its 4 KiB in host memory, NULL when no RAM or ROM is there */
    uint32_t frame; /* number of the host frame: the key of the code cache */
    bool writable;  /* false also for ROM; then a store becomes env->write */
};

/* What the processor needs from the monitor. All calls come from inside
 * mips_run (or a debug access), on the vcpu's thread. */
struct mips_env {
    void *ctx;
    /* The page at physical address `pa` (4 KiB aligned). MIPS_WRITE asks for
     * a page that may be written from now on without asking again (the
     * monitor breaks sharing and notes it dirty).
     * DETERMINISM: after mips_flush_pages, the first access to a page comes
     * here before its instruction is done, at the same step under each engine;
     * those after it may or may not. MIPS_FORESEE is the processor's own
     * business: it must change nothing that counts; NULL is an answer. */
    struct mips_page (*page)(void *ctx, uint64_t pa, enum mips_access access);
    /* Device access of 1, 2, 4 or 8 bytes, naturally aligned. The value is in
     * the vcpu's byte order: what the register holds. False: bus error.
     * mips_cycle() is exact inside. */
    bool (*read)(void *ctx, uint64_t pa, unsigned size, uint64_t *value);
    bool (*write)(void *ctx, uint64_t pa, unsigned size, uint64_t value);
    /* Machine page + 1 of a physical page for the log, 0 for none. */
    uint64_t (*machine_page)(void *ctx, uint64_t ppn);
    /* Once mips_tell_mapping asked for it: `len` virtual addresses from `va` on may mean other
     * physical ones from now on, as the TLB, the ASID or the mode changed. May be NULL. */
    void (*mapping)(void *ctx, uint64_t va, uint64_t len);
    struct event_log *log;
    uint8_t vm, vcpu; /* for the log */
};

enum mips_stop {
    MIPS_STOP_LIMIT,   /* the cycle asked for was reached */
    MIPS_STOP_WAIT,    /* asleep, and no enabled interrupt is pending */
    MIPS_STOP_REQUEST, /* mips_request_stop was called */
    MIPS_STOP_BREAK,   /* at a breakpoint, instruction not executed */
    MIPS_STOP_WATCH,   /* the next unit would touch watched memory; nothing of it is done */
};

/* A processor as `-cpu` names it. */
struct mips_model {
    const char *name;
    uint32_t prid;
    uint32_t config[8];       /* reset values; the size of the TLB is put in from tlb_entries */
    uint32_t config0_rw;      /* writable bits */
    uint32_t status_rw;
    uint32_t fcr0, fcr31_rw;  /* FIR; 0 for no FPU */
    uint32_t fcr31_reset;     /* with NAN2008/ABS2008 */
    uint16_t tlb_entries;     /* 16 to MIPS_TLB_MAX */
    uint8_t cc_res;           /* rdhwr 3 */
    uint8_t watch_pairs;
    uint8_t kscratch;         /* mask of register 31's selects 2..7 */
    bool user_local, rixi, large_pages;
};

/* NULL if there is no such model (names compare without case, as in qemu). */
const struct mips_model *mips_model_find(const char *name);
const struct mips_model *mips_model_at(unsigned i); /* NULL past the end; for help */
/* "NAME" or "NAME,tlb=N" as `-cpu` takes it: 16 to 64 entries, or to 256 in models of release 2.
 * False: not understood. */
bool mips_model_parse(const char *spec, struct mips_model *out);

struct mips_tlb_entry {
    uint64_t vpn2; /* EntryHi.VPN2 in place, sign-extended */
    uint32_t mask; /* PageMask register */
    uint32_t asid;
    uint64_t lo[2]; /* EntryLo0/1 as written, with RI/XI in bits 31/30 */
    uint8_t global;
    uint8_t hidden; /* EHINV, or not written since reset: never matches */
};

struct mips; /* mips/cpu.h: the whole struct, for mips/ itself and the adapters that show it */

/* How instructions are executed. Guests cannot tell: every engine takes the
 * same steps to the same states and events. */
enum mips_engine {
    MIPS_INTERP, /* portable; the reference */
    MIPS_JIT,    /* translates to the host's machine code */
};
/* Does the engine exist on this host? */
bool mips_engine_available(enum mips_engine engine);

/* `model` must live as long as the processor. The engine is MIPS_INTERP. */
struct mips *mips_create(const struct mips_model *model, bool big_endian,
                         const struct mips_env *env);
void mips_destroy(struct mips *cpu);
/* Where its events go from now on. Not while it runs. */
void mips_set_log(struct mips *cpu, struct event_log *log);
/* Not while it runs; the engine must be available. */
void mips_set_engine(struct mips *cpu, enum mips_engine engine);
/* Cold reset: pc = 0xbfc00000. Counts of steps and cycles go on. */
void mips_reset(struct mips *cpu);

/* Run until mips_cycle(cpu) >= until_cycle (at once if it already is), or
 * another reason to stop. Overshoots by one when `until` lies between a
 * branch and its slot. `pass`: ignore breakpoints and watchpoints in the
 * first unit. */
enum mips_stop mips_run(struct mips *cpu, uint64_t until_cycle, bool pass);

/* Make mips_run return before the next unit. Callable from env callbacks. */
void mips_request_stop(struct mips *cpu);
/* The same from other threads and signal handlers, and as soon as it is seen: after the present access
 * to a device, or when something else leads out of the code that runs. */
void mips_interrupt(struct mips *cpu);

uint64_t mips_steps(const struct mips *cpu); /* exact, also inside env callbacks */
uint64_t mips_cycle(const struct mips *cpu); /* exact, also inside env callbacks */
uint64_t mips_pc(const struct mips *cpu);    /* of the current unit inside callbacks */
bool mips_waiting(const struct mips *cpu);   /* asleep in `wait` */
bool mips_can_wake(const struct mips *cpu);  /* an interrupt that ends a sleep is pending */

/* Let `cycles` pass while asleep. Count moves on, a Compare match on the way
 * (mips_timer_cycle) raises its interrupt. */
void mips_skip(struct mips *cpu, uint64_t cycles);
/* The cycle at which Count will next equal Compare; UINT64_MAX if it is stopped.
 * mips_run notices the match itself; this is for a monitor that skips time. */
uint64_t mips_timer_cycle(const struct mips *cpu);
/* Level of hardware interrupt input 0..5 (Cause.IP2..IP7; the CP0 timer is
 * or'ed into 5 inside). */
void mips_set_irq(struct mips *cpu, unsigned line, bool level);

/* The monitor changed physical memory's mapping, or wants to be asked again
 * for MIPS_WRITE: drop all cached translations. */
void mips_flush_pages(struct mips *cpu);
/* Drop the right to write to any page without asking: the next write to each becomes a call of
 * env->page with MIPS_WRITE. Costs less than mips_flush_pages. */
void mips_flush_writes(struct mips *cpu);
/* The same for the pages in one host frame. */
void mips_protect_frame(struct mips *cpu, uint32_t frame);
/* What was in this host frame is elsewhere now: drop the cached translations to it. */
void mips_drop_frame(struct mips *cpu, uint32_t frame);
/* Bytes of a host frame changed other than by this vcpu's own stores (DMA,
 * another vcpu, the debugger, reuse of the frame): forget its decoded code. */
void mips_code_changed(struct mips *cpu, uint32_t frame, uint32_t offset, uint32_t len);

/* State: registers, CP0, TLB, FPU, counters; no cache of any kind. */
extern const struct state_field mips_state[];
void *mips_state_object(struct mips *cpu); /* what mips_state describes */
void mips_state_loaded(struct mips *cpu);  /* after state_load: rebuild what is derived */

/* ---- for debuggers; none of these changes guest state unless it says so ---- */

/* Physical memory: accesses count by whatever virtual address they come. */
struct mips_watch {
    uint64_t pa;
    uint64_t len;   /* pa + len does not wrap */
    uint8_t access; /* MIPS_READ | MIPS_WRITE */
};
/* Replaces all points. Arrays are copied. */
void mips_set_points(struct mips *cpu, const uint64_t *breaks, size_t n_breaks,
                     const struct mips_watch *watches, size_t n_watches);
/* Replaces the watches alone; also from inside env callbacks. */
void mips_set_watches(struct mips *cpu, const struct mips_watch *watches, size_t n_watches);
/* Call env->mapping from now on, or no longer. */
void mips_tell_mapping(struct mips *cpu, bool on);
/* After MIPS_STOP_WATCH: the access that would come. After MIPS_STOP_BREAK: the breakpoint, which
 * is at pc, or at the slot of the branch there. */
struct mips_hit {
    uint64_t va, pa;
    uint32_t size;
    uint8_t access;
};
struct mips_hit mips_last_hit(const struct mips *cpu);

/* Physical address of a virtual one as the processor would translate it now
 * (kernel mode rights; UX/KX/valid bits honoured, RI/XI/D ignored). */
bool mips_translate(const struct mips *cpu, uint64_t va, uint64_t *pa);

/* Registers by gdb's remote numbers (RSP: 0-31 gpr, 32 status, 33 lo, 34 hi, 35
 * badvaddr, 36 cause, 37 pc, 38-69 fpr, 70 fcsr, 71 fir, then the private CP0
 * ones from 80 in table order). */
struct mips_reg {
    const char *name;  /* gdb's name */
    const char *group; /* "general", "float", "cp0", or "system" */
    uint16_t number;
    uint8_t bits; /* 32 or 64 */
    bool read_only;
};
extern const struct mips_reg mips_regs[];
extern const size_t mips_regs_count;
uint64_t mips_reg_read(const struct mips *cpu, unsigned number);
/* Changes guest state. False: read-only or unknown. */
bool mips_reg_write(struct mips *cpu, unsigned number, uint64_t value);

unsigned mips_tlb_size(const struct mips *cpu);
struct mips_tlb_entry mips_tlb_get(const struct mips *cpu, unsigned index);

/* Text of the instruction word `w` at `pc`, in objdump's style with -M
 * no-aliases. Returns the length as snprintf does. */
int mips_disassemble(uint32_t w, uint64_t pc, char *out, size_t size);

/* What the engine did since creation; for --stats and benchmarks. */
struct mips_stats {
    uint64_t blocks_decoded;
    uint64_t blocks_flushed;  /* times that all code of a page was forgotten */
    uint64_t page_fills;      /* software TLB: entries filled */
    uint64_t device_accesses;
    /* The translator's: */
    uint64_t blocks_translated;
    uint64_t guest_code_bytes; /* of the guest's instructions in them */
    uint64_t host_code_bytes;  /* of machine code made of them */
    uint64_t translate_ticks;  /* of the host time-stamp counter; with profile only */
    uint64_t blocks_chained;   /* jumps patched to go straight to another block */
    uint64_t code_drops;       /* times that all code was dropped: memory was full */
    uint64_t leaves;           /* times that translated code came back to mips_run's loop */
    uint64_t slow_loads, slow_stores; /* software TLB: accesses that missed, devices included */
    uint64_t blocks_run;       /* with profile only */
};
struct mips_stats mips_get_stats(const struct mips *cpu);
/* Count also what costs time to count. Drops all translated code. */
void mips_set_profile(struct mips *cpu, bool on);
/* Calls of the interpreter's helpers from translated code, by instruction (with
 * profile only): fills *name and *calls for i = 0, 1, ...; false past the end. */
bool mips_helper_calls(const struct mips *cpu, unsigned i, const char **name, uint64_t *calls);

#endif
