/*
 * Exceptions: every cause that a program without TLB can raise, alone and in a branch delay slot,
 * with EPC, Cause.BD, Cause.CE and BadVAddr (MIPS32 volume III, chapter 6).
 */
#include "tests/guest/bare.h"

static uint32_t memory[4];

/* Both forms of one trap; BADVADDR is checked if it is not 0. */
#define BOTH(code, text, a, b, want_badvaddr) \
    do { \
        EXPECT_TRAP(code, text, a, b); \
        if ((want_badvaddr) != 0) \
            CHECK_EQ(trap_last.badvaddr, want_badvaddr); \
        EXPECT_TRAP_BD(code, text, a, b); \
        if ((want_badvaddr) != 0) \
            CHECK_EQ(trap_last.badvaddr, want_badvaddr); \
        CHECK_EQ(trap_last.vector, 0x180); \
        CHECK_EQ(trap_last.status & STATUS_EXL, STATUS_EXL); \
    } while (0)

static void check_addresses(void)
{
    uint32_t at = (uint32_t)memory;

    BOTH(EXC_ADEL, "lw $8, 2(%[a])", at, 0, at + 2);
    BOTH(EXC_ADEL, "lh $8, 1(%[a])", at, 0, at + 1);
    BOTH(EXC_ADEL, "lhu $8, 3(%[a])", at, 0, at + 3);
    BOTH(EXC_ADEL, "ll $8, 2(%[a])", at, 0, at + 2);
    BOTH(EXC_ADES, "sw %[b], 1(%[a])", at, 1, at + 1);
    BOTH(EXC_ADES, "sh %[b], 1(%[a])", at, 1, at + 1);
    CHECK_EQ(memory[0], 0);
    /* A load that traps leaves its target alone. */
    __asm__ volatile("li $8, 77" : : : "$8");
    EXPECT_TRAP(EXC_ADEL, "lw %[b], 2(%[a])", at, 5);
    /* A jump to an unaligned address traps at the target, outside of the delay slot. */
    __asm__ volatile(".set push\n .set noreorder\n la $24, 2f\n sw $24, trap_resume\n"
                     " la $8, 2f\n addiu $8, $8, 2\n sw $8, trap_site\n jr $8\n nop\n 2: nop\n"
                     " .set pop" : : : "$8", "$24", "memory");
    check_trap(__LINE__, trap_count - 1, EXC_ADEL, 0);
    CHECK_EQ(trap_last.badvaddr, trap_site);
}

static void check_instructions(void)
{
    BOTH(EXC_SYS, "syscall", 0, 0, 0);
    BOTH(EXC_SYS, "syscall 0x12345", 0, 0, 0);
    BOTH(EXC_BP, "break", 0, 0, 0);
    BOTH(EXC_BP, "break 0x123", 0, 0, 0);
    BOTH(EXC_OV, "add $8, %[a], %[b]", 0x7fffffffu, 1, 0);
    BOTH(EXC_OV, "addi $8, %[a], -1", 0x80000000u, 0, 0);
    BOTH(EXC_OV, "sub $8, %[a], %[b]", 0x80000000u, 1, 0);
    BOTH(EXC_TR, "teq %[a], %[b]", 4, 4, 0);
    BOTH(EXC_TR, "tne %[a], %[b]", 4, 5, 0);
    BOTH(EXC_TR, "tge %[a], %[b]", 4, 4, 0);
    BOTH(EXC_TR, "tlt %[a], %[b]", 0x80000000u, 4, 0);
    BOTH(EXC_TR, "tgeu %[a], %[b]", 0x80000000u, 4, 0);
    BOTH(EXC_TR, "tltu %[a], %[b]", 4, 0x80000000u, 0);
    BOTH(EXC_TR, "teqi %[a], -3", 0xfffffffdu, 0, 0);
    BOTH(EXC_TR, "tnei %[a], 3", 2, 0, 0);
    BOTH(EXC_TR, "tgei %[a], -3", 2, 0, 0);
    BOTH(EXC_TR, "tgeiu %[a], 3", 0xfffffff0u, 0, 0);
    BOTH(EXC_TR, "tlti %[a], 3", 0xfffffff0u, 0, 0);
    BOTH(EXC_TR, "tltiu %[a], -1", 5, 0, 0);
    /* An opcode that no release has, in SPECIAL2. */
    BOTH(EXC_RI, ".word 0x70000030", 0, 0, 0);
    /* 64-bit instructions are reserved on a 32-bit processor. */
    BOTH(EXC_RI, ".word 0x0000402d", 0, 0, 0);
}

static void check_no_trap(void)
{
    uint32_t count = trap_count;

    __asm__ volatile("teq %0, %1\n tne %0, %0\n tlt %1, %0\n tgeu %0, %1\n addu $8, %2, %2"
                     : : "r"(4), "r"(5), "r"(0x7fffffff) : "$8");
    CHECK_EQ(trap_count, count);
}

static void check_coprocessors(void)
{
    uint32_t status = MFC0(12, 0);

    MTC0(12, 0, status & ~0x20000000u);
    BOTH(EXC_CPU, "mfc1 $8, $f0", 0, 0, 0);
    CHECK_EQ(trap_last.cause >> 28 & 3, 1);
    BOTH(EXC_CPU, "lwc1 $f0, 0(%[a])", (uint32_t)memory, 0, 0);
    CHECK_EQ(trap_last.cause >> 28 & 3, 1);
    MTC0(12, 0, status);
}

/* With EXL set, a further exception keeps EPC and BD of the first. */
static void check_nested(void)
{
    uint32_t status = MFC0(12, 0);

    MTC0(14, 0, 0x12345678);
    MTC0(12, 0, status | STATUS_EXL);
    trap_site = 0x12345678;
    __asm__ volatile(".set push\n .set noreorder\n la $24, 1f\n sw $24, trap_resume\n syscall\n"
                     " 1: nop\n .set pop" : : : "$24", "memory");
    CHECK_EQ(trap_last.epc, 0x12345678);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_SYS);
    MTC0(12, 0, status);
}

/* ErrorEPC and eret with ERL: the return goes there, not to EPC. */
static void check_error_return(void)
{
    uint32_t r;
    uint32_t status = MFC0(12, 0);

    __asm__ volatile(".set push\n .set noreorder\n la $8, 1f\n mtc0 $8, $30\n la $8, 2f\n"
                     " mtc0 $8, $14\n ori $8, %1, 4\n mtc0 $8, $12\n ehb\n li %0, 1\n eret\n"
                     " 2: li %0, 2\n 1: nop\n .set pop" : "=&r"(r) : "r"(status) : "$8", "memory");
    CHECK_EQ(r, 1);
    CHECK_EQ(MFC0(12, 0) & 4, 0);
}

void guest_main(void)
{
    check_addresses();
    check_instructions();
    check_no_trap();
    check_coprocessors();
    check_nested();
    check_error_return();
}
