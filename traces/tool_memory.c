/*
 * disco-trace memory: how VMs share machine memory. One trace: its samples,
 * then sums. Several traces: sums of each, then one line for each, by number
 * of VMs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/output.h"
#include "core/base/text.h"
#include "traces/memory_log.h"
#include "traces/memory_plot.h"
#include "traces/tool.h"

/* More samples than this are not readable as a table. */
#define ROWS_MOST 16

struct run {
    const char *path;
    struct memory_log log;
    char *damage; /* a whole line, or NULL */
    char *cut;    /* the same, if the trace is cut but not damaged */
    char *empty;  /* the same, if it has no samples: why */
};

static double mib(uint64_t pages)
{
    return (double)pages / 256;
}

/* ---- CSV ---- */

static void csv_text(const char *text)
{
    char *shown = text_shown(text);
    const char *s = shown;
    bool quoted = strpbrk(s, ",\"") != NULL;
    if (quoted)
        putchar('"');
    for (; *s != 0; s++) {
        if (*s == '"')
            putchar('"');
        putchar(*s);
    }
    if (quoted)
        putchar('"');
    free(shown);
}

static void csv_pages(const struct memory_pages *p)
{
    printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, p->promised,
           p->own, p->shared, p->zero, p->balloon, p->swapped);
}

static void csv_print(const struct run *run)
{
    const struct memory_log *log = &run->log;
    for (size_t i = 0; i < log->samples && !ferror(stdout); i++) {
        const struct memory_sample *s = &log->sample[i];
        for (size_t v = 0; v < log->vms; v++) {
            csv_text(run->path);
            printf(",%" PRIu64 ",%zu", s->ns, v);
            csv_pages(&log->vm[i * log->vms + v]);
            puts(",,,,,,");
        }
        csv_text(run->path);
        printf(",%" PRIu64 ",all", s->ns);
        csv_pages(&s->sum);
        printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 ",%" PRIu64 "\n", s->used,
               s->used_shared, s->pool, memory_log_states[s->state], s->within, s->across);
    }
}

/* ---- samples ---- */

static void row_pages(const struct memory_pages *p)
{
    printf(" %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f", mib(p->promised), mib(p->own), mib(p->shared),
           mib(p->zero), mib(p->balloon), mib(p->swapped));
}

static void row_start(uint64_t ns, const char *vm)
{
    printf("%7" PRIu64 ".%03" PRIu64 " %4s", ns / 1000000000, ns / 1000000 % 1000, vm);
}

static void print_sample(const struct memory_log *log, size_t i)
{
    const struct memory_sample *s = &log->sample[i];
    for (size_t v = 0; v < log->vms; v++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", v);
        row_start(s->ns, number);
        row_pages(&log->vm[i * log->vms + v]);
        printf(" %9s %s\n", "-", "-");
    }
    row_start(s->ns, "all");
    row_pages(&s->sum);
    printf(" %9.1f %s\n", mib(s->used), memory_log_states[s->state]);
}

static void print_samples(const struct memory_log *log)
{
    size_t rows = log->samples < ROWS_MOST ? log->samples : ROWS_MOST;
    printf("MiB at %zu of %zu samples%s\n", rows, log->samples,
           rows < log->samples ? " (--csv prints all)" : "");
    printf("%11s %4s %9s %9s %9s %9s %9s %9s %9s %s\n", "seconds", "vm", "promised", "own",
           "shared", "zero", "balloon", "swapped", "machine", "reclaim");
    for (size_t r = 0; r < rows && !ferror(stdout); r++)
        print_sample(log, rows == 1 ? 0 : r * (log->samples - 1) / (rows - 1));
    putchar('\n');
}

/* ---- sums ---- */

/* Columns of the table of peaks and means. */
enum column { PROMISED, UNSHARED, SHARED, ZERO, BALLOON, SWAPPED, COLUMNS };

static uint64_t column_value(const struct memory_pages *p, enum column column)
{
    const uint64_t values[COLUMNS] = {
        [PROMISED] = p->promised, [UNSHARED] = memory_log_unshared(p),
        [SHARED] = p->shared,     [ZERO] = p->zero,
        [BALLOON] = p->balloon,   [SWAPPED] = p->swapped,
    };
    return values[column];
}

