/* The cluster file: what it says, and one line for each mistake. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/cluster.h"
#include "record/cluster_scan.h"
#include "record/value.h"
#include "tests/libconfig_leaks.h"

static char path[] = P_tmpdir "/disco-check-cluster-XXXXXX";
static struct cluster c;
static struct err e;

static void setup(void)
{
    strcpy(path + sizeof path - 7, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    cluster_free(&c);
    unlink(path);
}

static int read_bytes(const char *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    fclose(f);
    cluster_free(&c);
    e = (struct err){0};
    return cluster_read(&c, path, &e);
}

static void read_good(const char *text)
{
    ck_assert_msg(read_bytes(text, strlen(text)) == 0, "%s", e.msg);
}

/* `line` 0: the message names no line. */
static void assert_refused(const char *text, unsigned line, const char *why)
{
    char place[100];
    ck_assert_msg(read_bytes(text, strlen(text)) == ERR_USAGE, "not refused: %s", text);
    if (line != 0)
        snprintf(place, sizeof place, "%s:%u: ", path, line);
    else
        snprintf(place, sizeof place, "%s: ", path);
    ck_assert_msg(strncmp(e.msg, place, strlen(place)) == 0 && strstr(e.msg, why) != NULL,
                  "\"%s\" instead of line %u, \"%s\", for: %s", e.msg, line, why, text);
}

START_TEST(smallest)
{
    read_good("vms = ( { kernel = \"/k\"; } );");
    ck_assert_uint_eq(c.vms_count, 1);
    const struct vm_options *vm = &c.vms[0];
    ck_assert_str_eq(vm->name, "vm0");
    ck_assert_str_eq(vm->kernel, "/k");
    ck_assert_str_eq(vm->cpu, "24Kf");
    ck_assert_str_eq(vm->append, "");
    ck_assert_uint_eq(vm->memory, 128 << 20);
    ck_assert_uint_eq(vm->cpu_hz, CPU_HZ_DEFAULT);
    ck_assert_uint_eq(vm->disks_count + vm->nics_count + vm->replies_count, 0);
    ck_assert(vm->console == CONSOLE_TERMINAL && vm->until_text == NULL && !vm->big_endian);
    ck_assert_uint_eq(c.epoch_ns, EPOCH_NS_DEFAULT);
    ck_assert_uint_eq(c.share, SHARE_AS_SUITS);
    ck_assert_uint_eq(c.machine_memory + c.threads + c.scan_rate + c.networks_count, 0);
}
END_TEST

/* What suits: short where frames cross, long where nothing does. */
START_TEST(epochs)
{
    read_good("vms = ( { kernel = \"/k\"; count = 2; } );");
    ck_assert_uint_eq(c.epoch_ns, EPOCH_NS_APART);
    read_good("networks = ( { name = \"lan\"; } ); vms = ( { kernel = \"/k\"; count = 2; } );");
    ck_assert_uint_eq(c.epoch_ns, EPOCH_NS_DEFAULT);
    read_good("machine = { epoch = \"50us\"; }; vms = ( { kernel = \"/k\"; count = 2; } );");
    ck_assert_uint_eq(c.epoch_ns, 50000);
}
END_TEST

START_TEST(machine_values)
{
    read_good("machine = { memory = \"1G\"; epoch = \"200us\"; threads = 4; seed = 5000000000L;\n"
              "share = \"net,boot\"; scan = 7; no_reboot = true; };\n"
              "vms = ( { bios = \"/b\"; }, { bios = \"/b\"; seed = 3; } );");
    ck_assert_uint_eq(c.machine_memory, 1 << 30);
    ck_assert_uint_eq(c.epoch_ns, 200000);
    ck_assert_uint_eq(c.threads, 4);
    ck_assert_uint_eq(c.seed, 5000000000);
    ck_assert_uint_eq(c.share, SHARE_NET | SHARE_BOOT);
    ck_assert_uint_eq(c.scan_rate, 7);
    ck_assert(c.no_reboot);
    ck_assert_uint_eq(cluster_vm_seed(&c, 1), 3);
    uint64_t first = cluster_vm_seed(&c, 0);
    ck_assert_uint_ne(first, c.seed);
    c.seed++;
    ck_assert_uint_ne(first, cluster_vm_seed(&c, 0));
}
END_TEST

