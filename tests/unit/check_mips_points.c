/* Breakpoints and watchpoints of the debugger, and the watch registers of CP0. */
#include <check.h>

#include "tests/unit/engine_suites.h"
#include "tests/unit/mips_asm.h"
#include "tests/unit/mips_rig.h"

#define RAM (1u << 20)
#define CODE(r, ...)                                                                               \
    do {                                                                                           \
        const uint32_t words_[] = {__VA_ARGS__};                                                   \
        rig_code((r), 0x1000, words_, ARRAY_LEN(words_));                                          \
    } while (0)
#define AT_CODE (RIG_KSEG0 | 0x1000)
#define C0(r, reg) ((r)->cpu->c0[C0_##reg])
#define GPR(r, n)  ((r)->cpu->gpr[n])

static struct rig *start(bool big, uint32_t status)
{
    struct rig *r = rig_create("24Kf", big, RAM);
    rig_start(r, 0x1000, status);
    return r;
}

START_TEST(breakpoints)
{
    struct rig *r = start(false, 0);
    CODE(r, ADDIU_W(T0, T0, 1), ADDIU_W(T0, T0, 1), ADDIU_W(T0, T0, 1), J_W(0x1000), NOP_W);
    rig_run(r, 500);
    uint64_t at[] = {AT_CODE + 8, 0x1004};
    mips_set_points(r->cpu, at, 2, NULL, 0);
    uint64_t before = mips_steps(r->cpu);
    ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_BREAK);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 8);
    ck_assert_uint_eq(mips_steps(r->cpu), before + 2);
    ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_BREAK);
    ck_assert_uint_eq(mips_steps(r->cpu), before + 2);
    ck_assert_int_eq(mips_run(r->cpu, UINT64_MAX, true), MIPS_STOP_BREAK);
    ck_assert_uint_eq(mips_steps(r->cpu), before + 7);
    mips_set_points(r->cpu, NULL, 0, NULL, 0);
    ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_LIMIT);
    rig_destroy(r);
}
END_TEST

/* A breakpoint on a slot stops at its branch, wherever the slot runs; and at itself when something
 * jumps to it. */
START_TEST(breakpoints_in_slots)
{
    struct rig *r = start(false, 0);
    CODE(r, JAL_W(0x1010), ADDIU_W(T0, T0, 1), J_W(0x1004), NOP_W, ADDIU_W(T1, T1, 1),
         J_W(0x1008), NOP_W);
    uint64_t at = AT_CODE + 4;
    GPR(r, RA) = 0x99;
    mips_set_points(r->cpu, &at, 1, NULL, 0);
    ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_BREAK);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE);
    ck_assert_uint_eq(mips_last_hit(r->cpu).va, at);
    ck_assert_uint_eq(mips_steps(r->cpu), 0);
    ck_assert_uint_eq(GPR(r, RA), 0x99);
    ck_assert_uint_eq(GPR(r, T0), 0);
    ck_assert_int_eq(mips_run(r->cpu, 500, true), MIPS_STOP_BREAK);
    ck_assert_uint_eq(mips_pc(r->cpu), at);
    ck_assert_uint_eq(mips_last_hit(r->cpu).va, at);
    ck_assert_uint_eq(mips_steps(r->cpu), 2 + 1 + 2 + 2);
    ck_assert_uint_eq(GPR(r, T0), 1);
    ck_assert_int_eq(mips_run(r->cpu, 500, true), MIPS_STOP_BREAK); /* again, by the jump to it */
    ck_assert_uint_eq(mips_pc(r->cpu), at);
    at = AT_CODE + 12; /* a nop, which may be one with its branch */
    mips_set_points(r->cpu, &at, 1, NULL, 0);
    ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_BREAK);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 8);
    rig_destroy(r);
}
END_TEST

START_TEST(watchpoints)
{
    struct rig *r = start(false, 0);
    GPR(r, T0) = RIG_KSEG0 | 0x4000;
    CODE(r, SW_W(T0, 0, T0), SW_W(T0, 8, T0), JAL_W(0x1014), SB_W(T0, 6, T0), NOP_W,
         LW_W(T1, 4, T0), NOP_W);
    struct mips_watch w = {0x4004, 4, MIPS_WRITE};
    GPR(r, RA) = 0x99;
    mips_set_points(r->cpu, NULL, 0, &w, 1);
    ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_WATCH);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 8);
    ck_assert_uint_eq(mips_steps(r->cpu), 2);
    ck_assert_uint_eq(GPR(r, RA), 0x99);
    ck_assert_uint_eq(r->ram[0x4006], 0);
    struct mips_hit hit = mips_last_hit(r->cpu);
    ck_assert_uint_eq(hit.va, RIG_KSEG0 | 0x4006);
    ck_assert_uint_eq(hit.pa, 0x4006);
    ck_assert_uint_eq(hit.size, 1);
    ck_assert_uint_eq(hit.access, MIPS_WRITE);
    mips_run(r->cpu, mips_cycle(r->cpu) + 3, true);
    ck_assert_uint_eq(r->ram[0x4006], 0);
    ck_assert_uint_eq(mips_steps(r->cpu), 5);
    rig_destroy(r);
}
END_TEST

