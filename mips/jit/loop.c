/*
 * Loops with pins of their own.
 *
 * When a block is translated, what follows it in the page is looked through for
 * a branch back to it. If there is one, and no call in between, the registers
 * that the loop uses are counted (more in inner loops), and those most used that
 * are not pinned take the host registers of pinned ones that it hardly uses. The
 * usual entry of the loop's head then begins with a few moves, and so does each
 * way out of the loop; in the loop, jumps go to code that was made for its pins.
 *
 *     head (usual pins):  store s1, load t2 in its place
 *     head (loop's pins): ...
 *                         bne  head (loop's pins)
 *                         store t2, load s1
 *
 * Only jumps inside the page and the loop keep its pins; such code is found
 * here, not by the view's entries.
 */
#ifdef __x86_64__
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "mips/jit/trans.h"

#define LOOP_WORDS_MAX 200
#define GAIN_MIN       3
#define JR_RA          0x03e00008u

void loop_change_pins(struct emit *e, const struct jit_pins *from, const struct jit_pins *to)
{
    for (unsigned g = 1; g < 32; g++) {
        enum host_reg r = (enum host_reg)from->host[g];
        if (r == PIN_NONE || to->host[g] == r)
            continue;
        emit_movsx_rr(e, 4, 8, r, r);
        emit_mov_mr(e, 8, gpr_mem(g), r);
    }
    for (unsigned g = 1; g < 32; g++)
        if (to->host[g] != PIN_NONE && from->host[g] != to->host[g])
            emit_mov_rm(e, 4, (enum host_reg)to->host[g], gpr_mem(g));
}

/* ---- code inside of loops ---- */

static uint32_t slot_of(const struct code_view *view, unsigned word, unsigned pins)
{
    uint64_t key = (uint64_t)(uintptr_t)view / 64 + word * 131u + pins * 8191u;
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) % INNER_SIZE;
}

const uint8_t *loop_inner_find(const struct jit *jit, const struct code_view *view, unsigned word,
                               unsigned pins)
{
    for (uint32_t i = slot_of(view, word, pins); jit->inner[i].view != NULL;
         i = (i + 1) % INNER_SIZE) {
        const struct jit_inner *in = &jit->inner[i];
        if (in->view == view && in->stamp == view->stamp && in->word == word &&
            in->pins == pins && in->code != NULL)
            return in->code;
    }
    return NULL;
}

static bool inner_dead(const struct jit_inner *in)
{
    return in->code == NULL || in->stamp != in->view->stamp;
}

/* In the place of a dead one, if there is one on the way. */
static void put_inner(struct jit *jit, const struct jit_inner *in)
{
    uint32_t i = slot_of(in->view, in->word, in->pins);
    while (jit->inner[i].view != NULL && !inner_dead(&jit->inner[i]))
        i = (i + 1) % INNER_SIZE;
    if (jit->inner[i].view == NULL)
        jit->n_inner++;
    jit->inner[i] = *in;
}

void loop_inner_clear(struct jit *jit)
{
    if (jit->n_inner != 0)
        memset(jit->inner, 0, sizeof jit->inner);
    jit->n_inner = 0;
}

/* Only what was not forgotten is kept. */
static void sweep(struct jit *jit)
{
    struct jit_inner *old = xmalloc(sizeof jit->inner);
    memcpy(old, jit->inner, sizeof jit->inner);
    loop_inner_clear(jit);
    for (uint32_t i = 0; i < INNER_SIZE; i++)
        if (old[i].view != NULL && !inner_dead(&old[i]))
            put_inner(jit, &old[i]);
    free(old);
}

void loop_inner_add(struct jit *jit, const struct code_view *view, unsigned word, unsigned pins,
                    const uint8_t *code)
{
    put_inner(jit, &(struct jit_inner){view, code, view->stamp, (uint16_t)word, (uint16_t)pins});
    if (jit->n_inner == INNER_SIZE / 2)
        sweep(jit);
}

void loop_inner_forget(struct jit *jit, const struct code_view *view, unsigned word, unsigned pins)
{
    for (uint32_t i = slot_of(view, word, pins); jit->inner[i].view != NULL;
         i = (i + 1) % INNER_SIZE) {
        struct jit_inner *in = &jit->inner[i];
        if (in->view == view && in->word == word && in->pins == pins)
            in->code = NULL;
    }
}

/* ---- which pins ---- */

