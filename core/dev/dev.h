/*
 * What a device (chip) sees of the machine, and what the machine sees of it.
 *
 * A device is a struct that starts with `struct device`. It has no file-scope
 * state, calls nothing of the host, knows no time but dev_now(), and touches
 * other chips only through irq lines, its bus and dma. Everything that a
 * guest can ever see of it is in its state table, timers included: saving and
 * loading that table is a complete snapshot. A guest may write anything to
 * any register; the device must stay whole.
 */
#ifndef CORE_DEV_DEV_H
#define CORE_DEV_DEV_H

#include "core/base/base.h"
#include "core/base/buf.h"
#include "core/base/state.h"

struct device;
struct net_frame;
struct net_queue;

/* Register values are little-endian device values: the byte at `off` is the
 * low byte, whatever the byte order of the vcpu (the bus swaps for a
 * big-endian one), unless `native` is set (then the value is what the vcpu's
 * register holds). size is 1, 2 or 4; off + size stays inside the range. */
struct io_ops {
    uint64_t (*read)(struct device *dev, uint64_t off, unsigned size);
    void (*write)(struct device *dev, uint64_t off, unsigned size, uint64_t value);
    bool native;
};

struct dev_ops {
    const char *name;                 /* chip name */
    const struct state_field *fields; /* everything that a guest can see */
    void (*reset)(struct device *dev); /* power-on and machine reset */
    /* After state_load: derive the rest (irq outputs, bus mappings). Must not
     * change any field. May be NULL. */
    void (*loaded)(struct device *dev);
    /* Bytes of a console channel arrived: take up to n, return how many. The
     * rest is offered again after platform->input_wanted(). May be NULL. */
    size_t (*input)(struct device *dev, const uint8_t *bytes, size_t n);
    /* A BREAK arrived behind those bytes. NULL: the channel has no such thing. */
    void (*input_break)(struct device *dev);
    /* May be NULL. True once the guest listens: piped input waits for that. */
    bool (*input_ready)(struct device *dev);
    /* Network cards only, NULL in others. Between epochs: a frame for the card, that reaches it
     * at its due time. True: it is the card's now, with its holds; false: no room, nothing was
     * done. */
    bool (*frame)(struct device *dev, struct net_frame *f);
    /* The frames on their way to it: to be part of snapshots (see core/net_queue.h). */
    struct net_queue *(*inbox)(struct device *dev);
};

#define TIMER_OFF UINT64_MAX

struct dev_timer {
    uint64_t deadline; /* virtual ns, TIMER_OFF when not set; in the owner's state table */
    void (*fire)(struct device *dev); /* called once deadline is reached; deadline is TIMER_OFF then */
    struct device *dev;
};

/* HALT: the boot ROM cannot go on. */
enum power_event { POWER_OFF, POWER_RESET, POWER_HALT };

/* What happened to a frame: the argument `dir` of EVENT_FRAME. */
enum frame_dir { FRAME_OUT, FRAME_IN, FRAME_LOST, FRAME_NO_ROOM };

/* What a balloon does: gives a page back to the guest, takes one away, or gives back all. */
enum balloon_op { BALLOON_OUT, BALLOON_IN, BALLOON_ALL_OUT };

enum dma_dir { DMA_TO_DEVICE, DMA_TO_MEMORY };

/* The device that was last at its rings or tables in memory, and what for: told to whoever watches the
 * memory that it touches. No state, no guest can tell. */
struct dev_request {
    const struct device *dev;
    unsigned queue, head; /* numbers + 1 of a queue, and of a request's first descriptor; 0: none */
    uint64_t frame;       /* of the network, that is being received; 0: none */
};

