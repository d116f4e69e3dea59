"""Somebody types into the shell guest, on a terminal, and a script through a slow pipe."""

import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import
from terminal import Terminal


def typed():
    t = Terminal(RECORD, *LINUX_ARGS, "-o", "typed.zst")
    t.wait_for(b"# ")
    t.type(b"expr 6 '*' 7\r")
    t.wait_for(b"\n42\r")
    t.wait_for(b"# ")
    t.type(b"cat\r")
    t.wait_for(b"cat\r")
    time.sleep(1)
    t.type(b"words\r")
    t.wait_for(b"words")
    t.wait_for(b"words")
    t.type(b"\x03")
    t.wait_for(b"# ")
    started = time.monotonic()
    t.type(b"sleep 1; echo slept\r")
    t.wait_for(b"\nslept")
    took = time.monotonic() - started
    check(0.7 < took < 20, "sleep 1 took", took)
    t.wait_for(b"# ")
    # BREAK, and the key behind it, are for the kernel.
    t.type(b"echo 1 >/proc/sys/kernel/sysrq\r")
    t.wait_for(b"# ")
    t.type(b"\x01bh")
    t.wait_for(b"sysrq: HELP")
    t.type(b"\x01x")
    t.finish(0)
    verify("typed.zst")
    r = expect(0, TRACE, "dump", "--inputs", "typed.zst")
    check(b"input break channel=0" in r.out, r.out[-500:])


def piped():
    p = subprocess.Popen([RECORD, *LINUX_ARGS, "-o", "piped.zst"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    rng = seeded()
    for key in b"expr 7 '*' 6\npoweroff -f\n":
        p.stdin.write(bytes([key]))
        p.stdin.flush()
        time.sleep(rng.random() / 4)
    out, err = p.communicate(timeout=120)
    check(p.returncode == 0 and b"\n42\r" in out and b"Power down" in out, out[-500:], err)
    r = expect(0, *VERIFY, "--console", "piped.zst")
    check(r.out == out, "--console shows another text than was recorded")


need_linux()
with Folder():
    typed()
    piped()
