/*
 * 8254 timer.
 *
 * A channel does not count: it knows the clock tick at which it was (re)loaded,
 * and the count, the output and its next change are functions of the ticks
 * elapsed since. Ticks are floor(ns * 1193182 / 10^9) in 128-bit arithmetic
 * from virtual time 0, so nothing can drift.
 *
 * A new count is taken at once also in modes 2 and 3, where the data sheet
 * lets the current period end first. The clock in which the counter is loaded
 * is not modelled.
 *
 * Source: Intel 82C54 data sheet (order number 231244).
 */
#include "core/dev/i8254.h"

#define NS_PER_S 1000000000u
#define REFRESH_NS 15085 /* half period of the refresh toggle in port 0x61 */

enum { PORT61_GATE = 1 << 0, PORT61_SPEAKER = 1 << 1, PORT61_REFRESH = 1 << 4, PORT61_OUT2 = 1 << 5 };

static uint64_t ticks_at(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * I8254_HZ / NS_PER_S);
}

/* The first ns at which ticks_at() is `ticks`. */
static uint64_t ns_of(uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)ticks * NS_PER_S + I8254_HZ - 1) / I8254_HZ);
}

static bool is_hardware_triggered(unsigned mode)
{
    return mode == 1 || mode == 5;
}

static bool is_paused(const struct i8254 *pit, unsigned n)
{
    return pit->gate[n] == 0 && !is_hardware_triggered(pit->mode[n]);
}

static uint64_t elapsed(const struct i8254 *pit, unsigned n, uint64_t ticks)
{
    return is_paused(pit, n) ? pit->paused_at[n] : ticks - pit->epoch[n];
}

static uint16_t to_bcd(unsigned v)
{
    return (uint16_t)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12);
}

static unsigned from_bcd(unsigned v)
{
    return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}

static uint16_t count(const struct i8254 *pit, unsigned n, uint64_t ticks)
{
    uint64_t reload = pit->reload[n], e = elapsed(pit, n, ticks);
    unsigned modulus = pit->bcd[n] ? 10000 : 0x10000;
    uint64_t value;
    if (!pit->armed[n])
        value = reload;
    else if (pit->mode[n] == 2)
        value = reload - e % reload;
    else if (pit->mode[n] == 3)
        value = reload - 2 * e % reload;
    else
        value = reload + modulus - e % modulus;
    value %= modulus;
    return pit->bcd[n] ? to_bcd((unsigned)value) : (uint16_t)value;
}

static bool output(const struct i8254 *pit, unsigned n, uint64_t ticks)
{
    uint64_t reload = pit->reload[n], e = elapsed(pit, n, ticks);
    if (!pit->armed[n])
        return pit->mode[n] != 0;
    switch (pit->mode[n]) {
    case 0:
    case 1:
        return e >= reload;
    case 2:
        return pit->gate[n] == 0 || e % reload != reload - 1;
    case 3:
        return pit->gate[n] == 0 || e % reload < (reload + 1) / 2;
    default:
        return e != reload;
    }
}

/* Elapsed ticks at which the output changes next, or TIMER_OFF. */
static uint64_t next_change(const struct i8254 *pit, unsigned n, uint64_t e)
{
    uint64_t reload = pit->reload[n], begin = e - e % reload, phase = e % reload;
    if (!pit->armed[n] || is_paused(pit, n))
        return TIMER_OFF;
    switch (pit->mode[n]) {
    case 0:
    case 1:
        return e < reload ? reload : TIMER_OFF;
    case 2:
        return begin + (phase < reload - 1 ? reload - 1 : reload);
    case 3:
        return begin + (phase < (reload + 1) / 2 ? (reload + 1) / 2 : reload);
    default:
        return e < reload ? reload : e == reload ? reload + 1 : TIMER_OFF;
    }
}

/* After any change of channel 0. */
static void update(struct i8254 *pit)
{
    uint64_t ticks = ticks_at(dev_now(&pit->dev));
    uint64_t next = next_change(pit, 0, elapsed(pit, 0, ticks));
    dev_timer_set(&pit->timer, next == TIMER_OFF ? TIMER_OFF : ns_of(pit->epoch[0] + next));
    irq_set(&pit->out, output(pit, 0, ticks));
}

