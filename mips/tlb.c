/*
 * The TLB as the guest sees it, and the instructions on it.
 * Source: MIPS32 volume III, 4.9 and 9.
 */
#include "mips/ops.h"

void tlb_reset(struct mips *cpu)
{
    for (unsigned i = 0; i < MIPS_TLB_MAX; i++) {
        cpu->tlb_vpn2[i] = cpu->tlb_lo[i][0] = cpu->tlb_lo[i][1] = 0;
        cpu->tlb_mask[i] = cpu->tlb_asid[i] = 0;
        cpu->tlb_global[i] = 0;
        cpu->tlb_hidden[i] = 1;
    }
    tlb_index_rebuild(cpu);
}

unsigned mips_tlb_size(const struct mips *cpu)
{
    return cpu->model->tlb_entries;
}

struct mips_tlb_entry mips_tlb_get(const struct mips *cpu, unsigned i)
{
    struct mips_tlb_entry e = {0};
    if (i >= MIPS_TLB_MAX)
        return e;
    e.vpn2 = cpu->tlb_vpn2[i];
    e.mask = cpu->tlb_mask[i];
    e.asid = cpu->tlb_asid[i];
    e.lo[0] = cpu->tlb_lo[i][0];
    e.lo[1] = cpu->tlb_lo[i][1];
    e.global = cpu->tlb_global[i];
    e.hidden = cpu->tlb_hidden[i];
    return e;
}

static uint64_t entry_len(const struct mips *cpu, unsigned i)
{
    return (uint64_t)(cpu->tlb_mask[i] | 0x1fff) + 1;
}

static void flush_entry(struct mips *cpu, unsigned i)
{
    if (!cpu->tlb_hidden[i])
        mmu_flush_range(cpu, cpu->tlb_vpn2[i], entry_len(cpu, i));
}

/* Machine page + 1 behind one half of the pair. */
static uint64_t machine_page(const struct mips *cpu, unsigned i, unsigned half)
{
    uint64_t lo = cpu->tlb_lo[i][half];
    if (!(lo & 2) || cpu->tlb_hidden[i])
        return 0;
    uint64_t in_page = (cpu->tlb_mask[i] | 0x1fff) >> 1;
    return cpu->env.machine_page(cpu->env.ctx, ((lo & ENTRYLO_PFN) << 6 & ~in_page) >> PAGE_BITS);
}

static void log_write(struct mips *cpu, unsigned i, bool random)
{
    unsigned pairs = (unsigned)__builtin_popcount(cpu->tlb_mask[i]) / 2;
    struct event *ev =
        event_log_put(cpu->env.log, EVENT_TLB_WRITE, run_unit_steps(cpu), run_unit_pc(cpu));
    ev->vm = cpu->env.vm;
    ev->vcpu = cpu->env.vcpu;
    ev->arg[0] = i | pairs << 8 | (unsigned)random << 16;
    ev->arg[1] = cpu->c0[C0_ENTRYHI];
    ev->arg[2] = cpu->tlb_lo[i][0];
    ev->arg[3] = cpu->tlb_lo[i][1];
    ev->arg[4] = machine_page(cpu, i, 0);
    ev->arg[5] = machine_page(cpu, i, 1);
    event_log_commit(cpu->env.log);
}

/* Masks that are no run of pairs of ones are undefined by the manual; here
 * they count up to their first gap. */
static uint32_t legal_mask(uint32_t mask)
{
    uint32_t legal = 0;
    for (unsigned shift = 13; shift < 29 && (mask >> shift & 3) == 3; shift += 2)
        legal |= 3u << shift;
    return legal;
}

static void write_entry(struct mips *cpu, unsigned i, bool random)
{
    uint64_t hi = cpu->c0[C0_ENTRYHI], was = cpu->tlb_vpn2[i], was_len = entry_len(cpu, i);
    flush_entry(cpu, i);
    tlb_index_remove(cpu, i);
    cpu->tlb_mask[i] = legal_mask((uint32_t)cpu->c0[C0_PAGEMASK]);
    cpu->tlb_vpn2[i] = sext32(hi & 0xffffe000 & ~cpu->tlb_mask[i]);
    cpu->tlb_asid[i] = hi & 0xff;
    cpu->tlb_lo[i][0] = cpu->c0[C0_ENTRYLO0];
    cpu->tlb_lo[i][1] = cpu->c0[C0_ENTRYLO1];
    cpu->tlb_global[i] = cpu->c0[C0_ENTRYLO0] & cpu->c0[C0_ENTRYLO1] & 1;
    cpu->tlb_hidden[i] = (hi & ENTRYHI_EHINV) != 0;
    tlb_index_add(cpu, i);
    flush_entry(cpu, i);
    log_write(cpu, i, random);
    mmu_mapping_changed(cpu, was, was_len);
    mmu_mapping_changed(cpu, cpu->tlb_vpn2[i], entry_len(cpu, i));
}

