/* From files to a machine that is being recorded: bad files, and why a run ends. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/disk_priv.h"
#include "record/recorder.h"
#include "replay/replayer.h"
#include "tests/unit/engine_suites.h"
#include "tests/unit/monitor_rig.h"

static char dir[] = P_tmpdir "/disco-check-recorder-XXXXXX";
static char kernel[PATH_MAX], disk[PATH_MAX], trace[PATH_MAX];
static int saved_in, saved_out;

static void put_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void put_guest(const struct guest *g)
{
    static uint8_t image[4 * GUEST_WORDS];
    for (unsigned i = 0; i < GUEST_WORDS; i++)
        st_le32(image + 4 * i, g->word[i]);
    put_file(kernel, image, sizeof image);
}

/* The console is /dev/null on both sides; the test's own output comes back afterwards. */
static void begin(void)
{
    static uint8_t blocks[5 * PAGE_SIZE + 700];
    struct guest g;
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(kernel, sizeof kernel, "%s/kernel", dir);
    snprintf(disk, sizeof disk, "%s/disk", dir);
    snprintf(trace, sizeof trace, "%s/trace.zst", dir);
    guest_worker(&g, 20000);
    put_guest(&g);
    for (size_t i = 0; i < sizeof blocks; i++)
        blocks[i] = (uint8_t)(i * 11 + i / PAGE_SIZE);
    put_file(disk, blocks, sizeof blocks);
    saved_in = dup(0);
    saved_out = dup(1);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    close(null);
}

static void end(void)
{
    dup2(saved_in, 0);
    dup2(saved_out, 1);
    close(saved_in);
    close(saved_out);
    unlink(kernel);
    unlink(disk);
    unlink(trace);
    ck_assert_int_eq(rmdir(dir), 0);
}

static struct record_options some_options(void)
{
    struct record_options o = {.stop_after = UINT64_MAX};
    struct vm_options *vm = &o.cluster.vms[0];
    cluster_init(&o.cluster);
    cluster_vm_init(vm);
    o.cluster.vms_count = 1;
    o.cluster.seed = 0;
    vm->name = "vm0";
    vm->kernel = kernel;
    vm->memory = 4 << 20;
    vm->wall_clock = 0;
    vm->disks[0] = (struct disk_option){.path = disk, .serial = "s"};
    vm->disks_count = 1;
    return o;
}

/* ---- files ---- */

static void assert_refused(const struct record_options *o, int code, const char *name,
                           const char *why)
{
    struct setup s;
    struct err e = {0};
    ck_assert_int_eq(setup_open(&s, o, &e), code);
    ck_assert_int_eq(e.code, code);
    ck_assert_msg(strstr(e.msg, name) != NULL && strstr(e.msg, why) != NULL, "%s", e.msg);
    setup_close(&s);
}

START_TEST(bad_images)
{
    struct record_options o = some_options();
    uint8_t elf[64] = "\177ELF\1\1\1";
    o.cluster.vms[0].kernel = "/nonexistent/kernel";
    assert_refused(&o, ERR_IO, "/nonexistent/kernel", "No such file");
    o.cluster.vms[0].kernel = dir;
    assert_refused(&o, ERR_FORMAT, dir, "not a regular file");
    o.cluster.vms[0].kernel = kernel;
    put_file(kernel, "", 0);
    assert_refused(&o, ERR_FORMAT, kernel, "empty");
    put_file(kernel, elf, 10);
    assert_refused(&o, ERR_FORMAT, kernel, "cut");
    put_file(kernel, elf, sizeof elf);
    assert_refused(&o, ERR_FORMAT, kernel, "not MIPS");
    elf[18] = 8;
    elf[4] = 2;
    put_file(kernel, elf, sizeof elf);
    assert_refused(&o, ERR_USAGE, kernel, "64-bit");
    put_file(kernel, "raw", 3);
    o.cluster.vms[0].initrd = "/nonexistent/initrd";
    assert_refused(&o, ERR_IO, "/nonexistent/initrd", "No such file");
}
END_TEST