START_TEST(vm_values)
{
    read_good(
        "vms = ( { name = \"a.b-c_d\"; kernel = \"/k\"; initrd = \"/i\"; append = \"x=1 y\";\n"
        "memory = 64; cpu = \"4Kc,tlb=32\"; endian = \"big\"; clock = 33;\n"
        "wall_clock = \"2026-01-31T12:00:00\"; rng = true; virtio_console = true;\n"
        "balloon = true; memory_min = \"8M\"; memory_max = \"32M\"; shares = 5;\n"
        "console = \"pty\"; until = \"# \"; replies = ( [\"a\", \"b\\n\"], (\"c\", \"\") );\n"
        "disks = ( { file = \"/d\"; }, { file = \"/e\"; interface = \"virtio\";\n"
        "  read_only = true; serial = \"s\"; }, { file = \"/f\"; persistent = true; } ); } );");
    const struct vm_options *vm = &c.vms[0];
    ck_assert_str_eq(vm->name, "a.b-c_d");
    ck_assert_str_eq(vm->initrd, "/i");
    ck_assert_str_eq(vm->append, "x=1 y");
    ck_assert_str_eq(vm->cpu, "4Kc,tlb=32");
    ck_assert_uint_eq(vm->memory, 64 << 20);
    ck_assert_uint_eq(vm->cpu_hz, 33000000);
    ck_assert_uint_eq(vm->wall_clock, 1769860800);
    ck_assert(vm->big_endian && vm->virtio_rng && vm->virtio_console && vm->virtio_balloon);
    ck_assert_uint_eq(vm->memory_min, 8 << 20);
    ck_assert_uint_eq(vm->memory_max, 32 << 20);
    ck_assert_uint_eq(vm->shares, 5);
    ck_assert_int_eq(vm->console, CONSOLE_PTY);
    ck_assert_str_eq(vm->until_text, "# ");
    ck_assert_uint_eq(vm->replies_count, 2);
    ck_assert_str_eq(vm->replies[0].answer, "b\n");
    ck_assert_str_eq(vm->replies[1].text, "c");
    ck_assert_uint_eq(vm->disks_count, 3);
    ck_assert(vm->disks[0].interface == DISK_IDE && vm->disks[1].interface == DISK_VIRTIO);
    ck_assert(vm->disks[1].read_only && !vm->disks[0].persistent && vm->disks[2].persistent);
    ck_assert_str_eq(vm->disks[1].serial, "s");
    ck_assert_str_eq(vm->disks[2].serial, "disco2");
}
END_TEST

