/*
 * The columns of an event batch. What they mean is told in trace.proto, how
 * the next event is foretold in batch_model.c. This file moves numbers between
 * columns and events: the encoder appends to them, the decoder consumes them
 * and refuses whatever does not fit.
 */
#include "traces/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace.pb-c.h"
#include "traces/wire.h"

struct arg_column {
    uint32_t *rank; /* owned by the codec, room for BATCH_EVENTS_MAX, made when first used */
    int64_t *value;
    size_t ranks, values;
    size_t used; /* last rank that is not 0, + 1 */
};

struct batch_codec {
    struct batch_model *model;
    uint32_t *site_kind, *site_cpu, *path, *site;
    int64_t *site_pc;
    uint64_t *delta;
    size_t sites, news, path_used;
    uint32_t count; /* encoded */
    uint32_t kind_count[EVENT_KINDS];
    uint64_t first_step, last_step;
    struct arg_column args[EVENT_KINDS][EVENT_ARGS_MAX];
};

struct batch_codec *batch_codec_create(void)
{
    struct batch_codec *c = xcalloc(1, sizeof *c);
    c->model = batch_model_create();
    c->site_kind = xcalloc(BATCH_EVENTS_MAX, sizeof *c->site_kind);
    c->site_cpu = xcalloc(BATCH_EVENTS_MAX, sizeof *c->site_cpu);
    c->site_pc = xcalloc(BATCH_EVENTS_MAX, sizeof *c->site_pc);
    c->path = xcalloc(BATCH_EVENTS_MAX, sizeof *c->path);
    c->site = xcalloc(BATCH_EVENTS_MAX, sizeof *c->site);
    c->delta = xcalloc(BATCH_EVENTS_MAX, sizeof *c->delta);
    return c;
}

void batch_codec_destroy(struct batch_codec *c)
{
    if (c == NULL)
        return;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        for (int i = 0; i < EVENT_ARGS_MAX; i++) {
            free(c->args[kind][i].rank);
            free(c->args[kind][i].value);
        }
    }
    batch_model_destroy(c->model);
    free(c->site_kind);
    free(c->site_cpu);
    free(c->site_pc);
    free(c->path);
    free(c->site);
    free(c->delta);
    free(c);
}

/* ---- encoding ---- */

static uint32_t add_site_of(struct batch_codec *c, const struct event *ev)
{
    uint32_t known = batch_model_sites(c->model);
    uint64_t before = known == 0 ? 0 : batch_model_site(c->model, known - 1)->pc;
    unsigned cpu = ev->vm * 256u + ev->vcpu;
    c->site_kind[known] = ev->kind;
    c->site_cpu[known] = cpu;
    c->site_pc[known] = (int64_t)(ev->pc - before);
    return batch_model_add_site(c->model, ev->kind, cpu, ev->pc);
}

static void encode_arguments(struct batch_codec *c, const struct batch_site *site,
                             const struct event *ev)
{
    for (unsigned i = 0; i < event_info[ev->kind].args; i++) {
        struct arg_column *col = &c->args[ev->kind][i];
        if (col->rank == NULL) {
            col->rank = xcalloc(BATCH_EVENTS_MAX, sizeof *col->rank);
            col->value = xcalloc(BATCH_EVENTS_MAX, sizeof *col->value);
        }
        uint64_t forecast = batch_model_forecast(c->model, site, ev, i);
        size_t at = col->ranks++;
        unsigned rank = BATCH_RANK_FORECAST; /* that is 0, and there already */
        if (ev->arg[i] != forecast) {
            rank = batch_model_rank(site, i, ev->arg[i]);
            col->rank[at] = rank;
            col->used = at + 1;
        }
        if (rank == BATCH_RANK_NONE)
            col->value[col->values++] = (int64_t)(ev->arg[i] - forecast);
        batch_model_argument(site, i, rank, ev->arg[i]);
    }
}

/* A move that the deep context did not foretell: its code, and the move if none stands for it. */
static void encode_news(struct batch_codec *c, size_t at, uint32_t back, uint64_t delta,
                        unsigned code)
{
    c->path[at] = code;
    c->path_used = at + 1;
    if (code != BATCH_PATH_NONE)
        return;
    c->site[c->news] = back;
    c->delta[c->news++] = delta;
}

