/* Frames that leave by a gateway and come in by it, up to whole machines with a fake outside. */
#include <check.h>
#include <stdlib.h>

#include "core/net_segment.h"
#include "core/net_wire.h"
#include "tests/unit/monitor_rig.h"
#include "tests/unit/net_pages.h"

#define LATENCY   250000u
#define BROADCAST UINT64_C(0xffffffffffff)

static void put_mac(uint8_t *p, uint64_t mac)
{
    st_be16(p, (uint16_t)(mac >> 32));
    st_be32(p + 2, (uint32_t)mac);
}

/* ---- a network ---- */

struct world {
    struct fake_pages fp;
    struct net net;
    unsigned delivered, left, lost;
    uint64_t last_id, last_due;
    uint8_t last_byte;
};

static bool deliver(void *ctx, unsigned port, struct net_frame *f)
{
    struct world *w = ctx;
    ck_assert_uint_eq(port, net_port(0, 0));
    w->delivered++;
    w->last_id = f->id;
    w->last_due = f->due;
    net_frame_discard(f, &w->fp.pages);
    return true;
}

static void leave(void *ctx, unsigned port, const struct net_frame *f,
                  const struct net_pages *pages)
{
    struct world *w = ctx;
    ck_assert_uint_eq(port, net_gateway(0));
    w->left++;
    net_frame_read(f, pages, f->len - 1, &w->last_byte, 1);
}

static void lose(void *ctx, unsigned port, const struct net_frame *f, uint32_t len,
                 enum net_loss why)
{
    struct world *w = ctx;
    (void)port;
    (void)f;
    (void)len;
    (void)why;
    w->lost++;
}

static const struct net_ops ops = {.deliver = deliver, .outside = leave, .lost = lose};

static struct world *world_create(void)
{
    struct world *w = xcalloc(1, sizeof *w);
    fake_pages_init(&w->fp);
    net_init(&w->net, 1, &ops, w);
    net_attach(&w->net, net_port(0, 0), 0,
               &(struct link_config){.out = {LATENCY}, .in = {LATENCY}, .mtu = 9000}, &w->fp.pages);
    net_attach(&w->net, net_gateway(0), 0, &(struct link_config){.mtu = 4100}, &w->fp.pages);
    return w;
}

static void world_destroy(struct world *w)
{
    net_fini(&w->net);
    free(w);
}

/* A frame of `len` bytes and a page of nines, if that is asked for. */
static void send_out(struct world *w, size_t len, bool page)
{
    uint8_t content[PAGE_SIZE];
    struct net_frame *f = net_frame_create(NET_FRAME_ID(0, 0, 1), 0, NULL);
    uint8_t *p = net_frame_add_bytes(f, len);
    memset(p, 0, len);
    put_mac(p, BROADCAST);
    put_mac(p + 6, 0x52);
    memset(content, 9, sizeof content);
    if (page)
        net_frame_add_page(f, fake_page_new(&w->fp, content));
    net_frame_seal(f, &w->fp.pages);
    net_send(&w->net, net_port(0, 0), f);
}

/* A page is read, and no hold on it is left. */
START_TEST(leaves)
{
    struct world *w = world_create();
    struct net_line *gateway = &w->net.line[net_gateway(0)];
    send_out(w, 18, true);
    net_barrier(&w->net, LATENCY);
    ck_assert_uint_eq(w->left, 1);
    ck_assert_uint_eq(w->last_byte, 9);
    ck_assert_uint_eq(fake_pages_held(&w->fp), 0);
    ck_assert_uint_eq(gateway->got, 1);
    ck_assert_uint_eq(gateway->got_bytes, 18 + PAGE_SIZE);
    send_out(w, 4100 + NET_HEADER + 1, false);
    send_out(w, 4100 + NET_HEADER, false);
    net_barrier(&w->net, 2 * LATENCY);
    ck_assert_uint_eq(w->left, 2);
    ck_assert_uint_eq(gateway->lost[NET_TOO_LONG], 1);
    ck_assert_uint_eq(w->lost, 0);
    world_destroy(w);
}
END_TEST

