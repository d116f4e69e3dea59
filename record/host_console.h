/*
 * The host's end of the guest's serial console: this terminal (raw, with
 * Ctrl-A as the escape key) or a pipe. One of the two places where the host's
 * time and events enter the program; all that reaches the guest goes through
 * the recorder's barrier.
 */
#ifndef RECORD_HOST_CONSOLE_H
#define RECORD_HOST_CONSOLE_H

#include "core/base/buf.h"
#include "record/options.h"

struct host_console {
    bool tty;           /* stdin is a terminal, now raw */
    bool eof;
    bool live;          /* stdin may still bring something at a time of its own: pace to real time */
    bool escape;        /* Ctrl-A was typed */
    bool quit;          /* Ctrl-A x */
    bool reset;         /* Ctrl-A r; cleared by the recorder */
    struct buf typed;   /* for the guest, not yet delivered */
    struct buf out;     /* from the guest, not yet written */
    struct buf seen;    /* tail of the output, for texts to wait for */
    size_t answered;    /* bytes of `seen` up to the end of the last text that got its reply */
    const struct record_options *opt;
    size_t next_reply;
    bool text_seen;     /* --until-text, anywhere in the output */
};

void host_console_open(struct host_console *c, const struct record_options *opt);
/* Writes what is left and restores the terminal. */
void host_console_close(struct host_console *c);
void host_console_output(struct host_console *c, const uint8_t *bytes, size_t n);
/* Writes the output and looks at it for texts; takes what was typed. Never blocks on input. Blocks
 * while nobody reads the output, until a signal comes: then what is left of it is dropped. */
void host_console_poll(struct host_console *c);
/* Sleep until something is typed or ns passed; returns the ns slept (at least 1). */
uint64_t host_console_wait(struct host_console *c, uint64_t ns);

#endif
