#include "core/base/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/text.h"

void usage_error(const char *fmt, ...)
{
    char *what = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&what, fmt, ap);
    va_end(ap);
    char *shown = text_shown(n < 0 ? fmt : what);
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, shown);
    free(shown);
    if (n >= 0)
        free(what);
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
