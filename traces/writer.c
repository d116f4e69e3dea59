/*
 * The writer: producers put fields into a queue, one thread makes frames.
 *
 * The producers' side costs a copy of small things and nothing for events,
 * which arrive as whole logs; encoding and compression happen on the thread.
 * Fields collect in two lanes, blobs and all else, because they compress
 * better apart. Before a frame of the main lane is written, the blob lane is,
 * so a blob always stands before what refers to it; and events that wait for
 * their batch to fill go into the frame, so everything put before the end of a
 * frame is in the file when the frame is.
 *
 * DETERMINISM: host time decides only where a frame ends (about two seconds
 * after its first field), never what is in it.
 *
 * An error is kept, the torn frame is cut off the file, and all further data
 * is dropped: the recorded machines must not notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "core/base/thread.h"
#include "traces/batch.h"
#include "traces/frame.h"
#include "traces/hash_set.h"
#include "traces/limit_signal.h"
#include "traces/message.h"
#include "traces/sizes.h"
#include "traces/trace.h"

#define QUEUE_MAX   (64u << 20)
#define SPARES_MAX  32
#define FRAME_AGE   2 /* seconds */
/* The thread is woken for so much, or else comes by itself: to wake it costs the machines time. */
#define WAKE_BYTES  (512u << 10)
#define NAP         250000000 /* nanoseconds */

/* Measured with bench_batch: 33 million events of four VMs, most of them TLB refills, bytes per
 * event and nanoseconds per event (encoding the columns: 35 ns):
 *     level 1: 1.53, 8     level 2: 1.53, 9     level 3: 1.47, 12     level 4: 1.47, 14
 * Higher ones win little. Window and long mode do not matter: a frame is its own window. The thread takes
 * time from the machines where they keep all cores busy: speed counts. */
#define LEVEL_BLOBS   3
#define LEVEL_MAIN    1

struct item { /* of the queue */
    struct item *next;
    enum trace_field field;
    bool flush;           /* not a field at all, but a request */
    struct buf bytes;     /* a whole field */
    const uint8_t *image; /* or a blob's content, of image_size, which is not ours */
    size_t image_size;
    struct trace_hash hash;
    uint8_t *events; /* or these, packed */
    size_t events_bytes;
};

struct lane { /* the frame being filled; the thread's */
    struct buf content;
    uint64_t by_field[TRACE_FIELDS];
    int level;
};

struct trace_writer {
    char *path;
    int fd;
    pthread_t thread;
    pthread_mutex_t lock; /* guards from here to `closing` */
    pthread_cond_t filled, drained;
    struct item *head, **tail;
    size_t queued; /* bytes */
    struct hash_set blobs;
    uint8_t *spares[SPARES_MAX]; /* logs of EVENT_LOG_BYTES, written and free again */
    size_t n_spares;
    struct err err;
    bool closing;
    atomic_bool failed; /* err is set */

    /* The thread's own, and close's after it. */
    struct lane blob_lane, main_lane;
    bool waiting; /* something is in a lane or the batch, since: */
    struct timespec since;
    struct batch_codec *codec; /* with the batch that is being made */
    ZSTD_CCtx *cctx;
    struct buf compressed, scratch;
    struct frame_list frames;
    uint64_t offset; /* of the file's valid part */
    struct trace_sizes sizes;
};

/* ---- frames ---- */

static void fail(struct trace_writer *w, const struct err *e)
{
    pthread_mutex_lock(&w->lock);
    if (w->err.code == 0)
        w->err = *e;
    pthread_mutex_unlock(&w->lock);
    atomic_store(&w->failed, true);
    /* The file may be no regular one; then there is nothing to repair. */
    if (ftruncate(w->fd, (off_t)w->offset) == 0)
        lseek(w->fd, (off_t)w->offset, SEEK_SET);
}

static void write_out(struct trace_writer *w, const struct buf *b)
{
    struct err e = {0};
    if (frame_write_all(w->fd, w->path, b->data, b->len, &e) < 0)
        fail(w, &e);
    else
        w->offset += b->len;
}

static void lane_write(struct trace_writer *w, struct lane *lane)
{
    if (lane->content.len == 0)
        return;
    if (!atomic_load(&w->failed)) {
        size_t bound = ZSTD_compressBound(lane->content.len);
        buf_clear(&w->compressed);
        ZSTD_CCtx_setParameter(w->cctx, ZSTD_c_compressionLevel, lane->level);
        size_t n = ZSTD_compress2(w->cctx, buf_reserve(&w->compressed, bound), bound,
                                  lane->content.data, lane->content.len);
        CHECK(!ZSTD_isError(n), "zstd: %s", ZSTD_getErrorName(n));
        w->compressed.len = n;
        frame_list_add(&w->frames, (struct frame){
                                       .offset = w->offset,
                                       .size = (uint32_t)n,
                                       .content = (uint32_t)lane->content.len,
                                   });
        sizes_add_frame(&w->sizes, lane->by_field, n);
        write_out(w, &w->compressed);
    }
    buf_clear(&lane->content);
    memset(lane->by_field, 0, sizeof lane->by_field);
}

