/* Numbers are printed with two decimals: a hundredth of a pixel. */
#include <stdio.h>
#include <string.h>

#include "traces/plot.h"

#define TEXT_SIZE  12.0
#define TICKS_MOST 6.0

static double page_x(const struct plot *p, double x)
{
    return p->left + (x - p->x_min) / (p->x_max - p->x_min) * p->width;
}

static double page_y(const struct plot *p, double y)
{
    return p->top + p->height - y / p->y_max * p->height;
}

void plot_page_begin(struct buf *out, double width, double height, const char *title,
                     const char *subtitle)
{
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
               "viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica, Arial, sans-serif\" "
               "fill=\"#222222\">\n<title>",
               width, height, width, height);
    buf_put_xml(out, title, strlen(title));
    buf_puts(out, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
                  "<text x=\"24\" y=\"32\" font-size=\"18\" font-weight=\"bold\">");
    buf_put_xml(out, title, strlen(title));
    buf_puts(out, "</text>\n");
    plot_page_text(out, 24, 54, PLOT_START, 13, subtitle);
}

void plot_page_end(struct buf *out)
{
    buf_puts(out, "</svg>\n");
}

void plot_page_text(struct buf *out, double x, double y, enum plot_anchor anchor, double size,
                    const char *text)
{
    static const char *const names[] = {"start", "middle", "end"};
    buf_printf(out, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.0f\" text-anchor=\"%s\">", x, y,
               size, names[anchor]);
    buf_put_xml(out, text, strlen(text));
    buf_puts(out, "</text>\n");
}

static void put_rule(struct buf *out, double x0, double y0, double x1, double y1,
                     const char *colour)
{
    buf_printf(out, "<path d=\"M%.2f %.2fL%.2f %.2f\" stroke=\"%s\" fill=\"none\"/>\n", x0, y0, x1,
               y1, colour);
}

/* Between ticks, so that there are few enough of them: 1, 2, 5, 10 ... or powers of two. */
static double tick_step(double range, enum plot_ticks ticks)
{
    double step = ticks == PLOT_BINARY ? 1.0 / 1024 : 1e-6;
    for (unsigned k = 0; range / step > TICKS_MOST; k++)
        step *= ticks == PLOT_DECIMAL && k % 3 == 1 ? 2.5 : 2;
    return step;
}

void plot_axis_y(struct plot *p, enum plot_ticks ticks, const char *label)
{
    if (p->y_max <= 0)
        p->y_max = 1;
    double step = tick_step(p->y_max, ticks);
    unsigned n = (unsigned)(p->y_max / step);
    if (n * step < p->y_max || n == 0)
        n++;
    p->y_max = n * step;
    for (unsigned i = 0; i <= n; i++) {
        double y = page_y(p, i * step);
        char text[32];
        snprintf(text, sizeof text, "%.7g", i * step);
        put_rule(p->out, p->left, y, p->left + p->width, y, "#e4e4e4");
        plot_page_text(p->out, p->left - 8, y + TEXT_SIZE / 3, PLOT_END, TEXT_SIZE, text);
    }
    double x = p->left - 62, y = p->top + p->height / 2;
    buf_printf(p->out, "<g transform=\"translate(%.2f %.2f) rotate(-90)\">", x, y);
    plot_page_text(p->out, 0, 0, PLOT_MIDDLE, 13, label);
    buf_puts(p->out, "</g>\n");
}

void plot_axis_x(const struct plot *p, bool ticks, double label_below, const char *label)
{
    double bottom = p->top + p->height;
    put_rule(p->out, p->left, bottom, p->left + p->width, bottom, "#222222");
    plot_page_text(p->out, p->left + p->width / 2, bottom + label_below, PLOT_MIDDLE, 13, label);
    if (!ticks)
        return;
    double step = tick_step(p->x_max - p->x_min, PLOT_DECIMAL);
    unsigned n = (unsigned)((p->x_max - p->x_min) / step * (1 + 1e-12));
    for (unsigned i = 0; i <= n; i++) {
        double x = p->x_min + i * step;
        char text[32];
        snprintf(text, sizeof text, "%.7g", x);
        put_rule(p->out, page_x(p, x), bottom, page_x(p, x), bottom + 5, "#222222");
        plot_x_label(p, x, 0, text);
    }
}

