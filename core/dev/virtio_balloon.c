/*
 * Virtio memory balloon: lists of page numbers in two queues. A guest may name
 * any page, and any as often as it likes: what is in the balloon is known by the
 * platform, not here.
 *
 * A balloon that the driver leaves behind (reset) is empty: nobody would know
 * any more which pages are in it.
 *
 * Two optional queues are left out. Statistics: activity is measured from
 * outside (core/reclaim.h), whatever the guest says. The reporting of free
 * pages: Linux reports blocks of 4 MiB, and only as long as more than 128 MiB are
 * free; guests that did work had none to report that they had ever used.
 */
#include "core/dev/virtio_balloon.h"

#define INFLATE 0
#define DEFLATE 1

#define F_DEFLATE_ON_OOM 2

#define NUMBERS_MAX 1024 /* page numbers of one request; the rest is ignored */

#define CONFIG_NUM_PAGES 0
#define CONFIG_ACTUAL    4

static struct virtio_balloon *balloon_of(struct virtio *v)
{
    return container_of(v, struct virtio_balloon, v);
}

static void do_page(struct virtio *v, uint64_t pa, enum balloon_op op)
{
    struct platform *p = v->pci.dev.platform;
    if (p->balloon != NULL)
        p->balloon(p, pa, op);
}

static bool do_numbers(struct virtio *v, const struct virtio_chain *chain, enum balloon_op op)
{
    uint8_t bytes[4 * NUMBERS_MAX];
    size_t n = (size_t)min_u64(chain->out_len, sizeof bytes) / 4;
    if (!virtio_get_header(v, chain, 0, bytes, 4 * n))
        return false;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = virtio_big_endian(v) ? ld_be32(bytes + 4 * i) : ld_le32(bytes + 4 * i);
        do_page(v, (uint64_t)number << PAGE_BITS, op);
    }
    return true;
}

static bool balloon_request(struct virtio *v, unsigned queue, const struct virtio_chain *chain,
                            uint32_t *used)
{
    *used = 0;
    return do_numbers(v, chain, queue == INFLATE ? BALLOON_IN : BALLOON_OUT);
}

/* Little-endian for legacy drivers, too, unlike all other devices: VIRTIO 1.1, 5.5.4. */
static void balloon_config(struct virtio *v, uint8_t *bytes, bool big_endian)
{
    const struct virtio_balloon *b = balloon_of(v);
    (void)big_endian;
    st_le32(bytes + CONFIG_NUM_PAGES, b->num_pages);
    st_le32(bytes + CONFIG_ACTUAL, b->actual);
}

static void balloon_config_write(struct virtio *v, uint64_t off, unsigned size, uint64_t value)
{
    struct virtio_balloon *b = balloon_of(v);
    for (unsigned i = 0; i < size; i++) {
        uint64_t at = off + i - CONFIG_ACTUAL; /* bytes below it wrap around */
        if (at < 4)
            b->actual = (b->actual & ~(0xffu << 8 * at)) | (uint32_t)(value >> 8 * i & 0xff)
                                                               << 8 * at;
    }
}

static void balloon_reset(struct virtio *v)
{
    balloon_of(v)->actual = 0;
    do_page(v, 0, BALLOON_ALL_OUT);
}

static const struct virtio_type balloon_type = {
    .pci_device = 0x1002,
    .virtio_id = 5,
    .base_class = 0x00,
    .subclass = 0xff,
    .queues = 2,
    .config_size = 8,
    .features = 1u << F_DEFLATE_ON_OOM,
    .request = balloon_request,
    .config = balloon_config,
    .config_write = balloon_config_write,
    .reset = balloon_reset,
};

static const struct state_field balloon_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_balloon, v),
    STATE(struct virtio_balloon, num_pages),
    STATE(struct virtio_balloon, actual),
    STATE_END,
};

static const struct dev_ops balloon_dev_ops = {
    .name = "virtio-balloon",
    .fields = balloon_fields,
    .reset = virtio_dev_reset,
    .loaded = virtio_dev_loaded,
};

void virtio_balloon_init(struct virtio_balloon *b, struct platform *p, const char *id,
                         struct pci_bus *bus, unsigned slot)
{
    b->num_pages = b->actual = 0;
    virtio_init(&b->v, &balloon_type, 0, &balloon_dev_ops, id, p, bus, slot);
}

bool virtio_balloon_ready(const struct virtio_balloon *b)
{
    return (b->v.status & VIRTIO_DRIVER_OK) != 0 && virtio_ready(&b->v, INFLATE);
}

void virtio_balloon_set_target(struct virtio_balloon *b, uint32_t pages)
{
    if (pages == b->num_pages)
        return;
    b->num_pages = pages;
    virtio_config_changed(&b->v);
}
