/* A VM for which the monitor fails is halted, and no other. */
#include <stdio.h>

#include "core/vm.h"

/* DETERMINISM: how far the vcpu got is known to its engine alone, so the event has no position. */
static void halt_for_good(struct vm *vm)
{
    vm->defect = vm->powered_off = 1;
    struct event *ev = event_log_put(vm->log, EVENT_DEFECT, 0, 0);
    ev->vm = (uint8_t)vm->index;
    vm_event_commit(vm);
    fprintf(stderr, "disco: %s is halted; the other VMs go on\n", vm->config->name);
}

enum vm_stop vm_run_contained(struct vm *vm, uint64_t until_cycle, uint64_t until_step, bool pass,
                              struct err *e)
{
    jmp_buf back;
    if (_setjmp(back) != 0) {
        halt_for_good(vm);
        return VM_POWERED_OFF;
    }
    check_contain(&back);
    enum vm_stop stop = vm_run(vm, until_cycle, until_step, pass, e);
    check_contain(NULL);
    return stop;
}
