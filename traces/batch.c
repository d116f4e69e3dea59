/*
 * The columns of an event batch. What they mean is told in trace.proto, how
 * the next event is foretold in batch_model.c. This file moves numbers between
 * columns and events: the encoder appends to them, the decoder consumes them
 * and refuses whatever does not fit.
 *
 * There are tens of millions of events, and the columns' bytes are what costs:
 * so they are kept as they stand in the message, and the message is put
 * together and taken apart here (wire.h), not by protobuf-c.
 */
#include "traces/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/wire.h"

/* The fields of the messages EventBatch and ArgColumn. */
enum batch_field {
    FIELD_COUNT = 1,
    FIELD_FIRST_STEP,
    FIELD_LAST_STEP,
    FIELD_KIND_COUNT,
    FIELD_SITE_KIND,
    FIELD_SITE_CPU,
    FIELD_SITE_PC,
    FIELD_PATH,
    FIELD_SITE,
    FIELD_DELTA,
    FIELD_ARGS,
    FIELDS,
};
enum column_field { COLUMN_KIND = 1, COLUMN_ARG, COLUMN_RANK, COLUMN_VALUE, COLUMN_FIELDS };

/* Packed numbers, BATCH_EVENTS_MAX of any size fit; the memory is there once one was put. */
struct column {
    uint8_t *data, *end;
};

struct arg_column {
    uint8_t *rank; /* owned by the codec, room for BATCH_EVENTS_MAX, made when first used */
    size_t used;   /* last rank that is not 0, + 1 */
    struct column value;
};

struct batch_codec {
    struct batch_model *model;
    uint32_t count; /* encoded */
    size_t path_used;
    uint32_t kind_count[EVENT_KINDS];
    uint64_t first_step, last_step;
    struct column site_kind, site_cpu, site_pc, site, delta;
    struct arg_column args[EVENT_KINDS][EVENT_ARGS_MAX];
    struct buf message; /* of a column */
    uint8_t path[BATCH_EVENTS_MAX];
};

struct batch_codec *batch_codec_create(void)
{
    struct batch_codec *c = xcalloc(1, sizeof *c);
    c->model = batch_model_create();
    return c;
}

void batch_codec_destroy(struct batch_codec *c)
{
    if (c == NULL)
        return;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        for (int i = 0; i < EVENT_ARGS_MAX; i++) {
            free(c->args[kind][i].rank);
            free(c->args[kind][i].value.data);
        }
    }
    batch_model_destroy(c->model);
    free(c->site_kind.data);
    free(c->site_cpu.data);
    free(c->site_pc.data);
    free(c->site.data);
    free(c->delta.data);
    buf_free(&c->message);
    free(c);
}

/* ---- encoding ---- */

static inline void column_put(struct column *col, uint64_t v)
{
    if (UNLIKELY(col->data == NULL))
        col->data = col->end = xmalloc(BATCH_EVENTS_MAX * WIRE_VARINT_MAX);
    col->end = wire_put_varint(col->end, v);
}

static uint32_t add_site_of(struct batch_codec *c, const struct event *ev)
{
    uint32_t known = batch_model_sites(c->model);
    uint64_t before = known == 0 ? 0 : batch_model_site(c->model, known - 1)->pc;
    unsigned cpu = ev->vm * 256u + ev->vcpu;
    column_put(&c->site_kind, ev->kind);
    column_put(&c->site_cpu, cpu);
    column_put(&c->site_pc, wire_zigzag((int64_t)(ev->pc - before)));
    return batch_model_add_site(c->model, ev->kind, cpu, ev->pc);
}

/* An argument of the how many-th event of its kind is not the forecast. */
static unsigned encode_rank(struct batch_codec *c, const struct batch_site *site,
                            const struct event *ev, unsigned i, size_t at, uint64_t forecast)
{
    struct arg_column *col = &c->args[ev->kind][i];
    if (col->rank == NULL)
        col->rank = xcalloc(BATCH_EVENTS_MAX, sizeof *col->rank);
    unsigned rank = batch_model_rank(site, i, ev->arg[i]);
    col->rank[at] = (uint8_t)rank;
    col->used = at + 1;
    if (rank == BATCH_RANK_NONE)
        column_put(&col->value, wire_zigzag((int64_t)(ev->arg[i] - forecast)));
    return rank;
}

static void encode_arguments(struct batch_codec *c, const struct batch_site *site,
                             const struct event *ev, size_t at)
{
    for (unsigned i = 0; i < event_info[ev->kind].args; i++) {
        uint64_t forecast = batch_model_forecast(c->model, site, ev, i);
        unsigned rank = BATCH_RANK_FORECAST; /* that is 0, and there already */
        if (ev->arg[i] != forecast)
            rank = encode_rank(c, site, ev, i, at, forecast);
        batch_model_argument(site, i, rank, ev->arg[i]);
    }
}

