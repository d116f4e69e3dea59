/*
 * A whole machine (malta) with a small guest, and a port whose inputs are a
 * function of virtual time alone, so that any two runs of it must be equal.
 * All events and the console's text are kept; a restored snapshot takes them
 * back to where they were. Header-only: each test program is one file.
 */
#ifndef TESTS_UNIT_MONITOR_RIG_H
#define TESTS_UNIT_MONITOR_RIG_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/monitor.h"
#include "tests/rng.h"
#include "tests/unit/mips_asm.h"

#define GUEST_WORDS 2048
#define GUEST_BASE  0x80100000u
#define GUEST_EBASE (GUEST_BASE + 0x1000) /* exceptions: refill here, others at 0x180 */
#define GUEST_DATA  0x80180000u
#define GUEST_PAGES 0x80200000u

/* Of the rigs that are made from now on. */
static enum mips_engine mrig_engine;

struct guest {
    uint32_t word[GUEST_WORDS];
    unsigned at; /* next word */
};

struct mrig_options {
    const struct guest *guest;
    const struct guest *other; /* of VM 1, or NULL: the same */
    bool big_endian, no_reboot, random_idle;
    uint64_t epoch_ns, cpu_hz; /* 0: defaults */
    unsigned vms;              /* 0: one; at most 4 */
    unsigned share, threads;
    uint64_t scan_rate;
    uint64_t machine_memory, reclaim_ns; /* 0: defaults */
    uint64_t memory_min, memory_max;     /* of VM 1 */
    bool balloon;              /* with each input, pages go into the balloon and out */
    unsigned input_every;      /* epochs; 0: never */
    unsigned key_epoch;        /* `key` is typed at the start of this epoch */
    char key;
    unsigned power_epoch;      /* the operator's `power` comes there */
    enum power_event power;
    uint64_t disk_sectors;
    bool disk_read_only;
    uint64_t seed;             /* of how far idle time jumps */
    uint64_t halt_after;       /* monitor_halt from inside of that console call, counted from 1 */
    void (*configure)(struct monitor_config *config); /* what else is to be there; or NULL */
};

struct mrig {
    struct mrig_options opt;
    struct monitor *m;
    struct monitor_config config;
    struct event_log log;
    struct event one;
    struct event *events;
    size_t events_count, events_cap;
    struct buf console[4]; /* by VM */
    uint8_t image[2][4 * GUEST_WORDS]; /* of the guest and the other */
    struct rng rng; /* how far idle time jumps: must not matter */
    uint64_t barriers, idles, console_calls, blocks;
    uint64_t last_barrier;
    struct err err;
};

/* ---- the port ---- */

/* Any pages of those that the guest works on, as no driver would do it. */
static inline void mrig_balloon(struct vm *vm, uint64_t epoch)
{
    struct rng rng = {epoch * 16 + vm->index};
    for (unsigned i = 0; i < 12; i++) {
        uint64_t page = (GUEST_PAGES - 0x80000000u) + ((uint64_t)rng_below(&rng, 256) << PAGE_BITS);
        vm->platform.balloon(&vm->platform, page, (enum balloon_op)rng_below(&rng, 2));
    }
    if (rng_below(&rng, 8) == 0)
        vm->platform.balloon(&vm->platform, 0, BALLOON_ALL_OUT);
}

static inline void mrig_event(struct event_log *log)
{
    struct mrig *r = container_of(log, struct mrig, log);
    if (r->events_count == r->events_cap) {
        r->events_cap = r->events_cap * 2 + 1024;
        r->events = xrealloc(r->events, r->events_cap * sizeof r->events[0]);
    }
    r->events[r->events_count++] = event_unpack(&r->one);
    event_log_room(log, &r->one, sizeof r->one);
}

