#include "core/base/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void usage_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

void usage_quiet(struct argp_state *state)
{
    state->err_stream = NULL;
}

void usage_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input)
{
    if (argc > 0)
        argv[0] = program_invocation_short_name; /* getopt's messages begin with it */
    if (argp_parse(argp, argc, argv, flags, NULL, input) != 0)
        exit(1); /* getopt has said why */
}
