/*
 * Host frames and machine pages against a simple model: each machine page is an
 * array of bytes and a number of users, each snapshot a copy of all of them.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "tests/rng.h"

#define PAGES     48
#define SNAPSHOTS 8
#define EXTRA     (PAGES * (SNAPSHOTS + 2))

/* Of a page's content, only these bytes are looked at. */
#define PROBES 3
static const unsigned probe[PROBES] = {0, 2048, PAGE_SIZE - 1};

struct page {
    uint32_t users; /* 0: free */
    uint8_t byte[PROBES];
};

struct world {
    struct page page[PAGES];
    uint32_t in_use;
};

struct saved {
    bool live;
    struct memory_snapshot snapshot;
    struct world world;
};

static void assert_world(const struct memory *m, const struct world *w)
{
    ck_assert_uint_eq(memory_in_use(m), w->in_use);
    for (uint32_t mpn = 0; mpn < PAGES; mpn++) {
        if (w->page[mpn].users == 0)
            continue;
        ck_assert_uint_eq(mpn_users(m, mpn), w->page[mpn].users);
        const uint8_t *bytes = frame_host(&m->frames, mpn_frame(m, mpn));
        for (unsigned i = 0; i < PROBES; i++)
            ck_assert_uint_eq(bytes[probe[i]], w->page[mpn].byte[i]);
    }
}

static void alloc_one(struct memory *m, struct world *w)
{
    uint32_t mpn = mpn_alloc(m, 0, true);
    ck_assert_uint_lt(mpn, PAGES);
    ck_assert_uint_eq(w->page[mpn].users, 0);
    static const uint8_t zero[PAGE_SIZE];
    ck_assert_mem_eq(frame_host(&m->frames, mpn_frame(m, mpn)), zero, PAGE_SIZE);
    w->page[mpn] = (struct page){.users = 1};
    w->in_use++;
}

static void write_one(struct memory *m, struct world *w, uint32_t mpn, struct rng *rng)
{
    bool moved;
    uint32_t before = mpn_frame(m, mpn), frame = mpn_own(m, mpn, &moved);
    ck_assert_uint_eq(frame, mpn_frame(m, mpn));
    ck_assert(moved == (frame != before));
    ck_assert_uint_eq(m->frames.refs[frame], 1);
    unsigned i = rng_below(rng, PROBES);
    w->page[mpn].byte[i] = (uint8_t)rng_next(rng);
    frame_host(&m->frames, frame)[probe[i]] = w->page[mpn].byte[i];
    ck_assert_uint_eq(mpn_own(m, mpn, &moved), frame); /* and stays ours */
    ck_assert(!moved);
}

static void snapshot_one(struct memory *m, struct world *w, struct saved *s, unsigned what)
{
    if (!s->live) {
        memory_snapshot(m, &s->snapshot);
        s->world = *w;
        s->live = true;
    } else if (what == 0) {
        memory_snapshot_fini(&s->snapshot);
        s->live = false;
    } else {
        memory_restore(m, &s->snapshot);
        *w = s->world;
    }
}

START_TEST(random_operations)
{
    struct rng rng = {(uint64_t)_i};
    struct memory m;
    struct err e = {0};
    struct world w = {0};
    struct saved saved[SNAPSHOTS] = {0};
    ck_assert_int_eq(memory_init(&m, PAGES * PAGE_SIZE, (PAGES + EXTRA) * PAGE_SIZE, &e), 0);
    for (int i = 0; i < 4000; i++) {
        unsigned what = rng_below(&rng, 12);
        uint32_t mpn = rng_below(&rng, PAGES);
        struct saved *s = &saved[rng_below(&rng, SNAPSHOTS)];
        if (what == 0) {
            snapshot_one(&m, &w, s, rng_below(&rng, 2));
        } else if (what <= 3 && w.in_use < PAGES) {
            alloc_one(&m, &w);
        } else if (w.page[mpn].users == 0) {
            continue;
        } else if (what == 4) {
            mpn_ref(&m, mpn);
            w.page[mpn].users++;
        } else if (what <= 6) {
            mpn_unref(&m, mpn);
            w.in_use -= --w.page[mpn].users == 0;
        } else {
            write_one(&m, &w, mpn, &rng);
        }
        if (i % 16 == 0)
            assert_world(&m, &w);
    }
    /* Each snapshot still is what it was. */
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        if (saved[i].live) {
            memory_restore(&m, &saved[i].snapshot);
            assert_world(&m, &saved[i].world);
            memory_snapshot_fini(&saved[i].snapshot);
            w = saved[i].world;
        }
    /* Nothing but the present pages holds a frame, and then nothing at all. */
    ck_assert_uint_eq(frames_in_use(&m.frames), 1 + w.in_use);
    for (uint32_t mpn = 0; mpn < PAGES; mpn++)
        while (w.page[mpn].users != 0) {
            mpn_unref(&m, mpn);
            w.page[mpn].users--;
        }
    ck_assert_uint_eq(memory_in_use(&m), 0);
    ck_assert_uint_eq(frames_in_use(&m.frames), 1);
    memory_fini(&m);
}
END_TEST

