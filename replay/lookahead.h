/*
 * Decodes the next batch of a trace's events on a thread of its own, while
 * the machine runs. It has a reader of its own, so nothing is shared.
 */
#ifndef REPLAY_LOOKAHEAD_H
#define REPLAY_LOOKAHEAD_H

#include "traces/trace.h"

struct lookahead;

/* NULL if there is no thread to be had. `path`: the trace. */
struct lookahead *lookahead_start(const char *path);
void lookahead_stop(struct lookahead *l); /* or NULL */
/* This batch may be wanted next. */
void lookahead_ask(struct lookahead *l, const struct trace_batch *batches, size_t batch);
/* The events of a batch that was asked for last, when they are there; NULL if it was another one,
 * or it is not as `batches` said. Valid until the next call of this function but one. */
const struct event *lookahead_take(struct lookahead *l, size_t batch);

#endif
