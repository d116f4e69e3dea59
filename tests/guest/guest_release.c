/*
 * What release 2 of MIPS32 brought: a processor of release 1 raises Reserved Instruction for its
 * instructions and its registers, has no Cause.TI and Cause.DC, and has its timer interrupt all the
 * same (MIPS32 volumes II and III, "Architecture" of each page). Run with -cpu of both releases;
 * built for release 1.
 */
#include "tests/guest/bare.h"

enum { CONFIG_AR = 7 << 10, CAUSE_DC = 1 << 27, CAUSE_CE = 3 << 28, STATUS_CU0 = 1 << 28 };

static uint32_t release;
static volatile uint32_t ticks;

/* TEXT sets $8 to WANT in release 2, and is reserved in release 1, in a delay slot, too. */
#define CHECK_RELEASE_2(text, operand, want) \
    do { \
        uint32_t result_; \
        if (release == 1) { \
            EXPECT_TRAP(EXC_RI, ".set mips32r2\n" text, operand, 0); \
            EXPECT_TRAP_BD(EXC_RI, ".set mips32r2\n" text, operand, 0); \
        } else { \
            __asm__ volatile(".set push\n .set noreorder\n .set mips32r2\n " text \
                             "\n move %0, $8\n .set pop" \
                             : "=r"(result_) : [a] "r"(operand) : "$8", "$9", "memory"); \
            CHECK_EQ(result_, want); \
        } \
    } while (0)

