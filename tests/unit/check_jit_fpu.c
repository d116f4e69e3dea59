/*
 * The FPU of the translator against that of the interpreter: sequences of FPU
 * instructions with operands at the edges, in every state of FCSR and Status,
 * run by two processors, one of each engine. All of their state must be equal
 * afterwards. Each sequence is translated once and then run in many states, so
 * code also meets states that it was not made for. DISCO_TEST_SEED and
 * DISCO_TEST_SCALE (rng.h) vary it.
 */
#include <check.h>
#include <fenv.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/state.h"
#include "tests/rng.h"
#include "tests/unit/mips_asm.h"
#include "tests/unit/mips_rig.h"

#define RAM_SIZE  (1u << 16)
#define CODE      0x1000u
#define DATA      0x2000u
#define DEVICE    UINT64_C(0xffffffffbf000000)
#define LENGTH_MAX 8
#define ROUNDS    1500 /* sequences per model and byte order */
#define STATES    24   /* that each of them runs in */

static struct rng rng;
static struct rig *rigs[2]; /* interpreter, translator */

static const uint64_t doubles[] = {
    0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001, 0x001fffffffffffff,
    0x3ff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff, 0x3fe0000000000000,
    0x3ff8000000000000, 0x4000000000000000, 0x4008000000000000, 0x400921fb54442d18,
    0x41dfffffffc00000, 0x41dfffffffe00000, 0x41e0000000000000, 0x41e0000000100000,
    0x41e0000000200000, 0x43e0000000000000, 0x43dfffffffffffff, 0x3690000000000000,
    0x36a0000000000000, 0x380fffffe0000000, 0x3810000000000000, 0x380ffffff0000000,
    0x47efffffe0000000, 0x47effffff0000000, 0x47f0000000000000, 0x7fefffffffffffff,
    0x7ff0000000000000, 0x7ff0000000000001, 0x7ff7ffffffffffff, 0x7ff8000000000000,
    0x7ff8000000000001, 0x7fffffffffffffff, 0x1e50000000000000, 0x5fe0000000000000,
    0x4340000000000001, 0x3fdfffffffffffff, 0x4004000000000000,
};

static const uint32_t singles[] = {
    0, 1, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x3f800000, 0x3f800001, 0x3f7fffff,
    0x3f000000, 0x3fc00000, 0x40000000, 0x40400000, 0x40490fdb, 0x4effffff, 0x4f000000,
    0x4f000001, 0x5effffff, 0x5f000000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff,
    0x7fc00000, 0x7fc00001, 0x7fffffff, 0x1f800000, 0x20000000, 0x5f7fffff, 0x3effffff, 0x4b800001,
};

static uint64_t value_d(void)
{
    uint64_t v;
    switch (rng_below(&rng, 4)) {
    case 0:
        return rng_next(&rng);
    case 1: /* of a size that meets others */
        v = (uint64_t)(1023 - 30 + rng_below(&rng, 80)) << 52 | rng_next(&rng) >> 12;
        return v | rng_next(&rng) << 63;
    default:
        return doubles[rng_below(&rng, ARRAY_LEN(doubles))] | rng_next(&rng) << 63;
    }
}

static uint32_t value_s(void)
{
    switch (rng_below(&rng, 4)) {
    case 0:
        return (uint32_t)rng_next(&rng);
    case 1:
        return (127 - 10 + rng_below(&rng, 40)) << 23 | (uint32_t)(rng_next(&rng) >> 41) |
               (uint32_t)(rng_next(&rng) << 31);
    default:
        return singles[rng_below(&rng, ARRAY_LEN(singles))] | (uint32_t)(rng_next(&rng) << 31);
    }
}

/* ---- instructions ---- */

#define FD(n) ((uint32_t)(n) << 6)
#define FS(n) ((uint32_t)(n) << 11)
#define FT(n) ((uint32_t)(n) << 16)
#define FR(n) ((uint32_t)(n) << 21)

/* Mostly even, few enough to meet again. */
static uint32_t fp_reg(void)
{
    uint32_t r = rng_below(&rng, 5) * 2;
    return rng_below(&rng, 12) == 0 ? r | 1 : r;
}

static uint32_t fields(void)
{
    return FD(fp_reg()) | FS(fp_reg()) | FT(fp_reg());
}

