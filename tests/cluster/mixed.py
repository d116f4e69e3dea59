"""Two versions of the kernel and a big-endian program without any system, in one run."""

from rig_cluster import *  # pylint: disable=wildcard-import,unused-wildcard-import

with Folder():
    make("mixed", "mixed.conf", THREADS=2)
    record_cluster("mixed.zst", "mixed.conf")
    versions = {re.search(r"Linux version (\S+)", text_of(vm))[1]
                for vm in ("kernel.txt", "other-kernel.txt")}
    check(len(versions) == 2, versions)
    for vm in ("kernel.txt", "other-kernel.txt"):
        check("Power down" in text_of(vm), text_of(vm)[-1000:])
    check(text_of("bare.txt").rstrip().endswith("PASS"), text_of("bare.txt"))
    verify("mixed.zst", "--threads", "1")
