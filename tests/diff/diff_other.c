/*
 * libunicorn as the other implementation. What has to be known about it:
 *   - FPU registers cannot be named: loaded and stored by code.
 *   - The pc after an exception is not reliable; a hook on each instruction of
 *     the body notes the last one begun, and counts.
 *   - The hook also sees a slot that a branch-likely nullifies, so a jump from
 *     there to the next instruction does not count it. diff_gen.c gives no
 *     branch-likely that target when taken.
 *   - An exception in a delay slot leaves it in mid-branch: what runs next is
 *     taken for the slot. So a nop runs next, the stale branch jumps into the
 *     body, which consists of nops by then, and the hook stops it there. A
 *     saved context from before the first run starts each case afresh.
 *   - Asking for a number of instructions to run costs a gigabyte of memset.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "tests/diff/diff.h"

#define NOP_PAGE 0x9000u

struct other_engine {
    uc_engine *uc;
    uc_context *clean;
    bool big_endian;
    bool draining;
    int64_t exception; /* unicorn's number, or -1 */
    const struct diff_case *running;
    uint32_t last_pc, before_pc, begun;
};

static uint32_t word_at(const struct diff_case *c, uint32_t va)
{
    uint32_t i = (va - diff_code_va(c)) / 4;

    return i < c->words ? c->code[i] : 0;
}

static void must(uc_err err, const char *what)
{
    if (err != UC_ERR_OK) {
        fprintf(stderr, "unicorn: %s: %s\n", what, uc_strerror(err));
        exit(2);
    }
}

static void on_exception(uc_engine *uc, uint32_t number, void *ctx)
{
    struct other_engine *e = ctx;

    e->exception = number;
    uc_emu_stop(uc);
}

static void on_instruction(uc_engine *uc, uint64_t va, uint32_t size, void *ctx)
{
    struct other_engine *e = ctx;

    (void)size;
    if (e->draining)
        uc_emu_stop(uc);
    if (e->begun >= 2 && e->last_pc == e->before_pc + 4 && va == e->last_pc + 4 &&
        diff_is_likely(word_at(e->running, e->before_pc)))
        e->begun--;
    e->before_pc = e->last_pc;
    e->last_pc = (uint32_t)va;
    e->begun++;
}

struct other_engine *other_open(const struct diff_model *model, bool big_endian)
{
    struct other_engine *e = calloc(1, sizeof(*e));
    uc_mode mode = UC_MODE_MIPS32 | (big_endian ? UC_MODE_BIG_ENDIAN : UC_MODE_LITTLE_ENDIAN);
    uc_hook hook;

    if (!e)
        exit(2);
    e->big_endian = big_endian;
    must(uc_open(UC_ARCH_MIPS, mode, &e->uc), "open");
    must(uc_ctl_set_cpu_model(e->uc, model->unicorn), "model");
    must(uc_mem_map(e->uc, 0, DIFF_RAM, UC_PROT_ALL), "map");
    must(uc_hook_add(e->uc, &hook, UC_HOOK_INTR, (void *)on_exception, e, (uint64_t)1,
                     (uint64_t)0), "hook");
    must(uc_hook_add(e->uc, &hook, UC_HOOK_CODE, (void *)on_instruction, e,
                     (uint64_t)(DIFF_KSEG0 + DIFF_CODE), (uint64_t)(DIFF_KSEG0 + DIFF_RAM)),
         "hook");
    must(uc_context_alloc(e->uc, &e->clean), "context");
    must(uc_context_save(e->uc, e->clean), "context");
    return e;
}

void other_close(struct other_engine *e)
{
    uc_context_free(e->clean);
    uc_close(e->uc);
    free(e);
}

static void put(struct other_engine *e, uint32_t pa, const uint8_t *bytes, size_t size)
{
    must(uc_mem_write(e->uc, pa, bytes, size), "write");
    must(uc_ctl_remove_cache(e->uc, DIFF_KSEG0 + pa, DIFF_KSEG0 + pa + size), "cache");
}

static void put_code(struct other_engine *e, uint32_t pa, const uint32_t *code, unsigned n)
{
    uint8_t bytes[4 * 48];

    for (unsigned i = 0; i < n; i++)
        diff_put32(bytes + 4 * i, code[i], e->big_endian);
    put(e, pa, bytes, 4 * n);
}

