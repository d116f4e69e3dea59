/* Traces for tests: a sample with every kind of content, and random events. */
#ifndef TESTS_UNIT_TRACE_SAMPLE_H
#define TESTS_UNIT_TRACE_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "tests/put_events.h"
#include "traces/symbol_table.h"
#include "traces/trace.h"

static inline uint64_t sample_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* A value from small to extreme. */
static inline uint64_t sample_value(uint64_t *state)
{
    uint64_t r = sample_random(state);
    switch (r & 7) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX - (r >> 60);
    case 2:
        return UINT64_C(1) << (r >> 58);
    case 3:
        return UINT64_C(0xffffffff80000000) + (r >> 40);
    case 4:
        return sample_random(state);
    default:
        return r >> 32 & 15;
    }
}

/* n events of all kinds; every value may be extreme. */
static inline struct event *sample_events(uint64_t seed, size_t n, unsigned vms, unsigned vcpus)
{
    struct event *events = xcalloc(n, sizeof *events);
    for (size_t i = 0; i < n; i++) {
        struct event *ev = &events[i];
        uint64_t r = sample_random(&seed);
        ev->kind = (uint8_t)(r % EVENT_KINDS);
        ev->vm = (uint8_t)((r >> 8) % vms);
        ev->vcpu = (uint8_t)((r >> 16) % vcpus);
        bool again = i > 0 && (r >> 24 & 3) != 0;
        ev->step = again ? events[i - 1].step + (r >> 26 & 31) : sample_value(&seed);
        ev->pc = again ? UINT64_C(0xffffffff80100000) + (r >> 32 & 0xfc) : sample_value(&seed);
        for (unsigned a = 0; a < event_info[ev->kind].args; a++)
            ev->arg[a] = sample_value(&seed);
    }
    return events;
}

static inline char *sample_path(const char *name)
{
    const char *dir = getenv("TMPDIR");
    return xasprintf("%s/disco-%ld-%s", dir != NULL ? dir : "/tmp", (long)getpid(), name);
}

static const uint8_t sample_kernel[3000] = {0x7f, 'E', 'L', 'F', 1, 2, 3};

static const struct kernel_symbol sample_symbols[] = {
    {0xffffffff80100000u, "_text", 'T'},
    {0xffffffff80100000u, "kernel_entry", 'T'},
    {0xffffffff80900010u, "$names[1]", 'd'},
};

static inline struct trace_header sample_header(void)
{
    static struct trace_image images[2];
    static struct trace_disk disks[1];
    static char *devices[2];
    static struct trace_vm vms[2];
    static struct trace_network networks[2];
    static struct trace_nic nics[2];
    images[0] = (struct trace_image){
        .name = (char *)"vmlinux",
        .size = sizeof sample_kernel,
        .hash = trace_hash_of(sample_kernel, sizeof sample_kernel),
    };
    images[1] = (struct trace_image){.name = (char *)"disk.img", .size = 1 << 20};
    disks[0] = (struct trace_disk){
        .image = 1,
        .sectors = 2048,
        .interface = (char *)"ide",
        .serial = (char *)"d0",
        .read_only = true,
        .persistent = true,
    };
    networks[0] = (struct trace_network){.name = (char *)"lan"};
    networks[1] = (struct trace_network){.name = (char *)"out\nside", .gateway = true};
    nics[0] = (struct trace_nic){
        .network = 1,
        .mac = {2, 0xd1, 0, 0, 0, 0xff},
        .mtu = 65535,
        .out = {.latency_ns = 100000, .bandwidth = UINT64_C(10000000000), .loss_ppm = 1000000},
        .in = {.latency_ns = 5, .jitter_ns = TRACE_JITTER_MAX, .queue = TRACE_QUEUE_MAX},
    };
    nics[1] = (struct trace_nic){
        .mtu = 68,
        .out = {.latency_ns = UINT64_MAX, .queue = 4096},
        .in = {.bandwidth = 1, .queue = 1, .jitter_ns = 7, .loss_ppm = 1500},
    };
    devices[0] = (char *)"virtio-rng";
    devices[1] = (char *)"virtio-balloon";
    vms[0] = (struct trace_vm){
        .name = (char *)"one",
        .board = (char *)"malta",
        .cpu = (char *)"24Kf",
        .vcpus = 2,
        .memory = 256 << 20,
        .cpu_hz = 100000000,
        .kernel = 0,
        .initrd = TRACE_NO_IMAGE,
        .bios = TRACE_NO_IMAGE,
        .append = (char *)"console=ttyS0 \"quoted\" \xe9",
        .wall_clock = 1700000000,
        .entropy_seed = UINT64_MAX,
        .disks = disks,
        .disks_count = 1,
        .devices = devices,
        .devices_count = 2,
        .nics = nics,
        .nics_count = 2,
        .memory_min = 64 << 20,
        .memory_max = (192 << 20) + 4096,
        .shares = 2000,
    };
    vms[1] = vms[0];
    vms[1].name = (char *)"two";
    vms[1].big_endian = true;
    vms[1].kernel = TRACE_NO_IMAGE;
    vms[1].bios = 1;
    vms[1].disks_count = vms[1].devices_count = vms[1].nics_count = 0;
    vms[1].memory_min = vms[1].memory_max = vms[1].shares = 0;
    return (struct trace_header){
        .version = TRACE_VERSION,
        .build = (char *)"disco 0.1.0",
        .recorded = (char *)"2026-11-22T20:33:52Z",
        .epoch_ns = 100000,
        .machine_memory = UINT64_C(1) << 30,
        .no_reboot = true,
        .seed = UINT64_MAX - 1,
        .share = TRACE_SHARE_DISK | TRACE_SHARE_CONTENT,
        .scan_rate = 12345,
        .networks = networks,
        .networks_count = 2,
        .images = images,
        .images_count = 2,
        .vms = vms,
        .vms_count = 2,
    };
}

