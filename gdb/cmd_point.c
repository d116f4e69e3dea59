/*
 * Breakpoints and watchpoints, with conditions and commands.
 *
 * A point lives from its Z packet to its z packet, but gdb removes all points
 * at every stop, and a target that steps over one needs to know the conditions
 * of those just removed (target.h). So a removed point is retired, and freed
 * after the next full resume.
 */
#include <stdlib.h>

#include "core/base/bytes.h"
#include "gdb/agent.h"
#include "gdb/cmd_priv.h"

#define POINTS_MAX 4096
#define CODE_MAX   0x10000 /* bytes of all expressions of a point */

/* Expressions one after another, each behind its length in 4 bytes. */
struct point {
    struct point *next;
    struct gdb_session *session;
    int pid;
    enum gdb_point kind;
    uint64_t va, len;
    struct buf conds, commands;
};

struct hit {
    struct gdb_session *session;
    struct gdb_tid tid;
};

static bool env_reg(void *ctx, unsigned number, uint64_t *value)
{
    struct hit *hit = ctx;
    struct gdb_session *s = hit->session;
    uint8_t bytes[GDB_REG_BYTES];
    if (number >= GDB_REGS_MAX || s->reg_at[number] == NULL || s->reg_at[number]->bits > 64 ||
        !s->ops->read_reg(s->target, hit->tid, number, bytes))
        return false;
    size_t n = s->reg_at[number]->bits / 8;
    bool big = s->ops->big_endian(s->target, hit->tid.pid);
    *value = 0;
    for (size_t i = 0; i < n; i++)
        *value = *value << 8 | bytes[big ? i : n - 1 - i];
    return true;
}

static bool env_mem(void *ctx, uint64_t va, uint8_t *bytes, size_t n)
{
    struct hit *hit = ctx;
    struct gdb_session *s = hit->session;
    return s->ops->read_mem(s->target, hit->tid, va, bytes, n) == n;
}

/* Run all expressions; true if one is non-zero or fails. */
static bool run_all(const struct buf *code, const struct agent_env *env)
{
    bool any = false;
    for (size_t at = 0; at < code->len;) {
        uint32_t n = ld_le32(code->data + at);
        uint64_t value;
        at += sizeof n;
        any = !agent_eval(code->data + at, n, env, &value) || value != 0 || any;
        at += n;
    }
    return any;
}

/* The target's callback at a hit. Commands take the place of a stop; taken back, they are passed
 * in silence. */
static bool point_hit(void *ctx, struct gdb_tid tid)
{
    struct point *p = ctx;
    struct gdb_session *s = p->session;
    struct hit hit = {s, tid};
    struct buf text = {0};
    struct agent_env env = {
        .ctx = &hit,
        .reg = env_reg,
        .mem = env_mem,
        .big_endian = s->ops->big_endian(s->target, tid.pid),
        .text = &text,
    };
    bool phys = s->ops->get_phys_mode != NULL && s->ops->get_phys_mode(s->target);
    if (phys && s->ops->set_phys_mode != NULL)
        s->ops->set_phys_mode(s->target, false);
    bool stop = p->conds.len == 0 || run_all(&p->conds, &env);
    if (stop && p->commands.len != 0) {
        stop = false;
        if (s->how.dir == GDB_FORWARD)
            run_all(&p->commands, &env);
    }
    if (phys && s->ops->set_phys_mode != NULL)
        s->ops->set_phys_mode(s->target, true);
    gdb_session_console(s, text.data, text.len);
    buf_free(&text);
    return stop;
}

static void point_free(struct point *p)
{
    buf_free(&p->conds);
    buf_free(&p->commands);
    free(p);
}

void points_free_retired(struct gdb_session *s)
{
    while (s->retired != NULL) {
        struct point *p = s->retired;
        s->retired = p->next;
        point_free(p);
    }
}

