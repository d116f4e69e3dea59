#include "record/halted.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/monitor.h"
#include "core/vm.h"

/* By Cause.ExcCode. Source: MIPS32 volume III, Cause. */
static const char *const exceptions[32] = {
    [0] = "interrupt",
    [1] = "TLB modified",
    [2] = "TLB miss at a load or fetch",
    [3] = "TLB miss at a store",
    [4] = "address error at a load or fetch",
    [5] = "address error at a store",
    [6] = "bus error at a fetch",
    [7] = "bus error at a load or store",
    [8] = "syscall",
    [9] = "breakpoint",
    [10] = "reserved instruction",
    [11] = "coprocessor unusable",
    [12] = "overflow",
    [13] = "trap",
    [15] = "floating point",
    [19] = "TLB read inhibit",
    [20] = "TLB execute inhibit",
    [23] = "watch",
};

static uint32_t reg(const struct vm *vm, const char *name)
{
    for (size_t i = 0; i < mips_regs_count; i++)
        if (strcmp(mips_regs[i].name, name) == 0)
            return (uint32_t)mips_reg_read(vm->cpu, mips_regs[i].number);
    return 0;
}

static void tell(const struct vm *vm)
{
    uint32_t code = reg(vm, "cause") >> 2 & 31;
    const char *text = exceptions[code] == NULL ? "unknown exception" : exceptions[code];
    fprintf(stderr,
            "disco-record: %s: exception %" PRIu32 " (%s) at %08" PRIx32 ", BadVAddr %08" PRIx32
            ", went to the boot ROM (Status.BEV is set), which has no handler: the machine is halted"
            "\r\n",
            vm->config->name, code, text, reg(vm, "c0_epc"), reg(vm, "badvaddr"));
}

void halted_tell(struct halted *h, const struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        if (!m->vms[i]->halted || h->told[i])
            continue;
        h->told[i] = h->any = true;
        tell(m->vms[i]);
    }
}
