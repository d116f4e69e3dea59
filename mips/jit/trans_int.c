/* Integer instructions as machine code, and how values of guest registers are had. */
#ifdef __x86_64__
#include "mips/jit/trans.h"
#include "mips/jit/trans_op.h"

enum host_reg trans_get(struct trans *t, struct emit *e, unsigned g, enum host_reg scratch)
{
    if (is_pinned(t, g))
        return pin(t, g);
    trans_load(t, e, g, scratch);
    return scratch;
}

void trans_load(struct trans *t, struct emit *e, unsigned g, enum host_reg d)
{
    (void)t;
    if (g == 0)
        emit_mov_ri(e, d, 0);
    else if (is_pinned(t, g))
        emit_mov_rr(e, 4, d, pin(t, g));
    else
        emit_mov_rm(e, 4, d, gpr_mem(g));
}

enum host_reg trans_dest(const struct trans *t, unsigned g, enum host_reg scratch)
{
    return is_pinned(t, g) ? pin(t, g) : scratch;
}

void trans_set(struct trans *t, struct emit *e, unsigned g, enum host_reg r)
{
    (void)t;
    if (is_pinned(t, g)) {
        if (pin(t, g) != r)
            emit_mov_rr(e, 4, pin(t, g), r);
        return;
    }
    emit_movsx_rr(e, 4, 8, r, r);
    emit_mov_mr(e, 8, gpr_mem(g), r);
}

void trans_set_imm(struct trans *t, struct emit *e, unsigned g, uint32_t value)
{
    (void)t;
    if (g == 0)
        return;
    if (is_pinned(t, g))
        emit_mov_ri(e, pin(t, g), value);
    else
        emit_mov_mi(e, 8, gpr_mem(g), (int32_t)value);
}

void trans_alu(struct trans *t, struct emit *e, enum host_alu op, enum host_reg d, unsigned g)
{
    (void)t;
    if (g == 0)
        emit_alu_ri(e, op, 4, d, 0);
    else if (is_pinned(t, g))
        emit_alu_rr(e, op, 4, d, pin(t, g));
    else
        emit_alu_rm(e, op, 4, d, gpr_mem(g));
}

static void copy(struct trans *t, unsigned d, unsigned s)
{
    if (d == s)
        return;
    if (s == 0) {
        trans_set_imm(t, t->e, d, 0);
    } else if (is_pinned(t, d)) {
        trans_load(t, t->e, s, pin(t, d));
    } else if (is_pinned(t, s)) {
        emit_movsx_rr(t->e, 4, 8, RAX, pin(t, s));
        emit_mov_mr(t->e, 8, gpr_mem(d), RAX);
    } else {
        emit_mov_rm(t->e, 8, RAX, gpr_mem(s));
        emit_mov_mr(t->e, 8, gpr_mem(d), RAX);
    }
}

/* d = s op r, for operations that the host has with two operands. */
static void two_operand(struct trans *t, enum host_alu op, bool commutes, unsigned d, unsigned s,
                        unsigned r)
{
    struct emit *e = t->e;
    enum host_reg to = trans_dest(t, d, RAX);
    if (commutes && r == d && s != d) {
        r = s;
        s = d;
    }
    if (r == d && s != d)
        to = RAX;
    if (!(s == d && to != RAX))
        trans_load(t, e, s, to);
    trans_alu(t, e, op, to, r);
    trans_set(t, e, d, to);
}

static void add(struct trans *t, unsigned d, unsigned s, unsigned r)
{
    if (s == 0 || r == 0) {
        copy(t, d, s == 0 ? r : s);
    } else if (is_pinned(t, d) && is_pinned(t, s) && is_pinned(t, r) && d != s && d != r) {
        emit_lea(t->e, 4, pin(t, d),
                 mem_index(pin(t, s), pin(t, r), 1, 0));
    } else {
        two_operand(t, HOST_ADD, true, d, s, r);
    }
}

