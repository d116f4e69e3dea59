/*
 * The monitor's promise: a position names one state. However a run got there (in one go or in
 * pieces, through snapshots and back, with pauses of any length while all sleeps), state, events
 * and console text are those of a machine that ran there from the start.
 */
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/engine_suites.h"
#include "tests/unit/monitor_rig.h"

#define RUN_CYCLES 600000u

/* Machines that differ in what may go wrong at the borders of epochs. */
static const struct {
    const char *name;
    uint64_t epoch_ns, cpu_hz;
    unsigned period, input_every;
    bool big_endian, vandal;
} kind[] = {
    {"usual", 0, 0, 20000, 3, false, false},
    {"short epochs", 1000, 0, 3000, 17, false, false},
    {"odd clock", 20000, 33333333, 7000, 5, false, false},
    {"big-endian", 7000, 66000000, 9000, 11, true, false},
    {"vandal", 10000, 0, 20000, 13, false, true},
    {"big-endian vandal", 100000, 0, 4000, 7, true, true},
};

static struct mrig_options options_of(int i, struct guest *g)
{
    if (kind[i].vandal)
        guest_vandal(g, kind[i].period);
    else
        guest_worker(g, kind[i].period);
    return (struct mrig_options){
        .guest = g,
        .big_endian = kind[i].big_endian,
        .epoch_ns = kind[i].epoch_ns,
        .cpu_hz = kind[i].cpu_hz,
        .input_every = kind[i].input_every,
        .random_idle = true,
        .seed = (uint64_t)i + rng_env("DISCO_TEST_SEED", 0),
        .disk_sectors = 100,
    };
}

/* Runs a piece of random length, to a step or a cycle. */
static void random_piece(struct mrig *r, struct rng *rng, uint32_t most)
{
    uint64_t n = rng_below(rng, 8) == 0 ? rng_below(rng, 4) : rng_below(rng, most);
    if (rng_below(rng, 2) == 0) {
        uint64_t step = mrig_step(r) + n, cycle = mrig_cycle(r) + 4 * n;
        enum run_stop stop = mrig_run(r, step, cycle);
        ck_assert_msg(stop == RUN_LIMIT, "stop %d: %s", stop, r->err.msg);
        ck_assert(mrig_step(r) >= step || mrig_cycle(r) >= cycle);
        ck_assert_uint_le(mrig_step(r), step + 1);
        ck_assert_uint_le(mrig_cycle(r), cycle + 1);
    } else {
        uint64_t cycle = mrig_cycle(r) + n;
        ck_assert_int_eq(mrig_run(r, UINT64_MAX, cycle), RUN_LIMIT);
        ck_assert_uint_ge(mrig_cycle(r), cycle);
        ck_assert_uint_le(mrig_cycle(r), cycle + 1);
    }
}

START_TEST(pieces)
{
    struct guest g;
    struct mrig_options opt = options_of(_i, &g);
    struct mrig *r = mrig_create(&opt);
    struct rng rng = {(uint64_t)_i + rng_env("DISCO_TEST_SEED", 0)};
    for (int i = 0; mrig_cycle(r) < RUN_CYCLES; i++) {
        random_piece(r, &rng, i % 8 == 0 ? 30000 : 1500);
        if (i % 16 == 0)
            mrig_assert_canonical(r);
    }
    mrig_assert_canonical(r);
    /* It was worth it. */
    ck_assert_uint_gt(r->events_count, 50);
    if (!kind[_i].vandal) {
        ck_assert_uint_gt(r->idles, 3);
        ck_assert_uint_gt(r->console[0].len, 20);
    }
    mrig_destroy(r);
}
END_TEST

/* A stop at each single step, and at each single cycle. */
START_TEST(every_position)
{
    struct guest g;
    struct mrig_options opt = options_of(1, &g);
    struct mrig *go = mrig_create(&opt), *steps = mrig_create(&opt), *cycles = mrig_create(&opt);
    while (mrig_step(steps) < 9000)
        ck_assert_int_eq(mrig_run(steps, mrig_step(steps) + 1, UINT64_MAX), RUN_LIMIT);
    while (mrig_cycle(cycles) < mrig_cycle(steps))
        ck_assert_int_eq(mrig_run(cycles, UINT64_MAX, mrig_cycle(cycles) + 1), RUN_LIMIT);
    ck_assert_int_eq(mrig_run(go, mrig_step(steps), UINT64_MAX), RUN_LIMIT);
    mrig_assert_same(go, steps);
    mrig_assert_same(go, cycles);
    ck_assert_uint_gt(mrig_cycle(go), mrig_step(go)); /* it slept */
    mrig_destroy(go);
    mrig_destroy(steps);
    mrig_destroy(cycles);
}
END_TEST

