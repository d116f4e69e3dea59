/* Ports of the host whose connections go to a guest: qemu's hostfwd. */
#ifndef RECORD_HOSTFWD_H
#define RECORD_HOSTFWD_H

#include "core/base/base.h"

#define HOSTFWDS_MAX 16 /* of a network */

struct hostfwd {
    bool udp;                       /* or TCP */
    uint32_t host_addr, guest_addr; /* 192.0.2.1 is 0xc0000201 */
    uint16_t host_port, guest_port;
    const char *text; /* for messages; the owner's */
};

struct hostfwds {
    struct hostfwd fwd[HOSTFWDS_MAX];
    size_t count;
};

#define HOSTFWD_WANTED                                                                             \
    "\"tcp:127.0.0.1:2222-:22\" (tcp or udp, address and port of the host, of "                    \
    "the guest; addresses may be left out)"

/* All of `text`, which is kept. Without an address it is any of the host's, and that of the first
 * guest (10.0.2.15). False: it is something else, and *out is unchanged. */
bool hostfwd_parse(const char *text, struct hostfwd *out);

#endif
