/* Which instructions and registers a processor has, by its release of the architecture. */
#include <check.h>

#include "tests/rng.h"
#include "tests/unit/engine_suites.h"
#include "tests/unit/mips_asm.h"
#include "tests/unit/mips_rig.h"

#define RAM     (1u << 20)
#define AT_CODE (RIG_KSEG0 | 0x1000)
#define C0(r, reg) ((r)->cpu->c0[C0_##reg])
#define GPR(r, n)  ((r)->cpu->gpr[n])
#define EXC(r)     (C0(r, CAUSE) >> 2 & 31)
#define ROUNDS 200000

static const char *const release_1[] = {"4Kc", "4KEcR1"};
static const char *const release_2[] = {"24Kf", "24Kc", "4KEc", "34Kf", "74Kf", "P5600"};

static struct rig *start(const char *model, uint32_t status)
{
    struct rig *r = rig_create(model, false, RAM);
    GPR(r, T0) = GPR(r, T1) = RIG_KSEG0 | 0x4000;
    rig_start(r, 0x1000, status);
    return r;
}

/* The exception of one word in kernel mode; EXC_NONE (as unsigned) if it has none. */
static unsigned exception_of(const char *model, uint32_t w, bool in_slot)
{
    struct rig *r = start(model, STATUS_CU0);
    uint64_t steps = in_slot ? 2 : 1;
    rig_put(r, 0x1000, in_slot ? BEQ_W(0, 0, 1) : w);
    rig_put(r, 0x1004, in_slot ? w : NOP_W);
    rig_run(r, steps);
    bool taken = C0(r, STATUS) & STATUS_EXL;
    unsigned code = taken ? (unsigned)EXC(r) : (unsigned)EXC_NONE;
    if (taken) {
        ck_assert_uint_eq(C0(r, EPC), AT_CODE);
        ck_assert_uint_eq(C0(r, CAUSE) >> 31 & 1, in_slot);
    }
    rig_destroy(r);
    return code;
}

static const struct {
    uint32_t w;
    const char *name;
} of_release_2[] = {
    {0x7d280400, "ext"},   {0x7d28f804, "ins"},     {0x7c0940a0, "wsbh"},  {0x7c094420, "seb"},
    {0x7c094620, "seh"},   {0x7c08003b, "rdhwr"},   {0x7c08103b, "rdhwr"}, {0x41494000, "rdpgpr"},
    {0x41c94000, "wrpgpr"}, {0x41686000, "di"},     {0x41686020, "ei"},    {0x051f0000, "synci"},
    {0x002940c2, "ror"},   {0x01494046, "rorv"},
};

START_TEST(release_2_is_reserved_in_1)
{
    for (unsigned i = 0; i < ARRAY_LEN(of_release_2); i++) {
        for (unsigned slot = 0; slot < 2; slot++) {
            for (unsigned m = 0; m < ARRAY_LEN(release_1); m++)
                ck_assert_msg(exception_of(release_1[m], of_release_2[i].w, slot) == EXC_RI,
                              "%s in %s", of_release_2[i].name, release_1[m]);
            for (unsigned m = 0; m < ARRAY_LEN(release_2); m++)
                ck_assert_msg(exception_of(release_2[m], of_release_2[i].w, slot) ==
                                  (unsigned)EXC_NONE,
                              "%s in %s", of_release_2[i].name, release_2[m]);
        }
    }
}
END_TEST

static bool is_reserved(enum insn_id id)
{
    return id >= INSN_RESERVED && id <= INSN_RESERVED2;
}

/* A word is what it is, or what its map says of words that are nothing. */
START_TEST(decoding_by_release)
{
    struct rng g = {1};
    unsigned missing = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        static const uint32_t maps[] = {0, 1, 0x10, 0x11, 0x13, 0x1c, 0x1f};
        uint32_t w = (uint32_t)rng_next(&g);
        w = rng_below(&g, 4) ? (w & 0x03ffffff) | maps[rng_below(&g, ARRAY_LEN(maps))] << 26 : w;
        enum insn_id full = insn_find(w), in_1 = insn_find_in(w, ISA_R1);
        ck_assert_int_eq(insn_find_in(w, ISA_R1 | ISA_R2 | ISA_EJTAG | ISA_INV), full);
        bool has = insn_info[full].isa == ISA_R1;
        missing += !has;
        ck_assert(has ? in_1 == full : is_reserved(in_1));
        if (!has)
            ck_assert_int_eq(in_1, w >> 26 == 0x10                      ? INSN_RESERVED0
                                   : w >> 26 == 0x11 || w >> 26 == 0x13 ? INSN_RESERVED1
                                                                        : INSN_RESERVED);
    }
    ck_assert_uint_gt(missing, 1000);
}
END_TEST

