/*
 * Virtio entropy device.
 *
 * DETERMINISM: the bytes are a pure function of the platform's seed, which is
 * an input of the run, and of how many were drawn before: word n is the n-th
 * output of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, 2014). Not for secrets. A machine reset does not rewind it, so a
 * guest that reboots gets other bytes.
 */
#include "core/dev/virtio_rng.h"

#include "core/base/splitmix.h"

#define REQUEST_MAX 4096 /* bytes filled per request; a driver asks again */

static struct virtio_rng *rng_of(struct virtio *v)
{
    return container_of(v, struct virtio_rng, v);
}

static uint64_t draw(struct virtio_rng *rng)
{
    return splitmix64(rng->seed, ++rng->drawn);
}

static bool rng_request(struct virtio *v, unsigned queue, const struct virtio_chain *chain,
                        uint32_t *used)
{
    uint8_t bytes[REQUEST_MAX];
    size_t n = (size_t)min_u64(chain->in_len, sizeof bytes);
    (void)queue;
    for (size_t i = 0; i < n; i += 8)
        st_le64(bytes + i, draw(rng_of(v)));
    *used = (uint32_t)n;
    return virtio_put(v, chain, 0, bytes, n);
}

static const struct virtio_type rng_type = {
    .pci_device = 0x1005,
    .virtio_id = 4,
    .base_class = 0x00,
    .subclass = 0xff,
    .queues = 1,
    .request = rng_request,
};

static const struct state_field rng_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_rng, v),
    STATE(struct virtio_rng, seed),
    STATE(struct virtio_rng, drawn),
    STATE_END,
};

static const struct dev_ops rng_dev_ops = {
    .name = "virtio-rng",
    .fields = rng_fields,
    .reset = virtio_dev_reset,
    .loaded = virtio_dev_loaded,
};

void virtio_rng_init(struct virtio_rng *rng, struct platform *p, const char *id,
                     struct pci_bus *bus, unsigned slot)
{
    rng->seed = p->entropy_seed;
    rng->drawn = 0;
    virtio_init(&rng->v, &rng_type, 0, &rng_dev_ops, id, p, bus, slot);
}
