/*
 * Loads and stores: the look into the software TLB (mmu.c), inline. An entry
 * that is positive is added to the address; all else is cold code that calls
 * the slow path with the address in eax.
 */
#ifdef __x86_64__
#include "mips/jit/trans.h"
#include "mips/jit/trans_op.h"

static int32_t table(const struct trans *t, bool write)
{
    size_t in_mode = write ? offsetof(struct mode_cache, write) : offsetof(struct mode_cache, read);
    return (int32_t)(CPU(modes) + t->mode * sizeof(struct mode_cache) + in_mode);
}

enum host_reg trans_address(struct trans *t)
{
    unsigned base = w_rs(t->w);
    int32_t offset = w_simm(t->w);
    if (base == 0) {
        emit_mov_ri(t->e, RAX, (uint32_t)offset);
        return RAX;
    }
    if (is_pinned(t, base) && offset == 0)
        return pin(t, base);
    if (is_pinned(t, base)) {
        emit_lea(t->e, 4, RAX, mem_at(pin(t, base), offset));
    } else {
        emit_mov_rm(t->e, 4, RAX, gpr_mem(base));
        if (offset != 0)
            emit_alu_ri(t->e, HOST_ADD, 4, RAX, offset);
    }
    return RAX;
}

struct slow_jumps trans_look_up(struct trans *t, enum host_reg va, bool write, unsigned align)
{
    struct slow_jumps jumps = {.n = 0};
    emit_mov_rr(t->e, 4, RCX, va);
    emit_shift_ri(t->e, HOST_SHR, 4, RCX, PAGE_BITS);
    emit_mov_rm(t->e, 8, RCX, mem_index(RBP, RCX, 8, table(t, write)));
    if (align > 1) {
        emit_test_ri(t->e, 4, va, (int32_t)align - 1);
        jumps.at[jumps.n++] = emit_jcc_later(t->e, CC_NE);
    }
    emit_test_rr(t->e, 8, RCX, RCX);
    jumps.at[jumps.n++] = emit_jcc_later(t->e, CC_LE);
    return jumps;
}

/* Cold code: the call. What it returns is in eax. */
static void slow(struct trans *t, const struct slow_jumps *jumps, enum host_reg va,
                 enum jit_call call)
{
    for (unsigned i = 0; i < jumps->n; i++)
        emit_patch(t->c, jumps->at[i], emit_here(t->c));
    if (va != RAX)
        emit_mov_rr(t->c, 4, RAX, va);
    trans_catch_up(t, t->c);
    trans_call_out(t, t->c, call);
}

static void load_to(struct trans *t, unsigned op, enum host_reg to, unsigned width,
                    struct host_mem m)
{
    struct emit *e = t->e;
    bool be = t->cpu->big_endian;
    switch (op) {
    case JOP_int8_t:
        emit_movsx_rm(e, 1, width, to, m);
        break;
    case JOP_uint8_t:
        emit_movzx_rm(e, 1, to, m);
        break;
    case JOP_int16_t:
    case JOP_uint16_t:
        if (!be && op == JOP_int16_t) {
            emit_movsx_rm(e, 2, width, to, m);
            break;
        }
        emit_movzx_rm(e, 2, to, m);
        if (be) {
            emit_bswap(e, 4, to);
            emit_shift_ri(e, op == JOP_int16_t ? HOST_SAR : HOST_SHR, 4, to, 16);
            if (width == 8 && op == JOP_int16_t)
                emit_movsx_rr(e, 4, 8, to, to);
        }
        break;
    default:
        if (!be) {
            if (width == 8)
                emit_movsx_rm(e, 4, 8, to, m);
            else
                emit_mov_rm(e, 4, to, m);
            break;
        }
        if (t->jit->has.movbe) {
            emit_movbe_rm(e, 4, to, m);
        } else {
            emit_mov_rm(e, 4, to, m);
            emit_bswap(e, 4, to);
        }
        if (width == 8)
            emit_movsx_rr(e, 4, 8, to, to);
    }
}

static enum jit_call load_call(unsigned op)
{
    switch (op) {
    case JOP_int8_t:
        return CALL_lb;
    case JOP_uint8_t:
        return CALL_lbu;
    case JOP_int16_t:
        return CALL_lh;
    case JOP_uint16_t:
        return CALL_lhu;
    default:
        return CALL_lw;
    }
}

