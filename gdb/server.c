#include "gdb/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gdb/conn.h"
#include "gdb/session.h"

enum { FD_WAKE, FD_LISTENER, FD_CLIENT, FD_REFUSED, FD_COUNT };

struct gdb_server {
    struct conn conn;
    struct gdb_session session;
    struct buf in; /* bytes received; those before in_used are done */
    size_t in_used;
    int wake_fd; /* an eventfd: readable once gdb_server_stop was called */
    volatile sig_atomic_t stop;
};

int gdb_server_open(struct gdb_server **out, const char *address, const struct gdb_target_ops *ops,
                    void *target, struct err *e)
{
    struct gdb_server *srv = xcalloc(1, sizeof *srv);
    int r = conn_open(&srv->conn, address, e);
    if (r < 0) {
        free(srv);
        return r;
    }
    srv->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (srv->wake_fd < 0) {
        r = err_set(e, ERR_IO, "eventfd: %s", strerror(errno));
        conn_close(&srv->conn);
        free(srv);
        return r;
    }
    gdb_session_init(&srv->session, ops, target);
    *out = srv;
    return 0;
}

void gdb_server_close(struct gdb_server *srv)
{
    if (srv == NULL)
        return;
    gdb_session_fini(&srv->session);
    conn_close(&srv->conn);
    close(srv->wake_fd);
    buf_free(&srv->in);
    free(srv);
}

const char *gdb_server_address(const struct gdb_server *srv)
{
    return srv->conn.address;
}

void gdb_server_stop(struct gdb_server *srv)
{
    int saved = errno;
    uint64_t one = 1;
    srv->stop = 1;
    ssize_t ignored = write(srv->wake_fd, &one, sizeof one);
    (void)ignored;
    errno = saved;
}

bool gdb_server_stopped(const struct gdb_server *srv)
{
    return srv->stop != 0;
}

void gdb_server_console(struct gdb_server *srv, const void *text, size_t n)
{
    gdb_session_console(&srv->session, text, n);
}

static void drop_client(struct gdb_server *srv)
{
    conn_drop_client(&srv->conn);
    gdb_session_end(&srv->session);
    buf_clear(&srv->in);
    srv->in_used = 0;
}

/* Hand the session what it takes; the rest waits for the end of the run. */
static void feed(struct gdb_server *srv)
{
    struct buf *in = &srv->in;
    if (srv->in_used < in->len)
        srv->in_used +=
            gdb_session_input(&srv->session, in->data + srv->in_used, in->len - srv->in_used);
    if (srv->in_used == in->len) {
        buf_clear(in);
        srv->in_used = 0;
    }
}

/* Replies go out; true while there is a client. */
static bool flush(struct gdb_server *srv)
{
    if (conn_send(&srv->conn, &srv->session.wire, &srv->in, srv->wake_fd) && !srv->session.closing)
        return true;
    drop_client(srv);
    return false;
}

static void serve_client(struct gdb_server *srv, short events)
{
    if (events != 0 && !conn_receive(&srv->conn, &srv->in)) {
        drop_client(srv);
        return;
    }
    feed(srv);
    if (flush(srv) && gdb_session_running(&srv->session)) {
        gdb_session_slice(&srv->session);
        flush(srv);
    }
}

int gdb_server_turn(struct gdb_server *srv, bool wait, struct err *e)
{
    bool is_full = srv->in.len > 0; /* bytes wait for the end of the run: read no more */
    bool is_busy = gdb_session_running(&srv->session) || is_full;
    struct pollfd fds[FD_COUNT] = {
        [FD_WAKE] = {.fd = srv->wake_fd, .events = POLLIN},
        [FD_LISTENER] = {.fd = srv->conn.listener, .events = POLLIN},
        [FD_CLIENT] = {.fd = is_full ? -1 : srv->conn.client, .events = POLLIN},
        [FD_REFUSED] = {.fd = srv->conn.refused, .events = POLLIN},
    };
    if (poll(fds, FD_COUNT, wait && !is_busy ? -1 : 0) < 0) {
        if (errno == EINTR)
            return 0;
        ERR(e, ERR_IO, "gdb server: poll: %s", strerror(errno));
    }
    if (srv->stop)
        return 0;
    if (srv->conn.client >= 0)
        serve_client(srv, fds[FD_CLIENT].revents);
    if (fds[FD_REFUSED].revents != 0)
        conn_drain_refused(&srv->conn);
    if ((fds[FD_LISTENER].revents & (POLLERR | POLLNVAL)) != 0)
        ERR(e, ERR_IO, "gdb server: the listening socket failed");
    /* The next client may come with the last words of the one before. */
    if (fds[FD_LISTENER].revents != 0 && conn_client_gone(&srv->conn))
        drop_client(srv);
    if (fds[FD_LISTENER].revents != 0 && conn_accept(&srv->conn))
        gdb_session_begin(&srv->session);
    return 0;
}

int gdb_server_run(struct gdb_server *srv, struct err *e)
{
    while (!srv->stop)
        TRY(gdb_server_turn(srv, true, e));
    return 0;
}
