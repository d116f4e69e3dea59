/*
 * A machine with the virtio devices, and a driver for them that works as a
 * kernel's: the legacy way in both byte orders, and the modern way.
 */
#ifndef TESTS_UNIT_VIRTIO_DRIVER_H
#define TESTS_UNIT_VIRTIO_DRIVER_H

#include "tests/unit/disk_fixture.h"

#include "core/dev/virtio_blk.h"
#include "core/dev/virtio_console.h"
#include "core/dev/virtio_rng.h"

#define SLOT_BLK  18
#define SLOT_RNG  19
#define SLOT_CON  20
#define IO_BASE   0x1000 /* of each device's legacy registers, by slot */
#define MEM_BASE  0x10000000u
#define WAIT_NS   3000000
#define QUEUE_MEM 0x10000u /* two queues of 64 KiB */
#define TABLE     0x30000u /* indirect */
#define HEADER    0x40000u
#define STATUS    0x40100u
#define DATA      0x50000u

#define F_INDIRECT  28
#define F_EVENT_IDX 29
#define F_VERSION_1 32

enum desc_flags { NEXT = 1, WRITE = 2, INDIRECT = 4 };

/* A new field is state or derived: decide, list it, then change these. */
_Static_assert(sizeof(struct virtio_queue) == 40, "state table of struct virtio_queue");
_Static_assert(sizeof(struct virtio) == 1152, "state table of struct virtio");
_Static_assert(sizeof(struct virtio_console) == 1416, "state table of struct virtio_console");

struct vq {
    uint32_t desc, avail, used;
    uint16_t avail_idx, used_idx;
};

struct vrig {
    struct rig *r;
    struct virtio_blk blk;
    struct virtio_rng rng;
    struct virtio_console con;
    /* The driver, of one device at a time. */
    unsigned slot;
    bool modern, big;
    uint64_t features;
    struct vq q[2];
};

static inline unsigned io(const struct vrig *t)
{
    return IO_BASE * t->slot;
}

static inline uint32_t mem(const struct vrig *t)
{
    return MEM_BASE + 0x10000 * t->slot;
}

static inline struct vrig *create(bool big_endian)
{
    struct vrig *t = calloc(1, sizeof *t);
    struct rig *r = t->r = rig_create(big_endian);
    virtio_blk_init(&t->blk, &r->f.platform, "vblk", r->pci, SLOT_BLK, &r->disk[0]);
    virtio_rng_init(&t->rng, &r->f.platform, "vrng", r->pci, SLOT_RNG);
    virtio_console_init(&t->con, &r->f.platform, "vcon", r->pci, SLOT_CON);
    for (t->slot = SLOT_BLK; t->slot <= SLOT_CON; t->slot++) {
        pci_config_write(r->pci, CONFIG(t->slot) | 0x10, 4, io(t));
        pci_config_write(r->pci, CONFIG(t->slot) | 0x14, 4, mem(t));
        pci_config_write(r->pci, CONFIG(t->slot) | 0x04, 2, 7);
    }
    return t;
}

static inline void destroy(struct vrig *t)
{
    rig_destroy(t->r);
    free(t);
}

static inline void st16(struct vrig *t, uint32_t pa, uint16_t v)
{
    virtio_st16(t->r->f.ram + pa, v, t->big);
}

static inline void st32(struct vrig *t, uint32_t pa, uint32_t v)
{
    virtio_st32(t->r->f.ram + pa, v, t->big);
}

static inline void st64(struct vrig *t, uint32_t pa, uint64_t v)
{
    virtio_st64(t->r->f.ram + pa, v, t->big);
}

static inline uint16_t ld16(struct vrig *t, uint32_t pa)
{
    return t->big ? ld_be16(t->r->f.ram + pa) : ld_le16(t->r->f.ram + pa);
}

static inline uint32_t ld32(struct vrig *t, uint32_t pa)
{
    return t->big ? ld_be32(t->r->f.ram + pa) : ld_le32(t->r->f.ram + pa);
}

static inline uint64_t in(struct vrig *t, unsigned off, unsigned size)
{
    return bus_read(t->r->io, io(t) + off, size);
}

static inline void out(struct vrig *t, unsigned off, unsigned size, uint64_t value)
{
    bus_write(t->r->io, io(t) + off, size, value);
}

