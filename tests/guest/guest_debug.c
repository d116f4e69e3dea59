/*
 * Debug mode (EJTAG): sdbbp goes by way of the boot ROM to a handler at 0x80000300, with all
 * registers as they were; exceptions in debug mode come there again and touch nothing but Debug and
 * DEPC; deret goes back.
 */
#include "tests/guest/bare.h"

enum { DEBUG_DBP = 2, DEBUG_CODE = 10, DEBUG_DM = 0x40000000 };

uint32_t debug_seen[8][2]; /* Debug and DEPC at each entry of the handler */
uint32_t debug_entries;
uint32_t debug_inside;     /* code that the first entry jumps to, or 0 */
uint32_t debug_saved[4];
extern char debug_handler[], debug_handler_end[];

__asm__(".set push\n .set noreorder\n .set noat\n"
        "debug_handler:\n"
        " mtc0 $26, $31\n lui $26, %hi(debug_entries)\n lw $26, %lo(debug_entries)($26)\n"
        " bnez $26, 2f\n nop\n la $26, debug_saved\n"
        " sw $8, 0($26)\n sw $9, 4($26)\n sw $27, 8($26)\n mfc0 $8, $31\n sw $8, 12($26)\n"
        "2: la $26, debug_saved\n"
        " lui $27, %hi(debug_entries)\n lw $8, %lo(debug_entries)($27)\n"
        " addiu $9, $8, 1\n sw $9, %lo(debug_entries)($27)\n"
        " sll $9, $8, 3\n la $27, debug_seen\n addu $27, $27, $9\n"
        " mfc0 $9, $23\n sw $9, 0($27)\n mfc0 $9, $24\n sw $9, 4($27)\n"
        " bnez $8, 1f\n nop\n"
        " lui $27, %hi(debug_inside)\n lw $27, %lo(debug_inside)($27)\n"
        " beqz $27, 1f\n nop\n jr $27\n nop\n"
        "1: la $27, debug_seen\n lw $9, 4($27)\n addiu $9, $9, 4\n mtc0 $9, $24\n"
        " lw $8, 0($26)\n lw $9, 4($26)\n lw $27, 8($26)\n lw $26, 12($26)\n ehb\n deret\n nop\n"
        "debug_handler_end:\n"
        "inside_sdbbp: sdbbp\n"
        "inside_syscall: syscall\n"
        "inside_slot: b inside_slot\n break\n"
        "inside_address: lw $8, 1($27)\n"
        "inside_miss: lui $27, 0x40\n lw $8, 0($27)\n"
        ".set pop\n");

static void install(void)
{
    const uint32_t *from = (const uint32_t *)debug_handler;
    volatile uint32_t *to = (volatile uint32_t *)0x80000300u;

    while (from < (const uint32_t *)debug_handler_end) {
        *to = *from++;
        __asm__ volatile("synci 0(%0)" : : "r"(to));
        to++;
    }
    __asm__ volatile("sync");
}

static uint32_t debug_break(uint32_t inside)
{
    uint32_t at, k0;

    debug_entries = 0;
    debug_inside = inside;
    __asm__ volatile(".set push\n .set noreorder\n .set noat\n la %0, 1f\n li $26, 0x5a5a1234\n"
                     "1: sdbbp 3\n move %1, $26\n .set pop"
                     : "=&r"(at), "=&r"(k0) : : "$26", "memory");
    CHECK_EQ(k0, 0x5a5a1234);
    CHECK_EQ(debug_seen[0][1], at);
    CHECK_EQ(debug_seen[0][0] & 0xc000003fu, DEBUG_DM | DEBUG_DBP);
    CHECK_EQ(MFC0(23, 0) & DEBUG_DM, 0);
    return debug_entries;
}

/* An exception in debug mode: entered anew, with its code, and the usual registers as they were. */
static void check_inside(uint32_t code, uint32_t inside, uint32_t epc, uint32_t slot)
{
    uint32_t status = MFC0(12, 0), cause = MFC0(13, 0), entryhi = MFC0(10, 0);

    MTC0(14, 0, 0x1234);
    uint32_t badvaddr = MFC0(8, 0), context = MFC0(4, 0);
    CHECK_EQ(debug_break(inside), 2);
    CHECK_EQ(debug_seen[1][1], epc);
    CHECK_EQ(debug_seen[1][0] >> DEBUG_CODE & 31, code);
    CHECK_EQ(debug_seen[1][0] & 0x3f, 0);
    CHECK_EQ(debug_seen[1][0] >> 30, slot << 1 | 1);
    CHECK_EQ(MFC0(14, 0), 0x1234);
    CHECK_EQ(MFC0(12, 0), status);
    CHECK_EQ(MFC0(13, 0), cause);
    CHECK_EQ(MFC0(10, 0), entryhi);
    CHECK_EQ(MFC0(8, 0), badvaddr);
    CHECK_EQ(MFC0(4, 0), context);
}

extern char inside_sdbbp[], inside_syscall[], inside_slot[], inside_address[], inside_miss[];

void guest_main(void)
{
    install();
    /* Version 2.5, no dseg, no single step, Count goes on; not in debug mode. */
    CHECK_EQ(MFC0(23, 0), 0x22008200);
    CHECK_EQ(debug_break(0), 1);
    check_inside(EXC_BP, (uint32_t)inside_sdbbp, (uint32_t)inside_sdbbp, 0);
    check_inside(EXC_SYS, (uint32_t)inside_syscall, (uint32_t)inside_syscall, 0);
    check_inside(EXC_BP, (uint32_t)inside_slot, (uint32_t)inside_slot, 1);
    check_inside(EXC_ADEL, (uint32_t)inside_address, (uint32_t)inside_address, 0);
    check_inside(EXC_TLBL, (uint32_t)inside_miss, (uint32_t)inside_miss + 4, 0);
    EXPECT_TRAP(EXC_RI, "deret", 0, 0);
}
