/* One VM's clock, memory and console, without its processor. */
#include <stdio.h>

#include "tests/unit/monitor_rig.h"

#define RAM  (4u << 20)
#define ROM  0x1fc00000u
#define HIGH 0x80000000u /* all RAM again */

static struct mrig *create(uint64_t hz)
{
    static struct guest g;
    guest_worker(&g, 20000);
    struct mrig_options opt = {.guest = &g, .cpu_hz = hz};
    return mrig_create(&opt);
}

START_TEST(clocks)
{
    static const uint64_t hz[] = {1000000, 33333333, 66666667, 100000000, 299792458,
                                  999999999, 1000000000, 1500000000, 10000000000};
    struct rng rng = {1};
    for (size_t i = 0; i < ARRAY_LEN(hz); i++) {
        struct mrig *r = create(hz[i]);
        const struct vm *vm = r->m->vms[0];
        ck_assert_uint_eq(vm_ns_of(vm, hz[i]), 1000000000);
        ck_assert_uint_eq(vm_cycle_of(vm, 1000000000), hz[i]);
        ck_assert_uint_eq(vm_cycle_of(vm, 0), 0);
        ck_assert_uint_eq(vm_cycle_of(vm, UINT64_MAX), UINT64_MAX);
        for (int k = 0; k < 2000; k++) {
            /* Up to some years. */
            uint64_t ns = rng_next(&rng) >> (7 + rng_below(&rng, 40)), cycle = vm_cycle_of(vm, ns);
            /* The first cycle at which it is not before ns: a timer is due there. */
            ck_assert_uint_ge(vm_ns_of(vm, cycle), ns);
            ck_assert(cycle == 0 || vm_ns_of(vm, cycle - 1) < ns);
            ck_assert_uint_le(vm_ns_of(vm, cycle), vm_ns_of(vm, cycle + 1));
            if (hz[i] <= 1000000000)
                ck_assert_uint_eq(vm_cycle_of(vm, vm_ns_of(vm, cycle)), cycle);
        }
        ck_assert_uint_ge(vm_cycle_of(vm, UINT64_MAX - 1), UINT64_MAX / 1000000000 * hz[i] / 2);
        mrig_destroy(r);
    }
}
END_TEST

START_TEST(memory_map)
{
    struct mrig *r = create(0);
    struct vm *vm = r->m->vms[0];
    uint8_t bytes[3 * PAGE_SIZE], back[sizeof bytes];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + 1);
    uint32_t in_use = memory_in_use(&r->m->memory);
    /* What was never written reads as zero, and takes no page. */
    memset(back, 0x55, sizeof back);
    ck_assert_uint_eq(vm_read_physical(vm, RAM - sizeof back, back, sizeof back), sizeof back);
    for (size_t i = 0; i < sizeof back; i++)
        ck_assert_uint_eq(back[i], 0);
    ck_assert_uint_eq(memory_in_use(&r->m->memory), in_use);
    /* Over page borders; seen through both windows. */
    ck_assert(vm_write_physical(vm, 0x3fff01, bytes, 100));
    ck_assert_uint_eq(vm_read_physical(vm, HIGH + 0x3fff01, back, 100), 100);
    ck_assert_mem_eq(back, bytes, 100);
    ck_assert(vm_write_physical(vm, HIGH + 0x200ffe, bytes, PAGE_SIZE + 5));
    ck_assert_uint_eq(vm_read_physical(vm, 0x200ffe, back, PAGE_SIZE + 5), PAGE_SIZE + 5);
    ck_assert_mem_eq(back, bytes, PAGE_SIZE + 5);
    ck_assert_uint_eq(memory_in_use(&r->m->memory), in_use + 4);
    /* All or nothing at the end of RAM; a read says how far it got. */
    uint64_t digest = monitor_digest(r->m, 0, true).memory;
    ck_assert(!vm_write_physical(vm, RAM - 10, bytes, 11));
    ck_assert(vm_has_memory(vm, RAM - 10, 10, true));
    ck_assert(!vm_has_memory(vm, RAM - 10, 11, true));
    ck_assert(!vm_has_memory(vm, UINT64_MAX - 5, 10, true));
    ck_assert(vm_has_memory(vm, UINT64_MAX, 0, true));
    ck_assert_uint_eq(vm_read_physical(vm, RAM - 10, back, 20), 10);
    ck_assert_uint_eq(vm_read_physical(vm, 0x14000000, back, 20), 0);
    /* ROM: only the loader. */
    ck_assert(!vm_write_physical(vm, ROM, bytes, 4));
    ck_assert(!vm_has_memory(vm, ROM, 4, true));
    ck_assert(vm_has_memory(vm, ROM, 4u << 20, false));
    ck_assert(!vm_has_memory(vm, ROM, (4u << 20) + 1, false));
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, digest);
    ck_assert(vm_load(vm, ROM + 0x100000, bytes, sizeof bytes));
    ck_assert_uint_eq(vm_read_physical(vm, 0x1e100000, back, sizeof back), sizeof back);
    ck_assert_mem_eq(back, bytes, sizeof back);
    ck_assert_uint_ne(monitor_digest(r->m, 0, true).memory, digest);
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, mrig_whole_digest(vm));
    mrig_destroy(r);
}
END_TEST

