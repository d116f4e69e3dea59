/*
 * Entering exceptions and interrupts. Source: MIPS32 volume III, chapter 6;
 * for debug mode the EJTAG specification (MD00047), chapter 5.
 *
 * An exception at an instruction undoes its unit: EPC is the instruction, or
 * the branch whose slot it is in (Cause.BD). The caller accounts for the step.
 *
 * Debug mode is entered by sdbbp alone. Interrupts and watch exceptions wait
 * there; every other exception enters it anew, and leaves no trace but in Debug
 * and DEPC.
 */
#include "mips/ops.h"

void exc_event(struct mips *cpu, enum event_kind kind, uint64_t a0, uint64_t a1, uint64_t a2)
{
    struct event *ev = event_log_put(cpu->env.log, kind, run_unit_steps(cpu), run_unit_pc(cpu));
    ev->vm = cpu->env.vm;
    ev->vcpu = cpu->env.vcpu;
    ev->arg[0] = a0;
    ev->arg[1] = a1;
    ev->arg[2] = a2;
    event_log_commit(cpu->env.log);
}

static uint64_t vector_base(const struct mips *cpu)
{
    if (cpu->c0[C0_STATUS] & STATUS_BEV)
        return UINT64_C(0xffffffffbfc00200);
    return sext32(cpu->c0[C0_EBASE] & 0xfffff000);
}

/* Nothing is carried out of the lower 30 bits: a vector stays in KSEG0 and KSEG1. */
static uint64_t vector(const struct mips *cpu, uint64_t offset)
{
    uint64_t base = vector_base(cpu), low = UINT64_C(0x3fffffff);
    return (base & ~low) | ((base + offset) & low);
}

static uint64_t interrupt_offset(const struct mips *cpu)
{
    uint64_t cause = cpu->c0[C0_CAUSE], spacing = cpu->c0[C0_INTCTL] & 0x3e0;
    if (!(cause & CAUSE_IV))
        return 0x180;
    if (cpu->c0[C0_STATUS] & STATUS_BEV || spacing == 0)
        return 0x200;
    uint32_t pending = (uint32_t)(cause & cpu->c0[C0_STATUS] & CAUSE_IP) >> 8;
    return 0x200 + spacing * (31u - (unsigned)__builtin_clz(pending | 1));
}

static void log_exception(struct mips *cpu, enum mips_exc code, bool refill, bool address)
{
    uint64_t bad = address ? cpu->c0[C0_BADVADDR] : 0;
    if (code == EXC_INT)
        exc_event(cpu, EVENT_INTERRUPT,
                  (cpu->c0[C0_CAUSE] & cpu->c0[C0_STATUS] & CAUSE_IP) >> 8, 0, 0);
    else if (code == EXC_SYS)
        exc_event(cpu, EVENT_SYSCALL, cpu->gpr[2], cpu->gpr[4], cpu->gpr[5]);
    else
        exc_event(cpu, refill ? EVENT_REFILL : EVENT_EXCEPTION, (uint64_t)code, bad, 0);
}

/* To the debug vector; `why` is what Debug tells about it. */
static enum op_result enter_debug(struct mips *cpu, uint64_t why)
{
    uint64_t slot = run_in_slot(cpu) ? DEBUG_DBD : 0;
    cpu->c0[C0_DEPC] = run_unit_pc(cpu);
    cpu->c0[C0_DEBUG] =
        sext32((cpu->c0[C0_DEBUG] & ~(uint64_t)(DEBUG_DBD | DEBUG_CAUSES)) | slot | DEBUG_DM | why);
    cpu->pc = UINT64_C(0xffffffffbfc00480);
    mmu_mode_changed(cpu);
    return OP_EXC;
}

static bool in_debug_mode(const struct mips *cpu)
{
    return cpu->c0[C0_DEBUG] & DEBUG_DM;
}

static enum op_result enter(struct mips *cpu, enum mips_exc code, bool refill, bool address)
{
    if (in_debug_mode(cpu)) {
        exc_event(cpu, EVENT_EXCEPTION, (uint64_t)code, 0, 0);
        return enter_debug(cpu, (uint64_t)code << DEBUG_EXCCODE);
    }
    log_exception(cpu, code, refill, address);
    uint64_t pc = run_unit_pc(cpu), offset = 0x180;
    bool slot = run_in_slot(cpu);
    uint64_t cause = cpu->c0[C0_CAUSE] & ~UINT64_C(0x7c);
    if (!(cpu->c0[C0_STATUS] & STATUS_EXL)) {
        cpu->c0[C0_EPC] = pc;
        cause = slot ? cause | CAUSE_BD : cause & ~(uint64_t)CAUSE_BD;
        if (refill)
            offset = 0;
        else if (code == EXC_INT)
            offset = interrupt_offset(cpu);
    }
    if (code != EXC_CPU)
        cause &= ~UINT64_C(0x30000000);
    cpu->c0[C0_CAUSE] = sext32(cause | (uint64_t)code << 2);
    cpu->c0[C0_STATUS] |= STATUS_EXL;
    cpu->pc = vector(cpu, offset);
    mmu_mode_changed(cpu);
    return OP_EXC;
}

