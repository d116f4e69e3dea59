/*
 * 8042 keyboard controller at ports 0x60/0x64 with an AT keyboard and a PS/2
 * mouse that nobody touches: they answer commands.
 *
 * Source: IBM PS/2 technical reference, keyboard/auxiliary device controller.
 */
#ifndef CORE_DEV_I8042_H
#define CORE_DEV_I8042_H

#include "core/bus.h"
#include "core/dev/dev.h"

#define I8042_QUEUE 16

struct i8042 {
    struct device dev;
    uint8_t status;      /* without the output buffer bits, which follow from full and source */
    uint8_t mode;        /* command byte */
    uint8_t outport;
    uint8_t command;     /* controller command that waits for its data byte; 0 for none */
    uint8_t full;        /* a byte is in the output buffer */
    uint8_t data;        /* that byte, or the last one */
    uint8_t source;      /* of `data`: 0 controller, 1 keyboard, 2 mouse */
    uint8_t queue[3][I8042_QUEUE], queued[3]; /* per source, what follows */
    uint8_t kbd_command; /* keyboard command that waits for its argument */
    uint8_t kbd_set;     /* scan code set */
    uint8_t aux_command; /* the same of the mouse */
    uint8_t aux_mode, aux_resolution, aux_rate, aux_wrap;
    uint8_t aux_type;    /* 0 PS/2, 3 with wheel, 4 with wheel and five buttons */
    uint8_t aux_rates[2]; /* the two rates set before: the knock that turns the wheel on */
    struct irq kbd_irq, aux_irq; /* wiring */
};

void i8042_init(struct i8042 *kbc, struct platform *p, const char *id, struct bus *io,
                struct irq kbd_irq, struct irq aux_irq);

#endif
