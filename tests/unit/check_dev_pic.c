/* 8259A pair: data sheet behaviour. */
#include <check.h>

#include "core/dev/i8259.h"
#include "tests/unit/fake_platform.h"

static struct fake fake;
static struct bus *io;
static struct fake_wire wire;
static struct i8259 pic;

static void out(unsigned port, unsigned value)
{
    bus_write(io, port, 1, value);
}

static unsigned in(unsigned port)
{
    return (unsigned)bus_read(io, port, 1);
}

static void setup(unsigned icw4)
{
    fake_init(&fake);
    io = bus_create("io");
    wire = (struct fake_wire){0};
    i8259_init(&pic, &fake.platform, "pic", io, fake_wire_irq(&wire));
    out(0x20, 0x11);
    out(0x21, 0x20);
    out(0x21, 0x04);
    out(0x21, icw4);
    out(0xa0, 0x11);
    out(0xa1, 0x28);
    out(0xa1, 0x02);
    out(0xa1, icw4);
}

static void end(void)
{
    bus_destroy(io);
    fake_fini(&fake);
}

static void line(unsigned n, bool level)
{
    struct irq irq = i8259_input(&pic, n);
    irq_set(&irq, level);
}

static void pulse(unsigned n)
{
    line(n, false);
    line(n, true);
}

START_TEST(fixed_priority_and_nesting)
{
    setup(1);
    pulse(5);
    pulse(3);
    ck_assert_uint_eq(i8259_ack(&pic), 0x23);
    ck_assert_msg(!wire.level, "5 must wait for the end of 3");
    pulse(1);
    ck_assert_msg(wire.level, "1 interrupts 3");
    ck_assert_uint_eq(i8259_ack(&pic), 0x21);
    out(0x20, 0x0b);
    ck_assert_uint_eq(in(0x20), 0x0a);
    out(0x20, 0x20);
    ck_assert_uint_eq(in(0x20), 0x08);
    out(0x20, 0x20);
    ck_assert_uint_eq(i8259_ack(&pic), 0x25);
    out(0x20, 0x65);
    out(0x20, 0x0a);
    ck_assert_uint_eq(in(0x20), 0);
    end();
}
END_TEST

START_TEST(edge_needs_a_new_edge)
{
    setup(1);
    line(4, true);
    ck_assert_uint_eq(i8259_ack(&pic), 0x24);
    out(0x20, 0x20);
    ck_assert(!wire.level);
    line(4, true);
    ck_assert(!wire.level);
    pulse(4);
    ck_assert(wire.level);
    end();
}
END_TEST

START_TEST(level_stays)
{
    setup(1);
    out(0x4d1, 0x0c);
    ck_assert_uint_eq(in(0x4d1), 0x0c);
    out(0x4d0, 0xff);
    ck_assert_uint_eq(in(0x4d0), 0xf8);
    line(10, true);
    ck_assert_uint_eq(i8259_ack(&pic), 0x2a);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    ck_assert_msg(wire.level, "the device still asks");
    ck_assert_uint_eq(i8259_ack(&pic), 0x2a);
    line(10, false);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    ck_assert(!wire.level);
    end();
}
END_TEST

START_TEST(spurious)
{
    setup(1);
    pulse(6);
    line(6, false);
    ck_assert(!wire.level);
    ck_assert_uint_eq(i8259_ack(&pic), 0x27);
    out(0x20, 0x0b);
    ck_assert_msg(in(0x20) == 0, "a spurious interrupt is not in service");
    /* On the slave: the request goes between the two cycles; the master holds its bit. */
    pulse(12);
    pic.irr[1] = 0;
    ck_assert_uint_eq(i8259_ack(&pic), 0x2f);
    ck_assert_uint_eq(in(0x20), 0x04);
    out(0xa0, 0x0b);
    ck_assert_uint_eq(in(0xa0), 0);
    end();
}
END_TEST

START_TEST(mask_and_special_mask)
{
    setup(1);
    out(0x21, 0x08);
    pulse(3);
    ck_assert(!wire.level);
    out(0x21, 0x00);
    ck_assert_uint_eq(i8259_ack(&pic), 0x23);
    pulse(5);
    ck_assert(!wire.level);
    out(0x20, 0x68);
    ck_assert(!wire.level);
    out(0x21, 0x08);
    ck_assert_msg(wire.level, "3 is masked: it no longer holds 5 back");
    ck_assert_uint_eq(i8259_ack(&pic), 0x25);
    end();
}
END_TEST

START_TEST(rotation)
{
    setup(1);
    pulse(2 + 1);
    ck_assert_uint_eq(i8259_ack(&pic), 0x23);
    out(0x20, 0xa0); /* EOI, 3 becomes the lowest */
    pulse(3);
    pulse(4);
    ck_assert_uint_eq(i8259_ack(&pic), 0x24);
    out(0x20, 0x20);
    ck_assert_uint_eq(i8259_ack(&pic), 0x23);
    out(0x20, 0x20);
    out(0x20, 0xc6); /* 6 lowest, so 7 is the highest */
    pulse(0);
    pulse(7);
    ck_assert_uint_eq(i8259_ack(&pic), 0x27);
    end();
}
END_TEST

START_TEST(automatic_eoi_and_poll)
{
    setup(3);
    pulse(9);
    ck_assert_uint_eq(i8259_ack(&pic), 0x29);
    out(0xa0, 0x0b);
    ck_assert_uint_eq(in(0xa0), 0);
    pulse(1);
    out(0x20, 0x0c);
    ck_assert_uint_eq(in(0x20), 0x81);
    out(0x20, 0x0c);
    ck_assert_uint_eq(in(0x20), 0);
    ck_assert(!wire.level);
    end();
}
END_TEST

/* Two requests of the slave in a row must both reach the CPU. */
START_TEST(cascade_repeats)
{
    setup(1);
    pulse(8);
    pulse(14);
    ck_assert_uint_eq(i8259_ack(&pic), 0x28);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    ck_assert(wire.level);
    ck_assert_uint_eq(i8259_ack(&pic), 0x2e);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dev_pic");
    TCase *tc = tcase_create("dev_pic");
    tcase_add_test(tc, fixed_priority_and_nesting);
    tcase_add_test(tc, edge_needs_a_new_edge);
    tcase_add_test(tc, level_stays);
    tcase_add_test(tc, spurious);
    tcase_add_test(tc, mask_and_special_mask);
    tcase_add_test(tc, rotation);
    tcase_add_test(tc, automatic_eoi_and_poll);
    tcase_add_test(tc, cascade_repeats);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
