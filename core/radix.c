#include "core/radix.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

#define LEVELS 3

struct radix_node {
    uint32_t refs;
    union {
        struct radix_node *child[RADIX_FANOUT]; /* levels 2 and 1 */
        uint64_t value[RADIX_FANOUT];           /* level 0 */
    };
};

static unsigned slot_of(uint64_t key, int level)
{
    return (unsigned)(key >> (level * RADIX_BITS)) & (RADIX_FANOUT - 1);
}

void radix_init(struct radix *t, const struct radix_values *values)
{
    t->root = NULL;
    t->values = values;
}

static void node_unref(struct radix_node *node, int level, const struct radix_values *values)
{
    if (node == NULL || --node->refs != 0)
        return;
    for (unsigned i = 0; i < RADIX_FANOUT; i++) {
        if (level > 0)
            node_unref(node->child[i], level - 1, values);
        else if (values != NULL && node->value[i] != 0)
            values->unref(values->ctx, node->value[i]);
    }
    free(node);
}

/* The node of *link with no other owner; made or copied if need be. */
static struct radix_node *node_own(struct radix_node **link, int level,
                                   const struct radix_values *values)
{
    struct radix_node *node = *link;
    if (node == NULL) {
        node = xcalloc(1, sizeof *node);
        node->refs = 1;
    } else if (node->refs > 1) {
        struct radix_node *copy = xmalloc(sizeof *copy);
        memcpy(copy, node, sizeof *copy);
        copy->refs = 1;
        for (unsigned i = 0; i < RADIX_FANOUT; i++) {
            if (level > 0 && copy->child[i] != NULL)
                copy->child[i]->refs++;
            else if (level == 0 && values != NULL && copy->value[i] != 0)
                values->ref(values->ctx, copy->value[i]);
        }
        node->refs--;
        node = copy;
    }
    *link = node;
    return node;
}

void radix_fini(struct radix *t)
{
    node_unref(t->root, LEVELS - 1, t->values);
    t->root = NULL;
}

uint64_t radix_get(const struct radix *t, uint64_t key)
{
    if (key >> RADIX_KEY_BITS != 0)
        return 0;
    const struct radix_node *node = t->root;
    for (int level = LEVELS - 1; level > 0 && node != NULL; level--)
        node = node->child[slot_of(key, level)];
    return node == NULL ? 0 : node->value[slot_of(key, 0)];
}

void radix_set(struct radix *t, uint64_t key, uint64_t value)
{
    CHECK(key >> RADIX_KEY_BITS == 0, "page number %llx", (unsigned long long)key);
    struct radix_node **link = &t->root;
    struct radix_node *node = node_own(link, LEVELS - 1, t->values);
    for (int level = LEVELS - 1; level > 0; level--) {
        link = &node->child[slot_of(key, level)];
        node = node_own(link, level - 1, t->values);
    }
    uint64_t *v = &node->value[slot_of(key, 0)];
    uint64_t old = *v;
    *v = value;
    if (t->values != NULL && old != 0)
        t->values->unref(t->values->ctx, old);
}

bool radix_is_exclusive(const struct radix *t, uint64_t key)
{
    const struct radix_node *node = t->root;
    for (int level = LEVELS - 1; node != NULL; level--) {
        if (node->refs > 1)
            return false;
        if (level == 0)
            return true;
        node = node->child[slot_of(key, level)];
    }
    return true;
}

void radix_snapshot(const struct radix *t, struct radix *copy)
{
    *copy = *t;
    if (copy->root != NULL)
        copy->root->refs++;
}

void radix_restore(struct radix *t, const struct radix *from)
{
    if (from->root != NULL)
        from->root->refs++;
    node_unref(t->root, LEVELS - 1, t->values);
    t->root = from->root;
}

uint64_t radix_next(const struct radix *t, uint64_t *key)
{
    uint64_t k = *key;
    while (k >> RADIX_KEY_BITS == 0) {
        const struct radix_node *node = t->root;
        int level = LEVELS - 1;
        for (; level > 0 && node != NULL; level--)
            node = node->child[slot_of(k, level)];
        if (node == NULL) { /* nothing below that child of level + 1 */
            uint64_t span = 1ull << ((level + 1) * RADIX_BITS);
            k = (k / span + 1) * span;
            continue;
        }
        for (unsigned i = slot_of(k, 0); i < RADIX_FANOUT; i++, k++)
            if (node->value[i] != 0) {
                *key = k;
                return node->value[i];
            }
    }
    return 0;
}

static bool each(const struct radix_node *node, int level, uint64_t key,
                 bool (*fn)(void *ctx, uint64_t key, uint64_t value), void *ctx)
{
    for (unsigned i = 0; i < RADIX_FANOUT; i++) {
        uint64_t k = key | (uint64_t)i << (level * RADIX_BITS);
        if (level > 0) {
            if (node->child[i] != NULL && !each(node->child[i], level - 1, k, fn, ctx))
                return false;
        } else if (node->value[i] != 0 && !fn(ctx, k, node->value[i])) {
            return false;
        }
    }
    return true;
}

void radix_each(const struct radix *t, bool (*fn)(void *ctx, uint64_t key, uint64_t value),
                void *ctx)
{
    if (t->root != NULL)
        each(t->root, LEVELS - 1, 0, fn, ctx);
}
