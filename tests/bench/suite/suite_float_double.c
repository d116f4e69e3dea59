/*
 * The floating-point programs in double precision.
 */
#include <string.h>

#define real         double
#define REAL_SQRT(x) __builtin_sqrt(x)
#define REAL_WORD(x) word_of(x)

#include "suite.h"

static uint32_t word_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return (uint32_t)(bits ^ bits >> 32);
}

#include "suite_float.h"

uint32_t suite_double(void)
{
    return run_float_programs();
}
