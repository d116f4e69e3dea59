/* Virtio over PCI with rings and registers that no driver would write. */
#include "tests/unit/virtio_driver.h"

#define FUZZ_RUNS 3000

/* What a hostile driver may write. Each one returns with the queue not yet notified. */
static void bad_index(struct vrig *t)
{
    st16(t, t->q[0].avail + 2, VIRTIO_QUEUE_SIZE + 1);
}

static void bad_head(struct vrig *t)
{
    offer(t, 0, VIRTIO_QUEUE_SIZE);
}

static void bad_next(struct vrig *t)
{
    put_desc(t, t->q[0].desc, 0, HEADER, 16, NEXT, 0xffff);
    offer(t, 0, 0);
}

static void bad_loop(struct vrig *t)
{
    put_desc(t, t->q[0].desc, 0, HEADER, 16, NEXT, 1);
    put_desc(t, t->q[0].desc, 1, HEADER, 0, NEXT, 0); /* an empty one does not count as progress */
    offer(t, 0, 0);
}

static void bad_order(struct vrig *t)
{
    put_desc(t, t->q[0].desc, 0, STATUS, 1, NEXT | WRITE, 1);
    put_desc(t, t->q[0].desc, 1, HEADER, 16, 0, 0);
    offer(t, 0, 0);
}

static void bad_wrap(struct vrig *t)
{
    put_desc(t, t->q[0].desc, 0, UINT64_MAX - 3, 16, NEXT, 1);
    put_desc(t, t->q[0].desc, 1, STATUS, 1, WRITE, 0);
    offer(t, 0, 0);
}

static void bad_header_place(struct vrig *t)
{
    put_desc(t, t->q[0].desc, 0, RAM_SIZE - 8, 16, NEXT, 1);
    put_desc(t, t->q[0].desc, 1, STATUS, 1, WRITE, 0);
    offer(t, 0, 0);
}

static void bad_no_status(struct vrig *t)
{
    put_desc(t, t->q[0].desc, 0, HEADER, 16, 0, 0);
    offer(t, 0, 0);
}

static void bad_data_place(struct vrig *t)
{
    memset(t->r->ram + HEADER, 0, 16);
    put_desc(t, t->q[0].desc, 0, HEADER, 16, NEXT, 1);
    put_desc(t, t->q[0].desc, 1, RAM_SIZE - 512, 1024, NEXT | WRITE, 2);
    put_desc(t, t->q[0].desc, 2, STATUS, 1, WRITE, 0);
    offer(t, 0, 0);
}

static void bad_status_place(struct vrig *t)
{
    memset(t->r->ram + HEADER, 0, 16);
    put_desc(t, t->q[0].desc, 0, HEADER, 16, NEXT, 1);
    put_desc(t, t->q[0].desc, 1, RAM_SIZE, 1, WRITE, 0);
    offer(t, 0, 0);
}

static void bad_ring_place(struct vrig *t)
{
    offer(t, 0, 0);
    t->blk.v.queue[0].used = RAM_SIZE - 4;
    t->blk.v.queue[0].avail = UINT64_MAX - 1;
}

static void put_table(struct vrig *t, uint32_t len, unsigned flags)
{
    st32(t, HEADER, 4);
    put_desc(t, TABLE, 0, HEADER, 16, NEXT, 1);
    put_desc(t, TABLE, 1, STATUS, 1, WRITE, 0);
    put_desc(t, t->q[0].desc, 0, TABLE, len, INDIRECT | flags, 1);
    put_desc(t, t->q[0].desc, 1, STATUS, 1, WRITE, 0);
    offer(t, 0, 0);
}

static void bad_table_size(struct vrig *t)
{
    put_table(t, 31, 0);
}

static void bad_table_empty(struct vrig *t)
{
    put_table(t, 0, 0);
}

static void bad_table_long(struct vrig *t)
{
    put_table(t, 0xfffffff0, 0);
}

static void bad_table_next(struct vrig *t)
{
    put_table(t, 32, NEXT);
}

static void bad_table_short(struct vrig *t)
{
    put_table(t, 16, 0); /* its first entry leads out of it */
}

static void bad_table_nested(struct vrig *t)
{
    put_table(t, 32, 0);
    put_desc(t, TABLE, 0, TABLE, 32, INDIRECT, 0);
}

