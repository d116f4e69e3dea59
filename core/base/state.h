/*
 * State tables: one table per device (or vcpu) names every field that a guest
 * can ever see. Saving, loading, hashing, comparing and printing all walk the
 * same table, so they can never disagree.
 *
 * The stored form is the fields in table order, each element little-endian
 * with its own width, without padding: independent of the host.
 */
#ifndef CORE_BASE_STATE_H
#define CORE_BASE_STATE_H

#include "core/base/base.h"
#include "core/base/buf.h"
#include "core/base/err.h"

struct state_field {
    const char *name;
    uint32_t offset; /* in the struct that the table describes */
    uint32_t width;  /* bytes of one element: 1, 2, 4 or 8 */
    uint32_t count;  /* elements */
};

/* One scalar, or a whole array of scalars (of any dimensions). */
#define STATE(type, member)                                                                        \
    {                                                                                              \
        #member, offsetof(type, member), sizeof(((type *)0)->member), 1                            \
    }
#define STATE_ARRAY(type, member, element)                                                         \
    {                                                                                              \
        #member, offsetof(type, member), sizeof(element),                                          \
            sizeof(((type *)0)->member) / sizeof(element)                                          \
    }
#define STATE_END                                                                                  \
    {                                                                                              \
        NULL, 0, 0, 0                                                                              \
    }

size_t state_size(const struct state_field *table);
void state_save(const struct state_field *table, const void *object, struct buf *out);
/* Reads state_size(table) bytes from `in`. */
void state_load(const struct state_field *table, void *object, const uint8_t *in);
/* XXH3-64 of the stored form, chained by `seed`. */
uint64_t state_hash(const struct state_field *table, const void *object, uint64_t seed);
/* "name = value" lines, arrays as hex rows; `prefix` before each line. */
void state_print(const struct state_field *table, const void *object, const char *prefix,
                 struct buf *out);
/* The lines of fields that differ, as "name[i]: a != b". Returns how many elements differ. */
size_t state_diff(const struct state_field *table, const void *a, const void *b,
                  const char *prefix, struct buf *out);

#endif
