/* The trace's header as a protobuf message, and back. */
#include <inttypes.h>
#include <stdlib.h>

#include "traces/message_priv.h"

#define MAGIC "disco-trace"

/* ---- encoding ---- */

static uint32_t image_number(uint32_t image)
{
    return image == TRACE_NO_IMAGE ? 0 : image + 1;
}

static Disco__Way *way(const struct trace_way *w)
{
    Disco__Way *msg = xmalloc(sizeof *msg);
    disco__way__init(msg);
    msg->latency_ns = w->latency_ns;
    msg->jitter_ns = w->jitter_ns;
    msg->bandwidth = w->bandwidth;
    msg->queue = w->queue;
    msg->loss_ppm = w->loss_ppm;
    return msg;
}

/* The arrays of messages of a VM; freed by free_vm. */
static void fill_vm(const struct trace_vm *vm, Disco__Vm *msg)
{
    disco__vm__init(msg);
    msg->name = text(vm->name);
    msg->board = text(vm->board);
    msg->cpu = text(vm->cpu);
    msg->big_endian = vm->big_endian;
    msg->vcpus = vm->vcpus;
    msg->memory = vm->memory;
    msg->cpu_hz = vm->cpu_hz;
    msg->kernel = image_number(vm->kernel);
    msg->initrd = image_number(vm->initrd);
    msg->bios = image_number(vm->bios);
    msg->append = text(vm->append);
    msg->wall_clock = vm->wall_clock;
    msg->entropy_seed = vm->entropy_seed;
    msg->n_disks = vm->disks_count;
    msg->disks = xcalloc(vm->disks_count, sizeof *msg->disks);
    for (size_t i = 0; i < vm->disks_count; i++) {
        const struct trace_disk *d = &vm->disks[i];
        Disco__Disk *disk = msg->disks[i] = xmalloc(sizeof *disk);
        disco__disk__init(disk);
        disk->image = d->image;
        disk->sectors = d->sectors;
        disk->interface = text(d->interface);
        disk->serial = text(d->serial);
        disk->read_only = d->read_only;
        disk->persistent = d->persistent;
    }
    msg->n_devices = vm->devices_count;
    msg->devices = xcalloc(vm->devices_count, sizeof *msg->devices);
    for (size_t i = 0; i < vm->devices_count; i++)
        msg->devices[i] = text(vm->devices[i]);
    msg->n_nics = vm->nics_count;
    msg->nics = xcalloc(vm->nics_count, sizeof *msg->nics);
    for (size_t i = 0; i < vm->nics_count; i++) {
        const struct trace_nic *n = &vm->nics[i];
        Disco__Nic *nic = msg->nics[i] = xmalloc(sizeof *nic);
        disco__nic__init(nic);
        nic->network = n->network;
        nic->mac = bytes(n->mac, sizeof n->mac);
        nic->mtu = n->mtu;
        nic->out = way(&n->out);
        nic->in = way(&n->in);
    }
    msg->memory_min = vm->memory_min;
    msg->memory_max = vm->memory_max;
    msg->shares = vm->shares;
}

static void free_vm(Disco__Vm *msg)
{
    for (size_t i = 0; i < msg->n_disks; i++)
        free(msg->disks[i]);
    free(msg->disks);
    free(msg->devices);
    for (size_t i = 0; i < msg->n_nics; i++) {
        free(msg->nics[i]->out);
        free(msg->nics[i]->in);
        free(msg->nics[i]);
    }
    free(msg->nics);
}

