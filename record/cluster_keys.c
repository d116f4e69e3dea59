#include "record/cluster_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "record/value.h"

int keys_fail(struct reader *r, const config_setting_t *s, const char *fmt, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_set(r->e, ERR_USAGE, "%s:%u: %s", r->path, config_setting_source_line(s), what);
}

int keys_bad_value(struct reader *r, const config_setting_t *s, const struct key *key)
{
    const char *text = config_setting_get_string(s);
    if (config_setting_type(s) == CONFIG_TYPE_STRING)
        return keys_fail(r, s, "%s = \"%.100s\": wanted %s", key->name, text, key->wanted);
    if (config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64)
        return keys_fail(r, s, "%s = %lld: wanted %s", key->name, config_setting_get_int64(s),
                         key->wanted);
    return keys_fail(r, s, "%s: wanted %s", key->name, key->wanted);
}

/* The key `name`, with *to moved to its value; NULL if there is none. */
static const struct key *find_key(const struct key *keys, size_t n, const char *name, char **to)
{
    for (size_t i = 0; i < n; i++) {
        char *at = *to + keys[i].at;
        const struct key *found = NULL;
        if (keys[i].name == NULL)
            found = find_key(keys[i].more, keys[i].more_count, name, &at);
        else if (strcmp(keys[i].name, name) == 0)
            found = &keys[i];
        if (found != NULL) {
            *to = at;
            return found;
        }
    }
    return NULL;
}

int keys_read_group(struct reader *r, const config_setting_t *s, const struct key *keys, size_t n,
                    void *to)
{
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *member = config_setting_get_elem(s, (unsigned)i);
        char *at = to;
        const struct key *key = find_key(keys, n, config_setting_name(member), &at);
        if (key == NULL)
            return keys_fail(r, member, "unknown key \"%.60s\"", config_setting_name(member));
        TRY(key->read(r, member, key, at));
    }
    return 0;
}

int keys_check_list(struct reader *r, const config_setting_t *s, const char *name, size_t max)
{
    bool good = config_setting_is_list(s);
    for (int i = 0; good && i < config_setting_length(s); i++)
        good = config_setting_is_group(config_setting_get_elem(s, (unsigned)i));
    if (!good)
        return keys_fail(r, s, "%s: wanted a list of groups: ( { ... }, { ... } )", name);
    if ((size_t)config_setting_length(s) > max)
        return keys_fail(r, s, "%s: more than %zu", name, max);
    return 0;
}

/* ---- simple values ---- */

/* A copy with the VM's number for each %d, and % for each %%, if the VM has one. */
static char *with_number(const struct reader *r, const char *text)
{
    char *out = xmalloc(2 * strlen(text) + 1), *to = out;
    for (; *text != 0; text++) {
        if (r->number >= 0 && text[0] == '%' && text[1] == 'd') {
            to += sprintf(to, "%d", r->number);
            text++;
        } else {
            text += r->number >= 0 && text[0] == '%' && text[1] == '%';
            *to++ = *text;
        }
    }
    *to = 0;
    return out;
}

const char *keys_text(struct reader *r, const config_setting_t *s)
{
    const char *text = config_setting_get_string(s);
    if (config_setting_type(s) != CONFIG_TYPE_STRING || text == NULL || strlen(text) > TEXT_MAX)
        return NULL;
    return cluster_keep(r->c, with_number(r, text));
}

int keys_read_text(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    if (text == NULL)
        return keys_bad_value(r, s, key);
    *(const char **)to = text;
    return 0;
}

const char *keys_path(struct reader *r, const config_setting_t *s, const char *text)
{
    const char *path =
        text[0] == '/' ? text : cluster_keep(r->c, xasprintf("%s%s", r->folder, text));
    cluster_note_place(r->c, path, config_setting_source_line(s));
    return path;
}

int keys_read_path(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    if (text == NULL || text[0] == 0)
        return keys_bad_value(r, s, key);
    *(const char **)to = keys_path(r, s, text);
    return 0;
}

int keys_read_bool(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    if (config_setting_type(s) != CONFIG_TYPE_BOOL)
        return keys_bad_value(r, s, key);
    *(bool *)to = config_setting_get_bool(s) == CONFIG_TRUE;
    return 0;
}

static bool whole_number(const config_setting_t *s, const struct key *key, uint64_t *out)
{
    if (config_setting_type(s) != CONFIG_TYPE_INT && config_setting_type(s) != CONFIG_TYPE_INT64)
        return false;
    long long v = config_setting_get_int64(s);
    *out = (uint64_t)v;
    return v >= 0 && *out >= key->min && *out <= key->max;
}

int keys_read_u64(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    return whole_number(s, key, to) ? 0 : keys_bad_value(r, s, key);
}

int keys_read_u32(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    uint64_t v;
    if (!whole_number(s, key, &v))
        return keys_bad_value(r, s, key);
    *(uint32_t *)to = (uint32_t)v;
    return 0;
}

int keys_read_clock(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    TRY(keys_read_u64(r, s, key, to));
    *(uint64_t *)to *= 1000000;
    return 0;
}

int keys_read_bytes(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const struct key mib = {.max = UINT64_C(1) << 20};
    const char *text = keys_text(r, s);
    uint64_t v = 0;
    if (text == NULL ? !whole_number(s, &mib, &v) : !value_bytes(text, &v))
        return keys_bad_value(r, s, key);
    v <<= text == NULL ? 20 : 0;
    if (v < key->min || v > key->max || v % PAGE_SIZE != 0)
        return keys_bad_value(r, s, key);
    *(uint64_t *)to = v;
    return 0;
}

int keys_read_duration(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    uint64_t ns;
    if (text == NULL || !value_duration(text, &ns) || ns < key->min || ns > key->max)
        return keys_bad_value(r, s, key);
    *(uint64_t *)to = ns;
    return 0;
}

/* In whole microseconds an epoch is a whole number of cycles of every VM. */
int keys_read_epoch(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    uint64_t ns;
    TRY(keys_read_duration(r, s, key, &ns));
    if (ns % 1000 != 0)
        return keys_bad_value(r, s, key);
    *(uint64_t *)to = ns;
    return 0;
}

int keys_read_rate(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    return text != NULL && value_rate(text, to) ? 0 : keys_bad_value(r, s, key);
}

int keys_read_percent(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    return text != NULL && value_percent(text, to) ? 0 : keys_bad_value(r, s, key);
}

int keys_read_mac(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    return text != NULL && value_mac(text, to) ? 0 : keys_bad_value(r, s, key);
}

int keys_read_share(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    return text != NULL && value_share(text, to) ? 0 : keys_bad_value(r, s, key);
}

int keys_read_name(struct reader *r, const config_setting_t *s, const struct key *key, void *to)
{
    const char *text = keys_text(r, s);
    if (text == NULL || !value_is_name(text))
        return keys_bad_value(r, s, key);
    *(const char **)to = text;
    return 0;
}
