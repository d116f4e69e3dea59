/*
 * The software FPU against the host's. Where the MIPS rules differ from it:
 * check_softfp_rules.c.
 *
 * The host is an IEEE 754-2008 machine with tininess detected after rounding
 * (SSE), which is what MIPS requires, so results and flags must be equal bit
 * for bit, in all four rounding modes. Exceptions, by rule:
 *   - Which NaN a result is. x86 takes the first operand even if only the
 *     second signals, and its default NaN has the sign set. Both must be NaN;
 *     which one is the subject of check_softfp_rules.c.
 *   - Conversions to integers of values that do not fit: x86 delivers the
 *     "integer indefinite". Both must raise invalid alone.
 *   - FS, underflow traps and the legacy NaN encoding do not exist there:
 *     check_softfp_rules.c, and comparison with this same code without them.
 */
#include <check.h>
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mips/softfp.h"
#include "tests/rng.h"

#define CASES 150000 /* per operation and rounding mode */

/* ck_assert reports each success to the parent; too slow for millions. */
#define MUST(condition, ...)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

/* With the operands a and b in sight. */
#define MUST_EQ(got, want)                                                                         \
    MUST((got) == (want), "a %#" PRIx64 " b %#" PRIx64 ": %#" PRIx64 ", want %#" PRIx64, a, b,     \
         (uint64_t)(got), (uint64_t)(want))

static const int host_rm[] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};

static unsigned host_flags(void)
{
    int f = fetestexcept(FE_ALL_EXCEPT);

    return (f & FE_INEXACT ? SOFTFP_INEXACT : 0u) | (f & FE_UNDERFLOW ? SOFTFP_UNDERFLOW : 0u) |
           (f & FE_OVERFLOW ? SOFTFP_OVERFLOW : 0u) | (f & FE_DIVBYZERO ? SOFTFP_DIVZERO : 0u) |
           (f & FE_INVALID ? SOFTFP_INVALID : 0u);
}

static double as_d(uint64_t v)
{
    double d;

    memcpy(&d, &v, sizeof(d));
    return d;
}

static uint64_t of_d(double d)
{
    uint64_t v;

    memcpy(&v, &d, sizeof(v));
    return v;
}

static float as_s(uint64_t v)
{
    uint32_t w = (uint32_t)v;
    float f;

    memcpy(&f, &w, sizeof(f));
    return f;
}

static uint32_t of_s(float f)
{
    uint32_t v;

    memcpy(&v, &f, sizeof(v));
    return v;
}

/* ---- operands ---- */

static const uint16_t edge_exp_d[] = {0, 0, 1, 2, 0x3cb, 0x3fe, 0x3ff, 0x400, 0x41e,
                                      0x433, 0x43e, 0x7fd, 0x7fe, 0x7ff, 0x7ff};
static const uint16_t edge_exp_s[] = {0,    0,    1,    2,    0x67, 0x7e, 0x7f, 0x80,
                                      0x96, 0x9d, 0xbd, 0xfd, 0xfe, 0xff, 0xff};

/* A fraction of `bits` bits: random, sparse, or runs of ones, which make ties. */
static uint64_t random_frac(struct rng *r, int bits)
{
    uint64_t all = ((uint64_t)1 << bits) - 1;
    uint64_t v = rng_next(r);

    switch (v >> 61) {
    case 0:
        return 0;
    case 1:
        return all;
    case 2:
        return (uint64_t)1 << rng_below(r, (uint32_t)bits);
    case 3:
        return (all << rng_below(r, (uint32_t)bits)) & all;
    case 4:
        return all >> rng_below(r, (uint32_t)bits);
    case 5:
        return (v & rng_next(r) & rng_next(r)) & all;
    default:
        return v & all;
    }
}

