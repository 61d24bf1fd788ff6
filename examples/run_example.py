"""Runs an example and compares what it prints with the "Expected output:" of its opening comment.

    run_example.py SOURCE COMMAND...

A line of the comment may hold {} where the figure differs from run to run.
"""

import re
import subprocess
import sys
import tempfile


def expected_lines(source):
    """The comment lines between "Expected output:" and the first line that is no comment."""
    with open(source, encoding="utf-8") as file:
        lines = [line.rstrip() for line in file]
    starts = [i for i, line in enumerate(lines) if line.endswith("Expected output:")]
    if not starts:
        sys.exit(f"{source}: no 'Expected output:' in the opening comment")
    expected = []
    for line in lines[starts[0] + 1:]:
        match = re.match(r"(?://|#)(?:\s\s\s?(.*))?$", line)
        if not match:
            break
        expected.append(match.group(1) or "")
    while expected and not expected[-1]:
        expected.pop()
    return expected


def matches(pattern, line):
    parts = [re.escape(part) for part in pattern.split("{}")]
    return re.fullmatch(".+".join(parts), line) is not None


def main():
    source, command = sys.argv[1], sys.argv[2:]
    expected = expected_lines(source)
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    printed = result.stdout.rstrip().split("\n")
    print(result.stdout, result.stderr, sep="\n")
    if result.returncode != 0:
        sys.exit(f"exit code {result.returncode}")
    if len(printed) != len(expected):
        sys.exit(f"{len(printed)} lines printed, {len(expected)} expected")
    for number, (pattern, line) in enumerate(zip(expected, printed), start=1):
        if not matches(pattern, line):
            sys.exit(f"line {number}: expected '{pattern}', printed '{line}'")


if __name__ == "__main__":
    main()
