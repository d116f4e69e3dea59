/* Host threads that work for the program behind its own one. */
#ifndef CORE_BASE_THREAD_H
#define CORE_BASE_THREAD_H

#include <pthread.h>

/* pthread_create of a thread that takes no signals: those are for the program's own threads. And a
 * full file size limit is then an error of write, not a deadly SIGXFSZ. 0, or an errno. */
int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