/* The digest knows content and place, not history; a page of zeros is as good as none. */
START_TEST(memory_digest)
{
    struct mrig *r = create(0);
    struct vm *vm = r->m->vms[0];
    uint8_t one[PAGE_SIZE] = {1}, zero[PAGE_SIZE] = {0};
    uint64_t start = monitor_digest(r->m, 0, true).memory;
    vm_write_physical(vm, 0x300000, zero, sizeof zero);
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, start);
    vm_write_physical(vm, 0x300000, one, sizeof one);
    uint64_t here = monitor_digest(r->m, 0, true).memory;
    ck_assert_uint_ne(here, start);
    vm_write_physical(vm, 0x300000, zero, sizeof zero);
    vm_write_physical(vm, 0x301000, one, sizeof one);
    ck_assert_uint_ne(monitor_digest(r->m, 0, true).memory, here);
    vm_write_physical(vm, 0x301000, zero, 1);
    vm_write_physical(vm, 0x300000, one, 1);
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, here);
    vm_write_physical(vm, 0x300000, zero, 1);
    ck_assert_uint_eq(monitor_digest(r->m, 0, true).memory, start);
    ck_assert_uint_eq(mrig_whole_digest(vm), start);
    mrig_destroy(r);
}
END_TEST

START_TEST(dma)
{
    struct mrig *r = create(0);
    struct vm *vm = r->m->vms[0];
    struct device *dev = vm->devices[3];
    uint8_t bytes[5000], back[5000] = {0};
    memset(bytes, 0x5a, sizeof bytes);
    size_t n = r->events_count;
    ck_assert(dev_dma(dev, DMA_TO_MEMORY, 0x200123, bytes, sizeof bytes));
    ck_assert(dev_dma(dev, DMA_TO_DEVICE, 0x200123, back, sizeof back));
    ck_assert_mem_eq(back, bytes, sizeof back);
    ck_assert(!dev_dma(dev, DMA_TO_MEMORY, ROM, bytes, 4));
    ck_assert(dev_dma(dev, DMA_TO_DEVICE, ROM, back, 4));
    ck_assert(!dev_dma(dev, DMA_TO_MEMORY, RAM - 4, bytes, 8));
    ck_assert_uint_eq(r->events_count, n + 3);
    const struct event *ev = &r->events[n];
    ck_assert_uint_eq(ev->kind, EVENT_DMA);
    ck_assert_uint_eq(ev->arg[0], 3);
    ck_assert_uint_eq(ev->arg[1], 1);
    ck_assert_uint_eq(ev->arg[2], 0x200123);
    ck_assert_uint_eq(ev->arg[3], 5000);
    ck_assert_uint_eq(ev[1].arg[1], 0);
    mrig_destroy(r);
}
END_TEST

struct watch_log {
    struct vm_watcher watcher;
    struct touch last;
    unsigned calls;
    uint64_t bytes;
    uint8_t before; /* what the first byte was */
};

static void log_touch(struct vm_watcher *w, struct vm *vm, const struct touch *t, uint64_t key,
                      uint32_t off, uint32_t n)
{
    struct watch_log *log = container_of(w, struct watch_log, watcher);
    uint8_t room[PAGE_SIZE];
    ck_assert_uint_le(off + n, PAGE_SIZE);
    ck_assert_uint_ge((key << PAGE_BITS) + off, t->pa % HIGH);
    if (log->calls++ == 0)
        log->before = vm_page_bytes(vm, key, room)[off];
    log->bytes += n;
    log->last = *t;
}

static void no_mapping(struct vm_watcher *w, struct vm *vm, uint64_t va, uint64_t len)
{
    (void)w, (void)vm, (void)va, (void)len;
}

static void assert_text(const struct touch *t, const char *want)
{
    struct buf text = {0};
    touch_print(t, &text);
    ck_assert_str_eq(buf_cstr(&text), want);
    buf_free(&text);
}

