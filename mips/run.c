/*
 * mips_run: from block to block until something asks to stop.
 *
 * Everything that is not the straight path happens here, between units:
 * interrupts, the timer, waiting, the limit, blocks that are not decoded yet.
 * The interpreter comes back whenever it cannot go on by itself, with cpu->pc
 * and cpu->budget set; steps done = limit - budget.
 *
 * The limit is met exactly without counting: when fewer steps are left than the
 * next block has, a scratch block of just that many is decoded and run. It has
 * one step too many if its last unit is a branch; that is the overshoot that
 * mips.h allows.
 */
#include "core/base/bytes.h"
#include "mips/jit/jit.h"
#include "mips/ops.h"

#define STRETCH_MAX (INT64_C(1) << 40)

bool run_in_slot(const struct mips *cpu)
{
    if (cpu->u == NULL)
        return cpu->fetch_slot;
    return cpu->cur->slot && cpu->u->run == 1;
}

uint64_t run_unit_pc(const struct mips *cpu)
{
    if (cpu->u == NULL)
        return cpu->pc;
    unsigned done = cpu->cur->run - cpu->u->run - (run_in_slot(cpu) ? 1u : 0);
    return sext32(cpu->page_va + cpu->cur->start + 4 * done);
}

uint64_t mips_steps(const struct mips *cpu)
{
    if (!cpu->running)
        return cpu->steps;
    return cpu->limit - (uint64_t)cpu->budget - (cpu->u ? cpu->u->run : 0u);
}

uint64_t run_unit_steps(const struct mips *cpu)
{
    return mips_steps(cpu) - (cpu->u != NULL && run_in_slot(cpu) ? 1 : 0);
}

uint64_t mips_cycle(const struct mips *cpu)
{
    return mips_steps(cpu) + cpu->skipped;
}

uint64_t mips_pc(const struct mips *cpu)
{
    return run_unit_pc(cpu);
}

bool mips_waiting(const struct mips *cpu)
{
    return cpu->waiting;
}

bool mips_can_wake(const struct mips *cpu)
{
    return (cpu->c0[C0_CAUSE] & cpu->c0[C0_STATUS] & CAUSE_IP) != 0;
}

void mips_request_stop(struct mips *cpu)
{
    cpu->stop_request = true;
    cpu->leave = true;
}

void mips_interrupt(struct mips *cpu)
{
    __atomic_store_n(&cpu->stop_request, true, __ATOMIC_RELEASE);
}

void mips_skip(struct mips *cpu, uint64_t cycles)
{
    cpu->skipped += cycles;
    timer_check(cpu);
}

/* Where execution goes on after the instruction of `u`. */
static uint64_t next_pc(const struct mips *cpu, const struct uop *u)
{
    const struct block *b = cpu->cur;
    if (!(b->slot && u->run == 1))
        return cpu->page_va + b->start + 4u * (b->run - u->run + 1u);
    const struct uop *go = u + 1;
    if (go->op == cpu->labels[UOP_GO_JR])
        return cpu->btarget;
    if (go->op == cpu->labels[UOP_GO_J])
        return (cpu->page_va & ~UINT64_C(0x0fffffff)) + go->imm;
    return cpu->taken ? cpu->page_va + (uint64_t)(int64_t)(int32_t)go->imm : cpu->page_va + b->end;
}

/* The block's budget was taken in advance: give back what did not retire. */
void run_leave(struct mips *cpu, const struct uop *u, enum op_result r)
{
    bool slot = cpu->cur->slot && u->run == 1;
    switch (r) {
    case OP_OK:
    case OP_LEAVE:
        cpu->pc = sext32(next_pc(cpu, u));
        cpu->budget += u->run - 1;
        break;
    case OP_JUMP:
        cpu->budget += u->run - 1;
        break;
    case OP_STOP:
        cpu->pc = run_unit_pc(cpu);
        cpu->budget += u->run + (slot ? 1 : 0);
        break;
    case OP_EXC:
        cpu->budget += u->run + (slot ? 1 : 0) - 1;
        break;
    }
    if (slot && (r == OP_STOP || r == OP_EXC) && cpu->cur->link)
        cpu->gpr[cpu->cur->link] = cpu->link_old;
    cpu->u = NULL;
}

/* A branch in the last word of its page: one unit, decoded each time. NULL
 * after an exception. */
