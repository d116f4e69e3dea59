/* Savings within and across VMs, against counting all pages anew. */
#include <check.h>

#include "tests/rng.h"
#include "traces/page_users.h"

#define VMS  3
#define PPNS 12
#define MPNS 6

/* mpn of each page, 0 for none */
struct model {
    uint64_t at[VMS][PPNS];
};

static void model_count(const struct model *m, uint64_t *within, uint64_t *across)
{
    *within = *across = 0;
    for (uint64_t mpn = 1; mpn <= MPNS; mpn++) {
        uint64_t pages = 0, vms = 0;
        for (unsigned v = 0; v < VMS; v++) {
            uint64_t here = 0;
            for (unsigned p = 0; p < PPNS; p++)
                here += m->at[v][p] == mpn;
            pages += here;
            vms += here > 0;
        }
        *within += pages - vms;
        *across += vms > 0 ? vms - 1 : 0;
    }
}

START_TEST(savings_are_those_of_a_full_count)
{
    struct page_users u = {0};
    struct model m = {0};
    struct rng rng = {4711};
    uint64_t within, across, seen = 0;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned vm = rng_below(&rng, VMS), ppn = rng_below(&rng, PPNS);
        m.at[vm][ppn] = rng_below(&rng, MPNS + 1);
        page_users_map(&u, vm, ppn, m.at[vm][ppn]);
        model_count(&m, &within, &across);
        ck_assert_uint_eq(u.within, within);
        ck_assert_uint_eq(u.across, across);
        seen |= within << 32 | across;
    }
    ck_assert(seen >> 32 != 0 && (uint32_t)seen != 0);
    page_users_free(&u);
}
END_TEST

/* A file may name pages without end: memory must not grow with them. */
START_TEST(too_many_pages_are_given_up)
{
    struct page_users u = {0};
    page_users_map(&u, 0, 1, UINT64_MAX);
    page_users_map(&u, 255, UINT64_MAX, UINT64_MAX);
    ck_assert_uint_eq(u.across, 1);
    for (uint64_t i = 0; i < 5000000 && !u.overflow; i++)
        page_users_map(&u, 1, i, 7);
    ck_assert(u.overflow);
    page_users_map(&u, 2, 1, 7);
    ck_assert_uint_eq(u.within, 0);
    ck_assert_uint_eq(u.across, 0);
    ck_assert_ptr_null(u.mapped.slots);
    page_users_free(&u);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("page_users");
    TCase *t = tcase_create("page_users");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, savings_are_those_of_a_full_count);
    tcase_add_test(t, too_many_pages_are_given_up);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
