/*
 * The emitter's integer instructions and jumps executed: samples of each kind
 * against C. The encodings of all operands are the subject of check_emit.c.
 */
#include <check.h>

#if defined(__x86_64__)
#include <setjmp.h>
#include <signal.h>

#include "tests/unit/emit_run_rig.h"

/* A register of `before` after an instruction of `width` bytes gave `result`. */
static uint64_t merge(unsigned width, uint64_t before, uint64_t result)
{
    return width >= 4 ? cut(width, result)
                      : (before & ~cut(width, UINT64_MAX)) | cut(width, result);
}

START_TEST(moves)
{
    for (unsigned n = 0; n < 500; n++) {
        uint64_t a = value(), b = value();
        emit_mov_ri(&e, R11, b);
        emit_mov_rr(&e, 8, RAX, R11);
        ck_assert_uint_eq(run(a, b), b);
        for (unsigned w = 4; w <= 8; w *= 2) {
            emit_mov_ri(&e, RAX, UINT64_MAX);
            emit_mov_rr(&e, w, RAX, RDI);
            ck_assert_uint_eq(run(a, b), cut(w, a));
            emit_mov_rr(&e, 8, RAX, RDI);
            emit_bswap(&e, w, RAX);
            ck_assert_uint_eq(run(a, b),
                              w == 8 ? __builtin_bswap64(a) : __builtin_bswap32((uint32_t)a));
            emit_xchg_rr(&e, w, RDI, RSI);
            emit_lea(&e, 8, RAX, mem_index(RDI, RSI, 4, -100));
            ck_assert_uint_eq(run(a, b), cut(w, b) + 4 * cut(w, a) - 100);
            emit_lea(&e, w, RAX, mem_index(HOST_NONE, RSI, 8, 0x12345));
            ck_assert_uint_eq(run(a, b), cut(w, 8 * b + 0x12345));
            for (unsigned from = 1; from < w; from *= 2) {
                emit_movsx_rr(&e, from, w, RAX, RSI);
                ck_assert_uint_eq(run(a, b), cut(w, (uint64_t)sign(from, b)));
                memory[0] = b;
                emit_movsx_rm(&e, from, w, RAX, MEM);
                ck_assert_uint_eq(run(a, b), cut(w, (uint64_t)sign(from, b)));
            }
        }
        for (unsigned from = 1; from <= 2; from++) {
            emit_movzx_rr(&e, from, RAX, RSI);
            ck_assert_uint_eq(run(a, b), cut(from, b));
            memory[0] = a;
            emit_movzx_rm(&e, from, RAX, MEM);
            ck_assert_uint_eq(run(a, b), cut(from, a));
        }
    }
}
END_TEST

START_TEST(memory_forms)
{
    static const enum host_reg bases[] = {RAX, RCX, RBX, RSP, RBP, RSI, R8, R12, R13, R15};
    for (unsigned n = 0; n < ARRAY_LEN(bases); n++)
        for (unsigned w = 1; w <= 8; w *= 2) {
            enum host_reg base = bases[n], index = base == R13 ? R12 : R13;
            uint64_t a = value(), before = value();
            memory[1] = memory[2] = before;
            /* The base lies 1000 below, the index is 2: callee's registers are kept below. */
            static const enum host_reg kept[] = {RBX, RBP, R12, R13, R15};
            for (unsigned k = 0; k < ARRAY_LEN(kept); k++)
                emit_push(&e, kept[k]);
            emit_mov_rr(&e, 8, R9, RSP);
            emit_mov_ri(&e, index, 2);
            emit_mov_rr(&e, 8, R10, RDI);
            emit_lea(&e, 8, base, mem_at(RDX, -1000));
            emit_mov_mr(&e, w, mem_at(base, 1008), R10);
            emit_mov_mi(&e, w, mem_index(base, index, 8, 1000), -77);
            emit_mov_rr(&e, 8, RSP, R9);
            for (unsigned k = ARRAY_LEN(kept); k-- > 0;)
                emit_pop(&e, kept[k]);
            run(a, 0);
            uint64_t low = cut(w, UINT64_MAX);
            ck_assert_uint_eq(memory[1], (before & ~low) | cut(w, a));
            ck_assert_uint_eq(memory[2], (before & ~low) | cut(w, (uint64_t)-77));
        }
}
END_TEST

