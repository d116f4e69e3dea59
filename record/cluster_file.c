/*
 * The cluster file. Each group has a table of its keys; a VM's group is read
 * on top of the group `defaults`, so what it says itself wins. A VM that
 * stands for several (`count`) is read once for each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mips/mips.h"
#include "record/cluster_link.h"
#include "record/cluster_scan.h"
#include "record/image.h"
#include "record/value.h"

#define FILE_SIZE_MAX (1 << 20)

/* ---- machine and networks ---- */

#define AT(type, member) offsetof(struct type, member)
#define A_BOOL           "true or false"

static const struct key machine_keys[] = {
    KEY_RANGE("memory", keys_read_bytes, AT(cluster, machine_memory),
              "machine memory such as \"512M\", from 1M to 512G", 1u << 20, UINT64_C(512) << 30),
    KEY_RANGE("epoch", keys_read_epoch, AT(cluster, epoch_ns),
              "whole microseconds, \"10us\" to \"10ms\"", 10000, 10000000),
    KEY_RANGE("threads", keys_read_u32, AT(cluster, threads), "threads of the host, 1 to 64", 1,
              THREADS_MAX),
    KEY_RANGE("seed", keys_read_u64, AT(cluster, seed), "a number that is not negative", 0,
              INT64_MAX),
    KEY("share", keys_read_share, AT(cluster, share),
        "\"all\", \"none\", or some of \"disk,net,content,boot\""),
    KEY_RANGE("scan", keys_read_u64, AT(cluster, scan_rate), "pages per second, 1 to 100000000", 1,
              100000000),
    KEY("no_reboot", keys_read_bool, AT(cluster, no_reboot), A_BOOL),
};

/* A network, while it is read. */
struct network_group {
    struct network_config network;
    struct hostfwds forwards;
    struct link_config link;
};

static int read_hostfwd(struct reader *r, const config_setting_t *s, const struct key *key,
                        void *to)
{
    struct hostfwds *f = to;
    if (!config_setting_is_list(s))
        return keys_bad_value(r, s, key);
    if (config_setting_length(s) > HOSTFWDS_MAX)
        return keys_fail(r, s, "hostfwd: more than %d", HOSTFWDS_MAX);
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *one = config_setting_get_elem(s, (unsigned)i);
        const char *text = keys_text(r, one);
        if (text == NULL || !hostfwd_parse(text, &f->fwd[f->count++]))
            return keys_bad_value(r, one, key);
    }
    return 0;
}

static const struct key network_keys[] = {
    KEY("name", keys_read_name, AT(network_group, network.name),
        "a name of letters, digits, \"-\", \"_\" and \".\", up to 32"),
    KEY("gateway", keys_read_bool, AT(network_group, network.gateway), A_BOOL),
    KEY("hostfwd", read_hostfwd, AT(network_group, forwards), "a list of texts " HOSTFWD_WANTED),
    KEYS_OF(link_keys, AT(network_group, link)),
};

static size_t network_named(const struct cluster *c, const char *name)
{
    size_t i = 0;
    while (i < c->networks_count && strcmp(c->networks[i].name, name) != 0)
        i++;
    return i;
}

static int read_networks(struct reader *r, const config_setting_t *s)
{
    struct cluster *c = r->c;
    TRY(keys_check_list(r, s, "networks", NETWORKS_MAX));
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *group = config_setting_get_elem(s, (unsigned)i);
        struct network_group n = {.link = cluster_default_link(c)};
        TRY(keys_read_group(r, group, network_keys, ARRAY_LEN(network_keys), &n));
        if (n.network.name == NULL)
            return keys_fail(r, group, "a network without a name");
        if (network_named(c, n.network.name) != c->networks_count)
            return keys_fail(r, group, "a second network \"%s\"", n.network.name);
        TRY(link_check(r, group, &n.link));
        if (n.forwards.count != 0 && !n.network.gateway)
            return keys_fail(r, config_setting_get_member(group, "hostfwd"),
                             "hostfwd: network \"%s\" has no gateway", n.network.name);
        r->links[c->networks_count] = n.link;
        c->forwards[c->networks_count] = n.forwards;
        c->networks[c->networks_count++] = n.network;
    }
    return 0;
}

/* ---- disks and cards ---- */

static int read_interface(struct reader *r, const config_setting_t *s, const struct key *key,
                          void *to)
{
    const char *text = keys_text(r, s);
    if (text == NULL || (strcmp(text, "ide") != 0 && strcmp(text, "virtio") != 0))
        return keys_bad_value(r, s, key);
    *(enum disk_interface *)to = text[0] == 'i' ? DISK_IDE : DISK_VIRTIO;
    return 0;
}

