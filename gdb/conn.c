#include "gdb/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gdb/packet.h"

#define RECEIVE_SIZE 65536
#define UNREAD_MAX   0x400000 /* bytes of a client that says much and hears nothing */
#define BACKLOG      4
#define ADDRESS_SIZE 256

void conn_address_fini(struct conn_address *a)
{
    free(a->unix_path);
    free(a->host);
    free(a->port);
    *a = (struct conn_address){0};
}

static bool is_port(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= 5 && strspn(text, "0123456789") == n && atoi(text) <= 65535;
}

int conn_parse(struct conn_address *out, const char *text, struct err *e)
{
    *out = (struct conn_address){0};
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un un;
        if (text[5] == 0 || strlen(text + 5) >= sizeof un.sun_path)
            ERR(e, ERR_USAGE, "gdb address %s: the path must have 1 to %zu characters", text,
                sizeof un.sun_path - 1);
        out->unix_path = xstrdup(text + 5);
        return 0;
    }
    if (strncmp(text, "tcp:", 4) == 0)
        text += 4;
    const char *colon = strrchr(text, ':');
    const char *port = colon == NULL ? text : colon + 1;
    size_t n = colon == NULL ? 0 : (size_t)(colon - text);
    const char *host = text;
    bool is_bracketed = n >= 2 && host[0] == '[' && host[n - 1] == ']';
    if (is_bracketed) {
        host++;
        n -= 2;
    }
    if (!is_port(port) || (!is_bracketed && memchr(host, ':', n) != NULL))
        ERR(e, ERR_USAGE,
            "gdb address %s: want PORT, HOST:PORT, [IPV6]:PORT or unix:PATH, port 0 to 65535",
            text);
    out->host = n == 0 ? xstrdup("localhost") : xasprintf("%.*s", (int)n, host);
    out->port = xstrdup(port);
    return 0;
}

static int prepare(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
}

/* A socket that nobody listens on any more is in the way; any other file is not ours to remove. */
static void remove_stale(const struct sockaddr_un *un)
{
    struct stat st;
    if (lstat(un->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)un, sizeof *un) < 0 && errno == ECONNREFUSED)
        unlink(un->sun_path);
    close(fd);
}

static int open_unix(struct conn *c, const char *path, struct err *e)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strcpy(un.sun_path, path);
    remove_stale(&un);
    c->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (c->listener < 0 || bind(c->listener, (struct sockaddr *)&un, sizeof un) < 0)
        ERR(e, ERR_IO, "gdb socket %s: %s", path, strerror(errno));
    c->path = xstrdup(path);
    c->address = xstrdup(path);
    return 0;
}

static int bind_tcp(struct conn *c, const struct addrinfo *ai)
{
    int on = 1;
    c->listener = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
    if (c->listener < 0)
        return -1;
    setsockopt(c->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(c->listener, ai->ai_addr, ai->ai_addrlen) == 0)
        return 0;
    int saved = errno;
    close(c->listener);
    c->listener = -1;
    errno = saved;
    return -1;
}

