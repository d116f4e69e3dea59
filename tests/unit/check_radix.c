/*
 * The persistent tree against plain arrays: many live snapshots, made, changed,
 * restored and dropped in any order; and what its values own is counted.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/radix.h"
#include "tests/rng.h"

#define TREES 12
#define KEYS  60

/* Keys at all edges of leaves and nodes. */
static uint64_t key_of(unsigned i)
{
    static const uint64_t base[] = {0, 1, 510, 511, 512, 513, 0x3fe00, 0x3ffff, 0x40000, 0x40001,
                                    0x7ffffff, 0x7fffe00, 0x7fffdff, 0x1000000, 0x123456};
    return base[i % ARRAY_LEN(base)] ^ (uint64_t)(i / ARRAY_LEN(base)) << 4;
}

/* How many references each owned thing has. Values are its number + 1, with a decoration. */
#define THINGS 4000
struct owners {
    uint32_t refs[THINGS];
    uint32_t made;
};

static void owner_ref(void *ctx, uint64_t value)
{
    struct owners *o = ctx;
    uint32_t n = (uint32_t)value - 1;
    CHECK(n < o->made && o->refs[n] != 0, "ref of thing %u", n);
    o->refs[n]++;
}

static void owner_unref(void *ctx, uint64_t value)
{
    struct owners *o = ctx;
    uint32_t n = (uint32_t)value - 1;
    CHECK(n < o->made && o->refs[n] != 0, "unref of thing %u", n);
    o->refs[n]--;
}

struct model {
    bool live;
    struct radix tree;
    uint64_t value[KEYS];
};

struct walk {
    const struct model *m;
    uint64_t last;
    unsigned seen;
    unsigned stop_after;
};

static bool visit(void *ctx, uint64_t key, uint64_t value)
{
    struct walk *w = ctx;
    CHECK(w->seen == 0 || key > w->last, "key %llx after %llx", (unsigned long long)key,
          (unsigned long long)w->last);
    w->last = key;
    w->seen++;
    bool found = false;
    for (unsigned k = 0; k < KEYS; k++)
        found = found || (key_of(k) == key && w->m->value[k] == value);
    CHECK(found, "key %llx holds %llx", (unsigned long long)key, (unsigned long long)value);
    return w->seen != w->stop_after;
}

static void assert_same(const struct model *m)
{
    struct walk w = {.m = m}, cut = {.m = m, .stop_after = 2};
    unsigned present = 0;
    for (unsigned k = 0; k < KEYS; k++) {
        ck_assert_uint_eq(radix_get(&m->tree, key_of(k)), m->value[k]);
        present += m->value[k] != 0;
    }
    radix_each(&m->tree, visit, &w);
    ck_assert_uint_eq(w.seen, present);
    radix_each(&m->tree, visit, &cut);
    ck_assert_uint_eq(cut.seen, present < 2 ? present : 2);
}

static void random_trees(uint64_t seed, struct owners *o)
{
    struct radix_values values = {owner_ref, owner_unref, o};
    struct rng rng = {seed};
    struct model *m = calloc(TREES, sizeof *m);
    m[0].live = true;
    radix_init(&m[0].tree, o == NULL ? NULL : &values);
    for (int i = 0; i < 6000; i++) {
        struct model *a = &m[rng_below(&rng, TREES)], *b = &m[rng_below(&rng, TREES)];
        if (!a->live)
            continue;
        unsigned what = rng_below(&rng, 10);
        if (what == 0 && !b->live) {
            *b = *a;
            radix_snapshot(&a->tree, &b->tree);
        } else if (what == 1 && b->live) {
            radix_restore(&a->tree, &b->tree); /* also onto itself */
            memcpy(a->value, b->value, sizeof a->value);
        } else if (what == 2 && a != &m[0]) {
            radix_fini(&a->tree);
            ck_assert_ptr_null(a->tree.root);
            a->live = false;
        } else {
            unsigned k = rng_below(&rng, KEYS);
            uint64_t v = 0;
            if (o == NULL) {
                v = rng_next(&rng);
            } else if (rng_below(&rng, 4) != 0) {
                o->refs[o->made++] = 1;
                v = rng_next(&rng) << 32 | o->made;
            }
            radix_set(&a->tree, key_of(k), v);
            a->value[k] = v;
            ck_assert(radix_is_exclusive(&a->tree, key_of(k)));
        }
        if (i % 128 == 0)
            for (unsigned t = 0; t < TREES; t++)
                if (m[t].live)
                    assert_same(&m[t]);
    }
    for (unsigned t = 0; t < TREES; t++)
        if (m[t].live) {
            assert_same(&m[t]);
            radix_fini(&m[t].tree);
        }
    if (o != NULL)
        for (uint32_t n = 0; n < o->made; n++)
            ck_assert_msg(o->refs[n] == 0, "thing %u: %u references left", n, o->refs[n]);
    free(m);
}

START_TEST(plain_numbers)
{
    random_trees((uint64_t)_i, NULL);
}
END_TEST

START_TEST(owned_values)
{
    struct owners *o = calloc(1, sizeof *o);
    random_trees((uint64_t)_i + 100, o);
    ck_assert_uint_gt(o->made, 300);
    free(o);
}
END_TEST

START_TEST(exclusive)
{
    struct radix t, copy;
    radix_init(&t, NULL);
    ck_assert(radix_is_exclusive(&t, 5));
    radix_set(&t, 5, 1);
    radix_set(&t, 0x40005, 1);
    ck_assert(radix_is_exclusive(&t, 5));
    radix_snapshot(&t, &copy);
    ck_assert(!radix_is_exclusive(&t, 5));
    ck_assert(!radix_is_exclusive(&copy, 5));
    radix_set(&t, 6, 2);
    ck_assert(radix_is_exclusive(&t, 5)); /* the same leaf */
    ck_assert(!radix_is_exclusive(&t, 0x40005));
    ck_assert(radix_is_exclusive(&copy, 5)); /* the old leaf is the copy's alone now */
    ck_assert_uint_eq(radix_get(&copy, 6), 0);
    radix_fini(&copy);
    ck_assert(radix_is_exclusive(&t, 0x40005));
    radix_fini(&t);
}
END_TEST

START_TEST(out_of_range)
{
    struct radix t;
    radix_init(&t, NULL);
    radix_set(&t, (1u << RADIX_KEY_BITS) - 1, 9);
    ck_assert_uint_eq(radix_get(&t, (1u << RADIX_KEY_BITS) - 1), 9);
    ck_assert_uint_eq(radix_get(&t, 1u << RADIX_KEY_BITS), 0);
    ck_assert_uint_eq(radix_get(&t, UINT64_MAX), 0);
    ck_assert(radix_is_exclusive(&t, (1u << RADIX_KEY_BITS) - 1));
    radix_fini(&t);
    radix_fini(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("radix");
    TCase *tc = tcase_create("radix");
    tcase_add_loop_test(tc, plain_numbers, 0, 20);
    tcase_add_loop_test(tc, owned_values, 0, 20);
    tcase_add_test(tc, exclusive);
    tcase_add_test(tc, out_of_range);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
