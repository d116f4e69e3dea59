/*
 * Random code: operands for the forms of insn.def by the letters of their
 * arguments, sequences that single random words would hardly ever make, and the
 * handlers of exceptions.
 *
 * Registers by habit: 1..14 results, 15 counts loops, 16..23 and 28..30 are
 * pointers, 24 and 25 targets of jumps, 26 and 27 the handlers'. Any other use
 * happens, too, but seldom.
 */
#include "tests/diff/engines.h"

enum { R_COUNTER = 15, R_POINTER = 16, R_TARGET = 24, R_CODE = 23 };

static bool one_in(struct eng_gen *g, uint32_t n)
{
    return rng_below(&g->r, n) == 0;
}

static uint32_t reg_result(struct eng_gen *g)
{
    return one_in(g, 48) ? rng_below(&g->r, 32) : 1 + rng_below(&g->r, 14);
}

static uint32_t reg_source(struct eng_gen *g)
{
    return one_in(g, 8) ? rng_below(&g->r, 32) : 1 + rng_below(&g->r, 14);
}

static uint32_t reg_pointer(struct eng_gen *g)
{
    uint32_t n = rng_below(&g->r, 11);

    if (one_in(g, 48))
        return rng_below(&g->r, 32);
    return n < 8 ? R_POINTER + n : 20 + n;
}

static uint32_t fpu_reg(struct eng_gen *g)
{
    uint32_t n = rng_below(&g->r, one_in(g, 4) ? 32 : 8);

    return one_in(g, 32) ? n : n & ~1u;
}

static uint32_t displacement(struct eng_gen *g)
{
    uint32_t n = rng_below(&g->r, 128) - 64;

    if (one_in(g, 16))
        n = (uint32_t)rng_next(&g->r);
    else if (!one_in(g, 12))
        n &= ~7u | (one_in(g, 3) ? 4 : 0);
    return n & 0xffff;
}

static uint32_t branch_distance(struct eng_gen *g)
{
    uint32_t here = g->base + g->pa + 4, there;
    const struct eng_chunk *k = &g->chunks[g->at];

    if (one_in(g, 4))
        there = gen_chunk_address(g);
    else if (one_in(g, 2))
        there = here + 4 * rng_below(&g->r, 8);
    else
        there = g->base + k->pa + 4 * rng_below(&g->r, k->words);
    return (there - here) >> 2 & 0xffff;
}

static uint32_t jump_register(struct eng_gen *g)
{
    if (one_in(g, 32))
        return reg_pointer(g);
    return one_in(g, 3) ? 31 : R_TARGET + rng_below(&g->r, 2);
}

static uint32_t bit_field(struct eng_gen *g, bool insert)
{
    uint32_t pos = rng_below(&g->r, 32), size = 1 + rng_below(&g->r, 32 - pos);

    if (one_in(g, 16))
        return (uint32_t)rng_next(&g->r) & 0xffc0;
    return (insert ? pos + size - 1 : size - 1) << 11 | pos << 6;
}

static uint32_t cp0_field(struct eng_gen *g)
{
    if (one_in(g, 8))
        return (uint32_t)rng_next(&g->r) & 0xf807;
    return gen_c0_number(rng_below(&g->r, C0_REGS));
}

static uint32_t field(struct eng_gen *g, char letter)
{
    static const uint8_t controls[] = {31, 31, 25, 26, 28, 0};
    uint32_t v = (uint32_t)rng_next(&g->r);

    switch (letter) {
    case 'D':
        return reg_result(g) << 11;
    case 'S':
        return reg_source(g) << 21;
    case 'T':
        return reg_source(g) << 16;
    case 'd':
        return fpu_reg(g) << 6;
    case 's':
        return fpu_reg(g) << 11;
    case 't':
        return fpu_reg(g) << 16;
    case 'r':
        return fpu_reg(g) << 21;
    case 'H':
        return (v & 31) << 6;
    case 'I':
    case 'U':
        return gen_integer(&g->r) & 0xffff;
    case 'M':
        return reg_pointer(g) << 21 | displacement(g);
    case 'X':
        return reg_pointer(g) << 21 | (one_in(g, 4) ? reg_source(g) << 16 : 0);
    case 'B':
        return branch_distance(g);
    case 'J':
        return gen_chunk_address(g) >> 2 & 0x03ffffff;
    case 'L':
        return jump_register(g) << 21 | (one_in(g, 4) ? reg_result(g) : 31) << 11;
    case 'P':
        return bit_field(g, false);
    case 'Q':
        return bit_field(g, true);
    case '0':
        return cp0_field(g);
    case '1':
        return (uint32_t)(one_in(g, 16) ? v & 31 : controls[rng_below(&g->r, 6)]) << 11;
    case 'w':
        return (one_in(g, 8) ? v & 31 : (uint32_t[]){0, 1, 2, 3, 29}[rng_below(&g->r, 5)]) << 11;
    case 'h':
    case 'k':
        return (v & 31) << 16;
    case 'x':
        return (v & 31) << 11;
    case 'C':
    case 'K':
        return one_in(g, 4) ? v & 0x03ffffc0 : 0;
    case 'G':
        return one_in(g, 4) ? v & 0xffc0 : 0;
    case 'b':
        return (v & 7) << 18;
    case 'c':
        return fpu_reg(g) << 11 | fpu_reg(g) << 16 | (v & 7) << 8;
    default:
        return 0;
    }
}

