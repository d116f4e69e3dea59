#include "record/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/base/usage.h"
#include "core/engine_option.h"

static const char doc[] =
    "Run a MIPS machine and record it, so that disco-replay can replay the run bit for bit and "
    "step it backward.\v"
    "The guest's serial console is this terminal: Ctrl-A x ends the run, Ctrl-A h lists the other "
    "keys. Piped input is typed once the guest listens; its end does not end the guest.\n"
    "\n"
    "Examples:\n"
    "  disco-record -o boot.zst -kernel vmlinuz -initrd initrd.gz -append console=ttyS0\n"
    "  disco-record -o fail.zst -kernel vmlinux -append 'console=ttyS0 panic=1' -no-reboot "
    "--timeout 60\n"
    "  disco-record -o t.zst -kernel vmlinux -initrd rd.gz --reply '# =poweroff -f\\n'\n"
    "\n"
    "Exit status: 0 when the guest powered off or a stop that was asked for came (Ctrl-A x, "
    "--until-text, --stop-after), 1 on an error, 3 when --timeout ended the run or nothing could "
    "wake the sleeping guest. The trace is whole in all these cases.";

enum {
    OPT_KERNEL = 0x100, OPT_INITRD, OPT_APPEND, OPT_CPU, OPT_DRIVE, OPT_HDA, OPT_RTC, OPT_BIOS,
    OPT_TIMEOUT, OPT_UNTIL, OPT_STOP, OPT_REPLY, OPT_SEED, OPT_NOREBOOT, OPT_NOGRAPHIC,
    OPT_DEVICE, OPT_SMP, OPT_CLOCK, OPT_ENDIAN, OPT_ENGINE, OPT_STATS,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Machine:", 1},
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
    {"drive", OPT_DRIVE, "file=FILE[,if=virtio|ide][,readonly=on][,serial=S]", 0,
     "disk; writes go to memory and never to FILE", 1},
    {"hda", OPT_HDA, "FILE", 0, "short for -drive file=FILE,if=ide", 1},
    {"device", OPT_DEVICE, "NAME", 0, "virtio-rng-pci or virtio-serial-pci (a console)", 1},
    {"rtc", OPT_RTC, "base=utc|DATE", 0, "clock at power-on: now, or 2026-01-31T12:00:00", 1},
    {"seed", OPT_SEED, "N", 0, "seed of virtio-rng (from the host)", 1},
    {"clock", OPT_CLOCK, "MHZ", 0, "virtual processor clock (100): instructions per virtual "
     "microsecond", 1},
    {"endian", OPT_ENDIAN, "little|big", 0, "byte order for a raw image; ELF files tell theirs", 1},
    {"no-reboot", OPT_NOREBOOT, NULL, 0, "end when the guest resets the machine", 1},
    {"nographic", OPT_NOGRAPHIC, NULL, 0, "accepted for qemu's sake: it is always so", 1},
    {NULL, 0, NULL, 0, "Recording:", 2},
    {"output", 'o', "FILE", 0, "the trace (trace.zst); \"none\" runs without recording", 2},
    {"timeout", OPT_TIMEOUT, "SECONDS", 0, "end after this much host time", 2},
    {"until-text", OPT_UNTIL, "TEXT", 0, "end when the console has printed TEXT", 2},
    {"stop-after", OPT_STOP, "N", 0, "end after exactly N instructions", 2},
    {"reply", OPT_REPLY, "TEXT=ANSWER", 0, "when the console prints TEXT, type ANSWER (\\n, \\r, "
     "\\t, \\xNN, \\\\); several are used one after the other", 2},
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

/* A copy of `s` with its escapes resolved; ends the program if that is no text. */
static char *unescape(const char *option, const char *s)
{
    char *out = xmalloc(strlen(s) + 1), *to = out;
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
    char *end;
    errno = 0;
    uint64_t v = strtoull(arg, &end, 0);
    unsigned shift = 20;
    if (*end != 0) {
        shift = *end == 'K' || *end == 'k' ? 10 : *end == 'M' || *end == 'm' ? 20
              : *end == 'G' || *end == 'g' ? 30 : 0;
        end++;
    }
    if (errno != 0 || shift == 0 || *end != 0 || arg[0] == '-' || v == 0 || v >> (40 - shift) != 0 ||
        (v << shift) % PAGE_SIZE != 0)
        usage_error("-m %s: not a memory size (examples: 128, 256M, 1G)", arg);
    return v << shift;
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

static struct drive_option *add_drive(struct record_options *o)
{
    if (o->drives_count == DISKS_MAX)
        usage_error("more than %d drives", DISKS_MAX);
    struct drive_option *d = &o->drives[o->drives_count];
    *d = (struct drive_option){.interface = DISK_IDE};
    snprintf(d->serial, sizeof d->serial, "disco%zu", o->drives_count++);
    return d;
}

static void parse_drive(struct record_options *o, const char *arg)
{
    struct drive_option *d = add_drive(o);
    char *rest = xstrdup(arg), *key, *value;
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
        } else if (strcmp(key, "format") != 0 || strcmp(value, "raw") != 0) {
            usage_error("-drive: \"%s=%s\" is not understood (file=, if=ide|virtio, "
                       "format=raw, readonly=on|off, serial= of 1 to 20 characters)", key, value);
        }
    }
    if (d->path == NULL)
        usage_error("-drive %s: file= is missing", arg);
}

