/*
 * Hostile traces: any bytes as a file, as the content of frames, as a header,
 * and as an event batch. With clang's libFuzzer: compile with -DFUZZ_LIBFUZZER and
 * -fsanitize=fuzzer,address. Without it, this is a program that mutates the
 * sample trace for the given number of seconds (default 5) from a seed.
 */
#include <sys/mman.h>
#include <time.h>
#include <zstd.h>

#include "tests/unit/trace_sample.h"
#include "traces/batch.h"
#include "traces/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Whatever opens must stand reading all there is. */
static void read_all(const char *path)
{
    struct trace_reader *r;
    struct err e = {0};
    if (trace_reader_open(&r, path, true, &e) < 0) {
        CHECK(e.code != 0 && e.msg[0] != 0 && strchr(e.msg, '\n') == NULL, "%s", e.msg);
        return;
    }
    const struct trace_batch *batches;
    size_t count = trace_reader_batches(r, &batches);
    for (size_t i = 0; i < count; i++) {
        struct err inner = {0};
        const struct event *events = trace_reader_events(r, i, &inner);
        CHECK(events != NULL || inner.code != 0, "no events and no error");
        for (uint32_t k = 0; events != NULL && k < batches[i].count; k++)
            CHECK(events[k].kind < EVENT_KINDS, "kind %u", events[k].kind);
    }
    size_t inputs;
    const struct trace_input *in = trace_reader_inputs(r, &inputs);
    for (size_t i = 0; i < inputs; i++) {
        uint8_t *blob;
        size_t size;
        if (trace_reader_blob(r, in[i].hash, &blob, &size, NULL) == 0)
            free(blob);
    }
    for (uint32_t vm = 0; vm < trace_reader_header(r)->vms_count; vm++) {
        const struct trace_symbols *s = trace_reader_symbols(r, vm);
        struct symbol_table table;
        if (s != NULL && trace_reader_symbol_table(r, s, &table, NULL) == 0)
            symbol_table_free(&table);
    }
    trace_reader_close(r);
}

/* A file in memory with these bytes. */
static void try_file(const void *data, size_t n)
{
    int fd = memfd_create("trace", 0);
    CHECK(fd >= 0 && write(fd, data, n) == (ssize_t)n, "memfd");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_all(path);
    close(fd);
}

/* A frame with these bytes, appended. */
static void put_frame(struct buf *file, const void *data, size_t n)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    size_t bound = ZSTD_compressBound(n);
    size_t size = ZSTD_compress2(c, buf_reserve(file, bound), bound, data, n);
    CHECK(!ZSTD_isError(size), "%s", ZSTD_getErrorName(size));
    file->len += size;
    ZSTD_freeCCtx(c);
}

static struct buf sample_header_field(void)
{
    struct trace_header h = sample_header();
    struct buf b = {0};
    message_put_header(&h, &b);
    return b;
}

/* The first byte says what the rest is: a file, the content of a frame behind the header, the
 * header's own frame, a batch of events, or a table of symbols. */
#define KINDS 5
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1)
        return 0;
    if (data[0] % KINDS == 0) {
        try_file(data + 1, n - 1);
    } else if (data[0] % KINDS == 1) {
        struct buf file = {0}, header = sample_header_field();
        put_frame(&file, header.data, header.len);
        put_frame(&file, data + 1, n - 1);
        try_file(file.data, file.len);
        buf_free(&header);
        buf_free(&file);
    } else if (data[0] % KINDS == 4) {
        struct symbol_table table;
        if (symbol_table_unpack(data + 1, n - 1, &table, NULL) == 0)
            CHECK(table.count != 0, "a table of nothing");
        symbol_table_free(&table);
    } else if (data[0] % KINDS == 2) {
        struct buf file = {0};
        put_frame(&file, data + 1, n - 1);
        try_file(file.data, file.len);
        buf_free(&file);
    } else {
        static struct batch_codec *codec;
        static struct event *events;
        if (codec == NULL) {
            codec = batch_codec_create();
            events = xcalloc(BATCH_EVENTS_MAX, sizeof *events);
        }
        struct batch_head head;
        batch_decode(codec, data + 1, n - 1, events, &head, NULL);
    }
    return 0;
}

#ifndef FUZZ_LIBFUZZER

/* The decompressed frames behind the header of the sample trace. */
static struct buf sample_content(const struct buf *file)
{
    struct buf all = {0};
    size_t at = 0;
    for (int frame = 0; at < file->len; frame++) {
        size_t size = ZSTD_findFrameCompressedSize(file->data + at, file->len - at);
        size_t n = (size_t)ZSTD_getFrameContentSize(file->data + at, file->len - at);
        if (frame > 0 && n > 0) {
            ZSTD_decompress(buf_reserve(&all, n), n, file->data + at, size);
            all.len += n;
        }
        at += size;
    }
    return all;
}

static void mutate(struct buf *b, uint64_t *seed)
{
    for (uint64_t i = sample_random(seed) % 6 + 1; i > 0 && b->len > 1; i--) {
        uint64_t r = sample_random(seed);
        size_t at = 1 + (size_t)(r >> 8) % (b->len - 1);
        size_t n = 1 + (size_t)(r >> 40) % min_u64(b->len - at, 16);
        switch (r & 7) {
        case 0:
            b->len = at + 1;
            break;
        case 1:
            memmove(b->data + at, b->data + at + n, b->len - at - n);
            b->len -= n;
            break;
        case 2:
            buf_reserve(b, n);
            memmove(b->data + at + n, b->data + at, b->len - at);
            b->len += n;
            break;
        case 3:
            b->data[at] = 0xff;
            break;
        default:
            b->data[at] ^= (uint8_t)(1u << (r >> 60 & 7));
        }
    }
}

int main(int argc, char **argv)
{
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    char *path = sample_path("fuzz");
    struct err e = {0};
    CHECK(sample_write(path, &e) == 0, "%s", e.msg);
    struct buf source[KINDS] = {sample_load(path), {0}, sample_header_field(), {0}, {0}};
    unlink(path);
    free(path);
    source[1] = sample_content(&source[0]);
    struct batch_codec *codec = batch_codec_create();
    struct event *events = sample_events(9, 300, 2, 2);
    encode_events(codec, events, 300, &source[3]);
    free(events);
    batch_codec_destroy(codec);
    symbol_table_pack(sample_symbols, ARRAY_LEN(sample_symbols), &source[4]);
    uint64_t runs = 0;
    for (; time(NULL) < end; runs++) {
        uint8_t which = runs % KINDS;
        struct buf b = {0};
        buf_putc(&b, which);
        buf_put(&b, source[which].data, source[which].len);
        if (runs >= KINDS) /* the first of each stay as they are */
            mutate(&b, &seed);
        LLVMFuzzerTestOneInput(b.data, b.len);
        buf_free(&b);
    }
    printf("%llu runs\n", (unsigned long long)runs);
    for (int i = 0; i < KINDS; i++)
        buf_free(&source[i]);
    return runs > 100 ? 0 : 1;
}

#endif