/* `near`: another operand, whose exponent is often approached. */
static uint64_t random_float(struct rng *r, bool dbl, uint64_t near)
{
    int fb = dbl ? 52 : 23;
    uint32_t exp_max = dbl ? 0x7ff : 0xff;
    uint64_t sign = rng_next(r) & 1;
    uint32_t exp;

    switch (rng_below(r, 4)) {
    case 0:
        exp = dbl ? edge_exp_d[rng_below(r, 15)] : edge_exp_s[rng_below(r, 15)];
        break;
    case 1:
        exp = ((uint32_t)(near >> fb) + rng_below(r, 2 * (uint32_t)fb + 8) - (uint32_t)fb - 4) &
              exp_max;
        break;
    case 2: /* the sum of two exponents at the lower edge: products that underflow */
        exp = (exp_max / 2 - (uint32_t)(near >> fb) + rng_below(r, 8)) & exp_max;
        break;
    default:
        exp = (uint32_t)rng_next(r) & exp_max;
    }
    return sign << (dbl ? 63 : 31) | (uint64_t)exp << fb | random_frac(r, fb);
}

/* ---- operations on both sides ---- */

enum kind { S, D, W, L }; /* formats of operands and result */

struct op {
    const char *name;
    enum kind from, to;
    uint64_t (*soft)(struct softfp *fp, uint64_t a, uint64_t b);
    uint64_t (*host)(uint64_t a, uint64_t b);
};

/* The operands pass through volatile so that nothing is folded or moved across
 * the access to the flags. */
#define ARITH_D(name, expression)                                                                  \
    static uint64_t host_##name(uint64_t va, uint64_t vb)                                          \
    {                                                                                              \
        volatile double a = as_d(va), b = as_d(vb), z;                                             \
        feclearexcept(FE_ALL_EXCEPT);                                                              \
        (void)b;                                                                                   \
        z = (expression);                                                                          \
        return of_d(z);                                                                            \
    }
#define ARITH_S(name, expression)                                                                  \
    static uint64_t host_##name(uint64_t va, uint64_t vb)                                          \
    {                                                                                              \
        volatile float a = as_s(va), b = as_s(vb), z;                                              \
        feclearexcept(FE_ALL_EXCEPT);                                                              \
        (void)b;                                                                                   \
        z = (expression);                                                                          \
        return of_s(z);                                                                            \
    }
ARITH_D(add_d, a + b)
ARITH_D(sub_d, a - b)
ARITH_D(mul_d, a *b)
ARITH_D(div_d, a / b)
ARITH_D(sqrt_d, sqrt(a))
ARITH_D(recip_d, 1.0 / a)
ARITH_D(rsqrt_d, 1.0 / sqrt(a))
ARITH_S(add_s, a + b)
ARITH_S(sub_s, a - b)
ARITH_S(mul_s, a *b)
ARITH_S(div_s, a / b)
ARITH_S(sqrt_s, sqrtf(a))
ARITH_S(recip_s, 1.0f / a)
ARITH_S(rsqrt_s, 1.0f / sqrtf(a))

#define CONVERT(name, from_type, take, to_type, give)                                              \
    static uint64_t host_##name(uint64_t va, uint64_t vb)                                          \
    {                                                                                              \
        volatile from_type a = take(va);                                                           \
        volatile to_type z;                                                                        \
        (void)vb;                                                                                  \
        feclearexcept(FE_ALL_EXCEPT);                                                              \
        z = (to_type)a;                                                                            \
        return give(z);                                                                            \
    }
CONVERT(cvt_d_s, float, as_s, double, of_d)
CONVERT(cvt_s_d, double, as_d, float, of_s)
CONVERT(cvt_d_w, int32_t, (int32_t), double, of_d)
CONVERT(cvt_s_w, int32_t, (int32_t), float, of_s)
CONVERT(cvt_d_l, int64_t, (int64_t), double, of_d)
CONVERT(cvt_s_l, int64_t, (int64_t), float, of_s)

/* llrint rounds in the current mode and raises inexact or invalid. A value that
 * fits l but not w is what the host cannot say: invalid alone then. */
static uint64_t host_to_int(double a, int64_t min, int64_t max)
{
    volatile double v = a;
    volatile long long z;

    feclearexcept(FE_ALL_EXCEPT);
    z = llrint(v);
    if (z < min || z > max) {
        feclearexcept(FE_ALL_EXCEPT);
        feraiseexcept(FE_INVALID);
    }
    return (uint64_t)z;
}

