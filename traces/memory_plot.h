/* Pictures of how VMs share machine memory, as SVG, appended to `out`. */
#ifndef TRACES_MEMORY_PLOT_H
#define TRACES_MEMORY_PLOT_H

#include "core/base/buf.h"
#include "traces/memory_log.h"

/* Over time: the virtual memory of all VMs in its parts, against machine memory. */
void memory_plot_time(struct buf *out, const struct memory_log *log);

/* By number of VMs, one log for each, best in their order: bars of virtual and machine memory as in
 * figure 6 of Bugnion, Devine, Rosenblum: Disco (SOSP 1997); curves of shared and saved memory as
 * in figure 4 of Waldspurger: Memory Resource Management in VMware ESX Server (OSDI 2002), with and
 * without zero pages, within and across VMs. Each run counts at its memory_log_peak. */
void memory_plot_counts(struct buf *out, const struct memory_log *const *logs, size_t n);

#endif
