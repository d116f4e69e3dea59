"""Debian VMs that are promised far more memory than there is, and share nothing: balloons and the swap
file make up for it, all finish their work, and it is the same run on any number of threads."""

from rig_cluster import *  # pylint: disable=wildcard-import,unused-wildcard-import

with Folder():
    wanted = set(text_of(os.path.join(GUESTS, "work.results")).split("\n"))
    make("work", "tight.conf", COUNT=3, WORK=1, MEMORY="64M", POOL="80M", SHARE="none", SEED="%d",
         THREADS=2)
    record_cluster("tight.zst", "tight.conf")
    for vm in ("work0.txt", "work1.txt", "work2.txt"):
        text = text_of(vm).replace("\r", "")
        results = [line for line in text.split("\n") if line.startswith("RESULT ")]
        check(len(results) >= 4 and all(line in wanted for line in results), vm, results)
        check("WORK end" in text, text[-2000:])
    count = events("tight.zst")
    check(count["page-out"] > 100 and count["page-in"] > 100, count)
    check(count["balloon-target"] > 3 and count["balloon"] > 1000, count)
    verify("tight.zst", "--threads", "1")
    out = expect(0, TRACE, "memory", "tight.zst").out.decode()
    used = re.search(r"machine memory, MiB: 80.0 there are, ([0-9.]+) in use at most", out)
    check(used and float(used[1]) <= 80.0, out[-2000:])
