/* Threads (vcpus) and processes (VMs). */
#include <stdlib.h>
#include <string.h>

#include "gdb/cmd_priv.h"
#include "gdb/regxml.h"

#define RUN_ARGS_MAX 4096

void cmd_why(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    session_stopped_at(s, s->named);
}

/* H: a thread, or none in particular. */
static bool choose(struct gdb_session *s, struct pktargs *a, struct gdb_tid *chosen)
{
    struct gdb_tid tid;
    if (!args_tid(a, &tid) || (tid.tid > 0 && !session_resolve(s, tid, &tid))) {
        session_error(s, WIRE_ESRCH);
        return false;
    }
    *chosen = tid;
    buf_puts(&s->reply, "OK");
    return true;
}

void cmd_set_general(struct gdb_session *s, struct pktargs *a)
{
    if (choose(s, a, &s->general) && s->general.tid > 0)
        s->named = s->general;
}

void cmd_set_control(struct gdb_session *s, struct pktargs *a)
{
    choose(s, a, &s->control);
}

void cmd_alive(struct gdb_session *s, struct pktargs *a)
{
    struct gdb_tid tid = {0, 0};
    if (choose(s, a, &tid) && tid.tid > 0)
        s->named = tid;
}

void cmd_current(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    struct gdb_tid tid;
    if (!session_general(s, &tid))
        return session_error(s, WIRE_ESRCH);
    buf_puts(&s->reply, "QC");
    session_put_tid(s, tid);
}

void cmd_first_threads(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    struct gdb_tid all[GDB_THREADS_MAX];
    size_t n = session_threads(s, all);
    buf_putc(&s->reply, n == 0 ? 'l' : 'm');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(&s->reply, ',');
        session_put_tid(s, all[i]);
    }
}

void cmd_more_threads(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    buf_putc(&s->reply, 'l');
}

void cmd_thread_text(struct gdb_session *s, struct pktargs *a)
{
    struct gdb_tid tid;
    struct buf text = {0};
    if (!args_tid(a, &tid) || !session_resolve(s, tid, &tid))
        return session_error(s, WIRE_ESRCH);
    if (s->ops->thread_text != NULL)
        s->ops->thread_text(s->target, tid, &text);
    packet_put_hex(&s->reply, text.data, text.len);
    buf_free(&text);
}

void put_threads_xml(struct gdb_session *s, struct buf *out)
{
    struct gdb_tid all[GDB_THREADS_MAX];
    size_t n = session_threads(s, all);
    struct buf text = {0};
    int core = 0;
    buf_puts(out, "<?xml version=\"1.0\"?>\n<threads>\n");
    for (size_t i = 0; i < n; i++) {
        core = i > 0 && all[i].pid == all[i - 1].pid ? core + 1 : 0;
        buf_puts(out, "<thread id=\"");
        if (s->multiprocess)
            buf_printf(out, "p%x.", (unsigned)all[i].pid);
        buf_printf(out, "%x\" core=\"%d\" name=\"vm%d/cpu%d\">", (unsigned)all[i].tid, core,
                   all[i].pid, core);
        buf_clear(&text);
        if (s->ops->thread_text != NULL)
            s->ops->thread_text(s->target, all[i], &text);
        buf_put_xml(out, (const char *)text.data, text.len);
        buf_puts(out, "</thread>\n");
    }
    buf_puts(out, "</threads>\n");
    buf_free(&text);
}

static void put_process(struct gdb_session *s, int pid, struct buf *out)
{
    const char *name = s->ops->process_name == NULL ? NULL : s->ops->process_name(s->target, pid);
    buf_printf(out, "<item><column name=\"pid\">%d</column><column name=\"user\">%s</column>", pid,
               s->attached[pid] ? "attached" : "-");
    buf_puts(out, "<column name=\"command\">");
    if (name != NULL)
        buf_put_xml(out, name, strlen(name));
    else
        buf_printf(out, "vm%d", pid);
    buf_puts(out, "</column></item>\n");
}

