#include "core/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int frames_init(struct frames *f, uint64_t max_bytes, struct err *e)
{
    *f = (struct frames){.fd = -1};
    f->max = (uint32_t)min_u64(max_bytes >> PAGE_BITS, UINT32_MAX);
    f->fd = memfd_create("disco-machine-memory", MFD_CLOEXEC);
    if (f->fd < 0)
        ERR(e, ERR_IO, "cannot create machine memory (memfd): %s", strerror(errno));
    size_t bytes = (size_t)f->max << PAGE_BITS;
    if (ftruncate(f->fd, (off_t)bytes) < 0) {
        int error = errno;
        close(f->fd);
        ERR(e, ERR_IO, "cannot size machine memory to %zu MiB: %s%s", bytes >> 20, strerror(error),
            error == EFBIG ? " (ulimit -f limits it, too)" : "");
    }
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, f->fd, 0);
    if (p == MAP_FAILED) {
        int error = errno;
        close(f->fd);
        ERR(e, ERR_IO, "cannot map %zu MiB of machine memory: %s", bytes >> 20, strerror(error));
    }
    f->base = p;
    f->used = 1;
    /* Calloc'ed memory of this size is not touched before it is used. */
    f->refs = xcalloc(f->max, sizeof f->refs[0]);
    f->refs[FRAME_ZERO] = 1;
    pthread_mutex_init(&f->lock, NULL);
    return 0;
}

void frames_fini(struct frames *f)
{
    if (f->base != NULL) {
        munmap(f->base, (size_t)f->max << PAGE_BITS);
        pthread_mutex_destroy(&f->lock);
    }
    if (f->fd >= 0)
        close(f->fd);
    free(f->refs);
    free(f->free);
    *f = (struct frames){.fd = -1};
}

uint32_t frame_alloc(struct frames *f, bool zeroed)
{
    pthread_mutex_lock(&f->lock);
    bool fresh = f->free_count == 0;
    uint32_t frame = !fresh ? f->free[--f->free_count] : f->used < f->max ? f->used++ : 0;
    pthread_mutex_unlock(&f->lock);
    CHECK(frame != 0, "machine memory of %u pages is exhausted", f->max);
    if (!fresh && zeroed)
        memset(frame_host(f, frame), 0, PAGE_SIZE);
    f->refs[frame] = 1;
    return frame;
}

void frame_unref(struct frames *f, uint32_t frame)
{
    if (frame == FRAME_ZERO || --f->refs[frame] != 0)
        return;
    pthread_mutex_lock(&f->lock);
    if (f->free_count == f->free_cap) {
        f->free_cap = f->free_cap == 0 ? 1024 : f->free_cap * 2;
        f->free = xrealloc(f->free, f->free_cap * sizeof f->free[0]);
    }
    f->free[f->free_count++] = frame;
    pthread_mutex_unlock(&f->lock);
}
