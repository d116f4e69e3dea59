/*
 * The software FPU and the MIPS rules that the host's FPU does not follow:
 * which NaN a result is, the legacy NaN encoding, integers out of range, FS
 * and underflow traps, multiply-add rounded twice.
 */
#include <check.h>
#include <string.h>

#include "mips/softfp.h"

struct nan_case {
    bool nan2008;
    uint64_t a, b, result;
    unsigned flags;
};

#define V SOFTFP_INVALID
static const struct nan_case nan_add_s[] = {
    /* legacy: quiet bit clear is quiet */
    {false, 0x7fbfffff, 0x3f800000, 0x7fbfffff, 0},
    {false, 0xff812345, 0x3f800000, 0xff812345, 0},
    {false, 0x3f800000, 0xff812345, 0xff812345, 0},
    {false, 0x7f800001, 0x7f800002, 0x7f800001, 0},
    {false, 0x7fc00000, 0x3f800000, 0x7fbfffff, V},
    {false, 0xffc00000, 0x7f800001, 0x7fbfffff, V},
    {false, 0x7f800001, 0xffffffff, 0x7fbfffff, V},
    {false, 0x7f800000, 0xff800000, 0x7fbfffff, V},
    /* 2008 */
    {true, 0x7fc00000, 0x3f800000, 0x7fc00000, 0},
    {true, 0xffc12345, 0x7fc00001, 0xffc12345, 0},
    {true, 0x3f800000, 0xffc12345, 0xffc12345, 0},
    {true, 0x7f800001, 0x3f800000, 0x7fc00001, V},
    {true, 0x7fc00001, 0xff800002, 0xffc00002, V},
    {true, 0x7f800001, 0xff800002, 0x7fc00001, V},
    {true, 0x7f800001, 0xffc00002, 0x7fc00001, V},
    {true, 0x7f800000, 0xff800000, 0x7fc00000, V},
};

START_TEST(nan_operands)
{
    for (size_t i = 0; i < sizeof(nan_add_s) / sizeof(nan_add_s[0]); i++) {
        const struct nan_case *c = &nan_add_s[i];
        struct softfp fp = {.nan2008 = c->nan2008};

        uint32_t z = softfp_add_s(&fp, (uint32_t)c->a, (uint32_t)c->b);
        ck_assert_msg(z == c->result && fp.flags == c->flags,
                      "case %zu: add.s %#x flags %#x", i, z, fp.flags);
        fp.flags = 0;
        if (c->a != 0x7f800000) {
            z = softfp_mul_s(&fp, (uint32_t)c->a, (uint32_t)c->b);
            ck_assert_uint_eq(z, c->result);
            ck_assert_uint_eq(fp.flags, c->flags);
            fp.flags = 0;
            z = softfp_madd_s(&fp, (uint32_t)c->a, 0x3f800000, (uint32_t)c->b, true, false);
            ck_assert_uint_eq(fp.flags, c->flags);
        }
        fp.flags = 0;
        z = softfp_div_s(&fp, (uint32_t)c->a, (uint32_t)c->b);
        ck_assert_uint_eq(z, c->result);
        ck_assert_uint_eq(fp.flags, c->flags);
    }
}
END_TEST

START_TEST(nan_defaults)
{
    for (int nan2008 = 0; nan2008 < 2; nan2008++) {
        struct softfp fp = {.nan2008 = nan2008};
        uint32_t s = nan2008 ? 0x7fc00000 : 0x7fbfffff;
        uint64_t d = nan2008 ? 0x7ff8000000000000 : 0x7ff7ffffffffffff;

        ck_assert_uint_eq(softfp_div_s(&fp, 0, 0x80000000), s);
        ck_assert_uint_eq(softfp_mul_s(&fp, 0xff800000, 0), s);
        ck_assert_uint_eq(softfp_sqrt_s(&fp, 0xbf800000), s);
        ck_assert_uint_eq(softfp_rsqrt_s(&fp, 0xbf800000), s);
        ck_assert_uint_eq(softfp_div_d(&fp, 0, 0), d);
        ck_assert_uint_eq(softfp_sub_d(&fp, 0x7ff0000000000000, 0x7ff0000000000000), d);
        ck_assert_uint_eq(softfp_sqrt_d(&fp, 0xfff0000000000000), d);
        ck_assert_uint_eq(fp.flags, V);
        fp.flags = 0;
        ck_assert_uint_eq(softfp_sqrt_d(&fp, 0x8000000000000000), 0x8000000000000000);
        ck_assert_uint_eq(fp.flags, 0);
        ck_assert_uint_eq(softfp_rsqrt_d(&fp, 0x8000000000000000), 0xfff0000000000000);
        ck_assert_uint_eq(fp.flags, SOFTFP_DIVZERO);
    }
}
END_TEST

