/* Records of a trace as text. What a trace holds may be hostile: no byte of it
 * reaches a terminal unescaped, except through `export`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/program.h"
#include "traces/tool.h"

int tool_failed(const struct err *e)
{
    fflush(stdout);
    fprintf(stderr, "disco-trace: %s\n", e->msg);
    return 1;
}

int tool_finish(void)
{
    return program_output_status();
}

void tool_text(struct buf *out, const void *text, size_t n)
{
    const uint8_t *p = text;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n')
            buf_puts(out, "\\n");
        else if (p[i] == '\r')
            buf_puts(out, "\\r");
        else if (p[i] == '\\' || p[i] == '"')
            buf_printf(out, "\\%c", p[i]);
        else if (p[i] < 0x20 || p[i] >= 0x7f)
            buf_printf(out, "\\x%02x", p[i]);
        else
            buf_putc(out, p[i]);
    }
}

static void put_string(struct buf *out, const char *s)
{
    tool_text(out, s, strlen(s));
}

void tool_hash(struct buf *out, struct trace_hash hash)
{
    for (size_t i = 0; i < sizeof hash.byte; i++)
        buf_printf(out, "%02x", hash.byte[i]);
}

void tool_input_line(struct buf *out, const struct trace_input *in)
{
    static const char *const names[] = {
        [TRACE_INPUT_CONSOLE] = "console", [TRACE_INPUT_POWER] = "power",
        [TRACE_INPUT_DISK_BLOCK] = "disk-block", [TRACE_INPUT_FRAME] = "frame",
        [TRACE_INPUT_BALLOON] = "balloon", [TRACE_INPUT_BREAK] = "break",
    };
    buf_printf(out, "cycle %" PRIu64 " vm%u input %s channel=%u", in->cycle, in->vm,
               names[in->kind], in->channel);
    if (in->kind == TRACE_INPUT_DISK_BLOCK) {
        buf_printf(out, " number=%" PRIu64 " hash=", in->number);
        tool_hash(out, in->hash);
    }
    if (in->len > 0) {
        buf_puts(out, " \"");
        tool_text(out, in->data, in->len);
        buf_puts(out, "\"");
    }
}

void tool_digest_line(struct buf *out, const struct trace_digest *d)
{
    buf_printf(out,
               "%" PRIu64 " vm%u digest cycle=%" PRIu64 " events=%" PRIu64 " cpu=%016" PRIx64
               " devices=%016" PRIx64,
               d->step, d->vm, d->cycle, d->events, d->cpu, d->devices);
    if (d->has_memory)
        buf_printf(out, " memory=%016" PRIx64, d->memory);
}

void tool_end_line(struct buf *out, const struct trace_end *end)
{
    put_string(out, end->reason);
    buf_printf(out, " at step %" PRIu64 ", cycle %" PRIu64 ", after %" PRIu64 " events", end->step,
               end->cycle, end->events);
}

void tool_image_line(struct buf *out, const struct trace_image *image)
{
    put_string(out, image->name);
    buf_printf(out, ", %" PRIu64 " bytes, ", image->size);
    tool_hash(out, image->hash);
}

static void put_image(struct buf *out, const char *name, uint32_t image)
{
    if (image != TRACE_NO_IMAGE)
        buf_printf(out, "  %s image %u\n", name, image);
}

/* A unit is left out of a number that is not a multiple of it. */
static void put_bytes(struct buf *out, uint64_t n)
{
    if (n % (1u << 20) == 0)
        buf_printf(out, "%" PRIu64 " MiB", n >> 20);
    else
        buf_printf(out, "%" PRIu64 " bytes", n);
}

static void put_way(struct buf *out, const char *direction, const struct trace_way *w)
{
    buf_printf(out, "    %-4s %" PRIu64 " ns, ", direction, w->latency_ns);
    if (w->jitter_ns != 0)
        buf_printf(out, "jitter %" PRIu64 " ns, ", w->jitter_ns);
    if (w->bandwidth == 0)
        buf_puts(out, "any bandwidth");
    else
        buf_printf(out, "%" PRIu64 " bit/s, queue %" PRIu64 " bytes", w->bandwidth, w->queue);
    if (w->loss_ppm != 0)
        buf_printf(out, ", %u.%04u %% lost", w->loss_ppm / 10000, w->loss_ppm % 10000);
    buf_puts(out, "\n");
}

