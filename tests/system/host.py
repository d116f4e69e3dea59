"""What the host refuses ends in one line: closed descriptors, files that are in use or would be
written over what is read, limits, and images that change."""

import resource
import signal
import time

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

LOOP = bytes([0xff, 0xff, 0x00, 0x10, 0, 0, 0, 0])  # b . ; nop
SMALL = ["-q", "-kernel", "loop.bin", "--endian", "little", "-m", "16M", "--stop-after", "3000000",
         *ENGINE]
TWO = """vms = ( { name = "v%d"; count = 2; kernel = "loop.bin"; memory = "16M";
console = "none"; } );"""


def put(name, content):
    with open(name, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())


def get(name):
    with open(name, "rb") as f:
        return f.read()


def without(closed, *command, stdin=b""):
    """Runs the command with some of the descriptors 0, 1, 2 closed."""
    def close():
        for fd in closed:
            os.close(fd)
    return run(*command, stdin=stdin, preexec_fn=close)


def closed_descriptors():
    """No file of ours gets their numbers; only who has something to say there fails."""
    for closed in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)):
        keys = b"" if 0 in closed else b"abq"
        ends = ["--until-text", "ready"] if 0 in closed else []
        r = without(closed, RECORD, *ECHO_ARGS, "-q", "-o", "t.zst", *ends, stdin=keys)
        check(r.status == 0, closed, r)
        verify("t.zst")
        check(1 in closed or r.out.startswith(b"ready"), closed, r)
        r = without(closed, TRACE, "info", "t.zst")
        check(r.status == (1 if 1 in closed else 0), closed, r)
        check(1 not in closed or 2 in closed or "standard output: " in r.err, closed, r)
        r = without(closed, *VERIFY, "-q", "t.zst")
        check(r.status == (1 if 1 in closed else 0), closed, r)


def full_output():
    record("t.zst", stdin=b"abq")
    with open("/dev/full", "wb") as full:
        for command in ([TRACE, "info", "t.zst"], [TRACE, "dump", "t.zst"], [TRACE, "--help"],
                        [TRACE, "export", "console", "t.zst"], [RECORD, "-cpu", "help"],
                        [*VERIFY, "t.zst"], [*VERIFY, "-q", "--console", "t.zst"]):
            p = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
            name = os.path.basename(command[0]).encode()
            wanted = p.stderr.splitlines()[-1]
            check(p.returncode == 1 and wanted.startswith(name + b": standard output: "), command,
                  p.returncode, p.stderr)
        # A recorder's trace has it all.
        p = subprocess.run([RECORD, *ECHO_ARGS, "-q", "-o", "t.zst"], input=b"abq", stdout=full,
                           stderr=subprocess.PIPE, check=False)
        check(p.returncode == 0 and p.stderr.count(b"standard output: No space left") == 1, p)
    verify("t.zst")


