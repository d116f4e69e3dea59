/* How frames meet the buffers of a driver: the virtio network card's receiving side. */
#include "tests/unit/net_rig.h"

#define ROUNDS     700
#define FRAMES_MAX 64

#define MERGING (F_MERGE | F_G_CSUM | F_G_TSO)

/* A frame with these parts: 0 is a page, anything else that many bytes. Pages are held, or `copied`
 * all the same. */
static struct net_frame *make(struct nrig *n, const unsigned *parts, unsigned count, bool copied)
{
    uint64_t seed = count;
    struct net_frame *f = nrig_frame(n, 1000, NULL);
    for (unsigned i = 0; i < count; i++) {
        if (parts[i] == 0 && copied)
            fill(net_frame_add_copy(f), PAGE_SIZE, &seed);
        else if (parts[i] == 0)
            add_page(n, f, &seed);
        else
            add_bytes(f, parts[i], &seed);
    }
    return f;
}

#define PAGE 4096
#define ODD  4097 /* a buffer of a page's size that is not aligned */
#define MAX  12

/* Where headers are split and pages mapped, exactly. Buffers of PAGE are aligned. */
static const struct {
    unsigned parts[MAX];   /* of the frame; 0 a page, UINT_MAX the end */
    unsigned buffers[MAX]; /* sizes that the driver offers; 0 the end */
    unsigned used[MAX];    /* lengths that come back (the header's 12 bytes included); 0 the end */
    unsigned mapped;
} layouts[] = {
    /* All buffers are pages, as Linux has them when its packets are large. */
    {{66, 0, 0, 100, -1u}, {PAGE, PAGE, PAGE, PAGE, PAGE}, {78, PAGE, PAGE, 100}, 2},
    /* A small one for the header first. */
    {{66, 0, 0, -1u}, {1536, PAGE, PAGE}, {78, PAGE, PAGE}, 2},
    /* The last bytes of the header are spread to get past small ones. */
    {{66, 0, -1u}, {1536, 1536, PAGE}, {77, 1, PAGE}, 1},
    {{66, 0, -1u}, {1536, 64, 1536, 128, PAGE}, {75, 1, 1, 1, PAGE}, 1},
    /* Too far. */
    {{66, 0, -1u}, {1536, 64, 64, 64, 64, PAGE}, {1536, 64, 64, 64, 64, 2382}, 0},
    /* A header that fills buffers before. */
    {{66, 0, -1u}, {50, 20, 30, PAGE}, {50, 20, 8, PAGE}, 1},
    {{100, 0, -1u}, {50, 20, 30, PAGE, 64}, {50, 20, 30, PAGE, 12}, 0},
    /* The first buffer keeps the Ethernet header. */
    {{15, 0, -1u}, {1000, 64, PAGE}, {26, 1, PAGE}, 1},
    {{14, 0, -1u}, {1000, 64, PAGE}, {1000, 64, 3058}, 0},
    {{14, 0, -1u}, {20, 64, PAGE}, {20, 64, 4038}, 0},
    /* Not a page: not aligned, or too long. */
    {{66, 0, -1u}, {1536, ODD, PAGE}, {77, 1, PAGE}, 1},
    {{66, 0, -1u}, {1536, 8192, 64}, {1536, 2638}, 0},
    /* A page that meets none is copied, and the next has another chance. */
    {{14, 0, 0, -1u}, {1000, 1536, 1536, 64, PAGE}, {1000, 1536, 1536, 50, PAGE}, 1},
    {{14, 0, 0, -1u}, {8192, ODD, PAGE}, {4121, 1, PAGE}, 1},
    {{66, 0, 5000, 0, -1u}, {256, PAGE, 4000, 4000, PAGE}, {78, PAGE, 4000, 1000, PAGE}, 2},
    /* Nothing but bytes: buffers are filled. */
    {{9000, -1u}, {PAGE, PAGE, PAGE}, {PAGE, PAGE, 820}, 0},
    {{84, -1u}, {32, 32, 32}, {32, 32, 32}, 0},
};

static void offer_layout(struct nrig *n, const unsigned *buffers)
{
    for (unsigned i = 0; i < MAX && buffers[i] != 0; i++) {
        n->next_pa = (n->next_pa + PAGE - 1) / PAGE * PAGE + (buffers[i] % PAGE != 0 ? 1 : 0);
        ck_assert(nrig_offer_one(n, buffers[i] == ODD ? PAGE : buffers[i], 1));
    }
}

