/* 8254 and MC146818: time as the guest reads it. */
#include <check.h>

#include "core/dev/i8254.h"
#include "core/dev/mc146818.h"
#include "tests/unit/fake_platform.h"

static struct fake fake;
static struct bus *io;
static struct fake_wire wire;
static struct i8254 pit;
static struct mc146818 rtc;

static void begin(void)
{
    fake_init(&fake);
    io = bus_create("io");
    wire = (struct fake_wire){0};
}

static void end(void)
{
    bus_destroy(io);
    fake_fini(&fake);
}

static unsigned in(unsigned port)
{
    return (unsigned)bus_read(io, port, 1);
}

static void out(unsigned port, unsigned value)
{
    bus_write(io, port, 1, value);
}

static unsigned ticks(uint64_t ns)
{
    return (unsigned)((unsigned __int128)ns * I8254_HZ / 1000000000u);
}

/* First ns of a clock tick. */
static uint64_t ns_of(uint64_t tick)
{
    uint64_t ns = tick * 1000000000u / I8254_HZ;
    return ticks(ns) == tick ? ns : ns + 1;
}

static unsigned latch(unsigned channel)
{
    out(0x43, channel << 6);
    unsigned low = in(0x40 + channel);
    return low | in(0x40 + channel) << 8;
}

static void program(unsigned channel, unsigned mode, unsigned count)
{
    out(0x43, channel << 6 | 0x30 | mode << 1);
    out(0x40 + channel, count & 0xff);
    out(0x40 + channel, count >> 8);
}

/* The counter of modes 2 and 3 by counting clock after clock. */
START_TEST(pit_against_slow_model)
{
    for (unsigned mode = 2; mode <= 3; mode++) {
        for (unsigned n = 2; n < 40; n += 3) {
            begin();
            i8254_init(&pit, &fake.platform, "pit", io, fake_wire_irq(&wire));
            program(0, mode, n);
            unsigned counter = n, rises = 0;
            bool level = true;
            for (unsigned tick = 1; tick < 200; tick++) {
                fake_advance_to(&fake, ns_of(tick));
                if (mode == 2) {
                    counter = counter == 1 ? n : counter - 1;
                    bool next = counter != 1;
                    rises += next && !level;
                    level = next;
                } else {
                    unsigned phase = tick % n;
                    counter = n - 2 * phase % n;
                    bool next = phase < (n + 1) / 2;
                    rises += next && !level;
                    level = next;
                }
                ck_assert_msg(latch(0) == counter, "mode %u count %u tick %u: %u, not %u", mode, n,
                              tick, latch(0), counter);
                ck_assert_msg(wire.level == level, "mode %u count %u tick %u", mode, n, tick);
            }
            ck_assert_uint_eq(wire.rises, rises + 1); /* and the one at power-on */
            end();
        }
    }
}
END_TEST

START_TEST(pit_does_not_drift)
{
    begin();
    i8254_init(&pit, &fake.platform, "pit", io, fake_wire_irq(&wire));
    program(0, 2, 11932);
    unsigned before = wire.rises;
    fake_advance(&fake, UINT64_C(100) * 1000000000);
    ck_assert_uint_eq(wire.rises - before, UINT64_C(119318200) / 11932);
    end();
}
END_TEST

START_TEST(pit_one_shot_and_idle)
{
    begin();
    i8254_init(&pit, &fake.platform, "pit", io, fake_wire_irq(&wire));
    fake_advance(&fake, 1000000000);
    ck_assert_uint_eq(fake.fired, 0);
    program(0, 0, 1000);
    uint64_t start = fake.now;
    ck_assert(!wire.level);
    uint64_t due = ns_of(ticks(start) + 1000u);
    fake_advance_to(&fake, due - 1);
    ck_assert(!wire.level);
    fake_advance_to(&fake, due);
    ck_assert(wire.level);
    fake_advance(&fake, 1000000000);
    ck_assert_uint_eq(fake.fired, 1);
    /* Read-back of status: OUT, both bytes, mode 0. */
    out(0x43, 0xe2);
    ck_assert_uint_eq(in(0x40), 0xb0);
    end();
}
END_TEST

START_TEST(pit_gate_pauses)
{
    begin();
    i8254_init(&pit, &fake.platform, "pit", io, fake_wire_irq(&wire));
    out(0x61, 1);
    program(2, 0, 1000);
    fake_advance_to(&fake, ns_of(400));
    out(0x61, 0);
    fake_advance_to(&fake, ns_of(5000));
    ck_assert_uint_eq(latch(2), 600);
    ck_assert_uint_eq(in(0x61) & 0x20, 0);
    out(0x61, 1);
    fake_advance_to(&fake, ns_of(5599));
    ck_assert_uint_eq(in(0x61) & 0x20, 0);
    fake_advance_to(&fake, ns_of(5600));
    ck_assert_uint_eq(in(0x61) & 0x20, 0x20);
    end();
}
END_TEST

static unsigned cmos(unsigned reg)
{
    out(0x70, reg);
    return in(0x71);
}

static void set_cmos(unsigned reg, unsigned value)
{
    out(0x70, reg);
    out(0x71, value);
}

static void begin_rtc(void)
{
    begin();
    mc146818_init(&rtc, &fake.platform, "rtc", io, fake_wire_irq(&wire));
}

