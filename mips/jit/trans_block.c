/*
 * One block of the interpreter (decode.c) as machine code.
 *
 * The micro-ops stay as the description of the block: a call out of the code
 * names one of them, and run_leave works as after the interpreter.
 *
 *     entry:   sub r15, steps of the block
 *              js   cold: add them again, leave at the block's address
 *              instructions
 *              slot, compare, jcc taken, jmp not taken
 *
 * The slot's code comes before that of its branch whenever the slot does not
 * disturb what the branch looks at (at most one register that it does disturb
 * is kept in rdx). Nothing of the branch is in memory then, so a call out of
 * the slot catches up on that first (trans_catch_up). Else the branch leaves
 * all in memory, as in the interpreter, and looks at it after the slot.
 *
 * Jumps in the page go by `link` to C when they are first taken, which patches
 * them. They never need to be undone: the code of a page is forgotten as a
 * whole. Jumps to other pages look at the fetch entry of the page each time.
 */
#ifdef __x86_64__
#include "core/base/err.h"
#include "mips/jit/trans.h"
#include "mips/jit/trans_op.h"

struct branch {
    uint8_t cond; /* enum jit_cond */
    bool is_branch, likely, links, by_register;
};

#define J_CALL(fn)       {jit_helper, 0}, {0}
#define J_END(fn)        {jit_helper, 0}, {0}
#define J_J(l)           {NULL, 0}, {COND_ALWAYS, true, false, l, false}
#define J_JR(l)          {NULL, 0}, {COND_REGISTER, true, false, l, true}
#define J_BR(c)          {NULL, 0}, {COND_##c, true, false, false, false}
#define J_BRL(c)         {NULL, 0}, {COND_##c, true, true, false, false}
#define J_BAL(c)         {NULL, 0}, {COND_##c, true, false, true, false}
#define J_BALL(c)        {NULL, 0}, {COND_##c, true, true, true, false}
#define J_BRF(tf)        {NULL, 0}, {COND_FCC##tf, true, false, false, false}
#define J_BRFL(tf)       {NULL, 0}, {COND_FCC##tf, true, true, false, false}
#define J_ALU(op)        {jit_alu, JOP_##op}, {0}
#define J_ALI(op)        {jit_imm, JOP_##op}, {0}
#define J_ALZ(op)        {jit_imm, JOP_##op}, {0}
#define J_ADS(op)        {jit_trapping, JOP_##op}, {0}
#define J_ADI(x)         {jit_trapping, JOP_ADI}, {0}
#define J_LUI(x)         {jit_lui, 0}, {0}
#define J_SHI(op)        {jit_shift, JOP_##op}, {0}
#define J_SHV(op)        {jit_shift_reg, JOP_##op}, {0}
#define J_UN(op)         {jit_unary, JOP_##op}, {0}
#define J_CLX(op)        {jit_clx, JOP_##op}, {0}
#define J_EXT(x)         {jit_ext, 0}, {0}
#define J_INS(x)         {jit_ins, 0}, {0}
#define J_MOVC(rel)      {jit_movc, 1 rel 1}, {0}
#define J_MFHL(r)        {jit_mfhl, JOP_##r}, {0}
#define J_MTHL(r)        {jit_mthl, JOP_##r}, {0}
#define J_MULT(type, w)  {jit_mult, JOP_##type}, {0}
#define J_TRAP(c)        {jit_trap, JOP_TRAP_##c}, {0}
#define J_TRAPI(c)       {jit_trap_imm, JOP_TRAP_##c}, {0}
#define J_LD(bits, type) {jit_load, JOP_##type}, {0}
#define J_LDX(op)        {jit_load_part, JOP_##op}, {0}
#define J_ST(bits)       {jit_store, (bits) / 8}, {0}
#define J_NOP(x)         {jit_nop, 0}, {0}

