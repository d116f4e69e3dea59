"""A recorder that is killed, stopped or out of room leaves a trace that is good as far as it goes."""

import resource
import signal
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

NOISE = 200 * b"n"


def check_cut(trace):
    """Good and cut, or so short that nothing can be replayed, which is said."""
    r = run(*VERIFY, trace)
    if r.status == 1:
        check(os.path.getsize(trace) < 8000, "too large for", r)
        check(r.err.count("\n") == 1 and ("ends inside its header" in r.err or
                                          "the file is empty" in r.err or
                                          "is cut before the whole of" in r.err), r)
        return 0
    check(r.status == 0 and b"verified" in r.out and b"the trace is cut: it " in r.out, r)
    expect(0, TRACE, "verify-file", trace, text="good, but cut: ")
    expect(0, TRACE, "info", trace, text="state    cut: ")
    return int(r.out.split(b" instructions")[0].split()[-1])


def start(trace, keys, *more, **how):
    with open("keys", "wb") as f:
        f.write(keys)
    with open("keys", "rb") as f:
        return subprocess.Popen([RECORD, *ECHO_ARGS, "-o", trace, *more], stdin=f,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **how)


def kills():
    rng = seeded()
    farthest = 0
    for i in range(8):
        p = start("kill%d.zst" % i, NOISE)
        time.sleep(0.02 + rng.random() * 3 * i / 7)
        p.kill()
        p.communicate(timeout=20)
        check(p.returncode == -signal.SIGKILL, "it ended before the kill:", p.returncode)
        steps = check_cut("kill%d.zst" % i)
        print("killed, good for", steps, "instructions")
        farthest = max(farthest, steps)
    check(farthest > 10000000, "no kill left much to replay")


def signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        p = start("stop.zst", b"ab")
        time.sleep(0.5)
        p.send_signal(number)
        _, err = p.communicate(timeout=20)
        check(p.returncode == 0 and b"user after" in err, number, p.returncode, err)
        verify("stop.zst")
        check(end_line("stop.zst").startswith("end      user"), end_line("stop.zst"))


def no_room(trace, reason, p):
    _, err = p.communicate(timeout=60)
    err = err.decode()
    check(p.returncode == 1, p.returncode, err)
    check(err.startswith("disco-record: %s: cannot write: %s" % (trace, reason)), err)
    check(err.count("\n") == 1, err)
    return check_cut(trace)


def limits():
    """ulimit -f, set once the machine stands: its memory is a file, too."""
    for size in (1, 7000, 1000000, 1500000):
        p = start("limit.zst", NOISE)
        while not os.path.exists("limit.zst"):
            time.sleep(0.001)
        resource.prlimit(p.pid, resource.RLIMIT_FSIZE, (size, size))
        steps = no_room("limit.zst", "File too large", p)
        check(size < 1000000 or steps > 1000000, "only", steps, "instructions in", size, "bytes")
        os.remove("limit.zst")


def full_disk():
    os.mkdir("small")
    mounted = os.geteuid() == 0 and run("mount", "-t", "tmpfs", "-o", "size=2m", "none",
                                        "small").status == 0
    if not mounted:
        print("no file system of its own size here: /dev/full instead")
        p = start("/dev/full", NOISE)
        _, err = p.communicate(timeout=60)
        check(p.returncode == 1 and err.startswith(
            b"disco-record: /dev/full: cannot write: No space left on device"), p.returncode, err)
        return
    try:
        p = start("small/t.zst", NOISE)
        check(no_room("small/t.zst", "No space left on device", p) > 0, "nothing to replay")
    finally:
        run("umount", "small")


def lost_reader():
    """Nobody reads the console any more: the run goes on."""
    p = subprocess.Popen([RECORD, *ECHO_ARGS, "-o", "pipe.zst"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.close()
    p.stdin.write(b"abcq")
    p.stdin.close()
    err = p.stderr.read()
    check(p.wait(timeout=60) == 0 and b"power-off" in err, err)
    verify("pipe.zst")


with Folder():
    kills()
    signals()
    limits()
    full_disk()
    lost_reader()
