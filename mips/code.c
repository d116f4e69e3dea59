/*
 * The code cache: decoded blocks, by host frame and offset. A frame with
 * decoded code has a code_page, which lives until the processor is destroyed;
 * its blocks live in one arena that is dropped as a whole when it is full.
 *
 * Stores into such a frame come through code_store: the software TLB holds no
 * write tag for it. If decoded words are hit, the blocks with these words go,
 * and the running block is left after the storing instruction, so the next
 * instruction is always the one in memory.
 *
 * A guest that compiles changes a function next to others that it goes on to
 * use, so blocks go one by one; jumps to them are not looked for, but what is
 * at the block's beginning sends them to what is there now. A page that is only
 * written loses many blocks and gets no new ones: then all go at once, and the
 * page is written at full speed again.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "mips/cpu.h"
#include "mips/jit/jit.h"

#define ARENA_SIZE (24u << 20)
#define VIEWS_MAX  8 /* of a page, while spare ones are found */
#define VIEWS_ALL_MAX (1u << 15) /* of all pages: 8 KiB each with the translator */
#define FORGET_MAX 24 /* blocks of a page one by one, with none added */
#define WORDS_MAX  (BLOCK_STEPS_MAX + 1) /* of a block, with a slot */

void code_init(struct mips *cpu)
{
    cpu->code.arena = xmalloc(ARENA_SIZE);
    cpu->code.used = 16; /* place 0 means none */
    cpu->arena = cpu->code.arena;
    cpu->scratch = xmalloc(sizeof(struct block) + BLOCK_UOPS_MAX * sizeof(struct uop));
}

static void destroy_views(struct code_page *cp)
{
    while (cp != NULL && cp->views != NULL) {
        struct code_view *view = cp->views;
        cp->views = view->next;
        free(view);
    }
}

void code_destroy(struct mips *cpu)
{
    for (uint32_t i = 0; i < cpu->code.n_pages; i++) {
        destroy_views(cpu->code.pages[i]);
        free(cpu->code.pages[i]);
    }
    free(cpu->code.pages);
    free(cpu->code.users);
    free(cpu->code.arena);
    free(cpu->scratch);
}

void code_reach(struct mips *cpu, uint32_t frame)
{
    struct code_cache *c = &cpu->code;
    if (frame < c->n_pages)
        return;
    uint32_t n = frame + frame / 2 + 64;
    c->pages = xrealloc(c->pages, n * sizeof *c->pages);
    c->users = xrealloc(c->users, n * sizeof *c->users);
    memset(c->pages + c->n_pages, 0, (n - c->n_pages) * sizeof *c->pages);
    memset(c->users + c->n_pages, 0, (n - c->n_pages) * sizeof *c->users);
    c->n_pages = n;
}

static struct code_view *list_take(struct code_view **at)
{
    struct code_view *view = *at;
    *at = view->next;
    return view;
}

/* Is it reachable from the software TLB? */
static bool view_live(const struct mips *cpu, const struct code_view *view)
{
    return cpu->modes[view->mode].fetch[(uint32_t)view->va >> PAGE_BITS] == view;
}

/* The list is in order of use. When it is long (a library, at a random address
 * in each process), the view longest unused is taken again. */
static struct code_view *view_for(struct mips *cpu, struct code_page *cp, uint64_t va)
{
    struct code_view **spare = NULL;
    unsigned n = 0;
    for (struct code_view **at = &cp->views; *at != NULL; at = &(*at)->next, n++) {
        if ((*at)->va == va && (*at)->mode == cpu->mode)
            return list_take(at);
        if (!view_live(cpu, *at))
            spare = at;
    }
    bool again = n >= VIEWS_MAX && spare != NULL;
    struct code_view *view = again ? list_take(spare) : jit_view_new(cpu);
    cpu->code.n_views += !again;
    view->page = cp;
    view->va = va;
    view->mode = (uint8_t)cpu->mode;
    jit_view_forget(cpu, view);
    return view;
}

