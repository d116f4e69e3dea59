/*
 * Super I/O configuration: an index port that also opens (0x55) and closes
 * (0xaa) the configuration state, and a data port.
 *
 * Source: SMSC FDC37M81x data sheet, "Configuration".
 */
#include "core/dev/superio.h"

#include <string.h>

enum {
    KEY_OPEN = 0x55,
    KEY_CLOSE = 0xaa,
    LOGICAL_DEVICE = 0x07,
    DEVICE_ID = 0x20,
    DEVICE_REVISION = 0x21,
    FIRST_LOGICAL = 0x30,
    LOGICAL_SIZE = 0xd0,
    ID_FDC37M81X = 0x4d,
};

static uint8_t *selected(struct superio *sio)
{
    if (sio->index < FIRST_LOGICAL)
        return &sio->global[sio->index];
    return &sio->logical[(sio->global[LOGICAL_DEVICE] & 15) * LOGICAL_SIZE + sio->index -
                         FIRST_LOGICAL];
}

static uint64_t sio_read(struct device *dev, uint64_t off, unsigned size)
{
    struct superio *sio = container_of(dev, struct superio, dev);
    uint64_t data = sio->open ? *selected(sio) : 0xff;
    uint64_t index = sio->open ? sio->index : 0xff;
    if (size > 1)
        return index | data << 8;
    return off == 0 ? index : data;
}

static void write_index(struct superio *sio, uint8_t value)
{
    if (!sio->open)
        sio->open = value == KEY_OPEN;
    else if (value == KEY_CLOSE)
        sio->open = 0;
    else
        sio->index = value;
}

static void write_data(struct superio *sio, uint8_t value)
{
    if (sio->open && sio->index != DEVICE_ID && sio->index != DEVICE_REVISION)
        *selected(sio) = value;
}

static void sio_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct superio *sio = container_of(dev, struct superio, dev);
    if (off == 0)
        write_index(sio, (uint8_t)value);
    else
        write_data(sio, (uint8_t)value);
    if (size > 1)
        write_data(sio, (uint8_t)(value >> 8));
}

static const struct io_ops sio_ops = {.read = sio_read, .write = sio_write};

static void reset(struct device *dev)
{
    struct superio *sio = container_of(dev, struct superio, dev);
    sio->open = 0;
    sio->index = 0;
    memset(sio->global, 0, sizeof sio->global);
    memset(sio->logical, 0, sizeof sio->logical);
    sio->global[DEVICE_ID] = ID_FDC37M81X;
    sio->global[DEVICE_REVISION] = 1;
}

static const struct state_field fields[] = {
    STATE(struct superio, open),
    STATE(struct superio, index),
    STATE_ARRAY(struct superio, global, uint8_t),
    STATE_ARRAY(struct superio, logical, uint8_t),
    STATE_END,
};

static const struct dev_ops ops = {.name = "superio", .fields = fields, .reset = reset};

void superio_init(struct superio *sio, struct platform *p, const char *id, struct bus *io)
{
    *sio = (struct superio){0};
    dev_init(&sio->dev, &ops, id, p);
    bus_map(io, 0x3f0, 2, &sio_ops, &sio->dev, "superio");
    reset(&sio->dev);
}