static struct block *page_end_block(struct mips *cpu, struct code_page *cp)
{
    uint8_t *host = cp->host;
    cpu->fetch_slot = true;
    struct code_view *after = mmu_fetch(cpu, sext32(cpu->pc + 4));
    cpu->fetch_slot = false;
    if (after == NULL)
        return NULL;
    uint32_t slot = decode_word(cpu, after->page->host, 0);
    decode_block(cpu, host, cpu->pc, 1, &slot);
    return cpu->scratch;
}

/* The block at cpu->pc. NULL after an exception, which was accounted for. */
static struct block *find_block(struct mips *cpu)
{
    struct links *from = cpu->link_from;
    uint64_t generation = cpu->code.generation;
    cpu->link_from = NULL;
    struct code_view *view = mmu_fetch(cpu, cpu->pc);
    struct block *b = NULL;
    if (view != NULL) {
        cpu->page_va = cpu->pc & ~PAGE_MASK;
        b = code_block(cpu, view->page, cpu->pc, cpu->budget);
        if (b == NULL)
            b = page_end_block(cpu, view->page);
    }
    if (b == NULL) {
        cpu->budget--;
        return NULL;
    }
    if (from != NULL && b != cpu->scratch && cpu->cur != cpu->scratch &&
        generation == cpu->code.generation)
        from->next[cpu->link_index] = b;
    return b;
}

static void set_limit(struct mips *cpu, uint64_t until)
{
    uint64_t steps = cpu->limit - (uint64_t)cpu->budget;
    uint64_t stretch = min_u64(until, cpu->timer_at) - (steps + cpu->skipped);
    stretch = min_u64(stretch, STRETCH_MAX);
    cpu->limit = steps + stretch;
    cpu->budget = (int64_t)stretch;
    cpu->look_up_limit = false;
}

/* A watch exception that waited for EXL and ERL to go; debug mode lets it wait. */
static bool deferred_watch(const struct mips *cpu)
{
    return cpu->c0[C0_CAUSE] & CAUSE_WP && !(cpu->c0[C0_STATUS] & (STATUS_EXL | STATUS_ERL)) &&
           !(cpu->c0[C0_DEBUG] & DEBUG_DM);
}

/* Interrupts and the like before the next unit. True if one was taken. */
static bool take_pending(struct mips *cpu)
{
    if (deferred_watch(cpu)) {
        cpu->c0[C0_CAUSE] &= ~(uint64_t)CAUSE_WP;
        exc_raise(cpu, EXC_WATCH);
    } else if (exc_irq_ready(cpu)) {
        exc_interrupt(cpu);
    } else {
        return false;
    }
    cpu->budget--;
    cpu->pass = false;
    cpu->link_from = NULL;
    return true;
}

static void run_unit_or_more(struct mips *cpu)
{
    bool jit = cpu->engine == MIPS_JIT;
    if (jit && !cpu->pass && jit_run(cpu))
        return;
    struct block *b = find_block(cpu);
    if (b == NULL)
        return;
    if (b->run > cpu->budget) {
        int64_t more = b->run - cpu->budget;
        cpu->limit += (uint64_t)more;
        cpu->budget += more;
    }
    if (cpu->pass || jit) { /* nothing beyond the first unit or block */
        cpu->limit -= (uint64_t)(cpu->budget - b->run);
        cpu->budget = b->run;
    }
    cpu->interp(cpu, b);
}

static enum mips_stop run(struct mips *cpu, uint64_t until)
{
    for (;;) {
        timer_check(cpu);
        if (mips_cycle(cpu) >= until)
            return MIPS_STOP_LIMIT;
        if (__atomic_load_n(&cpu->stop_request, __ATOMIC_ACQUIRE)) {
            cpu->stop_request = false;
            return MIPS_STOP_REQUEST;
        }
        if (cpu->waiting) {
            if (!mips_can_wake(cpu))
                return MIPS_STOP_WAIT;
            cpu->waiting = 0;
        }
        set_limit(cpu, until);
        if (take_pending(cpu))
            continue;
        cpu->leave = false;
        if (UNLIKELY(code_views_full(cpu)))
            code_drop_views(cpu);
        run_unit_or_more(cpu);
        cpu->pass = false;
        if (cpu->stopped)
            return cpu->stop;
    }
}

enum mips_stop mips_run(struct mips *cpu, uint64_t until_cycle, bool pass)
{
    cpu->limit = cpu->steps;
    cpu->budget = 0;
    cpu->u = NULL;
    cpu->pass = pass;
    cpu->stopped = false;
    cpu->link_from = NULL;
    cpu->running = true;
    enum mips_stop stop = run(cpu, until_cycle);
    cpu->steps = mips_steps(cpu);
    cpu->running = false;
    cpu->pass = false;
    return stop;
}
