/*
 * disco-trace memory on traces with hostile events: any order, any values, any
 * number of VMs and samples. Whatever comes, it ends, with status 0 or 1, and
 * a picture holds only finite numbers. Runs for the given number of seconds
 * (default 5) from a seed.
 */
#include <fcntl.h>
#include <time.h>

#include "tests/unit/trace_sample.h"
#include "traces/tool.h"

#define FILES 3

/* Often what makes sense, so that some traces are shown and not refused. */
static uint64_t any_pages(uint64_t *seed, bool wild)
{
    uint64_t r = sample_random(seed);
    if (wild && r % 1024 == 0)
        return sample_value(seed);
    return r % 5 == 0 ? 0 : r % 5 == 1 ? UINT64_C(1) << 40 : r >> 8 & 0xffff;
}

static void any_event(struct event *ev, uint64_t *seed, bool wild, uint64_t *ns)
{
    static const uint8_t kinds[] = {EVENT_SHARE,    EVENT_UNSHARE,  EVENT_INTERCEPT, EVENT_BALLOON,
                                    EVENT_TARGET,   EVENT_PAGE_OUT, EVENT_PAGE_IN,   EVENT_MEMORY,
                                    EVENT_MEMORY,   EVENT_POOL,     EVENT_FRAME,     EVENT_REMAP,
                                    EVENT_TLB_WRITE};
    ev->kind = kinds[sample_random(seed) % ARRAY_LEN(kinds)];
    bool sizes = ev->kind == EVENT_MEMORY || ev->kind == EVENT_POOL;
    for (unsigned a = 0; a < event_info[ev->kind].args; a++)
        ev->arg[a] = sizes                          ? any_pages(seed, wild)
                     : sample_random(seed) % 2 == 0 ? sample_random(seed) % 9
                                                    : sample_value(seed);
    if (ev->kind == EVENT_POOL && !(wild && sample_random(seed) % 1024 == 0)) {
        uint64_t step = sample_random(seed) % 16 == 0 ? UINT64_MAX : sample_random(seed) >> 34;
        *ns = *ns + step < *ns ? UINT64_MAX : *ns + step;
        ev->arg[3] &= 3;
        ev->arg[4] = *ns;
    }
}

static void write_any(const char *path, uint64_t *seed)
{
    struct trace_header h = sample_header();
    size_t vms = sample_random(seed) % 32 == 0 ? 256 : 1 + sample_random(seed) % 4;
    size_t n = sample_random(seed) % 4 == 0 ? sample_random(seed) % 8 : sample_random(seed) % 4000;
    bool wild = sample_random(seed) % 2 == 0;
    uint64_t ns = 0;
    struct trace_vm *vm = xcalloc(vms, sizeof *vm);
    for (size_t i = 0; i < vms; i++)
        vm[i] = h.vms[1];
    h.vms = vm;
    h.vms_count = vms;
    struct event *events = xcalloc(n + 1, sizeof *events);
    for (size_t i = 0; i < n; i++) {
        any_event(&events[i], seed, wild, &ns);
        events[i].vm = (uint8_t)(sample_random(seed) % vms);
    }
    struct trace_writer *w;
    struct err e = {0};
    CHECK(trace_writer_open(&w, path, &h, &(struct trace_writer_options){0, true}, &e) == 0, "%s",
          e.msg);
    put_events(w, events, n);
    CHECK(trace_writer_close(w, NULL, &e) == 0, "%s", e.msg);
    free(vm);
}

static void check_picture(const char *path)
{
    struct buf b = sample_load(path);
    CHECK(b.len > 100 && memcmp(b.data + b.len - 7, "</svg>\n", 7) == 0,
          "the picture is not whole");
    CHECK(memmem(b.data, b.len, "nan", 3) == NULL && memmem(b.data, b.len, "inf", 3) == NULL,
          "a number in the picture is none");
    buf_free(&b);
}

int main(int argc, char **argv)
{
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    char *paths[FILES], *svg = sample_path("fuzz.svg");
    for (int i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "fuzz-%d", i);
        paths[i] = sample_path(name);
    }
    /* Its output is not looked at; a sanitizer's is. */
    int report = dup(1);
    CHECK(freopen("/dev/null", "w", stdout) != NULL, "/dev/null");
    unsigned runs = 0, shown = 0;
    for (; time(NULL) < end; runs++) {
        size_t n = 1 + sample_random(&seed) % FILES;
        for (size_t i = 0; i < n; i++)
            write_any(paths[i], &seed);
        unlink(svg);
        const struct tool_memory how = {.csv = sample_random(&seed) % 2 == 0, .svg = svg};
        int status = tool_memory((const char *const *)paths, n, &how);
        CHECK(status == 0 || status == 1, "status %d", status);
        if (status == 0)
            check_picture(svg);
        shown += status == 0;
    }
    dprintf(report, "%u runs, %u shown\n", runs, shown);
    unlink(svg);
    free(svg);
    for (int i = 0; i < FILES; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
    return shown > 0 && runs > shown ? 0 : 1;
}
