/*
 * From instruction words to a block of micro-ops (cpu.h). A block ends behind
 * the delay slot of its first branch, behind an instruction that changes the
 * processor's state at large (END lines of insn.def), at the end of the page,
 * before an instruction that has a point, or when it is long enough.
 *
 * Layouts of its end (L = links, two pointers in place of a micro-op):
 *   no branch          FALL L
 *   slot is a nop      fused-branch L
 *   conditional        branch slot GO L
 *   likely             branch L slot GO L
 *   j / jr             branch slot GO_J  or  branch slot GO_JR
 */
#include <string.h>

#include "core/base/bytes.h"
#include "mips/cpu.h"

/* Shapes: how the fields of the word become operands of the micro-op. */
enum shape {
    SHAPE_ALU,
    SHAPE_IMM,
    SHAPE_ZIMM,
    SHAPE_LUI,
    SHAPE_SHIFT,
    SHAPE_UN,
    SHAPE_EXT,
    SHAPE_INS,
    SHAPE_LOAD,
    SHAPE_STORE,
    SHAPE_CALL,
    SHAPE_BRANCH,
    SHAPE_BRANCH_FCC,
    SHAPE_JUMP,
    SHAPE_JUMP_REG,
    SHAPE_NOP,
};
#define D_CALL(fn)       SHAPE_CALL
#define D_END(fn)        SHAPE_CALL
#define D_J(l)           SHAPE_JUMP
#define D_JR(l)          SHAPE_JUMP_REG
#define D_BR(c)          SHAPE_BRANCH
#define D_BRL(c)         SHAPE_BRANCH
#define D_BAL(c)         SHAPE_BRANCH
#define D_BALL(c)        SHAPE_BRANCH
#define D_BRF(tf)        SHAPE_BRANCH_FCC
#define D_BRFL(tf)       SHAPE_BRANCH_FCC
#define D_ALU(op)        SHAPE_ALU
#define D_ALI(op)        SHAPE_IMM
#define D_ALZ(op)        SHAPE_ZIMM
#define D_ADS(op)        SHAPE_ALU
#define D_ADI(op)        SHAPE_IMM
#define D_LUI(x)         SHAPE_LUI
#define D_SHI(op)        SHAPE_SHIFT
#define D_SHV(op)        SHAPE_ALU
#define D_UN(op)         SHAPE_UN
#define D_CLX(op)        SHAPE_UN
#define D_EXT(x)         SHAPE_EXT
#define D_INS(x)         SHAPE_INS
#define D_MOVC(rel)      SHAPE_ALU
#define D_MFHL(r)        SHAPE_ALU
#define D_MTHL(r)        SHAPE_ALU
#define D_MULT(t, tt)    SHAPE_ALU
#define D_TRAP(c)        SHAPE_ALU
#define D_TRAPI(c)       SHAPE_IMM
#define D_LD(bits, type) SHAPE_LOAD
#define D_LDX(op)        SHAPE_LOAD
#define D_ST(bits)       SHAPE_STORE
#define D_NOP(x)         SHAPE_NOP

/* Does the block end behind it? */
enum { ENDS_BLOCK = 1 };
#define E_CALL(fn)       0
#define E_END(fn)        ENDS_BLOCK
#define E_J(l)           0
#define E_JR(l)          0
#define E_BR(c)          0
#define E_BRL(c)         0
#define E_BAL(c)         0
#define E_BALL(c)        0
#define E_BRF(tf)        0
#define E_BRFL(tf)       0
#define E_ALU(op)        0
#define E_ALI(op)        0
#define E_ALZ(op)        0
#define E_ADS(op)        0
#define E_ADI(op)        0
#define E_LUI(x)         0
#define E_SHI(op)        0
#define E_SHV(op)        0
#define E_UN(op)         0
#define E_CLX(op)        0
#define E_EXT(x)         0
#define E_INS(x)         0
#define E_MOVC(rel)      0
#define E_MFHL(r)        0
#define E_MTHL(r)        0
#define E_MULT(t, tt)    0
#define E_TRAP(c)        0
#define E_TRAPI(c)       0
#define E_LD(bits, type) 0
#define E_LDX(op)        0
#define E_ST(bits)       0
#define E_NOP(x)         0

static const struct {
    uint8_t shape, ends;
} shapes[INSN_COUNT] = {
#define INSN(table, slot, id, isa, text, args, sem, attr) [INSN_##id] = {D_##sem, E_##sem},
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};

