#include "core/monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/crew.h"
#include "core/disk_priv.h"
#include "core/engine_option.h"

/* ---- the network's ends ---- */

static bool net_deliver(void *ctx, unsigned port, struct net_frame *f)
{
    struct monitor *m = ctx;
    struct device *nic = vm_nic(m->vms[net_port_vm(port)], net_port_nic(port));
    return nic->ops->frame(nic, f);
}

static void net_lost(void *ctx, unsigned port, const struct net_frame *f, uint32_t len,
                     enum net_loss why)
{
    struct monitor *m = ctx;
    if (!net_is_gateway(port))
        vm_frame_event(m->vms[net_port_vm(port)], net_port_nic(port),
                       why == NET_NO_ROOM ? FRAME_NO_ROOM : FRAME_LOST, f->id, len);
}

static void net_tap(void *ctx, unsigned port, bool towards, uint64_t time,
                    const struct net_frame *f)
{
    const struct monitor *m = ctx;
    if (m->port.ops->frame != NULL)
        m->port.ops->frame(m->port.ctx, m->net.line[port].network, towards, time, f,
                           m->net.line[port].pages);
}

static void net_outside(void *ctx, unsigned port, const struct net_frame *f,
                        const struct net_pages *pages)
{
    const struct monitor *m = ctx;
    if (m->port.ops->outside != NULL)
        m->port.ops->outside(m->port.ctx, port - net_gateway(0), f, pages);
}

static const struct net_ops net_ops = {
    .deliver = net_deliver, .outside = net_outside, .lost = net_lost, .tap = net_tap};

/* What is sent to the outside is read there; with the pages of any VM, as it is between epochs. */
static void attach_gateways(struct monitor *m)
{
    const struct link_config link = {.mtu = GATEWAY_MTU}; /* no limits of its own */
    for (unsigned i = 0; i < m->config.networks_count; i++)
        if (m->config.networks[i].gateway)
            net_attach(&m->net, net_gateway(i), i, &link, &m->vms[0]->net_pages);
}

static void attach_nics(struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        const struct vm_config *cfg = &m->config.vms[i];
        for (unsigned n = 0; n < cfg->nics_count; n++)
            net_attach(&m->net, net_port(i, n), cfg->nics[n].network, &cfg->nics[n].link,
                       &m->vms[i]->net_pages);
    }
}

static void print_position(void *ctx)
{
    struct monitor *m = ctx;
    for (unsigned i = 0; i < m->vms_count; i++)
        fprintf(stderr, "disco: vm%u at step %" PRIu64 ", cycle %" PRIu64 ", pc %08" PRIx64 "\n", i,
                mips_steps(m->vms[i]->cpu), mips_cycle(m->vms[i]->cpu), mips_pc(m->vms[i]->cpu));
}

void monitor_frame(struct monitor *m, unsigned network, const void *bytes, size_t len)
{
    net_send_in(&m->net, network, vm_ns_of(m->vms[0], m->epoch * m->epoch_cycles), bytes, len);
}

static uint64_t disk_bytes(const struct vm_config *cfg)
{
    uint64_t n = 0;
    for (size_t i = 0; i < cfg->disks_count; i++)
        if (!cfg->disks[i].read_only)
            n += (cfg->disks[i].sectors * SECTOR_SIZE + PAGE_MASK) & ~PAGE_MASK;
    return n;
}

/* The overlay's keys, and sums of sizes, must be in range. */
static int check_disks(const struct monitor_config *cfg, struct err *e)
{
    for (size_t i = 0; i < cfg->vms_count; i++)
        for (size_t d = 0; d < cfg->vms[i].disks_count; d++)
            if (cfg->vms[i].disks[d].sectors > DISK_SECTORS_MAX)
                ERR(e, ERR_LIMIT, "disk %zu has %" PRIu64 " sectors; 512 GiB is the limit", d,
                    cfg->vms[i].disks[d].sectors);
    return 0;
}

/* A VM's error, with its name where there are several. */
static int blame_vm(const struct monitor *m, unsigned vm, const struct err *why, struct err *e)
{
    if (m->config.vms_count == 1)
        ERR(e, why->code, "%s", why->msg);
    ERR(e, why->code, "VM %s: %s", m->config.vms[vm].name, why->msg);
}

