/*
 * A burst that is to be cut is on the network what its segments would be, sent one by one: that is
 * the oracle here. How segments look is checked in check_net_segment.c.
 */
#include <check.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/net.h"
#include "core/net_burst.h"
#include "core/net_wire.h"
#include "tests/unit/net_pages.h"

#define EPOCH    100000u
#define LATENCY  250000u
#define ARRIVALS 4096
#define ROUNDS   400
#define HEADERS  66 /* Ethernet, IPv4, TCP with time stamps */

struct arrival {
    struct buf bytes; /* of one frame on the wire */
    uint64_t due;
};

struct world {
    struct fake_pages fp;
    struct net net;
    struct net_wire wire;
    struct arrival arrival[ARRIVALS];
    unsigned arrivals, bursts, pages, held;
    uint64_t due; /* of the one that is taken apart */
    unsigned lost[NET_LOSSES];
};

static void put_arrival(void *ctx, const uint8_t *bytes, size_t n)
{
    struct world *w = ctx;
    ck_assert_uint_lt(w->arrivals, ARRIVALS);
    struct arrival *a = &w->arrival[w->arrivals++];
    *a = (struct arrival){.due = w->due};
    buf_put(&a->bytes, bytes, n);
}

static bool deliver(void *ctx, unsigned port, struct net_frame *f)
{
    struct world *w = ctx;
    ck_assert_uint_eq(port, net_port(1, 0));
    ck_assert_uint_ge(f->due, w->due); /* in order */
    ck_assert_uint_le(f->span, NET_TOGETHER_NS);
    w->due = f->due;
    w->bursts++;
    for (unsigned i = 0; i < f->parts; i++) {
        w->pages += f->part[i].page;
        w->held += f->part[i].mpn1 != 0;
    }
    net_wire_each(&w->wire, f, &w->fp.pages, put_arrival, w);
    net_frame_discard(f, &w->fp.pages);
    return true;
}

static void lost(void *ctx, unsigned port, const struct net_frame *f, uint32_t len,
                 enum net_loss why)
{
    struct world *w = ctx;
    (void)port;
    ck_assert_uint_le(len, f->len);
    w->lost[why]++;
}

static const struct net_ops ops = {.deliver = deliver, .lost = lost};
static const struct way_config fast = {.latency_ns = LATENCY, .queue = 1u << 30};

static struct world *create(const struct way_config *out, const struct way_config *in)
{
    struct world *w = calloc(1, sizeof *w);
    const struct link_config links[] = {{.out = *out, .in = fast, .mtu = 9000},
                                        {.out = fast, .in = *in, .mtu = 9000}};
    fake_pages_init(&w->fp);
    net_init(&w->net, 7, &ops, w);
    for (unsigned i = 0; i < 2; i++)
        net_attach(&w->net, net_port(i, 0), 0, &links[i], &w->fp.pages);
    return w;
}

static void forget(struct world *w)
{
    for (unsigned i = 0; i < w->arrivals; i++)
        buf_free(&w->arrival[i].bytes);
    w->arrivals = w->bursts = w->pages = w->held = 0;
}

static void destroy(struct world *w)
{
    forget(w);
    net_wire_free(&w->wire);
    ck_assert_uint_eq(fake_pages_held(&w->fp), 0);
    net_fini(&w->net);
    free(w);
}

static void run(struct world *w, uint64_t until)
{
    for (uint64_t now; (now = net_next(&w->net)) <= until;)
        net_barrier(&w->net, (now + EPOCH - 1) / EPOCH * EPOCH);
}

static uint64_t seed_state;

static uint32_t draw(void)
{
    seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed_state >> 33);
}

static void put_headers(uint8_t *p, size_t payload)
{
    for (unsigned i = 0; i < HEADERS; i++)
        p[i] = (uint8_t)draw();
    p[0] = p[6] = 2;
    st_be16(p + 12, 0x0800);
    p[14] = 0x45;
    st_be16(p + 16, (uint16_t)(HEADERS - 14 + payload));
    p[20] = p[21] = 0;
    p[23] = 6;
    p[34 + 12] = 8 << 4;
}

enum pages { NO_PAGES, HELD, COPIED };

