/*
 * Hostile cluster files: whatever the bytes, a cluster within its limits or one line. With clang's
 * libFuzzer: compile with -DFUZZ_LIBFUZZER and -fsanitize=fuzzer,address. Without it, this is a
 * program that mutates a cluster file for a number of seconds:
 *
 *     fuzz_cluster FILE SECONDS [SEED]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "record/cluster.h"
#include "tests/libconfig_leaks.h"
#include "tests/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_vm(const struct cluster *c, const struct vm_options *vm)
{
    CHECK(vm->kernel != NULL || vm->bios != NULL, "nothing to boot");
    CHECK(vm->memory % PAGE_SIZE == 0 && vm->memory >= 1 << 20 && vm->memory <= 1792u << 20, "RAM");
    CHECK(vm->memory_min <= vm->memory && vm->memory_max <= vm->memory, "claims");
    CHECK(vm->cpu_hz >= 1000000 && vm->cpu_hz <= UINT64_C(10000000000), "clock");
    CHECK(vm->shares >= 1 && vm->shares <= 1000000, "shares");
    CHECK(strlen(vm->append) <= 2 * TEXT_MAX, "append");
    CHECK(vm->disks_count <= DISKS_MAX && vm->nics_count <= NICS_MAX, "lists");
    CHECK(vm->replies_count <= REPLIES_MAX, "replies");
    for (size_t i = 0; i < vm->disks_count; i++)
        CHECK(vm->disks[i].path != NULL && vm->disks[i].serial[0] != 0, "disk");
    for (size_t i = 0; i < vm->nics_count; i++) {
        const struct nic_config *nic = &vm->nics[i];
        CHECK(nic->network < c->networks_count && (nic->mac[0] & 1) == 0, "card");
        CHECK(min_u64(nic->link.out.latency_ns, nic->link.in.latency_ns) >= c->epoch_ns &&
                  nic->link.out.loss_ppm <= 1000000 && nic->link.in.loss_ppm <= 1000000 &&
                  nic->link.in.queue <= QUEUE_BYTES_MAX && nic->link.out.jitter_ns <= JITTER_NS_MAX &&
                  nic->link.mtu >= 68 && nic->link.mtu <= 65535,
              "link");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct cluster c;
    struct err e = {0};
    char path[64];
    int fd = memfd_create("cluster", 0);
    CHECK(fd >= 0 && write(fd, data, n) == (ssize_t)n, "memfd");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (cluster_read(&c, path, &e) < 0) {
        CHECK(strncmp(e.msg, path, strlen(path)) == 0, "no file in \"%s\"", e.msg);
    } else {
        CHECK(c.vms_count >= 1 && c.vms_count <= VMS_MAX, "%zu VMs", c.vms_count);
        CHECK(c.networks_count <= NETWORKS_MAX, "%zu networks", c.networks_count);
        CHECK(c.share <= SHARE_ALL || c.share == SHARE_AS_SUITS, "share");
        CHECK(c.epoch_ns % 1000 == 0 && c.epoch_ns >= 10000 && c.epoch_ns <= 10000000, "epoch");
        CHECK(c.threads <= THREADS_MAX, "threads");
        for (size_t i = 0; i < c.vms_count; i++)
            check_vm(&c, &c.vms[i]);
    }
    cluster_free(&c);
    close(fd);
    return 0;
}

#ifndef FUZZ_LIBFUZZER

static const char *const words[] = {
    "@include \"/\"\n",
    "99999999999",
    "-1",
    "0",
    "\"\"",
    "{",
    "}",
    "(",
    ")",
    "\"",
    "/*",
    "#",
    ";",
    "%d",
    "count = 16;",
    "=",
    "[1, 2]",
    "true",
    "1.5e9",
    "0x80000000",
    "vms = ",
    "name = ",
    "\n",
    "\\",
    "()",
    "latency = \"1ns\";",
    "\"%d%d%d\"",
    "\xff",
    "2147483648L",
    "{ network = \"lan\"; },",
};

static void insert(struct buf *b, size_t at, const void *bytes, size_t n)
{
    buf_reserve(b, n);
    memmove(b->data + at + n, b->data + at, b->len - at);
    memcpy(b->data + at, bytes, n);
    b->len += n;
}

static void mutate(struct buf *b, struct rng *rng)
{
    for (uint32_t i = 1 + rng_below(rng, 5); i > 0 && b->len > 2; i--) {
        size_t at = rng_below(rng, (uint32_t)b->len);
        size_t n = 1 + rng_below(rng, (uint32_t)min_u64(b->len - at, 40));
        const char *word = words[rng_below(rng, ARRAY_LEN(words))];
        switch (rng_below(rng, 6)) {
        case 0:
            memmove(b->data + at, b->data + at + n, b->len - at - n);
            b->len -= n;
            break;
        case 1: {
            uint8_t copy[40];
            memcpy(copy, b->data + at, n);
            insert(b, rng_below(rng, (uint32_t)b->len), copy, n);
            break;
        }
        case 2:
            b->data[at] ^= (uint8_t)(1u << rng_below(rng, 8));
            break;
        case 3:
            b->len = rng_below(rng, 8) == 0 ? at + 1 : b->len;
            break;
        default:
            insert(b, at, word, strlen(word));
        }
    }
}

int main(int argc, char **argv)
{
    CHECK(argc > 2, "usage: fuzz_cluster FILE SECONDS [SEED]");
    time_t end = time(NULL) + atoi(argv[2]);
    struct rng rng = {argc > 3 ? strtoull(argv[3], NULL, 0) : 1};
    static uint8_t text[1 << 16];
    FILE *f = fopen(argv[1], "rb");
    CHECK(f != NULL, "%s", argv[1]);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    uint64_t runs = 0;
    for (; time(NULL) < end; runs++) {
        struct buf b = {0};
        buf_put(&b, text, n);
        if (runs != 0) /* the first stays as it is */
            mutate(&b, &rng);
        LLVMFuzzerTestOneInput(b.data, b.len);
        buf_free(&b);
    }
    printf("%llu runs\n", (unsigned long long)runs);
    return runs > 100 ? 0 : 1;
}

#endif