/* A register of CP0 that reads as WANT & MASK in release 2; written back unchanged. */
#define CHECK_REGISTER(number, select, mask, want) \
    do { \
        if (release == 1) { \
            EXPECT_TRAP(EXC_RI, "mfc0 $8, $" #number ", " #select, 0, 0); \
            EXPECT_TRAP(EXC_RI, "mtc0 $0, $" #number ", " #select, 0, 0); \
        } else { \
            uint32_t value_ = MFC0(number, select); \
            CHECK_EQ(value_ & (mask), want); \
            MTC0(number, select, value_); \
        } \
    } while (0)

static void check_instructions(void)
{
    static uint32_t line[16] __attribute__((aligned(64)));
    uint32_t status = MFC0(12, 0);

    CHECK_RELEASE_2("ext $8, %[a], 4, 8", 0x12345678, 0x67);
    CHECK_RELEASE_2("ins $8, %[a], 0, 32", 0x12345678, 0x12345678);
    CHECK_RELEASE_2("wsbh $8, %[a]", 0x12345678, 0x34127856);
    CHECK_RELEASE_2("seb $8, %[a]", 0x12345688, 0xffffff88u);
    CHECK_RELEASE_2("seh $8, %[a]", 0x12348678, 0xffff8678u);
    CHECK_RELEASE_2("rdhwr $8, $0", 0, 0);
    CHECK_RELEASE_2("rdhwr $8, $3\n sltu $8, $0, $8", 0, 1);
    CHECK_RELEASE_2("rdpgpr $8, %[a]", 77, 77);
    CHECK_RELEASE_2("wrpgpr $8, %[a]", 78, 78);
    CHECK_RELEASE_2("synci 0(%[a])\n li $8, 1", line, 1);
    CHECK_RELEASE_2("di $8", 0, status);
    CHECK_RELEASE_2("ei $8\n mtc0 %[a], $12\n ehb", status, status);
    CHECK_EQ(MFC0(12, 0), status);
}

/* Those that are the same in both. */
static void check_hints(void)
{
    uint32_t value;

    __asm__ volatile(".set push\n .set noreorder\n .set mips32r2\n la $8, 1f\n li %0, 1\n"
                     " jr.hb $8\n nop\n li %0, 2\n 1: la $8, 2f\n jalr.hb $9, $8\n ori %0, %0, 4\n li %0, 3\n"
                     " 2: ehb\n pause\n pref 31, 0($8)\n .set pop"
                     : "=&r"(value) : : "$8", "$9");
    CHECK_EQ(value, 5);
    /* The FPU's part of release 2: without an FPU that comes first. */
    if ((MFC0(16, 1) & 1) == 0) {
        EXPECT_TRAP(EXC_CPU, ".word 0x44680000", 0, 0); /* mfhc1 $8, $f0 */
        CHECK_EQ(trap_last.cause >> 28 & 3, 1);
        EXPECT_TRAP(EXC_CPU, ".word 0x4c0000a0", 0, 0); /* madd.s */
        CHECK_EQ(trap_last.cause >> 28 & 3, 1);
    }
}

static void check_registers(void)
{
    CHECK_REGISTER(7, 0, 0, 0);               /* HWREna */
    CHECK_REGISTER(12, 1, 0x3e0, 0);          /* IntCtl */
    CHECK_REGISTER(12, 2, 0xf, 0);            /* SRSCtl */
    CHECK_REGISTER(12, 3, 0, 0);              /* SRSMap */
    CHECK_REGISTER(15, 1, 0xc0000000u, 0x80000000u); /* EBase */
    CHECK_REGISTER(5, 1, 0, 0);               /* PageGrain */
    MTC0(13, 0, 0xffffffffu);
    CHECK_EQ(MFC0(13, 0) & CAUSE_DC, release == 1 ? 0 : CAUSE_DC);
    CHECK_EQ(MFC0(13, 0) & CAUSE_IV, CAUSE_IV);
    MTC0(13, 0, 0);
}

/* In user mode, without the right to CP0: that comes before a reserved one of its instructions. */
static void check_user(void)
{
    static uint32_t code[2] __attribute__((aligned(8)));
    static const struct {
        uint32_t word, first, second; /* its exception in release 1, and in 2 */
    } cases[] = {
        {0x7c08003b, EXC_RI, EXC_RI},   /* rdhwr $8, $0: not enabled */
        {0x7c094420, EXC_RI, EXC_SYS},  /* seb $8, $9 */
        {0x41484800, EXC_CPU, EXC_CPU}, /* rdpgpr $9, $8 */
        {0x41686000, EXC_CPU, EXC_CPU}, /* di $8 */
        {0x40083800, EXC_CPU, EXC_CPU}, /* mfc0 $8, HWREna */
    };
    uint32_t status = MFC0(12, 0) & ~STATUS_CU0;

    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        volatile uint32_t *at = (volatile uint32_t *)((uint32_t)code | 0x20000000);
        uint32_t pa = (uint32_t)code & 0x1fffffff, va = 0x400000 | (pa & 0xfff);

        at[0] = cases[i].word;
        at[1] = 0x0000000c; /* syscall */
        MTC0(0, 0, 0);
        MTC0(5, 0, 0);
        MTC0(10, 0, va & ~0x1fffu);
        MTC0(2, 0, pa >> 12 << 6 | 2 << 3 | 3);
        MTC0(3, 0, pa >> 12 << 6 | 2 << 3 | 3);
        __asm__ volatile("ehb\n tlbwi\n ehb");
        MTC0(14, 0, va);
        MTC0(12, 0, status | STATUS_EXL | STATUS_UM);
        __asm__ volatile(".set push\n .set noreorder\n la $24, 1f\n sw $24, trap_resume\n eret\n"
                         " 1: nop\n .set pop" : : : "$8", "$9", "$24", "memory");
        MTC0(12, 0, status | STATUS_CU0);
        CHECK_EQ(trap_last.cause >> 2 & 31, release == 1 ? cases[i].first : cases[i].second);
    }
}

static int on_timer(struct trap_frame *frame)
{
    if ((frame->cause >> 2 & 31) != EXC_INT)
        return 0;
    CHECK_EQ(frame->cause & frame->status & 0xff00, 0x8000);
    CHECK_EQ(frame->cause & CAUSE_TI, release == 1 ? 0 : CAUSE_TI);
    MTC0(11, 0, MFC0(9, 0) + 0x10000000);
    CHECK_EQ(MFC0(13, 0) & (CAUSE_TI | 0x8000), 0);
    ticks++;
    return 1;
}

static void check_timer(void)
{
    trap_hook = on_timer;
    MTC0(11, 0, MFC0(9, 0) + 100000);
    MTC0(12, 0, MFC0(12, 0) | 0x8000 | STATUS_IE);
    while (ticks == 0)
        continue;
    CHECK_EQ(ticks, 1);
    trap_hook = 0;
}

void guest_main(void)
{
    release = MFC0(16, 0) & CONFIG_AR ? 2 : 1;
    check_instructions();
    check_hints();
    check_registers();
    check_user();
    check_timer();
}
