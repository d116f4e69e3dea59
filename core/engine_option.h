/* What the programs have in common about how to run: --engine, --threads. */
#ifndef CORE_ENGINE_OPTION_H
#define CORE_ENGINE_OPTION_H

#include "mips/mips.h"

#define ENGINE_OPTION_HELP \
    "how instructions are executed: jit translates them to the host's machine code, interp is " \
    "the portable interpreter; the run and its trace are the same (jit where this host has it)"
#define STATS_OPTION_HELP \
    "print at the end what the engine did: speed, code, memory accesses (counting takes some time)"

/* The fastest one that this host has. */
enum mips_engine engine_default(void);
const char *engine_name(enum mips_engine engine);
/* The value of --engine. A bad one, or an engine that this host does not have, ends the program
 * as usage_error does. */
enum mips_engine engine_parse(const char *arg);

/* Those of the host that are at work; 1 or more. */
unsigned host_processors(void);
/* How many threads shall run the VMs: `wanted`, or if that is 0 as many as the host has
 * processors. */
unsigned host_threads(unsigned wanted);

#endif
