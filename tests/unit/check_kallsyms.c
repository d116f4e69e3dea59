/* Kernel symbols: tables made here in all forms, damaged ones, and the ELF file. */
#include "core/kallsyms.h"

#include <check.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"
#include "replay/symbol_elf.h"

#define SYMBOLS   3000
#define LINKED    0xffffffff80100000u
#define MOVED     0x00740000u /* by which the kernel was relocated */
#define TABLES_AT 0x20000u    /* behind the kernel's first byte, in .rodata */

struct form {
    bool big_endian;
    unsigned width;
    bool is_new; /* the order of Linux 6.4 */
    bool is_relative;
    bool has_seqs;
};

static const struct form forms[] = {
    {false, 4, false, true, false},  {true, 4, false, true, false},
    {false, 4, false, true, true},   {true, 4, false, true, true},
    {false, 4, true, true, true},    {true, 4, true, true, true},
    {false, 4, false, false, false}, {true, 4, false, false, false},
    {false, 4, true, false, true},   {true, 4, true, false, true},
    {true, 8, false, true, true},    {false, 8, true, true, true},
    {false, 8, false, false, false}, {true, 8, true, false, false},
};

static struct {
    char name[SYMBOLS][600];
    char type[SYMBOLS];
    uint32_t offset[SYMBOLS];
    char token[256][16];
} source;

static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

static void make_source(uint32_t s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.$"
                                  "0123456789";
    seed = s;
    for (unsigned i = 0; i < 256; i++) {
        bool is_letter = i != 0 && strchr(letters, (int)i) != NULL;
        snprintf(source.token[i], sizeof source.token[i], is_letter ? "%c" : "k%u_", i);
    }
    uint32_t at = 0;
    for (unsigned i = 0; i < SYMBOLS; i++) {
        unsigned n = i % 500 == 7 ? 300 + random_below(200) : 6 + random_below(30);
        for (unsigned j = 0; j < n; j++)
            source.name[i][j] = letters[random_below(sizeof letters - 1)];
        source.name[i][n] = 0;
        /* Something for the tokens of more than one byte. */
        memcpy(source.name[i], source.token[1 + i % 30], strlen(source.token[1 + i % 30]));
        source.type[i] = "tTwWdDrb"[random_below(8)];
        source.offset[i] = at;
        at += 4 * random_below(100); /* sometimes 0: two names for one place */
    }
    source.offset[SYMBOLS - 1] = 0x300000; /* .rodata lies in between */
}

static void put32(struct buf *b, const struct form *f, uint32_t v)
{
    uint8_t bytes[4];
    (f->big_endian ? st_be32 : st_le32)(bytes, v);
    buf_put(b, bytes, 4);
}

static void put_pointer(struct buf *b, const struct form *f, uint64_t v)
{
    if (f->width == 8 && f->big_endian)
        put32(b, f, (uint32_t)(v >> 32));
    put32(b, f, (uint32_t)v);
    if (f->width == 8 && !f->big_endian)
        put32(b, f, (uint32_t)(v >> 32));
}

static void pad(struct buf *b, const struct form *f)
{
    while (b->len % f->width != 0)
        buf_putc(b, 0);
}

static void put_addresses(struct buf *b, const struct form *f, uint64_t base)
{
    for (unsigned i = 0; i < SYMBOLS; i++) {
        if (f->is_relative)
            put32(b, f, source.offset[i]);
        else
            put_pointer(b, f, base + source.offset[i]);
    }
    pad(b, f);
    if (f->is_relative)
        put_pointer(b, f, base);
}

static void put_names(struct buf *b, const struct form *f)
{
    uint32_t markers[SYMBOLS / 256 + 1];
    size_t start = b->len;
    for (unsigned i = 0; i < SYMBOLS; i++) {
        uint8_t codes[640];
        unsigned n = 0;
        codes[n++] = (uint8_t)source.type[i];
        codes[n++] = (uint8_t)(1 + i % 30);
        for (const char *s = source.name[i] + strlen(source.token[1 + i % 30]); *s != 0; s++)
            codes[n++] = (uint8_t)*s;
        if (i % 256 == 0)
            markers[i / 256] = (uint32_t)(b->len - start);
        if (n >= 0x80) {
            buf_putc(b, (uint8_t)(0x80 | (n & 0x7f)));
            buf_putc(b, (uint8_t)(n >> 7));
        } else {
            buf_putc(b, (uint8_t)n);
        }
        buf_put(b, codes, n);
    }
    pad(b, f);
    for (unsigned i = 0; i < (SYMBOLS + 255) / 256; i++)
        put32(b, f, markers[i]);
    pad(b, f);
}

