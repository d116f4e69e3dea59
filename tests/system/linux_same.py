"""Debian's kernel twice, the second time with the host busy: one run. Its trace stands alone."""

from rig import *  # pylint: disable=wildcard-import,unused-wildcard-import

need_linux()
with open(LINUX_TEXT, "rb") as f:
    console = f.read()
with Folder():
    load = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        r = record("again.zst", "--reply", "# =uname -a\\n", "--reply", "# =poweroff -f\\n",
                   args=LINUX_ARGS, timeout=200)
    finally:
        load.kill()
        load.wait()
    check(r.out == console, "the consoles differ")
    check(end_line("again.zst") == end_line(LINUX_TRACE), end_line("again.zst"))
    r = expect(0, TRACE, "diff", LINUX_TRACE, "again.zst")
    check(r.out == b"" and r.err == "", r)

    os.mkdir("empty")
    shutil.copy(LINUX_TRACE, "empty/only.zst")
    r = expect(0, *VERIFY, "--console", "only.zst", cwd="empty", text="verified")
    check(r.out == console, "--console shows another text than was recorded")
    r = expect(0, TRACE, "export", "console", "only.zst", cwd="empty")
    check(r.out == console, "export console gives another text than was recorded")
    check(os.listdir("empty") == ["only.zst"], "the replay left files")
    if shutil.which("zstd") is not None:
        expect(0, "zstd", "-q", "-t", "empty/only.zst")
