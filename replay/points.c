#include "replay/points.h"

#include <stdlib.h>

#include "core/base/err.h"
#include "mips/insn.h"

#define WATCH_LEN_MAX (1u << 24)

void points_free(struct points *p)
{
    free(p->list);
    *p = (struct points){0};
}

static struct point *find(const struct points *p, enum point_kind kind, uint64_t va, uint64_t len)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].kind == kind && p->list[i].va == va && p->list[i].len == len)
            return &p->list[i];
    return NULL;
}

bool points_set(struct points *p, const struct point *point)
{
    if (point->kind >= POINT_WRITE && (point->len == 0 || point->len > WATCH_LEN_MAX))
        return false;
    struct point *old = find(p, point->kind, point->va, point->len);
    if (old == NULL) {
        if (p->count == p->cap) {
            p->cap = p->cap == 0 ? 16 : p->cap * 2;
            p->list = xrealloc(p->list, p->cap * sizeof p->list[0]);
        }
        old = &p->list[p->count++];
    }
    *old = *point;
    return true;
}

void points_clear(struct points *p, enum point_kind kind, uint64_t va, uint64_t len)
{
    struct point *old = find(p, kind, va, len);
    if (old != NULL)
        *old = p->list[--p->count];
}

static uint8_t access_of(enum point_kind kind)
{
    return kind == POINT_WRITE ? MIPS_WRITE
           : kind == POINT_READ ? MIPS_READ
                                : MIPS_READ | MIPS_WRITE;
}

bool points_has_watch(const struct points *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].kind > POINT_HARD_BREAK)
            return true;
    return false;
}

/* Ignored breakpoints keep their place in the processor's table, at an address that no
 * instruction has: without them it would have to forget all the code that it has decoded. */
void points_arm(const struct points *p, struct mips *cpu, enum points_armed armed)
{
    if (armed == POINTS_NONE || p->count == 0) {
        mips_set_points(cpu, NULL, 0, NULL, 0);
        return;
    }
    uint64_t *breaks = xcalloc(p->count, sizeof breaks[0]);
    struct mips_watch *watches = xcalloc(p->count, sizeof watches[0]);
    size_t nb = 0, nw = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct point *point = &p->list[i];
        if (point->kind == POINT_BREAK || point->kind == POINT_HARD_BREAK)
            breaks[nb++] = armed == POINTS_ALL ? point->va : point->va | 1;
        else
            watches[nw++] =
                (struct mips_watch){point->va, point->len, access_of(point->kind)};
    }
    mips_set_points(cpu, breaks, nb, watches, nw);
    free(breaks);
    free(watches);
}

static bool holds(const struct point *point)
{
    return point->cond == NULL || point->cond(point->cond_ctx);
}

const struct point *points_break_at(const struct points *p, uint64_t pc)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].kind <= POINT_HARD_BREAK && p->list[i].va == pc && holds(&p->list[i]))
            return &p->list[i];
    return NULL;
}

static bool is_branch(const struct vm *vm, uint64_t pc)
{
    uint64_t pa;
    uint8_t b[4];
    if (!mips_translate(vm->cpu, pc, &pa) || vm_read_physical(vm, pa, b, 4) != 4)
        return false;
    bool big = vm->config->big_endian;
    uint32_t w = (uint32_t)b[big ? 0 : 3] << 24 | (uint32_t)b[big ? 1 : 2] << 16 |
                 (uint32_t)b[big ? 2 : 1] << 8 | b[big ? 3 : 0];
    return insn_info[insn_find(w)].attr & BRANCH;
}

const struct point *points_break_hit(const struct points *p, const struct vm *vm)
{
    uint64_t pc = mips_pc(vm->cpu), at = mips_last_hit(vm->cpu).va;
    const struct point *hit = points_break_at(p, at), *of_slot = NULL;
    if (at == pc && is_branch(vm, pc))
        of_slot = points_break_at(p, pc + 4);
    return hit != NULL ? hit : of_slot;
}

const struct point *points_watch_hit(const struct points *p, struct mips_hit hit)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct point *point = &p->list[i];
        if (point->kind > POINT_HARD_BREAK && (access_of(point->kind) & hit.access) != 0 &&
            mips_ranges_meet(hit.va, hit.size, point->va, point->len) && holds(point))
            return point;
    }
    return NULL;
}
