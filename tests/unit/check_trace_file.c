/* Trace files: round trip, cuts and damage. */
#include <check.h>
#include <zstd.h>

#include "tests/unit/trace_sample.h"
#include "traces/frame.h"
#include "traces/message.h"

static void write_sample(const char *path)
{
    struct err e = {0};
    ck_assert_msg(sample_write(path, &e) == 0, "%s", e.msg);
}

static void check_events(struct trace_reader *r, unsigned batch)
{
    struct err e = {0};
    const struct event *got = trace_reader_events(r, batch, &e);
    ck_assert_msg(got != NULL, "%s", e.msg);
    struct event *want = sample_part(batch + 1);
    for (size_t i = 0; i < SAMPLE_EVENTS / 2; i++)
        ck_assert(event_equal(&got[i], &want[i]));
    free(want);
}

static void check_way(const struct trace_way *w, const struct trace_way *x)
{
    ck_assert(w->latency_ns == x->latency_ns && w->jitter_ns == x->jitter_ns &&
              w->bandwidth == x->bandwidth && w->queue == x->queue && w->loss_ppm == x->loss_ppm);
}

static void check_networks(const struct trace_header *h, const struct trace_header *want)
{
    ck_assert(h->no_reboot);
    ck_assert_uint_eq(h->seed, want->seed);
    ck_assert_uint_eq(h->share, want->share);
    ck_assert_uint_eq(h->scan_rate, want->scan_rate);
    ck_assert_uint_eq(h->networks_count, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(h->networks[i].name, want->networks[i].name);
        ck_assert(h->networks[i].gateway == want->networks[i].gateway);
    }
    const struct trace_vm *vm = &h->vms[0], *expected = &want->vms[0];
    ck_assert_uint_eq(vm->nics_count, 2);
    for (int i = 0; i < 2; i++) {
        const struct trace_nic *n = &vm->nics[i], *x = &expected->nics[i];
        ck_assert_mem_eq(n->mac, x->mac, 6);
        ck_assert(n->network == x->network && n->mtu == x->mtu);
        check_way(&n->out, &x->out);
        check_way(&n->in, &x->in);
    }
    ck_assert_uint_eq(vm->memory_min, expected->memory_min);
    ck_assert_uint_eq(vm->memory_max, expected->memory_max);
    ck_assert_uint_eq(vm->shares, expected->shares);
    ck_assert_uint_eq(h->vms[1].nics_count + h->vms[1].memory_max + h->vms[1].shares, 0);
}

static void check_header(const struct trace_header *h)
{
    struct trace_header want = sample_header();
    ck_assert_uint_eq(h->version, TRACE_VERSION);
    ck_assert_str_eq(h->build, want.build);
    ck_assert_str_eq(h->recorded, want.recorded);
    ck_assert_uint_eq(h->epoch_ns, want.epoch_ns);
    ck_assert_uint_eq(h->machine_memory, want.machine_memory);
    ck_assert_uint_eq(h->images_count, 2);
    ck_assert_str_eq(h->images[1].name, "disk.img");
    ck_assert_uint_eq(h->images[1].size, 1 << 20);
    ck_assert(trace_hash_equal(h->images[0].hash, want.images[0].hash));
    ck_assert_uint_eq(h->vms_count, 2);
    ck_assert_str_eq(h->vms[0].append, want.vms[0].append);
    ck_assert_str_eq(h->vms[0].board, "malta");
    ck_assert_uint_eq(h->vms[0].kernel, 0);
    ck_assert_uint_eq(h->vms[0].initrd, TRACE_NO_IMAGE);
    ck_assert_uint_eq(h->vms[0].entropy_seed, UINT64_MAX);
    ck_assert_uint_eq(h->vms[0].disks_count, 1);
    ck_assert_str_eq(h->vms[0].disks[0].serial, "d0");
    ck_assert(h->vms[0].disks[0].read_only);
    ck_assert_uint_eq(h->vms[0].devices_count, 2);
    ck_assert_str_eq(h->vms[0].devices[1], "virtio-balloon");
    ck_assert(h->vms[0].disks[0].persistent);
    check_networks(h, &want);
    ck_assert(!h->vms[0].big_endian && h->vms[1].big_endian);
    ck_assert_uint_eq(h->vms[1].bios, 1);
    ck_assert_uint_eq(h->vms[1].kernel, TRACE_NO_IMAGE);
}