static uint64_t host_cvt_w_d(uint64_t a, uint64_t b)
{
    (void)b;
    return host_to_int(as_d(a), INT32_MIN, INT32_MAX);
}

static uint64_t host_cvt_l_d(uint64_t a, uint64_t b)
{
    (void)b;
    return host_to_int(as_d(a), INT64_MIN, INT64_MAX);
}

static uint64_t host_cvt_w_s(uint64_t a, uint64_t b)
{
    return host_cvt_w_d(host_cvt_d_s(a, 0), b);
}

static uint64_t host_cvt_l_s(uint64_t a, uint64_t b)
{
    return host_cvt_l_d(host_cvt_d_s(a, 0), b);
}

#define SOFT2(name, type)                                                                          \
    static uint64_t soft_##name(struct softfp *fp, uint64_t a, uint64_t b)                         \
    {                                                                                              \
        return softfp_##name(fp, (type)a, (type)b);                                                \
    }
#define SOFT1(name, type)                                                                          \
    static uint64_t soft_##name(struct softfp *fp, uint64_t a, uint64_t b)                         \
    {                                                                                              \
        (void)b;                                                                                   \
        return softfp_##name(fp, (type)a);                                                         \
    }
#define SOFTI(to, from, type)                                                                      \
    static uint64_t soft_cvt_##to##_##from(struct softfp *fp, uint64_t a, uint64_t b)              \
    {                                                                                              \
        (void)b;                                                                                   \
        return (uint64_t)(int64_t)softfp_to_##to##_##from(fp, (type)a, fp->rm);                    \
    }
SOFT2(add_d, uint64_t)
SOFT2(sub_d, uint64_t)
SOFT2(mul_d, uint64_t)
SOFT2(div_d, uint64_t)
SOFT1(sqrt_d, uint64_t)
SOFT1(recip_d, uint64_t)
SOFT1(rsqrt_d, uint64_t)
SOFT2(add_s, uint32_t)
SOFT2(sub_s, uint32_t)
SOFT2(mul_s, uint32_t)
SOFT2(div_s, uint32_t)
SOFT1(sqrt_s, uint32_t)
SOFT1(recip_s, uint32_t)
SOFT1(rsqrt_s, uint32_t)
SOFT1(cvt_d_s, uint32_t)
SOFT1(cvt_s_d, uint64_t)
SOFT1(cvt_d_w, int32_t)
SOFT1(cvt_s_w, int32_t)
SOFT1(cvt_d_l, int64_t)
SOFT1(cvt_s_l, int64_t)
SOFTI(w, s, uint32_t)
SOFTI(w, d, uint64_t)
SOFTI(l, s, uint32_t)
SOFTI(l, d, uint64_t)

#define OP(name, from, to) {#name, from, to, soft_##name, host_##name}
static const struct op ops[] = {
    OP(add_d, D, D),   OP(sub_d, D, D),   OP(mul_d, D, D),    OP(div_d, D, D),
    OP(sqrt_d, D, D),  OP(recip_d, D, D), OP(rsqrt_d, D, D),  OP(add_s, S, S),
    OP(sub_s, S, S),   OP(mul_s, S, S),   OP(div_s, S, S),    OP(sqrt_s, S, S),
    OP(recip_s, S, S), OP(rsqrt_s, S, S), OP(cvt_d_s, S, D),  OP(cvt_s_d, D, S),
    OP(cvt_d_w, W, D), OP(cvt_s_w, W, S), OP(cvt_d_l, L, D),  OP(cvt_s_l, L, S),
    OP(cvt_w_s, S, W), OP(cvt_w_d, D, W), OP(cvt_l_s, S, L),  OP(cvt_l_d, D, L),
};
#define N_OPS (sizeof(ops) / sizeof(ops[0]))

