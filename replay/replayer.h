/*
 * The replayer: the port that gives the machines the trace's inputs, and the
 * sink that compares each event with the trace at the moment when it is
 * produced. The first difference ends the run; it is a defect of disco and
 * never skipped.
 */
#ifndef REPLAY_REPLAYER_H
#define REPLAY_REPLAYER_H

#include <pthread.h>

#include "core/base/buf.h"
#include "core/monitor.h"
#include "core/net_wire.h"
#include "replay/lookahead.h"
#include "traces/capture.h"
#include "traces/trace.h"

/* Where the replay is in the trace; with a snapshot of the monitor, a whole state. */
struct replay_cursor {
    size_t input;   /* next input to deliver */
    size_t digest;  /* next digest to compare */
    uint64_t event; /* next event to compare */
    size_t console[VMS_MAX]; /* bytes of console text that each VM printed up to here */
};

struct replayer {
    struct trace_reader *reader;
    const struct trace_header *header;
    struct monitor *monitor;
    struct event_log log;
    struct event produced;         /* the log's memory: one event */
    uint8_t *early;                /* the same while the machines are made: EARLY_BYTES */
    struct replay_cursor at;
    const struct trace_input *inputs;
    size_t inputs_count;
    const struct trace_digest *digests;
    size_t digests_count;
    uint64_t events_count;
    const struct trace_batch *batches;
    size_t batches_count;
    const struct event *expected;  /* event number expected_number; packed, as those behind it */
    uint64_t expected_number;
    uint32_t expected_left;        /* of its batch, with it; 0: none is known */
    size_t last_batch;             /* that was asked for */
    struct lookahead *lookahead;   /* NULL while events are not read in order */
    bool no_lookahead;             /* there is no thread for it */
    uint64_t end_cycle, end_step;  /* as far as the trace goes */
    uint64_t steps_run;            /* by all calls of replayer_run */
    struct err error;              /* divergence or damage; code 0 while all is well */
    struct buf console[VMS_MAX];   /* what a VM's channel 0 printed up to the farthest position */
    /* VM 0's, at the first time; may be NULL. */
    void (*on_console)(void *ctx, const uint8_t *bytes, size_t n);
    void *console_ctx;
    struct captures *captures;     /* where frames are put, by who runs it forward once; or NULL */
    struct net_wire wire;
    size_t blocks_count;
    struct disk_block_ref *blocks; /* sorted by (image, block) */
    struct replay_image {
        void *data;                /* owned; NULL: a disk's, or nobody's */
        size_t size;
    } *images;                     /* as many as in the header */
    char *names[VMS_MAX + NETWORKS_MAX]; /* of the VMs and networks, as they may be shown; owned */
    size_t names_count;
    char *path;
    pthread_mutex_t lock;          /* guards the reader where VMs run on several threads */
    bool detached;                 /* scratch run: nothing is compared, no inputs come */
};

/* Reads the trace and builds the machines, at position 0.  `snapshot_bytes`
 * of memory for checkpoints. */
int replayer_open(struct replayer *r, const char *path, uint64_t snapshot_bytes, struct err *e);
void replayer_close(struct replayer *r);

/* The machines of the trace's header (replay_config.c). */
int replayer_fill_config(struct replayer *r, struct monitor_config *cfg, struct err *e);

void replayer_seek_cursor(struct replayer *r, const struct replay_cursor *at);

/* The recorded events of a batch, for looking around; NULL if it is damaged. Valid until the next
 * call, or until the replay goes on. */
const struct event *replayer_look(struct replayer *r, size_t batch);

/* Run towards the trace's end. RUN_STOPPED with r->error set is a divergence;
 * RUN_LIMIT or RUN_POWERED_OFF at the end. */
enum run_stop replayer_run(struct replayer *r, uint64_t until_step, bool pass);
/* The same, and no farther than to where that VM has done `vm_step` steps. */
enum run_stop replayer_run_vm(struct replayer *r, uint64_t until_step, unsigned vm,
                              uint64_t vm_step, bool pass);
bool replayer_at_end(const struct replayer *r);
/* How much of r->console[vm] was printed up to now. */
size_t replayer_console_length(const struct replayer *r, unsigned vm);
/* At the end: all inputs used, all events seen, final digests equal? Sets r->error if not. */
bool replayer_check_end(struct replayer *r);

#endif
