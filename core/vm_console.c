/* Bytes and breaks that are typed at a VM's consoles. */
#include "core/vm.h"

int vm_channel_of(const struct vm *vm, const struct device *dev)
{
    for (int i = 0; i < VM_CHANNELS_MAX; i++)
        if (vm->console[i].dev == dev)
            return i;
    return -1;
}

static void offer_input(struct console_channel *c)
{
    while (c->count != 0) {
        uint32_t run = (uint32_t)min_u64(c->count, CONSOLE_QUEUE - c->head);
        size_t taken = c->dev->ops->input(c->dev, c->queue + c->head, run);
        c->head = (c->head + (uint32_t)taken) % CONSOLE_QUEUE;
        c->count -= (uint32_t)taken;
        if (taken < run)
            break;
    }
}

void vm_input_wanted(struct platform *p, struct device *dev)
{
    struct vm *vm = container_of(p, struct vm, platform);
    int channel = vm_channel_of(vm, dev);
    if (channel >= 0)
        offer_input(&vm->console[channel]);
}

static bool exists(const struct vm *vm, unsigned channel)
{
    return channel < VM_CHANNELS_MAX && vm->console[channel].dev != NULL;
}

size_t vm_console_room(const struct vm *vm, unsigned channel)
{
    return exists(vm, channel) ? CONSOLE_QUEUE - vm->console[channel].count : 0;
}

bool vm_console_ready(const struct vm *vm, unsigned channel)
{
    if (!exists(vm, channel))
        return false;
    struct device *dev = vm->console[channel].dev;
    return dev->ops->input_ready == NULL || dev->ops->input_ready(dev);
}

static void log_input(struct vm *vm, unsigned channel, size_t n)
{
    struct event *ev = vm_event(vm, EVENT_INPUT);
    ev->arg[0] = channel;
    ev->arg[1] = n;
    vm_event_commit(vm);
}

void vm_console_input(struct vm *vm, unsigned channel, const uint8_t *bytes, size_t n)
{
    if (!exists(vm, channel))
        return;
    log_input(vm, channel, n);
    struct console_channel *c = &vm->console[channel];
    for (size_t i = 0; i < n && c->count < CONSOLE_QUEUE; i++)
        c->queue[(c->head + c->count++) % CONSOLE_QUEUE] = bytes[i];
    offer_input(c);
}

void vm_console_break(struct vm *vm, unsigned channel)
{
    if (!exists(vm, channel))
        return;
    log_input(vm, channel, 0);
    struct device *dev = vm->console[channel].dev;
    if (dev->ops->input_break != NULL)
        dev->ops->input_break(dev);
}
