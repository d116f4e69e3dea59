#include "record/hostfwd.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_GUEST 0x0a00020fu /* the first that the gateway's DHCP gives away */

/* "ADDRESS:" or ":" at *text, which is moved behind it. */
static bool take_address(const char **text, uint32_t *addr)
{
    const char *colon = strchr(*text, ':');
    char dotted[INET_ADDRSTRLEN];
    struct in_addr in;
    if (colon == NULL || (size_t)(colon - *text) >= sizeof dotted)
        return false;
    if (colon != *text) {
        memcpy(dotted, *text, (size_t)(colon - *text));
        dotted[colon - *text] = 0;
        if (inet_pton(AF_INET, dotted, &in) != 1)
            return false;
        *addr = ntohl(in.s_addr);
    }
    *text = colon + 1;
    return true;
}

/* A port and the character `end` at *text, which is moved behind both, or to the text's end. */
static bool take_port(const char **text, char end, uint16_t *port)
{
    char *rest;
    if (**text < '0' || **text > '9')
        return false;
    unsigned long n = strtoul(*text, &rest, 10);
    if (n < 1 || n > 65535 || *rest != end)
        return false;
    *port = (uint16_t)n;
    *text = end == 0 ? rest : rest + 1;
    return true;
}

bool hostfwd_parse(const char *text, struct hostfwd *out)
{
    struct hostfwd fwd = {.guest_addr = FIRST_GUEST, .text = text};
    const char *at = text + 4;
    if (strncmp(text, "tcp:", 4) != 0 && strncmp(text, "udp:", 4) != 0)
        return false;
    fwd.udp = text[0] == 'u';
    if (!take_address(&at, &fwd.host_addr) || !take_port(&at, '-', &fwd.host_port) ||
        !take_address(&at, &fwd.guest_addr) || !take_port(&at, 0, &fwd.guest_port))
        return false;
    *out = fwd;
    return true;
}