void plot_x_label(const struct plot *p, double x, unsigned line, const char *text)
{
    plot_page_text(p->out, page_x(p, x), p->top + p->height + 20 + 14 * line, PLOT_MIDDLE,
                   TEXT_SIZE, text);
}

void plot_area(const struct plot *p, const double *x, const double *low, const double *high,
               size_t n, const char *colour)
{
    if (n == 0)
        return;
    buf_printf(p->out, "<path fill=\"%s\" d=\"", colour);
    for (size_t i = 0; i < n; i++)
        buf_printf(p->out, "%c%.2f %.2f", i == 0 ? 'M' : 'L', page_x(p, x[i]), page_y(p, high[i]));
    for (size_t i = n; i-- > 0;)
        buf_printf(p->out, "L%.2f %.2f", page_x(p, x[i]), page_y(p, low[i]));
    buf_puts(p->out, "Z\"/>\n");
}

static void put_stroke(struct buf *out, const struct plot_style *style)
{
    buf_printf(out, "fill=\"none\" stroke=\"%s\" stroke-width=\"%.2f\" stroke-linejoin=\"round\"",
               style->colour, style->width);
    if (style->dash != NULL)
        buf_printf(out, " stroke-dasharray=\"%s\"", style->dash);
}

static void put_point(struct buf *out, double x, double y, const struct plot_style *style)
{
    buf_printf(out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\" fill=\"%s\"/>\n", x, y,
               style->width + 1.5, style->colour);
}

void plot_line(const struct plot *p, const double *x, const double *y, size_t n,
               const struct plot_style *style)
{
    if (n == 0)
        return;
    buf_puts(p->out, "<path ");
    put_stroke(p->out, style);
    buf_puts(p->out, " d=\"");
    for (size_t i = 0; i < n; i++)
        buf_printf(p->out, "%c%.2f %.2f", i == 0 ? 'M' : 'L', page_x(p, x[i]), page_y(p, y[i]));
    buf_puts(p->out, "\"/>\n");
    for (size_t i = 0; style->points && i < n; i++)
        put_point(p->out, page_x(p, x[i]), page_y(p, y[i]), style);
}

void plot_bar(const struct plot *p, double x0, double x1, double low, double high,
              const char *colour, const char *hint)
{
    double x = page_x(p, x0), y = page_y(p, high);
    buf_printf(p->out,
               "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" "
               "stroke=\"#ffffff\" stroke-width=\"0.5\"><title>",
               x, y, page_x(p, x1) - x, page_y(p, low) - y, colour);
    buf_put_xml(p->out, hint, strlen(hint));
    buf_puts(p->out, "</title></rect>\n");
}

void plot_value(const struct plot *p, double x, double y, const char *text)
{
    plot_page_text(p->out, page_x(p, x), page_y(p, y) - 5, PLOT_MIDDLE, TEXT_SIZE, text);
}

void plot_key_area(struct buf *out, double x, double y, const char *colour, const char *text)
{
    buf_printf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"26\" height=\"13\" fill=\"%s\"/>\n", x,
               y - 6.5, colour);
    plot_page_text(out, x + 34, y + TEXT_SIZE / 3, PLOT_START, TEXT_SIZE, text);
}

void plot_key_line(struct buf *out, double x, double y, const struct plot_style *style,
                   const char *text)
{
    buf_puts(out, "<path ");
    put_stroke(out, style);
    buf_printf(out, " d=\"M%.2f %.2fH%.2f\"/>\n", x, y, x + 26);
    if (style->points)
        put_point(out, x + 13, y, style);
    plot_page_text(out, x + 34, y + TEXT_SIZE / 3, PLOT_START, TEXT_SIZE, text);
}
