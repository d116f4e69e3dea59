#include "tests/gdb/fake_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/bytes.h"

#define CODE       0x80001000u
#define ENTRY      0x80001008u
#define LOOP       0x80001014u
#define STORE      0x80001018u
#define LOAD       0x8000101cu
#define DATA       0x80002000u
#define MEM_SIZE   0x2000u /* code page and data page */
#define MAX_POINTS 64
#define SLICE      1000

enum {
    REG_T0 = 8,
    REG_T1,
    REG_T2,
    REG_SP = 29,
    REG_RA = 31,
    REG_STATUS,
    REG_LO,
    REG_HI,
    REG_BAD,
    REG_CAUSE,
    REG_PC,
    REG_F0,
    REG_FCSR = 70,
    REG_FIR,
    REG_PLAIN,
    REG_POSITION = REG_PLAIN + 18,
    REG_MODE,
    REG_COUNT
};

struct state {
    uint32_t pc, t0, t1, t2, word;
};

struct fake_point {
    bool used;
    int pid;
    enum gdb_point kind;
    uint32_t va;
    uint64_t len;
    gdb_cond_fn *cond;
    void *cond_ctx;
};

struct fake_target {
    bool big_endian, phys, slow, interrupted;
    struct state history[FAKE_END + 1];
    uint64_t pos, checkpoint;
    uint64_t restart_slices; /* that a restart still takes; 0 for none */
    uint64_t long_slices;    /* the same of the monitor command "long" */
    struct gdb_resume how;
    struct fake_point points[MAX_POINTS];
    struct gdb_reg regs[REG_COUNT];
    char names[REG_COUNT][12];
};

static const uint32_t program[] = {0x03e00008, 0,          0x24080000, 0x3c098000, 0x35292000,
                                   0x25080001, 0xad280000, 0x8d2a0004, 0x1000fffc, 0};
static const struct gdb_tid threads[] = {{1, 1}, {1, 2}, {2, 3}};

static struct state next_state(struct state s)
{
    struct state n = s;
    n.pc = s.pc + 4;
    switch ((s.pc - ENTRY) / 4) {
    case 0:
        n.t0 = 0;
        break;
    case 1:
        n.t1 = 0x80000000;
        break;
    case 2:
        n.t1 = DATA;
        break;
    case 3:
        n.t0 = s.t0 + 1;
        break;
    case 4:
        n.word = s.t0;
        break;
    case 5:
        n.t2 = 7;
        break;
    default:
        n.pc = LOOP;
        break;
    }
    return n;
}

static void add_reg(struct fake_target *t, unsigned n, const char *feature, const char *type,
                    const char *fmt, unsigned arg)
{
    snprintf(t->names[n], sizeof t->names[n], "%s", fmt);
    if (strchr(fmt, '%') != NULL)
        snprintf(t->names[n], sizeof t->names[n], "%c%u", fmt[0], arg);
    t->regs[n] = (struct gdb_reg){
        .name = t->names[n],
        .feature = feature,
        .type = type,
        .number = (uint16_t)n,
        .bits = 32,
        .in_g = n < REG_F0,
        .expedite = n == REG_PC || n == REG_SP || n == REG_RA,
    };
}

static void make_regs(struct fake_target *t)
{
    static const char cpu[] = "org.gnu.gdb.mips.cpu", cp0[] = "org.gnu.gdb.mips.cp0",
                      fpu[] = "org.gnu.gdb.mips.fpu", own[] = "org.disco.test";
    for (unsigned i = 0; i < 32; i++)
        add_reg(t, i, cpu, "int", "r%", i);
    add_reg(t, REG_STATUS, cp0, "int", "status", 0);
    add_reg(t, REG_LO, cpu, "int", "lo", 0);
    add_reg(t, REG_HI, cpu, "int", "hi", 0);
    add_reg(t, REG_BAD, cp0, "int", "badvaddr", 0);
    add_reg(t, REG_CAUSE, cp0, "int", "cause", 0);
    add_reg(t, REG_PC, cpu, "int", "pc", 0);
    for (unsigned i = 0; i < 32; i++)
        add_reg(t, REG_F0 + i, fpu, "ieee_single", "f%", i);
    add_reg(t, REG_FCSR, fpu, "int", "fcsr", 0);
    add_reg(t, REG_FIR, fpu, "int", "fir", 0);
    for (unsigned i = 0; i < 18; i++)
        add_reg(t, REG_PLAIN + i, own, "int", "x%", i);
    add_reg(t, REG_POSITION, own, "uint64", "position", 0);
    t->regs[REG_POSITION].bits = 64;
    t->regs[REG_POSITION].read_only = true;
    add_reg(t, REG_MODE, own, "mode_flags", "mode", 0);
    t->regs[REG_MODE].group = "system";
}

