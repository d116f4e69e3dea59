/*
 * Machine memory that is too small: who gives what up, and whole runs in which pages go out and
 * come back all the time. Guests must not see it, and a position must name one state of the swap
 * file and of the samples as of all else.
 */
#include "tests/unit/engine_suites.h"
#include "tests/unit/monitor_rig.h"

START_TEST(levels)
{
    /* Of 1000 pages. */
    static const struct {
        uint64_t free;
        enum reclaim_level level;
    } step[] = {
        {1000, RECLAIM_HIGH}, {60, RECLAIM_HIGH}, {40, RECLAIM_HIGH}, {39, RECLAIM_SOFT},
        {41, RECLAIM_SOFT},   {59, RECLAIM_SOFT}, {60, RECLAIM_HIGH}, {19, RECLAIM_HARD},
        {21, RECLAIM_HARD},   {39, RECLAIM_HARD}, {40, RECLAIM_SOFT}, {9, RECLAIM_LOW},
        {10, RECLAIM_LOW},    {19, RECLAIM_LOW},  {20, RECLAIM_HARD}, {0, RECLAIM_LOW},
        {45, RECLAIM_SOFT},   {5, RECLAIM_LOW},   {70, RECLAIM_HIGH},
    };
    enum reclaim_level now = RECLAIM_HIGH;
    for (size_t i = 0; i < ARRAY_LEN(step); i++) {
        now = reclaim_next_level(now, step[i].free, 1000);
        ck_assert_msg(now == step[i].level, "step %zu: %u pages free: level %u", i,
                      (unsigned)step[i].free, now);
    }
}
END_TEST

static uint64_t sum_of(const uint64_t *take, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += take[i];
    return sum;
}

/* What ESX's paper says of two VMs. */
START_TEST(min_funding)
{
    struct reclaim_claim claim[2] = {{1000, 1000, 1000, 1000}, {1000, 1000, 1000, 1000}};
    uint64_t take[2];
    reclaim_share_out(claim, 2, 500, take);
    ck_assert_uint_eq(sum_of(take, 2), 500);
    ck_assert(take[0] >= 248 && take[0] <= 252);
    claim[1].shares = 2000; /* twice as much stays */
    reclaim_share_out(claim, 2, 1400, take);
    ck_assert(take[0] >= 797 && take[0] <= 803 && sum_of(take, 2) == 1400);
    claim[1] = (struct reclaim_claim){1000, 1000, 1000, 0}; /* idle: its pages cost four times */
    reclaim_share_out(claim, 2, 1000, take);
    ck_assert(take[1] >= 796 && take[1] <= 804 && sum_of(take, 2) == 1000);
    claim[1].takeable = 100; /* but for a minimum */
    reclaim_share_out(claim, 2, 1000, take);
    ck_assert(take[1] == 100 && take[0] == 900);
    reclaim_share_out(claim, 2, 5000, take);
    ck_assert(take[1] == 100 && take[0] == 1000);
}
END_TEST

START_TEST(share_out_any)
{
    struct rng rng = {(uint64_t)_i + rng_env("DISCO_TEST_SEED", 0)};
    for (unsigned run = 0; run < 300; run++) {
        struct reclaim_claim claim[VMS_MAX];
        uint64_t take[VMS_MAX], all = 0, n = rng_next(&rng) >> (rng_below(&rng, 60) + 4);
        unsigned claims = 1 + rng_below(&rng, VMS_MAX);
        for (unsigned i = 0; i < claims; i++) {
            uint32_t pages = (uint32_t)rng_next(&rng) >> (8 + rng_below(&rng, 24));
            claim[i] = (struct reclaim_claim){
                .pages = pages,
                .takeable = rng_below(&rng, pages + 1),
                .shares = 1 + ((uint32_t)rng_next(&rng) >> rng_below(&rng, 32)),
                .used = rng_below(&rng, 1001),
            };
            all += claim[i].takeable;
        }
        reclaim_share_out(claim, claims, n, take);
        ck_assert_uint_eq(sum_of(take, claims), min_u64(n, all));
        for (unsigned i = 0; i < claims; i++)
            ck_assert_uint_le(take[i], claim[i].takeable);
    }
}
END_TEST

/* ---- runs ---- */

