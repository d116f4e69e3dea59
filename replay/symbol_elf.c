#include "replay/symbol_elf.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/*
 * File layout: ELF header, .symtab, .strtab, .shstrtab, section headers.
 *
 * gdb tells functions from data by the section that a symbol is in, and finds
 * no name for an address outside of all sections. So the list is cut into runs
 * of code and of data, each a section from its first symbol to the next run;
 * after _etext and _einittext, which end the kernel's text, nothing follows
 * until the next symbol. A list that changes sides too often to be a kernel's
 * (a guest made it) becomes one section of code.
 */

#define MAX_RUNS  64
#define ABI_O32   0x1000 /* of e_flags; elf.h does not name it */
#define LAST_SIZE PAGE_SIZE /* the last run ends at a multiple of this */

struct run {
    uint64_t start, end;
    size_t after; /* the index of the first symbol behind it */
    bool is_code;
};

struct writer {
    struct buf *out;
    bool big_endian;
    unsigned width;
    struct run runs[MAX_RUNS];
    unsigned run_count; /* sections 1 ... run_count */
};

static void put16(struct writer *w, uint32_t v)
{
    uint8_t *p = buf_reserve(w->out, 2);
    if (w->big_endian)
        st_be16(p, (uint16_t)v);
    else
        st_le16(p, (uint16_t)v);
    w->out->len += 2;
}

static void put32(struct writer *w, uint32_t v)
{
    uint8_t *p = buf_reserve(w->out, 4);
    if (w->big_endian)
        st_be32(p, v);
    else
        st_le32(p, v);
    w->out->len += 4;
}

/* A field of the size of an address. */
static void put_word(struct writer *w, uint64_t v)
{
    if (w->width == 4) {
        put32(w, (uint32_t)v);
        return;
    }
    put32(w, (uint32_t)(w->big_endian ? v >> 32 : v));
    put32(w, (uint32_t)(w->big_endian ? v : v >> 32));
}

static void align(struct writer *w)
{
    while (w->out->len % w->width != 0)
        buf_putc(w->out, 0);
}

static bool is_code(const struct kernel_symbol *s)
{
    return s->type != 0 && strchr("tTwW", s->type) != NULL;
}

/* Absolute symbols belong to no run and do not end one. */
static bool is_absolute(const struct kernel_symbol *s)
{
    return s->type == 'a' || s->type == 'A';
}

static bool ends_text(const struct kernel_symbol *s)
{
    return strcmp(s->name, "_etext") == 0 || strcmp(s->name, "_einittext") == 0;
}

static uint64_t end_of_last(const struct kernel_symbol *s)
{
    return ends_text(s) ? s->address : (s->address / LAST_SIZE + 1) * LAST_SIZE;
}

static bool cut_runs(struct writer *w, const struct kernel_symbol *list, size_t count)
{
    bool is_open = false;
    struct run *run = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct kernel_symbol *s = &list[i];
        if (is_absolute(s))
            continue;
        if (is_open && run->is_code != is_code(s)) {
            run->end = s->address;
            is_open = false;
        }
        if (!is_open) {
            if (w->run_count == MAX_RUNS)
                return false;
            run = &w->runs[w->run_count++];
            *run = (struct run){.start = s->address, .is_code = is_code(s)};
            is_open = true;
        }
        run->after = i + 1;
        run->end = end_of_last(s);
        is_open = !ends_text(s);
    }
    return true;
}

static void find_runs(struct writer *w, const struct kernel_symbol *list, size_t count)
{
    if (cut_runs(w, list, count))
        return;
    w->run_count = 1;
    w->runs[0] = (struct run){.start = list[0].address,
                              .end = end_of_last(&list[count - 1]),
                              .after = count,
                              .is_code = true};
}

