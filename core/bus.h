/*
 * An address space of device registers: memory or PCI I/O. Ranges are mapped
 * and unmapped at run time (PCI BARs move). A range of higher priority lies
 * over one of lower, and among equals the later over the earlier. Lookup is
 * one table access below 64 Ki (I/O ports) and a cached binary search above.
 */
#ifndef CORE_BUS_H
#define CORE_BUS_H

#include "core/dev/dev.h"

#define BUS_RANGES_MAX 128

struct bus_range {
    uint64_t base, size;
    const struct io_ops *ops;
    struct device *dev;
    const char *name; /* static; for "monitor info" and errors */
};

struct bus;

struct bus *bus_create(const char *name);
void bus_destroy(struct bus *bus);
/* Map; returns a handle >= 0 for bus_unmap. Aborts when BUS_RANGES_MAX is exceeded: PCI code
 * maps at most its BARs. A size of 0 is allowed and never hit. */
int bus_map(struct bus *bus, uint64_t base, uint64_t size, const struct io_ops *ops,
            struct device *dev, const char *name);
/* The same with a priority (bus_map uses 0). Whoever maps at run time gives each range a
 * priority of its own: what lies on top must follow from the state, not from history. */
int bus_map_over(struct bus *bus, uint64_t base, uint64_t size, const struct io_ops *ops,
                 struct device *dev, const char *name, unsigned priority);
void bus_unmap(struct bus *bus, int handle); /* -1 is ignored */
/* The range that answers at `addr`, or NULL. */
const struct bus_range *bus_find(struct bus *bus, uint64_t addr);

/* Access for bridges: an address without a range reads as all ones and drops
 * writes, as on PCI and ISA. Values are little-endian device values. An access
 * that straddles ranges is split into bytes. size is 1, 2 or 4. */
uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned size);
void bus_write(struct bus *bus, uint64_t addr, unsigned size, uint64_t value);

#endif
