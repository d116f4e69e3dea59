#include "core/vm_watch.h"

#include <inttypes.h>

#include "core/vm.h"

void vm_watch(struct vm *vm, struct vm_watcher *w)
{
    vm->watcher = w;
    vm->watch_stop = false;
    mips_tell_mapping(vm->cpu, w != NULL);
}

void vm_watch_stop(struct vm *vm)
{
    vm->watch_stop = true;
    mips_request_stop(vm->cpu);
}

void vm_mapping(void *ctx, uint64_t va, uint64_t len)
{
    struct vm *vm = ctx;
    vm->watcher->mapping(vm->watcher, vm, va, len);
}

void vm_touch(struct vm *vm, const struct touch *t)
{
    if (LIKELY(vm->watcher == NULL))
        return;
    struct touch full = *t;
    if (t->dev != NULL && t->dev == vm->platform.serving.dev)
        full.serves = vm->platform.serving;
    for (uint64_t done = 0; done < t->bytes;) {
        uint64_t pa = t->pa + done, off = pa & PAGE_MASK, key;
        uint64_t n = min_u64(t->bytes - done, PAGE_SIZE - off);
        bool rom;
        if (vm->board->memory_at(vm, pa, &key, &rom))
            vm->watcher->touched(vm->watcher, vm, &full, key, (uint32_t)off, (uint32_t)n);
        done += n;
    }
}

static void print_dma(const struct touch *t, const char *what, struct buf *out)
{
    buf_printf(out, "%s of %" PRIu64 " byte%s %s 0x%08" PRIx64, what, t->bytes,
               t->bytes == 1 ? "" : "s", t->write ? "to" : "from", t->pa);
}

void touch_print(const struct touch *t, struct buf *out)
{
    if (t->dev != NULL)
        buf_puts(out, t->dev->id);
    if (t->serves.queue != 0)
        buf_printf(out, " queue %u", t->serves.queue - 1);
    if (t->serves.head != 0)
        buf_printf(out, " descriptor %u", t->serves.head - 1);
    if (t->dev != NULL)
        buf_puts(out, ": ");
    switch (t->by) {
    case TOUCH_LOADER:
        buf_puts(out, "power-on or reset: memory is loaded");
        break;
    case TOUCH_DMA:
        print_dma(t, "DMA", out);
        break;
    case TOUCH_CONTROL:
        print_dma(t, "ring or table access", out);
        break;
    case TOUCH_DISK:
        print_dma(t, "DMA", out);
        buf_printf(out, ", disk %u, sector %" PRIu64, t->disk, t->number);
        break;
    case TOUCH_FRAME:
        print_dma(t, "page", out);
        break;
    case TOUCH_BALLOON:
        buf_printf(out, "page 0x%08" PRIx64 " goes into the balloon", t->pa);
        break;
    }
    if (t->serves.frame != 0)
        buf_printf(out, ", frame 0x%" PRIx64, t->serves.frame);
}