struct builder {
    struct mips *cpu;
    struct block *b;
    const uint8_t *host;
    uint64_t page_va; /* counts at the end of the page only: blocks there are not kept */
    unsigned offset; /* of the instruction in work */
    unsigned steps;
};

static unsigned dest(unsigned r)
{
    return r ? r : 32;
}

static struct uop *put(struct builder *k, unsigned label)
{
    struct uop *u = &k->b->u[k->b->uops++];
    *u = (struct uop){.op = k->cpu->labels[label], .run = (uint8_t)k->steps};
    return u;
}

static void put_links(struct builder *k)
{
    memset(&k->b->u[k->b->uops++], 0, sizeof(struct uop));
}

/* Operands of `id` from its word. May turn the instruction into another. */
static void operands(struct uop *u, enum insn_id *id, uint32_t w, unsigned offset)
{
    u->s = (uint8_t)w_rs(w);
    u->t = (uint8_t)w_rt(w);
    u->d = (uint8_t)dest(w_rd(w));
    unsigned size = w_rd(w);
    switch ((enum shape)shapes[*id].shape) {
    case SHAPE_ALU:
    case SHAPE_NOP:
        break;
    case SHAPE_UN:
        break;
    case SHAPE_SHIFT:
        u->imm = w_sa(w);
        break;
    case SHAPE_IMM:
    case SHAPE_LOAD:
    case SHAPE_STORE:
        u->d = (uint8_t)dest(w_rt(w));
        u->imm = (uint32_t)w_simm(w);
        break;
    case SHAPE_ZIMM:
        u->d = (uint8_t)dest(w_rt(w));
        u->imm = w & 0xffff;
        break;
    case SHAPE_LUI:
        u->d = (uint8_t)dest(w_rt(w));
        u->imm = w << 16;
        break;
    case SHAPE_EXT:
    case SHAPE_INS:
        u->d = (uint8_t)dest(w_rt(w));
        u->t = (uint8_t)w_sa(w);
        if (*id == INSN_EXT ? size + w_sa(w) > 31 : size < w_sa(w)) {
            *id = INSN_RESERVED; /* UNPREDICTABLE by the manual */
            return;
        }
        size = *id == INSN_EXT ? size + 1 : size - w_sa(w) + 1;
        u->imm = (uint32_t)((UINT64_C(1) << size) - 1);
        break;
    case SHAPE_CALL:
        u->imm = w;
        break;
    case SHAPE_BRANCH_FCC: {
        unsigned cc = w >> 18 & 7;
        u->t = (uint8_t)(cc ? 24 + cc : 23);
        u->imm = offset + 4 + (uint32_t)w_simm(w) * 4;
        break;
    }
    case SHAPE_BRANCH:
        u->imm = offset + 4 + (uint32_t)w_simm(w) * 4;
        break;
    case SHAPE_JUMP:
    case SHAPE_JUMP_REG:
        break;
    }
}

/* Instructions that only write a register which is 0 in the end. */
static bool is_nop(enum insn_id id, const struct uop *u)
{
    enum shape shape = (enum shape)shapes[id].shape;
    if (shape == SHAPE_NOP)
        return true;
    bool pure = shape == SHAPE_SHIFT || shape == SHAPE_LUI || shape == SHAPE_ZIMM ||
                shape == SHAPE_UN || id == INSN_ADDIU || id == INSN_ADDU || id == INSN_OR;
    return pure && u->d == 32;
}

static void put_insn(struct builder *k, uint32_t w, bool in_slot)
{
    enum insn_id id = insn_find_in(w, k->cpu->isa);
    struct uop u = {0};
    if (k->cpu->point_words[k->offset / 4 % 1024 / 64] >> k->offset / 4 % 64 & 1)
        put(k, UOP_POINT);
    if (in_slot && insn_info[id].attr & (BRANCH | ALONE)) {
        put(k, UOP_SLOT_BRANCH);
        return;
    }
    operands(&u, &id, w, k->offset);
    unsigned label = is_nop(id, &u) ? (unsigned)UOP_NOP : UOP_INSN + (unsigned)id;
    struct uop *to = put(k, label);
    u.op = to->op;
    u.run = to->run;
    *to = u;
}

static bool branch_links(enum insn_id id)
{
    return id == INSN_JAL || id == INSN_JALR || id == INSN_JALR_HB ||
           (id >= INSN_BLTZAL && id <= INSN_BGEZALL);
}

