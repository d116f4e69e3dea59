#include "gdb/session.h"

#include <string.h>

#include "gdb/cmd_priv.h"

#define O_TEXT_MAX   1024    /* text bytes of one O packet */
#define QUIET_SLICES 32      /* then gdb is told that we are alive: it waits 2 s */
#define SIGNAL_INT   2
#define SIGNAL_TRAP  5
#define SIGNAL_ABORT 6

enum { EXACT, PREFIX };
enum { NOTHING, PROCESS };

struct cmd {
    const char *name;
    uint8_t match, needs;
    gdb_cmd_fn *run;
};

static const struct cmd cmds[] = {
#define CMD(name, match, needs, handler) {name, match, needs, handler},
#include "gdb/cmd.def"
#undef CMD
};

void session_error(struct gdb_session *s, unsigned number)
{
    buf_clear(&s->reply);
    buf_printf(&s->reply, "E%02x", number & 0xff);
}

void session_error_text(struct gdb_session *s, const char *text)
{
    buf_clear(&s->reply);
    buf_puts(&s->reply, "E.");
    for (; *text != 0; text++) {
        bool plain = *text >= 0x20 && *text < 0x7f && strchr("#$}*", *text) == NULL;
        buf_putc(&s->reply, plain ? (uint8_t)*text : '.');
    }
}

void session_send(struct gdb_session *s, const void *payload, size_t n)
{
    buf_clear(&s->last);
    packet_put(&s->last, payload, n);
    buf_put(&s->wire, s->last.data, s->last.len);
}

void session_send_text(struct gdb_session *s, const void *text, size_t n)
{
    struct buf payload = {0};
    for (size_t at = 0; at < n;) {
        size_t part = n - at < O_TEXT_MAX ? n - at : O_TEXT_MAX;
        buf_clear(&payload);
        buf_putc(&payload, 'O');
        packet_put_hex(&payload, (const uint8_t *)text + at, part);
        session_send(s, payload.data, payload.len);
        at += part;
    }
    buf_free(&payload);
}

/* gdb skips notifications that it does not know, and then waits anew: for waits in which an O packet
 * would be taken for the reply. */
static void send_alive(struct gdb_session *s)
{
    static const char text[] = "disco:alive";
    struct buf packet = {0};
    packet_put(&packet, (const uint8_t *)text, sizeof text - 1);
    packet.data[0] = '%';
    buf_put(&s->wire, packet.data, packet.len);
    buf_free(&packet);
}

void session_put_tid(struct gdb_session *s, struct gdb_tid tid)
{
    if (s->multiprocess)
        buf_printf(&s->reply, "p%x.", (unsigned)tid.pid);
    buf_printf(&s->reply, "%x", (unsigned)tid.tid);
}

size_t session_threads(struct gdb_session *s, struct gdb_tid out[GDB_THREADS_MAX])
{
    size_t n = s->ops->threads(s->target, out, GDB_THREADS_MAX), kept = 0;
    for (size_t i = 0; i < n && i < GDB_THREADS_MAX; i++)
        if (out[i].pid > 0 && out[i].pid <= GDB_PIDS_MAX && s->attached[out[i].pid])
            out[kept++] = out[i];
    return kept;
}

/* Does `id` name `t`? With `exact`, only as one thread. */
static bool tid_names(struct gdb_tid id, struct gdb_tid t, bool exact)
{
    if (id.pid > 0 && id.pid != t.pid)
        return false;
    return id.tid > 0 ? id.tid == t.tid : !exact;
}

bool session_resolve(struct gdb_session *s, struct gdb_tid tid, struct gdb_tid *out)
{
    struct gdb_tid all[GDB_THREADS_MAX];
    size_t n = session_threads(s, all);
    const struct gdb_tid *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!tid_names(tid, all[i], false))
            continue;
        if (found == NULL || tid_names(s->named, all[i], true))
            found = &all[i];
    }
    if (found != NULL)
        *out = *found;
    return found != NULL;
}

bool session_general(struct gdb_session *s, struct gdb_tid *out)
{
    return session_resolve(s, s->general, out) || session_resolve(s, (struct gdb_tid){0, 0}, out);
}

bool session_pid_exists(struct gdb_session *s, int pid)
{
    struct gdb_tid all[GDB_THREADS_MAX];
    size_t n = s->ops->threads(s->target, all, GDB_THREADS_MAX);
    for (size_t i = 0; i < n && i < GDB_THREADS_MAX; i++)
        if (all[i].pid == pid)
            return pid > 0 && pid <= GDB_PIDS_MAX;
    return false;
}

/* gdb reads the description of the first process at connect and of others when it attaches to
 * them; one that it discovers it believes to be a copy of the first. So show the first only. */
