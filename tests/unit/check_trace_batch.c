/* Event batches: what goes in comes out, and nothing hostile gets through. */
#include <check.h>

#include "tests/unit/trace_sample.h"
#include "traces/batch.h"

static void round_trip(struct batch_codec *c, const struct event *events, size_t n)
{
    struct buf b = {0};
    struct err e = {0};
    struct batch_head head;
    encode_events(c, events, n, &b);
    struct event *back = xcalloc(BATCH_EVENTS_MAX, sizeof *back);
    ck_assert_msg(batch_decode(c, b.data, b.len, back, &head, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(head.count, n);
    ck_assert_uint_eq(head.first_step, events[0].step);
    ck_assert_uint_eq(head.last_step, events[n - 1].step);
    const struct event *ev = back;
    for (size_t i = 0; i < n; i++, ev = event_after(ev))
        ck_assert_msg(event_equal(&events[i], ev), "event %zu", i);
    buf_free(&b);
    free(back);
}

START_TEST(random_events_round_trip)
{
    struct batch_codec *c = batch_codec_create();
    static const size_t sizes[] = {1, 2, 3, 100, 5000, BATCH_EVENTS_MAX};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct event *events = sample_events(i + 1, sizes[i], 1 + 255 * (i & 1), 3);
        round_trip(c, events, sizes[i]);
        free(events);
    }
    batch_codec_destroy(c);
}
END_TEST

/* An event costs nearly nothing when the guest runs in circles. */
START_TEST(loops_are_nearly_free)
{
    struct batch_codec *c = batch_codec_create();
    struct event *events = xcalloc(BATCH_EVENTS_MAX, sizeof *events);
    for (size_t i = 0; i < BATCH_EVENTS_MAX; i++) {
        events[i].step = i * 25 + (i & 1);
        events[i].pc = UINT64_C(0xffffffff80200000) + (i % 6) * 64;
        events[i].kind = EVENT_INT_ENABLE;
        events[i].arg[0] = i & 1;
    }
    struct buf b = {0};
    encode_events(c, events, BATCH_EVENTS_MAX, &b);
    ck_assert_uint_lt(b.len, 300);
    round_trip(c, events, BATCH_EVENTS_MAX);
    buf_free(&b);
    free(events);
    batch_codec_destroy(c);
}
END_TEST

START_TEST(foreseen_arguments_cost_nothing)
{
    struct batch_codec *c = batch_codec_create();
    struct event events[7] = {
        {.kind = EVENT_REFILL, .step = 10, .pc = 0x400000, .arg = {2, 0x7ff123}},
        {.kind = EVENT_TLB_WRITE, .step = 20, .pc = 0x8010, .arg = {3, 0x7fe005, 64, 128, 9, 8}},
        {.kind = EVENT_ERET, .step = 21, .pc = 0x8014, .arg = {0x400000}},
        {.kind = EVENT_SYSCALL, .step = 30, .pc = 0x400010, .arg = {4004, 1, 2}},
        {.kind = EVENT_ERET, .step = 51, .pc = 0x8018, .arg = {0x400014}},
        {.kind = EVENT_REFILL, .step = 60, .pc = 0x400000, .arg = {2, 0x7ff456}},
        {.kind = EVENT_TLB_WRITE, .step = 70, .pc = 0x8010, .arg = {3, 0x7fe005, 64, 128, 9, 8}},
    };
    round_trip(c, events, ARRAY_LEN(events));
    struct buf b = {0}, without = {0};
    encode_events(c, events, 5, &without);
    encode_events(c, events, 7, &b);
    /* Two moves and one badvaddr; all arguments of the write are foreseen. */
    ck_assert_uint_le(b.len, without.len + 14);
    buf_free(&b);
    buf_free(&without);
    batch_codec_destroy(c);
}
END_TEST

START_TEST(damage_never_crashes)
{
    struct batch_codec *c = batch_codec_create();
    struct event *events = sample_events(5, 60, 2, 2);
    struct event *back = xcalloc(BATCH_EVENTS_MAX, sizeof *back);
    struct buf b = {0};
    encode_events(c, events, 60, &b);
    size_t accepted = 0;
    struct batch_head head;
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        struct err e = {0};
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (batch_decode(c, b.data, b.len, back, &head, &e) == 0)
            accepted++;
        else
            ck_assert_int_eq(e.code, ERR_FORMAT);
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < b.len; n++) {
        uint8_t *exact = xmalloc(n);
        memcpy(exact, b.data, n);
        /* A missing column at the end is all zero, so a cut message may be valid. */
        accepted += batch_decode(c, exact, n, back, &head, NULL) == 0;
        free(exact);
    }
    ck_assert_uint_lt(accepted, 7 * b.len);
    buf_free(&b);
    free(events);
    free(back);
    batch_codec_destroy(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trace_batch");
    TCase *t = tcase_create("batch");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, random_events_round_trip);
    tcase_add_test(t, loops_are_nearly_free);
    tcase_add_test(t, foreseen_arguments_cost_nothing);
    tcase_add_test(t, damage_never_crashes);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
