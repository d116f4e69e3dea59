/* FCSR and MXCSR: the C side (jit_fpu.h). */
#ifdef __x86_64__
#include <string.h>
#include <xmmintrin.h>

#include "mips/jit/jit_fpu.h"
#include "mips/jit/trans.h"

#define MXCSR_DEFAULT 0x1f80u /* nearest, all exceptions masked */
#define FCSR_CAUSE    0x0003f000u

void jit_fpu_init(struct mips *cpu)
{
    static const uint32_t by_rm[4] = {MXCSR_DEFAULT, 0x7f80, 0x5f80, 0x3f80};
    memcpy(cpu->fp_mxcsr, by_rm, sizeof by_rm);
}

bool jit_fpu_go_live(struct mips *cpu)
{
    if (!(cpu->fp_regs & FPU_ON) || cpu->fcsr & FPU_SLOW)
        return false;
    _mm_setcsr(cpu->fp_mxcsr[cpu->fcsr & 3]);
    cpu->fp_arith = (uint8_t)(cpu->fp_regs | FPU_LIVE);
    return true;
}

static uint32_t flags_of(uint32_t mxcsr)
{
    return (mxcsr >> 5 & 1) << 2 | (mxcsr >> 4 & 1) << 3 | (mxcsr >> 3 & 1) << 4 |
           (mxcsr >> 2 & 1) << 5;
}

static void put(struct mips *cpu, unsigned r, unsigned size, uint64_t v)
{
    if (size == 8 && cpu->fp_regs & FPU_WIDE) {
        cpu->fpr[r] = v;
        return;
    }
    if (size == 8) {
        cpu->fpr[r & ~1u] = v & UINT32_MAX;
        v >>= 32;
        r |= 1;
    }
    cpu->fpr[r] = v & UINT32_MAX;
}

/* What the interpreter makes of the last instruction. */
static uint32_t last_cause(struct mips *cpu)
{
    uint32_t w = cpu->fp_last, fcsr = cpu->fcsr, cause;
    bool fused = w >> 26 == 0x13;
    unsigned size = (fused ? w : w_rs(w)) & 1 ? 8 : 4; /* formats S and W are even, D and L odd */
    uint64_t saved[32];
    memcpy(saved, cpu->fpr, sizeof saved);
    if (fused)
        put(cpu, w_rs(w), size, cpu->fp_operands[2]);
    put(cpu, w_rt(w), size, cpu->fp_operands[1]); /* with one operand: of no importance */
    put(cpu, w_rd(w), size, cpu->fp_operands[0]);
    jit_helpers[insn_find(w)](cpu, w);
    cause = cpu->fcsr & FCSR_CAUSE;
    memcpy(cpu->fpr, saved, sizeof saved);
    cpu->fcsr = fcsr;
    return cause;
}

COLD void jit_fpu_settle_now(struct mips *cpu)
{
    if (cpu->fp_arith != 0) {
        uint32_t mxcsr = _mm_getcsr();
        _mm_setcsr(MXCSR_DEFAULT);
        cpu->fcsr |= flags_of(mxcsr);
        cpu->fp_arith = 0;
    }
    if (cpu->fp_last != 0) {
        uint32_t cause = cpu->fp_last == FPU_NO_CAUSE ? 0 : last_cause(cpu);
        cpu->fcsr = (cpu->fcsr & ~FCSR_CAUSE) | cause;
        cpu->fp_last = 0;
    }
}
#endif
