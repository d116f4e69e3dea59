#include "record/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/usage.h"
#include "core/engine_option.h"
#include "record/image.h"
#include "record/value.h"

static const char doc[] =
    "Run one or several MIPS machines and record them, so that disco-replay can replay the run bit "
    "for bit and step it backward. CLUSTER is a file that describes several VMs and their "
    "networks; record/cluster.conf.example in disco's source explains all of it. The options "
    "for one VM describe it without a file.\v"
    "The guest's serial console is this terminal: Ctrl-A x ends the run, Ctrl-A h lists the other "
    "keys. Piped input is typed once the guest listens; its end does not end the guest.\n"
    "\n"
    "Examples:\n"
    "  disco-record -o boot.zst -kernel vmlinuz -initrd initrd.gz -append console=ttyS0\n"
    "  disco-record -o fail.zst -kernel vmlinux -append 'console=ttyS0 panic=1' -no-reboot "
    "--timeout 60\n"
    "  disco-record -o t.zst -kernel vmlinux -initrd rd.gz --reply '# =poweroff -f\\n'\n"
    "  disco-record -o t.zst cluster.conf\n"
    "\n"
    "No file is written that the run reads, or writes otherwise, or that another disco uses.\n"
    "\n"
    "Exit status: 0 when the guest powered off or a stop that was asked for came (Ctrl-A x, "
    "--until-text, --stop-after), 1 on an error, 3 when --timeout ended the run or nothing could "
    "wake the sleeping guest. The trace is whole in all these cases.";

enum {
    OPT_KERNEL = 0x100, OPT_INITRD, OPT_APPEND, OPT_CPU, OPT_DRIVE, OPT_HDA, OPT_RTC, OPT_BIOS,
    OPT_TIMEOUT, OPT_UNTIL, OPT_STOP, OPT_REPLY, OPT_SEED, OPT_NOREBOOT, OPT_NOGRAPHIC,
    OPT_DEVICE, OPT_SMP, OPT_CLOCK, OPT_ENDIAN, OPT_ENGINE, OPT_STATS, OPT_NIC, OPT_NET,
    OPT_SHARE, OPT_THREADS, OPT_PCAP,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "One VM:", 1},
    {"machine", 'M', "NAME", 0, "board (malta)", 1},
    {"cpu", OPT_CPU, "MODEL[,tlb=N]", 0, "processor (24Kf), with \",tlb=N\" for N TLB entries (16 to "
     "256); \"-cpu help\" lists them", 1},
    {"m", 'm', "SIZE", 0, "RAM in MiB, or with suffix K, M, G (128M)", 1},
    {"smp", OPT_SMP, "N", 0, "processors; only 1 so far", 1},
    {"kernel", OPT_KERNEL, "FILE", 0, "kernel: ELF (vmlinux, vmlinuz), or a raw image loaded at "
     "0x80100000", 1},
    {"initrd", OPT_INITRD, "FILE", 0, "initial RAM disk", 1},
    {"append", OPT_APPEND, "TEXT", 0, "kernel command line", 1},
    {"bios", OPT_BIOS, "FILE", 0, "raw flash image, up to 4 MiB, entered at its start", 1},
    {"drive", OPT_DRIVE, "file=FILE[,if=virtio|ide][,format=raw][,readonly=on][,serial=S]", 0,
     "disk, a raw image; writes go to memory and never to FILE. What begins like qcow2, vmdk or "
     "vdi is refused without format=raw", 1},
    {"hda", OPT_HDA, "FILE", 0, "short for -drive file=FILE,if=ide", 1},
    {"nic", OPT_NIC, "user|none[,mac=ADDRESS][,hostfwd=tcp:127.0.0.1:2222-:22]", 0, "a virtio "
     "network card on a network with a gateway to the outside, by which the host is 10.0.2.2; "
     "hostfwd passes connections to a port of the host on to the guest; without the option, and "
     "with none, there is no card", 1},
    {"net", OPT_NET, "none", 0, "no network card, as without the option", 1},
    {"device", OPT_DEVICE, "NAME", 0, "virtio-rng-pci, virtio-serial-pci (a console) or "
     "virtio-balloon-pci", 1},
    {"rtc", OPT_RTC, "base=utc|DATE", 0, "clock at power-on: now, or 2026-01-31T12:00:00", 1},
    {"clock", OPT_CLOCK, "MHZ", 0, "virtual processor clock (100): instructions per virtual "
     "microsecond", 1},
    {"endian", OPT_ENDIAN, "little|big", 0, "byte order for a raw image; ELF files tell theirs", 1},
    {"nographic", OPT_NOGRAPHIC, NULL, 0, "accepted for qemu's sake: it is always so", 1},
    {NULL, 0, NULL, 0, "One VM, or beside CLUSTER:", 2},
    {"seed", OPT_SEED, "N", 0, "what guests and networks get by lot follows from it (from the "
     "host)", 2},
    {"no-reboot", OPT_NOREBOOT, NULL, 0, "end when a guest resets its machine", 2},
    {"share", OPT_SHARE, "WAYS", 0, "which pages with equal content share memory: some of "
     "disk,net,content,boot, or all or none (all where there are several VMs)", 2},
    {"threads", OPT_THREADS, "N", 0, "threads of the host that run VMs; the result is the same", 2},
    {"pcap", OPT_PCAP, "NETWORK:FILE", 0, "write the frames on that network to FILE, whatever that "
     "held before", 2},
    {"output", 'o', "FILE", 0, "the trace; \"none\" runs without recording. An older trace of that "
     "name is replaced, any other file is not; without this option it is trace.zst, and nothing is "
     "replaced", 2},
    {"timeout", OPT_TIMEOUT, "SECONDS", 0, "end after this much host time", 2},
    {"until-text", OPT_UNTIL, "TEXT", 0, "end when the console of the (first) VM has printed "
     "TEXT", 2},
    {"stop-after", OPT_STOP, "N", 0, "end after exactly N instructions; several VMs at the end of "
     "the epoch in which all together did N", 2},
    {"reply", OPT_REPLY, "TEXT=ANSWER", 0, "when the console of the (first) VM prints TEXT, type "
     "ANSWER (\\n, \\r, \\t, \\xNN, \\\\); several are used one after the other", 2},
    {"quiet", 'q', NULL, 0, "no summary at the end", 2},
    {"engine", OPT_ENGINE, "jit|interp", 0, ENGINE_OPTION_HELP, 2},
    {"stats", OPT_STATS, NULL, 0, STATS_OPTION_HELP, 2},
    {0},
};

