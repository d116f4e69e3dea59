/*
 * How the processor runs: exact stops, exceptions in delay slots, stores into
 * code, interrupts, time, waiting. Expected values are worked out by
 * hand; the random test compares one long run with the same run in pieces.
 */
#include <check.h>
#include <inttypes.h>

#include "tests/rng.h"
#include "tests/unit/engine_suites.h"
#include "tests/unit/mips_asm.h"
#include "tests/unit/mips_rig.h"

#define RAM (1u << 20)
#define CODE(r, ...)                                                                               \
    do {                                                                                           \
        const uint32_t words_[] = {__VA_ARGS__};                                                   \
        rig_code((r), 0x1000, words_, ARRAY_LEN(words_));                                          \
    } while (0)
#define NO_EXCEPTION 99
#define AT_CODE (RIG_KSEG0 | 0x1000)
#define C0(r, reg) ((r)->cpu->c0[C0_##reg])
#define GPR(r, n)  ((r)->cpu->gpr[n])

static struct rig *start(bool big, uint32_t status)
{
    struct rig *r = rig_create("24Kf", big, RAM);
    rig_start(r, 0x1000, status);
    return r;
}

static uint64_t hash(const struct rig *r)
{
    uint64_t h = state_hash(mips_state, mips_state_object(r->cpu), 0);
    for (uint64_t i = 0; i < r->ram_size; i += 8)
        h = (h ^ ld_le64(r->ram + i)) * UINT64_C(0x9e3779b97f4a7c15);
    return h;
}

/* ---- limits ---- */

START_TEST(stops_between_units)
{
    struct rig *r = start(false, 0);
    CODE(r, ADDIU_W(T0, T0, 1), BEQ_W(0, 0, -2), ADDIU_W(T1, T1, 1));
    ck_assert_int_eq(rig_run(r, 1), MIPS_STOP_LIMIT);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 4);
    ck_assert_uint_eq(mips_steps(r->cpu), 1);
    rig_run(r, 1); /* into the branch: its slot comes, too */
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE);
    ck_assert_uint_eq(mips_steps(r->cpu), 3);
    rig_run(r, 0);
    ck_assert_uint_eq(mips_steps(r->cpu), 3);
    rig_run(r, 3000);
    ck_assert_uint_eq(mips_steps(r->cpu), 3003);
    ck_assert_uint_eq(GPR(r, T0), 1001);
    ck_assert_uint_eq(GPR(r, T1), 1001);
    rig_destroy(r);
}
END_TEST

START_TEST(nullified_slot_is_no_step)
{
    struct rig *r = start(false, 0);
    CODE(r, ORI_W(T0, 0, 1), BEQL_W(T0, 0, 5), ORI_W(T1, 0, 9), ORI_W(T2, 0, 7),
         BEQL_W(0, 0, 2), NOP_W, BREAK_W, BEQL_W(T0, 0, 5), NOP_W, ORI_W(T3, 0, 3));
    rig_run(r, 7);
    ck_assert_uint_eq(GPR(r, T1), 0);
    ck_assert_uint_eq(GPR(r, T2), 7);
    ck_assert_uint_eq(GPR(r, T3), 3);
    ck_assert_uint_eq(mips_steps(r->cpu), 7);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 40);
    rig_destroy(r);
}
END_TEST

