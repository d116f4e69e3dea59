/*
 * Numbers of the zstd frame format (RFC 8878, 3.1) and of zstd's seekable
 * format 0.1.0, in which each entry of the table is a compressed and a content
 * size of 32 bits, followed by count, descriptor and magic.
 */
#ifndef TRACES_FRAME_FORMAT_H
#define TRACES_FRAME_FORMAT_H

#define FRAME_DATA_MAGIC   UINT32_C(0xFD2FB528)
#define FRAME_TABLE_MAGIC  UINT32_C(0x184D2A5E)
#define FRAME_FOOTER_MAGIC UINT32_C(0x8F92EAB1)
#define FRAME_SKIP_HEADER  8u
#define FRAME_TABLE_ENTRY  8u
#define FRAME_TABLE_FOOTER 9u
#define FRAME_HEADER_MAX   18u /* magic, descriptor, window, dictionary, content size */
#define FRAME_CHECKSUM_BIT 4u  /* of the descriptor, the byte after the magic */

#endif
