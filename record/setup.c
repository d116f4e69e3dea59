#include "record/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/output.h"
#include "core/disk.h"
#include "core/loader.h"

static int open_file(const char *path, int flags, int *fd, struct stat *st, struct err *e)
{
    *fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
    if (*fd >= 0 && fstat(*fd, st) == 0)
        return 0;
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    ERR(e, ERR_IO, "%s: %s", path, strerror(saved));
}

/* The image of that file, a new one if there is none; its number. */
static uint32_t image_of(struct setup *s, const char *path, const struct stat *st)
{
    uint32_t i = 0;
    while (i < s->header.images_count &&
           (s->images[i].dev != st->st_dev || s->images[i].ino != st->st_ino))
        i++;
    if (i == s->header.images_count) {
        s->images[i] =
            (struct setup_image){.path = path, .dev = st->st_dev, .ino = st->st_ino, .fd = -1};
        s->header.images[i].name = xstrdup(path);
        s->header.images_count++;
    }
    return i;
}

/* Two names may stand for one file, which had better stay as it is between two looks at it. */
static int set_size(struct setup *s, uint32_t index, const char *path, uint64_t size, struct err *e)
{
    struct setup_image *im = &s->images[index];
    if (im->size != 0 && im->size != size)
        ERR(e, ERR_IO, "%s: changed while it was read", path);
    im->size = s->header.images[index].size = size;
    return 0;
}

static int copy_file(struct setup *s, uint32_t index, const char *path, int fd,
                     const struct stat *st, struct err *e)
{
    struct setup_image *im = &s->images[index];
    if (im->copy.data != NULL)
        return 0;
    TRY(image_read(&im->copy, path, fd, st, e));
    s->header.images[index].hash = im->copy.hash;
    return set_size(s, index, path, im->copy.size, e);
}

/* A kernel, initrd or bios, if `path` names one. */
static int add_file(struct setup *s, const char *path, struct config_image *image, uint32_t *index,
                    struct err *e)
{
    int fd;
    struct stat st;
    *index = TRACE_NO_IMAGE;
    if (path == NULL)
        return 0;
    TRY(open_file(path, O_RDONLY, &fd, &st, e));
    *index = image_of(s, path, &st);
    int result = copy_file(s, *index, path, fd, &st, e);
    close(fd);
    const struct image_copy *copy = &s->images[*index].copy;
    *image = (struct config_image){copy->data, copy->size};
    return result;
}

/* Programs that lock in the other way, such as qemu, are to keep away from what is written here,
 * and it from what they use. Where there are no such locks, there are none. */
static int lock_for_others(int fd, const struct disk_option *d, struct err *e)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!d->persistent || fcntl(fd, F_OFD_SETLK, &all) == 0 || (errno != EAGAIN && errno != EACCES))
        return 0;
    ERR(e, ERR_USAGE, "%s: another program uses this disk; it cannot be persistent here", d->path);
}

