/* The virtio balloon: a driver's lists of pages, the target, and drivers that write nonsense. */
#include "tests/unit/virtio_driver.h"

#include "core/dev/virtio_balloon.h"

#define SLOT_BALLOON 21
#define OPS_MAX      20000
#define FUZZ_RUNS    3000

/* A new field is state or derived: decide, list it, then change this. */
_Static_assert(sizeof(struct virtio_balloon) == 1160, "state table of struct virtio_balloon");

struct op {
    uint64_t pa;
    enum balloon_op op;
};

struct brig {
    struct vrig *t;
    struct virtio_balloon b;
};

/* What the platform was told. */
static struct op ops[OPS_MAX];
static unsigned ops_count;

static void note_op(struct platform *p, uint64_t pa, enum balloon_op op)
{
    (void)p;
    ck_assert_uint_lt(ops_count, OPS_MAX);
    ops[ops_count++] = (struct op){pa, op};
}

static struct brig *balloon_create(int mode)
{
    struct brig *g = calloc(1, sizeof *g);
    struct vrig *t = g->t = create_mode(mode);
    t->r->f.platform.balloon = note_op;
    virtio_balloon_init(&g->b, &t->r->f.platform, "balloon", t->r->pci, SLOT_BALLOON);
    t->slot = SLOT_BALLOON;
    pci_config_write(t->r->pci, CONFIG(t->slot) | 0x10, 4, io(t));
    pci_config_write(t->r->pci, CONFIG(t->slot) | 0x14, 4, mem(t));
    pci_config_write(t->r->pci, CONFIG(t->slot) | 0x04, 2, 7);
    start(t, mode, SLOT_BALLOON, 2);
    ops_count = 0;
    return g;
}

static void balloon_destroy(struct brig *g)
{
    destroy(g->t);
    free(g);
}

/* A list of n page numbers from `first`, every third page, in two pieces. */
static void send_list(struct vrig *t, unsigned queue, uint32_t first, unsigned n)
{
    unsigned half = n / 2;
    for (unsigned i = 0; i < n; i++)
        st32(t, DATA + 4 * i, first + 3 * i);
    put_desc(t, t->q[queue].desc, 0, DATA, 4 * half, NEXT, 1);
    put_desc(t, t->q[queue].desc, 1, DATA + 4 * half, 4 * (n - half), 0, 0);
    offer(t, queue, 0);
    notify(t, queue);
}

static void check_list(uint32_t first, unsigned n, enum balloon_op op)
{
    ck_assert_uint_eq(ops_count, n);
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(ops[i].pa, (uint64_t)(first + 3 * i) << PAGE_BITS);
        ck_assert_int_eq(ops[i].op, op);
    }
    ops_count = 0;
}

START_TEST(lists)
{
    struct brig *g = balloon_create(_i);
    struct vrig *t = g->t;
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_BALLOON), 4), 0x10021af4);
    ck_assert_uint_eq(pci_config_read(t->r->pci, CONFIG(SLOT_BALLOON) | 0x2c, 4), 0x00051af4);
    send_list(t, 0, 100, 256);
    ck_assert_uint_eq(ops_count, 0); /* not within the notification */
    ck_assert_uint_eq(wait_used(t, 0, 0), 0);
    check_list(100, 256, BALLOON_IN);
    send_list(t, 1, 0xfffff000, 2); /* wherever that is */
    ck_assert_uint_eq(wait_used(t, 1, 0), 0);
    check_list(0xfffff000, 2, BALLOON_OUT);
    send_list(t, 0, 7, 5000); /* only a part of it */
    ck_assert_uint_eq(wait_used(t, 0, 0), 0);
    check_list(7, 1024, BALLOON_IN);
    /* A list that ends within a number, an empty one, and one without a list. */
    st32(t, DATA, 5);
    put_desc(t, t->q[0].desc, 0, DATA, 7, 0, 0);
    put_desc(t, t->q[0].desc, 1, DATA, 3, 0, 0);
    put_desc(t, t->q[0].desc, 2, DATA, 64, WRITE, 0);
    offer(t, 0, 0);
    offer(t, 0, 1);
    offer(t, 0, 2);
    notify(t, 0);
    fake_advance(&t->r->f, WAIT_NS);
    check_list(5, 1, BALLOON_IN);
    ck_assert_uint_eq(ld16(t, t->q[0].used + 2), t->q[0].avail_idx);
    balloon_destroy(g);
}
END_TEST

static uint32_t read_config(struct vrig *t, unsigned off)
{
    uint8_t bytes[4];
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(t->modern ? min_(t, 4, off + i, 1) : in(t, 20 + off + i, 1));
    return ld_le32(bytes); /* in big-endian guests, too */
}

