/*
 * Count, Compare and the timer interrupt; wait; both interrupt vectors; what masks an interrupt
 * (MIPS32 volume III, chapter 6 and the registers Count and Compare).
 */
#include "tests/guest/bare.h"

/* In counts: so long that no emulator passes it between reading Count and writing Compare. */
enum { STEP = 200000 };

static volatile uint32_t ticks;
static volatile uint32_t last_vector;
static volatile uint32_t last_count;
static volatile uint32_t early;

static int on_interrupt(struct trap_frame *frame)
{
    uint32_t now = MFC0(9, 0);

    if ((frame->cause >> 2 & 31) != EXC_INT)
        return 0;
    CHECK_EQ(frame->cause & CAUSE_TI, CAUSE_TI);
    CHECK_EQ(frame->cause & STATUS_IM7, STATUS_IM7);
    if ((int32_t)(now - MFC0(11, 0)) < 0)
        early++;
    last_vector = frame->vector;
    last_count = now;
    ticks++;
    MTC0(11, 0, now + STEP);
    /* Writing Compare takes the request back. */
    CHECK_EQ(MFC0(13, 0) & (CAUSE_TI | STATUS_IM7), 0);
    return 1;
}

static void set_timer(uint32_t ahead)
{
    MTC0(11, 0, MFC0(9, 0) + ahead);
}

/* Waits until N more ticks came; wait must return for each. */
static void wait_for_ticks(uint32_t n)
{
    uint32_t until = ticks + n;

    while ((int32_t)(ticks - until) < 0)
        __asm__ volatile("wait" : : : "memory");
}

static void check_count(void)
{
    uint32_t before = MFC0(9, 0);
    uint32_t after = MFC0(9, 0);

    for (int i = 0; i < 1000; i++)
        __asm__ volatile("nop");
    after = MFC0(9, 0);
    CHECK_EQ(after != before, 1);
    CHECK_EQ((int32_t)(after - before) > 0, 1);
    /* Count is writable, and goes on from there. */
    MTC0(9, 0, 0xfffffff0u);
    for (int i = 0; i < 1000; i++)
        __asm__ volatile("nop");
    CHECK_EQ(MFC0(9, 0) < 0x80000000u, 1);
}

static void check_masks(uint32_t status)
{
    uint32_t before = ticks;

    set_timer(STEP);
    while ((MFC0(13, 0) & STATUS_IM7) == 0)
        continue;
    /* Pending, but not enabled: by IE, by IM, by EXL. */
    MTC0(12, 0, status | STATUS_IM7);
    MTC0(12, 0, status | STATUS_IE);
    MTC0(12, 0, status | STATUS_IM7 | STATUS_IE | STATUS_EXL);
    CHECK_EQ(ticks, before);
    MTC0(12, 0, status);
    __asm__ volatile("nop");
    CHECK_EQ(ticks, before);
    /* Enabled at last: it comes at once. */
    MTC0(12, 0, status | STATUS_IM7 | STATUS_IE);
    CHECK_EQ(ticks, before + 1);
    MTC0(12, 0, status);
}

static volatile uint32_t software_cause;

static int on_software_interrupt(struct trap_frame *frame)
{
    if ((frame->cause >> 2 & 31) != EXC_INT)
        return 0;
    software_cause = frame->cause;
    MTC0(13, 0, frame->cause & ~0x300u);
    return 1;
}

static void check_software_interrupt(uint32_t status)
{
    trap_hook = on_software_interrupt;
    MTC0(12, 0, status | 0x200 | STATUS_IE);
    MTC0(13, 0, 0x200);
    CHECK_EQ(software_cause >> 8 & 3, 2);
    software_cause = 0;
    MTC0(13, 0, 0x100);
    CHECK_EQ(software_cause, 0);
    MTC0(13, 0, 0);
    MTC0(12, 0, status);
}

void guest_main(void)
{
    uint32_t status = MFC0(12, 0);
    uint32_t first;

    check_count();
    trap_hook = on_interrupt;
    check_masks(status);

    set_timer(STEP);
    MTC0(12, 0, status | STATUS_IM7 | STATUS_IE);
    wait_for_ticks(1);
    first = last_count;
    wait_for_ticks(10);
    CHECK_EQ(last_count - first >= 10 * STEP, 1);
    CHECK_EQ(early, 0);
    CHECK_EQ(last_vector, 0x180);

    MTC0(13, 0, CAUSE_IV);
    wait_for_ticks(3);
    CHECK_EQ(last_vector, 0x200);
    MTC0(12, 0, status);
    MTC0(13, 0, 0);

    check_software_interrupt(status);
}
