/* 16550A: what a driver sees. */
#include <check.h>

#include "core/dev/uart16550.h"
#include "tests/unit/fake_platform.h"

static struct fake fake;
static struct bus *io;
static struct fake_wire wire;
static struct uart16550 uart;

static void begin(void)
{
    fake_init(&fake);
    io = bus_create("io");
    wire = (struct fake_wire){0};
    uart16550_init(&uart, &fake.platform, "uart", io, 0x3f8, 1, fake_wire_irq(&wire));
}

static void end(void)
{
    bus_destroy(io);
    fake_fini(&fake);
}

static void set(unsigned reg, unsigned value)
{
    bus_write(io, 0x3f8 + reg, 1, value);
}

static unsigned get(unsigned reg)
{
    return (unsigned)bus_read(io, 0x3f8 + reg, 1);
}

static size_t feed(const char *s)
{
    return uart.dev.ops->input(&uart.dev, (const uint8_t *)s, strlen(s));
}

/* A BREAK is a byte of zeros, told by LSR when it is the next; bytes keep their places around it. */
START_TEST(line_break)
{
    begin();
    set(2, 0x07);
    set(1, 0x05);
    ck_assert_uint_eq(feed("a"), 1);
    uart.dev.ops->input_break(&uart.dev);
    ck_assert_uint_eq(feed("h"), 1);
    ck_assert_uint_eq(get(2) & 0x0f, 0x04);
    ck_assert_uint_eq(get(5), 0xe1); /* ready, an error somewhere in the FIFO */
    ck_assert_uint_eq(get(0), 'a');
    ck_assert_uint_eq(get(2) & 0x0f, 0x06);
    ck_assert_uint_eq(get(5), 0xf1);
    ck_assert_uint_eq(get(5), 0x61);
    ck_assert_uint_eq(get(2) & 0x0f, 0x04);
    ck_assert_uint_eq(get(0), 0);
    ck_assert_uint_eq(get(5), 0x61);
    ck_assert_uint_eq(get(0), 'h');
    ck_assert_uint_eq(get(5), 0x60);
    end();
}
END_TEST

/* While the FIFO is full or the line is cut off, it waits, and what comes later waits behind it. */
START_TEST(line_break_waits)
{
    begin();
    set(4, 0x10);
    uart.dev.ops->input_break(&uart.dev);
    ck_assert_uint_eq(get(5), 0x60);
    ck_assert_uint_eq(feed("x"), 0);
    set(4, 0);
    ck_assert_uint_eq(get(5), 0x71);
    ck_assert_uint_eq(get(0), 0);
    set(2, 0x01);
    ck_assert_uint_eq(feed("0123456789abcdef"), 16);
    uart.dev.ops->input_break(&uart.dev);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(get(5), 0x61);
        ck_assert_uint_eq(get(0), (unsigned)"0123456789abcdef"[i]);
    }
    ck_assert_uint_eq(get(5), 0xf1);
    ck_assert_uint_eq(get(0), 0);
    end();
}
END_TEST

START_TEST(detection)
{
    begin();
    set(1, 0xff);
    ck_assert_uint_eq(get(1), 0x0f);
    set(1, 0);
    set(7, 0xa5);
    ck_assert_uint_eq(get(7), 0xa5);
    set(2, 1);
    ck_assert_uint_eq(get(2), 0xc1);
    set(2, 0x21);
    ck_assert_msg(get(2) == 0xc1, "a 64-byte FIFO was found");
    set(2, 0);
    ck_assert_uint_eq(get(2), 0x01);
    set(4, 0x1a);
    ck_assert_uint_eq(get(6) & 0xf0, 0x90);
    set(3, 0x80);
    set(0, 0x34);
    set(1, 0x12);
    ck_assert_uint_eq(get(0) | get(1) << 8, 0x1234);
    end();
}
END_TEST

START_TEST(transmit_interrupt)
{
    begin();
    set(2, 1);
    set(1, 2);
    ck_assert_msg(wire.level, "enabling it with an empty THR raises it");
    ck_assert_uint_eq(get(2), 0xc2);
    ck_assert(!wire.level);
    ck_assert_uint_eq(get(2), 0xc1);
    set(0, 'a');
    ck_assert_uint_eq(wire.rises, 2);
    set(0, 'b');
    ck_assert_msg(wire.rises == 3, "each write is an edge");
    ck_assert_uint_eq(get(5), 0x60);
    ck_assert_mem_eq(fake.output.data, "ab", 2);
    set(1, 0);
    ck_assert(!wire.level);
    end();
}
END_TEST

