/* Switches and lines: who gets which frame when, and that a saved network has the same future. */
#include <check.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/net.h"
#include "tests/unit/net_pages.h"

#define EPOCH   100000u
#define LATENCY 250000u
#define LOG_MAX 20000

struct got {
    unsigned port;
    uint64_t id, due, hash;
};

struct world {
    struct fake_pages fp;
    struct net net;
    struct got log[LOG_MAX];
    unsigned got;
    unsigned lost[NET_LOSSES];
    unsigned lost_port;
    unsigned taps;
    uint64_t tap_time;
    bool full; /* receivers have no room */
    uint64_t now, number;
};

static bool deliver(void *ctx, unsigned port, struct net_frame *f)
{
    struct world *w = ctx;
    if (w->full)
        return false;
    ck_assert_uint_ge(f->due, w->now);
    ck_assert_uint_lt(w->got, LOG_MAX);
    w->log[w->got++] = (struct got){.port = port, .id = f->id, .due = f->due, .hash = f->hash};
    net_frame_discard(f, &w->fp.pages);
    return true;
}

static void outside(void *ctx, unsigned port, const struct net_frame *f,
                    const struct net_pages *pages)
{
    struct world *w = ctx;
    ck_assert_ptr_eq(pages, &w->fp.pages);
    ck_assert_uint_lt(w->got, LOG_MAX);
    w->log[w->got++] = (struct got){.port = port, .id = f->id, .due = w->now, .hash = f->hash};
}

static void lost(void *ctx, unsigned port, const struct net_frame *f, uint32_t len,
                 enum net_loss why)
{
    struct world *w = ctx;
    ck_assert_uint_ge(len, NET_HEADER);
    ck_assert_uint_le(len, f->len);
    w->lost[why]++;
    w->lost_port = port;
}

static void tap(void *ctx, unsigned port, bool towards, uint64_t time, const struct net_frame *f)
{
    struct world *w = ctx;
    (void)port;
    (void)f;
    w->taps += towards ? 1 : 1000;
    ck_assert_uint_ge(time, w->tap_time);
    ck_assert_uint_le(time, w->now);
    w->tap_time = time;
}

static const struct net_ops ops = {
    .deliver = deliver, .outside = outside, .lost = lost, .tap = tap};
static const struct link_config plain = {.out = {LATENCY}, .in = {LATENCY}, .mtu = 1500};

static struct world *world_create(unsigned ports, const struct link_config *link)
{
    struct world *w = calloc(1, sizeof *w);
    fake_pages_init(&w->fp);
    net_init(&w->net, 42, &ops, w);
    for (unsigned i = 0; i < ports; i++)
        net_attach(&w->net, net_port(i, 0), 0, link, &w->fp.pages);
    return w;
}

static void world_destroy(struct world *w)
{
    net_fini(&w->net);
    free(w);
}

static void put_mac(uint8_t *p, uint64_t mac)
{
    st_be16(p, (uint16_t)(mac >> 32));
    st_be32(p + 2, (uint32_t)mac);
}

#define BROADCAST UINT64_C(0xffffffffffff)
#define MULTICAST UINT64_C(0x01005e000001)
#define MAC(vm)   (UINT64_C(0x525400000000) + (vm))

static struct net_frame *make(struct world *w, unsigned vm, uint64_t from, uint64_t to, uint64_t t,
                              size_t len)
{
    struct net_frame *f = net_frame_create(NET_FRAME_ID(vm, 0, ++w->number), t, NULL);
    uint8_t *p = net_frame_add_bytes(f, len);
    memset(p, (int)w->number, len);
    put_mac(p, to);
    put_mac(p + 6, from);
    st_be16(p + 12, 0x0800);
    return f;
}

static void send_sealed(struct world *w, unsigned vm, struct net_frame *f)
{
    net_frame_seal(f, &w->fp.pages);
    net_send(&w->net, net_port(vm, 0), f);
}

static void send_to(struct world *w, unsigned vm, uint64_t to, uint64_t t, size_t len)
{
    send_sealed(w, vm, make(w, vm, MAC(vm), to, t, len));
}

static void barrier(struct world *w, uint64_t now)
{
    w->now = now;
    net_barrier(&w->net, now);
}

