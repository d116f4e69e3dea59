/* Virtio entropy device (VIRTIO 1.1, section 5.4). */
#ifndef CORE_DEV_VIRTIO_RNG_H
#define CORE_DEV_VIRTIO_RNG_H

#include "core/dev/virtio_pci.h"

struct virtio_rng {
    struct virtio v; /* first */
    uint64_t seed;   /* of the generator; state */
    uint64_t drawn;  /* 64-bit words drawn from it since power-on; state */
};

/* The bytes follow from p->entropy_seed. */
void virtio_rng_init(struct virtio_rng *rng, struct platform *p, const char *id,
                     struct pci_bus *bus, unsigned slot);

#endif
