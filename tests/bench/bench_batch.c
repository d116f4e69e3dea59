/*
 * What encoding and decoding the events of a trace costs: nanoseconds per event, and bytes per
 * event before and after compression.
 *
 *   bench_batch TRACE
 */
#include <inttypes.h>
#include <stdio.h>
#include <zstd.h>

#include "core/base/stopwatch.h"
#include "traces/batch.h"
#include "traces/trace.h"

#define ROUNDS 3 /* the best counts */
#define LEVEL  1 /* traces/writer.c */

struct result {
    double decode, encode, compress; /* seconds */
    uint64_t events, encoded, compressed; /* bytes */
};

static void encode(struct batch_codec *c, const struct event *ev, uint32_t n, struct buf *out)
{
    batch_encode_begin(c);
    for (uint32_t i = 0; i < n; i++, ev = event_after(ev))
        batch_encode_event(c, ev);
    buf_clear(out);
    batch_encode_end(c, out);
}

static int run_batch(struct trace_reader *r, size_t batch, uint32_t n, struct batch_codec *c,
                     struct result *res, struct err *e)
{
    static struct event events[TRACE_BATCH_MAX], again[TRACE_BATCH_MAX];
    struct buf message = {0}, packed = {0};
    struct batch_head head;
    TRY(trace_reader_decode(r, batch, events, e));
    struct stopwatch s = stopwatch_now();
    encode(c, events, n, &message);
    res->encode += stopwatch_since(s).seconds;
    s = stopwatch_now();
    TRY(batch_decode(c, message.data, message.len, again, &head, e));
    res->decode += stopwatch_since(s).seconds;
    size_t bound = ZSTD_compressBound(message.len);
    s = stopwatch_now();
    size_t size = ZSTD_compress(buf_reserve(&packed, bound), bound, message.data, message.len,
                                LEVEL);
    res->compress += stopwatch_since(s).seconds;
    res->events += n;
    res->encoded += message.len;
    res->compressed += size;
    buf_free(&message);
    buf_free(&packed);
    return 0;
}

static int run(const char *path, struct result *best, struct err *e)
{
    struct trace_reader *r;
    const struct trace_batch *batches;
    TRY(trace_reader_open(&r, path, false, e));
    size_t n = trace_reader_batches(r, &batches);
    struct batch_codec *c = batch_codec_create();
    for (int round = 0; round < ROUNDS; round++) {
        struct result res = {0};
        for (size_t i = 0; i < n; i++)
            TRY(run_batch(r, i, batches[i].count, c, &res, e));
        if (round == 0 || res.encode + res.decode < best->encode + best->decode)
            *best = res;
    }
    batch_codec_destroy(c);
    trace_reader_close(r);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct result b = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: bench_batch TRACE\n");
        return 1;
    }
    if (run(argv[1], &b, &e) < 0 || b.events == 0) {
        fprintf(stderr, "bench_batch: %s\n", e.code != 0 ? e.msg : "no events");
        return 1;
    }
    double n = (double)b.events;
    printf("%" PRIu64 " events; ns per event: encode %.1f, compress %.1f, decode %.1f; bytes per "
           "event: %.3f, compressed %.3f\n",
           b.events, b.encode * 1e9 / n, b.compress * 1e9 / n, b.decode * 1e9 / n,
           (double)b.encoded / n, (double)b.compressed / n);
    return 0;
}
