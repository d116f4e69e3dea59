/* Packets in, packets out: the whole protocol against the fake target, without sockets. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/gdb_session_rig.h"

START_TEST(supported)
{
    ASK("qSupported:multiprocess+;swbreak+;error-message+",
        "PacketSize=100000;multiprocess+;vContSupported+;swbreak+;hwbreak+;"
        "ReverseStep+;ReverseContinue+;qXfer:features:read+;qXfer:threads:read+;"
        "qXfer:osdata:read+;qXfer:exec-file:read+;ConditionalBreakpoints+;BreakpointCommands+;"
        "error-message+");
    static const char *const empty[] = {"vMustReplyEmpty",
                                        "qTStatus",
                                        "x80001000,4",
                                        "x0,0",
                                        "qGetTLSAddr:1",
                                        "QListThreadsInStopReply",
                                        "jThreadsInfo",
                                        "vStopped",
                                        "vCtrlC",
                                        "qOffsets",
                                        "B0",
                                        "",
                                        "t0",
                                        "qProcessInfo",
                                        "_M10,rwx"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        ASK(empty[i], "");
    static const char *const ok[] = {
        "!",          "qSymbol::",        "QPassSignals:e;10", "QThreadEvents:1",
        "QNonStop:0", "QProgramSignals:0"};
    for (size_t i = 0; i < ARRAY_LEN(ok); i++)
        ASK(ok[i], "OK");
    ASK("QNonStop:1", "E01");
}
END_TEST

START_TEST(ack_mode)
{
    gdb_session_begin(&s);
    acks = naks = 0;
    ASK("qC", "QC1");
    ck_assert_uint_eq(acks, 1);
    gdb_session_input(&s, (const uint8_t *)"$qC#00", 6);
    read_wire();
    ck_assert_uint_eq(naks, 1);
    packets = 0;
    gdb_session_input(&s, (const uint8_t *)"-", 1); /* again, please */
    read_wire();
    ck_assert_uint_eq(packets, 1);
    ck_assert_str_eq(buf_cstr(&got), "QC1");

    ASK("QStartNoAckMode", "OK");
    ck_assert_uint_eq(acks, 2); /* the request itself is still acknowledged */
    packets = 0;
    gdb_session_input(&s, (const uint8_t *)"+-$qC#00", 8);
    read_wire();
    ck_assert_uint_eq(packets, 0);
    ck_assert_uint_eq(naks, 1);
    ck_assert_uint_eq(acks, 2);
}
END_TEST

START_TEST(threads)
{
    ASK("?", "T05thread:p1.1;1d:f02f0080;1f:00000000;25:08100080;");
    ASK("qfThreadInfo", "mp1.1,p1.2");
    ASK("qsThreadInfo", "l");
    ASK("qThreadExtraInfo,p1.2", "68616c746564");
    ASK("Tp1.2", "OK");
    ASK("Tp1.7", "E03");
    ASK("Tp2.3", "E03"); /* not attached */
    ASK("Hg2", "OK");    /* LLDB's form */
    ASK("qC", "QCp1.2");
    ASK("Hgp0.0", "OK");
    ASK("Hc-1", "OK");
    ASK("Hgp1.9", "E03");
    ASK("Hgx", "E03");
    ASK("qAttached:1", "1");
    ASK("qXfer:threads:read::0,1000",
        "l<?xml version=\"1.0\"?>\n<threads>\n"
        "<thread id=\"p1.1\" core=\"0\" name=\"vm1/cpu0\">position 0</thread>\n"
        "<thread id=\"p1.2\" core=\"1\" name=\"vm1/cpu1\">halted</thread>\n</threads>\n");
    ASK("qXfer:threads:read::0,5", "m<?xml");
    ASK("qXfer:threads:read::5,3", "m ve");
    ASK("qXfer:threads:read::ffffffffffffffff,ffffffffffffffff", "l");
    ASK("qXfer:threads:read::0", "E16");
}
END_TEST

