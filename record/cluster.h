/*
 * What to run: the VMs, their networks and the machine under them, as a
 * cluster file (record/cluster.conf.example) or the command line of
 * disco-record says it. Plain data that names files and opens none.
 */
#ifndef RECORD_CLUSTER_H
#define RECORD_CLUSTER_H

#include "core/base/err.h"
#include "core/config.h"
#include "record/hostfwd.h"

#define REPLIES_MAX 64
#define TEXT_MAX    4096 /* characters of a text, such as one to wait for */
#define SERIAL_MAX  20
#define THREADS_MAX 64

struct disk_option {
    const char *path;
    enum disk_interface interface;
    bool read_only;
    bool persistent; /* what was written goes into the file at the end; one owner */
    bool raw;        /* said to be raw, whatever it begins with */
    const char *format; /* said to be of this other one, which is to be refused; or NULL */
    char serial[SERIAL_MAX + 1];
};

struct reply_option {
    const char *text;   /* when the console prints this ... */
    const char *answer; /* ... type this */
};

enum console_kind { CONSOLE_TERMINAL, CONSOLE_FILE, CONSOLE_PIPE, CONSOLE_PTY, CONSOLE_NONE };

struct vm_options {
    const char *name, *board, *cpu;
    const char *kernel, *initrd, *bios; /* paths, or NULL */
    const char *append;
    uint64_t memory; /* bytes */
    uint64_t cpu_hz;
    bool big_endian;     /* of a raw image; ELF files tell theirs */
    uint64_t wall_clock; /* at power-on: seconds since 1970 */
    uint64_t seed;       /* of virtio-rng, if seed_given */
    bool seed_given;
    struct disk_option disks[DISKS_MAX];
    size_t disks_count;
    struct nic_config nics[NICS_MAX];
    size_t nics_count;
    bool virtio_rng, virtio_console, virtio_balloon;
    uint64_t memory_min, memory_max; /* as in vm_config */
    uint32_t shares;
    enum console_kind console;
    const char *console_path; /* CONSOLE_FILE, CONSOLE_PIPE */
    const char *until_text;   /* the run may end when the console has shown it; NULL: none */
    struct reply_option replies[REPLIES_MAX];
    size_t replies_count;
};

#define SHARE_AS_SUITS UINT32_MAX

struct cluster {
    uint64_t machine_memory; /* as the next ones in monitor_config */
    uint64_t epoch_ns;
    uint64_t seed;
    uint64_t scan_rate;
    unsigned share; /* enum share_ways, or SHARE_AS_SUITS: all if there are several VMs */
    bool no_reboot;
    unsigned threads; /* of the host; 0: as suits the host */
    struct network_config networks[NETWORKS_MAX];
    size_t networks_count;
    struct hostfwds forwards[NETWORKS_MAX]; /* of networks that have a gateway */
    struct vm_options vms[VMS_MAX];
    size_t vms_count;
    char **strings; /* what texts that stand nowhere else point to; owned */
    size_t strings_count;
    const char *file; /* that was read; NULL: none */
    struct cluster_place { /* where a path in it stands; owned */
        const char *path;  /* this very pointer */
        unsigned line;
    } *places;
    size_t places_count;
};

/* No VM yet; a seed from the host. Owns nothing. */
void cluster_init(struct cluster *c);
/* A VM with the defaults of all options, without a name; its clock starts now. */
void cluster_vm_init(struct vm_options *vm);
/* Locally administered, from the numbers of the VM and of its card. */
void cluster_default_mac(uint8_t mac[6], size_t vm, size_t nic);
/* A link of which nothing is said. */
struct link_config cluster_default_link(const struct cluster *c);

/* Initialises `c` and reads a cluster file; `path` must live as long. An error is one line,
 * "FILE:LINE: what" where there is a line, with code ERR_USAGE, or ERR_IO. To be freed also after
 * an error. */
int cluster_read(struct cluster *c, const char *path, struct err *e);
/* Remembers where a path stands that is part of the cluster now. */
void cluster_note_place(struct cluster *c, const char *path, unsigned line);
/* Puts `why`, an error about a path, or none, that a VM names by a key ("kernel"), to `e`: behind
 * "FILE:LINE: VM NAME: KEY: " if there is a cluster file. Returns its code. */
int cluster_blame(const struct cluster *c, const struct vm_options *vm, const char *key,
                  const char *path, const struct err *why, struct err *e);
/* A malloc'ed text that the cluster owns from now on; returns it. */
const char *cluster_keep(struct cluster *c, char *text);
/* Frees the texts and places that it owns; there is nothing else. */
void cluster_free(struct cluster *c);

/* The seed of the random numbers that VM `i` gets: its own, or one that follows from the cluster's.
 */
uint64_t cluster_vm_seed(const struct cluster *c, size_t i);

#endif
