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
    uint8_t status, mode, outport, pending_command;
    uint8_t obf;                /* a byte is in the output buffer */
    uint8_t data;               /* that byte, or the last one */
    uint8_t ctl[4], ctl_len;    /* answers of the controller itself */
    uint8_t kbd[I8042_QUEUE], kbd_len;
    uint8_t aux[I8042_QUEUE], aux_len;
    uint8_t source;             /* where `data` came from: 0 controller, 1 keyboard, 2 mouse */
    uint8_t kbd_command, kbd_scan, kbd_leds, kbd_rate, kbd_set;
    uint8_t aux_command, aux_rate, aux_resolution, aux_mode, aux_wrap, aux_knock, aux_type;
    struct irq kbd_irq, aux_irq; /* wiring */
};

void i8042_init(struct i8042 *kbc, struct platform *p, const char *id, struct bus *io,
                struct irq kbd_irq, struct irq aux_irq);

#endif
