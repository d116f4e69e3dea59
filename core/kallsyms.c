#include "core/kallsyms.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

/*
 * What the kernel's linker script places in .rodata, each part aligned to the
 * width of a pointer:
 *
 *   Linux up to 6.3            Linux from 6.4 on
 *   offsets  u32[count]        num_syms
 *   relative_base  pointer     names
 *   num_syms  u32              markers
 *   names                      token_table
 *   markers  u32[]             token_index
 *   seqs_of_names (from 6.2)   offsets
 *   token_table                relative_base
 *   token_index  u16[256]      seqs_of_names
 *
 * and without CONFIG_KALLSYMS_BASE_RELATIVE a table of pointers instead of
 * offsets and relative_base. A name is a length (one byte; from 0x80 on, two
 * bytes with 7 bits in the first) and that many token numbers; expanded, the
 * first character is the type. markers[i] is the offset of name 256 * i.
 *
 * Nothing in memory points at these tables that could be found first, so the
 * search goes from what is unmistakable to what is not:
 *  1. Tokens '0' to '9' are the digits themselves, because every kernel uses
 *     them: 20 bytes to search for. token_index behind the tokens says where
 *     they start, and must agree with every one of them.
 *  2. In front, a number that could be num_syms determines the place of the
 *     markers (with and without seqs_of_names): two loads reject nearly all.
 *     Then every name is walked and every marker compared.
 *  3. Four places are possible for the addresses; they must be kernel
 *     addresses in ascending order.
 *
 * Time: each step counts the bytes that it looks at, and the search gives up
 * at a fixed number of them, however many half-plausible tables a guest makes.
 */

#define TOKENS         256
#define DIGIT_TOKENS   "0\0001\0002\0003\0004\0005\0006\0007\0008\0009" /* and the literal's 0 */
#define MARKER_STEP    256
#define MIN_SYMBOLS    1000
#define MAX_NAME       (KERNEL_NAME_MAX + 1) /* type and name, expanded (kernel: 512) */
#define MAX_NAMES      ((size_t)16 << 20)  /* num_syms to token_table */
#define MAX_TEXT       ((size_t)64 << 20)  /* all names, expanded */
#define MAX_CANDIDATES 16                  /* token tables looked into, the highest of all */
#define WORK_LIMIT     ((uint64_t)48 << 20)
#define KSEG0          0xffffffff80000000u
#define KSEG_BYTES     0x40000000u /* KSEG0 and KSEG1; MIPS32 vol. III, 4.3 */
#define KSEG0_BYTES    0x20000000u

struct image {
    const uint8_t *ram;
    size_t n;
    const bool *present; /* NULL: all pages are */
    bool big_endian;
    unsigned width; /* of a pointer, and the alignment of all tables */
    uint64_t work;  /* bytes looked at so far */
};

struct tokens {
    size_t at;    /* of token_table */
    size_t after; /* the first byte behind token_index */
    uint16_t offset[TOKENS], len[TOKENS];
};

struct names {
    size_t num_syms_at, at, markers_at;
    uint32_t count;
    size_t text; /* bytes of all names without types, expanded, each with a 0 */
};

struct addresses {
    size_t at;
    bool is_relative;
    uint64_t base;
};

static size_t align_up(const struct image *im, size_t at)
{
    return (at + im->width - 1) & ~(size_t)(im->width - 1);
}

static size_t align_down(const struct image *im, size_t at)
{
    return at & ~(size_t)(im->width - 1);
}

static uint32_t get16(const struct image *im, size_t at)
{
    return im->big_endian ? ld_be16(im->ram + at) : ld_le16(im->ram + at);
}

static uint32_t get32(const struct image *im, size_t at)
{
    return im->big_endian ? ld_be32(im->ram + at) : ld_le32(im->ram + at);
}

static uint64_t get_pointer(const struct image *im, size_t at)
{
    if (im->width == 4)
        return (uint64_t)(int64_t)(int32_t)get32(im, at);
    return im->big_endian ? ld_be64(im->ram + at) : ld_le64(im->ram + at);
}

