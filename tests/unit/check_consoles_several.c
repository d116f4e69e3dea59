/* Several VMs' consoles: who is shown at the terminal; files, named pipes and pseudo-terminals. */
#include <stdio.h>
#include <sys/stat.h>

#include "tests/unit/consoles_rig.h"

static void press(int master, const char *keys)
{
    ck_assert_int_eq(write(master, keys, strlen(keys)), (int)strlen(keys));
    consoles_wait(&con, 1000000000, NULL, 0);
}

/* What came to the screen since the last call. */
static void assert_screen(const char *text)
{
    char bytes[4096];
    fcntl(screen_fd, F_SETFL, O_NONBLOCK);
    ssize_t n = read(screen_fd, bytes, sizeof bytes);
    n = n < 0 ? 0 : n;
    ck_assert_msg((size_t)n == strlen(text) && memcmp(bytes, text, (size_t)n) == 0,
                  "\"%.*s\" instead of \"%s\"", (int)n, bytes, text);
}

/* VMs 0, 2 and 3 at the terminal, and one that is nowhere. */
static void four_vms(void)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    cluster.vms_count = 4;
    for (unsigned i = 0; i < 4; i++)
        cluster.vms[i].name = names[i];
    cluster.vms[1].console = CONSOLE_NONE;
}

static bool any_live(const struct consoles *c)
{
    bool any = false;
    for (unsigned i = 0; i < c->count; i++)
        any |= consoles_live(c, i);
    return any;
}

START_TEST(switching)
{
    int master = terminal();
    if (master < 0)
        return;
    four_vms();
    open_all();
    print_by(0, "A1");
    print_by(1, "B1");
    print_by(2, "C1");
    assert_screen("A1");
    press(master, "x\0012y\001r");
    assert_screen("C1"); /* what it printed before it was seen */
    assert_typed_to(0, "x");
    assert_typed_to(2, "y");
    ck_assert(consoles_reset_taken(&con, 2) && !consoles_reset_taken(&con, 2));
    ck_assert(!consoles_reset_taken(&con, 0));
    print_by(0, "A2");
    print_by(2, "C2");
    print_by(2, "C3");
    assert_screen("C2C3");
    press(master, "\0011\0019z"); /* no terminal there, no VM there */
    assert_typed_to(2, "z");
    assert_typed_to(1, "");
    press(master, "\001n1\001n2\001n3");
    assert_typed_to(3, "1");
    assert_typed_to(0, "2");
    assert_typed_to(2, "3");
    assert_screen("A2");
    for (unsigned i = 0; i < 4; i++)
        ck_assert(consoles_live(&con, i) == (i != 1));
    close(master);
}
END_TEST

/* What nobody looks at for hours does not grow, and its end is shown. */
START_TEST(hidden_output)
{
    static char line[1001];
    static uint8_t shown[100 << 10];
    int master = terminal();
    if (master < 0)
        return;
    memset(line, 'h', 1000);
    four_vms();
    open_all();
    for (int i = 0; i < 1000; i++)
        print_by(2, line);
    print_by(2, "END");
    ck_assert_uint_lt(con.vms[2].hidden.len, 200 << 10);
    fcntl(screen_fd, F_SETPIPE_SZ, 1 << 20);
    press(master, "\0012");
    ssize_t n = read(screen_fd, shown, sizeof shown);
    ck_assert_int_eq(n, 64 << 10);
    ck_assert_mem_eq(shown + n - 4, "hEND", 4);
    close(master);
}
END_TEST

/* Without a terminal the first VM has standard input and output. */
START_TEST(piped_cluster)
{
    four_vms();
    cluster.vms[0].console = CONSOLE_NONE;
    open_all();
    print_by(0, "A");
    print_by(3, "D");
    print_by(2, "C");
    assert_screen("C");
    ck_assert_int_eq(write(type_fd, "k\0013", 3), 3);
    consoles_poll(&con);
    assert_typed_to(2, "k\0013");
    ck_assert(consoles_live(&con, 2) && !consoles_live(&con, 3) && !consoles_live(&con, 0));
    ck_assert(any_live(&con));
}
END_TEST

/* Nobody is at the terminal: standard input is left alone. */
START_TEST(no_terminal)
{
    vm->console = CONSOLE_NONE;
    reply("x", "y");
    open_all();
    ck_assert_int_eq(write(type_fd, "k", 1), 1);
    print("x");
    assert_typed("y");
    assert_screen("");
    ck_assert(!any_live(&con));
    char k;
    ck_assert_int_eq(read(0, &k, 1), 1);
}
END_TEST

START_TEST(until_of_several)
{
    four_vms();
    open_all();
    print_by(0, "one");
    ck_assert(!consoles_texts_seen(&con));
    consoles_close(&con);
    cluster.vms[0].until_text = "one";
    cluster.vms[1].until_text = "two";
    open_all();
    print_by(0, "one");
    print_by(2, "two");
    print_by(1, "t");
    ck_assert(!consoles_texts_seen(&con));
    print_by(1, "wo");
    ck_assert(consoles_texts_seen(&con));
}
END_TEST

START_TEST(channels)
{
    open_all();
    for (unsigned channel = 0; channel < 4; channel++)
        consoles_output(&con, 0, channel, (const uint8_t *)"0123" + channel, 1);
    ck_assert(consoles_has_output(&con));
    consoles_poll(&con);
    ck_assert(!consoles_has_output(&con));
    assert_screen("03");
}
END_TEST

static char dir[] = P_tmpdir "/disco-check-consoles-XXXXXX";
static char path[200], path_in[210], path_out[210];