START_TEST(nan_conversions)
{
    struct softfp fp = {.nan2008 = false};

    ck_assert_uint_eq(softfp_cvt_d_s(&fp, 0xffbfffff), 0xfff7ffffe0000000);
    ck_assert_uint_eq(softfp_cvt_s_d(&fp, 0xfff7ffffffffffff), 0xffbfffff);
    ck_assert_uint_eq(softfp_cvt_s_d(&fp, 0xfff0000000000001), 0x7fbfffff); /* not infinity */
    ck_assert_uint_eq(fp.flags, 0);
    ck_assert_uint_eq(softfp_cvt_d_s(&fp, 0xffc00001), 0x7ff7ffffffffffff);
    ck_assert_uint_eq(fp.flags, V);
    fp.flags = 0;
    ck_assert_uint_eq(softfp_cvt_s_d(&fp, 0xfff8000000000000), 0x7fbfffff);
    ck_assert_uint_eq(fp.flags, V);

    fp = (struct softfp){.nan2008 = true};
    ck_assert_uint_eq(softfp_cvt_d_s(&fp, 0xffc00001), 0xfff8000020000000);
    ck_assert_uint_eq(softfp_cvt_s_d(&fp, 0xfff8000000000001), 0xffc00000);
    ck_assert_uint_eq(fp.flags, 0);
    ck_assert_uint_eq(softfp_cvt_s_d(&fp, 0xfff0000000000001), 0xffc00000);
    ck_assert_uint_eq(fp.flags, V);
    fp.flags = 0;
    ck_assert_uint_eq(softfp_cvt_d_s(&fp, 0x7f800001), 0x7ff8000020000000);
    ck_assert_uint_eq(fp.flags, V);
}
END_TEST

START_TEST(abs_neg)
{
    struct softfp fp = {.abs2008 = false};

    ck_assert_uint_eq(softfp_neg_s(&fp, 0), 0x80000000);
    ck_assert_uint_eq(softfp_abs_s(&fp, 0xff800000), 0x7f800000);
    ck_assert_uint_eq(softfp_neg_d(&fp, 1), 0x8000000000000001);
    ck_assert_uint_eq(softfp_neg_s(&fp, 0x7fbfffff), 0x7fbfffff);
    ck_assert_uint_eq(softfp_abs_d(&fp, 0xfff7ffffffffffff), 0xfff7ffffffffffff);
    ck_assert_uint_eq(fp.flags, 0);
    ck_assert_uint_eq(softfp_neg_s(&fp, 0xffc00000), 0x7fbfffff);
    ck_assert_uint_eq(fp.flags, V);
    fp = (struct softfp){.abs2008 = true, .nan2008 = true};
    ck_assert_uint_eq(softfp_neg_s(&fp, 0x7f800001), 0xff800001);
    ck_assert_uint_eq(softfp_neg_d(&fp, 0x7ff8000000000000), 0xfff8000000000000);
    ck_assert_uint_eq(softfp_abs_d(&fp, 0xfff0000000000001), 0x7ff0000000000001);
    ck_assert_uint_eq(fp.flags, 0);
}
END_TEST

START_TEST(integers_out_of_range)
{
    static const struct {
        uint64_t a;
        int32_t w, w2008;
        int64_t l, l2008;
    } cases[] = {
        {0x7ff7ffffffffffff, INT32_MAX, 0, INT64_MAX, 0},
        {0xfff8000000000000, INT32_MAX, 0, INT64_MAX, 0},
        {0x7ff0000000000000, INT32_MAX, INT32_MAX, INT64_MAX, INT64_MAX},
        {0xfff0000000000000, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN},
        {0x43e0000000000000, INT32_MAX, INT32_MAX, INT64_MAX, INT64_MAX}, /* 2^63 */
        {0xc3e0000000000001, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN}, /* below -2^63 */
        {0xffe0000000000000, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int nan2008 = 0; nan2008 < 2; nan2008++) {
            for (unsigned rm = 0; rm < 4; rm++) {
                struct softfp fp = {.nan2008 = nan2008};

                ck_assert_int_eq(softfp_to_w_d(&fp, cases[i].a, rm),
                                 nan2008 ? cases[i].w2008 : cases[i].w);
                ck_assert_uint_eq(fp.flags, V);
                fp.flags = 0;
                ck_assert_int_eq(softfp_to_l_d(&fp, cases[i].a, rm),
                                 nan2008 ? cases[i].l2008 : cases[i].l);
                ck_assert_uint_eq(fp.flags, V);
            }
        }
    }
    struct softfp fp = {.rm = SOFTFP_RP};
    ck_assert_int_eq(softfp_to_l_d(&fp, 0xc3e0000000000000, SOFTFP_RN), INT64_MIN);
    ck_assert_int_eq(softfp_to_w_d(&fp, 0xc1e0000000000000, SOFTFP_RN), INT32_MIN);
    ck_assert_uint_eq(fp.flags, 0);
    /* 2147483647.5: the mode asked for counts, not fp->rm. */
    ck_assert_int_eq(softfp_to_w_d(&fp, 0x41dfffffffe00000, SOFTFP_RZ), INT32_MAX);
    ck_assert_uint_eq(fp.flags, SOFTFP_INEXACT);
    fp.flags = 0;
    softfp_to_w_d(&fp, 0x41dfffffffe00000, SOFTFP_RN);
    ck_assert_uint_eq(fp.flags, V);
}
END_TEST

