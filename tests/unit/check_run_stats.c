/* The table of --stats. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/run_stats.h"

/* The table as text; the caller frees it. */
static char *printed(const struct run_stats *s)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    run_stats_print(s, out);
    fclose(out);
    return text;
}

/* The value in the row with this label, "" if there is no such row. */
static const char *value_of(const char *table, const char *label)
{
    static char value[64];
    size_t n = strlen(label);
    value[0] = 0;
    for (const char *line = table; line != NULL && *line != 0; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "  ", 2) == 0 && strncmp(line + 2, label, n) == 0 &&
            strncmp(line + 2 + n, "  ", 2) == 0)
            sscanf(line + 2 + n, "%63s", value);
    }
    return value;
}

static struct run_stats sample(enum mips_engine engine)
{
    return (struct run_stats){
        .engine = engine,
        .steps = 1234567890,
        .time = {.seconds = 12.5, .cpu_seconds = 10},
        .mips = {
            .blocks_decoded = 1000,
            .blocks_flushed = 999,
            .page_fills = 1000000,
            .device_accesses = 12345,
            .blocks_translated = 300,
            .guest_code_bytes = 4000,
            .host_code_bytes = 25500,
            .translate_ticks = 225000,
            .blocks_chained = 7,
            .code_drops = 2,
            .leaves = 54321,
            .slow_loads = 11,
            .slow_stores = 22,
            .blocks_run = 100200300,
        },
    };
}

START_TEST(all_rows)
{
    struct run_stats s = sample(MIPS_JIT);
    run_stats_add_helper(&s, "mfc0", 40);
    static const char *const want[][2] = {
        {"engine", "jit"},
        {"guest instructions", "1,234,567,890"},
        {"seconds", "12.500"},
        {"seconds of processor time", "10.000"},
        {"million instructions per second of it", "123.46"},
        {"blocks decoded", "1,000"},
        {"times that a page's blocks were flushed", "999"},
        {"blocks translated", "300"},
        {"blocks executed", "100,200,300"},
        {"jumps chained to another block", "7"},
        {"times that code memory was dropped", "2"},
        {"bytes of guest code", "4,000"},
        {"bytes of host code", "25,500"},
        {"bytes of host code per guest instruction", "25.50"},
        {"host clock ticks per translated block", "750.00"},
        {"returns to the run loop", "54,321"},
        {"software TLB fills", "1,000,000"},
        {"loads that missed it", "11"},
        {"stores that missed it", "22"},
        {"device accesses", "12,345"},
        {"mfc0", "40"},
        {"all", "40"},
    };
    char *table = printed(&s);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ck_assert_msg(strcmp(value_of(table, want[i][0]), want[i][1]) == 0, "%s: \"%s\", not %s",
                      want[i][0], value_of(table, want[i][0]), want[i][1]);
    free(table);
}
END_TEST

/* Rows end in one column. */
START_TEST(aligned)
{
    struct run_stats s = sample(MIPS_JIT);
    s.steps = UINT64_MAX;
    run_stats_add_helper(&s, "c.cond.d", UINT64_MAX);
    char *table = printed(&s);
    size_t width = 0;
    unsigned rows = 0;
    for (char *line = strtok(table, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] != ' ')
            continue;
        rows++;
        if (width == 0)
            width = strlen(line);
        ck_assert_msg(strlen(line) == width, "%s", line);
    }
    ck_assert_uint_eq(rows, 22);
    free(table);
}
END_TEST

START_TEST(interpreter)
{
    struct run_stats s = sample(MIPS_INTERP);
    char *table = printed(&s);
    ck_assert_str_eq(value_of(table, "engine"), "interp");
    ck_assert_str_eq(value_of(table, "blocks decoded"), "1,000");
    ck_assert_str_eq(value_of(table, "blocks translated"), "");
    ck_assert_str_eq(value_of(table, "loads that missed it"), "");
    ck_assert_str_eq(value_of(table, "all"), "");
    free(table);
}
END_TEST

START_TEST(nothing_done)
{
    struct run_stats s = {.engine = MIPS_JIT};
    char *table = printed(&s);
    ck_assert_str_eq(value_of(table, "guest instructions"), "0");
    ck_assert_str_eq(value_of(table, "million instructions per second of it"), "-");
    ck_assert_str_eq(value_of(table, "bytes of host code per guest instruction"), "-");
    ck_assert_str_eq(value_of(table, "host clock ticks per translated block"), "-");
    ck_assert_str_eq(value_of(table, "all"), "0");
    free(table);
}
END_TEST

/* The largest are told, in order, and the rest together. */
START_TEST(many_helpers)
{
    enum { KINDS = 57 };
    static char name[KINDS][8];
    struct run_stats s = {.engine = MIPS_JIT};
    uint64_t sum = 0, told = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        uint64_t calls = (i * 23 + 5) % KINDS; /* each of 0..56 once */
        snprintf(name[i], sizeof name[i], "op%u", (unsigned)calls);
        run_stats_add_helper(&s, name[i], calls);
        sum += calls;
    }
    ck_assert_uint_eq(s.helpers_kinds, KINDS - 1);
    ck_assert_uint_eq(s.helpers_calls, sum);
    for (unsigned i = 0; i < RUN_STATS_HELPERS; i++) {
        char want[8];
        snprintf(want, sizeof want, "op%u", KINDS - 1 - i);
        ck_assert_uint_eq(s.helpers[i].calls, KINDS - 1 - i);
        ck_assert_str_eq(s.helpers[i].name, want);
        told += s.helpers[i].calls;
    }
    char *table = printed(&s), others[32];
    snprintf(others, sizeof others, "%u others", KINDS - 1 - RUN_STATS_HELPERS);
    ck_assert_uint_eq(strtoull(value_of(table, others), NULL, 10), sum - told);
    ck_assert_str_eq(value_of(table, "op37"), "37");
    ck_assert_str_eq(value_of(table, "op36"), "");
    free(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_stats");
    TCase *tc = tcase_create("run_stats");
    tcase_add_test(tc, all_rows);
    tcase_add_test(tc, aligned);
    tcase_add_test(tc, interpreter);
    tcase_add_test(tc, nothing_done);
    tcase_add_test(tc, many_helpers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
