/* All chips of the Malta board together: random register accesses and time
 * jumps; a state loaded into another board must have the same future. */
#include <check.h>

#include "core/dev/gt64120.h"
#include "core/dev/i8042.h"
#include "core/dev/i8254.h"
#include "core/dev/i8259.h"
#include "core/dev/isa_dma.h"
#include "core/dev/malta_fpga.h"
#include "core/dev/mc146818.h"
#include "core/dev/piix4.h"
#include "core/dev/piix4_usb.h"
#include "core/dev/superio.h"
#include "core/dev/uart16550.h"
#include "tests/unit/fake_platform.h"

struct board {
    struct fake fake;
    struct bus *phys, *mem, *io;
    struct pci_bus *pci;
    struct i8259 pic;
    struct i8254 pit;
    struct mc146818 rtc;
    struct uart16550 uart[3];
    struct i8042 kbc;
    struct isa_dma dma;
    struct superio sio;
    struct malta_fpga fpga;
    struct gt64120 gt;
    struct piix4_isa isa;
    struct piix4_pm pm;
    struct piix4_usb usb;
    struct fake_wire cpu, gt_irq, cbus;
};

static uint8_t ack(void *ctx)
{
    return i8259_ack(ctx);
}

static struct board *board_create(bool big_endian)
{
    struct board *b = xcalloc(1, sizeof *b);
    fake_init(&b->fake);
    struct platform *p = &b->fake.platform;
    p->big_endian = big_endian;
    b->phys = bus_create("phys");
    b->mem = bus_create("pci-mem");
    b->io = bus_create("pci-io");
    struct irq intx[4], irq[16], pirq[16];
    for (unsigned i = 0; i < 4; i++)
        intx[i] = piix4_pirq(&b->isa, i);
    for (unsigned i = 0; i < 16; i++) {
        irq[i] = i8259_input(&b->pic, i);
        pirq[i] = i8259_input(&b->pic, 16 + i);
    }
    b->pci = pci_bus_create(b->mem, b->io, intx, NULL);
    i8259_init(&b->pic, p, "pic", b->io, fake_wire_irq(&b->cpu));
    gt64120_init(&b->gt, p, b->pci, b->phys, b->mem, b->io, fake_wire_irq(&b->gt_irq));
    gt64120_set_ack(&b->gt, ack, &b->pic);
    piix4_isa_init(&b->isa, p, b->pci, 10, b->io, pirq);
    piix4_pm_init(&b->pm, p, b->pci, 10, b->io, irq[9], 256);
    piix4_usb_init(&b->usb, p, b->pci, 10);
    i8254_init(&b->pit, p, "pit", b->io, irq[0]);
    mc146818_init(&b->rtc, p, "rtc", b->io, irq[8]);
    uart16550_init(&b->uart[0], p, "uart0", b->io, 0x3f8, 1, irq[4]);
    uart16550_init(&b->uart[1], p, "uart1", b->io, 0x2f8, 1, irq[3]);
    i8042_init(&b->kbc, p, "kbc", b->io, irq[1], irq[12]);
    isa_dma_init(&b->dma, p, "dma", b->io);
    superio_init(&b->sio, p, "superio", b->io);
    malta_fpga_init(&b->fpga, p, "fpga", b->phys, 0x1f000000);
    uart16550_init(&b->uart[2], p, "uart2", b->phys, 0x1f000900, 8, fake_wire_irq(&b->cbus));
    gt64120_poke(&b->gt, GT64120_ISD, 0x1be00000 >> 21);
    gt64120_poke(&b->gt, GT64120_PCI0IO_LOW, 0x18000000 >> 21);
    gt64120_poke(&b->gt, GT64120_PCI0IO_HIGH, 0x40);
    return b;
}

static void board_destroy(struct board *b)
{
    pci_bus_destroy(b->pci);
    bus_destroy(b->phys);
    bus_destroy(b->mem);
    bus_destroy(b->io);
    fake_fini(&b->fake);
    free(b);
}

