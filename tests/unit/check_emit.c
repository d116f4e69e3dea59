/*
 * The emitter's encodings against capstone: every operation, with all registers
 * and all forms of memory operands. Each must disassemble to the text that was
 * asked for and be as long as what was written; nothing but its EMIT_INSN_MAX
 * bytes may change. Texts are compared without blanks, with immediates cut to
 * the operand. That the shortest form is taken is seen in the bytes of samples.
 * What the instructions do is the subject of check_emit_run.c.
 */
#include <check.h>

#include "tests/unit/emit_rig.h"

static const char *const alu_names[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
static const struct {
    enum host_shift op;
    const char *name;
} shifts[] = {
    {HOST_ROL, "rol"}, {HOST_ROR, "ror"}, {HOST_SHL, "shl"}, {HOST_SHR, "shr"}, {HOST_SAR, "sar"}};

START_TEST(moves)
{
    for (unsigned w = 4; w <= 8; w *= 2)
        for (struct pair p = {0}; next_pair(&p);) {
            emit_mov_rr(&e, w, p.a, p.b);
            CHECK_INSN(w, "mov %s, %s", reg(w, p.a), reg(w, p.b));
            emit_xchg_rr(&e, w, p.a, p.b);
            CHECK_INSN(w, "xchg %s, %s", reg(w, p.a), reg(w, p.b));
            emit_movsx_rr(&e, 1, w, p.a, p.b);
            CHECK_INSN(w, "movsx %s, %s", reg(w, p.a), reg(1, p.b));
            emit_movsx_rr(&e, 2, w, p.a, p.b);
            CHECK_INSN(w, "movsx %s, %s", reg(w, p.a), reg(2, p.b));
            emit_movzx_rr(&e, w / 4, p.a, p.b);
            CHECK_INSN(w, "movzx %s, %s", reg(4, p.a), reg(w / 4, p.b));
            emit_movsx_rr(&e, 4, 8, p.a, p.b);
            CHECK_INSN(w, "movsxd %s, %s", reg(8, p.a), reg(4, p.b));
            emit_bswap(&e, w, p.a);
            CHECK_INSN(w, "bswap %s", reg(w, p.a));
        }
}
END_TEST

static size_t mov_ri_size(enum host_reg d, uint64_t value)
{
    emit_mov_ri(&e, d, value);
    size_t size = (size_t)(e.p - START);
    if (size == 10)
        CHECK_INSN(8, "movabs %s, %#" PRIx64, reg(8, d), value);
    else if (size == 7)
        CHECK_INSN(8, "mov %s, %" PRId64, reg(8, d), (int64_t)value);
    else
        CHECK_INSN(8, "mov %s, %#" PRIx64, reg(4, d), value);
    return size;
}

START_TEST(move_immediate)
{
    for (unsigned r = 0; r < 16; r++) {
        enum host_reg d = (enum host_reg)r;
        ck_assert_uint_eq(mov_ri_size(d, 0), 5 + r / 8);
        ck_assert_uint_eq(mov_ri_size(d, 1), 5 + r / 8);
        ck_assert_uint_eq(mov_ri_size(d, INT32_MAX), 5 + r / 8);
        ck_assert_uint_eq(mov_ri_size(d, 0x80000000), 5 + r / 8);
        ck_assert_uint_eq(mov_ri_size(d, UINT32_MAX), 5 + r / 8);
        ck_assert_uint_eq(mov_ri_size(d, UINT64_MAX), 7);
        ck_assert_uint_eq(mov_ri_size(d, 0xffffffff80000000), 7);
        ck_assert_uint_eq(mov_ri_size(d, 0xffffffff7fffffff), 10);
        ck_assert_uint_eq(mov_ri_size(d, 0x100000000), 10);
        ck_assert_uint_eq(mov_ri_size(d, 0x123456789abcdef0), 10);
    }
}
END_TEST

START_TEST(moves_of_memory)
{
    for (struct form f = {0}; next_form(&f);) {
        for (unsigned w = 1; w <= 8; w *= 2) {
            emit_mov_mr(&e, w, f.m, f.r);
            CHECK_INSN(w, "mov %s, %s", mem(w, f.m), reg(w, f.r));
            int32_t value = values[f.next % ARRAY_LEN(values)];
            emit_mov_mi(&e, w, f.m, value);
            CHECK_INSN(w, "mov %s, %d", mem(w, f.m), value);
        }
        for (unsigned w = 4; w <= 8; w *= 2) {
            emit_mov_rm(&e, w, f.r, f.m);
            CHECK_INSN(w, "mov %s, %s", reg(w, f.r), mem(w, f.m));
            emit_lea(&e, w, f.r, f.m);
            CHECK_INSN(w, "lea %s, %s", reg(w, f.r), strchr(mem(w, f.m), '['));
            emit_movsx_rm(&e, 1, w, f.r, f.m);
            CHECK_INSN(w, "movsx %s, %s", reg(w, f.r), mem(1, f.m));
            emit_movsx_rm(&e, 2, w, f.r, f.m);
            CHECK_INSN(w, "movsx %s, %s", reg(w, f.r), mem(2, f.m));
            emit_movzx_rm(&e, w / 4, f.r, f.m);
            CHECK_INSN(w, "movzx %s, %s", reg(4, f.r), mem(w / 4, f.m));
        }
        emit_movsx_rm(&e, 4, 8, f.r, f.m);
        CHECK_INSN(8, "movsxd %s, %s", reg(8, f.r), mem(4, f.m));
        for (unsigned w = 2; w <= 8; w *= 2) {
            emit_movbe_rm(&e, w, f.r, f.m);
            CHECK_INSN(w, "movbe %s, %s", reg(w, f.r), mem(w, f.m));
            emit_movbe_mr(&e, w, f.m, f.r);
            CHECK_INSN(w, "movbe %s, %s", mem(w, f.m), reg(w, f.r));
        }
    }
}
END_TEST

/* What emit_test_* may look at instead of `width` bytes. */
static unsigned width_of_test(unsigned width, int32_t value)
{
    int64_t cut = width == 1 ? (int8_t)value : width == 2 ? (int16_t)value : value;
    if (cut >= 0 && cut < 0x80)
        return 1;
    return cut >= 0 && width == 8 ? 4 : width;
}

START_TEST(arithmetic)
{
    for (unsigned w = 1; w <= 8; w *= 2)
        for (struct pair p = {0}; next_pair(&p);) {
            for (unsigned op = HOST_ADD; op <= HOST_CMP; op++) {
                emit_alu_rr(&e, (enum host_alu)op, w, p.a, p.b);
                CHECK_INSN(w, "%s %s, %s", alu_names[op], reg(w, p.a), reg(w, p.b));
                int32_t value = values[(unsigned)p.b % ARRAY_LEN(values)];
                emit_alu_ri(&e, (enum host_alu)op, w, p.a, value);
                CHECK_INSN(w, "%s %s, %d", alu_names[op], reg(w, p.a), value);
            }
            emit_test_rr(&e, w, p.a, p.b);
            CHECK_INSN(w, "test %s, %s", reg(w, p.a), reg(w, p.b));
            int32_t value = values[(unsigned)p.b % ARRAY_LEN(values)];
            unsigned least = width_of_test(w, value);
            emit_test_ri(&e, w, p.a, value);
            CHECK_INSN(least, "test %s, %d", reg(least, p.a), value);
        }
}
END_TEST

START_TEST(arithmetic_of_memory)
{
    for (struct form f = {0}; next_form(&f);)
        for (unsigned w = 1; w <= 8; w *= 2) {
            unsigned op = (f.next + f.next / 64) % 8;
            int32_t value = values[f.next % ARRAY_LEN(values)];
            emit_alu_rm(&e, (enum host_alu)op, w, f.r, f.m);
            CHECK_INSN(w, "%s %s, %s", alu_names[op], reg(w, f.r), mem(w, f.m));
            emit_alu_mr(&e, (enum host_alu)op, w, f.m, f.r);
            CHECK_INSN(w, "%s %s, %s", alu_names[op], mem(w, f.m), reg(w, f.r));
            emit_alu_mi(&e, (enum host_alu)op, w, f.m, value);
            CHECK_INSN(w, "%s %s, %d", alu_names[op], mem(w, f.m), value);
            unsigned least = width_of_test(w, value);
            emit_test_mi(&e, w, f.m, value);
            CHECK_INSN(least, "test %s, %d", mem(least, f.m), value);
            if (w == 1)
                continue;
            emit_imul_rm(&e, w, f.r, f.m);
            CHECK_INSN(w, "imul %s, %s", reg(w, f.r), mem(w, f.m));
            unsigned cc = f.next % 16;
            emit_cmov_rm(&e, (enum host_cc)cc, w, f.r, f.m);
            CHECK_INSN(w, "cmov%s %s, %s", cc_names[cc], reg(w, f.r), mem(w, f.m));
            emit_bt_mi(&e, w, f.m, f.next % (8 * w));
            CHECK_INSN(1, "bt %s, %u", mem(w, f.m), f.next % (8 * w));
            emit_setcc_m(&e, (enum host_cc)cc, f.m);
            CHECK_INSN(1, "set%s %s", cc_names[cc], mem(1, f.m));
        }
}
END_TEST

START_TEST(shifts_of_all_kinds)
{
    for (unsigned w = 1; w <= 8; w *= 2)
        for (unsigned n = 0; n < ARRAY_LEN(shifts); n++)
            for (unsigned r = 0; r < 16; r++) {
                enum host_reg d = (enum host_reg)r;
                emit_shift_cl(&e, shifts[n].op, w, d);
                CHECK_INSN(1, "%s %s, cl", shifts[n].name, reg(w, d));
                for (unsigned count = 0; count < 8 * w; count++) {
                    emit_shift_ri(&e, shifts[n].op, w, d, count);
                    CHECK_INSN(1, "%s %s, %u", shifts[n].name, reg(w, d), count);
                }
            }
    for (unsigned w = 4; w <= 8; w *= 2)
        for (struct pair p = {0}; next_pair(&p);) {
            for (unsigned c = 0; c < 16; c++)
                for (unsigned n = 2; n < 5; n++) {
                    emit_shiftx(&e, shifts[n].op, w, p.a, p.b, (enum host_reg)c);
                    CHECK_INSN(w, "%sx %s, %s, %s", shifts[n].name, reg(w, p.a), reg(w, p.b),
                               reg(w, c));
                }
            unsigned count = (p.next * 7) % (8 * w);
            emit_rorx(&e, w, p.a, p.b, count);
            CHECK_INSN(1, "rorx %s, %s, %u", reg(w, p.a), reg(w, p.b), count);
        }
}
END_TEST

START_TEST(other_operations)
{
    static const char *const divisions[] = {"mul", "imul", "div", "idiv"};
    static const char *const extensions[] = {[2] = "cwd", [4] = "cdq", [8] = "cqo"};
    for (unsigned w = 2; w <= 8; w *= 2) {
        for (struct pair p = {0}; next_pair(&p);) {
            emit_imul_rr(&e, w, p.a, p.b);
            CHECK_INSN(w, "imul %s, %s", reg(w, p.a), reg(w, p.b));
            if (w != 2) {
                emit_lzcnt(&e, w, p.a, p.b);
                CHECK_INSN(w, "lzcnt %s, %s", reg(w, p.a), reg(w, p.b));
            }
            emit_bsr(&e, w, p.a, p.b);
            CHECK_INSN(w, "bsr %s, %s", reg(w, p.a), reg(w, p.b));
            for (unsigned cc = 0; cc < 16; cc++) {
                emit_cmov_rr(&e, (enum host_cc)cc, w, p.a, p.b);
                CHECK_INSN(w, "cmov%s %s, %s", cc_names[cc], reg(w, p.a), reg(w, p.b));
            }
        }
        emit_cdq(&e, w);
        CHECK_INSN(w, "%s", extensions[w]);
    }
    for (unsigned r = 0; r < 16; r++) {
        enum host_reg d = (enum host_reg)r;
        for (unsigned cc = 0; cc < 16; cc++) {
            emit_setcc(&e, (enum host_cc)cc, d);
            CHECK_INSN(1, "set%s %s", cc_names[cc], reg(1, d));
        }
        for (unsigned w = 1; w <= 8; w *= 2) {
            emit_neg(&e, w, d);
            CHECK_INSN(w, "neg %s", reg(w, d));
            emit_not(&e, w, d);
            CHECK_INSN(w, "not %s", reg(w, d));
            for (unsigned n = 0; n < 4; n++) {
                (n < 2 ? emit_mul : emit_div)(&e, w, n & 1, d);
                CHECK_INSN(w, "%s %s", divisions[n], reg(w, d));
            }
        }
    }
}
END_TEST

START_TEST(control)
{
    for (unsigned r = 0; r < 16; r++) {
        enum host_reg d = (enum host_reg)r;
        emit_push(&e, d);
        CHECK_INSN(8, "push %s", reg(8, r));
        emit_pop(&e, d);
        CHECK_INSN(8, "pop %s", reg(8, r));
        emit_jmp_r(&e, d);
        CHECK_INSN(8, "jmp %s", reg(8, r));
        emit_call_r(&e, d);
        CHECK_INSN(8, "call %s", reg(8, r));
    }
    for (unsigned n = 0; n < ARRAY_LEN(values); n++) {
        emit_push_i(&e, values[n]);
        CHECK_INSN(8, "push %d", values[n]);
    }
    for (struct form f = {0}; next_form(&f);) {
        emit_jmp_m(&e, f.m);
        CHECK_INSN(8, "jmp %s", mem(8, f.m));
        emit_call_m(&e, f.m);
        CHECK_INSN(8, "call %s", mem(8, f.m));
    }
    emit_ret(&e);
    CHECK_INSN(8, "ret");
    emit_ud2(&e);
    CHECK_INSN(8, "ud2");
}
END_TEST

static const uint8_t *at_distance(int64_t d)
{
    return (const uint8_t *)((uintptr_t)emit_here(&e) + (uintptr_t)d);
}

START_TEST(jumps)
{
    static const int64_t distances[] = {0, 1, -1, 5, 127, -128, 1000, INT32_MAX, INT32_MIN + 6};
    for (unsigned n = 0; n < ARRAY_LEN(distances); n++) {
        const uint8_t *to = at_distance(distances[n]);
        emit_jmp(&e, to);
        CHECK_INSN(8, "jmp %#" PRIx64, (uint64_t)(uintptr_t)to);
        emit_call(&e, to);
        CHECK_INSN(8, "call %#" PRIx64, (uint64_t)(uintptr_t)to);
        uint8_t *site = emit_jmp_later(&e);
        emit_patch(&e, site, emit_here(&e));
        emit_patch(&e, site, to);
        CHECK_INSN(8, "jmp %#" PRIx64, (uint64_t)(uintptr_t)to);
        for (unsigned cc = 0; cc < 16; cc++) {
            emit_jcc(&e, (enum host_cc)cc, to);
            CHECK_INSN(8, "j%s %#" PRIx64, cc_names[cc], (uint64_t)(uintptr_t)to);
            emit_patch(&e, emit_jcc_later(&e, (enum host_cc)cc), to);
            CHECK_INSN(8, "j%s %#" PRIx64, cc_names[cc], (uint64_t)(uintptr_t)to);
        }
    }
}
END_TEST

/* A call is 5 bytes up to the last distance of 32 bits, counted from its end. */
START_TEST(far_calls)
{
    static const int64_t far[] = {INT32_MAX + 6ll, INT32_MIN + 4ll, 1ll << 40, -(1ll << 40)};
    for (unsigned n = 0; n < ARRAY_LEN(far); n++) {
        uint64_t to = (uint64_t)(uintptr_t)at_distance(far[n]);
        emit_call(&e, (const void *)(uintptr_t)to);
        check_next(8, to <= UINT32_MAX ? "mov eax, %#" PRIx64 : "movabs rax, %#" PRIx64, to);
        CHECK_INSN(8, "call rax");
    }
    static const int64_t near[] = {INT32_MAX + 5ll, INT32_MIN + 5ll};
    for (unsigned n = 0; n < ARRAY_LEN(near); n++) {
        uint64_t to = (uint64_t)(uintptr_t)at_distance(near[n]);
        emit_call(&e, (const void *)(uintptr_t)to);
        CHECK_INSN(8, "call %#" PRIx64, to);
    }
}
END_TEST

START_TEST(short_jumps)
{
    for (unsigned cc = 0; cc <= 16; cc++) {
        uint8_t *site = cc < 16 ? emit_jcc8_later(&e, (enum host_cc)cc) : emit_jmp8_later(&e);
        emit_ret(&e);
        emit_ret(&e);
        emit_patch8(&e, site);
        check_next(8, "j%s %#" PRIx64, cc < 16 ? cc_names[cc] : "mp",
                   (uint64_t)(uintptr_t)emit_here(&e));
        check_next(8, "ret");
        CHECK_INSN(8, "ret");
    }
}
END_TEST

START_TEST(alignment)
{
    for (unsigned to = 16; to <= 32; to *= 2)
        for (unsigned from = 0; from < to; from++) {
            e.rx = (ptrdiff_t)((from - (uintptr_t)START) & (to - 1));
            emit_align(&e, to);
            ck_assert_uint_eq((uintptr_t)emit_here(&e) & (to - 1), 0);
            ck_assert_int_lt(e.p - START, to);
            unsigned count = 0;
            for (; cursor < e.p; count++) {
                const uint8_t *code = cursor;
                size_t left = (size_t)(e.p - cursor);
                uint64_t address = 0;
                ck_assert(cs_disasm_iter(capstone, &code, &left, &address, insn));
                ck_assert_str_eq(insn->mnemonic, "nop");
                cursor = code;
            }
            ck_assert_uint_le(count, to / 8);
            check_end(to - 1);
        }
}
END_TEST

START_TEST(floating_point)
{
    static const char *const ops[] = {"add", "mul", "sub", "div", "sqrt"};
    for (unsigned w = 4; w <= 8; w *= 2) {
        const char *const kind = w == 8 ? "d" : "s";
        for (struct pair p = {0}; next_pair(&p);) {
            unsigned a = p.a, b = p.b;
            for (unsigned op = HOST_FADD; op <= HOST_FSQRT; op++) {
                emit_fp_xx(&e, (enum host_fp)op, w, a, b);
                CHECK_INSN(8, "%ss%s xmm%u, xmm%u", ops[op], kind, a, b);
            }
            emit_fcomi(&e, w, false, a, b);
            CHECK_INSN(8, "ucomis%s xmm%u, xmm%u", kind, a, b);
            emit_fcomi(&e, w, true, a, b);
            CHECK_INSN(8, "comis%s xmm%u, xmm%u", kind, a, b);
            emit_fcvt_ff(&e, w, a, b);
            CHECK_INSN(8, "%s xmm%u, xmm%u", w == 8 ? "cvtsd2ss" : "cvtss2sd", a, b);
            for (unsigned i = 4; i <= 8; i *= 2) {
                emit_fcvt_fi(&e, w, i, a, p.b);
                CHECK_INSN(8, "cvtsi2s%s xmm%u, %s", kind, a, reg(i, b));
                emit_fcvt_if(&e, w, i, true, p.a, b);
                CHECK_INSN(8, "cvtts%s2si %s, xmm%u", kind, reg(i, a), b);
                emit_fcvt_if(&e, w, i, false, p.a, b);
                CHECK_INSN(8, "cvts%s2si %s, xmm%u", kind, reg(i, a), b);
            }
            emit_fmov_xr(&e, w, a, p.b);
            CHECK_INSN(8, "mov%c xmm%u, %s", w == 8 ? 'q' : 'd', a, reg(w, b));
            emit_fmov_rx(&e, w, p.a, b);
            CHECK_INSN(8, "mov%c %s, xmm%u", w == 8 ? 'q' : 'd', reg(w, a), b);
        }
        for (struct form f = {0}; next_form(&f);) {
            unsigned op = f.next % 5;
            emit_fp_xm(&e, (enum host_fp)op, w, f.r, f.m);
            CHECK_INSN(8, "%ss%s xmm%d, %s", ops[op], kind, f.r, mem(w, f.m));
            emit_fmov_xm(&e, w, f.r, f.m);
            CHECK_INSN(8, "movs%s xmm%d, %s", kind, f.r, mem(w, f.m));
            emit_fmov_mx(&e, w, f.m, f.r);
            CHECK_INSN(8, "movs%s %s, xmm%d", kind, mem(w, f.m), f.r);
        }
    }
}
END_TEST

START_TEST(vectors)
{
    for (struct pair p = {0}; next_pair(&p);) {
        unsigned a = p.a, b = p.b;
        emit_fmov_xx(&e, a, b);
        CHECK_INSN(8, "movaps xmm%u, xmm%u", a, b);
        emit_punpckldq(&e, a, b);
        CHECK_INSN(8, "punpckldq xmm%u, xmm%u", a, b);
        emit_fxor(&e, a, b);
        CHECK_INSN(8, "xorps xmm%u, xmm%u", a, b);
        emit_fand(&e, a, b);
        CHECK_INSN(8, "andps xmm%u, xmm%u", a, b);
        emit_pshufd(&e, a, b, p.next & 0xff);
        CHECK_INSN(1, "pshufd xmm%u, xmm%u, %u", a, b, p.next & 0xff);
        for (unsigned w = 4; w <= 8; w *= 2) {
            unsigned mode = p.next & 3, quiet = p.next >> 2 & 1;
            emit_fround(&e, w, a, b, mode, quiet);
            CHECK_INSN(1, "rounds%c xmm%u, xmm%u, %u", w == 8 ? 'd' : 's', a, b, mode | quiet << 3);
        }
    }
    for (struct form f = {0}; next_form(&f);) {
        emit_pinsrd(&e, f.r, f.m, f.next % 4);
        CHECK_INSN(1, "pinsrd xmm%d, %s, %u", f.r, mem(4, f.m), f.next % 4);
        emit_pextrd(&e, f.m, f.r, f.next % 4);
        CHECK_INSN(1, "pextrd %s, xmm%d, %u", mem(4, f.m), f.r, f.next % 4);
        emit_stmxcsr(&e, f.m);
        CHECK_INSN(8, "stmxcsr %s", mem(4, f.m));
        emit_ldmxcsr(&e, f.m);
        CHECK_INSN(8, "ldmxcsr %s", mem(4, f.m));
    }
}
END_TEST

/* That the text just emitted took `size` bytes. */
#define CHECK_SIZE(size, ...)                                                                      \
    do {                                                                                           \
        __VA_ARGS__;                                                                               \
        ck_assert_int_eq(e.p - START, size);                                                       \
        e.p = START;                                                                               \
    } while (0)

START_TEST(shortest)
{
    CHECK_SIZE(2, emit_mov_rm(&e, 4, RAX, mem_at(RCX, 0)));
    CHECK_SIZE(3, emit_mov_rm(&e, 8, RAX, mem_at(RCX, 0)));
    CHECK_SIZE(3, emit_mov_rm(&e, 4, R8, mem_at(RCX, 0)));
    CHECK_SIZE(3, emit_mov_rm(&e, 4, RAX, mem_at(RBP, 0)));
    CHECK_SIZE(4, emit_mov_rm(&e, 4, RAX, mem_at(R13, 0)));
    CHECK_SIZE(3, emit_mov_rm(&e, 4, RAX, mem_at(RSP, 0)));
    CHECK_SIZE(4, emit_mov_rm(&e, 4, RAX, mem_at(R12, 0)));
    CHECK_SIZE(3, emit_mov_rm(&e, 4, RAX, mem_at(RCX, 127)));
    CHECK_SIZE(3, emit_mov_rm(&e, 4, RAX, mem_at(RCX, -128)));
    CHECK_SIZE(6, emit_mov_rm(&e, 4, RAX, mem_at(RCX, 128)));
    CHECK_SIZE(6, emit_mov_rm(&e, 4, RAX, mem_at(RCX, -129)));
    CHECK_SIZE(4, emit_mov_rm(&e, 4, RAX, mem_index(RCX, RDX, 4, 1)));
    CHECK_SIZE(2, emit_mov_mr(&e, 1, mem_at(RAX, 0), RBX));
    CHECK_SIZE(3, emit_mov_mr(&e, 1, mem_at(RAX, 0), RSI));
    CHECK_SIZE(3, emit_mov_mr(&e, 1, mem_at(R8, 0), RBX));
    CHECK_SIZE(3, emit_alu_ri(&e, HOST_ADD, 4, RCX, 127));
    CHECK_SIZE(3, emit_alu_ri(&e, HOST_ADD, 4, RAX, -128));
    CHECK_SIZE(5, emit_alu_ri(&e, HOST_ADD, 4, RAX, 128));
    CHECK_SIZE(6, emit_alu_ri(&e, HOST_ADD, 4, RCX, 128));
    CHECK_SIZE(4, emit_alu_ri(&e, HOST_ADD, 2, RCX, 0xffff));
    CHECK_SIZE(3, emit_alu_mi(&e, HOST_ADD, 4, mem_at(RCX, 0), -1));
    CHECK_SIZE(6, emit_alu_mi(&e, HOST_ADD, 4, mem_at(RCX, 0), 1000));
    CHECK_SIZE(2, emit_test_ri(&e, 4, RAX, 127));
    CHECK_SIZE(3, emit_test_ri(&e, 8, RCX, 127));
    CHECK_SIZE(5, emit_test_ri(&e, 4, RAX, 128));
    CHECK_SIZE(6, emit_test_ri(&e, 8, RCX, INT32_MAX));
    CHECK_SIZE(7, emit_test_ri(&e, 8, RCX, -1));
    CHECK_SIZE(3, emit_test_mi(&e, 4, mem_at(RCX, 0), 1));
    CHECK_SIZE(2, emit_shift_ri(&e, HOST_SHL, 4, RCX, 1));
    CHECK_SIZE(3, emit_shift_ri(&e, HOST_SHL, 4, RCX, 2));
    CHECK_SIZE(2, emit_push_i(&e, -128));
    CHECK_SIZE(5, emit_push_i(&e, 128));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emit");
    TCase *t = tcase_create("encodings");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, moves);
    tcase_add_test(t, move_immediate);
    tcase_add_test(t, moves_of_memory);
    tcase_add_test(t, arithmetic);
    tcase_add_test(t, arithmetic_of_memory);
    tcase_add_test(t, shifts_of_all_kinds);
    tcase_add_test(t, other_operations);
    tcase_add_test(t, control);
    tcase_add_test(t, jumps);
    tcase_add_test(t, far_calls);
    tcase_add_test(t, short_jumps);
    tcase_add_test(t, alignment);
    tcase_add_test(t, floating_point);
    tcase_add_test(t, vectors);
    tcase_add_test(t, shortest);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
