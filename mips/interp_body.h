/*
 * The interpreter: threaded code over micro-ops. Compiled twice, by
 * interp_le.c and interp_be.c, which define INTERP_NAME, MEM_LOAD and
 * MEM_STORE; the byte order costs nothing at run time.
 *
 * Registers of the host: cpu, u and budget are the only values that live from
 * one micro-op to the next. `budget` is the number of steps left after the
 * current block is done; at micro-op u, budget + u->run are left. So nothing
 * is counted per instruction, and mips_steps() is exact in any helper.
 * Before anything that may look at the position, SYNC() stores u and budget.
 *
 * A branch with a micro-op for its delay slot only decides (cpu->taken); the
 * GO micro-op behind the slot goes. If the slot is a nop, one fused micro-op
 * does both.
 */
#include "mips/ops.h"

#define GPR cpu->gpr
#define S   GPR[u->s]
#define T   GPR[u->t]

#define NEXT()                                                                                     \
    do {                                                                                           \
        u++;                                                                                       \
        goto *u->op;                                                                               \
    } while (0)

#define SYNC()                                                                                     \
    do {                                                                                           \
        cpu->u = u;                                                                                \
        cpu->budget = budget;                                                                      \
    } while (0)

#define ENTER(block_)                                                                              \
    do {                                                                                           \
        struct block *enter_ = (block_);                                                           \
        cpu->cur = enter_;                                                                         \
        budget -= enter_->run;                                                                     \
        u = enter_->u;                                                                             \
        if (UNLIKELY(budget < 0))                                                                  \
            goto out_of_budget;                                                                    \
        goto *u->op;                                                                               \
    } while (0)

/* Go to a virtual address: by the fetch entry of its page, else leave. */
#define ENTER_VA(va_)                                                                              \
    do {                                                                                           \
        uint64_t target_ = (va_);                                                                  \
        struct code_view *f_ = cpu->mode_cache->fetch[(uint32_t)target_ >> PAGE_BITS];             \
        cpu->pc = target_;                                                                         \
        if (UNLIKELY(f_ == NULL || target_ & 3))                                                   \
            goto lookup;                                                                           \
        uint32_t place_ = f_->page->block[target_ >> 2 & 1023];                                    \
        if (UNLIKELY(place_ == 0))                                                                 \
            goto lookup;                                                                           \
        cpu->page_va = target_ & ~PAGE_MASK;                                                       \
        ENTER((struct block *)(void *)(cpu->arena + (uint64_t)place_ * 16));                       \
    } while (0)

/* Follow the links behind `link_uop`, or look for the block and fill them. A
 * scratch block may have raised the limit, and a nullified slot given a step back:
 * so what follows it is left to mips_run. */
#define FOLLOW(link_uop, taken_, offset_)                                                          \
    do {                                                                                           \
        struct links *links_ = (struct links *)(void *)((link_uop) + 1);                           \
        unsigned which_ = (taken_);                                                                \
        struct block *next_ = links_->next[which_];                                                \
        if (LIKELY(next_ != NULL))                                                                 \
            ENTER(next_);                                                                          \
        int64_t to_ = which_ ? (int64_t)(int32_t)(offset_) : cpu->cur->end;                        \
        if ((uint64_t)to_ >= PAGE_SIZE && cpu->cur != cpu->scratch)                                \
            ENTER_VA(ADDRESS(cpu->page_va + (uint64_t)to_));                                       \
        cpu->pc = ADDRESS(cpu->page_va + (uint64_t)to_);                                           \
        cpu->link_from = links_;                                                                   \
        cpu->link_index = which_;                                                                  \
        goto lookup;                                                                               \
    } while (0)

#define ADDRESS(x) sext32(x)
#define PC_LINK()  ADDRESS(cpu->page_va + cpu->cur->end)

#define C_EQ  (S == T)
#define C_NE  (S != T)
#define C_LEZ ((int64_t)S <= 0)
#define C_GTZ ((int64_t)S > 0)
#define C_LTZ ((int64_t)S < 0)
#define C_GEZ ((int64_t)S >= 0)
#define C_GE  ((int64_t)a_ >= (int64_t)b_)
#define C_GEU (a_ >= b_)
#define C_LT  ((int64_t)a_ < (int64_t)b_)
#define C_LTU (a_ < b_)
#define C_TEQ (a_ == b_)
#define C_TNE (a_ != b_)

