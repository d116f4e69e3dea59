#include "record/find_symbols.h"

#include "core/vm_kallsyms.h"
#include "traces/symbol_table.h"

#define TRIES_MAX 6

static bool put_symbols(const struct monitor *m, unsigned vm, struct trace_writer *w)
{
    struct kallsyms found;
    struct buf table = {0};
    if (!vm_find_kallsyms(m->vms[vm], &found))
        return false;
    if (symbol_table_pack(found.list, found.count, &table)) {
        struct trace_symbols s = {
            .vm = vm,
            .cycle = monitor_cycle(m),
            .count = (uint32_t)found.count,
            .table = trace_put_blob(w, table.data, table.len),
        };
        trace_put_symbols(w, &s);
        trace_flush(w); /* a recorder that is killed later leaves them behind */
    }
    buf_free(&table);
    kallsyms_free(&found);
    return true;
}

static void try_vm(struct recorder_symbols *s, const struct monitor *m, unsigned vm,
                   struct trace_writer *w)
{
    unsigned tries = s->vm[vm].tries++;
    s->vm[vm].pause = 1u << tries;
    s->vm[vm].done = (tries == 0 && vm_kernel_has_symbols(m->vms[vm])) ||
                     put_symbols(m, vm, w) || s->vm[vm].tries == TRIES_MAX;
}

void recorder_symbols_look(struct recorder_symbols *s, const struct monitor *m,
                           struct trace_writer *w)
{
    for (unsigned vm = 0; vm < m->vms_count; vm++) {
        if (s->vm[vm].done)
            continue;
        if (s->vm[vm].pause != 0)
            s->vm[vm].pause--;
        else if (vm_takes_interrupts(m->vms[vm]))
            try_vm(s, m, vm, w);
    }
}

void recorder_symbols_finish(struct recorder_symbols *s, const struct monitor *m,
                             struct trace_writer *w)
{
    for (unsigned vm = 0; vm < m->vms_count; vm++)
        if (!s->vm[vm].done && s->vm[vm].tries == 0)
            try_vm(s, m, vm, w);
}
