/*
 * DETERMINISM: all is decided at barriers after epochs in which something ran,
 * from state alone. That a sampled page was accessed is seen by a call of
 * vm_page, which comes at the same step under each engine, because sampling
 * drops all cached translations (mips.h, mips_env.page).
 */
#include "core/reclaim.h"

#include <inttypes.h>

#include "core/base/splitmix.h"
#include "core/crew.h"
#include "core/dev/virtio_balloon.h"
#include "core/disk_priv.h"
#include "core/monitor.h"

#define TICK_NS        10000000u
#define SAMPLE_TICKS   50 /* in a sampling period */
#define REPORT_TICKS   10
#define HARD_BATCH     512 /* pages paged out at one barrier */
#define SOFT_BATCH     64
#define DRAWS          16 /* before a page is looked for in order */
#define BALLOON_MOST   65 /* per cent of a VM's memory */
#define IDLE_COST      4  /* of a page: 1 / (1 - tax) */
#define SHARES_USUAL   1000
#define SHARE_OUT_STEP 256 /* pages are shared out in so many portions */

static const uint8_t threshold[] = {6, 4, 2, 1}; /* per cent of the pool, by level */

/* ---- policy ---- */

static uint64_t pages_of(uint64_t pool, enum reclaim_level level)
{
    return max_u64(pool * threshold[level] / 100, RECLAIM_LOW + 1 - level);
}

enum reclaim_level reclaim_next_level(enum reclaim_level now, uint64_t free, uint64_t pool)
{
    enum reclaim_level worst = RECLAIM_HIGH, best = RECLAIM_HIGH;
    for (enum reclaim_level l = RECLAIM_SOFT; l <= RECLAIM_LOW; l++) {
        if (free < pages_of(pool, l))
            worst = l;
        if (free < pages_of(pool, l - 1))
            best = l;
    }
    return now < worst ? worst : now > best ? best : now;
}

/* Is a page dearer for `a` than for `b`, whose costs are taken by what they have left? */
static bool pays_less(const struct reclaim_claim *a, uint64_t a_left, const struct reclaim_claim *b,
                      uint64_t b_left)
{
    uint64_t a_cost = a_left * (IDLE_COST * 1000 - (IDLE_COST - 1) * a->used);
    uint64_t b_cost = b_left * (IDLE_COST * 1000 - (IDLE_COST - 1) * b->used);
    return (unsigned __int128)a_cost * b->shares > (unsigned __int128)b_cost * a->shares;
}

void reclaim_share_out(const struct reclaim_claim *claim, unsigned claims, uint64_t n,
                       uint64_t *take)
{
    uint64_t portion = n / SHARE_OUT_STEP + 1;
    for (unsigned i = 0; i < claims; i++)
        take[i] = 0;
    while (n != 0) {
        unsigned victim = claims;
        for (unsigned i = 0; i < claims; i++) {
            if (take[i] < claim[i].takeable &&
                (victim == claims || pays_less(&claim[i], claim[i].pages - take[i], &claim[victim],
                                               claim[victim].pages - take[victim])))
                victim = i;
        }
        if (victim == claims)
            return;
        uint64_t some = min_u64(min_u64(portion, n), claim[victim].takeable - take[victim]);
        take[victim] += some;
        n -= some;
    }
}

/* ---- configuration ---- */

int reclaim_check(const struct monitor_config *cfg, uint64_t pool, struct err *e)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < cfg->vms_count; i++) {
        const struct vm_config *vm = &cfg->vms[i];
        if (vm->memory_min > vm->memory)
            ERR(e, ERR_LIMIT, "vm%zu: a minimum of %" PRIu64 " MiB is more than its memory", i,
                vm->memory_min >> 20);
        if (vm->memory_max != 0 && vm->memory_max < vm->memory_min)
            ERR(e, ERR_LIMIT, "vm%zu: a maximum of %" PRIu64 " MiB is less than its minimum", i,
                vm->memory_max >> 20);
        sum += vm->memory_min;
    }
    if (sum > pool)
        ERR(e, ERR_LIMIT,
            "machine memory of %" PRIu64 " MiB is less than the %" PRIu64
            " MiB that the VMs have as minimum",
            pool >> 20, sum >> 20);
    return 0;
}

