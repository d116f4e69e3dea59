/*
 * One block of the interpreter (decode.c) as machine code.
 *
 * The micro-ops stay as the description of the block: a call out of the code
 * names one of them, and run_leave works as after the interpreter.
 *
 *     entry:   sub r15, steps of the block
 *              js   cold: add them again, leave at the block's address
 *              instructions
 *              slot, compare, jcc taken
 *     entry of the block behind it, if it was not translated yet: sub r15, ...
 */
#ifdef __x86_64__
#include "mips/jit/trans.h"

#define FOLLOWS_MAX 6 /* blocks translated at once, one falling into the next, besides the first */

void trans_one(struct trans *t)
{
    jit_insns[t->id].fn(t, jit_insns[t->id].op);
}

static void enter_block(struct trans *t, uint32_t va)
{
    emit_alu_ri(t->e, HOST_SUB, 8, R15, t->b->run);
    uint8_t *out = emit_jcc_later(t->e, CC_S);
    emit_patch(t->e, out, emit_here(t->c));
    emit_alu_ri(t->c, HOST_ADD, 8, R15, t->b->run);
    emit_mov_ri(t->c, RAX, va);
    emit_jmp(t->c, t->pins->leave_at);
    if (t->cpu->profile)
        emit_alu_mi(t->e, HOST_ADD, 8, mem_at(RBP, CPU(stats.blocks_run)), 1);
}

static void translate_block(struct trans *t)
{
    const struct block *b = t->b;
    unsigned steps = b->run;
    t->offset = b->start;
    t->u = b->u;
    for (unsigned i = 0; i < steps; i++, t->offset += 4, t->u++) {
        t->w = decode_word(t->cpu, t->view->page->host, t->offset);
        t->id = insn_find_in(t->w, t->cpu->isa);
        if (jit_insns[t->id].branch.is_branch) {
            trans_branch(t, t->u, b->slot);
            return;
        }
        trans_one(t);
    }
    if (!t->left)
        trans_fall(t, t->page_va + b->end);
}

static bool has_point(const struct mips *cpu, const struct block *b)
{
    for (unsigned i = 0; i < b->uops; i++)
        if (b->u[i].op == cpu->labels[UOP_POINT])
            return true;
    return false;
}

static void count(struct mips *cpu, const struct trans *t, const uint8_t *hot, const uint8_t *cold)
{
    cpu->stats.blocks_translated++;
    cpu->stats.guest_code_bytes += (uint64_t)(t->b->end - t->b->start);
    cpu->stats.host_code_bytes += (uint64_t)(t->e->p - hot) + (uint64_t)(t->c->p - cold);
}

static bool has_room(const struct mips *cpu)
{
    return code_has_room(cpu) &&
           jit_has_room(cpu->jit, BLOCK_STEPS_MAX * EMIT_HOT_MAX, BLOCK_STEPS_MAX * EMIT_COLD_MAX);
}

/* The block at `pc` as one to be translated; NULL if it is for the interpreter. */
static struct block *block_at(struct mips *cpu, struct code_view *view, uint64_t pc)
{
    struct block *b = code_block(cpu, view->page, pc, BLOCK_STEPS_MAX + 1);
    return b == NULL || has_point(cpu, b) ? NULL : b;
}

static uint32_t add_record(struct trans *t)
{
    t->jit->records[t->jit->n_records] = (struct jit_record){
        .block = trans_in_arena(t, t->b),
        .page_va = t->page_va,
        .loop_start = t->loop_start,
        .loop_end = t->loop_end,
        .pins = (uint16_t)(t->pins - t->jit->pins),
    };
    return t->jit->n_records++;
}

/* The block can be entered here, with the pins at hand. */
static void note_entry(struct trans *t)
{
    t->jit->entries[t->record] = (struct jit_entry){
        .next = t->b->record,
        .code = (uint32_t)(t->e->p - t->jit->rw),
        .stamp = t->view->stamp,
        .view = t->view,
    };
    t->b->record = t->record + 1;
}

