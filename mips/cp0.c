/*
 * Coprocessor 0: its registers, and the instructions that read and write them.
 * Registers are kept sign-extended from bit 31. Source: MIPS32 vol. III, 9.
 */
#include <string.h>

#include "core/base/splitmix.h"
#include "mips/ops.h"

/* [register * 8 + select]: index + 1 in cpu->c0, 0 for none. */
static const uint8_t c0_by_number[256] = {
#define CP0(reg, sel, id, isa, text, log) [(reg)*8 + (sel)] = C0_##id + 1,
#include "mips/cp0.def"
#undef CP0
};

static const uint8_t c0_isa[C0_REGS] = {
#define CP0(reg, sel, id, isa, text, log) [C0_##id] = ISA_##isa,
#include "mips/cp0.def"
#undef CP0
};

static const bool c0_logged[C0_REGS] = {
#define CP0(reg, sel, id, isa, text, log) [C0_##id] = log,
#include "mips/cp0.def"
#undef CP0
};

bool cp0_usable(const struct mips *cpu)
{
    return cpu->mode == MODE_KERNEL || cpu->c0[C0_STATUS] & STATUS_CU0;
}

int cp0_index(const struct mips *cpu, unsigned reg, unsigned sel)
{
    int i = c0_by_number[reg * 8 + sel] - 1;
    if (i >= 0 && !(c0_isa[i] & cpu->isa))
        return CP0_RESERVED;
    bool missing = (i == C0_USERLOCAL && !cpu->model->user_local) ||
                   (i == C0_PAGEGRAIN && !cpu->model->rixi) ||
                   (i >= C0_KSCRATCH1 && !(cpu->model->kscratch >> sel & 1)) ||
                   ((reg == 18 || reg == 19) && sel >= cpu->model->watch_pairs);
    return missing ? CP0_NONE : i;
}

/* What has consequences is logged; EntryLo's mask depends on PageGrain with RI and XI. */
bool cp0_is_storage(const struct mips *cpu, unsigned index)
{
    bool entrylo = index == C0_ENTRYLO0 || index == C0_ENTRYLO1;
    return !c0_logged[index] && !(entrylo && cpu->model->rixi);
}

void cp0_init(struct mips *cpu)
{
    const struct mips_model *m = cpu->model;
    uint32_t *mask = cpu->c0_mask;
    mask[C0_INDEX] = mask[C0_WIRED] = m->tlb_entries > 128 ? 0xff : 0x7f;
    mask[C0_ENTRYLO0] = mask[C0_ENTRYLO1] = 0x03ffffff | (m->rixi ? ENTRYLO_RIXI : 0);
    mask[C0_CONTEXT] = 0xff800000;
    mask[C0_USERLOCAL] = UINT32_MAX;
    mask[C0_PAGEMASK] = m->large_pages ? PAGEMASK_ALL : 0x01ffe000;
    mask[C0_PAGEGRAIN] = PAGEGRAIN_RIE | PAGEGRAIN_XIE | PAGEGRAIN_IEC;
    mask[C0_HWRENA] = 0xf | (m->user_local ? 1u << 29 : 0);
    mask[C0_COUNT] = mask[C0_COMPARE] = UINT32_MAX;
    mask[C0_ENTRYHI] = 0xffffe0ff | (m->rixi ? ENTRYHI_EHINV : 0);
    mask[C0_STATUS] = m->status_rw;
    mask[C0_INTCTL] = 0x3e0;
    mask[C0_CAUSE] = CAUSE_IV | CAUSE_WP | 0x300 | (cpu->isa & ISA_R2 ? CAUSE_DC : 0);
    mask[C0_EPC] = mask[C0_ERROREPC] = mask[C0_DEPC] = mask[C0_DESAVE] = UINT32_MAX;
    mask[C0_EBASE] = 0x3ffff000;
    mask[C0_CONFIG0] = m->config0_rw;
    for (unsigned i = 0; i < m->watch_pairs && i < 4; i++) {
        mask[C0_WATCHLO0 + i] = UINT32_MAX;
        mask[C0_WATCHHI0 + i] = 0x40ff0ff8;
    }
    /* Way selection, scratchpad and ITC tags; no parity, so a kernel finds none to enable. */
    mask[C0_ERRCTL] = 0x34000000;
    for (unsigned i = C0_ERRCTL + 1; i <= C0_DDATAHI; i++)
        mask[i] = UINT32_MAX;
    for (unsigned i = C0_KSCRATCH1; i <= C0_KSCRATCH6; i++)
        mask[i] = UINT32_MAX;
    for (unsigned i = 0; i < C0_REGS; i++)
        if (!(c0_isa[i] & cpu->isa))
            mask[i] = 0;
}