void batch_encode_event(struct batch_codec *c, const struct event *ev)
{
    size_t at = c->count++;
    CHECK(at < BATCH_EVENTS_MAX && ev->kind < EVENT_KINDS, "event %zu of kind %u", at, ev->kind);
    if (at == 0)
        c->first_step = ev->step;
    c->last_step = ev->step;
    c->kind_count[ev->kind]++;
    uint32_t known = batch_model_sites(c->model);
    uint32_t number = batch_model_find_site(c->model, ev);
    bool is_new = number == UINT32_MAX;
    if (is_new)
        number = add_site_of(c, ev);
    const struct batch_site *site = batch_model_site(c->model, number);
    struct batch_move move = {
        .site = number,
        .delta = ev->step - batch_model_step(c->model, site),
    };
    unsigned code = is_new ? BATCH_PATH_NONE : batch_model_code(c->model, move);
    if (code != BATCH_PATH_DEEP) /* that is 0, and there already */
        encode_news(c, at, is_new ? 0 : known - number, move.delta, code);
    batch_model_moved(c->model, move, code, ev->step);
    encode_arguments(c, site, ev);
    batch_model_event(c->model, site, ev);
}

void batch_encode_begin(struct batch_codec *c)
{
    batch_model_reset(c->model);
    memset(c->path, 0, c->path_used * sizeof c->path[0]);
    c->news = c->path_used = 0;
    c->count = 0;
    memset(c->kind_count, 0, sizeof c->kind_count);
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        for (int i = 0; i < EVENT_ARGS_MAX; i++) {
            struct arg_column *col = &c->args[kind][i];
            if (col->used != 0)
                memset(col->rank, 0, col->used * sizeof col->rank[0]);
            col->ranks = col->values = col->used = 0;
        }
    }
}

/* The argument columns that are not all zero. */
static size_t encode_columns(struct batch_codec *c, Disco__ArgColumn *columns,
                             Disco__ArgColumn **list)
{
    size_t n = 0;
    for (uint32_t kind = 0; kind < EVENT_KINDS; kind++) {
        for (uint32_t i = 0; i < EVENT_ARGS_MAX; i++) {
            struct arg_column *col = &c->args[kind][i];
            if (col->used == 0)
                continue;
            disco__arg_column__init(&columns[n]);
            columns[n].kind = kind;
            columns[n].arg = i;
            columns[n].rank = col->rank;
            columns[n].n_rank = col->used;
            columns[n].value = col->value;
            columns[n].n_value = col->values;
            list[n] = &columns[n];
            n++;
        }
    }
    return n;
}

uint32_t batch_encode_count(const struct batch_codec *c)
{
    return c->count;
}

void batch_encode_end(struct batch_codec *c, struct buf *out)
{
    CHECK(c->count >= 1, "an empty batch");
    Disco__ArgColumn columns[EVENT_KINDS * EVENT_ARGS_MAX];
    Disco__ArgColumn *list[EVENT_KINDS * EVENT_ARGS_MAX];
    Disco__EventBatch msg = DISCO__EVENT_BATCH__INIT;
    msg.count = c->count;
    msg.first_step = c->first_step;
    msg.last_step = c->last_step;
    msg.kind_count = c->kind_count;
    msg.n_kind_count = EVENT_KINDS;
    msg.site_kind = c->site_kind;
    msg.site_cpu = c->site_cpu;
    msg.site_pc = c->site_pc;
    msg.n_site_kind = msg.n_site_cpu = msg.n_site_pc = batch_model_sites(c->model);
    msg.path = c->path;
    msg.n_path = c->path_used;
    msg.site = c->site;
    msg.delta = c->delta;
    msg.n_site = msg.n_delta = c->news;
    msg.args = list;
    msg.n_args = encode_columns(c, columns, list);
    size_t size = disco__event_batch__get_packed_size(&msg);
    disco__event_batch__pack(&msg, buf_reserve(out, size));
    out->len += size;
}

/* ---- decoding ---- */

struct column_cursor {
    const Disco__ArgColumn *col;
    size_t ranks, values; /* consumed */
};

struct decoder {
    struct batch_model *model;
    const Disco__EventBatch *msg;
    size_t news; /* consumed of site and delta */
    struct column_cursor cursor[EVENT_KINDS][EVENT_ARGS_MAX];
};

static int check_head(uint64_t count, struct batch_head *head, struct err *e)
{
    if (count < 1 || count > BATCH_EVENTS_MAX)
        ERR(e, ERR_FORMAT, "event batch of %" PRIu64 " events", count);
    head->count = (uint32_t)count;
    uint64_t sum = 0;
    for (size_t i = 0; i < EVENT_KINDS; i++)
        sum += head->kind_count[i];
    if (sum != count)
        ERR(e, ERR_FORMAT, "event batch whose counts by kind do not add up");
    return 0;
}

