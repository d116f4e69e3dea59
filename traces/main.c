/* disco-trace: looks into trace files. This file is the command line only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/program.h"
#include "core/base/usage.h"
#include "traces/tool.h"

#ifndef DISCO_VERSION
#define DISCO_VERSION "unknown"
#endif

const char *argp_program_version = "disco-trace " DISCO_VERSION;

enum option_key {
    OPT_KIND = 256,
    OPT_FROM,
    OPT_TO,
    OPT_PC,
    OPT_EVENTS,
    OPT_INPUTS,
    OPT_DIGESTS,
    OPT_CONSOLE,
    OPT_CSV,
    OPT_SVG,
};

struct arguments {
    const char *command;
    const char *file[TOOL_MEMORY_FILES];
    size_t files;
    bool chosen; /* an option said what to dump */
    struct tool_dump dump;
    struct tool_memory memory;
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "For `dump`:", 0},
    {"kind", OPT_KIND, "KIND,...", 0, "Only events of these kinds (`stats` lists them)", 0},
    {"from", OPT_FROM, "STEP", 0, "Only from this step on", 0},
    {"to", OPT_TO, "STEP", 0, "Only up to this step", 0},
    {"pc", OPT_PC, "ADDR[-ADDR]", 0,
     "Only events at this pc or range, hexadecimal, last included", 0},
    {"inputs", OPT_INPUTS, NULL, 0, "Print inputs (instead of events)", 0},
    {"digests", OPT_DIGESTS, NULL, 0, "Print digests (instead of events)", 0},
    {"console", OPT_CONSOLE, NULL, 0, "Print console text (instead of events)", 0},
    {"events", OPT_EVENTS, NULL, 0, "Print events, too", 0},
    {NULL, 0, NULL, 0, "For `memory`:", 0},
    {"csv", OPT_CSV, NULL, 0, "Print all samples as CSV, in pages of 4 KiB (instead of tables)", 0},
    {"svg", OPT_SVG, "FILE", 0,
     "Draw a picture, too: memory over time for one trace, by number of VMs for several. FILE is "
     "overwritten, unless it is one of the traces", 0},
    {0},
};

static const char doc[] =
    "Look into a trace that disco-record wrote."
    "\v"
    "Commands:\n"
    "  info FILE           configuration, images, length, whole or cut\n"
    "  stats FILE          events by kind, and where the bytes go\n"
    "  dump FILE           events as text, one per line: step, vcpu, pc, kind, arguments\n"
    "  verify-file FILE    check structure, checksums and order; does not replay\n"
    "  export console FILE what the guests printed, raw\n"
    "  diff A B            the first difference of two traces; exit status 0 equal, 2 different\n"
    "  memory FILE...      how VMs share machine memory: over time, by number of VMs\n"
    "\n"
    "Examples:\n"
    "  disco-trace dump --kind syscall,exception trace.zst | less\n"
    "  disco-trace dump --from 1000000 --to 2000000 --pc 80100000-801fffff trace.zst\n"
    "  disco-trace memory --svg figure.svg one.zst two.zst four.zst eight.zst\n"
    "\n"
    "In what `memory` prints, a VM's pages are its own (each with a machine page that nothing else "
    "uses), shared, zero (or never written), given to the balloon, or swapped out. What it would "
    "need without sharing are own and shared ones. Machine memory counts all that is in use, the "
    "monitor's caches included.\n"
    "\n"
    "The exit status is 1 after an error. A cut trace (its recorder was killed, the disk was "
    "full) is readable up to its last whole frame, and so is a damaged one, which is an error.";

static const char args_doc[] = "COMMAND FILE...";

static void parse_kinds(struct arguments *a, char *list)
{
    memset(a->dump.kinds, 0, sizeof a->dump.kinds);
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        int kind = event_kind_by_name(name);
        if (kind < 0)
            usage_error("there is no kind of event \"%s\"", name);
        else
            a->dump.kinds[kind] = true;
    }
}

