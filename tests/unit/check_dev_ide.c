/* PIIX4 IDE, driven as a kernel does. */
#include "tests/unit/disk_fixture.h"

#include "core/dev/piix4_ide.h"

#define SLOT      10
#define FUNCTION  (CONFIG(SLOT) | 1 << 8)
#define BM        0xc000
#define CMD       0x1f0
#define CTL       0x3f6
#define CMD2      0x170
#define PRDT      0x8000
#define LINE0     4
#define WAIT_NS   1000000
#define FUZZ_RUNS 20000

/* A new field is state or derived: decide, list it, then change these. */
_Static_assert(sizeof(struct ata_drive) == 16, "state table of struct ata_drive");
_Static_assert(sizeof(struct ata_channel) == 8328, "state table of struct ata_channel");

struct ide_rig {
    struct rig *r;
    struct piix4_ide ide;
};

static struct ide_rig *create(void)
{
    struct ide_rig *t = calloc(1, sizeof *t);
    t->r = rig_create(false);
    struct irq irq[2] = {rig_irq(t->r, LINE0), rig_irq(t->r, LINE0 + 1)};
    struct disk *disks[4] = {&t->r->disk[0], NULL, NULL, NULL};
    piix4_ide_init(&t->ide, &t->r->p, "ide", t->r->pci, SLOT, 1, t->r->io, irq, disks);
    pci_config_write(t->r->pci, FUNCTION | 0x20, 4, BM);
    pci_config_write(t->r->pci, FUNCTION | 0x04, 2, 5);
    return t;
}

static void destroy(struct ide_rig *t)
{
    rig_destroy(t->r);
    free(t);
}

static unsigned in(struct ide_rig *t, unsigned port)
{
    return (unsigned)bus_read(t->r->io, port, 1);
}

static void out(struct ide_rig *t, unsigned port, unsigned value)
{
    bus_write(t->r->io, port, 1, value);
}

static void out32(struct ide_rig *t, unsigned port, uint32_t value)
{
    bus_write(t->r->io, port, 4, value);
}

static void address28(struct ide_rig *t, uint32_t lba, unsigned count)
{
    out(t, CMD + 2, count);
    out(t, CMD + 3, lba);
    out(t, CMD + 4, lba >> 8);
    out(t, CMD + 5, lba >> 16);
    out(t, CMD + 6, 0xe0 | lba >> 24);
}

static void address48(struct ide_rig *t, uint64_t lba, unsigned count)
{
    out(t, CMD + 6, 0xe0);
    for (int high = 1; high >= 0; high--) {
        out(t, CMD + 2, count >> 8 * high);
        out(t, CMD + 3, (unsigned)(lba >> 24 * high));
        out(t, CMD + 4, (unsigned)(lba >> (24 * high + 8)));
        out(t, CMD + 5, (unsigned)(lba >> (24 * high + 16)));
    }
}

/* Busy at once, silent for an epoch, then an interrupt; returns the status and takes it. */
static unsigned wait_irq(struct ide_rig *t)
{
    ck_assert_uint_eq(in(t, CTL), ATA_BSY);
    rig_run(t->r, EPOCH_NS - 1);
    ck_assert_uint_eq(in(t, CTL), ATA_BSY);
    ck_assert(!t->r->line[LINE0]);
    rig_run(t->r, WAIT_NS);
    ck_assert(t->r->line[LINE0]);
    unsigned status = in(t, CMD + 7);
    ck_assert(!t->r->line[LINE0]);
    return status;
}

static void read_data(struct ide_rig *t, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += 2)
        st_le16(bytes + i, (uint16_t)bus_read(t->r->io, CMD, 2));
}

static void write_data(struct ide_rig *t, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += 2)
        bus_write(t->r->io, CMD, 2, ld_le16(bytes + i));
}

static const uint8_t *sector(struct ide_rig *t, uint64_t n)
{
    return t->r->disk[0].data + n * SECTOR_SIZE;
}

static void put_prd(struct ide_rig *t, unsigned i, uint32_t pa, uint32_t bytes, bool last)
{
    st_le32(t->r->ram + PRDT + 8 * i, pa);
    st_le32(t->r->ram + PRDT + 8 * i + 4, (bytes & 0xffff) | (last ? 0x80000000u : 0));
}