START_TEST(big_endian_moves)
{
    if (!emit_host_features().movbe)
        return;
    for (unsigned w = 2; w <= 8; w *= 2) {
        uint64_t a = 0x1122334455667788, swapped = __builtin_bswap64(a << (64 - 8 * w));
        memory[0] = a;
        emit_mov_ri(&e, RAX, 0xaaaaaaaaaaaaaaaa);
        emit_movbe_rm(&e, w, RAX, MEM);
        ck_assert_uint_eq(run(0, 0), merge(w, 0xaaaaaaaaaaaaaaaa, swapped));
        memory[0] = 0;
        emit_movbe_mr(&e, w, MEM, RDI);
        run(a, 0);
        ck_assert_uint_eq(memory[0], swapped);
    }
}
END_TEST

static uint64_t alu(unsigned op, uint64_t a, uint64_t b, bool carry)
{
    switch (op) {
    case HOST_ADD:
        return a + b;
    case HOST_OR:
        return a | b;
    case HOST_ADC:
        return a + b + carry;
    case HOST_SBB:
        return a - b - carry;
    case HOST_AND:
        return a & b;
    case HOST_SUB:
        return a - b;
    case HOST_XOR:
        return a ^ b;
    default:
        return a;
    }
}

/* Sets CF for what follows; changes RAX. */
static void emit_carry(bool carry)
{
    emit_mov_ri(&e, RAX, !carry);
    emit_alu_ri(&e, HOST_CMP, 4, RAX, 1);
}

START_TEST(arithmetic)
{
    for (unsigned n = 0; n < 3000; n++) {
        unsigned w = 1u << n % 4, op = n / 4 % 8;
        bool carry = n & 32;
        uint64_t a = value(), b = value();
        int32_t imm = (int32_t)value();
        emit_carry(carry);
        emit_alu_rr(&e, (enum host_alu)op, w, RDI, RSI);
        emit_mov_rr(&e, 8, RAX, RDI);
        uint64_t wanted = op == HOST_CMP ? a : merge(w, a, alu(op, a, b, carry));
        ck_assert_uint_eq(run(a, b), wanted);
        memory[0] = b;
        emit_carry(carry);
        emit_alu_rm(&e, (enum host_alu)op, w, RDI, MEM);
        emit_mov_rr(&e, 8, RAX, RDI);
        ck_assert_uint_eq(run(a, b), wanted);
        memory[0] = a;
        emit_carry(carry);
        emit_alu_mr(&e, (enum host_alu)op, w, MEM, RSI);
        run(a, b);
        uint64_t keep = ~cut(w, UINT64_MAX);
        uint64_t result = op == HOST_CMP ? a : (a & keep) | cut(w, alu(op, a, b, carry));
        ck_assert_uint_eq(memory[0], result);

        uint64_t wide = (uint64_t)(int64_t)imm;
        memory[0] = a;
        emit_carry(carry);
        emit_alu_mi(&e, (enum host_alu)op, w, MEM, imm);
        run(a, b);
        result = op == HOST_CMP ? a : (a & keep) | cut(w, alu(op, a, wide, carry));
        ck_assert_uint_eq(memory[0], result);
        emit_carry(carry);
        emit_alu_ri(&e, (enum host_alu)op, w, RDI, imm);
        emit_mov_rr(&e, 8, RAX, RDI);
        wanted = op == HOST_CMP ? a : merge(w, a, alu(op, a, wide, carry));
        ck_assert_uint_eq(run(a, b), wanted);
        emit_mov_ri(&e, RAX, a);
        emit_alu_ri(&e, (enum host_alu)(op & ~2u), w, RAX, imm); /* not adc, sbb, xor, cmp */
        ck_assert_uint_eq(run(a, b), merge(w, a, alu(op & ~2u, a, wide, false)));
    }
}
END_TEST