/* Random code, with a handler that skips what faults. */
static void load_random(struct rig *r, uint64_t seed)
{
    static const uint8_t alu[] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b,
                                  0x00, 0x02, 0x03, 0x04, 0x06, 0x07, 0x0a, 0x0b, 0x18, 0x19,
                                  0x1a, 0x1b, 0x10, 0x12, 0x34, 0x0c, 0x0d, 0x3f};
    static const uint8_t memory[] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
                                     0x28, 0x29, 0x2a, 0x2b, 0x2e, 0x30, 0x38};
    static const uint8_t branch[] = {4, 5, 6, 7, 0x14, 0x15, 0x16, 0x17};
    struct rng g = {seed};
    const uint32_t handler[] = {
        MFC0_W(K0, 14, 0), ADDIU_W(K0, K0, 8), MTC0_W(K0, 14, 0), LUI_W(S0, 0x8000),
        ORI_W(S0, S0, 0x3000), ERET_W,
    };
    rig_code(r, 0x180, handler, ARRAY_LEN(handler));
    for (uint32_t pa = 0x1000; pa < 0x3000; pa += 4) {
        uint32_t rs = rng_below(&g, 16), rt = rng_below(&g, 16), rd = rng_below(&g, 16), w;
        switch (rng_below(&g, 10)) {
        case 0:
        case 1:
            w = ASM_I(memory[rng_below(&g, sizeof memory)], rt, S0, rng_below(&g, 0x2000) - 0x1000);
            if (rng_below(&g, 8)) /* mostly data, sometimes code */
                w = (w & ~0xffffu) | rng_below(&g, 0x1000);
            break;
        case 2:
            w = ASM_I(branch[rng_below(&g, sizeof branch)], rt, rs, rng_below(&g, 40) - 16);
            if (((w >> 26) & 6) == 6)
                w &= ~0x1f0000u;
            break;
        case 3:
            w = ASM_I(1, rng_below(&g, 4) | rng_below(&g, 2) << 4, rs, rng_below(&g, 20));
            if (rng_below(&g, 4) == 0)
                w = J_W(0x1000 + rng_below(&g, 0x800) * 4);
            break;
        case 4:
        case 5:
            w = ASM_I(8 + rng_below(&g, 8), rt, rs, rng_next(&g));
            break;
        default:
            w = ASM_R(alu[rng_below(&g, sizeof alu)], rd, rs, rt) | rng_below(&g, 32) << 6;
            if ((w & 63) == 2 || (w & 63) == 6)
                w &= ~0x03e00000u & ~((w & 63) == 6 ? 0x7c0u : 0u);
        }
        rig_put(r, pa, w);
    }
    rig_put(r, 0x3000, J_W(0x1000));
    rig_put(r, 0x3004, NOP_W);
    GPR(r, S0) = RIG_KSEG0 | 0x3000;
}

/* The same machine in a fresh processor: nothing but the state table goes over. */
static struct rig *transplant(struct rig *from)
{
    struct rig *to = rig_create("24Kf", from->big, from->ram_size);
    struct buf saved = {0};
    memcpy(to->ram, from->ram, from->ram_size);
    state_save(mips_state, mips_state_object(from->cpu), &saved);
    state_load(mips_state, mips_state_object(to->cpu), saved.data);
    mips_state_loaded(to->cpu);
    memcpy(to->events, from->events, sizeof to->events);
    to->n_events = from->n_events;
    to->events_dropped = from->events_dropped;
    buf_free(&saved);
    rig_destroy(from);
    return to;
}

START_TEST(pieces_equal_one_run)
{
    uint64_t seed = rng_env("DISCO_SEED", 1) * 1000 + (uint64_t)_i;
    bool big = _i & 1;
    struct rig *a = start(big, 0), *b = start(big, 0);
    struct rng g = {seed + 77};
    load_random(a, seed);
    load_random(b, seed);
    C0(a, COMPARE) = C0(b, COMPARE) = 3000;
    rig_start(a, 0x1000, 0x8001);
    rig_start(b, 0x1000, 0x8001);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t until = mips_cycle(a->cpu) + 500;
        mips_run(a->cpu, until, false);
        until = mips_cycle(a->cpu);
        for (uint64_t now; (now = mips_cycle(b->cpu)) < until;)
            mips_run(b->cpu, min_u64(now + 1 + rng_below(&g, 60), until), false);
        if (i % 8 == 5)
            b = transplant(b);
        if (hash(a) != hash(b)) {
            struct buf out = {0};
            state_diff(mips_state, a->cpu, b->cpu, "", &out);
            ck_abort_msg("seed %" PRIu64 " after %" PRIu64 " steps: %.*s", seed,
                         mips_steps(a->cpu), (int)out.len, (const char *)out.data);
        }
    }
    unsigned n = a->n_events;
    ck_assert_uint_eq(n, b->n_events);
    ck_assert_uint_gt(n + a->events_dropped, 0);
    for (size_t i = 0; i < n; i++)
        ck_assert(event_equal(&a->events[i], &b->events[i]));
    rig_destroy(a);
    rig_destroy(b);
}
END_TEST

