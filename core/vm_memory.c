/*
 * Physical memory of a VM: pmap, dirty pages, the memory digest.
 *
 * A RAM page has no machine page until it is first written; until then it
 * reads as the shared zero frame. One in the swap file comes back when it is
 * accessed; only reads by devices and debuggers leave it there. A page is handed
 * to the vcpu for writing only through vm_page, which notes it dirty and breaks
 * sharing; the digest is the sum over all pages of a hash of (key, content), zero
 * pages counting 0, so that it can be kept up to date at the cost of the dirty
 * pages alone and does not depend on which pages have a machine page, or share
 * one.
 *
 * DETERMINISM: MPNs are handed out in the order of first writes, which is the
 * guest's own order and so the same in each replay and under each engine.
 */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/vm_pages.h"

static uint32_t frame_of(const struct vm *vm, uint64_t entry)
{
    return entry_has_mpn(entry) ? mpn_frame(vm->memory, (uint32_t)(entry - 1)) : FRAME_ZERO;
}

/* Where pages with such an entry are counted. */
static uint32_t *counter_of(struct vm *vm, uint64_t entry)
{
    if (entry == 0)
        return NULL;
    if (entry & PAGE_SWAPPED)
        return &vm->pages.swapped;
    if (entry & PAGE_BALLOON)
        return &vm->pages.balloon;
    return mpn_arena((uint32_t)(entry - 1)) == vm->index ? &vm->pages.own : &vm->pages.common;
}

void vm_pmap_set(struct vm *vm, uint64_t key, uint64_t entry)
{
    if (key < vm->ram_pages) {
        uint32_t *from = counter_of(vm, radix_get(&vm->pmap, key)), *to = counter_of(vm, entry);
        if (from != NULL)
            --*from;
        if (to != NULL)
            ++*to;
    }
    radix_set(&vm->pmap, key, entry);
}

void vm_page_dirty(struct vm *vm, uint64_t key)
{
    if (!vm->dirty[key]) {
        vm->dirty[key] = 1;
        vm->dirty_list[vm->dirty_count++] = (uint32_t)key;
    }
}

void vm_flush_translations(struct vm *vm)
{
    memset(vm->given, 0, vm->ram_pages + VM_ROM_BYTES / PAGE_SIZE);
    mips_flush_pages(vm->cpu);
}

void vm_page_moved(struct vm *vm, uint64_t key, uint32_t from, uint32_t to)
{
    if (vm->given[key] && from == FRAME_ZERO) {
        vm_flush_translations(vm); /* it has too many users to know them */
    } else if (vm->given[key]) {
        mips_drop_frame(vm->cpu, from);
        vm->given[key] = 0;
    }
    mips_code_changed(vm->cpu, to, 0, PAGE_SIZE);
}

/* ---- whole machine pages ---- */

void vm_page_ref(struct vm *vm, uint32_t mpn)
{
    if (mpn_arena(mpn) == vm->index)
        mpn_ref(vm->memory, mpn);
    else
        buf_put(&vm->page_ops, &(struct page_op){mpn, 1}, sizeof(struct page_op));
}

void vm_page_unref(struct vm *vm, uint32_t mpn)
{
    if (mpn_arena(mpn) == vm->index)
        mpn_unref(vm->memory, mpn);
    else
        buf_put(&vm->page_ops, &(struct page_op){mpn, -1}, sizeof(struct page_op));
}

uint64_t vm_page_at(const struct vm *vm, uint64_t key)
{
    uint64_t entry = radix_get(&vm->pmap, key);
    return entry_has_mpn(entry) ? entry : 0;
}

void vm_page_replace(struct vm *vm, uint64_t key, uint64_t entry)
{
    uint64_t old = radix_get(&vm->pmap, key);
    vm_pmap_set(vm, key, entry);
    vm_page_moved(vm, key, frame_of(vm, old), frame_of(vm, entry));
    if (entry_has_mpn(old))
        vm_page_unref(vm, (uint32_t)(old - 1));
    else if (old & PAGE_SWAPPED)
        swap_free(&vm->memory->swap, vm->index, (uint32_t)old);
}

void vm_page_set(struct vm *vm, uint64_t key, uint64_t mpn1)
{
    if (radix_get(&vm->pmap, key) != mpn1)
        vm_page_replace(vm, key, mpn1);
}

void vm_page_map(struct vm *vm, uint64_t key, uint32_t mpn)
{
    vm_page_set(vm, key, (uint64_t)mpn + 1);
    vm_page_dirty(vm, key);
}

void vm_page_renamed(struct vm *vm, uint64_t key, uint32_t mpn)
{
    vm_pmap_set(vm, key, (uint64_t)mpn + 1);
    mips_protect_frame(vm->cpu, mpn_frame(vm->memory, mpn));
}

/* After it came back from the swap file, if it was there. */
static uint64_t entry_in_memory(struct vm *vm, uint64_t key)
{
    uint64_t entry = radix_get(&vm->pmap, key);
    return UNLIKELY(entry & PAGE_SWAPPED) ? vm_page_in(vm, key) : entry;
}

