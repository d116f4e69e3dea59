/*
 * The processor's struct and what the files of mips/ share. Who reads the
 * folder for the first time: README.md, then run.c.
 */
#ifndef MIPS_CPU_H
#define MIPS_CPU_H

#include "mips/insn.h"
#include "mips/mips.h"

enum {
#define CP0(reg, sel, id, isa, text, log) C0_##id,
#include "mips/cp0.def"
#undef CP0
    C0_REGS
};

#define STATUS_IE   (1u << 0)
#define STATUS_EXL  (1u << 1)
#define STATUS_ERL  (1u << 2)
#define STATUS_KSU  (3u << 3)
#define STATUS_NMI  (1u << 19)
#define STATUS_SR   (1u << 20)
#define STATUS_BEV  (1u << 22)
#define STATUS_FR   (1u << 26)
#define STATUS_CU0  (1u << 28)
#define STATUS_CU1  (1u << 29)
#define IRQ_LINES   0x3fu /* of irq_lines: the inputs */
#define IRQ_TIMER   0x40u /* the timer in release 1, which has no Cause.TI */
#define CAUSE_IP    0x0000ff00u
#define CAUSE_WP    (1u << 22)
#define CAUSE_IV    (1u << 23)
#define CAUSE_DC    (1u << 27)
#define CAUSE_TI    (1u << 30)
#define CAUSE_BD    (1u << 31)
#define CONFIG1_EP  (1u << 1) /* EJTAG */
#define DEBUG_DBP   (1u << 1)
#define DEBUG_EXCCODE 10      /* bits 14..10: of the last exception in debug mode */
#define DEBUG_CAUSES 0x00007c3fu
#define DEBUG_NOSST (1u << 9)  /* no single step */
#define DEBUG_VER   (1u << 15) /* EJTAG 2.5 */
#define DEBUG_COUNT (1u << 25) /* Count goes on in debug mode */
#define DEBUG_NODCR (1u << 29) /* no dseg */
#define DEBUG_DM    (1u << 30)
#define DEBUG_DBD   (1u << 31)
#define PAGEGRAIN_IEC (1u << 27)
#define PAGEGRAIN_XIE (1u << 30)
#define PAGEGRAIN_RIE (1u << 31)
#define ENTRYLO_RIXI  (PAGEGRAIN_RIE | PAGEGRAIN_XIE) /* RI, XI are where their enables are */
#define ENTRYHI_EHINV (1u << 10)
#define PAGEMASK_ALL  0x1fffe000u
#define ENTRYLO_PFN   0x03ffffc0u

enum mips_exc {
    EXC_INT = 0,
    EXC_MOD = 1,
    EXC_TLBL = 2,
    EXC_TLBS = 3,
    EXC_ADEL = 4,
    EXC_ADES = 5,
    EXC_IBE = 6,
    EXC_DBE = 7,
    EXC_SYS = 8,
    EXC_BP = 9,
    EXC_RI = 10,
    EXC_CPU = 11,
    EXC_OV = 12,
    EXC_TR = 13,
    EXC_FPE = 15,
    EXC_TLBRI = 19,
    EXC_TLBXI = 20,
    EXC_WATCH = 23,
    EXC_REFILL = 32, /* or'ed to TLBL, TLBS: no entry matches */
    EXC_NONE = -1
};

enum mips_mode { MODE_KERNEL, MODE_SUPER, MODE_USER, MODES };

/* What a helper of an instruction reports. */
enum op_result {
    OP_OK,    /* go on with the next micro-op */
    OP_LEAVE, /* done; but leave the block after this instruction */
    OP_JUMP,  /* done, cpu->pc is set: leave */
    OP_EXC,   /* nothing done, an exception was entered: cpu->pc is set */
    OP_STOP   /* nothing done, cpu->stop is set: mips_run returns */
};

/* ---- decoded code ---- */

/* A micro-op: mostly one instruction. `run` is the number of steps from it to
 * the end of its block, itself included. */
struct uop {
    const void *op; /* label in the interpreter */
    uint8_t d, s, t;
    uint8_t run;
    uint32_t imm;
};

struct block;

/* The slot behind a micro-op that ends a block: blocks in the same page that
 * follow it, [1] when a branch is taken; NULL while unknown or in other pages. */
