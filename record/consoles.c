#include "record/consoles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CTRL_A     1
#define TYPED_MAX  4096 /* more is left to the host to hold */
#define BREAKS_MAX 64   /* that a guest has not seen yet; more are one and the same to it */
#define HIDDEN_MAX (64u << 10)

/* One per process, as the terminal is: restored also by exit(). */
static struct termios saved_termios;
static bool terminal_is_raw;

void consoles_restore_terminal(void)
{
    if (terminal_is_raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_termios);
    terminal_is_raw = false;
}

static void open_terminal(struct consoles *c)
{
    c->tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved_termios) == 0;
    if (c->tty) {
        struct termios raw = saved_termios;
        cfmakeraw(&raw);
        raw.c_oflag |= OPOST;
        terminal_is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
        atexit(consoles_restore_terminal);
    }
    struct stat st;
    c->stream =
        c->tty || (fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)));
    c->eof = fcntl(STDIN_FILENO, F_GETFD) < 0;
}

static bool at_terminal(const struct console *con)
{
    return con->vm->console == CONSOLE_TERMINAL;
}

static void say_shown(const struct consoles *c)
{
    fprintf(stderr, "\r\ndisco-record: console of %s (Ctrl-A h lists the keys)\r\n",
            c->vms[c->shown].vm->name);
}

int consoles_open(struct consoles *c, const struct cluster *cluster, struct err *e)
{
    *c = (struct consoles){.vms = xcalloc(cluster->vms_count, sizeof *c->vms), .eof = true};
    for (size_t i = 0; i < cluster->vms_count; i++) {
        struct console *con = &c->vms[c->count++];
        con->vm = &cluster->vms[i];
        text_watch_init(&con->watch, con->vm);
        struct err why = {0};
        if (console_line_open(&con->line, con->vm->console, con->vm->console_path, &why) < 0)
            return cluster_blame(cluster, con->vm, "console", con->vm->console_path, &why, e);
        if (at_terminal(con) && c->terminals++ == 0)
            c->shown = i;
        if (con->vm->console == CONSOLE_PTY)
            fprintf(stderr, "disco-record: console of %s: %s\n", con->vm->name, con->line.path);
    }
    if (c->terminals != 0)
        open_terminal(c);
    if (c->terminals > 1 && c->tty)
        say_shown(c);
    return 0;
}

void consoles_close(struct consoles *c)
{
    if (c->vms == NULL)
        return;
    consoles_poll(c);
    if (c->terminals != 0)
        consoles_restore_terminal();
    for (size_t i = 0; i < c->count; i++) {
        struct console *con = &c->vms[i];
        console_line_close(&con->line);
        text_watch_free(&con->watch);
        buf_free(&con->typed);
        buf_free(&con->breaks);
        buf_free(&con->out);
        buf_free(&con->hidden);
    }
    free(c->vms);
    *c = (struct consoles){0};
}

/* ---- output ---- */

void consoles_output(struct consoles *c, unsigned vm, unsigned channel, const uint8_t *bytes,
                     size_t n)
{
    if (consoles_channel(channel))
        buf_put(&c->vms[vm].out, bytes, n);
}

bool consoles_has_output(const struct consoles *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->vms[i].out.len != 0)
            return true;
    return false;
}

/* Once. Nobody reads, by intent (EPIPE, EBADF), or the user wants to end: then there is nothing to
 * say. */
static void say_lost(int error)
{
    static bool said;
    if (said || error == EPIPE || error == EBADF || error == EINTR)
        return;
    said = true;
    fprintf(stderr, "disco-record: standard output: %s; not all that the guest prints is there\r\n",
            strerror(error));
}

/* So many bytes a terminal or pipe takes at once if it is ready for any. */
#define AT_ONCE 256

