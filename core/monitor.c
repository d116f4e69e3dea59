#include "core/monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/disk_priv.h"

static void print_position(void *ctx)
{
    struct monitor *m = ctx;
    for (unsigned i = 0; i < m->vms_count; i++)
        fprintf(stderr, "disco: vm%u at step %" PRIu64 ", cycle %" PRIu64 ", pc %08" PRIx64 "\n", i,
                mips_steps(m->vms[i]->cpu), mips_cycle(m->vms[i]->cpu), mips_pc(m->vms[i]->cpu));
}

static void frame_reused(void *ctx, uint32_t frame)
{
    struct monitor *m = ctx;
    for (unsigned i = 0; i < m->vms_count; i++)
        mips_code_changed(m->vms[i]->cpu, frame, 0, PAGE_SIZE);
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

int monitor_create(struct monitor **out, const struct monitor_config *cfg, const struct port *port,
                   struct err *e)
{
    uint64_t wanted = 0;
    TRY(check_disks(cfg, e));
    for (size_t i = 0; i < cfg->vms_count; i++)
        wanted += cfg->vms[i].memory + VM_ROM_BYTES + disk_bytes(&cfg->vms[i]);
    uint64_t pool = cfg->machine_memory != 0 ? cfg->machine_memory : wanted;
    if (pool < wanted)
        ERR(e, ERR_LIMIT,
            "machine memory of %" PRIu64 " MiB is less than the %" PRIu64 " MiB promised to the VMs",
            pool >> 20, wanted >> 20);
    struct monitor *m = xcalloc(1, sizeof *m);
    m->port = *port;
    m->config = *cfg;
    int r = memory_init(&m->memory, pool, cfg->snapshot_memory, e);
    if (r < 0) {
        free(m);
        return r;
    }
    m->memory.frames.reused = frame_reused;
    m->memory.frames.ctx = m;
    check_set_position(print_position, m);
    for (size_t i = 0; i < cfg->vms_count && r == 0; i++) {
        m->vms[i] = xcalloc(1, sizeof *m->vms[i]);
        r = vm_create(m->vms[i], m, (unsigned)i, &m->config.vms[i], &m->memory, port, e);
        m->vms_count++;
    }
    for (unsigned i = 0; i < m->vms_count && r == 0; i++)
        r = vm_power_on(m->vms[i], e);
    if (r < 0) {
        monitor_destroy(m);
        return r;
    }
    m->epoch_cycles = vm_cycle_of(m->vms[0], cfg->epoch_ns);
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

void monitor_halt(struct monitor *m)
{
    m->halt = true;
    for (unsigned i = 0; i < m->vms_count; i++)
        mips_request_stop(m->vms[i]->cpu);
}

void monitor_destroy(struct monitor *m)
{
    check_set_position(NULL, NULL);
    m->memory.frames.reused = NULL;
    for (unsigned i = 0; i < m->vms_count; i++) {
        vm_destroy(m->vms[i]);
        free(m->vms[i]);
    }
    memory_fini(&m->memory);
    free(m);
}

/* The barrier before epoch m->epoch. */
static int barrier(struct monitor *m, struct err *e)
{
    m->barrier_done = 1;
    return m->port.ops->barrier(m->port.ctx, m, m->epoch * m->epoch_cycles, e);
}

/* All sleep at the end of the present epoch: let time jump to a later one, as far as the port
 * allows and not beyond the cycle `most`. */
static int sleep_on(struct monitor *m, uint64_t most, struct err *e)
{
    uint64_t now = (m->epoch + 1) * m->epoch_cycles, wake = UINT64_MAX;
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off)
            wake = min_u64(wake, vm_next_wake(m->vms[i]));
    m->epoch++;
    m->barrier_done = 0;
    wake = min_u64(wake, most);
    uint64_t until = wake == UINT64_MAX ? wake : wake / m->epoch_cycles * m->epoch_cycles;
    if (until <= now)
        return PORT_GO;
    uint64_t to = now;
    int verdict = m->port.ops->idle(m->port.ctx, m, now, until, &to, e);
    CHECK(to >= now && to <= until && to % m->epoch_cycles == 0,
          "time may not jump from %" PRIu64 " to %" PRIu64 " (until %" PRIu64 ")", now, to, until);
    m->epoch = to / m->epoch_cycles;
    for (unsigned i = 0; i < m->vms_count; i++)
        if (!m->vms[i]->powered_off && vm_run(m->vms[i], to, UINT64_MAX, false, e) == VM_FAILED)
            return ERR_IO;
    return verdict;
}

static enum run_stop of_verdict(int verdict)
{
    return verdict < 0 ? RUN_FAILED : RUN_STOPPED;
}

enum run_stop monitor_run(struct monitor *m, const struct run_limit *limit, struct err *e)
{
    bool pass = limit->pass;
    m->halt = false;
    for (;;) {
        struct vm *first = m->vms[0];
        if (mips_steps(first->cpu) >= limit->step || vm_cycle(first) >= limit->cycle)
            return RUN_LIMIT;
        if (!m->barrier_done) {
            int verdict = barrier(m, e);
            if (verdict != PORT_GO)
                return of_verdict(verdict);
        }
        uint64_t end = (m->epoch + 1) * m->epoch_cycles;
        bool all_off = true, all_asleep = true;
        for (unsigned i = 0; i < m->vms_count; i++) {
            bool leads = i == 0;
            enum vm_stop stop = vm_run(m->vms[i], leads ? min_u64(end, limit->cycle) : end,
                                       leads ? limit->step : UINT64_MAX, pass, e);
            if (stop == VM_FAILED)
                return RUN_FAILED;
            if (stop == VM_HALTED)
                return RUN_STOPPED;
            if (stop == VM_BREAK || stop == VM_WATCH)
                return stop == VM_BREAK ? RUN_BREAK : RUN_WATCH;
            all_off = all_off && stop == VM_POWERED_OFF;
            all_asleep = all_asleep && (stop == VM_SLEEPING || stop == VM_POWERED_OFF);
        }
        pass = false;
        if (all_off)
            return RUN_POWERED_OFF;
        if (vm_cycle(first) < end && !first->powered_off)
            continue; /* at the caller's limit */
        if (!all_asleep) {
            m->epoch++;
            m->barrier_done = 0;
            continue;
        }
        if (vm_cycle(first) >= limit->cycle)
            return RUN_LIMIT;
        int verdict = sleep_on(m, limit->cycle, e);
        if (verdict != PORT_GO)
            return of_verdict(verdict);
    }
}

enum run_stop monitor_settle(struct monitor *m, struct err *e)
{
    bool all_off = true;
    int verdict = m->barrier_done ? PORT_GO : barrier(m, e);
    if (verdict != PORT_GO)
        return of_verdict(verdict);
    for (unsigned i = 0; i < m->vms_count; i++) {
        if (vm_settle(m->vms[i], e) < 0)
            return RUN_FAILED;
        all_off = all_off && m->vms[i]->powered_off;
    }
    return all_off ? RUN_POWERED_OFF : RUN_LIMIT;
}

struct vm_digest monitor_digest(struct monitor *m, unsigned vm, bool with_memory)
{
    struct vm *v = m->vms[vm];
    if (with_memory)
        vm_update_memory_digest(v);
    return (struct vm_digest){
        .cpu = vm_cpu_digest(v),
        .devices = vm_devices_digest(v),
        .memory = with_memory ? v->memory_digest : 0,
    };
}

/* ---- snapshots ---- */

struct vm_snapshot {
    struct radix pmap, page_hash;
    uint64_t memory_digest;
    struct radix overlay[DISKS_MAX];
    uint64_t overlay_digest[DISKS_MAX];
    struct buf state;
};

struct snapshot {
    struct memory_snapshot memory;
    uint64_t epoch, step, cycle;
    uint8_t barrier_done;
    struct vm_snapshot vm[];
};

struct snapshot *monitor_snapshot(struct monitor *m)
{
    struct snapshot *s = xcalloc(1, sizeof *s + m->vms_count * sizeof s->vm[0]);
    s->epoch = m->epoch;
    s->barrier_done = m->barrier_done;
    s->step = mips_steps(m->vms[0]->cpu);
    s->cycle = vm_cycle(m->vms[0]);
    for (unsigned i = 0; i < m->vms_count; i++) {
        struct vm *vm = m->vms[i];
        struct vm_snapshot *v = &s->vm[i];
        vm_update_memory_digest(vm);
        radix_snapshot(&vm->pmap, &v->pmap);
        radix_snapshot(&vm->page_hash, &v->page_hash);
        v->memory_digest = vm->memory_digest;
        for (unsigned d = 0; d < vm->disks_count; d++) {
            radix_snapshot(&vm->disks[d]->overlay, &v->overlay[d]);
            v->overlay_digest[d] = vm->disks[d]->digest;
        }
        vm_save(vm, &v->state);
    }
    memory_snapshot(&m->memory, &s->memory);
    for (unsigned i = 0; i < m->vms_count; i++)
        vm_flush_translations(m->vms[i]);
    return s;
}

void monitor_restore(struct monitor *m, const struct snapshot *s)
{
    m->epoch = s->epoch;
    m->barrier_done = s->barrier_done;
    memory_restore(&m->memory, &s->memory);
    for (unsigned i = 0; i < m->vms_count; i++) {
        struct vm *vm = m->vms[i];
        const struct vm_snapshot *v = &s->vm[i];
        for (uint32_t k = 0; k < vm->dirty_count; k++)
            vm->dirty[vm->dirty_list[k]] = 0;
        vm->dirty_count = 0;
        radix_restore(&vm->pmap, &v->pmap);
        radix_restore(&vm->page_hash, &v->page_hash);
        vm->memory_digest = v->memory_digest;
        for (unsigned d = 0; d < vm->disks_count; d++) {
            radix_restore(&vm->disks[d]->overlay, &v->overlay[d]);
            vm->disks[d]->digest = v->overlay_digest[d];
        }
        vm_load_state(vm, v->state.data);
        vm_flush_translations(vm);
    }
}

void snapshot_free(struct monitor *m, struct snapshot *s)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        radix_fini(&s->vm[i].pmap);
        radix_fini(&s->vm[i].page_hash);
        for (unsigned d = 0; d < m->vms[i]->disks_count; d++)
            radix_fini(&s->vm[i].overlay[d]);
        buf_free(&s->vm[i].state);
    }
    memory_snapshot_fini(&s->memory);
    free(s);
}

uint64_t snapshot_step(const struct snapshot *s)
{
    return s->step;
}

uint64_t snapshot_cycle(const struct snapshot *s)
{
    return s->cycle;
}
