#include "replay/tlb_history.h"

#include <stdlib.h>
#include <string.h>

#define LO_VALID   2u
#define LO_GLOBAL  1u
#define PFN_SHIFT  6
#define PFN_MASK   0x3fffffc0u /* EntryLo bits 29:6 */
#define ASID_MASK  0xffu
#define VPN2_MASK  0xffffffffffffe000ull

struct tlb_write {
    uint64_t event; /* its index in the trace */
    uint64_t entryhi, lo[2];
    uint32_t page_size;
};

/* All TLB writes of the trace, in order; read once. */
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
                .page_size = 4096u << (2 * min_u64(code, 8)),
            };
        }
    }
}

unsigned tlb_history_asid(const struct timeline *t, unsigned vm)
{
    for (size_t i = 0; i < mips_regs_count; i++)
        if (strcmp(mips_regs[i].name, "c0_entryhi") == 0)
            return mips_reg_read(timeline_cpu(t, vm), mips_regs[i].number) & ASID_MASK;
    return 0;
}

bool tlb_history_find(struct timeline *t, unsigned vm, uint64_t va, int asid, uint64_t *pa)
{
    if (!t->tlb_writes_loaded)
        load(t);
    if (asid == TLB_HISTORY_PRESENT_ASID)
        asid = (int)tlb_history_asid(t, vm);
    const struct tlb_write *list = t->tlb_writes[vm].list;
    size_t lo = 0, hi = t->tlb_writes[vm].count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (list[mid].event < t->replayer.at.event)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (lo-- > 0) {
        const struct tlb_write *w = &list[lo];
        uint64_t pair = 2ull * w->page_size;
        uint64_t half = w->lo[(va & w->page_size) != 0];
        bool global = (w->lo[0] & w->lo[1] & LO_GLOBAL) != 0;
        if ((va & ~(pair - 1)) != (w->entryhi & VPN2_MASK & ~(pair - 1)) ||
            (!global && asid >= 0 && (w->entryhi & ASID_MASK) != (unsigned)asid))
            continue;
        if (!(half & LO_VALID))
            continue;
        uint64_t pfn = (half & PFN_MASK) >> PFN_SHIFT;
        *pa = ((pfn << PAGE_BITS) & ~(uint64_t)(w->page_size - 1)) | (va & (w->page_size - 1));
        return true;
    }
    return false;
}
