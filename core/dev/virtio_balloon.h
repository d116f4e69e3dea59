/* Virtio memory balloon (VIRTIO 1.1, section 5.5). The pages go to and come from
 * platform->balloon(). */
#ifndef CORE_DEV_VIRTIO_BALLOON_H
#define CORE_DEV_VIRTIO_BALLOON_H

#include "core/dev/virtio_pci.h"

struct virtio_balloon {
    struct virtio v;    /* first */
    uint32_t num_pages; /* that the monitor wants in the balloon, of 4 KiB; state */
    uint32_t actual;    /* that the driver says are in it; state */
};

void virtio_balloon_init(struct virtio_balloon *b, struct platform *p, const char *id,
                         struct pci_bus *bus, unsigned slot);
/* Is there a driver that would follow a change of the target? */
bool virtio_balloon_ready(const struct virtio_balloon *b);
/* How large the balloon is to be, in pages; tells the driver. */
void virtio_balloon_set_target(struct virtio_balloon *b, uint32_t pages);

#endif
