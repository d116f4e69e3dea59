/*
 * Differential test of the processor: the same random program in one of disco's
 * engines and in another implementation (libunicorn), from the same state;
 * everything that the architecture defines must be equal afterwards.
 *
 * A case is a straight or forward-branching body of instructions, so it always
 * ends; the rest of its slot is filled with syscalls. The first exception, one of
 * those or an earlier one, ends the case. FPU registers are loaded and stored by fixed
 * code, run in both, because unicorn cannot name them.
 *
 * Memory, as physical addresses; all is used through kseg0.
 */
#ifndef TESTS_DIFF_DIFF_H
#define TESTS_DIFF_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mips/mips.h"
#include "tests/rng.h"

#define DIFF_KSEG0     0x80000000u
#define DIFF_RAM       0x100000u
#define DIFF_VECTOR    0x0180u  /* general exception */
#define DIFF_DATA      0x4000u  /* what loads and stores of a body touch */
#define DIFF_DATA_SIZE 0x1000u
#define DIFF_FPU       0x6000u  /* 32 doubles, FCSR, BadVAddr: struct diff_fpu */
#define DIFF_LOAD      0x7000u  /* code: FPU registers from DIFF_FPU */
#define DIFF_STORE     0x7800u  /* code: and back */
#define DIFF_CODE      0x10000u /* bodies, in turns one DIFF_SLOT after the other */
#define DIFF_SLOT      0x200u
#define DIFF_SLOTS     ((DIFF_RAM - DIFF_CODE) / DIFF_SLOT)
#define DIFF_BODY_MAX  48
#define DIFF_R_JUMP    26 /* holds targets of register jumps, nothing else */


struct diff_model {
    const char *name;   /* disco's */
    int unicorn;        /* uc_cpu_mips32 */
    bool fpu;
    bool release2;
    bool abs2008;
};

/* A program and the state that it starts from. */
struct diff_case {
    const struct diff_model *model;
    bool big_endian;
    bool fr;  /* Status.FR */
    bool fpu; /* loads, compares FPU registers, and uses them */
    uint32_t gpr[32], hi, lo;
    uint64_t fpr[32];
    uint32_t fcsr;
    uint32_t slot;  /* which DIFF_SLOT */
    unsigned words; /* of the body */
    uint32_t code[DIFF_BODY_MAX];
    uint8_t data[DIFF_DATA_SIZE];
};

/* The state that it ends in. */
struct diff_state {
    uint32_t gpr[32], hi, lo;
    uint64_t fpr[32];
    uint32_t fcsr;
    uint32_t badvaddr;
    uint32_t epc;     /* of the instruction itself, also in a delay slot */
    uint32_t exc;     /* Cause.ExcCode */
    uint32_t retired; /* instructions completed; without a branch undone by its slot */
    uint8_t data[DIFF_DATA_SIZE];
};

/* ---- diff_gen.c ---- */
void diff_generate(struct rng *r, struct diff_case *c);

/* ---- diff_image.c ---- */
uint32_t diff_code_va(const struct diff_case *c);
uint32_t diff_status(const struct diff_case *c); /* to start with */
/* May the word become a nop without sending a jump astray, or making another
 * instruction unpredictable? */
bool diff_removable(uint32_t w);
bool diff_is_likely(uint32_t w);
bool diff_is_branch(uint32_t w); /* any with a delay slot */
/* The fixed code; returns its number of words, the last one a syscall. */
unsigned diff_fpu_load(bool fr, uint32_t *code);
unsigned diff_fpu_store(bool fr, bool fpu, uint32_t *code);
/* The body and the syscalls behind it: DIFF_SLOT bytes. */
void diff_slot_image(const struct diff_case *c, uint8_t *at);
void diff_put32(uint8_t *at, uint32_t v, bool big_endian);
uint32_t diff_get32(const uint8_t *at, bool big_endian);
/* The 32 registers at DIFF_FPU, as the fixed code leaves or takes them. */
void diff_fpu_pack(const struct diff_case *c, uint8_t *at);
void diff_fpu_unpack(const struct diff_case *c, const uint8_t *at, struct diff_state *out);
#define DIFF_FPU_SIZE (33 * 8)

/* ---- the implementations: diff_disco.c, diff_other.c ---- */
struct disco_engine;
struct disco_engine *disco_open(const struct diff_model *model, bool big_endian,
                                enum mips_engine engine);
void disco_run(struct disco_engine *e, const struct diff_case *c, struct diff_state *out);
void disco_close(struct disco_engine *e);

struct other_engine;
struct other_engine *other_open(const struct diff_model *model, bool big_endian);
/* False: no comparison is possible (why: diff_faults.c). */
bool other_run(struct other_engine *e, const struct diff_case *c, struct diff_state *out);
void other_close(struct other_engine *e);

/* ---- diff_faults.c ---- */
/* The first known fault of the other implementation that explains each
 * difference, or NULL when some difference remains. `disco` is right. */
const char *diff_known_fault(const struct diff_case *c, const struct diff_state *disco,
                             const struct diff_state *other);

#endif
