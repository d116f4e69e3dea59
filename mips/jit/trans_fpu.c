/*
 * The FPU as machine code: its state, moves, loads and stores.
 *
 * Code is made for one state of the FPU: on, with registers of one width
 * (Status.FR), with one meaning of abs and neg (ABS2008); that is one byte,
 * cpu->fp_regs. None of it changes inside a block, so the first instruction of
 * the FPU in a block checks it. If it is different, the helper does the
 * instruction, and the block is left behind it: a block that starts there is
 * translated for the state as it is then.
 *
 * Arithmetic needs MXCSR to be the guest's as well (jit_fpu.h), which any call
 * of C undoes: a compare of cpu->fp_arith tells, and go_live repairs it. With
 * traps enabled or FS set it does not, and again the helper does the work.
 *
 * Nothing of the FPU stays in host registers between instructions.
 */
#ifdef __x86_64__
#include "mips/jit/jit_fpu.h"
#include "mips/jit/trans_fpu.h"

bool trans_fpu_wide(const struct trans *t)
{
    return t->cpu->fp_usual & FPU_WIDE;
}

bool trans_fpu_2008(const struct trans *t)
{
    return t->cpu->fp_usual & FPU_2008;
}

bool trans_fpu_pairs(const struct trans *t, unsigned fields)
{
    return trans_fpu_wide(t) || !(fields & 1);
}

struct host_mem trans_fpr(unsigned r, unsigned half)
{
    return mem_at(RBP, (int32_t)(CPU(fpr) + (int32_t)(r * 8 + half * 4)));
}

/* ---- checks ---- */

void trans_fpu_need_regs(struct trans *t, struct fpu_away *away)
{
    if (t->fpu_checked)
        return;
    emit_alu_mi(t->e, HOST_CMP, 1, mem_at(RBP, CPU(fp_regs)), t->cpu->fp_usual);
    away->other = emit_jcc_later(t->e, CC_NE);
    t->fpu_checked = true;
}

void trans_fpu_need_live(struct trans *t, struct fpu_away *away)
{
    if (t->fpu_live)
        return;
    emit_alu_mi(t->e, HOST_CMP, 1, mem_at(RBP, CPU(fp_arith)),
                (int32_t)(t->cpu->fp_usual | FPU_LIVE));
    emit_patch(t->e, emit_jcc_later(t->e, CC_NE), emit_here(t->c));
    emit_mov_ri(t->c, RAX, t->cpu->fp_usual);
    emit_call(t->c, t->jit->fpu_go_live);
    away->slow[away->n_slow++] = emit_jcc_later(t->c, CC_NE);
    emit_jmp(t->c, emit_here(t->e));
    t->fpu_live = t->fpu_checked = true;
}

void trans_fpu_slow_if(struct trans *t, struct fpu_away *away, enum host_cc cc)
{
    away->slow[away->n_slow++] = emit_jcc_later(t->e, cc);
}

static void call_checked(struct trans *t)
{
    trans_catch_up(t, t->c);
    emit_mov_ri(t->c, RAX, (uint64_t)t->id | (uint64_t)t->cpu->fp_usual << 16);
    trans_call_out(t, t->c, CALL_fpu);
    emit_jmp(t->c, emit_here(t->e));
}

void trans_fpu_end(struct trans *t, const struct fpu_away *away)
{
    bool live = t->fpu_live;
    for (unsigned i = 0; i < away->n_slow; i++)
        emit_patch(t->c, away->slow[i], emit_here(t->c));
    if (away->n_slow != 0 && live) {
        call_checked(t); /* comes back live */
    } else if (away->n_slow != 0) {
        trans_helper(t, t->c);
        emit_jmp(t->c, emit_here(t->e));
    }
    if (away->other != NULL) {
        emit_patch(t->c, away->other, emit_here(t->c));
        call_checked(t);
    }
    t->fpu_live = live;
}

const uint8_t *trans_fpu_go_live(struct emit *e)
{
    const uint8_t *here = emit_here(e);
    emit_alu_mr(e, HOST_CMP, 1, mem_at(RBP, CPU(fp_regs)), RAX);
    uint8_t *other = emit_jcc8_later(e, CC_NE);
    emit_mov_rm(e, 4, RCX, mem_at(RBP, CPU(fcsr)));
    emit_test_ri(e, 4, RCX, (int32_t)FPU_SLOW);
    uint8_t *slow = emit_jcc8_later(e, CC_NE);
    emit_alu_ri(e, HOST_AND, 4, RCX, 3);
    emit_ldmxcsr(e, mem_index(RBP, RCX, 4, CPU(fp_mxcsr)));
    emit_alu_ri(e, HOST_OR, 4, RAX, (int32_t)FPU_LIVE);
    emit_mov_mr(e, 1, mem_at(RBP, CPU(fp_arith)), RAX);
    emit_alu_rr(e, HOST_CMP, 4, RAX, RAX);
    emit_patch8(e, other);
    emit_patch8(e, slow);
    emit_ret(e);
    return here;
}

