/*
 * Which TLB entry matches an address, without looking at all of them.
 *
 * An entry with 4 KiB pages is in the chain of its key: VPN2 and ASID, or VPN2
 * and "global". So an address can be in two chains only, its own ASID's and the
 * global one. Entries with larger pages are few in what systems do: they are in
 * a bitmap, and looked at one by one. Hidden entries are in neither.
 *
 * DETERMINISM: of several entries that match, the lowest counts, in whatever
 * order they were written: the manual leaves that undefined, but a trace must not
 * depend on the past of a structure that no state table knows. So the chains
 * are ascending, and what is found in them and in the bitmap is compared.
 */
#include <string.h>

#include "core/base/err.h"
#include "mips/cpu.h"

#define GLOBAL 0x100u /* in place of an ASID */

static unsigned chain_of(uint64_t va, unsigned asid)
{
    uint32_t key = (uint32_t)va >> 13 | asid << 19;
    return key * 0x9e3779b1u >> 24;
}

static unsigned chain_of_entry(const struct mips *cpu, unsigned i)
{
    return chain_of(cpu->tlb_vpn2[i], cpu->tlb_global[i] ? GLOBAL : cpu->tlb_asid[i]);
}

static bool is_large(const struct mips *cpu, unsigned i)
{
    return cpu->tlb_mask[i] >> 13 != 0;
}

static bool matches(const struct mips *cpu, unsigned i, uint64_t va, unsigned asid)
{
    uint32_t differ = (uint32_t)(va ^ cpu->tlb_vpn2[i]) & ~(cpu->tlb_mask[i] | 0x1fff);
    return differ == 0 && (cpu->tlb_global[i] || cpu->tlb_asid[i] == asid);
}

/* The first match of a chain, or `best` if that is lower. */
static unsigned find_in_chain(const struct mips *cpu, unsigned chain, uint64_t va, unsigned asid,
                              unsigned best)
{
    for (unsigned n = cpu->tlb_index.first[chain]; n != 0 && n <= best;
         n = cpu->tlb_index.next[n - 1])
        if (matches(cpu, n - 1, va, asid))
            return n - 1;
    return best;
}

int tlb_find(const struct mips *cpu, uint64_t va, unsigned asid)
{
    unsigned best = find_in_chain(cpu, chain_of(va, asid), va, asid, MIPS_TLB_MAX);
    best = find_in_chain(cpu, chain_of(va, GLOBAL), va, asid, best);
    for (unsigned word = 0; word < ARRAY_LEN(cpu->tlb_index.large); word++) {
        for (uint64_t rest = cpu->tlb_index.large[word]; rest != 0; rest &= rest - 1) {
            unsigned i = word * 64 + (unsigned)__builtin_ctzll(rest);
            if (i >= best)
                return (int)best;
            if (matches(cpu, i, va, asid))
                return (int)i;
        }
    }
    return best == MIPS_TLB_MAX ? -1 : (int)best;
}

void tlb_index_remove(struct mips *cpu, unsigned i)
{
    if (cpu->tlb_hidden[i])
        return;
    cpu->tlb_index.large[i / 64] &= ~(UINT64_C(1) << i % 64);
    if (is_large(cpu, i))
        return;
    uint16_t *link = &cpu->tlb_index.first[chain_of_entry(cpu, i)];
    while (*link != i + 1) {
        CHECK(*link != 0, "TLB entry %u is in no chain", i);
        link = &cpu->tlb_index.next[*link - 1];
    }
    *link = cpu->tlb_index.next[i];
}

void tlb_index_add(struct mips *cpu, unsigned i)
{
    if (cpu->tlb_hidden[i])
        return;
    if (is_large(cpu, i)) {
        cpu->tlb_index.large[i / 64] |= UINT64_C(1) << i % 64;
        return;
    }
    uint16_t *link = &cpu->tlb_index.first[chain_of_entry(cpu, i)];
    while (*link != 0 && *link <= i)
        link = &cpu->tlb_index.next[*link - 1];
    cpu->tlb_index.next[i] = *link;
    *link = (uint16_t)(i + 1);
}

void tlb_index_rebuild(struct mips *cpu)
{
    memset(&cpu->tlb_index, 0, sizeof cpu->tlb_index);
    for (unsigned i = cpu->model->tlb_entries; i-- > 0;)
        tlb_index_add(cpu, i);
}
