#include "traces/sizes.h"

void sizes_add_frame(struct trace_sizes *s, const uint64_t by_field[TRACE_FIELDS], uint64_t size)
{
    uint64_t *file[TRACE_FIELDS] = {
        &s->other,  &s->other,  &s->blobs,   &s->inputs,
        &s->events, &s->digests, &s->console, &s->other,
        [TRACE_FIELD_SYMBOLS] = &s->other,
    };
    uint64_t *content[TRACE_FIELDS] = {
        &s->content.other,  &s->content.other,   &s->content.blobs,   &s->content.inputs,
        &s->content.events, &s->content.digests, &s->content.console, &s->content.other,
        [TRACE_FIELD_SYMBOLS] = &s->content.other,
    };
    uint64_t total = 0, before = 0;
    for (int i = 0; i < TRACE_FIELDS; i++)
        total += by_field[i];
    for (int i = 0; i < TRACE_FIELDS && total > 0; i++) {
        if (file[i] == NULL)
            continue; /* a reserved number */
        /* Differences of rounded sums, so that the parts add up to the whole. */
        *file[i] += (before + by_field[i]) * size / total - before * size / total;
        *content[i] += by_field[i];
        before += by_field[i];
    }
    s->file += size;
}

void sizes_add_other(struct trace_sizes *s, uint64_t size)
{
    s->other += size;
    s->file += size;
}