static int read_serial(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    if (text == NULL || text[0] == 0 || strlen(text) > SERIAL_MAX)
        return keys_bad_value(r, s, key);
    strcpy(to, text);
    return 0;
}

/* Others are known by name, so that the refusal can say what to do. */
static int read_format(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    struct disk_option *d = to;
    const char *text = keys_text(r, s);
    if (text == NULL || (strcmp(text, "raw") != 0 && !image_is_format(text)))
        return keys_bad_value(r, s, key);
    d->raw = strcmp(text, "raw") == 0;
    d->format = d->raw ? NULL : text;
    return 0;
}

static const struct key disk_keys[] = {
    KEY("file", keys_read_path, AT(disk_option, path), "a file's name"),
    KEY("format", read_format, 0, "\"raw\""),
    KEY("interface", read_interface, AT(disk_option, interface), "\"ide\" or \"virtio\""),
    KEY("read_only", keys_read_bool, AT(disk_option, read_only), A_BOOL),
    KEY("persistent", keys_read_bool, AT(disk_option, persistent), A_BOOL),
    KEY("serial", read_serial, AT(disk_option, serial), "1 to 20 characters"),
};

static int read_disks(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    struct vm_options *vm = to;
    TRY(keys_check_list(r, s, key->name, DISKS_MAX));
    vm->disks_count = 0;
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *group = config_setting_get_elem(s, (unsigned)i);
        struct disk_option *d = &vm->disks[vm->disks_count++];
        *d = (struct disk_option){.interface = DISK_IDE};
        snprintf(d->serial, sizeof d->serial, "disco%d", i);
        TRY(keys_read_group(r, group, disk_keys, ARRAY_LEN(disk_keys), d));
        if (d->path == NULL)
            return keys_fail(r, group, "a disk without a file");
        if (d->read_only && d->persistent)
            return keys_fail(r, group, "a disk cannot be both read_only and persistent");
    }
    return 0;
}

static int read_network(struct reader *r, const config_setting_t *s, const struct key *key,
                        void *to)
{
    const char *name = keys_text(r, s);
    if (name == NULL)
        return keys_bad_value(r, s, key);
    size_t i = network_named(r->c, name);
    if (i == r->c->networks_count)
        return keys_fail(r, s, "no network \"%.60s\" under networks", name);
    *(uint32_t *)to = (uint32_t)i;
    return 0;
}

static const struct key nic_keys[] = {
    KEY("network", read_network, AT(nic_config, network), "the name of a network"),
    KEY("mac", keys_read_mac, AT(nic_config, mac), "an address such as \"02:00:00:00:00:01\""),
    KEYS_OF(link_keys, AT(nic_config, link)),
};

static int read_nics(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    struct vm_options *vm = to;
    TRY(keys_check_list(r, s, key->name, NICS_MAX));
    vm->nics_count = 0;
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *group = config_setting_get_elem(s, (unsigned)i);
        const config_setting_t *network = config_setting_get_member(group, "network");
        struct nic_config *nic = &vm->nics[vm->nics_count++];
        *nic = (struct nic_config){0};
        if (network == NULL)
            return keys_fail(r, group, "a network card without a network");
        TRY(read_network(r, network, &nic_keys[0], &nic->network));
        nic->link = r->links[nic->network];
        cluster_default_mac(nic->mac, r->c->vms_count, (size_t)i);
        TRY(keys_read_group(r, group, nic_keys, ARRAY_LEN(nic_keys), nic));
        TRY(link_check(r, group, &nic->link));
    }
    return 0;
}

/* ---- VMs ---- */

static int read_cpu(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    struct mips_model model;
    const char *text = keys_text(r, s);
    if (text == NULL || !mips_model_parse(text, &model))
        return keys_bad_value(r, s, key);
    *(const char **)to = text;
    return 0;
}

static int read_endian(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    if (text == NULL || (strcmp(text, "big") != 0 && strcmp(text, "little") != 0))
        return keys_bad_value(r, s, key);
    *(bool *)to = text[0] == 'b';
    return 0;
}

static int read_wall_clock(struct reader *r, const config_setting_t *s, const struct key *key,
                           void *to)
{
    const char *text = keys_text(r, s);
    if (text != NULL && strcmp(text, "utc") == 0) {
        *(uint64_t *)to = r->now;
        return 0;
    }
    return text != NULL && value_date(text, to) ? 0 : keys_bad_value(r, s, key);
}

