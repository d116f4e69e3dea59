/*
 * The floating-point programs in single precision.
 */
#include <string.h>

#define real         float
#define REAL_SQRT(x) __builtin_sqrtf(x)
#define REAL_WORD(x) word_of(x)

#include "suite.h"

static uint32_t word_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

#include "suite_float.h"

uint32_t suite_single(void)
{
    return run_float_programs();
}
