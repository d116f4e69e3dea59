/* What message.c and message_header.c share: pieces of protobuf messages, both ways. */
#ifndef TRACES_MESSAGE_PRIV_H
#define TRACES_MESSAGE_PRIV_H

#include <string.h>

#include "traces/message.h"
#include "traces/trace.pb-c.h"

/* Appends a field with the packed message `msg`, of the protobuf-c class `class`. */
#define PUT(out, field, class, msg)                                                                \
    do {                                                                                           \
        size_t size_ = disco__##class##__get_packed_size(msg);                                     \
        message_field((field), size_, (out));                                                      \
        disco__##class##__pack((msg), buf_reserve((out), size_));                                  \
        (out)->len += size_;                                                                       \
    } while (0)

static inline ProtobufCBinaryData text(const char *s)
{
    return (ProtobufCBinaryData){s == NULL ? 0 : strlen(s), (uint8_t *)(uintptr_t)s};
}

static inline ProtobufCBinaryData bytes(const void *p, size_t n)
{
    return (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)p};
}

static inline bool text_valid(const ProtobufCBinaryData *b)
{
    return b->len <= TRACE_PIECE_MAX && (b->len == 0 || memchr(b->data, 0, b->len) == NULL);
}

static inline char *text_copy(const ProtobufCBinaryData *b)
{
    char *s = xmalloc(b->len + 1);
    if (b->len > 0)
        memcpy(s, b->data, b->len);
    s[b->len] = 0;
    return s;
}

static inline bool hash_get(const ProtobufCBinaryData *b, struct trace_hash *h)
{
    if (b->len != sizeof h->byte)
        return false;
    memcpy(h->byte, b->data, sizeof h->byte);
    return true;
}

#endif
