/*
 * Memory as instructions see it: segments, TLB, physical pages, devices; and
 * the software TLB, which remembers where a page is in host memory.
 *
 * The software TLB has a table by virtual page for each mode and each right. An
 * entry is positive only when an access with that right needs nothing else:
 * RAM, no watch on the page, and for writes no decoded code in the frame. All
 * else comes to the slow functions here each time. Negative entries spare them
 * the translation: they say device, or page with code. A table is as large as the
 * address space but little of it is ever touched; what has entries is listed,
 * by what makes it invalid, and noted in bitmaps. So a flush costs what was filled
 * since the last one, and no instruction can be dear again and again. Source: MIPS32
 * volume III, chapters 4 and 5.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "mips/cpu.h"

/* Negative entries: the top bit, a number in place of a page's, and what it is. */
#define SLOW           INT64_MIN
#define SLOW_IO        1 /* device; its physical page */
#define SLOW_CODE      2 /* writable, but the frame has decoded code; the frame */
#define SLOW_NUMBER(e) ((uint64_t)((e) & INT64_MAX) >> PAGE_BITS)

#define SEVERAL UINT32_MAX /* in frame_users: more than two, look through all lists */

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
    uint64_t inhibited = lo & cpu->c0[C0_PAGEGRAIN] & ENTRYLO_RIXI;
    bool own_codes = cpu->c0[C0_PAGEGRAIN] & PAGEGRAIN_IEC;
    if (access == MIPS_WRITE && !(lo & 4))
        return EXC_MOD;
    if (access == MIPS_READ && inhibited & PAGEGRAIN_RIE)
        return own_codes ? EXC_TLBRI : EXC_TLBL;
    if (access == MIPS_FETCH && inhibited & PAGEGRAIN_XIE)
        return own_codes ? EXC_TLBXI : EXC_TLBL;
    *pa = ((lo & ENTRYLO_PFN) << 6 & ~(in_pair >> 1)) | (va & in_pair >> 1);
    *kind = KIND_MAPPED;
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

void mmu_mode_changed(struct mips *cpu)
{
    cpu->mode = mode_of(cpu);
    cpu->mode_cache = &cpu->modes[cpu->mode];
}

void mmu_init(struct mips *cpu)
{
    for (unsigned i = 0; i < KINDS; i++)
        cpu->fills[i].at = xmalloc(FILLS_MAX * sizeof *cpu->fills[i].at);
    cpu->writes.at = xmalloc(FILLS_MAX * sizeof *cpu->writes.at);
}

void mmu_destroy(struct mips *cpu)
{
    for (unsigned i = 0; i < KINDS; i++)
        free(cpu->fills[i].at);
    free(cpu->writes.at);
}

/* A place in the tables, as lists have it. */
static uint32_t in_mode(const struct mips *cpu, uint32_t page)
{
    return page | (uint32_t)cpu->mode * VIRTUAL_PAGES;
}

/* The tables are large and thinly filled: where there is nothing, they are not touched. */
static void drop(struct mode_cache *c, uint32_t page)
{
    uint64_t bit = UINT64_C(1) << page % 64;
    if (!(c->filled[page / 64] & bit))
        return;
    c->filled[page / 64] &= ~bit;
    c->read[page] = c->write[page] = 0;
    c->fetch[page] = NULL;
}

static void flush_list(struct mips *cpu, struct fill_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        drop(&cpu->modes[list->at[i] / VIRTUAL_PAGES], list->at[i] % VIRTUAL_PAGES);
    list->n = 0;
    cpu->flushes++;
}

void mmu_flush_all(struct mips *cpu)
{
    for (unsigned i = 0; i < KINDS; i++)
        flush_list(cpu, &cpu->fills[i]);
    cpu->writes.n = 0;
}

/* DETERMINISM: global ones too. Where an entry of the new ASID overlaps a global
 * one, the lower of both counts, whatever was found under the old ASID. */
void mmu_flush_asid(struct mips *cpu)
{
    flush_list(cpu, &cpu->fills[KIND_MAPPED]);
}

void mmu_flush_writes(struct mips *cpu, uint32_t frame)
{
    const struct frame_users *users = &cpu->code.users[frame];
    if (users->page[0] == SEVERAL) {
        mips_flush_writes(cpu);
        return;
    }
    for (unsigned i = 0; i < 2; i++)
        if (users->page[i] != 0)
            cpu->modes[(users->page[i] - 1) / VIRTUAL_PAGES]
                .write[(users->page[i] - 1) % VIRTUAL_PAGES] = 0;
}

