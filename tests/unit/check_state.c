/* State tables: all that walks them agrees. */
#include <check.h>
#include <string.h>

#include "core/base/state.h"
#include "tests/rng.h"

struct thing {
    uint8_t byte;
    uint64_t wide;
    uint16_t half[5];
    bool flag;
    uint32_t grid[3][4];
    uint8_t bytes[19];
    uint64_t far[2];
    int32_t left_out;
};

static const struct state_field table[] = {
    STATE(struct thing, byte),
    STATE(struct thing, flag),
    STATE_ARRAY(struct thing, half, uint16_t),
    STATE_ARRAY(struct thing, grid, uint32_t),
    STATE(struct thing, wide),
    STATE_ARRAY(struct thing, bytes, uint8_t),
    STATE_ARRAY(struct thing, far, uint64_t),
    STATE_END,
};

#define SIZE (1 + 1 + 10 + 48 + 8 + 19 + 16)

static const struct thing sample = {
    .byte = 0xfe,
    .wide = 0x0102030405060708,
    .half = {1, 0x2233, 3, 4, 0xffff},
    .flag = true,
    .grid = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 0x89abcdef}},
    .bytes = {1, 2, 3, [18] = 0x99},
    .far = {UINT64_MAX, 0x8000000000000001},
    .left_out = 5,
};

START_TEST(stored_form)
{
    struct buf out = {0};
    buf_puts(&out, "x");
    ck_assert_uint_eq(state_size(table), SIZE);
    state_save(table, &sample, &out);
    ck_assert_uint_eq(out.len, 1 + SIZE);
    const uint8_t *p = out.data + 1;
    ck_assert_uint_eq(p[0], 0xfe);
    ck_assert_uint_eq(p[1], 1);
    ck_assert_mem_eq(p + 2, ((uint8_t[]){1, 0, 0x33, 0x22, 3, 0, 4, 0, 0xff, 0xff}), 10);
    ck_assert_mem_eq(p + 12 + 44, ((uint8_t[]){0xef, 0xcd, 0xab, 0x89}), 4);
    ck_assert_mem_eq(p + 60, ((uint8_t[]){8, 7, 6, 5, 4, 3, 2, 1}), 8);
    ck_assert_uint_eq(p[68 + 18], 0x99);
    ck_assert_mem_eq(p + 87 + 8, ((uint8_t[]){1, 0, 0, 0, 0, 0, 0, 0x80}), 8);
    buf_free(&out);
}
END_TEST

static const struct state_field nothing[] = {STATE_END};

START_TEST(empty_table)
{
    struct buf out = {0};
    int x = 0;
    ck_assert_uint_eq(state_size(nothing), 0);
    state_save(nothing, &x, &out);
    state_load(nothing, &x, NULL);
    state_print(nothing, &x, "", &out);
    ck_assert_uint_eq(state_diff(nothing, &x, &x, "", &out), 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert(state_hash(nothing, &x, 1) != state_hash(nothing, &x, 2));
    buf_free(&out);
}
END_TEST

START_TEST(load_is_the_inverse)
{
    struct rng rng = {2};
    for (int round = 0; round < 200; round++) {
        uint8_t in[SIZE];
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (uint8_t)rng_next(&rng);
        in[1] &= 1; /* a bool */
        struct thing a, b;
        memset(&a, 0x55, sizeof a);
        memset(&b, 0xaa, sizeof b);
        state_load(table, &a, in);
        state_load(table, &b, in);
        struct buf sa = {0}, sb = {0}, diff = {0};
        state_save(table, &a, &sa);
        state_save(table, &b, &sb);
        ck_assert_mem_eq(sa.data, in, SIZE);
        ck_assert_mem_eq(sb.data, in, SIZE);
        ck_assert_uint_eq(state_hash(table, &a, 7), state_hash(table, &b, 7));
        ck_assert_uint_eq(state_diff(table, &a, &b, "", &diff), 0);
        ck_assert_uint_eq(diff.len, 0);
        ck_assert_uint_eq((uint32_t)a.left_out, 0x55555555);
        buf_free(&sa);
        buf_free(&sb);
        buf_free(&diff);
    }
}
END_TEST

/* Each single element matters to hash and diff. */
START_TEST(each_element_counts)
{
    struct buf stored = {0};
    state_save(table, &sample, &stored);
    uint64_t hash = state_hash(table, &sample, 0);
    ck_assert(hash != state_hash(table, &sample, 1));
    for (size_t i = 0; i < SIZE; i++) {
        struct thing other = sample;
        struct buf diff = {0};
        stored.data[i] ^= 1;
        state_load(table, &other, stored.data);
        stored.data[i] ^= 1;
        ck_assert(state_hash(table, &other, 0) != hash);
        ck_assert_uint_eq(state_diff(table, &sample, &other, "", &diff), 1);
        buf_free(&diff);
    }
    struct thing other = sample;
    other.left_out = 6;
    ck_assert_uint_eq(state_hash(table, &other, 0), hash);
    buf_free(&stored);
}
END_TEST

START_TEST(diff_text)
{
    struct thing other = sample;
    other.byte = 1;
    other.grid[2][3] = 0x10;
    other.far[0] = 0;
    struct buf out = {0};
    ck_assert_uint_eq(state_diff(table, &sample, &other, "  uart0.", &out), 3);
    ck_assert_str_eq(buf_cstr(&out), "  uart0.byte: fe != 1\n"
                                     "  uart0.grid[11]: 89abcdef != 10\n"
                                     "  uart0.far[0]: ffffffffffffffff != 0\n");
    buf_free(&out);
}
END_TEST

START_TEST(print_text)
{
    struct buf out = {0};
    state_print(table, &sample, "> ", &out);
    ck_assert_str_eq(
        buf_cstr(&out),
        "> byte = fe\n"
        "> flag = 01\n"
        "> half = 0001 2233 0003 0004 ffff\n"
        "> grid = 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 00000009 "
        "0000000a 0000000b 89abcdef\n"
        "> wide = 0102030405060708\n"
        "> bytes = 01 02 03 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
        ">   +16: 00 00 99\n"
        "> far = ffffffffffffffff 8000000000000001\n");
    buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tc = tcase_create("state");
    tcase_add_test(tc, stored_form);
    tcase_add_test(tc, empty_table);
    tcase_add_test(tc, load_is_the_inverse);
    tcase_add_test(tc, each_element_counts);
    tcase_add_test(tc, diff_text);
    tcase_add_test(tc, print_text);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