static uint64_t random_next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* One random thing that happens to the board; returns what the guest saw. */
static uint64_t random_step(struct board *b, uint64_t *seed)
{
    static const struct {
        uint32_t base, size;
    } places[] = {
        {0x18000000, 0x100},  {0x18000020, 2},      {0x180000a0, 2},     {0x18000040, 4},
        {0x18000060, 5},      {0x18000070, 2},      {0x180003f8, 8},     {0x180002f8, 8},
        {0x180004d0, 2},      {0x18001000, 0x40},   {0x18001100, 0x40},  {0x180003f0, 2},
        {0x1be00000, 0x1000}, {0x1be00c00, 0x100},  {0x1f000000, 0xc00}, {0x1f000900, 0x40},
        {0x18001400, 0x20},   {0x18000000, 0x2000}, {0x10000000, 0xf000000},
    };
    uint64_t r = random_next(seed), value = random_next(seed) & 0xffffffff, seen = 0;
    unsigned place = (r >> 8) % ARRAY_LEN(places), size = 1u << (r >> 16) % 3;
    uint64_t addr = places[place].base + (r >> 20) % places[place].size;
    if (r >> 60 == 0)
        value &= 0x33;
    switch (r % 16) {
    case 0: {
        static const uint64_t jump[] = {1, 100, 10000, 1000000, 50000000, 900000000};
        fake_advance(&b->fake, jump[(r >> 8) % ARRAY_LEN(jump)] + r % 97);
        break;
    }
    case 1: {
        struct device *dev = &b->uart[(r >> 8) % 3].dev;
        uint8_t bytes[20];
        memset(bytes, (int)value, sizeof bytes);
        seen = dev->ops->input(dev, bytes, (r >> 16) % sizeof bytes);
        seen += dev->ops->input_ready(dev) ? 100 : 0;
        break;
    }
    case 2:
        seen = i8259_ack(&b->pic);
        break;
    case 3: /* PCI configuration of the bridges */
        gt64120_poke(&b->gt, 0xcf8, 1u << 31 | (r & 1 ? 10u << 11 : 0) | (r >> 8 & 3) << 8 |
                                        (r >> 12 & 0xfc));
        if (r >> 30 & 1)
            gt64120_poke(&b->gt, 0xcfc, (uint32_t)value);
        break;
    case 4: /* periods of the PIT that are not absurdly short */
        bus_write(b->io, 0x43, 1, 0x30 | (r >> 8 & 0xe));
        bus_write(b->io, 0x40, 1, value & 0xff);
        bus_write(b->io, 0x40, 1, 0x80);
        break;
    case 5: { /* a command and its argument for keyboard or mouse */
        static const uint8_t command[] = {0xed, 0xf0, 0xf3, 0xf2, 0xe8, 0xe9, 0xf4, 0xff};
        static const uint8_t argument[] = {200, 100, 80, 0, 1, 2, 3};
        for (unsigned i = 0; i < 2; i++) {
            if (r >> 8 & 1)
                bus_write(b->io, 0x64, 1, 0xd4);
            bus_write(b->io, 0x60, 1,
                      i == 0 ? command[(r >> 16) % sizeof command]
                             : argument[(r >> 24) % sizeof argument]);
            seen = seen * 256 + bus_read(b->io, 0x60, 1);
        }
        break;
    }
    case 6: /* memory module's EEPROM */
        bus_write(b->io, 0x1104, 1, 0xa0 | (r >> 8 & 1));
        bus_write(b->io, 0x1102, 1, 0x40 | (r >> 16 & 0x1c));
        seen = bus_read(b->io, 0x1105, 1);
        break;
    case 7: {
        struct irq pin = piix4_pirq(&b->isa, r >> 8 & 3);
        pci_config_write(b->pci, 1u << 31 | 10 << 11 | 0x60, 4, 0x0b0a0305);
        irq_set(&pin, r >> 16 & 1);
        seen = bus_read(b->phys, 0x1f000a00 + 8 * (r >> 24 & 3), 4);
        bus_write(b->phys, 0x1f000b00 + 8 * (r >> 32 & 3), 4, value);
        seen += bus_read(b->phys, 0x1f000b00 + 8 * (r >> 40 & 3), 4);
        break;
    }
    case 8: /* power management block where the kernel puts it */
        pci_config_write(b->pci, 1u << 31 | 10 << 11 | 3 << 8 | 0x40, 4, 0x1001);
        pci_config_write(b->pci, 1u << 31 | 10 << 11 | 3 << 8 | 0x80, 1, 1);
        bus_write(b->io, 0x1002, 2, r >> 8 & 0xffff);
        seen = bus_read(b->io, 0x1000 + (r >> 24 & 12), 4);
        break;
    case 9: /* the USB registers, at 0x1400 */
        pci_config_write(b->pci, 1u << 31 | 10 << 11 | 2 << 8 | 0x20, 4, 0x1400);
        pci_config_write(b->pci, 1u << 31 | 10 << 11 | 2 << 8 | 0x04, 2, 1);
        bus_write(b->io, 0x1400 + (r >> 8 & 0x1c), r >> 40 & 1 ? 2 : 4, value);
        seen = bus_read(b->io, 0x1400 + (r >> 24 & 0x1e), 2);
        break;
    default:
        if (addr == 0x1be00068 || addr + size > 0x1be00068 + 4)
            seen = bus_read(b->phys, addr, size);
        else if (r >> 40 & 1)
            bus_write(b->phys, addr, size, value);
        else
            seen = bus_read(b->phys, addr, size);
        break;
    }
    return seen * 8 + b->cpu.level * 4u + b->gt_irq.level * 2u + b->cbus.level;
}

