/*
 * Running one VM. The loop of vm_run is the whole of a machine's life: fire
 * the timers that are due, let the vcpu run until the next one, let time pass
 * while it sleeps.
 *
 * The state "after n steps" is the earliest one: a stop at a step or cycle
 * limit comes before the timers that are due at that same moment. (A reset or
 * power-off that its last instruction asked for is done.) So a position names
 * one state, however it was reached.
 */
#include "core/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bus.h"
#include "core/disk_priv.h"
#include "core/monitor.h"

/* ---- time ---- */

uint64_t vm_steps(const struct vm *vm)
{
    return vm->defect ? vm->epoch_steps : mips_steps(vm->cpu);
}

uint64_t vm_cycle(const struct vm *vm)
{
    return mips_cycle(vm->cpu);
}

uint64_t vm_ns_of(const struct vm *vm, uint64_t cycle)
{
    if (LIKELY(vm->ns_per_cycle != 0))
        return cycle * vm->ns_per_cycle;
    return (uint64_t)((unsigned __int128)cycle * 1000000000u / vm->config->cpu_hz);
}

uint64_t vm_cycle_of(const struct vm *vm, uint64_t ns)
{
    if (ns == UINT64_MAX)
        return ns;
    if (LIKELY(vm->ns_per_cycle != 0))
        return ns / vm->ns_per_cycle + (ns % vm->ns_per_cycle != 0);
    unsigned __int128 c = (unsigned __int128)ns * vm->config->cpu_hz + 999999999u;
    c /= 1000000000u;
    return c > UINT64_MAX ? UINT64_MAX : (uint64_t)c;
}

static uint64_t platform_now(struct platform *p)
{
    struct vm *vm = container_of(p, struct vm, platform);
    return vm_ns_of(vm, mips_cycle(vm->cpu));
}

void vm_find_deadline(struct vm *vm)
{
    vm->next_deadline = TIMER_OFF;
    for (unsigned i = 0; i < vm->timers_count; i++)
        vm->next_deadline = min_u64(vm->next_deadline, vm->timers[i]->deadline);
}

static void platform_timer_changed(struct platform *p, struct dev_timer *t)
{
    (void)t;
    struct vm *vm = container_of(p, struct vm, platform);
    vm_find_deadline(vm);
    if (vm_cycle_of(vm, vm->next_deadline) < vm->run_limit)
        mips_request_stop(vm->cpu);
}

/* Due timers, earliest first, in order of registration among equals. */
static void fire_timers(struct vm *vm)
{
    uint64_t now = vm_ns_of(vm, mips_cycle(vm->cpu));
    while (vm->next_deadline <= now) {
        struct dev_timer *due = NULL;
        for (unsigned i = 0; i < vm->timers_count; i++)
            if (due == NULL || vm->timers[i]->deadline < due->deadline)
                due = vm->timers[i];
        due->deadline = TIMER_OFF;
        due->fire(due->dev);
        vm_find_deadline(vm);
    }
}

uint64_t vm_next_wake(const struct vm *vm)
{
    return min_u64(vm_cycle_of(vm, vm->next_deadline), mips_timer_cycle(vm->cpu));
}

/* ---- events ---- */

struct event *vm_event(struct vm *vm, enum event_kind kind)
{
    struct event *ev = event_log_put(vm->log, kind, mips_steps(vm->cpu), mips_pc(vm->cpu));
    ev->vm = (uint8_t)vm->index;
    return ev;
}

void vm_event_commit(struct vm *vm)
{
    event_log_commit(vm->log);
}

static void own_log_full(struct event_log *log)
{
    struct vm *vm = container_of(log, struct vm, own_log);
    size_t used = (size_t)(log->next - vm->own_memory);
    vm->own_size *= 2;
    vm->own_memory = xrealloc(vm->own_memory, vm->own_size);
    event_log_room(log, vm->own_memory, vm->own_size);
    log->next += used;
}

static void set_log(struct vm *vm, struct event_log *log)
{
    vm->log = log;
    mips_set_log(vm->cpu, log);
}

void vm_gather(struct vm *vm)
{
    if (vm->own_memory == NULL) {
        vm->own_size = EVENT_LOG_BYTES;
        vm->own_memory = xmalloc(vm->own_size);
        vm->own_log.full = own_log_full;
        event_log_room(&vm->own_log, vm->own_memory, vm->own_size);
    }
    set_log(vm, &vm->own_log);
}

