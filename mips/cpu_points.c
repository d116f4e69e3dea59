/*
 * Breakpoints and watchpoints of the debugger, and the watch registers of CP0.
 *
 * Breakpoints cost nothing where there are none: a word whose page offset is
 * in cpu->point_words gets a POINT micro-op before it, in whatever page, and
 * that one compares the address. The debugger's watchpoints are of physical
 * memory, those of CP0 of virtual addresses. Pages with either have no entry in
 * the software TLB, so each access to them comes through points_check_data and
 * points_check_memory.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "mips/ops.h"

#define WATCH_WRITE 1u
#define WATCH_READ  2u
#define WATCH_FETCH 4u

#define WATCH_MASK  0xff8u

/* Does watch pair `i` look at any of the `len` bytes at `va`: an access, or a page? So both are a
 * power of two, and aligned. A pair watches doublewords; those bits of their addresses that are set
 * in WatchHi.Mask do not count. Source: MIPS32 volume III, WatchLo and WatchHi. */
static bool pair_covers(const struct mips *cpu, unsigned i, uint64_t va, uint64_t len,
                        unsigned bits)
{
    uint64_t lo = cpu->c0[C0_WATCHLO0 + i], hi = cpu->c0[C0_WATCHHI0 + i];
    uint64_t any = (hi & WATCH_MASK) | 7 | (len - 1);
    return lo & bits && ((va ^ lo) & ~any) == 0;
}

static bool pair_matches_asid(const struct mips *cpu, unsigned i)
{
    uint64_t hi = cpu->c0[C0_WATCHHI0 + i];
    return hi >> 30 & 1 || (hi >> 16 & 0xff) == (cpu->c0[C0_ENTRYHI] & 0xff);
}

bool points_watched_memory(const struct mips *cpu, uint64_t pa, uint64_t len)
{
    for (size_t i = 0; i < cpu->n_watches; i++) {
        const struct mips_watch *w = &cpu->watches[i];
        if (pa - w->pa < w->len || w->pa - pa < len)
            return true;
    }
    return false;
}

bool points_watched(const struct mips *cpu, uint64_t va, uint64_t len)
{
    for (unsigned i = 0; i < cpu->model->watch_pairs; i++)
        if (pair_covers(cpu, i, va, len, WATCH_READ | WATCH_WRITE))
            return true;
    return false;
}

/* A match of the CP0 watch registers; debug mode sees none. */
static enum op_result watch_exception(struct mips *cpu, uint64_t va, uint64_t len, unsigned bits)
{
    if (cpu->c0[C0_DEBUG] & DEBUG_DM)
        return OP_OK;
    for (unsigned i = 0; i < cpu->model->watch_pairs; i++) {
        if (!pair_covers(cpu, i, va, len, bits) || !pair_matches_asid(cpu, i))
            continue;
        cpu->c0[C0_WATCHHI0 + i] |= bits;
        if (!(cpu->c0[C0_STATUS] & (STATUS_EXL | STATUS_ERL)))
            return exc_raise(cpu, EXC_WATCH);
        cpu->c0[C0_CAUSE] |= CAUSE_WP;
    }
    return OP_OK;
}

enum op_result points_check_data(struct mips *cpu, uint64_t va, unsigned size,
                                 enum mips_access access)
{
    return watch_exception(cpu, va, size, access == MIPS_WRITE ? WATCH_WRITE : WATCH_READ);
}

enum op_result points_check_memory(struct mips *cpu, uint64_t va, uint64_t pa, unsigned size,
                                   enum mips_access access)
{
    for (size_t i = 0; i < cpu->n_watches && !cpu->pass; i++) {
        const struct mips_watch *w = &cpu->watches[i];
        if (!(w->access & access) || !(pa - w->pa < w->len || w->pa - pa < size))
            continue;
        cpu->hit = (struct mips_hit){va, pa, size, (uint8_t)access};
        cpu->stopped = true;
        cpu->stop = MIPS_STOP_WATCH;
        return OP_STOP;
    }
    return OP_OK;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* At a POINT micro-op. A breakpoint on a delay slot stops before its unit: at the branch. */
enum op_result points_check_fetch(struct mips *cpu)
{
    bool slot = run_in_slot(cpu);
    uint64_t pc = slot ? sext32(run_unit_pc(cpu) + 4) : run_unit_pc(cpu);
    if (!cpu->pass && cpu->n_breaks &&
        bsearch(&pc, cpu->breaks, cpu->n_breaks, sizeof pc, compare_u64)) {
        cpu->hit = (struct mips_hit){.va = pc, .size = 4};
        cpu->stopped = true;
        cpu->stop = MIPS_STOP_BREAK;
        return OP_STOP;
    }
    return watch_exception(cpu, pc, 4, WATCH_FETCH);
}

static void mark_word(uint64_t *words, uint64_t va)
{
    unsigned word = va >> 2 & 1023;
    words[word / 64] |= UINT64_C(1) << word % 64;
}

/* The words of all the doublewords whose fetch a watch pair looks at. */
static void mark_pair(uint64_t *words, uint64_t lo, uint64_t hi)
{
    uint64_t counts = WATCH_MASK & ~hi;
    for (uint64_t at = 0; at < PAGE_SIZE; at += 8)
        if (((at ^ lo) & counts) == 0)
            words[at / 256] |= UINT64_C(3) << at / 4 % 64;
}

/* Points changed: which words need a POINT micro-op, which pages a slow path. */
void points_update(struct mips *cpu)
{
    uint64_t words[16] = {0};
    for (size_t i = 0; i < cpu->n_breaks; i++)
        mark_word(words, cpu->breaks[i]);
    for (unsigned i = 0; i < cpu->model->watch_pairs; i++) {
        uint64_t lo = cpu->c0[C0_WATCHLO0 + i];
        if (lo & WATCH_FETCH)
            mark_pair(words, lo, cpu->c0[C0_WATCHHI0 + i]);
    }
    if (memcmp(words, cpu->point_words, sizeof words) != 0) {
        memcpy(cpu->point_words, words, sizeof words);
        code_drop_all(cpu);
    }
    mmu_flush_all(cpu);
}

static void copy_watches(struct mips *cpu, const struct mips_watch *watches, size_t n_watches)
{
    free(cpu->watches);
    cpu->watches = xmalloc(n_watches * sizeof *watches + 1);
    if (n_watches)
        memcpy(cpu->watches, watches, n_watches * sizeof *watches);
    cpu->n_watches = n_watches;
}

void mips_set_points(struct mips *cpu, const uint64_t *breaks, size_t n_breaks,
                     const struct mips_watch *watches, size_t n_watches)
{
    free(cpu->breaks);
    cpu->breaks = xmalloc(n_breaks * sizeof *breaks + 1);
    if (n_breaks)
        memcpy(cpu->breaks, breaks, n_breaks * sizeof *breaks);
    cpu->n_breaks = n_breaks;
    if (n_breaks)
        qsort(cpu->breaks, n_breaks, sizeof *breaks, compare_u64);
    copy_watches(cpu, watches, n_watches);
    points_update(cpu);
}

void mips_set_watches(struct mips *cpu, const struct mips_watch *watches, size_t n_watches)
{
    copy_watches(cpu, watches, n_watches);
    mips_flush_pages(cpu);
}

void mips_tell_mapping(struct mips *cpu, bool on)
{
    cpu->tell_mapping = on && cpu->env.mapping != NULL;
}

struct mips_hit mips_last_hit(const struct mips *cpu)
{
    return cpu->hit;
}