static uint64_t parse_number(const char *s, int base, char **end)
{
    uint64_t v = strtoull(s, end, base);
    if (*end == s || *s == '-')
        usage_error("\"%s\" is not a number", s);
    return v;
}

static uint64_t parse_step(const char *s)
{
    char *end;
    uint64_t v = parse_number(s, 0, &end);
    if (*end != 0)
        usage_error("\"%s\" is not a step", s);
    return v;
}

/* Addresses of a 32-bit guest are stored sign-extended. */
static uint64_t sign_extended(uint64_t v)
{
    return v >> 31 == 1 ? v | UINT64_C(0xffffffff00000000) : v;
}

static void parse_pc(struct arguments *a, const char *s)
{
    char *end;
    a->dump.from_pc = a->dump.to_pc = sign_extended(parse_number(s, 16, &end));
    if (*end == '-')
        a->dump.to_pc = sign_extended(parse_number(end + 1, 16, &end));
    if (*end != 0)
        usage_error("\"%s\" is not an address or range", s);
}

static void parse_word(struct arguments *a, char *word)
{
    if (a->command == NULL)
        a->command = word;
    else if (a->files < TOOL_MEMORY_FILES)
        a->file[a->files++] = word;
    else
        usage_error("too many arguments");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        usage_quiet(state);
        break;
    case OPT_KIND:
        parse_kinds(a, arg);
        break;
    case OPT_FROM:
        a->dump.from_step = parse_step(arg);
        break;
    case OPT_TO:
        a->dump.to_step = parse_step(arg);
        break;
    case OPT_PC:
        parse_pc(a, arg);
        break;
    case OPT_EVENTS:
        a->dump.events = a->chosen = true;
        break;
    case OPT_INPUTS:
        a->dump.inputs = a->chosen = true;
        break;
    case OPT_DIGESTS:
        a->dump.digests = a->chosen = true;
        break;
    case OPT_CONSOLE:
        a->dump.console = a->chosen = true;
        break;
    case OPT_CSV:
        a->memory.csv = true;
        break;
    case OPT_SVG:
        a->memory.svg = arg;
        break;
    case ARGP_KEY_ARG:
        parse_word(a, arg);
        break;
    case ARGP_KEY_NO_ARGS:
        usage_error("which command? (disco-trace --help lists them)");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int run(const struct arguments *a)
{
    if (strcmp(a->command, "memory") == 0 && a->files > 0)
        return tool_memory(a->file, a->files, &a->memory);
    bool is_diff = strcmp(a->command, "diff") == 0, is_export = strcmp(a->command, "export") == 0;
    if (a->files != (is_diff || is_export ? 2 : 1))
        usage_error("%s; see disco-trace --help",
                    is_diff     ? "diff needs two files"
                    : is_export ? "export needs what (console) and a file"
                                : "a command and one file are needed");
    if (is_diff)
        return tool_diff(a->file[0], a->file[1]);
    if (is_export && strcmp(a->file[0], "console") != 0)
        usage_error("export %s: only \"console\" can be exported", a->file[0]);
    if (is_export)
        return tool_export_console(a->file[1]);
    if (strcmp(a->command, "info") == 0)
        return tool_info(a->file[0]);
    if (strcmp(a->command, "stats") == 0)
        return tool_stats(a->file[0]);
    if (strcmp(a->command, "dump") == 0)
        return tool_dump(a->file[0], &a->dump);
    if (strcmp(a->command, "verify-file") == 0)
        return tool_verify(a->file[0]);
    usage_error("unknown command \"%s\"; see disco-trace --help", a->command);
}

int main(int argc, char **argv)
{
    struct arguments a = {.dump = {.to_step = UINT64_MAX, .to_pc = UINT64_MAX}};
    program_begin();
    memset(a.dump.kinds, true, sizeof a.dump.kinds);
    static const struct argp argp = {options, parse, args_doc, doc, NULL, NULL, NULL};
    usage_parse(&argp, argc, argv, 0, &a);
    if (!a.chosen)
        a.dump.events = true;
    return run(&a);
}
