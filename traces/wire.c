#include "traces/wire.h"

#include "core/base/bytes.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

bool wire_varint(struct wire *w, uint64_t *v)
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
