#include "traces/pcap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/base/output.h"

#define MAGIC_NANOSECONDS 0xa1b23c4du
#define LINKTYPE_ETHERNET 1
#define FILE_HEADER       24
#define FRAME_HEADER      16
#define NS                1000000000u

static int put(struct pcap_writer *w, const void *bytes, size_t n, struct err *e)
{
    if (fwrite(bytes, 1, n, w->file) != n)
        ERR(e, ERR_IO, "%s: cannot write: %s", w->path, strerror(errno));
    return 0;
}

int pcap_writer_open(struct pcap_writer *w, const char *path, struct err *e)
{
    uint8_t header[FILE_HEADER] = {0};
    int fd;
    TRY(output_create(path, 0, &fd, e));
    w->file = fdopen(fd, "wb");
    if (w->file == NULL) {
        close(fd);
        ERR(e, ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    }
    w->path = xstrdup(path);
    st_le32(header, MAGIC_NANOSECONDS);
    st_le16(header + 4, 2);
    st_le16(header + 6, 4);
    st_le32(header + 16, PCAP_FRAME_MAX);
    st_le32(header + 20, LINKTYPE_ETHERNET);
    int result = put(w, header, sizeof header, e);
    if (result < 0)
        pcap_writer_close(w, NULL);
    return result;
}

int pcap_writer_put(struct pcap_writer *w, uint64_t ns, const void *frame, size_t len,
                    struct err *e)
{
    uint8_t header[FRAME_HEADER];
    CHECK(len <= PCAP_FRAME_MAX, "frame of %zu bytes", len);
    st_le32(header, (uint32_t)(ns / NS));
    st_le32(header + 4, (uint32_t)(ns % NS));
    st_le32(header + 8, (uint32_t)len);
    st_le32(header + 12, (uint32_t)len);
    TRY(put(w, header, sizeof header, e));
    return put(w, frame, len, e);
}

int pcap_writer_close(struct pcap_writer *w, struct err *e)
{
    bool failed = ferror(w->file) != 0;
    int result = 0;
    if (fclose(w->file) != 0)
        result = err_set(e, ERR_IO, "%s: cannot write: %s", w->path, strerror(errno));
    else if (failed)
        result = err_set(e, ERR_IO, "%s: is not complete, as a write failed", w->path);
    free(w->path);
    *w = (struct pcap_writer){0};
    return result;
}
