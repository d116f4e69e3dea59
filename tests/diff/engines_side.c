/*
 * A side: one processor and its environment. The environment does as the
 * monitor does: a page is given for writing only when it is asked for, and may
 * move to another frame then, with all translations dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "mips/ops.h"
#include "tests/diff/engines.h"

/* ---- memory ---- */

const uint8_t *side_pool(void)
{
    static uint8_t pool[ENG_POOL_SIZE];
    struct rng r = {4711};

    for (uint32_t i = 0; pool[0] == 0 && i < ENG_POOL_SIZE; i += 8) {
        uint64_t v = rng_below(&r, 4) ? rng_next(&r) : gen_float(&r);
        memcpy(pool + i, &v, 8);
        pool[0] |= 1;
    }
    return pool;
}

static uint8_t *frame_host(const struct eng_side *s, uint32_t frame)
{
    return s->frames + frame * PAGE_SIZE;
}

uint8_t *side_ram(const struct eng_side *s, uint32_t page)
{
    return frame_host(s, s->pmap[page]);
}

static void flush(struct eng_side *s)
{
    s->dirty = 0;
    mips_flush_pages(s->cpu);
}

/* To the page's other frame. */
static void move_page(struct eng_side *s, uint32_t page)
{
    uint8_t from = s->pmap[page], to = (uint8_t)(from ^ 1);
    uint32_t dirty = s->dirty;

    memcpy(frame_host(s, to), frame_host(s, from), PAGE_SIZE);
    s->pmap[page] = to;
    s->shared[page] = false;
    mips_code_changed(s->cpu, to, 0, (uint32_t)PAGE_SIZE);
    flush(s);
    s->dirty = dirty | 1u << page;
}

/* RAM page of a physical address, or -1. */
static int ram_page(uint64_t pa)
{
    if (pa >= ENG_ALIAS && pa < ENG_ALIAS + ENG_PAGES * PAGE_SIZE)
        pa -= ENG_ALIAS;
    return pa < ENG_PAGES * PAGE_SIZE ? (int)(pa >> PAGE_BITS) : -1;
}

static struct mips_page env_page(void *ctx, uint64_t pa, enum mips_access access)
{
    struct eng_side *s = ctx;
    int page = ram_page(pa);

    if (pa == ENG_ROM)
        return (struct mips_page){frame_host(s, ENG_ROM_FRAME), ENG_ROM_FRAME, false};
    if (page < 0)
        return (struct mips_page){NULL, 0, false};
    if (access == MIPS_WRITE) {
        if (s->shared[page])
            move_page(s, (uint32_t)page);
        s->dirty |= 1u << page;
    }
    return (struct mips_page){side_ram(s, (uint32_t)page), s->pmap[page], access == MIPS_WRITE};
}

static uint64_t env_machine_page(void *ctx, uint64_t ppn)
{
    const struct eng_side *s = ctx;
    int page = ram_page(ppn << PAGE_BITS);

    return page < 0 ? 0 : s->pmap[page] + 1u;
}

uint32_t side_word(const struct eng_side *s, uint32_t pa)
{
    int page = ram_page(pa);
    const uint8_t *at = pa >> PAGE_BITS == ENG_ROM >> PAGE_BITS ? frame_host(s, ENG_ROM_FRAME)
                        : page < 0                              ? NULL
                                                                : side_ram(s, (uint32_t)page);

    if (at == NULL)
        return 0;
    at += pa & PAGE_MASK & ~UINT64_C(3);
    return s->big ? ld_be32(at) : ld_le32(at);
}

static void write_outside(struct eng_side *s, uint32_t pa, const uint8_t *bytes, uint32_t n)
{
    for (uint32_t part; n != 0; n -= part, bytes += part, pa += part) {
        bool rom = pa >> PAGE_BITS == ENG_ROM >> PAGE_BITS;
        uint32_t offset = pa & (uint32_t)PAGE_MASK, page = pa >> PAGE_BITS & (ENG_PAGES - 1);
        uint32_t frame = rom ? ENG_ROM_FRAME : s->pmap[page];
        part = (uint32_t)min_u64(n, PAGE_SIZE - offset);
        memcpy(frame_host(s, frame) + offset, bytes, part);
        mips_code_changed(s->cpu, frame, offset, part);
        if (!rom)
            s->dirty |= 1u << page;
    }
}

static void put_word(struct eng_side *s, uint32_t pa, uint32_t w)
{
    uint8_t bytes[4];

    if (side_word(s, pa) == w)
        return;
    s->big ? st_be32(bytes, w) : st_le32(bytes, w);
    write_outside(s, pa, bytes, 4);
}

/* ---- the device ---- */

