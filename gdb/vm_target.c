#include "gdb/vm_target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/tlb_history.h"

#define SYMBOLS_PATH "/vm%d/vmlinux"

static struct gdb_tid thread_of(unsigned vm)
{
    return (struct gdb_tid){vm_target_pid(vm), vm_target_pid(vm)};
}

/* The server only names threads that exist. */
static unsigned vm_of(const struct vm_target *t, int pid)
{
    CHECK(pid >= 1 && (unsigned)pid <= timeline_vms(t->timeline), "no process %d", pid);
    return (unsigned)pid - 1;
}

/* A 32-bit address as the processor holds it. */
static uint64_t extend(uint64_t va)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)va;
}

/* ---- description ---- */

static const char *architecture(void *target)
{
    (void)target;
    return "mips:isa32r2";
}

static bool big_endian(void *target, int pid)
{
    struct vm_target *t = target;
    return timeline_vm(t->timeline, vm_of(t, pid))->config->big_endian;
}

static const char *triple(void *target, int pid)
{
    return big_endian(target, pid) ? "mips-unknown-unknown" : "mipsel-unknown-unknown";
}

static size_t regs(void *target, const struct gdb_reg **table)
{
    struct vm_target *t = target;
    *table = t->regs;
    return t->regs_count;
}

static const char *target_types(void *target)
{
    (void)target;
    return "";
}

static size_t threads(void *target, struct gdb_tid *out, size_t max)
{
    struct vm_target *t = target;
    unsigned n = timeline_vms(t->timeline);
    for (unsigned i = 0; i < n && i < max; i++)
        out[i] = thread_of(i);
    return n;
}

static void thread_text(void *target, struct gdb_tid tid, struct buf *out)
{
    struct vm_target *t = target;
    const struct vm *vm = timeline_vm(t->timeline, vm_of(t, tid.pid));
    if (timeline_vms(t->timeline) > 1)
        buf_printf(out, "%s, step %" PRIu64 ", ", vm->config->name, vm_steps(vm));
    buf_printf(out, "position %" PRIu64 "%s", timeline_position(t->timeline),
               vm->powered_off           ? ", off"
               : mips_waiting(vm->cpu) ? ", asleep"
                                         : "");
}

static const char *process_name(void *target, int pid)
{
    struct vm_target *t = target;
    return timeline_vm(t->timeline, vm_of(t, pid))->config->name;
}

static const char *exec_file(void *target, int pid)
{
    struct vm_target *t = target;
    if (t->symbols[vm_of(t, pid)].len == 0)
        return NULL;
    snprintf(t->path, sizeof t->path, SYMBOLS_PATH, pid);
    return t->path;
}

static const uint8_t *file(void *target, const char *path, size_t *n)
{
    struct vm_target *t = target;
    for (unsigned i = 0; i < timeline_vms(t->timeline); i++) {
        const char *own = exec_file(target, vm_target_pid(i));
        if (own != NULL && strcmp(path, own) == 0) {
            *n = t->symbols[i].len;
            return t->symbols[i].data;
        }
    }
    return NULL;
}

/* ---- access ---- */

static bool read_reg(void *target, struct gdb_tid tid, unsigned number, uint8_t *bytes)
{
    struct vm_target *t = target;
    return vm_regs_read(t, vm_of(t, tid.pid), number, bytes);
}

static int write_reg(void *target, struct gdb_tid tid, unsigned number, const uint8_t *bytes,
                     struct err *e)
{
    (void)target, (void)tid, (void)number, (void)bytes;
    ERR(e, ERR_USAGE, "this is a recorded run: registers and memory cannot be changed");
}

static int write_mem(void *target, struct gdb_tid tid, uint64_t va, const uint8_t *bytes, size_t n,
                     struct err *e)
{
    (void)va, (void)n;
    return write_reg(target, tid, 0, bytes, e);
}

bool vm_target_translate(struct vm_target *t, unsigned vm, uint64_t va, uint64_t *pa)
{
    return tlb_history_translate(t->timeline, vm, va, t->asid[vm], pa);
}

size_t vm_target_read(struct vm_target *t, unsigned vm, uint64_t va, uint8_t *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        uint64_t at = va + done, pa = at & 0xffffffffu;
        if (!t->phys_mode && !vm_target_translate(t, vm, extend(at), &pa))
            break;
        size_t part = (size_t)min_u64(n - done, PAGE_SIZE - (at & PAGE_MASK));
        size_t got = vm_read_physical(timeline_vm(t->timeline, vm), pa, bytes + done, part);
        done += got;
        if (got < part)
            break;
    }
    return done;
}

static size_t read_mem(void *target, struct gdb_tid tid, uint64_t va, uint8_t *bytes, size_t n)
{
    struct vm_target *t = target;
    return vm_target_read(t, vm_of(t, tid.pid), va, bytes, n);
}

