/*
 * IEEE 754 single and double arithmetic in integers, as a MIPS FPU computes
 * it. Nothing here touches the host's floating point, so results and flags
 * are the same on every host.
 *
 * Names follow the mnemonics: softfp_add_s is add.s, softfp_cvt_d_s is
 * cvt.d.s (to d, from s). Values are bit patterns: s in uint32_t, d in
 * uint64_t, w in int32_t, l in int64_t. Every function is pure but for
 * `fp->flags`, into which it ors what the operation raised; the caller clears
 * it before an instruction and turns it into FCSR.Cause, FCSR.Flags and
 * the trap. Full hardware: no operation is ever "unimplemented" (FCSR.E).
 *
 * Results are the default ones of IEEE 754 whether or not the exception is
 * enabled; a caller that traps drops the result.
 *
 * Where the architecture leaves a choice:
 *   NaN operands: the first signalling one, else the first quiet one, becomes
 *     the result. Made quiet, a signalling NaN is the default NaN (0x7fbfffff,
 *     0x7ff7ffffffffffff) in the legacy encoding, itself with the quiet bit set
 *     with NAN2008. A quiet one passes unchanged in both.
 *   FCSR.FS: a nonzero result that is tiny after rounding becomes zero of its
 *     sign in every rounding mode, and raises underflow and inexact.
 *     Subnormal operands are used as they are.
 *   abs, neg: without ABS2008 arithmetic (a signalling NaN raises invalid, a
 *     quiet one passes unchanged), with it the sign bit is all they touch.
 *
 * Source: MIPS32 Architecture For Programmers, vol. I-A, chapter 5.
 */
#ifndef MIPS_SOFTFP_H
#define MIPS_SOFTFP_H

#include <stdbool.h>
#include <stdint.h>

/* Rounding: encoding of FCSR.RM. */
enum softfp_rm {
    SOFTFP_RN = 0, /* to nearest, ties to even */
    SOFTFP_RZ = 1, /* toward zero: trunc */
    SOFTFP_RP = 2, /* toward +infinity: ceil */
    SOFTFP_RM = 3, /* toward -infinity: floor */
};

/* Exceptions in the order of FCSR.Flags: shift left by 2 for Flags, 7 for
 * Enables, 12 for Cause. */
enum softfp_flag {
    SOFTFP_INEXACT = 1,
    SOFTFP_UNDERFLOW = 2,
    SOFTFP_OVERFLOW = 4,
    SOFTFP_DIVZERO = 8,
    SOFTFP_INVALID = 16,
};

/* Order of two operands, in the bits of c.cond's condition field: the
 * condition holds if (order & cond & 7) != 0. */
enum softfp_order {
    SOFTFP_GT = 0,
    SOFTFP_UN = 1,
    SOFTFP_EQ = 2,
    SOFTFP_LT = 4,
};

struct softfp {
    uint8_t rm;    /* enum softfp_rm: FCSR.RM */
    bool flush;    /* FCSR.FS */
    bool nan2008;  /* FCSR.NAN2008 */
    bool abs2008;  /* FCSR.ABS2008 */
    bool trap_underflow; /* FCSR.Enables.U: then a tiny result raises underflow also if exact */
    uint8_t flags; /* out: enum softfp_flag, or'ed */
};

uint32_t softfp_add_s(struct softfp *fp, uint32_t a, uint32_t b);
uint32_t softfp_sub_s(struct softfp *fp, uint32_t a, uint32_t b);
uint32_t softfp_mul_s(struct softfp *fp, uint32_t a, uint32_t b);
uint32_t softfp_div_s(struct softfp *fp, uint32_t a, uint32_t b);
uint32_t softfp_sqrt_s(struct softfp *fp, uint32_t a);
uint32_t softfp_recip_s(struct softfp *fp, uint32_t a); /* 1 / a */
uint32_t softfp_rsqrt_s(struct softfp *fp, uint32_t a); /* 1 / sqrt(a), rounded twice */
uint32_t softfp_abs_s(struct softfp *fp, uint32_t a);
uint32_t softfp_neg_s(struct softfp *fp, uint32_t a);

uint64_t softfp_add_d(struct softfp *fp, uint64_t a, uint64_t b);
uint64_t softfp_sub_d(struct softfp *fp, uint64_t a, uint64_t b);
uint64_t softfp_mul_d(struct softfp *fp, uint64_t a, uint64_t b);
uint64_t softfp_div_d(struct softfp *fp, uint64_t a, uint64_t b);
uint64_t softfp_sqrt_d(struct softfp *fp, uint64_t a);
uint64_t softfp_recip_d(struct softfp *fp, uint64_t a);
uint64_t softfp_rsqrt_d(struct softfp *fp, uint64_t a);
uint64_t softfp_abs_d(struct softfp *fp, uint64_t a);
uint64_t softfp_neg_d(struct softfp *fp, uint64_t a);

/* fs * ft + fr, the product rounded before the sum (not fused). madd: both
 * false; msub subtracts fr; nmadd negates the sum; nmsub does both. */
uint32_t softfp_madd_s(struct softfp *fp, uint32_t fs, uint32_t ft, uint32_t fr, bool subtract,
                       bool negate);
uint64_t softfp_madd_d(struct softfp *fp, uint64_t fs, uint64_t ft, uint64_t fr, bool subtract,
                       bool negate);

/* Compare. A signalling NaN raises invalid; a quiet one does if `signal`
 * (bit 3 of the condition field). */
enum softfp_order softfp_compare_s(struct softfp *fp, uint32_t a, uint32_t b, bool signal);
enum softfp_order softfp_compare_d(struct softfp *fp, uint64_t a, uint64_t b, bool signal);

/* Between the formats; cvt.d.s is exact. */
uint64_t softfp_cvt_d_s(struct softfp *fp, uint32_t a);
uint32_t softfp_cvt_s_d(struct softfp *fp, uint64_t a);

/* From integers. */
uint32_t softfp_cvt_s_w(struct softfp *fp, int32_t a);
uint32_t softfp_cvt_s_l(struct softfp *fp, int64_t a);
uint64_t softfp_cvt_d_w(struct softfp *fp, int32_t a); /* exact */
uint64_t softfp_cvt_d_l(struct softfp *fp, int64_t a);

/* To integers. `rm`: fp->rm for cvt, SOFTFP_RN for round, RZ trunc, RP ceil, RM
 * floor. A value that does not fit raises invalid, and nothing else; the
 * result is then the largest positive integer, or with nan2008 0 for a NaN
 * and else the limit of the value's sign. */
int32_t softfp_to_w_s(struct softfp *fp, uint32_t a, enum softfp_rm rm);
int32_t softfp_to_w_d(struct softfp *fp, uint64_t a, enum softfp_rm rm);
int64_t softfp_to_l_s(struct softfp *fp, uint32_t a, enum softfp_rm rm);
int64_t softfp_to_l_d(struct softfp *fp, uint64_t a, enum softfp_rm rm);

#endif
