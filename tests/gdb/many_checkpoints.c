/*
 * More checkpoints of the user than there are automatic ones, and more than the
 * memory for those: all stay and lead to the same state, the automatic ones are
 * as far apart as without, and when there is no memory at all the answer is no.
 *
 *   many_checkpoints TRACE
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "replay/timeline.h"

#define USERS 400
#define FROM  20000000u
#define APART 1000u
#define RUN   40000000u

static struct timeline t;

static uint64_t state(void)
{
    struct vm_digest d = monitor_digest(t.replayer.monitor, 0, true);
    return d.cpu ^ d.memory;
}

/* Where they are: a unit with a delay slot is never stopped at half way, so some are a step on. */
static uint64_t step[USERS];

static void place_users(unsigned id[USERS], uint64_t digest[USERS])
{
    char name[16];
    for (unsigned i = 0; i < USERS; i++) {
        timeline_seek_now(&t, FROM + APART * i);
        snprintf(name, sizeof name, "c%u", i);
        id[i] = timeline_checkpoint(&t, name);
        CHECK(id[i] != 0, "no room for checkpoint %u", i);
        step[i] = timeline_position(&t);
        digest[i] = state();
    }
}

/* Forward from there, how many automatic ones are dropped? */
static void run_on(uint64_t from, unsigned least)
{
    unsigned dropped = 0;
    timeline_seek_now(&t, from);
    timeline_seek_now(&t, from + RUN);
    for (size_t i = 0; i < t.checkpoints_count; i++)
        dropped += t.checkpoints[i].name == NULL && t.checkpoints[i].step > from;
    printf("many_checkpoints: %u of %zu on the last %u steps\n", dropped, t.checkpoints_count, RUN);
    CHECK(timeline_position(&t) - (from + RUN) <= 1, "at %" PRIu64, timeline_position(&t));
    CHECK(dropped >= least && dropped <= 30, "%u automatic checkpoints in %u steps", dropped, RUN);
}

static void users_stay(const unsigned id[USERS], const uint64_t digest[USERS])
{
    for (unsigned i = 0; i < USERS; i += 37) {
        const struct checkpoint *c = timeline_find_checkpoint(&t, id[i]);
        CHECK(c != NULL && c->step == step[i], "checkpoint %u is lost", i);
        timeline_seek_now(&t, c->step);
        CHECK(state() == digest[i], "another state at checkpoint %u", i);
    }
}

int main(int argc, char **argv)
{
    static unsigned id[USERS];
    static uint64_t digest[USERS];
    struct err e = {0};
    uint64_t last = FROM + APART * USERS;
    CHECK(argc == 2, "usage: many_checkpoints TRACE");
    CHECK(timeline_open(&t, argv[1], &e) == 0, "%s", e.msg);
    CHECK(t.replayer.end_step > last + 2 * RUN, "the trace is too short");
    timeline_begin(&t);
    place_users(id, digest);
    run_on(last, 3);
    users_stay(id, digest);
    /* What the user's hold is more than all may hold: the automatic ones keep their share of it. */
    t.memory_budget = 1 << 20;
    run_on(last + RUN, 2);
    users_stay(id, digest);
    t.user_budget = 0;
    CHECK(timeline_checkpoint(&t, "one more") == 0, "a checkpoint without memory");
    CHECK(timeline_delete_checkpoint(&t, id[0]), "checkpoint 0 cannot be deleted");
    timeline_close(&t);
    puts("many_checkpoints: good");
    return 0;
}