static uint64_t random_operand(struct rng *r, enum kind kind, uint64_t near)
{
    if (kind == S || kind == D)
        return random_float(r, kind == D, near);
    uint64_t v = rng_next(r) >> rng_below(r, 64);
    v |= random_frac(r, 62) & (rng_next(r) >> 63 ? UINT64_MAX : 0);
    return rng_next(r) & 1 ? -v : v;
}

static bool is_nan(enum kind kind, uint64_t v)
{
    if (kind == S)
        return (v & 0x7fffffff) > 0x7f800000;
    return kind == D && (v & INT64_MAX) > (uint64_t)0x7ff << 52;
}

/* Equal by the rules at the top. */
static bool same(const struct op *op, uint64_t soft, unsigned flags, uint64_t host,
                 unsigned flags_host)
{
    if (flags != flags_host)
        return false;
    if (is_nan(op->to, soft) && is_nan(op->to, host))
        return true;
    if ((op->to == W || op->to == L) && flags == SOFTFP_INVALID)
        return true;
    return soft == host;
}

START_TEST(random_against_host)
{
    const struct op *op = &ops[_i];
    uint64_t seed = rng_env("DISCO_TEST_SEED", 1), cases = CASES * rng_env("DISCO_TEST_SCALE", 1);
    struct rng r = {seed ^ (uint64_t)_i << 32};

    printf("%s: seed %" PRIu64 "\n", op->name, seed);
    for (unsigned rm = 0; rm < 4; rm++) {
        fesetround(host_rm[rm]);
        for (uint64_t i = 0; i < cases; i++) {
            uint64_t a = random_operand(&r, op->from, rng_next(&r));
            uint64_t b = random_operand(&r, op->from, a);
            struct softfp fp = {.rm = (uint8_t)rm, .nan2008 = true, .abs2008 = true};
            uint64_t z = op->soft(&fp, a, b), z_host = op->host(a, b);
            unsigned flags = host_flags();

            MUST(same(op, z, fp.flags, z_host, flags),
                          "%s rm %u a %#" PRIx64 " b %#" PRIx64 ": %#" PRIx64 " flags %#x, host %#"
                          PRIx64 " flags %#x, seed %" PRIu64,
                          op->name, rm, a, b, z, fp.flags, z_host, flags, seed);
        }
    }
    fesetround(FE_TONEAREST);
}
END_TEST

/* Every exponent gap and every tie: sums and products with exactly one half of
 * the last place to round, and one unit beside it. */
START_TEST(halfway)
{
    struct rng r = {rng_env("DISCO_TEST_SEED", 1)};

    for (unsigned rm = 0; rm < 4; rm++) {
        fesetround(host_rm[rm]);
        for (int i = 0; i < 200000; i++) {
            uint32_t exp = 60 + rng_below(&r, 1900);
            uint64_t a = (uint64_t)exp << 52 | random_frac(&r, 52);
            uint64_t b = (uint64_t)(exp - 53) << 52 | (rng_next(&r) & 1) << 63;
            const struct op *op = &ops[rng_below(&r, 2)];

            b += rng_below(&r, 3) - 1; /* the tie, or just beside it */
            struct softfp fp = {.rm = (uint8_t)rm, .nan2008 = true};
            uint64_t z = op->soft(&fp, a, b), z_host = op->host(a, b);
            MUST_EQ(fp.flags, host_flags());
            MUST_EQ(z, z_host);

            /* A double halfway between two singles, and into the subnormals. */
            a = (uint64_t)(1023 - 155 + rng_below(&r, 300)) << 52 |
                (rng_next(&r) & 0x7fffff) << 29 | (uint64_t)1 << (28 + rng_below(&r, 23));
            a += rng_below(&r, 3) - 1;
            fp.flags = 0;
            z = softfp_cvt_s_d(&fp, a);
            z_host = host_cvt_s_d(a, 0);
            MUST_EQ(fp.flags, host_flags());
            MUST_EQ(z, z_host);
        }
    }
    fesetround(FE_TONEAREST);
}
END_TEST

