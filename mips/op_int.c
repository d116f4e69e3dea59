/* Integer instructions that have no code of their own in the interpreter. */
#include "mips/ops.h"

static void set_hilo(struct mips *cpu, uint64_t value)
{
    cpu->lo = sext32(value);
    cpu->hi = sext32(value >> 32);
}

static uint64_t get_hilo(const struct mips *cpu)
{
    return cpu->hi << 32 | (uint32_t)cpu->lo;
}

static uint64_t product(const struct mips *cpu, uint32_t w)
{
    int64_t a = (int32_t)cpu->gpr[w_rs(w)], b = (int32_t)cpu->gpr[w_rt(w)];
    return (uint64_t)(a * b);
}

static uint64_t product_u(const struct mips *cpu, uint32_t w)
{
    return (uint64_t)(uint32_t)cpu->gpr[w_rs(w)] * (uint32_t)cpu->gpr[w_rt(w)];
}

enum op_result op_madd(struct mips *cpu, uint32_t w)
{
    set_hilo(cpu, get_hilo(cpu) + product(cpu, w));
    return OP_OK;
}

enum op_result op_maddu(struct mips *cpu, uint32_t w)
{
    set_hilo(cpu, get_hilo(cpu) + product_u(cpu, w));
    return OP_OK;
}

enum op_result op_msub(struct mips *cpu, uint32_t w)
{
    set_hilo(cpu, get_hilo(cpu) - product(cpu, w));
    return OP_OK;
}

enum op_result op_msubu(struct mips *cpu, uint32_t w)
{
    set_hilo(cpu, get_hilo(cpu) - product_u(cpu, w));
    return OP_OK;
}

/* UNPREDICTABLE for a divisor of 0 by the manual; here what the usual
 * iterative divider leaves. */
enum op_result op_div(struct mips *cpu, uint32_t w)
{
    int64_t a = (int32_t)cpu->gpr[w_rs(w)], b = (int32_t)cpu->gpr[w_rt(w)];
    cpu->lo = b ? sext32((uint64_t)(a / b)) : a < 0 ? 1 : UINT64_MAX;
    cpu->hi = b ? sext32((uint64_t)(a % b)) : sext32((uint64_t)a);
    return OP_OK;
}

enum op_result op_divu(struct mips *cpu, uint32_t w)
{
    uint32_t a = (uint32_t)cpu->gpr[w_rs(w)], b = (uint32_t)cpu->gpr[w_rt(w)];
    cpu->lo = b ? sext32(a / b) : UINT64_MAX;
    cpu->hi = b ? sext32(a % b) : sext32(a);
    return OP_OK;
}

static uint64_t address(const struct mips *cpu, uint32_t w)
{
    return sext32(cpu->gpr[w_rs(w)] + (uint64_t)w_simm(w));
}

/* ---- swl, swr: one to four bytes of an aligned word ---- */

/* Bytes are stored one by one, after the whole word's page proved writable:
 * all are in one aligned word, so only the first can fault, or stop. */
static enum op_result store_bytes(struct mips *cpu, uint64_t va, uint64_t first, unsigned count,
                                  uint32_t value)
{
    enum op_result r = UNLIKELY(cpu->n_watches != 0) ? mmu_watch_bytes(cpu, first, count) : OP_OK;
    if (r != OP_OK)
        return r;
    cpu->fault_low = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned shift = cpu->big_endian ? 8 * (count - 1 - i) : 8 * i;
        enum op_result one = mmu_store(cpu, first + i, 1, value >> shift & 0xff);
        if (one > OP_LEAVE) {
            if (one == OP_EXC && cpu->c0[C0_BADVADDR] == first)
                cpu->c0[C0_BADVADDR] = va;
            return one;
        }
        r = one == OP_LEAVE ? OP_LEAVE : r;
    }
    return r;
}

enum op_result op_swl(struct mips *cpu, uint32_t w)
{
    uint64_t va = address(cpu, w), aligned = va & ~UINT64_C(3);
    uint32_t value = (uint32_t)cpu->gpr[w_rt(w)];
    unsigned at = cpu->big_endian ? ~va & 3 : va & 3;
    uint64_t first = cpu->big_endian ? va : aligned;
    return store_bytes(cpu, va, first, at + 1, value >> (24 - 8 * at));
}

enum op_result op_swr(struct mips *cpu, uint32_t w)
{
    uint64_t va = address(cpu, w), aligned = va & ~UINT64_C(3);
    unsigned at = cpu->big_endian ? ~va & 3 : va & 3;
    uint64_t first = cpu->big_endian ? aligned : va;
    uint32_t value = (uint32_t)cpu->gpr[w_rt(w)];
    return store_bytes(cpu, va, first, 4 - at, at ? value & (UINT32_MAX >> 8 * at) : value);
}

/* ---- ll, sc ---- */

enum op_result op_ll(struct mips *cpu, uint32_t w)
{
    uint64_t va = address(cpu, w), value, pa;
    enum op_result r = mmu_load(cpu, va, 4, &value);
    if (r > OP_LEAVE)
        return r;
    uint8_t kind;
    if (mmu_translate(cpu, va, MIPS_READ, &pa, &kind) == EXC_NONE) {
        cpu->ll_pa = pa;
        cpu->c0[C0_LLADDR] = sext32(pa >> 4);
    }
    cpu->llbit = 1;
    op_set_gpr(cpu, w_rt(w), sext32(value));
    return r;
}

enum op_result op_sc(struct mips *cpu, uint32_t w)
{
    uint64_t va = address(cpu, w), pa = 0;
    uint8_t kind;
    if (va & 3)
        return exc_raise_address(cpu, EXC_ADES, va);
    int code = mmu_translate(cpu, va, MIPS_WRITE, &pa, &kind);
    if (code != EXC_NONE)
        return exc_raise_address(cpu, code, va);
    enum op_result r = OP_OK;
    bool store = cpu->llbit && pa == cpu->ll_pa;
    if (store)
        r = mmu_store(cpu, va, 4, cpu->gpr[w_rt(w)]);
    if (r > OP_LEAVE)
        return r;
    cpu->llbit = 0;
    op_set_gpr(cpu, w_rt(w), store);
    return r;
}

/* ---- caches: not modelled; but hit operations translate ---- */

static enum op_result touch(struct mips *cpu, uint64_t va)
{
    uint64_t pa;
    uint8_t kind;
    int code = mmu_translate(cpu, va, MIPS_READ, &pa, &kind);
    return code == EXC_NONE ? OP_OK : exc_raise_address(cpu, code, va);
}

enum op_result op_cache(struct mips *cpu, uint32_t w)
{
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    bool by_address = (w_rt(w) >> 2) >= 4; /* hit operations, fetch and lock */
    return by_address ? touch(cpu, address(cpu, w)) : OP_OK;
}

enum op_result op_synci(struct mips *cpu, uint32_t w)
{
    return touch(cpu, address(cpu, w));
}
