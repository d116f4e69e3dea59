/*
 * Each line of insn.def in a block by itself, run often: with random operands,
 * on each model and byte order. Which of them were executed without an
 * exception is noted: a line that never was is not tested.
 */
#include <stdio.h>

#include "mips/ops.h"
#include "tests/diff/engines.h"

#define CONFIGS 12 /* epochs until eng_config_of gives the first again */

/* Lines that are only found as their refinements, raise always, or (deret) need
 * an exception before. */
static bool never_executes(enum insn_id id)
{
    static const uint16_t list[] = {INSN_MOVCI,   INSN_MFMC0, INSN_MOVCF_S, INSN_MOVCF_D,
                                    INSN_SYSCALL, INSN_BREAK, INSN_SDBBP,   INSN_DERET};

    for (unsigned i = 0; i < ARRAY_LEN(list); i++)
        if (list[i] == id)
            return true;
    return id >= INSN_RESERVED;
}

/* The word, what may be its slot, and back. */
static void word_case(struct eng_pair *p, enum insn_id id, uint64_t number, unsigned round,
                      struct eng_case *c)
{
    static const uint8_t weights[GROUPS] = {255};
    struct eng_gen g = {.r = {p->seed ^ (number + id) << 24 ^ round}, .c = c, .base = 0x80000000,
                        .weights = weights, .chunks = {{ENG_CODE, 4}}, .n_chunks = 1};
    uint32_t w;

    *c = (struct eng_case){.number = number, .full = round % 8 == 0, .device = id};
    g.model = p->sides[0]->model;
    g.pa = ENG_CODE;
    do
        w = gen_word(&g, id);
    while (insn_find(w) != id && !never_executes(id));
    gen_put(&g, w);
    gen_put(&g, rng_below(&g.r, 2) ? 0 : gen_any_word(&g));
    gen_put(&g, 0x1000fffd); /* to the word */
    gen_put(&g, 0);
    c->n_own = c->n_puts;
    gen_handlers(&g);
    gen_state(&g);
    c->pc = g.base + ENG_CODE;
    if (rng_below(&g.r, 2))
        c->status = STATUS_CU0 | STATUS_CU1 | (c->status & STATUS_FR);
    c->data_pages = 0xff00;
    c->data_offset = rng_below(&g.r, ENG_POOL_SIZE / 2);
    c->actions[c->n_actions++] = (struct eng_action){ACT_RUN, 1, 0, 0};
    c->actions[c->n_actions++] = (struct eng_action){ACT_RUN, 140, 0, 0};
    c->actions[c->n_actions++] = (struct eng_action){ACT_RUN, 260, 0, 0};
}

/* Did the first unit end without an exception? */
static bool executed(const struct eng_side *s, uint64_t start)
{
    const struct event *first = &s->events[0];

    return s->events_dropped == 0 &&
           (s->n_events == 0 || first->step != start ||
            (first->kind != EVENT_EXCEPTION && first->kind != EVENT_REFILL &&
             first->kind != EVENT_SYSCALL && first->kind != EVENT_INTERRUPT));
}

static bool report(const bool *done)
{
    unsigned n = 0, missing = 0;

    for (unsigned id = 0; id < INSN_COUNT; id++) {
        n += done[id];
        if (done[id] || never_executes((enum insn_id)id))
            continue;
        printf("never executed without an exception: %s (%u)\n", insn_info[id].text, id);
        missing++;
    }
    printf("%u of %u lines were executed without an exception\n", n, (unsigned)INSN_COUNT);
    return missing == 0;
}

bool words_run(struct eng_pair *p, unsigned rounds)
{
    static struct eng_case c;
    bool done[INSN_COUNT] = {false}, same = true;
    struct eng_finding f;

    p->words = true;
    for (unsigned config = 0; config < CONFIGS && same; config++) {
        uint64_t number = (uint64_t)config * ENG_EPOCH;
        pair_open(p, number);
        for (unsigned i = 0; i < INSN_COUNT * rounds && same; i++) {
            enum insn_id id = (enum insn_id)(i / rounds);
            uint64_t start = mips_steps(p->sides[0]->cpu);
            word_case(p, id, number, i % rounds, &c);
            same = pair_run(p, &c, &f);
            done[id] |= insn_find(c.puts[0].w) == id && executed(p->sides[0], start);
        }
        pair_close(p);
    }
    if (!same)
        shrink_and_print(p, &c);
    return same && report(done);
}
