/*
 * The host's ends of the VMs' consoles. One of the places where the host's time
 * and events enter the program (another: record/gateway.h); all that reaches a guest goes through the
 * recorder's barrier.
 *
 * VMs whose console is the terminal share it: one of them is shown and typed
 * to. On a terminal (raw, with Ctrl-A as the escape key) Ctrl-A and a digit
 * shows another; what that one printed meanwhile comes first, its last 64 KiB.
 * With a pipe or a file as standard input, the first of them has it. The other
 * consoles: record/console_line.h.
 */
#ifndef RECORD_CONSOLES_H
#define RECORD_CONSOLES_H

#include <poll.h>
#include <signal.h>

#include "record/console_line.h"
#include "record/text_watch.h"

/* Of a guest's channels, its console is the first serial port and the virtio console. */
static inline bool consoles_channel(unsigned channel)
{
    return channel == 0 || channel == 3;
}

struct console {
    const struct vm_options *vm;
    struct buf typed;  /* for the guest, not yet delivered */
    struct buf breaks; /* size_t each: so many bytes of `typed` come before the BREAK; ascending */
    struct buf out;    /* from the guest, not yet looked at */
    struct buf hidden; /* of the terminal: not yet shown */
    struct text_watch watch;
    struct console_line line;
    bool reset; /* Ctrl-A r */
};

struct consoles {
    struct console *vms;
    size_t count;
    size_t terminals; /* VMs at the terminal */
    size_t shown;     /* of them; meaningless if there are none */
    bool tty;         /* standard input is a terminal, now raw */
    bool stream; /* a terminal, a pipe or a socket: it may bring something at a time of its own */
    bool eof;    /* of standard input */
    bool escape; /* Ctrl-A was typed */
    bool quit;   /* Ctrl-A x */
    const volatile sig_atomic_t *ending; /* the run is: nobody waits for readers; NULL: it is not */
};

/* Opens all and takes over the terminal; says on standard error what a pty's name is, and with
 * several VMs at the terminal which is shown. `cluster` must live as long. */
int consoles_open(struct consoles *c, const struct cluster *cluster, struct err *e);
/* Writes what is left and restores the terminal. Harmless on what is all zero, and after an error
 * of consoles_open. */
void consoles_close(struct consoles *c);
/* In a signal handler, too: the terminal is as it was before. */
void consoles_restore_terminal(void);

/* A guest printed. Channels that are not its console are left out. Different VMs may do so at the
 * same time. */
void consoles_output(struct consoles *c, unsigned vm, unsigned channel, const uint8_t *bytes,
                     size_t n);
/* Is there output that the next poll looks at? */
bool consoles_has_output(const struct consoles *c);

/* Writes the output and looks at it for texts; takes what was typed. Never blocks on input. Blocks
 * while nobody reads standard output, until a signal comes, and for a tenth of a second if the run is
 * ending: then what is left of it is dropped. */
void consoles_poll(struct consoles *c);
/* Sleep until something is typed, one of the n other `fds` is ready, or ns passed; returns the ns
 * slept (at least 1). */
uint64_t consoles_wait(struct consoles *c, uint64_t ns, const struct pollfd *fds, size_t n);

/* What was typed for a VM and waits for delivery: bytes, or else (there are none) perhaps a BREAK.
 * Valid until the next poll, wait or take. */
struct consoles_typed {
    const uint8_t *bytes;
    size_t n;
    bool brk;
};
struct consoles_typed consoles_typed(const struct consoles *c, unsigned vm);
/* The first n of the bytes were delivered. */
void consoles_take(struct consoles *c, unsigned vm, size_t n);
void consoles_take_break(struct consoles *c, unsigned vm);

/* May something be typed to the VM at a time of its own? Then idle time is paced. */
bool consoles_live(const struct consoles *c, unsigned vm);

static inline bool consoles_quit(const struct consoles *c)
{
    return c->quit;
}
/* Was a reset of the VM asked for? Once. */
bool consoles_reset_taken(struct consoles *c, unsigned vm);
/* Has every VM with an until_text shown it? False if there are none. */
bool consoles_texts_seen(const struct consoles *c);

#endif
