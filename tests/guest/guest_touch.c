/*
 * Memory that is changed in all the ways there are: by stores of every form through three aliases and
 * two address spaces, by the IDE's and a virtio device's DMA, by whole blocks of a disk that may be
 * mapped instead of copied, by a balloon, and where the command line says "again" by a reset in the
 * middle. The tests of watchpoints look at it from outside, so addresses are fixed (touch.h).
 */
#include "tests/guest/bare.h"

#include "tests/guest/touch.h"

#define GT        ((volatile uint32_t *)0xbbe00000u)
#define KSEG0(pa) (0x80000000u + (pa))
#define KSEG1(pa) (0xa0000000u + (pa))
#define MAPPED    0x00400000u /* the arena, by the TLB */

enum { CONFIG_ADDRESS = 0xcf8 / 4, CONFIG_DATA = 0xcfc / 4 };
enum { PAGE = 4096, SECTOR = 512 };
enum { BUS_MASTER = 0xe000, RNG_PORT = 0xe100, BALLOON_PORT = 0xe180 };
enum { RNG_SLOT = 18, BALLOON_SLOT = 19, IDE_SLOT = 10 };
enum { QUEUE_SIZE = 128, WRITES = 2 };

static uint32_t random_state = 1;

static uint32_t random(uint32_t below)
{
    random_state = random_state * 1103515245u + 12345u;
    return (random_state >> 8) % below;
}

/* Devices are little-endian for processors of either byte order. */
static uint32_t swap(uint32_t value)
{
#ifdef __MIPSEB__
    __asm__("wsbh %0, %0\n rotr %0, %0, 16" : "+r"(value));
#endif
    return value;
}

static uint16_t swap16(uint16_t value)
{
#ifdef __MIPSEB__
    return (uint16_t)(value << 8 | value >> 8);
#else
    return value;
#endif
}

static void config_write(uint32_t device, uint32_t function, uint32_t at, uint32_t value)
{
    GT[CONFIG_ADDRESS] = swap(0x80000000u | device << 11 | function << 8 | at);
    GT[CONFIG_DATA] = swap(value);
}

static uint32_t config_read(uint32_t device, uint32_t function, uint32_t at)
{
    GT[CONFIG_ADDRESS] = swap(0x80000000u | device << 11 | function << 8 | at);
    return swap(GT[CONFIG_DATA]);
}

static void port32(uint32_t port, uint32_t value)
{
    *(volatile uint32_t *)(0xb8000000u + port) = swap(value);
}

static void port16(uint32_t port, uint16_t value)
{
    *(volatile uint16_t *)(0xb8000000u + port) = swap16(value);
}

/* ---- IDE ---- */

static void ide_dma(int to_memory, uint32_t sector, uint32_t sectors, uint32_t pa, uint32_t pa2)
{
    volatile uint32_t *prd = (volatile uint32_t *)KSEG1(TOUCH_TABLES);
    uint32_t first = pa2 != 0 ? SECTOR : sectors * SECTOR;
    prd[0] = swap(pa);
    prd[1] = swap(first | (pa2 != 0 ? 0 : 0x80000000u));
    prd[2] = swap(pa2);
    prd[3] = swap((sectors * SECTOR - first) | 0x80000000u);
    *isa_port(0x1f6) = 0xe0;
    *isa_port(0x1f2) = (uint8_t)sectors;
    *isa_port(0x1f3) = (uint8_t)sector;
    *isa_port(0x1f4) = *isa_port(0x1f5) = 0;
    *isa_port(BUS_MASTER + 2) = 6;
    port32(BUS_MASTER + 4, TOUCH_TABLES);
    *isa_port(BUS_MASTER) = to_memory ? 8 : 0;
    *isa_port(0x1f7) = to_memory ? 0xc8 : 0xca;
    *isa_port(BUS_MASTER) = to_memory ? 9 : 1;
    while ((*isa_port(BUS_MASTER + 2) & 4) == 0)
        continue;
    *isa_port(BUS_MASTER) = 0;
    CHECK_EQ(*isa_port(0x1f7) & 0xc9, 0x40);
}

/* ---- virtio, legacy ---- */

struct descriptor {
    uint32_t pa[2], len; /* 64 bits in the processor's order */
    uint16_t flags, next;
};

static void put_pa(volatile struct descriptor *d, uint32_t pa)
{
#ifdef __MIPSEB__
    d->pa[0] = 0, d->pa[1] = pa;
#else
    d->pa[0] = pa, d->pa[1] = 0;
#endif
}

static void virtio_begin(uint32_t slot, uint32_t port, uint32_t ring)
{
    config_write(slot, 0, 0x10, port | 1);
    config_write(slot, 0, 4, 5);
    *(volatile uint32_t *)KSEG1(ring + 16 * QUEUE_SIZE) = 0; /* what was there before a reset */
    *(volatile uint32_t *)KSEG1(ring + PAGE) = 0;
    *isa_port(port + 18) = 0;
    *isa_port(port + 18) = 3;
    port16(port + 14, 0);
    port32(port + 8, ring / PAGE);
    *isa_port(port + 18) = 7;
}

static uint16_t requests[2];

