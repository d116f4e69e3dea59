/* Translation: TLB entries and instructions, sizes, page sizes, rights, modes, events. */
#include <check.h>
#include <stdio.h>

#include "tests/rng.h"
#include "tests/unit/engine_suites.h"
#include "tests/unit/mips_asm.h"
#include "tests/unit/mips_rig.h"

#define RAM     (1u << 20)
#define AT_CODE (RIG_KSEG0 | 0x1000)
#define C0(r, reg) ((r)->cpu->c0[C0_##reg])
#define GPR(r, n)  ((r)->cpu->gpr[n])
#define CODE(r, ...)                                                                               \
    do {                                                                                           \
        const uint32_t words_[] = {__VA_ARGS__};                                                   \
        rig_code((r), 0x1000, words_, ARRAY_LEN(words_));                                          \
    } while (0)
#define EXC(r) (C0(r, CAUSE) >> 2 & 31)

static struct rig *start(const char *model, uint32_t status)
{
    struct rig *r = rig_create(model, false, RAM);
    rig_start(r, 0x1000, status);
    return r;
}

/* Write an entry by running tlbwi. `lo` as in EntryLo. */
static void write_entry(struct rig *r, unsigned i, uint32_t hi, uint32_t mask, uint32_t lo0,
                        uint32_t lo1)
{
    uint64_t pc = r->cpu->pc, status = C0(r, STATUS), entryhi = C0(r, ENTRYHI);
    rig_put(r, 0xff0, TLBWI_W);
    C0(r, INDEX) = i;
    C0(r, ENTRYHI) = sext32(hi);
    C0(r, PAGEMASK) = mask;
    C0(r, ENTRYLO0) = sext32(lo0);
    C0(r, ENTRYLO1) = sext32(lo1);
    rig_start(r, 0xff0, 0);
    rig_run(r, 1);
    C0(r, STATUS) = status;
    C0(r, ENTRYHI) = entryhi;
    r->cpu->pc = pc;
    mips_state_loaded(r->cpu);
}

START_TEST(write_probe_read)
{
    struct rig *r = start("24Kf,tlb=16", 0);
    CODE(r, TLBP_W, TLBWI_W, TLBP_W, TLBR_W, TLBP_W);
    C0(r, ENTRYHI) = 0x00406042;
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, INDEX), UINT64_C(0xffffffff80000000));
    C0(r, INDEX) = 7;
    C0(r, ENTRYLO0) = 5 << 6 | 7;
    C0(r, ENTRYLO1) = 9 << 6 | 2;
    rig_run(r, 1);
    ck_assert_uint_eq(r->events[0].kind, EVENT_TLB_WRITE);
    ck_assert_uint_eq(r->events[0].arg[0], 7);
    ck_assert_uint_eq(r->events[0].arg[4], 6); /* page 5 of the rig's RAM, plus 1 */
    ck_assert_uint_eq(r->events[0].arg[5], 10);
    C0(r, INDEX) = 0;
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, INDEX), 7);
    C0(r, ENTRYHI) = 0;
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, ENTRYHI), 0x00406042);
    ck_assert_uint_eq(C0(r, ENTRYLO0), (5 << 6 | 6)); /* G only if in both */
    ck_assert_uint_eq(C0(r, ENTRYLO1), (9 << 6 | 2));
    C0(r, ENTRYHI) = 0x00406043; /* another ASID */
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, INDEX), UINT64_C(0xffffffff80000000));
    rig_destroy(r);
}
END_TEST