static bool is_kernel_address(const struct image *im, uint64_t va)
{
    if (va >= KSEG0 && va - KSEG0 < KSEG_BYTES)
        return true;
    return im->width == 8 && va >> 62 == 2; /* XKPHYS */
}

static bool is_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] > '~')
            return false;
    return true;
}

/* The end of token 255, given the start of token '0'; 0 if it is not near. */
static size_t tokens_end(struct image *im, size_t digits_at)
{
    size_t at = digits_at;
    size_t limit = (size_t)min_u64(im->n, (uint64_t)digits_at + UINT16_MAX);
    for (unsigned i = '0'; i < TOKENS; i++) {
        const uint8_t *end = memchr(im->ram + at, 0, limit - at);
        if (end == NULL) {
            im->work += limit - at;
            return 0;
        }
        at = (size_t)(end - im->ram) + 1;
    }
    im->work += at - digits_at;
    return at;
}

/* Step 1: is the string of digits at `digits_at` part of a token table? */
static bool read_tokens(struct image *im, size_t digits_at, struct tokens *t)
{
    size_t end = tokens_end(im, digits_at);
    size_t index_at = align_up(im, end);
    if (end == 0 || index_at > im->n || im->n - index_at < 2 * TOKENS)
        return false;
    uint32_t before = get16(im, index_at + 2 * '0');
    if (before > digits_at || (digits_at - before) % im->width != 0)
        return false;
    t->at = digits_at - before;
    t->after = index_at + 2 * TOKENS;
    im->work += end - t->at;
    for (unsigned i = 0, at = 0; i < TOKENS; i++) {
        if (get16(im, index_at + 2 * i) != at || at >= end - t->at)
            return false;
        const uint8_t *token = im->ram + t->at + at;
        size_t len = strnlen((const char *)token, end - t->at - at);
        if (len >= MAX_NAME || at + len >= end - t->at || !is_text(token, len))
            return false;
        t->offset[i] = (uint16_t)at;
        t->len[i] = (uint16_t)len;
        at += (unsigned)len + 1;
    }
    return true;
}

/* Walks one name: its tokens end at the returned offset, 0 if it is not a
 * name. *len is its expanded length with the type. */
static size_t walk_name(const struct image *im, const struct tokens *t, size_t at, size_t end,
                        size_t *first, size_t *len)
{
    if (end - at < 2)
        return 0;
    size_t n = im->ram[at++];
    if (n >= 0x80)
        n = (n & 0x7f) | (size_t)im->ram[at++] << 7;
    if (n == 0 || n > end - at || n > MAX_NAME)
        return 0;
    *first = at;
    *len = 0;
    for (size_t i = 0; i < n; i++)
        *len += t->len[im->ram[at + i]];
    return *len >= 2 && *len < MAX_NAME ? at + n : 0;
}

/* Do the names fill the room up to the markers, and agree with all of them? */
static bool walk_names(struct image *im, const struct tokens *t, struct names *names)
{
    size_t at = names->at, first, len;
    names->text = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        size_t marker_at = names->markers_at + 4 * (size_t)(i / MARKER_STEP);
        if (i % MARKER_STEP == 0 && get32(im, marker_at) != at - names->at)
            return false;
        size_t next = walk_name(im, t, at, names->markers_at, &first, &len);
        if (next == 0)
            return false;
        im->work += next - at;
        names->text += len; /* a 0 takes the place of the type */
        at = next;
    }
    return align_up(im, at) == names->markers_at && names->text <= MAX_TEXT;
}

/* With num_syms at its place, do the markers end at `markers_end`? */
static bool try_names(struct image *im, const struct tokens *t, struct names *names,
                      size_t markers_end)
{
    size_t markers = (names->count + MARKER_STEP - 1) / MARKER_STEP;
    size_t bytes = align_up(im, 4 * markers);
    if (markers_end < bytes || markers_end - bytes <= names->at)
        return false;
    names->markers_at = markers_end - bytes;
    size_t room = names->markers_at - names->at;
    uint32_t last = get32(im, names->markers_at + 4 * (markers - 1));
    if (get32(im, names->markers_at) != 0 || last >= room || room - last > MARKER_STEP * MAX_NAME)
        return false;
    return walk_names(im, t, names);
}

