#include "record/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/disk.h"
#include "core/loader.h"

#define IMAGE_MAX (1u << 30)

static int map_file(const char *path, void **data, size_t *size, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        ERR(e, ERR_IO, "%s: %s", path, strerror(saved));
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > IMAGE_MAX) {
        close(fd);
        ERR(e, ERR_FORMAT, "%s: %s", path,
            !S_ISREG(st.st_mode) ? "not a regular file"
            : st.st_size == 0    ? "the file is empty"
                                 : "larger than 1 GiB");
    }
    *size = (size_t)st.st_size;
    *data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    int saved = errno;
    close(fd);
    if (*data == MAP_FAILED) {
        *data = NULL;
        ERR(e, ERR_IO, "%s: cannot map: %s", path, strerror(saved));
    }
    return 0;
}

/* Image `slot` (0 kernel, 1 initrd, 2 bios) from `path`, if given. */
static int add_image(struct setup *s, unsigned slot, const char *path, struct config_image *image,
                     uint32_t *index, struct err *e)
{
    *index = TRACE_NO_IMAGE;
    if (path == NULL)
        return 0;
    TRY(map_file(path, &s->mapped[slot], &s->mapped_size[slot], e));
    *image = (struct config_image){s->mapped[slot], s->mapped_size[slot]};
    s->mapped_hash[slot] = trace_hash_of(image->data, image->size);
    *index = (uint32_t)s->header.images_count;
    s->images[s->header.images_count++] = (struct trace_image){
        .name = xstrdup(path),
        .size = image->size,
        .hash = s->mapped_hash[slot],
    };
    return 0;
}

static int add_disk(struct setup *s, const struct drive_option *d, struct err *e)
{
    struct vm_config *vm = &s->config.vms[0];
    size_t i = vm->disks_count;
    s->disk_fd[i] = open(d->path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (s->disk_fd[i] < 0 || fstat(s->disk_fd[i], &st) < 0)
        ERR(e, ERR_IO, "%s: %s", d->path, strerror(errno));
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        ERR(e, ERR_USAGE, "%s: neither a file nor a block device; it cannot be a disk", d->path);
    off_t size = S_ISBLK(st.st_mode) ? lseek(s->disk_fd[i], 0, SEEK_END) : st.st_size;
    if (size < SECTOR_SIZE || size > (off_t)(DISK_SECTORS_MAX * SECTOR_SIZE))
        ERR(e, ERR_USAGE, "%s: a disk of %lld bytes; 512 bytes to 512 GiB will do", d->path,
            (long long)size);
    vm->disks_count++;
    s->disk_bytes[i] = (uint64_t)size;
    s->disk_image[i] = (uint32_t)s->header.images_count;
    uint64_t sectors = (uint64_t)size / SECTOR_SIZE;
    vm->disks[i] = (struct disk_config){
        .interface = d->interface,
        .image = s->disk_image[i],
        .sectors = sectors,
        .serial = d->serial,
        .read_only = d->read_only,
    };
    s->images[s->header.images_count++] =
        (struct trace_image){.name = xstrdup(d->path), .size = (uint64_t)size};
    s->disks[i] = (struct trace_disk){
        .image = s->disk_image[i],
        .sectors = sectors,
        .interface = xstrdup(d->interface == DISK_IDE ? "ide" : "virtio"),
        .serial = xstrdup(d->serial),
        .read_only = d->read_only,
    };
    return 0;
}

static int fill(struct setup *s, const struct record_options *o, struct err *e)
{
    struct vm_config *vm = &s->config.vms[0];
    TRY(add_image(s, 0, o->kernel, &vm->kernel, &s->vm.kernel, e));
    TRY(add_image(s, 1, o->initrd, &vm->initrd, &s->vm.initrd, e));
    TRY(add_image(s, 2, o->bios, &vm->bios, &s->vm.bios, e));
    vm->big_endian = o->big_endian_wanted;
    if (o->kernel != NULL) {
        struct kernel_info info;
        TRY(loader_probe(&vm->kernel, o->kernel, &info, e));
        if (info.elf)
            vm->big_endian = info.big_endian;
    }
    for (size_t i = 0; i < o->drives_count; i++)
        TRY(add_disk(s, &o->drives[i], e));
    return 0;
}

static void fill_header(struct setup *s, const struct record_options *o)
{
    const struct vm_config *vm = &s->config.vms[0];
    char now[32];
    time_t t = time(NULL);
    struct tm tm;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    struct trace_vm *tv = &s->vm;
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
    tv->disks = s->disks;
    tv->disks_count = vm->disks_count;
    tv->devices = s->devices;
    if (o->virtio_rng)
        s->devices[tv->devices_count++] = xstrdup("virtio-rng");
    if (o->virtio_console)
        s->devices[tv->devices_count++] = xstrdup("virtio-console");
    s->header.version = TRACE_VERSION;
    s->header.build = xstrdup(DISCO_BUILD);
    s->header.recorded = xstrdup(now);
    s->header.epoch_ns = s->config.epoch_ns;
    s->header.images = s->images;
    s->header.vms = &s->vm;
    s->header.vms_count = 1;
    s->header.no_reboot = o->no_reboot;
}

int setup_open(struct setup *s, const struct record_options *o, struct err *e)
{
    *s = (struct setup){0};
    for (size_t i = 0; i < DISKS_MAX; i++)
        s->disk_fd[i] = -1;
    s->config.vms_count = 1;
    s->config.epoch_ns = EPOCH_NS_DEFAULT;
    s->config.vms[0] = (struct vm_config){
        .name = "vm0",
        .board = o->board,
        .cpu = o->cpu,
        .memory = o->memory,
        .cpu_hz = o->cpu_hz,
        .kernel_name = o->kernel != NULL ? config_base_name(o->kernel) : "",
        .append = o->append,
        .wall_clock = o->wall_clock,
        .entropy_seed = o->seed,
        .virtio_rng = o->virtio_rng,
        .virtio_console = o->virtio_console,
    };
    TRY(fill(s, o, e));
    fill_header(s, o);
    return 0;
}

int setup_output_is_free(const struct setup *s, const char *output, struct err *e)
{
    struct stat out, in;
    if (stat(output, &out) < 0)
        return 0;
    for (size_t i = 0; i < s->header.images_count; i++)
        if (stat(s->images[i].name, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            ERR(e, ERR_USAGE, "%s: is an image that this machine uses; write the trace elsewhere (-o)",
                output);
    return 0;
}

void setup_close(struct setup *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->mapped); i++)
        if (s->mapped[i] != NULL)
            munmap(s->mapped[i], s->mapped_size[i]);
    for (size_t i = 0; i < DISKS_MAX; i++)
        if (s->disk_fd[i] >= 0)
            close(s->disk_fd[i]);
    for (size_t i = 0; i < s->header.images_count; i++)
        free(s->images[i].name);
    for (size_t i = 0; i < DISKS_MAX; i++) {
        free(s->disks[i].interface);
        free(s->disks[i].serial);
    }
    for (size_t i = 0; i < s->vm.devices_count; i++)
        free(s->devices[i]);
    free(s->vm.name);
    free(s->vm.board);
    free(s->vm.cpu);
    free(s->vm.append);
    free(s->header.build);
    free(s->header.recorded);
}
