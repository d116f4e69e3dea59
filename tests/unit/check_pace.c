/* Pacing, with a clock of the test's own. */
#include <check.h>
#include <stdlib.h>

#include "core/base/base.h"
#include "record/pace.h"

#define MS UINT64_C(1000000)

/* Sleeps as the recorder does. */
static uint64_t wait_until_due(struct pace *p, uint64_t host)
{
    uint64_t early = pace_early(p, 0, host);
    pace_slept(p, host + early);
    return host + early;
}

/* A sleep of the machines takes as long on the host, in whatever pieces. */
START_TEST(sleep_takes_its_time)
{
    static const uint64_t piece[] = {MS / 10, MS, 10 * MS, 1000 * MS};
    for (size_t i = 0; i < ARRAY_LEN(piece); i++) {
        struct pace p;
        uint64_t host = 77 * MS, begin = host;
        pace_begin(&p, host);
        for (uint64_t ns = 0; ns < 3000 * MS; ns += piece[i]) {
            host += 1000; /* for the barrier */
            pace_passed(&p, piece[i], 0, host);
            host = wait_until_due(&p, host);
            ck_assert_uint_ge(host - begin + PACE_LEAST_NS, ns + piece[i]); /* never ahead */
            ck_assert_uint_le(host - begin, ns + piece[i] + MS);
        }
    }
}
END_TEST

/* Work is not slowed down, however fast it is, and what it took is not slept as well. */
START_TEST(work_is_free)
{
    struct pace p;
    uint64_t host = 0;
    pace_begin(&p, host);
    for (unsigned i = 0; i < 1000; i++) {
        host += 3 * MS; /* for ten of virtual time */
        pace_passed(&p, 10 * MS, 10 * MS, host);
        ck_assert_uint_eq(wait_until_due(&p, host), host);
    }
    ck_assert_uint_eq(host, 3000 * MS);
    /* Seven of ten milliseconds asleep, and three of work that took one: eight. */
    for (unsigned i = 0; i < 1000; i++) {
        host += MS;
        pace_passed(&p, 10 * MS, 3 * MS, host);
        host = wait_until_due(&p, host);
    }
    ck_assert_uint_ge(host + PACE_LEAST_NS, 11000 * MS);
    ck_assert_uint_le(host, 11000 * MS);
}
END_TEST

/* Many machines that each work a little take longer in turn; while they are fast enough in all, time
 * is real. */
START_TEST(work_of_many)
{
    struct pace p;
    uint64_t host = 0;
    pace_begin(&p, host);
    for (unsigned i = 0; i < 300; i++) {
        host += 6 * MS;
        pace_passed(&p, 10 * MS, MS, host);
        host = wait_until_due(&p, host);
    }
    ck_assert_uint_ge(host + PACE_LEAST_NS, 3000 * MS);
    ck_assert_uint_le(host, 3000 * MS);
}
END_TEST

/* Who is late does not run after lost time, but for a little: a sleep after slow work is as long as
 * any. */
START_TEST(late_stays_late)
{
    struct pace p;
    uint64_t host = 0;
    pace_begin(&p, host);
    for (unsigned i = 0; i < 100; i++)
        pace_passed(&p, 10 * MS, 10 * MS, host += 50 * MS);
    uint64_t begin = host;
    for (unsigned i = 0; i < 100; i++) {
        pace_passed(&p, 10 * MS, 0, host);
        host = wait_until_due(&p, host);
    }
    ck_assert_uint_ge(host - begin, 1000 * MS - PACE_LATE_NS - PACE_LEAST_NS);
    ck_assert_uint_le(host - begin, 1000 * MS);
}
END_TEST

/* A jump that the host cut short goes as far as the host's time did. */
START_TEST(jumps)
{
    struct pace p;
    pace_begin(&p, 100 * MS);
    ck_assert_uint_eq(pace_early(&p, 40 * MS, 100 * MS), 40 * MS);
    ck_assert_uint_eq(pace_early(&p, UINT64_MAX, 100 * MS), UINT64_MAX - 100 * MS);
    ck_assert_uint_eq(pace_early(&p, PACE_LEAST_NS - 1, 100 * MS), 0);
    pace_slept(&p, 117 * MS);
    ck_assert_uint_eq(pace_late(&p, 117 * MS), 17 * MS);
    pace_passed(&p, 20 * MS, 0, 117 * MS); /* in whole epochs */
    ck_assert_uint_eq(pace_late(&p, 117 * MS), 0);
    ck_assert_uint_eq(pace_early(&p, 0, 117 * MS), 3 * MS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pace");
    TCase *tc = tcase_create("pace");
    tcase_add_test(tc, sleep_takes_its_time);
    tcase_add_test(tc, work_is_free);
    tcase_add_test(tc, work_of_many);
    tcase_add_test(tc, late_stays_late);
    tcase_add_test(tc, jumps);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
