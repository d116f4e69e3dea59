/*
 * The trace file: writer and reader. This folder knows no machine; it stores
 * and returns what it is given, and treats every byte of a file as hostile.
 *
 * A trace is a plain zstd file whose content is one protobuf message
 * disco.Trace (traces/trace.proto documents every field), written as a stream
 * of fields in independent zstd frames of about 1 MiB with checksums. No field
 * crosses a frame. A seek table in zstd's seekable format closes the file.
 *
 * A file without its end record is "cut" (the recorder was killed, the disk
 * was full): everything up to its last whole frame is valid and readable.
 *
 * Positions: `cycle` is the run's virtual clock in cycles of VM 0 (of console
 * text: of its own VM), `step` counts what one vcpu executed (mips/mips.h).
 */
#ifndef TRACES_TRACE_H
#define TRACES_TRACE_H

#include "core/base/base.h"
#include "core/base/err.h"
#include "core/base/event.h"

#define TRACE_VERSION 7

/* Content address: XXH3-128 in canonical (big-endian) form. */
struct trace_hash {
    uint8_t byte[16];
};
struct trace_hash trace_hash_of(const void *data, size_t n);
/* The same in pieces, while they are in the caches: `n` bytes more. *state is NULL before the
 * first, and to be ended. */
void trace_hash_add(void **state, const void *data, size_t n);
struct trace_hash trace_hash_end(void **state);
bool trace_hash_equal(struct trace_hash a, struct trace_hash b);

struct trace_image {
    char *name;             /* as the user gave it; for people */
    uint64_t size;
    struct trace_hash hash; /* of the whole content; all zero: a disk not embedded whole */
};

#define TRACE_NO_IMAGE UINT32_MAX

struct trace_disk {
    uint32_t image; /* index into images */
    uint64_t sectors;
    char *interface; /* "ide", "virtio" */
    char *serial;
    bool read_only;
    bool persistent; /* what the guest wrote goes into the image at the end */
};

/* A virtual switch. */
struct trace_network {
    char *name;
    bool gateway; /* to the outside */
};

/* One direction of a link. */
struct trace_way {
    uint64_t latency_ns;
    uint64_t jitter_ns; /* 0 to TRACE_JITTER_MAX */
    uint64_t bandwidth; /* bits per virtual second; 0: no limit */
    uint64_t queue;     /* bytes: 0 to TRACE_QUEUE_MAX */
    uint32_t loss_ppm;  /* frames lost per million: 0 to 1000000 */
};

#define TRACE_JITTER_MAX 10000000000ull
#define TRACE_QUEUE_MAX  (1u << 30)

struct trace_nic {
    uint32_t network; /* index into networks */
    uint8_t mac[6];
    uint32_t mtu; /* 68 to 65535 */
    struct trace_way out, in;
};

struct trace_vm {
    char *name;
    char *board;         /* "malta" */
    char *cpu;           /* model name */
    bool big_endian;
    uint32_t vcpus;
    uint64_t memory;     /* bytes */
    uint64_t cpu_hz;
    uint32_t kernel, initrd, bios; /* indices into images, or TRACE_NO_IMAGE */
    char *append;
    uint64_t wall_clock; /* seconds since 1970 at power-on */
    uint64_t entropy_seed;
    struct trace_disk *disks;
    size_t disks_count;
    char **devices; /* further devices by name: "virtio-rng" */
    size_t devices_count;
    struct trace_nic *nics;
    size_t nics_count;
    /* Claims on machine memory. */
    uint64_t memory_min, memory_max; /* bytes; memory_max 0: no limit */
    uint32_t shares;                 /* 0: the usual 1000 */
};

/* Which pages of machine memory come to be shared. */
enum trace_share {
    TRACE_SHARE_DISK = 1,
    TRACE_SHARE_NET = 2,
    TRACE_SHARE_CONTENT = 4,
    TRACE_SHARE_BOOT = 8,
    TRACE_SHARE_ALL = 15,
};

struct trace_header {
    uint32_t version;
    char *build;     /* disco's version and commit */
    char *recorded;  /* "2026-11-22T20:33:52Z"; for people */
    uint64_t epoch_ns;
    uint64_t machine_memory; /* pool size in bytes; 0: what the VMs need */
    bool no_reboot;          /* a reset by the guest ends the run */
    uint64_t seed;           /* of what the monitor draws by lot */
    uint32_t share;          /* TRACE_SHARE_*, or'ed: which pages come to be shared */
    uint64_t scan_rate;      /* pages per VM and virtual second; 0: the usual rate */
    struct trace_network *networks;
    size_t networks_count;
    struct trace_image *images;
    size_t images_count;
    struct trace_vm *vms;
    size_t vms_count;
};
void trace_header_free(struct trace_header *h); /* frees what the pointers own, not h */