struct vm_text {
    uint32_t channel;
    uint32_t n;
    uint64_t cycle;
};

static void console_out(struct vm *vm, struct vm_text text, const uint8_t *bytes)
{
    const struct port *port = &vm->monitor->port;
    if (vm->log != &vm->own_log) {
        port->ops->console(port->ctx, vm->index, text.channel, text.cycle, bytes, text.n);
        return;
    }
    buf_put(&vm->own_text, &text, sizeof text);
    buf_put(&vm->own_text, bytes, text.n);
}

/* From here on, memory changes hands instead of being copied. */
#define EXCHANGE_BYTES (EVENT_LOG_BYTES / 16)

static void tell_events(struct vm *vm, struct event_log *log)
{
    const uint8_t *end = vm->own_log.next;
    if (log->exchange == NULL || end - vm->own_memory < EXCHANGE_BYTES) {
        event_log_append(log, vm->own_memory, end, vm->own_log.count);
        return;
    }
    vm->own_memory = log->exchange(log, vm->own_memory, end, vm->own_log.count);
    vm->own_size = EVENT_LOG_BYTES;
}

void vm_tell(struct vm *vm)
{
    const struct port *port = &vm->monitor->port;
    set_log(vm, port->log);
    tell_events(vm, port->log);
    vm->own_log.count = 0;
    event_log_room(&vm->own_log, vm->own_memory, vm->own_size);
    for (size_t at = 0; at < vm->own_text.len;) {
        struct vm_text text;
        memcpy(&text, vm->own_text.data + at, sizeof text);
        at += sizeof text;
        port->ops->console(port->ctx, vm->index, text.channel, text.cycle, vm->own_text.data + at,
                           text.n);
        at += text.n;
    }
    buf_clear(&vm->own_text);
}

/* ---- the platform that devices see ---- */

static void platform_add_device(struct platform *p, struct device *dev)
{
    struct vm *vm = container_of(p, struct vm, platform);
    CHECK(vm->devices_count < VM_DEVICES_MAX, "too many devices at %s", dev->id);
    vm->devices[vm->devices_count++] = dev;
}

static void platform_add_timer(struct platform *p, struct dev_timer *t)
{
    struct vm *vm = container_of(p, struct vm, platform);
    CHECK(vm->timers_count < VM_TIMERS_MAX, "too many timers at %s", t->dev->id);
    vm->timers[vm->timers_count++] = t;
}

static void platform_output(struct platform *p, struct device *dev, const uint8_t *bytes, size_t n)
{
    struct vm *vm = container_of(p, struct vm, platform);
    int channel = vm_channel_of(vm, dev);
    if (channel >= 0)
        console_out(vm, (struct vm_text){(uint32_t)channel, (uint32_t)n, mips_cycle(vm->cpu)},
                    bytes);
}

static void platform_power(struct platform *p, enum power_event what)
{
    vm_power(container_of(p, struct vm, platform), what);
}

void vm_power(struct vm *vm, enum power_event what)
{
    vm->power_pending = (uint8_t)(what + 1);
    mips_request_stop(vm->cpu);
}

/* ---- device access ---- */

static uint64_t swap(uint64_t v, unsigned size)
{
    return size == 4 ? __builtin_bswap32((uint32_t)v) : size == 2 ? __builtin_bswap16((uint16_t)v) : v;
}

/* What lies below 512 MiB belongs to the board: nothing there reads as 0.
 * Above, nothing answers: a bus error. */
#define BOARD_SPACE 0x20000000u

static bool io_read(void *ctx, uint64_t pa, unsigned size, uint64_t *value)
{
    struct vm *vm = ctx;
    if (size == 8) {
        uint64_t first, second;
        if (!io_read(ctx, pa, 4, &first) || !io_read(ctx, pa + 4, 4, &second))
            return false;
        *value = vm->platform.big_endian ? first << 32 | second : second << 32 | first;
        return true;
    }
    const struct bus_range *r = bus_find(vm->mem_bus, pa);
    if (r == NULL) {
        *value = 0;
        return pa < BOARD_SPACE;
    }
    uint64_t v = r->ops->read(r->dev, pa - r->base, size);
    *value = vm->platform.big_endian && !r->ops->native ? swap(v, size) : v;
    return true;
}

