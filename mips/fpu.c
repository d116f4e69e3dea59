/*
 * The FPU's instructions. Arithmetic is softfp's; here are registers, FCSR,
 * traps, loads and stores. Source: MIPS32 volume I-A, chapter 5.
 *
 * With Status.FR = 0 a double is a pair of 32-bit registers, the even one low;
 * each of the 32 registers is then the low half of its fpr[]. With FR = 1 all
 * are 64 bits wide.
 *
 * An operation that traps changes neither its destination nor FCSR.Flags.
 */
#include "mips/ops.h"
#include "mips/softfp.h"

#define FCSR_CAUSE   0x0003f000u
#define FCSR_FLAGS   0x0000007cu
#define FCSR_ENABLES 0x00000f80u
#define FCSR_CAUSE_E 0x00020000u
#define FCSR_ABS2008 0x00040000u

/* Register fields of FPU words, as the manual calls them. */
#define FR(w) w_rs(w)
#define FT(w) w_rt(w)
#define FS(w) w_rd(w)
#define FD(w) w_sa(w)

static bool wide(const struct mips *cpu)
{
    return cpu->c0[C0_STATUS] & STATUS_FR;
}

static uint32_t get_s(const struct mips *cpu, unsigned r)
{
    return (uint32_t)cpu->fpr[r];
}

static void set_s(struct mips *cpu, unsigned r, uint32_t v)
{
    cpu->fpr[r] = (cpu->fpr[r] & ~UINT64_C(0xffffffff)) | v;
}

static uint64_t get_d(const struct mips *cpu, unsigned r)
{
    if (wide(cpu))
        return cpu->fpr[r];
    return (uint64_t)get_s(cpu, r | 1) << 32 | get_s(cpu, r & ~1u);
}

static void set_d(struct mips *cpu, unsigned r, uint64_t v)
{
    if (wide(cpu)) {
        cpu->fpr[r] = v;
        return;
    }
    set_s(cpu, r & ~1u, (uint32_t)v);
    set_s(cpu, r | 1, (uint32_t)(v >> 32));
}

void fpu_mode_changed(struct mips *cpu)
{
    uint64_t status = cpu->c0[C0_STATUS];
    unsigned regs = status & STATUS_CU1 ? FPU_ON : 0;
    regs |= status & STATUS_FR ? FPU_WIDE : 0;
    regs |= cpu->fcsr & FCSR_ABS2008 ? FPU_2008 : 0;
    cpu->fp_regs = (uint8_t)regs;
    if (cpu->fp_regs & FPU_ON || cpu->fp_usual == 0)
        cpu->fp_usual = (uint8_t)(cpu->fp_regs | FPU_ON);
}

/* May the FPU be used, and are these fields (all doubles) even if they must
 * be? OP_OK, or the exception was entered. */
static enum op_result check(struct mips *cpu, unsigned doubles)
{
    if (UNLIKELY(!(cpu->c0[C0_STATUS] & STATUS_CU1)))
        return exc_coprocessor(cpu, 1);
    if (UNLIKELY(doubles & 1 && !wide(cpu)))
        return exc_raise(cpu, EXC_RI);
    return OP_OK;
}

/* Instructions on the long format need 64-bit registers. */
static enum op_result check_long(struct mips *cpu)
{
    enum op_result r = check(cpu, 0);
    return r == OP_OK && !wide(cpu) ? exc_raise(cpu, EXC_RI) : r;
}

#define TRY_OP(call)                                                                               \
    do {                                                                                           \
        enum op_result try_ = (call);                                                              \
        if (UNLIKELY(try_ != OP_OK))                                                               \
            return try_;                                                                           \
    } while (0)

static struct softfp begin(const struct mips *cpu)
{
    uint32_t f = cpu->fcsr;
    return (struct softfp){.rm = f & 3, .flush = f >> 24 & 1, .nan2008 = f >> 19 & 1,
                           .abs2008 = f >> 18 & 1, .trap_underflow = f >> 8 & 1};
}

/* FCSR after an operation. OP_OK: the result may be written. */
static enum op_result finish(struct mips *cpu, const struct softfp *fp)
{
    uint32_t flags = fp->flags;
    cpu->fcsr = (cpu->fcsr & ~FCSR_CAUSE) | flags << 12;
    if (UNLIKELY(flags << 7 & cpu->fcsr & FCSR_ENABLES))
        return exc_raise(cpu, EXC_FPE);
    cpu->fcsr |= flags << 2;
    return OP_OK;
}

/* ---- arithmetic ---- */

#define IF_D_s(x) 0u
#define IF_D_d(x) (x)
#define TYPE_s uint32_t
#define TYPE_d uint64_t

