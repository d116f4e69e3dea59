/* Keys of a network and of a card in the cluster file: the link between card and switch. */
#ifndef RECORD_CLUSTER_LINK_H
#define RECORD_CLUSTER_LINK_H

#include "record/cluster_keys.h"

#define LINK_KEYS 16

/* For a struct link_config. */
extern const struct key link_keys[LINK_KEYS];

/* Nothing crosses a link in less than an epoch. `s` is the group that was read last. */
int link_check(struct reader *r, const config_setting_t *s, const struct link_config *link);

#endif
