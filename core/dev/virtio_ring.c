/*
 * The walker of split virtqueues.
 *
 * A guest may put anything into its rings. What is checked, and where:
 *
 *   available index ahead by more than the queue's size     virtio_ring_peek
 *   a head or next index outside the table                  next_descriptor
 *   loops: a chain longer than VIRTIO_CHAIN_MAX             take
 *   pa + len wraps                                          take
 *   readable segment after a writable one                   take
 *   indirect: not negotiated, nested, with NEXT, size not a
 *   multiple of 16, empty or too long                       open_table
 *   anything outside RAM                                    dev_dma_control
 *
 * A segment of 4 GiB is not an error here: whether it lies in RAM is found
 * when it is used. Sums of lengths fit 64 bits, as VIRTIO_CHAIN_MAX is small.
 */
#include "core/dev/virtio_ring.h"

#define DESC_SIZE      16
#define DESC_NEXT      1
#define DESC_WRITE     2
#define DESC_INDIRECT  4
#define NO_INTERRUPT   1
#define RING_OFF       4 /* of the entries, behind flags and index, in both rings */
#define USED_ELEM_SIZE 8

struct descriptor {
    uint64_t pa;
    uint32_t len;
    uint16_t flags, next;
};

/* Where descriptors come from: the queue's table, or an indirect one, which is
 * copied in whole. */
struct table {
    uint64_t pa;
    unsigned count;
    bool indirect;
    uint8_t bytes[VIRTIO_CHAIN_MAX * DESC_SIZE];
};

static uint16_t ld16(const struct virtio_ring_mode *mode, const void *p)
{
    return mode->big_endian ? ld_be16(p) : ld_le16(p);
}

static uint32_t ld32(const struct virtio_ring_mode *mode, const void *p)
{
    return mode->big_endian ? ld_be32(p) : ld_le32(p);
}

static uint64_t ld64(const struct virtio_ring_mode *mode, const void *p)
{
    return mode->big_endian ? ld_be64(p) : ld_le64(p);
}

static bool read16(struct device *dev, const struct virtio_ring_mode *mode, uint64_t pa,
                   uint16_t *value)
{
    uint8_t bytes[2];
    if (!dev_dma_control(dev, DMA_TO_DEVICE, pa, bytes, sizeof bytes))
        return false;
    *value = ld16(mode, bytes);
    return true;
}

static bool write16(struct device *dev, const struct virtio_ring_mode *mode, uint64_t pa,
                    uint16_t value)
{
    uint8_t bytes[2];
    mode->big_endian ? st_be16(bytes, value) : st_le16(bytes, value);
    return dev_dma_control(dev, DMA_TO_MEMORY, pa, bytes, sizeof bytes);
}

static bool get_descriptor(struct device *dev, const struct virtio_ring_mode *mode,
                           const struct table *t, unsigned index, struct descriptor *d)
{
    uint8_t bytes[DESC_SIZE];
    if (index >= t->count)
        return false;
    if (t->indirect)
        memcpy(bytes, t->bytes + (size_t)index * DESC_SIZE, DESC_SIZE);
    else if (!dev_dma_control(dev, DMA_TO_DEVICE, t->pa + (uint64_t)index * DESC_SIZE, bytes,
                              DESC_SIZE))
        return false;
    d->pa = ld64(mode, bytes);
    d->len = ld32(mode, bytes + 8);
    d->flags = ld16(mode, bytes + 12);
    d->next = ld16(mode, bytes + 14);
    return true;
}

static bool open_table(struct device *dev, const struct virtio_ring_mode *mode, struct table *t,
                       const struct descriptor *d)
{
    if (!mode->indirect || t->indirect || (d->flags & DESC_NEXT) != 0 || d->len == 0 ||
        d->len % DESC_SIZE != 0 || d->len > sizeof t->bytes)
        return false;
    t->indirect = true;
    t->pa = d->pa;
    t->count = d->len / DESC_SIZE;
    return dev_dma_control(dev, DMA_TO_DEVICE, d->pa, t->bytes, d->len);
}