void mips_protect_frame(struct mips *cpu, uint32_t frame)
{
    code_reach(cpu, frame);
    mmu_flush_writes(cpu, frame);
}

void mips_drop_frame(struct mips *cpu, uint32_t frame)
{
    code_reach(cpu, frame);
    struct frame_users *users = &cpu->code.users[frame];
    cpu->flushes++;
    cpu->leave = true;
    if (users->page[0] == SEVERAL)
        mmu_flush_all(cpu);
    else
        for (unsigned i = 0; i < 2; i++)
            if (users->page[i] != 0)
                drop(&cpu->modes[(users->page[i] - 1) / VIRTUAL_PAGES],
                     (users->page[i] - 1) % VIRTUAL_PAGES);
    *users = (struct frame_users){{0}};
}

void mips_flush_writes(struct mips *cpu)
{
    for (uint32_t i = 0; i < cpu->writes.n; i++)
        cpu->modes[cpu->writes.at[i] / VIRTUAL_PAGES].write[cpu->writes.at[i] % VIRTUAL_PAGES] = 0;
    cpu->writes.n = 0;
}

/* Whole words of the bitmap of pages, looking only at those that have something. */
static void drop_words(struct mode_cache *c, uint32_t first, uint32_t end)
{
    for (uint32_t w = first; w < end; w++) {
        uint64_t some = c->some[w / 64] >> w % 64;
        if (some == 0) {
            w |= 63;
            continue;
        }
        w += (uint32_t)__builtin_ctzll(some);
        if (w >= end)
            break;
        while (c->filled[w] != 0)
            drop(c, w * 64 + (uint32_t)__builtin_ctzll(c->filled[w]));
        c->some[w / 64] &= ~(UINT64_C(1) << w % 64);
    }
}

void mmu_flush_range(struct mips *cpu, uint64_t va, uint64_t len)
{
    cpu->flushes++;
    uint32_t first = (uint32_t)va >> PAGE_BITS;
    uint32_t end = first + (uint32_t)min_u64(len >> PAGE_BITS, VIRTUAL_PAGES - first);
    for (unsigned m = 0; m < MODES; m++) {
        if (end - first >= 64)
            drop_words(&cpu->modes[m], first / 64, (end + 63) / 64);
        else
            for (uint32_t page = first; page < end; page++)
                drop(&cpu->modes[m], page);
    }
}

void mmu_mapping_changed(struct mips *cpu, uint64_t va, uint64_t len)
{
    if (UNLIKELY(cpu->tell_mapping))
        cpu->env.mapping(cpu->env.ctx, va, len);
}

