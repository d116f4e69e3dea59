/* Registers by gdb's numbers (mips.h). */
#include "mips/ops.h"

enum {
    REG_STATUS = 32,
    REG_LO,
    REG_HI,
    REG_BADVADDR,
    REG_CAUSE,
    REG_PC,
    REG_F0,
    REG_FCSR = 70,
    REG_FIR = 71,
    REG_C0 = 80
};

#define G(n, name) {name, "general", n, 32, (n) == 0}
#define F(n)       {"f" #n, "float", REG_F0 + (n), 64, false}

const struct mips_reg mips_regs[] = {
    G(0, "zero"), G(1, "at"), G(2, "v0"), G(3, "v1"), G(4, "a0"), G(5, "a1"), G(6, "a2"),
    G(7, "a3"), G(8, "t0"), G(9, "t1"), G(10, "t2"), G(11, "t3"), G(12, "t4"), G(13, "t5"),
    G(14, "t6"), G(15, "t7"), G(16, "s0"), G(17, "s1"), G(18, "s2"), G(19, "s3"), G(20, "s4"),
    G(21, "s5"), G(22, "s6"), G(23, "s7"), G(24, "t8"), G(25, "t9"), G(26, "k0"), G(27, "k1"),
    G(28, "gp"), G(29, "sp"), G(30, "s8"), G(31, "ra"),
    {"status", "cp0", REG_STATUS, 32, false},
    {"lo", "general", REG_LO, 32, false},
    {"hi", "general", REG_HI, 32, false},
    {"badvaddr", "cp0", REG_BADVADDR, 32, false},
    {"cause", "cp0", REG_CAUSE, 32, false},
    {"pc", "general", REG_PC, 32, false},
    F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9), F(10), F(11), F(12), F(13), F(14),
    F(15), F(16), F(17), F(18), F(19), F(20), F(21), F(22), F(23), F(24), F(25), F(26), F(27),
    F(28), F(29), F(30), F(31),
    {"fcsr", "float", REG_FCSR, 32, false},
    {"fir", "float", REG_FIR, 32, true},
#define CP0(reg, sel, id, isa, text, log) {"c0_" text, "system", REG_C0 + C0_##id, 32, false},
#include "mips/cp0.def"
#undef CP0
};
const size_t mips_regs_count = ARRAY_LEN(mips_regs);

uint64_t mips_reg_read(const struct mips *cpu, unsigned n)
{
    if (n < 32)
        return cpu->gpr[n];
    if (n >= REG_F0 && n < REG_F0 + 32)
        return cpu->fpr[n - REG_F0];
    if (n >= REG_C0 && n < REG_C0 + C0_REGS) {
        unsigned i = n - REG_C0;
        return i == C0_COUNT ? sext32(timer_count(cpu)) : i == C0_RANDOM ? cp0_random(cpu)
                                                                         : cpu->c0[i];
    }
    switch (n) {
    case REG_STATUS:
        return cpu->c0[C0_STATUS];
    case REG_LO:
        return cpu->lo;
    case REG_HI:
        return cpu->hi;
    case REG_BADVADDR:
        return cpu->c0[C0_BADVADDR];
    case REG_CAUSE:
        return cpu->c0[C0_CAUSE];
    case REG_PC:
        return mips_pc(cpu);
    case REG_FCSR:
        return cpu->fcsr;
    case REG_FIR:
        return cpu->model->fcr0;
    default:
        return 0;
    }
}

/* What a guest's mtc0 may write, and the registers that hardware sets. */
static bool write_c0(struct mips *cpu, unsigned i, uint64_t value)
{
    if (i == C0_BADVADDR) {
        cpu->c0[i] = sext32(value);
        return true;
    }
    if (cpu->c0_mask[i] == 0)
        return false;
    cp0_write(cpu, i, value);
    return true;
}

bool mips_reg_write(struct mips *cpu, unsigned n, uint64_t value)
{
    if (n == 0)
        return false;
    if (n < 32) {
        cpu->gpr[n] = sext32(value);
        return true;
    }
    if (n >= REG_F0 && n < REG_F0 + 32) {
        cpu->fpr[n - REG_F0] = value;
        return true;
    }
    if (n >= REG_C0 && n < REG_C0 + C0_REGS)
        return write_c0(cpu, n - REG_C0, value);
    switch (n) {
    case REG_STATUS:
        return write_c0(cpu, C0_STATUS, value);
    case REG_LO:
        cpu->lo = sext32(value);
        return true;
    case REG_HI:
        cpu->hi = sext32(value);
        return true;
    case REG_BADVADDR:
        return write_c0(cpu, C0_BADVADDR, value);
    case REG_CAUSE:
        return write_c0(cpu, C0_CAUSE, value);
    case REG_PC:
        cpu->pc = sext32(value);
        cpu->waiting = 0;
        return true;
    case REG_FCSR:
        cpu->fcsr = (uint32_t)value & ~0x20000u;
        fpu_mode_changed(cpu);
        return true;
    default:
        return false;
    }
}
