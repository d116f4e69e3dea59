/*
 * 8259A pair.
 *
 * A request is the latched rising edge of an input, or the level itself for a
 * level-triggered input. The output of a chip is on when the highest request
 * that is not masked has a higher priority than what is in service; in special
 * mask mode, levels in service that are masked do not count. The slave's
 * output is input 2 of the master.
 *
 * Source: Intel 8259A data sheet (order number 231468).
 */
#include "core/dev/i8259.h"

enum {
    MASTER = 0,
    SLAVE = 1,
    CASCADE = 2,
    NONE = 8,
    ICW1 = 1 << 4,
    ICW1_NEED_ICW4 = 1 << 0,
    ICW1_SINGLE = 1 << 1,
    ICW1_LEVEL = 1 << 3,
    ICW4_AUTO_EOI = 1 << 1,
    ICW4_NESTED = 1 << 4,
    OCW3 = 1 << 3,
    ELCR_MASTER_BITS = 0xf8, /* inputs 0, 1 and 2 are always edge-triggered */
    ELCR_SLAVE_BITS = 0xde,  /* so are 8 and 13 */
};

static bool is_level(const struct i8259 *pic, unsigned c, unsigned n)
{
    return pic->ltim[c] != 0 || (pic->elcr[c] >> n & 1) != 0;
}

/* The input of highest priority in `set`, NONE if it is empty. */
static unsigned highest(const struct i8259 *pic, unsigned c, uint8_t set)
{
    for (unsigned i = 1; i <= 8; i++) {
        unsigned n = (pic->lowest[c] + i) & 7;
        if (set >> n & 1)
            return n;
    }
    return NONE;
}

static unsigned rank(const struct i8259 *pic, unsigned c, unsigned n)
{
    return n == NONE ? NONE : (n - pic->lowest[c] - 1) & 7;
}

/* The request that the chip signals, or NONE. */
static unsigned pending(const struct i8259 *pic, unsigned c)
{
    uint8_t requests = pic->irr[c] & (uint8_t)~pic->imr[c];
    uint8_t service = pic->isr[c];
    if (pic->special_mask[c])
        service &= (uint8_t)~pic->imr[c];
    /* In special fully nested mode the slave may interrupt itself through the master. */
    if (pic->nested[c] && c == MASTER)
        service &= (uint8_t)~(1 << CASCADE);
    unsigned n = highest(pic, c, requests);
    if (pic->init_step[c] != 0 || rank(pic, c, n) >= rank(pic, c, highest(pic, c, service)))
        return NONE;
    return n;
}

static void set_line(struct i8259 *pic, unsigned c, unsigned n, bool level)
{
    uint8_t bit = (uint8_t)(1 << n);
    if (level) {
        if (is_level(pic, c, n) || (pic->line[c] & bit) == 0)
            pic->irr[c] |= bit;
        pic->line[c] |= bit;
    } else {
        /* An edge request whose line drops before the acknowledge is lost: the cause of
         * spurious interrupts. */
        pic->irr[c] &= (uint8_t)~bit;
        pic->line[c] &= (uint8_t)~bit;
    }
}

static void update(struct i8259 *pic)
{
    set_line(pic, MASTER, CASCADE, pending(pic, SLAVE) != NONE);
    irq_set(&pic->out, pending(pic, MASTER) != NONE);
}

static void input(void *ctx, unsigned n, bool level)
{
    struct i8259 *pic = ctx;
    if (n == CASCADE)
        return;
    set_line(pic, n >> 3, n & 7, level);
    update(pic);
}

struct irq i8259_input(struct i8259 *pic, unsigned n)
{
    return (struct irq){.set = input, .ctx = pic, .n = n & 15};
}

static void accept(struct i8259 *pic, unsigned c, unsigned n)
{
    if (pic->auto_eoi[c]) {
        if (pic->rotate_auto[c])
            pic->lowest[c] = (uint8_t)n;
    } else {
        pic->isr[c] |= (uint8_t)(1 << n);
    }
    if (!is_level(pic, c, n))
        pic->irr[c] &= (uint8_t)~(1 << n);
}

