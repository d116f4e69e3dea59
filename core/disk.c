/*
 * Disks. Reads come from the overlay where it has the block, else from the
 * base image through the port. A write brings the whole 4 KiB block into the
 * overlay first.
 *
 * DMA is intercepted as in Disco, where the run shares: a whole block that goes
 * to a whole page is mapped there if it is in machine memory already, in the
 * overlay or read by any VM before; and one that is written becomes the
 * overlay's, too. What is written next, by either, breaks that.
 *
 * Written blocks are paged out as RAM is. To be read they stay in the swap file;
 * one that is written comes back.
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
    radix_init(&d->away, NULL);
    return d;
}

void disk_destroy(struct disk *d)
{
    radix_fini(&d->overlay);
    radix_fini(&d->away);
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

/* ---- written blocks ---- */

static bool is_written(const struct disk *d, uint64_t block)
{
    return radix_get(&d->overlay, block) != 0 || radix_get(&d->away, block) != 0;
}

/* The content of a written block; `room` takes that of one in the swap file. NULL: it is not
 * written. */
static const uint8_t *written_block(const struct disk *d, uint64_t block, uint8_t room[DISK_BLOCK])
{
    uint64_t mpn1 = radix_get(&d->overlay, block);
    if (mpn1 != 0)
        return mpn_host(d->vm->memory, (uint32_t)(mpn1 - 1));
    uint64_t slot1 = radix_get(&d->away, block);
    if (slot1 == 0)
        return NULL;
    swap_read(&d->vm->memory->swap, d->vm->index, (uint32_t)(slot1 - 1), 0, room, DISK_BLOCK);
    return room;
}

/* The page, whose reference is taken over, holds the written block; 0: none does. The caller has
 * dropped what was there. */
static void set_block(struct disk *d, uint64_t block, uint64_t mpn1)
{
    struct vm_pages *pages = &d->vm->pages;
    pages->blocks -= radix_get(&d->overlay, block) != 0;
    pages->blocks += mpn1 != 0;
    radix_set(&d->overlay, block, mpn1);
}

/* Where a written block was: that is free, as far as the disk is concerned. */
static void release_block(struct disk *d, uint64_t block)
{
    uint64_t mpn1 = radix_get(&d->overlay, block), slot1 = radix_get(&d->away, block);
    if (mpn1 != 0) {
        vm_page_unref(d->vm, (uint32_t)(mpn1 - 1));
    } else if (slot1 != 0) {
        swap_free(&d->vm->memory->swap, d->vm->index, (uint32_t)(slot1 - 1));
        radix_set(&d->away, block, 0);
    }
}

static unsigned number_of(const struct disk *disk)
{
    unsigned i = 0;
    while (disk->vm->disks[i] != disk)
        i++;
    return i;
}

static void log_block(const struct disk *d, enum event_kind kind, uint64_t block, uint32_t mpn,
                      uint32_t slot)
{
    struct event *ev = vm_event(d->vm, kind);
    ev->arg[0] = number_of(d);
    ev->arg[1] = block;
    ev->arg[2] = (uint64_t)mpn + 1;
    ev->arg[3] = slot;
    vm_event_commit(d->vm);
}

static void page_out(struct disk *d, uint64_t block, uint32_t mpn)
{
    struct vm *vm = d->vm;
    uint32_t slot = swap_out(&vm->memory->swap, vm->index, mpn_host(vm->memory, mpn));
    set_block(d, block, 0);
    radix_set(&d->away, block, (uint64_t)slot + 1);
    if (mpn_arena(mpn) == ARENA_COMMON)
        share_unref(vm->monitor, mpn);
    else
        mpn_unref(vm->memory, mpn);
    log_block(d, EVENT_BLOCK_OUT, block, mpn, slot);
}

