#include "record/text_watch.h"

#include <string.h>

void text_watch_init(struct text_watch *w, const struct vm_options *vm)
{
    *w = (struct text_watch){.vm = vm};
}

void text_watch_free(struct text_watch *w)
{
    buf_free(&w->seen);
}

static void answer(struct text_watch *w, struct buf *typed)
{
    while (w->next_reply < w->vm->replies_count) {
        const struct reply_option *reply = &w->vm->replies[w->next_reply];
        uint8_t *at = memmem(w->seen.data + w->answered, w->seen.len - w->answered, reply->text,
                             strlen(reply->text));
        if (at == NULL)
            break;
        w->answered = (size_t)(at - w->seen.data) + strlen(reply->text);
        buf_puts(typed, reply->answer);
        w->next_reply++;
    }
}

void text_watch_feed(struct text_watch *w, const uint8_t *bytes, size_t n, struct buf *typed)
{
    const char *until = w->until_seen ? NULL : w->vm->until_text;
    if (n == 0 || (until == NULL && w->next_reply == w->vm->replies_count))
        return;
    buf_put(&w->seen, bytes, n);
    if (until != NULL && memmem(w->seen.data, w->seen.len, until, strlen(until)) != NULL)
        w->until_seen = true;
    answer(w, typed);
    if (w->seen.len > 4 * TEXT_MAX) {
        size_t drop = w->seen.len - TEXT_MAX;
        memmove(w->seen.data, w->seen.data + drop, TEXT_MAX);
        w->seen.len = TEXT_MAX;
        w->answered = w->answered > drop ? w->answered - drop : 0;
    }
}