struct fake_target *fake_target_create(bool big_endian)
{
    struct fake_target *t = xcalloc(1, sizeof *t);
    t->big_endian = big_endian;
    t->history[0].pc = ENTRY;
    for (size_t i = 0; i < FAKE_END; i++)
        t->history[i + 1] = next_state(t->history[i]);
    make_regs(t);
    return t;
}

void fake_target_destroy(struct fake_target *t)
{
    free(t);
}

uint64_t fake_target_position(const struct fake_target *t)
{
    return t->pos;
}

size_t fake_target_points(const struct fake_target *t)
{
    size_t n = 0;
    for (size_t i = 0; i < MAX_POINTS; i++)
        n += t->points[i].used;
    return n;
}

static const char *architecture(void *ctx)
{
    (void)ctx;
    return "mips:isa32r2";
}

static const char *triple(void *ctx, int pid)
{
    (void)pid;
    struct fake_target *t = ctx;
    return t->big_endian ? "mips-unknown-linux" : "mipsel-unknown-linux";
}

static size_t regs(void *ctx, const struct gdb_reg **table)
{
    struct fake_target *t = ctx;
    *table = t->regs;
    return REG_COUNT;
}

static const char *target_types(void *ctx)
{
    (void)ctx;
    return "<flags id=\"mode_flags\" size=\"4\"><field name=\"LOOP\" start=\"0\" end=\"0\"/>"
           "<field name=\"STORE\" start=\"1\" end=\"1\"/></flags>\n";
}

static bool big_endian(void *ctx, int pid)
{
    (void)pid;
    struct fake_target *t = ctx;
    return t->big_endian;
}

static size_t list_threads(void *ctx, struct gdb_tid *out, size_t max)
{
    (void)ctx;
    for (size_t i = 0; i < ARRAY_LEN(threads) && i < max; i++)
        out[i] = threads[i];
    return ARRAY_LEN(threads);
}

static void thread_text(void *ctx, struct gdb_tid tid, struct buf *out)
{
    struct fake_target *t = ctx;
    if (tid.tid == 1)
        buf_printf(out, "position %llu", (unsigned long long)t->pos);
    else
        buf_puts(out, "halted");
}

static const char *exec_file(void *ctx, int pid)
{
    (void)ctx;
    return pid == 2 ? "/vm2/program" : NULL;
}

static const uint8_t *file(void *ctx, const char *path, size_t *n)
{
    static const uint8_t text[] = "not }an* $ELF# file";
    (void)ctx;
    if (strcmp(path, "/vm2/program") != 0)
        return NULL;
    *n = sizeof text - 1;
    return text;
}

static void store_word(const struct fake_target *t, uint8_t *bytes, uint32_t v)
{
    if (t->big_endian)
        st_be32(bytes, v);
    else
        st_le32(bytes, v);
}

static uint32_t reg_value(const struct fake_target *t, struct gdb_tid tid, unsigned number)
{
    const struct state *s = &t->history[tid.tid == 1 ? t->pos : 0];
    switch (number) {
    case REG_T0:
        return s->t0;
    case REG_T1:
        return s->t1;
    case REG_T2:
        return s->t2;
    case REG_SP:
        return DATA + 0xff0;
    case REG_PC:
        return s->pc;
    case REG_MODE:
        return (s->pc >= LOOP) | (uint32_t)(s->pc == STORE) << 1;
    default:
        return 0;
    }
}

static bool read_reg(void *ctx, struct gdb_tid tid, unsigned number, uint8_t *bytes)
{
    struct fake_target *t = ctx;
    if (number >= REG_F0 && number <= REG_FIR)
        return false;
    if (number == REG_POSITION) {
        if (t->big_endian)
            st_be64(bytes, t->pos);
        else
            st_le64(bytes, t->pos);
        return true;
    }
    store_word(t, bytes, reg_value(t, tid, number));
    return true;
}

static int write_reg(void *ctx, struct gdb_tid tid, unsigned number, const uint8_t *bytes,
                     struct err *e)
{
    (void)ctx, (void)tid, (void)number, (void)bytes;
    ERR(e, ERR_USAGE, "the recording cannot be changed #1");
}

