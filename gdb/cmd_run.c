/*
 * Resuming. In a replay no thread can be held still, so gdb's wishes for each
 * thread come down to three facts: which direction, which thread is stepped,
 * and whether the stops of the others may be reported. They may not when every
 * action names one single thread: then gdb has removed a point and steps over
 * its place, and would not survive news from elsewhere.
 */
#include "gdb/cmd_priv.h"

struct vcont {
    bool any_action, has_step, has_others;
    struct gdb_tid step_tid; /* of the first step; as the client wrote it */
    uint64_t lo, hi;
    struct gdb_tid only; /* the single thread named */
    int pid;             /* that all actions are for; 0: several, or all */
};

void cmd_vcont_actions(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    buf_puts(&s->reply, "vCont;c;C;s;S;t;r");
}

static bool parse_action(struct pktargs *a, struct vcont *v)
{
    uint64_t ignored, lo = 0, hi = 0;
    struct gdb_tid tid = {0, -1};
    if (a->p == a->end)
        return false;
    char kind = (char)*a->p++;
    bool is_step = kind == 's' || kind == 'S' || kind == 'r';
    if (!is_step && kind != 'c' && kind != 'C' && kind != 't')
        return false;
    /* Signals are ignored: the recording has what the machine got. */
    if ((kind == 'S' || kind == 'C') && !args_hex(a, &ignored))
        return false;
    if (kind == 'r' && !args_hex_pair(a, &lo, &hi))
        return false;
    if (args_char(a, ':') && !args_tid(a, &tid))
        return false;
    if (kind == 't')
        return true;
    if (is_step && !v->has_step) {
        v->has_step = true;
        v->step_tid = tid;
        v->lo = lo;
        v->hi = hi;
    }
    v->has_others = v->has_others || v->any_action || tid.tid <= 0;
    if (!v->any_action)
        v->pid = tid.pid > 0 ? tid.pid : 0;
    else if (v->pid != tid.pid)
        v->pid = 0;
    v->any_action = true;
    v->only = tid;
    return true;
}

void cmd_vcont(struct gdb_session *s, struct pktargs *a)
{
    struct vcont v = {0};
    do {
        if (!parse_action(a, &v))
            return session_error(s, WIRE_EINVAL);
    } while (args_char(a, ';'));
    struct gdb_resume how = {
        .dir = GDB_FORWARD,
        .step = v.has_step,
        .only_tid = !v.has_others,
        .only_pid = v.pid,
        .lo = v.lo,
        .hi = v.hi,
    };
    if (a->p != a->end || !v.any_action ||
        !session_resolve(s, v.has_step ? v.step_tid : v.only, &how.tid))
        return session_error(s, WIRE_EINVAL);
    session_resume(s, &how);
}

/* The packets without a thread: it is that of Hc, or if that names none, the last one named. */
static void resume_control(struct gdb_session *s, enum gdb_dir dir, bool step)
{
    struct gdb_resume how = {.dir = dir, .step = step};
    if (s->control.tid > 0)
        how.only_tid = session_resolve(s, s->control, &how.tid);
    how.only_pid = s->control.pid > 0 ? s->control.pid : 0;
    if (!how.only_tid && !session_resolve(s, (struct gdb_tid){how.only_pid, 0}, &how.tid))
        return session_error(s, WIRE_ESRCH);
    session_resume(s, &how);
}

void cmd_back_step(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    if (!s->ops->forward_only)
        resume_control(s, GDB_BACKWARD, true);
}

void cmd_back_continue(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    if (!s->ops->forward_only)
        resume_control(s, GDB_BACKWARD, false);
}

/* An address to resume at would be a write of pc: refused. */
void cmd_step(struct gdb_session *s, struct pktargs *a)
{
    if (a->p != a->end)
        return session_error(s, WIRE_EPERM);
    resume_control(s, GDB_FORWARD, true);
}

void cmd_continue(struct gdb_session *s, struct pktargs *a)
{
    if (a->p != a->end)
        return session_error(s, WIRE_EPERM);
    resume_control(s, GDB_FORWARD, false);
}

void cmd_step_signal(struct gdb_session *s, struct pktargs *a)
{
    uint64_t ignored;
    if (!args_hex(a, &ignored))
        return session_error(s, WIRE_EINVAL);
    cmd_step(s, a);
}

void cmd_continue_signal(struct gdb_session *s, struct pktargs *a)
{
    uint64_t ignored;
    if (!args_hex(a, &ignored))
        return session_error(s, WIRE_EINVAL);
    cmd_continue(s, a);
}