/* Memory is watched, by whatever address it is accessed; an access that fails is none. */
START_TEST(watch_aliases)
{
    struct rig *r = start(false, 0);
    struct mips_watch w = {0x4004, 2, MIPS_WRITE};
    GPR(r, T0) = sext32(0xa0004000); /* KSEG1 */
    GPR(r, T1) = 0x00004000;         /* not mapped */
    CODE(r, SW_W(T0, 0, T0), SW_W(T0, 4, T1), SW_W(T0, 4, T0), NOP_W);
    mips_set_points(r->cpu, NULL, 0, &w, 1);
    ck_assert_int_eq(rig_run(r, 2), MIPS_STOP_LIMIT);
    ck_assert_uint_eq(C0(r, CAUSE) >> 2 & 31, EXC_TLBS);
    rig_start(r, 0x1008, 0);
    ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_WATCH);
    struct mips_hit hit = mips_last_hit(r->cpu);
    ck_assert_uint_eq(hit.va, sext32(0xa0004004));
    ck_assert_uint_eq(hit.pa, 0x4004);
    ck_assert_uint_eq(hit.size, 4);
    rig_destroy(r);
}
END_TEST

/* Of a store of several bytes nothing is done, also where only the last of them is watched. */
START_TEST(watch_unaligned)
{
    for (unsigned big = 0; big < 2; big++) {
        struct rig *r = start(big, 0);
        struct mips_watch w = {big ? 0x4003 : 0x4002, 1, MIPS_WRITE};
        GPR(r, T0) = RIG_KSEG0 | 0x4000;
        CODE(r, big ? SWL_W(T0, 1, T0) : SWL_W(T0, 2, T0), NOP_W, NOP_W);
        mips_set_points(r->cpu, NULL, 0, &w, 1);
        ck_assert_int_eq(rig_run(r, 500), MIPS_STOP_WATCH);
        ck_assert_uint_eq(mips_steps(r->cpu), 0);
        ck_assert_uint_eq(mips_last_hit(r->cpu).pa, big ? 0x4001 : 0x4000);
        ck_assert_uint_eq(mips_last_hit(r->cpu).size, 3);
        for (unsigned i = 0; i < 4; i++)
            ck_assert_uint_eq(r->ram[0x4000 + i], 0);
        mips_run(r->cpu, mips_cycle(r->cpu) + 1, true);
        ck_assert_uint_eq(r->ram[big ? 0x4001 : 0x4002], 0x80);
        rig_destroy(r);
    }
}
END_TEST

START_TEST(watch_registers)
{
    struct rig *r = start(false, 0);
    GPR(r, T0) = RIG_KSEG0 | 0x4000;
    C0(r, WATCHLO0) = sext32(0x80004008) | 1; /* writes */
    C0(r, WATCHHI0) = 1 << 30;
    C0(r, WATCHLO0 + 1) = sext32(0x80001010) | 4; /* fetches */
    C0(r, WATCHHI0 + 1) = 1 << 30;
    mips_state_loaded(r->cpu);
    CODE(r, SW_W(T0, 0, T0), LW_W(T1, 8, T0), SW_W(T0, 12, T0), NOP_W, NOP_W);
    rig_run(r, 3);
    ck_assert_uint_eq(C0(r, CAUSE) >> 2 & 31, EXC_WATCH);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE + 8);
    ck_assert_uint_eq(C0(r, WATCHHI0) & 7, 1);
    rig_start(r, 0x100c, 0);
    rig_run(r, 2);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE + 16);
    ck_assert_uint_eq(C0(r, WATCHHI0 + 1) & 7, 4);
    rig_start(r, 0x1010, STATUS_EXL); /* deferred until EXL goes */
    rig_put(r, 0x1014, ERET_W);
    C0(r, EPC) = AT_CODE;
    rig_run(r, 3);
    ck_assert_uint_eq(C0(r, CAUSE) & CAUSE_WP, 0);
    ck_assert_uint_eq(C0(r, CAUSE) >> 2 & 31, EXC_WATCH);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE);
    rig_destroy(r);
}
END_TEST

/* The address of `page` (of 4 KiB) mapped to `pa` by the first TLB entry. */
static void map_page(struct rig *r, uint64_t page, uint64_t pa)
{
    tlb_index_remove(r->cpu, 0);
    r->cpu->tlb_vpn2[0] = page & ~UINT64_C(0x1fff);
    r->cpu->tlb_mask[0] = 0;
    r->cpu->tlb_lo[0][page >> PAGE_BITS & 1] = pa >> PAGE_BITS << 6 | 7;
    r->cpu->tlb_lo[0][~page >> PAGE_BITS & 1] = 1;
    r->cpu->tlb_global[0] = 1;
    r->cpu->tlb_hidden[0] = 0;
    mips_state_loaded(r->cpu);
}

