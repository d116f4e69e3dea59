/*
 * The VM's side of reclaiming memory: pages go to the swap file and come back,
 * go into the balloon and out of it, and are watched for accesses. What is to
 * be done, and when, is decided in core/reclaim.c.
 */
#include "core/monitor.h"
#include "core/vm_pages.h"

/* ---- the swap file ---- */

static void log_swap(struct vm *vm, enum event_kind kind, uint64_t key, uint32_t mpn, uint32_t slot)
{
    struct event *ev = vm_event(vm, kind);
    ev->arg[0] = key;
    ev->arg[1] = (uint64_t)mpn + 1;
    ev->arg[2] = slot;
    vm_event_commit(vm);
}

bool vm_page_out(struct vm *vm, uint64_t key, bool shared_too)
{
    uint64_t mpn1 = vm_page_at(vm, key);
    uint32_t mpn = (uint32_t)(mpn1 - 1);
    if (mpn1 == 0)
        return false;
    if (!shared_too && !vm_page_is_private(vm, mpn))
        return false;
    uint32_t slot = swap_out(&vm->memory->swap, vm->index, mpn_host(vm->memory, mpn));
    vm_pmap_set(vm, key, PAGE_SWAPPED | slot);
    if (mpn_arena(mpn) == ARENA_COMMON)
        share_unref(vm->monitor, mpn);
    else
        mpn_unref(vm->memory, mpn);
    log_swap(vm, EVENT_PAGE_OUT, key, mpn, slot);
    return true;
}

uint64_t vm_page_in(struct vm *vm, uint64_t key)
{
    struct memory *memory = vm->memory;
    uint32_t slot = (uint32_t)radix_get(&vm->pmap, key);
    uint32_t mpn = mpn_alloc(memory, vm->index, false);
    swap_read(&memory->swap, vm->index, slot, 0, mpn_host(memory, mpn), PAGE_SIZE);
    swap_free(&memory->swap, vm->index, slot);
    vm_pmap_set(vm, key, (uint64_t)mpn + 1);
    vm_page_moved(vm, key, FRAME_ZERO, mpn_frame(memory, mpn));
    log_swap(vm, EVENT_PAGE_IN, key, mpn, slot);
    return (uint64_t)mpn + 1;
}

/* ---- the balloon ---- */

static void log_balloon(struct vm *vm, uint64_t key, uint64_t mpn1, unsigned in)
{
    struct event *ev = vm_event(vm, EVENT_BALLOON);
    ev->arg[0] = key;
    ev->arg[1] = mpn1;
    ev->arg[2] = in;
    vm_event_commit(vm);
}

static void empty_balloon(struct vm *vm)
{
    for (uint64_t key = 0; vm->pages.balloon != 0; key++) {
        if (radix_get(&vm->pmap, key) == PAGE_BALLOON) {
            vm_pmap_set(vm, key, 0);
            log_balloon(vm, key, 0, 0);
        }
    }
}

void vm_balloon(struct platform *p, uint64_t pa, enum balloon_op op)
{
    struct vm *vm = container_of(p, struct vm, platform);
    uint64_t key = vm_ram_key(vm, pa);
    if (op == BALLOON_ALL_OUT) {
        empty_balloon(vm);
        return;
    }
    if (key == UINT64_MAX)
        return;
    uint64_t entry = radix_get(&vm->pmap, key);
    if (op == BALLOON_IN && entry != PAGE_BALLOON) {
        uint64_t mpn1 = vm_page_at(vm, key);
        vm_touch(vm, &(struct touch){.by = TOUCH_BALLOON,
                                     .write = true,
                                     .dev = p->serving.dev,
                                     .pa = pa,
                                     .bytes = PAGE_SIZE});
        vm_page_replace(vm, key, PAGE_BALLOON);
        vm_page_dirty(vm, key);
        log_balloon(vm, key, mpn1, 1);
    } else if (op == BALLOON_OUT && entry == PAGE_BALLOON) {
        vm_pmap_set(vm, key, 0);
        log_balloon(vm, key, 0, 0);
    }
}

/* ---- samples ---- */

void vm_samples_clear(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->samples.count; i++)
        vm->sampled[vm->samples.key[i]] = 0;
    vm->samples = (struct vm_samples){0};
}

void vm_sample(struct vm *vm, uint64_t key)
{
    struct vm_samples *s = &vm->samples;
    if (vm->sampled[key] || s->count == VM_SAMPLES_MAX)
        return;
    vm->sampled[key] = 1;
    s->key[s->count++] = (uint32_t)key;
    s->drawn++;
}

void vm_sample_touched(struct vm *vm, uint64_t key)
{
    struct vm_samples *s = &vm->samples;
    uint32_t i = 0;
    while (s->key[i] != key)
        i++;
    s->key[i] = s->key[--s->count];
    s->touched++;
    vm->sampled[key] = 0;
}

void vm_samples_restore(struct vm *vm, const struct vm_samples *from)
{
    vm_samples_clear(vm);
    vm->samples = *from;
    for (uint32_t i = 0; i < from->count; i++)
        vm->sampled[from->key[i]] = 1;
}
