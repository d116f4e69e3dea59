#include <check.h>
#include <string.h>

#include "gdb/regxml.h"

static const struct gdb_reg regs[] = {
    {.name = "r0", .feature = "org.gnu.gdb.mips.cpu", .type = "int", .number = 0, .bits = 32},
    {.name = "status", .feature = "org.gnu.gdb.mips.cp0", .type = "sr", .number = 32, .bits = 32},
    {.name = "pc", .feature = "org.gnu.gdb.mips.cpu", .type = "int", .number = 37, .bits = 64},
    {.name = "n<&>",
     .feature = "own",
     .group = "a\"b",
     .number = 80,
     .bits = 64,
     .read_only = true},
};

START_TEST(document)
{
    static const char expected[] =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
        "<target version=\"1.0\">\n<architecture>mips:isa32r2</architecture>\n"
        "<osabi>none</osabi>\n"
        "<feature name=\"org.gnu.gdb.mips.cpu\">\n"
        "<reg name=\"r0\" bitsize=\"32\" regnum=\"0\" type=\"int\"/>\n"
        "<reg name=\"pc\" bitsize=\"64\" regnum=\"37\" type=\"int\"/>\n"
        "</feature>\n"
        "<feature name=\"org.gnu.gdb.mips.cp0\">\n"
        "<flags id=\"sr\" size=\"4\"/>\n"
        "<reg name=\"status\" bitsize=\"32\" regnum=\"32\" type=\"sr\"/>\n"
        "</feature>\n"
        "<feature name=\"own\">\n"
        "<reg name=\"n&lt;&amp;&gt;\" bitsize=\"64\" regnum=\"80\" group=\"a&quot;b\""
        " save-restore=\"no\"/>\n"
        "</feature>\n"
        "</target>\n";
    struct buf out = {0};
    struct regxml x = {"mips:isa32r2", "<flags id=\"sr\" size=\"4\"/>\n", regs, ARRAY_LEN(regs)};
    regxml_put(&out, &x);
    ck_assert_str_eq(buf_cstr(&out), expected);
    buf_free(&out);
}
END_TEST

START_TEST(guest_text)
{
    struct buf out = {0};
    static const char text[] = "a<b>&\"'\x01\xff\0z";
    buf_put_xml(&out, text, sizeof text - 1);
    ck_assert_str_eq(buf_cstr(&out), "a&lt;b&gt;&amp;&quot;&apos;???z");
    buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gdb regxml");
    TCase *tc = tcase_create("regxml");
    tcase_add_test(tc, document);
    tcase_add_test(tc, guest_text);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
