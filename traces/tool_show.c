/* disco-trace info, stats, dump and export. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "traces/tool.h"

static void print_buf(struct buf *b)
{
    fwrite(b->data, 1, b->len, stdout);
    buf_clear(b);
}

static void print_line(struct buf *b)
{
    buf_putc(b, '\n');
    print_buf(b);
}

/* What is good was shown; damage behind it is an error all the same. Returns the exit status. */
static int close_shown(struct trace_reader *r)
{
    int status = tool_finish();
    if (trace_reader_damaged(r)) {
        fprintf(stderr, "disco-trace: %s\n", trace_reader_cut(r));
        status = 1;
    }
    trace_reader_close(r);
    return status;
}

int tool_info(const char *path)
{
    struct err e = {0};
    struct trace_reader *r;
    if (trace_reader_open(&r, path, true, &e) < 0)
        return tool_failed(&e);
    const struct trace_header *h = trace_reader_header(r);
    const struct trace_end *end = trace_reader_end(r);
    struct buf b = {0};
    buf_printf(&b, "file     %" PRIu64 " bytes, %" PRIu64 " events, trace format %u\n",
               trace_reader_sizes(r)->file, trace_reader_event_count(r), h->version);
    buf_puts(&b, "recorded ");
    tool_text(&b, h->recorded, strlen(h->recorded));
    buf_puts(&b, " by ");
    tool_text(&b, h->build, strlen(h->build));
    buf_puts(&b, "\n");
    tool_cluster_lines(&b, h);
    for (size_t i = 0; i < h->images_count; i++) {
        buf_printf(&b, "image %-2zu ", i);
        tool_image_line(&b, &h->images[i]);
        buf_puts(&b, trace_reader_has_blob(r, h->images[i].hash) ? ", embedded\n"
                                                                 : ", not embedded\n");
    }
    for (size_t i = 0; i < h->vms_count; i++) {
        buf_printf(&b, "vm %-5zu ", i);
        tool_vm_lines(&b, &h->vms[i]);
        const struct trace_symbols *s = trace_reader_symbols(r, (uint32_t)i);
        if (s != NULL)
            buf_printf(&b, "  kernel's symbols: %" PRIu32 ", found at cycle %" PRIu64 "\n",
                       s->count, s->cycle);
    }
    if (end != NULL) {
        buf_puts(&b, "state    whole\nend      ");
        tool_end_line(&b, end);
    } else {
        buf_printf(&b, "state    %s: %s", trace_reader_damaged(r) ? "damaged" : "cut",
                   trace_reader_cut(r));
    }
    print_line(&b);
    for (size_t i = 0; end != NULL && i < end->digests_count; i++) {
        buf_puts(&b, "         ");
        tool_digest_line(&b, &end->digests[i]);
        print_line(&b);
    }
    buf_free(&b);
    return close_shown(r);
}

static void stats_row(const char *name, uint64_t file, uint64_t content)
{
    printf("%-12s %12" PRIu64 " %12" PRIu64 "\n", name, file, content);
}

/* The position where the trace ends, as far as it is known. */
static uint64_t length_in_steps(const struct trace_reader *r)
{
    const struct trace_end *end = trace_reader_end(r);
    if (end != NULL)
        return end->step;
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    return n == 0 ? 0 : batches[n - 1].last_step;
}

int tool_stats(const char *path)
{
    struct err e = {0};
    struct trace_reader *r;
    if (trace_reader_open(&r, path, true, &e) < 0)
        return tool_failed(&e);
    const struct trace_sizes *s = trace_reader_sizes(r);
    size_t inputs, digests, texts;
    trace_reader_inputs(r, &inputs);
    trace_reader_digests(r, &digests);
    trace_reader_console(r, &texts);
    printf("%-12s %12s\n", "event", "count");
    for (int i = 0; i < EVENT_KINDS; i++)
        if (s->event_count[i] != 0)
            printf("%-12s %12" PRIu64 "\n", event_info[i].text, s->event_count[i]);
    uint64_t events = trace_reader_event_count(r);
    printf("%-12s %12" PRIu64 "\n\n", "all", events);
    printf("%-12s %12zu\n%-12s %12zu\n%-12s %12zu\n\n", "inputs", inputs, "digests", digests,
           "texts", texts);
    printf("%-12s %12s %12s\n", "bytes", "in the file", "content");
    stats_row("blobs", s->blobs, s->content.blobs);
    stats_row("inputs", s->inputs, s->content.inputs);
    stats_row("events", s->events, s->content.events);
    stats_row("digests", s->digests, s->content.digests);
    stats_row("console", s->console, s->content.console);
    stats_row("other", s->other, s->content.other);
    printf("%-12s %12" PRIu64 "\n", "all", s->file);
    uint64_t steps = length_in_steps(r);
    if (events != 0)
        printf("\n%.3f bytes per event\n", (double)s->events / (double)events);
    if (steps != 0)
        printf("%.6f bytes per 1000 instructions for inputs alone, %.6f with all events\n",
               1000.0 * (double)s->inputs / (double)steps,
               1000.0 * (double)(s->inputs + s->events) / (double)steps);
    if (trace_reader_cut(r) != NULL && !trace_reader_damaged(r))
        printf("the trace is cut: %s\n", trace_reader_cut(r));
    return close_shown(r);
}

