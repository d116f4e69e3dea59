/* libconfig 1.5 leaks the token at which a file has a syntax error: not a finding of ours. To be
 * included by one file of a program. */
#ifndef TESTS_LIBCONFIG_LEAKS_H
#define TESTS_LIBCONFIG_LEAKS_H

#ifdef __SANITIZE_ADDRESS__
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}
#endif

#endif
