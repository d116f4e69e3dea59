/*
 * Which pages share a machine page, decided between epochs: blocks of disk
 * images, equal contents found by hash, and equal contents at power-on. (What
 * the network maps is in core/vm_net.c.)
 *
 * A page that several use lies in the common arena and is never written; a VM
 * that writes breaks the sharing with a page of its own (core/vm_memory.c).
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include "core/memory.h"

struct monitor;
struct vm;

#define SHARE_IMAGES_MAX 128 /* images whose blocks are kept apart; those beyond are not shared */

struct share {
    struct radix block[SHARE_IMAGES_MAX]; /* of an image -> MPN + 1, common, that has its content */
    struct radix origin; /* number in the common arena -> image << 32 | block, + 1 */
    struct radix hint;   /* some bits of a content's hash -> a page that had that content */
    uint64_t cursor[VMS_MAX]; /* key at which the search of a VM's memory goes on */
};

void share_init(struct share *s);
void share_fini(struct share *s);
/* `copy` becomes the present state; *s becomes equal to `from`. */
void share_snapshot(const struct share *s, struct share *copy);
void share_restore(struct share *s, const struct share *from);

/* For VMs while they run: MPN + 1 of a page with this block of a base image, 0 if there is none.
 * It stays as it is until the barrier. */
uint64_t share_find_block(const struct share *s, uint32_t image, uint64_t block);
/* At power-on, of all VMs. */
void share_boot(struct monitor *m);
/* When a VM is done with the present epoch, and perhaps while others still run: looks for pages that
 * might be shared if that is due, which is most of the work. share_barrier does it for those VMs for
 * which nobody did. */
void share_search(struct vm *vm);
/* Between epochs: counts what the VMs did with common pages, and publishes the blocks that they
 * read. If something ran (`busy`), what the search found is shared. */
void share_barrier(struct monitor *m, bool busy);

/* Between epochs. The page at `key`, which nobody else uses, gets a common number: MPN. */
uint32_t share_publish(struct vm *vm, uint64_t key);
void share_unref(struct monitor *m, uint32_t mpn); /* a common page has one user less */

#endif