static unsigned size_of(unsigned op)
{
    return op == JOP_int8_t || op == JOP_uint8_t ? 1 : op == JOP_int32_t ? 4 : 2;
}

void jit_load(struct trans *t, unsigned op)
{
    unsigned d = w_rt(t->w);
    enum host_reg va = trans_address(t);
    struct slow_jumps jumps = trans_look_up(t, va, false, size_of(op));
    struct host_mem m = mem_index(RCX, va, 1, 0);
    if (d != 0 && is_pinned(t, d)) {
        load_to(t, op, pin(t, d), 4, m);
    } else if (d != 0) {
        load_to(t, op, RAX, 8, m);
        emit_mov_mr(t->e, 8, gpr_mem(d), RAX);
    }
    slow(t, &jumps, va, load_call(op));
    if (d != 0)
        trans_set(t, t->c, d, RAX);
    emit_jmp(t->c, emit_here(t->e));
}

/* lwl, lwr: the part of the aligned word that counts is shifted into place. */
void jit_load_part(struct trans *t, unsigned op)
{
    struct emit *e = t->e;
    unsigned d = w_rt(t->w);
    bool left = op == JOP_LWL, be = t->cpu->big_endian;
    if (trans_address(t) != RAX)
        trans_load(t, e, w_rs(t->w), RAX);
    struct slow_jumps jumps = trans_look_up(t, RAX, false, 1);
    emit_mov_rr(e, 4, RDX, RAX);
    emit_alu_ri(e, HOST_AND, 4, RDX, -4);
    emit_mov_rm(e, 4, RDX, mem_index(RCX, RDX, 1, 0));
    if (be)
        emit_bswap(e, 4, RDX);
    emit_mov_rr(e, 4, RCX, RAX);
    if (left != be)
        emit_not(e, 4, RCX);
    emit_shift_ri(e, HOST_SHL, 4, RCX, 3); /* counts are taken modulo 32 */
    emit_shift_cl(e, left ? HOST_SHL : HOST_SHR, 4, RDX);
    emit_mov_ri(e, RAX, UINT32_MAX);
    emit_shift_cl(e, left ? HOST_SHL : HOST_SHR, 4, RAX);
    emit_not(e, 4, RAX);
    trans_alu(t, e, HOST_AND, RAX, d);
    emit_alu_rr(e, HOST_OR, 4, RAX, RDX);
    if (d != 0)
        trans_set(t, e, d, RAX);
    slow(t, &jumps, RAX, CALL_ldx);
    if (d != 0)
        trans_set(t, t->c, d, RAX);
    emit_jmp(t->c, emit_here(e));
}

static void store_swapped(struct trans *t, unsigned size, unsigned g)
{
    struct emit *e = t->e;
    if (t->jit->has.movbe) {
        emit_movbe_mr(e, size, mem_at(RCX, 0), trans_get(t, e, g, RAX));
        return;
    }
    trans_load(t, e, g, RAX);
    emit_bswap(e, 4, RAX);
    if (size == 2)
        emit_shift_ri(e, HOST_SHR, 4, RAX, 16);
    emit_mov_mr(e, size, mem_at(RCX, 0), RAX);
}

void jit_store(struct trans *t, unsigned size)
{
    struct emit *e = t->e;
    unsigned g = w_rt(t->w);
    enum host_reg va = trans_address(t);
    struct slow_jumps jumps = trans_look_up(t, va, true, size);
    bool swap = t->cpu->big_endian && size > 1;
    if (g == 0) {
        emit_mov_mi(e, size, mem_index(RCX, va, 1, 0), 0);
    } else if (is_pinned(t, g) && !swap) {
        emit_mov_mr(e, size, mem_index(RCX, va, 1, 0), pin(t, g));
    } else {
        emit_alu_rr(e, HOST_ADD, 8, RCX, va);
        if (swap) {
            store_swapped(t, size, g);
        } else {
            trans_load(t, e, g, RAX);
            emit_mov_mr(e, size, mem_at(RCX, 0), RAX);
        }
    }
    slow(t, &jumps, va, size == 1 ? CALL_sb : size == 2 ? CALL_sh : CALL_sw);
    emit_jmp(t->c, emit_here(e));
}
#endif
