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

static void sites_free(struct batch_model *m)
{
    for (uint32_t i = 0; i < m->sites_count; i++) {
        free(m->sites[i].moves);
        free(m->sites[i].values);
    }
    free(m->start.moves);
}

void batch_model_destroy(struct batch_model *m)
{
    if (m == NULL)
        return;
    sites_free(m);
    free(m->sites);
    free(m->cpus);
    free(m);
}

void batch_model_reset(struct batch_model *m)
{
    sites_free(m);
    struct batch_site *sites = m->sites;
    struct batch_cpu *cpus = m->cpus;
    uint32_t cpus_cap = m->cpus_cap;
    memset(m, 0, sizeof *m);
    m->sites = sites;
    m->cpus = cpus;
    m->cpus_cap = cpus_cap;
    m->last_site = &m->start;
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
        m->cpus[m->cpus_count++] = (struct batch_cpu){0};
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
static unsigned moves_find(const struct batch_site *s, struct batch_move move)
{
    unsigned i = 0;
    while (i < s->moves_count && !batch_move_equal(s->moves[i], move))
        i++;
    return i;
}

unsigned batch_model_search_code(const struct batch_model *m, struct batch_move move)
{
    if (batch_move_equal(m->short_table[m->short_entry], move))
        return BATCH_PATH_SHORT;
    unsigned i = moves_find(m->last_site, move);
    return i < m->last_site->moves_count ? BATCH_PATH_LIST + i : BATCH_PATH_NONE;
}

static void moves_to_front(struct batch_site *s, struct batch_move move)
{
    unsigned i = moves_find(s, move);
    if (i == s->moves_count) {
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
void batch_model_learn(struct batch_model *m, struct batch_move move, unsigned code)
{
    m->deep_table[m->deep_entry] = move;
    if (code == BATCH_PATH_SHORT)
        return;
    m->short_table[m->short_entry] = move;
    moves_to_front(m->last_site, move);
}

static uint32_t tlb_slot(uint64_t entryhi)
{
    return (uint32_t)(entryhi * BATCH_GOLDEN >> (64 - BATCH_TLB_HASH_BITS));
}

uint64_t batch_model_tlb_forecast(struct batch_model *m, const struct batch_cpu *c,
                                  const struct event *ev, unsigned i)
{
    const uint64_t *last = m->last_arg[EVENT_TLB_WRITE];
    if (i == 1)
        return (c->badvaddr & ~UINT64_C(0x1fff)) | (last[1] & 0x1fff);
    if (i == 2) {
        const struct batch_tlb_entry *t = &m->tlb[tlb_slot(ev->arg[1])];
        m->tlb_before = t->used && t->arg[1] == ev->arg[1] ? t : NULL;
    }
    if (i >= 2 && m->tlb_before != NULL)
        return m->tlb_before->arg[i];
    return i < 4 ? last[i] : last[i] + (ev->arg[i - 2] >> 6) - (last[i - 2] >> 6);
}

unsigned batch_model_rank(const struct batch_site *site, unsigned i, uint64_t value)
{
    const struct batch_values *v = &site->values[i];
    for (uint32_t k = 0; k < v->count; k++)
        if (v->value[k] == value)
            return BATCH_RANK_LIST + k;
    return BATCH_RANK_NONE;
}

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

void batch_model_tlb_write(struct batch_model *m, const struct event *ev)
{
    struct batch_tlb_entry *t = &m->tlb[tlb_slot(ev->arg[1])];
    t->used = true;
    memcpy(t->arg, ev->arg, sizeof t->arg);
}