static void put_seqs(struct buf *b, const struct form *f)
{
    for (unsigned i = 0; f->has_seqs && i < 3 * SYMBOLS; i++)
        buf_putc(b, (uint8_t)random_below(256));
    pad(b, f);
}

static void put_tokens(struct buf *b, const struct form *f)
{
    uint16_t index[256];
    size_t start = b->len;
    for (unsigned i = 0; i < 256; i++) {
        index[i] = (uint16_t)(b->len - start);
        buf_put(b, source.token[i], strlen(source.token[i]) + 1);
    }
    pad(b, f);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t bytes[2];
        (f->big_endian ? st_be16 : st_le16)(bytes, index[i]);
        buf_put(b, bytes, 2);
    }
    pad(b, f);
}

static void put_tables(struct buf *b, const struct form *f, uint64_t base)
{
    if (!f->is_new)
        put_addresses(b, f, base);
    put32(b, f, SYMBOLS);
    pad(b, f);
    put_names(b, f);
    if (!f->is_new)
        put_seqs(b, f);
    put_tokens(b, f);
    if (f->is_new) {
        put_addresses(b, f, base);
        put_seqs(b, f);
    }
}

/* A memory image with the tables of a kernel at `moved` behind where it is linked. */
static void put_kernel(struct buf *ram, const struct form *f, uint32_t moved)
{
    size_t at = (size_t)(LINKED & 0x1fffffff) + moved + TABLES_AT;
    ck_assert_uint_le(ram->len, at);
    size_t hole = at - ram->len;
    uint8_t *p = buf_reserve(ram, hole);
    for (size_t i = 0; i < hole; i++)
        p[i] = i % 4096 < 2048 ? (uint8_t)random_below(256) : 0;
    ram->len += hole;
    put_tables(ram, f, LINKED + moved);
}

static void ck_is_source(const struct kallsyms *k, uint64_t base)
{
    ck_assert_uint_eq(k->count, SYMBOLS);
    for (unsigned i = 0; i < SYMBOLS; i++) {
        ck_assert_uint_eq(k->list[i].address, base + source.offset[i]);
        ck_assert_str_eq(k->list[i].name, source.name[i]);
        ck_assert_int_eq(k->list[i].type, source.type[i]);
    }
}

START_TEST(finds_every_form)
{
    const struct form *f = &forms[_i];
    struct buf ram = {0};
    struct kallsyms k;
    make_source((uint32_t)_i);
    put_kernel(&ram, f, MOVED);
    ck_assert(kallsyms_find(ram.data, ram.len, f->big_endian, f->width, NULL, &k));
    ck_is_source(&k, LINKED + MOVED);
    ck_assert(k.in_place);
    kallsyms_free(&k);
    ck_assert_ptr_null(k.list);
    ck_assert(!kallsyms_find(ram.data, ram.len, !f->big_endian, f->width, NULL, &k));
    ck_assert_uint_eq(k.count, 0);
    buf_free(&ram);
}
END_TEST

START_TEST(prefers_the_live_copy)
{
    const struct form *f = &forms[0];
    struct buf ram = {0};
    struct kallsyms k;
    make_source(77);
    put_kernel(&ram, f, 0);
    put_kernel(&ram, f, MOVED);
    ck_assert(kallsyms_find(ram.data, ram.len, false, 4, NULL, &k));
    ck_is_source(&k, LINKED + MOVED);
    kallsyms_free(&k);
    /* A third copy, as a file in the page cache: higher, but not its own place. */
    for (unsigned i = 0; i < 0x800000; i++)
        buf_putc(&ram, 0);
    pad(&ram, f);
    put_tables(&ram, f, LINKED);
    ck_assert(kallsyms_find(ram.data, ram.len, false, 4, NULL, &k));
    ck_is_source(&k, LINKED + MOVED);
    ck_assert(k.in_place);
    kallsyms_free(&k);
    buf_free(&ram);
}
END_TEST

START_TEST(takes_an_image_elsewhere)
{
    struct buf ram = {0};
    struct kallsyms k;
    make_source(5);
    put_tables(&ram, &forms[0], LINKED);
    ck_assert(kallsyms_find(ram.data, ram.len, false, 4, NULL, &k));
    ck_is_source(&k, LINKED);
    ck_assert(!k.in_place);
    kallsyms_free(&k);
    buf_free(&ram);
}
END_TEST