static void parse_reply(struct record_options *o, const char *arg)
{
    if (o->replies_count == REPLIES_MAX)
        usage_error("more than %d replies", REPLIES_MAX);
    const char *eq = strchr(arg, '=');
    if (eq == NULL || eq == arg)
        usage_error("--reply %s: wanted TEXT=ANSWER", arg);
    char *text = xstrdup(arg);
    text[eq - arg] = 0;
    o->replies[o->replies_count++] = (struct reply_option){
        unescape("--reply", text), unescape("--reply", eq + 1)};
    free(text);
}

static void parse_rtc(struct record_options *o, const char *arg)
{
    struct tm tm = {0};
    if (strcmp(arg, "base=utc") == 0) {
        o->wall_clock = (uint64_t)time(NULL);
        return;
    }
    const char *end = NULL;
    if (strncmp(arg, "base=", 5) == 0) {
        end = strptime(arg + 5, "%Y-%m-%dT%H:%M:%S", &tm);
        if (end == NULL)
            end = strptime(arg + 5, "%Y-%m-%d", &tm);
    }
    if (end == NULL || *end != 0 || tm.tm_year < 70 || tm.tm_year > 199)
        usage_error("-rtc %s: wanted base=utc or base=2026-01-31[T12:00:00]", arg);
    o->wall_clock = (uint64_t)timegm(&tm);
}

static void list_models(void)
{
    for (unsigned i = 0; mips_model_at(i) != NULL; i++)
        puts(mips_model_at(i)->name);
    exit(0);
}

static error_t parse_machine(int key, char *arg, struct argp_state *state)
{
    struct record_options *o = state->input;
    switch (key) {
    case 'M':
        o->board = arg;
        break;
    case OPT_CPU:
        if (strcmp(arg, "help") == 0)
            list_models();
        o->cpu = arg;
        break;
    case 'm':
        o->memory = parse_size(strncmp(arg, "size=", 5) == 0 ? arg + 5 : arg);
        break;
    case OPT_SMP:
        if (strcmp(arg, "1") != 0)
            usage_error("-smp %s: one processor is all there is so far", arg);
        break;
    case OPT_KERNEL:
        o->kernel = arg;
        break;
    case OPT_INITRD:
        o->initrd = arg;
        break;
    case OPT_APPEND:
        o->append = arg;
        break;
    case OPT_BIOS:
        o->bios = arg;
        break;
    case OPT_DRIVE:
        parse_drive(o, arg);
        break;
    case OPT_HDA: /* a comma is part of the name, as in qemu */
        add_drive(o)->path = arg;
        break;
    case OPT_DEVICE:
        if (strncmp(arg, "virtio-rng", 10) == 0)
            o->virtio_rng = true;
        else if (strncmp(arg, "virtio-serial", 13) == 0)
            o->virtio_console = true;
        else
            usage_error("-device %s: there are virtio-rng-pci and virtio-serial-pci", arg);
        break;
    case OPT_RTC:
        parse_rtc(o, arg);
        break;
    case OPT_SEED:
        o->seed = parse_number("-seed", arg);
        break;
    case OPT_CLOCK: {
        uint64_t mhz = parse_number("-clock", arg);
        if (mhz < 1 || mhz > 10000)
            usage_error("-clock %s: wanted 1 to 10000 (MHz)", arg);
        o->cpu_hz = mhz * 1000000;
        break;
    }
    case OPT_ENDIAN:
        if (strcmp(arg, "big") != 0 && strcmp(arg, "little") != 0)
            usage_error("-endian %s: wanted little or big", arg);
        o->big_endian_wanted = arg[0] == 'b';
        break;
    case OPT_NOREBOOT:
        o->no_reboot = true;
        break;
    default:
        return key == OPT_NOGRAPHIC ? 0 : ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct record_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        usage_quiet(state);
        return 0;
    case 'o':
        o->output = strcmp(arg, "none") == 0 ? NULL : arg;
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
    case OPT_UNTIL:
        o->until_text = unescape("--until-text", arg);
        if (o->until_text[0] == 0)
            usage_error("--until-text: the text is empty");
        return 0;
    case OPT_STOP:
        o->stop_after = parse_number("--stop-after", arg);
        return 0;
    case OPT_REPLY:
        parse_reply(o, arg);
        return 0;
    case OPT_ENGINE:
        o->engine = engine_parse(arg);
        return 0;
    case OPT_STATS:
        o->stats = true;
        return 0;
    case ARGP_KEY_ARG:
        usage_error("%s: there are options only (a kernel stands behind -kernel)", arg);
        return 0;
    case ARGP_KEY_END:
        if (o->kernel == NULL && o->bios == NULL)
            usage_error("nothing to boot: give -kernel or -bios");
        return 0;
    default:
        return parse_machine(key, arg, state);
    }
}

void options_parse(struct record_options *o, int argc, char **argv)
{
    *o = (struct record_options){
        .output = "trace.zst",
        .append = "",
        .cpu = "24Kf",
        .board = "malta",
        .memory = 128u << 20,
        .cpu_hz = CPU_HZ_DEFAULT,
        .wall_clock = (uint64_t)time(NULL),
        .stop_after = UINT64_MAX,
        .engine = engine_default(),
    };
    if (getrandom(&o->seed, sizeof o->seed, 0) != sizeof o->seed)
        o->seed = o->wall_clock;
    const struct argp argp = {options, parse, "-kernel FILE", doc, NULL, NULL, NULL};
    usage_parse(&argp, argc, argv, ARGP_LONG_ONLY, o);
}
