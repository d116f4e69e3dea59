/*
 * Arithmetic, compares and conversions of the FPU, by SSE.
 *
 * What may raise a flag first notes itself and its operands (jit_fpu.h), then
 * computes in place. A result that is no number sends the instruction to the
 * helper, which finds its operands in their registers still; the destination
 * is written last. What cannot raise a flag only notes that Cause is 0.
 */
#ifdef __x86_64__
#include "mips/jit/jit_fpu.h"
#include "mips/jit/trans_fpu.h"

enum {
    F_ADD = 0x00, F_SUB, F_MUL, F_DIV, F_SQRT, F_ABS, F_MOV, F_NEG,
    F_ROUND_L = 0x08, F_TRUNC_L, F_CEIL_L, F_FLOOR_L, F_ROUND_W = 0x0c, F_FLOOR_W = 0x0f,
    F_RECIP = 0x15, F_RSQRT, F_CVT_S = 0x20, F_CVT_D, F_CVT_W = 0x24, F_CVT_L, F_COMPARE = 0x30
};

/* Will the next instruction set Cause anyway, without a call of C before? */
static bool cause_is_lost(const struct trans *t)
{
    if (t->slot != SLOT_NONE || t->offset + 4u >= t->b->end)
        return false;
    uint32_t w = decode_word(t->cpu, t->view->page->host, t->offset + 4);
    unsigned fmt = w_rs(w), funct = w & 63;
    if (w >> 26 != 0x11 || (fmt != 16 && fmt != 17) || insn_find(w) == INSN_RESERVED1)
        return false;
    return funct <= F_SQRT &&
           (fmt == 16 || trans_fpu_pairs(t, W_FD(w) | W_FS(w) | (funct < F_SQRT ? W_FT(w) : 0)));
}

static void note(struct trans *t, unsigned width, unsigned operands)
{
    if (cause_is_lost(t))
        return;
    emit_mov_mi(t->e, 4, mem_at(RBP, CPU(fp_last)), (int32_t)t->w);
    for (unsigned i = 0; i < operands; i++)
        emit_fmov_mx(t->e, width, mem_at(RBP, (int32_t)(CPU(fp_operands) + (int32_t)i * 8)), i);
}

static void note_no_cause(struct trans *t)
{
    emit_mov_mi(t->e, 4, mem_at(RBP, CPU(fp_last)), (int32_t)FPU_NO_CAUSE);
}

static void slow_if_nan(struct trans *t, struct fpu_away *away, unsigned width, unsigned x)
{
    emit_fcomi(t->e, width, false, x, x);
    trans_fpu_slow_if(t, away, CC_P);
}

/* A constant, by way of rax. */
static void constant(struct trans *t, unsigned width, unsigned x, uint64_t s, uint64_t d)
{
    emit_mov_ri(t->e, RAX, width == 8 ? d : s);
    emit_fmov_xr(t->e, width, x, RAX);
}

static bool binary(struct trans *t, unsigned funct, unsigned width)
{
    static const enum host_fp ops[] = {HOST_FADD, HOST_FSUB, HOST_FMUL, HOST_FDIV};
    unsigned d = W_FD(t->w), a = W_FS(t->w), b = W_FT(t->w);
    struct fpu_away away = {0};
    if (width == 8 && !trans_fpu_pairs(t, d | a | b))
        return false;
    trans_fpu_need_live(t, &away);
    trans_fpu_get(t, width, 0, a);
    trans_fpu_get(t, width, 1, b);
    note(t, width, 2);
    emit_fp_xx(t->e, ops[funct], width, 0, 1);
    slow_if_nan(t, &away, width, 0);
    trans_fpu_set(t, width, d, 0);
    trans_fpu_end(t, &away);
    return true;
}

/* sqrt, recip, rsqrt: the last is two operations, each of them rounded. */
static bool root(struct trans *t, unsigned funct, unsigned width)
{
    unsigned d = W_FD(t->w), a = W_FS(t->w), x = 0;
    struct fpu_away away = {0};
    if (width == 8 && !trans_fpu_pairs(t, d | a))
        return false;
    trans_fpu_need_live(t, &away);
    trans_fpu_get(t, width, 0, a);
    note(t, width, 1);
    if (funct != F_RECIP)
        emit_fp_xx(t->e, HOST_FSQRT, width, 0, 0);
    if (funct != F_SQRT) {
        x = 1;
        constant(t, width, 1, 0x3f800000, UINT64_C(0x3ff) << 52);
        emit_fp_xx(t->e, HOST_FDIV, width, 1, 0);
    }
    slow_if_nan(t, &away, width, x);
    trans_fpu_set(t, width, d, x);
    trans_fpu_end(t, &away);
    return true;
}

