/*
 * Checksums and segments. The checks do not use the sums of the code under
 * test: a receiver's check is done here, bit by bit of the definition in RFC
 * 1071, and the payload is put together again from sequence numbers.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/net_segment.h"

#define ROUNDS 3000

static uint64_t seed_state = 1;

static uint32_t draw(void)
{
    seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed_state >> 33);
}

/* One's complement addition with the carry put back after each word. */
static uint16_t ones_sum(const uint8_t *p, size_t len, uint16_t sum)
{
    for (size_t i = 0; i < len; i += 2) {
        uint32_t word = (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0);
        uint32_t next = sum + word;
        sum = (uint16_t)(next > 0xffff ? next - 0xffff : next);
    }
    return sum;
}

struct sample {
    uint8_t bytes[NET_FRAME_MAX];
    size_t len, ip, tcp, payload;
    bool v6;
    struct net_offload offload;
};

/* A frame as Linux gives it to the card: the TCP checksum is that of the pseudo header. */
static void make_sample(struct sample *s, bool v6, size_t payload)
{
    unsigned tags = draw() % 3, options = draw() % 11 * 4;
    size_t ip_options = v6 ? (draw() % 2 != 0 ? 16 : 0) : draw() % 11 * 4;
    uint8_t *b = s->bytes;
    s->v6 = v6;
    s->ip = NET_HEADER + 4 * tags;
    s->tcp = s->ip + (v6 ? 40 : 20) + ip_options;
    s->payload = s->tcp + 20 + options;
    s->len = s->payload + payload;
    ck_assert_uint_le(s->len, sizeof s->bytes);
    for (size_t i = 0; i < s->len; i++)
        b[i] = (uint8_t)draw();
    for (unsigned i = 0; i < tags; i++)
        st_be16(b + 12 + 4 * i, i == 0 && tags == 2 ? 0x88a8 : 0x8100);
    st_be16(b + s->ip - 2, v6 ? 0x86dd : 0x0800);
    uint8_t *ip = b + s->ip;
    if (v6) {
        ip[0] = 0x60;
        st_be16(ip + 4, (uint16_t)(s->len - s->ip - 40));
        ip[6] = ip_options == 0 ? 6 : 0;
        ip[40] = ip_options == 0 ? ip[40] : 6;
        ip[41] = ip_options == 0 ? ip[41] : 1;
    } else {
        ip[0] = (uint8_t)(0x40 | (20 + ip_options) / 4);
        st_be16(ip + 2, (uint16_t)(s->len - s->ip));
        ip[6] = 0x40;
        ip[7] = 0;
        ip[9] = 6;
    }
    b[s->tcp + 12] = (uint8_t)((20 + options) / 4 << 4);
    s->offload = (struct net_offload){
        .flags = NET_NEEDS_CSUM,
        .gso_type = v6 ? NET_GSO_TCPV6 : NET_GSO_TCPV4,
        .gso_size = (uint16_t)(NET_GSO_SIZE_MIN + draw() % 3000),
        .csum_start = (uint16_t)s->tcp,
        .csum_offset = 16,
    };
}

static uint16_t pseudo(const struct sample *s, const uint8_t *b, size_t len)
{
    uint8_t tail[8] = {0, 0, 0, 0, 0, 0, 0, 6};
    st_be32(tail, (uint32_t)(len - s->tcp));
    uint16_t sum = s->v6 ? ones_sum(b + s->ip + 8, 32, 0) : ones_sum(b + s->ip + 12, 8, 0);
    return ones_sum(tail, sizeof tail, sum);
}

/* What a receiver checks. */
static void check_packet(const struct sample *s, const uint8_t *b, size_t len)
{
    const uint8_t *ip = b + s->ip;
    if (s->v6) {
        ck_assert_uint_eq(ld_be16(ip + 4), len - s->ip - 40);
    } else {
        ck_assert_uint_eq(ld_be16(ip + 2), len - s->ip);
        ck_assert_uint_eq(ones_sum(ip, 4 * (size_t)(ip[0] & 15), 0), 0xffff);
    }
    ck_assert_uint_eq(ones_sum(b + s->tcp, len - s->tcp, pseudo(s, b, len)), 0xffff);
}

static void check_header(const struct sample *s, const uint8_t *b, unsigned i, unsigned count)
{
    uint8_t expected[256];
    memcpy(expected, s->bytes, s->payload);
    const uint8_t *old = s->bytes + s->tcp;
    uint8_t flags = old[13];
    if (i + 1 < count)
        flags &= (uint8_t)~9u; /* FIN, PSH */
    if (i > 0)
        flags &= (uint8_t)~0x80u; /* CWR */
    ck_assert_uint_eq(b[s->tcp + 13], flags);
    uint8_t *e = expected;
    if (s->v6) {
        memcpy(e + s->ip + 4, b + s->ip + 4, 2);
    } else {
        uint16_t id = (uint16_t)(ld_be16(s->bytes + s->ip + 4) + i);
        ck_assert_uint_eq(ld_be16(b + s->ip + 4), id);
        memcpy(e + s->ip + 2, b + s->ip + 2, 4);
        memcpy(e + s->ip + 10, b + s->ip + 10, 2);
    }
    memcpy(e + s->tcp + 4, b + s->tcp + 4, 4);
    e[s->tcp + 13] = flags;
    memcpy(e + s->tcp + 16, b + s->tcp + 16, 2);
    ck_assert_int_eq(memcmp(b, expected, s->payload), 0); /* nothing else changed */
}