/* Reads and writes words all over 1 MiB through the TLB, which maps it where it is, and through the
 * refill handler; prints and sleeps every 256 of them. */
static void guest_mapped_worker(struct guest *g, unsigned period)
{
    guest_begin(g, period);
    unsigned at = g->at;
    g->at = (GUEST_EBASE - GUEST_BASE) / 4;
    guest_put(g, MFC0_W(K0, 8, 0)); /* BadVAddr */
    guest_put(g, SRL_W(K0, K0, 13));
    guest_put(g, SLL_W(K0, K0, 7));
    guest_put(g, ORI_W(K0, K0, 6)); /* D, V */
    guest_put(g, MTC0_W(K0, 2, 0));
    guest_put(g, ADDIU_W(K0, K0, 0x40));
    guest_put(g, MTC0_W(K0, 3, 0));
    guest_put(g, TLBWR_W);
    guest_put(g, ERET_W);
    g->at = at;
    guest_li(g, S6, GUEST_PAGES & 0x7fffffff);
    unsigned loop = g->at;
    for (unsigned i = 0; i < 2; i++) {
        guest_next_random(g);
        guest_put(g, SRL_W(T0, S1, 14));
        guest_put(g, SLL_W(T0, T0, 2));
        guest_put(g, ADDU_W(T0, T0, S6));
        guest_put(g, i == 0 ? LW_W(T1, 0, T0) : SW_W(S1, 0, T0));
    }
    guest_put(g, ADDU_W(S4, S4, T1));
    guest_put(g, ADDIU_W(S2, S2, 1));
    guest_put(g, ANDI_W(T1, S2, 255));
    guest_back(g, BNE_W(T1, ZERO, 0), loop);
    guest_put(g, ORI_W(T4, ZERO, '.'));
    guest_put(g, SB_W(T4, 0, S3));
    guest_put(g, WAIT_W);
    guest_back(g, BEQ_W(ZERO, ZERO, 0), loop);
}

static const struct {
    const char *name;
    uint64_t epoch_ns, pool_pages, reclaim_ns;
    unsigned period, input_every, share;
    uint64_t memory_min, memory_max;
    bool big_endian, mapped, balloon;
} kind[] = {
    {"usual", 40000, 160, 40000, 20000, 3, SHARE_ALL, 0, 0, false, false, false},
    {"short epochs", 2000, 300, 10000, 3000, 17, 0, 0, 0, false, false, false},
    {"mapped", 10000, 250, 10000, 9000, 11, 0, 0, 0, true, true, false},
    {"claims", 20000, 500, 20000, 7000, 5, 0, 1 << 20, 0, false, true, false},
    {"a limit alone", 20000, 0, 20000, 7000, 5, 0, 0, 100 * PAGE_SIZE, false, false, false},
    {"balloon", 20000, 160, 20000, 7000, 5, SHARE_ALL, 0, 0, false, true, true},
    {"tiny", 10000, 20, 20000, 7000, 5, 0, 0, 0, false, true, true},
};

static struct mrig_options options_of(int i, struct guest *g)
{
    if (kind[i].mapped)
        guest_mapped_worker(g, kind[i].period);
    else
        guest_worker(g, kind[i].period);
    return (struct mrig_options){
        .guest = g,
        .big_endian = kind[i].big_endian,
        .epoch_ns = kind[i].epoch_ns,
        .input_every = kind[i].input_every,
        .random_idle = true,
        .seed = (uint64_t)i + rng_env("DISCO_TEST_SEED", 0),
        .vms = 3,
        .share = kind[i].share,
        .scan_rate = 3000000,
        .machine_memory = kind[i].pool_pages * PAGE_SIZE,
        .reclaim_ns = kind[i].reclaim_ns,
        .memory_min = kind[i].memory_min,
        .memory_max = kind[i].memory_max,
        .balloon = kind[i].balloon,
    };
}

static uint64_t count_events(const struct mrig *r, enum event_kind wanted)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->events_count; i++)
        n += r->events[i].kind == wanted;
    return n;
}

