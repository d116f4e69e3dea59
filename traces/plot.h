/*
 * Pictures as SVG: a page with titles, and on it plots with axes, lines,
 * areas and bars. The text is complete in itself: no scripts, no fonts, no
 * other files. What is drawn is appended to a buffer; nothing fails.
 *
 * Page positions are in pixels from the top left corner. Texts may hold any
 * bytes; those that are not printable ASCII show as '?'.
 */
#ifndef TRACES_PLOT_H
#define TRACES_PLOT_H

#include "core/base/buf.h"

/* Colours that people who see no red or green tell apart, too (Okabe and Ito). */
#define PLOT_BLACK  "#000000"
#define PLOT_ORANGE "#e69f00"
#define PLOT_SKY    "#56b4e9"
#define PLOT_GREEN  "#009e73"
#define PLOT_BLUE   "#0072b2"
#define PLOT_RED    "#d55e00"
#define PLOT_PURPLE "#cc79a7"
#define PLOT_GREY   "#d0d0d0"

struct plot_style {
    const char *colour;
    const char *dash; /* as SVG's stroke-dasharray; NULL: solid */
    double width;     /* pixels */
    bool points;      /* a dot at each value */
};

struct plot {
    struct buf *out;
    double left, top, width, height; /* where on the page; ticks and labels lie outside */
    double x_min, x_max, y_max;      /* what the axes show; y starts at 0 */
};

enum plot_ticks { PLOT_DECIMAL, PLOT_BINARY };
enum plot_anchor { PLOT_START, PLOT_MIDDLE, PLOT_END };

void plot_page_begin(struct buf *out, double width, double height, const char *title,
                     const char *subtitle);
void plot_page_end(struct buf *out);
void plot_page_text(struct buf *out, double x, double y, enum plot_anchor anchor, double size,
                    const char *text);

/* Draws the y axis with a grid from 0 to the first tick at or above y_max, which becomes y_max.
 * y_max and later values must be finite and not negative. */
void plot_axis_y(struct plot *p, enum plot_ticks ticks, const char *label);
/* Draws the x axis, its label `label_below` pixels under it, and ticks from x_min on, or none:
 * plot_x_label places texts. x_min < x_max, both finite. */
void plot_axis_x(const struct plot *p, bool ticks, double label_below, const char *label);
void plot_x_label(const struct plot *p, double x, unsigned line, const char *text);

/* What lies outside of the axes is drawn there. */
void plot_area(const struct plot *p, const double *x, const double *low, const double *high,
               size_t n, const char *colour);
void plot_line(const struct plot *p, const double *x, const double *y, size_t n,
               const struct plot_style *style);
/* `hint` shows when the mouse rests on it. */
void plot_bar(const struct plot *p, double x0, double x1, double low, double high,
              const char *colour, const char *hint);
/* Above the value, in the middle. */
void plot_value(const struct plot *p, double x, double y, const char *text);

/* One entry of a legend, its line's middle at y. */
void plot_key_area(struct buf *out, double x, double y, const char *colour, const char *text);
void plot_key_line(struct buf *out, double x, double y, const struct plot_style *style,
                   const char *text);

#endif
