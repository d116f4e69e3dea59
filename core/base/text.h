/*
 * Text that somebody else chose (a file's name, what a trace or a guest says),
 * as it may be shown to people: printable ASCII and the other printable
 * characters of valid UTF-8 stay; all else, above all what a terminal would
 * obey, becomes visible as in C: \n, \r, \t, \x1b.
 */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include "core/base/base.h"

/* Malloc'ed, whole; the caller's. */
char *text_shown(const char *text);
/* Into `out`, of `size` bytes (not 0), with a 0 at its end: as much as fits. Allocates nothing. */
void text_fit(char *out, size_t size, const char *text);

#endif
