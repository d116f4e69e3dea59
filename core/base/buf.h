/* A growable byte buffer. Zero-initialised is empty and valid. */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include "core/base/base.h"

struct buf {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
};

void buf_free(struct buf *b);                    /* back to empty */
void buf_clear(struct buf *b);                   /* keeps the storage */
uint8_t *buf_reserve(struct buf *b, size_t n);   /* room for n more bytes; returns the tail */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, uint8_t c);
void buf_puts(struct buf *b, const char *s);     /* without the terminating 0 */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Text inside an XML element or attribute: what has a meaning there is escaped, what is not printable
 * ASCII or a newline becomes "?". */
void buf_put_xml(struct buf *b, const char *text, size_t n);
void buf_put_shown(struct buf *b, const char *text); /* as core/base/text.h shows it */
const char *buf_cstr(struct buf *b);             /* 0-terminated view, valid until the next change */

#endif
