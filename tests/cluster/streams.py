"""Two Debian VMs exchange streams and datagrams: nothing stands still, and no guest can tell what
is shared: the digests of both are equal, epoch batch by epoch batch, under every --share.

    python3 tests/cluster/streams.py BUILD OUT SOURCE                  some cases, for a second each
    python3 tests/cluster/streams.py BUILD OUT SOURCE SECONDS [SHARE,SHARE]
        all cases: 1, 2, 8, 32 streams and a flood, MTU 576 to 65535; with 60 seconds it takes an hour
"""

import time

from rig_cluster import *  # pylint: disable=wildcard-import,unused-wildcard-import

FLOOD = 0
SOME = [
    # flows, MTU, further keys of the network, shares
    (8, 1500, "", ("none", "disk", "net", "content", "boot", "all")),
    (2, 65535, "", ("none", "all")),
    (32, 576, "", ("none", "net")),
    (8, 9000, 'bandwidth = "100M"; loss = "0.1%"; jitter = "50us";', ("none", "all")),
    (FLOOD, 9000, 'bandwidth_in = "50M"; queue_in = "64K";', ("none", "all")),
]
FLOWS = (1, 2, 8, 32, FLOOD)
MTUS = (576, 1500, 9000, 65535)


def every_digest(trace):
    out = expect(0, TRACE, "dump", "--digests", trace).out.decode()
    return re.sub(r"events=\d+ ", "", out)


def run(flows, mtu, link, share, seconds):
    """The digests; the guests' own words are checked."""
    length = 28 if mtu == 576 else mtu - 28
    make("streams", "streams.conf", FLOWS=flows, MTU=mtu, LINK=link, SHARE=share, SECONDS=seconds,
         LEN=length)
    begin = time.time()
    limit = 60 + 20 * seconds
    expect(0, RECORD, "-o", "streams.zst", "streams.conf", "--timeout", str(limit), *ENGINE,
           text="power-off after", timeout=limit + 20)
    told = re.search(r"^RECEIVED (\d+) bytes on (\d+) connections, at least (\d+) on each; (\d+).*",
                     text_of("receiver.txt"), re.M)
    check(told, text_of("receiver.txt"))
    check("FAIL" not in text_of("receiver.txt") + text_of("sender.txt"), text_of("sender.txt"))
    if flows == FLOOD:
        check(int(told[4]) > 0, told[0])
    else:
        check(int(told[2]) == flows and int(told[3]) > 0, told[0])
    print(f"{flows or 'flood'} MTU {mtu} {link} share {share}: {told[0].strip()}; "
          f"{time.time() - begin:.0f} s here", flush=True)
    return every_digest("streams.zst")


def compare(flows, mtu, link, shares, seconds):
    first = run(flows, mtu, link, shares[0], seconds)
    check(len(first.splitlines()) >= 2, first)
    for share in shares[1:]:
        check(run(flows, mtu, link, share, seconds) == first, shares[0], "and", share, "differ")


with Folder():
    if len(sys.argv) > 4:
        ways = tuple(sys.argv[5].split(",")) if len(sys.argv) > 5 else ("none", "all")
        for m in MTUS:
            for n in FLOWS:
                compare(n, m, "", ways, int(sys.argv[4]))
    else:
        for case in SOME:
            compare(*case, 1)
        verify("streams.zst")
