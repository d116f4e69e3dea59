/*
 * What a case puts into memory: the body's slot, the fixed code that loads and
 * stores FPU registers, and their values; and what can be said of a word.
 */
#include <string.h>

#include "tests/diff/diff.h"

#define SYSCALL 0x0000000cu

uint32_t diff_code_va(const struct diff_case *c)
{
    return DIFF_KSEG0 + DIFF_CODE + c->slot * DIFF_SLOT;
}

uint32_t diff_status(const struct diff_case *c)
{
    return 1u << 28 | (uint32_t)c->model->fpu << 29 | (uint32_t)c->fr << 26; /* CU0, CU1, FR */
}

void diff_put32(uint8_t *at, uint32_t v, bool big_endian)
{
    for (int i = 0; i < 4; i++)
        at[big_endian ? 3 - i : i] = (uint8_t)(v >> 8 * i);
}

uint32_t diff_get32(const uint8_t *at, bool big_endian)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++)
        v |= (uint32_t)at[big_endian ? 3 - i : i] << 8 * i;
    return v;
}

void diff_slot_image(const struct diff_case *c, uint8_t *at)
{
    for (unsigned i = 0; i < DIFF_SLOT / 4; i++)
        diff_put32(at + 4 * i, i < c->words ? c->code[i] : SYSCALL, c->big_endian);
}

bool diff_removable(uint32_t w)
{
    uint32_t op = w >> 26, rs = w >> 21 & 31, rt = w >> 16 & 31;
    bool to_jump = (op == 0x0f || op == 0x0d) && rt == DIFF_R_JUMP;
    bool guard = (op == 0x0d && rs == rt && (w & 0xffff) == 1) || op == 0x0c;

    return w != 0 && !to_jump && !guard;
}

bool diff_is_likely(uint32_t w)
{
    uint32_t op = w >> 26;

    return (op >= 20 && op <= 23) || (op == 1 && (w >> 17 & 7) == 1) ||
           (op == 17 && (w >> 21 & 31) == 8 && (w >> 17 & 1));
}

bool diff_is_branch(uint32_t w)
{
    uint32_t op = w >> 26;

    return (op >= 2 && op <= 7) || (op == 0 && (w & 0x3e) == 8) ||
           (op == 1 && (w >> 17 & 7) == 0) || (op == 17 && (w >> 21 & 31) == 8) ||
           diff_is_likely(w);
}

/* ---- fixed code ---- */

static uint32_t base_high(void)
{
    return 0x3c010000 | (DIFF_KSEG0 + DIFF_FPU) >> 16; /* lui $1 */
}

static uint32_t with_base(uint32_t op, uint32_t rt, uint32_t offset)
{
    return op << 26 | 1u << 21 | rt << 16 | (DIFF_FPU + offset);
}

unsigned diff_fpu_load(bool fr, uint32_t *code)
{
    unsigned n = 0;

    code[n++] = base_high();
    for (uint32_t i = 0; i < 32; i += fr ? 1 : 2)
        code[n++] = with_base(0x35, i, 8 * i);
    code[n++] = with_base(0x23, 2, 256);
    code[n++] = 0x44c2f800; /* ctc1 $2, $31 */
    code[n++] = SYSCALL;
    return n;
}

/* Its last store clears LLbit. */
unsigned diff_fpu_store(bool fr, bool fpu, uint32_t *code)
{
    unsigned n = 0;

    code[n++] = base_high();
    if (fpu) {
        for (uint32_t i = 0; i < 32; i += fr ? 1 : 2)
            code[n++] = with_base(0x3d, i, 8 * i);
        code[n++] = 0x4442f800; /* cfc1 $2, $31 */
        code[n++] = with_base(0x2b, 2, 256);
    }
    code[n++] = 0x40024000; /* mfc0 $2, BadVAddr */
    code[n++] = with_base(0x2b, 2, 260);
    code[n++] = with_base(0x38, 2, 264);
    code[n++] = SYSCALL;
    return n;
}

void diff_fpu_pack(const struct diff_case *c, uint8_t *at)
{
    memset(at, 0, DIFF_FPU_SIZE);
    for (int i = 0; i < 32; i++) {
        diff_put32(at + 8 * i + (c->big_endian ? 4 : 0), (uint32_t)c->fpr[i], c->big_endian);
        diff_put32(at + 8 * i + (c->big_endian ? 0 : 4), (uint32_t)(c->fpr[i] >> 32),
                   c->big_endian);
    }
    diff_put32(at + 256, c->fcsr, c->big_endian);
}

void diff_fpu_unpack(const struct diff_case *c, const uint8_t *at, struct diff_state *out)
{
    memset(out->fpr, 0, sizeof(out->fpr));
    out->fcsr = 0;
    if (c->fpu) {
        for (int i = 0; i < 32; i += c->fr ? 1 : 2)
            out->fpr[i] = diff_get32(at + 8 * i + (c->big_endian ? 4 : 0), c->big_endian) |
                          (uint64_t)diff_get32(at + 8 * i + (c->big_endian ? 0 : 4), c->big_endian)
                              << 32;
        out->fcsr = diff_get32(at + 256, c->big_endian);
    }
    /* BadVAddr is defined after address errors only. */
    out->badvaddr = out->exc == 4 || out->exc == 5 ? diff_get32(at + 260, c->big_endian) : 0;
}
