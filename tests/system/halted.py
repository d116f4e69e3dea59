"""An exception that the boot ROM gets halts the machine, and a line says which; the others go on."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

CASES = {
    "break": "exception 9 (breakpoint)",
    "refill": "exception 2 (TLB miss at a load or fetch)",
    "syscall": "exception 8 (syscall)",
    "irq": "exception 0 (interrupt)",
    "vector": "exception 0 (interrupt)",
}

with Folder():
    for order in ("el", "eb"):
        for case, text in CASES.items():
            guest = os.path.join(BUILD, "tests/guest", f"bev.{order}.elf")
            r = expect(0, RECORD, "-m", "64M", "-kernel", guest, "-append", case, "--timeout", "20",
                       *ENGINE, "-o", "h.zst")
            check(r.out.replace(b"\r", b"") == b"START\n", r)
            check(text in r.err and "vm0: " in r.err and "halted after" in r.err, r)
            verify("h.zst")
            check(end_line("h.zst").startswith("end      halted"), end_line("h.zst"))