START_TEST(segments)
{
    struct sample *s = malloc(sizeof *s);
    uint8_t *again = malloc(NET_FRAME_MAX), *b = malloc(NET_FRAME_MAX);
    seed_state = (uint64_t)_i + 1;
    for (unsigned round = 0; round < ROUNDS / 10; round++) {
        size_t payload = round % 50 == 0 ? 0 : draw() % (round % 4 == 0 ? 65000 : 5000);
        make_sample(s, _i == 1, payload);
        struct net_segments seg;
        ck_assert(net_segments_begin(&seg, s->bytes, s->len, s->len, &s->offload));
        size_t whole = (payload + s->offload.gso_size - 1) / s->offload.gso_size;
        ck_assert_uint_eq(seg.count, payload == 0 ? 1 : whole);
        size_t seen = 0;
        for (unsigned i = 0; i < seg.count; i++) {
            size_t len = net_segments_len(&seg, i);
            net_segments_make(&seg, i, b);
            check_packet(s, b, len);
            check_header(s, b, i, seg.count);
            if (i + 1 < seg.count)
                ck_assert_uint_eq(len - s->payload, s->offload.gso_size);
            uint32_t at = ld_be32(b + s->tcp + 4) - ld_be32(s->bytes + s->tcp + 4);
            ck_assert_uint_eq(at, seen);
            memcpy(again + at, b + s->payload, len - s->payload);
            seen += len - s->payload;
        }
        ck_assert_uint_eq(seen, payload);
        ck_assert_int_eq(memcmp(again, s->bytes + s->payload, payload), 0);
    }
    free(s);
    free(again);
    free(b);
}
END_TEST

START_TEST(checksum)
{
    struct sample *s = malloc(sizeof *s);
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool v6 = round % 2 != 0;
        make_sample(s, v6, draw() % 1500);
        if (!v6) { /* its header is the sender's business */
            uint8_t *ip = s->bytes + s->ip;
            st_be16(ip + 10, 0);
            st_be16(ip + 10, (uint16_t)~ones_sum(ip, 4 * (size_t)(ip[0] & 15), 0));
        }
        st_be16(s->bytes + s->tcp + 16, pseudo(s, s->bytes, s->len));
        ck_assert(net_checksum_fill(s->bytes, s->len, &s->offload));
        check_packet(s, s->bytes, s->len);
    }
    /* A sum of 0 would say "none". */
    uint8_t ones[4] = {0xff, 0xff, 0, 0};
    struct net_offload o = {.csum_offset = 2};
    ck_assert(net_checksum_fill(ones, sizeof ones, &o));
    ck_assert_uint_eq(ld_be16(ones + 2), 0xffff);
    o.csum_offset = 3;
    ck_assert(!net_checksum_fill(ones, sizeof ones, &o));
    o = (struct net_offload){.csum_start = 0xffff, .csum_offset = 0xffff};
    ck_assert(!net_checksum_fill(ones, sizeof ones, &o));
    free(s);
}
END_TEST

static bool begins(const struct sample *s)
{
    struct net_segments seg;
    return net_segments_begin(&seg, s->bytes, s->len, s->len, &s->offload);
}

START_TEST(refused)
{
    struct sample *s = malloc(sizeof *s), *good = malloc(sizeof *good);
    make_sample(good, false, 3000);
    ck_assert(begins(good));
#define BAD(change)                                                                                \
    *s = *good;                                                                                    \
    change;                                                                                        \
    ck_assert_msg(!begins(s), #change)
    BAD(s->offload.gso_type = NET_GSO_TCPV6);
    BAD(s->offload.gso_type = 3);
    BAD(s->offload.gso_size = NET_GSO_SIZE_MIN - 1);
    BAD(s->offload.csum_start--);
    BAD(s->bytes[s->ip + 9] = 17);   /* UDP */
    BAD(s->bytes[s->ip + 7] = 1);    /* a fragment */
    BAD(s->bytes[s->ip + 6] = 0x20); /* more fragments */
    BAD(s->bytes[s->ip] = 0x44);     /* header of 16 bytes */
    BAD(s->bytes[s->tcp + 12] = 0x40);
    BAD(s->len = s->payload - 1);
    BAD(s->len = s->tcp + 19);
    BAD(s->len = s->ip - 1);
    BAD(s->len = 0);
#undef BAD
    free(s);
    free(good);
}
END_TEST

/* Whatever the bytes are, nothing is read or written outside (ASan looks). */
START_TEST(garbage)
{
    struct sample *s = malloc(sizeof *s);
    unsigned cut = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        make_sample(s, draw() % 2 != 0, draw() % 400);
        for (unsigned i = draw() % 4; i > 0; i--)
            s->bytes[draw() % s->payload] = (uint8_t)draw();
        size_t len = draw() % 3 == 0 ? draw() % s->len : s->len;
        uint8_t *exact = malloc(len);
        memcpy(exact, s->bytes, len);
        struct net_segments seg;
        if (net_segments_begin(&seg, exact, len, len, &s->offload)) {
            for (unsigned i = 0; i < seg.count; i++) {
                uint8_t *out = malloc(net_segments_len(&seg, i));
                net_segments_make(&seg, i, out);
                free(out);
            }
            cut++;
        }
        free(exact);
    }
    ck_assert_uint_gt(cut, ROUNDS / 10);
    ck_assert_uint_lt(cut, ROUNDS - ROUNDS / 10);
    free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_segment");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, segments, 0, 2);
    tcase_add_test(tc, checksum);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, garbage);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