enum op_result exc_raise(struct mips *cpu, enum mips_exc code)
{
    return enter(cpu, code, false, false);
}

enum op_result exc_raise_address(struct mips *cpu, int code, uint64_t va)
{
    enum mips_exc exc = (enum mips_exc)(code & ~EXC_REFILL);
    if (in_debug_mode(cpu))
        return enter(cpu, exc, false, false);
    cpu->c0[C0_BADVADDR] = va;
    if (exc != EXC_ADEL && exc != EXC_ADES) {
        cpu->c0[C0_CONTEXT] = sext32((cpu->c0[C0_CONTEXT] & 0xff800000) | (va >> 9 & 0x7ffff0));
        cpu->c0[C0_ENTRYHI] = sext32((va & 0xffffe000) | (cpu->c0[C0_ENTRYHI] & 0xff));
    }
    return enter(cpu, exc, code & EXC_REFILL, true);
}

enum op_result exc_coprocessor(struct mips *cpu, unsigned unit)
{
    if (!in_debug_mode(cpu))
        cpu->c0[C0_CAUSE] = sext32((cpu->c0[C0_CAUSE] & ~UINT64_C(0x30000000)) | unit << 28);
    return enter(cpu, EXC_CPU, false, false);
}

/* EJTAG's debug exception, as sdbbp takes it. */
static enum op_result debug_break(struct mips *cpu)
{
    exc_event(cpu, EVENT_EXCEPTION, EXC_BP, 0, 0);
    return enter_debug(cpu, DEBUG_DBP);
}

bool exc_irq_ready(const struct mips *cpu)
{
    uint64_t status = cpu->c0[C0_STATUS];
    return (status & (STATUS_IE | STATUS_EXL | STATUS_ERL)) == STATUS_IE &&
           status & cpu->c0[C0_CAUSE] & CAUSE_IP && !in_debug_mode(cpu);
}

void exc_interrupt(struct mips *cpu)
{
    enter(cpu, EXC_INT, false, false);
}

/* ---- instructions ---- */

enum op_result op_reserved(struct mips *cpu, uint32_t w)
{
    (void)w;
    return exc_raise(cpu, EXC_RI);
}

enum op_result op_reserved0(struct mips *cpu, uint32_t w)
{
    return cp0_usable(cpu) ? op_reserved(cpu, w) : exc_coprocessor(cpu, 0);
}

enum op_result op_reserved1(struct mips *cpu, uint32_t w)
{
    return cpu->c0[C0_STATUS] & STATUS_CU1 ? op_reserved(cpu, w) : exc_coprocessor(cpu, 1);
}

enum op_result op_reserved2(struct mips *cpu, uint32_t w)
{
    (void)w;
    return exc_coprocessor(cpu, 2);
}

enum op_result op_syscall(struct mips *cpu, uint32_t w)
{
    (void)w;
    return exc_raise(cpu, EXC_SYS);
}

enum op_result op_break(struct mips *cpu, uint32_t w)
{
    (void)w;
    return exc_raise(cpu, EXC_BP);
}

enum op_result op_sdbbp(struct mips *cpu, uint32_t w)
{
    (void)w;
    return in_debug_mode(cpu) ? exc_raise(cpu, EXC_BP) : debug_break(cpu);
}

enum op_result op_eret(struct mips *cpu, uint32_t w)
{
    (void)w;
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    bool error = cpu->c0[C0_STATUS] & STATUS_ERL;
    uint64_t target = cpu->c0[error ? C0_ERROREPC : C0_EPC];
    exc_event(cpu, EVENT_ERET, target, 0, 0);
    cpu->c0[C0_STATUS] &= ~(uint64_t)(error ? STATUS_ERL : STATUS_EXL);
    cpu->llbit = 0;
    cpu->pc = target;
    if (error) { /* useg is no longer unmapped */
        mmu_flush_all(cpu);
        mmu_mapping_changed(cpu, 0, MMU_ALL);
    }
    mmu_mode_changed(cpu);
    return OP_JUMP;
}

enum op_result op_deret(struct mips *cpu, uint32_t w)
{
    if (!cp0_usable(cpu))
        return exc_coprocessor(cpu, 0);
    if (!in_debug_mode(cpu))
        return op_reserved(cpu, w);
    exc_event(cpu, EVENT_ERET, cpu->c0[C0_DEPC], 0, 0);
    cpu->c0[C0_DEBUG] &= ~(uint64_t)DEBUG_DM;
    cpu->pc = cpu->c0[C0_DEPC];
    mmu_mode_changed(cpu);
    return OP_JUMP;
}
