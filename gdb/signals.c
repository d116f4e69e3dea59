#include "gdb/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/base/stopwatch.h"

#define LOOK_NS    10000000 /* between two looks at the child */
#define TELL_S     0.08 /* gdb has heard by then that its connection is closed */
#define KILL_S     0.35

static volatile sig_atomic_t interrupted, has_own_gdb;
static struct gdb_server *volatile running_server;
static void (*volatile also_called)(void *ctx);
static void *volatile also_ctx;
static struct termios terminal; /* before gdb had it */
static bool has_terminal;

static void stop_server(void)
{
    if (running_server != NULL)
        gdb_server_stop(running_server);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    /* Positive codes are the kernel's: a key. */
    if (sig == SIGINT && has_own_gdb && info->si_code > 0)
        return;
    interrupted = 1;
    if (also_called != NULL)
        also_called(also_ctx);
    stop_server();
}

static void on_child(int sig)
{
    (void)sig;
    stop_server();
}

static bool is_ignored(int sig)
{
    struct sigaction sa;
    return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

void signals_begin(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

void signals_catch(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    if (!is_ignored(SIGHUP))
        sigaction(SIGHUP, &sa, NULL);
}

bool signals_interrupted(void)
{
    return interrupted != 0;
}

void signals_call(void (*also)(void *ctx), void *ctx)
{
    also_called = NULL;
    also_ctx = ctx;
    also_called = also;
}

void signals_serve(struct gdb_server *server, bool own_gdb)
{
    struct sigaction sa = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
    running_server = server;
    has_own_gdb = own_gdb;
    if (server != NULL && own_gdb) {
        has_terminal = tcgetattr(STDIN_FILENO, &terminal) == 0;
        sigaction(SIGCHLD, &sa, NULL);
    }
}

void signals_for_gdb(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
}

/* gdb was killed, or ended in the middle of a line. */
static void restore_terminal(void)
{
    if (!has_terminal)
        return;
    void (*before)(int) = signal(SIGTTOU, SIG_IGN); /* the terminal may be another job's by now */
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    signal(SIGTTOU, before);
}

int signals_wait_gdb(pid_t child)
{
    const struct timespec look = {.tv_nsec = LOOK_NS};
    struct stopwatch since = stopwatch_now();
    bool told = false;
    int status;
    pid_t got;
    while ((got = waitpid(child, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        double waited = stopwatch_since(since).seconds;
        if (!interrupted) {
            since = stopwatch_now();
        } else if (!told && waited > TELL_S) {
            told = true;
            kill(child, SIGTERM);
            kill(child, SIGCONT); /* a stopped one hears nothing else */
        } else if (waited > KILL_S) {
            kill(child, SIGKILL);
        }
        nanosleep(&look, NULL);
    }
    if (interrupted)
        restore_terminal();
    if (got != child)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
