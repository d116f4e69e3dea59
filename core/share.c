/*
 * Content-based sharing as in ESX: a table by hash holds either a common page
 * or a hint, "page K of VM V had this content". A hint does not protect its
 * page; when a second page with that hash comes by, both are compared in full,
 * and only then shared. So pages that change all the time cost a hash now and
 * then, and no faults.
 *
 * DETERMINISM: the table is direct-mapped and part of the state, so what is
 * found does not depend on when the host had time. Order is by VM, then by the
 * order in which the VM did things.
 */
#include "core/share.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/monitor.h"

#define HINT_BITS      20
#define HINT_COMMON    (1ull << 63)
#define HINT_TAG_SHIFT 45 /* 18 bits of the hash; below: MPN, or VM << 32 | key + 1 */
#define HINT_TAG       (0x3ffffull << HINT_TAG_SHIFT)
#define SCAN_RATE      5000u  /* pages per VM and virtual second */
#define SCAN_HURRY     4u     /* times as many while memory is short */
#define SCAN_ROUND     64u    /* pages per VM at a time, at least */

static const uint8_t zero_page[PAGE_SIZE];

void share_init(struct share *s)
{
    *s = (struct share){0};
}

void share_fini(struct share *s)
{
    for (unsigned i = 0; i < SHARE_IMAGES_MAX; i++)
        radix_fini(&s->block[i]);
    radix_fini(&s->origin);
    radix_fini(&s->hint);
}

void share_snapshot(const struct share *s, struct share *copy)
{
    *copy = *s;
    for (unsigned i = 0; i < SHARE_IMAGES_MAX; i++)
        radix_snapshot(&s->block[i], &copy->block[i]);
    radix_snapshot(&s->origin, &copy->origin);
    radix_snapshot(&s->hint, &copy->hint);
}

void share_restore(struct share *s, const struct share *from)
{
    struct share now;
    share_snapshot(from, &now);
    share_fini(s);
    *s = now;
}

uint64_t share_find_block(const struct share *s, uint32_t image, uint64_t block)
{
    return image < SHARE_IMAGES_MAX ? radix_get(&s->block[image], block) : 0;
}

static void log_share(struct vm *vm, uint64_t key, uint64_t mpn1, enum share_ways why)
{
    struct event *ev = vm_event(vm, EVENT_SHARE);
    ev->arg[0] = key;
    ev->arg[1] = mpn1;
    ev->arg[2] = mpn1 == 0 ? 0 : mpn_users(vm->memory, (uint32_t)(mpn1 - 1));
    ev->arg[3] = why;
    vm_event_commit(vm);
}

/* ---- common pages ---- */

uint32_t share_publish(struct vm *vm, uint64_t key)
{
    uint32_t mpn = (uint32_t)(vm_page_at(vm, key) - 1);
    uint32_t common = mpn_move(vm->memory, mpn, ARENA_COMMON, 1);
    vm_page_renamed(vm, key, common);
    return common;
}

void share_unref(struct monitor *m, uint32_t mpn)
{
    struct share *s = &m->share;
    if (mpn_users(&m->memory, mpn) == 1) {
        uint32_t number = mpn_number(mpn);
        uint64_t origin = radix_get(&s->origin, number);
        if (origin != 0) {
            radix_set(&s->block[(origin - 1) >> 32], (uint32_t)(origin - 1), 0);
            radix_set(&s->origin, number, 0);
        }
    }
    mpn_unref(&m->memory, mpn);
}

/* References first: a page that one VM leaves and another one takes stays. */
static void count_users(struct monitor *m)
{
    for (int delta = 1; delta >= -1; delta -= 2) {
        for (unsigned i = 0; i < m->vms_count; i++) {
            const struct buf *ops = &m->vms[i]->page_ops;
            for (size_t at = 0; at < ops->len; at += sizeof(struct page_op)) {
                struct page_op op;
                memcpy(&op, ops->data + at, sizeof op);
                if (op.delta == delta && delta > 0)
                    mpn_ref(&m->memory, op.mpn);
                else if (op.delta == delta)
                    share_unref(m, op.mpn);
            }
        }
    }
    for (unsigned i = 0; i < m->vms_count; i++)
        buf_clear(&m->vms[i]->page_ops);
}

