/*
 * A guest that does what costs the monitor most, as fast as it can and for ever. It begins with
 * "ready"; the key typed then says what:
 *
 *   t  writes TLB entries for pages of 256 MiB       s  writes the instructions that it runs next
 *   c  throws lines out of the caches                m  reads and writes registers of devices
 *   g  moves the north bridge's windows              e  makes system calls
 *   p  prints                                        z  works in a loop
 *   i  touches a page after the other of its memory  w  sleeps
 *   r  resets the machine
 */
#include "tests/guest/bare.h"

enum { RBR = 0x3f8, LSR = 0x3fd };
enum { PAGE = 4096, PAGES = 3000 };

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void write_tlb(void)
{
    MTC0(5, 0, 0x1fffe000); /* PageMask */
    MTC0(10, 0, 0);
    MTC0(2, 0, 0);
    MTC0(3, 0, 0);
    MTC0(0, 0, 0);
    for (;;)
        __asm__ volatile("tlbwi\n tlbwi\n tlbwi\n tlbwi\n tlbwi\n tlbwi\n tlbwi\n tlbwi");
}

static void flush_caches(void)
{
    for (uint32_t at = 0x80100000;; at = at < 0x80200000 ? at + 4 : 0x80100000)
        __asm__ volatile("cache 0x10, 0(%0)\n cache 0x15, 0(%0)\n cache 0x0, 0(%0)" : : "r"(at));
}

static void move_windows(void)
{
    static const uint8_t window[] = {0x48, 0x50, 0x58, 0x60, 0x80, 0x88, 0x08, 0x10};
    volatile uint8_t *bridge = (volatile uint8_t *)0xbbe00000u;
    for (;;) {
        uint32_t random = random_next();
        *(volatile uint32_t *)(bridge + window[random >> 29]) = random & 0x1fffff;
    }
}

static void change_code(void)
{
    static volatile uint32_t code[4] __attribute__((aligned(64)));
    code[1] = 0x03e00008; /* jr $ra */
    code[2] = 0;
    for (uint32_t i = 0;; i++) {
        code[0] = 0x24020000 | (i & 0xffff); /* addiu $v0, $zero, i */
        uint32_t got = ((uint32_t (*)(void))(uintptr_t)code)();
        CHECK_EQ(got, (uint32_t)(int16_t)(i & 0xffff));
    }
}

static void use_devices(void)
{
    for (;;) {
        *isa_port(0x70) = (uint8_t)random_next() & 15;
        random_state += *isa_port(0x71) + *isa_port(0x40);
        *isa_port(0x43) = (uint8_t)random_next();
    }
}

static void touch_pages(void)
{
    for (uint32_t i = 0;; i = i < PAGES ? i + 1 : 0)
        *(volatile uint32_t *)(0x80300000u + i * PAGE) = i;
}

/* Their arguments do not compress. */
static void make_calls(void)
{
    for (;;) {
        register uint32_t number __asm__("$2") = random_next();
        register uint32_t a0 __asm__("$4") = random_next();
        register uint32_t a1 __asm__("$5") = random_next();
        __asm__ volatile("" : : "r"(number), "r"(a0), "r"(a1));
        EXPECT_TRAP(EXC_SYS, "syscall", number, a0 + a1);
    }
}

void guest_main(void)
{
    put_text("ready\r\n");
    while ((*isa_port(LSR) & 1) == 0)
        continue;
    char key = (char)*isa_port(RBR);
    put_text("begins\r\n");
    if (key == 't')
        write_tlb();
    if (key == 'c')
        flush_caches();
    if (key == 'g')
        move_windows();
    if (key == 's')
        change_code();
    if (key == 'm')
        use_devices();
    if (key == 'i')
        touch_pages();
    if (key == 'e')
        make_calls();
    while (key == 'p')
        put_text("so many words, and nobody wants to read them\r\n");
    while (key == 'w')
        __asm__ volatile("wait");
    while (key == 'z')
        random_next();
}