bool disk_page_out(struct disk *d, bool shared_too)
{
    uint64_t block = d->next_out, begin = block, mpn1;
    for (bool again = false; d->vm->pages.blocks != 0;) {
        mpn1 = radix_next(&d->overlay, &block);
        if (again && (mpn1 == 0 || block >= begin))
            return false;
        if (mpn1 == 0) {
            again = true;
            block = 0;
            continue;
        }
        d->next_out = ++block;
        if (!shared_too && !vm_page_is_private(d->vm, (uint32_t)(mpn1 - 1)))
            continue;
        page_out(d, block - 1, (uint32_t)(mpn1 - 1));
        return true;
    }
    return false;
}

struct each {
    const struct disk *d;
    bool (*fn)(void *ctx, uint64_t block, const uint8_t *bytes);
    void *ctx;
    bool stopped;
};

static bool each_block(void *ctx, uint64_t block, uint64_t value)
{
    struct each *e = ctx;
    uint8_t room[DISK_BLOCK];
    (void)value;
    e->stopped = !e->fn(e->ctx, block, written_block(e->d, block, room));
    return !e->stopped;
}

void disk_each_written(const struct disk *d,
                       bool (*fn)(void *ctx, uint64_t block, const uint8_t *bytes), void *ctx)
{
    struct each e = {.d = d, .fn = fn, .ctx = ctx};
    radix_each(&d->overlay, each_block, &e);
    if (!e.stopped)
        radix_each(&d->away, each_block, &e);
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

/* What was written there, if anything, counts no more. */
static void forget_block(struct disk *d, uint64_t block)
{
    uint8_t room[DISK_BLOCK];
    const uint8_t *bytes = written_block(d, block, room);
    if (bytes == NULL)
        return;
    d->digest -= block_hash(block, bytes);
    release_block(d, block);
}

/* Up to the end of one block. */
static void read_part(struct disk *d, uint64_t offset, uint8_t *out, size_t n)
{
    uint64_t block = offset >> DISK_BLOCK_BITS, at = offset & (DISK_BLOCK - 1);
    uint8_t room[DISK_BLOCK];
    const uint8_t *bytes = written_block(d, block, room);
    if (bytes == NULL) {
        read_base(d, block, room);
        bytes = room;
    }
    memcpy(out, bytes + at, n);
}

/* The block's page, to be written: nobody else's. */
static uint8_t *overlay_own(struct disk *d, uint64_t block)
{
    struct memory *memory = d->vm->memory;
    uint64_t mpn1 = radix_get(&d->overlay, block);
    bool moved;
    if (mpn1 != 0 && vm_page_is_private(d->vm, (uint32_t)(mpn1 - 1)))
        return frame_host(&memory->frames, mpn_own(memory, (uint32_t)(mpn1 - 1), &moved));
    uint32_t mpn = mpn_alloc(memory, d->vm->index, false);
    uint8_t *bytes = mpn_host(memory, mpn);
    uint64_t slot1 = radix_get(&d->away, block);
    const uint8_t *old = written_block(d, block, bytes);
    if (old == NULL)
        read_base(d, block, bytes);
    else if (old != bytes)
        memcpy(bytes, old, DISK_BLOCK);
    release_block(d, block);
    set_block(d, block, (uint64_t)mpn + 1);
    if (slot1 != 0)
        log_block(d, EVENT_BLOCK_IN, block, mpn, (uint32_t)(slot1 - 1));
    return bytes;
}

static void write_part(struct disk *d, uint64_t offset, const uint8_t *in, size_t n)
{
    uint64_t block = offset >> DISK_BLOCK_BITS, at = offset & (DISK_BLOCK - 1);
    bool known = is_written(d, block);
    uint8_t *bytes = overlay_own(d, block);
    if (known)
        d->digest -= block_hash(block, bytes);
    memcpy(bytes + at, in, n);
    d->digest += block_hash(block, bytes);
}

/* ---- whole pages ---- */

static void log_intercept(const struct disk *d, uint64_t key, uint32_t mpn, uint64_t block)
{
    struct event *ev = vm_event(d->vm, EVENT_INTERCEPT);
    ev->arg[0] = key;
    ev->arg[1] = (uint64_t)mpn + 1;
    ev->arg[2] = mpn_users(d->vm->memory, mpn) + 1;
    ev->arg[3] = d->config.image;
    ev->arg[4] = block;
    vm_event_commit(d->vm);
}

/* The block, from the overlay or from what any VM has read, becomes the page at `key`. */
static void map_block(struct disk *d, uint64_t block, uint64_t key)
{
    struct vm *vm = d->vm;
    uint64_t mpn1 = radix_get(&d->overlay, block);
    bool away = mpn1 == 0 && radix_get(&d->away, block) != 0;
    if (mpn1 == 0 && !away)
        mpn1 = share_find_block(&vm->monitor->share, d->config.image, block);
    if (mpn1 != 0) {
        log_intercept(d, key, (uint32_t)(mpn1 - 1), block);
        vm_page_ref(vm, (uint32_t)(mpn1 - 1));
        vm_page_map(vm, key, (uint32_t)(mpn1 - 1));
        return;
    }
    uint32_t mpn = mpn_alloc(vm->memory, vm->index, false);
    uint8_t *bytes = mpn_host(vm->memory, mpn);
    if (!away || written_block(d, block, bytes) == NULL)
        read_base(d, block, bytes);
    vm_page_map(vm, key, mpn);
    if (away || d->config.image >= SHARE_IMAGES_MAX)
        return;
    vm_page_ref(vm, mpn);
    struct block_read read = {.key = key, .block = block, .image = d->config.image, .mpn = mpn};
    buf_put(&vm->block_reads, &read, sizeof read);
}

/* The page at `key` becomes the overlay's block, too. False: it is the zero page. */
static bool keep_page(struct disk *d, uint64_t block, uint64_t key)
{
    struct vm *vm = d->vm;
    uint64_t mpn1 = vm_page_hold(vm, key);
    if (mpn1 == 0)
        return false;
    forget_block(d, block);
    set_block(d, block, mpn1);
    d->digest += block_hash(block, mpn_host(vm->memory, (uint32_t)(mpn1 - 1)));
    return true;
}

/* One block or less between `at` on the disk and physical memory. */
static void move_part(struct disk *d, bool to_memory, uint64_t at, uint64_t pa, size_t n)
{
    bool whole = n == DISK_BLOCK && (d->vm->monitor->config.share & SHARE_DISK);
    uint64_t key = whole ? vm_ram_key(d->vm, pa) : UINT64_MAX;
    uint8_t part[DISK_BLOCK];
    if (key != UINT64_MAX && to_memory) {
        map_block(d, at >> DISK_BLOCK_BITS, key);
    } else if (to_memory) {
        read_part(d, at, part, n);
        vm_write_physical(d->vm, pa, part, n);
    } else if (key == UINT64_MAX || !keep_page(d, at >> DISK_BLOCK_BITS, key)) {
        vm_read_physical(d->vm, pa, part, n);
        write_part(d, at, part, n);
    }
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

bool disk_discard(struct disk *disk, uint64_t sector, uint64_t count)
{
    if (disk->config.read_only || !in_range(disk, sector, count))
        return false;
    uint64_t per_block = DISK_BLOCK / SECTOR_SIZE;
    uint64_t block = (sector + per_block - 1) / per_block, end = (sector + count) / per_block;
    for (; block < end; block++)
        if (is_written(disk, block)) {
            forget_block(disk, block);
            set_block(disk, block, 0);
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
    vm_touch(disk->vm, &(struct touch){.by = TOUCH_DISK,
                                       .write = to_memory,
                                       .dev = dev,
                                       .pa = pa,
                                       .bytes = bytes,
                                       .number = sector,
                                       .disk = number_of(disk)});
    uint64_t at = sector * SECTOR_SIZE, end = at + bytes, to = pa;
    for (size_t n; at < end; at += n, to += n) {
        n = part_of(at, end - at);
        move_part(disk, to_memory, at, to, n);
    }
    vm_log_dma(disk->vm, dev, dir, pa, bytes);
    return true;
}
