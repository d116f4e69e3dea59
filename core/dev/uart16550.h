/*
 * 16550A serial port. Transmission takes no virtual time.
 *
 * Source: National Semiconductor PC16550D data sheet.
 */
#ifndef CORE_DEV_UART16550_H
#define CORE_DEV_UART16550_H

#include "core/bus.h"
#include "core/dev/dev.h"

#define UART_FIFO 16

struct uart16550 {
    struct device dev;
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
    uint16_t divisor;
    uint8_t thr_pending;    /* THR-empty interrupt not yet taken */
    uint8_t polls;          /* reads of LSR since the last byte went out, up to POLLS_LISTENING */
    uint8_t timeout;        /* receive timeout interrupt pending */
    uint8_t rx[UART_FIFO];
    uint8_t rx_head, rx_count;
    uint16_t rx_broken;     /* bitmap by place in rx: a BREAK that LSR has not shown yet */
    uint8_t break_waits;    /* one came while there was no room */
    uint8_t starved;        /* input was refused: ask for more when there is room */
    struct dev_timer timer; /* receive timeout */
    unsigned shift;         /* wiring: log2 of the register stride */
    struct irq out;
};

/* Map 8 registers of `stride` bytes (1, 2, 4 or 8) each at `base` of `bus`. */
void uart16550_init(struct uart16550 *u, struct platform *p, const char *id, struct bus *bus,
                    uint64_t base, unsigned stride, struct irq out);

#endif