def one_recorder():
    with subprocess.Popen([RECORD, *ECHO_ARGS, "-q", "-o", "two.zst"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as first:
        check(first.stdout.read(5) == b"ready", "the first does not begin")
        for other in (["-o", "two.zst"], ["-o", "./two.zst"]):
            expect_one_line(RECORD, *ECHO_ARGS, *other, text="two.zst: another disco writes")
        # It may be read meanwhile.
        expect(0, TRACE, "info", "two.zst", text="state    cut")
        first.communicate(b"abq", timeout=60)
        check(first.returncode == 0, first.returncode)
    verify("two.zst")
    with subprocess.Popen([RECORD, *ECHO_ARGS, "-q", "-o", "two.zst"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as killed:
        check(killed.stdout.read(5) == b"ready", "the second does not begin")
        killed.kill()
    record("two.zst", stdin=b"abq")
    # Who replays it has it for himself.
    with subprocess.Popen([REPLAY, "-q", "--gdb", "127.0.0.1:0", "two.zst"],
                          stdout=subprocess.PIPE) as reader:
        check(b"waiting for gdb" in reader.stdout.readline(), "the replay does not begin")
        expect_one_line(RECORD, *ECHO_ARGS, "-o", "two.zst", text="writes or reads this file")
        reader.terminate()
    verify("two.zst")


def one_console_file():
    put("a.conf", 'vms = ( { kernel = "loop.bin"; memory = "16M"; console = "file:log"; } );')
    with subprocess.Popen([RECORD, "-q", "-o", "a.zst", "a.conf"], stdin=subprocess.DEVNULL) as p:
        end = time.monotonic() + 20
        while not (os.path.exists("a.zst") and os.path.getsize("a.zst")):
            check(time.monotonic() < end, "the first does not begin")
            time.sleep(0.02)
        expect_one_line(RECORD, "-q", "-o", "b.zst", "a.conf",
                        text="a.conf:1: VM vm0: console: log: another disco writes")
        check(not os.path.exists("b.zst"), "a trace of what did not run")
        p.terminate()
    with subprocess.Popen([RECORD, "-q", *SMALL[1:7], "-nic", "user", "-o", "a.zst", "--pcap",
                           "user:a.pcap"], stdin=subprocess.DEVNULL) as p:
        while not os.path.exists("a.pcap"):
            check(p.poll() is None and time.monotonic() < end, "the third does not begin")
            time.sleep(0.02)
        expect_one_line(RECORD, *SMALL, "-nic", "user", "-o", "b.zst", "--pcap", "user:a.pcap",
                        text="a.pcap: another disco writes")
        p.terminate()


def nothing_overwritten():
    put("keep", "not a trace")
    expect_one_line(RECORD, *SMALL, "-o", "keep", text="keep: is there and not a trace")
    check(get("keep") == b"not a trace", "a file is gone")
    # Without -o nothing is replaced, with it a trace is.
    expect(0, RECORD, *SMALL)
    old = get("trace.zst")
    expect_one_line(RECORD, *SMALL, text="trace.zst: exists already; -o trace.zst replaces it")
    check(get("trace.zst") == old, "the first trace is gone")
    expect(0, RECORD, *SMALL, "-o", "trace.zst", "--stop-after", "5000")
    check(get("trace.zst") != old, "-o does not replace a trace")
    os.symlink("net.zst", "net.link")
    expect_one_line(RECORD, *SMALL, "-nic", "user", "-o", "net.zst", "--pcap", "user:net.link",
                    text="net.link: is the trace (-o); write the frames (--pcap) elsewhere")
    check(not os.path.exists("net.zst"), "a trace of what did not run")
    put("c.conf", 'vms = ( { name = "a"; kernel = "loop.bin"; memory = "16M";\n'
                  'console = "file:c.conf"; } );')
    expect_one_line(RECORD, "-q", "-o", "c.zst", "c.conf",
                    text="c.conf:2: VM a: console: c.conf: is the cluster file; write")
    check(b"loop.bin" in get("c.conf"), "the cluster file is gone")
    put("large", bytes(9 << 20))
    put("l.conf", 'vms = ( { name = "a"; kernel = "loop.bin"; }, { name = "b"; kernel = "loop.bin";\n'
                  'memory = "8M"; initrd = "large"; } );')
    expect_one_line(RECORD, "-o", "c.zst", "l.conf", text="VM b: the initrd (9216 KiB) does not fit")
    check(not os.path.exists("c.zst"), "a trace of what did not run")
    expect(0, RECORD, *SMALL, "-nic", "user", "-o", "net.zst")
    for path in ("net.zst", "./net.zst", "net.link"):
        expect_one_line(*VERIFY, "-q", "--pcap", "user:" + path, "net.zst",
                        text="is the trace; write the frames")
    expect_one_line(*VERIFY, "-q", "--pcap", "user:x", "--pcap", "user:./x", "net.zst",
                    text="is the frames (--pcap); write the frames")
    put("two.conf", TWO)
    expect(0, RECORD, "-q", "-o", "m.zst", "--share", "none", "--stop-after", "30000000",
           "two.conf")
    expect_one_line(TRACE, "memory", "--svg", "m.zst", "m.zst", text="is a trace that is read")
    expect(0, TRACE, "memory", "--svg", "m.svg", "m.zst", text="2 VMs use")
    verify("m.zst")
    expect(0, TRACE, "memory", "trace.zst", text="one VM that shares nothing, with 16.0 MiB")


def images_of_disks():
    """Images of other kinds, as qemu-img makes them, are refused with what makes them raw."""
    put("d.img", bytes(1 << 20))
    if shutil.which("qemu-img") is None:
        print("no qemu-img")
        return
    for kind in ("qcow2", "qcow", "qed", "vmdk", "vdi", "vhdx", "vpc", "parallels"):
        made = run("qemu-img", "convert", "-f", "raw", "-O", kind, "d.img", "d." + kind)
        if made.status != 0:
            print("qemu-img makes no", kind)
            continue
        r = expect_one_line(RECORD, *SMALL, "-o", "none", "-hda", "d." + kind,
                            text="a disk of format " + kind)
        command = r.err.rstrip()[r.err.index("qemu-img convert"):].split()
        expect(0, *command)
        expect(0, RECORD, *SMALL, "-o", "none", "-hda", command[-1])
        expect(0, RECORD, *SMALL, "-o", "none", "-drive", "format=raw,file=d." + kind)
        expect_one_line(RECORD, *SMALL, "-o", "none", "-drive", "file=d.img,format=" + kind,
                        text="qemu-img convert -f %s -O raw d.img d.img.raw" % kind)


def limits():
    """Whatever is limited: it works, or one line says why not, and what is there of a trace is
    good."""
    record_it = [RECORD, *SMALL, "-o", "limit.zst"]
    expect(0, *record_it)
    expect(0, RECORD, *SMALL, "-o", "good.zst")
    failed = 0
    for name, values in (("AS", [v << 20 for v in (40, 80, 150, 220, 300, 360, 400, 420, 440)]),
                         ("NOFILE", (4, 5, 6, 7)), ("FSIZE", (0, 100, 4096, 30 << 20, 99 << 20))):
        for value in values:
            for command in (record_it, [*VERIFY, "-q", "good.zst"], [TRACE, "dump", "good.zst"]):
                def limit(which=getattr(resource, "RLIMIT_" + name), most=value):
                    resource.setrlimit(which, (most, most))
                    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                r = run(*command, preexec_fn=limit)
                lines = r.err.count("\n")
                check(r.status == 0 or (r.status == 1 and lines == 1), name, value, r)
                failed += r.status
            expect(0, TRACE, "verify-file", "limit.zst")
    check(failed > 10, "the limits are too wide")


def memory_runs_out():
    """In the middle of a run: it ends in order."""
    with subprocess.Popen([RECORD, *ECHO_ARGS, "-q", "-o", "short.zst"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        check(p.stdout.read(5) == b"ready", "it does not begin")
        with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
            now = [int(line.split()[1]) << 10 for line in f if line.startswith("VmSize")][0]
        resource.prlimit(p.pid, resource.RLIMIT_AS, (now, now))
        err = p.communicate(2000 * b"n", timeout=100)[1]
        check(p.returncode == 1 and err == b"disco-record: out of memory; the run ends here\n",
              p.returncode, err)
    verify("short.zst")
    check(end_line("short.zst").startswith("end      error"), end_line("short.zst"))


def initrd_changes():
    """While its content is on the way into the trace."""
    for change in ("truncate", "overwrite"):
        put("big.img", os.urandom(1 << 20) * 100)
        if os.path.exists("big.zst"):
            os.remove("big.zst")
        with subprocess.Popen([RECORD, *SMALL, "-m", "300M", "-initrd", "big.img", "-o", "big.zst"],
                              stdin=subprocess.DEVNULL) as p:
            while not os.path.exists("big.zst") and p.poll() is None:
                time.sleep(0.001)
            with open("big.img", "r+b") as f:
                if change == "truncate":
                    f.truncate(1000)
                else:
                    f.write(bytes(100 << 20))
            p.wait(timeout=60)
            check(p.returncode == 0, change, p.returncode)
        verify("big.zst")


def trace_changes():
    """A trace that becomes shorter under its reader is one line, never a signal."""
    record("t.zst", stdin=4 * b"n" + b"q")
    with subprocess.Popen([*VERIFY, "-q", "--engine", "interp", "t.zst"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as p:
        time.sleep(0.3)
        os.truncate("t.zst", 1000)
        err = p.communicate(timeout=60)[1].decode()
        check(p.returncode in (0, 1, 2) and "Traceback" not in err, p.returncode, err)
        check(p.returncode == 0 or "t.zst" in err.splitlines()[0], err)


with Folder():
    put("loop.bin", LOOP)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    closed_descriptors()
    full_output()
    one_recorder()
    one_console_file()
    nothing_overwritten()
    images_of_disks()
    limits()
    memory_runs_out()
    initrd_changes()
    trace_changes()
