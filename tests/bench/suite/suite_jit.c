/*
 * Programs that write code all the time, as a just-in-time compiler does.
 *
 * A function is a list of operations on a few registers: arithmetic, branches forward, a loop
 * around it all. Such a list is both written as machine code and run by a model in C; what the code
 * returns must be what the model says, or the program ends. So each benchmark checks that no stale
 * instruction is ever run, and all machines must come to the same checksum.
 *
 * The benchmarks differ in where new code goes and what is near it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "suite.h"

enum {
    PAGE = 4096,
    FUNCTION_WORDS = 64,
    BODY_MIN = 6,
    BODY_MAX = 28,
    APPEND_ROUNDS = 34000,
    APPEND_BYTES = 256 * 1024,
    APPEND_RECENT = 16,
    SLOT_ROUNDS = 34000,
    SLOTS = 8,
    PATCH_ROUNDS = 60000,
    PATCH_FUNCTIONS = 64,
    DATA_ROUNDS = 12000,
    DATA_FUNCTIONS = 12,
    DATA_CALLS = 4,
    DATA_WORDS = 16,
    DATA_LOOP = 40,
};

/* Registers by their numbers here. COUNTER, ZERO and BASE are no destinations of random code. */
enum { POOL = 7, COUNTER = POOL, ZERO, BASE, REGISTERS };
static const uint8_t host_register[REGISTERS] = {2, 3, 4, 5, 11, 12, 13, 10, 0, 6};
enum { A0 = 2, A1 = 3 };

enum kind {
    ADDU, SUBU, AND, OR, XOR, NOR, SLT, SLTU, MUL, /* of two registers */
    ADDIU, SLTIU, ANDI, ORI, XORI,                 /* of one and a constant */
    SLL, SRL, SRA,                                 /* of one by a constant */
    SIMPLE_KINDS,
    BEQ = SIMPLE_KINDS, BNE, BLEZ, BGTZ,           /* to the operation `imm` */
    LW, SW,                                        /* at BASE + imm */
    RETURN,
};

struct operation {
    uint8_t kind, d, s, t;
    uint16_t imm;
};

struct function {
    uint32_t *code;
    uint32_t count;
    struct operation list[FUNCTION_WORDS];
};

typedef uint32_t generated(uint32_t a, uint32_t b, uint32_t *data);

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
    return suite_random(&random_state) % limit;
}

/* ---- machine code ---- */

static uint32_t encode_register(uint32_t opcode, uint32_t function, const struct operation *o)
{
    return opcode << 26 | (uint32_t)host_register[o->s] << 21 |
           (uint32_t)host_register[o->t] << 16 | (uint32_t)host_register[o->d] << 11 | function;
}

/* `target` is the register in the field that these instructions write, or compare. */
static uint32_t encode_constant(uint32_t opcode, uint32_t target, const struct operation *o,
                                uint32_t constant)
{
    return opcode << 26 | (uint32_t)host_register[o->s] << 21 |
           (uint32_t)host_register[target] << 16 | (constant & 0xFFFF);
}

static uint32_t encode_shift(uint32_t function, const struct operation *o)
{
    return (uint32_t)host_register[o->s] << 16 | (uint32_t)host_register[o->d] << 11 |
           (uint32_t)o->imm << 6 | function;
}

static uint32_t encode(const struct operation *o, uint32_t at)
{
    static const uint8_t registers[] = {0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B};
    static const uint8_t constants[] = {9, 11, 12, 13, 14};
    static const uint8_t shifts[] = {0, 2, 3};
    uint32_t distance = o->imm - (at + 1);

    if (o->kind < MUL)
        return encode_register(0, registers[o->kind], o);
    if (o->kind == MUL)
        return encode_register(0x1C, 2, o);
    if (o->kind < SLL)
        return encode_constant(constants[o->kind - ADDIU], o->d, o, o->imm);
    if (o->kind < SIMPLE_KINDS)
        return encode_shift(shifts[o->kind - SLL], o);
    if (o->kind <= BGTZ)
        return encode_constant(4u + o->kind - BEQ, o->kind <= BNE ? o->t : ZERO, o, distance);
    if (o->kind == RETURN)
        return 0x03E00008;
    return encode_constant(o->kind == LW ? 0x23 : 0x2B, o->d, o, o->imm);
}

/* ---- the model ---- */