static void write_terminal(const struct consoles *c, const struct buf *out)
{
    for (size_t done = 0; done < out->len;) {
        struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
        bool ending = c->ending != NULL && *c->ending;
        if (ending && poll(&ready, 1, 100) <= 0)
            return;
        size_t most = ending ? AT_ONCE : SIZE_MAX;
        ssize_t n = write(STDOUT_FILENO, out->data + done, min_u64(out->len - done, most));
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
            if (poll(&p, 1, -1) < 0)
                return;
        } else {
            say_lost(errno);
            return; /* the trace has it all */
        }
    }
}

static void hide(struct console *con)
{
    buf_put(&con->hidden, con->out.data, con->out.len);
    if (con->hidden.len > 2 * HIDDEN_MAX) {
        memmove(con->hidden.data, con->hidden.data + con->hidden.len - HIDDEN_MAX, HIDDEN_MAX);
        con->hidden.len = HIDDEN_MAX;
    }
}

static void put_output(struct consoles *c, size_t i)
{
    struct console *con = &c->vms[i];
    if (!at_terminal(con))
        console_line_write(&con->line, con->out.data, con->out.len);
    else if (i == c->shown)
        write_terminal(c, &con->out);
    else if (c->tty)
        hide(con);
    text_watch_feed(&con->watch, con->out.data, con->out.len, &con->typed);
    buf_clear(&con->out);
}

static void show(struct consoles *c, size_t i)
{
    c->shown = i;
    say_shown(c);
    struct buf *hidden = &c->vms[i].hidden;
    if (hidden->len > HIDDEN_MAX) {
        memmove(hidden->data, hidden->data + hidden->len - HIDDEN_MAX, HIDDEN_MAX);
        hidden->len = HIDDEN_MAX;
    }
    write_terminal(c, hidden);
    buf_free(hidden);
}

/* ---- input ---- */

static void list_keys(const struct consoles *c)
{
    fputs("\r\nCtrl-A x  end the run, keep the trace\r\n"
          "Ctrl-A r  reset the machine\r\n"
          "Ctrl-A a  send Ctrl-A\r\n"
          "Ctrl-A b  send a BREAK on the serial line\r\n"
          "Ctrl-A h  this help\r\n",
          stderr);
    if (c->terminals < 2)
        return;
    fputs("Ctrl-A n  show the next machine\r\n", stderr);
    for (size_t i = 0; i < c->count && i < 10; i++)
        if (at_terminal(&c->vms[i]))
            fprintf(stderr, "Ctrl-A %zu  show %s%s\r\n", i, c->vms[i].vm->name,
                    i == c->shown ? " (shown now)" : "");
}

/* The key behind Ctrl-A. */
static void take_command(struct consoles *c, uint8_t key)
{
    struct console *con = &c->vms[c->shown];
    size_t digit = (size_t)(key - '0');
    if (key == 'x' || key == 'X') {
        c->quit = true;
    } else if (key == 'r') {
        con->reset = true;
    } else if (key == 'a' || key == CTRL_A) {
        buf_putc(&con->typed, CTRL_A);
    } else if (key == 'b') {
        if (con->breaks.len < BREAKS_MAX * sizeof con->typed.len)
            buf_put(&con->breaks, &con->typed.len, sizeof con->typed.len);
    } else if (key == 'n' && c->terminals > 1) {
        size_t next = c->shown;
        do
            next = (next + 1) % c->count;
        while (!at_terminal(&c->vms[next]));
        show(c, next);
    } else if (c->terminals > 1 && digit < 10 && digit < c->count && at_terminal(&c->vms[digit])) {
        show(c, digit);
    } else {
        list_keys(c);
    }
}

static void take_key(struct consoles *c, uint8_t key)
{
    if (c->tty && c->escape) {
        c->escape = false;
        take_command(c, key);
    } else if (c->tty && key == CTRL_A) {
        c->escape = true;
    } else {
        buf_putc(&c->vms[c->shown].typed, key);
    }
}

static bool stdin_wanted(const struct consoles *c)
{
    return !c->eof && c->vms[c->shown].typed.len < TYPED_MAX;
}

