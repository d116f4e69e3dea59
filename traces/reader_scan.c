/*
 * Scanning a trace: one pass over all frames when it is opened.
 *
 * Small things (inputs, digests, console text) are kept, big things (blob
 * pieces, event batches) are only noted by their place. A frame's fields are
 * taken one by one, and a bad field ends the scan: what the frame held
 * before it stays, which is harmless, because a tolerant reader calls the
 * trace cut there.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "traces/frame_ahead.h"
#include "traces/reader_private.h"

#define MEMORY_MAX     (UINT64_C(1) << 30)
#define IMAGE_KEPT_MAX (UINT64_C(64) << 20)

/* Room for one more element; the list's memory counts against the limit. */
static int grow(struct trace_reader *r, void **list, size_t count, size_t *cap, size_t element,
                struct err *e)
{
    if (count < *cap)
        return 0;
    size_t bigger = *cap == 0 ? 16 : 2 * *cap;
    r->memory += (bigger - *cap) * element;
    if (r->memory > MEMORY_MAX)
        ERR(e, ERR_LIMIT, "more than %" PRIu64 " MiB of inputs, texts and indices",
            MEMORY_MAX >> 20);
    *list = xrealloc(*list, bigger * element);
    *cap = bigger;
    return 0;
}

#define GROW(r, name, e)                                                                           \
    grow((r), (void **)&(r)->name, (r)->name##_count, &(r)->name##_cap, sizeof *(r)->name, (e))

static int data_kept(struct trace_reader *r, size_t n, struct err *e)
{
    r->memory += n;
    return r->memory > MEMORY_MAX ? err_set(e, ERR_LIMIT, "more text and inputs than fit") : 0;
}

static int take_header(struct trace_reader *r, const uint8_t *data, size_t n, struct err *e)
{
    TRY(message_get_header(data, n, &r->header, e));
    r->has_header = true;
    return 0;
}

/* Whoever opens a trace of machines wants their images, which are most of it: they are kept as they
 * come by, within reason. */
static bool wanted_image(const struct trace_reader *r, const struct trace_piece *p)
{
    if (p->size == 0 || p->size > IMAGE_KEPT_MAX)
        return false;
    for (size_t i = 0; i < r->header.images_count; i++)
        if (r->header.images[i].size == p->size &&
            trace_hash_equal(r->header.images[i].hash, p->hash))
            return true;
    return false;
}

/* Fresh memory that is about to be written: the host makes it at once, which is cheaper than a fault
 * for each page. A host that cannot do that makes it as it is written. */
static void prepare_memory(const uint8_t *memory, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)memory / page * page;
    madvise((void *)from, (uintptr_t)memory + n - from, MADV_POPULATE_WRITE);
}

static int take_piece(struct trace_reader *r, struct field_ref ref, const uint8_t *data, size_t n,
                      struct err *e)
{
    struct trace_piece p;
    TRY(GROW(r, blobs, e));
    TRY(GROW(r, pieces, e));
    TRY(message_get_piece(data, n, &p, e));
    struct blob_entry *b = r->blobs_count == 0 ? NULL : &r->blobs[r->blobs_count - 1];
    if (b == NULL || b->received == b->size) {
        b = &r->blobs[r->blobs_count++];
        *b = (struct blob_entry){
            .hash = p.hash,
            .size = p.size,
            .first_piece = r->pieces_count,
            .content = wanted_image(r, &p) ? malloc((size_t)p.size) : NULL,
        };
    }
    if (!trace_hash_equal(p.hash, b->hash) || p.size != b->size || p.offset != b->received)
        ERR(e, ERR_FORMAT, "piece of a blob out of order");
    if (b->content != NULL) {
        prepare_memory(b->content + p.offset, p.n);
        memcpy(b->content + p.offset, p.data, p.n);
    }
    b->received += p.n;
    b->pieces++;
    r->pieces[r->pieces_count++] = ref;
    return 0;
}

