/*
 * What libconfig does not look at: it cuts whole numbers that are too large,
 * and ends the program when an included file cannot be read.
 */
#ifndef RECORD_CLUSTER_SCAN_H
#define RECORD_CLUSTER_SCAN_H

#include "core/base/err.h"

/* `text`, the content of the file `path`, must hold no character 0. An error is "PATH:LINE: what".
 */
int cluster_scan(const char *text, const char *path, struct err *e);

#endif
