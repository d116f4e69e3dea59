/* Virtio over PCI, driven as a kernel does; the three modes are in virtio_driver.h. */
#include "tests/unit/virtio_driver.h"

START_TEST(identity)
{
    struct vrig *t = create(_i != 0);
    t->slot = SLOT_BLK;
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_BLK), 4), 0x10011af4);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_BLK) | 8, 1), 0);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_BLK) | 0x2c, 4), 0x00021af4);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_RNG), 4), 0x10051af4);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_CON), 4), 0x10031af4);
    uint8_t capacity[8];
    for (unsigned i = 0; i < 8; i++)
        capacity[i] = (uint8_t)in(t, 20 + i, 1);
    ck_assert_uint_eq(_i != 0 ? ld_be64(capacity) : ld_le64(capacity), DISK_SECTORS);
    ck_assert_uint_eq(min_(t, 4, 0, 4), DISK_SECTORS);
    ck_assert_uint_eq(min_(t, 4, 20, 4), 512);
    ck_assert_uint_eq(min_(t, 4, 60, 4), 0);      /* behind the end */
    ck_assert_uint_eq(min_(t, 1, 16, 2), 0xffff); /* no MSI-X */
    destroy(t);
}
END_TEST

START_TEST(features_refused)
{
    struct vrig *t = create(false);
    t->slot = SLOT_RNG;
    mout(t, 1, 8, 4, 1);
    mout(t, 1, 12, 4, 0x80000001); /* bit 63 is nobody's */
    mout(t, 1, 20, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    ck_assert_uint_eq(min_(t, 1, 20, 1), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    destroy(t);
}
END_TEST

START_TEST(blk_requests)
{
    struct vrig *t = create_mode(_i);
    struct disk *d = &t->r->disk[0];
    start(t, _i, SLOT_BLK, 1);
    ck_assert_uint_eq(blk_do(t, 0, 33, true, 4, 1024, 0), 4097);
    ck_assert_int_eq(memcmp(t->r->f.ram + DATA, d->data + 33 * 512, 4096), 0);
    ck_assert_uint_eq(blk_do(t, 1, 600, false, 5, 1000 + 24, 0), 1);
    ck_assert_int_eq(memcmp(t->r->f.ram + DATA, d->data + 600 * 512, 5120), 0);
    ck_assert_int_eq(memcmp(d->data + 600 * 512, d->data + 33 * 512, 4096), 0);
    /* Pieces that are no sectors. */
    memset(t->r->f.ram + DATA, 0, 2048);
    ck_assert_uint_eq(blk_do(t, 0, 90, true, 8, 192, 0), 1537);
    ck_assert_int_eq(memcmp(t->r->f.ram + DATA, d->data + 90 * 512, 1536), 0);
    for (unsigned i = 0; i < 1024; i++)
        t->r->f.ram[DATA + i] = (uint8_t)(i * 13);
    blk_do(t, 1, 91, false, 16, 64, 0);
    ck_assert_int_eq(memcmp(t->r->f.ram + DATA, d->data + 91 * 512, 1024), 0);
    ck_assert_uint_eq(blk_do(t, 4, 0, false, 0, 0, 0), 1);
    ck_assert_uint_eq(blk_do(t, 8, 0, true, 1, 20, 0), 21);
    ck_assert_str_eq((char *)t->r->f.ram + DATA, "SERIAL-0123456789AB");
    st64(t, DATA, 700);
    st32(t, DATA + 8, 40);
    st32(t, DATA + 12, 0);
    blk_do(t, 13, 0, false, 1, 16, 0);
    for (unsigned i = 0; i < 40 * 512; i++)
        ck_assert_uint_eq(d->data[700 * 512 + i], 0);
    blk_do(t, 11, 0, false, 1, 16, 0);
    for (unsigned i = 0; i < 40 * 512; i++)
        ck_assert_uint_eq(d->data[700 * 512 + i], 0xdd);
    st64(t, DATA, DISK_SECTORS - 1);
    st32(t, DATA + 8, 2);
    blk_do(t, 11, 0, false, 1, 16, 1);
    ck_assert_uint_ne(ld_le32(d->data + 740 * 512), 0);
    ck_assert_uint_ne(ld_le32(d->data + 699 * 512), 0);
    destroy(t);
}
END_TEST

START_TEST(blk_errors)
{
    struct vrig *t = create_mode(_i);
    struct disk *d = &t->r->disk[0];
    start(t, _i, SLOT_BLK, 1);
    blk_do(t, 0, DISK_SECTORS, true, 1, 512, 1);
    blk_do(t, 0, DISK_SECTORS - 1, true, 2, 512, 1);
    blk_do(t, 0, UINT64_MAX, true, 2, 512, 1);
    blk_do(t, 0, 0, true, 1, 100, 1);
    blk_do(t, 99, 0, true, 1, 512, 2);
    d->read_only = true;
    uint32_t before = ld_le32(d->data + 512);
    blk_do(t, 1, 1, false, 1, 512, 1);
    ck_assert_uint_eq(ld_le32(d->data + 512), before);
    ck_assert_uint_eq(get_status(t) & VIRTIO_NEEDS_RESET, 0);
    destroy(t);
}
END_TEST

START_TEST(many_requests)
{
    struct vrig *t = create_mode(_i);
    start(t, _i, SLOT_BLK, 1);
    /* Indexes wrap more than once around 16 bits. */
    t->r->disk[0].data[0] = 0x42;
    for (unsigned i = 0; i < 70000; i += VIRTIO_QUEUE_SIZE) {
        for (unsigned k = 0; k < VIRTIO_QUEUE_SIZE; k++) {
            if (k == VIRTIO_QUEUE_SIZE - 1)
                blk_send(t, 4, 0, false, 0, 0);
            else
                offer(t, 0, 5);
        }
        fake_advance(&t->r->f, WAIT_NS);
        ck_assert_uint_eq(ld16(t, t->q[0].used + 2), t->q[0].avail_idx);
        take_isr(t);
        st16(t, t->q[0].avail + 4 + 2 * VIRTIO_QUEUE_SIZE, t->q[0].avail_idx);
    }
    t->q[0].used_idx = t->q[0].avail_idx;
    blk_do(t, 0, 0, true, 1, 512, 0);
    ck_assert_uint_eq(t->r->f.ram[DATA], 0x42);
    destroy(t);
}
END_TEST

START_TEST(interrupt_suppression)
{
    struct vrig *t = create_mode(_i);
    start(t, _i, SLOT_BLK, 1);
    struct vq *q = &t->q[0];
    if (_i == 2) {
        st16(t, q->avail + 4 + 2 * VIRTIO_QUEUE_SIZE, 1); /* interrupt after the second */
        ck_assert_uint_eq(ld16(t, q->used + 4 + 8 * VIRTIO_QUEUE_SIZE), 0);
    } else {
        st16(t, q->avail, 1);
    }
    blk_send(t, 4, 0, false, 0, 0);
    fake_advance(&t->r->f, WAIT_NS);
    ck_assert_uint_eq(ld16(t, q->used + 2), 1);
    ck_assert(!line(t));
    if (_i == 2)
        ck_assert_uint_eq(ld16(t, q->used + 4 + 8 * VIRTIO_QUEUE_SIZE), 1); /* avail_event */
    else
        st16(t, q->avail, 0);
    blk_send(t, 4, 0, false, 0, 0);
    fake_advance(&t->r->f, WAIT_NS);
    ck_assert(line(t));
    destroy(t);
}
END_TEST

START_TEST(big_transfers_take_time)
{
    struct vrig *t = create_mode(0);
    start(t, 0, SLOT_BLK, 1);
    blk_send(t, 0, 0, true, 4, 65536);
    fake_advance(&t->r->f, WAIT_NS / 10);
    ck_assert_uint_eq(ld16(t, t->q[0].used + 2), 1);
    for (unsigned i = 0; i < 20; i++) /* 20 * 256 KiB is 5 batches */
        offer(t, 0, 5);
    notify(t, 0);
    fake_advance(&t->r->f, WAIT_NS / 10);
    unsigned first = ld16(t, t->q[0].used + 2);
    ck_assert_uint_lt(first, 21);
    fake_advance(&t->r->f, 6 * WAIT_NS);
    ck_assert_uint_eq(ld16(t, t->q[0].used + 2), 21);
    destroy(t);
}
END_TEST

static void draw(struct vrig *t, int mode, uint8_t *bytes, uint32_t n)
{
    start(t, mode, SLOT_RNG, 1);
    put_desc(t, t->q[0].desc, 0, DATA, n, WRITE, 0);
    offer(t, 0, 0);
    notify(t, 0);
    ck_assert_uint_eq(wait_used(t, 0, 0), n);
    memcpy(bytes, t->r->f.ram + DATA, n);
}

START_TEST(rng)
{
    struct vrig *a = create_mode(_i), *b = create_mode(_i), *c = create_mode(_i);
    uint8_t x[64], y[64], z[64];
    c->rng.seed = 43;
    draw(a, _i, x, sizeof x);
    draw(b, _i, y, sizeof y);
    ck_assert_int_eq(memcmp(x, y, sizeof x), 0);
    draw(c, _i, z, sizeof z);
    ck_assert_int_ne(memcmp(x, z, sizeof x), 0);
    draw(a, _i, y, sizeof y); /* after a reset of the device */
    ck_assert_int_ne(memcmp(x, y, sizeof x), 0);
    destroy(a);
    destroy(b);
    destroy(c);
}
END_TEST

START_TEST(console)
{
    struct vrig *t = create_mode(_i);
    struct device *dev = &t->con.v.pci.dev;
    uint8_t many[300];
    ck_assert(!dev->ops->input_ready(dev));
    start(t, _i, SLOT_CON, 2);
    ck_assert(dev->ops->input_ready(dev));
    memcpy(t->r->f.ram + DATA, "hello, world", 12);
    put_desc(t, t->q[1].desc, 0, DATA, 5, NEXT, 1);
    put_desc(t, t->q[1].desc, 1, DATA + 5, 7, 0, 0);
    offer(t, 1, 0);
    notify(t, 1);
    ck_assert_uint_eq(wait_used(t, 1, 0), 0);
    ck_assert_str_eq(buf_cstr(&t->r->f.output), "hello, world");
    put_desc(t, t->q[0].desc, 3, DATA, 4096, WRITE, 0);
    offer(t, 0, 3);
    notify(t, 0);
    fake_advance(&t->r->f, WAIT_NS);
    ck_assert_uint_eq(ld16(t, t->q[0].used + 2), 0); /* kept for later */
    ck_assert_uint_eq(dev->ops->input(dev, (const uint8_t *)"key", 3), 3);
    ck_assert_uint_eq(wait_used(t, 0, 3), 3);
    ck_assert_int_eq(memcmp(t->r->f.ram + DATA, "key", 3), 0);
    ck_assert_uint_eq(t->r->f.wanted, 1);
    memset(many, 'x', sizeof many);
    ck_assert_uint_eq(dev->ops->input(dev, many, sizeof many), sizeof t->con.in);
    ck_assert_uint_eq(dev->ops->input(dev, many, sizeof many), 0);
    fake_advance(&t->r->f, WAIT_NS);
    offer(t, 0, 3);
    notify(t, 0);
    ck_assert_uint_eq(wait_used(t, 0, 3), sizeof t->con.in);
    ck_assert_uint_eq(t->r->f.wanted, 2);
    destroy(t);
}
END_TEST

START_TEST(save_in_flight)
{
    struct vrig *a = create_mode(_i), *b = create_mode(_i);
    struct buf state = {0};
    start(a, _i, SLOT_BLK, 1);
    blk_send(a, 0, 77, true, 4, 1024);
    fake_advance(&a->r->f, EPOCH_NS / 2);
    rig_save(a->r, &state);
    rig_load(b->r, &state);
    rig_assert_equal(a->r, b->r);
    fake_advance(&a->r->f, WAIT_NS);
    fake_advance(&b->r->f, WAIT_NS);
    rig_assert_equal(a->r, b->r);
    ck_assert(b->r->line[SLOT_BLK & 3]);
    ck_assert_int_eq(memcmp(b->r->f.ram + DATA, b->r->disk[0].data + 77 * 512, 4096), 0);
    /* With the interrupt pending, into a machine that has none. */
    struct vrig *c = create_mode(_i);
    buf_clear(&state);
    rig_save(a->r, &state);
    rig_load(c->r, &state);
    rig_assert_equal(a->r, c->r);
    buf_free(&state);
    destroy(a);
    destroy(b);
    destroy(c);
}
END_TEST

START_TEST(no_bus_master)
{
    struct vrig *t = create_mode(_i);
    start(t, _i, SLOT_BLK, 1);
    pci_config_write(t->r->pci, CONFIG(SLOT_BLK) | 0x04, 2, 3);
    unsigned dmas = t->r->dmas;
    blk_send(t, 0, 77, true, 1, 1024);
    fake_advance(&t->r->f, WAIT_NS);
    ck_assert_uint_eq(t->r->dmas, dmas);
    destroy(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev_virtio");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, identity, 0, 2);
    tcase_add_test(tc, features_refused);
    tcase_add_loop_test(tc, blk_requests, 0, 3);
    tcase_add_loop_test(tc, blk_errors, 0, 3);
    tcase_add_loop_test(tc, many_requests, 0, 3);
    tcase_add_loop_test(tc, interrupt_suppression, 0, 3);
    tcase_add_test(tc, big_transfers_take_time);
    tcase_add_loop_test(tc, rng, 0, 3);
    tcase_add_loop_test(tc, console, 0, 3);
    tcase_add_loop_test(tc, save_in_flight, 0, 3);
    tcase_add_loop_test(tc, no_bus_master, 0, 3);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
