/* gdb's "monitor" commands. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gdb/vm_monitor.h"
#include "gdb/vm_symbols.h"
#include "replay/tlb_history.h"

struct command {
    const char *name;
    vm_monitor_cmd *run;
    const char *help;
};

char *vm_monitor_word(char **args)
{
    char *w = *args + strspn(*args, " \t");
    if (*w == 0)
        return NULL;
    size_t n = strcspn(w, " \t");
    *args = w + n + (w[n] != 0);
    w[n] = 0;
    return w;
}

bool vm_monitor_number(const char *text, uint64_t *v)
{
    char *end;
    if (text == NULL || !isdigit((unsigned char)*text))
        return false;
    *v = strtoull(text, &end, 0);
    return *end == 0;
}

static struct vm *selected_vm(const struct vm_target *t)
{
    return timeline_vm(t->timeline, t->selected);
}

static bool several(const struct vm_target *t)
{
    return timeline_vms(t->timeline) > 1;
}

void vm_monitor_put_place(struct buf *out, unsigned vm, uint64_t step)
{
    buf_printf(out, "%d:%" PRIu64 " ", vm_target_pid(vm), step);
}

static void print_when(struct vm_target *t, struct buf *out)
{
    struct timeline *tl = t->timeline;
    const struct vm *vm = selected_vm(t);
    uint64_t ns = vm_ns_of(vm, vm_cycle(vm));
    buf_printf(out, "position %" PRIu64 " of %" PRIu64 ", ", timeline_position(tl),
               tl->replayer.end_step);
    if (several(t)) {
        vm_monitor_put_place(out, t->selected, vm_steps(vm));
        buf_printf(out, "%s, ", vm->config->name);
    }
    buf_printf(out, "virtual time %" PRIu64 ".%09" PRIu64 " s, pc %08" PRIx64 "\n",
               ns / 1000000000u, ns % 1000000000u, mips_pc(vm->cpu) & 0xffffffffu);
}

static void cmd_when(struct vm_target *t, char *args, struct buf *out)
{
    (void)args;
    print_when(t, out);
}

/* Begins to; vm_monitor_slice does it. */
static void go_to(struct vm_target *t, uint64_t step)
{
    timeline_seek(t->timeline, step);
    t->seeking = true;
}

static void go_to_step(struct vm_target *t, unsigned vm, uint64_t step)
{
    timeline_seek_vm(t->timeline, vm, step);
    t->seeking = true;
}

bool vm_monitor_slice(void *target, struct buf *out)
{
    struct vm_target *t = target;
    if (!t->seeking)
        return vm_symbols_slice(t, out);
    enum timeline_stop stop = timeline_slice(t->timeline);
    if (stop == TIMELINE_RUNNING)
        return true;
    t->seeking = false;
    if (stop == TIMELINE_FAILED)
        buf_printf(out, "The replay diverged: %s\n", timeline_error(t->timeline));
    if (stop == TIMELINE_INTERRUPTED)
        buf_puts(out, "Interrupted on the way.\n");
    print_when(t, out);
    buf_puts(out, "(gdb keeps old registers until \"maint flush register-cache\"; disco.gdb's "
                  "commands do that)\n");
    return false;
}

/* "PID:STEP" */
static bool parse_place(const struct vm_target *t, const char *text, unsigned *vm, uint64_t *step)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long pid = strtoul(text, &end, 10);
    *vm = (unsigned)pid - 1;
    return *end == ':' && vm_monitor_number(end + 1, step) && pid >= 1 && pid <= timeline_vms(t->timeline);
}

static void cmd_seek(struct vm_target *t, char *args, struct buf *out)
{
    const char *to = vm_monitor_word(&args);
    unsigned vm;
    uint64_t now = timeline_position(t->timeline), n;
    if (to != NULL && strcmp(to, "end") == 0)
        go_to(t, UINT64_MAX);
    else if (to != NULL && strcmp(to, "begin") == 0)
        go_to(t, 0);
    else if (to != NULL && to[0] == '+' && vm_monitor_number(to + 1, &n))
        go_to(t, n > UINT64_MAX - now ? UINT64_MAX : now + n);
    else if (to != NULL && to[0] == '-' && vm_monitor_number(to + 1, &n))
        go_to(t, n > now ? 0 : now - n);
    else if (vm_monitor_number(to, &n))
        go_to(t, n);
    else if (to != NULL && parse_place(t, to, &vm, &n))
        go_to_step(t, vm, n);
    else
        buf_puts(out, "usage: seek N | +N | -N | begin | end | PID:STEP (N in instructions; STEP in "
                      "those of that VM)\n");
}

