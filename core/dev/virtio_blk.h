/* Virtio block device (VIRTIO 1.1, section 5.2). */
#ifndef CORE_DEV_VIRTIO_BLK_H
#define CORE_DEV_VIRTIO_BLK_H

#include "core/dev/virtio_pci.h"
#include "core/disk.h"

struct virtio_blk {
    struct virtio v;   /* first */
    struct disk *disk; /* not owned */
};

void virtio_blk_init(struct virtio_blk *blk, struct platform *p, const char *id,
                     struct pci_bus *bus, unsigned slot, struct disk *disk);

#endif