#define NEED_CP0()                                                                                 \
    if (!cp0_usable(cpu))                                                                          \
    return exc_coprocessor(cpu, 0)

enum op_result op_tlbwi(struct mips *cpu, uint32_t w)
{
    (void)w;
    NEED_CP0();
    unsigned i = (uint32_t)cpu->c0[C0_INDEX] & 0x7fffffff;
    if (i < cpu->model->tlb_entries)
        write_entry(cpu, i, false);
    return OP_LEAVE;
}

enum op_result op_tlbwr(struct mips *cpu, uint32_t w)
{
    (void)w;
    NEED_CP0();
    write_entry(cpu, cp0_random(cpu), true);
    if ((cpu->c0[C0_CAUSE] >> 2 & 31) == EXC_TLBL)
        mmu_foresee_load(cpu, cpu->c0[C0_BADVADDR]);
    return OP_LEAVE;
}

enum op_result op_tlbp(struct mips *cpu, uint32_t w)
{
    (void)w;
    NEED_CP0();
    int i = tlb_find(cpu, cpu->c0[C0_ENTRYHI], cpu->c0[C0_ENTRYHI] & 0xff);
    cpu->c0[C0_INDEX] = i < 0 ? sext32(0x80000000) : (uint64_t)i;
    return OP_OK;
}

enum op_result op_tlbr(struct mips *cpu, uint32_t w)
{
    (void)w;
    NEED_CP0();
    unsigned i = (uint32_t)cpu->c0[C0_INDEX] & 0x7fffffff;
    if (i >= cpu->model->tlb_entries)
        return OP_LEAVE;
    uint64_t old = cpu->c0[C0_ENTRYHI];
    bool invalid = cpu->tlb_hidden[i];
    if (invalid && cpu->model->rixi) {
        cpu->c0[C0_ENTRYHI] = ENTRYHI_EHINV | (old & 0xff);
        cpu->c0[C0_PAGEMASK] = cpu->c0[C0_ENTRYLO0] = cpu->c0[C0_ENTRYLO1] = 0;
        return OP_LEAVE;
    }
    uint64_t g = cpu->tlb_global[i];
    cpu->c0[C0_ENTRYHI] = cpu->tlb_vpn2[i] | cpu->tlb_asid[i];
    cpu->c0[C0_PAGEMASK] = cpu->tlb_mask[i];
    cpu->c0[C0_ENTRYLO0] = cp0_entry_lo(cpu, (cpu->tlb_lo[i][0] & ~UINT64_C(1)) | g);
    cpu->c0[C0_ENTRYLO1] = cp0_entry_lo(cpu, (cpu->tlb_lo[i][1] & ~UINT64_C(1)) | g);
    if ((old ^ cpu->c0[C0_ENTRYHI]) & 0xff) {
        mmu_flush_asid(cpu);
        mmu_mapping_changed(cpu, 0, MMU_ALL);
    }
    return OP_LEAVE;
}

/* Hide the entries of the current ASID, or with `all` every one. */
static enum op_result invalidate(struct mips *cpu, bool all)
{
    NEED_CP0();
    for (unsigned i = 0; i < cpu->model->tlb_entries; i++)
        if (all || (!cpu->tlb_global[i] && cpu->tlb_asid[i] == (cpu->c0[C0_ENTRYHI] & 0xff)))
            cpu->tlb_hidden[i] = 1;
    tlb_index_rebuild(cpu);
    mmu_flush_all(cpu);
    mmu_mapping_changed(cpu, 0, MMU_ALL);
    return OP_LEAVE;
}

enum op_result op_tlbinv(struct mips *cpu, uint32_t w)
{
    (void)w;
    return invalidate(cpu, false);
}

enum op_result op_tlbinvf(struct mips *cpu, uint32_t w)
{
    (void)w;
    return invalidate(cpu, true);
}
