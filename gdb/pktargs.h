/* Reading the arguments of a packet. Every reader leaves the cursor where it is when it fails. */
#ifndef GDB_PKTARGS_H
#define GDB_PKTARGS_H

#include "core/base/buf.h"
#include "gdb/target.h"

struct pktargs {
    const uint8_t *p, *end;
};

static inline size_t args_left(const struct pktargs *a)
{
    return (size_t)(a->end - a->p);
}

/* Hex digits, at least one and at most 16 significant ones. */
bool args_hex(struct pktargs *a, uint64_t *value);
/* This one character. */
bool args_char(struct pktargs *a, char c);
/* These characters. */
bool args_text(struct pktargs *a, const char *text);
/* "value,value" in hex. */
bool args_hex_pair(struct pktargs *a, uint64_t *first, uint64_t *second);
/* Pairs of hex digits up to `until` (or the end), appended to `out` as bytes. At most `max`
 * bytes; false for an odd count, another character or too many. */
bool args_bytes(struct pktargs *a, char until, struct buf *out, size_t max);
/* A thread-id in any of its forms; a missing part is 0 (a lone pPID: -1, all of it). */
bool args_tid(struct pktargs *a, struct gdb_tid *tid);

#endif
