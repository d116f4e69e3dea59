/*
 * A machine with a virtio network card, on top of virtio_driver.h: machine
 * pages, what the card sent, and a driver that offers buffers and takes frames
 * out of them.
 */
#ifndef TESTS_UNIT_NET_RIG_H
#define TESTS_UNIT_NET_RIG_H

#include "core/dev/virtio_net.h"
#include "tests/unit/net_pages.h"
#include "tests/unit/virtio_driver.h"

#define SLOT_NET 21
#define RX       0
#define TX       1
#define CTRL     2
#define SENT_MAX 64
#define SEGMENTS 3
#define POISON   0xee
#define NET_MTU  9000
#define BIT64(n) (UINT64_C(1) << (n))
#define F_CSUM   BIT64(0)
#define F_G_CSUM BIT64(1)
#define F_G_TSO  (BIT64(7) | BIT64(8) | BIT64(9))
#define F_H_TSO  (BIT64(11) | BIT64(12) | BIT64(13))
#define F_MERGE  BIT64(15)
#define F_CTRL   (BIT64(17) | BIT64(18) | BIT64(19) | BIT64(23))
#define F_ALL    (F_CSUM | F_G_CSUM | F_G_TSO | F_H_TSO | F_MERGE | F_CTRL | BIT64(3) | BIT64(5))

/* A new field is state or derived: decide, list it, then change these. */
_Static_assert(sizeof(struct virtio_net_counters) == 11 * 8, "counters of struct virtio_net");
_Static_assert(sizeof(struct virtio_net) == 2408, "state table of struct virtio_net");

struct nbuffer {
    unsigned count;
    uint32_t pa[SEGMENTS], len[SEGMENTS];
};

struct nrig {
    struct vrig *t;
    struct virtio_net nic;
    struct fake_pages fp;
    int mode;
    bool refuse_hold, refuse_map;
    unsigned mapped;
    struct net_frame *sent[SENT_MAX];
    unsigned sent_count;
    unsigned events[4];
    uint64_t last_id;
    uint64_t last_due;
    /* The driver. */
    unsigned next_desc;
    uint32_t next_pa;
    struct nbuffer buffer[VIRTIO_QUEUE_SIZE]; /* by head */
};

static struct nrig *nrigs[2];

static inline struct nrig *nrig_of(struct platform *p)
{
    for (unsigned i = 0; i < ARRAY_LEN(nrigs); i++) {
        if (nrigs[i] != NULL && &nrigs[i]->t->r->f.platform == p)
            return nrigs[i];
    }
    ck_abort_msg("no such machine");
    return NULL;
}

static inline uint64_t nrig_hold_page(struct platform *p, uint64_t pa)
{
    struct nrig *n = nrig_of(p);
    ck_assert_uint_eq(pa & PAGE_MASK, 0);
    if (n->refuse_hold || pa > RAM_SIZE - PAGE_SIZE)
        return 0;
    return fake_page_new(&n->fp, n->t->r->f.ram + pa);
}

static inline void nrig_release_page(struct platform *p, uint64_t mpn1)
{
    fake_page_release(&nrig_of(p)->fp, mpn1);
}

static inline void nrig_read_page(struct platform *p, uint64_t mpn1, size_t off, void *out,
                                  size_t n)
{
    fake_page_read(&nrig_of(p)->fp, mpn1, off, out, n);
}

static inline bool nrig_map_page(struct platform *p, struct device *dev, uint64_t pa, uint64_t mpn1,
                                 uint64_t frame)
{
    struct nrig *n = nrig_of(p);
    ck_assert_ptr_eq(dev, &n->nic.v.pci.dev);
    ck_assert_uint_eq(pa & PAGE_MASK, 0);
    ck_assert_uint_ne(frame, 0);
    if (n->refuse_map || pa > RAM_SIZE - PAGE_SIZE)
        return false;
    fake_page_read(&n->fp, mpn1, 0, n->t->r->f.ram + pa, PAGE_SIZE);
    n->mapped++;
    return true;
}

