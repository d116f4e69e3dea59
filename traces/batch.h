/*
 * Batches of events: encoded as a message disco.EventBatch (trace.proto), and
 * back. A codec holds the tables for one thread's work, about 8 MiB.
 */
#ifndef TRACES_BATCH_H
#define TRACES_BATCH_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "traces/batch_model.h"

/* The facts that a batch states about itself. */
struct batch_head {
    uint32_t count; /* 1 to BATCH_EVENTS_MAX */
    uint64_t first_step, last_step;
    uint32_t kind_count[EVENT_KINDS];
};

struct batch_codec;

struct batch_codec *batch_codec_create(void);
void batch_codec_destroy(struct batch_codec *c);

/* Encoding: begin, 1 to BATCH_EVENTS_MAX events, end, which appends the encoded
 * message to `out`. A codec that encodes does not decode meanwhile. */
void batch_encode_begin(struct batch_codec *c);
/* The kind must be known; arguments that it does not have are not read. */
void batch_encode_event(struct batch_codec *c, const struct event *ev);
uint32_t batch_encode_count(const struct batch_codec *c); /* events since the beginning */
void batch_encode_end(struct batch_codec *c, struct buf *out);

/* Only the head; the columns stay unchecked. */
int batch_read_head(const uint8_t *data, size_t n, struct batch_head *head, struct err *e);

/* All events, packed, into room for BATCH_EVENTS_MAX full ones. Every byte may be hostile; when
 * this returns 0, the events are well-formed and agree with the head. */
int batch_decode(struct batch_codec *c, const uint8_t *data, size_t n, struct event *events,
                 struct batch_head *head, struct err *e);

#endif