uint32_t gen_word(struct eng_gen *g, enum insn_id id)
{
    const char *args = insn_info[id].args;
    uint32_t w = form_bits(id);

    for (const char *f = args; *f; f++)
        w |= field(g, *f);
    /* What is written is the first operand; jumps take their own registers. */
    if (args[0] == 'T' && !one_in(g, 16))
        w = (w & ~(31u << 16)) | reg_result(g) << 16;
    if (id == INSN_JR || id == INSN_JR_HB)
        w = (w & ~(31u << 21)) | jump_register(g) << 21;
    if (id == INSN_CLZ || id == INSN_CLO)
        w |= w_rd(w) << 16;
    return w;
}

uint32_t gen_any_word(struct eng_gen *g)
{
    uint32_t n = rng_below(&g->r, 256);
    unsigned group = 0;

    while (group < GROUPS - 1 && n >= g->weights[group])
        n -= g->weights[group++];
    if (group == GROUP_RESERVED && one_in(g, 2))
        return (uint32_t)rng_next(&g->r);
    return gen_word(g, form_pick(&g->r, (enum eng_group)group));
}

void gen_put(struct eng_gen *g, uint32_t w)
{
    struct eng_case *c = g->c;

    if (c->n_puts < ENG_PUTS)
        c->puts[c->n_puts++] = (struct eng_put){g->pa, w};
    g->pa += 4;
}

/* ---- sequences ---- */

static void put_li(struct eng_gen *g, uint32_t r, uint32_t value)
{
    gen_put(g, 0x3c000000 | r << 16 | value >> 16);
    gen_put(g, 0x34000000 | r << 21 | r << 16 | (value & 0xffff));
}

static void put_mtc0(struct eng_gen *g, unsigned index)
{
    uint32_t r = 1 + rng_below(&g->r, 14);

    put_li(g, r, gen_c0_value(g, index));
    gen_put(g, 0x40800000 | r << 16 | gen_c0_number(index));
}

static void put_tlb_write(struct eng_gen *g)
{
    put_mtc0(g, C0_ENTRYHI);
    put_mtc0(g, C0_ENTRYLO0);
    put_mtc0(g, C0_ENTRYLO1);
    if (one_in(g, 3))
        put_mtc0(g, C0_PAGEMASK);
    if (one_in(g, 2))
        put_mtc0(g, C0_INDEX);
    gen_put(g, one_in(g, 2) ? 0x42000002 : 0x42000006);
}

static void put_ll_sc(struct eng_gen *g)
{
    uint32_t at = reg_pointer(g) << 21 | (displacement(g) & 0xfffc);

    gen_put(g, 0xc0000000 | reg_result(g) << 16 | at);
    if (one_in(g, 2))
        gen_put(g, gen_any_word(g));
    gen_put(g, 0xe0000000 | reg_result(g) << 16 | at);
}

/* A store of an instruction near here, or a copy of one. */
static void put_self_change(struct eng_gen *g)
{
    uint32_t r = 1 + rng_below(&g->r, 14), from = 1 + rng_below(&g->r, 14);
    uint32_t to = one_in(g, 2) ? gen_chunk_address(g) : g->base + g->pa + 4 * rng_below(&g->r, 12);

    if (one_in(g, 4))
        to = (to - g->base) | 0x80000000 | ENG_ALIAS; /* by another address */
    put_li(g, r, to);
    if (one_in(g, 2)) {
        put_li(g, from, gen_any_word(g));
    } else {
        gen_put(g, 0x8c000000 | r << 21 | from << 16 | (4 * rng_below(&g->r, 8)));
    }
    gen_put(g, 0xac000000 | r << 21 | from << 16);
}

