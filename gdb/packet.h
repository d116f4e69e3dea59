/*
 * Framing of the remote serial protocol, on buffers, without I/O:
 * $payload#checksum, `}` escapes, run lengths, acks and the bare 0x03.
 */
#ifndef GDB_PACKET_H
#define GDB_PACKET_H

#include "core/base/buf.h"

/* Longest payload that a client may send; announced to it as PacketSize. */
#define PACKET_SIZE_MAX 0x100000

enum packet_event {
    PACKET_NOTHING,   /* the byte was consumed; nothing is complete */
    PACKET_READY,     /* `payload` holds a packet, unescaped */
    PACKET_BAD,       /* wrong checksum: dropped */
    PACKET_TOO_LONG,  /* more than PACKET_SIZE_MAX: dropped */
    PACKET_INTERRUPT, /* 0x03 between packets */
    PACKET_NAK,       /* `-` between packets: the client wants the last reply again */
};

struct packet_reader {
    struct buf payload; /* valid after PACKET_READY until the next byte */
    uint8_t state, sum, sum_hi;
    bool escaped, overflow;
};

void packet_reader_init(struct packet_reader *r);
void packet_reader_fini(struct packet_reader *r);
enum packet_event packet_reader_byte(struct packet_reader *r, uint8_t c);

/* Append one framed packet to `wire`. Bytes that need it are escaped, runs shortened. */
void packet_put(struct buf *wire, const uint8_t *payload, size_t n);

/* Lower-case hex of bytes, two digits each. */
void packet_put_hex(struct buf *out, const void *bytes, size_t n);

/* Value of a hex digit, or -1. */
int packet_digit(uint8_t c);

#endif