/* A flush in the middle of a block may have moved the page that it is in. */
void mips_flush_pages(struct mips *cpu)
{
    mmu_flush_all(cpu);
    cpu->leave = true;
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

static uint32_t page_of(uint64_t va)
{
    return (uint32_t)va >> PAGE_BITS;
}

/* Note that the page gets an entry. */
static void list_fill(struct mips *cpu, uint32_t page, uint8_t kind)
{
    struct mode_cache *c = cpu->mode_cache;
    struct fill_list *list = &cpu->fills[kind];
    uint64_t bit = UINT64_C(1) << page % 64;
    if (c->filled[page / 64] & bit)
        return;
    if (list->n == FILLS_MAX)
        flush_list(cpu, list);
    c->filled[page / 64] |= bit;
    c->some[page / 64 / 64] |= UINT64_C(1) << page / 64 % 64;
    list->at[list->n++] = in_mode(cpu, page);
}

/* What is written from now on. */
static void set_write(struct mips *cpu, uint32_t page, int64_t entry)
{
    int64_t *at = &cpu->mode_cache->write[page];
    if (*at == 0) {
        if (cpu->writes.n == FILLS_MAX)
            mips_flush_writes(cpu);
        cpu->writes.at[cpu->writes.n++] = in_mode(cpu, page);
    }
    *at = entry;
}

static int64_t entry_of(uint32_t page, const uint8_t *host)
{
    return (int64_t)(uintptr_t)host - (int64_t)((uint64_t)page << PAGE_BITS);
}

static int64_t code_entry(uint32_t frame)
{
    return SLOW | (int64_t)frame << PAGE_BITS | SLOW_CODE;
}

static bool still_uses(const struct mips *cpu, uint32_t user, uint32_t frame, const uint8_t *host)
{
    const struct mode_cache *c = &cpu->modes[(user - 1) / VIRTUAL_PAGES];
    uint32_t n = (user - 1) % VIRTUAL_PAGES;
    int64_t entry = entry_of(n, host);
    return c->read[n] == entry || c->write[n] == entry || c->write[n] == code_entry(frame) ||
           (c->fetch[n] != NULL && c->fetch[n]->page->frame == frame);
}

/* Note that the page gets an entry for the frame. */
static void note_user(struct mips *cpu, uint32_t frame, const uint8_t *host, uint32_t page)
{
    code_reach(cpu, frame);
    uint32_t *users = cpu->code.users[frame].page;
    uint32_t self = in_mode(cpu, page) + 1;
    if (users[0] == self || users[1] == self || users[0] == SEVERAL)
        return;
    for (unsigned i = 0; i < 2; i++)
        if (users[i] == 0 || !still_uses(cpu, users[i], frame, host)) {
            users[i] = self;
            return;
        }
    users[0] = SEVERAL;
}

static void fill(struct mips *cpu, uint64_t va, uint64_t pa, uint8_t kind, struct mips_page page,
                 enum mips_access access)
{
    uint32_t n = page_of(va);
    struct mode_cache *c = cpu->mode_cache;
    if (points_watched(cpu, va & ~PAGE_MASK, PAGE_SIZE) ||
        (cpu->n_watches != 0 && points_watched_memory(cpu, pa & ~PAGE_MASK, PAGE_SIZE)))
        return;
    cpu->stats.page_fills++;
    list_fill(cpu, n, kind);
    if (page.host == NULL) {
        int64_t device = SLOW | (int64_t)(pa & ~PAGE_MASK) | SLOW_IO;
        if (access == MIPS_WRITE)
            set_write(cpu, n, device);
        else
            c->read[n] = device;
        return;
    }
    int64_t add = entry_of(n, page.host);
    CHECK(add > 0, "host page at %p", (void *)page.host);
    note_user(cpu, page.frame, page.host, n);
    if (access == MIPS_READ)
        c->read[n] = add;
    else if (page.writable)
        set_write(cpu, n, code_has(cpu, page.frame) ? code_entry(page.frame) : add);
}

/* After a slow access that worked. */
static enum op_result finish(struct mips *cpu, bool code_hit)
{
    bool leave = cpu->leave || __atomic_load_n(&cpu->stop_request, __ATOMIC_RELAXED) || code_hit;
    cpu->leave = false;
    return leave ? OP_LEAVE : OP_OK;
}

/* Stores into a page that also holds code, without asking for the page again. */
static bool store_near_code(struct mips *cpu, uint64_t va, unsigned size, uint64_t value,
                            enum op_result *r)
{
    int64_t entry = cpu->mode_cache->write[page_of(va)];
    if (entry >= 0 || !(entry & SLOW_CODE) || va & (size - 1))
        return false;
    uint32_t frame = (uint32_t)SLOW_NUMBER(entry);
    if (!code_has(cpu, frame))
        return false;
    ram_store(cpu, cpu->code.pages[frame]->host + (va & PAGE_MASK), size, value);
    *r = finish(cpu, code_store(cpu, frame, va & PAGE_MASK, size));
    return true;
}

static enum op_result after_device(struct mips *cpu, bool ok)
{
    cpu->stats.device_accesses++;
    if (ok)
        return finish(cpu, false);
    cpu->leave = false;
    return exc_raise(cpu, EXC_DBE);
}

/* What comes before any access: alignment, points, translation. `io` is set
 * if the page is known to be a device's. */
static enum op_result prepare(struct mips *cpu, uint64_t va, unsigned size,
                              enum mips_access access, uint64_t *pa, uint8_t *kind, bool *io)
{
    *io = false;
    if (UNLIKELY(va & (size - 1)))
        return exc_raise_address(cpu, address_error(access), va);
    const struct mode_cache *c = cpu->mode_cache;
    int64_t entry = access == MIPS_WRITE ? c->write[page_of(va)] : c->read[page_of(va)];
    if (entry < 0 && entry & SLOW_IO) {
        *io = true;
        *pa = SLOW_NUMBER(entry) << PAGE_BITS | (va & PAGE_MASK);
        return OP_OK;
    }
    if (points_watched(cpu, va, size)) {
        enum op_result r = points_check_data(cpu, va, size, access);
        if (r != OP_OK)
            return r;
    }
    int code = mmu_translate(cpu, va, access, pa, kind);
    if (code != EXC_NONE)
        return exc_raise_address(cpu, code, va | cpu->fault_low);
    return cpu->n_watches == 0 ? OP_OK : points_check_memory(cpu, va, *pa, size, access);
}

enum op_result mmu_watch_bytes(struct mips *cpu, uint64_t va, unsigned n)
{
    uint64_t pa;
    uint8_t kind;
    if (mmu_translate(cpu, va, MIPS_WRITE, &pa, &kind) != EXC_NONE)
        return OP_OK; /* the store itself gets the exception */
    return points_check_memory(cpu, va, pa, n, MIPS_WRITE);
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
            return finish(cpu, false);
        }
    }
    return after_device(cpu, cpu->env.read(cpu->env.ctx, pa, size, value));
}