static void check_blobs(struct trace_reader *r, struct trace_hash block)
{
    struct err e = {0};
    uint8_t *data;
    size_t n;
    ck_assert_msg(trace_reader_blob(r, block, &data, &n, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(n, 5);
    ck_assert_mem_eq(data, "block", 5);
    free(data);
    ck_assert(trace_reader_blob(r, trace_reader_header(r)->images[0].hash, &data, &n, &e) == 0);
    ck_assert_uint_eq(n, sizeof sample_kernel);
    ck_assert_mem_eq(data, sample_kernel, n);
    free(data);
    ck_assert_int_eq(trace_reader_blob(r, (struct trace_hash){{1}}, &data, &n, &e), ERR_FORMAT);
}

static void check_symbols(struct trace_reader *r)
{
    struct symbol_table table;
    struct err e = {0};
    const struct trace_symbols *s = trace_reader_symbols(r, 1);
    ck_assert_ptr_null(trace_reader_symbols(r, 0));
    ck_assert_ptr_nonnull(s);
    ck_assert(s->cycle == 5000 && s->count == ARRAY_LEN(sample_symbols));
    ck_assert_msg(trace_reader_symbol_table(r, s, &table, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(table.count, s->count);
    for (size_t i = 0; i < table.count; i++) {
        ck_assert_uint_eq(table.list[i].address, sample_symbols[i].address);
        ck_assert_str_eq(table.list[i].name, sample_symbols[i].name);
        ck_assert_int_eq(table.list[i].type, sample_symbols[i].type);
    }
    symbol_table_free(&table);
}

/* Does a table of these two come back? */
static bool is_accepted(struct kernel_symbol a, struct kernel_symbol b)
{
    struct buf packed = {0};
    struct symbol_table table;
    ck_assert(symbol_table_pack((struct kernel_symbol[]){a, b}, 2, &packed));
    bool good = symbol_table_unpack(packed.data, packed.len, &table, NULL) == 0;
    buf_free(&packed);
    symbol_table_free(&table);
    return good;
}

START_TEST(hostile_symbol_tables)
{
    static char longest[KERNEL_NAME_MAX + 2];
    const struct kernel_symbol first = {UINT64_MAX - 8, "a", 'T'};
    struct symbol_table table;
    memset(longest, 'x', KERNEL_NAME_MAX);
    ck_assert(is_accepted(first, (struct kernel_symbol){UINT64_MAX, "b", 't'}));
    ck_assert(is_accepted(first, (struct kernel_symbol){UINT64_MAX, longest, 't'}));
    longest[KERNEL_NAME_MAX] = 'x';
    ck_assert(!is_accepted(first, (struct kernel_symbol){UINT64_MAX, longest, 't'}));
    ck_assert(!is_accepted(first, (struct kernel_symbol){0, "wraps", 't'}));
    ck_assert(!is_accepted(first, (struct kernel_symbol){UINT64_MAX, "", 't'}));
    ck_assert(!is_accepted(first, (struct kernel_symbol){UINT64_MAX, "a b", 't'}));
    ck_assert(!is_accepted(first, (struct kernel_symbol){UINT64_MAX, "b", '\n'}));
    ck_assert_int_lt(symbol_table_unpack((const uint8_t *)"", 0, &table, NULL), 0);
}
END_TEST

static void check_sample(struct trace_reader *r)
{
    size_t n;
    check_header(trace_reader_header(r));
    const struct trace_input *in = trace_reader_inputs(r, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(in[0].cycle, 77);
    ck_assert_uint_eq(in[0].vm, 1);
    ck_assert_uint_eq(in[0].len, 3);
    ck_assert_mem_eq(in[0].data, "ls\n", 3);
    ck_assert_uint_eq(in[1].cycle, UINT64_MAX);
    ck_assert_uint_eq(in[1].number, 17);
    check_blobs(r, in[1].hash);
    const struct trace_digest *d = trace_reader_digests(r, &n);
    struct trace_digest want = sample_digest(1);
    ck_assert_uint_eq(n, 2);
    ck_assert(d[0].cpu == want.cpu && d[0].devices == want.devices && d[0].has_memory &&
              d[0].memory == want.memory && d[0].vm == 1 && d[0].events == want.events);
    ck_assert(!d[1].has_memory);
    const struct trace_text *t = trace_reader_console(r, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(t[0].n, 17);
    ck_assert_mem_eq(t[0].bytes, "Linux version 6\r\n", 17);
    const struct trace_batch *b;
    ck_assert_uint_eq(trace_reader_batches(r, &b), 2);
    ck_assert_uint_eq(b[1].first, SAMPLE_EVENTS / 2);
    check_events(r, 1);
    check_events(r, 0);
    check_symbols(r);
}

START_TEST(sample_round_trip)
{
    struct err e = {0};
    char *path = sample_path("round");
    write_sample(path);
    struct trace_reader *r;
    ck_assert_msg(trace_reader_open(&r, path, false, &e) == 0, "%s", e.msg);
    ck_assert_ptr_null(trace_reader_cut(r));
    check_sample(r);
    const struct trace_end *end = trace_reader_end(r);
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end->reason, "power-off");
    ck_assert_uint_eq(end->events, SAMPLE_EVENTS);
    ck_assert_uint_eq(end->digests_count, 2);
    ck_assert_uint_eq(end->digests[1].memory, 0x99);
    const struct trace_sizes *s = trace_reader_sizes(r);
    ck_assert_uint_eq(s->file,
                      s->blobs + s->inputs + s->events + s->digests + s->console + s->other);
    trace_reader_close(r);
    unlink(path);
    free(path);
}
END_TEST

/* A prefix that opens is cut, and what it has is right. */
static void check_prefix(struct trace_reader *r)
{
    ck_assert_ptr_nonnull(trace_reader_cut(r));
    ck_assert_ptr_null(trace_reader_end(r));
    check_header(trace_reader_header(r));
    const struct trace_batch *batches;
    size_t count = trace_reader_batches(r, &batches);
    for (size_t i = 0; i < count; i++)
        check_events(r, (unsigned)i);
}

/* Every prefix of a file is an error without a whole header, and cut with one. */
START_TEST(cut_at_every_byte)
{
    char *path = sample_path("whole"), *part = sample_path("part");
    write_sample(path);
    struct buf b = sample_load(path);
    size_t errors = 0;
    bool opened = false;
    for (size_t n = 0; n < b.len; n++) {
        sample_store(part, b.data, n);
        struct err e = {0};
        struct trace_reader *r;
        int result = trace_reader_open(&r, part, false, &e);
        if (result < 0) {
            ck_assert_msg(result == ERR_TRUNCATED, "%zu: %s", n, e.msg);
            ck_assert_msg(strstr(e.msg, part) != NULL && strchr(e.msg, '\n') == NULL, "%s", e.msg);
            ck_assert(!opened); /* once it opens, it opens with more bytes, too */
            errors++;
            continue;
        }
        opened = true;
        check_prefix(r);
        trace_reader_close(r);
    }
    ck_assert(opened);
    ck_assert_uint_gt(errors, 100);
    unlink(path);
    unlink(part);
    buf_free(&b);
    free(path);
    free(part);
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
    char *path = sample_path("flip");
    write_sample(path);
    struct buf b = sample_load(path);
    size_t harmless = 0;
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        sample_store(path, b.data, b.len);
        b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct err e = {0}, e2 = {0};
        struct trace_reader *r;
        if (trace_reader_open(&r, path, false, &e) == 0) {
            harmless++; /* bits that mean nothing, or the same: zstd has a few */
            ck_assert_ptr_null(trace_reader_cut(r));
            check_sample(r);
            trace_reader_close(r);
        } else {
            ck_assert_msg(strstr(e.msg, path) != NULL && strchr(e.msg, '\n') == NULL, "%s", e.msg);
        }
        if (trace_reader_open(&r, path, true, &e2) == 0)
            trace_reader_close(r);
        else
            ck_assert_str_eq(e.msg, e2.msg);
    }
    ck_assert_uint_lt(harmless, b.len / 10);
    unlink(path);
    buf_free(&b);
    free(path);
}
END_TEST

static int open_bytes(const void *data, size_t n, struct err *e)
{
    char *path = sample_path("bytes");
    sample_store(path, data, n);
    struct trace_reader *r;
    *e = (struct err){0};
    int result = trace_reader_open(&r, path, true, e);
    if (result == 0)
        trace_reader_close(r);
    unlink(path);
    free(path);
    return result;
}

/* A file of one frame with this content. */
static int open_content(const void *data, size_t n, struct err *e)
{
    uint8_t frame[2000];
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    size_t size = ZSTD_compress2(c, frame, sizeof frame, data, n);
    ck_assert(!ZSTD_isError(size));
    ZSTD_freeCCtx(c);
    return open_bytes(frame, size, e);
}

static void expect(int got, int want, const struct err *e, const char *text)
{
    ck_assert_int_eq(got, want);
    ck_assert_msg(strstr(e->msg, text) != NULL, "\"%s\" lacks \"%s\"", e->msg, text);
}

START_TEST(other_files_are_refused)
{
    struct err e;
    expect(open_bytes("", 0, &e), ERR_TRUNCATED, &e, "empty");
    expect(open_bytes("x", 1, &e), ERR_FORMAT, &e, "not a zstd file");
    expect(open_bytes("\x28", 1, &e), ERR_TRUNCATED, &e, "ends inside");
    expect(open_bytes("hello, world", 12, &e), ERR_FORMAT, &e, "not a zstd file");
    expect(open_content("hello, world", 12, &e), ERR_FORMAT, &e, "not a trace");
    expect(open_content("", 0, &e), ERR_FORMAT, &e, "not a trace");
    expect(open_content("\x0a\x04\x0a\x02hi", 6, &e), ERR_FORMAT, &e, "not a trace");
    struct trace_reader *r;
    e = (struct err){0};
    expect(trace_reader_open(&r, "/nowhere/t.zst", false, &e), ERR_IO, &e, "No such file");
    e = (struct err){0};
    expect(trace_reader_open(&r, "/", false, &e), ERR_IO, &e, "regular");
}
END_TEST

START_TEST(other_versions_are_refused)
{
    struct trace_header h = sample_header();
    h.version = TRACE_VERSION + 1;
    struct buf b = {0};
    message_put_header(&h, &b);
    struct err e;
    expect(open_content(b.data, b.len, &e), ERR_VERSION, &e, "version 8, but this disco reads version 7");
    h.version = 2;
    buf_clear(&b);
    message_put_header(&h, &b);
    expect(open_content(b.data, b.len, &e), ERR_VERSION, &e, "version 2, but this disco reads");
    buf_free(&b);
}
END_TEST

/* One value out of range in a header that is good otherwise. */
static void spoil(struct trace_header *h, int which)
{
    struct trace_nic *nic = &h->vms[0].nics[1];
    switch (which) {
    case 1:
        nic->network = 2;
        break;
    case 2:
        nic->out.loss_ppm = 1000001;
        break;
    case 3:
        nic->mtu = 67;
        break;
    case 4:
        nic->mtu = 65536;
        break;
    case 5:
        h->share = 16;
        break;
    case 6:
        h->networks_count = 1; /* a card stands on the second */
        break;
    case 7:
        h->vms[0].disks[0].image = 2;
        break;
    case 8:
        h->vms[0].vcpus = 0;
        break;
    default: /* good */
        break;
    }
}

START_TEST(values_out_of_range_are_refused)
{
    struct trace_header h = sample_header();
    struct buf b = {0};
    struct err e;
    spoil(&h, _i);
    message_put_header(&h, &b);
    if (_i == 0)
        ck_assert_int_eq(open_content(b.data, b.len, &e), 0);
    else
        expect(open_content(b.data, b.len, &e), ERR_FORMAT, &e, "bad trace header");
    buf_free(&b);
}
END_TEST

/* More networks, or cards in a VM, than there may be. */
START_TEST(long_lists_are_refused)
{
    struct trace_header h = sample_header();
    struct trace_network *networks = xcalloc(257, sizeof *networks);
    struct trace_nic *nics = xcalloc(257, sizeof *nics);
    struct buf b = {0};
    struct err e;
    for (int i = 0; i < 257; i++) {
        networks[i].name = (char *)"n";
        nics[i].mtu = 1500;
    }
    if (_i == 0) {
        h.networks = networks;
        h.networks_count = 257;
    } else {
        h.vms[0].nics = nics;
        h.vms[0].nics_count = 257;
    }
    message_put_header(&h, &b);
    expect(open_content(b.data, b.len, &e), ERR_FORMAT, &e, "bad trace header");
    free(networks);
    free(nics);
    buf_free(&b);
}
END_TEST

START_TEST(zip_bombs_are_refused)
{
    static uint8_t zeros[FRAME_CONTENT_MAX + 1];
    struct err e;
    expect(open_content(zeros, sizeof zeros, &e), ERR_FORMAT, &e, "too large");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trace_file");
    TCase *t = tcase_create("file");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, sample_round_trip);
    tcase_add_test(t, hostile_symbol_tables);
    tcase_add_test(t, cut_at_every_byte);
    tcase_add_test(t, every_flipped_bit_is_found);
    tcase_add_test(t, other_files_are_refused);
    tcase_add_test(t, other_versions_are_refused);
    tcase_add_loop_test(t, values_out_of_range_are_refused, 0, 9);
    tcase_add_loop_test(t, long_lists_are_refused, 0, 2);
    tcase_add_test(t, zip_bombs_are_refused);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
