/* The swap file against a model that keeps whole pages, with snapshots. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/swap.h"
#include "tests/rng.h"

#define AREAS 3
#define PAGES 200 /* of an area, at most */
#define SAVED 5

/* What must be in the file. */
struct model {
    struct {
        uint32_t slot;
        uint64_t content; /* 0: no page */
    } page[AREAS][PAGES];
};

struct saved {
    bool used;
    struct model model;
    struct swap_snapshot snapshot;
};

static void fill(uint8_t *page, uint64_t content)
{
    struct rng rng = {content};
    for (unsigned i = 0; i < PAGE_SIZE; i += 8)
        st_le64(page + i, rng_next(&rng));
}

static void check_page(const struct swap *s, unsigned area, uint32_t slot, uint64_t content,
                       struct rng *rng)
{
    uint8_t want[PAGE_SIZE], have[PAGE_SIZE];
    uint64_t off = rng_below(rng, PAGE_SIZE + 1);
    size_t n = rng_below(rng, (uint32_t)(PAGE_SIZE - off) + 1);
    fill(want, content);
    swap_read(s, area, slot, 0, have, PAGE_SIZE);
    ck_assert_mem_eq(have, want, PAGE_SIZE);
    memset(have, 0, sizeof have);
    swap_read(s, area, slot, off, have, n);
    if (n != 0)
        ck_assert_mem_eq(have, want + off, n);
}

static void check_all(const struct swap *s, const struct model *m, struct rng *rng)
{
    uint32_t n = 0;
    for (unsigned a = 0; a < AREAS; a++) {
        uint32_t here = 0;
        for (unsigned i = 0; i < PAGES; i++) {
            if (m->page[a][i].content == 0)
                continue;
            check_page(s, a, m->page[a][i].slot, m->page[a][i].content, rng);
            here++;
        }
        ck_assert_uint_eq(s->area[a].in_use, here);
        n += here;
    }
    ck_assert_uint_eq(swap_in_use(s), n);
}

static void step(struct swap *s, struct model *m, struct saved *saved, struct rng *rng,
                 uint64_t content)
{
    unsigned a = rng_below(rng, AREAS), i = rng_below(rng, PAGES);
    struct saved *one = &saved[rng_below(rng, SAVED)];
    uint8_t page[PAGE_SIZE];
    switch (rng_below(rng, 40)) {
    case 0:
        if (!one->used) {
            swap_snapshot(s, &one->snapshot);
            one->model = *m;
        } else {
            swap_snapshot_fini(&one->snapshot);
        }
        one->used = !one->used;
        break;
    case 1:
        if (one->used) {
            swap_restore(s, &one->snapshot);
            *m = one->model;
        }
        break;
    default:
        if (m->page[a][i].content != 0) {
            check_page(s, a, m->page[a][i].slot, m->page[a][i].content, rng);
            swap_free(s, a, m->page[a][i].slot);
            m->page[a][i].content = 0;
        } else {
            fill(page, content);
            m->page[a][i].slot = swap_out(s, a, page);
            m->page[a][i].content = content;
        }
        break;
    }
}

START_TEST(model)
{
    struct swap s = {.fd = -1};
    struct model *m = calloc(1, sizeof *m);
    struct saved *saved = calloc(SAVED, sizeof *saved);
    struct rng rng = {(uint64_t)_i + rng_env("DISCO_TEST_SEED", 0)};
    swap_fini(&s); /* of one that was never opened */
    ck_assert_int_eq(swap_init(&s, -1, NULL), 0);
    for (uint64_t i = 0; i < 6000; i++) {
        step(&s, m, saved, &rng, i + 1);
        if (i % 500 == 0)
            check_all(&s, m, &rng);
    }
    for (unsigned i = 0; i < SAVED; i++) {
        if (!saved[i].used)
            continue;
        swap_restore(&s, &saved[i].snapshot);
        check_all(&s, &saved[i].model, &rng);
        swap_snapshot_fini(&saved[i].snapshot);
    }
    /* Nothing is lost, and no snapshot's block is left. */
    ck_assert_uint_eq(swap_blocks_in_use(&s), swap_in_use(&s));
    ck_assert_uint_le(s.area[0].slots, PAGES);
    swap_fini(&s);
    free(m);
    free(saved);
}
END_TEST

/* Slots do not depend on which snapshots there are. */
START_TEST(numbers)
{
    struct swap plain = {.fd = -1}, other = {.fd = -1};
    struct swap_snapshot snapshot;
    struct rng rng = {7};
    uint8_t page[PAGE_SIZE] = {1};
    uint32_t slot[64], n = 0;
    bool saved = false;
    ck_assert_int_eq(swap_init(&plain, -1, NULL), 0);
    ck_assert_int_eq(swap_init(&other, -1, NULL), 0);
    for (unsigned i = 0; i < 2000; i++) {
        if (i % 10 == 0) {
            if (saved)
                swap_snapshot_fini(&snapshot);
            swap_snapshot(&other, &snapshot);
            saved = true;
        }
        if (n == 0 || (n < ARRAY_LEN(slot) && rng_below(&rng, 2) == 0)) {
            slot[n] = swap_out(&plain, 2, page);
            ck_assert_uint_eq(slot[n], swap_out(&other, 2, page));
            n++;
        } else {
            uint32_t k = rng_below(&rng, n--), gone = slot[k];
            slot[k] = slot[n];
            swap_free(&plain, 2, gone);
            swap_free(&other, 2, gone);
        }
    }
    swap_snapshot_fini(&snapshot);
    swap_fini(&plain);
    swap_fini(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("swap");
    TCase *tc = tcase_create("swap");
    tcase_add_loop_test(tc, model, 0, 6);
    tcase_add_test(tc, numbers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
