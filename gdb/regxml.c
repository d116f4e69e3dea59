#include "gdb/regxml.h"

#include <string.h>

/* Types that gdb knows without a definition. */
static bool is_builtin(const char *type)
{
    static const char *const prefix[] = {"int",      "uint",     "ieee_", "float",
                                         "code_ptr", "data_ptr", "bool"};
    for (size_t i = 0; i < ARRAY_LEN(prefix); i++)
        if (strncmp(type, prefix[i], strlen(prefix[i])) == 0)
            return true;
    return false;
}

static void put_attribute(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    buf_put_xml(out, value, strlen(value));
    buf_putc(out, '"');
}

static void put_reg(struct buf *out, const struct gdb_reg *r)
{
    buf_puts(out, "<reg");
    put_attribute(out, "name", r->name);
    buf_printf(out, " bitsize=\"%u\" regnum=\"%u\"", r->bits, r->number);
    if (r->type != NULL)
        put_attribute(out, "type", r->type);
    if (r->group != NULL)
        put_attribute(out, "group", r->group);
    if (r->read_only)
        put_attribute(out, "save-restore", "no");
    buf_puts(out, "/>\n");
}

/* All registers of the feature of regs[first]. A type is visible in its own feature only, so the
 * definitions are repeated in each feature that needs one. */
static void put_feature(struct buf *out, const struct regxml *x, size_t first)
{
    const char *feature = x->regs[first].feature;
    bool needs_types = false;
    for (size_t i = first; i < x->count; i++)
        if (strcmp(x->regs[i].feature, feature) == 0 && x->regs[i].type != NULL)
            needs_types = needs_types || !is_builtin(x->regs[i].type);
    buf_puts(out, "<feature");
    put_attribute(out, "name", feature);
    buf_puts(out, ">\n");
    if (needs_types && x->types != NULL)
        buf_puts(out, x->types);
    for (size_t i = first; i < x->count; i++)
        if (strcmp(x->regs[i].feature, feature) == 0)
            put_reg(out, &x->regs[i]);
    buf_puts(out, "</feature>\n");
}

void regxml_put(struct buf *out, const struct regxml *x)
{
    buf_puts(out, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                  "<target version=\"1.0\">\n<architecture>");
    buf_put_xml(out, x->architecture, strlen(x->architecture));
    buf_puts(out, "</architecture>\n<osabi>none</osabi>\n");
    for (size_t i = 0; i < x->count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcmp(x->regs[j].feature, x->regs[i].feature) == 0;
        if (!seen)
            put_feature(out, x, i);
    }
    buf_puts(out, "</target>\n");
}
