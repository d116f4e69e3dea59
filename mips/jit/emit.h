/*
 * The emitter: x86-64 machine code, one instruction per call. The only door to
 * the host's encoding; no other file writes an opcode.
 *
 * Code is written at `p` through the writable mapping and runs at p + rx. All
 * functions write forward and check nothing: whoever emits keeps EMIT_RED_ZONE
 * bytes free between `p` and the end of its buffer (jit_code.c). A few bytes
 * after an instruction may be overwritten, within EMIT_INSN_MAX of its start.
 *
 * Widths are in bytes: 1, 2, 4, 8. Operations on 4 bytes clear the upper half
 * of the register. Immediates are sign-extended from 32 bits to 8-byte
 * operands. Byte registers are always the low ones (sil, dil with REX; never
 * ah ... bh). The shortest encoding of immediates and displacements is taken,
 * except in jumps, whose distance is always 32 bits unless the name says 8: the
 * targets of emit_jmp, emit_jcc and emit_patch are at most 2 GiB away.
 *
 * Source: Intel 64 and IA-32 Architectures SDM, volume 2.
 */
#ifndef MIPS_JIT_EMIT_H
#define MIPS_JIT_EMIT_H

#include "core/base/base.h"

#define EMIT_INSN_MAX 16   /* no call writes more bytes, but emit_align up to 31 */
#define EMIT_RED_ZONE 1024 /* no more than this between two looks at the room left */

enum host_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    HOST_NONE = 0xff /* no index or no base in a struct host_mem */
};

enum host_cc {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A,
    CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G
};
/* The opposite condition. */
#define CC_NOT(cc) ((enum host_cc)((cc) ^ 1))

enum host_alu { HOST_ADD, HOST_OR, HOST_ADC, HOST_SBB, HOST_AND, HOST_SUB, HOST_XOR, HOST_CMP };
enum host_shift { HOST_ROL = 0, HOST_ROR = 1, HOST_SHL = 4, HOST_SHR = 5, HOST_SAR = 7 };
enum host_fp { HOST_FADD, HOST_FMUL, HOST_FSUB, HOST_FDIV, HOST_FSQRT }; /* sqrt has one operand */

/*
 * [base + index * scale + disp]. Scale is 1, 2, 4 or 8; index is not RSP. Without
 * base the displacement takes 4 bytes and is sign-extended to 64 bits.
 */
struct host_mem {
    uint8_t base, index, scale;
    int32_t disp;
};

static inline struct host_mem mem_at(enum host_reg base, int32_t disp)
{
    return (struct host_mem){(uint8_t)base, HOST_NONE, 1, disp};
}

static inline struct host_mem mem_index(enum host_reg base, enum host_reg index, unsigned scale,
                                        int32_t disp)
{
    return (struct host_mem){(uint8_t)base, (uint8_t)index, (uint8_t)scale, disp};
}

struct emit {
    uint8_t *p;   /* next byte, in the writable mapping */
    ptrdiff_t rx; /* add to an address in the writable mapping: where it runs */
};

/* What of the host is used beyond SSE2 is asked for here, once per process. */
struct emit_features {
    bool movbe, bmi2, lzcnt, sse41;
};
struct emit_features emit_host_features(void);

/* Where the next instruction will run. */
static inline const uint8_t *emit_here(const struct emit *e)
{
    return e->p + e->rx;
}

