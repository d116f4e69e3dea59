/*
 * The guest of the system tests: prints back what is typed, with the time at which it came, so that
 * a replay that delivers a byte elsewhere prints something else. Three keys do more:
 *
 *   n    makes a long series of system calls with random arguments: events that do not compress
 *   w    waits for an interrupt that never comes
 *   q    ends with a reset
 */
#include "tests/guest/bare.h"

enum { RBR = 0x3f8, IER = 0x3f9, LSR = 0x3fd };
enum { CALLS = 20000 };

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void make_noise(void)
{
    for (uint32_t i = 0; i < CALLS; i++) {
        register uint32_t number __asm__("$2") = random_next();
        register uint32_t a0 __asm__("$4") = random_next();
        register uint32_t a1 __asm__("$5") = random_next();
        __asm__ volatile("" : : "r"(number), "r"(a0), "r"(a1));
        EXPECT_TRAP(EXC_SYS, "syscall", number, a0 + a1);
    }
    put_text("noise\r\n");
}

void guest_main(void)
{
    put_text("ready\r\n");
    for (;;) {
        while ((*isa_port(LSR) & 1) == 0)
            continue;
        char key = (char)*isa_port(RBR);
        put_char(key);
        put_char(' ');
        put_hex(MFC0(9, 0));
        put_text("\r\n");
        if (key == 'n')
            make_noise();
        if (key == 'w')
            __asm__ volatile("wait");
        if (key == 'q')
            return;
    }
}