/* Unlink *at and keep it for the target's sake. */
static void retire(struct gdb_session *s, struct point **at)
{
    struct point *p = *at;
    *at = p->next;
    p->next = s->retired;
    s->retired = p;
    s->point_count--;
}

void points_remove(struct gdb_session *s, int pid)
{
    struct point **at = &s->points;
    while (*at != NULL) {
        struct point *p = *at;
        if (pid != -1 && p->pid != pid) {
            at = &p->next;
            continue;
        }
        s->ops->clear_point(s->target, p->pid, p->kind, p->va, p->len);
        retire(s, at);
    }
}

static struct point **find_point(struct gdb_session *s, const struct point *like)
{
    struct point **at = &s->points;
    while (*at != NULL && !((*at)->pid == like->pid && (*at)->kind == like->kind &&
                            (*at)->va == like->va && (*at)->len == like->len))
        at = &(*at)->next;
    return at;
}

/* "type,addr,len". False, with a reply if it is an error. */
static bool parse_point(struct gdb_session *s, struct pktargs *a, struct point *p)
{
    uint64_t type;
    struct gdb_tid tid;
    if (s->ops->set_point == NULL || s->ops->clear_point == NULL)
        return false;
    if (!args_hex(a, &type) || !args_char(a, ',') || !args_hex_pair(a, &p->va, &p->len) ||
        !session_general(s, &tid)) {
        session_error(s, WIRE_EINVAL);
        return false;
    }
    p->pid = tid.pid;
    p->kind = (enum gdb_point)type;
    return type <= GDB_AWATCH;
}

/* "Xlen,bytes" as often as there are. */
static bool parse_code(struct pktargs *a, struct buf *out)
{
    while (args_char(a, 'X')) {
        uint64_t n;
        if (!args_hex(a, &n) || !args_char(a, ',') || n > CODE_MAX - out->len ||
            args_left(a) < 2 * n)
            return false;
        size_t at = out->len;
        struct pktargs code = {a->p, a->p + 2 * n};
        st_le32(buf_reserve(out, 4), (uint32_t)n);
        out->len = at + 4;
        if (!args_bytes(&code, 0, out, n) || out->len > CODE_MAX)
            return false;
        a->p = code.end;
    }
    return true;
}

static bool parse_options(struct pktargs *a, struct point *p)
{
    while (args_char(a, ';')) {
        uint64_t persist;
        if (!args_text(a, "cmds:")) {
            if (!parse_code(a, &p->conds))
                return false;
            continue;
        }
        if (!args_hex(a, &persist) || !args_char(a, ',') || !parse_code(a, &p->commands))
            return false;
    }
    return a->p == a->end;
}

void cmd_set_point(struct gdb_session *s, struct pktargs *a)
{
    struct point *p = xcalloc(1, sizeof *p);
    p->session = s;
    if (!parse_point(s, a, p)) {
        point_free(p);
        return;
    }
    struct point **old = find_point(s, p);
    bool conditional;
    if (!parse_options(a, p) || (*old == NULL && s->point_count >= POINTS_MAX))
        goto refuse;
    conditional = p->conds.len != 0 || p->commands.len != 0;
    if (s->ops->set_point(s->target, p->pid, p->kind, p->va, p->len, conditional ? point_hit : NULL,
                          p, NULL) < 0)
        goto refuse;
    if (*old != NULL)
        retire(s, old);
    p->next = s->points;
    s->points = p;
    s->point_count++;
    buf_puts(&s->reply, "OK");
    return;
refuse:
    point_free(p);
    session_error(s, WIRE_EINVAL);
}

void cmd_clear_point(struct gdb_session *s, struct pktargs *a)
{
    struct point like = {0};
    if (!parse_point(s, a, &like))
        return;
    struct point **old = find_point(s, &like);
    if (*old != NULL) {
        s->ops->clear_point(s->target, like.pid, like.kind, like.va, like.len);
        retire(s, old);
    }
    buf_puts(&s->reply, "OK");
}
