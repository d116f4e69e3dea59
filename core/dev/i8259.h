/*
 * Pair of 8259A interrupt controllers as in a PC south bridge: master at ports
 * 0x20/0x21, slave at 0xa0/0xa1 cascaded into input 2, edge/level control at
 * 0x4d0/0x4d1. 16 inputs, one output.
 *
 * Source: Intel 8259A data sheet; PIIX4 data sheet 4.3 (ELCR).
 */
#ifndef CORE_DEV_I8259_H
#define CORE_DEV_I8259_H

#include "core/bus.h"
#include "core/dev/dev.h"

/* Index 0 is the master, 1 the slave. */
struct i8259 {
    struct device dev;
    uint8_t line[2];       /* levels of the inputs */
    uint8_t irr[2];        /* requests */
    uint8_t imr[2];        /* mask */
    uint8_t isr[2];        /* in service */
    uint8_t elcr[2];       /* inputs that are level-triggered */
    uint8_t ltim[2];       /* ICW1 bit 3: all inputs are level-triggered */
    uint8_t base[2];       /* vector of input 0 */
    uint8_t lowest[2];     /* input with the lowest priority */
    uint8_t init_step[2];  /* next ICW that port 1 expects; 0 when operating */
    uint8_t need_icw4[2];
    uint8_t single[2];
    uint8_t auto_eoi[2];
    uint8_t rotate_auto[2]; /* rotate in automatic EOI mode */
    uint8_t nested[2];      /* special fully nested mode */
    uint8_t special_mask[2];
    uint8_t read_isr[2];    /* port 0 reads ISR instead of IRR */
    uint8_t poll[2];        /* the next read is a poll */
    struct irq out;         /* wiring */
};

void i8259_init(struct i8259 *pic, struct platform *p, const char *id, struct bus *io,
                struct irq out);
/* Input 0..15 (8..15 on the slave), for the wiring of other chips. Input 2 is the cascade. */
struct irq i8259_input(struct i8259 *pic, unsigned n);
/* Interrupt acknowledge cycle: the vector; a spurious one (input 7 of the chip) when nothing
 * is pending. */
uint8_t i8259_ack(struct i8259 *pic);

#endif
