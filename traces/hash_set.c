/* Open addressing; a hash is its own place. */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "traces/hash_set.h"

static size_t set_slot(const struct hash_set *s, struct trace_hash hash)
{
    uint64_t start;
    memcpy(&start, hash.byte, sizeof start);
    size_t i = (size_t)start & (s->cap - 1);
    while (s->used[i] && !trace_hash_equal(s->slots[i], hash))
        i = (i + 1) & (s->cap - 1);
    return i;
}

static void set_grow(struct hash_set *s)
{
    struct hash_set bigger = {.count = s->count, .cap = s->cap == 0 ? 256 : 2 * s->cap};
    bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
    bigger.used = xcalloc(bigger.cap, sizeof *bigger.used);
    for (size_t i = 0; i < s->cap; i++) {
        if (s->used[i]) {
            size_t at = set_slot(&bigger, s->slots[i]);
            bigger.slots[at] = s->slots[i];
            bigger.used[at] = true;
        }
    }
    free(s->slots);
    free(s->used);
    *s = bigger;
}

bool hash_set_add(struct hash_set *s, struct trace_hash hash)
{
    if (2 * s->count >= s->cap)
        set_grow(s);
    size_t i = set_slot(s, hash);
    if (s->used[i])
        return false;
    s->used[i] = true;
    s->slots[i] = hash;
    s->count++;
    return true;
}

void hash_set_free(struct hash_set *s)
{
    free(s->slots);
    free(s->used);
}