struct links {
    struct block *next[2];
};

struct block {
    uint8_t run;    /* steps of the whole block */
    uint8_t slot;   /* 1: the last step is a delay slot with a micro-op of its own */
    uint8_t link;   /* with a slot: register that the branch writes, or 0 */
    uint8_t uops;
    uint16_t start; /* byte offsets in the page: of the first instruction, */
    uint16_t end;   /* and behind the last */
    uint32_t record; /* translator only: the last of its records with code, + 1 */
    uint32_t unused;
    struct uop u[];
};
_Static_assert(sizeof(struct uop) == 16, "micro-op");
_Static_assert(sizeof(struct links) == 16, "links take the place of a micro-op");
_Static_assert(sizeof(struct block) == 16, "block header");

#define BLOCK_STEPS_MAX 120
#define BLOCK_UOPS_MAX  (2 * BLOCK_STEPS_MAX + 8)

/* What is decoded of one host frame. */
struct code_page {
    uint8_t *host;
    uint32_t frame;
    uint32_t block[1024];  /* by word: place in the arena / 16, 0 for none */
    uint64_t decoded[16];  /* bitmap of words that some block contains */
    bool any;              /* some bit of it is set */
    uint16_t blocks;       /* how many there are in `block` */
    uint16_t forgotten;    /* one by one, since the last was added */
    bool listed;           /* is in code_cache.decoded, */
    struct code_page *next_decoded; /* which goes on here */
    struct code_view *views;
};

/* A code page as one virtual page of one mode. Translated code is made for a
 * view: it has the addresses in it. */
struct code_view {
    struct code_page *page;
    struct code_view *next; /* of the same page */
    uint64_t va;
    uint8_t mode;
    uint32_t stamp; /* counts the times that it was forgotten */
    bool fresh; /* nothing was translated since it was forgotten */
    const uint8_t *entry[]; /* translator only: by word, where to run what is there */
};

/* Virtual pages with entries in the software TLB for a frame (mmu.c): page | mode * VIRTUAL_PAGES,
 * + 1; 0: none. Some may have none any more. */
struct frame_users {
    uint32_t page[2];
};

struct code_cache {
    struct code_page **pages; /* by frame; NULL for none */
    struct code_page *decoded; /* list: those with decoded code are in it */
    struct frame_users *users; /* by frame */
    uint32_t n_pages;
    uint32_t n_views; /* of all pages */
    uint8_t *arena;
    uint32_t used; /* bytes of the arena */
    uint64_t generation; /* counts the times that everything was dropped */
};

/* ---- software TLB (mmu.c) ---- */

#define VIRTUAL_PAGES (1u << 20)
#define FILLS_MAX     (1u << 16)

enum { KIND_UNMAPPED, KIND_MAPPED, KINDS }; /* by the TLB */

/* By virtual page. A positive entry of read or write, added to the address
 * (its low 32 bits), is the host address. Everything else is the slow path's. */
struct mode_cache {
    int64_t read[VIRTUAL_PAGES], write[VIRTUAL_PAGES];
    struct code_view *fetch[VIRTUAL_PAGES];
    uint64_t filled[VIRTUAL_PAGES / 64]; /* bitmap: may the page have an entry? */
    uint64_t some[VIRTUAL_PAGES / 64 / 64]; /* bitmap: may the word of `filled` have a bit? */
};

/* Pages that got an entry: page | mode << 20. Some may be there twice, or without one by now. */
struct fill_list {
    uint32_t *at;
    uint32_t n;
};

/* ---- where to look for a TLB entry: tlb_index.c ---- */

#define TLB_CHAINS 256

/* Numbers are + 1, 0 for none. */
struct tlb_index {
    uint16_t first[TLB_CHAINS];         /* of the entries with that hash, */
    uint16_t next[MIPS_TLB_MAX];        /* in ascending order */
    uint64_t large[MIPS_TLB_MAX / 64];  /* bitmap of entries with pages above 4 KiB */
};