static void set_on(struct trans *t, enum host_cc cc, unsigned d)
{
    enum host_reg to = trans_dest(t, d, RAX);
    emit_setcc(t->e, cc, RAX);
    emit_movzx_rr(t->e, 1, to, RAX);
    if (to == RAX) /* 0 or 1: the upper half is right as it is */
        emit_mov_mr(t->e, 8, gpr_mem(d), RAX);
}

static void multiply(struct trans *t, unsigned d, unsigned s, unsigned r)
{
    trans_load(t, t->e, s, RAX);
    enum host_reg by = trans_get(t, t->e, r, RCX);
    emit_imul_rr(t->e, 4, RAX, by);
    trans_set(t, t->e, d, RAX);
}

void jit_alu(struct trans *t, unsigned op)
{
    unsigned d = w_rd(t->w), s = w_rs(t->w), r = w_rt(t->w);
    if (d == 0)
        return;
    switch (op) {
    case JOP_ADD:
        add(t, d, s, r);
        break;
    case JOP_SUB:
        two_operand(t, HOST_SUB, false, d, s, r);
        break;
    case JOP_AND:
        two_operand(t, HOST_AND, true, d, s, r);
        break;
    case JOP_OR:
        if (s == 0 || r == 0)
            copy(t, d, s == 0 ? r : s);
        else
            two_operand(t, HOST_OR, true, d, s, r);
        break;
    case JOP_XOR:
        two_operand(t, HOST_XOR, true, d, s, r);
        break;
    case JOP_NOR: {
        trans_load(t, t->e, s, RAX);
        if (r != 0)
            trans_alu(t, t->e, HOST_OR, RAX, r);
        emit_not(t->e, 4, RAX);
        trans_set(t, t->e, d, RAX);
        break;
    }
    case JOP_SLT:
    case JOP_SLTU: {
        enum host_reg a = trans_get(t, t->e, s, RAX);
        trans_alu(t, t->e, HOST_CMP, a, r);
        set_on(t, op == JOP_SLT ? CC_L : CC_B, d);
        break;
    }
    default:
        multiply(t, d, s, r);
    }
}

void jit_imm(struct trans *t, unsigned op)
{
    struct emit *e = t->e;
    unsigned d = w_rt(t->w), s = w_rs(t->w);
    bool zero_extended = op == JOP_AND || op == JOP_OR || op == JOP_XOR;
    int32_t imm = zero_extended ? (int32_t)(t->w & 0xffff) : w_simm(t->w);
    if (d == 0)
        return;
    enum host_reg to = trans_dest(t, d, RAX);
    if (op == JOP_SLT || op == JOP_SLTU) {
        if (s != 0 && !is_pinned(t, s))
            emit_alu_mi(e, HOST_CMP, 4, gpr_mem(s), imm);
        else
            emit_alu_ri(e, HOST_CMP, 4, trans_get(t, e, s, RAX), imm);
        set_on(t, op == JOP_SLT ? CC_L : CC_B, d);
        return;
    }
    if (s == 0 && op != JOP_AND) {
        trans_set_imm(t, e, d, (uint32_t)imm);
        return;
    }
    if (op == JOP_ADD && imm == 0) {
        copy(t, d, s);
        return;
    }
    if (op == JOP_ADD && is_pinned(t, s) && d != s) {
        emit_lea(e, 4, to, mem_at(pin(t, s), imm));
    } else {
        if (!(d == s && is_pinned(t, d)))
            trans_load(t, e, s, to);
        emit_alu_ri(e, op == JOP_ADD   ? HOST_ADD
                       : op == JOP_AND ? HOST_AND
                       : op == JOP_OR  ? HOST_OR
                                       : HOST_XOR,
                    4, to, imm);
    }
    trans_set(t, e, d, to);
}

void jit_lui(struct trans *t, unsigned op)
{
    (void)op;
    trans_set_imm(t, t->e, w_rt(t->w), t->w << 16);
}