static void print_event(const struct vm_target *t, const struct event *ev, struct buf *out)
{
    char line[256];
    event_print(line, sizeof line, ev);
    const char *rest = strstr(line, " pc=");
    if (several(t) && rest != NULL && ev->vm < timeline_vms(t->timeline)) {
        vm_monitor_put_place(out, ev->vm, ev->step);
        buf_printf(out, "%s%s\n", timeline_vm(t->timeline, ev->vm)->config->name, rest);
    } else {
        buf_printf(out, "%s\n", line);
    }
}

/* The last `count` events of `kind` (-1: any) before the present position, of the selected VM, or
 * of all. */
static void print_events(struct vm_target *t, bool all, int kind, uint64_t count, struct buf *out)
{
    struct replayer *r = &t->timeline->replayer;
    uint64_t n = 0;
    size_t b = r->batches_count;
    while (b > 0 && r->batches[b - 1].first >= r->at.event)
        b--;
    struct event *shown = xcalloc(count, sizeof shown[0]);
    while (b-- > 0 && n < count) {
        const struct event *ev = replayer_look(r, b);
        uint64_t i = min_u64(r->batches[b].count, r->at.event - r->batches[b].first);
        while (ev != NULL && i-- > 0 && n < count)
            if ((kind < 0 || ev[i].kind == kind) && (all || ev[i].vm == t->selected))
                shown[n++] = ev[i];
    }
    while (n-- > 0)
        print_event(t, &shown[n], out);
    free(shown);
}

static void cmd_events(struct vm_target *t, char *args, struct buf *out)
{
    uint64_t count = 10;
    int kind = -1;
    bool all = false;
    for (const char *w; (w = vm_monitor_word(&args)) != NULL;) {
        if (vm_monitor_number(w, &count))
            continue;
        if (strcmp(w, "all") == 0) {
            all = true;
            continue;
        }
        kind = event_kind_by_name(w);
        if (kind < 0) {
            buf_puts(out, "there are no events of kind \"");
            buf_put_shown(out, w);
            buf_puts(out, "\"; the kinds are:");
            for (int i = 0; i < EVENT_KINDS; i++)
                buf_printf(out, " %s", event_info[i].text);
            buf_putc(out, '\n');
            return;
        }
    }
    print_events(t, all, kind, min_u64(count, 10000), out);
}

static void print_half(struct buf *out, const struct mips_tlb_entry *entry, unsigned half)
{
    uint64_t lo = entry->lo[half];
    if (!(lo & 2)) {
        buf_puts(out, "  -                     ");
        return;
    }
    buf_printf(out, "  %09" PRIx64 " c%u %c%c%c%c", (lo & 0x3fffffc0u) << 6, (unsigned)(lo >> 3 & 7),
               lo & 4 ? 'w' : '-', lo & 1u << 31 ? 'R' : '-', lo & 1u << 30 ? 'X' : '-',
               entry->global ? 'g' : '-');
}

static void cmd_tlb(struct vm_target *t, char *args, struct buf *out)
{
    (void)args;
    struct mips *cpu = selected_vm(t)->cpu;
    buf_puts(out, " nr  virtual  mask     asid  even page              odd page\n");
    for (unsigned i = 0; i < mips_tlb_size(cpu); i++) {
        struct mips_tlb_entry entry = mips_tlb_get(cpu, i);
        if (entry.hidden)
            continue;
        buf_printf(out, "%3u  %08" PRIx64 " %08x %02x  ", i, entry.vpn2 & 0xffffffffu, entry.mask,
                   entry.asid & 0xffu);
        print_half(out, &entry, 0);
        print_half(out, &entry, 1);
        buf_putc(out, '\n');
    }
}

static void cmd_pmap(struct vm_target *t, char *args, struct buf *out)
{
    uint64_t va, pa;
    struct vm *vm = selected_vm(t);
    if (!vm_monitor_number(vm_monitor_word(&args), &va)) {
        buf_puts(out, "usage: pmap ADDRESS (virtual; with 0x)\n");
        return;
    }
    va = (uint64_t)(int64_t)(int32_t)(uint32_t)va;
    bool present = mips_translate(vm->cpu, va, &pa);
    if (!present && !tlb_history_find(t->timeline, t->selected, va, t->asid[t->selected], &pa)) {
        buf_printf(out, "%08" PRIx64 ": the TLB does not map it, and never did for this ASID\n",
                   va & 0xffffffffu);
        return;
    }
    uint64_t mpn1 = vm_machine_page(vm, pa >> PAGE_BITS), key;
    bool rom = false, memory = vm->board->memory_at(vm, pa, &key, &rom);
    buf_printf(out, "%08" PRIx64 " -> physical %09" PRIx64 "%s -> ", va & 0xffffffffu, pa,
               present ? "" : " (by an earlier TLB entry)");
    if (!memory)
        buf_puts(out, "no memory: a device, or nothing\n");
    else if (mpn1 == 0)
        buf_puts(out, "not written yet: zeros\n");
    else
        buf_printf(out, "machine page %" PRIu64 "%s%s, users %u\n", mpn1 - 1, rom ? " (ROM)" : "",
                   mpn_arena((uint32_t)(mpn1 - 1)) == ARENA_COMMON ? " (shared)" : "",
                   mpn_users(vm->memory, (uint32_t)(mpn1 - 1)));
}

