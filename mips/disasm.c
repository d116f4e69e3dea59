/* Text of instructions, from the operand letters in insn.def. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mips/insn.h"
#include "mips/mips.h"

struct text {
    char *out;
    size_t size, len;
    uint32_t w;
    uint64_t pc;
    enum insn_id id;
    bool separate; /* an operand was printed: a comma comes before the next */
};

static const char *const gpr_names[32] = {
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6",
    "t7",   "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp",
    "s8",   "ra"};

static const char *const cp0_names[256] = {
#define CP0(reg, sel, id, isa, text, log) [(reg)*8 + (sel)] = text,
#include "mips/cp0.def"
#undef CP0
};

static void add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t room = t->len < t->size ? t->size - t->len : 0;
    int n = vsnprintf(room ? t->out + t->len : NULL, room, fmt, args);
    t->len += n > 0 ? (size_t)n : 0;
    va_end(args);
}

static void comma(struct text *t)
{
    add(t, t->separate ? "," : "\t");
    t->separate = true;
}

static void add_gpr(struct text *t, unsigned r)
{
    comma(t);
    add(t, "%s", gpr_names[r]);
}

static void add_fpr(struct text *t, unsigned r)
{
    comma(t);
    add(t, "$f%u", r);
}

static void add_number(struct text *t, unsigned n)
{
    comma(t);
    add(t, "0x%x", n);
}

static void add_code(struct text *t, unsigned n)
{
    if (n)
        add_number(t, n);
}

static void add_cc(struct text *t, unsigned cc, bool always)
{
    if (cc == 0 && !always)
        return;
    comma(t);
    add(t, "$fcc%u", cc);
}

static void add_address(struct text *t, uint64_t va)
{
    comma(t);
    add(t, "0x%" PRIx64, va >> 31 == UINT64_C(0x1ffffffff) ? (uint32_t)va : va);
}

static void add_cp0(struct text *t)
{
    unsigned reg = w_rd(t->w), sel = t->w & 7;
    const char *name = cp0_names[reg * 8 + sel];
    comma(t);
    if (name != NULL && (reg != 31 || sel == 0))
        add(t, "c0_%s", name);
    else
        add(t, sel ? "$%u,%u" : "$%u", reg, sel);
}

static void add_control(struct text *t)
{
    static const char *const names[32] = {[0] = "c1_fir",   [25] = "c1_fccr", [26] = "c1_fexr",
                                          [28] = "c1_fenr", [31] = "c1_fcsr"};
    comma(t);
    if (names[w_rd(t->w)])
        add(t, "%s", names[w_rd(t->w)]);
    else
        add(t, "$%u", w_rd(t->w));
}

static void add_hardware(struct text *t)
{
    static const char *const names[4] = {"hwr_cpunum", "hwr_synci_step", "hwr_cc", "hwr_ccres"};
    comma(t);
    if (w_rd(t->w) < 4)
        add(t, "%s", names[w_rd(t->w)]);
    else
        add(t, "$%u", w_rd(t->w));
}

static void add_register(struct text *t, char letter)
{
    uint32_t w = t->w;
    switch (letter) {
    case 'D':
        add_gpr(t, w_rd(w));
        break;
    case 'S':
        add_gpr(t, w_rs(w));
        break;
    case 'T':
        add_gpr(t, w_rt(w));
        break;
    case 'Z':
        add_gpr(t, 0);
        break;
    case 'L':
        if (w_rd(w) != 31)
            add_gpr(t, w_rd(w));
        add_gpr(t, w_rs(w));
        break;
    case 'd':
        add_fpr(t, w_sa(w));
        break;
    case 's':
        add_fpr(t, w_rd(w));
        break;
    case 't':
        add_fpr(t, w_rt(w));
        break;
    case 'r':
        add_fpr(t, w_rs(w));
        break;
    case '0':
        add_cp0(t);
        break;
    case '1':
        add_control(t);
        break;
    case 'w':
        add_hardware(t);
        break;
    default: /* c */
        add_cc(t, w >> 8 & 7, false);
        add_fpr(t, w_rd(w));
        add_fpr(t, w_rt(w));
    }
}