START_TEST(bad_disks)
{
    struct record_options o = some_options();
    o.cluster.vms[0].disks[0].path = "/nonexistent/disk";
    assert_refused(&o, ERR_IO, "/nonexistent/disk", "No such file");
    o.cluster.vms[0].disks[0].path = dir;
    assert_refused(&o, ERR_USAGE, dir, "neither a file nor a block device");
    o.cluster.vms[0].disks[0].path = "/dev/null";
    assert_refused(&o, ERR_USAGE, "/dev/null", "neither a file nor a block device");
    o.cluster.vms[0].disks[0].path = disk;
    put_file(disk, "small", 5);
    assert_refused(&o, ERR_USAGE, disk, "5 bytes");
    ck_assert_int_eq(truncate(disk, ((off_t)1 << 39) + 1), 0);
    assert_refused(&o, ERR_USAGE, disk, "512 GiB");
    /* The first disk is fine, the second is not: the first is closed again. */
    ck_assert_int_eq(truncate(disk, 4096), 0);
    o.cluster.vms[0].disks[1].path = "/nonexistent/second";
    o.cluster.vms[0].disks_count = 2;
    assert_refused(&o, ERR_IO, "/nonexistent/second", "No such file");
}
END_TEST

/* Machines that cannot be: one line, and nothing is left behind. */
START_TEST(bad_machines)
{
    struct record_options plain = some_options();
    for (int i = 0; i < 6; i++) {
        struct record_options o = plain;
        struct setup s;
        struct err e = {0};
        struct monitor *m = NULL;
        struct port port = {0};
        static struct event events[1000];
        struct event_log log = {0};
        event_log_room(&log, events, sizeof events);
        port.log = &log;
        static const char *const why[] = {"unknown processor", "unknown machine", "1792 MiB",
                                          "does not fit into RAM", "too long",
                                          "do not fit into RAM"};
        char *line = xcalloc(1, 9000);
        memset(line, 'x', 8999);
        o.cluster.vms[0].disks_count = 0;
        o.cluster.vms[0].cpu = i == 0 ? "486" : o.cluster.vms[0].cpu;
        o.cluster.vms[0].board = i == 1 ? "pc" : o.cluster.vms[0].board;
        o.cluster.vms[0].memory = i == 2 ? 1793u << 20 : i == 5 ? 1 << 20 : o.cluster.vms[0].memory;
        o.cluster.vms[0].initrd = i == 3 ? kernel : NULL;
        o.cluster.vms[0].append = i == 4 ? line : "";
        ck_assert_int_eq(setup_open(&s, &o, &e), 0);
        if (i == 3)
            s.config.vms[0].initrd.size = 3 << 20; /* not looked at */
        ck_assert_int_lt(monitor_create(&m, &s.config, &port, &e), 0);
        ck_assert_msg(strstr(e.msg, why[i]) != NULL, "%s", e.msg);
        setup_close(&s);
        free(line);
    }
}
END_TEST

START_TEST(header)
{
    struct record_options o = some_options();
    struct setup s;
    struct err e = {0};
    o.cluster.vms[0].disks[0].read_only = true;
    o.cluster.vms[0].virtio_rng = true;
    o.cluster.vms[0].initrd = disk;
    o.cluster.vms[0].append = "a b";
    ck_assert_int_eq(setup_open(&s, &o, &e), 0);
    const struct trace_header *h = &s.header;
    ck_assert_uint_eq(h->images_count, 2); /* the disk is the initrd, too */
    ck_assert_str_eq(h->images[0].name, kernel);
    ck_assert_uint_eq(h->images[0].size, 4 * GUEST_WORDS);
    ck_assert_uint_eq(h->vms[0].kernel, 0);
    ck_assert_uint_eq(h->vms[0].initrd, 1);
    ck_assert_uint_eq(h->vms[0].bios, TRACE_NO_IMAGE);
    ck_assert_str_eq(h->vms[0].append, "a b");
    ck_assert_uint_eq(h->vms[0].disks_count, 1);
    ck_assert_uint_eq(h->vms[0].disks[0].image, 1);
    ck_assert_uint_eq(h->images[1].size, 5 * PAGE_SIZE + 700);
    ck_assert_uint_eq(h->vms[0].disks[0].sectors, (5 * PAGE_SIZE + 700) / SECTOR_SIZE);
    ck_assert(h->vms[0].disks[0].read_only);
    ck_assert_uint_eq(h->vms[0].devices_count, 1);
    ck_assert_str_eq(s.config.vms[0].kernel_name, "kernel");
    setup_close(&s);
}
END_TEST