void message_put_header(const struct trace_header *h, struct buf *out)
{
    Disco__Header msg = DISCO__HEADER__INIT;
    msg.magic = text(MAGIC);
    msg.version = h->version;
    msg.build = text(h->build);
    msg.recorded = text(h->recorded);
    msg.epoch_ns = h->epoch_ns;
    msg.machine_memory = h->machine_memory;
    msg.no_reboot = h->no_reboot;
    msg.seed = h->seed;
    msg.share = h->share;
    msg.scan_rate = h->scan_rate;
    Disco__Image *images = xcalloc(h->images_count, sizeof *images);
    msg.images = xcalloc(h->images_count, sizeof *msg.images);
    msg.n_images = h->images_count;
    for (size_t i = 0; i < h->images_count; i++) {
        disco__image__init(&images[i]);
        images[i].name = text(h->images[i].name);
        images[i].size = h->images[i].size;
        images[i].hash = bytes(h->images[i].hash.byte, sizeof h->images[i].hash.byte);
        msg.images[i] = &images[i];
    }
    Disco__Vm *vms = xcalloc(h->vms_count, sizeof *vms);
    msg.vms = xcalloc(h->vms_count, sizeof *msg.vms);
    msg.n_vms = h->vms_count;
    for (size_t i = 0; i < h->vms_count; i++) {
        fill_vm(&h->vms[i], &vms[i]);
        msg.vms[i] = &vms[i];
    }
    Disco__Network *networks = xcalloc(h->networks_count, sizeof *networks);
    msg.networks = xcalloc(h->networks_count, sizeof *msg.networks);
    msg.n_networks = h->networks_count;
    for (size_t i = 0; i < h->networks_count; i++) {
        disco__network__init(&networks[i]);
        networks[i].name = text(h->networks[i].name);
        networks[i].gateway = h->networks[i].gateway;
        msg.networks[i] = &networks[i];
    }
    PUT(out, TRACE_FIELD_HEADER, header, &msg);
    for (size_t i = 0; i < h->vms_count; i++)
        free_vm(&vms[i]);
    free(msg.networks);
    free(networks);
    free(msg.vms);
    free(vms);
    free(msg.images);
    free(images);
}

/* ---- decoding ---- */

static bool image_valid(uint32_t number, size_t images)
{
    return number <= images;
}

static bool way_valid(const Disco__Way *way)
{
    return way != NULL && way->jitter_ns <= TRACE_JITTER_MAX && way->queue <= TRACE_QUEUE_MAX &&
           way->loss_ppm <= 1000000 && way->base.n_unknown_fields == 0;
}

static bool nic_valid(const Disco__Nic *nic, size_t networks)
{
    return nic->network < networks && nic->mac.len == sizeof((struct trace_nic *)0)->mac &&
           way_valid(nic->out) && way_valid(nic->in) && nic->mtu >= 68 && nic->mtu <= 65535 &&
           nic->base.n_unknown_fields == 0;
}

static bool vm_valid(const Disco__Vm *vm, size_t images, size_t networks)
{
    if (!text_valid(&vm->name) || !text_valid(&vm->board) || !text_valid(&vm->cpu) ||
        !text_valid(&vm->append) || vm->vcpus < 1 || vm->vcpus > TRACE_VCPUS_MAX ||
        !image_valid(vm->kernel, images) || !image_valid(vm->initrd, images) ||
        !image_valid(vm->bios, images) || vm->n_disks > TRACE_LIST_MAX ||
        vm->n_devices > TRACE_LIST_MAX || vm->n_nics > TRACE_NETS_MAX ||
        vm->base.n_unknown_fields != 0)
        return false;
    for (size_t i = 0; i < vm->n_disks; i++) {
        const Disco__Disk *d = vm->disks[i];
        if (d->image >= images || !text_valid(&d->interface) || !text_valid(&d->serial) ||
            d->base.n_unknown_fields != 0)
            return false;
    }
    for (size_t i = 0; i < vm->n_devices; i++)
        if (!text_valid(&vm->devices[i]))
            return false;
    for (size_t i = 0; i < vm->n_nics; i++)
        if (!nic_valid(vm->nics[i], networks))
            return false;
    return true;
}

static bool header_valid(const Disco__Header *msg)
{
    if (!text_valid(&msg->build) || !text_valid(&msg->recorded) || msg->n_vms < 1 ||
        msg->n_vms > TRACE_VMS_MAX || msg->n_images > TRACE_LIST_MAX ||
        msg->n_networks > TRACE_NETS_MAX || msg->share > TRACE_SHARE_ALL ||
        msg->base.n_unknown_fields != 0)
        return false;
    for (size_t i = 0; i < msg->n_images; i++)
        if (!text_valid(&msg->images[i]->name) ||
            msg->images[i]->hash.len != sizeof(struct trace_hash) ||
            msg->images[i]->base.n_unknown_fields != 0)
            return false;
    for (size_t i = 0; i < msg->n_networks; i++)
        if (!text_valid(&msg->networks[i]->name) || msg->networks[i]->base.n_unknown_fields != 0)
            return false;
    for (size_t i = 0; i < msg->n_vms; i++)
        if (!vm_valid(msg->vms[i], msg->n_images, msg->n_networks))
            return false;
    return true;
}

static struct trace_way way_copy(const Disco__Way *w)
{
    return (struct trace_way){.latency_ns = w->latency_ns,
                              .jitter_ns = w->jitter_ns,
                              .bandwidth = w->bandwidth,
                              .queue = w->queue,
                              .loss_ppm = w->loss_ppm};
}

