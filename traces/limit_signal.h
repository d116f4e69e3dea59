/*
 * A write beyond the file size limit (RLIMIT_FSIZE) shall be an error of write,
 * not a deadly SIGXFSZ: the signal is blocked while the calling thread writes,
 * and one that came is taken.
 */
#ifndef TRACES_LIMIT_SIGNAL_H
#define TRACES_LIMIT_SIGNAL_H

#include <signal.h>

void limit_signal_block(sigset_t *old);
void limit_signal_restore(const sigset_t *old);

#endif
