#include "replay/watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/tlb_history.h"

#define PAGE_OF(a) ((a) & ~(uint64_t)PAGE_MASK)

static const struct point *point_of(const struct watch *w, const struct watch_part *part)
{
    return &w->timeline->points[w->vm].list[part->point];
}

/* ---- what they mean ---- */

static void add_part(struct watch *w, struct watch_part part)
{
    if (w->count == w->cap) {
        w->cap = w->cap == 0 ? 16 : w->cap * 2;
        w->parts = xrealloc(w->parts, w->cap * sizeof w->parts[0]);
    }
    w->parts[w->count++] = part;
}

/* Virtual addresses go on at 0 behind the last one, and are as the processor has them. */
static void split(struct watch *w, size_t index)
{
    const struct point *p = &w->timeline->points[w->vm].list[index];
    for (uint64_t done = 0; done < p->len;) {
        uint64_t at = p->va + done, len = min_u64(p->len - done, PAGE_SIZE - (at & PAGE_MASK));
        if (!p->physical)
            at = (uint64_t)(int64_t)(int32_t)(uint32_t)at;
        add_part(w, (struct watch_part){.point = index, .va = at, .len = (uint32_t)len});
        done += len;
    }
}

/* True: it means something else than before. */
static bool look_up(const struct watch *w, struct watch_part *part)
{
    const struct point *p = point_of(w, part);
    const struct vm *vm = timeline_vm(w->timeline, w->vm);
    struct watch_part was = *part;
    part->pa = part->va;
    part->mapped = p->physical || tlb_history_translate(w->timeline, w->vm, part->va, p->asid,
                                                        &part->pa);
    bool rom;
    part->memory = part->mapped && vm->board->memory_at(vm, part->pa, &part->key, &rom);
    return part->mapped != was.mapped || part->pa != was.pa;
}

/* The processor watches all addresses that the memory has. */
static void tell_cpu(const struct watch *w)
{
    const struct vm *vm = timeline_vm(w->timeline, w->vm);
    struct mips_watch *list = xcalloc(w->count * BOARD_ALIASES + 1, sizeof list[0]);
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct watch_part *part = &w->parts[i];
        uint64_t page[BOARD_ALIASES] = {PAGE_OF(part->pa)};
        if (!part->mapped)
            continue;
        unsigned pages = part->memory ? vm->board->addresses_of(vm, part->key, page) : 1;
        for (unsigned k = 0; k < pages; k++)
            list[n++] = (struct mips_watch){page[k] | (part->pa & PAGE_MASK), part->len,
                                            point_access(point_of(w, part))};
    }
    mips_set_watches(vm->cpu, list, n);
    free(list);
}

static void forget_touched(struct watch *w)
{
    for (size_t i = 0; i < w->touched_count; i++)
        free(w->touched[i].before);
    w->touched_count = 0;
}

static void mapping(struct vm_watcher *watcher, struct vm *vm, uint64_t va, uint64_t len)
{
    struct watch *w = container_of(watcher, struct watch, watcher);
    bool moved = false;
    (void)vm;
    for (size_t i = 0; i < w->count; i++) {
        struct watch_part *part = &w->parts[i];
        if (!point_of(w, part)->physical && (uint32_t)part->va - (uint32_t)va < len)
            moved = look_up(w, part) || moved;
    }
    if (moved)
        tell_cpu(w);
}

/* ---- what touches them ---- */

static void copy_bytes(const struct watch *w, uint64_t key, uint64_t off, uint8_t *out, size_t n)
{
    uint8_t room[PAGE_SIZE];
    memcpy(out, vm_page_bytes(timeline_vm(w->timeline, w->vm), key, room) + off, n);
}

static void note_touch(struct watch *w, const struct watch_part *part, const struct touch *touch,
                       uint64_t off, uint32_t n)
{
    if (w->touched_count == w->touched_cap) {
        w->touched_cap = w->touched_cap == 0 ? 16 : w->touched_cap * 2;
        w->touched = xrealloc(w->touched, w->touched_cap * sizeof w->touched[0]);
    }
    struct watched *new = &w->touched[w->touched_count++];
    *new = (struct watched){.point = part->point,
                            .key = part->key,
                            .pa = PAGE_OF(part->pa) | off,
                            .n = n,
                            .touch = *touch,
                            .before = xmalloc(n)};
    copy_bytes(w, part->key, off, new->before, n);
}

static void touched(struct vm_watcher *watcher, struct vm *vm, const struct touch *touch,
                    uint64_t key, uint32_t off, uint32_t n)
{
    struct watch *w = container_of(watcher, struct watch, watcher);
    if (w->timeline->deaf)
        return;
    for (size_t i = 0; i < w->count; i++) {
        const struct watch_part *part = &w->parts[i];
        uint64_t first = part->pa & PAGE_MASK;
        uint64_t from = max_u64(first, off), to = min_u64(first + part->len, (uint64_t)off + n);
        uint8_t access = touch->write ? MIPS_WRITE : MIPS_READ;
        if (!part->memory || part->key != key || from >= to ||
            !(point_access(point_of(w, part)) & access) || !point_holds(point_of(w, part)))
            continue;
        note_touch(w, part, touch, from, (uint32_t)(to - from));
        vm_watch_stop(vm);
    }
}

