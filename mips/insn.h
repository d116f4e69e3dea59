/* Instructions: what insn.def lists, as enum, table of facts, and lookup. */
#ifndef MIPS_INSN_H
#define MIPS_INSN_H

#include "core/base/base.h"

enum insn_id {
#define INSN(table, slot, id, text, args, sem, attr) INSN_##id,
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
    INSN_COUNT
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
};

extern const struct insn_info insn_info[INSN_COUNT];

/* Never fails: words that are no instruction are RESERVED, RESERVED0 (in
 * COP0: coprocessor unusable comes first), RESERVED1 or RESERVED2. */
enum insn_id insn_find(uint32_t w);

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
static inline int32_t w_simm(uint32_t w)
{
    return (int16_t)w;
}

#endif