/* _i: layout and mode; once with mapping, once where the machine refuses it, once with pages that
 * the frame does not hold: all else is the same. */
START_TEST(split)
{
    unsigned which = (unsigned)_i / 3;
    enum { MAPPED, REFUSED, COPIED };
    for (unsigned way = MAPPED; way <= COPIED; way++) {
        struct nrig *n = nrig_create(0, _i % 3, false, MERGING);
        struct buf expected = {0}, got = {0};
        unsigned parts = 0, head, i;
        uint32_t len;
        nrig_start(n);
        n->refuse_map = way == REFUSED;
        while (layouts[which].parts[parts] != -1u)
            parts++;
        struct net_frame *f = make(n, layouts[which].parts, parts, way == COPIED);
        buf_reserve(&expected, f->len);
        net_frame_read(f, &n->fp.pages, 0, expected.data, f->len);
        expected.len = f->len;
        offer_layout(n, layouts[which].buffers);
        nrig_input(n, f);
        fake_advance(&n->t->r->f, WAIT_NS);
        for (i = 0; nrig_used(n, RX, &head, &len); i++) {
            ck_assert_msg(len == layouts[which].used[i], "buffer %u has %u bytes", i, len);
            nrig_take(n, &n->buffer[head], len, &got);
        }
        ck_assert(i > 0 && (i == MAX || layouts[which].used[i] == 0));
        ck_assert_uint_eq(n->t->big ? ld_be16(got.data + 10) : ld_le16(got.data + 10), i);
        ck_assert_uint_eq(got.len, 12 + expected.len);
        ck_assert_int_eq(memcmp(got.data + 12, expected.data, expected.len), 0);
        ck_assert_uint_eq(n->mapped, way == MAPPED ? layouts[which].mapped : 0);
        ck_assert_uint_eq(n->nic.count.got_pages, layouts[which].mapped);
        ck_assert_uint_eq(n->events[FRAME_IN], 1);
        ck_assert_uint_eq(fake_pages_held(&n->fp), 0);
        ck_assert(line(n->t));
        buf_free(&expected);
        buf_free(&got);
        nrig_destroy(n);
    }
}
END_TEST

/* ---- at random ---- */

/* What the driver has to get, in order. */
struct expected {
    struct buf bytes[FRAMES_MAX];
    struct net_offload offload[FRAMES_MAX];
    unsigned first, count;
};

static void forget(struct expected *e)
{
    for (unsigned i = 0; i < e->count; i++)
        buf_free(&e->bytes[i]);
    e->first = e->count = 0;
}

static void random_frame(struct nrig *n, struct expected *e, uint64_t *seed)
{
    struct net_offload o = {0};
    uint32_t x = rig_random(seed);
    if (x % 4 == 0)
        o = (struct net_offload){
            .flags = 1, .csum_start = (uint16_t)(x >> 8 & 7), .csum_offset = 2};
    if (x % 8 == 0) {
        o.gso_type = (x >> 12 & 1) != 0 ? NET_GSO_TCPV4 : NET_GSO_TCPV6 | NET_GSO_ECN;
        o.gso_size = (uint16_t)(x >> 16 | 1);
        o.hdr_len = (uint16_t)(x >> 4);
    }
    struct net_frame *f = nrig_frame(n, rig_random(seed) % 200000, &o);
    add_bytes(f, NET_HEADER + rig_random(seed) % 120, seed);
    static const unsigned most[] = {1, 3, 18, 30};
    for (unsigned left = rig_random(seed) % most[x >> 20 & 3]; left > 0; left--) {
        uint32_t y = rig_random(seed), step = 1 + (y >> 4) % 3000;
        if (f->len + PAGE_SIZE > NET_FRAME_MAX)
            break;
        if (y % 4 != 0)
            add_page(n, f, seed);
        else
            add_bytes(f, step, seed);
    }
    struct buf *b = &e->bytes[e->count];
    *b = (struct buf){0};
    buf_reserve(b, f->len);
    net_frame_read(f, &n->fp.pages, 0, b->data, f->len);
    b->len = f->len;
    e->offload[e->count++] = o;
    nrig_input(n, f);
}

