/*
 * A VM's machine pages on the network. A page that is sent keeps its number as
 * long as the frame is on the way to the switch; there it gets a common one,
 * under which receivers map it, and so does the sender if it still has the page.
 */
#include <string.h>

#include "core/monitor.h"
#include "core/vm.h"

static struct vm *vm_of(struct platform *p)
{
    return container_of(p, struct vm, platform);
}

static uint64_t hold_page(struct platform *p, uint64_t pa)
{
    struct vm *vm = vm_of(p);
    uint64_t key = vm_ram_key(vm, pa);
    uint64_t mpn1 = key == UINT64_MAX ? 0 : vm_page_hold(vm, key);
    if (mpn1 != 0)
        vm_touch(vm, &(struct touch){
                         .by = TOUCH_FRAME, .dev = p->serving.dev, .pa = pa, .bytes = PAGE_SIZE});
    if (mpn1 != 0 && mpn_arena((uint32_t)(mpn1 - 1)) == vm->index)
        radix_set(&vm->held, mpn_number((uint32_t)(mpn1 - 1)), key + 1);
    return mpn1;
}

static void release(void *ctx, uint64_t mpn1)
{
    vm_page_unref(ctx, (uint32_t)(mpn1 - 1));
}

static void release_page(struct platform *p, uint64_t mpn1)
{
    release(vm_of(p), mpn1);
}

static void read_bytes(void *ctx, uint64_t mpn1, size_t off, void *out, size_t n)
{
    const struct vm *vm = ctx;
    memcpy(out, mpn_host(vm->memory, (uint32_t)(mpn1 - 1)) + off, n);
}

static void read_page(struct platform *p, uint64_t mpn1, size_t off, void *out, size_t n)
{
    read_bytes(vm_of(p), mpn1, off, out, n);
}

static bool map_page(struct platform *p, struct device *dev, uint64_t pa, uint64_t mpn1,
                     uint64_t frame)
{
    struct vm *vm = vm_of(p);
    uint64_t key = vm_ram_key(vm, pa);
    if (key == UINT64_MAX)
        return false;
    vm_touch(vm, &(struct touch){
                     .by = TOUCH_FRAME, .write = true, .dev = dev, .pa = pa, .bytes = PAGE_SIZE});
    struct event *ev = vm_event(vm, EVENT_REMAP);
    ev->arg[0] = key;
    ev->arg[1] = mpn1;
    ev->arg[2] = mpn_users(vm->memory, (uint32_t)(mpn1 - 1)) + 1;
    ev->arg[3] = frame;
    vm_event_commit(vm);
    vm_page_ref(vm, (uint32_t)(mpn1 - 1));
    vm_page_map(vm, key, (uint32_t)(mpn1 - 1));
    return true;
}

static unsigned nic_of(const struct vm *vm, const struct device *dev)
{
    unsigned nic = 0;
    while (nic < vm->nics_count && vm->nics[nic] != dev)
        nic++;
    return nic;
}

static void send_frame(struct platform *p, struct device *dev, struct net_frame *f)
{
    struct vm *vm = vm_of(p);
    net_send(&vm->monitor->net, net_port(vm->index, nic_of(vm, dev)), f);
}

void vm_frame_event(struct vm *vm, unsigned nic, enum frame_dir dir, uint64_t frame, uint32_t len)
{
    struct event *ev = vm_event(vm, EVENT_FRAME);
    ev->arg[0] = nic;
    ev->arg[1] = dir;
    ev->arg[2] = frame;
    ev->arg[3] = len;
    vm_event_commit(vm);
}

static void frame_event(struct platform *p, struct device *dev, enum frame_dir dir, uint64_t frame,
                        uint32_t len)
{
    struct vm *vm = vm_of(p);
    vm_frame_event(vm, nic_of(vm, dev), dir, frame, len);
}

void vm_net_platform(struct vm *vm)
{
    vm->platform.hold_page = hold_page;
    vm->platform.release_page = release_page;
    vm->platform.read_page = read_page;
    vm->platform.map_page = map_page;
    vm->platform.send_frame = send_frame;
    vm->platform.frame_event = frame_event;
}

struct device *vm_nic(const struct vm *vm, unsigned nic)
{
    return nic < vm->nics_count ? vm->nics[nic] : NULL;
}

/* Between epochs, at the switch. */
static uint64_t hold(void *ctx, uint64_t mpn1)
{
    const struct vm *vm = ctx;
    struct memory *memory = vm->memory;
    uint32_t mpn = (uint32_t)(mpn1 - 1);
    if (mpn_arena(mpn) == ARENA_COMMON) {
        mpn_ref(memory, mpn);
        return mpn1;
    }
    struct vm *owner = vm->monitor->vms[mpn_arena(mpn)];
    uint64_t held = radix_get(&owner->held, mpn_number((uint32_t)(mpn1 - 1)));
    if (held & HELD_COMMON) {
        /* The common page may be gone, and its number another's; one that has the frame is it. */
        uint32_t common = (uint32_t)held;
        if (mpn_users(memory, common) != 0 && mpn_frame(memory, common) == mpn_frame(memory, mpn)) {
            mpn_ref(memory, common);
            return (uint64_t)common + 1;
        }
    }
    uint32_t common = mpn_alias(memory, mpn, ARENA_COMMON);
    if (held != 0 && !(held & HELD_COMMON) && vm_page_at(owner, held - 1) == mpn1) {
        mpn_ref(memory, common);
        vm_page_renamed(owner, held - 1, common);
        mpn_unref(memory, mpn);
    }
    radix_set(&owner->held, mpn_number((uint32_t)(mpn1 - 1)), HELD_COMMON | common);
    return (uint64_t)common + 1;
}

struct net_pages vm_net_pages(struct vm *vm)
{
    return (struct net_pages){.ctx = vm, .hold = hold, .release = release, .read = read_bytes};
}
