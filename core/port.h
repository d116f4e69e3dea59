/*
 * The monitor's two doors. Inputs come in through a port, which also hears
 * what goes out; events go to the port's log. The recorder's port takes from
 * the host and logs, the replayer's takes from the trace and compares. The
 * monitor does not know which it is talking to.
 */
#ifndef CORE_PORT_H
#define CORE_PORT_H

#include "core/base/err.h"
#include "core/base/event.h"

struct monitor;
struct net_frame;
struct net_pages;

enum port_verdict {
    PORT_GO = 0,
    PORT_STOP = 1, /* end the run here (monitor_run returns RUN_STOPPED) */
};

struct port_ops {
    /* At the barrier before the epoch that starts at `cycle` (nominal, a multiple
     * of the epoch): deliver what is due by vm_console_input(), vm_power() and
     * monitor_frame(). A verdict, or a negative error. */
    int (*barrier)(void *port, struct monitor *m, uint64_t cycle, struct err *e);
    /* All vcpus sleep at the barrier `now`; the next thing that happens by
     * itself comes at `until` (UINT64_MAX: never). How far may time jump? *to is a
     * multiple of the epoch, now <= *to <= until; the barriers in between are
     * left out, the one at *to comes. May block to pace virtual to real time. A
     * verdict or a negative error. */
    int (*idle)(void *port, struct monitor *m, uint64_t now, uint64_t until, uint64_t *to,
                struct err *e);
    /* 4 KiB block `block` of base image `image`, that `vm` (0-based) reads
     * and has not written, perhaps not for the first time; the last block of an image is padded with zeros. Never
     * fails towards the guest: an error ends the run at the next barrier. */
    void (*disk_block)(void *port, unsigned vm, uint32_t image, uint64_t block, uint8_t *out);
    /* The guest printed on a console channel. */
    void (*console)(void *port, unsigned vm, unsigned channel, uint64_t cycle,
                    const uint8_t *bytes, size_t n);
    /* Between epochs: a frame passes the switch of that network, from (or towards) a port of it
     * (core/net.h). May be NULL. */
    void (*frame)(void *port, unsigned network, bool towards, uint64_t ns,
                  const struct net_frame *f, const struct net_pages *pages);
    /* Between epochs: a frame leaves by the gateway of that network. NULL: nobody is out there. */
    void (*outside)(void *port, unsigned network, const struct net_frame *f,
                    const struct net_pages *pages);
    /* Where the threads of the VMs have all of the host's processors, what the port has to do aside
     * is done on them, on any of them and on several at once. Both are there, or none (NULL).
     * While a thread waits for others, at any time within monitor_run: about ten microseconds of it.
     * False: there was nothing to do. */
    bool (*spare)(void *port);
    /* As a part of an epoch: more of it, if that time does not suffice. True: it still may not. */
    bool (*overdue)(void *port);
};

struct port {
    const struct port_ops *ops;
    void *ctx;
    struct event_log *log;
};

#endif