/* abs, neg: the sign only; without ABS2008 they are arithmetic as far as NaNs go. */
static bool sign(struct trans *t, unsigned funct, unsigned width)
{
    unsigned d = W_FD(t->w), a = W_FS(t->w);
    bool legacy = !trans_fpu_2008(t);
    struct fpu_away away = {0};
    if (width == 8 && !trans_fpu_pairs(t, d | a))
        return false;
    trans_fpu_need_regs(t, &away);
    trans_fpu_get(t, width, 0, a);
    if (legacy)
        slow_if_nan(t, &away, width, 0);
    if (funct == F_NEG) {
        constant(t, width, 1, UINT32_C(1) << 31, UINT64_C(1) << 63);
        emit_fxor(t->e, 0, 1);
    } else {
        constant(t, width, 1, INT32_MAX, INT64_MAX);
        emit_fand(t->e, 0, 1);
    }
    trans_fpu_set(t, width, d, 0);
    if (legacy)
        note_no_cause(t);
    trans_fpu_end(t, &away);
    return true;
}

static bool compare(struct trans *t, unsigned funct, unsigned width)
{
    static const enum host_cc ccs[4] = {0, CC_E, CC_B, CC_BE}; /* by equal | less << 1 */
    unsigned a = W_FS(t->w), b = W_FT(t->w), bit = fpu_fcc_bit(t->w >> 8 & 7);
    struct host_mem fcsr = mem_at(RBP, CPU(fcsr));
    struct fpu_away away = {0};
    if (width == 8 && !trans_fpu_pairs(t, a | b))
        return false;
    trans_fpu_need_regs(t, &away);
    trans_fpu_get(t, width, 0, a);
    trans_fpu_get(t, width, 1, b);
    emit_fcomi(t->e, width, false, 0, 1);
    trans_fpu_slow_if(t, &away, CC_P);
    if ((funct >> 1 & 3) == 0) {
        emit_alu_mi(t->e, HOST_AND, 4, fcsr, (int32_t)~(1u << bit));
    } else {
        emit_setcc(t->e, ccs[funct >> 1 & 3], RAX);
        emit_mov_rm(t->e, 4, RCX, fcsr);
        emit_movzx_rr(t->e, 1, RAX, RAX);
        emit_alu_ri(t->e, HOST_AND, 4, RCX, (int32_t)~(1u << bit));
        emit_shift_ri(t->e, HOST_SHL, 4, RAX, bit);
        emit_alu_rr(t->e, HOST_OR, 4, RAX, RCX);
        emit_mov_mr(t->e, 4, fcsr, RAX);
    }
    note_no_cause(t);
    trans_fpu_end(t, &away);
    return true;
}

/* ---- conversions ---- */

/*
 * To an integer. What does not fit is INT_MIN; so is one that does, and the
 * helper may tell them apart. Rounding in a mode of its own must not raise
 * inexact before that is known, so it is done again for the flag.
 */
static bool to_int(struct trans *t, unsigned funct, unsigned width)
{
    static const uint8_t modes[4] = {0, 3, 2, 1}; /* of MXCSR.RC, for round trunc ceil floor */
    unsigned d = W_FD(t->w), a = W_FS(t->w);
    bool current = funct >= F_CVT_W, trunc = !current && (funct & 3) == 1;
    bool to_long = current ? funct == F_CVT_L : funct < F_ROUND_W, other = !current && !trunc;
    unsigned int_width = to_long ? 8 : 4, x = other ? 1 : 0;
    struct fpu_away away = {0};
    if ((to_long && !trans_fpu_wide(t)) || (width == 8 && !trans_fpu_pairs(t, a)) ||
        (other && !t->jit->has.sse41))
        return false;
    trans_fpu_need_live(t, &away);
    trans_fpu_get(t, width, 0, a);
    note(t, width, 1);
    if (other)
        emit_fround(t->e, width, 1, 0, modes[funct & 3], true);
    emit_fcvt_if(t->e, width, int_width, !current, RAX, x);
    emit_alu_ri(t->e, HOST_CMP, int_width, RAX, 1);
    trans_fpu_slow_if(t, &away, CC_O);
    if (other)
        emit_fround(t->e, width, 1, 0, modes[funct & 3], false);
    trans_fpu_set_rax(t, int_width, d);
    trans_fpu_end(t, &away);
    return true;
}

