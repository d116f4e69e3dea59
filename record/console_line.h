/*
 * The host's end of a VM's console that is not the terminal:
 *
 *   file   the output goes into a fresh file
 *   pipe   two named pipes as in qemu: what is written to PATH.in is typed, the
 *          output comes out of PATH.out. Made if they are not there, and then
 *          removed at the end
 *   pty    a pseudo-terminal, for screen, minicom and the like
 *   none   nowhere
 *
 * No reader ever stops the run: of what nobody takes the last MiB is kept.
 */
#ifndef RECORD_CONSOLE_LINE_H
#define RECORD_CONSOLE_LINE_H

#include <sys/types.h>

#include "core/base/buf.h"
#include "record/cluster.h"

struct console_line {
    int in, out;        /* descriptors that do not block, or -1; of a pty the same */
    int slave;          /* of a pty: kept open, so that it outlives those who use it; or -1 */
    struct buf pending; /* not yet written */
    char *path;         /* of a file or a pty, for messages; owned */
    char *made[2];      /* pipes to remove; owned */
};

/* `path` is the file's, or the pipes' without .in and .out. To be closed also after an error. */
int console_line_open(struct console_line *l, enum console_kind kind, const char *path,
                      struct err *e);
/* Writes what is pending as far as it goes, and removes pipes that were made. */
void console_line_close(struct console_line *l);
void console_line_write(struct console_line *l, const uint8_t *bytes, size_t n);
/* What was typed, at most n bytes; 0: nothing. */
size_t console_line_read(struct console_line *l, uint8_t *bytes, size_t n);

#endif
