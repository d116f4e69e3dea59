#include "gdb/vm_symbols.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/vm_kallsyms.h"
#include "replay/symbol_elf.h"
#include "traces/symbol_table.h"

const char vm_symbols_python[] =
    "python\n"
    "disco_asked = False\n"
    "def disco_symbols():\n"
    "    global disco_asked\n"
    "    disco_asked = True\n"
    "    gdb.execute('monitor symbols')\n"
    "    here = gdb.selected_inferior().num\n"
    "    for i in [i for i in gdb.inferiors() if i.pid]:\n"
    "        gdb.execute('inferior %d' % i.num, to_string=True)\n"
    "        try:\n"
    "            gdb.execute('file target:/vm%d/vmlinux' % i.pid, to_string=True)\n"
    "        except gdb.error:\n"
    "            pass\n"
    "    gdb.execute('inferior %d' % here, to_string=True)\n"
    "def disco_ask():\n"
    "    name = gdb.current_progspace().filename\n"
    "    if not disco_asked and gdb.selected_inferior().pid and (\n"
    "            name is None or name.startswith('target:')):\n"
    "        disco_symbols()\n"
    "gdb.execute('define symbols\\npython disco_symbols()\\nend')\n"
    "for c in ('break', 'tbreak', 'hbreak', 'thbreak', 'advance', 'until', 'print', 'list', 'x',\n"
    "          'disassemble', 'backtrace', 'finish', 'jump'):\n"
    "    gdb.execute('define hook-%s\\npython disco_ask()\\nend' % c)\n";

/* ---- what is known ---- */

static void put_nothing(const struct vm_target *t, unsigned vm, struct buf *out)
{
    const struct vm_config *config = timeline_vm(t->timeline, vm)->config;
    if (timeline_vms(t->timeline) > 1 || config->big_endian)
        symbol_elf_build(NULL, 0, config->big_endian, 4, out);
}

static bool put_recorded(struct vm_target *t, unsigned vm, struct buf *out)
{
    struct trace_reader *reader = t->timeline->replayer.reader;
    const struct trace_symbols *s = trace_reader_symbols(reader, vm);
    struct symbol_table table;
    struct err ignored = {0}; /* damaged ones are as good as none */
    if (s == NULL || trace_reader_symbol_table(reader, s, &table, &ignored) < 0)
        return false;
    symbol_elf_build(table.list, table.count, timeline_vm(t->timeline, vm)->config->big_endian, 4,
                     out);
    symbol_table_free(&table);
    return true;
}

void vm_symbols_take(struct vm_target *t, bool wanted)
{
    for (unsigned i = 0; i < timeline_vms(t->timeline); i++) {
        const struct vm *vm = timeline_vm(t->timeline, i);
        if (wanted && vm_kernel_has_symbols(vm)) {
            buf_put(&t->symbols[i], vm->config->kernel.data, vm->config->kernel.size);
            continue;
        }
        if (wanted && put_recorded(t, i, &t->symbols[i]))
            continue;
        t->search.missing[i] = wanted;
        put_nothing(t, i, &t->symbols[i]);
    }
}

bool vm_symbols_missing(const struct vm_target *t)
{
    bool missing = false;
    for (unsigned i = 0; i < timeline_vms(t->timeline); i++)
        missing |= t->search.missing[i];
    return missing;
}

/* ---- the search ---- */

/* Where kernels have certainly unpacked and moved themselves: at their first interrupts, in steps
 * of each VM; UINT64_MAX for none. Only of the VMs whose symbols are missing. */
static void first_interrupts(struct replayer *r, const bool missing[VMS_MAX],
                             uint64_t step[VMS_MAX])
{
    unsigned left = 0;
    for (unsigned i = 0; i < VMS_MAX; i++) {
        step[i] = UINT64_MAX;
        left += missing[i];
    }
    for (size_t b = 0; b < r->batches_count && left != 0; b++) {
        const struct event *ev = replayer_look(r, b);
        for (uint32_t i = 0; ev != NULL && i < r->batches[b].count; i++) {
            unsigned vm = ev[i].vm;
            if (ev[i].kind != EVENT_INTERRUPT || vm >= VMS_MAX || !missing[vm] ||
                step[vm] != UINT64_MAX)
                continue;
            step[vm] = ev[i].step;
            left--;
        }
    }
}

/* Here, where that VM's kernel is known to be in its place. */
static void look(struct vm_target *t, unsigned vm, struct buf *out)
{
    struct kallsyms found;
    const struct vm *v = timeline_vm(t->timeline, vm);
    if (!vm_find_kallsyms(v, &found)) {
        buf_printf(out, "%s: its memory holds no kernel's symbols\n", v->config->name);
        return;
    }
    symbol_elf_build(found.list, found.count, v->config->big_endian, 4, &t->symbols[vm]);
    buf_printf(out, "%s: %zu symbols; \"file target:/vm%d/vmlinux\" makes gdb read them\n",
               v->config->name, found.count, vm_target_pid(vm));
    t->search.missing[vm] = false;
    kallsyms_free(&found);
}

/* To the next VM that was not looked at, or back to where we were. */
static void search_on(struct vm_target *t, struct buf *out)
{
    struct vm_symbol_search *s = &t->search;
    for (; s->vm < timeline_vms(t->timeline); s->vm++) {
        if (!s->missing[s->vm])
            continue;
        if (s->step[s->vm] == UINT64_MAX) {
            buf_printf(out, "%s: took no interrupt, so no kernel ran\n",
                       timeline_vm(t->timeline, s->vm)->config->name);
        } else if (timeline_vm_steps(t->timeline, s->vm) >= s->step[s->vm]) {
            look(t, s->vm, out);
        } else {
            timeline_seek_vm(t->timeline, s->vm, s->step[s->vm]);
            return;
        }
    }
    s->returning = true;
    timeline_seek(t->timeline, s->home);
}

void vm_symbols_search(struct vm_target *t, char *args, struct buf *out)
{
    struct vm_symbol_search *s = &t->search;
    (void)args;
    if (!vm_symbols_missing(t)) {
        buf_puts(out, "nothing to be looked for: gdb has all symbols, or reads them from "
                      "target:/vm1/vmlinux and so on\n");
        return;
    }
    first_interrupts(&t->timeline->replayer, s->missing, s->step);
    s->on = true;
    s->returning = false;
    s->vm = 0;
    s->home = timeline_position(t->timeline);
    search_on(t, out);
}

bool vm_symbols_slice(struct vm_target *t, struct buf *out)
{
    struct vm_symbol_search *s = &t->search;
    if (!s->on)
        return false;
    enum timeline_stop stop = timeline_slice(t->timeline);
    if (stop == TIMELINE_RUNNING)
        return true;
    if (stop == TIMELINE_FAILED)
        buf_printf(out, "The replay diverged: %s\n", timeline_error(t->timeline));
    if (stop == TIMELINE_FAILED || s->returning) {
        s->on = false;
        if (timeline_position(t->timeline) != s->home)
            buf_printf(out, "Interrupted; now at position %" PRIu64 ".\n",
                       timeline_position(t->timeline));
        return false;
    }
    if (stop == TIMELINE_INTERRUPTED) {
        buf_puts(out, "Interrupted on the way.\n");
        s->vm = timeline_vms(t->timeline);
    } else {
        look(t, s->vm++, out);
    }
    search_on(t, out);
    return true;
}