START_TEST(rtc_starts_from_wall_clock)
{
    begin_rtc();
    ck_assert_uint_eq(cmos(0), 0x20);
    ck_assert_uint_eq(cmos(2), 0x13);
    ck_assert_uint_eq(cmos(4), 0x22);
    ck_assert_uint_eq(cmos(6), 3);
    ck_assert_uint_eq(cmos(7), 0x14);
    ck_assert_uint_eq(cmos(8), 0x11);
    ck_assert_uint_eq(cmos(9), 0x23);
    ck_assert_uint_eq(cmos(0x32), 0x20);
    set_cmos(11, 0x04); /* binary, 12 hours */
    ck_assert_uint_eq(cmos(4), 0x80 | 10);
    ck_assert_uint_eq(cmos(9), 23);
    end();
}
END_TEST

START_TEST(rtc_update_in_progress)
{
    begin_rtc();
    out(0x70, 10);
    for (unsigned second = 0; second < 3; second++) {
        fake_advance_to(&fake, second * UINT64_C(1000000000));
        ck_assert_uint_eq(in(0x71), 0x26);
        fake_advance_to(&fake, second * UINT64_C(1000000000) + 1000000000 - 244141 - 1);
        ck_assert_uint_eq(in(0x71), 0x26);
        fake_advance(&fake, 1);
        ck_assert_uint_eq(in(0x71), 0xa6);
        fake_advance(&fake, 244140);
        ck_assert_uint_eq(in(0x71), 0xa6);
    }
    ck_assert_uint_eq(fake.fired, 0);
    end();
}
END_TEST

START_TEST(rtc_rollover)
{
    static const struct {
        uint8_t before[6], after[6]; /* year month day hour minute second */
    } cases[] = {
        {{0x99, 0x12, 0x31, 0x23, 0x59, 0x59}, {0x00, 0x01, 0x01, 0x00, 0x00, 0x00}},
        {{0x24, 0x02, 0x28, 0x23, 0x59, 0x59}, {0x24, 0x02, 0x29, 0x00, 0x00, 0x00}},
        {{0x23, 0x02, 0x28, 0x23, 0x59, 0x59}, {0x23, 0x03, 0x01, 0x00, 0x00, 0x00}},
        {{0x23, 0x04, 0x30, 0x12, 0x59, 0x59}, {0x23, 0x04, 0x30, 0x13, 0x00, 0x00}},
    };
    static const uint8_t reg[6] = {9, 8, 7, 4, 2, 0};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        begin_rtc();
        fake_advance(&fake, 300000000);
        set_cmos(11, 0x82);
        for (unsigned j = 0; j < 6; j++)
            set_cmos(reg[j], cases[i].before[j]);
        fake_advance(&fake, UINT64_C(5000000000)); /* SET holds the clock */
        for (unsigned j = 0; j < 6; j++)
            ck_assert_uint_eq(cmos(reg[j]), cases[i].before[j]);
        set_cmos(11, 0x02);
        fake_advance(&fake, 699999999);
        ck_assert_uint_eq(cmos(0), cases[i].before[5]);
        fake_advance(&fake, 1);
        for (unsigned j = 0; j < 6; j++)
            ck_assert_msg(cmos(reg[j]) == cases[i].after[j], "case %u field %u: %x", i, j,
                          cmos(reg[j]));
        end();
    }
}
END_TEST

START_TEST(rtc_interrupts)
{
    begin_rtc();
    set_cmos(1, 0x25); /* alarm at 22:13:25, five seconds on */
    set_cmos(3, 0x13);
    set_cmos(5, 0xff);
    set_cmos(11, 0x22);
    fake_advance(&fake, UINT64_C(4999999999));
    ck_assert(!wire.level);
    fake_advance(&fake, 1);
    ck_assert(wire.level);
    ck_assert_uint_eq(cmos(12), 0xf0);
    ck_assert(!wire.level);
    ck_assert_uint_eq(cmos(12), 0);
    /* Next alarm is an hour later; one timer, no work in between. */
    fake_advance(&fake, UINT64_C(3599999999999));
    ck_assert(!wire.level);
    fake_advance(&fake, 1);
    ck_assert(wire.level);
    ck_assert_uint_eq(fake.fired, 2);
    /* Periodic at 1024 Hz, acknowledged each time. */
    cmos(12);
    set_cmos(11, 0x42);
    unsigned before = wire.rises;
    for (unsigned i = 0; i < 4000; i++) {
        fake_advance(&fake, 250000);
        cmos(12);
    }
    ck_assert_uint_eq(wire.rises - before, 1024);
    end();
}
END_TEST

START_TEST(rtc_impossible_values)
{
    begin_rtc();
    for (unsigned reg = 0; reg < 10; reg++)
        set_cmos(reg, 0xbf);
    set_cmos(0x32, 0xff);
    set_cmos(11, 0x72);
    fake_advance(&fake, UINT64_C(100000000000));
    for (unsigned reg = 0; reg < 128; reg++)
        ck_assert_uint_le(cmos(reg), 0xff);
    ck_assert_uint_le(cmos(0), 0x59);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dev_timers");
    TCase *tc = tcase_create("dev_timers");
    tcase_add_test(tc, pit_against_slow_model);
    tcase_add_test(tc, pit_does_not_drift);
    tcase_add_test(tc, pit_one_shot_and_idle);
    tcase_add_test(tc, pit_gate_pauses);
    tcase_add_test(tc, rtc_starts_from_wall_clock);
    tcase_add_test(tc, rtc_update_in_progress);
    tcase_add_test(tc, rtc_rollover);
    tcase_add_test(tc, rtc_interrupts);
    tcase_add_test(tc, rtc_impossible_values);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