static void put_header(struct writer *w, size_t section_headers, unsigned sections)
{
    const uint8_t ident[EI_NIDENT] = {
        ELFMAG0,
        ELFMAG1,
        ELFMAG2,
        ELFMAG3,
        w->width == 8 ? ELFCLASS64 : ELFCLASS32,
        w->big_endian ? ELFDATA2MSB : ELFDATA2LSB,
        EV_CURRENT,
    };
    uint32_t flags = w->width == 8 ? EF_MIPS_ARCH_64R2 : EF_MIPS_ARCH_32R2 | ABI_O32;
    buf_put(w->out, ident, sizeof ident);
    put16(w, ET_EXEC);
    put16(w, EM_MIPS);
    put32(w, EV_CURRENT);
    put_word(w, 0); /* entry */
    put_word(w, 0); /* program headers */
    put_word(w, section_headers);
    put32(w, flags | EF_MIPS_NOREORDER);
    put16(w, w->width == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
    put16(w, w->width == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
    put16(w, 0);
    put16(w, w->width == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
    put16(w, sections);
    put16(w, sections - 1); /* .shstrtab is the last */
}

struct symbol {
    uint32_t name;
    uint64_t value, size;
    unsigned char info;
    unsigned section;
};

static void put_symbol(struct writer *w, const struct symbol *s)
{
    put32(w, s->name);
    if (w->width == 4) {
        put32(w, (uint32_t)s->value);
        put32(w, (uint32_t)s->size);
    }
    buf_putc(w->out, s->info);
    buf_putc(w->out, 0);
    put16(w, s->section);
    if (w->width == 8) {
        put_word(w, s->value);
        put_word(w, s->size);
    }
}

static unsigned char binding_of(char type)
{
    if (type != 0 && strchr("wWvV", type) != NULL)
        return STB_WEAK;
    return type >= 'a' ? STB_LOCAL : STB_GLOBAL;
}

/* The symbols of one kind of binding; returns how many. `names` gets their names. */
static size_t put_symbols(struct writer *w, const struct kernel_symbol *list, size_t count,
                          bool is_local, struct buf *names)
{
    size_t n = 0;
    uint64_t next = 0; /* the lowest address above that of the symbol */
    unsigned run = w->run_count;
    for (size_t i = count; i-- > 0;) {
        const struct kernel_symbol *s = &list[i];
        while (run > 1 && w->runs[run - 2].after > i)
            run--;
        if (i + 1 == count || list[i + 1].address != s->address)
            next = i + 1 == count ? UINT64_MAX : list[i + 1].address;
        unsigned char binding = binding_of(s->type);
        if ((binding == STB_LOCAL) != is_local)
            continue;
        struct symbol sym = {.name = (uint32_t)names->len, .value = s->address, .section = SHN_ABS};
        if (!is_absolute(s)) {
            uint64_t end = min_u64(next, w->runs[run - 1].end);
            sym.size = end > s->address ? end - s->address : 0;
            sym.section = run;
        }
        sym.info = ELF32_ST_INFO(binding, is_absolute(s) ? STT_NOTYPE
                                          : is_code(s)   ? STT_FUNC
                                                         : STT_OBJECT);
        put_symbol(w, &sym);
        buf_put(names, s->name, strlen(s->name) + 1);
        n++;
    }
    return n;
}

struct section {
    const char *name;
    uint32_t type, flags, link, info;
    uint64_t address;
    size_t at, size, entry_size, alignment;
};

static void put_section(struct writer *w, const struct section *s, size_t name)
{
    put32(w, (uint32_t)name);
    put32(w, s->type);
    put_word(w, s->flags);
    put_word(w, s->address);
    put_word(w, s->at);
    put_word(w, s->size);
    put32(w, s->link);
    put32(w, s->info);
    put_word(w, s->alignment);
    put_word(w, s->entry_size);
}

/* .shstrtab and all section headers; returns where the headers are.
 * `tables` are .symtab, .strtab and .shstrtab. */
static size_t put_sections(struct writer *w, struct section tables[3])
{
    struct buf names = {0};
    size_t table_name[3], run_name[MAX_RUNS];
    buf_putc(&names, 0);
    for (unsigned i = 0; i < 3; i++) {
        table_name[i] = names.len;
        buf_put(&names, tables[i].name, strlen(tables[i].name) + 1);
    }
    bool has_text = false, has_data = false;
    for (unsigned i = 0; i < w->run_count; i++) {
        bool *has = w->runs[i].is_code ? &has_text : &has_data;
        run_name[i] = names.len;
        buf_puts(&names, w->runs[i].is_code ? ".text" : ".data");
        if (*has)
            buf_printf(&names, ".%u", i + 1);
        buf_putc(&names, 0);
        *has = true;
    }
    tables[2].at = w->out->len;
    tables[2].size = names.len;
    buf_put(w->out, names.data, names.len);
    buf_free(&names);
    align(w);
    size_t at = w->out->len;
    put_section(w, &(struct section){0}, 0);
    for (unsigned i = 0; i < w->run_count; i++) {
        const struct run *run = &w->runs[i];
        struct section s = {.type = SHT_NOBITS,
                            .flags = SHF_ALLOC | (run->is_code ? SHF_EXECINSTR : SHF_WRITE),
                            .address = run->start,
                            .at = tables[0].at,
                            .size = run->end - run->start,
                            .alignment = 1};
        put_section(w, &s, run_name[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        put_section(w, &tables[i], table_name[i]);
    return at;
}

void symbol_elf_build(const struct kernel_symbol *list, size_t count, bool big_endian,
                      unsigned width, struct buf *out)
{
    CHECK(width == 4 || width == 8, "addresses of %u bytes", width);
    struct writer *w = xcalloc(1, sizeof *w);
    struct buf names = {0}, head = {0};
    w->big_endian = big_endian;
    w->width = width;
    w->out = out;
    find_runs(w, list, count);
    unsigned sections = 1 + w->run_count + 3;

    buf_clear(out);
    put_header(w, 0, sections);
    align(w);
    size_t symbols_at = out->len;
    buf_putc(&names, 0);
    put_symbol(w, &(struct symbol){0});
    size_t locals = 1 + put_symbols(w, list, count, true, &names);
    put_symbols(w, list, count, false, &names);
    size_t names_at = out->len;
    buf_put(out, names.data, names.len);
    struct section tables[3] = {
        {.name = ".symtab",
         .type = SHT_SYMTAB,
         .at = symbols_at,
         .size = names_at - symbols_at,
         .link = sections - 2,
         .info = (uint32_t)locals,
         .entry_size = width == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym),
         .alignment = width},
        {.name = ".strtab", .type = SHT_STRTAB, .at = names_at, .size = names.len, .alignment = 1},
        {.name = ".shstrtab", .type = SHT_STRTAB, .alignment = 1},
    };
    size_t headers_at = put_sections(w, tables);
    w->out = &head;
    put_header(w, headers_at, sections);
    memcpy(out->data, head.data, head.len);
    buf_free(&head);
    buf_free(&names);
    free(w);
}
