/* Buses and PCI configuration space. */
#include <check.h>

#include "core/dev/pci.h"
#include "tests/unit/fake_platform.h"

struct card {
    struct pci_dev pci;
    uint32_t reg[4];
};

static uint64_t card_read(struct device *dev, uint64_t off, unsigned size)
{
    const struct card *card = container_of(dev, struct card, pci.dev);
    return size == 1 ? card->reg[off / 4 & 3] >> 8 * (off & 3) : card->reg[off / 4 & 3];
}

static void card_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    container_of(dev, struct card, pci.dev)->reg[off / 4 & 3] = (uint32_t)value;
}

static const struct io_ops card_io = {.read = card_read, .write = card_write};

static void card_reset(struct device *dev)
{
    pci_dev_reset(&container_of(dev, struct card, pci.dev)->pci);
}

static void card_loaded(struct device *dev)
{
    pci_dev_loaded(&container_of(dev, struct card, pci.dev)->pci);
}

static const struct state_field card_fields[] = {
    PCI_STATE_FIELDS(struct card, pci),
    STATE_ARRAY(struct card, reg, uint32_t),
    STATE_END,
};

static const struct dev_ops card_ops = {
    .name = "card",
    .fields = card_fields,
    .reset = card_reset,
    .loaded = card_loaded,
};

static struct fake fake;
static struct bus *mem, *io;
static struct pci_bus *pci;
static struct fake_wire intx[4];
static struct card card[2];

static void begin(void)
{
    struct irq irq[4];
    fake_init(&fake);
    mem = bus_create("mem");
    io = bus_create("io");
    memset(intx, 0, sizeof intx);
    for (unsigned i = 0; i < 4; i++)
        irq[i] = fake_wire_irq(&intx[i]);
    pci = pci_bus_create(mem, io, irq, NULL);
    for (unsigned i = 0; i < 2; i++) {
        const struct pci_class cls = {
            .vendor = 0x1234,
            .device = (uint16_t)(0x5678 + i),
            .base_class = 2,
            .int_pin = (uint8_t)(2 - i),
            .multifunction = true,
        };
        card[i] = (struct card){0};
        dev_init(&card[i].pci.dev, &card_ops, "card", &fake.platform);
        pci_dev_init(&card[i].pci, pci, 3 + i, i * 5, &cls);
        card[i].pci.bar[0] = (struct pci_bar){.size = 32, .io = true, .ops = &card_io, .handle = -1};
        card[i].pci.bar[1] = (struct pci_bar){.size = 0x1000, .ops = &card_io, .handle = -1};
        card_reset(&card[i].pci.dev);
    }
}

static void end(void)
{
    pci_bus_destroy(pci);
    bus_destroy(mem);
    bus_destroy(io);
    fake_fini(&fake);
}

static uint32_t address(unsigned i, unsigned reg)
{
    return 1u << 31 | (3 + i) << 11 | i * 5 << 8 | reg;
}

START_TEST(config_space)
{
    begin();
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0), 4), 0x56781234);
    ck_assert_uint_eq(pci_config_read(pci, address(1, 2), 2), 0x5679);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 14), 1), 0x80);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0) + 256, 4), 0xffffffff);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0) & 0x7fffffff, 4), 0xffffffff);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0) | 1 << 16, 2), 0xffff);
    pci_config_write(pci, address(0, 0), 4, 0);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0), 4), 0x56781234);
    pci_config_write(pci, address(0, 0x3c), 1, 0x0b);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0x3c), 2), 0x020b);
    end();
}
END_TEST

