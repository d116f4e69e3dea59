/*
 * 16550A serial port.
 *
 * A byte written to the transmitter is out at once; the transmitter is always
 * empty. So the THR-empty interrupt is an event: it becomes pending when a byte
 * went out or when the guest enables it, and is taken back by reading IIR while
 * it is the one reported, or by the next write. The interrupt input is
 * edge-triggered on a PC, hence a write lets the line fall before it rises.
 *
 * A BREAK is a byte of zeros that LSR tells about once it is the next to be
 * read. In loopback the line is cut off: what comes meanwhile waits.
 *
 * Source: National Semiconductor PC16550D data sheet, chapter 8.
 */
#include "core/dev/uart16550.h"

#include <string.h>

#define CLOCK_HZ 1843200
#define NS_PER_S UINT64_C(1000000000)

enum {
    IER_RX = 1 << 0,
    IER_THR = 1 << 1,
    IER_LINE = 1 << 2,
    IER_MODEM = 1 << 3,
    IIR_NONE = 0x01,
    IIR_THR = 0x02,
    IIR_RX = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_MODEM = 0x00,
    IIR_FIFO = 0xc0,
    FCR_ENABLE = 1 << 0,
    FCR_CLEAR_RX = 1 << 1,
    FCR_KEPT = 0xc9,
    LCR_STOP = 1 << 2,
    LCR_PARITY = 1 << 3,
    LCR_DLAB = 1 << 7,
    MCR_DTR = 1 << 0,
    MCR_RTS = 1 << 1,
    MCR_OUT1 = 1 << 2,
    MCR_OUT2 = 1 << 3,
    MCR_LOOP = 1 << 4,
    LSR_READY = 1 << 0,
    LSR_OVERRUN = 1 << 1,
    LSR_BREAK = 1 << 4,
    LSR_ERRORS = 0x1e,
    LSR_FIFO_ERROR = 1 << 7,
    LSR_EMPTY = 0x60, /* THR and shift register */
    MSR_CTS = 1 << 4,
    MSR_DSR = 1 << 5,
    MSR_RING = 1 << 6,
    MSR_DCD = 1 << 7,
    MSR_LINES = 0xf0,
    POLLS_LISTENING = 64,
};

static bool has_fifo(const struct uart16550 *u)
{
    return (u->fcr & FCR_ENABLE) != 0;
}

static unsigned capacity(const struct uart16550 *u)
{
    return has_fifo(u) ? UART_FIFO : 1;
}

static unsigned trigger(const struct uart16550 *u)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};
    return has_fifo(u) ? levels[u->fcr >> 6] : 1;
}