static int head_of(const Disco__EventBatch *msg, struct batch_head *head, struct err *e)
{
    if (msg->n_kind_count > EVENT_KINDS)
        ERR(e, ERR_FORMAT, "event batch with unknown kinds of events");
    *head = (struct batch_head){.first_step = msg->first_step, .last_step = msg->last_step};
    for (size_t i = 0; i < msg->n_kind_count; i++)
        head->kind_count[i] = msg->kind_count[i];
    return check_head(msg->count, head, e);
}

static int add_site(struct decoder *d, struct err *e)
{
    uint32_t site = batch_model_sites(d->model);
    if (site >= d->msg->n_site_kind)
        ERR(e, ERR_FORMAT, "event batch lacks a site");
    uint32_t kind = d->msg->site_kind[site], cpu = d->msg->site_cpu[site];
    if (kind >= EVENT_KINDS || cpu > UINT16_MAX)
        ERR(e, ERR_FORMAT, "event batch with a bad site");
    uint64_t pc = site == 0 ? 0 : batch_model_site(d->model, site - 1)->pc;
    batch_model_add_site(d->model, kind, cpu, pc + (uint64_t)d->msg->site_pc[site]);
    return 0;
}

static int decode_move(struct decoder *d, uint32_t code, struct batch_move *move, struct err *e)
{
    uint32_t known = batch_model_sites(d->model);
    if (code == BATCH_PATH_NONE) {
        if (d->news >= d->msg->n_site)
            ERR(e, ERR_FORMAT, "event batch lacks a move");
        uint32_t back = d->msg->site[d->news];
        move->delta = d->msg->delta[d->news++];
        if (back > known)
            ERR(e, ERR_FORMAT, "event batch with a bad move");
        move->site = known - back;
        return back == 0 ? add_site(d, e) : 0;
    }
    if (!batch_model_move(d->model, code, move) || move->site >= known)
        ERR(e, ERR_FORMAT, "event batch with a bad path");
    return 0;
}

static int decode_arguments(struct decoder *d, const struct batch_site *site, struct event *ev,
                            struct err *e)
{
    for (unsigned i = 0; i < event_info[ev->kind].args; i++) {
        struct column_cursor *cur = &d->cursor[ev->kind][i];
        uint32_t rank = BATCH_RANK_FORECAST;
        if (cur->col != NULL && cur->ranks < cur->col->n_rank)
            rank = cur->col->rank[cur->ranks++];
        uint64_t value = batch_model_forecast(d->model, site, ev, i);
        if (rank == BATCH_RANK_NONE) {
            if (cur->values >= cur->col->n_value)
                ERR(e, ERR_FORMAT, "event batch lacks an argument");
            value += (uint64_t)cur->col->value[cur->values++];
        } else if (rank != BATCH_RANK_FORECAST &&
                   !batch_model_value(site, i, rank, &value)) {
            ERR(e, ERR_FORMAT, "event batch with a bad argument");
        }
        ev->arg[i] = value;
        batch_model_argument(site, i, rank, value);
    }
    return 0;
}

static int decode_event(struct decoder *d, size_t at, struct event *ev, struct err *e)
{
    struct batch_move move;
    uint32_t code = at < d->msg->n_path ? d->msg->path[at] : BATCH_PATH_DEEP;
    TRY(decode_move(d, code, &move, e));
    const struct batch_site *s = batch_model_site(d->model, move.site);
    ev->step = batch_model_step(d->model, s) + move.delta;
    ev->pc = s->pc;
    ev->kind = s->kind;
    ev->vm = (uint8_t)(s->cpu >> 8);
    ev->vcpu = (uint8_t)s->cpu;
    batch_model_moved(d->model, move, code, ev->step);
    TRY(decode_arguments(d, s, ev, e));
    batch_model_event(d->model, s, ev);
    return 0;
}

static int decoder_init(struct decoder *d, struct batch_model *model, const Disco__EventBatch *msg,
                        struct err *e)
{
    *d = (struct decoder){.model = model, .msg = msg};
    if (msg->n_site_cpu != msg->n_site_kind || msg->n_site_pc != msg->n_site_kind ||
        msg->n_site_kind > msg->count || msg->n_site != msg->n_delta ||
        msg->n_site > msg->count || msg->n_path > msg->count)
        ERR(e, ERR_FORMAT, "event batch with columns of wrong lengths");
    for (size_t i = 0; i < msg->n_args; i++) {
        const Disco__ArgColumn *col = msg->args[i];
        if (col->kind >= EVENT_KINDS || col->arg >= event_info[col->kind].args ||
            d->cursor[col->kind][col->arg].col != NULL)
            ERR(e, ERR_FORMAT, "event batch with a bad argument column");
        d->cursor[col->kind][col->arg].col = col;
    }
    return 0;
}