static void put_nic(struct buf *out, const struct trace_nic *n)
{
    buf_printf(out, "  nic    %02x:%02x:%02x:%02x:%02x:%02x on network %u, mtu %u\n", n->mac[0],
               n->mac[1], n->mac[2], n->mac[3], n->mac[4], n->mac[5], n->network, n->mtu);
    put_way(out, "out", &n->out);
    put_way(out, "in", &n->in);
}

static void put_claims(struct buf *out, const struct trace_vm *vm)
{
    uint32_t shares = vm->shares == 0 ? 1000 : vm->shares;
    if (vm->memory_min == 0 && vm->memory_max == 0 && shares == 1000)
        return;
    buf_puts(out, "  claims at least ");
    put_bytes(out, vm->memory_min);
    if (vm->memory_max != 0) {
        buf_puts(out, ", at most ");
        put_bytes(out, vm->memory_max);
    }
    buf_printf(out, ", shares %u\n", shares);
}

void tool_cluster_lines(struct buf *out, const struct trace_header *h)
{
    static const char *const ways[] = {"disk", "net", "content", "boot"};
    buf_printf(out, "epoch    %" PRIu64 " ns, seed %" PRIu64 "\n", h->epoch_ns, h->seed);
    buf_puts(out, "memory   ");
    if (h->machine_memory == 0)
        buf_puts(out, "what the VMs need");
    else
        put_bytes(out, h->machine_memory);
    buf_puts(out, ", shared by ");
    const char *between = "";
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (h->share & 1u << i) {
            buf_printf(out, "%s%s", between, ways[i]);
            between = ", ";
        }
    if (h->share == 0)
        buf_puts(out, "nothing");
    if (h->scan_rate != 0)
        buf_printf(out, ", scanned at %" PRIu64 " pages/s", h->scan_rate);
    buf_printf(out, "\n%s", h->no_reboot ? "reset    ends the run\n" : "");
    for (size_t i = 0; i < h->networks_count; i++) {
        buf_printf(out, "net %-4zu ", i);
        put_string(out, h->networks[i].name);
        buf_puts(out, h->networks[i].gateway ? ", with a gateway\n" : "\n");
    }
}

void tool_vm_lines(struct buf *out, const struct trace_vm *vm)
{
    put_string(out, vm->name);
    buf_puts(out, ": ");
    put_string(out, vm->board);
    buf_puts(out, ", ");
    put_string(out, vm->cpu);
    buf_printf(out, ", %s-endian, %u vcpu%s of %" PRIu64 " Hz, %" PRIu64 " MiB\n",
               vm->big_endian ? "big" : "little", vm->vcpus, vm->vcpus == 1 ? "" : "s",
               vm->cpu_hz, vm->memory >> 20);
    put_image(out, "kernel", vm->kernel);
    put_image(out, "initrd", vm->initrd);
    put_image(out, "bios  ", vm->bios);
    buf_puts(out, "  append \"");
    put_string(out, vm->append);
    buf_printf(out, "\"\n  clock  %" PRIu64 " seconds since 1970 at power-on, seed %" PRIu64 "\n",
               vm->wall_clock, vm->entropy_seed);
    for (size_t i = 0; i < vm->disks_count; i++) {
        const struct trace_disk *d = &vm->disks[i];
        buf_puts(out, "  disk   ");
        put_string(out, d->interface);
        buf_printf(out, " image %u, %" PRIu64 " sectors%s%s, serial \"", d->image, d->sectors,
                   d->read_only ? ", read-only" : "", d->persistent ? ", persistent" : "");
        put_string(out, d->serial);
        buf_puts(out, "\"\n");
    }
    for (size_t i = 0; i < vm->devices_count; i++) {
        buf_puts(out, "  device ");
        put_string(out, vm->devices[i]);
        buf_puts(out, "\n");
    }
    for (size_t i = 0; i < vm->nics_count; i++)
        put_nic(out, &vm->nics[i]);
    put_claims(out, vm);
}
