/*
 * The forecast of events (see batch_model.h; the rules: trace.proto).
 *
 * A kernel runs the same paths all the time: after `di` at one pc comes `ei`
 * at another, so many steps later, with the same argument as last time. The
 * model therefore learns moves from site to site in contexts of three depths
 * (the last four moves, the last two, the last site) and codes a move by the
 * first that foretells it. In a boot of Linux nearly all codes are 0, and zstd
 * turns long runs of zeros into nothing.
 *
 * A TLB refill can come anywhere and has nothing to do with the path on which
 * it comes. So the handler is foretold from the fact alone that it runs, and
 * when it is done, the path goes on where it was.
 *
 * Everything here must be the same function of the events before in encoder
 * and decoder, on every host: no iteration over hash tables, no host types.
 * No number in it comes from a file unchecked: sites and kinds are checked by
 * the decoder before they get here.
 */
#include "traces/batch_model.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

struct batch_model *batch_model_create(void)
{
    struct batch_model *m = xcalloc(1, sizeof *m);
    m->sites = xcalloc(BATCH_EVENTS_MAX, sizeof *m->sites);
    batch_model_reset(m);
    return m;
}

/* Back to none; only what was used of the big tables is touched. */
static void forget_sites(struct batch_model *m)
{
    for (uint32_t i = 0; i < m->sites_count; i++) {
        m->site_hash[m->sites[i].slot] = 0;
        free(m->sites[i].moves);
        free(m->sites[i].values);
    }
    for (uint32_t i = 0; i < m->cpus_count; i++)
        m->cpu_index[m->cpus[i].cpu] = 0;
    free(m->start.moves);
    m->start = (struct batch_site){0};
    m->sites_count = m->cpus_count = 0;
}

void batch_model_destroy(struct batch_model *m)
{
    if (m == NULL)
        return;
    forget_sites(m);
    free(m->sites);
    free(m->cpus);
    free(m);
}

void batch_model_reset(struct batch_model *m)
{
    forget_sites(m);
    if (++m->batch == 0) { /* entries of 2^32 batches ago look like new ones */
        memset(m->tlb, 0, sizeof m->tlb);
        m->batch = 1;
    }
    memset(m->last_arg, 0, sizeof m->last_arg);
    memset(m->deep_table, 0, sizeof m->deep_table);
    memset(m->short_table, 0, sizeof m->short_table);
    m->context = (struct batch_context){.site = &m->start};
    m->deep_entry = m->short_entry = 0;
}

static uint32_t site_slot(unsigned kind, unsigned cpu, uint64_t pc)
{
    uint64_t h = (pc + ((uint64_t)cpu << 8 | kind) * BATCH_MIX) * BATCH_GOLDEN;
    return (uint32_t)(h >> 40) & (BATCH_SITE_HASH - 1);
}

/* The number of a cpu in the list. */
static uint32_t cpu_number(struct batch_model *m, unsigned cpu)
{
    if (m->cpu_index[cpu] == 0) {
        if (m->cpus_count == m->cpus_cap) {
            m->cpus_cap = m->cpus_cap == 0 ? 4 : 2 * m->cpus_cap;
            m->cpus = xrealloc(m->cpus, m->cpus_cap * sizeof *m->cpus);
        }
        m->cpus[m->cpus_count++] = (struct batch_cpu){.cpu = (uint16_t)cpu, .slot_low = UINT8_MAX};
        m->cpu_index[cpu] = m->cpus_count;
    }
    return m->cpu_index[cpu] - 1;
}

uint32_t batch_model_add_site(struct batch_model *m, unsigned kind, unsigned cpu, uint64_t pc)
{
    uint32_t slot = site_slot(kind, cpu, pc);
    while (m->site_hash[slot] != 0)
        slot = (slot + 1) & (BATCH_SITE_HASH - 1);
    uint32_t site = m->sites_count++;
    m->site_hash[slot] = site + 1;
    m->sites[site] = (struct batch_site){
        .pc = pc,
        .cpu = (uint16_t)cpu,
        .number = cpu_number(m, cpu),
        .slot = slot,
        .kind = (uint8_t)kind,
        .values = xcalloc(event_info[kind].args, sizeof *m->sites[site].values),
    };
    return site;
}

uint32_t batch_model_search_site(const struct batch_model *m, const struct event *ev)
{
    uint32_t slot = site_slot(ev->kind, ev->vm * 256u + ev->vcpu, ev->pc);
    for (; m->site_hash[slot] != 0; slot = (slot + 1) & (BATCH_SITE_HASH - 1))
        if (batch_site_is(&m->sites[m->site_hash[slot] - 1], ev))
            return m->site_hash[slot] - 1;
    return UINT32_MAX;
}

/* Index of a move in a site's list, or moves_count. */
static unsigned moves_find(const struct batch_site *s, batch_move move)
{
    unsigned i = 0;
    while (i < s->moves_count && s->moves[i] != move)
        i++;
    return i;
}

unsigned batch_model_search_code(const struct batch_model *m, batch_move move)
{
    if (m->short_table[m->short_entry] == move)
        return BATCH_PATH_SHORT;
    const struct batch_site *s = m->context.site;
    unsigned i = moves_find(s, move);
    return i < s->moves_count ? BATCH_PATH_LIST + i : BATCH_PATH_NONE;
}