/* Offset of a modern structure, found through the capabilities. */
static inline uint32_t region(struct vrig *t, unsigned type)
{
    uint32_t at = CONFIG(t->slot);
    ck_assert_uint_ne(pci_config_read(t->r->pci, at | 6, 2) & 0x10, 0);
    unsigned cap = (unsigned)pci_config_read(t->r->pci, at | 0x34, 1);
    for (unsigned i = 0; cap != 0 && i < 8; i++) {
        if (pci_config_read(t->r->pci, at | cap, 1) == 9 &&
            pci_config_read(t->r->pci, at | (cap + 3), 1) == type) {
            ck_assert_uint_eq(pci_config_read(t->r->pci, at | (cap + 4), 1), 1); /* BAR */
            return (uint32_t)pci_config_read(t->r->pci, at | (cap + 8), 4);
        }
        cap = (unsigned)pci_config_read(t->r->pci, at | (cap + 1), 1);
    }
    ck_abort_msg("no capability of type %u", type);
    return 0;
}

static inline uint64_t min_(struct vrig *t, unsigned type, unsigned off, unsigned size)
{
    return bus_read(t->r->mem, mem(t) + region(t, type) + off, size);
}

static inline void mout(struct vrig *t, unsigned type, unsigned off, unsigned size, uint64_t value)
{
    bus_write(t->r->mem, mem(t) + region(t, type) + off, size, value);
}

static inline uint8_t get_status(struct vrig *t)
{
    return (uint8_t)in(t, 18, 1);
}

static inline void place(struct vrig *t, unsigned n)
{
    struct vq *q = &t->q[n];
    *q = (struct vq){.desc = QUEUE_MEM * (n + 1)};
    memset(t->r->f.ram + q->desc, 0, 0x4000);
    q->avail = q->desc + 16 * VIRTIO_QUEUE_SIZE;
    q->used = (q->avail + 2 * (3 + VIRTIO_QUEUE_SIZE) + 4095) & ~4095u;
}

