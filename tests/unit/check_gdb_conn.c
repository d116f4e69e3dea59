#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gdb/conn.h"
#include "gdb/server.h"
#include "tests/gdb/fake_target.h"

static void check_address(const char *text, const char *path, const char *host, const char *port)
{
    struct conn_address a;
    struct err e = {0};
    ck_assert_msg(conn_parse(&a, text, &e) == 0, "%s: %s", text, e.msg);
    ck_assert_pstr_eq(a.unix_path, path);
    ck_assert_pstr_eq(a.host, host);
    ck_assert_pstr_eq(a.port, port);
    conn_address_fini(&a);
}

START_TEST(addresses)
{
    check_address("1234", NULL, "localhost", "1234");
    check_address(":1234", NULL, "localhost", "1234");
    check_address("tcp::1234", NULL, "localhost", "1234");
    check_address("host:1", NULL, "host", "1");
    check_address("0.0.0.0:0", NULL, "0.0.0.0", "0");
    check_address("[::1]:65535", NULL, "::1", "65535");
    check_address("unix:/run/x:1", "/run/x:1", NULL, NULL);
    static const char *const bad[] = {"",       ":",     "host",  "host:", "1:65536",
                                      "::1:12", "1:12x", "unix:", "-1",    ":123456"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct conn_address a;
        struct err e = {0};
        ck_assert_msg(conn_parse(&a, bad[i], &e) == ERR_USAGE, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(e.msg, bad[i]));
    }
    char path[200] = "unix:";
    memset(path + 5, 'x', sizeof path - 6);
    struct conn_address a;
    ck_assert_int_eq(conn_parse(&a, path, NULL), ERR_USAGE);
}
END_TEST

START_TEST(tcp_in_use)
{
    struct conn first, second;
    struct err e = {0};
    ck_assert_int_eq(conn_open(&first, "127.0.0.1:0", &e), 0);
    ck_assert(strncmp(first.address, "127.0.0.1:", 10) == 0 &&
              strcmp(first.address + 10, "0") != 0);
    ck_assert_int_eq(conn_open(&second, first.address, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.msg, first.address));
    conn_close(&first);
}
END_TEST

static char dir[] = "check_gdb_conn.XXXXXX";
static char path[64], address[80];

static void setup(void)
{
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    snprintf(address, sizeof address, "unix:%s", path);
}

static void teardown(void)
{
    unlink(path);
    rmdir(dir);
}

START_TEST(unix_paths)
{
    struct conn first, second;
    struct err e = {0};
    ck_assert_int_eq(conn_open(&first, address, &e), 0);
    ck_assert_int_eq(conn_open(&second, address, &e), ERR_IO); /* alive: not taken away */
    close(first.listener);                                     /* as if killed */
    first.listener = -1;
    e.code = 0;
    ck_assert_int_eq(conn_open(&second, address, &e), 0);
    conn_close(&second);
    struct stat st;
    ck_assert_int_lt(stat(path, &st), 0);
    FILE *f = fopen(path, "w"); /* a file of the user's stays */
    fclose(f);
    ck_assert_int_eq(conn_open(&second, address, &e), ERR_IO);
    ck_assert_int_eq(stat(path, &st), 0);
    conn_close(&first);
}
END_TEST

static int dial(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strcpy(un.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What comes until as many characters as `text` has; must be that. */
static void expect(int fd, const char *text)
{
    char in[256] = "";
    size_t n = 0, want = strlen(text);
    while (n < want) {
        ssize_t r = recv(fd, in + n, want - n, 0);
        ck_assert_msg(r > 0, "got \"%s\", want \"%s\"", in, text);
        n += (size_t)r;
    }
    ck_assert_str_eq(in, text);
}

static void expect_end(int fd)
{
    char c;
    ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
}

static void *serve(void *srv)
{
    return (void *)(intptr_t)gdb_server_run(srv, NULL);
}

START_TEST(clients)
{
    struct fake_target *t = fake_target_create(true);
    struct gdb_server *srv;
    struct err e = {0};
    void *result;
    pthread_t thread;
    ck_assert_int_eq(gdb_server_open(&srv, address, &fake_target_ops, t, &e), 0);
    ck_assert_str_eq(gdb_server_address(srv), path);
    pthread_create(&thread, NULL, serve, srv);

    int first = dial();
    say(first, "+$qC#b4");
    expect(first, "+$QC1#c5");
    int second = dial();
    expect(second, "+$E.another debugger is attached#");
    close(second);
    second = dial(); /* and a third one, while the second may not have gone */
    expect(second, "+$E.another debugger is attached#");
    say(second, "$qC#b4"); /* what it says is not heard */
    say(first, "$vCont;c#a8\3");
    close(first); /* in the middle of a run */
    close(second);

    first = dial();
    expect(first, "");
    say(first, "$Z0,80001018,4#a8$p25#d7");
    expect(first, "+$OK#9a+$80001");
    say(first, "$k#6b");
    char waste[64];
    while (recv(first, waste, sizeof waste, 0) > 0)
        ;
    expect_end(first);
    close(first);

    gdb_server_stop(srv);
    pthread_join(thread, &result);
    ck_assert_ptr_null(result);
    ck_assert(gdb_server_stopped(srv));
    ck_assert_uint_eq(fake_target_points(t), 0);
    gdb_server_close(srv);
    fake_target_destroy(t);
}
END_TEST

/* Stopping while a client is connected and the target runs. */
START_TEST(stop_in_run)
{
    struct fake_target *t = fake_target_create(false);
    struct gdb_server *srv;
    void *result;
    pthread_t thread;
    ck_assert_int_eq(gdb_server_open(&srv, address, &fake_target_ops, t, NULL), 0);
    ck_assert_int_eq(gdb_server_turn(srv, false, NULL), 0); /* nobody there: returns */
    pthread_create(&thread, NULL, serve, srv);
    int fd = dial();
    say(fd, "$qRcmd,736c6f77#30");
    expect(fd, "+$OK#9a");
    say(fd, "+$vCont;c#a8");
    expect(fd, "+");
    gdb_server_stop(srv);
    pthread_join(thread, &result);
    gdb_server_close(srv);
    expect_end(fd);
    close(fd);
    fake_target_destroy(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gdb conn");
    TCase *tc = tcase_create("conn");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, addresses);
    tcase_add_test(tc, tcp_in_use);
    tcase_add_test(tc, unix_paths);
    tcase_add_test(tc, clients);
    tcase_add_test(tc, stop_in_run);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