/* v: the VM, or log->vms for all. */
static void print_peaks(const struct memory_log *log, size_t v)
{
    for (enum column c = PROMISED; c < COLUMNS; c++) {
        uint64_t peak = 0;
        double sum = 0;
        for (size_t i = 0; i < log->samples; i++) {
            bool all = v == log->vms;
            uint64_t value =
                column_value(all ? &log->sample[i].sum : &log->vm[i * log->vms + v], c);
            peak = max_u64(peak, value);
            sum += (double)value / 256;
        }
        printf(" %8.1f", mib(peak));
        if (c != PROMISED)
            printf(" %8.1f", sum / (double)log->samples);
    }
}

/* Names come last in a line: nothing limits their length. */
static void print_name(const struct memory_log *log, size_t v)
{
    struct buf b = {0};
    if (v < log->vms)
        tool_text(&b, log->names[v], strlen(log->names[v]));
    printf(" %s\n", v < log->vms ? buf_cstr(&b) : "");
    buf_free(&b);
}

static void print_vm_number(const struct memory_log *log, size_t v)
{
    if (v < log->vms)
        printf("%4zu", v);
    else
        printf("%4s", "all");
}

static void print_all_peaks(const struct memory_log *log)
{
    printf("%4s %8s %17s %17s %17s %17s %17s\n", "MiB", "promised", "without sharing", "shared",
           "zero", "balloon", "swapped");
    printf("%4s %8s", "vm", "peak");
    for (int i = 0; i < COLUMNS - 1; i++)
        printf(" %8s %8s", "peak", "mean");
    puts(" name");
    for (size_t v = 0; v <= log->vms; v++) {
        print_vm_number(log, v);
        print_peaks(log, v);
        print_name(log, v);
    }
    putchar('\n');
}

