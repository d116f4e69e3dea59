/*
 * The virtio network card's receiving side: from the inbox into the ring.
 *
 * With mergeable buffers a frame may lie in several. First it is laid out: how
 * many bytes go into each of the next buffers, and which buffer, being exactly
 * one page of guest memory, gets a page of the frame by mapping. For that the
 * bytes before such a page are spread so that they end with a buffer:
 *
 *     frame     [ header | bytes ][ page        ][ page        ][ bytes ]
 *     buffers   [ header | byt ][ es ][ page    ][ page        ][ bytes  ]
 *
 * A buffer is given back with the length that was written to it, so it may be
 * left partly empty (VIRTIO 1.1, 5.1.6.4), but never with nothing in it; and the
 * first keeps the Ethernet header, where drivers look for it. Where no page is
 * within reach the bytes just fill buffer after buffer, pages of the frame
 * among them. A layout that needs more buffers than there are yet changes
 * nothing: the frame waits.
 *
 * DETERMINISM: what a page of the frame is was decided where it was sent, by
 * how it lay in memory there. Whether the frame holds that machine page, and
 * whether it can be mapped, does not change the layout.
 *
 * A driver that cannot take a frame as it is (long, or without its checksum)
 * gets it finished: the frame is replaced by others at the front of the inbox.
 *
 * The ring is read again when the layout is carried out. A driver whose
 * buffers lie over its own ring changes what is read then; what no longer fits
 * breaks the device, as any senseless ring does.
 */
#include "core/dev/virtio_net_priv.h"
#include "core/net_segment.h"

#define PAGE_REACH 4 /* buffers that bytes may be spread over to meet a page */

struct slot {
    uint32_t room;
    bool page; /* exactly one page of guest memory */
};

struct place {
    uint32_t len;
    const struct net_part *page; /* the page that it is, or NULL */
};

struct layout {
    struct virtio_net *nic;
    unsigned known; /* slots that were looked at */
    struct slot slot[VIRTIO_QUEUE_SIZE];
    struct place place[VIRTIO_QUEUE_SIZE];
    unsigned at;   /* the buffer that is being filled */
    uint32_t fill; /* bytes in it */
};

/* NULL: there is no such buffer (yet), or the device is broken. */
static const struct slot *slot_at(struct layout *l, unsigned i)
{
    struct virtio *v = &l->nic->v;
    struct virtio_chain chain;
    if (i >= ARRAY_LEN(l->slot))
        return NULL;
    for (; l->known <= i; l->known++) {
        if (!virtio_peek(v, QUEUE_RECEIVE, l->known, &chain))
            return NULL;
        if (chain.in_len == 0) {
            virtio_broken(v);
            return NULL;
        }
        const struct virtio_segment *s = &chain.segment[chain.out];
        l->slot[l->known] = (struct slot){
            .room = (uint32_t)min_u64(chain.in_len, NET_FRAME_MAX + HEADER_MAX),
            .page = chain.in == 1 && s->len == PAGE_SIZE && (s->pa & PAGE_MASK) == 0,
        };
    }
    return &l->slot[i];
}

static void close_place(struct layout *l, const struct net_part *page)
{
    l->place[l->at++] = (struct place){.len = l->fill, .page = page};
    l->fill = 0;
}

/* The buffer that is a page and can be the next after n more bytes, if those leave no buffer
 * before it empty; 0: none is within reach. */
static unsigned reach_page(struct layout *l, uint32_t n)
{
    uint32_t first_least = net_header_size(l->nic) + NET_HEADER;
    uint64_t room = 0;
    for (unsigned i = l->at; i <= l->at + PAGE_REACH; i++) {
        const struct slot *s = slot_at(l, i);
        if (s == NULL)
            return 0;
        unsigned before = i - l->at;
        unsigned least = before - (before > 0 && l->fill > 0 ? 1 : 0);
        if (l->at == 0 && before > 0)
            least += first_least - 1;
        if (before > 0 && s->page && n >= least && n <= room &&
            (l->at > 0 || l->slot[0].room >= first_least))
            return i;
        room += s->room - (before == 0 ? l->fill : 0);
    }
    return 0;
}

/* Place n bytes; with `until` not 0 so that the buffer `until` is the next. False: no room. */
static bool put_bytes(struct layout *l, uint32_t n, unsigned until)
{
    while (n > 0) {
        const struct slot *s = slot_at(l, l->at);
        if (s == NULL)
            return false;
        uint32_t later = until == 0 ? 0 : until - l->at - 1; /* one byte for each of them */
        uint32_t step = (uint32_t)min_u64(n - later, s->room - l->fill);
        l->fill += step;
        n -= step;
        if (l->fill == s->room || (until != 0 && n == later))
            close_place(l, NULL);
    }
    return true;
}