static void cmd_console(struct vm_target *t, char *args, struct buf *out)
{
    struct replayer *r = &t->timeline->replayer;
    uint64_t lines = UINT64_MAX;
    const char *w = vm_monitor_word(&args);
    if (w != NULL && !vm_monitor_number(w, &lines)) {
        buf_puts(out, "usage: console [LINES]\n");
        return;
    }
    const uint8_t *text = r->console[t->selected].data;
    size_t end = replayer_console_length(r, t->selected), from = end;
    if (lines == UINT64_MAX)
        from = 0;
    for (uint64_t seen = 0; lines != UINT64_MAX && from > 0; from--)
        if (text[from - 1] == '\n' && from != end && ++seen == lines)
            break;
    for (size_t i = from; i < end; i++)
        if (text[i] != '\r')
            buf_putc(out, text[i]);
    if (end != from && text[end - 1] != '\n')
        buf_putc(out, '\n');
}

static void cmd_checkpoint(struct vm_target *t, char *args, struct buf *out)
{
    unsigned id = timeline_checkpoint(t->timeline, args + strspn(args, " \t"));
    if (id == 0)
        buf_puts(out, "no memory for one more checkpoint; \"delete checkpoint N\" makes room\n");
    else
        buf_printf(out, "checkpoint %u at position %" PRIu64 "\n", id,
                   timeline_position(t->timeline));
}

static void cmd_checkpoints(struct vm_target *t, char *args, struct buf *out)
{
    (void)args;
    for (size_t i = 0; i < t->timeline->checkpoints_count; i++) {
        const struct checkpoint *c = &t->timeline->checkpoints[i];
        if (c->name == NULL)
            continue;
        buf_printf(out, "%u: position %" PRIu64 " ", c->id, c->step);
        buf_put_shown(out, c->name);
        buf_puts(out, "\n");
    }
}

static void cmd_restart(struct vm_target *t, char *args, struct buf *out)
{
    uint64_t id;
    const struct checkpoint *c = NULL;
    if (vm_monitor_number(vm_monitor_word(&args), &id) && id <= UINT32_MAX)
        c = timeline_find_checkpoint(t->timeline, (unsigned)id);
    if (c == NULL)
        buf_puts(out, "usage: restart N (\"monitor checkpoints\" lists them)\n");
    else
        go_to(t, c->step);
}

static void cmd_delete(struct vm_target *t, char *args, struct buf *out)
{
    const char *what = vm_monitor_word(&args);
    uint64_t id;
    if (what == NULL || strcmp(what, "checkpoint") != 0 || !vm_monitor_number(vm_monitor_word(&args), &id) ||
        id > UINT32_MAX || !timeline_delete_checkpoint(t->timeline, (unsigned)id))
        buf_puts(out, "usage: delete checkpoint N\n");
}

static void cmd_digest(struct vm_target *t, char *args, struct buf *out)
{
    (void)args;
    struct vm_digest d = monitor_digest(t->timeline->replayer.monitor, t->selected, true);
    buf_printf(out, "cpu %016" PRIx64 " devices %016" PRIx64 " memory %016" PRIx64 "\n", d.cpu,
               d.devices, d.memory);
}

static void cmd_devices(struct vm_target *t, char *args, struct buf *out)
{
    struct vm *vm = selected_vm(t);
    const char *id = vm_monitor_word(&args);
    for (unsigned i = 0; i < vm->devices_count; i++) {
        const struct device *dev = vm->devices[i];
        if (id == NULL)
            buf_printf(out, "%-8s %s\n", dev->id, dev->ops->name);
        else if (strcmp(id, dev->id) == 0)
            state_print(dev->ops->fields, dev, "", out);
    }
}

static void cmd_phys(struct vm_target *t, char *args, struct buf *out)
{
    const char *w = vm_monitor_word(&args);
    if (w != NULL && strcmp(w, "on") == 0)
        t->phys_mode = true;
    else if (w != NULL && strcmp(w, "off") == 0)
        t->phys_mode = false;
    else
        buf_printf(out, "physical addresses are %s\n", t->phys_mode ? "on" : "off");
}

