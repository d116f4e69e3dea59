/*
 * The USB function of the PIIX4: a UHCI host controller without any device.
 *
 * Nothing can be plugged in, so no port ever shows a connection, nothing can
 * be enabled, no transfer can end and none of the causes of an interrupt can
 * happen: the interrupt line stays low. For the same reason the schedule is
 * not walked; a guest that queues a transfer to a device that is not there
 * waits for it in vain. The frame counter runs all the same, one frame per
 * millisecond of virtual time whatever SOFMOD says, because drivers measure
 * time with it.
 *
 * Registers are byte-granular: every write is cut into its 16-bit registers.
 *
 * Source: UHCI Design Guide 1.1, section 2.1 (I/O registers), 5.2 (PCI).
 */
#include "core/dev/piix4_usb.h"

#include <string.h>

#include "core/base/bytes.h"

#define USB_BAR      4
#define USB_BAR_SIZE 32
#define NS_PER_FRAME 1000000u

enum {
    USBCMD = 0x00,
    USBSTS = 0x02,
    USBINTR = 0x04,
    FRNUM = 0x06,
    FRBASE = 0x08,
    SOFMOD = 0x0c,
    PORTSC = 0x10,
    CMD_RUN = 1 << 0,
    CMD_RESET = 1 << 1,
    CMD_BUS_RESET = 1 << 2,
    CMD_BITS = 0x00ff,
    STS_HALTED = 1 << 5, /* the only status bit that can ever be set */
    INTR_BITS = 0x000f,
    FRAME_BITS = 0x07ff,
    PORT_ALWAYS = 1 << 7, /* reads as 1: how software counts the ports */
    PORT_BITS = 0x1240,   /* suspend, reset, resume; the others need a device */
    SOF_RESET = 0x40,
    CFG_RELEASE = 0x60,
    CFG_STATUS = 0x6a,
    STATUS_CLOCK = 0x01, /* 48 MHz are there */
    RELEASE_1_0 = 0x10,
    CFG_LEGACY = 0xc0,
    LEGACY_RESET = 0x2000,
    LEGACY_WRITABLE = 0x20bf,
    LEGACY_CLEAR = 0x8f00,
};

static struct piix4_usb *usb_of(struct device *dev)
{
    return container_of(dev, struct piix4_usb, pci.dev);
}

static bool is_running(const struct piix4_usb *usb)
{
    return (usb->command & CMD_RUN) != 0;
}

static uint16_t frame_now(const struct piix4_usb *usb, uint64_t now)
{
    uint64_t passed = is_running(usb) ? (now - usb->frame_ns) / NS_PER_FRAME : 0;
    return (uint16_t)((usb->frame + passed) & FRAME_BITS);
}

static void reset_registers(struct piix4_usb *usb)
{
    usb->command = 0;
    usb->enabled = 0;
    usb->frame = 0;
    usb->frame_ns = 0;
    usb->list = 0;
    usb->sof_modify = SOF_RESET;
    memset(usb->port, 0, sizeof usb->port);
}

static void write_command(struct piix4_usb *usb, uint16_t value)
{
    uint64_t now = dev_now(&usb->pci.dev);
    if ((value & CMD_RESET) != 0) {
        reset_registers(usb);
        return;
    }
    bool starts = !is_running(usb) && (value & CMD_RUN) != 0;
    bool stops = is_running(usb) && (value & CMD_RUN) == 0;
    if (stops)
        usb->frame = frame_now(usb, now);
    if (starts || stops)
        usb->frame_ns = starts ? now : 0;
    if ((value & CMD_BUS_RESET) != 0)
        memset(usb->port, 0, sizeof usb->port);
    usb->command = value & CMD_BITS;
}

static uint16_t read_register(struct piix4_usb *usb, unsigned reg)
{
    switch (reg) {
    case USBCMD:
        return usb->command;
    case USBSTS:
        return is_running(usb) ? 0 : STS_HALTED;
    case USBINTR:
        return usb->enabled;
    case FRNUM:
        return frame_now(usb, dev_now(&usb->pci.dev));
    case FRBASE:
        return (uint16_t)usb->list;
    case FRBASE + 2:
        return (uint16_t)(usb->list >> 16);
    case SOFMOD:
        return usb->sof_modify;
    case PORTSC:
    case PORTSC + 2:
        return usb->port[(reg - PORTSC) / 2] | PORT_ALWAYS;
    default:
        return 0;
    }
}