static bool io_write(void *ctx, uint64_t pa, unsigned size, uint64_t value)
{
    struct vm *vm = ctx;
    if (size == 8) {
        bool be = vm->platform.big_endian;
        return io_write(ctx, pa, 4, (uint32_t)(be ? value >> 32 : value)) &&
               io_write(ctx, pa + 4, 4, (uint32_t)(be ? value : value >> 32));
    }
    const struct bus_range *r = bus_find(vm->mem_bus, pa);
    if (r == NULL) {
        uint64_t key;
        bool rom;
        return pa < BOARD_SPACE || vm->board->memory_at(vm, pa, &key, &rom);
    }
    r->ops->write(r->dev, pa - r->base, size,
                  vm->platform.big_endian && !r->ops->native ? swap(value, size) : value);
    return true;
}

/* ---- life ---- */

static const struct board *const boards[] = {&board_malta};

int vm_create(struct vm *vm, struct monitor *m, unsigned index, const struct vm_config *cfg,
              struct memory *memory, const struct port *port, struct err *e)
{
    *vm = (struct vm){
        .monitor = m, .memory = memory, .config = cfg, .index = index, .log = port->log,
        .end_cycle = UINT64_MAX};
    if (!mips_model_parse(cfg->cpu, &vm->model))
        ERR(e, ERR_USAGE,
            "unknown processor \"%s\" (-cpu help lists them; MODEL,tlb=N sets the number of TLB "
            "entries: 16 to 64, or to 256 in processors of release 2)",
            cfg->cpu);
    for (size_t i = 0; i < ARRAY_LEN(boards); i++)
        if (strcmp(boards[i]->name, cfg->board) == 0)
            vm->board = boards[i];
    if (vm->board == NULL)
        ERR(e, ERR_USAGE, "unknown machine \"%s\" (only malta is there)", cfg->board);
    vm->platform = (struct platform){
        .now = platform_now,
        .add_device = platform_add_device,
        .add_timer = platform_add_timer,
        .timer_changed = platform_timer_changed,
        .dma = vm_dma,
        .output = platform_output,
        .input_wanted = vm_input_wanted,
        .power = platform_power,
        .balloon = vm_balloon,
        .wall_clock = cfg->wall_clock,
        .entropy_seed = cfg->entropy_seed,
        .big_endian = cfg->big_endian,
    };
    vm_net_platform(vm);
    vm->net_pages = vm_net_pages(vm);
    vm->ns_per_cycle = 1000000000u % cfg->cpu_hz == 0 ? 1000000000u / cfg->cpu_hz : 0;
    vm->next_deadline = TIMER_OFF;
    vm->ram_pages = cfg->memory >> PAGE_BITS;
    radix_init(&vm->pmap, NULL);
    radix_init(&vm->page_hash, NULL);
    size_t keys = vm->ram_pages + VM_ROM_BYTES / PAGE_SIZE;
    vm->dirty = xcalloc(keys, 1);
    vm->dirty_list = xcalloc(keys, sizeof vm->dirty_list[0]);
    vm->given = xcalloc(keys, 1);
    vm->sampled = xcalloc(keys, 1);
    vm->mem_bus = bus_create("memory");
    struct mips_env env = {
        .ctx = vm,
        .page = vm_page,
        .read = io_read,
        .write = io_write,
        .machine_page = vm_machine_page,
        .mapping = vm_mapping,
        .log = vm->log,
        .vm = (uint8_t)index,
    };
    vm->cpu = mips_create(&vm->model, cfg->big_endian, &env);
    for (size_t i = 0; i < cfg->disks_count; i++)
        vm->disks[vm->disks_count++] = disk_create(vm, &cfg->disks[i]);
    return vm->board->create(vm, e);
}

void vm_destroy(struct vm *vm)
{
    if (vm->board != NULL && vm->board_data != NULL)
        vm->board->destroy(vm);
    for (unsigned i = 0; i < vm->disks_count; i++)
        disk_destroy(vm->disks[i]);
    if (vm->mem_bus != NULL)
        bus_destroy(vm->mem_bus);
    if (vm->cpu != NULL)
        mips_destroy(vm->cpu);
    radix_fini(&vm->pmap);
    radix_fini(&vm->page_hash);
    radix_fini(&vm->held);
    free(vm->dirty);
    free(vm->dirty_list);
    free(vm->given);
    free(vm->sampled);
    free(vm->own_memory);
    buf_free(&vm->own_text);
    buf_free(&vm->page_ops);
    buf_free(&vm->block_reads);
    buf_free(&vm->found);
}