static void compare(const struct board *a, const struct board *b, const char *what)
{
    struct buf diff = {0};
    size_t n = 0;
    for (unsigned i = 0; i < a->fake.devices; i++)
        n += state_diff(a->fake.dev[i]->ops->fields, a->fake.dev[i], b->fake.dev[i],
                        a->fake.dev[i]->id, &diff);
    ck_assert_msg(n == 0, "%s: %s", what, buf_cstr(&diff));
    buf_free(&diff);
}

static void run_fuzz(uint64_t seed, bool big_endian, unsigned steps)
{
    struct board *a = board_create(big_endian), *b = board_create(big_endian);
    uint64_t s = seed * 0x9e3779b97f4a7c15u + 1, other = ~s;
    for (unsigned i = 0; i < steps; i++) {
        random_step(a, &s);
        random_step(b, &other); /* another history, that the load must wipe out */
    }
    for (unsigned round = 0; round < 5; round++) {
        struct buf saved = {0};
        fake_save(&a->fake, &saved);
        b->fake.now = a->fake.now;
        fake_load(&b->fake, saved.data);
        buf_free(&saved);
        compare(a, b, "after loading");
        uint64_t sa = s, sb = s;
        for (unsigned i = 0; i < steps / 5; i++) {
            uint64_t seen_a = random_step(a, &sa), seen_b = random_step(b, &sb);
            ck_assert_msg(seen_a == seen_b, "seed %lu round %u step %u: %lx != %lx",
                          (unsigned long)seed, round, i, (unsigned long)seen_a,
                          (unsigned long)seen_b);
        }
        compare(a, b, "future");
        for (unsigned i = 0; i < 100; i++)
            random_step(b, &other);
        s = sa;
    }
    board_destroy(a);
    board_destroy(b);
}

START_TEST(loaded_state_has_same_future)
{
    for (unsigned i = 0; i < 4; i++)
        run_fuzz((uint64_t)_i * 4 + i + 1, _i & 1, 5000);
}
END_TEST

struct chip {
    void *at;
    size_t size;
};

/* What may differ after loading although the guest cannot see it: bus handles. */
static void forget_handles(struct board *b)
{
    struct pci_dev *pci[] = {&b->gt.pci, &b->isa.pci, &b->pm.pci, &b->usb.pci};
    for (unsigned i = 0; i < ARRAY_LEN(pci); i++) {
        for (unsigned j = 0; j < PCI_BARS; j++)
            pci[i]->bar[j].handle = 0;
    }
    for (unsigned i = 0; i < ARRAY_LEN(b->gt.window); i++)
        b->gt.window[i].handle = 0;
    b->gt.isd_handle = 0;
    b->pm.pm_handle = 0;
    b->pm.smb_handle = 0;
}

/* No field is missing in a state table: after a detour through another state, loading
 * brings back every byte of every chip's struct. */
