/*
 * The software TLB: what makes its entries invalid, and that no instruction can make a guest dear.
 */
#include <check.h>
#include <time.h>

#include "tests/rng.h"
#include "tests/unit/engine_suites.h"
#include "tests/unit/mips_asm.h"
#include "tests/unit/mips_rig.h"

#define RAM     (1u << 20)
#define AT_CODE (RIG_KSEG0 | 0x1000)
#define C0(r, reg) ((r)->cpu->c0[C0_##reg])
#define GPR(r, n)  ((r)->cpu->gpr[n])
#define EXC(r)     (C0(r, CAUSE) >> 2 & 31)
#define CODE(r, ...)                                                                               \
    do {                                                                                           \
        const uint32_t words_[] = {__VA_ARGS__};                                                   \
        rig_code((r), 0x1000, words_, ARRAY_LEN(words_));                                          \
    } while (0)

/* Calls for a page to be written; the rig's own function behind it. */
static unsigned asked_for_write;

static struct mips_page counting_page(void *ctx, uint64_t pa, enum mips_access access)
{
    asked_for_write += access == MIPS_WRITE;
    return rig_page(ctx, pa & (RAM - 1), access);
}

/* All of physical memory is the rig's RAM, again and again. */
static struct rig *start(const char *model, uint32_t status)
{
    struct rig *r = rig_create(model, false, RAM);
    r->cpu->env.page = counting_page;
    rig_start(r, 0x1000, status);
    return r;
}

static uint32_t mask_of(unsigned pairs)
{
    return ((UINT32_C(1) << 2 * pairs) - 1) << 13;
}

/* ---- against the TLB itself ---- */

/* One load, store or fetch, of which the software TLB may know; what it should have done follows
 * from the TLB. */
static void access_at(struct rig *r, struct rng *g, uint64_t va)
{
    unsigned kind = rng_below(g, 3);
    enum mips_access access = kind == 0 ? MIPS_READ : kind == 1 ? MIPS_WRITE : MIPS_FETCH;
    uint64_t pa = 0;
    uint8_t ignored;
    C0(r, STATUS) &= ~(uint64_t)STATUS_EXL;
    mmu_mode_changed(r->cpu);
    int want = mmu_translate(r->cpu, va, access, &pa, &ignored);
    pa &= RAM - 1;
    GPR(r, T0) = va;
    GPR(r, T1) = rng_next(g) & 0x7fffffff;
    rig_put(r, 0x1000, kind == 0 ? LW_W(A0, 0, T0) : kind == 1 ? SW_W(T1, 0, T0) : JR_W(T0));
    rig_put(r, 0x1004, NOP_W);
    if (want == EXC_NONE && pa >= 0x2000)
        rig_put(r, pa, ADDIU_W(A1, ZERO, (uint32_t)(pa >> PAGE_BITS)));
    r->cpu->pc = AT_CODE;
    C0(r, CAUSE) = 0;
    rig_run(r, kind == 2 ? 3 : 1);
    if (want != EXC_NONE) {
        ck_assert_uint_eq(EXC(r), (unsigned)want & ~(unsigned)EXC_REFILL);
        ck_assert_uint_eq(C0(r, BADVADDR), va);
        return;
    }
    if (pa < 0x2000) /* where the code is */
        return;
    ck_assert_uint_eq(EXC(r), 0);
    if (kind == 1)
        ck_assert_uint_eq(rig_get(r, pa), GPR(r, T1));
    else if (kind == 0)
        ck_assert_uint_eq((uint32_t)GPR(r, A0), rig_get(r, pa));
    else
        ck_assert_uint_eq(GPR(r, A1), pa >> PAGE_BITS);
}

static void run_word(struct rig *r, uint32_t w)
{
    rig_put(r, 0x1000, w);
    r->cpu->pc = AT_CODE;
    rig_run(r, 1);
}

/* Pages of all sizes, here and there in the address space, its ends among them. */
static uint64_t random_va(struct rng *g)
{
    static const uint32_t bases[] = {0, 0x10000000, 0x3ff00000, 0x7fff0000, 0xc0000000, 0xfffc0000};
    return sext32(bases[rng_below(g, ARRAY_LEN(bases))] + (rng_below(g, 0x40000) & ~3u));
}

START_TEST(agrees_with_the_tlb)
{
    struct rig *r = start("P5600", STATUS_CU0);
    struct rng g = {(uint64_t)_i};
    for (unsigned round = 0; round < 6000; round++) {
        unsigned pairs = rng_below(&g, 4) ? rng_below(&g, 9) : 8;
        C0(r, PAGEMASK) = mask_of(pairs);
        C0(r, INDEX) = rng_below(&g, 8);
        C0(r, ENTRYHI) = random_va(&g) & ~UINT64_C(0x1fff);
        C0(r, ENTRYLO0) = (rng_below(&g, 0x1000) & ~3u) << 6 | rng_below(&g, 8);
        C0(r, ENTRYLO1) = (rng_below(&g, 0x1000) & ~3u) << 6 | rng_below(&g, 8);
        run_word(r, rng_below(&g, 40) ? TLBWI_W : TLBINVF_W);
        for (unsigned k = 0; k < 6; k++)
            access_at(r, &g, random_va(&g));
    }
    rig_destroy(r);
}
END_TEST