static bool event_wanted(const struct tool_dump *what, const struct event *ev)
{
    return what->kinds[ev->kind] && ev->step >= what->from_step && ev->step <= what->to_step &&
           ev->pc >= what->from_pc && ev->pc <= what->to_pc;
}

static int dump_events(struct trace_reader *r, const struct tool_dump *what, struct err *e)
{
    const struct trace_header *h = trace_reader_header(r);
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    /* With one vcpu steps only grow, and whole batches can be skipped. */
    bool ordered = h->vms_count == 1 && h->vms[0].vcpus == 1;
    char line[512];
    for (size_t i = 0; i < n && !ferror(stdout); i++) {
        if (ordered &&
            (batches[i].last_step < what->from_step || batches[i].first_step > what->to_step))
            continue;
        const struct event *events = trace_reader_events(r, i, e);
        if (events == NULL)
            return e->code;
        for (uint32_t k = 0; k < batches[i].count; k++) {
            if (!event_wanted(what, &events[k]))
                continue;
            event_print(line, sizeof line, &events[k]);
            puts(line);
        }
    }
    return 0;
}

static void dump_inputs(const struct trace_reader *r)
{
    size_t n;
    const struct trace_input *in = trace_reader_inputs(r, &n);
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        tool_input_line(&b, &in[i]);
        print_line(&b);
    }
    buf_free(&b);
}

static void dump_digests(const struct trace_reader *r, const struct tool_dump *what)
{
    size_t n;
    const struct trace_digest *d = trace_reader_digests(r, &n);
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        if (d[i].step < what->from_step || d[i].step > what->to_step)
            continue;
        tool_digest_line(&b, &d[i]);
        print_line(&b);
    }
    buf_free(&b);
}

static void dump_console(const struct trace_reader *r)
{
    size_t n;
    const struct trace_text *t = trace_reader_console(r, &n);
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b, "cycle %" PRIu64 " vm%u console channel=%u \"", t[i].cycle, t[i].vm,
                   t[i].channel);
        tool_text(&b, t[i].bytes, t[i].n);
        buf_puts(&b, "\"");
        print_line(&b);
    }
    buf_free(&b);
}

int tool_dump(const char *path, const struct tool_dump *what)
{
    struct err e = {0};
    struct trace_reader *r;
    if (trace_reader_open(&r, path, true, &e) < 0)
        return tool_failed(&e);
    int result = 0;
    if (what->inputs)
        dump_inputs(r);
    if (what->digests)
        dump_digests(r, what);
    if (what->console)
        dump_console(r);
    if (what->events)
        result = dump_events(r, what, &e);
    if (result == 0 && trace_reader_cut(r) != NULL && !trace_reader_damaged(r))
        err_set(&e, ERR_TRUNCATED, "%s: the trace is cut: %s", path, trace_reader_cut(r));
    if (e.code != 0)
        tool_failed(&e);
    int status = close_shown(r);
    return result < 0 ? 1 : status;
}

int tool_export_console(const char *path)
{
    struct err e = {0};
    struct trace_reader *r;
    if (trace_reader_open(&r, path, true, &e) < 0)
        return tool_failed(&e);
    size_t n;
    const struct trace_text *t = trace_reader_console(r, &n);
    for (size_t i = 0; i < n; i++)
        fwrite(t[i].bytes, 1, t[i].n, stdout);
    return close_shown(r);
}