static int read_vm_seed(struct reader *r, const config_setting_t *s, const struct key *key,
                        void *to)
{
    struct vm_options *vm = to;
    vm->seed_given = true;
    return keys_read_u64(r, s, key, &vm->seed);
}

static int read_console(struct reader *r, const config_setting_t *s, const struct key *key,
                        void *to)
{
    static const char *const kinds[] = {
        [CONSOLE_TERMINAL] = "terminal", [CONSOLE_FILE] = "file:", [CONSOLE_PIPE] = "pipe:",
        [CONSOLE_PTY] = "pty",           [CONSOLE_NONE] = "none",
    };
    struct vm_options *vm = to;
    const char *text = keys_text(r, s);
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(kinds); i++) {
        size_t n = strlen(kinds[i]);
        bool path = kinds[i][n - 1] == ':';
        if (path ? strncmp(text, kinds[i], n) != 0 || text[n] == 0 : strcmp(text, kinds[i]) != 0)
            continue;
        vm->console = (enum console_kind)i;
        vm->console_path = path ? keys_path(r, s, text + n) : NULL;
        return 0;
    }
    return keys_bad_value(r, s, key);
}

static int read_until(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    if (text == NULL || text[0] == 0)
        return keys_bad_value(r, s, key);
    *(const char **)to = text;
    return 0;
}

static int read_replies(struct reader *r, const config_setting_t *s, const struct key *key,
                        void *to)
{
    struct vm_options *vm = to;
    if (!config_setting_is_list(s) || config_setting_length(s) > REPLIES_MAX)
        return keys_bad_value(r, s, key);
    vm->replies_count = 0;
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *pair = config_setting_get_elem(s, (unsigned)i);
        const char *text = NULL, *answer = NULL;
        if (config_setting_is_aggregate(pair) && config_setting_length(pair) == 2) {
            text = keys_text(r, config_setting_get_elem(pair, 0));
            answer = keys_text(r, config_setting_get_elem(pair, 1));
        }
        if (text == NULL || answer == NULL || text[0] == 0)
            return keys_bad_value(r, pair, key);
        vm->replies[vm->replies_count++] = (struct reply_option){text, answer};
    }
    return 0;
}

static int read_own_name(struct reader *r, const config_setting_t *s, const struct key *key,
                         void *to)
{
    if (r->in_defaults)
        return keys_fail(r, s, "name: stands in vms, not in defaults");
    return keys_read_text(r, s, key, to);
}

/* It was looked at before the rest of the group. */
static int read_count(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    uint32_t count;
    (void)to;
    if (r->in_defaults)
        return keys_fail(r, s, "count: stands in vms, not in defaults");
    return keys_read_u32(r, s, key, &count);
}

#define RAM_MAX (UINT64_C(1792) << 20)

static const struct key vm_keys[] = {
    KEY("name", read_own_name, AT(vm_options, name), "a name"),
    KEY_RANGE("count", read_count, 0, "1 to 16", 1, VMS_MAX),
    KEY("kernel", keys_read_path, AT(vm_options, kernel), "a file's name"),
    KEY("initrd", keys_read_path, AT(vm_options, initrd), "a file's name"),
    KEY("bios", keys_read_path, AT(vm_options, bios), "a file's name"),
    KEY("append", keys_read_text, AT(vm_options, append), "a text of up to 4096 characters"),
    KEY_RANGE("memory", keys_read_bytes, AT(vm_options, memory),
              "RAM such as \"256M\", from 1M to 1792M", 1u << 20, RAM_MAX),
    KEY("cpu", read_cpu, AT(vm_options, cpu), "a processor that \"disco-record -cpu help\" lists"),
    KEY("endian", read_endian, AT(vm_options, big_endian), "\"little\" or \"big\""),
    KEY_RANGE("clock", keys_read_clock, AT(vm_options, cpu_hz), "MHz, 1 to 10000", 1, 10000),
    KEY("wall_clock", read_wall_clock, AT(vm_options, wall_clock),
        "\"utc\" or a date such as \"2026-01-31T12:00:00\""),
    KEY_RANGE("seed", read_vm_seed, 0, "a number that is not negative", 0, INT64_MAX),
    KEY("disks", read_disks, 0, "a list"),
    KEY("nics", read_nics, 0, "a list"),
    KEY("rng", keys_read_bool, AT(vm_options, virtio_rng), A_BOOL),
    KEY("virtio_console", keys_read_bool, AT(vm_options, virtio_console), A_BOOL),
    KEY("balloon", keys_read_bool, AT(vm_options, virtio_balloon), A_BOOL),
    KEY_RANGE("memory_min", keys_read_bytes, AT(vm_options, memory_min), "a size such as \"64M\"",
              0, RAM_MAX),
    KEY_RANGE("memory_max", keys_read_bytes, AT(vm_options, memory_max), "a size such as \"64M\"",
              1u << 20, RAM_MAX),
    KEY_RANGE("shares", keys_read_u32, AT(vm_options, shares), "1 to 1000000", 1, 1000000),
    KEY("console", read_console, 0,
        "\"terminal\", \"file:PATH\", \"pipe:PATH\", \"pty\" or \"none\""),
    KEY("until", read_until, AT(vm_options, until_text), "a text of 1 to 4096 characters"),
    KEY("replies", read_replies, 0, "up to 64 pairs of texts: ( (\"login:\", \"root\\n\"), ... )"),
};

