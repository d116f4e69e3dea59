/*
 * The texts that a VM's console is searched for: the one that may end the run,
 * and those that get a reply, one after the other, each behind the one before.
 * However the output is cut into pieces, what is found is the same.
 */
#ifndef RECORD_TEXT_WATCH_H
#define RECORD_TEXT_WATCH_H

#include "core/base/buf.h"
#include "record/cluster.h"

struct text_watch {
    const struct vm_options *vm; /* until_text and replies; not owned */
    struct buf seen;             /* tail of the output */
    size_t answered; /* bytes of `seen` up to the end of the last text that got its reply */
    size_t next_reply;
    bool until_seen; /* anywhere in the output */
};

void text_watch_init(struct text_watch *w, const struct vm_options *vm);
void text_watch_free(struct text_watch *w);
/* Looks at what the VM printed; appends replies to `typed`. */
void text_watch_feed(struct text_watch *w, const uint8_t *bytes, size_t n, struct buf *typed);

#endif
