/*
 * The gateway to the outside: libslirp with a guest that is this test, and an
 * outside of sockets on 127.0.0.1.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "record/gateway.h"
#include "tests/rng.h"

#define NETWORK   3 /* of the gateway */
#define GUEST     0x0a00020fu
#define HOST      0x0a000202u
#define GUEST_MAC "\x52\x54\x00\x12\x34\x56"
#define ALL       "\xff\xff\xff\xff\xff\xff"
#define IP        14
#define UDP       34
#define DATA      42
#define SECOND    1000000000u

static struct cluster cluster;
static struct gateways *g;
static struct err e;

static void begin(void)
{
    cluster = (struct cluster){.networks_count = 5};
    for (unsigned i = 0; i < 5; i++)
        cluster.networks[i] = (struct network_config){.name = "a", .gateway = i == NETWORK};
    e = (struct err){0};
    g = NULL;
}

static void end(void)
{
    gateways_close(g);
}

static void open_gateways(void)
{
    ck_assert_msg(gateways_open(&g, &cluster, &e) == 0, "%s", e.msg);
    ck_assert_ptr_nonnull(g);
}

/* ---- the guest ---- */

static void send_bytes(const uint8_t *bytes, size_t n, const struct net_offload *o)
{
    struct net_frame *f = net_frame_create(1, 0, o);
    memcpy(net_frame_add_bytes(f, n), bytes, n);
    net_frame_seal(f, NULL);
    gateways_send(g, NETWORK, f, NULL);
    net_frame_unref(f);
}