/* As libata: table, direction, command, start. */
static void start_dma(struct ide_rig *t, unsigned command, bool reads)
{
    out32(t, BM + 4, PRDT);
    out(t, BM, reads ? 8 : 0);
    out(t, BM + 2, in(t, BM + 2) | 6);
    out(t, CMD + 7, command);
    out(t, BM, reads ? 9 : 1);
}

START_TEST(empty_channel)
{
    struct ide_rig *t = create();
    for (unsigned reg = 1; reg < 8; reg++) {
        out(t, CMD2 + reg, 0x55);
        ck_assert_uint_eq(in(t, CMD2 + reg), 0);
    }
    out(t, CMD + 6, 0xb0); /* the absent slave of a present master */
    ck_assert_uint_eq(in(t, CMD + 7), 0);
    out(t, CMD + 7, 0xec);
    ck_assert_uint_eq(in(t, CMD + 7), 0);
    ck_assert_uint_eq(t->ide.channel[0].timer.deadline, TIMER_OFF);
    ck_assert_uint_eq(t->ide.channel[1].timer.deadline, TIMER_OFF);
    out(t, CMD + 6, 0xa0);
    ck_assert_uint_eq(in(t, CMD + 7), ATA_DRDY | ATA_DSC);
    destroy(t);
}
END_TEST

START_TEST(config_space)
{
    struct ide_rig *t = create();
    ck_assert_uint_eq(pci_config_read(t->r->pci, FUNCTION, 4), 0x71118086);
    ck_assert_uint_eq(pci_config_read(t->r->pci, FUNCTION | 8, 4), 0x01018001);
    ck_assert_uint_eq(pci_config_read(t->r->pci, FUNCTION | 0x40, 4), 0x80008000);
    pci_config_write(t->r->pci, FUNCTION | 0x41, 1, 0xa3);
    ck_assert_uint_eq(pci_config_read(t->r->pci, FUNCTION | 0x41, 1), 0xa3);
    destroy(t);
}
END_TEST

START_TEST(soft_reset)
{
    struct ide_rig *t = create();
    address28(t, 0x123456, 9);
    out(t, CTL, 4);
    ck_assert_uint_eq(in(t, CTL), ATA_BSY);
    out(t, CTL, 0);
    ck_assert_uint_eq(in(t, CTL), ATA_BSY);
    rig_run(t->r, WAIT_NS);
    ck_assert_uint_eq(in(t, CMD + 7), ATA_DRDY | ATA_DSC);
    static const uint8_t signature[] = {ATA_DIAGNOSED, 1, 1, 0, 0, 0xa0};
    for (unsigned i = 0; i < sizeof signature; i++)
        ck_assert_uint_eq(in(t, CMD + 1 + i), signature[i]);
    ck_assert(!t->r->line[LINE0]);
    out(t, CMD + 7, 0x90);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    ck_assert_uint_eq(in(t, CMD + 1), ATA_DIAGNOSED);
    destroy(t);
}
END_TEST

START_TEST(identify)
{
    struct ide_rig *t = create();
    uint8_t id[SECTOR_SIZE];
    out(t, CMD + 6, 0xa0);
    out(t, CMD + 7, 0xec);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_DRQ);
    read_data(t, id, sizeof id);
    ck_assert_uint_eq(in(t, CMD + 7), ATA_DRDY | ATA_DSC);
    ck_assert_uint_eq(ld_le32(id + 120), DISK_SECTORS);
    ck_assert_uint_eq(ld_le64(id + 200), DISK_SECTORS);
    ck_assert_uint_eq(ld_le16(id + 98) & 0x300, 0x300); /* LBA, DMA */
    ck_assert_uint_eq(ld_le16(id + 166) & 0xc400, 0x4400); /* word 83 valid, 48 bit */
    ck_assert_int_eq(memcmp(id + 20, "ESIRLA0-", 8), 0);
    ck_assert_uint_eq(bus_read(t->r->io, CMD, 2), 0); /* nothing left */
    destroy(t);
}
END_TEST

