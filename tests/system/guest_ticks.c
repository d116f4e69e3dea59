/*
 * A guest that sleeps, as an idle kernel does: 250 ticks a second wake it, and what is typed is printed
 * back at the next one. It begins with "ready", says "half" after a second and "over" after two, and
 * ends then if the key 'e' was typed, else it ticks on; 'q' ends it at once.
 */
#include "tests/guest/bare.h"

/* Count runs at half of 100 MHz. */
enum { TICK = 200000, TICKS = 500 };
enum { RBR = 0x3f8, IER = 0x3f9, LSR = 0x3fd };

void guest_main(void)
{
    uint32_t next = MFC0(9, 0) + TICK, end = 0;

    *isa_port(IER) = 1; /* so that it is known to listen; the interrupt goes nowhere */
    put_text("ready\r\n");
    MTC0(12, 0, (MFC0(12, 0) & ~(uint32_t)STATUS_IE) | STATUS_IM7); /* enough to wake it */
    for (uint32_t i = 1; i != 0; i++, next += TICK) {
        MTC0(11, 0, next);
        __asm__ volatile("wait" : : : "memory");
        while (*isa_port(LSR) & 1) {
            char key = (char)*isa_port(RBR);
            put_char(key);
            end |= key == 'e';
            if (key == 'q')
                return;
        }
        if (i == TICKS / 2)
            put_text("half\r\n");
        if (i == TICKS)
            put_text("over\r\n");
        if (i >= TICKS && end)
            return;
    }
}