/* The name as it is given, or the number behind it, or one made up. */
static int name_vm(struct reader *r, const config_setting_t *group, struct vm_options *vm)
{
    const config_setting_t *said = config_setting_get_member(group, "name");
    if (vm->name == NULL)
        vm->name = cluster_keep(r->c, xasprintf("vm%zu", r->c->vms_count));
    else if (r->number >= 0 && strstr(config_setting_get_string(said), "%d") == NULL)
        vm->name = cluster_keep(r->c, xasprintf("%s%d", vm->name, r->number));
    if (!value_is_name(vm->name))
        return keys_fail(r, said,
                         "name = \"%.60s\": wanted letters, digits, \"-\", \"_\" and "
                         "\".\", up to 32",
                         vm->name);
    for (size_t i = 0; i < r->c->vms_count; i++)
        if (strcmp(r->c->vms[i].name, vm->name) == 0)
            return keys_fail(r, group, "a second VM \"%s\"", vm->name);
    return 0;
}

/* What no key alone can tell. */
static int check_vm(struct reader *r, const config_setting_t *group, const struct vm_options *vm)
{
    if (vm->kernel == NULL && vm->bios == NULL)
        return keys_fail(r, group, "VM %s has nothing to boot: kernel or bios is wanted", vm->name);
    if (vm->memory_min > vm->memory || vm->memory_max > vm->memory ||
        (vm->memory_max != 0 && vm->memory_min > vm->memory_max))
        return keys_fail(r, group, "VM %s: wanted memory_min <= memory_max <= memory", vm->name);
    for (size_t i = 0; i < r->c->vms_count; i++) {
        const struct vm_options *other = &r->c->vms[i];
        if (vm->console_path != NULL && other->console_path != NULL &&
            strcmp(vm->console_path, other->console_path) == 0)
            return keys_fail(r, group, "VMs %s and %s have one console \"%s\"", other->name,
                             vm->name, vm->console_path);
    }
    return 0;
}

/* No two cards on a network may have one address. */
static int check_macs(struct reader *r, const config_setting_t *group)
{
    const struct cluster *c = r->c;
    const struct vm_options *last = &c->vms[c->vms_count - 1];
    for (size_t v = 0; v < c->vms_count; v++)
        for (size_t i = 0; i < c->vms[v].nics_count; i++)
            for (size_t k = 0; k < last->nics_count; k++) {
                const struct nic_config *a = &c->vms[v].nics[i], *b = &last->nics[k];
                if (a != b && a->network == b->network && memcmp(a->mac, b->mac, 6) == 0)
                    return keys_fail(r, group, "VMs %s and %s have cards of one mac on network %s",
                                     c->vms[v].name, last->name, c->networks[a->network].name);
            }
    return 0;
}

static int read_vm(struct reader *r, const config_setting_t *defaults,
                   const config_setting_t *group)
{
    struct cluster *c = r->c;
    if (c->vms_count == VMS_MAX)
        return keys_fail(r, group, "more than %d VMs", VMS_MAX);
    struct vm_options *vm = &c->vms[c->vms_count];
    cluster_vm_init(vm);
    vm->wall_clock = r->now;
    r->in_defaults = true;
    if (defaults != NULL)
        TRY(keys_read_group(r, defaults, vm_keys, ARRAY_LEN(vm_keys), vm));
    r->in_defaults = false;
    TRY(keys_read_group(r, group, vm_keys, ARRAY_LEN(vm_keys), vm));
    TRY(name_vm(r, group, vm));
    TRY(check_vm(r, group, vm));
    c->vms_count++;
    return check_macs(r, group);
}

