#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/reader_private.h"
#include "traces/symbol_table.h"

#define BLOB_MAX (UINT64_C(4) << 30)

static int compare_blobs(const void *a, const void *b)
{
    const struct blob_entry *x = a, *y = b;
    return memcmp(x->hash.byte, y->hash.byte, sizeof x->hash.byte);
}

/* A cut trace may end inside a blob: it is as good as not there. */
static void index_blobs(struct trace_reader *r)
{
    size_t n = r->blobs_count;
    if (n > 0 && r->blobs[n - 1].received != r->blobs[n - 1].size)
        free(r->blobs[--r->blobs_count].content);
    if (r->blobs_count > 0)
        qsort(r->blobs, r->blobs_count, sizeof *r->blobs, compare_blobs);
}

int trace_reader_open(struct trace_reader **out, const char *path, bool tolerant, struct err *e)
{
    struct frame_walk *walk;
    TRY(frame_walk_open(&walk, path, e));
    struct trace_reader *r = xcalloc(1, sizeof *r);
    r->path = xstrdup(path);
    r->walk = walk;
    r->loaded = r->full_batch = SIZE_MAX;
    for (int i = 0; i < READER_CACHE; i++)
        r->cache[i].batch = SIZE_MAX;
    struct err inner = {0};
    int result = reader_scan(r, &inner);
    if (result < 0 && !(tolerant && r->has_header)) {
        err_set(e, inner.code, "%s", inner.msg);
        trace_reader_close(r);
        return result;
    }
    if (result < 0) {
        r->cut = xstrdup(inner.msg);
        r->damaged = true;
    }
    index_blobs(r);
    *out = r;
    return 0;
}

static void free_index(struct trace_reader *r)
{
    trace_header_free(&r->header);
    message_end_free(&r->end);
    for (size_t i = 0; i < r->inputs_count; i++)
        free(r->inputs[i].data);
    for (size_t i = 0; i < r->texts_count; i++)
        free((void *)(uintptr_t)r->texts[i].bytes);
    for (size_t i = 0; i < r->blobs_count; i++)
        free(r->blobs[i].content);
    free(r->inputs);
    free(r->digests);
    free(r->symbols);
    free(r->texts);
    free(r->batches);
    free(r->batch_refs);
    free(r->blobs);
    free(r->pieces);
    free(r->cut);
}

void trace_reader_close(struct trace_reader *r)
{
    if (r == NULL)
        return;
    frame_walk_close(r->walk);
    for (int i = 0; i < READER_CACHE; i++)
        free(r->cache[i].packed);
    free(r->full);
    batch_codec_destroy(r->codec);
    if (r->of == NULL)
        free_index(r);
    free(r->path);
    free(r);
}

struct trace_reader *trace_reader_second(const struct trace_reader *of)
{
    struct frame_walk *walk = frame_walk_second(of->walk);
    if (walk == NULL)
        return NULL;
    struct trace_reader *r = xmalloc(sizeof *r);
    *r = *of;
    r->of = of;
    r->path = xstrdup(of->path);
    r->walk = walk;
    r->codec = NULL;
    r->loaded = r->full_batch = SIZE_MAX;
    r->full = NULL;
    for (int i = 0; i < READER_CACHE; i++)
        r->cache[i] = (struct batch_cache){.batch = SIZE_MAX};
    return r;
}

const struct trace_header *trace_reader_header(const struct trace_reader *r)
{
    return &r->header;
}

const char *trace_reader_cut(const struct trace_reader *r)
{
    return r->cut;
}

bool trace_reader_damaged(const struct trace_reader *r)
{
    return r->damaged;
}

const struct trace_end *trace_reader_end(const struct trace_reader *r)
{
    return r->has_end && r->cut == NULL ? &r->end : NULL;
}

const struct trace_sizes *trace_reader_sizes(const struct trace_reader *r)
{
    return &r->sizes;
}

const struct trace_input *trace_reader_inputs(const struct trace_reader *r, size_t *n)
{
    *n = r->inputs_count;
    return r->inputs;
}

