#include "core/base/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct event_info event_info[EVENT_KINDS] = {
#define EVENT(id, text, args, names) [EVENT_##id] = {text, args, names},
#include "core/base/event.def"
#undef EVENT
};

#define EVENT(id, text, args, names)                                                               \
    _Static_assert((args) <= EVENT_ARGS_MAX, "too many arguments: " text);
#include "core/base/event.def"
#undef EVENT

bool event_equal(const struct event *a, const struct event *b)
{
    if (a->step != b->step || a->pc != b->pc || a->kind != b->kind || a->vm != b->vm ||
        a->vcpu != b->vcpu)
        return false;
    return memcmp(a->arg, b->arg, event_info[a->kind].args * sizeof a->arg[0]) == 0;
}

int event_print(char *out, size_t size, const struct event *ev)
{
    const struct event_info *info = &event_info[ev->kind];
    size_t len = 0;
#define ADD(...)                                                                                   \
    len += (size_t)snprintf(len < size ? out + len : NULL, len < size ? size - len : 0, __VA_ARGS__)
    ADD("%" PRIu64 " vm%u/cpu%u pc=%08" PRIx64 " %s", ev->step, ev->vm, ev->vcpu,
        ev->pc >> 31 == 0x1ffffffff ? (uint64_t)(uint32_t)ev->pc : ev->pc, info->text);
    const char *name = info->names;
    for (unsigned i = 0; i < info->args; i++) {
        int n = (int)strcspn(name, " ");
        ADD(" %.*s=%" PRIx64, n, name, ev->arg[i]);
        name += n + (name[n] == ' ');
    }
#undef ADD
    return (int)len;
}

int event_kind_by_name(const char *text)
{
    for (int i = 0; i < EVENT_KINDS; i++)
        if (strcmp(event_info[i].text, text) == 0)
            return i;
    return -1;
}
