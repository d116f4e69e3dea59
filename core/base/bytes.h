/* Unaligned loads and stores of little- and big-endian integers. */
#ifndef CORE_BASE_BYTES_H
#define CORE_BASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTES_ACCESS(bits)                                                                         \
    static inline uint##bits##_t ld_le##bits(const void *p)                                        \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        memcpy(&v, p, sizeof v);                                                                   \
        return le##bits##toh(v);                                                                   \
    }                                                                                              \
    static inline uint##bits##_t ld_be##bits(const void *p)                                        \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        memcpy(&v, p, sizeof v);                                                                   \
        return be##bits##toh(v);                                                                   \
    }                                                                                              \
    static inline void st_le##bits(void *p, uint##bits##_t v)                                      \
    {                                                                                              \
        v = htole##bits(v);                                                                        \
        memcpy(p, &v, sizeof v);                                                                   \
    }                                                                                              \
    static inline void st_be##bits(void *p, uint##bits##_t v)                                      \
    {                                                                                              \
        v = htobe##bits(v);                                                                        \
        memcpy(p, &v, sizeof v);                                                                   \
    }
BYTES_ACCESS(16)
BYTES_ACCESS(32)
BYTES_ACCESS(64)
#undef BYTES_ACCESS

#endif
