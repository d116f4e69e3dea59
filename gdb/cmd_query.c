/* What the client asks about the server, objects read in chunks, and odds and ends. */
#include <string.h>

#include "gdb/cmd_priv.h"
#include "gdb/regxml.h"

#define MONITOR_MAX 4096

void cmd_ok(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    buf_puts(&s->reply, "OK");
}

void cmd_unsupported(struct gdb_session *s, struct pktargs *a)
{
    (void)s;
    (void)a;
}

static bool is_word(const uint8_t *p, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(p, word, n) == 0;
}

/* Why each feature is there, and others not: RSP features are a contract with gdb's quirks.
 * Without swbreak gdb guesses; memory-map would hide memory; no-resumed and the fork events are
 * for native programs; QNonStop cannot go with a replay. */
void cmd_supported(struct gdb_session *s, struct pktargs *a)
{
    args_char(a, ':');
    while (a->p < a->end) {
        const uint8_t *semi = memchr(a->p, ';', args_left(a));
        size_t n = semi == NULL ? args_left(a) : (size_t)(semi - a->p);
        s->multiprocess = s->multiprocess || is_word(a->p, n, "multiprocess+");
        s->swbreak = s->swbreak || is_word(a->p, n, "swbreak+");
        s->hwbreak = s->hwbreak || is_word(a->p, n, "hwbreak+");
        s->error_text = s->error_text || is_word(a->p, n, "error-message+");
        a->p += n + (semi != NULL);
    }
    buf_printf(&s->reply,
               "PacketSize=%x;multiprocess+;vContSupported+;swbreak+;hwbreak+",
               PACKET_SIZE_MAX);
    if (!s->ops->forward_only)
        buf_puts(&s->reply, ";ReverseStep+;ReverseContinue+");
    buf_puts(&s->reply, ";qXfer:features:read+;qXfer:threads:read+;qXfer:osdata:read+");
    if (s->ops->exec_file != NULL)
        buf_puts(&s->reply, ";qXfer:exec-file:read+");
    if (s->ops->set_point != NULL)
        buf_puts(&s->reply, ";ConditionalBreakpoints+;BreakpointCommands+");
    if (s->error_text)
        buf_puts(&s->reply, ";error-message+");
}

void cmd_no_ack(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    s->no_ack = true;
    buf_puts(&s->reply, "OK");
}

void cmd_non_stop(struct gdb_session *s, struct pktargs *a)
{
    if (args_char(a, '0'))
        buf_puts(&s->reply, "OK");
    else
        session_error(s, WIRE_EPERM);
}

void session_put_chunk(struct gdb_session *s, struct pktargs *a, const void *data, size_t n)
{
    uint64_t off, len;
    if (!args_hex_pair(a, &off, &len))
        return session_error(s, WIRE_EINVAL);
    if (off > n)
        off = n;
    uint64_t part = min_u64(min_u64(len, n - off), PACKET_SIZE_MAX / 2);
    buf_putc(&s->reply, off + part < n ? 'm' : 'l');
    buf_put(&s->reply, (const uint8_t *)data + off, part);
}

/* The annex before the next colon. */
static bool take_annex(struct pktargs *a, const char **annex, size_t *n)
{
    const uint8_t *colon = args_left(a) == 0 ? NULL : memchr(a->p, ':', args_left(a));
    if (colon == NULL)
        return false;
    *annex = (const char *)a->p;
    *n = (size_t)(colon - a->p);
    a->p = colon + 1;
    return true;
}

void cmd_features(struct gdb_session *s, struct pktargs *a)
{
    const char *annex;
    size_t n;
    if (!take_annex(a, &annex, &n) || !is_word((const uint8_t *)annex, n, "target.xml"))
        return session_error(s, 0);
    struct regxml x = {.architecture = s->ops->architecture(s->target)};
    if (s->ops->target_types != NULL)
        x.types = s->ops->target_types(s->target);
    x.count = s->ops->regs(s->target, &x.regs);
    struct buf xml = {0};
    regxml_put(&xml, &x);
    session_put_chunk(s, a, xml.data, xml.len);
    buf_free(&xml);
}

void cmd_threads(struct gdb_session *s, struct pktargs *a)
{
    struct buf xml = {0};
    put_threads_xml(s, &xml);
    session_put_chunk(s, a, xml.data, xml.len);
    buf_free(&xml);
}

/* The annex is a pid, or empty for the current process. */
void cmd_exec_file(struct gdb_session *s, struct pktargs *a)
{
    uint64_t pid;
    struct gdb_tid tid;
    if (s->ops->exec_file == NULL)
        return;
    if (!args_hex(a, &pid)) {
        if (!session_general(s, &tid))
            return session_error(s, WIRE_ESRCH);
        pid = (uint64_t)tid.pid;
    }
    if (!args_char(a, ':') || pid > GDB_PIDS_MAX || !session_pid_exists(s, (int)pid))
        return session_error(s, WIRE_EINVAL);
    const char *path = s->ops->exec_file(s->target, (int)pid);
    if (path == NULL)
        return session_error(s, WIRE_ENOENT);
    session_put_chunk(s, a, path, strlen(path));
}

void cmd_osdata(struct gdb_session *s, struct pktargs *a)
{
    const char *annex;
    size_t n;
    struct buf xml = {0};
    if (!take_annex(a, &annex, &n))
        return session_error(s, 0);
    put_processes_xml(s, annex, n, &xml);
    if (xml.len == 0)
        session_error(s, 0);
    else
        session_put_chunk(s, a, xml.data, xml.len);
    buf_free(&xml);
}

/* Text goes out as O packets. It is acknowledged before the work begins, which may take its time. */
void cmd_monitor(struct gdb_session *s, struct pktargs *a)
{
    struct buf line = {0};
    if (s->ops->monitor == NULL)
        return;
    if (args_bytes(a, 0, &line, MONITOR_MAX))
        session_monitor(s, buf_cstr(&line));
    else
        session_error(s, WIRE_EINVAL);
    buf_free(&line);
}

void cmd_lldb(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    s->is_lldb = true;
}

/* Only LLDB asks. It expects watchpoints to stop before the access, and loops for ever when it
 * goes backwards, unless told otherwise. */
void cmd_host_info(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    s->is_lldb = true;
    if (s->ops->triple == NULL)
        return;
    struct gdb_tid tid = {1, 1};
    session_general(s, &tid);
    const char *triple = s->ops->triple(s->target, tid.pid);
    unsigned bits = 32;
    for (unsigned i = 0; i < GDB_REGS_MAX; i++)
        if (s->reg_at[i] != NULL && s->reg_at[i]->expedite)
            bits = s->reg_at[i]->bits;
    buf_puts(&s->reply, "triple:");
    packet_put_hex(&s->reply, triple, strlen(triple));
    buf_printf(&s->reply, ";endian:%s;ptrsize:%u;watchpoint_exceptions_received:after;",
               s->ops->big_endian(s->target, tid.pid) ? "big" : "little", bits / 8);
}
