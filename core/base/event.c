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

const uint8_t event_bytes[EVENT_KINDS] = {
#define EVENT(id, text, args, names) [EVENT_##id] = offsetof(struct event, arg) + 8 * (args),
#include "core/base/event.def"
#undef EVENT
};

struct event event_unpack(const struct event *ev)
{
    struct event full = {0};
    memcpy(&full, ev, event_bytes[ev->kind]);
    return full;
}

void event_log_append(struct event_log *log, const uint8_t *memory, const uint8_t *end,
                      uint64_t count)
{
    if (end - memory < log->last - log->next) { /* all of it, and room for one more */
        memcpy(log->next, memory, (size_t)(end - memory));
        log->next += end - memory;
        log->count += count;
        return;
    }
    while (memory < end) {
        const struct event *ev = (const struct event *)memory;
        memcpy(log->next, ev, event_bytes[ev->kind]);
        memory += event_bytes[ev->kind];
        event_log_commit(log);
    }
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
