/*
 * Integer instructions and control flow of x86-64 (emit.h). The encoding itself
 * is in emit_priv.h; here every instruction has its opcode (SDM volume 2, the
 * digit after a slash goes to ModRM) and the choice between its forms.
 */
#include "mips/jit/emit_priv.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct emit_features emit_host_features(void)
{
    struct emit_features f = {0};
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        f.sse41 = c >> 19 & 1;
        f.movbe = c >> 22 & 1;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        f.bmi2 = b >> 8 & 1;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        f.lzcnt = c >> 5 & 1;
#endif
    return f;
}

/* ---- moves ---- */

void emit_mov_rr(struct emit *e, unsigned width, enum host_reg d, enum host_reg s)
{
    e->p = put_rr(e->p, 0x89 | op_size(width), s, d);
}

void emit_mov_ri(struct emit *e, enum host_reg d, uint64_t value)
{
    if (value <= UINT32_MAX) {
        e->p = put_32(put_op_r(e->p, 0xb8, d), (int32_t)(uint32_t)value);
    } else if ((int64_t)value == (int32_t)value) {
        e->p = put_32(put_rr(e->p, 0xc7 | OP_W, 0, d), (int32_t)value);
    } else {
        uint8_t *p = put_op_r(e->p, 0xb8 | OP_W, d);
        memcpy(p, &value, 8);
        e->p = p + 8;
    }
}

void emit_mov_rm(struct emit *e, unsigned width, enum host_reg d, struct host_mem m)
{
    e->p = put_rm(e->p, 0x8b | op_size(width), d, m);
}

void emit_mov_mr(struct emit *e, unsigned width, struct host_mem m, enum host_reg s)
{
    e->p = put_rm(e->p, 0x88 | op_size_w(width) | op_byte_reg(width, s), s, m);
}

void emit_mov_mi(struct emit *e, unsigned width, struct host_mem m, int32_t value)
{
    e->p = put_imm(put_rm(e->p, 0xc6 | op_size_w(width), 0, m), width, value);
}

void emit_movzx_rr(struct emit *e, unsigned from, enum host_reg d, enum host_reg s)
{
    e->p = put_rr(e->p, (MAP_0F | 0xb6 | (from == 2)) | op_byte_reg(from, s), d, s);
}

void emit_movzx_rm(struct emit *e, unsigned from, enum host_reg d, struct host_mem m)
{
    e->p = put_rm(e->p, MAP_0F | 0xb6 | (from == 2), d, m);
}

static inline uint32_t movsx_op(unsigned from, unsigned to)
{
    return (from == 4 ? 0x63 : MAP_0F | 0xbe | (from == 2)) | op_size(to);
}

void emit_movsx_rr(struct emit *e, unsigned from, unsigned to, enum host_reg d, enum host_reg s)
{
    e->p = put_rr(e->p, movsx_op(from, to) | op_byte_reg(from, s), d, s);
}

void emit_movsx_rm(struct emit *e, unsigned from, unsigned to, enum host_reg d, struct host_mem m)
{
    e->p = put_rm(e->p, movsx_op(from, to), d, m);
}

void emit_lea(struct emit *e, unsigned width, enum host_reg d, struct host_mem m)
{
    e->p = put_rm(e->p, 0x8d | op_size(width), d, m);
}

/* Not the one-byte form with rax: for eax and eax that is nop, which clears nothing. */
void emit_xchg_rr(struct emit *e, unsigned width, enum host_reg a, enum host_reg b)
{
    e->p = put_rr(e->p, 0x87 | op_size(width), b, a);
}

void emit_bswap(struct emit *e, unsigned width, enum host_reg d)
{
    e->p = put_op_r(e->p, MAP_0F | 0xc8 | op_size(width), d);
}

void emit_movbe_rm(struct emit *e, unsigned width, enum host_reg d, struct host_mem m)
{
    e->p = put_rm(e->p, MAP_0F38 | 0xf0 | op_size(width), d, m);
}

void emit_movbe_mr(struct emit *e, unsigned width, struct host_mem m, enum host_reg s)
{
    e->p = put_rm(e->p, MAP_0F38 | 0xf1 | op_size(width), s, m);
}

/* ---- arithmetic ---- */

