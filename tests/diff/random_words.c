/*
 * Random words as programs, in kernel and user mode, with random CP0 and TLB
 * contents: nothing a guest executes may crash the processor, and how a run is
 * cut into pieces may not change it.
 *
 * `diff_words WHOLE CUT` names the engines of two processors (default: both the
 * interpreter) that get the same memory and state. One runs each stretch at once,
 * the other in pieces: single units, short or long random pieces, and in some
 * rounds with breakpoints and watchpoints that it passes over. At each
 * stretch's end both must be at the same cycle, the first unit's end at or
 * after the one asked for, in the same state, with the same memory and events.
 * Interrupt lines change between stretches, sleep in `wait` is skipped.
 *
 * DISCO_TEST_SEED, DISCO_TEST_SCALE as everywhere. Meant to be run with
 * sanitizers, too.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/engine.h"
#include "tests/rng.h"
#include "tests/unit/mips_rig.h"

#define RAM      0x10000u
#define ROUNDS   400
#define STRETCH  500  /* cycles, at most */
#define STRETCHS 6

enum pieces { UNITS, SHORT, LONG, POINTS, PIECES };

struct round {
    struct rng r;
    struct rig *whole, *cut;
    enum pieces pieces;
    uint64_t seed;
};

/* ---- contents ---- */

static uint32_t random_instruction(struct rng *r)
{
    static const uint8_t primary[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 12, 13, 14, 15, 16,
                                      17, 19, 20, 21, 22, 23, 28, 31, 32, 33, 34, 35, 36, 37, 38,
                                      40, 41, 42, 43, 46, 47, 48, 49, 51, 53, 56, 57, 61};
    uint32_t w = (uint32_t)rng_next(r);
    uint32_t near = (rng_below(r, 32) - 16) & 0xffff;

    switch (rng_below(r, 8)) {
    case 0:
        return w;
    case 1:
        return w & 0x03fffe3f; /* SPECIAL */
    case 2:
    case 3:
        return w & 0x03ffffff;
    case 4: /* loads, stores and branches that do not go far */
        return (uint32_t)primary[rng_below(r, sizeof(primary))] << 26 | (w & 0x03ff0000) | near;
    case 5: /* COP0 and COP1 with the formats there are */
        return (16 + rng_below(r, 2)) << 26 | rng_below(r, 22) << 21 | (w & 0x1fffff);
    case 6: /* tlbwr, eret, wait, ... */
        return 0x42000000 | (rng_below(r, 4) ? rng_below(r, 64) : w & 0x01ffffff);
    default:
        return (uint32_t)primary[rng_below(r, sizeof(primary))] << 26 | (w & 0x03ffffff);
    }
}

static uint64_t random_value(struct rng *r)
{
    uint32_t v = (uint32_t)rng_next(r);

    switch (rng_below(r, 6)) {
    case 0:
        return sext32(v);
    case 1:
        return sext32(v >> rng_below(r, 32));
    case 2:
        return v & 0x1ffff; /* user space, see random_tlb */
    case 3:
        return sext32(0xa0000000 | (v & 0x1ffff));
    default:
        return sext32(0x80000000 | (v & (RAM - 4)));
    }
}

static void random_tlb(struct rng *r, struct mips *cpu)
{
    for (unsigned i = 0; i < cpu->model->tlb_entries; i++) {
        uint32_t v = (uint32_t)rng_next(r);
        cpu->tlb_mask[i] = rng_below(r, 8) ? 0 : 0x6000;
        cpu->tlb_vpn2[i] = (uint64_t)(i % 16) << 13 & ~(uint64_t)cpu->tlb_mask[i];
        cpu->tlb_asid[i] = rng_below(r, 2);
        cpu->tlb_global[i] = v >> 31;
        cpu->tlb_hidden[i] = rng_below(r, 8) == 0;
        for (int half = 0; half < 2; half++) /* frames in RAM, and a few behind it */
            cpu->tlb_lo[i][half] = (uint64_t)rng_below(r, 17) << 6 | rng_below(r, 64);
    }
}

/* Handlers that go on behind the instruction at fault or, often, elsewhere in
 * RAM; without them a run ends in a loop of exceptions. */
