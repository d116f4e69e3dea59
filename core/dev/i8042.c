/*
 * Keyboard controller with keyboard and mouse.
 *
 * Answers wait in three queues: of the controller, the keyboard and the mouse.
 * Whenever the output buffer is empty, the first byte of the first queue that
 * may speak moves there at once and its interrupt line rises; reading port
 * 0x60 lets it fall. Nobody presses a key here: bytes appear only as answers.
 *
 * Source: IBM PS/2 technical reference, keyboard and auxiliary device
 * controller; AT keyboard and PS/2 mouse command sets.
 */
#include "core/dev/i8042.h"

#include <string.h>

enum { CONTROLLER, KEYBOARD, MOUSE };

enum {
    STATUS_FULL = 1 << 0,
    STATUS_SYSTEM = 1 << 2,
    STATUS_COMMAND = 1 << 3,
    STATUS_UNLOCKED = 1 << 4,
    STATUS_MOUSE = 1 << 5,
    MODE_KBD_INT = 1 << 0,
    MODE_AUX_INT = 1 << 1,
    MODE_SYSTEM = 1 << 2,
    MODE_KBD_OFF = 1 << 4,
    MODE_AUX_OFF = 1 << 5,
    MODE_TRANSLATE = 1 << 6,
    OUTPORT_RESET = 0xcf,
    CMD_WRITE_MODE = 0x60,
    CMD_WRITE_OUTPORT = 0xd1,
    CMD_WRITE_KBD = 0xd2,
    CMD_WRITE_AUX = 0xd3,
    CMD_TO_AUX = 0xd4,
    ACK = 0xfa,
    RESEND = 0xfe,
    AUX_ENABLED = 1 << 5,
    AUX_SCALE2 = 1 << 4,
    AUX_REMOTE = 1 << 6,
};

static void update(struct i8042 *k)
{
    irq_set(&k->kbd_irq, k->full && k->source != MOUSE && (k->mode & MODE_KBD_INT));
    irq_set(&k->aux_irq, k->full && k->source == MOUSE && (k->mode & MODE_AUX_INT));
}

/* Move the next answer into the output buffer if it is empty. */
static void refill(struct i8042 *k)
{
    for (unsigned s = CONTROLLER; s <= MOUSE && !k->full; s++) {
        bool is_off = (s == KEYBOARD && (k->mode & MODE_KBD_OFF)) ||
                      (s == MOUSE && (k->mode & MODE_AUX_OFF));
        if (is_off || k->queued[s] == 0)
            continue;
        k->data = k->queue[s][0];
        k->source = (uint8_t)s;
        k->full = 1;
        k->queued[s]--;
        memmove(k->queue[s], k->queue[s] + 1, k->queued[s]);
    }
    update(k);
}

static void put(struct i8042 *k, unsigned source, uint8_t byte)
{
    if (k->queued[source] < I8042_QUEUE)
        k->queue[source][k->queued[source]++] = byte;
}

static void kbd_defaults(struct i8042 *k)
{
    k->kbd_command = 0;
    k->kbd_set = 2;
}

static void kbd_argument(struct i8042 *k, uint8_t byte)
{
    uint8_t command = k->kbd_command;
    k->kbd_command = 0;
    put(k, KEYBOARD, ACK);
    if (command == 0xf0 && byte == 0)
        put(k, KEYBOARD, k->kbd_set);
    else if (command == 0xf0 && byte <= 3)
        k->kbd_set = byte;
}

static void kbd_write(struct i8042 *k, uint8_t byte)
{
    if (k->kbd_command != 0) {
        kbd_argument(k, byte);
        return;
    }
    switch (byte) {
    case 0xed: /* LEDs */
    case 0xf0: /* scan code set */
    case 0xf3: /* typematic rate */
        k->kbd_command = byte;
        put(k, KEYBOARD, ACK);
        break;
    case 0xee: /* echo */
        put(k, KEYBOARD, 0xee);
        break;
    case 0xf2: /* identify; the second byte goes through the translation */
        put(k, KEYBOARD, ACK);
        put(k, KEYBOARD, 0xab);
        put(k, KEYBOARD, k->mode & MODE_TRANSLATE ? 0x41 : 0x83);
        break;
    case 0xf5: /* stop, and defaults */
    case 0xf6: /* defaults */
        kbd_defaults(k);
        put(k, KEYBOARD, ACK);
        break;
    case 0xff: /* reset: passes its self test */
        kbd_defaults(k);
        k->queued[KEYBOARD] = 0;
        put(k, KEYBOARD, ACK);
        put(k, KEYBOARD, 0xaa);
        break;
    default:
        put(k, KEYBOARD, byte == 0xf4 || (byte >= 0xf7 && byte <= 0xfd) ? ACK : RESEND);
        break;
    }
}

