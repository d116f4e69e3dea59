/*
 * Decodes the batches of a trace's events ahead of the machine, on a thread of
 * its own with a reader of its own. It works up to LOOKAHEAD_BATCHES ahead, so
 * that a stretch where the guest makes events faster than they can be decoded
 * does not stop it.
 */
#ifndef REPLAY_LOOKAHEAD_H
#define REPLAY_LOOKAHEAD_H

#include "traces/trace.h"

#define LOOKAHEAD_BATCHES 16u /* of 2 MiB or so, 4.5 at most */

struct lookahead;

/* From batch `first` on. NULL if there is no thread to be had. To be stopped before `reader` is
 * closed. */
struct lookahead *lookahead_start(const struct trace_reader *reader, size_t first);
void lookahead_stop(struct lookahead *l); /* or NULL */
/* The packed events of a batch, once they are there; NULL if it is not the one taken last or the one
 * behind that, or is damaged. Valid until the next call. */
const struct event *lookahead_take(struct lookahead *l, size_t batch);

#endif
