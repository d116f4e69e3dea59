/*
 * From an instruction word to its line of insn.def: one flat table, in which
 * each opcode map has its part. The maps are those of MIPS32 volume II,
 * appendix A.
 */
#include "mips/insn.h"

const struct insn_info insn_info[INSN_COUNT] = {
#define INSN(table, slot, id, isa, text, args, sem, attr)                                          \
    [INSN_##id] = {text, args, attr, ISA_##isa},
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

/* Where each map starts; REFINED holds what only REFINE lines lead to. */
enum {
    T_PRIMARY = 0,
    T_SPECIAL = T_PRIMARY + 64,
    T_REGIMM = T_SPECIAL + 64,
    T_SPECIAL2 = T_REGIMM + 32,
    T_SPECIAL3 = T_SPECIAL2 + 64,
    T_BSHFL = T_SPECIAL3 + 64,
    T_COP0 = T_BSHFL + 32,
    T_COP0CO = T_COP0 + 16,
    T_COP1 = T_COP0CO + 64,
    T_BC1 = T_COP1 + 16,
    T_COP1S = T_BC1 + 4,
    T_COP1D = T_COP1S + 64,
    T_COP1W = T_COP1D + 64,
    T_COP1L = T_COP1W + 64,
    T_COP1X = T_COP1L + 64,
    T_REFINED = T_COP1X + 64,
    T_END = T_REFINED + 32
};

/* Id + 1, so that an empty slot is 0. */
static const uint16_t slots[T_END] = {
#define INSN(table, slot, id, isa, text, args, sem, attr) [T_##table + (slot)] = INSN_##id + 1,
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

static const struct {
    uint16_t base, id;
    uint32_t mask, value;
} refines[] = {
#define INSN(table, slot, id, isa, text, args, sem, attr)
#define REFINE(base, mask, value, id) {INSN_##base, INSN_##id, mask, value},
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

enum {
#define INSN(table, slot, id, isa, text, args, sem, attr) ATTR_##id = (attr),
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};
#define INSN(table, slot, id, isa, text, args, sem, attr)
#define REFINE(base, mask, value, id) _Static_assert(ATTR_##base & REFINED_, #base);
#include "mips/insn.def"
#undef INSN
#undef REFINE

/* What a word that is no instruction raises, by its map. */
static enum insn_id reserved_in(uint32_t w)
{
    switch (w >> 26) {
    case 0x10:
        return INSN_RESERVED0;
    case 0x11:
    case 0x13:
        return INSN_RESERVED1;
    case 0x12: /* COP2 and its loads and stores */
    case 0x32:
    case 0x36:
    case 0x3a:
    case 0x3e:
        return INSN_RESERVED2;
    default:
        return INSN_RESERVED;
    }
}

static enum insn_id refine(enum insn_id base, uint32_t w)
{
    if (!(insn_info[base].attr & REFINED_))
        return base;
    enum insn_id found = base;
    for (unsigned i = 0; i < ARRAY_LEN(refines); i++) {
        if (refines[i].base != base)
            continue;
        if ((w & refines[i].mask) == refines[i].value)
            return (enum insn_id)refines[i].id;
        found = reserved_in(w);
    }
    return found;
}

static unsigned slot_of_cop1(uint32_t w)
{
    unsigned rs = w_rs(w), funct = w & 63;
    switch (rs) {
    case 8:
        return T_BC1 + (w >> 16 & 3);
    case 16:
        return T_COP1S + funct;
    case 17:
        return T_COP1D + funct;
    case 20:
        return T_COP1W + funct;
    case 21:
        return T_COP1L + funct;
    default:
        return rs < 16 ? T_COP1 + rs : T_REFINED + 31; /* the empty slot */
    }
}

enum insn_id insn_find(uint32_t w)
{
    unsigned op = w >> 26, funct = w & 63, slot;
    switch (op) {
    case 0x00:
        slot = T_SPECIAL + funct;
        break;
    case 0x01:
        slot = T_REGIMM + w_rt(w);
        break;
    case 0x1c:
        slot = T_SPECIAL2 + funct;
        break;
    case 0x1f:
        slot = funct == 0x20 ? T_BSHFL + w_sa(w) : T_SPECIAL3 + funct;
        break;
    case 0x10:
        slot = w_rs(w) >= 16 ? T_COP0CO + funct : T_COP0 + w_rs(w);
        break;
    case 0x11:
        slot = slot_of_cop1(w);
        break;
    case 0x13:
        slot = T_COP1X + funct;
        break;
    default:
        slot = T_PRIMARY + op;
    }
    if (slots[slot] == 0)
        return reserved_in(w);
    return refine((enum insn_id)(slots[slot] - 1), w);
}

enum insn_id insn_find_in(uint32_t w, unsigned isa)
{
    enum insn_id id = insn_find(w);
    return insn_info[id].isa & isa ? id : reserved_in(w);
}
