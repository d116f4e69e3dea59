/*
 * The runtime of the bare-metal guests: small programs that check the machine from inside.
 *
 * A guest defines guest_main(). It runs in kernel mode in KSEG0 with interrupts off, and ends by
 * returning: the runtime then prints "PASS" and resets the board. The first check that fails prints
 * "FAIL line got want" and resets the board as well.
 */
#ifndef TESTS_GUEST_BARE_H
#define TESTS_GUEST_BARE_H

#include <stdint.h>

/* What an exception left, in the layout of bare_frame.h; trap_hook() may change it. */
struct trap_frame {
    uint32_t gpr[32];
    uint32_t hi, lo;
    uint32_t status, cause, epc, badvaddr, entryhi, context;
    uint32_t vector;    /* 0, 0x180 or 0x200 */
    uint32_t unused;
};

enum {
    EXC_INT = 0, EXC_MOD = 1, EXC_TLBL = 2, EXC_TLBS = 3, EXC_ADEL = 4, EXC_ADES = 5,
    EXC_SYS = 8, EXC_BP = 9, EXC_RI = 10, EXC_CPU = 11, EXC_OV = 12, EXC_TR = 13, EXC_FPE = 15,
};

enum { STATUS_IE = 1, STATUS_EXL = 2, STATUS_UM = 0x10, STATUS_IM7 = 0x8000 };
enum { CAUSE_BD = (int)0x80000000, CAUSE_TI = 0x40000000, CAUSE_IV = 0x00800000 };

/* The program. */
void guest_main(void);

/*
 * Called for every exception that trap_resume does not expect; returns 1 if it was handled. The
 * program sets it; without it such an exception is a failure.
 */
extern int (*trap_hook)(struct trap_frame *frame);

extern struct trap_frame trap_last;       /* the last expected exception */
extern volatile uint32_t trap_count;      /* expected exceptions so far */
extern volatile uint32_t trap_site;       /* EPC that EXPECT_TRAP expects */
extern volatile uint32_t trap_resume;     /* where the next exception resumes, 0: none expected */

void put_char(char c);
void put_text(const char *text);
void put_hex(uint32_t value);

/* Prints FAIL with its arguments and ends the program. */
void fail(uint32_t line, uint32_t got, uint32_t want) __attribute__((noreturn));

/* Prints PASS and ends the program. */
void pass(void) __attribute__((noreturn));

/* Checks the last expected exception: code, EPC at trap_site, branch delay or not. */
void check_trap(uint32_t line, uint32_t count, uint32_t code, uint32_t in_delay_slot);

#define CHECK_EQ(got, want) \
    do { \
        uint32_t got_ = (got), want_ = (want); \
        if (got_ != want_) \
            fail(__LINE__, got_, want_); \
    } while (0)

#define MFC0(reg, sel) \
    __extension__({ \
        uint32_t value_; \
        __asm__ volatile("mfc0 %0, $" #reg ", " #sel : "=r"(value_)); \
        value_; \
    })

#define MTC0(reg, sel, value) \
    __asm__ volatile("mtc0 %z0, $" #reg ", " #sel "\n ehb" : : "Jr"((uint32_t)(value)) : "memory")

/*
 * Runs TEXT, whose first instruction must raise the exception CODE. TEXT may use %[a] and %[b] (the
 * operands) and $8-$11; execution goes on behind it.
 */
#define EXPECT_TRAP(code, text, operand_a, operand_b) \
    EXPECT_TRAP_(code, 0, "1: " text "\n", operand_a, operand_b)

/* The same with TEXT in the delay slot of a taken branch: EPC is the branch's, BD is set. */
#define EXPECT_TRAP_BD(code, text, operand_a, operand_b) \
    EXPECT_TRAP_(code, 1, "1: beq $0, $0, 2f\n" text "\n", operand_a, operand_b)

#define EXPECT_TRAP_(code, bd, text, operand_a, operand_b) \
    do { \
        uint32_t count_ = trap_count; \
        __asm__ volatile(".set push\n .set noreorder\n .set hardfloat\n" \
                         "la $24, 1f\n sw $24, trap_site\n" \
                         "la $24, 2f\n sw $24, trap_resume\n" \
                         text " nop\n 2: nop\n .set pop\n" \
                         : : [a] "r"(operand_a), [b] "r"(operand_b) \
                         : "$8", "$9", "$10", "$11", "$24", "memory"); \
        check_trap(__LINE__, count_, code, bd); \
    } while (0)

/* One byte of the ISA I/O space, uncached. */
static inline volatile uint8_t *isa_port(uint32_t port)
{
    return (volatile uint8_t *)(0xb8000000u + port);
}

#endif
