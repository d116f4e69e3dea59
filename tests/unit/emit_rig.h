/*
 * What the tests of the emitter's encodings share: an emitter over a guarded
 * buffer, capstone behind it, and the walk over all operands. Uses Check: a
 * difference ends the test.
 */
#ifndef TESTS_UNIT_EMIT_RIG_H
#define TESTS_UNIT_EMIT_RIG_H

#include <capstone/capstone.h>
#include <check.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mips/jit/emit.h"

#define GUARD 0xa5
#define START (buffer + 16)

static csh capstone;
static cs_insn *insn;
static uint8_t buffer[128];
static struct emit e;
static const uint8_t *cursor; /* the next instruction that was not looked at */

static const char *const reg_names[4][16] = {
    {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b",
     "r13b", "r14b", "r15b"},
    {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w",
     "r14w", "r15w"},
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
     "r13d", "r14d", "r15d"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
     "r14", "r15"},
};
static const char *const cc_names[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                       "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const int32_t values[] = {0,    1,      -1,     0x7f,    0x80,       -0x80,     -0x81,
                                 0xff, 0x7fff, 0x8000, -0x8000, 0x12345678, INT32_MAX, INT32_MIN};

static inline const char *reg(unsigned width, unsigned r)
{
    return reg_names[__builtin_ctz(width)][r];
}

/* The text of a memory operand; good until the next call. */
static inline const char *mem(unsigned width, struct host_mem m)
{
    static const char *const sizes[] = {"byte", "word", "dword", "qword"};
    static char text[80];
    int n = sprintf(text, "%s ptr [", sizes[__builtin_ctz(width)]);
    if (m.base != HOST_NONE)
        n += sprintf(text + n, "%s", reg(8, m.base));
    if (m.index != HOST_NONE)
        n += sprintf(text + n, "+%s*%d", reg(8, m.index), m.scale);
    sprintf(text + n, "%+" PRId64 "]", (int64_t)m.disp);
    return text;
}

/* Numbers in brackets become signed decimals, 0 and scale 1 go; others lose what is above `width`.
 */
static inline void normalize(const char *in, unsigned width, char *out)
{
    bool in_brackets = false;
    char sign = '+';
    while (*in) {
        size_t n = 1;
        if (strchr(" ,+-", *in)) {
            sign = strchr("+-", *in) ? *in : sign;
        } else if (isdigit((unsigned char)*in)) {
            char *end;
            uint64_t value = strtoull(in, &end, 0);
            value = sign == '-' ? -value : value;
            n = (size_t)(end - in);
            if (!in_brackets)
                out += sprintf(out, " %#" PRIx64, value << (64 - 8 * width) >> (64 - 8 * width));
            else if ((int32_t)value)
                out += sprintf(out, " %+d", (int32_t)value);
            sign = '+';
        } else if (*in == '*') {
            out += sprintf(out, in[1] == '1' ? "" : "*%c", in[1]);
            n = 2;
        } else if (isalpha((unsigned char)*in)) {
            n = strcspn(in, " ,+-*[]");
            out += sprintf(out, " %.*s", (int)n, in);
            sign = '+';
        } else {
            in_brackets = *in == '[';
            out += sprintf(out, "%c", *in);
            sign = '+';
        }
        in += n;
    }
    *out = 0;
}

/* Checks the instruction at the cursor against a text; immediates of `width` bytes. */
PRINTF_LIKE(2, 3) static inline void check_next(unsigned width, const char *format, ...)
{
    char text[192], wanted[192], seen[192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    normalize(text, width, wanted);

    const uint8_t *code = cursor;
    size_t left = (size_t)(e.p - cursor);
    uint64_t address = (uint64_t)(uintptr_t)(cursor + e.rx);
    if (!cs_disasm_iter(capstone, &code, &left, &address, insn))
        ck_abort_msg("no instruction of %td bytes, wanted: %s", e.p - cursor, text);
    snprintf(text, sizeof text, "%s %s", insn->mnemonic, insn->op_str);
    normalize(text, width, seen);
    if (strcmp(seen, wanted) != 0)
        ck_abort_msg("seen:%s, wanted:%s", seen, wanted);
    cursor = code;
}

/*
 * Nothing is left, and nothing else was written; `max` is the limit from START.
 * (Here and above not by Check's assertions, each of which is a system call.)
 */
static inline void check_end(size_t max)
{
    if (cursor != e.p)
        ck_abort_msg("%td bytes were written after %s %s", e.p - cursor, insn->mnemonic,
                     insn->op_str);
    for (uint8_t *p = buffer; p < buffer + sizeof buffer; p++)
        if ((p < START || p >= START + max) && *p != GUARD)
            ck_abort_msg("%s %s wrote at %td", insn->mnemonic, insn->op_str, p - START);
    memset(buffer, GUARD, sizeof buffer);
    e.p = START;
    cursor = START;
}

#define CHECK_INSN(width, ...)                                                                     \
    do {                                                                                           \
        check_next((width), __VA_ARGS__);                                                          \
        check_end(EMIT_INSN_MAX);                                                                  \
    } while (0)

static inline void setup(void)
{
    ck_assert_int_eq(cs_open(CS_ARCH_X86, CS_MODE_64, &capstone), CS_ERR_OK);
    insn = cs_malloc(capstone);
    memset(buffer, GUARD, sizeof buffer);
    e = (struct emit){START, 0x12340};
    cursor = START;
}

static inline void teardown(void)
{
    cs_free(insn, 1);
    cs_close(&capstone);
}

/* All pairs of registers; and all forms of memory operands with registers in turn. */
struct pair {
    unsigned next;
    enum host_reg a, b;
};

static inline bool next_pair(struct pair *pair)
{
    pair->a = (enum host_reg)(pair->next / 16);
    pair->b = (enum host_reg)(pair->next % 16);
    return pair->next++ < 256;
}

struct form {
    unsigned next, turn;
    enum host_reg r;
    struct host_mem m;
};

static inline bool next_form(struct form *f)
{
    static const int32_t disps[] = {0, 1, 127, 128, -128, -129, 0x12345678, INT32_MIN, INT32_MAX};
    unsigned n = f->next;
    int32_t disp = disps[n % ARRAY_LEN(disps)];
    n /= ARRAY_LEN(disps);
    unsigned index = n % 16, base = n / 16 % 17, scale = 1u << n / 16 / 17;
    /* Without registers capstone cuts a negative address to the operand. */
    if (base == 16 && index == RSP)
        disp &= INT32_MAX;
    f->m =
        mem_index(base == 16 ? HOST_NONE : (enum host_reg)base,
                  index == RSP ? HOST_NONE : (enum host_reg)index, index == RSP ? 1 : scale, disp);
    f->turn = f->turn * 5 + 3; /* all 16 registers, in a period that is no divisor of the others */
    f->r = (enum host_reg)((f->turn + f->next / 16) & 15);
    f->next++;
    return scale <= 8;
}

#endif
