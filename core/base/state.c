#include "core/base/state.h"

#include <inttypes.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/bytes.h"

size_t state_size(const struct state_field *table)
{
    size_t n = 0;
    for (; table->name != NULL; table++)
        n += (size_t)table->width * table->count;
    return n;
}

static uint64_t element(const struct state_field *f, const void *object, uint32_t i)
{
    const uint8_t *p = (const uint8_t *)object + f->offset + (size_t)f->width * i;
    switch (f->width) {
    case 1:
        return *p;
    case 2: {
        uint16_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    case 4: {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    default: {
        CHECK(f->width == 8, "field %s has elements of %u bytes", f->name, f->width);
        uint64_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    }
}

void state_save(const struct state_field *table, const void *object, struct buf *out)
{
    for (; table->name != NULL; table++) {
        if (table->width == 1) {
            buf_put(out, (const uint8_t *)object + table->offset, table->count);
            continue;
        }
        for (uint32_t i = 0; i < table->count; i++) {
            uint8_t bytes[8];
            st_le64(bytes, element(table, object, i));
            buf_put(out, bytes, table->width);
        }
    }
}

void state_load(const struct state_field *table, void *object, const uint8_t *in)
{
    for (; table->name != NULL; table++) {
        uint8_t *p = (uint8_t *)object + table->offset;
        for (uint32_t i = 0; i < table->count; i++, p += table->width, in += table->width) {
            uint8_t bytes[8] = {0};
            memcpy(bytes, in, table->width);
            uint64_t v = ld_le64(bytes);
            uint16_t v16 = (uint16_t)v;
            uint32_t v32 = (uint32_t)v;
            switch (table->width) {
            case 1:
                *p = bytes[0];
                break;
            case 2:
                memcpy(p, &v16, 2);
                break;
            case 4:
                memcpy(p, &v32, 4);
                break;
            default:
                memcpy(p, &v, 8);
                break;
            }
        }
    }
}

uint64_t state_hash(const struct state_field *table, const void *object, uint64_t seed)
{
    struct buf stored = {0};
    state_save(table, object, &stored);
    uint64_t h = XXH3_64bits_withSeed(stored.data, stored.len, seed);
    buf_free(&stored);
    return h;
}

void state_print(const struct state_field *table, const void *object, const char *prefix,
                 struct buf *out)
{
    for (; table->name != NULL; table++) {
        buf_printf(out, "%s%s =", prefix, table->name);
        for (uint32_t i = 0; i < table->count; i++) {
            if (i != 0 && i % 16 == 0)
                buf_printf(out, "\n%s  +%u:", prefix, i);
            buf_printf(out, " %0*" PRIx64, (int)table->width * 2, element(table, object, i));
        }
        buf_putc(out, '\n');
    }
}

size_t state_diff(const struct state_field *table, const void *a, const void *b,
                  const char *prefix, struct buf *out)
{
    size_t n = 0;
    for (; table->name != NULL; table++) {
        for (uint32_t i = 0; i < table->count; i++) {
            uint64_t va = element(table, a, i), vb = element(table, b, i);
            if (va == vb)
                continue;
            n++;
            buf_printf(out, "%s%s", prefix, table->name);
            if (table->count > 1)
                buf_printf(out, "[%u]", i);
            buf_printf(out, ": %" PRIx64 " != %" PRIx64 "\n", va, vb);
        }
    }
    return n;
}
