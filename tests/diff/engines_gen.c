/* A case from its number: profile of instructions, initial state, script. */
#include <string.h>

#include "mips/ops.h"
#include "tests/diff/engines.h"

/* ALU MEM FLOW TRAP FP FPMEM FPMOVE CP0, in 256ths; the rest is reserved words. */
static const uint8_t profiles[][GROUPS] = {
    {150, 50, 40, 2, 2, 2, 2, 4, 0},
    {60, 150, 36, 2, 2, 2, 1, 2, 0},
    {110, 40, 90, 2, 2, 1, 4, 4, 0},
    {30, 10, 14, 1, 140, 36, 24, 1, 0},
    {12, 4, 10, 0, 200, 14, 16, 0, 0},
    {60, 60, 40, 8, 8, 8, 8, 50, 0},
    {90, 60, 30, 20, 14, 10, 10, 16, 0},
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    struct rng r = {a ^ b * 0x9e3779b97f4a7c15};

    return rng_next(&r);
}

struct eng_config eng_config_of(uint64_t seed, uint64_t number)
{
    static const char *const models[] = {"24Kf", "P5600", "24Kf", "P5600", "24Kc", "4Kc"};
    uint64_t epoch = number / ENG_EPOCH;
    (void)seed;

    return (struct eng_config){models[epoch / 2 % ARRAY_LEN(models)], epoch & 1};
}

static void choose_place(struct eng_gen *g)
{
    g->user = rng_below(&g->r, 4) == 0;
    switch (rng_below(&g->r, 8)) {
    case 0:
        g->base = 0xa0000000;
        break;
    case 1:
        g->base = ENG_USEG - ENG_CODE;
        break;
    case 2:
        g->base = ENG_KSEG2 - ENG_CODE;
        break;
    default:
        g->base = 0x80000000;
    }
    if (g->user)
        g->base = ENG_USEG - ENG_CODE;
}

static void choose_registers(struct eng_gen *g)
{
    struct eng_case *c = g->c;

    for (unsigned i = 1; i < 32; i++)
        c->gpr[i] = (i >= 16 && i < 24) || (i >= 28 && i < 31) ? gen_pointer(&g->r)
                                                               : gen_integer(&g->r);
    c->gpr[15] = rng_below(&g->r, 40);
    c->gpr[24] = gen_chunk_address(g);
    c->gpr[25] = gen_chunk_address(g);
    c->gpr[31] = gen_chunk_address(g);
    if (rng_below(&g->r, 24) == 0)
        c->gpr[25] += rng_below(&g->r, 4);
    if (rng_below(&g->r, 24) == 0)
        c->gpr[24] = gen_pointer(&g->r);
    c->hi = gen_integer(&g->r);
    c->lo = gen_integer(&g->r);
    for (unsigned i = 0; i < 32; i++)
        c->fpr[i] = gen_float(&g->r);
    c->fcsr = gen_fcsr(g);
    c->base = g->base;
    c->pc = g->base + g->chunks[0].pa;
    if (rng_below(&g->r, 64) == 0)
        c->pc = gen_pointer(&g->r);
}

/* Those that decide where exceptions go come always, Status last. */
static void choose_c0(struct eng_gen *g)
{
    static const uint8_t always[] = {C0_EBASE,    C0_CAUSE,    C0_INTCTL,   C0_EPC,
                                     C0_ERROREPC, C0_DEPC,     C0_ENTRYHI,  C0_ENTRYLO0,
                                     C0_ENTRYLO1, C0_WATCHLO0, C0_WATCHLO1, C0_WATCHLO2,
                                     C0_WATCHLO3, C0_PAGEMASK};
    struct eng_case *c = g->c;
    bool watch = rng_below(&g->r, 24) == 0;

    for (unsigned i = 0; i < ARRAY_LEN(always); i++) {
        bool off = always[i] >= C0_WATCHLO0 && always[i] <= C0_WATCHLO3 && !watch;
        uint32_t v = off ? 0 : gen_c0_value(g, always[i]);
        c->c0[c->n_c0++] = (struct eng_c0){always[i], v};
    }
    while (c->n_c0 < ENG_C0) {
        unsigned index = rng_below(&g->r, C0_REGS);
        bool special = index == C0_STATUS || (index >= C0_WATCHLO0 && index <= C0_WATCHLO3);
        if (!special && index != C0_COUNT && index != C0_COMPARE)
            c->c0[c->n_c0++] = (struct eng_c0){(uint8_t)index, gen_c0_value(g, index)};
    }
    c->status = gen_c0_value(g, C0_STATUS);
}

/* The first pairs map the code, so that programs in mapped space get going. */
static void choose_tlb(struct eng_gen *g)
{
    struct rng *r = &g->r;
    unsigned n = g->model->tlb_entries;

    for (unsigned i = 0; i < n; i++) {
        struct mips_tlb_entry *e = &g->c->tlb[i];
        uint32_t area = i / 3 % 2 ? ENG_KSEG2 : ENG_USEG;
        uint32_t pair = i < 6 ? i % 3 : rng_below(r, ENG_MAP_PAGES / 2);
        uint32_t pfn = (ENG_CODE >> PAGE_BITS) + 2 * pair;

        e->mask = i >= 6 && rng_below(r, 8) == 0 ? (rng_below(r, 2) ? 0x6000 : 0x1e000) : 0;
        e->vpn2 = sext32((area + (pair << 13)) & ~e->mask);
        e->asid = i < 6 ? g->c->c0[6].value & 0xff : rng_below(r, 3);
        for (unsigned half = 0; half < 2; half++)
            e->lo[half] = gen_entry_lo(r, i < 6 ? pfn + half : gen_pfn(r)) |
                          (i < 6 && rng_below(r, 8) ? 6 : 0);
        e->global = rng_below(r, 3) == 0;
        e->hidden = rng_below(r, 12) == 0;
    }
}

