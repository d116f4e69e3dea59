#include "core/swap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* An entry of a freed slot holds, in the lower half, the next free slot + 1; the bit keeps it from
 * being 0, "absent". */
#define ENTRY_FREE (1ull << 63)

static void value_ref(void *ctx, uint64_t value)
{
    struct swap *s = ctx;
    if (!(value & ENTRY_FREE))
        s->refs[value - 1]++;
}

static void value_unref(void *ctx, uint64_t value)
{
    struct swap *s = ctx;
    if (value & ENTRY_FREE || --s->refs[value - 1] != 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->free[s->free_count++] = (uint32_t)(value - 1);
    pthread_mutex_unlock(&s->lock);
}

int swap_init(struct swap *s, int fd, struct err *e)
{
    *s = (struct swap){.fd = fd, .own_fd = fd < 0};
    if (fd < 0)
        s->fd = memfd_create("disco-swap", MFD_CLOEXEC);
    if (s->fd < 0)
        ERR(e, ERR_IO, "cannot create the swap file: %s", strerror(errno));
    pthread_mutex_init(&s->lock, NULL);
    s->values = (struct radix_values){.ref = value_ref, .unref = value_unref, .ctx = s};
    for (unsigned i = 0; i < VMS_MAX; i++)
        radix_init(&s->area[i].blocks, &s->values);
    return 0;
}

void swap_fini(struct swap *s)
{
    if (s->fd < 0)
        return;
    for (unsigned i = 0; i < VMS_MAX; i++)
        radix_fini(&s->area[i].blocks);
    free(s->refs);
    free(s->free);
    pthread_mutex_destroy(&s->lock);
    if (s->own_fd)
        close(s->fd);
}

/* With one reference. The free list has room for all blocks, so that giving one back allocates
 * nothing. */
static uint32_t take_block(struct swap *s)
{
    uint32_t block;
    if (s->free_count != 0) {
        block = s->free[--s->free_count];
    } else {
        if (s->blocks == s->cap) {
            CHECK(s->cap <= UINT32_MAX / 4, "%u blocks of swap", s->cap);
            s->cap = s->cap * 2 + 1024;
            s->refs = xrealloc(s->refs, s->cap * sizeof s->refs[0]);
            s->free = xrealloc(s->free, s->cap * sizeof s->free[0]);
        }
        block = s->blocks++;
    }
    s->refs[block] = 1;
    return block;
}

static void write_block(const struct swap *s, uint32_t block, const uint8_t *page)
{
    for (size_t done = 0; done < PAGE_SIZE;) {
        ssize_t n = pwrite(s->fd, page + done, PAGE_SIZE - done,
                           (off_t)((uint64_t)block << PAGE_BITS) + (off_t)done);
        if (n == 0 || (n < 0 && errno != EINTR))
            host_failed("cannot write to the swap file: %s", strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
}

uint32_t swap_out(struct swap *s, unsigned area, const uint8_t *page)
{
    struct swap_area *a = &s->area[area];
    uint32_t slot, block = take_block(s);
    if (a->free_head != 0) {
        slot = a->free_head - 1;
        a->free_head = (uint32_t)radix_get(&a->blocks, slot);
    } else {
        slot = a->slots++;
    }
    a->in_use++;
    write_block(s, block, page);
    radix_set(&a->blocks, slot, (uint64_t)block + 1);
    return slot;
}

void swap_read(const struct swap *s, unsigned area, uint32_t slot, uint64_t off, void *out,
               size_t n)
{
    uint64_t v = radix_get(&s->area[area].blocks, slot);
    CHECK(v != 0 && !(v & ENTRY_FREE) && off + n <= PAGE_SIZE, "slot %u of swap is not in use",
          slot);
    for (size_t done = 0; done < n;) {
        ssize_t r = pread(s->fd, (uint8_t *)out + done, n - done,
                          (off_t)((v - 1) << PAGE_BITS) + (off_t)(off + done));
        if (r == 0 || (r < 0 && errno != EINTR))
            host_failed("cannot read from the swap file: %s",
                        r == 0 ? "it is too short" : strerror(errno));
        done += r > 0 ? (size_t)r : 0;
    }
}

void swap_free(struct swap *s, unsigned area, uint32_t slot)
{
    struct swap_area *a = &s->area[area];
    uint64_t v = radix_get(&a->blocks, slot);
    CHECK(v != 0 && !(v & ENTRY_FREE), "slot %u of swap is not in use", slot);
    radix_set(&a->blocks, slot, ENTRY_FREE | a->free_head);
    a->free_head = slot + 1;
    a->in_use--;
}

uint32_t swap_in_use(const struct swap *s)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < VMS_MAX; i++)
        n += s->area[i].in_use;
    return n;
}

uint32_t swap_blocks_in_use(const struct swap *s)
{
    return s->blocks - s->free_count;
}

void swap_snapshot(const struct swap *s, struct swap_snapshot *copy)
{
    for (unsigned i = 0; i < VMS_MAX; i++) {
        copy->area[i] = s->area[i];
        radix_snapshot(&s->area[i].blocks, &copy->area[i].blocks);
    }
}

void swap_restore(struct swap *s, const struct swap_snapshot *from)
{
    for (unsigned i = 0; i < VMS_MAX; i++) {
        struct radix blocks = s->area[i].blocks;
        radix_restore(&blocks, &from->area[i].blocks);
        s->area[i] = from->area[i];
        s->area[i].blocks = blocks;
    }
}

void swap_snapshot_fini(struct swap_snapshot *copy)
{
    for (unsigned i = 0; i < VMS_MAX; i++)
        radix_fini(&copy->area[i].blocks);
}
