/* Threads that do parts of jobs: each part once, and slices of a part in order and never two at once. */
#include <check.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/base.h"
#include "core/crew.h"

#define JOBS   2000
#define PARTS  16
#define SLICES 5

struct work {
    atomic_uint done[PARTS];
    atomic_uint at_once[PARTS];
    atomic_uint wrong;
    unsigned last; /* slices of part 3 */
};

static void part(void *ctx, unsigned i)
{
    struct work *w = ctx;
    atomic_fetch_add(&w->done[i], 1);
}

static bool slice(void *ctx, unsigned i, unsigned k)
{
    struct work *w = ctx;
    if (atomic_fetch_add(&w->at_once[i], 1) != 0 || atomic_load(&w->done[i]) != k)
        atomic_fetch_add(&w->wrong, 1);
    for (volatile unsigned n = 0; n < 20 * i; n++)
        continue; /* parts of different sizes */
    atomic_fetch_add(&w->done[i], 1);
    atomic_fetch_sub(&w->at_once[i], 1);
    return i != 3 || k + 1 < w->last;
}

START_TEST(each_part_once)
{
    struct crew *c = crew_create((unsigned)_i);
    ck_assert_ptr_nonnull(c);
    for (unsigned job = 0; job < JOBS; job++) {
        struct work w = {0};
        crew_run(c, part, &w, PARTS);
        for (unsigned i = 0; i < PARTS; i++)
            ck_assert_uint_eq(w.done[i], 1);
    }
    crew_destroy(c);
}
END_TEST

START_TEST(slices_in_order)
{
    struct crew *c = crew_create((unsigned)_i);
    ck_assert_ptr_nonnull(c);
    for (unsigned job = 0; job < JOBS; job++) {
        unsigned parts = 1 + job % PARTS, slices = 1 + job % SLICES;
        struct work w = {.last = 1 + job / SLICES % slices};
        crew_run_sliced(c, slice, &w, parts, slices);
        ck_assert_uint_eq(w.wrong, 0);
        for (unsigned i = 0; i < PARTS; i++)
            ck_assert_uint_eq(w.done[i], i >= parts ? 0 : i == 3 ? w.last : slices);
    }
    crew_destroy(c);
}
END_TEST

struct spare {
    atomic_uint calls;
    atomic_bool on;
    atomic_uint wrong; /* calls while it is off */
};

static bool use_spare(void *ctx)
{
    struct spare *s = ctx;
    if (!atomic_load(&s->on))
        atomic_fetch_add(&s->wrong, 1);
    return atomic_fetch_add(&s->calls, 1) % 16 != 0;
}

/* Where several threads have only one part they have time, and use it just as long as they may. */
START_TEST(spare_time)
{
    struct crew *c = crew_create((unsigned)_i);
    ck_assert_ptr_nonnull(c);
    struct spare s = {.on = true};
    for (unsigned round = 0; round < 20; round++) {
        unsigned before = atomic_load(&s.calls);
        atomic_store(&s.on, true);
        crew_spare(c, use_spare, &s);
        for (unsigned job = 0; job < 1000000 && atomic_load(&s.calls) == before; job++) {
            struct work w = {.last = SLICES};
            crew_run_sliced(c, slice, &w, 1, SLICES);
            ck_assert_uint_eq(w.done[0], SLICES);
        }
        ck_assert_uint_gt(atomic_load(&s.calls), before);
        crew_spare(c, NULL, NULL);
        atomic_store(&s.on, false);
        for (unsigned job = 0; job < 100; job++) {
            struct work w = {0};
            crew_run(c, part, &w, PARTS);
        }
        ck_assert_uint_eq(atomic_load(&s.wrong), 0);
    }
    crew_destroy(c);
}
END_TEST

START_TEST(without_a_crew_in_order)
{
    struct work w = {0};
    crew_run(NULL, part, &w, PARTS);
    for (unsigned i = 0; i < PARTS; i++)
        ck_assert_uint_eq(w.done[i], 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("crew");
    TCase *t = tcase_create("crew");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, each_part_once, 2, 5);
    tcase_add_loop_test(t, slices_in_order, 2, 5);
    tcase_add_loop_test(t, spare_time, 2, 5);
    tcase_add_test(t, without_a_crew_in_order);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
