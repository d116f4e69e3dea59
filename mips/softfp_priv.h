/*
 * What softfp.c and softfp_cvt.c share: taking numbers apart, rounding them
 * back, and the rules for NaNs.
 *
 * All functions take `fb`, the fraction bits of the format: 23 for single, 52
 * for double. It is a constant at each call, so each compiles to code for
 * one format without a test left.
 *
 * A finite number on its way is sign, exp, frac with the leading one of
 * frac at bit 62: the value is frac * 2^(exp - bias - 62), exp the biased
 * exponent of the format (0 and below for numbers that will be subnormal).
 * Bit 63 is room for a carry. Bits that a shift drops are or'ed into bit 0
 * ("jammed"): enough for exact rounding, since the rounding position is at
 * least 10 bits above.
 */
#ifndef MIPS_SOFTFP_PRIV_H
#define MIPS_SOFTFP_PRIV_H

#include "core/base/base.h"
#include "mips/softfp.h"

#define SOFTFP_S    23
#define SOFTFP_D    52
#define SOFTFP_LEAD ((uint64_t)1 << 62)

#define SOFTFP_INLINE static inline __attribute__((always_inline))

enum softfp_class { SOFTFP_ZERO, SOFTFP_FINITE, SOFTFP_INF, SOFTFP_NAN };

struct softfp_num {
    uint64_t frac;
    int32_t exp;
    bool sign;
    enum softfp_class class;
};

SOFTFP_INLINE int32_t softfp_exp_max(int fb)
{
    return fb == SOFTFP_S ? 255 : 2047;
}

SOFTFP_INLINE int32_t softfp_bias(int fb)
{
    return fb == SOFTFP_S ? 127 : 1023;
}

SOFTFP_INLINE uint64_t softfp_sign_bit(int fb)
{
    return fb == SOFTFP_S ? (uint64_t)1 << 31 : (uint64_t)1 << 63;
}

SOFTFP_INLINE uint64_t softfp_inf(bool sign, int fb)
{
    return (sign ? softfp_sign_bit(fb) : 0) | (uint64_t)softfp_exp_max(fb) << fb;
}

SOFTFP_INLINE uint64_t softfp_zero(bool sign, int fb)
{
    return sign ? softfp_sign_bit(fb) : 0;
}

/* frac / 2^n, n >= 0, jammed. */
SOFTFP_INLINE uint64_t softfp_jam(uint64_t frac, uint32_t n)
{
    if (n == 0)
        return frac;
    if (n > 63)
        return frac != 0;
    return frac >> n | ((frac << (64 - n)) != 0);
}

SOFTFP_INLINE struct softfp_num softfp_unpack(uint64_t v, int fb)
{
    struct softfp_num n;
    int32_t exp = (int32_t)(v >> fb) & softfp_exp_max(fb);
    uint64_t frac = v & (((uint64_t)1 << fb) - 1);

    n.sign = (v & softfp_sign_bit(fb)) != 0;
    n.exp = exp;
    n.frac = frac << (62 - fb) | SOFTFP_LEAD;
    n.class = SOFTFP_FINITE;
    if (LIKELY(exp != 0 && exp != softfp_exp_max(fb)))
        return n;
    if (exp != 0) {
        n.class = frac ? SOFTFP_NAN : SOFTFP_INF;
    } else if (frac == 0) {
        n.class = SOFTFP_ZERO;
    } else {
        int shift = __builtin_clzll(frac) - 1;
        n.frac = frac << shift;
        n.exp = 1 + (62 - fb) - shift;
    }
    return n;
}

SOFTFP_INLINE bool softfp_is_nan(uint64_t v, int fb)
{
    return (v & ~softfp_sign_bit(fb)) > (uint64_t)softfp_exp_max(fb) << fb;
}

/* Of a NaN. */
SOFTFP_INLINE bool softfp_is_signalling(const struct softfp *fp, uint64_t v, int fb)
{
    bool top = v >> (fb - 1) & 1;

    return top != fp->nan2008;
}

SOFTFP_INLINE uint64_t softfp_default_nan(const struct softfp *fp, int fb)
{
    uint64_t top = (uint64_t)1 << (fb - 1);

    return softfp_inf(false, fb) | (fp->nan2008 ? top : top - 1);
}

SOFTFP_INLINE uint64_t softfp_invalid(struct softfp *fp, int fb)
{
    fp->flags |= SOFTFP_INVALID;
    return softfp_default_nan(fp, fb);
}

/* The result for a NaN operand. */
SOFTFP_INLINE uint64_t softfp_quiet(struct softfp *fp, uint64_t v, int fb)
{
    if (!softfp_is_signalling(fp, v, fb))
        return v;
    fp->flags |= SOFTFP_INVALID;
    return fp->nan2008 ? v | (uint64_t)1 << (fb - 1) : softfp_default_nan(fp, fb);
}

/* What to add so that truncation rounds. `mask` covers the bits to drop. */
SOFTFP_INLINE uint64_t softfp_increment(unsigned rm, bool sign, uint64_t mask)
{
    switch ((enum softfp_rm)(rm & 3)) {
    case SOFTFP_RN:
        return (mask >> 1) + 1;
    case SOFTFP_RP:
        return sign ? 0 : mask;
    case SOFTFP_RM:
        return sign ? mask : 0;
    case SOFTFP_RZ:
        break;
    }
    return 0;
}

/* Round and pack a finite number; overflow and underflow as IEEE 754 has them,
 * tininess after rounding as MIPS requires. */
uint32_t softfp_round_s(struct softfp *fp, bool sign, int32_t exp, uint64_t frac);
uint64_t softfp_round_d(struct softfp *fp, bool sign, int32_t exp, uint64_t frac);

SOFTFP_INLINE uint64_t softfp_round(struct softfp *fp, bool sign, int32_t exp, uint64_t frac,
                                    int fb)
{
    return fb == SOFTFP_S ? softfp_round_s(fp, sign, exp, frac)
                          : softfp_round_d(fp, sign, exp, frac);
}

#endif
