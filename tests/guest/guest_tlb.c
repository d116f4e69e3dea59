/*
 * The TLB: refill, invalid and modified exceptions with all that they leave in CP0, address space
 * identifiers, global entries, large pages, wired entries, probe and read back; a refill handler;
 * user mode; and faults of instruction fetch, among them in a delay slot on the next page
 * (MIPS32 volume III, chapters 4 and 6).
 */
#include "tests/guest/bare.h"

enum { PAGE = 4096, PAGES = 32 };
enum { LO_G = 1, LO_V = 2, LO_D = 4, LO_CACHED = 3 << 3 };
enum { RW = LO_CACHED | LO_D | LO_V, RO = LO_CACHED | LO_V };

static uint32_t pool[PAGES][PAGE / 4] __attribute__((aligned(65536)));

/* The EntryLo of page N of the pool, with FLAGS. */
static uint32_t lo_of(uint32_t n, uint32_t flags)
{
    return ((uint32_t)pool[n] & 0x1fffffffu) >> 6 | flags;
}

/* Config1.MMUSize, and Config4.MMUSizeExt where the M bits and MMUExtDef say that it is there. */
static uint32_t tlb_size(void)
{
    uint32_t last = MFC0(16, 1) >> 25 & 63;

    if ((MFC0(16, 1) & MFC0(16, 2) & MFC0(16, 3)) >> 31 && (MFC0(16, 4) >> 14 & 3) == 1)
        last |= (MFC0(16, 4) & 0xff) << 6;
    return last + 1;
}

static void tlb_write(uint32_t index, uint32_t hi, uint32_t lo0, uint32_t lo1, uint32_t mask)
{
    MTC0(0, 0, index);
    MTC0(10, 0, hi);
    MTC0(2, 0, lo0);
    MTC0(3, 0, lo1);
    MTC0(5, 0, mask);
    __asm__ volatile("tlbwi\n ehb" : : : "memory");
    MTC0(5, 0, 0);
    MTC0(10, 0, 0);
}

static void tlb_clear(void)
{
    for (uint32_t i = 0; i < tlb_size(); i++)
        tlb_write(i, 0x80000000u + i * 2 * PAGE, 0, 0, 0);
}

static uint32_t load(uint32_t va)
{
    return *(volatile uint32_t *)va;
}

static void store(uint32_t va, uint32_t value)
{
    *(volatile uint32_t *)va = value;
}

static void set_pool(uint32_t n, uint32_t word, uint32_t value)
{
    ((volatile uint32_t *)pool[n])[word] = value;
}

/* The registers that describe the address of a TLB exception. */
static void check_fault_registers(uint32_t line, uint32_t va, uint32_t asid, uint32_t vector)
{
    if (trap_last.badvaddr != va)
        fail(line, trap_last.badvaddr, va);
    if (trap_last.entryhi != ((va & 0xffffe000u) | asid))
        fail(line, trap_last.entryhi, (va & 0xffffe000u) | asid);
    if ((trap_last.context & 0x7ffff0) != va >> 13 << 4)
        fail(line, trap_last.context, va >> 13 << 4);
    if (trap_last.vector != vector)
        fail(line, trap_last.vector, vector);
}

static void check_refill_and_invalid(void)
{
    uint32_t va = 0x00403010;

    tlb_clear();
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va, 0);
    check_fault_registers(__LINE__, va, 0, 0);
    EXPECT_TRAP(EXC_TLBS, "sb %[b], 0(%[a])", va + 1, 0);
    check_fault_registers(__LINE__, va + 1, 0, 0);
    EXPECT_TRAP_BD(EXC_TLBL, "lw $8, 0(%[a])", va, 0);
    check_fault_registers(__LINE__, va, 0, 0);
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", 0xc0001000u, 0);
    check_fault_registers(__LINE__, 0xc0001000u, 0, 0);

    /* The pair of pages matches, the odd one is not valid: the general vector. */
    tlb_write(2, va & ~0x1fffu, lo_of(0, RW), 0, 0);
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va, 0);
    check_fault_registers(__LINE__, va, 0, 0x180);
    EXPECT_TRAP(EXC_TLBS, "sw $0, 0(%[a])", va, 0);
    check_fault_registers(__LINE__, va, 0, 0x180);
    /* Valid but not writable. */
    tlb_write(2, va & ~0x1fffu, lo_of(0, RW), lo_of(1, RO), 0);
    set_pool(1, 4, 0x1234);
    CHECK_EQ(load(va), 0x1234);
    EXPECT_TRAP(EXC_MOD, "sw $0, 0(%[a])", va, 0);
    check_fault_registers(__LINE__, va, 0, 0x180);
    EXPECT_TRAP_BD(EXC_MOD, "sw $0, 0(%[a])", va, 0);
    CHECK_EQ(load(va), 0x1234);
    tlb_write(2, va & ~0x1fffu, lo_of(0, RW), lo_of(1, RW), 0);
    store(va, 0x5678);
    CHECK_EQ(((volatile uint32_t *)pool[1])[4], 0x5678);
    store(va - PAGE, 0x9abc);
    CHECK_EQ(((volatile uint32_t *)pool[0])[4], 0x9abc);
}