/* ---- runs ---- */

static volatile sig_atomic_t interrupted;

struct run {
    struct setup setup;
    struct recorder r;
    struct monitor *m;
    struct err e;
};

static void start(struct run *run, const struct record_options *o)
{
    *run = (struct run){0};
    interrupted = 0;
    ck_assert_int_eq(setup_open(&run->setup, o, &run->e), 0);
    recorder_open(&run->r, o, &run->setup, &interrupted);
    struct port port = recorder_port(&run->r);
    ck_assert_int_eq(monitor_create(&run->m, &run->setup.config, &port, &run->e), 0);
    monitor_set_engine(run->m, mrig_engine, false);
    ck_assert_int_eq(recorder_start(&run->r, run->m, &run->e), 0);
}

static enum run_stop go(struct run *run, uint64_t cycle)
{
    struct run_limit limit = {.step = UINT64_MAX, .cycle = cycle};
    return monitor_run(run->m, &limit, &run->e);
}

static int stop(struct run *run)
{
    struct trace_sizes sizes;
    int result = recorder_finish(&run->r, run->m, &sizes, &run->e);
    recorder_close(&run->r);
    monitor_destroy(run->m);
    setup_close(&run->setup);
    return result;
}

START_TEST(why_it_ends)
{
    struct record_options o = some_options();
    struct run run;
    o.cluster.vms[0].until_text = "....";
    start(&run, &o);
    ck_assert_int_eq(go(&run, UINT64_MAX), RUN_STOPPED);
    ck_assert_str_eq(record_end_text(run.r.end), "text");
    ck_assert_int_eq(stop(&run), 0);
    o.cluster.vms[0].until_text = NULL;
    o.timeout = 0.02;
    start(&run, &o);
    ck_assert_int_eq(go(&run, UINT64_MAX), RUN_STOPPED);
    ck_assert_str_eq(record_end_text(run.r.end), "timeout");
    ck_assert_int_eq(stop(&run), 0);
    o.timeout = 1e300; /* as good as none */
    start(&run, &o);
    ck_assert_int_eq(go(&run, 1000000), RUN_LIMIT);
    interrupted = 1;
    ck_assert_int_eq(go(&run, UINT64_MAX), RUN_STOPPED);
    ck_assert_str_eq(record_end_text(run.r.end), "user");
    ck_assert_int_eq(stop(&run), 0);
}
END_TEST

/* Replies reach the guest, which resets at 'R': with -no-reboot that is the end. */
START_TEST(replies_are_typed)
{
    struct record_options o = some_options();
    struct run run;
    o.cluster.vms[0].replies[0] = (struct reply_option){"..", "xyz"};
    o.cluster.vms[0].replies[1] = (struct reply_option){"z", "R"};
    o.cluster.vms[0].replies_count = 2;
    start(&run, &o);
    run.m->config.no_reboot = true;
    ck_assert_int_eq(go(&run, 100000000), RUN_POWERED_OFF);
    ck_assert_uint_eq(run.r.inputs_total, 2);
    ck_assert_int_eq(stop(&run), 0);
    ck_assert_uint_eq(run.r.event_count[EVENT_INPUT], 2);
    ck_assert_uint_eq(run.r.event_count[EVENT_POWER], 1);
}
END_TEST

