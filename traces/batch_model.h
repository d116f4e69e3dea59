/*
 * What foretells the next event of a batch, for the encoder and the decoder
 * alike: both ask the model, then tell it what really came. The rules are part
 * of the format and written down at message EventBatch in trace.proto.
 */
#ifndef TRACES_BATCH_MODEL_H
#define TRACES_BATCH_MODEL_H

#include <string.h>

#include "core/base/base.h"
#include "core/base/event.h"
#include "core/base/splitmix.h"

#define BATCH_EVENTS_MAX 65536u /* TRACE_BATCH_MAX */
#define BATCH_MOVES_MAX  16u
#define BATCH_VALUES_MAX 8u

enum batch_path {
    BATCH_PATH_DEEP = 0,
    BATCH_PATH_SHORT = 1,
    BATCH_PATH_LIST = 2,
    BATCH_PATH_NONE = BATCH_PATH_LIST + BATCH_MOVES_MAX,
};

enum batch_rank {
    BATCH_RANK_FORECAST = 0,
    BATCH_RANK_LIST = 1,
    BATCH_RANK_NONE = BATCH_RANK_LIST + BATCH_VALUES_MAX,
};

/* A move in one word: the site, and the steps from 16 bits up. Longer moves are not kept. */
typedef uint64_t batch_move;
#define BATCH_DELTA_MAX (UINT64_MAX >> 16)

struct batch_values { /* of one argument at one site, most recent first */
    uint64_t value[BATCH_VALUES_MAX];
    uint32_t count;
};

struct batch_site {
    uint64_t pc;
    struct batch_values *values; /* owned; one per argument of the kind */
    batch_move *moves;           /* owned; most recent first */
    uint8_t moves_count, moves_cap;
    uint8_t kind;
    uint16_t cpu;    /* vm * 256 + vcpu */
    uint32_t number; /* of that cpu in the model's list */
    uint32_t slot;   /* of site_hash */
};

#define BATCH_DEEP_MOVES    4
#define BATCH_CONTEXTS      32768u
#define BATCH_SITE_HASH     (2 * BATCH_EVENTS_MAX)
#define BATCH_TLB_HASH_BITS 12
#define BATCH_RETURNS_MAX   8u

/* The moves of which the next one is foretold. */
struct batch_context {
    struct batch_site *site;            /* of the last event */
    uint64_t history[BATCH_DEEP_MOVES]; /* hashes of the last moves, the last one first */
    uint64_t deep;                      /* of all of them, see batch_model_moved */
};

struct batch_cpu {
    uint16_t cpu;   /* vm * 256 + vcpu */
    bool refilling; /* `before` is what was before a refill whose eret did not come yet */
    uint8_t slot_low, slot_high; /* what tlbwr took so far; high < low: nothing */
    uint64_t step; /* of its last event, 0 if it has none */
    uint64_t badvaddr;
    uint64_t tlb_last[EVENT_ARGS_MAX];
    uint64_t returns[BATCH_RETURNS_MAX];
    uint32_t returns_count;
    struct batch_context before;
};

struct batch_tlb_entry {
    uint32_t batch; /* in which it was made */
    uint32_t number; /* of the cpu */
    uint64_t arg[EVENT_ARGS_MAX];
};

struct batch_model {
    struct batch_site *sites; /* BATCH_EVENTS_MAX of them */
    uint32_t sites_count;
    uint32_t batch;          /* the how many-th one this is */
    struct batch_site start; /* the site before the first event; only its moves are used */
    struct batch_context context;
    uint32_t deep_entry, short_entry;
    struct batch_cpu *cpus; /* those seen in this batch */
    uint32_t cpus_count, cpus_cap;
    const struct batch_tlb_entry *tlb_before; /* of the tlb-write whose arguments are asked for */
    uint64_t last_arg[EVENT_KINDS][EVENT_ARGS_MAX];
    batch_move deep_table[BATCH_CONTEXTS];
    batch_move short_table[BATCH_CONTEXTS];
    struct batch_tlb_entry tlb[1u << BATCH_TLB_HASH_BITS];
    uint32_t cpu_index[65536];           /* index into cpus + 1 */
    uint32_t site_hash[BATCH_SITE_HASH]; /* site + 1 */
};

/* A model is big (about 2 MiB): keep it, and reset it for each batch. */
struct batch_model *batch_model_create(void);
void batch_model_destroy(struct batch_model *m);
void batch_model_reset(struct batch_model *m);