/*
 * Config1.MMUSize holds the low six bits of the last entry's number. Where they
 * do not suffice, Config4.MMUSizeExt holds the others, MMUExtDef = 1 says so,
 * and the M bits lead there. Source: MIPS32 volume III, Config4.
 */
static void announce_tlb(struct mips *cpu)
{
    uint32_t last = cpu->model->tlb_entries - 1u;
    cpu->c0[C0_CONFIG1] = sext32(cpu->c0[C0_CONFIG1] | (last & 0x3f) << 25);
    if (last < 64)
        return;
    for (unsigned i = C0_CONFIG1; i <= C0_CONFIG3; i++)
        cpu->c0[i] = sext32(cpu->c0[i] | 1u << 31);
    cpu->c0[C0_CONFIG4] = sext32(cpu->c0[C0_CONFIG4] | 1u << 14 | last >> 6);
}

void cp0_reset(struct mips *cpu)
{
    const struct mips_model *m = cpu->model;
    uint64_t count = timer_count(cpu);
    memset(cpu->c0, 0, sizeof cpu->c0);
    cpu->c0[C0_STATUS] = STATUS_BEV | STATUS_ERL;
    cpu->c0[C0_PRID] = m->prid;
    cpu->c0[C0_EBASE] = sext32(0x80000000 | cpu->env.vcpu);
    for (unsigned i = 0; i < 8; i++)
        cpu->c0[C0_CONFIG0 + i] = sext32(m->config[i]);
    cpu->c0[C0_CONFIG0] = sext32(m->config[0] | (cpu->big_endian ? 1u << 15 : 0));
    announce_tlb(cpu);
    cpu->c0[C0_INTCTL] = cpu->isa & ISA_R2 ? sext32(0xe0000000) : 0; /* IPTI = 7 */
    for (unsigned i = 0; i + 1 < m->watch_pairs; i++)
        cpu->c0[C0_WATCHHI0 + i] = sext32(0x80000000); /* M: another pair follows */
    cpu->c0[C0_DEBUG] = DEBUG_VER | DEBUG_NOSST | DEBUG_COUNT | DEBUG_NODCR;
    cpu->count_base = count - (uint32_t)(mips_cycle(cpu) / 2);
    cpu->irq_lines &= IRQ_LINES;
    cp0_update_irq(cpu);
    timer_update(cpu);
    points_update(cpu);
}

void cp0_update_irq(struct mips *cpu)
{
    uint64_t cause = cpu->c0[C0_CAUSE] & ~UINT64_C(0xfc00);
    cause |= (uint64_t)(cpu->irq_lines & IRQ_LINES) << 10;
    if (cause & CAUSE_TI || cpu->irq_lines & IRQ_TIMER)
        cause |= 1u << 15;
    cpu->c0[C0_CAUSE] = cause;
}

void cp0_timer_irq(struct mips *cpu, bool level)
{
    cpu->c0[C0_CAUSE] &= ~(uint64_t)CAUSE_TI;
    cpu->irq_lines &= IRQ_LINES;
    if (level && cpu->isa & ISA_R2)
        cpu->c0[C0_CAUSE] |= CAUSE_TI;
    else if (level)
        cpu->irq_lines |= IRQ_TIMER;
    cp0_update_irq(cpu);
}

