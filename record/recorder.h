/*
 * The recorder: the port that takes inputs from the host and the sink that
 * logs them and all events into a trace.
 *
 * Sync points, every quarter of a virtual second, put the events so far, then
 * the consoles' text, then a digest of each VM into the trace, each fourth time
 * one of memory, too; so a trace that is cut anywhere replays to its last digest.
 */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H

#include <signal.h>

#include "core/monitor.h"
#include "core/net_wire.h"
#include "record/consoles.h"
#include "record/disk_log.h"
#include "record/gateway.h"
#include "record/halted.h"
#include "record/pace.h"
#include "record/setup.h"
#include "record/find_symbols.h"
#include "traces/capture.h"
#include "traces/trace.h"

enum record_end {
    END_NONE, END_USER, END_TIMEOUT, END_TEXT, END_LIMIT, END_POWER_OFF, END_ASLEEP, END_ERROR,
    END_HALTED, /* all VMs are off, one of them because its boot ROM could not go on */
};

struct recorder {
    const struct record_options *opt;
    struct setup *setup;
    struct trace_writer *writer; /* NULL: -o none */
    struct consoles consoles;
    struct gateways *gateways;   /* NULL: no network has one */
    struct event_log log;
    uint8_t *events;             /* the log's memory, ours until it is put */
    bool starting;               /* events are kept until recorder_start: */
    struct buf early;
    uint64_t event_count[EVENT_KINDS]; /* once the run is over */
    uint64_t inputs_total;
    struct recorder_text {
        struct buf bytes; /* not yet put */
        unsigned channel;
        uint64_t cycle;   /* of the last byte */
    } text[VMS_MAX];
    uint64_t next_sync;          /* cycle */
    uint64_t sync_cycles;
    uint64_t sync_step;          /* position of the last sync point */
    struct recorder_symbols symbols;
    uint64_t syncs;
    uint64_t sleep_step, sleep_cycle; /* since when the guest has slept */
    struct pace pace;            /* and what it counts from: */
    uint64_t pace_cycle, pace_steps[VMS_MAX];
    bool pace_idle;              /* all slept for most of the time since then */
    uint64_t next_flush;         /* cycle from which text is worth a flush again */
    uint64_t deadline_ns;        /* host monotonic time of --timeout; UINT64_MAX: none */
    uint64_t next_look;          /* cycle at which the host is asked for input */
    struct disk_log disks;          /* its errors end the run at the next barrier */
    struct captures captures;       /* --pcap */
    struct net_wire wire;
    struct halted halted;
    enum record_end end;
    volatile sig_atomic_t *interrupted;
};

#define TIMEOUT_NONE 1e9 /* seconds: from here on a time-out is as good as none */

/* *interrupted may be set at any time to end the run at the next barrier; with monitor_interrupt it
 * ends at once. */
void recorder_open(struct recorder *r, const struct record_options *opt, struct setup *setup,
                   volatile sig_atomic_t *interrupted);
struct port recorder_port(struct recorder *r);
/* To be called with the monitor before it runs. Takes over the terminal, and creates the trace
 * last, so that what cannot run leaves an older trace of that name alone. Waits until large images
 * are in it, so that whoever ends the run does not wait for them. The time of a time-out begins. */
int recorder_start(struct recorder *r, struct monitor *m, struct err *e);
/* The run is over: end record, and the trace's sizes. */
int recorder_finish(struct recorder *r, struct monitor *m, struct trace_sizes *sizes,
                    struct err *e);
void recorder_close(struct recorder *r);
const char *record_end_text(enum record_end end);

#endif