static void random_handlers(struct rng *r, struct rig *g, bool user)
{
    static const uint16_t vectors[] = {0, 0x180, 0x200};

    for (int i = 0; i < 3; i++) {
        static const uint16_t far[] = {0, 0x1c, 0xffc, 0xfffc};
        const uint32_t code[] = {
            0x401a7000,                             /* mfc0 $26, EPC */
            0x401b4800,                             /* mfc0 $27, Count */
            0x001bd800 | rng_below(r, 8) << 6,      /* sll $27, $27, n */
            0x337b0000 | far[rng_below(r, 4)],      /* andi $27, $27, n */
            0x035bd021,                             /* addu $26, $26, $27 */
            0x275a0004,                             /* addiu $26, $26, 4 */
            0x335afffc,                             /* andi $26, $26, 0xfffc */
            user ? 0x3c1b0000 : 0x3c1b8000,         /* lui $27, n */
            0x035bd025,                             /* or $26, $26, $27 */
            0x409a7000,                             /* mtc0 $26, EPC */
            0x42000018,                             /* eret */
        };
        rig_code(g, vectors[i], code, ARRAY_LEN(code));
    }
}

/* The same contents for the same numbers. */
static void fill(struct rig *g, struct rng r)
{
    struct mips *cpu = g->cpu;

    mips_reset(cpu);
    for (uint32_t pa = 0; pa < RAM; pa += 4)
        rig_put(g, pa, random_instruction(&r));
    for (unsigned i = 1; i < 32; i++)
        cpu->gpr[i] = random_value(&r);
    cpu->hi = random_value(&r);
    cpu->lo = random_value(&r);
    for (unsigned i = 0; i < 32; i++)
        cpu->fpr[i] = rng_next(&r);
    for (unsigned i = 0; i < C0_REGS; i++) {
        uint64_t v = random_value(&r);
        bool vectors = i == C0_EBASE || i == C0_INTCTL || i == C0_CAUSE || i == C0_DEBUG;
        if (i != C0_STATUS && cpu->c0_mask[i] && (!vectors || rng_below(&r, 16) == 0))
            cp0_write(cpu, i, v);
    }
    uint32_t status = (uint32_t)rng_next(&r) & 0xff19;
    if (rng_below(&r, 4))
        status |= 0x30000000;
    if (rng_below(&r, 2))
        status |= STATUS_FR;
    bool user = status & 0x10;
    if (rng_below(&r, 4)) /* else mostly a line that nobody lowers */
        status &= ~STATUS_IE;
    if (rng_below(&r, 8))
        random_handlers(&r, g, user);
    if (rng_below(&r, 32) == 0)
        status |= STATUS_EXL | STATUS_ERL | STATUS_BEV;
    cpu->c0[C0_STATUS] = 0;
    cp0_write(cpu, C0_STATUS, sext32(status));
    random_tlb(&r, cpu);
    cpu->pc = random_value(&r) & ~UINT64_C(3);
    g->io_answer = rng_next(&r);
    g->n_events = 0;
    g->events_dropped = 0;
    mips_state_loaded(cpu);
}

/* ---- running ---- */

static void fail(const struct round *t, const char *what)
{
    struct buf out = {0};

    printf("seed %" PRIu64 ", pieces %d: %s\n", t->seed, t->pieces, what);
    printf("  cycle %" PRIu64 " in one, %" PRIu64 " in pieces, pc %" PRIx64 "\n",
           mips_cycle(t->whole->cpu), mips_cycle(t->cut->cpu), mips_pc(t->cut->cpu));
    state_diff(mips_state, mips_state_object(t->whole->cpu), mips_state_object(t->cut->cpu), "  ",
               &out);
    printf("%.*s", (int)out.len, (const char *)out.data);
    exit(1);
}

/* Until cycle `end`, or just behind it. */
static void run_to(const struct round *t, struct rig *g, uint64_t end)
{
    bool pass = false;

    while (mips_cycle(g->cpu) < end) {
        uint64_t before = mips_cycle(g->cpu);
        enum mips_stop stop = mips_run(g->cpu, end, pass);
        uint64_t now = mips_cycle(g->cpu);

        pass = stop == MIPS_STOP_BREAK || stop == MIPS_STOP_WATCH;
        if (stop == MIPS_STOP_WAIT) {
            uint64_t wake = mips_timer_cycle(g->cpu);
            if (wake > end || wake <= now)
                wake = end;
            if (now < end)
                mips_skip(g->cpu, wake - now);
        } else if (stop == MIPS_STOP_LIMIT && (now < end || now > end + 1)) {
            fail(t, "not where it was asked to stop");
        } else if (stop == MIPS_STOP_REQUEST) {
            fail(t, "stopped for no reason");
        } else if (now < before) {
            fail(t, "time ran backward");
        }
    }
}