/* What an access does besides its value depends on its place and on the case. */
static bool device_does(struct eng_side *s, uint64_t pa)
{
    uint32_t n = (uint32_t)(pa >> 3) * 2654435761u ^ s->device;

    switch (n >> 8 & 31) {
    case 0:
        mips_request_stop(s->cpu);
        break;
    case 1:
    case 2:
        mips_set_irq(s->cpu, n >> 16 & 7, n >> 20 & 1);
        break;
    case 3:
        put_word(s, ENG_CODE + (n >> 13 & 0x5ffc), n);
        break;
    case 4:
        flush(s);
        break;
    case 5:
        return false;
    default:
        break;
    }
    return true;
}

static bool device_access(struct eng_side *s, uint64_t pa, uint64_t value, unsigned how)
{
    struct eng_io io = {mips_cycle(s->cpu), mips_pc(s->cpu), pa, value, how};

    if (s->n_io < ENG_IO)
        s->io[s->n_io++] = io;
    else
        s->io_dropped++;
    s->count++;
    return pa >> PAGE_BITS == ENG_DEVICE >> PAGE_BITS && device_does(s, pa);
}

static bool env_read(void *ctx, uint64_t pa, unsigned size, uint64_t *value)
{
    struct eng_side *s = ctx;
    struct rng r = {pa ^ s->count << 20 ^ s->device};

    *value = rng_next(&r);
    if (size < 8)
        *value &= (UINT64_C(1) << 8 * size) - 1;
    return device_access(s, pa, *value, size);
}

static bool env_write(void *ctx, uint64_t pa, unsigned size, uint64_t value)
{
    return device_access(ctx, pa, value, size | 16);
}

static void log_full(struct event_log *log)
{
    struct eng_side *s = container_of(log, struct eng_side, log);

    if (s->n_events == ENG_EVENTS) {
        s->events_dropped += ENG_EVENTS;
        s->n_events = 0;
    }
    s->events[s->n_events++] = event_unpack(&s->one);
    event_log_room(log, &s->one, sizeof s->one);
}

/* ---- life ---- */

struct eng_side *side_create(const struct eng_engine *engine, const struct eng_config *config)
{
    struct eng_side *s = xcalloc(1, sizeof *s);
    struct mips_env env = {.ctx = s, .page = env_page, .read = env_read, .write = env_write,
                           .machine_page = env_machine_page, .log = &s->log};

    s->engine = engine;
    s->model = mips_model_find(config->model);
    CHECK(s->model != NULL, "no model %s", config->model);
    s->big = config->big_endian;
    s->frames = aligned_alloc(PAGE_SIZE, (ENG_ROM_FRAME + 1) * PAGE_SIZE);
    CHECK(s->frames != NULL, "no memory for %u frames", ENG_ROM_FRAME + 1);
    for (uint32_t at = 0; at < (ENG_ROM_FRAME + 1) * PAGE_SIZE; at += 8) /* jr $31; nop */
        s->big ? st_be64(s->frames + at, 0x03e0000800000000) :
                 st_le64(s->frames + at, 0x0000000003e00008);
    for (uint32_t page = 0; page < ENG_PAGES; page++)
        s->pmap[page] = (uint8_t)(2 * page);
    s->log = (struct event_log){.full = log_full};
    event_log_room(&s->log, &s->one, sizeof s->one);
    s->cpu = mips_create(s->model, s->big, &env);
    mips_set_engine(s->cpu, engine->kind);
    return s;
}

void side_destroy(struct eng_side *s)
{
    mips_destroy(s->cpu);
    free(s->frames);
    free(s);
}

/* ---- a case ---- */

static void load_tlb(struct mips *cpu, const struct eng_case *c)
{
    for (unsigned i = 0; i < cpu->model->tlb_entries; i++) {
        const struct mips_tlb_entry *e = &c->tlb[i];
        cpu->tlb_vpn2[i] = e->vpn2;
        cpu->tlb_mask[i] = e->mask;
        cpu->tlb_asid[i] = (uint8_t)e->asid;
        cpu->tlb_lo[i][0] = e->lo[0];
        cpu->tlb_lo[i][1] = e->lo[1];
        cpu->tlb_global[i] = e->global;
        cpu->tlb_hidden[i] = e->hidden;
    }
}

/* As a debugger writes registers; but only what changes, for some of them drop
 * translations. */
static void write_c0(struct mips *cpu, unsigned index, uint32_t value)
{
    if (cpu->c0_mask[index] != 0 && cpu->c0[index] != sext32(value) &&
        cp0_index(cpu, gen_c0_number(index) >> 11, gen_c0_number(index) & 7) >= 0)
        cp0_write(cpu, index, sext32(value));
}