static void take_stdin(struct consoles *c)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!stdin_wanted(c) || poll(&p, 1, 0) <= 0)
        return;
    uint8_t bytes[1024];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0)
        c->eof = true;
    for (ssize_t i = 0; i < n; i++)
        take_key(c, bytes[i]);
}

static bool line_wanted(const struct console *con)
{
    return con->line.in >= 0 && con->typed.len < TYPED_MAX;
}

static void take_input(struct consoles *c)
{
    uint8_t bytes[1024];
    take_stdin(c);
    for (size_t i = 0; i < c->count; i++)
        if (line_wanted(&c->vms[i]))
            buf_put(&c->vms[i].typed, bytes,
                    console_line_read(&c->vms[i].line, bytes, sizeof bytes));
}

void consoles_poll(struct consoles *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct console *con = &c->vms[i];
        if (con->out.len != 0)
            put_output(c, i);
        else if (con->line.pending.len != 0)
            console_line_write(&con->line, NULL, 0);
    }
    take_input(c);
}

uint64_t consoles_wait(struct consoles *c, uint64_t ns, const struct pollfd *fds, size_t others)
{
    struct timespec before, after,
        most = {.tv_sec = (time_t)min_u64(ns / 1000000000u, 3600),
                .tv_nsec = (long)(ns % 1000000000u)};
    struct pollfd *p = xcalloc(VMS_MAX + 1 + others, sizeof *p);
    nfds_t n = 0;
    if (stdin_wanted(c))
        p[n++] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (size_t i = 0; i < c->count; i++)
        if (line_wanted(&c->vms[i]))
            p[n++] = (struct pollfd){.fd = c->vms[i].line.in, .events = POLLIN};
    for (size_t i = 0; i < others; i++)
        p[n++] = fds[i];
    clock_gettime(CLOCK_MONOTONIC, &before);
    if (ppoll(p, n, &most, NULL) > 0)
        take_input(c);
    clock_gettime(CLOCK_MONOTONIC, &after);
    free(p);
    int64_t slept = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    return slept < 1 ? 1 : (uint64_t)slept;
}

/* ---- for the recorder ---- */

struct consoles_typed consoles_typed(const struct consoles *c, unsigned vm)
{
    const struct console *con = &c->vms[vm];
    size_t before = con->typed.len;
    if (con->breaks.len != 0)
        memcpy(&before, con->breaks.data, sizeof before);
    return (struct consoles_typed){con->typed.data, before, before == 0 && con->breaks.len != 0};
}

static void remove_first(struct buf *b, size_t n)
{
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

void consoles_take(struct consoles *c, unsigned vm, size_t n)
{
    struct console *con = &c->vms[vm];
    if (n == 0)
        return;
    remove_first(&con->typed, n);
    for (size_t at = 0, before; at < con->breaks.len; at += sizeof before) {
        memcpy(&before, con->breaks.data + at, sizeof before);
        before -= n;
        memcpy(con->breaks.data + at, &before, sizeof before);
    }
}

void consoles_take_break(struct consoles *c, unsigned vm)
{
    remove_first(&c->vms[vm].breaks, sizeof(size_t));
}

bool consoles_live(const struct consoles *c, unsigned vm)
{
    const struct console *con = &c->vms[vm];
    if (!at_terminal(con))
        return con->line.in >= 0;
    return c->stream && !c->eof && (c->tty || vm == c->shown);
}

bool consoles_reset_taken(struct consoles *c, unsigned vm)
{
    bool reset = c->vms[vm].reset;
    c->vms[vm].reset = false;
    return reset;
}

bool consoles_texts_seen(const struct consoles *c)
{
    bool any = false;
    for (size_t i = 0; i < c->count; i++) {
        const struct console *con = &c->vms[i];
        if (con->vm->until_text == NULL)
            continue;
        if (!con->watch.until_seen)
            return false;
        any = true;
    }
    return any;
}
