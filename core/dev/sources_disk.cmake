# Disk and virtio devices, included by core/CMakeLists.txt.
set(CORE_DISK_SOURCES
    dev/ata.c
    dev/ata_command.c
    dev/disk_copy.c
    dev/piix4_ide.c
    dev/virtio_balloon.c
    dev/virtio_blk.c
    dev/virtio_console.c
    dev/virtio_net.c
    dev/virtio_net_filter.c
    dev/virtio_net_rx.c
    dev/virtio_pci.c
    dev/virtio_ring.c
    dev/virtio_rng.c)