/* The machine's side; a unit test fills one in by hand. */
struct platform {
    uint64_t (*now)(struct platform *p); /* virtual ns of the current instruction */
    void (*add_device)(struct platform *p, struct device *dev);
    void (*add_timer)(struct platform *p, struct dev_timer *t);
    void (*timer_changed)(struct platform *p, struct dev_timer *t);
    /* Copy between a buffer and guest-physical memory; false if any byte is
     * outside RAM (then nothing was copied). Logged as a DMA event of `dev`,
     * unless that is NULL. */
    bool (*dma)(struct platform *p, struct device *dev, enum dma_dir dir, uint64_t pa, void *bytes,
                size_t n);
    /* Console output of a device. */
    void (*output)(struct platform *p, struct device *dev, const uint8_t *bytes, size_t n);
    void (*input_wanted)(struct platform *p, struct device *dev);
    void (*power)(struct platform *p, enum power_event what);
    /* Of the page at `pa`; nothing happens where that makes no sense. May be NULL. */
    void (*balloon)(struct platform *p, uint64_t pa, enum balloon_op op);
    struct dev_request serving;
    uint64_t wall_clock;   /* seconds since 1970-01-01 UTC at power-on: an input */
    uint64_t entropy_seed; /* seed of virtio-rng and the like: an input */
    bool big_endian;       /* byte order of the vcpus */

    /* For network cards; NULL in a machine without. A machine page is named by its number + 1. */
    /* The whole page of RAM at `pa`, a multiple of PAGE_SIZE: what it holds now stays readable
     * under the number that is returned until that is released; a later write of the guest goes
     * to another page. 0: not possible, the caller copies. */
    uint64_t (*hold_page)(struct platform *p, uint64_t pa);
    void (*release_page)(struct platform *p, uint64_t mpn1);
    void (*read_page)(struct platform *p, uint64_t mpn1, size_t off, void *out, size_t n);
    /* The page of RAM at `pa` is from now on the content of that machine page, which the caller
     * still has its own hold on; an EVENT_REMAP, instead of a DMA. False: not possible, the caller
     * copies. */
    bool (*map_page)(struct platform *p, struct device *dev, uint64_t pa, uint64_t mpn1,
                     uint64_t frame);
    /* The card sends; the frame is the platform's, with its holds, and its due time is now. */
    void (*send_frame)(struct platform *p, struct device *dev, struct net_frame *f);
    void (*frame_event)(struct platform *p, struct device *dev, enum frame_dir dir, uint64_t frame,
                        uint32_t len);
};

struct device {
    const struct dev_ops *ops;
    const char *id; /* unique in the machine: "uart0" */
    struct platform *platform;
};

/* First thing in each chip's init: fills `dev` and registers it for state,
 * reset and input, in creation order. The caller owns the storage, which must
 * stay in place. */
static inline void dev_init(struct device *dev, const struct dev_ops *ops, const char *id,
                            struct platform *p)
{
    *dev = (struct device){.ops = ops, .id = id, .platform = p};
    p->add_device(p, dev);
}

static inline uint64_t dev_now(struct device *dev)
{
    return dev->platform->now(dev->platform);
}

static inline void dev_timer_init(struct dev_timer *t, struct device *dev,
                                  void (*fire)(struct device *dev))
{
    *t = (struct dev_timer){.deadline = TIMER_OFF, .fire = fire, .dev = dev};
    dev->platform->add_timer(dev->platform, t);
}

/* A deadline in the past fires before the next instruction. */
static inline void dev_timer_set(struct dev_timer *t, uint64_t deadline)
{
    t->deadline = deadline;
    t->dev->platform->timer_changed(t->dev->platform, t);
}

/* Data that the device moves: disk sectors, text, entropy, frames. An event. */
static inline bool dev_dma(struct device *dev, enum dma_dir dir, uint64_t pa, void *bytes, size_t n)
{
    return dev->platform->dma(dev->platform, dev, dir, pa, bytes, n);
}

/* Access to what tells the device about its data: rings, descriptors, tables
 * of regions, request headers and status bytes. Not an event (see event.def). */
static inline bool dev_dma_control(struct device *dev, enum dma_dir dir, uint64_t pa, void *bytes,
                                   size_t n)
{
    if (dev->platform->serving.dev != dev)
        dev->platform->serving = (struct dev_request){.dev = dev};
    return dev->platform->dma(dev->platform, NULL, dir, pa, bytes, n);
}

/* An output pin, wired to an input of a chip or of the vcpu. Level, not edge;
 * setting the same level again is harmless. */
struct irq {
    void (*set)(void *ctx, unsigned n, bool level);
    void *ctx;
    unsigned n;
};

static inline void irq_set(const struct irq *irq, bool level)
{
    if (irq->set != NULL)
        irq->set(irq->ctx, irq->n, level);
}

#endif
