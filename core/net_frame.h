/*
 * An Ethernet frame on its way from one network card to another.
 *
 * Its content is a short sequence of parts: bytes that the frame holds, and
 * whole pages of its sender's memory. Of a page the frame keeps a hold on the
 * machine page, so that it can travel from VM to VM without being copied, or,
 * where that cannot be, a copy. A frame is built by one owner, sealed, and
 * from then on never changes.
 *
 * References and holds are two things. The reference count belongs to the
 * object; snapshots have references too. A hold on a machine page belongs to
 * the state of the machines: it is given back once, when the frame leaves that
 * state (net_frame_discard), however many snapshots still know the frame.
 *
 * DETERMINISM: which parts are pages follows from how the frame lay in its
 * sender's memory, and a receiver may see it. Which of these are held depends on
 * what may be shared, and nobody may see it. The hash is of the content alone.
 */
#ifndef CORE_NET_FRAME_H
#define CORE_NET_FRAME_H

#include "core/base/base.h"
#include "core/base/buf.h"

#define NET_HEADER    14 /* destination, source, type */
#define NET_VLAN_TAG  4
#define NET_FRAME_MAX (65535 + NET_HEADER + NET_VLAN_TAG) /* bytes, without check sequence */
#define NET_PARTS_MAX (2 * (NET_FRAME_MAX / 4096) + 1)

/* What the sender left to be done: the fields of the header of virtio-net (VIRTIO 1.1, 5.1.6) with
 * the host's byte order and the same values. A frame that is complete has zeros. */
enum net_offload_flags { NET_NEEDS_CSUM = 1 };
enum net_gso_type { NET_GSO_NONE = 0, NET_GSO_TCPV4 = 1, NET_GSO_TCPV6 = 4, NET_GSO_ECN = 0x80 };
struct net_offload {
    uint8_t flags;
    uint8_t gso_type;     /* NET_GSO_ECN or'ed to a type */
    uint16_t gso_size;    /* bytes of payload in each segment */
    uint16_t hdr_len;     /* of all headers; a hint */
    uint16_t csum_start;  /* from here to the end is summed up */
    uint16_t csum_offset; /* from csum_start: where the sum goes */
};

struct net_part {
    uint64_t mpn1; /* machine page + 1: the part is that page; 0: bytes of the frame */
    uint32_t off;  /* into the frame's bytes */
    uint32_t len;  /* PAGE_SIZE for a page */
    bool page;     /* a whole page of the sender's memory, held or copied */
};

struct net_frame {
    uint32_t refs; /* touched by the owner VM's thread, and while no VM runs */
    uint32_t len;  /* of the content */
    uint64_t id;   /* vm << 48 | nic << 40 | number there; from outside: NET_OUTSIDE, network */
    uint64_t due;  /* virtual ns: when it was sent, or gets where it goes next */
    uint64_t hash; /* of the content; set by net_frame_seal() */
    uint64_t span; /* virtual ns: the first of its segments was there so much before it is due */
    struct net_offload offload;
    /* What it is on a wire (core/net_burst.h): follows from content and offload. */
    unsigned segments; /* frames, at least 1 */
    uint32_t headers;  /* bytes that each begins with, if there are several */
    unsigned parts;
    struct net_part part[NET_PARTS_MAX];
    struct buf bytes;
};

/* Access to machine pages on behalf of one VM. */
struct net_pages {
    void *ctx;
    /* One more hold of a page that is held, perhaps by another VM; returns its number for this one. */
    uint64_t (*hold)(void *ctx, uint64_t mpn1);
    void (*release)(void *ctx, uint64_t mpn1);
    void (*read)(void *ctx, uint64_t mpn1, size_t off, void *out, size_t n);
};

#define NET_FRAME_ID(vm, nic, number)                                                              \
    ((uint64_t)(vm) << 48 | (uint64_t)(nic) << 40 | ((uint64_t)(number)&0xffffffffff))

#define NET_OUTSIDE 0xff /* for vm */

/* An empty frame with one reference; `offload` may be NULL (complete). */
struct net_frame *net_frame_create(uint64_t id, uint64_t due, const struct net_offload *offload);
/* Append n bytes, to be filled in by the caller before anything else is called. The sum of all
 * parts must stay within NET_FRAME_MAX. */
uint8_t *net_frame_add_bytes(struct net_frame *f, size_t n);
/* Append a whole page; the hold on it becomes the frame's. */
void net_frame_add_page(struct net_frame *f, uint64_t mpn1);
/* Append a whole page that cannot be held: PAGE_SIZE bytes, as for net_frame_add_bytes(). */
uint8_t *net_frame_add_copy(struct net_frame *f);
/* The content is complete. */
void net_frame_seal(struct net_frame *f, const struct net_pages *pages);
/* A sealed frame of its own with the same content, for another owner or time; takes a further hold
 * on each page. */
struct net_frame *net_frame_clone(const struct net_frame *f, uint64_t due,
                                  const struct net_pages *pages);

static inline void net_frame_ref(struct net_frame *f)
{
    f->refs++;
}
void net_frame_unref(struct net_frame *f);
/* The frame leaves the machines' state: gives up the holds and the caller's reference. */
void net_frame_discard(struct net_frame *f, const struct net_pages *pages);

/* Copy n bytes of content, from `off`; both inside of the frame. */
void net_frame_read(const struct net_frame *f, const struct net_pages *pages, size_t off, void *out,
                    size_t n);
/* A big-endian 16-bit field of the content; 0 where there is none. */
uint16_t net_frame_read16(const struct net_frame *f, const struct net_pages *pages, size_t off);

static inline unsigned net_frame_vm(const struct net_frame *f)
{
    return (unsigned)(f->id >> 48);
}
static inline unsigned net_frame_nic(const struct net_frame *f)
{
    return (unsigned)(f->id >> 40) & 0xff;
}

#endif