START_TEST(processes)
{
    ASK("vAttach;2", "T05thread:p2.3;1d:f02f0080;1f:00000000;25:08100080;");
    ASK("qfThreadInfo", "mp1.1,p1.2,p2.3");
    ASK("vAttach;3", "E03");
    ASK("vAttach;ffffffffffff", "E03");
    ASK("qXfer:exec-file:read:2:0,100", "l/vm2/program");
    ASK("qXfer:exec-file:read::0,100", "l/vm2/program");
    ASK("qXfer:exec-file:read:1:0,100", "E02");
    ASK("qXfer:exec-file:read:9:0,100", "E16");
    check_prefix("qXfer:osdata:read::0,1000", "l<?xml version=\"1.0\"?>\n<osdata type=\"types\">");
    check_prefix("qXfer:osdata:read:processes:0,1000",
                 "l<?xml version=\"1.0\"?>\n<osdata type=\"processes\">\n<item>"
                 "<column name=\"pid\">1</column><column name=\"user\">attached</column>");
    ASK("qXfer:osdata:read:other:0,1000", "E00");
    ASK("D;2", "OK");
    ASK("qfThreadInfo", "mp1.1,p1.2");
    ASK("D;1", "OK");
    ASK("qfThreadInfo", "l");
    ASK("?", "W00");
    ASK("g", "E03");
    ASK("vCont;c", "E03");
    ASK("bs", "E03");
    ASK("vRun;;3430", "T05thread:p1.1;1d:f02f0080;1f:00000000;25:18100080;");
    ck_assert_uint_eq(fake_target_position(target), 40);
    ASK("vRun;;3230303031", "E.the recording ends at position 20000");
    ASK("vRun;;7878", "E.the argument of run is a position");
    ASK("vKill;1", "OK");
    ASK("vRun;", "T05thread:p1.1;1d:f02f0080;1f:00000000;25:08100080;");
    ck_assert_uint_eq(fake_target_position(target), 0);
    ASK("D", "OK");
    ck_assert_ptr_null(ask("R0"));
    ck_assert_ptr_null(ask("k"));
    ck_assert(s.closing);
}
END_TEST

START_TEST(registers)
{
    ck_assert_uint_eq(strlen(ask("g")), 38 * 8);
    ASK("p25", "08100080");
    ASK("p26", "xxxxxxxx");
    ASK("p5a", "0000000000000000");
    ASK("p5c", "E16");
    ASK("pffff", "E16");
    ASK("p", "E16");
    ASK("P8=01000000", "E.the recording cannot be changed .1");
    ASK("P8=0100", "E16");
    ASK("P8", "E16");
    ASK("Gff", "OK"); /* not even one register */
    ASK("G00000000", "OK");
    ASK("G01000000", "E.the recording cannot be changed .1");
    ASK("G0", "E16");
}
END_TEST

START_TEST(memory)
{
    ASK("m80001008,4", "00000824");
    ASK("mffffffff80001008,4", "00000824");
    ASK("m80002ffe,10", "0000");
    ASK("m0,4", "E0e");
    ASK("m80001008,0", "E16");
    ck_assert_uint_eq(strlen(ask("m80001008,ffffffffffffffff")), 2 * 0x1ff8);
    ASK("Xffffffff80001008,0:", "OK");
    ASK("X80001008,1:a", "E0e");
    ASK("X80001008,2:a", "E16");
    ASK("M80001008,1:61", "E0e");
    ASK("M80001008,1:6", "E16");
    ASK("M80001008,0:", "OK");
    ASK("qCRC:80001008,0", "Cffffffff");
    ASK("qCRC:ffffffff80001008,4", "Cc66b5e15");
    ASK("qCRC:80002ff0,20", "E0e");
    ASK("qCRC:0,ffffffffffffffff", "E16");
    ASK("qSearch:memory:ffffffff80001000;1000;*\x8d", "1,ffffffff8000101e");
    ASK("qSearch:memory:80001000;2000;zz", "0");
    ASK("qSearch:memory:80001000;2001;zz", "E0e");
    ASK("qSearch:memory:80001000;1;zz", "0");
    ASK("qSearch:memory:80001000;1000;", "E16");
    ASK("qqemu.PhyMemMode", "0");
    ASK("Qqemu.PhyMemMode:1", "OK");
    ASK("qqemu.PhyMemMode", "1");
    ASK("Qqemu.PhyMemMode:2", "E16");
}
END_TEST

#define STOP(reason, pc) "T05" reason "thread:p1.1;1d:f02f0080;1f:00000000;25:" pc ";"

