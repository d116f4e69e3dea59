/*
 * Virtio over PCI: registers, queues, interrupts; and the scheduling of
 * requests.
 *
 * The same device answers through two register sets. A driver that accepts
 * VIRTIO_F_VERSION_1 is modern: it can reach that bit through the modern
 * structures only, and all in memory is little-endian then. Any other driver
 * is legacy: rings and configuration have the byte order of the vcpus, one page
 * frame number places a whole queue, and it may use queues before DRIVER_OK.
 *
 * DETERMINISM: a notification only marks the queue and sets the timer. When it
 * fires, requests are done one after the other, each whole, until the queue is
 * empty or BATCH_BYTES were moved; so between two firings there is nothing but
 * registers and ring positions. What was moved keeps the device busy for a
 * while of virtual time, so a guest cannot make the monitor copy without end.
 *
 * A driver that breaks the rules of the rings (virtio_ring.c) gets
 * DEVICE_NEEDS_RESET and the device does nothing until it is reset.
 *
 * The configuration access capability (VIRTIO 1.1, 4.1.4.7) is left out: it
 * serves firmware that cannot reach memory BARs.
 */
#include "core/dev/virtio_pci.h"

#define VENDOR          0x1af4
#define LEGACY_BAR      0
#define MODERN_BAR      1
#define LEGACY_SIZE     128
#define LEGACY_HEADER   20 /* MSI-X does not exist: the device's own registers follow */
#define QUEUE_ALIGN     4096
#define REGION_SIZE     0x1000u /* of each modern structure */
#define CAP_FIRST       0x40
#define CAP_SIZE        16
#define COMMON_SIZE     56
#define NOTIFY_MULTIPLY 4
#define NO_VECTOR       0xffff
#define ISR_QUEUE       1
#define ISR_CONFIG      2
#define BATCH_BYTES     0x100000
#define REQUEST_COST    512 /* bytes that an empty request counts as */

#define F_ANY_LAYOUT 27
#define F_INDIRECT   28
#define F_EVENT_IDX  29
#define F_VERSION_1  32
#define F_COMMON                                                                                   \
    ((uint64_t)1 << F_ANY_LAYOUT | (uint64_t)1 << F_INDIRECT | (uint64_t)1 << F_EVENT_IDX |        \
     (uint64_t)1 << F_VERSION_1)

_Static_assert(LEGACY_HEADER + VIRTIO_CONFIG_MAX <= LEGACY_SIZE, "configuration fits BAR 0");

/* The modern structures in the order of their regions and cfg_types. */
enum region { REGION_COMMON, REGION_NOTIFY, REGION_ISR, REGION_DEVICE, REGIONS };

static struct virtio *virtio_of(struct device *dev)
{
    return container_of(dev, struct virtio, pci.dev);
}

static bool is_modern(const struct virtio *v)
{
    return virtio_has(v, F_VERSION_1);
}

bool virtio_big_endian(const struct virtio *v)
{
    return !is_modern(v) && v->pci.dev.platform->big_endian;
}

static struct virtio_ring_mode ring_mode(const struct virtio *v)
{
    return (struct virtio_ring_mode){
        .big_endian = virtio_big_endian(v),
        .indirect = virtio_has(v, F_INDIRECT),
        .event_idx = virtio_has(v, F_EVENT_IDX),
    };
}

static bool is_broken(const struct virtio *v)
{
    return (v->status & VIRTIO_NEEDS_RESET) != 0;
}

bool virtio_ready(const struct virtio *v, unsigned queue)
{
    if (queue >= v->type->queues || v->queue[queue].enabled == 0 || !pci_can_dma(&v->pci) ||
        is_broken(v))
        return false;
    return !is_modern(v) || (v->status & VIRTIO_DRIVER_OK) != 0;
}

static void interrupt(struct virtio *v, uint8_t cause)
{
    v->isr |= cause;
    pci_set_irq(&v->pci, true);
}

void virtio_broken(struct virtio *v)
{
    if (is_broken(v))
        return;
    v->status |= VIRTIO_NEEDS_RESET;
    v->kicked = 0;
    if ((v->status & VIRTIO_DRIVER_OK) != 0)
        interrupt(v, ISR_CONFIG);
}

void virtio_config_changed(struct virtio *v)
{
    if ((v->status & VIRTIO_DRIVER_OK) != 0 && !is_broken(v))
        interrupt(v, ISR_CONFIG);
}

