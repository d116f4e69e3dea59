/*
 * A branch and its slot.
 *
 * The slot's code comes before that of its branch whenever the slot does not
 * disturb what the branch looks at (at most one register that it does disturb
 * is kept in rdx). Nothing of the branch is in memory then, so a call out of
 * the slot catches up on that first (trans_catch_up). Else the branch leaves
 * all in memory, as in the interpreter, and looks at it after the slot.
 */
#ifdef __x86_64__
#include "core/base/err.h"
#include "mips/jit/trans.h"
#include "mips/jit/trans_op.h"

static const struct jit_branch *branch_of(const struct trans *t)
{
    return &jit_insns[t->branch_id].branch;
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
    const struct jit_branch *br = branch_of(t);
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
    const struct jit_branch *br = branch_of(t);
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
    if (jit_insns[t->branch_id].branch.cond == COND_ALWAYS)
        return (uint32_t)w_jump_target(t->branch_w, t->page_va + t->branch_offset + 4);
    return t->page_va + (t->branch_offset + 4 + (uint32_t)w_simm(t->branch_w) * 4);
}

static uint32_t bits(unsigned a, unsigned b)
{
    return ((UINT32_C(1) << a) | (UINT32_C(1) << b)) & ~1u;
}

/* Does the slot's code leave rdx alone? */
static bool leaves_rdx(const struct trans *t)
{
    jit_insn_fn *fn = jit_insns[t->id].fn;
    return fn == jit_alu || fn == jit_imm || fn == jit_lui || fn == jit_shift ||
           fn == jit_shift_reg || fn == jit_unary || fn == jit_clx || fn == jit_load ||
           fn == jit_store || fn == jit_movc || fn == jit_mfhl || fn == jit_nop;
}

/* Registers that the slot's instruction may write. */
static uint32_t slot_writes(const struct trans *t)
{
    jit_insn_fn *fn = jit_insns[t->id].fn;
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
    const struct jit_branch *br = branch_of(t);
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

static void translate_slot(struct trans *t)
{
    if (insn_info[t->id].attr & (BRANCH | ALONE))
        trans_raise(t, t->e, EXC_RI);
    else
        trans_one(t);
}

/* The end of a branch whose slot came first, or which has none. */
static void go_after_slot(struct trans *t)
{
    const struct jit_branch *br = branch_of(t);
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
    trans_goto_if(t, cc, branch_target(t));
    trans_fall(t, t->page_va + t->b->end);
}

/* The end of one that left all in memory. */
static void go_by_memory(struct trans *t)
{
    const struct jit_branch *br = branch_of(t);
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
    trans_goto_if(t, CC_NE, branch_target(t));
    trans_fall(t, t->page_va + t->b->end);
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

void trans_branch(struct trans *t, const struct uop *branch, bool has_slot)
{
    t->branch_id = t->id;
    t->branch_w = t->w;
    t->branch_offset = t->offset;
    const struct jit_branch *br = branch_of(t);
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
    t->id = insn_find_in(t->w, t->cpu->isa);
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
#endif
