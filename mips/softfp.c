/*
 * Arithmetic of the software FPU: add, multiply, divide, square root, and
 * rounding.
 *
 * Each operation deals with NaN, infinity and zero first, then computes on
 * fractions with their leading one at bit 62 (softfp_priv.h) a result that is
 * exact but for a jammed lowest bit, and leaves all else to softfp_round.
 *
 * Rounding. The bits below the format's fraction are dropped after adding an
 * increment that depends on the mode. Packing adds the rounded significand
 * with its leading one to an exponent one too low, so a carry out of the
 * fraction, or from the largest subnormal into the smallest normal, comes out
 * right without a test. A number below the smallest normal is first shifted
 * right until its exponent is that of the subnormals. It is tiny if rounding
 * it *unshifted*, to full precision, would still leave it below the smallest
 * normal; only exponent 0 with a carry out of the top is not.
 *
 * Square root. Newton's method is hard to prove exact, so this divides as one
 * does by hand, in digits of half the word: the root of the upper half gives
 * the upper half of the root, one division gives the lower, and one
 * correction makes it exact (P. Zimmermann, Karatsuba Square Root, 1999).
 */
#include "mips/softfp_priv.h"

typedef unsigned __int128 u128;

/* ---- rounding ---- */

static COLD uint64_t overflow(struct softfp *fp, bool sign, int fb)
{
    fp->flags |= SOFTFP_OVERFLOW | SOFTFP_INEXACT;
    /* To infinity if this mode ever rounds this sign up. */
    return softfp_inf(sign, fb) - (softfp_increment(fp->rm, sign, 3) == 0);
}

SOFTFP_INLINE uint64_t round_pack(struct softfp *fp, bool sign, int32_t exp, uint64_t frac, int fb)
{
    int shift = 62 - fb;
    uint64_t mask = ((uint64_t)1 << shift) - 1;
    uint64_t inc = softfp_increment(fp->rm, sign, mask);
    bool tiny = false;

    if (UNLIKELY(exp <= 0)) {
        tiny = exp < 0 || (frac + inc) >> 63 == 0;
        if (tiny && fp->flush) {
            fp->flags |= SOFTFP_UNDERFLOW | SOFTFP_INEXACT;
            return softfp_zero(sign, fb);
        }
        frac = softfp_jam(frac, (uint32_t)(1 - exp));
        exp = 1;
    } else if (UNLIKELY(exp >= softfp_exp_max(fb))) {
        return overflow(fp, sign, fb);
    }
    uint64_t rest = frac & mask;
    uint64_t kept = (frac + inc) >> shift;
    if (rest) {
        fp->flags |= tiny ? SOFTFP_INEXACT | SOFTFP_UNDERFLOW : SOFTFP_INEXACT;
        if (rest == (mask >> 1) + 1 && fp->rm == SOFTFP_RN)
            kept &= ~(uint64_t)1;
    } else if (tiny && fp->trap_underflow) {
        fp->flags |= SOFTFP_UNDERFLOW;
    }
    uint64_t packed = ((uint64_t)(exp - 1) << fb) + kept;
    if (UNLIKELY(packed >= softfp_inf(false, fb)))
        return overflow(fp, sign, fb);
    return packed | softfp_zero(sign, fb);
}

uint32_t softfp_round_s(struct softfp *fp, bool sign, int32_t exp, uint64_t frac)
{
    return (uint32_t)round_pack(fp, sign, exp, frac, SOFTFP_S);
}

uint64_t softfp_round_d(struct softfp *fp, bool sign, int32_t exp, uint64_t frac)
{
    return round_pack(fp, sign, exp, frac, SOFTFP_D);
}

/* ---- NaN ---- */

/* The result when a or b is a NaN: a if it signals, b if it signals, a, b. */
static COLD uint64_t pick_nan(struct softfp *fp, uint64_t a, uint64_t b, int fb)
{
    bool a_nan = softfp_is_nan(a, fb);
    bool b_signals = softfp_is_nan(b, fb) && softfp_is_signalling(fp, b, fb);

    if (a_nan && !(b_signals && !softfp_is_signalling(fp, a, fb)))
        return softfp_quiet(fp, a, fb);
    return softfp_quiet(fp, b, fb);
}

