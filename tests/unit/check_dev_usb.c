/* The USB function of the south bridge, as a driver without devices sees it. */
#include <check.h>

#include "core/dev/piix4_usb.h"
#include "tests/unit/fake_platform.h"

#define BASE 0x1040

static struct fake fake;
static struct bus *mem, *io;
static struct pci_bus *pci;
static struct fake_wire intx[4];
static struct piix4_usb usb;

static uint32_t address(unsigned reg)
{
    return 1u << 31 | 10 << 11 | 2 << 8 | reg;
}

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
    piix4_usb_init(&usb, &fake.platform, pci, 10);
    pci_config_write(pci, address(0x20), 4, BASE);
    pci_config_write(pci, address(0x04), 2, 1);
}

static void end(void)
{
    pci_bus_destroy(pci);
    bus_destroy(mem);
    bus_destroy(io);
    fake_fini(&fake);
}

static uint64_t in(unsigned reg, unsigned size)
{
    return bus_read(io, BASE + reg, size);
}

static void out(unsigned reg, unsigned size, uint64_t value)
{
    bus_write(io, BASE + reg, size, value);
}

START_TEST(configuration)
{
    begin();
    ck_assert_uint_eq(pci_config_read(pci, address(0), 4), 0x71128086);
    ck_assert_uint_eq(pci_config_read(pci, address(8), 4) >> 8, 0x0c0300);
    ck_assert_uint_eq(pci_config_read(pci, address(0x3d), 1), 4);
    ck_assert_uint_eq(pci_config_read(pci, address(0x60), 1), 0x10);
    pci_config_write(pci, address(0x20), 4, 0xffffffff);
    ck_assert_uint_eq(pci_config_read(pci, address(0x20), 4), 0xffffffe1);
    /* Legacy support: what the kernel's handoff writes, and the sticky bits. */
    ck_assert_uint_eq(pci_config_read(pci, address(0xc0), 2), 0x2000);
    pci_config_write(pci, address(0xc0), 2, 0x8f00);
    ck_assert_uint_eq(pci_config_read(pci, address(0xc0), 2), 0);
    pci_config_write(pci, address(0xc0), 2, 0xffff);
    ck_assert_uint_eq(pci_config_read(pci, address(0xc0), 2), 0x20bf);
    end();
}
END_TEST

START_TEST(ports_are_two_and_empty)
{
    begin();
    unsigned ports = 0;
    while (ports < 8 && (in(0x10 + 2 * ports, 2) & 0x80) != 0 && in(0x10 + 2 * ports, 2) != 0xffff)
        ports++;
    ck_assert_uint_eq(ports, 2);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(in(0x10 + 2 * i, 2), 0x80);
        out(0x10 + 2 * i, 2, 0xffff);
        ck_assert_uint_eq(in(0x10 + 2 * i, 2), 0x12c0);
        out(0x10 + 2 * i, 2, 0);
        ck_assert_uint_eq(in(0x10 + 2 * i, 2), 0x80);
    }
    out(0x10, 4, 0x00401000);
    ck_assert_uint_eq(in(0x10, 4), 0x00c01080);
    out(0x00, 2, 4); /* global reset reaches the ports */
    ck_assert_uint_eq(in(0x10, 4), 0x00800080);
    end();
}
END_TEST

START_TEST(runs_and_halts)
{
    begin();
    ck_assert_uint_eq(in(2, 2), 0x20);
    ck_assert_uint_eq(in(0x0c, 1), 0x40);
    out(6, 2, 0xfffe);
    ck_assert_uint_eq(in(6, 2), 0x7fe);
    fake_advance(&fake, 5000000);
    ck_assert_uint_eq(in(6, 2), 0x7fe);
    out(0, 2, 0xc1);
    ck_assert_uint_eq(in(0, 2), 0xc1);
    ck_assert_uint_eq(in(2, 2), 0);
    fake_advance(&fake, 3999999);
    ck_assert_uint_eq(in(6, 2), 1); /* 0x7fe + 3, modulo 2048 */
    fake_advance(&fake, 1);
    ck_assert_uint_eq(in(6, 2), 2);
    out(6, 2, 100); /* not while it runs */
    ck_assert_uint_eq(in(6, 2), 2);
    out(0, 1, 0);
    fake_advance(&fake, 5000000);
    ck_assert_uint_eq(in(6, 2), 2);
    ck_assert_uint_eq(in(2, 2), 0x20);
    ck_assert(!intx[0].level && !intx[1].level && !intx[2].level && !intx[3].level);
    end();
}
END_TEST

START_TEST(controller_reset)
{
    begin();
    out(8, 4, 0x12345fff);
    ck_assert_uint_eq(in(8, 4), 0x12345000);
    out(9, 1, 0xa7);
    ck_assert_uint_eq(in(8, 4), 0x1234a000);
    out(4, 2, 0xffff);
    ck_assert_uint_eq(in(4, 2), 0xf);
    out(0x0c, 1, 0xff);
    ck_assert_uint_eq(in(0x0c, 4), 0x7f);
    out(0x10, 2, 0x1000);
    out(0, 2, 1);
    fake_advance(&fake, 9000000);
    out(0, 2, 2);
    ck_assert_uint_eq(in(0, 4), 0x00200000); /* halted, and the reset is over */
    ck_assert_uint_eq(in(4, 4), 0);
    ck_assert_uint_eq(in(8, 4), 0);
    ck_assert_uint_eq(in(0x0c, 4), 0x40);
    ck_assert_uint_eq(in(0x10, 4), 0x00800080);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dev_usb");
    TCase *tc = tcase_create("dev_usb");
    tcase_add_test(tc, configuration);
    tcase_add_test(tc, ports_are_two_and_empty);
    tcase_add_test(tc, runs_and_halts);
    tcase_add_test(tc, controller_reset);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