START_TEST(drops_absolute_symbols_and_sorts)
{
    const struct form *f = &forms[6];
    struct buf ram = {0};
    struct kallsyms k;
    make_source(9);
    put_tables(&ram, f, LINKED);
    st_le32(ram.data + 4 * (size_t)10, 0x1234); /* no kernel address */
    /* Out of order, but not by much: it goes behind symbol 22. */
    st_le32(ram.data + 4 * (size_t)20, (uint32_t)LINKED + source.offset[22]);
    ck_assert(kallsyms_find(ram.data, ram.len, f->big_endian, f->width, NULL, &k));
    ck_assert_uint_eq(k.count, SYMBOLS - 1);
    bool is_there = false;
    for (size_t i = 1; i < k.count; i++) {
        ck_assert_uint_le(k.list[i - 1].address, k.list[i].address);
        ck_assert_str_ne(k.list[i].name, source.name[10]);
        if (strcmp(k.list[i].name, source.name[20]) == 0)
            is_there = k.list[i].address == LINKED + source.offset[22];
    }
    ck_assert(is_there);
    kallsyms_free(&k);
    buf_free(&ram);
}
END_TEST

/* The last `n` bytes alone, so that ASan sees a byte too many. */
static bool find_in_copy(const struct buf *ram, size_t n, const struct form *f)
{
    uint8_t *copy = xmalloc(n + 1);
    struct kallsyms k;
    memcpy(copy, ram->data + ram->len - n, n);
    copy = xrealloc(copy, n == 0 ? 1 : n);
    bool found = kallsyms_find(copy, n, f->big_endian, f->width, NULL, &k);
    kallsyms_free(&k);
    free(copy);
    return found;
}

START_TEST(refuses_cut_tables)
{
    const struct form *f = &forms[_i];
    struct buf ram = {0};
    make_source(3);
    put_tables(&ram, f, LINKED);
    size_t whole = ram.len;
    /* Not read: seqs_of_names at the end, and the padding of the index. */
    size_t unread = f->is_new && f->has_seqs ? (3 * SYMBOLS + 7) / 8 * 8 : 0;
    ck_assert(find_in_copy(&ram, whole, f));
    for (size_t cut = f->width; cut < whole; cut += f->width * (size_t)(1 + random_below(997)))
        ck_assert(!find_in_copy(&ram, whole - cut, f));
    for (size_t cut = unread + 1; cut < whole; cut += 1 + random_below(2003)) {
        ram.len = whole - cut;
        ck_assert(!find_in_copy(&ram, ram.len, f));
    }
    buf_free(&ram);
}
END_TEST

START_TEST(survives_damage)
{
    const struct form *f = &forms[_i];
    struct buf ram = {0}, bad = {0};
    make_source(4);
    put_tables(&ram, f, LINKED);
    unsigned refused = 0;
    for (unsigned round = 0; round < 200; round++) {
        buf_clear(&bad);
        buf_put(&bad, ram.data, ram.len);
        for (unsigned i = 0; i < 1 + round % 40; i++)
            bad.data[random_below((uint32_t)bad.len)] = (uint8_t)random_below(256);
        refused += !find_in_copy(&bad, bad.len, f);
    }
    ck_assert_uint_gt(refused, 0);
    buf_free(&bad);
    buf_free(&ram);
}
END_TEST

START_TEST(refuses_foreign_addresses)
{
    struct buf ram = {0};
    make_source(6);
    put_tables(&ram, &forms[0], 0x10000000);
    ck_assert(!find_in_copy(&ram, ram.len, &forms[0]));
    buf_clear(&ram);
    put_tables(&ram, &forms[6], 0xc0000000);
    ck_assert(!find_in_copy(&ram, ram.len, &forms[6]));
    buf_free(&ram);
}
END_TEST

START_TEST(refuses_control_characters)
{
    struct buf ram = {0};
    make_source(8);
    memcpy(source.token[200], "\033[2J", 5); /* no name has this token */
    put_tables(&ram, &forms[0], LINKED);
    ck_assert(!find_in_copy(&ram, ram.len, &forms[0]));
    buf_free(&ram);
}
END_TEST

START_TEST(survives_noise)
{
    struct buf ram = {0};
    uint8_t *p = buf_reserve(&ram, 1 << 20);
    ram.len = 1 << 20;
    seed = 1;
    for (size_t i = 0; i < ram.len; i++)
        p[i] = (uint8_t)random_below(256);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(!find_in_copy(&ram, ram.len - i, &forms[i]));
    for (unsigned n = 0; n < 64; n++)
        ck_assert(!find_in_copy(&ram, n, &forms[0]));
    buf_free(&ram);
}
END_TEST

