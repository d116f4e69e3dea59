/*
 * The writer: producers put fields into a queue, one thread makes frames.
 *
 * The producers' side costs a copy of small things and nothing for events,
 * which arrive as whole logs; encoding and compression happen on the thread, or
 * a piece at a time on those that help it (trace_writer_help): whoever holds
 * `work` does the next piece. While there is help the thread leaves it to
 * them: it would stop one of theirs. Events that wait for their batch to fill
 * go into each frame that ends, so everything put before the end of a frame is
 * in the file when the frame is.
 *
 * DETERMINISM: host time decides only where a frame ends (about two seconds
 * after its first field), never what is in it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/output.h"
#include "core/base/thread.h"
#include "traces/batch.h"
#include "traces/hash_set.h"
#include "traces/lanes.h"
#include "traces/message.h"

#define QUEUE_MAX   (64u << 20)
#define SPARES_MAX  32
#define FRAME_AGE   2 /* seconds */
/* The thread is woken for so much, or else comes by itself: to wake it costs the machines time, and
 * where others help, more than they do. */
#define WAKE_BYTES        (512u << 10)
#define WAKE_BYTES_HELPED (16u << 20)
#define NAP               250000000 /* nanoseconds */

/* How much is done at a time. */
struct piece {
    size_t events;  /* bytes of a log */
    size_t content; /* bytes to compress */
};
static const struct piece whole = {SIZE_MAX, SIZE_MAX};
/* Those that help have some microseconds. */
static const struct piece small = {4u << 10, 8u << 10};
/* So much waits that they have to take the time, for a part of it. Events become a ninth of their size
 * before they are compressed. */
#define OVERDUE_BYTES   (1u << 20)
#define OVERDUE_PART    4
#define OVERDUE_CONTENT 32

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

struct trace_writer {
    pthread_t thread;
    pthread_mutex_t lock; /* guards from here to `closing` */
    pthread_cond_t filled, drained;
    struct item *head, **tail;
    atomic_size_t queued; /* bytes; read without the lock, too */
    size_t wake;          /* the thread is woken for so many */
    bool urgent;   /* and for what is in the queue now */
    struct hash_set blobs;
    uint8_t *spares[SPARES_MAX]; /* logs of EVENT_LOG_BYTES, written and free again */
    size_t n_spares;
    bool closing;

    pthread_mutex_t work; /* guards what follows; close's after the thread has ended */
    struct lanes lanes;
    bool helped; /* by other threads, since the writer's own one looked the last time */
    struct item *present; /* of the queue, and so many bytes of its events are done */
    size_t present_done;
    bool waiting; /* something is in a lane or the batch, since: */
    struct timespec since;
    struct batch_codec *codec; /* with the batch that is being made */
    struct buf scratch;
};

/* ---- making frames: with `work` ---- */

static void end_batch(struct trace_writer *w)
{
    if (batch_encode_count(w->codec) == 0)
        return;
    struct buf head = {0};
    buf_clear(&w->scratch);
    batch_encode_end(w->codec, &w->scratch);
    batch_encode_begin(w->codec);
    message_field(TRACE_FIELD_EVENTS, w->scratch.len, &head);
    lane_put(&w->lanes.main, TRACE_FIELD_EVENTS, head.data, head.len);
    lane_put(&w->lanes.main, TRACE_FIELD_EVENTS, w->scratch.data, w->scratch.len);
    buf_free(&head);
}

/* Frames of all that came so far; they are still to be compressed. */
static void end_frames(struct trace_writer *w)
{
    end_batch(w);
    lanes_end(&w->lanes, &w->lanes.blobs);
    lanes_end(&w->lanes, &w->lanes.main);
    w->waiting = false;
}

static void flush_all(struct trace_writer *w)
{
    end_frames(w);
    lanes_write(&w->lanes);
}

