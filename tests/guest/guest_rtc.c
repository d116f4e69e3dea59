/*
 * The clock chip against CP0 Count: both must come from one time (kernels measure the processor's
 * clock that way). A second and the next update must have the same length in Count, within an eighth:
 * under an emulator that runs in real time, a busy host lengthens either.
 */
#include "tests/guest/bare.h"

static uint8_t rtc_read(uint8_t index)
{
    *isa_port(0x70) = index;
    return *isa_port(0x71);
}

static void rtc_write(uint8_t index, uint8_t value)
{
    *isa_port(0x70) = index;
    *isa_port(0x71) = value;
}

/* Waits for the seconds to change; returns Count at that moment. */
static uint32_t next_second(void)
{
    uint8_t second = rtc_read(0);

    while (rtc_read(0) == second)
        continue;
    return MFC0(9, 0);
}

/* From the end of one update cycle to the next, by the update-in-progress bit as kernels do. */
static uint32_t next_update(void)
{
    while ((rtc_read(10) & 0x80) == 0)
        continue;
    while ((rtc_read(10) & 0x80) != 0)
        continue;
    return MFC0(9, 0);
}

static int is_near(uint32_t a, uint32_t b)
{
    return (a > b ? a - b : b - a) < b / 8;
}

/*
 * True if the end of the next update that the bit shows is whole seconds after SINCE. The bit is up
 * for a moment only, which an emulator on a busy host may sleep through: hence not just one second.
 */
static int is_update_on_the_second(uint32_t since, uint32_t second)
{
    uint32_t passed = next_update() - since;
    uint32_t seconds = (passed + second / 2) / second;

    return seconds >= 1 && is_near(passed, seconds * second);
}

/* Firmware that stops the clock, sets it up and lets it go in another format does not change the
 * time, whatever the hour is. */
static void check_format_changes(void)
{
    static const uint8_t hours[][2] = {{0x00, 0x12}, {0x08, 0x08}, {0x12, 0x92}, {0x20, 0x88}};

    for (unsigned i = 0; i < 4; i++) {
        rtc_write(11, 0x82);
        rtc_write(4, hours[i][0]);
        rtc_write(2, 0x30);
        rtc_write(11, 0x02);
        CHECK_EQ(rtc_read(4), hours[i][0]);
        rtc_write(11, 0x82);
        rtc_write(11, 0x00);
        CHECK_EQ(rtc_read(4), hours[i][1]);
        rtc_write(11, 0x02);
        CHECK_EQ(rtc_read(4), hours[i][0]);
        rtc_write(11, 0x06);
        CHECK_EQ(rtc_read(2), 30);
        rtc_write(11, 0x02);
    }
    /* The century has two addresses. */
    CHECK_EQ(rtc_read(0x37), rtc_read(0x32));
}

void guest_main(void)
{
    uint32_t t0, t1;

    check_format_changes();
    /* 24-hour binary mode, as firmware leaves it or not. */
    rtc_write(11, (uint8_t)((rtc_read(11) | 6) & 0x7f));
    CHECK_EQ(rtc_read(13) & 0x80, 0x80);
    /* CMOS memory keeps what is written. */
    rtc_write(0x40, 0x5a);
    rtc_write(0x41, 0xa5);
    CHECK_EQ(rtc_read(0x40), 0x5a);
    CHECK_EQ(rtc_read(0x41), 0xa5);

    t0 = next_second();
    t1 = next_second();
    CHECK_EQ(t1 - t0 > 1000000, 1);
    CHECK_EQ(is_update_on_the_second(t1, t1 - t0), 1);
    CHECK_EQ(rtc_read(0) < 60, 1);
    CHECK_EQ(rtc_read(2) < 60, 1);
    CHECK_EQ(rtc_read(4) < 24, 1);
    CHECK_EQ(rtc_read(7) >= 1 && rtc_read(7) <= 31, 1);
    CHECK_EQ(rtc_read(8) >= 1 && rtc_read(8) <= 12, 1);
}