/* ---- operations ---- */

/* One of a and b is no finite nonzero number. */
static COLD uint64_t add_special(struct softfp *fp, uint64_t a, uint64_t b, int fb)
{
    struct softfp_num x = softfp_unpack(a, fb), y = softfp_unpack(b, fb);

    if (x.class == SOFTFP_INF && y.class == SOFTFP_INF)
        return x.sign == y.sign ? a : softfp_invalid(fp, fb);
    if (x.class == SOFTFP_INF)
        return a;
    if (y.class == SOFTFP_INF)
        return b;
    if (x.class == SOFTFP_ZERO && y.class == SOFTFP_ZERO)
        return softfp_zero(x.sign == y.sign ? x.sign : fp->rm == SOFTFP_RM, fb);
    /* Through rounding, for a subnormal that FS flushes. */
    if (x.class == SOFTFP_ZERO)
        x = y;
    return softfp_round(fp, x.sign, x.exp, x.frac, fb);
}

SOFTFP_INLINE uint64_t add(struct softfp *fp, uint64_t a, uint64_t b, bool subtract, int fb)
{
    struct softfp_num x = softfp_unpack(a, fb), y = softfp_unpack(b, fb);

    if (UNLIKELY(x.class != SOFTFP_FINITE || y.class != SOFTFP_FINITE)) {
        if (x.class == SOFTFP_NAN || y.class == SOFTFP_NAN)
            return pick_nan(fp, a, b, fb);
        return add_special(fp, a, subtract ? b ^ softfp_sign_bit(fb) : b, fb);
    }
    y.sign ^= subtract;
    if (x.exp < y.exp || (x.exp == y.exp && x.frac < y.frac)) {
        struct softfp_num t = x;
        x = y;
        y = t;
    }
    y.frac = softfp_jam(y.frac, (uint32_t)(x.exp - y.exp));
    if (x.sign == y.sign) {
        x.frac += y.frac;
        if (x.frac >> 63) {
            x.frac = softfp_jam(x.frac, 1);
            x.exp++;
        }
    } else {
        x.frac -= y.frac;
        if (x.frac == 0)
            return softfp_zero(fp->rm == SOFTFP_RM, fb);
        int shift = __builtin_clzll(x.frac) - 1;
        x.frac <<= shift;
        x.exp -= shift;
    }
    return softfp_round(fp, x.sign, x.exp, x.frac, fb);
}

SOFTFP_INLINE uint64_t mul(struct softfp *fp, uint64_t a, uint64_t b, int fb)
{
    struct softfp_num x = softfp_unpack(a, fb), y = softfp_unpack(b, fb);
    bool sign = x.sign != y.sign;

    if (UNLIKELY(x.class != SOFTFP_FINITE || y.class != SOFTFP_FINITE)) {
        if (x.class == SOFTFP_NAN || y.class == SOFTFP_NAN)
            return pick_nan(fp, a, b, fb);
        if (x.class == SOFTFP_INF || y.class == SOFTFP_INF) {
            if (x.class == SOFTFP_ZERO || y.class == SOFTFP_ZERO)
                return softfp_invalid(fp, fb);
            return softfp_inf(sign, fb);
        }
        return softfp_zero(sign, fb);
    }
    u128 product = (u128)x.frac * y.frac;
    uint64_t frac = (uint64_t)(product >> 62) | ((uint64_t)product << 2 != 0);
    int32_t exp = x.exp + y.exp - softfp_bias(fb);
    if (frac >> 63) {
        frac = softfp_jam(frac, 1);
        exp++;
    }
    return softfp_round(fp, sign, exp, frac, fb);
}

