"""While somebody sits at a console, idle machines go at the pace of real time and cost next to nothing,
however many there are and whatever their epochs; without anybody they do not wait."""

import select
import signal
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

TICKS = os.path.join(HERE, "ticks.elf")
VM = '{ name = "%s"; kernel = "%s"; memory = "4M"; %s }'


def write_conf(count, consoles, machine="", networks="", vm=""):
    vms = ", ".join(VM % ("t%d" % i, TICKS, 'console = "%s"; %s' % (consoles.replace("%d", str(i)), vm))
                    for i in range(count))
    with open("t.conf", "w", encoding="ascii") as f:
        f.write("machine = { seed = 1; no_reboot = true; %s };\n%s vms = ( %s );\n" %
                (machine, networks, vms))


class Machines:
    """disco-record with consoles on pipes, all read and some typed to."""

    def __init__(self, count, **conf):
        write_conf(count, "pipe:t%d", **conf)
        self.text = [b""] * count
        self.out, self.keys = [], []
        for i in range(count):
            for name, ends in ("t%d.out" % i, self.out), ("t%d.in" % i, self.keys):
                os.mkfifo(name)
                ends.append(os.open(name, os.O_RDWR | os.O_NONBLOCK))
        command = [RECORD, "-q", "-o", "t.zst", "t.conf", "--timeout", "60", *ENGINE]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def wait_for(self, vm, text, seconds=30):
        """The host's time when the VM had printed it; forgets what it printed up to there."""
        end = time.monotonic() + seconds
        while text not in self.text[vm]:
            check(time.monotonic() < end, "no", text, "from VM", vm, self.text[vm][-500:])
            for fd in select.select(self.out, [], [], 0.1)[0]:
                self.text[self.out.index(fd)] += os.read(fd, 65536)
        self.text[vm] = self.text[vm].split(text, 1)[1]
        return time.monotonic()

    def type(self, vm, keys):
        os.write(self.keys[vm], keys)

    def finish(self, end=None):
        """Host's seconds of processor that it took."""
        if end is not None:
            self.process.send_signal(end)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = status
        check(status == 0, "status", status)
        for fd in self.out + self.keys:
            os.close(fd)
        for i in range(len(self.text)):
            for name in ("t%d.in" % i, "t%d.out" % i):
                if os.path.exists(name):
                    os.unlink(name)
        for threads in ("1", "2"):
            verify("t.zst", "--threads", threads)
        return usage.ru_utime + usage.ru_stime


def attached(count, **conf):
    """Two seconds of the machines are two of the host, and most of them nobody works."""
    m = Machines(count, **conf)
    begin = max(m.wait_for(i, b"ready") for i in range(count))
    half = [m.wait_for(i, b"half") - begin for i in range(count)]
    for i in range(count):
        m.type(i, b"e")
    over = [m.wait_for(i, b"over") - begin for i in range(count)]
    used = m.finish()
    print("%d VMs %s: half after %.3f s, over after %.3f s, %.2f s of processor" %
          (count, conf, half[0], over[0], used))
    check(all(0.95 <= h <= 1.5 for h in half), half)
    check(all(1.95 <= o <= 2.8 for o in over), over)
    check(used < 1.0, used, "seconds of processor for two of sleep")


def typed():
    """A key is printed back within two ticks or epochs, all the while."""
    m = Machines(2)
    m.wait_for(1, b"ready")
    late = []
    for i in range(20):
        time.sleep(0.013 * (i % 5))
        key = b"%c" % (ord("A") + i)
        begin = time.monotonic()
        m.type(1, key)
        late.append(m.wait_for(1, key) - begin)
    m.type(0, b"q")
    m.type(1, b"q")
    m.finish()
    late.sort()
    print("keys come back after %.1f to %.1f ms" % (late[0] * 1e3, late[-1] * 1e3))
    check(late[10] < 0.04, late)


def one_off():
    """One is off, the other goes on at its pace; a signal ends that at once."""
    m = Machines(2)
    begin = m.wait_for(0, b"ready")
    m.type(1, b"q")
    m.wait_for(1, b"PASS")
    over = m.wait_for(0, b"over") - begin
    check(1.95 <= over <= 2.8, over)
    begin = time.monotonic()
    m.finish(signal.SIGTERM)
    check(time.monotonic() - begin < 20, "a verification takes no time")


def nobody():
    """Files are no people: all is over at once."""
    write_conf(2, "file:t%d.txt", vm='replies = ( ("ready", "e") );')
    begin = time.monotonic()
    expect(0, RECORD, "-o", "t.zst", "t.conf", "--timeout", "60", *ENGINE, text="power-off")
    took = time.monotonic() - begin
    check(took < 1.5, "two seconds of sleep took", took)
    verify("t.zst")


def timeout():
    """--timeout counts time of the host while machines sleep."""
    write_conf(2, "pty")
    begin = time.monotonic()
    expect(3, RECORD, "-o", "t.zst", "t.conf", "--timeout", "1", *ENGINE, text="timeout after")
    took = time.monotonic() - begin
    check(1.0 <= took < 1.5, took)
    r = verify("t.zst")
    check(b"verified" in r.out, r)


NET = 'networks = ({ name = "lan"; });'
with Folder():
    attached(1)
    attached(2)
    attached(3, machine='epoch = "100us"; threads = 2;')
    attached(2, networks=NET, vm='nics = ({ network = "lan"; });')
    typed()
    one_off()
    nobody()
    timeout()
