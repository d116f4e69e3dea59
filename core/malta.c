/*
 * The MIPS Malta board: which chips there are, how they are wired, what is in
 * memory at power-on.
 *
 * Instead of YAMON, a stub in flash does what a kernel relies on (malta_rom.h):
 * it is entered with argc, argv, envp and the RAM size.
 *
 * Source: MIPS Malta User's Manual; YAMON Reference Manual (environment).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/splitmix.h"
#include "core/dev/gt64120.h"
#include "core/dev/i8042.h"
#include "core/dev/i8254.h"
#include "core/dev/i8259.h"
#include "core/dev/isa_dma.h"
#include "core/dev/malta_fpga.h"
#include "core/dev/mc146818.h"
#include "core/dev/pci.h"
#include "core/dev/piix4.h"
#include "core/dev/piix4_ide.h"
#include "core/dev/piix4_usb.h"
#include "core/dev/superio.h"
#include "core/dev/uart16550.h"
#include "core/dev/virtio_balloon.h"
#include "core/dev/virtio_blk.h"
#include "core/dev/virtio_console.h"
#include "core/dev/virtio_net.h"
#include "core/dev/virtio_rng.h"
#include "core/loader.h"
#include "core/malta_rom.h"
#include "core/monitor.h"
#include "core/vm.h"

#define LOW_RAM_END    0x10000000u /* the first 256 MiB lie at 0 */
#define HIGH_RAM       0x80000000u /* all RAM again */
#define FLASH          0x1e000000u
#define BOOT_FLASH     MALTA_BOOT_FLASH /* the same 4 MiB */
#define FPGA           0x1f000000u
#define CBUS_UART      0x1f000900u
#define REVISION_REG   0x10u       /* in the boot flash */
#define REVISION_MALTA 0x420u      /* product Malta, core board CoreLV */
#define PIIX4_SLOT     10
#define VIRTIO_SLOT    18          /* 18 to 21, then 12: the slots that have interrupts */
#define VIRTIO_MAX     5

#define PROM_TABLE     0x2000u     /* argv and envp, as pointers */
#define PROM_STRINGS   0x2100u
#define PROM_END       0x4000u
#define STACK_TOP      0x80001fc0u

struct malta {
    struct irq cpu_irq[6];
    struct bus *pci_mem, *pci_io;
    struct pci_bus *pci;
    struct gt64120 gt;
    struct piix4_isa isa;
    struct piix4_ide ide;
    struct piix4_usb usb;
    struct piix4_pm pm;
    struct i8259 pic;
    struct i8254 pit;
    struct mc146818 rtc;
    struct i8042 kbc;
    struct isa_dma dma;
    struct superio sio;
    struct malta_fpga fpga;
    struct uart16550 uart[3]; /* ttyS0, ttyS1, CBUS */
    struct virtio_blk blk[DISKS_MAX];
    struct virtio_rng rng;
    struct virtio_console con;
    struct virtio_net nic[NICS_MAX];
    struct virtio_balloon balloon;
};

static void cpu_irq_set(void *ctx, unsigned n, bool level)
{
    struct vm *vm = ctx;
    uint8_t bit = (uint8_t)(1u << n);
    if (!vm->loading && level != !!(vm->irq_levels & bit)) {
        struct event *ev = vm_event(vm, EVENT_IRQ);
        ev->arg[0] = n;
        ev->arg[1] = level;
        vm_event_commit(vm);
        vm->irq_levels = (uint8_t)(level ? vm->irq_levels | bit : vm->irq_levels & ~bit);
    }
    mips_set_irq(vm->cpu, n, level);
}

static uint8_t pic_ack(void *ctx)
{
    return i8259_ack(ctx);
}

/* The board's wiring: the pins of the south bridge's functions are PIRQ A to D; those of the
 * others are rotated by slot, so that INTA of slots 18 to 21 is A, B, C, D. */
static unsigned malta_pirq(unsigned slot, unsigned pin)
{
    return slot == PIIX4_SLOT ? pin - 1 : (slot - VIRTIO_SLOT + pin - 1) & 3;
}

static unsigned virtio_slot(unsigned i)
{
    return i < 4 ? VIRTIO_SLOT + i : 12;
}

