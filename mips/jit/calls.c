/*
 * C that translated code calls: what it does not do itself. Each function gets
 * the place of its micro-op and its block's record, so that mips_steps() and
 * mips_pc() are exact inside, and run_leave finds the way out as it does for
 * the interpreter.
 */
#include "mips/jit/jit_fpu.h"
#include "mips/jit/trans.h"

#define O_CALL(fn) op_##fn,
#define O_END(fn)  op_##fn,
#define O_J(l) NULL,
#define O_JR(l) NULL,
#define O_BR(c) NULL,
#define O_BRL(c) NULL,
#define O_BAL(c) NULL,
#define O_BALL(c) NULL,
#define O_BRF(tf) NULL,
#define O_BRFL(tf) NULL,
#define O_ALU(op) NULL,
#define O_ALI(op) NULL,
#define O_ALZ(op) NULL,
#define O_ADS(op) NULL,
#define O_ADI(op) NULL,
#define O_LUI(x) NULL,
#define O_SHI(op) NULL,
#define O_SHV(op) NULL,
#define O_UN(op) NULL,
#define O_CLX(op) NULL,
#define O_EXT(x) NULL,
#define O_INS(x) NULL,
#define O_MOVC(rel) NULL,
#define O_MFHL(r) NULL,
#define O_MTHL(r) NULL,
#define O_MULT(t, tt) NULL,
#define O_TRAP(c) NULL,
#define O_TRAPI(c) NULL,
#define O_LD(bits, type) NULL,
#define O_LDX(op) NULL,
#define O_ST(bits) NULL,
#define O_NOP(x) NULL,

