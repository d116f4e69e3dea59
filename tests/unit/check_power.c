/* Power-off, reset, and sleep, by the guest and by the operator. */
#include "tests/unit/engine_suites.h"
#include "tests/unit/monitor_rig.h"

static unsigned power_events(const struct mrig *r, enum power_event code)
{
    unsigned n = 0;
    for (size_t i = 0; i < r->events_count; i++)
        n += r->events[i].kind == EVENT_POWER && r->events[i].arg[0] == code;
    return n;
}

static uint32_t guest_word(const struct mrig *r, uint32_t va)
{
    uint8_t bytes[4];
    ck_assert_uint_eq(vm_read_physical(r->m->vms[0], va & 0x1fffffff, bytes, 4), 4);
    return r->opt.big_endian ? ld_be32(bytes) : ld_le32(bytes);
}

START_TEST(guest_resets)
{
    struct guest g;
    guest_worker(&g, 5000);
    struct mrig_options opt = {.guest = &g, .key_epoch = 4, .key = 'R', .input_every = 7};
    struct mrig *r = mrig_create(&opt);
    struct rng rng = {3};
    while (mrig_cycle(r) < 200000)
        ck_assert_int_eq(mrig_run(r, mrig_step(r) + rng_below(&rng, 4000), 200000), RUN_LIMIT);
    mrig_assert_canonical(r);
    ck_assert_uint_eq(power_events(r, POWER_RESET), 1);
    ck_assert_uint_gt(guest_word(r, GUEST_DATA), 0); /* interrupts: it came up again */
    ck_assert_uint_eq(r->m->vms[0]->powered_off, 0);
    mrig_destroy(r);
}
END_TEST

START_TEST(no_reboot)
{
    struct guest g;
    guest_worker(&g, 5000);
    struct mrig_options opt = {.guest = &g, .key_epoch = 4, .key = 'R', .no_reboot = true};
    struct mrig *r = mrig_create(&opt);
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 1000000), RUN_POWERED_OFF);
    uint64_t step = mrig_step(r);
    ck_assert_uint_eq(power_events(r, POWER_RESET), 1);
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 1000000), RUN_POWERED_OFF);
    ck_assert_uint_eq(mrig_step(r), step);
    mrig_destroy(r);
}
END_TEST

/* Off stays off, and a snapshot from before brings it back. */
START_TEST(guest_powers_off)
{
    struct guest g;
    guest_worker(&g, 5000);
    struct mrig_options opt = {.guest = &g, .key_epoch = 4, .key = 'P', .random_idle = true};
    struct mrig *r = mrig_create(&opt);
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 35000), RUN_LIMIT);
    struct snapshot *s = monitor_snapshot(r->m);
    size_t events = r->events_count;
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 1000000), RUN_POWERED_OFF);
    ck_assert_uint_eq(power_events(r, POWER_OFF), 1);
    uint64_t step = mrig_step(r), all = r->events_count;
    struct vm_digest end = monitor_digest(r->m, 0, true);
    monitor_restore(r->m, s);
    r->events_count = events;
    ck_assert_uint_eq(r->m->vms[0]->powered_off, 0);
    ck_assert_int_eq(mrig_run(r, step - 20, 1000000), RUN_LIMIT);
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 1000000), RUN_POWERED_OFF);
    ck_assert_uint_eq(mrig_step(r), step);
    ck_assert_uint_eq(r->events_count, all);
    struct vm_digest again = monitor_digest(r->m, 0, true);
    ck_assert_uint_eq(again.cpu, end.cpu);
    ck_assert_uint_eq(again.devices, end.devices);
    ck_assert_uint_eq(again.memory, end.memory);
    snapshot_free(r->m, s);
    mrig_destroy(r);
}
END_TEST

/* The operator's commands come at the barrier, also while the guest sleeps. */
START_TEST(operator)
{
    struct guest g;
    guest_worker(&g, 30000);
    for (unsigned epoch = 1; epoch < 12; epoch++) {
        struct mrig_options opt = {
            .guest = &g, .power_epoch = epoch, .power = (enum power_event)_i, .seed = epoch};
        struct mrig *r = mrig_create(&opt);
        if (_i == POWER_RESET) {
            ck_assert_int_eq(mrig_run(r, UINT64_MAX, epoch * 10000 + 5000), RUN_LIMIT);
            ck_assert_int_eq(mrig_run(r, UINT64_MAX, 200000), RUN_LIMIT);
            mrig_assert_canonical(r);
        } else {
            ck_assert_int_eq(mrig_run(r, UINT64_MAX, 200000), RUN_POWERED_OFF);
            ck_assert_uint_ge(mrig_cycle(r), epoch * 10000);
            ck_assert_uint_le(mrig_cycle(r), epoch * 10000 + 1);
        }
        ck_assert_uint_eq(power_events(r, (enum power_event)_i), 1);
        mrig_destroy(r);
    }
}
END_TEST

