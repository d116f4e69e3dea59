/* disco-replay: replay a trace, verify it, or debug it with gdb. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/output.h"
#include "core/base/program.h"
#include "core/base/text.h"
#include "core/base/usage.h"
#include "core/engine_option.h"
#include "core/run_stats.h"
#include "gdb/server.h"
#include "gdb/signals.h"
#include "gdb/vm_symbols.h"
#include "gdb/vm_target.h"
#include "replay/timeline.h"

enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_DIVERGED = 2 };

struct options {
    const char *trace;
    char *shown; /* the same for messages */
    const char *gdb;    /* address to listen on */
    bool verify, console, quiet, no_symbols, stats;
    unsigned threads; /* 0: as suits the host */
    char *pcaps[CAPTURES_MAX]; /* NETWORK:FILE */
    size_t pcaps_count;
    enum mips_engine engine;
    char **command;     /* arguments of gdb-multiarch after "--", or NULL */
};

static const char doc[] =
    "Replay a trace of disco-record bit for bit.\v"
    "Without --verify the replay waits at its first instruction for gdb:\n"
    "  disco-replay boot.zst                  serve gdb on 127.0.0.1:1234\n"
    "  disco-replay boot.zst -- -q            start gdb-multiarch -q, attached\n"
    "  disco-replay --verify boot.zst         no gdb: replay all, compare all\n"
    "\n"
    "In gdb, reverse-stepi, reverse-continue, reverse-finish and watchpoints work in both "
    "directions; \"monitor help\" lists what disco adds.\n"
    "\n"
    "Exit status: 0 when all went well, 1 on an error, 2 when the replay differs from the "
    "recording; for \"-- ARGS\" that of gdb. SIGINT, SIGTERM and SIGHUP end it, and its gdb: status "
    "0 when it served, 1 when it verified, 128 + N when gdb had to be ended by signal N.";

enum { OPT_GDB = 0x100, OPT_VERIFY, OPT_CONSOLE, OPT_NOSYMBOLS, OPT_ENGINE, OPT_STATS, OPT_THREADS,
       OPT_PCAP };

static const struct argp_option argp_options[] = {
    {"verify", OPT_VERIFY, NULL, 0, "replay everything, compare every event and digest", 0},
    {"gdb", OPT_GDB, "ADDR:PORT|unix:PATH", 0, "where to wait for gdb (127.0.0.1:1234)", 0},
    {"console", OPT_CONSOLE, NULL, 0, "show what the guest prints, as the replay gets there", 0},
    {"no-symbols", OPT_NOSYMBOLS, NULL, 0, "do not look for the kernel's symbols", 0},
    {"quiet", 'q', NULL, 0, "no progress", 0},
    {"engine", OPT_ENGINE, "jit|interp", 0, ENGINE_OPTION_HELP, 0},
    {"threads", OPT_THREADS, "N", 0, "with --verify, threads of the host that run the VMs of the "
     "trace (as many as there are processors)", 0},
    {"pcap", OPT_PCAP, "NETWORK:FILE", 0, "with --verify, write the frames on that network to "
     "FILE, whatever that held before", 0},
    {"stats", OPT_STATS, NULL, 0, STATS_OPTION_HELP, 0},
    {0},
};

const char *argp_program_version = "disco-replay 0.1.0";

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        usage_quiet(state);
        return 0;
    case OPT_VERIFY:
        o->verify = true;
        return 0;
    case OPT_GDB:
        o->gdb = arg;
        return 0;
    case OPT_CONSOLE:
        o->console = true;
        return 0;
    case OPT_NOSYMBOLS:
        o->no_symbols = true;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case OPT_ENGINE:
        o->engine = engine_parse(arg);
        return 0;
    case OPT_STATS:
        o->stats = true;
        return 0;
    case OPT_THREADS:
        o->threads = (unsigned)strtoul(arg, NULL, 10);
        if (o->threads < 1 || o->threads > VMS_MAX)
            usage_error("--threads %s: wanted 1 to %d", arg, VMS_MAX);
        return 0;
    case OPT_PCAP:
        if (strchr(arg, ':') == NULL || arg[0] == ':' || strchr(arg, ':')[1] == 0)
            usage_error("--pcap %s: wanted NETWORK:FILE", arg);
        if (o->pcaps_count == CAPTURES_MAX)
            usage_error("more than %d --pcap", CAPTURES_MAX);
        o->pcaps[o->pcaps_count++] = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->trace != NULL)
            usage_error("one trace at a time (gdb's arguments go behind \"--\")");
        o->trace = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->trace == NULL)
            usage_error("which trace?");
        if (o->verify && (o->gdb != NULL || o->command != NULL))
            usage_error("--verify runs without gdb");
        if (!o->verify && o->pcaps_count != 0)
            usage_error("--pcap goes with --verify");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void interrupt_monitor(void *monitor)
{
    monitor_interrupt(monitor);
}

