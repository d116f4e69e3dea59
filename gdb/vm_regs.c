/* The registers that gdb sees: those of mips/, and the position. */
#include <string.h>

#include "core/base/bytes.h"
#include "gdb/vm_target.h"

enum { REG_SP = 29, REG_RA = 31, REG_STATUS = 32, REG_LO = 33, REG_BAD = 35, REG_CAUSE = 36,
       REG_PC = 37, REG_F0 = 38, REG_FCSR = 70, REG_FIR = 71,
       REG_POSITION = 400, REG_CYCLE, REG_TIME };

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

void vm_regs_init(struct vm_target *t)
{
    for (size_t i = 0; i < mips_regs_count && t->regs_count < VM_TARGET_REGS_MAX - 3; i++) {
        const struct mips_reg *r = &mips_regs[i];
        t->regs[t->regs_count++] = (struct gdb_reg){
            .name = r->name,
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
    } own[] = {{"position", REG_POSITION}, {"cycle", REG_CYCLE}, {"virtual_ns", REG_TIME}};
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

static uint64_t value_of(struct vm_target *t, unsigned number)
{
    switch (number) {
    case REG_POSITION:
        return timeline_position(t->timeline);
    case REG_CYCLE:
        return timeline_cycle(t->timeline);
    case REG_TIME:
        return vm_ns_of(timeline_vm(t->timeline), timeline_cycle(t->timeline));
    default:
        return mips_reg_read(timeline_cpu(t->timeline), number);
    }
}

bool vm_regs_read(struct vm_target *t, unsigned number, uint8_t *bytes)
{
    bool big = timeline_vm(t->timeline)->config->big_endian;
    for (size_t i = 0; i < t->regs_count; i++) {
        if (t->regs[i].number != number)
            continue;
        uint64_t v = value_of(t, number);
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