static int open_tcp(struct conn *c, const struct conn_address *a, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    int bad = getaddrinfo(a->host, a->port, &hints, &list);
    if (bad != 0)
        ERR(e, ERR_USAGE, "gdb address %s:%s: %s", a->host, a->port, gai_strerror(bad));
    for (struct addrinfo *ai = list; ai != NULL && c->listener < 0; ai = ai->ai_next)
        bind_tcp(c, ai);
    int why = errno;
    freeaddrinfo(list);
    if (c->listener < 0)
        ERR(e, ERR_IO, "gdb address %s:%s: %s (another port, or 0 for a free one, may do)", a->host,
            a->port, strerror(why));
    struct sockaddr_storage ss;
    socklen_t n = sizeof ss;
    char port[16];
    if (getsockname(c->listener, (struct sockaddr *)&ss, &n) < 0 ||
        getnameinfo((struct sockaddr *)&ss, n, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
        ERR(e, ERR_IO, "gdb address %s:%s: its port is unknown", a->host, a->port);
    c->address = strchr(a->host, ':') != NULL ? xasprintf("[%s]:%s", a->host, port)
                                              : xasprintf("%s:%s", a->host, port);
    return 0;
}

int conn_open(struct conn *c, const char *address, struct err *e)
{
    *c = (struct conn){.listener = -1, .client = -1, .refused = -1};
    struct conn_address a;
    TRY(conn_parse(&a, address, e));
    int r = a.unix_path != NULL ? open_unix(c, a.unix_path, e) : open_tcp(c, &a, e);
    if (r == 0 && (prepare(c->listener) < 0 || listen(c->listener, BACKLOG) < 0))
        r = err_set(e, ERR_IO, "gdb address %s: %s", address, strerror(errno));
    conn_address_fini(&a);
    if (r < 0)
        conn_close(c);
    return r;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void conn_close(struct conn *c)
{
    close_fd(&c->client);
    close_fd(&c->refused);
    close_fd(&c->listener);
    if (c->path != NULL)
        unlink(c->path);
    free(c->path);
    free(c->address);
    c->path = c->address = NULL;
}

void conn_drop_client(struct conn *c)
{
    close_fd(&c->client);
}

/* The error answers the qSupported that the client is about to send. Closing at once would lose
 * it: the client's bytes would meet a closed socket and reset the connection. */
static void refuse(struct conn *c, int fd)
{
    static const char text[] = "E.another debugger is attached";
    struct buf out = {0};
    buf_putc(&out, '+');
    packet_put(&out, (const uint8_t *)text, sizeof text - 1);
    ssize_t ignored = send(fd, out.data, out.len, MSG_NOSIGNAL);
    (void)ignored;
    buf_free(&out);
    shutdown(fd, SHUT_WR);
    close_fd(&c->refused);
    c->refused = fd;
}

bool conn_accept(struct conn *c)
{
    int fd = accept(c->listener, NULL, NULL), on = 1;
    if (fd < 0)
        return false;
    if (prepare(fd) < 0) {
        close(fd);
        return false;
    }
    if (c->client >= 0) {
        refuse(c, fd);
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); /* one that is gone without a word */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on a unix socket: fine */
    c->client = fd;
    return true;
}

void conn_drain_refused(struct conn *c)
{
    uint8_t waste[256];
    ssize_t n = recv(c->refused, waste, sizeof waste, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&c->refused);
}

bool conn_receive(struct conn *c, struct buf *in)
{
    ssize_t n = recv(c->client, buf_reserve(in, RECEIVE_SIZE), RECEIVE_SIZE, 0);
    if (n > 0)
        in->len += (size_t)n;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool conn_client_gone(const struct conn *c)
{
    uint8_t byte;
    return c->client >= 0 && recv(c->client, &byte, 1, MSG_PEEK) == 0;
}

/* Until `out` can go on. gdb acknowledges while it reads: unless somebody takes that, both would
 * wait for ever. False: the client or the server is to go. */
static bool wait_to_send(struct conn *c, struct buf *in, int wake_fd)
{
    bool has_room = in->len < UNREAD_MAX;
    struct pollfd fds[] = {
        {.fd = c->client, .events = has_room ? POLLOUT | POLLIN : POLLOUT},
        {.fd = wake_fd, .events = POLLIN},
        {.fd = c->listener, .events = POLLIN},
        {.fd = c->refused, .events = POLLIN},
    };
    if (poll(fds, 4, -1) < 0)
        return errno == EINTR;
    if (fds[1].revents != 0)
        return false;
    if (fds[3].revents != 0)
        conn_drain_refused(c);
    if (fds[2].revents != 0)
        conn_accept(c);
    return !has_room || (fds[0].revents & ~POLLOUT) == 0 || conn_receive(c, in);
}

bool conn_send(struct conn *c, struct buf *out, struct buf *in, int wake_fd)
{
    size_t sent = 0;
    while (sent < out->len) {
        ssize_t n = send(c->client, out->data + sent, out->len - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (n == 0 || (errno != EAGAIN && errno != EINTR) || !wait_to_send(c, in, wake_fd))
            return false;
    }
    buf_clear(out);
    return true;
}
