/*
 * A job is published as one word: its number, and how many of its parts are
 * taken. Taking a part is a compare-and-swap of the whole word, so a thread
 * that comes late cannot take one of the next job for one of the last; and
 * nobody waits for a thread that took nothing, for the host may have no core
 * for it.
 */
#include "core/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/thread.h"

/* Some tens of microseconds. Then a thread sleeps, and be it only for the host to notice that a core
 * is free for one that it has taken off another. Until then it offers its core now and then: the
 * trace's writer has work for it, and a thread that waits holds nobody up when it comes back late. */
#define SPINS  1500
#define YIELDS 20 /* spins from one to the next */
#define NUMBER 32    /* bits of the word below the job's number */

struct crew {
    unsigned threads; /* besides the caller's */
    pthread_t *thread;
    atomic_ullong word;
    atomic_uint parts; /* of the present job, and those not done yet */
    atomic_uint left;
    void (*part)(void *ctx, unsigned i);
    void *ctx;
    atomic_uint asleep;
    atomic_bool caller_sleeps;
    atomic_bool closing;
    pthread_mutex_t lock;
    pthread_cond_t announced, done;
};

static inline void relax(unsigned spins)
{
    if (spins % YIELDS == YIELDS - 1)
        sched_yield();
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static bool is_open(struct crew *c, unsigned long long word)
{
    return (uint32_t)word < atomic_load(&c->parts);
}

static void take_parts(struct crew *c)
{
    unsigned long long word = atomic_load(&c->word);
    while (is_open(c, word)) {
        if (!atomic_compare_exchange_weak(&c->word, &word, word + 1))
            continue;
        c->part(c->ctx, (uint32_t)word);
        if (atomic_fetch_sub(&c->left, 1) == 1 && atomic_load(&c->caller_sleeps)) {
            pthread_mutex_lock(&c->lock);
            pthread_cond_signal(&c->done);
            pthread_mutex_unlock(&c->lock);
        }
        word = atomic_load(&c->word);
    }
}

static void await_job(struct crew *c)
{
    for (unsigned spins = 0; spins < SPINS; spins++) {
        if (is_open(c, atomic_load(&c->word)) || atomic_load(&c->closing))
            return;
        relax(spins);
    }
    pthread_mutex_lock(&c->lock);
    atomic_fetch_add(&c->asleep, 1);
    while (!is_open(c, atomic_load(&c->word)) && !atomic_load(&c->closing))
        pthread_cond_wait(&c->announced, &c->lock);
    atomic_fetch_sub(&c->asleep, 1);
    pthread_mutex_unlock(&c->lock);
}

static void *run(void *arg)
{
    struct crew *c = arg;
    while (!atomic_load(&c->closing)) {
        await_job(c);
        take_parts(c);
    }
    return NULL;
}

static void wake(struct crew *c)
{
    if (atomic_load(&c->asleep) == 0)
        return;
    pthread_mutex_lock(&c->lock);
    pthread_cond_broadcast(&c->announced);
    pthread_mutex_unlock(&c->lock);
}

static void await_parts(struct crew *c)
{
    for (unsigned spins = 0; spins < SPINS; spins++) {
        if (atomic_load(&c->left) == 0)
            return;
        relax(spins);
    }
    pthread_mutex_lock(&c->lock);
    atomic_store(&c->caller_sleeps, true);
    while (atomic_load(&c->left) != 0)
        pthread_cond_wait(&c->done, &c->lock);
    atomic_store(&c->caller_sleeps, false);
    pthread_mutex_unlock(&c->lock);
}

void crew_run(struct crew *c, void (*part)(void *ctx, unsigned i), void *ctx, unsigned parts)
{
    if (c == NULL) {
        for (unsigned i = 0; i < parts; i++)
            part(ctx, i);
        return;
    }
    unsigned long long number = (atomic_load(&c->word) >> NUMBER) + 1;
    atomic_store(&c->parts, 0); /* nobody may take one before all is said */
    c->part = part;
    c->ctx = ctx;
    atomic_store(&c->left, parts);
    atomic_store(&c->word, number << NUMBER);
    atomic_store(&c->parts, parts);
    wake(c);
    take_parts(c);
    await_parts(c);
}

struct crew *crew_create(unsigned threads)
{
    struct crew *c = xcalloc(1, sizeof *c);
    c->thread = xcalloc(threads, sizeof *c->thread);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->announced, NULL);
    pthread_cond_init(&c->done, NULL);
    int error = 0;
    while (error == 0 && c->threads < threads - 1) {
        error = thread_start(&c->thread[c->threads], run, c);
        c->threads += error == 0;
    }
    if (error == 0)
        return c;
    crew_destroy(c);
    return NULL;
}

void crew_destroy(struct crew *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    atomic_store(&c->closing, true);
    pthread_cond_broadcast(&c->announced);
    pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < c->threads; i++)
        pthread_join(c->thread[i], NULL);
    pthread_cond_destroy(&c->announced);
    pthread_cond_destroy(&c->done);
    pthread_mutex_destroy(&c->lock);
    free(c->thread);
    free(c);
}
