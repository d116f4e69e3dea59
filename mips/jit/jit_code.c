/*
 * Code memory and the way in. The memory is one memfd mapped twice: written
 * through one mapping and run through the other, so no page is ever both for
 * one address, and no call to the kernel is needed to write code. When it is
 * full, all code is dropped (code.c); it is a cache.
 */
#ifdef __x86_64__
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/err.h"
#include "mips/jit/jit_fpu.h"
#include "mips/jit/trans.h"

#define CODE_SIZE   (96u << 20)
#define STUBS_SIZE  (4u << 20)
#define HOT_SIZE    (CODE_SIZE / 2)
#define RECORDS_MAX (1u << 20)

bool jit_available(void)
{
    return true;
}

void jit_reset(struct mips *cpu)
{
    struct jit *jit = cpu->jit;
    if (jit == NULL)
        return;
    jit->hot.p = jit->hot_start;
    jit->cold.p = jit->cold_start;
    jit->n_records = 0;
    if (jit->n_inner > INNER_SIZE / 4) /* what is there is dead, and found to be so */
        loop_inner_clear(jit);
}

void jit_views_gone(struct mips *cpu)
{
    if (cpu->jit != NULL)
        loop_inner_clear(cpu->jit);
}

static _Noreturn void no_memory(void)
{
    host_failed("no %u MiB of memory for translated code: %s%s (--engine interp needs none)",
                CODE_SIZE >> 20, strerror(errno),
                errno == EFBIG ? ", which ulimit -f limits, too" : "");
}

void jit_init(struct mips *cpu)
{
    struct jit *jit = cpu->jit = xcalloc(1, sizeof *jit);
    int fd = memfd_create("disco-code", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, CODE_SIZE) < 0)
        no_memory();
    uint8_t *rw = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *rx = mmap(NULL, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (rw == MAP_FAILED || rx == MAP_FAILED)
        no_memory();
    close(fd);
    jit->rw = rw;
    jit->rx = rx;
    jit->stubs = (struct emit){rw, rx - rw};
    jit->hot = (struct emit){rw + STUBS_SIZE, rx - rw};
    jit->cold = (struct emit){rw + HOT_SIZE, rx - rw};
    jit->hot_end = rw + HOT_SIZE;
    jit->cold_start = rw + HOT_SIZE;
    jit->cold_end = rw + CODE_SIZE;
    jit->records = xmalloc(RECORDS_MAX * sizeof *jit->records);
    jit->entries = xmalloc(RECORDS_MAX * sizeof *jit->entries);
    jit->has = emit_host_features();
    jit_fpu_init(cpu);
    jit->hot_start = jit->hot.p;
    stubs_emit(jit);
    CHECK((size_t)(jit->stubs.p - rw) < STUBS_SIZE / PINS_MAX, "stubs are too long");
}

void jit_destroy(struct mips *cpu)
{
    struct jit *jit = cpu->jit;
    if (jit == NULL)
        return;
    munmap(jit->rw, CODE_SIZE);
    munmap((void *)(uintptr_t)jit->rx, CODE_SIZE);
    free(jit->records);
    free(jit->entries);
    free(jit);
    cpu->jit = NULL;
}

struct code_view *jit_view_new(struct mips *cpu)
{
    struct code_view *view = NULL;
    size_t entries = cpu->jit == NULL ? 0 : PAGE_SIZE / 4 * sizeof view->entry[0];
    return xcalloc(1, sizeof *view + entries);
}

void jit_view_forget(struct mips *cpu, struct code_view *view)
{
    if (cpu->jit == NULL || view->fresh)
        return;
    for (unsigned i = 0; i < PAGE_SIZE / 4; i++)
        view->entry[i] = cpu->jit->translate;
    view->fresh = true;
    view->stamp++;
}

/* Whoever jumps to the dead code of a record goes to what the view has there now. */
static void divert(struct jit *jit, uint32_t record, unsigned word)
{
    const struct jit_record *r = &jit->records[record];
    const struct jit_entry *entry = &jit->entries[record];
    struct emit head = {jit->rw + entry->code, jit->cold.rx};
    struct emit *e = &jit->cold;
    const uint8_t *to = emit_here(e);
    loop_change_pins(e, &jit->pins[r->pins], &jit->pins[0]);
    emit_mov_ri(e, RAX, r->page_va + word * 4);
    emit_mov_ri(e, RCX, (uint64_t)(uintptr_t)&entry->view->entry[word]);
    emit_jmp_m(e, mem_at(RCX, 0));
    emit_jmp(&head, to);
}

bool jit_block_forget(struct mips *cpu, struct code_page *cp, struct block *b)
{
    struct jit *jit = cpu->jit;
    unsigned word = b->start / 4u;
    if (jit == NULL)
        return true;
    for (struct code_view *view = cp->views; view != NULL; view = view->next)
        view->entry[word] = jit->translate;
    for (uint32_t n = b->record; n != 0; n = jit->entries[n - 1].next) {
        const struct jit_entry *entry = &jit->entries[n - 1];
        unsigned pins = jit->records[n - 1].pins;
        if (entry->stamp != entry->view->stamp)
            continue;
        if (jit->cold_end - jit->cold.p < EMIT_RED_ZONE)
            return false;
        if (pins != 0)
            loop_inner_forget(jit, entry->view, word, pins);
        divert(jit, n - 1, word);
    }
    return true;
}

bool jit_has_room(const struct jit *jit, size_t hot, size_t cold)
{
    return (size_t)(jit->hot_end - jit->hot.p) > hot &&
           (size_t)(jit->cold_end - jit->cold.p) > cold && jit->n_records + 2 < RECORDS_MAX &&
           jit->n_inner < INNER_SIZE / 2;
}

bool jit_run(struct mips *cpu)
{
    struct jit *jit = cpu->jit;
    cpu->link_from = NULL; /* the interpreter's; what it finds next does not follow it */
    struct code_view *view = mmu_fetch(cpu, cpu->pc);
    if (view == NULL) {
        cpu->budget--;
        return true;
    }
    const uint8_t *code = view->entry[cpu->pc >> 2 & 1023];
    if (code == jit->translate)
        code = jit_translate(cpu, view, cpu->pc);
    if (code == jit->interpret)
        return false;
    int64_t before = cpu->budget;
    cpu->stats.leaves++;
    jit->enter(cpu, code);
    jit_fpu_settle(cpu);
    return cpu->stopped || cpu->budget != before;
}
#endif
