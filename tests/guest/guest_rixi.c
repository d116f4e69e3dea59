/*
 * Read and execute inhibit (MIPS32 volume III: EntryLo0, PageGrain, Config3.RXI): the bits exist
 * while PageGrain enables them, and are 0 on a write while it does not; what they forbid, under
 * both settings of PageGrain.IEC, whatever was done with the page before. A processor without them
 * has neither. Run with -cpu of both kinds.
 */
#include "tests/guest/bare.h"

enum { EXC_TLBRI = 19, EXC_TLBXI = 20 };
enum { LO_XI = 1 << 30, LO_RW = 3 << 3 | 4 | 2, RXI = 1 << 12, IEC = 1 << 27 };
#define LO_RI 0x80000000u
#define BOTH  (LO_RI | LO_XI)
#define VA    0x60000000u

static uint32_t page[2][1024] __attribute__((aligned(8192)));

/* EntryLo0 and EntryLo1 of the pair, FLAGS in both. */
static void map(uint32_t flags)
{
    uint32_t pfn = ((uint32_t)page & 0x1fffffff) >> 6;

    MTC0(0, 0, 3);
    MTC0(5, 0, 0);
    MTC0(10, 0, VA);
    MTC0(2, 0, pfn | LO_RW | flags);
    MTC0(3, 0, (pfn + 64) | LO_RW | flags);
    __asm__ volatile("tlbwi\n ehb" : : : "memory");
}

/* The code of the exception that an access raises; 0 for none. */
static uint32_t code_after(uint32_t count)
{
    return trap_count == count ? 0 : trap_last.cause >> 2 & 31;
}

#define ACCESS(text) \
    __extension__({ \
        uint32_t count_ = trap_count; \
        __asm__ volatile(".set push\n .set noreorder\n la $24, 2f\n sw $24, trap_resume\n" text \
                         "\n 2: sw $0, trap_resume\n .set pop" \
                         : : [va] "r"(VA) : "$8", "$9", "$24", "memory"); \
        code_after(count_); \
    })
#define FETCH() ACCESS("la $9, 2f\n jr %[va]\n nop")
#define LOAD()  ACCESS("lw $8, 64(%[va])")
#define STORE() ACCESS("sw $0, 64(%[va])")

static void check_no_bits(void)
{
    MTC0(2, 0, BOTH | LO_RW);
    MTC0(3, 0, BOTH | LO_RW);
    CHECK_EQ(MFC0(2, 0), LO_RW);
    CHECK_EQ(MFC0(3, 0), LO_RW);
    map(BOTH);
    CHECK_EQ(FETCH(), 0);
    CHECK_EQ(LOAD(), 0);
    CHECK_EQ(STORE(), 0);
    MTC0(0, 0, 3);
    __asm__ volatile("tlbr\n ehb");
    CHECK_EQ(MFC0(2, 0) & BOTH, 0);
    CHECK_EQ(MFC0(3, 0) & BOTH, 0);
}

/*
 * All in each order, so that an access never profits from the one before; only a load that is
 * forbidden does not come after others: some emulators let it pass then (check_mips_tlb.c does).
 */
static void check_page(uint32_t flags, uint32_t fetch, uint32_t load)
{
    for (uint32_t order = 0; order < 3; order++) {
        map(flags);
        if (order == 1)
            CHECK_EQ(LOAD(), load);
        if (order == 2)
            CHECK_EQ(STORE(), 0);
        CHECK_EQ(FETCH(), fetch);
        if (fetch != 0) {
            CHECK_EQ(trap_last.epc, VA);
            CHECK_EQ(trap_last.badvaddr, VA);
            CHECK_EQ(trap_last.vector, 0x180);
        }
        CHECK_EQ(STORE(), 0);
        if (load != 0)
            map(flags);
        CHECK_EQ(LOAD(), load);
        CHECK_EQ(FETCH(), fetch);
        CHECK_EQ(STORE(), 0);
    }
}

static void check_both(uint32_t enabled)
{
    for (uint32_t iec = 0; iec < 2; iec++) {
        uint32_t xi = enabled & LO_XI ? (iec ? EXC_TLBXI : EXC_TLBL) : 0;
        uint32_t ri = enabled & LO_RI ? (iec ? EXC_TLBRI : EXC_TLBL) : 0;

        MTC0(5, 1, enabled | (iec ? IEC : 0));
        CHECK_EQ(MFC0(5, 1), enabled | (iec ? IEC : 0));
        MTC0(2, 0, BOTH | LO_RW);
        CHECK_EQ(MFC0(2, 0), enabled | LO_RW);
        check_page(0, 0, 0);
        check_page(LO_XI, xi, 0);
        check_page(LO_RI, 0, ri);
        check_page(BOTH, xi, ri);
    }
}

void guest_main(void)
{
    volatile uint32_t *code = (volatile uint32_t *)((uint32_t)page | 0x20000000);

    code[0] = 0x01200008; /* jr $9 */
    code[1] = 0;
    check_no_bits();
    if ((MFC0(16, 3) & RXI) == 0)
        return;
    check_both(BOTH);
    check_both(LO_XI);
    check_both(LO_RI);
    MTC0(5, 1, 0);
    check_no_bits();
}