struct mips {
    uint64_t gpr[33]; /* [32] takes what is written to register 0 */
    struct mode_cache *mode_cache; /* of the current mode */
    uint64_t page_va;  /* of the current block */
    struct block *cur; /* the current block */
    uint8_t *arena;    /* = code.arena */
    const struct uop *u; /* current micro-op inside helpers, else NULL */
    int64_t budget;
    uint64_t btarget;    /* of a jr on its way through the delay slot */
    uint64_t link_old;   /* of block.link, for undoing a branch */
    uint32_t taken;
    uint8_t llbit, waiting;
    uint64_t hi, lo;
    uint64_t pc; /* of the next unit, valid outside the interpreter's blocks */

    uint64_t c0[C0_REGS];
    uint64_t fpr[32];
    uint32_t fcsr;
    uint32_t irq_lines;  /* levels of the six inputs; IRQ_TIMER */
    uint32_t count_base; /* Count - cycle / 2; Count itself while it is stopped */
    uint64_t steps;      /* exact outside mips_run */
    uint64_t skipped;
    uint64_t ll_pa;

    uint64_t tlb_vpn2[MIPS_TLB_MAX];
    uint64_t tlb_lo[MIPS_TLB_MAX][2];
    uint32_t tlb_mask[MIPS_TLB_MAX];
    uint32_t tlb_asid[MIPS_TLB_MAX];
    uint8_t tlb_global[MIPS_TLB_MAX];
    uint8_t tlb_hidden[MIPS_TLB_MAX];

    /* Derived, or not guest state. */
    struct tlb_index tlb_index;
    const struct mips_model *model;
    struct mips_env env;
    bool big_endian;
    uint8_t isa; /* set of enum insn_isa: what it decodes */
    bool running;
    bool leave;        /* leave the block after this instruction */
    bool stop_request;
    bool pass;         /* points are ignored in this unit */
    bool fetch_slot;   /* the exception on the way is about a slot not yet begun */
    bool stopped;      /* a point was hit: `stop` says which */
    enum mips_stop stop;
    enum mips_mode mode;
    uint64_t limit;    /* steps at which the current stretch of mips_run ends */
    uint64_t timer_at; /* cycle of the next Compare match */
    uint32_t c0_mask[C0_REGS]; /* bits that mtc0 may change */

    const void *const *labels;
    void (*interp)(struct mips *cpu, struct block *b);
    struct code_cache code;
    struct fill_list fills[KINDS];
    struct fill_list writes; /* those that got an entry for writing since that was last flushed */
    struct block *scratch;    /* room for one block that is not kept */
    struct links *link_from;  /* to be filled with the block found next */
    unsigned link_index;

    uint64_t fault_low; /* low bits of the address of lwl ... swr under way, for BadVAddr */
    uint64_t *breaks; /* sorted */
    size_t n_breaks;
    struct mips_watch *watches; /* of physical memory */
    size_t n_watches;
    bool tell_mapping; /* call env.mapping */
    uint64_t point_words[16]; /* bitmap of page offsets at which a POINT micro-op goes */
    struct mips_hit hit;
    enum mips_engine engine;
    struct jit *jit;      /* NULL if the engine is the interpreter */
    void *jit_sp;         /* host stack pointer of translated code */
    uint64_t jit_value;   /* what a call out of it loaded */
    uint64_t flushes;     /* counts flushes of the software TLB */
    uint32_t jit_kept;    /* rdx during a call out of it */
    uint8_t fp_regs;      /* FPU_* (fpu.c): what moves and loads of the FPU depend on */
    uint8_t fp_usual;     /* the same when the FPU was last on */
    uint8_t fp_arith;     /* translator only, with the rest of fp_: jit_fpu.h */
    uint32_t fp_last;
    uint64_t fp_operands[3];
    uint32_t fp_mxcsr[4];
    bool look_up_limit;   /* the timer changed: mips_run must set its limit anew */
    bool profile;
    struct mips_stats stats;
    uint64_t helper_calls[INSN_COUNT];
    struct mode_cache modes[MODES]; /* mostly untouched memory of zeros */
};

/* ---- model.c ---- */
unsigned model_isa(const struct mips_model *model); /* a set of enum insn_isa */

/* ---- run.c ---- */
/* Set cpu->pc and cpu->budget after micro-op `u` ended with `r`. */
void run_leave(struct mips *cpu, const struct uop *u, enum op_result r);
uint64_t run_unit_pc(const struct mips *cpu);
bool run_in_slot(const struct mips *cpu);
uint64_t run_unit_steps(const struct mips *cpu);

