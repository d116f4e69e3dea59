/*
 * A job is published as one word: its number, and how many of its parts are
 * taken. Taking a part is a compare-and-swap of the whole word, so a thread
 * that comes late cannot take one of the next job for one of the last; and
 * nobody waits for a thread that took nothing, for the host may have no core
 * for it. What a thread does in its spare time must be short, for a job may
 * begin, or end, meanwhile.
 */
#include "core/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/thread.h"

/* A thread that waits spins before it sleeps, for to be woken takes some tens of microseconds: so long
 * at least, and longer where it has not been in vain lately. While it spins it offers its core now
 * and then: the trace's writer has work for it, and a thread that waits holds nobody up when it
 * comes back late. */
#define SPINS_MIN 1500
#define SPINS_MAX 12000
#define YIELDS    100 /* spins from one to the next */
#define NUMBER 32    /* bits of the word below the job's number */

struct record { /* of a part in slices, the last time it was begun */
    uint8_t owner; /* who did */
    uint32_t took; /* slices of others that were begun during its first one */
};
#define TOOK_NO_MORE UINT32_MAX /* there was nothing behind that */

struct crew {
    unsigned threads; /* besides the caller's */
    pthread_t *thread;
    atomic_ullong word;
    atomic_uint parts; /* of the present job, and those not done yet */
    atomic_uint left;
    void (*part)(void *ctx, unsigned i);
    void *ctx;
    unsigned limit; /* of the caller's spins */
    struct record record[CREW_SLICED_MAX]; /* see crew_run_sliced */
    bool (*spare)(void *ctx); /* see crew_spare */
    void *spare_ctx;
    atomic_bool has_spare;
    atomic_uint in_spare; /* threads that are in it, or about to see whether there is one */
    atomic_uint started;
    atomic_uint asleep;
    atomic_bool caller_sleeps;
    atomic_bool closing;
    pthread_mutex_t lock;
    pthread_cond_t announced, done;
};

/* The number of a crew's thread in it; 0: the caller's. */
static _Thread_local unsigned self;

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

void crew_spare(struct crew *c, bool (*spare)(void *ctx), void *ctx)
{
    atomic_store(&c->has_spare, false);
    while (atomic_load(&c->in_spare) != 0)
        relax(0);
    c->spare = spare;
    c->spare_ctx = ctx;
    atomic_store(&c->has_spare, spare != NULL);
}

static bool use_spare_time(struct crew *c)
{
    if (!atomic_load(&c->has_spare))
        return false;
    atomic_fetch_add(&c->in_spare, 1);
    bool used = atomic_load(&c->has_spare) && c->spare(c->spare_ctx);
    atomic_fetch_sub(&c->in_spare, 1);
    return used;
}

/* Spins until is_done(c), as long as *limit allows. False: in vain. */
static bool spin(struct crew *c, bool (*is_done)(struct crew *c), unsigned *limit)
{
    unsigned spins = 0;
    while (spins < *limit) {
        if (is_done(c)) {
            *limit = *limit < SPINS_MAX / 2 ? 2 * *limit : SPINS_MAX;
            return true;
        }
        if (!use_spare_time(c))
            relax(spins++);
    }
    *limit = *limit / 2 > SPINS_MIN ? *limit / 2 : SPINS_MIN;
    return false;
}

static bool has_job(struct crew *c)
{
    return is_open(c, atomic_load(&c->word)) || atomic_load(&c->closing);
}

static void await_job(struct crew *c, unsigned *limit)
{
    if (spin(c, has_job, limit))
        return;
    pthread_mutex_lock(&c->lock);
    atomic_fetch_add(&c->asleep, 1);
    while (!has_job(c))
        pthread_cond_wait(&c->announced, &c->lock);
    atomic_fetch_sub(&c->asleep, 1);
    pthread_mutex_unlock(&c->lock);
}