static void expect(const struct world *w, unsigned i, unsigned vm, uint64_t number, uint64_t due)
{
    ck_assert_uint_lt(i, w->got);
    ck_assert_uint_eq(w->log[i].port, net_port(vm, 0));
    ck_assert_uint_eq(w->log[i].id & 0xffffffffff, number);
    ck_assert_uint_eq(w->log[i].due, due);
}

START_TEST(learning)
{
    struct world *w = world_create(3, &plain);
    uint64_t t = 1000;
    send_to(w, 0, MAC(1), t, 60); /* nobody knows 1: to all */
    ck_assert_uint_eq(net_next(&w->net), t + LATENCY);
    barrier(w, t + LATENCY - 1);
    ck_assert_uint_eq(w->got, 0);
    barrier(w, t + LATENCY);
    ck_assert_uint_eq(w->got, 2);
    expect(w, 0, 1, 1, t + 2 * LATENCY);
    expect(w, 1, 2, 1, t + 2 * LATENCY);
    ck_assert_uint_eq(net_next(&w->net), UINT64_MAX);
    send_to(w, 1, MAC(0), t + LATENCY, 60); /* 0 is known */
    send_to(w, 0, MAC(1), t + LATENCY + 1, 60);
    barrier(w, t + 3 * LATENCY);
    ck_assert_uint_eq(w->got, 4);
    expect(w, 2, 0, 2, t + 3 * LATENCY);
    expect(w, 3, 1, 3, t + 3 * LATENCY + 1);
    send_to(w, 0, BROADCAST, t + 3 * LATENCY, 60);
    send_to(w, 0, MULTICAST, t + 3 * LATENCY, 60);
    send_to(w, 0, MAC(0), t + 3 * LATENCY, 60); /* to itself: not sent back */
    barrier(w, t + 9 * LATENCY);
    ck_assert_uint_eq(w->got, 8);
    /* 1 moves to where 2 is. */
    send_sealed(w, 2, make(w, 2, MAC(1), MAC(0), t + 9 * LATENCY, 60));
    send_to(w, 0, MAC(1), t + 9 * LATENCY + 5, 60);
    barrier(w, t + 20 * LATENCY);
    ck_assert_uint_eq(w->got, 10);
    ck_assert_uint_eq(w->log[9].port, net_port(2, 0));
    ck_assert_uint_eq(w->taps, 10 + 8 * 1000);
    world_destroy(w);
}
END_TEST

START_TEST(networks_are_apart)
{
    struct world *w = world_create(2, &plain);
    net_attach(&w->net, net_port(0, 1), 1, &plain, &w->fp.pages);
    net_attach(&w->net, net_port(5, 3), 1, &plain, &w->fp.pages);
    net_attach(&w->net, net_gateway(1), 1, &(struct link_config){.mtu = 1500}, &w->fp.pages);
    struct net_frame *f = make(w, 5, MAC(5), MAC(0), 0, 60);
    net_frame_seal(f, &w->fp.pages);
    net_send(&w->net, net_port(5, 3), f);
    barrier(w, LATENCY + 7);
    ck_assert_uint_eq(w->got, 2);
    ck_assert_uint_eq(w->log[0].port, net_port(0, 1));
    ck_assert_uint_eq(w->log[1].port, net_gateway(1));
    ck_assert_uint_eq(w->log[1].due, LATENCY + 7); /* not before the barrier */
    f = make(w, 15, 0x4455, MAC(5), LATENCY + 7, 60);
    net_frame_seal(f, &w->fp.pages);
    net_send(&w->net, net_gateway(1), f);
    barrier(w, LATENCY + 7);
    ck_assert_uint_eq(w->got, 3);
    ck_assert_uint_eq(w->log[2].port, net_port(5, 3));
    ck_assert_uint_eq(w->log[2].due, 2 * LATENCY + 7);
    world_destroy(w);
}
END_TEST