/* A burst: headers, some bytes, then whole pages as there is room, then bytes. Not sealed. */
static struct net_frame *make(struct world *w, uint64_t due, uint16_t gso_size, unsigned before,
                              unsigned pages, unsigned behind, enum pages way)
{
    const struct net_offload o = {.flags = NET_NEEDS_CSUM,
                                  .gso_type = NET_GSO_TCPV4,
                                  .gso_size = gso_size,
                                  .hdr_len = HEADERS,
                                  .csum_start = 34,
                                  .csum_offset = 16};
    struct net_frame *f = net_frame_create(NET_FRAME_ID(0, 0, 1), due, &o);
    uint8_t *p = net_frame_add_bytes(f, HEADERS + before), content[PAGE_SIZE];
    put_headers(p, before + pages * PAGE_SIZE + behind);
    for (unsigned i = 0; i < before; i++)
        p[HEADERS + i] = (uint8_t)draw();
    for (unsigned i = 0; i < pages; i++) {
        for (unsigned k = 0; k < PAGE_SIZE; k++)
            content[k] = (uint8_t)draw();
        if (way == HELD)
            net_frame_add_page(f, fake_page_new(&w->fp, content));
        else
            memcpy(way == COPIED ? net_frame_add_copy(f) : net_frame_add_bytes(f, PAGE_SIZE),
                   content, PAGE_SIZE);
    }
    if (behind > 0) {
        p = net_frame_add_bytes(f, behind);
        for (unsigned i = 0; i < behind; i++)
            p[i] = (uint8_t)draw();
    }
    return f;
}

static void send_burst(struct world *w, struct net_frame *f)
{
    ck_assert(net_burst_open(f, &w->fp.pages));
    net_frame_seal(f, &w->fp.pages);
    net_send(&w->net, net_port(0, 0), f);
}

struct singles {
    struct world *w;
    uint64_t due;
};

static void send_single(void *ctx, const uint8_t *bytes, size_t n)
{
    const struct singles *s = ctx;
    struct net_frame *f = net_frame_create(NET_FRAME_ID(0, 0, 1), s->due, NULL);
    memcpy(net_frame_add_bytes(f, n), bytes, n);
    net_frame_seal(f, &s->w->fp.pages);
    net_send(&s->w->net, net_port(0, 0), f);
}

static struct way_config random_way(bool queue)
{
    static const uint64_t rates[] = {0, 10000000, 100000000, 1000000000, UINT64_C(10000000000)};
    return (struct way_config){
        .latency_ns = LATENCY,
        .jitter_ns = draw() % 3 == 0 ? draw() % 400000 : 0,
        .bandwidth = rates[draw() % ARRAY_LEN(rates)],
        .queue = queue ? 4096 + draw() % 100000 : 1u << 30,
        .loss_ppm = draw() % 3 == 0 ? draw() % 300000 : 0,
    };
}

/* Every frame has the same fate and the same bytes, and one in a burst waits for its last at most.
 */
START_TEST(as_one_by_one)
{
    unsigned compared = 0, bursts = 0, lots = 0, full = 0;
    seed_state = (uint64_t)_i;
    for (unsigned round = 0; round < ROUNDS / 10; round++) {
        struct way_config out = random_way(true), in = random_way(false);
        struct world *a = create(&out, &in), *b = create(&out, &in);
        uint64_t due = 1000;
        for (unsigned i = 0; i < 10; i++, due += draw() % 500000) {
            unsigned behind = draw() % 3000, pages = draw() % 15;
            uint16_t size = (uint16_t)(draw() % 2 == 0 ? 1448 : 100 + draw() % 8800);
            struct net_frame *f =
                make(a, due, size, draw() % 800, pages, behind, (enum pages)(draw() % 3));
            ck_assert(net_burst_open(f, &a->fp.pages));
            struct singles s = {b, due};
            net_wire_each(&a->wire, f, &a->fp.pages, send_single, &s);
            send_burst(a, f);
        }
        run(a, UINT64_MAX - 1);
        run(b, UINT64_MAX - 1);
        uint64_t slack = in.bandwidth == 0 ? 0 : UINT64_C(9038) * 8000000000u / in.bandwidth;
        ck_assert_uint_eq(a->arrivals, b->arrivals);
        ck_assert_mem_eq(a->lost, b->lost, sizeof a->lost);
        for (unsigned i = 0; i < a->arrivals; i++) {
            const struct arrival *x = &a->arrival[i], *y = &b->arrival[i];
            ck_assert_uint_eq(x->bytes.len, y->bytes.len);
            ck_assert_mem_eq(x->bytes.data, y->bytes.data, x->bytes.len);
            ck_assert_uint_le(x->due, y->due + 2 * NET_TOGETHER_NS + slack);
            ck_assert_uint_ge(x->due + NET_TOGETHER_NS + slack, y->due);
        }
        compared += a->arrivals;
        bursts += a->bursts;
        lots += a->lost[NET_LOST];
        full += a->lost[NET_LINE_FULL];
        destroy(a);
        destroy(b);
    }
    ck_assert_uint_gt(compared, 3000);
    ck_assert_uint_lt(bursts, compared * 4 / 5);
    ck_assert(lots > 100 && full > 100);
}
END_TEST

