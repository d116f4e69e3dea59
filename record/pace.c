#include "record/pace.h"

#include "core/base/base.h"

void pace_begin(struct pace *p, uint64_t host)
{
    *p = (struct pace){.on = true, .due = host, .host = host};
}

void pace_passed(struct pace *p, uint64_t ns, uint64_t busy, uint64_t host)
{
    busy = min_u64(busy, ns);
    p->due += ns - busy + min_u64(busy, host - p->host);
    p->due = max_u64(p->due, host - min_u64(host, PACE_LATE_NS));
    p->host = host;
}

void pace_slept(struct pace *p, uint64_t host)
{
    p->host = host;
}

uint64_t pace_early(const struct pace *p, uint64_t ahead, uint64_t host)
{
    uint64_t due = ahead > UINT64_MAX - p->due ? UINT64_MAX : p->due + ahead;
    return due < host + PACE_LEAST_NS ? 0 : due - host;
}

uint64_t pace_late(const struct pace *p, uint64_t host)
{
    return host - min_u64(p->due, host);
}