/* Step 2: num_syms, names and markers in front of the tokens. */
static bool find_names(struct image *im, const struct tokens *t, struct names *names)
{
    size_t low = t->at > MAX_NAMES ? t->at - MAX_NAMES : 0;
    for (size_t at = t->at; at - low >= im->width;) {
        at -= im->width;
        if (++im->work > WORK_LIMIT)
            return false;
        uint32_t count = get32(im, at);
        if (count < MIN_SYMBOLS || count > KERNEL_SYMBOLS_MAX)
            continue;
        im->work += im->width;
        *names = (struct names){.num_syms_at = at, .at = at + im->width, .count = count};
        if (try_names(im, t, names, t->at))
            return true;
        size_t seqs = 3 * (size_t)count;
        if (t->at - low > seqs && try_names(im, t, names, align_down(im, t->at - seqs)))
            return true;
    }
    return false;
}

static uint64_t address_at(const struct image *im, const struct addresses *a, size_t i)
{
    return a->is_relative ? a->base + get32(im, a->at + 4 * i)
                          : get_pointer(im, a->at + im->width * i);
}

/* A few may be absolute symbols, somewhere else or out of order. */
static bool are_addresses(struct image *im, const struct addresses *a, uint32_t count)
{
    uint32_t bad = 0;
    uint64_t previous = 0;
    for (uint32_t i = 0; i < count && bad <= count / 16; i++) {
        uint64_t va = address_at(im, a, i);
        if (!is_kernel_address(im, va) || va < previous)
            bad++;
        else
            previous = va;
    }
    im->work += im->width * (size_t)count;
    return bad <= count / 16;
}

/* Step 3, one of two places: the addresses behind `at` or in front of it. */
static bool try_addresses(struct image *im, struct addresses *a, uint32_t count, size_t at,
                          bool is_behind)
{
    size_t bytes = a->is_relative ? align_up(im, 4 * (size_t)count) + im->width
                                  : im->width * (size_t)count;
    if (is_behind ? at > im->n || bytes > im->n - at : bytes > at)
        return false;
    a->at = is_behind ? at : at - bytes;
    if (a->is_relative) {
        a->base = get_pointer(im, a->at + bytes - im->width);
        if (!is_kernel_address(im, a->base))
            return false;
    }
    return are_addresses(im, a, count);
}

static bool find_addresses(struct image *im, const struct tokens *t, const struct names *names,
                           struct addresses *a)
{
    for (unsigned i = 0; i < 4; i++) {
        bool is_behind = i & 1;
        *a = (struct addresses){.is_relative = i < 2};
        size_t at = is_behind ? align_up(im, t->after) : names->num_syms_at;
        if (try_addresses(im, a, names->count, at, is_behind))
            return true;
    }
    return false;
}

