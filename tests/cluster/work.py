"""Debian VMs that work side by side and share memory: right results, on any number of threads, and
no guest can tell whether it shares."""

from rig_cluster import *  # pylint: disable=wildcard-import,unused-wildcard-import

WORDS = dict(COUNT=2, WORK=1, MEMORY="64M", SEED="%d")

with Folder():
    wanted = set(text_of(os.path.join(GUESTS, "work.results")).split("\n"))
    make("work", "one.conf", THREADS=1, **WORDS)
    make("work", "two.conf", THREADS=2, **WORDS)
    make("work", "none.conf", THREADS=2, SHARE="none", **WORDS)
    record_cluster("one.zst", "one.conf")
    for vm in ("work0.txt", "work1.txt"):
        text = text_of(vm).replace("\r", "")
        results = [line for line in text.split("\n") if line.startswith("RESULT ")]
        check(len(results) >= 4 and all(line in wanted for line in results), vm, results)
        check("WORK end" in text, text[-2000:])
    record_cluster("two.zst", "two.conf")
    expect(0, TRACE, "diff", "one.zst", "two.zst")
    verify("two.zst", "--threads", "1")
    verify("one.zst", "--threads", "2")
    record_cluster("none.zst", "none.conf")
    check(digests("one.zst") == digests("none.zst") and len(digests("one.zst")) == 2,
          digests("one.zst"), digests("none.zst"))
    shared, alone = events("two.zst"), events("none.zst")
    # How many blocks are mapped and how many equal pages found later depends on who reads first, and so
    # on each instruction of the boot: from 200 to 4400 are mapped. Their sum is steady to 3 %.
    check(shared["share"] + shared["intercept"] > 45000 and shared["intercept"] > 100, shared)
    check(shared["unshare"] > 30000, shared)
    check(not any(alone.get(kind) for kind in ("share", "unshare", "intercept")), alone)