START_TEST(defaults_and_numbers)
{
    read_good(
        "defaults = { kernel = \"k%d\"; memory = \"16M\"; disks = ( { file = \"d%d\"; } ); };\n"
        "vms = ( { count = 2; name = \"n\"; console = \"file:%d.log\"; },\n"
        "  { name = \"x%d-y\"; count = 2; append = \"100%% %d %s\"; memory = \"32M\"; },\n"
        "  { disks = (); append = \"100%% %d\"; } );");
    static const char *const names[] = {"n0", "n1", "x0-y", "x1-y", "vm4"};
    ck_assert_uint_eq(c.vms_count, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(c.vms[i].name, names[i]);
    const char *folder = P_tmpdir "/";
    size_t n = strlen(folder);
    ck_assert(strncmp(c.vms[1].kernel, folder, n) == 0);
    ck_assert_str_eq(c.vms[1].kernel + n, "k1");
    ck_assert_str_eq(c.vms[4].kernel + n, "k%d");
    ck_assert_str_eq(c.vms[3].disks[0].path + n, "d1");
    ck_assert_str_eq(c.vms[0].console_path + n, "0.log");
    ck_assert_uint_eq(c.vms[4].disks_count, 0);
    ck_assert_uint_eq(c.vms[0].memory, 16 << 20);
    ck_assert_uint_eq(c.vms[2].memory, 32 << 20);
    ck_assert_str_eq(c.vms[3].append, "100% 1 %s");
    ck_assert_str_eq(c.vms[4].append, "100%% %d");
}
END_TEST

START_TEST(cards)
{
    read_good(
        "vms = ( { kernel = \"/k\"; nics = ( { network = \"b\"; }, { mtu = 9000; loss = \"1%\";\n"
        "  network = \"a\"; mac = \"52:54:00:00:00:01\"; } ); },\n"
        " { kernel = \"/k\"; nics = ( { network = \"b\"; latency = \"300us\"; } ); } );\n"
        "networks = ( { name = \"a\"; bandwidth = \"100M\"; loss = \"0.1%\"; },\n"
        "  { name = \"b\"; gateway = true; latency = \"2ms\";\n"
        "    hostfwd = ( \"tcp::80-:81\", \"udp:127.0.0.1:53-10.0.2.16:54\" ); } );");
    ck_assert_uint_eq(c.networks_count, 2);
    ck_assert(!c.networks[0].gateway && c.networks[1].gateway);
    ck_assert_uint_eq(c.forwards[0].count, 0);
    ck_assert_uint_eq(c.forwards[1].count, 2);
    ck_assert_uint_eq(c.forwards[1].fwd[1].guest_port, 54);
    ck_assert_str_eq(c.forwards[1].fwd[1].text, "udp:127.0.0.1:53-10.0.2.16:54");
    const struct nic_config *nic = c.vms[0].nics;
    ck_assert_uint_eq(nic[0].network, 1);
    ck_assert_uint_eq(nic[0].link.out.latency_ns, 2000000);
    ck_assert_uint_eq(nic[0].link.out.bandwidth, 0);
    ck_assert_mem_eq(nic[0].mac, "\x02\xd1\x5c\0\0\0", 6);
    ck_assert_uint_eq(nic[1].network, 0);
    ck_assert_uint_eq(nic[1].link.out.latency_ns, c.epoch_ns);
    ck_assert_uint_eq(nic[1].link.out.bandwidth, 100000000);
    ck_assert_uint_eq(nic[1].link.out.loss_ppm, 10000);
    ck_assert_uint_eq(nic[1].link.mtu, 9000);
    ck_assert_mem_eq(nic[1].mac, "\x52\x54\0\0\0\1", 6);
    ck_assert_uint_eq(c.vms[1].nics[0].link.out.latency_ns, 300000);
    ck_assert_mem_eq(c.vms[1].nics[0].mac, "\x02\xd1\x5c\0\1\0", 6);
}
END_TEST

#define VM(keys)      "vms = ( { kernel = \"/k\";\n" keys " } );"
#define TWO(keys)     "vms = ( { kernel = \"/k\"; count = 2;\n" keys " } );"
#define LAN(keys)     "networks = ( { name = \"lan\";\n" keys " } );"
#define MACHINE(keys) "machine = { " keys " };\n" VM("")

static const struct mistake {
    const char *text;
    unsigned line;
    const char *why;
} mistakes[] = {
    {"", 0, "no VMs"},
    {"vms = ();", 0, "no VMs"},
    {"vms = ( { kernel = \"/k\" } ", 1, "syntax error"},
    {"\n\nvms = \"x\";", 3, "wanted a list of groups"},
    {"vms = ( 3 );", 1, "wanted a list of groups"},
    {"vms = [ 3 ];", 1, "wanted a list of groups"},
    {"vm = ( { } );", 1, "unknown key \"vm\""},
    {"machine = 3;", 1, "machine: wanted a group"},
    {"defaults = ( );\n" VM(""), 1, "defaults: wanted a group"},
    {"@include \"other\"\n" VM(""), 1, "@include"},
    {" @include\t\"/\"\n" VM(""), 1, "@include"},
    {"vms = ( { name = \"a\"; } );", 1, "nothing to boot"},
    {MACHINE("memory = \"0\";"), 1, "memory = \"0\": wanted machine memory"},
    {MACHINE("memory = 0;"), 1, "memory = 0: wanted"},
    {MACHINE("memory = \"513G\";"), 1, "from 1M to 512G"},
    {MACHINE("memory = \"1025K\";"), 1, "memory"},
    {MACHINE("memory = -1;"), 1, "memory = -1"},
    {MACHINE("memory = 1.5;"), 1, "memory: wanted"},
    {MACHINE("epoch = \"1us\";"), 1, "epoch = \"1us\""},
    {MACHINE("epoch = \"11ms\";"), 1, "epoch"},
    {MACHINE("epoch = \"100500ns\";"), 1, "whole microseconds"},
    {MACHINE("epoch = 100;"), 1, "epoch = 100"},
    {MACHINE("threads = 0;"), 1, "threads = 0"},
    {MACHINE("threads = 65;"), 1, "1 to 64"},
    {MACHINE("threads = \"2\";"), 1, "threads = \"2\""},
    {MACHINE("seed = -1;"), 1, "not negative"},
    {MACHINE("seed = 5000000000;"), 1, "5000000000: too large"},
    {MACHINE("seed = 0xffffffff;"), 1, "too large"},
    {MACHINE("seed = 9223372036854775808L;"), 1, "too large"},
    {MACHINE("share = \"disk;net\";"), 1, "share"},
    {MACHINE("share = true;"), 1, "share: wanted"},
    {MACHINE("scan = 0;"), 1, "scan"},
    {MACHINE("no_reboot = 1;"), 1, "true or false"},
    {MACHINE("cpus = 1;"), 1, "unknown key \"cpus\""},
    {MACHINE("seed = 1; seed = 2;"), 1, "duplicate"},
    {VM("color = 1;"), 2, "unknown key \"color\""},
    {VM("\n\nname = \"a b\";"), 4, "name = \"a b\""},
    {VM("name = \"\";"), 2, "name"},
    {VM("name = \"123456789012345678901234567890123\";"), 2, "up to 32"},
    {VM("name = 1;"), 2, "name = 1"},
    {VM("count = 0;"), 2, "count = 0"},
    {VM("count = 17;"), 2, "count = 17"},
    {TWO("name = \"x\";\n}, { kernel = \"/k\"; name = \"x1\";"), 3, "a second VM \"x1\""},
    {"vms = ( { kernel = \"/k\"; count = 16; },\n { kernel = \"/k\"; } );", 2, "more than 16 VMs"},
    {"defaults = {\n name = \"x\"; };\n" VM(""), 2, "not in defaults"},
    {"defaults = {\n count = 2; };\n" VM(""), 2, "not in defaults"},
    {"defaults = {\n memory = \"x\"; };\n" VM("memory = \"64M\";"), 2, "memory = \"x\""},
    {VM("initrd = \"\";"), 2, "a file's name"},
    {VM("memory = \"2G\";"), 2, "1792M"},
    {VM("memory = 99999;"), 2, "memory = 99999"},
    {VM("cpu = \"486\";"), 2, "cpu = \"486\""},
    {VM("cpu = \"24Kf,tlb=1\";"), 2, "cpu"},
    {VM("endian = \"middle\";"), 2, "endian"},
    {VM("clock = 10001;"), 2, "1 to 10000"},
    {VM("wall_clock = \"yesterday\";"), 2, "wall_clock"},
    {VM("rng = \"yes\";"), 2, "true or false"},
    {VM("memory_min = \"256M\";"), 1, "memory_min <= memory_max <= memory"},
    {VM("memory_max = \"256M\";"), 1, "memory_min <= memory_max <= memory"},
    {VM("memory_min = \"64M\"; memory_max = \"32M\";"), 1, "memory_min <= memory_max"},
    {"machine = { memory = \"100M\"; };\n" TWO("memory_min = \"64M\";"), 1, "add up to 128 MiB"},
    {VM("shares = 0;"), 2, "shares"},
    {VM("console = \"vga\";"), 2, "console = \"vga\""},
    {VM("console = \"file:\";"), 2, "console"},
    {VM("console = \"terminal2\";"), 2, "console"},
    {TWO("console = \"file:log\";"), 1, "have one console"},
    {VM("until = \"\";"), 2, "until"},
    {VM("replies = (\n(\"a\"));"), 3, "replies"},
    {VM("replies = ((\"\", \"a\"));"), 2, "pairs of texts"},
    {VM("replies = ((\"b\", 3));"), 2, "pairs of texts"},
    {VM("replies = (\"b\", \"c\");"), 2, "pairs of texts"},
    {VM("replies = \"b\";"), 2, "pairs of texts"},
    {VM("disks = { file = \"/d\"; };"), 2, "disks: wanted a list of groups"},
    {VM("disks = ( { serial = \"a\"; } );"), 2, "a disk without a file"},
    {VM("disks = ( { file = \"/d\"; serial = \"123456789012345678901\"; } );"), 2, "1 to 20"},
    {VM("disks = ( { file = \"/d\"; interface = \"scsi\"; } );"), 2, "\"ide\" or \"virtio\""},
    {VM("disks = ( { file = \"/d\";\n read_only = true; persistent = true; } );"), 2, "both"},
    {VM("disks = ( { file = \"/d\"; readonly = true; } );"), 2, "unknown key \"readonly\""},
    {VM("disks = ( {},{},{},{},{},{},{},{},{} );"), 2, "disks: more than 8"},
    {VM("nics = ( { mtu = 1500; } );"), 2, "without a network"},
    {VM("nics = ( { network = \"lan\"; } );"), 2, "no network \"lan\""},
    {VM("nics = ( { network = 1; } );"), 2, "network = 1"},
    {LAN("") VM("nics = (\n{ network = \"lan\"; latency = \"99us\"; } );"), 4,
     "less than an epoch"},
    {LAN("") VM("nics = ( { network = \"lan\"; mac = \"01:00:00:00:00:00\"; } );"), 3, "mac"},
    {LAN("") VM("nics = ( { network = \"lan\"; speed = 1; } );"), 3, "unknown key \"speed\""},
    {LAN("") TWO("nics = ( { network = \"lan\"; mac = \"02:00:00:00:00:00\"; } );"), 2, "one mac"},
    {LAN("latency = \"10us\";") VM(""), 2, "less than an epoch"},
    {LAN("latency = \"100\";") VM(""), 2, "latency = \"100\""},
    {LAN("latency = \"11s\";") VM(""), 2, "latency"},
    {LAN("bandwidth = \"0\";") VM(""), 2, "bandwidth"},
    {LAN("bandwidth = \"1T\";") VM(""), 2, "bandwidth"},
    {LAN("loss = \"0.1\";") VM(""), 2, "loss"},
    {LAN("loss = \"100.1%\";") VM(""), 2, "loss"},
    {LAN("mtu = 67;") VM(""), 2, "mtu = 67"},
    {LAN("loss_in = \"101%\";") VM(""), 2, "loss_in = \"101%\": wanted \"0%\""},
    {LAN("loss_up = \"1%\";") VM(""), 2, "unknown key \"loss_up\""},
    {LAN("mtu_in = 1500;") VM(""), 2, "unknown key \"mtu_in\""},
    {LAN("latency_out = \"10us\";") VM(""), 2, "less than an epoch"},
    {LAN("latency = \"10us\"; latency_out = \"1ms\";") VM(""), 2, "less than an epoch"},
    {LAN("jitter = \"11s\";") VM(""), 2, "jitter = \"11s\""},
    {LAN("queue = \"1K\";") VM(""), 2, "queue = \"1K\": wanted a size"},
    {LAN("queue_out = \"2G\";") VM(""), 2, "queue_out"},
    {LAN("mtu = 65536;") VM(""), 2, "mtu = 65536"},
    {LAN("}, { name = \"lan\";") VM(""), 2, "a second network \"lan\""},
    {LAN("}, { gateway = true;") VM(""), 2, "a network without a name"},
    {LAN("nam = \"x\";") VM(""), 2, "unknown key"},
    {LAN("hostfwd = ( \"tcp::1-:2\" );") VM(""), 2, "network \"lan\" has no gateway"},
    {LAN("gateway = true; hostfwd = \"tcp::1-:2\";") VM(""), 2, "wanted a list of texts"},
    {LAN("gateway = true; hostfwd = ( \"tcp::1-:2\", 5 );") VM(""), 2, "wanted a list of texts"},
    {LAN("gateway = true; hostfwd = ( \"tcp:1-:2\" );") VM(""), 2, "tcp:1-:2"},
    {"networks = { name = \"lan\"; };" VM(""), 1, "wanted a list of groups"},
};

START_TEST(one_line_for_each_mistake)
{
    const struct mistake *m = &mistakes[_i];
    assert_refused(m->text, m->line, m->why);
}
END_TEST

START_TEST(odd_files)
{
    static char text[(1 << 20) + 2];
    e = (struct err){0};
    ck_assert_int_eq(cluster_read(&c, "/nonexistent/c", &e), ERR_IO);
    ck_assert_str_eq(e.msg, "/nonexistent/c: No such file or directory");
    e = (struct err){0};
    ck_assert_int_eq(cluster_read(&c, P_tmpdir, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, "not a regular file"));
    ck_assert_int_eq(read_bytes("vms\0", 4), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, "character 0"));
    memset(text, ' ', sizeof text);
    ck_assert_int_eq(read_bytes(text, sizeof text), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, "larger than 1 MiB"));
    memset(text, '(', 1 << 19);
    memcpy(text, "vms=", 4);
    ck_assert_int_eq(read_bytes(text, 1 << 19), ERR_USAGE);
    /* A text of any length is one line. */
    snprintf(text, sizeof text, "vms = ( { kernel = \"%05000d\"; } );", 0);
    ck_assert_int_eq(read_bytes(text, strlen(text)), ERR_USAGE);
    snprintf(text, sizeof text, "%03000d = 1;", 0);
    text[0] = 'a';
    ck_assert_int_eq(read_bytes(text, strlen(text)), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, "unknown key"));
}
END_TEST