/* ---- exception.c ---- */
/* Enter an exception at the current instruction. Always OP_EXC. */
enum op_result exc_raise(struct mips *cpu, enum mips_exc code) COLD;
enum op_result exc_raise_address(struct mips *cpu, int code, uint64_t va) COLD;
enum op_result exc_coprocessor(struct mips *cpu, unsigned unit) COLD;
void exc_interrupt(struct mips *cpu);
void exc_event(struct mips *cpu, enum event_kind kind, uint64_t a0, uint64_t a1, uint64_t a2);
bool exc_irq_ready(const struct mips *cpu);

/* ---- mmu.c ---- */
/* Translate for `access` (one of enum mips_access) in the current mode.
 * EXC_NONE or the exception code, perhaps with EXC_REFILL. */
int mmu_translate(const struct mips *cpu, uint64_t va, enum mips_access access, uint64_t *pa,
                  uint8_t *kind);
enum op_result mmu_load(struct mips *cpu, uint64_t va, unsigned size, uint64_t *value);
enum op_result mmu_store(struct mips *cpu, uint64_t va, unsigned size, uint64_t value);
/* Same, without a look into the software TLB first: for the interpreter. */
enum op_result mmu_load_slow(struct mips *cpu, uint64_t va, unsigned size, uint64_t *value);
enum op_result mmu_store_slow(struct mips *cpu, uint64_t va, unsigned size, uint64_t value);
/* A TLB refill for a load is done: have what the load will need ready. No guest can tell. */
void mmu_foresee_load(struct mips *cpu, uint64_t va);
/* For fetching at pc; NULL after an exception was entered. */
struct code_view *mmu_fetch(struct mips *cpu, uint64_t va);
void mmu_init(struct mips *cpu);
void mmu_destroy(struct mips *cpu);
void mmu_mode_changed(struct mips *cpu);
void mmu_flush_all(struct mips *cpu);
void mmu_flush_asid(struct mips *cpu);
/* No store goes to the frame without coming to mmu_store_slow. */
void mmu_flush_writes(struct mips *cpu, uint32_t frame);
void mmu_flush_range(struct mips *cpu, uint64_t va, uint64_t len);
/* What these addresses mean may have changed: tell whoever asked. */
void mmu_mapping_changed(struct mips *cpu, uint64_t va, uint64_t len);
#define MMU_ALL (UINT64_C(1) << 32) /* such a length, from 0 on: all addresses */
/* Would a store of these bytes, all in one aligned word, stop at a watchpoint? OP_STOP. */
enum op_result mmu_watch_bytes(struct mips *cpu, uint64_t va, unsigned n);

/* ---- tlb.c ---- */
void tlb_reset(struct mips *cpu);

/* ---- tlb_index.c ---- */
/* Number of the entry that matches, the lowest if several do; -1 for none. */
int tlb_find(const struct mips *cpu, uint64_t va, unsigned asid);
/* Before an entry's VPN2, mask, ASID, G or hidden bit changes, and after. */
void tlb_index_remove(struct mips *cpu, unsigned i);
void tlb_index_add(struct mips *cpu, unsigned i);
/* After any number of them changed. */
void tlb_index_rebuild(struct mips *cpu);

/* ---- code.c ---- */
void code_init(struct mips *cpu);
void code_destroy(struct mips *cpu);
/* Make the arrays by frame reach it. */
void code_reach(struct mips *cpu, uint32_t frame);
struct code_view *code_view_get(struct mips *cpu, uint32_t frame, uint8_t *host, uint64_t va);
/* The block at `pc`, whose page is `cp`, when `budget` steps are left: from the
 * cache, or a scratch block of `budget` steps (one more if its last unit is a
 * branch). NULL: a branch at the page's end, whose slot is in the next page. */
struct block *code_block(struct mips *cpu, struct code_page *cp, uint64_t pc, int64_t budget);
bool code_has_room(const struct mips *cpu); /* for one more block, without dropping all */
void code_drop_all(struct mips *cpu);
void code_drop_views(struct mips *cpu); /* and all views; not while a block runs */
/* Are there so many views that they should go? */
bool code_views_full(const struct mips *cpu);
bool code_has(const struct mips *cpu, uint32_t frame);
/* A store to `len` bytes of a frame. True if decoded words were hit: the block that runs may be
 * gone, and must be left after its current instruction. */