static const struct {
    struct {
        jit_insn_fn *fn;
        uint8_t op;
    } how;
    struct branch branch;
} insns[INSN_COUNT] = {
#define INSN(table, slot, id, text, args, sem, attr) [INSN_##id] = {J_##sem},
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

/* ---- calls out ---- */

static uint32_t in_arena(const struct trans *t, const void *p)
{
    return (uint32_t)((const uint8_t *)p - t->cpu->arena);
}

void trans_call_out(struct trans *t, struct emit *e, enum jit_call call)
{
    if (t->kept)
        emit_mov_mr(e, 4, mem_at(RBP, CPU(jit_kept)), RDX);
    emit_mov_ri(e, RDX, in_arena(t, t->u));
    emit_mov_ri(e, RCX, t->record);
    emit_call(e, t->pins->call[call]);
    t->fpu_live = false;
    if (t->kept)
        emit_mov_rm(e, 4, RDX, mem_at(RBP, CPU(jit_kept)));
}

void trans_helper(struct trans *t)
{
    trans_catch_up(t, t->e);
    emit_mov_ri(t->e, RAX, t->id);
    trans_call_out(t, t->e, CALL_op);
}

void trans_cold_helper(struct trans *t, uint8_t *site)
{
    emit_patch(t->c, site, emit_here(t->c));
    trans_catch_up(t, t->c);
    emit_mov_ri(t->c, RAX, t->id);
    trans_call_out(t, t->c, CALL_op);
    emit_jmp(t->c, emit_here(t->e));
}

void jit_helper(struct trans *t, unsigned op)
{
    (void)op;
    if (jit_inline_helper(t) || jit_inline_system(t) || jit_inline_fpu(t))
        return;
    trans_helper(t);
    t->left = decode_ends_block(t->id);
}

static void raise_now(struct trans *t, struct emit *e, enum mips_exc code)
{
    trans_catch_up(t, e);
    emit_mov_ri(e, RAX, (uint64_t)code);
    trans_call_out(t, e, CALL_raise);
}

void trans_raise_if(struct trans *t, enum host_cc cc, enum mips_exc code)
{
    uint8_t *away = emit_jcc_later(t->e, cc);
    emit_patch(t->e, away, emit_here(t->c));
    raise_now(t, t->c, code);
}

/* ---- where to go on ---- */

static int32_t fetch_table(const struct trans *t)
{
    return (int32_t)(CPU(modes) + t->mode * sizeof(struct mode_cache) +
                     offsetof(struct mode_cache, fetch));
}

static int32_t entry_offset(uint32_t va)
{
    return (int32_t)(offsetof(struct code_view, entry) + (va >> 2 & 1023) * sizeof(void *));
}

static bool in_page(const struct trans *t, uint32_t va)
{
    return (va & ~(uint32_t)PAGE_MASK) == t->page_va;
}

/* Inside of the loop whose pins this block has. */
static bool in_loop(const struct trans *t, uint32_t va)
{
    return t->pins != t->jit->pins && in_page(t, va) && (va & PAGE_MASK) >= t->loop_start &&
           (va & PAGE_MASK) < t->loop_end;
}

/* Code in this page, for the pins at hand, that is there already, else NULL. */
static const uint8_t *known_target(const struct trans *t, uint32_t va)
{
    unsigned word = va >> 2 & 1023;
    if (t->pins != t->jit->pins)
        return loop_inner_find(t->jit, t->view, word, (unsigned)(t->pins - t->jit->pins));
    const uint8_t *code = t->view->entry[word];
    return code == t->jit->translate || code == t->jit->interpret ? NULL : code;
}

/* Cold code for a jump in the page that was never taken. */
static void patch_to_link(struct trans *t, uint8_t *site, uint32_t va)
{
    emit_patch(t->e, site, emit_here(t->c));
    emit_mov_ri(t->c, RAX, va);
    emit_mov_ri(t->c, RDX, (uint64_t)(site - t->jit->rw));
    emit_mov_ri(t->c, RCX, t->record);
    emit_jmp(t->c, t->pins->link);
}

/* In the page, with the pins at hand there too. */
static void goto_near(struct trans *t, struct emit *e, uint32_t va)
{
    const uint8_t *known = known_target(t, va);
    if (known != NULL)
        emit_jmp(e, known);
    else
        patch_to_link(t, emit_jmp_later(e), va);
}

static void goto_far(struct trans *t, struct emit *e, uint32_t va)
{
    emit_mov_rm(e, 8, RCX, mem_at(RBP, fetch_table(t) + (int32_t)(va >> PAGE_BITS) * 8));
    emit_mov_ri(e, RAX, va);
    emit_test_rr(e, 8, RCX, RCX);
    emit_jcc(e, CC_E, t->jit->pins->leave_at);
    emit_jmp_m(e, mem_at(RCX, entry_offset(va)));
}

/* Out of the loop, if this is one: the usual pins. Leaves eax alone. */
static void usual_pins(struct trans *t, struct emit *e)
{
    if (t->pins != t->jit->pins)
        loop_change_pins(e, t->pins, t->jit->pins);
}

void trans_goto(struct trans *t, struct emit *e, uint32_t va)
{
    if (in_loop(t, va)) {
        goto_near(t, e, va);
        return;
    }
    const struct jit_pins *pins = t->pins;
    uint32_t record = t->record;
    usual_pins(t, e);
    t->pins = t->jit->pins;
    t->record = t->usual_record;
    if (in_page(t, va))
        goto_near(t, e, va);
    else
        goto_far(t, e, va);
    t->pins = pins;
    t->record = record;
}

static void goto_if(struct trans *t, enum host_cc cc, uint32_t va)
{
    bool same_pins = t->pins == t->jit->pins || in_loop(t, va);
    const uint8_t *known = same_pins && in_page(t, va) ? known_target(t, va) : NULL;
    if (known != NULL) {
        emit_jcc(t->e, cc, known);
        return;
    }
    uint8_t *site = emit_jcc_later(t->e, cc);
    if (same_pins && in_page(t, va)) {
        patch_to_link(t, site, va);
    } else {
        emit_patch(t->e, site, emit_here(t->c));
        trans_goto(t, t->c, va);
    }
}

void trans_goto_eax(struct trans *t)
{
    struct emit *e = t->e;
    usual_pins(t, e);
    emit_mov_rr(e, 4, RCX, RAX);
    emit_shift_ri(e, HOST_SHR, 4, RCX, PAGE_BITS);
    emit_mov_rm(e, 8, RCX, mem_index(RBP, RCX, 8, fetch_table(t)));
    emit_mov_rr(e, 4, RDX, RAX);
    emit_test_ri(e, 4, RAX, 3);
    emit_jcc(e, CC_NE, t->jit->pins->leave_at);
    emit_alu_ri(e, HOST_AND, 4, RDX, PAGE_MASK);
    emit_test_rr(e, 8, RCX, RCX);
    emit_jcc(e, CC_E, t->jit->pins->leave_at);
    emit_jmp_m(e, mem_index(RCX, RDX, 2, (int32_t)offsetof(struct code_view, entry)));
}

/* ---- branches ---- */

static const struct branch *branch_of(const struct trans *t)
{
    return &insns[t->branch_id].branch;
}

static unsigned link_reg(const struct trans *t)
{
    return branch_of(t)->by_register ? w_rd(t->branch_w) : 31;
}

/* A source of the branch: its register, what rdx kept of it, or rcx. */
static enum host_reg source(struct trans *t, struct emit *e, unsigned g)
{
    if (t->kept && t->kept_reg == g)
        return RDX;
    return trans_get(t, e, g, RCX);
}

static enum host_cc compare_zero(struct trans *t, struct emit *e, unsigned g, enum host_cc cc)
{
    if (t->kept && t->kept_reg == g)
        emit_test_rr(e, 4, RDX, RDX);
    else if (is_pinned(t, g))
        emit_test_rr(e, 4, pin(t, g), pin(t, g));
    else if (g == 0)
        emit_alu_rr(e, HOST_CMP, 4, RSP, RSP); /* as 0 compares to 0 */
    else
        emit_alu_mi(e, HOST_CMP, 4, gpr_mem(g), 0);
    return cc;
}

/* Evaluate the condition into flags; clobbers rcx only. */
static enum host_cc condition(struct trans *t, struct emit *e)
{
    unsigned s = w_rs(t->branch_w), r = w_rt(t->branch_w);
    const struct branch *br = branch_of(t);
    unsigned cc = t->branch_w >> 18 & 7;
    switch ((enum jit_cond)br->cond) {
    case COND_EQ:
    case COND_NE: {
        enum host_cc equal = br->cond == COND_EQ ? CC_E : CC_NE;
        if (r == 0 || s == 0)
            return compare_zero(t, e, r == 0 ? s : r, equal);
        if (t->kept && t->kept_reg == r) { /* the one that is kept is the register operand */
            r = s;
            s = t->kept_reg;
        }
        enum host_reg a = source(t, e, s);
        if (t->kept && t->kept_reg == r)
            emit_alu_rr(e, HOST_CMP, 4, a, RDX);
        else
            trans_alu(t, e, HOST_CMP, a, r);
        return equal;
    }
    case COND_LEZ:
        return compare_zero(t, e, s, CC_LE);
    case COND_GTZ:
        return compare_zero(t, e, s, CC_G);
    case COND_LTZ:
        return compare_zero(t, e, s, CC_S);
    case COND_GEZ:
        return compare_zero(t, e, s, CC_NS);
    case COND_FCC0:
    case COND_FCC1:
        emit_test_mi(e, 4, mem_at(RBP, CPU(fcsr)), (int32_t)(1u << (cc ? 24 + cc : 23)));
        return br->cond == COND_FCC1 ? CC_NE : CC_E;
    case COND_ALWAYS:
    case COND_REGISTER:
        break;
    }
    CHECK(false, "no condition in %s", insn_info[t->branch_id].text);
}

static bool always(const struct trans *t)
{
    unsigned cond = branch_of(t)->cond, s = w_rs(t->branch_w);
    return cond == COND_ALWAYS || (cond == COND_EQ && s == w_rt(t->branch_w)) ||
           ((cond == COND_GEZ || cond == COND_LEZ) && s == 0);
}

static void set_taken(struct trans *t, struct emit *e)
{
    if (branch_of(t)->likely || always(t)) {
        emit_mov_mi(e, 4, mem_at(RBP, CPU(taken)), 1);
        return;
    }
    enum host_cc cc = condition(t, e);
    emit_setcc(e, cc, RCX);
    emit_movzx_rr(e, 1, RCX, RCX);
    emit_mov_mr(e, 4, mem_at(RBP, CPU(taken)), RCX);
}

static void set_target(struct trans *t, struct emit *e)
{
    enum host_reg from = source(t, e, w_rs(t->branch_w));
    emit_movsx_rr(e, 4, 8, RCX, from);
    emit_mov_mr(e, 8, mem_at(RBP, CPU(btarget)), RCX);
}

static void link_old(struct trans *t, struct emit *e)
{
    unsigned g = link_reg(t);
    if (is_pinned(t, g))
        emit_movsx_rr(e, 4, 8, RCX, pin(t, g));
    else
        emit_mov_rm(e, 8, RCX, gpr_mem(g));
    emit_mov_mr(e, 8, mem_at(RBP, CPU(link_old)), RCX);
}

static void set_link(struct trans *t, struct emit *e)
{
    trans_set_imm(t, e, link_reg(t), t->page_va + t->b->end);
}

/* All of the branch into memory, as the interpreter has it in the slot. */
static void branch_to_memory(struct trans *t, struct emit *e)
{
    const struct branch *br = branch_of(t);
    if (br->by_register)
        set_target(t, e);
    else if (br->cond != COND_ALWAYS)
        set_taken(t, e);
    if (br->links && link_reg(t) != 0) {
        link_old(t, e);
        set_link(t, e);
    }
}

void trans_catch_up(struct trans *t, struct emit *e)
{
    if (t->slot == SLOT_FIRST)
        branch_to_memory(t, e);
}

static uint32_t branch_target(const struct trans *t)
{
    if (insns[t->branch_id].branch.cond == COND_ALWAYS)
        return (t->page_va & 0xf0000000) | (t->branch_w & 0x03ffffff) << 2;
    return t->page_va + (t->branch_offset + 4 + (uint32_t)w_simm(t->branch_w) * 4);
}

static uint32_t bits(unsigned a, unsigned b)
{
    return ((UINT32_C(1) << a) | (UINT32_C(1) << b)) & ~1u;
}

/* Does the slot's code leave rdx alone? */
static bool leaves_rdx(const struct trans *t)
{
    jit_insn_fn *fn = insns[t->id].how.fn;
    return fn == jit_alu || fn == jit_imm || fn == jit_lui || fn == jit_shift ||
           fn == jit_shift_reg || fn == jit_unary || fn == jit_clx || fn == jit_load ||
           fn == jit_store || fn == jit_movc || fn == jit_mfhl || fn == jit_nop;
}

/* Registers that the slot's instruction may write. */
static uint32_t slot_writes(const struct trans *t)
{
    jit_insn_fn *fn = insns[t->id].how.fn;
    unsigned rt = w_rt(t->w), rd = w_rd(t->w);
    if (fn == jit_store || fn == jit_nop || fn == jit_mthl || fn == jit_mult || fn == jit_trap ||
        fn == jit_trap_imm)
        return 0;
    if (fn == jit_imm || fn == jit_lui || fn == jit_load || fn == jit_load_part)
        return bits(rt, 0);
    if (fn == jit_alu || fn == jit_shift || fn == jit_shift_reg || fn == jit_unary ||
        fn == jit_clx || fn == jit_movc || fn == jit_mfhl)
        return bits(rd, 0);
    return bits(rt, rd);
}

/* May the slot's code come first? Sets t->kept and kept_reg. */
static bool slot_may_be_first(struct trans *t)
{
    const struct branch *br = branch_of(t);
    uint32_t writes = slot_writes(t), reads = bits(w_rs(t->w), w_rt(t->w)) | bits(w_rd(t->w), 0);
    if (br->links && ((writes | reads) >> link_reg(t) & 1 || link_reg(t) == w_rs(t->branch_w)))
        return false;
    if (insn_info[t->id].attr & (BRANCH | ALONE))
        return false;
    if (br->cond == COND_FCC0 || br->cond == COND_FCC1)
        return leaves_rdx(t); /* what may write FCSR does not */
    uint32_t sources = 0;
    if (br->cond == COND_EQ || br->cond == COND_NE)
        sources = bits(w_rs(t->branch_w), w_rt(t->branch_w));
    else if (br->cond != COND_ALWAYS)
        sources = bits(w_rs(t->branch_w), 0);
    uint32_t lost = br->likely ? 0 : sources & writes; /* a likely one has been decided */
    if (lost == 0)
        return true;
    if ((lost & (lost - 1)) != 0 || !leaves_rdx(t))
        return false;
    t->kept = true;
    t->kept_reg = (unsigned)__builtin_ctz(lost);
    return true;
}

static void one(struct trans *t)
{
    insns[t->id].how.fn(t, insns[t->id].how.op);
}

static void translate_slot(struct trans *t)
{
    if (insn_info[t->id].attr & (BRANCH | ALONE))
        raise_now(t, t->e, EXC_RI);
    else
        one(t);
}

/* The end of a branch whose slot came first, or which has none. */
static void go_after_slot(struct trans *t)
{
    const struct branch *br = branch_of(t);
    if (br->by_register) {
        enum host_reg from = source(t, t->e, w_rs(t->branch_w));
        emit_mov_rr(t->e, 4, RAX, from);
        if (br->links)
            set_link(t, t->e);
        trans_goto_eax(t);
        return;
    }
    if (always(t) || br->likely) {
        if (br->links && !br->likely)
            set_link(t, t->e);
        trans_goto(t, t->e, branch_target(t));
        return;
    }
    enum host_cc cc = condition(t, t->e);
    if (br->links)
        set_link(t, t->e);
    goto_if(t, cc, branch_target(t));
    trans_goto(t, t->e, t->page_va + t->b->end);
}

/* The end of one that left all in memory. */
static void go_by_memory(struct trans *t)
{
    const struct branch *br = branch_of(t);
    if (br->by_register) {
        emit_mov_rm(t->e, 4, RAX, mem_at(RBP, CPU(btarget)));
        trans_goto_eax(t);
        return;
    }
    if (br->cond == COND_ALWAYS || br->likely) {
        trans_goto(t, t->e, branch_target(t));
        return;
    }
    emit_alu_mi(t->e, HOST_CMP, 4, mem_at(RBP, CPU(taken)), 0);
    goto_if(t, CC_NE, branch_target(t));
    trans_goto(t, t->e, t->page_va + t->b->end);
}

/* Not taken, a likely branch skips its slot, which is no step. */
static void nullify_unless(struct trans *t)
{
    if (always(t))
        return;
    uint8_t *nullify = emit_jcc_later(t->e, CC_NOT(condition(t, t->e)));
    emit_patch(t->e, nullify, emit_here(t->c));
    emit_alu_ri(t->c, HOST_ADD, 8, R15, 1);
    trans_goto(t, t->c, t->page_va + t->b->end);
}

static void begin_likely(struct trans *t)
{
    if (branch_of(t)->links) { /* before the decision, for both ways */
        if (w_rs(t->branch_w) == 31) {
            trans_load(t, t->e, 31, RDX);
            t->kept = true;
            t->kept_reg = 31;
        }
        link_old(t, t->e);
        set_link(t, t->e);
    }
    nullify_unless(t);
    t->kept = false;
}

static void translate_branch(struct trans *t, const struct uop *branch, bool has_slot)
{
    t->branch_id = t->id;
    t->branch_w = t->w;
    t->branch_offset = t->offset;
    const struct branch *br = branch_of(t);
    if (br->cond == COND_FCC0 || br->cond == COND_FCC1) {
        emit_test_mi(t->e, 4, mem_at(RBP, CPU(c0) + C0_STATUS * 8), (int32_t)STATUS_CU1);
        uint8_t *off = emit_jcc_later(t->e, CC_E);
        emit_patch(t->e, off, emit_here(t->c));
        trans_call_out(t, t->c, CALL_no_fpu);
    }
    if (br->likely)
        begin_likely(t);
    if (!has_slot) {
        go_after_slot(t);
        return;
    }
    t->u = branch + (br->likely ? 2 : 1);
    t->offset += 4;
    t->w = decode_word(t->cpu, t->view->page->host, t->offset);
    t->id = insn_find(t->w);
    bool linked = br->likely && br->links; /* already, so nothing is put off */
    if (!linked && slot_may_be_first(t)) {
        if (t->kept)
            trans_load(t, t->e, t->kept_reg, RDX);
        t->slot = SLOT_FIRST;
        translate_slot(t);
        t->slot = SLOT_NONE;
        go_after_slot(t);
    } else {
        if (linked)
            emit_mov_mi(t->e, 4, mem_at(RBP, CPU(taken)), 1);
        else
            branch_to_memory(t, t->e);
        t->slot = SLOT_AFTER;
        translate_slot(t);
        t->slot = SLOT_NONE;
        go_by_memory(t);
    }
    t->kept = false;
}

/* ---- the block ---- */

static void enter_block(struct trans *t, uint32_t va)
{
    emit_alu_ri(t->e, HOST_SUB, 8, R15, t->b->run);
    uint8_t *out = emit_jcc_later(t->e, CC_S);
    emit_patch(t->e, out, emit_here(t->c));
    emit_alu_ri(t->c, HOST_ADD, 8, R15, t->b->run);
    emit_mov_ri(t->c, RAX, va);
    emit_jmp(t->c, t->pins->leave_at);
    if (t->cpu->profile)
        emit_alu_mi(t->e, HOST_ADD, 8, mem_at(RBP, CPU(stats.blocks_run)), 1);
}

static void translate_block(struct trans *t)
{
    const struct block *b = t->b;
    unsigned steps = b->run;
    t->offset = b->start;
    t->u = b->u;
    for (unsigned i = 0; i < steps; i++, t->offset += 4, t->u++) {
        t->w = decode_word(t->cpu, t->view->page->host, t->offset);
        t->id = insn_find(t->w);
        if (insns[t->id].branch.is_branch) {
            translate_branch(t, t->u, b->slot);
            return;
        }
        one(t);
    }
    if (!t->left)
        trans_goto(t, t->e, t->page_va + b->end);
}

static bool has_point(const struct mips *cpu, const struct block *b)
{
    for (unsigned i = 0; i < b->uops; i++)
        if (b->u[i].op == cpu->labels[UOP_POINT])
            return true;
    return false;
}

static void count(struct mips *cpu, const struct trans *t, const uint8_t *hot, const uint8_t *cold)
{
    cpu->stats.blocks_translated++;
    cpu->stats.guest_code_bytes += (uint64_t)(t->b->end - t->b->start);
    cpu->stats.host_code_bytes += (uint64_t)(t->e->p - hot) + (uint64_t)(t->c->p - cold);
}

/* The block at `pc` as one to be translated; NULL if it is for the interpreter. */
static struct block *block_at(struct mips *cpu, struct code_view *view, uint64_t pc)
{
    struct jit *jit = cpu->jit;
    if (!jit_has_room(jit, BLOCK_STEPS_MAX * EMIT_HOT_MAX, BLOCK_STEPS_MAX * EMIT_COLD_MAX))
        code_drop_all(cpu);
    struct block *b = code_block(cpu, view->page, pc, BLOCK_STEPS_MAX + 1);
    return b == NULL || has_point(cpu, b) ? NULL : b;
}

static uint32_t add_record(struct trans *t)
{
    t->jit->records[t->jit->n_records] = (struct jit_record){
        .block = in_arena(t, t->b),
        .page_va = t->page_va,
        .loop_start = t->loop_start,
        .loop_end = t->loop_end,
        .pins = (uint8_t)(t->pins - t->jit->pins),
    };
    return t->jit->n_records++;
}

static struct trans begin(struct mips *cpu, struct code_view *view, struct block *b)
{
    struct jit *jit = cpu->jit;
    struct trans t = {
        .cpu = cpu, .jit = jit, .e = &jit->hot, .c = &jit->cold, .b = b, .view = view,
        .page_va = (uint32_t)view->va, .mode = view->mode, .pins = jit->pins,
    };
    t.record = t.usual_record = add_record(&t);
    view->fresh = false;
    emit_align(t.e, 16);
    return t;
}

static void translate(struct trans *t, uint64_t pc)
{
    uint8_t *hot = t->e->p, *cold = t->c->p;
    uint64_t start = t->cpu->profile ? __builtin_ia32_rdtsc() : 0;
    if (t->pins != t->jit->pins)
        loop_inner_add(t->jit, t->view, pc >> 2 & 1023, (unsigned)(t->pins - t->jit->pins),
                       emit_here(t->e));
    enter_block(t, (uint32_t)pc);
    translate_block(t);
    count(t->cpu, t, hot, cold);
    if (t->cpu->profile)
        t->cpu->stats.translate_ticks += __builtin_ia32_rdtsc() - start;
}

static void use_loop(struct trans *t, unsigned pins, unsigned start, unsigned end)
{
    t->pins = &t->jit->pins[pins];
    t->loop_start = (uint16_t)start;
    t->loop_end = (uint16_t)end;
    t->record = add_record(t);
}

const uint8_t *jit_translate(struct mips *cpu, struct code_view *view, uint64_t pc)
{
    struct block *b = block_at(cpu, view, pc);
    const uint8_t **entry = &view->entry[pc >> 2 & 1023];
    if (b == NULL)
        return *entry = cpu->jit->interpret;
    struct trans t = begin(cpu, view, b);
    uint16_t end = 0;
    unsigned pins = loop_pins(cpu, view->page->host, b->start, &end);
    *entry = emit_here(t.e);
    if (pins != 0) {
        const uint8_t *inner = loop_inner_find(t.jit, view, pc >> 2 & 1023, pins);
        loop_change_pins(t.e, t.pins, &t.jit->pins[pins]);
        use_loop(&t, pins, b->start, end);
        if (inner != NULL) {
            emit_jmp(t.e, inner);
            return *entry;
        }
    }
    translate(&t, pc);
    return *entry;
}

const uint8_t *jit_translate_inner(struct mips *cpu, struct code_view *view, uint64_t pc,
                                   const struct jit_record *from)
{
    const uint8_t *known = loop_inner_find(cpu->jit, view, pc >> 2 & 1023, from->pins);
    if (known != NULL)
        return known;
    struct block *b = block_at(cpu, view, pc);
    if (b == NULL) {
        view->entry[pc >> 2 & 1023] = cpu->jit->interpret;
        return cpu->jit->interpret;
    }
    struct trans t = begin(cpu, view, b);
    use_loop(&t, from->pins, from->loop_start, from->loop_end);
    const uint8_t *code = emit_here(t.e);
    translate(&t, pc);
    return code;
}
#endif
