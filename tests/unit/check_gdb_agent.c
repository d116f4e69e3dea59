#include <check.h>
#include <string.h>

#include "gdb/agent.h"

/* Registers: number n holds 100 + n, 50 and up do not exist. Memory: address a holds its low
 * byte, from 0x1000 to 0x1fff; a text at 0x2000. */
static bool reg(void *ctx, unsigned number, uint64_t *value)
{
    (void)ctx;
    *value = 100 + number;
    return number < 50;
}

static bool mem(void *ctx, uint64_t va, uint8_t *bytes, size_t n)
{
    static const char text[] = "text";
    (void)ctx;
    for (size_t i = 0; i < n; i++, va++) {
        if (va >= 0x2000 && va < 0x2000 + sizeof text)
            bytes[i] = (uint8_t)text[va - 0x2000];
        else if (va >= 0x1000 && va < 0x2000)
            bytes[i] = (uint8_t)va;
        else
            return false;
    }
    return true;
}

static struct buf text;
static bool big;

static bool run(const uint8_t *code, size_t n, uint64_t *value)
{
    struct agent_env env = {.reg = reg, .mem = mem, .big_endian = big, .text = &text};
    *value = 0xdead;
    return agent_eval(code, n, &env, value);
}

#define VALUE(expected, ...)                                                                       \
    do {                                                                                           \
        const uint8_t code_[] = {__VA_ARGS__};                                                     \
        uint64_t value_;                                                                           \
        ck_assert(run(code_, sizeof code_, &value_));                                              \
        ck_assert_uint_eq(value_, (uint64_t)(expected));                                           \
    } while (0)

#define FAILS(...)                                                                                 \
    do {                                                                                           \
        const uint8_t code_[] = {__VA_ARGS__};                                                     \
        uint64_t value_;                                                                           \
        ck_assert(!run(code_, sizeof code_, &value_));                                             \
    } while (0)

#define C8(n) 0x22, (n)
#define M1    C8(0), 0x12 /* -1 */
#define END   0x27

START_TEST(arithmetic)
{
    VALUE(5, C8(2), C8(3), 0x02, END);
    VALUE(-1, C8(2), C8(3), 0x03, END);
    VALUE(-1, M1, END);
    VALUE(6, C8(2), C8(3), 0x04, END);
    VALUE(-3, M1, C8(3), 0x04, END);
    VALUE(-7, C8(7), M1, 0x05, END);
    VALUE(0, C8(7), M1, 0x07, END);
    VALUE((uint64_t)1 << 63, 0x25, 0x80, 0, 0, 0, 0, 0, 0, 0, M1, 0x05, END);
    VALUE(3, C8(7), C8(2), 0x06, END);
    VALUE(1, C8(7), C8(2), 0x08, END);
    VALUE(28, C8(7), C8(2), 0x09, END);
    VALUE(0, C8(7), C8(64), 0x09, END);
    VALUE(-1, M1, C8(200), 0x0a, END);
    VALUE(0, M1, C8(200), 0x0b, END);
    VALUE(1, C8(0), 0x0e, END);
    VALUE(0x0c, C8(0x0f), C8(0x3c), 0x0f, END);
    VALUE(0x3f, C8(0x0f), C8(0x3c), 0x10, END);
    VALUE(0x33, C8(0x0f), C8(0x3c), 0x11, END);
    VALUE(-1, C8(0), 0x12, END);
    VALUE(1, C8(4), C8(4), 0x13, END);
    VALUE(1, M1, C8(4), 0x14, END);
    VALUE(0, M1, C8(4), 0x15, END);
    VALUE(-128, C8(0x80), 0x16, 8, END);
    VALUE(0x80, 0x23, 0xff, 0x80, 0x2a, 8, END);
    VALUE(0xff80, 0x23, 0xff, 0x80, 0x16, 0, END);
    VALUE(0x12345678, 0x24, 0x12, 0x34, 0x56, 0x78, END);
}
END_TEST

START_TEST(fetches)
{
    VALUE(104, 0x26, 0, 4, END);
    VALUE(0x34, 0x23, 0x12, 0x34, 0x17, END);
    VALUE(0x3534, 0x23, 0x12, 0x34, 0x18, END);
    VALUE(0x37363534, 0x23, 0x12, 0x34, 0x19, END);
    big = true;
    VALUE(0x3435, 0x23, 0x12, 0x34, 0x18, END);
    VALUE(0x3435363738393a3b, 0x23, 0x12, 0x34, 0x1a, END);
    big = false;
    FAILS(0x26, 0, 50, END);
    FAILS(C8(4), 0x19, END);
    FAILS(0x23, 0x1f, 0xff, 0x19, C8(0), 0x1a, END);
}
END_TEST

START_TEST(stack_and_jumps)
{
    VALUE(8, C8(4), 0x28, 0x02, END);
    VALUE(4, C8(4), C8(5), 0x29, END);
    VALUE(1, C8(4), C8(5), 0x2b, 0x03, END);
    VALUE(4, C8(4), C8(5), 0x32, 1, END);
    VALUE(2, C8(1), C8(2), C8(3), 0x33, END); /* 3 1 2 */
    VALUE(1, C8(1), C8(2), C8(3), 0x33, 0x29, END);
    VALUE(3, C8(1), C8(2), C8(3), 0x33, 0x29, 0x29, END);
    VALUE(7, C8(1), 0x20, 0, 7, C8(9), C8(7), END); /* jumps over the 9 */
    VALUE(9, 0x21, 0, 5, C8(8), C8(9), END);
    VALUE(0, END);
    /* The example of gdb for `x == 2` with x in a0. */
    VALUE(0, 0x26, 0, 4, 0x16, 0x20, 0x22, 2, 0x13, END);
    VALUE(1, 0x26, 0, 4, 0x16, 0x20, 0x22, 104, 0x13, END);
}
END_TEST

