/*
 * Traffic between two machines, for the streams guest.
 *
 *   streams receive            takes TCP connections on port 5000 and datagrams on port 5001 until
 *                              the sender says on port 5002 that it is done; compares what comes
 *   streams send PEER N SECS   N connections that send as fast as they can for so long
 *   streams flood PEER LEN SECS  datagrams of that length, as fast as they go
 *   streams offload DEV 0|1    whether the card gets long frames and unfinished checksums
 *
 * What is sent repeats after 1 MiB, half of it pages of zeros. The last line begins with RECEIVED or
 * SENT; FAIL begins one about data that differ, or about a connection on which nothing came for
 * STALL_SECONDS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#define PORT_TCP      5000
#define PORT_UDP      5001
#define PORT_DONE     5002
#define CONNECTIONS   64
#define STALL_SECONDS 20
#define PATTERN       (1 << 20)
#define STEP          65536

struct connection {
    uint64_t bytes;
    double last; /* when something came */
};

static uint8_t pattern[PATTERN + STEP] __attribute__((aligned(4096)));
static uint8_t buffer[STEP + 4096];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    printf("FAIL %s: %s\n", what, strerror(errno));
    exit(1);
}

static void make_pattern(void)
{
    uint32_t x = 1;
    for (unsigned i = 0; i < sizeof pattern; i++) {
        x = x * 1664525u + 1013904223u;
        pattern[i] = (i >> 13 & 1) != 0 ? 0 : (uint8_t)(x >> 24);
    }
    memcpy(pattern + PATTERN, pattern, STEP);
}

static struct sockaddr_in address(const char *host, unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = host == NULL ? INADDR_ANY : inet_addr(host);
    return a;
}

static int open_port(int type, unsigned port)
{
    int s = socket(AF_INET, type, 0), one = 1, room = 4 << 20;
    struct sockaddr_in a = address(NULL, port);
    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(s, (struct sockaddr *)&a, sizeof a) < 0 ||
        (type == SOCK_STREAM && listen(s, CONNECTIONS) < 0))
        die("bind");
    if (type == SOCK_DGRAM)
        setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return s;
}

static int connect_to(const char *host, unsigned port)
{
    struct sockaddr_in a = address(host, port);
    for (double begin = now();;) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (s >= 0 && connect(s, (struct sockaddr *)&a, sizeof a) == 0)
            return s;
        if (now() - begin > 60)
            die("connect");
        close(s);
        usleep(100000);
    }
}

/* False: it ended. */
static int take_stream(int s, struct connection *c)
{
    ssize_t n = read(s, buffer, STEP);
    if (n < 0)
        die("read");
    if (memcmp(buffer, pattern + c->bytes % PATTERN, (size_t)n) != 0)
        die("bytes differ");
    c->bytes += (uint64_t)n;
    c->last = now();
    return n > 0;
}

enum { LISTEN, DATAGRAMS, DONE, FIRST };

