/*
 * The configuration of a run: with the inputs, all that the machines' state is
 * a function of. Plain data; the owner keeps everything that it points to
 * alive as long as the monitor lives.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <string.h>

#include "core/base/base.h"

#define EPOCH_NS_DEFAULT   100000ull    /* 100 us */
#define EPOCH_NS_APART     10000000ull  /* of several VMs without a network */
#define CPU_HZ_DEFAULT     100000000ull /* 10 ns an instruction */
#define DISKS_MAX          8
#define DISK_SECTORS_MAX   (1ull << 30) /* 512 GiB */
#define VMS_MAX            16
#define NICS_MAX           4  /* of a VM */
#define NETWORKS_MAX       16

struct config_image {
    const uint8_t *data;
    size_t size; /* 0: none */
};

/* What a kernel is told as its own name (vm_config.kernel_name): the path without its folders. */
static inline const char *config_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

enum disk_interface { DISK_IDE, DISK_VIRTIO };

struct disk_config {
    enum disk_interface interface;
    uint32_t image;   /* number that names the base image towards the port */
    uint64_t sectors; /* of 512 bytes */
    const char *serial;
    bool read_only;
    bool persistent; /* what the guest wrote is for the image, when the run ends */
};

/* One direction of a link: see core/net_way.h. */
struct way_config {
    uint64_t latency_ns; /* at least an epoch */
    uint64_t jitter_ns;  /* by lot up to that much more; at most JITTER_NS_MAX */
    uint64_t bandwidth;  /* bits per virtual second, all of a frame on the wire; 0: no limit */
    uint64_t queue;      /* bytes that may wait for the line; at most QUEUE_BYTES_MAX */
    uint32_t loss_ppm;   /* frames lost, per million */
};

#define JITTER_NS_MAX       10000000000ull
#define QUEUE_BYTES_DEFAULT (1u << 20)
#define QUEUE_BYTES_MIN     4096u
#define QUEUE_BYTES_MAX     (1u << 30)

/* A network is a switch; a link joins a network card to it. */
struct link_config {
    struct way_config out, in; /* from the card, and to it */
    uint32_t mtu;              /* bytes behind the Ethernet header: 68 to 65535 */
};

struct nic_config {
    uint32_t network; /* index into monitor_config.networks */
    uint8_t mac[6];
    struct link_config link;
};

struct network_config {
    const char *name;
    bool gateway; /* to the outside: its frames are inputs */
};

#define GATEWAY_MTU 1500 /* of the line to the outside */

struct vm_config {
    const char *name;
    const char *board; /* "malta" */
    const char *cpu;   /* model */
    bool big_endian;
    uint64_t memory;   /* bytes of RAM, a multiple of 4 KiB */
    uint64_t cpu_hz;   /* cycles per second of virtual time */
    struct config_image kernel, initrd, bios;
    const char *kernel_name; /* argv[0] of the guest kernel */
    const char *append;
    uint64_t wall_clock; /* seconds since 1970 at power-on */
    uint64_t entropy_seed;
    struct disk_config disks[DISKS_MAX];
    size_t disks_count;
    bool virtio_rng, virtio_console, virtio_balloon;
    struct nic_config nics[NICS_MAX];
    size_t nics_count;
    /* Claims on machine memory when there is not enough for all. */
    uint64_t memory_min; /* bytes that are never reclaimed by force */
    uint64_t memory_max; /* bytes; more is reclaimed even when there is plenty; 0: no such limit */
    uint32_t shares;     /* relative; 1000 is usual; 0 counts as that */
};

/* Which pages come to share a machine page. */
enum share_ways {
    SHARE_DISK = 1,    /* a disk block that is in machine memory already */
    SHARE_NET = 2,     /* whole pages of frames between VMs */
    SHARE_CONTENT = 4, /* equal content, found by hash while the VMs run */
    SHARE_BOOT = 8,    /* equal content at power-on */
    SHARE_ALL = 15,
};

struct monitor_config {
    struct vm_config vms[VMS_MAX];
    size_t vms_count;
    uint64_t epoch_ns;
    uint64_t machine_memory; /* bytes of the pool, which may be less than what the VMs are promised;
                                0: the sum of the VMs' memory and what they need besides */
    struct network_config networks[NETWORKS_MAX];
    size_t networks_count;
    uint64_t seed;           /* of what the monitor draws by lot: lost frames, pages to reclaim */
    uint64_t reclaim_ns;     /* virtual time between two balloon targets; 0: the usual 10 ms */
    int swap_fd;             /* file for pages that are paged out, the caller's; 0: one in memory */
    unsigned share;          /* enum share_ways, or'ed */
    uint64_t scan_rate;      /* pages that each VM's memory is searched for equal ones, per virtual
                                second; 0: the usual rate */
    uint64_t snapshot_memory; /* bytes for frames of snapshots beyond the pool */
    bool no_reboot;           /* a reset by the guest ends the run */
};

/* The number of the network of that name, or networks_count. */
static inline unsigned config_network(const struct monitor_config *config, const char *name)
{
    unsigned i = 0;
    while (i < config->networks_count && strcmp(config->networks[i].name, name) != 0)
        i++;
    return i;
}

#endif