/* With EXL set a missing entry goes to the general vector, and EPC stays. */
static void check_nested_refill(void)
{
    uint32_t status = MFC0(12, 0);

    tlb_clear();
    MTC0(14, 0, 0x80123450u);
    MTC0(12, 0, status | STATUS_EXL);
    __asm__ volatile(".set push\n .set noreorder\n la $24, 1f\n sw $24, trap_resume\n"
                     " lw $8, 0x100($0)\n 1: nop\n .set pop" : : : "$8", "$24", "memory");
    CHECK_EQ(trap_last.epc, 0x80123450u);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_TLBL);
    CHECK_EQ(trap_last.vector, 0x180);
    MTC0(12, 0, status);
}

static void check_asids(void)
{
    uint32_t va = 0x10000000;

    tlb_clear();
    tlb_write(0, va | 5, lo_of(2, RW), lo_of(3, RW), 0);
    tlb_write(1, va | 6, lo_of(4, RW), lo_of(5, RW), 0);
    tlb_write(3, (va + 2 * PAGE) | 5, lo_of(6, RW | LO_G), lo_of(7, RW | LO_G), 0);
    set_pool(2, 0, 22);
    set_pool(4, 0, 44);
    set_pool(6, 0, 66);
    MTC0(10, 0, 5);
    CHECK_EQ(load(va), 22);
    CHECK_EQ(load(va + 2 * PAGE), 66);
    MTC0(10, 0, 6);
    CHECK_EQ(load(va), 44);
    CHECK_EQ(load(va + 2 * PAGE), 66);
    MTC0(10, 0, 7);
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va, 0);
    check_fault_registers(__LINE__, va, 7, 0);
    MTC0(10, 0, 7);
    CHECK_EQ(load(va + 2 * PAGE), 66);
    /* Global needs the bit in both halves. */
    tlb_write(3, (va + 2 * PAGE) | 5, lo_of(6, RW | LO_G), lo_of(7, RW), 0);
    MTC0(10, 0, 7);
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va + 2 * PAGE, 0);
    MTC0(10, 0, 0);
}

static void check_large_pages(void)
{
    uint32_t va = 0x20000000;

    /* A pair of 16 KiB pages: pool pages 0-3 and 4-7. */
    tlb_clear();
    tlb_write(1, va, lo_of(0, RW), lo_of(4, RW), 0x6000);
    for (uint32_t i = 0; i < 8; i++) {
        set_pool(i, 3, i + 100);
        CHECK_EQ(load(va + i * PAGE + 12), i + 100);
    }
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va + 8 * PAGE, 0);
    check_fault_registers(__LINE__, va + 8 * PAGE, 0, 0);
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va - 4, 0);
    /* A small entry beside it is found too. */
    tlb_write(2, va + 8 * PAGE, lo_of(9, RW), lo_of(9, RW), 0);
    set_pool(9, 3, 9);
    CHECK_EQ(load(va + 8 * PAGE + 12), 9);
    CHECK_EQ(load(va + 12), 100);
    /* The large entry goes as a whole. */
    tlb_write(1, 0x80000000u + 2 * PAGE, 0, 0, 0);
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va, 0);
    EXPECT_TRAP(EXC_TLBL, "lw $8, 0(%[a])", va + 5 * PAGE, 0);
}

static void check_probe_and_read(void)
{
    tlb_clear();
    tlb_write(7, 0x30000000u | 0x42, lo_of(4, RW), lo_of(8, RO), 0x6000);
    MTC0(10, 0, 0x30000000u | 0x42);
    __asm__ volatile("tlbp\n ehb");
    CHECK_EQ(MFC0(0, 0), 7);
    MTC0(10, 0, 0x30000000u | 0x43);
    __asm__ volatile("tlbp\n ehb");
    CHECK_EQ(MFC0(0, 0) >> 31, 1);
    MTC0(0, 0, 7);
    __asm__ volatile("tlbr\n ehb");
    CHECK_EQ(MFC0(10, 0), 0x30000000u | 0x42);
    CHECK_EQ(MFC0(2, 0), lo_of(4, RW));
    CHECK_EQ(MFC0(3, 0), lo_of(8, RO));
    CHECK_EQ(MFC0(5, 0), 0x6000);
    MTC0(5, 0, 0);
    MTC0(10, 0, 0);
}

