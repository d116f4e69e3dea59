/* "monitor vms" and "monitor memory": all VMs, and the machine memory that they share. */
#include <inttypes.h>

#include "gdb/vm_monitor.h"

#define SAMPLE_EVENTS 4000000u /* how far back a sample is looked for */
#define KIB(pages) ((uint64_t)(pages) * (PAGE_SIZE / 1024))

void vm_monitor_vms(struct vm_target *t, char *args, struct buf *out)
{
    struct timeline *tl = t->timeline;
    (void)args;
    buf_puts(out, "pid  name              bytes   memory     instructions  virtual time     pc\n");
    for (unsigned i = 0; i < timeline_vms(tl); i++) {
        const struct vm *vm = timeline_vm(tl, i);
        uint64_t ns = vm_ns_of(vm, vm_cycle(vm));
        buf_printf(out, "%3d%c %-16s  %-6s %5" PRIu64 " MiB %16" PRIu64 "  %6" PRIu64 ".%09" PRIu64
                   " %08" PRIx64 "%s  %s, %s\n",
                   vm_target_pid(i), i == t->selected ? '*' : ' ', vm->config->name,
                   vm->config->big_endian ? "big" : "little", vm->config->memory >> 20,
                   vm_steps(vm), ns / 1000000000u, ns % 1000000000u,
                   mips_pc(vm->cpu) & 0xffffffffu,
                   vm->powered_off        ? " off"
                   : vm_asleep(vm)        ? " asleep"
                   : vm == timeline_current(tl) ? " runs next"
                                          : "",
                   vm->config->board, vm->model.name);
    }
    buf_printf(out, "position %" PRIu64 " of %" PRIu64 "; * is the selected one\n",
               timeline_position(tl), tl->replayer.end_step);
}

/* Pages of a VM. */
struct pages {
    uint64_t promised, own, shared, zero, balloon, swapped;
};

struct count {
    const struct vm *vm;
    struct pages pages;
};

static bool count_page(void *ctx, uint64_t key, uint64_t mpn1)
{
    struct count *c = ctx;
    uint32_t mpn = (uint32_t)(mpn1 - 1);
    if (key >= c->vm->ram_pages)
        return false; /* ROM lies behind */
    if (mpn_arena(mpn) == ARENA_COMMON || mpn_users(c->vm->memory, mpn) > 1)
        c->pages.shared++;
    else
        c->pages.own++;
    return true;
}

/* What the machine's memory does not tell, of the last sample in the trace before here. */
static void take_sample(struct replayer *r, unsigned vm, struct pages *pages)
{
    size_t b = r->batches_count;
    while (b > 0 && r->batches[b - 1].first >= r->at.event)
        b--;
    while (b-- > 0 && r->at.event - r->batches[b].first < SAMPLE_EVENTS) {
        const struct event *ev = replayer_look(r, b);
        uint64_t i = min_u64(r->batches[b].count, r->at.event - r->batches[b].first);
        while (ev != NULL && i-- > 0) {
            if (ev[i].kind != EVENT_MEMORY || ev[i].vm != vm)
                continue;
            pages->balloon = ev[i].arg[3];
            pages->swapped = ev[i].arg[4];
            return;
        }
    }
}

static struct pages pages_of(struct vm_target *t, unsigned i)
{
    struct count c = {.vm = timeline_vm(t->timeline, i)};
    radix_each(&c.vm->pmap, count_page, &c);
    c.pages.promised = c.vm->ram_pages;
    take_sample(&t->timeline->replayer, i, &c.pages);
    uint64_t there = c.pages.own + c.pages.shared + c.pages.balloon + c.pages.swapped;
    c.pages.zero = c.pages.promised - min_u64(there, c.pages.promised);
    return c.pages;
}

static void put_pages(struct buf *out, const char *name, const struct pages *p)
{
    buf_printf(out, "%-16s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
               " %10" PRIu64 " %10" PRIu64 "\n",
               name, KIB(p->promised), KIB(p->own + p->shared), KIB(p->own), KIB(p->shared),
               KIB(p->balloon), KIB(p->swapped), KIB(p->zero));
}

void vm_monitor_memory(struct vm_target *t, char *args, struct buf *out)
{
    const struct memory *memory = &t->timeline->replayer.monitor->memory;
    struct pages sum = {0};
    (void)args;
    buf_puts(out, "KiB                promised   resident        own     shared    balloon    swapped"
                  "       zero\n");
    for (unsigned i = 0; i < timeline_vms(t->timeline); i++) {
        struct pages p = pages_of(t, i);
        put_pages(out, timeline_vm(t->timeline, i)->config->name, &p);
        sum.promised += p.promised;
        sum.own += p.own;
        sum.shared += p.shared;
        sum.balloon += p.balloon;
        sum.swapped += p.swapped;
        sum.zero += p.zero;
    }
    put_pages(out, "all", &sum);
    buf_printf(out, "machine memory: %" PRIu64 " KiB in use of %" PRIu64 " KiB, %" PRIu64
               " KiB of that used by several pages or VMs\n",
               KIB(memory_in_use(memory)), KIB(memory->pool_pages),
               KIB(memory->arena[ARENA_COMMON].in_use));
}