void mips_set_irq(struct mips *cpu, unsigned line, bool level)
{
    uint32_t bit = 1u << (line & 7) & 0x3f;
    cpu->irq_lines = level ? cpu->irq_lines | bit : cpu->irq_lines & ~bit;
    cp0_update_irq(cpu);
    if (exc_irq_ready(cpu))
        cpu->leave = true;
}

/* DETERMINISM: it changes with every instruction, as in the first MIPS processors, but is a function
 * of nothing else. Traces make use of that: the entry that tlbwr takes costs them nothing. */
unsigned cp0_random(const struct mips *cpu)
{
    unsigned n = cpu->model->tlb_entries, wired = (unsigned)cpu->c0[C0_WIRED];
    return wired >= n ? n - 1 : wired + splitmix64_below(0, run_unit_steps(cpu), n - wired);
}

uint64_t cp0_read(struct mips *cpu, unsigned index)
{
    if (index == C0_COUNT)
        return sext32(timer_count(cpu));
    if (index == C0_RANDOM)
        return cp0_random(cpu);
    if (index == C0_CAUSE)
        timer_check(cpu);
    return cpu->c0[index];
}

static void write_cause(struct mips *cpu, uint64_t old)
{
    if ((old ^ cpu->c0[C0_CAUSE]) & CAUSE_DC) {
        /* Stopping keeps Count's value, going on starts from it. */
        uint32_t half = (uint32_t)(mips_cycle(cpu) / 2);
        cpu->count_base += cpu->c0[C0_CAUSE] & CAUSE_DC ? half : 0 - half;
        timer_update(cpu);
    }
}

/*
 * RI and XI of EntryLo are 0 while PageGrain.RIE and XIE are off, whatever they were. What the
 * TLB holds stays there, unseen, until they are on again: the manual does not say. Source: MIPS32
 * volume III, EntryLo0 and PageGrain.
 */
uint64_t cp0_entry_lo(const struct mips *cpu, uint64_t lo)
{
    return sext32(lo & (~(uint64_t)ENTRYLO_RIXI | cpu->c0[C0_PAGEGRAIN]));
}

static void written(struct mips *cpu, unsigned index, uint64_t old)
{
    uint64_t now = cpu->c0[index];
    switch (index) {
    case C0_COUNT:
        cpu->count_base = (uint32_t)now;
        if (!(cpu->c0[C0_CAUSE] & CAUSE_DC))
            cpu->count_base -= (uint32_t)(mips_cycle(cpu) / 2);
        timer_update(cpu);
        break;
    case C0_COMPARE:
        cp0_timer_irq(cpu, false);
        timer_update(cpu);
        break;
    case C0_PAGEGRAIN:
        cpu->c0[C0_ENTRYLO0] = cp0_entry_lo(cpu, cpu->c0[C0_ENTRYLO0]);
        cpu->c0[C0_ENTRYLO1] = cp0_entry_lo(cpu, cpu->c0[C0_ENTRYLO1]);
        if ((old ^ now) & ENTRYLO_RIXI)
            mmu_flush_asid(cpu);
        break;
    case C0_ENTRYHI:
        if ((old ^ now) & 0xff) {
            mmu_flush_asid(cpu);
            mmu_mapping_changed(cpu, 0, MMU_ALL);
        }
        break;
    case C0_STATUS:
        if ((old ^ now) & STATUS_ERL) {
            mmu_flush_all(cpu);
            mmu_mapping_changed(cpu, 0, MMU_ALL);
        }
        mmu_mode_changed(cpu);
        fpu_mode_changed(cpu);
        break;
    case C0_CAUSE:
        write_cause(cpu, old);
        break;
    default:
        if (index >= C0_WATCHLO0 && index <= C0_WATCHHI3 && old != now)
            points_update(cpu);
    }
}

/* Writes of bits with a meaning of their own. */
static uint64_t adjust(const struct mips *cpu, unsigned index, uint64_t old, uint64_t next)
{
    if (index == C0_CAUSE && !(old & CAUSE_WP))
        next &= ~(uint64_t)CAUSE_WP; /* software can only clear it */
    if (index == C0_WIRED && next >= cpu->model->tlb_entries)
        next = old;
    if (index == C0_STATUS && (next & STATUS_KSU) == STATUS_KSU)
        next = (next & ~(uint64_t)STATUS_KSU) | (old & STATUS_KSU);
    return next;
}

