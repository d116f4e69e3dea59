#include "record/capture.h"

#include <stdlib.h>
#include <string.h>

#include "core/net_segment.h"
#include "traces/pcap.h"

struct capture_file {
    struct pcap_writer pcap;
    uint32_t network;
};

struct capture {
    const struct monitor_config *config;
    uint64_t epoch_ns; /* of the wall clock: ns since 1970 when virtual time began */
    struct capture_file file[PCAPS_MAX];
    size_t count;
    struct buf whole, segment;
    struct err err; /* the first */
};

static uint32_t network_named(const struct monitor_config *config, const char *name)
{
    uint32_t i = 0;
    while (i < config->networks_count && strcmp(config->networks[i].name, name) != 0)
        i++;
    return i;
}

int captures_open(struct capture **out, const struct record_options *opt, const struct setup *s,
                  struct err *e)
{
    *out = NULL;
    if (opt->pcaps_count == 0)
        return 0;
    struct capture *c = xcalloc(1, sizeof *c);
    c->config = &s->config;
    c->epoch_ns = s->config.vms[0].wall_clock * 1000000000u;
    int result = 0;
    for (size_t i = 0; i < opt->pcaps_count && result == 0; i++) {
        const struct pcap_option *p = &opt->pcaps[i];
        c->file[i].network = network_named(c->config, p->network);
        if (c->file[i].network == c->config->networks_count)
            result = err_set(e, ERR_USAGE, "--pcap: there is no network \"%s\"", p->network);
        if (result == 0)
            result = setup_output_is_free(s, p->path, e);
        if (result == 0)
            result = pcap_writer_open(&c->file[i].pcap, p->path, e);
        c->count += result == 0;
    }
    if (result < 0) {
        captures_close(c, NULL);
        return result;
    }
    *out = c;
    return 0;
}

int captures_close(struct capture *c, struct err *e)
{
    if (c == NULL)
        return 0;
    for (size_t i = 0; i < c->count; i++)
        pcap_writer_close(&c->file[i].pcap, &c->err);
    int result = c->err.code == 0 ? 0 : err_set(e, c->err.code, "%s", c->err.msg);
    buf_free(&c->whole);
    buf_free(&c->segment);
    free(c);
    return result;
}

static void put(struct capture *c, struct capture_file *file, uint64_t ns, const uint8_t *bytes,
                size_t n)
{
    if (c->err.code == 0)
        pcap_writer_put(&file->pcap, c->epoch_ns + ns, bytes, n, &c->err);
}

static void put_frame(struct capture *c, struct capture_file *file, uint64_t ns,
                      const struct net_frame *f, const struct net_pages *pages)
{
    struct net_segments cut;
    buf_clear(&c->whole);
    uint8_t *bytes = buf_reserve(&c->whole, f->len);
    net_frame_read(f, pages, 0, bytes, f->len);
    if (f->offload.gso_type == NET_GSO_NONE ||
        !net_segments_begin(&cut, bytes, f->len, &f->offload)) {
        if (f->offload.flags & NET_NEEDS_CSUM)
            net_checksum_fill(bytes, f->len, &f->offload);
        put(c, file, ns, bytes, f->len);
        return;
    }
    for (unsigned i = 0; i < cut.count; i++) {
        size_t n = net_segments_len(&cut, i);
        buf_clear(&c->segment);
        net_segments_make(&cut, i, buf_reserve(&c->segment, n));
        put(c, file, ns, c->segment.data, n);
    }
}

void capture_frame(struct capture *c, unsigned net_port, uint64_t ns, const struct net_frame *f,
                   const struct net_pages *pages)
{
    uint32_t network = net_is_gateway(net_port)
                           ? net_port - net_gateway(0)
                           : c->config->vms[net_port_vm(net_port)]
                                 .nics[net_port_nic(net_port)]
                                 .network;
    for (size_t i = 0; i < c->count; i++)
        if (c->file[i].network == network)
            put_frame(c, &c->file[i], ns, f, pages);
}
