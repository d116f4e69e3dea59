/*
 * The software FPU between formats: single and double, integers, and
 * comparison. softfp_priv.h explains the representation.
 *
 * A NaN keeps the upper bits of its fraction between formats. A legacy quiet
 * NaN can lose its last one bit on the way to single; it would be an infinity
 * then, and becomes the default NaN instead.
 */
#include "mips/softfp_priv.h"

uint64_t softfp_cvt_d_s(struct softfp *fp, uint32_t a)
{
    struct softfp_num n = softfp_unpack(a, SOFTFP_S);

    switch (n.class) {
    case SOFTFP_NAN:
        if (softfp_is_signalling(fp, a, SOFTFP_S) && !fp->nan2008)
            return softfp_invalid(fp, SOFTFP_D);
        a = (uint32_t)softfp_quiet(fp, a, SOFTFP_S);
        return softfp_inf(n.sign, SOFTFP_D) | (uint64_t)(a & 0x7fffff) << (SOFTFP_D - SOFTFP_S);
    case SOFTFP_INF:
        return softfp_inf(n.sign, SOFTFP_D);
    case SOFTFP_ZERO:
        return softfp_zero(n.sign, SOFTFP_D);
    case SOFTFP_FINITE:
        break;
    }
    return softfp_round_d(fp, n.sign, n.exp + 1023 - 127, n.frac);
}

uint32_t softfp_cvt_s_d(struct softfp *fp, uint64_t a)
{
    struct softfp_num n = softfp_unpack(a, SOFTFP_D);

    switch (n.class) {
    case SOFTFP_NAN: {
        if (softfp_is_signalling(fp, a, SOFTFP_D) && !fp->nan2008)
            return (uint32_t)softfp_invalid(fp, SOFTFP_S);
        a = softfp_quiet(fp, a, SOFTFP_D);
        uint64_t frac = a >> (SOFTFP_D - SOFTFP_S) & 0x7fffff;
        if (frac == 0)
            return (uint32_t)softfp_default_nan(fp, SOFTFP_S);
        return (uint32_t)(softfp_inf(n.sign, SOFTFP_S) | frac);
    }
    case SOFTFP_INF:
        return (uint32_t)softfp_inf(n.sign, SOFTFP_S);
    case SOFTFP_ZERO:
        return (uint32_t)softfp_zero(n.sign, SOFTFP_S);
    case SOFTFP_FINITE:
        break;
    }
    return softfp_round_s(fp, n.sign, n.exp + 127 - 1023, n.frac);
}

/* ---- from integers ---- */

SOFTFP_INLINE uint64_t from_int(struct softfp *fp, int64_t a, int fb)
{
    uint64_t frac = a < 0 ? -(uint64_t)a : (uint64_t)a;

    if (a == 0)
        return 0;
    int lead = 63 - __builtin_clzll(frac);
    frac = lead == 63 ? SOFTFP_LEAD : frac << (62 - lead);
    return softfp_round(fp, a < 0, softfp_bias(fb) + lead, frac, fb);
}

uint32_t softfp_cvt_s_w(struct softfp *fp, int32_t a)
{
    return (uint32_t)from_int(fp, a, SOFTFP_S);
}

uint32_t softfp_cvt_s_l(struct softfp *fp, int64_t a)
{
    return (uint32_t)from_int(fp, a, SOFTFP_S);
}

uint64_t softfp_cvt_d_w(struct softfp *fp, int32_t a)
{
    return from_int(fp, a, SOFTFP_D);
}

uint64_t softfp_cvt_d_l(struct softfp *fp, int64_t a)
{
    return from_int(fp, a, SOFTFP_D);
}

/* ---- to integers ---- */

static COLD int64_t no_int(struct softfp *fp, bool nan, bool sign, int64_t max)
{
    fp->flags |= SOFTFP_INVALID;
    if (!fp->nan2008)
        return max;
    if (nan)
        return 0;
    return sign ? -max - 1 : max;
}

/* `max`: the largest integer of the destination. */
SOFTFP_INLINE int64_t to_int(struct softfp *fp, uint64_t a, unsigned rm, int64_t max, int fb)
{
    struct softfp_num n = softfp_unpack(a, fb);
    int32_t e = n.exp - softfp_bias(fb);
    uint64_t limit = (uint64_t)max + n.sign; /* of the magnitude */

    if (n.class == SOFTFP_ZERO)
        return 0;
    if (n.class != SOFTFP_FINITE || e > 63)
        return no_int(fp, n.class == SOFTFP_NAN, n.sign, max);

    uint64_t whole;
    uint64_t part = 0; /* 0.part, jammed */
    if (e == 63) {
        whole = n.frac << 1;
    } else if (e == 62) {
        whole = n.frac;
    } else if (e >= -1) {
        whole = n.frac >> (62 - e);
        part = n.frac << (e + 2);
    } else {
        whole = 0;
        part = 1;
    }
    if (part) {
        /* A carry out of `part` is what truncation would have lost. */
        uint64_t inc = softfp_increment(rm, n.sign, UINT64_MAX);
        bool tie = rm == SOFTFP_RN && part == (uint64_t)1 << 63;
        whole += part + inc < part;
        if (tie)
            whole &= ~(uint64_t)1;
    }
    if (whole > limit)
        return no_int(fp, false, n.sign, max);
    if (part)
        fp->flags |= SOFTFP_INEXACT;
    return n.sign ? (int64_t)-whole : (int64_t)whole;
}

int32_t softfp_to_w_s(struct softfp *fp, uint32_t a, enum softfp_rm rm)
{
    return (int32_t)to_int(fp, a, rm, INT32_MAX, SOFTFP_S);
}

int32_t softfp_to_w_d(struct softfp *fp, uint64_t a, enum softfp_rm rm)
{
    return (int32_t)to_int(fp, a, rm, INT32_MAX, SOFTFP_D);
}

int64_t softfp_to_l_s(struct softfp *fp, uint32_t a, enum softfp_rm rm)
{
    return to_int(fp, a, rm, INT64_MAX, SOFTFP_S);
}

int64_t softfp_to_l_d(struct softfp *fp, uint64_t a, enum softfp_rm rm)
{
    return to_int(fp, a, rm, INT64_MAX, SOFTFP_D);
}

/* ---- comparison ---- */

SOFTFP_INLINE enum softfp_order compare(struct softfp *fp, uint64_t a, uint64_t b, bool signal,
                                        int fb)
{
    uint64_t sign = softfp_sign_bit(fb);
    bool a_nan = softfp_is_nan(a, fb), b_nan = softfp_is_nan(b, fb);

    if (UNLIKELY(a_nan || b_nan)) {
        if (signal || (a_nan && softfp_is_signalling(fp, a, fb)) ||
            (b_nan && softfp_is_signalling(fp, b, fb)))
            fp->flags |= SOFTFP_INVALID;
        return SOFTFP_UN;
    }
    if (a == b || ((a | b) & ~sign) == 0)
        return SOFTFP_EQ;
    if ((a ^ b) & sign)
        return a & sign ? SOFTFP_LT : SOFTFP_GT;
    return (a < b) != ((a & sign) != 0) ? SOFTFP_LT : SOFTFP_GT;
}

enum softfp_order softfp_compare_s(struct softfp *fp, uint32_t a, uint32_t b, bool signal)
{
    return compare(fp, a, b, signal, SOFTFP_S);
}

enum softfp_order softfp_compare_d(struct softfp *fp, uint64_t a, uint64_t b, bool signal)
{
    return compare(fp, a, b, signal, SOFTFP_D);
}
