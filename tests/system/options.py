"""Every option of disco-record works, or is refused with one line; --help and --version."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import


def refused(*options, text, kernel=True):
    """One line, status 1, and an older trace of that name is still there."""
    with open("old.zst", "w", encoding="ascii") as f:
        f.write("old")
    command = [RECORD, *(["-kernel", ECHO] if kernel else []), "--stop-after", "1000",
               "-o", "old.zst", *options]
    r = expect_one_line(*command, text=text)
    with open("old.zst", encoding="ascii") as f:
        check(f.read() == "old", "the old trace is gone\n", r)


def bad_values():
    for size in ("0", "-5", "128Q", "", "1x", "99999999999999999999", "1025b"):
        refused("-m", size, text="-m %s: not a memory size" % size)
    refused("-m", "3G", text="1792 MiB")
    refused("-m", "4K", text="does not fit into RAM")
    refused("-m", text="requires an argument")
    refused("-cpu", "486", text='unknown processor "486"')
    refused("-cpu", "24Kf,tlb=257", text='unknown processor "24Kf,tlb=257"')
    refused("-cpu", "4Kc,tlb=65", text="16 to 64, or to 256 in processors of release 2")
    refused("-M", "pc", text='unknown machine "pc"')
    refused("-smp", "2", text="-smp 2")
    refused("-bogus", text="-bogus")
    refused("stray", text="-kernel: does not go with the cluster file stray")
    refused("-nic", "tap", text="-nic tap: wanted user or none")
    refused("-nic", "user,mac=x", text='"mac=x" is not understood')
    refused("-nic", "user,hostfwd=tcp:22-:22", text='"hostfwd=tcp:22-:22" is not understood')
    refused("-net", "user", text="-net user: only none")
    refused("--share", "some", text="--share some: wanted some of disk,net,content,boot")
    refused("--threads", "0", text="--threads 0: wanted 1 to 64")
    refused("--pcap", "lan:f", text='there is no network "lan"')
    refused("-rtc", "tomorrow", text="-rtc tomorrow")
    refused("-rtc", "base=1960-01-01", text="-rtc base=1960")
    refused("-seed", "x", text="-seed x")
    refused("-clock", "0", text="-clock 0")
    refused("-endian", "middle", text="-endian middle")
    refused("-device", "e1000", text="-device e1000")
    for seconds in ("x", "0", "-1", "inf", "nan", ""):
        refused("--timeout", seconds, text="--timeout %s: wanted seconds" % seconds)
    refused("--until-text", "", text="--until-text")
    refused("--stop-after", "-1", text="--stop-after -1: not a number")
    for engine in ("fast", "JIT", ""):
        refused("--engine", engine, text="--engine %s: wanted jit or interp" % engine)
    refused("--reply", "none", text="--reply none: wanted TEXT=ANSWER")
    for drive in ("foo", "if=scsi,file=x", "file=x,readonly=yes", "if=ide",
                  "file=x,serial=" + 21 * "s"):
        refused("-drive", drive, text="-drive")


def bad_files():
    os.mkdir("folder")
    open("empty", "wb").close()
    with open("large", "wb") as f:
        f.truncate(9 << 20)
    with open("cut", "wb") as f:
        f.write(b"\x7fELF\x01\x01\x01")
    refused(kernel=False, text="nothing to boot")
    for option in ("-kernel", "-initrd", "-bios"):
        refused(option, "missing", text="missing: No such file or directory")
        refused(option, "folder", text="folder: not a regular file")
        refused(option, "empty", text="empty: the file is empty")
    refused("-kernel", sys.executable, text="another processor")
    refused("-kernel", "cut", text="cut: an ELF file cut after 7 bytes")
    refused("-kernel", "large", "-m", "8M", text="large: 9216 KiB do not fit into RAM")
    refused("-initrd", "large", "-m", "8M", text="the initrd (9216 KiB) does not fit into RAM")
    refused("-bios", "large", text="the flash takes 4 MiB")
    refused("-append", 70000 * "x", text="the kernel command line is too long")
    refused("-drive", "file=missing", text="missing: No such file or directory")
    refused("-drive", "file=folder", text="folder: neither a file nor a block device")
    refused("-drive", "file=empty", text="empty: a disk of 0 bytes")
    refused("-o", "missing/t.zst", text="missing/t.zst: cannot create: No such file or directory")
    refused("-o", "folder", text="folder: cannot create: Is a directory")
    refused("-o", ECHO, text="is the kernel of VM vm0; write the trace (-o) elsewhere")
    refused("-drive", "file=large", "-o", "large", text="large: is a disk of VM vm0; write")
    check(os.path.getsize("large") == 9 << 20, "the disk was written over")


def help_and_version():
    for program in (RECORD, REPLAY, TRACE):
        name = os.path.basename(program)
        r = expect(0, program, "--help")
        check(r.err == "" and r.out.startswith(b"Usage: " + name.encode()), r)
        r = expect(0, program, "--version")
        check(r.err == "" and r.out.startswith(name.encode() + b" "), r)
    check(b"24Kf\n" in expect(0, RECORD, "-cpu", "help").out, "-cpu help does not list 24Kf")
    expect_one_line(REPLAY, text="which trace?")
    expect_one_line(REPLAY, "a", "b", text="one trace at a time")
    expect_one_line(REPLAY, "--verify", "--gdb=1234", "a", text="--verify runs without gdb")
    expect_one_line(REPLAY, "--engine=fast", "a", text="--engine fast: wanted jit or interp")
    expect_one_line(TRACE, text="which command?")
    expect_one_line(TRACE, "frob", "a", text='unknown command "frob"')


def options_that_work():
    with open("disk", "wb") as f:
        f.truncate(1 << 20)
    record("t.zst", "-drive", "file=disk,format=raw,serial=first", "-drive",
           "file=disk,if=virtio,readonly=on", "-device", "virtio-rng-pci", "-device",
           "virtio-serial-pci", "-nographic", "-net", "none", "-nic", "none", "-smp", "1", "-clock",
           "50", "-append", "a 'b' \"c\"",
           stdin=b"abq", text="power-off")
    info = expect(0, TRACE, "info", "t.zst").out.decode()
    for text in ("ide image", "virtio image", 'serial "first"', "read-only", "virtio-rng",
                 "virtio-console", "50000000 Hz", "8 MiB", "seed 42", "clock  1769860800"):
        check(text in info, "no %r in info:\n" % text, info)
    verify("t.zst")
    r = record("q.zst", "-q", stdin=b"q")
    check(r.err == "" and r.out.endswith(b"PASS\n"), r)
    r = expect(0, RECORD, *ECHO_ARGS, "-o", "none", stdin=b"q", text="power-off")
    check(not os.path.exists("none"), "-o none made a file")
    check("digest" not in r.err and r.err.count("\n") == 2, r)


def row(table, label):
    """The value in a row of --stats."""
    lines = [line for line in table.splitlines() if line.startswith("  " + label + "  ")]
    check(len(lines) == 1, "not one row", label, "in:\n", table)
    return lines[0].split()[-1]


def engines_and_statistics():
    """Each engine by name; the default is the translator where there is one."""
    default = "jit" if os.uname().machine == "x86_64" else "interp"
    for engine in dict.fromkeys(("interp", default, None)):
        chosen = ["--engine", engine] if engine else []
        engine = engine or default
        args = [a for a in ECHO_ARGS if a not in ENGINE]
        r = record("engine.zst", "-q", "--stats", *chosen, stdin=b"abq", args=args)
        check(r.out.endswith(b"PASS\n"), r)
        check(row(r.err, "engine") == engine, r)
        # Those of the boot must be: the table is one of this run.
        check(int(row(r.err, "blocks decoded").replace(",", "")) > 20, r)
        check(int(row(r.err, "device accesses").replace(",", "")) > 20, r)
        steps = row(r.err, "guest instructions").replace(",", "")
        check(int(steps) == end_step("engine.zst"), r)
        translated = "translated code" in r.err
        check(translated == (engine == "jit"), r)
        check(not translated or row(r.err, "blocks translated") != "0", r)
        r = verify("engine.zst")
        check("engine" not in r.err, r)
        r = expect(0, REPLAY, "--verify", "--stats", *chosen, "engine.zst", text="verified")
        check(row(r.err, "engine") == engine, r)
        check(row(r.err, "guest instructions").replace(",", "") == steps, r)


def ways_to_end():
    record("text.zst", "--until-text", "b 0", "--timeout", "20", stdin=b"abc", text="text after")
    check("text" in end_line("text.zst"), end_line("text.zst"))
    record("time.zst", "--timeout", "0.5", status=3, text="timeout after")
    verify("time.zst")
    record("sleep.zst", stdin=b"w", status=3, text="asleep after")
    verify("sleep.zst")
    r = record("reply.zst", "--reply", "ready=x\\x79\\n", "--reply", "\\n =q", text="power-off")
    check(r.out.count(b"\r\nx ") == 1 and b"\r\ny " in r.out, r)
    verify("reply.zst")
    # Branches go with their delay slot, so a run may end one behind.
    for steps in (0, 1, 2, 3, 1000, 9999, 10000, 10001, 1234567):
        record("stop.zst", "--stop-after", str(steps), text="limit after")
        check(end_step("stop.zst") - steps in (0, 1), "--stop-after", steps, end_line("stop.zst"))
        verify("stop.zst")


with Folder():
    bad_values()
    bad_files()
    help_and_version()
    options_that_work()
    engines_and_statistics()
    ways_to_end()
