/*
 * A key with "_out" or "_in" at its end is for what a card sends or gets; one
 * without is for both, but where its group has the other one, too.
 */
#include "record/cluster_link.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 32
#define AT(member)      offsetof(struct way_config, member)

static const struct key way_keys[] = {
    KEY_RANGE("latency", keys_read_duration, AT(latency_ns),
              "a time of one epoch to \"10s\", such as \"100us\"", 0, UINT64_C(10000000000)),
    KEY_RANGE("jitter", keys_read_duration, AT(jitter_ns), "a time of \"0us\" to \"10s\"", 0,
              JITTER_NS_MAX),
    KEY("bandwidth", keys_read_rate, AT(bandwidth),
        "bits per second such as \"1G\", \"100M\", or \"none\" for no limit"),
    KEY_RANGE("queue", keys_read_bytes, AT(queue), "a size such as \"64K\", from 4K to 1G",
              QUEUE_BYTES_MIN, QUEUE_BYTES_MAX),
    KEY("loss", keys_read_percent, AT(loss_ppm), "\"0%\" to \"100%\", such as \"0.1%\""),
};

static bool says(const config_setting_t *group, const char *name, const char *direction)
{
    char text[NAME_MAX_LENGTH];
    snprintf(text, sizeof text, "%s%s", name, direction);
    return config_setting_get_member(group, text) != NULL;
}

static int read_way(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    static const char *const directions[] = {"_out", "_in"};
    struct link_config *link = to;
    struct way_config *ways[] = {&link->out, &link->in};
    size_t n = strcspn(key->name, "_");
    const struct key *found = way_keys;
    while (strlen(found->name) != n || strncmp(found->name, key->name, n) != 0)
        found++;
    struct key own = *found;
    own.name = key->name;
    for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
        bool meant = key->name[n] == 0 ? !says(config_setting_parent(s), key->name, directions[i])
                                       : strcmp(key->name + n, directions[i]) == 0;
        if (meant)
            TRY(own.read(r, s, &own, (char *)ways[i] + own.at));
    }
    return 0;
}

#define WAY_KEY(name_)  KEY(name_, read_way, 0, NULL)
#define WAY_KEYS(name_) WAY_KEY(name_), WAY_KEY(name_ "_out"), WAY_KEY(name_ "_in")

const struct key link_keys[LINK_KEYS] = {
    WAY_KEYS("latency"),
    WAY_KEYS("jitter"),
    WAY_KEYS("bandwidth"),
    WAY_KEYS("queue"),
    WAY_KEYS("loss"),
    KEY_RANGE("mtu", keys_read_u32, offsetof(struct link_config, mtu), "bytes, 68 to 65535", 68,
              65535),
};

int link_check(struct reader *r, const config_setting_t *s, const struct link_config *link)
{
    const char *const names[] = {
        link->out.latency_ns < r->c->epoch_ns ? "latency_out" : "latency_in", "latency"};
    uint64_t least = min_u64(link->out.latency_ns, link->in.latency_ns);
    const config_setting_t *said = NULL;
    if (least >= r->c->epoch_ns)
        return 0;
    for (unsigned i = 0; i < ARRAY_LEN(names) && said == NULL; i++)
        said = config_setting_get_member(s, names[i]);
    return keys_fail(r, said != NULL ? said : s,
                     "latency: %llu ns are less than an epoch (%llu ns)", (unsigned long long)least,
                     (unsigned long long)r->c->epoch_ns);
}