static uint16_t sum(const uint8_t *p, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void put_ethernet(uint8_t *p, const char *to, uint16_t type)
{
    memcpy(p, to, 6);
    memcpy(p + 6, GUEST_MAC, 6);
    st_be16(p + 12, type);
}

/* UDP with n bytes of data, whose checksum is left to the card. */
static void send_udp(const char *mac, uint32_t from, uint16_t from_port, uint32_t to, uint16_t port,
                     const void *data, size_t n)
{
    uint8_t p[1500] = {0};
    const struct net_offload o = {.flags = NET_NEEDS_CSUM, .csum_start = UDP, .csum_offset = 6};
    put_ethernet(p, mac, 0x0800);
    p[IP] = 0x45;
    st_be16(p + IP + 2, (uint16_t)(28 + n));
    p[IP + 8] = 64;
    p[IP + 9] = 17;
    st_be32(p + IP + 12, from);
    st_be32(p + IP + 16, to);
    st_be16(p + IP + 10, (uint16_t)~sum(p + IP, 20, 0));
    st_be16(p + UDP, from_port);
    st_be16(p + UDP + 2, port);
    st_be16(p + UDP + 4, (uint16_t)(8 + n));
    st_be16(p + UDP + 6, sum(p + IP + 12, 8, 17 + 8 + (uint32_t)n));
    memcpy(p + DATA, data, n);
    send_bytes(p, DATA + n, &o);
}

/* ARP: 1 asks for `to`, 2 answers. */
static void send_arp(uint16_t what, uint32_t to)
{
    uint8_t p[60] = {0};
    put_ethernet(p, ALL, 0x0806);
    memcpy(p + 14, "\0\1\x08\0\6\4", 6);
    st_be16(p + 20, what);
    memcpy(p + 22, GUEST_MAC, 6);
    st_be32(p + 28, GUEST);
    st_be32(p + 38, to);
    send_bytes(p, sizeof p, NULL);
}

/* The next frame that comes in, waiting for a second if need be. */
static struct gateway_frame next(void)
{
    static uint8_t copy[1 << 16];
    struct gateway_frame f;
    gateways_poll(g);
    for (unsigned tries = 0; !gateways_next(g, &f) && tries < 20; tries++) {
        const struct pollfd *fds;
        uint64_t ns = SECOND / 20;
        size_t n = gateways_fds(g, &fds, &ns);
        struct pollfd mine[16];
        ck_assert_uint_le(n, 16);
        memcpy(mine, fds, n * sizeof *fds);
        poll(mine, n, (int)(ns / 1000000));
        gateways_poll(g);
    }
    ck_assert_msg(gateways_next(g, &f), "nothing comes in");
    ck_assert_uint_eq(f.network, NETWORK);
    ck_assert_uint_ge(f.len, NET_HEADER);
    memcpy(copy, f.bytes, f.len);
    f.bytes = copy;
    gateways_take(g);
    return f;
}

static struct gateway_frame next_of_type(uint16_t type)
{
    struct gateway_frame f = next();
    ck_assert_uint_eq(ld_be16(f.bytes + 12), type);
    return f;
}

/* ---- the outside ---- */

static int open_socket(int type, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, type, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

START_TEST(none)
{
    struct gateway_frame f;
    cluster.networks[NETWORK].gateway = false;
    ck_assert_int_eq(gateways_open(&g, &cluster, &e), 0);
    ck_assert_ptr_null(g);
    ck_assert(!gateways_next(g, &f) && !gateways_live(g) && !gateways_sent(g));
    gateways_poll(g);
    const struct pollfd *fds;
    uint64_t ns = 5;
    ck_assert_uint_eq(gateways_fds(g, &fds, &ns), 0);
    ck_assert_uint_eq(ns, 5);
}
END_TEST

/* What the gateway knows itself it answers at once, and nothing is open afterwards. */
START_TEST(own_answers)
{
    struct gateway_frame f;
    open_gateways();
    ck_assert(!gateways_next(g, &f) && !gateways_live(g) && !gateways_sent(g));
    send_arp(1, HOST);
    ck_assert(gateways_sent(g) && gateways_next(g, &f));
    f = next_of_type(0x0806);
    ck_assert(!gateways_sent(g));
    ck_assert_mem_eq(f.bytes, GUEST_MAC, 6);
    ck_assert_uint_eq(ld_be16(f.bytes + 20), 2);
    ck_assert_uint_eq(ld_be32(f.bytes + 28), HOST);

    uint8_t bootp[300] = {1, 1, 6, 0, 1, 2, 3, 4};
    memcpy(bootp + 28, GUEST_MAC, 6);
    memcpy(bootp + 236, "\x63\x82\x53\x63\x35\1\1\xff", 8);
    send_udp(ALL, 0, 68, 0xffffffff, 67, bootp, sizeof bootp);
    f = next_of_type(0x0800);
    ck_assert_uint_eq(ld_be32(f.bytes + DATA + 16), GUEST);
    ck_assert(!gateways_next(g, &f) && !gateways_live(g));
}
END_TEST

/* To a socket of the host and back; the receiver would drop a wrong checksum. */
START_TEST(datagrams)
{
    uint16_t port;
    int fd = open_socket(SOCK_DGRAM, &port);
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    char got[10];
    struct timeval most = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    open_gateways();
    send_udp(GUEST_MAC, GUEST, 1234, HOST, port, "odd", 3);
    ck_assert_int_eq(recvfrom(fd, got, sizeof got, 0, (struct sockaddr *)&from, &n), 3);
    ck_assert_mem_eq(got, "odd", 3);
    gateways_poll(g);
    ck_assert(gateways_live(g)); /* an answer may come */
    ck_assert_int_eq(sendto(fd, "answer", 6, 0, (struct sockaddr *)&from, n), 6);
    struct gateway_frame f = next_of_type(0x0806); /* who is the guest? */
    send_arp(2, HOST);
    f = next_of_type(0x0800);
    ck_assert_uint_eq(ld_be16(f.bytes + UDP), port);
    ck_assert_uint_eq(ld_be16(f.bytes + UDP + 2), 1234);
    ck_assert_mem_eq(f.bytes + DATA, "answer", 6);
    close(fd);
}
END_TEST

static void add_forward(const char *text)
{
    struct hostfwds *f = &cluster.forwards[NETWORK];
    ck_assert(hostfwd_parse(text, &f->fwd[f->count++]));
}

/* A connection from the host reaches the guest: it is asked for its address, then greeted. */
START_TEST(forwarded)
{
    uint16_t port, taken;
    char text[50], bad[50];
    int fd = open_socket(SOCK_STREAM, &port);
    close(fd);
    snprintf(text, sizeof text, "tcp:127.0.0.1:%u-:22", port);
    add_forward(text);
    open_gateways();
    ck_assert(gateways_live(g)); /* somebody may come */
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    struct gateway_frame f = next_of_type(0x0806);
    ck_assert_uint_eq(ld_be32(f.bytes + 38), GUEST);
    send_arp(2, HOST);
    f = next_of_type(0x0800);
    ck_assert_uint_eq(ld_be32(f.bytes + IP + 16), GUEST);
    ck_assert_uint_eq(ld_be16(f.bytes + UDP + 2), 22);
    ck_assert_uint_eq(f.bytes[UDP + 13], 2); /* SYN */
    gateways_close(g);
    close(fd);

    /* A port that another has. */
    fd = open_socket(SOCK_STREAM, &taken);
    ck_assert_int_eq(listen(fd, 1), 0);
    snprintf(bad, sizeof bad, "tcp:127.0.0.1:%u-:22", taken);
    cluster.forwards[NETWORK].count = 0;
    add_forward(bad);
    ck_assert_int_eq(gateways_open(&g, &cluster, &e), ERR_IO);
    ck_assert_msg(strstr(e.msg, bad) != NULL && strstr(e.msg, "in use") != NULL, "%s", e.msg);
    close(fd);
}
END_TEST

static uint8_t any_of(struct rng *rng, const char *list, size_t n)
{
    return (uint8_t)list[rng_next(rng) % n];
}

/* Nearly right, for nobody but the gateway; returns the length. */
static size_t make_nonsense(struct rng *rng, uint8_t *p, uint16_t open_port)
{
    static const uint16_t ports[] = {1, 67, 69, 0};
    static const uint32_t to[] = {HOST, HOST, HOST, 0x0a0002ff, 0xffffffff};
    size_t len = NET_HEADER + rng_next(rng) % (rng_next(rng) % 50 == 0 ? 60000 : 300);
    for (size_t k = 0; k < len; k++)
        p[k] = (uint8_t)rng_next(rng);
    put_ethernet(p, ALL, rng_next(rng) % 4 == 0 ? 0x0806 : 0x0800);
    if (len < DATA)
        return len;
    if (rng_next(rng) % 8 != 0)
        p[IP] = rng_next(rng) % 4 != 0 ? 0x45 : (uint8_t)(0x40 + rng_next(rng) % 16);
    p[IP + 9] = any_of(rng, "\1\6\21\21", 4);
    if (rng_next(rng) % 4 != 0)
        st_be16(p + IP + 2, (uint16_t)(len - IP));
    if (rng_next(rng) % 8 != 0)
        st_be16(p + IP + 6, 0);
    st_be32(p + IP + 12, rng_next(rng) % 4 != 0 ? GUEST : (uint32_t)rng_next(rng));
    st_be32(p + IP + 16, to[rng_next(rng) % ARRAY_LEN(to)]);
    uint16_t port = ports[rng_next(rng) % ARRAY_LEN(ports)];
    st_be16(p + UDP + 2, port != 0 ? port : open_port);
    if (p[IP + 9] == 6) {
        st_be16(p + UDP, (uint16_t)(1000 + rng_next(rng) % 4));
        p[UDP + 13] = any_of(rng, "\2\2\20\30\21\4", 6);
    } else if (p[IP + 9] == 17) {
        st_be16(p + UDP + 4, (uint16_t)(len - UDP));
        st_be16(p + UDP + 6, 0);
        if (port == 67 && len > DATA + 240)
            memcpy(p + DATA + 236, "\x63\x82\x53\x63\x35\1\1", 7);
    }
    st_be16(p + IP + 10, 0);
    if (p[IP + 9] == 6 && len < 1000) { /* with the right sum */
        st_be16(p + UDP + 16, 0);
        st_be16(p + UDP + 16,
                (uint16_t)~sum(p + UDP, len - UDP, sum(p + IP + 12, 8, 6 + (uint32_t)(len - UDP))));
    }
    st_be16(p + IP + 10, (uint16_t)~sum(p + IP, 4 * (p[IP] & 15u), 0));
    return len;
}

/* Neither what a guest sends nor how much brings the gateway down. */
START_TEST(hostile)
{
    struct rng rng = {1};
    struct gateway_frame f;
    static uint8_t p[NET_FRAME_MAX];
    uint16_t port;
    int fd = open_socket(SOCK_STREAM, &port);
    ck_assert_int_eq(listen(fd, 100), 0);
    open_gateways();
    for (unsigned i = 0; i < 6000; i++)
        send_arp(1, HOST);
    unsigned n = 0;
    for (; gateways_next(g, &f); n++)
        gateways_take(g);
    ck_assert_uint_eq(n, 4096);
    for (unsigned i = 0; i < 50000; i++) {
        size_t len = make_nonsense(&rng, p, port);
        const struct net_offload o = {.flags = (uint8_t)(i % 7 == 0),
                                      .gso_type = i % 35 == 0,
                                      .gso_size = (uint16_t)rng_next(&rng),
                                      .csum_start = UDP,
                                      .csum_offset = 16};
        send_bytes(p, len, &o);
        for (; i % 100 == 0 && gateways_next(g, &f); n++)
            gateways_take(g);
        if (i % 100 == 0)
            gateways_poll(g);
    }
    while (gateways_next(g, &f))
        gateways_take(g);
    ck_assert_uint_gt(n, 5000); /* some made sense */
    send_arp(1, HOST);
    ck_assert(gateways_next(g, &f));
    close(fd);
}
END_TEST

START_TEST(texts)
{
    static const char *const bad[] = {
        "",
        "tcp",
        "tcp:",
        "tcp::22",
        "tcp::22-",
        "tcp::22-:",
        "tcp::22-22",
        "tcp:22-:22",
        "sctp::22-:22",
        "tcp::0-:22",
        "tcp::22-:0",
        "tcp::65536-:22",
        "tcp::22-:65536",
        "tcp::22-:22 ",
        "tcp::+22-:22",
        "tcp:: 22-:22",
        "tcp:localhost:22-:22",
        "tcp:1.2.3:22-:22",
        "tcp:1.2.3.4.5:22-:22",
        "tcp:1.2.3.256:22-:22",
        "tcp:127.000.000.001.127.0.0.1:22-:22",
        "tcp::22-1.2.3:22",
        "tcp::99999999999999999999-:22",
    };
    struct hostfwd f = {.host_port = 7};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!hostfwd_parse(bad[i], &f) && f.host_port == 7, "%s", bad[i]);
    ck_assert(hostfwd_parse("tcp:127.0.0.1:2222-:22", &f));
    ck_assert(!f.udp && f.host_addr == 0x7f000001 && f.host_port == 2222);
    ck_assert(f.guest_addr == GUEST && f.guest_port == 22);
    ck_assert(hostfwd_parse("udp::1-10.0.2.200:65535", &f));
    ck_assert(f.udp && f.host_addr == 0 && f.host_port == 1);
    ck_assert(f.guest_addr == 0x0a0002c8 && f.guest_port == 65535);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway");
    TCase *tc = tcase_create("gateway");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, none);
    tcase_add_test(tc, own_answers);
    tcase_add_test(tc, datagrams);
    tcase_add_test(tc, forwarded);
    tcase_add_test(tc, hostile);
    tcase_add_test(tc, texts);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
