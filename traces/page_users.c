/* Open addressing. Entries are never deleted, only their values become 0. */
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/base/err.h"
#include "traces/page_users.h"

/* 16 GiB of pages of all VMs. A hostile trace can name more pages than fit into memory. */
#define PAGES_MAX ((size_t)1 << 22)

static struct page_entry *table_find(const struct page_table *t, uint64_t page, uint32_t owner,
                                     uint64_t seed)
{
    uint64_t key[2] = {page, owner};
    size_t i = (size_t)XXH3_64bits_withSeed(key, sizeof key, seed) & (t->cap - 1);
    while (t->slots[i].owner != 0 && (t->slots[i].page != page || t->slots[i].owner != owner))
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static void table_grow(struct page_table *t, uint64_t seed)
{
    struct page_table bigger = {.count = t->count, .cap = t->cap == 0 ? 1024 : 2 * t->cap};
    bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].owner != 0)
            *table_find(&bigger, t->slots[i].page, t->slots[i].owner, seed) = t->slots[i];
    free(t->slots);
    *t = bigger;
}

/* Its value, which is 0 at first; valid until the next call for this table. */
static uint64_t *table_value(struct page_table *t, uint64_t page, uint32_t owner, uint64_t seed)
{
    if (2 * t->count >= t->cap)
        table_grow(t, seed);
    struct page_entry *entry = table_find(t, page, owner, seed);
    if (entry->owner == 0) {
        *entry = (struct page_entry){.page = page, .owner = owner};
        t->count++;
    }
    return &entry->value;
}

static void tables_free(struct page_users *u)
{
    struct page_table *const tables[] = {&u->mapped, &u->by_vm, &u->by_page};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        free(tables[i]->slots);
        *tables[i] = (struct page_table){0};
    }
}

static void users_add(struct page_users *u, uint32_t vm, uint64_t mpn)
{
    uint64_t *pages = table_value(&u->by_vm, mpn, vm + 1, u->seed);
    if ((*pages)++ > 0) {
        u->within++;
        return;
    }
    uint64_t *vms = table_value(&u->by_page, mpn, 1, u->seed);
    if ((*vms)++ > 0)
        u->across++;
}

static void users_remove(struct page_users *u, uint32_t vm, uint64_t mpn)
{
    uint64_t *pages = table_value(&u->by_vm, mpn, vm + 1, u->seed);
    if (--*pages > 0) {
        u->within--;
        return;
    }
    uint64_t *vms = table_value(&u->by_page, mpn, 1, u->seed);
    if (--*vms > 0)
        u->across--;
}

void page_users_map(struct page_users *u, uint32_t vm, uint64_t ppn, uint64_t mpn)
{
    if (u->overflow)
        return;
    /* A file must not be able to choose pages that collide. */
    if (u->seed == 0 && getentropy(&u->seed, sizeof u->seed) != 0)
        u->seed = 1;
    uint64_t *at = table_value(&u->mapped, ppn, vm + 1, u->seed);
    uint64_t before = *at;
    if (before == mpn)
        return;
    *at = mpn;
    if (before != 0)
        users_remove(u, vm, before);
    if (mpn != 0)
        users_add(u, vm, mpn);
    if (u->mapped.count > PAGES_MAX || u->by_vm.count > PAGES_MAX) {
        tables_free(u);
        u->overflow = true;
        u->within = u->across = 0;
    }
}

void page_users_free(struct page_users *u)
{
    tables_free(u);
}
