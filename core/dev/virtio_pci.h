/*
 * Virtio over PCI, transitional: legacy registers in BAR 0 (I/O), the modern
 * structures in BAR 1 (memory), split queues, INTx. A virtio device embeds
 * `struct virtio` first and gives it a `struct virtio_type`.
 *
 * A queue is worked on when the device's timer fires, at least
 * VIRTIO_LATENCY_NS after the notification, never within it.
 *
 * Source: Virtual I/O Device (VIRTIO) 1.1, sections 2.6 and 4.1; legacy: the
 * "Legacy Interface" sections there.
 */
#ifndef CORE_DEV_VIRTIO_PCI_H
#define CORE_DEV_VIRTIO_PCI_H

#include "core/dev/pci.h"
#include "core/dev/virtio_ring.h"

#define VIRTIO_QUEUES_MAX 3
#define VIRTIO_CONFIG_MAX 64
#define VIRTIO_LATENCY_NS 100000 /* one epoch */

enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 0x40,
    VIRTIO_FAILED = 0x80,
};

struct virtio;

struct virtio_type {
    uint16_t pci_device; /* transitional: 0x1000 + n */
    uint16_t virtio_id;  /* subsystem id */
    uint8_t base_class, subclass;
    uint8_t queues;
    uint8_t config_size; /* bytes of the device's own configuration */
    uint64_t features;   /* those common to all are added */
    /* Do the request in `chain`; fill *used with the bytes written to it and
     * return true. False: nothing was done, the chain stays available until the
     * queue is kicked again. After virtio_broken(), for a chain that makes no
     * sense, it does not matter what is returned. */
    bool (*request)(struct virtio *v, unsigned queue, const struct virtio_chain *chain,
                    uint32_t *used);
    /* Bit per queue whose requests are not done one by one: there `serve` is called instead, which
     * takes them with virtio_peek() and so on. It must not do work without end. */
    uint8_t served;
    void (*serve)(struct virtio *v, unsigned queue);
    /* Fill config_size bytes; multi-byte fields with virtio_st16() and so on. */
    void (*config)(struct virtio *v, uint8_t *bytes, bool big_endian);
    /* The driver wrote to the device's own configuration; little-endian value. May be NULL. */
    void (*config_write)(struct virtio *v, uint64_t off, unsigned size, uint64_t value);
    void (*reset)(struct virtio *v); /* device reset by the driver, or power-on; may be NULL */
};

struct virtio {
    struct pci_dev pci; /* first */
    const struct virtio_type *type;
    uint64_t host_features; /* offered; constant after init */
    uint64_t features;      /* accepted */
    uint32_t host_select, guest_select;
    uint16_t queue_select;
    uint8_t status, isr;
    uint8_t kicked;      /* bit per queue: to be worked on when the timer fires */
    uint64_t busy_until; /* virtual ns: the last transfer keeps the device busy so long */
    struct virtio_queue queue[VIRTIO_QUEUES_MAX];
    struct dev_timer timer;
};

#define VIRTIO_STATE_FIELDS(type, member)                                                          \
    PCI_STATE_FIELDS(type, member.pci), STATE(type, member.features),                              \
        STATE(type, member.host_select), STATE(type, member.guest_select),                         \
        STATE(type, member.queue_select), STATE(type, member.status), STATE(type, member.isr),     \
        STATE(type, member.kicked), STATE(type, member.busy_until),                                \
        VIRTIO_QUEUE_STATE_FIELDS(type, member.queue[0]),                                          \
        VIRTIO_QUEUE_STATE_FIELDS(type, member.queue[1]),                                          \
        VIRTIO_QUEUE_STATE_FIELDS(type, member.queue[2]), STATE(type, member.timer.deadline)

/* `extra` are features that depend on the instance (a read-only disk). */
void virtio_init(struct virtio *v, const struct virtio_type *type, uint64_t extra,
                 const struct dev_ops *ops, const char *id, struct platform *p, struct pci_bus *bus,
                 unsigned slot);

/* The dev_ops of every virtio device; the device's own part is in its type. */
void virtio_dev_reset(struct device *dev);
void virtio_dev_loaded(struct device *dev);

/* Work on a queue soon, as if the driver had notified it. */
void virtio_kick(struct virtio *v, unsigned queue);
/* The device's own configuration changed: tell the driver. */
void virtio_config_changed(struct virtio *v);
/* The driver broke the rules: the device stops until it is reset. */
void virtio_broken(struct virtio *v);

/* Is the driver running, and the queue set up? */
bool virtio_ready(const struct virtio *v, unsigned queue);

/* For a queue that the device serves by itself, while it is ready. The chain that comes `ahead`
 * places behind the next one: false if there is none (yet), or the ring is bad and so the device
 * broken. Chains given back with `len` bytes written are seen by the driver in that order. */
bool virtio_peek(struct virtio *v, unsigned queue, unsigned ahead, struct virtio_chain *chain);
bool virtio_push(struct virtio *v, unsigned queue, uint16_t head, uint32_t len);
/* At the end, whether anything was pushed or not. `seen`: chains that are still there, were looked at,
 * and do not do without more: the driver is to notify of the one behind them. */
void virtio_finish(struct virtio *v, unsigned queue, unsigned seen);
static inline bool virtio_has(const struct virtio *v, unsigned feature)
{
    return (v->features >> feature & 1) != 0;
}

/* Byte order of what this driver put into memory: little-endian, except that
 * a legacy driver uses the vcpu's. */
bool virtio_big_endian(const struct virtio *v);

/* Copy between a buffer and the readable (writable) part of a chain, `off`
 * bytes into that part. False if it is too short, or outside RAM; then the
 * device is broken if it was the memory's fault. */
bool virtio_get(struct virtio *v, const struct virtio_chain *chain, uint64_t off, void *bytes,
                size_t n);
bool virtio_put(struct virtio *v, const struct virtio_chain *chain, uint64_t off, const void *bytes,
                size_t n);
/* The same for what is not data (see dev_dma_control). */
bool virtio_get_header(struct virtio *v, const struct virtio_chain *chain, uint64_t off,
                       void *bytes, size_t n);
bool virtio_put_status(struct virtio *v, const struct virtio_chain *chain, uint64_t off,
                       const void *bytes, size_t n);

static inline void virtio_st16(void *p, uint16_t v, bool big_endian)
{
    big_endian ? st_be16(p, v) : st_le16(p, v);
}

static inline void virtio_st32(void *p, uint32_t v, bool big_endian)
{
    big_endian ? st_be32(p, v) : st_le32(p, v);
}

static inline void virtio_st64(void *p, uint64_t v, bool big_endian)
{
    big_endian ? st_be64(p, v) : st_le64(p, v);
}

#endif
