/* Operands: numbers at the edges, pointers to each kind of memory, CP0 values. */
#include "mips/ops.h"
#include "tests/diff/engines.h"
#include "tests/diff/values.h"

#define WORD_EDGE 31 /* a shift's last count */

uint32_t gen_integer(struct rng *r)
{
    return value_word(r, WORD_EDGE);
}

uint64_t gen_float(struct rng *r)
{
    static const uint64_t few[] = {0x3ff0000000000000, 0x3ff80000c0400000, 0x4000000040800000,
                                   0x7ff0000000000000, 0x7ff8000000000000, 0x7ff4000000000001,
                                   0x7f8000007fc00000, 0x7fa000003f800000, 0x000fffffffffffff,
                                   0x0010000000000000, 0x7fefffffffffffff, 0x8000000080000000,
                                   0x0080000000000001, 0x41dfffffffc00000, 0x43e0000000000000};

    switch (rng_below(r, 6)) {
    case 0:
        return (uint64_t)gen_integer(r) << 32 | gen_integer(r);
    case 1:
        return few[rng_below(r, ARRAY_LEN(few))];
    case 2:
    case 3:
        return value_double(r, WORD_EDGE);
    default:
        return value_single(r, WORD_EDGE) << 32 | value_single(r, WORD_EDGE);
    }
}

/* Mostly aligned, at times at a page's end or of any alignment. */
static uint32_t offset_in_page(struct rng *r)
{
    switch (rng_below(r, 8)) {
    case 0:
        return 0xff0 + rng_below(r, 16);
    case 1:
        return rng_below(r, 0x1000);
    case 2:
        return 0xff8;
    default:
        return 0x40 + (rng_below(r, 0xf80) & ~7u);
    }
}

uint32_t gen_pointer(struct rng *r)
{
    uint32_t at = offset_in_page(r);
    uint32_t data = ENG_DATA + rng_below(r, 8) * 0x1000;

    switch (rng_below(r, 16)) {
    case 0:
        return 0xa0000000 | ENG_DEVICE | at;
    case 1:
        return 0x80000000 | (rng_below(r, 2) ? ENG_ROM : 0x18000000) | at;
    case 2:
        return 0x80000000 | (ENG_CODE + rng_below(r, ENG_CODE_PAGES) * 0x1000) | at;
    case 3:
        return 0x80000000 | ENG_ALIAS | (rng_below(r, ENG_PAGES) * 0x1000) | at;
    case 4:
    case 5:
    case 6:
        return ENG_USEG + rng_below(r, ENG_MAP_PAGES) * 0x1000 + at;
    case 7:
    case 8:
        return ENG_KSEG2 + rng_below(r, ENG_MAP_PAGES) * 0x1000 + at;
    case 9:
    case 10:
        return 0xa0000000 | data | at;
    default:
        return 0x80000000 | data | at;
    }
}

uint32_t gen_chunk_address(struct eng_gen *g)
{
    const struct eng_chunk *k = &g->chunks[rng_below(&g->r, g->n_chunks)];
    uint32_t into = rng_below(&g->r, 4) ? 0 : rng_below(&g->r, k->words) * 4;

    return g->base + k->pa + into;
}

uint32_t gen_fcsr(struct eng_gen *g)
{
    uint32_t v = (uint32_t)rng_next(&g->r);
    uint32_t keep = v & 0xfe800003; /* conditions, rounding */

    if (rng_below(&g->r, 4) == 0)
        keep |= v & 1u << 24; /* FS */
    if (rng_below(&g->r, 4) == 0)
        keep |= v & 0x00000f80; /* enables */
    if (rng_below(&g->r, 4) == 0)
        keep |= v & 0x0000007c;
    if (rng_below(&g->r, 16) == 0)
        keep |= v & 0x0003f000; /* causes: with its enable one traps */
    return keep & ~(rng_below(&g->r, 4) ? 1u << 24 : 0);
}

uint32_t gen_pfn(struct rng *r)
{
    switch (rng_below(r, 12)) {
    case 0:
        return ENG_DEVICE >> PAGE_BITS;
    case 1:
        return ENG_ROM >> PAGE_BITS;
    case 2:
        return 0x18000;
    case 3:
        return (ENG_ALIAS >> PAGE_BITS) + rng_below(r, ENG_PAGES);
    case 4:
    case 5:
        return (ENG_CODE >> PAGE_BITS) + rng_below(r, ENG_CODE_PAGES);
    default:
        return (ENG_DATA >> PAGE_BITS) + rng_below(r, ENG_PAGES - 8);
    }
}