static void aux_defaults(struct i8042 *k)
{
    k->aux_command = 0;
    k->aux_mode = 0;
    k->aux_resolution = 2;
    k->aux_rate = 100;
    k->aux_wrap = 0;
}

static void aux_argument(struct i8042 *k, uint8_t byte)
{
    uint8_t command = k->aux_command;
    k->aux_command = 0;
    put(k, MOUSE, ACK);
    if (command == 0xe8) {
        k->aux_resolution = byte;
        return;
    }
    k->aux_rate = byte;
    if (k->aux_rates[0] == 200 && k->aux_rates[1] == 100 && byte == 80)
        k->aux_type = 3;
    else if (k->aux_rates[0] == 200 && k->aux_rates[1] == 200 && byte == 80)
        k->aux_type = k->aux_type == 0 ? 0 : 4;
    k->aux_rates[0] = k->aux_rates[1];
    k->aux_rates[1] = byte;
}

static void aux_packet(struct i8042 *k)
{
    put(k, MOUSE, 0x08);
    put(k, MOUSE, 0);
    put(k, MOUSE, 0);
    if (k->aux_type != 0)
        put(k, MOUSE, 0);
}

static void aux_command(struct i8042 *k, uint8_t byte)
{
    put(k, MOUSE, ACK);
    switch (byte) {
    case 0xe6:
        k->aux_mode &= (uint8_t)~AUX_SCALE2;
        break;
    case 0xe7:
        k->aux_mode |= AUX_SCALE2;
        break;
    case 0xe8: /* resolution */
    case 0xf3: /* sample rate */
        k->aux_command = byte;
        break;
    case 0xe9: /* status */
        put(k, MOUSE, k->aux_mode);
        put(k, MOUSE, k->aux_resolution);
        put(k, MOUSE, k->aux_rate);
        break;
    case 0xea:
        k->aux_mode &= (uint8_t)~AUX_REMOTE;
        break;
    case 0xeb: /* read data */
        aux_packet(k);
        break;
    case 0xec:
        k->aux_wrap = 0;
        break;
    case 0xee:
        k->aux_wrap = 1;
        break;
    case 0xf0:
        k->aux_mode |= AUX_REMOTE;
        break;
    case 0xf2:
        put(k, MOUSE, k->aux_type);
        break;
    case 0xf4:
        k->aux_mode |= AUX_ENABLED;
        break;
    case 0xf5:
        k->aux_mode &= (uint8_t)~AUX_ENABLED;
        break;
    case 0xf6:
        aux_defaults(k);
        break;
    case 0xff:
        aux_defaults(k);
        k->aux_type = 0;
        k->queued[MOUSE] = 0;
        put(k, MOUSE, ACK);
        put(k, MOUSE, 0xaa);
        put(k, MOUSE, 0x00);
        break;
    default:
        if (k->queued[MOUSE] != 0)
            k->queue[MOUSE][k->queued[MOUSE] - 1] = RESEND;
        break;
    }
}

static void aux_write(struct i8042 *k, uint8_t byte)
{
    if (k->aux_command != 0)
        aux_argument(k, byte);
    else if (k->aux_wrap && byte != 0xec && byte != 0xff)
        put(k, MOUSE, byte);
    else
        aux_command(k, byte);
}

static void write_command(struct i8042 *k, uint8_t byte)
{
    k->status |= STATUS_COMMAND;
    k->command = 0;
    switch (byte) {
    case 0x20:
        put(k, CONTROLLER, k->mode);
        break;
    case CMD_WRITE_MODE:
    case CMD_WRITE_OUTPORT:
    case CMD_WRITE_KBD:
    case CMD_WRITE_AUX:
    case CMD_TO_AUX:
        k->command = byte;
        break;
    case 0xa7:
        k->mode |= MODE_AUX_OFF;
        break;
    case 0xa8:
        k->mode &= (uint8_t)~MODE_AUX_OFF;
        break;
    case 0xa9: /* test of the mouse port: good */
    case 0xab: /* and of the keyboard port */
        put(k, CONTROLLER, 0);
        break;
    case 0xaa: /* self test passed */
        k->status |= STATUS_SYSTEM;
        put(k, CONTROLLER, 0x55);
        break;
    case 0xad:
        k->mode |= MODE_KBD_OFF;
        break;
    case 0xae:
        k->mode &= (uint8_t)~MODE_KBD_OFF;
        break;
    case 0xc0:
        put(k, CONTROLLER, 0x80);
        break;
    case 0xd0:
        put(k, CONTROLLER, k->outport);
        break;
    default: /* 0xf0-0xff pulse output lines; line 0 is the reset */
        if (byte >= 0xf0 && (byte & 1) == 0)
            k->dev.platform->power(k->dev.platform, POWER_RESET);
        break;
    }
    refill(k);
}

