/* pcap files, read back field by field. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "traces/pcap.h"

#define FRAMES 50

static char path[] = "/tmp/check_pcap.XXXXXX";

static void make_path(void)
{
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

/* Independent of the writer: bytes are put together one by one. */
static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t frame_len(unsigned i)
{
    return i == 7 ? 65553 : 14 + 31 * i;
}

static uint64_t frame_time(unsigned i)
{
    return UINT64_C(1700000000999999990) + 7 * (uint64_t)i;
}

static void read_all(struct buf *b)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    for (int c; (c = fgetc(f)) != EOF;)
        buf_putc(b, (uint8_t)c);
    fclose(f);
}

START_TEST(read_back)
{
    struct pcap_writer w;
    struct err e = {0};
    struct buf b = {0};
    uint8_t *frame = malloc(PCAP_FRAME_MAX);
    make_path();
    ck_assert_int_eq(pcap_writer_open(&w, path, &e), 0);
    for (unsigned i = 0; i < FRAMES; i++) {
        memset(frame, (int)i + 1, frame_len(i));
        ck_assert_int_eq(pcap_writer_put(&w, frame_time(i), frame, frame_len(i), &e), 0);
    }
    ck_assert_int_eq(pcap_writer_close(&w, &e), 0);
    read_all(&b);
    static const uint8_t header[24] = {0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
                                       0,    0,    0,    0,    0, 0, 4, 0, 1, 0, 0, 0};
    ck_assert_uint_gt(b.len, sizeof header);
    ck_assert_int_eq(memcmp(b.data, header, sizeof header), 0);
    size_t at = sizeof header;
    for (unsigned i = 0; i < FRAMES; i++) {
        size_t len = frame_len(i);
        ck_assert_uint_ge(b.len - at, 16 + len);
        ck_assert_uint_eq(le32(b.data + at) * UINT64_C(1000000000) + le32(b.data + at + 4),
                          frame_time(i));
        ck_assert_uint_lt(le32(b.data + at + 4), 1000000000);
        ck_assert_uint_eq(le32(b.data + at + 8), len);
        ck_assert_uint_eq(le32(b.data + at + 12), len);
        at += 16;
        for (size_t k = 0; k < len; k++)
            ck_assert_uint_eq(b.data[at + k], i + 1);
        at += len;
    }
    ck_assert_uint_eq(at, b.len);
    unlink(path);
    buf_free(&b);
    free(frame);
}
END_TEST

START_TEST(no_folder)
{
    struct pcap_writer w;
    struct err e = {0};
    ck_assert_int_eq(pcap_writer_open(&w, "/nowhere/at/all.pcap", &e), ERR_IO);
    ck_assert_str_eq(e.msg, "/nowhere/at/all.pcap: cannot create: No such file or directory");
}
END_TEST

/* A full disk is told, at the latest when the file is closed. */
START_TEST(full_disk)
{
    struct pcap_writer w;
    struct err e = {0};
    static const uint8_t frame[60000];
    int result = pcap_writer_open(&w, "/dev/full", &e);
    ck_assert_int_eq(result, 0);
    for (unsigned i = 0; i < 10 && result == 0; i++)
        result = pcap_writer_put(&w, i, frame, sizeof frame, &e);
    ck_assert_int_eq(result, ERR_IO);
    ck_assert_str_eq(e.msg, "/dev/full: cannot write: No space left on device");
    e = (struct err){0};
    ck_assert_int_eq(pcap_writer_close(&w, &e), ERR_IO);

    e = (struct err){0};
    ck_assert_int_eq(pcap_writer_open(&w, "/dev/full", &e), 0);
    ck_assert_int_eq(pcap_writer_close(&w, &e), ERR_IO);
    ck_assert_str_eq(e.msg, "/dev/full: cannot write: No space left on device");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcap");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, read_back);
    tcase_add_test(tc, no_folder);
    tcase_add_test(tc, full_disk);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
