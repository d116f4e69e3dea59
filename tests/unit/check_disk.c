/* Disks: base image, overlay, snapshots, and DMA, against an array of bytes. */
#include "core/disk_priv.h"
#include "tests/unit/engine_suites.h"
#include "tests/unit/monitor_rig.h"

#define SECTORS 101u /* the last block is not whole */
#define BYTES   (SECTORS * SECTOR_SIZE)
#define SAVED   6
#define ROOM    0x00300000u /* guest-physical: nothing of the guest is there */

static struct mrig *create(bool read_only, unsigned share)
{
    static struct guest g;
    guest_worker(&g, 20000);
    struct mrig_options opt = {.guest = &g,
                               .disk_sectors = SECTORS,
                               .disk_read_only = read_only,
                               .share = share};
    return mrig_create(&opt);
}

static void base_image(uint8_t *out)
{
    uint8_t block[PAGE_SIZE];
    for (size_t at = 0; at < BYTES; at += PAGE_SIZE) {
        mrig_base_block(at / PAGE_SIZE, block);
        memcpy(out + at, block, min_u64(PAGE_SIZE, BYTES - at));
    }
}

static void assert_content(struct disk *d, const uint8_t *model)
{
    static uint8_t all[BYTES];
    memset(all, 0x77, sizeof all);
    ck_assert(disk_read(d, 0, SECTORS, all));
    ck_assert_int_eq(memcmp(all, model, BYTES), 0);
}

static void fill(struct rng *rng, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)rng_next(rng);
}

/* As the monitor does when memory is short: written blocks, and pages of RAM that may have the same
 * machine page. */
static void page_some_out(struct mrig *r, struct rng *rng)
{
    struct vm *vm = r->m->vms[0];
    share_barrier(r->m, false);
    for (unsigned n = rng_below(rng, 30); n != 0; n--) {
        uint64_t key = (ROOM >> PAGE_BITS) + rng_below(rng, 0x1f);
        struct disk *d = vm->disks[rng_below(rng, 2)];
        if (rng_below(rng, 3) == 0)
            vm_page_out(vm, key, rng_below(rng, 2));
        else
            disk_page_out(d, rng_below(rng, 2));
    }
    vm_flush_translations(vm);
}

/* What a count says is what a walk finds. */
static bool count_one(void *ctx, uint64_t block, uint64_t value)
{
    (void)block;
    *(uint32_t *)ctx += value != 0;
    return true;
}

static void assert_counts(const struct vm *vm)
{
    uint32_t blocks = 0, away = 0;
    for (unsigned i = 0; i < vm->disks_count; i++) {
        radix_each(&vm->disks[i]->overlay, count_one, &blocks);
        radix_each(&vm->disks[i]->away, count_one, &away);
    }
    ck_assert_uint_eq(blocks, vm->pages.blocks);
    ck_assert_uint_eq(away + vm->pages.swapped, swap_in_use(&vm->memory->swap));
}

/* One transfer, programmed or by DMA, in range or not. */
static void transfer(struct mrig *r, struct disk *d, struct rng *rng, uint8_t *model)
{
    static uint8_t bytes[BYTES + PAGE_SIZE];
    struct vm *vm = r->m->vms[0];
    uint64_t sector = rng_below(rng, SECTORS + 4);
    uint32_t count = rng_below(rng, 4) == 0 ? rng_below(rng, SECTORS) : rng_below(rng, 20);
    uint64_t pa = ROOM + rng_below(rng, 0x10000);
    if (rng_below(rng, 2) == 0) { /* whole blocks and pages may be mapped */
        sector &= ~UINT64_C(7);
        count = (count + 7) & ~7u;
        pa &= ~PAGE_MASK;
    }
    size_t n = (size_t)count * SECTOR_SIZE, at = sector * SECTOR_SIZE;
    bool fits = sector + count <= SECTORS;
    uint64_t before = disk_digest(d);
    switch (rng_below(rng, 6)) {
    case 0:
        ck_assert_int_eq(disk_discard(d, sector, count), fits);
        for (uint64_t b = (sector + 7) / 8; fits && b < (sector + count) / 8; b++) {
            uint8_t block[PAGE_SIZE];
            mrig_base_block(b, block);
            memcpy(model + b * PAGE_SIZE, block, PAGE_SIZE);
        }
        break;
    case 1: /* the guest writes to what may be the disk's, too */
        fill(rng, bytes, 64);
        ck_assert(vm_write_physical(vm, pa, bytes, 64));
        break;
    case 2:
        ck_assert_int_eq(disk_read(d, sector, count, bytes), fits);
        ck_assert(!fits || memcmp(bytes, model + at, n) == 0);
        break;
    case 3:
        fill(rng, bytes, n);
        ck_assert_int_eq(disk_write(d, sector, count, bytes), fits);
        if (fits)
            memcpy(model + at, bytes, n);
        ck_assert((disk_digest(d) != before) == (fits && count != 0));
        break;
    case 4:
        ck_assert_int_eq(disk_dma(d, NULL, DMA_TO_MEMORY, sector, pa, (uint32_t)n), fits);
        if (fits) {
            ck_assert_uint_eq(vm_read_physical(vm, pa, bytes, n), n);
            ck_assert_int_eq(memcmp(bytes, model + at, n), 0);
        }
        break;
    default:
        fill(rng, bytes, n);
        ck_assert(vm_write_physical(vm, pa, bytes, n));
        ck_assert_int_eq(disk_dma(d, NULL, DMA_TO_DEVICE, sector, pa, (uint32_t)n), fits);
        if (fits)
            memcpy(model + at, bytes, n);
    }
}

