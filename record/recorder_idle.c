/* The recorder while machines sleep: how far time jumps, and pacing to real time (record/pace.h). */
#include "record/recorder_priv.h"

#define SLEEP_LIMIT_NS (2 * 86400 * UINT64_C(1000000000))
#define LOOK_NS        100000000u /* of sleep, after which signals and time-outs are looked at */
#define FLUSH_NS       10000000u  /* of virtual time, from one flush of the trace to the next */

/* May something come from the host at a time of its own? A VM that is off takes nothing. */
static bool is_live(const struct recorder *r, const struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off && consoles_live(&r->consoles, i))
            return true;
    return gateways_live(r->gateways);
}

/* Clocks that tick without an interrupt end a sleep for the board and not for the guest; no alarm
 * that could is farther away than a day. */
static bool asleep_for_good(struct recorder *r, struct monitor *m, uint64_t now)
{
    uint64_t steps = monitor_position(m);
    if (steps != r->sleep_step || r->sleep_cycle == 0) {
        r->sleep_step = steps;
        r->sleep_cycle = now;
    }
    return vm_ns_of(m->vms[0], now - r->sleep_cycle) > SLEEP_LIMIT_NS;
}

/* Does something from the host wait for the next barrier? */
static bool input_waits(const struct recorder *r, const struct monitor *m)
{
    struct gateway_frame f;
    for (unsigned i = 0; i < m->vms_count; i++)
        if (recorder_can_deliver(r, m->vms[i]))
            return true;
    return gateways_next(r->gateways, &f);
}

/* Virtual time since the last call, and the longest time that a vcpu worked in it. */
static void account(struct recorder *r, const struct monitor *m, uint64_t cycle)
{
    uint64_t busy = 0, host = recorder_host_ns();
    for (unsigned i = 0; i < m->vms_count; i++) {
        uint64_t steps = vm_steps(m->vms[i]);
        busy = max_u64(busy, vm_ns_of(m->vms[i], steps - r->pace_steps[i]));
        r->pace_steps[i] = steps;
    }
    uint64_t ns = vm_ns_of(m->vms[0], cycle - r->pace_cycle);
    r->pace_cycle = cycle;
    r->pace_idle = ns >= 2 * busy;
    if (r->pace.on)
        pace_passed(&r->pace, ns, busy, host);
    else
        pace_begin(&r->pace, host);
}

/* So that a kill loses nothing that somebody saw; not before cycle `next`. DETERMINISM: that depends
 * on what the machines did, and not on whether there was time to sleep. */
static void save_text(struct recorder *r, struct monitor *m, uint64_t next)
{
    bool any = false;
    for (unsigned i = 0; i < m->vms_count; i++)
        any |= r->text[i].bytes.len != 0;
    if (r->writer == NULL || !any || monitor_cycle(m) < next)
        return;
    r->next_flush = monitor_cycle(m) + vm_cycle_of(m->vms[0], FLUSH_NS);
    recorder_sync(r, m);
    trace_flush(r->writer);
}

/* At most `ns`, and a tenth of a second: until something comes from the host. */
static void sleep_for(struct recorder *r, uint64_t ns)
{
    const struct pollfd *fds;
    uint64_t wait = min_u64(ns, LOOK_NS);
    size_t n = gateways_fds(r->gateways, &fds, &wait);
    consoles_wait(&r->consoles, wait, fds, n);
    r->next_look = 0; /* what ended the sleep is for the next barrier */
    pace_slept(&r->pace, recorder_host_ns());
}

int recorder_keep_pace(struct recorder *r, struct monitor *m, uint64_t cycle)
{
    if (!is_live(r, m)) {
        r->pace.on = false;
        return PORT_GO;
    }
    account(r, m, cycle);
    if (r->pace_idle)
        save_text(r, m, r->next_flush);
    for (;;) {
        uint64_t early = pace_early(&r->pace, 0, r->pace.host);
        if (early == 0 || input_waits(r, m))
            return PORT_GO;
        sleep_for(r, early);
        r->end = recorder_look_at_host(r);
        if (r->end != END_NONE)
            return PORT_STOP;
    }
}

/* Where time may be now, at the host's pace. */
static uint64_t paced(struct recorder *r, struct monitor *m, uint64_t now, uint64_t until)
{
    uint64_t epoch = m->epoch_cycles;
    uint64_t left = until == UINT64_MAX ? until : vm_ns_of(m->vms[0], until - now);
    account(r, m, now);
    save_text(r, m, 0);
    uint64_t early = pace_early(&r->pace, left, r->pace.host);
    if (early == 0)
        return until;
    sleep_for(r, early);
    uint64_t passed = vm_cycle_of(m->vms[0], pace_late(&r->pace, r->pace.host));
    return min_u64(until, now + (passed + epoch - 1) / epoch * epoch);
}

int recorder_idle(void *port, struct monitor *m, uint64_t now, uint64_t until, uint64_t *to,
                  struct err *e)
{
    struct recorder *r = port;
    TRY(recorder_host_status(r, e));
    r->end = recorder_look_at_host(r);
    if (r->end != END_NONE)
        return PORT_STOP;
    if (input_waits(r, m)) {
        *to = now;
        return PORT_GO;
    }
    if (is_live(r, m)) {
        *to = paced(r, m, now, until);
        return PORT_GO;
    }
    if (until == UINT64_MAX || asleep_for_good(r, m, now)) {
        r->end = END_ASLEEP;
        return PORT_STOP;
    }
    *to = until;
    return PORT_GO;
}
