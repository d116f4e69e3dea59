/*
 * One virtual machine: vcpu, physical memory (pmap), board, devices, timers.
 * Within an epoch it touches nothing outside itself.
 */
#ifndef CORE_VM_H
#define CORE_VM_H

#include "core/bus.h"
#include "core/config.h"
#include "core/dev/dev.h"
#include "core/memory.h"
#include "core/net.h"
#include "core/port.h"
#include "core/vm_watch.h"
#include "mips/mips.h"

#define VM_DEVICES_MAX   48
#define VM_TIMERS_MAX    32
#define VM_CHANNELS_MAX  4
#define CONSOLE_QUEUE    4096
#define VM_ROM_BYTES     (4u << 20)

struct monitor;
struct board;
struct disk;
struct virtio_balloon;

/* Console bytes that were delivered and that the device has not taken yet. */
struct console_channel {
    struct device *dev; /* NULL: no such channel */
    uint8_t queue[CONSOLE_QUEUE];
    uint32_t head, count;
};

/* What a VM did in this epoch with a common page's count of users. */
struct page_op {
    uint32_t mpn;
    int32_t delta; /* 1 or -1 */
};

/* A block of a base image that the VM read, into a whole page of its own. The entry is a user of
 * the machine page, so that a write gives the guest another one. */
struct block_read {
    uint64_t key, block;
    uint32_t image, mpn;
};

/* RAM pages by what is behind them; the rest never had anything, or is the zero page. */
struct vm_pages {
    uint32_t own, common; /* machine pages of the VM's own and of the common arena */
    uint32_t balloon;     /* given to the balloon */
    uint32_t swapped;
    uint32_t blocks;      /* beside RAM: written blocks of disks that are in memory */
};

/* Pages drawn by lot, each until it is accessed: shows how much of the VM's memory is in use. */
#define VM_SAMPLES_MAX 100
struct vm_samples {
    uint32_t key[VM_SAMPLES_MAX];
    uint32_t count;          /* not accessed yet */
    uint32_t drawn, touched; /* in this period */
};

struct vm {
    struct platform platform; /* first: devices get &vm->platform */
    struct monitor *monitor;
    struct memory *memory;
    const struct vm_config *config;
    unsigned index;
    struct mips_model model;
    struct mips *cpu;

    /* Physical memory. Keys of pmap: RAM pages from 0, then ROM pages. */
    struct radix pmap; /* key -> an entry (core/vm_pages.h) */
    struct vm_pages pages;
    struct vm_samples samples;
    uint8_t *sampled;  /* by key: it is in samples.key */
    uint64_t ram_pages;
    struct radix page_hash; /* key -> contribution to memory_digest */
    uint64_t memory_digest; /* of all pages but the dirty ones */
    uint8_t *dirty;         /* by key: handed out for writing since the last digest */
    uint32_t *dirty_list;
    uint32_t dirty_count;
    uint8_t *given;         /* by key: a translation may be cached by the vcpu */
    /* Of this epoch, for the barrier: struct page_op and struct block_read. */
    struct buf page_ops, block_reads;
    /* The search for equal pages at the end of this epoch (share.c): was it done, what was found,
     * where does the next one go on. */
    bool searched;
    struct buf found;
    uint64_t found_cursor;
    /* Of this VM's machine pages that frames of the network hold: number in its arena -> key + 1
     * where it was mapped then; or where it has a common number by now, that + HELD_COMMON. */
    struct radix held;

    /* Where the VM's events go: the port's log, or between vm_gather and vm_tell its own, as does
     * what the consoles print. */
    struct event_log *log;
    struct event_log own_log;
    uint8_t *own_memory;
    size_t own_size;
    struct buf own_text; /* struct vm_text, then its bytes, and so on */

    const struct board *board;
    void *board_data;
    struct bus *mem_bus;
    struct device *devices[VM_DEVICES_MAX];
    unsigned devices_count;
    struct dev_timer *timers[VM_TIMERS_MAX];
    unsigned timers_count;
    uint64_t next_deadline; /* ns; derived */
    uint64_t run_limit;     /* cycle until which the vcpu may run now; derived */
    uint64_t end_cycle;     /* at which the run ends for it, in an epoch that nobody completes; see
                               monitor_set_end */
    struct disk *disks[DISKS_MAX];
    unsigned disks_count;
    struct device *nics[NICS_MAX];
    struct net_pages net_pages;
    unsigned nics_count;
    struct virtio_balloon *balloon; /* NULL: there is none */

    uint64_t epoch_steps;   /* of the vcpu, when the present epoch began; in snapshots */
    bool loading;           /* vm_load_state is at work: levels are set, nothing happens */
    struct vm_watcher *watcher; /* NULL: nobody watches memory */
    bool watch_stop;        /* see vm_watch_stop */
    bool watch_ahead;
    uint64_t ns_per_cycle;  /* 0: not a whole number */
    struct console_channel console[VM_CHANNELS_MAX];

