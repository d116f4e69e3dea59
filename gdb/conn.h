/* One listening socket and at most one client. */
#ifndef GDB_CONN_H
#define GDB_CONN_H

#include "core/base/buf.h"
#include "core/base/err.h"

struct conn {
    int listener;  /* -1: not open */
    int client;    /* -1: none */
    int refused;   /* one more client, told to go and not yet gone; -1: none */
    char *path;    /* owned; of a unix socket, to be removed at the end */
    char *address; /* owned; where clients connect, as gdb's `target remote` takes it */
};

/* Where to listen: "unix:PATH", or TCP as "PORT", ":PORT", "HOST:PORT", "[IPV6]:PORT". Without a
 * host it is the loopback: who can connect, can read all of the guest. Port 0 takes a free one. */
struct conn_address {
    char *unix_path; /* owned; NULL for TCP */
    char *host;      /* owned */
    char *port;      /* owned */
};
int conn_parse(struct conn_address *out, const char *text, struct err *e);
void conn_address_fini(struct conn_address *a);

int conn_open(struct conn *c, const char *address, struct err *e);
void conn_close(struct conn *c);
/* Accept whoever waits. A second client gets an error and is turned away. True: `client` is new. */
bool conn_accept(struct conn *c);
void conn_drop_client(struct conn *c);
/* Discard what the refused client says, until it goes. */
void conn_drain_refused(struct conn *c);
/* Append what the client has sent, without waiting. False: it has gone. */
bool conn_receive(struct conn *c, struct buf *in);
/* It left, and nothing of it is unread. */
bool conn_client_gone(const struct conn *c);
/* Send all of `out` and empty it. Waits for a slow client (a stopped one, too) until `wake_fd`
 * becomes readable; what it says meanwhile is appended to `in`. False: it has gone. */
bool conn_send(struct conn *c, struct buf *out, struct buf *in, int wake_fd);

#endif