uint8_t i8259_ack(struct i8259 *pic)
{
    unsigned n = pending(pic, MASTER);
    if (n == NONE)
        return (uint8_t)(pic->base[MASTER] + 7);
    uint8_t vector = (uint8_t)(pic->base[MASTER] + n);
    accept(pic, MASTER, n);
    if (n == CASCADE && !pic->single[MASTER]) {
        unsigned s = pending(pic, SLAVE);
        vector = (uint8_t)(pic->base[SLAVE] + (s == NONE ? 7 : s));
        if (s != NONE) {
            accept(pic, SLAVE, s);
            /* The slave's output falls for a moment, so that a further request of it is an
             * edge for the master. */
            set_line(pic, MASTER, CASCADE, false);
        }
    }
    update(pic);
    return vector;
}

static void write_icw1(struct i8259 *pic, unsigned c, uint8_t value)
{
    pic->ltim[c] = (value & ICW1_LEVEL) != 0;
    pic->imr[c] = 0;
    pic->isr[c] = 0;
    pic->lowest[c] = 7;
    pic->special_mask[c] = 0;
    pic->read_isr[c] = 0;
    pic->poll[c] = 0;
    pic->auto_eoi[c] = 0;
    pic->rotate_auto[c] = 0;
    pic->nested[c] = 0;
    pic->need_icw4[c] = (value & ICW1_NEED_ICW4) != 0;
    pic->single[c] = (value & ICW1_SINGLE) != 0;
    pic->init_step[c] = 2;
    /* The edge sense circuit is reset: a line must rise again. */
    pic->irr[c] = 0;
    for (unsigned n = 0; n < 8; n++) {
        if (is_level(pic, c, n))
            pic->irr[c] |= pic->line[c] & (uint8_t)(1 << n);
    }
}

static void write_ocw2(struct i8259 *pic, unsigned c, uint8_t value)
{
    unsigned n = value & 7;
    bool rotate = (value & 0x80) != 0, specific = (value & 0x40) != 0, eoi = (value & 0x20) != 0;
    if (!eoi) {
        if (specific && rotate)
            pic->lowest[c] = (uint8_t)n; /* set priority */
        else if (!specific)
            pic->rotate_auto[c] = rotate;
        return;
    }
    if (!specific) {
        uint8_t service = pic->isr[c];
        if (pic->special_mask[c])
            service &= (uint8_t)~pic->imr[c];
        n = highest(pic, c, service);
        if (n == NONE)
            return;
    }
    pic->isr[c] &= (uint8_t)~(1 << n);
    if (rotate)
        pic->lowest[c] = (uint8_t)n;
}

static void write_command(struct i8259 *pic, unsigned c, uint8_t value)
{
    if (value & ICW1) {
        write_icw1(pic, c, value);
    } else if (value & OCW3) {
        if (value & 0x04)
            pic->poll[c] = 1;
        if (value & 0x02)
            pic->read_isr[c] = value & 1;
        if (value & 0x40)
            pic->special_mask[c] = value >> 5 & 1;
    } else {
        write_ocw2(pic, c, value);
    }
}

static void write_data(struct i8259 *pic, unsigned c, uint8_t value)
{
    switch (pic->init_step[c]) {
    case 2:
        pic->base[c] = value & 0xf8;
        pic->init_step[c] = pic->single[c] ? (pic->need_icw4[c] ? 4 : 0) : 3;
        break;
    case 3: /* cascade wiring is fixed */
        pic->init_step[c] = pic->need_icw4[c] ? 4 : 0;
        break;
    case 4:
        pic->nested[c] = (value & ICW4_NESTED) != 0;
        pic->auto_eoi[c] = (value & ICW4_AUTO_EOI) != 0;
        pic->init_step[c] = 0;
        break;
    default:
        pic->imr[c] = value;
        break;
    }
}

static uint8_t read_poll(struct i8259 *pic, unsigned c)
{
    unsigned n = pending(pic, c);
    pic->poll[c] = 0;
    if (n == NONE)
        return 0;
    accept(pic, c, n);
    if (c == SLAVE)
        set_line(pic, MASTER, CASCADE, false);
    update(pic);
    return (uint8_t)(0x80 | n);
}

