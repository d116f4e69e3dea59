/* Two sides in step: run, stop, compare. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/state.h"
#include "tests/diff/engines.h"

void pair_open(struct eng_pair *p, uint64_t number)
{
    struct eng_config config = eng_config_of(p->seed, number);

    for (int i = 0; i < 2; i++) {
        p->sides[i] = side_create(p->engines[i], &config);
        p->sides[i]->moves = p->moves;
    }
}

void pair_close(struct eng_pair *p)
{
    for (int i = 0; i < 2; i++)
        side_destroy(p->sides[i]);
}

static bool same_state(const struct eng_pair *p, struct eng_finding *f)
{
    const char *a = mips_state_object(p->sides[0]->cpu), *b = mips_state_object(p->sides[1]->cpu);
    struct buf text = {0};
    const struct state_field *t = mips_state;

    while (t->name != NULL &&
           memcmp(a + t->offset, b + t->offset, (size_t)t->width * t->count) == 0)
        t++;
    if (t->name == NULL)
        return true;
    state_diff(mips_state, a, b, "  ", &text);
    snprintf(f->what, sizeof f->what, "%s", buf_cstr(&text) + 2);
    char *last = strrchr(f->what, '\n'); /* whole lines only */
    if (last != NULL)
        *last = 0;
    buf_free(&text);
    return false;
}

static bool same_memory(const struct eng_pair *p, struct eng_finding *f)
{
    const struct eng_side *a = p->sides[0], *b = p->sides[1];
    uint32_t dirty = a->dirty | b->dirty;

    if (memcmp(a->pmap, b->pmap, sizeof a->pmap) != 0) {
        snprintf(f->what, sizeof f->what, "physical pages were moved on one side only");
        return false;
    }
    for (uint32_t page = 0; page < ENG_PAGES; page++) {
        if (!(dirty >> page & 1) ||
            memcmp(side_ram(a, page), side_ram(b, page), PAGE_SIZE) == 0)
            continue;
        unsigned at = 0;
        while (side_ram(a, page)[at] == side_ram(b, page)[at])
            at++;
        snprintf(f->what, sizeof f->what, "memory at %#x: %02x != %02x",
                 (unsigned)(page * PAGE_SIZE + at), side_ram(a, page)[at], side_ram(b, page)[at]);
        return false;
    }
    return true;
}

static bool same_events(const struct eng_pair *p, struct eng_finding *f)
{
    const struct eng_side *a = p->sides[0], *b = p->sides[1];
    unsigned na = a->n_events, nb = b->n_events;
    char text[2][160] = {"none", "none"};

    for (unsigned i = 0; i < na || i < nb; i++) {
        if (i < na && i < nb && event_equal(&a->events[i], &b->events[i]))
            continue;
        if (i < na)
            event_print(text[0], sizeof text[0], &a->events[i]);
        if (i < nb)
            event_print(text[1], sizeof text[1], &b->events[i]);
        snprintf(f->what, sizeof f->what, "event %u: %.70s != %.70s", i, text[0], text[1]);
        return false;
    }
    return a->events_dropped == b->events_dropped;
}

static bool same_devices(const struct eng_pair *p, struct eng_finding *f)
{
    const struct eng_io *a = p->sides[0]->io, *b = p->sides[1]->io;
    unsigned na = p->sides[0]->n_io, nb = p->sides[1]->n_io, i = 0;

    if (na == nb && memcmp(a, b, na * sizeof *a) == 0)
        return true;
    while (i < na && i < nb && memcmp(&a[i], &b[i], sizeof *a) == 0)
        i++;
    if (i == na || i == nb)
        snprintf(f->what, sizeof f->what, "device accesses: %u != %u", na, nb);
    else
        snprintf(f->what, sizeof f->what,
                 "device access %u: cycle %" PRIu64 " pc %" PRIx64 " pa %" PRIx64 " %s%u %" PRIx64
                 " != cycle %" PRIu64 " pc %" PRIx64 " pa %" PRIx64 " %s%u %" PRIx64,
                 i, a[i].cycle, a[i].pc, a[i].pa, a[i].how & 16 ? "write" : "read",
                 (unsigned)a[i].how & 15, a[i].value, b[i].cycle, b[i].pc, b[i].pa,
                 b[i].how & 16 ? "write" : "read", (unsigned)b[i].how & 15, b[i].value);
    return false;
}