/* ---- progress ---- */

struct progress {
    bool on;
    struct timespec last;
};

static void progress(struct progress *p, const struct timeline *t, const char *doing)
{
    struct timespec now;
    if (!p->on)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec == p->last.tv_sec && now.tv_nsec / 200000000 == p->last.tv_nsec / 200000000)
        return;
    p->last = now;
    uint64_t end = t->replayer.end_cycle;
    fprintf(stderr, "\rdisco-replay: %s: %3" PRIu64 " %%, instruction %" PRIu64 " ",
            doing, end == 0 ? 100 : timeline_cycle(t) * 100 / end, timeline_position(t));
}

static void progress_end(const struct progress *p)
{
    if (p->on)
        fputs("\r\033[K", stderr);
}

/* ---- verify ---- */

static void print_registers(const struct timeline *t)
{
    const struct vm *vm = timeline_current(t);
    if (timeline_vms(t) > 1)
        fprintf(stderr, "%s:\n", vm->config->name);
    for (size_t i = 0; i < mips_regs_count && mips_regs[i].number < 38; i++)
        fprintf(stderr, "%8s %08" PRIx64 "%c", mips_regs[i].name,
                mips_reg_read(vm->cpu, mips_regs[i].number) & 0xffffffffu,
                i % 6 == 5 ? '\n' : ' ');
    fputc('\n', stderr);
}

static int diverged(const struct options *o, const struct timeline *t)
{
    fprintf(stderr, "disco-replay: %s: the replay diverged at instruction %" PRIu64 ", pc %08" PRIx64
            ": %s\n", o->shown, timeline_position(t),
            mips_pc(timeline_current(t)->cpu) & 0xffffffffu,
            timeline_error(t));
    print_registers(t);
    return EXIT_DIVERGED;
}

/* No file that is read may be written, or twice. */
static int check_outputs(const struct options *o, struct err *e)
{
    struct file_claims claims = {0};
    file_claim_standard(&claims);
    int result = file_claim(&claims, false, o->trace, "the trace", NULL, e);
    for (size_t i = 0; i < o->pcaps_count && result == 0; i++) {
        const char *path = strchr(o->pcaps[i], ':') + 1;
        result = file_claim(&claims, true, path, "the frames (--pcap)", NULL, e);
    }
    file_claims_free(&claims);
    return result;
}

static int open_captures(const struct options *o, const struct monitor_config *config,
                         struct captures *c, struct err *e)
{
    TRY(check_outputs(o, e));
    captures_init(c, config->vms[0].wall_clock);
    for (size_t i = 0; i < o->pcaps_count; i++) {
        const char *path = strchr(o->pcaps[i], ':') + 1;
        char *name = xasprintf("%.*s", (int)(path - 1 - o->pcaps[i]), o->pcaps[i]);
        unsigned network = config_network(config, name);
        free(name);
        if (network == config->networks_count)
            ERR(e, ERR_USAGE, "--pcap %s: %s has no such network", o->pcaps[i], o->trace);
        TRY(captures_add(c, network, path, e));
    }
    return 0;
}

static int verify(const struct options *o, struct timeline *t)
{
    struct progress p = {.on = !o->quiet && isatty(STDERR_FILENO)};
    struct replayer *r = &t->replayer;
    signals_call(interrupt_monitor, r->monitor);
    while (!replayer_at_end(r) && r->error.code == 0 && !signals_interrupted()) {
        replayer_run(r, timeline_position(t) + 2000000, false);
        progress(&p, t, "verifying");
    }
    signals_call(NULL, NULL);
    progress_end(&p);
    if (signals_interrupted() && r->error.code == 0 && !replayer_at_end(r)) {
        fprintf(stderr, "disco-replay: %s: interrupted at instruction %" PRIu64
                "; no difference up to there\n", o->shown, r->monitor->epoch_step);
        return EXIT_ERROR;
    }
    if (!replayer_check_end(r))
        return diverged(o, t);
    const char *cut = trace_reader_cut(r->reader);
    /* The guest's text has stdout for itself. */
    fprintf(o->console ? stderr : stdout, "disco-replay: %s: verified, %" PRIu64 " instructions, %" PRIu64 " events, %zu digests, "
           "%zu inputs%s%s\n", o->shown, timeline_position(t), r->at.event, r->at.digest,
           r->inputs_count, cut != NULL ? "; the trace is cut: " : "", cut != NULL ? cut : "");
    return EXIT_OK;
}