/* Random stays in [Wired, size), and tlbwr never replaces a wired entry. */
static void check_wired(void)
{
    tlb_clear();
    MTC0(6, 0, 4);
    for (uint32_t i = 0; i < 4; i++)
        tlb_write(i, 0x40000000u + i * 2 * PAGE, lo_of(i, RW), lo_of(i, RW), 0);
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t random = MFC0(1, 0);

        CHECK_EQ(random >= 4 && random < tlb_size(), 1);
        MTC0(10, 0, 0x50000000u + i * 2 * PAGE);
        MTC0(2, 0, lo_of(5, RW));
        MTC0(3, 0, lo_of(5, RW));
        __asm__ volatile("tlbwr\n ehb" : : : "memory");
    }
    MTC0(10, 0, 0);
    for (uint32_t i = 0; i < 4; i++) {
        set_pool(i, 0, i + 7);
        CHECK_EQ(load(0x40000000u + i * 2 * PAGE), i + 7);
    }
    MTC0(6, 0, 0);
}

static volatile uint32_t refills;

/* Maps 0x60000000... to the pool, two pages an entry, whenever one is missing. */
static int refill(struct trap_frame *frame)
{
    uint32_t n = frame->badvaddr / PAGE % PAGES & ~1u;

    if (frame->vector != 0 || frame->badvaddr < 0x60000000u || frame->badvaddr >= 0x70000000u)
        return 0;
    refills++;
    MTC0(2, 0, lo_of(n, RW));
    MTC0(3, 0, lo_of(n + 1, RW));
    __asm__ volatile("tlbwr\n ehb" : : : "memory");
    return 1;
}

static void check_refill_handler(void)
{
    tlb_clear();
    trap_hook = refill;
    for (uint32_t i = 0; i < PAGES; i++)
        store(0x60000000u + i * PAGE + 4 * i, i * 3);
    for (uint32_t round = 0; round < 10; round++)
        for (uint32_t i = 0; i < PAGES; i++)
            CHECK_EQ(load(0x60000000u + i * PAGE + 4 * i), i * 3);
    for (uint32_t i = 0; i < PAGES; i++)
        CHECK_EQ(((volatile uint32_t *)pool[i])[i], i * 3);
    CHECK_EQ(refills >= PAGES / 2, 1);
    trap_hook = 0;
}

static void set_code(uint32_t n, uint32_t word, uint32_t instruction)
{
    set_pool(n, word, instruction);
    __asm__ volatile("synci 0(%0)\n sync" : : "r"(&pool[n][word]) : "memory");
}

enum {
    INSN_SYSCALL = 0x0000000c, INSN_NOP = 0, INSN_B_SELF_PLUS_4 = 0x10000001,
    INSN_LUI_T0_8000 = 0x3c088000, INSN_LW_T0 = 0x8d080000, INSN_MFC0_T0_STATUS = 0x40086000,
};

/* Enters VA by eret, in user mode if USER; returns after the exception that follows. */
static void enter(uint32_t va, uint32_t user)
{
    uint32_t status = MFC0(12, 0);
    uint32_t count = trap_count;

    MTC0(14, 0, va);
    MTC0(12, 0, status | STATUS_EXL | (user ? STATUS_UM : 0));
    __asm__ volatile(".set push\n .set noreorder\n la $24, 1f\n sw $24, trap_resume\n eret\n"
                     " 1: nop\n .set pop" : : : "$8", "$24", "memory");
    CHECK_EQ(trap_count, count + 1);
    CHECK_EQ(trap_last.status & STATUS_UM, user ? STATUS_UM : 0);
    MTC0(12, 0, status);
}

static void check_fetch(void)
{
    uint32_t va = 0x00500000;

    tlb_clear();
    enter(va, 0);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_TLBL);
    CHECK_EQ(trap_last.epc, va);
    CHECK_EQ(trap_last.badvaddr, va);
    CHECK_EQ(trap_last.vector, 0);
    /* A branch in the last word of a page whose delay slot lies on a missing page. */
    set_code(0, PAGE / 4 - 1, INSN_B_SELF_PLUS_4);
    tlb_write(0, va, lo_of(0, RO), 0, 0);
    enter(va + PAGE - 4, 0);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_TLBL);
    CHECK_EQ(trap_last.epc, va + PAGE - 4);
    CHECK_EQ(trap_last.badvaddr, va + PAGE);
    CHECK_EQ(trap_last.cause >> 31, 1);
    /* The same once the page is there. */
    set_code(1, 0, INSN_NOP);
    set_code(1, 1, INSN_SYSCALL);
    tlb_write(0, va, lo_of(0, RO), lo_of(1, RO), 0);
    enter(va + PAGE - 4, 0);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_SYS);
    CHECK_EQ(trap_last.epc, va + PAGE + 4);
    /* Another page at the same address: other code. */
    set_code(2, 0, INSN_SYSCALL);
    tlb_write(0, va, lo_of(0, RO), lo_of(2, RO), 0);
    enter(va + PAGE, 0);
    CHECK_EQ(trap_last.epc, va + PAGE);
}

