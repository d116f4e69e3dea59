/* Registers and memory. */
#include <string.h>

#include "gdb/cmd_priv.h"

#define READ_MAX   (PACKET_SIZE_MAX / 2)
#define CRC_MAX    ((uint64_t)64 << 20) /* bytes that one qCRC may read; it holds up everything */
#define SEARCH_MAX ((uint64_t)256 << 20)
#define BLOCK      4096

static void put_reg(struct gdb_session *s, struct gdb_tid tid, unsigned number)
{
    uint8_t bytes[GDB_REG_BYTES];
    unsigned n = s->reg_at[number]->bits / 8;
    if (s->ops->read_reg(s->target, tid, number, bytes))
        packet_put_hex(&s->reply, bytes, n);
    else
        for (unsigned i = 0; i < n; i++)
            buf_puts(&s->reply, "xx");
}

void cmd_read_regs(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    struct gdb_tid tid;
    if (!session_general(s, &tid))
        return session_error(s, WIRE_ESRCH);
    for (unsigned i = 0; i < s->g_regs; i++)
        put_reg(s, tid, i);
}

void cmd_read_reg(struct gdb_session *s, struct pktargs *a)
{
    uint64_t number;
    struct gdb_tid tid;
    if (!args_hex(a, &number) || number >= GDB_REGS_MAX || s->reg_at[number] == NULL ||
        !session_general(s, &tid))
        return session_error(s, WIRE_EINVAL);
    put_reg(s, tid, (unsigned)number);
}

static bool write_reg(struct gdb_session *s, struct gdb_tid tid, unsigned number,
                      const uint8_t *bytes)
{
    struct err e = {0};
    if (s->ops->write_reg(s->target, tid, number, bytes, &e) >= 0)
        return true;
    session_error_text(s, e.code != 0 ? e.msg : "the register cannot be written");
    return false;
}

void cmd_write_reg(struct gdb_session *s, struct pktargs *a)
{
    uint64_t number;
    struct gdb_tid tid;
    struct buf bytes = {0};
    if (s->ops->write_reg == NULL)
        return;
    if (!args_hex(a, &number) || number >= GDB_REGS_MAX || s->reg_at[number] == NULL ||
        !args_char(a, '=') || !args_bytes(a, 0, &bytes, GDB_REG_BYTES) ||
        bytes.len != s->reg_at[number]->bits / 8u || !session_general(s, &tid))
        session_error(s, WIRE_EINVAL);
    else if (write_reg(s, tid, (unsigned)number, bytes.data))
        buf_puts(&s->reply, "OK");
    buf_free(&bytes);
}

/* Only registers that change are written: a write may fork the timeline. */
void cmd_write_regs(struct gdb_session *s, struct pktargs *a)
{
    struct gdb_tid tid;
    struct buf bytes = {0};
    uint8_t old[GDB_REG_BYTES];
    size_t at = 0;
    if (s->ops->write_reg == NULL)
        return;
    if (!args_bytes(a, 0, &bytes, PACKET_SIZE_MAX) || !session_general(s, &tid)) {
        session_error(s, WIRE_EINVAL);
        goto out;
    }
    for (unsigned i = 0; i < s->g_regs; i++) {
        size_t n = s->reg_at[i]->bits / 8;
        if (bytes.len - at < n)
            break;
        bool differs = !s->ops->read_reg(s->target, tid, i, old) ||
                       memcmp(old, bytes.data + at, n) != 0;
        if (differs && !write_reg(s, tid, i, bytes.data + at))
            goto out;
        at += n;
    }
    buf_puts(&s->reply, "OK");
out:
    buf_free(&bytes);
}

void cmd_read_mem(struct gdb_session *s, struct pktargs *a)
{
    uint64_t va, n;
    struct gdb_tid tid;
    if (!args_hex_pair(a, &va, &n) || n == 0 || !session_general(s, &tid))
        return session_error(s, WIRE_EINVAL);
    if (n > READ_MAX)
        n = READ_MAX;
    struct buf bytes = {0};
    size_t got = s->ops->read_mem(s->target, tid, va, buf_reserve(&bytes, n), n);
    if (got == 0)
        session_error(s, WIRE_EFAULT);
    else
        packet_put_hex(&s->reply, bytes.data, got);
    buf_free(&bytes);
}

