/*
 * A machine for device tests: virtual time that the test moves, timers, RAM,
 * captured console output and power events, and interrupt lines that are
 * counted. Everything is static inline: include it in one program.
 */
#ifndef TESTS_UNIT_FAKE_PLATFORM_H
#define TESTS_UNIT_FAKE_PLATFORM_H

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/dev/dev.h"

#define FAKE_DEVICES 64
#define FAKE_RAM     (1 << 20)

struct fake {
    struct platform platform; /* first */
    uint64_t now;
    struct device *dev[FAKE_DEVICES];
    unsigned devices;
    struct dev_timer *timer[FAKE_DEVICES];
    unsigned timers;
    uint64_t fired; /* timer callbacks so far */
    struct buf output;
    unsigned wanted; /* calls of input_wanted */
    unsigned power[3];
    uint8_t *ram;
};

static inline uint64_t fake_now(struct platform *p)
{
    return ((struct fake *)p)->now;
}

static inline void fake_add_device(struct platform *p, struct device *dev)
{
    struct fake *f = (struct fake *)p;
    CHECK(f->devices < FAKE_DEVICES, "%u devices", f->devices);
    f->dev[f->devices++] = dev;
}

static inline void fake_add_timer(struct platform *p, struct dev_timer *t)
{
    struct fake *f = (struct fake *)p;
    CHECK(f->timers < FAKE_DEVICES, "%u timers", f->timers);
    f->timer[f->timers++] = t;
}

static inline void fake_timer_changed(struct platform *p, struct dev_timer *t)
{
    (void)p;
    (void)t;
}

static inline bool fake_dma(struct platform *p, struct device *dev, enum dma_dir dir, uint64_t pa,
                            void *bytes, size_t n)
{
    struct fake *f = (struct fake *)p;
    (void)dev;
    if (pa > FAKE_RAM || n > FAKE_RAM - pa)
        return false;
    if (dir == DMA_TO_DEVICE)
        memcpy(bytes, f->ram + pa, n);
    else
        memcpy(f->ram + pa, bytes, n);
    return true;
}

static inline void fake_output(struct platform *p, struct device *dev, const uint8_t *bytes,
                               size_t n)
{
    (void)dev;
    buf_put(&((struct fake *)p)->output, bytes, n);
}

static inline void fake_input_wanted(struct platform *p, struct device *dev)
{
    (void)dev;
    ((struct fake *)p)->wanted++;
}

static inline void fake_power(struct platform *p, enum power_event what)
{
    ((struct fake *)p)->power[what]++;
}

static inline void fake_init(struct fake *f)
{
    *f = (struct fake){
        .platform =
            {
                .now = fake_now,
                .add_device = fake_add_device,
                .add_timer = fake_add_timer,
                .timer_changed = fake_timer_changed,
                .dma = fake_dma,
                .output = fake_output,
                .input_wanted = fake_input_wanted,
                .power = fake_power,
                .wall_clock = 1700000000, /* 2023-11-14 22:13:20, a Tuesday */
                .entropy_seed = 1,
            },
        .ram = xcalloc(1, FAKE_RAM),
    };
}

static inline void fake_fini(struct fake *f)
{
    buf_free(&f->output);
    free(f->ram);
}

/* Move time to `when`, firing timers in the order of their deadlines. */
static inline void fake_advance_to(struct fake *f, uint64_t when)
{
    for (;;) {
        struct dev_timer *next = NULL;
        for (unsigned i = 0; i < f->timers; i++) {
            if (f->timer[i]->deadline <= when &&
                (next == NULL || f->timer[i]->deadline < next->deadline))
                next = f->timer[i];
        }
        if (next == NULL)
            break;
        f->now = max_u64(f->now, next->deadline);
        next->deadline = TIMER_OFF;
        f->fired++;
        next->fire(next->dev);
    }
    f->now = max_u64(f->now, when);
}

static inline void fake_advance(struct fake *f, uint64_t ns)
{
    fake_advance_to(f, f->now + ns);
}

/* The state of all devices, in creation order. */
static inline void fake_save(const struct fake *f, struct buf *out)
{
    for (unsigned i = 0; i < f->devices; i++)
        state_save(f->dev[i]->ops->fields, f->dev[i], out);
}

/* Load all states first, then let the devices derive the rest. */
static inline void fake_load(struct fake *f, const uint8_t *in)
{
    for (unsigned i = 0; i < f->devices; i++) {
        state_load(f->dev[i]->ops->fields, f->dev[i], in);
        in += state_size(f->dev[i]->ops->fields);
    }
    for (unsigned i = 0; i < f->devices; i++) {
        if (f->dev[i]->ops->loaded != NULL)
            f->dev[i]->ops->loaded(f->dev[i]);
    }
}

/* A wire that remembers its level and counts rising edges. */
struct fake_wire {
    bool level;
    unsigned rises;
};

static inline void fake_wire_set(void *ctx, unsigned n, bool level)
{
    struct fake_wire *w = ctx;
    (void)n;
    w->rises += level && !w->level;
    w->level = level;
}

static inline struct irq fake_wire_irq(struct fake_wire *w)
{
    return (struct irq){.set = fake_wire_set, .ctx = w};
}

#endif