START_TEST(interrupt_disable)
{
    struct ide_rig *t = create();
    out(t, CTL, 2);
    out(t, CMD + 7, 0xe7);
    rig_run(t->r, WAIT_NS);
    ck_assert(!t->r->line[LINE0]);
    out(t, CTL, 0);
    ck_assert(t->r->line[LINE0]);
    ck_assert_uint_eq(in(t, CTL), ATA_DRDY | ATA_DSC); /* does not take it */
    ck_assert(t->r->line[LINE0]);
    in(t, CMD + 7);
    ck_assert(!t->r->line[LINE0]);
    destroy(t);
}
END_TEST

START_TEST(pio_read)
{
    struct ide_rig *t = create();
    uint8_t data[SECTOR_SIZE];
    address28(t, 7, 3);
    out(t, CMD + 7, 0x20);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_DRQ);
        read_data(t, data, sizeof data);
        ck_assert_int_eq(memcmp(data, sector(t, 7 + i), sizeof data), 0);
    }
    ck_assert_uint_eq(in(t, CMD + 7), ATA_DRDY | ATA_DSC);
    out(t, CMD + 6, 0xa3); /* cylinder 1, head 3, sector 5 */
    out(t, CMD + 2, 1);
    out(t, CMD + 3, 5);
    out(t, CMD + 4, 1);
    out(t, CMD + 5, 0);
    out(t, CMD + 7, 0x20);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_DRQ);
    read_data(t, data, sizeof data);
    ck_assert_int_eq(memcmp(data, sector(t, (16 + 3) * 63 + 4), sizeof data), 0);
    destroy(t);
}
END_TEST

START_TEST(pio_multiple)
{
    struct ide_rig *t = create();
    uint8_t data[20 * SECTOR_SIZE], expect[20 * SECTOR_SIZE];
    address48(t, 100, 20);
    out(t, CMD + 7, 0x29);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_ERR); /* not set up yet */
    ck_assert_uint_eq(in(t, CMD + 1), ATA_ABRT);
    out(t, CMD + 2, 16);
    out(t, CMD + 7, 0xc6);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    address48(t, 100, 20);
    out(t, CMD + 7, 0x29);
    for (unsigned at = 0; at < 20; at += 16) {
        ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_DRQ);
        read_data(t, data + at * SECTOR_SIZE, (at == 0 ? 16 : 4) * SECTOR_SIZE);
    }
    ck_assert_uint_eq(in(t, CMD + 7), ATA_DRDY | ATA_DSC);
    ck_assert_int_eq(memcmp(data, sector(t, 100), sizeof data), 0);
    for (size_t i = 0; i < sizeof expect; i++)
        expect[i] = (uint8_t)(i * 7 + i / 512);
    address48(t, 200, 20);
    out(t, CMD + 7, 0x39);
    ck_assert_uint_eq(in(t, CMD + 7), ATA_DRDY | ATA_DSC | ATA_DRQ); /* no interrupt first */
    write_data(t, expect, 16 * SECTOR_SIZE);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_DRQ);
    write_data(t, expect + 16 * SECTOR_SIZE, 4 * SECTOR_SIZE);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    ck_assert_int_eq(memcmp(expect, sector(t, 200), sizeof expect), 0);
    destroy(t);
}
END_TEST

START_TEST(dma)
{
    struct ide_rig *t = create();
    const uint8_t *ram = t->r->ram;
    /* 4 sectors over pieces that are no sectors. */
    put_prd(t, 0, 0x10000, 514, false);
    put_prd(t, 1, 0x20002, 1000, false);
    put_prd(t, 2, 0x30000, 2048 - 1514, true);
    address48(t, 300, 4);
    start_dma(t, 0x25, true);
    ck_assert_uint_eq(in(t, BM + 2) & 7, 1);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    ck_assert_uint_eq(in(t, BM + 2) & 7, 4);
    ck_assert_int_eq(memcmp(ram + 0x10000, sector(t, 300), 514), 0);
    ck_assert_int_eq(memcmp(ram + 0x20002, sector(t, 300) + 514, 1000), 0);
    ck_assert_int_eq(memcmp(ram + 0x30000, sector(t, 300) + 1514, 2048 - 1514), 0);
    out(t, BM, 0);
    /* Back to another place. */
    address28(t, 50, 4);
    start_dma(t, 0xca, false);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    ck_assert_int_eq(memcmp(sector(t, 50), sector(t, 300), 2048), 0);
    out(t, BM, 0);
    /* The engine first, then the command. */
    put_prd(t, 0, 0x40000, 0, true); /* 64 KiB */
    out(t, BM + 2, 6);
    out32(t, BM + 4, PRDT);
    out(t, BM, 9);
    address28(t, 1, 128);
    out(t, CMD + 7, 0xc8);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    ck_assert_int_eq(memcmp(ram + 0x40000, sector(t, 1), 0x10000), 0);
    destroy(t);
}
END_TEST

