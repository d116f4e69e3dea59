/* The interpreter for little-endian guests. */
#include "core/base/bytes.h"

#define INTERP_NAME interp_le
#define LOAD_8(p)   (*(const uint8_t *)(p))
#define LOAD_16(p)  ld_le16(p)
#define LOAD_32(p)  ld_le32(p)
#define MEM_LOAD(bits, p) LOAD_##bits(p)
#define STORE_8(p, v)  (*(uint8_t *)(p) = (uint8_t)(v))
#define STORE_16(p, v) st_le16((p), (uint16_t)(v))
#define STORE_32(p, v) st_le32((p), (uint32_t)(v))
#define MEM_STORE(bits, p, v) STORE_##bits((p), (v))
#define MEM_AT(va) AT_LE(va)
#include "mips/interp_body.h"
