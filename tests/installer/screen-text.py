#!/usr/bin/env python3
"""Prints the words of the last dialogue box that a console transcript shows.

usage: screen-text.py TEXT <TRANSCRIPT

The box is the one whose title holds TEXT. Cursor movements become line ends; colours, switches of
the character set and the lines that the box is drawn with are left out, and so are empty lines.
"""
import re
import sys


def main():
    text = sys.stdin.buffer.read().decode("latin-1")
    start = text.rfind(sys.argv[1])
    if start < 0:
        sys.exit("screen-text.py: '%s' was not printed" % sys.argv[1])
    text = text[start:]
    text = re.sub(r"\x1b\[[0-9;]*H", "\n", text)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x0e\x0f\r]", "", text)
    # Between ESC ( 0 and ESC ( B letters are pieces of lines.
    text = re.sub(r"\x1b\(0(.*?)(\x1b\(B|$)", lambda m: re.sub(r"[^\n]", "", m.group(1)), text,
                  flags=re.DOTALL)
    text = re.sub(r"\x1b[\[(]?[0-9;?]*$", "", text)  # the recording may end within one
    for line in text.split("\n"):
        if line.strip():
            print(line.strip())


if __name__ == "__main__":
    main()