/* Thousands of sound token tables behind numbers that could be num_syms: the
 * work limit ends the search. The assertion is the time limit of Check. */
START_TEST(ends_in_time)
{
    struct buf ram = {0};
    make_source(2);
    while (ram.len < (size_t)15 << 20) {
        put32(&ram, &forms[0], 2000000);
        put32(&ram, &forms[0], 0);
    }
    while (ram.len < (size_t)32 << 20)
        put_tokens(&ram, &forms[0]);
    ck_assert(!find_in_copy(&ram, ram.len, &forms[0]));
    buf_clear(&ram);
    while (ram.len < (size_t)32 << 20)
        buf_put(&ram, "0\0001\0002\0003\0004\0005\0006\0007\0008\0009", 20);
    ck_assert(!find_in_copy(&ram, ram.len, &forms[0]));
    buf_free(&ram);
}
END_TEST

static Elf *open_elf(struct buf *file)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)file->data, file->len);
    ck_assert_ptr_nonnull(elf);
    return elf;
}

static Elf_Scn *find_section(Elf *elf, const char *name, GElf_Shdr *sh)
{
    size_t names;
    ck_assert_int_eq(elf_getshdrstrndx(elf, &names), 0);
    for (Elf_Scn *s = elf_nextscn(elf, NULL); s != NULL; s = elf_nextscn(elf, s))
        if (gelf_getshdr(s, sh) != NULL && strcmp(elf_strptr(elf, names, sh->sh_name), name) == 0)
            return s;
    ck_abort_msg("no section %s", name);
    return NULL;
}

static GElf_Sym find_symbol(Elf *elf, const char *name)
{
    GElf_Shdr sh;
    GElf_Sym sym, found = {0};
    Elf_Data *data = elf_getdata(find_section(elf, ".symtab", &sh), NULL);
    size_t count = sh.sh_size / sh.sh_entsize;
    bool is_found = false;
    for (size_t i = 1; i < count; i++) {
        ck_assert_ptr_nonnull(gelf_getsym(data, (int)i, &sym));
        ck_assert_int_eq(GELF_ST_BIND(sym.st_info) == STB_LOCAL, i < sh.sh_info);
        if (strcmp(elf_strptr(elf, sh.sh_link, sym.st_name), name) == 0) {
            found = sym;
            is_found = true;
        }
    }
    ck_assert_msg(is_found, "no symbol %s", name);
    return found;
}

static const struct kernel_symbol small[] = {
    {0xffffffff80100000, "_stext", 'T'},  {0xffffffff80100000, "first", 't'},
    {0xffffffff80100040, "weak", 'W'},    {0xffffffff80100050, "_etext", 'T'},
    {0xffffffff80200000, "table", 'R'},   {0xffffffff80200010, "value", 'A'},
    {0xffffffff80200020, "counter", 'd'}, {0xffffffff80300000, "start_kernel", 'T'},
};

static void ck_small_header(Elf *elf, const struct form *f)
{
    GElf_Ehdr eh;
    ck_assert_ptr_nonnull(gelf_getehdr(elf, &eh));
    ck_assert_uint_eq(eh.e_machine, EM_MIPS);
    ck_assert_uint_eq(eh.e_ident[EI_DATA], f->big_endian ? ELFDATA2MSB : ELFDATA2LSB);
    ck_assert_uint_eq(eh.e_ident[EI_CLASS], f->width == 8 ? ELFCLASS64 : ELFCLASS32);
    ck_assert_uint_eq(eh.e_ident[EI_OSABI], ELFOSABI_NONE);
    ck_assert_uint_eq(eh.e_flags, f->width == 8 ? 0x80000001 : 0x70001001);
    ck_assert_uint_eq(eh.e_entry, 0);
}