/* False: the driver's memory or descriptors are used up. */
static bool random_buffer(struct nrig *n, uint64_t *seed, bool small)
{
    struct nbuffer b = {.count = 1};
    uint32_t x = rig_random(seed);
    static const uint32_t sizes[] = {PAGE, PAGE, PAGE, PAGE, 1536, 1536, 8192, 64};
    if (!small) /* each takes a whole frame */
        return nrig_offer_one(n, NET_FRAME_MAX + 12, 64);
    b.len[0] = sizes[x % 8];
    if ((x >> 4) % 16 == 0) {
        b.count = 1 + (x >> 8) % SEGMENTS;
        for (unsigned i = 0; i < b.count; i++)
            b.len[i] = 64 + rig_random(seed) % 3000; /* the header is in one */
    }
    for (unsigned i = 0; i < b.count; i++) {
        b.pa[i] = nrig_memory(n, b.len[i], b.len[i] == PAGE && x >> 12 % 8 != 0 ? PAGE : 1);
        if (b.pa[i] == 0)
            return false;
        memset(ram(n, b.pa[i]), POISON, b.len[i]);
    }
    return nrig_offer(n, RX, &b, WRITE) >= 0;
}

static void check_frame(struct nrig *n, struct expected *e, const struct buf *got)
{
    unsigned h = nrig_header(n), i = e->first++;
    const struct net_offload *o = &e->offload[i];
    const uint8_t *p = got->data;
    bool big = n->t->big;
    ck_assert_uint_lt(i, e->count);
    ck_assert_uint_eq(got->len, h + e->bytes[i].len);
    ck_assert_int_eq(memcmp(p + h, e->bytes[i].data, e->bytes[i].len), 0);
    ck_assert_uint_eq(p[0], o->flags);
    ck_assert_uint_eq(p[1], o->gso_type);
    ck_assert_uint_eq(big ? ld_be16(p + 2) : ld_le16(p + 2), o->hdr_len);
    ck_assert_uint_eq(big ? ld_be16(p + 4) : ld_le16(p + 4), o->gso_size);
    ck_assert_uint_eq(big ? ld_be16(p + 6) : ld_le16(p + 6), o->csum_start);
    ck_assert_uint_eq(big ? ld_be16(p + 8) : ld_le16(p + 8), o->csum_offset);
}

static unsigned check_received(struct nrig *n, struct expected *e)
{
    struct buf got = {0};
    unsigned frames = 0;
    for (; nrig_receive(n, &got) != 0; frames++)
        check_frame(n, e, &got);
    buf_free(&got);
    return frames;
}

START_TEST(random_mixes)
{
    bool merging = _i < 3;
    struct nrig *n = nrig_create(0, _i % 3, false, merging ? MERGING : F_G_CSUM | F_G_TSO);
    struct expected *e = calloc(1, sizeof *e);
    uint64_t seed = (uint64_t)_i;
    unsigned received = 0, waited = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        nrig_start(n); /* drops what still waited */
        ck_assert_uint_eq(net_queue_count(&n->nic.inbox), 0);
        ck_assert_uint_eq(n->nic.inbox.digest | n->nic.inbox.bytes, 0);
        ck_assert_uint_eq(fake_pages_held(&n->fp), 0);
        forget(e);
        n->refuse_map = round % 16 == 0;
        for (bool room = true; room && e->count < FRAMES_MAX - 4;) {
            for (unsigned i = rig_random(&seed) % 24; i > 0 && room; i--)
                room = random_buffer(n, &seed, merging);
            notify(n->t, RX);
            for (unsigned i = rig_random(&seed) % 4; i > 0; i--)
                random_frame(n, e, &seed);
            fake_advance(&n->t->r->f, WAIT_NS);
            received += check_received(n, e);
            waited += net_queue_count(&n->nic.inbox) != 0;
            ck_assert_uint_eq(net_queue_count(&n->nic.inbox), e->count - e->first);
        }
    }
    ck_assert_uint_gt(received, ROUNDS * 2);
    ck_assert_uint_gt(waited, ROUNDS / 20);
    ck_assert_uint_eq(n->nic.count.got, received);
    ck_assert_uint_eq(n->events[FRAME_IN], received);
    if (merging)
        ck_assert_uint_gt(n->mapped, ROUNDS * 4);
    else
        ck_assert_uint_eq(n->mapped, 0);
    ck_assert_uint_eq(n->nic.count.too_long + n->nic.count.malformed, 0);
    forget(e);
    free(e);
    nrig_destroy(n);
}
END_TEST

/* ---- time, room and drivers that are not there ---- */

static void plain_frame(struct nrig *n, uint64_t after, unsigned len)
{
    uint64_t seed = len;
    struct net_frame *f = nrig_frame(n, after, NULL);
    add_bytes(f, len, &seed);
    nrig_input(n, f);
}

