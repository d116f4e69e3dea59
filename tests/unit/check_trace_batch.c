/* Event batches: what goes in comes out, and nothing hostile gets through. */
#include <check.h>

#include "tests/unit/trace_sample.h"
#include "core/base/splitmix.h"
#include "traces/batch.h"
#include "traces/trace.pb-c.h"

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

/* Events of a loop with five sites; at each multiple of `every` (0: never) a refill comes in
 * between, at a pc of its own, with a tlbwr into a TLB of `entries` entries. Returns how many. */
static size_t loop_with_refills(struct event *events, size_t rounds, size_t every, uint32_t entries)
{
    uint64_t step = 0;
    size_t n = 0;
    for (size_t i = 0; i < rounds; i++) {
        step += 20 + 3 * (i % 5);
        events[n++] = (struct event){
            .kind = EVENT_INT_ENABLE, .step = step, .pc = 0x80200000 + i % 5 * 64, .arg = {i & 1}};
        if (every == 0 || i % every != 0)
            continue;
        uint64_t pc = 0x400000 + i * 4, page = 0x10000000 + (i << 13);
        events[n++] = (struct event){
            .kind = EVENT_REFILL, .step = step + 5, .pc = pc, .arg = {2, page + 0x10}};
        uint64_t slot = splitmix64_below(0, step + 15, entries);
        events[n++] = (struct event){.kind = EVENT_TLB_WRITE, .step = step + 15, .pc = 0x80000040,
                                     .arg = {slot | 0x10000, page + 1, 0x40 * i, 0x40 * i + 64}};
        events[n++] = (struct event){
            .kind = EVENT_ERET, .step = step + 16, .pc = 0x80000044, .arg = {pc}};
    }
    return n;
}

/* A refill that was never seen before is news, but its handler is foretold. */
START_TEST(handlers_of_refills_are_foretold)
{
    struct batch_codec *c = batch_codec_create();
    struct event *events = xcalloc(BATCH_EVENTS_MAX, sizeof *events);
    struct buf b = {0};
    size_t n = loop_with_refills(events, 10000, 11, 64), news = 0;
    encode_events(c, events, n, &b);
    round_trip(c, events, n);
    Disco__EventBatch *msg = disco__event_batch__unpack(NULL, b.len, b.data);
    ck_assert_ptr_nonnull(msg);
    for (size_t i = 0; i < msg->n_path; i++)
        news += msg->path[i] != 0 &&
                (events[i].kind == EVENT_TLB_WRITE || events[i].kind == EVENT_ERET);
    ck_assert_uint_le(news, 4);
    disco__event_batch__free_unpacked(msg, NULL);
    buf_free(&b);
    free(events);
    batch_codec_destroy(c);
}
END_TEST

/* Once all entries of a TLB were seen, the entry that tlbwr takes is foretold. */
START_TEST(entries_of_tlbwr_are_foretold)
{
    static const uint32_t sizes[] = {16, 32, 64, 256};
    struct batch_codec *c = batch_codec_create();
    struct event *events = xcalloc(BATCH_EVENTS_MAX, sizeof *events);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct buf right = {0}, wrong = {0};
        size_t n = loop_with_refills(events, 10000, 1, sizes[i]);
        encode_events(c, events, n, &right);
        round_trip(c, events, n);
        for (size_t k = 0; k < n; k++) /* as good as drawn by lot */
            if (events[k].kind == EVENT_TLB_WRITE)
                events[k].arg[0] = 0x10000 | splitmix64_below(1, k, sizes[i]);
        encode_events(c, events, n, &wrong);
        round_trip(c, events, n);
        /* A byte and more for most of 10000. */
        ck_assert_uint_ge(wrong.len, right.len + 8000);
        buf_free(&right);
        buf_free(&wrong);
    }
    free(events);
    batch_codec_destroy(c);
}
END_TEST

/* The columns are put together by hand: protobuf itself reads them, and would write the same. */
START_TEST(is_a_protobuf_message)
{
    struct batch_codec *c = batch_codec_create();
    for (size_t n = 1; n < 3000; n = 3 * n + 1) {
        struct event *events = sample_events(n, n, 4, 2);
        struct buf b = {0};
        encode_events(c, events, n, &b);
        Disco__EventBatch *msg = disco__event_batch__unpack(NULL, b.len, b.data);
        ck_assert_ptr_nonnull(msg);
        ck_assert_uint_eq(msg->base.n_unknown_fields, 0);
        ck_assert_uint_eq(msg->count, n);
        ck_assert_uint_eq(msg->n_kind_count, EVENT_KINDS);
        ck_assert_uint_eq(disco__event_batch__get_packed_size(msg), b.len);
        uint8_t *again = xmalloc(b.len);
        disco__event_batch__pack(msg, again);
        ck_assert_mem_eq(again, b.data, b.len);
        free(again);
        disco__event_batch__free_unpacked(msg, NULL);
        buf_free(&b);
        free(events);
    }
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
    tcase_add_test(t, handlers_of_refills_are_foretold);
    tcase_add_test(t, entries_of_tlbwr_are_foretold);
    tcase_add_test(t, is_a_protobuf_message);
    tcase_add_test(t, damage_never_crashes);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
