/*
 * Memory as instructions see it: segments, TLB, physical pages, devices; and
 * the software TLB, which remembers where a page is in host memory.
 *
 * An entry of the software TLB has one tag per right. A tag is set only when
 * an access with that right needs nothing else: RAM, no watch on the page, and
 * for writes no decoded code in the frame. All else comes to the slow
 * functions here each time. Modes have entries of their own, so a tag needs no
 * check of the mode. Source: MIPS32 volume III, chapters 4 and 5.
 */
#include <string.h>

#include "core/base/bytes.h"
#include "mips/cpu.h"

#define INFO_IO      1u
#define INFO_KIND(i) ((i) >> 1 & 3)

static int address_error(enum mips_access access)
{
    return access == MIPS_WRITE ? EXC_ADES : EXC_ADEL;
}

static int translate_mapped(const struct mips *cpu, uint64_t va, enum mips_access access,
                            uint64_t *pa, uint8_t *kind)
{
    int invalid = access == MIPS_WRITE ? EXC_TLBS : EXC_TLBL;
    int i = tlb_find(cpu, va, (unsigned)cpu->c0[C0_ENTRYHI] & 0xff);
    if (i < 0)
        return invalid | EXC_REFILL;
    uint64_t in_pair = cpu->tlb_mask[i] | 0x1fff;
    uint64_t lo = cpu->tlb_lo[i][(va & ((in_pair + 1) >> 1)) != 0];
    if (!(lo & 2))
        return invalid;
    bool own_codes = cpu->c0[C0_PAGEGRAIN] & PAGEGRAIN_IEC;
    if (access == MIPS_WRITE && !(lo & 4))
        return EXC_MOD;
    if (access == MIPS_READ && lo >> 31 & 1)
        return own_codes ? EXC_TLBRI : EXC_TLBL;
    if (access == MIPS_FETCH && lo >> 30 & 1)
        return own_codes ? EXC_TLBXI : EXC_TLBL;
    *pa = ((lo & ENTRYLO_PFN) << 6 & ~(in_pair >> 1)) | (va & in_pair >> 1);
    *kind = cpu->tlb_global[i] ? KIND_GLOBAL : KIND_ASID;
    return EXC_NONE;
}

int mmu_translate(const struct mips *cpu, uint64_t va, enum mips_access access, uint64_t *pa,
                  uint8_t *kind)
{
    *kind = KIND_UNMAPPED;
    if (va < 0x80000000) {
        if (cpu->c0[C0_STATUS] & STATUS_ERL) {
            *pa = va;
            return EXC_NONE;
        }
        return translate_mapped(cpu, va, access, pa, kind);
    }
    uint32_t segment = (uint32_t)va >> 29;
    if (cpu->mode == MODE_USER || (cpu->mode == MODE_SUPER && segment != 6))
        return address_error(access);
    if (segment < 6) {
        *pa = va & 0x1fffffff;
        return EXC_NONE;
    }
    return translate_mapped(cpu, va, access, pa, kind);
}

/* ---- the software TLB ---- */

static enum mips_mode mode_of(const struct mips *cpu)
{
    uint64_t status = cpu->c0[C0_STATUS];
    if (status & (STATUS_EXL | STATUS_ERL) || cpu->c0[C0_DEBUG] & DEBUG_DM)
        return MODE_KERNEL;
    unsigned ksu = status >> 3 & 3;
    return ksu == 0 ? MODE_KERNEL : ksu == 1 ? MODE_SUPER : MODE_USER;
}

static void drop_data(struct stlb_entry *e)
{
    e->read = e->write = e->info = NO_TAG;
}

void mmu_mode_changed(struct mips *cpu)
{
    cpu->mode = mode_of(cpu);
    cpu->mode_cache = &cpu->modes[cpu->mode];
}

void mmu_flush_all(struct mips *cpu)
{
    for (unsigned m = 0; m < MODES; m++) {
        for (unsigned i = 0; i < STLB_SIZE; i++)
            drop_data(&cpu->modes[m].data[i]);
        for (unsigned i = 0; i < FTLB_SIZE; i++)
            cpu->modes[m].fetch[i].tag = NO_TAG;
    }
}

void mmu_flush_asid(struct mips *cpu)
{
    for (unsigned m = 0; m < MODES; m++) {
        for (unsigned i = 0; i < STLB_SIZE; i++)
            if (INFO_KIND(cpu->modes[m].data[i].info) >= KIND_ASID)
                drop_data(&cpu->modes[m].data[i]);
        for (unsigned i = 0; i < FTLB_SIZE; i++)
            if (cpu->modes[m].fetch[i].kind == KIND_ASID)
                cpu->modes[m].fetch[i].tag = NO_TAG;
    }
}