START_TEST(rights_and_refill)
{
    struct rig *r = start("24Kf,tlb=16", 0);
    GPR(r, T0) = 0x00400000;
    C0(r, ENTRYHI) = 0x42;
    CODE(r, LW_W(T1, 0x10, T0), SW_W(T1, 0x10, T0));
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0);
    ck_assert_uint_eq(EXC(r), EXC_TLBL);
    ck_assert_uint_eq(C0(r, BADVADDR), 0x00400010);
    ck_assert_uint_eq(C0(r, CONTEXT), 0x00400000 >> 9);
    ck_assert_uint_eq(C0(r, ENTRYHI), 0x00400042);
    ck_assert_uint_eq(r->events[0].kind, EVENT_REFILL);
    write_entry(r, 3, 0x00400042, 0, 5 << 6, 0); /* invalid */
    rig_start(r, 0x1000, 0);
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | 0x180);
    write_entry(r, 3, 0x00400042, 0, 5 << 6 | 2, 0); /* not dirty */
    rig_put(r, 0x5010, 0x1234);
    rig_start(r, 0x1000, 0);
    rig_run(r, 2);
    ck_assert_uint_eq(GPR(r, T1), 0x1234);
    ck_assert_uint_eq(EXC(r), EXC_MOD);
    write_entry(r, 3, 0x00400042, 0, 6 << 6 | 6, 0); /* elsewhere, writable */
    rig_start(r, 0x1000, 0);
    rig_run(r, 2);
    ck_assert_uint_eq(GPR(r, T1), 0);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 8);
    rig_start(r, 0x1000, STATUS_EXL); /* a refill inside a handler: general vector */
    GPR(r, T0) = 0x00800000;
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | 0x180);
    rig_destroy(r);
}
END_TEST

START_TEST(asid_and_global)
{
    struct rig *r = start("24Kf,tlb=16", 0);
    rig_put(r, 0x5000, 0x11);
    rig_put(r, 0x6000, 0x22);
    rig_put(r, 0x7000, 0x33);
    write_entry(r, 0, 0x00400001, 0, 5 << 6 | 6, 0);
    write_entry(r, 1, 0x00400002, 0, 6 << 6 | 6, 0);
    write_entry(r, 2, 0x00500001, 0, 7 << 6 | 7, 1);
    GPR(r, T0) = 0x00400000;
    GPR(r, T1) = 0x00500000;
    C0(r, ENTRYHI) = 1;
    CODE(r, LW_W(A0, 0, T0), LW_W(A1, 0, T1), ORI_W(T2, 0, 2), MTC0_W(T2, 10, 0), LW_W(A2, 0, T0),
         LW_W(A3, 0, T1));
    rig_start(r, 0x1000, 0);
    rig_run(r, 6);
    ck_assert_uint_eq(GPR(r, A0), 0x11);
    ck_assert_uint_eq(GPR(r, A1), 0x33);
    ck_assert_uint_eq(GPR(r, A2), 0x22);
    ck_assert_uint_eq(GPR(r, A3), 0x33);
    rig_destroy(r);
}
END_TEST

/* Each page size: the word at a random place of each half. */
START_TEST(page_sizes)
{
    uint32_t mask = ((UINT32_C(1) << 2 * _i) - 1) << 13, half = (mask | 0x1fff) >> 1;
    struct rig *r = rig_create("24Kf,tlb=16", false, 4u << 20);
    struct rng g = {(uint64_t)_i};
    rig_start(r, 0x1000, 0);
    CODE(r, LW_W(A0, 0, T0), LW_W(A1, 0, T1));
    for (unsigned i = 0; i < 20; i++) {
        uint32_t at = rng_below(&g, (half < (1u << 20) ? half + 1 : 1u << 20) / 4) * 4;
        uint32_t pa = half < (1u << 20) ? (1u << 21) & ~half : 0;
        uint32_t pa1 = half < (1u << 20) ? (3u << 20) & ~half : 0;
        write_entry(r, i % 16, 0x40000000, mask, pa >> 6 | 7, pa1 >> 6 | 7);
        GPR(r, T0) = 0x40000000 + at;
        GPR(r, T1) = 0x40000000 + (uint64_t)half + 1 + at;
        rig_start(r, 0x1000, 0);
        if (pa + at < 0x2000)
            continue;
        rig_put(r, pa + at, 0xa0000000 | i);
        rig_put(r, pa1 + at, 0xb0000000 | i);
        rig_run(r, 2);
        ck_assert_uint_eq((uint32_t)GPR(r, A0), (pa == pa1 ? 0xb0000000 : 0xa0000000) | i);
        ck_assert_uint_eq((uint32_t)GPR(r, A1), 0xb0000000 | i);
        uint64_t found;
        ck_assert(mips_translate(r->cpu, GPR(r, T1), &found));
        ck_assert_uint_eq(found, pa1 + at);
        for (unsigned k = 0; k < 16; k++)
            r->cpu->tlb_hidden[k] = 1;
        mips_state_loaded(r->cpu);
    }
    rig_destroy(r);
}
END_TEST

