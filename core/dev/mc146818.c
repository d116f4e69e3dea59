/*
 * MC146818 real-time clock.
 *
 * The clock is (base_seconds, base_ns): the calendar at any virtual time
 * follows by subtraction. While SET is on or the divider is held, the calendar
 * stands in its CMOS bytes instead; bytes that nobody writes meanwhile are the
 * same time afterwards, in whatever format register B then asks for. The flags of register C are computed when
 * somebody looks: which periodic tick, second or alarm lies between flags_ns
 * and now. A timer runs only while an enabled interrupt is yet to come; a
 * guest that polls the update-in-progress bit costs one division.
 *
 * Update in progress is set in the last 244 us of each second (8 periods of
 * 32768 Hz); the calendar changes at its end.
 *
 * Source: Motorola MC146818A data sheet.
 */
#include "core/dev/mc146818.h"

#define NS_PER_S  UINT64_C(1000000000)
#define UIP_NS    244141
#define CRYSTAL   32768
#define DAY       86400

enum {
    SECONDS = 0,
    SECONDS_ALARM = 1,
    MINUTES = 2,
    MINUTES_ALARM = 3,
    HOURS = 4,
    HOURS_ALARM = 5,
    WEEKDAY = 6,
    DAY_OF_MONTH = 7,
    MONTH = 8,
    YEAR = 9,
    REG_A = 10,
    REG_B = 11,
    REG_C = 12,
    REG_D = 13,
    CENTURY = 0x32,
    CENTURY_ALIAS = 0x37, /* where another line of PCs has it: the same byte */
    A_UIP = 0x80,
    A_RATE = 0x0f,
    B_SET = 0x80,
    B_BINARY = 0x04,
    B_24H = 0x02,
    B_ENABLES = 0x70, /* PIE, AIE, UIE: at the places of the flags in C */
    B_SQUARE_WAVE = 0x08,
    C_IRQF = 0x80,
    C_PERIODIC = 0x40,
    C_ALARM = 0x20,
    C_UPDATE = 0x10,
    D_VALID = 0x80,
    HOURS_PM = 0x80,
};

static bool divider_runs(const struct mc146818 *rtc)
{
    return (rtc->cmos[REG_A] & 0x60) != 0x60;
}

static bool runs(const struct mc146818 *rtc)
{
    return divider_runs(rtc) && (rtc->cmos[REG_B] & B_SET) == 0;
}

static int64_t seconds_at(const struct mc146818 *rtc, uint64_t now)
{
    return rtc->base_seconds + (int64_t)((now - rtc->base_ns) / NS_PER_S);
}

static uint8_t encode(const struct mc146818 *rtc, unsigned v)
{
    return (uint8_t)(rtc->cmos[REG_B] & B_BINARY ? v : v / 10 << 4 | v % 10);
}

static unsigned decode(const struct mc146818 *rtc, uint8_t v)
{
    return rtc->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t encode_hour(const struct mc146818 *rtc, unsigned hour)
{
    if (rtc->cmos[REG_B] & B_24H)
        return encode(rtc, hour);
    return (uint8_t)(encode(rtc, hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? HOURS_PM : 0));
}

static unsigned decode_hour(const struct mc146818 *rtc, uint8_t v)
{
    if (rtc->cmos[REG_B] & B_24H)
        return decode(rtc, v);
    unsigned hour = decode(rtc, v & (uint8_t)~HOURS_PM) % 12;
    return v & HOURS_PM ? hour + 12 : hour;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    /* Count years from March, so that the leap day is the last one. */
    if (month <= 2)
        year--;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * y + y / 4 - y / 100);
    unsigned m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = era * 400 + y + (*month <= 2);
}

static bool is_calendar(unsigned reg)
{
    return reg == CENTURY || (reg <= YEAR && reg != SECONDS_ALARM && reg != MINUTES_ALARM &&
                              reg != HOURS_ALARM);
}

