/*
 * Decoder and disassembler against capstone, on random words.
 *
 * Both texts are brought to one form (blanks, $, numbers) and must be equal,
 * where both see an instruction. Exceptions, by rule:
 *   - capstone prints aliases (move, b, beqz, nop ...): only that the alias is
 *     one of our instruction is checked.
 *   - Operands are not compared where capstone has another notation: CP0 and
 *     FPU control registers, unsigned immediates of tgei and its kin; where it
 *     takes must-be-zero bits for the accumulator of the DSP extension (mult, madd, mfhi ...);
 *     and for clz and clo, whose rd it takes from other bits than the manual's.
 *   - An offset of 0 is printed by us as by objdump.
 *   - capstone 4 takes some of COP1X for bc3f and the like, which went with MIPS II.
 *   - What only capstone accepts is an extension: it must be reserved here. What
 *     only we accept has nonzero bits that must be zero, or capstone 4 does not know it.
 * The instructions that no word of this test reaches are listed (`unknown`).
 */
/* Capstone has an enum of the name that mips.h gives a struct. */
#define mips_reg capstone_mips_reg
#include <capstone/capstone.h>
#undef mips_reg
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mips/insn.h"
#include "mips/mips.h"
#include "tests/rng.h"

#define WORDS 1000000

/* Opcode maps of which uniform words show too little get a share. */
static uint32_t random_word(struct rng *g)
{
    static const uint8_t ops[] = {0, 0, 0, 0, 1, 0x10, 0x10, 0x11, 0x11, 0x11, 0x13, 0x1c, 0x1f};
    static const uint8_t formats[] = {0, 2, 3, 4, 6, 7, 8, 16, 16, 17, 17, 20, 21};
    uint32_t w = (uint32_t)rng_next(g);
    if (rng_below(g, 3))
        w = (w & 0x03ffffff) | (uint32_t)ops[rng_below(g, sizeof ops)] << 26;
    if (w >> 26 == 0x11)
        w = (w & ~0x03e00000u) | (uint32_t)formats[rng_below(g, sizeof formats)] << 21;
    for (unsigned shift = 6; shift <= 21; shift += 5)
        if (rng_below(g, 5) < 2 && !(shift == 21 && w >> 26 == 0x11))
            w &= ~(31u << shift);
    if (rng_below(g, 8) == 0) /* operations of COP0 need zeros */
        w &= w >> 26 == 0x10 ? 0xfe00003f : UINT32_MAX;
    if (w >> 26 == 0x1f && rng_below(g, 16) == 0)
        w = (w & 0xfc1ff800) | 0x3b; /* rdhwr */
    return w;
}

/* One form: words separated by one blank, numbers in decimal of 32 bits. */
static void normalize(const char *in, char *out)
{
    while (*in) {
        if (strchr(" \t,()$", *in)) {
            in++;
            continue;
        }
        size_t n = strcspn(in, " \t,()$");
        if (isdigit((unsigned char)*in) || *in == '-')
            out += sprintf(out, "%d ", (int)(uint32_t)strtoll(in, NULL, 0));
        else if (strncmp(in, "fp", n) == 0 && n == 2)
            out += sprintf(out, "s8 ");
        else
            out += sprintf(out, "%.*s ", (int)n, in);
        in += n;
    }
    *out = 0;
}

static const char *const aliases[][2] = {
    {"nop", "sll"},     {"ssnop", "sll"},   {"ehb", "sll"},      {"move", "or"},
    {"move", "addu"},   {"negu", "subu"},   {"neg", "sub"},      {"not", "nor"},
    {"b", "beq"},       {"beqz", "beq"},    {"bnez", "bne"},     {"bal", "bgezal"},
    {"beqzl", "beql"},  {"bnezl", "bnel"},  {"rotr", "ror"},     {"rotrv", "rorv"},
    {"jr", "jalr"},     {"jr.hb", "jalr.hb"},
};

static const char *const own_notation[] = {
    "mfc0", "mtc0", "cfc1", "ctc1", "teqi", "tnei", "tlti",  "tltiu", "tgei", "tgeiu", "clz",
    "clo",  "mult", "multu", "mfhi", "mflo", "mthi", "mtlo", "madd",  "maddu", "msub", "msubu"};

/* Of these capstone 4 knows nothing in this mode. */
static const char *const unknown[] = {
    "movci",    "di",        "ei",        "wsbh",     "rdpgpr",    "mfmc0",     "wrpgpr",
    "tlbr",     "tlbinv",    "tlbinvf",   "wait",     "round.l.s", "trunc.l.s", "ceil.l.s",
    "floor.l.s", "movcf.s",  "recip.s",   "rsqrt.s",  "round.l.d", "trunc.l.d", "ceil.l.d",
    "floor.l.d", "movcf.d",  "recip.d",   "rsqrt.d",  "cvt.s.l",   "cvt.d.l",   "prefx",
    ""};