static int receive(void)
{
    struct pollfd p[FIRST + CONNECTIONS] = {
        [LISTEN] = {open_port(SOCK_STREAM, PORT_TCP), POLLIN, 0},
        [DATAGRAMS] = {open_port(SOCK_DGRAM, PORT_UDP), POLLIN, 0},
        [DONE] = {open_port(SOCK_STREAM, PORT_DONE), POLLIN, 0},
    };
    static struct connection all[FIRST + CONNECTIONS];
    unsigned used = FIRST, open = 0, packets = 0;
    uint64_t stream_bytes = 0, datagram_bytes = 0, least = UINT64_MAX;
    double begin = 0;
    for (;;) {
        if (poll(p, used, 1000) < 0)
            die("poll");
        for (unsigned i = FIRST; i < used; i++) {
            if (p[i].fd >= 0 && now() - all[i].last > STALL_SECONDS)
                die("a connection stands still");
            if (p[i].fd < 0 || p[i].revents == 0 || take_stream(p[i].fd, &all[i]))
                continue;
            close(p[i].fd);
            p[i].fd = -1;
            open--;
        }
        if ((p[LISTEN].revents & POLLIN) != 0 && used < FIRST + CONNECTIONS) {
            p[used] = (struct pollfd){accept(p[LISTEN].fd, NULL, NULL), POLLIN, 0};
            all[used].last = now();
            begin = begin == 0 ? now() : begin;
            used++;
            open++;
        }
        for (ssize_t n; (p[DATAGRAMS].revents & POLLIN) != 0 &&
                        (n = recv(p[DATAGRAMS].fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;) {
            if (memcmp(buffer, pattern, (size_t)n) != 0)
                die("a datagram differs");
            begin = begin == 0 ? now() : begin;
            datagram_bytes += (uint64_t)n;
            packets++;
        }
        if (open == 0 && (p[DONE].revents & POLLIN) != 0)
            break;
    }
    double seconds = now() - begin;
    for (unsigned i = FIRST; i < used; i++) {
        stream_bytes += all[i].bytes;
        least = all[i].bytes < least ? all[i].bytes : least;
    }
    printf("RECEIVED %llu bytes on %u connections, at least %llu on each; %llu in %u datagrams; "
           "%.2f s, %.3f Mbit/s\n",
           (unsigned long long)stream_bytes, used - FIRST,
           (unsigned long long)(used == FIRST ? 0 : least), (unsigned long long)datagram_bytes,
           packets, seconds, (double)(stream_bytes + datagram_bytes) * 8 / seconds / 1e6);
    return 0;
}

static int send_streams(const char *peer, unsigned n, double seconds)
{
    struct pollfd p[CONNECTIONS];
    uint64_t sent[CONNECTIONS] = {0}, all = 0;
    for (unsigned i = 0; i < n; i++)
        p[i] = (struct pollfd){connect_to(peer, PORT_TCP), POLLOUT, 0};
    for (double end = now() + seconds; now() < end;) {
        if (poll(p, n, 1000) < 0)
            die("poll");
        for (unsigned i = 0; i < n; i++) {
            if (p[i].revents == 0)
                continue;
            ssize_t step = send(p[i].fd, pattern + sent[i] % PATTERN, STEP, MSG_DONTWAIT);
            if (step < 0 && errno != EAGAIN)
                die("send");
            sent[i] += step < 0 ? 0 : (uint64_t)step;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        all += sent[i];
        shutdown(p[i].fd, SHUT_WR);
    }
    for (unsigned i = 0; i < n; i++) /* until the other end has it all */
        if (read(p[i].fd, buffer, 1) != 0)
            die("shutdown");
    close(connect_to(peer, PORT_DONE));
    printf("SENT %llu bytes\n", (unsigned long long)all);
    return 0;
}

static int flood(const char *peer, size_t len, double seconds)
{
    struct sockaddr_in a = address(peer, PORT_UDP);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned sent = 0;
    close(connect_to(peer, PORT_TCP)); /* it is there */
    for (double end = now() + seconds; now() < end;)
        sent += sendto(s, pattern, len, 0, (struct sockaddr *)&a, sizeof a) == (ssize_t)len;
    close(connect_to(peer, PORT_DONE));
    printf("SENT %u datagrams\n", sent);
    return 0;
}

/* Scatter-gather and receive offloads stay as they are. */
static int offload(const char *dev, unsigned on)
{
    static const uint32_t commands[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct ethtool_value v = {commands[i], on};
        struct ifreq r = {.ifr_data = (char *)&v};
        strncpy(r.ifr_name, dev, sizeof r.ifr_name - 1);
        if (ioctl(s, SIOCETHTOOL, &r) < 0)
            die("ethtool");
    }
    return 0;
}

int main(int argc, char **argv)
{
    make_pattern();
    if (argc == 2 && strcmp(argv[1], "receive") == 0)
        return receive();
    if (argc == 5 && strcmp(argv[1], "send") == 0 && atoi(argv[3]) <= CONNECTIONS)
        return send_streams(argv[2], (unsigned)atoi(argv[3]), atof(argv[4]));
    if (argc == 5 && strcmp(argv[1], "flood") == 0)
        return flood(argv[2], (size_t)atoi(argv[3]) % STEP, atof(argv[4]));
    if (argc == 4 && strcmp(argv[1], "offload") == 0)
        return offload(argv[2], (unsigned)atoi(argv[3]));
    return 2;
}