void mmu_flush_writes(struct mips *cpu)
{
    for (unsigned m = 0; m < MODES; m++)
        for (unsigned i = 0; i < STLB_SIZE; i++)
            cpu->modes[m].data[i].write = NO_TAG;
}

void mmu_flush_range(struct mips *cpu, uint64_t va, uint64_t len)
{
    if (len > STLB_SIZE / 4 * PAGE_SIZE) {
        mmu_flush_all(cpu);
        return;
    }
    for (uint64_t page = va & ~PAGE_MASK; page < va + len; page += PAGE_SIZE) {
        for (unsigned m = 0; m < MODES; m++) {
            struct stlb_entry *e = &cpu->modes[m].data[page >> PAGE_BITS & (STLB_SIZE - 1)];
            struct ftlb_entry *f = &cpu->modes[m].fetch[(page >> PAGE_BITS) % FTLB_SIZE];
            if ((e->info & ~PAGE_MASK) == page)
                drop_data(e);
            if (f->tag == page)
                f->tag = NO_TAG;
        }
    }
}

void mips_flush_pages(struct mips *cpu)
{
    mmu_flush_all(cpu);
}

/* ---- data ---- */

static uint64_t ram_load(const struct mips *cpu, const uint8_t *p, unsigned size)
{
    switch (size) {
    case 1:
        return *p;
    case 2:
        return cpu->big_endian ? ld_be16(p) : ld_le16(p);
    case 4:
        return cpu->big_endian ? ld_be32(p) : ld_le32(p);
    default:
        return cpu->big_endian ? ld_be64(p) : ld_le64(p);
    }
}

static void ram_store(const struct mips *cpu, uint8_t *p, unsigned size, uint64_t v)
{
    switch (size) {
    case 1:
        *p = (uint8_t)v;
        break;
    case 2:
        cpu->big_endian ? st_be16(p, (uint16_t)v) : st_le16(p, (uint16_t)v);
        break;
    case 4:
        cpu->big_endian ? st_be32(p, (uint32_t)v) : st_le32(p, (uint32_t)v);
        break;
    default:
        cpu->big_endian ? st_be64(p, v) : st_le64(p, v);
    }
}

static struct stlb_entry *entry_of(struct mips *cpu, uint64_t va)
{
    return &cpu->mode_cache->data[va >> PAGE_BITS & (STLB_SIZE - 1)];
}

static void fill(struct mips *cpu, uint64_t va, uint64_t pa, uint8_t kind, struct mips_page page,
                 enum mips_access access)
{
    struct stlb_entry *e = entry_of(cpu, va);
    uint64_t va_page = va & ~PAGE_MASK, info = va_page | (uint64_t)kind << 1;
    if (points_watched(cpu, va_page, PAGE_SIZE))
        return;
    cpu->stats.page_fills++;
    if (page.host == NULL) {
        *e = (struct stlb_entry){NO_TAG, NO_TAG, (pa & ~PAGE_MASK) - va_page, info | INFO_IO};
        return;
    }
    uint64_t add = (uint64_t)(uintptr_t)page.host - va_page;
    if (e->info != info || e->add != add)
        *e = (struct stlb_entry){NO_TAG, NO_TAG, add, info};
    e->read = access == MIPS_READ ? va_page : e->read;
    if (access == MIPS_WRITE && page.writable && !code_has(cpu, page.frame))
        e->write = va_page;
}

static enum op_result after_device(struct mips *cpu, bool ok)
{
    bool leave = cpu->leave;
    cpu->stats.device_accesses++;
    cpu->leave = false;
    if (!ok)
        return exc_raise(cpu, EXC_DBE);
    return leave ? OP_LEAVE : OP_OK;
}

/* What comes before any access: alignment, points, translation. `io` is set
 * if the page is known to be a device's. */
static enum op_result prepare(struct mips *cpu, uint64_t va, unsigned size,
                              enum mips_access access, uint64_t *pa, uint8_t *kind, bool *io)
{
    *io = false;
    if (UNLIKELY(va & (size - 1)))
        return exc_raise_address(cpu, address_error(access), va);
    const struct stlb_entry *e = entry_of(cpu, va);
    if ((e->info & ~PAGE_MASK) == (va & ~PAGE_MASK) && e->info & INFO_IO) {
        *io = true;
        *pa = va + e->add;
        return OP_OK;
    }
    if (points_watched(cpu, va, size)) {
        enum op_result r = points_check_data(cpu, va, size, access);
        if (r != OP_OK)
            return r;
    }
    int code = mmu_translate(cpu, va, access, pa, kind);
    return code == EXC_NONE ? OP_OK : exc_raise_address(cpu, code, va | cpu->fault_low);
}

