"""Files that are no good trace: one clear line and status 1, whatever is in them."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import


def all_refuse(name, text):
    for command in ([*VERIFY, name], [TRACE, "verify-file", name], [TRACE, "info", name],
                    [TRACE, "stats", name], [TRACE, "dump", name], [TRACE, "diff", name, name]):
        r = expect_one_line(*command, text=text)
        check(name in r.err, "the file is not named:", r)


def other_files(good):
    all_refuse("missing.zst", "No such file or directory")
    os.mkdir("folder.zst")
    all_refuse("folder.zst", "is not a regular file")
    for name, content, text in (
            ("empty.zst", b"", "not a trace: the file is empty"),
            ("one.zst", good[:1], "ends inside its header (1 bytes)"),
            ("text.zst", b"hello\n", "not a zstd file"),
            ("nul.zst", b"\0" * 1000, "not a zstd file")):
        with open(name, "wb") as f:
            f.write(content)
        all_refuse(name, text)
    if shutil.which("zstd") is None:
        return
    for name, content, text in (
            ("other.zst", b"hello, world\n" * 9, "not a trace"),
            # The field header of traces/trace.proto: magic, then version 9.
            ("version.zst", b"\x0a\x0f\x0a\x0bdisco-trace\x10\x09", "version 9")):
        with open(name + ".raw", "wb") as f:
            f.write(content)
        expect(0, "zstd", "-q", "--content-size", "--check", name + ".raw", "-o", name)
        all_refuse(name, text)


def cuts(good):
    """Cut anywhere: verified as far as it goes, or one line why not."""
    rng = seeded()
    places = sorted({1, 2, 3, 4, 5, 100, len(good) - 1, len(good) - 9, len(good) - 17} |
                    {rng.randrange(len(good)) for _ in range(40)})
    verified = 0
    for at in places:
        with open("cut.zst", "wb") as f:
            f.write(good[:at])
        r = run(*VERIFY, "cut.zst")
        if r.status == 0:
            check(b"the trace is cut: it " in r.out, "cut at", at, r)
            verified += 1
        else:
            check(r.status == 1 and r.out == b"" and r.err.count("\n") == 1 and
                  r.err.startswith("disco-replay: cut.zst: "), "cut at", at, r)
        r = run(TRACE, "info", "cut.zst")
        check(r.status == 0 and b"state    cut: it " in r.out or r.status == 1 and
              r.err.startswith("disco-trace: cut.zst: ") and r.err.count("\n") == 1,
              "cut at", at, r)
    check(0 < verified < len(places), verified, "of", len(places), "were verified")


def flips(good):
    """One wrong bit anywhere is found, and never takes a program down."""
    rng = seeded()
    for _ in range(80):
        at, bit = rng.randrange(len(good)), rng.randrange(8)
        bad = bytearray(good)
        bad[at] ^= 1 << bit
        with open("bad.zst", "wb") as f:
            f.write(bad)
        for command in ([*VERIFY, "bad.zst"], [TRACE, "info", "bad.zst"],
                        [TRACE, "verify-file", "bad.zst"]):
            r = run(*command)
            check(r.status == 1 and r.err.count("\n") == 1 and
                  r.err.startswith(os.path.basename(command[0]) + ": bad.zst: "),
                  "byte", at, "bit", bit, r)


def stock_tools():
    if shutil.which("zstd") is None or shutil.which("protoc") is None:
        print("no zstd or protoc: not checked")
        return
    expect(0, "zstd", "-q", "-t", "good.zst")
    raw = expect(0, "zstd", "-q", "-dc", "good.zst").out
    text = expect(0, "protoc", "--proto_path=" + os.path.join(SOURCE, "traces"),
                  "--decode=disco.Trace", os.path.join(SOURCE, "traces", "trace.proto"),
                  stdin=raw).out.decode()
    for line in ('magic: "disco-trace"', 'reason: "power-off"', 'data: "abnq"', 'board: "malta"',
                 "wall_clock: 1769860800", "entropy_seed: 42"):
        check(line in text, "protoc does not show", line)


with Folder():
    record("good.zst", stdin=b"abnq")
    with open("good.zst", "rb") as trace:
        content = trace.read()
    other_files(content)
    cuts(content)
    flips(content)
    stock_tools()
