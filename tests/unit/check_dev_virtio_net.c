/* The virtio network card: sending, the filter, and frames for drivers that want them finished.
 * How frames meet buffers is in check_dev_virtio_net_rx.c. */
#include "core/net_segment.h"
#include "tests/unit/net_rig.h"

#define ROUNDS 400

START_TEST(configuration)
{
    struct nrig *n = nrig_create(0, _i, true, F_ALL);
    static const uint8_t mac[] = {0x52, 0x54, 0, 1, 2, 3};
    nrig_start(n);
    struct vrig *t = n->t;
    for (unsigned i = 0; i < sizeof mac; i++)
        ck_assert_uint_eq(t->modern ? min_(t, 4, i, 1) : in(t, 20 + i, 1), mac[i]);
    uint64_t status = t->modern ? min_(t, 4, 6, 2) : in(t, 26, 2);
    uint64_t mtu = t->modern ? min_(t, 4, 10, 2) : in(t, 30, 2);
    /* The bus gives little-endian values; legacy registers have the processor's byte order. */
    ck_assert_uint_eq(_i == 1 ? status >> 8 : status, 1);
    ck_assert_uint_eq(_i == 1 ? (mtu >> 8 | (mtu & 0xff) << 8) : mtu, NET_MTU);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_NET), 4), 0x10001af4);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_NET) | 8, 4) >> 16, 0x0200);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_NET) | 0x2c, 4) >> 16, 1);
    nrig_destroy(n);
}
END_TEST

static void put_header(struct nrig *n, uint8_t *p, const struct net_offload *o)
{
    memset(p, 0, nrig_header(n));
    p[0] = o->flags;
    p[1] = o->gso_type;
    virtio_st16(p + 2, o->hdr_len, n->t->big);
    virtio_st16(p + 4, o->gso_size, n->t->big);
    virtio_st16(p + 6, o->csum_start, n->t->big);
    virtio_st16(p + 8, o->csum_offset, n->t->big);
}

/* Send the bytes at `pa`, with the header before them or in a descriptor of its own. */
static void transmit(struct nrig *n, const struct net_offload *o, uint32_t pa, uint32_t len,
                     bool together)
{
    uint32_t h = nrig_header(n);
    struct nbuffer b = {.count = together ? 1 : 2, .pa = {HEADER, pa}, .len = {h, len}};
    if (together) {
        b.pa[0] = pa - h;
        b.len[0] = h + len;
    }
    put_header(n, ram(n, b.pa[0]), o);
    ck_assert_int_ge(nrig_offer(n, TX, &b, 0), 0);
    notify(n->t, TX);
    fake_advance(&n->t->r->f, WAIT_NS);
}

static void expect_used(struct nrig *n, unsigned queue, uint32_t expected)
{
    unsigned head;
    uint32_t len;
    ck_assert(nrig_used(n, queue, &head, &len));
    ck_assert_uint_eq(len, expected);
}

/* Where the card may give whole pages away it does, but for the Ethernet header; content, order and
 * parts are the same in any case. */
static void check_sent(struct nrig *n, const struct net_frame *f, uint32_t pa, uint32_t len,
                       bool share)
{
    uint8_t *bytes = malloc(len);
    ck_assert_uint_eq(f->len, len);
    net_frame_read(f, &n->fp.pages, 0, bytes, len);
    ck_assert_int_eq(memcmp(bytes, ram(n, pa), len), 0);
    free(bytes);
    uint32_t whole = 0, off = 0;
    for (uint32_t p = (pa + 14 + 4095) & ~4095u; p + 4096 <= pa + len; p += 4096)
        whole++;
    for (unsigned i = 0; i < f->parts; i++) {
        ck_assert(f->part[i].page || f->part[i].mpn1 == 0);
        if (f->part[i].page) {
            ck_assert(share == (f->part[i].mpn1 != 0));
            ck_assert_uint_eq(f->part[i].len, PAGE_SIZE);
            ck_assert_uint_eq((pa + off) % PAGE_SIZE, 0);
            ck_assert_uint_ge(off, NET_HEADER);
            whole--;
        }
        off += f->part[i].len;
    }
    ck_assert_uint_eq(whole, 0);
}

