/* From a cluster file to many VMs: images that several name, and disks with one owner. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/setup.h"

static char dir[] = P_tmpdir "/disco-check-setup-XXXXXX";
static struct record_options o;
static struct setup s;
static struct err e;

static const char *in_dir(const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "wb");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void begin(void)
{
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    put("kernel", "\1\2\3\4");
    put("initrd", "initrd");
    put("disk", "");
    ck_assert_int_eq(truncate(in_dir("disk"), 8192), 0);
    put("other", "");
    ck_assert_int_eq(truncate(in_dir("other"), 4096), 0);
    ck_assert_int_eq(symlink("disk", in_dir("link")), 0);
    ck_assert_int_eq(symlink("./log", in_dir("dangling")), 0);
    static char conf[PATH_MAX];
    snprintf(conf, sizeof conf, "%s/conf", dir);
    o = (struct record_options){.cluster_file = conf};
    s = (struct setup){0};
}

static void end(void)
{
    static const char *const names[] = {"kernel", "initrd", "disk",     "other", "link",
                                        "conf",   "log",    "dangling", "hard"};
    setup_close(&s);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(in_dir(names[i]));
    ck_assert_int_eq(rmdir(dir), 0);
}

static int try(const char *conf)
{
    put("conf", conf);
    setup_close(&s);
    e = (struct err){0};
    return setup_open(&s, &o, &e);
}

static void assert_refused(const char *conf, const char *why)
{
    ck_assert_int_eq(try(conf), ERR_USAGE);
    ck_assert_msg(strstr(e.msg, why) != NULL, "%s", e.msg);
}

#define K "kernel = \"kernel\"; "

START_TEST(shared_images)
{
    ck_assert_msg(
        try("vms = ( { " K "initrd = \"initrd\"; count = 8;\n"
            "disks = ( { file = \"disk\"; }, { file = \"other\"; read_only = true; } ); },\n"
            "{ name = \"last\"; " K "disks = ( { file = \"link\"; } ); } );") == 0,
        "%s", e.msg);
    const struct trace_header *h = &s.header;
    ck_assert_uint_eq(h->images_count, 4);
    ck_assert_uint_eq(h->vms_count, 9);
    ck_assert_uint_eq(s.config.vms_count, 9);
    for (size_t i = 0; i < 9; i++) {
        const struct trace_vm *tv = &h->vms[i];
        const struct vm_config *vm = &s.config.vms[i];
        ck_assert_uint_eq(tv->kernel, 0);
        ck_assert_uint_eq(tv->initrd, i < 8 ? 1 : TRACE_NO_IMAGE);
        ck_assert_uint_eq(tv->disks[0].image, 2);
        ck_assert_uint_eq(vm->disks[0].image, tv->disks[0].image);
        ck_assert_uint_eq(vm->disks[0].sectors, 16);
        ck_assert_ptr_eq(vm->kernel.data, s.config.vms[0].kernel.data);
        ck_assert_str_eq(tv->name, vm->name);
        ck_assert(i == 0 || tv->entropy_seed != h->vms[0].entropy_seed);
    }
    ck_assert(h->vms[3].disks[1].read_only);
    ck_assert(trace_hash_equal(h->images[0].hash, trace_hash_of("\1\2\3\4", 4)));
    ck_assert_int_eq(fcntl(s.images[2].fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    ck_assert_int_eq(s.images[0].fd, -1);
}
END_TEST

/* All that the state is a function of stands in the header. */
START_TEST(header)
{
    ck_assert_msg(
        try("machine = { memory = \"64M\"; seed = 9; share = \"boot\"; scan = 5;\n"
            "no_reboot = true; epoch = \"500us\"; };\n"
            "networks = ( { name = \"lan\"; loss = \"2%\"; queue_in = \"64K\"; jitter = \"3us\"; }, { name = \"o\"; gateway = true; } "
            ");\n"
            "vms = ( { " K " name = \"a\"; balloon = true; rng = true; endian = \"big\";\n"
            "memory_min = \"1M\"; memory_max = \"2M\"; shares = 3; seed = 4; clock = 50;\n"
            "nics = ( { network = \"o\"; mtu = 70; bandwidth = \"1M\"; }, { network = \"lan\"; } "
            ");\n"
            "disks = ( { file = \"disk\"; persistent = true; } ); } );") == 0,
        "%s", e.msg);
    const struct trace_header *h = &s.header;
    const struct trace_vm *vm = &h->vms[0];
    ck_assert_uint_eq(h->machine_memory, 64 << 20);
    ck_assert(h->seed == 9 && h->share == TRACE_SHARE_BOOT && h->scan_rate == 5 && h->no_reboot);
    ck_assert_uint_eq(h->epoch_ns, 500000);
    ck_assert_uint_eq(h->networks_count, 2);
    ck_assert(h->networks[1].gateway && !h->networks[0].gateway);
    ck_assert_uint_eq(vm->nics_count, 2);
    ck_assert(vm->nics[0].network == 1 && vm->nics[0].mtu == 70 &&
              vm->nics[0].out.bandwidth == 1000000 && vm->nics[0].in.bandwidth == 1000000);
    ck_assert(vm->nics[1].out.loss_ppm == 20000 && vm->nics[1].out.latency_ns == 500000);
    ck_assert(vm->nics[1].in.queue == 65536 && vm->nics[1].out.queue == QUEUE_BYTES_DEFAULT);
    ck_assert(vm->nics[1].in.jitter_ns == 3000 && vm->nics[1].out.jitter_ns == 3000);
    ck_assert_mem_eq(vm->nics[1].mac, s.config.vms[0].nics[1].mac, 6);
    ck_assert(vm->memory_min == 1 << 20 && vm->memory_max == 2 << 20 && vm->shares == 3);
    ck_assert(vm->entropy_seed == 4 && vm->cpu_hz == 50000000 && vm->big_endian);
    ck_assert_uint_eq(vm->devices_count, 2);
    ck_assert_str_eq(vm->devices[1], "virtio-balloon");
    ck_assert(vm->disks[0].persistent && s.config.vms[0].disks[0].persistent);
    ck_assert(s.config.vms[0].virtio_balloon && s.config.no_reboot && s.config.share == SHARE_BOOT);
    ck_assert_int_eq(fcntl(s.images[1].fd, F_GETFL) & O_ACCMODE, O_RDWR);
    _Static_assert((int)TRACE_SHARE_ALL == SHARE_ALL && (int)TRACE_SHARE_NET == SHARE_NET &&
                       (int)TRACE_SHARE_CONTENT == SHARE_CONTENT,
                   "the trace's bits are the monitor's");
}
END_TEST