/* A move that the deep context did not foretell: its code, and the move if none stands for it. */
static void encode_news(struct batch_codec *c, size_t at, uint32_t back, uint64_t delta,
                        unsigned code)
{
    c->path[at] = (uint8_t)code;
    c->path_used = at + 1;
    if (code != BATCH_PATH_NONE)
        return;
    column_put(&c->site, back);
    column_put(&c->delta, delta);
}

void batch_encode_event(struct batch_codec *c, const struct event *ev)
{
    size_t at = c->count++;
    CHECK(at < BATCH_EVENTS_MAX && ev->kind < EVENT_KINDS, "event %zu of kind %u", at, ev->kind);
    if (at == 0)
        c->first_step = ev->step;
    c->last_step = ev->step;
    uint32_t known = batch_model_sites(c->model);
    uint32_t number = batch_model_find_site(c->model, ev);
    bool is_new = number == UINT32_MAX;
    if (is_new)
        number = add_site_of(c, ev);
    const struct batch_site *site = batch_model_site(c->model, number);
    uint64_t delta = ev->step - batch_model_step(c->model, site);
    unsigned code = is_new ? BATCH_PATH_NONE : batch_model_code(c->model, number, delta);
    if (code != BATCH_PATH_DEEP) /* that is 0, and there already */
        encode_news(c, at, is_new ? 0 : known - number, delta, code);
    batch_model_moved(c->model, number, delta, code, ev->step);
    encode_arguments(c, site, ev, c->kind_count[ev->kind]++);
    batch_model_event(c->model, site, ev);
}

void batch_encode_begin(struct batch_codec *c)
{
    batch_model_reset(c->model);
    memset(c->path, 0, c->path_used);
    c->path_used = 0;
    c->count = 0;
    memset(c->kind_count, 0, sizeof c->kind_count);
    struct column *columns[] = {&c->site_kind, &c->site_cpu, &c->site_pc, &c->site, &c->delta};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        columns[i]->end = columns[i]->data;
    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        for (int i = 0; i < EVENT_ARGS_MAX; i++) {
            struct arg_column *col = &c->args[kind][i];
            if (col->used != 0)
                memset(col->rank, 0, col->used);
            col->used = 0;
            col->value.end = col->value.data;
        }
    }
}

uint32_t batch_encode_count(const struct batch_codec *c)
{
    return c->count;
}

static void put_column(struct buf *out, uint32_t field, const struct column *col)
{
    wire_put_bytes(out, field, col->data, (size_t)(col->end - col->data));
}

static void put_args(struct batch_codec *c, uint32_t kind, uint32_t i, struct buf *out)
{
    const struct arg_column *col = &c->args[kind][i];
    if (col->used == 0)
        return; /* all zero */
    buf_clear(&c->message);
    wire_put_number(&c->message, COLUMN_KIND, kind);
    wire_put_number(&c->message, COLUMN_ARG, i);
    wire_put_bytes(&c->message, COLUMN_RANK, col->rank, col->used);
    put_column(&c->message, COLUMN_VALUE, &col->value);
    wire_put_bytes(out, FIELD_ARGS, c->message.data, c->message.len);
}

void batch_encode_end(struct batch_codec *c, struct buf *out)
{
    CHECK(c->count >= 1, "an empty batch");
    uint8_t counts[EVENT_KINDS * WIRE_VARINT_MAX], *end = counts;
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        end = wire_put_varint(end, c->kind_count[kind]);
    wire_put_number(out, FIELD_COUNT, c->count);
    wire_put_number(out, FIELD_FIRST_STEP, c->first_step);
    wire_put_number(out, FIELD_LAST_STEP, c->last_step);
    wire_put_bytes(out, FIELD_KIND_COUNT, counts, (size_t)(end - counts));
    put_column(out, FIELD_SITE_KIND, &c->site_kind);
    put_column(out, FIELD_SITE_CPU, &c->site_cpu);
    put_column(out, FIELD_SITE_PC, &c->site_pc);
    wire_put_bytes(out, FIELD_PATH, c->path, c->path_used);
    put_column(out, FIELD_SITE, &c->site);
    put_column(out, FIELD_DELTA, &c->delta);
    for (uint32_t kind = 0; kind < EVENT_KINDS; kind++)
        for (uint32_t i = 0; i < EVENT_ARGS_MAX; i++)
            put_args(c, kind, i, out);
}

