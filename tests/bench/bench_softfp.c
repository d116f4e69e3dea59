/* Speed of the software FPU, in million operations per second. */
#include <stdio.h>
#include <time.h>

#include "mips/softfp.h"
#include "tests/rng.h"

#define OPERANDS 4096
#define ROUNDS   1000

static uint64_t operand_d[OPERANDS];
static uint32_t operand_s[OPERANDS];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* `sink` keeps the results alive. */
#define BENCH(name, expression)                                                                    \
    do {                                                                                           \
        volatile uint64_t sink = 0;                                                                \
        double start = now();                                                                      \
        for (int round = 0; round < ROUNDS; round++)                                               \
            for (int i = 0; i + 1 < OPERANDS; i++)                                                 \
                sink = (uint64_t)(expression);                                                     \
        (void)sink;                                                                                \
        printf("%-10s %8.1f Mops/s\n", name, ROUNDS * (OPERANDS - 1.0) / (now() - start) * 1e-6); \
    } while (0)

int main(void)
{
    struct rng r = {1};
    struct softfp fp = {.rm = SOFTFP_RN};

    for (int i = 0; i < OPERANDS; i++) { /* 2^-32 .. 2^32, both signs */
        uint64_t v = rng_next(&r);
        operand_d[i] = (v & 0x800fffffffffffff) | (uint64_t)(991 + (v >> 52 & 63)) << 52;
        operand_s[i] = softfp_cvt_s_d(&fp, operand_d[i]);
    }
    BENCH("add.s", softfp_add_s(&fp, operand_s[i], operand_s[i + 1]));
    BENCH("mul.s", softfp_mul_s(&fp, operand_s[i], operand_s[i + 1]));
    BENCH("div.s", softfp_div_s(&fp, operand_s[i], operand_s[i + 1]));
    BENCH("sqrt.s", softfp_sqrt_s(&fp, operand_s[i] & 0x7fffffff));
    BENCH("add.d", softfp_add_d(&fp, operand_d[i], operand_d[i + 1]));
    BENCH("mul.d", softfp_mul_d(&fp, operand_d[i], operand_d[i + 1]));
    BENCH("div.d", softfp_div_d(&fp, operand_d[i], operand_d[i + 1]));
    BENCH("sqrt.d", softfp_sqrt_d(&fp, operand_d[i] & 0x7fffffffffffffff));
    BENCH("cvt.s.d", softfp_cvt_s_d(&fp, operand_d[i]));
    BENCH("cvt.d.w", softfp_cvt_d_w(&fp, (int32_t)operand_s[i]));
    BENCH("trunc.w.d", softfp_to_w_d(&fp, operand_d[i], SOFTFP_RZ));
    BENCH("c.lt.d", softfp_compare_d(&fp, operand_d[i], operand_d[i + 1], true));
    return 0;
}