static void put_loop(struct eng_gen *g)
{
    uint32_t body = 1 + rng_below(&g->r, 8), top;
    bool likely = one_in(g, 4);

    gen_put(g, 0x24000000 | R_COUNTER << 16 | (1 + rng_below(&g->r, one_in(g, 4) ? 300 : 20)));
    top = g->pa;
    for (uint32_t i = 0; i < body; i++)
        gen_put(g, gen_any_word(g));
    gen_put(g, 0x24000000 | R_COUNTER << 21 | R_COUNTER << 16 | 0xffff);
    gen_put(g, (likely ? 0x5c000000 : 0x1c000000) | R_COUNTER << 21 |
                   ((top - g->pa - 4) >> 2 & 0xffff));
    gen_put(g, gen_any_word(g));
}

static void put_ctc1(struct eng_gen *g)
{
    uint32_t r = 1 + rng_below(&g->r, 14);

    put_li(g, r, gen_fcsr(g));
    gen_put(g, 0x44c00000 | r << 16 | 31 << 11);
}

static void put_sequence(struct eng_gen *g)
{
    bool system = g->weights[GROUP_CP0] > 8;

    switch (rng_below(&g->r, system ? 8 : 5)) {
    case 0:
        put_self_change(g);
        break;
    case 1:
        put_ll_sc(g);
        break;
    case 2:
    case 3:
        put_loop(g);
        break;
    case 4:
        put_ctc1(g);
        break;
    case 5:
        put_tlb_write(g);
        break;
    case 6:
        put_mtc0(g, C0_STATUS);
        break;
    default:
        put_mtc0(g, rng_below(&g->r, C0_REGS));
    }
}

/* How a chunk ends: mostly with a way to another one. */
static void put_end(struct eng_gen *g)
{
    switch (rng_below(&g->r, 10)) {
    case 0:
        return;
    case 1:
    case 2:
        gen_put(g, 0x03e00008); /* jr $31 */
        break;
    case 3:
        gen_put(g, gen_word(g, INSN_JALR));
        break;
    case 4:
    case 5:
        gen_put(g, 0x10000000 | ((gen_chunk_address(g) - g->base - g->pa - 4) >> 2 & 0xffff));
        break;
    case 6:
        gen_put(g, gen_word(g, INSN_JAL));
        break;
    default:
        gen_put(g, gen_word(g, INSN_J));
    }
    gen_put(g, one_in(g, 2) ? 0 : gen_any_word(g));
}

static void put_chunk(struct eng_gen *g)
{
    const struct eng_chunk *k = &g->chunks[g->at];
    uint32_t end = k->pa + 4 * k->words;

    g->pa = k->pa;
    while (g->pa + 8 < end) {
        bool before_slot = g->pa != k->pa &&
                           insn_info[insn_find(g->c->puts[g->c->n_puts - 1].w)].attr & BRANCH;
        if (before_slot && one_in(g, 3))
            gen_put(g, 0);
        else if (!before_slot && one_in(g, 16))
            put_sequence(g);
        else
            gen_put(g, gen_any_word(g));
    }
    put_end(g);
}

/* Places that come again and again, some at the end of a page; or any. */
static void place_chunks(struct eng_gen *g)
{
    static const uint16_t often[] = {0x000, 0x100, 0x400, 0xfc0, 0xfe0, 0xff0, 0xff8, 0xffc};

    g->n_chunks = 1 + rng_below(&g->r, 6);
    for (unsigned i = 0; i < g->n_chunks; i++) {
        uint32_t at = one_in(g, 2) ? rng_below(&g->r, 0x400) * 4 : often[rng_below(&g->r, 8)];
        uint32_t page = rng_below(&g->r, ENG_CODE_PAGES - 1);
        g->chunks[i].pa = ENG_CODE + page * 0x1000 + at;
        g->chunks[i].words = 2 + rng_below(&g->r, one_in(g, 8) ? 60 : 20);
    }
}

void gen_code(struct eng_gen *g)
{
    place_chunks(g);
    for (g->at = 0; g->at < g->n_chunks; g->at++)
        put_chunk(g);
    g->at = 0;
    g->c->n_own = g->c->n_puts;
}

/* ---- handlers ---- */

static void put_words(struct eng_gen *g, uint32_t pa, const uint32_t *words, unsigned n)
{
    g->pa = pa;
    for (unsigned i = 0; i < n; i++)
        gen_put(g, words[i]);
}

/* Fill the TLB for BadVAddr as an operating system does: page n of either
 * mapped area has frame n + ENG_CODE. */
