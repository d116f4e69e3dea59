#include "core/vm_kallsyms.h"

#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <sys/mman.h>

#define UNMAPPED_BYTES 0x20000000u /* what KSEG0 reaches; MIPS32 vol. III, 4.3 */
#define REG_STATUS     32          /* mips_regs */
#define STATUS_HELD    (1u << 22 | 1u << 2 | 1u << 1) /* BEV, ERL, EXL */
#define STATUS_IM      0xff00u
#define STATUS_IE      1u

bool vm_kernel_has_symbols(const struct vm *vm)
{
    const struct config_image *image = &vm->config->kernel;
    bool found = false;
    if (image->size == 0)
        return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)(uintptr_t)image->data, image->size);
    Elf_Scn *section = NULL;
    while (elf != NULL && !found && (section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        found = gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_SYMTAB &&
                header.sh_size > sizeof(Elf32_Sym);
    }
    if (elf != NULL)
        elf_end(elf);
    return found;
}

bool vm_takes_interrupts(const struct vm *vm)
{
    uint64_t status = mips_reg_read(vm->cpu, REG_STATUS);
    return (status & STATUS_HELD) == 0 && (status & STATUS_IE) && (status & STATUS_IM);
}

/* Copies the pages that are there to their places in `ram`, and notes them. */
static void copy_pages(const struct vm *vm, uint8_t *ram, size_t n, bool *present)
{
    for (size_t pa = 0; pa < n; pa += PAGE_SIZE) {
        uint64_t key;
        bool rom;
        if (!vm->board->memory_at(vm, pa, &key, &rom) || radix_get(&vm->pmap, key) == 0)
            continue;
        present[pa / PAGE_SIZE] = true;
        vm_read_physical(vm, pa, ram + pa, PAGE_SIZE);
    }
}

bool vm_find_kallsyms(const struct vm *vm, struct kallsyms *out)
{
    size_t n = (size_t)min_u64(vm->config->memory, UNMAPPED_BYTES) & ~(size_t)PAGE_MASK;
    *out = (struct kallsyms){0};
    if (n == 0)
        return false;
    uint8_t *ram = mmap(NULL, n, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ram == MAP_FAILED)
        return false;
    bool *present = xcalloc(n / PAGE_SIZE, sizeof present[0]);
    copy_pages(vm, ram, n, present);
    bool found = kallsyms_find(ram, n, vm->config->big_endian, 4, present, out);
    free(present);
    munmap(ram, n);
    return found;
}