/* What looks like a number or a directive and is text or comment. */
START_TEST(scan)
{
    read_good("/* 99999999999\n @include \"x\" */ # 99999999999\n// @include\n"
              "vms = ( { kernel = \"/k\"; append = \"99999999999 \\\" @include \\\\\"; } );");
    ck_assert_str_eq(c.vms[0].append, "99999999999 \" @include \\");
    assert_refused("/* \n */ \"\n\" \n x = 99999999999", 4, "too large");
    e = (struct err){0};
    ck_assert_int_eq(cluster_scan("\"open \\", "p", &e), 0);
    ck_assert_int_eq(cluster_scan("/* open", "p", &e), 0);
    ck_assert_int_eq(
        cluster_scan("-2147483647 1e99 1.99999999999 0x7fffffff 0x7fffffffffffL", "p", &e), 0);
}
END_TEST

START_TEST(values)
{
    uint64_t v = 77;
    uint32_t n = 77;
    ck_assert(value_duration("0ns", &v) && v == 0);
    ck_assert(value_duration("1s", &v) && v == 1000000000);
    static const char *const bad_times[] = {"",
                                            "s",
                                            "1",
                                            "1m",
                                            "-1s",
                                            " 1s",
                                            "1 s",
                                            "1s ",
                                            "3601s",
                                            "99999999999999999999ns",
                                            "18446744073710us",
                                            "0x"};
    for (size_t i = 0; i < ARRAY_LEN(bad_times); i++)
        ck_assert_msg(!value_duration(bad_times[i], &v), "%s", bad_times[i]);
    ck_assert(value_rate("none", &v) && v == 0);
    ck_assert(value_rate("56k", &v) && v == 56000);
    ck_assert(!value_rate("99999999999G", &v) && v == 56000);
    ck_assert(value_bytes("0x10K", &v) && v == 16384);
    ck_assert(!value_bytes("1T", &v) && !value_bytes("1024G", &v) && !value_bytes("K", &v));
    ck_assert(value_percent("0%", &n) && n == 0);
    ck_assert(value_percent("100%", &n) && n == 1000000);
    ck_assert(value_percent("0.0001%", &n) && n == 1);
    ck_assert(value_percent("12.5%", &n) && n == 125000);
    static const char *const bad_parts[] = {"",          "%",    "1",   "1.%", ".5%", "0.00001%",
                                            "100.0001%", "101%", "-1%", "1%%", "0x1%"};
    for (size_t i = 0; i < ARRAY_LEN(bad_parts); i++)
        ck_assert_msg(!value_percent(bad_parts[i], &n), "%s", bad_parts[i]);
    unsigned ways = 77;
    ck_assert(value_share("none", &ways) && ways == 0);
    ck_assert(value_share("boot,disk", &ways) && ways == (SHARE_BOOT | SHARE_DISK));
    ck_assert(!value_share("", &ways) && !value_share("disk,", &ways) &&
              !value_share(",disk", &ways) && !value_share("dis", &ways) &&
              !value_share("diskk", &ways));
}
END_TEST