START_TEST(dma_ends)
{
    struct ide_rig *t = create();
    /* Memory left over: active stays. */
    put_prd(t, 0, 0x10000, 2048, true);
    address28(t, 5, 2);
    start_dma(t, 0xc8, true);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    ck_assert_uint_eq(in(t, BM + 2) & 7, 5);
    out(t, BM, 0);
    ck_assert_uint_eq(in(t, BM + 2) & 7, 4);
    /* Too little memory: no interrupt until reset. */
    address28(t, 5, 8);
    start_dma(t, 0xc8, true);
    rig_run(t->r, WAIT_NS);
    ck_assert(!t->r->line[LINE0]);
    ck_assert_uint_eq(in(t, BM + 2) & 7, 0);
    ck_assert_uint_eq(in(t, CMD + 7), ATA_DRDY | ATA_DSC | ATA_DRQ);
    out(t, CTL, 4);
    out(t, CTL, 0);
    rig_run(t->r, WAIT_NS);
    out(t, BM, 0);
    /* Not memory. */
    put_prd(t, 0, RAM_SIZE - 512, 1024, true);
    address28(t, 5, 2);
    start_dma(t, 0xc8, true);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_ERR);
    ck_assert_uint_eq(in(t, BM + 2) & 7, 6);
    out(t, BM, 0);
    /* Stopped in time: nothing moves. */
    put_prd(t, 0, 0x50000, 1024, true);
    address28(t, 5, 2);
    start_dma(t, 0xc8, true);
    out(t, BM, 8);
    rig_run(t->r, WAIT_NS);
    ck_assert(!t->r->line[LINE0]);
    ck_assert_uint_eq(ld_le32(t->r->ram + 0x50004), 0);
    /* No bus master. */
    pci_config_write(t->r->pci, FUNCTION | 0x04, 2, 1);
    out(t, BM, 9);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_ERR);
    ck_assert_uint_eq(ld_le32(t->r->ram + 0x50004), 0);
    destroy(t);
}
END_TEST

START_TEST(errors)
{
    struct ide_rig *t = create();
    static const struct {
        uint64_t lba;
        unsigned count, command, error;
    } cases[] = {
        {DISK_SECTORS, 1, 0x24, ATA_IDNF},
        {DISK_SECTORS - 1, 2, 0x25, ATA_IDNF},
        {DISK_SECTORS - 1, 2, 0x34, ATA_IDNF},
        {UINT64_C(0xffffffffffff), 0, 0x42, ATA_IDNF},
        {0, 1, 0x00, ATA_ABRT},
        {0, 1, 0xa1, ATA_ABRT},
        {0, 3, 0xc6, ATA_ABRT},
        {0, 1, 0xef, ATA_ABRT},
    };
    out(t, CMD + 1, 0x99); /* no such feature */
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        address48(t, cases[i].lba, cases[i].count);
        out(t, CMD + 7, cases[i].command);
        ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_ERR);
        ck_assert_uint_eq(in(t, CMD + 1), cases[i].error);
    }
    t->r->disk[0].read_only = true;
    address28(t, 0, 1);
    out(t, CMD + 7, 0x30);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC | ATA_ERR);
    ck_assert_uint_eq(in(t, CMD + 1), ATA_ABRT);
    address28(t, DISK_SECTORS - 1, 1);
    out(t, CMD + 7, 0x40);
    ck_assert_uint_eq(wait_irq(t), ATA_DRDY | ATA_DSC);
    destroy(t);
}
END_TEST

/* What a driver goes on to do after the moment of the snapshot. */
static void future(struct ide_rig *t)
{
    rig_run(t->r, WAIT_NS);
    t->r->ram[0] = (uint8_t)in(t, CMD + 7);
    t->r->ram[1] = (uint8_t)in(t, BM + 2);
    read_data(t, t->r->ram + 0x1000, SECTOR_SIZE);
    rig_run(t->r, WAIT_NS);
    read_data(t, t->r->ram + 0x2000, SECTOR_SIZE);
    rig_run(t->r, WAIT_NS);
}

