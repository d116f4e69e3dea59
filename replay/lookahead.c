#include "replay/lookahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

struct lookahead {
    char *path;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t batch;             /* the one asked for, SIZE_MAX for none */
    struct trace_batch as;    /* what it must be */
    bool done;                /* `events` are its events, or NULL */
    bool closing;
    const struct event *events;
    struct trace_reader *reader; /* the thread's own; keeps the last few batches */
};

static const struct event *load(struct lookahead *l, size_t batch, struct trace_batch as)
{
    struct err ignored = {0};
    const struct trace_batch *batches;
    if (l->reader == NULL && trace_reader_open(&l->reader, l->path, false, &ignored) < 0) {
        l->reader = NULL;
        return NULL;
    }
    if (batch >= trace_reader_batches(l->reader, &batches) ||
        batches[batch].first != as.first || batches[batch].count != as.count)
        return NULL;
    return trace_reader_events(l->reader, batch, &ignored);
}

static void *run(void *arg)
{
    struct lookahead *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->closing) {
        if (l->batch == SIZE_MAX || l->done) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        size_t batch = l->batch;
        struct trace_batch as = l->as;
        pthread_mutex_unlock(&l->lock);
        const struct event *events = load(l, batch, as);
        pthread_mutex_lock(&l->lock);
        if (l->batch == batch) {
            l->events = events;
            l->done = true;
            pthread_cond_broadcast(&l->changed);
        }
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

struct lookahead *lookahead_start(const char *path)
{
    struct lookahead *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    l->batch = SIZE_MAX;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    sigset_t all, old; /* signals are for the program's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&l->thread, NULL, run, l);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error == 0)
        return l;
    free(l->path);
    free(l);
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
    if (l->reader != NULL)
        trace_reader_close(l->reader);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l->path);
    free(l);
}

void lookahead_ask(struct lookahead *l, const struct trace_batch *batches, size_t batch)
{
    pthread_mutex_lock(&l->lock);
    l->batch = batch;
    l->as = batches[batch];
    l->done = false;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

const struct event *lookahead_take(struct lookahead *l, size_t batch)
{
    const struct event *events = NULL;
    pthread_mutex_lock(&l->lock);
    while (l->batch == batch && !l->done)
        pthread_cond_wait(&l->changed, &l->lock);
    if (l->batch == batch)
        events = l->events;
    pthread_mutex_unlock(&l->lock);
    return events;
}