static enum host_shift shift_of(unsigned op)
{
    return op == JOP_SLL ? HOST_SHL : op == JOP_SRL ? HOST_SHR : op == JOP_SRA ? HOST_SAR : HOST_ROR;
}

void jit_shift(struct trans *t, unsigned op)
{
    unsigned d = w_rd(t->w), s = w_rt(t->w), n = w_sa(t->w);
    if (d == 0)
        return;
    if (n == 0) {
        copy(t, d, s);
        return;
    }
    enum host_reg to = trans_dest(t, d, RAX);
    if (!(d == s && is_pinned(t, d)))
        trans_load(t, t->e, s, to);
    emit_shift_ri(t->e, shift_of(op), 4, to, n);
    trans_set(t, t->e, d, to);
}

void jit_shift_reg(struct trans *t, unsigned op)
{
    unsigned d = w_rd(t->w), s = w_rt(t->w), by = w_rs(t->w);
    if (d == 0)
        return;
    if (t->jit->has.bmi2 && op != JOP_ROTR) {
        enum host_reg to = trans_dest(t, d, RAX);
        enum host_reg count = trans_get(t, t->e, by, RCX);
        enum host_reg from = trans_get(t, t->e, s, RAX);
        emit_shiftx(t->e, shift_of(op), 4, to, from, count);
        trans_set(t, t->e, d, to);
        return;
    }
    trans_load(t, t->e, by, RCX);
    trans_load(t, t->e, s, RAX);
    emit_shift_cl(t->e, shift_of(op), 4, RAX);
    trans_set(t, t->e, d, RAX);
}

void jit_unary(struct trans *t, unsigned op)
{
    unsigned d = w_rd(t->w), s = w_rt(t->w);
    if (d == 0)
        return;
    enum host_reg from = trans_get(t, t->e, s, RAX), to = trans_dest(t, d, RAX);
    if (op == JOP_SEB) {
        emit_movsx_rr(t->e, 1, 4, to, from);
    } else if (op == JOP_SEH) {
        emit_movsx_rr(t->e, 2, 4, to, from);
    } else { /* wsbh: swap the bytes of each half */
        if (from != to)
            emit_mov_rr(t->e, 4, to, from);
        emit_bswap(t->e, 4, to);
        emit_shift_ri(t->e, HOST_ROL, 4, to, 16);
    }
    trans_set(t, t->e, d, to);
}

void jit_clx(struct trans *t, unsigned op)
{
    unsigned d = w_rd(t->w);
    if (d == 0)
        return;
    trans_load(t, t->e, w_rs(t->w), RAX);
    if (op == JOP_CLO)
        emit_not(t->e, 4, RAX);
    if (t->jit->has.lzcnt) {
        emit_lzcnt(t->e, 4, RAX, RAX);
    } else { /* bsr leaves its target alone, or undefined, for zero */
        emit_mov_ri(t->e, RCX, 63);
        emit_bsr(t->e, 4, RAX, RAX);
        emit_cmov_rr(t->e, CC_E, 4, RAX, RCX);
        emit_alu_ri(t->e, HOST_XOR, 4, RAX, 31);
    }
    trans_set(t, t->e, d, RAX);
}

void jit_ext(struct trans *t, unsigned op)
{
    (void)op;
    unsigned d = w_rt(t->w), pos = w_sa(t->w), size = w_rd(t->w) + 1;
    if (pos + size > 32) {
        t->id = INSN_RESERVED;
        trans_helper(t, t->e);
        return;
    }
    if (d == 0)
        return;
    enum host_reg to = trans_dest(t, d, RAX);
    trans_load(t, t->e, w_rs(t->w), to);
    if (pos != 0)
        emit_shift_ri(t->e, HOST_SHR, 4, to, pos);
    if (pos + size < 32)
        emit_alu_ri(t->e, HOST_AND, 4, to, (int32_t)((1u << size) - 1));
    trans_set(t, t->e, d, to);
}