SOFTFP_INLINE uint64_t divide(struct softfp *fp, uint64_t a, uint64_t b, int fb)
{
    struct softfp_num x = softfp_unpack(a, fb), y = softfp_unpack(b, fb);
    bool sign = x.sign != y.sign;

    if (UNLIKELY(x.class != SOFTFP_FINITE || y.class != SOFTFP_FINITE)) {
        if (x.class == SOFTFP_NAN || y.class == SOFTFP_NAN)
            return pick_nan(fp, a, b, fb);
        if (x.class == y.class)
            return softfp_invalid(fp, fb); /* 0/0, inf/inf */
        if (x.class == SOFTFP_ZERO || y.class == SOFTFP_INF)
            return softfp_zero(sign, fb);
        if (x.class == SOFTFP_FINITE)
            fp->flags |= SOFTFP_DIVZERO;
        return softfp_inf(sign, fb);
    }
    int32_t exp = x.exp - y.exp + softfp_bias(fb);
    uint64_t frac, rest;
    int less = x.frac < y.frac;
    if (fb == SOFTFP_S) {
        uint64_t divisor = y.frac >> (62 - SOFTFP_S);
        frac = (x.frac << less) / divisor;
        rest = (x.frac << less) - frac * divisor;
        frac <<= SOFTFP_S;
    } else {
        u128 dividend = (u128)x.frac << (62 + less);
        frac = (uint64_t)(dividend / y.frac);
        rest = (uint64_t)dividend - frac * y.frac;
    }
    return softfp_round(fp, sign, exp - less, frac | (rest != 0), fb);
}

/* Root of v, v >= 2^30. *rest = v - root^2. */
static uint32_t root32(uint32_t v, uint32_t *rest)
{
    uint32_t root = 0, left = v;

    for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
        uint32_t trial = root + bit;
        root >>= 1;
        if (left >= trial) {
            left -= trial;
            root += bit;
        }
    }
    *rest = left;
    return root;
}

/* Root of v, v >= 2^62. */
static uint32_t root64(uint64_t v, uint64_t *rest)
{
    uint32_t high_rest;
    uint32_t high = root32((uint32_t)(v >> 32), &high_rest);
    uint64_t dividend = (uint64_t)high_rest << 16 | (uint16_t)(v >> 16);
    uint64_t q = dividend / (2 * high);
    uint64_t root = ((uint64_t)high << 16) + q;
    int64_t left = (int64_t)((dividend - q * 2 * high) << 16 | (uint16_t)v) - (int64_t)(q * q);

    if (left < 0) {
        left += (int64_t)(2 * root - 1);
        root--;
    }
    *rest = (uint64_t)left;
    return (uint32_t)root;
}

/* Root of v, v >= 2^126. */
static uint64_t root128(u128 v, bool *exact)
{
    uint64_t high_rest;
    uint64_t high = root64((uint64_t)(v >> 64), &high_rest);
    /* high_rest <= 2 * high < 2^33, so this dividend has up to 65 bits. */
    u128 dividend = (u128)high_rest << 32 | (uint32_t)(v >> 32);
    uint64_t q = (uint64_t)(dividend / (2 * high));
    u128 root = ((u128)high << 32) + q;
    __int128 left = (__int128)((dividend - (u128)q * (2 * high)) << 32 | (uint32_t)v) -
                    (__int128)((u128)q * q);

    if (left < 0) {
        left += (__int128)(2 * root - 1);
        root--;
    }
    *exact = left == 0;
    return (uint64_t)root;
}

SOFTFP_INLINE uint64_t root(struct softfp *fp, uint64_t a, int fb)
{
    struct softfp_num x = softfp_unpack(a, fb);

    if (x.class == SOFTFP_NAN)
        return softfp_quiet(fp, a, fb);
    if (x.class == SOFTFP_ZERO)
        return a;
    if (x.sign)
        return softfp_invalid(fp, fb);
    if (x.class == SOFTFP_INF)
        return a;
    int32_t e = x.exp - softfp_bias(fb);
    int odd = e & 1;
    int32_t exp = (e - odd) / 2 + softfp_bias(fb);
    uint64_t frac;
    if (fb == SOFTFP_S) {
        uint64_t rest;
        frac = (uint64_t)root64(x.frac << odd, &rest) << 31;
        frac |= rest != 0;
    } else {
        bool exact;
        frac = root128((u128)x.frac << (64 + odd), &exact);
        frac = softfp_jam(frac, 1) | !exact;
    }
    return softfp_round(fp, false, exp, frac, fb);
}