START_TEST(read_and_execute_inhibit)
{
    struct rig *r = start("P5600", 0);
    GPR(r, T0) = 0x00400000;
    C0(r, PAGEGRAIN) = sext32(PAGEGRAIN_RIE | PAGEGRAIN_XIE | (_i ? PAGEGRAIN_IEC : 0));
    write_entry(r, 0, 0x00400000, 0, 0x80000000 | 5 << 6 | 7, 0x40000000 | 5 << 6 | 7);
    CODE(r, SW_W(T0, 0, T0), LW_W(T1, 0, T0));
    rig_start(r, 0x1000, 0);
    rig_run(r, 2);
    ck_assert_uint_eq(EXC(r), _i ? EXC_TLBRI : EXC_TLBL);
    ck_assert_uint_eq(rig_get(r, 0x5000), 0x00400000);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | 0x180);
    rig_start(r, 0, 0);
    r->cpu->pc = 0x00401000;
    rig_run(r, 1);
    ck_assert_uint_eq(EXC(r), _i ? EXC_TLBXI : EXC_TLBL);
    ck_assert_uint_eq(C0(r, EPC), 0x00401000);
    rig_destroy(r);
}
END_TEST

START_TEST(user_mode)
{
    struct rig *r = start("24Kf,tlb=16", 0);
    static const uint64_t forbidden[] = {RIG_KSEG0, UINT64_C(0xffffffffa0000000),
                                         UINT64_C(0xffffffffc0000000)};
    write_entry(r, 0, 0x00400000, 0, 1 << 6 | 7, 1 << 6 | 7);
    CODE(r, LW_W(T1, 0, T0));
    for (unsigned i = 0; i < 3; i++) {
        GPR(r, T0) = forbidden[i];
        C0(r, STATUS) = 0x10;
        r->cpu->pc = 0x00400000;
        mips_state_loaded(r->cpu);
        rig_run(r, 1);
        ck_assert_uint_eq(EXC(r), EXC_ADEL);
        ck_assert_uint_eq(C0(r, BADVADDR), forbidden[i]);
        ck_assert_uint_eq(C0(r, EPC), 0x00400000);
    }
    C0(r, STATUS) = 0x10; /* a jump into the kernel faults at its target */
    r->cpu->pc = AT_CODE;
    mips_state_loaded(r->cpu);
    rig_run(r, 1);
    ck_assert_uint_eq(EXC(r), EXC_ADEL);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE);
    rig_destroy(r);
}
END_TEST

static const unsigned sizes[] = {16, 64, 65, 128, 256};

static struct rig *start_sized(const char *model, unsigned size)
{
    char spec[32];
    snprintf(spec, sizeof spec, "%s,tlb=%u", model, size);
    return start(spec, 0);
}

/* Random is the processor's own: the same in two of them, within its range. */
START_TEST(random_is_deterministic)
{
    unsigned size = sizes[_i];
    struct rig *a = start_sized("24Kf", size), *b = start_sized("24Kf", size);
    bool seen[MIPS_TLB_MAX] = {false};
    C0(a, WIRED) = C0(b, WIRED) = 5;
    for (unsigned i = 0; i < 20 * size; i++) {
        const uint32_t w = TLBWR_W;
        C0(a, ENTRYHI) = C0(b, ENTRYHI) = i << 13;
        rig_code(a, 0x1000, &w, 1);
        rig_code(b, 0x1000, &w, 1);
        rig_start(a, 0x1000, 0);
        rig_start(b, 0x1000, 0);
        a->n_events = 0;
        b->n_events = 0;
        rig_run(a, 1);
        rig_run(b, 1);
        ck_assert(event_equal(&a->events[0], &b->events[0]));
        unsigned slot = a->events[0].arg[0] & 0xff;
        ck_assert_uint_ge(slot, 5);
        ck_assert_uint_lt(slot, size);
        ck_assert_uint_eq(a->cpu->tlb_vpn2[slot], i << 13);
        seen[slot] = true;
    }
    for (unsigned i = 5; i < size; i++)
        ck_assert(seen[i]);
    ck_assert(state_hash(mips_state, a->cpu, 0) == state_hash(mips_state, b->cpu, 0));
    rig_destroy(a);
    rig_destroy(b);
}
END_TEST