/* All conditions after a comparison, or after a test, of `width` bytes. */
static bool condition(unsigned cc, unsigned width, uint64_t a, uint64_t b, bool is_test)
{
    uint64_t ua = cut(width, is_test ? a & b : a), ub = is_test ? 0 : cut(width, b);
    int64_t sa = sign(width, ua), sb = sign(width, ub);
    uint64_t difference = cut(width, ua - ub);
    const bool even[] = {
        !is_test && (sign(width, difference) < 0) != (sa < sb),
        ua < ub,
        ua == ub,
        ua <= ub,
        sign(width, difference) < 0,
        __builtin_popcountll(difference & 0xff) % 2 == 0,
        sa < sb,
        sa <= sb,
    };
    return even[cc / 2] != (cc & 1);
}

START_TEST(conditions)
{
    for (unsigned n = 0; n < 8000; n++) {
        unsigned w = 1u << n % 4, cc = n / 4 % 16;
        enum host_cc c = (enum host_cc)cc;
        uint64_t a = value(), b = n % 5 ? value() : a;
        int32_t imm = (int32_t)value();
        emit_alu_rr(&e, HOST_CMP, w, RDI, RSI);
        emit_mov_ri(&e, RAX, 0xffffffffffffff00); /* leaves flags */
        emit_setcc(&e, c, RAX);
        ck_assert_uint_eq(run(a, b), 0xffffffffffffff00 | condition(cc, w, a, b, false));
        emit_test_rr(&e, w, RDI, RSI);
        emit_mov_ri(&e, RAX, 0);
        emit_setcc(&e, c, RAX);
        ck_assert_uint_eq(run(a, b), condition(cc, w, a, b, true));
        emit_test_ri(&e, w, RDI, imm);
        emit_mov_ri(&e, RAX, 1);
        emit_setcc(&e, c, RAX);
        bool wanted = condition(cc, w, a, (uint64_t)(int64_t)imm, true);
        ck_assert_uint_eq(run(a, b), wanted);
        memory[0] = a;
        memory[1] = UINT64_MAX;
        emit_test_mi(&e, w, MEM, imm);
        emit_setcc_m(&e, c, mem_at(RDX, 8));
        run(a, b);
        ck_assert_uint_eq(memory[1], 0xffffffffffffff00 | wanted);

        unsigned wide = w < 4 ? 4 : w;
        emit_mov_ri(&e, RAX, UINT64_MAX);
        emit_test_ri(&e, w, RDI, imm);
        emit_cmov_rr(&e, c, wide, RAX, RSI);
        ck_assert_uint_eq(run(a, b), cut(wide, wanted ? b : UINT64_MAX));
        emit_mov_ri(&e, RAX, UINT64_MAX);
        emit_test_ri(&e, w, RDI, imm);
        emit_cmov_rm(&e, CC_NOT(c), wide, RAX, MEM);
        ck_assert_uint_eq(run(a, b), cut(wide, wanted ? UINT64_MAX : a));
    }
}
END_TEST

static uint64_t shift(enum host_shift op, unsigned width, uint64_t a, unsigned count)
{
    unsigned bits = 8 * width;
    a = cut(width, a);
    switch (op) {
    case HOST_SHL:
        return count < bits ? cut(width, a << count) : 0;
    case HOST_SHR:
        return count < bits ? a >> count : 0;
    case HOST_SAR:
        return cut(width, (uint64_t)(sign(width, a) >> (count < bits ? count : bits - 1)));
    case HOST_ROL:
        count = (bits - count % bits) % bits;
        break;
    case HOST_ROR:
        count %= bits;
        break;
    }
    return count ? cut(width, a >> count | a << (bits - count)) : a;
}

START_TEST(shifts)
{
    static const enum host_shift ops[] = {HOST_ROL, HOST_ROR, HOST_SHL, HOST_SHR, HOST_SAR};
    bool bmi2 = emit_host_features().bmi2;
    for (unsigned n = 0; n < 5000; n++) {
        unsigned w = 1u << n % 4, count = rng_below(&rng, w == 8 ? 64 : 32);
        enum host_shift op = ops[n / 4 % 5];
        uint64_t a = value();
        emit_shift_ri(&e, op, w, RDI, count);
        emit_mov_rr(&e, 8, RAX, RDI);
        /* A count of 0 writes a register of 4 bytes too. */
        ck_assert_uint_eq(run(a, 0), merge(w, a, shift(op, w, a, count)));
        emit_mov_rr(&e, 4, RCX, RSI);
        emit_shift_cl(&e, op, w, RDI);
        emit_mov_rr(&e, 8, RAX, RDI);
        ck_assert_uint_eq(run(a, count), merge(w, a, shift(op, w, a, count)));
        if (!bmi2 || w < 4)
            continue;
        emit_rorx(&e, w, RAX, RDI, count);
        ck_assert_uint_eq(run(a, 0), shift(HOST_ROR, w, a, count));
        if (op == HOST_ROL || op == HOST_ROR)
            continue;
        emit_shiftx(&e, op, w, RAX, RDI, RSI);
        ck_assert_uint_eq(run(a, count), shift(op, w, a, count));
    }
}
END_TEST

