/*
 * The symbols of the guests' kernels, for the trace: a replay has them at once,
 * and need not run the boot to look for them. Nothing of the VMs changes.
 *
 * A VM's memory is looked through at the first synchronisation at which it takes
 * interrupts, so that a trace that is cut later has them; if there are none (a
 * boot loader's interrupts, a kernel without kallsyms), again after 1, 2, 4 ...
 * more, a few times. What a VM is that runs no Linux costs is the time to look
 * through the pages that it uses, as often.
 */
#ifndef RECORD_FIND_SYMBOLS_H
#define RECORD_FIND_SYMBOLS_H

#include "core/monitor.h"
#include "traces/trace.h"

struct recorder_symbols {
    struct {
        bool done;        /* found, or not to be looked for */
        unsigned tries;
        unsigned pause;   /* synchronisations to let pass */
    } vm[VMS_MAX];
};

/* At a synchronisation of the trace, when no VM runs. */
void recorder_symbols_look(struct recorder_symbols *s, const struct monitor *m,
                           struct trace_writer *w);
/* At the end: for VMs that ran too short for a first look. */
void recorder_symbols_finish(struct recorder_symbols *s, const struct monitor *m,
                             struct trace_writer *w);

#endif