START_TEST(compare_against_host)
{
    struct rng r = {rng_env("DISCO_TEST_SEED", 1)};

    for (int i = 0; i < 500000; i++) {
        bool dbl = rng_next(&r) & 1, signal = rng_next(&r) & 1;
        uint64_t a = random_float(&r, dbl, rng_next(&r)), b = random_float(&r, dbl, a);
        struct softfp fp = {.nan2008 = true};

        if (rng_below(&r, 8) == 0)
            b = a ^ (rng_next(&r) & 1) << (dbl ? 63 : 31);
        enum softfp_order order = dbl ? softfp_compare_d(&fp, a, b, signal)
                                      : softfp_compare_s(&fp, (uint32_t)a, (uint32_t)b, signal);
        volatile double x = as_d(a), y = as_d(b);
        volatile float xs = as_s(a), ys = as_s(b);
        volatile bool eq, lt;
        feclearexcept(FE_ALL_EXCEPT);
        eq = dbl ? x == y : xs == ys; /* raises invalid for signalling NaNs */
        lt = dbl ? isless(x, y) : isless(xs, ys);
        bool un = dbl ? isunordered(x, y) : isunordered(xs, ys);
        unsigned flags = signal && un ? SOFTFP_INVALID : host_flags();
        MUST_EQ(order, un ? SOFTFP_UN : eq ? SOFTFP_EQ : lt ? SOFTFP_LT : SOFTFP_GT);
        MUST_EQ(fp.flags, flags);
    }
}
END_TEST

/* What the modes that the host lacks change, and that they change nothing else. */
START_TEST(modes_against_plain)
{
    struct rng r = {rng_env("DISCO_TEST_SEED", 1)};

    for (int i = 0; i < 2000000; i++) {
        const struct op *op = &ops[rng_below(&r, N_OPS)];
        uint64_t a = random_operand(&r, op->from, rng_next(&r));
        uint64_t b = random_operand(&r, op->from, a);
        struct softfp plain = {.rm = (uint8_t)rng_below(&r, 4), .nan2008 = true};
        struct softfp legacy = plain, flush = plain, trap = plain;
        uint64_t z = op->soft(&plain, a, b);

        legacy.nan2008 = false;
        uint64_t z_legacy = op->soft(&legacy, a, b);
        if (!is_nan(op->from, a) && !is_nan(op->from, b) && plain.flags != SOFTFP_INVALID) {
            MUST_EQ(z_legacy, z);
            MUST_EQ(legacy.flags, plain.flags);
        } else if (is_nan(op->to, z)) {
            MUST(is_nan(op->to, z_legacy), "%s a %#" PRIx64 " b %#" PRIx64, op->name, a, b);
        }

        /* A subnormal result is either no result of arithmetic here or tiny. */
        int fb = op->to == S ? 23 : 52;
        uint64_t sign = op->to == S ? 0x80000000 : (uint64_t)1 << 63;
        bool subnormal = (op->to == S || op->to == D) && (z & ~sign) != 0 &&
                         (z & ~sign) < (uint64_t)1 << fb;
        flush.flush = true;
        trap.trap_underflow = true;
        uint64_t z_flush = op->soft(&flush, a, b), z_trap = op->soft(&trap, a, b);
        MUST_EQ(z_trap, z);
        if (subnormal) {
            MUST_EQ(z_flush, z & sign);
            MUST_EQ(flush.flags, SOFTFP_UNDERFLOW | SOFTFP_INEXACT);
            MUST_EQ(trap.flags, plain.flags | SOFTFP_UNDERFLOW);
        } else if (!(plain.flags & SOFTFP_UNDERFLOW)) {
            MUST_EQ(z_flush, z);
            MUST_EQ(flush.flags, plain.flags);
            MUST_EQ(trap.flags, plain.flags);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("softfp");
    TCase *random = tcase_create("random");

    tcase_set_timeout(random, 300);
    tcase_add_loop_test(random, random_against_host, 0, N_OPS);
    tcase_add_test(random, halfway);
    tcase_add_test(random, compare_against_host);
    tcase_add_test(random, modes_against_plain);
    suite_add_tcase(suite, random);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
