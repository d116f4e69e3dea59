/*
 * Mappings that the guest's TLB held before. A MIPS TLB is small and refilled
 * by software, so most of a process's memory is not in it at any moment; the
 * trace knows each TLB write, and so the last mapping of a page before the
 * present position.
 */
#ifndef REPLAY_TLB_HISTORY_H
#define REPLAY_TLB_HISTORY_H

#include "replay/timeline.h"

#define TLB_HISTORY_ANY_ASID     (-1)
#define TLB_HISTORY_PRESENT_ASID (-2)

/* Of that VM. False: the page was not mapped before under that ASID (0-255 or one of the above). */
bool tlb_history_find(struct timeline *t, unsigned vm, uint64_t va, int asid, uint64_t *pa);

/* What a virtual address means at the present position: by the TLB, where it holds pages of that
 * address space, else by the last mapping that the guest wrote for it. */
bool tlb_history_translate(struct timeline *t, unsigned vm, uint64_t va, int asid, uint64_t *pa);

/* The VM's present address space: EntryHi.ASID. */
unsigned tlb_history_asid(const struct timeline *t, unsigned vm);

void tlb_history_free(struct timeline *t);

#endif
