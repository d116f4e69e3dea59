/*
 * The structs of trace.h as protobuf messages, and back. Encoders append one
 * whole top-level field (tag, length, message) to `out`; decoders get the
 * message alone, and treat it as hostile. What decoders return is owned by the
 * caller; on error nothing is.
 */
#ifndef TRACES_MESSAGE_H
#define TRACES_MESSAGE_H

#include "core/base/buf.h"
#include "traces/trace.h"

enum trace_field { /* numbers of the fields of message Trace */
    TRACE_FIELD_HEADER = 1,
    TRACE_FIELD_BLOB = 2,
    TRACE_FIELD_INPUT = 3,
    TRACE_FIELD_EVENTS = 4,
    TRACE_FIELD_DIGEST = 5,
    TRACE_FIELD_CONSOLE = 6,
    TRACE_FIELD_END = 7,
    TRACE_FIELD_SYMBOLS = 12,
    TRACE_FIELDS
};

#define TRACE_PIECE       (256u << 10) /* of a blob, as written */
#define TRACE_PIECE_MAX   (1u << 20)   /* of a blob, as read */
#define TRACE_INPUT_MAX   (64u << 10)
#define TRACE_CONSOLE_MAX (1u << 20)
#define TRACE_VMS_MAX     256u
#define TRACE_VCPUS_MAX   256u
#define TRACE_LIST_MAX    4096u /* images, disks or devices */
#define TRACE_NETS_MAX    256u  /* networks, or network cards of a VM */

struct trace_piece {
    struct trace_hash hash;
    uint64_t size, offset;
    const uint8_t *data; /* decoded: inside of the message */
    size_t n;
};

/* Tag and length of a field; then the message follows. */
void message_field(enum trace_field field, size_t size, struct buf *out);
/* Splits a frame: the field at *at (moved behind it). False: no valid field. */
bool message_next(const uint8_t *content, size_t n, size_t *at, enum trace_field *field,
                  const uint8_t **data, size_t *size);

/* Queues a whole field (writer.c), whose memory becomes the writer's. */
void trace_put_field(struct trace_writer *w, enum trace_field field, struct buf bytes);

void message_put_header(const struct trace_header *h, struct buf *out);
void message_put_piece(const struct trace_piece *p, struct buf *out);
void message_put_input(const struct trace_input *in, struct buf *out);
void message_put_digest(const struct trace_digest *d, struct buf *out);
void message_put_symbols(const struct trace_symbols *s, struct buf *out);
void message_put_console(const struct trace_text *t, struct buf *out);
void message_put_end(const struct trace_end *end, struct buf *out);

int message_get_header(const uint8_t *data, size_t n, struct trace_header *h, struct err *e);
int message_get_piece(const uint8_t *data, size_t n, struct trace_piece *p, struct err *e);
int message_get_input(const uint8_t *data, size_t n, struct trace_input *in, struct err *e);
int message_get_digest(const uint8_t *data, size_t n, struct trace_digest *d, struct err *e);
int message_get_symbols(const uint8_t *data, size_t n, struct trace_symbols *s, struct err *e);
int message_get_console(const uint8_t *data, size_t n, struct trace_text *t, struct err *e);
int message_get_end(const uint8_t *data, size_t n, struct trace_end *end, struct err *e);
void message_end_free(struct trace_end *end); /* what the pointers own */

#endif