#define SAMPLE_EVENTS 40

static inline struct trace_digest sample_digest(uint32_t vm)
{
    return (struct trace_digest){
        .step = 1000,
        .cycle = 2000,
        .vm = vm,
        .cpu = 0x1122334455667788,
        .devices = UINT64_MAX,
        .memory = 0x99,
        .has_memory = true,
        .events = SAMPLE_EVENTS / 2,
    };
}

static inline struct trace_end sample_end(void)
{
    static struct trace_digest digests[2];
    digests[0] = sample_digest(0);
    digests[1] = sample_digest(1);
    digests[0].events = digests[1].events = SAMPLE_EVENTS;
    return (struct trace_end){
        .reason = (char *)"power-off",
        .step = 12345,
        .cycle = 23456,
        .digests = digests,
        .digests_count = 2,
    };
}

/* The sample's batches, part 1 and 2; steps grow through both. Two kinds are there in any case: which
 * others are depends on what event.def holds. */
static inline struct event *sample_part(unsigned part)
{
    struct event *events = sample_events(part, SAMPLE_EVENTS / 2, 2, 2);
    for (unsigned i = 0; i < SAMPLE_EVENTS / 2; i++)
        events[i].step = (part - 1) * 120 + 6 * i;
    for (unsigned i = 0; i < 2; i++) {
        events[i].kind = i == 0 ? EVENT_SYSCALL : EVENT_ERET;
        for (unsigned a = event_info[events[i].kind].args; a < EVENT_ARGS_MAX; a++)
            events[i].arg[a] = 0;
    }
    return events;
}

/* A small trace with all there is, in several frames. */
static inline int sample_write(const char *path, struct err *e)
{
    struct trace_writer *w;
    struct trace_header h = sample_header();
    TRY(trace_writer_open(&w, path, &h, &(struct trace_writer_options){0, true}, e));
    trace_put_blob(w, sample_kernel, sizeof sample_kernel);
    struct trace_input in = {
        .cycle = 77,
        .vm = 1,
        .kind = TRACE_INPUT_CONSOLE,
        .channel = 2,
        .data = (uint8_t *)(uintptr_t)"ls\n",
        .len = 3,
    };
    trace_put_input(w, &in);
    put_events(w, sample_part(1), SAMPLE_EVENTS / 2);
    trace_put_console(w, 0, 0, 99, "Linux version 6\r\n", 17);
    trace_flush(w);
    struct trace_digest d = sample_digest(1);
    trace_put_digest(w, &d);
    d.has_memory = false;
    d.memory = 0;
    trace_put_digest(w, &d);
    in = (struct trace_input){
        .cycle = UINT64_MAX,
        .kind = TRACE_INPUT_DISK_BLOCK,
        .channel = 1,
        .number = 17,
        .hash = trace_put_blob(w, "block", 5),
    };
    trace_put_input(w, &in);
    struct buf table = {0};
    CHECK(symbol_table_pack(sample_symbols, ARRAY_LEN(sample_symbols), &table), "a large table");
    struct trace_symbols s = {
        .vm = 1,
        .cycle = 5000,
        .count = ARRAY_LEN(sample_symbols),
        .table = trace_put_blob(w, table.data, table.len),
    };
    trace_put_symbols(w, &s);
    buf_free(&table);
    put_events(w, sample_part(2), SAMPLE_EVENTS / 2);
    struct trace_end end = sample_end();
    return trace_writer_close(w, &end, e);
}

/* The whole file; empty if there is none. */
static inline struct buf sample_load(const char *path)
{
    struct buf b = {0};
    FILE *f = fopen(path, "rb");
    size_t n;
    while (f != NULL && (n = fread(buf_reserve(&b, 4096), 1, 4096, f)) > 0)
        b.len += n;
    if (f != NULL)
        fclose(f);
    return b;
}

static inline void sample_store(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL && fwrite(data, 1, n, f) == n && fclose(f) == 0, "%s", path);
}

#endif
