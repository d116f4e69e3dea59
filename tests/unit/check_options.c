/* The command line of disco-record. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/options.h"

#define ARGS_MAX 32

/* What the options point to lives as long as the program. */
static struct record_options kept[64];
static unsigned kept_count;

static const struct record_options *parse_list(const char *const *list)
{
    char *argv[ARGS_MAX + 1] = {(char *)(uintptr_t) "disco-record"};
    int argc = 1;
    for (; *list != NULL; list++)
        argv[argc++] = (char *)(uintptr_t)*list;
    ck_assert_uint_lt(kept_count, 64);
    struct record_options *o = &kept[kept_count++];
    options_parse(o, argc, argv);
    return o;
}

#define PARSE(...) parse_list((const char *const[]){"-kernel", "k", __VA_ARGS__, NULL})

/* A child parses and ends: with which status, and how many lines on stderr? */
static int status_of(const char *const *list, unsigned *lines)
{
    int err[2];
    ck_assert_int_eq(pipe(err), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(err[1], 2);
        close(err[0]);
        close(err[1]);
        parse_list(list);
        _exit(99);
    }
    close(err[1]);
    char text[4096];
    ssize_t n;
    *lines = 0;
    while ((n = read(err[0], text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; i++)
            *lines += text[i] == '\n';
    close(err[0]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(defaults)
{
    const struct record_options *o = PARSE("-q");
    ck_assert_str_eq(o->output, "trace.zst");
    ck_assert_str_eq(o->cluster.vms[0].kernel, "k");
    ck_assert_str_eq(o->cluster.vms[0].append, "");
    ck_assert_str_eq(o->cluster.vms[0].cpu, "24Kf");
    ck_assert_str_eq(o->cluster.vms[0].board, "malta");
    ck_assert_uint_eq(o->cluster.vms[0].memory, 128 << 20);
    ck_assert_uint_eq(o->cluster.vms[0].cpu_hz, 100000000);
    ck_assert_uint_eq(o->stop_after, UINT64_MAX);
    ck_assert_ptr_null(o->cluster.vms[0].initrd);
    ck_assert_ptr_null(o->cluster.vms[0].until_text);
    ck_assert(o->quiet && !o->cluster.no_reboot && !o->cluster.vms[0].big_endian);
    ck_assert_uint_eq(o->cluster.vms[0].disks_count + o->cluster.vms[0].replies_count, 0);
    ck_assert_uint_ne(cluster_vm_seed(&o->cluster, 0), cluster_vm_seed(&PARSE("-q")->cluster, 0));
    ck_assert(!o->stats);
}
END_TEST

/* Without a translator, asking for it is a mistake, and the default is not to. */
START_TEST(engines)
{
    const char *const jit[] = {"-kernel", "k", "--engine", "jit", NULL};
    unsigned lines;
    ck_assert_int_eq(PARSE("--engine", "interp")->engine, MIPS_INTERP);
    if (mips_engine_available(MIPS_JIT)) {
        ck_assert_int_eq(PARSE("-q")->engine, MIPS_JIT);
        ck_assert_int_eq(parse_list(jit)->engine, MIPS_JIT);
    } else {
        ck_assert_int_eq(PARSE("-q")->engine, MIPS_INTERP);
        ck_assert_int_eq(status_of(jit, &lines), 1);
        ck_assert_uint_eq(lines, 1);
    }
    ck_assert(PARSE("--stats")->stats);
}
END_TEST

START_TEST(as_qemu_spells_it)
{
    const struct record_options *o =
        PARSE("-M", "malta", "-cpu", "4Kc", "-m", "256M", "-smp", "1", "-initrd", "i", "-append",
              "console=ttyS0 a=b", "-bios", "b", "-no-reboot", "-nographic", "-rtc",
              "base=2026-01-31T12:00:00", "-seed", "0x10", "-device", "virtio-rng-pci", "-device",
              "virtio-serial-pci", "-endian", "big", "-clock", "33");
    ck_assert_str_eq(o->cluster.vms[0].cpu, "4Kc");
    ck_assert_uint_eq(o->cluster.vms[0].memory, 256 << 20);
    ck_assert_str_eq(o->cluster.vms[0].initrd, "i");
    ck_assert_str_eq(o->cluster.vms[0].append, "console=ttyS0 a=b");
    ck_assert_str_eq(o->cluster.vms[0].bios, "b");
    ck_assert(o->cluster.no_reboot && o->cluster.vms[0].virtio_rng && o->cluster.vms[0].virtio_console && o->cluster.vms[0].big_endian);
    ck_assert_uint_eq(o->cluster.vms[0].wall_clock, 1769860800);
    ck_assert_uint_eq(o->cluster.vms[0].seed, 16);
    ck_assert_uint_eq(o->cluster.vms[0].cpu_hz, 33000000);
    ck_assert_uint_eq(PARSE("-rtc", "base=1970-01-02")->cluster.vms[0].wall_clock, 86400);
    o = PARSE("-o", "none", "--timeout", "1.5", "--stop-after", "1000000", "--until-text", "x");
    ck_assert_ptr_null(o->output);
    ck_assert(o->timeout > 1.4 && o->timeout < 1.6);
    ck_assert_uint_eq(o->stop_after, 1000000);
    ck_assert_str_eq(o->cluster.vms[0].until_text, "x");
}
END_TEST

START_TEST(sizes)
{
    ck_assert_uint_eq(PARSE("-m", "64")->cluster.vms[0].memory, 64 << 20);
    ck_assert_uint_eq(PARSE("-m", "size=64")->cluster.vms[0].memory, 64 << 20);
    ck_assert_uint_eq(PARSE("-m", "1g")->cluster.vms[0].memory, 1 << 30);
    ck_assert_uint_eq(PARSE("-m", "8192K")->cluster.vms[0].memory, 8 << 20);
    ck_assert_uint_eq(PARSE("-m", "0x40")->cluster.vms[0].memory, 64 << 20);
}
END_TEST

START_TEST(drives)
{
    const struct record_options *o = PARSE(
        "-hda", "root.img", "-drive", "if=virtio,readonly=on,serial=abc,format=raw,file=a,,b=c.img",
        "-drive", "file=x");
    ck_assert_uint_eq(o->cluster.vms[0].disks_count, 3);
    ck_assert_str_eq(o->cluster.vms[0].disks[0].path, "root.img");
    ck_assert_int_eq(o->cluster.vms[0].disks[0].interface, DISK_IDE);
    ck_assert_str_eq(o->cluster.vms[0].disks[0].serial, "disco0");
    ck_assert_str_eq(o->cluster.vms[0].disks[1].path, "a,b=c.img");
    ck_assert_int_eq(o->cluster.vms[0].disks[1].interface, DISK_VIRTIO);
    ck_assert_str_eq(o->cluster.vms[0].disks[1].serial, "abc");
    ck_assert(o->cluster.vms[0].disks[1].read_only && !o->cluster.vms[0].disks[0].read_only);
    ck_assert_str_eq(o->cluster.vms[0].disks[2].serial, "disco2");
}
END_TEST

/* A card of the command line is on a network to the outside. */
START_TEST(cards)
{
    const struct record_options *o = PARSE("-nic", "none", "-net", "none");
    ck_assert_uint_eq(o->cluster.networks_count + o->cluster.vms[0].nics_count, 0);
    o = PARSE("-nic", "user,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp::53-:53", "-nic",
              "user,model=virtio-net-pci,mac=52:54:00:12:34:56,hostfwd=tcp::80-:81", "-device",
              "virtio-balloon-pci", "--pcap", "user:a:b.pcap");
    const struct vm_options *vm = &o->cluster.vms[0];
    ck_assert_uint_eq(o->cluster.networks_count, 1);
    ck_assert_str_eq(o->cluster.networks[0].name, "user");
    ck_assert(o->cluster.networks[0].gateway && vm->virtio_balloon);
    ck_assert_uint_eq(vm->nics_count, 2);
    ck_assert_mem_eq(vm->nics[0].mac, "\x02\xd1\x5c\0\0\0", 6);
    ck_assert_mem_eq(vm->nics[1].mac, "\x52\x54\0\x12\x34\x56", 6);
    ck_assert_uint_ge(vm->nics[0].link.out.latency_ns, o->cluster.epoch_ns);
    const struct hostfwds *f = &o->cluster.forwards[0];
    ck_assert_uint_eq(f->count, 3);
    ck_assert(f->fwd[0].host_port == 2222 && f->fwd[1].udp && f->fwd[2].guest_port == 81);
    ck_assert_str_eq(f->fwd[1].text, "udp::53-:53");
    ck_assert_uint_eq(o->pcaps_count, 1);
    ck_assert_str_eq(o->pcaps[0].network, "user");
    ck_assert_str_eq(o->pcaps[0].path, "a:b.pcap");
}
END_TEST

/* What may stand beside a cluster file, and stands above what it says. */
START_TEST(beside_a_cluster_file)
{
    const char *const list[] = {"a.conf", "--share", "disk,boot", "--threads", "2", "-seed", "7",
                                "-no-reboot", "--until-text", "x", "--pcap", "lan:f", "-nographic",
                                "--reply", "a=b", "-o", "t", NULL};
    const struct record_options *o = parse_list(list);
    struct cluster c = {.share = SHARE_ALL, .seed = 1, .threads = 8, .vms_count = 2};
    ck_assert_str_eq(o->cluster_file, "a.conf");
    options_override(o, &c);
    ck_assert_uint_eq(c.share, SHARE_DISK | SHARE_BOOT);
    ck_assert_uint_eq(c.threads, 2);
    ck_assert_uint_eq(c.seed, 7);
    ck_assert(c.no_reboot);
    ck_assert_str_eq(c.vms[0].until_text, "x");
    ck_assert_uint_eq(c.vms[0].replies_count, 1);
    ck_assert_uint_ne(cluster_vm_seed(&c, 0), cluster_vm_seed(&c, 1));

    const char *const alone[] = {"a.conf", NULL};
    struct cluster same = {.share = SHARE_NET, .seed = 1, .threads = 8, .vms_count = 1};
    same.vms[0].until_text = "y";
    options_override(parse_list(alone), &same);
    ck_assert(same.share == SHARE_NET && same.seed == 1 && same.threads == 8 && !same.no_reboot);
    ck_assert_str_eq(same.vms[0].until_text, "y");
}
END_TEST

START_TEST(hda_with_a_comma)
{
    ck_assert_str_eq(PARSE("-hda", "a,if=virtio")->cluster.vms[0].disks[0].path, "a,if=virtio");
}
END_TEST

START_TEST(escapes)
{
    const struct record_options *o = PARSE(
        "--reply", "login:=root\\n", "--reply", "a\\x3db=\\x41\\x5a9\\x7\\\\=\\t\\r\\q", "--reply",
        "t\\=x\\");
    ck_assert_uint_eq(o->cluster.vms[0].replies_count, 3);
    ck_assert_str_eq(o->cluster.vms[0].replies[0].text, "login:");
    ck_assert_str_eq(o->cluster.vms[0].replies[0].answer, "root\n");
    ck_assert_str_eq(o->cluster.vms[0].replies[1].text, "a=b");
    ck_assert_str_eq(o->cluster.vms[0].replies[1].answer, "AZ9\a\\=\t\rq");
    ck_assert_str_eq(o->cluster.vms[0].replies[2].text, "t\\");
    ck_assert_str_eq(o->cluster.vms[0].replies[2].answer, "x\\");
    ck_assert_str_eq(PARSE("--reply", "a=")->cluster.vms[0].replies[0].answer, "");
    ck_assert_str_eq(PARSE("--until-text", "# \\xc3\\xa4")->cluster.vms[0].until_text, "# \xc3\xa4");
}
END_TEST

static char long_text[TEXT_MAX + 2];

#define BAD(...)                                                                                   \
    {                                                                                              \
        "-kernel", "k", __VA_ARGS__                                                                \
    }
static const char *const bad[][8] = {
    {"-initrd", "i"}, /* nothing to boot */
    {"a.conf", "b.conf"},
    BAD("a.conf"),
    {"a.conf", "-append", ""},
    {"-m", "64", "a.conf"},
    {"-nic", "user", "a.conf"},
    BAD("-nic", "tap"),
    BAD("-nic", ""),
    BAD("-nic", "none,mac=02:00:00:00:00:01"),
    BAD("-nic", "user,mac=03:00:00:00:00:01"),
    BAD("-nic", "user,mac=00:00:00:00:00:00"),
    BAD("-nic", "user,mac=2:0:0:0:0:1"),
    BAD("-nic", "user,model=e1000"),
    BAD("-net", "user"),
    BAD("--threads", "0"),
    BAD("--threads", "65"),
    BAD("--share", "disk,"),
    BAD("--share", "everything"),
    BAD("--share", ""),
    BAD("--pcap", "user"),
    BAD("--pcap", ":f"),
    BAD("--pcap", "user:"),
    BAD("--pcap", "user:f"), /* no such network */
    BAD("-no-such-option"),
    BAD("-m", "0"),
    BAD("-m", "-1"),
    BAD("-m", "1T"),
    BAD("-m", "5K"),
    BAD("-m", "M"),
    BAD("-m", ""),
    BAD("-m", "12Mx"),
    BAD("-m", "99999999999G"),
    BAD("-smp", "2"),
    BAD("-drive", "if=virtio"),
    BAD("-drive", "file=a,if=scsi"),
    BAD("-drive", "file=a,format=qcow2"),
    BAD("-drive", "file=a,serial=0123456789012345678901"),
    BAD("-drive", "file=a,readonly=perhaps"),
    BAD("-device", "e1000"),
    BAD("-rtc", "yesterday"),
    BAD("-rtc", "base=2026-13-01"),
    BAD("-rtc", "base=2026-01-01T"),
    BAD("-rtc", "base=1969-01-01"),
    BAD("-seed", "x"),
    BAD("-seed", "-1"),
    BAD("-seed", "18446744073709551616"),
    BAD("-clock", "0"),
    BAD("-clock", "10001"),
    BAD("-endian", "middle"),
    BAD("--timeout", "0"),
    BAD("--timeout", "nan"),
    BAD("--timeout", "5s"),
    BAD("--until-text", ""),
    BAD("--until-text", "a\\x00b"),
    BAD("--until-text", "a\\x"),
    BAD("--until-text", "a\\x 4"),
    BAD("--until-text", "a\\x+4"),
    BAD("--until-text", long_text),
    BAD("--stop-after", "many"),
    BAD("--engine", "fast"),
    BAD("--engine", ""),
    BAD("--engine"),
    BAD("--reply", "x"),
    BAD("--reply", "=x"),
    BAD("--reply", "\\x0=x"),
};

/* Each ends with status 1, one line that says why and one that names --help. */
START_TEST(bad_usage)
{
    unsigned lines;
    memset(long_text, 'x', sizeof long_text - 1);
    int status = status_of(bad[_i], &lines);
    ck_assert_msg(status == 1 && lines >= 1 && lines <= 2, "%s %s: status %d, %u lines",
                  bad[_i][2] != NULL ? bad[_i][2] : "", bad[_i][2] != NULL ? bad[_i][3] : "",
                  status, lines);
}
END_TEST

START_TEST(too_many_drives)
{
    const char *list[ARGS_MAX] = {"-kernel", "k"};
    unsigned lines;
    for (int i = 0; i < DISKS_MAX; i++) {
        list[2 + 2 * i] = "-hda";
        list[3 + 2 * i] = "x";
    }
    ck_assert_uint_eq(parse_list(list)->cluster.vms[0].disks_count, DISKS_MAX);
    list[2 + 2 * DISKS_MAX] = "-hda";
    list[3 + 2 * DISKS_MAX] = "x";
    ck_assert_int_eq(status_of(list, &lines), 1);
}
END_TEST

START_TEST(help)
{
    unsigned lines;
    ck_assert_int_eq(status_of((const char *const[]){"--help", NULL}, &lines), 0);
    ck_assert_int_eq(status_of((const char *const[]){"--version", NULL}, &lines), 0);
    ck_assert_int_eq(status_of((const char *const[]){"-cpu", "help", NULL}, &lines), 0);
    ck_assert_uint_eq(lines, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tc = tcase_create("options");
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, engines);
    tcase_add_test(tc, as_qemu_spells_it);
    tcase_add_test(tc, sizes);
    tcase_add_test(tc, drives);
    tcase_add_test(tc, cards);
    tcase_add_test(tc, beside_a_cluster_file);
    tcase_add_test(tc, hda_with_a_comma);
    tcase_add_test(tc, escapes);
    tcase_add_loop_test(tc, bad_usage, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(tc, too_many_drives);
    tcase_add_test(tc, help);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