static int take_input(struct trace_reader *r, const uint8_t *data, size_t n, struct err *e)
{
    TRY(GROW(r, inputs, e));
    struct trace_input in;
    TRY(message_get_input(data, n, &in, e));
    r->inputs[r->inputs_count++] = in;
    if (in.vm >= r->header.vms_count || in.kind < TRACE_INPUT_CONSOLE ||
        in.kind > TRACE_INPUT_BREAK)
        ERR(e, ERR_FORMAT, "input of an unknown kind or VM");
    return data_kept(r, in.len, e);
}

static int take_digest(struct trace_reader *r, const uint8_t *data, size_t n, struct err *e)
{
    TRY(GROW(r, digests, e));
    struct trace_digest d;
    TRY(message_get_digest(data, n, &d, e));
    if (d.vm >= r->header.vms_count)
        ERR(e, ERR_FORMAT, "digest of an unknown VM");
    r->digests[r->digests_count++] = d;
    return 0;
}

static int take_symbols(struct trace_reader *r, const uint8_t *data, size_t n, struct err *e)
{
    struct trace_symbols s;
    TRY(message_get_symbols(data, n, &s, e));
    if (s.vm >= r->header.vms_count)
        ERR(e, ERR_FORMAT, "symbols of an unknown VM");
    for (size_t i = 0; i < r->symbols_count; i++)
        if (r->symbols[i].vm == s.vm)
            ERR(e, ERR_FORMAT, "symbols of a VM for the second time");
    TRY(GROW(r, symbols, e));
    r->symbols[r->symbols_count++] = s;
    return 0;
}

static int take_console(struct trace_reader *r, const uint8_t *data, size_t n, struct err *e)
{
    TRY(GROW(r, texts, e));
    struct trace_text t;
    TRY(message_get_console(data, n, &t, e));
    r->texts[r->texts_count++] = t;
    if (t.vm >= r->header.vms_count)
        ERR(e, ERR_FORMAT, "console text of an unknown VM");
    return data_kept(r, t.n, e);
}

static int take_batch(struct trace_reader *r, struct field_ref ref, const uint8_t *data, size_t n,
                      struct err *e)
{
    if (r->batches_count == r->batches_cap) {
        size_t cap = r->batches_cap;
        TRY(grow(r, (void **)&r->batches, r->batches_count, &cap, sizeof *r->batches, e));
        TRY(grow(r, (void **)&r->batch_refs, r->batches_count, &r->batch_refs_cap,
                 sizeof *r->batch_refs, e));
        r->batches_cap = cap;
    }
    struct batch_head head;
    TRY(batch_read_head(data, n, &head, e));
    r->batch_refs[r->batches_count] = ref;
    r->batches[r->batches_count++] = (struct trace_batch){
        .first = r->events_count,
        .count = head.count,
        .first_step = head.first_step,
        .last_step = head.last_step,
    };
    r->events_count += head.count;
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        r->sizes.event_count[kind] += head.kind_count[kind];
    return 0;
}

static int take_end(struct trace_reader *r, const uint8_t *data, size_t n, struct err *e)
{
    TRY(message_get_end(data, n, &r->end, e));
    r->has_end = true;
    if (r->end.events != r->events_count)
        ERR(e, ERR_FORMAT, "the end record counts %" PRIu64 " events, but there are %" PRIu64,
            r->end.events, r->events_count);
    if (r->blobs_count > 0 &&
        r->blobs[r->blobs_count - 1].received != r->blobs[r->blobs_count - 1].size)
        ERR(e, ERR_FORMAT, "a blob is not complete");
    for (size_t i = 0; i < r->end.digests_count; i++)
        if (r->end.digests[i].vm >= r->header.vms_count)
            ERR(e, ERR_FORMAT, "end record with a digest of an unknown VM");
    return 0;
}

static int take_field(struct trace_reader *r, enum trace_field field, struct field_ref ref,
                      const uint8_t *data, struct err *e)
{
    switch (field) {
    case TRACE_FIELD_BLOB:
        return take_piece(r, ref, data, ref.size, e);
    case TRACE_FIELD_INPUT:
        return take_input(r, data, ref.size, e);
    case TRACE_FIELD_EVENTS:
        return take_batch(r, ref, data, ref.size, e);
    case TRACE_FIELD_DIGEST:
        return take_digest(r, data, ref.size, e);
    case TRACE_FIELD_CONSOLE:
        return take_console(r, data, ref.size, e);
    case TRACE_FIELD_SYMBOLS:
        return take_symbols(r, data, ref.size, e);
    case TRACE_FIELD_END:
        return take_end(r, data, ref.size, e);
    case TRACE_FIELD_HEADER:
        return err_set(e, ERR_FORMAT, "a second header");
    case TRACE_FIELDS:
        break;
    }
    return err_set(e, ERR_FORMAT, "damaged: no field of a trace");
}

