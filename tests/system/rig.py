"""What the system tests share: where the programs are, how they are run, how checks fail."""

import os
import random
import shutil
import subprocess
import sys
import tempfile

BUILD, HERE, SOURCE = (os.path.abspath(a) for a in sys.argv[1:4])
RECORD = os.path.join(BUILD, "disco-record")
REPLAY = os.path.join(BUILD, "disco-replay")
TRACE = os.path.join(BUILD, "disco-trace")
TAMPER = os.path.join(HERE, "tamper")
ECHO = os.path.join(HERE, "echo.elf")
GUESTS = os.path.join(BUILD, "guests")
LINUX_TRACE = os.path.join(HERE, "linux.zst")
LINUX_TEXT = os.path.join(HERE, "linux.txt")

# DISCO_ENGINE=jit|interp chooses the engine, as everywhere in the tests.
ENGINE = ["--engine", os.environ["DISCO_ENGINE"]] if os.environ.get("DISCO_ENGINE") else []
VERIFY = [REPLAY, *ENGINE, "--verify"]
# Everything that is an input, given: two such runs are one run.
FIXED = ["-rtc", "base=2026-01-31T12:00:00", "-seed", "42"]
ECHO_ARGS = ["-M", "malta", "-m", "8M", "-kernel", ECHO, "-no-reboot", "--timeout", "60", *FIXED,
             *ENGINE]
# The shell guest waits for its terminal's answer only on a terminal; the prompt is what we wait for.
LINUX_ARGS = ["-M", "malta", "-m", "256M", "-kernel", os.path.join(GUESTS, "vmlinux"),
              "-initrd", os.path.join(GUESTS, "shell.cpio.gz"),
              "-append", "console=ttyS0 nokaslr panic=1", "--timeout", "150", *FIXED,
              *ENGINE]


class Result:
    def __init__(self, status, out, err, command):
        self.status, self.out, self.err, self.command = status, out, err, command

    def __str__(self):
        return "%s: status %s\nstdout: %r\nstderr: %r" % (
            " ".join(self.command)[-300:], self.status, self.out[-2000:], self.err[-2000:])


def check(true, *what):
    if not true:
        print("FAILED:", *what)
        sys.exit(1)


def run(*command, stdin=b"", timeout=110, **more):
    command = [str(c) for c in command]
    p = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, check=False,
                       **more)
    return Result(p.returncode, p.stdout, p.stderr.decode(errors="replace"), command)


def expect(status, *command, text=None, **more):
    """Runs the command; its exit status, and a text that is in what it prints."""
    r = run(*command, **more)
    check(r.status == status, "wanted status %d\n" % status, r)
    if text is not None:
        check(text in r.out.decode(errors="replace") + r.err, "no %r in\n" % text, r)
    return r


def expect_one_line(*command, text="", **more):
    """An error: status 1, nothing on stdout, one line on stderr that begins with the program."""
    r = run(*command, **more)
    program = os.path.basename(command[0])
    check(r.status == 1, "wanted status 1\n", r)
    check(r.out == b"" and r.err.count("\n") == 1 and r.err.endswith("\n"), "not one line\n", r)
    check(r.err.startswith(program + ": ") and text in r.err, "no %r in\n" % text, r)
    return r


def record(trace, *more, stdin=b"", status=0, args=None, **how):
    return expect(status, RECORD, *(ECHO_ARGS if args is None else args), "-o", trace, *more,
                  stdin=stdin, **how)


def verify(trace, *args, **more):
    return expect(0, *VERIFY, *args, trace, text="verified", **more)


def end_line(trace):
    """The end record as disco-trace info prints it: reason, position and final digest."""
    out = expect(0, TRACE, "info", trace).out.decode()
    check("state    whole\nend      " in out, trace, "is not whole:", out)
    return out[out.index("end      "):]


def end_step(trace):
    words = end_line(trace).split()
    return int(words[words.index("step") + 1].rstrip(","))


def seeded():
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 30)))
    print("SEED=%d" % seed)
    return random.Random(seed)


def need_linux():
    for name in ("vmlinux", "shell.cpio.gz"):
        if not os.path.exists(os.path.join(GUESTS, name)):
            print("no", name, "(sh tests/lib/fetch-guests.sh makes it)")
            sys.exit(77)


class Folder:
    """An empty working directory that is the current one, and removed at the end."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="disco-system-")
        os.chdir(self.path)
        return self.path

    def __exit__(self, *_):
        os.chdir("/")
        shutil.rmtree(self.path, ignore_errors=True)
