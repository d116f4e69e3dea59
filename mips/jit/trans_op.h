/* Names that the shapes of insn.def give to operations, as numbers. */
#ifndef MIPS_JIT_TRANS_OP_H
#define MIPS_JIT_TRANS_OP_H

enum jit_op {
    JOP_ADD, JOP_SUB, JOP_AND, JOP_OR, JOP_XOR, JOP_NOR, JOP_SLT, JOP_SLTU, JOP_MUL, JOP_ADI,
    JOP_SLL, JOP_SRL, JOP_SRA, JOP_ROTR,
    JOP_LWL, JOP_LWR, JOP_SEB, JOP_SEH, JOP_WSBH, JOP_CLZ, JOP_CLO,
    JOP_hi, JOP_lo,
    JOP_int8_t, JOP_int16_t, JOP_int32_t, JOP_uint8_t, JOP_uint16_t, JOP_uint32_t,
    JOP_TRAP_GE, JOP_TRAP_GEU, JOP_TRAP_LT, JOP_TRAP_LTU, JOP_TRAP_EQ, JOP_TRAP_NE,
};

/* Branches: what they compare. */
enum jit_cond { COND_ALWAYS, COND_EQ, COND_NE, COND_LEZ, COND_GTZ, COND_LTZ, COND_GEZ,
                COND_FCC0, COND_FCC1, COND_REGISTER };

#endif