static void join(struct vm *vm, uint64_t key, uint32_t common, enum share_ways why)
{
    mpn_ref(vm->memory, common);
    vm_page_set(vm, key, (uint64_t)common + 1);
    log_share(vm, key, (uint64_t)common + 1, why);
}

/* ---- blocks of disk images ---- */

static void publish_block(struct monitor *m, struct vm *vm, const struct block_read *read)
{
    struct share *s = &m->share;
    mpn_unref(&m->memory, read->mpn); /* the list's own reference */
    /* Written, replaced, or used by something else meanwhile. */
    if (mpn_users(&m->memory, read->mpn) != 1 ||
        vm_page_at(vm, read->key) != (uint64_t)read->mpn + 1)
        return;
    uint64_t known = share_find_block(s, read->image, read->block);
    if (known != 0) {
        join(vm, read->key, (uint32_t)(known - 1), SHARE_DISK);
        return;
    }
    uint32_t common = share_publish(vm, read->key);
    radix_set(&s->block[read->image], read->block, (uint64_t)common + 1);
    radix_set(&s->origin, mpn_number(common), ((uint64_t)read->image << 32 | read->block) + 1);
}

static void publish_blocks(struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        struct buf *reads = &m->vms[i]->block_reads;
        for (size_t at = 0; at < reads->len; at += sizeof(struct block_read)) {
            struct block_read read;
            memcpy(&read, reads->data + at, sizeof read);
            publish_block(m, m->vms[i], &read);
        }
        buf_clear(reads);
    }
}

/* ---- equal content ---- */

static uint64_t hint_of_page(const struct vm *vm, uint64_t key)
{
    return (uint64_t)vm->index << 32 | (key + 1);
}

/* The page of the hint, if it still has that content and is no other VM's but its own: MPN + 1 of
 * a common page. */
static uint64_t hinted_page(struct monitor *m, uint64_t hint, const uint8_t *bytes,
                            const struct vm *vm, uint64_t key, enum share_ways why)
{
    uint64_t page = hint & ~(HINT_COMMON | HINT_TAG);
    if (hint & HINT_COMMON) {
        uint32_t mpn = (uint32_t)page;
        if (mpn_users(&m->memory, mpn) == 0 ||
            memcmp(mpn_host(&m->memory, mpn), bytes, PAGE_SIZE) != 0)
            return 0;
        return (uint64_t)mpn + 1;
    }
    struct vm *other = m->vms[page >> 32];
    uint64_t other_key = (uint32_t)page - 1, mpn1 = vm_page_at(other, other_key);
    if ((other == vm && other_key == key) || other->defect || mpn1 == 0 ||
        !vm_page_is_private(other, (uint32_t)(mpn1 - 1)) ||
        memcmp(mpn_host(&m->memory, (uint32_t)(mpn1 - 1)), bytes, PAGE_SIZE) != 0)
        return 0;
    uint32_t common = share_publish(other, other_key);
    log_share(other, other_key, (uint64_t)common + 1, why);
    return (uint64_t)common + 1;
}

/* Where the table keeps what is known of a page's content, and the tag of that. */
static uint64_t hint_slot(uint64_t hash)
{
    return hash & ((1u << HINT_BITS) - 1);
}

static uint64_t hint_tag(uint64_t hash)
{
    return hash >> HINT_BITS << HINT_TAG_SHIFT & HINT_TAG;
}

/* A page that was found by the search. */
struct found {
    uint64_t key, hash;
    uint32_t mpn;
    bool zero;
};

static void consider(struct monitor *m, struct vm *vm, const struct found *f, enum share_ways why)
{
    if (vm_page_at(vm, f->key) != (uint64_t)f->mpn + 1)
        return; /* it became another one's hint, or a disk's block, just now */
    if (f->zero) {
        vm_page_set(vm, f->key, 0);
        log_share(vm, f->key, 0, why);
        return;
    }
    uint64_t slot = hint_slot(f->hash), tag = hint_tag(f->hash);
    uint64_t hint = radix_get(&m->share.hint, slot), now = HINT_COMMON | tag | f->mpn;
    if (mpn_arena(f->mpn) != ARENA_COMMON) {
        uint64_t found = 0;
        if (hint != 0 && (hint & HINT_TAG) == tag)
            found = hinted_page(m, hint, mpn_host(&m->memory, f->mpn), vm, f->key, why);
        if (found != 0)
            join(vm, f->key, (uint32_t)(found - 1), why);
        now = found != 0 ? HINT_COMMON | tag | (found - 1) : tag | hint_of_page(vm, f->key);
    }
    if (now != hint)
        radix_set(&m->share.hint, slot, now);
}