static inline bool mrig_has_input(const struct mrig *r, uint64_t epoch)
{
    const struct mrig_options *o = &r->opt;
    return (o->input_every != 0 && epoch % o->input_every == 0 && epoch != 0) ||
           (o->key_epoch != 0 && epoch == o->key_epoch) ||
           (o->power_epoch != 0 && epoch == o->power_epoch);
}

static inline int mrig_barrier(void *port, struct monitor *m, uint64_t cycle, struct err *e)
{
    struct mrig *r = port;
    (void)e;
    r->barriers++;
    ck_assert_uint_eq(cycle % m->epoch_cycles, 0);
    /* Never early, and late only by what a unit of two steps overshoots. */
    ck_assert_uint_ge(vm_cycle(m->vms[0]), m->vms[0]->powered_off ? 0 : cycle);
    ck_assert_uint_le(vm_cycle(m->vms[0]), cycle + 1);
    r->last_barrier = cycle;
    uint64_t epoch = cycle / m->epoch_cycles;
    if (!mrig_has_input(r, epoch))
        return PORT_GO;
    for (unsigned i = 0; i < m->vms_count; i++) {
        uint8_t bytes[3] = {(uint8_t)('a' + epoch % 26), 'b', (uint8_t)('0' + epoch % 10)};
        if (r->opt.input_every != 0 && epoch % r->opt.input_every == 0)
            vm_console_input(m->vms[i], 0, bytes, 1 + epoch % 3);
        if (r->opt.balloon)
            mrig_balloon(m->vms[i], epoch);
        if (epoch == r->opt.key_epoch)
            vm_console_input(m->vms[i], 0, (const uint8_t *)&r->opt.key, 1);
        if (epoch == r->opt.power_epoch)
            vm_power(m->vms[i], r->opt.power);
    }
    return PORT_GO;
}

static inline int mrig_idle(void *port, struct monitor *m, uint64_t now, uint64_t until,
                            uint64_t *to, struct err *e)
{
    struct mrig *r = port;
    (void)e;
    r->idles++;
    uint64_t epoch = now / m->epoch_cycles;
    ck_assert_uint_eq(now % m->epoch_cycles, 0);
    ck_assert_uint_lt(now, until);
    ck_assert(until == UINT64_MAX || until % m->epoch_cycles == 0);
    for (unsigned i = 0; i < m->vms_count; i++)
        ck_assert(m->vms[i]->powered_off || mips_waiting(m->vms[i]->cpu));
    uint64_t most = until == UINT64_MAX ? epoch + 1000 : until / m->epoch_cycles;
    if (r->opt.random_idle)
        most = epoch + rng_next(&r->rng) % (most - epoch + 1);
    uint64_t last = epoch;
    while (last < most && !mrig_has_input(r, last))
        last++;
    if (until == UINT64_MAX && last == epoch + 1000)
        return PORT_STOP; /* nothing will ever come */
    *to = last * m->epoch_cycles;
    return PORT_GO;
}

/* What the base image of a disk holds. */
static inline void mrig_base_block(uint64_t block, uint8_t *out)
{
    struct rng rng = {block + 1};
    for (unsigned i = 0; i < PAGE_SIZE; i += 8)
        st_le64(out + i, rng_next(&rng));
}

static inline void mrig_disk_block(void *port, unsigned vm, uint32_t image, uint64_t block,
                                   uint8_t *out)
{
    struct mrig *r = port;
    ck_assert_uint_lt(vm, r->m->vms_count);
    ck_assert_uint_eq(image, 7);
    __atomic_fetch_add(&r->blocks, 1, __ATOMIC_RELAXED); /* on the VM's thread */
    mrig_base_block(block, out);
}

static inline void mrig_console(void *port, unsigned vm, unsigned channel, uint64_t cycle,
                                const uint8_t *bytes, size_t n)
{
    struct mrig *r = port;
    (void)channel;
    ck_assert(r->m->crew != NULL ? cycle <= vm_cycle(r->m->vms[vm])
                                 : cycle == vm_cycle(r->m->vms[vm]));
    buf_put(&r->console[vm], bytes, n);
    if (++r->console_calls == r->opt.halt_after)
        monitor_halt(r->m);
}