void jit_ins(struct trans *t, unsigned op)
{
    (void)op;
    unsigned d = w_rt(t->w), pos = w_sa(t->w), last = w_rd(t->w);
    if (last < pos) {
        t->id = INSN_RESERVED;
        trans_helper(t, t->e);
        return;
    }
    if (d == 0)
        return;
    uint32_t mask = (uint32_t)((UINT64_C(1) << (last - pos + 1)) - 1);
    trans_load(t, t->e, w_rs(t->w), RCX);
    trans_load(t, t->e, d, RAX);
    emit_alu_ri(t->e, HOST_AND, 4, RCX, (int32_t)mask);
    emit_alu_ri(t->e, HOST_AND, 4, RAX, (int32_t)~(mask << pos));
    if (pos != 0)
        emit_shift_ri(t->e, HOST_SHL, 4, RCX, pos);
    emit_alu_rr(t->e, HOST_OR, 4, RAX, RCX);
    trans_set(t, t->e, d, RAX);
}

/* movz, movn; `op` is 1 for movz. */
void jit_movc(struct trans *t, unsigned op)
{
    unsigned d = w_rd(t->w), s = w_rs(t->w), r = w_rt(t->w);
    if (d == 0)
        return;
    enum host_reg to = trans_dest(t, d, RAX), from = trans_get(t, t->e, s, RCX);
    if (!is_pinned(t, d))
        trans_load(t, t->e, d, RAX);
    if (r != 0 && !is_pinned(t, r)) {
        emit_alu_mi(t->e, HOST_CMP, 4, gpr_mem(r), 0);
    } else {
        enum host_reg test = is_pinned(t, r) ? pin(t, r) : HOST_NONE;
        if (test == HOST_NONE)
            emit_alu_rr(t->e, HOST_CMP, 4, RSP, RSP); /* register 0 equals 0 */
        else
            emit_test_rr(t->e, 4, test, test);
    }
    emit_cmov_rr(t->e, op ? CC_E : CC_NE, 4, to, from);
    trans_set(t, t->e, d, to);
}

static struct host_mem hilo(unsigned op)
{
    return mem_at(RBP, op == JOP_hi ? CPU(hi) : CPU(lo));
}

void jit_mfhl(struct trans *t, unsigned op)
{
    unsigned d = w_rd(t->w);
    if (d == 0)
        return;
    enum host_reg to = trans_dest(t, d, RAX);
    emit_mov_rm(t->e, 4, to, hilo(op));
    trans_set(t, t->e, d, to);
}

void jit_mthl(struct trans *t, unsigned op)
{
    trans_load(t, t->e, w_rs(t->w), RAX);
    emit_movsx_rr(t->e, 4, 8, RAX, RAX);
    emit_mov_mr(t->e, 8, hilo(op), RAX);
}

/* rax: 64 bits for hi and lo. */
static void set_hilo(struct trans *t)
{
    emit_movsx_rr(t->e, 4, 8, RCX, RAX);
    emit_shift_ri(t->e, HOST_SAR, 8, RAX, 32);
    emit_mov_mr(t->e, 8, hilo(JOP_lo), RCX);
    emit_mov_mr(t->e, 8, hilo(JOP_hi), RAX);
}

static void product(struct trans *t, bool is_signed)
{
    trans_load(t, t->e, w_rs(t->w), RAX);
    trans_load(t, t->e, w_rt(t->w), RCX);
    if (is_signed) {
        emit_movsx_rr(t->e, 4, 8, RAX, RAX);
        emit_movsx_rr(t->e, 4, 8, RCX, RCX);
    }
    emit_imul_rr(t->e, 8, RAX, RCX);
}

void jit_mult(struct trans *t, unsigned op)
{
    product(t, op == JOP_int32_t);
    set_hilo(t);
}