/* ---- moves ---- */
void emit_mov_rr(struct emit *e, unsigned width, enum host_reg d, enum host_reg s); /* 4, 8 */
void emit_mov_ri(struct emit *e, enum host_reg d, uint64_t value); /* all 64 bits; leaves flags */
void emit_mov_rm(struct emit *e, unsigned width, enum host_reg d, struct host_mem m); /* 4, 8 */
void emit_mov_mr(struct emit *e, unsigned width, struct host_mem m, enum host_reg s);
void emit_mov_mi(struct emit *e, unsigned width, struct host_mem m, int32_t value);
/* Extend from `from` (1, 2; signed ones also 4) to `to` (4, 8) bytes. */
void emit_movzx_rr(struct emit *e, unsigned from, enum host_reg d, enum host_reg s);
void emit_movzx_rm(struct emit *e, unsigned from, enum host_reg d, struct host_mem m);
void emit_movsx_rr(struct emit *e, unsigned from, unsigned to, enum host_reg d, enum host_reg s);
void emit_movsx_rm(struct emit *e, unsigned from, unsigned to, enum host_reg d, struct host_mem m);
void emit_lea(struct emit *e, unsigned width, enum host_reg d, struct host_mem m); /* 4, 8 */
void emit_xchg_rr(struct emit *e, unsigned width, enum host_reg a, enum host_reg b); /* 4, 8 */
void emit_bswap(struct emit *e, unsigned width, enum host_reg d); /* 4, 8 */
/* With features.movbe only. 2, 4, 8 bytes; 2 leaves the rest of `d` alone. */
void emit_movbe_rm(struct emit *e, unsigned width, enum host_reg d, struct host_mem m);
void emit_movbe_mr(struct emit *e, unsigned width, struct host_mem m, enum host_reg s);

/* ---- arithmetic ---- */
void emit_alu_rr(struct emit *e, enum host_alu op, unsigned width, enum host_reg d, enum host_reg s);
void emit_alu_rm(struct emit *e, enum host_alu op, unsigned width, enum host_reg d,
                 struct host_mem m);
void emit_alu_mr(struct emit *e, enum host_alu op, unsigned width, struct host_mem m,
                 enum host_reg s);
void emit_alu_ri(struct emit *e, enum host_alu op, unsigned width, enum host_reg d, int32_t value);
void emit_alu_mi(struct emit *e, enum host_alu op, unsigned width, struct host_mem m, int32_t value);
void emit_test_rr(struct emit *e, unsigned width, enum host_reg a, enum host_reg b);
/* All flags are those of `width`, but as few bytes are looked at as give them. */
void emit_test_ri(struct emit *e, unsigned width, enum host_reg a, int32_t value);
void emit_test_mi(struct emit *e, unsigned width, struct host_mem m, int32_t value);
void emit_shift_ri(struct emit *e, enum host_shift op, unsigned width, enum host_reg d,
                   unsigned count);
void emit_shift_cl(struct emit *e, enum host_shift op, unsigned width, enum host_reg d);
/* With features.bmi2: d = s shifted by the low bits of `count`, or rotated right; no flags. */
void emit_shiftx(struct emit *e, enum host_shift op, unsigned width, enum host_reg d,
                 enum host_reg s, enum host_reg count); /* SHL, SHR, SAR */
void emit_rorx(struct emit *e, unsigned width, enum host_reg d, enum host_reg s, unsigned count);
void emit_neg(struct emit *e, unsigned width, enum host_reg d);
void emit_not(struct emit *e, unsigned width, enum host_reg d);
void emit_imul_rr(struct emit *e, unsigned width, enum host_reg d, enum host_reg s);
void emit_imul_rm(struct emit *e, unsigned width, enum host_reg d, struct host_mem m);
/* One operand: rdx:rax = rax * r; rax, rdx = rdx:rax / r, % r. */
void emit_mul(struct emit *e, unsigned width, bool is_signed, enum host_reg r);
void emit_div(struct emit *e, unsigned width, bool is_signed, enum host_reg r);
void emit_cdq(struct emit *e, unsigned width); /* rdx = sign of rax */
void emit_setcc(struct emit *e, enum host_cc cc, enum host_reg d); /* low byte only */
void emit_setcc_m(struct emit *e, enum host_cc cc, struct host_mem m);
void emit_cmov_rr(struct emit *e, enum host_cc cc, unsigned width, enum host_reg d, enum host_reg s);
void emit_cmov_rm(struct emit *e, enum host_cc cc, unsigned width, enum host_reg d,
                  struct host_mem m);
/* With features.lzcnt only; 4, 8. */
void emit_lzcnt(struct emit *e, unsigned width, enum host_reg d, enum host_reg s);
void emit_bsr(struct emit *e, unsigned width, enum host_reg d, enum host_reg s);
void emit_bt_mi(struct emit *e, unsigned width, struct host_mem m, unsigned bit); /* CF = bit */

