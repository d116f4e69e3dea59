/* The host's end of the console: texts and replies, pipes, end of input, and the escape key. */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "tests/rng.h"
#include "tests/unit/consoles_rig.h"

START_TEST(output_arrives)
{
    char bytes[100];
    open_all();
    print("Linux ");
    print("version\r\n");
    ck_assert_int_eq(read(screen_fd, bytes, sizeof bytes), 15);
    ck_assert_mem_eq(bytes, "Linux version\r\n", 15);
    ck_assert(!con.tty);
    ck_assert(consoles_live(&con, 0));
}
END_TEST

START_TEST(one_after_the_other)
{
    reply("login: ", "root\n");
    reply("# ", "one\n");
    reply("# ", "two\n");
    open_all();
    print("# nothing yet: the login comes first\n");
    assert_typed("");
    print("log");
    print("in");
    print(": ");
    assert_typed("root\n");
    print("welcome\n#");
    assert_typed("");
    print(" ");
    assert_typed("one\n");
    print("one\nresult\n");
    assert_typed("");
    print("# ");
    assert_typed("two\n");
    print("login: # # ");
    assert_typed("");
}
END_TEST

START_TEST(several_in_one_chunk)
{
    reply("a", "1");
    reply("b", "2");
    reply("a", "3");
    reply("aa", "4");
    open_all();
    print("b-a-b-a-a"); /* the last two do not touch */
    assert_typed("123");
    print("a"); /* now they do */
    assert_typed("4");
}
END_TEST

/* However the guest's output is cut, the answers are the same. */
START_TEST(any_cut)
{
    static const char *const text = "xxabcabdabc[ok] abcabcabc: end of it";
    reply("abc", "1");
    reply("abd", "2");
    reply("abcabc", "3");
    reply(": e", "4");
    vm->until_text = "c: end";
    struct rng rng = {(uint64_t)_i};
    open_all();
    for (size_t at = 0; at < strlen(text);) {
        char part[64] = {0};
        size_t n = 1 + rng_below(&rng, 1 + (uint32_t)_i % 10);
        memcpy(part, text + at, min_u64(n, strlen(text) - at));
        at += strlen(part);
        print(part);
    }
    assert_typed("1234");
    ck_assert(consoles_texts_seen(&con));
}
END_TEST

/* A reply takes nothing away from the text that ends the run. */
START_TEST(until_text_over_a_reply)
{
    reply("prompt", "x");
    vm->until_text = "prompt> done";
    open_all();
    print("prompt");
    assert_typed("x");
    ck_assert(!consoles_texts_seen(&con));
    print("> do");
    ck_assert(!consoles_texts_seen(&con));
    print("ne");
    ck_assert(consoles_texts_seen(&con));
}
END_TEST

START_TEST(until_text_in_one_chunk_with_replies)
{
    reply("A", "1");
    reply("B", "2");
    vm->until_text = "A B";
    open_all();
    print("..A B..");
    assert_typed("12");
    ck_assert(consoles_texts_seen(&con));
}
END_TEST

/* Hours of output between two texts are not kept, and texts at the seams are found. */
START_TEST(much_output)
{
    static char noise[3001];
    static char needle[TEXT_MAX + 1];
    memset(noise, '.', sizeof noise - 1);
    memset(needle, 'n', TEXT_MAX);
    needle[0] = 'N';
    reply(needle, "first");
    reply("second", "2");
    vm->until_text = "the end";
    open_all();
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    close(null);
    for (int round = 0; round < 40; round++)
        print(noise);
    ck_assert_uint_le(con.vms[0].watch.seen.len, 5 * TEXT_MAX);
    for (size_t i = 0; i < TEXT_MAX; i++) {
        char one[2] = {needle[i], 0};
        assert_typed("");
        print(one);
    }
    assert_typed("first");
    for (int round = 0; round < 40; round++) {
        noise[3000 - round] = 0;
        print(noise);
        noise[3000 - round] = '.';
        if (round == 20) {
            print("sec");
            print("ond");
            assert_typed("2");
        }
    }
    print("the ");
    ck_assert(!consoles_texts_seen(&con));
    print("end");
    ck_assert(consoles_texts_seen(&con));
}
END_TEST

START_TEST(piped_input)
{
    open_all();
    consoles_poll(&con);
    assert_typed("");
    ck_assert(consoles_live(&con, 0));
    ck_assert_int_eq(write(type_fd, "ls\n\001x", 5), 5);
    consoles_poll(&con);
    assert_typed("ls\n\001x"); /* no escape key in a pipe */
    ck_assert(!consoles_quit(&con));
    close(type_fd);
    type_fd = -1;
    ck_assert(consoles_live(&con, 0));
    consoles_poll(&con);
    ck_assert(con.eof);
    ck_assert(!consoles_live(&con, 0));
    consoles_poll(&con);
    assert_typed("");
    ck_assert_uint_ge(consoles_wait(&con, 1000000, NULL, 0), 1000000);
}
END_TEST

START_TEST(file_and_closed_input)
{
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    close(null);
    open_all();
    ck_assert(!consoles_live(&con, 0)); /* nothing comes at a time of its own */
    consoles_poll(&con);
    ck_assert(con.eof);
    consoles_close(&con);
    close(0);
    open_all();
    ck_assert(con.eof);
    ck_assert(!consoles_live(&con, 0));
    consoles_poll(&con);
    assert_typed("");
}
END_TEST