static const struct port_ops mrig_port_ops = {
    .barrier = mrig_barrier,
    .idle = mrig_idle,
    .disk_block = mrig_disk_block,
    .console = mrig_console,
};

/* ---- life ---- */

static inline struct mrig *mrig_create(const struct mrig_options *opt)
{
    struct mrig *r = xcalloc(1, sizeof *r);
    r->opt = *opt;
    r->rng.state = opt->seed;
    r->log = (struct event_log){.full = mrig_event};
    event_log_room(&r->log, &r->one, sizeof r->one);
    for (unsigned i = 0; i < 2 * GUEST_WORDS; i++) {
        const struct guest *g = i < GUEST_WORDS || opt->other == NULL ? opt->guest : opt->other;
        uint8_t *to = r->image[i / GUEST_WORDS] + 4 * (i % GUEST_WORDS);
        opt->big_endian ? st_be32(to, g->word[i % GUEST_WORDS])
                        : st_le32(to, g->word[i % GUEST_WORDS]);
    }
    r->config.epoch_ns = opt->epoch_ns != 0 ? opt->epoch_ns : EPOCH_NS_DEFAULT;
    r->config.snapshot_memory = 64 << 20;
    r->config.no_reboot = opt->no_reboot;
    r->config.share = opt->share;
    r->config.scan_rate = opt->scan_rate;
    r->config.machine_memory = opt->machine_memory;
    r->config.reclaim_ns = opt->reclaim_ns;
    r->config.vms_count = opt->vms != 0 ? opt->vms : 1;
    for (size_t i = 0; i < r->config.vms_count; i++) {
        struct vm_config *vm = &r->config.vms[i];
        *vm = (struct vm_config){
            .name = "vm",
            .board = "malta",
            .cpu = "24Kf",
            .big_endian = opt->big_endian,
            .memory = 4 << 20,
            .cpu_hz = opt->cpu_hz != 0 ? opt->cpu_hz : CPU_HZ_DEFAULT,
            .kernel = {r->image[i == 1], sizeof r->image[0]},
            .kernel_name = "guest",
            .append = "",
            .wall_clock = 1700000000,
            .entropy_seed = 5,
            .virtio_rng = true,
            .virtio_console = true,
        };
        if (i == 1) {
            vm->memory_min = opt->memory_min;
            vm->memory_max = opt->memory_max;
        }
        if (opt->disk_sectors != 0) {
            vm->disks_count = 2;
            for (unsigned d = 0; d < 2; d++)
                vm->disks[d] = (struct disk_config){
                    .interface = d == 0 ? DISK_IDE : DISK_VIRTIO,
                    .image = 7,
                    .sectors = opt->disk_sectors,
                    .serial = "serial",
                    .read_only = opt->disk_read_only,
                };
        }
    }
    if (opt->configure != NULL)
        opt->configure(&r->config);
    struct port port = {.ops = &mrig_port_ops, .ctx = r, .log = &r->log};
    int result = monitor_create(&r->m, &r->config, &port, &r->err);
    ck_assert_msg(result == 0, "%s", r->err.msg);
    monitor_set_engine(r->m, mrig_engine, false);
    ck_assert_int_eq(monitor_set_threads(r->m, opt->threads, &r->err), 0);
    return r;
}

static inline void mrig_destroy(struct mrig *r)
{
    monitor_destroy(r->m);
    free(r->events);
    for (unsigned i = 0; i < ARRAY_LEN(r->console); i++)
        buf_free(&r->console[i]);
    free(r);
}

static inline enum run_stop mrig_run(struct mrig *r, uint64_t step, uint64_t cycle)
{
    struct run_limit limit = {.step = step, .cycle = cycle};
    return monitor_run(r->m, &limit, &r->err);
}