static inline void start_legacy(struct vrig *t, unsigned slot, unsigned queues)
{
    t->slot = slot;
    t->modern = false;
    t->big = t->r->f.platform.big_endian;
    out(t, 18, 1, 0);
    out(t, 18, 1, VIRTIO_ACKNOWLEDGE);
    out(t, 18, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    out(t, 4, 4, t->features & in(t, 0, 4));
    for (unsigned n = 0; n < queues; n++) {
        place(t, n);
        out(t, 14, 2, n);
        ck_assert_uint_eq(in(t, 12, 2), VIRTIO_QUEUE_SIZE);
        ck_assert_uint_eq(in(t, 8, 4), 0);
        out(t, 8, 4, t->q[n].desc >> 12);
        ck_assert_uint_eq(in(t, 8, 4), t->q[n].desc >> 12);
    }
    out(t, 14, 2, queues); /* there is no such queue */
    ck_assert_uint_eq(in(t, 12, 2), 0);
    out(t, 18, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK);
}

static inline void start_modern(struct vrig *t, unsigned slot, unsigned queues)
{
    uint8_t status = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER;
    t->slot = slot;
    t->modern = true;
    t->big = false;
    mout(t, 1, 20, 1, 0);
    ck_assert_uint_eq(min_(t, 1, 20, 1), 0);
    mout(t, 1, 20, 1, status);
    uint64_t offered = 0;
    for (unsigned half = 0; half < 2; half++) {
        mout(t, 1, 0, 4, half);
        offered |= min_(t, 1, 4, 4) << 32 * half;
    }
    ck_assert_uint_ne(offered >> F_VERSION_1 & 1, 0);
    uint64_t features = offered & (t->features | (uint64_t)1 << F_VERSION_1);
    for (unsigned half = 0; half < 2; half++) {
        mout(t, 1, 8, 4, half);
        mout(t, 1, 12, 4, features >> 32 * half);
    }
    status |= VIRTIO_FEATURES_OK;
    mout(t, 1, 20, 1, status);
    ck_assert_uint_eq(min_(t, 1, 20, 1), status);
    ck_assert_uint_eq(min_(t, 1, 18, 2), queues);
    for (unsigned n = 0; n < queues; n++) {
        place(t, n);
        mout(t, 1, 22, 2, n);
        ck_assert_uint_eq(min_(t, 1, 24, 2), VIRTIO_QUEUE_SIZE);
        mout(t, 1, 32, 4, t->q[n].desc);
        mout(t, 1, 40, 4, t->q[n].avail);
        mout(t, 1, 48, 4, t->q[n].used);
        mout(t, 1, 28, 2, 1);
    }
    mout(t, 1, 20, 1, status | VIRTIO_DRIVER_OK);
}

/* mode 0: legacy, little-endian; 1: legacy, big-endian; 2: modern on a big-endian guest,
 * with indirect descriptors and event index. */
static inline struct vrig *create_mode(int mode)
{
    struct vrig *t = create(mode != 0);
    if (mode == 2)
        t->features = (uint64_t)1 << F_INDIRECT | (uint64_t)1 << F_EVENT_IDX;
    t->features |= 0xffff; /* what the devices offer of their own */
    return t;
}

static inline void start(struct vrig *t, int mode, unsigned slot, unsigned queues)
{
    if (mode == 2)
        start_modern(t, slot, queues);
    else
        start_legacy(t, slot, queues);
}

static inline void put_desc(struct vrig *t, uint32_t table, unsigned i, uint64_t pa, uint32_t len,
                            unsigned flags, unsigned next)
{
    uint32_t at = table + 16 * i;
    st64(t, at, pa);
    st32(t, at + 8, len);
    st16(t, at + 12, (uint16_t)flags);
    st16(t, at + 14, (uint16_t)next);
}

static inline void offer(struct vrig *t, unsigned n, unsigned head)
{
    struct vq *q = &t->q[n];
    st16(t, q->avail + 4 + 2 * (q->avail_idx % VIRTIO_QUEUE_SIZE), (uint16_t)head);
    st16(t, q->avail + 2, ++q->avail_idx);
}

static inline void notify(struct vrig *t, unsigned n)
{
    if (t->modern)
        mout(t, 2, 4 * n, 2, n);
    else
        out(t, 16, 2, n);
}

static inline bool line(struct vrig *t)
{
    return t->r->line[t->slot & 3];
}

static inline uint8_t take_isr(struct vrig *t)
{
    uint8_t isr = (uint8_t)(t->modern ? min_(t, 3, 0, 1) : in(t, 19, 1));
    ck_assert(!line(t));
    return isr;
}

/* Wait for one used element, and return its length. */
static inline uint32_t wait_used(struct vrig *t, unsigned n, unsigned head)
{
    struct vq *q = &t->q[n];
    fake_advance(&t->r->f, EPOCH_NS - 1);
    ck_assert_uint_eq(ld16(t, q->used + 2), q->used_idx);
    ck_assert(!line(t));
    fake_advance(&t->r->f, WAIT_NS);
    uint32_t at = q->used + 4 + 8 * (q->used_idx % VIRTIO_QUEUE_SIZE);
    ck_assert_uint_eq(ld16(t, q->used + 2), (uint16_t)++q->used_idx);
    ck_assert_uint_eq(ld32(t, at), head);
    ck_assert(line(t));
    ck_assert_uint_eq(take_isr(t), 1);
    st16(t, q->avail + 4 + 2 * VIRTIO_QUEUE_SIZE, q->used_idx); /* used_event */
    return ld32(t, at + 4);
}

/* Put a request of three or more descriptors into the queue: header, data in pieces, status. */
static inline void blk_send(struct vrig *t, uint32_t type, uint64_t sector, bool in_data,
                            unsigned pieces, uint32_t piece)
{
    bool indirect = t->modern;
    uint32_t table = indirect ? TABLE : t->q[0].desc;
    unsigned first = indirect ? 0 : 5;
    st32(t, HEADER, type);
    st32(t, HEADER + 4, 0);
    st64(t, HEADER + 8, sector);
    t->r->f.ram[STATUS] = 0x77;
    put_desc(t, table, first, HEADER, 16, NEXT, first + 1);
    for (unsigned i = 1; i <= pieces; i++)
        put_desc(t, table, first + i, DATA + (i - 1) * piece, piece, NEXT | (in_data ? WRITE : 0),
                 first + i + 1);
    put_desc(t, table, first + pieces + 1, STATUS, 1, WRITE, 0);
    if (indirect)
        put_desc(t, t->q[0].desc, 5, TABLE, 16 * (pieces + 2), INDIRECT, 0);
    offer(t, 0, 5);
    notify(t, 0);
}

static inline uint32_t blk_do(struct vrig *t, uint32_t type, uint64_t sector, bool in_data,
                              unsigned pieces, uint32_t piece, uint8_t status)
{
    blk_send(t, type, sector, in_data, pieces, piece);
    uint32_t used = wait_used(t, 0, 5);
    ck_assert_uint_eq(t->r->f.ram[STATUS], status);
    return used;
}

#endif