/* 40 segments of 1448 bytes on 10 Mbit/s: 1538 bytes on the line each, and none waits for others.
 */
START_TEST(line_rate)
{
    const struct way_config slow = {.latency_ns = LATENCY, .bandwidth = 10000000, .queue = 1 << 20};
    struct world *w = create(&slow, &fast);
    send_burst(w, make(w, 1000, 1448, 0, 0, 40 * 1448, NO_PAGES));
    run(w, UINT64_MAX - 1);
    ck_assert_uint_eq(w->arrivals, 40);
    ck_assert_uint_eq(w->bursts, 40);
    for (unsigned i = 0; i < 40; i++)
        ck_assert_uint_eq(w->arrival[i].due, 1000 + (i + 1) * 1230400 + 2 * LATENCY);
    ck_assert_uint_eq(w->net.line[net_port(0, 0)].sent, 40);
    ck_assert_uint_eq(w->net.line[net_port(1, 0)].got, 40);
    destroy(w);
    /* Both lines slow: the second passes on while the first still sends. */
    w = create(&slow, &slow);
    send_burst(w, make(w, 1000, 1448, 0, 0, 40 * 1448, NO_PAGES));
    run(w, UINT64_MAX - 1);
    ck_assert_uint_eq(w->arrival[39].due, 1000 + 41 * 1230400 + 2 * LATENCY);
    destroy(w);
    /* Without a limit it stays one. */
    w = create(&fast, &fast);
    send_burst(w, make(w, 1000, 1448, 0, 0, 40 * 1448, NO_PAGES));
    run(w, UINT64_MAX - 1);
    ck_assert(w->arrivals == 40 && w->bursts == 1);
    destroy(w);
}
END_TEST

/* On 1 Gbit/s frames of 8 us are together for 100 us; the last one's time is that of all. */
START_TEST(together)
{
    const struct way_config way = {
        .latency_ns = LATENCY, .bandwidth = 1000000000, .queue = 1 << 20};
    struct world *w = create(&way, &fast);
    send_burst(w, make(w, 0, 910, 0, 0, 30 * 910, NO_PAGES)); /* 1000 bytes on the line */
    run(w, UINT64_MAX - 1);
    ck_assert_uint_eq(w->arrivals, 30);
    ck_assert_uint_eq(w->bursts, 3);
    static const unsigned last[] = {13, 26, 30};
    for (unsigned i = 0, k = 0; i < 30; i++) {
        k += i == last[k];
        ck_assert_uint_eq(w->arrival[i].due, last[k] * 8000 + 2 * LATENCY);
    }
    destroy(w);
}
END_TEST

/* What does not fit the queue is dropped frame by frame; an idle line takes any frame. */
START_TEST(drop_tail)
{
    const struct way_config way = {
        .latency_ns = LATENCY, .bandwidth = 10000000, .queue = 20 * 1538};
    struct world *w = create(&way, &fast);
    send_burst(w, make(w, 1000, 1448, 0, 0, 40 * 1448, NO_PAGES));
    ck_assert_uint_eq(w->lost[NET_LINE_FULL], 20);
    run(w, UINT64_MAX - 1);
    ck_assert_uint_eq(w->arrivals, 20);
    /* Three are gone, and as many fit again. */
    w->net.line[net_port(0, 0)].out.busy = 0;
    send_burst(w, make(w, 0, 1448, 0, 0, 40 * 1448, NO_PAGES));
    send_burst(w, make(w, 3 * 1230400, 1448, 0, 0, 40 * 1448, NO_PAGES));
    ck_assert_uint_eq(w->lost[NET_LINE_FULL], 20 + 20 + 37);
    forget(w);
    run(w, UINT64_MAX - 1);
    ck_assert_uint_eq(w->arrivals, 23);
    destroy(w);
    const struct way_config narrow = {.latency_ns = LATENCY, .bandwidth = 1000000, .queue = 4096};
    w = create(&narrow, &fast);
    send_burst(w, make(w, 0, 8900, 0, 0, 2 * 8900, NO_PAGES));
    ck_assert_uint_eq(w->lost[NET_LINE_FULL], 1);
    run(w, UINT64_MAX - 1);
    ck_assert_uint_eq(w->arrivals, 1);
    destroy(w);
}
END_TEST