const char *argp_program_version = "disco-record 0.1.0";

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 'a' - 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `s` with its escapes resolved, kept by `c`; ends the program if that is no text. */
static const char *unescape(struct cluster *c, const char *option, const char *s)
{
    char *out = xmalloc(strlen(s) + 1), *to = out;
    cluster_keep(c, out);
    const char *all = s;
    while (*s != 0) {
        if (s[0] != '\\') {
            *to++ = *s++;
        } else if (s[1] == 'x') {
            int value = hex_digit(s[2]);
            if (value < 0)
                usage_error("%s %s: \\x wants one or two hexadecimal digits", option, all);
            s += 3;
            if (hex_digit(*s) >= 0)
                value = value << 4 | hex_digit(*s++);
            if (value == 0)
                usage_error("%s %s: the character 0 cannot be part of a text", option, all);
            *to++ = (char)value;
        } else {
            *to++ = s[1] == 'n' ? '\n' : s[1] == 'r' ? '\r' : s[1] == 't' ? '\t'
                  : s[1] == 0 ? '\\' : s[1];
            s += s[1] == 0 ? 1 : 2;
        }
    }
    *to = 0;
    if (strlen(out) > TEXT_MAX)
        usage_error("%s: a text of more than %d characters", option, TEXT_MAX);
    return out;
}

static uint64_t parse_size(const char *arg)
{
    uint64_t size;
    if (!value_bytes(arg, &size) || size % PAGE_SIZE != 0)
        usage_error("-m %s: not a memory size (examples: 128, 256M, 1G)", arg);
    return size;
}

static uint64_t parse_number(const char *option, const char *arg)
{
    char *end;
    errno = 0;
    uint64_t v = strtoull(arg, &end, 0);
    if (errno != 0 || end == arg || *end != 0 || arg[0] == '-')
        usage_error("%s %s: not a number", option, arg);
    return v;
}

/* Splits "key=value,..." in place; commas are doubled inside values, as in qemu. */
static char *next_pair(char **rest, char **key)
{
    char *from = *rest, *to = from;
    if (*from == 0)
        return NULL;
    *key = from;
    for (; *from != 0; from++) {
        if (*from == ',') {
            if (from[1] != ',') {
                from++;
                break;
            }
            from++;
        }
        *to++ = *from;
    }
    *rest = from;
    *to = 0;
    char *eq = strchr(*key, '=');
    if (eq == NULL)
        return *key + strlen(*key);
    *eq = 0;
    return eq + 1;
}

