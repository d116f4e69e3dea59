/*
 * Ways out of a block: calls of C, and jumps to other blocks.
 *
 * Jumps in the page go by a stub to C when they are first taken, which patches
 * them. They are not undone: a block that is forgotten sends them on (divert in
 * jit_code.c). Jumps to other pages look at the fetch entry of the page each time.
 */
#ifdef __x86_64__
#include "mips/jit/trans.h"

uint32_t trans_in_arena(const struct trans *t, const void *p)
{
    return (uint32_t)((const uint8_t *)p - t->cpu->arena);
}

void trans_call_out(struct trans *t, struct emit *e, enum jit_call call)
{
    if (t->kept)
        emit_mov_mr(e, 4, mem_at(RBP, CPU(jit_kept)), RDX);
    emit_mov_ri(e, RDX, trans_in_arena(t, t->u));
    emit_mov_ri(e, RCX, t->record);
    emit_call(e, t->pins->call[call]);
    t->fpu_live = false;
    if (t->kept)
        emit_mov_rm(e, 4, RDX, mem_at(RBP, CPU(jit_kept)));
}

void trans_helper(struct trans *t, struct emit *e)
{
    trans_catch_up(t, e);
    emit_mov_ri(e, RAX, t->id);
    trans_call_out(t, e, CALL_op);
}

void trans_cold_helper(struct trans *t, uint8_t *site)
{
    emit_patch(t->c, site, emit_here(t->c));
    trans_helper(t, t->c);
    emit_jmp(t->c, emit_here(t->e));
}

void jit_helper(struct trans *t, unsigned op)
{
    (void)op;
    if (jit_inline_helper(t) || jit_inline_system(t) || jit_inline_fpu(t))
        return;
    trans_helper(t, t->e);
    t->left = t->id == INSN_ERET || t->id == INSN_DERET;
}

void trans_raise(struct trans *t, struct emit *e, enum mips_exc code)
{
    trans_catch_up(t, e);
    emit_mov_ri(e, RAX, (uint64_t)code);
    trans_call_out(t, e, CALL_raise);
}

void trans_raise_if(struct trans *t, enum host_cc cc, enum mips_exc code)
{
    uint8_t *away = emit_jcc_later(t->e, cc);
    emit_patch(t->e, away, emit_here(t->c));
    trans_raise(t, t->c, code);
}

/* ---- where to go on ---- */

static int32_t fetch_table(const struct trans *t)
{
    return (int32_t)(CPU(modes) + t->mode * sizeof(struct mode_cache) +
                     offsetof(struct mode_cache, fetch));
}

static int32_t entry_offset(uint32_t va)
{
    return (int32_t)(offsetof(struct code_view, entry) + (va >> 2 & 1023) * sizeof(void *));
}

static bool in_page(const struct trans *t, uint32_t va)
{
    return (va & ~(uint32_t)PAGE_MASK) == t->page_va;
}

/* Inside of the loop whose pins this block has. */
static bool in_loop(const struct trans *t, uint32_t va)
{
    return t->pins != t->jit->pins && in_page(t, va) && (va & PAGE_MASK) >= t->loop_start &&
           (va & PAGE_MASK) < t->loop_end;
}

/* Code in this page, for the pins at hand, that is there already, else NULL. */
static const uint8_t *known_target(const struct trans *t, uint32_t va)
{
    unsigned word = va >> 2 & 1023;
    if (t->pins != t->jit->pins)
        return loop_inner_find(t->jit, t->view, word, (unsigned)(t->pins - t->jit->pins));
    const uint8_t *code = t->view->entry[word];
    return code == t->jit->translate || code == t->jit->interpret ? NULL : code;
}