SOFTFP_INLINE uint64_t sign_op(struct softfp *fp, uint64_t a, uint64_t result, int fb)
{
    if (!fp->abs2008 && softfp_is_nan(a, fb))
        return softfp_quiet(fp, a, fb);
    return result;
}

/* ---- the interface ---- */

uint32_t softfp_add_s(struct softfp *fp, uint32_t a, uint32_t b)
{
    return (uint32_t)add(fp, a, b, false, SOFTFP_S);
}

uint32_t softfp_sub_s(struct softfp *fp, uint32_t a, uint32_t b)
{
    return (uint32_t)add(fp, a, b, true, SOFTFP_S);
}

uint32_t softfp_mul_s(struct softfp *fp, uint32_t a, uint32_t b)
{
    return (uint32_t)mul(fp, a, b, SOFTFP_S);
}

uint32_t softfp_div_s(struct softfp *fp, uint32_t a, uint32_t b)
{
    return (uint32_t)divide(fp, a, b, SOFTFP_S);
}

uint32_t softfp_sqrt_s(struct softfp *fp, uint32_t a)
{
    return (uint32_t)root(fp, a, SOFTFP_S);
}

uint32_t softfp_recip_s(struct softfp *fp, uint32_t a)
{
    return softfp_div_s(fp, 0x3f800000, a);
}

uint32_t softfp_rsqrt_s(struct softfp *fp, uint32_t a)
{
    return softfp_recip_s(fp, softfp_sqrt_s(fp, a));
}

uint32_t softfp_abs_s(struct softfp *fp, uint32_t a)
{
    return (uint32_t)sign_op(fp, a, a & 0x7fffffff, SOFTFP_S);
}

uint32_t softfp_neg_s(struct softfp *fp, uint32_t a)
{
    return (uint32_t)sign_op(fp, a, a ^ 0x80000000, SOFTFP_S);
}

uint64_t softfp_add_d(struct softfp *fp, uint64_t a, uint64_t b)
{
    return add(fp, a, b, false, SOFTFP_D);
}

uint64_t softfp_sub_d(struct softfp *fp, uint64_t a, uint64_t b)
{
    return add(fp, a, b, true, SOFTFP_D);
}

uint64_t softfp_mul_d(struct softfp *fp, uint64_t a, uint64_t b)
{
    return mul(fp, a, b, SOFTFP_D);
}

uint64_t softfp_div_d(struct softfp *fp, uint64_t a, uint64_t b)
{
    return divide(fp, a, b, SOFTFP_D);
}

uint64_t softfp_sqrt_d(struct softfp *fp, uint64_t a)
{
    return root(fp, a, SOFTFP_D);
}

uint64_t softfp_recip_d(struct softfp *fp, uint64_t a)
{
    return softfp_div_d(fp, (uint64_t)0x3ff << 52, a);
}

uint64_t softfp_rsqrt_d(struct softfp *fp, uint64_t a)
{
    return softfp_recip_d(fp, softfp_sqrt_d(fp, a));
}

uint64_t softfp_abs_d(struct softfp *fp, uint64_t a)
{
    return sign_op(fp, a, a & ~softfp_sign_bit(SOFTFP_D), SOFTFP_D);
}

uint64_t softfp_neg_d(struct softfp *fp, uint64_t a)
{
    return sign_op(fp, a, a ^ softfp_sign_bit(SOFTFP_D), SOFTFP_D);
}

uint32_t softfp_madd_s(struct softfp *fp, uint32_t fs, uint32_t ft, uint32_t fr, bool subtract,
                       bool negate)
{
    uint32_t product = softfp_mul_s(fp, fs, ft);
    uint32_t sum = subtract ? softfp_sub_s(fp, product, fr) : softfp_add_s(fp, product, fr);

    return negate ? softfp_neg_s(fp, sum) : sum;
}

uint64_t softfp_madd_d(struct softfp *fp, uint64_t fs, uint64_t ft, uint64_t fr, bool subtract,
                       bool negate)
{
    uint64_t product = softfp_mul_d(fp, fs, ft);
    uint64_t sum = subtract ? softfp_sub_d(fp, product, fr) : softfp_add_d(fp, product, fr);

    return negate ? softfp_neg_d(fp, sum) : sum;
}
