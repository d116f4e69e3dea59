/*
 * The engine under test. Programs and scripts of the tests take DISCO_ENGINE (jit or interp) from
 * the environment; without it they use what the programs use by default. Unit tests run each suite
 * under all engines.
 *
 * Where a translator should exist and does not, tests fail; elsewhere those that need it are
 * skipped.
 */
#ifndef TESTS_ENGINE_H
#define TESTS_ENGINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mips/mips.h"

#define TEST_SKIPPED 77

#if defined __x86_64__
#define TEST_HOST_HAS_JIT true
#else
#define TEST_HOST_HAS_JIT false
#endif

static const char *const test_engine_names[] = {[MIPS_INTERP] = "interp", [MIPS_JIT] = "jit"};

/* Is it there to be tested? If not, says why; *failed if it should be. */
static inline bool test_engine_exists(enum mips_engine engine, bool *failed)
{
    if (mips_engine_available(engine))
        return true;
    *failed = TEST_HOST_HAS_JIT;
    printf("%s: engine %s: %s\n", TEST_HOST_HAS_JIT ? "FAILED" : "skipped",
           test_engine_names[engine],
           TEST_HOST_HAS_JIT ? "missing on x86-64" : "none for this host's processor");
    return false;
}

/* By name, NULL for the default; ends the program if that is not there. */
static inline enum mips_engine test_engine_named(const char *name)
{
    bool failed = true;
    if (name == NULL)
        return mips_engine_available(MIPS_JIT) ? MIPS_JIT : MIPS_INTERP;
    for (unsigned i = 0; i < ARRAY_LEN(test_engine_names); i++) {
        if (strcmp(name, test_engine_names[i]) != 0)
            continue;
        if (test_engine_exists((enum mips_engine)i, &failed))
            return (enum mips_engine)i;
        exit(failed ? 1 : TEST_SKIPPED);
    }
    fprintf(stderr, "no engine is named %s\n", name);
    exit(1);
}

#endif