static uint64_t read_port(struct i8259 *pic, unsigned c, unsigned off)
{
    if (pic->poll[c])
        return read_poll(pic, c);
    if (off == 1)
        return pic->imr[c];
    return pic->read_isr[c] ? pic->isr[c] : pic->irr[c];
}

static void write_port(struct i8259 *pic, unsigned c, unsigned off, uint8_t value)
{
    if (off == 0)
        write_command(pic, c, value);
    else
        write_data(pic, c, value);
    update(pic);
}

static uint64_t master_read(struct device *dev, uint64_t off, unsigned size)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    uint64_t value = read_port(pic, MASTER, (unsigned)off);
    return size == 1 ? value : value | read_port(pic, MASTER, 1) << 8;
}

static void master_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    write_port(pic, MASTER, (unsigned)off, (uint8_t)value);
    if (size > 1)
        write_port(pic, MASTER, 1, (uint8_t)(value >> 8));
}

static uint64_t slave_read(struct device *dev, uint64_t off, unsigned size)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    uint64_t value = read_port(pic, SLAVE, (unsigned)off);
    return size == 1 ? value : value | read_port(pic, SLAVE, 1) << 8;
}

static void slave_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    write_port(pic, SLAVE, (unsigned)off, (uint8_t)value);
    if (size > 1)
        write_port(pic, SLAVE, 1, (uint8_t)(value >> 8));
}

static uint64_t elcr_read(struct device *dev, uint64_t off, unsigned size)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    return size == 1 ? pic->elcr[off & 1] : pic->elcr[0] | (uint64_t)pic->elcr[1] << 8;
}

static void elcr_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    static const uint8_t writable[2] = {ELCR_MASTER_BITS, ELCR_SLAVE_BITS};
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    for (unsigned i = 0; i < size; i++) {
        unsigned c = (unsigned)(off + i) & 1;
        pic->elcr[c] = (uint8_t)(value >> (8 * i)) & writable[c];
        pic->irr[c] |= pic->line[c] & pic->elcr[c];
    }
    update(pic);
}

static const struct io_ops master_ops = {.read = master_read, .write = master_write};
static const struct io_ops slave_ops = {.read = slave_read, .write = slave_write};
static const struct io_ops elcr_ops = {.read = elcr_read, .write = elcr_write};

static void reset(struct device *dev)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    for (unsigned c = 0; c < 2; c++) {
        pic->elcr[c] = 0;
        write_icw1(pic, c, 0);
        pic->base[c] = 0;
        pic->init_step[c] = 0;
    }
    update(pic);
}

static void loaded(struct device *dev)
{
    struct i8259 *pic = container_of(dev, struct i8259, dev);
    irq_set(&pic->out, pending(pic, MASTER) != NONE);
}

#define FIELD(member) STATE_ARRAY(struct i8259, member, uint8_t)
static const struct state_field fields[] = {
    FIELD(line),      FIELD(irr),         FIELD(imr),    FIELD(isr),          FIELD(elcr),
    FIELD(ltim),      FIELD(base),        FIELD(lowest), FIELD(init_step),    FIELD(need_icw4),
    FIELD(single),    FIELD(auto_eoi),    FIELD(rotate_auto), FIELD(nested),  FIELD(special_mask),
    FIELD(read_isr),  FIELD(poll),        STATE_END,
};
#undef FIELD

static const struct dev_ops ops = {
    .name = "i8259",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

void i8259_init(struct i8259 *pic, struct platform *p, const char *id, struct bus *io,
                struct irq out)
{
    *pic = (struct i8259){.out = out};
    dev_init(&pic->dev, &ops, id, p);
    bus_map(io, 0x20, 2, &master_ops, &pic->dev, "pic-master");
    bus_map(io, 0xa0, 2, &slave_ops, &pic->dev, "pic-slave");
    bus_map(io, 0x4d0, 2, &elcr_ops, &pic->dev, "elcr");
    reset(&pic->dev);
}
