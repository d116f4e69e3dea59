/*
 * A persistent (copy-on-write, reference-counted) radix tree from page numbers
 * to 64-bit values; 0 is "absent".
 *
 * It is the one mechanism behind pmap, memmap, disk overlays and snapshots:
 * radix_snapshot shares the root in O(1); from then on radix_set copies the
 * nodes on the path to a changed leaf, once per node and snapshot, so that a
 * snapshot costs O(pages written after it).
 *
 * Values may own something (memmap's own frames): then `ref` is called for
 * each value of a copied leaf and `unref` for each value of a dropped leaf, as
 * well as for values stored and overwritten by radix_set.
 *
 * Three levels of 512: keys below 2^27 (512 GiB of pages).
 */
#ifndef CORE_RADIX_H
#define CORE_RADIX_H

#include "core/base/base.h"

#define RADIX_BITS     9
#define RADIX_FANOUT   (1u << RADIX_BITS)
#define RADIX_KEY_BITS (3 * RADIX_BITS)

struct radix_node;

struct radix_values {
    void (*ref)(void *ctx, uint64_t value);
    void (*unref)(void *ctx, uint64_t value);
    void *ctx;
};

struct radix {
    struct radix_node *root;           /* one reference of ours */
    const struct radix_values *values; /* NULL: plain numbers */
};

void radix_init(struct radix *t, const struct radix_values *values);
void radix_fini(struct radix *t);
uint64_t radix_get(const struct radix *t, uint64_t key);
/* The tree takes over the caller's reference to `value` and drops its own to the old one. */
void radix_set(struct radix *t, uint64_t key, uint64_t value);
/* True if no snapshot shares the leaf of `key`. */
bool radix_is_exclusive(const struct radix *t, uint64_t key);
/* `copy` becomes a tree of its own with the present content. */
void radix_snapshot(const struct radix *t, struct radix *copy);
/* Make `t` equal to `from`, dropping what it held. */
void radix_restore(struct radix *t, const struct radix *from);
/* The first present value at `*key` or beyond, where *key is then; 0: there is none. */
uint64_t radix_next(const struct radix *t, uint64_t *key);
/* Calls fn for each present value in ascending key order, until it returns false. */
void radix_each(const struct radix *t, bool (*fn)(void *ctx, uint64_t key, uint64_t value),
                void *ctx);

#endif