static uint8_t calendar_byte(const struct mc146818 *rtc, unsigned reg, int64_t seconds)
{
    int64_t days = seconds / DAY, of_day = seconds % DAY, year;
    unsigned month, day;
    if (of_day < 0) {
        of_day += DAY;
        days--;
    }
    date_of(days, &year, &month, &day);
    switch (reg) {
    case SECONDS:
        return encode(rtc, (unsigned)of_day % 60);
    case MINUTES:
        return encode(rtc, (unsigned)of_day / 60 % 60);
    case HOURS:
        return encode_hour(rtc, (unsigned)of_day / 3600);
    case WEEKDAY:
        return encode(rtc, (unsigned)((days % 7 + 11) % 7 + 1)); /* 1970-01-01 was a Thursday */
    case DAY_OF_MONTH:
        return encode(rtc, day);
    case MONTH:
        return encode(rtc, month);
    case YEAR:
        return encode(rtc, (unsigned)((year % 100 + 100) % 100));
    default:
        return encode(rtc, (unsigned)(year / 100) % 100);
    }
}

/* Write the calendar of virtual time `now` into the CMOS bytes. */
static void freeze(struct mc146818 *rtc, uint64_t now)
{
    int64_t seconds = seconds_at(rtc, now);
    for (unsigned reg = 0; reg <= YEAR; reg++) {
        if (is_calendar(reg))
            rtc->cmos[reg] = calendar_byte(rtc, reg, seconds);
    }
    rtc->cmos[CENTURY] = calendar_byte(rtc, CENTURY, seconds);
    rtc->frozen_format = rtc->cmos[REG_B];
    rtc->touched = 0;
}

/* The clock starts from the CMOS bytes; the divider chain keeps its phase. */
static void thaw(struct mc146818 *rtc, uint64_t now)
{
    uint8_t control = rtc->cmos[REG_B];
    if (!rtc->touched)
        rtc->cmos[REG_B] = rtc->frozen_format;
    unsigned month = decode(rtc, rtc->cmos[MONTH]), day = decode(rtc, rtc->cmos[DAY_OF_MONTH]);
    int64_t year = decode(rtc, rtc->cmos[CENTURY]) * 100 + decode(rtc, rtc->cmos[YEAR]);
    if (month < 1 || month > 12)
        month = 1;
    if (day < 1 || day > 31)
        day = 1;
    rtc->base_seconds = days_of(year, month, day) * DAY +
                        (int64_t)decode_hour(rtc, rtc->cmos[HOURS]) * 3600 +
                        (int64_t)decode(rtc, rtc->cmos[MINUTES]) * 60 +
                        (int64_t)decode(rtc, rtc->cmos[SECONDS]);
    rtc->cmos[REG_B] = control;
    rtc->base_ns = now - (now - rtc->base_ns) % NS_PER_S;
}

/* Crystal periods between two periodic interrupts; 0 for none. */
static unsigned period(const struct mc146818 *rtc)
{
    unsigned rate = rtc->cmos[REG_A] & A_RATE;
    if (rate == 0 || !divider_runs(rtc))
        return 0;
    return 1u << (rate <= 2 ? rate + 6 : rate - 1);
}

static uint64_t periods_at(const struct mc146818 *rtc, uint64_t now)
{
    unsigned __int128 crystal = (unsigned __int128)(now - rtc->base_ns) * CRYSTAL / NS_PER_S;
    return (uint64_t)crystal / period(rtc);
}

static uint64_t ns_of_period(const struct mc146818 *rtc, uint64_t n)
{
    unsigned __int128 crystal = (unsigned __int128)n * period(rtc);
    return rtc->base_ns + (uint64_t)((crystal * NS_PER_S + CRYSTAL - 1) / CRYSTAL);
}

/* Value wanted by an alarm byte: -1 for any, or the number. */
static int wanted(const struct mc146818 *rtc, unsigned reg)
{
    uint8_t v = rtc->cmos[reg];
    if (v >= 0xc0)
        return -1;
    return (int)(reg == HOURS_ALARM ? decode_hour(rtc, v) : decode(rtc, v));
}