static void lane_put(struct lane *lane, enum trace_field field, const struct buf *bytes)
{
    buf_put(&lane->content, bytes->data, bytes->len);
    lane->by_field[field] += bytes->len;
}

static void end_batch(struct trace_writer *w)
{
    if (batch_encode_count(w->codec) == 0)
        return;
    struct buf message = w->scratch;
    buf_clear(&message);
    batch_encode_end(w->codec, &message);
    batch_encode_begin(w->codec);
    struct lane *lane = &w->main_lane;
    size_t before = lane->content.len;
    message_field(TRACE_FIELD_EVENTS, message.len, &lane->content);
    buf_put(&lane->content, message.data, message.len);
    lane->by_field[TRACE_FIELD_EVENTS] += lane->content.len - before;
    w->scratch = message;
}

static void flush_all(struct trace_writer *w)
{
    end_batch(w);
    lane_write(w, &w->blob_lane);
    lane_write(w, &w->main_lane);
    w->waiting = false;
}

/* ---- the thread ---- */

static void take_events(struct trace_writer *w, const struct item *item)
{
    const uint8_t *end = item->events + item->events_bytes;
    const struct event *ev = (const struct event *)item->events;
    for (; (const uint8_t *)ev < end; ev = event_after(ev)) {
        batch_encode_event(w->codec, ev);
        w->sizes.event_count[ev->kind]++;
        if (batch_encode_count(w->codec) < BATCH_EVENTS_MAX)
            continue;
        end_batch(w);
        if (w->main_lane.content.len >= FRAME_CONTENT_TARGET)
            flush_all(w);
    }
}

/* Appends the field with the blob's piece at *offset, and moves that. False after the last one. */
static bool put_piece(struct trace_hash hash, const uint8_t *data, size_t n, size_t *offset,
                      struct buf *out)
{
    struct trace_piece p = {
        .hash = hash,
        .size = n,
        .offset = *offset,
        .data = data + *offset,
        .n = (size_t)min_u64(n - *offset, TRACE_PIECE),
    };
    message_put_piece(&p, out);
    *offset += p.n;
    return *offset < n;
}

static void take_image(struct trace_writer *w, const struct item *item)
{
    size_t offset = 0;
    for (bool more = true; more;) {
        buf_clear(&w->scratch);
        more = put_piece(item->hash, item->image, item->image_size, &offset, &w->scratch);
        lane_put(&w->blob_lane, TRACE_FIELD_BLOB, &w->scratch);
        if (w->blob_lane.content.len >= FRAME_CONTENT_TARGET)
            lane_write(w, &w->blob_lane);
    }
}

static void take_item(struct trace_writer *w, const struct item *item)
{
    if (item->flush) {
        flush_all(w);
        return;
    }
    if (!w->waiting) {
        w->waiting = true;
        clock_gettime(CLOCK_MONOTONIC, &w->since);
    }
    if (item->field == TRACE_FIELD_EVENTS) {
        take_events(w, item);
        return;
    }
    if (item->image != NULL) {
        take_image(w, item);
        return;
    }
    struct lane *lane = item->field == TRACE_FIELD_BLOB ? &w->blob_lane : &w->main_lane;
    lane_put(lane, item->field, &item->bytes);
    if (lane->content.len < FRAME_CONTENT_TARGET)
        return;
    if (lane == &w->blob_lane)
        lane_write(w, lane);
    else
        flush_all(w);
}

/* Memory that is in the caches already serves again. */
static void spare(struct trace_writer *w, uint8_t *events)
{
    pthread_mutex_lock(&w->lock);
    bool keep = w->n_spares < SPARES_MAX;
    if (keep)
        w->spares[w->n_spares++] = events;
    pthread_mutex_unlock(&w->lock);
    if (!keep)
        free(events);
}

static void item_free(struct trace_writer *w, struct item *item)
{
    buf_free(&item->bytes);
    if (item->events != NULL)
        spare(w, item->events);
    free(item);
}

static size_t item_size(const struct item *item)
{
    return sizeof *item + item->bytes.len + item->events_bytes;
}

static bool too_old(const struct trace_writer *w)
{
    struct timespec now;
    if (!w->waiting)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - w->since.tv_sec > FRAME_AGE ||
           (now.tv_sec - w->since.tv_sec == FRAME_AGE && now.tv_nsec >= w->since.tv_nsec);
}

