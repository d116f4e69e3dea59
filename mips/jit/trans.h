/*
 * What the files of the translator share.
 *
 * Registers. Ten guest registers live in host registers all the time that
 * translated code runs, with the upper 32 bits clear; the others are in
 * cpu->gpr, sign-extended as the interpreter keeps them. So no state is ever
 * pending: at each instruction all is in its place, blocks can be chained
 * without glue, and a slow path needs only to know which instruction it is at.
 * Which ten is a `struct jit_pins`: the usual ones at every entry of a view,
 * others inside loops that gain by it (loop.c).
 *   rbp        the processor + CPU_BIAS, so that all of gpr is in reach of 8 bits
 *   r15        budget (interp_body.h): steps left after the current block
 *   rax rcx rdx  scratch; a load, a store or a simple operation leaves rdx alone
 *   rsp        as at entry
 *
 * Calls out of translated code go by a stub (stubs.c), with
 *   eax  an argument, edx  place of the micro-op in the arena, ecx  the record
 * and find all of the state in memory. The C function returns NULL, and the
 * code goes on behind the call; or where to go on instead.
 */
#ifndef MIPS_JIT_TRANS_H
#define MIPS_JIT_TRANS_H

#include "mips/jit/emit.h"
#include "mips/jit/jit.h"
#include "mips/ops.h"

#define CPU_BIAS 128
#define CPU(member) ((int32_t)offsetof(struct mips, member) - CPU_BIAS)
_Static_assert(offsetof(struct mips, gpr) == 0, "short addresses of registers");
_Static_assert(sizeof(struct mips) < INT32_MAX, "all of the processor is in reach of rbp");

/* C functions that translated code calls (calls.c). */
#define JIT_CALLS(X)                                                                               \
    X(lb) X(lbu) X(lh) X(lhu) X(lw) X(ldx) X(sb) X(sh) X(sw) X(op) X(raise) X(no_fpu) X(fpu)

enum jit_call {
#define X(name) CALL_##name,
    JIT_CALLS(X)
#undef X
    JIT_CALL_COUNT
};
#define X(name)                                                                                    \
    const uint8_t *jit_call_##name(struct mips *cpu, uint32_t a, uint32_t uop, uint32_t record);
JIT_CALLS(X)
#undef X
const uint8_t *jit_call_link(struct mips *cpu, uint32_t va, uint32_t site, uint32_t record);
extern enum op_result (*const jit_helpers[INSN_COUNT])(struct mips *cpu, uint32_t w);

/* What a call out of translated code needs to know of the block it is in. */
struct jit_record {
    uint32_t block; /* place in the arena */
    uint32_t page_va;
    uint16_t loop_start, loop_end; /* offsets in the page: where `pins` hold */
    uint16_t pins;
};

/* Of a record, what is needed to forget its block. */
struct jit_entry {
    uint32_t next; /* of the same block, + 1 */
    uint32_t code; /* place in code memory of the block's beginning with the record's pins */
    uint32_t stamp; /* of the view, then */
    struct code_view *view;
};

#define PIN_NONE 0xff
#define PINS_MAX 1024

/* Which guest registers are in host registers, and the stubs that know it.
 * Those that are jumped to take the guest's address in eax. */
struct jit_pins {
    uint8_t host[33]; /* by guest register, or PIN_NONE */
    const uint8_t *call[JIT_CALL_COUNT];
    const uint8_t *leave_at; /* out of translated code, to go on at eax */
    const uint8_t *link; /* eax: target in the page, edx: the jump to be patched, ecx: record */
};

/* Code of a word with other than the usual pins: inside a loop. */
struct jit_inner {
    const struct code_view *view;
    const uint8_t *code; /* NULL if forgotten */
    uint32_t stamp; /* of the view */
    uint16_t word;
    uint16_t pins;
};
#define INNER_SIZE (1u << 15)

