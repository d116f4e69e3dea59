/* A VM's state beside memory: digests, and the form that is saved and loaded. */
#include "core/disk_priv.h"
#include "core/vm.h"

const struct state_field vm_state[] = {
    STATE(struct vm, idle_cycles),
    STATE(struct vm, power_pending),
    STATE(struct vm, powered_off),
    STATE(struct vm, halted),
    STATE(struct vm, defect),
    STATE(struct vm, irq_levels),
    STATE_END,
};

static const struct state_field channel_state[] = {
    STATE_ARRAY(struct console_channel, queue, uint8_t),
    STATE(struct console_channel, head),
    STATE(struct console_channel, count),
    STATE_END,
};

uint64_t vm_cpu_digest(const struct vm *vm)
{
    return state_hash(mips_state, mips_state_object(vm->cpu), vm->index);
}

uint64_t vm_devices_digest(const struct vm *vm)
{
    uint64_t h = state_hash(vm_state, vm, vm->index);
    for (int i = 0; i < VM_CHANNELS_MAX; i++)
        if (vm->console[i].dev != NULL)
            h = state_hash(channel_state, &vm->console[i], h);
    for (unsigned i = 0; i < vm->devices_count; i++)
        h = state_hash(vm->devices[i]->ops->fields, vm->devices[i], h);
    for (unsigned i = 0; i < vm->disks_count; i++)
        h = h * 31 + disk_digest(vm->disks[i]);
    return h;
}

void vm_save(struct vm *vm, struct buf *out)
{
    state_save(mips_state, mips_state_object(vm->cpu), out);
    state_save(vm_state, vm, out);
    for (int i = 0; i < VM_CHANNELS_MAX; i++)
        state_save(channel_state, &vm->console[i], out);
    for (unsigned i = 0; i < vm->devices_count; i++)
        state_save(vm->devices[i]->ops->fields, vm->devices[i], out);
}

void vm_load_state(struct vm *vm, const uint8_t *in)
{
    state_load(mips_state, mips_state_object(vm->cpu), in);
    in += state_size(mips_state);
    mips_state_loaded(vm->cpu);
    state_load(vm_state, vm, in);
    in += state_size(vm_state);
    for (int i = 0; i < VM_CHANNELS_MAX; i++, in += state_size(channel_state))
        state_load(channel_state, &vm->console[i], in);
    for (unsigned i = 0; i < vm->devices_count; i++) {
        state_load(vm->devices[i]->ops->fields, vm->devices[i], in);
        in += state_size(vm->devices[i]->ops->fields);
    }
    vm->loading = true;
    for (unsigned i = 0; i < vm->devices_count; i++)
        if (vm->devices[i]->ops->loaded != NULL)
            vm->devices[i]->ops->loaded(vm->devices[i]);
    vm->board->loaded(vm);
    vm->loading = false;
    vm_find_deadline(vm);
}
