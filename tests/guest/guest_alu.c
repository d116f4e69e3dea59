/* Arithmetic, logic, shifts, bit fields and conditional moves (MIPS32 volume II). */
#include "tests/guest/bare.h"

#define OP3(text, a, b, want) \
    do { \
        uint32_t r_; \
        __asm__ volatile(text " %0, %1, %2" : "=&r"(r_) : "r"(a), "r"(b)); \
        CHECK_EQ(r_, want); \
    } while (0)

#define OPI(text, a, imm, want) \
    do { \
        uint32_t r_; \
        __asm__ volatile(text " %0, %1, " #imm : "=&r"(r_) : "r"(a)); \
        CHECK_EQ(r_, want); \
    } while (0)

#define OP2(text, a, want) \
    do { \
        uint32_t r_; \
        __asm__ volatile(text " %0, %1" : "=&r"(r_) : "r"(a)); \
        CHECK_EQ(r_, want); \
    } while (0)

#define FIELD(text, old, a, pos, size, want) \
    do { \
        uint32_t r_ = (old); \
        __asm__ volatile(text " %0, %1, " #pos ", " #size : "+r"(r_) : "r"(a)); \
        CHECK_EQ(r_, want); \
    } while (0)

#define MOVE(text, old, a, b, want) \
    do { \
        uint32_t r_ = (old); \
        __asm__ volatile(text " %0, %1, %2" : "+r"(r_) : "r"(a), "r"(b)); \
        CHECK_EQ(r_, want); \
    } while (0)

static void check_add_and_logic(void)
{
    OP3("addu", 0x7fffffffu, 1, 0x80000000u);
    OP3("addu", 0xffffffffu, 0xffffffffu, 0xfffffffeu);
    OP3("add", 0x7ffffffeu, 1, 0x7fffffffu);
    OP3("add", 0x80000001u, 0xffffffffu, 0x80000000u);
    OP3("subu", 0, 1, 0xffffffffu);
    OP3("sub", 0x80000001u, 1, 0x80000000u);
    OP3("and", 0xff00ff00u, 0x0ff00ff0u, 0x0f000f00u);
    OP3("or", 0xff00ff00u, 0x0ff00ff0u, 0xfff0fff0u);
    OP3("xor", 0xff00ff00u, 0x0ff00ff0u, 0xf0f0f0f0u);
    OP3("nor", 0xff00ff00u, 0x0ff00ff0u, 0x000f000fu);
    OP3("slt", 0x80000000u, 0x7fffffffu, 1);
    OP3("sltu", 0x80000000u, 0x7fffffffu, 0);
    OP3("sltu", 0, 0xffffffffu, 1);
    OPI("addiu", 0x00008000u, -0x8000, 0);
    OPI("addiu", 0x7fffffffu, 0x7fff, 0x80007ffeu);
    OPI("andi", 0xffffffffu, 0x8001, 0x8001u);
    OPI("ori", 0xffff0000u, 0x8001, 0xffff8001u);
    OPI("xori", 0xffffffffu, 0xffff, 0xffff0000u);
    OPI("slti", 0xffff7fffu, -0x8000, 1);
    /* The immediate is sign-extended, then compared without sign. */
    OPI("sltiu", 0xffff7fffu, -0x8000, 1);
    OPI("sltiu", 0x00008000u, -1, 1);
    OPI("sltiu", 0xffffffffu, -1, 0);
}

static void check_shifts(void)
{
    OPI("sll", 0x80000001u, 31, 0x80000000u);
    OPI("srl", 0x80000001u, 31, 1);
    OPI("sra", 0x80000001u, 31, 0xffffffffu);
    OPI("sra", 0x40000000u, 30, 1);
    OPI("rotr", 0x80000001u, 4, 0x18000000u);
    /* Variable shifts use the low five bits only. */
    OP3("sllv", 0x00000001u, 33, 2);
    OP3("srlv", 0x80000000u, 63, 1);
    OP3("srav", 0x80000000u, 0xffffffe4u, 0xf8000000u);
    OP3("rotrv", 0x12345678u, 8, 0x78123456u);
}

static void check_bits(void)
{
    OP2("clz", 0, 32);
    OP2("clz", 1, 31);
    OP2("clz", 0x80000000u, 0);
    OP2("clo", 0xffffffffu, 32);
    OP2("clo", 0xfff00000u, 12);
    OP2("clo", 0x7fffffffu, 0);
    OP2("seb", 0x1280, 0xffffff80u);
    OP2("seh", 0x128000, 0xffff8000u);
    OP2("seb", 0xffffff7fu, 0x7f);
    OP2("wsbh", 0x12345678u, 0x34127856u);
    FIELD("ext", 0, 0x12345678u, 4, 8, 0x67);
    FIELD("ext", 0, 0x92345678u, 31, 1, 1);
    FIELD("ext", 0, 0x92345678u, 0, 32, 0x92345678u);
    FIELD("ins", 0xffffffffu, 0x12, 8, 8, 0xffff12ffu);
    FIELD("ins", 0xffffffffu, 0, 31, 1, 0x7fffffffu);
    FIELD("ins", 0xffffffffu, 0x12345678u, 0, 32, 0x12345678u);
}

static void check_moves(void)
{
    uint32_t r;

    MOVE("movz", 7, 9, 0, 9);
    MOVE("movz", 7, 9, 1, 7);
    MOVE("movn", 7, 9, 0, 7);
    MOVE("movn", 7, 9, 0x80000000u, 9);
    __asm__ volatile("lui %0, 0x8000" : "=r"(r));
    CHECK_EQ(r, 0x80000000u);
    /* Register 0 stays 0. */
    __asm__ volatile(".set push\n .set noat\n addiu $0, $0, 5\n move %0, $0\n .set pop" : "=r"(r));
    CHECK_EQ(r, 0);
}

void guest_main(void)
{
    check_add_and_logic();
    check_shifts();
    check_bits();
    check_moves();
}
