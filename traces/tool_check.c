/* disco-trace verify-file and diff. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "traces/symbol_table.h"
#include "traces/tool.h"

/* ---- verify-file ---- */

static int verify_events(struct trace_reader *r, const char *path, struct err *e)
{
    uint64_t *steps = xcalloc(65536, sizeof *steps); /* by vm and vcpu */
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    int result = 0;
    for (size_t i = 0; i < n && result == 0; i++) {
        const struct event *events = trace_reader_events(r, i, e);
        if (events == NULL)
            result = e->code;
        for (uint32_t k = 0; result == 0 && k < batches[i].count; k++) {
            uint64_t *last = &steps[events[k].vm * 256u + events[k].vcpu];
            if (events[k].step < *last)
                result = err_set(e, ERR_FORMAT, "%s: event %" PRIu64 " at step %" PRIu64
                                 " comes after step %" PRIu64 " of its vcpu",
                                 path, batches[i].first + k, events[k].step, *last);
            *last = events[k].step;
        }
    }
    free(steps);
    return result;
}

/* Digests count the events before them, so per VM their counts only grow. */
static int verify_digests(const struct trace_reader *r, const char *path, struct err *e)
{
    size_t n;
    const struct trace_digest *d = trace_reader_digests(r, &n);
    uint64_t events[256] = {0}, steps[256] = {0};
    for (size_t i = 0; i < n; i++) {
        uint32_t vm = d[i].vm & 255;
        bool too_many = trace_reader_cut(r) == NULL && d[i].events > trace_reader_event_count(r);
        if (d[i].events < events[vm] || d[i].step < steps[vm] || too_many)
            ERR(e, ERR_FORMAT, "%s: digest %zu (step %" PRIu64 ", %" PRIu64
                " events) does not fit to its neighbours", path, i, d[i].step, d[i].events);
        events[vm] = d[i].events;
        steps[vm] = d[i].step;
    }
    return 0;
}

static int verify_blob(struct trace_reader *r, struct trace_hash hash, struct err *e)
{
    uint8_t *data;
    size_t n;
    TRY(trace_reader_blob(r, hash, &data, &n, e));
    free(data);
    return 0;
}

static int verify_blobs(struct trace_reader *r, struct err *e)
{
    const struct trace_header *h = trace_reader_header(r);
    for (size_t i = 0; i < h->images_count; i++)
        if (trace_reader_has_blob(r, h->images[i].hash)) /* it may be left out */
            TRY(verify_blob(r, h->images[i].hash, e));
    size_t n;
    const struct trace_input *in = trace_reader_inputs(r, &n);
    for (size_t i = 0; i < n; i++)
        if (in[i].kind == TRACE_INPUT_DISK_BLOCK)
            TRY(verify_blob(r, in[i].hash, e));
    for (uint32_t vm = 0; vm < h->vms_count; vm++) {
        const struct trace_symbols *s = trace_reader_symbols(r, vm);
        struct symbol_table table;
        if (s != NULL) {
            TRY(trace_reader_symbol_table(r, s, &table, e));
            symbol_table_free(&table);
        }
    }
    return 0;
}

int tool_verify(const char *path)
{
    struct err e = {0};
    struct trace_reader *r;
    if (trace_reader_open(&r, path, false, &e) < 0)
        return tool_failed(&e);
    int status;
    if (verify_events(r, path, &e) < 0 || verify_digests(r, path, &e) < 0 ||
        verify_blobs(r, &e) < 0) {
        status = tool_failed(&e);
    } else {
        size_t inputs, digests;
        trace_reader_inputs(r, &inputs);
        trace_reader_digests(r, &digests);
        const char *cut = trace_reader_cut(r);
        char *shown = text_shown(path);
        printf("%s: good, %s%s: %" PRIu64 " events, %zu inputs, %zu digests\n", shown,
               cut != NULL ? "but cut: " : "whole", cut != NULL ? cut : "",
               trace_reader_event_count(r), inputs, digests);
        free(shown);
        status = tool_finish();
    }
    trace_reader_close(r);
    return status;
}

/* ---- diff ---- */

struct pair {
    const char *path[2];
    struct trace_reader *r[2];
};

#define DIFFERENT 2

static int report(const struct pair *p, const char *what, struct buf text[2])
{
    printf("%s\n", what);
    for (int i = 0; i < 2; i++) {
        char *shown = text_shown(p->path[i]);
        printf("  %s: %s\n", shown, text[i].len == 0 ? "none" : buf_cstr(&text[i]));
        free(shown);
        buf_free(&text[i]);
    }
    return DIFFERENT;
}

/* What replay depends on, as text; names and places of files are left out. */
static void config_text(const struct trace_header *h, struct buf *out)
{
    tool_cluster_lines(out, h);
    for (size_t i = 0; i < h->images_count; i++) {
        buf_printf(out, "image %zu: %" PRIu64 " bytes, ", i, h->images[i].size);
        tool_hash(out, h->images[i].hash);
        buf_puts(out, "\n");
    }
    for (size_t i = 0; i < h->vms_count; i++)
        tool_vm_lines(out, &h->vms[i]);
}

