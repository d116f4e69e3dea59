/*
 * disco's processor on a rig of RAM alone. Breakpoints at the exception
 * vectors end each run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mips/mips.h"
#include "tests/diff/diff.h"

struct disco_engine {
    struct mips *cpu;
    bool big_endian;
    unsigned epc; /* number of this register */
    struct event_log log;
    struct event events[16];
    uint8_t *ram;
};

static struct mips_page rig_page(void *ctx, uint64_t pa, enum mips_access access)
{
    struct disco_engine *e = ctx;

    (void)access;
    if (pa >= DIFF_RAM)
        return (struct mips_page){0};
    return (struct mips_page){e->ram + pa, (uint32_t)(pa >> PAGE_BITS), true};
}

static bool rig_read(void *ctx, uint64_t pa, unsigned size, uint64_t *value)
{
    (void)ctx, (void)pa, (void)size;
    *value = 0;
    return false;
}

static bool rig_write(void *ctx, uint64_t pa, unsigned size, uint64_t value)
{
    (void)ctx, (void)pa, (void)size, (void)value;
    return false;
}

static uint64_t rig_machine_page(void *ctx, uint64_t ppn)
{
    (void)ctx;
    return ppn + 1;
}

static uint64_t sext(uint32_t v)
{
    return (uint64_t)(int64_t)(int32_t)v;
}

static void log_full(struct event_log *log)
{
    struct disco_engine *e = container_of(log, struct disco_engine, log);
    event_log_room(log, e->events, sizeof e->events);
}

static unsigned reg_number(const char *name)
{
    for (size_t i = 0; i < mips_regs_count; i++)
        if (strcmp(mips_regs[i].name, name) == 0)
            return mips_regs[i].number;
    fprintf(stderr, "no register %s\n", name);
    exit(2);
}

struct disco_engine *disco_open(const struct diff_model *model, bool big_endian,
                                enum mips_engine engine)
{
    struct disco_engine *e = calloc(1, sizeof(*e));
    const struct mips_model *m = mips_model_find(model->name);

    if (!e || !m) {
        fprintf(stderr, "no model %s\n", model->name);
        exit(2);
    }
    e->ram = calloc(1, DIFF_RAM);
    e->log = (struct event_log){.full = log_full};
    event_log_room(&e->log, e->events, sizeof e->events);
    struct mips_env env = {.ctx = e, .page = rig_page, .read = rig_read, .write = rig_write,
                           .machine_page = rig_machine_page, .log = &e->log};
    e->big_endian = big_endian;
    e->cpu = mips_create(m, big_endian, &env);
    mips_set_engine(e->cpu, engine);
    mips_reset(e->cpu);
    uint64_t vectors[] = {sext(DIFF_KSEG0), sext(DIFF_KSEG0 + DIFF_VECTOR)};
    mips_set_points(e->cpu, vectors, 2, NULL, 0);
    e->epc = reg_number("c0_epc");
    return e;
}

void disco_close(struct disco_engine *e)
{
    mips_destroy(e->cpu);
    free(e->ram);
    free(e);
}

static void put_code(struct disco_engine *e, uint32_t pa, const uint32_t *code, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        diff_put32(e->ram + pa + 4 * i, code[i], e->big_endian);
    mips_code_changed(e->cpu, pa >> PAGE_BITS, pa & (uint32_t)PAGE_MASK, 4 * n);
}

/* From `pa` to the next exception. Returns the steps done. */
static uint64_t run_at(struct disco_engine *e, const struct diff_case *c, uint32_t pa)
{
    uint64_t before = mips_steps(e->cpu);

    mips_reg_write(e->cpu, 32, diff_status(c));
    mips_reg_write(e->cpu, 37, sext(DIFF_KSEG0 + pa));
    enum mips_stop stop = mips_run(e->cpu, mips_cycle(e->cpu) + 1000, false);
    if (stop != MIPS_STOP_BREAK) {
        fprintf(stderr, "stopped for %d at %llx\n", stop, (unsigned long long)mips_pc(e->cpu));
        exit(2);
    }
    return mips_steps(e->cpu) - before;
}

void disco_run(struct disco_engine *e, const struct diff_case *c, struct diff_state *out)
{
    uint32_t fixed[48];
    uint32_t pa = diff_code_va(c) - DIFF_KSEG0;

    memcpy(e->ram + DIFF_DATA, c->data, DIFF_DATA_SIZE);
    if (c->fpu) {
        diff_fpu_pack(c, e->ram + DIFF_FPU);
        put_code(e, DIFF_LOAD, fixed, diff_fpu_load(c->fr, fixed));
        run_at(e, c, DIFF_LOAD);
    }
    diff_slot_image(c, e->ram + pa);
    mips_code_changed(e->cpu, pa >> PAGE_BITS, pa & (uint32_t)PAGE_MASK, DIFF_SLOT);
    for (unsigned i = 0; i < 32; i++)
        mips_reg_write(e->cpu, i, sext(c->gpr[i]));
    mips_reg_write(e->cpu, 33, sext(c->lo));
    mips_reg_write(e->cpu, 34, sext(c->hi));

    uint64_t steps = run_at(e, c, pa);
    uint32_t cause = (uint32_t)mips_reg_read(e->cpu, 36);
    bool in_slot = cause >> 31;
    for (unsigned i = 0; i < 32; i++)
        out->gpr[i] = (uint32_t)mips_reg_read(e->cpu, i);
    out->lo = (uint32_t)mips_reg_read(e->cpu, 33);
    out->hi = (uint32_t)mips_reg_read(e->cpu, 34);
    out->epc = (uint32_t)mips_reg_read(e->cpu, e->epc) + (in_slot ? 4 : 0);
    out->exc = cause >> 2 & 31;
    out->retired = (uint32_t)steps - 1;
    memcpy(out->data, e->ram + DIFF_DATA, DIFF_DATA_SIZE);

    put_code(e, DIFF_STORE, fixed, diff_fpu_store(c->fr, c->fpu, fixed));
    run_at(e, c, DIFF_STORE);
    diff_fpu_unpack(c, e->ram + DIFF_FPU, out);
}