#define OP_ADD(a, b)  sext32((a) + (b))
#define OP_SUB(a, b)  sext32((a) - (b))
#define OP_AND(a, b)  ((a) & (b))
#define OP_OR(a, b)   ((a) | (b))
#define OP_XOR(a, b)  ((a) ^ (b))
#define OP_NOR(a, b)  (~((a) | (b)))
#define OP_SLT(a, b)  ((uint64_t)((int64_t)(a) < (int64_t)(b)))
#define OP_SLTU(a, b) ((uint64_t)((uint64_t)(a) < (uint64_t)(b)))
#define OP_MUL(a, b)  sext32((uint64_t)(uint32_t)(a) * (uint32_t)(b))
#define OP_SLL(a, n)  sext32((uint32_t)(a) << (n))
#define OP_SRL(a, n)  sext32((uint32_t)(a) >> (n))
#define OP_SRA(a, n)  ((uint64_t)(int64_t)((int32_t)(uint32_t)(a) >> (n)))
#define OP_ROTR(a, n) sext32((uint32_t)(a) >> (n) | (uint32_t)(a) << (-(n) & 31))
#define OP_SEB(a)     ((uint64_t)(int64_t)(int8_t)(a))
#define OP_SEH(a)     ((uint64_t)(int64_t)(int16_t)(a))
#define OP_WSBH(a)    sext32(((a) & 0x00ff00ff) << 8 | ((a) >> 8 & 0x00ff00ff))
#define OP_CLZ(a)     ((uint64_t)((uint32_t)(a) ? __builtin_clz((uint32_t)(a)) : 32))
#define OP_CLO(a)     OP_CLZ(~(a))

#define X_ALU(op) GPR[u->d] = OP_##op(S, T); NEXT();
#define X_ALI(op) GPR[u->d] = OP_##op(S, (uint64_t)(int64_t)(int32_t)u->imm); NEXT();
#define X_ALZ(op) GPR[u->d] = OP_##op(S, (uint64_t)u->imm); NEXT();
#define X_LUI(x)  GPR[u->d] = (uint64_t)(int64_t)(int32_t)u->imm; NEXT();
#define X_SHI(op) GPR[u->d] = OP_##op(T, u->imm); NEXT();
#define X_SHV(op) GPR[u->d] = OP_##op(T, (uint32_t)S & 31); NEXT();
#define X_UN(op)  GPR[u->d] = OP_##op(T); NEXT();
#define X_CLX(op) GPR[u->d] = OP_##op(S); NEXT();
#define X_EXT(x)  GPR[u->d] = sext32((uint32_t)S >> u->t & u->imm); NEXT();
#define X_INS(x)                                                                                   \
    GPR[u->d] = sext32((GPR[u->d] & ~((uint64_t)u->imm << u->t)) | (S & u->imm) << u->t);          \
    NEXT();
#define X_MOVC(rel)                                                                                \
    {                                                                                              \
        uint64_t *d_ = &GPR[u->d];                                                                 \
        *d_ = T rel 0 ? S : *d_;                                                                   \
        NEXT();                                                                                    \
    }
#define X_MFHL(r) GPR[u->d] = cpu->r; NEXT();
#define X_MTHL(r) cpu->r = S; NEXT();
#define X_MULT(type, wide)                                                                         \
    {                                                                                              \
        uint64_t product_ = (uint64_t)((wide)(type)S * (wide)(type)T);                             \
        cpu->lo = sext32(product_);                                                                \
        cpu->hi = sext32(product_ >> 32);                                                          \
        NEXT();                                                                                    \
    }
#define X_NOP(x) NEXT();

/* Sums of 32-bit operands in 64 bits overflow if they are not sign-extended. */
#define ADD_TRAPPING(a, sign, b)                                                                   \
    {                                                                                              \
        uint64_t sum_ = (a) sign (b);                                                              \
        if (UNLIKELY(sum_ != sext32(sum_))) {                                                      \
            code = EXC_OV;                                                                         \
            goto raise;                                                                            \
        }                                                                                          \
        GPR[u->d] = sum_;                                                                          \
        NEXT();                                                                                    \
    }
