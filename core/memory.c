#include "core/memory.h"

#include <string.h>

/* A memmap entry: users in the upper half. A freed page has no users and holds, in the lower
 * half, the next free MPN + 1; the bit keeps the entry from being 0, "absent". */
#define ENTRY_FREE (1ull << 63)

static uint64_t entry(uint32_t frame, uint32_t users)
{
    return (uint64_t)users << 32 | frame;
}

static void value_ref(void *ctx, uint64_t value)
{
    struct memory *m = ctx;
    if (!(value & ENTRY_FREE))
        frame_ref(&m->frames, (uint32_t)value);
}

static void value_unref(void *ctx, uint64_t value)
{
    struct memory *m = ctx;
    if (!(value & ENTRY_FREE))
        frame_unref(&m->frames, (uint32_t)value);
}

int memory_init(struct memory *m, uint64_t pool_bytes, uint64_t extra_bytes, struct err *e)
{
    *m = (struct memory){0};
    TRY(frames_init(&m->frames, pool_bytes + extra_bytes + PAGE_SIZE, e));
    m->mpn_limit = (uint32_t)(pool_bytes >> PAGE_BITS);
    m->values = (struct radix_values){.ref = value_ref, .unref = value_unref, .ctx = m};
    radix_init(&m->memmap, &m->values);
    return 0;
}

void memory_fini(struct memory *m)
{
    radix_fini(&m->memmap);
    frames_fini(&m->frames);
}

uint32_t mpn_alloc(struct memory *m)
{
    uint32_t mpn;
    if (m->free_head != 0) {
        mpn = m->free_head - 1;
        m->free_head = (uint32_t)radix_get(&m->memmap, mpn);
    } else {
        CHECK(m->mpns < m->mpn_limit, "all %u machine pages are in use", m->mpn_limit);
        mpn = m->mpns++;
    }
    radix_set(&m->memmap, mpn, entry(frame_alloc(&m->frames, true), 1));
    m->in_use++;
    return mpn;
}

static uint64_t used_entry(const struct memory *m, uint32_t mpn)
{
    uint64_t v = radix_get(&m->memmap, mpn);
    CHECK(v != 0 && !(v & ENTRY_FREE), "machine page %u is not in use", mpn);
    return v;
}

/* Same frame, other number of users. */
static void set_users(struct memory *m, uint32_t mpn, uint32_t frame, uint32_t users)
{
    frame_ref(&m->frames, frame);
    radix_set(&m->memmap, mpn, entry(frame, users));
}

void mpn_ref(struct memory *m, uint32_t mpn)
{
    uint64_t v = used_entry(m, mpn);
    set_users(m, mpn, (uint32_t)v, (uint32_t)(v >> 32) + 1);
}

void mpn_unref(struct memory *m, uint32_t mpn)
{
    uint64_t v = used_entry(m, mpn);
    uint32_t users = (uint32_t)(v >> 32) - 1;
    if (users != 0) {
        set_users(m, mpn, (uint32_t)v, users);
        return;
    }
    radix_set(&m->memmap, mpn, ENTRY_FREE | m->free_head);
    m->free_head = mpn + 1;
    m->in_use--;
}

uint32_t mpn_users(const struct memory *m, uint32_t mpn)
{
    return (uint32_t)(used_entry(m, mpn) >> 32);
}

uint32_t mpn_frame(const struct memory *m, uint32_t mpn)
{
    return (uint32_t)used_entry(m, mpn);
}

uint32_t mpn_own(struct memory *m, uint32_t mpn, bool *moved)
{
    uint64_t v = used_entry(m, mpn);
    uint32_t frame = (uint32_t)v;
    *moved = false;
    if (m->frames.refs[frame] == 1 && radix_is_exclusive(&m->memmap, mpn))
        return frame;
    uint32_t copy = frame_alloc(&m->frames, false);
    memcpy(frame_host(&m->frames, copy), frame_host(&m->frames, frame), PAGE_SIZE);
    radix_set(&m->memmap, mpn, entry(copy, (uint32_t)(v >> 32)));
    *moved = true;
    return copy;
}

void memory_snapshot(const struct memory *m, struct memory_snapshot *s)
{
    radix_snapshot(&m->memmap, &s->memmap);
    s->mpns = m->mpns;
    s->free_head = m->free_head;
    s->in_use = m->in_use;
}

void memory_restore(struct memory *m, const struct memory_snapshot *s)
{
    radix_restore(&m->memmap, &s->memmap);
    m->mpns = s->mpns;
    m->free_head = s->free_head;
    m->in_use = s->in_use;
}

void memory_snapshot_fini(struct memory_snapshot *s)
{
    radix_fini(&s->memmap);
}
