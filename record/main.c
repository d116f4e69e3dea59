/* disco-record: run a machine and record it. */
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/base/program.h"
#include "core/base/text.h"
#include "core/engine_option.h"
#include "core/monitor.h"
#include "core/run_stats.h"
#include "record/options.h"
#include "record/recorder.h"
#include "record/setup.h"

#define MEMORY_KEPT (16u << 20) /* to end a run in order */

enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_TIMEOUT = 3 };

static volatile sig_atomic_t interrupted;
static struct monitor *volatile running; /* NULL: nothing runs yet, or any more */

static void stop_running(void)
{
    if (running != NULL)
        monitor_interrupt(running);
}

static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
    stop_running();
}

static void on_alarm(int sig)
{
    (void)sig;
    stop_running();
}

/* While the machines are made, which may take long with large files, there is nothing to be saved. */
static void on_early_signal(int sig)
{
    static const char line[] = "disco-record: ended by a signal before the machines ran\n";
    (void)sig;
    consoles_restore_terminal();
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
        _exit(EXIT_ERROR);
    _exit(EXIT_ERROR);
}

static void catch_signals(void (*handler)(int sig))
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESETHAND};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
}

/* From here on the run ends in order, and soon, when a signal comes or its time is over. */
static void begin_to_run(const struct record_options *opt, struct monitor *m)
{
    running = m;
    catch_signals(on_signal);
    if (opt->timeout <= 0 || opt->timeout >= TIMEOUT_NONE)
        return;
    struct sigaction sa = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval time = {.it_value = {.tv_sec = (time_t)opt->timeout}};
    time.it_value.tv_usec = (suseconds_t)((opt->timeout - (double)time.it_value.tv_sec) * 1e6) + 1;
    setitimer(ITIMER_REAL, &time, NULL);
}

static void print_summary(const struct recorder *r, const struct monitor *m,
                          const struct trace_sizes *sizes)
{
    uint64_t steps = monitor_position(m);
    fprintf(stderr, "disco-record: %s after %" PRIu64 " instructions, %.3f s of virtual time\n",
            record_end_text(r->end), steps,
            (double)vm_ns_of(m->vms[0], monitor_cycle(m)) / 1e9);
    for (unsigned i = 0; i < m->vms_count && m->vms_count > 1; i++)
        fprintf(stderr, "disco-record: %s: %" PRIu64 " instructions%s\n", m->vms[i]->config->name,
                mips_steps(m->vms[i]->cpu),
                m->vms[i]->halted        ? ", halted"
                : m->vms[i]->powered_off ? ", off"
                                         : "");
    fprintf(stderr, "disco-record: %" PRIu64 " inputs, %" PRIu64 " events:", r->inputs_total,
            r->log.count);
    for (int k = 0; k < EVENT_KINDS; k++)
        if (r->event_count[k] != 0)
            fprintf(stderr, " %s %" PRIu64, event_info[k].text, r->event_count[k]);
    fputc('\n', stderr);
    if (r->opt->output == NULL)
        return;
    uint64_t inputs = sizes->inputs, log = sizes->events + sizes->digests;
    char *path = text_shown(r->opt->output);
    fprintf(stderr,
            "disco-record: %s: %" PRIu64 " bytes (images %" PRIu64 ", inputs %" PRIu64
            ", events %" PRIu64 ", console and rest %" PRIu64 "); per thousand instructions: "
            "%.3f bytes of inputs, %.3f with events\n",
            path, sizes->file, sizes->blobs, inputs, log,
            sizes->console + sizes->other, (double)inputs * 1e3 / (double)(steps + !steps),
            (double)(inputs + log) * 1e3 / (double)(steps + !steps));
    free(path);
}

static void print_stats(const struct record_options *opt, const struct monitor *m,
                        struct stopwatch time)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        const struct mips *cpu = m->vms[i]->cpu;
        struct run_stats s = {.engine = opt->engine, .steps = mips_steps(cpu), .time = time};
        if (m->vms_count > 1)
            fprintf(stderr, "%s:\n", m->vms[i]->config->name);
        run_stats_take(&s, cpu);
        run_stats_print(&s, stderr);
    }
}

/* Who ended the run does not wait for a reader of standard error that has stopped. */
static bool somebody_reads(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return !interrupted || poll(&p, 1, 100) != 0;
}

static int run(struct recorder *r, const struct record_options *opt, struct setup *setup,
               struct err *e)
{
    struct port port = recorder_port(r);
    struct monitor *m;
    TRY(monitor_create(&m, &setup->config, &port, e));
    monitor_set_engine(m, opt->engine, opt->stats);
    int started = monitor_set_threads(m, host_threads(setup->cluster.threads), e);
    if (started == 0)
        started = recorder_start(r, m, e);
    if (started < 0) {
        monitor_destroy(m);
        return started;
    }
    begin_to_run(opt, m);
    /* Several VMs stop at the end of an epoch: the recorder sees to it. */
    struct run_limit limit = {
        .step = m->vms_count == 1 ? opt->stop_after : UINT64_MAX, .cycle = UINT64_MAX};
    struct stopwatch start = stopwatch_now();
    enum run_stop stop = monitor_run(m, &limit, e);
    struct stopwatch time = stopwatch_since(start);
    halted_tell(&r->halted, m);
    if (stop == RUN_LIMIT)
        monitor_end_epoch(m);
    if (stop == RUN_FAILED)
        r->end = END_ERROR;
    else if (stop == RUN_POWERED_OFF)
        r->end = r->halted.any ? END_HALTED : END_POWER_OFF;
    else if (stop == RUN_LIMIT)
        r->end = END_LIMIT;
    else if (r->end == END_NONE)
        r->end = interrupted ? END_USER : END_TIMEOUT;
    struct trace_sizes sizes = {0};
    int result = recorder_finish(r, m, &sizes, e);
    running = NULL;
    if (!opt->quiet && result == 0 && somebody_reads())
        print_summary(r, m, &sizes);
    if (opt->stats)
        print_stats(opt, m, time);
    monitor_destroy(m);
    return stop == RUN_FAILED ? ERR_IO : result;
}

int main(int argc, char **argv)
{
    struct record_options opt;
    struct setup setup;
    struct recorder recorder = {0};
    struct err e = {0};
    program_begin();
    memory_reserve(MEMORY_KEPT);
    options_parse(&opt, argc, argv);
    catch_signals(on_early_signal);
    signal(SIGPIPE, SIG_IGN);
    int result = setup_open(&setup, &opt, &e);
    if (result == 0) {
        recorder_open(&recorder, &opt, &setup, &interrupted);
        result = run(&recorder, &opt, &setup, &e);
        recorder_close(&recorder);
    }
    setup_close(&setup);
    options_free(&opt);
    if (result < 0) {
        fprintf(stderr, "disco-record: %s\n", e.msg);
        return EXIT_ERROR;
    }
    return recorder.end == END_TIMEOUT || recorder.end == END_ASLEEP ? EXIT_TIMEOUT : EXIT_OK;
}
