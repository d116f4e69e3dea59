/*
 * Texts of options and of the cluster file as values. Each function takes all
 * of `text` or returns false; *out is set only on success.
 */
#ifndef RECORD_VALUE_H
#define RECORD_VALUE_H

#include "core/base/base.h"

/* "64K", "256M", "1G", in powers of two, or a plain number of MiB; more than 0, less than 1 TiB. */
bool value_bytes(const char *text, uint64_t *out);
/* "250ns", "100us", "2ms", "1s": up to an hour. */
bool value_duration(const char *text, uint64_t *ns);
/* Bits per second: "56k", "100M", "1G", in powers of ten, or a plain number; "none": 0. */
bool value_rate(const char *text, uint64_t *bits);
/* "0.1%", "2%": 0 to 100 %, with up to four digits behind the point; as millionths. */
bool value_percent(const char *text, uint32_t *millionths);
/* "02:d1:5c:00:00:01"; not one of a group, and not zero. */
bool value_mac(const char *text, uint8_t mac[6]);
/* "disk,net,content,boot", any of them, or "all" or "none": enum share_ways. */
bool value_share(const char *text, unsigned *ways);
/* UTC: "2026-01-31" or "2026-01-31T12:00:00", 1970 to 2099, as seconds since 1970. */
bool value_date(const char *text, uint64_t *seconds);
/* Letters, digits, "-", "_" and ".", 1 to 32 of them. */
bool value_is_name(const char *text);

#endif