START_TEST(target)
{
    struct brig *g = balloon_create(_i);
    struct vrig *t = g->t;
    ck_assert(virtio_balloon_ready(&g->b));
    ck_assert(!line(t));
    virtio_balloon_set_target(&g->b, 0x12345);
    ck_assert(line(t));
    ck_assert_uint_eq(take_isr(t), 2);
    ck_assert_uint_eq(read_config(t, 0), 0x12345);
    virtio_balloon_set_target(&g->b, 0x12345);
    ck_assert(!line(t));
    /* The driver's own number, as kernels write it. */
    if (t->modern)
        mout(t, 4, 4, 4, 0x11223344);
    else
        for (unsigned i = 0; i < 4; i++)
            out(t, 24 + i, 1, 0x44 - 0x11 * i);
    ck_assert_uint_eq(g->b.actual, 0x11223344);
    ck_assert_uint_eq(read_config(t, 4), 0x11223344);
    /* The monitor's is not the driver's to write; a write across both changes one. */
    t->modern ? mout(t, 4, 0, 4, 1) : out(t, 20, 4, 1);
    ck_assert_uint_eq(read_config(t, 0), 0x12345);
    t->modern ? mout(t, 4, 6, 4, 0xffffaabb) : out(t, 26, 4, 0xffffaabb);
    ck_assert_uint_eq(read_config(t, 4), 0xaabb3344);
    /* Without a driver there is nobody to tell. */
    t->modern ? mout(t, 1, 20, 1, 0) : out(t, 18, 1, 0);
    ck_assert(!virtio_balloon_ready(&g->b));
    ck_assert(ops_count == 1 && ops[0].op == BALLOON_ALL_OUT);
    virtio_balloon_set_target(&g->b, 5);
    ck_assert(!line(t));
    ck_assert_uint_eq(g->b.actual, 0);
    ck_assert_uint_eq(read_config(t, 0), 5);
    balloon_destroy(g);
}
END_TEST

START_TEST(save_in_flight)
{
    struct brig *a = balloon_create(_i), *b = balloon_create(_i);
    struct buf state = {0};
    virtio_balloon_set_target(&a->b, 77);
    a->b.actual = 55;
    send_list(a->t, 0, 9, 64);
    fake_advance(&a->t->r->f, EPOCH_NS / 2);
    rig_save(a->t->r, &state);
    rig_load(b->t->r, &state);
    rig_assert_equal(a->t->r, b->t->r);
    fake_advance(&a->t->r->f, WAIT_NS);
    check_list(9, 64, BALLOON_IN);
    fake_advance(&b->t->r->f, WAIT_NS);
    check_list(9, 64, BALLOON_IN);
    rig_assert_equal(a->t->r, b->t->r);
    ck_assert_uint_eq(b->b.num_pages, 77);
    ck_assert_uint_eq(b->b.actual, 55);
    buf_free(&state);
    balloon_destroy(a);
    balloon_destroy(b);
}
END_TEST

START_TEST(hostile)
{
    struct brig *g = balloon_create(_i % 3);
    struct vrig *t = g->t;
    uint64_t seed = (uint64_t)_i;
    unsigned broken = 0, done = 0;
    for (unsigned run = 0; run < FUZZ_RUNS; run++) {
        start(t, _i % 3, SLOT_BALLOON, 2);
        for (unsigned n = 0; n < 2; n++) {
            for (unsigned i = 0; i < 4; i++) {
                uint32_t x = rig_random(&seed);
                uint64_t pa = (x & 7) != 0 ? x >> 3 & 0xfffff : UINT64_MAX - (x >> 3 & 0xffff);
                uint32_t len = x >> (x & 31);
                put_desc(t, t->q[n].desc, i, pa, len, (x >> 8 & 1) | (x >> 9 & 3 ? 0 : WRITE),
                         i + 1);
            }
            for (unsigned i = 0; i < 3; i++)
                offer(t, n, rig_random(&seed) % 4);
            notify(t, n);
        }
        uint32_t x = rig_random(&seed);
        t->modern ? mout(t, 4, x % 9, 1u << x % 3, x) : out(t, 20 + x % 9, 1u << x % 3, x);
        virtio_balloon_set_target(&g->b, x);
        ops_count = 0;
        fake_advance(&t->r->f, WAIT_NS);
        broken += (get_status(t) & VIRTIO_NEEDS_RESET) != 0;
        done += ops_count != 0;
    }
    ck_assert_uint_gt(broken, FUZZ_RUNS / 10);
    ck_assert_uint_gt(done, FUZZ_RUNS / 10);
    balloon_destroy(g);
}
END_TEST

START_TEST(poison)
{
    struct brig *a = balloon_create(0), *b = balloon_create(0);
    rig_poison(&a->b.v.pci.dev, &b->b.v.pci.dev);
    balloon_destroy(a);
    balloon_destroy(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev_balloon");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, lists, 0, 3);
    tcase_add_loop_test(tc, target, 0, 3);
    tcase_add_loop_test(tc, save_in_flight, 0, 3);
    tcase_add_loop_test(tc, hostile, 0, 6);
    tcase_add_test(tc, poison);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