static void put_refill(struct eng_gen *g, uint32_t pa)
{
    const uint32_t code[] = {
        0x401a4000,                              /* mfc0 $26, BadVAddr */
        0x001ad342,                              /* srl $26, $26, 13 */
        0x335a000f,                              /* andi $26, $26, 15 */
        0x001ad1c0,                              /* sll $26, $26, 7 */
        0x275a0080 + 0x18 + 4 + 2 * !one_in(g, 8), /* addiu $26, $26, flags */
        0x409a1000,                              /* mtc0 $26, EntryLo0 */
        0x275a0040,                              /* addiu $26, $26, 0x40 */
        0x409a1800,                              /* mtc0 $26, EntryLo1 */
        0x40802800,                              /* mtc0 $0, PageMask */
        0x42000006,                              /* tlbwr */
        0x42000018,                              /* eret */
    };
    put_words(g, pa, code, ARRAY_LEN(code));
}

/* Go on behind the instruction; `calm`: with the timer's next match far away. */
static void put_skip(struct eng_gen *g, uint32_t pa, bool calm)
{
    const uint32_t code[] = {
        0x401a7000,                                    /* mfc0 $26, EPC */
        0x275a0004 + (one_in(g, 4) ? 4 : 0),           /* addiu $26, $26, 4 or 8 */
        0x409a7000,                                    /* mtc0 $26, EPC */
        calm ? 0x409a5800 : 0x401b6800,                /* mtc0 $26, Compare; mfc0 $27, Cause */
        0x42000018,                                    /* eret */
    };
    put_words(g, pa, code, ARRAY_LEN(code));
}

/* Start again at the first chunk, with interrupts masked. */
static void put_restart(struct eng_gen *g, uint32_t pa)
{
    uint32_t to = g->base + g->chunks[0].pa;
    const uint32_t code[] = {
        0x3c1a0000 | to >> 16,      /* lui $26, n */
        0x375a0000 | (to & 0xffff), /* ori $26, $26, n */
        0x409a7000,                 /* mtc0 $26, EPC */
        0x401a6000,                 /* mfc0 $26, Status */
        0x7c1a7a04,                 /* ins $26, $0, 8, 8 */
        0x409a6000,                 /* mtc0 $26, Status */
        0x42000018,                 /* eret */
    };
    put_words(g, pa, code, ARRAY_LEN(code));
}

/* Interrupts are masked; a fetch that failed goes on at a chunk; any other
 * exception behind its instruction. */
static void put_handler(struct eng_gen *g, uint32_t pa)
{
    uint32_t to = gen_chunk_address(g);
    const uint32_t code[] = {
        0x401b6800,                 /* mfc0 $27, Cause */
        0x337b007c,                 /* andi $27, $27, 0x7c */
        0x1360000d,                 /* beq $27, $0, 13: an interrupt */
        0x401a7000,                 /* mfc0 $26, EPC */
        0x3b7b0018,                 /* xori $27, $27, IBE << 2 */
        0x13600006,                 /* beq $27, $0, 6: restart */
        0x401b4000,                 /* mfc0 $27, BadVAddr */
        0x137a0004,                 /* beq $27, $26, 4: restart */
        0x275a0004,                 /* addiu $26, $26, 4 */
        0x409a7000,                 /* mtc0 $26, EPC */
        0x42000018,                 /* eret */
        0x00000000,
        0x3c1a0000 | to >> 16,      /* restart: lui $26, n */
        0x375a0000 | (to & 0xffff), /* ori $26, $26, n */
        0x1000fffa,                 /* b -6: to mtc0 EPC */
        0x00000000,
        0x401b6000,                 /* an interrupt: mfc0 $27, Status */
        0x7c1b7a04,                 /* ins $27, $0, 8, 8 */
        0x409b6000,                 /* mtc0 $27, Status */
        0x409a5800,                 /* mtc0 $26, Compare */
        0x42000018,                 /* eret */
    };
    put_words(g, pa, code, ARRAY_LEN(code));
}

void gen_handlers(struct eng_gen *g)
{
    static const uint32_t places[] = {0x000,           0x180,           0x200,
                                      0x1000,          0x1180,          0x1200,
                                      ENG_ROM + 0x200, ENG_ROM + 0x380, ENG_ROM + 0x400};
    bool refill = !one_in(g, 4);

    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        if (i % 3 == 0 && refill)
            put_refill(g, places[i]);
        else if (one_in(g, 8))
            put_restart(g, places[i]);
        else if (one_in(g, 6))
            put_skip(g, places[i], one_in(g, 2));
        else
            put_handler(g, places[i]);
    }
    const uint32_t debug[] = {0x401ac000, 0x275a0004, 0x409ac000, 0x4200001f}; /* behind DEPC */
    put_words(g, ENG_ROM + 0x480, debug, ARRAY_LEN(debug));
    const uint32_t reset[] = {0x40806000, 0x3c1a0000 | (g->base + ENG_CODE) >> 16,
                              0x375a0000 | ((g->base + ENG_CODE) & 0xffff), 0x03400008, 0};
    put_words(g, ENG_ROM, reset, ARRAY_LEN(reset));
}
