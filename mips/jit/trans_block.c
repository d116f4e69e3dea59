/*
 * One block of the interpreter (decode.c) as machine code.
 *
 * The micro-ops stay as the description of the block: a call out of the code
 * names one of them, and run_leave works as after the interpreter.
 *
 *     entry:   sub r15, steps of the block
 *              js   cold: add them again, leave at the block's address
 *              instructions
 *              slot, compare, jcc taken, jmp not taken
 */
#ifdef __x86_64__
#include "mips/jit/trans.h"

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
        t->id = insn_find(t->w);
        if (jit_insns[t->id].branch.is_branch) {
            trans_branch(t, t->u, b->slot);
            return;
        }
        trans_one(t);
    }
    if (!t->left)
        trans_goto(t, t->e, t->page_va + b->end);
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

/* The block at `pc` as one to be translated; NULL if it is for the interpreter. */
static struct block *block_at(struct mips *cpu, struct code_view *view, uint64_t pc)
{
    struct jit *jit = cpu->jit;
    if (!jit_has_room(jit, BLOCK_STEPS_MAX * EMIT_HOT_MAX, BLOCK_STEPS_MAX * EMIT_COLD_MAX))
        code_drop_all(cpu);
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

static struct trans begin(struct mips *cpu, struct code_view *view, struct block *b)
{
    struct jit *jit = cpu->jit;
    struct trans t = {
        .cpu = cpu, .jit = jit, .e = &jit->hot, .c = &jit->cold, .b = b, .view = view,
        .page_va = (uint32_t)view->va, .mode = view->mode, .pins = jit->pins,
    };
    t.record = t.usual_record = add_record(&t);
    view->fresh = false;
    emit_align(t.e, 16);
    return t;
}

static void translate(struct trans *t, uint64_t pc)
{
    uint8_t *hot = t->e->p, *cold = t->c->p;
    uint64_t start = t->cpu->profile ? __builtin_ia32_rdtsc() : 0;
    if (t->pins != t->jit->pins)
        loop_inner_add(t->jit, t->view, pc >> 2 & 1023, (unsigned)(t->pins - t->jit->pins),
                       emit_here(t->e));
    note_entry(t);
    enter_block(t, (uint32_t)pc);
    translate_block(t);
    count(t->cpu, t, hot, cold);
    if (t->cpu->profile)
        t->cpu->stats.translate_ticks += __builtin_ia32_rdtsc() - start;
}

static void use_loop(struct trans *t, unsigned pins, unsigned start, unsigned end)
{
    t->pins = &t->jit->pins[pins];
    t->loop_start = (uint16_t)start;
    t->loop_end = (uint16_t)end;
    t->record = add_record(t);
}

const uint8_t *jit_translate(struct mips *cpu, struct code_view *view, uint64_t pc)
{
    struct block *b = block_at(cpu, view, pc);
    const uint8_t **entry = &view->entry[pc >> 2 & 1023];
    if (b == NULL)
        return *entry = cpu->jit->interpret;
    struct trans t = begin(cpu, view, b);
    uint16_t end = 0;
    unsigned pins = loop_pins(cpu, view->page->host, b->start, &end);
    *entry = emit_here(t.e);
    if (pins != 0) {
        const uint8_t *inner = loop_inner_find(t.jit, view, pc >> 2 & 1023, pins);
        loop_change_pins(t.e, t.pins, &t.jit->pins[pins]);
        use_loop(&t, pins, b->start, end);
        if (inner != NULL) {
            emit_jmp(t.e, inner);
            return *entry;
        }
    }
    translate(&t, pc);
    return *entry;
}

const uint8_t *jit_translate_inner(struct mips *cpu, struct code_view *view, uint64_t pc,
                                   const struct jit_record *from)
{
    const uint8_t *known = loop_inner_find(cpu->jit, view, pc >> 2 & 1023, from->pins);
    if (known != NULL)
        return known;
    struct block *b = block_at(cpu, view, pc);
    if (b == NULL) {
        view->entry[pc >> 2 & 1023] = cpu->jit->interpret;
        return cpu->jit->interpret;
    }
    struct trans t = begin(cpu, view, b);
    use_loop(&t, from->pins, from->loop_start, from->loop_end);
    const uint8_t *code = emit_here(t.e);
    translate(&t, pc);
    return code;
}
#endif
