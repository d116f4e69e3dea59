/* Between the files of "monitor" commands. */
#ifndef GDB_VM_MONITOR_H
#define GDB_VM_MONITOR_H

#include "gdb/vm_target.h"

/* `args` is what follows the command's name, to be taken apart. Text goes to `out`. */
typedef void vm_monitor_cmd(struct vm_target *t, char *args, struct buf *out);

/* The next word of *args, or NULL; moves on. */
char *vm_monitor_word(char **args);
/* Decimal, or hexadecimal behind 0x. */
bool vm_monitor_number(const char *text, uint64_t *v);
/* "PID:STEP ", where a VM has done that many steps, in the form that `seek` takes. */
void vm_monitor_put_place(struct buf *out, unsigned vm, uint64_t step);

/* vm_monitor_vms.c */
vm_monitor_cmd vm_monitor_vms;
vm_monitor_cmd vm_monitor_memory;
/* vm_monitor_net.c */
vm_monitor_cmd vm_monitor_net;
vm_monitor_cmd vm_monitor_frame;
/* vm_monitor_watch.c */
vm_monitor_cmd vm_monitor_watch_physical;
vm_monitor_cmd vm_monitor_watches;
vm_monitor_cmd vm_monitor_unwatch;

#endif