START_TEST(sending)
{
    struct nrig *n = nrig_create(0, _i % 3, _i < 3, F_ALL);
    uint64_t seed = (uint64_t)_i;
    struct net_offload none = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        nrig_start(n);
        n->refuse_hold = _i < 3 && i % 8 == 7;
        uint32_t pa = DATA + PAGE_SIZE + (i % 4 == 0 ? 0 : rig_random(&seed) % 9000);
        uint32_t len = NET_HEADER + rig_random(&seed) % (i % 16 == 0 ? 65540 : 9000);
        fill(ram(n, pa), len, &seed);
        transmit(n, &none, pa, len, rig_random(&seed) % 2 != 0);
        expect_used(n, TX, 0);
        ck_assert_uint_eq(n->sent_count, 1);
        struct net_frame *f = n->sent[0];
        ck_assert_uint_eq(f->id, NET_FRAME_ID(3, 1, i + 1));
        if (n->refuse_hold)
            ck_assert_uint_eq(fake_pages_held(&n->fp), 0);
        check_sent(n, f, pa, len, _i < 3 && !n->refuse_hold);
        net_frame_discard(f, &n->fp.pages);
        n->sent_count = 0;
        ck_assert_uint_eq(fake_pages_held(&n->fp), 0);
    }
    ck_assert_uint_eq(n->events[FRAME_OUT], ROUNDS);
    ck_assert_uint_gt(n->nic.count.sent_pages, ROUNDS / 2); /* held or not */
    nrig_destroy(n);
}
END_TEST

/* The headers of a frame of TCP, as far as cards look at them. */
static void put_tcp(uint8_t *p, bool v6)
{
    st_be16(p + 12, v6 ? 0x86dd : 0x0800);
    p[14] = v6 ? 0x60 : 0x45;
    p[20] = v6 ? 6 : 0; /* next header; no fragment */
    p[21] = 0;
    p[23] = 6;
    p[(v6 ? 54 : 34) + 12] = 5 << 4;
}

START_TEST(offload_checked)
{
    static const struct {
        struct net_offload o;
        uint64_t without; /* features that the driver leaves */
        bool good;
    } cases[] = {
        {{.flags = 1, .csum_start = 34, .csum_offset = 16}, 0, true},
        {{.flags = 1, .csum_start = 34, .csum_offset = 16}, F_CSUM, false},
        {{.flags = 1, .csum_start = 1000, .csum_offset = 398}, 0, true},
        {{.flags = 1, .csum_start = 1000, .csum_offset = 399}, 0, false},
        {{.flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff}, 0, false},
        {{.flags = 1, .gso_type = 1, .gso_size = 500, .csum_start = 34, .csum_offset = 16},
         0,
         true},
        {{.flags = 1, .gso_type = 4, .gso_size = 500, .csum_start = 54, .csum_offset = 16},
         0,
         true},
        {{.flags = 1, .gso_type = 0x81, .gso_size = 500, .csum_start = 34, .csum_offset = 16},
         0,
         true},
        {{.flags = 1, .gso_type = 0x81, .gso_size = 500, .csum_start = 34, .csum_offset = 16},
         BIT64(13),
         false},
        {{.flags = 1, .gso_type = 1, .gso_size = 500, .csum_start = 34, .csum_offset = 16},
         BIT64(11),
         false},
        {{.flags = 1, .gso_type = 4, .gso_size = 500, .csum_start = 54, .csum_offset = 16},
         BIT64(12),
         false},
        {{.flags = 1, .gso_type = 3, .gso_size = 500, .csum_start = 34, .csum_offset = 16},
         0,
         false},
        {{.flags = 1, .gso_type = 1, .gso_size = 0, .csum_start = 34, .csum_offset = 16}, 0, false},
        {{.flags = 0, .gso_type = 1, .gso_size = 500, .csum_start = 34, .csum_offset = 16},
         0,
         false},
        /* It cannot be cut: no headers of that kind, or too small pieces. */
        {{.flags = 1, .gso_type = 4, .gso_size = 500, .csum_start = 34, .csum_offset = 16},
         0,
         false},
        {{.flags = 1, .gso_type = 1, .gso_size = 500, .csum_start = 38, .csum_offset = 16},
         0,
         false},
        {{.flags = 1, .gso_type = 1, .gso_size = 31, .csum_start = 34, .csum_offset = 16},
         0,
         false},
        {{.flags = 0x80, .hdr_len = 1, .csum_start = 0xffff}, 0, true}, /* nothing is asked for */
    };
    struct nrig *n = nrig_create(0, _i, true, F_ALL);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        n->t->features = (F_ALL & ~cases[i].without) | BIT64(F_EVENT_IDX);
        nrig_start(n);
        unsigned malformed = (unsigned)n->nic.count.malformed;
        put_tcp(ram(n, DATA), cases[i].o.gso_type == NET_GSO_TCPV6);
        transmit(n, &cases[i].o, DATA, 1400, false);
        expect_used(n, TX, 0);
        ck_assert_msg(n->sent_count == cases[i].good, "case %u", i);
        ck_assert_uint_eq(n->nic.count.malformed - malformed, !cases[i].good);
        if (n->sent_count == 0)
            continue;
        struct net_offload *o = &n->sent[0]->offload;
        struct net_offload none = {0};
        ck_assert_int_eq(memcmp(o, (cases[i].o.flags & 1) != 0 ? &cases[i].o : &none, sizeof *o),
                         0);
        net_frame_discard(n->sent[0], &n->fp.pages);
        n->sent_count = 0;
    }
    nrig_destroy(n);
}
END_TEST

