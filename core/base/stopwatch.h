/*
 * Host time that a run took, to be told to people. For the main programs only: it is header-only,
 * so that tests/lint/nm_allow.sh sees a library that looks at the clock with it.
 */
#ifndef CORE_BASE_STOPWATCH_H
#define CORE_BASE_STOPWATCH_H

#include <time.h>

struct stopwatch {
    double seconds;     /* that passed */
    double cpu_seconds; /* of them, on a processor, of the thread that asks */
};

static inline double stopwatch_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline struct stopwatch stopwatch_now(void)
{
    return (struct stopwatch){
        stopwatch_clock(CLOCK_MONOTONIC),
        stopwatch_clock(CLOCK_THREAD_CPUTIME_ID),
    };
}

static inline struct stopwatch stopwatch_since(struct stopwatch start)
{
    struct stopwatch now = stopwatch_now();
    return (struct stopwatch){now.seconds - start.seconds, now.cpu_seconds - start.cpu_seconds};
}

#endif
