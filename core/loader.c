#include "core/loader.h"

#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <string.h>

#include "core/vm.h"

/* The physical address behind a kernel's unmapped segment. */
static uint64_t kseg_physical(uint64_t va)
{
    return va & 0x1fffffff;
}

static bool is_elf(const struct config_image *image)
{
    return image->size >= 4 && memcmp(image->data, "\177ELF", 4) == 0;
}

int loader_probe(const struct config_image *image, const char *name, struct kernel_info *info,
                 struct err *e)
{
    *info = (struct kernel_info){.elf = is_elf(image)};
    if (image->size == 0)
        ERR(e, ERR_FORMAT, "%s: the file is empty", name);
    if (!info->elf)
        return 0;
    if (image->size < 20)
        ERR(e, ERR_FORMAT, "%s: an ELF file cut after %zu bytes", name, image->size);
    info->is_64bit = image->data[EI_CLASS] == ELFCLASS64;
    info->big_endian = image->data[EI_DATA] == ELFDATA2MSB;
    unsigned machine = info->big_endian ? image->data[18] << 8 | image->data[19]
                                        : image->data[19] << 8 | image->data[18];
    if (machine != EM_MIPS)
        ERR(e, ERR_FORMAT, "%s: an ELF file for another processor (e_machine %u), not MIPS", name,
            machine);
    if (info->is_64bit)
        ERR(e, ERR_USAGE, "%s: a 64-bit kernel; this version runs MIPS32 guests", name);
    return 0;
}

static int load_segments(struct vm *vm, Elf *elf, const struct config_image *image, uint64_t *end,
                         struct err *e)
{
    size_t n;
    if (elf_getphdrnum(elf, &n) != 0)
        ERR(e, ERR_FORMAT, "%s: damaged ELF program headers: %s", vm->config->kernel_name,
            elf_errmsg(-1));
    *end = 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (gelf_getphdr(elf, (int)i, &ph) == NULL || ph.p_type != PT_LOAD || ph.p_memsz == 0)
            continue;
        if (ph.p_offset > image->size || ph.p_filesz > image->size - ph.p_offset ||
            ph.p_filesz > ph.p_memsz)
            ERR(e, ERR_FORMAT, "%s: ELF segment %zu lies outside the file", vm->config->kernel_name,
                i);
        uint64_t pa = kseg_physical(ph.p_vaddr);
        if (!vm_has_memory(vm, pa, ph.p_memsz, true) ||
            !vm_load(vm, pa, image->data + ph.p_offset, ph.p_filesz))
            ERR(e, ERR_USAGE, "%s: segment at %08" PRIx64 " (%" PRIu64 " KiB) does not fit into RAM",
                vm->config->kernel_name, (uint64_t)(uint32_t)ph.p_vaddr, (uint64_t)ph.p_memsz >> 10);
        static const uint8_t zero[PAGE_SIZE];
        for (uint64_t at = ph.p_filesz; at < ph.p_memsz;) {
            size_t part = (size_t)min_u64(sizeof zero, ph.p_memsz - at);
            vm_load(vm, pa + at, zero, part);
            at += part;
        }
        *end = max_u64(*end, pa + ph.p_memsz);
    }
    if (*end == 0)
        ERR(e, ERR_FORMAT, "%s: an ELF file with nothing to load", vm->config->kernel_name);
    return 0;
}

static int load_elf(struct vm *vm, const struct config_image *image, uint64_t *entry, uint64_t *end,
                    struct err *e)
{
    elf_version(EV_CURRENT);
    /* libelf takes a writable pointer and does not write through it. */
    Elf *elf = elf_memory((char *)(uintptr_t)image->data, image->size);
    GElf_Ehdr eh;
    if (elf == NULL || gelf_getehdr(elf, &eh) == NULL) {
        if (elf != NULL)
            elf_end(elf);
        ERR(e, ERR_FORMAT, "%s: damaged ELF header: %s", vm->config->kernel_name, elf_errmsg(-1));
    }
    *entry = (uint64_t)(int64_t)(int32_t)eh.e_entry;
    int r = load_segments(vm, elf, image, end, e);
    elf_end(elf);
    return r;
}

int loader_load(struct vm *vm, const struct config_image *image, uint64_t *entry, uint64_t *end,
                struct err *e)
{
    if (is_elf(image))
        return load_elf(vm, image, entry, end, e);
    uint64_t pa = kseg_physical(KERNEL_RAW_ADDRESS);
    if (!vm_load(vm, pa, image->data, image->size))
        ERR(e, ERR_USAGE, "%s: %zu KiB do not fit into RAM", vm->config->kernel_name,
            image->size >> 10);
    *entry = (uint64_t)(int64_t)(int32_t)KERNEL_RAW_ADDRESS;
    *end = pa + image->size;
    return 0;
}