START_TEST(lengths)
{
    struct nrig *n = nrig_create(0, _i, true, F_ALL);
    struct net_offload none = {0};
    static const uint32_t lens[] = {1, 13, 14, NET_FRAME_MAX, NET_FRAME_MAX + 1, 300000};
    nrig_start(n);
    for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
        transmit(n, &none, DATA, lens[i], false);
        expect_used(n, TX, 0);
    }
    ck_assert_uint_eq(n->sent_count, 2);
    ck_assert_uint_eq(n->nic.count.malformed, 4);
    ck_assert_uint_eq(get_status(n->t) & VIRTIO_NEEDS_RESET, 0);
    struct nbuffer b = {.count = 1, .pa = {HEADER}, .len = {nrig_header(n) - 1}};
    nrig_offer(n, TX, &b, 0);
    notify(n->t, TX);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_ne(get_status(n->t) & VIRTIO_NEEDS_RESET, 0);
    /* Outside of memory, behind a page that was held: it is given back. */
    nrig_start(n);
    b = (struct nbuffer){.count = 3,
                         .pa = {HEADER, RAM_SIZE - PAGE_SIZE, RAM_SIZE - 10},
                         .len = {200, PAGE_SIZE, 11}};
    put_header(n, ram(n, HEADER), &none);
    unsigned held = fake_pages_held(&n->fp);
    nrig_offer(n, TX, &b, 0);
    notify(n->t, TX);
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_ne(get_status(n->t) & VIRTIO_NEEDS_RESET, 0);
    ck_assert_uint_eq(n->sent_count, 2);
    ck_assert_uint_eq(fake_pages_held(&n->fp), held);
    nrig_destroy(n);
}
END_TEST

/* ---- the control queue ---- */

static void command(struct nrig *n, uint8_t class, uint8_t cmd, const void *data, uint32_t len,
                    uint8_t ack)
{
    struct nbuffer out_part = {.count = 1, .pa = {HEADER}, .len = {2 + len}};
    ram(n, HEADER)[0] = class;
    ram(n, HEADER)[1] = cmd;
    memcpy(ram(n, HEADER + 2), data, len);
    *ram(n, STATUS + 0x800) = 0x77;
    unsigned head = n->next_desc;
    ck_assert_uint_lt(head + 2, VIRTIO_QUEUE_SIZE);
    put_desc(n->t, n->t->q[CTRL].desc, head, out_part.pa[0], out_part.len[0], NEXT, head + 1);
    put_desc(n->t, n->t->q[CTRL].desc, head + 1, STATUS + 0x800, 1, WRITE, 0);
    n->next_desc += 2;
    offer(n->t, CTRL, head);
    notify(n->t, CTRL);
    fake_advance(&n->t->r->f, WAIT_NS);
    expect_used(n, CTRL, 1);
    ck_assert_uint_eq(*ram(n, STATUS + 0x800), ack);
}