/* ---- control ---- */
void emit_push(struct emit *e, enum host_reg r);
void emit_push_i(struct emit *e, int32_t value);
void emit_pop(struct emit *e, enum host_reg r);
void emit_ret(struct emit *e);
void emit_ud2(struct emit *e);
void emit_align(struct emit *e, unsigned to); /* 16, 32: with long no-operations */
/* Targets are addresses where code runs. */
void emit_jmp(struct emit *e, const void *target);
void emit_jcc(struct emit *e, enum host_cc cc, const void *target);
void emit_call(struct emit *e, const void *target); /* by register if it is too far: clobbers rax */
void emit_jmp_r(struct emit *e, enum host_reg r);
void emit_jmp_m(struct emit *e, struct host_mem m);
void emit_call_r(struct emit *e, enum host_reg r);
void emit_call_m(struct emit *e, struct host_mem m);
/* Jumps whose target comes later. The result names the distance in the
 * writable mapping; emit_patch sets it, at any time and any number of times. */
uint8_t *emit_jmp_later(struct emit *e);
uint8_t *emit_jcc_later(struct emit *e, enum host_cc cc);
void emit_patch(const struct emit *e, uint8_t *site, const void *target);
uint8_t *emit_jcc8_later(struct emit *e, enum host_cc cc); /* at most 127 bytes ahead */
uint8_t *emit_jmp8_later(struct emit *e);
void emit_patch8(const struct emit *e, uint8_t *site); /* to the next instruction */

/* ---- floating point: `width` 4 is single, 8 is double; registers 0..15 ---- */
void emit_fmov_xm(struct emit *e, unsigned width, unsigned x, struct host_mem m); /* clears above */
void emit_fmov_mx(struct emit *e, unsigned width, struct host_mem m, unsigned x);
void emit_fmov_xx(struct emit *e, unsigned d, unsigned s); /* all of it */
void emit_fmov_xr(struct emit *e, unsigned width, unsigned x, enum host_reg r); /* movd, movq */
void emit_fmov_rx(struct emit *e, unsigned width, enum host_reg r, unsigned x);
void emit_pinsrd(struct emit *e, unsigned x, struct host_mem m, unsigned lane); /* sse41 */
void emit_pextrd(struct emit *e, struct host_mem m, unsigned x, unsigned lane); /* sse41 */
void emit_punpckldq(struct emit *e, unsigned d, unsigned s);
void emit_pshufd(struct emit *e, unsigned d, unsigned s, unsigned order);
void emit_fp_xx(struct emit *e, enum host_fp op, unsigned width, unsigned d, unsigned s);
void emit_fp_xm(struct emit *e, enum host_fp op, unsigned width, unsigned d, struct host_mem m);
/* Sets ZF PF CF; a signalling compare raises invalid for quiet NaNs too. */
void emit_fcomi(struct emit *e, unsigned width, bool signalling, unsigned a, unsigned b);
void emit_fcvt_ff(struct emit *e, unsigned from, unsigned d, unsigned s); /* to the other width */
void emit_fcvt_fi(struct emit *e, unsigned width, unsigned int_width, unsigned d, enum host_reg s);
/* To an integer of 4 or 8 bytes, toward zero or by MXCSR's mode. */
void emit_fcvt_if(struct emit *e, unsigned width, unsigned int_width, bool truncate,
                  enum host_reg d, unsigned s);
/* With features.sse41 only: to an integer in the same format, by `mode` as in
 * MXCSR.RC. `quiet`: without the inexact flag. */
void emit_fround(struct emit *e, unsigned width, unsigned d, unsigned s, unsigned mode, bool quiet);
void emit_fxor(struct emit *e, unsigned d, unsigned s); /* bitwise, 128 bits */
void emit_fand(struct emit *e, unsigned d, unsigned s);
void emit_stmxcsr(struct emit *e, struct host_mem m);
void emit_ldmxcsr(struct emit *e, struct host_mem m);

#endif
