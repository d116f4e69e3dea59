/*
 * Random programs. One line per instruction gives its fixed bits and which
 * fields are to be filled; what is filled in makes results that the
 * architecture defines: no branch in a delay slot, no odd register of a pair,
 * no sc without its ll, and so on, each where it is done below.
 *
 * Registers 26 and 28..30 are never results of a body: 26 carries the targets
 * of register jumps, 28 points into the middle of the data, 29 somewhere near
 * it, 30 is a small index.
 */
#include <string.h>

#include "core/base/base.h"
#include "tests/diff/diff.h"
#include "tests/diff/values.h"

#define WORD_EDGE 2

enum { R_JUMP = DIFF_R_JUMP, R_DATA = 28, R_NEAR = 29, R_INDEX = 30 };

enum group { ALU, MULDIV, LOAD, BRANCH, TRAP, FP, FPMEM, FPCTL, GROUPS };

enum flag {
    R2 = 1,   /* release 2 */
    PAIR = 2, /* FPU registers are even if FR = 0 */
    FR1 = 4,  /* defined with FR = 1 only */
    RARE = 8, /* often ends in a known fault, which hides what follows */
};

/* Fields: s t d source or, in capitals, result registers; h shift amount; i
 * immediate; e position and size of ext, n of ins; x same register in rt as in rd;
 * 1 2 4 8 size of an access at 28 or 29, 0 any address; X index address; B forward branch; R
 * forward register jump; J forward jump; c code. FPU: D fd, s fs, t ft, r fr as
 * f g p q; k condition code and y condition of a compare; b condition code of a
 * branch or move; u U control register to read, to write; z a divisor. */
struct template {
    enum group group;
    uint32_t bits;
    const char *fields;
    unsigned flags;
};

#define SPECIAL(f)    (f)
#define SPECIAL2(f)   (0x70000000u | (f))
#define SPECIAL3(f)   (0x7c000000u | (f))
#define OP(op)        ((uint32_t)(op) << 26)
#define REGIMM(rt)    (OP(1) | (uint32_t)(rt) << 16)
#define FPU(fmt, f)   (OP(17) | (uint32_t)(fmt) << 21 | (f))
#define COP1X(f)      (OP(19) | (f))
#define BOTH(f, fields)                                                                            \
    {FP, FPU(16, f), fields, 0}, {FP, FPU(17, f), fields, PAIR}
#define BOTH_SIGN(f)                                                                               \
    {FP, FPU(16, f), "fF", RARE}, {FP, FPU(17, f), "fF", PAIR | RARE}
#define BOTH_PAIR(f, fields, more)                                                                 \
    {FP, FPU(16, f), fields, PAIR | (more)}, {FP, FPU(17, f), fields, PAIR | (more)}