int monitor_create(struct monitor **out, const struct monitor_config *cfg, const struct port *port,
                   struct err *e)
{
    uint64_t wanted = 0;
    TRY(check_disks(cfg, e));
    for (size_t i = 0; i < cfg->vms_count; i++)
        wanted += cfg->vms[i].memory + VM_ROM_BYTES + disk_bytes(&cfg->vms[i]);
    uint64_t pool = cfg->machine_memory != 0 ? cfg->machine_memory : wanted;
    TRY(reclaim_check(cfg, pool, e));
    struct monitor *m = xcalloc(1, sizeof *m);
    m->port = *port;
    m->config = *cfg;
    /* Twice: a page may be the VM's own and the disk's, until the barrier. */
    int r = memory_init(&m->memory, pool, 2 * wanted + cfg->snapshot_memory, e);
    if (r < 0) {
        free(m);
        return r;
    }
    r = reclaim_init(m, pool, wanted, e);
    struct err why = {0};
    share_init(&m->share);
    net_init(&m->net, cfg->seed, &net_ops, m);
    check_set_position(print_position, m);
    for (size_t i = 0; i < cfg->vms_count && r == 0; i++) {
        m->vms[i] = xcalloc(1, sizeof *m->vms[i]);
        r = vm_create(m->vms[i], m, (unsigned)i, &m->config.vms[i], &m->memory, port, &why);
        m->vms_count++;
        if (r < 0)
            blame_vm(m, (unsigned)i, &why, e);
    }
    for (unsigned i = 0; i < m->vms_count && r == 0; i++) {
        r = vm_power_on(m->vms[i], &why);
        if (r < 0)
            blame_vm(m, i, &why, e);
    }
    if (r < 0) {
        monitor_destroy(m);
        return r;
    }
    m->epoch_cycles = vm_cycle_of(m->vms[0], cfg->epoch_ns);
    attach_nics(m);
    attach_gateways(m);
    if (cfg->share & SHARE_BOOT)
        share_boot(m);
    *out = m;
    return 0;
}

void monitor_set_engine(struct monitor *m, enum mips_engine engine, bool profile)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        mips_set_engine(m->vms[i]->cpu, engine);
        mips_set_profile(m->vms[i]->cpu, profile);
    }
}

int monitor_set_threads(struct monitor *m, unsigned threads, struct err *e)
{
    threads = threads < m->vms_count ? threads : m->vms_count;
    crew_destroy(m->crew);
    m->crew = threads > 1 ? crew_create(threads) : NULL;
    m->crew_fills_host = threads >= host_processors();
    if (threads > 1 && m->crew == NULL)
        ERR(e, ERR_IO, "cannot start %u threads", threads);
    return 0;
}

void monitor_halt(struct monitor *m)
{
    m->halt = true;
    if (m->crew == NULL) /* else it is seen at the end of the epoch */
        for (unsigned i = 0; i < m->vms_count; i++)
            mips_request_stop(m->vms[i]->cpu);
}

void monitor_interrupt(struct monitor *m)
{
    m->interrupted = 1;
    for (unsigned i = 0; i < m->vms_count; i++)
        mips_interrupt(m->vms[i]->cpu);
}

void monitor_set_end(struct monitor *m, unsigned vm, uint64_t cycle)
{
    m->vms[vm]->end_cycle = cycle;
}

void monitor_destroy(struct monitor *m)
{
    check_set_position(NULL, NULL);
    crew_destroy(m->crew);
    for (unsigned i = 0; i < m->vms_count; i++) {
        vm_destroy(m->vms[i]);
        free(m->vms[i]);
    }
    net_fini(&m->net);
    share_fini(&m->share);
    memory_fini(&m->memory);
    free(m);
}

/* ---- where we are ---- */

uint64_t monitor_position(const struct monitor *m)
{
    uint64_t steps = 0;
    for (unsigned i = 0; i < m->vms_count; i++)
        steps += vm_steps(m->vms[i]);
    return steps;
}

/* The clock of a VM that is off stands still. */
uint64_t monitor_cycle(const struct monitor *m)
{
    return m->vms[0]->powered_off && m->vms_count > 1 ? m->epoch * m->epoch_cycles
                                                      : vm_cycle(m->vms[0]);
}

struct vm *monitor_current(const struct monitor *m)
{
    return m->vms[m->turn < m->vms_count ? m->turn : m->vms_count - 1u];
}

bool monitor_all_off(const struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off)
            return false;
    return true;
}

