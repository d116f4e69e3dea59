/* Where the timeline is. */
#include "replay/timeline.h"

uint64_t timeline_position(const struct timeline *t)
{
    return monitor_position(t->replayer.monitor);
}

uint64_t timeline_cycle(const struct timeline *t)
{
    return monitor_cycle(t->replayer.monitor);
}

unsigned timeline_vms(const struct timeline *t)
{
    return t->replayer.monitor->vms_count;
}

struct vm *timeline_vm(const struct timeline *t, unsigned vm)
{
    return t->replayer.monitor->vms[vm];
}

struct mips *timeline_cpu(const struct timeline *t, unsigned vm)
{
    return timeline_vm(t, vm)->cpu;
}

uint64_t timeline_vm_steps(const struct timeline *t, unsigned vm)
{
    return vm_steps(timeline_vm(t, vm));
}

struct vm *timeline_current(const struct timeline *t)
{
    return monitor_current(t->replayer.monitor);
}

bool timeline_at_end(const struct timeline *t)
{
    return replayer_at_end(&t->replayer);
}

const char *timeline_error(const struct timeline *t)
{
    return t->replayer.error.msg;
}