static void bad_table_place(struct vrig *t)
{
    put_table(t, 32, 0);
    put_desc(t, t->q[0].desc, 0, RAM_SIZE - 16, 32, INDIRECT, 0);
}

static void good_table(struct vrig *t)
{
    put_table(t, 32, 0);
}

static void (*const bad_rings[])(struct vrig *t) = {
    bad_index,        bad_head,       bad_next,        bad_loop,       bad_order,
    bad_wrap,         bad_no_status,  bad_data_place,  bad_ring_place, bad_header_place,
    bad_status_place, bad_table_size, bad_table_empty, bad_table_long, bad_table_next,
    bad_table_short,  bad_table_nested, bad_table_place, good_table,
};

START_TEST(hostile_rings)
{
    struct vrig *t = create_mode(2);
    bool is_good = bad_rings[_i] == good_table;
    start(t, 2, SLOT_BLK, 1);
    bad_rings[_i](t);
    notify(t, 0);
    rig_run(t->r, WAIT_NS);
    ck_assert_int_eq((get_status(t) & VIRTIO_NEEDS_RESET) == 0, is_good);
    ck_assert_uint_eq(ld16(t, t->q[0].used + 2), is_good ? 1 : 0);
    ck_assert_uint_eq(take_isr(t), is_good ? 1 : 2);
    if (!is_good) { /* dead to everything but a reset */
        unsigned dmas = t->r->dmas;
        notify(t, 0);
        rig_run(t->r, WAIT_NS);
        ck_assert_uint_eq(t->r->dmas, dmas);
        mout(t, 1, 20, 1, VIRTIO_DRIVER_OK);
        ck_assert_uint_ne(get_status(t) & VIRTIO_NEEDS_RESET, 0);
    }
    start(t, 2, SLOT_BLK, 1);
    blk_do(t, 0, 3, true, 1, 512, 0);
    destroy(t);
}
END_TEST

/* The same table is bad when indirect descriptors were not agreed upon. */
START_TEST(indirect_not_negotiated)
{
    struct vrig *t = create_mode(0);
    start(t, 0, SLOT_BLK, 1);
    good_table(t);
    notify(t, 0);
    rig_run(t->r, WAIT_NS);
    ck_assert_uint_ne(get_status(t) & VIRTIO_NEEDS_RESET, 0);
    destroy(t);
}
END_TEST

/* Small numbers more often than others, and addresses that are mostly in RAM. */
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

static void fuzz_registers(struct vrig *t, uint64_t *seed)
{
    static const uint16_t common[] = {0, 4, 8, 12, 16, 18, 20, 22, 24, 28, 32, 36, 40, 44, 48, 52};
    uint32_t x = rig_random(seed), value = random_word(seed);
    unsigned size = 1u << (x >> 4) % 3;
    t->slot = SLOT_BLK + x % 3;
    t->modern = (x >> 6 & 1) != 0;
    if ((x >> 7 & 7) == 0)
        notify(t, x >> 10 & 3);
    else if (t->modern)
        mout(t, 1, common[(x >> 12) % ARRAY_LEN(common)], size, value);
    else
        out(t, (x >> 12) % 32, size, value);
    if ((x >> 17 & 3) == 0)
        in(t, (x >> 19) % 124, size);
    else if ((x >> 17 & 3) == 1)
        bus_read(t->r->mem, mem(t) + (x >> 19) % 0x3ffc, size);
}

/* Chains that are half right, so that the walker gets far. */
static void fuzz_rings(struct vrig *t, uint64_t *seed)
{
    for (unsigned n = 0; n < 2; n++) {
        struct vq *q = &t->q[n];
        for (unsigned i = 0; i < 8; i++) {
            uint32_t x = rig_random(seed);
            unsigned flags = (x >> 2 & 1) | (i > 2 ? WRITE : 0) | ((x >> 3 & 7) == 0 ? INDIRECT : 0);
            uint32_t len = (x >> 6 & 3) != 0 ? 16u << (x >> 8) % 8 : random_word(seed);
            uint64_t pa = (x >> 16 & 31) != 0 ? DATA + (x >> 4 & 0xfff0) : random_word(seed);
            unsigned next = (x >> 24 & 3) != 0 ? i + 1 : random_word(seed);
            put_desc(t, q->desc, i, pa, len, flags, next);
            put_desc(t, DATA, i, pa, len, flags & ~(unsigned)INDIRECT, next);
        }
        if (rig_random(seed) % 16 == 0)
            q->avail_idx = (uint16_t)random_word(seed);
        offer(t, n, random_word(seed) % 9);
        notify(t, n);
    }
}