/* A reader's lock keeps writers away. Where there are no locks, only a writer minds. */
static int lock_disk(int fd, const struct disk_option *d, struct err *e)
{
    TRY(lock_for_others(fd, d, e));
    if (flock(fd, (d->persistent ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        ERR(e, ERR_USAGE, "%s: %s", d->path,
            d->persistent ? "another disco uses this disk; it cannot be persistent here"
                          : "another disco has it as a persistent disk");
    if (d->persistent)
        ERR(e, ERR_IO, "%s: a persistent disk cannot be locked here: %s", d->path, strerror(errno));
    return 0;
}

static int disk_size(int fd, const struct stat *st, const char *path, uint64_t *bytes,
                     struct err *e)
{
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        ERR(e, ERR_USAGE, "%s: neither a file nor a block device; it cannot be a disk", path);
    off_t size = S_ISBLK(st->st_mode) ? lseek(fd, 0, SEEK_END) : st->st_size;
    if (size < SECTOR_SIZE || size > (off_t)(DISK_SECTORS_MAX * SECTOR_SIZE))
        ERR(e, ERR_USAGE, "%s: a disk of %lld bytes; 512 bytes to 512 GiB will do", path,
            (long long)size);
    *bytes = (uint64_t)size;
    return 0;
}

/* An image of another kind is not a disk's content, unless the user says so. */
static int check_format(int fd, const struct disk_option *d, struct err *e)
{
    const char *format = d->format != NULL ? d->format : d->raw ? NULL : image_format(fd);
    return format == NULL ? 0 : image_refuse_format(d->path, format, e);
}

/* The first disk on an image brings its file; others may share it, unless it is persistent. */
static int open_disk(struct setup *s, unsigned vm, const struct disk_option *d, uint32_t *index,
                     struct err *e)
{
    int fd;
    struct stat st;
    TRY(open_file(d->path, d->persistent ? O_RDWR : O_RDONLY, &fd, &st, e));
    int result = check_format(fd, d, e);
    if (result < 0) {
        close(fd);
        return result;
    }
    *index = image_of(s, d->path, &st);
    struct setup_image *im = &s->images[*index];
    if (im->fd >= 0) {
        close(fd);
        if (!im->persistent && !d->persistent)
            return 0;
        ERR(e, ERR_USAGE, "%s: a persistent disk has one owner, and VMs %s and %s both have it",
            d->path, s->cluster.vms[im->owner].name, s->cluster.vms[vm].name);
    }
    im->fd = fd;
    im->owner = vm;
    im->persistent = d->persistent;
    im->found = st;
    uint64_t size = 0;
    TRY(disk_size(fd, &st, d->path, &size, e));
    TRY(set_size(s, *index, d->path, size, e));
    return lock_disk(fd, d, e);
}

static int add_disk(struct setup *s, unsigned v, const struct disk_option *d, struct err *e)
{
    struct vm_config *vm = &s->config.vms[v];
    struct trace_vm *tv = &s->header.vms[v];
    uint32_t image;
    TRY(open_disk(s, v, d, &image, e));
    vm->disks[vm->disks_count++] = (struct disk_config){
        .interface = d->interface,
        .image = image,
        .sectors = s->images[image].size / SECTOR_SIZE,
        .serial = d->serial,
        .read_only = d->read_only,
        .persistent = d->persistent,
    };
    tv->disks[tv->disks_count++] = (struct trace_disk){
        .image = image,
        .sectors = s->images[image].size / SECTOR_SIZE,
        .interface = xstrdup(d->interface == DISK_IDE ? "ide" : "virtio"),
        .serial = xstrdup(d->serial),
        .read_only = d->read_only,
        .persistent = d->persistent,
    };
    return 0;
}

/* The byte order is that of an ELF kernel. */
static int add_kernel(struct setup *s, unsigned v, struct err *e)
{
    const struct vm_options *o = &s->cluster.vms[v];
    struct vm_config *vm = &s->config.vms[v];
    struct kernel_info info;
    vm->big_endian = o->big_endian;
    TRY(add_file(s, o->kernel, &vm->kernel, &s->header.vms[v].kernel, e));
    if (o->kernel == NULL)
        return 0;
    TRY(loader_probe(&vm->kernel, o->kernel, &info, e));
    if (info.elf)
        vm->big_endian = info.big_endian;
    return 0;
}

static int add_images(struct setup *s, unsigned v, struct err *e)
{
    const struct vm_options *o = &s->cluster.vms[v];
    struct vm_config *vm = &s->config.vms[v];
    struct trace_vm *tv = &s->header.vms[v];
    struct err why = {0};
    tv->disks = xcalloc(DISKS_MAX, sizeof *tv->disks);
    if (add_kernel(s, v, &why) < 0)
        return cluster_blame(&s->cluster, o, "kernel", o->kernel, &why, e);
    if (add_file(s, o->initrd, &vm->initrd, &tv->initrd, &why) < 0)
        return cluster_blame(&s->cluster, o, "initrd", o->initrd, &why, e);
    if (add_file(s, o->bios, &vm->bios, &tv->bios, &why) < 0)
        return cluster_blame(&s->cluster, o, "bios", o->bios, &why, e);
    for (size_t i = 0; i < o->disks_count; i++)
        if (add_disk(s, v, &o->disks[i], &why) < 0)
            return cluster_blame(&s->cluster, o, "disks", o->disks[i].path, &why, e);
    return 0;
}

static struct vm_config config_of(const struct cluster *c, size_t i)
{
    const struct vm_options *o = &c->vms[i];
    struct vm_config vm = {
        .name = o->name,
        .board = o->board,
        .cpu = o->cpu,
        .memory = o->memory,
        .cpu_hz = o->cpu_hz,
        .kernel_name = o->kernel != NULL ? config_base_name(o->kernel) : "",
        .append = o->append,
        .wall_clock = o->wall_clock,
        .entropy_seed = cluster_vm_seed(c, i),
        .virtio_rng = o->virtio_rng,
        .virtio_console = o->virtio_console,
        .virtio_balloon = o->virtio_balloon,
        .nics_count = o->nics_count,
        .memory_min = o->memory_min,
        .memory_max = o->memory_max,
        .shares = o->shares,
    };
    memcpy(vm.nics, o->nics, sizeof vm.nics);
    return vm;
}

static struct trace_way describe_way(const struct way_config *w)
{
    return (struct trace_way){.latency_ns = w->latency_ns,
                              .jitter_ns = w->jitter_ns,
                              .bandwidth = w->bandwidth,
                              .queue = w->queue,
                              .loss_ppm = w->loss_ppm};
}

static void describe_vm(const struct vm_config *vm, struct trace_vm *tv)
{
    tv->name = xstrdup(vm->name);
    tv->board = xstrdup(vm->board);
    tv->cpu = xstrdup(vm->cpu);
    tv->big_endian = vm->big_endian;
    tv->vcpus = 1;
    tv->memory = vm->memory;
    tv->cpu_hz = vm->cpu_hz;
    tv->append = xstrdup(vm->append);
    tv->wall_clock = vm->wall_clock;
    tv->entropy_seed = vm->entropy_seed;
    tv->memory_min = vm->memory_min;
    tv->memory_max = vm->memory_max;
    tv->shares = vm->shares;
    const char *const devices[] = {
        vm->virtio_rng ? "virtio-rng" : NULL,
        vm->virtio_console ? "virtio-console" : NULL,
        vm->virtio_balloon ? "virtio-balloon" : NULL,
    };
    tv->devices = xcalloc(ARRAY_LEN(devices), sizeof *tv->devices);
    for (size_t i = 0; i < ARRAY_LEN(devices); i++)
        if (devices[i] != NULL)
            tv->devices[tv->devices_count++] = xstrdup(devices[i]);
    tv->nics = xcalloc(vm->nics_count, sizeof *tv->nics);
    tv->nics_count = vm->nics_count;
    for (size_t i = 0; i < vm->nics_count; i++) {
        const struct nic_config *nic = &vm->nics[i];
        tv->nics[i] = (struct trace_nic){
            .network = nic->network,
            .mtu = nic->link.mtu,
            .out = describe_way(&nic->link.out),
            .in = describe_way(&nic->link.in),
        };
        memcpy(tv->nics[i].mac, nic->mac, sizeof nic->mac);
    }
}

static void describe(const struct monitor_config *cfg, struct trace_header *h)
{
    char now[32];
    time_t t = time(NULL);
    struct tm tm;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    h->version = TRACE_VERSION;
    h->build = xstrdup(DISCO_BUILD);
    h->recorded = xstrdup(now);
    h->epoch_ns = cfg->epoch_ns;
    h->machine_memory = cfg->machine_memory;
    h->no_reboot = cfg->no_reboot;
    h->seed = cfg->seed;
    h->share = cfg->share;
    h->scan_rate = cfg->scan_rate;
    h->networks = xcalloc(cfg->networks_count, sizeof *h->networks);
    h->networks_count = cfg->networks_count;
    for (size_t i = 0; i < cfg->networks_count; i++)
        h->networks[i] = (struct trace_network){.name = xstrdup(cfg->networks[i].name),
                                                .gateway = cfg->networks[i].gateway};
    for (size_t i = 0; i < cfg->vms_count; i++)
        describe_vm(&cfg->vms[i], &h->vms[i]);
}

static void fill_config(const struct cluster *c, struct monitor_config *cfg)
{
    cfg->vms_count = c->vms_count;
    cfg->epoch_ns = c->epoch_ns;
    cfg->machine_memory = c->machine_memory;
    cfg->networks_count = c->networks_count;
    memcpy(cfg->networks, c->networks, sizeof cfg->networks);
    cfg->seed = c->seed;
    cfg->share = c->share != SHARE_AS_SUITS ? c->share : c->vms_count > 1 ? SHARE_ALL : 0;
    cfg->scan_rate = c->scan_rate;
    cfg->no_reboot = c->no_reboot;
    for (size_t i = 0; i < c->vms_count; i++)
        cfg->vms[i] = config_of(c, i);
}

static int check_pcaps(const struct cluster *c, const struct record_options *o, struct err *e)
{
    for (size_t i = 0; i < o->pcaps_count; i++) {
        size_t n = 0;
        while (n < c->networks_count && strcmp(c->networks[n].name, o->pcaps[i].network) != 0)
            n++;
        if (n == c->networks_count)
            ERR(e, ERR_USAGE, "--pcap: %s has no network \"%s\"", o->cluster_file,
                o->pcaps[i].network);
    }
    return 0;
}

/* ---- what would write over what ---- */

static int claim_vm(const struct vm_options *vm, struct file_claims *c, struct err *e)
{
    const struct {
        const char *path, *what;
    } images[] = {{vm->kernel, "the kernel"}, {vm->initrd, "the initrd"}, {vm->bios, "the bios"}};
    for (size_t i = 0; i < ARRAY_LEN(images); i++)
        if (images[i].path != NULL)
            TRY(file_claim(c, false, images[i].path, images[i].what, vm->name, e));
    for (size_t i = 0; i < vm->disks_count; i++)
        TRY(file_claim(c, false, vm->disks[i].path, "a disk", vm->name, e));
    return 0;
}

static int claim_console(const struct vm_options *vm, struct file_claims *c, struct err *e)
{
    static const char *const suffixes[] = {".in", ".out"};
    if (vm->console == CONSOLE_FILE)
        return file_claim(c, true, vm->console_path, "the console", vm->name, e);
    for (size_t i = 0; vm->console == CONSOLE_PIPE && i < ARRAY_LEN(suffixes); i++) {
        char *name = xasprintf("%s%s", vm->console_path, suffixes[i]);
        int result = file_claim(c, true, name, "the console", vm->name, e);
        free(name);
        TRY(result);
    }
    return 0;
}

static int claim_all(const struct setup *s, const struct record_options *o, struct file_claims *c,
                     struct err *e)
{
    const struct cluster *all = &s->cluster;
    struct err why = {0};
    file_claim_standard(c);
    if (o->cluster_file != NULL)
        TRY(file_claim(c, false, o->cluster_file, "the cluster file", NULL, e));
    for (size_t i = 0; i < all->vms_count; i++)
        TRY(claim_vm(&all->vms[i], c, e));
    for (size_t i = 0; i < all->vms_count; i++)
        if (claim_console(&all->vms[i], c, &why) < 0)
            return cluster_blame(all, &all->vms[i], "console", all->vms[i].console_path, &why, e);
    if (o->output != NULL)
        TRY(file_claim(c, true, o->output, "the trace (-o)", NULL, e));
    for (size_t i = 0; i < o->pcaps_count; i++)
        TRY(file_claim(c, true, o->pcaps[i].path, "the frames (--pcap)", NULL, e));
    return 0;
}

static int check_outputs(const struct setup *s, const struct record_options *o, struct err *e)
{
    struct file_claims claims = {0};
    struct stat st;
    int result = claim_all(s, o, &claims, e);
    file_claims_free(&claims);
    if (result == 0 && o->output != NULL && !o->output_given && stat(o->output, &st) == 0)
        ERR(e, ERR_USAGE, "%s: exists already; -o %s replaces it, -o FILE writes elsewhere",
            o->output, o->output);
    return result;
}

int setup_open(struct setup *s, const struct record_options *o, struct err *e)
{
    *s = (struct setup){0};
    if (o->cluster_file == NULL) {
        s->cluster = o->cluster;
        s->cluster.strings = NULL; /* they stay with `o` */
        s->cluster.strings_count = 0;
    } else {
        TRY(cluster_read(&s->cluster, o->cluster_file, e));
        options_override(o, &s->cluster);
        TRY(check_pcaps(&s->cluster, o, e));
    }
    fill_config(&s->cluster, &s->config);
    s->header.images = xcalloc(IMAGES_MAX, sizeof *s->header.images);
    s->header.vms = xcalloc(s->cluster.vms_count, sizeof *s->header.vms);
    s->header.vms_count = s->cluster.vms_count;
    for (unsigned v = 0; v < s->cluster.vms_count; v++)
        TRY(add_images(s, v, e));
    TRY(check_outputs(s, o, e));
    describe(&s->config, &s->header);
    return 0;
}

void setup_close(struct setup *s)
{
    for (size_t i = 0; i < s->header.images_count; i++) {
        image_free(&s->images[i].copy);
        if (s->images[i].fd >= 0)
            close(s->images[i].fd);
    }
    trace_header_free(&s->header);
    cluster_free(&s->cluster);
}