/* Whoever watches memory hears of each request before it is done, page by page, and what it is. */
START_TEST(touches)
{
    struct mrig *r = create(0);
    struct vm *vm = r->m->vms[0];
    struct watch_log log = {.watcher = {log_touch, no_mapping}};
    struct device *dev = vm->devices[3];
    uint8_t bytes[5000] = {0x5a};
    char want[80];
    vm_watch(vm, &log.watcher);
    ck_assert(dev_dma(dev, DMA_TO_MEMORY, HIGH + 0x200123, bytes, sizeof bytes));
    ck_assert_uint_eq(log.calls, 2);
    ck_assert_uint_eq(log.bytes, sizeof bytes);
    ck_assert_uint_eq(log.before, 0);
    snprintf(want, sizeof want, "%s: DMA of 5000 bytes to 0x80200123", dev->id);
    assert_text(&log.last, want);
    ck_assert(dev_dma_control(dev, DMA_TO_DEVICE, 0x200123, bytes, 1));
    ck_assert(!log.last.write);
    snprintf(want, sizeof want, "%s: ring or table access of 1 byte from 0x00200123", dev->id);
    assert_text(&log.last, want);
    vm->platform.serving = (struct dev_request){dev, 2, 8, 0x53};
    ck_assert(dev_dma(dev, DMA_TO_MEMORY, 0x200000, bytes, 4));
    snprintf(want, sizeof want, "%s queue 1 descriptor 7: DMA of 4 bytes to 0x00200000, frame 0x53",
             dev->id);
    assert_text(&log.last, want);
    ck_assert(dev_dma(vm->devices[4], DMA_TO_MEMORY, 0x200000, bytes, 4));
    ck_assert_uint_eq(log.last.serves.queue, 0); /* another one's */
    ck_assert(vm_load(vm, 0x200000, bytes, 4));
    assert_text(&log.last, "power-on or reset: memory is loaded");
    unsigned calls = log.calls;
    ck_assert(!dev_dma(dev, DMA_TO_MEMORY, RAM - 4, bytes, 8));
    vm_watch(vm, NULL);
    ck_assert(dev_dma(dev, DMA_TO_MEMORY, 0x200000, bytes, 4));
    ck_assert_uint_eq(log.calls, calls);
    mrig_destroy(r);
}
END_TEST

/* All addresses of a page lead to it, and it has no other one. */
START_TEST(addresses)
{
    struct mrig *r = create(0);
    const struct vm *vm = r->m->vms[0];
    static const uint64_t windows[] = {0, HIGH, 0x1e000000, ROM};
    unsigned found = 0, listed = 0;
    for (size_t i = 0; i < ARRAY_LEN(windows); i++)
        for (uint64_t pa = windows[i]; pa < windows[i] + RAM; pa += PAGE_SIZE) {
            uint64_t key, at[BOARD_ALIASES];
            bool rom, here = false;
            if (!vm->board->memory_at(vm, pa, &key, &rom))
                continue;
            unsigned n = vm->board->addresses_of(vm, key, at);
            for (unsigned k = 0; k < n; k++)
                here = here || at[k] == pa;
            ck_assert(here);
            listed += n;
            found++;
        }
    ck_assert_uint_eq(listed, found * BOARD_ALIASES);
    mrig_destroy(r);
}
END_TEST

/* Input waits in a queue of known size; what does not fit is lost, and the machine stays whole. */
START_TEST(console_queue)
{
    struct mrig *r = create(0);
    struct vm *vm = r->m->vms[0];
    static uint8_t bytes[CONSOLE_QUEUE + 500];
    memset(bytes, 'q', sizeof bytes);
    ck_assert_uint_eq(vm_console_room(vm, VM_CHANNELS_MAX), 0);
    ck_assert(!vm_console_ready(vm, VM_CHANNELS_MAX));
    ck_assert(!vm_console_ready(vm, 0)); /* nothing ran yet */
    size_t n = r->events_count;
    vm_console_input(vm, 77, bytes, 1);
    ck_assert_uint_eq(r->events_count, n);
    for (unsigned channel = 0; channel < VM_CHANNELS_MAX; channel++) {
        ck_assert_uint_eq(vm_console_room(vm, channel), CONSOLE_QUEUE);
        vm_console_input(vm, channel, bytes, 1000);
        size_t room = vm_console_room(vm, channel);
        ck_assert_uint_ge(room, CONSOLE_QUEUE - 1000);
        ck_assert_uint_le(room, CONSOLE_QUEUE - 700); /* the chips' own buffers */
        vm_console_input(vm, channel, bytes, sizeof bytes);
        ck_assert_uint_le(vm_console_room(vm, channel), 16);
        vm_console_input(vm, channel, bytes, sizeof bytes);
        ck_assert_uint_le(vm_console_room(vm, channel), 16);
    }
    ck_assert_uint_eq(r->events[n].kind, EVENT_INPUT);
    ck_assert_uint_eq(r->events[n].arg[1], 1000);
    /* The guest takes it all, in order, while it runs. */
    ck_assert_int_eq(mrig_run(r, UINT64_MAX, 200000), RUN_LIMIT);
    ck_assert(vm_console_ready(vm, 0));
    ck_assert_uint_gt(vm_console_room(vm, 0), 10);
    mrig_destroy(r);
}
END_TEST