static void multiply_add(struct trans *t, bool is_signed, bool subtract)
{
    product(t, is_signed);
    if (subtract)
        emit_neg(t->e, 8, RAX);
    emit_mov_rm(t->e, 8, RCX, hilo(JOP_hi));
    emit_shift_ri(t->e, HOST_SHL, 8, RCX, 32);
    emit_alu_rr(t->e, HOST_ADD, 8, RAX, RCX);
    emit_mov_rm(t->e, 4, RCX, hilo(JOP_lo));
    emit_alu_rr(t->e, HOST_ADD, 8, RAX, RCX);
    set_hilo(t);
}

/* The interpreter's helper knows what a division by zero leaves. */
static void divide(struct trans *t, bool is_signed)
{
    struct emit *e = t->e;
    trans_load(t, e, w_rt(t->w), RCX);
    trans_load(t, e, w_rs(t->w), RAX);
    emit_test_rr(e, 4, RCX, RCX);
    uint8_t *zero = emit_jcc_later(e, CC_E);
    if (is_signed) { /* in 64 bits nothing overflows */
        emit_movsx_rr(e, 4, 8, RAX, RAX);
        emit_movsx_rr(e, 4, 8, RCX, RCX);
        emit_cdq(e, 8);
        emit_div(e, 8, true, RCX);
    } else {
        emit_alu_rr(e, HOST_XOR, 4, RDX, RDX);
        emit_div(e, 4, false, RCX);
    }
    emit_movsx_rr(e, 4, 8, RAX, RAX);
    emit_movsx_rr(e, 4, 8, RDX, RDX);
    emit_mov_mr(e, 8, hilo(JOP_lo), RAX);
    emit_mov_mr(e, 8, hilo(JOP_hi), RDX);
    trans_cold_helper(t, zero);
}

void jit_trapping(struct trans *t, unsigned op)
{
    unsigned d = op == JOP_ADI ? w_rt(t->w) : w_rd(t->w);
    trans_load(t, t->e, w_rs(t->w), RAX);
    if (op == JOP_ADI)
        emit_alu_ri(t->e, HOST_ADD, 4, RAX, w_simm(t->w));
    else
        trans_alu(t, t->e, op == JOP_ADD ? HOST_ADD : HOST_SUB, RAX, w_rt(t->w));
    trans_raise_if(t, CC_O, EXC_OV);
    if (d != 0)
        trans_set(t, t->e, d, RAX);
}

static enum host_cc trap_cc(unsigned op)
{
    switch (op) {
    case JOP_TRAP_GE:
        return CC_GE;
    case JOP_TRAP_GEU:
        return CC_AE;
    case JOP_TRAP_LT:
        return CC_L;
    case JOP_TRAP_LTU:
        return CC_B;
    case JOP_TRAP_EQ:
        return CC_E;
    default:
        return CC_NE;
    }
}

void jit_trap(struct trans *t, unsigned op)
{
    enum host_reg a = trans_get(t, t->e, w_rs(t->w), RAX);
    trans_alu(t, t->e, HOST_CMP, a, w_rt(t->w));
    trans_raise_if(t, trap_cc(op), EXC_TR);
}

void jit_trap_imm(struct trans *t, unsigned op)
{
    enum host_reg a = trans_get(t, t->e, w_rs(t->w), RAX);
    emit_alu_ri(t->e, HOST_CMP, 4, a, w_simm(t->w));
    trans_raise_if(t, trap_cc(op), EXC_TR);
}

void jit_nop(struct trans *t, unsigned op)
{
    (void)t;
    (void)op;
}

/* Helpers' instructions that are worth code of their own. */
bool jit_inline_helper(struct trans *t)
{
    switch ((unsigned)t->id) {
    case INSN_MADD:
        multiply_add(t, true, false);
        return true;
    case INSN_MADDU:
        multiply_add(t, false, false);
        return true;
    case INSN_MSUB:
        multiply_add(t, true, true);
        return true;
    case INSN_MSUBU:
        multiply_add(t, false, true);
        return true;
    case INSN_DIV:
        divide(t, true);
        return true;
    case INSN_DIVU:
        divide(t, false);
        return true;
    default:
        return false;
    }
}
#endif