/* With what --pcap asks for. */
static int verify_all(const struct options *o, struct timeline *t, struct err *e)
{
    struct replayer *r = &t->replayer;
    struct captures captures = {0};
    signals_catch();
    int result = open_captures(o, &r->monitor->config, &captures, e);
    if (result == 0) {
        r->captures = o->pcaps_count != 0 ? &captures : NULL;
        result = verify(o, t);
        r->captures = NULL;
    }
    int closed = captures_close(&captures, e);
    return closed < 0 ? closed : result;
}

/* ---- gdb ---- */

/* gdb's commands for the VMs behind the first, which `target` attaches, one to a line of `out`. The
 * first resume must come from inferior 1: gdb swallows events of inferiors that it never resumed. */
static void put_attach_commands(const struct timeline *t, struct buf *out)
{
    unsigned n = timeline_vms(t);
    for (unsigned i = 2; i <= n; i++)
        buf_printf(out, "add-inferior\ninferior %u\nattach %u\n", i, i);
    if (n > 1)
        buf_puts(out, "inferior 1\nset schedule-multiple on\n");
}

/* gdb keeps registers of threads that it believes were held; all move here. And it does not say
 * which thread is selected when it sends a monitor command, unless it reads something before. */
static const char python_for_several[] =
    "python\n"
    "def disco_flush(event=None):\n"
    "    gdb.execute('maint flush register-cache', to_string=True)\n"
    "def disco_select():\n"
    "    disco_flush()\n"
    "    if gdb.selected_thread():\n"
    "        gdb.parse_and_eval('$pc')\n"
    "gdb.events.stop.connect(disco_flush)\n"
    "gdb.execute('define hook-monitor\\npython disco_select()\\nend')\n";

struct words {
    const char **list;
    size_t count;
};

static void add_option(struct words *w, const char *option, const char *value)
{
    w->list[w->count++] = option;
    w->list[w->count++] = value;
}

static _Noreturn void run_gdb(const struct options *o, const struct vm_target *target,
                              const char *address)
{
    const struct timeline *t = target->timeline;
    struct buf attach = {0};
    size_t n = 0;
    char *next;
    while (o->command[n] != NULL)
        n++;
    struct words w = {.list = xcalloc(n + 16 + 6 * VMS_MAX, sizeof w.list[0])};
    w.list[w.count++] = "gdb-multiarch";
    add_option(&w, "-iex", "set confirm off");
    add_option(&w, "-iex", "set remotetimeout 30"); /* the host may have other work */
    if (timeline_vms(t) > 1)
        add_option(&w, "-iex", python_for_several);
    if (vm_symbols_missing(target))
        add_option(&w, "-iex", vm_symbols_python);
    add_option(&w, "-ex", xasprintf("target extended-remote %s", address));
    put_attach_commands(t, &attach);
    for (char *line = strtok_r((char *)(uintptr_t)buf_cstr(&attach), "\n", &next); line != NULL;
         line = strtok_r(NULL, "\n", &next))
        add_option(&w, "-ex", line);
    memcpy(w.list + w.count, o->command, n * sizeof w.list[0]);
    signals_for_gdb();
    execvp(w.list[0], (char **)(uintptr_t)w.list);
    fprintf(stderr, "disco-replay: cannot start gdb-multiarch: %s\n", strerror(errno));
    _exit(127);
}

static int start_gdb(const struct options *o, const struct vm_target *target,
                     const char *address, pid_t *child)
{
    *child = fork();
    if (*child == 0)
        run_gdb(o, target, address);
    return *child < 0 ? -1 : 0;
}

static void print_waiting(const struct options *o, const struct timeline *t, const char *address)
{
    struct buf attach = {0};
    printf("disco-replay: %s: %" PRIu64 " instructions; waiting for gdb:\n"
           "  gdb-multiarch -ex 'target extended-remote %s'\n",
           o->shown, t->replayer.end_step, address);
    put_attach_commands(t, &attach);
    if (attach.len != 0)
        printf("and in gdb, for all %u VMs, these lines, or \"source gdb/disco.gdb\" and "
               "\"attach-vms %u\":\n%s", timeline_vms(t), timeline_vms(t), buf_cstr(&attach));
    buf_free(&attach);
    fflush(stdout);
}