static size_t read_mem(void *ctx, struct gdb_tid tid, uint64_t va, uint8_t *bytes, size_t n)
{
    struct fake_target *t = ctx;
    uint8_t mem[MEM_SIZE] = {0};
    uint32_t at = (uint32_t)va - CODE;
    (void)tid;
    if (at >= MEM_SIZE)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(program); i++)
        store_word(t, mem + 4 * i, program[i]);
    store_word(t, mem + (DATA - CODE), t->history[t->pos].word);
    store_word(t, mem + (DATA - CODE) + 4, 7);
    if (n > MEM_SIZE - at)
        n = MEM_SIZE - at;
    memcpy(bytes, mem + at, n);
    return n;
}

static int write_mem(void *ctx, struct gdb_tid tid, uint64_t va, const uint8_t *bytes, size_t n,
                     struct err *e)
{
    (void)ctx, (void)tid, (void)va, (void)bytes, (void)n;
    ERR(e, ERR_USAGE, "the recording cannot be changed");
}

static bool get_phys_mode(void *ctx)
{
    struct fake_target *t = ctx;
    return t->phys;
}

static void set_phys_mode(void *ctx, bool on)
{
    struct fake_target *t = ctx;
    t->phys = on;
}

static int clear_point(void *ctx, int pid, enum gdb_point kind, uint64_t va, uint64_t len)
{
    struct fake_target *t = ctx;
    for (size_t i = 0; i < MAX_POINTS; i++) {
        struct fake_point *p = &t->points[i];
        if (p->pid == pid && p->kind == kind && p->va == (uint32_t)va && p->len == len)
            p->used = false;
    }
    return 0;
}

static int set_point(void *ctx, int pid, enum gdb_point kind, uint64_t va, uint64_t len,
                     gdb_cond_fn *cond, void *cond_ctx, struct err *e)
{
    struct fake_target *t = ctx;
    if (kind <= GDB_HW_BREAK && len != 4)
        ERR(e, ERR_USAGE, "this cpu has standard instructions only");
    clear_point(t, pid, kind, va, len);
    for (size_t i = 0; i < MAX_POINTS; i++) {
        if (t->points[i].used)
            continue;
        t->points[i] = (struct fake_point){true, pid, kind, (uint32_t)va, len, cond, cond_ctx};
        return 0;
    }
    ERR(e, ERR_LIMIT, "too many points");
}

static bool point_fires(const struct fake_point *p)
{
    return p->cond == NULL || p->cond(p->cond_ctx, threads[0]);
}

/* A breakpoint at the current position? */
static bool at_break(struct fake_target *t, struct gdb_stop *stop)
{
    bool hit = false;
    for (size_t i = 0; i < MAX_POINTS; i++) {
        const struct fake_point *p = &t->points[i];
        if (!p->used || p->pid != 1 || p->kind > GDB_HW_BREAK || p->va != t->history[t->pos].pc ||
            !point_fires(p))
            continue;
        hit = true;
        *stop = (struct gdb_stop){.kind = GDB_BREAKPOINT, .tid = threads[0], .point = p->kind};
    }
    return hit;
}

/* Does the point cover a byte of the word at va? */
static bool overlaps(const struct fake_point *p, uint32_t va)
{
    return va < p->va ? p->va - va < 4 && p->len > 0 : va - p->va < p->len;
}

/* A watchpoint that the instruction at position `pos` triggers? */
static bool at_watch(struct fake_target *t, uint64_t pos, struct gdb_stop *stop)
{
    uint32_t pc = t->history[pos].pc, va = pc == STORE ? DATA : DATA + 4;
    if (pc != STORE && pc != LOAD)
        return false;
    enum gdb_point other = pc == STORE ? GDB_RWATCH : GDB_WATCH;
    for (size_t i = 0; i < MAX_POINTS; i++) {
        const struct fake_point *p = &t->points[i];
        if (!p->used || p->pid != 1 || p->kind < GDB_WATCH || p->kind == other ||
            !overlaps(p, va) || !point_fires(p))
            continue;
        *stop = (struct gdb_stop){
            .kind = GDB_WATCHPOINT, .tid = threads[0], .point = p->kind, .addr = p->va};
        return true;
    }
    return false;
}

static void resume(void *ctx, const struct gdb_resume *how)
{
    struct fake_target *t = ctx;
    t->how = *how;
    t->interrupted = false;
}

/* The step, or the range step, is over? */
static bool step_done(const struct fake_target *t)
{
    uint32_t pc = t->history[t->pos].pc;
    return t->how.step &&
           (t->how.lo == t->how.hi || pc < (uint32_t)t->how.lo || pc >= (uint32_t)t->how.hi);
}