static const struct template templates[] = {
    {ALU, SPECIAL(0x21), "stD", 0},
    {ALU, SPECIAL(0x23), "stD", 0},
    {ALU, SPECIAL(0x24), "stD", 0},
    {ALU, SPECIAL(0x25), "stD", 0},
    {ALU, SPECIAL(0x26), "stD", 0},
    {ALU, SPECIAL(0x27), "stD", 0},
    {ALU, SPECIAL(0x2a), "stD", 0},
    {ALU, SPECIAL(0x2b), "stD", 0},
    {ALU, SPECIAL(0x0a), "stD", 0},
    {ALU, SPECIAL(0x0b), "stD", 0},
    {ALU, SPECIAL(0x00), "tDh", 0},
    {ALU, SPECIAL(0x02), "tDh", 0},
    {ALU, SPECIAL(0x03), "tDh", 0},
    {ALU, SPECIAL(0x04), "stD", 0},
    {ALU, SPECIAL(0x06), "stD", 0},
    {ALU, SPECIAL(0x07), "stD", 0},
    {ALU, SPECIAL(0x02) | 1u << 21, "tDh", R2}, /* rotr */
    {ALU, SPECIAL(0x06) | 1u << 6, "stD", R2},  /* rotrv */
    {ALU, OP(0x09), "sTi", 0},
    {ALU, OP(0x0a), "sTi", 0},
    {ALU, OP(0x0b), "sTi", 0},
    {ALU, OP(0x0c), "sTi", 0},
    {ALU, OP(0x0d), "sTi", 0},
    {ALU, OP(0x0e), "sTi", 0},
    {ALU, OP(0x0f), "Ti", 0},
    {ALU, SPECIAL2(0x20), "sDx", 0}, /* clz, clo: rt must be rd */
    {ALU, SPECIAL2(0x21), "sDx", 0},
    {ALU, SPECIAL3(0x00), "sTe", R2},
    {ALU, SPECIAL3(0x04), "sTn", R2},
    {ALU, SPECIAL3(0x0a0), "tD", R2}, /* wsbh */
    {ALU, SPECIAL3(0x420), "tD", R2}, /* seb */
    {ALU, SPECIAL3(0x620), "tD", R2}, /* seh */
    {ALU, SPECIAL(0x0f), "", 0},      /* sync */
    {MULDIV, SPECIAL(0x18), "st", 0},
    {MULDIV, SPECIAL(0x19), "st", 0},
    {MULDIV, SPECIAL(0x1a), "sz", 0},
    {MULDIV, SPECIAL(0x1b), "sz", 0},
    {MULDIV, SPECIAL2(0x00), "st", 0},
    {MULDIV, SPECIAL2(0x01), "st", 0},
    {MULDIV, SPECIAL2(0x04), "st", 0},
    {MULDIV, SPECIAL2(0x05), "st", 0},
    {MULDIV, SPECIAL2(0x02), "stD", 0}, /* mul */
    {MULDIV, SPECIAL(0x10), "D", 0},
    {MULDIV, SPECIAL(0x12), "D", 0},
    {MULDIV, SPECIAL(0x11), "s", 0},
    {MULDIV, SPECIAL(0x13), "s", 0},
    {LOAD, OP(0x20), "T1", 0},
    {LOAD, OP(0x21), "T2", 0},
    {LOAD, OP(0x22), "T0", 0},
    {LOAD, OP(0x23), "T4", 0},
    {LOAD, OP(0x24), "T1", 0},
    {LOAD, OP(0x25), "T2", 0},
    {LOAD, OP(0x26), "T0", 0},
    {LOAD, OP(0x28), "t1", 0},
    {LOAD, OP(0x29), "t2", 0},
    {LOAD, OP(0x2a), "t0", 0},
    {LOAD, OP(0x2b), "t4", 0},
    {LOAD, OP(0x2e), "t0", 0},
    {LOAD, OP(0x33), "1", 0},  /* pref 0 */
    {LOAD, OP(0x30), "T4L", 0}, /* ll; followed by its sc */
    {BRANCH, OP(0x04), "stB", 0},
    {BRANCH, OP(0x05), "stB", 0},
    {BRANCH, OP(0x06), "sB", 0},
    {BRANCH, OP(0x07), "sB", 0},
    {BRANCH, OP(0x14), "stB", 0},
    {BRANCH, OP(0x15), "stB", 0},
    {BRANCH, OP(0x16), "sB", 0},
    {BRANCH, OP(0x17), "sB", 0},
    {BRANCH, REGIMM(0x00), "sB", 0},
    {BRANCH, REGIMM(0x01), "sB", 0},
    {BRANCH, REGIMM(0x02), "sB", 0},
    {BRANCH, REGIMM(0x03), "sB", 0},
    {BRANCH, REGIMM(0x10), "aB", 0}, /* links: rs is not 31 */
    {BRANCH, REGIMM(0x11), "aB", 0},
    {BRANCH, REGIMM(0x12), "aB", 0},
    {BRANCH, REGIMM(0x13), "aB", 0},
    {BRANCH, OP(0x02), "J", 0},
    {BRANCH, OP(0x03), "J", 0},
    {BRANCH, SPECIAL(0x08), "R", 0},
    {BRANCH, SPECIAL(0x09), "DR", 0},
    {TRAP, SPECIAL(0x20), "stD", 0},
    {TRAP, SPECIAL(0x22), "stD", 0},
    {TRAP, OP(0x08), "sTi", 0},
    {TRAP, SPECIAL(0x30), "st", 0},
    {TRAP, SPECIAL(0x31), "st", 0},
    {TRAP, SPECIAL(0x32), "st", 0},
    {TRAP, SPECIAL(0x33), "st", 0},
    {TRAP, SPECIAL(0x34), "st", 0},
    {TRAP, SPECIAL(0x36), "st", 0},
    {TRAP, REGIMM(0x08), "si", 0},
    {TRAP, REGIMM(0x09), "si", 0},
    {TRAP, REGIMM(0x0a), "si", 0},
    {TRAP, REGIMM(0x0b), "si", 0},
    {TRAP, REGIMM(0x0c), "si", 0},
    {TRAP, REGIMM(0x0e), "si", 0},
    {TRAP, SPECIAL(0x0c), "c", 0},
    {TRAP, SPECIAL(0x0d), "c", 0},
    BOTH(0x00, "fgF"),
    BOTH(0x01, "fgF"),
    BOTH(0x02, "fgF"),
    BOTH(0x03, "fgF"),
    BOTH(0x04, "fF"),
    BOTH_SIGN(0x05),
    BOTH(0x06, "fF"),
    BOTH_SIGN(0x07),
    BOTH_PAIR(0x08, "fF", FR1),
    BOTH_PAIR(0x09, "fF", FR1),
    BOTH_PAIR(0x0a, "fF", FR1),
    BOTH_PAIR(0x0b, "fF", FR1),
    BOTH_PAIR(0x0c, "fF", 0),
    BOTH_PAIR(0x0d, "fF", 0),
    BOTH_PAIR(0x0e, "fF", 0),
    BOTH_PAIR(0x0f, "fF", 0),
    BOTH(0x11, "fFb"),             /* movf */
    BOTH(0x11 | 1u << 16, "fFb"),  /* movt */
    BOTH(0x12, "fFt"),
    BOTH(0x13, "fFt"),
    BOTH_PAIR(0x15, "fF", R2),
    BOTH_PAIR(0x16, "fF", R2),
    BOTH_PAIR(0x24, "fF", 0),
    BOTH_PAIR(0x25, "fF", FR1),
    BOTH(0x30, "fgky"),
    {FP, FPU(17, 0x20), "fF", PAIR},
    {FP, FPU(16, 0x21), "fF", PAIR},
    {FP, FPU(20, 0x20), "fF", 0},
    {FP, FPU(20, 0x21), "fF", PAIR},
    {FP, FPU(21, 0x20), "fF", FR1},
    {FP, FPU(21, 0x21), "fF", FR1},
    {FP, COP1X(0x20), "fgFr", R2},
    {FP, COP1X(0x21), "fgFr", R2 | PAIR},
    {FP, COP1X(0x28), "fgFr", R2},
    {FP, COP1X(0x29), "fgFr", R2 | PAIR},
    {FP, COP1X(0x30), "fgFr", R2 | RARE},
    {FP, COP1X(0x31), "fgFr", R2 | PAIR | RARE},
    {FP, COP1X(0x38), "fgFr", R2 | RARE},
    {FP, COP1X(0x39), "fgFr", R2 | PAIR | RARE},
    {FPMEM, OP(0x31), "g4", 0},
    {FPMEM, OP(0x39), "g4", 0},
    {FPMEM, OP(0x35), "g8", PAIR},
    {FPMEM, OP(0x3d), "g8", PAIR},
    {FPMEM, COP1X(0x00), "FX", R2},
    {FPMEM, COP1X(0x01), "FX", R2 | PAIR},
    {FPMEM, COP1X(0x05), "FX", R2 | PAIR | FR1},
    {FPMEM, COP1X(0x08), "fX", R2},
    {FPMEM, COP1X(0x09), "fX", R2 | PAIR},
    {FPMEM, COP1X(0x0d), "fX", R2 | PAIR | FR1},
    {FPMEM, FPU(0, 0), "Tf", 0},
    {FPMEM, FPU(4, 0), "tf", 0},
    {FPMEM, FPU(3, 0), "Tf", R2 | PAIR},
    {FPMEM, FPU(7, 0), "tf", R2 | PAIR},
    {FPCTL, SPECIAL(0x01), "sDb", 0},            /* movf */
    {FPCTL, SPECIAL(0x01) | 1u << 16, "sDb", 0}, /* movt */
    {FPCTL, FPU(2, 0), "Tu", 0},
    {FPCTL, FPU(6, 0), "U", 0},
    {FPCTL, FPU(8, 0), "bB", 0},
    {FPCTL, FPU(8, 0) | 1u << 16, "bB", 0},
    {FPCTL, FPU(8, 0) | 2u << 16, "bB", 0},
    {FPCTL, FPU(8, 0) | 3u << 16, "bB", 0},
};
#define N_TEMPLATES (sizeof(templates) / sizeof(templates[0]))

