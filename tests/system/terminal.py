"""The console on a terminal: keys, Ctrl-A, raw bytes, and the terminal as it was afterwards."""

import pty
import select
import termios
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import


class Terminal:
    """disco-record on a terminal of its own."""

    def __init__(self, *command):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.shown = b""
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([str(c) for c in command], stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave)

    def wait_for(self, text, seconds=60):
        """Reads until `text` is shown; forgets what came up to it."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            check(time.monotonic() < end, "no", text, "in", self.shown[-1000:])
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += os.read(self.master, 4096)
        before, self.shown = self.shown.split(text, 1)
        return before

    def type(self, keys):
        os.write(self.master, keys)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def finish(self, status):
        """The exit status, what was still shown, and the terminal's modes."""
        end = time.monotonic() + 30
        while self.process.poll() is None:
            check(time.monotonic() < end, "it does not end:", self.shown)
            if select.select([self.master], [], [], 0.05)[0]:
                self.shown += os.read(self.master, 4096)
        while select.select([self.master], [], [], 0.1)[0]:
            self.shown += os.read(self.master, 4096)
        check(self.process.returncode == status, self.process.returncode, self.shown)
        check(termios.tcgetattr(self.slave) == self.before, "the terminal's modes are not restored")
        os.close(self.master)
        os.close(self.slave)
        return self.shown


def echo_guest():
    t = Terminal(RECORD, *ECHO_ARGS, "-o", "t.zst")
    t.wait_for(b"ready")
    check(t.is_raw(), "the terminal is not raw")
    # Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\, newline, carriage return, a byte above 127.
    for key in b"a\x03\x04\x1a\x1c\n\r\xe9":
        t.type(bytes([key]))
        t.wait_for(bytes([key]) + b" 0")
    t.type(b"\x01a")
    t.wait_for(b"\x01 0")
    t.type(b"\x01\x01")
    t.wait_for(b"\x01 0")
    t.type(b"\x01h")
    t.wait_for(b"Ctrl-A x  end the run")
    t.type(b"\x01r")
    # -no-reboot: a reset from outside ends the run, too.
    t.wait_for(b"power-off after")
    t.finish(0)
    verify("t.zst")


def quit_key():
    t = Terminal(RECORD, *ECHO_ARGS, "-o", "x.zst")
    t.wait_for(b"ready")
    t.type(b"bc\x01")
    t.wait_for(b"c 0")
    t.type(b"x")
    t.wait_for(b"user after")
    t.finish(0)
    check(end_line("x.zst").startswith("end      user"), end_line("x.zst"))
    r = expect(0, *VERIFY, "--console", "x.zst")
    check(r.out.startswith(b"ready\r\nb 0") and b"\nc 0" in r.out, r)


def sleeping_guest():
    """Nothing wakes it, but somebody sits there: it waits, and Ctrl-A x works."""
    t = Terminal(RECORD, *ECHO_ARGS, "-o", "s.zst")
    t.wait_for(b"ready")
    t.type(b"w")
    t.wait_for(b"w 0")
    time.sleep(1)
    check(t.process.poll() is None, "it ended")
    t.type(b"\x01x")
    t.wait_for(b"user after")
    t.finish(0)
    verify("s.zst")


def ended_by_signal():
    t = Terminal(RECORD, *ECHO_ARGS, "-o", "k.zst")
    t.wait_for(b"ready")
    t.process.terminate()
    t.finish(0)
    verify("k.zst")


if __name__ == "__main__":
    with Folder():
        echo_guest()
        quit_key()
        sleeping_guest()
        ended_by_signal()