static void run_at(struct other_engine *e, uint32_t pa, uint32_t until)
{
    e->exception = -1;
    uc_err err = uc_emu_start(e->uc, DIFF_KSEG0 + pa, DIFF_KSEG0 + until, 0, 0);
    if (err != UC_ERR_OK)
        e->exception = 100 + err; /* shown as a difference */
}

/* Cause.ExcCode of unicorn's exception number. */
static uint32_t exc_code(int64_t number)
{
    switch (number) {
    case 12:
        return 4; /* AdEL */
    case 13:
        return 5; /* AdES */
    case 17:
        return 8; /* Sys */
    case 18:
        return 9; /* Bp */
    case 19:
        return 11; /* CpU */
    case 20:
        return 10; /* RI */
    case 21:
        return 12; /* Ov */
    case 22:
        return 13; /* Tr */
    case 23:
        return 15; /* FPE */
    default:
        return 1000 + (uint32_t)number; /* none that a case can raise */
    }
}

static void get_state(struct other_engine *e, const struct diff_case *c, struct diff_state *out)
{
    for (int i = 0; i < 32; i++)
        uc_reg_read(e->uc, UC_MIPS_REG_0 + i, &out->gpr[i]);
    uc_reg_read(e->uc, UC_MIPS_REG_LO, &out->lo);
    uc_reg_read(e->uc, UC_MIPS_REG_HI, &out->hi);
    out->exc = exc_code(e->exception);
    out->epc = e->last_pc;
    out->retired = e->begun - 1;
    if (e->begun > 1 && e->last_pc == e->before_pc + 4 &&
        diff_is_branch(word_at(c, e->before_pc))) {
        out->retired--; /* in a delay slot: the branch is undone */
    }
    must(uc_mem_read(e->uc, DIFF_DATA, out->data, DIFF_DATA_SIZE), "read");
}

static void drain(struct other_engine *e, uint32_t pa)
{
    static const uint8_t nops[DIFF_SLOT];

    put(e, pa, nops, DIFF_SLOT);
    e->draining = true;
    run_at(e, NOP_PAGE, NOP_PAGE + 8);
    e->draining = false;
}

bool other_run(struct other_engine *e, const struct diff_case *c, struct diff_state *out)
{
    uint32_t status = diff_status(c);
    uint32_t pa = diff_code_va(c) - DIFF_KSEG0;
    uint32_t fixed[48];
    uint8_t fpu[DIFF_FPU_SIZE], image[DIFF_SLOT];
    unsigned n;

    must(uc_context_restore(e->uc, e->clean), "restore");
    must(uc_reg_write(e->uc, UC_MIPS_REG_CP0_STATUS, &status), "status");
    must(uc_mem_write(e->uc, DIFF_DATA, c->data, DIFF_DATA_SIZE), "write");
    if (c->fpu) {
        diff_fpu_pack(c, fpu);
        must(uc_mem_write(e->uc, DIFF_FPU, fpu, DIFF_FPU_SIZE), "write");
        n = diff_fpu_load(c->fr, fixed);
        put_code(e, DIFF_LOAD, fixed, n);
        run_at(e, DIFF_LOAD, DIFF_LOAD + 4 * (n - 1));
    }
    diff_slot_image(c, image);
    put(e, pa, image, DIFF_SLOT);
    for (int i = 1; i < 32; i++)
        uc_reg_write(e->uc, UC_MIPS_REG_0 + i, &c->gpr[i]);
    uc_reg_write(e->uc, UC_MIPS_REG_LO, &c->lo);
    uc_reg_write(e->uc, UC_MIPS_REG_HI, &c->hi);

    e->running = c;
    e->begun = e->last_pc = e->before_pc = 0;
    run_at(e, pa, DIFF_RAM);
    get_state(e, c, out);

    drain(e, pa);
    n = diff_fpu_store(c->fr, c->fpu, fixed);
    put_code(e, DIFF_STORE, fixed, n);
    run_at(e, DIFF_STORE, DIFF_STORE + 4 * (n - 1));
    must(uc_mem_read(e->uc, DIFF_FPU, fpu, DIFF_FPU_SIZE), "read");
    diff_fpu_unpack(c, fpu, out);
    return true;
}