static int read_vms(struct reader *r, const config_setting_t *s, const config_setting_t *defaults)
{
    TRY(keys_check_list(r, s, "vms", VMS_MAX));
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *group = config_setting_get_elem(s, (unsigned)i);
        const config_setting_t *count = config_setting_get_member(group, "count");
        int n = 1;
        if (count != NULL) {
            TRY(read_count(r, count, &vm_keys[1], NULL));
            n = config_setting_get_int(count);
        }
        for (int k = 0; k < n; k++) {
            r->number = count != NULL ? k : -1;
            TRY(read_vm(r, defaults, group));
        }
        r->number = -1;
    }
    return 0;
}

/* ---- the file ---- */

static int check_claims(struct reader *r, const config_setting_t *machine)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->c->vms_count; i++)
        sum += r->c->vms[i].memory_min;
    if (r->c->machine_memory != 0 && sum > r->c->machine_memory)
        return keys_fail(r, machine,
                         "the VMs' memory_min add up to %llu MiB, more than the machine's "
                         "memory",
                         (unsigned long long)(sum >> 20));
    return 0;
}

static int read_root(struct reader *r, const config_setting_t *root)
{
    static const char *const names[] = {"machine", "networks", "defaults", "vms"};
    const config_setting_t *part[4] = {NULL};
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
        size_t k = 0;
        while (k < ARRAY_LEN(names) && strcmp(names[k], config_setting_name(s)) != 0)
            k++;
        if (k == ARRAY_LEN(names))
            return keys_fail(r, s,
                             "unknown key \"%.60s\" (there are machine, networks, defaults "
                             "and vms)",
                             config_setting_name(s));
        if ((k == 0 || k == 2) && !config_setting_is_group(s))
            return keys_fail(r, s, "%s: wanted a group: { ... }", names[k]);
        part[k] = s;
    }
    if (part[3] == NULL || (config_setting_is_list(part[3]) && config_setting_length(part[3]) == 0))
        return err_set(r->e, ERR_USAGE, "%s: no VMs: vms = ( { ... } ) is missing", r->path);
    if (part[0] != NULL)
        TRY(keys_read_group(r, part[0], machine_keys, ARRAY_LEN(machine_keys), r->c));
    if (part[1] != NULL)
        TRY(read_networks(r, part[1]));
    TRY(read_vms(r, part[3], part[2]));
    /* Long epochs make less work. Only a network makes them felt: nothing crosses it in less. */
    bool said = part[0] != NULL && config_setting_get_member(part[0], "epoch") != NULL;
    if (!said && part[1] == NULL && r->c->vms_count > 1)
        r->c->epoch_ns = EPOCH_NS_APART;
    return part[0] == NULL ? 0 : check_claims(r, part[0]);
}

/* The whole file with a 0 behind it, malloc'ed. */
static int load(const char *path, char **text, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        ERR(e, ERR_IO, "%s: %s", path, strerror(saved));
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_SIZE_MAX) {
        close(fd);
        ERR(e, ERR_USAGE, "%s: %s", path,
            S_ISREG(st.st_mode) ? "larger than 1 MiB; that is no cluster file"
                                : "not a regular file");
    }
    *text = xcalloc((size_t)st.st_size + 1, 1);
    ssize_t n = 0, got;
    while ((got = read(fd, *text + n, (size_t)(st.st_size - n))) > 0 || (got < 0 && errno == EINTR))
        n += got > 0 ? got : 0;
    int error = errno;
    close(fd);
    if (got == 0 && memchr(*text, 0, (size_t)n) == NULL)
        return 0;
    free(*text);
    if (got < 0)
        ERR(e, ERR_IO, "%s: cannot be read: %s", path, strerror(error));
    ERR(e, ERR_USAGE,
        "%s: holds a character 0; that is no cluster file (a kernel stands behind -kernel)", path);
}

int cluster_read(struct cluster *c, const char *path, struct err *e)
{
    cluster_init(c);
    c->file = path;
    char *text = NULL;
    TRY(load(path, &text, e));
    int result = cluster_scan(text, path, e);
    if (result == 0) {
        const char *slash = strrchr(path, '/');
        struct reader r = {.c = c, .path = path, .e = e, .number = -1, .now = (uint64_t)time(NULL)};
        r.folder = xasprintf("%.*s", slash == NULL ? 0 : (int)(slash + 1 - path), path);
        config_t config;
        config_init(&config);
        if (config_read_string(&config, text) != CONFIG_TRUE)
            result = err_set(e, ERR_USAGE, "%s:%d: %s", path, config_error_line(&config),
                             config_error_text(&config));
        else
            result = read_root(&r, config_root_setting(&config));
        config_destroy(&config);
        free(r.folder);
    }
    free(text);
    return result;
}