/* ---- exceptions ---- */

START_TEST(exception_in_slot_undoes_the_branch)
{
    struct rig *r = start(false, 0);
    GPR(r, RA) = 0x55;
    CODE(r, ORI_W(T0, 0, 1), JAL_W(0x2000), LW_W(T1, 1, 0));
    rig_run(r, 2);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | 0x180);
    ck_assert_uint_eq(mips_steps(r->cpu), 2); /* ori, exception */
    ck_assert_uint_eq(C0(r, EPC), AT_CODE + 4);
    ck_assert_uint_eq(C0(r, CAUSE) & 0xffffffff, CAUSE_BD | EXC_ADEL << 2);
    ck_assert_uint_eq(C0(r, BADVADDR), 1);
    ck_assert_uint_eq(GPR(r, RA), 0x55);
    ck_assert_uint_eq(r->events[0].kind, EVENT_EXCEPTION);
    ck_assert_uint_eq(r->events[0].step, 1);
    ck_assert_uint_eq(r->events[0].pc, AT_CODE + 4);
    rig_destroy(r);
}
END_TEST

START_TEST(branch_in_slot_is_reserved)
{
    struct rig *r = start(false, 0);
    CODE(r, BEQ_W(0, 0, 3), J_W(0x1000));
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, CAUSE) & 0xffffffff, CAUSE_BD | EXC_RI << 2);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE);
    rig_destroy(r);
}
END_TEST

/* Each instruction, and the code that it raises at once. */
START_TEST(codes)
{
    static const struct {
        uint32_t w, status, code;
    } cases[] = {
        {SYSCALL_W, 0, EXC_SYS},
        {BREAK_W, 0, EXC_BP},
        {TEQ_W(0, 0), 0, EXC_TR},
        {ADD_W(T0, 24, 24), 0, EXC_OV},
        {0x0000003f, 0, EXC_RI},
        {0x44000000, 0, EXC_CPU},                    /* mfc1 without CU1 */
        {0x48000000, 0, EXC_CPU},                    /* COP2 */
        {MFC0_W(T0, 12, 0), 0x10, EXC_CPU},          /* user mode */
        {0x40e00000, 0, EXC_RI},                     /* reserved COP0 */
        {0x46c00000, STATUS_CU1, EXC_RI},            /* paired single */
        {LW_W(T0, 2, 0), 0, EXC_ADEL},
        {SW_W(T0, 2, 0), 0, EXC_ADES},
        {LW_W(T0, 0, 25), 0x10, EXC_ADEL}, /* kseg0 in user mode */
        {LW_W(T0, 0, 0), 0, EXC_TLBL},
        {SW_W(T0, 0, 0), 0, EXC_TLBS},
        {RDHWR_W(T0, 5), 0, EXC_RI},
        {0x46000004, STATUS_CU1, NO_EXCEPTION},      /* sqrt.s is fine */
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *r = start(i & 1, cases[i].status & STATUS_CU1);
        GPR(r, 24) = 0x7fffffff;
        GPR(r, 25) = RIG_KSEG0;
        CODE(r, cases[i].w);
        if (cases[i].status & 0x10) { /* user code runs through a TLB entry */
            r->cpu->tlb_hidden[0] = 0;
            r->cpu->tlb_global[0] = 1;
            r->cpu->tlb_lo[0][0] = r->cpu->tlb_lo[0][1] = 1 << 6 | 7;
            r->cpu->tlb_vpn2[0] = 0x400000;
            C0(r, STATUS) = cases[i].status;
            r->cpu->pc = 0x400000;
            mips_state_loaded(r->cpu);
        }
        rig_run(r, 1);
        if (cases[i].code == NO_EXCEPTION)
            ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 4);
        else
            ck_assert_msg((C0(r, CAUSE) >> 2 & 31) == cases[i].code, "case %u: %" PRIx64, i,
                          C0(r, CAUSE));
        ck_assert_uint_eq(mips_steps(r->cpu), 1);
        rig_destroy(r);
    }
}
END_TEST