static uint64_t sum_saturated(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static struct memory_counts counts_sum(const struct memory_log *log)
{
    struct memory_counts sum = {0};
    for (size_t v = 0; v < log->vms; v++) {
        const struct memory_counts *c = &log->count[v];
        for (int w = 0; w < MEMORY_WAYS; w++)
            sum.shared[w] += c->shared[w];
        sum.zero += c->zero;
        sum.broken += c->broken;
        sum.intercepted += c->intercepted;
        sum.remapped += c->remapped;
        sum.paged_out += c->paged_out;
        sum.paged_in += c->paged_in;
    }
    return sum;
}

static void print_counts(const struct memory_log *log)
{
    struct memory_counts sum = counts_sum(log);
    uint64_t copied = 0;
    printf("%4s %35s %9s %9s %19s %38s\n", "", "pages that came to be shared by", "", "", "paged",
           "bytes");
    printf("%4s %8s %8s %8s %8s %9s %9s %9s %9s %12s %12s %12s\n", "vm", "disk", "net", "content",
           "boot", "zero", "broken", "out", "in", "intercepted", "remapped", "copied");
    for (size_t v = 0; v <= log->vms; v++) {
        const struct memory_counts *c = v < log->vms ? &log->count[v] : &sum;
        uint64_t here = v < log->vms ? memory_log_copied(c) : copied;
        copied = sum_saturated(copied, here);
        print_vm_number(log, v);
        for (int w = 0; w < MEMORY_WAYS; w++)
            printf(" %8" PRIu64, c->shared[w]);
        printf(" %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %12" PRIu64 " %12" PRIu64
               " %12" PRIu64 "\n",
               c->zero, c->broken, c->paged_out, c->paged_in, c->intercepted * PAGE_SIZE,
               c->remapped * PAGE_SIZE, here);
    }
    putchar('\n');
}

/* part of whole as text; "-" if there is no whole. */
static const char *percent(char text[32], double part, double whole)
{
    if (whole > 0)
        snprintf(text, 32, "%.1f %%", 100 * part / whole);
    else
        snprintf(text, 32, "-");
    return text;
}

static void print_machine(const struct memory_log *log)
{
    uint64_t used = 0, saved = 0;
    double used_sum = 0;
    size_t states[MEMORY_LOG_STATES] = {0};
    for (size_t i = 0; i < log->samples; i++) {
        const struct memory_sample *s = &log->sample[i];
        used = max_u64(used, s->used);
        saved = max_u64(saved, memory_log_saved(s));
        used_sum += (double)s->used / 256;
        states[s->state]++;
    }
    printf("machine memory, MiB: %.1f there are, %.1f in use at most, %.1f on average; sharing "
           "saves %.1f at most\n",
           mib(log->sample[log->samples - 1].pool), mib(used), used_sum / (double)log->samples,
           mib(saved));
    printf("reclaim, samples:");
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        printf(" %zu %s%s", states[i], memory_log_states[i],
               i + 1 < ARRAY_LEN(states) ? "," : "\n");
}

/* The sentence that all of this is about. */
static void print_headline(const struct memory_log *log)
{
    const struct memory_sample *s = &log->sample[memory_log_peak(log)];
    const struct memory_sample *last = &log->sample[log->samples - 1];
    uint64_t need = memory_log_unshared(&s->sum), saved = memory_log_saved(s);
    double need_sum = 0, used_sum = 0;
    char text[3][32];
    if (need == 0) {
        puts("no VM had any memory at any of these times");
        return;
    }
    for (size_t i = 0; i < log->samples; i++) {
        need_sum += (double)memory_log_unshared(&log->sample[i].sum);
        used_sum += (double)log->sample[i].used;
    }
    printf("%zu VM%s %s of what %s would without sharing: %.1f of %.1f MiB at %" PRIu64
           ".%03" PRIu64 " s, when that is most (%s on average, %s at the end)\n",
           log->vms, log->vms == 1 ? " uses" : "s use",
           percent(text[0], (double)s->used, (double)need), log->vms == 1 ? "it" : "they",
           mib(s->used), mib(need),
           s->ns / 1000000000, s->ns / 1000000 % 1000, percent(text[1], used_sum, need_sum),
           percent(text[2], (double)last->used, (double)memory_log_unshared(&last->sum)));
    printf("sharing then saves %.1f MiB: %.1f known to be within VMs, %.1f across VMs, %.1f not "
           "known; zero pages %.1f MiB\n",
           mib(saved), mib(s->within), mib(s->across), mib(saved - s->within - s->across),
           mib(s->sum.zero));
}

static void print_summary(const struct memory_log *log)
{
    print_all_peaks(log);
    print_counts(log);
    print_machine(log);
    print_headline(log);
}

/* ---- several traces ---- */

static void print_path(const char *path)
{
    struct buf b = {0};
    tool_text(&b, path, strlen(path));
    fputs(buf_cstr(&b), stdout);
    buf_free(&b);
}

static void print_comparison(const struct run *runs, const size_t *order, size_t n)
{
    printf("MiB, each run when its VMs would need most memory without sharing\n");
    printf("%4s %9s %9s %9s %9s %9s %9s %9s %9s %9s %s\n", "vms", "promised", "unshared", "machine",
           "per cent", "shared", "saved", "within", "across", "zero", "trace");
    for (size_t i = 0; i < n; i++) {
        const struct memory_log *log = &runs[order[i]].log;
        const struct memory_sample *s = &log->sample[memory_log_peak(log)];
        uint64_t need = memory_log_unshared(&s->sum);
        char text[32];
        printf("%4zu %9.1f %9.1f %9.1f %9s %9.1f %9.1f %9.1f %9.1f %9.1f ", log->vms,
               mib(s->sum.promised), mib(need), mib(s->used),
               percent(text, (double)s->used, (double)need), mib(s->sum.shared),
               mib(memory_log_saved(s)), mib(s->within), mib(s->across), mib(s->sum.zero));
        print_path(runs[order[i]].path);
        putchar('\n');
    }
}

/* Those with samples by number of VMs, equal ones as they were given; how many. */
static size_t sort_by_vms(const struct run *runs, size_t *order, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = count;
        if (runs[i].empty != NULL)
            continue;
        for (; at > 0 && runs[order[at - 1]].log.vms > runs[i].log.vms; at--)
            order[at] = order[at - 1];
        order[at] = i;
        count++;
    }
    return count;
}

/* ---- the command ---- */

static char *cut_line(const char *path, const char *why)
{
    char *shown = text_shown(path);
    char *line = xasprintf("%s: the trace is cut: %s", shown, why);
    free(shown);
    return line;
}

/* Of one VM that shares nothing, and has all that it wants, no samples are taken. NULL: it is not
 * that. */
static char *empty_line(const char *path, const struct trace_header *h)
{
    if (h->vms_count != 1 || h->share != 0 || h->machine_memory != 0)
        return NULL;
    char *shown = text_shown(path);
    char *line = xasprintf("%s: one VM that shares nothing, with %.1f MiB of its own: no samples "
                           "of memory were taken",
                           shown, mib(h->vms[0].memory / PAGE_SIZE));
    free(shown);
    return line;
}

