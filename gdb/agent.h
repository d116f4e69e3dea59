/*
 * gdb's agent expressions: the byte code that conditions and dprintf commands
 * arrive in. Evaluated here, so that a condition costs no round trip.
 *
 * The code is hostile: stack, steps, output and every fetch are bounded.
 */
#ifndef GDB_AGENT_H
#define GDB_AGENT_H

#include "core/base/buf.h"

#define AGENT_STACK 64
#define AGENT_STEPS 4096
#define AGENT_TEXT  4096 /* bytes; printf stops when `text` holds as many */

struct agent_env {
    void *ctx;
    bool (*reg)(void *ctx, unsigned number, uint64_t *value); /* zero-extended */
    bool (*mem)(void *ctx, uint64_t va, uint8_t *bytes, size_t n);
    bool big_endian;
    struct buf *text; /* where printf goes; NULL: nowhere */
};

/* Runs `code`; *value is the top of the stack at its end, 0 if that is empty. False when it
 * fails: bad code, unreadable memory, division by zero, too many steps. */
bool agent_eval(const uint8_t *code, size_t n, const struct agent_env *env, uint64_t *value);

#endif
