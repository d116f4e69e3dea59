/*
 * A flash image that stands alone: entered at 0xbfc00000, it prints on the first serial line, which
 * is in the bridge's PCI I/O window at its place after reset, and resets the board.
 */
        .set noreorder
        .text
        .globl _start
_start: b       print
        nop
        .org    0x20            /* the board's revision register is at 0x10 */
print:  lui     $8, 0xb000
        lui     $9, %hi(text)
        addiu   $9, $9, %lo(text)
next:   lbu     $10, 0($9)
        beqz    $10, end
        addiu   $9, $9, 1
wait:   lbu     $11, 0x3fd($8)
        andi    $11, $11, 0x20  /* transmitter empty */
        beqz    $11, wait
        nop
        b       next
        sb      $10, 0x3f8($8)
end:    lui     $8, 0xbf00
        li      $9, 0x42
        sw      $9, 0x500($8)
1:      b       1b
        nop
text:   .asciz  "flash: PASS\n"