#define BINARY(name, f)                                                                            \
    enum op_result op_##name##_##f(struct mips *cpu, uint32_t w)                                   \
    {                                                                                              \
        TRY_OP(check(cpu, IF_D_##f(FD(w) | FS(w) | FT(w))));                                       \
        struct softfp fp = begin(cpu);                                                             \
        TYPE_##f v = softfp_##name##_##f(&fp, get_##f(cpu, FS(w)), get_##f(cpu, FT(w)));           \
        TRY_OP(finish(cpu, &fp));                                                                  \
        set_##f(cpu, FD(w), v);                                                                    \
        return OP_OK;                                                                              \
    }
#define UNARY(name, f)                                                                             \
    enum op_result op_##name##_##f(struct mips *cpu, uint32_t w)                                   \
    {                                                                                              \
        TRY_OP(check(cpu, IF_D_##f(FD(w) | FS(w))));                                               \
        struct softfp fp = begin(cpu);                                                             \
        TYPE_##f v = softfp_##name##_##f(&fp, get_##f(cpu, FS(w)));                                \
        TRY_OP(finish(cpu, &fp));                                                                  \
        set_##f(cpu, FD(w), v);                                                                    \
        return OP_OK;                                                                              \
    }
/* With ABS2008 these are no arithmetic, and leave FCSR alone. */
#define SIGN(name, f)                                                                              \
    enum op_result op_##name##_##f(struct mips *cpu, uint32_t w)                                   \
    {                                                                                              \
        TRY_OP(check(cpu, IF_D_##f(FD(w) | FS(w))));                                               \
        struct softfp fp = begin(cpu);                                                             \
        TYPE_##f v = softfp_##name##_##f(&fp, get_##f(cpu, FS(w)));                                \
        if (!fp.abs2008)                                                                           \
            TRY_OP(finish(cpu, &fp));                                                              \
        set_##f(cpu, FD(w), v);                                                                    \
        return OP_OK;                                                                              \
    }
#define FUSED(name, f, subtract, negate)                                                           \
    enum op_result op_##name##_##f(struct mips *cpu, uint32_t w)                                   \
    {                                                                                              \
        TRY_OP(check(cpu, IF_D_##f(FD(w) | FS(w) | FT(w) | FR(w))));                               \
        struct softfp fp = begin(cpu);                                                             \
        TYPE_##f v = softfp_madd_##f(&fp, get_##f(cpu, FS(w)), get_##f(cpu, FT(w)),                \
                                     get_##f(cpu, FR(w)), subtract, negate);                       \
        TRY_OP(finish(cpu, &fp));                                                                  \
        set_##f(cpu, FD(w), v);                                                                    \
        return OP_OK;                                                                              \
    }
#define TO_W(name, f, rm_)                                                                         \
    enum op_result op_##name##_w_##f(struct mips *cpu, uint32_t w)                                 \
    {                                                                                              \
        TRY_OP(check(cpu, IF_D_##f(FS(w))));                                                       \
        struct softfp fp = begin(cpu);                                                             \
        int32_t v = softfp_to_w_##f(&fp, get_##f(cpu, FS(w)), (enum softfp_rm)(rm_));              \
        TRY_OP(finish(cpu, &fp));                                                                  \
        set_s(cpu, FD(w), (uint32_t)v);                                                            \
        return OP_OK;                                                                              \
    }
#define TO_L(name, f, rm_)                                                                         \
    enum op_result op_##name##_l_##f(struct mips *cpu, uint32_t w)                                 \
    {                                                                                              \
        TRY_OP(check_long(cpu));                                                                   \
        struct softfp fp = begin(cpu);                                                             \
        int64_t v = softfp_to_l_##f(&fp, get_##f(cpu, FS(w)), (enum softfp_rm)(rm_));              \
        TRY_OP(finish(cpu, &fp));                                                                  \
        set_d(cpu, FD(w), (uint64_t)v);                                                            \
        return OP_OK;                                                                              \
    }
#define MOVE_IF(name, f, cond)                                                                     \
    enum op_result op_##name##_##f(struct mips *cpu, uint32_t w)                                   \
    {                                                                                              \
        TRY_OP(check(cpu, IF_D_##f(FD(w) | FS(w))));                                               \
        if (cond)                                                                                  \
            set_##f(cpu, FD(w), get_##f(cpu, FS(w)));                                              \
        return OP_OK;                                                                              \
    }
#define COMPARE(f)                                                                                 \
    enum op_result op_c_##f(struct mips *cpu, uint32_t w)                                          \
    {                                                                                              \
        TRY_OP(check(cpu, IF_D_##f(FS(w) | FT(w))));                                               \
        struct softfp fp = begin(cpu);                                                             \
        unsigned order =                                                                           \
            softfp_compare_##f(&fp, get_##f(cpu, FS(w)), get_##f(cpu, FT(w)), w >> 3 & 1);         \
        TRY_OP(finish(cpu, &fp));                                                                  \
        set_fcc(cpu, w >> 8 & 7, order & w & 7);                                                   \
        return OP_OK;                                                                              \
    }

unsigned fpu_fcc_bit(unsigned cc)
{
    return cc ? 24 + cc : 23;
}

static bool get_fcc(const struct mips *cpu, unsigned cc)
{
    return cpu->fcsr >> fpu_fcc_bit(cc) & 1;
}

static void set_fcc(struct mips *cpu, unsigned cc, bool value)
{
    cpu->fcsr = (cpu->fcsr & ~(1u << fpu_fcc_bit(cc))) | (uint32_t)value << fpu_fcc_bit(cc);
}

#define BOTH(f)                                                                                    \
    BINARY(add, f)                                                                                 \
    BINARY(sub, f)                                                                                 \
    BINARY(mul, f)                                                                                 \
    BINARY(div, f)                                                                                 \
    UNARY(sqrt, f)                                                                                 \
    UNARY(recip, f)                                                                                \
    UNARY(rsqrt, f)                                                                                \
    SIGN(abs, f)                                                                                   \
    SIGN(neg, f)                                                                                   \
    FUSED(madd, f, false, false)                                                                   \
    FUSED(msub, f, true, false)                                                                    \
    FUSED(nmadd, f, false, true)                                                                   \
    FUSED(nmsub, f, true, true)                                                                    \
    TO_W(round, f, SOFTFP_RN)                                                                      \
    TO_W(trunc, f, SOFTFP_RZ)                                                                      \
    TO_W(ceil, f, SOFTFP_RP)                                                                       \
    TO_W(floor, f, SOFTFP_RM)                                                                      \
    TO_W(cvt, f, fp.rm)                                                                            \
    TO_L(round, f, SOFTFP_RN)                                                                      \
    TO_L(trunc, f, SOFTFP_RZ)                                                                      \
    TO_L(ceil, f, SOFTFP_RP)                                                                       \
    TO_L(floor, f, SOFTFP_RM)                                                                      \
    TO_L(cvt, f, fp.rm)                                                                            \
    MOVE_IF(mov, f, true)                                                                          \
    MOVE_IF(movz, f, cpu->gpr[w_rt(w)] == 0)                                                       \
    MOVE_IF(movn, f, cpu->gpr[w_rt(w)] != 0)                                                       \
    MOVE_IF(movf, f, !get_fcc(cpu, w >> 18 & 7))                                                   \
    MOVE_IF(movt, f, get_fcc(cpu, w >> 18 & 7))                                                    \
    COMPARE(f)
BOTH(s)
BOTH(d)

/* Conversions between the formats: to `f`, from `g`. */
#define CONVERT(f, g, check_, from_)                                                               \
    enum op_result op_cvt_##f##_##g(struct mips *cpu, uint32_t w)                                  \
    {                                                                                              \
        TRY_OP(check_);                                                                            \
        struct softfp fp = begin(cpu);                                                             \
        TYPE_##f v = softfp_cvt_##f##_##g(&fp, from_);                                             \
        TRY_OP(finish(cpu, &fp));                                                                  \
        set_##f(cpu, FD(w), v);                                                                    \
        return OP_OK;                                                                              \
    }
CONVERT(d, s, check(cpu, FD(w)), get_s(cpu, FS(w)))
CONVERT(s, d, check(cpu, FS(w)), get_d(cpu, FS(w)))
CONVERT(s, w, check(cpu, 0), (int32_t)get_s(cpu, FS(w)))
CONVERT(d, w, check(cpu, FD(w)), (int32_t)get_s(cpu, FS(w)))
CONVERT(s, l, check_long(cpu), (int64_t)get_d(cpu, FS(w)))
CONVERT(d, l, check_long(cpu), (int64_t)get_d(cpu, FS(w)))

/* ---- moves ---- */

enum op_result op_movf(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    if (!get_fcc(cpu, w >> 18 & 7))
        op_set_gpr(cpu, w_rd(w), cpu->gpr[w_rs(w)]);
    return OP_OK;
}

enum op_result op_movt(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    if (get_fcc(cpu, w >> 18 & 7))
        op_set_gpr(cpu, w_rd(w), cpu->gpr[w_rs(w)]);
    return OP_OK;
}

enum op_result op_mfc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    op_set_gpr(cpu, w_rt(w), sext32(get_s(cpu, FS(w))));
    return OP_OK;
}

enum op_result op_mtc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    set_s(cpu, FS(w), (uint32_t)cpu->gpr[w_rt(w)]);
    return OP_OK;
}

enum op_result op_mfhc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    op_set_gpr(cpu, w_rt(w), sext32(get_d(cpu, FS(w)) >> 32));
    return OP_OK;
}

enum op_result op_mthc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    uint64_t low = get_d(cpu, FS(w)) & UINT64_C(0xffffffff);
    set_d(cpu, FS(w), cpu->gpr[w_rt(w)] << 32 | low);
    return OP_OK;
}

/* FCSR's parts under other numbers: FCCR 25, FEXR 26, FENR 28. */
enum op_result op_cfc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    uint32_t f = cpu->fcsr, v = 0;
    switch (FS(w)) {
    case 0:
        v = cpu->model->fcr0;
        break;
    case 25:
        v = (f >> 24 & 0xfe) | (f >> 23 & 1);
        break;
    case 26:
        v = f & (FCSR_CAUSE | FCSR_FLAGS);
        break;
    case 28:
        v = (f & (FCSR_ENABLES | 3)) | (f >> 22 & 4);
        break;
    case 31:
        v = f;
        break;
    default:
        break;
    }
    op_set_gpr(cpu, w_rt(w), sext32(v));
    return OP_OK;
}

enum op_result op_ctc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    uint32_t v = (uint32_t)cpu->gpr[w_rt(w)], mask = 0;
    switch (FS(w)) {
    case 25:
        v = (v & 0xfe) << 24 | (v & 1) << 23;
        mask = 0xfe800000;
        break;
    case 26:
        mask = FCSR_CAUSE | FCSR_FLAGS;
        break;
    case 28:
        v = (v & (FCSR_ENABLES | 3)) | (v & 4) << 22;
        mask = FCSR_ENABLES | 3 | 1u << 24;
        break;
    case 31:
        mask = UINT32_MAX;
        break;
    default:
        break;
    }
    mask &= cpu->model->fcr31_rw;
    cpu->fcsr = (cpu->fcsr & ~mask) | (v & mask);
    uint32_t traps = (cpu->fcsr & FCSR_ENABLES) << 5 | FCSR_CAUSE_E;
    return cpu->fcsr & traps ? exc_raise(cpu, EXC_FPE) : OP_OK;
}

/* ---- loads and stores ---- */

static uint64_t offset_address(const struct mips *cpu, uint32_t w)
{
    return sext32(cpu->gpr[w_rs(w)] + (uint64_t)w_simm(w));
}

static uint64_t index_address(const struct mips *cpu, uint32_t w)
{
    return sext32(cpu->gpr[w_rs(w)] + cpu->gpr[w_rt(w)]);
}

static enum op_result load(struct mips *cpu, unsigned r, uint64_t va, unsigned size)
{
    uint64_t value;
    enum op_result result = mmu_load(cpu, va, size, &value);
    if (result > OP_LEAVE)
        return result;
    if (size == 4)
        set_s(cpu, r, (uint32_t)value);
    else
        set_d(cpu, r, value);
    return result;
}

static enum op_result store(struct mips *cpu, unsigned r, uint64_t va, unsigned size)
{
    return mmu_store(cpu, va, size, size == 4 ? get_s(cpu, r) : get_d(cpu, r));
}

enum op_result op_lwc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    return load(cpu, FT(w), offset_address(cpu, w), 4);
}

enum op_result op_swc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    return store(cpu, FT(w), offset_address(cpu, w), 4);
}

enum op_result op_ldc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, FT(w)));
    return load(cpu, FT(w), offset_address(cpu, w), 8);
}

enum op_result op_sdc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, FT(w)));
    return store(cpu, FT(w), offset_address(cpu, w), 8);
}

enum op_result op_lwxc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    return load(cpu, FD(w), index_address(cpu, w), 4);
}

enum op_result op_ldxc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, FD(w)));
    return load(cpu, FD(w), index_address(cpu, w), 8);
}

enum op_result op_swxc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, 0));
    return store(cpu, FS(w), index_address(cpu, w), 4);
}

enum op_result op_sdxc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check(cpu, FS(w)));
    return store(cpu, FS(w), index_address(cpu, w), 8);
}

/* The unaligned forms ignore the low three bits of the address. */
enum op_result op_luxc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check_long(cpu));
    return load(cpu, FD(w), index_address(cpu, w) & ~UINT64_C(7), 8);
}

enum op_result op_suxc1(struct mips *cpu, uint32_t w)
{
    TRY_OP(check_long(cpu));
    return store(cpu, FS(w), index_address(cpu, w) & ~UINT64_C(7), 8);
}

enum op_result op_prefx(struct mips *cpu, uint32_t w)
{
    (void)w;
    return check(cpu, 0);
}