START_TEST(due)
{
    struct nrig *n = nrig_create(0, _i, false, MERGING);
    struct buf got = {0};
    nrig_start(n);
    for (unsigned i = 0; i < 3; i++)
        nrig_offer_one(n, PAGE, PAGE);
    fake_advance(&n->t->r->f, WAIT_NS);
    plain_frame(n, 5000, 100);
    plain_frame(n, 5000, 200);
    plain_frame(n, 7000, 300);
    fake_advance(&n->t->r->f, 4999);
    ck_assert_uint_eq(nrig_receive(n, &got), 0);
    ck_assert(!line(n->t));
    fake_advance(&n->t->r->f, 1);
    ck_assert(line(n->t));
    ck_assert(nrig_receive(n, &got) == 1 && got.len == 112);
    ck_assert(nrig_receive(n, &got) == 1 && got.len == 212);
    ck_assert_uint_eq(nrig_receive(n, &got), 0);
    fake_advance(&n->t->r->f, 1999);
    ck_assert_uint_eq(nrig_receive(n, &got), 0);
    fake_advance(&n->t->r->f, 1);
    ck_assert(nrig_receive(n, &got) == 1 && got.len == 312);
    /* No buffer is left: it waits, without any timer, until the driver has more. */
    plain_frame(n, 1000, 400);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_eq(n->nic.arrival.deadline, TIMER_OFF);
    ck_assert_uint_eq(net_queue_count(&n->nic.inbox), 1);
    nrig_offer_one(n, PAGE, PAGE);
    notify(n->t, RX);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert(nrig_receive(n, &got) == 1 && got.len == 412);
    /* What waits is lost when the driver goes; what is under way is not. */
    plain_frame(n, 1000, 500);
    fake_advance(&n->t->r->f, WAIT_NS);
    plain_frame(n, WAIT_NS, 600);
    nrig_start(n);
    ck_assert_uint_eq(n->nic.count.no_driver, 1);
    nrig_offer_one(n, PAGE, PAGE);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert(nrig_receive(n, &got) == 1 && got.len == 612);
    out(n->t, 18, 1, 0);
    plain_frame(n, 1000, 700);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_eq(n->nic.count.no_driver, 2);
    ck_assert_uint_eq(net_queue_count(&n->nic.inbox), 0);
    buf_free(&got);
    nrig_destroy(n);
}
END_TEST

/* With the event index a driver notifies only when its index steps over the device's event. */
static void refill(struct nrig *n, unsigned buffers)
{
    struct vq *q = &n->t->q[RX];
    uint16_t old = q->avail_idx;
    for (unsigned i = 0; i < buffers; i++)
        nrig_offer_one(n, 1536, 64);
    uint16_t event = ld16(n->t, q->used + 4 + 8 * VIRTIO_QUEUE_SIZE);
    bool asked = (uint16_t)(q->avail_idx - event - 1) < (uint16_t)(q->avail_idx - old);
    if ((n->t->features >> F_EVENT_IDX & 1) == 0 || asked)
        notify(n->t, RX);
}

/* A frame waits with `_i / 3` of the six buffers that it needs; then one more comes at a time. */
START_TEST(waits_for_more)
{
    struct nrig *n = nrig_create(0, _i % 3, false, MERGING);
    unsigned have = (unsigned)_i / 3;
    struct buf got = {0};
    nrig_start(n);
    refill(n, have);
    fake_advance(&n->t->r->f, WAIT_NS);
    plain_frame(n, 1000, 9000);
    plain_frame(n, 1000, 100);
    for (unsigned i = have; i < 6; i++) {
        fake_advance(&n->t->r->f, WAIT_NS);
        ck_assert_uint_eq(nrig_receive(n, &got), 0);
        refill(n, 1);
    }
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_eq(net_queue_count(&n->nic.inbox), 1);
    ck_assert(nrig_receive(n, &got) == 6 && got.len == 9012);
    ck_assert_uint_eq(nrig_receive(n, &got), 0);
    refill(n, 3);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert(nrig_receive(n, &got) == 1 && got.len == 112);
    /* Two are left, and serve without a notification. */
    plain_frame(n, 1000, 2000);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert(nrig_receive(n, &got) == 2 && got.len == 2012);
    buf_free(&got);
    nrig_destroy(n);
}
END_TEST

