/* From the command line to a machine: reads the files, builds the monitor's
 * configuration and the trace's header. */
#ifndef RECORD_SETUP_H
#define RECORD_SETUP_H

#include "core/config.h"
#include "record/options.h"
#include "traces/trace.h"

struct setup {
    struct monitor_config config;
    struct trace_header header;   /* owns its parts */
    struct trace_vm vm;           /* header.vms */
    struct trace_image images[3 + DISKS_MAX];
    struct trace_disk disks[DISKS_MAX];
    char *devices[2];
    void *mapped[3];              /* kernel, initrd, bios */
    size_t mapped_size[3];
    struct trace_hash mapped_hash[3];
    int disk_fd[DISKS_MAX];       /* by disk; -1 for none */
    uint64_t disk_bytes[DISKS_MAX];
    uint32_t disk_image[DISKS_MAX]; /* index into images */
};

int setup_open(struct setup *s, const struct record_options *o, struct err *e);
/* An error if the file `output` is one that the machine is made of. */
int setup_output_is_free(const struct setup *s, const char *output, struct err *e);
void setup_close(struct setup *s);

#endif