int reclaim_init(struct monitor *m, uint64_t pool, uint64_t wanted, struct err *e)
{
    const struct monitor_config *cfg = &m->config;
    uint64_t ns = cfg->reclaim_ns != 0 ? cfg->reclaim_ns : TICK_NS;
    m->reclaim = (struct reclaim){
        .pressed = pool < wanted,
        .reports = pool < wanted || cfg->share != 0 || cfg->vms_count > 1,
        .tick = max_u64(ns / cfg->epoch_ns, 1),
    };
    for (size_t i = 0; i < cfg->vms_count; i++) {
        const struct vm_config *vm = &cfg->vms[i];
        if (vm->memory_max != 0 && vm->memory_max < vm->memory)
            m->reclaim.pressed = true;
        m->reclaim.slow[i] = m->reclaim.fast[i] = 1000; /* until it is known better */
    }
    return m->reclaim.pressed ? swap_init(&m->memory.swap, cfg->swap_fd != 0 ? cfg->swap_fd : -1, e)
                              : 0;
}

static uint64_t min_pages(const struct vm *vm)
{
    return vm->config->memory_min >> PAGE_BITS;
}

static uint64_t max_pages(const struct vm *vm)
{
    uint64_t max = vm->config->memory_max >> PAGE_BITS;
    return max == 0 && vm->config->memory_max == 0 ? vm->ram_pages : min_u64(max, vm->ram_pages);
}

/* ---- measuring ---- */

static uint64_t draw_page(struct monitor *m, const struct vm *vm)
{
    return splitmix64(m->config.seed, ++m->reclaim.drawn) % vm->ram_pages;
}

/* Pages in use per thousand: what was used of late, at any speed, counts as used. */
static uint32_t used_of(const struct monitor *m, const struct vm *vm)
{
    uint32_t used = m->reclaim.slow[vm->index] > m->reclaim.fast[vm->index]
                        ? m->reclaim.slow[vm->index]
                        : m->reclaim.fast[vm->index];
    uint32_t now = vm->samples.drawn == 0 ? 0 : 1000 * vm->samples.touched / vm->samples.drawn;
    return now > used ? now : used;
}

static uint64_t resident(const struct vm *vm)
{
    return (uint64_t)vm->pages.own + vm->pages.common;
}

/* The period is over; begins the next one. */
static void sample(struct monitor *m, struct vm *vm)
{
    struct reclaim *r = &m->reclaim;
    if (vm->samples.drawn != 0) {
        uint32_t now = 1000 * vm->samples.touched / vm->samples.drawn;
        r->fast[vm->index] = (r->fast[vm->index] + now) / 2;
        r->slow[vm->index] = (7 * r->slow[vm->index] + now) / 8;
    }
    vm_samples_clear(vm);
    /* Not so many that there would be nothing left to page out. */
    uint64_t wanted = min_u64(VM_SAMPLES_MAX, resident(vm) / 8);
    for (unsigned i = 0; i < 4 * VM_SAMPLES_MAX && vm->samples.count < wanted; i++) {
        uint64_t key = draw_page(m, vm);
        if (vm_page_at(vm, key) != 0)
            vm_sample(vm, key);
    }
    vm_flush_translations(vm);
}

/* ---- paging ---- */

static bool has_driver(const struct vm *vm)
{
    return !vm->powered_off && vm->balloon != NULL && virtio_balloon_ready(vm->balloon);
}

/* Which pages go, in this order. */
enum victims {
    WITHOUT_DRIVER, /* of VMs that have no balloon, and written blocks of disks */
    ALL_VMS,
    SHARED_TOO,     /* those that others use, too, and those that are watched for accesses */
    BELOW_MINIMUM,
};

