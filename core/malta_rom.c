#include "core/malta_rom.h"

#include "core/base/bytes.h"
#include "core/dev/malta_fpga.h"
#include "core/vm.h"

#define REPORT 0x4c0u /* offsets in the flash */
#define STUB   0x580u
#define FPGA   0xbf000000u
#define STATUS_AT_ENTRY 0x00400000u /* BEV; ERL, which the reset sets, is off */
#define KERNEL_DEBUG_HANDLER 0x80000300u

struct code {
    struct vm *vm;
    uint32_t at; /* offset in the flash */
};

void malta_rom_word(struct vm *vm, uint64_t pa, uint32_t value)
{
    uint8_t bytes[4];
    if (vm->config->big_endian)
        st_be32(bytes, value);
    else
        st_le32(bytes, value);
    vm_load(vm, pa, bytes, sizeof bytes);
}

static void emit(struct code *c, uint32_t word)
{
    malta_rom_word(c->vm, MALTA_BOOT_FLASH + c->at, word);
    c->at += 4;
}

enum { REG_A0 = 4, REG_T9 = 25, REG_K0, REG_K1, REG_SP = 29, REG_RA = 31 };

static void emit_li(struct code *c, unsigned reg, uint32_t v)
{
    emit(c, 0x3c000000u | reg << 16 | v >> 16);                  /* lui */
    emit(c, 0x34000000u | reg << 21 | reg << 16 | (v & 0xffff)); /* ori */
}

static void emit_sw(struct code *c, unsigned reg, unsigned base, uint32_t off)
{
    emit(c, 0xac000000u | base << 21 | reg << 16 | off);
}

static void emit_branch(struct code *c, uint32_t to)
{
    emit(c, 0x10000000u | ((to - c->at - 4) >> 2 & 0xffff)); /* b */
    emit(c, 0);
}

/* A GT-64120 register is little-endian; a big-endian vcpu stores it swapped. */
static void emit_gt_store(struct code *c, uint32_t va, uint32_t v)
{
    emit_li(c, REG_K1, va);
    emit_li(c, REG_K0, c->vm->config->big_endian ? __builtin_bswap32(v) : v);
    emit_sw(c, REG_K0, REG_K1, 0);
}

static void write_vectors(struct vm *vm)
{
    /* TLB refill, 64-bit refill, cache error, general, interrupt with Cause.IV. */
    static const uint16_t vectors[] = {0x200, 0x280, 0x300, 0x380, 0x400};
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        emit_branch(&(struct code){vm, vectors[i]}, REPORT);

    struct code debug = {vm, 0x480};
    emit(&debug, 0x4080f800u | REG_K0 << 16);             /* mtc0 k0, DESave */
    emit_li(&debug, REG_K0, KERNEL_DEBUG_HANDLER);
    emit(&debug, 0x00000008u | (unsigned)REG_K0 << 21);   /* jr k0 */
    emit(&debug, 0x4000f800u | REG_K0 << 16);             /* mfc0 k0, DESave */

    struct code report = {vm, REPORT};
    emit_li(&report, REG_K0, FPGA);
    emit_li(&report, REG_K1, MALTA_FPGA_HALT_MAGIC);
    emit_sw(&report, REG_K1, REG_K0, MALTA_FPGA_HALT);
    emit_branch(&report, report.at); /* not reached */
}

static void write_stub(struct vm *vm, const struct malta_entry *entry)
{
    struct code c = {vm, STUB};
    emit_li(&c, REG_K0, STATUS_AT_ENTRY);
    emit(&c, 0x40806000u | REG_K0 << 16); /* mtc0 k0, Status */
    emit_gt_store(&c, 0xb4000068u, 0xdf); /* register space to 0x1be00000 */
    static const struct {
        uint16_t reg, value; /* in units of 2 MiB */
    } windows[] = {
        {0x48, 0xc0}, {0x50, 0x40}, /* PCI I/O at 0x18000000 */
        {0x58, 0x80}, {0x60, 0x3f}, /* PCI memory 0 at 0x10000000 */
        {0x80, 0xc1}, {0x88, 0x5e}, /* PCI memory 1 at 0x18200000 */
    };
    for (size_t i = 0; i < ARRAY_LEN(windows); i++)
        emit_gt_store(&c, 0xbbe00000u + windows[i].reg, windows[i].value);
    emit_li(&c, REG_SP, entry->sp);
    for (unsigned i = 0; i < ARRAY_LEN(entry->arg); i++)
        emit_li(&c, REG_A0 + i, entry->arg[i]);
    emit_li(&c, REG_T9, entry->pc);
    emit(&c, 0x00000009u | REG_T9 << 21 | REG_RA << 11); /* jalr t9 */
    emit(&c, 0);
    emit(&c, 0x42000020u); /* a kernel that returns: wait for ever */
    emit_branch(&c, c.at - 4);
}

void malta_rom_write(struct vm *vm, const struct malta_entry *entry)
{
    emit_branch(&(struct code){vm, 0}, STUB);
    write_vectors(vm);
    write_stub(vm, entry);
}