/* By address; equal ones stay in the kernel's order, which is that of the text. */
static int compare_symbols(const void *a, const void *b)
{
    const struct kernel_symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

/* Expands names and pairs them with their addresses. All bounds were checked
 * by walk_names and are_addresses. */
static void decode(const struct image *im, const struct tokens *t, const struct names *names,
                   const struct addresses *a, struct kallsyms *out)
{
    out->list = xcalloc(names->count, sizeof out->list[0]);
    out->names = xmalloc(names->text);
    out->table_at = t->at;
    char *text = out->names;
    size_t at = names->at, first, len;
    bool is_sorted = true;
    for (uint32_t i = 0; i < names->count; i++) {
        size_t next = walk_name(im, t, at, names->markers_at, &first, &len);
        struct kernel_symbol s = {.address = address_at(im, a, i), .name = text};
        for (size_t j = first; j < next; j++) {
            const uint8_t *token = im->ram + t->at + t->offset[im->ram[j]];
            size_t n = t->len[im->ram[j]];
            if (s.type == 0 && n > 0) {
                s.type = (char)*token++;
                n--;
            }
            for (size_t k = 0; k < n; k++) /* who prints names must not obey them */
                *text++ = (char)(token[k] > ' ' && token[k] < 0x7f ? token[k] : '?');
        }
        *text++ = 0;
        at = next;
        if (!is_kernel_address(im, s.address))
            continue;
        is_sorted &= out->count == 0 || out->list[out->count - 1].address <= s.address;
        out->list[out->count++] = s;
    }
    if (!is_sorted)
        qsort(out->list, out->count, sizeof out->list[0], compare_symbols);
    uint64_t here = KSEG0 + t->at;
    out->in_place = t->at < KSEG0_BYTES && out->list[0].address <= here &&
                    here <= out->list[out->count - 1].address;
}

/* The first DIGIT_TOKENS at or behind `from`; n if there are none. They hold one
 * aligned word at least, in which every other byte is 0. (memmem's time depends
 * on what the guest wrote; here a word costs one comparison at most.) */
static size_t find_digits(const struct image *im, size_t from)
{
    for (size_t at = (from + 7) & ~(size_t)7; at <= im->n && im->n - at >= 8; at += 8) {
        if ((at & PAGE_MASK) == 0 && im->present != NULL && !im->present[at / PAGE_SIZE]) {
            at += PAGE_SIZE - 8;
            continue;
        }
        uint64_t w = ld_le64(im->ram + at);
        size_t odd = (w & 0xff) == 0;
        if ((w & (odd ? 0x00ff00ff00ff00ff : 0xff00ff00ff00ff00)) != 0)
            continue;
        unsigned digit = w >> 8 * odd & 0xff;
        size_t before = 2 * (size_t)(digit - '0');
        if (digit < '0' || digit > '6' || at + odd < from + before)
            continue;
        size_t start = at + odd - before;
        if (im->n - start >= sizeof DIGIT_TOKENS &&
            memcmp(im->ram + start, DIGIT_TOKENS, sizeof DIGIT_TOKENS) == 0)
            return start;
    }
    return im->n;
}

/* Keeps the positions of the last MAX_CANDIDATES token tables in a ring;
 * returns how many there were. */
static size_t find_candidates(struct image *im, size_t ring[MAX_CANDIDATES])
{
    struct tokens t;
    size_t found = 0;
    size_t at = find_digits(im, 0);
    while (at < im->n && im->work < WORK_LIMIT) {
        if (read_tokens(im, at, &t))
            ring[found++ % MAX_CANDIDATES] = at;
        at = find_digits(im, at + sizeof DIGIT_TOKENS);
    }
    return found;
}

static bool decode_candidate(struct image *im, size_t digits_at, struct kallsyms *out)
{
    struct tokens t;
    struct names names;
    struct addresses a;
    if (!read_tokens(im, digits_at, &t) || !find_names(im, &t, &names) ||
        !find_addresses(im, &t, &names, &a))
        return false;
    decode(im, &t, &names, &a, out);
    return true;
}

bool kallsyms_find(const uint8_t *ram, size_t n, bool big_endian, unsigned width,
                   const bool *present, struct kallsyms *out)
{
    CHECK(width == 4 || width == 8, "pointers of %u bytes", width);
    struct image im = {.ram = ram,
                       .n = n,
                       .present = present,
                       .big_endian = big_endian,
                       .width = width};
    size_t ring[MAX_CANDIDATES];
    size_t found = find_candidates(&im, ring);
    size_t oldest = found > MAX_CANDIDATES ? found - MAX_CANDIDATES : 0;
    *out = (struct kallsyms){0};
    im.work = 0;
    for (size_t i = found; i > oldest && !out->in_place && im.work < WORK_LIMIT; i--) {
        struct kallsyms k = {0};
        if (!decode_candidate(&im, ring[(i - 1) % MAX_CANDIDATES], &k))
            continue;
        if (out->list == NULL || k.in_place) {
            kallsyms_free(out);
            *out = k;
        } else {
            kallsyms_free(&k);
        }
    }
    return out->list != NULL;
}

void kallsyms_free(struct kallsyms *k)
{
    free(k->list);
    free(k->names);
    *k = (struct kallsyms){0};
}