static void prepare_registers(struct mips *cpu, const struct eng_case *c)
{
    for (unsigned i = 1; i < 32; i++)
        mips_reg_write(cpu, i, c->gpr[i]);
    cpu->hi = sext32(c->hi);
    cpu->lo = sext32(c->lo);
    memcpy(cpu->fpr, c->fpr, sizeof cpu->fpr);
    if (cpu->model->fcr31_rw == 0)
        memset(cpu->fpr, 0, sizeof cpu->fpr);
    mips_reg_write(cpu, 70, (c->fcsr & cpu->model->fcr31_rw) | cpu->model->fcr31_reset);
    write_c0(cpu, C0_STATUS, c->status & ~(STATUS_IE | STATUS_EXL | STATUS_ERL));
    for (unsigned i = 0; i < c->n_c0; i++)
        write_c0(cpu, c->c0[i].index, c->c0[i].value);
    write_c0(cpu, C0_STATUS, c->status);
    for (unsigned line = 0; line < 6; line++)
        if (cpu->irq_lines >> line & 1)
            mips_set_irq(cpu, line, false);
    mips_reg_write(cpu, 37, c->pc);
}

void side_prepare(struct eng_side *s, const struct eng_case *c)
{
    struct mips *cpu = s->cpu;

    s->n_events = 0;
    s->events_dropped = s->io_dropped = 0;
    s->n_io = 0;
    s->device = c->device;
    s->count = 0;
    if (s->points_on)
        mips_set_points(cpu, NULL, 0, NULL, 0);
    s->points_on = false;
    for (uint32_t page = 0; page < ENG_PAGES; page++)
        if (c->data_pages >> page & 1)
            write_outside(s, page << PAGE_BITS, side_pool() + c->data_offset + page * PAGE_SIZE,
                          (uint32_t)PAGE_SIZE);
    for (unsigned i = 0; i < c->n_puts; i++)
        put_word(s, c->puts[i].pa, c->puts[i].w);
    if (c->full || cpu->c0[C0_DEBUG] & DEBUG_DM) {
        cpu->c0[C0_DEBUG] &= ~(uint64_t)DEBUG_DM;
        if (c->full)
            load_tlb(cpu, c);
        mips_state_loaded(cpu);
    }
    prepare_registers(cpu, c);
}

static void set_points(struct eng_side *s, const struct eng_case *c, bool on)
{
    mips_set_points(s->cpu, c->breaks, on ? c->n_breaks : 0, c->watches, on ? c->n_watches : 0);
    s->points_on = on;
}

void side_act(struct eng_side *s, const struct eng_case *c, const struct eng_action *a)
{
    switch ((enum eng_action_kind)a->kind) {
    case ACT_IRQ:
        mips_set_irq(s->cpu, a->a, a->b);
        break;
    case ACT_POKE:
        put_word(s, a->a, a->b);
        break;
    case ACT_DMA:
        write_outside(s, a->a, side_pool() + a->c, a->b);
        break;
    case ACT_FLUSH:
        flush(s);
        break;
    case ACT_CHANGED:
        mips_code_changed(s->cpu, s->pmap[a->a], 0, (uint32_t)PAGE_SIZE);
        break;
    case ACT_MOVE:
        move_page(s, a->a);
        break;
    case ACT_SHARE: /* and so may not be written without asking */
        s->shared[a->a] = s->moves;
        flush(s);
        break;
    case ACT_POINTS:
        set_points(s, c, a->b);
        break;
    case ACT_REG:
        mips_reg_write(s->cpu, a->a, a->b);
        break;
    case ACT_TIMER:
        write_c0(s->cpu, C0_COMPARE, timer_count(s->cpu) + a->a);
        break;
    case ACT_RESET:
        mips_reset(s->cpu);
        break;
    case ACT_RUN:
    case ACT_NONE:
        break;
    }
}

/* ---- running ---- */

static uint32_t word_at_pc(const struct eng_side *s)
{
    uint64_t pa = 0;

    return mips_translate(s->cpu, mips_pc(s->cpu), &pa) ? side_word(s, (uint32_t)pa) : 0;
}

static enum mips_stop run_unit(struct eng_side *s, bool pass)
{
    const struct eng_engine *e = s->engine;
    uint32_t w = e->before ? word_at_pc(s) : 0;
    bool hit = e->before && e->before(s, w);
    enum mips_stop stop = mips_run(s->cpu, mips_cycle(s->cpu) + 1, pass);

    if (hit)
        e->after(s, w);
    if (e->cold && mips_cycle(s->cpu) - s->flushed_at >= 7) {
        mips_flush_pages(s->cpu); /* what was given for writing is still ours: `dirty` stays */
        s->flushed_at = mips_cycle(s->cpu);
    }
    return stop;
}

enum mips_stop side_run(struct eng_side *s, uint64_t until, bool pass)
{
    enum mips_stop stop = MIPS_STOP_LIMIT;

    if (!s->engine->units)
        return mips_run(s->cpu, until, pass);
    while (mips_cycle(s->cpu) < until && stop == MIPS_STOP_LIMIT) {
        stop = run_unit(s, pass);
        pass = false;
    }
    return stop;
}
