#include "record/host_console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CTRL_A    1
#define TYPED_MAX 4096 /* more is left to the host to hold */

/* One per process, as the terminal is: restored also by exit(). */
static struct termios saved_termios;
static bool terminal_is_raw;

static void restore_terminal(void)
{
    if (terminal_is_raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_termios);
    terminal_is_raw = false;
}

void host_console_open(struct host_console *c, const struct record_options *opt)
{
    *c = (struct host_console){.opt = opt};
    c->tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved_termios) == 0;
    if (c->tty) {
        struct termios raw = saved_termios;
        cfmakeraw(&raw);
        raw.c_oflag |= OPOST;
        terminal_is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
        atexit(restore_terminal);
    }
    struct stat st;
    bool stream = fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    c->live = c->tty || stream;
    c->eof = fcntl(STDIN_FILENO, F_GETFD) < 0;
}

void host_console_close(struct host_console *c)
{
    if (c->opt == NULL)
        return; /* never opened */
    host_console_poll(c);
    restore_terminal();
    buf_free(&c->typed);
    buf_free(&c->out);
    buf_free(&c->seen);
}

void host_console_output(struct host_console *c, const uint8_t *bytes, size_t n)
{
    buf_put(&c->out, bytes, n);
}

static const char keys[] = "\r\nCtrl-A x  end the run, keep the trace\r\n"
                           "Ctrl-A r  reset the machine\r\n"
                           "Ctrl-A a  send Ctrl-A\r\n"
                           "Ctrl-A h  this help\r\n";

static void take_key(struct host_console *c, uint8_t key)
{
    if (!c->tty) {
        buf_putc(&c->typed, key);
    } else if (!c->escape) {
        c->escape = key == CTRL_A;
        if (!c->escape)
            buf_putc(&c->typed, key);
    } else {
        c->escape = false;
        if (key == 'x' || key == 'X')
            c->quit = true;
        else if (key == 'r')
            c->reset = true;
        else if (key == 'a' || key == CTRL_A)
            buf_putc(&c->typed, CTRL_A);
        else
            fputs(keys, stderr);
    }
}

static bool wants_input(const struct host_console *c)
{
    return !c->eof && c->typed.len < TYPED_MAX;
}

static void take_input(struct host_console *c)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!wants_input(c) || poll(&p, 1, 0) <= 0)
        return;
    uint8_t bytes[1024];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        c->eof = true;
        c->live = false;
    }
    for (ssize_t i = 0; i < n; i++)
        take_key(c, bytes[i]);
}

/* The replies' texts are looked for one after the other, each behind the one before. */
static void answer(struct host_console *c)
{
    const struct record_options *o = c->opt;
    while (c->next_reply < o->replies_count) {
        const struct reply_option *reply = &o->replies[c->next_reply];
        uint8_t *at = memmem(c->seen.data + c->answered, c->seen.len - c->answered, reply->text,
                             strlen(reply->text));
        if (at == NULL)
            break;
        c->answered = (size_t)(at - c->seen.data) + strlen(reply->text);
        buf_puts(&c->typed, reply->answer);
        c->next_reply++;
    }
}

static void look_for_texts(struct host_console *c, const uint8_t *bytes, size_t n)
{
    const struct record_options *o = c->opt;
    if (o->until_text == NULL && c->next_reply == o->replies_count)
        return;
    buf_put(&c->seen, bytes, n);
    if (o->until_text != NULL &&
        memmem(c->seen.data, c->seen.len, o->until_text, strlen(o->until_text)) != NULL)
        c->text_seen = true;
    answer(c);
    if (c->seen.len > 4 * TEXT_MAX) {
        size_t drop = c->seen.len - TEXT_MAX;
        memmove(c->seen.data, c->seen.data + drop, TEXT_MAX);
        c->seen.len = TEXT_MAX;
        c->answered = c->answered > drop ? c->answered - drop : 0;
    }
}

static void write_output(const struct buf *out)
{
    for (size_t done = 0; done < out->len;) {
        ssize_t n = write(STDOUT_FILENO, out->data + done, out->len - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
            if (poll(&p, 1, -1) < 0)
                return;
        } else {
            return; /* nobody reads, or the user wants to end: the trace has it all */
        }
    }
}

void host_console_poll(struct host_console *c)
{
    if (c->out.len != 0) {
        write_output(&c->out);
        look_for_texts(c, c->out.data, c->out.len);
        buf_clear(&c->out);
    }
    take_input(c);
}

uint64_t host_console_wait(struct host_console *c, uint64_t ns)
{
    struct timespec before, after, most = {.tv_sec = (time_t)min_u64(ns / 1000000000u, 3600),
                                           .tv_nsec = (long)(ns % 1000000000u)};
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    clock_gettime(CLOCK_MONOTONIC, &before);
    if (ppoll(&p, wants_input(c) ? 1 : 0, &most, NULL) > 0)
        take_input(c);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t slept = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    return slept < 1 ? 1 : (uint64_t)slept;
}
