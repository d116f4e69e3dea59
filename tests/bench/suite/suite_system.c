/*
 * Programs that keep the kernel busy: system calls, page faults, processes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

enum {
    PAGE = 4096,
    CALL_ROUNDS = 1012500,
    READ_ROUNDS = 202500,
    PIPE_ROUNDS = 135000,
    FAULT_ROUNDS = 144,
    FAULT_PAGES = 512,
    FORK_ROUNDS = 489,
    EXEC_ROUNDS = 168,
};

uint32_t suite_syscall(void)
{
    uint8_t buffer[512];
    int zero = open("/dev/zero", O_RDONLY);
    int null = open("/dev/null", O_WRONLY);
    int ends[2];
    uint32_t sum = 1;

    if (zero < 0 || null < 0 || pipe(ends) != 0)
        suite_fail("open");
    for (uint32_t i = 0; i < CALL_ROUNDS; i++)
        sum += (uint32_t)(syscall(SYS_getppid) > 0);
    for (uint32_t i = 0; i < READ_ROUNDS; i++) {
        buffer[i % sizeof(buffer)] = 1;
        if (read(zero, buffer, sizeof(buffer)) != sizeof(buffer) ||
            write(null, buffer, sizeof(buffer)) != sizeof(buffer))
            suite_fail("read");
        sum += buffer[i % sizeof(buffer)];
    }
    for (uint32_t i = 0; i < PIPE_ROUNDS; i++) {
        uint32_t word = suite_mix(sum, i);

        if (write(ends[1], &word, sizeof(word)) != sizeof(word) ||
            read(ends[0], buffer, sizeof(word)) != sizeof(word))
            suite_fail("pipe");
        sum = suite_mix(sum, buffer[i & 3]);
    }
    return sum;
}

uint32_t suite_fault(void)
{
    uint32_t sum = 1;

    for (uint32_t round = 0; round < FAULT_ROUNDS; round++) {
        uint8_t *area = mmap(NULL, FAULT_PAGES * PAGE, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (area == MAP_FAILED)
            suite_fail("mmap");
        /* Half of the pages are read first: that maps the page of zeros, which is then copied. */
        for (uint32_t i = 0; i < FAULT_PAGES; i += 2)
            sum += area[i * PAGE];
        for (uint32_t i = 0; i < FAULT_PAGES; i++)
            area[i * PAGE + i] = (uint8_t)(i + round);
        for (uint32_t i = 0; i < FAULT_PAGES; i++)
            sum = suite_mix(sum, area[i * PAGE + i]);
        if (mprotect(area, FAULT_PAGES * PAGE / 2, PROT_READ) != 0 ||
            munmap(area, FAULT_PAGES * PAGE) != 0)
            suite_fail("munmap");
    }
    return sum;
}

/* Waits for `child`; returns its exit status. */
static uint32_t wait_for(pid_t child)
{
    int status;

    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        suite_fail("fork");
    return (uint32_t)WEXITSTATUS(status);
}

uint32_t suite_fork(void)
{
    uint32_t sum = 1;

    for (uint32_t i = 0; i < FORK_ROUNDS; i++) {
        pid_t child = fork();

        if (child == 0)
            _exit((int)(i & 0x7F));
        sum = suite_mix(sum, wait_for(child));
    }
    for (uint32_t i = 0; i < EXEC_ROUNDS; i++) {
        pid_t child = fork();

        if (child == 0) {
            execl("/proc/self/exe", "cpu-suite", "nothing", (char *)NULL);
            _exit(127);
        }
        if (wait_for(child) != 0)
            suite_fail("exec");
        sum = suite_mix(sum, i);
    }
    return sum;
}
