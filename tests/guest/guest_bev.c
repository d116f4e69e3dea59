/*
 * An exception while the vectors are still the boot ROM's (Status.BEV): the first letter of the
 * kernel's command line says which. The machine must halt; BEHIND must not be printed.
 */
#include "tests/guest/bare.h"

#define ARGV ((const char **)0x80002000u)

void guest_main(void)
{
    char which = ARGV[1][0];

    put_text("START\n");
    MTC0(12, 0, MFC0(12, 0) | 1u << 22);
    if (which == 'b')
        __asm__ volatile("break");
    else if (which == 'r') /* no entry of the TLB matches */
        __asm__ volatile("lw $8, 0(%0)" : : "r"(0x1000) : "$8");
    else if (which == 's')
        __asm__ volatile("syscall");
    MTC0(13, 0, which == 'v' ? CAUSE_IV | 0x100 : 0x100); /* software interrupt 0 */
    MTC0(12, 0, MFC0(12, 0) | 0x101);
    put_text("BEHIND\n");
}