int vm_power_on(struct vm *vm, struct err *e)
{
    mips_reset(vm->cpu);
    for (unsigned i = 0; i < vm->devices_count; i++)
        vm->devices[i]->ops->reset(vm->devices[i]);
    vm->idle_cycles = 0;
    vm_find_deadline(vm);
    return vm->board->boot(vm, e);
}

/* Acts upon power_pending. */
static int change_power(struct vm *vm, struct err *e)
{
    enum power_event what = vm->power_pending - 1;
    vm->power_pending = 0;
    struct event *ev = vm_event(vm, EVENT_POWER);
    ev->arg[0] = what;
    vm_event_commit(vm);
    if (what == POWER_RESET && !vm->monitor->config.no_reboot)
        return vm_power_on(vm, e);
    vm->powered_off = 1;
    vm->halted = what == POWER_HALT;
    return 0;
}

int vm_settle(struct vm *vm, struct err *e)
{
    return vm->power_pending != 0 && !vm->powered_off ? change_power(vm, e) : 0;
}

static void log_idle(struct vm *vm)
{
    struct event *ev = vm_event(vm, EVENT_IDLE);
    ev->arg[0] = vm->idle_cycles;
    vm_event_commit(vm);
    vm->idle_cycles = 0;
}

/* Steps after which it is looked whether the run is to end: with nothing but dear instructions, some
 * tenths of a second. */
#define STRETCH (1u << 16)

bool vm_asleep(const struct vm *vm)
{
    return mips_waiting(vm->cpu) && !mips_can_wake(vm->cpu);
}

static enum vm_stop stop_for_watch(struct vm *vm, bool ahead)
{
    vm->watch_stop = false;
    vm->watch_ahead = ahead;
    return VM_WATCH;
}

enum vm_stop vm_run(struct vm *vm, uint64_t until_cycle, uint64_t until_step, bool pass,
                    struct err *e)
{
    bool behind_unit = false; /* what happens now still belongs to the unit that ended here */
    for (;;) {
        uint64_t cycle = mips_cycle(vm->cpu), steps = mips_steps(vm->cpu);
        /* Before all limits: a reset belongs to the unit that asked for it, so that the state
         * after that step is one and the same however the run came to stop there. */
        if (vm->power_pending != 0 && !vm->powered_off && change_power(vm, e) < 0)
            return VM_FAILED;
        if (UNLIKELY(vm->watch_stop))
            return stop_for_watch(vm, !behind_unit);
        if (UNLIKELY(vm->monitor->halt))
            return VM_HALTED;
        if (vm->powered_off)
            return VM_POWERED_OFF;
        if (steps >= until_step)
            return VM_LIMIT;
        if (cycle >= until_cycle)
            return vm_asleep(vm) ? VM_SLEEPING : VM_LIMIT;
        if (vm_asleep(vm) && vm_next_wake(vm) >= until_cycle) {
            mips_skip(vm->cpu, until_cycle - cycle);
            vm->idle_cycles += until_cycle - cycle;
            return VM_SLEEPING;
        }
        if (UNLIKELY(monitor_is_interrupted(vm->monitor)))
            return VM_HALTED;
        fire_timers(vm);
        behind_unit = false;
        if (vm->power_pending != 0 || UNLIKELY(vm->watch_stop))
            continue;
        if (vm->idle_cycles != 0 && mips_can_wake(vm->cpu))
            log_idle(vm);
        uint64_t limit = min_u64(until_cycle, vm_cycle_of(vm, vm->next_deadline));
        limit = min_u64(limit, cycle + STRETCH);
        if (until_step - steps < limit - cycle)
            limit = cycle + (until_step - steps);
        vm->run_limit = limit;
        enum mips_stop stop = mips_run(vm->cpu, limit, pass);
        vm->run_limit = 0;
        pass = false;
        behind_unit = mips_steps(vm->cpu) != steps;
        switch (stop) {
        case MIPS_STOP_BREAK:
            return VM_BREAK;
        case MIPS_STOP_WATCH:
            return VM_WATCH;
        case MIPS_STOP_WAIT:
            if (mips_steps(vm->cpu) < until_step) {
                cycle = mips_cycle(vm->cpu);
                uint64_t to = min_u64(until_cycle, vm_next_wake(vm));
                if (to > cycle) {
                    mips_skip(vm->cpu, to - cycle);
                    vm->idle_cycles += to - cycle;
                }
            }
            break;
        case MIPS_STOP_LIMIT:
        case MIPS_STOP_REQUEST:
            break;
        }
    }
}
