/* The symbols of the kernel that runs in a VM, from its memory. Nothing of the VM changes. */
#ifndef CORE_VM_KALLSYMS_H
#define CORE_VM_KALLSYMS_H

#include "core/kallsyms.h"
#include "core/vm.h"

/* Has the kernel file a symbol table of its own? Then nobody need look for one. */
bool vm_kernel_has_symbols(const struct vm *vm);
/* May interrupts come, to handlers of the guest's own? A kernel has then certainly unpacked and
 * moved itself. */
bool vm_takes_interrupts(const struct vm *vm);
/* Looks through the pages that are there, below physical address 512 MiB: time goes with their
 * number. False, with `out` empty, if there are no symbols. */
bool vm_find_kallsyms(const struct vm *vm, struct kallsyms *out);

#endif
