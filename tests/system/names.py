"""Names that others chose reach no terminal as they are: those in a trace, and those of files."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

EVIL = "a\x1b[31m\x9bb\x07\u202ec"
SEEN = "\\x1b"


def put(name, text):
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)


def clean(status, *command, seen=SEEN, **more):
    """The command shows something of the name, and nothing that a terminal obeys."""
    r = run(*command, **more)
    text = r.out + r.err.encode("utf-8", "replace")
    check(r.status == status, "wanted status %d\n" % status, r)
    check(not any(c < 0x20 and c not in b"\n\t\r" for c in text) and b"\xc2\x9b" not in text and
          b"\xe2\x80\xae" not in text and b"\x7f" not in text, "a terminal obeys:", r)
    check(seen in text.decode("utf-8"), "no %r in" % seen, r)
    return r


def in_a_trace():
    put("two.conf", 'networks = ( { name = "lan"; } ); vms = ( { name = "v%%d"; count = 2;\n'
                    'kernel = "%s"; memory = "8M"; console = "none";\n'
                    'nics = ( { network = "lan"; } ); } );' % ECHO)
    expect(0, RECORD, "-q", "-o", "two.zst", *ENGINE, "--stop-after", "30000000", "two.conf")
    expect(0, TAMPER, "names", "two.zst", "names.zst", 1)
    verify("names.zst")
    for command in ("info", "stats", "verify-file", "memory"):
        clean(0, TRACE, command, "names.zst", seen=SEEN if command in ("info", "memory") else "")
    clean(2, TRACE, "diff", "two.zst", "names.zst")
    expect(0, TAMPER, "end", "names.zst", "bad.zst")
    clean(2, *VERIFY, "bad.zst", seen="\\x1b[31mred\\xc2\\x9b2J\\nnext: digest of the processor")
    # Its last frames are gone, and with them part of an image.
    expect(0, TAMPER, "names", "two.zst", "kernel.zst", 0)
    with open("kernel.zst", "rb") as f:
        start = f.read(1200)
    with open("short.zst", "wb") as f:
        f.write(start)
    clean(1, *VERIFY, "short.zst", seen="is cut before the whole of \\x1b]0;title")


def in_gdb():
    if shutil.which("gdb-multiarch") is None:
        print("no gdb-multiarch")
        return
    commands = ["monitor vms", "monitor when", "monitor info version", "monitor net",
                "monitor memory", "monitor events 5", "monitor checkpoint a\x1bb",
                "monitor checkpoints", "monitor events \x1b", "info threads", "info os processes"]
    words = [word for c in commands for word in ("-ex", c)]
    r = clean(0, REPLAY, "-q", "--no-symbols", "names.zst", "--", "-q", "-nx", "-batch",
              "-iex", "set style enabled off", *words, timeout=100)
    check(r.err.count("red\\xc2\\x9b2J\\nnext") >= 12, "few names are shown:", r)


def of_files():
    shutil.copy("two.zst", EVIL)
    for command in ("info", "verify-file", "memory", "stats", "dump"):
        clean(0, TRACE, command, EVIL, seen="")
    clean(0, TRACE, "memory", "--csv", EVIL)
    clean(0, *VERIFY, EVIL)
    clean(2, TRACE, "diff", EVIL, "names.zst")
    clean(1, *VERIFY, "missing" + EVIL)
    clean(1, RECORD, "-q", "-o", "none", "-kernel", "missing" + EVIL)
    clean(1, RECORD, "-smp", EVIL)
    clean(1, TRACE, EVIL, "two.zst")
    put(EVIL + ".conf", 'vms = ( { kernel = "none"; name = "\\x1b[31m"; "');
    clean(1, RECORD, "-q", "-o", "none", EVIL + ".conf")
    put("bad.conf", 'vms = ( { kernel = "a\\x1b]0;x"; } );')
    clean(1, RECORD, "-q", "-o", "none", "bad.conf")
    clean(0, RECORD, *ECHO_ARGS, "-o", EVIL + ".zst", stdin=b"q")


with Folder():
    in_a_trace()
    in_gdb()
    of_files()
