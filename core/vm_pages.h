/*
 * What stands in a VM's pmap, for the files that change it: vm_memory.c and
 * vm_reclaim.c. All others see machine pages only (vm_page_at).
 *
 * An entry is 0 (the page reads as zero, and was never written or lost its
 * machine page since), MPN + 1, PAGE_SWAPPED | slot, or PAGE_BALLOON. A page in
 * the balloon reads as zero; a guest that writes to it has taken it out again.
 */
#ifndef CORE_VM_PAGES_H
#define CORE_VM_PAGES_H

#include "core/vm.h"

#define PAGE_SWAPPED (1ull << 63)
#define PAGE_BALLOON (1ull << 62)

static inline bool entry_has_mpn(uint64_t entry)
{
    return entry != 0 && entry < PAGE_BALLOON;
}

/* The one place where pmap changes: keeps vm->pages. References are the caller's business. */
void vm_pmap_set(struct vm *vm, uint64_t key, uint64_t entry);
/* The same, dropping what was there before, for another content. The page's cached translations and
 * code are forgotten. */
void vm_page_replace(struct vm *vm, uint64_t key, uint64_t entry);
/* The page's content is in frame `to` now, which may have held anything before; it was read from
 * `from`. */
void vm_page_moved(struct vm *vm, uint64_t key, uint32_t from, uint32_t to);
void vm_page_dirty(struct vm *vm, uint64_t key);
/* Back from the swap file: the new entry. */
uint64_t vm_page_in(struct vm *vm, uint64_t key);
/* A sampled page is accessed. */
void vm_sample_touched(struct vm *vm, uint64_t key);

#endif