/* ---- decoding ---- */

struct column_cursor {
    bool present;
    struct wire rank, value; /* what is left of them */
};

struct decoder {
    struct batch_model *model;
    struct batch_head head;
    struct wire field[FIELDS]; /* of packed numbers: what is left of them */
    struct column_cursor cursor[EVENT_KINDS][EVENT_ARGS_MAX];
};

static int no_message(struct err *e)
{
    ERR(e, ERR_FORMAT, "event batch is no valid message");
}

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

static int take_kind_counts(const struct wire_field *f, struct batch_head *head, struct err *e)
{
    struct wire w = {f->data, f->data + f->n};
    uint64_t v;
    size_t n = 0;
    while (wire_varint(&w, &v)) {
        if (n >= EVENT_KINDS)
            ERR(e, ERR_FORMAT, "event batch with unknown kinds of events");
        if (v > BATCH_EVENTS_MAX)
            return no_message(e);
        head->kind_count[n++] = (uint32_t)v;
    }
    return w.next == w.end ? 0 : no_message(e);
}

/* The fields of the head, which the encoder writes first; *w is then at the first other one. */
static int take_head(struct wire *w, struct batch_head *head, struct err *e)
{
    struct wire_field f;
    uint64_t count = 0;
    *head = (struct batch_head){0};
    for (struct wire at = *w; wire_next(&at, &f) && f.number <= FIELD_KIND_COUNT; *w = at) {
        if (f.is_bytes != (f.number == FIELD_KIND_COUNT))
            return no_message(e);
        if (f.number == FIELD_COUNT)
            count = f.value;
        else if (f.number == FIELD_FIRST_STEP)
            head->first_step = f.value;
        else if (f.number == FIELD_LAST_STEP)
            head->last_step = f.value;
        else
            TRY(take_kind_counts(&f, head, e));
    }
    return check_head(count, head, e);
}

static int take_arg_column(struct decoder *d, const struct wire_field *field, struct err *e)
{
    struct wire w = {field->data, field->data + field->n};
    struct wire_field f;
    uint64_t kind = 0, arg = 0;
    struct column_cursor cursor = {.present = true};
    while (wire_next(&w, &f)) {
        if (f.number >= COLUMN_FIELDS || f.is_bytes != (f.number >= COLUMN_RANK))
            return no_message(e);
        if (f.number == COLUMN_KIND)
            kind = f.value;
        else if (f.number == COLUMN_ARG)
            arg = f.value;
        else if (f.number == COLUMN_RANK)
            cursor.rank = (struct wire){f.data, f.data + f.n};
        else
            cursor.value = (struct wire){f.data, f.data + f.n};
    }
    if (w.next != w.end)
        return no_message(e);
    if (kind >= EVENT_KINDS || arg >= event_info[kind].args || d->cursor[kind][arg].present)
        ERR(e, ERR_FORMAT, "event batch with a bad argument column");
    d->cursor[kind][arg] = cursor;
    return 0;
}

static int take_fields(struct decoder *d, const uint8_t *data, size_t n, struct err *e)
{
    struct wire w = {data, data + n};
    struct wire_field f;
    TRY(take_head(&w, &d->head, e));
    while (wire_next(&w, &f)) {
        if (f.number >= FIELDS || f.number <= FIELD_KIND_COUNT || !f.is_bytes)
            return no_message(e);
        if (f.number == FIELD_ARGS)
            TRY(take_arg_column(d, &f, e));
        else if (d->field[f.number].end != NULL)
            ERR(e, ERR_FORMAT, "event batch with a column that stands twice");
        else
            d->field[f.number] = (struct wire){f.data, f.data + f.n};
    }
    return w.next == w.end ? 0 : no_message(e);
}

/* The next of a column whose numbers are all less than 128 and are 0 behind its end. */
static inline uint32_t take_code(struct wire *w)
{
    return w->next < w->end ? *w->next++ : 0;
}

static int add_site(struct decoder *d, struct err *e)
{
    uint32_t site = batch_model_sites(d->model);
    uint64_t kind, cpu, pc;
    if (!wire_varint(&d->field[FIELD_SITE_KIND], &kind) ||
        !wire_varint(&d->field[FIELD_SITE_CPU], &cpu) ||
        !wire_varint(&d->field[FIELD_SITE_PC], &pc))
        ERR(e, ERR_FORMAT, "event batch lacks a site");
    if (kind >= EVENT_KINDS || cpu > UINT16_MAX)
        ERR(e, ERR_FORMAT, "event batch with a bad site");
    uint64_t before = site == 0 ? 0 : batch_model_site(d->model, site - 1)->pc;
    batch_model_add_site(d->model, (unsigned)kind, (unsigned)cpu,
                         before + (uint64_t)wire_unzigzag(pc));
    return 0;
}

