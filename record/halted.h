/* Machines that halted in their boot ROM: what is told about them. */
#ifndef RECORD_HALTED_H
#define RECORD_HALTED_H

#include <stdbool.h>

#include "core/config.h"

struct monitor;

struct halted {
    bool told[VMS_MAX];
    bool any;
};

/* One line on standard error for each VM that halted since the last call: which exception, and where
 * it was raised. Between epochs only. */
void halted_tell(struct halted *h, const struct monitor *m);

#endif
