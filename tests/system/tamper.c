/*
 * Copies a trace and makes one thing wrong in the copy, which is a valid trace all the same:
 *
 *   tamper same|event|drop|digest|end|input|names FROM TO [NUMBER]
 *
 * NUMBER says which event, digest or input (0 if missing). Prints the position of the change.
 * `names` puts what a terminal obeys into the names of the header, of images from NUMBER on (a guest
 * sees its kernel's).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/put_events.h"
#include "traces/trace.h"

struct job {
    const char *what;
    uint64_t number;
    bool done;
};

static bool is_it(struct job *job, const char *what, uint64_t number)
{
    if (strcmp(job->what, what) != 0 || number != job->number)
        return false;
    job->done = true;
    return true;
}

static int copy_blobs(struct trace_reader *r, struct trace_writer *w, struct err *e)
{
    const struct trace_header *h = trace_reader_header(r);
    for (size_t i = 0; i < h->images_count; i++) {
        uint8_t *data;
        size_t n;
        if (!trace_reader_has_blob(r, h->images[i].hash))
            continue;
        TRY(trace_reader_blob(r, h->images[i].hash, &data, &n, e));
        trace_put_blob(w, data, n);
        free(data);
    }
    return 0;
}

static int copy_events(struct job *job, struct trace_reader *r, struct trace_writer *w,
                       struct err *e)
{
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    for (size_t b = 0; b < n; b++) {
        const struct event *from = trace_reader_events(r, b, e);
        if (from == NULL)
            return e->code;
        struct event *to = xmalloc(batches[b].count * sizeof *to);
        size_t kept = 0;
        for (uint32_t i = 0; i < batches[b].count; i++) {
            to[kept] = from[i];
            if (is_it(job, "event", batches[b].first + i)) {
                to[kept].arg[0] ^= 1;
                printf("%" PRIu64 "\n", from[i].step);
            }
            if (is_it(job, "drop", batches[b].first + i))
                printf("%" PRIu64 "\n", from[i].step);
            else
                kept++;
        }
        put_events(w, to, kept);
    }
    return 0;
}

static void copy_inputs(struct job *job, struct trace_reader *r, struct trace_writer *w)
{
    size_t n;
    const struct trace_input *inputs = trace_reader_inputs(r, &n);
    for (size_t i = 0; i < n; i++) {
        struct trace_input in = inputs[i];
        uint8_t *bytes = NULL;
        if (is_it(job, "input", i) && in.len != 0) {
            bytes = xmalloc(in.len);
            memcpy(bytes, in.data, in.len);
            bytes[0] ^= 2;
            in.data = bytes;
            printf("%" PRIu64 "\n", in.cycle);
        }
        trace_put_input(w, &in);
        free(bytes);
    }
}

static void copy_digests(struct job *job, struct trace_reader *r, struct trace_writer *w)
{
    size_t n;
    const struct trace_digest *digests = trace_reader_digests(r, &n);
    for (size_t i = 0; i < n; i++) {
        struct trace_digest d = digests[i];
        if (is_it(job, "digest", i)) {
            d.memory ^= 1;
            printf("%" PRIu64 "\n", d.step);
        }
        trace_put_digest(w, &d);
    }
    const struct trace_text *texts = trace_reader_console(r, &n);
    for (size_t i = 0; i < n; i++)
        trace_put_console(w, texts[i].vm, texts[i].channel, texts[i].cycle, texts[i].bytes,
                          texts[i].n);
}

/* In its place; who owns the names frees them. */
static void set_name(char **name)
{
    free(*name);
    *name = xstrdup("\x1b]0;title\a\x1b[31mred\xc2\x9b" "2J\nnext");
}

static void change_names(struct trace_header *h, size_t first_image)
{
    set_name(&h->build);
    set_name(&h->recorded);
    for (size_t i = first_image; i < h->images_count; i++)
        set_name(&h->images[i].name);
    for (size_t i = 0; i < h->networks_count; i++)
        set_name(&h->networks[i].name);
    for (size_t i = 0; i < h->vms_count; i++)
        set_name(&h->vms[i].name);
}

static int copy(struct job *job, struct trace_reader *r, const char *path, struct err *e)
{
    struct trace_writer *w;
    const struct trace_end *end = trace_reader_end(r);
    if (end == NULL)
        ERR(e, ERR_FORMAT, "the trace is cut");
    if (is_it(job, "names", job->number))
        change_names((struct trace_header *)(uintptr_t)trace_reader_header(r), job->number);
    TRY(trace_writer_open(&w, path, trace_reader_header(r),
                          &(struct trace_writer_options){.overwrite = true}, e));
    int result = copy_blobs(r, w, e);
    if (result == 0)
        result = copy_events(job, r, w, e);
    copy_inputs(job, r, w);
    copy_digests(job, r, w);
    struct trace_end last = *end;
    struct trace_digest final[16];
    last.digests = memcpy(final, end->digests, end->digests_count * sizeof final[0]);
    if (is_it(job, "end", 0)) {
        final[0].cpu ^= 1;
        printf("%" PRIu64 "\n", end->step);
    }
    int closed = trace_writer_close(w, &last, e);
    return result < 0 ? result : closed;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct trace_reader *r;
    if (argc < 4) {
        fprintf(stderr, "usage: tamper same|event|drop|digest|end|input|names FROM TO [NUMBER]\n");
        return 1;
    }
    struct job job = {.what = argv[1], .number = argc > 4 ? strtoull(argv[4], NULL, 10) : 0};
    job.done = strcmp(job.what, "same") == 0;
    int result = trace_reader_open(&r, argv[2], false, &e);
    if (result == 0) {
        result = copy(&job, r, argv[3], &e);
        trace_reader_close(r);
    }
    if (result == 0 && !job.done)
        result = err_set(&e, ERR_USAGE, "no such %s", job.what);
    if (result < 0)
        fprintf(stderr, "tamper: %s\n", e.msg);
    return result < 0;
}