static struct disk_option *add_drive(struct vm_options *vm)
{
    if (vm->disks_count == DISKS_MAX)
        usage_error("more than %d drives", DISKS_MAX);
    struct disk_option *d = &vm->disks[vm->disks_count];
    *d = (struct disk_option){.interface = DISK_IDE};
    snprintf(d->serial, sizeof d->serial, "disco%zu", vm->disks_count++);
    return d;
}

static void parse_drive(struct cluster *c, const char *arg)
{
    struct disk_option *d = add_drive(&c->vms[0]);
    char *rest = xstrdup(arg), *key, *value;
    cluster_keep(c, rest);
    while ((value = next_pair(&rest, &key)) != NULL) {
        if (strcmp(key, "file") == 0) {
            d->path = value;
        } else if (strcmp(key, "if") == 0 &&
                   (strcmp(value, "ide") == 0 || strcmp(value, "virtio") == 0)) {
            d->interface = value[0] == 'i' ? DISK_IDE : DISK_VIRTIO;
        } else if (strcmp(key, "readonly") == 0 &&
                   (strcmp(value, "on") == 0 || strcmp(value, "off") == 0)) {
            d->read_only = strcmp(value, "on") == 0;
        } else if (strcmp(key, "serial") == 0 && value[0] != 0 &&
                   strlen(value) < sizeof d->serial) {
            strcpy(d->serial, value);
        } else if (strcmp(key, "format") == 0 && strcmp(value, "raw") == 0) {
            d->raw = true;
        } else if (strcmp(key, "format") == 0 && image_is_format(value)) {
            d->format = value;
        } else {
            usage_error("-drive: \"%s=%s\" is not understood (file=, if=ide|virtio, "
                       "format=raw, readonly=on|off, serial= of 1 to 20 characters)", key, value);
        }
    }
    if (d->path == NULL)
        usage_error("-drive %s: file= is missing", arg);
    struct err e = {0};
    if (d->format != NULL && image_refuse_format(d->path, d->format, &e) < 0)
        usage_error("%s", e.msg);
}

static void parse_reply(struct cluster *c, const char *arg)
{
    struct vm_options *vm = &c->vms[0];
    if (vm->replies_count == REPLIES_MAX)
        usage_error("more than %d replies", REPLIES_MAX);
    const char *eq = strchr(arg, '=');
    if (eq == NULL || eq == arg)
        usage_error("--reply %s: wanted TEXT=ANSWER", arg);
    char *text = xstrdup(arg);
    text[eq - arg] = 0;
    vm->replies[vm->replies_count++] = (struct reply_option){
        unescape(c, "--reply", text), unescape(c, "--reply", eq + 1)};
    free(text);
}

static void parse_rtc(struct vm_options *vm, const char *arg)
{
    if (strcmp(arg, "base=utc") == 0)
        vm->wall_clock = (uint64_t)time(NULL);
    else if (strncmp(arg, "base=", 5) != 0 || !value_date(arg + 5, &vm->wall_clock))
        usage_error("-rtc %s: wanted base=utc or base=2026-01-31[T12:00:00]", arg);
}

static bool parse_hostfwd(struct cluster *c, const char *value)
{
    struct hostfwds *f = &c->forwards[0];
    if (f->count == HOSTFWDS_MAX)
        usage_error("-nic: more than %d hostfwd", HOSTFWDS_MAX);
    return hostfwd_parse(cluster_keep(c, xstrdup(value)), &f->fwd[f->count++]);
}

static void parse_nic(struct record_options *o, const char *arg)
{
    struct vm_options *vm = &o->cluster.vms[0];
    if (strcmp(arg, "none") == 0)
        return;
    char *copy = xstrdup(arg), *rest = copy, *key, *value = next_pair(&rest, &key);
    if (value == NULL || strcmp(key, "user") != 0)
        usage_error("-nic %s: wanted user or none; networks between VMs stand in a cluster file",
                    arg);
    if (vm->nics_count == NICS_MAX)
        usage_error("-nic: more than %d network cards", NICS_MAX);
    struct nic_config *nic = &vm->nics[vm->nics_count];
    *nic = (struct nic_config){.link = cluster_default_link(&o->cluster)};
    cluster_default_mac(nic->mac, 0, vm->nics_count++);
    while ((value = next_pair(&rest, &key)) != NULL)
        if (!(strcmp(key, "mac") == 0 && value_mac(value, nic->mac)) &&
            !(strcmp(key, "model") == 0 &&
              (strcmp(value, "virtio") == 0 || strcmp(value, "virtio-net-pci") == 0)) &&
            !(strcmp(key, "hostfwd") == 0 && parse_hostfwd(&o->cluster, value)))
            usage_error("-nic: \"%s=%s\" is not understood (mac=02:00:00:00:00:01, model=virtio, "
                        "hostfwd=tcp:127.0.0.1:2222-:22)", key, value);
    free(copy);
    o->cluster.networks[0] = (struct network_config){.name = "user", .gateway = true};
    o->cluster.networks_count = 1;
}

