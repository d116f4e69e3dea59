#include "core/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/alloc.h"

static void open_standard(int fd)
{
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
        return;
    /* The lowest free number is this one. */
    int got = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (got != fd)
        host_failed("descriptor %d is closed, and /dev/null cannot stand for it: %s", fd,
                    got < 0 ? strerror(errno) : "another number was free");
}

int program_output_status(void)
{
    static bool failed;
    bool before = ferror(stdout) != 0, good = fflush(stdout) == 0 && !before;
    if (failed || good)
        return failed;
    int error = before ? 0 : errno;
    if (error == EPIPE)
        return 0;
    failed = true;
    fprintf(stderr, "%s: standard output: %s\n", program_invocation_short_name,
            error != 0 ? strerror(error) : "not all of it could be written");
    return 1;
}

static void at_exit(int status, void *unused)
{
    (void)unused;
    if (program_output_status() != 0 && status == 0)
        _exit(1);
}

void program_begin(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        open_standard(fd);
    signal(SIGXFSZ, SIG_IGN);
    on_exit(at_exit, NULL);
}