static uint32_t compute(const struct operation *o, const uint32_t *r)
{
    uint32_t s = r[o->s], t = r[o->t];
    uint32_t extended = (uint32_t)(int32_t)(int16_t)o->imm;

    switch ((enum kind)o->kind) {
    case ADDU: return s + t;
    case SUBU: return s - t;
    case AND: return s & t;
    case OR: return s | t;
    case XOR: return s ^ t;
    case NOR: return ~(s | t);
    case SLT: return (int32_t)s < (int32_t)t;
    case SLTU: return s < t;
    case MUL: return s * t;
    case ADDIU: return s + extended;
    case SLTIU: return s < extended;
    case ANDI: return s & o->imm;
    case ORI: return s | o->imm;
    case XORI: return s ^ o->imm;
    case SLL: return s << o->imm;
    case SRL: return s >> o->imm;
    default: return (uint32_t)((int32_t)s >> o->imm);
    }
}

static bool branches(const struct operation *o, const uint32_t *r)
{
    switch (o->kind) {
    case BEQ: return r[o->s] == r[o->t];
    case BNE: return r[o->s] != r[o->t];
    case BLEZ: return (int32_t)r[o->s] <= 0;
    default: return (int32_t)r[o->s] > 0;
    }
}

static void model_simple(const struct operation *o, uint32_t *r, uint32_t *data)
{
    if (o->kind == LW)
        r[o->d] = data[o->imm / 4];
    else if (o->kind == SW)
        data[o->imm / 4] = r[o->d];
    else
        r[o->d] = compute(o, r);
}

static uint32_t model(const struct function *f, uint32_t a, uint32_t b, uint32_t *data)
{
    uint32_t r[REGISTERS] = {[A0] = a, [A1] = b};

    for (uint32_t at = 0;;) {
        const struct operation *o = &f->list[at++];

        if (o->kind < SIMPLE_KINDS || o->kind == LW || o->kind == SW) {
            model_simple(o, r, data);
            continue;
        }
        bool taken = o->kind == RETURN || branches(o, r);

        model_simple(&f->list[at++], r, data); /* the delay slot */
        if (o->kind == RETURN)
            return r[0];
        if (taken)
            at = o->imm;
    }
}

/* ---- functions ---- */

static void add(struct function *f, enum kind kind, uint32_t d, uint32_t s, uint32_t t,
                uint32_t imm)
{
    f->list[f->count++] = (struct operation){(uint8_t)kind, (uint8_t)d, (uint8_t)s, (uint8_t)t,
                                             (uint16_t)imm};
}

static void add_random(struct function *f)
{
    enum kind kind = random_below(SIMPLE_KINDS);
    uint32_t bits = suite_random(&random_state);

    add(f, kind, bits % POOL, (bits >> 8) % POOL, (bits >> 12) % POOL,
        kind >= SLL ? bits >> 16 & 31 : bits >> 16);
}

/*
 * A function of two arguments, in a loop that is run `loop` times. With `counter` it counts its
 * rounds in that word at BASE.
 */
static void make_function(struct function *f, uint32_t *code, uint32_t loop, int32_t counter)
{
    uint32_t last = BODY_MIN + random_below(BODY_MAX - BODY_MIN + 1);

    f->code = code;
    f->count = 0;
    add(f, XOR, 0, A0, A1, 0);
    add(f, ADDU, 1, A0, A1, 0);
    add(f, NOR, 4, A0, A1, 0);
    add(f, ORI, 5, ZERO, 0, random_below(0x10000));
    add(f, SLL, 6, A0, 0, 5);
    add(f, ADDIU, COUNTER, ZERO, 0, loop);
    uint32_t head = f->count;

    last += head;
    if (counter >= 0) {
        add(f, LW, 6, BASE, 0, (uint32_t)counter * 4);
        add(f, ADDIU, 6, 6, 0, 1);
        add(f, SW, 6, BASE, 0, (uint32_t)counter * 4);
    }
    while (f->count < last) {
        if (f->count + 3 < last && random_below(6) == 0)
            add(f, BEQ + random_below(4), 0, random_below(POOL), random_below(POOL),
                f->count + 2 + random_below(last - f->count - 2));
        add_random(f);
    }
    add(f, ADDIU, COUNTER, COUNTER, 0, 0xFFFF);
    if (loop > 1) {
        add(f, BNE, 0, COUNTER, ZERO, head);
        add_random(f);
    }
    add(f, RETURN, 0, 0, 0, 0);
    add_random(f);
}

static void write_function(const struct function *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        ((volatile uint32_t *)f->code)[i] = encode(&f->list[i], i);
    __builtin___clear_cache((char *)f->code, (char *)(f->code + f->count));
}

static void write_word(uint32_t *at, uint32_t word)
{
    *(volatile uint32_t *)at = word;
    __asm__ volatile("synci 0(%0)\n sync" : : "r"(at) : "memory");
}

/* The function by the machine and by the model, on data of theirs. */
static uint32_t call(const struct function *f, uint32_t *data, uint32_t *model_data)
{
    uint32_t a = suite_random(&random_state), b = suite_random(&random_state);
    generated *code = (generated *)(void *)f->code;
    uint32_t got = code(a, b, data);

    if (got != model(f, a, b, model_data)) {
        errno = EILSEQ;
        suite_fail("generated code");
    }
    return got;
}