static void parse_pcap(struct record_options *o, const char *arg)
{
    const char *colon = strchr(arg, ':');
    if (colon == NULL || colon == arg || colon[1] == 0)
        usage_error("--pcap %s: wanted NETWORK:FILE", arg);
    if (o->pcaps_count == PCAPS_MAX)
        usage_error("more than %d --pcap", PCAPS_MAX);
    o->pcaps[o->pcaps_count++] = (struct pcap_option){
        cluster_keep(&o->cluster, xasprintf("%.*s", (int)(colon - arg), arg)), colon + 1};
}

static void list_models(void)
{
    for (unsigned i = 0; mips_model_at(i) != NULL; i++)
        puts(mips_model_at(i)->name);
    exit(0);
}

static void parse_device(struct vm_options *vm, const char *arg)
{
    if (strncmp(arg, "virtio-rng", 10) == 0)
        vm->virtio_rng = true;
    else if (strncmp(arg, "virtio-serial", 13) == 0)
        vm->virtio_console = true;
    else if (strncmp(arg, "virtio-balloon", 14) == 0)
        vm->virtio_balloon = true;
    else
        usage_error("-device %s: there are virtio-rng-pci, virtio-serial-pci and "
                    "virtio-balloon-pci", arg);
}

static void parse_processor(struct vm_options *vm, int key, const char *arg)
{
    if (key == OPT_CLOCK) {
        uint64_t mhz = parse_number("-clock", arg);
        if (mhz < 1 || mhz > 10000)
            usage_error("-clock %s: wanted 1 to 10000 (MHz)", arg);
        vm->cpu_hz = mhz * 1000000;
    } else {
        if (strcmp(arg, "big") != 0 && strcmp(arg, "little") != 0)
            usage_error("-endian %s: wanted little or big", arg);
        vm->big_endian = arg[0] == 'b';
    }
}