void cp0_write(struct mips *cpu, unsigned index, uint64_t value)
{
    uint32_t mask = cpu->c0_mask[index];
    uint64_t old = cpu->c0[index];
    if (index == C0_ENTRYLO0 || index == C0_ENTRYLO1)
        value = cp0_entry_lo(cpu, value);
    timer_check(cpu);
    uint64_t next = sext32((old & ~(uint64_t)mask) | (value & mask));
    next = adjust(cpu, index, old, next);
    if (index >= C0_WATCHHI0 && index <= C0_WATCHHI3)
        next &= ~(value & 7); /* I, R, W: write one to clear */
    cpu->c0[index] = next;
    written(cpu, index, old);
}

enum op_result op_mfc0(struct mips *cpu, uint32_t w)
{
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    int i = cp0_index(cpu, w_rd(w), w & 7);
    if (i == CP0_RESERVED)
        return exc_raise(cpu, EXC_RI);
    op_set_gpr(cpu, w_rt(w), i < 0 ? 0 : cp0_read(cpu, (unsigned)i));
    return OP_OK;
}

enum op_result op_mtc0(struct mips *cpu, uint32_t w)
{
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    int i = cp0_index(cpu, w_rd(w), w & 7);
    if (i == CP0_RESERVED)
        return exc_raise(cpu, EXC_RI);
    if (i < 0)
        return OP_LEAVE;
    uint64_t old = cpu->c0[i];
    cp0_write(cpu, (unsigned)i, cpu->gpr[w_rt(w)]);
    if (c0_logged[i] && (i != C0_ENTRYHI || (old ^ cpu->c0[i]) & 0xff))
        exc_event(cpu, EVENT_CP0_WRITE, w_rd(w) << 3 | (w & 7), cpu->gpr[w_rt(w)], 0);
    return OP_LEAVE;
}

static enum op_result set_ie(struct mips *cpu, uint32_t w, bool on)
{
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    op_set_gpr(cpu, w_rt(w), cpu->c0[C0_STATUS]);
    cpu->c0[C0_STATUS] = (cpu->c0[C0_STATUS] & ~(uint64_t)STATUS_IE) | (on ? STATUS_IE : 0);
    exc_event(cpu, EVENT_INT_ENABLE, on, 0, 0);
    return OP_LEAVE;
}

enum op_result op_di(struct mips *cpu, uint32_t w)
{
    return set_ie(cpu, w, false);
}

enum op_result op_ei(struct mips *cpu, uint32_t w)
{
    return set_ie(cpu, w, true);
}

/* rdpgpr and wrpgpr: without shadow sets the previous set is the current one. */
enum op_result op_pgpr(struct mips *cpu, uint32_t w)
{
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    op_set_gpr(cpu, w_rd(w), cpu->gpr[w_rt(w)]);
    return OP_OK;
}

enum op_result op_wait(struct mips *cpu, uint32_t w)
{
    (void)w;
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    timer_check(cpu);
    if (!(cpu->c0[C0_CAUSE] & cpu->c0[C0_STATUS] & CAUSE_IP)) {
        cpu->waiting = 1;
        exc_event(cpu, EVENT_WAIT, 0, 0, 0);
    }
    return OP_LEAVE;
}

enum op_result op_rdhwr(struct mips *cpu, uint32_t w)
{
    unsigned r = w_rd(w);
    bool exists = r < 4 || (r == 29 && cpu->model->user_local);
    if (!exists || !(cp0_usable(cpu) || cpu->c0[C0_HWRENA] >> r & 1))
        return exc_raise(cpu, EXC_RI);
    uint64_t values[4] = {cpu->c0[C0_EBASE] & 0x3ff, 16, 0, cpu->model->cc_res};
    if (r == 2)
        values[2] = sext32(timer_count(cpu));
    op_set_gpr(cpu, w_rt(w), r == 29 ? cpu->c0[C0_USERLOCAL] : values[r]);
    return OP_OK;
}
