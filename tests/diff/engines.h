/*
 * Differential test of the engines: the same random case on two processors in
 * equal environments, compared in all that the contract of mips.h promises to
 * be equal: the state table, memory, events, device accesses with their time,
 * where and why runs stop.
 *
 * A case is code, state and a script (engines_gen.c); a side is a processor
 * and its environment (engines_side.c). Cases run one after the other on the
 * same two sides, so that caches are warm and code is rewritten in place; every
 * ENG_EPOCH cases the sides are made anew. A case is a function of the seed
 * and its number alone.
 *
 * Physical memory: RAM from 0, once more (the same pages) at ENG_ALIAS, a page
 * of ROM at ENG_ROM, a device's page at ENG_DEVICE, elsewhere nothing.
 */
#ifndef TESTS_DIFF_ENGINES_H
#define TESTS_DIFF_ENGINES_H

#include "core/base/base.h"
#include "core/base/event.h"
#include "mips/cpu.h"
#include "tests/rng.h"

#define ENG_EPOCH      256
#define ENG_PAGES      32u /* of RAM */
#define ENG_ALIAS      0x00100000u
#define ENG_DEVICE     0x10000000u
#define ENG_ROM        0x1fc00000u
#define ENG_ROM_FRAME  (2 * ENG_PAGES)
#define ENG_CODE       0x2000u /* programs; below are vectors, */
#define ENG_CODE_PAGES 6u
#define ENG_DATA       0x8000u /* behind is data */
#define ENG_USEG       0x00400000u /* mapped: pages of ENG_CODE first */
#define ENG_KSEG2      0xc0400000u
#define ENG_MAP_PAGES  32u

#define ENG_PUTS    2048 /* a case has some 200; a shrunk one may have those of others */
#define ENG_ACTIONS 16
#define ENG_C0      20
#define ENG_POINTS  4

/* A word of code at a physical address. */
struct eng_put {
    uint32_t pa, w;
};

enum eng_action_kind {
    ACT_RUN,     /* a: cycles */
    ACT_IRQ,     /* a: line, b: level */
    ACT_POKE,    /* a: pa, b: word: memory changes from outside */
    ACT_DMA,     /* a: pa, b: bytes, c: where in the pool */
    ACT_FLUSH,   /* mips_flush_pages */
    ACT_CHANGED, /* a: frame: mips_code_changed without a change */
    ACT_MOVE,    /* a: page: to another frame */
    ACT_SHARE,   /* a: page: its next write moves it */
    ACT_POINTS,  /* the case's breakpoints and watchpoints, b: on */
    ACT_REG,     /* a: number as gdb's, b: value */
    ACT_TIMER,   /* a: ticks from now to Compare */
    ACT_RESET,
    ACT_NONE
};

struct eng_action {
    uint8_t kind;
    uint32_t a, b, c;
};

struct eng_c0 {
    uint8_t index;
    uint32_t value;
};

struct eng_case {
    uint64_t number;
    uint32_t base; /* va of the program = pa + base */
    uint32_t pc, hi, lo, fcsr, status;
    uint32_t gpr[32];
    uint64_t fpr[32];
    unsigned n_c0, n_puts, n_actions, n_breaks, n_watches;
    struct eng_c0 c0[ENG_C0];
    struct eng_put puts[ENG_PUTS];
    unsigned n_own; /* of puts: the program; the rest are handlers */
    struct eng_action actions[ENG_ACTIONS];
    uint64_t breaks[ENG_POINTS];
    struct mips_watch watches[ENG_POINTS];
    bool full;            /* the whole state is loaded, TLB included */
    struct mips_tlb_entry tlb[MIPS_TLB_MAX];
    uint32_t data_pages;  /* mask of RAM pages that are filled from the pool */
    uint32_t data_offset; /* of the first one there */
    uint32_t device;      /* seeds what the device does */
};

/* What the sides of an epoch are. */
struct eng_config {
    const char *model;
    bool big_endian;
};

/* ---- engines_forms.c: words ---- */
enum eng_group {
    GROUP_ALU,
    GROUP_MEM,
    GROUP_FLOW,
    GROUP_TRAP,
    GROUP_FP,
    GROUP_FPMEM,
    GROUP_FPMOVE,
    GROUP_CP0,
    GROUP_RESERVED,
    GROUPS
};
void forms_init(void);
uint32_t form_bits(enum insn_id id);
enum eng_group form_group(enum insn_id id);
enum insn_id form_pick(struct rng *r, enum eng_group group);

/* ---- engines_gen.c, engines_code.c, engines_state.c ---- */
struct eng_config eng_config_of(uint64_t seed, uint64_t number);
void eng_generate(uint64_t seed, uint64_t number, struct eng_case *c);