static void cmd_asid(struct vm_target *t, char *args, struct buf *out)
{
    const char *w = vm_monitor_word(&args);
    uint64_t n;
    if (w != NULL && strcmp(w, "any") == 0)
        t->asid[t->selected] = TLB_HISTORY_ANY_ASID;
    else if (w != NULL && strcmp(w, "present") == 0)
        t->asid[t->selected] = TLB_HISTORY_PRESENT_ASID;
    else if (vm_monitor_number(w, &n) && n < 256)
        t->asid[t->selected] = (int)n;
    else
        buf_printf(out, "usage: asid any | present | N (for pages that the TLB does not map now, "
                        "N also for those of other processes, and for points); the present one is %u\n",
                   tlb_history_asid(t->timeline, t->selected));
}

static void cmd_info(struct vm_target *t, char *args, struct buf *out)
{
    const char *w = vm_monitor_word(&args);
    if (w == NULL || strcmp(w, "version") != 0) {
        buf_puts(out, "usage: info version\n");
        return;
    }
    buf_puts(out, "disco, replaying a trace of ");
    buf_put_shown(out, t->timeline->replayer.header->build);
    buf_puts(out, "\n");
}

static vm_monitor_cmd cmd_help, cmd_vm;

static const struct command commands[] = {
    {"when", cmd_when, "               where we are: position, virtual time, pc"},
    {"seek", cmd_seek, " N|+N|-N|begin|end  go to a position (instructions)"},
    {"seek", cmd_seek, " PID:STEP      go to where that VM has done so many instructions"},
    {"vms", vm_monitor_vms, "                all VMs, and where they are"},
    {"memory", vm_monitor_memory, "             machine memory, by VM"},
    {"net", vm_monitor_net, "                networks, their ports and the frames on the way"},
    {"frame", vm_monitor_frame, " [ID]         where a frame was sent and received (the last one here)"},
    {"vm", cmd_vm, " PID COMMAND     a command for that VM, whatever thread is selected"},
    {"events", cmd_events, " [all] [KIND] [COUNT]  the last events before here (of all VMs)"},
    {"tlb", cmd_tlb, "                the TLB's entries (w writable, R/X inhibited, g global)"},
    {"pmap", cmd_pmap, " ADDRESS       virtual to physical to machine page"},
    {"console", cmd_console, " [LINES]    what the guest printed up to here"},
    {"checkpoint", cmd_checkpoint, " [NAME]  remember this position"},
    {"checkpoints", cmd_checkpoints, "        list them"},
    {"restart", cmd_restart, " N          go to checkpoint N"},
    {"delete", cmd_delete, " checkpoint N"},
    {"digest", cmd_digest, "             hash of the VM's whole state"},
    {"devices", cmd_devices, " [NAME]     list the devices, or print the state of one"},
    {"symbols", vm_symbols_search, "            look for kernels' symbols that the trace lacks"},
    {"watch-physical", vm_monitor_watch_physical, " ADDRESS LENGTH [write|read|access]  stop where that "
                       "memory is touched"},
    {"watches", vm_monitor_watches, "            list those watchpoints"},
    {"unwatch-physical", vm_monitor_unwatch, " N|all  delete one, or all"},
    {"phys", cmd_phys, " on|off        memory addresses are physical ones, of watchpoints, too"},
    {"asid", cmd_asid, " any|present|N  whose pages to show when the TLB lacks them; N: user memory and "
             "points in it are of this one only"},
    {"info", cmd_info, " version"},
    {"help", cmd_help, "               this list"},
};

static void cmd_help(struct vm_target *t, char *args, struct buf *out)
{
    (void)args;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        buf_printf(out, "monitor %s%s\n", commands[i].name, commands[i].help);
    if (several(t))
        buf_puts(out, "What is about one VM is about that of the selected thread.\n");
}

static bool run_line(struct vm_target *t, char *args, struct buf *out)
{
    const char *name = vm_monitor_word(&args);
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(t, args, out);
            return true;
        }
    return false;
}

static void cmd_vm(struct vm_target *t, char *args, struct buf *out)
{
    uint64_t pid;
    if (!vm_monitor_number(vm_monitor_word(&args), &pid) || pid < 1 ||
        pid > timeline_vms(t->timeline) || strncmp(args, "vm ", 3) == 0) {
        buf_puts(out, "usage: vm PID COMMAND (\"monitor vms\" lists them)\n");
        return;
    }
    t->selected = (unsigned)pid - 1;
    if (!run_line(t, args, out))
        buf_puts(out, "Unknown command. \"monitor help\" lists them.\n");
}

bool vm_monitor(void *target, struct gdb_tid tid, const char *line, struct buf *out)
{
    struct vm_target *t = target;
    char *copy = xstrdup(line);
    t->selected = tid.pid > 0 ? (unsigned)tid.pid - 1 : 0;
    bool known = run_line(t, copy, out);
    free(copy);
    return known;
}