/* Add a descriptor's memory to the chain. */
static bool take(struct virtio_chain *chain, const struct descriptor *d)
{
    bool writable = (d->flags & DESC_WRITE) != 0;
    unsigned n = chain->out + chain->in;
    if (!writable && chain->in > 0)
        return false;
    if (d->len == 0)
        return true;
    if (n == VIRTIO_CHAIN_MAX || d->pa + d->len < d->pa)
        return false;
    chain->segment[n] = (struct virtio_segment){.pa = d->pa, .len = d->len};
    if (writable) {
        chain->in++;
        chain->in_len += d->len;
    } else {
        chain->out++;
        chain->out_len += d->len;
    }
    return true;
}

static bool walk(const struct virtio_queue *q, struct device *dev,
                 const struct virtio_ring_mode *mode, struct virtio_chain *chain)
{
    struct table t;
    t.pa = q->desc;
    t.count = q->size;
    t.indirect = false;
    unsigned index = chain->head;
    for (unsigned seen = 0; seen <= VIRTIO_CHAIN_MAX; seen++) {
        struct descriptor d;
        if (!get_descriptor(dev, mode, &t, index, &d))
            return false;
        if ((d.flags & DESC_INDIRECT) != 0) {
            if (!open_table(dev, mode, &t, &d))
                return false;
            index = 0;
            continue;
        }
        if (!take(chain, &d))
            return false;
        if ((d.flags & DESC_NEXT) == 0)
            return true;
        index = d.next;
    }
    return false;
}

int virtio_ring_peek(const struct virtio_queue *q, struct device *dev,
                     const struct virtio_ring_mode *mode, unsigned ahead,
                     struct virtio_chain *chain)
{
    uint16_t index;
    if (q->size == 0 || !read16(dev, mode, q->avail + 2, &index))
        return -1;
    if ((uint16_t)(index - q->last_avail) > q->size)
        return -1;
    if (ahead >= (uint16_t)(index - q->last_avail))
        return 0;
    uint64_t entry = q->avail + RING_OFF + 2 * (uint64_t)((q->last_avail + ahead) % q->size);
    if (!read16(dev, mode, entry, &chain->head))
        return -1;
    chain->out = chain->in = 0;
    chain->out_len = chain->in_len = 0;
    return walk(q, dev, mode, chain) ? 1 : -1;
}

bool virtio_ring_push(struct virtio_queue *q, struct device *dev,
                      const struct virtio_ring_mode *mode, uint16_t head, uint32_t len)
{
    uint8_t elem[USED_ELEM_SIZE];
    if (q->size == 0)
        return false;
    if (mode->big_endian) {
        st_be32(elem, head);
        st_be32(elem + 4, len);
    } else {
        st_le32(elem, head);
        st_le32(elem + 4, len);
    }
    uint64_t entry = q->used + RING_OFF + USED_ELEM_SIZE * (uint64_t)(q->used_idx % q->size);
    q->last_avail++;
    q->used_idx++;
    return dev_dma_control(dev, DMA_TO_MEMORY, entry, elem, sizeof elem) &&
           write16(dev, mode, q->used + 2, q->used_idx);
}

int virtio_ring_finish(struct virtio_queue *q, struct device *dev,
                       const struct virtio_ring_mode *mode, unsigned seen)
{
    uint16_t before = q->signalled, word;
    uint64_t avail_end = q->avail + RING_OFF + 2 * (uint64_t)q->size;
    uint64_t used_end = q->used + RING_OFF + USED_ELEM_SIZE * (uint64_t)q->size;
    q->signalled = q->used_idx;
    if (!mode->event_idx) {
        if (q->used_idx == before)
            return 0;
        return read16(dev, mode, q->avail, &word) ? (word & NO_INTERRUPT) == 0 : -1;
    }
    /* A driver tells of a request only when its index steps over this one. */
    if (!write16(dev, mode, used_end, (uint16_t)(q->last_avail + seen)))
        return -1;
    if (q->used_idx == before)
        return 0;
    if (!read16(dev, mode, avail_end, &word))
        return -1;
    return (uint16_t)(q->used_idx - word - 1) < (uint16_t)(q->used_idx - before);
}