void emit_alu_rr(struct emit *e, enum host_alu op, unsigned width, enum host_reg d, enum host_reg s)
{
    uint32_t rex = op_byte_reg(width, d) | op_byte_reg(width, s);
    e->p = put_rr(e->p, (uint32_t)op << 3 | op_size_w(width) | rex, s, d);
}

void emit_alu_rm(struct emit *e, enum host_alu op, unsigned width, enum host_reg d,
                 struct host_mem m)
{
    e->p = put_rm(e->p, (uint32_t)op << 3 | 2 | op_size_w(width) | op_byte_reg(width, d), d, m);
}

void emit_alu_mr(struct emit *e, enum host_alu op, unsigned width, struct host_mem m,
                 enum host_reg s)
{
    e->p = put_rm(e->p, (uint32_t)op << 3 | op_size_w(width) | op_byte_reg(width, s), s, m);
}

/* The operand's bits of an immediate, sign-extended: 0xffff of 2 bytes is -1. */
static inline int32_t imm_of(unsigned width, int32_t value)
{
    return width == 1 ? (int8_t)value : width == 2 ? (int16_t)value : value;
}

void emit_alu_ri(struct emit *e, enum host_alu op, unsigned width, enum host_reg d, int32_t value)
{
    value = imm_of(width, value);
    if (d == RAX && (width == 1 || value != (int8_t)value)) {
        uint8_t *p = put_op(e->p, (uint32_t)op << 3 | 4 | op_size_w(width), 0);
        e->p = put_imm(p, width, value);
    } else if (value == (int8_t)value) {
        uint32_t opcode = width == 1 ? 0x80 : 0x83;
        uint8_t *p = put_rr(e->p, opcode | op_size(width) | op_byte_reg(width, d), op, d);
        e->p = put_byte(p, (uint8_t)value);
    } else {
        e->p = put_imm(put_rr(e->p, 0x81 | op_size(width), op, d), width, value);
    }
}

void emit_alu_mi(struct emit *e, enum host_alu op, unsigned width, struct host_mem m, int32_t value)
{
    value = imm_of(width, value);
    if (value == (int8_t)value) {
        uint32_t opcode = width == 1 ? 0x80 : 0x83;
        e->p = put_byte(put_rm(e->p, opcode | op_size(width), op, m), (uint8_t)value);
    } else {
        e->p = put_imm(put_rm(e->p, 0x81 | op_size(width), op, m), width, value);
    }
}

void emit_test_rr(struct emit *e, unsigned width, enum host_reg a, enum host_reg b)
{
    uint32_t rex = op_byte_reg(width, a) | op_byte_reg(width, b);
    e->p = put_rr(e->p, 0x84 | op_size_w(width) | rex, b, a);
}

/*
 * The least width that leaves the same flags. Where the immediate's sign bit is
 * clear the result has none beyond the immediate's width: ZF and SF (0) come
 * out the same, and PF always looks at 8 bits only.
 */
static inline unsigned test_width(unsigned width, int32_t value)
{
    return value >= 0 && value <= INT8_MAX ? 1 : width == 8 && value >= 0 ? 4 : width;
}

void emit_test_ri(struct emit *e, unsigned width, enum host_reg a, int32_t value)
{
    width = test_width(width, imm_of(width, value));
    uint8_t *p = a == RAX ? put_op(e->p, 0xa8 | op_size_w(width), 0)
                          : put_rr(e->p, 0xf6 | op_size_w(width) | op_byte_reg(width, a), 0, a);
    e->p = put_imm(p, width, value);
}

void emit_test_mi(struct emit *e, unsigned width, struct host_mem m, int32_t value)
{
    width = test_width(width, imm_of(width, value));
    e->p = put_imm(put_rm(e->p, 0xf6 | op_size_w(width), 0, m), width, value);
}

void emit_shift_ri(struct emit *e, enum host_shift op, unsigned width, enum host_reg d,
                   unsigned count)
{
    uint32_t size = op_size_w(width) | op_byte_reg(width, d);
    if (count == 1)
        e->p = put_rr(e->p, 0xd0 | size, op, d);
    else
        e->p = put_byte(put_rr(e->p, 0xc0 | size, op, d), count);
}

void emit_shift_cl(struct emit *e, enum host_shift op, unsigned width, enum host_reg d)
{
    e->p = put_rr(e->p, 0xd2 | op_size_w(width) | op_byte_reg(width, d), op, d);
}