START_TEST(sizes_of_models)
{
    static const char *const refused[] = {"24Kf,tlb=15",  "24Kf,tlb=257", "24Kf,tlb=1000",
                                          "24Kf,tlb=64x", "24Kf,tlb=",    "4Kc,tlb=65",
                                          "4KEcR1,tlb=256"};
    static const char *const taken[] = {"4Kc,tlb=64", "4KEc,tlb=65", "P5600,tlb=256", "24Kf"};
    static const unsigned size[] = {64, 65, 256, 64};
    struct mips_model m;
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
        ck_assert_msg(!mips_model_parse(refused[i], &m), "%s", refused[i]);
    for (unsigned i = 0; i < ARRAY_LEN(taken); i++) {
        ck_assert_msg(mips_model_parse(taken[i], &m), "%s", taken[i]);
        ck_assert_uint_eq(m.tlb_entries, size[i]);
    }
}
END_TEST

/* What a system reads: Config4 counts only if M bits lead to it. */
static unsigned announced_size(const struct rig *r)
{
    unsigned n = (GPR(r, A0) >> 25 & 63) + 1;
    uint64_t all = GPR(r, A0) & GPR(r, A1) & GPR(r, A2);
    if (all >> 31 & 1 && (GPR(r, A3) >> 14 & 3) == 1)
        n += (GPR(r, A3) & 0xff) * 64;
    return n;
}

START_TEST(size_is_announced)
{
    static const char *const names[] = {"24Kf", "4KEc", "P5600"};
    for (unsigned m = 0; m < ARRAY_LEN(names); m++) {
        struct rig *r = start_sized(names[m], sizes[_i]);
        CODE(r, MFC0_W(A0, 16, 1), MFC0_W(A1, 16, 2), MFC0_W(A2, 16, 3), MFC0_W(A3, 16, 4));
        rig_run(r, 4);
        ck_assert_uint_eq(announced_size(r), sizes[_i]);
        ck_assert_uint_eq(mips_tlb_size(r->cpu), sizes[_i]);
        ck_assert_uint_eq(GPR(r, A3) & ~UINT64_C(0xc0ff), m == 2 ? 0x60fc0000 : 0);
        ck_assert_uint_eq(GPR(r, A2) >> 31 & 1, m == 2 || sizes[_i] > 64);
        rig_destroy(r);
    }
}
END_TEST

/* All entries by number and by address; numbers beyond the last do nothing. */
START_TEST(every_entry)
{
    unsigned size = sizes[_i];
    struct rig *r = start_sized("24Kf", size);
    for (unsigned i = 0; i < size; i++)
        write_entry(r, i, i << 13 | 1, 0, (i + 1) << 6 | 6, 0);
    CODE(r, MTC0_W(T0, 0, 0), TLBR_W, TLBP_W);
    for (unsigned i = 0; i < size; i++) {
        GPR(r, T0) = i;
        rig_start(r, 0x1000, 0);
        rig_run(r, 2);
        ck_assert_uint_eq(C0(r, ENTRYHI), i << 13 | 1);
        ck_assert_uint_eq(C0(r, ENTRYLO0), (i + 1) << 6 | 6);
        C0(r, INDEX) = 0;
        rig_run(r, 1);
        ck_assert_uint_eq(C0(r, INDEX), i);
    }
    uint64_t before = state_hash(mips_state, r->cpu, 0);
    for (unsigned i = size; i <= MIPS_TLB_MAX; i += 7) {
        uint64_t pc = r->cpu->pc, steps = r->cpu->steps, index = C0(r, INDEX);
        C0(r, INDEX) = i;
        CODE(r, TLBWI_W, TLBR_W);
        r->cpu->pc = AT_CODE;
        r->n_events = 0;
        rig_run(r, 2);
        ck_assert_uint_eq(r->n_events, 0);
        C0(r, INDEX) = index;
        r->cpu->pc = pc;
        r->cpu->steps = steps;
        ck_assert(state_hash(mips_state, r->cpu, 0) == before);
    }
    rig_destroy(r);
}
END_TEST