static void run_in_pieces(struct round *t, uint64_t end)
{
    static const uint32_t longest[PIECES] = {1, 20, 700, 300};
    struct mips *cpu = t->cut->cpu;

    while (mips_cycle(cpu) < end) {
        uint64_t to = mips_cycle(cpu) + 1 + rng_below(&t->r, longest[t->pieces]);
        run_to(t, t->cut, to < end ? to : end);
    }
}

static void set_points(struct round *t)
{
    uint64_t breaks[20];
    struct mips_watch watch[2];

    for (int i = 0; i < 20; i++)
        breaks[i] = random_value(&t->r) & ~UINT64_C(3);
    for (int i = 0; i < 2; i++)
        watch[i] = (struct mips_watch){random_value(&t->r) & 0x1fffffff, 1 + rng_below(&t->r, 64),
                                       (uint8_t)(1 + rng_below(&t->r, 3))};
    bool on = t->pieces == POINTS;
    mips_set_points(t->cut->cpu, breaks, on ? 20 : 0, watch, on ? 2 : 0);
}

static void compare(const struct round *t)
{
    const struct rig *a = t->whole, *b = t->cut;

    if (state_hash(mips_state, mips_state_object(a->cpu), 0) !=
        state_hash(mips_state, mips_state_object(b->cpu), 0))
        fail(t, "states differ");
    if (memcmp(a->ram, b->ram, RAM) != 0)
        fail(t, "memories differ");
    if (a->events_dropped != b->events_dropped || a->n_events != b->n_events)
        fail(t, "numbers of events differ");
    for (unsigned i = 0; i < a->n_events; i++)
        if (!event_equal(&a->events[i], &b->events[i]))
            fail(t, "events differ");
}

static uint64_t run_round(struct round *t)
{
    struct rng contents = {rng_next(&t->r)};

    fill(t->whole, contents);
    fill(t->cut, contents);
    /* Counters go on over a reset; both have run equally far. */
    uint64_t start = mips_steps(t->whole->cpu);
    t->pieces = rng_below(&t->r, PIECES);
    set_points(t);
    for (int i = 0; i < STRETCHS; i++) {
        uint64_t end = mips_cycle(t->whole->cpu) + 1 + rng_below(&t->r, STRETCH);
        unsigned line = rng_below(&t->r, 6);
        bool level = rng_below(&t->r, 2);

        run_to(t, t->whole, end);
        run_in_pieces(t, end);
        compare(t);
        mips_set_irq(t->whole->cpu, line, level);
        mips_set_irq(t->cut->cpu, line, level);
    }
    return mips_steps(t->whole->cpu) - start;
}

static struct rig *create(const char *model, bool big, enum mips_engine engine)
{
    rig_engine = engine;
    return rig_create(model, big, RAM);
}

int main(int argc, char **argv)
{
    static const char *const models[] = {"24Kf", "P5600", "4Kc", "34Kf"};
    enum mips_engine whole = test_engine_named(argc > 1 ? argv[1] : "interp");
    enum mips_engine cut = test_engine_named(argc > 2 ? argv[2] : "interp");
    uint64_t seed = rng_env("DISCO_TEST_SEED", 1), scale = rng_env("DISCO_TEST_SCALE", 1);
    uint64_t steps = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%s and in pieces %s, seed %" PRIu64 "\n", test_engine_names[whole],
           test_engine_names[cut], seed);
    for (unsigned m = 0; m < 2 * ARRAY_LEN(models); m++) {
        struct round t = {.r = {seed ^ (uint64_t)m << 40}, .seed = seed,
                          .whole = create(models[m / 2], m & 1, whole),
                          .cut = create(models[m / 2], m & 1, cut)};
        for (uint64_t i = 0; i < ROUNDS * scale; i++)
            steps += run_round(&t);
        rig_destroy(t.whole);
        rig_destroy(t.cut);
    }
    printf("%" PRIu64 " steps, each in one piece and in many\n", steps);
    return 0;
}