struct eng_chunk {
    uint32_t pa, words;
};
struct eng_gen {
    struct rng r;
    struct eng_case *c;
    const struct mips_model *model;
    const uint8_t *weights;  /* of groups, in 256ths */
    uint32_t base;           /* va of code = pa + base */
    struct eng_chunk chunks[8];
    unsigned n_chunks;
    unsigned at;             /* chunk in work, */
    uint32_t pa;             /* and place in it */
    bool user, slot;
};
void gen_state(struct eng_gen *g); /* registers, and with c->full the TLB */
/* ---- engines_code.c ---- */
void gen_code(struct eng_gen *g);
void gen_handlers(struct eng_gen *g);
uint32_t gen_word(struct eng_gen *g, enum insn_id id);
uint32_t gen_any_word(struct eng_gen *g);
void gen_put(struct eng_gen *g, uint32_t w);
/* ---- engines_values.c ---- */
uint32_t gen_integer(struct rng *r);
uint64_t gen_float(struct rng *r);
uint32_t gen_pointer(struct rng *r);
uint32_t gen_chunk_address(struct eng_gen *g);
uint32_t gen_fcsr(struct eng_gen *g);
uint32_t gen_c0_value(struct eng_gen *g, unsigned index);
uint32_t gen_c0_number(unsigned index); /* register << 11 | select */
uint32_t gen_entry_lo(struct rng *r, uint32_t pfn);
uint32_t gen_pfn(struct rng *r);

/* ---- engines_side.c ---- */
struct eng_io {
    uint64_t cycle, pc, pa, value, how; /* how: size, | 16 for a write */
};

#define ENG_EVENTS 8192
#define ENG_IO     4096

struct eng_side;
/* An engine by its name, and how to run it. */
struct eng_engine {
    const char *name;
    enum mips_engine kind;
    bool units; /* unit by unit, */
    bool cold;  /* and with caches flushed all the time */
    /* With units: a planted fault, called around each. */
    bool (*before)(struct eng_side *s, uint32_t w); /* may look at the state; true: call `after` */
    void (*after)(struct eng_side *s, uint32_t w);
};

struct eng_side {
    struct mips *cpu;
    const struct mips_model *model;
    const struct eng_engine *engine;
    bool big;
    uint8_t *frames;                 /* 4 KiB each: two per page, and ROM */
    uint8_t pmap[ENG_PAGES];         /* frame of each RAM page */
    bool shared[ENG_PAGES];          /* the next write moves it */
    uint32_t dirty;                  /* RAM pages written since the last flush, at most */
    bool points_on;
    bool moves;                      /* shared pages do move when they are written */
    uint32_t device;                 /* state of the device */
    uint64_t count;                  /* of accesses to it */
    uint64_t scratch, scratch2;      /* of a planted fault */
    uint64_t flushed_at;
    struct event_log log;
    struct event one;                /* the log's memory */
    unsigned n_events;
    uint64_t events_dropped;
    unsigned n_io;
    uint64_t io_dropped;
    struct event events[ENG_EVENTS];
    struct eng_io io[ENG_IO];
};

struct eng_side *side_create(const struct eng_engine *engine, const struct eng_config *config);
void side_destroy(struct eng_side *s);
void side_prepare(struct eng_side *s, const struct eng_case *c);
/* All kinds but ACT_RUN. */
void side_act(struct eng_side *s, const struct eng_case *c, const struct eng_action *a);
enum mips_stop side_run(struct eng_side *s, uint64_t until, bool pass);
uint8_t *side_ram(const struct eng_side *s, uint32_t page);
uint32_t side_word(const struct eng_side *s, uint32_t pa);
const uint8_t *side_pool(void); /* POOL_SIZE random bytes, the same in each run */
#define ENG_POOL_SIZE (1u << 20)

/* ---- engines_faults.c ---- */
const struct eng_engine *engine_find(const char *name);
/* Planted faults: engines broken on purpose; NULL past the end. */
const struct eng_engine *engine_planted(unsigned i);

/* What the engine "trace" executed last, oldest first; returns how many. */
struct eng_trace {
    uint64_t pc;
    uint32_t w;
};
#define ENG_TRACE 12
unsigned engine_trace(struct eng_trace *out);

/* ---- engines_pair.c ---- */
struct eng_finding {
    unsigned action;  /* after which the sides differed */
    char what[240];   /* the first things that differ, with both values */
};
struct eng_pair {
    const struct eng_engine *engines[2];
    struct eng_side *sides[2];
    uint64_t seed;
    bool strict; /* compare everything at every stop */
    bool moves;  /* see struct eng_side */
    bool words;  /* cases are those of words_run */
    uint64_t runs, steps;
};
/* Sides for the epoch of case `number`. */
void pair_open(struct eng_pair *p, uint64_t number);
void pair_close(struct eng_pair *p);
/* False: they differ. */
bool pair_run(struct eng_pair *p, const struct eng_case *c, struct eng_finding *f);

/* ---- engines_shrink.c ---- */
/* The case fails on these engines, after the others of its epoch. Prints the
 * smallest one found that does; returns how many words it has that are no nops. */
unsigned shrink_and_print(struct eng_pair *p, const struct eng_case *c);

/* ---- engines_words.c ---- */
/* Each instruction in a block by itself, with `rounds` random operands on each kind
 * of side. True: no difference, and all were executed that can be. */
bool words_run(struct eng_pair *p, unsigned rounds);

#endif
