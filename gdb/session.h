/*
 * One client's conversation: from bytes received to bytes to send, without
 * I/O. The server feeds it from a socket; tests feed it from arrays.
 *
 * The protocol is half duplex: the client sends a packet and gets one reply,
 * except that the reply to a resume comes when the target has stopped. Between
 * the two (gdb_session_running) the owner calls gdb_session_slice again and
 * again, and only an interrupt may come in. Any packet that comes in anyway
 * interrupts too, and waits. It tells that a monitor command or a vRun was given
 * up: that gets no reply any more.
 *
 * A reply on the way may cross such a packet. Acknowledgements settle that: a
 * client skips what comes before its packet's. So they are not offered to be
 * left out; a client that asks for it all the same has its will.
 */
#ifndef GDB_SESSION_H
#define GDB_SESSION_H

#include "gdb/packet.h"
#include "gdb/target.h"

#define SESSION_FILES 16

struct point; /* cmd_point.c */

struct gdb_session {
    const struct gdb_target_ops *ops;
    void *target;
    const struct gdb_reg *reg_at[GDB_REGS_MAX]; /* by wire number; NULL: no such register */
    unsigned g_regs;                            /* how many of them form the g packet */

    struct packet_reader reader;
    struct buf wire;    /* framed, for the client; the owner empties it */
    struct buf last;    /* the last packet, in case the client wants it again */
    struct buf reply;   /* the payload that a handler fills */
    struct buf console; /* text for the client, not yet framed */
    struct buf line;    /* the monitor command */

    /* What the client said. */
    bool no_ack, multiprocess, swbreak, hwbreak, error_text, is_lldb;
    bool closing;  /* it said good-bye */
    bool held;     /* `reader` holds a packet that waits for the end of the run */
    bool running;  /* a reply is owed: of a resume, of a monitor command, or of vRun */
    bool in_monitor, in_restart;
    bool is_begun;         /* the target has the monitor command */
    bool is_interrupted;   /* by the client, since the monitor command came */
    unsigned quiet_slices; /* of the monitor command or vRun, since the client heard of us */
    bool no_reply; /* the handler's command has no reply, or not yet */
    bool attached[GDB_PIDS_MAX + 1];
    struct gdb_tid general; /* Hg: of registers, memory and points */
    struct gdb_tid control; /* Hc: of c, s, bc and bs */
    struct gdb_tid named;   /* most recently named by Hg, T or a stop */
    struct gdb_resume how;  /* of the current run */

    struct point *points;
    struct point *retired; /* no longer set, but the target may still evaluate them */
    size_t point_count;
    char *files[SESSION_FILES]; /* owned paths of open vFile descriptors */
};

void gdb_session_init(struct gdb_session *s, const struct gdb_target_ops *ops, void *target);
void gdb_session_fini(struct gdb_session *s);
/* A client has come; it has left (ends a run, removes its points). */
void gdb_session_begin(struct gdb_session *s);
void gdb_session_end(struct gdb_session *s);
/* Take bytes from the client. Returns how many were used: fewer than n when the rest has to
 * wait until the run ends. Packets held back before are handled first. */
size_t gdb_session_input(struct gdb_session *s, const uint8_t *bytes, size_t n);
/* Work of a few milliseconds for the running target. */
void gdb_session_slice(struct gdb_session *s);
/* Show text to the client's user. It is dropped unless the client waits for a stop, else none
 * is lost: the target bounds what comes in a slice. */
void gdb_session_console(struct gdb_session *s, const void *text, size_t n);

static inline bool gdb_session_running(const struct gdb_session *s)
{
    return s->running;
}

#endif
