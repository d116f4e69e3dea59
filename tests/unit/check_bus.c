/* Address spaces against a list that is searched from one end to the other. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/bus.h"
#include "tests/rng.h"
#include "tests/unit/fake_platform.h"

#define RANGES 30

/* A device that answers with its number and the address, and keeps the last write. */
struct probe {
    struct device dev; /* first */
    uint8_t number;
    uint64_t last_off, last_value;
    unsigned last_size, writes;
};

static uint64_t probe_read(struct device *dev, uint64_t off, unsigned size)
{
    struct probe *p = (struct probe *)dev;
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)(uint8_t)(p->number * 16 + ((off + i) & 15)) << (8 * i);
    return v | UINT64_MAX << (8 * size - 1) << 1; /* and rubbish above */
}

static void probe_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct probe *p = (struct probe *)dev;
    p->last_off = off;
    p->last_size = size;
    p->last_value = value;
    p->writes++;
}

static const struct io_ops probe_io = {.read = probe_read, .write = probe_write};
static const struct io_ops native_io = {.read = probe_read, .write = probe_write, .native = true};
static const struct io_ops deaf_io = {0};

struct mapped {
    int handle; /* -1: none */
    uint64_t base, last, sequence;
    bool empty;
    unsigned priority;
};

struct world {
    struct platform platform;
    struct bus *bus;
    struct probe probe[RANGES];
    struct mapped map[RANGES];
    uint64_t sequence;
};

static uint64_t some_address(struct rng *rng)
{
    static const uint64_t around[] = {0, 0x100, 0x10000, 0xfff0, 0x18000000, 0xffffffff,
                                      UINT64_MAX - 40};
    return around[rng_below(rng, ARRAY_LEN(around))] + rng_below(rng, 64);
}

static int on_top(const struct world *w, uint64_t addr)
{
    int top = -1;
    for (int i = 0; i < RANGES; i++) {
        const struct mapped *m = &w->map[i];
        if (m->handle < 0 || m->empty || addr < m->base || addr > m->last)
            continue;
        const struct mapped *t = top < 0 ? NULL : &w->map[top];
        if (t == NULL || m->priority > t->priority ||
            (m->priority == t->priority && m->sequence > t->sequence))
            top = i;
    }
    return top;
}

static void change(struct world *w, struct rng *rng)
{
    unsigned i = rng_below(rng, RANGES);
    struct mapped *m = &w->map[i];
    if (m->handle >= 0) {
        bus_unmap(w->bus, m->handle);
        m->handle = -1;
        return;
    }
    uint64_t size = rng_below(rng, 4) == 0 ? (uint64_t)1 << rng_below(rng, 40)
                                           : rng_below(rng, 40);
    m->base = some_address(rng);
    m->empty = size == 0;
    m->last = m->base + size - 1 < m->base ? UINT64_MAX : m->base + size - 1;
    m->priority = rng_below(rng, 3);
    m->sequence = w->sequence++;
    m->handle = m->priority == 0 ? bus_map(w->bus, m->base, size, &probe_io, &w->probe[i].dev, "p")
                                 : bus_map_over(w->bus, m->base, size, &probe_io,
                                                &w->probe[i].dev, "p", m->priority);
}

static uint8_t byte_at(const struct world *w, uint64_t addr)
{
    int i = on_top(w, addr);
    return i < 0 ? 0xff : (uint8_t)(i * 16 + ((addr - w->map[i].base) & 15));
}

START_TEST(against_a_list)
{
    struct rng rng = {(uint64_t)_i};
    struct world *w = calloc(1, sizeof *w);
    w->bus = bus_create("test");
    for (unsigned i = 0; i < RANGES; i++) {
        w->map[i].handle = -1;
        w->probe[i].dev.platform = &w->platform;
        w->probe[i].number = (uint8_t)i;
    }
    for (int i = 0; i < 4000; i++) {
        /* In bursts, and long without: a bus finds its ranges in another way once they stay. */
        if (rng_below(&rng, i / 500 % 2 == 0 ? 6 : 150) == 0)
            change(w, &rng);
        uint64_t addr = some_address(&rng);
        int top = on_top(w, addr);
        const struct bus_range *r = bus_find(w->bus, addr);
        ck_assert(top < 0 ? r == NULL : r != NULL && r->dev == &w->probe[top].dev);
        unsigned size = 1u << rng_below(&rng, 3);
        uint64_t want = 0;
        for (unsigned k = 0; k < size; k++)
            want |= (uint64_t)byte_at(w, addr + k) << (8 * k);
        ck_assert_uint_eq(bus_read(w->bus, addr, size), want);
        bool whole = true;
        for (unsigned k = 1; k < size; k++)
            whole = whole && on_top(w, addr + k) == top && addr + k > addr;
        if (top >= 0 && whole) {
            struct probe *p = &w->probe[top];
            unsigned writes = p->writes;
            uint64_t value = rng_next(&rng);
            bus_write(w->bus, addr, size, value);
            ck_assert_uint_eq(p->writes, writes + 1);
            ck_assert_uint_eq(p->last_size, size);
            ck_assert_uint_eq(p->last_off, addr - w->map[top].base);
            ck_assert_uint_eq(p->last_value, value & UINT64_MAX >> (64 - 8 * size));
        } else if (top >= 0) {
            bus_write(w->bus, addr, size, 0x44332211);
            ck_assert_uint_eq(w->probe[top].last_size, 1);
        }
    }
    bus_destroy(w->bus);
    free(w);
}
END_TEST

/* A native range holds what the register of the vcpu holds: swapped for a little-endian bridge on
 * a big-endian machine. */
START_TEST(native_and_deaf)
{
    struct platform platform = {.big_endian = true};
    struct probe p = {.dev = {.platform = &platform}, .number = 1};
    struct bus *bus = bus_create("test");
    bus_map(bus, 0x1000, 16, &native_io, &p.dev, "native");
    bus_map(bus, 0x2000, 16, &deaf_io, &p.dev, "deaf");
    ck_assert_uint_eq(bus_read(bus, 0x1000, 4), 0x10111213);
    ck_assert_uint_eq(bus_read(bus, 0x1002, 2), 0x1213);
    ck_assert_uint_eq(bus_read(bus, 0x1003, 1), 0x13);
    bus_write(bus, 0x1000, 4, 0xffff000011223344);
    ck_assert_uint_eq(p.last_value, 0x44332211);
    platform.big_endian = false;
    ck_assert_uint_eq(bus_read(bus, 0x1000, 4), 0x13121110);
    ck_assert_uint_eq(bus_read(bus, 0x2000, 4), 0xffffffff);
    bus_write(bus, 0x2000, 4, 0);
    bus_destroy(bus);
}
END_TEST

START_TEST(full)
{
    struct bus *bus = bus_create("test");
    struct probe p = {0};
    for (unsigned i = 0; i < BUS_RANGES_MAX; i++)
        ck_assert_int_eq(bus_map(bus, 3 * i, 2, &probe_io, &p.dev, "p"), (int)i);
    ck_assert_ptr_nonnull(bus_find(bus, 3 * (BUS_RANGES_MAX - 1)));
    bus_unmap(bus, 17);
    ck_assert_ptr_null(bus_find(bus, 3 * 17));
    ck_assert_int_eq(bus_map(bus, 0xffffff, 2, &probe_io, &p.dev, "p"), 17);
    bus_destroy(bus);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus");
    TCase *tc = tcase_create("bus");
    tcase_add_loop_test(tc, against_a_list, 0, 10);
    tcase_add_test(tc, native_and_deaf);
    tcase_add_test(tc, full);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