/* More input than the guest takes stays with the host, and waiting still takes its time. */
START_TEST(flood)
{
    static char bytes[20000];
    memset(bytes, 'f', sizeof bytes);
    ck_assert_int_eq(write(type_fd, bytes, sizeof bytes), (int)sizeof bytes);
    open_all();
    for (int i = 0; i < 100; i++)
        consoles_poll(&con);
    ck_assert_uint_ge(consoles_typed(&con, 0).n, 4096);
    ck_assert_uint_lt(consoles_typed(&con, 0).n, 8192);
    ck_assert_uint_ge(consoles_wait(&con, 20000000, NULL, 0), 20000000);
    size_t total = consoles_typed(&con, 0).n;
    for (int i = 0; i < 100; i++) {
        consoles_take(&con, 0, consoles_typed(&con, 0).n);
        consoles_poll(&con);
        total += consoles_typed(&con, 0).n;
    }
    ck_assert_uint_eq(total, sizeof bytes);
}
END_TEST

START_TEST(wait_ends_with_input)
{
    open_all();
    ck_assert_uint_ge(consoles_wait(&con, 5000000, NULL, 0), 5000000);
    assert_typed("");
    ck_assert_int_eq(write(type_fd, "k", 1), 1);
    uint64_t ns = consoles_wait(&con, 3000000000u, NULL, 0);
    ck_assert_uint_ge(ns, 1);
    ck_assert_uint_lt(ns, 2000000000);
    assert_typed("k");
}
END_TEST

static size_t reader_got;

static void *slow_reader(void *arg)
{
    (void)arg;
    char bytes[3000];
    ssize_t n;
    while (reader_got < 300000 && (n = read(screen_fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            if (bytes[i] != (char)((reader_got + (size_t)i) * 7))
                return arg;
        reader_got += (size_t)n;
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    return NULL;
}

/* A pipe that is read slowly gets every byte, also when it does not block. */
START_TEST(slow_pipe)
{
    static uint8_t bytes[300000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    if (_i == 1)
        fcntl(1, F_SETFL, O_NONBLOCK);
    open_all();
    pthread_t thread;
    reader_got = 0;
    pthread_create(&thread, NULL, slow_reader, NULL);
    consoles_output(&con, 0, 0, bytes, sizeof bytes);
    consoles_poll(&con);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(reader_got, sizeof bytes);
}
END_TEST

static void on_alarm(int sig)
{
    (void)sig;
}

/* Nobody reads: a signal (the user's Ctrl-C) gets the program out of there. */
START_TEST(signal_ends_a_blocked_write)
{
    static uint8_t bytes[300000];
    struct sigaction sa = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &sa, NULL);
    if (_i == 1)
        fcntl(1, F_SETFL, O_NONBLOCK);
    open_all();
    consoles_output(&con, 0, 0, bytes, sizeof bytes);
    ualarm(30000, 30000);
    consoles_poll(&con);
    ualarm(0, 0);
    ck_assert_uint_eq(con.vms[0].out.len, 0);
}
END_TEST

START_TEST(nobody_there)
{
    signal(SIGPIPE, SIG_IGN);
    reply("x", "y");
    open_all();
    close(screen_fd);
    print("x");
    assert_typed("y"); /* the run goes on */
    screen_fd = open("/dev/null", O_RDONLY);
}
END_TEST

START_TEST(terminal_keys)
{
    int master = terminal();
    if (master < 0)
        return;
    open_all();
    ck_assert(con.tty);
    ck_assert(consoles_live(&con, 0));
    static const char keys[] = "a\003\001a\001\001b\001";
    ck_assert_int_eq(write(master, keys, sizeof keys - 1), (int)sizeof keys - 1);
    consoles_wait(&con, 1000000000, NULL, 0);
    assert_typed("a\003\001\001b");
    ck_assert(con.escape); /* over the end of what was read */
    ck_assert_int_eq(write(master, "r", 1), 1);
    consoles_wait(&con, 1000000000, NULL, 0);
    ck_assert(consoles_reset_taken(&con, 0) && !consoles_quit(&con) && !con.escape);
    ck_assert_int_eq(write(master, "\001xq", 3), 3);
    consoles_wait(&con, 1000000000, NULL, 0);
    ck_assert(consoles_quit(&con));
    close(master);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consoles");
    TCase *tc = tcase_create("consoles");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, output_arrives);
    tcase_add_test(tc, one_after_the_other);
    tcase_add_test(tc, several_in_one_chunk);
    tcase_add_loop_test(tc, any_cut, 0, 60);
    tcase_add_test(tc, until_text_over_a_reply);
    tcase_add_test(tc, until_text_in_one_chunk_with_replies);
    tcase_add_test(tc, much_output);
    tcase_add_test(tc, piped_input);
    tcase_add_test(tc, file_and_closed_input);
    tcase_add_test(tc, flood);
    tcase_add_test(tc, wait_ends_with_input);
    tcase_add_loop_test(tc, slow_pipe, 0, 2);
    tcase_add_loop_test(tc, signal_ends_a_blocked_write, 0, 2);
    tcase_add_test(tc, nobody_there);
    tcase_add_test(tc, terminal_keys);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