static void create_isa(struct vm *vm, struct malta *b)
{
    struct platform *p = &vm->platform;
    i8259_init(&b->pic, p, "pic", b->pci_io, b->cpu_irq[0]);
    gt64120_set_ack(&b->gt, pic_ack, &b->pic);
    i8254_init(&b->pit, p, "pit", b->pci_io, i8259_input(&b->pic, 0));
    mc146818_init(&b->rtc, p, "rtc", b->pci_io, i8259_input(&b->pic, 8));
    i8042_init(&b->kbc, p, "kbc", b->pci_io, i8259_input(&b->pic, 1), i8259_input(&b->pic, 12));
    isa_dma_init(&b->dma, p, "dma", b->pci_io);
    superio_init(&b->sio, p, "superio", b->pci_io);
    uart16550_init(&b->uart[0], p, "uart0", b->pci_io, 0x3f8, 1, i8259_input(&b->pic, 4));
    uart16550_init(&b->uart[1], p, "uart1", b->pci_io, 0x2f8, 1, i8259_input(&b->pic, 3));
    uart16550_init(&b->uart[2], p, "uart2", vm->mem_bus, CBUS_UART, 8, b->cpu_irq[2]);
    for (unsigned i = 0; i < ARRAY_LEN(b->uart); i++)
        vm->console[i].dev = &b->uart[i].dev;
}

static int create_pci(struct vm *vm, struct malta *b, struct err *e)
{
    struct platform *p = &vm->platform;
    struct irq isa_irq[16];
    for (unsigned i = 0; i < 16; i++)
        isa_irq[i] = i8259_input(&b->pic, i);
    struct irq pirq[16]; /* of their own: a guest may route one onto an ISA chip's input */
    for (unsigned i = 0; i < 16; i++)
        pirq[i] = i8259_input(&b->pic, 16 + i);
    piix4_isa_init(&b->isa, p, b->pci, PIIX4_SLOT, b->pci_io, pirq);
    struct disk *ide[4] = {0};
    unsigned ide_count = 0, virtio_count = 0;
    struct disk *virtio[DISKS_MAX] = {0};
    for (unsigned i = 0; i < vm->disks_count; i++) {
        if (vm->config->disks[i].interface == DISK_VIRTIO)
            virtio[virtio_count++] = vm->disks[i];
        else if (ide_count < ARRAY_LEN(ide))
            ide[ide_count++] = vm->disks[i];
        else
            ERR(e, ERR_USAGE, "more than 4 IDE disks; use if=virtio for the others");
    }
    if (virtio_count + vm->config->nics_count + vm->config->virtio_rng +
            vm->config->virtio_console + vm->config->virtio_balloon > VIRTIO_MAX)
        ERR(e, ERR_USAGE, "more than %d virtio devices; the board's other slots have no interrupt",
            VIRTIO_MAX);
    const struct irq ide_irq[2] = {isa_irq[14], isa_irq[15]};
    piix4_ide_init(&b->ide, p, "ide", b->pci, PIIX4_SLOT, 1, b->pci_io, ide_irq, ide);
    piix4_usb_init(&b->usb, p, b->pci, PIIX4_SLOT);
    piix4_pm_init(&b->pm, p, b->pci, PIIX4_SLOT, b->pci_io, isa_irq[9],
                  (uint32_t)(vm->config->memory >> 20));
    unsigned slot = 0;
    static const char *const blk_id[DISKS_MAX] = {"blk0", "blk1", "blk2", "blk3",
                                                  "blk4", "blk5", "blk6", "blk7"};
    for (unsigned i = 0; i < virtio_count; i++)
        virtio_blk_init(&b->blk[i], p, blk_id[i], b->pci, virtio_slot(slot++), virtio[i]);
    static const char *const nic_id[NICS_MAX] = {"nic0", "nic1", "nic2", "nic3"};
    for (unsigned i = 0; i < vm->config->nics_count; i++) {
        const struct nic_config *cfg = &vm->config->nics[i];
        struct virtio_net_options options = {
            .mtu = (uint16_t)cfg->link.mtu,
            .vm = vm->index,
            .nic = i,
            .share = vm->monitor->config.share & SHARE_NET,
        };
        memcpy(options.mac, cfg->mac, sizeof options.mac);
        virtio_net_init(&b->nic[i], p, nic_id[i], b->pci, virtio_slot(slot++), &options);
        vm->nics[vm->nics_count++] = &b->nic[i].v.pci.dev;
    }
    if (vm->config->virtio_rng)
        virtio_rng_init(&b->rng, p, "rng", b->pci, virtio_slot(slot++));
    if (vm->config->virtio_console) {
        virtio_console_init(&b->con, p, "hvc0", b->pci, virtio_slot(slot++));
        vm->console[ARRAY_LEN(b->uart)].dev = &b->con.v.pci.dev;
    }
    if (vm->config->virtio_balloon) {
        virtio_balloon_init(&b->balloon, p, "balloon", b->pci, virtio_slot(slot++));
        vm->balloon = &b->balloon;
    }
    return 0;
}