static void arm(struct virtio *v)
{
    if (v->timer.deadline == TIMER_OFF)
        dev_timer_set(&v->timer, max_u64(dev_now(&v->pci.dev) + VIRTIO_LATENCY_NS, v->busy_until));
}

void virtio_kick(struct virtio *v, unsigned queue)
{
    if (queue >= v->type->queues || is_broken(v))
        return;
    v->kicked |= (uint8_t)(1u << queue);
    arm(v);
}

typedef bool (*dma_function)(struct device *dev, enum dma_dir dir, uint64_t pa, void *bytes,
                             size_t n);

/* Copy between `bytes` and the readable or writable segments, `off` bytes into them. */
static bool copy_segments(struct virtio *v, const struct virtio_chain *chain, uint64_t off,
                          enum dma_dir dir, dma_function dma, uint8_t *bytes, size_t n)
{
    unsigned first = dir == DMA_TO_DEVICE ? 0 : chain->out;
    unsigned end = dir == DMA_TO_DEVICE ? chain->out : chain->out + chain->in;
    for (unsigned i = first; i < end && n > 0; i++) {
        const struct virtio_segment *s = &chain->segment[i];
        if (off >= s->len) {
            off -= s->len;
            continue;
        }
        size_t step = (size_t)min_u64(n, s->len - off);
        if (!dma(&v->pci.dev, dir, s->pa + off, bytes, step)) {
            virtio_broken(v);
            return false;
        }
        bytes += step;
        n -= step;
        off = 0;
    }
    return n == 0;
}

bool virtio_get(struct virtio *v, const struct virtio_chain *chain, uint64_t off, void *bytes,
                size_t n)
{
    return copy_segments(v, chain, off, DMA_TO_DEVICE, dev_dma, bytes, n);
}

bool virtio_get_header(struct virtio *v, const struct virtio_chain *chain, uint64_t off,
                       void *bytes, size_t n)
{
    return copy_segments(v, chain, off, DMA_TO_DEVICE, dev_dma_control, bytes, n);
}

bool virtio_put(struct virtio *v, const struct virtio_chain *chain, uint64_t off, const void *bytes,
                size_t n)
{
    /* The bytes are only read in this direction. */
    return copy_segments(v, chain, off, DMA_TO_MEMORY, dev_dma, (uint8_t *)(uintptr_t)bytes, n);
}

bool virtio_put_status(struct virtio *v, const struct virtio_chain *chain, uint64_t off,
                       const void *bytes, size_t n)
{
    return copy_segments(v, chain, off, DMA_TO_MEMORY, dev_dma_control,
                         (uint8_t *)(uintptr_t)bytes, n);
}

static struct dev_request *serve(struct virtio *v, unsigned queue)
{
    struct dev_request *request = &v->pci.dev.platform->serving;
    *request = (struct dev_request){.dev = &v->pci.dev, .queue = queue + 1};
    return request;
}

bool virtio_peek(struct virtio *v, unsigned queue, unsigned ahead, struct virtio_chain *chain)
{
    struct virtio_ring_mode mode = ring_mode(v);
    struct dev_request *request = serve(v, queue);
    int found = virtio_ring_peek(&v->queue[queue], &v->pci.dev, &mode, ahead, chain);
    if (found < 0)
        virtio_broken(v);
    if (found > 0)
        request->head = chain->head + 1u;
    return found > 0;
}

bool virtio_push(struct virtio *v, unsigned queue, uint16_t head, uint32_t len)
{
    struct virtio_ring_mode mode = ring_mode(v);
    if (virtio_ring_push(&v->queue[queue], &v->pci.dev, &mode, head, len))
        return true;
    virtio_broken(v);
    return false;
}

void virtio_finish(struct virtio *v, unsigned queue, unsigned seen)
{
    struct virtio_ring_mode mode = ring_mode(v);
    serve(v, queue);
    int wanted = virtio_ring_finish(&v->queue[queue], &v->pci.dev, &mode, seen);
    if (wanted < 0)
        virtio_broken(v);
    else if (wanted > 0)
        interrupt(v, ISR_QUEUE);
}

