"""A guest that resets the machine boots again, and the trace with both boots replays."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

need_linux()
with Folder():
    # pylint: disable=consider-using-with
    p = subprocess.Popen([RECORD, *LINUX_ARGS, "-o", "t.zst", "--reply", "# =reboot -f\\n"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = b""
    while b"Linux version" not in out.split(b"reboot: Restarting system")[-1] or \
            b"reboot: Restarting system" not in out:
        chunk = os.read(p.stdout.fileno(), 4096)
        check(chunk, "it ended before it booted again:", out[-500:])
        out += chunk
    p.terminate()
    rest, err = p.communicate(timeout=30)
    check(p.returncode == 0, p.returncode, err)
    out += rest
    expect(0, TRACE, "dump", "--kind", "power", "t.zst", text="power")
    r = expect(0, *VERIFY, "--console", "t.zst", text="verified")
    check(r.out == out, "--console shows another text than was recorded")
