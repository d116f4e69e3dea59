/*
 * Groups of the cluster file, by tables of their keys. For cluster_file.c: errors are lines
 * "FILE:LINE: what" in the reader's `e`.
 */
#ifndef RECORD_CLUSTER_KEYS_H
#define RECORD_CLUSTER_KEYS_H

#include <libconfig.h>

#include "record/cluster.h"

struct reader {
    struct cluster *c;
    const char *path; /* as the user gave it */
    char *folder;     /* of the file, with a slash at its end, or "" */
    struct err *e;
    int number; /* what %d stands for; -1: nothing */
    bool in_defaults;
    uint64_t now;                           /* seconds since 1970 */
    struct link_config links[NETWORKS_MAX]; /* of cards that say nothing else */
};

/* A key of a group. `read` puts the value to `to`, the group's struct plus `at`. */
struct key {
    const char *name; /* NULL: the keys of `more`, for a struct at `at` */
    int (*read)(struct reader *r, const config_setting_t *s, const struct key *key, void *to);
    size_t at;
    const char *wanted; /* for the user */
    uint64_t min, max;  /* of numbers, sizes, times */
    const struct key *more;
    size_t more_count;
};

#define KEY(name_, read_, at_, wanted_)                                                            \
    {                                                                                              \
        .name = name_, .read = read_, .at = at_, .wanted = wanted_                                 \
    }
#define KEY_RANGE(name_, read_, at_, wanted_, min_, max_)                                          \
    {                                                                                              \
        .name = name_, .read = read_, .at = at_, .wanted = wanted_, .min = min_, .max = max_       \
    }
#define KEYS_OF(more_, at_)                                                                        \
    {                                                                                              \
        .at = at_, .more = more_, .more_count = ARRAY_LEN(more_)                                   \
    }

/* Sets the error for the place of `s`; returns its code. */
int keys_fail(struct reader *r, const config_setting_t *s, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for a value that is not what its key takes. */
int keys_bad_value(struct reader *r, const config_setting_t *s, const struct key *key);
/* Each member of the group `s` must be one of the n keys. */
int keys_read_group(struct reader *r, const config_setting_t *s, const struct key *keys, size_t n,
                    void *to);
/* Must be a list of at most `max` groups. */
int keys_check_list(struct reader *r, const config_setting_t *s, const char *name, size_t max);

/* The text of a string setting, which the cluster then keeps; NULL with no error set if it is none
 * or too long. */
const char *keys_text(struct reader *r, const config_setting_t *s);
/* `text`, which stands at `s`, seen from the file's folder. */
const char *keys_path(struct reader *r, const config_setting_t *s, const char *text);

/* What a key's `read` may be. The type of *to is that of the name: const char * for text, name and
 * path, uint64_t for bytes, durations and rates, uint32_t for percent. */
#define KEYS_READ(name)                                                                            \
    int keys_read_##name(struct reader *r, const config_setting_t *s, const struct key *key,       \
                         void *to)
KEYS_READ(text);
KEYS_READ(name);
KEYS_READ(path); /* from the file's folder */
KEYS_READ(bool);
KEYS_READ(u64);
KEYS_READ(u32);
KEYS_READ(clock);    /* MHz; uint64_t Hz */
KEYS_READ(bytes);    /* "256M", or a number of MiB */
KEYS_READ(duration); /* ns */
KEYS_READ(epoch);    /* ns, a multiple of 1000 */
KEYS_READ(rate);     /* bits per second */
KEYS_READ(percent);  /* millionths */
KEYS_READ(mac);      /* uint8_t[6] */
KEYS_READ(share);    /* unsigned: enum share_ways */

#endif
