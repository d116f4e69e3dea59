/*
 * A stack machine of 64-bit words. Codes and meanings are those of "The GDB
 * Agent Expression Mechanism" in gdb's manual. Floating point, tracing and
 * trace variables are not there: such an expression fails, and a condition
 * that fails stops, which is safe.
 *
 * Every operation first checks its operands against a table (how many it pops
 * and pushes, how many bytes of code follow), so the switch below cannot
 * underflow, overflow or read beyond the code.
 */
#include "gdb/agent.h"


#include "gdb/agent_printf.h"

enum op {
    OP_ADD = 0x02, OP_SUB, OP_MUL, OP_DIV_S, OP_DIV_U, OP_REM_S, OP_REM_U, OP_LSH, OP_RSH_S,
    OP_RSH_U, OP_LOG_NOT = 0x0e, OP_AND, OP_OR, OP_XOR, OP_NOT, OP_EQUAL, OP_LESS_S, OP_LESS_U,
    OP_EXT, OP_REF8, OP_REF16, OP_REF32, OP_REF64, OP_IF_GOTO = 0x20, OP_GOTO, OP_CONST8,
    OP_CONST16, OP_CONST32, OP_CONST64, OP_REG, OP_END, OP_DUP, OP_POP, OP_ZERO_EXT, OP_SWAP,
    OP_PICK = 0x32, OP_ROT, OP_PRINTF,
    OP_COUNT,
};

struct op_shape {
    uint8_t known, pops, pushes, operand; /* operand: bytes of code after the op */
};

static const struct op_shape op_shape[OP_COUNT] = {
    [OP_ADD] = {1, 2, 1, 0},      [OP_SUB] = {1, 2, 1, 0},     [OP_MUL] = {1, 2, 1, 0},
    [OP_DIV_S] = {1, 2, 1, 0},    [OP_DIV_U] = {1, 2, 1, 0},   [OP_REM_S] = {1, 2, 1, 0},
    [OP_REM_U] = {1, 2, 1, 0},    [OP_LSH] = {1, 2, 1, 0},     [OP_RSH_S] = {1, 2, 1, 0},
    [OP_RSH_U] = {1, 2, 1, 0},    [OP_LOG_NOT] = {1, 1, 1, 0}, [OP_AND] = {1, 2, 1, 0},
    [OP_OR] = {1, 2, 1, 0},       [OP_XOR] = {1, 2, 1, 0},     [OP_NOT] = {1, 1, 1, 0},
    [OP_EQUAL] = {1, 2, 1, 0},    [OP_LESS_S] = {1, 2, 1, 0},  [OP_LESS_U] = {1, 2, 1, 0},
    [OP_EXT] = {1, 1, 1, 1},      [OP_REF8] = {1, 1, 1, 0},    [OP_REF16] = {1, 1, 1, 0},
    [OP_REF32] = {1, 1, 1, 0},    [OP_REF64] = {1, 1, 1, 0},   [OP_IF_GOTO] = {1, 1, 0, 2},
    [OP_GOTO] = {1, 0, 0, 2},     [OP_CONST8] = {1, 0, 1, 1},  [OP_CONST16] = {1, 0, 1, 2},
    [OP_CONST32] = {1, 0, 1, 4},  [OP_CONST64] = {1, 0, 1, 8}, [OP_REG] = {1, 0, 1, 2},
    [OP_END] = {1, 0, 0, 0},      [OP_DUP] = {1, 1, 2, 0},     [OP_POP] = {1, 1, 0, 0},
    [OP_ZERO_EXT] = {1, 1, 1, 1}, [OP_SWAP] = {1, 2, 2, 0},    [OP_PICK] = {1, 0, 1, 1},
    [OP_ROT] = {1, 3, 3, 0},      [OP_PRINTF] = {1, 2, 0, 3},
};

struct machine_state {
    const uint8_t *code;
    size_t n, pc;
    const struct agent_env *env;
    uint64_t stack[AGENT_STACK];
    size_t depth;
};

/* Two operands, a below b. False: cannot be divided. */
static bool binary(enum op op, uint64_t a, uint64_t b, uint64_t *r)
{
    int64_t sa = (int64_t)a, sb = (int64_t)b;
    bool divides = op == OP_DIV_S || op == OP_DIV_U || op == OP_REM_S || op == OP_REM_U;
    if (divides && b == 0)
        return false;
    switch ((unsigned)op) {
    case OP_ADD: *r = a + b; break;
    case OP_SUB: *r = a - b; break;
    case OP_MUL: *r = a * b; break;
    case OP_DIV_S: *r = sb == -1 ? -a : (uint64_t)(sa / sb); break;
    case OP_DIV_U: *r = a / b; break;
    case OP_REM_S: *r = sb == -1 ? 0 : (uint64_t)(sa % sb); break;
    case OP_REM_U: *r = a % b; break;
    case OP_LSH: *r = b > 63 ? 0 : a << b; break;
    case OP_RSH_S: *r = (uint64_t)(sa >> (b > 63 ? 63 : b)); break;
    case OP_RSH_U: *r = b > 63 ? 0 : a >> b; break;
    case OP_AND: *r = a & b; break;
    case OP_OR: *r = a | b; break;
    case OP_XOR: *r = a ^ b; break;
    case OP_EQUAL: *r = a == b; break;
    case OP_LESS_S: *r = sa < sb; break;
    default: *r = a < b; break; /* OP_LESS_U */
    }
    return true;
}