/* ---- the right to write ---- */

static void store_here_and_there(struct rig *r, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        GPR(r, T0) = (i & 1 ? sext32(0xa0000000) : RIG_KSEG0) + 0x2000 + i * PAGE_SIZE;
        run_word(r, SW_W(T0, 0, T0));
    }
}

/* After mips_flush_writes each page is asked for once more, no matter in which lists it was. */
START_TEST(writes_are_asked_for_again)
{
    struct rig *r = start("24Kf", STATUS_CU0);
    struct rng g = {3};
    const unsigned pages = 200;
    for (unsigned round = 0; round < 200; round++) {
        store_here_and_there(r, pages);
        asked_for_write = 0;
        store_here_and_there(r, pages);
        ck_assert_uint_eq(asked_for_write, 0);
        switch (rng_below(&g, 3)) {
        case 0:
            mips_flush_writes(r->cpu);
            break;
        case 1:
            mips_flush_pages(r->cpu);
            break;
        default:
            mips_flush_pages(r->cpu);
            mips_flush_writes(r->cpu);
        }
        store_here_and_there(r, pages);
        ck_assert_uint_eq(asked_for_write, pages);
    }
    rig_destroy(r);
}
END_TEST

/* A store to the first word of each of `pages` pages of KSEG0; the code is behind those. */
static void store_to_pages(struct rig *r, uint32_t pages)
{
    static const uint32_t code[] = {SW_W(T1, 0, T0), ADDIU_W(T0, T0, 2048), ADDIU_W(T0, T0, 2048),
                                    BNE_W(T0, T2, -4), NOP_W};
    rig_code(r, 0x1f00, code, ARRAY_LEN(code));
    GPR(r, T0) = RIG_KSEG0;
    GPR(r, T2) = RIG_KSEG0 + (uint64_t)pages * PAGE_SIZE;
    rig_start(r, 0x1f00, STATUS_CU0);
    asked_for_write = 0;
    rig_run(r, UINT64_C(5) * pages);
    ck_assert_uint_eq(GPR(r, T0), GPR(r, T2));
}

/* As many as no list has room for: none of them keeps the right when it is to go. */
START_TEST(more_writes_than_the_list)
{
    struct rig *r = start("24Kf", STATUS_CU0);
    const uint32_t pages = FILLS_MAX + 1000; /* KSEG1 is reached, too */
    for (unsigned round = 0; round < 3; round++) {
        store_to_pages(r, pages);
        ck_assert_uint_eq(asked_for_write, pages);
        store_to_pages(r, 1000);
        mips_flush_writes(r->cpu);
    }
    rig_destroy(r);
}
END_TEST

/* ---- cost ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Nanoseconds of the host for each of `n` steps. */
static double cost(struct rig *r, uint64_t n)
{
    double before = seconds();
    rig_run(r, n);
    return (seconds() - before) * 1e9 / (double)n;
}

#define NS_MAX 20000 /* of any instruction, on average */

/* Entries with the largest pages, before and after pages in them were used. */
START_TEST(large_pages_are_not_dear)
{
    struct rig *r = start("P5600,tlb=256", STATUS_CU0);
    static const uint32_t words[] = {TLBWI_W, TLBWR_W, TLBINV_W, TLBINVF_W};
    C0(r, PAGEMASK) = PAGEMASK_ALL;
    C0(r, ENTRYLO0) = C0(r, ENTRYLO1) = 0x1f;
    CODE(r, words[_i], words[_i], words[_i], words[_i], BEQ_W(0, 0, -5), words[_i]);
    ck_assert(cost(r, 1000) < NS_MAX);
    CODE(r, TLBWI_W, LW_W(A0, 0, T0), ADDIU_W(T0, T0, 2048), ADDIU_W(T0, T0, 2048),
         BNE_W(T0, T1, -4), NOP_W, words[_i], words[_i], BEQ_W(0, 0, -3), words[_i]);
    GPR(r, T0) = 0;
    GPR(r, T1) = 20000 * 4096;
    r->cpu->pc = AT_CODE;
    rig_run(r, 5 * 20000 + 1);
    C0(r, ENTRYHI) = 0xc0000000; /* elsewhere: what was used stays */
    ck_assert(cost(r, 1000) < NS_MAX);
    rig_destroy(r);
}
END_TEST