/* Do what is in a queue. Returns the bytes moved. */
static uint64_t work(struct virtio *v, unsigned n, uint64_t moved)
{
    struct virtio_chain chain;
    if (!virtio_ready(v, n))
        return moved;
    while (moved < BATCH_BYTES) {
        uint32_t used = 0;
        bool done = virtio_peek(v, n, 0, &chain) && v->type->request(v, n, &chain, &used);
        if (is_broken(v))
            return moved;
        if (!done)
            break;
        if (!virtio_push(v, n, chain.head, used))
            return moved;
        moved += REQUEST_COST + min_u64(chain.out_len + chain.in_len, UINT32_MAX);
    }
    if (moved >= BATCH_BYTES)
        v->kicked |= (uint8_t)(1u << n); /* there may be more */
    /* A request that was refused waits for the device, not for more requests. */
    virtio_finish(v, n, 0);
    return moved;
}

static void fire(struct device *dev)
{
    struct virtio *v = virtio_of(dev);
    uint8_t kicked = v->kicked;
    uint64_t moved = 0;
    v->kicked = 0;
    for (unsigned n = 0; n < v->type->queues; n++) {
        if ((kicked >> n & 1) == 0)
            continue;
        if ((v->type->served >> n & 1) != 0)
            v->type->serve(v, n);
        else
            moved = work(v, n, moved);
    }
    v->busy_until = dev_now(dev) + moved; /* a nanosecond per byte */
    if (v->kicked != 0)
        arm(v);
}

static void device_reset(struct virtio *v)
{
    v->features = 0;
    v->host_select = v->guest_select = 0;
    v->queue_select = 0;
    v->status = v->isr = 0;
    v->kicked = 0;
    v->busy_until = 0;
    memset(v->queue, 0, sizeof v->queue);
    for (unsigned n = 0; n < v->type->queues; n++)
        v->queue[n].size = VIRTIO_QUEUE_SIZE;
    if (v->timer.deadline != TIMER_OFF)
        dev_timer_set(&v->timer, TIMER_OFF);
    pci_set_irq(&v->pci, false);
    if (v->type->reset != NULL)
        v->type->reset(v);
}

static void set_status(struct virtio *v, uint8_t value)
{
    if (value == 0) {
        device_reset(v);
        return;
    }
    uint8_t old = v->status;
    if ((v->features & ~v->host_features) != 0)
        value &= (uint8_t)~VIRTIO_FEATURES_OK;
    v->status = value | (old & VIRTIO_NEEDS_RESET);
    if ((value & ~old & VIRTIO_DRIVER_OK) == 0)
        return;
    for (unsigned n = 0; n < v->type->queues; n++) {
        if (v->queue[n].enabled != 0)
            virtio_kick(v, n);
    }
}

static uint8_t read_isr(struct virtio *v)
{
    uint8_t isr = v->isr;
    v->isr = 0;
    pci_set_irq(&v->pci, false);
    return isr;
}

static struct virtio_queue *selected(struct virtio *v)
{
    return v->queue_select < v->type->queues ? &v->queue[v->queue_select] : NULL;
}

/* Little-endian value of `size` bytes at `off` of an image. */
static uint64_t extract(const uint8_t *image, size_t image_size, uint64_t off, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size && off + i < image_size; i++)
        value |= (uint64_t)image[off + i] << 8 * i;
    return value;
}

static uint64_t config_read(struct virtio *v, uint64_t off, unsigned size, bool big_endian)
{
    uint8_t image[VIRTIO_CONFIG_MAX] = {0};
    if (off >= v->type->config_size)
        return 0;
    v->type->config(v, image, big_endian);
    return extract(image, v->type->config_size, off, size);
}

static void config_write(struct virtio *v, uint64_t off, unsigned size, uint64_t value)
{
    if (v->type->config_write != NULL && off < v->type->config_size)
        v->type->config_write(v, off, size, value);
}

static uint64_t legacy_read(struct device *dev, uint64_t off, unsigned size)
{
    struct virtio *v = virtio_of(dev);
    const struct virtio_queue *q = selected(v);
    if (off >= LEGACY_HEADER)
        return config_read(v, off - LEGACY_HEADER, size, dev->platform->big_endian);
    uint8_t image[LEGACY_HEADER] = {0};
    st_le32(image, (uint32_t)v->host_features);
    st_le32(image + 4, (uint32_t)v->features);
    if (q != NULL) {
        st_le32(image + 8, q->enabled != 0 ? (uint32_t)(q->desc / QUEUE_ALIGN) : 0);
        st_le16(image + 12, VIRTIO_QUEUE_SIZE);
    }
    st_le16(image + 14, v->queue_select);
    image[18] = v->status;
    if (off <= 19 && off + size > 19)
        image[19] = read_isr(v);
    return extract(image, sizeof image, off, size);
}