/* `code` says where in the list the move is. */
static void moves_to_front(struct batch_site *s, batch_move move, unsigned code)
{
    unsigned i = code - BATCH_PATH_LIST;
    if (code == BATCH_PATH_NONE) {
        if (s->moves_count == s->moves_cap && s->moves_cap < BATCH_MOVES_MAX) {
            unsigned cap = s->moves_cap == 0 ? 2 : 2u * s->moves_cap;
            s->moves_cap = (uint8_t)(cap < BATCH_MOVES_MAX ? cap : BATCH_MOVES_MAX);
            s->moves = xrealloc(s->moves, s->moves_cap * sizeof *s->moves);
        }
        if (s->moves_count < s->moves_cap)
            s->moves_count++;
        i = s->moves_count - 1u; /* a full list loses its last */
    }
    memmove(s->moves + 1, s->moves, i * sizeof *s->moves);
    s->moves[0] = move;
}

/* A move that a context foretold is no news to it, nor to those that are asked after it: they are
 * for what is rare. */
void batch_model_learn(struct batch_model *m, batch_move move, unsigned code)
{
    m->deep_table[m->deep_entry] = move;
    if (code == BATCH_PATH_SHORT)
        return;
    m->short_table[m->short_entry] = move;
    moves_to_front(m->context.site, move, code);
}

/* ---- TLB refills ---- */

static uint32_t tlb_slot(uint32_t number, uint64_t entryhi)
{
    return (uint32_t)((entryhi + number) * BATCH_GOLDEN >> (64 - BATCH_TLB_HASH_BITS));
}

static uint64_t entryhi_forecast(const struct batch_cpu *c)
{
    return (c->badvaddr & ~UINT64_C(0x1fff)) | (c->tlb_last[1] & 0x1fff);
}

void batch_model_refill(struct batch_model *m, struct batch_cpu *c)
{
    struct batch_context *now = &m->context;
    if (!c->refilling)
        c->before = *now;
    c->refilling = true;
    __builtin_prefetch(&m->tlb[tlb_slot((uint32_t)(c - m->cpus), entryhi_forecast(c))], 1);
    uint64_t hash = batch_move_hash(batch_move_of(0, c->cpu));
    now->deep = 0;
    for (unsigned i = 0; i < BATCH_DEEP_MOVES; i++) {
        now->history[i] = hash;
        now->deep ^= batch_rotate(hash, 16 * i);
    }
    batch_model_look(m);
}

void batch_model_refilled(struct batch_model *m, struct batch_cpu *c)
{
    m->context = c->before;
    c->refilling = false;
    batch_model_look(m);
}

/* Of tlb-write's argument 0; bit 16: it was a tlbwr, whose entry follows from the step if the size
 * of the TLB is known. */
static uint64_t slot_forecast(const struct batch_cpu *c, uint64_t step)
{
    uint64_t last = c->tlb_last[0];
    if (!(last & 0x10000))
        return last;
    uint32_t high = 15;
    while (high < c->slot_high)
        high = 2 * high + 1;
    return (last & ~UINT64_C(0xff)) |
           (c->slot_low + splitmix64_below(0, step, high + 1 - c->slot_low));
}

uint64_t batch_model_tlb_forecast(struct batch_model *m, const struct batch_site *site,
                                  const struct event *ev, unsigned i)
{
    const struct batch_cpu *c = &m->cpus[site->number];
    const uint64_t *last = c->tlb_last;
    if (i == 0)
        return slot_forecast(c, ev->step);
    if (i == 1)
        return entryhi_forecast(c);
    if (i == 2) {
        const struct batch_tlb_entry *t = &m->tlb[tlb_slot(site->number, ev->arg[1])];
        bool known = t->batch == m->batch && t->number == site->number && t->arg[1] == ev->arg[1];
        m->tlb_before = known ? t : NULL;
    }
    if (m->tlb_before != NULL)
        return m->tlb_before->arg[i];
    return i < 4 ? last[i] : last[i] + (ev->arg[i - 2] >> 6) - (last[i - 2] >> 6);
}

void batch_model_tlb_write(struct batch_model *m, const struct batch_site *site,
                           const struct event *ev)
{
    struct batch_cpu *c = &m->cpus[site->number];
    struct batch_tlb_entry *t = &m->tlb[tlb_slot(site->number, ev->arg[1])];
    t->batch = m->batch;
    t->number = site->number;
    memcpy(t->arg, ev->arg, sizeof t->arg);
    memcpy(c->tlb_last, ev->arg, sizeof c->tlb_last);
    uint8_t slot = (uint8_t)ev->arg[0];
    if (!(ev->arg[0] & 0x10000))
        return;
    if (slot < c->slot_low)
        c->slot_low = slot;
    if (slot > c->slot_high)
        c->slot_high = slot;
}

/* ---- arguments ---- */

bool batch_model_value(const struct batch_site *site, unsigned i, unsigned rank, uint64_t *value)
{
    const struct batch_values *v = &site->values[i];
    if (rank < BATCH_RANK_LIST || rank - BATCH_RANK_LIST >= v->count)
        return false;
    *value = v->value[rank - BATCH_RANK_LIST];
    return true;
}

void batch_model_new_value(struct batch_values *v, uint64_t value)
{
    uint32_t k = 0;
    while (k < v->count && v->value[k] != value)
        k++;
    if (k == v->count) {
        if (v->count < BATCH_VALUES_MAX)
            v->count++;
        k = v->count - 1;
    }
    memmove(v->value + 1, v->value, k * sizeof v->value[0]);
    v->value[0] = value;
}

void batch_return_push(struct batch_cpu *c, uint64_t pc)
{
    if (c->returns_count == BATCH_RETURNS_MAX) {
        memmove(c->returns, c->returns + 1, (BATCH_RETURNS_MAX - 1) * sizeof c->returns[0]);
        c->returns_count--;
    }
    c->returns[c->returns_count++] = pc;
}
