"""One run is a function of its configuration and inputs; a trace stands alone."""

import threading
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

KEYS = b"a lazy dog ate it all" * 40 + b"nnq"


def busy(stop):
    """Other load on the host, so that the second run has other timing."""
    children = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    stop.wait()
    for child in children:
        child.kill()
        child.wait()


def same():
    with open("keys", "wb") as f:
        f.write(KEYS)
    stop = threading.Event()
    load = threading.Thread(target=busy, args=(stop,))
    texts = []
    for name, before in (("a.zst", []), ("b.zst", ["nice", "-n", "10"])):
        if before:
            load.start()
        with open("keys", "rb") as keys:
            p = subprocess.run([*before, RECORD, *ECHO_ARGS, "-o", name], stdin=keys,
                               capture_output=True, timeout=100, check=True)
        texts.append(p.stdout)
    stop.set()
    load.join()
    check(texts[0] == texts[1] and texts[0].count(b"\n") > len(KEYS), "the consoles differ")
    check(end_line("a.zst") == end_line("b.zst"), end_line("a.zst"), end_line("b.zst"))
    r = expect(0, TRACE, "diff", "a.zst", "b.zst")
    check(r.out == b"" and r.err == "", r)
    # And one other key is another run.
    with open("keys", "r+b") as f:
        f.write(b"T")
    with open("keys", "rb") as keys:
        subprocess.run([RECORD, *ECHO_ARGS, "-o", "c.zst", "-q"], stdin=keys, capture_output=True,
                       timeout=100, check=True)
    expect(2, TRACE, "diff", "a.zst", "c.zst", text="input 0 differs")
    expect(2, TRACE, "diff", "c.zst", "a.zst", text="input 0 differs")
    return texts[0]


def alone(console):
    """The trace in an empty directory; nothing else of the recording can be reached from there."""
    os.mkdir("empty")
    shutil.copy("b.zst", "empty/only.zst")
    r = expect(0, *VERIFY, "--console", "only.zst", cwd="empty")
    check(r.out == console, "--console shows another text than was recorded")
    check("only.zst: verified" in r.err, r)
    r = expect(0, TRACE, "export", "console", "only.zst", cwd="empty")
    check(r.out == console, "export console gives another text than was recorded")
    check(os.listdir("empty") == ["only.zst"], "the replay left files")


def slow_pipe():
    """Keys that come when they like: the run is another one each time, and replays all the same."""
    p = subprocess.Popen([RECORD, *ECHO_ARGS, "-o", "slow.zst"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    rng = seeded()
    for key in b"slyly,":
        p.stdin.write(bytes([key]))
        p.stdin.flush()
        time.sleep(rng.random() / 10)
    p.stdin.write(b"q")
    out, err = p.communicate(timeout=60)
    check(p.returncode == 0 and out.count(b"\n") == 9, out, err)
    inputs = expect(0, TRACE, "dump", "--inputs", "slow.zst").out.count(b"\n")
    check(inputs > 1, "all came at once")
    verify("slow.zst")
    r = expect(0, *VERIFY, "--console", "slow.zst")
    check(r.out == out, "--console shows another text than was recorded")


with Folder():
    alone(same())
    slow_pipe()
