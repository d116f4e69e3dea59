/* What the host may do to a program: no memory, closed descriptors, files that are in use, and
 * names that a terminal would obey. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/output.h"
#include "core/base/program.h"
#include "core/base/text.h"

/* ---- text ---- */

static const struct {
    const char *text, *shown;
} texts[] = {
    {"", ""},
    {"plain ~ \\ \"text\"", "plain ~ \\ \"text\""},
    {"\x1b[2J\x1b]0;x\a", "\\x1b[2J\\x1b]0;x\\x07"},
    {"a\nb\rc\td\x7f", "a\\nb\\rc\\td\\x7f"},
    {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7"},
    {"\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m"}, /* CSI as one character */
    {"\x9b"
     "31m",
     "\\x9b31m"}, /* and as one byte */
    {"\xe2\x80\xae"
     "abc",
     "\\xe2\\x80\\xaeabc"}, /* right to left from here */
    {"\xc0\x9b \xed\xa0\x80 \xf4\x90\x80\x80", "\\xc0\\x9b \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80"},
    {"\xe2\x82", "\\xe2\\x82"}, /* the rest is missing */
    {"\xff\x80", "\\xff\\x80"},
};

START_TEST(shown)
{
    char *s = text_shown(texts[_i].text);
    ck_assert_str_eq(s, texts[_i].shown);
    char *again = text_shown(s);
    ck_assert_str_eq(again, s);
    free(again);
    free(s);
}
END_TEST

START_TEST(shown_as_fits)
{
    char out[8];
    text_fit(out, sizeof out, "abcdefghij");
    ck_assert_str_eq(out, "abcdefg");
    text_fit(out, sizeof out, "abcde\x1b[");
    ck_assert_str_eq(out, "abcde");
    text_fit(out, 1, "a");
    ck_assert_str_eq(out, "");
}
END_TEST

/* ---- memory ---- */

static void limit_memory(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    struct rlimit limit = {pages * 4096 + (4 << 20), RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* The first want is met from what was kept back, and known; later ones until that is used up. */
START_TEST(reserve)
{
    memory_reserve(64 << 20);
    ck_assert(!memory_is_short());
    limit_memory();
    char *p = xcalloc(32 << 20, 1);
    ck_assert(memory_is_short());
    ck_assert_int_eq(p[(32 << 20) - 1], 0);
    p = xrealloc(p, 40 << 20);
    free(p);
}
END_TEST

START_TEST(no_memory)
{
    limit_memory();
    xmalloc((size_t)64 << 20);
}
END_TEST

START_TEST(no_memory_for_text)
{
    limit_memory();
    xasprintf("%*d", 64 << 20, 1);
}
END_TEST

/* ---- standard descriptors ---- */

/* The exit status of a child that closes the descriptors of `closed` and begins. */
static int begun(const char *closed, void (*run)(void))
{
    pid_t child = fork();
    if (child == 0) {
        for (const char *c = closed; *c != 0; c++)
            close(*c - '0');
        program_begin();
        run();
        exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void open_one(void)
{
    struct stat st, null;
    int fd = open("/dev/zero", O_RDONLY);
    if (fd <= 2 || stat("/dev/null", &null) < 0)
        _exit(2);
    for (int i = 0; i <= 2; i++)
        if (fstat(i, &st) < 0)
            _exit(3);
}

static void say_something(void)
{
    puts("something");
}

static void use_them(void)
{
    char c;
    if (read(0, &c, 1) != -1 || errno != EBADF || write(1, "x", 1) != -1 || errno != EBADF)
        _exit(4);
}

static void say_to_full(void)
{
    dup2(open("/dev/full", O_WRONLY), 1);
    puts("something");
}

static void say_to_nobody(void)
{
    int ends[2];
    if (pipe(ends) < 0)
        _exit(5);
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    dup2(ends[1], 1);
    puts("something");
}

static void nothing(void)
{
}

START_TEST(standard_descriptors)
{
    static const char *const sets[] = {"", "0", "1", "2", "01", "12", "02", "012"};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        ck_assert_msg(begun(sets[i], open_one) == 0, "closed: %s", sets[i]);
    ck_assert_int_eq(begun("01", use_them), 0);
    ck_assert_int_eq(begun("1", nothing), 0);
    ck_assert_int_eq(begun("1", say_something), 1);
    ck_assert_int_eq(begun("", say_to_full), 1);
    ck_assert_int_eq(begun("", say_to_nobody), 0);
}
END_TEST

/* ---- files ---- */

static char dir[] = P_tmpdir "/disco-check-host-XXXXXX";

static const char *in_dir(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
    return path;
}

static void begin(void)
{
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    int fd = open(in_dir("file"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "old", 3), 3);
    close(fd);
    ck_assert_int_eq(symlink("file", in_dir("link")), 0);
    ck_assert_int_eq(link(in_dir("file"), in_dir("hard")), 0);
    ck_assert_int_eq(symlink("to/../fresh", in_dir("dangling")), 0);
    ck_assert_int_eq(mkdir(in_dir("to"), 0700), 0);
    ck_assert_int_eq(mkfifo(in_dir("fifo"), 0600), 0);
}

static void end(void)
{
    static const char *const names[] = {"file", "link", "hard", "dangling", "fifo", "fresh"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(in_dir(names[i]));
    rmdir(in_dir("to"));
    ck_assert_int_eq(rmdir(dir), 0);
}

static off_t size_of(const char *name)
{
    struct stat st;
    return stat(in_dir(name), &st) < 0 ? -1 : st.st_size;
}

START_TEST(one_writer)
{
    struct err e = {0};
    int first, second;
    ck_assert_int_eq(output_open(in_dir("file"), 0, &first, &e), 0);
    ck_assert_int_eq(size_of("file"), 3);
    ck_assert_int_eq(output_create(in_dir("link"), 0, &second, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, "another disco writes or reads this file"));
    ck_assert_int_eq(second, -1);
    ck_assert_int_eq(size_of("file"), 3);
    close(first);
    ck_assert_int_eq(output_create(in_dir("hard"), 0, &second, &e), 0);
    ck_assert_int_eq(size_of("file"), 0);
    close(second);
}
END_TEST

/* A writer that is killed leaves no lock. */
START_TEST(killed_writer)
{
    int fd, ends[2];
    char c;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        output_create(in_dir("file"), 0, &fd, NULL);
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        pause();
    }
    ck_assert_int_eq(read(ends[0], &c, 1), 1);
    struct err e = {0};
    ck_assert_int_eq(output_create(in_dir("file"), 0, &fd, &e), ERR_USAGE);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_int_eq(output_create(in_dir("file"), 0, &fd, NULL), 0);
    close(fd);
}
END_TEST

START_TEST(reader_keeps_writers_away)
{
    struct err e = {0};
    int fd, reader = open(in_dir("file"), O_RDONLY);
    output_lock_out(reader);
    ck_assert_int_eq(output_create(in_dir("file"), 0, &fd, &e), ERR_USAGE);
    ck_assert_int_eq(size_of("file"), 3);
    close(reader);
    ck_assert_int_eq(output_create(in_dir("file"), 0, &fd, NULL), 0);
    reader = open(in_dir("file"), O_RDONLY);
    output_lock_out(reader); /* one that is being written may be read */
    close(reader);
    close(fd);
}
END_TEST

START_TEST(shared_devices)
{
    int a, b;
    ck_assert_int_eq(output_create("/dev/null", 0, &a, NULL), 0);
    ck_assert_int_eq(output_create("/dev/null", 0, &b, NULL), 0);
    close(a);
    close(b);
}
END_TEST

/* In a folder, these are one file and those are not. */
START_TEST(claims)
{
    static const struct {
        const char *first, *second;
        bool one;
    } pairs[] = {
        {"file", "file", true},      {"file", "to/../file", true}, {"file", "link", true},
        {"link", "hard", true},      {"new", "./new", true},       {"new", "to/../new", true},
        {"dangling", "fresh", true}, {"fifo", "fifo", false},      {"file", "new", false},
        {"new", "newer", false},     {"missing/a", "a", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        for (int how = 0; how < 4; how++) { /* bit 0: the first is written; bit 1: the second */
            struct file_claims c = {0};
            struct err e = {0};
            ck_assert_int_eq(file_claim(&c, how & 1, in_dir(pairs[i].first), "first", "a", &e), 0);
            int code = file_claim(&c, how & 2, in_dir(pairs[i].second), "second", NULL, &e);
            ck_assert_msg((code != 0) == (pairs[i].one && how != 0), "%s and %s, %d: %s",
                          pairs[i].first, pairs[i].second, how, e.msg);
            file_claims_free(&c);
        }
}
END_TEST

START_TEST(claims_say_what)
{
    struct file_claims c = {0};
    struct err e = {0};
    file_claim(&c, false, in_dir("file"), "the trace", NULL, &e);
    ck_assert_int_eq(file_claim(&c, true, in_dir("link"), "the console", "b", &e), ERR_USAGE);
    ck_assert_ptr_nonnull(
        strstr(e.msg, "/link: is the trace; write the console of VM b elsewhere"));
    file_claims_free(&c);
    e = (struct err){0};
    file_claim(&c, true, in_dir("file"), "the console", "b", &e);
    ck_assert_int_eq(file_claim(&c, false, in_dir("hard"), "the trace", NULL, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(
        strstr(e.msg, "/file: is the trace; write the console of VM b elsewhere"));
    file_claims_free(&c);
}
END_TEST

/* Standard output may be where standard error is, and nothing else. */
START_TEST(claims_of_standard)
{
    struct file_claims c = {0};
    struct err e = {0};
    int saved = dup(1), fd = open(in_dir("file"), O_WRONLY);
    dup2(fd, 1);
    file_claim_standard(&c);
    int code = file_claim(&c, true, in_dir("file"), "the trace", NULL, &e);
    dup2(saved, 1);
    close(fd);
    close(saved);
    ck_assert_int_eq(code, ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, "is standard output; write the trace elsewhere"));
    file_claims_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host");
    TCase *tc = tcase_create("programs"), *files = tcase_create("files");
    tcase_add_loop_test(tc, shown, 0, ARRAY_LEN(texts));
    tcase_add_test(tc, shown_as_fits);
    tcase_add_test(tc, standard_descriptors);
    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(files, begin, end);
    tcase_add_test(files, one_writer);
    tcase_add_test(files, killed_writer);
    tcase_add_test(files, reader_keeps_writers_away);
    tcase_add_test(files, shared_devices);
    tcase_add_test(files, claims);
    tcase_add_test(files, claims_say_what);
    tcase_add_test(files, claims_of_standard);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    if (srunner_fork_status(runner) == CK_FORK) { /* and no sanitizer, which needs all addresses */
        tcase_add_test(tc, reserve);
        tcase_add_exit_test(tc, no_memory, 1);
        tcase_add_exit_test(tc, no_memory_for_text, 1);
    }
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