/* On the last page of all, once the page has been used; with and without a debugger's points. */
START_TEST(watch_on_the_last_page)
{
    static const uint32_t watched[] = {0xfffff000, 0xfffff7f8, 0xfffffff8};
    const uint64_t last = UINT64_C(0xfffffffffffff000);
    for (unsigned i = 0; i < ARRAY_LEN(watched); i++) {
        struct rig *r = start(false, 0);
        map_page(r, last, 0x5000);
        GPR(r, T0) = last + 0x100;
        GPR(r, T1) = sext32(watched[i]);
        GPR(r, T2) = sext32(watched[i] | 3); /* loads and stores */
        GPR(r, T3) = 1 << 30;
        CODE(r, MTC0_W(T2, 18, 0), MTC0_W(T3, 19, 0), SW_W(T0, 0, T0), LW_W(A0, 0, T0),
             _i & 1 ? SW_W(T0, 4, T1) : LW_W(A0, 4, T1));
        rig_run(r, 4);
        ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 16);
        uint64_t somewhere = AT_CODE + 0x800;
        if (_i & 2)
            mips_set_points(r->cpu, &somewhere, 1, NULL, 0);
        rig_run(r, 1);
        ck_assert_uint_eq(C0(r, CAUSE) >> 2 & 31, EXC_WATCH);
        ck_assert_uint_eq(C0(r, EPC), AT_CODE + 16);
        ck_assert_uint_eq(C0(r, WATCHHI0) & 7, _i & 1 ? 1 : 2);
        rig_destroy(r);
    }
}
END_TEST

/* Bits of WatchHi.Mask need not be next to each other: each takes its own address bit out. */
START_TEST(watch_masks)
{
    static const uint32_t masks[] = {0, 0x8, 0xff8, 0x800, 0x108, 0x6a8};
    for (unsigned i = 0; i < ARRAY_LEN(masks); i++) {
        uint32_t ignored = masks[i] | 7, watched = 0x80004550, bits = _i == 2 ? 4 : 1u << _i;
        struct rig *r = start(false, 0);
        for (uint32_t at = 0; at < PAGE_SIZE; at += 8) {
            uint32_t va = 0x80004000 + at + 4;
            C0(r, WATCHLO0) = sext32(watched | bits);
            C0(r, WATCHHI0) = 1 << 30 | masks[i];
            C0(r, CAUSE) = 0;
            GPR(r, T0) = sext32(va);
            rig_put(r, 0x1000, _i == 0 ? SW_W(A0, 0, T0) : LW_W(A0, 0, T0));
            rig_put(r, va & 0xffff, NOP_W);
            rig_start(r, _i == 2 ? va & 0xffff : 0x1000, 0);
            rig_run(r, 1);
            bool want = ((va ^ watched) & ~ignored) == 0;
            ck_assert_uint_eq(C0(r, CAUSE) >> 2 & 31, want ? EXC_WATCH : 0);
        }
        rig_destroy(r);
    }
}
END_TEST

/* The debugger's watchpoints at the ends of the page that is mapped last of all. */
START_TEST(watchpoints_at_the_ends)
{
    static const struct {
        uint32_t pa, len, access;
        bool hit;
    } cases[] = {
        {0x5ffc, 4, 0xffc, true},  {0x5ff0, 12, 0xffc, false}, {0x5ffc, 8, 0xff8, false},
        {0x4ffc, 8, 0x000, true},  {0x4ffc, 4, 0x000, false},  {0x4000, 0x2000, 0x800, true},
        {0x6000, 4, 0xffc, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *r = start(false, 0);
        struct mips_watch w = {cases[i].pa, cases[i].len, MIPS_WRITE};
        map_page(r, sext32(0xfffff000), 0x5000);
        GPR(r, T0) = sext32(0xfffff000 + cases[i].access);
        CODE(r, LW_W(T1, 0, T0), SW_W(T1, 0, T0), NOP_W);
        mips_set_points(r->cpu, NULL, 0, &w, 1);
        ck_assert_int_eq(rig_run(r, 3), cases[i].hit ? MIPS_STOP_WATCH : MIPS_STOP_LIMIT);
        ck_assert_uint_eq(mips_steps(r->cpu), cases[i].hit ? 1 : 3);
        rig_destroy(r);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("mips_points");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, breakpoints);
    tcase_add_test(t, breakpoints_in_slots);
    tcase_add_test(t, watchpoints);
    tcase_add_test(t, watch_aliases);
    tcase_add_test(t, watch_unaligned);
    tcase_add_test(t, watch_registers);
    tcase_add_loop_test(t, watch_on_the_last_page, 0, 4);
    tcase_add_loop_test(t, watch_masks, 0, 3);
    tcase_add_test(t, watchpoints_at_the_ends);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &rig_engine);
}