static uint32_t *code_buffer(uint32_t size)
{
    void *area = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);

    if (area == MAP_FAILED)
        suite_fail("mmap");
    random_state = 0x1D15C0;
    return area;
}

/* ---- the benchmarks ---- */

uint32_t suite_jit_append(void)
{
    static struct function recent[APPEND_RECENT];
    uint32_t *buffer = code_buffer(APPEND_BYTES);
    uint32_t used = 0, sum = 1;

    for (uint32_t i = 0; i < APPEND_ROUNDS; i++) {
        struct function *f = &recent[i % APPEND_RECENT];

        if (used + FUNCTION_WORDS > APPEND_BYTES / 4)
            used = 0;
        make_function(f, buffer + used, random_below(3) == 0 ? 4 : 1, -1);
        write_function(f);
        used += f->count;
        for (uint32_t n = 1 + i % 3; n > 0; n--)
            sum = suite_mix(sum, call(f, NULL, NULL));
        if (i >= APPEND_RECENT)
            sum = suite_mix(sum, call(&recent[random_below(APPEND_RECENT)], NULL, NULL));
    }
    return sum;
}

uint32_t suite_jit_slots(void)
{
    static struct function slots[SLOTS];
    uint32_t *buffer = code_buffer(PAGE);
    uint32_t sum = 1;

    for (uint32_t i = 0; i < SLOT_ROUNDS; i++) {
        uint32_t slot = i < SLOTS ? i : random_below(SLOTS);

        make_function(&slots[slot], buffer + slot * FUNCTION_WORDS, 1 + i % 2, -1);
        write_function(&slots[slot]);
        for (uint32_t n = 1 + i % 3; n > 0; n--)
            sum = suite_mix(sum, call(&slots[slot], NULL, NULL));
        if (i >= SLOTS)
            sum = suite_mix(sum, call(&slots[random_below(SLOTS)], NULL, NULL));
    }
    return sum;
}

/* Another constant or another target, in the first operation from a random one on that has one. */
static void patch(struct function *f)
{
    uint32_t at = 6 + random_below(f->count - 10);

    for (;; at = at + 1 < f->count ? at + 1 : 0) {
        struct operation *o = &f->list[at];

        if (o->kind >= ADDIU && o->kind <= XORI && o->d != COUNTER)
            o->imm = (uint16_t)random_below(0x10000);
        else if (o->kind >= BEQ && o->kind <= BGTZ && o->imm > at + 2)
            o->imm = (uint16_t)(at + 2 + random_below(o->imm - at - 1));
        else
            continue;
        write_word(f->code + at, encode(o, at));
        return;
    }
}

uint32_t suite_jit_patch(void)
{
    static struct function functions[PATCH_FUNCTIONS];
    uint32_t *buffer = code_buffer(PATCH_FUNCTIONS * FUNCTION_WORDS * 4);
    uint32_t sum = 1;

    for (uint32_t i = 0; i < PATCH_FUNCTIONS; i++) {
        make_function(&functions[i], buffer + i * FUNCTION_WORDS, 1 + i % 4, -1);
        write_function(&functions[i]);
    }
    for (uint32_t i = 0; i < PATCH_ROUNDS; i++) {
        struct function *f = &functions[random_below(PATCH_FUNCTIONS)];

        patch(f);
        sum = suite_mix(sum, call(f, NULL, NULL));
        for (uint32_t n = 0; n < 3; n++)
            sum = suite_mix(sum, call(&functions[random_below(PATCH_FUNCTIONS)], NULL, NULL));
    }
    return sum;
}

uint32_t suite_jit_data(void)
{
    static struct function functions[DATA_FUNCTIONS];
    uint32_t *buffer = code_buffer(PAGE);
    uint32_t *data = buffer + DATA_FUNCTIONS * FUNCTION_WORDS;
    uint32_t model_data[DATA_WORDS] = {0};
    uint32_t sum = 1;

    for (uint32_t i = 0; i < DATA_ROUNDS; i++) {
        uint32_t place = i < DATA_FUNCTIONS ? i : random_below(DATA_FUNCTIONS);
        struct function *f = &functions[place];

        make_function(f, buffer + place * FUNCTION_WORDS, DATA_LOOP,
                      (int32_t)random_below(DATA_WORDS));
        write_function(f);
        for (uint32_t n = 0; n < DATA_CALLS; n++)
            sum = suite_mix(sum, call(f, data, model_data));
        for (uint32_t n = 0; n < DATA_WORDS; n++)
            if (data[n] != model_data[n])
                suite_fail("data near code");
    }
    return sum;
}
