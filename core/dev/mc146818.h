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
    uint8_t cmos[128];      /* calendar bytes count only while the clock is stopped */
    uint8_t frozen_format;  /* register B when it stopped */
    uint8_t touched;        /* a calendar byte was written since */
    int64_t base_seconds;   /* calendar seconds since 1970 in the second that began at base_ns */
    uint64_t base_ns;       /* virtual time when a second began; modulo 2^64 */
    uint64_t flags_ns;      /* register C tells of what happened up to here */
    struct dev_timer timer; /* next interrupt */
    struct irq out;         /* wiring */
};

void mc146818_init(struct mc146818 *rtc, struct platform *p, const char *id, struct bus *io,
                   struct irq out);

#endif
