/*
 * Code that is written all the time, as a compiler in the guest does it: functions in one page are
 * made, entered at any instruction, changed by one instruction, called next to others that stay;
 * counters stand in the page of the code that counts; code writes the instruction that comes next,
 * the delay slot of the branch that comes next, or from a delay slot its own branch and itself.
 *
 * What code returns must be what a model says. Where the manual does not say whether a store is
 * seen, because there was no synci, both are right; what was seen is printed, for the test that
 * compares the transcripts of two engines.
 */
#include "tests/guest/bare.h"

enum { PAGE_WORDS = 1024, FUNCTIONS = 16, WORDS = 24, ROUNDS = 1500 };
enum { V0 = 2, A0 = 4, RA = 31 };
enum { ADDIU = 9, XORI = 14, ORI = 13, BNE = 5, LW = 0x23, SW = 0x2b };
enum { JR_RA = 0x03e00008, KSEG1 = 0x20000000 };

static uint32_t page[PAGE_WORDS] __attribute__((aligned(4096)));
static uint32_t random_state = 0x1d15c0;

typedef uint32_t function(uint32_t a);

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

static void write_word(uint32_t *at, uint32_t word)
{
    *(volatile uint32_t *)at = word;
    __asm__ volatile("synci 0(%0)\n sync" : : "r"(at) : "memory");
}

static uint32_t call(const uint32_t *at, uint32_t a)
{
    register uint32_t result __asm__("$2") = 0;
    register uint32_t argument __asm__("$4") = a;

    __asm__ volatile(".set push\n .set noreorder\n jalr.hb $31, %2\n nop\n .set pop"
                     : "+r"(result), "+r"(argument) : "r"(at) : "$3", "$31", "memory");
    return result;
}

static uint32_t immediate(uint32_t opcode, uint32_t target, uint32_t source, uint32_t value)
{
    return opcode << 26 | source << 21 | target << 16 | (value & 0xffff);
}

/* ---- functions against a model ---- */

/* An instruction on V0 and A0, or a branch over at most `ahead` words behind its slot. */
static uint32_t random_word(uint32_t ahead)
{
    static const uint8_t opcodes[] = {ADDIU, XORI, ORI};

    if (ahead > 0 && random_below(4) == 0)
        return immediate(BNE, V0, random_below(2) ? A0 : 0, 1 + random_below(ahead + 1));
    if (random_below(4) == 0)
        return immediate(ADDIU, A0, V0, random_below(0x10000));
    return immediate(opcodes[random_below(3)], V0, V0, random_below(0x10000));
}

static uint32_t is_branch(uint32_t word)
{
    return word >> 26 == BNE;
}

/* A random word for place `at` of a function; no branch in a branch's slot. */
static uint32_t word_for(const uint32_t *code, uint32_t at)
{
    uint32_t in_slot = at > 0 && is_branch(code[at - 1]);
    uint32_t before_branch = is_branch(code[at + 1]);

    return random_word(in_slot || before_branch || at + 3 > WORDS - 2 ? 0 : WORDS - 2 - (at + 2));
}

static void model_one(uint32_t word, uint32_t *v0, uint32_t *a0)
{
    uint32_t *target = (word >> 16 & 31) == V0 ? v0 : a0;
    uint32_t value = word & 0xffff;

    switch (word >> 26) {
    case ADDIU:
        *target = *v0 + (uint32_t)(int32_t)(int16_t)value;
        break;
    case XORI:
        *target = *v0 ^ value;
        break;
    case ORI:
        *target = *v0 | value;
        break;
    default:
        break;
    }
}

/* What `code` returns when it is entered at word `at` with 0 in V0. */
static uint32_t model(const uint32_t *code, uint32_t at, uint32_t a0)
{
    uint32_t v0 = 0;

    while (at < WORDS - 2) {
        uint32_t word = code[at++];

        if (!is_branch(word)) {
            model_one(word, &v0, &a0);
            continue;
        }
        uint32_t taken = v0 != ((word >> 21 & 31) == A0 ? a0 : 0);

        model_one(code[at++], &v0, &a0);
        if (taken)
            at += (word & 0xffff) - 1;
    }
    model_one(code[WORDS - 1], &v0, &a0);
    return v0;
}