/* HWREna, IntCtl, SRSCtl, SRSMap, EBase, PageGrain. */
START_TEST(registers_of_release_2)
{
    static const uint8_t numbers[][2] = {{7, 0}, {12, 1}, {12, 2}, {12, 3}, {15, 1}, {5, 1}};
    for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
        uint32_t from = MFC0_W(T2, numbers[i][0], numbers[i][1]);
        uint32_t to = MTC0_W(ZERO, numbers[i][0], numbers[i][1]);
        for (unsigned slot = 0; slot < 2; slot++) {
            for (unsigned m = 0; m < ARRAY_LEN(release_1); m++) {
                ck_assert_uint_eq(exception_of(release_1[m], from, slot), EXC_RI);
                ck_assert_uint_eq(exception_of(release_1[m], to, slot), EXC_RI);
            }
            for (unsigned m = 0; m < ARRAY_LEN(release_2); m++) {
                ck_assert_uint_eq(exception_of(release_2[m], from, slot), (unsigned)EXC_NONE);
                ck_assert_uint_eq(exception_of(release_2[m], to, slot), (unsigned)EXC_NONE);
            }
        }
    }
    /* What no release puts there, or an option does: reads as 0. */
    ck_assert_uint_eq(exception_of("4Kc", MFC0_W(T2, 21, 0), false), (unsigned)EXC_NONE);
    ck_assert_uint_eq(exception_of("4Kc", MFC0_W(T2, 4, 2), false), (unsigned)EXC_NONE);
}
END_TEST

/* Without Cause.TI the match is pending all the same; it is state, and Compare ends it. */
START_TEST(timer_of_release_1)
{
    struct rig *r = start("4Kc", STATUS_CU0), *copy = start("4Kc", STATUS_CU0);
    const uint32_t code[] = {MTC0_W(T0, 11, 0), NOP_W, NOP_W, NOP_W, NOP_W, NOP_W, NOP_W, NOP_W,
                             MFC0_W(A0, 13, 0), MTC0_W(T1, 13, 0), MFC0_W(A1, 13, 0),
                             MTC0_W(T0, 11, 0), MFC0_W(A2, 13, 0)};
    rig_code(r, 0x1000, code, ARRAY_LEN(code));
    rig_code(copy, 0x1000, code, ARRAY_LEN(code));
    GPR(r, T0) = timer_count(r->cpu) + 3;
    GPR(r, T1) = UINT64_MAX;
    rig_run(r, 8);
    struct buf state = {0};
    state_save(mips_state, r->cpu, &state);
    state_load(mips_state, copy->cpu, state.data);
    mips_state_loaded(copy->cpu);
    mips_set_irq(copy->cpu, 0, false); /* works the interrupts out anew */
    rig_run(r, 5);
    rig_run(copy, 5);
    ck_assert_uint_eq(GPR(r, A0), 0x8000);
    ck_assert_uint_eq(GPR(r, A1), 0x8000 | CAUSE_IV | 0x300);
    ck_assert_uint_eq(GPR(r, A2), CAUSE_IV | 0x300);
    for (unsigned i = 0; i < 32; i++)
        ck_assert_uint_eq(GPR(copy, i), GPR(r, i));
    buf_free(&state);
    rig_destroy(r);
    rig_destroy(copy);
}
END_TEST

/* The 4K family has no supervisor mode. */
START_TEST(modes_of_models)
{
    static const struct {
        const char *model;
        uint64_t want;
    } cases[] = {{"4Kc", 0x10}, {"4KEc", 0x10}, {"24Kc", 0x08}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *r = start(cases[i].model, STATUS_CU0);
        cp0_write(r->cpu, C0_STATUS, STATUS_CU0 | 0x08);
        ck_assert_uint_eq(C0(r, STATUS) & STATUS_KSU, cases[i].want & 0x08);
        cp0_write(r->cpu, C0_STATUS, STATUS_CU0 | 0x10);
        ck_assert_uint_eq(C0(r, STATUS) & STATUS_KSU, 0x10);
        rig_destroy(r);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("mips_release");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, release_2_is_reserved_in_1);
    tcase_add_test(t, decoding_by_release);
    tcase_add_test(t, registers_of_release_2);
    tcase_add_test(t, timer_of_release_1);
    tcase_add_test(t, modes_of_models);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &rig_engine);
}