static int create_with(void (*change)(struct monitor_config *cfg), char *msg)
{
    struct mrig *r = create(0);
    struct monitor_config cfg = r->config;
    struct monitor *m;
    struct err e = {0};
    change(&cfg);
    int result = monitor_create(&m, &cfg, &r->m->port, &e);
    if (result == 0)
        monitor_destroy(m);
    strcpy(msg, e.msg);
    mrig_destroy(r);
    return result;
}

/* Less than promised is no error; less than the minimum is. */
static void small_pool(struct monitor_config *cfg)
{
    cfg->machine_memory = 3 << 20;
}

static void too_small_pool(struct monitor_config *cfg)
{
    cfg->machine_memory = 3 << 20;
    cfg->vms[0].memory_min = 4 << 20;
}

static void large_minimum(struct monitor_config *cfg)
{
    cfg->vms[0].memory_min = 5 << 20;
}

static void small_maximum(struct monitor_config *cfg)
{
    cfg->vms[0].memory_min = 3 << 20;
    cfg->vms[0].memory_max = 2 << 20;
}

static void enough_pool(struct monitor_config *cfg)
{
    cfg->machine_memory = 9 << 20;
}

/* From a trace that lies. */
static void huge_disk(struct monitor_config *cfg)
{
    cfg->vms[0].disks[0] = (struct disk_config){.sectors = UINT64_MAX / 512 + 2, .serial = ""};
    cfg->vms[0].disks_count = 1;
}

static void five_ide_disks(struct monitor_config *cfg)
{
    for (unsigned i = 0; i < 5; i++)
        cfg->vms[0].disks[i] = (struct disk_config){.sectors = 100, .serial = ""};
    cfg->vms[0].disks_count = 5;
}

static void big_flash(struct monitor_config *cfg)
{
    static uint8_t image[(4 << 20) + 1];
    cfg->vms[0].bios = (struct config_image){image, sizeof image};
}

static void nothing_to_boot(struct monitor_config *cfg)
{
    cfg->vms[0].kernel.size = 0;
}

static void flash_only(struct monitor_config *cfg)
{
    cfg->vms[0].bios = cfg->vms[0].kernel;
    cfg->vms[0].kernel.size = 0;
}

START_TEST(configurations)
{
    char msg[600];
    ck_assert_int_eq(create_with(small_pool, msg), 0);
    ck_assert_int_eq(create_with(too_small_pool, msg), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(msg, "3 MiB is less than the 4 MiB"));
    ck_assert_int_eq(create_with(large_minimum, msg), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(msg, "vm0: a minimum of 5 MiB is more"));
    ck_assert_int_eq(create_with(small_maximum, msg), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(msg, "vm0: a maximum of 2 MiB is less"));
    ck_assert_int_eq(create_with(enough_pool, msg), 0);
    ck_assert_int_eq(create_with(huge_disk, msg), ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(msg, "512 GiB"));
    ck_assert_int_eq(create_with(five_ide_disks, msg), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(msg, "more than 4 IDE disks"));
    ck_assert_int_eq(create_with(big_flash, msg), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(msg, "4 MiB"));
    ck_assert_int_eq(create_with(nothing_to_boot, msg), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(msg, "nothing to boot"));
    ck_assert_int_eq(create_with(flash_only, msg), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vm");
    TCase *tc = tcase_create("vm");
    tcase_add_test(tc, clocks);
    tcase_add_test(tc, memory_map);
    tcase_add_test(tc, memory_digest);
    tcase_add_test(tc, dma);
    tcase_add_test(tc, touches);
    tcase_add_test(tc, addresses);
    tcase_add_test(tc, console_queue);
    tcase_add_test(tc, configurations);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