/* Inputs: what cannot be recomputed. */
enum trace_input_kind {
    TRACE_INPUT_CONSOLE = 1,    /* data: bytes for console channel `channel` */
    TRACE_INPUT_POWER = 2,      /* channel: enum power_event asked for by the operator */
    TRACE_INPUT_DISK_BLOCK = 3, /* image `channel`, 4 KiB block `number`: blob `hash` */
    TRACE_INPUT_FRAME = 4,      /* channel: network; data: a frame from outside */
    TRACE_INPUT_BALLOON = 5,    /* reserved */
    TRACE_INPUT_BREAK = 6,      /* a BREAK on console channel `channel` */
};
struct trace_input {
    uint64_t cycle; /* delivered at this barrier */
    uint32_t vm;
    uint32_t kind;
    uint32_t channel;
    uint64_t number;
    struct trace_hash hash;
    uint8_t *data; /* at most 64 KiB */
    size_t len;
};

struct trace_digest {
    uint64_t step; /* of the VM's vcpu */
    uint64_t cycle;  /* the run's; in an end record the VM's own, where it stopped */
    uint32_t vm;
    uint64_t cpu, devices;
    uint64_t memory;   /* valid if has_memory */
    bool has_memory;
    uint64_t events;   /* events before it, of all VMs */
};

/* A table of symbols that the recorder found in a VM's memory: traces/symbol_table.h. */
struct trace_symbols {
    uint32_t vm;
    uint64_t cycle; /* when they were found */
    uint32_t count;
    struct trace_hash table; /* the blob with them */
};

struct trace_end {
    char *reason; /* "power-off", "user", "timeout", "text", "limit" ... */
    uint64_t step;  /* of all vcpus, summed up */
    uint64_t cycle;
    uint64_t events;      /* in the trace; the writer counts them itself */
    struct trace_digest *digests; /* one per VM, with memory */
    size_t digests_count;
};

/* ---- writing ---- */

struct trace_writer;

struct trace_writer_options {
    int level;       /* zstd level; 0: the default that suits recording */
    bool overwrite;  /* replace an existing trace, or an empty file */
};

/* Creates `path`, which no other program may be writing or reading (core/base/output.h), and writes
 * the header's frame. Compression and writing happen
 * on the writer's own thread and those that help it; the put functions queue
 * and return (they block only when more than 64 MiB wait). They never fail: the
 * first error is kept, what was written stays a valid cut trace, and later data
 * is dropped. */
int trace_writer_open(struct trace_writer **w, const char *path, const struct trace_header *h,
                      const struct trace_writer_options *opt, struct err *e);
/* Stored once by content. Returns its hash. */
struct trace_hash trace_put_blob(struct trace_writer *w, const void *data, size_t n);
/* The same for large contents whose hash is known: `data` is read by the writer's thread, and must
 * stay as it is until the writer is closed. */
void trace_put_image(struct trace_writer *w, struct trace_hash hash, const void *data, size_t n);
void trace_put_input(struct trace_writer *w, const struct trace_input *in);
/* Memory of EVENT_LOG_BYTES for a log (core/base/event.h), for trace_put_events or free. */
void *trace_log_memory(struct trace_writer *w);
/* Takes over `memory`, malloc'ed with EVENT_LOG_BYTES or more; `bytes` of packed events are in
 * it. */
void trace_put_events(struct trace_writer *w, void *memory, size_t bytes);
void trace_put_digest(struct trace_writer *w, const struct trace_digest *d);
/* Their blob comes before. */
void trace_put_symbols(struct trace_writer *w, const struct trace_symbols *s);
/* What the guest printed, at `cycle` (of the last byte). */
void trace_put_console(struct trace_writer *w, uint32_t vm, uint32_t channel, uint64_t cycle,
                       const void *bytes, size_t n);
/* Everything put so far becomes whole frames in the file soon (interactive
 * idle times, so that a kill loses little). */
void trace_flush(struct trace_writer *w);
/* Waits until nothing that was put waits any more, but for a last frame that is not full. */
void trace_drain(struct trace_writer *w);
/* For programs that keep all cores busy, in which the writer's thread would stop one of theirs just
 * when the others wait for it. Any thread may call these, again and again, and does some of what
 * waits for the writer's, images excepted. False: there was nothing, or another thread is at it.
 *
 * While it has nothing else to do: a piece of some ten microseconds. */
