/*
 * The emitter's floating-point instructions executed: samples against C.
 */
#include <check.h>

#if defined(__x86_64__)
#include <math.h>

#include "tests/unit/emit_run_rig.h"

/* A number of `width` bytes that is neither NaN nor infinite nor negative, as bits. */
static uint64_t number(unsigned width)
{
    double d = (double)(rng_next(&rng) >> 1) * ldexp(1, (int)rng_below(&rng, 60) - 70);
    float f = (float)d;
    uint64_t bits = 0;
    memcpy(&bits, width == 8 ? (void *)&d : (void *)&f, width);
    return bits;
}

static double as_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, 8);
    return d;
}

static float as_float(uint64_t bits)
{
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static uint64_t fp_result(unsigned op, unsigned width, uint64_t x, uint64_t y)
{
    double a = as_double(x), b = as_double(y);
    float p = as_float(x), q = as_float(y);
    const double d[] = {a + b, a * b, a - b, a / b, sqrt(b)};
    const float f[] = {p + q, p * q, p - q, p / q, sqrtf(q)};
    uint64_t bits = 0;
    memcpy(&bits, width == 8 ? (const void *)&d[op] : (const void *)&f[op], width);
    return bits;
}

START_TEST(floating_point)
{
    for (unsigned n = 0; n < 4000; n++) {
        unsigned w = n & 1 ? 8 : 4, op = n / 2 % 5;
        uint64_t a = number(w), b = number(w);
        memory[0] = a;
        memory[1] = b;
        emit_fmov_xm(&e, w, 1, MEM);
        emit_fmov_xm(&e, w, 9, mem_at(RDX, 8));
        emit_fmov_xx(&e, 2, 1);
        emit_fp_xx(&e, (enum host_fp)op, w, 1, 9);
        emit_fp_xm(&e, (enum host_fp)op, w, 2, mem_at(RDX, 8));
        emit_fmov_mx(&e, w, mem_at(RDX, 16), 1);
        emit_fmov_rx(&e, w, RAX, 2);
        memory[2] = 0;
        uint64_t wanted = fp_result(op, w, a, b);
        ck_assert_uint_eq(run(0, 0), wanted);
        ck_assert_uint_eq(memory[2], wanted);

        float narrow = (float)as_double(a);
        double wide = as_float(a);
        memory[2] = 0;
        emit_fmov_xr(&e, w, 15, RDI);
        emit_fcvt_ff(&e, w, 3, 15);
        emit_fmov_mx(&e, 12 - w, mem_at(RDX, 16), 3);
        run(a, 0);
        ck_assert(w == 8 ? as_float(memory[2]) == narrow : as_double(memory[2]) == wide);
    }
}
END_TEST

START_TEST(conversions)
{
    for (unsigned n = 0; n < 4000; n++) {
        unsigned w = n & 1 ? 8 : 4, i = n & 2 ? 8 : 4;
        int64_t integer = sign(i, value());
        emit_fcvt_fi(&e, w, i, 3, RDI);
        emit_fmov_rx(&e, w, RAX, 3);
        uint64_t bits = run((uint64_t)integer, 0);
        ck_assert(w == 8 ? as_double(bits) == (double)integer : as_float(bits) == (float)integer);

        double d = (double)(int32_t)rng_next(&rng) / 4;
        float f = (float)d;
        memcpy(&bits, &d, 8);
        if (w == 4)
            memcpy(&bits, &f, 4);
        emit_fmov_xr(&e, w, 8, RDI);
        emit_fcvt_if(&e, w, i, true, RAX, 8);
        ck_assert_int_eq(sign(i, run(bits, 0)), (int64_t)(w == 8 ? d : (double)f));
        emit_fmov_xr(&e, w, 8, RDI);
        emit_fcvt_if(&e, w, i, false, RAX, 8);
        ck_assert_int_eq(sign(i, run(bits, 0)), (int64_t)rint(w == 8 ? d : (double)f));
    }
}
END_TEST

#define MXCSR_RESET   0x1f80
#define MXCSR_INVALID 1

/* Flags of a comparison, and whether it raised invalid. */
static void compare(double a, double b, bool signalling, bool invalid)
{
    for (unsigned w = 4; w <= 8; w *= 2)
        for (unsigned cc = 0; cc < 4; cc++) {
            static const enum host_cc ccs[] = {CC_B, CC_E, CC_P, CC_A};
            const bool nan = isnan(a) || isnan(b);
            const bool wanted[] = {nan || a < b, nan || a == b, nan, a > b};
            float f[2] = {(float)a, (float)b};
            memcpy(&memory[0], w == 8 ? (void *)&a : (void *)&f[0], w);
            memcpy(&memory[1], w == 8 ? (void *)&b : (void *)&f[1], w);
            memory[2] = MXCSR_RESET;
            emit_ldmxcsr(&e, mem_at(RDX, 16));
            emit_fmov_xm(&e, w, 4, MEM);
            emit_fmov_xm(&e, w, 12, mem_at(RDX, 8));
            emit_mov_ri(&e, RAX, 0);
            emit_fcomi(&e, w, signalling, 4, 12);
            emit_setcc(&e, ccs[cc], RAX);
            emit_stmxcsr(&e, mem_at(RDX, 16));
            ck_assert_uint_eq(run(0, 0), wanted[cc]);
            ck_assert_uint_eq(memory[2] & MXCSR_INVALID, invalid);
        }
}

START_TEST(comparisons)
{
    for (unsigned signalling = 0; signalling < 2; signalling++) {
        compare(1, 2, signalling, false);
        compare(2, 1, signalling, false);
        compare(-2, -2, signalling, false);
        compare(1, (double)NAN, signalling, signalling);
        compare((double)NAN, 1, signalling, signalling);
    }
}
END_TEST

START_TEST(vectors)
{
    bool sse41 = emit_host_features().sse41;
    uint64_t a = 0x1111111122222222, b = 0x3333333344444444;
    emit_fmov_xr(&e, 8, 5, RDI);
    emit_fmov_xr(&e, 8, 13, RSI);
    emit_punpckldq(&e, 5, 13);
    emit_fmov_rx(&e, 8, RAX, 5);
    ck_assert_uint_eq(run(a, b), 0x4444444422222222);
    emit_fmov_xr(&e, 8, 5, RDI);
    emit_fmov_xr(&e, 8, 13, RSI);
    emit_fxor(&e, 5, 13);
    emit_fmov_rx(&e, 8, RAX, 5);
    ck_assert_uint_eq(run(a, b), a ^ b);
    emit_fmov_xr(&e, 8, 5, RDI);
    emit_fmov_xr(&e, 8, 13, RSI);
    emit_fand(&e, 5, 13);
    emit_fmov_rx(&e, 8, RAX, 5);
    ck_assert_uint_eq(run(a, b), a & b);
    emit_fmov_xr(&e, 8, 5, RDI);
    emit_pshufd(&e, 14, 5, 1); /* lanes 1, 0, 0, 0 */
    emit_fmov_rx(&e, 8, RAX, 14);
    ck_assert_uint_eq(run(a, b), 0x2222222211111111);
    if (!sse41)
        return;
    for (unsigned lane = 0; lane < 4; lane++) {
        memory[0] = 0xdeadbeef;
        memory[1] = 0;
        emit_fxor(&e, 10, 10);
        emit_pinsrd(&e, 10, MEM, lane);
        emit_pextrd(&e, mem_at(RDX, 8), 10, lane);
        emit_pextrd(&e, mem_at(RDX, 12), 10, lane ^ 1);
        run(0, 0);
        ck_assert_uint_eq(memory[1], 0xdeadbeef);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emit_run_fp");
    TCase *t = tcase_create("execution");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, floating_point);
    tcase_add_test(t, conversions);
    tcase_add_test(t, comparisons);
    tcase_add_test(t, vectors);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#else

/* Nothing of this can run here. */
int main(void)
{
    return 0;
}

#endif
