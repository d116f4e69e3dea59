#include "gdb/pktargs.h"

#include <limits.h>
#include <string.h>

#include "gdb/packet.h"

bool args_hex(struct pktargs *a, uint64_t *value)
{
    const uint8_t *p = a->p;
    uint64_t v = 0;
    while (p < a->end && packet_digit(*p) >= 0) {
        if (v >> 60 != 0)
            return false;
        v = v << 4 | (unsigned)packet_digit(*p++);
    }
    if (p == a->p)
        return false;
    a->p = p;
    *value = v;
    return true;
}

bool args_char(struct pktargs *a, char c)
{
    if (a->p == a->end || *a->p != (uint8_t)c)
        return false;
    a->p++;
    return true;
}

bool args_text(struct pktargs *a, const char *text)
{
    size_t n = strlen(text);
    if (args_left(a) < n || memcmp(a->p, text, n) != 0)
        return false;
    a->p += n;
    return true;
}

bool args_hex_pair(struct pktargs *a, uint64_t *first, uint64_t *second)
{
    struct pktargs try = *a;
    if (!args_hex(&try, first) || !args_char(&try, ',') || !args_hex(&try, second))
        return false;
    *a = try;
    return true;
}

bool args_bytes(struct pktargs *a, char until, struct buf *out, size_t max)
{
    const uint8_t *p = a->p;
    size_t before = out->len;
    while (p < a->end && *p != (uint8_t)until) {
        int hi = packet_digit(*p);
        int lo = a->end - p < 2 ? -1 : packet_digit(p[1]);
        if (hi < 0 || lo < 0 || out->len - before == max) {
            out->len = before;
            return false;
        }
        buf_putc(out, (uint8_t)(hi << 4 | lo));
        p += 2;
    }
    a->p = p;
    return true;
}

static bool signed_id(struct pktargs *a, int *id)
{
    uint64_t v;
    if (args_text(a, "-1")) {
        *id = -1;
        return true;
    }
    struct pktargs try = *a;
    if (!args_hex(&try, &v) || v > INT_MAX)
        return false;
    *a = try;
    *id = (int)v;
    return true;
}

bool args_tid(struct pktargs *a, struct gdb_tid *tid)
{
    struct pktargs try = *a;
    struct gdb_tid got = {0, 0};
    if (args_char(&try, 'p')) {
        if (!signed_id(&try, &got.pid))
            return false;
        got.tid = -1;
        if (args_char(&try, '.') && !signed_id(&try, &got.tid))
            return false;
    } else if (!signed_id(&try, &got.tid)) {
        return false;
    }
    *a = try;
    *tid = got;
    return true;
}