START_TEST(each_its_lot)
{
    for (unsigned direction = 0; direction < 2; direction++) {
        struct way_config bad = fast;
        bad.loss_ppm = 100000;
        struct world *w = create(direction == 0 ? &bad : &fast, direction == 0 ? &fast : &bad);
        for (unsigned i = 0; i < 250; i++) {
            send_burst(w, make(w, 1000 * i, 1448, 0, 0, 40 * 1448, NO_PAGES));
            run(w, UINT64_MAX - 1);
            if (i % 50 == 49)
                forget(w);
        }
        ck_assert_uint_gt(w->lost[NET_LOST], 900);
        ck_assert_uint_lt(w->lost[NET_LOST], 1100);
        ck_assert_uint_eq(w->net.line[net_port(1, 0)].got + w->lost[NET_LOST], 10000);
        destroy(w);
        bad.loss_ppm = 1000000;
        w = create(direction == 0 ? &bad : &fast, direction == 0 ? &fast : &bad);
        send_burst(w, make(w, 1000, 1448, 0, 0, 40 * 1448, NO_PAGES));
        run(w, UINT64_MAX - 1);
        ck_assert(w->arrivals == 0 && w->lost[NET_LOST] == 40);
        destroy(w);
    }
}
END_TEST

/* Pages that lie in one segment go on as pages, held or copied: parts are the same. */
START_TEST(pages_of_segments)
{
    const struct way_config way = {
        .latency_ns = LATENCY, .bandwidth = 1000000000, .queue = 1 << 20};
    for (enum pages p = HELD; p <= COPIED; p++) {
        struct world *w = create(&way, &fast);
        send_burst(w, make(w, 0, 8192, 0, 14, 100, p));
        run(w, UINT64_MAX - 1);
        ck_assert_uint_eq(w->arrivals, 8);
        ck_assert_uint_gt(w->bursts, 3);
        ck_assert_uint_eq(w->pages, 14);
        ck_assert_uint_eq(w->held, p == HELD ? 14 : 0);
        forget(w);
        send_burst(w, make(w, 10000000, 1448, 0, 14, 100, p)); /* most of them are cut here */
        run(w, UINT64_MAX - 1);
        ck_assert_uint_eq(w->arrivals, 40);
        ck_assert_uint_lt(w->pages, 14);
        ck_assert_uint_eq(w->held, p == HELD ? w->pages : 0);
        destroy(w);
    }
}
END_TEST

/* By up to the jitter later, evenly, and in order. */
START_TEST(jitter)
{
    struct way_config way = fast;
    way.jitter_ns = 60000;
    struct world *w = create(&way, &fast);
    unsigned late = 0, n = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct singles s = {w, 1000000u * i};
        uint8_t bytes[60] = {2, 1, 0, 0, 0, 0, 2};
        send_single(&s, bytes, sizeof bytes);
        run(w, UINT64_MAX - 1);
        uint64_t took = w->arrival[n].due - s.due - 2 * LATENCY;
        ck_assert_uint_le(took, 60000);
        late += took > 30000;
        n++;
    }
    ck_assert_uint_gt(late, 430);
    ck_assert_uint_lt(late, 570);
    destroy(w);
}
END_TEST

START_TEST(too_long)
{
    struct world *w = create(&fast, &fast);
    w->net.line[net_port(0, 0)].mtu = w->net.line[net_port(1, 0)].mtu = 1500;
    send_burst(w, make(w, 0, 1448, 0, 0, 40 * 1448, NO_PAGES));
    send_burst(w, make(w, 0, 1449, 0, 0, 40 * 1449, NO_PAGES));
    ck_assert_uint_eq(w->net.line[net_port(0, 0)].lost[NET_TOO_LONG], 40);
    send_burst(w, make(w, 0, 9000, 0, 0, 1448, NO_PAGES)); /* it is but one */
    w->net.line[net_port(1, 0)].mtu = 1499;
    run(w, UINT64_MAX - 1);
    ck_assert_uint_eq(w->arrivals, 0);
    ck_assert_uint_eq(w->net.line[net_port(1, 0)].lost[NET_TOO_LONG], 41);
    destroy(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net_wire");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, as_one_by_one, 0, 8);
    tcase_add_test(tc, line_rate);
    tcase_add_test(tc, together);
    tcase_add_test(tc, drop_tail);
    tcase_add_test(tc, each_its_lot);
    tcase_add_test(tc, pages_of_segments);
    tcase_add_test(tc, jitter);
    tcase_add_test(tc, too_long);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