static int decode_move(struct decoder *d, uint32_t code, uint32_t *site, uint64_t *delta,
                       struct err *e)
{
    uint32_t known = batch_model_sites(d->model);
    if (code == BATCH_PATH_NONE) {
        uint64_t back;
        if (!wire_varint(&d->field[FIELD_SITE], &back) ||
            !wire_varint(&d->field[FIELD_DELTA], delta))
            ERR(e, ERR_FORMAT, "event batch lacks a move");
        if (back > known)
            ERR(e, ERR_FORMAT, "event batch with a bad move");
        *site = known - (uint32_t)back;
        return back == 0 ? add_site(d, e) : 0;
    }
    if (!batch_model_move(d->model, code, site, delta) || *site >= known)
        ERR(e, ERR_FORMAT, "event batch with a bad path");
    return 0;
}

static int decode_arguments(struct decoder *d, const struct batch_site *site, struct event *ev,
                            struct err *e)
{
    for (unsigned i = 0; i < event_info[ev->kind].args; i++) {
        struct column_cursor *cur = &d->cursor[ev->kind][i];
        uint32_t rank = take_code(&cur->rank);
        uint64_t value = batch_model_forecast(d->model, site, ev, i);
        if (rank == BATCH_RANK_NONE) {
            uint64_t more;
            if (!wire_varint(&cur->value, &more))
                ERR(e, ERR_FORMAT, "event batch lacks an argument");
            value += (uint64_t)wire_unzigzag(more);
        } else if (rank != BATCH_RANK_FORECAST && !batch_model_value(site, i, rank, &value)) {
            ERR(e, ERR_FORMAT, "event batch with a bad argument");
        }
        ev->arg[i] = value;
        batch_model_argument(site, i, rank, value);
    }
    return 0;
}

static int decode_event(struct decoder *d, struct event *ev, struct err *e)
{
    uint32_t site = 0, code = take_code(&d->field[FIELD_PATH]);
    uint64_t delta = 0;
    TRY(decode_move(d, code, &site, &delta, e));
    const struct batch_site *s = batch_model_site(d->model, site);
    ev->step = batch_model_step(d->model, s) + delta;
    ev->pc = s->pc;
    ev->kind = s->kind;
    ev->vm = (uint8_t)(s->cpu >> 8);
    ev->vcpu = (uint8_t)s->cpu;
    batch_model_moved(d->model, site, delta, code, ev->step);
    TRY(decode_arguments(d, s, ev, e));
    batch_model_event(d->model, s, ev);
    return 0;
}

/* Everything must have been used, and be as the head says. */
static int check_all_used(const struct decoder *d, const struct batch_head *have, struct err *e)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (d->field[i].next != d->field[i].end)
            ERR(e, ERR_FORMAT, "event batch with more in its columns than events");
    for (size_t kind = 0; kind < EVENT_KINDS; kind++) {
        for (size_t i = 0; i < EVENT_ARGS_MAX; i++) {
            const struct column_cursor *cur = &d->cursor[kind][i];
            if (cur->rank.next != cur->rank.end || cur->value.next != cur->value.end)
                ERR(e, ERR_FORMAT, "event batch with unused arguments");
        }
    }
    if (memcmp(have->kind_count, d->head.kind_count, sizeof have->kind_count) != 0 ||
        have->first_step != d->head.first_step || have->last_step != d->head.last_step)
        ERR(e, ERR_FORMAT, "event batch that is not what its head says");
    return 0;
}

int batch_read_head(const uint8_t *data, size_t n, struct batch_head *head, struct err *e)
{
    struct wire w = {data, data + n};
    return take_head(&w, head, e);
}

int batch_decode(struct batch_codec *c, const uint8_t *data, size_t n, struct event *events,
                 struct batch_head *head, struct err *e)
{
    struct decoder d = {.model = c->model};
    TRY(take_fields(&d, data, n, e));
    *head = d.head;
    batch_model_reset(c->model);
    struct batch_head have = {0};
    struct event *ev = events;
    for (uint32_t i = 0; i < d.head.count; i++) {
        TRY(decode_event(&d, ev, e));
        have.kind_count[ev->kind]++;
        have.last_step = ev->step;
        ev = (struct event *)((uint8_t *)ev + event_bytes[ev->kind]);
    }
    have.first_step = events->step;
    return check_all_used(&d, &have, e);
}