bool code_store(struct mips *cpu, uint32_t frame, uint32_t offset, uint32_t len);

/* ---- decode.c ---- */
/* Decode one block at `pc` into cpu->scratch: at most `max` steps (or one
 * unit), from the 4 KiB at `host`. `next` is the word behind the page, for a
 * branch at its end. False: a branch at the end, and next is NULL. */
bool decode_block(struct mips *cpu, const uint8_t *host, uint64_t pc, unsigned max,
                  const uint32_t *next);
/* Is it an instruction that always leaves its block? */
bool decode_ends_block(enum insn_id id);
uint32_t decode_word(const struct mips *cpu, const uint8_t *host, unsigned offset);

/* ---- cp0.c ---- */
bool cp0_usable(const struct mips *cpu);
void cp0_init(struct mips *cpu);
void cp0_reset(struct mips *cpu);
uint64_t cp0_read(struct mips *cpu, unsigned index);
uint64_t cp0_entry_lo(const struct mips *cpu, uint64_t lo); /* RI and XI only if enabled */
void cp0_write(struct mips *cpu, unsigned index, uint64_t value);
void cp0_update_irq(struct mips *cpu);
void cp0_timer_irq(struct mips *cpu, bool level); /* Count met Compare; Compare was written */
/* Of the register with that number, or: */
#define CP0_NONE     (-1) /* reads as 0 in this model */
#define CP0_RESERVED (-2) /* a reserved instruction: a later release has it */
int cp0_index(const struct mips *cpu, unsigned reg, unsigned sel);
/* Is a write to it nothing but c0 = (c0 & ~c0_mask) | (value & c0_mask)? */
bool cp0_is_storage(const struct mips *cpu, unsigned index);
unsigned cp0_random(const struct mips *cpu); /* Random, as the present instruction sees it */

/* ---- fpu.c ---- */
#define FPU_ON   1u /* Status.CU1 */
#define FPU_WIDE 2u /* Status.FR */
#define FPU_2008 4u /* FCSR.ABS2008 */
void fpu_mode_changed(struct mips *cpu); /* after Status or FCSR.ABS2008 changed */
unsigned fpu_fcc_bit(unsigned cc); /* in FCSR */

/* ---- timer.c ---- */
void timer_update(struct mips *cpu); /* after Count, Compare or Cause.DC changed */
void timer_check(struct mips *cpu);  /* note a match that is due */
uint32_t timer_count(const struct mips *cpu);

/* ---- points.c ---- */
/* Do CP0's watch registers look at any of these virtual addresses, or the debugger at any of these
 * physical ones? */
bool points_watched(const struct mips *cpu, uint64_t va, uint64_t len);
bool points_watched_memory(const struct mips *cpu, uint64_t pa, uint64_t len);
/* CP0's watch registers before an access: OP_EXC. The debugger's watches: OP_STOP. */
enum op_result points_check_data(struct mips *cpu, uint64_t va, unsigned size,
                                 enum mips_access access);
enum op_result points_check_memory(struct mips *cpu, uint64_t va, uint64_t pa, unsigned size,
                                   enum mips_access access);
enum op_result points_check_fetch(struct mips *cpu);
void points_update(struct mips *cpu);

/* ---- the interpreters; NULL for b only sets cpu->labels ---- */
void interp_le(struct mips *cpu, struct block *b);
void interp_be(struct mips *cpu, struct block *b);

enum uop_label {
    UOP_NOP,     /* retires */
    UOP_POINT,   /* check breakpoints; no step of its own */
    UOP_FALL,    /* the block's end without a branch; no step */
    UOP_GONE,    /* first of a block that was forgotten; no step */
    UOP_GO,      /* after a conditional branch's slot */
    UOP_GO_J,
    UOP_GO_JR,
    UOP_SLOT_BRANCH, /* a branch in a delay slot: reserved */
    UOP_INSN,    /* + insn id */
    UOP_FUSED = UOP_INSN + INSN_COUNT, /* + insn id: a branch whose slot is a nop */
    UOP_LABELS = UOP_FUSED + INSN_COUNT
};

#endif
