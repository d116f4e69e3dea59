/*
 * "monitor" commands for watchpoints on physical memory. They are the user's
 * own: gdb knows nothing of them, so that they stay until they are deleted, and
 * their stops are plain ones, with a line that says why.
 */
#include <inttypes.h>
#include <string.h>

#include "gdb/vm_monitor.h"

#define PHYSICAL_END (1ull << 32)

static const char *const kinds[] = {
    [POINT_WRITE] = "write", [POINT_READ] = "read", [POINT_ACCESS] = "access"};

static bool parse_kind(const char *word, enum point_kind *kind)
{
    *kind = POINT_WRITE;
    if (word == NULL)
        return true;
    for (enum point_kind k = POINT_WRITE; k <= POINT_ACCESS; k++)
        if (strcmp(word, kinds[k]) == 0) {
            *kind = k;
            return true;
        }
    return false;
}

static void print_watch(const struct vm_target *t, unsigned vm, const struct point *p,
                        struct buf *out)
{
    buf_printf(out, "%u: ", p->number);
    if (timeline_vms(t->timeline) > 1)
        buf_printf(out, "process %d, ", vm_target_pid(vm));
    buf_printf(out, "%" PRIu64 " byte%s from physical 0x%08" PRIx64 ", %s\n", p->len,
               p->len == 1 ? "" : "s", p->va, kinds[p->kind]);
}

void vm_monitor_watch_physical(struct vm_target *t, char *args, struct buf *out)
{
    struct point p = {.physical = true};
    const struct vm *vm = timeline_vm(t->timeline, t->selected);
    bool ok = vm_monitor_number(vm_monitor_word(&args), &p.va) &&
              vm_monitor_number(vm_monitor_word(&args), &p.len) &&
              parse_kind(vm_monitor_word(&args), &p.kind);
    if (!ok || p.va >= PHYSICAL_END || p.len > PHYSICAL_END - p.va) {
        buf_puts(out, "usage: watch-physical ADDRESS LENGTH [write|read|access] (with 0x; write, as "
                      "without a word, stops where a byte changes, access also where it does not)\n");
        return;
    }
    p.number = ++t->last_watch;
    if (!points_set(&t->timeline->points[t->selected], &p)) {
        buf_printf(out, "a watchpoint has 1 to %u bytes\n", WATCH_LEN_MAX);
        return;
    }
    print_watch(t, t->selected, &p, out);
    if (!vm_has_memory(vm, p.va, p.len, false))
        buf_puts(out, "There is no memory in part of that: there, only what instructions do counts.\n");
}

void vm_monitor_watches(struct vm_target *t, char *args, struct buf *out)
{
    (void)args;
    for (unsigned vm = 0; vm < timeline_vms(t->timeline); vm++) {
        const struct points *points = &t->timeline->points[vm];
        for (size_t i = 0; i < points->count; i++)
            if (points->list[i].number != 0)
                print_watch(t, vm, &points->list[i], out);
    }
}

/* 0: all. Returns how many. */
static unsigned remove_watches(struct vm_target *t, uint64_t number)
{
    unsigned removed = 0;
    for (unsigned vm = 0; vm < timeline_vms(t->timeline); vm++) {
        struct points *points = &t->timeline->points[vm];
        for (size_t i = points->count; i-- > 0;) {
            struct point p = points->list[i];
            if (p.number == 0 || (number != 0 && p.number != number))
                continue;
            points_clear(points, &p);
            removed++;
        }
    }
    return removed;
}

void vm_monitor_unwatch(struct vm_target *t, char *args, struct buf *out)
{
    const char *word = vm_monitor_word(&args);
    uint64_t number;
    if (word != NULL && strcmp(word, "all") == 0)
        remove_watches(t, 0);
    else if (!vm_monitor_number(word, &number) || number == 0)
        buf_puts(out, "usage: unwatch-physical N | all (\"monitor watches\" lists them)\n");
    else if (remove_watches(t, number) == 0)
        buf_printf(out, "there is no watch %" PRIu64 "\n", number);
}
