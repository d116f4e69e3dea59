"""A file goes over HTTP between two unmodified Debian kernels: its pages are mapped, not copied."""

from rig_cluster import *  # pylint: disable=wildcard-import,unused-wildcard-import

MIB = 16

with Folder():
    make("copy", "copy.conf", SIZE=MIB, THREADS=2)
    record_cluster("copy.zst", "copy.conf", "--pcap", "lan:lan.pcap")
    served = re.search(r"SERVES (\d+) (\w+)", text_of("server.txt"))
    copied = re.search(r"COPIED (\d+) [\d.]+ (\w+)", text_of("client.txt"))
    check(served and copied and served.groups() == copied.groups() and int(served[1]) == MIB << 20,
          served, copied)
    pages = MIB << 20 >> 12
    check(events("copy.zst")["remap"] >= 0.8 * pages, events("copy.zst"), "of", pages, "pages")
    check(os.path.getsize("lan.pcap") > MIB << 20, "the capture is too short")
    verify("copy.zst", "--threads", "2")
    make("copy", "plain.conf", SIZE=MIB, SHARE="none")
    record_cluster("plain.zst", "plain.conf")
    check("remap" not in events("plain.zst") or events("plain.zst")["remap"] == 0,
          events("plain.zst"))
    check(re.search(r"COPIED (\d+) [\d.]+ (\w+)", text_of("client.txt"))[2] == served[2],
          text_of("client.txt"))
