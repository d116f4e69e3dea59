#include "core/net_segment.h"

#include <string.h>

#include "core/base/bytes.h"

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER  20
#define PROTO_TCP   6
#define TCP_FIN     0x01
#define TCP_PSH     0x08
#define TCP_CWR     0x80

/* Of big-endian 16-bit words, an odd last byte padded with zero; not folded. */
static uint64_t sum_words(const uint8_t *bytes, size_t len, uint64_t sum)
{
    for (; len >= 2; bytes += 2, len -= 2)
        sum += ld_be16(bytes);
    return len == 0 ? sum : sum + ((uint64_t)*bytes << 8);
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* The complement; 0 would mean "none" in UDP, and is the same number as 0xffff. */
static uint16_t finish(uint64_t sum)
{
    uint16_t v = (uint16_t)~fold(sum);
    return v == 0 ? 0xffff : v;
}

bool net_checksum_fill(uint8_t *bytes, size_t len, const struct net_offload *o)
{
    if ((size_t)o->csum_start + o->csum_offset + 2 > len)
        return false;
    uint64_t sum = sum_words(bytes + o->csum_start, len - o->csum_start, 0);
    st_be16(bytes + o->csum_start + o->csum_offset, finish(sum));
    return true;
}

/* Find the TCP header behind an IPv6 header and those extensions that may be in each segment. */
static bool skip_ipv6(struct net_segments *s, size_t have)
{
    if (have < s->ip + IPV6_HEADER || s->bytes[s->ip] >> 4 != 6)
        return false;
    uint8_t next = s->bytes[s->ip + 6];
    size_t at = s->ip + IPV6_HEADER;
    while (next == 0 || next == 43 || next == 60) { /* hop-by-hop, routing, destination */
        if (have < at + 8)
            return false;
        next = s->bytes[at];
        at += 8 * ((size_t)s->bytes[at + 1] + 1);
    }
    s->tcp = at;
    return next == PROTO_TCP;
}

static bool skip_ipv4(struct net_segments *s, size_t have)
{
    if (have < s->ip + IPV4_HEADER || s->bytes[s->ip] >> 4 != 4)
        return false;
    size_t header = 4 * (size_t)(s->bytes[s->ip] & 15);
    bool fragment = (ld_be16(s->bytes + s->ip + 6) & 0x3fff) != 0;
    s->tcp = s->ip + header;
    return header >= IPV4_HEADER && !fragment && s->bytes[s->ip + 9] == PROTO_TCP;
}

bool net_segments_begin(struct net_segments *s, const uint8_t *bytes, size_t have, size_t len,
                        const struct net_offload *o)
{
    *s = (struct net_segments){.bytes = bytes, .len = len, .size = o->gso_size};
    size_t type = NET_HEADER - 2;
    while (type + 2 <= have &&
           (ld_be16(bytes + type) == TYPE_VLAN || ld_be16(bytes + type) == TYPE_QINQ))
        type += NET_VLAN_TAG;
    if (type + 2 > have || o->gso_size < NET_GSO_SIZE_MIN)
        return false;
    s->ip = type + 2;
    unsigned kind = o->gso_type & ~(unsigned)NET_GSO_ECN;
    s->v6 = kind == NET_GSO_TCPV6;
    if (ld_be16(bytes + type) != (s->v6 ? TYPE_IPV6 : TYPE_IPV4) ||
        (!s->v6 && kind != NET_GSO_TCPV4) || !(s->v6 ? skip_ipv6(s, have) : skip_ipv4(s, have)) ||
        have < s->tcp + TCP_HEADER || s->tcp != o->csum_start)
        return false;
    size_t header = 4 * (size_t)(bytes[s->tcp + 12] >> 4);
    if (header < TCP_HEADER || have < s->tcp + header)
        return false;
    s->payload = s->tcp + header;
    size_t rest = len - s->payload;
    s->count = rest == 0 ? 1 : (unsigned)((rest + s->size - 1) / s->size);
    return true;
}

static size_t payload_len(const struct net_segments *s, unsigned i)
{
    size_t off = (size_t)i * s->size;
    return (size_t)min_u64(s->size, s->len - s->payload - off);
}

size_t net_segments_len(const struct net_segments *s, unsigned i)
{
    return s->payload + payload_len(s, i);
}

static void patch_ip(const struct net_segments *s, unsigned i, uint8_t *ip, size_t len)
{
    if (s->v6) {
        st_be16(ip + 4, (uint16_t)(len - IPV6_HEADER));
        return;
    }
    st_be16(ip + 2, (uint16_t)len);
    st_be16(ip + 4, (uint16_t)(ld_be16(ip + 4) + i));
    st_be16(ip + 10, 0);
    st_be16(ip + 10, (uint16_t)~fold(sum_words(ip, 4 * (size_t)(ip[0] & 15), 0)));
}

void net_segments_headers(const struct net_segments *s, unsigned from, unsigned to, uint8_t *head)
{
    size_t end = (size_t)min_u64(s->len - s->payload, (uint64_t)to * s->size);
    size_t len = s->payload + end - (size_t)from * s->size;
    uint8_t *ip = head + s->ip, *tcp = head + s->tcp;
    patch_ip(s, from, ip, len - s->ip);
    st_be32(tcp + 4, ld_be32(tcp + 4) + from * s->size);
    if (to < s->count)
        tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (from > 0)
        tcp[13] &= (uint8_t)~TCP_CWR;
    /* The pseudo header: addresses, protocol, length. */
    uint64_t sum = s->v6 ? sum_words(ip + 8, 32, 0) : sum_words(ip + 12, 8, 0);
    st_be16(tcp + 16, fold(sum + PROTO_TCP + (len - s->tcp)));
}

void net_segments_make(const struct net_segments *s, unsigned i, uint8_t *out)
{
    size_t n = payload_len(s, i);
    memcpy(out, s->bytes, s->payload);
    memcpy(out + s->payload, s->bytes + s->payload + (size_t)i * s->size, n);
    net_segments_headers(s, i, i + 1, out);
    uint8_t *tcp = out + s->tcp;
    st_be16(tcp + 16, finish(sum_words(tcp, s->payload + n - s->tcp, 0)));
}
