/*
 * A machine without a cpu for the tests of disk and virtio devices: memory,
 * time, PCI, ports, and disks that are arrays. Two of them can live side by
 * side, and the state of one can be put into the other.
 */
#ifndef TESTS_UNIT_DISK_FIXTURE_H
#define TESTS_UNIT_DISK_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/dev/pci.h"
#include "core/disk.h"
#include "tests/unit/fake_platform.h"

#define RAM_SIZE     ((uint32_t)FAKE_RAM)
#define DISK_SECTORS 4096u
#define EPOCH_NS     100000u
#define RIG_LINES    6 /* INTA-D, then ISA 14 and 15 */
#define CONFIG(slot) (0x80000000u | (uint32_t)(slot) << 11)

struct disk {
    uint64_t sectors;
    bool read_only;
    uint8_t data[DISK_SECTORS * SECTOR_SIZE];
};

struct rig {
    struct fake f; /* first */
    unsigned dmas;
    bool line[RIG_LINES];
    struct bus *io, *mem;
    struct pci_bus *pci;
    struct disk disk[2];
};

uint64_t disk_sectors(const struct disk *disk)
{
    return disk->sectors;
}

const char *disk_serial(const struct disk *disk)
{
    (void)disk;
    return "SERIAL-0123456789AB";
}

bool disk_read_only(const struct disk *disk)
{
    return disk->read_only;
}

static inline bool disk_has(const struct disk *disk, uint64_t sector, uint64_t count)
{
    return sector <= disk->sectors && count <= disk->sectors - sector;
}

bool disk_read(struct disk *disk, uint64_t sector, uint32_t count, void *buf)
{
    if (!disk_has(disk, sector, count))
        return false;
    memcpy(buf, disk->data + sector * SECTOR_SIZE, (size_t)count * SECTOR_SIZE);
    return true;
}

bool disk_write(struct disk *disk, uint64_t sector, uint32_t count, const void *buf)
{
    if (!disk_has(disk, sector, count) || disk->read_only)
        return false;
    memcpy(disk->data + sector * SECTOR_SIZE, buf, (size_t)count * SECTOR_SIZE);
    return true;
}

bool disk_discard(struct disk *disk, uint64_t sector, uint64_t count)
{
    if (!disk_has(disk, sector, count) || disk->read_only)
        return false;
    memset(disk->data + sector * SECTOR_SIZE, 0xdd, (size_t)count * SECTOR_SIZE);
    return true;
}

bool disk_dma(struct disk *disk, struct device *dev, enum dma_dir dir, uint64_t sector, uint64_t pa,
              uint32_t bytes)
{
    ck_assert_uint_eq(bytes % SECTOR_SIZE, 0);
    ck_assert_uint_ne(bytes, 0);
    if (!disk_has(disk, sector, bytes / SECTOR_SIZE) || (dir == DMA_TO_DEVICE && disk->read_only))
        return false;
    return dev_dma(dev, dir, pa, disk->data + sector * SECTOR_SIZE, bytes);
}

static inline void rig_timer_changed(struct platform *p, struct dev_timer *t)
{
    /* No request may end sooner than one epoch after it was made. */
    if (t->deadline != TIMER_OFF)
        ck_assert_uint_ge(t->deadline, ((struct fake *)p)->now + EPOCH_NS);
}

static inline bool rig_dma(struct platform *p, struct device *dev, enum dma_dir dir, uint64_t pa,
                           void *bytes, size_t n)
{
    ((struct rig *)p)->dmas++;
    return fake_dma(p, dev, dir, pa, bytes, n);
}

static inline void rig_set_line(void *ctx, unsigned n, bool level)
{
    ((struct rig *)ctx)->line[n] = level;
}

static inline struct irq rig_irq(struct rig *r, unsigned n)
{
    return (struct irq){.set = rig_set_line, .ctx = r, .n = n};
}