static bool is_listed(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

static bool is_alias(const char *theirs, const char *ours)
{
    for (unsigned i = 0; i < ARRAY_LEN(aliases); i++)
        if (strcmp(aliases[i][0], theirs) == 0 && strcmp(aliases[i][1], ours) == 0)
            return true;
    return false;
}

/* Ours with the zero offset left out, as capstone does. */
static void drop_zero_offset(char *b)
{
    char *zero = strstr(b, " 0 ");
    if (zero != NULL)
        memmove(zero, zero + 2, strlen(zero + 2) + 1);
}

static bool agree(const cs_insn *insn, uint32_t w, enum insn_id id)
{
    char text[128], a[160], b[160], theirs[200];
    const char *name = insn_info[id].text;
    mips_disassemble(w, UINT64_C(0xffffffff80001000), text, sizeof text);
    snprintf(theirs, sizeof theirs, "%s %s", insn->mnemonic, insn->op_str);
    normalize(theirs, a);
    normalize(text, b);
    bool same_name = strcmp(insn->mnemonic, name) == 0;
    if (strcmp(a, b) == 0 || is_alias(insn->mnemonic, name) ||
        (same_name && is_listed(name, own_notation, ARRAY_LEN(own_notation))))
        return true;
    if (w >> 26 == 0x13 && strncmp(insn->mnemonic, "bc3", 3) == 0)
        return true;
    if ((w & 0xffff) == 0 && same_name)
        drop_zero_offset(b);
    return strcmp(a, b) == 0;
}

START_TEST(random_words)
{
    uint64_t seed = rng_env("DISCO_SEED", 1);
    struct rng g = {seed};
    csh cs;
    bool seen[INSN_COUNT] = {false};
    ck_assert(cs_open(CS_ARCH_MIPS, (cs_mode)(CS_MODE_MIPS32 + CS_MODE_LITTLE_ENDIAN), &cs) == 0);
    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t w = random_word(&g);
        enum insn_id id = insn_find(w);
        cs_insn *insn;
        if (cs_disasm(cs, (const uint8_t *)&w, 4, 0x80001000, 1, &insn) != 1)
            continue;
        bool reserved = id >= INSN_RESERVED && id <= INSN_RESERVED2;
        if (!reserved && !agree(insn, w, id))
            ck_abort_msg("%08x: '%s' here, '%s %s' in capstone (DISCO_SEED=%llu)", w,
                         insn_info[id].text, insn->mnemonic, insn->op_str,
                         (unsigned long long)seed);
        seen[id] = true;
        cs_free(insn, 1);
    }
    cs_close(&cs);
    for (unsigned i = 0; i < INSN_COUNT; i++)
        if (!seen[i] && !is_listed(insn_info[i].text, unknown, ARRAY_LEN(unknown)))
            ck_abort_msg("%s was never compared", insn_info[i].text);
}
END_TEST

/* What capstone does not know, and objdump's text where it is special: worked
 * out with objdump -M no-aliases. */
START_TEST(directed)
{
    static const struct {
        uint32_t w;
        const char *text;
    } cases[] = {
        {0x41606000, "di"},
        {0x41646020, "ei\ta0"},
        {0x7c0520a0, "wsbh\ta0,a1"},
        {0x41452000, "rdpgpr\ta0,a1"},
        {0x42000001, "tlbr"},
        {0x42000020, "wait"},
        {0x42000060, "wait\t0x1"},
        {0x4ca3200f, "prefx\t0x4,v1(a1)"},
        {0x46a020a0, "cvt.s.l\t$f2,$f4"},
        {0x462020c8, "round.l.d\t$f3,$f4"},
        {0x46002095, "recip.s\t$f2,$f4"},
        {0x40086000, "mfc0\tt0,c0_status"},
        {0x40884800, "mtc0\tt0,c0_count"},
        {0x4008f802, "mfc0\tt0,$31,2"},
        {0x4444f800, "cfc1\ta0,c1_fcsr"},
        {0x7c03103b, "rdhwr\tv1,hwr_cc"},
        {0x7c03e83b, "rdhwr\tv1,$29"},
        {0x00000140, "pause"},
        {0x00000000, "sll\tzero,zero,0x0"},
        {0x00052023, "negu\ta0,a1"},
        {0x000700cd, "break\t0x7,0x3"},
        {0x0000014c, "syscall\t0x5"},
        {0x46041332, "c.eq.s\t$fcc3,$f2,$f4"},
        {0x45050001, "bc1t\t$fcc1,0x80001008"},
        {0x00a02001, "movf\ta0,a1,$fcc0"},
        {0x0128003c, ".word\t0x128003c"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        char text[64];
        mips_disassemble(cases[i].w, UINT64_C(0xffffffff80001000), text, sizeof text);
        ck_assert_str_eq(text, cases[i].text);
    }
    char small[4];
    ck_assert_int_eq(mips_disassemble(0x0128003c, 0, small, sizeof small), 15);
    ck_assert_str_eq(small, ".wo");
}
END_TEST

/* In the region of the delay slot, not of the jump. */
START_TEST(jumps_at_the_end_of_a_region)
{
    static const struct {
        uint32_t pc;
        const char *text;
    } cases[] = {{0x4ffffff8, "j\t0x40001000"},
                 {0x4ffffffc, "j\t0x50001000"},
                 {0x8ffffffc, "j\t0x90001000"},
                 {0x7ffffffc, "j\t0x80001000"},
                 {0xfffffffc, "j\t0x1000"}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        char text[64];
        mips_disassemble(0x08000400, (uint64_t)(int64_t)(int32_t)cases[i].pc, text, sizeof text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mips_disasm");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, random_words);
    tcase_add_test(t, directed);
    tcase_add_test(t, jumps_at_the_end_of_a_region);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
