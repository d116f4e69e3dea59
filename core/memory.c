#include "core/memory.h"

#include <string.h>

/* A memmap entry: users in the upper half. A freed page has no users and holds, in the lower
 * half, the next free number + 1; the bit keeps the entry from being 0, "absent". */
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

int memory_init(struct memory *m, uint64_t pool_bytes, uint64_t bytes, struct err *e)
{
    *m = (struct memory){.swap.fd = -1};
    TRY(frames_init(&m->frames, bytes + PAGE_SIZE, e));
    m->pool_pages = pool_bytes >> PAGE_BITS;
    m->values = (struct radix_values){.ref = value_ref, .unref = value_unref, .ctx = m};
    for (unsigned i = 0; i < ARENAS; i++)
        radix_init(&m->arena[i].memmap, &m->values);
    return 0;
}

void memory_fini(struct memory *m)
{
    for (unsigned i = 0; i < ARENAS; i++)
        radix_fini(&m->arena[i].memmap);
    swap_fini(&m->swap);
    frames_fini(&m->frames);
}

uint32_t memory_in_use(const struct memory *m)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < ARENAS; i++)
        n += m->arena[i].in_use;
    return n;
}

uint32_t memory_shared(const struct memory *m)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < ARENAS; i++)
        n += m->arena[i].shared;
    return n;
}

static struct arena *arena_of(struct memory *m, uint32_t mpn)
{
    return &m->arena[mpn_arena(mpn)];
}

/* A free number, which the caller gives an entry. */
static uint32_t take_number(struct memory *m, unsigned arena)
{
    struct arena *a = &m->arena[arena];
    uint32_t number;
    if (a->free_head != 0) {
        number = a->free_head - 1;
        a->free_head = (uint32_t)radix_get(&a->memmap, number);
    } else {
        CHECK(a->mpns < 1u << ARENA_BITS, "arena %u has no number left", arena);
        number = a->mpns++;
    }
    a->in_use++;
    return arena << ARENA_BITS | number;
}

static void give_number(struct memory *m, uint32_t mpn)
{
    struct arena *a = arena_of(m, mpn);
    radix_set(&a->memmap, mpn_number(mpn), ENTRY_FREE | a->free_head);
    a->free_head = mpn_number(mpn) + 1;
    a->in_use--;
}

uint32_t mpn_alloc(struct memory *m, unsigned arena, bool zeroed)
{
    uint32_t mpn = take_number(m, arena);
    radix_set(&m->arena[arena].memmap, mpn_number(mpn), entry(frame_alloc(&m->frames, zeroed), 1));
    return mpn;
}

static uint64_t used_entry(const struct memory *m, uint32_t mpn)
{
    uint64_t v = radix_get(&m->arena[mpn_arena(mpn)].memmap, mpn_number(mpn));
    CHECK(v != 0 && !(v & ENTRY_FREE), "machine page %u is not in use", mpn);
    return v;
}

/* Same frame, other number of users. */
static void set_users(struct memory *m, uint32_t mpn, uint32_t frame, uint32_t users)
{
    frame_ref(&m->frames, frame);
    radix_set(&arena_of(m, mpn)->memmap, mpn_number(mpn), entry(frame, users));
}

void mpn_ref(struct memory *m, uint32_t mpn)
{
    uint64_t v = used_entry(m, mpn);
    set_users(m, mpn, (uint32_t)v, (uint32_t)(v >> 32) + 1);
    if (v >> 32 == 1)
        arena_of(m, mpn)->shared++;
}

void mpn_unref(struct memory *m, uint32_t mpn)
{
    uint64_t v = used_entry(m, mpn);
    uint32_t users = (uint32_t)(v >> 32) - 1;
    if (users == 1)
        arena_of(m, mpn)->shared--;
    if (users != 0)
        set_users(m, mpn, (uint32_t)v, users);
    else
        give_number(m, mpn);
}

uint32_t mpn_users(const struct memory *m, uint32_t mpn)
{
    uint64_t v = radix_get(&m->arena[mpn_arena(mpn)].memmap, mpn_number(mpn));
    return v & ENTRY_FREE ? 0 : (uint32_t)(v >> 32);
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
    if (m->frames.refs[frame] == 1 && radix_is_exclusive(&arena_of(m, mpn)->memmap, mpn_number(mpn)))
        return frame;
    uint32_t copy = frame_alloc(&m->frames, false);
    memcpy(frame_host(&m->frames, copy), frame_host(&m->frames, frame), PAGE_SIZE);
    radix_set(&arena_of(m, mpn)->memmap, mpn_number(mpn), entry(copy, (uint32_t)(v >> 32)));
    *moved = true;
    return copy;
}

uint32_t mpn_move(struct memory *m, uint32_t mpn, unsigned arena, uint32_t users)
{
    uint32_t frame = mpn_frame(m, mpn), to = take_number(m, arena);
    arena_of(m, mpn)->shared -= mpn_users(m, mpn) > 1;
    arena_of(m, to)->shared += users > 1;
    set_users(m, to, frame, users);
    give_number(m, mpn);
    return to;
}

uint32_t mpn_alias(struct memory *m, uint32_t mpn, unsigned arena)
{
    uint32_t to = take_number(m, arena);
    set_users(m, to, mpn_frame(m, mpn), 1);
    return to;
}

void memory_snapshot(const struct memory *m, struct memory_snapshot *s)
{
    for (unsigned i = 0; i < ARENAS; i++) {
        s->arena[i] = m->arena[i];
        radix_snapshot(&m->arena[i].memmap, &s->arena[i].memmap);
    }
    swap_snapshot(&m->swap, &s->swap);
}

void memory_restore(struct memory *m, const struct memory_snapshot *s)
{
    for (unsigned i = 0; i < ARENAS; i++) {
        struct radix memmap = m->arena[i].memmap;
        radix_restore(&memmap, &s->arena[i].memmap);
        m->arena[i] = s->arena[i];
        m->arena[i].memmap = memmap;
    }
    swap_restore(&m->swap, &s->swap);
}

void memory_snapshot_fini(struct memory_snapshot *s)
{
    for (unsigned i = 0; i < ARENAS; i++)
        radix_fini(&s->arena[i].memmap);
    swap_snapshot_fini(&s->swap);
}