#define SIGN_ADD +
#define SIGN_SUB -
#define X_ADS(op) ADD_TRAPPING(S, SIGN_##op, T)
#define X_ADI(x)  ADD_TRAPPING(S, +, (uint64_t)(int64_t)(int32_t)u->imm)
#define TRAP_IF(cond, b)                                                                           \
    {                                                                                              \
        uint64_t a_ = S, b_ = (b);                                                                 \
        if (UNLIKELY(cond)) {                                                                      \
            code = EXC_TR;                                                                         \
            goto raise;                                                                            \
        }                                                                                          \
        NEXT();                                                                                    \
    }
#define T_GE  C_GE
#define T_GEU C_GEU
#define T_LT  C_LT
#define T_LTU C_LTU
#define T_EQ  C_TEQ
#define T_NE  C_TNE
#define X_TRAP(c)  TRAP_IF(T_##c, T)
#define X_TRAPI(c) TRAP_IF(T_##c, (uint64_t)(int64_t)(int32_t)u->imm)

/* Loads and stores: a look into the software TLB of the mode (cpu.h). */
#define EA()            ADDRESS(S + (uint64_t)(int64_t)(int32_t)u->imm)
#define HIT(add, va, bits) ((add) > 0 && ((va) & ((bits) / 8 - 1)) == 0)
#define HOST(add, va)   ((void *)(uintptr_t)((uint64_t)(add) + (uint32_t)(va)))
#define X_LD(bits, type)                                                                           \
    {                                                                                              \
        uint64_t va_ = EA();                                                                       \
        int64_t add_ = cpu->mode_cache->read[(uint32_t)va_ >> PAGE_BITS];                          \
        if (UNLIKELY(!HIT(add_, va_, bits))) {                                                     \
            SYNC();                                                                                \
            result = mmu_load_slow(cpu, va_, (bits) / 8, &value);                                  \
            if (result <= OP_LEAVE)                                                                \
                GPR[u->d] = (uint64_t)(int64_t)(type)value;                                        \
            if (UNLIKELY(result))                                                                  \
                goto leave;                                                                        \
            NEXT();                                                                                \
        }                                                                                          \
        GPR[u->d] = (uint64_t)(int64_t)(type)MEM_LOAD(bits, HOST(add_, va_));                      \
        NEXT();                                                                                    \
    }
/* lwl and lwr load the aligned word and merge; `at` is the byte's place from
 * the word's least significant end. */
#define AT_LE(va) ((va) & 3)
#define AT_BE(va) (~(va) & 3)
#define MERGE_LWL(old, word, at)                                                                   \
    (((uint32_t)(word) << (24 - 8 * (at))) |                                                       \
     ((uint32_t)(old) & (uint32_t)(UINT64_C(0x00ffffff) >> (8 * (at)))))
#define MERGE_LWR(old, word, at)                                                                   \
    (((uint32_t)(word) >> (8 * (at))) |                                                            \
     ((uint32_t)(old) & (uint32_t) ~(UINT64_C(0xffffffff) >> (8 * (at)))))
