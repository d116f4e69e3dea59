/* The registers that gdb sees: those of mips/, the position, and the VM's own clock. */
#include <string.h>

#include "core/base/bytes.h"
#include "gdb/vm_target.h"

enum { REG_SP = 29, REG_RA = 31, REG_STATUS = 32, REG_LO = 33, REG_BAD = 35, REG_CAUSE = 36,
       REG_PC = 37, REG_F0 = 38, REG_FCSR = 70, REG_FIR = 71,
       REG_POSITION = 400, REG_CYCLE, REG_TIME, REG_STEP };

static const char *feature_of(unsigned number)
{
    if (number == REG_STATUS || number == REG_BAD || number == REG_CAUSE)
        return "org.gnu.gdb.mips.cp0";
    if (number < REG_F0)
        return "org.gnu.gdb.mips.cpu";
    if (number <= REG_FIR)
        return "org.gnu.gdb.mips.fpu";
    return "disco.cp0";
}

static const char *type_of(const struct mips_reg *r)
{
    if (r->number >= REG_F0 && r->number < REG_FCSR)
        return r->bits == 64 ? "ieee_double" : "ieee_single";
    return r->bits == 64 ? "uint64" : r->number >= REG_FCSR ? "uint32" : "int";
}

/* gdb wants r0 to r31 in the description; it shows its own names for them. */
static const char *name_of(const struct mips_reg *r)
{
    static const char *const gpr[32] = {
        "r0",  "r1",  "r2",  "r3",  "r4",  "r5",  "r6",  "r7",  "r8",  "r9",  "r10",
        "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21",
        "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31",
    };
    return r->number < ARRAY_LEN(gpr) ? gpr[r->number] : r->name;
}

void vm_regs_init(struct vm_target *t)
{
    for (size_t i = 0; i < mips_regs_count && t->regs_count < VM_TARGET_REGS_MAX - 4; i++) {
        const struct mips_reg *r = &mips_regs[i];
        t->regs[t->regs_count++] = (struct gdb_reg){
            .name = name_of(r),
            .feature = feature_of(r->number),
            .group = r->number > REG_FIR ? r->group : NULL,
            .type = type_of(r),
            .number = r->number,
            .bits = r->bits,
            .read_only = r->read_only,
            .in_g = r->number <= REG_FIR,
            .expedite = r->number == REG_SP || r->number == REG_RA || r->number == REG_PC,
        };
    }
    static const struct {
        const char *name;
        uint16_t number;
    } own[] = {{"position", REG_POSITION},
               {"cycle", REG_CYCLE},
               {"virtual_ns", REG_TIME},
               {"step", REG_STEP}};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        t->regs[t->regs_count++] = (struct gdb_reg){
            .name = own[i].name,
            .feature = "disco.run",
            .group = "system",
            .type = "uint64",
            .number = own[i].number,
            .bits = 64,
            .read_only = true,
        };
}

static uint64_t value_of(struct vm_target *t, const struct vm *vm, unsigned number)
{
    switch (number) {
    case REG_POSITION:
        return timeline_position(t->timeline);
    case REG_CYCLE:
        return vm_cycle(vm);
    case REG_TIME:
        return vm_ns_of(vm, vm_cycle(vm));
    case REG_STEP:
        return vm_steps(vm);
    default:
        return mips_reg_read(vm->cpu, number);
    }
}

bool vm_regs_read(struct vm_target *t, unsigned vm, unsigned number, uint8_t *bytes)
{
    const struct vm *of = timeline_vm(t->timeline, vm);
    bool big = of->config->big_endian;
    for (size_t i = 0; i < t->regs_count; i++) {
        if (t->regs[i].number != number)
            continue;
        uint64_t v = value_of(t, of, number);
        if (t->regs[i].bits == 64 && big)
            st_be64(bytes, v);
        else if (t->regs[i].bits == 64)
            st_le64(bytes, v);
        else if (big)
            st_be32(bytes, (uint32_t)v);
        else
            st_le32(bytes, (uint32_t)v);
        return true;
    }
    return false;
}