static int read_run(struct run *run, const char *path, struct err *e)
{
    struct trace_reader *r;
    run->path = path;
    TRY(trace_reader_open(&r, path, true, e));
    int result = memory_log_read(&run->log, r, path, e);
    if (trace_reader_damaged(r))
        run->damage = xstrdup(trace_reader_cut(r));
    else if (trace_reader_cut(r) != NULL)
        run->cut = cut_line(path, trace_reader_cut(r));
    if (result == 0 && run->log.samples == 0 && run->damage == NULL)
        run->empty = empty_line(path, trace_reader_header(r));
    if (result == 0 && run->log.samples == 0 && run->empty == NULL)
        result =
            run->damage != NULL
                ? err_set(e, ERR_FORMAT, "%s", run->damage)
                : err_set(e, ERR_FORMAT,
                          "%s: no samples of memory in it (no events \"memory\" and \"pool\"%s)",
                          path, run->cut != NULL ? " before it is cut" : "");
    trace_reader_close(r);
    return result;
}

static void free_run(struct run *run)
{
    memory_log_free(&run->log);
    free(run->damage);
    free(run->cut);
    free(run->empty);
}

static int write_picture(const struct run *runs, const size_t *order, size_t n, const char *path,
                         struct err *e)
{
    const struct memory_log *logs[TOOL_MEMORY_FILES];
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        logs[i] = &runs[order[i]].log;
    if (n == 1)
        memory_plot_time(&b, logs[0]);
    else
        memory_plot_counts(&b, logs, n);
    int fd, result = output_create(path, 0, &fd, e);
    FILE *f = result < 0 ? NULL : fdopen(fd, "w");
    if (result == 0 && f == NULL)
        close(fd);
    bool good = f != NULL && fwrite(b.data, 1, b.len, f) == b.len;
    if (f != NULL && fclose(f) != 0)
        good = false;
    buf_free(&b);
    return good ? 0 : err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
}

/* The picture must not be written over what is read. */
static int check_picture(const char *const *paths, size_t n, const char *svg, struct err *e)
{
    struct file_claims claims = {0};
    int result = 0;
    if (svg == NULL)
        return 0;
    file_claim_standard(&claims);
    for (size_t i = 0; i < n; i++)
        file_claim(&claims, false, paths[i], "a trace that is read", NULL, NULL);
    result = file_claim(&claims, true, svg, "the picture (--svg)", NULL, e);
    file_claims_free(&claims);
    return result;
}

static void print_tables(const struct run *runs, const size_t *order, size_t n)
{
    if (n == 1) {
        print_samples(&runs[order[0]].log);
        print_summary(&runs[order[0]].log);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        print_path(runs[order[i]].path);
        puts(":\n");
        print_summary(&runs[order[i]].log);
        putchar('\n');
    }
    print_comparison(runs, order, n);
}

static int show(const struct run *runs, size_t n, const struct tool_memory *how)
{
    size_t order[TOOL_MEMORY_FILES];
    struct err e = {0};
    size_t full = sort_by_vms(runs, order, n);
    for (size_t i = 0; i < n; i++)
        if (runs[i].empty != NULL)
            fprintf(how->csv ? stderr : stdout, "%s%s\n", how->csv ? "disco-trace: " : "",
                    runs[i].empty);
    if (how->csv) {
        puts("trace,ns,vm,promised,own,shared,zero,balloon,swapped,machine,machine_shared,pool,"
             "reclaim,within,across");
        for (size_t i = 0; i < n; i++)
            csv_print(&runs[order[i]]);
    } else if (full != 0) {
        print_tables(runs, order, full);
    }
    int status = tool_finish();
    if (how->svg != NULL && full == 0)
        err_set(&e, ERR_USAGE, "--svg %s: there are no samples of memory to draw", how->svg);
    else if (how->svg != NULL)
        write_picture(runs, order, full, how->svg, &e);
    if (e.code != 0)
        status = tool_failed(&e);
    for (size_t i = 0; i < n; i++) {
        if (runs[i].damage != NULL)
            status = 1;
        if (runs[i].damage != NULL || runs[i].cut != NULL)
            fprintf(stderr, "disco-trace: %s\n",
                    runs[i].damage != NULL ? runs[i].damage : runs[i].cut);
    }
    return status;
}

int tool_memory(const char *const *paths, size_t n, const struct tool_memory *how)
{
    struct run *runs = xcalloc(n, sizeof *runs);
    struct err e = {0};
    int result = check_picture(paths, n, how->svg, &e);
    for (size_t i = 0; i < n && result == 0; i++)
        result = read_run(&runs[i], paths[i], &e);
    int status = result < 0 ? tool_failed(&e) : show(runs, n, how);
    for (size_t i = 0; i < n; i++)
        free_run(&runs[i]);
    free(runs);
    return status;
}