/* What comes in has numbers of its own and passes the switch at the next barrier. */
START_TEST(comes_in)
{
    struct world *w = world_create();
    uint8_t frame[NET_FRAME_MAX] = {0};
    put_mac(frame, 0x52);
    put_mac(frame + 6, 0x020000000001);
    net_send_in(&w->net, 0, 1000, frame, 60);
    ck_assert_uint_eq(w->delivered, 0);
    ck_assert_uint_eq(net_next(&w->net), 1000);
    net_barrier(&w->net, 1000);
    ck_assert_uint_eq(w->delivered, 1);
    ck_assert_uint_eq(w->last_id, NET_FRAME_ID(NET_OUTSIDE, 0, 1));
    ck_assert_uint_eq(w->last_due, 1000 + LATENCY);
    /* Lost ones have numbers, too. */
    net_send_in(&w->net, 0, 2000, frame, sizeof frame);
    net_send_in(&w->net, 0, 2000, frame, NET_HEADER);
    net_barrier(&w->net, 5000);
    ck_assert_uint_eq(w->delivered, 2);
    ck_assert_uint_eq(w->lost, 1);
    ck_assert_uint_eq(w->last_id, NET_FRAME_ID(NET_OUTSIDE, 0, 3));
    ck_assert_uint_eq(w->left, 0); /* not back to where it came from */
    world_destroy(w);
}
END_TEST

/* ---- frames as on a wire ---- */

struct seen {
    unsigned frames;
    size_t bytes;
    uint8_t last[200];
};

static void see(void *ctx, const uint8_t *bytes, size_t n)
{
    struct seen *s = ctx;
    s->frames++;
    s->bytes += n;
    memcpy(s->last, bytes, min_u64(n, sizeof s->last));
}

static struct seen wire_of(const uint8_t *bytes, size_t n, const struct net_offload *o)
{
    struct fake_pages *fp = xcalloc(1, sizeof *fp);
    struct net_wire wire = {0};
    struct seen s = {0};
    fake_pages_init(fp);
    struct net_frame *f = net_frame_create(1, 0, o);
    memcpy(net_frame_add_bytes(f, n), bytes, n);
    net_frame_seal(f, &fp->pages);
    net_wire_each(&wire, f, &fp->pages, see, &s);
    net_frame_unref(f);
    net_wire_free(&wire);
    free(fp);
    return s;
}

START_TEST(wire)
{
    uint8_t tcp[14 + 20 + 20 + 1000] = {0};
    st_be16(tcp + 12, 0x0800);
    tcp[14] = 0x45;
    tcp[14 + 9] = 6;
    tcp[34 + 12] = 0x50;
    memset(tcp + 54, 1, 1000);
    struct net_offload o = {.flags = NET_NEEDS_CSUM,
                            .gso_type = NET_GSO_TCPV4,
                            .gso_size = 400,
                            .csum_start = 34,
                            .csum_offset = 16};
    struct seen s = wire_of(tcp, sizeof tcp, &o);
    ck_assert_uint_eq(s.frames, 3);
    ck_assert_uint_eq(s.bytes, 3 * 54 + 1000);
    ck_assert_uint_eq(ld_be16(s.last + 16), 240); /* IP's length of the last */
    ck_assert_uint_ne(ld_be16(s.last + 50), 0);
    /* As it is where it makes no sense, with the sum that was asked for, or without. */
    tcp[14] = 0;
    s = wire_of(tcp, sizeof tcp, &o);
    ck_assert_uint_eq(s.frames, 1);
    ck_assert_uint_ne(ld_be16(s.last + 50), 0);
    s = wire_of(tcp, sizeof tcp, NULL);
    ck_assert_uint_eq(s.frames, 1);
    ck_assert_uint_eq(memcmp(s.last, tcp, sizeof s.last), 0);
}
END_TEST

/* ---- machines ---- */

static unsigned seen_outside, seen_at_switch;

static void outside(void *port, unsigned network, const struct net_frame *f,
                    const struct net_pages *pages)
{
    (void)port;
    (void)pages;
    ck_assert_uint_eq(network, 1);
    ck_assert_uint_ge(f->len, NET_HEADER);
    seen_outside++;
}

static void at_switch(void *port, unsigned network, bool towards, uint64_t ns,
                      const struct net_frame *f, const struct net_pages *pages)
{
    (void)port;
    (void)ns;
    uint8_t first;
    net_frame_read(f, pages, 0, &first, 1);
    ck_assert_uint_eq(network, 1);
    seen_at_switch += !towards;
}

/* The second network has a gateway. Frames meet the card at the begin of an epoch. */
static void add_network(struct monitor_config *config)
{
    config->networks[0] = (struct network_config){.name = "apart"};
    config->networks[1] = (struct network_config){.name = "out", .gateway = true};
    config->networks_count = 2;
    config->vms[0].nics_count = 1;
    config->vms[0].nics[0] = (struct nic_config){
        .network = 1, .mac = {2, 0, 0, 0, 0, 1}, .link = {.out = {100000}, .in = {100000}, .mtu = 1500}};
}