static bool try_page_out(struct vm *vm, uint64_t key, bool shared_too)
{
    return (shared_too || !vm->sampled[key]) && vm_page_out(vm, key, shared_too);
}

/* Any page; where most cannot be taken, the next one that can. */
static bool one_page_out(struct monitor *m, struct vm *vm, bool shared_too)
{
    uint64_t key = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        key = draw_page(m, vm);
        if (try_page_out(vm, key, shared_too))
            return true;
    }
    for (uint64_t i = 0; i < vm->ram_pages; i++) {
        key = key + 1 < vm->ram_pages ? key + 1 : 0;
        if (try_page_out(vm, key, shared_too))
            return true;
    }
    return false;
}

/* The disks take turns as the blocks of each do. */
static uint64_t blocks_out(struct vm *vm, uint64_t n, bool shared_too)
{
    uint64_t done = 0, before = 1;
    while (before != 0) {
        before = 0;
        for (unsigned d = 0; d < vm->disks_count && done + before < n; d++)
            before += disk_page_out(vm->disks[d], shared_too);
        done += before;
    }
    return done;
}

static uint64_t ram_out(struct monitor *m, struct vm *vm, uint64_t n, bool shared_too)
{
    uint64_t done = 0;
    while (done < n && one_page_out(m, vm, shared_too))
        done++;
    return done;
}

/* Blocks of disks first: they are read when the guest has forgotten them. */
static uint64_t pages_out(struct monitor *m, struct vm *vm, uint64_t n, enum victims victims)
{
    uint64_t done = blocks_out(vm, n, false);
    if (victims != WITHOUT_DRIVER || !has_driver(vm))
        done += ram_out(m, vm, n - done, false);
    if (victims >= SHARED_TOO) {
        done += blocks_out(vm, n - done, true);
        done += ram_out(m, vm, n - done, true);
    }
    if (done != 0)
        vm_flush_translations(vm);
    return done;
}

static uint64_t free_pages(const struct monitor *m)
{
    uint64_t used = memory_in_use(&m->memory);
    return m->memory.pool_pages - min_u64(used, m->memory.pool_pages);
}

/* Pages to be given up for `goal` free ones. */
static uint64_t missing(const struct monitor *m, uint64_t goal)
{
    uint64_t needed = memory_in_use(&m->memory) + goal;
    return needed - min_u64(needed, m->memory.pool_pages);
}

static void set_level(struct monitor *m)
{
    struct reclaim *r = &m->reclaim;
    r->level = (uint8_t)reclaim_next_level(r->level, free_pages(m), m->memory.pool_pages);
}

static struct reclaim_claim claim_of(const struct monitor *m, const struct vm *vm)
{
    return (struct reclaim_claim){
        .shares = vm->config->shares != 0 ? vm->config->shares : SHARES_USUAL,
        .used = used_of(m, vm),
    };
}

/* Machine pages with written blocks of disks that are no RAM as well. */
static uint64_t blocks_alone(const struct vm *vm)
{
    uint64_t pages = vm->memory->arena[vm->index].in_use;
    return min_u64(vm->pages.blocks, pages - min_u64(pages, vm->pages.own));
}

static uint64_t takeable(const struct vm *vm, enum victims victims)
{
    uint64_t blocks = blocks_alone(vm), all = resident(vm) + blocks;
    uint64_t most = victims == WITHOUT_DRIVER && has_driver(vm) ? blocks
                    : victims < SHARED_TOO                      ? vm->pages.own + blocks
                                           : resident(vm) + vm->pages.blocks;
    return victims == BELOW_MINIMUM ? most : min_u64(most, all - min_u64(all, min_pages(vm)));
}

