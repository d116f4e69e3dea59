/*
 * Where the other implementation is known to differ, one entry each with the
 * reason. An entry looks at the whole difference, of the case as generated or
 * shrunk: it must explain all of it, or the test fails.
 *
 * Manual: MIPS32 Architecture For Programmers, volumes I-A and II-A.
 */
#include <string.h>

#include "core/base/base.h"
#include "tests/diff/diff.h"

enum part {
    P_GPR = 1,
    P_HILO = 2,
    P_FPR = 4,
    P_FCSR = 8,
    P_DATA = 16,
    P_FLOW = 32, /* EPC, exception code, BadVAddr, instructions retired */
};

struct view {
    const struct diff_case *c;
    const struct diff_state *disco, *other;
    unsigned parts;
    uint32_t fcsr; /* bits that differ */
};

#define FCSR_FS       (1u << 24)
#define FCSR_CAUSE    0x3f000u
#define FCSR_CAUSE_UI (3u << 12)
#define FCSR_FLAGS_UI (3u << 2)
#define FCSR_CAUSE_U  (1u << 13)
#define FCSR_ENABLE_U (1u << 8)
#define FCSR_FLAG_V   (1u << 6)
#define FCSR_CAUSE_V  (1u << 16)

/* Some word of the body is `value` under `mask`. */
static bool contains(const struct view *v, uint32_t mask, uint32_t value)
{
    for (unsigned i = 0; i < v->c->words; i++)
        if ((v->c->code[i] & mask) == value)
            return true;
    return false;
}

/* The branch at va - 4 if there is one that links: its link register, else 0. */
static unsigned link_before(const struct diff_case *c, uint32_t va)
{
    uint32_t i = (va - 4 - diff_code_va(c)) / 4;
    uint32_t w = i < c->words ? c->code[i] : 0;

    if (w >> 26 == 3 || (w >> 26 == 1 && (w >> 18 & 7) == 4))
        return 31;
    return w >> 26 == 0 && (w & 0x3f) == 9 ? w >> 11 & 31 : 0;
}

/* An exception in the delay slot of a branch that links. Restarting at EPC links
 * again (volume II, JALR, restrictions: that is why rs != rd), so
 * both the old value and the link are right in the handler. disco undoes the
 * branch (mips.h), unicorn does not. */
static bool link_in_slot(const struct view *v)
{
    unsigned link = link_before(v->c, v->disco->epc);

    if (v->parts != P_GPR || link == 0 || v->other->gpr[link] != v->disco->epc + 4)
        return false;
    for (unsigned i = 0; i < 32; i++)
        if (i != link && v->disco->gpr[i] != v->other->gpr[i])
            return false;
    return true;
}

/* ABS.fmt, NEG.fmt without ABS2008 are arithmetic (volume I, FCSR.ABS2008;
 * volume II, ABS.fmt): they clear Cause, and a signalling NaN raises invalid
 * and gives a quiet one. unicorn flips or clears the sign whatever it finds,
 * and leaves FCSR alone. */
static bool legacy_abs_neg(const struct view *v)
{
    bool traps = v->disco->exc == 15 && (v->disco->fcsr & FCSR_CAUSE_V);

    return !v->c->model->abs2008 && contains(v, 0xffc0003d, 0x46000005) &&
           (v->parts & ~(unsigned)(P_FPR | P_FCSR | P_FLOW)) == 0 &&
           (!(v->parts & P_FLOW) || traps) && (v->fcsr & ~(FCSR_CAUSE | FCSR_FLAG_V)) == 0;
}

/* FCSR.FS: a result that is flushed loses accuracy, so it underflows and is inexact
 * (volume I, underflow exception), which may trap. unicorn raises nothing. */
static bool only_flush_flags(const struct view *v)
{
    return (v->disco->fcsr & FCSR_FS) != 0 &&
           (v->fcsr & ~(FCSR_CAUSE_UI | FCSR_FLAGS_UI)) == 0;
}