struct jit {
    uint8_t *rw; /* code memory, to be written, */
    const uint8_t *rx; /* and to be run */
    struct emit stubs, hot, cold; /* cold: what a block needs rarely, off its straight path */
    uint8_t *hot_start, *hot_end, *cold_start, *cold_end;
    struct jit_record *records;
    struct jit_entry *entries; /* by record */
    uint32_t n_records;
    struct emit_features has;
    void (*enter)(struct mips *cpu, const uint8_t *code);
    const uint8_t *leave;     /* out of translated code; all state is in memory */
    const uint8_t *resume;    /* on at rax, all state is in memory */
    const uint8_t *translate; /* entry of a word not yet translated: leaves to eax */
    const uint8_t *interpret; /* entry of a word that is not translated: leaves to eax */
    const uint8_t *fpu_go_live; /* a subroutine (trans_fpu.c) */
    struct jit_pins pins[PINS_MAX]; /* [0] are the usual ones */
    unsigned n_pins;
    struct jit_inner inner[INNER_SIZE];
    uint32_t n_inner;
};

/* Bytes of code that one instruction takes at most, as a part of a block. */
#define EMIT_HOT_MAX  256
#define EMIT_COLD_MAX 384
bool jit_has_room(const struct jit *jit, size_t hot, size_t cold);

void stubs_emit(struct jit *jit);
/* The number of the pins with these host registers; 0 if there are too many kinds. */
unsigned stubs_pins(struct jit *jit, const uint8_t host[33]);

/* ---- one block on its way ---- */

/* Where the state of a branch is while its slot is translated. */
enum slot_state {
    SLOT_NONE,   /* not in a slot */
    SLOT_FIRST,  /* the slot's code runs before the branch's: a call out of it must catch up */
    SLOT_AFTER,  /* the branch has left all in memory: taken, btarget, link_old */
};

struct trans {
    struct mips *cpu;
    struct jit *jit;
    struct emit *e;    /* hot */
    struct emit *c;    /* cold */
    struct block *b;
    struct code_view *view;
    uint32_t record;
    uint32_t usual_record; /* the same with the usual pins, for ways out of a loop */
    uint32_t page_va;
    unsigned mode;
    const struct jit_pins *pins;
    uint16_t loop_start, loop_end; /* offsets in the page: where they hold, if not the usual */
    /* The instruction in work: */
    enum insn_id id;
    uint32_t w;
    unsigned offset;     /* in the page */
    const struct uop *u;
    enum slot_state slot;
    /* Of the branch, while in its slot: */
    enum insn_id branch_id;
    uint32_t branch_w;
    unsigned branch_offset;
    bool follows;        /* the block falls into the one at follow_va, not translated yet */
    uint32_t follow_va;
    unsigned follows_left; /* how many more may do that */
    bool left;           /* the last instruction has left the block */
    bool fpu_checked;    /* the block's code has checked cpu->fp_regs, */
    bool fpu_live;       /* and is sure of cpu->fp_arith here (trans_fpu.c) */
    bool kept;           /* rdx keeps a source that the slot overwrites: */
    unsigned kept_reg;
};

static inline bool is_pinned(const struct trans *t, unsigned g)
{
    return t->pins->host[g] != PIN_NONE;
}

static inline enum host_reg pin(const struct trans *t, unsigned g)
{
    return (enum host_reg)t->pins->host[g];
}

static inline struct host_mem gpr_mem(unsigned g)
{
    return mem_at(RBP, (int32_t)g * 8 - CPU_BIAS);
}

/* A host register with the value of guest register g: its own, or `scratch`. */
enum host_reg trans_get(struct trans *t, struct emit *e, unsigned g, enum host_reg scratch);
/* Its value in `d`, whatever it takes. */
void trans_load(struct trans *t, struct emit *e, unsigned g, enum host_reg d);
/* The register in which to build a new value of g (not 0). */
enum host_reg trans_dest(const struct trans *t, unsigned g, enum host_reg scratch);
/* The new value of g is in `r` (upper half clear): put it in its place. Clobbers r if not g's. */
void trans_set(struct trans *t, struct emit *e, unsigned g, enum host_reg r);
void trans_set_imm(struct trans *t, struct emit *e, unsigned g, uint32_t value);
void trans_alu(struct trans *t, struct emit *e, enum host_alu op, enum host_reg d, unsigned g);

