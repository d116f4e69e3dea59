/*
 * Makes a failing case small: first the cases that must run before it, then
 * its script, its code (words become nops), its state. Whatever still fails is
 * kept, though it may fail in another way than at first.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mips/ops.h"
#include "tests/diff/engines.h"

#define SECONDS_MAX 60

struct shrinker {
    struct eng_pair *p;
    struct eng_case best, trial, before;
    bool needed[ENG_EPOCH]; /* cases of the epoch that run before */
    struct eng_finding found;
    struct mips_tlb_entry tlb[MIPS_TLB_MAX]; /* before the case, in the last attempt */
    unsigned attempts;
    bool progress;
    time_t end;
};

/* Does `c` fail on new sides after the cases that are needed? */
static bool fails(struct shrinker *k, const struct eng_case *c, struct eng_finding *f)
{
    uint64_t first = c->number / ENG_EPOCH * ENG_EPOCH;
    struct eng_side *outer[2] = {k->p->sides[0], k->p->sides[1]};
    bool same = true;

    k->attempts++;
    pair_open(k->p, c->number);
    k->p->strict = false;
    for (uint64_t n = first; n < c->number && same; n++) {
        if (!k->needed[n - first])
            continue;
        eng_generate(k->p->seed, n, &k->before);
        same = pair_run(k->p, &k->before, f);
    }
    for (unsigned i = 0; i < MIPS_TLB_MAX; i++)
        k->tlb[i] = mips_tlb_get(k->p->sides[0]->cpu, i);
    k->p->strict = true;
    bool failed = same && !pair_run(k->p, c, f);
    k->p->strict = false;
    pair_close(k->p);
    memcpy(k->p->sides, outer, sizeof outer);
    return failed;
}

/* Keep the trial if it fails, too. */
static bool keep(struct shrinker *k)
{
    struct eng_finding f;

    if (time(NULL) > k->end || !fails(k, &k->trial, &f)) {
        k->trial = k->best;
        return false;
    }
    k->best = k->trial;
    k->found = f;
    k->progress = true;
    return true;
}

static void shrink_history(struct shrinker *k)
{
    unsigned n = (unsigned)(k->best.number % ENG_EPOCH), last = 0;
    struct eng_finding f;

    for (;; last = last ? 2 * last : 1) {
        for (unsigned i = 0; i < n; i++)
            k->needed[i] = i + last >= n;
        if (last >= n || fails(k, &k->best, &f))
            break;
    }
    for (unsigned i = 0; i < n && time(NULL) <= k->end; i++) {
        if (!k->needed[i])
            continue;
        k->needed[i] = false;
        k->needed[i] = !fails(k, &k->best, &f);
    }
}

/* Code that the needed cases put where this one puts none becomes this one's. */
static void merge_code(struct shrinker *k)
{
    uint64_t first = k->best.number / ENG_EPOCH * ENG_EPOCH;
    struct eng_case *t = &k->trial;

    t->n_puts = 0;
    for (uint64_t n = first; n <= k->best.number; n++) {
        const struct eng_case *from = n == k->best.number ? &k->best : &k->before;
        if (n != k->best.number && !k->needed[n - first])
            continue;
        if (n != k->best.number)
            eng_generate(k->p->seed, n, &k->before);
        t->n_own = t->n_puts + from->n_own;
        for (unsigned i = 0; i < from->n_puts && t->n_puts < ENG_PUTS; i++)
            t->puts[t->n_puts++] = from->puts[i];
    }
}

/* Perhaps all that they left is code, and the TLB. */
static void shrink_to_one(struct shrinker *k)
{
    bool needed[ENG_EPOCH];
    struct eng_finding f;

    fails(k, &k->best, &f);
    merge_code(k);
    memcpy(needed, k->needed, sizeof needed);
    memset(k->needed, 0, sizeof needed);
    if (!k->best.full) {
        k->trial.full = true;
        memcpy(k->trial.tlb, k->tlb, sizeof k->tlb);
    }
    if (!keep(k))
        memcpy(k->needed, needed, sizeof needed);
}