/* At the begin of an epoch: the pool holds what the VMs use, and the counts are right. */
static void check_pool(const struct mrig *r, int i)
{
    const struct memory *memory = &r->m->memory;
    uint32_t shared = 0;
    for (unsigned v = 0; v < r->m->vms_count; v++) {
        const struct vm *vm = r->m->vms[v];
        struct vm_pages pages = {0};
        for (uint64_t key = 0; key < vm->ram_pages; key++) {
            uint64_t entry = radix_get(&vm->pmap, key);
            if (vm_page_at(vm, key) != 0)
                mpn_arena((uint32_t)entry - 1) == v ? pages.own++ : pages.common++;
            else if (entry >> 63)
                pages.swapped++;
            else if (entry != 0)
                pages.balloon++;
        }
        ck_assert_mem_eq(&pages, &vm->pages, sizeof pages);
        if (v == 1 && kind[i].memory_max != 0)
            ck_assert_uint_le((pages.own + pages.common) * PAGE_SIZE, kind[i].memory_max);
    }
    for (uint32_t n = 0; n < memory->arena[ARENA_COMMON].mpns; n++)
        shared += mpn_users(memory, (uint32_t)ARENA_COMMON << ARENA_BITS | n) > 1;
    ck_assert_uint_eq(memory_shared(memory), shared);
    if (kind[i].pool_pages > 20)
        ck_assert_uint_le(memory_in_use(memory), memory->pool_pages);
}

static void check_reports(const struct mrig *r)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < r->events_count; i++) {
        const struct event *ev = &r->events[i];
        if (ev->kind == EVENT_MEMORY) {
            ck_assert_uint_eq(ev->arg[0], 1024);
            ck_assert_uint_eq(ev->arg[0],
                              ev->arg[1] + ev->arg[2] + ev->arg[3] + ev->arg[4] + ev->arg[5]);
        } else if (ev->kind == EVENT_POOL) {
            ck_assert_uint_eq(ev->arg[0], r->m->memory.pool_pages);
            ck_assert_uint_ge(ev->arg[4], ns);
            ns = ev->arg[4];
            for (unsigned v = 0; v < r->m->vms_count; v++)
                ck_assert(ev[-(int)v - 1].kind == EVENT_MEMORY &&
                          ev[-(int)v - 1].vm == r->m->vms_count - 1 - v);
        }
    }
}

struct saved {
    struct snapshot *snapshot; /* NULL: none */
    size_t events, console[4];
};

static void save(struct mrig *r, struct saved *s)
{
    s->snapshot = monitor_snapshot(r->m);
    s->events = r->events_count;
    for (unsigned v = 0; v < 4; v++)
        s->console[v] = r->console[v].len;
}

static void restore(struct mrig *r, const struct saved *s)
{
    monitor_restore(r->m, s->snapshot);
    r->events_count = s->events;
    for (unsigned v = 0; v < 4; v++)
        r->console[v].len = s->console[v];
}

static void drop(struct mrig *r, struct saved *s)
{
    if (s->snapshot != NULL)
        snapshot_free(r->m, s->snapshot);
    s->snapshot = NULL;
}

