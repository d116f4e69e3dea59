/* Kernels as ELF files, into a VM's memory. */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include "core/base/err.h"
#include "core/config.h"

struct vm;

/* What a kernel image is, before there is a machine to load it into. */
struct kernel_info {
    bool elf;        /* else a raw image, loaded at KERNEL_RAW_ADDRESS and entered at its start */
    bool big_endian; /* meaningful for ELF */
    bool is_64bit;
};
#define KERNEL_RAW_ADDRESS 0x80100000u

int loader_probe(const struct config_image *image, const char *name, struct kernel_info *info,
                 struct err *e);

/* Load at the physical addresses behind the image's KSEG0/KSEG1 ones. *entry is
 * a sign-extended virtual address, *end the highest physical address used. */
int loader_load(struct vm *vm, const struct config_image *image, uint64_t *entry, uint64_t *end,
                struct err *e);

#endif
