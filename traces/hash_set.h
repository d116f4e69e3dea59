/* A set of hashes of blobs. All zero is an empty one. */
#ifndef TRACES_HASH_SET_H
#define TRACES_HASH_SET_H

#include "traces/trace.h"

struct hash_set {
    struct trace_hash *slots;
    bool *used;
    size_t count, cap;
};

/* False if it was there before. */
bool hash_set_add(struct hash_set *s, struct trace_hash hash);
void hash_set_free(struct hash_set *s);

#endif