#define OWNED "{ name = \"a\"; " K "disks = ( { file = \"disk\"; persistent = true; } ); }"

START_TEST(one_owner)
{
    assert_refused("vms = ( " OWNED ", { name = \"b\"; " K "disks = ( { file = \"link\"; } ); } );",
                   "VMs a and b both have it");
    assert_refused("vms = ( { name = \"b\"; " K
                   "disks = ( { file = \"link\"; read_only = true; } ); }, " OWNED " );",
                   "VMs b and a both have it");
    assert_refused("vms = ( { " K
                   "count = 2; disks = ( { file = \"disk\"; persistent = true; } ); } );",
                   "one owner");
    ck_assert_int_eq(try("vms = ( " OWNED " );"), 0);
}
END_TEST

/* Another disco is another open file, as here. */
START_TEST(locks)
{
    int other = open(in_dir("disk"), O_RDWR);
    ck_assert_int_eq(flock(other, LOCK_SH | LOCK_NB), 0);
    assert_refused("vms = ( " OWNED " );", "another disco uses this disk");
    ck_assert_int_eq(try("vms = ( { " K "disks = ( { file = \"disk\"; } ); } );"), 0);
    ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), -1); /* we read it */
    setup_close(&s);
    ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_refused("vms = ( { " K "disks = ( { file = \"disk\"; } ); } );", "another disco has it");
    close(other);
    ck_assert_int_eq(try("vms = ( " OWNED " );"), 0);
    other = open(in_dir("disk"), O_RDONLY);
    ck_assert_int_eq(flock(other, LOCK_SH | LOCK_NB), -1);
    close(other);
}
END_TEST