static int malta_create(struct vm *vm, struct err *e)
{
    if (vm->config->memory > 0x70000000u)
        ERR(e, ERR_USAGE, "%" PRIu64 " MiB of RAM; malta takes up to 1792 MiB",
            vm->config->memory >> 20);
    struct malta *b = xcalloc(1, sizeof *b);
    vm->board_data = b;
    for (unsigned i = 0; i < ARRAY_LEN(b->cpu_irq); i++)
        b->cpu_irq[i] = (struct irq){.set = cpu_irq_set, .ctx = vm, .n = i};
    b->pci_mem = bus_create("pci memory");
    b->pci_io = bus_create("pci i/o");
    struct irq intx[4];
    for (unsigned i = 0; i < 4; i++)
        intx[i] = piix4_pirq(&b->isa, i);
    b->pci = pci_bus_create(b->pci_mem, b->pci_io, intx, malta_pirq);
    malta_fpga_init(&b->fpga, &vm->platform, "fpga", vm->mem_bus, FPGA);
    gt64120_init(&b->gt, &vm->platform, b->pci, vm->mem_bus, b->pci_mem, b->pci_io, b->cpu_irq[3]);
    create_isa(vm, b);
    return create_pci(vm, b, e);
}

static void malta_destroy(struct vm *vm)
{
    struct malta *b = vm->board_data;
    for (unsigned i = 0; i < vm->nics_count; i++)
        virtio_net_fini(&b->nic[i]);
    if (b->pci != NULL)
        pci_bus_destroy(b->pci);
    bus_destroy(b->pci_io);
    bus_destroy(b->pci_mem);
    free(b);
    vm->board_data = NULL;
}

static bool malta_memory_at(const struct vm *vm, uint64_t pa, uint64_t *key, bool *rom)
{
    uint64_t ram = vm->ram_pages << PAGE_BITS;
    *rom = false;
    if (LIKELY(pa < LOW_RAM_END && pa < ram)) {
        *key = pa >> PAGE_BITS;
        return true;
    }
    if (pa >= HIGH_RAM && pa - HIGH_RAM < ram) {
        *key = (pa - HIGH_RAM) >> PAGE_BITS;
        return true;
    }
    if ((pa >= FLASH && pa - FLASH < VM_ROM_BYTES) ||
        (pa >= BOOT_FLASH && pa - BOOT_FLASH < VM_ROM_BYTES)) {
        *rom = true;
        *key = vm->ram_pages + ((pa & (VM_ROM_BYTES - 1)) >> PAGE_BITS);
        return true;
    }
    return false;
}

static unsigned malta_addresses_of(const struct vm *vm, uint64_t key, uint64_t pa[BOARD_ALIASES])
{
    uint64_t at = key << PAGE_BITS, in_rom = at - (vm->ram_pages << PAGE_BITS);
    unsigned n = 0;
    if (key >= vm->ram_pages) {
        pa[n++] = FLASH + in_rom;
        pa[n++] = BOOT_FLASH + in_rom;
        return n;
    }
    if (at < LOW_RAM_END)
        pa[n++] = at;
    pa[n++] = HIGH_RAM + at;
    return n;
}

/* ---- what the firmware would do ---- */

/* The table of pointers and the strings behind it, in RAM. */
struct prom {
    struct vm *vm;
    uint32_t table, strings;
    bool full;
};

static void prom_pointer(struct prom *prom, const char *text)
{
    uint32_t n = text == NULL ? 0 : (uint32_t)strlen(text) + 1;
    if (prom->table + 4 > PROM_STRINGS || n > PROM_END - prom->strings) {
        prom->full = true;
        return;
    }
    malta_rom_word(prom->vm, prom->table, text == NULL ? 0 : 0x80000000u | prom->strings);
    prom->table += 4;
    if (text != NULL)
        vm_load(prom->vm, prom->strings, text, n);
    prom->strings = (prom->strings + n + 3) & ~3u;
}

