/* "monitor net" and "monitor frame": the virtual networks, and the way of one frame. */
#include <inttypes.h>
#include <stdlib.h>

#include "gdb/vm_monitor.h"

#define FRAMES_SHOWN 8
#define EVENTS_AHEAD 4000000u /* in which a frame's arrival is looked for */

enum { FRAME_NIC, FRAME_DIR, FRAME_ID, FRAME_LENGTH }; /* arguments of EVENT_FRAME */

static void put_queue(struct buf *out, const struct net_queue *q, const char *where)
{
    uint64_t n = net_queue_count(q);
    if (n == 0)
        return;
    buf_printf(out, "      %" PRIu64 " %s, %" PRIu64 " bytes:", n, where, q->bytes);
    for (uint64_t i = q->head; i != q->tail && i - q->head < FRAMES_SHOWN; i++) {
        uint64_t value = radix_get(&q->frames, i % NET_QUEUE_FRAMES);
        const struct net_frame *f = (const struct net_frame *)(uintptr_t)value;
        if (f != NULL)
            buf_printf(out, " 0x%" PRIx64 " (%" PRIu32 " bytes, due %" PRIu64 ".%09" PRIu64 ")",
                       f->id, f->len, f->due / 1000000000u, f->due % 1000000000u);
    }
    buf_puts(out, n > FRAMES_SHOWN ? " ...\n" : "\n");
}

static void put_way(struct buf *out, const char *direction, const struct way_config *w)
{
    buf_printf(out, "      %s latency %" PRIu64 " ns, jitter %" PRIu64 " ns, %" PRIu64
               " bit/s, queue %" PRIu64 " bytes, loss %" PRIu32 " per million\n",
               direction, w->latency_ns, w->jitter_ns, w->bandwidth, w->queue, w->loss_ppm);
}

