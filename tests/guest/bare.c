/*
 * The runtime of the bare-metal guests, its C part (bare.h). The console is the first UART of the
 * Super I/O chip, polled; the end is a reset of the board through its FPGA, which a monitor that
 * was told not to restart takes for the end of the run.
 */
#include "tests/guest/bare.h"

#include <stddef.h>

#include "tests/guest/bare_frame.h"

_Static_assert(offsetof(struct trap_frame, hi) == FRAME_HI, "bare_frame.h");
_Static_assert(offsetof(struct trap_frame, vector) == FRAME_VECTOR, "bare_frame.h");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "bare_frame.h");

enum { UART = 0x3f8, UART_LSR = UART + 5, LSR_THRE = 0x20 };

#define SOFT_RESET ((volatile uint32_t *)0xbf000500u)

int (*trap_hook)(struct trap_frame *frame);
struct trap_frame trap_last;
volatile uint32_t trap_count;
volatile uint32_t trap_site;
volatile uint32_t trap_resume;

void guest_run(void);
void trap_handle(struct trap_frame *frame);

void put_char(char c)
{
    while ((*isa_port(UART_LSR) & LSR_THRE) == 0)
        continue;
    *isa_port(UART) = (uint8_t)c;
}

void put_text(const char *text)
{
    for (; *text != '\0'; text++)
        put_char(*text);
}

void put_hex(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        put_char("0123456789abcdef"[value >> shift & 15]);
}

static void __attribute__((noreturn)) reset_board(void)
{
    *SOFT_RESET = 0x42;
    for (;;)
        continue;
}

void pass(void)
{
    put_text("PASS\n");
    reset_board();
}

void fail(uint32_t line, uint32_t got, uint32_t want)
{
    char digits[12];
    int n = 0;

    put_text("FAIL ");
    do {
        digits[n++] = (char)('0' + line % 10);
        line /= 10;
    } while (line != 0);
    while (n > 0)
        put_char(digits[--n]);
    put_text(" got ");
    put_hex(got);
    put_text(" want ");
    put_hex(want);
    put_char('\n');
    reset_board();
}

void check_trap(uint32_t line, uint32_t count, uint32_t code, uint32_t in_delay_slot)
{
    if (trap_count != count + 1)
        fail(line, trap_count, count + 1);
    if ((trap_last.cause >> 2 & 31) != code)
        fail(line, trap_last.cause >> 2 & 31, code);
    if (trap_last.epc != trap_site)
        fail(line, trap_last.epc, trap_site);
    if (trap_last.cause >> 31 != in_delay_slot)
        fail(line, trap_last.cause, in_delay_slot << 31);
}

/* Called by trap_entry with the saved state; what it leaves in FRAME is returned to. */
void trap_handle(struct trap_frame *frame)
{
    uint32_t code = frame->cause >> 2 & 31;

    if (trap_resume != 0 && code != EXC_INT) {
        /* A loop, not an assignment: that would call memcpy. */
        for (unsigned i = 0; i < FRAME_SIZE / 4; i++)
            ((volatile uint32_t *)&trap_last)[i] = ((uint32_t *)frame)[i];
        trap_count++;
        frame->epc = trap_resume;
        frame->status &= ~(uint32_t)STATUS_UM;
        trap_resume = 0;
        return;
    }
    if (trap_hook != 0 && trap_hook(frame))
        return;
    put_text("unexpected exception, code, epc, badvaddr: ");
    put_hex(code);
    put_char(' ');
    put_hex(frame->epc);
    put_char(' ');
    put_hex(frame->badvaddr);
    put_char('\n');
    fail(0, frame->cause, 0);
}

void guest_run(void)
{
    guest_main();
    pass();
}
