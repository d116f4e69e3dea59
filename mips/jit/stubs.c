/*
 * The fixed pieces of machine code: in, out, and calls of C (trans.h).
 *
 * The C side reads and writes the processor's struct only. So a stub stores
 * all pinned registers before the call and loads them again after it; what C
 * changed is there, and nothing else needs to be known about a C function. Each
 * kind of pins has its own stubs for that.
 */
#include <string.h>

#include "mips/jit/trans.h"
#include "mips/jit/trans_fpu.h"

/* What compilers use most, and what every function has. */
static const uint8_t usual[33] = {
    PIN_NONE, PIN_NONE, RBX, RSI, RDI, R8, R9, R10, /* v0 v1 a0-a3 */
    R11, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, /* t0 */
    R12, R13, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, /* s0 s1 */
    PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, PIN_NONE, R14, PIN_NONE, PIN_NONE, /* sp */
    PIN_NONE,
};

static const enum host_reg saved[] = {RBP, RBX, R12, R13, R14, R15};

static void store_pinned(struct emit *e, const struct jit_pins *pins)
{
    for (unsigned g = 1; g < 32; g++) {
        enum host_reg r = (enum host_reg)pins->host[g];
        if (r == PIN_NONE)
            continue;
        emit_movsx_rr(e, 4, 8, r, r);
        emit_mov_mr(e, 8, gpr_mem(g), r);
    }
    emit_mov_mr(e, 8, mem_at(RBP, CPU(budget)), R15);
}

static void load_pinned(struct emit *e, const struct jit_pins *pins)
{
    for (unsigned g = 1; g < 32; g++)
        if (pins->host[g] != PIN_NONE)
            emit_mov_rm(e, 4, (enum host_reg)pins->host[g], gpr_mem(g));
}

static const uint8_t *emit_enter(struct emit *e, const struct jit_pins *pins)
{
    const uint8_t *here = emit_here(e);
    for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
        emit_push(e, saved[i]);
    emit_alu_ri(e, HOST_SUB, 8, RSP, 8);
    emit_lea(e, 8, RBP, mem_at(RDI, CPU_BIAS));
    emit_mov_mr(e, 8, mem_at(RBP, CPU(jit_sp)), RSP);
    emit_mov_rr(e, 8, RCX, RSI);
    load_pinned(e, pins);
    emit_mov_rm(e, 8, R15, mem_at(RBP, CPU(budget)));
    emit_jmp_r(e, RCX);
    return here;
}

/* All state is in memory already. */
static const uint8_t *emit_leave(struct emit *e)
{
    const uint8_t *here = emit_here(e);
    emit_mov_rm(e, 8, RSP, mem_at(RBP, CPU(jit_sp)));
    emit_alu_ri(e, HOST_ADD, 8, RSP, 8);
    for (unsigned i = ARRAY_LEN(saved); i-- > 0;)
        emit_pop(e, saved[i]);
    emit_ret(e);
    return here;
}

static const uint8_t *emit_leave_at(struct emit *e, const struct jit_pins *pins,
                                    const uint8_t *leave)
{
    const uint8_t *here = emit_here(e);
    store_pinned(e, pins);
    emit_movsx_rr(e, 4, 8, RAX, RAX);
    emit_mov_mr(e, 8, mem_at(RBP, CPU(pc)), RAX);
    emit_mov_mi(e, 8, mem_at(RBP, CPU(u)), 0);
    emit_jmp(e, leave);
    return here;
}

/* Go on at rax, which C returned. */
static const uint8_t *emit_resume(struct emit *e, const struct jit_pins *pins)
{
    const uint8_t *here = emit_here(e);
    emit_mov_rm(e, 8, RSP, mem_at(RBP, CPU(jit_sp)));
    emit_mov_rr(e, 8, RCX, RAX);
    load_pinned(e, pins);
    emit_mov_rm(e, 8, R15, mem_at(RBP, CPU(budget)));
    emit_mov_rm(e, 4, RAX, mem_at(RBP, CPU(pc)));
    emit_jmp_r(e, RCX);
    return here;
}

static const uint8_t *emit_call_stub(struct emit *e, const struct jit_pins *pins, const void *fn,
                                     const uint8_t *resume)
{
    const uint8_t *here = emit_here(e);
    store_pinned(e, pins);
    emit_lea(e, 8, RDI, mem_at(RBP, -CPU_BIAS));
    emit_mov_rr(e, 4, RSI, RAX);
    emit_alu_ri(e, HOST_SUB, 8, RSP, 8);
    emit_call(e, fn);
    emit_alu_ri(e, HOST_ADD, 8, RSP, 8);
    emit_test_rr(e, 8, RAX, RAX);
    emit_jcc(e, CC_NE, resume);
    load_pinned(e, pins);
    emit_mov_rm(e, 4, RAX, mem_at(RBP, CPU(jit_value)));
    emit_ret(e);
    return here;
}

static const uint8_t *emit_link(struct emit *e, const struct jit_pins *pins,
                                const uint8_t *resume)
{
    const uint8_t *here = emit_here(e);
    store_pinned(e, pins);
    emit_lea(e, 8, RDI, mem_at(RBP, -CPU_BIAS));
    emit_mov_rr(e, 4, RSI, RAX);
    emit_call(e, __extension__(const void *) jit_call_link);
    emit_jmp(e, resume);
    return here;
}

static void emit_pins(struct jit *jit, struct jit_pins *pins)
{
    static const void *const calls[JIT_CALL_COUNT] = {
#define X(name) __extension__(const void *) jit_call_##name,
        JIT_CALLS(X)
#undef X
    };
    struct emit *e = &jit->stubs;
    pins->leave_at = emit_leave_at(e, pins, jit->leave);
    for (unsigned i = 0; i < JIT_CALL_COUNT; i++) {
        emit_align(e, 16);
        pins->call[i] = emit_call_stub(e, pins, calls[i], jit->resume);
    }
    emit_align(e, 16);
    pins->link = emit_link(e, pins, jit->resume);
}

unsigned stubs_pins(struct jit *jit, const uint8_t host[33])
{
    for (unsigned i = 0; i < jit->n_pins; i++)
        if (memcmp(jit->pins[i].host, host, sizeof jit->pins[i].host) == 0)
            return i;
    if (jit->n_pins == PINS_MAX)
        return 0;
    struct jit_pins *pins = &jit->pins[jit->n_pins];
    memcpy(pins->host, host, sizeof pins->host);
    emit_pins(jit, pins);
    return jit->n_pins++;
}

void stubs_emit(struct jit *jit)
{
    struct emit *e = &jit->stubs;
    struct jit_pins *pins = &jit->pins[0];
    memcpy(pins->host, usual, sizeof usual);
    const uint8_t *enter = emit_enter(e, pins);
    memcpy(&jit->enter, &enter, sizeof enter);
    jit->leave = emit_leave(e);
    jit->translate = emit_leave_at(e, pins, jit->leave);
    jit->interpret = emit_leave_at(e, pins, jit->leave);
    jit->resume = emit_resume(e, pins);
    jit->fpu_go_live = trans_fpu_go_live(e);
    stubs_pins(jit, usual);
}