#define EPOCHS 400

struct past {
    uint64_t devices[EPOCHS];
};

/* Runs with frames that come in at some epochs, and keeps the devices' digest at each epoch that
 * there is. */
static void run_with_frames(struct mrig *r, struct past *past, uint64_t until)
{
    uint8_t frame[60] = {0};
    put_mac(frame, BROADCAST);
    put_mac(frame + 6, 0x020000000002);
    while (mrig_cycle(r) < until * r->m->epoch_cycles) {
        uint64_t epoch = r->m->epoch;
        if (epoch % 7 == 0 && !r->m->barrier_done) {
            frame[20] = (uint8_t)epoch;
            monitor_frame(r->m, 1, frame, sizeof frame);
        }
        past->devices[epoch] = monitor_digest(r->m, 0, false).devices;
        mrig_run(r, UINT64_MAX, (epoch + 1) * r->m->epoch_cycles);
    }
}

/* Machines to which frames come, and a snapshot in the middle: the same again. */
START_TEST(machine)
{
    struct guest g;
    struct past first = {{0}}, second = {{0}};
    guest_worker(&g, 20000);
    struct mrig_options o = {.guest = &g, .configure = add_network};
    struct mrig *r = mrig_create(&o);
    struct port_ops port = *r->m->port.ops;
    port.outside = outside;
    port.frame = at_switch;
    r->m->port.ops = &port;
    seen_outside = seen_at_switch = 0;
    run_with_frames(r, &first, 100);
    ck_assert_uint_eq(seen_at_switch, 15); /* of epochs 0 to 98 */
    struct snapshot *s = monitor_snapshot(r->m);
    run_with_frames(r, &first, 200);
    ck_assert_uint_eq(seen_at_switch, 29);
    monitor_restore(r->m, s);
    run_with_frames(r, &second, 200);
    ck_assert_uint_eq(seen_at_switch, 29 + 14);
    ck_assert_int_eq(
        memcmp(first.devices + 100, second.devices + 100, 100 * sizeof first.devices[0]), 0);
    ck_assert_uint_ne(first.devices[105], first.devices[106]);
    ck_assert_uint_eq(seen_outside, 0);
    snapshot_free(r->m, s);
    mrig_destroy(r);
}
END_TEST

/* A guest that sleeps most of the time. Whether time jumps to where a frame is due, or goes there
 * epoch by epoch, what is there when it arrives is the same. */
static uint64_t at_arrival(bool random_idle, uint64_t seed, uint64_t latency_epochs)
{
    struct guest g;
    guest_begin(&g, 30000);
    guest_put(&g, WAIT_W);
    guest_back(&g, BEQ_W(ZERO, ZERO, 0), g.at - 1);
    struct mrig_options o = {
        .guest = &g, .configure = add_network, .random_idle = random_idle, .seed = seed};
    struct mrig *r = mrig_create(&o);
    mrig_run(r, UINT64_MAX, 10 * r->m->epoch_cycles);
    r->m->net.line[net_port(0, 0)].out.config.latency_ns = latency_epochs * 100000;
    struct net_frame *f = net_frame_create(NET_FRAME_ID(0, 0, 1), 10 * 100000, NULL);
    memset(net_frame_add_bytes(f, 60), 1, 60);
    net_frame_seal(f, NULL);
    net_send(&r->m->net, net_port(0, 0), f);
    uint64_t due = 10 + latency_epochs;
    mrig_run(r, UINT64_MAX, due * r->m->epoch_cycles);
    ck_assert_uint_eq(mrig_cycle(r), due * r->m->epoch_cycles);
    uint64_t digest = monitor_digest(r->m, 0, false).devices;
    mrig_destroy(r);
    return digest;
}

START_TEST(any_idle)
{
    for (uint64_t latency = 1; latency < 12; latency++) {
        uint64_t want = at_arrival(false, 0, latency);
        for (uint64_t seed = 1; seed < 6; seed++)
            ck_assert_uint_eq(at_arrival(true, seed, latency), want);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net_outside");
    TCase *tc = tcase_create("net_outside");
    tcase_add_test(tc, leaves);
    tcase_add_test(tc, comes_in);
    tcase_add_test(tc, wire);
    tcase_add_test(tc, machine);
    tcase_add_test(tc, any_idle);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
