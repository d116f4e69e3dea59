/*
 * Programs that wait for memory: a chain of pointers in random order, and long copies.
 */
#include <string.h>

#include "suite.h"

enum {
    AREA = 16 << 20,
    CHAIN_BYTES = 64, /* one link of the chain: two cache lines */
    CHAIN_LINKS = AREA / CHAIN_BYTES,
    CHAIN_STEPS = 1200000,
    STREAM_ROUNDS = 6,
    STRIDE = 4096 + 32,
    STRIDE_STEPS = 500000,
};

/* One cycle through all links in random order, after Sattolo. */
uint32_t suite_chase(void)
{
    uint32_t *area = suite_alloc(AREA);
    const uint32_t words = CHAIN_BYTES / sizeof(*area);
    uint32_t seed = 2718;
    uint32_t at = 0;
    uint32_t sum = 1;

    for (uint32_t i = 0; i < CHAIN_LINKS; i++)
        area[i * words] = i;
    for (uint32_t i = CHAIN_LINKS - 1; i > 0; i--) {
        uint32_t other = suite_random(&seed) % i;
        uint32_t link = area[i * words];

        area[i * words] = area[other * words];
        area[other * words] = link;
    }
    for (uint32_t i = 0; i < CHAIN_STEPS; i++) {
        at = area[at * words];
        sum += at ^ i;
    }
    return sum;
}

uint32_t suite_stream(void)
{
    uint8_t *area = suite_alloc(AREA);
    const uint32_t half = AREA / 2;
    uint32_t sum = 1;
    uint32_t at = 0;

    for (uint32_t i = 0; i < AREA; i++)
        area[i] = (uint8_t)(i * 7 >> 2);
    for (uint32_t round = 0; round < STREAM_ROUNDS; round++) {
        const uint32_t *words = (const uint32_t *)area;

        memcpy(area + half, area, half);
        /* Not a multiple of four: the slow way of every copy loop. */
        memmove(area + 1, area + half, half - 64);
        memset(area + half + 4096 * round, (int)round, 65536);
        for (uint32_t i = 0; i < AREA / 4; i++)
            sum += words[i];
    }
    for (uint32_t i = 0; i < STRIDE_STEPS; i++) {
        area[at]++;
        sum += area[at];
        at += STRIDE;
        if (at >= AREA)
            at -= AREA;
    }
    return suite_mix(sum, area[AREA - 1]);
}