START_TEST(nested_exception_keeps_epc)
{
    struct rig *r = start(false, STATUS_EXL);
    C0(r, EPC) = 0x1234;
    CODE(r, SYSCALL_W);
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, EPC), 0x1234);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | 0x180);
    rig_destroy(r);
}
END_TEST

/* A branch at the end of its page: the slot's fetch faults for the branch. */
START_TEST(slot_in_the_next_page)
{
    struct rig *r = start(false, 0);
    r->cpu->tlb_hidden[0] = 0;
    r->cpu->tlb_global[0] = 1;
    r->cpu->tlb_lo[0][0] = 0;
    r->cpu->tlb_lo[0][1] = 5 << 6 | 7;
    r->cpu->tlb_vpn2[0] = 0x400000;
    rig_put(r, 0x5ffc, BEQ_W(0, 0, 4));
    rig_put(r, 0x6000, ORI_W(T0, 0, 0x11));
    r->cpu->pc = 0x401ffc;
    mips_state_loaded(r->cpu);
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, EPC), 0x401ffc);
    ck_assert_uint_eq(C0(r, BADVADDR), 0x402000);
    ck_assert_uint_eq(C0(r, CAUSE) & 0xffffffff, CAUSE_BD | EXC_TLBL << 2);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0); /* the refill vector */
    rig_start(r, 0x5ffc, 0); /* the same in kseg0, where the slot is mapped */
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | 0x6010);
    ck_assert_uint_eq(GPR(r, T0), 0x11);
    rig_put(r, 0x6000, ORI_W(T0, 0, 0x22));
    rig_start(r, 0x5ffc, 0);
    rig_run(r, 1);
    ck_assert_uint_eq(GPR(r, T0), 0x22);
    rig_destroy(r);
}
END_TEST

/* ---- stores into code ---- */

START_TEST(store_changes_the_next_instruction)
{
    struct rig *r = start(_i, 0);
    GPR(r, T0) = AT_CODE;
    GPR(r, T1) = ORI_W(T2, 0, 0x77);
    CODE(r, SW_W(T1, 4, T0), ORI_W(T2, 0, 1), SW_W(T1, 20, T0), BEQ_W(0, 0, 1),
         SW_W(0, 20, T0), ORI_W(T2, 0, 2), NOP_W);
    rig_run(r, 2);
    ck_assert_uint_eq(GPR(r, T2), 0x77);
    rig_run(r, 100);
    /* The store in the slot made the word at 20 a nop. */
    ck_assert_uint_eq(GPR(r, T2), 0x77);
    ck_assert_uint_gt(mips_get_stats(r->cpu).blocks_flushed, 0);
    rig_destroy(r);
}
END_TEST

START_TEST(foreign_change_is_seen)
{
    struct rig *r = start(false, 0);
    CODE(r, ORI_W(T0, 0, 1), J_W(0x1000), NOP_W);
    rig_run(r, 300);
    rig_put(r, 0x1000, ORI_W(T0, 0, 2));
    rig_run(r, 300);
    ck_assert_uint_eq(GPR(r, T0), 2);
    rig_destroy(r);
}
END_TEST

/* ---- memory ---- */

START_TEST(byte_order)
{
    struct rig *r = start(_i, 0);
    GPR(r, T0) = RIG_KSEG0 | 0x4000;
    memcpy(r->ram + 0x4000, "\x81\x02\x03\x04\x05\x06\x07\x08", 8);
    CODE(r, LW_W(A0, 0, T0), LH_W(A1, 0, T0), LB_W(A2, 0, T0), LWL_W(A3, _i ? 1 : 4, T0),
         LWR_W(A3, _i ? 4 : 1, T0), LW_W(T1, 4, T0), SWL_W(T1, _i ? 9 : 12, T0),
         SWR_W(T1, _i ? 12 : 9, T0));
    rig_run(r, 8);
    ck_assert_uint_eq(GPR(r, A0), _i ? UINT64_C(0xffffffff81020304) : 0x04030281);
    ck_assert_uint_eq(GPR(r, A1), _i ? UINT64_C(0xffffffffffff8102) : 0x0281);
    ck_assert_uint_eq(GPR(r, A2), UINT64_C(0xffffffffffffff81));
    ck_assert_uint_eq(GPR(r, A3), _i ? 0x02030405 : 0x05040302);
    ck_assert(memcmp(r->ram + 0x4008, "\x00\x05\x06\x07\x08\x00", 6) == 0);
    rig_destroy(r);
}
END_TEST

