"""A cluster file: with one VM it is the same run as the command line's; what may stand beside it."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

ONE = """
machine = { seed = 42; no_reboot = true; };
defaults = { wall_clock = "2026-01-31T12:00:00"; };
vms = ( { kernel = "%s"; memory = "8M"; seed = 42; %s } );
"""


def write(name, text):
    with open(name, "w", encoding="ascii") as f:
        f.write(text)


def refused(*command, text):
    expect_one_line(RECORD, *command, "-o", "refused.zst", text=text)
    check(not os.path.exists("refused.zst"), "something was started")


def same_as_the_command_line():
    write("one.conf", ONE % (ECHO, ""))
    record("line.zst", stdin=b"abq", text="power-off")
    r = record("file.zst", stdin=b"abq", args=["one.conf", "--timeout", "60", *ENGINE],
               text="power-off")
    check(r.out.endswith(b"PASS\n"), r)
    verify("file.zst")
    expect(0, TRACE, "diff", "line.zst", "file.zst")
    expect(0, TRACE, "info", "file.zst", text="shared by nothing")


def consoles():
    script = 'replies = ( ("ready", "xy\\n"), ("\\n ", "q") ); console = "file:%s";'
    os.mkdir("folder")
    write("folder/two.conf", ONE % (ECHO, script % "out.log"))
    r = record("log.zst", args=["folder/two.conf", "--timeout", "60", *ENGINE], text="power-off")
    check(r.out == b"", r)
    with open("folder/out.log", "rb") as f:
        text = f.read()
    check(b"ready" in text and text.endswith(b"PASS\n"), text)
    verify("log.zst")
    check(expect(0, TRACE, "export", "console", "log.zst").out == text, "the trace has other text")
    write("until.conf", ONE % (ECHO, 'until = "ready"; console = "none";'))
    record("until.zst", args=["until.conf", "--timeout", "60", *ENGINE], text="text after")
    write("bad.conf", ONE % (ECHO, script % "bad.zst"))
    expect_one_line(RECORD, "bad.conf", "-o", "bad.zst", text="bad.zst: is the console of VM vm0")
    check(not os.path.exists("bad.zst"), "something was started")


def mistakes():
    write("bad.conf", ONE % (ECHO, "\ncolor = 1;"))
    refused("bad.conf", text='bad.conf:5: unknown key "color"')
    refused("missing.conf", text="missing.conf: No such file or directory")
    refused(ECHO, text="that is no cluster file (a kernel stands behind -kernel)")
    refused("one.conf", "-m", "64M", text="-m: does not go with the cluster file one.conf")
    refused("one.conf", "-kernel", ECHO, text="-kernel: does not go with the cluster file")
    refused("one.conf", "one.conf", text="one.conf: a second cluster file")
    refused("one.conf", "--pcap", "lan:f", text='one.conf has no network "lan"')


with Folder():
    same_as_the_command_line()
    consoles()
    mistakes()