static bool load(const struct agent_env *env, uint64_t va, size_t n, uint64_t *value)
{
    uint8_t bytes[8];
    if (!env->mem(env->ctx, va, bytes, n))
        return false;
    *value = 0;
    for (size_t i = 0; i < n; i++)
        *value = *value << 8 | bytes[env->big_endian ? i : n - 1 - i];
    return true;
}

static uint64_t extend(uint64_t v, unsigned bits, bool is_signed)
{
    if (bits == 0 || bits >= 64)
        return v;
    unsigned shift = 64 - bits;
    return is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
}

static uint64_t operand(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* printf N LEN text: function and channel lie on top of the N arguments, the first uppermost. */
static bool print(struct machine_state *m, const uint8_t *p)
{
    size_t nargs = p[0], length = (size_t)operand(p + 1, 2);
    if (length > m->n - m->pc || nargs + 2 > m->depth)
        return false;
    const uint8_t *format = m->code + m->pc;
    m->pc += length;
    m->depth -= 2;
    uint64_t args[AGENT_STACK];
    for (size_t i = 0; i < nargs; i++)
        args[i] = m->stack[--m->depth];
    return agent_printf(m->env, format, length, args, nargs);
}

/* Stack shuffles. `top` is one above the top word. */
static bool shuffle(struct machine_state *m, enum op op, const uint8_t *p)
{
    uint64_t *top = m->stack + m->depth, keep;
    switch ((unsigned)op) {
    case OP_DUP:
        top[0] = top[-1];
        m->depth++;
        break;
    case OP_POP:
        m->depth--;
        break;
    case OP_SWAP:
        keep = top[-1];
        top[-1] = top[-2];
        top[-2] = keep;
        break;
    case OP_PICK:
        if (p[0] >= m->depth)
            return false;
        top[0] = top[-1 - p[0]];
        m->depth++;
        break;
    default: /* OP_ROT: a b c -> c a b */
        keep = top[-1];
        top[-1] = top[-2];
        top[-2] = top[-3];
        top[-3] = keep;
        break;
    }
    return true;
}

/* One operation; `p` are its operand bytes. Its shape has been checked. */
static bool execute(struct machine_state *m, enum op op, const uint8_t *p)
{
    uint64_t *top = m->stack + m->depth;
    switch ((unsigned)op) {
    case OP_CONST8:
    case OP_CONST16:
    case OP_CONST32:
    case OP_CONST64:
        m->depth++;
        *top = operand(p, op_shape[op].operand);
        return true;
    case OP_REG:
        m->depth++;
        return m->env->reg(m->env->ctx, (unsigned)operand(p, 2), top);
    case OP_REF8:
    case OP_REF16:
    case OP_REF32:
    case OP_REF64:
        return load(m->env, top[-1], (size_t)1 << (op - OP_REF8), &top[-1]);
    case OP_EXT:
    case OP_ZERO_EXT:
        top[-1] = extend(top[-1], p[0], op == OP_EXT);
        return true;
    case OP_LOG_NOT:
        top[-1] = top[-1] == 0;
        return true;
    case OP_NOT:
        top[-1] = ~top[-1];
        return true;
    case OP_IF_GOTO:
        m->depth--;
        if (top[-1] != 0)
            m->pc = (size_t)operand(p, 2);
        return true;
    case OP_GOTO:
        m->pc = (size_t)operand(p, 2);
        return true;
    case OP_PRINTF:
        return print(m, p);
    case OP_DUP:
    case OP_POP:
    case OP_SWAP:
    case OP_PICK:
    case OP_ROT:
        return shuffle(m, op, p);
    default:
        m->depth--;
        return binary(op, top[-2], top[-1], &top[-2]);
    }
}

bool agent_eval(const uint8_t *code, size_t n, const struct agent_env *env, uint64_t *value)
{
    struct machine_state m = {.code = code, .n = n, .env = env};
    for (unsigned steps = 0; steps < AGENT_STEPS && m.pc < n; steps++) {
        uint8_t op = code[m.pc++];
        if (op >= OP_COUNT || !op_shape[op].known)
            return false;
        const struct op_shape *shape = &op_shape[op];
        const uint8_t *p = code + m.pc;
        if (n - m.pc < shape->operand || m.depth < shape->pops ||
            m.depth - shape->pops + shape->pushes > AGENT_STACK)
            return false;
        m.pc += shape->operand;
        if (op == OP_END) {
            *value = m.depth > 0 ? m.stack[m.depth - 1] : 0;
            return true;
        }
        if (!execute(&m, (enum op)op, p))
            return false;
    }
    return false;
}