/* Seconds from time of day `of_day` to the next alarm, 1..86400; 0 for never. */
static unsigned to_alarm(const struct mc146818 *rtc, unsigned of_day)
{
    int hour = wanted(rtc, HOURS_ALARM), minute = wanted(rtc, MINUTES_ALARM);
    int second = wanted(rtc, SECONDS_ALARM);
    if (hour > 23 || minute > 59 || second > 59)
        return 0;
    unsigned t = of_day + 1, end = of_day + DAY;
    while (t <= end) {
        if (hour >= 0 && t / 3600 % 24 != (unsigned)hour)
            t += 3600 - t % 3600;
        else if (minute >= 0 && t / 60 % 60 != (unsigned)minute)
            t += 60 - t % 60;
        else if (second >= 0 && t % 60 != (unsigned)second)
            t++;
        else
            return t - of_day;
    }
    return 0;
}

/* Virtual time of the first alarm after the second of `from`; TIMER_OFF for never. */
static uint64_t next_alarm(const struct mc146818 *rtc, uint64_t from)
{
    int64_t of_day = seconds_at(rtc, from) % DAY;
    unsigned wait = to_alarm(rtc, (unsigned)(of_day < 0 ? of_day + DAY : of_day));
    if (wait == 0)
        return TIMER_OFF;
    return from - (from - rtc->base_ns) % NS_PER_S + wait * NS_PER_S;
}

/* Bring register C up to `now`. */
static void account(struct mc146818 *rtc, uint64_t now)
{
    uint64_t from = rtc->flags_ns;
    uint8_t flags = 0;
    rtc->flags_ns = now;
    if (now == from)
        return;
    if (period(rtc) != 0 && periods_at(rtc, from) != periods_at(rtc, now))
        flags |= C_PERIODIC;
    if (runs(rtc)) {
        if (seconds_at(rtc, from) != seconds_at(rtc, now))
            flags |= C_UPDATE;
        if (next_alarm(rtc, from) <= now)
            flags |= C_ALARM;
    }
    rtc->cmos[REG_C] |= flags;
}

/* When does an enabled flag come up that is not up already? */
static uint64_t next_interrupt(const struct mc146818 *rtc, uint64_t now)
{
    uint8_t enabled = rtc->cmos[REG_B] & B_ENABLES;
    uint64_t next = TIMER_OFF;
    if ((enabled & C_PERIODIC) && period(rtc) != 0)
        next = min_u64(next, ns_of_period(rtc, periods_at(rtc, now) + 1));
    if ((enabled & C_UPDATE) && runs(rtc))
        next = min_u64(next, now - (now - rtc->base_ns) % NS_PER_S + NS_PER_S);
    if ((enabled & C_ALARM) && runs(rtc))
        next = min_u64(next, next_alarm(rtc, now));
    return next;
}

/* After account(): the interrupt and the next one. */
static void update(struct mc146818 *rtc, uint64_t now)
{
    bool level = (rtc->cmos[REG_C] & rtc->cmos[REG_B] & B_ENABLES) != 0;
    rtc->cmos[REG_C] = (uint8_t)((rtc->cmos[REG_C] & ~C_IRQF) | (level ? C_IRQF : 0));
    irq_set(&rtc->out, level);
    dev_timer_set(&rtc->timer, level ? TIMER_OFF : next_interrupt(rtc, now));
}

static void fire(struct device *dev)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    uint64_t now = dev_now(dev);
    account(rtc, now);
    update(rtc, now);
}

static uint8_t read_register(struct mc146818 *rtc)
{
    unsigned reg = rtc->index;
    if (reg == REG_A) {
        if (!runs(rtc))
            return rtc->cmos[REG_A];
        uint64_t phase = (dev_now(&rtc->dev) - rtc->base_ns) % NS_PER_S;
        return rtc->cmos[REG_A] | (phase >= NS_PER_S - UIP_NS ? A_UIP : 0);
    }
    if (reg == REG_C) {
        uint64_t now = dev_now(&rtc->dev);
        account(rtc, now);
        update(rtc, now);
        uint8_t value = rtc->cmos[REG_C];
        rtc->cmos[REG_C] = 0;
        update(rtc, now);
        return value;
    }
    if (is_calendar(reg) && runs(rtc))
        return calendar_byte(rtc, reg, seconds_at(rtc, dev_now(&rtc->dev)));
    return rtc->cmos[reg];
}