static void write_data(struct i8042 *k, uint8_t byte)
{
    uint8_t command = k->command;
    k->status &= (uint8_t)~STATUS_COMMAND;
    k->command = 0;
    switch (command) {
    case CMD_WRITE_MODE:
        k->mode = byte;
        k->status = (uint8_t)((k->status & ~STATUS_SYSTEM) | (byte & MODE_SYSTEM));
        break;
    case CMD_WRITE_OUTPORT:
        k->outport = byte;
        if ((byte & 1) == 0)
            k->dev.platform->power(k->dev.platform, POWER_RESET);
        break;
    case CMD_WRITE_KBD:
        put(k, KEYBOARD, byte);
        break;
    case CMD_WRITE_AUX:
        put(k, MOUSE, byte);
        break;
    case CMD_TO_AUX:
        aux_write(k, byte);
        break;
    default:
        kbd_write(k, byte);
        break;
    }
    refill(k);
}

static uint64_t data_read(struct device *dev, uint64_t off, unsigned size)
{
    struct i8042 *k = container_of(dev, struct i8042, dev);
    uint8_t byte = k->data;
    (void)off;
    (void)size;
    if (k->full) {
        k->full = 0;
        update(k); /* the line falls, so that the next byte is an edge */
        refill(k);
    }
    return byte;
}

static void data_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    (void)off;
    (void)size;
    write_data(container_of(dev, struct i8042, dev), (uint8_t)value);
}

static uint64_t status_read(struct device *dev, uint64_t off, unsigned size)
{
    struct i8042 *k = container_of(dev, struct i8042, dev);
    (void)off;
    (void)size;
    return k->status | (k->full ? STATUS_FULL : 0u) |
           (k->full && k->source == MOUSE ? STATUS_MOUSE : 0u);
}

static void command_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    (void)off;
    (void)size;
    write_command(container_of(dev, struct i8042, dev), (uint8_t)value);
}

static const struct io_ops data_ops = {.read = data_read, .write = data_write};
static const struct io_ops command_ops = {.read = status_read, .write = command_write};

static void reset(struct device *dev)
{
    struct i8042 *k = container_of(dev, struct i8042, dev);
    k->status = STATUS_COMMAND | STATUS_UNLOCKED;
    k->mode = MODE_KBD_INT | MODE_AUX_INT;
    k->outport = OUTPORT_RESET;
    k->command = 0;
    k->full = 0;
    k->data = 0;
    k->source = CONTROLLER;
    memset(k->queue, 0, sizeof k->queue);
    memset(k->queued, 0, sizeof k->queued);
    kbd_defaults(k);
    aux_defaults(k);
    k->aux_type = 0;
    memset(k->aux_rates, 0, sizeof k->aux_rates);
    update(k);
}

static void loaded(struct device *dev)
{
    update(container_of(dev, struct i8042, dev));
}

static const struct state_field fields[] = {
    STATE(struct i8042, status),
    STATE(struct i8042, mode),
    STATE(struct i8042, outport),
    STATE(struct i8042, command),
    STATE(struct i8042, full),
    STATE(struct i8042, data),
    STATE(struct i8042, source),
    STATE_ARRAY(struct i8042, queue, uint8_t),
    STATE_ARRAY(struct i8042, queued, uint8_t),
    STATE(struct i8042, kbd_command),
    STATE(struct i8042, kbd_set),
    STATE(struct i8042, aux_command),
    STATE(struct i8042, aux_mode),
    STATE(struct i8042, aux_resolution),
    STATE(struct i8042, aux_rate),
    STATE(struct i8042, aux_wrap),
    STATE(struct i8042, aux_type),
    STATE_ARRAY(struct i8042, aux_rates, uint8_t),
    STATE_END,
};

static const struct dev_ops ops = {
    .name = "i8042",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

void i8042_init(struct i8042 *k, struct platform *p, const char *id, struct bus *io,
                struct irq kbd_irq, struct irq aux_irq)
{
    *k = (struct i8042){.kbd_irq = kbd_irq, .aux_irq = aux_irq};
    dev_init(&k->dev, &ops, id, p);
    bus_map(io, 0x60, 1, &data_ops, &k->dev, "i8042-data");
    bus_map(io, 0x64, 1, &command_ops, &k->dev, "i8042-command");
    reset(&k->dev);
}