START_TEST(multiplication_and_division)
{
    for (unsigned n = 0; n < 3000; n++) {
        unsigned w = n & 1 ? 8 : 4;
        uint64_t a = value(), b = value(), ua = cut(w, a), ub = cut(w, b);
        int64_t sa = sign(w, a), sb = sign(w, b);
        emit_imul_rr(&e, w, RDI, RSI);
        emit_mov_rr(&e, 8, RAX, RDI);
        ck_assert_uint_eq(run(a, b), cut(w, a * b));
        memory[0] = b;
        emit_imul_rm(&e, w, RDI, MEM);
        emit_mov_rr(&e, 8, RAX, RDI);
        ck_assert_uint_eq(run(a, b), cut(w, a * b));
        for (unsigned is_signed = 0; is_signed < 2; is_signed++) {
            __extension__ unsigned __int128 product =
                is_signed ? (unsigned __int128)((__int128)sa * sb) : (unsigned __int128)ua * ub;
            emit_mov_rr(&e, w, RAX, RDI);
            emit_mul(&e, w, is_signed, RSI);
            ck_assert_uint_eq(run(a, b), cut(w, (uint64_t)product));
            emit_mov_rr(&e, w, RAX, RDI);
            emit_mul(&e, w, is_signed, RSI);
            emit_mov_rr(&e, 8, RAX, RDX);
            ck_assert_uint_eq(run(a, b), cut(w, (uint64_t)(product >> (8 * w))));
            if (ub == 0 || (is_signed && sb == -1))
                continue;
            for (unsigned part = 0; part < 2; part++) {
                emit_mov_rr(&e, w, RAX, RDI);
                emit_mov_ri(&e, RDX, 0);
                if (is_signed)
                    emit_cdq(&e, w);
                emit_div(&e, w, is_signed, RSI);
                if (part)
                    emit_mov_rr(&e, 8, RAX, RDX);
                uint64_t quotient = is_signed ? (uint64_t)(sa / sb) : ua / ub;
                uint64_t rest = is_signed ? (uint64_t)(sa % sb) : ua % ub;
                ck_assert_uint_eq(run(a, b), cut(w, part ? rest : quotient));
            }
        }
    }
}
END_TEST

START_TEST(single_bits)
{
    bool lzcnt = emit_host_features().lzcnt;
    for (unsigned n = 0; n < 3000; n++) {
        unsigned w = n & 1 ? 8 : 4, bit = rng_below(&rng, 8 * w);
        uint64_t a = value(), ua = cut(w, a);
        unsigned zeros = ua ? (unsigned)__builtin_clzll(ua) - (64 - 8 * w) : 8 * w;
        emit_lzcnt(&e, w, RAX, RDI);
        ck_assert(!lzcnt || run(a, 0) == zeros);
        e.p = writable;
        if (ua) {
            emit_bsr(&e, w, RAX, RDI);
            ck_assert_uint_eq(run(a, 0), 8 * w - 1 - zeros);
        }
        emit_mov_ri(&e, RAX, 0);
        memory[0] = a;
        emit_bt_mi(&e, w, MEM, bit);
        emit_setcc(&e, CC_B, RAX);
        ck_assert_uint_eq(run(a, 0), a >> bit & 1);
        w = 1u << n % 4;
        emit_neg(&e, w, RDI);
        emit_mov_rr(&e, 8, RAX, RDI);
        ck_assert_uint_eq(run(a, 0), merge(w, a, -a));
        emit_not(&e, w, RDI);
        emit_mov_rr(&e, 8, RAX, RDI);
        ck_assert_uint_eq(run(a, 0), merge(w, a, ~a));
    }
}
END_TEST

