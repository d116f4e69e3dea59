/* What reader.c and reader_scan.c share. */
#ifndef TRACES_READER_PRIVATE_H
#define TRACES_READER_PRIVATE_H

#include "traces/batch.h"
#include "traces/frame.h"
#include "traces/message.h"
#include "traces/sizes.h"
#include "traces/trace.h"

#define READER_CACHE 4 /* batches */

struct field_ref { /* where a field's message is */
    size_t frame;
    uint32_t at, size; /* in the frame's content */
};

struct blob_entry {
    struct trace_hash hash;
    uint64_t size, received;
    size_t first_piece, pieces; /* in the list of pieces */
    uint8_t *content; /* kept while scanning, until somebody takes it; or NULL */
};

struct batch_cache {
    size_t batch; /* SIZE_MAX: none */
    uint64_t used; /* age */
    struct event *packed; /* room for BATCH_EVENTS_MAX full ones, made when first used */
};

struct trace_reader {
    const struct trace_reader *of; /* whose header and lists these are, or NULL: our own */
    char *path;
    struct frame_walk *walk;
    size_t loaded; /* frame whose content the walk has, SIZE_MAX: none */
    const uint8_t *content;
    size_t content_size;

    struct trace_header header;
    bool has_header, has_end;
    struct trace_end end;
    char *cut;
    bool damaged; /* and not only torn */
    struct trace_sizes sizes;
    uint64_t memory; /* bytes that the lists below took, against a limit */

    struct trace_input *inputs;
    size_t inputs_count, inputs_cap;
    struct trace_digest *digests;
    size_t digests_count, digests_cap;
    struct trace_symbols *symbols;
    size_t symbols_count, symbols_cap;
    struct trace_text *texts;
    size_t texts_count, texts_cap;
    struct trace_batch *batches;
    struct field_ref *batch_refs;
    size_t batches_count, batches_cap, batch_refs_cap;
    uint64_t events_count;
    struct blob_entry *blobs; /* in file order while scanning, then by hash */
    size_t blobs_count, blobs_cap;
    struct field_ref *pieces;
    size_t pieces_count, pieces_cap;

    struct batch_codec *codec;
    struct batch_cache cache[READER_CACHE];
    struct event *full; /* the batch full_batch unpacked; made when first used */
    size_t full_batch;  /* SIZE_MAX: none */
    uint64_t clock; /* for the ages */
};

/* Reads the whole file once and fills the lists. On error, what came before
 * the bad frame is valid, and has_header says if it is enough to go on. */
int reader_scan(struct trace_reader *r, struct err *e);

#endif