/* The next item, or NULL if there is none for the moment. */
static struct item *next_item(struct trace_writer *w, bool *closing)
{
    pthread_mutex_lock(&w->lock);
    if (w->head == NULL && !w->closing) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += NAP;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&w->filled, &w->lock, &until);
    }
    struct item *item = w->head;
    if (item != NULL) {
        w->head = item->next;
        if (w->head == NULL)
            w->tail = &w->head;
    }
    *closing = w->closing;
    pthread_mutex_unlock(&w->lock);
    return item;
}

static void *writer_thread(void *arg)
{
    struct trace_writer *w = arg;
    for (;;) {
        bool closing;
        struct item *item = next_item(w, &closing);
        if (item == NULL && closing)
            return NULL;
        if (item != NULL) {
            size_t size = item_size(item);
            if (!atomic_load(&w->failed))
                take_item(w, item);
            item_free(w, item);
            pthread_mutex_lock(&w->lock);
            w->queued -= size;
            pthread_cond_broadcast(&w->drained);
            pthread_mutex_unlock(&w->lock);
        }
        if (too_old(w))
            flush_all(w);
    }
}

/* ---- putting ---- */

static void queue_put(struct trace_writer *w, struct item item)
{
    struct item *copy = xmalloc(sizeof *copy);
    *copy = item;
    copy->next = NULL;
    size_t size = item_size(copy);
    pthread_mutex_lock(&w->lock);
    /* One item alone may be larger than the limit. */
    while (w->queued > 0 && w->queued + size > QUEUE_MAX)
        pthread_cond_wait(&w->drained, &w->lock);
    *w->tail = copy;
    w->tail = &copy->next;
    bool enough = w->queued < WAKE_BYTES && w->queued + size >= WAKE_BYTES;
    w->queued += size;
    if (enough || item.flush)
        pthread_cond_signal(&w->filled);
    pthread_mutex_unlock(&w->lock);
}

static bool is_new_blob(struct trace_writer *w, struct trace_hash hash)
{
    pthread_mutex_lock(&w->lock);
    bool is_new = hash_set_add(&w->blobs, hash);
    pthread_mutex_unlock(&w->lock);
    return is_new;
}

struct trace_hash trace_put_blob(struct trace_writer *w, const void *data, size_t n)
{
    struct trace_hash hash = trace_hash_of(data, n);
    size_t offset = 0;
    bool more = is_new_blob(w, hash);
    while (more) {
        struct item item = {.field = TRACE_FIELD_BLOB};
        more = put_piece(hash, data, n, &offset, &item.bytes);
        queue_put(w, item);
    }
    return hash;
}

void trace_put_image(struct trace_writer *w, struct trace_hash hash, const void *data, size_t n)
{
    if (is_new_blob(w, hash))
        queue_put(w, (struct item){
                         .field = TRACE_FIELD_BLOB, .image = data, .image_size = n, .hash = hash});
}

void trace_put_input(struct trace_writer *w, const struct trace_input *in)
{
    CHECK(in->len <= TRACE_INPUT_MAX, "an input of %zu bytes", in->len);
    struct item item = {.field = TRACE_FIELD_INPUT};
    message_put_input(in, &item.bytes);
    queue_put(w, item);
}

void *trace_log_memory(struct trace_writer *w)
{
    void *memory = NULL;
    pthread_mutex_lock(&w->lock);
    if (w->n_spares != 0)
        memory = w->spares[--w->n_spares];
    pthread_mutex_unlock(&w->lock);
    return memory != NULL ? memory : xmalloc(EVENT_LOG_BYTES);
}

void trace_put_events(struct trace_writer *w, void *memory, size_t bytes)
{
    queue_put(w, (struct item){
                     .field = TRACE_FIELD_EVENTS, .events = memory, .events_bytes = bytes});
}

void trace_put_digest(struct trace_writer *w, const struct trace_digest *d)
{
    struct item item = {.field = TRACE_FIELD_DIGEST};
    message_put_digest(d, &item.bytes);
    queue_put(w, item);
}

void trace_put_console(struct trace_writer *w, uint32_t vm, uint32_t channel, uint64_t cycle,
                       const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        struct trace_text t = {
            .vm = vm,
            .channel = channel,
            .cycle = cycle,
            .bytes = (const uint8_t *)bytes + done,
            .n = (size_t)min_u64(n - done, TRACE_PIECE),
        };
        struct item item = {.field = TRACE_FIELD_CONSOLE};
        message_put_console(&t, &item.bytes);
        queue_put(w, item);
        done += t.n;
    }
}

void trace_flush(struct trace_writer *w)
{
    queue_put(w, (struct item){.flush = true});
}