START_TEST(against_an_array)
{
    struct mrig *r = create(false, _i % 2 == 0 ? 0 : SHARE_DISK);
    struct disk **disk = r->m->vms[0]->disks;
    struct rng rng = {(uint64_t)_i};
    static uint8_t model[2][BYTES], saved_model[SAVED][2][BYTES];
    struct snapshot *saved[SAVED] = {0};
    uint64_t saved_digest[SAVED][2];
    ck_assert_int_eq(swap_init(&r->m->memory.swap, -1, &r->err), 0);
    base_image(model[0]);
    base_image(model[1]);
    ck_assert_uint_eq(disk_sectors(disk[0]), SECTORS);
    ck_assert_str_eq(disk_serial(disk[0]), "serial");
    for (int i = 0; i < 400; i++) {
        unsigned k = rng_below(&rng, SAVED), which = rng_below(&rng, 2);
        if (rng_below(&rng, 30) == 0) {
            share_barrier(r->m, false);
        } else if (_i % 4 >= 2 && rng_below(&rng, 12) == 0) {
            uint64_t before[2] = {disk_digest(disk[0]), disk_digest(disk[1])};
            page_some_out(r, &rng);
            ck_assert_uint_eq(disk_digest(disk[0]), before[0]);
            ck_assert_uint_eq(disk_digest(disk[1]), before[1]);
        } else if (rng_below(&rng, 10) != 0) {
            transfer(r, disk[which], &rng, model[which]);
        } else if (saved[k] == NULL) {
            saved[k] = monitor_snapshot(r->m);
            memcpy(saved_model[k], model, sizeof model);
            saved_digest[k][0] = disk_digest(disk[0]);
            saved_digest[k][1] = disk_digest(disk[1]);
        } else if (rng_below(&rng, 3) == 0) {
            snapshot_free(r->m, saved[k]);
            saved[k] = NULL;
        } else {
            monitor_restore(r->m, saved[k]);
            memcpy(model, saved_model[k], sizeof model);
            ck_assert_uint_eq(disk_digest(disk[0]), saved_digest[k][0]);
            ck_assert_uint_eq(disk_digest(disk[1]), saved_digest[k][1]);
        }
        assert_counts(r->m->vms[0]);
        if (i % 8 == 0) {
            assert_content(disk[0], model[0]);
            assert_content(disk[1], model[1]);
        }
    }
    for (unsigned k = 0; k < SAVED; k++)
        if (saved[k] != NULL)
            snapshot_free(r->m, saved[k]);
    assert_content(disk[0], model[0]);
    share_barrier(r->m, false);
    ck_assert_uint_eq(frames_in_use(&r->m->memory.frames), 1 + memory_in_use(&r->m->memory));
    mrig_destroy(r);
}
END_TEST

/* The digest is a function of what was written where, not of how and when. */
START_TEST(digest)
{
    struct mrig *r = create(false, 0);
    struct disk *d = r->m->vms[0]->disks[0];
    uint8_t a[SECTOR_SIZE], b[2 * SECTOR_SIZE];
    memset(a, 1, sizeof a);
    memset(b, 2, sizeof b);
    uint64_t whole = monitor_digest(r->m, 0, false).devices;
    ck_assert_uint_eq(disk_digest(d), 0);
    disk_write(d, 20, 1, a);
    uint64_t first = disk_digest(d);
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_ne(monitor_digest(r->m, 0, false).devices, whole);
    disk_write(d, 7, 2, b); /* two blocks */
    uint64_t both = disk_digest(d);
    ck_assert_uint_ne(both, first);
    disk_write(d, 20, 1, b);
    ck_assert_uint_ne(disk_digest(d), both);
    disk_write(d, 20, 1, a);
    ck_assert_uint_eq(disk_digest(d), both);
    mrig_destroy(r);

    r = create(false, 0);
    d = r->m->vms[0]->disks[0];
    disk_write(d, 8, 1, b);
    disk_write(d, 20, 1, b);
    disk_write(d, 7, 1, b);
    disk_write(d, 20, 1, a);
    ck_assert_uint_eq(disk_digest(d), both);
    /* The same content elsewhere is another disk. */
    disk_write(d, 21, 1, a);
    ck_assert_uint_ne(disk_digest(d), both);
    mrig_destroy(r);
}
END_TEST