/* The cycle of a VM at which the present epoch ends. */
static uint64_t epoch_end(const struct monitor *m, const struct vm *vm)
{
    uint64_t end = (m->epoch + 1) * m->epoch_cycles;
    const struct vm *first = m->vms[0];
    if (vm->config->cpu_hz == first->config->cpu_hz)
        return end;
    return vm_cycle_of(vm, vm_ns_of(first, end));
}

/* Where a VM stops in the present epoch. */
static uint64_t part_end(const struct monitor *m, const struct vm *vm)
{
    return min_u64(epoch_end(m, vm), vm->end_cycle);
}

bool monitor_is_last_epoch(const struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off && m->vms[i]->end_cycle < epoch_end(m, m->vms[i]))
            return true;
    return false;
}

/* Did all VMs that are on get to their ends of the present epoch? */
static bool are_parts_done(const struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off && vm_cycle(m->vms[i]) < part_end(m, m->vms[i]))
            return false;
    return true;
}

bool monitor_is_at_end(const struct monitor *m)
{
    return m->turn == m->vms_count && monitor_is_last_epoch(m) && are_parts_done(m);
}

/* ---- running ---- */

/* The barrier before epoch m->epoch. */
static int barrier(struct monitor *m, struct err *e)
{
    m->barrier_done = 1;
    m->epoch_step = monitor_position(m);
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->defect)
            m->vms[i]->epoch_steps = mips_steps(m->vms[i]->cpu);
    return m->port.ops->barrier(m->port.ctx, m, m->epoch * m->epoch_cycles, e);
}

/* What frames do at the begin of an epoch. */
static void cross_network(struct monitor *m, uint64_t epoch)
{
    if (m->config.networks_count != 0)
        net_barrier(&m->net, vm_ns_of(m->vms[0], epoch * m->epoch_cycles));
}

static void next_epoch(struct monitor *m)
{
    m->epoch++;
    m->barrier_done = 0;
    m->turn = 0;
}

/* All sleep at the end of the epoch that was the last: let time jump to a later one, as far as the
 * port allows and not beyond the cycle `most`. */
static int sleep_on(struct monitor *m, uint64_t most, struct err *e)
{
    const struct vm *first = m->vms[0];
    uint64_t now = m->epoch * m->epoch_cycles, wake = UINT64_MAX;
    for (unsigned i = 0; i < m->vms_count; i++) {
        const struct vm *vm = m->vms[i];
        uint64_t at = vm->powered_off ? UINT64_MAX : vm_next_wake(vm);
        if (at != UINT64_MAX && vm->config->cpu_hz != first->config->cpu_hz)
            at = vm_cycle_of(first, vm_ns_of(vm, at));
        wake = min_u64(wake, at);
    }
    if (m->config.networks_count != 0)
        wake = min_u64(wake, vm_cycle_of(first, net_next(&m->net)));
    wake = min_u64(wake, most);
    uint64_t until = wake == UINT64_MAX ? wake : wake / m->epoch_cycles * m->epoch_cycles;
    if (until <= now)
        return PORT_GO;
    uint64_t to = now;
    int verdict = m->port.ops->idle(m->port.ctx, m, now, until, &to, e);
    CHECK(to >= now && to <= until && to % m->epoch_cycles == 0,
          "time may not jump from %" PRIu64 " to %" PRIu64 " (until %" PRIu64 ")", now, to, until);
    if (to == now)
        return verdict;
    m->epoch = to / m->epoch_cycles - 1; /* asleep up to its end */
    m->jumps = true;
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off &&
            vm_run(m->vms[i], epoch_end(m, m->vms[i]), UINT64_MAX, false, e) == VM_FAILED)
            return ERR_IO;
    m->jumps = false;
    m->epoch++;
    /* DETERMINISM: the epoch before may have been there, or not; a frame may be due just now. */
    cross_network(m, m->epoch);
    return verdict;
}

static enum run_stop of_verdict(int verdict)
{
    return verdict < 0 ? RUN_FAILED : RUN_STOPPED;
}

/* What crosses VMs. DETERMINISM: epochs in which all sleep are there or not, as the port lets time
 * jump, and must not be told apart: what is done at its own times, and not because of what VMs did,
 * counts those epochs only in which something ran. */
static void cross(struct monitor *m)
{
    bool busy = monitor_position(m) != m->epoch_step;
    share_barrier(m, busy);
    if (busy) {
        m->busy_epochs++;
        reclaim_barrier(m);
    }
    cross_network(m, m->epoch + 1);
}

