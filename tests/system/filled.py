"""VMs that write more to their disks than the pool has: what they wrote is paged out as RAM is, they read
it back, the pool is not exceeded between epochs, and the trace verifies and goes backward."""

import re

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

FILLER = os.path.join(HERE, "filler.elf")
CONF = """
machine = { memory = "%s"; threads = %d; seed = 1; no_reboot = true; };
vms = ( { name = "f%%d"; count = %d; kernel = "%s"; memory = "8M"; console = "file:f%%d.txt";
          disks = ( { file = "disk"; interface = "ide"; } ); } );
"""


def events(trace):
    out = expect(0, TRACE, "stats", trace).out.decode()
    return {m[1]: int(m[2]) for m in re.finditer(r"^([a-z0-9-]+) +(\d+)$", out, re.M)}


def fill(count, pool, threads):
    with open("f.conf", "w", encoding="ascii") as f:
        f.write(CONF % (pool, threads, count, FILLER))
    expect(0, RECORD, "-o", "f.zst", "f.conf", "--timeout", "100", *ENGINE, text="power-off")
    for i in range(count):
        with open("f%d.txt" % i, "rb") as f:
            text = f.read()
        check(text.count(b"right") == 2 and text.endswith(b"PASS\n"), text)
    n = events("f.zst")
    check(n["block-out"] > 1500 * count and n["block-in"] > 300 * count, n)
    out = expect(0, TRACE, "memory", "f.zst").out.decode()
    used = re.search(r"machine memory, MiB: ([0-9.]+) there are, ([0-9.]+) in use at most", out)
    check(used and float(used[2]) <= float(used[1]), out[-2000:])
    verify("f.zst", "--threads", "2" if threads == 1 else "1")


def backward():
    """From the end back over pages that went out: gdb is where it was."""
    expect(0, TRACE, "dump", "--kind=block-out", "f.zst", text="block-out")
    gdb = shutil.which("gdb-multiarch")
    if gdb is None:
        return
    step = end_step("f.zst")
    show = ["maint flush register-cache", "info registers pc v0 v1 t0", "x/4xw version"]
    lines = ["monitor seek %d" % (step // 2), *show, "monitor seek %d" % step,
             "monitor seek %d" % (step // 2), *show, "reverse-stepi", "stepi", *show]
    r = expect(0, REPLAY, *ENGINE, "f.zst", "--", "-q", "-batch", "-nx", "-ex", "file " + FILLER,
               *(w for line in lines for w in ("-ex", line)))
    at = re.findall(rb"pc: +(0x\w+)\nv0: +(0x\w+)\nv1: +(0x\w+)\nt0: +(0x\w+)\n(0x\w+ <version>:.*)",
                    r.out)
    check(len(at) == 3 and at[0] == at[1] == at[2], at, r)


with Folder():
    with open("disk", "wb") as disk:
        disk.truncate(6 << 20)
    fill(1, "2M", 1)
    backward()
    fill(2, "4M", 2)