/* Legacy layout of a queue in memory: VIRTIO 1.1, 2.6.2. */
static void legacy_place_queue(struct virtio *v, uint32_t frame)
{
    struct virtio_queue *q = selected(v);
    if (q == NULL)
        return;
    *q = (struct virtio_queue){.size = VIRTIO_QUEUE_SIZE, .enabled = frame != 0};
    q->desc = (uint64_t)frame * QUEUE_ALIGN;
    q->avail = q->desc + 16 * VIRTIO_QUEUE_SIZE;
    uint64_t end = q->avail + 2 * (3 + VIRTIO_QUEUE_SIZE);
    q->used = (end + QUEUE_ALIGN - 1) & ~(uint64_t)(QUEUE_ALIGN - 1);
}

static void legacy_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct virtio *v = virtio_of(dev);
    if (off >= LEGACY_HEADER) {
        config_write(v, off - LEGACY_HEADER, size, value);
        return;
    }
    switch (off) {
    case 4:
        v->features = (uint32_t)value & v->host_features;
        break;
    case 8:
        legacy_place_queue(v, (uint32_t)value);
        break;
    case 14:
        v->queue_select = (uint16_t)value;
        break;
    case 16:
        virtio_kick(v, (uint16_t)value);
        break;
    case 18:
        set_status(v, (uint8_t)value);
        break;
    default: /* read-only */
        break;
    }
}

static uint64_t common_read(struct virtio *v, uint64_t off, unsigned size)
{
    uint8_t image[COMMON_SIZE] = {0};
    const struct virtio_queue *q = selected(v);
    st_le32(image, v->host_select);
    if (v->host_select < 2)
        st_le32(image + 4, (uint32_t)(v->host_features >> 32 * v->host_select));
    st_le32(image + 8, v->guest_select);
    if (v->guest_select < 2)
        st_le32(image + 12, (uint32_t)(v->features >> 32 * v->guest_select));
    st_le16(image + 16, NO_VECTOR);
    st_le16(image + 18, v->type->queues);
    image[20] = v->status;
    st_le16(image + 22, v->queue_select);
    st_le16(image + 26, NO_VECTOR);
    if (q != NULL) {
        st_le16(image + 24, q->size);
        st_le16(image + 28, q->enabled);
        st_le16(image + 30, v->queue_select);
        st_le64(image + 32, q->desc);
        st_le64(image + 40, q->avail);
        st_le64(image + 48, q->used);
    }
    return extract(image, sizeof image, off, size);
}

static void set_half(uint64_t *reg, unsigned half, uint64_t value)
{
    unsigned shift = 32 * half;
    *reg = (*reg & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)(uint32_t)value << shift;
}

static void common_write_queue(struct virtio_queue *q, uint64_t off, uint64_t value)
{
    if (q == NULL || q->enabled != 0)
        return;
    unsigned half = (unsigned)off >> 2 & 1;
    uint16_t size = (uint16_t)value;
    switch (off) {
    case 24:
        if (size != 0 && size <= VIRTIO_QUEUE_SIZE && (size & (size - 1)) == 0)
            q->size = size;
        break;
    case 28:
        q->enabled = value == 1;
        break;
    case 32:
    case 36:
        set_half(&q->desc, half, value);
        break;
    case 40:
    case 44:
        set_half(&q->avail, half, value);
        break;
    case 48:
    case 52:
        set_half(&q->used, half, value);
        break;
    default:
        break;
    }
}

static void common_write(struct virtio *v, uint64_t off, uint64_t value)
{
    switch (off) {
    case 0:
        v->host_select = (uint32_t)value;
        break;
    case 8:
        v->guest_select = (uint32_t)value;
        break;
    case 12:
        if (v->guest_select < 2 && (v->status & VIRTIO_FEATURES_OK) == 0)
            set_half(&v->features, v->guest_select, value);
        break;
    case 20:
        set_status(v, (uint8_t)value);
        break;
    case 22:
        v->queue_select = (uint16_t)value;
        break;
    default:
        common_write_queue(selected(v), off, value);
        break;
    }
}

