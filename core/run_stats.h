/* What a processor's engine did in a run, as a table for people: --stats. */
#ifndef CORE_RUN_STATS_H
#define CORE_RUN_STATS_H

#include <stdio.h>

#include "core/base/stopwatch.h"
#include "mips/mips.h"

#define RUN_STATS_HELPERS 20

struct run_stats_helper {
    const char *name; /* instruction; not owned */
    uint64_t calls;
};

struct run_stats {
    enum mips_engine engine;
    uint64_t steps;         /* done in `time`, in whatever order */
    struct stopwatch time;
    struct mips_stats mips;
    struct run_stats_helper helpers[RUN_STATS_HELPERS]; /* most calls first */
    unsigned helpers_kinds; /* with calls: more than the table may hold */
    uint64_t helpers_calls; /* of all kinds */
};

/* One more kind of helper; none if `calls` is 0. */
void run_stats_add_helper(struct run_stats *s, const char *name, uint64_t calls);
/* Fills in `mips` and the helpers; the rest is the caller's. `*s` was zeroed. */
void run_stats_take(struct run_stats *s, const struct mips *cpu);
void run_stats_print(const struct run_stats *s, FILE *out);

#endif