/* ---- registers ---- */

void trans_fpu_get(struct trans *t, unsigned width, unsigned x, unsigned r)
{
    if (width == 4 || trans_fpu_wide(t)) {
        emit_fmov_xm(t->e, width, x, trans_fpr(r, 0));
        return;
    }
    emit_fmov_xm(t->e, 4, x, trans_fpr(r, 0));
    if (t->jit->has.sse41) {
        emit_pinsrd(t->e, x, trans_fpr(r | 1, 0), 1);
    } else {
        emit_fmov_xm(t->e, 4, 7, trans_fpr(r | 1, 0));
        emit_punpckldq(t->e, x, 7);
    }
}

void trans_fpu_set(struct trans *t, unsigned width, unsigned r, unsigned x)
{
    if (width == 4 || trans_fpu_wide(t)) {
        emit_fmov_mx(t->e, width, trans_fpr(r, 0), x);
        return;
    }
    emit_fmov_mx(t->e, 4, trans_fpr(r, 0), x);
    if (t->jit->has.sse41) {
        emit_pextrd(t->e, trans_fpr(r | 1, 0), x, 1);
    } else {
        emit_pshufd(t->e, 7, x, 1);
        emit_fmov_mx(t->e, 4, trans_fpr(r | 1, 0), 7);
    }
}

void trans_fpu_get_rax(struct trans *t, unsigned width, unsigned r)
{
    emit_mov_rm(t->e, width, RAX, trans_fpr(r, 0));
}

void trans_fpu_set_rax(struct trans *t, unsigned width, unsigned r)
{
    emit_mov_mr(t->e, width, trans_fpr(r, 0), RAX);
}

/* ---- moves ---- */

static void copy(struct trans *t, unsigned width, unsigned d, unsigned s)
{
    bool pair = width == 8 && !trans_fpu_wide(t);
    if (d == s)
        return;
    trans_fpu_get_rax(t, pair ? 4 : width, s);
    if (pair)
        emit_mov_rm(t->e, 4, RCX, trans_fpr(s | 1, 0));
    trans_fpu_set_rax(t, pair ? 4 : width, d);
    if (pair)
        emit_mov_mr(t->e, 4, trans_fpr(d | 1, 0), RCX);
}

static int32_t condition_bit(const struct trans *t)
{
    return (int32_t)(1u << fpu_fcc_bit(t->w >> 18 & 7));
}

/* Flags for movf, movt (of any kind), movz, movn; the condition in which it does not move. */
static enum host_cc unless(struct trans *t, bool by_fcc)
{
    unsigned g = w_rt(t->w);
    bool sense = t->w >> 16 & 1; /* movt */
    if (by_fcc) {
        emit_test_mi(t->e, 4, mem_at(RBP, CPU(fcsr)), condition_bit(t));
        return sense ? CC_E : CC_NE;
    }
    if (g == 0)
        emit_alu_rr(t->e, HOST_CMP, 4, RSP, RSP); /* register 0 equals 0 */
    else if (is_pinned(t, g))
        emit_test_rr(t->e, 4, pin(t, g), pin(t, g));
    else
        emit_alu_mi(t->e, HOST_CMP, 4, gpr_mem(g), 0);
    return (t->w & 63) == 0x12 ? CC_NE : CC_E; /* movz, movn */
}

static bool move(struct trans *t, unsigned width)
{
    unsigned d = W_FD(t->w), s = W_FS(t->w), funct = t->w & 63;
    struct fpu_away away = {0};
    if (width == 8 && !trans_fpu_pairs(t, d | s))
        return false;
    trans_fpu_need_regs(t, &away);
    if (funct == 0x06) {
        copy(t, width, d, s);
    } else if (d != s) {
        uint8_t *over = emit_jcc8_later(t->e, unless(t, funct == 0x11));
        copy(t, width, d, s);
        emit_patch8(t->e, over);
    }
    trans_fpu_end(t, &away);
    return true;
}

/* movf, movt of integers */
static void move_integer(struct trans *t)
{
    unsigned d = w_rd(t->w), s = w_rs(t->w);
    struct fpu_away away = {0};
    trans_fpu_need_regs(t, &away);
    if (d != 0) {
        enum host_reg to = trans_dest(t, d, RAX), from = trans_get(t, t->e, s, RCX);
        if (!is_pinned(t, d))
            trans_load(t, t->e, d, RAX);
        emit_cmov_rr(t->e, CC_NOT(unless(t, true)), 4, to, from);
        trans_set(t, t->e, d, to);
    }
    trans_fpu_end(t, &away);
}