/* What a call out of the slot must find in memory of the branch. Leaves eax alone. */
void trans_catch_up(struct trans *t, struct emit *e);
/* In `e`: call out with eax = a set. Comes back if the function returns NULL. */
void trans_call_out(struct trans *t, struct emit *e, enum jit_call call);
/* The instruction by the interpreter's helper. */
void trans_helper(struct trans *t, struct emit *e);
uint32_t trans_in_arena(const struct trans *t, const void *p);
/* The instruction raises `code`, whatever happens. */
void trans_raise(struct trans *t, struct emit *e, enum mips_exc code);
/* Cold code for the jump at `site`: the helper does it all, then back behind what is emitted so far. */
void trans_cold_helper(struct trans *t, uint8_t *site);
/* Jump to the cold code that raises `code`, if cc. */
void trans_raise_if(struct trans *t, enum host_cc cc, enum mips_exc code);

/* The address of a load or store, 32 bits, in the register returned: the base's own, or rax. */
enum host_reg trans_address(struct trans *t);
/* rcx = the software TLB's entry for `va`. Jumps away, to cold code that is
 * still to come, if it is no good or `va` not aligned. The last jump is the entry's. */
struct slow_jumps {
    uint8_t *at[2];
    unsigned n;
};
struct slow_jumps trans_look_up(struct trans *t, enum host_reg va, bool write, unsigned align);

/* Go on at a guest address: a constant, or in eax. */
void trans_goto(struct trans *t, struct emit *e, uint32_t va);
void trans_goto_eax(struct trans *t);
/* Like trans_goto, as the last code of a block: what is there may be made to follow. */
void trans_fall(struct trans *t, uint32_t va);
void trans_goto_if(struct trans *t, enum host_cc cc, uint32_t va);

/* The instruction in work, no branch; a branch and its slot, the block's end. */
void trans_one(struct trans *t);
void trans_branch(struct trans *t, const struct uop *branch, bool has_slot);

/* ---- by kind of instruction; `op` is an enum jit_op ---- */
typedef void jit_insn_fn(struct trans *t, unsigned op);
jit_insn_fn jit_alu, jit_imm, jit_shift, jit_shift_reg, jit_unary, jit_clx, jit_ext, jit_ins, jit_movc,
    jit_mfhl, jit_mthl, jit_mult, jit_trapping, jit_trap, jit_trap_imm, jit_lui, jit_load, jit_load_part,
    jit_store, jit_nop, jit_helper;

struct jit_branch {
    uint8_t cond; /* enum jit_cond */
    bool is_branch, likely, links, by_register;
};

struct jit_insn {
    jit_insn_fn *fn; /* NULL for branches */
    uint8_t op;
    struct jit_branch branch;
};
extern const struct jit_insn jit_insns[INSN_COUNT];

/* Helpers' instructions: translate one if we can. */
bool jit_inline_helper(struct trans *t);
bool jit_inline_system(struct trans *t);
bool jit_inline_fpu(struct trans *t);

/* Code for what is at `pc`, to be entered with the usual pins; and, for a jump
 * inside of a loop, with the loop's. */
const uint8_t *jit_translate(struct mips *cpu, struct code_view *view, uint64_t pc);
const uint8_t *jit_translate_inner(struct mips *cpu, struct code_view *view, uint64_t pc,
                                   const struct jit_record *from);

/* ---- loops ---- */

/* Is there a loop that starts at `offset` and gains by other pins? Their
 * number and its end (offset behind the last slot), or 0. */
unsigned loop_pins(struct mips *cpu, const uint8_t *host, unsigned offset, uint16_t *end);
/* From one kind of pins to the other. */
void loop_change_pins(struct emit *e, const struct jit_pins *from, const struct jit_pins *to);
const uint8_t *loop_inner_find(const struct jit *jit, const struct code_view *view, unsigned word,
                               unsigned pins);
void loop_inner_add(struct jit *jit, const struct code_view *view, unsigned word, unsigned pins,
                    const uint8_t *code);
void loop_inner_clear(struct jit *jit);
void loop_inner_forget(struct jit *jit, const struct code_view *view, unsigned word, unsigned pins);

#endif
