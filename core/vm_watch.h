/*
 * What touches a VM's memory besides its vcpu's instructions, for a debugger
 * that watches it: devices, pages that are mapped with another content, the
 * loader at power-on. Nothing here is state, and no guest can tell whether it is
 * watched.
 *
 * Pages that get another machine page with the same content (sharing, its
 * breaking, the swap file) are not touched by that.
 */
#ifndef CORE_VM_WATCH_H
#define CORE_VM_WATCH_H

#include "core/base/buf.h"
#include "core/dev/dev.h"
#include "mips/mips.h"

struct vm;

enum touch_by {
    TOUCH_LOADER,  /* at power-on and reset */
    TOUCH_DMA,     /* data that a device moves */
    TOUCH_CONTROL, /* rings, descriptors, status bytes of a device */
    TOUCH_DISK,    /* blocks of a disk, copied or mapped */
    TOUCH_FRAME,   /* a page of a frame of the network, mapped */
    TOUCH_BALLOON, /* a page given to the balloon: it reads as zeros from then on */
};

/* A request of which some bytes are touched. */
struct touch {
    enum touch_by by;
    bool write;                /* to memory; else it is read */
    const struct device *dev;  /* NULL: none */
    uint64_t pa, bytes;        /* all of the request */
    uint64_t number;           /* TOUCH_DISK: sector */
    unsigned disk;             /* TOUCH_DISK: number of the VM's disk */
    struct dev_request serves; /* what the device was asked for, as far as it says */
};

/* "ide: DMA of 512 bytes to 0x00123000, disk 0, sector 0" */
void touch_print(const struct touch *t, struct buf *out);

struct vm_watcher {
    /* Before `n` bytes from `off` on of the page `key` are read or written, within one page. Called
     * on the VM's thread, from timers or from inside mips_run. */
    void (*touched)(struct vm_watcher *w, struct vm *vm, const struct touch *t, uint64_t key,
                    uint32_t off, uint32_t n);
    /* See mips_env.mapping. */
    void (*mapping)(struct vm_watcher *w, struct vm *vm, uint64_t va, uint64_t len);
};

/* From now on, or no longer with NULL. */
void vm_watch(struct vm *vm, struct vm_watcher *w);
/* For `touched`: vm_run ends with VM_WATCH once what is under way is done, before the next unit. Then
 * vm->watch_ahead tells whether the position's own state, in which nothing else that is due there
 * has been done, is from before. */
void vm_watch_stop(struct vm *vm);

/* ---- for the files that touch memory ---- */

/* Tells the watcher, if there is one, of all of a request, which is memory. */
void vm_touch(struct vm *vm, const struct touch *t);

#endif
