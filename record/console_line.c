#include "record/console_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/output.h"

#define PENDING_MAX (1u << 20)

static int open_pipe(struct console_line *l, const char *path, const char *suffix, int *fd,
                     struct err *e)
{
    char *name = xasprintf("%s%s", path, suffix);
    struct stat st;
    bool made = mkfifo(name, 0600) == 0;
    /* For reading and writing: it opens at once, and does not end when the other side leaves. */
    *fd = !made && errno != EEXIST ? -1 : open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int result = 0;
    if (*fd < 0)
        result = err_set(e, ERR_IO, "%s: %s", name, strerror(errno));
    else if (fstat(*fd, &st) < 0 || !S_ISFIFO(st.st_mode))
        result = err_set(e, ERR_USAGE, "%s: is there and not a named pipe", name);
    if (made)
        l->made[l->made[0] != NULL] = name;
    else
        free(name);
    return result;
}

static int open_pty(struct console_line *l, struct err *e)
{
    struct termios raw;
    char name[64];
    l->in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (l->in < 0 || grantpt(l->in) < 0 || unlockpt(l->in) < 0 ||
        ptsname_r(l->in, name, sizeof name) != 0 || fcntl(l->in, F_SETFL, O_NONBLOCK) < 0 ||
        (l->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 || tcgetattr(l->slave, &raw) < 0)
        ERR(e, ERR_IO, "no pseudo-terminal for a console: %s", strerror(errno));
    cfmakeraw(&raw); /* above all, output is not echoed as input */
    tcsetattr(l->slave, TCSANOW, &raw);
    l->out = l->in;
    l->path = xstrdup(name);
    return 0;
}

int console_line_open(struct console_line *l, enum console_kind kind, const char *path,
                      struct err *e)
{
    *l = (struct console_line){.in = -1, .out = -1, .slave = -1};
    if (kind == CONSOLE_FILE) {
        l->path = xstrdup(path);
        TRY(output_create(path, O_NONBLOCK | O_NOCTTY, &l->out, e));
    } else if (kind == CONSOLE_PIPE) {
        TRY(open_pipe(l, path, ".in", &l->in, e));
        TRY(open_pipe(l, path, ".out", &l->out, e));
    } else if (kind == CONSOLE_PTY) {
        TRY(open_pty(l, e));
    }
    return 0;
}

/* Writes as far as it goes now. */
static void flush_pending(struct console_line *l)
{
    size_t done = 0;
    while (done < l->pending.len) {
        ssize_t n = write(l->out, l->pending.data + done, l->pending.len - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno != EAGAIN && l->path != NULL) {
            struct err e = {0};
            err_set(&e, ERR_IO, "%s: %s", l->path, strerror(errno));
            fprintf(stderr, "disco-record: %s; this console is written no further\r\n", e.msg);
            if (l->out != l->in)
                close(l->out);
            l->out = -1;
            done = l->pending.len;
        } else {
            break;
        }
    }
    if (l->pending.len - done > PENDING_MAX)
        done = l->pending.len - PENDING_MAX;
    memmove(l->pending.data, l->pending.data + done, l->pending.len - done);
    l->pending.len -= done;
}

void console_line_write(struct console_line *l, const uint8_t *bytes, size_t n)
{
    if (l->out < 0)
        return;
    buf_put(&l->pending, bytes, n);
    if (l->pending.len != 0)
        flush_pending(l);
}

size_t console_line_read(struct console_line *l, uint8_t *bytes, size_t n)
{
    if (l->in < 0)
        return 0;
    ssize_t got = read(l->in, bytes, n);
    return got < 0 ? 0 : (size_t)got;
}

void console_line_close(struct console_line *l)
{
    console_line_write(l, NULL, 0);
    if (l->out >= 0 && l->out != l->in)
        close(l->out);
    if (l->in >= 0)
        close(l->in);
    if (l->slave >= 0)
        close(l->slave);
    for (size_t i = 0; i < ARRAY_LEN(l->made); i++) {
        if (l->made[i] != NULL)
            unlink(l->made[i]);
        free(l->made[i]);
    }
    free(l->path);
    buf_free(&l->pending);
    *l = (struct console_line){.in = -1, .out = -1, .slave = -1};
}