/* FPU control registers, and which bits ctc1 may set: reserved ones must be
 * written as 0 (volume I, FCCR, FEXR, FENR). */
static const struct {
    uint8_t number;
    uint16_t mask;
} controls[] = {{31, 0}, {31, 0xf07f}, {25, 0x00ff}, {26, 0xf07c}, {28, 0x0f87}};

/* ---- values ---- */

static uint32_t random_word(struct rng *r)
{
    return value_word(r, WORD_EDGE);
}

static uint64_t random_fpr(struct rng *r)
{
    switch (rng_below(r, 5)) {
    case 0:
        return (uint64_t)random_word(r) << 32 | random_word(r);
    case 1:
        return (uint64_t)(int64_t)(int32_t)random_word(r);
    case 2:
        return value_double(r, WORD_EDGE);
    default:
        return value_single(r, WORD_EDGE) << 32 | value_single(r, WORD_EDGE);
    }
}

/* ---- instructions ---- */

/* A result register. */
static uint32_t random_dest(struct rng *r)
{
    uint32_t n;

    do
        n = rng_below(r, 32);
    while (n == R_JUMP || (n >= R_DATA && n <= R_INDEX));
    return n;
}

static uint32_t random_fpu_reg(struct rng *r, const struct diff_case *c, const struct template *t)
{
    uint32_t n = rng_below(r, 8) ? rng_below(r, 8) : rng_below(r, 32);

    return !c->fr && (t->flags & PAIR) ? n & ~1u : n;
}

