/* Runs a suite of unit tests once under each engine. */
#ifndef TESTS_UNIT_ENGINE_SUITES_H
#define TESTS_UNIT_ENGINE_SUITES_H

#include <check.h>

#include "tests/engine.h"

/* `*engine` is set for each run: what the rig makes its processors with. The exit status. */
static inline int engine_suites_run(Suite *(*make)(void), enum mips_engine *engine)
{
    bool failed = false;
    for (unsigned i = 0; i < ARRAY_LEN(test_engine_names); i++) {
        if (!test_engine_exists((enum mips_engine)i, &failed))
            continue;
        *engine = (enum mips_engine)i;
        printf("engine %s\n", test_engine_names[i]);
        fflush(stdout);
        SRunner *runner = srunner_create(make());
        srunner_run_all(runner, CK_ENV);
        failed = failed || srunner_ntests_failed(runner) != 0;
        srunner_free(runner);
    }
    return failed;
}

#endif
