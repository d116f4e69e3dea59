/*
 * Address spaces of device registers.
 *
 * The ranges are kept as given; what answers where is a flat view derived from
 * them: disjoint segments sorted by address, each with the range on top there.
 * Addresses below 64 Ki have a table of range numbers besides, which makes a
 * port access one load.
 *
 * The view costs as much as a hundred lookups without it, so it is made when
 * there were about as many of these since the last change: a guest that moves
 * ranges all the time pays for a search of the ranges at each access, no more.
 */
#include "core/bus.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

#define PORTS        0x10000
#define SEGMENTS_MAX (2 * BUS_RANGES_MAX)
#define LOOKUPS      64 /* after a change, until the view is made anew */

struct slot {
    struct bus_range range;
    bool used;
    unsigned priority;
    uint64_t sequence;
};

struct segment {
    uint64_t first, last;
    const struct bus_range *range;
};

struct bus {
    const char *name;
    struct slot slots[BUS_RANGES_MAX];
    uint64_t sequence;
    int end; /* no slot from here on was ever used */
    bool dirty;
    unsigned lookups; /* since it is */
    unsigned segments;
    unsigned hit; /* segment found last */
    struct segment view[SEGMENTS_MAX];
    uint8_t ports[PORTS]; /* slot number + 1, 0 for none */
};

_Static_assert(BUS_RANGES_MAX < 256, "a slot number fits in a byte of the port table");

struct bus *bus_create(const char *name)
{
    struct bus *bus = xcalloc(1, sizeof *bus);
    bus->name = name;
    return bus;
}

void bus_destroy(struct bus *bus)
{
    free(bus);
}

static void changed(struct bus *bus)
{
    bus->dirty = true;
    bus->lookups = 0;
}

int bus_map_over(struct bus *bus, uint64_t base, uint64_t size, const struct io_ops *ops,
                 struct device *dev, const char *name, unsigned priority)
{
    int handle = 0;
    while (handle < BUS_RANGES_MAX && bus->slots[handle].used)
        handle++;
    CHECK(handle < BUS_RANGES_MAX, "bus %s: no room to map %s", bus->name, name);
    if (size != 0 && base + (size - 1) < base)
        size = -base;
    bus->slots[handle] = (struct slot){
        .range = {.base = base, .size = size, .ops = ops, .dev = dev, .name = name},
        .used = true,
        .priority = priority,
        .sequence = bus->sequence++,
    };
    bus->end = handle >= bus->end ? handle + 1 : bus->end;
    changed(bus);
    return handle;
}

int bus_map(struct bus *bus, uint64_t base, uint64_t size, const struct io_ops *ops,
            struct device *dev, const char *name)
{
    return bus_map_over(bus, base, size, ops, dev, name, 0);
}

void bus_unmap(struct bus *bus, int handle)
{
    if (handle < 0)
        return;
    CHECK(handle < BUS_RANGES_MAX && bus->slots[handle].used, "bus %s: unmap of handle %d",
          bus->name, handle);
    bus->slots[handle].used = false;
    changed(bus);
}

static uint64_t range_last(const struct bus_range *r)
{
    return r->base + (r->size - 1);
}

static bool is_over(const struct slot *a, const struct slot *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->sequence > b->sequence;
}