/* Target of a conditional branch as offset in the page; -1 for other words. */
static int branch_to(uint32_t w, unsigned offset)
{
    unsigned op = w >> 26;
    bool conditional = (op >= 4 && op <= 7) || (op >= 20 && op <= 23) ||
                       (op == 1 && w_rt(w) < 4) || (op == 17 && w_rs(w) == 8);
    return conditional ? (int)offset + 4 + w_simm(w) * 4 : -1;
}

static bool is_call(uint32_t w)
{
    return w >> 26 == 3 || ((w & 0xfc00003f) == 9) || (w >> 26 == 1 && w_rt(w) >= 16);
}

static void count_fields(uint32_t w, unsigned weight, unsigned counts[32])
{
    const char *args = insn_info[insn_find(w)].args;
    for (unsigned i = 0; args[i] != 0; i++) {
        unsigned written = i == 0 ? weight : 0; /* what is first is mostly the result */
        if (args[i] == 'S' || args[i] == 'M' || args[i] == 'X')
            counts[w_rs(w)] += weight;
        if (args[i] == 'T' || args[i] == 'X')
            counts[w_rt(w)] += weight + written;
        if (args[i] == 'D')
            counts[w_rd(w)] += weight + written;
    }
}

/* SPECIAL, REGIMM, jal, and the conditional branches: what may be a call, a return or a branch. */
#define OPCODES_OF_INTEREST                                                                        \
    (UINT64_C(1) << 0 | UINT64_C(1) << 1 | UINT64_C(1) << 3 | UINT64_C(0xf) << 4 |                 \
     UINT64_C(1) << 17 | UINT64_C(0xf) << 20)

/* The loop's end, or 0. Not looked for behind a return that no branch goes over. */
static unsigned find_loop(const struct mips *cpu, const uint8_t *host, unsigned start)
{
    unsigned end = 0;
    int over = 0;
    for (unsigned n = 0, at = start; n < LOOP_WORDS_MAX && at + 8 <= PAGE_SIZE; n++, at += 4) {
        uint32_t w = decode_word(cpu, host, at);
        if (!(OPCODES_OF_INTEREST >> (w >> 26) & 1))
            continue;
        if (is_call(w) || (w == JR_RA && over <= (int)at))
            break;
        int to = branch_to(w, at);
        if (to == (int)start)
            end = at + 8;
        over = to > over ? to : over;
    }
    return end;
}

/* Give a pinned register's place to an unpinned one, where that gains most. */
static unsigned exchange(uint8_t host[33], const unsigned counts[32])
{
    unsigned best = 0, worst = 0;
    for (unsigned g = 1; g < 32; g++) {
        if (host[g] == PIN_NONE && (best == 0 || counts[g] > counts[best]))
            best = g;
        if (host[g] != PIN_NONE && (worst == 0 || counts[g] < counts[worst]))
            worst = g;
    }
    if (counts[best] < counts[worst] + GAIN_MIN)
        return 0;
    host[best] = host[worst];
    host[worst] = PIN_NONE;
    return counts[best] - counts[worst];
}

/* The newly pinned share the free host registers in ascending order, so that
 * as few kinds of pins as possible come to be. */
static void put_in_order(uint8_t host[33], const uint8_t usual[33])
{
    unsigned next = 1;
    for (unsigned g = 1; g < 32; g++) {
        if (host[g] == PIN_NONE || host[g] == usual[g])
            continue;
        while (usual[next] == PIN_NONE || host[next] == usual[next])
            next++;
        host[g] = usual[next++];
    }
}

unsigned loop_pins(struct mips *cpu, const uint8_t *host, unsigned offset, uint16_t *end)
{
    unsigned stop = find_loop(cpu, host, offset), counts[32] = {0};
    if (stop == 0)
        return 0;
    uint8_t weight[LOOP_WORDS_MAX + 2];
    memset(weight, 1, sizeof weight);
    for (unsigned at = offset; at < stop; at += 4) {
        int to = branch_to(decode_word(cpu, host, at), at);
        for (int in = to; to > (int)offset && in <= (int)at; in += 4)
            weight[(unsigned)(in - (int)offset) / 4] = 4;
    }
    for (unsigned at = offset; at < stop; at += 4)
        count_fields(decode_word(cpu, host, at), weight[(at - offset) / 4], counts);
    counts[0] = 0;
    uint8_t pins[33];
    memcpy(pins, cpu->jit->pins[0].host, sizeof pins);
    while (exchange(pins, counts) != 0) {
    }
    put_in_order(pins, cpu->jit->pins[0].host);
    *end = (uint16_t)stop;
    return stubs_pins(cpu->jit, pins);
}
#endif
