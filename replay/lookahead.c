#include "replay/lookahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/thread.h"

struct lookahead {
    pthread_t thread;
    struct trace_reader *reader; /* the thread's own */
    size_t batches;
    struct event *slot[LOOKAHEAD_BATCHES]; /* of batch n: slot[n % LOOKAHEAD_BATCHES] */
    pthread_mutex_t lock;                  /* guards what follows */
    pthread_cond_t changed;
    size_t wanted;  /* the batch taken last; it and those behind it have slots */
    size_t decoded; /* batches before this one are in their slots */
    bool damaged;   /* the batch `decoded` is */
    bool closing;
};

static void *run(void *arg)
{
    struct lookahead *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->closing) {
        size_t batch = l->decoded;
        if (l->damaged || batch >= l->batches || batch >= l->wanted + LOOKAHEAD_BATCHES) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        pthread_mutex_unlock(&l->lock);
        struct event **slot = &l->slot[batch % LOOKAHEAD_BATCHES];
        struct err ignored = {0}; /* whoever wants the batch finds the damage again */
        if (*slot == NULL)
            *slot = xcalloc(TRACE_BATCH_MAX, sizeof **slot);
        int result = trace_reader_decode(l->reader, batch, *slot, &ignored);
        pthread_mutex_lock(&l->lock);
        if (result == 0)
            l->decoded++;
        else
            l->damaged = true;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void destroy(struct lookahead *l)
{
    trace_reader_close(l->reader);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    for (size_t i = 0; i < LOOKAHEAD_BATCHES; i++)
        free(l->slot[i]);
    free(l);
}

struct lookahead *lookahead_start(const struct trace_reader *reader, size_t first)
{
    struct trace_reader *own = trace_reader_second(reader);
    const struct trace_batch *batches;
    if (own == NULL)
        return NULL;
    struct lookahead *l = xcalloc(1, sizeof *l);
    l->reader = own;
    l->batches = trace_reader_batches(reader, &batches);
    l->wanted = l->decoded = first;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    if (thread_start(&l->thread, run, l) == 0)
        return l;
    destroy(l);
    return NULL;
}

void lookahead_stop(struct lookahead *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->closing = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    destroy(l);
}

const struct event *lookahead_take(struct lookahead *l, size_t batch)
{
    const struct event *events = NULL;
    pthread_mutex_lock(&l->lock);
    if (batch == l->wanted || batch == l->wanted + 1) {
        l->wanted = batch;
        pthread_cond_broadcast(&l->changed);
        while (l->decoded <= batch && !l->damaged && batch < l->batches)
            pthread_cond_wait(&l->changed, &l->lock);
        if (l->decoded > batch)
            events = l->slot[batch % LOOKAHEAD_BATCHES];
    }
    pthread_mutex_unlock(&l->lock);
    return events;
}