static void virtio_request(unsigned device, uint32_t port, uint32_t ring, uint32_t pa, uint32_t len,
                           uint16_t flags)
{
    volatile struct descriptor *d = (volatile struct descriptor *)KSEG0(ring);
    volatile uint16_t *avail = (volatile uint16_t *)KSEG1(ring + 16 * QUEUE_SIZE);
    volatile uint16_t *used = (volatile uint16_t *)KSEG0(ring + PAGE);
    unsigned n = requests[device] % QUEUE_SIZE;
    put_pa(&d[n], pa);
    d[n].len = len;
    d[n].flags = flags;
    avail[2 + n] = (uint16_t)n;
    avail[1] = ++requests[device];
    port16(port + 16, 0);
    while (used[1] != requests[device])
        continue;
}

/* ---- stores ---- */

static void map(uint32_t pa, uint32_t asid)
{
    MTC0(0, 0, 0); /* entry 0 */
    MTC0(5, 0, 0);
    MTC0(10, 0, MAPPED | asid);
    MTC0(2, 0, (pa / PAGE) << 6 | 0x16);
    MTC0(3, 0, (pa / PAGE + 1) << 6 | 0x16);
    __asm__ volatile("tlbwi\n ehb" : : : "memory");
}

/* At an address of the arena, in some form. */
static void store(uint32_t va, uint32_t value)
{
#define STORE(mask, text)                                                                          \
    __asm__ volatile(".set push\n .set noreorder\n .set hardfloat\n" text "\n .set pop"            \
                     : : [a] "r"(va & ~(uint32_t)(mask)), [v] "r"(value) : "$8", "memory")
    switch (random(9)) {
    case 0:
        STORE(0, "sb %[v], 0(%[a])");
        break;
    case 1:
        STORE(1, "sh %[v], 0(%[a])");
        break;
    case 2:
        STORE(3, "sw %[v], 0(%[a])");
        break;
    case 3:
        STORE(0, "swl %[v], 0(%[a])");
        break;
    case 4:
        STORE(0, "swr %[v], 0(%[a])");
        break;
    case 5:
        STORE(7, "mtc1 %[v], $f0\n mtc1 %[v], $f1\n sdc1 $f0, 0(%[a])");
        break;
    case 6:
        STORE(3, "ll $8, 0(%[a])\n addu $8, $8, %[v]\n sc $8, 0(%[a])");
        break;
    case 7:
        STORE(3, "move $8, %[v]\n sc $8, 0(%[a])"); /* fails: there was no ll */
        break;
    default:
        STORE(3, "b 1f\n sw %[v], 0(%[a])\n 1: nop");
    }
}

static void stores(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t off = random(TOUCH_ARENA_BYTES - 8), page = off & ~(uint32_t)(PAGE - 1);
        uint32_t value = random(3) == 0 ? 0x11111111 : random_state;
        switch (random(4)) {
        case 0:
            store(KSEG0(TOUCH_ARENA) + off, value);
            break;
        case 1:
            store(KSEG1(TOUCH_ARENA) + off, value);
            break;
        default:
            map(TOUCH_ARENA + page, 1 + random(2));
            store(MAPPED + (off & (PAGE - 1)), value);
        }
    }
}

static void round(unsigned n)
{
    uint32_t page = TOUCH_ARENA + PAGE * random(TOUCH_ARENA_BYTES / PAGE);
    stores(60);
    ide_dma(1, 8 * random(4), 8, page, 0);                        /* may be mapped */
    stores(4);
    ide_dma(1, random(32), 1, TOUCH_ARENA + SECTOR * random(64), 0);
    ide_dma(1, random(24), 3, TOUCH_ARENA + PAGE - SECTOR, TOUCH_ARENA + 5 * PAGE); /* pages apart */
    ide_dma(0, 8 * random(4), 8, TOUCH_ARENA + PAGE * random(8), 0); /* a page becomes a block */
    for (unsigned i = 0; i < 4; i++)
        virtio_request(0, RNG_PORT, TOUCH_RINGS, TOUCH_ARENA + random(TOUCH_ARENA_BYTES - 1024),
                       1 + random(1024), WRITES);
    stores(60);
    if (n % 4 == 3) {
        volatile uint32_t *number = (volatile uint32_t *)KSEG1(TOUCH_TABLES + 64);
        *number = TOUCH_ARENA / PAGE + random(8); /* rings of legacy drivers are in the vcpu's order */
        virtio_request(1, BALLOON_PORT, TOUCH_RINGS + 4 * PAGE, TOUCH_TABLES + 64, 4, 0);
    }
}

static int is_to_go_again(void)
{
    const char *const *argv = (const char *const *)KSEG0(0x2000);
    volatile uint32_t *been = (volatile uint32_t *)KSEG1(TOUCH_TABLES + 128);
    if (argv[1] == 0 || argv[1][0] != 'a' || *been == 0x5ec0d)
        return 0;
    *been = 0x5ec0d;
    *(volatile uint8_t *)KSEG1(TOUCH_PROM) = 0x55; /* the loader puts it right */
    return 1;
}

void guest_main(void)
{
    GT[0xc00 / 4] = swap(swap(GT[0xc00 / 4]) | 0x00010001); /* no swaps on the way to PCI */
    CHECK_EQ(config_read(IDE_SLOT, 1, 0), 0x71118086);
    config_write(IDE_SLOT, 1, 0x20, BUS_MASTER | 1);
    config_write(IDE_SLOT, 1, 4, 5);
    virtio_begin(RNG_SLOT, RNG_PORT, TOUCH_RINGS);
    virtio_begin(BALLOON_SLOT, BALLOON_PORT, TOUCH_RINGS + 4 * PAGE);
    for (unsigned i = 0; i < 8; i++)
        round(i);
    if (is_to_go_again()) {
        *(volatile uint32_t *)0xbf000500u = 0x42;
        for (;;)
            continue;
    }
}