static uint32_t arithmetic(void)
{
    static const uint8_t functs[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                     0x11, 0x12, 0x13, 0x15, 0x16, 0x20, 0x21, 0x24, 0x25};
    uint32_t d = rng_below(&rng, 2), w = 0x46000000 | FR(d) | fields();
    if (rng_below(&rng, 5) == 0) /* a compare */
        return (w & ~FD(31)) | 0x30 | rng_below(&rng, 16) |
               rng_below(&rng, 3) << 8;
    if (rng_below(&rng, 8) == 0) /* from w, l */
        return 0x46800000 | FR(d) | FS(fp_reg()) | FD(fp_reg()) | 0x20 | rng_below(&rng, 2);
    uint32_t funct = functs[rng_below(&rng, ARRAY_LEN(functs))];
    return w | (funct == 0x20 + d ? 0 : funct);
}

static uint32_t fused(void)
{
    uint32_t kind = 4 + rng_below(&rng, 4);
    return 0x4c000000 | FR(fp_reg()) | fields() | kind << 3 | rng_below(&rng, 2);
}

/* S0: ram, S1: a device, S2: an index, T0 ...: data. */
static uint32_t memory(void)
{
    static const uint8_t ops[] = {0x31, 0x35, 0x39, 0x3d};
    static const uint8_t indexed[] = {0, 1, 5, 8, 9, 13, 15};
    uint32_t base = rng_below(&rng, 6) == 0 ? S1 : S0;
    uint32_t offset = rng_below(&rng, 16) * 8;
    if (rng_below(&rng, 12) == 0)
        offset ^= rng_below(&rng, 8);
    if (rng_below(&rng, 3) == 0)
        return 0x4c000000 | base << 21 | S2 << 16 | FS(fp_reg()) | FD(fp_reg()) |
               indexed[rng_below(&rng, ARRAY_LEN(indexed))];
    return (uint32_t)ops[rng_below(&rng, 4)] << 26 | base << 21 | FT(fp_reg()) | offset;
}

static uint32_t transfer(void)
{
    static const uint8_t kinds[] = {0, 3, 4, 7, 2, 2, 6};
    static const uint8_t gprs[] = {0, V0, A1, T0, T1, T2};
    static const uint8_t control[] = {31, 31, 25, 26, 28, 0};
    uint32_t kind = kinds[rng_below(&rng, ARRAY_LEN(kinds))];
    uint32_t gpr = gprs[rng_below(&rng, ARRAY_LEN(gprs))];
    uint32_t r = kind == 2 || kind == 6 ? control[rng_below(&rng, ARRAY_LEN(control))] : fp_reg();
    if (rng_below(&rng, 6) == 0) /* movf, movt */
        return 0x00000001 | gpr << 11 | T1 << 21 | rng_below(&rng, 8) << 16;
    return 0x44000000 | kind << 21 | gpr << 16 | FS(r);
}

static uint32_t instruction(void)
{
    uint64_t n = rng_below(&rng, 16);
    return n < 9 ? arithmetic() : n < 10 ? fused() : n < 13 ? memory() : n < 15 ? transfer()
                   : LW_W(T3, 0, rng_below(&rng, 2) ? S1 : S0);
}

/* A sequence, a branch to itself or over the next word, and a slot. Returns its steps. */
static unsigned sequence(uint32_t *words)
{
    unsigned n = (unsigned)rng_below(&rng, LENGTH_MAX - 2) + (rng_below(&rng, 3) != 0), at = 0;
    for (unsigned i = 0; i < n; i++)
        words[at++] = instruction();
    switch (rng_below(&rng, 4)) {
    case 0:
        words[at++] = 0x45000000 | rng_below(&rng, 8) << 16 | 0xffff; /* bc1[ft]l? . */
        break;
    case 1:
        words[at++] = BNE_W(V0, ZERO, 0xffff);
        break;
    default:
        words[at++] = BEQ_W(ZERO, ZERO, 0xffff);
    }
    words[at++] = rng_below(&rng, 2) ? instruction() : NOP_W;
    return at;
}

/* ---- running ---- */

