/*
 * diff_engines: random cases on two engines (engines.h).
 *   --seed N --cases N [--time SECONDS]     many; stops at the first difference
 *   --seed N --case N                       one, after those of its epoch before it
 *   --engines A,B                           interp, jit, units, cold, jit-units, jit-cold
 *   --moves                                 see struct eng_side
 *   --words                                 each instruction by itself
 *   --selftest                              finds faults that are planted
 * Exit status: 0 equal, 1 different, 2 usage.
 */
#include <argp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/diff/engines.h"

struct options {
    struct eng_pair p;
    uint64_t cases, only, seconds;
    bool one, words, selftest;
    uint64_t done, blocks[2]; /* counts */
};

#define WORD_ROUNDS    16
#define STUCK_SECONDS  100 /* for an epoch, on a slow host, with sanitizers */
#define SELFTEST_WORDS 8 /* that a planted fault is shrunk to, at most */

enum {
    OPT_SEED = 256,
    OPT_CASES,
    OPT_CASE,
    OPT_TIME,
    OPT_ENGINES,
    OPT_WORDS,
    OPT_SELFTEST,
    OPT_MOVES
};

static const struct argp_option option_list[] = {
    {"seed", OPT_SEED, "N", 0, "Of all cases (1)", 0},
    {"cases", OPT_CASES, "N", 0, "How many (20000)", 0},
    {"case", OPT_CASE, "N", 0, "This one, and before it those of its epoch", 0},
    {"time", OPT_TIME, "SECONDS", 0, "At most", 0},
    {"engines", OPT_ENGINES, "A,B", 0, "interp, jit, units, cold, jit-units, jit-cold", 0},
    {"moves", OPT_MOVES, NULL, 0, "Stores of the guest may move a page to another frame", 0},
    {"words", OPT_WORDS, NULL, 0, "Each instruction by itself", 0},
    {"selftest", OPT_SELFTEST, NULL, 0, "Find the faults that are planted", 0},
    {0},
};

static void parse_engines(struct argp_state *state, struct options *o, const char *arg)
{
    char name[32];
    const char *comma = strchr(arg, ',');

    if (comma == NULL || comma - arg >= (ptrdiff_t)sizeof name)
        argp_error(state, "two engines, with a comma between");
    else {
        memcpy(name, arg, (size_t)(comma - arg));
        name[comma - arg] = 0;
        o->p.engines[0] = engine_find(name);
        o->p.engines[1] = engine_find(comma + 1);
    }
    for (int i = 0; i < 2; i++)
        if (o->p.engines[i] == NULL)
            argp_error(state, "no such engine in '%s'", arg);
        else if (!mips_engine_available(o->p.engines[i]->kind))
            argp_error(state, "engine %s does not exist on this host", o->p.engines[i]->name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    uint64_t number = 0;
    char *end = NULL;

    if (key >= OPT_SEED && key <= OPT_TIME) {
        number = strtoull(arg, &end, 0);
        if (end == arg || *end != 0)
            argp_error(state, "'%s' is no number", arg);
    }
    switch (key) {
    case OPT_SEED:
        o->p.seed = number;
        return 0;
    case OPT_CASES:
        o->cases = number;
        return 0;
    case OPT_CASE:
        o->only = number;
        o->one = true;
        return 0;
    case OPT_TIME:
        o->seconds = number;
        return 0;
    case OPT_ENGINES:
        parse_engines(state, o, arg);
        return 0;
    case OPT_WORDS:
        o->words = true;
        return 0;
    case OPT_MOVES:
        o->p.moves = true;
        return 0;
    case OPT_SELFTEST:
        o->selftest = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s'?", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static volatile sig_atomic_t case_now;

/* An engine that never comes back is a difference, too. */
static void stuck(int signal)
{
    char text[] = "stuck in case 0000000000: with --case it comes again\n";
    uint32_t n = (uint32_t)case_now;
    (void)signal;

    for (char *digit = strchr(text, ':') - 1; n != 0; n /= 10, digit--)
        *digit = (char)('0' + n % 10);
    if (write(STDOUT_FILENO, text, sizeof text - 1) < 0)
        _exit(2);
    _exit(1);
}

/* Cases `from` to `to`, until the first difference: its case is in *c then. */
static bool run_cases(struct options *o, uint64_t from, uint64_t to, struct eng_case *c)
{
    struct eng_finding f;
    time_t end = time(NULL) + (time_t)o->seconds;
    uint64_t n = from;
    bool same = true;

    while (n < to && same && !(o->seconds != 0 && time(NULL) >= end)) {
        alarm(STUCK_SECONDS);
        pair_open(&o->p, n);
        do {
            case_now = (sig_atomic_t)n;
            eng_generate(o->p.seed, n, c);
            same = pair_run(&o->p, c, &f);
            n++;
        } while (n < to && same && n % ENG_EPOCH != 0);
        for (int i = 0; i < 2; i++)
            o->blocks[i] += mips_get_stats(o->p.sides[i]->cpu).blocks_decoded;
        pair_close(&o->p);
    }
    alarm(0);
    o->done = n - from;
    return same;
}

static int run_random(struct options *o)
{
    static struct eng_case c;
    uint64_t from = o->one ? o->only / ENG_EPOCH * ENG_EPOCH : 0;
    bool same = run_cases(o, from, o->one ? o->only + 1 : o->cases, &c);

    printf("%" PRIu64 " cases, %" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64
           " blocks decoded by %s\n", o->done, o->p.runs, o->p.steps, o->blocks[0],
           o->p.engines[0]->name);
    if (same)
        return 0;
    shrink_and_print(&o->p, &c);
    return 1;
}

/* Each fault must be found, and shown in a few words. */
static int run_selftest(struct options *o)
{
    static struct eng_case c;
    int bad = 0;

    o->p.engines[0] = engine_find("interp");
    for (unsigned i = 0; engine_planted(i) != NULL; i++) {
        o->p.engines[1] = engine_planted(i);
        bool same = run_cases(o, 0, o->cases, &c);
        unsigned words = same ? 0 : shrink_and_print(&o->p, &c);
        if (same || words > SELFTEST_WORDS) {
            printf("%s: %s\n\n", o->p.engines[1]->name, same ? "not found" : "not small");
            bad = 1;
        } else {
            printf("%s: found in case %" PRIu64 "\n\n", o->p.engines[1]->name, c.number);
        }
    }
    return bad;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {option_list, parse, NULL,
                                     "Random code on two engines, which must do the same.", NULL,
                                     NULL, NULL};
    bool jit = mips_engine_available(MIPS_JIT);
    struct options o = {.p = {.seed = 1}, .cases = 20000};

    o.p.engines[0] = engine_find("interp");
    o.p.engines[1] = engine_find(jit ? "jit" : "units");
    argp_err_exit_status = 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    forms_init();
    signal(SIGALRM, stuck);
    printf("seed %" PRIu64 ", engines %s and %s\n", o.p.seed, o.p.engines[0]->name,
           o.p.engines[1]->name);
    if (o.words)
        return words_run(&o.p, WORD_ROUNDS) ? 0 : 1;
    return o.selftest ? run_selftest(&o) : run_random(&o);
}