/* The image has its content, zeros behind its end, and each block is one input. */
START_TEST(disk_blocks)
{
    struct record_options o = some_options();
    struct run run;
    uint8_t block[PAGE_SIZE];
    start(&run, &o);
    for (int twice = 0; twice < 2; twice++)
        for (uint64_t b = 0; b < 6; b++) {
            memset(block, 0x55, sizeof block);
            run.m->port.ops->disk_block(run.m->port.ctx, 0, 1, b, block);
            for (size_t i = 0; i < PAGE_SIZE; i++) {
                size_t at = b * PAGE_SIZE + i;
                uint8_t want = at < 5 * PAGE_SIZE + 700 ? (uint8_t)(at * 11 + at / PAGE_SIZE) : 0;
                ck_assert_uint_eq(block[i], want);
            }
        }
    ck_assert_uint_eq(run.r.inputs_total, 0); /* at the barrier */
    ck_assert_int_eq(go(&run, 10), RUN_LIMIT);
    ck_assert_uint_eq(run.r.inputs_total, 6);
    run.m->port.ops->disk_block(run.m->port.ctx, 0, 1, 5, block);
    ck_assert_int_eq(stop(&run), 0);
    ck_assert_uint_eq(run.r.inputs_total, 6);
}
END_TEST

/* A persistent disk's file gets what the guest wrote, when the run ends; another's does not. */
START_TEST(persistent_disk)
{
    static uint8_t before[5 * PAGE_SIZE + 700], after[sizeof before + 1];
    uint8_t sector[SECTOR_SIZE];
    memset(sector, 0xa5, sizeof sector);
    for (int persistent = 0; persistent <= 1; persistent++) {
        struct record_options o = some_options();
        struct run run;
        o.cluster.vms[0].disks[0].persistent = persistent;
        start(&run, &o);
        ck_assert(disk_write(run.m->vms[0]->disks[0], 9, 1, sector));
        ck_assert(disk_write(run.m->vms[0]->disks[0], 40, 1, sector)); /* in the part of a block */
        ck_assert_int_eq(stop(&run), 0);
        FILE *f = fopen(disk, "rb");
        ck_assert_uint_eq(fread(after, 1, sizeof after, f), sizeof before);
        fclose(f);
        for (size_t i = 0; i < sizeof before; i++) {
            bool written = i / SECTOR_SIZE == 9 || i / SECTOR_SIZE == 40;
            uint8_t was = (uint8_t)(i * 11 + i / PAGE_SIZE);
            ck_assert_uint_eq(after[i], persistent && written ? 0xa5 : was);
        }
    }
}
END_TEST

/* An image that fails ends the run with its name, whether the host is looked at in that barrier or
 * not, and also when the run would have ended anyway. */
START_TEST(disk_fails)
{
    for (unsigned barriers = 0; barriers < 20; barriers++) {
        struct record_options o = some_options();
        struct run run;
        uint8_t sector[SECTOR_SIZE];
        begin();
        start(&run, &o);
        ck_assert_int_eq(go(&run, barriers * 10000 + 10), RUN_LIMIT);
        ck_assert_int_eq(truncate(disk, 100), 0);
        ck_assert(disk_read(run.m->vms[0]->disks[0], 30, 1, sector));
        if (barriers != 7) {
            ck_assert_int_eq(go(&run, 10000000), RUN_FAILED);
            ck_assert_uint_le(vm_cycle(run.m->vms[0]), barriers * 10000 + 100000);
        }
        ck_assert_int_eq(stop(&run), ERR_IO);
        ck_assert_str_eq(record_end_text(run.r.end), "error");
        ck_assert_ptr_nonnull(strstr(run.e.msg, disk));
        ck_assert_ptr_nonnull(strstr(run.e.msg, "shorter"));
        end();
    }
}
END_TEST

/* ---- and back ---- */

/* The trace replays to its end, in pieces of random length. */
static void assert_replays(uint32_t most)
{
    struct replayer r;
    struct err e = {0};
    struct rng rng = {most};
    ck_assert_msg(replayer_open(&r, trace, 16 << 20, &e) == 0, "%s", e.msg);
    monitor_set_engine(r.monitor, mrig_engine, false);
    while (!replayer_at_end(&r)) {
        uint64_t until = mips_steps(r.monitor->vms[0]->cpu) + 1 + rng_below(&rng, most);
        enum run_stop how = replayer_run(&r, until, false);
        ck_assert_msg(how == RUN_LIMIT || how == RUN_POWERED_OFF, "%s", r.error.msg);
    }
    ck_assert_msg(replayer_check_end(&r), "%s", r.error.msg);
    replayer_close(&r);
}

