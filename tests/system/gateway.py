"""A Debian guest and the outside: it fetches a file from the host, and the host from it; recorded,
and replayed when nobody is out there any more. All of it stays on 127.0.0.1."""

import hashlib
import http.server
import re
import socket
import struct
import threading
import time
import urllib.request

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

NET = os.path.join(GUESTS, "net.cpio.gz")
QUIET = "console=ttyS0 nokaslr panic=1 quiet cryptomgr.notests ip=10.0.2.15 "
DELAY = 1.5


def guest(words):
    return ["-m", "128M", "-kernel", os.path.join(GUESTS, "vmlinux"), "-initrd", NET, "-append",
            QUIET + words, "-no-reboot", "--timeout", "60", *FIXED, *ENGINE]


class Outside(http.server.BaseHTTPRequestHandler):
    files = {}

    def do_GET(self):  # pylint: disable=invalid-name
        content = self.files[self.path]
        if self.path == "/payload":
            time.sleep(DELAY)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def md5(content):
    return hashlib.md5(content).hexdigest()


def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def frames_of(path):
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at < len(data):
        n = struct.unpack("<I", data[at + 8:at + 12])[0]
        yield data[at + 16:at + 16 + n]
        at += 16 + n


def check_capture(path, least):
    """All checksums are there, no frame is longer than the line allows, and there is a payload."""
    payload = 0
    for frame in frames_of(path):
        check(len(frame) <= 1514, "a frame of", len(frame))
        if frame[12:14] != b"\x08\0" or frame[23] != 6:
            continue
        ip = frame[14:14 + struct.unpack(">H", frame[16:18])[0]]
        check(ones_sum(ip[:20]) == 0xffff, "IP's checksum", ip.hex())
        tcp = ip[20:]
        pseudo = ip[12:20] + struct.pack(">HH", 6, len(tcp))
        check(ones_sum(pseudo + tcp) == 0xffff, "TCP's checksum", ip.hex())
        payload += len(tcp) - 4 * (tcp[12] >> 4)
    check(payload >= least, "only", payload, "bytes of payload in", path)


def verified(trace, pcap, least):
    """The replay, whose frames are the same."""
    with open(pcap, "rb") as f:
        recorded = f.read()
    check_capture(pcap, least)
    expect(0, *VERIFY, "--pcap", "user:replayed.pcap", trace, text="verified")
    with open("replayed.pcap", "rb") as f:
        check(f.read() == recorded, "the replay captured other frames than", pcap)


def fetches():
    content = seeded().randbytes(2000000)
    Outside.files = {"/payload": content, "/payload.md5": (md5(content) + "  -\n").encode()}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        r = record("fetch.zst", "-nic", "user", "--pcap", "user:fetch.pcap",
                   args=guest("role=client peer=10.0.2.2:%d" % server.server_port),
                   text="power-off")
        server.shutdown()
    copied = re.search(r"COPIED 2000000 ([0-9.]+) (\w+)", r.out.decode(errors="replace"))
    check(copied is not None and copied[2] == md5(content), r)
    # It waited about as long as we let it wait: time did not jump.
    check(DELAY / 10 < float(copied[1]) < 10 * DELAY, "fetched in", copied[1])
    verified("fetch.zst", "fetch.pcap", len(content))


def wait_for(path, text, process):
    for _ in range(300):
        with open(path, "rb") as f:
            if text in f.read():
                return
        check(process.poll() is None, "ended before it said", text)
        time.sleep(0.1)
    check(False, "not within 30 seconds:", text)


def serves():
    web, done = free_port(), free_port()
    nic = "user,hostfwd=tcp:127.0.0.1:%d-:80,hostfwd=tcp:127.0.0.1:%d-10.0.2.15:9" % (web, done)
    with open("serve.txt", "wb") as out:
        p = subprocess.Popen([RECORD, *guest("role=server peer=10.0.2.2 size=1"), "-nic", nic,
                              "--pcap", "user:serve.pcap", "-o", "serve.zst"],
                             stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
    try:
        wait_for("serve.txt", b"SERVES 1048576", p)
        url = "http://127.0.0.1:%d/payload" % web
        with urllib.request.urlopen(url, timeout=20) as answer:
            content = answer.read()
        with open("serve.txt", "rb") as f:
            check(md5(content).encode() in f.read(), "fetched something else")
        refused_port(web)
        with socket.create_connection(("127.0.0.1", done), timeout=20) as s:
            s.sendall(b"it is done\n")
        _, err = p.communicate(timeout=30)
    finally:
        p.kill()
        p.wait()
    check(p.returncode == 0 and b"power-off" in err, p.returncode, err)
    verified("serve.zst", "serve.pcap", 1048576)


def refused_port(port):
    expect_one_line(RECORD, *guest("role=client"), "-o", "refused.zst", "-nic",
                    "user,hostfwd=tcp:127.0.0.1:%d-:80" % port, text="Address already in use")
    check(not os.path.exists("refused.zst"), "a trace was begun")


def mistakes():
    for pcap, text in (("lan:x", "fetch.zst has no such network"),
                       ("user:fetch.zst", "is the trace; write the frames"),
                       ("user:", "wanted NETWORK:FILE"),
                       ("user:/nonexistent/x", "/nonexistent/x: cannot create")):
        expect_one_line(REPLAY, "--verify", "--pcap", pcap, "fetch.zst", text=text)
    expect_one_line(REPLAY, "--pcap", "user:x", "fetch.zst", text="--pcap goes with --verify")
    check(not os.path.exists("x"), "a capture was begun")
    verify("fetch.zst")


need_linux()
if not os.path.exists(NET):
    print("no net.cpio.gz (sh tests/guest/initramfs/make-initramfs.sh makes it)")
    sys.exit(77)
with Folder():
    fetches()
    serves()
    mistakes()