static void fire(struct device *dev)
{
    update(container_of(dev, struct i8254, dev));
}

static void load_count(struct i8254 *pit, unsigned n, unsigned value)
{
    if (pit->bcd[n])
        value = from_bcd(value) % 10000;
    if (value == 0)
        value = pit->bcd[n] ? 10000 : 0x10000;
    if ((pit->mode[n] == 2 || pit->mode[n] == 3) && value == 1)
        value = 2; /* 1 is not allowed in these modes */
    pit->reload[n] = value;
    pit->null_count[n] = 0;
    if (is_hardware_triggered(pit->mode[n]))
        return;
    pit->epoch[n] = ticks_at(dev_now(&pit->dev));
    pit->paused_at[n] = 0;
    pit->armed[n] = 1;
}

static void write_count(struct i8254 *pit, unsigned n, uint8_t value)
{
    switch (pit->access[n]) {
    case 1:
        load_count(pit, n, value);
        break;
    case 2:
        load_count(pit, n, (unsigned)value << 8);
        break;
    default:
        if (pit->write_high[n]) {
            pit->write_high[n] = 0;
            load_count(pit, n, (unsigned)value << 8 | pit->write_low[n]);
        } else {
            pit->write_high[n] = 1;
            pit->write_low[n] = value;
            if (pit->mode[n] == 0)
                pit->armed[n] = 0; /* the first byte stops the counting */
        }
        break;
    }
    if (n == 0)
        update(pit);
}

static void latch_count(struct i8254 *pit, unsigned n)
{
    if (pit->latched[n] != 0)
        return;
    pit->latch[n] = count(pit, n, ticks_at(dev_now(&pit->dev)));
    pit->latched[n] = pit->access[n] == 3 ? 2 : 1;
}

static void latch_status(struct i8254 *pit, unsigned n)
{
    if (pit->status_latched[n])
        return;
    bool out = output(pit, n, ticks_at(dev_now(&pit->dev)));
    pit->status[n] = (uint8_t)(out << 7 | pit->null_count[n] << 6 | pit->access[n] << 4 |
                               pit->mode[n] << 1 | pit->bcd[n]);
    pit->status_latched[n] = 1;
}

static void write_control(struct i8254 *pit, uint8_t value)
{
    unsigned n = value >> 6, access = value >> 4 & 3, mode = value >> 1 & 7;
    if (n == 3) {
        for (unsigned i = 0; i < 3; i++) {
            if ((value >> (i + 1) & 1) == 0)
                continue;
            if ((value & 0x20) == 0)
                latch_count(pit, i);
            if ((value & 0x10) == 0)
                latch_status(pit, i);
        }
        return;
    }
    if (access == 0) {
        latch_count(pit, n);
        return;
    }
    pit->mode[n] = (uint8_t)(mode > 5 ? mode - 4 : mode); /* 6 and 7 are 2 and 3 */
    pit->access[n] = (uint8_t)access;
    pit->bcd[n] = value & 1;
    pit->armed[n] = 0;
    pit->null_count[n] = 1;
    pit->write_high[n] = 0;
    pit->read_high[n] = 0;
    pit->latched[n] = 0;
    pit->status_latched[n] = 0;
    if (n == 0)
        update(pit);
}

static uint8_t read_count(struct i8254 *pit, unsigned n)
{
    if (pit->status_latched[n]) {
        pit->status_latched[n] = 0;
        return pit->status[n];
    }
    bool is_latched = pit->latched[n] != 0;
    uint16_t value = is_latched ? pit->latch[n] : count(pit, n, ticks_at(dev_now(&pit->dev)));
    bool high = pit->access[n] == 2;
    if (pit->access[n] == 3) {
        high = pit->read_high[n];
        pit->read_high[n] = !high;
    }
    if (is_latched)
        pit->latched[n]--;
    return (uint8_t)(high ? value >> 8 : value);
}