static bool same_all(const struct eng_pair *p, struct eng_finding *f)
{
    return same_state(p, f) && same_devices(p, f) && same_events(p, f) && same_memory(p, f);
}

static bool same_stop(struct eng_pair *p, const enum mips_stop stop[2], struct eng_finding *f)
{
    static const char *const names[] = {"limit", "wait", "request", "break", "watch"};
    struct mips_hit a = mips_last_hit(p->sides[0]->cpu), b = mips_last_hit(p->sides[1]->cpu);

    if (stop[0] != stop[1]) {
        snprintf(f->what, sizeof f->what,
                 "stop for %s at pc %" PRIx64 " != for %s at pc %" PRIx64, names[stop[0]],
                 mips_pc(p->sides[0]->cpu), names[stop[1]], mips_pc(p->sides[1]->cpu));
        return false;
    }
    if (stop[0] == MIPS_STOP_WATCH && (a.va != b.va || a.size != b.size || a.access != b.access)) {
        snprintf(f->what, sizeof f->what, "hit: %" PRIx64 " %u %u != %" PRIx64 " %u %u", a.va,
                 a.size, a.access, b.va, b.size, b.access);
        return false;
    }
    return p->strict ? same_all(p, f) : same_state(p, f);
}

/* Both are in the same state here. */
static void skip_wait(struct eng_pair *p, uint64_t until)
{
    uint64_t now = mips_cycle(p->sides[0]->cpu), wake = mips_timer_cycle(p->sides[0]->cpu);

    for (int i = 0; i < 2 && now < until; i++)
        mips_skip(p->sides[i]->cpu, (wake > now && wake < until ? wake : until) - now);
}

static bool run_slice(struct eng_pair *p, uint32_t cycles, struct eng_finding *f)
{
    uint64_t until = mips_cycle(p->sides[0]->cpu) + cycles;
    bool pass = false;

    for (uint32_t stops = 0; mips_cycle(p->sides[0]->cpu) < until; stops++) {
        enum mips_stop stop[2];

        for (int i = 0; i < 2; i++)
            stop[i] = side_run(p->sides[i], until, pass);
        p->runs++;
        if (!same_stop(p, stop, f))
            return false;
        uint64_t now = mips_cycle(p->sides[0]->cpu);
        if (stop[0] == MIPS_STOP_LIMIT && (now < until || now > until + 1)) {
            snprintf(f->what, sizeof f->what, "both at cycle %" PRIu64 ", asked for %" PRIu64, now,
                     until);
            return false;
        }
        if (stops > 4 * cycles + 16) {
            snprintf(f->what, sizeof f->what, "both stop for ever at cycle %" PRIu64, now);
            return false;
        }
        pass = stop[0] == MIPS_STOP_BREAK || stop[0] == MIPS_STOP_WATCH;
        if (stop[0] == MIPS_STOP_WAIT)
            skip_wait(p, until);
    }
    return true;
}

bool pair_run(struct eng_pair *p, const struct eng_case *c, struct eng_finding *f)
{
    uint64_t start = mips_steps(p->sides[0]->cpu);

    for (int i = 0; i < 2; i++)
        side_prepare(p->sides[i], c);
    f->what[0] = 0;
    f->action = 0;
    if (!same_state(p, f)) /* what preparing did may depend on what was left */
        return false;
    for (unsigned i = 0; i < c->n_actions; i++) {
        const struct eng_action *a = &c->actions[i];

        f->action = i;
        for (int k = 0; k < 2 && a->kind != ACT_RUN; k++)
            side_act(p->sides[k], c, a);
        if (a->kind == ACT_RUN ? !run_slice(p, a->a, f) : p->strict && !same_all(p, f))
            return false;
    }
    p->steps += mips_steps(p->sides[0]->cpu) - start;
    return same_all(p, f);
}
