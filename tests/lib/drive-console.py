#!/usr/bin/env python3
"""Runs a program and holds a scripted dialogue with its console, as disco-record --reply does.

usage: drive-console.py [--timeout S] [--until TEXT] [--reply TEXT=ANSWER]... -- PROGRAM ARG...

What the program prints is copied to standard output. Replies are used in order: when the text of
the next one was printed since the last answer, its answer and a newline are typed. With --until
the program is ended when that text's line is complete. Exit status: that of the program, 0 if
--until ended it, 1 if time ran out or the program ended before its dialogue did.
"""
import argparse
import os
import select
import subprocess
import sys
import time


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--until")
    parser.add_argument("--reply", action="append", default=[])
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    for reply in arguments.reply:
        if "=" not in reply:
            parser.error("--reply wants TEXT=ANSWER, not '%s'" % reply)
    return arguments


def converse(program, replies, until, deadline):
    """Copies and answers until the program closes its output; returns an error text or None."""
    unread = b""
    while True:
        wait = deadline - time.monotonic()
        if wait <= 0:
            return "time ran out" + (", waiting for '%s'" % replies[0][0] if replies else "")
        if not select.select([program.stdout], [], [], wait)[0]:
            continue
        data = os.read(program.stdout.fileno(), 65536)
        if not data:
            break
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        unread += data
        if until and until in unread and b"\n" in unread.split(until, 1)[1]:
            return None
        while replies and replies[0][0].encode() in unread:
            text, answer = replies.pop(0)
            unread = unread.split(text.encode(), 1)[1]
            program.stdin.write(answer.encode() + b"\n")
            program.stdin.flush()
    if replies:
        return "the program ended before it printed '%s'" % replies[0][0]
    if until:
        return "the program ended before it printed '%s'" % until.decode()
    return None


def main():
    arguments = parse_arguments()
    replies = [reply.split("=", 1) for reply in arguments.reply]
    until = arguments.until.encode() if arguments.until else None
    program = subprocess.Popen(arguments.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        error = converse(program, replies, until, time.monotonic() + arguments.timeout)
        if error:
            sys.exit("drive-console.py: " + error)
        if until:
            return 0
        return program.wait()
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()


if __name__ == "__main__":
    sys.exit(main())