static uint8_t interrupt_id(const struct uart16550 *u)
{
    if ((u->ier & IER_LINE) && (u->lsr & LSR_ERRORS))
        return IIR_LINE;
    if ((u->ier & IER_RX) && u->timeout)
        return IIR_TIMEOUT;
    if ((u->ier & IER_RX) && u->rx_count >= trigger(u))
        return IIR_RX;
    if ((u->ier & IER_THR) && u->thr_pending)
        return IIR_THR;
    if ((u->ier & IER_MODEM) && (u->msr & ~MSR_LINES))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update(struct uart16550 *u)
{
    irq_set(&u->out, interrupt_id(u) != IIR_NONE);
}

/* Four character times, after which bytes below the trigger level are announced. */
static void restart_timeout(struct uart16550 *u)
{
    uint64_t bits = 7 + (u->lcr & 3) + ((u->lcr & LCR_PARITY) != 0) + ((u->lcr & LCR_STOP) != 0);
    uint64_t divisor = u->divisor == 0 ? 1 : u->divisor;
    if (u->rx_count == 0 || !has_fifo(u))
        dev_timer_set(&u->timer, TIMER_OFF);
    else
        dev_timer_set(&u->timer,
                      dev_now(&u->dev) + 4 * bits * divisor * 16 * NS_PER_S / CLOCK_HZ);
}

static void fire(struct device *dev)
{
    struct uart16550 *u = container_of(dev, struct uart16550, dev);
    u->timeout = has_fifo(u) && u->rx_count != 0;
    update(u);
}

static void receive(struct uart16550 *u, uint8_t byte)
{
    if (u->rx_count == capacity(u)) {
        u->lsr |= LSR_OVERRUN;
        if (has_fifo(u))
            return;
        u->rx_count = 0; /* without FIFO the new byte replaces the old one */
    }
    unsigned place = (u->rx_head + u->rx_count) % UART_FIFO;
    u->rx[place] = byte;
    u->rx_broken &= (uint16_t) ~(1u << place);
    u->rx_count++;
}

/* What LSR tells about the byte that is now the next. */
static void show_errors(struct uart16550 *u)
{
    uint16_t bit = (uint16_t)(1u << u->rx_head);
    if (u->rx_count != 0 && (u->rx_broken & bit)) {
        u->rx_broken &= (uint16_t)~bit;
        u->lsr |= LSR_BREAK;
    }
}

static void receive_break(struct uart16550 *u)
{
    unsigned place = (u->rx_head + u->rx_count) % UART_FIFO;
    receive(u, 0);
    u->rx_broken |= (uint16_t)(1u << place);
    show_errors(u);
    restart_timeout(u);
    update(u);
}

static void ask_for_more(struct uart16550 *u)
{
    if (u->rx_count != 0 || (u->mcr & MCR_LOOP))
        return;
    if (u->break_waits) {
        u->break_waits = 0;
        receive_break(u);
    } else if (u->starved) {
        u->starved = 0;
        u->dev.platform->input_wanted(u->dev.platform, &u->dev);
    }
}

static void clear_rx(struct uart16550 *u)
{
    u->rx_head = 0;
    u->rx_count = 0;
    u->rx_broken = 0;
    u->lsr &= (uint8_t)~LSR_BREAK;
    u->timeout = 0;
    restart_timeout(u);
}

static size_t input(struct device *dev, const uint8_t *bytes, size_t n)
{
    struct uart16550 *u = container_of(dev, struct uart16550, dev);
    size_t room = u->mcr & MCR_LOOP || u->break_waits ? 0 : capacity(u) - u->rx_count;
    size_t taken = n < room ? n : room;
    for (size_t i = 0; i < taken; i++)
        receive(u, bytes[i]);
    if (taken < n)
        u->starved = 1;
    if (taken != 0) {
        restart_timeout(u);
        update(u);
    }
    return taken;
}

static void input_break(struct device *dev)
{
    struct uart16550 *u = container_of(dev, struct uart16550, dev);
    if (u->mcr & MCR_LOOP || u->rx_count == capacity(u))
        u->break_waits = 1;
    else
        receive_break(u);
}

/* The guest listens: by interrupt, or it reads LSR over and over. Who only sends reads it about once
 * for each byte. */
static bool input_ready(struct device *dev)
{
    const struct uart16550 *u = container_of(dev, struct uart16550, dev);
    return (u->ier & IER_RX) != 0 || u->polls == POLLS_LISTENING;
}

static void transmit(struct uart16550 *u, uint8_t byte)
{
    u->thr_pending = 0;
    u->polls = 0;
    update(u);
    if (u->mcr & MCR_LOOP) {
        receive(u, byte);
        restart_timeout(u);
    } else {
        u->dev.platform->output(u->dev.platform, &u->dev, &byte, 1);
    }
    u->thr_pending = 1;
    update(u);
}

static uint8_t read_data(struct uart16550 *u)
{
    uint8_t byte = u->rx[u->rx_head];
    if (u->rx_count == 0)
        return has_fifo(u) ? 0 : byte;
    u->rx_count--;
    if (has_fifo(u) || u->rx_count != 0)
        u->rx_head = (u->rx_head + 1) % UART_FIFO;
    show_errors(u);
    u->timeout = 0;
    restart_timeout(u);
    update(u);
    ask_for_more(u);
    return byte;
}

static void write_ier(struct uart16550 *u, uint8_t value)
{
    bool listened = (u->ier & IER_RX) != 0;
    if ((value & IER_THR) && (u->ier & IER_THR) == 0)
        u->thr_pending = 1;
    u->ier = value & 0x0f;
    update(u);
    if (!listened && (u->ier & IER_RX))
        u->dev.platform->input_wanted(u->dev.platform, &u->dev);
}

static void write_fcr(struct uart16550 *u, uint8_t value)
{
    bool toggled = ((value ^ u->fcr) & FCR_ENABLE) != 0;
    if (value & FCR_ENABLE)
        u->fcr = value & FCR_KEPT;
    else
        u->fcr = 0;
    if (toggled || (value & FCR_CLEAR_RX)) {
        clear_rx(u);
        ask_for_more(u);
    }
    update(u);
}

/* Modem lines at the four inputs: the peer's, or the own outputs in loopback. */
static void update_modem(struct uart16550 *u)
{
    uint8_t lines = MSR_CTS | MSR_DSR | MSR_DCD;
    if (u->mcr & MCR_LOOP) {
        lines = (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
                          (u->mcr & MCR_OUT1 ? MSR_RING : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
    }
    uint8_t changed = (uint8_t)((lines ^ u->msr) & MSR_LINES);
    if (lines & MSR_RING)
        changed &= (uint8_t)~MSR_RING; /* only the trailing edge of RI counts */
    u->msr = (uint8_t)(lines | (u->msr & ~MSR_LINES) | changed >> 4);
}

static uint8_t read_register(struct uart16550 *u, unsigned reg)
{
    uint8_t value;
    switch (reg) {
    case 0:
        return u->lcr & LCR_DLAB ? (uint8_t)u->divisor : read_data(u);
    case 1:
        return u->lcr & LCR_DLAB ? (uint8_t)(u->divisor >> 8) : u->ier;
    case 2:
        value = interrupt_id(u);
        if (value == IIR_THR) {
            u->thr_pending = 0;
            update(u);
        }
        return has_fifo(u) ? value | IIR_FIFO : value;
    case 3:
        return u->lcr;
    case 4:
        return u->mcr;
    case 5:
        u->polls = u->polls < POLLS_LISTENING ? u->polls + 1 : POLLS_LISTENING;
        value = (uint8_t)(u->lsr | LSR_EMPTY | (u->rx_count != 0 ? LSR_READY : 0) |
                          (has_fifo(u) && (u->lsr & LSR_BREAK || u->rx_broken) ? LSR_FIFO_ERROR : 0));
        if (u->lsr != 0) {
            u->lsr = 0;
            update(u);
        }
        return value;
    case 6:
        value = u->msr;
        if (u->msr & ~MSR_LINES) {
            u->msr &= MSR_LINES;
            update(u);
        }
        return value;
    default:
        return u->scr;
    }
}

static void write_register(struct uart16550 *u, unsigned reg, uint8_t value)
{
    switch (reg) {
    case 0:
        if (u->lcr & LCR_DLAB)
            u->divisor = (uint16_t)((u->divisor & 0xff00) | value);
        else
            transmit(u, value);
        break;
    case 1:
        if (u->lcr & LCR_DLAB)
            u->divisor = (uint16_t)((u->divisor & 0x00ff) | value << 8);
        else
            write_ier(u, value);
        break;
    case 2:
        write_fcr(u, value);
        break;
    case 3:
        u->lcr = value;
        break;
    case 4:
        u->mcr = value & 0x1f;
        update_modem(u);
        update(u);
        ask_for_more(u);
        break;
    case 7:
        u->scr = value;
        break;
    default: /* LSR and MSR are read-only */
        break;
    }
}

static uint64_t uart_read(struct device *dev, uint64_t off, unsigned size)
{
    struct uart16550 *u = container_of(dev, struct uart16550, dev);
    if (u->shift != 0)
        return read_register(u, (unsigned)(off >> u->shift) & 7);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)read_register(u, (unsigned)(off + i) & 7) << (8 * i);
    return value;
}

static void uart_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct uart16550 *u = container_of(dev, struct uart16550, dev);
    if (u->shift != 0) {
        write_register(u, (unsigned)(off >> u->shift) & 7, (uint8_t)value);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        write_register(u, (unsigned)(off + i) & 7, (uint8_t)(value >> (8 * i)));
}

static const struct io_ops port_ops = {.read = uart_read, .write = uart_write};
/* With a stride the port sits on the CPU's own bus, at its low byte lane. */
static const struct io_ops wide_ops = {.read = uart_read, .write = uart_write, .native = true};

static void reset(struct device *dev)
{
    struct uart16550 *u = container_of(dev, struct uart16550, dev);
    u->ier = 0;
    u->fcr = 0;
    u->lcr = 0;
    u->mcr = MCR_OUT2;
    u->lsr = 0;
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    u->scr = 0;
    u->divisor = 12; /* 9600 baud */
    u->polls = 0;
    u->thr_pending = 0;
    u->break_waits = 0;
    memset(u->rx, 0, sizeof u->rx);
    clear_rx(u);
    update(u);
    ask_for_more(u);
}

static void loaded(struct device *dev)
{
    struct uart16550 *u = container_of(dev, struct uart16550, dev);
    dev_timer_set(&u->timer, u->timer.deadline);
    update(u);
}

static const struct state_field fields[] = {
    STATE(struct uart16550, ier),
    STATE(struct uart16550, fcr),
    STATE(struct uart16550, lcr),
    STATE(struct uart16550, mcr),
    STATE(struct uart16550, lsr),
    STATE(struct uart16550, msr),
    STATE(struct uart16550, scr),
    STATE(struct uart16550, divisor),
    STATE(struct uart16550, thr_pending),
    STATE(struct uart16550, polls),
    STATE(struct uart16550, timeout),
    STATE_ARRAY(struct uart16550, rx, uint8_t),
    STATE(struct uart16550, rx_head),
    STATE(struct uart16550, rx_count),
    STATE(struct uart16550, rx_broken),
    STATE(struct uart16550, break_waits),
    STATE(struct uart16550, starved),
    STATE(struct uart16550, timer.deadline),
    STATE_END,
};

static const struct dev_ops ops = {
    .name = "uart16550",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
    .input = input,
    .input_break = input_break,
    .input_ready = input_ready,
};

void uart16550_init(struct uart16550 *u, struct platform *p, const char *id, struct bus *bus,
                    uint64_t base, unsigned stride, struct irq out)
{
    *u = (struct uart16550){.out = out};
    while (1u << u->shift < stride && u->shift < 3)
        u->shift++;
    dev_init(&u->dev, &ops, id, p);
    dev_timer_init(&u->timer, &u->dev, fire);
    bus_map(bus, base, 8u << u->shift, u->shift == 0 ? &port_ops : &wide_ops, &u->dev, id);
    reset(&u->dev);
}
