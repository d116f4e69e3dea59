/*
 * Integer programs: a sieve, a CRC, a product of matrices, a hash; and two ways to sort.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

enum {
    SIEVE_LIMIT = 60000,
    SIEVE_ROUNDS = 1000,
    CRC_BYTES = 16384,
    CRC_ROUNDS = 4000,
    MATRIX_SIDE = 48,
    MATRIX_ROUNDS = 600,
    HASH_WORDS = 4096,
    HASH_ROUNDS = 8000,
    SORT_COUNT = 40000,
    SORT_ROUNDS = 42,
};

static uint32_t count_primes(void)
{
    static uint8_t composite[SIEVE_LIMIT];
    uint32_t count = 0;

    memset(composite, 0, sizeof(composite));
    for (uint32_t i = 2; i < SIEVE_LIMIT; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t k = 2 * i; k < SIEVE_LIMIT; k += i)
            composite[k] = 1;
    }
    return count;
}

static uint32_t crc_of_block(uint32_t crc)
{
    static uint32_t table[256];
    static uint8_t block[CRC_BYTES];

    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;

            for (int bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? value >> 1 ^ 0xEDB88320u : value >> 1;
            table[i] = value;
        }
        for (uint32_t i = 0; i < CRC_BYTES; i++)
            block[i] = (uint8_t)(i * i >> 3);
    }
    for (uint32_t i = 0; i < CRC_BYTES; i++)
        crc = crc >> 8 ^ table[(crc ^ block[i]) & 0xFF];
    return crc;
}

static uint32_t multiply_matrices(uint32_t seed)
{
    static int32_t a[MATRIX_SIDE][MATRIX_SIDE], b[MATRIX_SIDE][MATRIX_SIDE];
    uint32_t sum = 0;

    for (int i = 0; i < MATRIX_SIDE; i++) {
        for (int k = 0; k < MATRIX_SIDE; k++) {
            a[i][k] = (int32_t)(suite_random(&seed) >> 16) - 32768;
            b[i][k] = (int32_t)(suite_random(&seed) >> 16) - 32768;
        }
    }
    for (int i = 0; i < MATRIX_SIDE; i++) {
        for (int k = 0; k < MATRIX_SIDE; k++) {
            int64_t cell = 0;

            for (int j = 0; j < MATRIX_SIDE; j++)
                cell += (int64_t)a[i][j] * b[j][k];
            sum = suite_mix(sum, (uint32_t)(cell / (i + k + 1)));
        }
    }
    return sum;
}

/* Rotations, multiplications and a division per word, in the manner of hash functions. */
static uint32_t hash_words(uint32_t hash)
{
    uint64_t wide = hash;

    for (uint32_t i = 0; i < HASH_WORDS; i++) {
        uint32_t word = i * 0x85EBCA6Bu;

        word = (word << 15 | word >> 17) * 0x1B873593u;
        hash ^= word;
        hash = (hash << 13 | hash >> 19) * 5 + 0xE6546B64u;
        wide = wide * 6364136223846793005u + hash;
        hash += hash / ((uint32_t)(wide >> 48) | 1);
    }
    return hash ^ (uint32_t)(wide >> 32);
}

uint32_t suite_integer(void)
{
    uint32_t sum = 1;

    for (int i = 0; i < SIEVE_ROUNDS; i++)
        sum = suite_mix(sum, count_primes());
    for (int i = 0; i < CRC_ROUNDS; i++)
        sum = crc_of_block(sum);
    for (int i = 0; i < MATRIX_ROUNDS; i++)
        sum = suite_mix(sum, multiply_matrices(sum | 1));
    for (int i = 0; i < HASH_ROUNDS; i++)
        sum = hash_words(sum);
    return sum;
}

static int compare_words(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Quicksort, with a middle element as pivot. */
static void sort_by_parts(uint32_t *words, int low, int high)
{
    while (low < high) {
        uint32_t pivot = words[low + (high - low) / 2];
        int i = low;
        int k = high;

        while (i <= k) {
            while (words[i] < pivot)
                i++;
            while (words[k] > pivot)
                k--;
            if (i <= k) {
                uint32_t word = words[i];

                words[i++] = words[k];
                words[k--] = word;
            }
        }
        if (k - low < high - i) {
            sort_by_parts(words, low, k);
            low = i;
        } else {
            sort_by_parts(words, i, high);
            high = k;
        }
    }
}

static void sink(uint32_t *heap, uint32_t count, uint32_t at)
{
    uint32_t word = heap[at];

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= count)
            break;
        if (child + 1 < count && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= word)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = word;
}

static void sort_by_heap(uint32_t *words, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sink(words, count, i);
    for (uint32_t end = count; end-- > 1;) {
        uint32_t word = words[0];

        words[0] = words[end];
        words[end] = word;
        sink(words, end, 0);
    }
}

uint32_t suite_sort(void)
{
    uint32_t *words = suite_alloc(SORT_COUNT * sizeof(*words));
    uint32_t seed = 4711;
    uint32_t sum = 1;

    for (int i = 0; i < 3 * SORT_ROUNDS; i++) {
        for (uint32_t k = 0; k < SORT_COUNT; k++)
            words[k] = suite_random(&seed);
        if (i % 3 == 0)
            qsort(words, SORT_COUNT, sizeof(*words), compare_words);
        else if (i % 3 == 1)
            sort_by_parts(words, 0, SORT_COUNT - 1);
        else
            sort_by_heap(words, SORT_COUNT);
        for (uint32_t k = 1; k < SORT_COUNT; k++)
            sum = suite_mix(sum, words[k] + (words[k - 1] <= words[k]));
    }
    return sum;
}