static void write_control(struct mc146818 *rtc, unsigned reg, uint8_t value, uint64_t now)
{
    bool was_running = runs(rtc), divider_ran = divider_runs(rtc);
    if (was_running)
        freeze(rtc, now);
    rtc->cmos[reg] = reg == REG_A ? value & 0x7f : value;
    /* The first second after the divider was released is half a second long. */
    if (!divider_ran && divider_runs(rtc))
        rtc->base_ns = now - NS_PER_S / 2;
    if (runs(rtc))
        thaw(rtc, now);
}

static void write_register(struct mc146818 *rtc, uint8_t value)
{
    unsigned reg = rtc->index;
    uint64_t now = dev_now(&rtc->dev);
    if (reg == REG_C || reg == REG_D)
        return;
    if (reg > REG_D && reg != CENTURY) {
        rtc->cmos[reg] = value;
        return;
    }
    account(rtc, now);
    if (reg == REG_A || reg == REG_B) {
        write_control(rtc, reg, value, now);
    } else if (is_calendar(reg) && runs(rtc)) {
        freeze(rtc, now);
        rtc->cmos[reg] = value;
        rtc->touched = 1;
        thaw(rtc, now);
    } else {
        rtc->cmos[reg] = value;
        rtc->touched |= is_calendar(reg);
    }
    update(rtc, now);
}

static uint64_t rtc_read(struct device *dev, uint64_t off, unsigned size)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    uint64_t value = off == 0 ? 0xff : read_register(rtc);
    return size == 1 ? value : value | (uint64_t)read_register(rtc) << 8;
}

static void rtc_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    if (off == 0) {
        rtc->index = (value & 0x7f) == CENTURY_ALIAS ? CENTURY : value & 0x7f;
        if (size > 1)
            write_register(rtc, (uint8_t)(value >> 8));
    } else {
        write_register(rtc, (uint8_t)value);
    }
}

static const struct io_ops rtc_ops = {.read = rtc_read, .write = rtc_write};

/* The clock runs on a battery: a reset takes away the interrupts only. */
static void reset(struct device *dev)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    uint64_t now = dev_now(dev);
    account(rtc, now);
    rtc->cmos[REG_B] &= (uint8_t) ~(B_ENABLES | B_SQUARE_WAVE);
    rtc->cmos[REG_C] = 0;
    rtc->index = 0;
    update(rtc, now);
}

static void loaded(struct device *dev)
{
    struct mc146818 *rtc = container_of(dev, struct mc146818, dev);
    dev_timer_set(&rtc->timer, rtc->timer.deadline);
    irq_set(&rtc->out, (rtc->cmos[REG_C] & C_IRQF) != 0);
}

static const struct state_field fields[] = {
    STATE(struct mc146818, index),
    STATE_ARRAY(struct mc146818, cmos, uint8_t),
    STATE(struct mc146818, frozen_format),
    STATE(struct mc146818, touched),
    STATE(struct mc146818, base_seconds),
    STATE(struct mc146818, base_ns),
    STATE(struct mc146818, flags_ns),
    STATE(struct mc146818, timer.deadline),
    STATE_END,
};

static const struct dev_ops ops = {
    .name = "mc146818",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

void mc146818_init(struct mc146818 *rtc, struct platform *p, const char *id, struct bus *io,
                   struct irq out)
{
    *rtc = (struct mc146818){.out = out};
    dev_init(&rtc->dev, &ops, id, p);
    dev_timer_init(&rtc->timer, &rtc->dev, fire);
    bus_map(io, 0x70, 2, &rtc_ops, &rtc->dev, "rtc");
    uint64_t now = dev_now(&rtc->dev);
    rtc->base_seconds = (int64_t)p->wall_clock;
    rtc->base_ns = now;
    rtc->flags_ns = now;
    rtc->cmos[REG_A] = 0x26; /* divider on, 1024 Hz */
    rtc->cmos[REG_B] = B_24H;
    rtc->cmos[REG_D] = D_VALID;
    reset(&rtc->dev);
}