/* `n` pages. Returns how many there were. */
static uint64_t page_out(struct monitor *m, uint64_t n, enum victims victims)
{
    struct reclaim_claim claim[VMS_MAX] = {0};
    uint64_t take[VMS_MAX], done = 0;
    for (unsigned i = 0; i < m->vms_count; i++) {
        const struct vm *vm = m->vms[i];
        claim[i] = claim_of(m, vm);
        claim[i].pages = max_u64(resident(vm) + blocks_alone(vm), takeable(vm, victims));
        /* What a VM with a defect has, nobody knows for sure: it stays. */
        if (!vm->defect)
            claim[i].takeable = takeable(vm, victims);
    }
    reclaim_share_out(claim, m->vms_count, n, take);
    for (unsigned i = 0; i < m->vms_count; i++)
        if (take[i] != 0)
            done += pages_out(m, m->vms[i], take[i], victims);
    return done;
}

static void keep_limit(struct monitor *m, struct vm *vm)
{
    for (int shared = 0; shared <= 1 && !vm->defect; shared++)
        if (resident(vm) > max_pages(vm) &&
            ram_out(m, vm, resident(vm) - max_pages(vm), shared) != 0)
            vm_flush_translations(vm);
}

/* Until the level is left. Not all pages that were counted can be taken, and not each that is taken
 * is free then: again, while that helps. Each has one user less, so that comes to an end. */
static void leave_low(struct monitor *m)
{
    uint64_t goal = pages_of(m->memory.pool_pages, RECLAIM_HARD);
    for (enum victims victims = ALL_VMS; m->reclaim.level == RECLAIM_LOW; set_level(m)) {
        if (page_out(m, missing(m, goal), victims) != 0)
            continue;
        if (victims == SHARED_TOO)
            break;
        victims = SHARED_TOO;
    }
    /* What a VM has as a minimum is a share of the pool, and no more than that. */
    while (missing(m, 0) != 0 && page_out(m, missing(m, 0), BELOW_MINIMUM) != 0)
        continue;
}

static void reclaim_by_paging(struct monitor *m)
{
    uint64_t pool = m->memory.pool_pages;
    for (unsigned i = 0; i < m->vms_count; i++)
        keep_limit(m, m->vms[i]);
    set_level(m);
    leave_low(m);
    if (m->reclaim.level == RECLAIM_HARD)
        page_out(m, min_u64(missing(m, pages_of(pool, RECLAIM_SOFT)), HARD_BATCH), ALL_VMS);
    else if (m->reclaim.level == RECLAIM_SOFT)
        page_out(m, min_u64(missing(m, pages_of(pool, RECLAIM_HIGH)), SOFT_BATCH), WITHOUT_DRIVER);
    set_level(m);
}

/* ---- balloons ---- */

static void set_target(struct vm *vm, uint64_t pages, bool inflate)
{
    uint64_t now = vm->balloon->num_pages, max = vm->ram_pages * BALLOON_MOST / 100;
    uint64_t floor = vm->ram_pages - max_pages(vm), step = vm->ram_pages / 64;
    pages = min_u64(max_u64(pages, floor), vm->ram_pages - min_pages(vm));
    pages = min_u64(pages, max);
    if (!inflate && floor <= now)
        pages = min_u64(pages, now);
    /* Small steps would keep the driver busy. */
    if ((pages > now ? pages - now : now - pages) <= step && !(pages == 0 && now != 0))
        return;
    if (pages == now)
        return;
    struct event *ev = vm_event(vm, EVENT_TARGET);
    ev->arg[0] = pages;
    vm_event_commit(vm);
    virtio_balloon_set_target(vm->balloon, (uint32_t)pages);
}

/* If all VMs had in memory all that they use, which pages would be too many? Those that a VM is to
 * be without are its balloon. */