/* The least of some measurements: others use the host, too. */
static double least_cost(struct rig *r, uint64_t n)
{
    double least = cost(r, n);
    for (unsigned i = 0; i < 4; i++) {
        double again = cost(r, n);
        least = again < least ? again : least;
    }
    return least;
}

/* Code comes to be, and goes, in a page that is known at three addresses: that does not look
 * through all pages that may be written. */
START_TEST(code_is_not_dear)
{
    double ns[2];
    for (unsigned many = 0; many < 2; many++) {
        struct rig *r = start("24Kf", STATUS_CU0);
        store_to_pages(r, many ? 60000 : 3);
        CODE(r, LW_W(A0, 0, S0), LW_W(A0, 0, S1), LW_W(A0, 0, S2), SW_W(S3, 0, S0), JALR_W(RA, S0),
             NOP_W, BEQ_W(0, 0, -4), NOP_W);
        C0(r, ENTRYLO0) = C0(r, ENTRYLO1) = 0x1f; /* the third address, by the TLB */
        C0(r, PAGEMASK) = PAGEMASK_ALL;
        rig_put(r, 0x1ffc, TLBWI_W);
        r->cpu->pc = RIG_KSEG0 | 0x1ffc;
        rig_run(r, 1);
        GPR(r, S0) = RIG_KSEG0 | 0x8000;
        GPR(r, S1) = sext32(0xa0008000);
        GPR(r, S2) = 0x8000;
        GPR(r, S3) = JR_W(RA);
        r->cpu->pc = AT_CODE;
        ns[many] = least_cost(r, 5000);
        rig_destroy(r);
    }
    ck_assert_msg(ns[1] < 5 * ns[0], "%.0f ns, %.0f ns after many stores", ns[0], ns[1]);
}
END_TEST

/* All pages hold the same code, and are called at each of their addresses: what is kept of each
 * view does not pile up. */
START_TEST(views_do_not_pile_up)
{
    struct rig *r = start("24Kf", STATUS_CU0);
    for (uint32_t pa = 0; pa < RAM; pa += PAGE_SIZE) {
        rig_put(r, pa, JR_W(RA));
        rig_put(r, pa + 4, ADDIU_W(A0, A0, 1));
    }
    const uint32_t code[] = {JALR_W(RA, T0), ADDIU_W(T0, T0, 2048), ADDIU_W(T0, T0, 2048),
                             BNE_W(T0, T2, -4), NOP_W};
    rig_code(r, 0x1f00, code, ARRAY_LEN(code));
    const uint32_t pages = 100000;
    GPR(r, T0) = RIG_KSEG0;
    GPR(r, T2) = RIG_KSEG0 + pages * PAGE_SIZE;
    r->cpu->pc = RIG_KSEG0 | 0x1f00;
    uint32_t most = 0;
    for (uint32_t i = 0; i < 100; i++) {
        rig_run(r, UINT64_C(7) * pages / 100);
        most = r->cpu->code.n_views > most ? r->cpu->code.n_views : most;
    }
    ck_assert_uint_eq(GPR(r, A0), pages);
    ck_assert_uint_gt(most, 30000);
    ck_assert_uint_lt(most, 34000);
    rig_destroy(r);
}
END_TEST

/* A watch of fetches comes and goes: what that costs depends on the code, not on memory. */
START_TEST(fetch_watches_are_not_dear)
{
    double ns[2];
    for (unsigned large = 0; large < 2; large++) {
        uint64_t ram = large ? 256u << 20 : RAM;
        struct rig *r = rig_create("24Kf", false, ram);
        CODE(r, JALR_W(RA, S0), NOP_W, MTC0_W(S1, 18, 0), MTC0_W(S2, 18, 0), BEQ_W(0, 0, -3),
             NOP_W);
        rig_put(r, ram - 16, JR_W(RA));
        rig_start(r, 0x1000, STATUS_CU0);
        GPR(r, S0) = RIG_KSEG0 + ram - 16;
        GPR(r, S1) = sext32(0x90000804);
        GPR(r, S2) = sext32(0x90000c04);
        ns[large] = least_cost(r, 2000);
        rig_destroy(r);
    }
    ck_assert_msg(ns[1] < 3 * ns[0], "%.0f ns, %.0f ns with more memory", ns[0], ns[1]);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("mips_softtlb");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, agrees_with_the_tlb, 0, 3);
    tcase_add_test(t, writes_are_asked_for_again);
    tcase_add_test(t, more_writes_than_the_list);
    tcase_add_loop_test(t, large_pages_are_not_dear, 0, 4);
    tcase_add_test(t, code_is_not_dear);
    tcase_add_test(t, views_do_not_pile_up);
    tcase_add_test(t, fetch_watches_are_not_dear);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &rig_engine);
}