static void make_function(uint32_t *code)
{
    for (uint32_t i = 0; i < WORDS; i++)
        ((volatile uint32_t *)code)[i] = 0;
    for (uint32_t i = 0; i < WORDS - 2; i++)
        write_word(code + i, word_for(code, i));
    write_word(code + WORDS - 2, JR_RA);
    write_word(code + WORDS - 1, immediate(XORI, V0, V0, random_below(0x10000)));
}

/* From any word on that is not a slot, by either address of the page. */
static void check_function(const uint32_t *code, uint32_t uncached)
{
    uint32_t at = random_below(2) == 0 ? 0 : random_below(WORDS - 2), a = random_below(8);

    if (at > 0 && is_branch(code[at - 1]))
        at--;
    CHECK_EQ(call((const uint32_t *)((uint32_t)(code + at) | (uncached ? KSEG1 : 0)), a),
             model(code, at, a));
}

static void check_patches(void)
{
    for (uint32_t i = 0; i < FUNCTIONS; i++)
        make_function(page + i * WORDS);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t *code = page + random_below(FUNCTIONS) * WORDS;
        uint32_t at = random_below(WORDS - 2);

        if (random_below(16) == 0)
            make_function(code);
        else
            write_word(code + at, word_for(code, at));
        for (uint32_t n = 0; n < 3; n++)
            check_function(code, n == 2);
        for (uint32_t n = 0; n < 4; n++)
            check_function(page + random_below(FUNCTIONS) * WORDS, n == 3);
    }
}

/* All of the page at once, as when a system gives its memory to another program. */
static void check_whole_page(void)
{
    for (uint32_t round = 0; round < 8; round++) {
        for (uint32_t i = 0; i < PAGE_WORDS; i++)
            ((volatile uint32_t *)page)[i] = 0;
        for (uint32_t i = 0; i < PAGE_WORDS / WORDS; i++)
            make_function(page + i * WORDS);
        for (uint32_t i = 0; i < PAGE_WORDS / WORDS; i++)
            check_function(page + i * WORDS, 0);
    }
}

/* Functions that count in their own page. */
static void check_counters(void)
{
    uint32_t *counters = page + PAGE_WORDS - FUNCTIONS;
    uint32_t want[FUNCTIONS];

    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        uint32_t *code = page + i * 8;

        want[i] = counters[i] = 0;
        write_word(code, immediate(LW, V0, A0, i * 4));
        write_word(code + 1, immediate(ADDIU, V0, V0, 1));
        write_word(code + 2, immediate(SW, V0, A0, i * 4));
        write_word(code + 3, JR_RA);
        write_word(code + 4, 0);
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t n = random_below(FUNCTIONS), step = 1 + random_below(100);

        write_word(page + n * 8 + 1, immediate(ADDIU, V0, V0, step));
        for (uint32_t k = 0; k < 3; k++)
            CHECK_EQ(call(page + n * 8, (uint32_t)counters), want[n] += step);
    }
    for (uint32_t i = 0; i < FUNCTIONS; i++)
        CHECK_EQ(counters[i], want[i]);
}

/* ---- code that changes what comes next ---- */

#define SYNCI(text) " synci 0($9)\n sync\n la $11, " text "\n jr.hb $11\n nop\n"

/*
 * Ten rounds. HEAD puts $10, an addiu of the round's number to %0, at $9; the changed instruction is
 * at 5:, and TAIL goes back to 1: until $8 is 0.
 */
#define CHANGED_LOOP(head, tail) \
    __extension__({ \
        uint32_t sum_; \
        __asm__ volatile(".set push\n .set noreorder\n .set noat\n" \
                         " move $2, $0\n li $8, 10\n la $9, 5f\n lui $10, 0x2442\n" \
                         " 1: addiu $8, $8, -1\n addiu $10, $10, 1\n" \
                         head tail \
                         " move %0, $2\n .set pop" \
                         : "=r"(sum_) : : "$2", "$8", "$9", "$10", "$11", "$12", "memory"); \
        sum_; \
    })