#define SLOTS 10

struct slot {
    struct snapshot *snapshot; /* NULL: none */
    size_t events, console;
    struct vm_digest digest;
};

static void save_slot(struct mrig *r, struct slot *s)
{
    s->snapshot = monitor_snapshot(r->m);
    s->events = r->events_count;
    s->console = r->console[0].len;
    s->digest = monitor_digest(r->m, 0, true);
    ck_assert_uint_eq(snapshot_step(s->snapshot), mrig_step(r));
    ck_assert_uint_eq(snapshot_cycle(s->snapshot), mrig_cycle(r));
}

static void restore_slot(struct mrig *r, const struct slot *s)
{
    monitor_restore(r->m, s->snapshot);
    r->events_count = s->events;
    r->console[0].len = s->console;
    ck_assert_uint_eq(snapshot_step(s->snapshot), mrig_step(r));
    ck_assert_uint_eq(snapshot_cycle(s->snapshot), mrig_cycle(r));
    struct vm_digest d = monitor_digest(r->m, 0, true);
    ck_assert_uint_eq(d.memory, s->digest.memory);
    ck_assert_uint_eq(d.cpu, s->digest.cpu);
    ck_assert_uint_eq(d.devices, s->digest.devices);
    ck_assert_uint_eq(d.memory, mrig_whole_digest(r->m->vms[0]));
}

START_TEST(snapshots)
{
    struct guest g;
    struct mrig_options opt = options_of(_i, &g);
    struct mrig *r = mrig_create(&opt);
    struct rng rng = {(uint64_t)_i + 50 + rng_env("DISCO_TEST_SEED", 0)};
    struct slot slot[SLOTS] = {0};
    for (int i = 0; i < 500; i++) {
        struct slot *s = &slot[rng_below(&rng, SLOTS)];
        unsigned what = rng_below(&rng, 5);
        if (what < 2) {
            random_piece(r, &rng, 6000);
        } else if (s->snapshot == NULL) {
            save_slot(r, s);
        } else if (what == 4) {
            snapshot_free(r->m, s->snapshot);
            s->snapshot = NULL;
        } else {
            restore_slot(r, s);
        }
        if (i % 16 == 0)
            mrig_assert_canonical(r);
    }
    /* All live ones, once more, and a run from each. */
    for (unsigned k = 0; k < SLOTS; k++)
        if (slot[k].snapshot != NULL) {
            restore_slot(r, &slot[k]);
            random_piece(r, &rng, 3000);
            mrig_assert_canonical(r);
            snapshot_free(r->m, slot[k].snapshot);
        }
    ck_assert_uint_eq(frames_in_use(&r->m->memory.frames), 1 + memory_in_use(&r->m->memory));
    mrig_destroy(r);
}
END_TEST

/* Several VMs, most of whose pages are equal, that share all they can. */
static struct mrig_options cluster_options(int i, struct guest *g)
{
    struct mrig_options opt = options_of(i, g);
    opt.vms = 3;
    opt.share = SHARE_ALL;
    opt.scan_rate = 3000000; /* a few pages each epoch */
    return opt;
}

static uint64_t count_events(const struct mrig *r, enum event_kind wanted)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->events_count; i++)
        n += r->events[i].kind == wanted;
    return n;
}

/* The users of common pages are those that their VMs know of. */
static void check_users(const struct mrig *r)
{
    const struct memory *memory = &r->m->memory;
    uint32_t *users = xcalloc(memory->arena[ARENA_COMMON].mpns + 1, sizeof users[0]);
    for (unsigned i = 0; i < r->m->vms_count; i++) {
        const struct vm *vm = r->m->vms[i];
        for (uint64_t key = 0; key < vm->ram_pages; key++) {
            uint64_t mpn1 = vm_page_at(vm, key);
            if (mpn1 != 0 && mpn_arena((uint32_t)(mpn1 - 1)) == ARENA_COMMON)
                users[mpn_number((uint32_t)(mpn1 - 1))]++;
            else if (mpn1 != 0)
                ck_assert_uint_eq(mpn_arena((uint32_t)(mpn1 - 1)), i);
        }
    }
    for (uint32_t n = 0; n < memory->arena[ARENA_COMMON].mpns; n++)
        ck_assert_uint_eq(mpn_users(memory, (uint32_t)ARENA_COMMON << ARENA_BITS | n), users[n]);
    free(users);
}