static void copy_vm(const Disco__Vm *msg, struct trace_vm *vm)
{
    *vm = (struct trace_vm){
        .name = text_copy(&msg->name),
        .board = text_copy(&msg->board),
        .cpu = text_copy(&msg->cpu),
        .big_endian = msg->big_endian,
        .vcpus = msg->vcpus,
        .memory = msg->memory,
        .cpu_hz = msg->cpu_hz,
        .kernel = msg->kernel - 1, /* 0 becomes TRACE_NO_IMAGE */
        .initrd = msg->initrd - 1,
        .bios = msg->bios - 1,
        .append = text_copy(&msg->append),
        .wall_clock = msg->wall_clock,
        .entropy_seed = msg->entropy_seed,
        .disks = xcalloc(msg->n_disks, sizeof *vm->disks),
        .disks_count = msg->n_disks,
        .devices = xcalloc(msg->n_devices, sizeof *vm->devices),
        .devices_count = msg->n_devices,
        .nics = xcalloc(msg->n_nics, sizeof *vm->nics),
        .nics_count = msg->n_nics,
        .memory_min = msg->memory_min,
        .memory_max = msg->memory_max,
        .shares = msg->shares,
    };
    for (size_t i = 0; i < msg->n_disks; i++) {
        const Disco__Disk *d = msg->disks[i];
        vm->disks[i] = (struct trace_disk){
            .image = d->image,
            .sectors = d->sectors,
            .interface = text_copy(&d->interface),
            .serial = text_copy(&d->serial),
            .read_only = d->read_only,
            .persistent = d->persistent,
        };
    }
    for (size_t i = 0; i < msg->n_devices; i++)
        vm->devices[i] = text_copy(&msg->devices[i]);
    for (size_t i = 0; i < msg->n_nics; i++) {
        const Disco__Nic *n = msg->nics[i];
        vm->nics[i] = (struct trace_nic){
            .network = n->network,
            .mtu = n->mtu,
            .out = way_copy(n->out),
            .in = way_copy(n->in),
        };
        memcpy(vm->nics[i].mac, n->mac.data, sizeof vm->nics[i].mac);
    }
}

static void copy_header(const Disco__Header *msg, struct trace_header *h)
{
    *h = (struct trace_header){
        .version = msg->version,
        .build = text_copy(&msg->build),
        .recorded = text_copy(&msg->recorded),
        .epoch_ns = msg->epoch_ns,
        .machine_memory = msg->machine_memory,
        .no_reboot = msg->no_reboot,
        .images = xcalloc(msg->n_images, sizeof *h->images),
        .images_count = msg->n_images,
        .vms = xcalloc(msg->n_vms, sizeof *h->vms),
        .vms_count = msg->n_vms,
        .seed = msg->seed,
        .share = msg->share,
        .scan_rate = msg->scan_rate,
        .networks = xcalloc(msg->n_networks, sizeof *h->networks),
        .networks_count = msg->n_networks,
    };
    for (size_t i = 0; i < msg->n_networks; i++) {
        h->networks[i].name = text_copy(&msg->networks[i]->name);
        h->networks[i].gateway = msg->networks[i]->gateway;
    }
    for (size_t i = 0; i < msg->n_images; i++) {
        h->images[i].name = text_copy(&msg->images[i]->name);
        h->images[i].size = msg->images[i]->size;
        hash_get(&msg->images[i]->hash, &h->images[i].hash);
    }
    for (size_t i = 0; i < msg->n_vms; i++)
        copy_vm(msg->vms[i], &h->vms[i]);
}

int message_get_header(const uint8_t *data, size_t n, struct trace_header *h, struct err *e)
{
    Disco__Header *msg = disco__header__unpack(NULL, n, data);
    int result = 0;
    if (msg == NULL || msg->magic.len != strlen(MAGIC) ||
        memcmp(msg->magic.data, MAGIC, msg->magic.len) != 0)
        result = err_set(e, ERR_FORMAT, "not a trace: it has no trace header");
    else if (msg->version != TRACE_VERSION)
        result = err_set(e, ERR_VERSION,
                         "trace of format version %" PRIu32 ", but this disco reads version %d; "
                         "use the disco that recorded it (%.*s)",
                         msg->version, TRACE_VERSION, (int)min_u64(msg->build.len, 60),
                         text_valid(&msg->build) ? (const char *)msg->build.data : "");
    else if (!header_valid(msg))
        result = err_set(e, ERR_FORMAT, "bad trace header");
    else
        copy_header(msg, h);
    disco__header__free_unpacked(msg, NULL);
    return result;
}
