/*
 * A guest that writes far more to its disk (IDE, programmed I/O) than its machine has memory for: all
 * of it once, then a sector in each block, then parts of all again; and reads it back each time.
 */
#include "tests/guest/bare.h"

enum { DATA = 0x1f0, COUNT = 0x1f2, LBA0 = 0x1f3, LBA1 = 0x1f4, LBA2 = 0x1f5, DRIVE = 0x1f6,
       COMMAND = 0x1f7, READ = 0x20, WRITE = 0x30 };
enum { BUSY = 0x80, DRQ = 0x08 };
enum { SECTOR_WORDS = 256, AT_ONCE = 64, SECTORS = 6 << 11 };

static uint8_t version[SECTORS]; /* of each sector: how often it was written */

static volatile uint16_t *data_port(void)
{
    return (volatile uint16_t *)isa_port(DATA);
}

static void begin(uint32_t command, uint32_t sector, uint32_t count)
{
    while (*isa_port(COMMAND) & BUSY)
        continue;
    *isa_port(DRIVE) = (uint8_t)(0xe0 | sector >> 24);
    *isa_port(COUNT) = (uint8_t)count;
    *isa_port(LBA0) = (uint8_t)sector;
    *isa_port(LBA1) = (uint8_t)(sector >> 8);
    *isa_port(LBA2) = (uint8_t)(sector >> 16);
    *isa_port(COMMAND) = (uint8_t)command;
}

static void await_data(void)
{
    while ((*isa_port(COMMAND) & (BUSY | DRQ)) != DRQ)
        continue;
}

static uint16_t word_of(uint32_t sector, uint32_t word)
{
    return (uint16_t)((sector * 40503u + word * 9973u) ^ version[sector] * 257u);
}

static void write(uint32_t sector, uint32_t count)
{
    begin(WRITE, sector, count);
    for (uint32_t end = sector + count; sector < end; sector++) {
        version[sector]++;
        await_data();
        for (uint32_t i = 0; i < SECTOR_WORDS; i++)
            *data_port() = word_of(sector, i);
    }
}

static void check_all(void)
{
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        if (sector % AT_ONCE == 0)
            begin(READ, sector, AT_ONCE);
        await_data();
        for (uint32_t i = 0; i < SECTOR_WORDS; i++) {
            uint16_t got = *data_port();
            if (i % 32 == 0)
                CHECK_EQ(got, word_of(sector, i));
        }
    }
    put_text("right\r\n");
}

void guest_main(void)
{
    for (uint32_t sector = 0; sector < SECTORS; sector += AT_ONCE)
        write(sector, AT_ONCE);
    check_all();
    for (uint32_t sector = 3; sector < SECTORS; sector += 8)
        write(sector, 1);
    for (uint32_t sector = 0; sector < SECTORS; sector += 5 * AT_ONCE)
        write(sector, AT_ONCE);
    check_all();
}