static void put_port(struct vm_target *t, unsigned port, struct buf *out)
{
    const struct net_line *l = &t->timeline->replayer.monitor->net.line[port];
    if (net_is_gateway(port)) {
        buf_puts(out, "  gateway");
    } else {
        const struct vm *vm = timeline_vm(t->timeline, net_port_vm(port));
        const uint8_t *mac = vm->config->nics[net_port_nic(port)].mac;
        buf_printf(out, "  %s nic %u, %02x:%02x:%02x:%02x:%02x:%02x", vm->config->name,
                   net_port_nic(port), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    }
    buf_printf(out, ": sent %" PRIu64 " frames (%" PRIu64 " bytes), got %" PRIu64 " (%" PRIu64
               " bytes); lost %" PRIu64 ", too long %" PRIu64 ", line full %" PRIu64
               ", no room %" PRIu64 "\n",
               l->sent, l->sent_bytes, l->got, l->got_bytes, l->lost[NET_LOST],
               l->lost[NET_TOO_LONG], l->lost[NET_LINE_FULL], l->lost[NET_NO_ROOM]);
    buf_printf(out, "      MTU %" PRIu32 "\n", l->mtu);
    put_way(out, "out:", &l->out.config);
    put_way(out, "in: ", &l->in.config);
    put_queue(out, &l->queue, "on the way to the switch");
    if (net_is_gateway(port))
        return;
    struct device *nic = vm_nic(timeline_vm(t->timeline, net_port_vm(port)), net_port_nic(port));
    if (nic != NULL && nic->ops->inbox != NULL)
        put_queue(out, nic->ops->inbox(nic), "on the way to the card, or waiting there");
}

void vm_monitor_net(struct vm_target *t, char *args, struct buf *out)
{
    const struct monitor *m = t->timeline->replayer.monitor;
    (void)args;
    if (m->config.networks_count == 0)
        buf_puts(out, "there are no networks in this run\n");
    for (unsigned i = 0; i < m->config.networks_count; i++) {
        buf_printf(out, "network %s\n", m->config.networks[i].name);
        for (unsigned port = 0; port < NET_PORTS; port++)
            if (m->net.line[port].attached && m->net.line[port].network == i)
                put_port(t, port, out);
    }
}

/* ---- one frame ---- */

static void put_frame_event(const struct vm_target *t, const struct event *ev, struct buf *out)
{
    static const char *const what[] = {"sent by", "received by", "lost on the line of",
                                       "no room for it at"};
    buf_puts(out, "  ");
    vm_monitor_put_place(out, ev->vm, ev->step);
    buf_printf(out, "%s %s nic %" PRIu64 ", pc %08" PRIx64 "\n",
               ev->arg[FRAME_DIR] < ARRAY_LEN(what) ? what[ev->arg[FRAME_DIR]] : "?",
               timeline_vm(t->timeline, ev->vm)->config->name, ev->arg[FRAME_NIC],
               ev->pc & 0xffffffffu);
}

static bool is_frame(const struct vm_target *t, const struct event *ev)
{
    return ev->kind == EVENT_FRAME && ev->vm < timeline_vms(t->timeline);
}

/* The event before number `end` that is about this frame and in that direction, or with `any` the
 * last frame that the selected VM got. Its number; UINT64_MAX: there is none. */
static uint64_t find_before(struct vm_target *t, uint64_t end, bool any, uint64_t id,
                            uint64_t dir, struct event *found)
{
    struct replayer *r = &t->timeline->replayer;
    size_t b = r->batches_count;
    while (b > 0 && r->batches[b - 1].first >= end)
        b--;
    while (b-- > 0) {
        const struct event *ev = replayer_look(r, b);
        uint64_t i = min_u64(r->batches[b].count, end - r->batches[b].first);
        while (ev != NULL && i-- > 0) {
            if (!is_frame(t, &ev[i]) || ev[i].arg[FRAME_DIR] != dir ||
                (any ? ev[i].vm != t->selected : ev[i].arg[FRAME_ID] != id))
                continue;
            *found = ev[i];
            return r->batches[b].first + i;
        }
    }
    return UINT64_MAX;
}

/* Where it came in, or was lost: events from number `from` on. */
static void put_arrivals(struct vm_target *t, uint64_t from, uint64_t id, struct buf *out)
{
    struct replayer *r = &t->timeline->replayer;
    uint64_t end = from + EVENTS_AHEAD;
    unsigned arrivals = 0;
    for (size_t b = 0; b < r->batches_count && r->batches[b].first < end && arrivals == 0; b++) {
        if (r->batches[b].first + r->batches[b].count <= from)
            continue;
        const struct event *ev = replayer_look(r, b);
        for (uint32_t i = 0; ev != NULL && i < r->batches[b].count; i++) {
            if (r->batches[b].first + i < from || !is_frame(t, &ev[i]) ||
                ev[i].arg[FRAME_ID] != id || ev[i].arg[FRAME_DIR] == 0)
                continue;
            put_frame_event(t, &ev[i], out);
            arrivals++;
        }
    }
}

void vm_monitor_frame(struct vm_target *t, char *args, struct buf *out)
{
    struct replayer *r = &t->timeline->replayer;
    const char *word = vm_monitor_word(&args);
    struct event ev;
    uint64_t id, at;
    if (word == NULL) {
        if (find_before(t, r->at.event, true, 0, 1, &ev) == UINT64_MAX) {
            buf_puts(out, "this VM got no frame before here\n");
            return;
        }
        id = ev.arg[FRAME_ID];
    } else if (!vm_monitor_number(word, &id)) {
        buf_puts(out, "usage: frame [ID] (as in \"monitor events frame\", with 0x)\n");
        return;
    }
    at = find_before(t, r->events_count, false, id, 0, &ev);
    if (at == UINT64_MAX) {
        buf_printf(out, "no VM sent a frame 0x%" PRIx64 "\n", id);
        return;
    }
    buf_printf(out, "frame 0x%" PRIx64 ", %" PRIu64 " bytes (\"monitor seek PID:STEP\" goes to)\n", id,
               ev.arg[FRAME_LENGTH]);
    put_frame_event(t, &ev, out);
    put_arrivals(t, at, id, out);
}