void session_attach_first(struct gdb_session *s)
{
    struct gdb_tid first;
    if (s->ops->threads(s->target, &first, 1) > 0 && first.pid > 0 && first.pid <= GDB_PIDS_MAX)
        s->attached[first.pid] = true;
}

static void put_expedited(struct gdb_session *s, struct gdb_tid tid)
{
    uint8_t bytes[GDB_REG_BYTES];
    for (unsigned i = 0; i < GDB_REGS_MAX; i++) {
        const struct gdb_reg *r = s->reg_at[i];
        if (r == NULL || !r->expedite || !s->ops->read_reg(s->target, tid, i, bytes))
            continue;
        buf_printf(&s->reply, "%02x:", i);
        packet_put_hex(&s->reply, bytes, r->bits / 8);
        buf_putc(&s->reply, ';');
    }
}

static void put_reason(struct gdb_session *s, const struct gdb_stop *stop)
{
    static const char *const watch[] = {
        [GDB_WATCH] = "watch", [GDB_RWATCH] = "rwatch", [GDB_AWATCH] = "awatch"};
    switch (stop->kind) {
    case GDB_BREAKPOINT:
        if (stop->point == GDB_SW_BREAK && s->swbreak)
            buf_puts(&s->reply, "swbreak:;");
        if (stop->point == GDB_HW_BREAK && s->hwbreak)
            buf_puts(&s->reply, "hwbreak:;");
        break;
    case GDB_WATCHPOINT:
        if (stop->point >= GDB_WATCH && stop->point <= GDB_AWATCH)
            buf_printf(&s->reply, "%s:%llx;", watch[stop->point], (unsigned long long)stop->addr);
        break;
    case GDB_LOG_BEGIN:
        buf_puts(&s->reply, "replaylog:begin;");
        break;
    case GDB_LOG_END:
        buf_puts(&s->reply, "replaylog:end;");
        break;
    case GDB_RUNNING:
    case GDB_STEPPED:
    case GDB_INTERRUPTED:
    case GDB_FAILED:
        break;
    }
}

void session_stop_reply(struct gdb_session *s, const struct gdb_stop *stop)
{
    unsigned number = stop->kind == GDB_INTERRUPTED ? SIGNAL_INT
                      : stop->kind == GDB_FAILED    ? SIGNAL_ABORT
                                                    : SIGNAL_TRAP;
    struct gdb_tid tid;
    if (!session_resolve(s, stop->tid, &tid) && !session_resolve(s, (struct gdb_tid){0, 0}, &tid)) {
        buf_puts(&s->reply, "W00"); /* nothing is attached */
        return;
    }
    buf_printf(&s->reply, "T%02x", number);
    put_reason(s, stop);
    buf_puts(&s->reply, "thread:");
    session_put_tid(s, tid);
    buf_putc(&s->reply, ';');
    put_expedited(s, tid);
    /* From here on the client takes this thread as selected, without saying so. */
    s->general = s->named = tid;
}

void session_stopped_at(struct gdb_session *s, struct gdb_tid tid)
{
    struct gdb_stop stop = {.kind = GDB_STEPPED, .tid = tid};
    session_stop_reply(s, &stop);
}

void session_resume(struct gdb_session *s, const struct gdb_resume *how)
{
    s->how = *how;
    s->how.watch_after = s->is_lldb;
    s->running = true;
    s->no_reply = true;
    s->ops->resume(s->target, &s->how);
    if (!s->how.only_tid)
        points_free_retired(s);
}

static const struct cmd *find_cmd(const struct buf *packet)
{
    for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
        size_t n = strlen(cmds[i].name);
        if (packet->len < n || (cmds[i].match == EXACT && packet->len != n))
            continue;
        if (memcmp(packet->data, cmds[i].name, n) == 0)
            return &cmds[i];
    }
    return NULL;
}

static void dispatch(struct gdb_session *s)
{
    struct gdb_tid any = {0, 0}, tid;
    const struct cmd *c = s->reader.payload.len > 0 ? find_cmd(&s->reader.payload) : NULL;
    buf_clear(&s->reply);
    s->no_reply = false;
    if (c != NULL && c->needs == PROCESS && !session_resolve(s, any, &tid)) {
        session_error(s, WIRE_ESRCH);
    } else if (c != NULL) {
        const uint8_t *p = s->reader.payload.data;
        struct pktargs a = {p + strlen(c->name), p + s->reader.payload.len};
        c->run(s, &a);
    }
    if (!s->no_reply)
        session_send(s, s->reply.data, s->reply.len);
}

static void interrupt(struct gdb_session *s)
{
    /* When stopped it must not cause a reply: the client would take it for another one. */
    if (!s->running)
        return;
    s->ops->interrupt(s->target);
    s->is_interrupted = true;
}

