/*
 * MC146818 real-time clock with 128 bytes of CMOS RAM, ports 0x70/0x71. Time,
 * update-in-progress bit and interrupts derive from virtual time.
 *
 * Source: Motorola MC146818A data sheet.
 */
#ifndef CORE_DEV_MC146818_H
#define CORE_DEV_MC146818_H

#include "core/bus.h"
#include "core/dev/dev.h"

struct mc146818 {
    struct device dev;
    uint8_t index;          /* port 0x70 */
    uint8_t cmos[128];      /* bytes 0..9 are the calendar only while it stands still */
    int64_t base_seconds;   /* calendar seconds since 1970 at `base_ns` */
    uint64_t base_ns;       /* virtual time of a second's begin */
    uint8_t running;        /* SET clear and divider on */
    uint64_t flags_ns;      /* up to when periodic, update and alarm flags are accounted */
    struct dev_timer timer; /* next interrupt that is enabled */
    struct irq out;         /* wiring */
    uint64_t uip_from, uip_to; /* derived cache: this second's UIP window */
};

void mc146818_init(struct mc146818 *rtc, struct platform *p, const char *id, struct bus *io,
                   struct irq out);

#endif