    /* State (in vm_state). */
    uint64_t idle_cycles;   /* of the present sleep */
    uint8_t power_pending;  /* enum power_event + 1 */
    uint8_t powered_off;
    uint8_t halted;         /* it is off because the boot ROM could not go on */
    uint8_t defect;         /* the monitor failed for this VM: it is halted, and has no digest */
    uint8_t irq_levels;     /* of the vcpu's inputs */
};

#define BOARD_ALIASES 2

/* A kind of machine. */
struct board {
    const char *name;
    int (*create)(struct vm *vm, struct err *e); /* chips and wiring; sets board_data */
    void (*destroy)(struct vm *vm);
    /* Contents of memory at power-on (ROM, kernel, boot parameters), and what
     * the firmware would have set up. After all devices were reset. */
    int (*boot)(struct vm *vm, struct err *e);
    void (*loaded)(struct vm *vm); /* after the devices' own, when a state was loaded */
    /* Physical address -> key of pmap; false: no memory there. *rom: read-only. */
    bool (*memory_at)(const struct vm *vm, uint64_t pa, uint64_t *key, bool *rom);
    /* All physical addresses of the page with that key; returns how many. */
    unsigned (*addresses_of)(const struct vm *vm, uint64_t key, uint64_t pa[BOARD_ALIASES]);
};
extern const struct board board_malta;

int vm_create(struct vm *vm, struct monitor *m, unsigned index, const struct vm_config *cfg,
              struct memory *memory, const struct port *port, struct err *e);
void vm_destroy(struct vm *vm);
int vm_power_on(struct vm *vm, struct err *e);

/* While several threads run VMs, each gathers what it would tell the port, until it may. */
void vm_gather(struct vm *vm);
void vm_tell(struct vm *vm);

enum vm_stop { VM_LIMIT, VM_SLEEPING, VM_POWERED_OFF, VM_BREAK, VM_WATCH, VM_HALTED, VM_FAILED };

/* Acts upon a pending power command, if there is one; executes nothing. 0 or an error. */
int vm_settle(struct vm *vm, struct err *e);
/* vm_run, where a CHECK that fails halts this VM for good, as if it were powered off, and no
 * other. */
enum vm_stop vm_run_contained(struct vm *vm, uint64_t until_cycle, uint64_t until_step, bool pass,
                              struct err *e);
/* Run until the vcpu's clock is at `until_cycle`, or until it did `until_step`
 * steps: then at once, before anything else that is due at that moment. A
 * sleeping vcpu lets time pass up to until_cycle; VM_SLEEPING: it is there and
 * still sleeps. `pass`: see mips_run. VM_WATCH: the next unit would touch watched
 * memory, or vm_watch_stop was called. */
enum vm_stop vm_run(struct vm *vm, uint64_t until_cycle, uint64_t until_step, bool pass,
                    struct err *e);

/* Asleep, with nothing that could wake it before the present moment. */
bool vm_asleep(const struct vm *vm);
uint64_t vm_steps(const struct vm *vm); /* of the vcpu; with a defect, those that are sure */
uint64_t vm_cycle(const struct vm *vm);
uint64_t vm_ns_of(const struct vm *vm, uint64_t cycle);  /* rounded down */
uint64_t vm_cycle_of(const struct vm *vm, uint64_t ns);  /* rounded up; UINT64_MAX stays */
/* Makes next_deadline that of the timers. */
void vm_find_deadline(struct vm *vm);
/* When something will happen by itself while the vcpu sleeps, in cycles. */
uint64_t vm_next_wake(const struct vm *vm);

/* Append an event at the vcpu's present position; fill arg[] and commit. */
struct event *vm_event(struct vm *vm, enum event_kind kind);
void vm_event_commit(struct vm *vm);

/* ---- network (vm_net.c) ---- */

#define HELD_COMMON (1ull << 32)

void vm_net_platform(struct vm *vm); /* fills in the platform's functions for network cards */
struct net_pages vm_net_pages(struct vm *vm);
/* The network card of that number, NULL if there is none. */
struct device *vm_nic(const struct vm *vm, unsigned nic);
void vm_frame_event(struct vm *vm, unsigned nic, enum frame_dir dir, uint64_t frame, uint32_t len);

/* Input from the port. Bytes beyond the queue's room are dropped, as on a
 * real line; the caller asks for room first. */
