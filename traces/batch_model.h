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

#define BATCH_EVENTS_MAX 65536u /* TRACE_BATCH_MAX */
#define BATCH_MOVES_MAX  60u
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

struct batch_move {
    uint32_t site;
    uint64_t delta;
};

struct batch_values { /* of one argument at one site, most recent first */
    uint64_t value[BATCH_VALUES_MAX];
    uint32_t count;
};

struct batch_site {
    uint64_t pc;
    uint16_t cpu; /* vm * 256 + vcpu */
    uint8_t kind;
    struct batch_move *moves; /* owned; most recent first */
    uint32_t moves_count, moves_cap;
    struct batch_values *values; /* owned; one per argument of the kind */
};

#define BATCH_DEEP_MOVES    4
#define BATCH_SHORT_MOVES   2
#define BATCH_CONTEXTS      65536u
#define BATCH_SITE_HASH     (2 * BATCH_EVENTS_MAX)
#define BATCH_TLB_HASH_BITS 12
#define BATCH_RETURNS_MAX   8u

struct batch_cpu {
    uint64_t step; /* of its last event, 0 if it has none */
    uint64_t badvaddr;
    uint64_t returns[BATCH_RETURNS_MAX];
    uint32_t returns_count;
};

struct batch_tlb_entry {
    bool used;
    uint64_t arg[EVENT_ARGS_MAX];
};

struct batch_model {
    struct batch_site *sites; /* BATCH_EVENTS_MAX of them */
    uint32_t sites_count;
    struct batch_site start; /* the site before the first event; only its moves are used */
    uint32_t last_site;      /* BATCH_EVENTS_MAX for `start` */
    struct batch_move history[BATCH_DEEP_MOVES]; /* oldest first */
    uint32_t deep_entry, short_entry;
    struct batch_move deep_table[BATCH_CONTEXTS];
    struct batch_move short_table[BATCH_CONTEXTS];
    uint64_t last_arg[EVENT_KINDS][EVENT_ARGS_MAX];
    struct batch_tlb_entry tlb[1u << BATCH_TLB_HASH_BITS];
    struct batch_cpu *cpus; /* those seen in this batch */
    uint32_t cpus_count, cpus_cap;
    uint32_t cpu_index[65536]; /* index into cpus + 1 */
    uint32_t site_hash[BATCH_SITE_HASH]; /* site + 1 */
};

/* A model is big (about 3 MiB): keep it, and reset it for each batch. */
struct batch_model *batch_model_create(void);
void batch_model_destroy(struct batch_model *m);
void batch_model_reset(struct batch_model *m);

/* A new site; there must be less than BATCH_EVENTS_MAX. kind < EVENT_KINDS. */
uint32_t batch_model_add_site(struct batch_model *m, unsigned kind, unsigned cpu, uint64_t pc);
/* The site of an event, or UINT32_MAX if it has none yet. */
uint32_t batch_model_find_site(const struct batch_model *m, const struct event *ev);

/* The code of a move (enum batch_path), and the move of a code. The latter is
 * false for a code that stands for no move here; the site may not exist yet. */
unsigned batch_model_code(const struct batch_model *m, struct batch_move move);
static inline bool batch_model_move(const struct batch_model *m, unsigned code,
                                    struct batch_move *move);
/* The event's move is known: it goes into all tables. */
void batch_model_moved(struct batch_model *m, struct batch_move move, uint64_t step);

/* For argument i of an event at `site` whose arguments below i are known. */
static inline uint64_t batch_model_forecast(const struct batch_model *m, uint32_t site,
                                            const struct event *ev, unsigned i);
unsigned batch_model_rank(const struct batch_model *m, uint32_t site, unsigned i, uint64_t value,
                          uint64_t forecast);
bool batch_model_value(const struct batch_model *m, uint32_t site, unsigned i, unsigned rank,
                       uint64_t *value);
static inline void batch_model_argument(struct batch_model *m, uint32_t site, unsigned i,
                                        uint64_t value);
/* All of the event is known. Arguments that its kind does not have are not read. */
void batch_model_event(struct batch_model *m, const struct event *ev);

/* ---- what is called for each event, in coder and decoder ---- */

static inline uint32_t batch_model_sites(const struct batch_model *m)
{
    return m->sites_count;
}

static inline const struct batch_site *batch_model_site(const struct batch_model *m, uint32_t site)
{
    return &m->sites[site];
}

/* The step of the last event of a cpu, 0 if it has none. */
static inline uint64_t batch_model_step(const struct batch_model *m, unsigned cpu)
{
    return m->cpu_index[cpu] == 0 ? 0 : m->cpus[m->cpu_index[cpu] - 1].step;
}

static inline const struct batch_site *batch_model_last_site(const struct batch_model *m)
{
    return m->last_site == BATCH_EVENTS_MAX ? &m->start : &m->sites[m->last_site];
}

static inline bool batch_model_move(const struct batch_model *m, unsigned code,
                                    struct batch_move *move)
{
    if (code == BATCH_PATH_DEEP) {
        *move = m->deep_table[m->deep_entry];
        return true;
    }
    if (code == BATCH_PATH_SHORT) {
        *move = m->short_table[m->short_entry];
        return true;
    }
    const struct batch_site *s = batch_model_last_site(m);
    if (code - BATCH_PATH_LIST >= s->moves_count)
        return false;
    *move = s->moves[code - BATCH_PATH_LIST];
    return true;
}

bool batch_model_tlb_forecast(const struct batch_model *m, const struct batch_cpu *c,
                              const struct event *ev, unsigned i, uint64_t *value);

static inline uint64_t batch_model_forecast(const struct batch_model *m, uint32_t site,
                                            const struct event *ev, unsigned i)
{
    const struct batch_site *s = &m->sites[site];
    const struct batch_cpu *c = &m->cpus[m->cpu_index[s->cpu] - 1];
    if (s->kind == EVENT_ERET && c->returns_count > 0)
        return c->returns[c->returns_count - 1];
    uint64_t value;
    if (s->kind == EVENT_TLB_WRITE && batch_model_tlb_forecast(m, c, ev, i, &value))
        return value;
    return s->values[i].count > 0 ? s->values[i].value[0] : m->last_arg[s->kind][i];
}

void batch_model_new_value(struct batch_values *v, uint64_t value);

static inline void batch_model_argument(struct batch_model *m, uint32_t site, unsigned i,
                                        uint64_t value)
{
    struct batch_values *v = &m->sites[site].values[i];
    if (v->count == 0 || v->value[0] != value)
        batch_model_new_value(v, value);
}

#endif