/* A new site; there must be less than BATCH_EVENTS_MAX. kind < EVENT_KINDS. */
uint32_t batch_model_add_site(struct batch_model *m, unsigned kind, unsigned cpu, uint64_t pc);
/* The site of an event, or UINT32_MAX if it has none yet. */
static inline uint32_t batch_model_find_site(const struct batch_model *m, const struct event *ev);

/* The code of a move (enum batch_path), and the move of a code. The latter is
 * false for a code that stands for no move here; the site may not exist yet. */
static inline unsigned batch_model_code(const struct batch_model *m, uint32_t site,
                                        uint64_t delta);
static inline bool batch_model_move(const struct batch_model *m, unsigned code, uint32_t *site,
                                    uint64_t *delta);
/* The event's move is known, and its code: it goes into the tables. */
static inline void batch_model_moved(struct batch_model *m, uint32_t site, uint64_t delta,
                                     unsigned code, uint64_t step);

/* For argument i of an event at `site`, for each i in order; those below it are known. */
static inline uint64_t batch_model_forecast(struct batch_model *m,
                                            const struct batch_site *site, const struct event *ev,
                                            unsigned i);
/* The rank of a value that is not the forecast, and the value of such a rank. */
static inline unsigned batch_model_rank(const struct batch_site *site, unsigned i,
                                        uint64_t value);
bool batch_model_value(const struct batch_site *site, unsigned i, unsigned rank, uint64_t *value);
static inline void batch_model_argument(const struct batch_site *site, unsigned i, unsigned rank,
                                        uint64_t value);
/* All of the event is known. Arguments that its kind does not have are not read. */
static inline void batch_model_event(struct batch_model *m, const struct batch_site *site,
                                     const struct event *ev);

/* ---- what is called for each event, in coder and decoder ---- */

#define BATCH_GOLDEN UINT64_C(0x9E3779B97F4A7C15)
#define BATCH_MIX    UINT64_C(0xD6E8FEB86659FD93)

static inline uint32_t batch_model_sites(const struct batch_model *m)
{
    return m->sites_count;
}

static inline const struct batch_site *batch_model_site(const struct batch_model *m, uint32_t site)
{
    return &m->sites[site];
}

static inline bool batch_site_is(const struct batch_site *s, const struct event *ev)
{
    return s->pc == ev->pc && s->kind == ev->kind && s->cpu == ev->vm * 256u + ev->vcpu;
}

uint32_t batch_model_search_site(const struct batch_model *m, const struct event *ev);

static inline uint32_t batch_model_find_site(const struct batch_model *m, const struct event *ev)
{
    uint32_t guess = (uint16_t)m->deep_table[m->deep_entry];
    if (guess < m->sites_count && batch_site_is(&m->sites[guess], ev))
        return guess;
    return batch_model_search_site(m, ev);
}

/* The step of the last event of a site's cpu, 0 if it has none. */
static inline uint64_t batch_model_step(const struct batch_model *m, const struct batch_site *site)
{
    return m->cpus[site->number].step;
}

static inline batch_move batch_move_of(uint32_t site, uint64_t delta)
{
    return delta << 16 | site;
}

unsigned batch_model_search_code(const struct batch_model *m, batch_move move);

static inline unsigned batch_model_code(const struct batch_model *m, uint32_t site, uint64_t delta)
{
    batch_move move = batch_move_of(site, delta);
    if (UNLIKELY(delta > BATCH_DELTA_MAX))
        return BATCH_PATH_NONE;
    if (m->deep_table[m->deep_entry] == move)
        return BATCH_PATH_DEEP;
    return batch_model_search_code(m, move);
}

static inline bool batch_model_move(const struct batch_model *m, unsigned code, uint32_t *site,
                                    uint64_t *delta)
{
    batch_move move;
    const struct batch_site *s = m->context.site;
    if (code == BATCH_PATH_DEEP)
        move = m->deep_table[m->deep_entry];
    else if (code == BATCH_PATH_SHORT)
        move = m->short_table[m->short_entry];
    else if (code - BATCH_PATH_LIST < s->moves_count)
        move = s->moves[code - BATCH_PATH_LIST];
    else
        return false;
    *site = (uint16_t)move;
    *delta = move >> 16;
    return true;
}

static inline uint64_t batch_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (-bits & 63);
}

void batch_model_learn(struct batch_model *m, batch_move move, unsigned code);

static inline uint64_t batch_move_hash(batch_move move)
{
    uint64_t hash = move * BATCH_GOLDEN;
    return hash ^ hash >> 32;
}