/* `mask` has the bytes of the register that are written. */
static void write_register(struct piix4_usb *usb, unsigned reg, uint16_t mask, uint16_t in)
{
    uint16_t value = (uint16_t)((read_register(usb, reg) & ~mask) | (in & mask));
    switch (reg) {
    case USBCMD:
        write_command(usb, value);
        break;
    case USBINTR:
        usb->enabled = value & INTR_BITS;
        break;
    case FRNUM: /* while it runs the counter belongs to the controller */
        if (!is_running(usb))
            usb->frame = value & FRAME_BITS;
        break;
    case FRBASE:
        usb->list = (usb->list & 0xffff0000) | (value & 0xf000);
        break;
    case FRBASE + 2:
        usb->list = (usb->list & 0xffff) | (uint32_t)value << 16;
        break;
    case SOFMOD:
        usb->sof_modify = value & 0x7f;
        break;
    case PORTSC:
    case PORTSC + 2:
        usb->port[(reg - PORTSC) / 2] = value & PORT_BITS;
        break;
    default: /* USBSTS: there is nothing to clear */
        break;
    }
}

static uint64_t io_read(struct device *dev, uint64_t off, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned at = (unsigned)(off + i) & (USB_BAR_SIZE - 1);
        uint16_t reg = read_register(usb_of(dev), at & ~1u);
        value |= (uint64_t)(reg >> 8 * (at & 1) & 0xff) << 8 * i;
    }
    return value;
}

static void io_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size;) {
        unsigned at = (unsigned)(off + i) & (USB_BAR_SIZE - 1);
        unsigned bytes = (at & 1) != 0 || size - i == 1 ? 1 : 2;
        unsigned shift = 8 * (at & 1);
        uint16_t mask = (uint16_t)((bytes == 1 ? 0xff : 0xffff) << shift);
        write_register(usb_of(dev), at & ~1u, mask, (uint16_t)(value >> 8 * i << shift));
        i += bytes;
    }
}

static const struct io_ops usb_io = {.read = io_read, .write = io_write};

static void reset(struct device *dev)
{
    struct piix4_usb *usb = usb_of(dev);
    pci_dev_reset(&usb->pci);
    usb->pci.config[CFG_RELEASE] = RELEASE_1_0;
    usb->pci.config[CFG_STATUS] = STATUS_CLOCK;
    st_le16(usb->pci.config + CFG_LEGACY, LEGACY_RESET);
    reset_registers(usb);
}

static void loaded(struct device *dev)
{
    pci_dev_loaded(&usb_of(dev)->pci);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct piix4_usb, pci),
    STATE(struct piix4_usb, command),
    STATE(struct piix4_usb, enabled),
    STATE(struct piix4_usb, frame),
    STATE(struct piix4_usb, frame_ns),
    STATE(struct piix4_usb, list),
    STATE(struct piix4_usb, sof_modify),
    STATE_ARRAY(struct piix4_usb, port, uint16_t),
    STATE_END,
};

static const struct dev_ops ops = {
    .name = "piix4-usb",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

void piix4_usb_init(struct piix4_usb *usb, struct platform *p, struct pci_bus *pci, unsigned slot)
{
    static const struct pci_class cls = {
        .vendor = 0x8086,
        .device = 0x7112,
        .revision = 1,
        .base_class = 0x0c,
        .subclass = 0x03,
        .int_pin = 4,
    };
    *usb = (struct piix4_usb){0};
    dev_init(&usb->pci.dev, &ops, "usb", p);
    usb->pci.bar[USB_BAR] = (struct pci_bar){.size = USB_BAR_SIZE, .io = true, .ops = &usb_io};
    pci_dev_init(&usb->pci, pci, slot, 2, &cls);
    st_le16(usb->pci.writable + CFG_LEGACY, LEGACY_WRITABLE);
    st_le16(usb->pci.clear_on_1 + CFG_LEGACY, LEGACY_CLEAR);
    reset(&usb->pci.dev);
}