static void ack(struct gdb_session *s, char c)
{
    if (!s->no_ack)
        buf_putc(&s->wire, (uint8_t)c);
}

static void take_packet(struct gdb_session *s)
{
    if (s->running) {
        s->held = true; /* acknowledged when its turn comes: what is sent before is not its reply */
        interrupt(s);
    } else {
        ack(s, '+');
        dispatch(s);
    }
}

static void take_byte(struct gdb_session *s, uint8_t byte, bool is_repeated)
{
    switch (packet_reader_byte(&s->reader, byte)) {
    case PACKET_NOTHING:
        break;
    case PACKET_READY:
        if (!is_repeated)
            take_packet(s);
        break;
    case PACKET_BAD:
        ack(s, '-');
        break;
    case PACKET_TOO_LONG:
        ack(s, '+');
        if (!s->running) {
            session_error(s, WIRE_E2BIG);
            session_send(s, s->reply.data, s->reply.len);
        }
        break;
    case PACKET_INTERRUPT:
        interrupt(s);
        break;
    case PACKET_NAK:
        /* gdb says it, too, when it waits for long: there is nothing to repeat then. */
        if (!s->no_ack && !s->running)
            buf_put(&s->wire, s->last.data, s->last.len);
        break;
    }
}

/* A client that is not acknowledged in time sends its packet again: one reply is for all. */
static bool comes_again(const struct gdb_session *s, const uint8_t *packet, size_t n, size_t left)
{
    return !s->no_ack && n >= 4 && packet[0] == '$' && packet[n - 3] == '#' && left >= n &&
           memcmp(packet, packet + n, n) == 0;
}

size_t gdb_session_input(struct gdb_session *s, const uint8_t *bytes, size_t n)
{
    size_t used = 0, start = 0; /* of the last packet */
    while (used < n && !s->held && !s->closing) {
        if (bytes[used] == '$')
            start = used;
        size_t length = used + 1 - start;
        used++;
        take_byte(s, bytes[used - 1], comes_again(s, bytes + start, length, n - used));
    }
    return s->closing ? n : used;
}

static void send_console(struct gdb_session *s)
{
    session_send_text(s, s->console.data, s->console.len);
    buf_clear(&s->console);
}

static void dispatch_held(struct gdb_session *s)
{
    if (s->held) {
        s->held = false;
        ack(s, '+');
        dispatch(s);
    }
}

/* Some sign of life is due when the client has heard nothing for long. */
static bool is_quiet(struct gdb_session *s, bool has_text)
{
    s->quiet_slices = has_text ? 0 : s->quiet_slices + 1;
    if (s->quiet_slices < QUIET_SLICES)
        return false;
    s->quiet_slices = 0;
    return true;
}

void session_monitor(struct gdb_session *s, const char *line)
{
    buf_clear(&s->line);
    buf_puts(&s->line, line);
    s->running = s->in_monitor = s->no_reply = true;
    s->is_begun = s->is_interrupted = false;
    s->quiet_slices = 0;
}

/* True while it goes on. Unknown commands are answered with text, too: an empty reply would read as
 * "the target has no such thing as monitor commands". */
static bool monitor_goes_on(struct gdb_session *s, struct buf *text)
{
    struct gdb_tid tid = {0, 0};
    if (s->is_begun)
        return s->ops->monitor_slice(s->target, text);
    s->is_begun = true;
    session_general(s, &tid);
    if (!s->ops->monitor(s->target, tid, buf_cstr(&s->line), text)) {
        buf_clear(text);
        buf_puts(text, "Unknown command. \"monitor help\" lists them.\n");
    }
    if (s->is_interrupted) /* before the target had anything to interrupt */
        s->ops->interrupt(s->target);
    return s->ops->monitor_slice != NULL && s->ops->monitor_slice(s->target, text);
}

/*
 * A client that sends a packet without having got the reply to the one before has given that up:
 * gdb does so, and says nothing, when its user presses Ctrl-C. What came now would be taken for
 * the reply to the new packet.
 */
static void slice_monitor(struct gdb_session *s)
{
    struct buf text = {0};
    s->running = s->in_monitor = monitor_goes_on(s, &text);
    bool has_text = s->console.len != 0 || text.len != 0;
    if (s->held) {
        buf_clear(&s->console);
    } else {
        if (is_quiet(s, has_text))
            session_send(s, "O", 1); /* without text: it shows nothing */
        send_console(s);
        session_send_text(s, text.data, text.len);
        if (!s->running)
            session_send(s, "OK", 2);
    }
    buf_free(&text);
    if (!s->running)
        dispatch_held(s);
}