bool trace_writer_help(struct trace_writer *w);
/* Between other work: a piece of some hundred, if so much waits that the time for help does not
 * suffice. */
bool trace_writer_catch_up(struct trace_writer *w);
/* 0, or the first error (disk full ...); cheap, for polling. */
int trace_writer_status(struct trace_writer *w, struct err *e);
/* Writes the end record (NULL: leave the trace cut) and the seek table,
 * waits for the thread, frees w. Returns the first error. */

/* Bytes in the file; of fields that share a frame, by their share of it.
 * `other` is the header, the end record and the seek table. */
struct trace_sizes {
    uint64_t file, blobs, inputs, events, digests, console, other;
    struct trace_content_sizes { /* the same, uncompressed */
        uint64_t blobs, inputs, events, digests, console, other;
    } content;
    uint64_t event_count[EVENT_KINDS];
};
int trace_writer_close_sizes(struct trace_writer *w, const struct trace_end *end,
                             struct trace_sizes *sizes, struct err *e);
static inline int trace_writer_close(struct trace_writer *w, const struct trace_end *end,
                                     struct err *e)
{
    return trace_writer_close_sizes(w, end, NULL, e);
}

/* ---- reading ---- */

struct trace_reader;

/* Opens and scans the file. Errors are one line: file, offset, what. A cut
 * file opens (trace_is_cut); a file that is not a trace, of another version,
 * or damaged before its first complete header does not. Damage after that
 * (checksum, bad field) is an error ERR_FORMAT, too: use `tolerant` (for
 * dump and info) to treat the file as cut there. */
int trace_reader_open(struct trace_reader **r, const char *path, bool tolerant, struct err *e);
void trace_reader_close(struct trace_reader *r);
/* A reader of the same file for the events that another thread looks at; it uses what `of` found
 * when it was opened, and must be closed before it. NULL: the host failed. */
struct trace_reader *trace_reader_second(const struct trace_reader *of);
const struct trace_header *trace_reader_header(const struct trace_reader *r);
/* Why it counts as cut, or NULL if it is whole. */
const char *trace_reader_cut(const struct trace_reader *r);
/* Opened tolerantly, and cut by damage and not by an early end: trace_reader_cut is then a whole
 * line with the file's name. */
bool trace_reader_damaged(const struct trace_reader *r);
const struct trace_end *trace_reader_end(const struct trace_reader *r); /* NULL if cut */
const struct trace_sizes *trace_reader_sizes(const struct trace_reader *r);

/* The content of a blob, malloc'ed (*data is the caller's), hash checked. */
int trace_reader_blob(struct trace_reader *r, struct trace_hash hash, uint8_t **data, size_t *n,
                      struct err *e);

/* That VM's symbols, or NULL if there are none, or their blob is missing. */
const struct trace_symbols *trace_reader_symbols(const struct trace_reader *r, uint32_t vm);
/* Their table; the caller frees it. */
struct symbol_table;
int trace_reader_symbol_table(struct trace_reader *r, const struct trace_symbols *s,
                              struct symbol_table *table, struct err *e);

/* Is it there, whole? */
bool trace_reader_has_blob(const struct trace_reader *r, struct trace_hash hash);

/* Inputs and digests are few: all in memory, in file order. */
const struct trace_input *trace_reader_inputs(const struct trace_reader *r, size_t *n);
const struct trace_digest *trace_reader_digests(const struct trace_reader *r, size_t *n);

/* Events come in batches, loaded when asked for (the last few stay cached). */
struct trace_batch {
    uint64_t first; /* index of its first event in the whole trace */
    uint32_t count;
    uint64_t first_step, last_step; /* of its first and last event */
};
size_t trace_reader_batches(const struct trace_reader *r, const struct trace_batch **batches);
uint64_t trace_reader_event_count(const struct trace_reader *r);
/* The events of a batch, to be taken by number; valid until the next call. NULL on error. */
const struct event *trace_reader_events(struct trace_reader *r, size_t batch, struct err *e);
/* The same packed: one behind the other (event_after). */
const struct event *trace_reader_packed(struct trace_reader *r, size_t batch, struct err *e);
/* The same into the caller's memory, with room for TRACE_BATCH_MAX full events. */
#define TRACE_BATCH_MAX 65536u
int trace_reader_decode(struct trace_reader *r, size_t batch, struct event *events,
                        struct err *e);

/* Console text, in file order. */
struct trace_text {
    uint32_t vm, channel;
    uint64_t cycle;
    const uint8_t *bytes; /* owned by the reader */
    size_t n;
};
const struct trace_text *trace_reader_console(const struct trace_reader *r, size_t *n);

#endif