const struct trace_digest *trace_reader_digests(const struct trace_reader *r, size_t *n)
{
    *n = r->digests_count;
    return r->digests;
}

const struct trace_text *trace_reader_console(const struct trace_reader *r, size_t *n)
{
    *n = r->texts_count;
    return r->texts;
}

size_t trace_reader_batches(const struct trace_reader *r, const struct trace_batch **batches)
{
    *batches = r->batches;
    return r->batches_count;
}

uint64_t trace_reader_event_count(const struct trace_reader *r)
{
    return r->events_count;
}

/* The frame's content was right when the file was opened; but the file may
 * have changed since. */
static int load_field(struct trace_reader *r, struct field_ref ref, const uint8_t **data,
                      struct err *e)
{
    if (r->loaded != ref.frame) {
        r->loaded = SIZE_MAX;
        TRY(frame_walk_load(r->walk, ref.frame, &r->content, &r->content_size, e));
        r->loaded = ref.frame;
    }
    if (ref.size > r->content_size || ref.at > r->content_size - ref.size)
        ERR(e, ERR_FORMAT, "%s: the file changed while it was read", r->path);
    *data = r->content + ref.at;
    return 0;
}

static int load_blob(struct trace_reader *r, const struct blob_entry *b, uint8_t *to,
                     struct err *e)
{
    for (size_t i = 0; i < b->pieces; i++) {
        struct field_ref ref = r->pieces[b->first_piece + i];
        const uint8_t *data;
        struct trace_piece p;
        TRY(load_field(r, ref, &data, e));
        TRY(message_get_piece(data, ref.size, &p, e));
        if (p.size != b->size || p.offset > b->size || p.n > b->size - p.offset)
            ERR(e, ERR_FORMAT, "%s: the file changed while it was read", r->path);
        if (p.n > 0)
            memcpy(to + p.offset, p.data, p.n);
    }
    return 0;
}

static int check_blob(const struct trace_reader *r, const struct blob_entry *b, const uint8_t *to,
                      struct err *e)
{
    if (!trace_hash_equal(trace_hash_of(to, (size_t)b->size), b->hash))
        ERR(e, ERR_FORMAT, "%s: the content of a blob does not match its hash", r->path);
    return 0;
}

static struct blob_entry *find_blob(const struct trace_reader *r, struct trace_hash hash)
{
    struct blob_entry key = {.hash = hash};
    if (r->blobs_count == 0)
        return NULL;
    return bsearch(&key, r->blobs, r->blobs_count, sizeof *r->blobs, compare_blobs);
}

bool trace_reader_has_blob(const struct trace_reader *r, struct trace_hash hash)
{
    return find_blob(r, hash) != NULL;
}

int trace_reader_blob(struct trace_reader *r, struct trace_hash hash, uint8_t **data, size_t *n,
                      struct err *e)
{
    struct blob_entry *b = find_blob(r, hash);
    if (b == NULL) {
        char hex[2 * sizeof hash.byte + 1];
        for (size_t i = 0; i < sizeof hash.byte; i++)
            snprintf(hex + 2 * i, 3, "%02x", hash.byte[i]);
        ERR(e, ERR_FORMAT, "%s: holds no blob %s", r->path, hex);
    }
    if (b->size > BLOB_MAX)
        ERR(e, ERR_LIMIT, "%s: blob of %" PRIu64 " bytes is too large", r->path, b->size);
    uint8_t *to = b->content;
    b->content = NULL;
    int result = 0;
    if (to == NULL) {
        to = malloc((size_t)b->size + 1);
        if (to == NULL)
            ERR(e, ERR_LIMIT, "%s: no memory for a blob of %" PRIu64 " bytes", r->path, b->size);
        result = load_blob(r, b, to, e);
    }
    if (result == 0)
        result = check_blob(r, b, to, e);
    if (result < 0) {
        free(to);
        return result;
    }
    *data = to;
    *n = (size_t)b->size;
    return 0;
}