/* A position names one state of all of them, too: in pieces and through snapshots. */
START_TEST(cluster)
{
    struct guest g;
    struct mrig_options opt = cluster_options(_i, &g);
    struct mrig *r = mrig_create(&opt);
    struct rng rng = {(uint64_t)_i + 90 + rng_env("DISCO_TEST_SEED", 0)};
    struct snapshot *s = NULL;
    size_t events = 0, console[4] = {0};
    for (int i = 0; i < 120; i++) {
        uint64_t goal = mrig_step(r) + rng_below(&rng, 9000);
        ck_assert_int_eq(mrig_run(r, goal, UINT64_MAX), RUN_LIMIT);
        ck_assert(mrig_step(r) == goal || mrig_step(r) == goal + 1);
        if (i % 20 == 0)
            mrig_assert_canonical(r);
        if (s != NULL && rng_below(&rng, 6) == 0) {
            monitor_restore(r->m, s);
            snapshot_free(r->m, s);
            s = NULL;
            r->events_count = events;
            for (unsigned v = 0; v < 4; v++)
                r->console[v].len = console[v];
            mrig_assert_canonical(r);
        } else if (s == NULL && rng_below(&rng, 4) == 0) {
            s = monitor_snapshot(r->m);
            events = r->events_count;
            for (unsigned v = 0; v < 4; v++)
                console[v] = r->console[v].len;
        }
    }
    if (s != NULL)
        snapshot_free(r->m, s);
    mrig_assert_canonical(r);
    mrig_run(r, UINT64_MAX, (r->m->epoch + 3) * r->m->epoch_cycles);
    check_users(r);
    ck_assert_uint_eq(frames_in_use(&r->m->memory.frames), 1 + memory_in_use(&r->m->memory));
    ck_assert_uint_gt(count_events(r, EVENT_SHARE), kind[_i].vandal ? 20 : 100);
    if (!kind[_i].vandal)
        ck_assert_uint_gt(count_events(r, EVENT_UNSHARE), 10);
    mrig_destroy(r);
}
END_TEST

/* The same on any number of threads; and what guests see does not depend on sharing. */
START_TEST(any_threads)
{
    struct guest g;
    struct mrig_options opt = cluster_options(_i, &g);
    opt.random_idle = false;
    opt.vms = 4;
    struct mrig *one = mrig_create(&opt);
    for (unsigned threads = 2; threads <= 4; threads++) {
        opt.threads = threads;
        struct mrig *many = mrig_create(&opt);
        uint64_t cycle = 100 * one->m->epoch_cycles * (threads - 1);
        ck_assert_int_eq(mrig_run(one, UINT64_MAX, cycle), RUN_LIMIT);
        ck_assert_int_eq(mrig_run(many, UINT64_MAX, cycle), RUN_LIMIT);
        mrig_assert_same(one, many);
        mrig_destroy(many);
    }
    opt.threads = 1;
    opt.share = 0;
    struct mrig *alone = mrig_create(&opt);
    ck_assert_int_eq(mrig_run(alone, UINT64_MAX, mrig_cycle(one)), RUN_LIMIT);
    ck_assert_uint_eq(mrig_step(alone), mrig_step(one));
    for (unsigned i = 0; i < opt.vms; i++) {
        struct vm_digest a = monitor_digest(alone->m, i, true), b = monitor_digest(one->m, i, true);
        ck_assert(a.cpu == b.cpu && a.devices == b.devices && a.memory == b.memory);
        ck_assert_uint_eq(a.memory, mrig_whole_digest(alone->m->vms[i]));
    }
    ck_assert_uint_eq(count_events(alone, EVENT_SHARE), 0);
    ck_assert_uint_lt(memory_in_use(&one->m->memory), memory_in_use(&alone->m->memory));
    mrig_destroy(alone);
    mrig_destroy(one);
}
END_TEST

/* ---- one VM's trouble is no other's ---- */

static uint64_t bad_read(struct device *dev, uint64_t off, unsigned size)
{
    (void)size;
    CHECK(off != 8, "a device of %s that is broken", dev->id);
    return 0;
}

