/*
 * The first UART: identification, scratch register, divisor latch, loopback of data and modem
 * lines, FIFO, and its interrupt through the PIC pair (IRQ 4) to the processor (IP2).
 */
#include "tests/guest/bare.h"

enum { RBR = 0x3f8, IER = 0x3f9, IIR = 0x3fa, FCR = 0x3fa, LCR = 0x3fb, MCR = 0x3fc, LSR = 0x3fd,
       MSR = 0x3fe, SCR = 0x3ff };

static void out(uint32_t port, uint32_t value)
{
    *isa_port(port) = (uint8_t)value;
}

static uint32_t in(uint32_t port)
{
    return *isa_port(port);
}

static void wait_for_data(void)
{
    for (uint32_t i = 0; i < 10000000 && (in(LSR) & 1) == 0; i++)
        continue;
    CHECK_EQ(in(LSR) & 1, 1);
}

static void check_registers(void)
{
    out(SCR, 0x5a);
    CHECK_EQ(in(SCR), 0x5a);
    out(LCR, 0x83);
    out(RBR, 0x0c);
    out(IER, 0x00);
    CHECK_EQ(in(RBR), 0x0c);
    CHECK_EQ(in(IER), 0x00);
    out(RBR, 0x01);
    out(LCR, 0x03);
    CHECK_EQ(in(LCR), 0x03);
    /* FIFOs on: a 16550A says so. */
    out(FCR, 0x07);
    CHECK_EQ(in(IIR) >> 6, 3);
    CHECK_EQ(in(LSR) & 0x61, 0x60);
}

static void check_loopback(void)
{
    out(MCR, 0x10);
    for (uint32_t i = 0; i < 256; i += 51) {
        out(RBR, i);
        wait_for_data();
        CHECK_EQ(in(RBR), i);
        CHECK_EQ(in(LSR) & 1, 0);
    }
    /* RTS, DTR, OUT1 and OUT2 come back as CTS, DSR, RI and DCD. */
    out(MCR, 0x1a);
    CHECK_EQ(in(MSR) & 0xf0, 0x90);
    out(MCR, 0x15);
    CHECK_EQ(in(MSR) & 0xf0, 0x60);
    in(MSR);
    out(MCR, 0x00);
}

/* Reading it acknowledges the PIC's interrupt and tells its vector (a little-endian register). */
#define GT_ACKNOWLEDGE ((volatile uint32_t *)0xbbe00c34u)

static volatile uint32_t interrupts, reason, vector;

static int on_interrupt(struct trap_frame *frame)
{
    if ((frame->cause >> 2 & 31) != EXC_INT || (frame->cause & 0x400) == 0)
        return 0;
    interrupts++;
    vector = *GT_ACKNOWLEDGE;
    reason = in(IIR) & 15;
    /* No more of them: the source is switched off at the UART, then the PIC is told. */
    out(IER, 0);
    out(0x20, 0x20);
    return 1;
}

static void check_interrupt(void)
{
    uint32_t status = MFC0(12, 0);

    /* The master PIC: vectors from 0, cascade on 2, only IRQ 4 open. */
    out(0x20, 0x11);
    out(0x21, 0x00);
    out(0x21, 0x04);
    out(0x21, 0x01);
    out(0x21, 0xef);
    trap_hook = on_interrupt;
    out(MCR, 0x08);
    MTC0(12, 0, status | 0x400 | STATUS_IE);
    CHECK_EQ(interrupts, 0);
    /* The transmitter is empty: enabling its interrupt raises it. */
    out(IER, 0x02);
    for (uint32_t i = 0; i < 100000 && interrupts == 0; i++)
        continue;
    CHECK_EQ(interrupts, 1);
    CHECK_EQ(reason, 2);
    CHECK_EQ((vector | vector >> 24) & 0xff, 4);
    MTC0(12, 0, status);
}

void guest_main(void)
{
    check_registers();
    check_loopback();
    check_interrupt();
    put_text("The quick brown fox.\n");
}