#define SHRINK_TO(member, value)                                                                   \
    do {                                                                                           \
        if (k->best.member != (value)) {                                                           \
            k->trial.member = (value);                                                             \
            keep(k);                                                                               \
        }                                                                                          \
    } while (0)

static void shrink_script(struct shrinker *k)
{
    SHRINK_TO(n_actions, k->found.action + 1);
    for (unsigned i = 0; i < k->best.n_actions; i++) {
        if (k->best.actions[i].kind != ACT_NONE) {
            k->trial.actions[i].kind = ACT_NONE;
            keep(k);
        }
        for (uint32_t cut = k->best.actions[i].a / 2;
             k->best.actions[i].kind == ACT_RUN && cut > 0; cut /= 2) {
            k->trial.actions[i].a -= cut;
            keep(k);
        }
    }
}

static void shrink_code(struct shrinker *k)
{
    for (unsigned size = 128; size > 0; size /= 2) {
        for (unsigned at = 0; at < k->best.n_puts; at += size) {
            bool any = false;
            for (unsigned i = at; i < at + size && i < k->best.n_puts; i++) {
                any |= k->trial.puts[i].w != 0;
                k->trial.puts[i].w = 0;
            }
            if (any)
                keep(k);
        }
    }
}

static void shrink_state(struct shrinker *k)
{
    SHRINK_TO(full, false);
    SHRINK_TO(data_pages, 0);
    SHRINK_TO(n_breaks, 0);
    SHRINK_TO(n_watches, 0);
    SHRINK_TO(n_c0, 0);
    SHRINK_TO(fcsr, 0);
    SHRINK_TO(hi, 0);
    SHRINK_TO(lo, 0);
    SHRINK_TO(status, k->best.status & (STATUS_CU1 | STATUS_FR));
    SHRINK_TO(status, k->best.status | STATUS_CU1);
    for (unsigned i = 0; i < k->best.n_c0; i++) {
        k->trial.c0[i] = k->trial.c0[--k->trial.n_c0];
        keep(k);
    }
    for (unsigned i = 1; i < 32; i++)
        SHRINK_TO(gpr[i], 0);
    for (unsigned i = 0; i < 32; i++)
        SHRINK_TO(fpr[i], 0);
}

/* ---- printing ---- */

static unsigned print_code(const struct eng_case *c)
{
    unsigned words = 0;
    uint32_t next = 0;

    for (unsigned i = 0; i < c->n_puts; i++) {
        const struct eng_put *put = &c->puts[i];
        char text[96];
        uint32_t va = (i < c->n_own ? c->base : 0x80000000) + put->pa;

        if (put->w == 0)
            continue;
        if (put->pa != next && words != 0)
            printf("    ...\n");
        mips_disassemble(put->w, sext32(va), text, sizeof text);
        printf("  %08x: %08x  %s\n", va, put->w, text);
        next = put->pa + 4;
        words++;
    }
    return words;
}