static void set(struct nrig *n, uint8_t class, uint8_t cmd, uint8_t value)
{
    command(n, class, cmd, &value, 1, 0);
}

/* Does a frame to this address get through? */
static bool passes(struct nrig *n, uint64_t mac, unsigned vlan)
{
    uint64_t seed = mac;
    struct buf got = {0};
    struct net_frame *f = nrig_frame(n, 1000, NULL);
    uint8_t *p = net_frame_add_bytes(f, 60);
    fill(p, 60, &seed);
    st_be16(p, (uint16_t)(mac >> 32));
    st_be32(p + 2, (uint32_t)mac);
    st_be16(p + 12, vlan != 0 ? 0x8100 : 0x0800);
    st_be16(p + 14, (uint16_t)(0xe000 | vlan));
    ck_assert(nrig_offer_one(n, 256, 64));
    nrig_input(n, f);
    uint64_t filtered = n->nic.count.filtered;
    fake_advance(&n->t->r->f, WAIT_NS);
    bool got_it = nrig_receive(n, &got) != 0;
    ck_assert_uint_eq(n->nic.count.filtered - filtered, !got_it);
    buf_free(&got);
    return got_it;
}

#define OWN       UINT64_C(0x525400010203)
#define OTHER     UINT64_C(0x525400010204)
#define BROADCAST UINT64_C(0xffffffffffff)
#define GROUP(i)  (UINT64_C(0x01005e000000) + (i))

/* Two tables, as MAC_TABLE_SET has them. */
static uint32_t make_tables(struct nrig *n, uint8_t *p, unsigned uni, unsigned multi)
{
    uint8_t *at = p;
    unsigned counts[] = {uni, multi};
    for (unsigned k = 0; k < 2; k++) {
        virtio_st32(at, counts[k], n->t->big);
        at += 4;
        for (unsigned i = 0; i < counts[k]; i++, at += 6) {
            uint64_t mac = k == 0 ? OTHER + i : GROUP(i);
            st_be16(at, (uint16_t)(mac >> 32));
            st_be32(at + 2, (uint32_t)mac);
        }
    }
    return (uint32_t)(at - p);
}

START_TEST(filter)
{
    struct nrig *n = nrig_create(0, _i, false, F_ALL);
    uint8_t data[2000], vid[2];
    nrig_start(n);
    ck_assert(passes(n, OTHER, 5)); /* until the driver says otherwise */
    set(n, 0, 0, 0);
    ck_assert(passes(n, OWN, 0) && passes(n, BROADCAST, 0));
    ck_assert(!passes(n, OTHER, 0) && !passes(n, GROUP(0), 0) && !passes(n, OWN, 5));
    set(n, 0, 1, 1);
    ck_assert(!passes(n, OTHER, 0) && passes(n, GROUP(0), 0));
    set(n, 0, 1, 0);
    command(n, 1, 0, data, make_tables(n, data, 2, 3), 0);
    ck_assert(passes(n, OWN, 0) && passes(n, OTHER + 1, 0) && passes(n, GROUP(2), 0));
    ck_assert(!passes(n, OTHER + 2, 0) && !passes(n, GROUP(3), 0));
    command(n, 1, 0, data, make_tables(n, data, VIRTIO_NET_UNICAST, VIRTIO_NET_MULTICAST), 0);
    ck_assert(passes(n, OTHER + VIRTIO_NET_UNICAST - 1, 0) && passes(n, GROUP(63), 0));
    ck_assert(!passes(n, OTHER + VIRTIO_NET_UNICAST, 0) && !passes(n, GROUP(64), 0));
    /* More than the tables hold: all of that kind pass. */
    command(n, 1, 0, data, make_tables(n, data, VIRTIO_NET_UNICAST + 1, 0), 0);
    ck_assert(passes(n, OTHER + 1000, 0) && !passes(n, GROUP(0), 0));
    command(n, 1, 0, data, make_tables(n, data, 0, VIRTIO_NET_MULTICAST + 1), 0);
    ck_assert(!passes(n, OTHER + 1000, 0) && passes(n, GROUP(1000), 0));
    for (unsigned add = 0; add < 2; add++) {
        virtio_st16(vid, 4095, n->t->big);
        command(n, 2, (uint8_t)add, vid, 2, 0);
        ck_assert(passes(n, OWN, 4095) == (add == 0) && !passes(n, OWN, 4094));
    }
    nrig_destroy(n);
}
END_TEST

