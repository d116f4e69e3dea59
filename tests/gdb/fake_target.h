/*
 * A tiny machine with a recorded history, to drive the gdb server without a
 * replay: vcpu 1 of VM 1 counts in a loop of real MIPS instructions, all other
 * vcpus (2 of VM 1, 3 of VM 2) are halted. Position n of the history is the
 * state before instruction n; everything is looked up, nothing computed.
 *
 *     80001000  jr    ra             where gdb's search for a function's start ends
 *     80001004  nop
 *     80001008  addiu t0,zero,0      entry
 *     8000100c  lui   t1,0x8000
 *     80001010  ori   t1,t1,0x2000
 *     80001014  addiu t0,t0,1        loop
 *     80001018  sw    t0,0(t1)       0x80002000
 *     8000101c  lw    t2,4(t1)       0x80002004, always 7
 *     80001020  b     80001014       one step with its delay slot
 *     80001024  nop
 */
#ifndef TESTS_GDB_FAKE_TARGET_H
#define TESTS_GDB_FAKE_TARGET_H

#include "gdb/target.h"

#define FAKE_END 20000 /* the last position */

struct fake_target;

extern const struct gdb_target_ops fake_target_ops;

struct fake_target *fake_target_create(bool big_endian);
void fake_target_destroy(struct fake_target *t);
uint64_t fake_target_position(const struct fake_target *t);
size_t fake_target_points(const struct fake_target *t);

#endif