static void print_script(const struct eng_case *c, unsigned failing)
{
    static const char *const names[] = {
        "run %u cycles", "interrupt line %u to %u", "poke %#x = %#x", "dma to %#x of %u bytes",
        "flush pages", "code of frame %u changed", "move page %u", "share page %u",
        "points of the case, on: %2$u", "register %u = %#x", "timer in %u ticks", "reset", NULL};

    for (unsigned i = 0; i < c->n_actions; i++) {
        const struct eng_action *a = &c->actions[i];
        if (names[a->kind] == NULL)
            continue;
        printf("  - ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        printf(names[a->kind], a->a, a->b);
#pragma GCC diagnostic pop
        printf("%s\n", i == failing ? "    <- differ here" : "");
    }
}

static void print_state(const struct eng_case *c)
{
    printf("  pc %08x status %08x fcsr %08x hi %x lo %x\n ", c->pc, c->status, c->fcsr, c->hi,
           c->lo);
    for (unsigned i = 1; i < 32; i++)
        if (c->gpr[i] != 0)
            printf(" r%u=%x", i, c->gpr[i]);
    for (unsigned i = 0; i < 32; i++)
        if (c->fpr[i] != 0)
            printf(" f%u=%" PRIx64, i, c->fpr[i]);
    for (unsigned i = 0; i < c->n_c0; i++)
        printf(" c0[%u.%u]=%x", gen_c0_number(c->c0[i].index) >> 11,
               gen_c0_number(c->c0[i].index) & 7, c->c0[i].value);
    printf("\n");
    for (unsigned i = 0; i < c->n_breaks; i++)
        printf("  breakpoint %08x\n", (uint32_t)c->breaks[i]);
    for (unsigned i = 0; i < c->n_watches; i++)
        printf("  watchpoint %08x, %u bytes, access %u\n", (uint32_t)c->watches[i].pa,
               (unsigned)c->watches[i].len, c->watches[i].access);
    for (unsigned i = 0; c->full && i < MIPS_TLB_MAX; i++) {
        const struct mips_tlb_entry *e = &c->tlb[i];
        if (!e->hidden && e->vpn2 != 0)
            printf("  tlb %2u: %08x asid %x%s mask %x lo %x %x\n", i, (uint32_t)e->vpn2, e->asid,
                   e->global ? " global" : "", e->mask, (uint32_t)e->lo[0], (uint32_t)e->lo[1]);
    }
}

/* The last units that the first engine executed, by the interpreter. */
static void print_trace(struct shrinker *k)
{
    const struct eng_engine *outer[2] = {k->p->engines[0], k->p->engines[1]};
    struct eng_finding f;
    struct eng_trace t[ENG_TRACE];
    char text[96];

    k->p->engines[0] = k->p->engines[1] = engine_find("trace");
    fails(k, &k->best, &f);
    memcpy(k->p->engines, outer, sizeof outer);
    unsigned n = engine_trace(t);
    printf("  the last units until then:\n");
    for (unsigned i = 0; i < n; i++) {
        mips_disassemble(t[i].w, t[i].pc, text, sizeof text);
        printf("  %08x: %08x  %s\n", (uint32_t)t[i].pc, t[i].w, text);
    }
}

static void shrink_tlb(struct shrinker *k)
{
    for (unsigned i = 0; k->best.full && i < MIPS_TLB_MAX; i++)
        SHRINK_TO(tlb[i].hidden, 1);
}

unsigned shrink_and_print(struct eng_pair *p, const struct eng_case *c)
{
    static struct shrinker s;
    struct shrinker *k = &s;
    struct eng_config config = eng_config_of(p->seed, c->number);
    unsigned before = 0;

    *k = (struct shrinker){.p = p, .best = *c, .trial = *c, .end = time(NULL) + SECONDS_MAX};
    memset(k->needed, 1, sizeof k->needed);
    bool again = fails(k, &k->best, &k->found);
    if (again) {
        shrink_history(k);
        again = fails(k, &k->best, &k->found);
    }
    if (again) {
        shrink_to_one(k);
        do {
            k->progress = false;
            shrink_script(k);
            shrink_code(k);
            shrink_state(k);
            shrink_tlb(k);
        } while (k->progress && time(NULL) <= k->end);
        fails(k, &k->best, &k->found);
    }
    for (unsigned i = 0; i < ENG_EPOCH && i < c->number % ENG_EPOCH; i++)
        before += k->needed[i];
    printf("case %" PRIu64 ": %s, %s endian, %s and %s differ%s\n", c->number, config.model,
           config.big_endian ? "big" : "little", p->engines[0]->name, p->engines[1]->name,
           again ? "" : ", but not again: not shrunk");
    unsigned words = print_code(&k->best);
    print_state(&k->best);
    print_script(&k->best, k->found.action);
    printf("  %s\n", k->found.what);
    if (again)
        print_trace(k);
    printf("  %u words after %u other cases; %u attempts\n", words, before, k->attempts);
    printf("again: diff_engines --engines %s,%s%s --seed %" PRIu64, p->engines[0]->name,
           p->engines[1]->name, p->moves ? " --moves" : "", p->seed);
    if (p->words)
        printf(" --words\n");
    else
        printf(" --case %" PRIu64 "\n", c->number);
    return words;
}