/* The edge of tininess: results that round up to the smallest normal number. */
START_TEST(tininess)
{
    struct softfp fp = {.rm = SOFTFP_RN};

    /* (1 + 2^-23) * (2^-126 * (1 - 2^-24 + ...)): rounds to 2^-126 at full precision. */
    ck_assert_uint_eq(softfp_mul_s(&fp, 0x3f7fffff, 0x00800000), 0x00800000);
    ck_assert_uint_eq(fp.flags, SOFTFP_INEXACT | SOFTFP_UNDERFLOW);
    fp = (struct softfp){.rm = SOFTFP_RN, .flush = true};
    ck_assert_uint_eq(softfp_mul_s(&fp, 0x3f7fffff, 0x80800000), 0x80000000);
    ck_assert_uint_eq(fp.flags, SOFTFP_INEXACT | SOFTFP_UNDERFLOW);
    /* 2^-126 - 2^-152 as a double: full single precision rounds it up, so not tiny. */
    for (int flush = 0; flush < 2; flush++) {
        fp = (struct softfp){.rm = SOFTFP_RN, .flush = flush};
        ck_assert_uint_eq(softfp_cvt_s_d(&fp, 0x380fffffffe00000), 0x00800000);
        ck_assert_uint_eq(fp.flags, SOFTFP_INEXACT);
    }
    /* Exact subnormal: an underflow only if that traps. */
    fp = (struct softfp){.rm = SOFTFP_RP};
    ck_assert_uint_eq(softfp_mul_s(&fp, 0x3f000000, 0x00800000), 0x00400000);
    ck_assert_uint_eq(fp.flags, 0);
    fp.trap_underflow = true;
    ck_assert_uint_eq(softfp_mul_s(&fp, 0x3f000000, 0x00800000), 0x00400000);
    ck_assert_uint_eq(fp.flags, SOFTFP_UNDERFLOW);
}
END_TEST

START_TEST(multiply_add)
{
    struct softfp fp = {.rm = SOFTFP_RN};
    uint32_t third = 0x3eaaaaab, three = 0x40400000, one = 0x3f800000;

    /* Rounded twice, 1/3 * 3 is exactly 1; fused it would leave 2^-25. */
    ck_assert_uint_eq(softfp_madd_s(&fp, third, three, one, true, false), 0);
    ck_assert_uint_eq(fp.flags, SOFTFP_INEXACT);
    ck_assert_uint_eq(softfp_madd_s(&fp, one, three, one, false, false), 0x40800000);
    ck_assert_uint_eq(softfp_madd_s(&fp, one, three, one, false, true), 0xc0800000);
    ck_assert_uint_eq(softfp_madd_s(&fp, one, three, one, true, true), 0xc0000000);
    ck_assert_uint_eq(softfp_madd_d(&fp, 0x3ff0000000000000, 0x4008000000000000,
                                    0x3ff0000000000000, true, true),
                      0xc000000000000000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("softfp_rules");
    TCase *directed = tcase_create("directed");

    tcase_add_test(directed, nan_operands);
    tcase_add_test(directed, nan_defaults);
    tcase_add_test(directed, nan_conversions);
    tcase_add_test(directed, abs_neg);
    tcase_add_test(directed, integers_out_of_range);
    tcase_add_test(directed, tininess);
    tcase_add_test(directed, multiply_add);
    suite_add_tcase(suite, directed);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