struct code_view *code_view_get(struct mips *cpu, uint32_t frame, uint8_t *host, uint64_t va)
{
    code_reach(cpu, frame);
    struct code_page *cp = cpu->code.pages[frame];
    if (cp == NULL) {
        cp = cpu->code.pages[frame] = xcalloc(1, sizeof *cp);
        cp->frame = frame;
    }
    cp->host = host;
    struct code_view *view = view_for(cpu, cp, va);
    view->next = cp->views;
    cp->views = view;
    return view;
}

static void forget(struct mips *cpu, struct code_page *cp)
{
    memset(cp->block, 0, sizeof cp->block);
    memset(cp->decoded, 0, sizeof cp->decoded);
    cp->any = false;
    cp->blocks = cp->forgotten = 0;
    for (struct code_view *view = cp->views; view != NULL; view = view->next)
        jit_view_forget(cpu, view);
    cpu->link_from = NULL;
    cpu->stats.blocks_flushed++;
}

void code_drop_all(struct mips *cpu)
{
    while (cpu->code.decoded != NULL) {
        struct code_page *cp = cpu->code.decoded;
        cpu->code.decoded = cp->next_decoded;
        cp->listed = false;
        if (cp->any)
            forget(cpu, cp);
    }
    cpu->code.used = 16;
    cpu->code.generation++;
    cpu->link_from = NULL;
    cpu->stats.code_drops++;
    jit_reset(cpu);
}

void code_drop_views(struct mips *cpu)
{
    code_drop_all(cpu);
    jit_views_gone(cpu);
    mmu_flush_all(cpu);
    for (uint32_t i = 0; i < cpu->code.n_pages; i++)
        destroy_views(cpu->code.pages[i]);
    cpu->code.n_views = 0;
}

bool code_views_full(const struct mips *cpu)
{
    return cpu->code.n_views >= VIEWS_ALL_MAX;
}

bool code_has(const struct mips *cpu, uint32_t frame)
{
    return frame < cpu->code.n_pages && cpu->code.pages[frame] != NULL &&
           cpu->code.pages[frame]->any;
}

static struct block *block_of(const struct mips *cpu, const struct code_page *cp, uint32_t word)
{
    return (struct block *)(void *)(cpu->arena + (uint64_t)cp->block[word] * 16);
}

static void set_decoded(struct code_page *cp, const struct block *b)
{
    for (uint32_t i = b->start / 4u; i < b->end / 4u && i < 1024; i++)
        cp->decoded[i / 64] |= UINT64_C(1) << i % 64;
}

/* Forget the blocks with words from `first` to `last`. False: all of the page is to go. */
static bool forget_blocks(struct mips *cpu, struct code_page *cp, uint32_t first, uint32_t last)
{
    uint32_t low = first, high = last + 1;
    for (uint32_t i = first > WORDS_MAX ? first - WORDS_MAX : 0; i <= last; i++) {
        if (cp->block[i] == 0)
            continue;
        struct block *b = block_of(cpu, cp, i);
        if (b->end <= first * 4)
            continue;
        if (++cp->forgotten > FORGET_MAX || !jit_block_forget(cpu, cp, b))
            return false;
        b->u[0].op = cpu->labels[UOP_GONE];
        cp->block[i] = 0;
        cp->blocks--;
        low = i < low ? i : low;
        high = b->end / 4u > high ? b->end / 4u : high;
    }
    if (cp->blocks == 0)
        return false;
    for (uint32_t i = low; i < high; i++)
        cp->decoded[i / 64] &= ~(UINT64_C(1) << i % 64);
    for (uint32_t i = low > WORDS_MAX ? low - WORDS_MAX : 0; i < high; i++)
        if (cp->block[i] != 0)
            set_decoded(cp, block_of(cpu, cp, i));
    return true;
}