START_TEST(hostile)
{
    uint8_t code[2 * AGENT_STACK + 8];
    uint64_t value;
    FAILS(0x21, 0, 0);        /* for ever */
    FAILS(C8(1), 0x20, 0, 0); /* the same, conditionally */
    FAILS(0x21, 0xff, 0xff);  /* out of the code */
    FAILS(0x02, END);         /* empty stack */
    FAILS(C8(1), 0x02, END);
    FAILS(0x33, END);
    FAILS(0x32, 0, END);
    FAILS(C8(1), 0x32, 1, END);
    FAILS(C8(1), 0x32, 255, END);
    FAILS(C8(1), C8(0), 0x05, END); /* division by zero */
    FAILS(C8(1), C8(0), 0x06, END);
    FAILS(C8(1), C8(0), 0x07, END);
    FAILS(C8(1), C8(0), 0x08, END);
    FAILS(0x22); /* operand cut off */
    FAILS(0x25, 1, 2, 3, 4, 5, 6, 7);
    FAILS(0x26, 0);
    FAILS(C8(1));     /* no end */
    FAILS(0x01, END); /* floating point, tracing, unknown */
    FAILS(C8(1), 0x0d, 1, END);
    FAILS(0x2c, 0, 0, END);
    FAILS(0x35, END);
    FAILS(0xff, END);
    FAILS(0x34, 0, 0, 5, 'x', 0, END); /* printf: nothing on the stack, text cut off */
    FAILS(C8(0), C8(0), 0x34, 0, 0xff, 0xff, 'x', 0, END);
    FAILS(C8(0), C8(0), 0x34, 3, 0, 2, 'x', 0, END);
    ck_assert(!agent_eval(NULL, 0, &(struct agent_env){.reg = reg, .mem = mem}, &value));

    for (size_t i = 0; i < AGENT_STACK + 1; i++) {
        code[2 * i] = 0x22;
        code[2 * i + 1] = 1;
    }
    code[2 * AGENT_STACK] = END;
    ck_assert(run(code, 2 * AGENT_STACK + 1, &value));
    code[2 * AGENT_STACK] = 0x22;
    code[2 * AGENT_STACK + 2] = END;
    ck_assert(!run(code, 2 * AGENT_STACK + 3, &value));
}
END_TEST

/* Arguments are pushed last first, then channel and function. */
static const char *print2(const char *format, uint8_t first, uint8_t second)
{
    uint8_t code[256];
    uint64_t value;
    size_t n = strlen(format) + 1;
    const uint8_t head[] = {C8(second), C8(first), C8(0), C8(0), 0x34, 2, 0, (uint8_t)n};
    memcpy(code, head, sizeof head);
    memcpy(code + sizeof head, format, n);
    code[sizeof head + n] = END;
    buf_clear(&text);
    ck_assert(run(code, sizeof head + n + 1, &value));
    return buf_cstr(&text);
}

START_TEST(printing)
{
    ck_assert_str_eq(print2("a=%d b=%x\\n", 10, 255), "a=10 b=ff\n");
    ck_assert_str_eq(print2("%%|%5d|%-5d|", 1, 2), "%|    1|2    |");
    ck_assert_str_eq(print2("%hhd %hhu", 255, 255), "-1 255");
    ck_assert_str_eq(print2("%c%c", 'h', 'i'), "hi");
    ck_assert_str_eq(print2("%c[2J%c\\033", 0x1b, '\n'), "\\x1b[2J\n\033"); /* the user may */
    ck_assert_str_eq(print2("%p %#lx", 16, 17), "0x10 0x11");
    ck_assert_str_eq(print2("\\t\\\"\\101\\q\\", 1, 1), "\t\"Aq\\");
    ck_assert_str_eq(print2("%n%f%999d%", 1, 1), "%n%f%999d%"); /* unknown: as it stands */
}
END_TEST

START_TEST(printing_strings)
{
    uint64_t value;
    const uint8_t good[] = {0x23, 0x20, 0, C8(0), C8(0), 0x34, 1, 0, 5, '<', '%', 's', '>', 0, END};
    buf_clear(&text);
    ck_assert(run(good, sizeof good, &value));
    ck_assert_str_eq(buf_cstr(&text), "<text>");
    FAILS(C8(0), C8(0), C8(0), 0x34, 1, 0, 3, '%', 's', 0, END); /* unreadable */
    FAILS(C8(0), C8(0), 0x34, 0, 0, 3, '%', 'd', 0, END);        /* no argument */

    /* A loop of prints is bounded by the number of steps, one print by AGENT_TEXT. */
    const uint8_t loop[] = {0x23, 0x10, 1, C8(0), C8(0), 0x34, 1, 0, 3, '%', 's', 0, 0x21, 0, 0};
    buf_clear(&text);
    ck_assert(!run(loop, sizeof loop, &value));
    ck_assert_uint_le(text.len, AGENT_TEXT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gdb agent");
    TCase *tc = tcase_create("agent");
    tcase_add_test(tc, arithmetic);
    tcase_add_test(tc, fetches);
    tcase_add_test(tc, stack_and_jumps);
    tcase_add_test(tc, hostile);
    tcase_add_test(tc, printing);
    tcase_add_test(tc, printing_strings);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    buf_free(&text);
    return failed != 0;
}
