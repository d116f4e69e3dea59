"""Signals to disco-replay: it ends within half a second whatever it does, and so does the gdb that it
started; a gdb that Ctrl-Z stopped goes on."""

import pty
import select
import signal
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

SOON = 0.6
BUSY = 0.5  # until it is in the middle of what a test wants it to do
# A condition that never holds, at the only instruction: slow enough never to come to the end.
RUN_ON = ["-ex", "break *$pc if $a0 == 123", "-ex", "continue"]


def record():
    with open("loop.bin", "wb") as f:
        f.write(bytes([0xff, 0xff, 0, 0x10, 0, 0, 0, 0]))  # branches to itself
    expect(0, RECORD, "-kernel", "loop.bin", "--endian", "little", "-m", "16M", "--stop-after",
           "6000000000", "-o", "loop.zst")


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(p) for p in f.read().split()]


def is_there(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def start(*arguments):
    # pylint: disable=consider-using-with
    return subprocess.Popen([REPLAY, *ENGINE, *arguments], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def end(what, number, p, statuses):
    """Sends the signal; the process and its children have to go."""
    others = children(p.pid)
    p.send_signal(number)
    sent = time.monotonic()
    try:
        p.wait(10)
    except subprocess.TimeoutExpired:
        pass
    took = time.monotonic() - sent
    left = [c for c in others if is_there(c)]
    for c in left + [p.pid]:
        try:
            os.kill(c, signal.SIGKILL)
        except ProcessLookupError:
            pass
    p.communicate()
    print("%-28s %-8s %.2f s, status %d" % (what, number.name, took, p.returncode), flush=True)
    check(took < SOON, what, number, "took", took)
    check(not left, what, number, "left its gdb behind")
    check(p.returncode in statuses, what, number, "status", p.returncode)


SEEK_ON = "python while True: gdb.execute('monitor seek end'); gdb.execute('monitor seek begin')"


def own_gdb(*commands):
    p = start("loop.zst", "--no-symbols", "--", "-nx", "-q", *commands)
    limit = time.monotonic() + 30
    while not children(p.pid):
        check(time.monotonic() < limit, "no gdb")
        time.sleep(0.01)
    time.sleep(2 * BUSY)
    check(p.poll() is None, "it ended by itself", p.returncode)
    return p


def phases(number):
    died = -number
    p = start("loop.zst", "--gdb=unix:s")
    time.sleep(BUSY)
    end("serving nobody", number, p, [0])
    end("gdb waits for a stop", number, own_gdb("-batch", *RUN_ON), [0, 1, 128 + 15, 128 + 9])
    end("monitor seek", number, own_gdb("-batch", "-ex", SEEK_ON), [0, 1, 128 + 15, 128 + 9])
    p = own_gdb("-batch", *RUN_ON)
    os.kill(children(p.pid)[0], signal.SIGSTOP)
    end("gdb is stopped", number, p, [0, 1, 128 + 15, 128 + 9])
    if os.path.exists(LINUX_TRACE):
        p = start(LINUX_TRACE, "--gdb=unix:s")
        time.sleep(0.15)  # it looks for symbols
        end("opening, symbols", number, p, [0, died])
        for threads in ("1", "2"):
            p = start(LINUX_TRACE, "--verify", "--threads", threads)
            time.sleep(BUSY)
            end("verify, %s threads" % threads, number, p, [1])


class Shell:
    """A shell with job control on a terminal of its own."""

    def __init__(self):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="SH> ", TERM="dumb")
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])

    def wait_for(self, text, seconds=30):
        limit = time.monotonic() + seconds
        while text not in self.shown:
            check(time.monotonic() < limit, "no", text, "in", self.shown[-1000:])
            if select.select([self.fd], [], [], 0.1)[0]:
                self.shown += os.read(self.fd, 4096)
        before, self.shown = self.shown.split(text, 1)
        return before

    def type(self, text):
        os.write(self.fd, text)

    def close(self):
        """Ends all jobs, as a terminal that is closed does."""
        jobs = children(self.pid)
        os.close(self.fd)
        limit = time.monotonic() + 5
        while any(is_there(j) for j in jobs) and time.monotonic() < limit:
            time.sleep(0.05)
        left = [j for j in jobs if is_there(j)]
        for j in left + [self.pid]:
            for c in children(j) if is_there(j) else []:
                os.kill(c, signal.SIGKILL)
            if is_there(j):
                os.kill(j, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        check(not left, "jobs outlive their terminal")


def job_control():
    command = "%s %s --no-symbols loop.zst -- -nx -q\n" % (REPLAY, " ".join(ENGINE))
    s = Shell()
    try:
        s.wait_for(b"SH> ")
        s.type(command.encode())
        s.wait_for(b"(gdb) ")
        for _ in range(2):
            s.type(b"monitor when\n")
            s.wait_for(b"position 0 of")
            s.wait_for(b"(gdb) ")
            s.type(b"\x1a")
            s.wait_for(b"Stopped")
            s.wait_for(b"SH> ")
            s.type(b"fg\n")
            time.sleep(0.5)
        # In the middle of a run, too, and Ctrl-C is still gdb's.
        s.type(b"break *$pc if $a0 == 123\n")
        s.wait_for(b"Breakpoint 1 at")
        s.wait_for(b"(gdb) ")
        s.type(b"continue\n")
        s.wait_for(b"Continuing")
        time.sleep(BUSY)
        s.type(b"\x1a")
        s.wait_for(b"Stopped")
        s.wait_for(b"SH> ")
        s.type(b"fg\n")
        time.sleep(BUSY)
        s.type(b"\x03")
        s.wait_for(b"SIGINT")
        s.wait_for(b"(gdb) ")
        s.type(b"monitor when\n")
        s.wait_for(b"position ")
        s.wait_for(b"(gdb) ")
    finally:
        s.close()


if __name__ == "__main__":
    if shutil.which("gdb-multiarch") is None:
        sys.exit(77)
    with Folder():
        record()
        job_control()
        for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            phases(sig)