/* By arrival, then by port, then as sent. */
START_TEST(order)
{
    struct world *w = world_create(4, &plain);
    w->net.line[net_port(1, 0)].out.config.latency_ns = LATENCY + 500;
    send_to(w, 3, BROADCAST, 1000, 60); /* number 1 */
    send_to(w, 3, BROADCAST, 1000, 60);
    send_to(w, 2, BROADCAST, 1000, 60);
    send_to(w, 1, BROADCAST, 600, 60); /* arrives last */
    send_to(w, 2, BROADCAST, 1000, 60);
    barrier(w, LATENCY * 2);
    static const uint64_t numbers[] = {3, 5, 1, 2, 4};
    unsigned seen = 0;
    for (unsigned i = 0; i < w->got; i++) {
        if (w->log[i].port == net_port(0, 0))
            ck_assert_uint_eq(w->log[i].id & 0xff, numbers[seen++]);
    }
    ck_assert_uint_eq(seen, 5);
    world_destroy(w);
}
END_TEST

START_TEST(bandwidth)
{
    /* 3 bits in a microsecond: with 24 bytes more 76 take 266.7 us, 77 take 269.3 us. */
    const struct way_config way = {.latency_ns = LATENCY, .bandwidth = 3000000, .queue = 10000};
    const struct link_config slow = {.out = way, .in = way, .mtu = 1500};
    struct world *w = world_create(3, &slow);
    send_to(w, 0, MAC(9), 1000, 76);
    send_to(w, 0, MAC(9), 1000, 77); /* waits for the first */
    send_to(w, 1, MAC(9), 1000, 60); /* another line */
    send_to(w, 1, MAC(9), 1000, 14); /* padded: 224 us, as the one before */
    barrier(w, 10000000);
    ck_assert_uint_eq(w->got, 8);
    uint64_t a = 1000 + 266667 + LATENCY, b = a + 269334, c = 1000 + 224000 + LATENCY;
    expect(w, 0, 0, 3, 10000000); /* late: at the barrier */
    ck_assert_uint_eq(w->net.line[net_port(1, 0)].in.busy, b + 269334);
    ck_assert_uint_eq(w->net.line[net_port(2, 0)].in.busy, c + 2 * 224000 + 266667 + 269334);
    ck_assert_uint_eq(w->net.line[net_port(0, 0)].out.busy, b - LATENCY);
    ck_assert_uint_eq(w->net.line[net_port(1, 0)].out.busy, 1000 + 2 * 224000);
    world_destroy(w);

    w = world_create(2, &slow);
    send_to(w, 0, MAC(1), 1000, 76);
    barrier(w, a);
    expect(w, 0, 1, 1, a + 266667 + LATENCY);
    send_to(w, 0, MAC(1), 1000, 76);
    barrier(w, a + 266667);
    expect(w, 1, 1, 2, a + 266667 + 266667 + LATENCY);
    world_destroy(w);
}
END_TEST

START_TEST(loss)
{
    struct link_config bad = plain;
    bad.out.loss_ppm = 100000;
    unsigned first[2] = {0, 0};
    for (unsigned k = 0; k < 2; k++) {
        struct world *w = world_create(2, &bad);
        for (unsigned i = 0; i < 10000; i++) {
            send_to(w, 0, MAC(1), i, 60);
            if (i % 100 == 99)
                barrier(w, i + LATENCY);
        }
        ck_assert_uint_eq(w->got + w->lost[NET_LOST], 10000);
        ck_assert_uint_gt(w->lost[NET_LOST], 900);
        ck_assert_uint_lt(w->lost[NET_LOST], 1100);
        ck_assert_uint_eq(w->lost_port, net_port(0, 0));
        ck_assert_uint_eq(w->net.line[net_port(0, 0)].out.drawn, 10000);
        for (unsigned i = 0; i < w->got; i++)
            first[k] = first[k] * 31 + (unsigned)w->log[i].id;
        world_destroy(w);
    }
    ck_assert_uint_eq(first[0], first[1]);
    /* All, and none. */
    bad.out.loss_ppm = 1000000;
    struct world *w = world_create(2, &bad);
    w->net.line[net_port(1, 0)].out.config.loss_ppm = 0;
    for (unsigned i = 0; i < 1000; i++) {
        send_to(w, 0, MAC(1), i, 60);
        send_to(w, 1, MAC(0), i, 60);
    }
    barrier(w, 1000000);
    ck_assert_uint_eq(w->got, 1000);
    ck_assert_uint_eq(w->lost[NET_LOST], 1000);
    world_destroy(w);
}
END_TEST