void watch_arm(struct timeline *t, unsigned vm, bool on)
{
    struct watch *w = &t->watch[vm];
    const struct points *points = &t->points[vm];
    *w = (struct watch){.watcher = {touched, mapping},
                        .timeline = t,
                        .vm = vm,
                        .parts = w->parts,
                        .cap = w->cap,
                        .touched = w->touched,
                        .touched_count = w->touched_count,
                        .touched_cap = w->touched_cap};
    forget_touched(w);
    for (size_t i = 0; on && i < points->count; i++)
        if (points->list[i].kind > POINT_HARD_BREAK)
            split(w, i);
    for (size_t i = 0; i < w->count; i++)
        look_up(w, &w->parts[i]);
    vm_watch(timeline_vm(t, vm), w->count != 0 ? &w->watcher : NULL);
    tell_cpu(w);
}

void watch_free(struct watch *w)
{
    forget_touched(w);
    free(w->touched);
    free(w->parts);
}

/* ---- what is to be told ---- */

/* Is that page at that physical address, too? The processor watches all addresses that it has. */
static bool same_place(const struct watch *w, const struct watch_part *part, uint64_t pa)
{
    const struct vm *vm = timeline_vm(w->timeline, w->vm);
    uint64_t key;
    bool rom;
    if (!part->memory)
        return PAGE_OF(part->pa) == PAGE_OF(pa);
    return vm->board->memory_at(vm, pa, &key, &rom) && key == part->key;
}

const struct point *watch_access(struct timeline *t, unsigned vm, struct mips_hit hit,
                                 struct watch_cause *cause)
{
    const struct watch *w = &t->watch[vm];
    for (size_t i = 0; i < w->count; i++) {
        const struct watch_part *part = &w->parts[i];
        uint64_t first = part->pa & PAGE_MASK, off = hit.pa & PAGE_MASK;
        uint64_t from = max_u64(first, off), to = min_u64(first + part->len, off + hit.size);
        if (!part->mapped || from >= to || !same_place(w, part, hit.pa) ||
            !(point_access(point_of(w, part)) & hit.access) || !point_holds(point_of(w, part)))
            continue;
        *cause = (struct watch_cause){.access = hit,
                                      .pc = mips_pc(timeline_cpu(t, vm)),
                                      .write = hit.access == MIPS_WRITE,
                                      .pa = PAGE_OF(hit.pa) | from,
                                      .n = (uint32_t)(to - from)};
        if (part->memory)
            vm_read_physical(timeline_vm(t, vm), cause->pa, cause->before, cause->n);
        return point_of(w, part);
    }
    return NULL;
}

void watch_access_done(struct timeline *t, unsigned vm, struct watch_cause *cause)
{
    vm_read_physical(timeline_vm(t, vm), cause->pa, cause->after, cause->n);
    cause->changed = memcmp(cause->before, cause->after, cause->n) != 0;
}

static void fill_cause(const struct watch *w, const struct watched *x, struct watch_cause *cause)
{
    uint8_t now[PAGE_SIZE];
    copy_bytes(w, x->key, x->pa & PAGE_MASK, now, x->n);
    *cause = (struct watch_cause){
        .device = true,
        .touch = x->touch,
        .write = x->touch.write,
        .changed = x->touch.write && memcmp(x->before, now, x->n) != 0,
        .pa = x->pa,
        .n = x->n,
    };
    memcpy(cause->before, x->before, min_u64(x->n, WATCH_SHOWN));
    memcpy(cause->after, now, min_u64(x->n, WATCH_SHOWN));
}

/* One that changes something comes before others. */
const struct point *watch_touched(struct timeline *t, unsigned vm, struct watch_cause *cause)
{
    struct watch *w = &t->watch[vm];
    const struct point *found = NULL;
    for (size_t i = 0; i < w->touched_count && (found == NULL || !cause->changed); i++) {
        const struct point *p = &t->points[vm].list[w->touched[i].point];
        struct watch_cause one;
        fill_cause(w, &w->touched[i], &one);
        bool counts = p->number == 0 || p->kind != POINT_WRITE || one.changed;
        if (counts && (found == NULL || one.changed)) {
            *cause = one;
            found = p;
        }
    }
    forget_touched(w);
    return found;
}

bool watch_was_touched(const struct timeline *t, unsigned vm)
{
    return t->watch[vm].touched_count != 0;
}

static void print_bytes(const uint8_t *bytes, uint32_t n, struct buf *out)
{
    for (uint32_t i = 0; i < n && i < WATCH_SHOWN; i++)
        buf_printf(out, " %02x", bytes[i]);
    if (n > WATCH_SHOWN)
        buf_puts(out, " ...");
}

void watch_cause_print(const struct point *point, const struct watch_cause *cause, struct buf *out)
{
    if (point->number != 0)
        buf_printf(out, "Watch %u, ", point->number);
    buf_printf(out, "physical 0x%08" PRIx64 " is %s by ", cause->pa,
               !cause->write ? "read" : cause->changed ? "changed" : "written");
    if (cause->device)
        touch_print(&cause->touch, out);
    else
        buf_printf(out, "the instruction at %08" PRIx64 ", %u byte%s at virtual %08" PRIx64,
                   cause->pc & 0xffffffffu, cause->access.size, cause->access.size == 1 ? "" : "s",
                   cause->access.va & 0xffffffffu);
    buf_puts(out, cause->changed ? ":" : "; it holds");
    print_bytes(cause->before, cause->n, out);
    if (cause->changed) {
        buf_puts(out, " ->");
        print_bytes(cause->after, cause->n, out);
    }
    buf_putc(out, '\n');
}