/* Length 0 is how the client asks whether X is supported. */
static void write_mem(struct gdb_session *s, uint64_t va, uint64_t n, const uint8_t *bytes,
                      size_t have)
{
    struct gdb_tid tid;
    if (n != have || !session_general(s, &tid))
        session_error(s, WIRE_EINVAL);
    else if (n != 0 && s->ops->write_mem(s->target, tid, va, bytes, n, NULL) < 0)
        session_error(s, WIRE_EFAULT);
    else
        buf_puts(&s->reply, "OK");
}

void cmd_write_mem(struct gdb_session *s, struct pktargs *a)
{
    uint64_t va, n;
    if (s->ops->write_mem == NULL)
        return;
    if (!args_hex_pair(a, &va, &n) || !args_char(a, ':'))
        return session_error(s, WIRE_EINVAL);
    write_mem(s, va, n, a->p, args_left(a));
}

void cmd_write_mem_hex(struct gdb_session *s, struct pktargs *a)
{
    uint64_t va, n;
    struct buf bytes = {0};
    if (s->ops->write_mem == NULL)
        return;
    if (!args_hex_pair(a, &va, &n) || !args_char(a, ':') ||
        !args_bytes(a, 0, &bytes, PACKET_SIZE_MAX))
        session_error(s, WIRE_EINVAL);
    else
        write_mem(s, va, n, bytes.data, bytes.len);
    buf_free(&bytes);
}

/* CRC-32 with polynomial 04c11db7, most significant bit first, no final inversion. */
static uint32_t crc_add(uint32_t crc, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)bytes[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 != 0 ? 0x04c11db7 : 0);
    }
    return crc;
}

void cmd_crc(struct gdb_session *s, struct pktargs *a)
{
    uint64_t va, n;
    struct gdb_tid tid;
    uint8_t bytes[BLOCK];
    uint32_t crc = 0xffffffff;
    if (!args_hex_pair(a, &va, &n) || n > CRC_MAX || !session_general(s, &tid))
        return session_error(s, WIRE_EINVAL);
    while (n > 0) {
        size_t want = n < BLOCK ? (size_t)n : BLOCK;
        size_t got = s->ops->read_mem(s->target, tid, va, bytes, want);
        if (got != want)
            return session_error(s, WIRE_EFAULT);
        crc = crc_add(crc, bytes, got);
        va += got;
        n -= got;
    }
    buf_printf(&s->reply, "C%08x", crc);
}

void cmd_search(struct gdb_session *s, struct pktargs *a)
{
    uint64_t va, n;
    struct gdb_tid tid;
    if (!args_hex(a, &va) || !args_char(a, ';') || !args_hex(a, &n) || !args_char(a, ';') ||
        args_left(a) == 0 || n > SEARCH_MAX || !session_general(s, &tid))
        return session_error(s, WIRE_EINVAL);
    size_t length = args_left(a);
    struct buf block = {0};
    buf_reserve(&block, BLOCK + length);
    buf_puts(&s->reply, "0");
    while (n >= length) {
        size_t want = (size_t)min_u64(n, BLOCK + length - 1);
        size_t got = s->ops->read_mem(s->target, tid, va, block.data, want);
        const uint8_t *found = memmem(block.data, got, a->p, length);
        if (found != NULL) {
            buf_clear(&s->reply);
            buf_printf(&s->reply, "1,%llx",
                       (unsigned long long)(va + (uint64_t)(found - block.data)));
            break;
        }
        if (got != want) {
            session_error(s, WIRE_EFAULT);
            break;
        }
        va += want - (length - 1);
        n -= want - (length - 1);
    }
    buf_free(&block);
}

void cmd_get_phys(struct gdb_session *s, struct pktargs *a)
{
    (void)a;
    if (s->ops->get_phys_mode != NULL)
        buf_puts(&s->reply, s->ops->get_phys_mode(s->target) ? "1" : "0");
}

void cmd_set_phys(struct gdb_session *s, struct pktargs *a)
{
    uint64_t on;
    if (s->ops->set_phys_mode == NULL)
        return;
    if (!args_hex(a, &on) || on > 1)
        return session_error(s, WIRE_EINVAL);
    s->ops->set_phys_mode(s->target, on == 1);
    buf_puts(&s->reply, "OK");
}
