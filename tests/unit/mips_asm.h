/* Instruction words by name, for tests. Registers are numbers. */
#ifndef TESTS_UNIT_MIPS_ASM_H
#define TESTS_UNIT_MIPS_ASM_H

#include <stdint.h>

enum { ZERO, AT, V0, V1, A0, A1, A2, A3, T0, T1, T2, T3, T4, T5, T6, T7, S0, S1, S2, S3, K0 = 26,
       K1, GP, SP, RA = 31 };

#define ASM_R(funct, rd, rs, rt) ((uint32_t)((rs) << 21 | (rt) << 16 | (rd) << 11 | (funct)))
#define ASM_I(op, rt, rs, imm)                                                                     \
    ((uint32_t)(op) << 26 | (uint32_t)((rs) << 21 | (rt) << 16) | ((uint32_t)(imm) & 0xffff))
#define NOP_W           0u
#define ADDU_W(d, s, t) ASM_R(0x21, d, s, t)
#define ADD_W(d, s, t)  ASM_R(0x20, d, s, t)
#define XOR_W(d, s, t)  ASM_R(0x26, d, s, t)
#define ADDIU_W(t, s, i) ASM_I(0x09, t, s, i)
#define ORI_W(t, s, i)  ASM_I(0x0d, t, s, i)
#define LUI_W(t, i)     ASM_I(0x0f, t, 0, i)
#define LW_W(t, o, b)   ASM_I(0x23, t, b, o)
#define LB_W(t, o, b)   ASM_I(0x20, t, b, o)
#define LH_W(t, o, b)   ASM_I(0x21, t, b, o)
#define LWL_W(t, o, b)  ASM_I(0x22, t, b, o)
#define LWR_W(t, o, b)  ASM_I(0x26, t, b, o)
#define SWL_W(t, o, b)  ASM_I(0x2a, t, b, o)
#define SWR_W(t, o, b)  ASM_I(0x2e, t, b, o)
#define SW_W(t, o, b)   ASM_I(0x2b, t, b, o)
#define SB_W(t, o, b)   ASM_I(0x28, t, b, o)
#define LL_W(t, o, b)   ASM_I(0x30, t, b, o)
#define SC_W(t, o, b)   ASM_I(0x38, t, b, o)
/* Offsets of branches in words, from the delay slot. */
#define BEQ_W(s, t, o)  ASM_I(0x04, t, s, o)
#define BNE_W(s, t, o)  ASM_I(0x05, t, s, o)
#define BEQL_W(s, t, o) ASM_I(0x14, t, s, o)
#define BGEZAL_W(s, o)  ASM_I(0x01, 0x11, s, o)
#define J_W(a)          (0x08000000u | ((uint32_t)(a) >> 2 & 0x03ffffff))
#define JAL_W(a)        (0x0c000000u | ((uint32_t)(a) >> 2 & 0x03ffffff))
#define JR_W(s)         ASM_R(0x08, 0, s, 0)
#define JALR_W(d, s)    ASM_R(0x09, d, s, 0)
#define SYSCALL_W       0x0000000cu
#define BREAK_W         0x0000000du
#define TEQ_W(s, t)     ASM_R(0x34, 0, s, t)
#define MFC0_W(t, r, sel) (0x40000000u | (uint32_t)((t) << 16 | (r) << 11 | (sel)))
#define MTC0_W(t, r, sel) (0x40800000u | (uint32_t)((t) << 16 | (r) << 11 | (sel)))
#define TLBR_W          0x42000001u
#define TLBWI_W         0x42000002u
#define TLBWR_W         0x42000006u
#define TLBP_W          0x42000008u
#define TLBINV_W        0x42000003u
#define TLBINVF_W       0x42000004u
#define ERET_W          0x42000018u
#define WAIT_W          0x42000020u
#define DI_W            0x41606000u
#define EI_W            0x41606020u
#define RDHWR_W(t, d)   (0x7c00003bu | (uint32_t)((t) << 16 | (d) << 11))

#endif
