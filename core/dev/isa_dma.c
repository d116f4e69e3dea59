/*
 * 8237 pair: registers hold what is written, requests never come.
 *
 * Register numbers follow the first controller (ports 0-15); the second one
 * has them at every other port from 0xc0.
 *
 * Source: Intel 8237A data sheet (order number 231466).
 */
#include "core/dev/isa_dma.h"

#include <string.h>

enum { COMMAND = 8, REQUEST, MASK_ONE, MODE, CLEAR_FLIP, MASTER_CLEAR, CLEAR_MASK, MASK_ALL };

static uint8_t read_register(struct isa_dma *dma, unsigned c, unsigned n)
{
    if (n < 8) {
        uint16_t value = dma->channel[8 * c + n];
        dma->flip[c] = !dma->flip[c];
        return (uint8_t)(dma->flip[c] ? value : value >> 8);
    }
    if (n == MASK_ALL)
        return dma->mask[c];
    return 0; /* status: no request, no terminal count */
}

static void set_bit(uint8_t *bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1 << (value & 3));
    *bits = value & 4 ? *bits | bit : *bits & (uint8_t)~bit;
}

static void write_register(struct isa_dma *dma, unsigned c, unsigned n, uint8_t value)
{
    if (n < 8) {
        uint16_t *word = &dma->channel[8 * c + n];
        *word = (uint16_t)(dma->flip[c] ? (*word & 0x00ff) | value << 8 : (*word & 0xff00) | value);
        dma->flip[c] = !dma->flip[c];
        return;
    }
    switch (n) {
    case COMMAND:
        dma->command[c] = value;
        break;
    case REQUEST:
        set_bit(&dma->request[c], value);
        break;
    case MASK_ONE:
        set_bit(&dma->mask[c], value);
        break;
    case MODE:
        dma->mode[4 * c + (value & 3)] = value;
        break;
    case CLEAR_FLIP:
        dma->flip[c] = 0;
        break;
    case MASTER_CLEAR:
        dma->command[c] = 0;
        dma->request[c] = 0;
        dma->mask[c] = 15;
        dma->flip[c] = 0;
        break;
    case CLEAR_MASK:
        dma->mask[c] = 0;
        break;
    default:
        dma->mask[c] = value & 15;
        break;
    }
}

static uint64_t low_read(struct device *dev, uint64_t off, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)read_register(container_of(dev, struct isa_dma, dev), 0,
                                         (unsigned)(off + i) & 15)
                 << (8 * i);
    return value;
}

static void low_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        write_register(container_of(dev, struct isa_dma, dev), 0, (unsigned)(off + i) & 15,
                       (uint8_t)(value >> (8 * i)));
}

static uint64_t high_read(struct device *dev, uint64_t off, unsigned size)
{
    (void)size;
    return read_register(container_of(dev, struct isa_dma, dev), 1, (unsigned)off / 2 & 15);
}

static void high_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    write_register(container_of(dev, struct isa_dma, dev), 1, (unsigned)off / 2 & 15,
                   (uint8_t)value);
}

static uint64_t page_read(struct device *dev, uint64_t off, unsigned size)
{
    const struct isa_dma *dma = container_of(dev, struct isa_dma, dev);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)dma->page[(off + i) & 15] << (8 * i);
    return value;
}

static void page_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct isa_dma *dma = container_of(dev, struct isa_dma, dev);
    for (unsigned i = 0; i < size; i++)
        dma->page[(off + i) & 15] = (uint8_t)(value >> (8 * i));
}

static const struct io_ops low_ops = {.read = low_read, .write = low_write};
static const struct io_ops high_ops = {.read = high_read, .write = high_write};
static const struct io_ops page_ops = {.read = page_read, .write = page_write};

static void reset(struct device *dev)
{
    struct isa_dma *dma = container_of(dev, struct isa_dma, dev);
    memset(dma->channel, 0, sizeof dma->channel);
    memset(dma->mode, 0, sizeof dma->mode);
    memset(dma->page, 0, sizeof dma->page);
    for (unsigned c = 0; c < 2; c++)
        write_register(dma, c, MASTER_CLEAR, 0);
}

#define FIELD(member, type) STATE_ARRAY(struct isa_dma, member, type)
static const struct state_field fields[] = {
    FIELD(channel, uint16_t), FIELD(mode, uint8_t), FIELD(page, uint8_t),
    FIELD(command, uint8_t),  FIELD(mask, uint8_t), FIELD(request, uint8_t),
    FIELD(flip, uint8_t),     STATE_END,
};
#undef FIELD

static const struct dev_ops ops = {.name = "isa-dma", .fields = fields, .reset = reset};

void isa_dma_init(struct isa_dma *dma, struct platform *p, const char *id, struct bus *io)
{
    *dma = (struct isa_dma){0};
    dev_init(&dma->dev, &ops, id, p);
    bus_map(io, 0x00, 0x10, &low_ops, &dma->dev, "dma-low");
    bus_map(io, 0xc0, 0x20, &high_ops, &dma->dev, "dma-high");
    bus_map(io, 0x80, 0x10, &page_ops, &dma->dev, "dma-page");
    reset(&dma->dev);
}