/* A recording may end after any step, those that reset the machine included. */
/* Somebody else writes to a disk's image. What the guest never read, or read before and no more,
 * does not matter; what it reads again must be what it was, or the run ends, and the trace before. */
START_TEST(disk_changes)
{
    static const struct {
        uint64_t changed; /* block */
        bool known, ends; /* was it recorded before? */
    } cases[] = {{3, true, true}, {4, true, false}, {3, false, true}};
    uint8_t sector[SECTOR_SIZE], other[SECTOR_SIZE] = {0x77};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct record_options o = some_options();
        struct run run;
        begin();
        o.output = trace;
        o.output_given = true;
        start(&run, &o);
        ck_assert_int_eq(go(&run, 30000000), RUN_LIMIT); /* past a digest */
        ck_assert(disk_read(run.m->vms[0]->disks[0], 24, 1, sector));
        if (cases[i].known)
            ck_assert_int_eq(go(&run, 31000000), RUN_LIMIT);
        int fd = open(disk, O_WRONLY);
        ck_assert_int_eq(pwrite(fd, other, sizeof other, (off_t)(cases[i].changed * PAGE_SIZE)),
                         sizeof other);
        close(fd);
        ck_assert(disk_read(run.m->vms[0]->disks[0], 25, 1, sector));
        ck_assert_int_eq(go(&run, 62000000), cases[i].ends ? RUN_FAILED : RUN_LIMIT);
        ck_assert_int_eq(stop(&run), cases[i].ends ? ERR_IO : 0);
        if (cases[i].ends)
            ck_assert_msg(strstr(run.e.msg, "changed it at offset 12288") != NULL, "%s", run.e.msg);
        struct trace_reader *reader;
        ck_assert_int_eq(trace_reader_open(&reader, trace, false, &run.e), 0);
        ck_assert_int_eq(trace_reader_cut(reader) != NULL, cases[i].ends);
        trace_reader_close(reader);
        assert_replays(1000000);
        end();
    }
}
END_TEST

START_TEST(replays_from_any_stop)
{
    struct guest g;
    guest_begin(&g, 1000);
    guest_reset_machine(&g);
    guest_back(&g, BEQ_W(ZERO, ZERO, 0), g.at);
    put_guest(&g);
    for (uint64_t step = 56; step < 84; step++) { /* the first reset is among them */
        struct record_options o = some_options();
        struct run run;
        o.output = trace;
        o.output_given = true;
        start(&run, &o);
        struct run_limit limit = {.step = step, .cycle = UINT64_MAX};
        ck_assert_int_eq(monitor_run(run.m, &limit, &run.e), RUN_LIMIT);
        run.r.end = END_LIMIT;
        ck_assert_int_eq(stop(&run), 0);
        assert_replays(40);
    }
}
END_TEST

/* Inputs and digests come back at the same places, whatever ended the run. */
START_TEST(replays)
{
    struct record_options o = some_options();
    struct run run;
    o.output = trace;
    o.output_given = true;
    o.cluster.vms[0].replies[0] = (struct reply_option){"..", "xyzR"};
    o.cluster.vms[0].replies[1] = (struct reply_option){"....", "abcP"};
    o.cluster.vms[0].replies_count = 1 + (size_t)_i % 2;
    start(&run, &o);
    enum run_stop how = go(&run, 60000000);
    ck_assert_int_eq(how, _i % 2 == 0 ? RUN_LIMIT : RUN_POWERED_OFF);
    run.r.end = how == RUN_LIMIT ? END_LIMIT : END_POWER_OFF;
    ck_assert_int_eq(stop(&run), 0);
    ck_assert_uint_ge(run.r.event_count[EVENT_INPUT], o.cluster.vms[0].replies_count);
    ck_assert_uint_ge(run.r.event_count[EVENT_POWER], 1);
    assert_replays(_i < 2 ? 100000 : 10000000);
}
END_TEST

