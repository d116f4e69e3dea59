#include "gdb/vm_symbols.h"

#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>

#include "replay/kallsyms.h"
#include "replay/symbol_elf.h"

static bool has_symbol_table(const struct config_image *image)
{
    bool found = false;
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

/* Where the kernel has certainly unpacked and moved itself: at its first interrupt. */
static uint64_t first_interrupt(struct replayer *r)
{
    uint64_t step = UINT64_MAX;
    for (size_t b = 0; b < r->batches_count && step == UINT64_MAX; b++) {
        const struct event *ev = replayer_look(r, b);
        for (uint32_t i = 0; ev != NULL && i < r->batches[b].count; i++)
            if (ev[i].kind == EVENT_INTERRUPT) {
                step = ev[i].step;
                break;
            }
    }
    return step;
}

static bool find_kallsyms(struct timeline *t, struct buf *out)
{
    const struct vm *vm = timeline_vm(t);
    uint8_t *ram = malloc(vm->config->memory);
    struct kallsyms symbols;
    if (ram == NULL)
        return false;
    size_t n = vm_read_physical(vm, 0, ram, vm->config->memory);
    bool found = kallsyms_find(ram, n, vm->config->big_endian, 4, &symbols);
    free(ram);
    if (found)
        symbol_elf_build(symbols.list, symbols.count, vm->config->big_endian, 4, out);
    kallsyms_free(&symbols);
    return found;
}

bool vm_symbols_find(struct timeline *t, struct buf *out, void (*progress)(const struct timeline *t))
{
    const struct config_image *kernel = &timeline_vm(t)->config->kernel;
    if (kernel->size != 0 && has_symbol_table(kernel)) {
        buf_put(out, kernel->data, kernel->size);
        return true;
    }
    uint64_t step = first_interrupt(&t->replayer);
    if (step == UINT64_MAX)
        return false;
    enum timeline_stop stop;
    timeline_seek(t, step);
    while ((stop = timeline_slice(t)) == TIMELINE_RUNNING)
        if (progress != NULL)
            progress(t);
    bool found = stop == TIMELINE_DONE && find_kallsyms(t, out);
    timeline_seek_now(t, 0);
    return found;
}