/* Everything must have been used, and be as the head says. */
static int decoder_fini(const struct decoder *d, const struct batch_head *have,
                        const struct batch_head *head, struct err *e)
{
    if (d->news != d->msg->n_site || batch_model_sites(d->model) != d->msg->n_site_kind)
        ERR(e, ERR_FORMAT, "event batch with unused sites");
    for (size_t i = 0; i < d->msg->n_args; i++) {
        const Disco__ArgColumn *col = d->msg->args[i];
        const struct column_cursor *cur = &d->cursor[col->kind][col->arg];
        if (cur->ranks != col->n_rank || cur->values != col->n_value)
            ERR(e, ERR_FORMAT, "event batch with unused arguments");
    }
    if (memcmp(have->kind_count, head->kind_count, sizeof have->kind_count) != 0 ||
        have->first_step != head->first_step || have->last_step != head->last_step)
        ERR(e, ERR_FORMAT, "event batch that is not what its head says");
    return 0;
}

static int decode_message(struct batch_codec *c, const Disco__EventBatch *msg,
                          struct event *events, struct batch_head *head, struct err *e)
{
    TRY(head_of(msg, head, e));
    struct decoder d;
    TRY(decoder_init(&d, c->model, msg, e));
    batch_model_reset(c->model);
    struct batch_head have = {0};
    struct event *ev = events;
    for (uint32_t i = 0; i < msg->count; i++) {
        TRY(decode_event(&d, i, ev, e));
        have.kind_count[ev->kind]++;
        have.last_step = ev->step;
        ev = (struct event *)((uint8_t *)ev + event_bytes[ev->kind]);
    }
    have.first_step = events->step;
    return decoder_fini(&d, &have, head, e);
}

static Disco__EventBatch *unpack(const uint8_t *data, size_t n, struct err *e)
{
    Disco__EventBatch *msg = disco__event_batch__unpack(NULL, n, data);
    if (msg == NULL) {
        err_set(e, ERR_FORMAT, "event batch is no valid message");
        return NULL;
    }
    if (msg->base.n_unknown_fields != 0) {
        err_set(e, ERR_FORMAT, "event batch with unknown fields");
        disco__event_batch__free_unpacked(msg, NULL);
        return NULL;
    }
    return msg;
}

static bool take_kind_counts(const struct wire_field *f, struct batch_head *head, size_t *n)
{
    struct wire w = {f->data, f->data + f->n};
    uint64_t v;
    while (wire_varint(&w, &v)) {
        if (*n >= EVENT_KINDS || v > BATCH_EVENTS_MAX)
            return false;
        head->kind_count[(*n)++] = (uint32_t)v;
    }
    return w.next == w.end;
}

/* The encoder writes the head's fields first: the walk ends behind them. */
int batch_read_head(const uint8_t *data, size_t n, struct batch_head *head, struct err *e)
{
    struct wire w = {data, data + n};
    struct wire_field f;
    size_t kinds = 0;
    bool valid = true, walking = true;
    uint64_t count = 0;
    *head = (struct batch_head){0};
    while (valid && walking && wire_next(&w, &f)) {
        if (f.number == 1 && !f.is_bytes)
            count = f.value;
        else if (f.number == 2 && !f.is_bytes)
            head->first_step = f.value;
        else if (f.number == 3 && !f.is_bytes)
            head->last_step = f.value;
        else if (f.number == 4 && f.is_bytes)
            valid = take_kind_counts(&f, head, &kinds);
        else
            walking = false;
    }
    if (!valid || (walking && w.next != w.end))
        ERR(e, ERR_FORMAT, "event batch is no valid message");
    return check_head(count, head, e);
}

int batch_decode(struct batch_codec *c, const uint8_t *data, size_t n, struct event *events,
                 struct batch_head *head, struct err *e)
{
    Disco__EventBatch *msg = unpack(data, n, e);
    if (msg == NULL)
        return ERR_FORMAT;
    int result = decode_message(c, msg, events, head, e);
    disco__event_batch__free_unpacked(msg, NULL);
    return result;
}