bool code_store(struct mips *cpu, uint32_t frame, uint32_t offset, uint32_t len)
{
    if (!code_has(cpu, frame) || len == 0)
        return false;
    struct code_page *cp = cpu->code.pages[frame];
    uint32_t last = (offset + len - 1) / 4;
    for (uint32_t i = offset / 4; i <= last; i++) {
        if (cp->decoded[i / 64] >> i % 64 & 1) {
            if (!forget_blocks(cpu, cp, i, last))
                forget(cpu, cp);
            return true;
        }
    }
    return false;
}

void mips_code_changed(struct mips *cpu, uint32_t frame, uint32_t offset, uint32_t len)
{
    if (offset >= PAGE_SIZE)
        return;
    if (len > PAGE_SIZE - offset)
        len = (uint32_t)PAGE_SIZE - offset;
    if (code_store(cpu, frame, offset, len))
        cpu->leave = true;
}

static void mark(struct mips *cpu, struct code_page *cp, const struct block *b)
{
    if (!cp->any) {
        cp->any = true;
        if (!cp->listed) {
            cp->listed = true;
            cp->next_decoded = cpu->code.decoded;
            cpu->code.decoded = cp;
        }
        mmu_flush_writes(cpu, cp->frame);
    }
    set_decoded(cp, b);
}

bool code_has_room(const struct mips *cpu)
{
    return ARENA_SIZE - cpu->code.used >
           sizeof(struct block) + BLOCK_UOPS_MAX * sizeof(struct uop);
}

/* The first `steps` of a block that has more, as a scratch block. NULL if it
 * has points there or would be cut between a branch and its slot. */
static struct block *cut_block(struct mips *cpu, const struct block *b, unsigned steps)
{
    struct block *cut = cpu->scratch;
    bool falls = b->uops == b->run + 2 && b->u[b->run].op == cpu->labels[UOP_FALL];
    if (!falls && steps + 2 > b->run)
        return NULL;
    for (unsigned i = 0; i < steps; i++) {
        if (b->u[i].run != b->run - i || b->u[i].op == cpu->labels[UOP_POINT])
            return NULL;
        cut->u[i] = b->u[i];
        cut->u[i].run = (uint8_t)(steps - i);
    }
    cut->run = (uint8_t)steps;
    cut->slot = cut->link = 0;
    cut->start = b->start;
    cut->end = (uint16_t)(b->start + 4 * steps);
    cut->uops = (uint8_t)(steps + 2);
    cut->u[steps] = (struct uop){.op = cpu->labels[UOP_FALL]};
    cut->u[steps + 1] = (struct uop){0};
    return cut;
}

struct block *code_block(struct mips *cpu, struct code_page *cp, uint64_t pc, int64_t budget)
{
    uint32_t word = pc >> 2 & 1023;
    if (cp->block[word] != 0 && !cpu->pass) {
        struct block *found = block_of(cpu, cp, word);
        struct block *cut = NULL;
        if (found->run <= budget)
            return found;
        if (budget > 0)
            cut = cut_block(cpu, found, (unsigned)budget);
        if (cut != NULL)
            return cut;
    }
    bool keep = budget > BLOCK_STEPS_MAX && !cpu->pass;
    unsigned max = keep ? BLOCK_STEPS_MAX : cpu->pass ? 1 : (unsigned)budget;
    if (!decode_block(cpu, cp->host, pc, max, NULL))
        return NULL;
    struct block *b = cpu->scratch;
    cpu->stats.blocks_decoded++;
    mark(cpu, cp, b);
    if (!keep)
        return b;
    uint32_t size = (uint32_t)(sizeof *b + b->uops * sizeof b->u[0]);
    if (size > ARENA_SIZE - cpu->code.used) {
        code_drop_all(cpu);
        mark(cpu, cp, b);
    }
    uint8_t *place = cpu->arena + cpu->code.used;
    memcpy(place, b, size);
    cp->block[word] = cpu->code.used / 16;
    cp->blocks++;
    cp->forgotten = 0;
    cpu->code.used += size;
    return (struct block *)(void *)place;
}
