/*
 * A whole state in memory: trees are shared (core/radix.h), the rest is copied.
 * Caches are no state: after a restore they are empty, after a snapshot only the
 * right to write is gone, for pages move when they are written next.
 */
#include <stdlib.h>

#include "core/disk_priv.h"
#include "core/monitor.h"

#define INBOX(vm, n) ((vm)->nics[n]->ops->inbox((vm)->nics[n]))

struct vm_snapshot {
    struct radix pmap, page_hash;
    struct vm_pages pages;
    struct vm_samples samples;
    uint64_t memory_digest, epoch_steps;
    struct radix overlay[DISKS_MAX], away[DISKS_MAX];
    uint64_t overlay_digest[DISKS_MAX], next_out[DISKS_MAX];
    struct buf state, page_ops, block_reads;
    struct radix held, inbox[NICS_MAX];
};

struct snapshot {
    struct memory_snapshot memory;
    struct share share;
    struct net_snapshot net;
    struct buf net_state;
    struct reclaim reclaim;
    uint64_t epoch, step, cycle, epoch_step, busy_epochs;
    uint8_t barrier_done, turn;
    struct vm_snapshot vm[];
};

struct snapshot *monitor_snapshot(struct monitor *m)
{
    struct snapshot *s = xcalloc(1, sizeof *s + m->vms_count * sizeof s->vm[0]);
    s->epoch = m->epoch;
    s->barrier_done = m->barrier_done;
    s->turn = m->turn;
    s->epoch_step = m->epoch_step;
    s->busy_epochs = m->busy_epochs;
    s->step = monitor_position(m);
    s->cycle = monitor_cycle(m);
    s->reclaim = m->reclaim;
    share_snapshot(&m->share, &s->share);
    net_snapshot(&m->net, &s->net);
    net_save(&m->net, &s->net_state);
    for (unsigned i = 0; i < m->vms_count; i++) {
        struct vm *vm = m->vms[i];
        struct vm_snapshot *v = &s->vm[i];
        vm_update_memory_digest(vm);
        radix_snapshot(&vm->pmap, &v->pmap);
        v->pages = vm->pages;
        v->samples = vm->samples;
        radix_snapshot(&vm->page_hash, &v->page_hash);
        v->memory_digest = vm->memory_digest;
        v->epoch_steps = vm->epoch_steps;
        for (unsigned d = 0; d < vm->disks_count; d++) {
            radix_snapshot(&vm->disks[d]->overlay, &v->overlay[d]);
            radix_snapshot(&vm->disks[d]->away, &v->away[d]);
            v->next_out[d] = vm->disks[d]->next_out;
            v->overlay_digest[d] = vm->disks[d]->digest;
        }
        vm_save(vm, &v->state);
        buf_put(&v->page_ops, vm->page_ops.data, vm->page_ops.len);
        buf_put(&v->block_reads, vm->block_reads.data, vm->block_reads.len);
        radix_snapshot(&vm->held, &v->held);
        for (unsigned n = 0; n < vm->nics_count; n++)
            radix_snapshot(&INBOX(vm, n)->frames, &v->inbox[n]);
    }
    memory_snapshot(&m->memory, &s->memory);
    for (unsigned i = 0; i < m->vms_count; i++)
        mips_flush_writes(m->vms[i]->cpu);
    return s;
}

void monitor_restore(struct monitor *m, const struct snapshot *s)
{
    m->epoch = s->epoch;
    m->barrier_done = s->barrier_done;
    m->turn = s->turn;
    m->epoch_step = s->epoch_step;
    m->busy_epochs = s->busy_epochs;
    m->reclaim = s->reclaim;
    share_restore(&m->share, &s->share);
    net_load(&m->net, s->net_state.data);
    net_restore(&m->net, &s->net);
    memory_restore(&m->memory, &s->memory);
    for (unsigned i = 0; i < m->vms_count; i++) {
        struct vm *vm = m->vms[i];
        const struct vm_snapshot *v = &s->vm[i];
        for (uint32_t k = 0; k < vm->dirty_count; k++)
            vm->dirty[vm->dirty_list[k]] = 0;
        vm->dirty_count = 0;
        radix_restore(&vm->pmap, &v->pmap);
        vm->pages = v->pages;
        vm_samples_restore(vm, &v->samples);
        radix_restore(&vm->page_hash, &v->page_hash);
        vm->memory_digest = v->memory_digest;
        vm->epoch_steps = v->epoch_steps;
        for (unsigned d = 0; d < vm->disks_count; d++) {
            radix_restore(&vm->disks[d]->overlay, &v->overlay[d]);
            radix_restore(&vm->disks[d]->away, &v->away[d]);
            vm->disks[d]->next_out = v->next_out[d];
            vm->disks[d]->digest = v->overlay_digest[d];
        }
        buf_clear(&vm->page_ops);
        buf_put(&vm->page_ops, v->page_ops.data, v->page_ops.len);
        buf_clear(&vm->block_reads);
        buf_put(&vm->block_reads, v->block_reads.data, v->block_reads.len);
        radix_restore(&vm->held, &v->held);
        for (unsigned n = 0; n < vm->nics_count; n++)
            radix_restore(&INBOX(vm, n)->frames, &v->inbox[n]);
        vm_load_state(vm, v->state.data);
        vm_flush_translations(vm);
    }
}

void snapshot_free(struct monitor *m, struct snapshot *s)
{
    for (unsigned i = 0; i < m->vms_count; i++) {
        radix_fini(&s->vm[i].pmap);
        radix_fini(&s->vm[i].page_hash);
        for (unsigned d = 0; d < m->vms[i]->disks_count; d++) {
            radix_fini(&s->vm[i].overlay[d]);
            radix_fini(&s->vm[i].away[d]);
        }
        buf_free(&s->vm[i].state);
        buf_free(&s->vm[i].page_ops);
        buf_free(&s->vm[i].block_reads);
        radix_fini(&s->vm[i].held);
        for (unsigned n = 0; n < m->vms[i]->nics_count; n++)
            radix_fini(&s->vm[i].inbox[n]);
    }
    share_fini(&s->share);
    net_snapshot_drop(&s->net);
    buf_free(&s->net_state);
    memory_snapshot_fini(&s->memory);
    free(s);
}

uint64_t snapshot_step(const struct snapshot *s)
{
    return s->step;
}

uint64_t snapshot_cycle(const struct snapshot *s)
{
    return s->cycle;
}