static void in_folder(void)
{
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/con", dir);
    snprintf(path_in, sizeof path_in, "%s.in", path);
    snprintf(path_out, sizeof path_out, "%s.out", path);
    vm->console_path = path;
}

static size_t content(const char *name, char *text, size_t n)
{
    FILE *f = fopen(name, "rb");
    ck_assert_ptr_nonnull(f);
    size_t got = fread(text, 1, n, f);
    fclose(f);
    return got;
}

START_TEST(to_a_file)
{
    char text[100];
    in_folder();
    vm->console = CONSOLE_FILE;
    FILE *old = fopen(path, "w");
    fputs("what was there before", old);
    fclose(old);
    reply("lo", "ok");
    open_all();
    print("hel");
    print("lo");
    assert_typed("ok");
    assert_screen("");
    ck_assert(!any_live(&con));
    consoles_close(&con);
    ck_assert_uint_eq(content(path, text, sizeof text), 5);
    ck_assert_mem_eq(text, "hello", 5);
    unlink(path);
    rmdir(dir);
    struct err e = {0};
    ck_assert_int_eq(consoles_open(&con, &cluster, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.msg, path));
}
END_TEST

/* The disk is full, and the run goes on. */
START_TEST(to_a_full_disk)
{
    vm->console = CONSOLE_FILE;
    vm->console_path = "/dev/full";
    reply("b", "y");
    open_all();
    print("a");
    print("b");
    assert_typed("y");
    ck_assert_uint_eq(con.vms[0].line.pending.len, 0);
}
END_TEST

START_TEST(to_pipes)
{
    static char line[1001];
    char text[100];
    in_folder();
    vm->console = CONSOLE_PIPE;
    open_all();
    ck_assert(consoles_live(&con, 0));
    int in = open(path_in, O_WRONLY), out = open(path_out, O_RDONLY | O_NONBLOCK);
    ck_assert(in >= 0 && out >= 0);
    ck_assert_int_eq(write(in, "ls\n", 3), 3);
    ck_assert_uint_lt(consoles_wait(&con, 3000000000u, NULL, 0), 2000000000);
    assert_typed("ls\n");
    close(in); /* no end of input: another may come */
    consoles_poll(&con);
    ck_assert(consoles_live(&con, 0));
    ck_assert_uint_ge(consoles_wait(&con, 2000000, NULL, 0), 2000000);
    print("out");
    ck_assert_int_eq(read(out, text, sizeof text), 3);
    ck_assert_mem_eq(text, "out", 3);
    /* Nobody reads: nothing blocks, and what is kept has an end. */
    memset(line, 'p', 1000);
    for (int i = 0; i < 3000; i++)
        print(line);
    ck_assert_uint_le(con.vms[0].line.pending.len, 1 << 20);
    print("END");
    size_t total = 0;
    ssize_t n;
    while (con.vms[0].line.pending.len != 0) {
        while ((n = read(out, text, sizeof text)) > 0)
            total += (size_t)n;
        consoles_poll(&con);
    }
    ck_assert_uint_gt(total, 1000000);
    close(out);
    consoles_close(&con);
    ck_assert_int_ne(access(path_in, F_OK), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* Pipes that were there stay; a file in their place is refused and left alone. */
START_TEST(given_pipes)
{
    struct err e = {0};
    in_folder();
    vm->console = CONSOLE_PIPE;
    ck_assert_int_eq(mkfifo(path_in, 0600), 0);
    open_all();
    consoles_close(&con);
    ck_assert_int_eq(access(path_in, F_OK), 0);
    ck_assert_int_ne(access(path_out, F_OK), 0);
    FILE *f = fopen(path_out, "w");
    fclose(f);
    ck_assert_int_eq(consoles_open(&con, &cluster, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.msg, path_out));
    consoles_close(&con);
    ck_assert_int_eq(access(path_out, F_OK), 0);
    unlink(path_in);
    unlink(path_out);
    rmdir(dir);
}
END_TEST

START_TEST(to_a_pty)
{
    char text[100];
    vm->console = CONSOLE_PTY;
    struct err e = {0};
    if (consoles_open(&con, &cluster, &e) < 0)
        return; /* a host without pseudo-terminals */
    ck_assert(consoles_live(&con, 0));
    for (int user = 0; user < 2; user++) { /* one after the other */
        int fd = open(con.vms[0].line.path, O_RDWR | O_NOCTTY);
        ck_assert_int_ge(fd, 0);
        print("prompt\n");
        ck_assert_int_eq(read(fd, text, sizeof text), 7);
        ck_assert_mem_eq(text, "prompt\n", 7);
        assert_typed(""); /* no echo */
        ck_assert_int_eq(write(fd, "l\001x\003\n", 5), 5);
        consoles_wait(&con, 1000000000, NULL, 0);
        assert_typed("l\001x\003\n");
        close(fd);
        ck_assert_uint_ge(consoles_wait(&con, 2000000, NULL, 0), 2000000);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consoles_several");
    TCase *tc = tcase_create("consoles_several");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, switching);
    tcase_add_test(tc, hidden_output);
    tcase_add_test(tc, piped_cluster);
    tcase_add_test(tc, no_terminal);
    tcase_add_test(tc, until_of_several);
    tcase_add_test(tc, channels);
    tcase_add_test(tc, to_a_file);
    tcase_add_test(tc, to_a_full_disk);
    tcase_add_test(tc, to_pipes);
    tcase_add_test(tc, given_pipes);
    tcase_add_test(tc, to_a_pty);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
