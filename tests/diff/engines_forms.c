/* The fixed bits of each line of insn.def, and the groups that cases mix. */
#include <string.h>

#include "core/base/err.h"
#include "tests/diff/engines.h"

#define BITS_PRIMARY(slot)  ((uint32_t)(slot) << 26)
#define BITS_SPECIAL(slot)  ((uint32_t)(slot))
#define BITS_REGIMM(slot)   (0x04000000u | (uint32_t)(slot) << 16)
#define BITS_SPECIAL2(slot) (0x70000000u | (slot))
#define BITS_SPECIAL3(slot) (0x7c000000u | (slot))
#define BITS_BSHFL(slot)    (0x7c000020u | (uint32_t)(slot) << 6)
#define BITS_COP0(slot)     (0x40000000u | (uint32_t)(slot) << 21)
#define BITS_COP0CO(slot)   (0x42000000u | (slot))
#define BITS_COP1(slot)     (0x44000000u | (uint32_t)(slot) << 21)
#define BITS_BC1(slot)      (0x45000000u | (uint32_t)(slot) << 16)
#define BITS_COP1S(slot)    (0x46000000u | (slot))
#define BITS_COP1D(slot)    (0x46200000u | (slot))
#define BITS_COP1W(slot)    (0x46800000u | (slot))
#define BITS_COP1L(slot)    (0x46a00000u | (slot))
#define BITS_COP1X(slot)    (0x4c000000u | (slot))
#define BITS_REFINED(slot)  0u

static uint32_t bits[INSN_COUNT] = {
#define INSN(table, slot, id, isa, text, args, sem, attr) [INSN_##id] = BITS_##table(slot),
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

static const struct {
    uint16_t base, id;
    uint32_t value;
} refines[] = {
#define INSN(table, slot, id, isa, text, args, sem, attr)
#define REFINE(base, mask, value, id) {INSN_##base, INSN_##id, value},
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

static uint8_t groups[INSN_COUNT];
static uint16_t members[GROUPS][INSN_COUNT];
static unsigned n_members[GROUPS];

static enum eng_group classify(enum insn_id id)
{
    const char *args = insn_info[id].args, *text = insn_info[id].text;
    uint32_t op = bits[id] >> 26;
    bool trap = (text[0] == 't' && op < 2) || id == INSN_SYSCALL || id == INSN_BREAK ||
                id == INSN_SDBBP;

    if (id >= INSN_RESERVED || args[0] == 0)
        if (op == 0 || op == 0x11 || id >= INSN_RESERVED || id == INSN_MFMC0)
            return GROUP_RESERVED;
    if (insn_info[id].attr & BRANCH)
        return GROUP_FLOW;
    if (strchr("tds", args[0]) && args[0] && strpbrk(args, "MX"))
        return GROUP_FPMEM;
    if (strpbrk(args, "MX"))
        return GROUP_MEM;
    if (op == 0x10)
        return GROUP_CP0;
    if (id == INSN_MOVF || id == INSN_MOVT || (op == 0x11 && bits[id] >> 21 < 0x228))
        return GROUP_FPMOVE;
    if (op == 0x11 || op == 0x13)
        return GROUP_FP;
    return trap ? GROUP_TRAP : GROUP_ALU;
}

void forms_init(void)
{
    bits[INSN_RESERVED] = 0x00000005;
    bits[INSN_RESERVED0] = 0x40200000;
    bits[INSN_RESERVED1] = 0x44200000;
    bits[INSN_RESERVED2] = 0x48000000;
    for (unsigned i = 0; i < ARRAY_LEN(refines); i++)
        bits[refines[i].id] = bits[refines[i].base] | refines[i].value;
    for (unsigned id = 0; id < INSN_COUNT; id++) {
        groups[id] = (uint8_t)classify((enum insn_id)id);
        members[groups[id]][n_members[groups[id]]++] = (uint16_t)id;
    }
    for (unsigned i = 0; i < GROUPS; i++)
        CHECK(n_members[i] != 0, "group %u has no instruction", i);
}

uint32_t form_bits(enum insn_id id)
{
    return bits[id];
}

enum eng_group form_group(enum insn_id id)
{
    return (enum eng_group)groups[id];
}

enum insn_id form_pick(struct rng *r, enum eng_group group)
{
    return (enum insn_id)members[group][rng_below(r, n_members[group])];
}