static uint64_t called(uint64_t a, uint64_t b)
{
    return a * 3 + b;
}

/* `called` from emitted code: far, by register and by memory. */
START_TEST(calls)
{
    uint64_t (*f)(uint64_t, uint64_t) = called;
    const void *target;
    memcpy(&target, &f, sizeof target);
    ck_assert_int_gt(llabs((int64_t)((uintptr_t)target - (uintptr_t)executable)), 1ll << 31);
    memcpy(&memory[2], &f, sizeof f);
    for (unsigned way = 0; way < 3; way++) {
        emit_push_i(&e, -5); /* aligns the stack as calls want it */
        if (way == 0)
            emit_call(&e, target);
        else if (way == 1)
            emit_mov_rm(&e, 8, R11, mem_at(RDX, 16));
        if (way == 1)
            emit_call_r(&e, R11);
        else if (way == 2)
            emit_call_m(&e, mem_at(RDX, 16));
        emit_pop(&e, RCX);
        emit_alu_rr(&e, HOST_ADD, 8, RAX, RCX);
        ck_assert_uint_eq(run(1000, 7), 3002);
    }
}
END_TEST

/* A loop with jumps of all kinds: sums b, b - 1 ... 1 by near calls. */
START_TEST(jumps)
{
    uint8_t *start = emit_jmp_later(&e);
    emit_align(&e, 32);
    const uint8_t *add = emit_here(&e);
    emit_alu_rr(&e, HOST_ADD, 8, RAX, RSI);
    emit_ret(&e);
    emit_align(&e, 16);
    const uint8_t *out_of_it = emit_here(&e);
    emit_jmp_m(&e, mem_at(RDX, 24));
    const uint8_t *finish = emit_here(&e);
    emit_ret(&e);
    memory[3] = (uintptr_t)finish;
    emit_patch(&e, start, emit_here(&e));
    emit_mov_ri(&e, RAX, 0);
    uint8_t *skip = emit_jmp8_later(&e);
    emit_ud2(&e);
    emit_patch8(&e, skip);
    const uint8_t *loop = emit_here(&e);
    emit_test_rr(&e, 8, RSI, RSI);
    uint8_t *out = emit_jcc_later(&e, CC_E);
    emit_call(&e, add);
    emit_alu_ri(&e, HOST_SUB, 8, RSI, 1);
    emit_jcc(&e, CC_NE, loop);
    emit_jmp(&e, loop);
    emit_patch(&e, out, emit_here(&e));
    emit_alu_ri(&e, HOST_CMP, 8, RAX, 55);
    skip = emit_jcc8_later(&e, CC_E);
    emit_ud2(&e);
    emit_patch8(&e, skip);
    emit_mov_ri(&e, RCX, (uintptr_t)out_of_it);
    emit_jmp_r(&e, RCX);
    emit_ud2(&e);
    ck_assert_uint_eq(run(0, 10), 55);
}
END_TEST

static sigjmp_buf after_signal;

static void on_signal(int number)
{
    siglongjmp(after_signal, number);
}

START_TEST(undefined)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    ck_assert_int_eq(sigaction(SIGILL, &action, &before), 0);
    int number = sigsetjmp(after_signal, 1);
    if (number == 0) {
        emit_ud2(&e);
        run(0, 0);
    }
    sigaction(SIGILL, &before, NULL);
    ck_assert_int_eq(number, SIGILL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emit_run");
    TCase *t = tcase_create("execution");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, moves);
    tcase_add_test(t, memory_forms);
    tcase_add_test(t, big_endian_moves);
    tcase_add_test(t, arithmetic);
    tcase_add_test(t, conditions);
    tcase_add_test(t, shifts);
    tcase_add_test(t, multiplication_and_division);
    tcase_add_test(t, single_bits);
    tcase_add_test(t, calls);
    tcase_add_test(t, jumps);
    tcase_add_test(t, undefined);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#else

/* Nothing of this can run here. */
int main(void)
{
    return 0;
}

#endif
