/*
 * The entry of the board survey: notes what the firmware left in the processor before anything
 * changes it. k0 goes by way of DESave, which is not surveyed; k1 is the base of the notes.
 *
 * From then on exceptions go to a handler that gives the instruction's result register, always
 * $2, the value FAULT, and steps over it.
 */
#include "tests/board/survey.h"

        .set noreorder
        .set noat
        .text
        .globl _start
_start: mtc0    $26, $31
        la      $26, start_gpr
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,27,28,29,30,31
        sw      $\n, 4 * \n($26)
        .endr
        mfc0    $8, $31
        sw      $8, 4 * 26($26)
        mfhi    $8
        sw      $8, 4 * 32($26)
        mflo    $8
        sw      $8, 4 * 33($26)
        la      $29, stack_end - 32
        mfc0    $16, $12
        mfc0    $17, $13
        mfc0    $18, $14
        la      $8, __bss_start
        la      $9, _end
1:      sw      $0, 0($8)
        addiu   $8, $8, 4
        sltu    $10, $8, $9
        bnez    $10, 1b
        nop
        la      $4, low_memory
        lui     $5, 0x8000
        li      $6, LOW_BYTES
2:      lw      $8, 0($5)
        sw      $8, 0($4)
        addiu   $5, $5, 4
        addiu   $6, $6, -4
        bnez    $6, 2b
        addiu   $4, $4, 4
        la      $4, handler
        lui     $5, 0x8000
        ori     $5, $5, 0x180
        addiu   $6, $4, 32
3:      lw      $8, 0($4)
        sw      $8, 0($5)
        synci   0($5)
        addiu   $4, $4, 4
        bne     $4, $6, 3b
        addiu   $5, $5, 4
        sync
        li      $8, 0x30000000
        mtc0    $8, $12
        ehb
        move    $4, $16
        move    $5, $17
        jal     survey
        move    $6, $18
4:      b       4b
        nop

handler:
        mfc0    $26, $14
        addiu   $26, $26, 4
        mtc0    $26, $14
        lui     $2, FAULT >> 16
        ori     $2, $2, FAULT & 0xffff
        ehb
        eret
        nop

/* read_cp0(n): register n / 8, select n % 8. */
        .globl read_cp0
read_cp0:
        la      $8, cp0_reads
        sll     $4, $4, 4
        addu    $8, $8, $4
        jr      $8
        nop
cp0_reads:
        .irp    reg, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        .irp    sel, 0,1,2,3,4,5,6,7
        .word   0x40020000 | \reg << 11 | \sel  # mfc0 $2, reg, sel
        nop
        jr      $31
        nop
        .endr
        .endr

        .data
        .balign 8
        .globl start_gpr
start_gpr:
        .space  4 * 34
        .bss
        .balign 16
        .globl low_memory
low_memory:
        .space  LOW_BYTES
        .space  8192
stack_end:
