/*
 * Runs random cases in both implementations and compares. A difference is
 * shrunk (instructions become nops, the end moves up, as long as it stays)
 * and printed. DISCO_TEST_SEED=n, DISCO_TEST_SCALE=n, DISCO_ENGINE=jit|interp;
 * exit status 1 on a difference.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "core/base/base.h"
#include "mips/mips.h"
#include "tests/diff/diff.h"
#include "tests/engine.h"

#define CASES 1000 /* per model and byte order */

static const struct diff_model models[] = {
    {"24Kf", UC_CPU_MIPS32_24KF, true, true, false},
    {"P5600", UC_CPU_MIPS32_P5600, true, true, true},
    {"34Kf", UC_CPU_MIPS32_34KF, true, true, false},
    {"24Kc", UC_CPU_MIPS32_24KC, false, true, false},
    {"4Kc", UC_CPU_MIPS32_4KC, false, false, false},
};

struct pair {
    struct disco_engine *disco;
    struct other_engine *other;
};

static bool differ(const struct diff_state *a, const struct diff_state *b)
{
    return memcmp(a, b, sizeof(*a)) != 0;
}

/* True if an unexplained difference remains. */
static bool run_both(struct pair *p, const struct diff_case *c, struct diff_state *disco,
                     struct diff_state *other, const char **fault)
{
    memset(disco, 0, sizeof(*disco));
    memset(other, 0, sizeof(*other));
    *fault = NULL;
    disco_run(p->disco, c, disco);
    if (!other_run(p->other, c, other) || !differ(disco, other))
        return false;
    *fault = diff_known_fault(c, disco, other);
    return !*fault;
}

static bool different(struct pair *p, const struct diff_case *c, bool *explained)
{
    struct diff_state disco, other;
    const char *fault;
    bool unknown = run_both(p, c, &disco, &other, &fault);

    *explained = fault != NULL;
    return unknown || fault;
}

/* To the shortest beginning that differs at all, so that the first cause is
 * found and not one of its consequences; if that is a known one, no more. */
static void shrink(struct pair *p, struct diff_case *c)
{
    struct diff_case best = *c;
    bool explained;

    for (unsigned words = 1; words < best.words; words++) {
        struct diff_case t = best;
        t.words = words;
        if (different(p, &t, &explained)) {
            *c = best = t;
            if (explained)
                return;
            break;
        }
    }
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < best.words; i++) {
            struct diff_case t = best;
            t.code[i] = 0;
            if (diff_removable(best.code[i]) && different(p, &t, &explained) && !explained) {
                best = t;
                again = true;
            }
        }
    }
    *c = best;
}

static void show(const char *name, uint64_t disco, uint64_t other)
{
    if (disco != other)
        printf("    %-8s %#18" PRIx64 " other %#18" PRIx64 "\n", name, disco, other);
}

static void print_difference(const struct diff_case *c, const struct diff_state *disco,
                             const struct diff_state *other)
{
    char text[128];

    printf("  %s %s endian, FR=%d fcsr %#x\n", c->model->name, c->big_endian ? "big" : "little",
           c->fr, c->fcsr);
    for (unsigned i = 0; i < c->words; i++) {
        if (c->code[i] == 0 && c->words > 2)
            continue;
        mips_disassemble(c->code[i], diff_code_va(c) + 4 * i, text, sizeof(text));
        printf("  %08x: %08x  %s\n", diff_code_va(c) + 4 * i, c->code[i], text);
    }
    for (int i = 0; i < 32; i++) {
        snprintf(text, sizeof(text), "r%d", i);
        show(text, disco->gpr[i], other->gpr[i]);
    }
    show("hi", disco->hi, other->hi);
    show("lo", disco->lo, other->lo);
    for (int i = 0; i < 32; i++) {
        snprintf(text, sizeof(text), "f%d", i);
        show(text, disco->fpr[i], other->fpr[i]);
    }
    show("fcsr", disco->fcsr, other->fcsr);
    show("badvaddr", disco->badvaddr, other->badvaddr);
    show("epc", disco->epc, other->epc);
    show("exccode", disco->exc, other->exc);
    show("retired", disco->retired, other->retired);
    for (size_t i = 0; i < DIFF_DATA_SIZE; i++) {
        if (disco->data[i] != other->data[i]) {
            snprintf(text, sizeof(text), "data+%zx", i);
            show(text, disco->data[i], other->data[i]);
        }
    }
    printf("  initially:");
    for (int i = 1; i < 32; i++)
        printf(" r%d=%x", i, c->gpr[i]);
    for (int i = 0; i < 32 && c->fpu; i++)
        printf(" f%d=%016" PRIx64, i, c->fpr[i]);
    printf(" hi=%x lo=%x\n", c->hi, c->lo);
}

int main(void)
{
    uint64_t seed = rng_env("DISCO_TEST_SEED", 1), scale = rng_env("DISCO_TEST_SCALE", 1);
    unsigned failures = 0, limit = (unsigned)rng_env("DISCO_TEST_FAILURES", 5);
    uint64_t cases = 0, retired = 0, excused = 0;
    enum mips_engine engine = test_engine_named(getenv("DISCO_ENGINE"));

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("engine %s, seed %" PRIu64 "\n", test_engine_names[engine], seed);
    for (unsigned m = 0; m < 2 * ARRAY_LEN(models); m++) {
        const struct diff_model *model = &models[m / 2];
        struct pair p = {disco_open(model, m & 1, engine), other_open(model, m & 1)};
        struct rng r = {seed ^ (uint64_t)m << 40};
        struct diff_case c = {.model = model, .big_endian = m & 1};
        struct diff_state disco, other;
        const char *fault;

        for (uint64_t i = 0; i < CASES * scale && failures < limit; i++) {
            diff_generate(&r, &c);
            cases++;
            if (run_both(&p, &c, &disco, &other, &fault)) {
                struct diff_case small = c;
                shrink(&p, &small);
                if (run_both(&p, &small, &disco, &other, &fault)) {
                    printf("case %" PRIu64 " of seed %" PRIu64 ":\n", i, seed);
                    print_difference(&small, &disco, &other);
                    failures++;
                }
            }
            excused += fault != NULL;
            retired += disco.retired;
        }
        disco_close(p.disco);
        other_close(p.other);
    }
    printf("%" PRIu64 " cases, %" PRIu64 " instructions, %" PRIu64 " excused, %u failures\n", cases,
           retired, excused, failures);
    return failures != 0;
}