/* With what nobody else uses first, and in turns; all of it goes, and the machine pages are free. */
START_TEST(paged_out)
{
    struct mrig *r = create(false, SHARE_DISK);
    struct vm *vm = r->m->vms[0];
    struct disk *d = vm->disks[0];
    static uint8_t model[BYTES];
    base_image(model);
    ck_assert_int_eq(swap_init(&r->m->memory.swap, -1, &r->err), 0);
    ck_assert(!disk_page_out(d, true));
    memset(model, 3, 10 * PAGE_SIZE);
    ck_assert(disk_write(d, 0, 64, model)); /* blocks 0 to 7: the disk's own */
    ck_assert(vm_write_physical(vm, ROOM, model, 2 * PAGE_SIZE));
    ck_assert(disk_dma(d, NULL, DMA_TO_DEVICE, 64, ROOM, 2 * PAGE_SIZE)); /* 8 and 9 are RAM, too */
    share_barrier(r->m, false);
    uint32_t used = memory_in_use(&r->m->memory);
    uint64_t before = disk_digest(d);
    for (unsigned i = 0; i < 8; i++)
        ck_assert(disk_page_out(d, false));
    ck_assert(!disk_page_out(d, false));
    ck_assert_uint_eq(memory_in_use(&r->m->memory), used - 8);
    ck_assert(disk_page_out(d, true) && disk_page_out(d, true) && !disk_page_out(d, true));
    ck_assert_uint_eq(memory_in_use(&r->m->memory), used - 8);
    ck_assert(vm_page_is_private(vm, (uint32_t)vm_page_at(vm, ROOM >> PAGE_BITS) - 1));
    ck_assert_uint_eq(swap_in_use(&r->m->memory.swap), 10);
    ck_assert_uint_eq(disk_digest(d), before);
    assert_content(d, model); /* from there */
    ck_assert_uint_eq(swap_in_use(&r->m->memory.swap), 10);
    ck_assert(disk_write(d, 17, 1, model + BYTES - SECTOR_SIZE));
    memcpy(model + 17 * SECTOR_SIZE, model + BYTES - SECTOR_SIZE, SECTOR_SIZE);
    ck_assert_uint_eq(swap_in_use(&r->m->memory.swap), 9);
    assert_content(d, model);
    ck_assert(disk_discard(d, 0, SECTORS - SECTORS % 8));
    ck_assert_uint_eq(swap_in_use(&r->m->memory.swap), 0);
    ck_assert_uint_eq(disk_digest(d), 0);
    mrig_destroy(r);
}
END_TEST

START_TEST(read_only)
{
    struct mrig *r = create(true, 0);
    struct disk *d = r->m->vms[0]->disks[1];
    uint8_t bytes[SECTOR_SIZE] = {0};
    static uint8_t model[BYTES];
    base_image(model);
    ck_assert(disk_read_only(d));
    ck_assert(!disk_write(d, 5, 1, bytes));
    ck_assert(!disk_dma(d, NULL, DMA_TO_DEVICE, 5, ROOM, SECTOR_SIZE));
    ck_assert(disk_dma(d, NULL, DMA_TO_MEMORY, 5, ROOM, SECTOR_SIZE));
    ck_assert_uint_eq(disk_digest(d), 0);
    assert_content(d, model);
    mrig_destroy(r);
}
END_TEST

/* Ranges whose sum wraps, sizes that are no sectors, memory that is not there: nothing moves, and
 * nothing is logged. */