static inline void nrig_send(struct platform *p, struct device *dev, struct net_frame *f)
{
    struct nrig *n = nrig_of(p);
    ck_assert_ptr_eq(dev, &n->nic.v.pci.dev);
    ck_assert_uint_eq(f->due, n->t->r->f.now);
    ck_assert_uint_gt(f->id, n->last_id);
    n->last_id = f->id;
    if (n->sent_count == SENT_MAX) {
        net_frame_discard(f, &n->fp.pages);
        return;
    }
    n->sent[n->sent_count++] = f;
}

static inline void nrig_event(struct platform *p, struct device *dev, enum frame_dir dir,
                              uint64_t frame, uint32_t len)
{
    (void)dev;
    ck_assert_uint_ne(frame, 0);
    ck_assert_uint_ge(len, NET_HEADER);
    nrig_of(p)->events[dir]++;
}

static inline void nrig_timer_changed(struct platform *p, struct dev_timer *timer)
{
    struct nrig *n = nrig_of(p);
    if (timer != &n->nic.arrival)
        rig_timer_changed(p, timer);
}

static inline void nrig_connect(struct nrig *n)
{
    struct rig *r = n->t->r;
    pci_config_write(r->pci, CONFIG(SLOT_NET) | 0x10, 4, IO_BASE * SLOT_NET);
    pci_config_write(r->pci, CONFIG(SLOT_NET) | 0x14, 4, MEM_BASE + 0x10000 * SLOT_NET);
    pci_config_write(r->pci, CONFIG(SLOT_NET) | 0x04, 2, 7);
}

/* Modes: see create_mode(). */
static inline struct nrig *nrig_create(unsigned which, int mode, bool share, uint64_t features)
{
    struct nrig *n = calloc(1, sizeof *n);
    nrigs[which] = n;
    n->mode = mode;
    fake_pages_init(&n->fp);
    n->t = create_mode(mode);
    n->t->features = features | (mode == 2 ? BIT64(F_INDIRECT) | BIT64(F_EVENT_IDX) : 0);
    struct platform *p = &n->t->r->f.platform;
    p->timer_changed = nrig_timer_changed;
    p->hold_page = nrig_hold_page;
    p->release_page = nrig_release_page;
    p->read_page = nrig_read_page;
    p->map_page = nrig_map_page;
    p->send_frame = nrig_send;
    p->frame_event = nrig_event;
    struct virtio_net_options o = {
        .mac = {0x52, 0x54, 0, 1, 2, 3}, .mtu = NET_MTU, .vm = 3, .nic = 1, .share = share};
    virtio_net_init(&n->nic, p, "vnet", n->t->r->pci, SLOT_NET, &o);
    nrig_connect(n);
    return n;
}

static inline void nrig_destroy(struct nrig *n)
{
    for (unsigned i = 0; i < n->sent_count; i++)
        net_frame_discard(n->sent[i], &n->fp.pages);
    virtio_net_fini(&n->nic);
    destroy(n->t);
    for (unsigned i = 0; i < ARRAY_LEN(nrigs); i++)
        nrigs[i] = nrigs[i] == n ? NULL : nrigs[i];
    free(n);
}

/* The driver starts afresh, with all memory and descriptors free. */
static inline void nrig_start(struct nrig *n)
{
    start(n->t, n->mode, SLOT_NET, 3);
    n->next_desc = 0;
    n->next_pa = DATA;
}

static inline uint32_t nrig_header(const struct nrig *n)
{
    return n->mode == 2 || (n->t->features & F_MERGE) != 0 ? 12 : 10;
}

static inline uint8_t *ram(struct nrig *n, uint32_t pa)
{
    return n->t->r->f.ram + pa;
}

/* Memory for the driver; 0: none is left. */
static inline uint32_t nrig_memory(struct nrig *n, uint32_t len, uint32_t align)
{
    uint32_t at = (n->next_pa + align - 1) / align * align;
    if (at > RAM_SIZE || len > RAM_SIZE - at)
        return 0;
    n->next_pa = at + len;
    return at;
}

/* Offer a chain to a queue. Returns its head, or -1: no descriptors are left. */
static inline int nrig_offer(struct nrig *n, unsigned queue, const struct nbuffer *b,
                             unsigned flags)
{
    unsigned head = n->next_desc;
    if (head + b->count > VIRTIO_QUEUE_SIZE)
        return -1;
    for (unsigned i = 0; i < b->count; i++)
        put_desc(n->t, n->t->q[queue].desc, head + i, b->pa[i], b->len[i],
                 flags | (i + 1 < b->count ? NEXT : 0), head + i + 1);
    n->next_desc += b->count;
    n->buffer[head] = *b;
    offer(n->t, queue, head);
    return (int)head;
}

