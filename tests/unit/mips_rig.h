/*
 * A processor with flat RAM for tests: physical memory from 0, everything else
 * is a device that records its last access and returns what the test wants.
 * Header-only: each test program is one file.
 */
#ifndef TESTS_UNIT_MIPS_RIG_H
#define TESTS_UNIT_MIPS_RIG_H

#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "mips/ops.h"

#define RIG_EVENTS 4096

/* Of the rigs that are made from now on. */
static enum mips_engine rig_engine;

struct rig {
    struct mips_model model;
    struct mips *cpu;
    uint8_t *ram;
    uint64_t ram_size;
    bool big;
    struct event_log log;
    struct event one; /* the log's memory */
    struct event events[RIG_EVENTS]; /* when they are full, all are dropped */
    unsigned n_events;
    uint64_t events_dropped;
    /* Device: */
    uint64_t io_reads, io_writes, io_pa, io_value, io_step;
    uint64_t io_answer;
    int irq_on_write; /* line to raise at the next device write, -1 none */
    bool stop_on_write;
};

static struct mips_page rig_page(void *ctx, uint64_t pa, enum mips_access access)
{
    struct rig *r = ctx;
    (void)access;
    if (pa >= r->ram_size)
        return (struct mips_page){NULL, 0, false};
    return (struct mips_page){r->ram + pa, (uint32_t)(pa >> PAGE_BITS), true};
}

static bool rig_read(void *ctx, uint64_t pa, unsigned size, uint64_t *value)
{
    struct rig *r = ctx;
    (void)size;
    r->io_reads++;
    r->io_pa = pa;
    r->io_step = mips_steps(r->cpu);
    *value = r->io_answer;
    return pa < 0x1f000000 + 0x1000000;
}

static bool rig_write(void *ctx, uint64_t pa, unsigned size, uint64_t value)
{
    struct rig *r = ctx;
    (void)size;
    r->io_writes++;
    r->io_pa = pa;
    r->io_value = value;
    r->io_step = mips_steps(r->cpu);
    if (r->irq_on_write >= 0)
        mips_set_irq(r->cpu, (unsigned)r->irq_on_write, true);
    if (r->stop_on_write)
        mips_request_stop(r->cpu);
    return pa < 0x1f000000 + 0x1000000;
}

static uint64_t rig_machine_page(void *ctx, uint64_t ppn)
{
    struct rig *r = ctx;
    return ppn < r->ram_size >> PAGE_BITS ? ppn + 1 : 0;
}

static void rig_full(struct event_log *log)
{
    struct rig *r = container_of(log, struct rig, log);
    r->events[r->n_events++] = event_unpack(&r->one);
    if (r->n_events == RIG_EVENTS) {
        r->events_dropped += RIG_EVENTS;
        r->n_events = 0;
    }
    event_log_room(log, &r->one, sizeof r->one);
}

static inline struct rig *rig_create(const char *model, bool big, uint64_t ram_size)
{
    struct rig *r = xcalloc(1, sizeof *r);
    r->ram = aligned_alloc(4096, ram_size);
    CHECK(r->ram != NULL, "no memory for the rig");
    memset(r->ram, 0, ram_size);
    r->ram_size = ram_size;
    r->big = big;
    r->irq_on_write = -1;
    r->log = (struct event_log){.full = rig_full};
    event_log_room(&r->log, &r->one, sizeof r->one);
    struct mips_env env = {.ctx = r, .page = rig_page, .read = rig_read, .write = rig_write,
                           .machine_page = rig_machine_page, .log = &r->log};
    CHECK(mips_model_parse(model, &r->model), "no model %s", model);
    r->cpu = mips_create(&r->model, big, &env);
    mips_set_engine(r->cpu, rig_engine);
    return r;
}

static inline void rig_destroy(struct rig *r)
{
    mips_destroy(r->cpu);
    free(r->ram);
    free(r);
}

static inline void rig_put(struct rig *r, uint64_t pa, uint32_t w)
{
    if (r->big)
        st_be32(r->ram + pa, w);
    else
        st_le32(r->ram + pa, w);
    mips_code_changed(r->cpu, (uint32_t)(pa >> PAGE_BITS), pa & PAGE_MASK, 4);
}

static inline uint32_t rig_get(const struct rig *r, uint64_t pa)
{
    return r->big ? ld_be32(r->ram + pa) : ld_le32(r->ram + pa);
}

static inline void rig_code(struct rig *r, uint64_t pa, const uint32_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rig_put(r, pa + 4 * i, words[i]);
}

#define RIG_KSEG0 UINT64_C(0xffffffff80000000)

/* Kernel mode out of reset's way (no ERL, no BEV), at kseg0 address of `pa`. */
static inline void rig_start(struct rig *r, uint64_t pa, uint32_t status)
{
    r->cpu->c0[C0_STATUS] = status;
    r->cpu->pc = RIG_KSEG0 | pa;
    mips_state_loaded(r->cpu);
}

/* Run for `n` cycles. */
static inline enum mips_stop rig_run(struct rig *r, uint64_t n)
{
    return mips_run(r->cpu, mips_cycle(r->cpu) + n, false);
}

#endif