START_TEST(load_restores_every_byte)
{
    struct board *b = board_create(false);
    const struct chip chip[] = {
        {&b->pic, sizeof b->pic},         {&b->pit, sizeof b->pit},
        {&b->rtc, sizeof b->rtc},         {&b->uart[0], sizeof b->uart[0]},
        {&b->uart[1], sizeof b->uart[1]}, {&b->uart[2], sizeof b->uart[2]},
        {&b->kbc, sizeof b->kbc},         {&b->dma, sizeof b->dma},
        {&b->sio, sizeof b->sio},         {&b->fpga, sizeof b->fpga},
        {&b->gt, sizeof b->gt},           {&b->isa, sizeof b->isa},
        {&b->pm, sizeof b->pm},           {&b->usb, sizeof b->usb},
    };
    uint64_t s = 0x12345;
    for (unsigned round = 0; round < 30; round++) {
        struct buf saved = {0};
        void *before[ARRAY_LEN(chip)];
        for (unsigned i = 0; i < 500; i++)
            random_step(b, &s);
        fake_save(&b->fake, &saved);
        uint64_t now = b->fake.now;
        struct board *copy = xmalloc(sizeof *copy);
        memcpy(copy, b, sizeof *copy); /* handles are needed to unmap */
        forget_handles(b);
        for (unsigned i = 0; i < ARRAY_LEN(chip); i++) {
            before[i] = xmalloc(chip[i].size);
            memcpy(before[i], chip[i].at, chip[i].size);
            memcpy(chip[i].at, (char *)copy + ((char *)chip[i].at - (char *)b), chip[i].size);
        }
        free(copy);
        for (unsigned i = 0; i < 3000; i++)
            random_step(b, &s);
        b->fake.now = now;
        fake_load(&b->fake, saved.data);
        struct board *handles = xmalloc(sizeof *handles);
        memcpy(handles, b, sizeof *handles);
        forget_handles(b);
        for (unsigned i = 0; i < ARRAY_LEN(chip); i++) {
            ck_assert_msg(memcmp(before[i], chip[i].at, chip[i].size) == 0, "%s in round %u",
                          ((struct device *)chip[i].at)->id, round);
            memcpy(chip[i].at, (char *)handles + ((char *)chip[i].at - (char *)b), chip[i].size);
            free(before[i]);
        }
        free(handles);
        buf_free(&saved);
    }
    board_destroy(b);
}
END_TEST

/* Every byte that a table names must come back from a foreign pattern. */
START_TEST(poison)
{
    struct board *a = board_create(false), *b = board_create(false);
    for (unsigned i = 0; i < a->fake.devices; i++) {
        const struct state_field *t = a->fake.dev[i]->ops->fields;
        size_t n = state_size(t);
        uint8_t *pattern = xmalloc(n), *junk = xmalloc(n);
        struct buf saved = {0}, diff = {0};
        memset(pattern, 0xa5, n);
        memset(junk, 0x5a, n);
        state_load(t, a->fake.dev[i], pattern);
        state_load(t, b->fake.dev[i], junk);
        ck_assert(state_diff(t, a->fake.dev[i], b->fake.dev[i], "", &diff) != 0);
        state_save(t, a->fake.dev[i], &saved);
        ck_assert_uint_eq(saved.len, n);
        ck_assert_mem_eq(saved.data, pattern, n);
        state_load(t, b->fake.dev[i], saved.data);
        ck_assert_uint_eq(state_diff(t, a->fake.dev[i], b->fake.dev[i], "", &diff), 0);
        buf_free(&saved);
        buf_free(&diff);
        free(pattern);
        free(junk);
    }
    board_destroy(a);
    board_destroy(b);
}
END_TEST

/* A reset brings every chip (but the battery-backed clock) to its first state. */
START_TEST(reset_is_power_on)
{
    struct board *a = board_create(false), *b = board_create(false);
    uint64_t s = 77;
    for (unsigned i = 0; i < 5000; i++)
        random_step(a, &s);
    for (unsigned i = 0; i < 4; i++) { /* held by no chip */
        struct irq pin = piix4_pirq(&a->isa, i);
        irq_set(&pin, false);
    }
    for (unsigned i = 0; i < a->fake.devices; i++)
        a->fake.dev[i]->ops->reset(a->fake.dev[i]);
    b->fake.now = a->fake.now;
    for (unsigned i = 0; i < b->fake.devices; i++)
        b->fake.dev[i]->ops->reset(b->fake.dev[i]);
    for (unsigned i = 0; i < a->fake.devices; i++) {
        struct buf diff = {0};
        struct device *dev = a->fake.dev[i];
        size_t n = state_diff(dev->ops->fields, dev, b->fake.dev[i], dev->id, &diff);
        ck_assert_msg(n == 0 || dev == &a->rtc.dev, "%s", buf_cstr(&diff));
        buf_free(&diff);
    }
    board_destroy(a);
    board_destroy(b);
}
END_TEST