/* From w (4) or l (8). */
static bool from_int(struct trans *t, unsigned int_width, unsigned width)
{
    unsigned d = W_FD(t->w), a = W_FS(t->w);
    bool exact = int_width < width;
    struct fpu_away away = {0};
    if ((int_width == 8 && !trans_fpu_wide(t)) || (width == 8 && !trans_fpu_pairs(t, d)))
        return false;
    if (exact)
        trans_fpu_need_regs(t, &away);
    else
        trans_fpu_need_live(t, &away);
    trans_fpu_get_rax(t, int_width, a);
    if (exact) {
        note_no_cause(t);
    } else {
        emit_fmov_xr(t->e, int_width, 0, RAX);
        note(t, int_width, 1);
    }
    emit_fxor(t->e, 1, 1); /* or the result depends on what was there */
    emit_fcvt_fi(t->e, width, int_width, 1, RAX);
    trans_fpu_set(t, width, d, 1);
    trans_fpu_end(t, &away);
    return true;
}

/* Between s and d; to the wider one it is exact. */
static bool between(struct trans *t, unsigned from)
{
    unsigned d = W_FD(t->w), a = W_FS(t->w);
    bool exact = from == 4;
    struct fpu_away away = {0};
    if (!trans_fpu_pairs(t, exact ? d : a))
        return false;
    if (exact)
        trans_fpu_need_regs(t, &away);
    else
        trans_fpu_need_live(t, &away);
    trans_fpu_get(t, from, 0, a);
    if (!exact)
        note(t, from, 1);
    emit_fcvt_ff(t->e, from, 0, 0);
    slow_if_nan(t, &away, 12 - from, 0);
    trans_fpu_set(t, 12 - from, d, 0);
    if (exact)
        note_no_cause(t);
    trans_fpu_end(t, &away);
    return true;
}

/* ---- by the word ---- */

bool trans_fpu_cop1(struct trans *t)
{
    unsigned fmt = w_rs(t->w), funct = t->w & 63;
    unsigned width = fmt & 1 ? 8 : 4; /* s and w, d and l */
    if (fmt >= 20)
        return from_int(t, width, funct == F_CVT_S ? 4 : 8);
    if (funct <= F_DIV)
        return binary(t, funct, width);
    if (funct == F_SQRT || funct == F_RECIP || funct == F_RSQRT)
        return root(t, funct, width);
    if (funct == F_ABS || funct == F_NEG)
        return sign(t, funct, width);
    if ((funct >= F_ROUND_L && funct <= F_FLOOR_W) || funct == F_CVT_W || funct == F_CVT_L)
        return to_int(t, funct, width);
    if (funct == F_CVT_S || funct == F_CVT_D)
        return between(t, width);
    return funct >= F_COMPARE && compare(t, funct, width);
}

/* madd and its kind: both operations are rounded. */
bool trans_fpu_cop1x(struct trans *t)
{
    unsigned width = t->w & 1 ? 8 : 4, kind = t->w >> 3 & 7;
    unsigned d = W_FD(t->w), a = W_FS(t->w), b = W_FT(t->w), c = W_FR(t->w);
    bool negate = kind & 2, subtract = kind & 1;
    struct fpu_away away = {0};
    if (kind < 4 || (width == 8 && !trans_fpu_pairs(t, d | a | b | c)))
        return false; /* prefx and such */
    trans_fpu_need_live(t, &away);
    trans_fpu_get(t, width, 0, a);
    trans_fpu_get(t, width, 1, b);
    trans_fpu_get(t, width, 2, c);
    note(t, width, 3);
    emit_fp_xx(t->e, HOST_FMUL, width, 0, 1);
    emit_fp_xx(t->e, subtract ? HOST_FSUB : HOST_FADD, width, 0, 2);
    slow_if_nan(t, &away, width, 0);
    if (negate) {
        constant(t, width, 1, UINT32_C(1) << 31, UINT64_C(1) << 63);
        emit_fxor(t->e, 0, 1);
    }
    trans_fpu_set(t, width, d, 0);
    trans_fpu_end(t, &away);
    return true;
}
#endif
