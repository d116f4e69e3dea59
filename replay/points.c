#include "replay/points.h"

#include <stdlib.h>

#include "core/base/err.h"
#include "mips/insn.h"

void points_free(struct points *p)
{
    free(p->list);
    *p = (struct points){0};
}

static struct point *find(const struct points *p, const struct point *like)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].kind == like->kind && p->list[i].va == like->va &&
            p->list[i].len == like->len && p->list[i].physical == like->physical &&
            p->list[i].number == like->number)
            return &p->list[i];
    return NULL;
}

bool points_set(struct points *p, const struct point *point)
{
    if (point->kind >= POINT_WRITE && (point->len == 0 || point->len > WATCH_LEN_MAX))
        return false;
    struct point *old = find(p, point);
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

/* In order: those of a user are listed. */
void points_clear(struct points *p, const struct point *point)
{
    struct point *old = find(p, point);
    if (old == NULL)
        return;
    p->count--;
    for (size_t i = (size_t)(old - p->list); i < p->count; i++)
        p->list[i] = p->list[i + 1];
}

uint8_t point_access(const struct point *point)
{
    return point->kind == POINT_WRITE  ? MIPS_WRITE
           : point->kind == POINT_READ ? MIPS_READ
                                       : MIPS_READ | MIPS_WRITE;
}

bool points_has_watch(const struct points *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].kind > POINT_HARD_BREAK)
            return true;
    return false;
}

bool point_holds(const struct point *point)
{
    return point->cond == NULL || point->cond(point->cond_ctx);
}

const struct point *points_break_at(const struct points *p, uint64_t pc)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].kind <= POINT_HARD_BREAK && p->list[i].va == pc && point_holds(&p->list[i]))
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
