/* The virtio network card with rings, registers and frames that no driver or network would make. */
#include "tests/unit/net_rig.h"

#define RUNS 1200

static uint32_t random_word(uint64_t *seed)
{
    uint32_t x = rig_random(seed);
    switch (x & 7) {
    case 0:
        return x >> 3;
    case 1:
        return x >> 3 & 0xfffff;
    default:
        return x >> 3 & 0x7f;
    }
}

/* Frames as a network may bring them: every field of the sender's is a lie, within what the
 * sending card checks. */
static void random_frame(struct nrig *n, uint64_t *seed)
{
    struct net_offload o = {0};
    uint32_t x = rig_random(seed);
    unsigned pages = (x >> 4) % 2 == 0 ? (x >> 8) % 8 : 0;
    uint32_t len = (x % 4 == 0 ? 60 : NET_HEADER) + (x >> 12) % 3000;
    if (x % 2 == 0) {
        static const uint8_t types[] = {0, 1, 4, 0x81, 0x84};
        o.flags = 1;
        o.gso_type = types[(x >> 2) % ARRAY_LEN(types)];
        o.gso_size = (uint16_t)(random_word(seed) | (x >> 3 & 64));
        o.hdr_len = (uint16_t)rig_random(seed);
        o.csum_start = x % 4 == 0 ? 34 : (uint16_t)(rig_random(seed) % (len - 1));
        o.csum_offset = (uint16_t)(rig_random(seed) % (len - o.csum_start));
        if ((uint64_t)o.csum_start + o.csum_offset + 2 > len)
            o.csum_offset = o.csum_start = 0;
    }
    struct net_frame *f = nrig_frame(n, rig_random(seed) % 200000, &o);
    uint8_t *p = net_frame_add_bytes(f, len);
    fill(p, len, seed);
    if (x % 4 == 0 && len > 54) { /* nearly TCP, so that it is cut */
        st_be16(p + 12, 0x0800);
        p[14] = 0x45;
        p[20] = p[21] = 0;
        p[23] = 6;
        p[46] = 5 << 4;
    }
    for (; pages > 0; pages--)
        add_page(n, f, seed);
    nrig_input(n, f);
}

/* A descriptor that a driver might have written; a wild one breaks some rule now and then, and may
 * lie over the rings themselves. */
static void random_desc(struct nrig *n, unsigned queue, unsigned i, bool wild, uint64_t *seed)
{
    uint32_t x = rig_random(seed), y = rig_random(seed);
    bool writes = queue == RX || (queue == CTRL && i > 4);
    unsigned flags = ((x & 3) == 0 && i < 9 ? NEXT : 0) | (writes ? WRITE : 0), next = i + 1;
    uint32_t len = (y & 1) == 0 ? PAGE_SIZE : 16 + (y >> 4 & 0xfff);
    uint64_t pa = DATA + (x >> 4 & 0x7fff0);
    if (len == PAGE_SIZE)
        pa &= ~PAGE_MASK;
    if (wild) {
        flags ^= (x >> 2 & 31) == 0 ? WRITE : 0;
        flags ^= (x >> 7 & 31) == 0 ? INDIRECT : 0;
        next = (x >> 24 & 7) == 0 ? random_word(seed) : next;
        len = (y >> 16 & 7) == 0 ? random_word(seed) : len;
        pa = (y >> 19 & 31) == 0 ? random_word(seed) : pa;
        pa = (y >> 24 & 7) == 0 ? QUEUE_MEM + (pa & 0x1fff0) : pa;
    }
    put_desc(n->t, n->t->q[queue].desc, i, pa, len, flags, next);
}

static void random_rings(struct nrig *n, bool wild, uint64_t *seed)
{
    for (unsigned k = 0; k < (wild ? 3 : 2); k++) {
        struct vq *q = &n->t->q[k];
        for (unsigned i = 0; i < 10; i++)
            random_desc(n, k, i, wild, seed);
        if (wild && rig_random(seed) % 32 == 0)
            q->avail_idx = (uint16_t)random_word(seed);
        for (uint32_t offers = 1 + rig_random(seed) % 6; offers > 0; offers--) {
            bool bad = wild && rig_random(seed) % 16 == 0;
            offer(n->t, k, bad ? random_word(seed) : rig_random(seed) % 10);
        }
        if (rig_random(seed) % 4 != 0)
            notify(n->t, k);
    }
}

static void random_commands(struct nrig *n, uint64_t *seed)
{
    uint8_t *p = ram(n, HEADER);
    for (unsigned i = 0; i < 64; i++)
        p[i] = (uint8_t)(random_word(seed) & (i < 2 ? 3 : 0xff));
    put_desc(n->t, n->t->q[CTRL].desc, 0, HEADER, random_word(seed) % 64, NEXT, 5);
    put_desc(n->t, n->t->q[CTRL].desc, 5, STATUS, 1, WRITE, 0);
    offer(n->t, CTRL, 0);
    notify(n->t, CTRL);
}