/* About so many bytes of the present item's events. */
static void take_events(struct trace_writer *w, size_t bytes)
{
    const struct item *item = w->present;
    const uint8_t *from = item->events + w->present_done;
    const uint8_t *end = from + min_u64(bytes, item->events_bytes - w->present_done);
    const struct event *ev = (const struct event *)from;
    for (; (const uint8_t *)ev < end; ev = event_after(ev)) {
        __builtin_prefetch((const uint8_t *)ev + EVENT_LOG_AHEAD); /* another core wrote it */
        batch_encode_event(w->codec, ev);
        w->lanes.sizes.event_count[ev->kind]++;
        if (batch_encode_count(w->codec) < BATCH_EVENTS_MAX)
            continue;
        end_batch(w);
        if (lane_is_full(&w->lanes.main))
            end_frames(w);
    }
    w->present_done = (size_t)((const uint8_t *)ev - item->events);
}

/* Appends the field with the blob's piece at *offset, and moves that. False after the last one. */
static bool put_piece(struct trace_hash hash, const uint8_t *data, size_t n, size_t *offset,
                      struct buf *out)
{
    struct trace_piece p = {.hash = hash, .size = n, .offset = *offset, .data = data + *offset};
    p.n = (size_t)min_u64(n - *offset, TRACE_PIECE);
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
        lane_put(&w->lanes.blobs, TRACE_FIELD_BLOB, w->scratch.data, w->scratch.len);
        if (lane_is_full(&w->lanes.blobs)) {
            lanes_end(&w->lanes, &w->lanes.blobs);
            lanes_write(&w->lanes);
        }
    }
}

/* The present item, or of many events about so many bytes. */
static void take_present(struct trace_writer *w, size_t bytes)
{
    const struct item *item = w->present;
    if (item->flush) {
        flush_all(w);
        return;
    }
    if (!w->waiting) {
        w->waiting = true;
        clock_gettime(CLOCK_MONOTONIC, &w->since);
    }
    if (item->field == TRACE_FIELD_EVENTS) {
        take_events(w, bytes);
        w->waiting |= batch_encode_count(w->codec) != 0; /* though a frame ended on the way */
        return;
    }
    if (item->image != NULL) {
        take_image(w, item);
        return;
    }
    bool is_blob = item->field == TRACE_FIELD_BLOB;
    struct lane *lane = is_blob ? &w->lanes.blobs : &w->lanes.main;
    lane_put(lane, item->field, item->bytes.data, item->bytes.len);
    if (lane_is_full(lane) && is_blob)
        lanes_end(&w->lanes, lane);
    else if (lane_is_full(lane))
        end_frames(w);
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

/* Takes the next item from the queue. NULL: there is none for the moment, or for a helper only an
 * image, which takes long. */
static struct item *next_item(struct trace_writer *w, bool helping)
{
    pthread_mutex_lock(&w->lock);
    struct item *item = w->head;
    if (helping && item != NULL && item->image != NULL)
        item = NULL;
    if (item != NULL) {
        w->head = item->next;
        if (w->head == NULL)
            w->tail = &w->head;
    }
    pthread_mutex_unlock(&w->lock);
    return item;
}

/* The present item is done. */
static void drop_present(struct trace_writer *w)
{
    size_t size = item_size(w->present);
    item_free(w, w->present);
    w->present = NULL;
    w->present_done = 0;
    pthread_mutex_lock(&w->lock);
    w->queued -= size;
    pthread_cond_broadcast(&w->drained);
    pthread_mutex_unlock(&w->lock);
}

/* The next piece of work. False: there is none. */
static bool do_piece(struct trace_writer *w, const struct piece *piece, bool helping)
{
    if (lanes_wait(&w->lanes)) {
        lanes_go_on(&w->lanes, piece->content);
        return true;
    }
    if (w->present == NULL)
        w->present = next_item(w, helping);
    if (w->present == NULL)
        return false;
    bool failed = atomic_load(&w->lanes.failed);
    if (!failed)
        take_present(w, piece->events);
    if (failed || w->present_done >= w->present->events_bytes)
        drop_present(w);
    return true;
}

/* ---- the thread, and those that help it ---- */

/* Until there is enough to do, or some time has passed. Is there something that no help will come
 * for, or too late? */
static bool await_work(struct trace_writer *w, bool *closing)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NAP;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int error = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->closing && !w->urgent && w->queued < w->wake && error == 0)
        error = pthread_cond_timedwait(&w->filled, &w->lock, &until);
    bool urgent = w->urgent || w->closing;
    w->urgent = false;
    *closing = w->closing;
    pthread_mutex_unlock(&w->lock);
    return urgent;
}

