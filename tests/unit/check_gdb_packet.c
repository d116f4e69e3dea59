#include <check.h>
#include <stdio.h>
#include <string.h>

#include "gdb/packet.h"
#include "gdb/pktargs.h"

/* Feed text; the last event that was not PACKET_NOTHING. */
static enum packet_event feed(struct packet_reader *r, const char *bytes, size_t n)
{
    enum packet_event last = PACKET_NOTHING;
    for (size_t i = 0; i < n; i++) {
        enum packet_event ev = packet_reader_byte(r, (uint8_t)bytes[i]);
        if (ev != PACKET_NOTHING)
            last = ev;
    }
    return last;
}

#define FEED(r, text) feed((r), (text), sizeof(text) - 1)

START_TEST(frames)
{
    struct packet_reader r;
    packet_reader_init(&r);
    ck_assert_int_eq(FEED(&r, "+$qC#b4"), PACKET_READY);
    ck_assert_str_eq(buf_cstr(&r.payload), "qC");
    ck_assert_int_eq(FEED(&r, "$qC#B4"), PACKET_READY);
    ck_assert_int_eq(FEED(&r, "$#00"), PACKET_READY);
    ck_assert_uint_eq(r.payload.len, 0);
    ck_assert_int_eq(FEED(&r, "$qC#b5"), PACKET_BAD);
    ck_assert_int_eq(FEED(&r, "$qC#zz"), PACKET_BAD);
    ck_assert_int_eq(FEED(&r, "++junk"), PACKET_NOTHING);
    ck_assert_int_eq(FEED(&r, "-"), PACKET_NAK);
    ck_assert_int_eq(FEED(&r, "\3"), PACKET_INTERRUPT);
    packet_reader_fini(&r);
}
END_TEST

START_TEST(lost_end)
{
    struct packet_reader r;
    packet_reader_init(&r);
    ck_assert_int_eq(FEED(&r, "$qSuppo$qC#b4"), PACKET_READY);
    ck_assert_str_eq(buf_cstr(&r.payload), "qC");
    packet_reader_fini(&r);
}
END_TEST

START_TEST(escapes)
{
    struct packet_reader r;
    packet_reader_init(&r);
    /* X with the four special bytes and 0x03; a 0x03 inside is data. */
    static const char raw[] = "$X0,5:}\x03}\x04}]*\3#";
    unsigned sum = 0;
    for (const char *p = raw + 1; *p != '#'; p++)
        sum += (unsigned char)*p;
    char tail[3];
    snprintf(tail, sizeof tail, "%02x", sum & 0xff);
    ck_assert_int_eq(FEED(&r, raw), PACKET_NOTHING);
    ck_assert_int_eq(feed(&r, tail, 2), PACKET_READY);
    ck_assert_uint_eq(r.payload.len, 10);
    ck_assert_mem_eq(r.payload.data, "X0,5:#$}*\3", 10);
    ck_assert_int_eq(FEED(&r, "$}#7d"), PACKET_BAD);
    packet_reader_fini(&r);
}
END_TEST

START_TEST(too_long)
{
    struct packet_reader r;
    packet_reader_init(&r);
    packet_reader_byte(&r, '$');
    unsigned events = 0;
    for (size_t i = 0; i < PACKET_SIZE_MAX + 5; i++)
        events += packet_reader_byte(&r, 0) != PACKET_NOTHING;
    ck_assert_uint_eq(events, 0);
    ck_assert_uint_le(r.payload.len, PACKET_SIZE_MAX);
    ck_assert_int_eq(FEED(&r, "#00"), PACKET_TOO_LONG);
    ck_assert_int_eq(FEED(&r, "$qC#b4"), PACKET_READY);
    packet_reader_fini(&r);
}
END_TEST

static void check_put(const char *payload, const char *wire)
{
    struct buf b = {0};
    packet_put(&b, (const uint8_t *)payload, strlen(payload));
    ck_assert_str_eq(buf_cstr(&b), wire);
    buf_free(&b);
}