START_TEST(forward)
{
    ASK("vCont?", "vCont;c;C;s;S;t;r");
    ASK("vCont;s:p1.1", STOP("", "0c100080"));
    ASK("vCont;S05:p1.1;c", STOP("", "10100080"));
    ASK("vCont;r80001010,80001020:p1.1;c:p1.-1", STOP("", "20100080"));
    ck_assert_uint_eq(fake_target_position(target), 6);
    ASK("s", STOP("", "14100080"));
    ASK("S05", STOP("", "18100080"));
    ASK("Z0,8000101c,4", "OK");
    ASK("vCont;c", STOP("swbreak:;", "1c100080"));
    ASK("z0,8000101c,4", "OK");
    ASK("Z1,80001018,4", "OK");
    ASK("c", STOP("hwbreak:;", "18100080"));
    ASK("C05", STOP("hwbreak:;", "18100080"));
    ASK("z1,80001018,4", "OK");
    ASK("z1,80001018,4", "OK");
    ASK("vCont;C05:p1.-1", STOP("replaylog:end;", "18100080"));
    ASK("vCont;c", STOP("replaylog:end;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), FAKE_END);
    static const char *const bad[] = {"vCont;",   "vCont;x",      "vCont;C", "vCont;r1", "vCont;s:",
                                      "vCont;sx", "vCont;s:p1.7", "vCont;t", "vCont;s;"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ASK(bad[i], "E16");
    ASK("c80001008", "E01");
    ASK("s80001008", "E01");
}
END_TEST

START_TEST(backward)
{
    ASK("bs", STOP("replaylog:begin;", "08100080"));
    ASK("bc", STOP("replaylog:begin;", "08100080"));
    ask("vRun;;3130"); /* position 10 */
    ASK("Hcp1.1", "OK");
    ASK("bs", STOP("", "1c100080"));
    ASK("Hcp1.0", "OK");
    ASK("Z0,80001018,4", "OK");
    ASK("bc", STOP("swbreak:;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 8);
    ASK("bc", STOP("swbreak:;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 4);
    ASK("bc", STOP("replaylog:begin;", "08100080"));
}
END_TEST

START_TEST(stepping_other_thread)
{
    ASK("Hgp1.2", "OK");
    ASK("bs", "T05thread:p1.2;1d:f02f0080;1f:00000000;25:08100080;"); /* named by Hg */
    ASK("Tp1.1", "OK");
    ASK("bs", STOP("replaylog:begin;", "08100080")); /* named by T */
    ASK("vCont;s:p1.2", "T05thread:p1.2;1d:f02f0080;1f:00000000;25:08100080;");
    /* Whatever ends a single-thread resume, it is that thread's stop. */
    ASK("vCont;c:p1.2", "T05replaylog:end;thread:p1.2;1d:f02f0080;1f:00000000;25:08100080;");
    ASK("Hcp1.2", "OK");
    ASK("bc", "T05replaylog:begin;thread:p1.2;1d:f02f0080;1f:00000000;25:08100080;");
}
END_TEST

START_TEST(watch)
{
    ASK("Z2,80002000,4", "OK");
    ASK("vCont;c", STOP("watch:80002000;", "18100080")); /* before the store */
    ASK("z2,80002000,4", "OK");
    ASK("vCont;s:p1.1", STOP("", "1c100080"));
    ASK("Z3,80002004,1", "OK");
    ASK("bc", STOP("replaylog:begin;", "08100080"));
    ASK("vCont;c", STOP("rwatch:80002004;", "1c100080"));
    ASK("z3,80002004,1", "OK");
    ASK("Z4,80001fff,ffffffffffffffff", "OK");
    ASK("bc", STOP("awatch:80001fff;", "1c100080")); /* after the store, not yet taken back */
    ck_assert_uint_eq(fake_target_position(target), 5);
    ASK("z4,80001fff,ffffffffffffffff", "OK");
    ASK("Z5,0,4", "");
    ASK("z5,0,4", "");
    ASK("Z2,", "E16");
}
END_TEST

START_TEST(watch_for_lldb)
{
    ASK("QThreadSuffixSupported", "");
    ASK("qHostInfo", "triple:6d697073656c2d756e6b6e6f776e2d6c696e7578;endian:little;ptrsize:4;"
                     "watchpoint_exceptions_received:after;");
    ASK("Z2,80002000,4", "OK");
    ASK("vCont;c", STOP("watch:80002000;", "1c100080"));
    ASK("vCont;c", STOP("watch:80002000;", "1c100080"));
    ASK("bc", STOP("watch:80002000;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 8);
}
END_TEST

START_TEST(conditions)
{
    /* t0 == 5; a second Z replaces it by t0 == 7; a failing one stops. */
    ASK("Z0,80001018,4;X9,260008162022051327", "OK");
    ASK("vCont;c", STOP("swbreak:;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 20);
    ASK("Z0,80001018,4;X9,260008162022071327", "OK");
    ck_assert_uint_eq(fake_target_points(target), 1);
    ASK("vCont;c", STOP("swbreak:;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 28);
    ASK("bc", STOP("replaylog:begin;", "08100080"));
    ASK("Z0,80001018,4;X3,220027X9,260008162022021327;X9,260008162022031327", "OK");
    ASK("vCont;c", STOP("swbreak:;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 8);
    ASK("vCont;c", STOP("swbreak:;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 12);
    ASK("Z0,80001018,4;X1,ff", "OK");
    ASK("vCont;c", STOP("swbreak:;", "18100080"));
    ck_assert_uint_eq(fake_target_position(target), 16);
    static const char *const bad[] = {"Z0,80001018,4;X",
                                      "Z0,80001018,4;X2,00",
                                      "Z0,80001018,4;Xffffffffffffffff,00",
                                      "Z0,80001018,4;X1,0",
                                      "Z0,80001018,4;X1,000",
                                      "Z0,80001018,4;cmds:",
                                      "Z0,80001018,4;cmds:1,X1,",
                                      "Z0,80001018,4x",
                                      "Z0,80001018,2",
                                      "Z0,80001018",
                                      "Z0"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ASK(bad[i], "E16");
    ck_assert_uint_eq(fake_target_points(target), 1);
}
END_TEST

START_TEST(commands)
{
    /* printf "t=%d\n" of t0, and a breakpoint later. */
    ASK("Z0,80001018,4;cmds:1,X15,260008162022002200340100"
        "07743d25645c6e0027",
        "OK");
    ASK("Z0,8000101c,4;X9,260008162022031327", "OK");
    buf_clear(&console);
    ASK("vCont;c", STOP("swbreak:;", "1c100080"));
    ck_assert_str_eq(buf_cstr(&console), "t=1\nt=2\nt=3\n");
    buf_clear(&console);
    ASK("bc", STOP("replaylog:begin;", "08100080"));
    ck_assert_uint_eq(console.len, 0);
}
END_TEST

static void send_long_command(void)
{
    packets = 0;
    buf_clear(&console);
    send_bytes("qRcmd,6c6f6e6720313030", 22); /* long 100 */
}

/* A command that takes 100 slices: signs of life, its text, and then OK. */
START_TEST(long_monitor_command)
{
    unsigned slices = 0;
    send_long_command();
    for (; gdb_session_running(&s); slices++)
        gdb_session_slice(&s);
    read_wire();
    ck_assert_uint_eq(slices, 100);
    ck_assert_uint_eq(packets, 3 + 1 + 1);
    ck_assert_str_eq(buf_cstr(&console), "done\n");
    ck_assert_str_eq(buf_cstr(&got), "OK");

    /* A packet tells that it was given up: only that is answered. */
    send_long_command();
    for (int i = 0; i < 10; i++)
        gdb_session_slice(&s);
    send_bytes("qC", 2);
    gdb_session_slice(&s);
    read_wire();
    ck_assert(!gdb_session_running(&s));
    ck_assert_uint_eq(packets, 1);
    ck_assert_uint_eq(console.len, 0);
    ck_assert_str_eq(buf_cstr(&got), "QCp1.1");

    /* Even before it was begun. */
    send_long_command();
    send_bytes("qC", 2);
    gdb_session_slice(&s);
    read_wire();
    ck_assert_uint_eq(packets, 1);
    ck_assert_str_eq(buf_cstr(&got), "QCp1.1");

    send_long_command(); /* the client leaves */
    gdb_session_end(&s);
    ck_assert(!gdb_session_running(&s));
}
END_TEST

/* What the client skips because it comes before the acknowledgement of its packet. */
START_TEST(given_up_with_acks)
{
    static const char twice[] = "$qC#b4$qC#b4";
    gdb_session_begin(&s);
    send_long_command();
    ck_assert_str_eq(buf_cstr(&s.wire), "+");
    for (int i = 0; i < 40; i++)
        gdb_session_slice(&s);
    ck_assert_str_eq(buf_cstr(&s.wire), "+$O#4f");
    gdb_session_input(&s, (const uint8_t *)"+-", 2); /* waited for long: nothing to repeat */
    send_bytes("qC", 2);
    ck_assert_str_eq(buf_cstr(&s.wire), "+$O#4f");
    gdb_session_slice(&s);
    ck_assert_str_eq(buf_cstr(&s.wire), "+$O#4f+$QC1#c5");
    read_wire();

    /* Sent again for want of an acknowledgement. */
    ck_assert_uint_eq(gdb_session_input(&s, (const uint8_t *)twice, 12), 12);
    ck_assert_str_eq(buf_cstr(&s.wire), "+$QC1#c5");
    buf_clear(&s.wire);
}
END_TEST

/* vRun to a place far away: signs of life that no client takes for the reply. */
START_TEST(far_restart)
{
    const char *alive = "%disco:alive#5d";
    ASK("qRcmd,66617220313030", "OK"); /* far 100 */
    packets = 0;
    send_bytes("vRun;;37", 8);
    for (int i = 0; i < 101; i++) {
        ck_assert(gdb_session_running(&s));
        gdb_session_slice(&s);
    }
    ck_assert(!gdb_session_running(&s));
    const char *at = buf_cstr(&s.wire);
    for (int i = 0; i < 3; i++, at += strlen(alive))
        ck_assert_msg(strncmp(at, alive, strlen(alive)) == 0, "%s", at);
    ck_assert(*at == '$');
    read_wire();
    ck_assert_uint_eq(packets, 1);
    ck_assert(strncmp(buf_cstr(&got), "T05thread:p1.1;", 15) == 0);

    ASK("qRcmd,66617220313030", "OK");
    packets = 0;
    send_bytes("vRun;;37", 8);
    gdb_session_slice(&s);
    send_bytes("qC", 2); /* given up */
    gdb_session_slice(&s);
    read_wire();
    ck_assert_uint_eq(packets, 1);
    ck_assert_str_eq(buf_cstr(&got), "QCp1.1");
    check_prefix("vRun;;7a", "E.");
}
END_TEST

START_TEST(interrupts)
{
    packets = 0;
    gdb_session_input(&s, (const uint8_t *)"\3", 1); /* stopped: no reply */
    read_wire();
    ck_assert_uint_eq(packets, 0);

    send_bytes("vCont;c", 7);
    gdb_session_slice(&s);
    ck_assert(gdb_session_running(&s));
    gdb_session_input(&s, (const uint8_t *)"\3", 1);
    gdb_session_slice(&s);
    ck_assert(!gdb_session_running(&s));
    read_wire();
    ck_assert_uint_eq(packets, 1);
    ck_assert(strncmp(buf_cstr(&got), "T02thread:p1.1;", 15) == 0);

    /* Any packet during a run interrupts it, and is answered after the stop reply. */
    packets = 0;
    send_bytes("vCont;c", 7);
    send_bytes("qC", 2);
    ck_assert_uint_eq(gdb_session_input(&s, (const uint8_t *)"$qC#b4", 6), 0); /* full */
    gdb_session_slice(&s);
    read_wire();
    ck_assert_uint_eq(packets, 2);
    ck_assert_str_eq(buf_cstr(&got), "QCp1.1");

    /* A client that leaves during a run leaves the target at rest. */
    send_bytes("vCont;c", 7);
    gdb_session_end(&s);
    ck_assert(!gdb_session_running(&s));
}
END_TEST

START_TEST(console_text)
{
    buf_clear(&console);
    gdb_session_console(&s, "lost\n", 5); /* nobody waits */
    send_bytes("vCont;c", 7);
    gdb_session_console(&s, "kept\n", 5);
    gdb_session_slice(&s);
    read_wire();
    ck_assert_str_eq(buf_cstr(&console), "kept\n");
    buf_clear(&console);
    for (int i = 0; i < 40000; i++) /* of one slice */
        gdb_session_console(&s, "kept\n", 5);
    gdb_session_slice(&s);
    read_wire();
    ck_assert_uint_eq(console.len, 200000);
    buf_clear(&console);
    gdb_session_input(&s, (const uint8_t *)"\3", 1);
    gdb_session_slice(&s);
    read_wire();
    ASK("qRcmd,7768656e", "OK"); /* when */
    ck_assert(strncmp(buf_cstr(&console), "position ", 9) == 0);
    buf_clear(&console);
    ASK("qRcmd,7878", "OK");
    ck_assert(strncmp(buf_cstr(&console), "Unknown command", 15) == 0);
    ASK("qRcmd,7", "E16");
}
END_TEST

START_TEST(files)
{
    ASK("vFile:setfs:0", "F0");
    ASK("vFile:open:6a757374,0,1c0", "F-1,2");
    ASK("vFile:open:2f766d322f70726f6772616d,1,1c0", "F-1,d");
    ASK("vFile:open:2f766d322f70726f6772616d,0,1c0", "F0");
    ASK("vFile:open:2f766d322f70726f6772616d00,0,1c0", "F-1,16");
    ASK("vFile:pread:0,100,0", "F13;not }an* $ELF# file");
    ASK("vFile:pread:0,3,4", "F3;}an");
    ASK("vFile:pread:0,3,ffffffffffffffff", "F0;");
    ASK("vFile:pread:1,3,0", "F-1,9");
    ask("vFile:fstat:0");
    ck_assert_uint_eq(got.len, 4 + 64);
    ck_assert_uint_eq(got.data[4 + 28 + 7], 0x13);
    ASK("vFile:close:0", "F0");
    ASK("vFile:close:0", "F-1,9");
    ASK("vFile:fstat:ffffffff", "F-1,9");
    ASK("vFile:pwrite:0,0,x", "F-1,d");
    for (int i = 0; i < SESSION_FILES; i++)
        check_prefix("vFile:open:2f766d322f70726f6772616d,0,1c0", "F");
    ASK("vFile:open:2f766d322f70726f6772616d,0,1c0", "F-1,18");
}
END_TEST

START_TEST(description)
{
    check_prefix("qXfer:features:read:target.xml:0,1000", "m<?xml version=\"1.0\"?>");
    struct buf all = {0};
    for (unsigned off = 0;; off += 100) {
        char packet[64];
        snprintf(packet, sizeof packet, "qXfer:features:read:target.xml:%x,64", off);
        ask(packet);
        buf_put(&all, got.data + 1, got.len - 1);
        if (got.data[0] == 'l')
            break;
    }
    const char *xml = buf_cstr(&all);
    ck_assert_ptr_nonnull(strstr(xml, "<osabi>none</osabi>"));
    ck_assert_ptr_nonnull(
        strstr(xml, "<reg name=\"pc\" bitsize=\"32\" regnum=\"37\" type=\"int\"/>"));
    ck_assert_str_eq(xml + all.len - 10, "</target>\n");
    ASK("qXfer:features:read:other.xml:0,1000", "E00");
    ASK("qXfer:features:read:target.xml", "E00");
    buf_free(&all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gdb session");
    TCase *tc = tcase_create("session");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, supported);
    tcase_add_test(tc, ack_mode);
    tcase_add_test(tc, threads);
    tcase_add_test(tc, processes);
    tcase_add_test(tc, registers);
    tcase_add_test(tc, memory);
    tcase_add_test(tc, forward);
    tcase_add_test(tc, backward);
    tcase_add_test(tc, stepping_other_thread);
    tcase_add_test(tc, watch);
    tcase_add_test(tc, watch_for_lldb);
    tcase_add_test(tc, conditions);
    tcase_add_test(tc, commands);
    tcase_add_test(tc, given_up_with_acks);
    tcase_add_test(tc, far_restart);
    tcase_add_test(tc, interrupts);
    tcase_add_test(tc, long_monitor_command);
    tcase_add_test(tc, console_text);
    tcase_add_test(tc, files);
    tcase_add_test(tc, description);
    suite_add_tcase(suite, tc);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