#define X_LDX(op)                                                                                  \
    {                                                                                              \
        uint64_t va_ = EA();                                                                       \
        unsigned at_ = (unsigned)MEM_AT(va_);                                                      \
        int64_t add_ = cpu->mode_cache->read[(uint32_t)va_ >> PAGE_BITS];                          \
        if (LIKELY(add_ > 0)) {                                                                    \
            value = MEM_LOAD(32, HOST(add_, va_ & ~UINT64_C(3)));                                  \
            GPR[u->d] = sext32(MERGE_##op(GPR[u->t], value, at_));                                 \
            NEXT();                                                                                \
        }                                                                                          \
        SYNC();                                                                                    \
        cpu->fault_low = va_ & 3;                                                                  \
        result = mmu_load_slow(cpu, va_ & ~UINT64_C(3), 4, &value);                                \
        cpu->fault_low = 0;                                                                        \
        if (result <= OP_LEAVE)                                                                    \
            GPR[u->d] = sext32(MERGE_##op(GPR[u->t], value, at_));                                 \
        if (UNLIKELY(result))                                                                      \
            goto leave;                                                                            \
        NEXT();                                                                                    \
    }
#define X_ST(bits)                                                                                 \
    {                                                                                              \
        uint64_t va_ = EA();                                                                       \
        int64_t add_ = cpu->mode_cache->write[(uint32_t)va_ >> PAGE_BITS];                         \
        if (UNLIKELY(!HIT(add_, va_, bits))) {                                                     \
            SYNC();                                                                                \
            result = mmu_store_slow(cpu, va_, (bits) / 8, T);                                      \
            if (UNLIKELY(result))                                                                  \
                goto leave;                                                                        \
            NEXT();                                                                                \
        }                                                                                          \
        MEM_STORE(bits, HOST(add_, va_), T);                                                       \
        NEXT();                                                                                    \
    }

#define X_CALL(fn)                                                                                 \
    SYNC();                                                                                        \
    result = op_##fn(cpu, u->imm);                                                                 \
    if (UNLIKELY(result))                                                                          \
        goto leave;                                                                                \
    NEXT();
#define X_END(fn)                                                                                  \
    SYNC();                                                                                        \
    result = op_##fn(cpu, u->imm);                                                                 \
    goto leave;

#define LINK(r)                                                                                    \
    do {                                                                                           \
        cpu->link_old = GPR[r];                                                                    \
        GPR[r] = PC_LINK();                                                                        \
    } while (0)
#define NULLIFY()                                                                                  \
    do {                                                                                           \
        budget++; /* the slot is no step */                                                        \
        FOLLOW(u, 0, 0);                                                                           \
    } while (0)

#define X_BR(c) cpu->taken = C_##c; NEXT();
#define F_BR(c) FOLLOW(u, C_##c, u->imm);
#define X_BRL(c)                                                                                   \
    if (!(C_##c))                                                                                  \
        NULLIFY();                                                                                 \
    cpu->taken = 1;                                                                                \
    u += 2;                                                                                        \
    goto *u->op;
#define F_BRL(c)                                                                                   \
    if (!(C_##c))                                                                                  \
        NULLIFY();                                                                                 \
    FOLLOW(u, 1, u->imm);
#define X_BAL(c) cpu->taken = C_##c; LINK(31); NEXT();
#define F_BAL(c)                                                                                   \
    {                                                                                              \
        unsigned taken_ = C_##c;                                                                   \
        LINK(31);                                                                                  \
        FOLLOW(u, taken_, u->imm);                                                                 \
    }
#define X_BALL(c)                                                                                  \
    {                                                                                              \
        unsigned taken_ = C_##c;                                                                   \
        LINK(31);                                                                                  \
        if (!taken_)                                                                               \
            NULLIFY();                                                                             \
        cpu->taken = 1;                                                                            \
        u += 2;                                                                                    \
        goto *u->op;                                                                               \
    }
#define F_BALL(c)                                                                                  \
    {                                                                                              \
        unsigned taken_ = C_##c;                                                                   \
        LINK(31);                                                                                  \
        if (!taken_)                                                                               \
            NULLIFY();                                                                             \
        FOLLOW(u, 1, u->imm);                                                                      \
    }
#define FCC_IS(tf) ((cpu->fcsr >> u->t & 1) == (tf))
#define FPU_CHECK()                                                                                \
    if (UNLIKELY(!(cpu->c0[C0_STATUS] & STATUS_CU1)))                                              \
        goto no_fpu;
#define X_BRF(tf) FPU_CHECK() cpu->taken = FCC_IS(tf); NEXT();
#define F_BRF(tf) FPU_CHECK() FOLLOW(u, FCC_IS(tf), u->imm);
#define X_BRFL(tf)                                                                                 \
    FPU_CHECK()                                                                                    \
    if (!FCC_IS(tf))                                                                               \
        NULLIFY();                                                                                 \
    cpu->taken = 1;                                                                                \
    u += 2;                                                                                        \
    goto *u->op;
#define F_BRFL(tf)                                                                                 \
    FPU_CHECK()                                                                                    \
    if (!FCC_IS(tf))                                                                               \
        NULLIFY();                                                                                 \
    FOLLOW(u, 1, u->imm);
#define J_TARGET() ADDRESS((cpu->page_va & ~UINT64_C(0x0fffffff)) + u->imm)
#define LINK_J0
#define LINK_J1 LINK(31);
#define X_J(l) LINK_J##l NEXT();
#define F_J(l) LINK_J##l ENTER_VA(J_TARGET());
#define LINK_JR0
#define LINK_JR1 LINK(u->d);
#define X_JR(l) cpu->btarget = S; LINK_JR##l NEXT();
#define F_JR(l)                                                                                    \
    {                                                                                              \
        uint64_t to_ = S;                                                                          \
        LINK_JR##l ENTER_VA(to_);                                                                  \
    }

/* Fused forms exist for branches only. */
#define F_NONE
#define F_CALL(fn)
#define F_END(fn)
#define F_ALU(op)
#define F_ALI(op)
#define F_ALZ(op)
#define F_ADS(op)
#define F_ADI(op)
#define F_LUI(x)
#define F_SHI(op)
#define F_SHV(op)
#define F_UN(op)
#define F_CLX(op)
#define F_EXT(x)
#define F_INS(x)
#define F_MOVC(rel)
#define F_MFHL(r)
#define F_MTHL(r)
#define F_MULT(t, tt)
#define F_TRAP(c)
#define F_TRAPI(c)
#define F_LD(bits, type)
#define F_LDX(op)
#define F_ST(bits)
#define F_NOP(x)

void INTERP_NAME(struct mips *cpu, struct block *b)
{
    static const void *const labels[UOP_LABELS] = {
        [UOP_NOP] = __extension__ &&L_NOP,
        [UOP_POINT] = __extension__ &&L_POINT,
        [UOP_FALL] = __extension__ &&L_FALL,
        [UOP_GONE] = __extension__ &&L_GONE,
        [UOP_GO] = __extension__ &&L_GO,
        [UOP_GO_J] = __extension__ &&L_GO_J,
        [UOP_GO_JR] = __extension__ &&L_GO_JR,
        [UOP_SLOT_BRANCH] = __extension__ &&L_SLOT_BRANCH,
#define INSN(table, slot, id, isa, text, args, sem, attr)                                          \
    [UOP_INSN + INSN_##id] = __extension__ &&X_##id,                                               \
    [UOP_FUSED + INSN_##id] = __extension__ &&F_##id,
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
    };
    if (b == NULL) {
        cpu->labels = labels;
        return;
    }
    const struct uop *u;
    int64_t budget = cpu->budget;
    enum op_result result;
    enum mips_exc code = EXC_RI;
    uint64_t value = 0;
    ENTER(b);

L_NOP:
    NEXT();
L_POINT:
    SYNC();
    result = points_check_fetch(cpu);
    if (UNLIKELY(result))
        goto leave;
    NEXT();
L_FALL:
    FOLLOW(u, 0, 0);
L_GONE: /* by a link from before it was forgotten */
    budget += cpu->cur->run;
    ENTER_VA(ADDRESS(cpu->page_va + cpu->cur->start));
L_GO:
    FOLLOW(u, cpu->taken, u->imm);
L_GO_J:
    ENTER_VA(J_TARGET());
L_GO_JR:
    ENTER_VA(cpu->btarget);
L_SLOT_BRANCH:
    code = EXC_RI;
    goto raise;

#define INSN(table, slot, id, isa, text, args, sem, attr) X_##id : X_##sem
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#define INSN(table, slot, id, isa, text, args, sem, attr) F_##id : F_##sem
#include "mips/insn.def"
#undef INSN
#undef REFINE

raise:
    SYNC();
    result = exc_raise(cpu, code);
    goto leave;
no_fpu:
    SYNC();
    result = exc_coprocessor(cpu, 1);
leave:
    run_leave(cpu, u, result);
    return;
out_of_budget:
    cpu->pc = ADDRESS(cpu->page_va + cpu->cur->start);
    budget += cpu->cur->run;
lookup:
    cpu->u = NULL;
    cpu->budget = budget;
}