START_TEST(ll_sc)
{
    struct rig *r = start(false, 0);
    GPR(r, T0) = RIG_KSEG0 | 0x4000;
    CODE(r, ORI_W(T1, 0, 5), SC_W(T1, 0, T0), LL_W(T2, 0, T0), ORI_W(T3, 0, 6), SC_W(T3, 0, T0),
         LL_W(T2, 0, T0), ORI_W(T4, 0, 7), SC_W(T4, 4, T0), LL_W(T2, 0, T0), SYSCALL_W,
         ORI_W(T5, 0, 8), SC_W(T5, 0, T0));
    const uint32_t handler[] = {MFC0_W(K0, 14, 0), ADDIU_W(K0, K0, 4), MTC0_W(K0, 14, 0), ERET_W};
    rig_code(r, 0x180, handler, 4);
    rig_run(r, 16);
    ck_assert_uint_eq(GPR(r, T1), 0);
    ck_assert_uint_eq(GPR(r, T3), 1);
    ck_assert_uint_eq(GPR(r, T2), 6);
    ck_assert_uint_eq(GPR(r, T4), 0);
    ck_assert_uint_eq(GPR(r, T5), 0);
    ck_assert_uint_eq(rig_get(r, 0x4000), 6);
    rig_destroy(r);
}
END_TEST

/* ---- what the random test of two equal engines cannot see ---- */

START_TEST(release_2_arithmetic)
{
    static const struct {
        uint32_t w, result; /* of a0 = 0x80f1c2e3, v0 = 0x11223344 before */
    } cases[] = {
        {0x7c823900, 0x2e},       /* ext v0, a0, 4, 8 */
        {0x7c827904, 0x11222e34}, /* ins v0, a0, 4, 12 */
        {0x7c0410a0, 0xf180e3c2}, /* wsbh v0, a0 */
        {0x7c041420, 0xffffffe3}, /* seb */
        {0x7c041620, 0xffffc2e3}, /* seh */
        {0x70821020, 0},          /* clz */
        {0x70821021, 1},          /* clo */
        {0x00241202, 0xe380f1c2}, /* rotr v0, a0, 8 */
        {0x70841002, (uint32_t)(UINT64_C(0x80f1c2e3) * 0x80f1c2e3)}, /* mul v0, a0, a0 */
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *r = start(i & 1, 0);
        GPR(r, A0) = sext32(0x80f1c2e3);
        GPR(r, V0) = 0x11223344;
        CODE(r, cases[i].w);
        rig_run(r, 1);
        ck_assert_msg(GPR(r, V0) == sext32(cases[i].result), "case %u: %" PRIx64, i, GPR(r, V0));
        rig_destroy(r);
    }
}
END_TEST

/* ---- devices, interrupts, time ---- */

START_TEST(device_access_is_exact)
{
    struct rig *r = start(_i, 0x401);
    GPR(r, T0) = UINT64_C(0xffffffffb0000000);
    r->irq_on_write = 0;
    r->io_answer = 0x80000001;
    CODE(r, NOP_W, LW_W(T1, 4, T0), NOP_W, BEQ_W(0, 0, 1), SW_W(T1, 8, T0), NOP_W, NOP_W);
    rig_run(r, 3);
    ck_assert_uint_eq(r->io_step, 1);
    ck_assert_uint_eq(r->io_pa, 0x10000004);
    ck_assert_uint_eq(GPR(r, T1), UINT64_C(0xffffffff80000001));
    rig_run(r, 3); /* branch, store, interrupt */
    ck_assert_uint_eq(r->io_writes, 1);
    ck_assert_uint_eq(r->io_value, 0x80000001);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE + 20);
    ck_assert_uint_eq(C0(r, CAUSE) & 0xffffffff, 0x400);
    ck_assert_uint_eq(mips_steps(r->cpu), 6);
    ck_assert_uint_eq(r->events[0].kind, EVENT_INTERRUPT);
    ck_assert_uint_eq(r->events[0].step, 5);
    rig_destroy(r);
}
END_TEST

