/*
 * The engines by name, and engines that are broken on purpose: the interpreter,
 * unit by unit, with one wrong result in one situation. Each stands for a kind
 * of fault that a translator may have; the harness must find all.
 */
#include <string.h>

#include "mips/ops.h"
#include "tests/diff/engines.h"

static struct eng_trace trace[ENG_TRACE];
static unsigned traced; /* units in all */

static bool before_trace(struct eng_side *s, uint32_t w)
{
    trace[traced++ % ENG_TRACE] = (struct eng_trace){mips_pc(s->cpu), w};
    return false;
}

unsigned engine_trace(struct eng_trace *out)
{
    unsigned n = traced < ENG_TRACE ? traced : ENG_TRACE;

    for (unsigned i = 0; i < n; i++)
        out[i] = trace[(traced - n + i) % ENG_TRACE];
    traced = 0;
    return n;
}

static const struct eng_engine engines[] = {
    {"interp", MIPS_INTERP, false, false, NULL, NULL},
    {"jit", MIPS_JIT, false, false, NULL, NULL},
    {"units", MIPS_INTERP, true, false, NULL, NULL},
    {"cold", MIPS_INTERP, true, true, NULL, NULL},
    {"jit-units", MIPS_JIT, true, false, NULL, NULL},
    {"jit-cold", MIPS_JIT, true, true, NULL, NULL},
    {"trace", MIPS_INTERP, true, false, before_trace, NULL},
};

static bool is_taken(const struct eng_side *s)
{
    return mips_pc(s->cpu) != s->scratch + 4;
}

/* ---- a compare of signed numbers taken for one of unsigned ---- */

static bool before_slt(struct eng_side *s, uint32_t w)
{
    return insn_find(w) == INSN_SLT && w_rd(w) != 0 &&
           (int64_t)(s->cpu->gpr[w_rs(w)] ^ s->cpu->gpr[w_rt(w)]) < 0;
}

static void after_slt(struct eng_side *s, uint32_t w)
{
    s->cpu->gpr[w_rd(w)] ^= 1;
}

/* ---- a load in the slot of a branch that is taken ---- */

static bool before_slot(struct eng_side *s, uint32_t w)
{
    uint64_t pa = 0;

    if (!(insn_info[insn_find(w)].attr & BRANCH) ||
        !mips_translate(s->cpu, mips_pc(s->cpu) + 4, &pa))
        return false;
    s->scratch = mips_pc(s->cpu) + 4;
    s->scratch2 = side_word(s, (uint32_t)pa);
    return insn_find((uint32_t)s->scratch2) == INSN_LW && w_rt((uint32_t)s->scratch2) != 0;
}

static void after_slot(struct eng_side *s, uint32_t w)
{
    uint32_t load = (uint32_t)s->scratch2;
    (void)w;

    if (is_taken(s) && !(s->cpu->c0[C0_STATUS] & STATUS_EXL))
        s->cpu->gpr[w_rt(load)] ^= 0x100;
}

/* ---- the inexact flag of a division lost ---- */

static bool before_div(struct eng_side *s, uint32_t w)
{
    return insn_find(w) == INSN_DIV_S && !(s->cpu->fcsr & 4);
}

static void after_div(struct eng_side *s, uint32_t w)
{
    (void)w;
    s->cpu->fcsr &= ~4u;
}

/* ---- a byte store that goes wrong in memory, in kseg0 ---- */

static bool before_store(struct eng_side *s, uint32_t w)
{
    s->scratch = (uint32_t)s->cpu->gpr[w_rs(w)] + (uint32_t)w_simm(w);
    return insn_find(w) == INSN_SB && s->scratch - 0x80000000u < ENG_PAGES * PAGE_SIZE;
}

static void after_store(struct eng_side *s, uint32_t w)
{
    uint32_t pa = (uint32_t)s->scratch - 0x80000000u;
    (void)w;

    side_ram(s, pa >> PAGE_BITS)[pa & PAGE_MASK] ^= 0x40;
}

/* ---- a counter ---- */

static bool before_eret(struct eng_side *s, uint32_t w)
{
    (void)s;
    return insn_find(w) == INSN_ERET;
}

static void after_eret(struct eng_side *s, uint32_t w)
{
    (void)w;
    s->cpu->skipped++;
}

/* ---- an event that is not there ---- */

static bool before_syscall(struct eng_side *s, uint32_t w)
{
    s->scratch = s->n_events;
    return insn_find(w) == INSN_SYSCALL;
}

static void after_syscall(struct eng_side *s, uint32_t w)
{
    (void)w;
    s->n_events = (unsigned)s->scratch;
}

/* ---- a device's access at the wrong time ---- */

static bool before_device(struct eng_side *s, uint32_t w)
{
    s->scratch = s->n_io;
    return insn_find(w) == INSN_LBU;
}

static void after_device(struct eng_side *s, uint32_t w)
{
    (void)w;
    if (s->n_io > s->scratch)
        s->io[s->n_io - 1].cycle++;
}

/* ---- code that is not the newest: a store into code undone ---- */

static bool before_stale(struct eng_side *s, uint32_t w)
{
    uint64_t pa = 0;
    uint32_t va = (uint32_t)s->cpu->gpr[w_rs(w)] + (uint32_t)w_simm(w);

    if (insn_find(w) != INSN_SW || !mips_translate(s->cpu, sext32(va), &pa) ||
        pa - ENG_CODE >= ENG_CODE_PAGES * PAGE_SIZE || pa & 3)
        return false;
    s->scratch = pa;
    s->scratch2 = side_word(s, (uint32_t)pa);
    return true;
}

static void after_stale(struct eng_side *s, uint32_t w)
{
    uint32_t page = (uint32_t)(s->scratch >> PAGE_BITS);
    uint8_t *at = side_ram(s, page) + (s->scratch & PAGE_MASK);
    uint32_t old = (uint32_t)s->scratch2;
    (void)w;

    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(old >> (s->big ? 24 - 8 * i : 8 * i));
    mips_code_changed(s->cpu, s->pmap[page], (uint32_t)(s->scratch & PAGE_MASK), 4);
}

static const struct eng_engine planted[] = {
    {"broken-slt", MIPS_INTERP, true, false, before_slt, after_slt},
    {"broken-slot", MIPS_INTERP, true, false, before_slot, after_slot},
    {"broken-div", MIPS_INTERP, true, false, before_div, after_div},
    {"broken-store", MIPS_INTERP, true, false, before_store, after_store},
    {"broken-eret", MIPS_INTERP, true, false, before_eret, after_eret},
    {"broken-event", MIPS_INTERP, true, false, before_syscall, after_syscall},
    {"broken-device", MIPS_INTERP, true, false, before_device, after_device},
    {"broken-stale", MIPS_INTERP, true, false, before_stale, after_stale},
};

const struct eng_engine *engine_planted(unsigned i)
{
    return i < ARRAY_LEN(planted) ? &planted[i] : NULL;
}

const struct eng_engine *engine_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(engines); i++)
        if (strcmp(engines[i].name, name) == 0)
            return &engines[i];
    for (unsigned i = 0; i < ARRAY_LEN(planted); i++)
        if (strcmp(planted[i].name, name) == 0)
            return &planted[i];
    return NULL;
}