/* A key counts in both directions, whatever is inherited; one with a direction wins, wherever it
 * stands in its group. */
START_TEST(directions)
{
    read_good(
        "networks = ( { name = \"a\"; loss_in = \"3%\"; loss = \"1%\"; jitter_out = \"5us\";\n"
        "  latency = \"1ms\"; latency_in = \"2ms\"; bandwidth = \"1M\"; queue = \"8K\"; } );\n"
        "vms = ( { kernel = \"/k\"; nics = ( { network = \"a\"; },\n"
        "  { network = \"a\"; loss = \"100%\"; bandwidth_in = \"none\"; queue_out = \"4K\"; },\n"
        "  { network = \"a\"; loss_out = \"0%\"; latency = \"9ms\"; } ); } );");
    const struct link_config *l = &c.vms[0].nics[0].link;
    ck_assert(l->in.loss_ppm == 30000 && l->out.loss_ppm == 10000);
    ck_assert(l->in.jitter_ns == 0 && l->out.jitter_ns == 5000);
    ck_assert(l->in.latency_ns == 2000000 && l->out.latency_ns == 1000000);
    ck_assert(l->in.bandwidth == 1000000 && l->out.bandwidth == 1000000);
    ck_assert(l->in.queue == 8192 && l->out.queue == 8192);
    l = &c.vms[0].nics[1].link;
    ck_assert(l->in.loss_ppm == 1000000 && l->out.loss_ppm == 1000000);
    ck_assert(l->in.bandwidth == 0 && l->out.bandwidth == 1000000);
    ck_assert(l->in.queue == 8192 && l->out.queue == 4096);
    l = &c.vms[0].nics[2].link;
    ck_assert(l->in.loss_ppm == 30000 && l->out.loss_ppm == 0);
    ck_assert(l->in.latency_ns == 9000000 && l->out.latency_ns == 9000000);
}
END_TEST

