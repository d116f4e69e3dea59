/* Virtio console, one port (VIRTIO 1.1, section 5.3). */
#ifndef CORE_DEV_VIRTIO_CONSOLE_H
#define CORE_DEV_VIRTIO_CONSOLE_H

#include "core/dev/virtio_pci.h"

struct virtio_console {
    struct virtio v;  /* first */
    uint8_t in[256];  /* accepted from the outside, not yet given to the driver; state */
    uint32_t in_len;  /* bytes in it; state */
};

void virtio_console_init(struct virtio_console *con, struct platform *p, const char *id,
                         struct pci_bus *bus, unsigned slot);

#endif
