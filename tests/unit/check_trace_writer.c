/* The trace writer: blobs once, full disks, many producers, and with the work on other threads. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/trace_sample.h"

static void expect(int got, int want, const struct err *e, const char *text)
{
    ck_assert_int_eq(got, want);
    ck_assert_msg(strstr(e->msg, text) != NULL, "\"%s\" lacks \"%s\"", e->msg, text);
}

static void check_blob(struct trace_reader *r, struct trace_hash hash, const void *want, size_t n)
{
    struct err e = {0};
    uint8_t *got;
    size_t size;
    ck_assert_msg(trace_reader_blob(r, hash, &got, &size, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(size, n);
    ck_assert(memcmp(got, want, n) == 0);
    free(got);
}

START_TEST(blobs_are_stored_once)
{
    struct err e = {0};
    char *path = sample_path("blobs");
    struct trace_header h = sample_header();
    struct trace_writer *w;
    size_t n = (5 << 20) + 123;
    uint8_t *data = xmalloc(n);
    uint64_t seed = 3;
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)sample_random(&seed);
    ck_assert(trace_writer_open(&w, path, &h, NULL, &e) == 0);
    struct trace_hash hash = {{0}};
    for (int i = 0; i < 5; i++)
        hash = trace_put_blob(w, data, n);
    struct trace_hash none = trace_put_blob(w, "", 0);
    for (uint32_t i = 0; i < 1000; i++)
        trace_put_blob(w, &i, sizeof i);
    struct trace_end end = sample_end();
    struct trace_sizes sizes;
    ck_assert(trace_writer_close_sizes(w, &end, &sizes, &e) == 0);
    ck_assert_uint_gt(sizes.blobs, n);
    ck_assert_uint_lt(sizes.blobs, n + 100000);
    struct trace_reader *r;
    ck_assert_msg(trace_reader_open(&r, path, false, &e) == 0, "%s", e.msg);
    check_blob(r, hash, data, n);
    check_blob(r, none, "", 0);
    trace_reader_close(r);
    /* An existing file is not overwritten. */
    expect(trace_writer_open(&w, path, &h, NULL, &e), ERR_IO, &e, "exists");
    unlink(path);
    free(path);
    free(data);
}
END_TEST

START_TEST(full_device)
{
    struct err e = {0};
    struct trace_header h = sample_header();
    struct trace_writer *w;
    struct trace_writer_options opt = {.overwrite = true};
    expect(trace_writer_open(&w, "/dev/full", &h, &opt, &e), ERR_IO, &e, "No space left");
    ck_assert(access("/dev/full", F_OK) == 0);
}
END_TEST

#define PART 10000

/* Puts 12 batches while the limit lets only some of them into the file. */
static int write_until_full(const char *path, bool help, struct err *e)
{
    struct trace_header h = sample_header();
    struct trace_writer *w;
    struct rlimit old, limit;
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 500000;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(trace_writer_open(&w, path, &h, NULL, e) == 0);
    for (uint64_t i = 0; i < 12; i++) {
        put_events(w, sample_events(i, PART, 2, 2), PART);
        trace_flush(w);
        if (help)
            while (trace_writer_help(w))
                continue;
    }
    struct trace_end end = sample_end();
    int result = trace_writer_close(w, &end, e);
    setrlimit(RLIMIT_FSIZE, &old);
    return result;
}

/* The limit hits in the middle of a frame; what is before it stays good. The second time this thread
 * writes, too, and SIGXFSZ must not end it. */
START_TEST(full_disk)
{
    struct err e = {0};
    char *path = sample_path("full");
    int result = write_until_full(path, _i == 1, &e);
    expect(result, ERR_IO, &e, path);
    expect(result, ERR_IO, &e, "File too large");
    struct trace_reader *r;
    e = (struct err){0};
    ck_assert_msg(trace_reader_open(&r, path, false, &e) == 0, "%s", e.msg);
    ck_assert_str_eq(trace_reader_cut(r), "it has no end record");
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_lt(n, 12);
    struct event *want = sample_events(n - 1, PART, 2, 2);
    const struct event *got = trace_reader_events(r, n - 1, &e);
    ck_assert_msg(got != NULL, "%s", e.msg);
    for (int i = 0; i < PART; i++)
        ck_assert(event_equal(&got[i], &want[i]));
    free(want);
    trace_reader_close(r);
    unlink(path);
    free(path);
}
END_TEST

#define PRODUCERS 3
#define ROUNDS    200

static void *producer(void *arg)
{
    struct trace_writer *w = arg;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        put_events(w, sample_events(i, 500, 2, 2), 500);
        trace_put_console(w, 0, 0, i, "line\n", 5);
        trace_put_blob(w, &i, sizeof i);
        if (i % 50 == 0)
            trace_flush(w);
        CHECK(trace_writer_status(w, NULL) == 0, "the writer failed");
    }
    return NULL;
}

struct helper {
    struct trace_writer *w;
    atomic_bool enough;
};

static void *helper(void *arg)
{
    struct helper *h = arg;
    while (!atomic_load(&h->enough))
        trace_writer_help(h->w);
    return NULL;
}