static void add_value(struct text *t, char letter)
{
    uint32_t w = t->w;
    uint64_t next = t->pc + 4;
    switch (letter) {
    case 'I':
        comma(t);
        add(t, "%d", w_simm(w));
        break;
    case 'U':
        add_number(t, w & 0xffff);
        break;
    case 'H':
        add_number(t, w_sa(w));
        break;
    case 'h':
    case 'k':
        add_number(t, w_rt(w));
        break;
    case 'x':
        add_number(t, w_rd(w));
        break;
    case 'M':
        comma(t);
        add(t, "%d(%s)", w_simm(w), gpr_names[w_rs(w)]);
        break;
    case 'X':
        comma(t);
        add(t, "%s(%s)", gpr_names[w_rt(w)], gpr_names[w_rs(w)]);
        break;
    case 'B':
        add_address(t, (uint64_t)(int64_t)(int32_t)(uint32_t)(next + (uint64_t)w_simm(w) * 4));
        break;
    case 'J':
        add_address(t, w_jump_target(w, (uint64_t)(int64_t)(int32_t)(uint32_t)next));
        break;
    case 'P':
        add_number(t, w_sa(w));
        add_number(t, w_rd(w) + 1);
        break;
    case 'Q':
        add_number(t, w_sa(w));
        add_number(t, w_rd(w) - w_sa(w) + 1);
        break;
    default:
        break;
    }
}

static void add_codes(struct text *t, char letter)
{
    uint32_t w = t->w;
    switch (letter) {
    case 'C':
        add_code(t, w >> 6 & 0xfffff);
        break;
    case 'K': /* break has two codes of ten bits */
        if (w >> 6 & 0xfffff)
            add_number(t, w >> 16 & 0x3ff);
        add_code(t, w >> 6 & 0x3ff);
        break;
    case 'G':
        add_code(t, w >> 6 & 0x3ff);
        break;
    case 'W':
        add_code(t, w >> 6 & 0x7ffff);
        break;
    case 'y':
        add_code(t, w_sa(w));
        break;
    default: /* b: branches leave $fcc0 out, moves print it */
        add_cc(t, w >> 18 & 7, !(insn_info[t->id].attr & BRANCH));
    }
}

static void add_operands(struct text *t)
{
    for (const char *p = insn_info[t->id].args; *p; p++) {
        if (strchr("DSTZLdstr01wc", *p))
            add_register(t, *p);
        else if (strchr("CKGWyb", *p))
            add_codes(t, *p);
        else
            add_value(t, *p);
    }
}

/* Words that objdump names otherwise even with -M no-aliases. */
static bool add_special(struct text *t)
{
    uint32_t w = t->w;
    if (w == 0x00000140) {
        add(t, "pause");
        return true;
    }
    if ((t->id == INSN_SUB || t->id == INSN_SUBU) && w_rs(w) == 0) {
        add(t, t->id == INSN_SUB ? "neg" : "negu");
        add_gpr(t, w_rd(w));
        add_gpr(t, w_rt(w));
        return true;
    }
    if ((t->id == INSN_DI || t->id == INSN_EI) && w_rt(w) == 0) {
        add(t, "%s", insn_info[t->id].text);
        return true;
    }
    return false;
}

int mips_disassemble(uint32_t w, uint64_t pc, char *out, size_t size)
{
    struct text t = {.out = out, .size = size, .w = w, .pc = pc, .id = insn_find(w)};
    if (size)
        out[0] = 0;
    if (insn_info[t.id].args[0] == 0 && insn_info[t.id].text[0] == 0)
        add(&t, ".word\t0x%x", w);
    else if (!add_special(&t)) {
        add(&t, "%s", insn_info[t.id].text);
        add_operands(&t);
    }
    return (int)t.len;
}
