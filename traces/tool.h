/* The commands of disco-trace. Each prints to standard output and returns the
 * exit status; errors go to standard error as "disco-trace: FILE: what". */
#ifndef TRACES_TOOL_H
#define TRACES_TOOL_H

#include "core/base/buf.h"
#include "traces/trace.h"

struct tool_dump {
    bool events, inputs, digests, console;
    bool kinds[EVENT_KINDS];
    uint64_t from_step, to_step; /* both included */
    uint64_t from_pc, to_pc;     /* both included */
};

#define TOOL_MEMORY_FILES 64

struct tool_memory {
    bool csv;        /* all samples as CSV instead of tables */
    const char *svg; /* a picture goes to this file; NULL: none */
};

int tool_info(const char *path);
int tool_stats(const char *path);
int tool_dump(const char *path, const struct tool_dump *what);
int tool_verify(const char *path);
int tool_export_console(const char *path);
int tool_diff(const char *a, const char *b);
/* n is 1 to TOOL_MEMORY_FILES. */
int tool_memory(const char *const *paths, size_t n, const struct tool_memory *how);

/* Prints the error; returns 1. */
int tool_failed(const struct err *e);
/* Flushes standard output: 0, or 1 with a message. A reader that closed the
 * pipe early is no error. */
int tool_finish(void);

/* One line without newline each, appended; control characters are escaped. */
void tool_text(struct buf *out, const void *text, size_t n);
void tool_hash(struct buf *out, struct trace_hash hash);
void tool_input_line(struct buf *out, const struct trace_input *in);
void tool_digest_line(struct buf *out, const struct trace_digest *d);
void tool_end_line(struct buf *out, const struct trace_end *end);
void tool_image_line(struct buf *out, const struct trace_image *image);
/* Epoch, machine memory and sharing, networks. */
void tool_cluster_lines(struct buf *out, const struct trace_header *h);
void tool_vm_lines(struct buf *out, const struct trace_vm *vm); /* several lines */

#endif