START_TEST(positions)
{
    struct guest g;
    struct mrig_options opt = options_of(_i, &g);
    struct mrig *r = mrig_create(&opt);
    struct rng rng = {(uint64_t)_i + rng_env("DISCO_TEST_SEED", 0)};
    struct saved saved[3] = {0};
    for (int i = 0; i < 70; i++) {
        struct saved *s = &saved[rng_below(&rng, ARRAY_LEN(saved))];
        uint64_t goal = mrig_step(r) + rng_below(&rng, 9000);
        ck_assert_int_eq(mrig_run(r, goal, UINT64_MAX), RUN_LIMIT);
        if (i % 15 == 0)
            mrig_assert_canonical(r);
        if (s->snapshot == NULL) {
            save(r, s);
        } else if (rng_below(&rng, 4) == 0) {
            restore(r, s);
            drop(r, s);
        } else if (rng_below(&rng, 2) == 0) {
            drop(r, s);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(saved); i++) {
        if (saved[i].snapshot == NULL)
            continue;
        restore(r, &saved[i]);
        mrig_run(r, mrig_step(r) + 3000, UINT64_MAX);
        mrig_assert_canonical(r);
    }
    for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
        drop(r, &saved[i]);
    mrig_run(r, UINT64_MAX, (r->m->epoch + 3) * r->m->epoch_cycles);
    check_pool(r, _i);
    ck_assert_uint_eq(frames_in_use(&r->m->memory.frames), 1 + memory_in_use(&r->m->memory));
    ck_assert_uint_eq(swap_blocks_in_use(&r->m->memory.swap), swap_in_use(&r->m->memory.swap));
    ck_assert_uint_gt(count_events(r, EVENT_PAGE_OUT), 50);
    ck_assert_uint_gt(count_events(r, EVENT_PAGE_IN), 50);
    ck_assert(!kind[_i].balloon || count_events(r, EVENT_BALLOON) > 100);
    mrig_destroy(r);
}
END_TEST

/* On any number of threads, with either engine, and with a pool that is large enough. */
START_TEST(any_threads)
{
    struct guest g;
    struct mrig_options opt = options_of(_i, &g);
    opt.random_idle = false;
    struct mrig *one = mrig_create(&opt), *interp = mrig_create(&opt);
    monitor_set_engine(interp->m, MIPS_INTERP, false);
    uint64_t epochs = 2100000 / one->m->epoch_cycles;
    for (unsigned threads = 2; threads <= 3; threads++) {
        opt.threads = threads;
        struct mrig *many = mrig_create(&opt);
        for (uint64_t i = 1; i <= 8; i++) {
            uint64_t cycle = epochs / 16 * ((threads - 2) * 8 + i) * one->m->epoch_cycles;
            ck_assert_int_eq(mrig_run(one, UINT64_MAX, cycle), RUN_LIMIT);
            ck_assert_int_eq(mrig_run(many, UINT64_MAX, cycle), RUN_LIMIT);
            check_pool(one, _i);
        }
        mrig_assert_same(one, many);
        mrig_destroy(many);
    }
    ck_assert_int_eq(mrig_run(interp, UINT64_MAX, mrig_cycle(one)), RUN_LIMIT);
    mrig_assert_same(one, interp);
    check_reports(one);
    if (kind[_i].pool_pages != 0)
        ck_assert_uint_gt(count_events(one, EVENT_POOL), 3);
    ck_assert_uint_gt(one->m->vms[0]->samples.drawn, kind[_i].pool_pages == 20 ? 0 : 10);
    opt.threads = 1;
    opt.machine_memory = opt.memory_max = 0;
    struct mrig *roomy = mrig_create(&opt);
    ck_assert_int_eq(mrig_run(roomy, UINT64_MAX, mrig_cycle(one)), RUN_LIMIT);
    ck_assert_uint_eq(mrig_step(roomy), mrig_step(one));
    for (unsigned i = 0; i < opt.vms; i++) {
        struct vm_digest a = monitor_digest(roomy->m, i, true), b = monitor_digest(one->m, i, true);
        ck_assert(a.cpu == b.cpu && a.devices == b.devices && a.memory == b.memory);
        ck_assert_uint_eq(b.memory, mrig_whole_digest(one->m->vms[i]));
    }
    ck_assert_uint_eq(count_events(roomy, EVENT_PAGE_OUT), 0);
    ck_assert_uint_eq(swap_blocks_in_use(&roomy->m->memory.swap), 0);
    ck_assert_uint_gt(count_events(one, EVENT_PAGE_IN), 100);
    mrig_destroy(roomy);
    mrig_destroy(interp);
    mrig_destroy(one);
}
END_TEST

/* A minimum is kept as long as there is something else to take. */
START_TEST(minimum)
{
    struct guest g;
    struct mrig_options opt = options_of(3, &g);
    struct mrig *r = mrig_create(&opt);
    for (unsigned i = 0; i < 40; i++) {
        mrig_run(r, UINT64_MAX, mrig_cycle(r) + 10000);
        ck_assert_uint_le(r->m->vms[1]->pages.swapped, 100);
    }
    ck_assert_uint_gt(r->m->vms[0]->pages.swapped, 100);
    ck_assert_uint_gt(r->m->vms[2]->pages.swapped, 100);
    mrig_destroy(r);
}
END_TEST

/* Half of the samples are pages that the guest works on, a quarter what it leaves alone, and a
 * quarter was never there. */
START_TEST(samples)
{
    struct guest g;
    guest_mapped_worker(&g, 20000);
    struct mrig_options opt = {.guest = &g};
    struct mrig *r = mrig_create(&opt);
    struct vm *vm = r->m->vms[0];
    uint64_t work = (GUEST_PAGES & 0x1fffffff) >> PAGE_BITS;
    mrig_run(r, 100000, UINT64_MAX);
    for (unsigned i = 0; i < 25; i++) {
        uint32_t word = i + 1;
        ck_assert(vm_write_physical(vm, (work + 300 + i) << PAGE_BITS, &word, sizeof word));
        vm_sample(vm, work + 10 * i);
        vm_sample(vm, work + 10 * i); /* counts once */
        vm_sample(vm, work + 10 * i + 1);
        vm_sample(vm, work + 300 + i);
        vm_sample(vm, work + 400 + i);
    }
    vm_sample(vm, work + 500); /* too many */
    ck_assert_uint_eq(vm->samples.drawn, 100);
    vm_flush_translations(vm);
    mrig_run(r, 200000, UINT64_MAX);
    ck_assert_uint_eq(vm->samples.touched, 50);
    ck_assert_uint_eq(vm->samples.count, 50);
    struct snapshot *s = monitor_snapshot(r->m);
    vm_samples_clear(vm);
    monitor_restore(r->m, s);
    snapshot_free(r->m, s);
    for (unsigned i = 0; i < 25; i++)
        ck_assert(vm->sampled[work + 300 + i] && vm->sampled[work + 400 + i] &&
                  !vm->sampled[work + 10 * i]);
    mrig_destroy(r);
}
END_TEST

static uint64_t random_page(struct rng *rng)
{
    static const struct {
        uint64_t base, pages;
    } place[] = {
        {GUEST_PAGES & 0x1fffffff, 300},
        {0x80000000 + (GUEST_PAGES & 0x1fffffff), 300},
        {0x3f0000, 40},
        {0x803f0000, 40},
        {0x1e000000, 1100},
        {0x1fc00000, 1100},
        {0x10000000, 1 << 20},
        {UINT64_C(0xffff0000) << 16, 1 << 20},
    };
    uint32_t i = rng_below(rng, 2) ? 0 : rng_below(rng, ARRAY_LEN(place));
    return place[i].base + ((uint64_t)rng_below(rng, (uint32_t)place[i].pages) << PAGE_BITS);
}

/* Pages of a balloon that are none, or were given before, or never, are harmless; all others read
 * as zero. */
START_TEST(hostile_balloon)
{
    struct guest g;
    guest_mapped_worker(&g, 20000);
    struct mrig_options opt = {.guest = &g, .machine_memory = 150 * PAGE_SIZE, .epoch_ns = 10000};
    struct mrig *r = mrig_create(&opt);
    struct vm *vm = r->m->vms[0];
    struct rng rng = {(uint64_t)_i + rng_env("DISCO_TEST_SEED", 0)};
    static const uint8_t zero[PAGE_SIZE];
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t bytes[PAGE_SIZE], before[PAGE_SIZE];
        uint64_t pa = random_page(&rng), key = vm_ram_key(vm, pa);
        enum balloon_op op = (enum balloon_op)rng_below(&rng, i % 100 == 0 ? 3 : 2);
        size_t events = r->events_count, n = vm_read_physical(vm, pa, before, PAGE_SIZE);
        uint32_t balloon = vm->pages.balloon;
        vm->platform.balloon(&vm->platform, pa, op);
        ck_assert_uint_eq(vm_read_physical(vm, pa, bytes, PAGE_SIZE), n);
        if (op == BALLOON_ALL_OUT)
            ck_assert_uint_eq(vm->pages.balloon, 0);
        else if (key == UINT64_MAX)
            ck_assert_uint_eq(r->events_count, events);
        if (key != UINT64_MAX && op == BALLOON_IN)
            ck_assert_mem_eq(bytes, zero, PAGE_SIZE);
        else
            ck_assert(memcmp(bytes, before, n) == 0);
        ck_assert(op == BALLOON_ALL_OUT || vm->pages.balloon == balloon ||
                  r->events_count == events + 1);
        if (i % 10 == 0)
            mrig_run(r, mrig_step(r) + rng_below(&rng, 3000), UINT64_MAX);
        if (i % 300 == 0)
            ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, mrig_whole_digest(vm));
    }
    ck_assert_uint_gt(count_events(r, EVENT_PAGE_OUT), 500);
    ck_assert_uint_gt(count_events(r, EVENT_BALLOON), 500);
    ck_assert_uint_eq(frames_in_use(&r->m->memory.frames), 1 + memory_in_use(&r->m->memory));
    ck_assert_uint_eq(swap_in_use(&r->m->memory.swap), vm->pages.swapped);
    mrig_destroy(r);
}
END_TEST