/* mfc1, mtc1 and those for the upper halves */
static bool transfer(struct trans *t)
{
    unsigned g = w_rt(t->w), r = W_FS(t->w), kind = w_rs(t->w);
    bool upper = kind & 1, to_fpu = kind & 4;
    struct fpu_away away = {0};
    if (kind & 3 && !upper)
        return false; /* cfc1, ctc1 */
    struct host_mem m = !upper ? trans_fpr(r, 0)
                               : trans_fpu_wide(t) ? trans_fpr(r, 1) : trans_fpr(r | 1, 0);
    trans_fpu_need_regs(t, &away);
    if (to_fpu && g == 0) {
        emit_mov_mi(t->e, 4, m, 0);
    } else if (to_fpu) {
        emit_mov_mr(t->e, 4, m, trans_get(t, t->e, g, RAX));
    } else if (g != 0) {
        enum host_reg to = trans_dest(t, g, RAX);
        emit_mov_rm(t->e, 4, to, m);
        trans_set(t, t->e, g, to);
    }
    trans_fpu_end(t, &away);
    return true;
}

/* ---- loads and stores ---- */

static enum host_reg indexed_address(struct trans *t)
{
    trans_load(t, t->e, w_rs(t->w), RAX);
    if (w_rt(t->w) != 0)
        trans_alu(t, t->e, HOST_ADD, RAX, w_rt(t->w));
    return RAX;
}

/* Between memory at rcx + disp and rax, 4 or 8 bytes. */
static void from_memory(struct trans *t, unsigned width, int32_t disp)
{
    bool be = t->cpu->big_endian;
    if (be && t->jit->has.movbe) {
        emit_movbe_rm(t->e, width, RAX, mem_at(RCX, disp));
        return;
    }
    emit_mov_rm(t->e, width, RAX, mem_at(RCX, disp));
    if (be)
        emit_bswap(t->e, width, RAX);
}

static void to_memory(struct trans *t, unsigned width, int32_t disp)
{
    bool be = t->cpu->big_endian;
    if (be && t->jit->has.movbe) {
        emit_movbe_mr(t->e, width, mem_at(RCX, disp), RAX);
        return;
    }
    if (be)
        emit_bswap(t->e, width, RAX);
    emit_mov_mr(t->e, width, mem_at(RCX, disp), RAX);
}

static void load_or_store(struct trans *t, unsigned r, unsigned width, bool write)
{
    for (int32_t disp = 0; disp < (int32_t)width;) {
        bool pair = width == 8 && !trans_fpu_wide(t);
        unsigned size = pair ? 4 : width;
        unsigned half = pair && (disp != 0) != t->cpu->big_endian ? 1 : 0;
        if (write) {
            trans_fpu_get_rax(t, size, r | half);
            to_memory(t, size, disp);
        } else {
            from_memory(t, size, disp);
            trans_fpu_set_rax(t, size, r | half);
        }
        disp += (int32_t)size;
    }
}

static bool memory(struct trans *t, unsigned r, unsigned width, bool write, bool indexed)
{
    struct fpu_away away = {0};
    if (width == 8 && !trans_fpu_pairs(t, r))
        return false;
    trans_fpu_need_regs(t, &away);
    enum host_reg va = indexed ? indexed_address(t) : trans_address(t);
    struct slow_jumps jumps = trans_look_up(t, va, write, width);
    for (unsigned i = 0; i < jumps.n; i++)
        away.slow[away.n_slow++] = jumps.at[i];
    emit_alu_rr(t->e, HOST_ADD, 8, RCX, va);
    load_or_store(t, r, width, write);
    trans_fpu_end(t, &away);
    return true;
}

bool jit_inline_fpu(struct trans *t)
{
    uint32_t w = t->w;
    unsigned fmt = w_rs(w), funct = w & 63;
    switch ((unsigned)t->id) {
    case INSN_RESERVED1:
        return false;
    case INSN_MOVF:
    case INSN_MOVT:
        move_integer(t);
        return true;
    case INSN_LWC1:
    case INSN_LDC1:
        return memory(t, W_FT(w), t->id == INSN_LDC1 ? 8 : 4, false, false);
    case INSN_SWC1:
    case INSN_SDC1:
        return memory(t, W_FT(w), t->id == INSN_SDC1 ? 8 : 4, true, false);
    case INSN_LWXC1:
    case INSN_LDXC1:
        return memory(t, W_FD(w), t->id == INSN_LDXC1 ? 8 : 4, false, true);
    case INSN_SWXC1:
    case INSN_SDXC1:
        return memory(t, W_FS(w), t->id == INSN_SDXC1 ? 8 : 4, true, true);
    default:
        break;
    }
    if (w >> 26 == 0x13)
        return trans_fpu_cop1x(t);
    if (w >> 26 != 0x11)
        return false;
    if (fmt < 16)
        return transfer(t);
    if (fmt <= 17 && (funct == 0x06 || (funct >= 0x11 && funct <= 0x13)))
        return move(t, fmt == 17 ? 8 : 4);
    return trans_fpu_cop1(t);
}
#endif