static void bad_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    (void)dev, (void)off, (void)size, (void)value;
}

static const struct io_ops bad_ops = {.read = bad_read, .write = bad_write};

/* Reads a device after a while of work. */
static void guest_reader(struct guest *g)
{
    guest_begin(g, 5000);
    guest_li(g, T2, 20000);
    unsigned loop = g->at;
    guest_put(g, ADDIU_W(T2, T2, 0xffff));
    guest_back(g, BNE_W(T2, ZERO, 0), loop);
    guest_li(g, T0, 0xbf100000);
    guest_put(g, LW_W(T1, 8, T0));
    guest_back(g, BEQ_W(ZERO, ZERO, 0), g->at);
}

static uint64_t others_digest(struct mrig *r, unsigned one)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < r->m->vms_count; i++) {
        struct vm_digest d = monitor_digest(r->m, i, true);
        if (i != one)
            sum = sum * 31 + (d.cpu ^ d.devices * 3 ^ d.memory * 5);
    }
    return sum;
}

static struct mrig *with_bad_device(struct mrig_options *opt, struct device *dev, int vm)
{
    struct mrig *r = mrig_create(opt);
    dev->id = "bad";
    if (vm >= 0)
        bus_map(r->m->vms[vm]->mem_bus, 0x1f100000, 16, &bad_ops, dev, "bad");
    return r;
}

/* A CHECK fails for one VM: the others go on as if it had not. */
START_TEST(defect)
{
    struct guest g;
    guest_reader(&g);
    struct mrig_options opt = {
        .guest = &g, .vms = 3, .share = SHARE_ALL, .scan_rate = 1000000, .input_every = 3};
    static struct device dev[3];
    struct mrig *good = with_bad_device(&opt, &dev[0], -1);
    struct mrig *bad = with_bad_device(&opt, &dev[1], 1);
    opt.threads = 2;
    struct mrig *threads = with_bad_device(&opt, &dev[2], 1);
    uint64_t end = 40 * good->m->epoch_cycles;
    ck_assert_int_eq(mrig_run(good, UINT64_MAX, end), RUN_LIMIT);
    ck_assert_int_eq(mrig_run(bad, UINT64_MAX, end), RUN_LIMIT);
    ck_assert_int_eq(mrig_run(threads, UINT64_MAX, end), RUN_LIMIT);
    ck_assert(bad->m->vms[1]->defect && !bad->m->vms[0]->defect && !bad->m->vms[2]->defect);
    ck_assert_uint_eq(count_events(bad, EVENT_DEFECT), 1);
    ck_assert_uint_eq(count_events(good, EVENT_DEFECT), 0);
    ck_assert_uint_eq(others_digest(good, 1), others_digest(bad, 1));
    mrig_assert_events(bad, threads);
    ck_assert_uint_eq(others_digest(bad, 1), others_digest(threads, 1));
    /* It never does a step more than those that are sure, however far it really got. */
    const struct vm *halted = bad->m->vms[1];
    struct run_limit limit = {.step = UINT64_MAX,
                              .cycle = end + bad->m->epoch_cycles,
                              .vm = 2,
                              .vm_step = vm_steps(halted) + 1};
    ck_assert_uint_gt(mips_steps(halted->cpu), vm_steps(halted));
    ck_assert_int_eq(monitor_run(bad->m, &limit, &bad->err), RUN_LIMIT);
    ck_assert_uint_ge(mrig_cycle(bad), limit.cycle);
    ck_assert_uint_le(mrig_cycle(bad), limit.cycle + 1); /* a branch and its slot are one */
    mrig_destroy(good);
    mrig_destroy(bad);
    mrig_destroy(threads);
}
END_TEST

/* One VM writes garbage all over its devices, resets and spins: the others cannot tell. */
START_TEST(vandal_beside)
{
    struct guest worker, vandal;
    struct mrig_options opt = cluster_options(0, &worker);
    opt.random_idle = false;
    struct mrig *quiet = mrig_create(&opt);
    guest_vandal(&vandal, 4000);
    opt.other = &vandal;
    struct mrig *loud = mrig_create(&opt);
    uint64_t end = 120 * quiet->m->epoch_cycles;
    ck_assert_int_eq(mrig_run(quiet, UINT64_MAX, end), RUN_LIMIT);
    ck_assert_int_eq(mrig_run(loud, UINT64_MAX, end), RUN_LIMIT);
    ck_assert_uint_eq(others_digest(quiet, 1), others_digest(loud, 1));
    ck_assert(monitor_digest(quiet->m, 1, true).memory != monitor_digest(loud->m, 1, true).memory);
    mrig_destroy(quiet);
    mrig_destroy(loud);
}
END_TEST