START_TEST(random_rings)
{
    struct vrig *t = create_mode(_i % 3);
    static const unsigned queues[] = {1, 1, 2};
    uint64_t seed = (uint64_t)_i;
    unsigned done = 0, broken = 0;
    for (unsigned i = 0; i < FUZZ_RUNS; i++) {
        unsigned k = rig_random(&seed) % 3;
        start(t, _i % 3, SLOT_BLK + k, queues[k]);
        for (unsigned n = queues[k]; n < 2; n++)
            place(t, n);
        for (unsigned round = 0; round < 4; round++) {
            fuzz_rings(t, &seed);
            rig_run(t->r, WAIT_NS);
        }
        done += ld16(t, t->q[0].used + 2);
        broken += (get_status(t) & VIRTIO_NEEDS_RESET) != 0;
    }
    /* Both ends were reached, or the test tests nothing. */
    ck_assert_uint_gt(done, FUZZ_RUNS / 10);
    ck_assert_uint_gt(broken, FUZZ_RUNS / 10);
    destroy(t);
}
END_TEST

START_TEST(random_registers)
{
    struct vrig *a = create_mode(_i % 3), *b = create_mode(_i % 3);
    struct vrig *both[2] = {a, b};
    for (unsigned k = 0; k < 2; k++) {
        struct vrig *t = both[k];
        uint64_t seed = (uint64_t)_i;
        for (unsigned i = 0; i < 0x40000; i++)
            t->r->ram[i] = (uint8_t)(random_word(&seed) & 0x13);
        for (unsigned i = 0; i < FUZZ_RUNS * 4; i++) {
            fuzz_registers(t, &seed);
            if (i % 8 == 0)
                rig_run(t->r, EPOCH_NS);
        }
    }
    rig_assert_equal(a->r, b->r);
    for (unsigned k = 0; k < a->r->devices; k++)
        a->r->device[k]->ops->reset(a->r->device[k]);
    a->slot = SLOT_BLK;
    pci_config_write(a->r->pci, CONFIG(SLOT_BLK) | 0x10, 4, io(a));
    pci_config_write(a->r->pci, CONFIG(SLOT_BLK) | 0x14, 4, mem(a));
    pci_config_write(a->r->pci, CONFIG(SLOT_BLK) | 0x04, 2, 7);
    start(a, _i % 3, SLOT_BLK, 1);
    blk_do(a, 0, 9, true, 1, 512, 0);
    destroy(a);
    destroy(b);
}
END_TEST

START_TEST(poison)
{
    struct vrig *a = create_mode(0), *b = create_mode(0), *c = create_mode(0);
    uint64_t seed = 1;
    /* A device with senseless state must survive too: it may come from a damaged file. */
    for (unsigned i = 0; i < a->r->devices; i++) {
        rig_poison(a->r->device[i], b->r->device[i]);
        struct virtio *v = (struct virtio *)b->r->device[i];
        memcpy(v->pci.config, ((struct virtio *)c->r->device[i])->pci.config, 256);
        b->r->device[i]->ops->loaded(b->r->device[i]);
    }
    for (unsigned i = 0; i < b->r->timers; i++)
        b->r->timer[i]->deadline = b->r->now;
    b->con.v.status = b->blk.v.status = 0;
    rig_run(b->r, WAIT_NS);
    for (unsigned i = 0; i < FUZZ_RUNS; i++)
        fuzz_registers(b, &seed);
    destroy(a);
    destroy(b);
    destroy(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev_virtio_hostile");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, hostile_rings, 0, (int)ARRAY_LEN(bad_rings));
    tcase_add_test(tc, indirect_not_negotiated);
    tcase_add_loop_test(tc, random_rings, 0, 6);
    tcase_add_loop_test(tc, random_registers, 0, 6);
    tcase_add_test(tc, poison);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
