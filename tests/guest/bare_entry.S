/*
 * The runtime of the bare-metal guests, its assembly part: entry, exception vectors, return.
 *
 * The program is linked at 0x80100000 and entered there with whatever the boot loader left. The
 * three vectors (TLB refill, general, interrupt with Cause.IV) are copied to 0x80000000, 0x80000180
 * and 0x80000200; each notes its offset in $27 and goes on to trap_entry, which saves everything in
 * a struct trap_frame (bare.h) on a stack of its own, and calls trap_handle().
 */
#include "tests/guest/bare_frame.h"

        .set noreorder
        .set noat

        .text
        .globl _start
        .ent _start
_start:
        /* Kernel mode, no interrupts, normal vectors, CP0 and CP1 usable. */
        li      $8, 0x30000000
        mtc0    $8, $12
        ehb
        mtc0    $0, $13
        la      $29, boot_stack_end - 32
        la      $8, __bss_start
        la      $9, _end
1:      sltu    $10, $8, $9
        beqz    $10, 2f
        nop
        sw      $0, 0($8)
        b       1b
        addiu   $8, $8, 4
2:      la      $4, vector_refill
        lui     $5, 0x8000
        jal     copy_vector
        nop
        la      $4, vector_general
        lui     $5, 0x8000
        jal     copy_vector
        ori     $5, $5, 0x180
        la      $4, vector_interrupt
        lui     $5, 0x8000
        jal     copy_vector
        ori     $5, $5, 0x200
        jal     guest_run
        nop
3:      b       3b
        nop
        .end _start

/* Copies one vector of 16 bytes from $4 to $5 and makes it visible to instruction fetch. */
copy_vector:
        addiu   $10, $4, 16
1:      lw      $8, 0($4)
        sw      $8, 0($5)
        cache   0x15, 0($5)             /* Hit_Writeback_Inv_D: in release 1, too */
        sync
        cache   0x10, 0($5)             /* Hit_Invalidate_I */
        addiu   $4, $4, 4
        bne     $4, $10, 1b
        addiu   $5, $5, 4
        sync
        jr      $31
        nop

#define VECTOR(name, offset) \
name:   lui     $26, %hi(trap_entry); \
        addiu   $26, $26, %lo(trap_entry); \
        jr      $26; \
        ori     $27, $0, offset

        VECTOR(vector_refill, 0x000)
        VECTOR(vector_general, 0x180)
        VECTOR(vector_interrupt, 0x200)

trap_entry:
        la      $26, trap_stack_end - FRAME_SIZE - 32
        sw      $27, FRAME_VECTOR($26)
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,29,30,31
        sw      $\n, 4 * \n($26)
        .endr
        mfhi    $8
        sw      $8, FRAME_HI($26)
        mflo    $8
        sw      $8, FRAME_LO($26)
        mfc0    $8, $12
        sw      $8, FRAME_STATUS($26)
        mfc0    $8, $13
        sw      $8, FRAME_CAUSE($26)
        mfc0    $8, $14
        sw      $8, FRAME_EPC($26)
        mfc0    $8, $8
        sw      $8, FRAME_BADVADDR($26)
        mfc0    $8, $10
        sw      $8, FRAME_ENTRYHI($26)
        mfc0    $8, $4
        sw      $8, FRAME_CONTEXT($26)
        move    $4, $26
        addiu   $29, $26, -32
        jal     trap_handle
        nop
        /* EXL is still set, so nothing interrupts until the eret. */
        la      $26, trap_stack_end - FRAME_SIZE - 32
        lw      $8, FRAME_HI($26)
        mthi    $8
        lw      $8, FRAME_LO($26)
        mtlo    $8
        lw      $8, FRAME_STATUS($26)
        mtc0    $8, $12
        lw      $8, FRAME_EPC($26)
        mtc0    $8, $14
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,28,29,30,31
        lw      $\n, 4 * \n($26)
        .endr
        ehb
        eret

        .bss
        .balign 16
        .space  16384
boot_stack_end:
        .space  4096
trap_stack_end:
