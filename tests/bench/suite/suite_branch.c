/*
 * Programs of branches: a bytecode interpreter with a switch, a state machine with a table of
 * functions, recursion.
 */
#include <stddef.h>

#include "suite.h"

enum {
    PROGRAM_ROUNDS = 480,
    PROGRAM_OUTER = 60,
    TEXT_BYTES = 32768,
    TEXT_ROUNDS = 960,
    FIB_DEPTH = 33,
    QUEENS = 8,
    QUEENS_ROUNDS = 280,
    CALL_ROUNDS = 72000000,
};

/* ---- the interpreter ---- */

enum op { OP_SET, OP_ADD, OP_XOR, OP_MUL, OP_SHIFT, OP_LOAD, OP_STORE, OP_LESS, OP_LOOP, OP_END };

struct op_line {
    uint8_t op, to, from;
    int8_t argument; /* of OP_SET and OP_ADD: not negative */
};

/* Two nested loops over an array of 64 words. Registers: 0 outer, 1 inner, 2 sum. */
static const struct op_line program[] = {
    {OP_SET, 0, 0, PROGRAM_OUTER},
    {OP_SET, 1, 0, 100},
    {OP_LOAD, 3, 1, 0},
    {OP_ADD, 3, 0, 3},
    {OP_XOR, 2, 3, 0},
    {OP_MUL, 2, 1, 0},
    {OP_SHIFT, 4, 2, 7},
    {OP_LESS, 3, 4, 2}, /* skips so many lines if register 3 < register 4 */
    {OP_ADD, 2, 4, 1},
    {OP_XOR, 2, 1, 0},
    {OP_STORE, 2, 1, 0},
    {OP_LOOP, 1, 0, -9},
    {OP_LOOP, 0, 0, -11},
    {OP_END, 2, 0, 0},
};

static uint32_t interpret(uint32_t *memory)
{
    uint32_t r[8] = {0};
    const struct op_line *line = program;

    for (;; line++) {
        switch ((enum op)line->op) {
        case OP_SET:
            r[line->to] = (uint32_t)line->argument;
            break;
        case OP_ADD:
            r[line->to] += r[line->from] + (uint32_t)line->argument;
            break;
        case OP_XOR:
            r[line->to] ^= r[line->from];
            break;
        case OP_MUL:
            r[line->to] *= r[line->from] | 1;
            break;
        case OP_SHIFT:
            r[line->to] = r[line->from] >> line->argument;
            break;
        case OP_LOAD:
            r[line->to] = memory[r[line->from] & 63];
            break;
        case OP_STORE:
            memory[r[line->from] & 63] = r[line->to];
            break;
        case OP_LESS:
            if (r[line->to] < r[line->from])
                line += line->argument;
            break;
        case OP_LOOP:
            if (--r[line->to] != 0)
                line += line->argument - 1;
            break;
        case OP_END:
            return r[line->to];
        }
    }
}

/* ---- the state machine: counts words, numbers and lines of a text ---- */

struct counts {
    uint32_t words, numbers, lines, other;
};

enum state { STATE_SPACE, STATE_WORD, STATE_NUMBER, STATE_COUNT };

static int start_of(struct counts *counts, uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return STATE_WORD;
    if (c >= '0' && c <= '9')
        return STATE_NUMBER;
    if (c == '\n')
        counts->lines++;
    else if (c != ' ')
        counts->other++;
    return STATE_SPACE;
}

static int in_word(struct counts *counts, uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || c == '\'')
        return STATE_WORD;
    counts->words++;
    return start_of(counts, c);
}

static int in_number(struct counts *counts, uint8_t c)
{
    if (c >= '0' && c <= '9')
        return STATE_NUMBER;
    counts->numbers++;
    return start_of(counts, c);
}

static int (*const states[STATE_COUNT])(struct counts *, uint8_t) = {start_of, in_word, in_number};

static uint32_t scan_text(const uint8_t *text)
{
    struct counts counts = {0};
    int state = STATE_SPACE;

    for (uint32_t i = 0; i < TEXT_BYTES; i++)
        state = states[state](&counts, text[i]);
    return counts.words * 31 + counts.numbers * 37 + counts.lines * 41 + counts.other;
}

uint32_t suite_switch(void)
{
    static const char letters[] = "etaoin shrdlu 0123\nmp'\n (etaoin) shr ";
    uint32_t memory[64];
    uint8_t *text = suite_alloc(TEXT_BYTES);
    uint32_t seed = 577;
    uint32_t sum = 1;

    for (uint32_t i = 0; i < 64; i++)
        memory[i] = suite_random(&seed);
    for (uint32_t i = 0; i < TEXT_BYTES; i++)
        text[i] = (uint8_t)letters[suite_random(&seed) % (sizeof(letters) - 1)];
    for (int i = 0; i < PROGRAM_ROUNDS; i++)
        sum = suite_mix(sum, interpret(memory));
    for (int i = 0; i < TEXT_ROUNDS; i++) {
        text[i] = (uint8_t)letters[i % (int)(sizeof(letters) - 1)];
        sum = suite_mix(sum, scan_text(text));
    }
    return sum;
}

/* ---- calls ---- */

static uint32_t __attribute__((noinline, noclone)) fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/* The ways to put queens on the rows from `row` on; a bit set in the masks is a threat. */
static uint32_t __attribute__((noinline, noclone))
queens(uint32_t row, uint32_t columns, uint32_t left, uint32_t right)
{
    uint32_t free = ~(columns | left | right) & ((1u << QUEENS) - 1);
    uint32_t ways = 0;

    if (row == QUEENS)
        return 1;
    while (free != 0) {
        uint32_t bit = free & -free;

        free ^= bit;
        ways += queens(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return ways;
}

static uint32_t __attribute__((noinline, noclone)) step_add(uint32_t x)
{
    return x + 0x6A09E667u;
}

static uint32_t __attribute__((noinline, noclone)) step_turn(uint32_t x)
{
    return x << 7 | x >> 25;
}

static uint32_t __attribute__((noinline, noclone)) step_fold(uint32_t x)
{
    return x ^ x >> 9;
}

static uint32_t __attribute__((noinline, noclone)) step_both(uint32_t x)
{
    return step_turn(step_add(x));
}

uint32_t suite_calls(void)
{
    static uint32_t (*const steps[4])(uint32_t) = {step_add, step_turn, step_fold, step_both};
    uint32_t sum = fibonacci(FIB_DEPTH);

    for (int i = 0; i < QUEENS_ROUNDS; i++)
        sum = suite_mix(sum, queens(0, 0, 0, 0));
    for (uint32_t i = 0; i < CALL_ROUNDS; i++)
        sum = steps[(sum >> 3 ^ i) & 3](sum);
    return sum;
}