static uint32_t some_pa(struct eng_gen *g)
{
    if (rng_below(&g->r, 3))
        return gen_chunk_address(g) - g->base;
    return rng_below(&g->r, ENG_PAGES * 1024) * 4;
}

static struct eng_action random_action(struct eng_gen *g)
{
    struct rng *r = &g->r;
    uint32_t page = rng_below(r, ENG_PAGES);

    if (rng_below(r, 2))
        page = (some_pa(g) >> PAGE_BITS) % ENG_PAGES;
    switch (rng_below(r, 16)) {
    case 0:
    case 1:
    case 2:
        return (struct eng_action){ACT_IRQ, rng_below(r, 6), rng_below(r, 3) != 0, 0};
    case 3:
    case 4:
    case 5:
        return (struct eng_action){ACT_POKE, some_pa(g), gen_any_word(g), 0};
    case 6:
        return (struct eng_action){ACT_DMA, some_pa(g), 1 + rng_below(r, 64),
                                   rng_below(r, ENG_POOL_SIZE - 64)};
    case 7:
        return (struct eng_action){ACT_FLUSH, 0, 0, 0};
    case 8:
        return (struct eng_action){ACT_CHANGED, page, 0, 0};
    case 9:
        return (struct eng_action){ACT_MOVE, page, 0, 0};
    case 10:
        return (struct eng_action){ACT_SHARE, page, 0, 0};
    case 11:
        return (struct eng_action){ACT_POINTS, 0, rng_below(r, 4) != 0, 0};
    case 12:
    case 13:
        return (struct eng_action){ACT_REG, 1 + rng_below(r, 71), gen_pointer(r), 0};
    case 14:
        return (struct eng_action){ACT_TIMER, 1 + rng_below(r, 200), 0, 0};
    default:
        return (struct eng_action){rng_below(r, 8) ? ACT_NONE : ACT_RESET, 0, 0, 0};
    }
}

static uint32_t run_length(struct rng *r)
{
    switch (rng_below(r, 8)) {
    case 0:
        return 1 + rng_below(r, 3);
    case 1:
    case 2:
    case 3:
        return 1 + rng_below(r, 200);
    case 4:
        return 400 + rng_below(r, 1600);
    default:
        return 130 + rng_below(r, 300);
    }
}

static void choose_script(struct eng_gen *g)
{
    struct eng_case *c = g->c;
    unsigned runs = 1 + rng_below(&g->r, 5);
    bool points = rng_below(&g->r, 8) == 0;

    if (rng_below(&g->r, 3) == 0)
        c->actions[c->n_actions++] =
            (struct eng_action){ACT_TIMER, 1 + rng_below(&g->r, 300), 0, 0};
    if (points)
        c->actions[c->n_actions++] = (struct eng_action){ACT_POINTS, 0, 1, 0};
    for (unsigned i = 0; i < runs; i++) {
        c->actions[c->n_actions++] = (struct eng_action){ACT_RUN, run_length(&g->r), 0, 0};
        for (unsigned k = rng_below(&g->r, 3); k > 0 && i + 1 < runs; k--) {
            struct eng_action a = random_action(g);
            if (a.kind != ACT_POINTS || points) /* they drop all code */
                c->actions[c->n_actions++] = a;
        }
    }
    c->n_breaks = rng_below(&g->r, ENG_POINTS);
    c->n_watches = rng_below(&g->r, 3);
    for (unsigned i = 0; i < c->n_breaks; i++)
        c->breaks[i] = sext32(gen_chunk_address(g));
    for (unsigned i = 0; i < c->n_watches; i++)
        c->watches[i] = (struct mips_watch){gen_pointer(&g->r) & 0x1fffffff, 1 + rng_below(&g->r, 64),
                                            (uint8_t)(1 + rng_below(&g->r, 3))};
}

void gen_state(struct eng_gen *g)
{
    choose_registers(g);
    choose_c0(g);
    if (g->c->full)
        choose_tlb(g);
}

void eng_generate(uint64_t seed, uint64_t number, struct eng_case *c)
{
    struct eng_gen g = {.r = {mix(seed, number)}, .c = c};

    c->number = number;
    c->n_c0 = c->n_puts = c->n_actions = 0;
    g.model = mips_model_find(eng_config_of(seed, number).model);
    do
        g.weights = profiles[rng_below(&g.r, ARRAY_LEN(profiles))];
    while (g.model->fcr0 == 0 && g.weights[GROUP_FP] > 100 && rng_below(&g.r, 8));
    choose_place(&g);
    gen_code(&g);
    gen_handlers(&g);
    c->full = number % ENG_EPOCH == 0 || rng_below(&g.r, 8) == 0;
    gen_state(&g);
    choose_script(&g);
    c->data_pages = (uint32_t)rng_next(&g.r) & (uint32_t)rng_next(&g.r) & ~0xffu;
    c->data_offset = rng_below(&g.r, ENG_POOL_SIZE - (uint32_t)PAGE_SIZE * ENG_PAGES);
    c->device = (uint32_t)rng_next(&g.r);
}