/* False: no room (yet), or the device is broken. */
static bool lay_out(struct layout *l, const struct net_frame *f)
{
    uint32_t n = net_header_size(l->nic);
    for (unsigned i = 0; i < f->parts; i++) {
        const struct net_part *part = &f->part[i];
        if (!part->page) {
            n += part->len;
            continue;
        }
        if (!put_bytes(l, n, reach_page(l, n)))
            return false;
        const struct slot *s = slot_at(l, l->at);
        if (s == NULL)
            return false;
        n = PAGE_SIZE;
        if (l->fill == 0 && s->page && l->at > 0) {
            l->fill = PAGE_SIZE;
            close_place(l, part);
            n = 0;
        }
    }
    if (!put_bytes(l, n, 0))
        return false;
    if (l->fill > 0)
        close_place(l, NULL);
    return true;
}

/* Without mergeable buffers, one must do. */
static bool lay_out_one(struct layout *l, const struct net_frame *f)
{
    const struct slot *s = slot_at(l, 0);
    l->fill = net_header_size(l->nic) + f->len;
    if (s == NULL || s->room < l->fill)
        return false;
    close_place(l, NULL);
    return true;
}

static void make_header(const struct virtio_net *nic, const struct net_frame *f, unsigned buffers,
                        uint8_t *header)
{
    const struct net_offload *o = &f->offload;
    bool big = virtio_big_endian(&nic->v);
    header[0] = o->flags;
    header[1] = o->gso_type;
    virtio_st16(header + 2, o->hdr_len, big);
    virtio_st16(header + 4, o->gso_size, big);
    virtio_st16(header + 6, o->csum_start, big);
    virtio_st16(header + 8, o->csum_offset, big);
    virtio_st16(header + 10, (uint16_t)buffers, big); /* left out of a short header */
}

/* `len` bytes from `at` of header and frame into a buffer. */
static bool fill_buffer(struct virtio_net *nic, const struct virtio_chain *chain,
                        const struct net_frame *f, const uint8_t *header, uint32_t at, uint32_t len)
{
    uint32_t header_size = net_header_size(nic), in_header = 0;
    if (at < header_size) {
        in_header = (uint32_t)min_u64(len, header_size - at);
        if (!virtio_put_status(&nic->v, chain, 0, header + at, in_header))
            return false;
        at += in_header;
        len -= in_header;
    }
    if (len == 0)
        return true;
    buf_clear(&nic->scratch);
    net_frame_read(f, &nic->pages, at - header_size, buf_reserve(&nic->scratch, len), len);
    return virtio_put(&nic->v, chain, in_header, nic->scratch.data, len);
}

static bool map_buffer(struct virtio_net *nic, const struct virtio_chain *chain,
                       const struct net_frame *f, const struct net_part *part)
{
    struct device *dev = &nic->v.pci.dev;
    const struct virtio_segment *s = &chain->segment[chain->out];
    return part != NULL && part->mpn1 != 0 && chain->in == 1 && s->len == PAGE_SIZE &&
           (s->pa & PAGE_MASK) == 0 &&
           dev->platform->map_page(dev->platform, dev, s->pa, part->mpn1, f->id);
}

static void carry_out(struct virtio_net *nic, const struct layout *l, const struct net_frame *f)
{
    struct device *dev = &nic->v.pci.dev;
    struct virtio_chain chain;
    uint8_t header[HEADER_MAX];
    uint32_t at = 0;
    make_header(nic, f, l->at, header);
    for (unsigned i = 0; i < l->at; at += l->place[i++].len) {
        const struct place *place = &l->place[i];
        if (!virtio_peek(&nic->v, QUEUE_RECEIVE, 0, &chain)) {
            virtio_broken(&nic->v);
            return;
        }
        dev->platform->serving.frame = f->id;
        nic->count.got_pages += place->page != NULL;
        if (!map_buffer(nic, &chain, f, place->page) &&
            !fill_buffer(nic, &chain, f, header, at, place->len)) {
            virtio_broken(&nic->v);
            return;
        }
        if (!virtio_push(&nic->v, QUEUE_RECEIVE, chain.head, place->len))
            return;
    }
    nic->count.got++;
    nic->count.got_bytes += f->len;
    dev->platform->frame_event(dev->platform, dev, FRAME_IN, f->id, f->len);
}

static void drop_head(struct virtio_net *nic, uint64_t *counter)
{
    ++*counter;
    net_frame_discard(net_queue_pop(&nic->inbox), &nic->pages);
}