/* What is left of `t` is where the code goes, and the pins. */
static void begin(struct trans *t, struct block *b)
{
    *t = (struct trans){
        .cpu = t->cpu, .jit = t->jit, .e = &t->jit->hot, .c = &t->jit->cold, .b = b,
        .view = t->view, .page_va = (uint32_t)t->view->va, .mode = t->view->mode,
        .pins = t->jit->pins, .follows_left = t->follows_left,
    };
    t->usual_record = t->record = add_record(t);
    t->view->fresh = false;
}

static void use_loop(struct trans *t, unsigned pins, unsigned start, unsigned end)
{
    t->pins = &t->jit->pins[pins];
    t->loop_start = (uint16_t)start;
    t->loop_end = (uint16_t)end;
    t->record = add_record(t);
}

static void translate_with_pins(struct trans *t, uint64_t pc)
{
    uint8_t *hot = t->e->p, *cold = t->c->p;
    if (t->pins != t->jit->pins)
        loop_inner_add(t->jit, t->view, pc >> 2 & 1023, (unsigned)(t->pins - t->jit->pins),
                       emit_here(t->e));
    note_entry(t);
    enter_block(t, (uint32_t)pc);
    translate_block(t);
    count(t->cpu, t, hot, cold);
}

/* As the view's entry: with the usual pins, and then perhaps those of a loop. */
static void translate_entry(struct trans *t, uint64_t pc)
{
    unsigned word = pc >> 2 & 1023;
    uint16_t end = 0;
    unsigned pins = loop_pins(t->cpu, t->view->page->host, t->b->start, &end);
    t->view->entry[word] = emit_here(t->e);
    if (pins != 0) {
        const uint8_t *inner = loop_inner_find(t->jit, t->view, word, pins);
        loop_change_pins(t->e, t->pins, &t->jit->pins[pins]);
        use_loop(t, pins, t->b->start, end);
        if (inner != NULL) {
            emit_jmp(t->e, inner);
            return;
        }
    }
    translate_with_pins(t, pc);
}

/* The block that the last one falls into comes right behind it. */
static void follow(struct trans *t)
{
    struct jit_record last = t->jit->records[t->record];
    uint32_t va = t->follow_va;
    struct block *b = has_room(t->cpu) ? block_at(t->cpu, t->view, sext32(va)) : NULL;
    t->follows = false;
    t->follows_left--;
    if (b == NULL) {
        t->follows_left = 0;
        trans_goto(t, t->e, va);
        return;
    }
    bool usual = t->pins == t->jit->pins;
    begin(t, b);
    if (usual) {
        translate_entry(t, sext32(va));
    } else {
        use_loop(t, last.pins, last.loop_start, last.loop_end);
        translate_with_pins(t, sext32(va));
    }
}

/* Code for the block at `pc`, and for those that it falls into. */
static const uint8_t *translate(struct mips *cpu, struct code_view *view, uint64_t pc,
                                const struct jit_record *loop)
{
    struct trans t = {.cpu = cpu, .jit = cpu->jit, .view = view, .follows_left = FOLLOWS_MAX};
    uint64_t start = cpu->profile ? __builtin_ia32_rdtsc() : 0;
    if (!has_room(cpu))
        code_drop_all(cpu);
    struct block *b = block_at(cpu, view, pc);
    if (b == NULL)
        return view->entry[pc >> 2 & 1023] = cpu->jit->interpret;
    emit_align(&cpu->jit->hot, 16);
    const uint8_t *code = emit_here(&cpu->jit->hot);
    begin(&t, b);
    if (loop == NULL) {
        translate_entry(&t, pc);
    } else {
        use_loop(&t, loop->pins, loop->loop_start, loop->loop_end);
        translate_with_pins(&t, pc);
    }
    while (t.follows)
        follow(&t);
    if (cpu->profile)
        cpu->stats.translate_ticks += __builtin_ia32_rdtsc() - start;
    return code;
}

const uint8_t *jit_translate(struct mips *cpu, struct code_view *view, uint64_t pc)
{
    return translate(cpu, view, pc, NULL);
}

const uint8_t *jit_translate_inner(struct mips *cpu, struct code_view *view, uint64_t pc,
                                   const struct jit_record *from)
{
    const uint8_t *known = loop_inner_find(cpu->jit, view, pc >> 2 & 1023, from->pins);
    return known != NULL ? known : translate(cpu, view, pc, from);
}
#endif