/*
 * j and jal stay in the 256 MB of their delay slot. At 0x4ffffff8, with the slot on the same page,
 * and at 0x4ffffffc, where the slot is the first word of the next region; its target there, and at
 * the same place of the region below, end in a syscall.
 */
static void check_jump_regions(void)
{
    static const uint32_t jumps[] = {0x08000400, 0x0c000400}; /* j, jal 0x1000 in the region */

    tlb_clear();
    tlb_write(0, 0x4fffe000, 0, lo_of(0, RO), 0);
    tlb_write(1, 0x50000000, lo_of(1, RO), lo_of(2, RO), 0);
    tlb_write(2, 0x40000000, 0, lo_of(3, RO), 0);
    set_code(1, 0, INSN_NOP);
    set_code(2, 0, INSN_SYSCALL);
    set_code(3, 0, INSN_SYSCALL);
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t at_end = i & 1, jump = jumps[i >> 1 & 1], va = 0x4ffffff8 + 4 * at_end;

        set_code(0, PAGE / 4 - 2, at_end ? INSN_NOP : jump);
        set_code(0, PAGE / 4 - 1, at_end ? jump : INSN_NOP);
        for (uint32_t round = 0; round < 3; round++) {
            enter(round == 2 ? 0x4ffffff8 : va, i >> 2);
            CHECK_EQ(trap_last.cause >> 2 & 31, EXC_SYS);
            CHECK_EQ(trap_last.epc, at_end ? 0x50001000 : 0x40001000);
            if (jump == jumps[1])
                CHECK_EQ(trap_last.gpr[31], va + 8);
        }
    }
    /* A slot that faults: the jump has not gone anywhere. */
    set_code(0, PAGE / 4 - 1, jumps[0]);
    set_code(1, 0, INSN_LW_T0 & 0xfc1fffff);
    enter(0x4ffffffc, 0);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_TLBL);
    CHECK_EQ(trap_last.cause >> 31, 1);
    CHECK_EQ(trap_last.epc, 0x4ffffffc);
    /* From the last word of all, to the first region. */
    tlb_write(0, 0xffffe000, 0, lo_of(0, RO), 0);
    tlb_write(1, 0x00000000, lo_of(1, RO), lo_of(2, RO), 0);
    set_code(1, 0, INSN_NOP);
    enter(0xfffffffc, 0);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_SYS);
    CHECK_EQ(trap_last.epc, 0x00001000);
}

static void check_user_mode(void)
{
    uint32_t va = 0x00600000;

    tlb_clear();
    tlb_write(0, va, lo_of(0, RO), lo_of(1, RW), 0);
    set_code(0, 0, INSN_NOP);
    set_code(0, 1, INSN_SYSCALL);
    enter(va, 1);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_SYS);
    CHECK_EQ(trap_last.epc, va + 4);
    /* The kernel's segments are no addresses for a user. */
    set_code(0, 0, INSN_LUI_T0_8000);
    set_code(0, 1, INSN_LW_T0);
    enter(va, 1);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_ADEL);
    CHECK_EQ(trap_last.epc, va + 4);
    CHECK_EQ(trap_last.badvaddr, 0x80000000u);
    enter(0x80000000u, 1);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_ADEL);
    CHECK_EQ(trap_last.epc, 0x80000000u);
    /* CP0 needs Status.CU0 in user mode. */
    set_code(0, 0, INSN_MFC0_T0_STATUS);
    MTC0(12, 0, MFC0(12, 0) & ~0x10000000u);
    enter(va, 1);
    CHECK_EQ(trap_last.cause >> 2 & 31, EXC_CPU);
    CHECK_EQ(trap_last.cause >> 28 & 3, 0);
    MTC0(12, 0, MFC0(12, 0) | 0x10000000u);
}

void guest_main(void)
{
    CHECK_EQ(tlb_size() >= 16, 1);
    check_refill_and_invalid();
    check_nested_refill();
    check_asids();
    check_large_pages();
    check_probe_and_read();
    check_wired();
    check_refill_handler();
    check_fetch();
    check_jump_regions();
    check_user_mode();
}
