/*
 * cpu-suite NAME: runs one benchmark of the suite and prints its checksum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static const struct {
    const char *name;
    uint32_t (*run)(void);
} benchmarks[] = {
    {"integer", suite_integer}, {"sort", suite_sort},     {"chase", suite_chase},
    {"stream", suite_stream},   {"double", suite_double}, {"single", suite_single},
    {"switch", suite_switch},   {"calls", suite_calls},   {"syscall", suite_syscall},
    {"fault", suite_fault},     {"fork", suite_fork},
    {"jit-append", suite_jit_append}, {"jit-slots", suite_jit_slots},
    {"jit-patch", suite_jit_patch},   {"jit-data", suite_jit_data},
};

_Noreturn void suite_fail(const char *what)
{
    perror(what);
    exit(1);
}

void *suite_alloc(uint32_t size)
{
    void *memory = malloc(size);

    if (!memory)
        suite_fail("malloc");
    return memory;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: cpu-suite NAME\n");
        return 1;
    }
    /* What `fork` starts: a program that does nothing. */
    if (strcmp(argv[1], "nothing") == 0)
        return 0;
    for (unsigned i = 0; i < sizeof(benchmarks) / sizeof(benchmarks[0]); i++) {
        if (strcmp(argv[1], benchmarks[i].name) == 0) {
            printf("%08x\n", (unsigned)benchmarks[i].run());
            return 0;
        }
    }
    fprintf(stderr, "cpu-suite: no benchmark '%s'\n", argv[1]);
    return 1;
}