static inline uint64_t mrig_step(const struct mrig *r)
{
    return monitor_position(r->m);
}

static inline uint64_t mrig_cycle(const struct mrig *r)
{
    return monitor_cycle(r->m);
}

/* ---- comparing ---- */

/* The digest of all memory, without what is kept from one time to the next. */
static inline uint64_t mrig_whole_digest(const struct vm *vm)
{
    uint64_t sum = 0, keys = vm->ram_pages + VM_ROM_BYTES / PAGE_SIZE;
    static const uint8_t zero[PAGE_SIZE];
    for (uint64_t key = 0; key < keys; key++) {
        uint8_t room[PAGE_SIZE];
        const uint8_t *bytes = vm_page_bytes(vm, key, room);
        if (memcmp(bytes, zero, PAGE_SIZE) != 0)
            sum += XXH3_64bits_withSeed(bytes, PAGE_SIZE, key);
    }
    return sum;
}

static inline void mrig_assert_device_state(const struct vm *a, const struct vm *b)
{
    struct buf diff = {0};
    size_t n = state_diff(mips_state, mips_state_object(a->cpu), mips_state_object(b->cpu), "cpu ",
                          &diff);
    n += state_diff(vm_state, a, b, "vm ", &diff);
    for (unsigned i = 0; i < a->devices_count; i++)
        n += state_diff(a->devices[i]->ops->fields, a->devices[i], b->devices[i],
                        a->devices[i]->id, &diff);
    ck_assert_msg(n == 0, "at step %llu, cycle %llu:\n%s", (unsigned long long)mips_steps(a->cpu),
                  (unsigned long long)vm_cycle(a), buf_cstr(&diff));
    buf_free(&diff);
}

static inline void mrig_assert_events(const struct mrig *a, const struct mrig *b)
{
    for (size_t i = 0; i < a->events_count && i < b->events_count; i++) {
        if (event_equal(&a->events[i], &b->events[i]))
            continue;
        char one[200], other[200];
        event_print(one, sizeof one, &a->events[i]);
        event_print(other, sizeof other, &b->events[i]);
        ck_abort_msg("event %zu: %s, and %s", i, one, other);
    }
    ck_assert_uint_eq(a->events_count, b->events_count);
}

/* How a VM's pages are spread is the same, and what is known of their use. */
static inline void mrig_assert_memory(const struct vm *a, const struct vm *b)
{
    unsigned i = a->index;
    ck_assert_mem_eq(&a->pages, &b->pages, sizeof a->pages);
    ck_assert_uint_eq(a->samples.drawn, b->samples.drawn);
    ck_assert_uint_eq(a->samples.touched, b->samples.touched);
    ck_assert_uint_eq(a->samples.count, b->samples.count);
    const struct reclaim *x = &a->monitor->reclaim, *y = &b->monitor->reclaim;
    ck_assert(x->level == y->level && x->drawn == y->drawn && x->slow[i] == y->slow[i] &&
              x->fast[i] == y->fast[i]);
    const struct swap *s = &a->memory->swap, *t = &b->memory->swap;
    ck_assert_uint_eq(s->area[i].in_use, t->area[i].in_use);
    ck_assert_uint_eq(s->area[i].slots, t->area[i].slots);
    ck_assert_uint_eq(s->area[i].in_use, a->pages.swapped);
}

