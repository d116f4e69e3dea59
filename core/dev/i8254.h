/*
 * 8254 interval timer at ports 0x40-0x43 and the system control port 0x61
 * (speaker gate, refresh toggle). Counts are computed from virtual time; the
 * only periodic work is that of an interrupting channel 0.
 *
 * Source: Intel 82C54 data sheet; PIIX4 data sheet 4.4 (port 0x61).
 */
#ifndef CORE_DEV_I8254_H
#define CORE_DEV_I8254_H

#include "core/bus.h"
#include "core/dev/dev.h"

#define I8254_HZ 1193182

struct i8254 {
    struct device dev;
    uint64_t epoch[3];       /* clock tick at which counting of `reload` began */
    uint32_t reload[3];      /* 1..65536 */
    uint8_t mode[3];         /* 0..5 */
    uint8_t bcd[3];
    uint8_t access[3];       /* RW bits of the control word: 1 low, 2 high, 3 both */
    uint8_t armed[3];        /* a count was written (and, in modes 1 and 5, a trigger came) */
    uint8_t null_count[3];   /* control word written, count not yet */
    uint8_t gate[3];
    uint64_t paused_at[3];   /* elapsed ticks when the gate went low */
    uint8_t write_high[3];   /* next byte written is the high one */
    uint8_t write_low[3];    /* the low byte kept until then */
    uint8_t read_high[3];
    uint16_t latch[3];       /* latched count */
    uint8_t latched[3];      /* bytes of it left to read */
    uint8_t status[3];
    uint8_t status_latched[3];
    uint8_t speaker;         /* port 0x61 bit 1 */
    struct dev_timer timer;  /* next change of channel 0's output */
    struct irq out;          /* wiring: OUT0 */
};

void i8254_init(struct i8254 *pit, struct platform *p, const char *id, struct bus *io,
                struct irq out);

#endif