/* Reading for the log, for a debugger or ahead of time changes nothing. */
START_TEST(looking_on)
{
    struct guest g;
    guest_worker(&g, 20000);
    struct mrig_options opt = {.guest = &g};
    struct mrig *r = mrig_create(&opt);
    struct vm *vm = r->m->vms[0];
    uint64_t pa = GUEST_PAGES & 0x1fffffff, key = pa >> PAGE_BITS;
    uint8_t before[PAGE_SIZE], bytes[PAGE_SIZE], room[PAGE_SIZE];
    ck_assert_int_eq(swap_init(&r->m->memory.swap, -1, &r->err), 0);
    mrig_run(r, 100000, UINT64_MAX);
    vm_read_physical(vm, pa, before, PAGE_SIZE);
    ck_assert(vm_page_out(vm, key, false));
    vm_flush_translations(vm);
    ck_assert(!vm_page_out(vm, key, true)); /* it is there */
    size_t events = r->events_count;
    ck_assert_uint_eq(vm_read_physical(vm, pa + 5, bytes, 100), 100);
    ck_assert_mem_eq(bytes, before + 5, 100);
    ck_assert_mem_eq(vm_page_bytes(vm, key, room), before, PAGE_SIZE);
    ck_assert_uint_eq(vm_machine_page(vm, key), 0);
    ck_assert_uint_eq(vm_page_at(vm, key), 0);
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, mrig_whole_digest(vm));
    ck_assert_ptr_null(vm_page(vm, pa, MIPS_FORESEE).host);
    vm_sample(vm, key + 1);
    ck_assert_ptr_null(vm_page(vm, pa + PAGE_SIZE, MIPS_FORESEE).host);
    ck_assert_ptr_nonnull(vm_page(vm, pa + 2 * PAGE_SIZE, MIPS_FORESEE).host);
    ck_assert(vm->samples.touched == 0 && vm->pages.swapped == 1 && r->events_count == events);
    ck_assert_ptr_nonnull(vm_page(vm, pa + PAGE_SIZE, MIPS_FETCH).host);
    ck_assert_uint_eq(vm->samples.touched, 1);
    /* To give it away as it is, it must be in memory; and so must it be to change a part of it. */
    ck_assert_uint_ne(vm_page_hold(vm, key), 0);
    ck_assert_uint_eq(r->events[events].kind, EVENT_PAGE_IN);
    ck_assert(!vm_page_out(vm, key, false)); /* it has two users */
    vm_page_unref(vm, (uint32_t)vm_page_at(vm, key) - 1);
    ck_assert(vm_page_out(vm, key, false));
    vm_flush_translations(vm);
    ck_assert(vm_write_physical(vm, pa + 7, "x", 1));
    before[7] = 'x';
    vm_read_physical(vm, pa, bytes, PAGE_SIZE);
    ck_assert_mem_eq(bytes, before, PAGE_SIZE);
    ck_assert(vm->pages.swapped == 0 && swap_in_use(&r->m->memory.swap) == 0);
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, mrig_whole_digest(vm));
    mrig_destroy(r);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("reclaim");
    TCase *tc = tcase_create("reclaim");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, levels);
    tcase_add_test(tc, min_funding);
    tcase_add_loop_test(tc, share_out_any, 0, 4);
    tcase_add_loop_test(tc, positions, 0, ARRAY_LEN(kind));
    tcase_add_loop_test(tc, any_threads, 0, ARRAY_LEN(kind));
    tcase_add_test(tc, minimum);
    tcase_add_test(tc, samples);
    tcase_add_loop_test(tc, hostile_balloon, 0, 3);
    tcase_add_test(tc, looking_on);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &mrig_engine);
}
