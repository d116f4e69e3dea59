/*
 * One fuzz case: a client that says what the bytes say, against the fake
 * target. The first byte chooses: even, the rest is the raw stream; odd, it is
 * packets separated by 0xff, which get a correct frame here (so that mutations
 * reach the commands instead of dying at the checksum).
 */
#include "tests/fuzz_gdb/fuzz_gdb.h"

#include "gdb/session.h"
#include "tests/gdb/fake_target.h"

#define SLICES_MAX 50

static void run_to_stop(struct gdb_session *s)
{
    for (int i = 0; gdb_session_running(s); i++) {
        if (i == SLICES_MAX)
            CHECK(gdb_session_input(s, (const uint8_t *)"\3", 1) <= 1, "input");
        CHECK(i < 2 * SLICES_MAX, "the run does not end");
        gdb_session_slice(s);
    }
}

/* The wire may hold complete packets and acks only. */
static void check_wire(struct gdb_session *s)
{
    const struct buf *w = &s->wire;
    for (size_t i = 0; i < w->len; i++) {
        if (w->data[i] != '$') {
            CHECK(w->data[i] == '+' || w->data[i] == '-', "byte %02x on the wire", w->data[i]);
            continue;
        }
        uint8_t sum = 0;
        for (i++; i < w->len && w->data[i] != '#'; i++)
            sum = (uint8_t)(sum + w->data[i]);
        CHECK(i + 2 < w->len, "cut packet");
        CHECK((packet_digit(w->data[i + 1]) << 4 | packet_digit(w->data[i + 2])) == sum, "sum");
        i += 2;
    }
    buf_clear(&s->wire);
}

static void send_raw(struct gdb_session *s, const uint8_t *p, size_t n)
{
    size_t used = 0;
    do {
        used += gdb_session_input(s, p + used, n - used);
        run_to_stop(s);
        check_wire(s);
    } while (used < n);
}

static void send_packets(struct gdb_session *s, const uint8_t *p, size_t n)
{
    struct buf wire = {0};
    while (n > 0) {
        size_t length = 0;
        uint8_t sum = 0;
        while (length < n && p[length] != 0xff)
            sum = (uint8_t)(sum + p[length++]);
        buf_clear(&wire);
        buf_putc(&wire, '$');
        buf_put(&wire, p, length);
        buf_printf(&wire, "#%02x", sum);
        send_raw(s, wire.data, wire.len);
        length += length < n;
        p += length;
        n -= length;
    }
    buf_free(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fake_target *target;
    struct gdb_session s;
    if (target == NULL)
        target = fake_target_create(false);
    CHECK(fake_target_ops.restart(target, 0, NULL) == 0, "restart");
    gdb_session_init(&s, &fake_target_ops, target);
    gdb_session_begin(&s);
    if (n > 0 && data[0] % 2 == 0)
        send_raw(&s, data + 1, n - 1);
    else if (n > 0)
        send_packets(&s, data + 1, n - 1);
    gdb_session_end(&s);
    CHECK(!gdb_session_running(&s), "still running");
    CHECK(fake_target_points(target) == 0, "points left behind");
    gdb_session_fini(&s);
    return 0;
}