START_TEST(receive_trigger_and_timeout)
{
    begin();
    ck_assert(!uart.dev.ops->input_ready(&uart.dev));
    set(3, 0x83);
    set(0, 1); /* 115200 baud, 8N1: a character is 86.8 us */
    set(1, 0);
    set(3, 0x03);
    set(2, 0x81);
    set(1, 1);
    ck_assert(uart.dev.ops->input_ready(&uart.dev));
    ck_assert_uint_eq(feed("1234567"), 7);
    ck_assert_msg(!wire.level, "below the trigger level of 8");
    fake_advance(&fake, 347221);
    ck_assert(!wire.level);
    fake_advance(&fake, 1);
    ck_assert(wire.level);
    ck_assert_uint_eq(get(2), 0xcc);
    ck_assert_uint_eq(get(0), '1');
    ck_assert(!wire.level);
    ck_assert_uint_eq(feed("89"), 2);
    ck_assert_uint_eq(get(2), 0xc4);
    for (unsigned i = 2; i <= 9; i++) {
        ck_assert_uint_eq(get(5), 0x61);
        ck_assert_uint_eq(get(0), '0' + i);
    }
    ck_assert_uint_eq(get(5), 0x60);
    end();
}
END_TEST

START_TEST(a_guest_that_polls_listens)
{
    begin();
    for (unsigned i = 0; i < 63; i++)
        get(5);
    ck_assert(!uart.dev.ops->input_ready(&uart.dev));
    set(0, 'a');
    for (unsigned i = 0; i < 63; i++)
        get(5);
    ck_assert_msg(!uart.dev.ops->input_ready(&uart.dev), "who sends does not poll");
    get(5);
    ck_assert(uart.dev.ops->input_ready(&uart.dev));
    get(5);
    ck_assert(uart.dev.ops->input_ready(&uart.dev));
    end();
}
END_TEST

START_TEST(input_is_never_lost)
{
    begin();
    set(2, 1);
    ck_assert_uint_eq(feed("0123456789abcdefgh"), 16);
    ck_assert_uint_eq(feed("gh"), 0);
    ck_assert_uint_eq(get(5), 0x61);
    unsigned before = fake.wanted;
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(get(0), "0123456789abcdef"[i]);
    ck_assert_uint_eq(fake.wanted, before + 1);
    ck_assert_uint_eq(feed("gh"), 2);
    ck_assert_uint_eq(get(0), 'g');
    end();
}
END_TEST

START_TEST(loopback_overrun)
{
    begin();
    set(2, 1);
    set(1, 4);
    set(4, 0x10);
    for (unsigned i = 0; i < 17; i++)
        set(0, i);
    ck_assert_uint_eq(fake.output.len, 0);
    ck_assert(wire.level);
    ck_assert_uint_eq(get(2), 0xc6);
    ck_assert_uint_eq(get(5), 0x63);
    ck_assert(!wire.level);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(get(0), i);
    end();
}
END_TEST

START_TEST(wide_registers)
{
    fake_init(&fake);
    io = bus_create("phys");
    fake.platform.big_endian = true;
    uart16550_init(&uart, &fake.platform, "uart", io, 0x1f000900, 8, fake_wire_irq(&wire));
    const struct bus_range *r = bus_find(io, 0x1f000938);
    ck_assert(r != NULL && r->ops->native);
    r->ops->write(r->dev, 0x38, 4, 0x5a);
    ck_assert_uint_eq(r->ops->read(r->dev, 0x38, 4), 0x5a);
    ck_assert_uint_eq(uart.scr, 0x5a);
    ck_assert_ptr_null(bus_find(io, 0x1f000940));
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dev_uart");
    TCase *tc = tcase_create("dev_uart");
    tcase_add_test(tc, detection);
    tcase_add_test(tc, line_break);
    tcase_add_test(tc, line_break_waits);
    tcase_add_test(tc, transmit_interrupt);
    tcase_add_test(tc, receive_trigger_and_timeout);
    tcase_add_test(tc, a_guest_that_polls_listens);
    tcase_add_test(tc, input_is_never_lost);
    tcase_add_test(tc, loopback_overrun);
    tcase_add_test(tc, wide_registers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