/* A guest that does nothing but reset itself: each position still names one state, also where the
 * reset falls together with the end of an epoch. */
START_TEST(reset_loop)
{
    struct guest g;
    guest_begin(&g, 1000);
    for (int i = 0; i < _i; i++)
        guest_put(&g, NOP_W);
    guest_reset_machine(&g);
    guest_back(&g, BEQ_W(ZERO, ZERO, 0), g.at);
    struct mrig_options opt = {
        .guest = &g, .epoch_ns = 1000, .input_every = 3, .big_endian = _i % 2 != 0};
    struct mrig *steps = mrig_create(&opt), *go = mrig_create(&opt);
    unsigned resets = 0;
    for (uint64_t step = 1; step < 2500; step++) {
        ck_assert_int_eq(mrig_run(steps, step, UINT64_MAX), RUN_LIMIT);
        bool at_reset = power_events(steps, POWER_RESET) != resets;
        resets = power_events(steps, POWER_RESET);
        /* Where it may go wrong: around resets and barriers. */
        if (at_reset || mrig_cycle(steps) % 100 < 2 || steps->m->vms[0]->power_pending != 0) {
            mrig_run(go, UINT64_MAX, mrig_cycle(steps));
            mrig_assert_same(go, steps);
        }
        if (step % 499 == 0)
            mrig_assert_canonical(steps);
    }
    ck_assert_uint_gt(resets, 20);
    mrig_assert_canonical(go);
    mrig_destroy(steps);
    mrig_destroy(go);
}
END_TEST

/* Nothing can wake it: the port is asked with no end, and asked again when the run goes on. */
START_TEST(asleep_for_ever)
{
    struct guest g;
    guest_begin(&g, 1000);
    guest_put(&g, MTC0_W(ZERO, 12, 0));
    unsigned loop = g.at;
    guest_put(&g, MFC0_W(T0, 9, 0)); /* Compare far away: Count just passed it */
    guest_put(&g, MTC0_W(T0, 11, 0));
    guest_put(&g, LUI_W(T1, 0x0800));
    guest_put(&g, MTC0_W(T1, 13, 0)); /* Cause.DC: Count stands still */
    guest_put(&g, WAIT_W);
    guest_back(&g, BEQ_W(ZERO, ZERO, 0), loop);
    struct mrig_options opt = {.guest = &g};
    struct mrig *r = mrig_create(&opt);
    enum run_stop stop = mrig_run(r, UINT64_MAX, UINT64_MAX);
    if (stop == RUN_STOPPED) {
        uint64_t step = mrig_step(r), idles = r->idles;
        ck_assert(mips_waiting(r->m->vms[0]->cpu));
        ck_assert_int_eq(mrig_run(r, UINT64_MAX, UINT64_MAX), RUN_STOPPED);
        ck_assert_uint_eq(mrig_step(r), step);
        ck_assert_uint_gt(r->idles, idles);
    } else {
        ck_abort_msg("stop %d", stop);
    }
    mrig_destroy(r);
}
END_TEST

/* A long sleep is one call of idle and one event, and with a limit it ends there. */
START_TEST(long_sleep)
{
    struct guest g;
    guest_begin(&g, 0x7fff);
    unsigned loop = g.at;
    guest_put(&g, WAIT_W);
    guest_back(&g, BEQ_W(ZERO, ZERO, 0), loop);
    struct mrig_options opt = {.guest = &g, .epoch_ns = 1000};
    struct mrig *r = mrig_create(&opt);
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 64000), RUN_LIMIT);
    ck_assert_uint_eq(mrig_cycle(r), 64000);
    ck_assert_uint_eq(r->idles, 1);
    ck_assert_uint_lt(r->barriers, 6);
    ck_assert_uint_lt(mrig_step(r), 80);
    size_t events = r->events_count;
    ck_assert_int_eq(mrig_run(r, mrig_step(r) + 1, UINT64_MAX), RUN_LIMIT);
    ck_assert_uint_gt(mrig_cycle(r), 65534);
    ck_assert_uint_lt(mrig_cycle(r), 65700);
    ck_assert_uint_eq(r->events[events].kind, EVENT_IDLE);
    ck_assert_uint_eq(r->events[events].arg[0], mrig_cycle(r) - mrig_step(r));
    mrig_assert_canonical(r);
    mrig_destroy(r);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("power");
    TCase *tc = tcase_create("power");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, guest_resets);
    tcase_add_test(tc, no_reboot);
    tcase_add_test(tc, guest_powers_off);
    tcase_add_loop_test(tc, operator, 0, 3);
    tcase_add_loop_test(tc, reset_loop, 0, 4);
    tcase_add_test(tc, asleep_for_ever);
    tcase_add_test(tc, long_sleep);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &mrig_engine);
}
