/* From a trace's header to machines. */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "replay/replayer.h"

/* A name as it may be shown: anything may stand in a trace. */
static const char *keep_shown(struct replayer *r, const char *name)
{
    CHECK(r->names_count < ARRAY_LEN(r->names), "%zu names", r->names_count);
    return r->names[r->names_count++] = text_shown(name);
}

static int load_image(struct replayer *r, uint32_t image, struct config_image *out, struct err *e)
{
    if (image == TRACE_NO_IMAGE)
        return 0;
    const struct trace_image *im = &r->header->images[image];
    struct replay_image *mine = &r->images[image];
    if (mine->data == NULL) {
        uint8_t *data;
        if (trace_reader_cut(r->reader) != NULL && !trace_reader_has_blob(r->reader, im->hash))
            ERR(e, ERR_TRUNCATED, "%s: the trace is cut before the whole of %s was in it; nothing "
                "can be replayed", r->path, im->name);
        TRY(trace_reader_blob(r->reader, im->hash, &data, &mine->size, e));
        mine->data = data;
    }
    *out = (struct config_image){mine->data, mine->size};
    return 0;
}

static bool vm_can_be(const struct trace_header *h, const struct trace_vm *tv)
{
    for (size_t i = 0; i < tv->nics_count; i++)
        if (tv->nics[i].network >= h->networks_count ||
            min_u64(tv->nics[i].out.latency_ns, tv->nics[i].in.latency_ns) < h->epoch_ns)
            return false;
    return tv->vcpus == 1 && tv->disks_count <= DISKS_MAX && tv->nics_count <= NICS_MAX &&
           tv->cpu_hz != 0 && tv->memory != 0 && tv->memory % PAGE_SIZE == 0 &&
           tv->memory <= 1ull << 31;
}

static struct way_config way_of(const struct trace_way *w)
{
    return (struct way_config){w->latency_ns, w->jitter_ns, w->bandwidth, w->queue, w->loss_ppm};
}

static void fill_parts(const struct trace_vm *tv, struct vm_config *vm)
{
    for (size_t i = 0; i < tv->disks_count; i++)
        vm->disks[i] = (struct disk_config){
            .interface = strcmp(tv->disks[i].interface, "virtio") == 0 ? DISK_VIRTIO : DISK_IDE,
            .image = tv->disks[i].image,
            .sectors = tv->disks[i].sectors,
            .serial = tv->disks[i].serial,
            .read_only = tv->disks[i].read_only,
        };
    for (size_t i = 0; i < tv->nics_count; i++) {
        const struct trace_nic *nic = &tv->nics[i];
        vm->nics[i] = (struct nic_config){
            .network = nic->network,
            .link = {way_of(&nic->out), way_of(&nic->in), nic->mtu},
        };
        memcpy(vm->nics[i].mac, nic->mac, sizeof nic->mac);
    }
    for (size_t i = 0; i < tv->devices_count; i++) {
        vm->virtio_rng |= strcmp(tv->devices[i], "virtio-rng") == 0;
        vm->virtio_console |= strcmp(tv->devices[i], "virtio-console") == 0;
        vm->virtio_balloon |= strcmp(tv->devices[i], "virtio-balloon") == 0;
    }
}

static int fill_vm(struct replayer *r, const struct trace_vm *tv, struct vm_config *vm,
                   struct err *e)
{
    const struct trace_header *h = r->header;
    if (!vm_can_be(h, tv))
        ERR(e, ERR_FORMAT, "%s: the header describes a machine that cannot be", r->path);
    *vm = (struct vm_config){
        .name = keep_shown(r, tv->name),
        .board = tv->board,
        .cpu = tv->cpu,
        .big_endian = tv->big_endian,
        .memory = tv->memory,
        .cpu_hz = tv->cpu_hz,
        .append = tv->append,
        .kernel_name =
            tv->kernel == TRACE_NO_IMAGE ? "" : config_base_name(h->images[tv->kernel].name),
        .wall_clock = tv->wall_clock,
        .entropy_seed = tv->entropy_seed,
        .disks_count = tv->disks_count,
        .nics_count = tv->nics_count,
        .memory_min = tv->memory_min,
        .memory_max = tv->memory_max,
        .shares = tv->shares,
    };
    fill_parts(tv, vm);
    TRY(load_image(r, tv->kernel, &vm->kernel, e));
    TRY(load_image(r, tv->initrd, &vm->initrd, e));
    return load_image(r, tv->bios, &vm->bios, e);
}

int replayer_fill_config(struct replayer *r, struct monitor_config *cfg, struct err *e)
{
    const struct trace_header *h = r->header;
    if (h->vms_count > VMS_MAX || h->networks_count > NETWORKS_MAX || h->epoch_ns < 1000)
        ERR(e, ERR_FORMAT, "%s: the header describes machines that cannot be", r->path);
    cfg->vms_count = h->vms_count;
    cfg->epoch_ns = h->epoch_ns;
    cfg->no_reboot = h->no_reboot;
    cfg->machine_memory = h->machine_memory;
    cfg->networks_count = h->networks_count;
    for (size_t i = 0; i < h->networks_count; i++)
        cfg->networks[i] =
            (struct network_config){.name = keep_shown(r, h->networks[i].name),
                                    .gateway = h->networks[i].gateway};
    cfg->seed = h->seed;
    cfg->share = h->share;
    cfg->scan_rate = h->scan_rate;
    r->images = xcalloc(h->images_count + 1, sizeof r->images[0]);
    for (size_t i = 0; i < h->vms_count; i++)
        TRY(fill_vm(r, &h->vms[i], &cfg->vms[i], e));
    return 0;
}