/* Index and Wired hold the number of any entry; Wired not one that does not exist. */
START_TEST(index_and_wired)
{
    unsigned size = sizes[_i];
    struct rig *r = start_sized("24Kf", size);
    CODE(r, MTC0_W(T0, 0, 0), MFC0_W(A0, 0, 0), MTC0_W(T0, 6, 0), MFC0_W(A1, 6, 0),
         MTC0_W(T1, 6, 0), MFC0_W(A2, 6, 0), MFC0_W(A3, 1, 0));
    GPR(r, T0) = size - 1;
    GPR(r, T1) = size % 64 ? size : size - 1;
    rig_run(r, 7);
    ck_assert_uint_eq(GPR(r, A0), size - 1);
    ck_assert_uint_eq(GPR(r, A1), size - 1);
    ck_assert_uint_eq(GPR(r, A2), size - 1);
    ck_assert_uint_eq(GPR(r, A3), size - 1); /* Random: the one that is left */
    rig_destroy(r);
}
END_TEST

/* What tlb_find must find. */
static int find_linearly(const struct mips *cpu, uint64_t va, unsigned asid)
{
    for (unsigned i = 0; i < mips_tlb_size(cpu); i++) {
        struct mips_tlb_entry e = mips_tlb_get(cpu, i);
        uint32_t differ = (uint32_t)(va ^ e.vpn2) & ~(e.mask | 0x1fff);
        if (differ == 0 && !e.hidden && (e.global || e.asid == asid))
            return (int)i;
    }
    return -1;
}

/* Few pages and ASIDs, so that entries overlap and match more than once. */
static uint64_t random_page(struct rng *g)
{
    return sext32((rng_below(g, 4) ? 0 : 0xc0000000u) + rng_below(g, 40) * 0x1000);
}

static void random_contents(struct mips *cpu, struct rng *g)
{
    for (unsigned i = 0; i < MIPS_TLB_MAX; i++) {
        unsigned pairs = rng_below(g, 6) ? 0 : rng_below(g, 4);
        cpu->tlb_mask[i] = ((UINT32_C(1) << 2 * pairs) - 1) << 13;
        cpu->tlb_vpn2[i] = random_page(g) & ~(uint64_t)(cpu->tlb_mask[i] | 0x1fff);
        cpu->tlb_asid[i] = rng_below(g, 4);
        cpu->tlb_global[i] = rng_below(g, 4) == 0;
        cpu->tlb_hidden[i] = rng_below(g, 3) == 0;
    }
    mips_state_loaded(cpu);
}

static void random_tlb_instruction(struct rig *r, struct rng *g)
{
    static const uint32_t words[] = {TLBWI_W, TLBWR_W, TLBWI_W,  TLBWR_W,  TLBWI_W,
                                     TLBWR_W, TLBWI_W, TLBINV_W, TLBINVF_W};
    unsigned hidden = rng_below(g, 5) ? 0 : ENTRYHI_EHINV;
    rig_put(r, 0x1000, words[rng_below(g, rng_below(g, 20) ? 7 : 9)]);
    C0(r, INDEX) = rng_below(g, mips_tlb_size(r->cpu));
    C0(r, ENTRYHI) = random_page(g) | hidden | rng_below(g, 4);
    C0(r, PAGEMASK) = rng_below(g, 6) ? 0 : ((UINT32_C(1) << 2 * rng_below(g, 4)) - 1) << 13;
    C0(r, ENTRYLO0) = C0(r, ENTRYLO1) = rng_below(g, 4) == 0;
    r->n_events = 0;
    r->cpu->pc = AT_CODE;
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 4);
}

START_TEST(found_as_by_a_linear_search)
{
    struct rig *r = start_sized("P5600", sizes[_i]);
    struct rng g = {(uint64_t)_i};
    unsigned found = 0;
    for (unsigned round = 0; round < 3000; round++) {
        if (round % 100 == 50)
            random_contents(r->cpu, &g);
        else
            random_tlb_instruction(r, &g);
        for (unsigned k = 0; k < 20; k++) {
            uint64_t va = random_page(&g) | rng_below(&g, 0x1000);
            unsigned asid = rng_below(&g, 4);
            int want = find_linearly(r->cpu, va, asid);
            ck_assert_int_eq(tlb_find(r->cpu, va, asid), want);
            found += want >= 0;
        }
    }
    ck_assert_uint_gt(found, 10000);
    ck_assert_uint_lt(found, 59000);
    rig_destroy(r);
}
END_TEST