START_TEST(bar_sizing_and_mapping)
{
    begin();
    for (unsigned bar = 0; bar < 3; bar++)
        pci_config_write(pci, address(0, 0x10 + 4 * bar), 4, 0xffffffff);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0x10), 4), 0xffffffe1);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0x14), 4), 0xfffff000);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 0x18), 4), 0);
    pci_config_write(pci, address(0, 0x10), 4, 0x1040);
    pci_config_write(pci, address(0, 0x14), 4, 0x10000000);
    card[0].reg[1] = 0xcafe;
    ck_assert_uint_eq(bus_read(io, 0x1044, 4), 0xffffffff);
    pci_config_write(pci, address(0, 4), 2, 1);
    ck_assert_uint_eq(bus_read(io, 0x1044, 4), 0xcafe);
    ck_assert_uint_eq(bus_read(mem, 0x10000004, 4), 0xffffffff);
    pci_config_write(pci, address(0, 4), 2, 6);
    ck_assert_uint_eq(bus_read(io, 0x1044, 4), 0xffffffff);
    ck_assert_uint_eq(bus_read(mem, 0x10000004, 4), 0xcafe);
    ck_assert(pci_can_dma(&card[0].pci));
    pci_config_write(pci, address(0, 0x14), 4, 0x10002000);
    ck_assert_ptr_null(bus_find(mem, 0x10000004));
    ck_assert_uint_eq(bus_read(mem, 0x10002004, 4), 0xcafe);
    end();
}
END_TEST

/* Overlapping BARs: who answers may not depend on which was placed last. */
START_TEST(overlap_follows_from_state)
{
    begin();
    card[0].reg[0] = 100;
    card[1].reg[0] = 101;
    for (unsigned order = 0; order < 2; order++) {
        for (unsigned i = 0; i < 2; i++) {
            pci_config_write(pci, address(i ^ order, 4), 2, 0);
            pci_config_write(pci, address(i ^ order, 0x14), 4, 0x20000000);
            pci_config_write(pci, address(i ^ order, 4), 2, 2);
        }
        ck_assert_uint_eq(bus_read(mem, 0x20000000, 4), 101);
    }
    end();
}
END_TEST

START_TEST(shared_interrupt)
{
    begin();
    /* Slot 3 pin B and slot 4 pin A are the same line. */
    pci_set_irq(&card[0].pci, true);
    ck_assert(intx[0].level);
    ck_assert_uint_eq(pci_config_read(pci, address(0, 6), 1) & 8, 8);
    ck_assert_uint_eq(pci_config_read(pci, address(1, 6), 1) & 8, 0);
    pci_set_irq(&card[1].pci, true);
    pci_set_irq(&card[0].pci, false);
    ck_assert(intx[0].level);
    pci_config_write(pci, address(1, 4), 2, 0x400);
    ck_assert_msg(!intx[0].level, "INTx is off in the command register");
    pci_config_write(pci, address(1, 4), 2, 0);
    ck_assert(intx[0].level);
    card_reset(&card[1].pci.dev);
    ck_assert(!intx[0].level);
    end();
}
END_TEST

START_TEST(bus_overlay_and_straddle)
{
    struct bus *bus = bus_create("test");
    begin();
    card[0].reg[0] = 0x44332211;
    card[1].reg[0] = 0x88776655;
    int low = bus_map(bus, 0x100, 4, &card_io, &card[0].pci.dev, "a");
    int top = bus_map(bus, 0x102, 4, &card_io, &card[1].pci.dev, "b");
    ck_assert_int_eq(bus_map(bus, 0x100, 0, &card_io, &card[1].pci.dev, "empty"), 2);
    ck_assert_uint_eq(bus_read(bus, 0x100, 4), 0x66552211);
    bus_unmap(bus, top);
    ck_assert_uint_eq(bus_read(bus, 0x100, 4), 0x44332211);
    ck_assert_uint_eq(bus_read(bus, 0x103, 2), 0xff44);
    bus_unmap(bus, low);
    bus_unmap(bus, -1);
    ck_assert_uint_eq(bus_read(bus, 0x100, 4), 0xffffffff);
    /* Up to the end of the space. */
    bus_map(bus, UINT64_MAX - 3, 100, &card_io, &card[0].pci.dev, "end");
    ck_assert_uint_eq(bus_read(bus, UINT64_MAX - 3, 4), 0x44332211);
    ck_assert_ptr_null(bus_find(bus, 0));
    bus_destroy(bus);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dev_pci");
    TCase *tc = tcase_create("dev_pci");
    tcase_add_test(tc, config_space);
    tcase_add_test(tc, bar_sizing_and_mapping);
    tcase_add_test(tc, overlap_follows_from_state);
    tcase_add_test(tc, shared_interrupt);
    tcase_add_test(tc, bus_overlay_and_straddle);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