/* gdb's `info os`: the types of tables there are, or the table of VMs. */
void put_processes_xml(struct gdb_session *s, const char *annex, size_t n, struct buf *out)
{
    struct gdb_tid all[GDB_THREADS_MAX];
    size_t count = s->ops->threads(s->target, all, GDB_THREADS_MAX);
    buf_printf(out, "<?xml version=\"1.0\"?>\n<osdata type=\"%s\">\n",
               n == 0 ? "types" : "processes");
    if (n == 0) {
        buf_puts(out, "<item><column name=\"Type\">processes</column>"
                      "<column name=\"Description\">Virtual machines</column>"
                      "<column name=\"Title\">Virtual machines</column></item>\n");
    } else if (n == strlen("processes") && memcmp(annex, "processes", n) == 0) {
        for (size_t i = 0; i < count && i < GDB_THREADS_MAX; i++)
            if ((i == 0 || all[i].pid != all[i - 1].pid) && all[i].pid > 0 &&
                all[i].pid <= GDB_PIDS_MAX)
                put_process(s, all[i].pid, out);
    } else {
        buf_clear(out);
        return;
    }
    buf_puts(out, "</osdata>\n");
}

/* "1" keeps gdb from killing what it debugs when its user quits. */
void cmd_attached(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    buf_putc(&s->reply, '1');
}

static bool parse_pid(struct gdb_session *s, struct pktargs *a, int *pid)
{
    uint64_t v;
    if (!args_hex(a, &v) || v > GDB_PIDS_MAX || !session_pid_exists(s, (int)v)) {
        session_error(s, WIRE_ESRCH);
        return false;
    }
    *pid = (int)v;
    return true;
}

void cmd_attach(struct gdb_session *s, struct pktargs *a)
{
    struct gdb_tid tid = {0, -1};
    if (!parse_pid(s, a, &tid.pid))
        return;
    s->attached[tid.pid] = true;
    session_stopped_at(s, tid);
}

static void detach(struct gdb_session *s, int pid)
{
    points_remove(s, pid);
    s->attached[pid] = false;
    buf_puts(&s->reply, "OK");
}

void cmd_detach_process(struct gdb_session *s, struct pktargs *a)
{
    int pid;
    if (parse_pid(s, a, &pid))
        detach(s, pid);
}

void cmd_detach(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    points_remove(s, -1);
    memset(s->attached, 0, sizeof s->attached);
    buf_puts(&s->reply, "OK");
}

/* A replay is not killed; usually a restart follows. */
void cmd_kill_process(struct gdb_session *s, struct pktargs *a)
{
    cmd_detach_process(s, a);
}

void cmd_kill(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    s->closing = true;
    s->no_reply = true;
}

static bool restart(struct gdb_session *s, uint64_t to)
{
    struct err e = {0};
    if (s->ops->restart(s->target, to, &e) < 0) {
        session_error_text(s, e.code != 0 ? e.msg : "the restart failed");
        return false;
    }
    session_attach_first(s);
    return true;
}

/* "filename;arg;arg...", all in hex. The file is what it always was; the first argument is the
 * position to start at. */
void cmd_run(struct gdb_session *s, struct pktargs *a)
{
    struct buf name = {0}, arg = {0};
    uint64_t to = 0;
    char *end = NULL;
    if (s->ops->restart == NULL)
        return;
    if (!args_bytes(a, ';', &name, RUN_ARGS_MAX) ||
        (args_char(a, ';') && !args_bytes(a, ';', &arg, RUN_ARGS_MAX))) {
        session_error(s, WIRE_EINVAL);
        goto out;
    }
    if (arg.len != 0) {
        to = strtoull(buf_cstr(&arg), &end, 0);
        if (*end != 0) {
            session_error_text(s, "the argument of run is a position");
            goto out;
        }
    }
    if (restart(s, to))
        session_restart(s);
out:
    buf_free(&name);
    buf_free(&arg);
}

void cmd_restart(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    if (s->ops->restart == NULL)
        return;
    bool begun = restart(s, 0);
    while (begun && s->ops->restart_slice != NULL &&
           s->ops->restart_slice(s->target).kind == GDB_RUNNING) {
    }
    s->no_reply = true;
}