/* Each line has draws of its own. */
START_TEST(loss_by_line)
{
    struct link_config bad = plain;
    bad.out.loss_ppm = 500000;
    struct world *w = world_create(3, &bad);
    unsigned differ = 0;
    for (unsigned i = 0; i < 200; i++) {
        unsigned before = w->lost[NET_LOST];
        send_to(w, 0, MAC(2), i, 60);
        unsigned lost0 = w->lost[NET_LOST] - before;
        send_to(w, 1, MAC(2), i, 60);
        differ += lost0 != w->lost[NET_LOST] - before - lost0;
    }
    ck_assert_uint_gt(differ, 60);
    ck_assert_uint_lt(differ, 140);
    world_destroy(w);
}
END_TEST

static void send_mtu(struct world *w, size_t len, unsigned tag)
{
    struct net_frame *f = make(w, 0, MAC(0), MAC(1), w->now, len);
    st_be16(f->bytes.data + 12, tag != 0 ? (uint16_t)tag : 0x0800);
    send_sealed(w, 0, f);
    barrier(w, w->now + 2 * LATENCY);
}

START_TEST(mtu)
{
    struct world *w = world_create(2, &plain);
    static const struct {
        size_t len;
        unsigned tag;
        bool passes;
    } cases[] = {
        {14, 0, true},         {1514, 0, true},      {1515, 0, false},  {1518, 0x8100, true},
        {1519, 0x8100, false}, {1518, 0x88a8, true}, {65549, 0, false},
    };
    unsigned passed = 0;
    for (unsigned k = 0; k < 2; k++) {
        for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
            passed += cases[i].passes;
            send_mtu(w, cases[i].len, cases[i].tag);
            ck_assert_msg(w->got == passed, "case %u", i);
        }
        ck_assert_uint_eq(w->got + w->lost[NET_TOO_LONG], ARRAY_LEN(cases) * (k + 1));
        ck_assert_uint_eq(w->lost_port, net_port(k, 0));
        /* Now it is the receiver's line that is narrow. */
        w->net.line[net_port(0, 0)].mtu = 65535;
    }
    world_destroy(w);
}
END_TEST

START_TEST(bounds)
{
    struct world *w = world_create(2, &plain);
    for (unsigned i = 0; i < NET_QUEUE_FRAMES + 10; i++)
        send_to(w, 0, MAC(1), 0, 60);
    ck_assert_uint_eq(w->lost[NET_LINE_FULL], 10);
    w->full = true;
    barrier(w, LATENCY);
    ck_assert_uint_eq(w->lost[NET_NO_ROOM], NET_QUEUE_FRAMES);
    ck_assert_uint_eq(w->lost_port, net_port(1, 0));
    ck_assert_uint_eq(w->got, 0);
    w->net.line[net_port(0, 0)].mtu = 65535;
    for (unsigned i = 0; i < 300; i++)
        send_to(w, 0, MAC(1), LATENCY, 65000);
    ck_assert_uint_eq(w->net.line[net_port(0, 0)].queue.bytes, NET_QUEUE_BYTES / 65000 * 65000);
    barrier(w, 2 * LATENCY);
    ck_assert_uint_eq(w->net.line[net_port(0, 0)].queue.bytes, 0);
    ck_assert_uint_eq(w->net.line[net_port(0, 0)].queue.digest, 0);
    world_destroy(w);
}
END_TEST

/* Addresses beyond the table push out the oldest; senders with a group address are not learned. */
START_TEST(table)
{
    struct world *w = world_create(3, &plain);
    for (unsigned i = 0; i < NET_MACS; i++)
        send_sealed(w, 1, make(w, 1, MAC(1000 + i), MAC(0), 0, 60));
    send_sealed(w, 1, make(w, 1, BROADCAST, MAC(0), 0, 60));
    barrier(w, LATENCY);
    w->got = 0;
    send_to(w, 2, MAC(1000), LATENCY, 60); /* is learned in place of 1000, but first: */
    barrier(w, 2 * LATENCY);
    ck_assert_uint_eq(w->got, 2);
    send_to(w, 2, MAC(1001), 2 * LATENCY, 60);
    barrier(w, 3 * LATENCY);
    ck_assert_uint_eq(w->got, 3);
    world_destroy(w);
}
END_TEST