static uint32_t random_fcsr(bool nan2008)
{
    uint32_t f = (uint32_t)rng_next(&rng) & 0xfe80007f; /* conditions, flags, mode */
    if (rng_below(&rng, 8) == 0)
        f |= 1u << 24;
    if (rng_below(&rng, 8) == 0)
        f |= (uint32_t)rng_next(&rng) & 0xf80;
    uint32_t cause = (uint32_t)rng_next(&rng) & 0x1f000 & ~((f & 0xf80) << 5);
    if (rng_below(&rng, 40) == 0)
        nan2008 = !nan2008; /* as a debugger may */
    return f | cause | (nan2008 ? 0x000c0000 : 0);
}

static void set_state(bool nan2008)
{
    struct mips *cpu = rigs[0]->cpu;
    uint32_t status = rng_below(&rng, 16) ? STATUS_CU1 : 0;
    status |= rng_below(&rng, 2) ? STATUS_FR : 0;
    for (unsigned r = 0; r < 32; r++)
        cpu->fpr[r] = rng_below(&rng, 2) ? value_d() : (uint64_t)value_s() << 32 | value_s();
    if (!(status & STATUS_FR)) /* doubles are in pairs */
        for (unsigned r = 0; r < 32; r += 2)
            if (rng_below(&rng, 2))
                cpu->fpr[r + 1] = cpu->fpr[r] >> 32;
    for (unsigned g = 1; g < 32; g++)
        cpu->gpr[g] = sext32(value_s());
    cpu->gpr[S0] = RIG_KSEG0 | DATA;
    cpu->gpr[S1] = DEVICE;
    cpu->gpr[S2] = rng_below(&rng, 16) * 8 + (rng_below(&rng, 8) == 0 ? 4 : 0);
    cpu->fcsr = random_fcsr(nan2008);
    cpu->steps = cpu->skipped = 0;
    rig_start(rigs[0], CODE, status);
    for (unsigned i = 0; i < 64; i++)
        rigs[0]->ram[DATA + i * 4] = (uint8_t)rng_next(&rng);
    struct mips *other = rigs[1]->cpu;
    for (const struct state_field *f = mips_state; f->name != NULL; f++)
        memcpy((uint8_t *)other + f->offset, (const uint8_t *)cpu + f->offset,
               (size_t)f->width * f->count);
    mips_state_loaded(other);
    memcpy(rigs[1]->ram + DATA, rigs[0]->ram + DATA, 0x100);
}

static void must_equal(const uint32_t *words, unsigned n, uint32_t fcsr, uint32_t status)
{
    bool equal = memcmp(rigs[0]->ram + DATA, rigs[1]->ram + DATA, 0x100) == 0;
    struct buf out = {0};
    if (state_diff(mips_state, rigs[0]->cpu, rigs[1]->cpu, "", &out) == 0 && equal)
        return;
    printf("%.*s", (int)out.len, (const char *)out.data);
    printf("fcsr %#" PRIx32 ", status %#" PRIx32 ", after:", fcsr, status);
    for (unsigned i = 0; i < n; i++)
        printf(" %08" PRIx32, words[i]);
    printf("\n");
    ck_abort_msg("the engines differ");
}

static void rig_pair(const char *model, bool big)
{
    for (unsigned i = 0; i < 2; i++) {
        rigs[i] = rig_create(model, big, RAM_SIZE);
        rigs[i]->io_answer = 0x40091eb851eb851f;
    }
    mips_set_engine(rigs[1]->cpu, MIPS_JIT);
}

static void drop_pair(void)
{
    rig_destroy(rigs[0]);
    rig_destroy(rigs[1]);
}

static void compare_engines(const char *model, bool big, bool nan2008, uint64_t seed)
{
    rng.state = rng_env("DISCO_TEST_SEED", seed);
    rig_pair(model, big);
    for (unsigned round = 0; round < ROUNDS * rng_env("DISCO_TEST_SCALE", 1); round++) {
        uint32_t words[LENGTH_MAX];
        unsigned n = sequence(words);
        for (unsigned i = 0; i < 2; i++)
            rig_code(rigs[i], CODE, words, n);
        for (unsigned s = 0; s < STATES; s++) {
            set_state(nan2008);
            uint32_t fcsr = rigs[0]->cpu->fcsr, status = (uint32_t)rigs[0]->cpu->c0[C0_STATUS];
            uint64_t steps = n * (1 + rng_below(&rng, 3));
            for (unsigned i = 0; i < 2; i++)
                rig_run(rigs[i], steps);
            must_equal(words, n, fcsr, status);
            if (fegetround() != FE_TONEAREST)
                ck_abort_msg("the guest's rounding mode is left in the host");
        }
    }
    drop_pair();
}