static void print_symbols_missing(const struct options *o)
{
    if (!o->quiet)
        fprintf(stderr, "disco-replay: %s: the kernel's symbols are not in the trace; \"%ssymbols\" "
                "in gdb looks for them\n", o->trace, o->command != NULL ? "" : "monitor ");
}

static void print_console(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    fwrite(bytes, 1, n, stdout);
    fflush(stdout);
}

/* gdb has the terminal: it prints the text while it waits for the replay. */
static void print_console_in_gdb(void *ctx, const uint8_t *bytes, size_t n)
{
    gdb_server_console(ctx, bytes, n);
}

/* Serve until a signal, or until the gdb that we start is gone. Its exit status, or an error. */
static int serve_on(const struct options *o, const char *address, struct vm_target *target,
                    struct err *e)
{
    struct timeline *t = target->timeline;
    struct gdb_server *server;
    pid_t child = 0;
    int status = EXIT_OK, result = 0;
    TRY(gdb_server_open(&server, address, &vm_target_ops, target, e));
    signals_serve(server, o->command != NULL);
    if (o->command != NULL) {
        if (o->console) {
            t->replayer.on_console = print_console_in_gdb;
            t->replayer.console_ctx = server;
        }
        if (start_gdb(o, target, gdb_server_address(server), &child) < 0)
            result = err_set(e, ERR_IO, "cannot start gdb-multiarch: %s", strerror(errno));
    } else {
        print_waiting(o, t, gdb_server_address(server));
    }
    while (result == 0 && !signals_interrupted() && !gdb_server_stopped(server))
        result = gdb_server_turn(server, true, e);
    signals_serve(NULL, o->command != NULL);
    t->replayer.on_console = NULL;
    gdb_server_close(server); /* first: a gdb that waits for a stop hears of the end by it */
    if (child > 0)
        status = signals_wait_gdb(child);
    return result < 0 ? result : status;
}

/* A socket that only we and our gdb can reach. */
static int serve_privately(const struct options *o, struct vm_target *target, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/disco-replay.XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    int result;
    if (mkdtemp(dir) == NULL) {
        result = err_set(e, ERR_IO, "%s: cannot create: %s", dir, strerror(errno));
    } else {
        char *address = xasprintf("unix:%s/gdb", dir);
        result = serve_on(o, address, target, e);
        rmdir(dir);
        free(address);
    }
    free(dir);
    return result;
}

static int serve(const struct options *o, struct timeline *t, struct err *e)
{
    struct vm_target target;
    int result;
    timeline_begin(t);
    vm_target_init(&target, t);
    signals_catch();
    vm_symbols_take(&target, !o->no_symbols);
    if (vm_symbols_missing(&target))
        print_symbols_missing(o);
    if (o->gdb == NULL && o->command != NULL)
        result = serve_privately(o, &target, e);
    else
        result = serve_on(o, o->gdb != NULL ? o->gdb : "127.0.0.1:1234", &target, e);
    vm_target_fini(&target);
    return result;
}

static void print_stats(const struct options *o, const struct timeline *t, struct stopwatch start)
{
    struct run_stats s = {
        .engine = o->engine,
        .steps = t->replayer.steps_run,
        .time = stopwatch_since(start),
    };
    run_stats_take(&s, timeline_current(t)->cpu);
    run_stats_print(&s, stderr);
}

int main(int argc, char **argv)
{
    struct options o = {.engine = engine_default()};
    struct err e = {0};
    static struct timeline t;
    program_begin();
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            o.command = argv + i + 1;
            argc = i;
        }
    const struct argp argp = {argp_options, parse, "TRACE [-- GDB-ARGUMENTS]", doc, NULL, NULL, NULL};
    usage_parse(&argp, argc, argv, 0, &o);
    o.shown = text_shown(o.trace);
    signals_begin();
    int result = timeline_open(&t, o.trace, &e);
    if (result == 0) {
        if (o.console)
            t.replayer.on_console = print_console;
        monitor_set_engine(t.replayer.monitor, o.engine, o.stats);
        if (o.verify)
            result = monitor_set_threads(t.replayer.monitor, host_threads(o.threads), &e);
        struct stopwatch start = stopwatch_now();
        if (result == 0)
            result = o.verify ? verify_all(&o, &t, &e) : serve(&o, &t, &e);
        if (o.stats)
            print_stats(&o, &t, start);
        timeline_close(&t);
    }
    free(o.shown);
    if (result < 0) {
        fprintf(stderr, "disco-replay: %s\n", e.msg);
        return EXIT_ERROR;
    }
    return result;
}