/* Every sector of a fresh disk is different. */
static inline struct rig *rig_create(bool big_endian)
{
    struct rig *r = calloc(1, sizeof *r);
    fake_init(&r->f);
    r->f.platform.timer_changed = rig_timer_changed;
    r->f.platform.dma = rig_dma;
    r->f.platform.big_endian = big_endian;
    r->f.now = 1000000;
    r->io = bus_create("io");
    r->mem = bus_create("mem");
    struct irq intx[4] = {rig_irq(r, 0), rig_irq(r, 1), rig_irq(r, 2), rig_irq(r, 3)};
    r->pci = pci_bus_create(r->mem, r->io, intx, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(r->disk); i++) {
        struct disk *d = &r->disk[i];
        d->sectors = DISK_SECTORS;
        for (size_t at = 0; at < sizeof d->data; at += 4)
            st_le32(d->data + at, (uint32_t)(at * 2654435761u + i));
    }
    return r;
}

static inline void rig_destroy(struct rig *r)
{
    pci_bus_destroy(r->pci);
    bus_destroy(r->io);
    bus_destroy(r->mem);
    fake_fini(&r->f);
    free(r);
}

/* Everything that a guest can see, now or later. */
static inline void rig_save(struct rig *r, struct buf *out)
{
    uint8_t now[8];
    st_le64(now, r->f.now);
    buf_put(out, now, sizeof now);
    buf_put(out, r->f.ram, RAM_SIZE);
    for (unsigned i = 0; i < ARRAY_LEN(r->disk); i++)
        buf_put(out, r->disk[i].data, sizeof r->disk[i].data);
    fake_save(&r->f, out);
}

static inline void rig_load(struct rig *r, const struct buf *in)
{
    const uint8_t *p = in->data;
    r->f.now = ld_le64(p);
    p += 8;
    memcpy(r->f.ram, p, RAM_SIZE);
    p += RAM_SIZE;
    for (unsigned i = 0; i < ARRAY_LEN(r->disk); i++, p += sizeof r->disk[0].data)
        memcpy(r->disk[i].data, p, sizeof r->disk[i].data);
    fake_load(&r->f, p);
    pci_bus_loaded(r->pci);
}

static inline void rig_assert_equal(struct rig *a, struct rig *b)
{
    struct buf sa = {0}, sb = {0}, diff = {0};
    rig_save(a, &sa);
    rig_save(b, &sb);
    for (unsigned i = 0; i < a->f.devices; i++)
        ck_assert_msg(state_diff(a->f.dev[i]->ops->fields, a->f.dev[i], b->f.dev[i], "", &diff) ==
                          0,
                      "%s", buf_cstr(&diff));
    ck_assert_uint_eq(sa.len, sb.len);
    ck_assert_int_eq(memcmp(sa.data, sb.data, sa.len), 0);
    for (unsigned i = 0; i < RIG_LINES; i++)
        ck_assert_int_eq(a->line[i], b->line[i]);
    buf_free(&sa);
    buf_free(&sb);
    buf_free(&diff);
}

/* What a state table saves it loads, byte for byte, over whatever was there. */
static inline void rig_poison(struct device *from, struct device *to)
{
    struct buf a = {0}, b = {0};
    const struct state_field *f;
    for (f = from->ops->fields; f->name != NULL; f++) {
        memset((uint8_t *)from + f->offset, 0xa5, (size_t)f->width * f->count);
        memset((uint8_t *)to + f->offset, 0x5a, (size_t)f->width * f->count);
    }
    state_save(from->ops->fields, from, &a);
    state_load(to->ops->fields, to, a.data);
    state_save(to->ops->fields, to, &b);
    ck_assert_uint_eq(a.len, b.len);
    for (size_t i = 0; i < b.len; i++)
        ck_assert_uint_eq(b.data[i], 0xa5);
    buf_free(&a);
    buf_free(&b);
}

static inline uint32_t rig_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

#endif