enum { SUM = 55 };

/* Without synci each round adds its number or that of the round before; the first adds 0 or 1. */
static void check_either(uint32_t line, uint32_t got)
{
    if (got > SUM || got < SUM - 10)
        fail(line, got, SUM);
    put_hex(got);
    put_char('\n');
}

static void check_next_instruction(void)
{
    CHECK_EQ(CHANGED_LOOP(" sw $10, 0($9)\n" SYNCI("5f"),
                          " 5: addiu $2, $2, 0\n bnez $8, 1b\n nop\n"), SUM);
    CHECK_EQ(CHANGED_LOOP(" sw $10, 0($9)\n" SYNCI("6f"),
                          " 6: bnez $8, 1b\n 5: addiu $2, $2, 0\n"), SUM);
    check_either(__LINE__, CHANGED_LOOP(" sw $10, 0($9)\n",
                                        " 5: addiu $2, $2, 0\n bnez $8, 1b\n nop\n"));
    check_either(__LINE__, CHANGED_LOOP(" sw $10, 0($9)\n",
                                        " bnez $8, 1b\n 5: addiu $2, $2, 0\n"));
    check_either(__LINE__, CHANGED_LOOP(" b 5f\n sw $10, 0($9)\n",
                                        " 5: addiu $2, $2, 0\n bnez $8, 1b\n nop\n"));
}

/* A slot that writes into its own branch, and one that writes itself. */
static void check_own_branch(void)
{
    uint32_t turns, left;

    /* The branch back becomes one to 3: when it is first taken. */
    __asm__ volatile(".set push\n .set noreorder\n .set noat\n"
                     " move %0, $0\n li %1, 10\n la $9, 2f\n la $10, 4f\n lw $10, 0($10)\n"
                     " 1: addiu %0, %0, 1\n synci 0($9)\n sync\n la $11, 6f\n jr.hb $11\n nop\n"
                     " 6: addiu %1, %1, -1\n"
                     " 2: bnez %1, 1b\n sw $10, 0($9)\n"
                     " b 5f\n nop\n"
                     " 4: beq $0, $0, . + 8\n"
                     " 5:\n .set pop"
                     : "=&r"(turns), "=&r"(left) : : "$9", "$10", "$11", "memory");
    CHECK_EQ(turns, 2);
    CHECK_EQ(left, 8);

    /* The slot becomes an addition. */
    __asm__ volatile(".set push\n .set noreorder\n .set noat\n"
                     " move $2, $0\n li %1, 10\n la $9, 2f\n lui $10, 0x2442\n addiu $10, 3\n"
                     " 1: synci 0($9)\n sync\n la $11, 6f\n jr.hb $11\n nop\n"
                     " 6: addiu %1, %1, -1\n"
                     " bnez %1, 1b\n 2: sw $10, 0($9)\n"
                     " move %0, $2\n .set pop"
                     : "=r"(turns), "=&r"(left) : : "$2", "$9", "$10", "$11", "memory");
    CHECK_EQ(turns, 9 * 3);
    CHECK_EQ(left, 0);
}

/* A loop that rewrites, each time, the function of its page that it calls. */
static void check_callee(void)
{
    CHECK_EQ(CHANGED_LOOP(" move $11, $31\n sw $10, 0($9)\n synci 0($9)\n sync\n"
                          " la $12, 5f\n jalr.hb $31, $12\n nop\n move $31, $11\n",
                          " bnez $8, 1b\n nop\n b 7f\n nop\n"
                          " 5: addiu $2, $2, 0\n jr $31\n nop\n 7:\n"), SUM);
}

void guest_main(void)
{
    check_patches();
    check_whole_page();
    check_patches();
    check_counters();
    check_next_instruction();
    check_own_branch();
    check_callee();
}