/* Cold code for a jump in the page that was never taken. */
static void patch_to_link(struct trans *t, uint8_t *site, uint32_t va)
{
    emit_patch(t->e, site, emit_here(t->c));
    emit_mov_ri(t->c, RAX, va);
    emit_mov_ri(t->c, RDX, (uint64_t)(site - t->jit->rw));
    emit_mov_ri(t->c, RCX, t->record);
    emit_jmp(t->c, t->pins->link);
}

/* In the page, with the pins at hand there too. */
static void goto_near(struct trans *t, struct emit *e, uint32_t va)
{
    const uint8_t *known = known_target(t, va);
    if (known != NULL)
        emit_jmp(e, known);
    else
        patch_to_link(t, emit_jmp_later(e), va);
}

static void goto_far(struct trans *t, struct emit *e, uint32_t va)
{
    emit_mov_rm(e, 8, RCX, mem_at(RBP, fetch_table(t) + (int32_t)(va >> PAGE_BITS) * 8));
    emit_mov_ri(e, RAX, va);
    emit_test_rr(e, 8, RCX, RCX);
    emit_jcc(e, CC_E, t->jit->pins->leave_at);
    emit_jmp_m(e, mem_at(RCX, entry_offset(va)));
}

/* Out of the loop, if this is one: the usual pins. Leaves eax alone. */
static void usual_pins(struct trans *t, struct emit *e)
{
    if (t->pins != t->jit->pins)
        loop_change_pins(e, t->pins, t->jit->pins);
}

void trans_goto(struct trans *t, struct emit *e, uint32_t va)
{
    if (in_loop(t, va)) {
        goto_near(t, e, va);
        return;
    }
    const struct jit_pins *pins = t->pins;
    uint32_t record = t->record;
    usual_pins(t, e);
    t->pins = t->jit->pins;
    t->record = t->usual_record;
    if (in_page(t, va))
        goto_near(t, e, va);
    else
        goto_far(t, e, va);
    t->pins = pins;
    t->record = record;
}

void trans_fall(struct trans *t, uint32_t va)
{
    unsigned word = va >> 2 & 1023;
    bool usual = t->pins == t->jit->pins;
    bool may_follow = usual ? t->view->entry[word] == t->jit->translate
                            : in_loop(t, va) && t->view->entry[word] != t->jit->interpret &&
                                  known_target(t, va) == NULL;
    t->follows = t->follows_left != 0 && in_page(t, va) && may_follow;
    t->follow_va = va;
    if (!t->follows)
        trans_goto(t, t->e, va);
}

void trans_goto_if(struct trans *t, enum host_cc cc, uint32_t va)
{
    bool same_pins = t->pins == t->jit->pins || in_loop(t, va);
    const uint8_t *known = same_pins && in_page(t, va) ? known_target(t, va) : NULL;
    if (known != NULL) {
        emit_jcc(t->e, cc, known);
        return;
    }
    uint8_t *site = emit_jcc_later(t->e, cc);
    if (same_pins && in_page(t, va)) {
        patch_to_link(t, site, va);
    } else {
        emit_patch(t->e, site, emit_here(t->c));
        trans_goto(t, t->c, va);
    }
}

void trans_goto_eax(struct trans *t)
{
    struct emit *e = t->e;
    usual_pins(t, e);
    emit_mov_rr(e, 4, RCX, RAX);
    emit_shift_ri(e, HOST_SHR, 4, RCX, PAGE_BITS);
    emit_mov_rm(e, 8, RCX, mem_index(RBP, RCX, 8, fetch_table(t)));
    emit_mov_rr(e, 4, RDX, RAX);
    emit_test_ri(e, 4, RAX, 3);
    emit_jcc(e, CC_NE, t->jit->pins->leave_at);
    emit_alu_ri(e, HOST_AND, 4, RDX, PAGE_MASK);
    emit_test_rr(e, 8, RCX, RCX);
    emit_jcc(e, CC_E, t->jit->pins->leave_at);
    emit_jmp_m(e, mem_index(RCX, RDX, 2, (int32_t)offsetof(struct code_view, entry)));
}
#endif
