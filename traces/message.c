/*
 * Conversion between the structs of trace.h and protobuf messages. protobuf-c
 * checks the wire format; the limits of trace.proto are checked here, so that
 * nobody behind this file sees a number or a text that is out of range.
 */
#include "traces/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace.pb-c.h"
#include "traces/wire.h"

#define MAGIC "disco-trace"

/* Appends a field with the packed message `msg`, of the protobuf-c class `class`. */
#define PUT(out, field, class, msg)                                                                \
    do {                                                                                           \
        size_t size_ = disco__##class##__get_packed_size(msg);                                     \
        message_field((field), size_, (out));                                                      \
        disco__##class##__pack((msg), buf_reserve((out), size_));                                  \
        (out)->len += size_;                                                                       \
    } while (0)

static size_t put_varint(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

void message_field(enum trace_field field, size_t size, struct buf *out)
{
    uint8_t head[20];
    size_t n = put_varint(head, (uint64_t)field << 3 | 2);
    n += put_varint(head + n, size);
    buf_put(out, head, n);
}

bool message_next(const uint8_t *content, size_t n, size_t *at, enum trace_field *field,
                  const uint8_t **data, size_t *size)
{
    struct wire w = {content + *at, content + n};
    struct wire_field f;
    if (!wire_next(&w, &f) || !f.is_bytes || f.number >= TRACE_FIELDS)
        return false;
    *field = (enum trace_field)f.number;
    *data = f.data;
    *size = f.n;
    *at = (size_t)(w.next - content);
    return true;
}

/* ---- encoding ---- */

static ProtobufCBinaryData text(const char *s)
{
    return (ProtobufCBinaryData){s == NULL ? 0 : strlen(s), (uint8_t *)(uintptr_t)s};
}

static ProtobufCBinaryData bytes(const void *p, size_t n)
{
    return (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)p};
}

static bool hash_is_zero(const struct trace_hash *h)
{
    static const struct trace_hash zero;
    return memcmp(h, &zero, sizeof zero) == 0;
}

static uint32_t image_number(uint32_t image)
{
    return image == TRACE_NO_IMAGE ? 0 : image + 1;
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
    }
    msg->n_devices = vm->devices_count;
    msg->devices = xcalloc(vm->devices_count, sizeof *msg->devices);
    for (size_t i = 0; i < vm->devices_count; i++)
        msg->devices[i] = text(vm->devices[i]);
}

static void free_vm(Disco__Vm *msg)
{
    for (size_t i = 0; i < msg->n_disks; i++)
        free(msg->disks[i]);
    free(msg->disks);
    free(msg->devices);
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
    PUT(out, TRACE_FIELD_HEADER, header, &msg);
    for (size_t i = 0; i < h->vms_count; i++)
        free_vm(&vms[i]);
    free(msg.vms);
    free(vms);
    free(msg.images);
    free(images);
}

void message_put_piece(const struct trace_piece *p, struct buf *out)
{
    Disco__Blob msg = DISCO__BLOB__INIT;
    msg.hash = bytes(p->hash.byte, sizeof p->hash.byte);
    msg.size = p->size;
    msg.offset = p->offset;
    msg.data = bytes(p->data, p->n);
    PUT(out, TRACE_FIELD_BLOB, blob, &msg);
}

void message_put_input(const struct trace_input *in, struct buf *out)
{
    Disco__Input msg = DISCO__INPUT__INIT;
    msg.cycle = in->cycle;
    msg.vm = in->vm;
    msg.kind = in->kind;
    msg.channel = in->channel;
    msg.number = in->number;
    if (!hash_is_zero(&in->hash))
        msg.hash = bytes(in->hash.byte, sizeof in->hash.byte);
    msg.data = bytes(in->data, in->len);
    PUT(out, TRACE_FIELD_INPUT, input, &msg);
}

static void fill_digest(const struct trace_digest *d, Disco__Digest *msg)
{
    disco__digest__init(msg);
    msg->step = d->step;
    msg->cycle = d->cycle;
    msg->vm = d->vm;
    msg->cpu = d->cpu;
    msg->devices = d->devices;
    msg->has_memory = d->has_memory;
    msg->memory = d->has_memory ? d->memory : 0;
    msg->events = d->events;
}

