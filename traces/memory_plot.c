/* Layout and words of the two pictures; plot.c draws. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "traces/memory_plot.h"
#include "traces/plot.h"

#define PAGES_PER_MIB 256.0
#define TIMES_MOST    600 /* about one for each pixel */

/* What virtual memory consists of, from the bottom of the picture. */
enum part { OWN, SHARED, SWAPPED, BALLOON, ZERO, PARTS };

static const struct {
    const char *name, *colour;
} parts[PARTS] = {
    [OWN] = {"own", PLOT_BLUE},
    [SHARED] = {"shared", PLOT_GREEN},
    [SWAPPED] = {"swapped out", PLOT_RED},
    [BALLOON] = {"ballooned", PLOT_ORANGE},
    [ZERO] = {"zero or untouched", PLOT_GREY},
};

#define OTHER_COLOUR PLOT_PURPLE
#define OTHER_NAME   "caches and monitor"

static void parts_of(const struct memory_pages *p, double out[PARTS])
{
    out[OWN] = (double)p->own;
    out[SHARED] = (double)p->shared;
    out[SWAPPED] = (double)p->swapped;
    out[BALLOON] = (double)p->balloon;
    out[ZERO] = (double)p->zero;
}

static double parts_sum(const struct memory_pages *p)
{
    return (double)(p->own + p->shared + p->swapped + p->balloon + p->zero);
}

/* A unit in which the largest value has few digits. */
struct unit {
    const char *name;
    double pages;
};

static struct unit unit_for(double pages)
{
    static const struct unit units[] = {
        {"MiB", PAGES_PER_MIB}, {"GiB", PAGES_PER_MIB * 1024}, {"TiB", PAGES_PER_MIB * 1048576}};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && pages > 8 * units[i + 1].pages)
        i++;
    return units[i];
}