size_t vm_console_room(const struct vm *vm, unsigned channel);
bool vm_console_ready(const struct vm *vm, unsigned channel); /* the guest listens */
void vm_console_input(struct vm *vm, unsigned channel, const uint8_t *bytes, size_t n);
/* A BREAK on the line. It overtakes bytes that the device has not taken yet: to keep the order,
 * wait until there is room for CONSOLE_QUEUE. */
void vm_console_break(struct vm *vm, unsigned channel);
int vm_channel_of(const struct vm *vm, const struct device *dev); /* -1: it is no console */
void vm_input_wanted(struct platform *p, struct device *dev);     /* of struct platform */
/* At the end of the present unit; from the port, before the next one. */
void vm_power(struct vm *vm, enum power_event what);

/* ---- physical memory (vm_memory.c) ---- */

struct mips_page vm_page(void *ctx, uint64_t pa, enum mips_access access); /* mips_env.page */
uint64_t vm_machine_page(void *ctx, uint64_t ppn);                         /* mips_env.machine_page */
/* Reading without side effects (gdb, hashing); absent pages read as zero.
 * Returns bytes up to the first address without memory. */
size_t vm_read_physical(const struct vm *vm, uint64_t pa, void *out, size_t n);
/* Loader and DMA: all or nothing. ROM is written only by vm_load. */
bool vm_write_physical(struct vm *vm, uint64_t pa, const void *bytes, size_t n);
bool vm_load(struct vm *vm, uint64_t pa, const void *bytes, size_t n);
bool vm_has_memory(const struct vm *vm, uint64_t pa, size_t n, bool for_writing);
void vm_mapping(void *ctx, uint64_t va, uint64_t len);                     /* mips_env.mapping */
void vm_log_dma(struct vm *vm, const struct device *dev, enum dma_dir dir, uint64_t pa, size_t n);
bool vm_dma(struct platform *p, struct device *dev, enum dma_dir dir, uint64_t pa, void *bytes,
            size_t n);
/*
 * Whole machine pages. MPN + 1 stands for a page, 0 for the zero page. Users of
 * a page in the common arena are counted at the barrier, so these functions may
 * be called by the VM's thread while it runs, and by anybody between epochs.
 */
uint64_t vm_ram_key(const struct vm *vm, uint64_t pa); /* of a whole page; UINT64_MAX: it is none */
/* 0 also where there is no machine page now: given to the balloon, or in the swap file. */
uint64_t vm_page_at(const struct vm *vm, uint64_t key);
bool vm_page_is_private(const struct vm *vm, uint32_t mpn); /* its own, with one user */
void vm_page_ref(struct vm *vm, uint32_t mpn);
void vm_page_unref(struct vm *vm, uint32_t mpn);
/* The page at `key` becomes this one, whose reference is taken over; the content may be another. */
void vm_page_map(struct vm *vm, uint64_t key, uint32_t mpn);
/* The same, where the content is the same. */
void vm_page_set(struct vm *vm, uint64_t key, uint64_t mpn1);
/* The page at `key` has another name now, and nobody may write to it. */
void vm_page_renamed(struct vm *vm, uint64_t key, uint32_t mpn);
/* One more user of the page at `key`: its content stays what it is now, under this number (MPN + 1;
 * 0: it is the zero page). */
uint32_t vm_page_hold(struct vm *vm, uint64_t key);

/* The content of a page, which stays where it is; `room` takes that of one in the swap file. */
const uint8_t *vm_page_bytes(const struct vm *vm, uint64_t key, uint8_t room[PAGE_SIZE]);
void vm_balloon(struct platform *p, uint64_t pa, enum balloon_op op); /* platform.balloon */

/* ---- reclaim (vm_reclaim.c): between epochs, by core/reclaim.c ---- */

/* To the swap file; a page that others use, too, only if `shared_too`: nothing may be free after that.
 * False: it is not in memory, or is to stay there. The caller then flushes the translations. */
bool vm_page_out(struct vm *vm, uint64_t key, bool shared_too);
/* Begins a period with no samples, and adds a page. The caller then flushes the translations. */
void vm_samples_clear(struct vm *vm);
void vm_sample(struct vm *vm, uint64_t key);
void vm_samples_restore(struct vm *vm, const struct vm_samples *from);

/* Brings memory_digest up to date. */
void vm_update_memory_digest(struct vm *vm);
/* A page's content changed elsewhere (frames moved): drop cached translations. */
void vm_flush_translations(struct vm *vm);

/* ---- state (vm_state.c) ---- */

extern const struct state_field vm_state[];
/* Hash of the board's and all devices' state, and of overlays. */
uint64_t vm_devices_digest(const struct vm *vm);
uint64_t vm_cpu_digest(const struct vm *vm);
/* All state but memory, in the form of the state tables. */
void vm_save(struct vm *vm, struct buf *out);
void vm_load_state(struct vm *vm, const uint8_t *in);

#endif