START_TEST(stop_request_from_a_device)
{
    struct rig *r = start(false, 0);
    GPR(r, T0) = UINT64_C(0xffffffffb0000000);
    r->stop_on_write = true;
    CODE(r, NOP_W, SW_W(T1, 8, T0), NOP_W, NOP_W);
    ck_assert_int_eq(rig_run(r, 100), MIPS_STOP_REQUEST);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 8);
    ck_assert_uint_eq(mips_steps(r->cpu), 2);
    rig_destroy(r);
}
END_TEST

START_TEST(bus_error)
{
    struct rig *r = start(false, 0);
    GPR(r, T0) = 0x4000;
    r->cpu->tlb_hidden[0] = 0;
    r->cpu->tlb_global[0] = 1;
    r->cpu->tlb_lo[0][0] = r->cpu->tlb_lo[0][1] = 0x30000 << 6 | 7;
    r->cpu->tlb_vpn2[0] = 0x4000;
    mips_state_loaded(r->cpu);
    CODE(r, LW_W(T1, 0, T0));
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, CAUSE) >> 2 & 31, EXC_DBE);
    rig_start(r, 0x18000000, 0);
    rig_run(r, 1);
    ck_assert_uint_eq(C0(r, CAUSE) >> 2 & 31, EXC_IBE);
    rig_destroy(r);
}
END_TEST

START_TEST(timer_interrupt_comes_at_its_cycle)
{
    struct rig *r = start(false, 0x8001);
    C0(r, COMPARE) = 50;
    CODE(r, ADDIU_W(T0, T0, 1), ADDIU_W(T0, T0, 1), ADDIU_W(T0, T0, 1), J_W(0x1000), NOP_W);
    mips_state_loaded(r->cpu);
    ck_assert_uint_eq(mips_timer_cycle(r->cpu), 100);
    rig_run(r, 1000);
    ck_assert_uint_eq(r->events[0].kind, EVENT_INTERRUPT);
    ck_assert_uint_eq(r->events[0].step, 100);
    ck_assert_uint_eq(C0(r, CAUSE) & 0xffffffff, CAUSE_TI | 0x8000);
    ck_assert_uint_eq(mips_timer_cycle(r->cpu), 100 + (UINT64_C(2) << 32));
    rig_destroy(r);
}
END_TEST

START_TEST(count_reads_are_exact)
{
    struct rig *r = start(false, 0);
    CODE(r, NOP_W, NOP_W, NOP_W, NOP_W, MFC0_W(T0, 9, 0), ORI_W(T1, 0, 1000), MTC0_W(T1, 9, 0),
         NOP_W, MFC0_W(T2, 9, 0), NOP_W, MFC0_W(T3, 9, 0));
    rig_run(r, 11);
    ck_assert_uint_eq(GPR(r, T0), 2);
    ck_assert_uint_eq(GPR(r, T2), 1001);
    ck_assert_uint_eq(GPR(r, T3), 1002);
    rig_destroy(r);
}
END_TEST

START_TEST(software_and_enabled_interrupts)
{
    struct rig *r = start(false, 0x100);
    CODE(r, ORI_W(T0, 0, 0x100), MTC0_W(T0, 13, 0), EI_W, NOP_W);
    rig_run(r, 4);
    ck_assert_uint_eq(C0(r, EPC), AT_CODE + 12);
    ck_assert_uint_eq(r->events[0].kind, EVENT_CP0_WRITE);
    ck_assert_uint_eq(r->events[1].kind, EVENT_INT_ENABLE);
    ck_assert_uint_eq(r->events[2].kind, EVENT_INTERRUPT);
    rig_destroy(r);
}
END_TEST