/* The entries of the tables that the context leads to. */
static inline void batch_model_look(struct batch_model *m)
{
    const struct batch_context *c = &m->context;
    m->deep_entry = c->deep & (BATCH_CONTEXTS - 1);
    m->short_entry = (c->history[0] ^ batch_rotate(c->history[1], 16)) & (BATCH_CONTEXTS - 1);
    __builtin_prefetch(&m->deep_table[m->deep_entry], 1); /* for the next event */
}

/* The context of the moves with the hashes a (the last one), b, c and d is
 * a ^ rotate(b, 16) ^ rotate(c, 32) ^ rotate(d, 48): each gives other bits of its hash to the
 * entry's number, and the next context follows from it in a few operations. */
static inline void batch_model_moved(struct batch_model *m, uint32_t site, uint64_t delta,
                                     unsigned code, uint64_t step)
{
    struct batch_context *c = &m->context;
    batch_move move = batch_move_of(site, delta);
    if (code != BATCH_PATH_DEEP && LIKELY(delta <= BATCH_DELTA_MAX))
        batch_model_learn(m, move, code);
    uint64_t hash = batch_move_hash(move);
    c->deep = batch_rotate(c->deep ^ batch_rotate(c->history[3], 48), 16) ^ hash;
    c->history[3] = c->history[2];
    c->history[2] = c->history[1];
    c->history[1] = c->history[0];
    c->history[0] = hash;
    c->site = &m->sites[site];
    m->cpus[c->site->number].step = step;
    batch_model_look(m);
}

uint64_t batch_model_tlb_forecast(struct batch_model *m, const struct batch_site *site,
                                  const struct event *ev, unsigned i);

static inline uint64_t batch_model_forecast(struct batch_model *m,
                                            const struct batch_site *site, const struct event *ev,
                                            unsigned i)
{
    const struct batch_cpu *c = &m->cpus[site->number];
    if (site->kind == EVENT_ERET && c->returns_count > 0)
        return c->returns[c->returns_count - 1];
    if (site->kind == EVENT_TLB_WRITE)
        return batch_model_tlb_forecast(m, site, ev, i);
    return site->values[i].count > 0 ? site->values[i].value[0] : m->last_arg[site->kind][i];
}

static inline unsigned batch_model_rank(const struct batch_site *site, unsigned i, uint64_t value)
{
    const struct batch_values *v = &site->values[i];
    for (uint32_t k = 0; k < v->count; k++)
        if (v->value[k] == value)
            return BATCH_RANK_LIST + k;
    return BATCH_RANK_NONE;
}

void batch_model_new_value(struct batch_values *v, uint64_t value);

static inline void batch_model_argument(const struct batch_site *site, unsigned i, unsigned rank,
                                        uint64_t value)
{
    struct batch_values *v = &site->values[i];
    if (site->kind == EVENT_TLB_WRITE || (rank == BATCH_RANK_FORECAST && v->count != 0))
        return;
    if (site->kind == EVENT_REFILL) {
        v->value[0] = value;
        v->count = 1;
    } else {
        batch_model_new_value(v, value);
    }
}

void batch_return_push(struct batch_cpu *c, uint64_t pc);
void batch_model_refill(struct batch_model *m, struct batch_cpu *c);
void batch_model_refilled(struct batch_model *m, struct batch_cpu *c);
void batch_model_tlb_write(struct batch_model *m, const struct batch_site *site,
                           const struct event *ev);

static inline void batch_model_event(struct batch_model *m, const struct batch_site *site,
                                     const struct event *ev)
{
    struct batch_cpu *c = &m->cpus[site->number];
    switch (ev->kind) {
    case EVENT_REFILL:
        c->badvaddr = ev->arg[1];
        batch_return_push(c, ev->pc);
        batch_model_refill(m, c);
        break;
    case EVENT_EXCEPTION:
        c->badvaddr = ev->arg[1];
        batch_return_push(c, ev->pc);
        break;
    case EVENT_INTERRUPT:
        batch_return_push(c, ev->pc);
        break;
    case EVENT_SYSCALL:
        batch_return_push(c, ev->pc + 4);
        break;
    case EVENT_ERET:
        if (c->returns_count > 0)
            c->returns_count--;
        if (c->refilling)
            batch_model_refilled(m, c);
        break;
    case EVENT_TLB_WRITE:
        batch_model_tlb_write(m, site, ev);
        return;
    }
    uint64_t *last = m->last_arg[ev->kind];
    for (unsigned i = 0; i < event_info[ev->kind].args; i++)
        last[i] = ev->arg[i];
}

#endif