static bool get_phys_mode(void *target)
{
    struct vm_target *t = target;
    return t->phys_mode;
}

static void set_phys_mode(void *target, bool on)
{
    struct vm_target *t = target;
    t->phys_mode = on;
}

/* ---- points ---- */

/* What holds at a point: at a breakpoint in user memory that it is the address space that the user
 * chose (a watchpoint is of that one's memory anyway), and the client's condition. */
struct condition {
    struct vm_target *target;
    unsigned vm;
    bool in_user;
    gdb_cond_fn *cond; /* NULL: none */
    void *ctx;
};

static bool evaluate(void *ctx)
{
    struct condition *c = ctx;
    int asid = c->target->asid[c->vm];
    if (asid >= 0 && c->in_user &&
        tlb_history_asid(c->target->timeline, c->vm) != (unsigned)asid)
        return false;
    return c->cond == NULL || c->cond(c->ctx, thread_of(c->vm));
}

static enum point_kind kind_of(enum gdb_point kind)
{
    static const enum point_kind kinds[] = {
        [GDB_SW_BREAK] = POINT_BREAK,  [GDB_HW_BREAK] = POINT_HARD_BREAK,
        [GDB_WATCH] = POINT_WRITE,     [GDB_RWATCH] = POINT_READ,
        [GDB_AWATCH] = POINT_ACCESS,
    };
    return kinds[kind];
}

static int clear_point(void *target, int pid, enum gdb_point kind, uint64_t va, uint64_t len)
{
    struct vm_target *t = target;
    struct points *points = &t->timeline->points[vm_of(t, pid)];
    for (size_t i = 0; i < points->count; i++) {
        struct point *p = &points->list[i];
        struct point gone = *p;
        if (p->kind == kind_of(kind) && (uint32_t)p->va == (uint32_t)va && p->len == len &&
            p->number == 0) {
            free(gone.cond_ctx);
            points_clear(points, &gone);
            break;
        }
    }
    return 0;
}

static int set_point(void *target, int pid, enum gdb_point kind, uint64_t va, uint64_t len,
                     gdb_cond_fn *cond, void *cond_ctx, struct err *e)
{
    struct vm_target *t = target;
    bool is_break = kind == GDB_SW_BREAK || kind == GDB_HW_BREAK;
    if (is_break && len != 4)
        ERR(e, ERR_USAGE, "the processor has no MIPS16 or microMIPS code");
    clear_point(target, pid, kind, va, len);
    unsigned vm = vm_of(t, pid);
    struct point p = {.kind = kind_of(kind), .va = extend(va), .len = len, .asid = t->asid[vm]};
    p.physical = t->phys_mode && !is_break;
    if (p.physical)
        p.va = (uint32_t)va;
    struct condition *c = xmalloc(sizeof *c);
    *c = (struct condition){t, vm, is_break && (va & 0x80000000u) == 0, cond, cond_ctx};
    p.cond = evaluate;
    p.cond_ctx = c;
    if (!points_set(&t->timeline->points[c->vm], &p)) {
        free(p.cond_ctx);
        ERR(e, ERR_USAGE, "a watchpoint of %" PRIu64 " bytes is too long", len);
    }
    return 0;
}

/* ---- execution ---- */

static void resume(void *target, const struct gdb_resume *how)
{
    struct vm_target *t = target;
    unsigned vm = vm_of(t, how->tid.pid);
    t->how = *how;
    t->unit_pending = false;
    timeline_listen(t->timeline, how->only_tid        ? (int)vm
                                 : how->only_pid != 0 ? (int)vm_of(t, how->only_pid)
                                                      : TIMELINE_ALL);
    if (how->dir == GDB_BACKWARD && how->step)
        timeline_reverse_step(t->timeline, vm);
    else if (how->dir == GDB_BACKWARD)
        timeline_reverse_continue(t->timeline);
    else if (how->step)
        timeline_step(t->timeline, vm, how->lo == how->hi ? 0 : extend(how->lo),
                      how->lo == how->hi ? 0 : extend(how->hi));
    else
        timeline_continue(t->timeline, vm);
}

static enum gdb_point gdb_point_of(enum point_kind kind)
{
    static const enum gdb_point kinds[] = {
        [POINT_BREAK] = GDB_SW_BREAK, [POINT_HARD_BREAK] = GDB_HW_BREAK,
        [POINT_WRITE] = GDB_WATCH,    [POINT_READ] = GDB_RWATCH,
        [POINT_ACCESS] = GDB_AWATCH,
    };
    return kinds[kind];
}

