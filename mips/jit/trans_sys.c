/*
 * Helpers' instructions of kernels and libraries that are worth code of their
 * own: CP0 moves without consequences, rdhwr of the thread pointer, cache
 * operations, swl and swr.
 *
 * A block is translated for a mode, so kernel mode is known here. The timer
 * needs no look: mips_run sets its limit so that no match is due before.
 */
#ifdef __x86_64__
#include "mips/jit/trans.h"

static struct host_mem c0_mem(unsigned index)
{
    return mem_at(RBP, CPU(c0) + (int32_t)index * 8);
}

static bool move_from_cp0(struct trans *t)
{
    if (t->mode != MODE_KERNEL)
        return false;
    unsigned d = w_rt(t->w);
    int i = cp0_index(t->cpu, w_rd(t->w), t->w & 7);
    if (i == C0_COUNT || i == C0_RANDOM || i == CP0_RESERVED)
        return false;
    if (d == 0)
        return true;
    if (i < 0) {
        trans_set_imm(t, t->e, d, 0);
        return true;
    }
    enum host_reg to = trans_dest(t, d, RAX);
    emit_mov_rm(t->e, 4, to, c0_mem((unsigned)i));
    trans_set(t, t->e, d, to);
    return true;
}

static bool move_to_cp0(struct trans *t)
{
    if (t->mode != MODE_KERNEL)
        return false;
    int i = cp0_index(t->cpu, w_rd(t->w), t->w & 7);
    if (i == CP0_RESERVED || (i >= 0 && !cp0_is_storage(t->cpu, (unsigned)i)))
        return false;
    uint32_t mask = i < 0 ? 0 : t->cpu->c0_mask[i];
    if (mask == 0)
        return true;
    trans_load(t, t->e, w_rt(t->w), RAX);
    if (mask != UINT32_MAX) {
        emit_mov_rm(t->e, 4, RCX, c0_mem((unsigned)i));
        emit_alu_ri(t->e, HOST_AND, 4, RAX, (int32_t)mask);
        emit_alu_ri(t->e, HOST_AND, 4, RCX, (int32_t)~mask);
        emit_alu_rr(t->e, HOST_OR, 4, RAX, RCX);
    }
    emit_movsx_rr(t->e, 4, 8, RAX, RAX);
    emit_mov_mr(t->e, 8, c0_mem((unsigned)i), RAX);
    return true;
}

static bool read_user_local(struct trans *t)
{
    unsigned d = w_rt(t->w);
    if (w_rd(t->w) != 29 || !t->cpu->model->user_local)
        return false;
    uint8_t *not_enabled = NULL;
    if (t->mode != MODE_KERNEL) {
        emit_test_mi(t->e, 4, c0_mem(C0_HWRENA), 1 << 29);
        not_enabled = emit_jcc_later(t->e, CC_E);
    }
    if (d != 0) {
        enum host_reg to = trans_dest(t, d, RAX);
        emit_mov_rm(t->e, 4, to, c0_mem(C0_USERLOCAL));
        trans_set(t, t->e, d, to);
    }
    if (not_enabled != NULL)
        trans_cold_helper(t, not_enabled);
    return true;
}

/* Nothing happens if the address can be read. */
static bool touch(struct trans *t)
{
    enum host_reg va = trans_address(t);
    struct slow_jumps jumps = trans_look_up(t, va, false, 1);
    trans_cold_helper(t, jumps.at[0]);
    return true;
}

static bool cache(struct trans *t)
{
    if (t->mode != MODE_KERNEL)
        return false;
    return (w_rt(t->w) >> 2) < 4 || touch(t);
}

/* The part of the register that counts is merged into the aligned word. */
static bool store_part(struct trans *t, bool left)
{
    struct emit *e = t->e;
    bool be = t->cpu->big_endian;
    if (trans_address(t) != RAX)
        trans_load(t, e, w_rs(t->w), RAX);
    struct slow_jumps jumps = trans_look_up(t, RAX, true, 1);
    emit_mov_rr(e, 4, RDX, RAX);
    emit_alu_ri(e, HOST_AND, 4, RDX, -4);
    emit_alu_rr(e, HOST_ADD, 8, RDX, RCX); /* the word in host memory */
    emit_mov_rr(e, 4, RCX, RAX);
    if (left != be)
        emit_not(e, 4, RCX);
    emit_shift_ri(e, HOST_SHL, 4, RCX, 3); /* counts are taken modulo 32 */
    emit_mov_ri(e, RAX, UINT32_MAX);
    emit_shift_cl(e, left ? HOST_SHR : HOST_SHL, 4, RAX);
    emit_not(e, 4, RAX); /* the bits of memory that stay */
    if (be) {
        emit_bswap(e, 4, RAX);
        emit_alu_rm(e, HOST_AND, 4, RAX, mem_at(RDX, 0));
        emit_bswap(e, 4, RAX);
    } else {
        emit_alu_rm(e, HOST_AND, 4, RAX, mem_at(RDX, 0));
    }
    emit_mov_mr(e, 4, mem_at(RBP, CPU(jit_value)), RAX);
    trans_load(t, e, w_rt(t->w), RAX);
    emit_shift_cl(e, left ? HOST_SHR : HOST_SHL, 4, RAX);
    emit_alu_rm(e, HOST_OR, 4, RAX, mem_at(RBP, CPU(jit_value)));
    if (be)
        emit_bswap(e, 4, RAX);
    emit_mov_mr(e, 4, mem_at(RDX, 0), RAX);
    trans_cold_helper(t, jumps.at[0]);
    return true;
}

bool jit_inline_system(struct trans *t)
{
    switch ((unsigned)t->id) {
    case INSN_MFC0:
        return move_from_cp0(t);
    case INSN_MTC0:
        return move_to_cp0(t);
    case INSN_RDHWR:
        return read_user_local(t);
    case INSN_SYNCI:
        return touch(t);
    case INSN_CACHE:
        return cache(t);
    case INSN_SWL:
        return store_part(t, true);
    case INSN_SWR:
        return store_part(t, false);
    default:
        return false;
    }
}
#endif
