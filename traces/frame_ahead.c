/*
 * Finding a frame is quick, and needs the frame before it; decompressing it is
 * the work, and needs nothing else. So both threads find under the lock and
 * decompress without it, each frame in a slot of a ring. The caller's thread
 * works ahead, too, while the frame that it wants is in the other's hands: with
 * one core, or without the other thread, it does everything.
 */
#include "traces/frame_ahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/thread.h"

#define SLOTS 4

struct slot {
    struct buf raw, content;
    ZSTD_DCtx *dctx;
    struct frame frame;
    uint64_t end;
    int found; /* or an error: */
    struct err err;
    bool ready;
};

struct frame_ahead {
    struct frame_walk *walk;
    struct slot slot[SLOTS]; /* of the nth thing found: slot[n % SLOTS] */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* guards the walk, what follows, and `ready` of all slots */
    pthread_cond_t changed;
    uint64_t next;  /* that the caller takes */
    uint64_t found; /* number of things found */
    bool ended;     /* the last of them was no frame */
    bool closing;
};

/* The slot before the next one is still the caller's. */
static bool can_find(const struct frame_ahead *a)
{
    return !a->ended && a->found + 1 < a->next + SLOTS;
}

/* Finds the next thing and makes it ready. With the lock, which is not held in between. */
static void work(struct frame_ahead *a)
{
    struct slot *s = &a->slot[a->found++ % SLOTS];
    s->ready = false;
    s->err = (struct err){0};
    s->found = frame_walk_find(a->walk, &s->raw, &s->err);
    s->end = frame_walk_offset(a->walk);
    if (s->found == FRAME_DATA) {
        const struct frame_list *frames = frame_walk_frames(a->walk);
        s->frame = frames->frames[frames->count - 1];
        pthread_mutex_unlock(&a->lock);
        int result = frame_walk_decompress(a->walk, &s->frame, s->dctx, &s->raw, &s->content,
                                           &s->err);
        pthread_mutex_lock(&a->lock);
        if (result < 0)
            s->found = result;
    }
    a->ended |= s->found != FRAME_DATA;
    s->ready = true;
    pthread_cond_broadcast(&a->changed);
}

static void *run(void *arg)
{
    struct frame_ahead *a = arg;
    pthread_mutex_lock(&a->lock);
    while (!a->closing && !a->ended) {
        if (can_find(a))
            work(a);
        else
            pthread_cond_wait(&a->changed, &a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

struct frame_ahead *frame_ahead_start(struct frame_walk *w)
{
    struct frame_ahead *a = xcalloc(1, sizeof *a);
    a->walk = w;
    for (int i = 0; i < SLOTS; i++) {
        a->slot[i].dctx = ZSTD_createDCtx();
        if (a->slot[i].dctx == NULL)
            out_of_memory(0);
    }
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    a->has_thread = thread_start(&a->thread, run, a) == 0;
    return a;
}

int frame_ahead_next(struct frame_ahead *a, struct frame_part *out, struct err *e)
{
    pthread_mutex_lock(&a->lock);
    struct slot *s = &a->slot[a->next % SLOTS];
    while (a->found == a->next || !s->ready) {
        if (can_find(a))
            work(a);
        else
            pthread_cond_wait(&a->changed, &a->lock);
    }
    a->next++;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (s->found < 0)
        ERR(e, s->err.code, "%s", s->err.msg);
    *out = (struct frame_part){.frame = s->frame, .end = s->end, .content = s->content};
    return s->found;
}

void frame_ahead_stop(struct frame_ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->closing = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (a->has_thread)
        pthread_join(a->thread, NULL);
    for (int i = 0; i < SLOTS; i++) {
        ZSTD_freeDCtx(a->slot[i].dctx);
        buf_free(&a->slot[i].raw);
        buf_free(&a->slot[i].content);
    }
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
