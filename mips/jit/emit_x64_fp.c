/*
 * SSE instructions of x86-64 (emit.h). A scalar instruction's prefix tells
 * single (F3) from double (F2); a compare's is none or 66.
 */
#include "mips/jit/emit_priv.h"

static inline uint32_t op_scalar(unsigned width)
{
    return MAP_0F | (width == 8 ? OP_F2 : OP_F3);
}

static inline uint32_t op_int(unsigned width)
{
    return width == 8 ? OP_W : 0;
}

void emit_fmov_xm(struct emit *e, unsigned width, unsigned x, struct host_mem m)
{
    e->p = put_rm(e->p, op_scalar(width) | 0x10, x, m);
}

void emit_fmov_mx(struct emit *e, unsigned width, struct host_mem m, unsigned x)
{
    e->p = put_rm(e->p, op_scalar(width) | 0x11, x, m);
}

void emit_fmov_xx(struct emit *e, unsigned d, unsigned s)
{
    e->p = put_rr(e->p, MAP_0F | 0x28, d, s);
}

void emit_fmov_xr(struct emit *e, unsigned width, unsigned x, enum host_reg r)
{
    e->p = put_rr(e->p, OP_66 | MAP_0F | 0x6e | op_int(width), x, r);
}

void emit_fmov_rx(struct emit *e, unsigned width, enum host_reg r, unsigned x)
{
    e->p = put_rr(e->p, OP_66 | MAP_0F | 0x7e | op_int(width), x, r);
}

void emit_pinsrd(struct emit *e, unsigned x, struct host_mem m, unsigned lane)
{
    e->p = put_byte(put_rm(e->p, OP_66 | MAP_0F3A | 0x22, x, m), lane);
}

void emit_pextrd(struct emit *e, struct host_mem m, unsigned x, unsigned lane)
{
    e->p = put_byte(put_rm(e->p, OP_66 | MAP_0F3A | 0x16, x, m), lane);
}

void emit_punpckldq(struct emit *e, unsigned d, unsigned s)
{
    e->p = put_rr(e->p, OP_66 | MAP_0F | 0x62, d, s);
}

void emit_pshufd(struct emit *e, unsigned d, unsigned s, unsigned order)
{
    e->p = put_byte(put_rr(e->p, OP_66 | MAP_0F | 0x70, d, s), order);
}

static const uint8_t fp_opcodes[] = {
    [HOST_FADD] = 0x58, [HOST_FMUL] = 0x59,  [HOST_FSUB] = 0x5c,
    [HOST_FDIV] = 0x5e, [HOST_FSQRT] = 0x51,
};

void emit_fp_xx(struct emit *e, enum host_fp op, unsigned width, unsigned d, unsigned s)
{
    e->p = put_rr(e->p, op_scalar(width) | fp_opcodes[op], d, s);
}

void emit_fp_xm(struct emit *e, enum host_fp op, unsigned width, unsigned d, struct host_mem m)
{
    e->p = put_rm(e->p, op_scalar(width) | fp_opcodes[op], d, m);
}

void emit_fcomi(struct emit *e, unsigned width, bool signalling, unsigned a, unsigned b)
{
    uint32_t opcode = signalling ? 0x2f : 0x2e;
    e->p = put_rr(e->p, MAP_0F | opcode | (width == 8 ? OP_66 : 0), a, b);
}

void emit_fcvt_ff(struct emit *e, unsigned from, unsigned d, unsigned s)
{
    e->p = put_rr(e->p, op_scalar(from) | 0x5a, d, s);
}

void emit_fcvt_fi(struct emit *e, unsigned width, unsigned int_width, unsigned d, enum host_reg s)
{
    e->p = put_rr(e->p, op_scalar(width) | 0x2a | op_int(int_width), d, s);
}

void emit_fcvt_if(struct emit *e, unsigned width, unsigned int_width, bool truncate,
                  enum host_reg d, unsigned s)
{
    uint32_t opcode = truncate ? 0x2c : 0x2d;
    e->p = put_rr(e->p, op_scalar(width) | opcode | op_int(int_width), d, s);
}

void emit_fround(struct emit *e, unsigned width, unsigned d, unsigned s, unsigned mode, bool quiet)
{
    uint32_t opcode = width == 8 ? 0x0b : 0x0a;
    e->p = put_byte(put_rr(e->p, OP_66 | MAP_0F3A | opcode, d, s), mode | (quiet ? 8 : 0));
}

void emit_fxor(struct emit *e, unsigned d, unsigned s)
{
    e->p = put_rr(e->p, MAP_0F | 0x57, d, s);
}

void emit_fand(struct emit *e, unsigned d, unsigned s)
{
    e->p = put_rr(e->p, MAP_0F | 0x54, d, s);
}

void emit_stmxcsr(struct emit *e, struct host_mem m)
{
    e->p = put_rm(e->p, MAP_0F | 0xae, 3, m);
}

void emit_ldmxcsr(struct emit *e, struct host_mem m)
{
    e->p = put_rm(e->p, MAP_0F | 0xae, 2, m);
}