/* From the start of the 256 MB around the jump to its target, which is in those around its slot. */
static uint32_t jump_distance(const struct builder *k, uint32_t w)
{
    uint64_t target = w_jump_target(w, k->page_va + k->offset + 4);
    return (uint32_t)(target - (k->page_va & ~UINT64_C(0x0fffffff)));
}

/* The branch at k->offset and its slot: the end of the block. */
static void put_branch(struct builder *k, enum insn_id id, uint32_t w, uint32_t slot)
{
    bool likely = insn_info[id].attr & LIKELY_;
    enum shape shape = (enum shape)shapes[id].shape;
    bool conditional = shape == SHAPE_BRANCH || shape == SHAPE_BRANCH_FCC;
    if (k->cpu->point_words[k->offset / 4 / 64] >> k->offset / 4 % 64 & 1)
        put(k, UOP_POINT);
    unsigned slot_word = (k->offset / 4 + 1) % 1024;
    bool fused = slot == 0 && !(k->cpu->point_words[slot_word / 64] >> slot_word % 64 & 1);
    struct uop *u = put(k, (fused ? UOP_FUSED : UOP_INSN) + (unsigned)id);
    operands(u, &id, w, k->offset);
    if (shape == SHAPE_JUMP)
        u->imm = jump_distance(k, w);
    struct uop branch = *u;
    if (fused) {
        if (conditional)
            put_links(k);
        return;
    }
    if (likely)
        put_links(k);
    k->b->slot = 1;
    if (branch_links(id))
        k->b->link = shape == SHAPE_JUMP_REG ? branch.d : 31;
    k->steps = 1;
    k->offset += 4;
    put_insn(k, slot, true);
    k->steps = 0;
    u = put(k, conditional ? UOP_GO : shape == SHAPE_JUMP ? UOP_GO_J : UOP_GO_JR);
    u->imm = branch.imm;
    if (conditional)
        put_links(k);
}

bool decode_ends_block(enum insn_id id)
{
    return shapes[id].ends;
}

uint32_t decode_word(const struct mips *cpu, const uint8_t *host, unsigned offset)
{
    return cpu->big_endian ? ld_be32(host + offset) : ld_le32(host + offset);
}

/* How many steps the block at `start` has. *branch: its last unit is a branch. */
static unsigned measure(const struct builder *k, unsigned start, unsigned max, bool have_next,
                        bool *branch)
{
    unsigned steps = 0;
    *branch = false;
    for (unsigned offset = start; offset < PAGE_SIZE && steps < max; offset += 4) {
        unsigned word = offset / 4;
        if (offset != start && k->cpu->point_words[word / 64] >> word % 64 & 1)
            break;
        enum insn_id id = insn_find_in(decode_word(k->cpu, k->host, offset), k->cpu->isa);
        if (insn_info[id].attr & BRANCH) {
            if (offset + 4 == PAGE_SIZE && !have_next)
                break;
            *branch = true;
            return steps + 2;
        }
        steps++;
        if (shapes[id].ends)
            break;
    }
    return steps;
}

bool decode_block(struct mips *cpu, const uint8_t *host, uint64_t pc, unsigned max,
                  const uint32_t *next)
{
    struct block *b = cpu->scratch;
    struct builder k = {.cpu = cpu, .b = b, .host = host, .page_va = pc & ~PAGE_MASK,
                        .offset = pc & PAGE_MASK};
    bool branch;
    unsigned start = k.offset;
    unsigned steps = measure(&k, start, max, next != NULL, &branch);
    if (steps == 0)
        return false;
    *b = (struct block){.run = (uint8_t)steps, .start = (uint16_t)start,
                        .end = (uint16_t)(start + 4 * steps)};
    k.steps = steps;
    for (; k.steps > (branch ? 2 : 0); k.steps--, k.offset += 4)
        put_insn(&k, decode_word(cpu, host, k.offset), false);
    if (branch) {
        uint32_t w = decode_word(cpu, host, k.offset);
        uint32_t slot = k.offset + 4 < PAGE_SIZE ? decode_word(cpu, host, k.offset + 4) : *next;
        put_branch(&k, insn_find_in(w, cpu->isa), w, slot);
    } else {
        put(&k, UOP_FALL);
        put_links(&k);
    }
    return true;
}
