/*
 * Walking over the fields of one protobuf message where it lies, without
 * copying: for messages with much data of which little is wanted. Every byte
 * may be hostile. Source: the Protocol Buffers encoding.
 */
#ifndef TRACES_WIRE_H
#define TRACES_WIRE_H

#include "core/base/base.h"

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
bool wire_varint(struct wire *w, uint64_t *v);

#endif