static int load_initrd(struct vm *vm, uint64_t kernel_end, uint64_t *start, struct err *e)
{
    const struct config_image *initrd = &vm->config->initrd;
    uint64_t low = min_u64(vm->config->memory, LOW_RAM_END);
    /* Room above it for the kernel's early page bitmap; the kernel is below, and a
     * relocating one moves up by at most 16 MiB. */
    uint64_t room = 128 << 10;
    if (initrd->size + room > low || ((low - initrd->size - room) & ~0xffffull) < kernel_end)
        ERR(e, ERR_USAGE,
            "the initrd (%zu KiB) does not fit into RAM above the kernel; more memory (-m) helps",
            initrd->size >> 10);
    *start = (low - initrd->size - room) & ~0xffffull;
    vm_load(vm, *start, initrd->data, initrd->size);
    return 0;
}

/* 32 bytes of entropy for the guest's generator, in hexadecimal, out of the run's seed. */
static void print_rng_seed(uint64_t seed, char out[65])
{
    for (unsigned i = 0; i < 4; i++)
        snprintf(out + 16 * i, 17, "%016" PRIx64, splitmix64(seed, i + 1));
}

static int boot_kernel(struct vm *vm, struct err *e)
{
    const struct vm_config *cfg = vm->config;
    uint64_t entry, end, initrd = 0;
    TRY(loader_load(vm, &cfg->kernel, &entry, &end, e));
    if (cfg->initrd.size != 0)
        TRY(load_initrd(vm, end, &initrd, e));
    uint64_t low = min_u64(cfg->memory, LOW_RAM_END);
    struct prom prom = {vm, PROM_TABLE, PROM_STRINGS, false};
    char *line = cfg->initrd.size != 0
                     ? xasprintf("rd_start=0x%016" PRIx64 " rd_size=%zu %s",
                                 0xffffffff80000000u | initrd, cfg->initrd.size, cfg->append)
                     : xstrdup(cfg->append);
    prom_pointer(&prom, cfg->kernel_name);
    prom_pointer(&prom, line);
    prom_pointer(&prom, NULL);
    uint32_t envp = prom.table;
    char memsize[24], ememsize[24];
    snprintf(memsize, sizeof memsize, "%" PRIu64, low);
    snprintf(ememsize, sizeof ememsize, "%" PRIu64, cfg->memory);
    char rngseed[65];
    print_rng_seed(cfg->entropy_seed, rngseed);
    const char *const env[] = {"memsize",  memsize,    "ememsize", ememsize,
                               "modetty0", "38400n8r", "rngseed",  rngseed};
    for (size_t i = 0; i < ARRAY_LEN(env); i++)
        prom_pointer(&prom, env[i]);
    prom_pointer(&prom, NULL);
    free(line);
    if (prom.full)
        ERR(e, ERR_USAGE, "the kernel command line is too long");
    malta_rom_write(vm, &(struct malta_entry){
                            .pc = (uint32_t)entry,
                            .sp = STACK_TOP,
                            .arg = {2, 0x80000000u | PROM_TABLE, 0x80000000u | envp, (uint32_t)low},
                        });
    malta_rom_word(vm, BOOT_FLASH + REVISION_REG, REVISION_MALTA);
    return 0;
}

static int malta_boot(struct vm *vm, struct err *e)
{
    struct malta *b = vm->board_data;
    const struct config_image *bios = &vm->config->bios;
    static const uint8_t pirq[4] = {10, 10, 11, 11};
    for (unsigned i = 0; i < 4; i++)
        pci_config_write(b->pci, 1u << 31 | PIIX4_SLOT << 11 | (0x60 + i), 1, pirq[i]);
    if (bios->size > VM_ROM_BYTES)
        ERR(e, ERR_USAGE, "the flash image has %zu bytes; the flash takes 4 MiB", bios->size);
    if (bios->size != 0) {
        vm_load(vm, BOOT_FLASH, bios->data, bios->size);
        malta_rom_word(vm, BOOT_FLASH + REVISION_REG, REVISION_MALTA);
    }
    if (vm->config->kernel.size != 0)
        return boot_kernel(vm, e);
    if (bios->size == 0)
        ERR(e, ERR_USAGE, "nothing to boot: give -kernel or -bios");
    return 0;
}

static void malta_loaded(struct vm *vm)
{
    struct malta *b = vm->board_data;
    pci_bus_loaded(b->pci);
}

const struct board board_malta = {
    .name = "malta",
    .create = malta_create,
    .destroy = malta_destroy,
    .boot = malta_boot,
    .loaded = malta_loaded,
    .memory_at = malta_memory_at,
    .addresses_of = malta_addresses_of,
};