/* All that waits; or where others help, only what is too much for them. */
static void work_off(struct trace_writer *w, bool all)
{
    bool more = true;
    while (more && (all || w->queued >= WAKE_BYTES_HELPED)) {
        more = do_piece(w, &whole, false);
        if (all && too_old(w))
            flush_all(w);
    }
    if (!all && too_old(w))
        end_frames(w);
}

static void *writer_thread(void *arg)
{
    struct trace_writer *w = arg;
    bool closing = false;
    while (!closing) {
        bool urgent = await_work(w, &closing);
        pthread_mutex_lock(&w->work);
        work_off(w, urgent || !w->helped);
        w->helped = false;
        pthread_mutex_unlock(&w->work);
    }
    return NULL;
}

static bool help(struct trace_writer *w, const struct piece *piece)
{
    if (pthread_mutex_trylock(&w->work) != 0)
        return false;
    if (!w->helped) {
        w->helped = true;
        pthread_mutex_lock(&w->lock);
        w->wake = WAKE_BYTES_HELPED;
        pthread_mutex_unlock(&w->lock);
    }
    bool more = do_piece(w, piece, true);
    pthread_mutex_unlock(&w->work);
    return more;
}

bool trace_writer_help(struct trace_writer *w)
{
    return (w->queued != 0 || lanes_wait(&w->lanes)) && help(w, &small);
}

bool trace_writer_catch_up(struct trace_writer *w)
{
    size_t queued = w->queued;
    struct piece part = {queued / OVERDUE_PART, queued / OVERDUE_CONTENT};
    return queued >= OVERDUE_BYTES && help(w, &part);
}

/* ---- putting ---- */

