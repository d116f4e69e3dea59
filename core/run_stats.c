/*
 * The table of --stats. A number is told only where it was counted: the interpreter has no rows
 * about translated code, and a quotient without a divisor is a dash.
 */
#include "core/run_stats.h"

#include <inttypes.h>
#include <string.h>

#include "core/engine_option.h"

#define LABEL_WIDTH 44
#define VALUE_WIDTH 26 /* of any count */

void run_stats_add_helper(struct run_stats *s, const char *name, uint64_t calls)
{
    if (calls == 0)
        return;
    unsigned kept = (unsigned)min_u64(s->helpers_kinds, RUN_STATS_HELPERS), i = kept;
    s->helpers_kinds++;
    s->helpers_calls += calls;
    while (i > 0 && s->helpers[i - 1].calls < calls)
        i--;
    if (i == RUN_STATS_HELPERS)
        return;
    unsigned behind = (kept == RUN_STATS_HELPERS ? kept - 1 : kept) - i;
    memmove(&s->helpers[i + 1], &s->helpers[i], behind * sizeof s->helpers[0]);
    s->helpers[i] = (struct run_stats_helper){name, calls};
}

void run_stats_take(struct run_stats *s, const struct mips *cpu)
{
    const char *name;
    uint64_t calls;
    s->mips = mips_get_stats(cpu);
    for (unsigned i = 0; mips_helper_calls(cpu, i, &name, &calls); i++)
        run_stats_add_helper(s, name, calls);
}

static void row(FILE *out, const char *label, const char *value)
{
    fprintf(out, "  %-*s%*s\n", LABEL_WIDTH, label, VALUE_WIDTH, value);
}

/* With a comma before every three digits. */
static void row_count(FILE *out, const char *label, uint64_t n)
{
    char digits[24], text[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t to = 0;
    for (int i = 0; i < len; i++) {
        if (i != 0 && (len - i) % 3 == 0)
            text[to++] = ',';
        text[to++] = digits[i];
    }
    text[to] = 0;
    row(out, label, text);
}

static void row_seconds(FILE *out, const char *label, double seconds)
{
    char text[32];
    snprintf(text, sizeof text, "%.3f", seconds);
    row(out, label, text);
}

static void row_quotient(FILE *out, const char *label, double a, double b)
{
    char text[32] = "-";
    if (b > 0)
        snprintf(text, sizeof text, "%.2f", a / b);
    row(out, label, text);
}

static void print_translator(const struct mips_stats *m, FILE *out)
{
    fputs("translated code\n", out);
    row_count(out, "blocks translated", m->blocks_translated);
    row_count(out, "blocks executed", m->blocks_run);
    row_count(out, "jumps chained to another block", m->blocks_chained);
    row_count(out, "times that code memory was dropped", m->code_drops);
    row_count(out, "bytes of guest code", m->guest_code_bytes);
    row_count(out, "bytes of host code", m->host_code_bytes);
    row_quotient(out, "bytes of host code per guest instruction", (double)m->host_code_bytes,
                 (double)m->guest_code_bytes / 4);
    row_quotient(out, "host clock ticks per translated block", (double)m->translate_ticks,
                 (double)m->blocks_translated);
    row_count(out, "returns to the run loop", m->leaves);
}

static void print_helpers(const struct run_stats *s, FILE *out)
{
    unsigned shown = (unsigned)min_u64(s->helpers_kinds, RUN_STATS_HELPERS);
    uint64_t rest = s->helpers_calls;
    fputs("calls of helpers from translated code, by instruction\n", out);
    for (unsigned i = 0; i < shown; i++) {
        row_count(out, s->helpers[i].name, s->helpers[i].calls);
        rest -= s->helpers[i].calls;
    }
    if (rest != 0) {
        char label[LABEL_WIDTH];
        snprintf(label, sizeof label, "%u others", s->helpers_kinds - shown);
        row_count(out, label, rest);
    }
    row_count(out, "all", s->helpers_calls);
}

void run_stats_print(const struct run_stats *s, FILE *out)
{
    const struct mips_stats *m = &s->mips;
    bool translated = s->engine == MIPS_JIT;
    fputs("run\n", out);
    row(out, "engine", engine_name(s->engine));
    row_count(out, "guest instructions", s->steps);
    row_seconds(out, "seconds", s->time.seconds);
    row_seconds(out, "seconds of processor time", s->time.cpu_seconds);
    row_quotient(out, "million instructions per second of it", (double)s->steps / 1e6,
                 s->time.cpu_seconds);
    fputs("code\n", out);
    row_count(out, "blocks decoded", m->blocks_decoded);
    row_count(out, "times that a page's blocks were flushed", m->blocks_flushed);
    if (translated)
        print_translator(m, out);
    fputs("memory\n", out);
    row_count(out, "software TLB fills", m->page_fills);
    if (translated) {
        row_count(out, "loads that missed it", m->slow_loads);
        row_count(out, "stores that missed it", m->slow_stores);
    }
    row_count(out, "device accesses", m->device_accesses);
    if (translated)
        print_helpers(s, out);
}