const struct trace_symbols *trace_reader_symbols(const struct trace_reader *r, uint32_t vm)
{
    for (size_t i = 0; i < r->symbols_count; i++)
        if (r->symbols[i].vm == vm && trace_reader_has_blob(r, r->symbols[i].table))
            return &r->symbols[i];
    return NULL;
}

int trace_reader_symbol_table(struct trace_reader *r, const struct trace_symbols *s,
                              struct symbol_table *table, struct err *e)
{
    uint8_t *data;
    size_t n;
    const struct blob_entry *b = find_blob(r, s->table);
    if (b != NULL && b->size > SYMBOL_TABLE_MAX)
        ERR(e, ERR_LIMIT, "%s: a table of symbols of %" PRIu64 " bytes is too large", r->path,
            b->size);
    TRY(trace_reader_blob(r, s->table, &data, &n, e));
    struct err inner = {0};
    int result = symbol_table_unpack(data, n, table, &inner);
    free(data);
    if (result == 0 && table->count != s->count) {
        symbol_table_free(table);
        result = err_set(&inner, ERR_FORMAT, "a table of symbols has not as many as it should");
    }
    if (result < 0)
        ERR(e, result, "%s: %s", r->path, inner.msg);
    return 0;
}

/* The cached batch, or the oldest entry. */
static struct batch_cache *cache_entry(struct trace_reader *r, size_t batch)
{
    struct batch_cache *oldest = &r->cache[0];
    for (int i = 0; i < READER_CACHE; i++) {
        if (r->cache[i].batch == batch)
            return &r->cache[i];
        if (r->cache[i].used < oldest->used)
            oldest = &r->cache[i];
    }
    return oldest;
}

int trace_reader_decode(struct trace_reader *r, size_t batch, struct event *events, struct err *e)
{
    if (r->codec == NULL)
        r->codec = batch_codec_create();
    struct field_ref ref = r->batch_refs[batch];
    const uint8_t *data;
    TRY(load_field(r, ref, &data, e));
    struct batch_head head;
    struct err inner = {0};
    int result = batch_decode(r->codec, data, ref.size, events, &head, &inner);
    if (result == 0 && head.count != r->batches[batch].count)
        result = err_set(&inner, ERR_FORMAT, "the file changed while it was read");
    const struct event *ev = events;
    for (uint32_t i = 0; result == 0 && i < head.count; i++, ev = event_after(ev))
        if (ev->vm >= r->header.vms_count || ev->vcpu >= r->header.vms[ev->vm].vcpus)
            result = err_set(&inner, ERR_FORMAT, "event of an unknown vcpu");
    if (result < 0)
        ERR(e, result, "%s: event batch %zu: %s", r->path, batch, inner.msg);
    return 0;
}

const struct event *trace_reader_packed(struct trace_reader *r, size_t batch, struct err *e)
{
    if (batch >= r->batches_count) {
        err_set(e, ERR_USAGE, "%s: has no event batch %zu", r->path, batch);
        return NULL;
    }
    struct batch_cache *c = cache_entry(r, batch);
    if (c->batch != batch) {
        if (c->packed == NULL)
            c->packed = xcalloc(BATCH_EVENTS_MAX, sizeof *c->packed);
        c->batch = SIZE_MAX;
        if (trace_reader_decode(r, batch, c->packed, e) < 0)
            return NULL;
        c->batch = batch;
    }
    c->used = ++r->clock;
    return c->packed;
}

const struct event *trace_reader_events(struct trace_reader *r, size_t batch, struct err *e)
{
    if (r->full_batch == batch)
        return r->full;
    const struct event *ev = trace_reader_packed(r, batch, e);
    if (ev == NULL)
        return NULL;
    if (r->full == NULL)
        r->full = xcalloc(BATCH_EVENTS_MAX, sizeof *r->full);
    for (uint32_t i = 0; i < r->batches[batch].count; i++, ev = event_after(ev))
        r->full[i] = event_unpack(ev);
    r->full_batch = batch;
    return r->full;
}