/* What describes the one VM of the command line. */
static error_t parse_machine(int key, const char *arg, struct record_options *o)
{
    struct vm_options *vm = &o->cluster.vms[0];
    switch (key) {
    case 'M':
        vm->board = arg;
        break;
    case OPT_CPU:
        if (strcmp(arg, "help") == 0)
            list_models();
        vm->cpu = arg;
        break;
    case 'm':
        vm->memory = parse_size(strncmp(arg, "size=", 5) == 0 ? arg + 5 : arg);
        break;
    case OPT_SMP:
        if (strcmp(arg, "1") != 0)
            usage_error("-smp %s: one processor is all there is so far", arg);
        break;
    case OPT_KERNEL:
        vm->kernel = arg;
        break;
    case OPT_INITRD:
        vm->initrd = arg;
        break;
    case OPT_APPEND:
        vm->append = arg;
        break;
    case OPT_BIOS:
        vm->bios = arg;
        break;
    case OPT_DRIVE:
        parse_drive(&o->cluster, arg);
        break;
    case OPT_HDA: /* a comma is part of the name, as in qemu */
        add_drive(vm)->path = arg;
        break;
    case OPT_DEVICE:
        parse_device(vm, arg);
        break;
    case OPT_NIC:
        parse_nic(o, arg);
        break;
    case OPT_NET:
        if (strcmp(arg, "none") != 0)
            usage_error("-net %s: only none is understood; -nic user makes a card", arg);
        break;
    case OPT_RTC:
        parse_rtc(vm, arg);
        break;
    case OPT_CLOCK:
    case OPT_ENDIAN:
        parse_processor(vm, key, arg);
        break;
    default:
        return key == OPT_NOGRAPHIC ? 0 : ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* What may stand beside a cluster file, too. */
static error_t parse_any(int key, const char *arg, struct record_options *o)
{
    struct cluster *c = &o->cluster;
    switch (key) {
    case OPT_SEED:
        c->seed = c->vms[0].seed = parse_number("-seed", arg);
        o->seed_given = c->vms[0].seed_given = true;
        return 0;
    case OPT_NOREBOOT:
        c->no_reboot = true;
        return 0;
    case OPT_SHARE:
        if (!value_share(arg, &c->share))
            usage_error("--share %s: wanted some of disk,net,content,boot, or all or none", arg);
        o->share_given = true;
        return 0;
    case OPT_THREADS: {
        uint64_t threads = parse_number("--threads", arg);
        if (threads < 1 || threads > THREADS_MAX)
            usage_error("--threads %s: wanted 1 to %d", arg, THREADS_MAX);
        c->threads = (unsigned)threads;
        return 0;
    }
    case OPT_PCAP:
        parse_pcap(o, arg);
        return 0;
    case OPT_UNTIL:
        c->vms[0].until_text = unescape(c, "--until-text", arg);
        if (c->vms[0].until_text[0] == 0)
            usage_error("--until-text: the text is empty");
        return 0;
    case OPT_REPLY:
        parse_reply(c, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_run(int key, const char *arg, struct record_options *o)
{
    switch (key) {
    case 'o':
        o->output = strcmp(arg, "none") == 0 ? NULL : arg;
        o->output_given = true;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case OPT_TIMEOUT: {
        char *end;
        o->timeout = strtod(arg, &end);
        if (end == arg || *end != 0 || !(o->timeout > 0 && o->timeout <= 1e9))
            usage_error("--timeout %s: wanted seconds, more than 0 and up to 1e9", arg);
        return 0;
    }
    case OPT_STOP:
        o->stop_after = parse_number("--stop-after", arg);
        return 0;
    case OPT_ENGINE:
        o->engine = engine_parse(arg);
        return 0;
    case OPT_STATS:
        o->stats = true;
        return 0;
    default:
        return parse_any(key, arg, o);
    }
}

struct parser {
    struct record_options *o;
    const char *vm_option; /* the first option that describes a VM */
};

static const char *option_name(int key)
{
    const struct argp_option *option = options;
    while (option->key != key)
        option++;
    return option->name;
}

static void check_all(const struct parser *p)
{
    const struct record_options *o = p->o;
    const struct vm_options *vm = &o->cluster.vms[0];
    if (o->cluster_file != NULL && p->vm_option != NULL)
        usage_error("-%s: does not go with the cluster file %s, which describes all VMs",
                    p->vm_option, o->cluster_file);
    if (o->cluster_file == NULL && vm->kernel == NULL && vm->bios == NULL)
        usage_error("nothing to boot: give -kernel or -bios, or a cluster file");
    for (size_t i = 0; o->cluster_file == NULL && i < o->pcaps_count; i++)
        if (o->cluster.networks_count == 0 || strcmp(o->pcaps[i].network, "user") != 0)
            usage_error("--pcap: there is no network \"%s\" (-nic user makes a network \"user\")",
                        o->pcaps[i].network);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct parser *p = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        usage_quiet(state);
        return 0;
    case ARGP_KEY_ARG:
        if (p->o->cluster_file != NULL)
            usage_error("%s: a second cluster file", arg);
        p->o->cluster_file = arg;
        return 0;
    case ARGP_KEY_END:
        check_all(p);
        return 0;
    default:
        break;
    }
    if (parse_run(key, arg, p->o) == 0)
        return 0;
    error_t result = parse_machine(key, arg, p->o);
    if (result == 0 && p->vm_option == NULL && key != OPT_NOGRAPHIC)
        p->vm_option = option_name(key);
    return result;
}

void options_parse(struct record_options *o, int argc, char **argv)
{
    *o = (struct record_options){
        .output = "trace.zst",
        .stop_after = UINT64_MAX,
        .engine = engine_default(),
    };
    cluster_init(&o->cluster);
    cluster_vm_init(&o->cluster.vms[0]);
    o->cluster.vms[0].name = "vm0";
    o->cluster.vms_count = 1;
    struct parser p = {.o = o};
    const struct argp argp = {options, parse, "-kernel FILE\nCLUSTER", doc, NULL, NULL, NULL};
    usage_parse(&argp, argc, argv, ARGP_LONG_ONLY, &p);
}

void options_free(struct record_options *o)
{
    cluster_free(&o->cluster);
}

void options_override(const struct record_options *o, struct cluster *c)
{
    const struct cluster *own = &o->cluster;
    if (o->seed_given)
        c->seed = own->seed;
    if (o->share_given)
        c->share = own->share;
    if (own->threads != 0)
        c->threads = own->threads;
    c->no_reboot = c->no_reboot || own->no_reboot;
    if (own->vms[0].until_text != NULL)
        c->vms[0].until_text = own->vms[0].until_text;
    if (own->vms[0].replies_count != 0) {
        memcpy(c->vms[0].replies, own->vms[0].replies, sizeof own->vms[0].replies);
        c->vms[0].replies_count = own->vms[0].replies_count;
    }
}