/* Base and offset of an access of `size` bytes in the data; 0: of any alignment. */
static uint32_t random_address(struct rng *r, unsigned size)
{
    uint32_t offset = rng_below(r, DIFF_DATA_SIZE / 2 - 32) - (DIFF_DATA_SIZE / 4 - 16);

    if (size == 0 || rng_below(r, 64) == 0)
        return (uint32_t)R_NEAR << 21 | (offset & 0xffff);
    return (uint32_t)R_DATA << 21 | (offset & ~(size - 1) & 0xffff);
}

static uint32_t random_bits(struct rng *r, bool insert)
{
    uint32_t pos = rng_below(r, 32), size = 1 + rng_below(r, 32 - pos);

    return (insert ? pos + size - 1 : size - 1) << 11 | pos << 6;
}

static uint32_t fill(struct rng *r, const struct diff_case *c, const struct template *t, char field)
{
    uint32_t n;

    switch (field) {
    case 's':
        return rng_below(r, 32) << 21;
    case 'a':
        return rng_below(r, 31) << 21;
    case 't':
        return rng_below(r, 32) << 16;
    case 'T':
        return random_dest(r) << 16;
    case 'D':
        return random_dest(r) << 11;
    case 'x':
        return 0; /* with D, in `generate_one` */
    case 'h':
        return rng_below(r, 32) << 6;
    case 'i':
        n = rng_below(r, 2) ? random_word(r) : rng_below(r, 16) - 8;
        return n & 0xffff;
    case 'c':
        return rng_below(r, 1024) << 6;
    case 'e':
    case 'n':
        return random_bits(r, field == 'n');
    case 'f':
        return random_fpu_reg(r, c, t) << 11;
    case 'g':
        return random_fpu_reg(r, c, t) << 16;
    case 'F':
        return random_fpu_reg(r, c, t) << 6;
    case 'r':
        return random_fpu_reg(r, c, t) << 21;
    case 'k':
        return rng_below(r, 8) << 8;
    case 'y':
        return rng_below(r, 16);
    case 'b':
        return rng_below(r, 8) << 18;
    case 'u':
        return (uint32_t)controls[rng_below(r, ARRAY_LEN(controls))].number << 11;
    case 'X':
        return (uint32_t)R_DATA << 21 | (uint32_t)R_INDEX << 16;
    case '0':
        return random_address(r, 0);
    case '1':
    case '2':
    case '4':
    case '8':
        return random_address(r, (unsigned)(field - '0'));
    default:
        return 0;
    }
}