uint32_t gen_entry_lo(struct rng *r, uint32_t pfn)
{
    uint32_t flags = 3 << 3 | 6; /* cached, dirty, valid */

    if (rng_below(r, 5) == 0)
        flags &= ~4u;
    if (rng_below(r, 8) == 0)
        flags &= ~2u;
    if (rng_below(r, 3) == 0)
        flags |= 1;
    if (rng_below(r, 16) == 0)
        flags |= 1u << (30 + rng_below(r, 2)); /* RI, XI: ignored where they are not */
    return pfn << 6 | flags;
}

uint32_t gen_c0_number(unsigned index)
{
    static const uint32_t numbers[C0_REGS] = {
#define CP0(reg, sel, id, isa, text, log) [C0_##id] = (reg) << 11 | (sel),
#include "mips/cp0.def"
#undef CP0
    };

    return numbers[index];
}

static uint32_t status_value(struct eng_gen *g)
{
    uint32_t v = (uint32_t)rng_next(&g->r), status = v & 0xff01;

    if (rng_below(&g->r, 16))
        status |= STATUS_CU1;
    if (rng_below(&g->r, 2))
        status |= STATUS_CU0;
    status |= v & STATUS_FR;
    if (rng_below(&g->r, 4) == 0)
        status &= ~STATUS_IE;
    if (rng_below(&g->r, 12) == 0)
        status |= v & (STATUS_EXL | STATUS_ERL);
    if (rng_below(&g->r, 24) == 0)
        status |= STATUS_BEV;
    if (g->user && rng_below(&g->r, 8))
        status |= 2 << 3;
    else if (rng_below(&g->r, 24) == 0)
        status |= v & STATUS_KSU;
    return status;
}

static uint32_t watch_value(struct eng_gen *g)
{
    uint32_t which = rng_below(&g->r, 8);

    if (which > 3)
        return 0;
    if (which == 0)
        return (gen_chunk_address(g) & ~7u) | rng_below(&g->r, 8);
    return (gen_pointer(&g->r) & ~7u) | rng_below(&g->r, 8);
}

uint32_t gen_c0_value(struct eng_gen *g, unsigned index)
{
    struct rng *r = &g->r;
    uint32_t v = (uint32_t)rng_next(r);

    switch (index) {
    case C0_INDEX:
        return rng_below(r, 66);
    case C0_ENTRYLO0:
    case C0_ENTRYLO1:
        return gen_entry_lo(r, gen_pfn(r));
    case C0_PAGEMASK:
        return (uint32_t[]){0, 0, 0x6000, 0x1e000, 0x1fffe000}[rng_below(r, 5)];
    case C0_WIRED:
        return rng_below(r, 20);
    case C0_ENTRYHI:
        return (rng_below(r, 2) ? ENG_USEG : ENG_KSEG2) + (rng_below(r, 16) << 13) +
               rng_below(r, 3) + (rng_below(r, 32) == 0 ? ENTRYHI_EHINV : 0);
    case C0_STATUS:
        return status_value(g);
    case C0_CAUSE:
        return (v & 0x300) | (rng_below(r, 2) ? CAUSE_IV : 0) |
               (rng_below(r, 16) ? 0 : CAUSE_DC | CAUSE_WP);
    case C0_EPC:
    case C0_ERROREPC:
    case C0_DEPC:
        return gen_chunk_address(g);
    case C0_EBASE:
        return 0x80000000 | (v & 0x1000);
    case C0_INTCTL:
        return rng_below(r, 4) ? 0 : v & 0x3e0;
    case C0_WATCHLO0:
    case C0_WATCHLO1:
    case C0_WATCHLO2:
    case C0_WATCHLO3:
        return watch_value(g);
    case C0_WATCHHI0:
    case C0_WATCHHI1:
    case C0_WATCHHI2:
    case C0_WATCHHI3:
        return (v & 0x40000018) | (rng_below(r, 2) << 16) | (v & 7);
    default:
        return gen_integer(r);
    }
}
