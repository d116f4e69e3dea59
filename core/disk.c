/*
 * Disks. Reads come from the overlay where it has the block, else from the
 * base image through the port. A write brings the whole 4 KiB block into the
 * overlay first.
 */
#include "core/disk.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/disk_priv.h"
#include "core/monitor.h"
#include "core/vm.h"

struct disk *disk_create(struct vm *vm, const struct disk_config *cfg)
{
    struct disk *d = xcalloc(1, sizeof *d);
    d->vm = vm;
    d->config = *cfg;
    radix_init(&d->overlay, NULL);
    return d;
}

void disk_destroy(struct disk *d)
{
    radix_fini(&d->overlay);
    free(d);
}

uint64_t disk_digest(const struct disk *d)
{
    return d->digest;
}

uint64_t disk_sectors(const struct disk *disk)
{
    return disk->config.sectors;
}

const char *disk_serial(const struct disk *disk)
{
    return disk->config.serial;
}

bool disk_read_only(const struct disk *disk)
{
    return disk->config.read_only;
}

static bool in_range(const struct disk *disk, uint64_t sector, uint64_t count)
{
    return sector <= disk->config.sectors && count <= disk->config.sectors - sector;
}

static uint8_t *overlay_block(const struct disk *d, uint64_t block)
{
    uint64_t mpn1 = radix_get(&d->overlay, block);
    if (mpn1 == 0)
        return NULL;
    struct memory *memory = d->vm->memory;
    return frame_host(&memory->frames, mpn_frame(memory, (uint32_t)(mpn1 - 1)));
}

static void read_base(struct disk *d, uint64_t block, uint8_t *out)
{
    const struct port *port = &d->vm->monitor->port;
    port->ops->disk_block(port->ctx, d->vm->index, d->config.image, block, out);
}

static uint64_t block_hash(uint64_t block, const uint8_t *bytes)
{
    return XXH3_64bits_withSeed(bytes, DISK_BLOCK, block);
}

/* Up to the end of one block. */
static void read_part(struct disk *d, uint64_t offset, uint8_t *out, size_t n)
{
    uint64_t block = offset >> DISK_BLOCK_BITS, at = offset & (DISK_BLOCK - 1);
    const uint8_t *bytes = overlay_block(d, block);
    uint8_t base[DISK_BLOCK];
    if (bytes == NULL) {
        read_base(d, block, base);
        bytes = base;
    }
    memcpy(out, bytes + at, n);
}

static void write_part(struct disk *d, uint64_t offset, const uint8_t *in, size_t n)
{
    uint64_t block = offset >> DISK_BLOCK_BITS, at = offset & (DISK_BLOCK - 1);
    struct memory *memory = d->vm->memory;
    uint64_t mpn1 = radix_get(&d->overlay, block);
    uint8_t *bytes;
    if (mpn1 == 0) {
        uint32_t mpn = mpn_alloc(memory, d->vm->index, true);
        radix_set(&d->overlay, block, (uint64_t)mpn + 1);
        bytes = frame_host(&memory->frames, mpn_frame(memory, mpn));
        read_base(d, block, bytes);
    } else {
        bool moved;
        bytes = frame_host(&memory->frames, mpn_own(memory, (uint32_t)(mpn1 - 1), &moved));
        d->digest -= block_hash(block, bytes);
    }
    memcpy(bytes + at, in, n);
    d->digest += block_hash(block, bytes);
}

static size_t part_of(uint64_t offset, uint64_t left)
{
    return (size_t)min_u64(left, DISK_BLOCK - (offset & (DISK_BLOCK - 1)));
}

bool disk_read(struct disk *disk, uint64_t sector, uint32_t count, void *buf)
{
    if (!in_range(disk, sector, count))
        return false;
    uint8_t *out = buf;
    uint64_t at = sector * SECTOR_SIZE, end = at + (uint64_t)count * SECTOR_SIZE;
    for (size_t n; at < end; at += n, out += n) {
        n = part_of(at, end - at);
        read_part(disk, at, out, n);
    }
    return true;
}

bool disk_write(struct disk *disk, uint64_t sector, uint32_t count, const void *buf)
{
    if (disk->config.read_only || !in_range(disk, sector, count))
        return false;
    const uint8_t *in = buf;
    uint64_t at = sector * SECTOR_SIZE, end = at + (uint64_t)count * SECTOR_SIZE;
    for (size_t n; at < end; at += n, in += n) {
        n = part_of(at, end - at);
        write_part(disk, at, in, n);
    }
    return true;
}

bool disk_dma(struct disk *disk, struct device *dev, enum dma_dir dir, uint64_t sector, uint64_t pa,
              uint32_t bytes)
{
    bool to_memory = dir == DMA_TO_MEMORY;
    if (bytes % SECTOR_SIZE != 0 || !in_range(disk, sector, bytes / SECTOR_SIZE) ||
        (!to_memory && disk->config.read_only) ||
        !vm_has_memory(disk->vm, pa, bytes, to_memory))
        return false;
    uint64_t at = sector * SECTOR_SIZE, end = at + bytes, to = pa;
    uint8_t part[DISK_BLOCK];
    for (size_t n; at < end; at += n, to += n) {
        n = part_of(at, end - at);
        if (to_memory) {
            read_part(disk, at, part, n);
            vm_write_physical(disk->vm, to, part, n);
        } else {
            vm_read_physical(disk->vm, to, part, n);
            write_part(disk, at, part, n);
        }
    }
    vm_log_dma(disk->vm, dev, dir, pa, bytes);
    return true;
}