/* Does it need more than one word? */
static bool is_long(const struct template *t)
{
    return t->group == BRANCH || strpbrk(t->fields, "BLUz");
}

static const struct template *pick(struct rng *r, const struct diff_case *c, bool in_slot)
{
    /* In percent. */
    static const uint8_t plain[GROUPS] = {42, 14, 22, 18, 4, 0, 0, 0};
    static const uint8_t with_fpu[GROUPS] = {6, 1, 2, 3, 1, 64, 14, 9};
    static const uint8_t without_fpu[GROUPS] = {41, 13, 21, 17, 4, 2, 1, 1}; /* it must trap */
    const uint8_t *weight = c->fpu ? with_fpu : c->model->fpu ? plain : without_fpu;

    for (;;) {
        uint32_t n = rng_below(r, 100);
        unsigned group = 0;
        while (n >= weight[group])
            n -= weight[group++];
        const struct template *t;
        do
            t = &templates[rng_below(r, N_TEMPLATES)];
        while (t->group != group);
        if ((in_slot && is_long(t)) || ((t->flags & FR1) && !c->fr))
            continue;
        /* disco has release 2 in all models (mips.h). */
        if ((t->flags & R2) && !c->model->release2)
            continue;
        if ((t->flags & RARE) && !c->model->abs2008 && rng_below(r, 16))
            continue;
        return t;
    }
}

/* An instruction whose rt must not be just anything: a divisor is not 0
 * (unpredictable), a control register gets no reserved bits. */
static unsigned with_operand(struct rng *r, uint32_t w, bool divisor, uint32_t *code)
{
    uint32_t rt = random_dest(r) | 1; /* not register 0 */
    uint32_t i = rng_below(r, ARRAY_LEN(controls));

    code[1] = w | rt << 16;
    if (divisor) {
        code[0] = OP(0x0d) | rt << 21 | rt << 16 | 1; /* ori */
        return 2;
    }
    code[0] = OP(0x0c) | rng_below(r, 32) << 21 | rt << 16 | controls[i].mask; /* andi */
    code[1] |= (uint32_t)controls[i].number << 11;
    return 2;
}

/* Words at c->code[at]; 0 if there is no room. */
static unsigned generate_one(struct rng *r, struct diff_case *c, unsigned at, bool in_slot)
{
    const struct template *t = pick(r, c, in_slot);
    unsigned room = c->words - at;
    uint32_t *code = &c->code[at];
    uint32_t w = t->bits;

    for (const char *f = t->fields; *f; f++)
        w |= fill(r, c, t, *f);
    if (strchr(t->fields, 'x'))
        w |= (w & 0xf800) << 5;
    if (strchr(t->fields, 'z') || strchr(t->fields, 'U')) {
        if (room < 2)
            return 0;
        return with_operand(r, w, strchr(t->fields, 'z') != NULL, code);
    }
    if (strchr(t->fields, 'L')) {
        if (room < 2)
            return 0;
        code[0] = w;
        code[1] = OP(0x38) | (w & 0x03e0ffff) | random_dest(r) << 16;
        return 2;
    }
    if (strchr(t->fields, 'B')) {
        if (room < 3)
            return 0;
        code[0] = w;
        return 1 + generate_one(r, c, at + 1, true);
    }
    if (strchr(t->fields, 'J')) {
        if (room < 2)
            return 0;
        code[0] = w;
        return 1 + generate_one(r, c, at + 1, true);
    }
    if (strchr(t->fields, 'R')) {
        if (room < 4)
            return 0;
        code[0] = OP(0x0f) | (uint32_t)R_JUMP << 16;
        code[1] = OP(0x0d) | (uint32_t)R_JUMP << 21 | (uint32_t)R_JUMP << 16;
        code[2] = w | (uint32_t)R_JUMP << 21;
        return 3 + generate_one(r, c, at + 3, true);
    }
    code[0] = w;
    return 1;
}

