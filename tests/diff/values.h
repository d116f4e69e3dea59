/* Random numbers of the sizes of operands, often at the edges of their formats. */
#ifndef TESTS_DIFF_VALUES_H
#define TESTS_DIFF_VALUES_H

#include "core/base/base.h"
#include "tests/rng.h"

/* `edge`: one more number that the caller wants often. */
static inline uint32_t value_word(struct rng *r, uint32_t edge)
{
    const uint32_t edges[] = {0,          1,          0xffffffff, 0x7fffffff, 0x80000000,
                              0x80000001, 0x0000ffff, 0xffff8000, 0x00007fff, edge};
    uint32_t v = (uint32_t)rng_next(r);

    switch (rng_below(r, 4)) {
    case 0:
        return edges[rng_below(r, ARRAY_LEN(edges))];
    case 1:
        return v >> rng_below(r, 32);
    case 2:
        return (uint32_t)((int32_t)v >> rng_below(r, 32));
    default:
        return v;
    }
}

static inline uint64_t value_single(struct rng *r, uint32_t edge)
{
    static const uint8_t exps[] = {0, 0, 1, 2, 126, 127, 128, 150, 157, 158, 189, 253, 254, 255};
    uint32_t exp = rng_below(r, 2) ? exps[rng_below(r, ARRAY_LEN(exps))] : 110 + rng_below(r, 40);

    return (rng_next(r) << 31 & 0x80000000) | exp << 23 | (value_word(r, edge) & 0x7fffff);
}

static inline uint64_t value_double(struct rng *r, uint32_t edge)
{
    static const uint16_t exps[] = {0,     0,     1,     2,     0x369, 0x380, 0x381, 0x3fe,
                                    0x3ff, 0x400, 0x41e, 0x433, 0x43e, 0x47f, 0x7fe, 0x7ff};
    uint64_t exp = rng_below(r, 2) ? exps[rng_below(r, ARRAY_LEN(exps))] : 1000 + rng_below(r, 60);
    uint64_t low = rng_below(r, 2) ? value_word(r, edge) : 0;
    uint64_t frac = (uint64_t)value_word(r, edge) << 20 ^ low;

    return rng_next(r) << 63 | exp << 52 | (frac & 0xfffffffffffff);
}

#endif
