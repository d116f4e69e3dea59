#include "record/cluster.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/base/splitmix.h"

void cluster_init(struct cluster *c)
{
    *c = (struct cluster){.epoch_ns = EPOCH_NS_DEFAULT, .share = SHARE_AS_SUITS};
    if (getrandom(&c->seed, sizeof c->seed, 0) != sizeof c->seed)
        c->seed = (uint64_t)time(NULL);
}

void cluster_vm_init(struct vm_options *vm)
{
    *vm = (struct vm_options){
        .board = "malta",
        .cpu = "24Kf",
        .append = "",
        .memory = 128u << 20,
        .cpu_hz = CPU_HZ_DEFAULT,
        .wall_clock = (uint64_t)time(NULL),
        .shares = 1000,
    };
}

struct link_config cluster_default_link(const struct cluster *c)
{
    const struct way_config way = {.latency_ns = c->epoch_ns, .queue = QUEUE_BYTES_DEFAULT};
    return (struct link_config){.out = way, .in = way, .mtu = 1500};
}

void cluster_default_mac(uint8_t mac[6], size_t vm, size_t nic)
{
    const uint8_t made[6] = {0x02, 0xd1, 0x5c, 0x00, (uint8_t)vm, (uint8_t)nic};
    memcpy(mac, made, sizeof made);
}

uint64_t cluster_vm_seed(const struct cluster *c, size_t i)
{
    return c->vms[i].seed_given ? c->vms[i].seed : splitmix64(c->seed, i + 1);
}

const char *cluster_keep(struct cluster *c, char *text)
{
    c->strings = xrealloc(c->strings, (c->strings_count + 1) * sizeof *c->strings);
    return c->strings[c->strings_count++] = text;
}

void cluster_note_place(struct cluster *c, const char *path, unsigned line)
{
    c->places = xrealloc(c->places, (c->places_count + 1) * sizeof *c->places);
    c->places[c->places_count++] = (struct cluster_place){path, line};
}

int cluster_blame(const struct cluster *c, const struct vm_options *vm, const char *key,
                  const char *path, const struct err *why, struct err *e)
{
    for (size_t i = 0; i < c->places_count; i++)
        if (c->places[i].path == path)
            ERR(e, why->code, "%s:%u: VM %s: %s: %s", c->file, c->places[i].line, vm->name, key,
                why->msg);
    if (c->file != NULL)
        ERR(e, why->code, "%s: VM %s: %s: %s", c->file, vm->name, key, why->msg);
    ERR(e, why->code, "%s", why->msg);
}

void cluster_free(struct cluster *c)
{
    for (size_t i = 0; i < c->strings_count; i++)
        free(c->strings[i]);
    free(c->strings);
    free(c->places);
    c->strings = NULL;
    c->places = NULL;
    c->strings_count = c->places_count = 0;
}
