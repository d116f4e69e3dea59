/* Accounting of a trace's bytes by kind of content. */
#ifndef TRACES_SIZES_H
#define TRACES_SIZES_H

#include "traces/message.h"
#include "traces/trace.h"

/* A frame of `size` compressed bytes, whose content has by_field[n] bytes of fields n. */
void sizes_add_frame(struct trace_sizes *s, const uint64_t by_field[TRACE_FIELDS], uint64_t size);
/* Bytes outside of frames. */
void sizes_add_other(struct trace_sizes *s, uint64_t size);

#endif