START_TEST(own_address)
{
    struct nrig *n = nrig_create(0, _i, false, F_ALL);
    static const uint8_t mac[6] = {0x02, 1, 2, 3, 4, 5};
    nrig_start(n);
    set(n, 0, 0, 0);
    command(n, 1, 1, mac, 6, 0);
    ck_assert(passes(n, UINT64_C(0x020102030405), 0) && !passes(n, OWN, 0));
    ck_assert_uint_eq(n->t->modern ? min_(n->t, 4, 5, 1) : in(n->t, 25, 1), 5);
    nrig_start(n); /* a reset brings the first one back */
    set(n, 0, 0, 0);
    ck_assert(!passes(n, UINT64_C(0x020102030405), 0) && passes(n, OWN, 0));
    nrig_destroy(n);
}
END_TEST

START_TEST(bad_commands)
{
    struct nrig *n = nrig_create(0, _i, false, F_ALL);
    uint8_t data[2000] = {0}, vid[2] = {0xff, 0xff};
    nrig_start(n);
    uint32_t len = make_tables(n, data, 2, 3);
    command(n, 1, 0, data, len - 1, 1);
    command(n, 1, 0, data, len + 1, 1);
    command(n, 1, 0, data, 3, 1);
    virtio_st32(data, 0xffffffff, n->t->big);
    command(n, 1, 0, data, len, 1);
    virtio_st32(data, 0x2aaaaaab, n->t->big); /* times 6 is 2 in 32 bits */
    command(n, 1, 0, data, len, 1);
    command(n, 1, 1, data, 5, 1);
    command(n, 1, 2, data, 6, 1);
    command(n, 0, 0, data, 0, 1);
    command(n, 0, 2, data, 1, 1);
    command(n, 2, 0, vid, 2, 1);
    command(n, 2, 2, data, 2, 1);
    command(n, 3, 0, data, 1, 1);
    ck_assert(n->nic.unicast_count == 0 && n->nic.multicast_all == 0);
    ck_assert_uint_eq(n->nic.promiscuous, 1);
    n->t->features = F_ALL & ~(F_CTRL & ~BIT64(17));
    nrig_start(n); /* what was not agreed upon is refused */
    command(n, 0, 0, data, 1, 1);
    command(n, 1, 0, data, make_tables(n, data, 0, 0), 1);
    command(n, 1, 1, data, 6, 1);
    command(n, 2, 0, data, 2, 1);
    nrig_destroy(n);
}
END_TEST

/* ---- for drivers that take no long frames, or no unfinished sums ---- */

static uint16_t ones_sum(const uint8_t *p, size_t len, uint16_t sum)
{
    for (size_t i = 0; i < len; i += 2) {
        uint32_t next = sum + ((uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0));
        sum = (uint16_t)(next > 0xffff ? next - 0xffff : next);
    }
    return sum;
}

/* TCP over IPv4 of `payload` bytes, the last three pages of them as pages. */
static struct net_frame *make_tcp(struct nrig *n, uint32_t payload, const struct net_offload *o)
{
    struct net_frame *f = nrig_frame(n, 1000, o);
    uint64_t seed = payload;
    uint8_t *p = net_frame_add_bytes(f, 54 + payload - 3 * PAGE_SIZE);
    fill(p, f->len, &seed);
    st_be16(p + 12, 0x0800);
    p[14] = 0x45;
    st_be16(p + 16, (uint16_t)(40 + payload));
    st_be16(p + 20, 0);
    p[23] = 6;
    p[46] = 5 << 4;
    uint8_t pseudo[12] = {0};
    memcpy(pseudo, p + 26, 8);
    pseudo[9] = 6;
    st_be16(pseudo + 10, (uint16_t)(20 + payload));
    st_be16(p + 50, ones_sum(pseudo, sizeof pseudo, 0));
    for (unsigned i = 0; i < 3; i++)
        add_page(n, f, &seed);
    return f;
}

