/*
 * The gdb server: one thread, one client at a time. While the target runs, the
 * server alternates between a look at the sockets and a slice of the target's
 * work; otherwise it sleeps in poll().
 */
#ifndef GDB_SERVER_H
#define GDB_SERVER_H

#include "core/base/err.h"
#include "gdb/target.h"

struct gdb_server;

/* Listen on `address` (conn.h: ":1234", "1234", "HOST:PORT", "unix:PATH", port 0). `ops` and
 * `target` stay the caller's and must live until gdb_server_close. */
int gdb_server_open(struct gdb_server **out, const char *address,
                    const struct gdb_target_ops *ops, void *target, struct err *e);
void gdb_server_close(struct gdb_server *srv); /* NULL is fine */

/* Where it listens, for `target remote`: the real port, or a path. */
const char *gdb_server_address(const struct gdb_server *srv);

/* Serve clients, one after another, until gdb_server_stop. Returns 0 then, or an error of the
 * listening socket. */
int gdb_server_run(struct gdb_server *srv, struct err *e);
/* One turn of the same. With `wait`, it sleeps until something happens, unless the target runs;
 * without, it returns at once. 0, or the error; `gdb_server_stopped` tells a stop. */
int gdb_server_turn(struct gdb_server *srv, bool wait, struct err *e);
bool gdb_server_stopped(const struct gdb_server *srv);

/* End gdb_server_run soon. May be called from a signal handler and from other threads. */
void gdb_server_stop(struct gdb_server *srv);

/* Text (console output of the guests) for the user of gdb. It is shown only while gdb waits for
 * the target to stop, and dropped otherwise. Call it from the target's slice. */
void gdb_server_console(struct gdb_server *srv, const void *text, size_t n);

#endif
