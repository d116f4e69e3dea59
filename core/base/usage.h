/*
 * Mistakes on a command line: one line that names the option and what was
 * wanted, and exit status 1. For the programs' option parsers only.
 */
#ifndef CORE_BASE_USAGE_H
#define CORE_BASE_USAGE_H

#include <argp.h>

#include "core/base/base.h"

_Noreturn void usage_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* argp_parse() that returns only if all was well. The parser must call
 * usage_quiet() at ARGP_KEY_INIT: argp then adds no line of its own. */
void usage_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input);
void usage_quiet(struct argp_state *state);

#endif
