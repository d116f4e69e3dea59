/* fake_server ADDRESS [be]: serves the fake target until SIGTERM or SIGINT. Prints where. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "gdb/server.h"
#include "tests/gdb/fake_target.h"

static struct gdb_server *server;

static void on_signal(int number)
{
    (void)number;
    gdb_server_stop(server);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: fake_server ADDRESS [be]\n");
        return 2;
    }
    struct fake_target *t = fake_target_create(argc > 2 && strcmp(argv[2], "be") == 0);
    if (gdb_server_open(&server, argv[1], &fake_target_ops, t, &e) < 0) {
        fprintf(stderr, "fake_server: %s\n", e.msg);
        fake_target_destroy(t);
        return 1;
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    printf("%s\n", gdb_server_address(server));
    fflush(stdout);
    int r = gdb_server_run(server, &e);
    if (r < 0)
        fprintf(stderr, "fake_server: %s\n", e.msg);
    else
        printf("stopped, %zu points left\n", fake_target_points(t));
    gdb_server_close(server);
    fake_target_destroy(t);
    return r < 0;
}