/* What is written must not be read, or written otherwise, under whatever name. */
START_TEST(outputs_apart)
{
    static char trace[PATH_MAX], log[PATH_MAX];
    snprintf(trace, sizeof trace, "%s/./trace", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    o.output_given = true;
    assert_refused("vms = ( { name = \"a\"; " K
                   "console = \"file:disk\"; disks = ( { file = \"link\"; } ); } );",
                   "disk: is a disk of VM a; write the console of VM a elsewhere");
    assert_refused("vms = ( { name = \"a\"; " K "console = \"file:conf\"; } );",
                   "is the cluster file; write the console");
    assert_refused("vms = ( { " K "console = \"file:log\"; }, { " K
                   "console = \"file:dangling\"; } );",
                   "dangling: is the console of VM vm0; write the console of VM vm1 elsewhere");
    o.output = trace;
    ck_assert_int_eq(try("vms = ( { " K "console = \"file:log\"; } );"), 0);
    assert_refused("vms = ( { " K "console = \"file:trace\"; } );",
                   "write the trace (-o) elsewhere");
    o.pcaps[0] = (struct pcap_option){"lan", in_dir("trace")};
    o.pcaps_count = 1;
    assert_refused("networks = ( { name = \"lan\"; } ); vms = ( { " K "} );",
                   "is the trace (-o); write the frames (--pcap) elsewhere");
    o.pcaps_count = 0;
    ck_assert_int_eq(link(in_dir("kernel"), in_dir("hard")), 0);
    snprintf(trace, sizeof trace, "%s/hard", dir);
    assert_refused("vms = ( { name = \"a\"; " K "} );", "hard: is the kernel of VM a");
    snprintf(trace, sizeof trace, "/dev/null"); /* anything may go there at once */
    ck_assert_int_eq(try("vms = ( { " K "console = \"file:/dev/null\"; count = 1; } );"), 0);
}
END_TEST

/* Only who names it may replace a trace that is there. */
START_TEST(default_output)
{
    static char trace[PATH_MAX];
    snprintf(trace, sizeof trace, "%s/log", dir);
    o.output = trace;
    ck_assert_int_eq(try("vms = ( { " K "} );"), 0);
    put("log", "");
    assert_refused("vms = ( { " K "} );", "exists already; -o ");
    o.output_given = true;
    ck_assert_int_eq(try("vms = ( { " K "} );"), 0);
}
END_TEST

/* What is recorded is what was read, whatever becomes of the file. */
START_TEST(images_are_copies)
{
    ck_assert_int_eq(try("vms = ( { " K "initrd = \"initrd\"; } );"), 0);
    put("initrd", "other!");
    ck_assert_mem_eq(s.config.vms[0].initrd.data, "initrd", 6);
    ck_assert_int_eq(truncate(in_dir("kernel"), 0), 0);
    ck_assert_mem_eq(s.config.vms[0].kernel.data, "\1\2\3\4", 4);
    ck_assert(trace_hash_equal(s.header.images[1].hash, trace_hash_of("initrd", 6)));
}
END_TEST

static void put_bytes(const char *name, const char *bytes, size_t n, size_t at)
{
    char block[4096] = {0};
    memcpy(block + at, bytes, n);
    FILE *f = fopen(in_dir(name), "wb");
    ck_assert_uint_eq(fwrite(block, 1, sizeof block, f), sizeof block);
    fclose(f);
}

START_TEST(formats)
{
    static const struct {
        const char *bytes;
        size_t n, at;
        const char *format;
    } kinds[] = {
        {"QFI\xfb\0\0\0\3", 8, 0, "qcow2"},
        {"QFI\xfb\0\0\0\1", 8, 0, "qcow"},
        {"QED\0", 4, 0, "qed"},
        {"KDMV\1", 5, 0, "vmdk"},
        {"\x7f\x10\xda\xbe", 4, 64, "vdi"},
        {"vhdxfile", 8, 0, "vhdx"},
        {"conectix", 8, 0, "vpc"},
        {"WithoutFreeSpace", 16, 0, "parallels"},
    };
    char text[100];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        put_bytes("disk", kinds[i].bytes, kinds[i].n, kinds[i].at);
        snprintf(text, sizeof text, "qemu-img convert -f %s -O raw ", kinds[i].format);
        assert_refused("vms = ( { " K "disks = ( { file = \"disk\"; } ); } );", text);
        ck_assert_ptr_nonnull(strstr(e.msg, "disk.raw"));
        ck_assert_int_eq(
            try("vms = ( { " K "disks = ( { file = \"disk\"; format = \"raw\"; } ); } );"), 0);
    }
    assert_refused("vms = ( { " K "disks = ( { file = \"other\"; format = \"qcow2\"; } ); } );",
                   "other: a disk of format qcow2");
    assert_refused("vms = ( { " K "disks = ( { file = \"other\"; format = \"x\"; } ); } );",
                   "format = \"x\": wanted \"raw\"");
}
END_TEST