START_TEST(bad_ranges)
{
    struct mrig *r = create(false, 0);
    struct vm *vm = r->m->vms[0];
    struct disk *d = vm->disks[0];
    static uint8_t bytes[BYTES], model[BYTES];
    base_image(model);
    uint64_t ram = vm->config->memory, memory = monitor_digest(r->m, 0, true).memory;
    size_t events = r->events_count;
    static const struct {
        uint64_t sector;
        uint32_t count;
    } bad[] = {{SECTORS, 1},         {0, SECTORS + 1}, {UINT64_MAX, 1}, {UINT64_MAX, 2},
               {UINT64_MAX / 512, 9}, {1, UINT32_MAX},  {(uint64_t)1 << 55, 1}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert(!disk_read(d, bad[i].sector, bad[i].count, bytes));
        ck_assert(!disk_write(d, bad[i].sector, bad[i].count, bytes));
        uint32_t n = (uint32_t)min_u64(bad[i].count, 200) * SECTOR_SIZE;
        ck_assert(!disk_dma(d, NULL, DMA_TO_MEMORY, bad[i].sector, ROOM, n));
        ck_assert(!disk_dma(d, NULL, DMA_TO_DEVICE, bad[i].sector, ROOM, n));
    }
    ck_assert(!disk_dma(d, NULL, DMA_TO_MEMORY, 0, ROOM, 100));
    static const uint64_t bad_pa[] = {UINT64_MAX, UINT64_MAX - 511, 0x1fc00000, 0x10000000};
    for (size_t i = 0; i < ARRAY_LEN(bad_pa); i++)
        ck_assert(!disk_dma(d, NULL, DMA_TO_MEMORY, 0, bad_pa[i], SECTOR_SIZE));
    ck_assert(!disk_dma(d, NULL, DMA_TO_MEMORY, 0, ram - 512, 2 * SECTOR_SIZE));
    ck_assert(!disk_dma(d, NULL, DMA_TO_DEVICE, 0, ram - 511, SECTOR_SIZE));
    ck_assert(disk_read(d, SECTORS, 0, bytes));
    ck_assert_uint_eq(r->events_count, events);
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, memory);
    ck_assert_uint_eq(disk_digest(d), 0);
    assert_content(d, model);
    ck_assert(disk_dma(d, NULL, DMA_TO_MEMORY, 0, ram - 512, SECTOR_SIZE)); /* the last one */
    ck_assert_uint_eq(r->events_count, events + 1);
    ck_assert_uint_eq(r->events[events].kind, EVENT_DMA);
    ck_assert_uint_eq(r->events[events].arg[1], 1);
    ck_assert_uint_eq(r->events[events].arg[2], ram - 512);
    ck_assert_uint_eq(r->events[events].arg[3], SECTOR_SIZE);
    mrig_destroy(r);
}
END_TEST

/* Code that a DMA overwrites is decoded anew. */
START_TEST(dma_into_code)
{
    struct guest g;
    guest_begin(&g, 20000);
    unsigned loop = g.at;
    guest_put(&g, ADDIU_W(S2, S2, 1));
    guest_back(&g, BEQ_W(ZERO, ZERO, 0), loop);
    struct mrig_options opt = {.guest = &g, .disk_sectors = SECTORS};
    struct mrig *r = mrig_create(&opt);
    ck_assert_int_eq(mrig_run(r, 2000, UINT64_MAX), RUN_LIMIT);
    struct vm *vm = r->m->vms[0];
    uint64_t pa = (GUEST_BASE & 0x1fffffff) + 4 * loop, sector_pa = pa & ~(uint64_t)511;
    uint8_t sector[SECTOR_SIZE];
    vm_read_physical(vm, sector_pa, sector, sizeof sector);
    st_le32(sector + (pa & 511), ADDIU_W(S2, S2, 0));
    struct snapshot *s = monitor_snapshot(r->m);
    disk_write(vm->disks[0], 9, 1, sector);
    disk_dma(vm->disks[0], NULL, DMA_TO_MEMORY, 9, sector_pa, SECTOR_SIZE);
    mrig_run(r, 2010, UINT64_MAX);
    uint64_t count = mips_reg_read(vm->cpu, S2);
    mrig_run(r, 3000, UINT64_MAX);
    ck_assert_uint_eq(mips_reg_read(vm->cpu, S2), count);
    monitor_restore(r->m, s);
    mrig_run(r, 3000, UINT64_MAX);
    ck_assert_uint_gt(mips_reg_read(vm->cpu, S2), count + 200);
    snapshot_free(r->m, s);
    mrig_destroy(r);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("disk");
    TCase *tc = tcase_create("disk");
    tcase_add_loop_test(tc, against_an_array, 0, 12);
    tcase_add_test(tc, digest);
    tcase_add_test(tc, paged_out);
    tcase_add_test(tc, read_only);
    tcase_add_test(tc, bad_ranges);
    tcase_add_test(tc, dma_into_code);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &mrig_engine);
}