static int scan_frame(struct trace_reader *r, size_t frame, const struct frame_part *part,
                      struct err *e)
{
    const uint8_t *content = part->content.data;
    size_t n = part->content.len;
    uint64_t by_field[TRACE_FIELDS] = {0};
    if (r->has_end)
        ERR(e, ERR_FORMAT, "data after the end record");
    if (n == 0)
        ERR(e, ERR_FORMAT, "%s", frame == 0 ? "not a trace: it is empty" : "empty frame");
    for (size_t at = 0; at < n;) {
        enum trace_field field;
        const uint8_t *data;
        size_t before = at, size;
        if (!message_next(content, n, &at, &field, &data, &size))
            ERR(e, ERR_FORMAT, "%s", frame == 0 ? "not a trace: a zstd file of something else"
                                                : "damaged: no field of a trace");
        bool alone = before == 0 && at == n;
        if (frame == 0) {
            if (field != TRACE_FIELD_HEADER || !alone)
                ERR(e, ERR_FORMAT, "not a trace: it has no trace header");
            TRY(take_header(r, data, size, e));
        } else {
            struct field_ref ref = {frame, (uint32_t)(data - content), (uint32_t)size};
            if (field == TRACE_FIELD_END && !alone)
                ERR(e, ERR_FORMAT, "the end record is not alone in its frame");
            TRY(take_field(r, field, ref, data, e));
        }
        by_field[field] += at - before;
    }
    sizes_add_frame(&r->sizes, by_field, part->frame.size);
    return 0;
}

static char *cut_reason(const struct trace_reader *r, bool torn, uint64_t offset)
{
    if (torn)
        return xasprintf("it ends inside a frame; the first %" PRIu64 " of %" PRIu64
                         " bytes are good",
                         offset, frame_walk_file_size(r->walk));
    return xasprintf("%s", r->has_end ? "its seek table is missing" : "it has no end record");
}

/* Behind the last frame, which ends at `offset`. */
static int scan_end(struct trace_reader *r, int found, const struct frame_part *part,
                    uint64_t offset, struct err *e)
{
    if (!r->has_header && frame_walk_file_size(r->walk) == 0)
        ERR(e, ERR_TRUNCATED, "%s: not a trace: the file is empty", r->path);
    if (!r->has_header)
        ERR(e, ERR_TRUNCATED, "%s: the file ends inside its header (%" PRIu64
            " bytes); nothing of it can be used",
            r->path, frame_walk_file_size(r->walk));
    if (found == FRAME_TABLE && !r->has_end)
        ERR(e, ERR_FORMAT, "%s: offset %" PRIu64 ": seek table without end record", r->path,
            offset);
    if (found == FRAME_TABLE)
        sizes_add_other(&r->sizes, part->end - offset);
    else
        r->cut = cut_reason(r, found == FRAME_CUT, offset);
    return 0;
}

static int scan_all(struct trace_reader *r, struct frame_ahead *frames, struct err *e)
{
    uint64_t offset = 0;
    struct frame_part part;
    for (size_t frame = 0;; frame++) {
        int found = frame_ahead_next(frames, &part, e);
        if (found < 0)
            return found;
        if (found != FRAME_DATA)
            return scan_end(r, found, &part, offset, e);
        struct err inner = {0};
        if (scan_frame(r, frame, &part, &inner) < 0)
            ERR(e, inner.code, "%s: offset %" PRIu64 ": %s", r->path, offset, inner.msg);
        offset = part.end;
    }
}

int reader_scan(struct trace_reader *r, struct err *e)
{
    struct frame_ahead *frames = frame_ahead_start(r->walk);
    int result = scan_all(r, frames, e);
    frame_ahead_stop(frames);
    return result;
}