static const struct slot *top_at(const struct bus *bus, uint64_t addr)
{
    const struct slot *top = NULL;
    for (int i = 0; i < bus->end; i++) {
        const struct slot *s = &bus->slots[i];
        if (s->used && s->range.size != 0 && addr >= s->range.base &&
            addr <= range_last(&s->range) && (top == NULL || is_over(s, top)))
            top = s;
    }
    return top;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static COLD void rebuild(struct bus *bus)
{
    uint64_t edges[SEGMENTS_MAX];
    unsigned n = 0;
    for (int i = 0; i < bus->end; i++) {
        const struct bus_range *r = &bus->slots[i].range;
        if (!bus->slots[i].used || r->size == 0)
            continue;
        edges[n++] = r->base;
        if (range_last(r) != UINT64_MAX)
            edges[n++] = range_last(r) + 1;
    }
    qsort(edges, n, sizeof edges[0], compare_u64);
    bus->segments = 0;
    bus->hit = 0;
    memset(bus->ports, 0, sizeof bus->ports);
    for (unsigned i = 0; i < n; i++) {
        if (i + 1 < n && edges[i] == edges[i + 1])
            continue;
        const struct slot *top = top_at(bus, edges[i]);
        if (top == NULL)
            continue;
        struct segment *s = &bus->view[bus->segments++];
        *s = (struct segment){
            .first = edges[i],
            .last = i + 1 < n ? edges[i + 1] - 1 : UINT64_MAX,
            .range = &top->range,
        };
        if (s->first < PORTS)
            memset(bus->ports + s->first, (int)(top - bus->slots) + 1,
                   min_u64(s->last, PORTS - 1) - s->first + 1);
    }
    bus->dirty = false;
}

/* The segment with `addr`, or NULL. */
static const struct segment *find_segment(struct bus *bus, uint64_t addr)
{
    if (UNLIKELY(bus->segments == 0))
        return NULL;
    const struct segment *s = &bus->view[bus->hit];
    if (LIKELY(addr >= s->first && addr <= s->last))
        return s;
    unsigned low = 0, high = bus->segments;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (bus->view[middle].last < addr)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == bus->segments || addr < bus->view[low].first)
        return NULL;
    bus->hit = low;
    return &bus->view[low];
}

/* A lookup without the view; or make it, if it pays by now. */
static COLD const struct bus_range *find_unsorted(struct bus *bus, uint64_t addr)
{
    if (bus->lookups++ >= LOOKUPS) {
        rebuild(bus);
        return bus_find(bus, addr);
    }
    const struct slot *top = top_at(bus, addr);
    return top == NULL ? NULL : &top->range;
}

const struct bus_range *bus_find(struct bus *bus, uint64_t addr)
{
    if (UNLIKELY(bus->dirty))
        return find_unsorted(bus, addr);
    if (addr < PORTS) {
        unsigned i = bus->ports[addr];
        return i == 0 ? NULL : &bus->slots[i - 1].range;
    }
    const struct segment *s = find_segment(bus, addr);
    return s == NULL ? NULL : s->range;
}

/* Does one range answer at all bytes of the access? */
static bool is_whole(struct bus *bus, const struct bus_range *r, uint64_t addr, unsigned size)
{
    if (r != NULL && addr - r->base > r->size - size)
        return false;
    for (unsigned i = 1; i < size; i++) {
        if (bus_find(bus, addr + i) != r)
            return false;
    }
    return true;
}

static uint64_t swap(uint64_t value, unsigned size)
{
    switch (size) {
    case 2:
        return __builtin_bswap16((uint16_t)value);
    case 4:
        return __builtin_bswap32((uint32_t)value);
    default:
        return value;
    }
}

static uint64_t all_ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned size)
{
    const struct bus_range *r = bus_find(bus, addr);
    if (size > 1 && !is_whole(bus, r, addr, size)) {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; i++)
            value |= bus_read(bus, addr + i, 1) << (8 * i);
        return value;
    }
    if (r == NULL || r->ops->read == NULL)
        return all_ones(size);
    uint64_t value = r->ops->read(r->dev, addr - r->base, size) & all_ones(size);
    return r->ops->native && r->dev->platform->big_endian ? swap(value, size) : value;
}

void bus_write(struct bus *bus, uint64_t addr, unsigned size, uint64_t value)
{
    const struct bus_range *r = bus_find(bus, addr);
    if (size > 1 && !is_whole(bus, r, addr, size)) {
        for (unsigned i = 0; i < size; i++)
            bus_write(bus, addr + i, 1, value >> (8 * i) & 0xff);
        return;
    }
    if (r == NULL || r->ops->write == NULL)
        return;
    value &= all_ones(size);
    if (r->ops->native && r->dev->platform->big_endian)
        value = swap(value, size);
    r->ops->write(r->dev, addr - r->base, size, value);
}
