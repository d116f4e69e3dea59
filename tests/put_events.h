/* Whole arrays of events into what takes them packed, or one by one. */
#ifndef TESTS_PUT_EVENTS_H
#define TESTS_PUT_EVENTS_H

#include <stdlib.h>
#include <string.h>

#include "core/base/event.h"
#include "traces/batch.h"
#include "traces/trace.h"

/* Frees `events`. */
static inline void put_events(struct trace_writer *w, struct event *events, size_t n)
{
    uint8_t *memory = trace_log_memory(w);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (at + sizeof events[i] > EVENT_LOG_BYTES) {
            trace_put_events(w, memory, at);
            memory = trace_log_memory(w);
            at = 0;
        }
        memcpy(memory + at, &events[i], event_bytes[events[i].kind]);
        at += event_bytes[events[i].kind];
    }
    trace_put_events(w, memory, at);
    free(events);
}

static inline void encode_events(struct batch_codec *c, const struct event *events, size_t n,
                                 struct buf *out)
{
    batch_encode_begin(c);
    for (size_t i = 0; i < n; i++)
        batch_encode_event(c, &events[i]);
    batch_encode_end(c, out);
}

#endif
