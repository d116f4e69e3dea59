/*
 * Conversion between the structs of trace.h and protobuf messages. protobuf-c
 * checks the wire format; the limits of trace.proto are checked here, so that
 * nobody behind this file and message_header.c sees a number or a text that is
 * out of range.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/message_priv.h"
#include "traces/wire.h"

void message_field(enum trace_field field, size_t size, struct buf *out)
{
    wire_put_head(out, field, WIRE_BYTES, size);
}

bool message_next(const uint8_t *content, size_t n, size_t *at, enum trace_field *field,
                  const uint8_t **data, size_t *size)
{
    struct wire w = {content + *at, content + n};
    struct wire_field f;
    if (!wire_next(&w, &f) || !f.is_bytes || f.number >= TRACE_FIELDS)
        return false;
    *field = (enum trace_field)f.number;
    *data = f.data;
    *size = f.n;
    *at = (size_t)(w.next - content);
    return true;
}

/* ---- encoding ---- */

static bool hash_is_zero(const struct trace_hash *h)
{
    static const struct trace_hash zero;
    return memcmp(h, &zero, sizeof zero) == 0;
}

void message_put_piece(const struct trace_piece *p, struct buf *out)
{
    Disco__Blob msg = DISCO__BLOB__INIT;
    msg.hash = bytes(p->hash.byte, sizeof p->hash.byte);
    msg.size = p->size;
    msg.offset = p->offset;
    msg.data = bytes(p->data, p->n);
    PUT(out, TRACE_FIELD_BLOB, blob, &msg);
}

void message_put_input(const struct trace_input *in, struct buf *out)
{
    Disco__Input msg = DISCO__INPUT__INIT;
    msg.cycle = in->cycle;
    msg.vm = in->vm;
    msg.kind = in->kind;
    msg.channel = in->channel;
    msg.number = in->number;
    if (!hash_is_zero(&in->hash))
        msg.hash = bytes(in->hash.byte, sizeof in->hash.byte);
    msg.data = bytes(in->data, in->len);
    PUT(out, TRACE_FIELD_INPUT, input, &msg);
}

static void fill_digest(const struct trace_digest *d, Disco__Digest *msg)
{
    disco__digest__init(msg);
    msg->step = d->step;
    msg->cycle = d->cycle;
    msg->vm = d->vm;
    msg->cpu = d->cpu;
    msg->devices = d->devices;
    msg->has_memory = d->has_memory;
    msg->memory = d->has_memory ? d->memory : 0;
    msg->events = d->events;
}

void message_put_digest(const struct trace_digest *d, struct buf *out)
{
    Disco__Digest msg;
    fill_digest(d, &msg);
    PUT(out, TRACE_FIELD_DIGEST, digest, &msg);
}

void message_put_console(const struct trace_text *t, struct buf *out)
{
    Disco__Console msg = DISCO__CONSOLE__INIT;
    msg.vm = t->vm;
    msg.channel = t->channel;
    msg.cycle = t->cycle;
    msg.text = bytes(t->bytes, t->n);
    PUT(out, TRACE_FIELD_CONSOLE, console, &msg);
}

void message_put_end(const struct trace_end *end, struct buf *out)
{
    Disco__End msg = DISCO__END__INIT;
    msg.reason = text(end->reason);
    msg.step = end->step;
    msg.cycle = end->cycle;
    msg.events = end->events;
    Disco__Digest *digests = xcalloc(end->digests_count, sizeof *digests);
    msg.digests = xcalloc(end->digests_count, sizeof *msg.digests);
    msg.n_digests = end->digests_count;
    for (size_t i = 0; i < end->digests_count; i++) {
        fill_digest(&end->digests[i], &digests[i]);
        msg.digests[i] = &digests[i];
    }
    PUT(out, TRACE_FIELD_END, end, &msg);
    free(msg.digests);
    free(digests);
}

/* ---- decoding ---- */

static uint8_t *bytes_copy(const ProtobufCBinaryData *b)
{
    return b->len == 0 ? NULL : memcpy(xmalloc(b->len), b->data, b->len);
}