/* False: it waits for buffers behind the `seen` that there are, or the device is broken. */
static bool deliver(struct virtio_net *nic, const struct net_frame *f, unsigned *seen)
{
    struct layout l;
    bool mergeable = virtio_has(&nic->v, NETF_MRG_RXBUF);
    l.nic = nic;
    l.known = l.at = 0;
    l.fill = 0;
    if (mergeable ? lay_out(&l, f) : lay_out_one(&l, f)) {
        carry_out(nic, &l, f);
        net_frame_discard(net_queue_pop(&nic->inbox), &nic->pages);
        return true;
    }
    if (!virtio_ready(&nic->v, QUEUE_RECEIVE))
        return false;
    /* All buffers that the queue can have are there, or the only one that counts. */
    *seen = l.known;
    if (l.known < (mergeable ? nic->v.queue[QUEUE_RECEIVE].size : 1u))
        return false;
    drop_head(nic, &nic->count.too_long);
    return true;
}

static bool takes_as_it_is(const struct virtio_net *nic, const struct net_offload *o)
{
    const struct virtio *v = &nic->v;
    if ((o->flags & NET_NEEDS_CSUM) == 0)
        return true;
    if (!virtio_has(v, NETF_GUEST_CSUM))
        return false;
    if ((o->gso_type & NET_GSO_ECN) != 0 && !virtio_has(v, NETF_GUEST_ECN))
        return false;
    switch (o->gso_type & ~(unsigned)NET_GSO_ECN) {
    case NET_GSO_TCPV4:
        return virtio_has(v, NETF_GUEST_TSO4);
    case NET_GSO_TCPV6:
        return virtio_has(v, NETF_GUEST_TSO6);
    default:
        return true;
    }
}

/* Put a finished frame of n bytes to the front. */
static bool put_finished(struct virtio_net *nic, const struct net_frame *from,
                         const struct net_segments *s, unsigned i)
{
    struct net_frame *f = net_frame_create(from->id, from->due, NULL);
    if (s != NULL) {
        net_segments_make(s, i, net_frame_add_bytes(f, net_segments_len(s, i)));
    } else {
        uint8_t *bytes = net_frame_add_bytes(f, from->len);
        memcpy(bytes, nic->scratch.data, from->len);
        net_checksum_fill(bytes, from->len, &from->offload);
    }
    net_frame_seal(f, &nic->pages);
    if (net_queue_push_front(&nic->inbox, f))
        return true;
    net_frame_discard(f, &nic->pages);
    return false;
}

/* Replace the first frame by what it means in full. */
static void finish_head(struct virtio_net *nic)
{
    struct net_frame *f = net_queue_pop(&nic->inbox);
    struct net_segments s;
    buf_clear(&nic->scratch);
    net_frame_read(f, &nic->pages, 0, buf_reserve(&nic->scratch, f->len), f->len);
    if (f->offload.gso_type == NET_GSO_NONE) {
        put_finished(nic, f, NULL, 0);
    } else if (!net_segments_begin(&s, nic->scratch.data, f->len, f->len, &f->offload)) {
        nic->count.malformed++;
    } else if (net_queue_count(&nic->inbox) + s.count > NET_QUEUE_FRAMES) {
        nic->count.too_long++;
    } else {
        nic->count.split++;
        for (unsigned i = s.count; i > 0; i--)
            put_finished(nic, f, &s, i - 1);
    }
    net_frame_discard(f, &nic->pages);
}

/* A frame that is due and still there waits for the driver, not for the timer. */
static void set_timer(struct virtio_net *nic)
{
    const struct net_frame *f = net_queue_head(&nic->inbox);
    uint64_t when = TIMER_OFF;
    if (f != NULL && f->due > dev_now(&nic->v.pci.dev))
        when = f->due;
    if (when != nic->arrival.deadline)
        dev_timer_set(&nic->arrival, when);
}

static const struct net_frame *due_head(const struct virtio_net *nic, uint64_t now)
{
    const struct net_frame *f = net_queue_head(&nic->inbox);
    return f != NULL && f->due <= now ? f : NULL;
}

void net_receive(struct virtio *v, unsigned queue)
{
    struct virtio_net *nic = net_of(v);
    uint64_t now = dev_now(&v->pci.dev);
    unsigned seen, waits_behind = 0;
    for (const struct net_frame *f; (f = due_head(nic, now)) != NULL;) {
        if (!virtio_ready(v, queue))
            drop_head(nic, &nic->count.no_driver);
        else if (!net_filter_passes(nic, f))
            drop_head(nic, &nic->count.filtered);
        else if (!takes_as_it_is(nic, &f->offload))
            finish_head(nic);
        else if (!deliver(nic, f, &seen) && virtio_ready(v, queue)) {
            waits_behind = seen;
            break;
        }
    }
    if (virtio_ready(v, queue))
        virtio_finish(v, queue, waits_behind);
    set_timer(nic);
}

void net_receive_reset(struct virtio_net *nic)
{
    uint64_t now = dev_now(&nic->v.pci.dev);
    while (due_head(nic, now) != NULL)
        drop_head(nic, &nic->count.no_driver);
    set_timer(nic);
}
