/*
 * Virtio console with one port: queue 0 takes bytes from outside into the
 * driver's buffers, queue 1 brings the driver's bytes out.
 */
#include "core/dev/virtio_console.h"

#define RECEIVE    0
#define TRANSMIT   1
#define OUTPUT_MAX 0x10000 /* bytes of one request; the rest is lost */

static struct virtio_console *console_of(struct virtio *v)
{
    return container_of(v, struct virtio_console, v);
}

static bool receive(struct virtio_console *con, const struct virtio_chain *chain, uint32_t *used)
{
    uint32_t n = (uint32_t)min_u64(min_u64(con->in_len, sizeof con->in), chain->in_len);
    if (con->in_len == 0)
        return false;
    if (!virtio_put(&con->v, chain, 0, con->in, n))
        return false;
    memmove(con->in, con->in + n, sizeof con->in - n);
    con->in_len -= n;
    *used = n;
    struct platform *p = con->v.pci.dev.platform;
    p->input_wanted(p, &con->v.pci.dev);
    return true;
}

static bool transmit(struct virtio_console *con, const struct virtio_chain *chain)
{
    uint8_t bytes[512];
    struct device *dev = &con->v.pci.dev;
    uint64_t total = min_u64(chain->out_len, OUTPUT_MAX);
    for (uint64_t off = 0; off < total; off += sizeof bytes) {
        size_t n = (size_t)min_u64(total - off, sizeof bytes);
        if (!virtio_get(&con->v, chain, off, bytes, n))
            return false;
        dev->platform->output(dev->platform, dev, bytes, n);
    }
    return true;
}

static bool console_request(struct virtio *v, unsigned queue, const struct virtio_chain *chain,
                            uint32_t *used)
{
    if (queue == RECEIVE)
        return receive(console_of(v), chain, used);
    return transmit(console_of(v), chain);
}

static size_t console_input(struct device *dev, const uint8_t *bytes, size_t n)
{
    struct virtio_console *con = container_of(dev, struct virtio_console, v.pci.dev);
    uint32_t have = (uint32_t)min_u64(con->in_len, sizeof con->in);
    n = (size_t)min_u64(n, sizeof con->in - have);
    memcpy(con->in + have, bytes, n);
    con->in_len = have + (uint32_t)n;
    if (n > 0)
        virtio_kick(&con->v, RECEIVE);
    return n;
}

static bool console_input_ready(struct device *dev)
{
    struct virtio *v = container_of(dev, struct virtio, pci.dev);
    return (v->status & VIRTIO_DRIVER_OK) != 0 && virtio_ready(v, RECEIVE);
}

static void console_reset(struct virtio *v)
{
    struct virtio_console *con = console_of(v);
    struct platform *p = v->pci.dev.platform;
    bool lost = con->in_len != 0;
    memset(con->in, 0, sizeof con->in);
    con->in_len = 0;
    if (lost)
        p->input_wanted(p, &v->pci.dev);
}

static const struct virtio_type console_type = {
    .pci_device = 0x1003,
    .virtio_id = 3,
    .base_class = 0x07,
    .subclass = 0x80,
    .queues = 2,
    .request = console_request,
    .reset = console_reset,
};

static const struct state_field console_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_console, v),
    STATE_ARRAY(struct virtio_console, in, uint8_t),
    STATE(struct virtio_console, in_len),
    STATE_END,
};

static const struct dev_ops console_dev_ops = {
    .name = "virtio-console",
    .fields = console_fields,
    .reset = virtio_dev_reset,
    .loaded = virtio_dev_loaded,
    .input = console_input,
    .input_ready = console_input_ready,
};

void virtio_console_init(struct virtio_console *con, struct platform *p, const char *id,
                         struct pci_bus *bus, unsigned slot)
{
    con->in_len = 0;
    virtio_init(&con->v, &console_type, 0, &console_dev_ops, id, p, bus, slot);
}