/* Both machines are in the same state, and did the same to get there. */
static inline void mrig_assert_same(struct mrig *a, struct mrig *b)
{
    for (unsigned i = 0; i < a->m->vms_count; i++) {
        mrig_assert_device_state(a->m->vms[i], b->m->vms[i]);
        struct vm_digest x = monitor_digest(a->m, i, true), y = monitor_digest(b->m, i, true);
        ck_assert_uint_eq(x.memory, mrig_whole_digest(a->m->vms[i]));
        ck_assert_uint_eq(x.memory, y.memory);
        ck_assert_uint_eq(x.cpu, y.cpu);
        ck_assert_uint_eq(x.devices, y.devices);
        mrig_assert_memory(a->m->vms[i], b->m->vms[i]);
    }
    mrig_assert_events(a, b);
    for (unsigned i = 0; i < ARRAY_LEN(a->console); i++) {
        ck_assert_uint_eq(a->console[i].len, b->console[i].len);
        if (a->console[i].len != 0)
            ck_assert_mem_eq(a->console[i].data, b->console[i].data, a->console[i].len);
    }
    ck_assert_uint_eq(memory_in_use(&a->m->memory), memory_in_use(&b->m->memory));
    for (unsigned i = 0; i < ARENAS; i++)
        ck_assert_uint_eq(a->m->memory.arena[i].mpns, b->m->memory.arena[i].mpns);
}

/* The state of `r` is that of a machine that the interpreter took there in one go. */
static inline void mrig_assert_canonical(struct mrig *r)
{
    struct mrig_options opt = r->opt;
    opt.random_idle = false;
    opt.halt_after = 0;
    opt.threads = 1;
    struct mrig *fresh = mrig_create(&opt);
    monitor_set_engine(fresh->m, MIPS_INTERP, false);
    if (opt.vms > 1) { /* to the epoch, then into it */
        mrig_run(fresh, UINT64_MAX, r->m->epoch * r->m->epoch_cycles);
        mrig_run(fresh, mrig_step(r), UINT64_MAX);
    } else {
        mrig_run(fresh, UINT64_MAX, mrig_cycle(r));
    }
    ck_assert_uint_eq(mrig_cycle(fresh), mrig_cycle(r));
    ck_assert_uint_eq(mrig_step(fresh), mrig_step(r));
    mrig_assert_same(r, fresh);
    mrig_destroy(fresh);
}

/* ---- guests ---- */

static inline void guest_put(struct guest *g, uint32_t word)
{
    g->word[g->at++] = word;
}

static inline void guest_li(struct guest *g, unsigned reg, uint32_t v)
{
    guest_put(g, LUI_W(reg, v >> 16));
    guest_put(g, ORI_W(reg, reg, v & 0xffff));
}

/* A branch `word` (with offset 0) back to `to`, and a nop behind it. */
static inline void guest_back(struct guest *g, uint32_t word, unsigned to)
{
    guest_put(g, (word & 0xffff0000u) | ((to - g->at - 1) & 0xffff));
    guest_put(g, NOP_W);
}

/* A branch forward, and a nop; guest_here(g, it) tells where it goes. */
static inline unsigned guest_forward(struct guest *g, uint32_t word)
{
    guest_put(g, word & 0xffff0000u);
    guest_put(g, NOP_W);
    return g->at - 2;
}

static inline void guest_here(struct guest *g, unsigned branch)
{
    g->word[branch] |= (g->at - branch - 1) & 0xffff;
}

#define SRL_W(d, t, sa) ((uint32_t)((t) << 16 | (d) << 11 | (sa) << 6 | 2))
#define SLL_W(d, t, sa) ((uint32_t)((t) << 16 | (d) << 11 | (sa) << 6))
#define ANDI_W(t, s, i) ASM_I(0x0c, t, s, i)
#define LBU_W(t, o, b)  ASM_I(0x24, t, b, o)
#define SH_W(t, o, b)   ASM_I(0x29, t, b, o)
#define MUL_W(d, s, t)  (0x70000002u | (uint32_t)((s) << 21 | (t) << 16 | (d) << 11))
enum { S4 = 20, S5, S6, S7, T8, T9 };

/* Interrupts set Compare to `period` ticks (2 cycles each) from now; other exceptions skip their
 * instruction. Both are counted. Ends with interrupts on and the generator in s1 and s5. */
