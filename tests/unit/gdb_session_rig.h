/* A session with the fake target on the other side: packets in, packets out. For one test program
 * (its state is static). */
#ifndef TESTS_UNIT_GDB_SESSION_RIG_H
#define TESTS_UNIT_GDB_SESSION_RIG_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "gdb/session.h"
#include "tests/gdb/fake_target.h"

static struct fake_target *target;
static struct gdb_session s;
static struct buf got; /* the payload of the last packet that came back */
static unsigned packets, acks, naks;
static struct buf console; /* text of O packets */

/* Take the packets out of s.wire: check sums, expand runs, unescape. */
static void read_wire(void)
{
    const uint8_t *p = s.wire.data, *end = p + s.wire.len;
    for (; p < end && *p != '$'; p++) {
        acks += *p == '+';
        naks += *p == '-';
    }
    while (p < end) {
        uint8_t sum = 0;
        bool binary = false;
        buf_clear(&got);
        for (p++; *p != '#'; p++) {
            sum = (uint8_t)(sum + *p);
            if (*p == '*') {
                sum = (uint8_t)(sum + *++p);
                for (int k = *p - 29; k > 0; k--)
                    buf_putc(&got, got.data[got.len - 1]);
            } else if (*p == '}') {
                sum = (uint8_t)(sum + *++p);
                buf_putc(&got, *p ^ 0x20);
                binary = true;
            } else {
                buf_putc(&got, *p);
            }
        }
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", sum);
        ck_assert_mem_eq(p + 1, digits, 2);
        p += 3;
        packets++;
        if (got.len > 1 && got.data[0] == 'O' && got.data[1] != 'K') {
            ck_assert(!binary);
            for (size_t i = 1; i + 1 < got.len; i += 2)
                buf_putc(&console,
                         (uint8_t)(packet_digit(got.data[i]) << 4 | packet_digit(got.data[i + 1])));
        }
        for (; p < end && *p != '$'; p++)
            acks += *p == '+';
    }
    buf_clear(&s.wire);
}

static void send_bytes(const void *payload, size_t n)
{
    struct buf wire = {0};
    uint8_t sum = 0;
    buf_putc(&wire, '$');
    buf_put(&wire, payload, n);
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)payload)[i]);
    buf_printf(&wire, "#%02x", sum);
    ck_assert_uint_eq(gdb_session_input(&s, wire.data, wire.len), wire.len);
    buf_free(&wire);
}

/* Send a packet, let the target run to its stop, and return the last reply ("" if empty; NULL if
 * there was none). */
static const char *ask(const char *packet)
{
    packets = 0;
    buf_clear(&got);
    send_bytes(packet, strlen(packet));
    for (int i = 0; i < 1000 && gdb_session_running(&s); i++)
        gdb_session_slice(&s);
    ck_assert(!gdb_session_running(&s));
    read_wire();
    return packets == 0 ? NULL : buf_cstr(&got);
}

#define ASK(packet, reply) ck_assert_str_eq(ask(packet), reply)

static void check_prefix(const char *packet, const char *prefix)
{
    const char *reply = ask(packet);
    ck_assert_msg(reply != NULL && strncmp(reply, prefix, strlen(prefix)) == 0, "%s: %s", packet,
                  reply);
}

static void setup(void)
{
    target = fake_target_create(false);
    gdb_session_init(&s, &fake_target_ops, target);
    gdb_session_begin(&s);
    check_prefix("qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+", "PacketSize=100000;");
    ASK("QStartNoAckMode", "OK");
    acks = naks = 0;
}

static void teardown(void)
{
    gdb_session_end(&s);
    ck_assert_uint_eq(fake_target_points(target), 0);
    gdb_session_fini(&s);
    fake_target_destroy(target);
    buf_free(&got);
    buf_free(&console);
}

#endif