/* monitor_halt from inside of a device access stops before the next unit, and a run that goes on
 * is as if it had not stopped. */
START_TEST(halt)
{
    struct guest g;
    struct mrig_options opt = options_of(0, &g);
    opt.halt_after = 5;
    struct mrig *r = mrig_create(&opt);
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 100000), RUN_STOPPED);
    ck_assert_uint_eq(r->console_calls, 5);
    mrig_assert_canonical(r);
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 100000), RUN_LIMIT);
    mrig_assert_canonical(r);
    mrig_destroy(r);
}
END_TEST

static void *interrupt_soon(void *arg)
{
    struct mrig *r = arg;
    usleep((useconds_t)(100 + rng_below(&r->rng, 3000)));
    monitor_interrupt(r->m);
    return NULL;
}

/* From its begin to where another one was interrupted, and no farther. */
static void assert_ends_as(struct mrig_options *opt, const struct mrig *wanted, uint64_t piece)
{
    struct mrig *r = mrig_create(opt);
    bool amidst = wanted->m->turn != 0;
    for (unsigned i = 0; i < opt->vms && amidst; i++)
        monitor_set_end(r->m, i, vm_cycle(wanted->m->vms[i]));
    uint64_t most = amidst ? UINT64_MAX : wanted->m->epoch * wanted->m->epoch_cycles;
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t step = piece == 0 ? UINT64_MAX : mrig_step(r) + 1 + rng_below(&r->rng, piece);
        ck_assert_int_eq(mrig_run(r, step, most), RUN_LIMIT);
        if (amidst ? monitor_is_at_end(r->m)
                   : r->m->turn == 0 && r->m->epoch == wanted->m->epoch)
            break;
    }
    for (unsigned i = 0; i < opt->vms; i++) {
        ck_assert_uint_eq(vm_cycle(r->m->vms[i]), vm_cycle(wanted->m->vms[i]));
        mrig_assert_device_state(r->m->vms[i], wanted->m->vms[i]);
        struct vm_digest a = monitor_digest(r->m, i, true), b = monitor_digest(wanted->m, i, true);
        ck_assert(a.cpu == b.cpu && a.devices == b.devices && a.memory == b.memory);
    }
    mrig_assert_events(r, wanted);
    mrig_destroy(r);
}

/* Wherever several VMs were when they were interrupted, a run that is told their cycles ends in that
 * very state: on any number of threads, and in pieces. */
START_TEST(interrupted)
{
    struct guest g;
    struct mrig_options opt = cluster_options(_i, &g);
    guest_worker(&g, 200); /* it hardly sleeps */
    opt.random_idle = false;
    opt.epoch_ns = 2000000; /* many times what runs between two looks */
    unsigned amidst = 0;
    for (unsigned i = 0; i < 6; i++) {
        pthread_t thread;
        opt.threads = 1 + i % 2;
        opt.seed = 100u * (unsigned)_i + i;
        struct mrig *r = mrig_create(&opt);
        ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, r), 0);
        ck_assert_int_eq(mrig_run(r, UINT64_MAX, UINT64_MAX), RUN_STOPPED);
        pthread_join(thread, NULL);
        amidst += r->m->turn != 0;
        opt.threads = 1;
        assert_ends_as(&opt, r, 0);
        assert_ends_as(&opt, r, 100000);
        opt.threads = 2;
        assert_ends_as(&opt, r, 0);
        mrig_destroy(r);
    }
    ck_assert_uint_ge(amidst, 1);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tc = tcase_create("monitor");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, pieces, 0, ARRAY_LEN(kind));
    tcase_add_test(tc, every_position);
    tcase_add_loop_test(tc, snapshots, 0, ARRAY_LEN(kind));
    tcase_add_loop_test(tc, cluster, 0, ARRAY_LEN(kind));
    tcase_add_loop_test(tc, any_threads, 0, ARRAY_LEN(kind));
    tcase_add_test(tc, defect);
    tcase_add_test(tc, vandal_beside);
    tcase_add_test(tc, halt);
    tcase_add_loop_test(tc, interrupted, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &mrig_engine);
}