static inline void guest_begin(struct guest *g, unsigned period)
{
    *g = (struct guest){.at = (GUEST_EBASE - GUEST_BASE) / 4};
    guest_back(g, BEQ_W(ZERO, ZERO, 0), g->at + 0x180 / 4);
    g->at = (GUEST_EBASE - GUEST_BASE + 0x180) / 4;
    guest_put(g, LUI_W(K1, GUEST_DATA >> 16));
    guest_put(g, MFC0_W(K0, 13, 0));
    guest_put(g, ANDI_W(K0, K0, 0x7c));
    unsigned other = guest_forward(g, BNE_W(K0, ZERO, 0));
    guest_put(g, LW_W(K0, 0, K1));
    guest_put(g, ADDIU_W(K0, K0, 1));
    guest_put(g, SW_W(K0, 0, K1));
    guest_put(g, MFC0_W(K0, 9, 0));
    guest_put(g, ADDIU_W(K0, K0, period));
    guest_put(g, MTC0_W(K0, 11, 0));
    guest_put(g, ERET_W);
    guest_here(g, other);
    guest_put(g, LW_W(K0, 4, K1));
    guest_put(g, ADDIU_W(K0, K0, 1));
    guest_put(g, SW_W(K0, 4, K1));
    guest_put(g, MFC0_W(K0, 14, 0));
    guest_put(g, ADDIU_W(K0, K0, 4));
    guest_put(g, MTC0_W(K0, 14, 0));
    guest_put(g, ERET_W);
    g->at = 0;
    guest_li(g, T0, GUEST_EBASE);
    guest_put(g, MTC0_W(T0, 15, 1));
    guest_put(g, ORI_W(T0, ZERO, 0x8001)); /* IM7, IE */
    guest_put(g, MTC0_W(T0, 12, 0));
    guest_put(g, MFC0_W(T0, 9, 0));
    guest_put(g, ADDIU_W(T0, T0, period));
    guest_put(g, MTC0_W(T0, 11, 0));
    guest_li(g, S0, GUEST_PAGES);
    guest_li(g, S1, 12345);
    guest_li(g, S3, 0xb80003f8); /* ttyS0 */
    guest_li(g, S5, 1103515245);
    guest_put(g, ADDU_W(S2, ZERO, ZERO));
    guest_put(g, ADDU_W(S4, ZERO, ZERO));
}

static inline void guest_next_random(struct guest *g)
{
    guest_put(g, MUL_W(S1, S1, S5));
    guest_put(g, ADDIU_W(S1, S1, 12345));
}

static inline void guest_reset_machine(struct guest *g)
{
    guest_li(g, T0, 0xbf000500);
    guest_put(g, ORI_W(T1, ZERO, 0x42));
    guest_put(g, SW_W(T1, 0, T0));
}

/* Places the south bridge's power management block at port 0x1000, and puts the machine to sleep
 * for good (little-endian). */
static inline void guest_power_off(struct guest *g)
{
    static const uint32_t config[4] = {0x80005340, 0x1001, 0x80005380, 1};
    guest_li(g, T0, 0xbbe00cf8);
    for (unsigned i = 0; i < 4; i++) {
        guest_li(g, T1, config[i]);
        guest_put(g, SW_W(T1, i % 2 * 4, T0));
    }
    guest_li(g, T0, 0xb8001000);
    guest_put(g, ORI_W(T1, ZERO, 0x20));
    guest_put(g, SB_W(T1, 5, T0));
}

/* Writes words all over 1 MiB; looks at the console every 64 of them, echoes what came ('R' resets,
 * 'P' powers off); prints, traps, and sleeps until the timer every 256. */