static void queue_put(struct trace_writer *w, struct item item)
{
    struct item *copy = xmalloc(sizeof *copy);
    *copy = item; /* its next is NULL */
    size_t size = item_size(copy);
    pthread_mutex_lock(&w->lock);
    /* One item alone may be larger than the limit. */
    while (w->queued > 0 && w->queued + size > QUEUE_MAX)
        pthread_cond_wait(&w->drained, &w->lock);
    *w->tail = copy;
    w->tail = &copy->next;
    bool enough = w->queued < w->wake && w->queued + size >= w->wake;
    w->queued += size;
    w->urgent |= item.flush || item.image != NULL;
    if (enough || w->urgent)
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

void trace_put_field(struct trace_writer *w, enum trace_field field, struct buf bytes)
{
    queue_put(w, (struct item){.field = field, .bytes = bytes});
}

void trace_put_console(struct trace_writer *w, uint32_t vm, uint32_t channel, uint64_t cycle,
                       const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        struct trace_text t = {.vm = vm, .channel = channel, .cycle = cycle};
        t.bytes = (const uint8_t *)bytes + done;
        t.n = (size_t)min_u64(n - done, TRACE_PIECE);
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

void trace_drain(struct trace_writer *w)
{
    trace_flush(w);
    pthread_mutex_lock(&w->lock);
    while (w->queued > 0)
        pthread_cond_wait(&w->drained, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

int trace_writer_status(struct trace_writer *w, struct err *e)
{
    return lanes_status(&w->lanes, e);
}

/* ---- opening and closing ---- */

static struct trace_writer *writer_create(const char *path, int fd, int level)
{
    struct trace_writer *w = xcalloc(1, sizeof *w);
    w->tail = &w->head;
    w->wake = WAKE_BYTES;
    lanes_init(&w->lanes, path, fd, level);
    w->codec = batch_codec_create();
    batch_encode_begin(w->codec);
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->work, NULL);
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
    pthread_mutex_destroy(&w->work);
    batch_codec_destroy(w->codec);
    for (size_t i = 0; i < w->n_spares; i++)
        free(w->spares[i]);
    lanes_fini(&w->lanes);
    buf_free(&w->scratch);
    hash_set_free(&w->blobs);
    free(w);
}

/* One field alone in a frame, written now. With `work`. */
static void write_field_frame(struct trace_writer *w, enum trace_field field)
{
    lane_put(&w->lanes.main, field, w->scratch.data, w->scratch.len);
    lanes_end(&w->lanes, &w->lanes.main);
    lanes_write(&w->lanes);
    buf_clear(&w->scratch);
}

static void stop_thread(struct trace_writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_signal(&w->filled);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
}

/* The program ends at once: all that was put, as far as nobody is in the middle of it. */
static void rescue(void *writer)
{
    struct trace_writer *w = writer;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    if (pthread_mutex_clocklock(&w->work, CLOCK_MONOTONIC, &until) != 0)
        return;
    while (do_piece(w, &whole, false))
        continue;
    flush_all(w); /* and nothing behind it: the lock stays */
}

/* From here on an older trace is gone. */
static int begin_file(struct trace_writer *w, const struct trace_header *h, struct err *e)
{
    struct trace_header current = *h;
    current.version = TRACE_VERSION;
    message_put_header(&current, &w->scratch);
    TRY(output_empty(w->lanes.fd, w->lanes.path, e));
    pthread_mutex_lock(&w->work);
    write_field_frame(w, TRACE_FIELD_HEADER);
    pthread_mutex_unlock(&w->work);
    return trace_writer_status(w, e);
}

int trace_writer_open(struct trace_writer **out, const char *path, const struct trace_header *h,
                      const struct trace_writer_options *opt, struct err *e)
{
    int fd;
    bool overwrite = opt != NULL && opt->overwrite;
    TRY(frame_file_open(path, overwrite, &fd, e));
    struct trace_writer *w = writer_create(path, fd, opt != NULL ? opt->level : 0);
    int error = thread_start(&w->thread, writer_thread, w);
    int result = error != 0
                     ? err_set(e, ERR_IO, "cannot start a thread: %s", strerror(error))
                     : begin_file(w, h, e);
    if (result < 0) {
        if (error == 0)
            stop_thread(w);
        if (!overwrite)
            unlink(path); /* it is ours and empty */
        close(fd);
        writer_destroy(w);
        return result;
    }
    host_failed_first(rescue, w);
    *out = w;
    return 0;
}

static void write_end(struct trace_writer *w, const struct trace_end *end)
{
    struct trace_end own = *end;
    own.events = 0;
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        own.events += w->lanes.sizes.event_count[kind];
    message_put_end(&own, &w->scratch);
    write_field_frame(w, TRACE_FIELD_END);
    lanes_write_table(&w->lanes);
}

int trace_writer_close_sizes(struct trace_writer *w, const struct trace_end *end,
                             struct trace_sizes *sizes, struct err *e)
{
    host_failed_first(NULL, NULL);
    stop_thread(w);
    flush_all(w);
    buf_clear(&w->scratch);
    if (end != NULL)
        write_end(w, end);
    if (close(w->lanes.fd) < 0)
        lanes_fail(&w->lanes, errno);
    if (sizes != NULL)
        *sizes = w->lanes.sizes;
    int result = trace_writer_status(w, e);
    writer_destroy(w);
    return result;
}