START_TEST(legacy_little)
{
    compare_engines("24Kf", false, false, 1);
}
END_TEST

START_TEST(legacy_big)
{
    compare_engines("24Kf", true, false, 2);
}
END_TEST

START_TEST(nan2008_little)
{
    compare_engines("P5600", false, true, 3);
}
END_TEST

START_TEST(nan2008_big)
{
    compare_engines("P5600", true, true, 4);
}
END_TEST

/* Ordinary numbers do not need the interpreter's helpers. */
START_TEST(own_code)
{
    static const uint32_t words[] = {
        0x46200000 | FD(2) | FS(4) | FT(6),        /* add.d */
        0x46200001 | FD(4) | FS(2) | FT(6),        /* sub.d */
        0x46200002 | FD(2) | FS(4) | FT(6),        /* mul.d */
        0x46200003 | FD(4) | FS(2) | FT(6),        /* div.d */
        0x46200005 | FD(4) | FS(4),                /* abs.d */
        0x46200004 | FD(8) | FS(4),                /* sqrt.d */
        0x46200007 | FD(8) | FS(8),                /* neg.d */
        0x46200006 | FD(10) | FS(8),               /* mov.d */
        0x46200020 | FD(12) | FS(10),              /* cvt.s.d */
        0x46000021 | FD(14) | FS(12),              /* cvt.d.s */
        0x4620000d | FD(16) | FS(14),              /* trunc.w.d */
        0x4620000c | FD(16) | FS(14),              /* round.w.d */
        0x46800021 | FD(18) | FS(16),              /* cvt.d.w */
        0x4c000021 | FR(2) | FS(4) | FT(6) | FD(2), /* madd.d */
        0x4620003c | FS(2) | FT(4),                /* c.lt.d */
        0xd6000008 | FT(20),                       /* ldc1 f20, 8(s0) */
        0xf6000010 | FT(20),                       /* sdc1 f20, 16(s0) */
        0xe6000018 | FT(12),                       /* swc1 f12, 24(s0) */
        0x44000000 | T0 << 16 | FS(12),            /* mfc1 */
        0x44800000 | T0 << 16 | FS(22),            /* mtc1 */
        BEQ_W(ZERO, ZERO, 0xffff),
        0,
    };
    for (unsigned rm = 0; rm < 4; rm++)
        for (unsigned wide = 0; wide < 2; wide++) {
            rig_pair("24Kf", rm & 1);
            struct mips *cpu = rigs[1]->cpu;
            mips_set_profile(cpu, true);
            rig_code(rigs[1], CODE, words, ARRAY_LEN(words));
            for (unsigned r = 0; r < 32; r++)
                cpu->fpr[r] = wide || r & 1 ? 0x4009000000000000u + r : 12345u;
            for (unsigned r = 1; r < 32 && !wide; r += 2)
                cpu->fpr[r] = 0x40090000;
            cpu->fcsr = rm;
            cpu->gpr[S0] = RIG_KSEG0 | DATA;
            rig_start(rigs[1], CODE, STATUS_CU1 | (wide ? STATUS_FR : 0));
            rig_run(rigs[1], ARRAY_LEN(words));
            const char *name;
            uint64_t calls = 0, all = 0;
            for (unsigned i = 0; mips_helper_calls(cpu, i, &name, &calls); i++)
                all += calls;
            ck_assert_uint_eq(all, 2); /* the first look at a page, to read and to write */
            drop_pair();
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jit_fpu");
    TCase *t = tcase_create("engines");
    tcase_set_timeout(t, 120);
    if (mips_engine_available(MIPS_JIT)) {
        tcase_add_test(t, legacy_little);
        tcase_add_test(t, legacy_big);
        tcase_add_test(t, nan2008_little);
        tcase_add_test(t, nan2008_big);
        tcase_add_test(t, own_code);
    }
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