START_TEST(bounds)
{
    struct nrig *n = nrig_create(0, _i, false, _i == 2 ? 0 : F_MERGE);
    nrig_start(n);
    for (unsigned i = 0; i < NET_QUEUE_FRAMES + 5; i++)
        plain_frame(n, 1000, 60);
    ck_assert_uint_eq(net_queue_count(&n->nic.inbox), NET_QUEUE_FRAMES);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_eq(net_queue_count(&n->nic.inbox), NET_QUEUE_FRAMES);
    nrig_start(n);
    ck_assert_uint_eq(n->nic.count.no_driver, NET_QUEUE_FRAMES);
    /* A frame for which even a full ring is too small is dropped, not waited with. */
    for (unsigned i = 0; i < VIRTIO_QUEUE_SIZE; i++)
        nrig_offer_one(n, 64, 64);
    plain_frame(n, 1000, 64 * VIRTIO_QUEUE_SIZE);
    plain_frame(n, 1000, 40);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_eq(n->nic.count.too_long, 1);
    ck_assert_uint_eq(n->nic.count.got, 1);
    nrig_destroy(n);
}
END_TEST

/* ---- snapshots ---- */

static void step(struct nrig *n, struct expected *e, uint64_t *seed)
{
    bool room = true;
    if (rig_random(seed) % 8 == 0) {
        nrig_start(n);
        forget(e);
    }
    for (unsigned i = rig_random(seed) % 12; i > 0 && room; i--)
        room = random_buffer(n, seed, true);
    if (rig_random(seed) % 2 != 0)
        notify(n->t, RX);
    for (unsigned i = rig_random(seed) % 4; i > 0 && e->count < FRAMES_MAX; i--)
        random_frame(n, e, seed);
    fake_advance(&n->t->r->f, rig_random(seed) % 150000);
}

/* All but the machine: the driver, and the pages. */
static void copy_driver(struct nrig *to, const struct nrig *from)
{
    to->next_desc = from->next_desc;
    to->next_pa = from->next_pa;
    to->last_due = from->last_due;
    memcpy(to->buffer, from->buffer, sizeof to->buffer);
    memcpy(to->t->q, from->t->q, sizeof to->t->q);
    to->t->slot = from->t->slot;
    to->t->modern = from->t->modern;
    to->t->big = from->t->big;
    memcpy(to->fp.content, from->fp.content, sizeof to->fp.content);
    memcpy(to->fp.holds, from->fp.holds, sizeof to->fp.holds);
}

START_TEST(save_in_flight)
{
    struct nrig *a = nrig_create(0, _i, false, MERGING), *b = nrig_create(1, _i, false, MERGING);
    struct expected *ea = calloc(1, sizeof *ea), *eb = calloc(1, sizeof *eb);
    struct buf saved = {0};
    struct radix inbox;
    uint64_t seed = 3, other = 8;
    nrig_start(a);
    nrig_start(b);
    for (unsigned i = 0; i < 20; i++)
        step(b, eb, &other);
    for (unsigned tries = 0; tries < 60; tries++) {
        step(a, ea, &seed);
        rig_save(a->t->r, &saved);
        radix_snapshot(&a->nic.inbox.frames, &inbox);
        copy_driver(b, a);
        uint64_t seed_b = seed;
        for (unsigned i = 0; i < 3; i++)
            step(a, ea, &seed); /* the past must not be touched by the future */
        b->nic.arrival.deadline = b->nic.v.timer.deadline = TIMER_OFF;
        rig_load(b->t->r, &saved);
        radix_restore(&b->nic.inbox.frames, &inbox);
        radix_fini(&inbox);
        forget(eb);
        for (unsigned i = 0; i < 3; i++)
            step(b, eb, &seed_b);
        ck_assert_uint_eq(a->nic.arrival.deadline, b->nic.arrival.deadline);
        rig_assert_equal(a->t->r, b->t->r);
        ck_assert_int_eq(memcmp(a->fp.holds, b->fp.holds, sizeof a->fp.holds), 0);
        buf_clear(&saved);
    }
    ck_assert_uint_gt(a->nic.count.got, 100);
    ck_assert_uint_gt(a->mapped, 100);
    forget(ea);
    forget(eb);
    free(ea);
    free(eb);
    buf_free(&saved);
    nrig_destroy(a);
    nrig_destroy(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev_virtio_net_rx");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, split, 0, 3 * (int)ARRAY_LEN(layouts));
    tcase_add_loop_test(tc, random_mixes, 0, 6);
    tcase_add_loop_test(tc, due, 0, 3);
    tcase_add_loop_test(tc, waits_for_more, 0, 3 * 6);
    tcase_add_loop_test(tc, bounds, 0, 3);
    tcase_add_loop_test(tc, save_in_flight, 0, 3);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