int message_get_piece(const uint8_t *data, size_t n, struct trace_piece *p, struct err *e)
{
    struct wire w = {data, data + n};
    struct wire_field f;
    bool valid = true, hashed = false;
    *p = (struct trace_piece){0};
    while (valid && wire_next(&w, &f)) {
        if (f.number == 1 && f.is_bytes) {
            hashed = hash_get(&(ProtobufCBinaryData){f.n, (uint8_t *)(uintptr_t)f.data}, &p->hash);
        } else if (f.number == 2 && !f.is_bytes) {
            p->size = f.value;
        } else if (f.number == 3 && !f.is_bytes) {
            p->offset = f.value;
        } else if (f.number == 4 && f.is_bytes) {
            p->data = f.data;
            p->n = f.n;
        } else {
            valid = false;
        }
    }
    if (!valid || w.next != w.end || !hashed || p->n > TRACE_PIECE_MAX || p->offset > p->size ||
        p->n > p->size - p->offset || (p->n == 0 && p->size != 0))
        ERR(e, ERR_FORMAT, "bad piece of a blob");
    return 0;
}

int message_get_input(const uint8_t *data, size_t n, struct trace_input *in, struct err *e)
{
    Disco__Input *msg = disco__input__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (input)");
    *in = (struct trace_input){
        .cycle = msg->cycle,
        .vm = msg->vm,
        .kind = msg->kind,
        .channel = msg->channel,
        .number = msg->number,
        .len = msg->data.len,
    };
    bool valid = msg->base.n_unknown_fields == 0 && msg->data.len <= TRACE_INPUT_MAX &&
                 (msg->hash.len == 0 || hash_get(&msg->hash, &in->hash));
    if (valid)
        in->data = bytes_copy(&msg->data);
    disco__input__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad input");
}

static void copy_digest(const Disco__Digest *msg, struct trace_digest *d)
{
    *d = (struct trace_digest){
        .step = msg->step,
        .cycle = msg->cycle,
        .vm = msg->vm,
        .cpu = msg->cpu,
        .devices = msg->devices,
        .memory = msg->memory,
        .has_memory = msg->has_memory,
        .events = msg->events,
    };
}

int message_get_digest(const uint8_t *data, size_t n, struct trace_digest *d, struct err *e)
{
    Disco__Digest *msg = disco__digest__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (digest)");
    bool valid = msg->base.n_unknown_fields == 0;
    copy_digest(msg, d);
    disco__digest__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad digest");
}

int message_get_console(const uint8_t *data, size_t n, struct trace_text *t, struct err *e)
{
    Disco__Console *msg = disco__console__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (console)");
    bool valid = msg->base.n_unknown_fields == 0 && msg->text.len <= TRACE_CONSOLE_MAX;
    *t = (struct trace_text){
        .vm = msg->vm,
        .channel = msg->channel,
        .cycle = msg->cycle,
        .bytes = valid ? bytes_copy(&msg->text) : NULL,
        .n = msg->text.len,
    };
    disco__console__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad console text");
}

int message_get_end(const uint8_t *data, size_t n, struct trace_end *end, struct err *e)
{
    Disco__End *msg = disco__end__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (end)");
    bool valid = msg->base.n_unknown_fields == 0 && text_valid(&msg->reason) &&
                 msg->n_digests <= TRACE_VMS_MAX;
    if (valid) {
        *end = (struct trace_end){
            .reason = text_copy(&msg->reason),
            .step = msg->step,
            .cycle = msg->cycle,
            .events = msg->events,
            .digests = xcalloc(msg->n_digests, sizeof *end->digests),
            .digests_count = msg->n_digests,
        };
        for (size_t i = 0; i < msg->n_digests; i++)
            copy_digest(msg->digests[i], &end->digests[i]);
    }
    disco__end__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad end record");
}

void message_end_free(struct trace_end *end)
{
    free(end->reason);
    free(end->digests);
    *end = (struct trace_end){0};
}