START_TEST(rings)
{
    static const uint64_t left[] = {0, F_G_CSUM, F_G_TSO, F_MERGE, F_CSUM | F_H_TSO, F_CTRL};
    struct nrig *n = nrig_create(0, _i % 3, _i < 6, F_ALL);
    uint64_t seed = (uint64_t)_i, received = 0;
    unsigned broken = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        n->t->features = (F_ALL & ~left[i % ARRAY_LEN(left)]) |
                         (_i % 3 == 2 ? BIT64(F_INDIRECT) | BIT64(F_EVENT_IDX) : 0);
        nrig_start(n);
        n->refuse_hold = i % 8 == 0;
        n->refuse_map = i % 16 == 1;
        for (unsigned round = 0; round < 4; round++) {
            random_rings(n, i % 2 != 0, &seed);
            random_commands(n, &seed);
            random_frame(n, &seed);
            random_frame(n, &seed);
            fake_advance(&n->t->r->f, WAIT_NS / 4);
        }
        broken += (get_status(n->t) & VIRTIO_NEEDS_RESET) != 0;
        while (n->sent_count > 0)
            net_frame_discard(n->sent[--n->sent_count], &n->fp.pages);
        out(n->t, 18, 1, 0);
        fake_advance(&n->t->r->f, WAIT_NS);
        /* Nothing is left behind, whatever happened. */
        ck_assert_uint_eq(net_queue_count(&n->nic.inbox), 0);
        ck_assert_uint_eq(n->nic.inbox.digest, 0);
        ck_assert_uint_eq(fake_pages_held(&n->fp), 0);
    }
    received = n->nic.count.got;
    /* All ends were reached, or the test tests nothing. */
    ck_assert_uint_gt(received, RUNS / 4);
    ck_assert_uint_gt(n->nic.count.sent, RUNS / 2);
    ck_assert_uint_gt(n->nic.count.split, RUNS / 80);
    ck_assert_uint_gt(n->nic.count.malformed, RUNS / 10);
    ck_assert_uint_gt(n->mapped, RUNS / 40);
    ck_assert_uint_gt(broken, RUNS / 10);
    ck_assert_uint_lt(broken, RUNS - RUNS / 10);
    nrig_destroy(n);
}
END_TEST

static void random_register(struct nrig *n, uint64_t *seed)
{
    static const uint16_t common[] = {0, 4, 8, 12, 16, 18, 20, 22, 24, 28, 32, 36, 40, 44, 48, 52};
    struct vrig *t = n->t;
    uint32_t x = rig_random(seed), value = random_word(seed);
    unsigned size = 1u << (x >> 4) % 3;
    t->slot = SLOT_NET;
    t->modern = (x >> 6 & 1) != 0;
    if ((x >> 7 & 7) == 0)
        notify(t, x >> 10 & 3);
    else if (t->modern)
        mout(t, 1, common[(x >> 12) % ARRAY_LEN(common)], size, value);
    else
        out(t, (x >> 12) % 40, size, value);
    if ((x >> 17 & 3) == 0)
        in(t, (x >> 19) % 124, size);
    else if ((x >> 17 & 3) == 1)
        bus_read(t->r->mem, mem(t) + (x >> 19) % 0x3ffc, size);
}

START_TEST(registers)
{
    struct nrig *a = nrig_create(0, _i % 3, true, F_ALL), *b = nrig_create(1, _i % 3, true, F_ALL);
    struct nrig *both[2] = {a, b};
    for (unsigned k = 0; k < 2; k++) {
        struct nrig *n = both[k];
        uint64_t seed = (uint64_t)_i;
        for (unsigned i = 0; i < 0x40000; i++)
            *ram(n, i) = (uint8_t)(random_word(&seed) & 0x13);
        for (unsigned i = 0; i < RUNS * 8; i++) {
            random_register(n, &seed);
            if (i % 16 == 0)
                random_frame(n, &seed);
            if (i % 8 == 0)
                fake_advance(&n->t->r->f, EPOCH_NS);
        }
    }
    rig_assert_equal(a->t->r, b->t->r);
    a->nic.v.pci.dev.ops->reset(&a->nic.v.pci.dev);
    nrig_connect(a);
    struct buf got = {0};
    uint64_t seed = 1;
    fake_advance(&a->t->r->f, WAIT_NS);
    nrig_start(a);
    nrig_offer_one(a, 4096, 4096);
    struct net_frame *f = nrig_frame(a, 1000, NULL);
    add_bytes(f, 100, &seed);
    nrig_input(a, f);
    fake_advance(&a->t->r->f, WAIT_NS);
    ck_assert_uint_eq(nrig_receive(a, &got), 1);
    ck_assert_uint_eq(got.len, nrig_header(a) + 100);
    buf_free(&got);
    nrig_destroy(a);
    nrig_destroy(b);
}
END_TEST

/* A card with senseless state must survive: it may come from a damaged file. */
START_TEST(poison)
{
    struct nrig *a = nrig_create(0, 0, true, F_ALL), *b = nrig_create(1, 0, true, F_ALL);
    uint64_t seed = 1;
    uint8_t config[256];
    memcpy(config, b->nic.v.pci.config, sizeof config);
    rig_poison(&a->nic.v.pci.dev, &b->nic.v.pci.dev);
    memcpy(b->nic.v.pci.config, config, sizeof config);
    b->nic.v.pci.dev.ops->loaded(&b->nic.v.pci.dev);
    b->nic.arrival.deadline = b->nic.v.timer.deadline = b->t->r->f.now;
    fake_advance(&b->t->r->f, WAIT_NS);
    b->nic.promiscuous = 0;
    b->nic.inbox.head = b->nic.inbox.tail = 5;
    b->nic.inbox.bytes = 0;
    b->nic.v.status = 4;
    b->nic.v.features = F_ALL;
    for (unsigned i = 0; i < RUNS; i++) {
        random_register(b, &seed);
        random_frame(b, &seed);
        fake_advance(&b->t->r->f, EPOCH_NS);
    }
    nrig_destroy(a);
    nrig_destroy(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev_virtio_net_hostile");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, rings, 0, 9);
    tcase_add_loop_test(tc, registers, 0, 6);
    tcase_add_test(tc, poison);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