enum op_result mmu_store_slow(struct mips *cpu, uint64_t va, unsigned size, uint64_t value)
{
    uint64_t pa = 0;
    uint8_t kind = 0;
    bool io;
    enum op_result r;
    if (store_near_code(cpu, va, size, value, &r))
        return r;
    r = prepare(cpu, va, size, MIPS_WRITE, &pa, &kind, &io);
    if (r != OP_OK)
        return r;
    if (!io) {
        struct mips_page page = cpu->env.page(cpu->env.ctx, pa & ~PAGE_MASK, MIPS_WRITE);
        fill(cpu, va, pa, kind, page, MIPS_WRITE);
        if (page.host != NULL && page.writable) {
            ram_store(cpu, page.host + (pa & PAGE_MASK), size, value);
            return finish(cpu, code_store(cpu, page.frame, pa & PAGE_MASK, size));
        }
    }
    if (size < 8)
        value &= (UINT64_C(1) << 8 * size) - 1;
    return after_device(cpu, cpu->env.write(cpu->env.ctx, pa, size, value));
}

static uint8_t *host_of(int64_t entry, uint64_t va, unsigned size)
{
    if (entry <= 0 || va & (size - 1))
        return NULL;
    return (uint8_t *)(uintptr_t)((uint64_t)entry + (uint32_t)va);
}

enum op_result mmu_load(struct mips *cpu, uint64_t va, unsigned size, uint64_t *value)
{
    const uint8_t *p = host_of(cpu->mode_cache->read[page_of(va)], va, size);
    if (p == NULL)
        return mmu_load_slow(cpu, va, size, value);
    *value = ram_load(cpu, p, size);
    return OP_OK;
}

enum op_result mmu_store(struct mips *cpu, uint64_t va, unsigned size, uint64_t value)
{
    uint8_t *p = host_of(cpu->mode_cache->write[page_of(va)], va, size);
    if (p == NULL)
        return mmu_store_slow(cpu, va, size, value);
    ram_store(cpu, p, size, value);
    return OP_OK;
}

/* In a refill handler, EXL is set, and eret will go to the mode that it hides. */
void mmu_foresee_load(struct mips *cpu, uint64_t va)
{
    uint64_t status = cpu->c0[C0_STATUS], pa;
    uint8_t kind;
    if (!(status & STATUS_EXL))
        return;
    cpu->c0[C0_STATUS] = status & ~(uint64_t)STATUS_EXL;
    mmu_mode_changed(cpu);
    if (cpu->mode_cache->read[page_of(va)] == 0 &&
        mmu_translate(cpu, va, MIPS_READ, &pa, &kind) == EXC_NONE) {
        struct mips_page page = cpu->env.page(cpu->env.ctx, pa & ~PAGE_MASK, MIPS_FORESEE);
        if (page.host != NULL) {
            __builtin_prefetch(page.host + (pa & PAGE_MASK));
            fill(cpu, va, pa, kind, page, MIPS_READ);
        }
    }
    cpu->c0[C0_STATUS] = status;
    mmu_mode_changed(cpu);
}

/* ---- fetch ---- */

struct code_view *mmu_fetch(struct mips *cpu, uint64_t va)
{
    struct code_view *view = cpu->mode_cache->fetch[page_of(va)];
    if (view != NULL && !(va & 3))
        return view;
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
    view = code_view_get(cpu, page.frame, page.host, va & ~PAGE_MASK);
    list_fill(cpu, page_of(va), kind);
    note_user(cpu, page.frame, page.host, page_of(va));
    cpu->mode_cache->fetch[page_of(va)] = view;
    return view;
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