static void set_balloons(struct monitor *m)
{
    struct reclaim_claim claim[VMS_MAX] = {0};
    uint64_t take[VMS_MAX], used = memory_in_use(&m->memory), pool = m->memory.pool_pages;
    for (unsigned i = 0; i < m->vms_count; i++) {
        const struct vm *vm = m->vms[i];
        uint64_t away = (uint64_t)vm->pages.balloon + vm->pages.swapped;
        claim[i] = claim_of(m, vm);
        claim[i].pages = resident(vm) + away;
        claim[i].takeable =
            min_u64(vm->pages.own + away, claim[i].pages - min_u64(claim[i].pages, min_pages(vm)));
        used += away;
        used -= min_u64(used, blocks_alone(vm)); /* they can go elsewhere without a balloon */
    }
    used += pages_of(pool, RECLAIM_HIGH);
    reclaim_share_out(claim, m->vms_count, used - min_u64(used, pool), take);
    for (unsigned i = 0; i < m->vms_count; i++)
        if (has_driver(m->vms[i]))
            set_target(m->vms[i], take[i], m->reclaim.level != RECLAIM_HIGH);
}

/* ---- reports ---- */

struct count {
    const struct vm *vm;
    uint64_t alone; /* of its common pages, those that nobody else uses any more */
};

static bool count_page(void *ctx, uint64_t key, uint64_t entry)
{
    struct count *c = ctx;
    uint32_t mpn = (uint32_t)(entry - 1);
    if (key >= c->vm->ram_pages)
        return false;
    if (entry <= UINT32_MAX && mpn_arena(mpn) == ARENA_COMMON)
        c->alone += mpn_users(c->vm->memory, mpn) == 1;
    return true;
}

static void count_part(void *ctx, unsigned i)
{
    struct count *out = (struct count *)ctx + i, own = *out; /* not in lines that threads share */
    if (own.vm->pages.common != 0 && !own.vm->defect)
        radix_each(&own.vm->pmap, count_page, &own);
    *out = own;
}

static void report_vm(struct vm *vm, uint64_t alone)
{
    struct vm_pages pages = vm->defect ? (struct vm_pages){0} : vm->pages;
    struct event *ev = vm_event(vm, EVENT_MEMORY);
    ev->arg[0] = vm->ram_pages;
    ev->arg[1] = pages.own + alone;
    ev->arg[2] = pages.common - alone;
    ev->arg[3] = pages.balloon;
    ev->arg[4] = pages.swapped;
    ev->arg[5] = vm->ram_pages - pages.own - pages.common - pages.balloon - pages.swapped;
    vm_event_commit(vm);
}

static void report(struct monitor *m)
{
    struct count count[VMS_MAX];
    for (unsigned i = 0; i < m->vms_count; i++)
        count[i] = (struct count){.vm = m->vms[i]};
    crew_run(m->crew, count_part, count, m->vms_count);
    for (unsigned i = 0; i < m->vms_count; i++)
        report_vm(m->vms[i], count[i].alone);
    struct event *ev = vm_event(m->vms[0], EVENT_POOL);
    ev->arg[0] = m->memory.pool_pages;
    ev->arg[1] = memory_in_use(&m->memory);
    ev->arg[2] = memory_shared(&m->memory);
    ev->arg[3] = m->reclaim.level;
    ev->arg[4] = vm_ns_of(m->vms[0], (m->epoch + 1) * m->epoch_cycles);
    vm_event_commit(m->vms[0]);
}

void reclaim_barrier(struct monitor *m)
{
    struct reclaim *r = &m->reclaim;
    if (!r->reports && !r->pressed)
        return;
    bool tick = m->busy_epochs % r->tick == 0;
    uint64_t ticks = m->busy_epochs / r->tick;
    if (r->pressed) {
        if (tick && ticks % SAMPLE_TICKS == 0)
            for (unsigned i = 0; i < m->vms_count; i++)
                if (!m->vms[i]->defect)
                    sample(m, m->vms[i]);
        reclaim_by_paging(m);
        if (tick)
            set_balloons(m);
    }
    if (r->reports && tick && ticks % REPORT_TICKS == 0)
        report(m);
}
