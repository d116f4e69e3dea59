/* Kernels as ELF files: what is loaded where, and files that are not what they should be. */
#include <elf.h>

#include "core/loader.h"
#include "tests/unit/monitor_rig.h"

#define FILE_BYTES 8192
#define SEGMENTS   3

struct image {
    uint8_t bytes[FILE_BYTES];
};

static Elf32_Phdr *segment(struct image *f, unsigned i)
{
    return (Elf32_Phdr *)(void *)(f->bytes + sizeof(Elf32_Ehdr)) + i;
}

/* Little-endian, as the host is: a text segment, a note, data with a bss. */
static void make_image(struct image *f)
{
    *f = (struct image){0};
    for (unsigned i = 4096; i < FILE_BYTES; i++)
        f->bytes[i] = (uint8_t)(i * 13 + 1);
    Elf32_Ehdr eh = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_MIPS,
        .e_version = EV_CURRENT,
        .e_entry = 0x80100040,
        .e_phoff = sizeof eh,
        .e_ehsize = sizeof eh,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = SEGMENTS,
    };
    memcpy(f->bytes, &eh, sizeof eh);
    *segment(f, 0) = (Elf32_Phdr){.p_type = PT_LOAD, .p_offset = 4096, .p_vaddr = 0x80100000,
                                  .p_filesz = 1000, .p_memsz = 1000};
    *segment(f, 1) = (Elf32_Phdr){.p_type = PT_NOTE, .p_offset = 1u << 30, .p_filesz = 100};
    *segment(f, 2) = (Elf32_Phdr){.p_type = PT_LOAD, .p_offset = 6000, .p_vaddr = 0xa0200ff0,
                                  .p_filesz = 500, .p_memsz = 9000};
}

static struct mrig *create(void)
{
    static struct guest g;
    guest_worker(&g, 20000);
    struct mrig_options opt = {.guest = &g};
    return mrig_create(&opt);
}

static int load(struct mrig *r, const struct image *f, size_t n, uint64_t *entry, uint64_t *end,
                struct err *e)
{
    /* Exactly as long as it says, for the sanitizer. */
    uint8_t *bytes = xmalloc(n);
    memcpy(bytes, f->bytes, n);
    struct config_image image = {bytes, n};
    struct kernel_info info;
    *e = (struct err){0};
    int result = loader_probe(&image, "kernel", &info, e);
    if (result == 0)
        result = loader_load(r->m->vms[0], &image, entry, end, e);
    free(bytes);
    return result;
}

START_TEST(segments)
{
    struct mrig *r = create();
    struct vm *vm = r->m->vms[0];
    struct image f;
    struct err e;
    uint64_t entry, end;
    uint8_t dirty[12000], back[12000];
    memset(dirty, 0xee, sizeof dirty);
    ck_assert(vm_write_physical(vm, 0x200000, dirty, sizeof dirty)); /* a reset finds old content */
    make_image(&f);
    ck_assert_int_eq(load(r, &f, FILE_BYTES, &entry, &end, &e), 0);
    ck_assert_uint_eq(entry, 0xffffffff80100040);
    ck_assert_uint_eq(end, 0x200ff0 + 9000);
    vm_read_physical(vm, 0x100000, back, 1000);
    ck_assert_mem_eq(back, f.bytes + 4096, 1000);
    vm_read_physical(vm, 0x200ff0 - 16, back, 9000 + 32);
    ck_assert_uint_eq(back[15], 0xee);
    ck_assert_mem_eq(back + 16, f.bytes + 6000, 500);
    for (unsigned i = 16 + 500; i < 16 + 9000; i++)
        ck_assert_uint_eq(back[i], 0);
    mrig_destroy(r);
}
END_TEST

START_TEST(damaged)
{
    struct mrig *r = create();
    struct image f;
    struct err e;
    uint64_t entry, end;
    static const struct {
        uint32_t offset, vaddr, filesz, memsz;
        int code;
        const char *why;
    } bad[] = {
        {9000, 0x80100000, 10, 10, ERR_FORMAT, "outside the file"},
        {8000, 0x80100000, 193, 200, ERR_FORMAT, "outside the file"},
        {0xffffffff, 0x80100000, 0xffffffff, 0xffffffff, ERR_FORMAT, "outside the file"},
        {0, 0x80100000, 100, 50, ERR_FORMAT, "outside the file"},
        {0, 0x80400000, 10, 10, ERR_USAGE, "does not fit into RAM"},
        {0, 0x803ffff8, 4, 9, ERR_USAGE, "does not fit into RAM"},
        {0, 0x9fc00000, 4, 4, ERR_USAGE, "does not fit into RAM"},
        {0, 0x80100000, 4, 0xffffffff, ERR_USAGE, "does not fit into RAM"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        make_image(&f);
        Elf32_Phdr *ph = segment(&f, 2);
        ph->p_offset = bad[i].offset;
        ph->p_vaddr = bad[i].vaddr;
        ph->p_filesz = bad[i].filesz;
        ph->p_memsz = bad[i].memsz;
        ck_assert_int_eq(load(r, &f, FILE_BYTES, &entry, &end, &e), bad[i].code);
        ck_assert_msg(strstr(e.msg, bad[i].why) != NULL, "%s", e.msg);
    }
    make_image(&f);
    segment(&f, 0)->p_type = segment(&f, 2)->p_type = PT_NULL;
    ck_assert_int_eq(load(r, &f, FILE_BYTES, &entry, &end, &e), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(e.msg, "nothing to load"));
    make_image(&f);
    for (size_t n = 1; n < 400; n++)
        ck_assert_int_eq(load(r, &f, n, &entry, &end, &e) < 0, n >= 4);
    mrig_destroy(r);
}
END_TEST

/* Nothing in the headers brings the program down. */
START_TEST(random_headers)
{
    struct mrig *r = create();
    struct image f;
    struct err e;
    uint64_t entry, end;
    unsigned good = 0;
    struct rng rng = {9};
    for (int i = 0; i < 4000; i++) {
        make_image(&f);
        for (unsigned k = 1 + rng_below(&rng, 4); k != 0; k--)
            f.bytes[4 + rng_below(&rng, 52 + SEGMENTS * 32 - 4)] = (uint8_t)rng_next(&rng);
        int result = load(r, &f, 1 + rng_below(&rng, FILE_BYTES), &entry, &end, &e);
        ck_assert_int_eq(result, e.code);
        good += result == 0;
    }
    ck_assert_uint_gt(good, 50);
    ck_assert_uint_lt(good, 3500);
    mrig_destroy(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *tc = tcase_create("loader");
    tcase_add_test(tc, segments);
    tcase_add_test(tc, damaged);
    tcase_add_test(tc, random_headers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
