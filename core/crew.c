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

struct crew {
    unsigned threads; /* besides the caller's */
    pthread_t *thread;
    atomic_ullong word;
    atomic_uint parts; /* of the present job, and those not done yet */
    atomic_uint left;
    void (*part)(void *ctx, unsigned i);
    void *ctx;
    unsigned limit; /* of the caller's spins */
    uint8_t owner[CREW_SLICED_MAX]; /* see crew_run_sliced */
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

/* Spins until is_done(c), as long as *limit allows. False: in vain. */
static bool spin(struct crew *c, bool (*is_done)(struct crew *c), unsigned *limit)
{
    for (unsigned spins = 0; spins < *limit; spins++) {
        if (is_done(c)) {
            *limit = *limit < SPINS_MAX / 2 ? 2 * *limit : SPINS_MAX;
            return true;
        }
        relax(spins);
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
    uint8_t *owner;                /* who began each part, last time or this time */
};

/* How much a thread wants to go on with a part: with its own ones, those that it began the last
 * time, too, first up to the rest that others may take over; then to the end, one after the other,
 * for each change costs what is in the core's caches; and then it helps where most is left. */
static unsigned wish(const struct sliced *s, unsigned i, int last)
{
    bool own = s->owner[i] == self, begun = s->left[i] != s->slices;
    unsigned rank = own && !begun ? 3 : (int)i == last ? 2 : own;
    return rank * (UINT8_MAX + 1) + s->left[i];
}

/* The part that a thread goes on with after its last one (-1: it had none), of those that no thread
 * is at; -1: there is none. */
static int choose(const struct sliced *s, int last)
{
    int best = -1;
    for (unsigned i = 0; i < s->parts; i++)
        if (!s->taken[i] && s->left[i] != 0 &&
            (best < 0 || wish(s, i, last) > wish(s, (unsigned)best, last)))
            best = (int)i;
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
        if (k == 0)
            s->owner[part] = (uint8_t)self;
        pthread_mutex_unlock(&s->lock);
        bool more = s->slice(s->ctx, (unsigned)part, k);
        pthread_mutex_lock(&s->lock);
        s->taken[part] = false;
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
        .slice = slice, .ctx = ctx, .parts = parts, .slices = slices, .owner = c->owner};
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