static int diff_config(const struct pair *p)
{
    struct buf all[2] = {{0}, {0}}, line[2] = {{0}, {0}};
    char *at[2];
    for (int i = 0; i < 2; i++) {
        config_text(trace_reader_header(p->r[i]), &all[i]);
        at[i] = all[i].data == NULL ? NULL : (char *)(uintptr_t)buf_cstr(&all[i]);
    }
    int status = 0;
    while (status == 0 && (*at[0] != 0 || *at[1] != 0)) {
        size_t n[2] = {strcspn(at[0], "\n"), strcspn(at[1], "\n")};
        if (n[0] != n[1] || memcmp(at[0], at[1], n[0]) != 0) {
            buf_put(&line[0], at[0], n[0]);
            buf_put(&line[1], at[1], n[1]);
            status = report(p, "the configurations differ", line);
        }
        for (int i = 0; i < 2; i++)
            at[i] += n[i] + (at[i][n[i]] == '\n');
    }
    buf_free(&all[0]);
    buf_free(&all[1]);
    return status;
}

/* The k-th `what` of both, as text (empty for none); frees the lines. */
static int diff_lines(const struct pair *p, const char *what, size_t k, struct buf line[2])
{
    if (line[0].len != line[1].len || memcmp(line[0].data, line[1].data, line[0].len) != 0) {
        char *difference = xasprintf("%s %zu differs", what, k);
        int status = report(p, difference, line);
        free(difference);
        return status;
    }
    buf_free(&line[0]);
    buf_free(&line[1]);
    return 0;
}

static int diff_inputs(const struct pair *p)
{
    size_t n[2];
    const struct trace_input *in[2];
    for (int i = 0; i < 2; i++)
        in[i] = trace_reader_inputs(p->r[i], &n[i]);
    for (size_t k = 0; k < n[0] || k < n[1]; k++) {
        struct buf line[2] = {{0}, {0}};
        for (int i = 0; i < 2; i++)
            if (k < n[i])
                tool_input_line(&line[i], &in[i][k]);
        int status = diff_lines(p, "input", k, line);
        if (status != 0)
            return status;
    }
    return 0;
}

static int diff_digests(const struct pair *p)
{
    size_t n[2];
    const struct trace_digest *d[2];
    for (int i = 0; i < 2; i++)
        d[i] = trace_reader_digests(p->r[i], &n[i]);
    for (size_t k = 0; k < n[0] || k < n[1]; k++) {
        struct buf line[2] = {{0}, {0}};
        for (int i = 0; i < 2; i++)
            if (k < n[i])
                tool_digest_line(&line[i], &d[i][k]);
        int status = diff_lines(p, "digest", k, line);
        if (status != 0)
            return status;
    }
    return 0;
}

static int diff_end(const struct pair *p)
{
    struct buf line[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        const struct trace_end *end = trace_reader_end(p->r[i]);
        if (end == NULL) {
            buf_puts(&line[i], "cut");
            continue;
        }
        tool_end_line(&line[i], end);
        for (size_t k = 0; k < end->digests_count; k++) {
            buf_puts(&line[i], "; ");
            tool_digest_line(&line[i], &end->digests[k]);
        }
    }
    if (line[0].len != line[1].len || memcmp(line[0].data, line[1].data, line[0].len) != 0)
        return report(p, "the ends differ", line);
    buf_free(&line[0]);
    buf_free(&line[1]);
    return 0;
}

/* A walk over all events, whatever the batches are. */
struct cursor {
    size_t batch;
    uint32_t at;
};

/* The next event, or NULL at the end or on error. */
static const struct event *next_event(struct trace_reader *r, struct cursor *c, struct err *e)
{
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    if (c->batch < n && c->at == batches[c->batch].count) {
        c->batch++;
        c->at = 0;
    }
    if (c->batch >= n)
        return NULL;
    const struct event *events = trace_reader_events(r, c->batch, e);
    return events == NULL ? NULL : &events[c->at++];
}

static int diff_events(const struct pair *p)
{
    struct cursor c[2] = {{0}, {0}};
    struct err e = {0};
    for (uint64_t k = 0;; k++) {
        const struct event *ev[2];
        for (int i = 0; i < 2; i++) {
            ev[i] = next_event(p->r[i], &c[i], &e);
            if (e.code != 0)
                return tool_failed(&e);
        }
        if (ev[0] == NULL && ev[1] == NULL)
            return 0;
        if (ev[0] != NULL && ev[1] != NULL && event_equal(ev[0], ev[1]))
            continue;
        struct buf line[2] = {{0}, {0}};
        for (int i = 0; i < 2; i++) {
            char text[512];
            if (ev[i] == NULL)
                continue;
            event_print(text, sizeof text, ev[i]);
            buf_puts(&line[i], text);
        }
        char *what = xasprintf("event %" PRIu64 " differs", k);
        int status = report(p, what, line);
        free(what);
        return status;
    }
}

int tool_diff(const char *a, const char *b)
{
    struct pair p = {.path = {a, b}};
    struct err e = {0};
    if (trace_reader_open(&p.r[0], a, false, &e) < 0)
        return tool_failed(&e);
    if (trace_reader_open(&p.r[1], b, false, &e) < 0) {
        trace_reader_close(p.r[0]);
        return tool_failed(&e);
    }
    int (*const steps[])(const struct pair *) = {diff_config, diff_inputs, diff_events,
                                                 diff_digests, diff_end};
    int status = 0;
    for (size_t i = 0; i < ARRAY_LEN(steps) && status == 0; i++)
        status = steps[i](&p);
    trace_reader_close(p.r[0]);
    trace_reader_close(p.r[1]);
    int finished = tool_finish();
    return finished != 0 ? finished : status;
}
