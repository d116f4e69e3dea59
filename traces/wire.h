/*
 * The Protocol Buffers encoding itself: walking over the fields of one message
 * where it lies, without copying, and putting fields together. For what
 * protobuf-c would be too slow for. Every byte that is read may be hostile.
 */
#ifndef TRACES_WIRE_H
#define TRACES_WIRE_H

#include "core/base/buf.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

#define WIRE_VARINT_MAX 10 /* bytes */

struct wire {
    const uint8_t *next, *end;
};

struct wire_field {
    uint32_t number;
    bool is_bytes;       /* else a number */
    uint64_t value;      /* of a varint or a fixed-size number */
    const uint8_t *data; /* of bytes, messages and packed fields; inside of the message */
    size_t n;
};

/* False at the end of the message, or where it is malformed (then next != end). */
bool wire_next(struct wire *w, struct wire_field *f);
bool wire_varint_long(struct wire *w, uint64_t *v);

/* The next number, of one or more bytes. */
static inline bool wire_varint(struct wire *w, uint64_t *v)
{
    if (LIKELY(w->next < w->end && *w->next < 0x80)) {
        *v = *w->next++;
        return true;
    }
    return wire_varint_long(w, v);
}

/* Writes a number, and returns the place behind it. */
static inline uint8_t *wire_put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

/* Signed numbers, small ones of either sign in one byte. */
static inline uint64_t wire_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t wire_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

/* Appends the tag of a field and its number: the value, or the size of bytes that are to follow. */
void wire_put_head(struct buf *out, uint32_t field, enum wire_type type, uint64_t v);
/* Append a field; a number that is 0 and bytes that are none are left out, as protobuf does. */
void wire_put_number(struct buf *out, uint32_t field, uint64_t v);
void wire_put_bytes(struct buf *out, uint32_t field, const void *data, size_t n);

#endif