enum op_result (*const jit_helpers[INSN_COUNT])(struct mips *cpu, uint32_t w) = {
#define INSN(table, slot, id, isa, text, args, sem, attr) [INSN_##id] = O_##sem
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

static void arrive(struct mips *cpu, uint32_t uop, uint32_t record)
{
    jit_fpu_settle(cpu);
    const struct jit_record *r = &cpu->jit->records[record];
    cpu->cur = (struct block *)(void *)(cpu->arena + r->block);
    cpu->page_va = sext32(r->page_va);
    cpu->u = (const struct uop *)(void *)(cpu->arena + uop);
}

/* Is there something that mips_run must look at before the next unit? */
static bool wanted(const struct mips *cpu)
{
    return cpu->stopped || cpu->stop_request || cpu->waiting || cpu->look_up_limit ||
           cpu->c0[C0_CAUSE] & CAUSE_WP || exc_irq_ready(cpu);
}

/* Where to go on at cpu->pc. */
static const uint8_t *next(struct mips *cpu)
{
    const struct jit *jit = cpu->jit;
    /* In this order, for a load of several flags waits for a store to one of them, and that for all
     * stores before, of events too, to be in the cache. */
    bool look = wanted(cpu);
    cpu->leave = false;
    if (look)
        return jit->leave;
    const struct code_view *view = cpu->mode_cache->fetch[(uint32_t)cpu->pc >> PAGE_BITS];
    return view == NULL || cpu->pc & 3 ? jit->leave : view->entry[cpu->pc >> 2 & 1023];
}

static const uint8_t *finish(struct mips *cpu, enum op_result r)
{
    run_leave(cpu, cpu->u, r);
    return next(cpu);
}

static const uint8_t *load(struct mips *cpu, uint32_t va, unsigned size, bool is_signed)
{
    uint64_t value = 0;
    cpu->stats.slow_loads++;
    enum op_result r = mmu_load_slow(cpu, sext32(va), size, &value);
    if (size == 1)
        value = is_signed ? (uint64_t)(int8_t)value : (uint8_t)value;
    else if (size == 2)
        value = is_signed ? (uint64_t)(int16_t)value : (uint16_t)value;
    else
        value = sext32(value);
    cpu->jit_value = value;
    if (r == OP_OK)
        return NULL;
    if (r == OP_LEAVE)
        cpu->gpr[cpu->u->d] = value;
    return finish(cpu, r);
}

static const uint8_t *store(struct mips *cpu, uint32_t va, unsigned size)
{
    cpu->stats.slow_stores++;
    enum op_result r = mmu_store_slow(cpu, sext32(va), size, cpu->gpr[cpu->u->t]);
    return r == OP_OK ? NULL : finish(cpu, r);
}

#define LOAD(name, size, is_signed)                                                                \
    const uint8_t *jit_call_##name(struct mips *cpu, uint32_t va, uint32_t uop, uint32_t record)   \
    {                                                                                              \
        arrive(cpu, uop, record);                                                                  \
        return load(cpu, va, size, is_signed);                                                     \
    }
#define STORE(name, size)                                                                          \
    const uint8_t *jit_call_##name(struct mips *cpu, uint32_t va, uint32_t uop, uint32_t record)   \
    {                                                                                              \
        arrive(cpu, uop, record);                                                                  \
        return store(cpu, va, size);                                                               \
    }
LOAD(lb, 1, true)
LOAD(lbu, 1, false)
LOAD(lh, 2, true)
LOAD(lhu, 2, false)
LOAD(lw, 4, true)
STORE(sb, 1)
STORE(sh, 2)
STORE(sw, 4)

/* lwl and lwr: the aligned word around `va`, merged. */
const uint8_t *jit_call_ldx(struct mips *cpu, uint32_t va, uint32_t uop, uint32_t record)
{
    arrive(cpu, uop, record);
    const struct uop *u = cpu->u;
    uint64_t word = 0, old = cpu->gpr[u->t];
    cpu->fault_low = va & 3;
    enum op_result r = mmu_load(cpu, sext32(va & ~3u), 4, &word);
    cpu->fault_low = 0;
    unsigned at = 8 * (cpu->big_endian ? ~va & 3 : va & 3);
    uint64_t merged = u->op == cpu->labels[UOP_INSN + INSN_LWL]
                          ? word << (24 - at) | (old & UINT64_C(0x00ffffff) >> at)
                          : (word & UINT32_MAX) >> at | (old & ~(UINT64_C(0xffffffff) >> at));
    cpu->jit_value = sext32(merged);
    if (r <= OP_LEAVE)
        cpu->gpr[u->d] = sext32(merged);
    return r == OP_OK ? NULL : finish(cpu, r);
}

const uint8_t *jit_call_op(struct mips *cpu, uint32_t id, uint32_t uop, uint32_t record)
{
    arrive(cpu, uop, record);
    if (cpu->profile)
        cpu->helper_calls[id]++;
    enum mips_mode mode = cpu->mode;
    uint64_t generation = cpu->code.generation, flushes = cpu->flushes;
    enum op_result r = jit_helpers[id](cpu, cpu->u->imm);
    if (r == OP_OK)
        return NULL;
    /* What the interpreter leaves its block for is mostly nothing. */
    if (r == OP_LEAVE && decode_ends_block((enum insn_id)id) && cpu->mode == mode &&
        cpu->code.generation == generation && cpu->flushes == flushes && !wanted(cpu) &&
        !cpu->leave)
        return NULL;
    return finish(cpu, r);
}

/* An FPU instruction that its code could not do. Goes on behind the call only
 * if the state there is what that code is made for; `a` is its id and regs. */
const uint8_t *jit_call_fpu(struct mips *cpu, uint32_t a, uint32_t uop, uint32_t record)
{
    arrive(cpu, uop, record);
    uint32_t id = a & 0xffff;
    if (cpu->profile)
        cpu->helper_calls[id]++;
    enum op_result r = jit_helpers[id](cpu, cpu->u->imm);
    if (r == OP_OK && cpu->fp_regs == a >> 16 && jit_fpu_go_live(cpu))
        return NULL;
    return finish(cpu, r == OP_OK ? OP_LEAVE : r);
}

const uint8_t *jit_call_raise(struct mips *cpu, uint32_t code, uint32_t uop, uint32_t record)
{
    arrive(cpu, uop, record);
    return finish(cpu, exc_raise(cpu, (enum mips_exc)code));
}

const uint8_t *jit_call_no_fpu(struct mips *cpu, uint32_t unused, uint32_t uop, uint32_t record)
{
    (void)unused;
    arrive(cpu, uop, record);
    return finish(cpu, exc_coprocessor(cpu, 1));
}

/* A jump within its page was reached for the first time. */
const uint8_t *jit_call_link(struct mips *cpu, uint32_t va, uint32_t site, uint32_t record)
{
    struct jit *jit = cpu->jit;
    struct jit_record from = jit->records[record];
    jit_fpu_settle(cpu);
    cpu->pc = sext32(va);
    cpu->u = NULL;
    struct code_view *view = cpu->mode_cache->fetch[va >> PAGE_BITS];
    if (view == NULL) /* the list of entries was full, and began anew */
        return jit->leave;
    uint64_t generation = cpu->code.generation;
    const uint8_t *to = view->entry[va >> 2 & 1023];
    if (from.pins != 0 && to != jit->interpret)
        to = jit_translate_inner(cpu, view, cpu->pc, &from);
    else if (to == jit->translate)
        to = jit_translate(cpu, view, cpu->pc);
    if (to == jit->interpret)
        return jit->leave;
    if (generation == cpu->code.generation) {
        emit_patch(&jit->hot, jit->rw + site, to);
        cpu->stats.blocks_chained++;
    }
    if (from.pins == 0)
        return to;
    to = view->entry[va >> 2 & 1023]; /* this first time, by the usual entry */
    return to == jit->translate ? jit->leave : to;
}
