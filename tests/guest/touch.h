/* Where the guest `touch` has its memory: physical addresses. */
#ifndef TESTS_GUEST_TOUCH_H
#define TESTS_GUEST_TOUCH_H

#define TOUCH_PROM        0x00002100u /* a byte that the loader writes at each power-on */
#define TOUCH_ARENA       0x00600000u /* that all that it does goes to */
#define TOUCH_ARENA_BYTES 0x8000u
#define TOUCH_RINGS       0x00610000u /* two virtqueues of four pages */
#define TOUCH_RINGS_BYTES 0x8000u
#define TOUCH_TABLES      0x00618000u /* PRDs, page numbers */

#endif
