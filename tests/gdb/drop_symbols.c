/*
 * Copies a trace without its kernels' symbols, as a recorder that did not look
 * for them would have written it; and as if it had been killed at the end:
 * without the seek table.
 *
 *   drop_symbols TRACE COPY
 */
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "tests/unit/trace_sample.h"
#include "traces/message.h"

static unsigned dropped;

/* All fields but the symbols. */
static void keep(const uint8_t *content, size_t n, struct buf *out)
{
    for (size_t at = 0; at < n;) {
        enum trace_field field;
        const uint8_t *data;
        size_t before = at, size;
        CHECK(message_next(content, n, &at, &field, &data, &size), "no field");
        if (field == TRACE_FIELD_SYMBOLS)
            dropped++;
        else
            buf_put(out, content + before, at - before);
    }
}

/* The frame again, unless nothing of it is left. */
static void put_frame(const uint8_t *frame, size_t size, struct buf *copy)
{
    size_t n = (size_t)ZSTD_getFrameContentSize(frame, size);
    uint8_t *content = xmalloc(n + 1);
    struct buf kept = {0};
    CHECK(ZSTD_decompress(content, n, frame, size) == n, "a damaged frame");
    keep(content, n, &kept);
    if (kept.len == n) {
        buf_put(copy, frame, size);
    } else if (kept.len != 0) {
        size_t bound = ZSTD_compressBound(kept.len);
        ZSTD_CCtx *c = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
        copy->len += ZSTD_compress2(c, buf_reserve(copy, bound), bound, kept.data, kept.len);
        ZSTD_freeCCtx(c);
    }
    buf_free(&kept);
    free(content);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3, "usage: drop_symbols TRACE COPY");
    struct buf file = sample_load(argv[1]), copy = {0};
    for (size_t at = 0; at + 4 <= file.len;) {
        size_t size = ZSTD_findFrameCompressedSize(file.data + at, file.len - at);
        CHECK(!ZSTD_isError(size), "%s: offset %zu: no frame", argv[1], at);
        if (ld_le32(file.data + at) != 0x184D2A5E)
            put_frame(file.data + at, size, &copy);
        at += size;
    }
    CHECK(dropped != 0, "%s: holds no symbols", argv[1]);
    sample_store(argv[2], copy.data, copy.len);
    buf_free(&file);
    buf_free(&copy);
    return 0;
}
