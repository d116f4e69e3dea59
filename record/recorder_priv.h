/* For the files of the recorder only. */
#ifndef RECORD_RECORDER_PRIV_H
#define RECORD_RECORDER_PRIV_H

#include "record/recorder.h"

/* Monotonic. */
uint64_t recorder_host_ns(void);
/* Events, text and digests so far go into the trace. */
void recorder_sync(struct recorder *r, struct monitor *m);
/* Can the run go on, as far as the disks and memory of the host are concerned? 0, or an error. */
int recorder_host_status(struct recorder *r, struct err *e);
/* Consoles and gateways take and give what they can. Why the run should end now, as far as the host
 * is concerned. */
enum record_end recorder_look_at_host(struct recorder *r);
/* Is there input for the VM, and may it have it now? */
bool recorder_can_deliver(const struct recorder *r, const struct vm *vm);

/* ---- recorder_idle.c ---- */

/* At the barrier `cycle`: sleeps until virtual time is due, or input waits. A port's verdict. */
int recorder_keep_pace(struct recorder *r, struct monitor *m, uint64_t cycle);
/* port_ops.idle */
int recorder_idle(void *port, struct monitor *m, uint64_t now, uint64_t until, uint64_t *to,
                  struct err *e);

#endif
