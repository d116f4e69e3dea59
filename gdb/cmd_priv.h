/* Between session.c and the command handlers. */
#ifndef GDB_CMD_PRIV_H
#define GDB_CMD_PRIV_H

#include "gdb/pktargs.h"
#include "gdb/session.h"

/* Error numbers on the wire are those of Linux. */
#define WIRE_EPERM  0x01
#define WIRE_ENOENT 0x02
#define WIRE_ESRCH  0x03
#define WIRE_EBADF  0x09
#define WIRE_EACCES 0x0d
#define WIRE_EFAULT 0x0e
#define WIRE_EINVAL 0x16
#define WIRE_EMFILE 0x18
#define WIRE_E2BIG  0x07

/* A handler fills s->reply (empty: "unsupported"); `a` is what follows the command's name. */
typedef void gdb_cmd_fn(struct gdb_session *s, struct pktargs *a);

#define CMD(name, match, needs, handler) gdb_cmd_fn handler;
#include "gdb/cmd.def"
#undef CMD

/* session.c */
void session_error(struct gdb_session *s, unsigned number);
/* Text where old clients accept it (G, P, Z, vRun, vAttach), without the characters that would
 * need escapes. */
void session_error_text(struct gdb_session *s, const char *text);
void session_send(struct gdb_session *s, const void *payload, size_t n);
/* Console text as O packets now; the client must be waiting. */
void session_send_text(struct gdb_session *s, const void *text, size_t n);
void session_put_tid(struct gdb_session *s, struct gdb_tid tid);
/* The threads of attached processes; returns how many. */
size_t session_threads(struct gdb_session *s, struct gdb_tid out[GDB_THREADS_MAX]);
/* Make `tid` (any form) one existing thread of an attached process. */
bool session_resolve(struct gdb_session *s, struct gdb_tid tid, struct gdb_tid *out);
/* The thread of Hg, or the nearest that exists. False only when no process is attached. */
bool session_general(struct gdb_session *s, struct gdb_tid *out);
/* The T packet, into s->reply. */
void session_stop_reply(struct gdb_session *s, const struct gdb_stop *stop);
/* A stop without a reason, for `?`, vAttach and vRun. */
void session_stopped_at(struct gdb_session *s, struct gdb_tid tid);
void session_resume(struct gdb_session *s, const struct gdb_resume *how);
/* Slices do the monitor command, and what the target's restart began, and reply then. */
void session_monitor(struct gdb_session *s, const char *line);
void session_restart(struct gdb_session *s);
bool session_pid_exists(struct gdb_session *s, int pid);
void session_attach_first(struct gdb_session *s);

/* cmd_point.c */
void points_remove(struct gdb_session *s, int pid); /* of one process; -1: of all */
void points_free_retired(struct gdb_session *s);

/* cmd_file.c */
void files_close(struct gdb_session *s);

/* cmd_query.c: `off,len` of a, applied to data, as m... or l... */
void session_put_chunk(struct gdb_session *s, struct pktargs *a, const void *data, size_t n);

/* cmd_thread.c */
void put_threads_xml(struct gdb_session *s, struct buf *out);
void put_processes_xml(struct gdb_session *s, const char *annex, size_t n, struct buf *out);

#endif