/* A place to go to from the unit that ends before `next`: the start of a unit
 * behind it or the body's end. Not `next` itself, see diff_other.c. */
static uint32_t random_target(struct rng *r, const struct diff_case *c, const bool *start,
                              unsigned next)
{
    unsigned to = next + 1;

    if (next + 1 < c->words)
        to += rng_below(r, c->words - next);
    while (to < c->words && !start[to])
        to++;
    return to;
}

/* Give the branches their targets, now that all units are known. */
static void aim(struct rng *r, struct diff_case *c, const bool *start)
{
    for (unsigned at = 0; at < c->words; at++) {
        uint32_t op = c->code[at] >> 26, funct = c->code[at] & 0x3f;
        uint32_t to = random_target(r, c, start, at + 2);
        uint32_t va = diff_code_va(c) + 4 * to;

        if (op == 2 || op == 3) {
            c->code[at] |= va >> 2 & 0x3ffffff;
        } else if (diff_is_branch(c->code[at]) && op != 0) {
            c->code[at] |= to - at - 1;
        } else if (op == 0 && (funct == 8 || funct == 9)) {
            c->code[at - 2] |= va >> 16;
            c->code[at - 1] |= va & 0xffff;
        }
    }
}

static void generate_state(struct rng *r, struct diff_case *c)
{
    for (int i = 1; i < 32; i++)
        c->gpr[i] = random_word(r);
    c->gpr[0] = 0;
    c->gpr[R_DATA] = DIFF_KSEG0 + DIFF_DATA + DIFF_DATA_SIZE / 2;
    c->gpr[R_NEAR] = c->gpr[R_DATA] + rng_below(r, 16);
    c->gpr[R_INDEX] = rng_below(r, DIFF_DATA_SIZE / 16) * 8;
    if (rng_below(r, 8) == 0)
        c->gpr[R_INDEX] += rng_below(r, 8);
    c->hi = random_word(r);
    c->lo = random_word(r);
    for (int i = 0; i < 32; i++)
        c->fpr[i] = random_fpr(r);
    /* Rounding mode, Flags, condition codes; now and then FS, and traps. */
    c->fcsr = (uint32_t)rng_next(r) & 0xfe80007f; 
    if (rng_below(r, 16) == 0)
        c->fcsr |= 1u << 24;
    if (rng_below(r, 8) == 0)
        c->fcsr |= (uint32_t)rng_next(r) & 0xf80;
    for (size_t i = 0; i < DIFF_DATA_SIZE; i += 8) {
        uint64_t v = random_fpr(r);
        memcpy(&c->data[i], &v, 8);
    }
}

void diff_generate(struct rng *r, struct diff_case *c)
{
    c->fr = rng_next(r) & 1;
    c->fpu = c->model->fpu && rng_below(r, 2);
    c->fr = c->fr && c->fpu;
    c->slot = (c->slot + 1) % DIFF_SLOTS;
    c->words = 1 + rng_below(r, rng_below(r, 4) ? 12 : DIFF_BODY_MAX - 1);
    generate_state(r, c);
    bool start[DIFF_BODY_MAX] = {false};
    for (unsigned at = 0; at < c->words;) {
        start[at] = true;
        at += generate_one(r, c, at, false);
    }
    aim(r, c, start);
}
