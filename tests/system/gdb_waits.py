"""gdb and long commands: what its user interrupts leaves the conversation in step; a restart far away
takes longer than gdb's patience; no line of a dprintf is lost."""

import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

# Under gdb's own python. Its user's Ctrl-C is a SIGINT.
INTERRUPTING = r'''
import os, re, signal, threading, time, gdb
for setting in ("pagination off", "confirm off", "width 0"):
    gdb.execute("set " + setting)
def run(command):
    try:
        return gdb.execute(command, to_string=True)
    except (gdb.error, KeyboardInterrupt) as error:
        return "%s: %s" % (type(error).__name__, error)
def want(pattern, text):
    assert re.fullmatch(pattern, text, re.DOTALL), (pattern, text)
WHEN = r"position (\d+) of \d+, virtual time [0-9.]+ s, pc ([0-9a-f]{8})\n"
given_up = 0
for delay in (0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.35, 0.5, 0.7, 1.0, 1.3):
    run("monitor seek 1000")
    timer = threading.Timer(delay, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    given_up += run(COMMAND).startswith("KeyboardInterrupt")
    timer.join()
    time.sleep(0.05)
    run("maint flush register-cache")
    run("maint flush dcache")
    when = run("monitor when")
    want(WHEN, when)
    want(r"disco, replaying[^\n]*\n", run("monitor info version"))
    want(r"pc: +0x%s\n" % re.match(WHEN, when).group(2), run("info registers pc"))
    want(r"0x80100000:\s+0x1000ffff\s+0x00000000\n", run("x/2wx 0x80100000"))
    want(r"cpu \w+ devices \w+ memory \w+\n", run("monitor digest"))
    want(r"0x80100008:\s+0x00000000\n", run("x/wx 0x80100008"))
    want(re.escape(when), run("monitor when"))
    run("stepi")
    after = re.match(WHEN, run("monitor when"))
    assert int(after.group(1)) == int(re.match(WHEN, when).group(1)) + 2, (when, after)
assert given_up > 5, given_up
print("in step,", given_up, "given up")
'''


def shown(result):
    """gdb writes what monitor commands say to stderr."""
    return result.out.decode() + str(result.err)


def gdb(trace, *arguments, own=True):
    """gdb's output: of the gdb that disco-replay starts, or of one that knows nothing of it."""
    if own:
        return shown(expect(0, REPLAY, "--engine", "interp", "--no-symbols", trace, "--", "-nx",
                            "-q", "-batch", *arguments))
    # pylint: disable=consider-using-with
    server = subprocess.Popen([REPLAY, "--engine", "interp", "--no-symbols", "--gdb=unix:s", trace],
                              stdout=subprocess.DEVNULL)
    while not os.path.exists("s"):
        time.sleep(0.01)
    try:
        return shown(expect(0, "gdb-multiarch", "-nx", "-q", "-batch", "-ex", "set confirm off",
                            "-ex", "target extended-remote s", *arguments))
    finally:
        server.terminate()
        server.wait()


def given_up(command):
    with open("interrupting.py", "w", encoding="ascii") as f:
        f.write("COMMAND = %r\n" % command + INTERRUPTING)
    text = gdb("loop.zst", "-x", "interrupting.py")
    check("in step" in text, command, text)
    print(command, *[t for t in text.splitlines() if t.startswith("in step")])


def far_away():
    # Not between the branch and its slot, whatever ran before the loop.
    far = 3000000000 + (end_step("loop.zst") & 1)
    began = time.monotonic()
    text = gdb("loop.zst", "-ex", "starti %d" % far, "-ex", "monitor when", "-ex",
               "info registers pc", "-ex", "stepi", "-ex", "monitor when", "-ex", "starti 5", "-ex",
               "monitor when", own=False)
    took = time.monotonic() - began
    print("starti took %.1f s" % took)
    at = [line.split()[1] for line in text.splitlines() if line.startswith("position ")]
    check(at == [str(far), str(far + 2), "5"], at, text)
    check("packet error" not in text, text)


def logged():
    """Each hit prints 900 bytes; one slice has hundreds of hits."""
    line = "x" * 900
    text = gdb("short.zst", "-ex", "monitor seek 10000", "-ex", "set dprintf-style agent", "-ex",
               'dprintf *0x80100000,"%s\\n"' % line, "-ex", "continue", "-ex", "monitor when")
    # A branch and its slot are two steps; the seek ends before a branch.
    end = int(text.rsplit("position ", 1)[1].split()[0])
    hits = text.count(line + "\n")
    print(hits, "lines up to", end)
    check(abs(hits - (end - 10000) // 2) <= 1 and hits > 2000, hits, end)


if __name__ == "__main__":
    if shutil.which("gdb-multiarch") is None:
        sys.exit(77)
    with Folder():
        with open("loop.bin", "wb") as loop:
            loop.write(bytes([0xff, 0xff, 0, 0x10, 0, 0, 0, 0]))  # branches to itself
        for name, steps in (("loop.zst", 6000000000), ("short.zst", 20000)):
            expect(0, RECORD, "-kernel", "loop.bin", "--endian", "little", "-m", "16M",
                   "--stop-after", steps, "-o", name)
        logged()
        given_up("monitor seek end")
        given_up("monitor seek 1:5000000000")
        far_away()