/* Every receiver's frame holds the pages; those that are lost give them back. */
START_TEST(pages)
{
    struct world *w = world_create(4, &plain);
    uint8_t content[PAGE_SIZE];
    uint64_t hashes[2];
    w->net.line[net_port(0, 0)].mtu = 65535;
    w->net.line[net_port(1, 0)].mtu = 65535;
    w->net.line[net_port(2, 0)].mtu = 65535;
    memset(content, 0x5a, sizeof content);
    for (unsigned k = 0; k < 2; k++) {
        struct net_frame *f = make(w, 0, MAC(0), MAC(1), k * LATENCY * 2, 54);
        memset(f->bytes.data + 14, 0, 40);
        if (k == 0)
            net_frame_add_page(f, fake_page_new(&w->fp, content));
        else
            memcpy(net_frame_add_bytes(f, sizeof content), content, sizeof content);
        send_sealed(w, 0, f);
        ck_assert_uint_eq(fake_pages_held(&w->fp), k == 0);
        hashes[k] = f->hash;
        barrier(w, w->now + LATENCY * 2);
        ck_assert_uint_eq(w->got, 2 * (k + 1)); /* line 3 is too narrow */
        ck_assert_uint_eq(w->lost[NET_TOO_LONG], k + 1);
        ck_assert_uint_eq(fake_pages_held(&w->fp), 0);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]); /* cut differently, the same content */
    world_destroy(w);
}
END_TEST

/* One step of a random life: what happens depends on `seed` only. */
static void live(struct world *w, uint64_t *seed)
{
    static const uint64_t unknown[] = {BROADCAST, MULTICAST, MAC(77)};
    for (unsigned vm = 0; vm < 4; vm++) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        for (uint64_t k = *seed >> 62; k > 0; k--) {
            uint64_t lot = *seed >> 32;
            uint64_t to = lot % 8 < 4 ? MAC(lot % 4) : unknown[lot % 3];
            send_to(w, vm, to, w->now + 1000 * (4 - k), 60 + (lot >> 8) % 1600);
        }
    }
    w->full = (*seed >> 40 & 15) == 0;
    barrier(w, w->now + EPOCH);
}

START_TEST(save_in_flight)
{
    const struct way_config way = {.latency_ns = 730000,
                                   .jitter_ns = 90000,
                                   .bandwidth = 50000000,
                                   .queue = 20000,
                                   .loss_ppm = 50000};
    const struct link_config link = {.out = way, .in = way, .mtu = 1500};
    struct world *a = world_create(4, &link), *b = world_create(4, &link);
    struct buf saved = {0};
    uint64_t seed = 5, other = 99;
    struct net_snapshot s;
    for (unsigned i = 0; i < 300; i++) {
        live(a, &seed);
        live(b, &other);
    }
    ck_assert_uint_ne(net_digest(&a->net), net_digest(&b->net));
    ck_assert_uint_ne(net_next(&a->net), UINT64_MAX);
    net_save(&a->net, &saved);
    net_snapshot(&a->net, &s);
    uint64_t digest = net_digest(&a->net), now = a->now, number = a->number, seed2 = seed;
    a->got = 0;
    for (unsigned i = 0; i < 300; i++)
        live(a, &seed);
    ck_assert_uint_ne(net_digest(&a->net), digest);
    ck_assert_uint_eq(net_load(&b->net, saved.data), saved.len);
    net_restore(&b->net, &s);
    ck_assert_uint_eq(net_digest(&b->net), digest);
    b->now = now;
    b->number = number;
    b->got = 0;
    for (unsigned i = 0; i < 300; i++)
        live(b, &seed2);
    ck_assert_uint_eq(net_digest(&a->net), net_digest(&b->net));
    ck_assert_uint_gt(a->got, 500);
    ck_assert_uint_eq(a->got, b->got);
    ck_assert_int_eq(memcmp(a->log, b->log, a->got * sizeof a->log[0]), 0);
    net_snapshot_drop(&s);
    buf_free(&saved);
    world_destroy(a);
    world_destroy(b);
}
END_TEST