static struct gdb_stop failed(struct vm_target *t)
{
    buf_clear(&t->message);
    buf_printf(&t->message, "The replay diverged: %s\n\n", timeline_error(t->timeline));
    return (struct gdb_stop){
        .kind = GDB_FAILED, .tid = t->how.tid, .message = buf_cstr(&t->message)};
}

/* What is told of a watchpoint's hit: all of the user's own, and of the client's what it cannot know.
 * One that changed nothing it passes in silence. */
static const char *why(struct vm_target *t, bool is_watch)
{
    const struct timeline_hit *hit = &t->timeline->hit;
    buf_clear(&t->message);
    buf_put(&t->message, t->timeline->along.data, t->timeline->along.len);
    if (is_watch && (hit->point.number != 0 ||
                     (hit->cause.device && (hit->cause.changed || hit->point.kind != POINT_WRITE))))
        watch_cause_print(&hit->point, &hit->cause, &t->message);
    return t->message.len == 0 ? NULL : buf_cstr(&t->message);
}

static struct gdb_stop slice(void *target)
{
    struct vm_target *t = target;
    struct gdb_stop stop = {.tid = t->how.tid};
    enum timeline_stop how = timeline_slice(t->timeline);
    if (t->unit_pending && how != TIMELINE_RUNNING && how != TIMELINE_FAILED) {
        t->unit_pending = false;
        return t->later;
    }
    const struct point *hit = &t->timeline->hit.point;
    unsigned vm = t->timeline->hit.vm;
    if (how != TIMELINE_RUNNING)
        stop.message = why(t, how == TIMELINE_WATCH);
    switch (how) {
    case TIMELINE_RUNNING:
        stop.kind = GDB_RUNNING;
        break;
    case TIMELINE_DONE:
        stop.kind = GDB_STEPPED;
        break;
    case TIMELINE_BREAK:
        stop.kind = GDB_BREAKPOINT;
        stop.tid = thread_of(vm);
        stop.point = gdb_point_of(hit->kind);
        stop.addr = hit->va;
        break;
    case TIMELINE_WATCH:
        stop.tid = thread_of(vm);
        stop.kind = hit->number != 0 ? GDB_STEPPED : GDB_WATCHPOINT;
        if (hit->number != 0)
            break;
        stop.point = gdb_point_of(hit->kind);
        stop.addr = hit->va;
        if (t->how.watch_after) {
            t->later = stop;
            t->unit_pending = true;
            if (t->how.dir == GDB_FORWARD)
                timeline_step_over(t->timeline, vm);
            else
                timeline_reverse_step(t->timeline, vm);
            stop.kind = GDB_RUNNING;
            stop.message = NULL;
        }
        break;
    case TIMELINE_INTERRUPTED:
        stop.kind = GDB_INTERRUPTED;
        break;
    case TIMELINE_BEGIN:
        stop.kind = GDB_LOG_BEGIN;
        break;
    case TIMELINE_END:
        stop.kind = GDB_LOG_END;
        break;
    case TIMELINE_FAILED:
        return failed(t);
    }
    return stop;
}

static void interrupt(void *target)
{
    struct vm_target *t = target;
    timeline_interrupt(t->timeline);
}

static int restart(void *target, uint64_t to, struct err *e)
{
    struct vm_target *t = target;
    (void)e;
    t->how = (struct gdb_resume){0};
    t->unit_pending = false;
    timeline_seek(t->timeline, to);
    return 0;
}

const struct gdb_target_ops vm_target_ops = {
    .architecture = architecture,
    .triple = triple,
    .regs = regs,
    .target_types = target_types,
    .big_endian = big_endian,
    .threads = threads,
    .thread_text = thread_text,
    .process_name = process_name,
    .exec_file = exec_file,
    .file = file,
    .read_reg = read_reg,
    .write_reg = write_reg,
    .read_mem = read_mem,
    .write_mem = write_mem,
    .get_phys_mode = get_phys_mode,
    .set_phys_mode = set_phys_mode,
    .set_point = set_point,
    .clear_point = clear_point,
    .resume = resume,
    .slice = slice,
    .interrupt = interrupt,
    .restart = restart,
    .restart_slice = slice,
    .monitor = vm_monitor,
    .monitor_slice = vm_monitor_slice,
};

void vm_target_init(struct vm_target *t, struct timeline *timeline)
{
    *t = (struct vm_target){.timeline = timeline};
    for (unsigned i = 0; i < VMS_MAX; i++)
        t->asid[i] = TLB_HISTORY_PRESENT_ASID;
    vm_regs_init(t);
}

void vm_target_fini(struct vm_target *t)
{
    for (unsigned vm = 0; vm < VMS_MAX; vm++) {
        const struct points *points = &t->timeline->points[vm];
        for (size_t i = 0; i < points->count; i++)
            free(points->list[i].cond_ctx);
        buf_free(&t->symbols[vm]);
    }
    buf_free(&t->message);
}