/* The numbers of machine pages are part of the run, snapshots are not: the same requests get
 * the same numbers, however many snapshots are made and dropped in between. */
START_TEST(snapshots_do_not_show)
{
    enum { REQUESTS = 2000 };
    static uint32_t first[REQUESTS];
    for (int pass = 0; pass < 2; pass++) {
        struct memory m;
        struct memory_snapshot s[SNAPSHOTS];
        bool live[SNAPSHOTS] = {0};
        uint32_t users[PAGES] = {0};
        struct rng rng = {77}, other = {78};
        memory_init(&m, PAGES * PAGE_SIZE, (PAGES + EXTRA) * PAGE_SIZE, NULL);
        for (int i = 0; i < REQUESTS; i++) {
            if (pass == 1) {
                unsigned k = rng_below(&other, SNAPSHOTS);
                if (live[k])
                    memory_snapshot_fini(&s[k]);
                else
                    memory_snapshot(&m, &s[k]);
                live[k] = !live[k];
            }
            uint32_t mpn = rng_below(&rng, PAGES), what = rng_below(&rng, 4);
            uint32_t got = UINT32_MAX;
            if (what < 2 && memory_in_use(&m) < PAGES) {
                got = mpn_alloc(&m, 0, true);
                users[got] = 1;
            } else if (users[mpn] != 0 && what == 2) {
                mpn_unref(&m, mpn);
                users[mpn]--;
            } else if (users[mpn] != 0) {
                bool moved;
                frame_host(&m.frames, mpn_own(&m, mpn, &moved))[5] = 5;
            }
            if (pass == 0)
                first[i] = got;
            ck_assert_uint_eq(got, first[i]);
        }
        for (unsigned k = 0; k < SNAPSHOTS; k++)
            if (live[k])
                memory_snapshot_fini(&s[k]);
        ck_assert_uint_eq(frames_in_use(&m.frames), 1 + memory_in_use(&m));
        memory_fini(&m);
    }
}
END_TEST

START_TEST(frames_alone)
{
    struct frames f;
    ck_assert_int_eq(frames_init(&f, 3000 * PAGE_SIZE, NULL), 0);
    ck_assert_uint_eq(frames_in_use(&f), 1);
    frame_ref(&f, FRAME_ZERO);
    frame_unref(&f, FRAME_ZERO);
    frame_unref(&f, FRAME_ZERO);
    ck_assert_uint_eq(frames_in_use(&f), 1);
    /* More than the tables hold at first; all of them different, then all of them freed. */
    for (uint32_t i = 1; i < 3000; i++) {
        uint32_t frame = frame_alloc(&f, true);
        ck_assert_uint_eq(frame, i);
        ck_assert_uint_eq(frame_host(&f, frame)[77], 0);
        frame_host(&f, frame)[77] = 0xff;
    }
    ck_assert_uint_eq(frames_in_use(&f), 3000);
    frame_ref(&f, 17);
    for (uint32_t i = 1; i < 3000; i++)
        frame_unref(&f, i);
    ck_assert_uint_eq(frames_in_use(&f), 2);
    frame_unref(&f, 17);
    ck_assert_uint_eq(frames_in_use(&f), 1);
    /* Those that were freed come again, zeroed on request. */
    for (uint32_t i = 1; i < 3000; i++) {
        uint32_t frame = frame_alloc(&f, true);
        ck_assert_uint_lt(frame, 3000);
        ck_assert_uint_eq(frame_host(&f, frame)[77], 0);
    }
    ck_assert_uint_eq(frame_host(&f, FRAME_ZERO)[77], 0);
    frames_fini(&f);
    frames_fini(&f);
}
END_TEST

START_TEST(too_much_memory)
{
    struct frames f;
    struct memory m;
    struct err e = {0};
    ck_assert_int_eq(frames_init(&f, UINT64_MAX, &e) < 0, e.code < 0);
    if (e.code == 0)
        frames_fini(&f);
    e = (struct err){0};
    if (memory_init(&m, (uint64_t)1 << 43, (uint64_t)1 << 43, &e) == 0)
        memory_fini(&m);
    else
        ck_assert_int_eq(e.code, ERR_IO);
}
END_TEST

START_TEST(pool_is_exhausted)
{
    struct memory m;
    memory_init(&m, 4 * PAGE_SIZE, 4 * PAGE_SIZE, NULL);
    for (int i = 0; i < 5; i++)
        mpn_alloc(&m, 0, true);
}
END_TEST

START_TEST(free_page_is_used)
{
    struct memory m;
    memory_init(&m, 4 * PAGE_SIZE, 4 * PAGE_SIZE, NULL);
    mpn_unref(&m, mpn_alloc(&m, 0, true));
    mpn_ref(&m, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tc = tcase_create("memory");
    tcase_add_loop_test(tc, random_operations, 0, 8);
    tcase_add_test(tc, snapshots_do_not_show);
    tcase_add_test(tc, frames_alone);
    tcase_add_test(tc, too_much_memory);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    if (srunner_fork_status(runner) == CK_FORK) {
        tcase_add_test_raise_signal(tc, pool_is_exhausted, 6);
        tcase_add_test_raise_signal(tc, free_page_is_used, 6);
    }
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
