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
    static char conf[PATH_MAX];
    snprintf(conf, sizeof conf, "%s/conf", dir);
    o = (struct record_options){.cluster_file = conf};
    s = (struct setup){0};
}

static void end(void)
{
    static const char *const names[] = {"kernel", "initrd", "disk", "other", "link", "conf", "log"};
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
            "networks = ( { name = \"lan\"; loss = \"2%\"; }, { name = \"o\"; gateway = true; } "
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
              vm->nics[0].bandwidth == 1000000);
    ck_assert(vm->nics[1].loss_ppm == 20000 && vm->nics[1].latency_ns == 500000);
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

/* A console's file is emptied: it must be nobody's image, nor the trace. */
START_TEST(console_files)
{
    assert_refused("vms = ( { " K "console = \"file:disk\"; disks = ( { file = \"link\"; } ); } );",
                   "would overwrite an image");
    ck_assert_int_eq(try("vms = ( { name = \"a\"; " K "console = \"file:log\"; } );"), 0);
    ck_assert_int_eq(setup_output_is_free(&s, in_dir("log"), &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, "console of VM a"));
    e = (struct err){0};
    ck_assert_int_eq(setup_output_is_free(&s, in_dir("kernel"), &e), ERR_USAGE);
    ck_assert_int_eq(setup_output_is_free(&s, in_dir("trace"), &e), 0);
}
END_TEST

START_TEST(missing_things)
{
    ck_assert_int_eq(try("vms = ( { kernel = \"none\"; } );"), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.msg, in_dir("none")));
    ck_assert_int_eq(try("vms = ( { " K "}, { " K "disks = ( { file = \"none\"; } ); } );"),
                     ERR_IO);
    ck_assert_int_eq(try("vms = ( { kernel = \".\"; } );"), ERR_FORMAT);
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
    tcase_add_test(tc, console_files);
    tcase_add_test(tc, missing_things);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