START_TEST(power_and_reset)
{
    struct board *b = board_create(false);
    bus_write(b->phys, 0x1f000500, 4, 0x41);
    ck_assert_uint_eq(b->fake.power[POWER_RESET], 0);
    bus_write(b->phys, 0x1f000500, 4, 0x42);
    ck_assert_uint_eq(b->fake.power[POWER_RESET], 1);
    bus_write(b->phys, 0x18000cf9, 1, 6);
    ck_assert_uint_eq(b->fake.power[POWER_RESET], 2);
    /* The kernel's way: base at 0x40, enable bit in 0x80, then SLP_EN with type 0. */
    gt64120_poke(&b->gt, 0xcf8, 1u << 31 | 10 << 11 | 3 << 8 | 0x40);
    gt64120_poke(&b->gt, 0xcfc, 0x1001);
    gt64120_poke(&b->gt, 0xcf8, 1u << 31 | 10 << 11 | 3 << 8 | 0x80);
    gt64120_poke(&b->gt, 0xcfc, 1);
    bus_write(b->phys, 0x18001004, 2, 1 << 13 | 1 << 10);
    ck_assert_uint_eq(b->fake.power[POWER_OFF], 0);
    bus_write(b->phys, 0x18001004, 2, 1 << 13);
    ck_assert_uint_eq(b->fake.power[POWER_OFF], 1);
    board_destroy(b);
}
END_TEST

START_TEST(config_byte_order)
{
    struct board *le = board_create(false), *be = board_create(true);
    gt64120_poke(&le->gt, 0xcf8, 1u << 31 | 10 << 11);
    gt64120_poke(&be->gt, 0xcf8, 1u << 31 | 10 << 11);
    ck_assert_uint_eq(bus_read(le->phys, 0x1be00cfc, 4), 0x71108086);
    ck_assert_uint_eq(bus_read(be->phys, 0x1be00cfc, 4), 0x86801071);
    ck_assert_uint_eq(bus_read(be->phys, 0x1be00cfc, 2), 0x1071);
    /* The bridge itself is never swapped. */
    gt64120_poke(&be->gt, 0xcf8, 1u << 31);
    ck_assert_uint_eq(bus_read(be->phys, 0x1be00cfc, 4), 0x462011ab);
    /* Part of a word through the swap: PIRQ route of pin B. */
    gt64120_poke(&be->gt, 0xcf8, 1u << 31 | 10 << 11 | 0x60);
    bus_write(be->phys, 0x1be00cfc + 2, 1, 10);
    ck_assert_uint_eq(be->isa.pci.config[0x61], 10);
    board_destroy(le);
    board_destroy(be);
}
END_TEST

START_TEST(pirq_reaches_cpu)
{
    struct board *b = board_create(false);
    bus_write(b->io, 0x20, 1, 0x11);
    bus_write(b->io, 0x21, 1, 0x20);
    bus_write(b->io, 0x21, 1, 4);
    bus_write(b->io, 0x21, 1, 1);
    bus_write(b->io, 0xa0, 1, 0x11);
    bus_write(b->io, 0xa1, 1, 0x28);
    bus_write(b->io, 0xa1, 1, 2);
    bus_write(b->io, 0xa1, 1, 1);
    bus_write(b->io, 0x4d0, 2, 0x0c00);
    gt64120_poke(&b->gt, 0xcf8, 1u << 31 | 10 << 11 | 0x60);
    gt64120_poke(&b->gt, 0xcfc, 0x0b0b0a0a);
    struct irq a = piix4_pirq(&b->isa, 0), c = piix4_pirq(&b->isa, 1);
    irq_set(&a, true);
    irq_set(&c, true);
    ck_assert(b->cpu.level);
    ck_assert_uint_eq(bus_read(b->phys, 0x1be00c34, 4), 0x2a);
    bus_write(b->io, 0xa0, 1, 0x20);
    bus_write(b->io, 0x20, 1, 0x20);
    irq_set(&a, false);
    ck_assert_msg(b->cpu.level, "the other pin still holds the line");
    irq_set(&c, false);
    ck_assert(!b->cpu.level);
    /* Routed to the input of an ISA chip: each holds the line on its own. */
    gt64120_poke(&b->gt, 0xcfc, 0x0b0b0a04);
    irq_set(&a, true);
    bus_write(b->io, 0x3f9, 1, 2);
    ck_assert(b->cpu.level);
    bus_write(b->io, 0x3f9, 1, 0);
    ck_assert_uint_eq(b->pic.line[0] & 0x10, 0x10);
    irq_set(&a, false);
    ck_assert_uint_eq(b->pic.line[0] & 0x10, 0);
    board_destroy(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dev_board");
    TCase *tc = tcase_create("dev_board");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, loaded_state_has_same_future, 0, 5);
    tcase_add_test(tc, load_restores_every_byte);
    tcase_add_test(tc, poison);
    tcase_add_test(tc, reset_is_power_on);
    tcase_add_test(tc, power_and_reset);
    tcase_add_test(tc, config_byte_order);
    tcase_add_test(tc, pirq_reaches_cpu);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