/* Does the table have this page already, as a common one or as a hint? Most it has, once VMs run
 * for a while. */
static bool is_known(const struct monitor *m, const struct vm *vm, const struct found *f)
{
    bool common = mpn_arena(f->mpn) == ARENA_COMMON;
    uint64_t page = common ? HINT_COMMON | f->mpn : hint_of_page(vm, f->key);
    return !f->zero &&
           radix_get(&m->share.hint, hint_slot(f->hash)) == (hint_tag(f->hash) | page);
}

/* The next n pages of a VM that have machine pages and might be shared, in the order of keys and
 * each at most once; into the VM's list. The VM's own thread may do this while others run: what it
 * reads is the VM's own, or changes between epochs only. */
static void search(const struct monitor *m, struct vm *vm, uint64_t n)
{
    uint64_t *cursor = &vm->found_cursor;
    *cursor = m->share.cursor[vm->index];
    buf_clear(&vm->found);
    vm->searched = true;
    if (vm->defect)
        return; /* nobody knows what it did last */
    for (uint64_t looked = 0; looked < vm->ram_pages && n != 0; looked++) {
        uint64_t key = *cursor, mpn1 = vm_page_at(vm, key);
        *cursor = key + 1 < vm->ram_pages ? key + 1 : 0;
        if (mpn1 == 0)
            continue;
        n--;
        struct found f = {.key = key, .mpn = (uint32_t)(mpn1 - 1)};
        if (mpn_arena(f.mpn) != ARENA_COMMON && !vm_page_is_private(vm, f.mpn))
            continue; /* a frame in flight or a disk's overlay has it, too */
        const uint8_t *bytes = mpn_host(&m->memory, f.mpn);
        f.zero = memcmp(bytes, zero_page, PAGE_SIZE) == 0;
        if (!f.zero)
            f.hash = XXH3_64bits(bytes, PAGE_SIZE);
        if (!is_known(m, vm, &f))
            buf_put(&vm->found, &f, sizeof f);
    }
}

/* What the search of all VMs found. */
static void share_found(struct monitor *m, enum share_ways why)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        struct vm *vm = m->vms[i];
        m->share.cursor[i] = vm->found_cursor;
        for (size_t at = 0; at < vm->found.len; at += sizeof(struct found)) {
            struct found f;
            memcpy(&f, vm->found.data + at, sizeof f);
            consider(m, vm, &f, why);
        }
        vm->searched = false;
    }
}

void share_boot(struct monitor *m)
{
    for (unsigned i = 0; i < m->vms_count; i++)
        search(m, m->vms[i], UINT64_MAX);
    share_found(m, SHARE_BOOT);
}

/* Pages of each VM to be searched at the end of the present epoch, if something runs in it. */
static uint64_t pages_due(const struct monitor *m)
{
    uint64_t rate = m->config.scan_rate != 0 ? m->config.scan_rate : SCAN_RATE;
    if (m->reclaim.level != RECLAIM_HIGH)
        rate *= SCAN_HURRY;
    uint64_t period = max_u64(SCAN_ROUND * 1000000000ull / rate / m->config.epoch_ns, 1);
    if (!(m->config.share & SHARE_CONTENT) || (m->busy_epochs + 1) % period != 0)
        return 0;
    return max_u64(rate * (period * m->config.epoch_ns) / 1000000000u, 1);
}

void share_search(struct vm *vm)
{
    uint64_t pages = pages_due(vm->monitor);
    if (pages != 0)
        search(vm->monitor, vm, pages);
}

void share_barrier(struct monitor *m, bool busy)
{
    uint64_t pages = busy ? pages_due(m) : 0;
    for (unsigned i = 0; i < m->vms_count; i++) {
        if (pages == 0)
            m->vms[i]->searched = false;
        else if (!m->vms[i]->searched)
            search(m, m->vms[i], pages);
    }
    count_users(m);
    publish_blocks(m);
    if (pages != 0)
        share_found(m, SHARE_CONTENT);
}