/* One receive buffer of one segment, filled with poison. */
static inline bool nrig_offer_one(struct nrig *n, uint32_t len, uint32_t align)
{
    struct nbuffer b = {.count = 1, .len = {len}};
    b.pa[0] = nrig_memory(n, len, align);
    if (b.pa[0] == 0)
        return false;
    memset(ram(n, b.pa[0]), POISON, len);
    return nrig_offer(n, RX, &b, WRITE) >= 0;
}

/* The next used element of a queue; false: there is none. */
static inline bool nrig_used(struct nrig *n, unsigned queue, unsigned *head, uint32_t *len)
{
    struct vq *q = &n->t->q[queue];
    if (ld16(n->t, q->used + 2) == q->used_idx)
        return false;
    uint32_t at = q->used + 4 + 8 * (q->used_idx++ % VIRTIO_QUEUE_SIZE);
    *head = ld32(n->t, at);
    *len = ld32(n->t, at + 4);
    ck_assert_uint_lt(*head, VIRTIO_QUEUE_SIZE);
    return true;
}

/* Append what a used receive buffer holds; the rest of it is as it was. */
static inline void nrig_take(struct nrig *n, const struct nbuffer *b, uint32_t len, struct buf *out)
{
    uint32_t left = len;
    bool intact = true;
    for (unsigned i = 0; i < b->count; i++) {
        uint32_t step = (uint32_t)min_u64(left, b->len[i]);
        buf_put(out, ram(n, b->pa[i]), step);
        left -= step;
        for (uint32_t k = step; k < b->len[i]; k++)
            intact = intact && *ram(n, b->pa[i] + k) == POISON;
    }
    ck_assert(intact);
    ck_assert_uint_eq(left, 0);
}

/* A whole frame out of as many buffers as its header says. The header comes first in `out`.
 * Returns the buffers; 0: there is no frame. */
static inline unsigned nrig_receive(struct nrig *n, struct buf *out)
{
    unsigned head, buffers = 1;
    uint32_t len;
    buf_clear(out);
    for (unsigned i = 0; i < buffers; i++) {
        if (!nrig_used(n, RX, &head, &len)) {
            ck_assert_msg(i == 0, "%u of %u buffers", i, buffers);
            return 0;
        }
        ck_assert_uint_ne(len, 0);
        nrig_take(n, &n->buffer[head], len, out);
        if (i == 0 && nrig_header(n) == 12 && out->len >= 12)
            buffers = n->t->big ? ld_be16(out->data + 10) : ld_le16(out->data + 10);
    }
    return buffers;
}

static inline void nrig_input(struct nrig *n, struct net_frame *f)
{
    net_frame_seal(f, &n->fp.pages);
    if (!n->nic.v.pci.dev.ops->frame(&n->nic.v.pci.dev, f))
        net_frame_discard(f, &n->fp.pages);
}

static inline struct net_frame *nrig_frame(struct nrig *n, uint64_t after,
                                           const struct net_offload *o)
{
    n->last_due = max_u64(n->last_due, n->t->r->f.now + after);
    return net_frame_create(NET_FRAME_ID(1, 0, 77), n->last_due, o);
}

/* Bytes that differ from place to place. */
static inline void fill(uint8_t *p, size_t len, uint64_t *seed)
{
    for (size_t i = 0; i < len; i += 4) {
        uint32_t x = rig_random(seed);
        memcpy(p + i, &x, len - i < 4 ? len - i : 4);
    }
}

static inline void add_bytes(struct net_frame *f, size_t len, uint64_t *seed)
{
    fill(net_frame_add_bytes(f, len), len, seed);
}

static inline void add_page(struct nrig *n, struct net_frame *f, uint64_t *seed)
{
    uint8_t content[PAGE_SIZE];
    fill(content, sizeof content, seed);
    net_frame_add_page(f, fake_page_new(&n->fp, content));
}

#endif
