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

/* Where kernels have certainly unpacked and moved themselves: at their first interrupts, in steps
 * of each VM; UINT64_MAX for none. Only of the VMs that `wanted` says. */
static void first_interrupts(struct replayer *r, const bool wanted[VMS_MAX],
                             uint64_t step[VMS_MAX])
{
    unsigned left = 0;
    for (unsigned i = 0; i < VMS_MAX; i++) {
        step[i] = UINT64_MAX;
        left += wanted[i];
    }
    for (size_t b = 0; b < r->batches_count && left != 0; b++) {
        const struct event *ev = replayer_look(r, b);
        for (uint32_t i = 0; ev != NULL && i < r->batches[b].count; i++) {
            unsigned vm = ev[i].vm;
            if (ev[i].kind != EVENT_INTERRUPT || vm >= VMS_MAX || !wanted[vm] ||
                step[vm] != UINT64_MAX)
                continue;
            step[vm] = ev[i].step;
            left--;
        }
    }
}

static bool find_kallsyms(const struct vm *vm, struct buf *out)
{
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

/* Forward to where that VM has done so many steps, unless it has. */
static bool go_to(struct timeline *t, unsigned vm, uint64_t step,
                  void (*progress)(const struct timeline *t))
{
    enum timeline_stop stop;
    if (timeline_vm_steps(t, vm) >= step)
        return true;
    timeline_seek_vm(t, vm, step);
    while ((stop = timeline_slice(t)) == TIMELINE_RUNNING)
        if (progress != NULL)
            progress(t);
    return stop == TIMELINE_DONE;
}

void vm_symbols_find(struct timeline *t, bool search, struct buf out[VMS_MAX],
                     void (*progress)(const struct timeline *t))
{
    uint64_t step[VMS_MAX];
    bool wanted[VMS_MAX] = {false};
    unsigned vms = timeline_vms(t);
    for (unsigned i = 0; i < vms && search; i++) {
        const struct config_image *kernel = &timeline_vm(t, i)->config->kernel;
        wanted[i] = kernel->size == 0 || !has_symbol_table(kernel);
        if (!wanted[i])
            buf_put(&out[i], kernel->data, kernel->size);
    }
    first_interrupts(&t->replayer, wanted, step);
    for (unsigned i = 0; i < vms; i++) {
        const struct vm_config *vm = timeline_vm(t, i)->config;
        if (out[i].len != 0 || (step[i] != UINT64_MAX && go_to(t, i, step[i], progress) &&
                                find_kallsyms(timeline_vm(t, i), &out[i])))
            continue;
        if (vms > 1 || vm->big_endian)
            symbol_elf_build(NULL, 0, vm->big_endian, 4, &out[i]);
    }
    if (timeline_position(t) != 0)
        timeline_seek_now(t, 0);
}
