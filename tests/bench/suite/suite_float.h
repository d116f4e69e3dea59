/*
 * The floating-point programs, for one precision: bodies that attract each other, the Mandelbrot
 * set, a product of matrices, a polynomial, and conversions. To be included by the file of that
 * precision, after it has defined
 *
 *   real                 the type
 *   REAL_SQRT(x)         its square root: an instruction of the processor
 *   REAL_WORD(x)         a word that depends on all bits of x, for the checksum
 *
 * Only operations that IEEE 754 defines to the last bit are used, and the compiler must not
 * contract them: the checksum is one and the same for every right machine.
 */
#ifndef TESTS_BENCH_SUITE_SUITE_FLOAT_H
#define TESTS_BENCH_SUITE_SUITE_FLOAT_H

#include "suite.h"

enum {
    BODIES = 5,
    BODY_STEPS = 108000,
    PICTURE_SIDE = 235,
    PICTURE_DEPTH = 60,
    FLOAT_SIDE = 40,
    FLOAT_ROUNDS = 80,
    CONVERT_COUNT = 3600000,
};

struct body {
    real at[3];
    real speed[3];
    real mass;
};

static void pull(struct body *bodies, real step)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];

        for (int k = i + 1; k < BODIES; k++) {
            struct body *b = &bodies[k];
            real d[3];
            real square = (real)0.01;
            real pull;

            for (int axis = 0; axis < 3; axis++) {
                d[axis] = a->at[axis] - b->at[axis];
                square += d[axis] * d[axis];
            }
            pull = step / (square * REAL_SQRT(square));
            for (int axis = 0; axis < 3; axis++) {
                a->speed[axis] -= d[axis] * b->mass * pull;
                b->speed[axis] += d[axis] * a->mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++)
            bodies[i].at[axis] += step * bodies[i].speed[axis];
    }
}

static uint32_t move_bodies(void)
{
    struct body bodies[BODIES];
    uint32_t seed = 31415;
    uint32_t sum = 1;

    for (int i = 0; i < BODIES; i++) {
        for (int axis = 0; axis < 3; axis++) {
            bodies[i].at[axis] = (real)(int32_t)suite_random(&seed) / (real)1e9;
            bodies[i].speed[axis] = (real)(int32_t)suite_random(&seed) / (real)4e9;
        }
        bodies[i].mass = (real)(i + 1) / (real)BODIES;
    }
    for (int i = 0; i < BODY_STEPS; i++)
        pull(bodies, (real)0.001);
    for (int i = 0; i < BODIES; i++)
        sum = suite_mix(sum, REAL_WORD(bodies[i].at[0] + bodies[i].speed[1]));
    return sum;
}

static uint32_t draw_picture(void)
{
    uint32_t sum = 1;

    for (int row = 0; row < PICTURE_SIDE; row++) {
        for (int column = 0; column < PICTURE_SIDE; column++) {
            real cx = (real)column * 3 / PICTURE_SIDE - 2;
            real cy = (real)row * 2 / PICTURE_SIDE - 1;
            real x = 0;
            real y = 0;
            int depth = 0;

            while (depth < PICTURE_DEPTH && x * x + y * y <= 4) {
                real next = x * x - y * y + cx;

                y = 2 * x * y + cy;
                x = next;
                depth++;
            }
            sum = suite_mix(sum, (uint32_t)depth);
        }
    }
    return sum;
}

static uint32_t multiply_reals(void)
{
    static real a[FLOAT_SIDE][FLOAT_SIDE], b[FLOAT_SIDE][FLOAT_SIDE], c[FLOAT_SIDE][FLOAT_SIDE];
    uint32_t sum = 1;

    for (int i = 0; i < FLOAT_SIDE; i++) {
        for (int k = 0; k < FLOAT_SIDE; k++) {
            a[i][k] = (real)(i + 1) / (real)(k + 1);
            b[i][k] = (real)(i - k) / (real)FLOAT_SIDE;
        }
    }
    for (int round = 0; round < FLOAT_ROUNDS; round++) {
        for (int i = 0; i < FLOAT_SIDE; i++) {
            for (int k = 0; k < FLOAT_SIDE; k++) {
                real cell = 0;

                for (int j = 0; j < FLOAT_SIDE; j++)
                    cell += a[i][j] * b[j][k];
                c[i][k] = cell / (real)(FLOAT_SIDE + 2 * round);
            }
        }
        a[round % FLOAT_SIDE][0] = c[0][0];
        sum = suite_mix(sum, REAL_WORD(c[round % FLOAT_SIDE][round / 2]));
    }
    return sum;
}

/* Between integers and reals, both precisions, absolute values, minima. */
static uint32_t convert_numbers(void)
{
    uint32_t seed = 16180;
    uint32_t sum = 1;
    real least = 1000000;

    for (int i = 0; i < CONVERT_COUNT; i++) {
        int32_t number = (int32_t)suite_random(&seed) >> 4;
        real x = (real)number / 16;
        real polynomial = ((x * (real)0.25 - 3) * x + 7) * (real)1e-9;
        float narrow = (float)polynomial;
        double wide = (double)narrow * 3;

        if (x < 0)
            x = -x;
        if (x < least)
            least = x;
        sum += (uint32_t)(int32_t)x ^ (uint32_t)(int32_t)wide;
    }
    return suite_mix(sum, REAL_WORD(least));
}

static uint32_t run_float_programs(void)
{
    uint32_t sum = move_bodies();

    sum = suite_mix(sum, draw_picture());
    sum = suite_mix(sum, multiply_reals());
    return suite_mix(sum, convert_numbers());
}

#endif