/* The example is a cluster file, and names every key. */
START_TEST(example)
{
    static const char *const keys[] = {
        "memory",    "epoch",     "threads",        "seed",       "share",        "scan",
        "no_reboot", "name",      "gateway",        "latency",    "bandwidth",    "loss",
        "jitter",    "queue",     "loss_in",        "queue_in",   "latency_in",   "jitter_in",
        "loss_out",  "queue_out", "latency_out",    "jitter_out", "bandwidth_in", "bandwidth_out",
        "mtu",       "count",     "kernel",         "initrd",     "append",       "bios",
        "cpu",       "endian",    "clock",          "wall_clock", "disks",        "file",
        "interface", "read_only", "persistent",     "serial",     "nics",         "network",
        "mac",       "rng",       "virtio_console", "balloon",    "memory_min",   "memory_max",
        "shares",    "console",   "until",          "replies",    "hostfwd",
    };
    ck_assert_msg(cluster_read(&c, EXAMPLE_FILE, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(c.vms_count, 5);
    ck_assert_str_eq(c.vms[4].name, "node3");
    ck_assert_str_eq(c.vms[4].append, "console=ttyS0 hostname=node3");
    ck_assert_uint_eq(c.vms[4].nics[0].link.out.latency_ns, 200000);
    ck_assert_uint_eq(c.vms[4].nics[0].link.out.loss_ppm, 1000);
    static char text[1 << 16];
    FILE *f = fopen(EXAMPLE_FILE, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char wanted[40];
        snprintf(wanted, sizeof wanted, " %s = ", keys[i]);
        ck_assert_msg(strstr(text, wanted) != NULL, "no key %s", keys[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cluster");
    TCase *tc = tcase_create("cluster");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, smallest);
    tcase_add_test(tc, epochs);
    tcase_add_test(tc, machine_values);
    tcase_add_test(tc, vm_values);
    tcase_add_test(tc, defaults_and_numbers);
    tcase_add_test(tc, cards);
    tcase_add_test(tc, directions);
    tcase_add_loop_test(tc, one_line_for_each_mistake, 0, (int)ARRAY_LEN(mistakes));
    tcase_add_test(tc, odd_files);
    tcase_add_test(tc, scan);
    tcase_add_test(tc, values);
    tcase_add_test(tc, example);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
