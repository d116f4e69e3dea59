/* The list of events, and events as text. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/base/event.h"

/* Each kind has a text of its own, and as many names as arguments. */
START_TEST(table)
{
    for (int k = 0; k < EVENT_KINDS; k++) {
        const struct event_info *info = &event_info[k];
        ck_assert_uint_gt(strlen(info->text), 0);
        ck_assert_int_eq(event_kind_by_name(info->text), k);
        unsigned names = info->names[0] != 0;
        for (const char *s = info->names; *s != 0; s++)
            names += *s == ' ';
        ck_assert_msg(names == info->args, "%s: %u names for %u arguments", info->text, names,
                      info->args);
    }
    ck_assert_int_eq(event_kind_by_name("tlb-write"), EVENT_TLB_WRITE);
    ck_assert_int_eq(event_kind_by_name("tlb"), -1);
    ck_assert_int_eq(event_kind_by_name(""), -1);
}
END_TEST

START_TEST(print_each_kind)
{
    for (int k = 0; k < EVENT_KINDS; k++) {
        struct event ev = {.step = 17, .pc = 0xffffffff80101234, .kind = (uint8_t)k, .vm = 1,
                           .vcpu = 2, .arg = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5}};
        char line[512];
        int n = event_print(line, sizeof line, &ev);
        ck_assert_int_eq(n, (int)strlen(line));
        char head[80];
        snprintf(head, sizeof head, "17 vm1/cpu2 pc=80101234 %s", event_info[k].text);
        ck_assert_msg(strncmp(line, head, strlen(head)) == 0, "%s", line);
        for (unsigned i = 0; i < EVENT_ARGS_MAX; i++) {
            char value[16];
            snprintf(value, sizeof value, "=a%u", i);
            ck_assert_msg((strstr(line, value) != NULL) == (i < event_info[k].args), "%s", line);
        }
        /* Cut anywhere, the length stays and the text ends inside. */
        for (size_t size = 0; size <= (size_t)n + 1; size++) {
            char cut[512];
            memset(cut, 0x55, sizeof cut);
            ck_assert_int_eq(event_print(cut, size, &ev), n);
            ck_assert_uint_eq((unsigned char)cut[size], 0x55);
            if (size != 0) {
                ck_assert_uint_eq(strlen(cut), size - 1);
                ck_assert_int_eq(strncmp(cut, line, size - 1), 0);
            }
        }
        ck_assert_int_eq(event_print(NULL, 0, &ev), n);
    }
}
END_TEST

START_TEST(print_addresses)
{
    char line[200];
    struct event ev = {.pc = 0x400100, .kind = EVENT_SYSCALL, .arg = {4004, 1, 0x7fff}};
    event_print(line, sizeof line, &ev);
    ck_assert_str_eq(line, "0 vm0/cpu0 pc=00400100 syscall number=fa4 a0=1 a1=7fff");
    ev = (struct event){.step = 5, .pc = 0xffffffffc0000000, .kind = EVENT_WAIT};
    event_print(line, sizeof line, &ev);
    ck_assert_str_eq(line, "5 vm0/cpu0 pc=c0000000 wait");
    ev.pc = 0x9800000000000000; /* no 32-bit address */
    event_print(line, sizeof line, &ev);
    ck_assert_str_eq(line, "5 vm0/cpu0 pc=9800000000000000 wait");
}
END_TEST

/* Equal looks at every field, and at the arguments that the kind has. */
START_TEST(equal)
{
    for (int k = 0; k < EVENT_KINDS; k++) {
        const struct event a = {.step = 1, .pc = 2, .kind = (uint8_t)k, .arg = {1, 2, 3, 4, 5, 6}};
        struct event b = a;
        ck_assert(event_equal(&a, &b));
        for (unsigned i = 0; i < EVENT_ARGS_MAX; i++) {
            b = a;
            b.arg[i] ^= 1ull << 63;
            ck_assert(event_equal(&a, &b) == (i >= event_info[k].args));
        }
        b = a;
        b.step++;
        ck_assert(!event_equal(&a, &b));
        b = a;
        b.pc++;
        ck_assert(!event_equal(&a, &b));
        b = a;
        b.vm++;
        ck_assert(!event_equal(&a, &b));
        b = a;
        b.vcpu++;
        ck_assert(!event_equal(&a, &b));
        b = a;
        b.kind = (uint8_t)((k + 1) % EVENT_KINDS);
        ck_assert(!event_equal(&a, &b));
    }
}
END_TEST

static unsigned fulls;

static void full(struct event_log *log)
{
    fulls++;
    log->next -= 4 * event_bytes[EVENT_IRQ];
}

START_TEST(log_fills)
{
    /* Room for four events, of which the last may be a whole one. */
    static uint64_t memory[(sizeof(struct event) + 3 * 40) / 8];
    memset(memory, 0xff, sizeof memory);
    ck_assert_uint_eq(event_bytes[EVENT_IRQ], 40);
    struct event_log log = {.full = full};
    event_log_room(&log, memory, sizeof memory);
    fulls = 0;
    for (uint64_t i = 0; i < 10; i++) {
        struct event *ev = event_log_put(&log, EVENT_IRQ, i, 2 * i);
        ck_assert_ptr_eq(ev, (uint8_t *)memory + i % 4 * 40);
        ck_assert_uint_eq(ev->step, i);
        ck_assert_uint_eq(ev->pc, 2 * i);
        ck_assert_uint_eq(ev->kind, EVENT_IRQ);
        ck_assert_uint_eq(ev->vm, 0);
        ck_assert_uint_eq(ev->vcpu, 0);
        ev->arg[0] = ~i;
        ev->arg[1] = i;
        event_log_commit(&log);
        ck_assert_uint_eq(fulls, (i + 1) / 4);
        ck_assert_uint_eq(log.count, i + 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event");
    TCase *tc = tcase_create("event");
    tcase_add_test(tc, table);
    tcase_add_test(tc, print_each_kind);
    tcase_add_test(tc, print_addresses);
    tcase_add_test(tc, equal);
    tcase_add_test(tc, log_fills);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
