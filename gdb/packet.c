/*
 * A client's packet is  $ payload # two hex digits,  the digits being the sum
 * of the payload bytes as sent. In it, `}` and a byte stand for that byte ^ 0x20.
 * Only replies use run lengths: a byte, `*`, and a count + 29. `*` is therefore
 * always escaped in replies, and then runs are safe in binary replies too: the
 * client expands them before it unescapes.
 */
#include "gdb/packet.h"

#include <string.h>

enum { BETWEEN, PAYLOAD, SUM_HI, SUM_LO };

#define RUN_BIAS 29
#define RUN_MAX  97 /* repeats after the first byte, so that the count is printable */
#define RUN_MIN  3

void packet_reader_init(struct packet_reader *r)
{
    *r = (struct packet_reader){0};
}

void packet_reader_fini(struct packet_reader *r)
{
    buf_free(&r->payload);
}

int packet_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void start(struct packet_reader *r)
{
    buf_clear(&r->payload);
    r->sum = 0;
    r->escaped = false;
    r->overflow = false;
    r->state = PAYLOAD;
}

static void payload_byte(struct packet_reader *r, uint8_t c)
{
    r->sum = (uint8_t)(r->sum + c);
    if (!r->escaped && c == '}') {
        r->escaped = true;
        return;
    }
    if (r->escaped)
        c ^= 0x20;
    r->escaped = false;
    if (r->payload.len >= PACKET_SIZE_MAX)
        r->overflow = true;
    else
        buf_putc(&r->payload, c);
}

static enum packet_event finish(struct packet_reader *r, uint8_t c)
{
    int hi = packet_digit(r->sum_hi), lo = packet_digit(c);
    r->state = BETWEEN;
    if (hi < 0 || lo < 0 || r->escaped || (uint8_t)(hi << 4 | lo) != r->sum)
        return PACKET_BAD;
    return r->overflow ? PACKET_TOO_LONG : PACKET_READY;
}

static enum packet_event between(struct packet_reader *r, uint8_t c)
{
    if (c == '$')
        start(r);
    return c == 3 ? PACKET_INTERRUPT : c == '-' ? PACKET_NAK : PACKET_NOTHING;
}

enum packet_event packet_reader_byte(struct packet_reader *r, uint8_t c)
{
    switch (r->state) {
    case BETWEEN:
        return between(r, c);
    case PAYLOAD:
        if (c == '#')
            r->state = SUM_HI;
        else if (c == '$')
            start(r); /* an unescaped $ can only be a new packet after a lost end */
        else
            payload_byte(r, c);
        return PACKET_NOTHING;
    case SUM_HI:
        r->sum_hi = c;
        r->state = SUM_LO;
        return PACKET_NOTHING;
    default:
        return finish(r, c);
    }
}

static bool is_special(uint8_t c)
{
    return c == '#' || c == '$' || c == '}' || c == '*';
}

/* The longest run of at most `repeats` whose count byte is neither special nor an ack. */
static size_t run_length(size_t repeats)
{
    if (repeats > RUN_MAX)
        repeats = RUN_MAX;
    while (repeats >= RUN_MIN) {
        uint8_t count = (uint8_t)(repeats + RUN_BIAS);
        if (!is_special(count) && count != '+' && count != '-')
            return repeats;
        repeats--;
    }
    return 0;
}

void packet_put(struct buf *wire, const uint8_t *payload, size_t n)
{
    size_t start_of_sum = wire->len + 1;
    buf_putc(wire, '$');
    for (size_t i = 0; i < n;) {
        uint8_t c = payload[i];
        if (is_special(c)) {
            buf_putc(wire, '}');
            buf_putc(wire, c ^ 0x20);
            i++;
            continue;
        }
        size_t same = 1;
        while (same <= RUN_MAX && i + same < n && payload[i + same] == c)
            same++;
        size_t run = run_length(same - 1);
        buf_putc(wire, c);
        if (run != 0) {
            buf_putc(wire, '*');
            buf_putc(wire, (uint8_t)(run + RUN_BIAS));
        }
        i += 1 + run;
    }
    uint8_t sum = 0;
    for (size_t i = start_of_sum; i < wire->len; i++)
        sum = (uint8_t)(sum + wire->data[i]);
    buf_printf(wire, "#%02x", sum);
}

void packet_put_hex(struct buf *out, const void *bytes, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    const uint8_t *b = bytes;
    uint8_t *to = buf_reserve(out, 2 * n);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = (uint8_t)digit[b[i] >> 4];
        to[2 * i + 1] = (uint8_t)digit[b[i] & 15];
    }
    out->len += 2 * n;
}