static inline void guest_worker(struct guest *g, unsigned period)
{
    guest_begin(g, period);
    guest_put(g, ORI_W(T1, ZERO, 1));
    guest_put(g, SB_W(T1, 1, S3)); /* the UART's received-data interrupt: somebody listens */
    unsigned loop = g->at;
    guest_next_random(g);
    guest_put(g, SRL_W(T0, S1, 14));
    guest_put(g, SLL_W(T0, T0, 2));
    guest_put(g, ADDU_W(T0, T0, S0));
    guest_put(g, SW_W(S1, 0, T0));
    guest_put(g, ADDIU_W(S2, S2, 1));
    guest_put(g, ANDI_W(T1, S2, 63));
    guest_back(g, BNE_W(T1, ZERO, 0), loop);
    guest_put(g, LBU_W(T2, 5, S3));
    guest_put(g, ANDI_W(T3, T2, 1));
    unsigned nothing = guest_forward(g, BEQ_W(T3, ZERO, 0));
    guest_put(g, LBU_W(T4, 0, S3));
    guest_put(g, ADDU_W(S4, S4, T4));
    guest_put(g, SB_W(T4, 0, S3));
    guest_put(g, ORI_W(T5, ZERO, 'R'));
    unsigned no_reset = guest_forward(g, BNE_W(T4, T5, 0));
    guest_reset_machine(g);
    guest_here(g, no_reset);
    guest_put(g, ORI_W(T5, ZERO, 'P'));
    unsigned no_off = guest_forward(g, BNE_W(T4, T5, 0));
    guest_power_off(g);
    guest_here(g, no_off);
    guest_here(g, nothing);
    guest_put(g, ANDI_W(T1, S2, 255));
    guest_back(g, BNE_W(T1, ZERO, 0), loop);
    guest_put(g, ORI_W(T4, ZERO, '.'));
    guest_put(g, SB_W(T4, 0, S3));
    guest_put(g, SYSCALL_W);
    guest_put(g, WAIT_W);
    guest_back(g, BEQ_W(ZERO, ZERO, 0), loop);
}

/* Writes random values of all sizes to random places of the board's space, reads there, and
 * sleeps now and then. */
static inline void guest_vandal(struct guest *g, unsigned period)
{
    guest_begin(g, period);
    /* Bases with their numbers of random bits. */
    static const struct {
        uint32_t base;
        unsigned bits;
    } place[] = {
        {0xb8000000, 10}, {0xb8000000, 16}, {0xbbe00000, 12}, {0xbf000000, 12}, {0xbf000900, 6},
        {0xb0000000, 20}, {0xb8200000, 22}, {0xb4000000, 12}, {0xb8001000, 8},  {0xbe000000, 22},
        {0xbbe00cf8, 3},  {0xb8000000, 7},  {0xa0000000, 29}, {0xb80003f8, 3},
    };
    unsigned loop = g->at;
    for (unsigned i = 0; i < ARRAY_LEN(place); i++) {
        guest_li(g, S6, place[i].base);
        guest_next_random(g);
        guest_put(g, SRL_W(T0, S1, 32 - place[i].bits));
        guest_put(g, ADDU_W(T0, T0, S6));
        guest_next_random(g);
        guest_put(g, SRL_W(T1, S1, 3));
        guest_put(g, SB_W(T1, 0, T0));
        guest_next_random(g);
        guest_put(g, SRL_W(T1, S1, 5));
        guest_put(g, SRL_W(T2, T0, 2));
        guest_put(g, SLL_W(T2, T2, 2));
        guest_put(g, SW_W(T1, 0, T2));
        guest_put(g, LW_W(T3, 0, T2));
        guest_put(g, SH_W(S1, 2, T2));
        guest_put(g, LBU_W(T4, 0, T0));
        guest_put(g, ADDU_W(S4, S4, T3));
        guest_put(g, ADDU_W(S4, S4, T4));
    }
    guest_put(g, ADDIU_W(S2, S2, 1));
    guest_put(g, ANDI_W(T1, S2, 31));
    guest_back(g, BNE_W(T1, ZERO, 0), loop);
    guest_put(g, WAIT_W);
    guest_back(g, BEQ_W(ZERO, ZERO, 0), loop);
}

#endif