static void set_gate(struct i8254 *pit, unsigned n, bool gate)
{
    uint64_t ticks = ticks_at(dev_now(&pit->dev));
    if (pit->gate[n] == gate)
        return;
    if (!gate) {
        pit->paused_at[n] = ticks - pit->epoch[n];
    } else if (pit->mode[n] == 0 || pit->mode[n] == 4) {
        pit->epoch[n] = ticks - pit->paused_at[n];
    } else {
        pit->epoch[n] = ticks;
        if (is_hardware_triggered(pit->mode[n]) && !pit->null_count[n])
            pit->armed[n] = 1;
    }
    pit->gate[n] = gate;
}

static uint64_t pit_read(struct device *dev, uint64_t off, unsigned size)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned n = (unsigned)off + i;
        value |= (uint64_t)(n < 3 ? read_count(pit, n) : 0) << (8 * i);
    }
    return value;
}

static void pit_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    for (unsigned i = 0; i < size; i++) {
        unsigned n = (unsigned)off + i;
        if (n < 3)
            write_count(pit, n, (uint8_t)(value >> (8 * i)));
        else
            write_control(pit, (uint8_t)(value >> (8 * i)));
    }
}

static uint64_t port61_read(struct device *dev, uint64_t off, unsigned size)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    uint64_t now = dev_now(dev);
    (void)off;
    (void)size;
    return (pit->gate[2] ? PORT61_GATE : 0u) | (pit->speaker ? PORT61_SPEAKER : 0u) |
           (now / REFRESH_NS % 2 ? PORT61_REFRESH : 0u) |
           (output(pit, 2, ticks_at(now)) ? PORT61_OUT2 : 0u);
}

static void port61_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    (void)off;
    (void)size;
    set_gate(pit, 2, (value & PORT61_GATE) != 0);
    pit->speaker = (value & PORT61_SPEAKER) != 0;
}

static const struct io_ops pit_ops = {.read = pit_read, .write = pit_write};
static const struct io_ops port61_ops = {.read = port61_read, .write = port61_write};

static void reset(struct device *dev)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    for (unsigned n = 0; n < 3; n++) {
        pit->epoch[n] = 0;
        pit->reload[n] = 0x10000;
        pit->mode[n] = 3;
        pit->bcd[n] = 0;
        pit->access[n] = 3;
        pit->armed[n] = 0;
        pit->null_count[n] = 1;
        pit->gate[n] = n != 2;
        pit->paused_at[n] = 0;
        pit->write_high[n] = 0;
        pit->write_low[n] = 0;
        pit->read_high[n] = 0;
        pit->latch[n] = 0;
        pit->latched[n] = 0;
        pit->status[n] = 0;
        pit->status_latched[n] = 0;
    }
    pit->speaker = 0;
    update(pit);
}

static void loaded(struct device *dev)
{
    struct i8254 *pit = container_of(dev, struct i8254, dev);
    /* A deadline that is due now has not fired yet: the level is the one before it. */
    dev_timer_set(&pit->timer, pit->timer.deadline);
}

#define FIELD(member, type) STATE_ARRAY(struct i8254, member, type)
static const struct state_field fields[] = {
    FIELD(epoch, uint64_t),
    FIELD(reload, uint32_t),
    FIELD(mode, uint8_t),
    FIELD(bcd, uint8_t),
    FIELD(access, uint8_t),
    FIELD(armed, uint8_t),
    FIELD(null_count, uint8_t),
    FIELD(gate, uint8_t),
    FIELD(paused_at, uint64_t),
    FIELD(write_high, uint8_t),
    FIELD(write_low, uint8_t),
    FIELD(read_high, uint8_t),
    FIELD(latch, uint16_t),
    FIELD(latched, uint8_t),
    FIELD(status, uint8_t),
    FIELD(status_latched, uint8_t),
    STATE(struct i8254, speaker),
    STATE(struct i8254, timer.deadline),
    STATE_END,
};
#undef FIELD

static const struct dev_ops ops = {
    .name = "i8254",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

void i8254_init(struct i8254 *pit, struct platform *p, const char *id, struct bus *io,
                struct irq out)
{
    *pit = (struct i8254){.out = out};
    dev_init(&pit->dev, &ops, id, p);
    dev_timer_init(&pit->timer, &pit->dev, fire);
    bus_map(io, 0x40, 4, &pit_ops, &pit->dev, "pit");
    bus_map(io, 0x61, 1, &port61_ops, &pit->dev, "port61");
    reset(&pit->dev);
}
