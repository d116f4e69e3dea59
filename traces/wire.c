#include "traces/wire.h"

#include "core/base/bytes.h"

bool wire_varint_long(struct wire *w, uint64_t *v)
{
    const uint8_t *p = w->next;
    *v = 0;
    for (unsigned shift = 0; shift < 64 && p < w->end; shift += 7) {
        uint8_t c = *p++;
        *v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            w->next = p;
            return true;
        }
    }
    return false;
}

static bool take_value(struct wire *w, unsigned type, struct wire_field *f)
{
    size_t left = (size_t)(w->end - w->next);
    switch (type) {
    case WIRE_VARINT:
        return wire_varint(w, &f->value);
    case WIRE_FIXED64:
        if (left < 8)
            return false;
        f->value = ld_le64(w->next);
        w->next += 8;
        return true;
    case WIRE_FIXED32:
        if (left < 4)
            return false;
        f->value = ld_le32(w->next);
        w->next += 4;
        return true;
    case WIRE_BYTES:
        f->is_bytes = true;
        if (!wire_varint(w, &f->value) || f->value > (size_t)(w->end - w->next))
            return false;
        f->data = w->next;
        f->n = (size_t)f->value;
        w->next += f->n;
        return true;
    default:
        return false;
    }
}

bool wire_next(struct wire *w, struct wire_field *f)
{
    const uint8_t *begin = w->next;
    uint64_t tag;
    *f = (struct wire_field){0};
    if (begin == w->end)
        return false;
    if (wire_varint(w, &tag) && tag >> 3 >= 1 && tag >> 3 < 1u << 29) {
        f->number = (uint32_t)(tag >> 3);
        if (take_value(w, tag & 7, f))
            return true;
    }
    w->next = begin;
    return false;
}

void wire_put_head(struct buf *out, uint32_t field, enum wire_type type, uint64_t v)
{
    uint8_t *begin = buf_reserve(out, 2 * WIRE_VARINT_MAX);
    uint8_t *end = wire_put_varint(begin, (uint64_t)field << 3 | type);
    out->len += (size_t)(wire_put_varint(end, v) - begin);
}

void wire_put_number(struct buf *out, uint32_t field, uint64_t v)
{
    if (v != 0)
        wire_put_head(out, field, WIRE_VARINT, v);
}

void wire_put_bytes(struct buf *out, uint32_t field, const void *data, size_t n)
{
    if (n == 0)
        return;
    wire_put_head(out, field, WIRE_BYTES, n);
    buf_put(out, data, n);
}