static uint64_t modern_read(struct device *dev, uint64_t off, unsigned size)
{
    struct virtio *v = virtio_of(dev);
    uint64_t reg = off % REGION_SIZE;
    switch ((enum region)(off / REGION_SIZE)) {
    case REGION_COMMON:
        return common_read(v, reg, size);
    case REGION_ISR:
        return reg == 0 ? read_isr(v) : 0;
    case REGION_DEVICE:
        return config_read(v, reg, size, false);
    case REGION_NOTIFY:
    case REGIONS:
        break;
    }
    return 0;
}

static void modern_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct virtio *v = virtio_of(dev);
    uint64_t reg = off % REGION_SIZE;
    if (off / REGION_SIZE == REGION_COMMON)
        common_write(v, reg, value);
    else if (off / REGION_SIZE == REGION_NOTIFY)
        virtio_kick(v, (unsigned)reg / NOTIFY_MULTIPLY);
    else if (off / REGION_SIZE == REGION_DEVICE)
        config_write(v, reg, size, value);
}

static const struct io_ops legacy_ops = {.read = legacy_read, .write = legacy_write};
static const struct io_ops modern_ops = {.read = modern_read, .write = modern_write};

/* VIRTIO 1.1, 4.1.4. The notify capability is longer by its multiplier, so it
 * comes last in the list. */
static void put_capabilities(struct virtio *v)
{
    static const uint8_t order[REGIONS] = {REGION_COMMON, REGION_ISR, REGION_DEVICE, REGION_NOTIFY};
    uint8_t *config = v->pci.config;
    config[6] |= 0x10; /* status: there is a list */
    config[0x34] = CAP_FIRST;
    for (unsigned i = 0; i < REGIONS; i++) {
        unsigned at = CAP_FIRST + i * CAP_SIZE;
        uint8_t *cap = config + at;
        unsigned region = order[i];
        bool last = i == REGIONS - 1;
        memset(cap, 0, CAP_SIZE);
        cap[0] = 0x09; /* vendor-specific */
        cap[1] = last ? 0 : (uint8_t)(at + CAP_SIZE);
        cap[2] = last ? CAP_SIZE + 4 : CAP_SIZE;
        cap[3] = (uint8_t)(region + 1);
        cap[4] = MODERN_BAR;
        st_le32(cap + 8, region * REGION_SIZE);
        st_le32(cap + 12, region == REGION_COMMON ? COMMON_SIZE : REGION_SIZE);
        if (last)
            st_le32(cap + CAP_SIZE, NOTIFY_MULTIPLY);
    }
}

void virtio_dev_reset(struct device *dev)
{
    struct virtio *v = virtio_of(dev);
    pci_dev_reset(&v->pci);
    put_capabilities(v);
    device_reset(v);
}

void virtio_dev_loaded(struct device *dev)
{
    pci_dev_loaded(&virtio_of(dev)->pci);
}

void virtio_init(struct virtio *v, const struct virtio_type *type, uint64_t extra,
                 const struct dev_ops *ops, const char *id, struct platform *p, struct pci_bus *bus,
                 unsigned slot)
{
    struct pci_class class = {
        .vendor = VENDOR,
        .device = type->pci_device,
        .subvendor = VENDOR,
        .subdevice = type->virtio_id,
        .subclass = type->subclass,
        .base_class = type->base_class,
        .int_pin = 1,
    };
    CHECK(type->queues <= VIRTIO_QUEUES_MAX && type->config_size <= VIRTIO_CONFIG_MAX,
          "%s: too many queues or registers", id);
    *v = (struct virtio){.type = type};
    v->host_features = F_COMMON | type->features | extra;
    dev_init(&v->pci.dev, ops, id, p);
    dev_timer_init(&v->timer, &v->pci.dev, fire);
    v->pci.bar[LEGACY_BAR] = (struct pci_bar){.size = LEGACY_SIZE, .io = true, .ops = &legacy_ops};
    v->pci.bar[MODERN_BAR] = (struct pci_bar){.size = REGIONS * REGION_SIZE, .ops = &modern_ops};
    pci_dev_init(&v->pci, bus, slot, 0, &class);
    virtio_dev_reset(&v->pci.dev);
}