uint32_t vm_page_hold(struct vm *vm, uint64_t key)
{
    uint64_t mpn1 = entry_in_memory(vm, key);
    if (!entry_has_mpn(mpn1))
        return 0;
    vm_page_ref(vm, (uint32_t)(mpn1 - 1));
    mips_protect_frame(vm->cpu, mpn_frame(vm->memory, (uint32_t)(mpn1 - 1)));
    return (uint32_t)mpn1;
}

uint64_t vm_ram_key(const struct vm *vm, uint64_t pa)
{
    uint64_t key;
    bool rom;
    if ((pa & PAGE_MASK) != 0 || !vm->board->memory_at(vm, pa, &key, &rom) || rom)
        return UINT64_MAX;
    return key;
}

bool vm_page_is_private(const struct vm *vm, uint32_t mpn)
{
    return mpn_arena(mpn) == vm->index && mpn_users(vm->memory, mpn) == 1;
}

/* A write to a page that others use, too. */
static uint32_t break_sharing(struct vm *vm, uint64_t key, uint32_t mpn)
{
    struct memory *memory = vm->memory;
    uint32_t copy = mpn_alloc(memory, vm->index, false);
    memcpy(mpn_host(memory, copy), mpn_host(memory, mpn), PAGE_SIZE);
    vm_pmap_set(vm, key, (uint64_t)copy + 1);
    vm_page_unref(vm, mpn);
    struct event *ev = vm_event(vm, EVENT_UNSHARE);
    ev->arg[0] = key;
    ev->arg[1] = (uint64_t)mpn + 1;
    ev->arg[2] = (uint64_t)copy + 1;
    vm_event_commit(vm);
    return mpn_frame(memory, copy);
}

/* The frame of `key`, ours alone and noted dirty. */
static uint32_t frame_for_write(struct vm *vm, uint64_t key)
{
    uint64_t mpn1 = entry_in_memory(vm, key);
    bool moved = true;
    uint32_t frame, from = frame_of(vm, mpn1);
    if (!entry_has_mpn(mpn1)) {
        uint32_t mpn = mpn_alloc(vm->memory, vm->index, true);
        vm_pmap_set(vm, key, (uint64_t)mpn + 1);
        frame = mpn_frame(vm->memory, mpn);
    } else if (vm_page_is_private(vm, (uint32_t)(mpn1 - 1))) {
        frame = mpn_own(vm->memory, (uint32_t)(mpn1 - 1), &moved);
    } else {
        frame = break_sharing(vm, key, (uint32_t)(mpn1 - 1));
    }
    if (moved)
        vm_page_moved(vm, key, from, frame);
    vm_page_dirty(vm, key);
    return frame;
}

struct mips_page vm_page(void *ctx, uint64_t pa, enum mips_access access)
{
    struct vm *vm = ctx;
    uint64_t key;
    bool rom;
    if (!vm->board->memory_at(vm, pa, &key, &rom) || (rom && access == MIPS_WRITE))
        return (struct mips_page){0};
    if (UNLIKELY(vm->sampled[key])) {
        if (access == MIPS_FORESEE)
            return (struct mips_page){0};
        vm_sample_touched(vm, key);
    }
    uint64_t entry = radix_get(&vm->pmap, key);
    if (UNLIKELY(entry & PAGE_SWAPPED)) {
        if (access == MIPS_FORESEE)
            return (struct mips_page){0};
        entry = vm_page_in(vm, key);
    }
    uint32_t frame = access == MIPS_WRITE ? frame_for_write(vm, key) : frame_of(vm, entry);
    vm->given[key] = 1;
    return (struct mips_page){
        .host = frame_host(&vm->memory->frames, frame),
        .frame = frame,
        .writable = access == MIPS_WRITE,
    };
}

uint64_t vm_machine_page(void *ctx, uint64_t ppn)
{
    struct vm *vm = ctx;
    uint64_t key;
    bool rom;
    if (!vm->board->memory_at(vm, ppn << PAGE_BITS, &key, &rom))
        return 0;
    return vm_page_at(vm, key);
}

const uint8_t *vm_page_bytes(const struct vm *vm, uint64_t key, uint8_t room[PAGE_SIZE])
{
    uint64_t entry = radix_get(&vm->pmap, key);
    if (!(entry & PAGE_SWAPPED))
        return frame_host(&vm->memory->frames, frame_of(vm, entry));
    swap_read(&vm->memory->swap, vm->index, (uint32_t)entry, 0, room, PAGE_SIZE);
    return room;
}

/* Part of a page. */
static void read_part(const struct vm *vm, uint64_t key, uint64_t off, void *out, size_t n)
{
    uint64_t entry = radix_get(&vm->pmap, key);
    if (entry & PAGE_SWAPPED)
        swap_read(&vm->memory->swap, vm->index, (uint32_t)entry, off, out, n);
    else
        memcpy(out, frame_host(&vm->memory->frames, frame_of(vm, entry)) + off, n);
}