START_TEST(elf_has_the_symbols)
{
    const struct form *f = &forms[_i];
    struct buf file = {0};
    symbol_elf_build(small, ARRAY_LEN(small), f->big_endian, f->width, &file);
    uint64_t mask = f->width == 4 ? UINT32_MAX : UINT64_MAX;
    Elf *elf = open_elf(&file);
    ck_small_header(elf, f);

    GElf_Shdr text, data;
    size_t text_at = elf_ndxscn(find_section(elf, ".text", &text));
    size_t data_at = elf_ndxscn(find_section(elf, ".data", &data));
    ck_assert_uint_eq(text.sh_type, SHT_NOBITS);
    ck_assert_uint_eq(text.sh_flags, SHF_ALLOC | SHF_EXECINSTR);
    ck_assert_uint_eq(text.sh_addr, small[0].address & mask);
    ck_assert_uint_eq(text.sh_size, 0x50);
    ck_assert_uint_eq(data.sh_type, SHT_NOBITS);
    ck_assert_uint_eq(data.sh_flags, SHF_ALLOC | SHF_WRITE);
    ck_assert_uint_eq(data.sh_addr, small[4].address & mask);
    ck_assert_uint_eq(data.sh_size, 0x100000);

    GElf_Sym s = find_symbol(elf, "first");
    ck_assert_uint_eq(s.st_value, small[0].address & mask);
    ck_assert_uint_eq(s.st_size, 0x40);
    ck_assert_uint_eq(s.st_info, GELF_ST_INFO(STB_LOCAL, STT_FUNC));
    ck_assert_uint_eq(s.st_shndx, text_at);
    ck_assert_uint_eq(find_symbol(elf, "_stext").st_size, 0x40);
    ck_assert_uint_eq(find_symbol(elf, "_etext").st_size, 0);
    ck_assert_uint_eq(find_symbol(elf, "weak").st_info, GELF_ST_INFO(STB_WEAK, STT_FUNC));
    s = find_symbol(elf, "counter");
    ck_assert_uint_eq(s.st_size, 0xfffe0);
    ck_assert_uint_eq(s.st_info, GELF_ST_INFO(STB_LOCAL, STT_OBJECT));
    ck_assert_uint_eq(s.st_shndx, data_at);
    ck_assert_uint_eq(find_symbol(elf, "value").st_shndx, SHN_ABS);
    s = find_symbol(elf, "start_kernel");
    ck_assert_uint_eq(s.st_size, 0x1000);
    ck_assert_uint_eq(s.st_info, GELF_ST_INFO(STB_GLOBAL, STT_FUNC));
    elf_end(elf);
    buf_free(&file);
}
END_TEST

START_TEST(elf_takes_any_list)
{
    struct buf file = {0};
    symbol_elf_build(NULL, 0, false, 4, &file);
    elf_end(open_elf(&file));
    symbol_elf_build(&small[5], 1, false, 4, &file);
    Elf *elf = open_elf(&file);
    ck_assert_uint_eq(find_symbol(elf, "value").st_size, 0);
    elf_end(elf);
    /* Changes between code and data a thousand times: one section. */
    struct kernel_symbol *list = xcalloc(2000, sizeof *list);
    for (unsigned i = 0; i < 2000; i++)
        list[i] = (struct kernel_symbol){LINKED + 4 * i, i == 1999 ? "last" : "x", "Td"[i % 2]};
    symbol_elf_build(list, 2000, true, 4, &file);
    elf = open_elf(&file);
    GElf_Shdr text;
    size_t text_at = elf_ndxscn(find_section(elf, ".text", &text));
    ck_assert_uint_eq(text.sh_size, 0x2000);
    ck_assert_uint_eq(find_symbol(elf, "last").st_shndx, text_at);
    elf_end(elf);
    free(list);
    buf_free(&file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kallsyms");
    TCase *find = tcase_create("find");
    tcase_add_loop_test(find, finds_every_form, 0, ARRAY_LEN(forms));
    tcase_add_test(find, prefers_the_live_copy);
    tcase_add_test(find, takes_an_image_elsewhere);
    tcase_add_test(find, drops_absolute_symbols_and_sorts);
    suite_add_tcase(suite, find);
    TCase *hostile = tcase_create("hostile");
    tcase_add_loop_test(hostile, refuses_cut_tables, 0, ARRAY_LEN(forms));
    tcase_add_loop_test(hostile, survives_damage, 0, ARRAY_LEN(forms));
    tcase_add_test(hostile, refuses_foreign_addresses);
    tcase_add_test(hostile, refuses_control_characters);
    tcase_add_test(hostile, survives_noise);
    tcase_add_test(hostile, ends_in_time);
    suite_add_tcase(suite, hostile);
    TCase *elf = tcase_create("elf");
    tcase_add_loop_test(elf, elf_has_the_symbols, 0, ARRAY_LEN(forms));
    tcase_add_test(elf, elf_takes_any_list);
    suite_add_tcase(suite, elf);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
