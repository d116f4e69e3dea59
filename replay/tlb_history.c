/*
 * All TLB writes of the trace are read once, and sorted by what they map: pages
 * of 4 KiB by pair of pages and ASID, so that a look-up is a binary search; the
 * few others are looked through.
 */
#include "replay/tlb_history.h"

#include <stdlib.h>
#include <string.h>

#define LO_VALID   2u
#define LO_GLOBAL  1u
#define PFN_SHIFT  6
#define PFN_MASK   0x3fffffc0u /* EntryLo bits 29:6 */
#define ASID_MASK  0xffu
#define VPN2_MASK  0xffffffffffffe000ull

#define ASID_GLOBAL 0x100u

struct tlb_write {
    uint64_t event; /* its index in the trace */
    uint64_t entryhi, lo[2];
    uint32_t page_size;
};

static uint64_t pair_of(const struct tlb_write *w)
{
    return w->entryhi & VPN2_MASK & ~(2ull * w->page_size - 1);
}

static unsigned asid_of(const struct tlb_write *w)
{
    return w->lo[0] & w->lo[1] & LO_GLOBAL ? ASID_GLOBAL : (unsigned)w->entryhi & ASID_MASK;
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_writes(const void *a, const void *b)
{
    const struct tlb_write *x = a, *y = b;
    int order = compare(x->page_size, y->page_size);
    if (order == 0)
        order = compare(pair_of(x), pair_of(y));
    if (order == 0)
        order = compare(asid_of(x), asid_of(y));
    return order != 0 ? order : compare(x->event, y->event);
}

static void load(struct timeline *t)
{
    struct replayer *r = &t->replayer;
    t->tlb_writes_loaded = true;
    for (size_t b = 0; b < r->batches_count; b++) {
        const struct event *ev = replayer_look(r, b);
        for (uint32_t i = 0; ev != NULL && i < r->batches[b].count; i++) {
            if (ev[i].kind != EVENT_TLB_WRITE || ev[i].vm >= timeline_vms(t))
                continue;
            struct tlb_writes *w = &t->tlb_writes[ev[i].vm];
            if (w->count == w->cap) {
                w->cap = w->cap == 0 ? 4096 : w->cap * 2;
                w->list = xrealloc(w->list, w->cap * sizeof w->list[0]);
            }
            unsigned code = ev[i].arg[0] >> 8 & 0xff;
            w->list[w->count++] = (struct tlb_write){
                .event = r->batches[b].first + i,
                .entryhi = ev[i].arg[1],
                .lo = {ev[i].arg[2], ev[i].arg[3]},
                .page_size = PAGE_SIZE << (2 * min_u64(code, 8)),
            };
        }
    }
    for (unsigned vm = 0; vm < timeline_vms(t); vm++) {
        struct tlb_writes *w = &t->tlb_writes[vm];
        if (w->count != 0)
            qsort(w->list, w->count, sizeof w->list[0], compare_writes);
        while (w->small < w->count && w->list[w->small].page_size == PAGE_SIZE)
            w->small++;
    }
}

unsigned tlb_history_asid(const struct timeline *t, unsigned vm)
{
    for (size_t i = 0; i < mips_regs_count; i++)
        if (strcmp(mips_regs[i].name, "c0_entryhi") == 0)
            return mips_reg_read(timeline_cpu(t, vm), mips_regs[i].number) & ASID_MASK;
    return 0;
}

/* The last one before the present position that maps this half of the pair; NULL for none. */
static const struct tlb_write *last_small(const struct timeline *t, unsigned vm, uint64_t va,
                                          unsigned asid)
{
    const struct tlb_writes *w = &t->tlb_writes[vm];
    struct tlb_write key = {.event = t->replayer.at.event,
                            .entryhi = (va & VPN2_MASK) | (asid & ASID_MASK),
                            .lo = {asid >> 8, asid >> 8},
                            .page_size = PAGE_SIZE};
    size_t lo = 0, hi = w->small;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (compare_writes(&w->list[mid], &key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo > 0; lo--) {
        const struct tlb_write *at = &w->list[lo - 1];
        if (pair_of(at) != pair_of(&key) || asid_of(at) != asid)
            return NULL;
        if (at->lo[(va & PAGE_SIZE) != 0] & LO_VALID)
            return at;
    }
    return NULL;
}

static bool is_later(const struct tlb_write *a, const struct tlb_write *than)
{
    return a != NULL && (than == NULL || a->event > than->event);
}

static const struct tlb_write *last_large(const struct timeline *t, unsigned vm, uint64_t va,
                                          int asid)
{
    const struct tlb_writes *w = &t->tlb_writes[vm];
    const struct tlb_write *best = NULL;
    for (size_t i = w->small; i < w->count; i++) {
        const struct tlb_write *at = &w->list[i];
        if (at->event >= t->replayer.at.event || pair_of(at) != (va & ~(2ull * at->page_size - 1)) ||
            (asid >= 0 && asid_of(at) != ASID_GLOBAL && asid_of(at) != (unsigned)asid))
            continue;
        if (at->lo[(va & at->page_size) != 0] & LO_VALID && is_later(at, best))
            best = at;
    }
    return best;
}

bool tlb_history_find(struct timeline *t, unsigned vm, uint64_t va, int asid, uint64_t *pa)
{
    if (!t->tlb_writes_loaded)
        load(t);
    if (asid == TLB_HISTORY_PRESENT_ASID)
        asid = (int)tlb_history_asid(t, vm);
    const struct tlb_write *best = last_large(t, vm, va, asid);
    for (unsigned i = 0; i <= ASID_GLOBAL; i++) {
        if (asid >= 0 && i != (unsigned)asid && i != ASID_GLOBAL)
            continue;
        const struct tlb_write *at = last_small(t, vm, va, i);
        if (is_later(at, best))
            best = at;
    }
    if (best == NULL)
        return false;
    uint64_t pfn = (best->lo[(va & best->page_size) != 0] & PFN_MASK) >> PFN_SHIFT;
    *pa = ((pfn << PAGE_BITS) & ~(uint64_t)(best->page_size - 1)) | (va & (best->page_size - 1));
    return true;
}

/* The TLB's answer is for the present address space only, where the address is not that of a segment
 * which is the same in all. */
bool tlb_history_translate(struct timeline *t, unsigned vm, uint64_t va, int asid, uint64_t *pa)
{
    bool present = asid < 0 || (va & 0x80000000u) != 0 || tlb_history_asid(t, vm) == (unsigned)asid;
    return (present && mips_translate(timeline_cpu(t, vm), va, pa)) ||
           tlb_history_find(t, vm, va, asid, pa);
}

void tlb_history_free(struct timeline *t)
{
    for (unsigned i = 0; i < VMS_MAX; i++)
        free(t->tlb_writes[i].list);
}