static bool flush_flags(const struct view *v)
{
    bool traps = v->disco->exc == 15 && (v->disco->fcsr & FCSR_CAUSE) == FCSR_CAUSE_UI;

    return (v->parts == P_FCSR || traps) && only_flush_flags(v);
}

/* NMADD.fmt, NMSUB.fmt negate by the same rule as NEG.fmt: without ABS2008 a NaN
 * stays as it is. (Its product may have been flushed, too.) */
static bool legacy_nmadd(const struct view *v)
{
    if (v->c->model->abs2008 || !contains(v, 0xfc000030, 0x4c000030))
        return false;
    if (v->parts != P_FPR && !(v->parts == (P_FPR | P_FCSR) && only_flush_flags(v)))
        return false;
    for (int i = 0; i < 32; i++) {
        uint64_t d = v->disco->fpr[i] ^ v->other->fpr[i];
        if (d & ~0x8000000080000000)
            return false;
    }
    return true;
}

static bool is_narrowed(uint32_t disco, uint32_t other)
{
    return disco == 0x7fbfffff && (other & 0x7fffffff) == 0x7f800000;
}

/* CVT.S.D of a legacy quiet NaN whose upper fraction bits are all 0: a NaN must
 * stay a NaN (volume I, values of QNaN results). unicorn makes it an infinity. */
static bool legacy_narrow_nan(const struct view *v)
{
    if (v->c->model->abs2008 || v->parts != P_FPR || !contains(v, 0xffe0003f, 0x46200020))
        return false;
    for (int i = 0; i < 32; i++)
        if (v->disco->fpr[i] != v->other->fpr[i] &&
            !is_narrowed((uint32_t)v->disco->fpr[i], (uint32_t)v->other->fpr[i]) &&
            !is_narrowed((uint32_t)(v->disco->fpr[i] >> 32), (uint32_t)(v->other->fpr[i] >> 32)))
            return false;
    return true;
}

/* A tiny exact result with underflow enabled: "when an underflow trap is enabled,
 * underflow is signaled when tininess is detected regardless of loss of
 * accuracy" (volume I, underflow exception). unicorn does not trap. */
static bool exact_underflow_trap(const struct view *v)
{
    return v->disco->exc == 15 && (v->disco->fcsr & FCSR_CAUSE) == FCSR_CAUSE_U &&
           (v->disco->fcsr & FCSR_ENABLE_U);
}

static const struct {
    const char *name;
    bool (*explains)(const struct view *v);
} faults[] = {
    {"link register after an exception in the slot", link_in_slot},
    {"abs and neg without ABS2008", legacy_abs_neg},
    {"nmadd and nmsub of a NaN without ABS2008", legacy_nmadd},
    {"cvt.s.d of a small legacy NaN", legacy_narrow_nan},
    {"flags of a flushed result", flush_flags},
    {"trap on an exact tiny result", exact_underflow_trap},
};

static unsigned parts(const struct diff_state *a, const struct diff_state *b)
{
    unsigned set = 0;

    if (memcmp(a->gpr, b->gpr, sizeof(a->gpr)))
        set |= P_GPR;
    if (a->hi != b->hi || a->lo != b->lo)
        set |= P_HILO;
    if (memcmp(a->fpr, b->fpr, sizeof(a->fpr)))
        set |= P_FPR;
    if (a->fcsr != b->fcsr)
        set |= P_FCSR;
    if (memcmp(a->data, b->data, sizeof(a->data)))
        set |= P_DATA;
    if (a->epc != b->epc || a->exc != b->exc || a->badvaddr != b->badvaddr ||
        a->retired != b->retired)
        set |= P_FLOW;
    return set;
}

const char *diff_known_fault(const struct diff_case *c, const struct diff_state *disco,
                             const struct diff_state *other)
{
    struct view v = {c, disco, other, parts(disco, other), disco->fcsr ^ other->fcsr};

    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        if (faults[i].explains(&v))
            return faults[i].name;
    return NULL;
}
