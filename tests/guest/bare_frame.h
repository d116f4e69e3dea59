/* Offsets of struct trap_frame (bare.h), for bare_entry.S: general registers come first. */
#ifndef TESTS_GUEST_BARE_FRAME_H
#define TESTS_GUEST_BARE_FRAME_H

#define FRAME_HI 128
#define FRAME_LO 132
#define FRAME_STATUS 136
#define FRAME_CAUSE 140
#define FRAME_EPC 144
#define FRAME_BADVADDR 148
#define FRAME_ENTRYHI 152
#define FRAME_CONTEXT 156
#define FRAME_VECTOR 160
#define FRAME_SIZE 168

#endif