START_TEST(vectored_interrupts)
{
    struct rig *r = start(false, 0x401);
    C0(r, INTCTL) = 0x20;
    C0(r, CAUSE) = CAUSE_IV;
    CODE(r, NOP_W);
    mips_set_irq(r->cpu, 0, true);
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | (0x200 + 2 * 0x20));
    C0(r, EBASE) = sext32(0xbffff000); /* nothing is carried out of the lower 30 bits */
    C0(r, INTCTL) = 0x200;
    mips_set_irq(r->cpu, 5, true);
    rig_start(r, 0x1000, 0x8401);
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | (0x200 + 7 * 0x200 - 0x1000));
    rig_destroy(r);
}
END_TEST

START_TEST(wait_sleeps_and_wakes)
{
    struct rig *r = start(false, 0x400); /* IE = 0: wakes, and goes on */
    CODE(r, NOP_W, WAIT_W, ORI_W(T0, 0, 1), NOP_W);
    ck_assert_int_eq(rig_run(r, 100), MIPS_STOP_WAIT);
    ck_assert(mips_waiting(r->cpu));
    ck_assert_uint_eq(mips_steps(r->cpu), 2);
    ck_assert_uint_eq(mips_pc(r->cpu), AT_CODE + 8);
    ck_assert_int_eq(rig_run(r, 100), MIPS_STOP_WAIT);
    ck_assert_uint_eq(r->n_events, 1);
    ck_assert_uint_eq(r->events[0].kind, EVENT_WAIT);
    mips_skip(r->cpu, 1000);
    ck_assert_uint_eq(mips_cycle(r->cpu), 1002);
    mips_set_irq(r->cpu, 0, true);
    ck_assert_int_eq(rig_run(r, 1), MIPS_STOP_LIMIT);
    ck_assert_uint_eq(GPR(r, T0), 1);
    ck_assert_uint_eq(mips_steps(r->cpu), 3);
    rig_destroy(r);
}
END_TEST

START_TEST(timer_wakes_a_sleeper)
{
    struct rig *r = start(false, 0x8001);
    C0(r, COMPARE) = 5000;
    mips_state_loaded(r->cpu);
    CODE(r, WAIT_W, NOP_W);
    ck_assert_int_eq(rig_run(r, 100), MIPS_STOP_WAIT);
    mips_skip(r->cpu, mips_timer_cycle(r->cpu) - mips_cycle(r->cpu));
    rig_run(r, 1);
    ck_assert_uint_eq(mips_pc(r->cpu), RIG_KSEG0 | 0x180);
    ck_assert_uint_eq(mips_cycle(r->cpu), 10001);
    rig_destroy(r);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("mips_run");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, stops_between_units);
    tcase_add_test(t, nullified_slot_is_no_step);
    tcase_add_loop_test(t, pieces_equal_one_run, 0, 60);
    tcase_add_test(t, exception_in_slot_undoes_the_branch);
    tcase_add_test(t, branch_in_slot_is_reserved);
    tcase_add_test(t, codes);
    tcase_add_test(t, nested_exception_keeps_epc);
    tcase_add_test(t, slot_in_the_next_page);
    tcase_add_loop_test(t, store_changes_the_next_instruction, 0, 2);
    tcase_add_test(t, foreign_change_is_seen);
    tcase_add_loop_test(t, byte_order, 0, 2);
    tcase_add_test(t, ll_sc);
    tcase_add_test(t, release_2_arithmetic);
    tcase_add_loop_test(t, device_access_is_exact, 0, 2);
    tcase_add_test(t, stop_request_from_a_device);
    tcase_add_test(t, bus_error);
    tcase_add_test(t, timer_interrupt_comes_at_its_cycle);
    tcase_add_test(t, count_reads_are_exact);
    tcase_add_test(t, software_and_enabled_interrupts);
    tcase_add_test(t, vectored_interrupts);
    tcase_add_test(t, wait_sleeps_and_wakes);
    tcase_add_test(t, timer_wakes_a_sleeper);
    suite_add_tcase(suite, t);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &rig_engine);
}