START_TEST(replies)
{
    check_put("", "$#00");
    check_put("OK", "$OK#9a");
    check_put("a#b", "$a}\x03""b#43");
    check_put("000", "$000#90");
    check_put("0000", "$0* #7a");          /* 3 repeats: the count is a blank */
    check_put("0000000", "$0*\"0#ac");     /* 6 would be '#': 5 and one more */
    check_put("00000000", "$0*\"00#dc");   /* 7 would be '$' */
    check_put("000000000", "$0*%#7f");     /* 8 is fine */
    check_put("****", "$}\n}\n}\n}\n#1c"); /* special bytes never run */
}
END_TEST

/* Every run length decodes to itself, with a count byte that cannot be misread. */
START_TEST(runs)
{
    for (size_t n = 1; n < 400; n++) {
        struct buf text = {0}, wire = {0}, back = {0};
        for (size_t i = 0; i < n; i++)
            buf_putc(&text, 'x');
        packet_put(&wire, text.data, n);
        for (size_t i = 1; i < wire.len - 3; i++) {
            if (wire.data[i] != '*') {
                buf_putc(&back, wire.data[i]);
                continue;
            }
            uint8_t count = wire.data[++i];
            ck_assert(strchr("#$}*+-", count) == NULL && count >= 32 && count <= 126);
            for (int k = 0; k < count - 29; k++)
                buf_putc(&back, back.data[back.len - 1]);
        }
        ck_assert_uint_eq(back.len, n);
        ck_assert_uint_le(wire.len, 4 + (n < 5 ? n : n / 98 * 3 + 8));
        buf_free(&text);
        buf_free(&wire);
        buf_free(&back);
    }
}
END_TEST

static struct pktargs args_of(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    return (struct pktargs){p, p + strlen(text)};
}

static void check_tid(const char *text, int pid, int tid)
{
    struct pktargs a = args_of(text);
    struct gdb_tid got;
    ck_assert_msg(args_tid(&a, &got), "%s", text);
    ck_assert(a.p == a.end);
    ck_assert_int_eq(got.pid, pid);
    ck_assert_int_eq(got.tid, tid);
}

START_TEST(thread_ids)
{
    check_tid("p1.2", 1, 2);
    check_tid("p10.-1", 16, -1);
    check_tid("p-1.-1", -1, -1);
    check_tid("p3", 3, -1);
    check_tid("p0.0", 0, 0);
    check_tid("-1", 0, -1);
    check_tid("0", 0, 0);
    check_tid("a", 0, 10);
    static const char *const bad[] = {"", "p", "p.1", "p1.", "g", "-2", "80000000", "p1.x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pktargs a = args_of(bad[i]);
        struct gdb_tid got;
        ck_assert_msg(!args_tid(&a, &got), "%s", bad[i]);
        ck_assert(args_left(&a) == strlen(bad[i]));
    }
}
END_TEST

START_TEST(numbers)
{
    uint64_t v = 0;
    struct pktargs a = args_of("ffffffff80001000,");
    ck_assert(args_hex(&a, &v));
    ck_assert_uint_eq(v, 0xffffffff80001000);
    ck_assert(!args_hex(&a, &v));
    a = args_of("00000000000000000001");
    ck_assert(args_hex(&a, &v) && v == 1);
    a = args_of("10000000000000000");
    ck_assert(!args_hex(&a, &v));
    struct buf b = {0};
    a = args_of("00ffA");
    ck_assert(!args_bytes(&a, 0, &b, 10) && b.len == 0);
    a = args_of("00ff;41");
    ck_assert(args_bytes(&a, ';', &b, 2) && b.len == 2 && b.data[1] == 0xff);
    ck_assert(*a.p == ';');
    a = args_of("000000");
    ck_assert(!args_bytes(&a, 0, &b, 2) && b.len == 2);
    buf_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gdb packet");
    TCase *tc = tcase_create("packet");
    tcase_add_test(tc, frames);
    tcase_add_test(tc, lost_end);
    tcase_add_test(tc, escapes);
    tcase_add_test(tc, too_long);
    tcase_add_test(tc, replies);
    tcase_add_test(tc, runs);
    tcase_add_test(tc, thread_ids);
    tcase_add_test(tc, numbers);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