static bool all_asleep(const struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off && !vm_asleep(m->vms[i]))
            return false;
    return true;
}

#define GO_ON (-1)

/* Steps that the VM may still do. */
static uint64_t steps_left(const struct monitor *m, const struct vm *vm,
                           const struct run_limit *limit)
{
    uint64_t left = UINT64_MAX, done = vm_steps(vm);
    if (limit->step != UINT64_MAX) /* a branch with its slot, of the VM before, may lead beyond */
        left = limit->step - min_u64(monitor_position(m), limit->step);
    if (limit->vm == vm->index + 1)
        left = min_u64(left, limit->vm_step - min_u64(done, limit->vm_step));
    return left;
}

static bool vm_limit_reached(const struct monitor *m, const struct run_limit *limit)
{
    return limit->vm != 0 && vm_steps(m->vms[limit->vm - 1]) >= limit->vm_step;
}

/* The epoch is over for all VMs. An enum run_stop or GO_ON. */
static int end_epoch(struct monitor *m, uint64_t most, struct err *e)
{
    cross(m);
    next_epoch(m);
    if (monitor_all_off(m))
        return RUN_POWERED_OFF;
    if (!all_asleep(m) || monitor_cycle(m) >= most)
        return GO_ON;
    int verdict = sleep_on(m, most, e);
    return verdict == PORT_GO ? GO_ON : (int)of_verdict(verdict);
}

/* One VM alone has nobody to protect. */
static enum vm_stop run_vm(const struct monitor *m, struct vm *vm, uint64_t until_cycle,
                           uint64_t until_step, bool pass, struct err *e)
{
    return m->vms_count == 1 ? vm_run(vm, until_cycle, until_step, pass, e)
                             : vm_run_contained(vm, until_cycle, until_step, pass, e);
}

/* The rest of the epoch, VM by VM. */
static int run_in_turn(struct monitor *m, struct run_limit *limit, bool pass, struct err *e)
{
    for (; m->turn < m->vms_count; m->turn++) {
        struct vm *vm = m->vms[m->turn];
        uint64_t end = part_end(m, vm), left = steps_left(m, vm, limit);
        if (m->vms_count == 1)
            end = min_u64(end, limit->cycle);
        uint64_t until_step = left == UINT64_MAX ? left : mips_steps(vm->cpu) + left;
        switch (run_vm(m, vm, end, until_step, pass, e)) {
        case VM_FAILED:
            return RUN_FAILED;
        case VM_HALTED:
            if (m->halt)
                return RUN_STOPPED;
            pass = false;
            continue; /* interrupted: the others will be, too */
        case VM_BREAK:
            return RUN_BREAK;
        case VM_WATCH:
            return RUN_WATCH;
        case VM_LIMIT:
        case VM_SLEEPING:
        case VM_POWERED_OFF:
            break;
        }
        pass = false;
        if (vm_limit_reached(m, limit)) /* the state of that position, as any other way there */
            limit->step = min_u64(limit->step, monitor_position(m));
        if (!vm->powered_off && vm_cycle(vm) < part_end(m, vm))
            return RUN_LIMIT;
    }
    if (m->interrupted && !are_parts_done(m))
        return RUN_STOPPED;
    return monitor_position(m) >= limit->step ? RUN_LIMIT : GO_ON;
}

struct parallel {
    struct monitor *m;
    uint64_t begin[VMS_MAX]; /* cycles at the epoch's begin */
    struct err err[VMS_MAX];
    enum vm_stop stop[VMS_MAX];
};

/* Where threads share the work, an epoch is cut in slices: most of it, half of the rest, and so on; the
 * search for equal pages is one more. Only what is left can change hands, and at the end somebody
 * waits for a short one. */
#define SLICES     4
#define FIRST_REST 2 /* 2^-2 of the epoch is left after the first one */

static bool run_slice(void *ctx, unsigned i, unsigned k)
{
    struct parallel *p = ctx;
    if (i == p->m->vms_count)
        return p->m->port.ops->overdue(p->m->port.ctx);
    struct vm *vm = p->m->vms[i];
    if (k == SLICES) {
        share_search(vm);
        return false;
    }
    uint64_t end = part_end(p->m, vm), begin = p->begin[i];
    check_set_position(print_position, p->m);
    uint64_t rest = k == SLICES - 1 ? 0 : (end - min_u64(begin, end)) >> (FIRST_REST + k);
    p->stop[i] = run_vm(p->m, vm, end - rest, UINT64_MAX, false, &p->err[i]);
    return p->stop[i] == VM_LIMIT || p->stop[i] == VM_SLEEPING;
}

