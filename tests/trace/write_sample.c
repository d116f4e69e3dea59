/* Writes the sample trace to the path given, for tests of other programs. */
#include "tests/unit/trace_sample.h"

int main(int argc, char **argv)
{
    struct err e = {0};
    if (argc == 2 && sample_write(argv[1], &e) == 0)
        return 0;
    fprintf(stderr, "write_sample: %s\n", argc == 2 ? e.msg : "one path is needed");
    return 1;
}