void message_put_digest(const struct trace_digest *d, struct buf *out)
{
    Disco__Digest msg;
    fill_digest(d, &msg);
    PUT(out, TRACE_FIELD_DIGEST, digest, &msg);
}

void message_put_console(const struct trace_text *t, struct buf *out)
{
    Disco__Console msg = DISCO__CONSOLE__INIT;
    msg.vm = t->vm;
    msg.channel = t->channel;
    msg.cycle = t->cycle;
    msg.text = bytes(t->bytes, t->n);
    PUT(out, TRACE_FIELD_CONSOLE, console, &msg);
}

void message_put_end(const struct trace_end *end, struct buf *out)
{
    Disco__End msg = DISCO__END__INIT;
    msg.reason = text(end->reason);
    msg.step = end->step;
    msg.cycle = end->cycle;
    msg.events = end->events;
    Disco__Digest *digests = xcalloc(end->digests_count, sizeof *digests);
    msg.digests = xcalloc(end->digests_count, sizeof *msg.digests);
    msg.n_digests = end->digests_count;
    for (size_t i = 0; i < end->digests_count; i++) {
        fill_digest(&end->digests[i], &digests[i]);
        msg.digests[i] = &digests[i];
    }
    PUT(out, TRACE_FIELD_END, end, &msg);
    free(msg.digests);
    free(digests);
}

/* ---- decoding ---- */

static bool text_valid(const ProtobufCBinaryData *b)
{
    return b->len <= TRACE_PIECE_MAX && (b->len == 0 || memchr(b->data, 0, b->len) == NULL);
}

static char *text_copy(const ProtobufCBinaryData *b)
{
    char *s = xmalloc(b->len + 1);
    if (b->len > 0)
        memcpy(s, b->data, b->len);
    s[b->len] = 0;
    return s;
}

static uint8_t *bytes_copy(const ProtobufCBinaryData *b)
{
    return b->len == 0 ? NULL : memcpy(xmalloc(b->len), b->data, b->len);
}

static bool hash_get(const ProtobufCBinaryData *b, struct trace_hash *h)
{
    if (b->len != sizeof h->byte)
        return false;
    memcpy(h->byte, b->data, sizeof h->byte);
    return true;
}

static bool image_valid(uint32_t number, size_t images)
{
    return number <= images;
}

static bool vm_valid(const Disco__Vm *vm, size_t images)
{
    if (!text_valid(&vm->name) || !text_valid(&vm->board) || !text_valid(&vm->cpu) ||
        !text_valid(&vm->append) || vm->vcpus < 1 || vm->vcpus > TRACE_VCPUS_MAX ||
        !image_valid(vm->kernel, images) || !image_valid(vm->initrd, images) ||
        !image_valid(vm->bios, images) || vm->n_disks > TRACE_LIST_MAX ||
        vm->n_devices > TRACE_LIST_MAX || vm->base.n_unknown_fields != 0)
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
    return true;
}

static bool header_valid(const Disco__Header *msg)
{
    if (!text_valid(&msg->build) || !text_valid(&msg->recorded) || msg->n_vms < 1 ||
        msg->n_vms > TRACE_VMS_MAX || msg->n_images > TRACE_LIST_MAX ||
        msg->base.n_unknown_fields != 0)
        return false;
    for (size_t i = 0; i < msg->n_images; i++)
        if (!text_valid(&msg->images[i]->name) ||
            msg->images[i]->hash.len != sizeof(struct trace_hash) ||
            msg->images[i]->base.n_unknown_fields != 0)
            return false;
    for (size_t i = 0; i < msg->n_vms; i++)
        if (!vm_valid(msg->vms[i], msg->n_images))
            return false;
    return true;
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
    };
    for (size_t i = 0; i < msg->n_disks; i++) {
        const Disco__Disk *d = msg->disks[i];
        vm->disks[i] = (struct trace_disk){
            .image = d->image,
            .sectors = d->sectors,
            .interface = text_copy(&d->interface),
            .serial = text_copy(&d->serial),
            .read_only = d->read_only,
        };
    }
    for (size_t i = 0; i < msg->n_devices; i++)
        vm->devices[i] = text_copy(&msg->devices[i]);
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
    };
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

