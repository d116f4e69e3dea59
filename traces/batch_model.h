/*
 * What foretells the next event of a batch, for the encoder and the decoder
 * alike: both ask the model, then tell it what really came. The rules are part
 * of the format and written down at message EventBatch in trace.proto.
 */
#ifndef TRACES_BATCH_MODEL_H
#define TRACES_BATCH_MODEL_H

#include "core/base/base.h"
#include "core/base/event.h"

#define BATCH_EVENTS_MAX 65536u
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

struct batch_model;

/* A model is big (about 3 MiB): keep it, and reset it for each batch. */
struct batch_model *batch_model_create(void);
void batch_model_destroy(struct batch_model *m);
void batch_model_reset(struct batch_model *m);

uint32_t batch_model_sites(const struct batch_model *m);
const struct batch_site *batch_model_site(const struct batch_model *m, uint32_t site);
/* A new site; there must be less than BATCH_EVENTS_MAX. kind < EVENT_KINDS. */
uint32_t batch_model_add_site(struct batch_model *m, unsigned kind, unsigned cpu, uint64_t pc);
/* The site of an event, or UINT32_MAX if it has none yet. */
uint32_t batch_model_find_site(const struct batch_model *m, const struct event *ev);

/* The step of the last event of a cpu, 0 if it has none. */
uint64_t batch_model_step(const struct batch_model *m, unsigned cpu);

/* The code of a move (enum batch_path), and the move of a code. The latter is
 * false for a code that stands for no move here; the site may not exist yet. */
unsigned batch_model_code(const struct batch_model *m, struct batch_move move);
bool batch_model_move(const struct batch_model *m, unsigned code, struct batch_move *move);
/* The event's move is known: it goes into all tables. */
void batch_model_moved(struct batch_model *m, struct batch_move move, uint64_t step);

/* For argument i of an event at `site` whose arguments below i are known. */
uint64_t batch_model_forecast(const struct batch_model *m, uint32_t site, const struct event *ev,
                              unsigned i);
unsigned batch_model_rank(const struct batch_model *m, uint32_t site, unsigned i, uint64_t value,
                          uint64_t forecast);
bool batch_model_value(const struct batch_model *m, uint32_t site, unsigned i, unsigned rank,
                       uint64_t *value);
void batch_model_argument(struct batch_model *m, uint32_t site, unsigned i, uint64_t value);
/* All of the event is known. */
void batch_model_event(struct batch_model *m, const struct event *ev);

#endif