START_TEST(save_in_flight)
{
    struct ide_rig *a = create(), *b = create();
    struct buf state = {0};
    put_prd(a, 0, 0x10000, 4096, true);
    if (_i == 0) {
        address28(a, 40, 8);
        start_dma(a, 0xc8, true);
    } else if (_i == 1) {
        address28(a, 40, 2);
        out(a, CMD + 7, 0x20);
    } else {
        address28(a, 40, 2);
        out(a, CMD + 7, 0x20);
        rig_run(a->r, WAIT_NS); /* a block is offered and half read; the interrupt is up */
        read_data(a, a->r->ram, 100);
    }
    rig_run(a->r, EPOCH_NS / 2);
    rig_save(a->r, &state);
    rig_load(b->r, &state);
    rig_assert_equal(a->r, b->r);
    future(a);
    future(b);
    rig_assert_equal(a->r, b->r);
    if (_i == 0)
        ck_assert_int_eq(memcmp(b->r->ram + 0x10000, sector(b, 40), 4096), 0);
    buf_free(&state);
    destroy(a);
    destroy(b);
}
END_TEST

static void fuzz(struct ide_rig *t, uint64_t seed)
{
    static const uint16_t ports[] = {CMD, CMD, CMD + 1, CMD + 2, CMD + 3, CMD + 4, CMD + 5, CMD + 6,
                                     CMD + 7, CMD + 7, CTL, BM, BM + 2, BM + 4, CMD2 + 7, BM + 8};
    static const uint8_t commands[] = {0x20, 0x25, 0x29, 0x35, 0x39, 0x90, 0xc6, 0xca, 0xec, 0xef};
    for (unsigned i = 0; i < FUZZ_RUNS; i++) {
        uint32_t x = rig_random(&seed);
        unsigned port = ports[x % ARRAY_LEN(ports)], size = 1u << (x >> 8) % 3;
        uint32_t value = rig_random(&seed) >> (x >> 12) % 24;
        if (port == CMD + 7 && (x >> 20 & 1) != 0)
            value = commands[value % ARRAY_LEN(commands)];
        if ((x >> 21 & 3) == 0)
            bus_read(t->r->io, port, size);
        else
            bus_write(t->r->io, port, size, value);
        if ((x >> 24 & 7) == 0)
            rig_run(t->r, EPOCH_NS * (x >> 27));
    }
}

START_TEST(random_registers)
{
    struct ide_rig *a = create(), *b = create();
    uint64_t seed = (uint64_t)_i;
    for (size_t i = 0; i < 0x10000; i++)
        a->r->ram[i] = b->r->ram[i] = (uint8_t)(rig_random(&seed) & 0x8f);
    fuzz(a, seed);
    fuzz(b, seed);
    rig_assert_equal(a->r, b->r);
    a->ide.pci.dev.ops->reset(&a->ide.pci.dev);
    address28(a, 3, 1);
    out(a, CMD + 7, 0x20);
    ck_assert_uint_eq(wait_irq(a), ATA_DRDY | ATA_DSC | ATA_DRQ);
    destroy(a);
    destroy(b);
}
END_TEST

START_TEST(poison)
{
    struct ide_rig *a = create(), *b = create();
    rig_poison(&a->ide.pci.dev, &b->ide.pci.dev);
    /* A device with senseless state must survive too: it may come from a damaged file. */
    b->ide.channel[0].timer.deadline = b->ide.channel[1].timer.deadline = b->r->now;
    b->ide.pci.dev.ops->loaded(&b->ide.pci.dev);
    fuzz(b, 1);
    destroy(a);
    destroy(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev_ide");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, empty_channel);
    tcase_add_test(tc, config_space);
    tcase_add_test(tc, soft_reset);
    tcase_add_test(tc, identify);
    tcase_add_test(tc, interrupt_disable);
    tcase_add_test(tc, pio_read);
    tcase_add_test(tc, pio_multiple);
    tcase_add_test(tc, dma);
    tcase_add_test(tc, dma_ends);
    tcase_add_test(tc, errors);
    tcase_add_loop_test(tc, save_in_flight, 0, 3);
    tcase_add_loop_test(tc, random_registers, 0, 8);
    tcase_add_test(tc, poison);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