/* EntryLo's RI and XI can be written only where PageGrain allows. */
START_TEST(inhibit_bits_need_pagegrain)
{
    struct rig *r = start("P5600", 0);
    GPR(r, T0) = UINT64_C(0xffffffffc0000147);
    GPR(r, T1) = sext32(PAGEGRAIN_RIE);
    CODE(r, MTC0_W(T0, 2, 0), MFC0_W(A0, 2, 0), MTC0_W(T1, 5, 1), MTC0_W(T0, 2, 0),
         MFC0_W(A1, 2, 0));
    rig_run(r, 5);
    ck_assert_uint_eq(GPR(r, A0), 0x147);
    ck_assert_uint_eq(GPR(r, A1), UINT64_C(0xffffffff80000147));
    rig_destroy(r);
}
END_TEST

/* The same bits, once the enables are gone: neither EntryLo nor the TLB shows them, whatever the
 * software TLB knew; and what they forbid does not depend on the accesses before. */
START_TEST(inhibit_bits_and_pagegrain)
{
    struct rig *r = start("P5600", 0);
    const uint64_t both = sext32(PAGEGRAIN_RIE | PAGEGRAIN_XIE);
    GPR(r, T0) = 0x00400000;
    GPR(r, T1) = both;
    rig_put(r, 0x5000, JR_W(RA));
    GPR(r, RA) = AT_CODE + 0x20;
    CODE(r, MTC0_W(T1, 5, 1), SW_W(T1, 8, T0), LW_W(A0, 8, T0), JR_W(T0), NOP_W);
    rig_put(r, 0x1020, TLBR_W);
    C0(r, PAGEGRAIN) = both;
    C0(r, INDEX) = 3;
    write_entry(r, 3, 0x00400000, 0, 0xc0000000u | 5 << 6 | 7, 0xc0000000u | 5 << 6 | 7);
    rig_start(r, 0x1000, 0);
    rig_run(r, 3); /* the store passes, the load does not */
    ck_assert_uint_eq(EXC(r), EXC_TLBL);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE + 8);
    GPR(r, T1) = 0;
    C0(r, ENTRYLO0) = C0(r, ENTRYLO1) = both;
    rig_start(r, 0x1000, 0);
    for (unsigned unit = 0; unit < 5; unit++) /* none of them raises anything */
        rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 0x20);
    ck_assert_uint_eq(C0(r, ENTRYLO0) | C0(r, ENTRYLO1), 0);
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, ENTRYLO0), 5 << 6 | 7);
    ck_assert_uint_eq(C0(r, ENTRYLO1), 5 << 6 | 7);
    GPR(r, T1) = sext32(PAGEGRAIN_XIE); /* again: the pages are in the software TLB now */
    rig_start(r, 0x1000, 0);
    rig_run(r, 6);
    ck_assert_uint_eq(EXC(r), EXC_TLBL);
    ck_assert_uint_eq(C0(r, EPC), 0x00400000);
    rig_destroy(r);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("mips_tlb");
    TCase *t = tcase_create("all");
    tcase_add_test(t, write_probe_read);
    tcase_add_test(t, rights_and_refill);
    tcase_add_test(t, asid_and_global);
    tcase_add_loop_test(t, page_sizes, 0, 9);
    tcase_add_loop_test(t, read_and_execute_inhibit, 0, 2);
    tcase_add_test(t, inhibit_bits_need_pagegrain);
    tcase_add_test(t, inhibit_bits_and_pagegrain);
    tcase_add_test(t, user_mode);
    tcase_add_loop_test(t, random_is_deterministic, 0, ARRAY_LEN(sizes));
    tcase_add_test(t, sizes_of_models);
    tcase_add_loop_test(t, size_is_announced, 0, ARRAY_LEN(sizes));
    tcase_add_loop_test(t, every_entry, 0, ARRAY_LEN(sizes));
    tcase_add_loop_test(t, index_and_wired, 0, ARRAY_LEN(sizes));
    tcase_add_loop_test(t, found_as_by_a_linear_search, 0, ARRAY_LEN(sizes));
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &rig_engine);
}
