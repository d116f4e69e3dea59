/* Buffers, bytes and errors. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "tests/rng.h"

START_TEST(buf_against_array)
{
    struct rng rng = {1};
    static uint8_t model[1 << 20];
    size_t len = 0;
    struct buf b = {0};
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[200];
        size_t n = rng_below(&rng, sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(rng_next(&rng) | 1);
        switch (rng_below(&rng, 6)) {
        case 0:
            buf_putc(&b, 7);
            model[len++] = 7;
            break;
        case 1: {
            bytes[n] = 0;
            buf_puts(&b, (char *)bytes);
            memcpy(model + len, bytes, n);
            len += n;
            break;
        }
        case 2:
            buf_printf(&b, "%d:%s", i, "text");
            len += (size_t)sprintf((char *)model + len, "%d:text", i);
            break;
        case 3: /* the view ends with a 0 that is not part of the content */
            ck_assert_uint_eq(strnlen(buf_cstr(&b), b.len + 1), strnlen((char *)b.data, len));
            ck_assert_uint_eq(b.data[b.len], 0);
            break;
        case 4: {
            uint8_t *tail = buf_reserve(&b, n + 5000);
            ck_assert_ptr_eq(tail, b.data + len);
            ck_assert_uint_ge(b.cap - b.len, n + 5000);
            break;
        }
        default:
            buf_put(&b, bytes, n);
            memcpy(model + len, bytes, n);
            len += n;
        }
        ck_assert_uint_eq(b.len, len);
    }
    ck_assert_mem_eq(b.data, model, len);
    uint8_t *storage = b.data;
    buf_clear(&b);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_ptr_eq(b.data, storage);
    ck_assert_str_eq(buf_cstr(&b), "");
    buf_free(&b);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.cap, 0);
}
END_TEST

START_TEST(buf_empty)
{
    struct buf b = {0};
    buf_put(&b, NULL, 0);
    buf_puts(&b, "");
    ck_assert_uint_eq(b.len, 0);
    ck_assert_str_eq(buf_cstr(&b), "");
    buf_printf(&b, "%s", "");
    ck_assert_uint_eq(b.len, 0);
    buf_free(&b);
    buf_free(&b);
}
END_TEST

START_TEST(bytes_both_orders)
{
    uint8_t m[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99};
    ck_assert_uint_eq(ld_le16(m + 1), 0x2211);
    ck_assert_uint_eq(ld_be16(m + 1), 0x1122);
    ck_assert_uint_eq(ld_le32(m + 1), 0x44332211);
    ck_assert_uint_eq(ld_be32(m + 1), 0x11223344);
    ck_assert_uint_eq(ld_le64(m + 1), 0x8877665544332211);
    ck_assert_uint_eq(ld_be64(m + 1), 0x1122334455667788);
    memset(m, 0xff, sizeof m);
    st_le16(m + 1, 0x1234);
    ck_assert_mem_eq(m, ((uint8_t[]){0xff, 0x34, 0x12, 0xff}), 4);
    st_be16(m + 1, 0x1234);
    ck_assert_mem_eq(m, ((uint8_t[]){0xff, 0x12, 0x34, 0xff}), 4);
    st_le32(m + 1, 0x12345678);
    ck_assert_mem_eq(m, ((uint8_t[]){0xff, 0x78, 0x56, 0x34, 0x12, 0xff}), 6);
    st_be32(m + 1, 0x12345678);
    ck_assert_mem_eq(m, ((uint8_t[]){0xff, 0x12, 0x34, 0x56, 0x78, 0xff}), 6);
    st_le64(m + 1, 0x0102030405060708);
    ck_assert_mem_eq(m, ((uint8_t[]){0xff, 8, 7, 6, 5, 4, 3, 2, 1, 0xff}), 10);
    st_be64(m + 1, 0x0102030405060708);
    ck_assert_mem_eq(m, ((uint8_t[]){0xff, 1, 2, 3, 4, 5, 6, 7, 8, 0xff}), 10);
}
END_TEST

static int fails(struct err *e, int depth)
{
    if (depth != 0)
        TRY(fails(e, depth - 1));
    ERR(e, ERR_FORMAT, "%s: damaged at %d", "file", 17);
}

START_TEST(first_cause_wins)
{
    struct err e = {0};
    ck_assert_int_eq(fails(&e, 3), ERR_FORMAT);
    ck_assert_int_eq(e.code, ERR_FORMAT);
    ck_assert_str_eq(e.msg, "file: damaged at 17");
    ck_assert_int_eq(err_set(&e, ERR_IO, "later"), ERR_IO);
    ck_assert_int_eq(e.code, ERR_FORMAT);
    ck_assert_str_eq(e.msg, "file: damaged at 17");
    ck_assert_int_eq(err_set(NULL, ERR_LIMIT, "nobody listens"), ERR_LIMIT);
}
END_TEST

START_TEST(long_messages_are_cut)
{
    struct err e = {0};
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    err_set(&e, ERR_USAGE, "%s", text);
    ck_assert_uint_eq(strlen(e.msg), sizeof e.msg - 1);
    ck_assert_int_eq(strncmp(e.msg, text, sizeof e.msg - 1), 0);
}
END_TEST

/* What comes from a file's name or content may hold anything; the user gets one line. */
START_TEST(messages_are_one_line)
{
    struct err e = {0};
    err_set(&e, ERR_FORMAT, "%s: no such file", "a\nb\r\x1b[2Jc\t");
    for (const char *s = e.msg; *s != 0; s++)
        ck_assert_msg((unsigned char)*s >= ' ' && *s != 0x7f, "control character %d", *s);
    ck_assert_ptr_nonnull(strstr(e.msg, ": no such file"));
    struct err utf8 = {0};
    err_set(&utf8, ERR_FORMAT, "\xc3\xa4.img");
    ck_assert_str_eq(utf8.msg, "\xc3\xa4.img");
}
END_TEST

START_TEST(allocation)
{
    uint8_t *p = xcalloc(10, 10);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(p[i], 0);
    p = xrealloc(p, 1000);
    free(p);
    free(xmalloc(0));
    free(xcalloc(0, 8));
    char *s = xstrdup("abc"), *t = xasprintf("%s-%d", s, 5);
    ck_assert_str_eq(t, "abc-5");
    free(s);
    free(t);
}
END_TEST

/* The product wraps to 0: no object of that size, and no NULL that looks like one. */
START_TEST(allocation_overflow)
{
    volatile size_t n = (size_t)1 << 60;
    free(xcalloc(n, 16));
}
END_TEST

static void position(void *ctx)
{
    fprintf(stderr, "at step %d\n", *(int *)ctx);
}

START_TEST(check_aborts)
{
    int step = 12;
    check_set_position(position, &step);
    CHECK(step == 12, "never");
    CHECK(step == 13, "step %d", step);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tc = tcase_create("base");
    tcase_add_test(tc, buf_against_array);
    tcase_add_test(tc, buf_empty);
    tcase_add_test(tc, bytes_both_orders);
    tcase_add_test(tc, first_cause_wins);
    tcase_add_test(tc, long_messages_are_cut);
    tcase_add_test(tc, messages_are_one_line);
    tcase_add_test(tc, allocation);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    if (srunner_fork_status(runner) == CK_FORK) {
        tcase_add_exit_test(tc, allocation_overflow, 1);
        tcase_add_test_raise_signal(tc, check_aborts, 6);
    }
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
