/* The printf of agent expressions: gdb sends the format as its user typed it. */
#ifndef GDB_AGENT_PRINTF_H
#define GDB_AGENT_PRINTF_H

#include "gdb/agent.h"

/* Append the text to env->text. The format has backslash escapes still in it and is not
 * 0-terminated. Integer conversions, %c, %s, %p and %% are known; others print as they stand.
 * Never fills env->text beyond AGENT_TEXT bytes. False: %s of unreadable memory, or too few arguments. */
bool agent_printf(const struct agent_env *env, const uint8_t *format, size_t n,
                  const uint64_t *args, size_t nargs);

#endif
