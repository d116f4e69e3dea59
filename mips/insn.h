/* Instructions: what insn.def lists, as enum, table of facts, and lookup. */
#ifndef MIPS_INSN_H
#define MIPS_INSN_H

#include "core/base/base.h"

enum insn_id {
#define INSN(table, slot, id, isa, text, args, sem, attr) INSN_##id,
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
    INSN_COUNT
};

/* Who has an instruction or a register: a release of MIPS32, or an extension. */
enum insn_isa {
    ISA_R1 = 1,
    ISA_R2 = 2,
    ISA_EJTAG = 4,
    ISA_INV = 8, /* tlbinv and tlbinvf: Config4.IE */
};

enum insn_attr {
    BRANCH = 1, /* has a delay slot */
    LIKELY_ = 2,
    ALONE = 4, /* reserved in a delay slot */
    REFINED_ = 8, /* has REFINE lines */
};

struct insn_info {
    const char *text;
    const char *args;
    uint8_t attr;
    uint8_t isa; /* one of enum insn_isa */
};

extern const struct insn_info insn_info[INSN_COUNT];

/* Never fails: words that are no instruction are RESERVED, RESERVED0 (in
 * COP0: coprocessor unusable comes first), RESERVED1 or RESERVED2. */
enum insn_id insn_find(uint32_t w);
/* The same in a processor that has only `isa`, a set of enum insn_isa. */
enum insn_id insn_find_in(uint32_t w, unsigned isa);

/* Fields of an instruction word. */
static inline unsigned w_rs(uint32_t w)
{
    return w >> 21 & 31;
}
static inline unsigned w_rt(uint32_t w)
{
    return w >> 16 & 31;
}
static inline unsigned w_rd(uint32_t w)
{
    return w >> 11 & 31;
}
static inline unsigned w_sa(uint32_t w)
{
    return w >> 6 & 31;
}
/* Where j and jal go, with the delay slot at `slot`: in the 256 MB around that. */
static inline uint64_t w_jump_target(uint32_t w, uint64_t slot)
{
    return (slot & ~UINT64_C(0x0fffffff)) | (w & 0x03ffffff) << 2;
}
static inline int32_t w_simm(uint32_t w)
{
    return (int16_t)w;
}

#endif