int message_get_piece(const uint8_t *data, size_t n, struct trace_piece *p, struct err *e)
{
    struct wire w = {data, data + n};
    struct wire_field f;
    bool valid = true, hashed = false;
    *p = (struct trace_piece){0};
    while (valid && wire_next(&w, &f)) {
        if (f.number == 1 && f.is_bytes) {
            hashed = hash_get(&(ProtobufCBinaryData){f.n, (uint8_t *)(uintptr_t)f.data}, &p->hash);
        } else if (f.number == 2 && !f.is_bytes) {
            p->size = f.value;
        } else if (f.number == 3 && !f.is_bytes) {
            p->offset = f.value;
        } else if (f.number == 4 && f.is_bytes) {
            p->data = f.data;
            p->n = f.n;
        } else {
            valid = false;
        }
    }
    if (!valid || w.next != w.end || !hashed || p->n > TRACE_PIECE_MAX || p->offset > p->size ||
        p->n > p->size - p->offset || (p->n == 0 && p->size != 0))
        ERR(e, ERR_FORMAT, "bad piece of a blob");
    return 0;
}

int message_get_input(const uint8_t *data, size_t n, struct trace_input *in, struct err *e)
{
    Disco__Input *msg = disco__input__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (input)");
    *in = (struct trace_input){
        .cycle = msg->cycle,
        .vm = msg->vm,
        .kind = msg->kind,
        .channel = msg->channel,
        .number = msg->number,
        .len = msg->data.len,
    };
    bool valid = msg->base.n_unknown_fields == 0 && msg->data.len <= TRACE_INPUT_MAX &&
                 (msg->hash.len == 0 || hash_get(&msg->hash, &in->hash));
    if (valid)
        in->data = bytes_copy(&msg->data);
    disco__input__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad input");
}

static void copy_digest(const Disco__Digest *msg, struct trace_digest *d)
{
    *d = (struct trace_digest){
        .step = msg->step,
        .cycle = msg->cycle,
        .vm = msg->vm,
        .cpu = msg->cpu,
        .devices = msg->devices,
        .memory = msg->memory,
        .has_memory = msg->has_memory,
        .events = msg->events,
    };
}

int message_get_digest(const uint8_t *data, size_t n, struct trace_digest *d, struct err *e)
{
    Disco__Digest *msg = disco__digest__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (digest)");
    bool valid = msg->base.n_unknown_fields == 0;
    copy_digest(msg, d);
    disco__digest__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad digest");
}

int message_get_console(const uint8_t *data, size_t n, struct trace_text *t, struct err *e)
{
    Disco__Console *msg = disco__console__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (console)");
    bool valid = msg->base.n_unknown_fields == 0 && msg->text.len <= TRACE_CONSOLE_MAX;
    *t = (struct trace_text){
        .vm = msg->vm,
        .channel = msg->channel,
        .cycle = msg->cycle,
        .bytes = valid ? bytes_copy(&msg->text) : NULL,
        .n = msg->text.len,
    };
    disco__console__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad console text");
}

int message_get_end(const uint8_t *data, size_t n, struct trace_end *end, struct err *e)
{
    Disco__End *msg = disco__end__unpack(NULL, n, data);
    if (msg == NULL)
        ERR(e, ERR_FORMAT, "a field is no valid message (end)");
    bool valid = msg->base.n_unknown_fields == 0 && text_valid(&msg->reason) &&
                 msg->n_digests <= TRACE_VMS_MAX;
    if (valid) {
        *end = (struct trace_end){
            .reason = text_copy(&msg->reason),
            .step = msg->step,
            .cycle = msg->cycle,
            .events = msg->events,
            .digests = xcalloc(msg->n_digests, sizeof *end->digests),
            .digests_count = msg->n_digests,
        };
        for (size_t i = 0; i < msg->n_digests; i++)
            copy_digest(msg->digests[i], &end->digests[i]);
    }
    disco__end__free_unpacked(msg, NULL);
    return valid ? 0 : err_set(e, ERR_FORMAT, "bad end record");
}

void message_end_free(struct trace_end *end)
{
    free(end->reason);
    free(end->digests);
    *end = (struct trace_end){0};
}