/* One position forwards or backwards. True: stop. */
static bool move(struct fake_target *t, struct gdb_stop *stop)
{
    bool back = t->how.dir == GDB_BACKWARD, after = t->how.watch_after;
    if (t->pos == (back ? 0 : FAKE_END)) {
        stop->kind = back ? GDB_LOG_BEGIN : GDB_LOG_END;
        return true;
    }
    uint64_t crossed = back ? t->pos - 1 : t->pos;
    if (!after && at_watch(t, crossed, stop))
        return true;
    t->pos += back ? -1 : 1;
    return (after && at_watch(t, crossed, stop)) || at_break(t, stop) || step_done(t);
}

static struct gdb_stop slice(void *ctx)
{
    struct fake_target *t = ctx;
    struct gdb_stop stop = {.kind = GDB_STEPPED, .tid = threads[0]};
    if (t->how.step && t->how.tid.tid != 1) {
        stop.tid = t->how.tid; /* halted: its step changes nothing */
        return stop;
    }
    if (t->slow)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    for (int i = 0; i < (t->slow ? 1 : SLICE); i++) {
        if (t->interrupted) {
            stop.kind = GDB_INTERRUPTED;
            return stop;
        }
        if (move(t, &stop))
            return stop;
    }
    stop.kind = GDB_RUNNING;
    return stop;
}

static void interrupt(void *ctx)
{
    struct fake_target *t = ctx;
    t->interrupted = true;
}

static int restart(void *ctx, uint64_t to, struct err *e)
{
    struct fake_target *t = ctx;
    if (to > FAKE_END)
        ERR(e, ERR_USAGE, "the recording ends at position %d", FAKE_END);
    t->pos = to;
    return 0;
}

static struct gdb_stop restart_slice(void *ctx)
{
    struct fake_target *t = ctx;
    if (t->interrupted)
        t->restart_slices = 0;
    if (t->restart_slices == 0)
        return (struct gdb_stop){.kind = GDB_STEPPED};
    t->restart_slices--;
    return (struct gdb_stop){.kind = GDB_RUNNING};
}

static bool monitor(void *ctx, struct gdb_tid tid, const char *line, struct buf *out)
{
    struct fake_target *t = ctx;
    if (strcmp(line, "when") == 0)
        buf_printf(out, "position %llu, thread %d\n", (unsigned long long)t->pos, tid.tid);
    else if (strcmp(line, "slow") == 0)
        t->slow = true;
    else if (strcmp(line, "fast") == 0)
        t->slow = false;
    else if (strncmp(line, "seek ", 5) == 0)
        t->pos = min_u64(strtoull(line + 5, NULL, 0), FAKE_END);
    else if (strncmp(line, "long ", 5) == 0)
        t->long_slices = strtoull(line + 5, NULL, 0);
    else if (strncmp(line, "far ", 4) == 0) /* so long takes the next restart */
        t->restart_slices = strtoull(line + 4, NULL, 0);
    else if (strcmp(line, "checkpoint") == 0)
        t->checkpoint = t->pos;
    else if (strcmp(line, "checkpoints") == 0)
        buf_printf(out, "1 at %llu\n", (unsigned long long)t->checkpoint);
    else if (strcmp(line, "restart 1") == 0)
        t->pos = t->checkpoint;
    else
        return false;
    t->interrupted = false;
    return true;
}

static bool monitor_slice(void *ctx, struct buf *out)
{
    struct fake_target *t = ctx;
    if (t->long_slices == 0)
        return false;
    t->long_slices--;
    if (t->interrupted)
        t->long_slices = 0;
    if (t->long_slices == 0)
        buf_puts(out, t->interrupted ? "interrupted\n" : "done\n");
    return t->long_slices != 0;
}

const struct gdb_target_ops fake_target_ops = {
    .architecture = architecture,
    .triple = triple,
    .regs = regs,
    .target_types = target_types,
    .big_endian = big_endian,
    .threads = list_threads,
    .thread_text = thread_text,
    .exec_file = exec_file,
    .file = file,
    .read_reg = read_reg,
    .write_reg = write_reg,
    .read_mem = read_mem,
    .write_mem = write_mem,
    .get_phys_mode = get_phys_mode,
    .set_phys_mode = set_phys_mode,
    .set_point = set_point,
    .clear_point = clear_point,
    .resume = resume,
    .slice = slice,
    .interrupt = interrupt,
    .restart = restart,
    .restart_slice = restart_slice,
    .monitor = monitor,
    .monitor_slice = monitor_slice,
};
