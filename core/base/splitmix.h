/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
#ifndef CORE_BASE_SPLITMIX_H
#define CORE_BASE_SPLITMIX_H

#include <stdint.h>

/* The n-th output (from 1) of the generator that starts with `seed`. Not for secrets. */
static inline uint64_t splitmix64(uint64_t seed, uint64_t n)
{
    uint64_t z = seed + n * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* The same, brought into 0 to below - 1. */
static inline uint32_t splitmix64_below(uint64_t seed, uint64_t n, uint32_t below)
{
    return (uint32_t)((splitmix64(seed, n) >> 32) * below >> 32);
}

#endif
