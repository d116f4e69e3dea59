#include "traces/capture.h"

void captures_init(struct captures *c, uint64_t wall_clock)
{
    *c = (struct captures){.began = wall_clock * 1000000000u};
}

int captures_add(struct captures *c, unsigned network, const char *path, struct err *e)
{
    CHECK(c->count < CAPTURES_MAX, "%zu captures", c->count);
    struct capture_file *file = &c->file[c->count];
    TRY(pcap_writer_open(&file->pcap, path, e));
    file->network = network;
    c->count++;
    return 0;
}

void captures_put(void *point, const uint8_t *bytes, size_t n)
{
    const struct capture_point *at = point;
    struct captures *c = at->captures;
    for (size_t i = 0; i < c->count; i++)
        if (c->file[i].network == at->network && c->err.code == 0)
            pcap_writer_put(&c->file[i].pcap, c->began + at->ns, bytes, n, &c->err);
}

int captures_close(struct captures *c, struct err *e)
{
    for (size_t i = 0; i < c->count; i++)
        pcap_writer_close(&c->file[i].pcap, &c->err);
    c->count = 0;
    return c->err.code == 0 ? 0 : err_set(e, c->err.code, "%s", c->err.msg);
}