START_TEST(queue)
{
    struct world *w = world_create(1, &plain);
    struct net_queue q;
    net_queue_init(&q);
    ck_assert_ptr_null(net_queue_head(&q));
    uint64_t digest[3];
    for (unsigned i = 0; i < 3; i++) {
        struct net_frame *f = make(w, 0, 1, 2, i, 60 + i);
        net_frame_seal(f, &w->fp.pages);
        digest[i] = q.digest;
        ck_assert(net_queue_push(&q, f));
    }
    struct net_frame *f = net_queue_pop(&q);
    ck_assert_uint_eq(f->due, 0);
    ck_assert_uint_eq(f->refs, 1);
    uint64_t without = q.digest;
    ck_assert(net_queue_push_front(&q, f));
    ck_assert_ptr_eq(net_queue_head(&q), f);
    ck_assert_uint_eq(net_queue_count(&q), 3);
    ck_assert_uint_eq(q.bytes, 60 + 61 + 62);
    ck_assert_uint_ne(q.digest, without);
    ck_assert_uint_ne(digest[1], digest[2]);
    /* A snapshot knows frames that have left. */
    struct radix copy;
    radix_snapshot(&q.frames, &copy);
    net_frame_discard(net_queue_pop(&q), &w->fp.pages);
    ck_assert_uint_eq(f->refs, 1);
    struct net_queue back;
    net_queue_init(&back);
    radix_restore(&back.frames, &copy);
    radix_fini(&copy);
    back.tail = 1;
    ck_assert_ptr_eq(net_queue_head(&back), f);
    net_queue_fini(&back);
    net_queue_fini(&q);
    world_destroy(w);
}
END_TEST

/* The digest of a queue with these two frames, the first of them changed in one place. */
static uint64_t digest_of(struct world *w, unsigned change, bool swapped)
{
    struct net_queue q;
    struct net_frame *f[2];
    net_queue_init(&q);
    for (unsigned i = 0; i < 2; i++) {
        w->number = 10 + i + (change == 1 && i == 0 ? 5 : 0);
        f[i] = make(w, 0, MAC(1), MAC(2), 1000, 60 + i);
    }
    struct net_offload *o = &f[0]->offload;
    *(change == 2 ? &f[0]->bytes.data[59] : &o->flags) ^= change == 2 || change == 3;
    f[0]->due += change == 4;
    o->gso_type ^= change == 5;
    o->gso_size ^= change == 6;
    o->hdr_len ^= change == 7;
    o->csum_start ^= change == 8;
    o->csum_offset ^= change == 9;
    f[0]->span += change == 10;
    for (unsigned i = 0; i < 2; i++) {
        net_frame_seal(f[i], &w->fp.pages);
        ck_assert(net_queue_push(&q, f[i]));
    }
    if (swapped) { /* the same two slots, the other way round */
        struct net_frame *first = net_queue_pop(&q), *second = net_queue_pop(&q);
        ck_assert(net_queue_push_front(&q, first) && net_queue_push_front(&q, second));
    }
    uint64_t digest = q.digest;
    net_queue_fini(&q);
    return digest;
}

START_TEST(digest)
{
    struct world *w = world_create(1, &plain);
    uint64_t seen[11];
    for (unsigned i = 0; i < ARRAY_LEN(seen); i++) {
        seen[i] = digest_of(w, i, false);
        ck_assert_uint_eq(seen[i], digest_of(w, i, false));
        for (unsigned k = 0; k < i; k++)
            ck_assert_msg(seen[i] != seen[k], "change %u is not seen", i);
    }
    ck_assert_uint_ne(digest_of(w, 0, true), seen[0]);
    world_destroy(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, learning);
    tcase_add_test(tc, networks_are_apart);
    tcase_add_test(tc, order);
    tcase_add_test(tc, bandwidth);
    tcase_add_test(tc, loss);
    tcase_add_test(tc, loss_by_line);
    tcase_add_test(tc, mtu);
    tcase_add_test(tc, bounds);
    tcase_add_test(tc, table);
    tcase_add_test(tc, pages);
    tcase_add_test(tc, save_in_flight);
    tcase_add_test(tc, queue);
    tcase_add_test(tc, digest);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