/* Without help, and with that of some threads. */
START_TEST(many_producers)
{
    struct err e = {0};
    char *path = sample_path("many");
    struct trace_header h = sample_header();
    struct trace_writer *w;
    pthread_t threads[PRODUCERS];
    ck_assert(trace_writer_open(&w, path, &h, &(struct trace_writer_options){1, false}, &e) == 0);
    struct helper help = {.w = w};
    pthread_t helpers[2];
    for (int i = 0; i < _i; i++)
        ck_assert(pthread_create(&helpers[i], NULL, helper, &help) == 0);
    for (int i = 0; i < PRODUCERS; i++)
        ck_assert(pthread_create(&threads[i], NULL, producer, w) == 0);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&help.enough, true);
    for (int i = 0; i < _i; i++)
        pthread_join(helpers[i], NULL);
    struct trace_end end = sample_end();
    ck_assert(trace_writer_close(w, &end, &e) == 0);
    struct trace_reader *r;
    ck_assert_msg(trace_reader_open(&r, path, false, &e) == 0, "%s", e.msg);
    size_t n;
    trace_reader_console(r, &n);
    ck_assert_uint_eq(n, PRODUCERS * ROUNDS);
    ck_assert_uint_eq(trace_reader_event_count(r), PRODUCERS * ROUNDS * 500);
    const struct trace_batch *batches;
    n = trace_reader_batches(r, &batches);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(trace_reader_events(r, i, &e) != NULL, "%s", e.msg);
    trace_reader_close(r);
    unlink(path);
    free(path);
}
END_TEST

#define HELPED 60 /* parts; several frames in all */

/* Between two parts all that waits is done here, logs and frames a piece at a time; or of several parts
 * what is too much: they come in order, each event once. */
START_TEST(help_keeps_the_order)
{
    struct err e = {0};
    char *path = sample_path("help");
    struct trace_header h = sample_header();
    struct trace_writer *w;
    ck_assert(trace_writer_open(&w, path, &h, NULL, &e) == 0);
    for (uint64_t i = 0; i < HELPED; i++) {
        put_events(w, sample_events(i, PART, 2, 2), PART);
        trace_put_console(w, 0, 0, i, "line\n", 5);
        if (_i == 0 || i % 8 == 7)
            while (_i == 0 ? trace_writer_help(w) : trace_writer_catch_up(w))
                continue;
    }
    struct trace_end end = sample_end();
    ck_assert(trace_writer_close(w, &end, &e) == 0);
    struct trace_reader *r;
    ck_assert_msg(trace_reader_open(&r, path, false, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(trace_reader_event_count(r), HELPED * PART);
    const struct trace_batch *batches;
    size_t n = trace_reader_batches(r, &batches);
    struct event *want = NULL;
    for (size_t b = 0; b < n; b++) {
        const struct event *got = trace_reader_events(r, b, &e);
        ck_assert_msg(got != NULL, "%s", e.msg);
        for (uint64_t i = 0, at = batches[b].first; i < batches[b].count; i++, at++) {
            if (at % PART == 0) {
                free(want);
                want = sample_events(at / PART, PART, 2, 2);
            }
            ck_assert(event_equal(&got[i], &want[at % PART]));
        }
    }
    free(want);
    const struct trace_text *text = trace_reader_console(r, &n);
    ck_assert_uint_eq(n, HELPED);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(text[i].cycle, i);
    trace_reader_close(r);
    unlink(path);
    free(path);
}
END_TEST

/* What was put is in the file after a flush, and after some time without. */
START_TEST(frames_end_in_time)
{
    struct err e = {0};
    char *path = sample_path("age");
    struct trace_header h = sample_header();
    struct trace_writer *w;
    struct trace_reader *r;
    size_t n = 0;
    ck_assert(trace_writer_open(&w, path, &h, NULL, &e) == 0);
    trace_put_console(w, 0, 0, 1, "login: ", 7);
    for (int i = 0; i < 80 && n == 0; i++) {
        usleep(50000);
        ck_assert_msg(trace_reader_open(&r, path, false, &e) == 0, "%s", e.msg);
        trace_reader_console(r, &n);
        trace_reader_close(r);
    }
    ck_assert_uint_eq(n, 1);
    ck_assert(trace_writer_close(w, NULL, &e) == 0);
    unlink(path);
    free(path);
}
END_TEST

/* The program ends at once, for want of something of the host: what was put is in the file. */
START_TEST(rescued)
{
    struct err e = {0};
    char *path = sample_path("rescued");
    pid_t child = fork();
    if (child == 0) {
        struct trace_header h = sample_header();
        struct trace_writer *w;
        trace_writer_open(&w, path, &h, NULL, NULL);
        trace_put_console(w, 0, 0, 5, "last words", 10);
        host_failed("no more \x1b[m of it");
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    struct trace_reader *r;
    ck_assert_msg(trace_reader_open(&r, path, false, &e) == 0, "%s", e.msg);
    size_t n;
    const struct trace_text *t = trace_reader_console(r, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_mem_eq(t[0].bytes, "last words", 10);
    ck_assert_ptr_nonnull(trace_reader_cut(r));
    trace_reader_close(r);
    unlink(path);
    free(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trace_writer");
    TCase *t = tcase_create("writer");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, blobs_are_stored_once);
    tcase_add_test(t, full_device);
    tcase_add_loop_test(t, full_disk, 0, 2);
    tcase_add_loop_test(t, many_producers, 0, 3);
    tcase_add_loop_test(t, help_keeps_the_order, 0, 2);
    tcase_add_test(t, frames_end_in_time);
    tcase_add_test(t, rescued);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