static void check_tcp(const uint8_t *p, size_t len)
{
    uint8_t pseudo[12] = {0};
    memcpy(pseudo, p + 26, 8);
    pseudo[9] = 6;
    st_be16(pseudo + 10, (uint16_t)(len - 34));
    ck_assert_uint_eq(ones_sum(p + 34, len - 34, ones_sum(pseudo, 12, 0)), 0xffff);
}

START_TEST(finished)
{
    uint64_t features = (_i < 3 ? F_MERGE : 0) | F_G_CSUM;
    struct nrig *n = nrig_create(0, _i % 3, false, features);
    struct net_offload o = {
        .flags = 1, .gso_type = 1, .gso_size = 1448, .csum_start = 34, .csum_offset = 16};
    struct buf got = {0}, all = {0}, sent = {0};
    unsigned h = nrig_header(n), segments = 0;
    nrig_start(n);
    struct net_frame *f = make_tcp(n, 30000, &o);
    net_frame_seal(f, &n->fp.pages);
    buf_reserve(&sent, f->len);
    net_frame_read(f, &n->fp.pages, 0, sent.data, f->len);
    nrig_input(n, f);
    for (unsigned i = 0; i < 10; i++)
        ck_assert(nrig_offer_one(n, 1600, 64));
    fake_advance(&n->t->r->f, WAIT_NS); /* half of it has room */
    for (unsigned i = 0; i < 20; i++)
        ck_assert(nrig_offer_one(n, 1600, 64));
    notify(n->t, RX);
    fake_advance(&n->t->r->f, WAIT_NS);
    for (; nrig_receive(n, &got) != 0; segments++) {
        ck_assert_uint_eq(got.data[0] | got.data[1], 0);
        ck_assert_uint_eq(ld_be32(got.data + h + 38) - ld_be32(sent.data + 38), all.len);
        check_tcp(got.data + h, got.len - h);
        buf_put(&all, got.data + h + 54, got.len - h - 54);
    }
    ck_assert_uint_eq(segments, 21);
    ck_assert_uint_eq(all.len, 30000);
    ck_assert_int_eq(memcmp(all.data, sent.data + 54, 30000), 0);
    ck_assert_uint_eq(n->nic.count.split, 1);
    ck_assert_uint_eq(n->nic.inbox.digest, 0);
    ck_assert_uint_eq(fake_pages_held(&n->fp), 0);
    buf_free(&got);
    buf_free(&all);
    buf_free(&sent);
    nrig_destroy(n);
}
END_TEST

START_TEST(sum_completed)
{
    struct nrig *n = nrig_create(0, _i, false, F_MERGE | F_G_TSO);
    struct net_offload o = {.flags = 1, .csum_start = 34, .csum_offset = 16};
    struct buf got = {0};
    nrig_start(n);
    nrig_input(n, make_tcp(n, 20000, &o));
    ck_assert(nrig_offer_one(n, 32768, 64));
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_eq(nrig_receive(n, &got), 1);
    ck_assert_uint_eq(got.data[0], 0);
    check_tcp(got.data + 12, got.len - 12);
    ck_assert_uint_eq(got.len, 12 + 54 + 20000);
    /* A long frame that makes no sense is dropped. */
    o.gso_type = 4;
    o.gso_size = 1000;
    nrig_input(n, make_tcp(n, 20000, &o));
    fake_advance(&n->t->r->f, WAIT_NS);
    ck_assert_uint_eq(n->nic.count.malformed, 1);
    ck_assert_uint_eq(fake_pages_held(&n->fp), 0);
    buf_free(&got);
    nrig_destroy(n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev_virtio_net");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, configuration, 0, 3);
    tcase_add_loop_test(tc, sending, 0, 6);
    tcase_add_loop_test(tc, offload_checked, 0, 3);
    tcase_add_loop_test(tc, lengths, 0, 3);
    tcase_add_loop_test(tc, filter, 0, 3);
    tcase_add_loop_test(tc, own_address, 0, 3);
    tcase_add_loop_test(tc, bad_commands, 0, 3);
    tcase_add_loop_test(tc, finished, 0, 6);
    tcase_add_loop_test(tc, sum_completed, 0, 3);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