/* The three-byte VEX: R X B inverted and map; W, the third register inverted, prefix. */
static inline uint8_t *put_vex(uint8_t *p, uint32_t op, unsigned reg, unsigned rm, unsigned third)
{
    uint32_t prefix = op & 0xff0000, w = (op & OP_W) == OP_W;
    p = put_byte(p, 0xc4);
    p = put_byte(p, (0xe0 ^ (reg >> 3 << 7 | rm >> 3 << 5)) | (op >> 8 & 3));
    p = put_byte(p, w << 7 | (third ^ 15) << 3 | (prefix == OP_66 ? 1 : prefix == OP_F3 ? 2 : 3));
    p = put_byte(p, op);
    return put_byte(p, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void emit_shiftx(struct emit *e, enum host_shift op, unsigned width, enum host_reg d,
                 enum host_reg s, enum host_reg count)
{
    uint32_t prefix = op == HOST_SHL ? OP_66 : op == HOST_SHR ? OP_F2 : OP_F3;
    e->p = put_vex(e->p, prefix | MAP_0F38 | 0xf7 | op_size(width), d, s, count);
}

void emit_rorx(struct emit *e, unsigned width, enum host_reg d, enum host_reg s, unsigned count)
{
    e->p = put_byte(put_vex(e->p, OP_F2 | MAP_0F3A | 0xf0 | op_size(width), d, s, 0), count);
}

/* The group F6, F7 with one operand. */
static inline void unary(struct emit *e, unsigned digit, unsigned width, enum host_reg r)
{
    e->p = put_rr(e->p, 0xf6 | op_size_w(width) | op_byte_reg(width, r), digit, r);
}

void emit_neg(struct emit *e, unsigned width, enum host_reg d)
{
    unary(e, 3, width, d);
}

void emit_not(struct emit *e, unsigned width, enum host_reg d)
{
    unary(e, 2, width, d);
}

void emit_imul_rr(struct emit *e, unsigned width, enum host_reg d, enum host_reg s)
{
    e->p = put_rr(e->p, MAP_0F | 0xaf | op_size(width), d, s);
}

void emit_imul_rm(struct emit *e, unsigned width, enum host_reg d, struct host_mem m)
{
    e->p = put_rm(e->p, MAP_0F | 0xaf | op_size(width), d, m);
}

void emit_mul(struct emit *e, unsigned width, bool is_signed, enum host_reg r)
{
    unary(e, 4u + is_signed, width, r);
}

void emit_div(struct emit *e, unsigned width, bool is_signed, enum host_reg r)
{
    unary(e, 6u + is_signed, width, r);
}

void emit_cdq(struct emit *e, unsigned width)
{
    e->p = put_op(e->p, 0x99 | op_size(width), 0);
}

void emit_setcc(struct emit *e, enum host_cc cc, enum host_reg d)
{
    e->p = put_rr(e->p, (MAP_0F | 0x90 | (uint32_t)cc) | op_byte_reg(1, d), 0, d);
}

void emit_setcc_m(struct emit *e, enum host_cc cc, struct host_mem m)
{
    e->p = put_rm(e->p, MAP_0F | 0x90 | (uint32_t)cc, 0, m);
}

void emit_cmov_rr(struct emit *e, enum host_cc cc, unsigned width, enum host_reg d, enum host_reg s)
{
    e->p = put_rr(e->p, MAP_0F | 0x40 | (uint32_t)cc | op_size(width), d, s);
}

void emit_cmov_rm(struct emit *e, enum host_cc cc, unsigned width, enum host_reg d,
                  struct host_mem m)
{
    e->p = put_rm(e->p, MAP_0F | 0x40 | (uint32_t)cc | op_size(width), d, m);
}

void emit_lzcnt(struct emit *e, unsigned width, enum host_reg d, enum host_reg s)
{
    e->p = put_rr(e->p, OP_F3 | MAP_0F | 0xbd | op_size(width), d, s);
}

void emit_bsr(struct emit *e, unsigned width, enum host_reg d, enum host_reg s)
{
    e->p = put_rr(e->p, MAP_0F | 0xbd | op_size(width), d, s);
}

void emit_bt_mi(struct emit *e, unsigned width, struct host_mem m, unsigned bit)
{
    e->p = put_byte(put_rm(e->p, MAP_0F | 0xba | op_size(width), 4, m), bit);
}

/* ---- control ---- */

void emit_push(struct emit *e, enum host_reg r)
{
    e->p = put_op_r(e->p, 0x50, r);
}

void emit_push_i(struct emit *e, int32_t value)
{
    if (value == (int8_t)value)
        e->p = put_byte(put_byte(e->p, 0x6a), (uint8_t)value);
    else
        e->p = put_32(put_byte(e->p, 0x68), value);
}

void emit_pop(struct emit *e, enum host_reg r)
{
    e->p = put_op_r(e->p, 0x58, r);
}

void emit_ret(struct emit *e)
{
    e->p = put_byte(e->p, 0xc3);
}

void emit_ud2(struct emit *e)
{
    e->p = put_byte(put_byte(e->p, 0x0f), 0x0b);
}

/* No-operations of 1 to 8 bytes, as the SDM recommends them. */
static const uint8_t nops[8][8] = {
    {0x90},
    {0x66, 0x90},
    {0x0f, 0x1f, 0x00},
    {0x0f, 0x1f, 0x40},
    {0x0f, 0x1f, 0x44},
    {0x66, 0x0f, 0x1f, 0x44},
    {0x0f, 0x1f, 0x80},
    {0x0f, 0x1f, 0x84},
};

void emit_align(struct emit *e, unsigned to)
{
    unsigned left = (unsigned)(0 - (uintptr_t)emit_here(e)) & (to - 1);
    while (left) {
        unsigned n = left < 8 ? left : 8;
        memcpy(e->p, nops[n - 1], n);
        e->p += n;
        left -= n;
    }
}

/* The distance from the end of the 4 bytes at `p` to `target`. */
static inline int64_t distance(const struct emit *e, const uint8_t *p, const void *target)
{
    return (int64_t)((uintptr_t)target - (uintptr_t)(p + 4 + e->rx));
}

void emit_jmp(struct emit *e, const void *target)
{
    emit_patch(e, emit_jmp_later(e), target);
}

void emit_jcc(struct emit *e, enum host_cc cc, const void *target)
{
    emit_patch(e, emit_jcc_later(e, cc), target);
}

void emit_call(struct emit *e, const void *target)
{
    int64_t d = distance(e, e->p + 1, target);
    if (LIKELY(d == (int32_t)d)) {
        e->p = put_32(put_byte(e->p, 0xe8), (int32_t)d);
    } else {
        emit_mov_ri(e, RAX, (uintptr_t)target);
        emit_call_r(e, RAX);
    }
}

void emit_jmp_r(struct emit *e, enum host_reg r)
{
    e->p = put_rr(e->p, 0xff, 4, r);
}

void emit_jmp_m(struct emit *e, struct host_mem m)
{
    e->p = put_rm(e->p, 0xff, 4, m);
}

void emit_call_r(struct emit *e, enum host_reg r)
{
    e->p = put_rr(e->p, 0xff, 2, r);
}

void emit_call_m(struct emit *e, struct host_mem m)
{
    e->p = put_rm(e->p, 0xff, 2, m);
}

uint8_t *emit_jmp_later(struct emit *e)
{
    uint8_t *site = put_byte(e->p, 0xe9);
    e->p = put_32(site, 0);
    return site;
}

uint8_t *emit_jcc_later(struct emit *e, enum host_cc cc)
{
    uint8_t *site = put_op(e->p, MAP_0F | 0x80 | (uint32_t)cc, 0);
    e->p = put_32(site, 0);
    return site;
}

void emit_patch(const struct emit *e, uint8_t *site, const void *target)
{
    put_32(site, (int32_t)distance(e, site, target));
}

uint8_t *emit_jcc8_later(struct emit *e, enum host_cc cc)
{
    uint8_t *site = put_byte(e->p, 0x70 | (unsigned)cc);
    e->p = put_byte(site, 0);
    return site;
}

uint8_t *emit_jmp8_later(struct emit *e)
{
    uint8_t *site = put_byte(e->p, 0xeb);
    e->p = put_byte(site, 0);
    return site;
}

void emit_patch8(const struct emit *e, uint8_t *site)
{
    *site = (uint8_t)(e->p - (site + 1));
}