/* ---- from outside ---- */

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Networks "apart" and "out", the second with a gateway to which a port of the host leads. */
static struct record_options outside_options(uint16_t *port)
{
    struct record_options o = some_options();
    struct sockaddr_in a = loopback(0);
    socklen_t n = sizeof a;
    static char text[50];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    *port = ntohs(a.sin_port);
    snprintf(text, sizeof text, "tcp:127.0.0.1:%u-:22", *port);
    o.cluster.networks[0] = (struct network_config){.name = "apart"};
    o.cluster.networks[1] = (struct network_config){.name = "out", .gateway = true};
    o.cluster.networks_count = 2;
    ck_assert(hostfwd_parse(text, &o.cluster.forwards[1].fwd[0]));
    o.cluster.forwards[1].count = 1;
    o.cluster.vms[0].nics[0] = (struct nic_config){
        .network = 1, .mac = {2}, .link = cluster_default_link(&o.cluster)};
    o.cluster.vms[0].nics_count = 1;
    o.output = trace;
    o.output_given = true;
    return o;
}

/* Who connects to the port makes the gateway ask for the guest: a frame that is an input. The
 * replay opens no port. */
START_TEST(frames_come_in)
{
    uint16_t port;
    struct record_options o = outside_options(&port);
    struct run run;
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    o.cluster.vms[0].disks_count = 0;
    start(&run, &o);
    ck_assert_int_eq(go(&run, 1000000), RUN_LIMIT);
    ck_assert_uint_eq(run.r.inputs_total, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(go(&run, 20000000), RUN_LIMIT);
    ck_assert_uint_ge(run.r.inputs_total, 1);
    ck_assert_uint_eq(run.m->net.line[net_gateway(1)].sent, run.r.inputs_total);
    run.r.end = END_LIMIT;
    ck_assert_int_eq(stop(&run), 0);
    close(fd);
    assert_replays(100000);
}
END_TEST

/* Frames of a trace that nobody could have recorded. */
START_TEST(frames_that_cannot_be)
{
    static const struct {
        uint32_t channel;
        size_t len;
        bool good;
    } inputs[] = {{1, 14, true}, {1, 65536, true}, {1, 13, false}, {1, 0, false},
                  {0, 60, false}, {2, 60, false},  {UINT32_MAX, 60, false}};
    static uint8_t bytes[65536];
    uint16_t port;
    struct record_options o = outside_options(&port);
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        struct setup s;
        struct replayer r;
        struct trace_writer *w;
        struct trace_writer_options options = {.overwrite = true};
        struct err e = {0};
        ck_assert_int_eq(setup_open(&s, &o, &e), 0);
        ck_assert_int_eq(trace_writer_open(&w, trace, &s.header, &options, &e), 0);
        trace_put_image(w, s.images[0].copy.hash, s.images[0].copy.data, s.images[0].size);
        trace_put_input(w, &(struct trace_input){.kind = TRACE_INPUT_FRAME,
                                                 .channel = inputs[i].channel,
                                                 .data = bytes,
                                                 .len = inputs[i].len});
        ck_assert_int_eq(trace_writer_close(w, NULL, &e), 0);
        setup_close(&s);
        int result = replayer_open(&r, trace, 0, &e);
        ck_assert_msg(result == (inputs[i].good ? 0 : ERR_FORMAT), "%zu: %s", i, e.msg);
        if (inputs[i].good)
            replayer_close(&r);
        else
            ck_assert_ptr_nonnull(strstr(e.msg, "from outside"));
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("recorder");
    TCase *tc = tcase_create("recorder"), *alone = tcase_create("disk");
    tcase_set_timeout(tc, 60);
    tcase_set_timeout(alone, 60);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, bad_images);
    tcase_add_test(tc, bad_disks);
    tcase_add_test(tc, bad_machines);
    tcase_add_test(tc, header);
    tcase_add_test(tc, why_it_ends);
    tcase_add_test(tc, replies_are_typed);
    tcase_add_test(tc, disk_blocks);
    tcase_add_test(tc, persistent_disk);
    tcase_add_test(tc, replays_from_any_stop);
    tcase_add_loop_test(tc, replays, 0, 4);
    tcase_add_test(tc, frames_come_in);
    tcase_add_test(tc, frames_that_cannot_be);
    tcase_add_test(alone, disk_fails);
    tcase_add_test(alone, disk_changes);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, alone);
    return suite;
}

int main(void)
{
    return engine_suites_run(make_suite, &mrig_engine);
}