static double percent_of(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* ---- over time ---- */

static const struct plot_style used_line = {PLOT_BLACK, NULL, 2.5, false};
static const struct plot_style used_halo = {"#ffffff", NULL, 5.5, false};
static const struct plot_style pool_line = {PLOT_BLACK, "6 4", 1.5, false};

/* Few enough samples to draw: of each group of neighbours the one that would need most memory
 * without sharing. Returns their number; out[] has TIMES_MOST places. */
static size_t choose_samples(const struct memory_log *log, size_t out[TIMES_MOST])
{
    size_t groups = log->samples < TIMES_MOST ? log->samples : TIMES_MOST;
    for (size_t g = 0; g < groups; g++) {
        size_t end = (g + 1) * log->samples / groups;
        out[g] = g * log->samples / groups;
        for (size_t s = out[g] + 1; s < end; s++)
            if (memory_log_unshared(&log->sample[s].sum) >
                memory_log_unshared(&log->sample[out[g]].sum))
                out[g] = s;
    }
    return groups;
}

/* What is drawn over time, in the plot's units. */
struct curves {
    size_t n;
    double x[TIMES_MOST + 1]; /* a single sample has two places */
    double edge[PARTS + 1][TIMES_MOST + 1];
    double used[TIMES_MOST + 1], pool[TIMES_MOST + 1];
};

static void curves_put(struct curves *c, double x, const struct memory_sample *s, double unit)
{
    double part[PARTS];
    parts_of(&s->sum, part);
    c->x[c->n] = x;
    c->edge[0][c->n] = 0;
    for (int i = 0; i < PARTS; i++)
        c->edge[i + 1][c->n] = c->edge[i][c->n] + part[i] / unit;
    c->used[c->n] = (double)s->used / unit;
    c->pool[c->n] = (double)s->pool / unit;
    c->n++;
}

static struct curves *curves_of(const struct memory_log *log, double unit)
{
    size_t chosen[TIMES_MOST];
    size_t n = choose_samples(log, chosen);
    struct curves *c = xcalloc(1, sizeof *c);
    if (n == 1)
        curves_put(c, 0, &log->sample[0], unit);
    for (size_t i = 0; i < n; i++)
        curves_put(c, (double)log->sample[chosen[i]].ns / 1e9, &log->sample[chosen[i]], unit);
    if (c->x[c->n - 1] <= 0)
        c->x[c->n - 1] = 1;
    return c;
}

static double highest(const struct memory_log *log)
{
    double most = 0;
    for (size_t s = 0; s < log->samples; s++) {
        double here[] = {parts_sum(&log->sample[s].sum), (double)log->sample[s].used,
                         (double)log->sample[s].pool};
        for (size_t i = 0; i < ARRAY_LEN(here); i++)
            if (here[i] > most)
                most = here[i];
    }
    return most;
}

/* The parts from the top, as they lie in the picture. */
static double key_parts(struct buf *out, double x, double y)
{
    for (int i = PARTS; i-- > 0; y += 22)
        plot_key_area(out, x, y, parts[i].colour, parts[i].name);
    return y;
}

static void time_titles(struct buf *out, const struct memory_log *log)
{
    const struct memory_sample *s = &log->sample[memory_log_peak(log)];
    double need = (double)memory_log_unshared(&s->sum), used = (double)s->used;
    char title[128], subtitle[256];
    snprintf(title, sizeof title, "Virtual and machine memory of %zu VM%s", log->vms,
             log->vms == 1 ? "" : "s");
    snprintf(
        subtitle, sizeof subtitle,
        "At %.3f s the VMs use %.1f MiB of machine memory, %.1f %% of the %.1f MiB that they would "
        "use without sharing.",
        (double)s->ns / 1e9, used / PAGES_PER_MIB, percent_of(used, need), need / PAGES_PER_MIB);
    plot_page_begin(out, 960, 520, title, subtitle);
}

void memory_plot_time(struct buf *out, const struct memory_log *log)
{
    double most = highest(log);
    struct unit unit = unit_for(most);
    struct curves *c = curves_of(log, unit.pages);
    struct plot p = {out, 92, 80, 660, 370, 0, c->x[c->n - 1], most / unit.pages};
    char label[64];
    time_titles(out, log);
    snprintf(label, sizeof label, "memory (%s)", unit.name);
    plot_axis_y(&p, PLOT_BINARY, label);
    for (int i = 0; i < PARTS; i++)
        plot_area(&p, c->x, c->edge[i], c->edge[i + 1], c->n, parts[i].colour);
    plot_line(&p, c->x, c->used, c->n, &used_halo);
    plot_line(&p, c->x, c->used, c->n, &used_line);
    plot_line(&p, c->x, c->pool, c->n, &pool_line);
    plot_axis_x(&p, true, 46, "virtual time (s)");
    plot_page_text(out, 776, 92, PLOT_START, 13, "virtual memory");
    double y = key_parts(out, 776, 116);
    plot_page_text(out, 776, y + 20, PLOT_START, 13, "machine memory");
    plot_key_line(out, 776, y + 44, &used_line, "in use");
    plot_key_line(out, 776, y + 66, &pool_line, "all there is");
    plot_page_end(out);
    free(c);
}

/* ---- by number of VMs ---- */

#define VALUES_MOST 10 /* numbers above more bars would touch each other */

static const struct memory_sample *peak_of(const struct memory_log *log)
{
    return &log->sample[memory_log_peak(log)];
}

/* A bar from the bottom up, part by part. */
struct bar {
    const struct plot *plot;
    double x, unit, top; /* top: pages so far */
    const char *what;
};

#define BAR_WIDTH 0.36

static void bar_add(struct bar *b, double pages, const char *colour, const char *name)
{
    char hint[96];
    if (pages <= 0)
        return;
    snprintf(hint, sizeof hint, "%s, %s: %.1f MiB", b->what, name, pages / PAGES_PER_MIB);
    plot_bar(b->plot, b->x, b->x + BAR_WIDTH, b->top / b->unit, (b->top + pages) / b->unit, colour,
             hint);
    b->top += pages;
}

static void bar_finish(const struct bar *b, const char *letter, bool value)
{
    char text[32];
    plot_x_label(b->plot, b->x + BAR_WIDTH / 2, 0, letter);
    double height = b->top / b->unit;
    snprintf(text, sizeof text, "%.*f", height < 100 ? 1 : 0, height);
    if (value)
        plot_value(b->plot, b->x + BAR_WIDTH / 2, height, text);
}

static void draw_pair(const struct plot *p, size_t i, const struct memory_log *log, double unit,
                      bool values)
{
    const struct memory_sample *s = peak_of(log);
    double part[PARTS], x = (double)i, used = (double)s->used;
    struct bar v = {p, x - BAR_WIDTH - 0.02, unit, 0, "virtual"};
    struct bar m = {p, x + 0.02, unit, 0, "machine"};
    parts_of(&s->sum, part);
    for (int k = 0; k < PARTS; k++)
        bar_add(&v, part[k], parts[k].colour, parts[k].name);
    bar_finish(&v, "V", values);
    double own = part[OWN] < used ? part[OWN] : used;
    double shared = (double)s->used_shared < used - own ? (double)s->used_shared : used - own;
    bar_add(&m, own, parts[OWN].colour, parts[OWN].name);
    bar_add(&m, shared, parts[SHARED].colour, parts[SHARED].name);
    bar_add(&m, used - own - shared, OTHER_COLOUR, OTHER_NAME);
    bar_finish(&m, "M", values);
    char text[64];
    snprintf(text, sizeof text, "%zu VM%s", log->vms, log->vms == 1 ? "" : "s");
    plot_x_label(p, x, 1, text);
    snprintf(text, sizeof text, "%.1f %%", percent_of(used, (double)memory_log_unshared(&s->sum)));
    plot_x_label(p, x, 2, text);
}

static void draw_bars(struct buf *out, const struct memory_log *const *logs, size_t n,
                      struct unit unit, double most)
{
    struct plot p = {out, 92, 84, 680, 300, -0.5, (double)n - 0.5, most / unit.pages};
    char label[64];
    snprintf(label, sizeof label, "memory (%s)", unit.name);
    plot_axis_y(&p, PLOT_BINARY, label);
    for (size_t i = 0; i < n; i++)
        draw_pair(&p, i, logs[i], unit.pages, n <= VALUES_MOST);
    plot_axis_x(&p, false, 72,
                "V: virtual, M: machine memory; per cent: M of what is own and shared in V");
    double y = key_parts(out, 796, 104);
    plot_key_area(out, 796, y, OTHER_COLOUR, OTHER_NAME);
}

/* The curves, by number of VMs. */
enum curve { VIRTUAL, USED, SHARED_ZERO, SHARED_ONLY, SAVED_ZERO, SAVED, ACROSS, WITHIN, CURVES };

static const struct {
    const char *name;
    struct plot_style style;
} curves[CURVES] = {
    [VIRTUAL] = {"virtual memory", {PLOT_BLACK, "6 4", 1.5, true}},
    [USED] = {"machine memory in use", {PLOT_BLACK, NULL, 2, true}},
    [SHARED_ZERO] = {"shared and zero", {PLOT_BLUE, NULL, 2, true}},
    [SHARED_ONLY] = {"shared", {PLOT_BLUE, "3 3", 2, true}},
    [SAVED_ZERO] = {"saved, zero included", {PLOT_GREEN, NULL, 2, true}},
    [SAVED] = {"saved by sharing", {PLOT_GREEN, "3 3", 2, true}},
    [ACROSS] = {"saved across VMs, known", {PLOT_ORANGE, NULL, 2, true}},
    [WITHIN] = {"saved within VMs, known", {PLOT_RED, "3 3", 2, true}},
};

static double curve_value(enum curve curve, const struct memory_sample *s)
{
    double zero = (double)s->sum.zero, saved = (double)memory_log_saved(s);
    switch (curve) {
    case VIRTUAL:
        return parts_sum(&s->sum);
    case USED:
        return (double)s->used;
    case SHARED_ZERO:
        return (double)s->sum.shared + zero;
    case SHARED_ONLY:
        return (double)s->sum.shared;
    case SAVED_ZERO:
        return saved + zero;
    case SAVED:
        return saved;
    case ACROSS:
        return (double)s->across;
    case WITHIN:
        return (double)s->within;
    case CURVES:
        break;
    }
    return 0;
}

/* unit: pages, or 0 for per cent of virtual memory. */
static void draw_curve(const struct plot *p, const struct memory_log *const *logs, size_t n,
                       enum curve curve, double unit)
{
    double *x = xcalloc(n, sizeof *x), *y = xcalloc(n, sizeof *y);
    for (size_t i = 0; i < n; i++) {
        const struct memory_sample *s = peak_of(logs[i]);
        double pages = curve_value(curve, s);
        x[i] = (double)logs[i]->vms;
        y[i] = unit > 0 ? pages / unit : percent_of(pages, parts_sum(&s->sum));
    }
    plot_line(p, x, y, n, &curves[curve].style);
    free(x);
    free(y);
}

static void vm_ticks(const struct plot *p, const struct memory_log *const *logs, size_t n)
{
    plot_axis_x(p, false, 42, "VMs");
    for (size_t i = 0; i < n; i++) {
        char text[32];
        snprintf(text, sizeof text, "%zu", logs[i]->vms);
        if (i == 0 || logs[i]->vms != logs[i - 1]->vms)
            plot_x_label(p, (double)logs[i]->vms, 0, text);
    }
}

static void draw_curves(struct buf *out, const struct memory_log *const *logs, size_t n,
                        struct unit unit, double most)
{
    double right = 1.06 * (double)logs[n - 1]->vms, most_percent = 100;
    for (size_t i = 0; i < n; i++) {
        const struct memory_sample *s = peak_of(logs[i]);
        double here = percent_of((double)s->used, parts_sum(&s->sum));
        if (here > most_percent)
            most_percent = here;
    }
    struct plot p = {out, 92, 540, 300, 300, 0, right, most / unit.pages};
    struct plot percent = {out, 482, 540, 290, 300, 0, right, most_percent};
    char label[64];
    snprintf(label, sizeof label, "memory (%s)", unit.name);
    plot_axis_y(&p, PLOT_BINARY, label);
    plot_axis_y(&percent, PLOT_DECIMAL, "% of virtual memory");
    vm_ticks(&p, logs, n);
    vm_ticks(&percent, logs, n);
    for (unsigned c = 0; c < CURVES; c++) {
        draw_curve(&p, logs, n, c, unit.pages);
        if (c != VIRTUAL)
            draw_curve(&percent, logs, n, c, 0);
        plot_key_line(out, 796, 560 + 22 * c, &curves[c].style, curves[c].name);
    }
}

void memory_plot_counts(struct buf *out, const struct memory_log *const *logs, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double virtual = parts_sum(&peak_of(logs[i])->sum), used = (double)peak_of(logs[i])->used;
        most = virtual > most ? virtual : most;
        most = used > most ? used : most;
    }
    struct unit unit = unit_for(most);
    plot_page_begin(out, 1020, 910, "Virtual and machine memory by number of VMs",
                    "Each run at the moment when its VMs would need most memory without sharing.");
    draw_bars(out, logs, n, unit, most);
    plot_page_text(out, 24, 518, PLOT_START, 15, "Memory shared and saved");
    draw_curves(out, logs, n, unit, most);
    plot_page_end(out);
}
