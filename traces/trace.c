#include "traces/message.h"
#include "traces/trace.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct trace_hash canonical_hash(XXH128_hash_t hash)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    struct trace_hash h;
    _Static_assert(sizeof h.byte == sizeof canonical.digest, "a hash has 16 bytes");
    memcpy(h.byte, canonical.digest, sizeof h.byte);
    return h;
}

struct trace_hash trace_hash_of(const void *data, size_t n)
{
    return canonical_hash(XXH3_128bits(data, n));
}

void trace_hash_add(void **state, const void *data, size_t n)
{
    if (*state == NULL) {
        *state = XXH3_createState();
        if (*state == NULL)
            out_of_memory(0);
        XXH3_128bits_reset(*state);
    }
    XXH3_128bits_update(*state, data, n);
}

struct trace_hash trace_hash_end(void **state)
{
    if (*state == NULL)
        return trace_hash_of("", 0);
    struct trace_hash h = canonical_hash(XXH3_128bits_digest(*state));
    XXH3_freeState(*state);
    *state = NULL;
    return h;
}

bool trace_hash_equal(struct trace_hash a, struct trace_hash b)
{
    return memcmp(a.byte, b.byte, sizeof a.byte) == 0;
}

static void vm_free(struct trace_vm *vm)
{
    free(vm->name);
    free(vm->board);
    free(vm->cpu);
    free(vm->append);
    for (size_t i = 0; i < vm->disks_count; i++) {
        free(vm->disks[i].interface);
        free(vm->disks[i].serial);
    }
    free(vm->disks);
    for (size_t i = 0; i < vm->devices_count; i++)
        free(vm->devices[i]);
    free(vm->devices);
    free(vm->nics);
}

void trace_header_free(struct trace_header *h)
{
    free(h->build);
    free(h->recorded);
    for (size_t i = 0; i < h->images_count; i++)
        free(h->images[i].name);
    free(h->images);
    for (size_t i = 0; i < h->vms_count; i++)
        vm_free(&h->vms[i]);
    free(h->vms);
    for (size_t i = 0; i < h->networks_count; i++)
        free(h->networks[i].name);
    free(h->networks);
    *h = (struct trace_header){0};
}

void trace_put_digest(struct trace_writer *w, const struct trace_digest *d)
{
    struct buf field = {0};
    message_put_digest(d, &field);
    trace_put_field(w, TRACE_FIELD_DIGEST, field);
}

void trace_put_symbols(struct trace_writer *w, const struct trace_symbols *s)
{
    struct buf field = {0};
    message_put_symbols(s, &field);
    trace_put_field(w, TRACE_FIELD_SYMBOLS, field);
}
