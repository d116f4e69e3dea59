/*
 * Count, Compare and the timer interrupt. Count is cycle / 2 + count_base; so
 * nothing is done per cycle, and the match with Compare is a cycle that can be
 * known in advance.
 */
#include "mips/cpu.h"

uint32_t timer_count(const struct mips *cpu)
{
    if (cpu->c0[C0_CAUSE] & CAUSE_DC)
        return cpu->count_base;
    return (uint32_t)(mips_cycle(cpu) / 2) + cpu->count_base;
}

void timer_update(struct mips *cpu)
{
    uint64_t cycle = mips_cycle(cpu);
    uint32_t ticks = (uint32_t)cpu->c0[C0_COMPARE] - timer_count(cpu);
    uint64_t far = ticks ? ticks : UINT64_C(1) << 32;
    cpu->timer_at = cpu->c0[C0_CAUSE] & CAUSE_DC ? UINT64_MAX : (cycle / 2 + far) * 2;
    cpu->look_up_limit = true;
}

void timer_check(struct mips *cpu)
{
    if (mips_cycle(cpu) < cpu->timer_at)
        return;
    cp0_timer_irq(cpu, true);
    timer_update(cpu);
}

uint64_t mips_timer_cycle(const struct mips *cpu)
{
    return cpu->timer_at;
}