static void slice_restart(struct gdb_session *s)
{
    struct gdb_stop stop = s->ops->restart_slice(s->target);
    if (stop.kind == GDB_RUNNING) {
        if (!s->held && is_quiet(s, false))
            send_alive(s);
        return;
    }
    s->running = s->in_restart = false;
    buf_clear(&s->console);
    buf_clear(&s->reply);
    if (stop.kind == GDB_FAILED)
        session_error_text(s, stop.message != NULL ? stop.message : "the restart failed");
    else
        session_stopped_at(s, (struct gdb_tid){0, 0});
    if (!s->held)
        session_send(s, s->reply.data, s->reply.len);
    dispatch_held(s);
}

void session_restart(struct gdb_session *s)
{
    if (s->ops->restart_slice == NULL) {
        session_stopped_at(s, (struct gdb_tid){0, 0});
        return;
    }
    s->running = s->in_restart = s->no_reply = true;
    s->quiet_slices = 0;
}

void gdb_session_slice(struct gdb_session *s)
{
    if (!s->running)
        return;
    if (s->in_monitor) {
        slice_monitor(s);
        return;
    }
    if (s->in_restart) {
        slice_restart(s);
        return;
    }
    struct gdb_stop stop = s->ops->slice(s->target);
    if (stop.message != NULL)
        gdb_session_console(s, stop.message, strlen(stop.message));
    send_console(s);
    if (stop.kind == GDB_RUNNING)
        return;
    s->running = false;
    /* A stop of another thread than the one that gdb steps over something kills gdb, even one
     * by an interrupt or at the end of the log. */
    if (s->how.only_tid)
        stop.tid = s->how.tid;
    buf_clear(&s->reply);
    session_stop_reply(s, &stop);
    session_send(s, s->reply.data, s->reply.len);
    dispatch_held(s);
}

void gdb_session_console(struct gdb_session *s, const void *text, size_t n)
{
    if (s->running)
        buf_put(&s->console, text, n);
}

static void index_regs(struct gdb_session *s)
{
    const struct gdb_reg *table;
    size_t n = s->ops->regs(s->target, &table);
    for (size_t i = 0; i < n; i++) {
        const struct gdb_reg *r = &table[i];
        CHECK(r->number < GDB_REGS_MAX && r->bits % 8 == 0 && r->bits <= 8 * GDB_REG_BYTES,
              "register %s: number %u, %u bits", r->name, r->number, r->bits);
        CHECK(s->reg_at[r->number] == NULL, "register number %u twice", r->number);
        s->reg_at[r->number] = r;
    }
    while (s->g_regs < GDB_REGS_MAX && s->reg_at[s->g_regs] != NULL && s->reg_at[s->g_regs]->in_g)
        s->g_regs++;
}

void gdb_session_init(struct gdb_session *s, const struct gdb_target_ops *ops, void *target)
{
    *s = (struct gdb_session){.ops = ops, .target = target};
    packet_reader_init(&s->reader);
    index_regs(s);
}

void gdb_session_fini(struct gdb_session *s)
{
    gdb_session_end(s);
    packet_reader_fini(&s->reader);
    buf_free(&s->wire);
    buf_free(&s->last);
    buf_free(&s->reply);
    buf_free(&s->console);
    buf_free(&s->line);
}

void gdb_session_begin(struct gdb_session *s)
{
    packet_reader_fini(&s->reader);
    packet_reader_init(&s->reader);
    buf_clear(&s->wire);
    buf_clear(&s->last);
    buf_clear(&s->console);
    s->no_ack = s->multiprocess = s->swbreak = s->hwbreak = s->error_text = s->is_lldb = false;
    s->closing = s->held = s->running = s->in_monitor = s->in_restart = false;
    s->general = s->control = s->named = (struct gdb_tid){0, 0};
    memset(s->attached, 0, sizeof s->attached);
    session_attach_first(s);
}

void gdb_session_end(struct gdb_session *s)
{
    struct buf unheard = {0};
    while (s->running) {
        s->ops->interrupt(s->target);
        if (s->in_monitor)
            s->running = s->is_begun && s->ops->monitor_slice != NULL &&
                         s->ops->monitor_slice(s->target, &unheard);
        else if (s->in_restart)
            s->running = s->ops->restart_slice(s->target).kind == GDB_RUNNING;
        else
            s->running = s->ops->slice(s->target).kind == GDB_RUNNING;
    }
    buf_free(&unheard);
    s->in_monitor = s->in_restart = false;
    s->held = false;
    points_remove(s, -1);
    points_free_retired(s);
    files_close(s);
    if (s->ops->set_phys_mode != NULL)
        s->ops->set_phys_mode(s->target, false);
}
