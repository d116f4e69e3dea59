"""Ctrl-C, SIGTERM and --timeout end a run within half a second, whatever its machines do; the trace then
verifies, on any number of threads, and goes back under gdb. (The limit here is twice that: the host of a
test may have other work.)"""

import signal
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

DEAR = os.path.join(HERE, "dear.elf")
SOON = 1.0
CONF = """
machine = { threads = %d; seed = 1; };
vms = ( { name = "d%%d"; count = %d; kernel = "%s"; memory = "16M"; console = "%s";
          replies = ( ("ready", "%s") ); } );
"""


def write_conf(count, threads, key, console="file:d%d.txt"):
    with open("d.conf", "w", encoding="ascii") as f:
        f.write(CONF % (threads, count, DEAR, console, key))


def start(*command, **how):
    # pylint: disable=consider-using-with
    return subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, **how)


def end(process, status, number, what, after=0.5):
    time.sleep(after)
    check(process.poll() is None, what, "has ended by itself")
    begin = time.monotonic()
    process.send_signal(number)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
    took = time.monotonic() - begin
    print("%s: ended after %.3f s" % (what, took))
    check(took < SOON, what, "took", took, "s to end")
    text = process.stderr.read().decode()
    check(process.returncode == status, what, "status", process.returncode, text)
    return text


def record_and_end(count, threads, key, number=signal.SIGTERM):
    write_conf(count, threads, key)
    what = "%d VMs, %d threads, %s" % (count, threads, key)
    end(start(RECORD, "-q", "-o", "t.zst", "d.conf", *ENGINE), 0, number, what)
    check("user at step" in end_line("t.zst"), "another end")
    for n in ("1", "2"):
        verify("t.zst", "--threads", n)


def machines():
    for i, key in enumerate("tsgemcip"):
        record_and_end(2, 1 + i % 2, key, signal.SIGINT if i % 3 == 0 else signal.SIGTERM)
    record_and_end(1, 1, "t")
    record_and_end(6, 2, "z", signal.SIGHUP)


def timeout():
    write_conf(2, 1, "t")
    begin = time.monotonic()
    expect(3, RECORD, "-o", "t.zst", "d.conf", "--timeout", "0.7", *ENGINE, text="timeout after")
    took = time.monotonic() - begin
    check(0.7 <= took < 0.7 + SOON, "a time-out of 0.7 s came after", took)
    verify("t.zst")


def nobody_reads():
    """Standard output is a pipe that is full."""
    write_conf(1, 1, "p", "terminal")
    for limit in (["--timeout", "60"], ["--timeout", "1"]):
        out, into = os.pipe()
        p = start(RECORD, "-q", "-o", "t.zst", "d.conf", *limit, *ENGINE, stdout=into)
        os.close(into)
        if limit[1] == "60":
            end(p, 0, signal.SIGTERM, "a full pipe")
        else:
            check(p.wait(1 + SOON + 1) == 3, "status", p.returncode)
        os.close(out)
        verify("t.zst")


def verification():
    write_conf(2, 1, "t")
    expect(3, RECORD, "-o", "t.zst", "d.conf", "--timeout", "3", *ENGINE)
    for threads in ("1", "2"):
        p = start(*VERIFY, "--threads", threads, "t.zst")
        text = end(p, 1, signal.SIGINT, "disco-replay --verify")
        check("interrupted at instruction" in text and "no difference" in text, text)


def before_the_machines_run():
    """Much to read and to compress."""
    write_conf(1, 1, "z", "none")
    with open("large", "wb") as f:
        for _ in range(150):
            f.write(os.urandom(1 << 20))
    with open("d.conf", "a", encoding="ascii") as f:
        f.write('defaults = { initrd = "large"; };\n')
    with open("d.conf", "r+", encoding="ascii") as f:
        text = f.read().replace("16M", "240M")
        f.seek(0)
        f.write(text)
    text = end(start(RECORD, "-q", "-o", "t.zst", "d.conf", *ENGINE), 1, signal.SIGTERM, "large files",
               0.1)
    check("before the machines ran" in text, text)


with Folder():
    machines()
    timeout()
    nobody_reads()
    verification()
    before_the_machines_run()
