/* Machine pages for tests of networks: content by number, and a count of the holds on each. */
#ifndef TESTS_UNIT_NET_PAGES_H
#define TESTS_UNIT_NET_PAGES_H

#include <check.h>
#include <string.h>

#include "core/net_frame.h"

#define FAKE_PAGES 2048

struct fake_pages {
    uint8_t content[FAKE_PAGES][PAGE_SIZE]; /* by number - 1 */
    unsigned holds[FAKE_PAGES];
    struct net_pages pages;
};

static inline unsigned *fake_page_holds(struct fake_pages *fp, uint64_t mpn1)
{
    ck_assert_uint_ge(mpn1, 1);
    ck_assert_uint_le(mpn1, FAKE_PAGES);
    return &fp->holds[mpn1 - 1];
}

static inline uint64_t fake_page_hold(void *ctx, uint64_t mpn1)
{
    unsigned *holds = fake_page_holds(ctx, mpn1);
    ck_assert_uint_gt(*holds, 0);
    ++*holds;
    return mpn1;
}

static inline void fake_page_release(void *ctx, uint64_t mpn1)
{
    unsigned *holds = fake_page_holds(ctx, mpn1);
    ck_assert_uint_gt(*holds, 0);
    --*holds;
}

static inline void fake_page_read(void *ctx, uint64_t mpn1, size_t off, void *out, size_t n)
{
    struct fake_pages *fp = ctx;
    ck_assert_uint_gt(*fake_page_holds(fp, mpn1), 0);
    ck_assert(off <= PAGE_SIZE && n <= PAGE_SIZE - off);
    memcpy(out, fp->content[mpn1 - 1] + off, n);
}

static inline void fake_pages_init(struct fake_pages *fp)
{
    memset(fp, 0, sizeof *fp);
    fp->pages = (struct net_pages){
        .ctx = fp,
        .hold = fake_page_hold,
        .release = fake_page_release,
        .read = fake_page_read,
    };
}

/* A free page, with one hold. */
static inline uint64_t fake_page_new(struct fake_pages *fp, const void *content)
{
    for (unsigned i = 0; i < FAKE_PAGES; i++) {
        if (fp->holds[i] == 0) {
            fp->holds[i] = 1;
            memcpy(fp->content[i], content, PAGE_SIZE);
            return i + 1;
        }
    }
    ck_abort_msg("no free page");
    return 0;
}

static inline unsigned fake_pages_held(const struct fake_pages *fp)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FAKE_PAGES; i++)
        n += fp->holds[i];
    return n;
}

#endif