int trace_writer_status(struct trace_writer *w, struct err *e)
{
    if (!atomic_load(&w->failed))
        return 0;
    pthread_mutex_lock(&w->lock);
    int code = err_set(e, w->err.code, "%s", w->err.msg);
    pthread_mutex_unlock(&w->lock);
    return code;
}

/* ---- opening and closing ---- */

static struct trace_writer *writer_create(const char *path, int fd, int level)
{
    struct trace_writer *w = xcalloc(1, sizeof *w);
    w->path = xstrdup(path);
    w->fd = fd;
    w->tail = &w->head;
    w->blob_lane.level = level != 0 ? level : LEVEL_BLOBS;
    w->main_lane.level = level != 0 ? level : LEVEL_MAIN;
    w->codec = batch_codec_create();
    batch_encode_begin(w->codec);
    w->cctx = ZSTD_createCCtx();
    CHECK(w->cctx != NULL, "out of memory");
    ZSTD_CCtx_setParameter(w->cctx, ZSTD_c_checksumFlag, 1);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->filled, &attr);
    pthread_cond_init(&w->drained, NULL);
    pthread_condattr_destroy(&attr);
    return w;
}

static void writer_destroy(struct trace_writer *w)
{
    pthread_cond_destroy(&w->filled);
    pthread_cond_destroy(&w->drained);
    pthread_mutex_destroy(&w->lock);
    ZSTD_freeCCtx(w->cctx);
    batch_codec_destroy(w->codec);
    for (size_t i = 0; i < w->n_spares; i++)
        free(w->spares[i]);
    buf_free(&w->blob_lane.content);
    buf_free(&w->main_lane.content);
    buf_free(&w->compressed);
    buf_free(&w->scratch);
    frame_list_free(&w->frames);
    hash_set_free(&w->blobs);
    free(w->path);
    free(w);
}

/* One field alone in a frame, written now: only while the thread does not run. */
static void write_field_frame(struct trace_writer *w, enum trace_field field)
{
    lane_put(&w->main_lane, field, &w->scratch);
    lane_write(w, &w->main_lane);
    buf_clear(&w->scratch);
}

int trace_writer_open(struct trace_writer **out, const char *path, const struct trace_header *h,
                      const struct trace_writer_options *opt, struct err *e)
{
    bool overwrite = opt != NULL && opt->overwrite;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), 0666);
    if (fd < 0 && errno == EEXIST)
        ERR(e, ERR_IO, "%s: exists already; choose another name or remove it", path);
    if (fd < 0)
        ERR(e, ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    struct trace_writer *w = writer_create(path, fd, opt != NULL ? opt->level : 0);
    struct trace_header current = *h;
    current.version = TRACE_VERSION;
    message_put_header(&current, &w->scratch);
    sigset_t old;
    limit_signal_block(&old);
    write_field_frame(w, TRACE_FIELD_HEADER);
    limit_signal_restore(&old);
    int result = trace_writer_status(w, e);
    if (result == 0) {
        int error = thread_start(&w->thread, writer_thread, w);
        if (error != 0)
            result = err_set(e, ERR_IO, "cannot start a thread: %s", strerror(error));
    }
    if (result < 0) {
        if (!overwrite)
            unlink(path); /* it is ours and empty */
        close(fd);
        writer_destroy(w);
        return result;
    }
    *out = w;
    return 0;
}

static void write_end(struct trace_writer *w, const struct trace_end *end)
{
    struct trace_end own = *end;
    own.events = 0;
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        own.events += w->sizes.event_count[kind];
    message_put_end(&own, &w->scratch);
    write_field_frame(w, TRACE_FIELD_END);
    if (atomic_load(&w->failed))
        return;
    buf_clear(&w->compressed);
    frame_seek_table(&w->frames, &w->compressed);
    sizes_add_other(&w->sizes, w->compressed.len);
    write_out(w, &w->compressed);
}

int trace_writer_close_sizes(struct trace_writer *w, const struct trace_end *end,
                             struct trace_sizes *sizes, struct err *e)
{
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_signal(&w->filled);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    sigset_t old;
    limit_signal_block(&old);
    flush_all(w);
    buf_clear(&w->scratch);
    if (end != NULL && !atomic_load(&w->failed))
        write_end(w, end);
    limit_signal_restore(&old);
    if (close(w->fd) < 0) {
        struct err late = {0};
        err_set(&late, ERR_IO, "%s: cannot write: %s", w->path, strerror(errno));
        if (w->err.code == 0)
            w->err = late;
        atomic_store(&w->failed, true);
    }
    if (sizes != NULL)
        *sizes = w->sizes;
    int result = trace_writer_status(w, e);
    writer_destroy(w);
    return result;
}

int trace_writer_close(struct trace_writer *w, const struct trace_end *end, struct err *e)
{
    return trace_writer_close_sizes(w, end, NULL, e);
}
