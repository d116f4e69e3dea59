#ifndef TESTS_FUZZ_GDB_H
#define TESTS_FUZZ_GDB_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry. Aborts when the server misbehaves. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
