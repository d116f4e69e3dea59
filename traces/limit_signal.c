#include "traces/limit_signal.h"

#include <time.h>

static void the_signal(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGXFSZ);
}

void limit_signal_block(sigset_t *old)
{
    sigset_t set;
    the_signal(&set);
    pthread_sigmask(SIG_BLOCK, &set, old);
}

void limit_signal_restore(const sigset_t *old)
{
    sigset_t set;
    the_signal(&set);
    if (!sigismember(old, SIGXFSZ))
        sigtimedwait(&set, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, old, NULL);
}