size_t vm_read_physical(const struct vm *vm, uint64_t pa, void *out, size_t n)
{
    size_t done = 0;
    while (done < n) {
        uint64_t key, off = (pa + done) & PAGE_MASK;
        bool rom;
        if (!vm->board->memory_at(vm, pa + done, &key, &rom))
            break;
        size_t part = (size_t)min_u64(n - done, PAGE_SIZE - off);
        read_part(vm, key, off, (uint8_t *)out + done, part);
        done += part;
    }
    return done;
}

static bool all_memory(const struct vm *vm, uint64_t pa, size_t n, bool rom_too)
{
    if (n == 0)
        return true;
    if (pa + n < pa)
        return false;
    for (uint64_t page = pa & ~PAGE_MASK; page < pa + n; page += PAGE_SIZE) {
        uint64_t key;
        bool rom;
        if (!vm->board->memory_at(vm, page, &key, &rom) || (rom && !rom_too))
            return false;
    }
    return true;
}

static void write_pages(struct vm *vm, uint64_t pa, const uint8_t *bytes, size_t n)
{
    while (n != 0) {
        uint64_t key = 0, off = pa & PAGE_MASK;
        bool rom;
        vm->board->memory_at(vm, pa, &key, &rom);
        size_t part = (size_t)min_u64(n, PAGE_SIZE - off);
        uint32_t frame = frame_for_write(vm, key);
        memcpy(frame_host(&vm->memory->frames, frame) + off, bytes, part);
        mips_code_changed(vm->cpu, frame, (uint32_t)off, (uint32_t)part);
        pa += part;
        bytes += part;
        n -= part;
    }
}

bool vm_write_physical(struct vm *vm, uint64_t pa, const void *bytes, size_t n)
{
    if (!all_memory(vm, pa, n, false))
        return false;
    write_pages(vm, pa, bytes, n);
    return true;
}

bool vm_load(struct vm *vm, uint64_t pa, const void *bytes, size_t n)
{
    if (!all_memory(vm, pa, n, true))
        return false;
    vm_touch(vm, &(struct touch){.by = TOUCH_LOADER, .write = true, .pa = pa, .bytes = n});
    write_pages(vm, pa, bytes, n);
    return true;
}

bool vm_has_memory(const struct vm *vm, uint64_t pa, size_t n, bool for_writing)
{
    return all_memory(vm, pa, n, !for_writing);
}

void vm_log_dma(struct vm *vm, const struct device *dev, enum dma_dir dir, uint64_t pa, size_t n)
{
    uint64_t device = 0;
    for (unsigned i = 0; i < vm->devices_count; i++)
        if (vm->devices[i] == dev)
            device = i;
    struct event *ev = vm_event(vm, EVENT_DMA);
    ev->arg[0] = device;
    ev->arg[1] = dir == DMA_TO_MEMORY;
    ev->arg[2] = pa;
    ev->arg[3] = n;
    vm_event_commit(vm);
}

bool vm_dma(struct platform *p, struct device *dev, enum dma_dir dir, uint64_t pa, void *bytes,
            size_t n)
{
    struct vm *vm = container_of(p, struct vm, platform);
    if (!all_memory(vm, pa, n, dir == DMA_TO_DEVICE))
        return false;
    vm_touch(vm, &(struct touch){.by = dev != NULL ? TOUCH_DMA : TOUCH_CONTROL,
                                 .write = dir == DMA_TO_MEMORY,
                                 .dev = dev != NULL ? dev : p->serving.dev,
                                 .pa = pa,
                                 .bytes = n});
    if (dir == DMA_TO_MEMORY)
        write_pages(vm, pa, bytes, n);
    else
        vm_read_physical(vm, pa, bytes, n);
    if (dev != NULL)
        vm_log_dma(vm, dev, dir, pa, n);
    return true;
}

static uint64_t page_contribution(uint64_t key, const uint8_t *bytes)
{
    static const uint8_t zero[PAGE_SIZE];
    if (memcmp(bytes, zero, PAGE_SIZE) == 0)
        return 0;
    uint64_t h = XXH3_64bits_withSeed(bytes, PAGE_SIZE, key);
    return h == 0 ? 1 : h;
}

void vm_update_memory_digest(struct vm *vm)
{
    if (vm->dirty_count == 0)
        return;
    for (uint32_t i = 0; i < vm->dirty_count; i++) {
        uint32_t key = vm->dirty_list[i];
        uint64_t old = radix_get(&vm->page_hash, key);
        uint8_t room[PAGE_SIZE];
        uint64_t now = page_contribution(key, vm_page_bytes(vm, key, room));
        if (now != old)
            radix_set(&vm->page_hash, key, now);
        vm->memory_digest += now - old;
        vm->dirty[key] = 0;
    }
    vm->dirty_count = 0;
    mips_flush_writes(vm->cpu);
}
