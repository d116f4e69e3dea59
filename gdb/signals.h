/*
 * How signals end disco-replay, and the gdb that it started.
 *
 * SIGINT, SIGTERM and SIGHUP end it: by the kernel's default action as long as there is nothing to
 * tidy up (while a trace is opened and symbols are looked for), from signals_catch on by a flag
 * that the loops look at. A SIGHUP that was ignored at the start (nohup) stays ignored.
 *
 * A stopped gdb (Ctrl-Z) is not gone: the terminal stops both, and `fg` continues both.
 */
#ifndef GDB_SIGNALS_H
#define GDB_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

#include "gdb/server.h"

/* At the start: the default actions, whatever was inherited; writing to a closed pipe is an error,
 * not a signal. */
void signals_begin(void);
/* From here on a signal is a flag. */
void signals_catch(void);
bool signals_interrupted(void);
/* What such a signal does besides, in the handler; NULL: nothing. */
void signals_call(void (*also)(void *ctx), void *ctx);
/* Whom a signal stops; NULL: nobody. With `own_gdb` the terminal's Ctrl-C is gdb's alone, and the
 * end of that child stops the server, too. */
void signals_serve(struct gdb_server *server, bool own_gdb);
/* In the child, before gdb starts. */
void signals_for_gdb(void);

/* Wait for gdb, whose connection is closed; after a signal it is told to end, and killed if it does
 * not within 0.35 s. Its exit status, as shells tell it: 128 + N when signal N ended it. */
int signals_wait_gdb(pid_t child);

#endif
