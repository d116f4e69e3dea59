/* Life of a processor, and its state table. */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "mips/cpu.h"
#include "mips/jit/jit.h"

#define FIELD(member) STATE(struct mips, member)

/* The sink gpr[32] is no state. */
const struct state_field mips_state[] = {
    {"gpr", offsetof(struct mips, gpr), 8, 32},
    FIELD(hi),
    FIELD(lo),
    FIELD(pc),
    FIELD(llbit),
    FIELD(waiting),
    STATE_ARRAY(struct mips, c0, uint64_t),
    STATE_ARRAY(struct mips, fpr, uint64_t),
    FIELD(fcsr),
    FIELD(irq_lines),
    FIELD(count_base),
    FIELD(steps),
    FIELD(skipped),
    FIELD(ll_pa),
    STATE_ARRAY(struct mips, tlb_vpn2, uint64_t),
    STATE_ARRAY(struct mips, tlb_lo, uint64_t),
    STATE_ARRAY(struct mips, tlb_mask, uint32_t),
    STATE_ARRAY(struct mips, tlb_asid, uint32_t),
    STATE_ARRAY(struct mips, tlb_global, uint8_t),
    STATE_ARRAY(struct mips, tlb_hidden, uint8_t),
    STATE_END,
};

void *mips_state_object(struct mips *cpu)
{
    return cpu;
}

void mips_state_loaded(struct mips *cpu)
{
    tlb_index_rebuild(cpu);
    mmu_flush_all(cpu);
    mmu_mode_changed(cpu);
    fpu_mode_changed(cpu);
    cp0_update_irq(cpu);
    timer_update(cpu);
    points_update(cpu);
}

struct mips *mips_create(const struct mips_model *model, bool big_endian,
                         const struct mips_env *env)
{
    struct mips *cpu = xcalloc(1, sizeof *cpu);
    cpu->model = model;
    cpu->isa = (uint8_t)model_isa(model);
    cpu->env = *env;
    cpu->big_endian = big_endian;
    cpu->interp = big_endian ? interp_be : interp_le;
    cpu->interp(cpu, NULL);
    code_init(cpu);
    mmu_init(cpu);
    cp0_init(cpu);
    mips_reset(cpu);
    return cpu;
}

void mips_destroy(struct mips *cpu)
{
    if (cpu == NULL)
        return;
    code_destroy(cpu);
    jit_destroy(cpu);
    mmu_destroy(cpu);
    free(cpu->breaks);
    free(cpu->watches);
    free(cpu);
}

void mips_reset(struct mips *cpu)
{
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    memset(cpu->fpr, 0, sizeof cpu->fpr);
    cpu->hi = cpu->lo = 0;
    cpu->fcsr = cpu->model->fcr31_reset;
    cpu->pc = UINT64_C(0xffffffffbfc00000);
    cpu->llbit = cpu->waiting = 0;
    cpu->ll_pa = 0;
    cp0_reset(cpu);
    tlb_reset(cpu);
    mmu_flush_all(cpu);
    mmu_mode_changed(cpu);
    fpu_mode_changed(cpu);
    mmu_mapping_changed(cpu, 0, MMU_ALL);
}

bool mips_engine_available(enum mips_engine engine)
{
    return engine == MIPS_INTERP || jit_available();
}

void mips_set_log(struct mips *cpu, struct event_log *log)
{
    cpu->env.log = log;
}

void mips_set_engine(struct mips *cpu, enum mips_engine engine)
{
    CHECK(mips_engine_available(engine), "engine %d", (int)engine);
    code_drop_views(cpu);
    jit_destroy(cpu);
    cpu->engine = engine;
    if (engine == MIPS_JIT)
        jit_init(cpu);
}

void mips_set_profile(struct mips *cpu, bool on)
{
    cpu->profile = on;
    code_drop_all(cpu);
}

bool mips_helper_calls(const struct mips *cpu, unsigned i, const char **name, uint64_t *calls)
{
    if (i >= INSN_COUNT)
        return false;
    *name = insn_info[i].text;
    *calls = cpu->helper_calls[i];
    return true;
}

struct mips_stats mips_get_stats(const struct mips *cpu)
{
    return cpu->stats;
}