enum op_result mmu_load_slow(struct mips *cpu, uint64_t va, unsigned size, uint64_t *value)
{
    uint64_t pa = 0;
    uint8_t kind = 0;
    bool io;
    enum op_result r = prepare(cpu, va, size, MIPS_READ, &pa, &kind, &io);
    if (r != OP_OK)
        return r;
    if (!io) {
        struct mips_page page = cpu->env.page(cpu->env.ctx, pa & ~PAGE_MASK, MIPS_READ);
        fill(cpu, va, pa, kind, page, MIPS_READ);
        if (page.host != NULL) {
            *value = ram_load(cpu, page.host + (pa & PAGE_MASK), size);
            return OP_OK;
        }
    }
    return after_device(cpu, cpu->env.read(cpu->env.ctx, pa, size, value));
}

enum op_result mmu_store_slow(struct mips *cpu, uint64_t va, unsigned size, uint64_t value)
{
    uint64_t pa = 0;
    uint8_t kind = 0;
    bool io;
    enum op_result r = prepare(cpu, va, size, MIPS_WRITE, &pa, &kind, &io);
    if (r != OP_OK)
        return r;
    if (!io) {
        struct mips_page page = cpu->env.page(cpu->env.ctx, pa & ~PAGE_MASK, MIPS_WRITE);
        fill(cpu, va, pa, kind, page, MIPS_WRITE);
        if (page.host != NULL && page.writable) {
            ram_store(cpu, page.host + (pa & PAGE_MASK), size, value);
            return code_store(cpu, page.frame, pa & PAGE_MASK, size) ? OP_LEAVE : OP_OK;
        }
    }
    if (size < 8)
        value &= (UINT64_C(1) << 8 * size) - 1;
    return after_device(cpu, cpu->env.write(cpu->env.ctx, pa, size, value));
}

enum op_result mmu_load(struct mips *cpu, uint64_t va, unsigned size, uint64_t *value)
{
    const struct stlb_entry *e = entry_of(cpu, va);
    if (e->read != (va & (~PAGE_MASK | (size - 1))))
        return mmu_load_slow(cpu, va, size, value);
    *value = ram_load(cpu, (const uint8_t *)(uintptr_t)(va + e->add), size);
    return OP_OK;
}

enum op_result mmu_store(struct mips *cpu, uint64_t va, unsigned size, uint64_t value)
{
    const struct stlb_entry *e = entry_of(cpu, va);
    if (e->write != (va & (~PAGE_MASK | (size - 1))))
        return mmu_store_slow(cpu, va, size, value);
    ram_store(cpu, (uint8_t *)(uintptr_t)(va + e->add), size, value);
    return OP_OK;
}

/* ---- fetch ---- */

struct code_page *mmu_fetch(struct mips *cpu, uint64_t va)
{
    struct ftlb_entry *f = &cpu->mode_cache->fetch[(va >> PAGE_BITS) % FTLB_SIZE];
    if (f->tag == (va & ~(PAGE_MASK ^ 3)))
        return f->code;
    uint64_t pa;
    uint8_t kind;
    int code = va & 3 ? EXC_ADEL : mmu_translate(cpu, va, MIPS_FETCH, &pa, &kind);
    if (code != EXC_NONE) {
        exc_raise_address(cpu, code, va);
        return NULL;
    }
    struct mips_page page = cpu->env.page(cpu->env.ctx, pa & ~PAGE_MASK, MIPS_FETCH);
    if (page.host == NULL) {
        exc_raise(cpu, EXC_IBE);
        return NULL;
    }
    struct code_page *cp = code_page_get(cpu, page.frame, page.host);
    *f = (struct ftlb_entry){va & ~PAGE_MASK, cp, kind};
    return cp;
}

bool mips_translate(const struct mips *cpu, uint64_t va, uint64_t *pa)
{
    va = (uint64_t)(int64_t)(int32_t)va;
    uint32_t segment = (uint32_t)va >> 29;
    if (segment == 4 || segment == 5 || (segment < 4 && cpu->c0[C0_STATUS] & STATUS_ERL)) {
        *pa = segment < 4 ? va : va & 0x1fffffff;
        return true;
    }
    int i = tlb_find(cpu, va, (unsigned)cpu->c0[C0_ENTRYHI] & 0xff);
    if (i < 0)
        return false;
    uint64_t in_pair = cpu->tlb_mask[i] | 0x1fff;
    uint64_t lo = cpu->tlb_lo[i][(va & ((in_pair + 1) >> 1)) != 0];
    *pa = ((lo & ENTRYLO_PFN) << 6 & ~(in_pair >> 1)) | (va & in_pair >> 1);
    return lo & 2;
}
