/* Branches and jumps: which are taken, their delay slots, annulled slots, link registers. */
#include "tests/guest/bare.h"

/*
 * Runs the branch TEXT (to label 1) on two operands. The result has bit 0 set if the delay slot ran
 * and bit 1 if the branch was not taken.
 */
#define BRANCH(text, a, b, want) \
    do { \
        uint32_t r_; \
        __asm__ volatile(".set push\n .set noreorder\n move %0, $0\n" text "\n" \
                         " ori %0, %0, 1\n ori %0, %0, 2\n 1: nop\n .set pop" \
                         : "=&r"(r_) : "r"(a), "r"(b) : "$31"); \
        CHECK_EQ(r_, want); \
    } while (0)

enum { TAKEN = 1, NOT_TAKEN = 3, ANNULLED = 2 };

static void check_conditions(void)
{
    BRANCH("beq %1, %2, 1f", 5, 5, TAKEN);
    BRANCH("beq %1, %2, 1f", 5, 6, NOT_TAKEN);
    BRANCH("bne %1, %2, 1f", 5, 6, TAKEN);
    BRANCH("bne %1, %2, 1f", 5, 5, NOT_TAKEN);
    BRANCH("blez %1, 1f", 0, 0, TAKEN);
    BRANCH("blez %1, 1f", 0x80000000u, 0, TAKEN);
    BRANCH("blez %1, 1f", 1, 0, NOT_TAKEN);
    BRANCH("bgtz %1, 1f", 1, 0, TAKEN);
    BRANCH("bgtz %1, 1f", 0, 0, NOT_TAKEN);
    BRANCH("bgtz %1, 1f", 0xffffffffu, 0, NOT_TAKEN);
    BRANCH("bltz %1, 1f", 0x80000000u, 0, TAKEN);
    BRANCH("bltz %1, 1f", 0, 0, NOT_TAKEN);
    BRANCH("bgez %1, 1f", 0, 0, TAKEN);
    BRANCH("bgez %1, 1f", 0x80000000u, 0, NOT_TAKEN);
    BRANCH("b 1f", 0, 0, TAKEN);
    BRANCH("j 1f", 0, 0, TAKEN);
    BRANCH("bltzal %1, 1f", 0x80000000u, 0, TAKEN);
    BRANCH("bgezal %1, 1f", 0x80000000u, 0, NOT_TAKEN);
    /* A likely branch that is not taken annuls its delay slot. */
    BRANCH("beql %1, %2, 1f", 5, 5, TAKEN);
    BRANCH("beql %1, %2, 1f", 5, 6, ANNULLED);
    BRANCH("bnel %1, %2, 1f", 5, 5, ANNULLED);
    BRANCH("blezl %1, 1f", 1, 0, ANNULLED);
    BRANCH("bgtzl %1, 1f", 0, 0, ANNULLED);
    BRANCH("bltzl %1, 1f", 0, 0, ANNULLED);
    BRANCH("bgezl %1, 1f", 0, 0, TAKEN);
    BRANCH("bgezall %1, 1f", 0x80000000u, 0, ANNULLED);
}

/* Link registers hold the address behind the delay slot, and the delay slot already sees them. */
static void check_links(void)
{
    uint32_t link, seen, want;

    __asm__ volatile(".set push\n .set noreorder\n"
                     "la %2, 2f\n jal 1f\n move %1, $31\n 2: nop\n 1: move %0, $31\n .set pop"
                     : "=&r"(link), "=&r"(seen), "=&r"(want) : : "$31");
    CHECK_EQ(link, want);
    CHECK_EQ(seen, want);
    __asm__ volatile(".set push\n .set noreorder\n"
                     "la %2, 2f\n la $8, 1f\n jalr $9, $8\n move %1, $9\n 2: nop\n"
                     " 1: move %0, $9\n .set pop"
                     : "=&r"(link), "=&r"(seen), "=&r"(want) : : "$8", "$9");
    CHECK_EQ(link, want);
    CHECK_EQ(seen, want);
    /* bgezal links even if it is not taken. */
    __asm__ volatile(".set push\n .set noreorder\n"
                     "la %1, 1f\n li $8, -1\n bgezal $8, 1f\n nop\n 1: move %0, $31\n .set pop"
                     : "=&r"(link), "=&r"(want) : : "$8", "$31");
    CHECK_EQ(link, want);
}

/* The delay slot may change the register that the branch tested or jumps to. */
static void check_delay_slot_order(void)
{
    uint32_t r;

    __asm__ volatile(".set push\n .set noreorder\n"
                     "li $8, 1\n li %0, 0\n bnez $8, 1f\n li $8, 0\n li %0, 1\n"
                     "1: addu %0, %0, $8\n .set pop" : "=&r"(r) : : "$8");
    CHECK_EQ(r, 0);
    __asm__ volatile(".set push\n .set noreorder\n"
                     "la $8, 1f\n li %0, 0\n jr $8\n li $8, 0\n li %0, 1\n 1: nop\n .set pop"
                     : "=&r"(r) : : "$8");
    CHECK_EQ(r, 0);
}

/* A loop backward with its counter in the delay slot, long enough for any block linking. */
static void check_loop(void)
{
    uint32_t sum, n;

    __asm__ volatile(".set push\n .set noreorder\n"
                     "li %1, 1000\n move %0, $0\n 1: addu %0, %0, %1\n bgtz %1, 1b\n"
                     " addiu %1, %1, -1\n .set pop" : "=&r"(sum), "=&r"(n));
    CHECK_EQ(sum, 500500);
    CHECK_EQ(n, 0xffffffffu);
}

void guest_main(void)
{
    check_conditions();
    check_links();
    check_delay_slot_order();
    check_loop();
}