static void *run(void *arg)
{
    struct crew *c = arg;
    unsigned limit = SPINS_MIN;
    self = 1 + atomic_fetch_add(&c->started, 1);
    while (!atomic_load(&c->closing)) {
        await_job(c, &limit);
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

static bool are_parts_done(struct crew *c)
{
    return atomic_load(&c->left) == 0;
}

static void await_parts(struct crew *c)
{
    if (spin(c, are_parts_done, &c->limit))
        return;
    pthread_mutex_lock(&c->lock);
    atomic_store(&c->caller_sleeps, true);
    while (!are_parts_done(c))
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

/* ---- parts in slices ---- */

struct sliced {
    bool (*slice)(void *ctx, unsigned i, unsigned k);
    void *ctx;
    unsigned parts, slices;
    pthread_mutex_t lock; /* guards: */
    uint8_t left[CREW_SLICED_MAX]; /* slices of each part that were not begun */
    bool taken[CREW_SLICED_MAX];   /* a thread is at it */
    uint32_t begun; /* slices of all parts */
    struct record *record;
};

/* How much a thread wants to go on with a part. First all are begun: those that it began the last
 * time, too, before others, and those that took long before short ones, for a long one that is begun
 * late is what all wait for. (One that had next to nothing to do may have much now; if it has not,
 * that is known at once.) Then to the end, one after the other, for each change costs what is in the
 * core's caches; and then it helps where most is left. */
static uint64_t wish(const struct sliced *s, unsigned i, int last)
{
    bool own = s->record[i].owner == self, begun = s->left[i] != s->slices;
    if (!begun)
        return (own ? 2ull : 1ull) << 32 | s->record[i].took;
    return ((int)i == last ? 2u : own) << 8 | s->left[i];
}

/* The part that a thread goes on with after its last one (-1: it had none), of those that no thread
 * is at; -1: there is none. */
static int choose(const struct sliced *s, int last)
{
    int best = -1;
    uint64_t most = 0; /* where something is left, each wish is greater */
    for (unsigned i = 0; i < s->parts; i++) {
        uint64_t here = s->taken[i] || s->left[i] == 0 ? 0 : wish(s, i, last);
        if (here > most) {
            most = here;
            best = (int)i;
        }
    }
    return best;
}

static void take_slices(void *ctx, unsigned thread)
{
    (void)thread;
    struct sliced *s = ctx;
    int part = -1;
    pthread_mutex_lock(&s->lock);
    while ((part = choose(s, part)) >= 0) {
        unsigned k = s->slices - s->left[part]--;
        s->taken[part] = true;
        uint32_t begun = ++s->begun;
        pthread_mutex_unlock(&s->lock);
        bool more = s->slice(s->ctx, (unsigned)part, k);
        pthread_mutex_lock(&s->lock);
        s->taken[part] = false;
        if (k == 0)
            s->record[part] = (struct record){(uint8_t)self, more ? s->begun - begun : TOOK_NO_MORE};
        if (!more)
            s->left[part] = 0;
    }
    pthread_mutex_unlock(&s->lock);
}

void crew_run_sliced(struct crew *c, bool (*slice)(void *ctx, unsigned i, unsigned k), void *ctx,
                     unsigned parts, unsigned slices)
{
    CHECK(parts <= CREW_SLICED_MAX && slices <= UINT8_MAX, "%u parts, %u slices", parts, slices);
    struct sliced s = {
        .slice = slice, .ctx = ctx, .parts = parts, .slices = slices, .record = c->record};
    memset(s.left, (int)slices, parts);
    /* The lock is held for some tens of nanoseconds, and to sleep takes a thousand times as long. */
    pthread_mutexattr_t spinning;
    pthread_mutexattr_init(&spinning);
    pthread_mutexattr_settype(&spinning, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&s.lock, &spinning);
    pthread_mutexattr_destroy(&spinning);
    crew_run(c, take_slices, &s, c->threads + 1);
    pthread_mutex_destroy(&s.lock);
}

struct crew *crew_create(unsigned threads)
{
    struct crew *c = xcalloc(1, sizeof *c);
    c->thread = xcalloc(threads, sizeof *c->thread);
    c->limit = SPINS_MIN;
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
