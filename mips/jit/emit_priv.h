/*
 * The parts an x86-64 instruction is made of; for emit_x64.c and emit_x64_fp.c.
 *
 * An instruction is [prefix] [REX] [0F [38 | 3A]] opcode ModRM [SIB] [disp] [imm].
 * What comes before ModRM is described by one word, so that it is a constant
 * where the caller knows all of it:
 *
 *   bits 0..7  opcode     bits 8..9  opcode map      bits 16..23  prefix 66, F2, F3 or 0
 *   bits 24..31  REX: OP_REX forces one that has no bits, OP_W is for 8 bytes
 *
 * Optional bytes are always stored; only the step over them depends: a store is
 * cheaper than a jump that is guessed wrongly. So up to 4 bytes after an
 * instruction's end may be overwritten, never more than EMIT_INSN_MAX from its start.
 */
#ifndef MIPS_JIT_EMIT_PRIV_H
#define MIPS_JIT_EMIT_PRIV_H

#include <string.h>

#include "mips/jit/emit.h"

#define MAP_0F   0x100u
#define MAP_0F38 0x200u
#define MAP_0F3A 0x300u
#define OP_66    0x660000u
#define OP_F2    0xf20000u
#define OP_F3    0xf30000u
#define OP_REX   0x40000000u
#define OP_W     0x48000000u

/* What the operand size adds to an instruction without a byte form. */
static inline uint32_t op_size(unsigned width)
{
    return (width == 8 ? OP_W : 0) | (width == 2 ? OP_66 : 0);
}

/* The same where opcode bit 0 tells bytes from the rest. */
static inline uint32_t op_size_w(unsigned width)
{
    return op_size(width) | (width != 1);
}

/* Byte operands 4..7 are ah ... bh without a REX. */
static inline uint32_t op_byte_reg(unsigned width, unsigned reg)
{
    return width == 1 && reg >= RSP ? OP_REX : 0;
}

static inline uint8_t *put_byte(uint8_t *p, unsigned byte)
{
    *p = (uint8_t)byte;
    return p + 1;
}

static inline uint8_t *put_32(uint8_t *p, int32_t value)
{
    memcpy(p, &value, 4);
    return p + 4;
}

/* An immediate of an operand of `width` bytes: 1, 2 or 4 bytes. */
static inline uint8_t *put_imm(uint8_t *p, unsigned width, int32_t value)
{
    memcpy(p, &value, 4);
    return p + (width == 8 ? 4 : width);
}

/* All that comes before ModRM; `rxb` has the high bits of the registers. */
static inline uint8_t *put_op(uint8_t *p, uint32_t op, unsigned rxb)
{
    unsigned prefix = op >> 16 & 0xff, rex = op >> 24 | rxb, map = op & 0x300;
    *p = (uint8_t)prefix;
    p += prefix != 0;
    *p = (uint8_t)(0x40 | rex);
    p += rex != 0;
    if (map)
        *p++ = 0x0f;
    if (map > MAP_0F)
        *p++ = map == MAP_0F38 ? 0x38 : 0x3a;
    return put_byte(p, op);
}

/* An instruction whose opcode has the register in its low bits. */
static inline uint8_t *put_op_r(uint8_t *p, uint32_t op, unsigned reg)
{
    return put_op(p, op | (reg & 7), reg >> 3);
}

/* With a register, or a digit of the opcode, and a register. */
static inline uint8_t *put_rr(uint8_t *p, uint32_t op, unsigned reg, unsigned rm)
{
    p = put_op(p, op, reg >> 3 << 2 | rm >> 3);
    return put_byte(p, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/*
 * With a register, or a digit of the opcode, and memory. Base 4 says that a SIB
 * follows, there index 4 is none; base 5 without displacement is no base.
 */
static inline uint8_t *put_rm(uint8_t *p, uint32_t op, unsigned reg, struct host_mem m)
{
    unsigned index = m.index == HOST_NONE ? 4 : m.index, base = m.base, mod, size;
    if (base == HOST_NONE) {
        base = 5;
        mod = 0;
        size = 4;
    } else if (m.disp == (int8_t)m.disp) {
        mod = size = m.disp != 0 || (base & 7) == 5;
    } else {
        mod = 2;
        size = 4;
    }
    p = put_op(p, op, reg >> 3 << 2 | index >> 3 << 1 | base >> 3);
    unsigned modrm = mod << 6 | (reg & 7) << 3;
    if (index != 4 || (base & 7) == 4 || m.base == HOST_NONE) {
        *p++ = (uint8_t)(modrm | 4);
        unsigned scale = (unsigned)__builtin_ctz(m.scale);
        *p++ = (uint8_t)(scale << 6 | (index & 7) << 3 | (base & 7));
    } else {
        *p++ = (uint8_t)(modrm | (base & 7));
    }
    put_32(p, m.disp);
    return p + size;
}

#endif