/* Programs of others lock ranges of bytes, as qemu does. */
START_TEST(locks_of_others)
{
    int other = open(in_dir("disk"), O_RDONLY);
    struct flock one = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 1};
    ck_assert_int_eq(fcntl(other, F_OFD_SETLK, &one), 0);
    assert_refused("vms = ( " OWNED " );", "another program uses this disk");
    ck_assert_int_eq(try("vms = ( { " K "disks = ( { file = \"disk\"; } ); } );"), 0);
    close(other);
    ck_assert_int_eq(try("vms = ( " OWNED " );"), 0);
    other = open(in_dir("disk"), O_RDONLY);
    ck_assert_int_eq(fcntl(other, F_OFD_SETLK, &one), -1);
    close(other);
}
END_TEST

START_TEST(missing_things)
{
    ck_assert_int_eq(try("vms = ( { kernel = \"none\"; } );"), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.msg, in_dir("none")));
    ck_assert_int_eq(
        try("vms = ( { " K "},\n{ name = \"b\"; " K "disks = (\n{ file = \"none\"; } ); } );"),
        ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.msg, "conf:3: VM b: disks: "));
    ck_assert_int_eq(try("defaults = {\n\ninitrd = \"none\"; }; vms = ( { " K "} );"), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.msg, "conf:3: VM vm0: initrd: "));
    ck_assert_int_eq(try("vms = ( {\nbios = \"none\"; } );"), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.msg, "conf:2: VM vm0: bios: "));
    ck_assert_int_eq(try("vms = ( { kernel = \".\"; } );"), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(e.msg, "conf:1: VM vm0: kernel: "));
    o.pcaps[0] = (struct pcap_option){"lan", "f"};
    o.pcaps_count = 1;
    assert_refused("networks = ( { name = \"a\"; } ); vms = ( { " K "} );", "no network \"lan\"");
    ck_assert_int_eq(try("networks = ( { name = \"lan\"; } ); vms = ( { " K "} );"), 0);
    assert_refused("vms = ( { " K "x = 1; } );", "conf:1: unknown key \"x\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("setup");
    TCase *tc = tcase_create("setup");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, shared_images);
    tcase_add_test(tc, header);
    tcase_add_test(tc, one_owner);
    tcase_add_test(tc, locks);
    tcase_add_test(tc, locks_of_others);
    tcase_add_test(tc, outputs_apart);
    tcase_add_test(tc, default_output);
    tcase_add_test(tc, images_are_copies);
    tcase_add_test(tc, formats);
    tcase_add_test(tc, missing_things);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