/* Do the threads of the VMs do what the port has to do aside? */
static bool serves_port(const struct monitor *m)
{
    return m->crew != NULL && m->crew_fills_host && m->port.ops->spare != NULL;
}

static int run_in_parallel(struct monitor *m, struct err *e)
{
    struct parallel p = {.m = m};
    for (unsigned i = 0; i < m->vms_count; i++) {
        vm_gather(m->vms[i]);
        p.begin[i] = vm_cycle(m->vms[i]);
    }
    crew_run_sliced(m->crew, run_slice, &p, m->vms_count + serves_port(m), SLICES + 1);
    for (unsigned i = 0; i < m->vms_count; i++)
        vm_tell(m->vms[i]);
    m->turn = (uint8_t)m->vms_count;
    for (unsigned i = 0; i < m->vms_count; i++)
        if (p.stop[i] == VM_FAILED)
            return err_set(e, p.err[i].code, "%s", p.err[i].msg), RUN_FAILED;
    return m->halt || (m->interrupted && !are_parts_done(m)) ? RUN_STOPPED : GO_ON;
}

static enum run_stop run(struct monitor *m, const struct run_limit *wanted, struct err *e)
{
    struct run_limit own = *wanted, *limit = &own;
    bool pass = limit->pass;
    m->halt = false;
    for (;;) {
        int stop = GO_ON;
        if (monitor_position(m) >= limit->step || vm_limit_reached(m, limit) ||
            ((m->turn == 0 || m->vms_count == 1) && monitor_cycle(m) >= limit->cycle))
            return RUN_LIMIT;
        if (m->interrupted)
            return RUN_STOPPED;
        if (!m->barrier_done) {
            int verdict = barrier(m, e);
            if (verdict != PORT_GO)
                return of_verdict(verdict);
        }
        if (m->turn < m->vms_count)
            stop = m->crew != NULL ? run_in_parallel(m, e) : run_in_turn(m, limit, pass, e);
        if (stop == GO_ON && monitor_is_last_epoch(m))
            return RUN_LIMIT;
        if (stop == GO_ON)
            stop = end_epoch(m, limit->cycle, e);
        if (stop != GO_ON)
            return (enum run_stop)stop;
        pass = false;
    }
}

enum run_stop monitor_run(struct monitor *m, const struct run_limit *wanted, struct err *e)
{
    bool serves = serves_port(m);
    if (serves)
        crew_spare(m->crew, m->port.ops->spare, m->port.ctx);
    enum run_stop stop = run(m, wanted, e);
    if (serves)
        crew_spare(m->crew, NULL, NULL);
    return stop;
}

void monitor_end_epoch(struct monitor *m)
{
    if (m->turn == m->vms_count) {
        cross(m);
        next_epoch(m);
    }
}

enum run_stop monitor_settle(struct monitor *m, struct err *e)
{
    monitor_end_epoch(m);
    int verdict = m->barrier_done ? PORT_GO : barrier(m, e);
    if (verdict != PORT_GO)
        return of_verdict(verdict);
    for (unsigned i = 0; i < m->vms_count; i++)
        if (vm_settle(m->vms[i], e) < 0)
            return RUN_FAILED;
    return monitor_all_off(m) ? RUN_POWERED_OFF : RUN_LIMIT;
}

static void hash_part(void *ctx, unsigned i)
{
    struct monitor *m = ctx;
    if (!m->vms[i]->defect)
        vm_update_memory_digest(m->vms[i]);
}

void monitor_hash_memory(struct monitor *m)
{
    crew_run(m->crew, hash_part, m, m->vms_count);
}

struct vm_digest monitor_digest(struct monitor *m, unsigned vm, bool with_memory)
{
    struct vm *v = m->vms[vm];
    if (v->defect)
        return (struct vm_digest){0};
    if (with_memory)
        vm_update_memory_digest(v);
    return (struct vm_digest){
        .cpu = vm_cpu_digest(v),
        .devices = vm_devices_digest(v) ^ (m->config.networks_count != 0 ? net_digest(&m->net) : 0),
        .memory = with_memory ? v->memory_digest : 0,
    };
}
